/* SPDX-License-Identifier: BSD-3-Clause */
/* check_ack.c: check 5, the ACK field: completes the handshake, moves SND.UNA, and ends the states
 * that wait for the ACK of our FIN. */
#include <assert.h>

#include "control.h"

/* --- SYN-RECEIVED --- */

/* SND.UNA < SEG.ACK <= SND.NXT; SEQ need only be inside the window (ADV-26). */
static bool acks_something(const struct tg_tcb *tcb, const struct tg_seg *seg)
{
	return tg_seq_gt(seg->ack, tcb->snd.una) && tg_seq_le(seg->ack, tcb->snd.nxt);
}

/* EST-34: TSecr, when there is one, is the TSval of one of our SYN-ACKs, or between them. */
static bool echo_is_false(const struct tg_tcb *tcb, const struct tg_seg *seg)
{
	uint32_t tsecr = seg->opts.tsecr;

	if (!tcb->ts_on || !seg->opts.has_ts || !tsecr)
		return false;
	return (int32_t)(tsecr - tcb->ts_first) < 0 || (int32_t)(tcb->ts_last - tsecr) < 0;
}

/* EST-35: the bare ACK of the handshake is not enough yet. The SYN-ACK is not repeated before the
 * waiting ends; the ACK that its repetition draws then opens the connection. */
static bool is_deferred(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env)
{
	uint32_t age_ms = tg_tcp_tsval(tcb->ts_offset, env) - tcb->ts_first;
	uint32_t wait_ms = tcb->conf->defer_accept_ms;
	uint64_t until_ms;

	if (tcb->active || age_ms >= wait_ms || seg->len || (seg->ctl & TG_TCP_FIN))
		return false;
	until_ms = env->now_ms + (wait_ms - age_ms);
	if (tcb->deadline[TG_T_REXMIT] < until_ms)
		tcb->deadline[TG_T_REXMIT] = until_ms;
	return true;
}

/* EST-03: not before our own number is acknowledged. */
void tg_establish(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
		  struct tg_act *act)
{
	bool timed_out = tcb->backoff > 0;

	tg_ack_handshake(tcb, seg, env);
	tg_ecn_init(tcb);
	if (!timed_out) /* RFC 6298 5.7: 3 s only after a timeout, not after a SYN-ACK asked for */
		tg_rto_update(tcb);
	tg_enter(tcb, TG_ESTABLISHED, env, act);
	tcb->idle_since_ms = env->now_ms;
	if (tcb->fin_queued) /* closed before it opened, behind queued bytes (UC-05) */
		tg_enter(tcb, TG_FIN_WAIT_1, env, act);
	else
		tg_keepalive_arm(tcb, env);
	tg_tx_settle(tcb, env); /* what was queued before */
}

static bool half_open(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
		      struct tg_act *act)
{
	if (!acks_something(tcb, seg)) { /* SE-13, ADV-25 */
		tg_reply_reset(seg, env, act);
		return false;
	}
	if (echo_is_false(tcb, seg)) {
		act->verdict = TG_CTR_tsecr_reject;
		tg_reply_challenge(tcb, env, act);
		return false;
	}
	if (is_deferred(tcb, seg, env)) {
		act->verdict = TG_CTR_defer_accept;
		return false;
	}
	tg_establish(tcb, seg, env, act);
	return true;
}

/* --- synchronized states --- */

/* RB-06, ADV-22, RFC 5961 5.2: SND.UNA - MAX.SND.WND <= SEG.ACK <= SND.NXT. */
static bool is_in_range(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
			struct tg_act *act)
{
	tg_seq oldest = tg_seq_sub(tcb->snd.una, tcb->snd.max_wnd);

	if (tcb->syn_unacked) /* no ACK of ours is older than that of our SYN */
		oldest = tg_seq_add(tcb->snd.una, 1);
	if (tg_seq_gt(seg->ack, tcb->snd.nxt))
		act->verdict = TG_CTR_ack_unsent; /* SE-32, ADV-23 */
	else if (tg_seq_lt(seg->ack, oldest))
		act->verdict = TG_CTR_ack_old; /* SE-31 */
	else
		return true;
	tg_reply_challenge(tcb, env, act);
	return false;
}

