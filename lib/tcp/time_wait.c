/* SPDX-License-Identifier: BSD-3-Clause */
/* time_wait.c: a segment arrives in TIME-WAIT (RFC 9293 3.10.7.4, RFC 1337, RFC 6191). The record
 * gives a verdict; the engine acts. */
#include "control.h"

enum {
	DEADLINE_BITS = 20,
	TS_HI_SHIFT = 18,
	TS_HI_BITS = 14,
	TS_HI_LOW_BITS = 12,
	STAMP_STALE_MS = 32768,
	STAMP_AHEAD_MS = 2, /* a stamp of now: rounded up, and 0 means never */
	REOPEN_MS = 1000,
};
#define DEADLINE_MASK ((1u << DEADLINE_BITS) - 1)

/* A deadline may have passed this long ago, and is still known from one to come. */
#define LATE_MAX_MS (1u << 16)

void tg_tw_set_deadline(struct tg_tw *tw, uint64_t deadline_ms)
{
	tw->deadline = (uint32_t)deadline_ms & DEADLINE_MASK;
}

uint64_t tg_tw_deadline(const struct tg_tw *tw, uint64_t now_ms)
{
	uint64_t from = now_ms > LATE_MAX_MS ? now_ms - LATE_MAX_MS : 0;

	return from + ((tw->deadline - (uint32_t)from) & DEADLINE_MASK);
}

/* Never an edge left of the one that was told. */
static uint32_t scaled_up(uint32_t wnd, uint8_t scale)
{
	uint32_t units = (wnd + (1u << scale) - 1) >> scale;

	return units < UINT16_MAX ? units : UINT16_MAX;
}

static uint16_t stamp(uint64_t ms)
{
	uint16_t s = (uint16_t)ms;

	return s ? s : 1;
}

/* A window is 16 bits and a scale, so this is exact unless it came about otherwise. */
static void set_max_wnd(struct tg_tw *tw, uint32_t wnd)
{
	uint32_t exp = 0;

	while (wnd > 0xffffu << exp)
		exp++;
	tw->max_wnd = ((wnd + (1u << exp) - 1) >> exp) & 0xffff;
	tw->max_exp = exp & 0xf;
}

static void set_ts_offset(struct tg_tw *tw, uint32_t offset)
{
	uint32_t hi = (uint32_t)(((uint64_t)offset + (1u << TS_HI_SHIFT) - 1) >> TS_HI_SHIFT);

	tw->ts_hi_low = hi & ((1u << TS_HI_LOW_BITS) - 1);
	tw->ts_hi_top = (hi >> TS_HI_LOW_BITS) & ((1u << (TS_HI_BITS - TS_HI_LOW_BITS)) - 1);
	tw->flags |= TG_TW_TS_OWN;
}

static uint32_t ts_offset(const struct tg_tw *tw, const struct tg_tuple *tuple,
			  const struct tg_tcp_env *env)
{
	if (!(tw->flags & TG_TW_TS_OWN))
		return tg_tcp_ts_offset(tuple, env);
	return ((uint32_t)tw->ts_hi_top << TS_HI_LOW_BITS | tw->ts_hi_low) << TS_HI_SHIFT;
}

void tg_tw_make(struct tg_tw *tw, const struct tg_tcb *tcb, uint64_t fingerprint,
		uint32_t peer_offset, uint64_t deadline_ms)
{
	*tw = (struct tg_tw){
	    .fingerprint = fingerprint,
	    .snd_nxt = tcb->snd.nxt,
	    .rcv_nxt = tcb->rcv.nxt,
	    .ts_recent = tcb->ts_recent,
	    .flags = (TG_TW_USED | (tcb->ts_on ? TG_TW_TS : 0)) & 0x3f,
	    .rcv_scale = tcb->rcv_scale & 0xfu,
	    .rcv_wnd = scaled_up(tg_tcb_rcv_wnd(tcb), tcb->rcv_scale) & 0xffff,
	    .ch_stamp = tcb->ch_ms ? stamp(tcb->ch_ms) : 0,
	};
	set_max_wnd(tw, tcb->snd.max_wnd);
	if (tcb->ts_on && tcb->ts_offset != peer_offset)
		set_ts_offset(tw, tcb->ts_offset);
	tg_tw_set_deadline(tw, deadline_ms);
}

