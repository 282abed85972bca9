/* SPDX-License-Identifier: BSD-3-Clause */
/* check_fin.c: check 8, the peer's FIN, once all text before it has come (TD-04), be it in this
 * segment or held from an earlier one. */
#include <assert.h>

#include "control.h"

/* It has a number of its own (TD-01), and its ACK goes at once, with that of the text before it
 * (TD-05). */
static void take_fin(struct tg_tcb *tcb, struct tg_act *act)
{
	tcb->rcv.nxt = tg_seq_add(tcb->rcv.nxt, 1);
	tcb->rcv.edge = tg_seq_max(tcb->rcv.edge, tcb->rcv.nxt);
	tcb->fin_held = false;
	tcb->fin_rcvd = true;
	tcb->ack_now = true;
	act->events |= TG_EV_EOF;
}

/* TD-02: our own direction stays as it is. */
bool tg_check_fin(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
		  struct tg_act *act)
{
	switch ((enum tg_tcp_state)tcb->state) {
	case TG_ESTABLISHED:
		if (!tg_rx_fin_is_next(tcb, seg))
			return true;
		take_fin(tcb, act);
		tg_enter(tcb, TG_CLOSE_WAIT, env, act);
		return true;
	case TG_FIN_WAIT_1: /* TD-03, ADV-69: ours is not acknowledged: check 5 would have left this
				state (SE-38) */
		if (!tg_rx_fin_is_next(tcb, seg))
			return true;
		take_fin(tcb, act);
		tg_enter(tcb, TG_CLOSING, env, act);
		return true;
	case TG_FIN_WAIT_2:
		if (!tg_rx_fin_is_next(tcb, seg))
			return true;
		take_fin(tcb, act);
		tg_reply_ack(tcb, env, act); /* the block becomes a record: no time to wait */
		tg_enter(tcb, TG_TIME_WAIT, env, act);
		return true;
	case TG_CLOSE_WAIT:
	case TG_CLOSING:
	case TG_LAST_ACK:
		return true;
	case TG_CLOSED:
	case TG_LISTEN:
	case TG_SYN_SENT:
	case TG_SYN_RECEIVED:
	case TG_TIME_WAIT:
	case TG_STATE_N:
		break;
	}
	assert(false && "no block is judged by check 8 in that state");
	return false;
}
