/* SPDX-License-Identifier: BSD-3-Clause */
/* syn_sent.c: RFC 9293 3.10.7.3, a segment arrives in SYN-SENT: ACK, RST, SYN, other, in this
 * order. */
#include "control.h"

/* SND.UNA < SEG.ACK <= SND.NXT, where SND.UNA = ISS. */
static bool ack_is_good(const struct tg_tcb *tcb, const struct tg_seg *seg)
{
	return tg_seq_gt(seg->ack, tcb->snd.una) && tg_seq_le(seg->ack, tcb->snd.nxt);
}

/* EST-19: the echo of a timestamp that we never sent. 0 is what old middleboxes put there. */
static bool echo_is_false(const struct tg_tcb *tcb, const struct tg_seg *seg,
			  const struct tg_tcp_env *env)
{
	const struct tg_tcp_opts *opts = &seg->opts;

	if (!tcb->conf->timestamps || !opts->has_ts || !opts->tsecr)
		return false;
	return (int32_t)(opts->tsecr - tcb->ts_first) < 0 ||
	       (int32_t)(tg_tcp_tsval(tcb->ts_offset, env) - opts->tsecr) < 0;
}

/* SE-10, RB-14: by its ACK alone; there is no RCV.NXT to judge SEQ by. */
static void rst_arrives(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
			struct tg_act *act)
{
	if (!(seg->ctl & TG_TCP_ACK)) { /* SE-11; the ACK was found good before */
		act->verdict = TG_CTR_synsent_rst;
		return;
	}
	tg_ctr_inc(env->ctr, TG_CTR_rst_rcvd_ok);
	tg_ctr_inc(env->ctr, TG_CTR_conn_refused);
	tg_enter_closed(tcb, TG_CLOSE_REFUSED, env, act);
}

/* SE-05: text behind the SYN-ACK is used. */
static void syn_ack_arrives(struct tg_tcb *tcb, const struct tg_seg *seg,
			    const struct tg_tcp_env *env, struct tg_act *act)
{
	struct tg_seg rest = *seg;

	tg_syn_options(tcb, seg, env);
	tg_syn_receive(tcb, seg->seq);
	tg_establish(tcb, seg, env, act);
	tcb->ack_now = true;
	rest.ctl &= (uint8_t)~TG_TCP_SYN;
	rest.seq = tcb->rcv.nxt;
	tg_arrives_text(tcb, &rest, env, act);
}

/* Simultaneous open (EST-06): the SYN-ACK has the ISS of the SYN (MUST-10). */
static void syn_arrives(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
			struct tg_act *act)
{
	tg_syn_options(tcb, seg, env);
	tg_syn_receive(tcb, seg->seq);
	tcb->snd.wnd = tcb->snd.max_wnd = seg->wnd;
	tcb->snd.wl1 = seg->seq;
	tcb->snd.wl2 = tcb->snd.una;
	tcb->snd.nxt = tg_seq_add(tcb->snd.iss, 1); /* even if the SYN itself still waits */
	tcb->rexmit_nxt = tcb->snd.nxt;
	tg_recovery_init(tcb);
	tg_enter(tcb, TG_SYN_RECEIVED, env, act);
	tg_reply_syn_ack(tcb, env, act);
	tg_ctr_inc(env->ctr, TG_CTR_synack_sent);
	tcb->backoff = 0;
	tcb->deadline[TG_T_REXMIT] = env->now_ms + TG_SYN_RTO_MS;
}

void tg_syn_sent(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
		 struct tg_act *act)
{
	bool ack = seg->ctl & TG_TCP_ACK;

	if (ack && !ack_is_good(tcb, seg)) { /* SE-06, SE-13 */
		if (seg->ctl & TG_TCP_RST)
			act->verdict = TG_CTR_synsent_rst;
		else
			tg_reply_reset(seg, env, act);
		return;
	}
	if (seg->ctl & TG_TCP_RST) { /* SE-18 */
		rst_arrives(tcb, seg, env, act);
		return;
	}
	if (!(seg->ctl & TG_TCP_SYN)) { /* SE-12, SE-14, SE-15, SE-16 */
		act->verdict = TG_CTR_synsent_ack;
		return;
	}
	if (seg->ctl & TG_TCP_FIN) { /* SE-17, DIS-10 */
		act->verdict = TG_CTR_synfin;
		return;
	}
	if (ack && echo_is_false(tcb, seg, env)) {
		act->verdict = TG_CTR_tsecr_reject;
		tg_reply_reset(seg, env, act);
		return;
	}
	if (ack)
		syn_ack_arrives(tcb, seg, env, act);
	else
		syn_arrives(tcb, seg, env, act);
}