/* <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>, with timestamps when they were on (TD-19). */
static void reply_ack(const struct tg_tw *tw, const struct tg_tuple *tuple,
		      const struct tg_tcp_env *env, struct tg_act *act)
{
	act->has_reply = true;
	act->reply = (struct tg_seg){
	    .seq = tw->snd_nxt, .ack = tw->rcv_nxt, .ctl = TG_TCP_ACK, .wnd = tw->rcv_wnd & 0xffff};
	if (!(tw->flags & TG_TW_TS))
		return;
	act->reply.opts.has_ts = 1;
	act->reply.opts.tsval = tg_tcp_tsval(ts_offset(tw, tuple, env), env);
	act->reply.opts.tsecr = tw->ts_recent;
}

/* RB-08, never sooner: the stamp was rounded up, and now is rounded down. The stamp is the low 16
 * bits: once in 65 s a stale one looks fresh and costs one challenge. */
static bool is_limited(const struct tg_tw *tw, const struct tg_tcp_env *env)
{
	uint64_t now_ms = env->now_ns / TG_NS_PER_MS;
	uint16_t age_ms = (uint16_t)(now_ms + STAMP_AHEAD_MS - tw->ch_stamp);

	return tw->ch_stamp && age_ms < env->challenge_ms + STAMP_AHEAD_MS;
}

static void challenge(struct tg_tw *tw, const struct tg_tuple *tuple, const struct tg_tcp_env *env,
		      struct tg_act *act)
{
	if (is_limited(tw, env)) {
		tg_ctr_inc(env->ctr, TG_CTR_ch_skipped);
		return;
	}
	tw->ch_stamp = stamp(env->now_ms);
	tg_ctr_inc(env->ctr, TG_CTR_ch_sent);
	reply_ack(tw, tuple, env, act);
}

void tg_tw_challenge(struct tg_tw *tw, const struct tg_tuple *tuple, const struct tg_tcp_env *env,
		     struct tg_act *act)
{
	tg_act_init(act);
	challenge(tw, tuple, env, act);
}

static uint32_t rcv_wnd(const struct tg_tw *tw)
{
	return tw->rcv_wnd << tw->rcv_scale;
}

/* --- SYN: TD-22, ADV-65 --- */

bool tg_tw_is_newer(const struct tg_tw *tw, const struct tg_seg *seg)
{
	bool seq_newer = tg_seq_gt(seg->seq, tw->rcv_nxt);

	if (!seg->opts.has_ts)
		return seq_newer;
	if (!(tw->flags & TG_TW_TS))
		return true;
	if (seg->opts.tsval == tw->ts_recent)
		return seq_newer;
	return (int32_t)(seg->opts.tsval - tw->ts_recent) > 0;
}

static enum tg_tw_outcome syn_arrives(struct tg_tw *tw, const struct tg_tuple *tuple,
				      const struct tg_seg *seg, const struct tg_tcp_env *env,
				      struct tg_act *act)
{
	if (!(seg->ctl & TG_TCP_ACK) && tg_tw_is_newer(tw, seg))
		return TG_TW_REUSE;
	act->verdict = TG_CTR_syn_in_window; /* TD-25; SE-21: a SYN,ACK never reuses */
	challenge(tw, tuple, env, act);
	return TG_TW_DONE;
}

/* --- all else --- */

/* DESIGN 4: the ACK of the cookie that answered the reuse. */
static bool may_be_cookie(const struct tg_tw *tw, const struct tg_seg *seg)
{
	return (tw->flags & TG_TW_COOKIE) && (seg->ctl & TG_TCP_ACK) &&
	       tg_seq_gt(seg->seq, tw->rcv_nxt) && tg_seq_gt(tg_seq_sub(seg->ack, 1), tw->snd_nxt);
}

static bool is_before_check_1(struct tg_tw *tw, const struct tg_tuple *tuple,
			      const struct tg_seg *seg, const struct tg_tcp_env *env,
			      struct tg_act *act)
{
	if (!(tw->flags & TG_TW_TS))
		return false;
	if (!seg->opts.has_ts) { /* SE-44 */
		act->verdict = TG_CTR_ts_missing;
		return true;
	}
	if ((int32_t)(seg->opts.tsval - tw->ts_recent) >= 0)
		return false;
	act->verdict = TG_CTR_paws_drop; /* SE-43 */
	challenge(tw, tuple, env, act);
	return true;
}

/* TD-16, ADV-62. Its ACK may be old (a simultaneous close), but not of what we never sent. */
static bool is_fin_again(const struct tg_tw *tw, const struct tg_seg *seg)
{
	return (seg->ctl & (TG_TCP_FIN | TG_TCP_ACK)) == (TG_TCP_FIN | TG_TCP_ACK) &&
	       tg_seq_eq(tg_seq_add(seg->seq, tg_seg_len(seg)), tw->rcv_nxt) &&
	       tg_seq_le(seg->ack, tw->snd_nxt);
}

