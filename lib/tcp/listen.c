/* SPDX-License-Identifier: BSD-3-Clause */
/* listen.c: RFC 9293 3.10.7.2, a segment meets a listener: RST, ACK, SYN, other, in this order. */
#include "control.h"

/* What the four functions below share; all the caller's. */
struct meeting {
	const struct tg_listen *l;
	const struct tg_tuple *tuple;
	const struct tg_seg *seg;
	const struct tg_tcp_env *env;
	struct tg_tcb *tcb;
	struct tg_act *act;
};

static void begin_block(const struct meeting *m)
{
	tg_tcb_init(m->tcb, m->l->conf, TG_LISTEN);
	m->tcb->v6 = !tg_addr_is_v4(&m->tuple->raddr);
	m->tcb->ts_offset = tg_tcp_ts_offset(m->tuple, m->env);
	m->tcb->idle_since_ms = m->env->now_ms;
}

/* SC-24, ADV-31..33. */
static enum tg_ctr counter_of(enum tg_cookie_verdict verdict)
{
	switch (verdict) {
	case TG_COOKIE_OK:
		return TG_CTR_cookie_ok;
	case TG_COOKIE_BAD_MAC:
		return TG_CTR_cookie_bad_mac;
	case TG_COOKIE_EXPIRED:
		return TG_CTR_cookie_expired;
	case TG_COOKIE_TS_BAD:
		return TG_CTR_cookie_ts_bad;
	}
	return TG_CTR_cookie_bad_mac;
}

/* SC-07: the window that was told, should the buffer have shrunk since. */
static void keep_promise(const struct meeting *m)
{
	if (m->l->promised > m->l->conf->rcvbuf)
		m->tcb->rcv.edge = tg_seq_add(m->tcb->rcv.nxt, m->l->promised);
}

/* The options that the SYN-ACK told, as if they had been kept (SC-03). TSvals go on from its own,
 * so the offset is the connection's (EST-18). */
static void take_deal(const struct meeting *m, const struct tg_cookie_deal *deal)
{
	struct tg_tcb *tcb = m->tcb;

	tcb->snd.mss = tg_syn_peer_mss(tcb->conf, m->env, tcb->v6, deal->mss);
	tcb->ws_on = deal->ws;
	tcb->snd_scale = deal->snd_scale;
	tcb->rcv_scale = deal->rcv_scale;
	tcb->sack_on = deal->sack;
	tcb->ecn_on = deal->ecn;
	tcb->ts_on = deal->ts;
	if (!deal->ts)
		return;
	tcb->ts_offset = m->seg->opts.tsecr - (uint32_t)m->env->now_ms;
	tcb->ts_recent = m->seg->opts.tsval;
	tcb->ts_recent_ms = m->env->now_ms;
}

/* SC-16: straight to ESTABLISHED; what the cookie could not carry is absent (SC-04). When it was
 * sent nobody knows, so its echo measures nothing. */
static void open_by_cookie(const struct meeting *m, const struct tg_cookie_deal *deal)
{
	struct tg_tcb *tcb = m->tcb;

	begin_block(m);
	take_deal(m, deal);
	tcb->snd.iss = tg_seq_sub(m->seg->ack, 1);
	tcb->snd.una = tcb->snd.iss;
	tcb->snd.nxt = tcb->rexmit_nxt = tcb->tx_end = tcb->tx_push = m->seg->ack;
	tcb->syn_sent_n = 1;
	keep_promise(m);
	tg_syn_receive(tcb, tg_seq_sub(m->seg->seq, 1));
	tcb->resent_ms = m->env->now_ms + 1;
	tg_establish(tcb, m->seg, m->env, m->act);
	tcb->resent_ms = 0;
	tg_arrives_text(tcb, m->seg, m->env, m->act);
}

/* SC-22: RST for a pure ACK; text may be a data segment that overtook its handshake ACK, whose
 * repetition will be valid: a RST would kill it. */
static void refuse_cookie(const struct meeting *m)
{
	if (m->seg->len == 0) {
		tg_reply_rst_a(m->seg, m->act);
		return;
	}
	m->act->verdict = TG_CTR_cookie_fail_data;
}

/* What the listener offers now, and what it did before (SC-07). */
static struct tg_cookie_offer offer_of(const struct tg_listen *l)
{
	return (struct tg_cookie_offer){
	    .scales =
		(uint16_t)((1u << l->conf->window_scale | l->before.scales) & TG_COOKIE_SCALES),
	    .ts = l->conf->timestamps || l->before.ts,
	    .sack = l->conf->sack || l->before.sack,
	    .ecn = l->conf->ecn || l->before.ecn,
	};
}

