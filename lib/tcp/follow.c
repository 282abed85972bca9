/* SPDX-License-Identifier: BSD-3-Clause */
/* follow.c: the segments of a burst that follow one that was just taken (DT-35). Of a segment that
 * continues its predecessor and says nothing new beside its text, the checks before the text would
 * find what they have found: the same ACK, window and timestamps at the same time. So only the
 * text is left to do, and that is done by the same code, segment by segment: what is counted for
 * ACKs (DT-11) is the same. */
#include "control.h"

/* PSH ends a run; any other bit, an option beside timestamps, or another mark of ECN is news. */
static bool says_nothing_new(const struct tg_seg *last, const struct tg_seg *seg)
{
	const struct tg_tcp_opts *a = &last->opts, *b = &seg->opts;

	if (last->ctl != TG_TCP_ACK || (seg->ctl & (uint8_t)~TG_TCP_PSH) != TG_TCP_ACK)
		return false;
	if (!tg_seq_eq(seg->ack, last->ack) || seg->wnd != last->wnd || seg->ecn != last->ecn)
		return false;
	if (b->has_mss || b->has_wscale || b->has_sack_perm || b->sack_n || b->bad || b->bad_sack)
		return false;
	return a->has_ts == b->has_ts && a->tsval == b->tsval && a->tsecr == b->tsecr;
}

bool tg_tcp_follows(struct tg_tcb *tcb, const struct tg_seg *last, const struct tg_seg *seg,
		    const struct tg_tcp_env *env, struct tg_act *act)
{
	/* The predecessor was taken, in order, and left nothing to say at once. */
	if (tcb->state != TG_ESTABLISHED || act->verdict != TG_CTR_NONE || act->has_reply ||
	    (act->events & ~(uint32_t)TG_EV_WRITABLE) != TG_EV_READABLE)
		return false;
	if (last->len == 0 || seg->len == 0 ||
	    !tg_seq_eq(seg->seq, tg_seq_add(last->seq, last->len)))
		return false;
	if (!tg_seq_eq(seg->seq, tcb->rcv.nxt) || tcb->ooo_n || tcb->fin_held ||
	    (int32_t)seg->len > tg_seq_diff(tcb->rcv.edge, seg->seq))
		return false;
	if (!says_nothing_new(last, seg))
		return false;
	if (tg_seq_ge(seg->ack, tcb->snd.una)) /* SE-45: its window is the newest */
		tcb->snd.wl1 = seg->seq;
	tg_arrives_text(tcb, seg, env, act);
	return true;
}
