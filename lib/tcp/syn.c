/* SPDX-License-Identifier: BSD-3-Clause */
/* syn.c: SYN and SYN-ACK: what we offer, what we take from the peer's (RFC 9293 3.7.1, RFC 7323 2,
 * 3, RFC 2018 2). */
#include "control.h"

static uint32_t headers(bool v6)
{
	return v6 ? TG_HDRS_V6 : TG_HDRS_V4;
}

/* EST-09: not reduced for options. */
uint16_t tg_syn_mss(const struct tg_tcp_conf *conf, const struct tg_tcp_env *env, bool v6)
{
	uint32_t mss = env->mtu - headers(v6);

	if (conf->mss_max && conf->mss_max < mss)
		mss = conf->mss_max;
	return (uint16_t)mss;
}

uint16_t tg_syn_peer_mss(const struct tg_tcp_conf *conf, const struct tg_tcp_env *env, bool v6,
			 uint16_t mss)
{
	uint32_t most = env->mtu - headers(v6);

	if (mss == 0) /* EST-10, EST-12: 0 is as absent */
		mss = v6 ? TG_MSS_DEFAULT_V6 : TG_MSS_DEFAULT_V4;
	else if (mss < conf->mss_min)
		mss = conf->mss_min;
	if (conf->maxseg && conf->maxseg < most)
		most = conf->maxseg;
	return mss < most ? mss : (uint16_t)most;
}

void tg_syn_note(const struct tg_tcp_conf *conf, const struct tg_seg *seg,
		 const struct tg_tcp_env *env)
{
	const struct tg_tcp_opts *opts = &seg->opts;

	if (opts->has_mss && opts->mss && opts->mss < conf->mss_min)
		tg_ctr_inc(env->ctr, TG_CTR_mss_floor);
	if (opts->has_wscale && opts->wscale > TG_WSCALE_MAX)
		tg_ctr_inc(env->ctr, TG_CTR_bad_wscale);
}

/* EST-13, ADV-39: above 14 acts as 14. */
static uint8_t peer_scale(const struct tg_seg *seg)
{
	return seg->opts.wscale <= TG_WSCALE_MAX ? seg->opts.wscale : TG_WSCALE_MAX;
}

static void set_ts_recent(struct tg_tcb *tcb, uint32_t tsval, const struct tg_tcp_env *env)
{
	tcb->ts_recent = tsval;
	tcb->ts_recent_ms = env->now_ms;
}

/* RFC 3168 6.1.1: a SYN asks with ECE and CWR, a SYN-ACK agrees with ECE alone. EST-32: a SYN that
 * is itself ECN-capable in its IP header is none that this RFC knows; a SYN-ACK may be (RFC 5562).
 */
bool tg_syn_has_ecn(const struct tg_seg *seg)
{
	uint8_t bits = seg->ctl & (TG_TCP_ECE | TG_TCP_CWR);

	if (seg->ctl & TG_TCP_ACK)
		return bits == TG_TCP_ECE;
	return bits == (TG_TCP_ECE | TG_TCP_CWR) && seg->ecn == TG_ECN_NOT;
}

/* EST-15: of a SYN, and of no other segment. EST-20. */
void tg_syn_options(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env)
{
	const struct tg_tcp_conf *conf = tcb->conf;
	const struct tg_tcp_opts *opts = &seg->opts;

	tcb->snd.mss = tg_syn_peer_mss(conf, env, tcb->v6, opts->has_mss ? opts->mss : 0);
	tcb->ws_on = opts->has_wscale && conf->window_scale != TG_WSCALE_NONE;
	tcb->snd_scale = tcb->ws_on ? peer_scale(seg) : 0;
	tcb->rcv_scale = tcb->ws_on ? conf->window_scale : 0;
	tcb->sack_on = conf->sack && opts->has_sack_perm;
	/* RFC 3168 6.1.1.1: one SYN without it, sent or received, and it is off. */
	tcb->ecn_on = conf->ecn && tcb->syn_sent_n <= 1 && tg_syn_has_ecn(seg);
	tcb->ts_on = conf->timestamps && opts->has_ts;
	if (tcb->ts_on)
		set_ts_recent(tcb, opts->tsval, env);
	tg_syn_note(conf, seg, env);
}

