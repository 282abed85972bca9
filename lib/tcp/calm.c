/* SPDX-License-Identifier: BSD-3-Clause */
/* calm.c: see tg_calm.h. Each condition names the rule that makes it one. */
#include "tg_calm.h"

#include "control.h"
#include "data.h"
#include "small_float.h"

enum {
	ODD_FLAGS = (uint8_t) ~(TG_TCP_ACK | TG_TCP_PSH | TG_TCP_FIN),
	TS_AGE_SHIFT = 16,
	ONE_SYN_ACK = 1 << 8, /* ts_age of a half-open entry: sent once, no timeout */
	GRANULARITY_US = 1000,
	RTT_AGE_MAX_MS = 60000,
	TEXT_MAX = 2048, /* longer ones were merged by somebody: a chunk, or two, hold less */
};

/* No option that says anything but TS, which was agreed on, and is not older than TS.Recent (SE-43,
 * SE-44). */
static inline bool has_calm_options(const struct tg_conn *c, const struct tg_seg *seg)
{
	const struct tg_tcp_opts *o = &seg->opts;

	if (o->has_mss | o->has_wscale | o->has_sack_perm | o->bad_sack | o->bad | o->sack_n)
		return false;
	if (!(c->flags & TG_CONN_TS))
		return !o->has_ts;
	return o->has_ts && (int32_t)(o->tsval - c->ts_recent) >= 0;
}

/* SEG.SEQ = RCV.NXT, SEG.ACK = SND.NXT, the window open, nothing of ECN on either side, and no
 * challenge whose time must be kept. */
static inline bool is_next(const struct tg_conn *c, const struct tg_seg *seg)
{
	return tg_seq_eq(seg->seq, c->rcv_nxt) && tg_seq_eq(seg->ack, c->snd_nxt) && seg->wnd &&
	       (seg->ctl & TG_TCP_ACK) && !(seg->ctl & ODD_FLAGS) && seg->ecn == TG_ECN_NOT &&
	       !c->ch_stamp && !(c->flags & (TG_CONN_ECN | TG_CONN_ECN_OWES | TG_CONN_ACTIVE));
}

/* --- the handshake's ACK --- */

static uint32_t ts_first(const struct tg_conn *c)
{
	return (uint32_t)c->rttvar << 16 | c->srtt;
}

/* EST-34: the echo is of the one SYN-ACK. EST-35: nothing is waited for. */
static bool is_opening(const struct tg_conn *c, const struct tg_tcp_conf *conf,
		       const struct tg_seg *seg, const struct tg_tcp_env *env)
{
	uint32_t age_ms = (uint32_t)env->now_ms + c->ts_offset - ts_first(c);

	if (seg->ctl != TG_TCP_ACK || seg->len || conf->defer_accept_ms ||
	    c->ts_age != ONE_SYN_ACK || (c->flags & TG_CONN_MAX_RAW))
		return false;
	if ((c->flags & TG_CONN_TS) && (seg->opts.tsecr != ts_first(c) || seg->opts.tsecr == 0))
		return false;
	return age_ms < env->now_ms && age_ms <= RTT_AGE_MAX_MS;
}

/* DT-04: the sample that the SYN-ACK's echo gives; without timestamps, the SYN-ACK itself, whose
 * time its last TSval's place tells to the nanosecond (rest.c). */
static uint32_t first_rtt_us(const struct tg_conn *c, const struct tg_tcp_env *env)
{
	uint32_t age_ms = (uint32_t)env->now_ms + c->ts_offset - ts_first(c);
	uint32_t before = (uint32_t)c->max_snd_wnd << 16 | c->snd_wnd;

	if (c->flags & TG_CONN_TS)
		return age_ms ? 1000 * age_ms : GRANULARITY_US;
	uint64_t start_ns = (env->now_ms - age_ms) * TG_NS_PER_MS - before;
	uint64_t us = env->now_ns < start_ns ? GRANULARITY_US : (env->now_ns - start_ns) / 1000;

	return us ? (uint32_t)us : 1;
}

void tg_calm_open(struct tg_conn *c, const struct tg_seg *seg, const struct tg_tcp_env *env)
{
	uint32_t rtt_us = first_rtt_us(c, env);
	const uint32_t half = TG_CONN_SND_RAW | TG_CONN_MAX_RAW;

	c->state = TG_ESTABLISHED;
	c->flags &= ~half & 0xfffu;
	c->snd_wnd = c->max_snd_wnd = seg->wnd; /* in units of the scale, as it came */
	c->srtt = small_float(rtt_us);
	c->rttvar = small_float(rtt_us / 2);
	c->cwnd = 0;
	c->ts_age = (uint16_t)(env->now_ms >> TS_AGE_SHIFT);
	if (c->flags & TG_CONN_TS)
		c->ts_recent = seg->opts.tsval;
}

/* --- ESTABLISHED --- */

