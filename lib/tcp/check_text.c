/* SPDX-License-Identifier: BSD-3-Clause */
/* check_text.c: check 7, the segment's text. */
#include <assert.h>

#include "control.h"

/* TD-12, ADV-68: new text in order, and nobody will ever read it; who is half closed still reads
 * (UC-06). */
static bool is_for_nobody(const struct tg_tcb *tcb, const struct tg_seg *seg)
{
	return tcb->orphan && seg->len && tg_seq_le(seg->seq, tcb->rcv.nxt) &&
	       tg_seq_gt(tg_seq_add(seg->seq, seg->len), tcb->rcv.nxt);
}

/* SE-41, ADV-60, ADV-61: after the peer's FIN there is no text, and no second FIN. */
static bool after_fin(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
		      struct tg_act *act)
{
	if (seg->len == 0 && !(seg->ctl & TG_TCP_FIN))
		return true;
	tg_ctr_inc(env->ctr, TG_CTR_after_fin);
	tg_reply_challenge(tcb, env, act);
	return false;
}

/* SE-33, SE-34: in order or above a hole, for the user as long as the peer has not closed. */
bool tg_check_text(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
		   struct tg_act *act)
{
	switch ((enum tg_tcp_state)tcb->state) {
	case TG_FIN_WAIT_1:
	case TG_FIN_WAIT_2:
		if (is_for_nobody(tcb, seg)) {
			tg_ctr_inc(env->ctr, TG_CTR_abort_on_data);
			tg_reply_reset(seg, env, act);
			tg_enter_closed(tcb, TG_CLOSE_ABORT, env, act);
			return false;
		}
		tg_rx_text(tcb, seg, env, act);
		return true;
	case TG_ESTABLISHED:
		tg_rx_text(tcb, seg, env, act);
		return true;
	case TG_CLOSE_WAIT:
	case TG_CLOSING:
	case TG_LAST_ACK:
		return after_fin(tcb, seg, env, act);
	case TG_CLOSED:
	case TG_LISTEN:
	case TG_SYN_SENT:
	case TG_SYN_RECEIVED:
	case TG_TIME_WAIT:
	case TG_STATE_N:
		break;
	}
	assert(false && "no block is judged by check 7 in that state");
	return false;
}
