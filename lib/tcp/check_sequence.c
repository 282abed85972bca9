/* SPDX-License-Identifier: BSD-3-Clause */
/* check_sequence.c: check 1, is the segment inside the receive window? RFC 9293 3.4, table 6, with
 * RFC 9293 A.2 for what stands just left of it. */
#include <assert.h>

#include "control.h"

/* RB-02: a RST stands where its number stands, whatever text it has. */
static bool starts_inside(const struct tg_tcb *tcb, const struct tg_seg *seg)
{
	if (tg_tcb_rcv_wnd(tcb) == 0)
		return tg_seq_eq(seg->seq, tcb->rcv.nxt);
	return tg_seq_ge(seg->seq, tcb->rcv.nxt) && tg_seq_lt(seg->seq, tcb->rcv.edge);
}

static bool overlaps(const struct tg_tcb *tcb, const struct tg_seg *seg)
{
	return tg_seq_lt(seg->seq, tcb->rcv.edge) &&
	       tg_seq_gt(tg_seq_add(seg->seq, tg_seg_len(seg)), tcb->rcv.nxt);
}

/* SE-36: with a closed window a segment at RCV.NXT passes, less its text (RFC 9293 3.10.7.4,
 * MUST-66). SE-02, SE-05: so does the repeated SYN of a half-open entry. */
static bool is_acceptable(const struct tg_tcb *tcb, const struct tg_seg *seg)
{
	if (seg->ctl & TG_TCP_RST) /* RB-04: and one with the number of the FIN before it */
		return starts_inside(tcb, seg) ||
		       (tcb->fin_rcvd && tg_seq_eq(seg->seq, tg_seq_sub(tcb->rcv.nxt, 1)));
	if (tcb->state == TG_SYN_RECEIVED && (seg->ctl & TG_TCP_SYN) &&
	    tg_seq_eq(seg->seq, tcb->rcv.irs))
		return true;
	if (tg_seg_len(seg) == 0 || tg_tcb_rcv_wnd(tcb) == 0)
		return starts_inside(tcb, seg);
	return overlaps(tcb, seg);
}

/* True when check 5 would take the ACK field of seg. */
static bool has_good_ack(const struct tg_tcb *tcb, const struct tg_seg *seg)
{
	return (seg->ctl & TG_TCP_ACK) && tg_seq_ge(seg->ack, tcb->snd.una) &&
	       tg_seq_le(seg->ack, tcb->snd.nxt);
}

/* SE-40: the peer's FIN again: our ACK of it was lost. */
static bool is_fin_again(const struct tg_tcb *tcb, const struct tg_seg *seg)
{
	return tcb->fin_rcvd && (seg->ctl & (TG_TCP_FIN | TG_TCP_SYN)) == TG_TCP_FIN &&
	       tg_seq_eq(tg_seq_add(seg->seq, tg_seg_len(seg)), tcb->rcv.nxt);
}

/* DT-33: two closed windows that probe each other from just left of the window must recover, so the
 * ACK field and the window of such a probe count. In any other case nothing does (RB-16). */
static bool is_crossed_probe(const struct tg_tcb *tcb, const struct tg_seg *seg)
{
	if (tg_tcb_rcv_wnd(tcb) > 0 && !tcb->persist)
		return false;
	return !(seg->ctl & (TG_TCP_SYN | TG_TCP_FIN)) && seg->len <= 1 &&
	       tg_seq_eq(seg->seq, tg_seq_sub(tcb->rcv.nxt, 1)) && !tcb->syn_unacked &&
	       has_good_ack(tcb, seg);
}

/* DT-15, RFC 2883 4.1: text that came before, in a segment that may well be the peer's: its ACK is
 * one that RB-06 would take. */
static void note_twice(struct tg_tcb *tcb, const struct tg_seg *seg)
{
	tg_seq end = tcb->fin_rcvd ? tg_seq_sub(tcb->rcv.nxt, 1) : tcb->rcv.nxt;
	tg_seq oldest = tg_seq_sub(tcb->snd.una, tcb->snd.max_wnd);

	if (!(seg->ctl & TG_TCP_ACK) || tg_seq_lt(seg->ack, oldest) ||
	    tg_seq_gt(seg->ack, tcb->snd.nxt))
		return;
	tg_rx_twice(tcb, seg->seq, tg_seq_min(end, tg_seq_add(seg->seq, seg->len)));
}

/* SE-26, SE-27, ADV-90. RB-10: text is answered always, because lost ACKs and closed windows are
 * repaired that way; the rest by the limit. */
static void answer(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
		   struct tg_act *act)
{
	if (seg->ctl & TG_TCP_SYN)
		act->verdict = TG_CTR_syn_in_window;
	if ((seg->ctl & TG_TCP_SYN) || tg_seg_len(seg) == 0) {
		tg_reply_challenge(tcb, env, act);
		return;
	}
	if (seg->len > 0)
		note_twice(tcb, seg);
	tg_reply_ack(tcb, env, act);
}

/* In LAST-ACK the ACK of a repeated FIN counts: it may be the one that we wait for. */
static void fin_again(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
		      struct tg_act *act)
{
	tg_reply_ack(tcb, env, act);
	if (has_good_ack(tcb, seg))
		tg_check_ack(tcb, seg, env, act);
}

static void is_outside(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
		       struct tg_act *act)
{
	switch ((enum tg_tcp_state)tcb->state) {
	case TG_SYN_RECEIVED: /* SE-04, SE-14, SE-19: always by the limit */
		tg_reply_challenge(tcb, env, act);
		return;
	case TG_LAST_ACK:
		if (is_fin_again(tcb, seg)) {
			fin_again(tcb, seg, env, act);
			return;
		}
		break;
	case TG_ESTABLISHED:
	case TG_FIN_WAIT_1:
	case TG_FIN_WAIT_2:
	case TG_CLOSE_WAIT:
	case TG_CLOSING:
		break;
	case TG_CLOSED:
	case TG_LISTEN:
	case TG_SYN_SENT:
	case TG_TIME_WAIT:
	case TG_STATE_N:
		assert(false && "no block is judged by check 1 in that state");
		return;
	}
	if (is_crossed_probe(tcb, seg) && !tg_check_ack(tcb, seg, env, act))
		return;
	answer(tcb, seg, env, act);
}

bool tg_check_sequence(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
		       struct tg_act *act)
{
	if (is_acceptable(tcb, seg))
		return true;
	tg_ctr_inc(env->ctr, TG_CTR_oow_seq);
	if (seg->ctl & TG_TCP_RST) /* SE-09, SE-24 */
		act->verdict = TG_CTR_rst_rcvd_oow;
	else
		is_outside(tcb, seg, env, act);
	return false;
}