static bool is_acceptable(const struct tg_tw *tw, const struct tg_seg *seg)
{
	tg_seq edge = tg_seq_add(tw->rcv_nxt, rcv_wnd(tw));
	uint32_t len = tg_seg_len(seg);

	if (len == 0 || rcv_wnd(tw) == 0)
		return tg_seq_eq(seg->seq, tw->rcv_nxt) ||
		       (tg_seq_gt(seg->seq, tw->rcv_nxt) && tg_seq_lt(seg->seq, edge));
	return tg_seq_lt(seg->seq, edge) && tg_seq_gt(tg_seq_add(seg->seq, len), tw->rcv_nxt);
}

/* SE-31, RB-06 */
static tg_seq oldest_ack(const struct tg_tw *tw)
{
	return tg_seq_sub(tw->snd_nxt, (uint32_t)tw->max_wnd << tw->max_exp);
}

static void check_5_on(struct tg_tw *tw, const struct tg_tuple *tuple, const struct tg_seg *seg,
		       const struct tg_tcp_env *env, struct tg_act *act)
{
	if (!(seg->ctl & TG_TCP_ACK))
		act->verdict = TG_CTR_no_ack; /* SE-25 */
	else if (tg_seq_gt(seg->ack, tw->snd_nxt))
		act->verdict = TG_CTR_ack_unsent; /* SE-32 */
	else if (tg_seq_lt(seg->ack, oldest_ack(tw)))
		act->verdict = TG_CTR_ack_old; /* SE-31 */
	else if (tg_seg_len(seg) == 0)
		act->verdict = TG_CTR_tw_old; /* SE-28..30 */
	else
		tg_ctr_inc(env->ctr, TG_CTR_after_fin); /* SE-33, SE-34, SE-41 */
	if (act->verdict != TG_CTR_no_ack && act->verdict != TG_CTR_tw_old)
		challenge(tw, tuple, env, act);
}

static enum tg_tw_outcome restart(struct tg_tw *tw, const struct tg_tuple *tuple,
				  const struct tg_tcp_env *env, struct tg_act *act)
{
	if ((uint16_t)(env->now_ms + STAMP_AHEAD_MS - tw->ch_stamp) > STAMP_STALE_MS)
		tw->ch_stamp = 0;
	tg_ctr_inc(env->ctr, TG_CTR_tw_fin_reack);
	reply_ack(tw, tuple, env, act);
	return TG_TW_RESTART;
}

/* TD-17: nothing but the FIN restarts. ADV-63, ADV-64: a RST, also one that our challenge drew,
 * ends nothing. */
enum tg_tw_outcome tg_tw_arrives(struct tg_tw *tw, const struct tg_tuple *tuple,
				 const struct tg_seg *seg, const struct tg_tcp_env *env,
				 struct tg_act *act)
{
	tg_act_init(act);
	if (seg->ctl & TG_TCP_RST) { /* TD-18, RFC 1337 F1 */
		act->verdict = TG_CTR_tw_rst;
		return TG_TW_DONE;
	}
	if (seg->ctl & TG_TCP_SYN)
		return syn_arrives(tw, tuple, seg, env, act);
	if (may_be_cookie(tw, seg))
		return TG_TW_COOKIE_TRY;
	tg_note_options(seg, env);
	if (is_before_check_1(tw, tuple, seg, env, act))
		return TG_TW_DONE;
	if (is_fin_again(tw, seg))
		return restart(tw, tuple, env, act);
	if (is_acceptable(tw, seg)) {
		check_5_on(tw, tuple, seg, env, act);
		return TG_TW_DONE;
	}
	tg_ctr_inc(env->ctr, TG_CTR_oow_seq);
	challenge(tw, tuple, env, act);
	return TG_TW_DONE;
}

/* TD-27: TS.Recent was set at or before the record began, 2MSL before its deadline; a second later
 * our TSval is above all that the peer has seen, and its PAWS guards the new connection. Not so
 * where the old one had an offset of its own. */
bool tg_tw_may_reopen(const struct tg_tw *tw, uint64_t now_ms, uint64_t two_msl_ms)
{
	uint64_t entered_ms = tg_tw_deadline(tw, now_ms) - two_msl_ms;

	return (tw->flags & (TG_TW_TS | TG_TW_TS_OWN)) == TG_TW_TS &&
	       now_ms >= entered_ms + REOPEN_MS;
}