/* The SYN of a block that went from SYN-RECEIVED to FIN-WAIT-1 is acknowledged at last. */
static void syn_is_acked(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
			 struct tg_act *act)
{
	tcb->syn_unacked = false;
	tg_ecn_init(tcb);
	tcb->snd.una = tg_seq_add(tcb->snd.iss, 1);
	tcb->snd.wl1 = tg_seq_sub(seg->seq, 1); /* its window is news */
	tcb->rexmit_nxt = tg_seq_max(tcb->rexmit_nxt, tcb->snd.una);
	tcb->backoff = 0;
	tcb->rexmit_since_ms = tcb->rexmit_from_ms =
	    0; /* the SYN-ACK's patience is over; the FIN's begins (TO-04) */
	tcb->deadline[TG_T_REXMIT] = 0;
	act->events |= TG_EV_OPENED;
	tg_ctr_inc(env->ctr, TG_CTR_conn_opened);
}

/* TO-06, TO-07: an orphan waits for the peer's FIN for so long; a reader for ever. */
static void enter_fin_wait_2(struct tg_tcb *tcb, const struct tg_tcp_env *env, struct tg_act *act)
{
	tg_enter(tcb, TG_FIN_WAIT_2, env, act);
	if (tcb->orphan)
		tcb->deadline[TG_T_FW2] = env->now_ms + tcb->conf->fin_wait_2_ms;
	else
		tg_keepalive_arm(tcb, env);
}

/* The last ACK of a simultaneous close; a FIN or text with it meets TIME-WAIT already (SE-41). */
static bool end_closing(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
			struct tg_act *act)
{
	if (seg->len || (seg->ctl & TG_TCP_FIN)) {
		tg_ctr_inc(env->ctr, TG_CTR_after_fin);
		tg_update_ts_recent(tcb, seg, env); /* its ACK was used: the answer echoes it */
		tg_reply_challenge(tcb, env, act);
	}
	tg_enter(tcb, TG_TIME_WAIT, env, act);
	return false;
}

/* What the ACK of our FIN means. */
static bool after_ack(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
		      struct tg_act *act)
{
	bool fin_is_acked = tg_ack_covers_fin(tcb);

	switch ((enum tg_tcp_state)tcb->state) {
	case TG_ESTABLISHED:
	case TG_FIN_WAIT_2:
	case TG_CLOSE_WAIT:
		return true;
	case TG_FIN_WAIT_1:
		if (fin_is_acked)
			enter_fin_wait_2(tcb, env, act);
		return true;
	case TG_CLOSING:
		return fin_is_acked ? end_closing(tcb, seg, env, act) : true;
	case TG_LAST_ACK: /* TD-28 */
		if (fin_is_acked)
			tg_enter_closed(tcb, TG_CLOSE_NORMAL, env, act);
		return !fin_is_acked;
	case TG_CLOSED:
	case TG_LISTEN:
	case TG_SYN_SENT:
	case TG_SYN_RECEIVED:
	case TG_TIME_WAIT:
	case TG_STATE_N:
		break;
	}
	assert(false && "no block is judged by check 5 in that state");
	return false;
}

bool tg_check_ack(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
		  struct tg_act *act)
{
	if (!(seg->ctl & TG_TCP_ACK)) { /* SE-14, SE-25, ADV-11..13 */
		act->verdict = TG_CTR_no_ack;
		return false;
	}
	if (tcb->state == TG_SYN_RECEIVED)
		return half_open(tcb, seg, env, act);
	if (!is_in_range(tcb, seg, env, act))
		return false;
	if (tcb->syn_unacked)
		syn_is_acked(tcb, seg, env, act);
	tg_ack_arrives(tcb, seg, env, act);
	return after_ack(tcb, seg, env, act);
}