/* The counter that says what became of the ACK as a cookie; cookie_ok: *deal is its. */
static enum tg_ctr judge_cookie(const struct meeting *m, struct tg_cookie_deal *deal)
{
	const struct tg_seg *seg = m->seg;
	struct tg_cookie_offer offer = offer_of(m->l);
	struct tg_cookie_claim claim = {
	    .isn = tg_seq_sub(seg->ack, 1),
	    .irs = tg_seq_sub(seg->seq, 1),
	    .ts = offer.ts && seg->opts.has_ts,
	    .tsecr = seg->opts.tsecr,
	};
	bool skewed;

	if (m->l->want_ts && !claim.ts)
		return TG_CTR_cookie_ts_bad; /* SC-23 */
	enum tg_ctr ctr =
	    counter_of(tg_cookie_check(m->env->cookie, m->tuple, &claim, &offer, deal, &skewed));

	if (ctr != TG_CTR_cookie_ok)
		return ctr;
	if (m->l->used)
		return TG_CTR_cookie_replay; /* SC-15 */
	if (skewed)
		tg_ctr_inc(m->env->ctr, TG_CTR_cookie_skew);
	return ctr;
}

static enum tg_listen_outcome ack_arrives(const struct meeting *m)
{
	const struct tg_seg *seg = m->seg;
	struct tg_cookie_deal deal;

	if ((seg->ctl & TG_TCP_SYN) || !m->l->validate) { /* SE-05, EST-05, ADV-17, ADV-18, SC-09 */
		tg_reply_rst_a(seg, m->act);
		return TG_LISTEN_DONE;
	}
	enum tg_ctr ctr = judge_cookie(m, &deal);

	tg_ctr_inc(m->env->ctr, ctr);
	if (ctr != TG_CTR_cookie_ok) {
		refuse_cookie(m);
		return TG_LISTEN_DONE;
	}
	open_by_cookie(m, &deal);
	return TG_LISTEN_OPEN;
}

/* SC-03: the options of the deal; SC-04: without timestamps the MSS alone. */
void tg_tcp_cookie_reply(const struct tg_tcp_conf *conf, const struct tg_tcp_env *env, bool v6,
			 const struct tg_cookie_deal *deal, struct tg_seg *seg)
{
	*seg = (struct tg_seg){0};
	seg->ctl = (uint8_t)(TG_TCP_SYN | TG_TCP_ACK | (deal->ecn ? TG_TCP_ECE : 0));
	seg->wnd = (uint16_t)(conf->rcvbuf < TG_SYN_WND_MAX ? conf->rcvbuf : TG_SYN_WND_MAX);
	seg->opts.has_mss = 1;
	seg->opts.mss = tg_syn_mss(conf, env, v6);
	if (!deal->ts)
		return;
	seg->opts.has_ts = 1;
	seg->opts.has_sack_perm = deal->sack;
	seg->opts.has_wscale = deal->ws;
	seg->opts.wscale = deal->rcv_scale;
}

/* SC-20: the SYN alone is acknowledged. */
static void fill_cookie(const struct meeting *m, const struct tg_cookie_deal *deal,
			const struct tg_cookie *cookie)
{
	struct tg_seg *seg = &m->act->reply;

	tg_tcp_cookie_reply(m->l->conf, m->env, !tg_addr_is_v4(&m->tuple->raddr), deal, seg);
	seg->seq = cookie->isn;
	seg->ack = tg_seq_add(m->seg->seq, 1);
	m->act->has_reply = true;
	if (!deal->ts)
		return;
	seg->opts.tsval = cookie->tsval;
	seg->opts.tsecr = m->seg->opts.tsval;
}

/* True when the SYN was answered by a cookie; the block is not touched (SC-25). Not when it would
 * stand at or below the sequence numbers of the connection before (TD-23). */
static bool answer_by_cookie(const struct meeting *m, const tg_seq *iss_floor)
{
	struct tg_cookie_deal deal = tg_tcp_deal(m->l->conf, m->tuple, m->seg, m->env);
	struct tg_cookie cookie = tg_cookie_mint(m->env->cookie, m->tuple, m->seg->seq, &deal);

	if (iss_floor && tg_seq_le(cookie.isn, *iss_floor))
		return false;
	tg_syn_note(m->l->conf, m->seg, m->env);
	fill_cookie(m, &deal, &cookie);
	tg_ctr_inc(m->env->ctr, TG_CTR_cookie_sent);
	return true;
}

