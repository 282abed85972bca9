/* SPDX-License-Identifier: BSD-3-Clause */
/* check_rst.c: check 2, RST: exactly RCV.NXT resets, anything else in the window is challenged (RFC
 * 5961 3.2, RB-01, RB-02). Check 1 has let only RSTs inside the window come here. */
#include <assert.h>

#include "control.h"

/* SE-07, EST-04: from LISTEN the entry goes unsaid; our own open was refused. */
static void reset_half_open(struct tg_tcb *tcb, const struct tg_tcp_env *env, struct tg_act *act)
{
	if (!tcb->active) {
		act->events |= TG_EV_TO_LISTEN;
		tg_enter_closed(tcb, TG_CLOSE_RESET, env, act);
		return;
	}
	tg_ctr_inc(env->ctr, TG_CTR_conn_refused);
	tg_enter_closed(tcb, TG_CLOSE_REFUSED, env, act);
}

/* SE-22; whatever text it has is not looked at (TD-10). */
static void reset(struct tg_tcb *tcb, const struct tg_tcp_env *env, struct tg_act *act)
{
	tg_ctr_inc(env->ctr, TG_CTR_rst_rcvd_ok);
	switch ((enum tg_tcp_state)tcb->state) {
	case TG_SYN_RECEIVED:
		reset_half_open(tcb, env, act);
		return;
	case TG_ESTABLISHED:
	case TG_FIN_WAIT_1:
	case TG_FIN_WAIT_2:
	case TG_CLOSE_WAIT:
		tg_enter_closed(tcb, TG_CLOSE_RESET, env, act);
		return;
	case TG_CLOSING:
	case TG_LAST_ACK: /* both sides have closed: the user lost nothing and is told nothing */
		tg_enter_closed(tcb, TG_CLOSE_NORMAL, env, act);
		return;
	case TG_CLOSED:
	case TG_LISTEN:
	case TG_SYN_SENT:
	case TG_TIME_WAIT:
	case TG_STATE_N:
		break;
	}
	assert(false && "no block is judged by check 2 in that state");
}

/* RB-04: some send FIN and RST with one number; by then the FIN has moved RCV.NXT. */
static bool is_at_fin(const struct tg_tcb *tcb, const struct tg_seg *seg)
{
	return tcb->fin_rcvd && tg_seq_eq(seg->seq, tg_seq_sub(tcb->rcv.nxt, 1));
}

/* SE-23, ADV-20; SE-08, RB-15, ADV-27: a half-open entry is no weaker. ADV-14: other flags do not
 * matter. */
bool tg_check_rst(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
		  struct tg_act *act)
{
	if (!(seg->ctl & TG_TCP_RST))
		return true;
	if (tg_seq_eq(seg->seq, tcb->rcv.nxt) || is_at_fin(tcb, seg)) {
		reset(tcb, env, act);
		return false;
	}
	tg_ctr_inc(env->ctr, TG_CTR_rst_challenged);
	tg_reply_challenge(tcb, env, act);
	return false;
}
