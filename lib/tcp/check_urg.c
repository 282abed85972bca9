/* SPDX-License-Identifier: BSD-3-Clause */
/* check_urg.c: check 6, urgent data (SE-42, DT-30): the byte stays in the stream, the user is told
 * once. */
#include <assert.h>

#include "control.h"

/* RCV.UP <- max(RCV.UP, SEG.UP): a number, wherever it points (ADV-54). */
static void urgent(struct tg_tcb *tcb, const struct tg_seg *seg, struct tg_act *act)
{
	tg_seq up = tg_seq_add(seg->seq, seg->up);

	if (tg_seq_le(up, tcb->rcv.up))
		return;
	tcb->rcv.up = up;
	act->events |= TG_EV_URGENT;
}

bool tg_check_urg(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
		  struct tg_act *act)
{
	(void)env;
	/* RCV.NXT pulls it along, so that it is never half the sequence space behind. */
	tcb->rcv.up = tg_seq_max(tcb->rcv.up, tg_seq_sub(tcb->rcv.nxt, 1));
	if (!(seg->ctl & TG_TCP_URG))
		return true;
	switch ((enum tg_tcp_state)tcb->state) {
	case TG_ESTABLISHED:
	case TG_FIN_WAIT_1:
	case TG_FIN_WAIT_2:
		urgent(tcb, seg, act);
		return true;
	case TG_CLOSE_WAIT:
	case TG_CLOSING:
	case TG_LAST_ACK: /* the peer has sent FIN: nothing urgent can come */
		return true;
	case TG_CLOSED:
	case TG_LISTEN:
	case TG_SYN_SENT:
	case TG_SYN_RECEIVED:
	case TG_TIME_WAIT:
	case TG_STATE_N:
		break;
	}
	assert(false && "no block is judged by check 6 in that state");
	return false;
}
