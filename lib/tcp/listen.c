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
static void count_cookie(const struct meeting *m, enum tg_cookie_verdict verdict)
{
	switch (verdict) {
	case TG_COOKIE_OK:
		tg_ctr_inc(m->env->ctr, TG_CTR_cookie_ok);
		return;
	case TG_COOKIE_BAD_MAC:
		tg_ctr_inc(m->env->ctr, TG_CTR_cookie_bad_mac);
		return;
	case TG_COOKIE_EXPIRED:
		tg_ctr_inc(m->env->ctr, TG_CTR_cookie_expired);
		return;
	case TG_COOKIE_BAD_MSS:
		tg_ctr_inc(m->env->ctr, TG_CTR_cookie_bad_mss);
		return;
	}
}

/* SC-07: the window that was told, should the buffer have shrunk since. */
static void keep_promise(const struct meeting *m)
{
	if (m->l->promised > m->l->conf->rcvbuf)
		m->tcb->rcv.edge = tg_seq_add(m->tcb->rcv.nxt, m->l->promised);
}

/* SC-16: straight to ESTABLISHED; what the cookie could not carry is absent (SC-04). */
static void open_by_cookie(const struct meeting *m, uint16_t mss)
{
	struct tg_tcb *tcb = m->tcb;

	begin_block(m);
	tcb->snd.mss = tg_syn_peer_mss(tcb->conf, m->env, tcb->v6, mss);
	tcb->snd.iss = tg_seq_sub(m->seg->ack, 1);
	tcb->snd.una = tcb->snd.iss;
	tcb->snd.nxt = tcb->rexmit_nxt = tcb->tx_end = tcb->tx_push = m->seg->ack;
	tcb->syn_sent_n = 1;
	keep_promise(m);
	tg_syn_receive(tcb, tg_seq_sub(m->seg->seq, 1));
	tg_establish(tcb, m->seg, m->env, m->act);
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

static enum tg_listen_outcome ack_arrives(const struct meeting *m)
{
	const struct tg_seg *seg = m->seg;

	if ((seg->ctl & TG_TCP_SYN) || !m->l->validate) { /* SE-05, EST-05, ADV-17, ADV-18, SC-09 */
		tg_reply_rst_a(seg, m->act);
		return TG_LISTEN_DONE;
	}
	uint16_t mss = 0;
	enum tg_cookie_verdict verdict = tg_cookie_check(m->tuple, tg_seq_sub(seg->ack, 1),
							 tg_seq_sub(seg->seq, 1), &mss, m->env);
	count_cookie(m, verdict);
	if (verdict != TG_COOKIE_OK) {
		refuse_cookie(m);
		return TG_LISTEN_DONE;
	}
	open_by_cookie(m, mss);
	return TG_LISTEN_OPEN;
}

/* SC-04: the SYN-ACK offers MSS alone, SC-20: and acknowledges the SYN alone. */
static void fill_cookie(const struct meeting *m, tg_seq isn)
{
	const struct tg_tcp_conf *conf = m->l->conf;
	struct tg_seg *seg = &m->act->reply;

	*seg = (struct tg_seg){0};
	seg->seq = isn;
	seg->ack = tg_seq_add(m->seg->seq, 1);
	seg->ctl = TG_TCP_SYN | TG_TCP_ACK;
	seg->wnd = (uint16_t)(conf->rcvbuf < TG_SYN_WND_MAX ? conf->rcvbuf : TG_SYN_WND_MAX);
	seg->opts.has_mss = 1;
	seg->opts.mss = tg_syn_mss(conf, m->env, !tg_addr_is_v4(&m->tuple->raddr));
	m->act->has_reply = true;
}

/* True when the SYN was answered by a cookie; the block is not touched (SC-25). Not when it would
 * stand at or below the sequence numbers of the connection before (TD-23). */
static bool answer_by_cookie(const struct meeting *m, const tg_seq *iss_floor)
{
	const struct tg_tcp_opts *opts = &m->seg->opts;
	bool v6 = !tg_addr_is_v4(&m->tuple->raddr);
	uint16_t mss = tg_syn_peer_mss(m->l->conf, m->env, v6, opts->has_mss ? opts->mss : 0);
	tg_seq isn = tg_cookie_make(m->tuple, m->seg->seq, mss, m->env);

	if (iss_floor && tg_seq_le(isn, *iss_floor))
		return false;
	fill_cookie(m, isn);
	tg_ctr_inc(m->env->ctr, TG_CTR_cookie_sent);
	return true;
}

static void answer_by_state(const struct meeting *m, const tg_seq *iss_floor)
{
	struct tg_tcb *tcb = m->tcb;

	begin_block(m);
	tg_syn_options(tcb, m->seg, m->env);
	tcb->snd.iss = tg_iss_above(tg_tcp_isn(m->tuple, m->env), iss_floor);
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