/* Who had closed his window is on other lists. */
static enum tg_calm in_established(const struct tg_conn *c, const struct tg_seg *seg)
{
	if (c->cwnd || c->snd_wnd == 0 || (c->flags & TG_CONN_ORPHAN))
		return TG_CALM_NOT;
	if (seg->ctl & TG_TCP_FIN) /* SE-37: inside the window */
		return seg->len == 0 && tg_calm_rcv_wnd(c) > 0 ? TG_CALM_FIN : TG_CALM_NOT;
	if (seg->len == 0 || seg->len > TEXT_MAX || seg->len > tg_calm_rcv_wnd(c))
		return TG_CALM_NOT;
	return TG_CALM_TEXT;
}

enum tg_calm tg_calm_meet(const struct tg_conn *c, const struct tg_tcp_conf *conf,
			  const struct tg_seg *seg, const struct tg_tcp_env *env)
{
	if (!is_next(c, seg) || !has_calm_options(c, seg))
		return TG_CALM_NOT;
	if (c->state == TG_SYN_RECEIVED)
		return is_opening(c, conf, seg, env) ? TG_CALM_OPENS : TG_CALM_NOT;
	return c->state == TG_ESTABLISHED ? in_established(c, seg) : TG_CALM_NOT;
}

/* SE-45: it has the newest window. */
static inline void take_window(struct tg_conn *c, const struct tg_seg *seg)
{
	uint32_t max = tg_calm_max_wnd(c);

	c->snd_wnd = seg->wnd;
	c->flags &= ~(uint32_t)TG_CONN_SND_RAW & 0xfffu;
	if ((uint32_t)seg->wnd << c->snd_scale <= max)
		return;
	c->max_snd_wnd = seg->wnd;
	c->flags &= ~(uint32_t)TG_CONN_MAX_RAW & 0xfffu;
}

void tg_calm_take(struct tg_conn *c, const struct tg_seg *seg, const struct tg_tcp_env *env)
{
	take_window(c, seg);
	c->rcv_nxt = tg_seq_add(c->rcv_nxt, tg_seg_len(seg));
	if (!(c->flags & TG_CONN_TS))
		return;
	c->ts_recent = seg->opts.tsval; /* DT-09 */
	c->ts_age = (uint16_t)(env->now_ms >> TS_AGE_SHIFT);
}

/* --- what is said --- */

/* By the function of all others, on a block of which only that has been filled in which it reads.
 */
bool tg_calm_tell(struct tg_conn *c, const struct tg_tcp_conf *conf, struct tg_calm_wnd *w)
{
	struct tg_tcb tcb;
	tg_seq edge = tg_seq_add(c->rcv_nxt, w->was - w->taken - (w->fin ? 1 : 0));

	tcb.conf = conf;
	tcb.snd.mss = c->mss;
	tcb.rcv_scale = c->rcv_scale;
	tcb.rcv.nxt = c->rcv_nxt;
	tcb.rcv.edge = edge;
	tcb.rx_read = w->fin ? tg_seq_sub(c->rcv_nxt, 1) : c->rcv_nxt;
	tcb.fin_rcvd = w->fin;
	tcb.quick_ms = 0;
	tcb.rx_slack = w->slack;
	w->field = tg_rx_window(&tcb, false);
	if ((uint32_t)w->field << c->rcv_scale != tg_tcb_rcv_wnd(&tcb))
		return false;
	w->slack = tcb.rx_slack;
	c->rcv_wnd = w->field;
	c->flags &= ~(uint32_t)TG_CONN_RCV_RAW & 0xfffu;
	return true;
}

uint64_t tg_calm_due(const struct tg_conn *c, const struct tg_tcp_conf *conf, uint64_t now_ms)
{
	uint32_t srtt_us = small_float_of(c->srtt), rttvar_us = small_float_of(c->rttvar);
	uint32_t rto_us = srtt_us ? tg_rto_of(srtt_us, rttvar_us, conf) : c->rttvar * 1000u;
	uint64_t at = tg_rto_due(conf, now_ms, (rto_us + 999) / 1000), probe;

	if (!(c->flags & TG_CONN_SACK) || srtt_us == 0)
		return at;
	probe = now_ms + (tg_rack_probe_us(srtt_us, true, conf) + 999) / 1000;
	return probe < at ? probe : at;
}

/* EST-11. A full queue would be told apart (tg_tcp_send). */
uint32_t tg_calm_room(const struct tg_conn *c, const struct tg_tcp_conf *conf)
{
	uint32_t most = (c->flags & TG_CONN_TS) ? c->mss - 12u : c->mss, wnd = tg_calm_snd_wnd(c);

	if (conf->sndbuf - 1 < most)
		most = conf->sndbuf - 1;
	return wnd - 1 < most ? wnd - 1 : most;
}

bool tg_calm_is_last(const struct tg_conn *c, const struct tg_seg *seg, tg_seq end, uint8_t ctl)
{
	return (seg->ctl & (uint8_t)~TG_TCP_PSH) == ctl && seg->len == 0 && seg->wnd &&
	       tg_seq_eq(seg->seq, c->rcv_nxt) && tg_seq_eq(seg->ack, end) &&
	       seg->ecn == TG_ECN_NOT && has_calm_options(c, seg);
}