/* SC-04: without timestamps the SYN-ACK cannot remember more. */
struct tg_cookie_deal tg_tcp_deal(const struct tg_tcp_conf *conf, const struct tg_tuple *tuple,
				  const struct tg_seg *seg, const struct tg_tcp_env *env)
{
	const struct tg_tcp_opts *opts = &seg->opts;
	bool v6 = !tg_addr_is_v4(&tuple->raddr);
	struct tg_cookie_deal deal = {
	    .mss = tg_syn_peer_mss(conf, env, v6, opts->has_mss ? opts->mss : 0),
	    .ts = conf->timestamps && opts->has_ts,
	};

	if (!deal.ts)
		return deal;
	deal.sack = conf->sack && opts->has_sack_perm;
	deal.ecn = conf->ecn && tg_syn_has_ecn(seg);
	deal.ws = opts->has_wscale && conf->window_scale != TG_WSCALE_NONE;
	deal.snd_scale = deal.ws ? peer_scale(seg) : 0;
	deal.rcv_scale = deal.ws ? conf->window_scale : 0;
	return deal;
}

void tg_syn_receive(struct tg_tcb *tcb, tg_seq irs)
{
	tg_rx_init(tcb, irs);
	tcb->rcv.up = irs;
}

tg_seq tg_iss_above(tg_seq iss, const tg_seq *floor)
{
	if (!floor)
		return iss;
	if (tg_seq_diff(iss, *floor) < TG_ISS_STEP)
		iss = tg_seq_add(*floor, TG_ISS_STEP);
	return iss.v ? iss : tg_seq_make(1);
}

/* The SYN offers all that the configuration has; the SYN-ACK only what the SYN had too. */
static void fill_options(const struct tg_tcb *tcb, const struct tg_tcp_env *env, bool offer,
			 struct tg_seg *seg)
{
	const struct tg_tcp_conf *conf = tcb->conf;
	struct tg_tcp_opts *opts = &seg->opts;

	opts->has_mss = 1;
	opts->mss = tg_syn_mss(conf, env, tcb->v6);
	opts->has_sack_perm = offer ? conf->sack : tcb->sack_on;
	if (offer ? conf->window_scale != TG_WSCALE_NONE : tcb->ws_on) {
		opts->has_wscale = 1;
		opts->wscale = offer ? conf->window_scale : tcb->rcv_scale;
	}
	if (offer ? conf->timestamps : tcb->ts_on) {
		opts->has_ts = 1;
		opts->tsval = tcb->cookie_ts ? tcb->ts_first : tcb->ts_last;
		opts->tsecr = offer ? 0 : tcb->ts_recent; /* EST-17: 0 while ACK is off */
	}
}

/* EST-19, EST-25, EST-34: what must be known of the SYNs that were sent. */
static void note_sent(struct tg_tcb *tcb, const struct tg_tcp_env *env)
{
	if (!tcb->cookie_ts || tcb->syn_sent_n == 0)
		tcb->ts_last = tg_tcp_tsval(tcb->ts_offset, env);
	if (tcb->syn_sent_n == 0) {
		tcb->ts_first = tcb->ts_last;
		tcb->rtt_start_ns = env->now_ns;
		tcb->rtt_seq = tcb->snd.iss;
	} else {
		tcb->rexmit_syn = true;
		tcb->resent_ms = env->now_ms;
		tcb->rtt_start_ns = 0; /* Karn (DT-07) */
	}
	if (tcb->syn_sent_n < UINT8_MAX)
		tcb->syn_sent_n++;
}

void tg_fill_syn(struct tg_tcb *tcb, const struct tg_tcp_env *env, struct tg_seg *seg)
{
	bool offer = tcb->state == TG_SYN_SENT;

	note_sent(tcb, env);
	*seg = (struct tg_seg){0};
	seg->seq = tcb->snd.iss;
	seg->ctl = TG_TCP_SYN;
	seg->wnd = tg_rx_window(tcb, true);
	fill_options(tcb, env, offer, seg);
	if (offer) {
		/* RFC 3168 6.1.1.1: a repeated SYN does without, as something on the path may drop
		 * SYNs that ask. */
		if (tcb->conf->ecn && tcb->syn_sent_n == 1)
			seg->ctl |= TG_TCP_ECE | TG_TCP_CWR;
		return;
	}
	seg->ack = tg_seq_add(tcb->rcv.irs, 1);
	seg->ctl |= TG_TCP_ACK | (tcb->ecn_on ? TG_TCP_ECE : 0);
	tcb->rcv.last_ack = seg->ack;
}