static bool has_options(const struct tg_tcb *tcb)
{
	return tcb->ws_on || tcb->sack_on || tcb->ecn_on;
}

static void drop_options(struct tg_tcb *tcb)
{
	tcb->ws_on = tcb->sack_on = tcb->ecn_on = false;
	tcb->snd_scale = tcb->rcv_scale = 0;
}

/* SC-10, SC-13: while cookies are tried a half-open entry says what a cookie would: so a client
 * that was sent both may answer either, and what the entry's end or its node's takes with it, the
 * ACK brings back. That must be all that was told: options without timestamps are in no cookie. In
 * a fleet they are not told then; elsewhere such an entry has a number of its own, and SC-19
 * helps. TD-23: nor may it stand below. */
static void take_cookie(const struct meeting *m, const tg_seq *iss_floor)
{
	struct tg_tcb *tcb = m->tcb;
	struct tg_cookie_deal deal = tg_tcp_deal(m->l->conf, m->tuple, m->seg, m->env);

	if (!deal.ts && has_options(tcb) && !m->l->fleet)
		return;
	struct tg_cookie cookie = tg_cookie_mint(m->env->cookie, m->tuple, m->seg->seq, &deal);

	if (iss_floor && tg_seq_le(cookie.isn, *iss_floor))
		return;
	tcb->snd.iss = cookie.isn;
	if (!deal.ts) {
		drop_options(tcb);
		return;
	}
	tcb->cookie_ts = true;
	tcb->ts_offset = cookie.tsval - (uint32_t)m->env->now_ms;
}

static void answer_by_state(const struct meeting *m, const tg_seq *iss_floor)
{
	struct tg_tcb *tcb = m->tcb;

	begin_block(m);
	tg_syn_options(tcb, m->seg, m->env);
	tcb->snd.iss = tg_iss_above(tg_tcp_isn(m->tuple, m->env), iss_floor);
	if (m->l->validate)
		take_cookie(m, iss_floor);
	tcb->snd.una = tcb->snd.iss;
	tcb->snd.nxt = tg_seq_add(tcb->snd.iss, 1);
	tcb->rexmit_nxt = tcb->tx_end = tcb->tx_push = tcb->snd.nxt;
	tg_syn_receive(tcb, m->seg->seq); /* EST-22, ADV-30: text on the SYN is not taken */
	tg_enter(tcb, TG_SYN_RECEIVED, m->env, m->act);
	tg_reply_syn_ack(tcb, m->env, m->act);
	tcb->deadline[TG_T_REXMIT] = m->env->now_ms + TG_SYN_RTO_MS;
	tg_ctr_inc(m->env->ctr, TG_CTR_conn_passive);
	tg_ctr_inc(m->env->ctr, TG_CTR_synack_sent);
}

/* SE-01. */
static enum tg_listen_outcome syn_arrives(const struct meeting *m, const tg_seq *iss_floor)
{
	if (m->seg->ctl & TG_TCP_FIN) { /* SE-17, ADV-15, DIS-10 */
		m->act->verdict = TG_CTR_synfin;
		return TG_LISTEN_DONE;
	}
	if (m->l->mint && answer_by_cookie(m, iss_floor))
		return TG_LISTEN_COOKIE;
	answer_by_state(m, iss_floor);
	return TG_LISTEN_HALF;
}

enum tg_listen_outcome tg_tcp_listen(const struct tg_listen *l, const struct tg_tuple *tuple,
				     const struct tg_seg *seg, const tg_seq *iss_floor,
				     const struct tg_tcp_env *env, struct tg_tcb *tcb,
				     struct tg_act *act)
{
	const struct meeting m = {l, tuple, seg, env, tcb, act};

	tg_act_init(act);
	tg_note_options(seg, env);
	if (seg->ctl & TG_TCP_RST) { /* SE-18, ADV-14, ADV-16, ADV-19 */
		act->verdict = TG_CTR_listen_rst;
		return TG_LISTEN_DONE;
	}
	if (seg->ctl & TG_TCP_ACK)
		return ack_arrives(&m);
	if (seg->ctl & TG_TCP_SYN)
		return syn_arrives(&m, iss_floor);
	act->verdict = TG_CTR_listen_null;
	return TG_LISTEN_DONE;
}
