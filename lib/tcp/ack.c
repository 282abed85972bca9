/* SPDX-License-Identifier: BSD-3-Clause */
/* ack.c: the ACK field and the send window of an acceptable segment (RFC 9293
 * 3.10.7.4, check 5). */
#include "data.h"

/* Counts the impossible blocks; recovery.c notes the others. */
static void check_sack(const struct tg_tcb *tcb, const struct tg_seg *seg,
		       const struct tg_tcp_env *env)
{
	if (!tcb->sack_on)
		return; /* ADV-41 */
	if (seg->opts.bad_sack)
		tg_ctr_inc(env->ctr, TG_CTR_bad_sack);
	for (uint32_t i = 0; i < seg->opts.sack_n; i++) {
		if (!tg_data_is_block_possible(tcb, &seg->opts.sack[i]))
			tg_ctr_inc(env->ctr, TG_CTR_bad_sack);
	}
}

/* SE-45, DT-02: true when the window is not what it was. DEVIATES RFC 9293 3.10.7.4: a segment that
 * moves SND.UNA was sent after all that came before, so its window is the newest even when its
 * number is old (text that the peer repeats); left alone, SND.UNA + SND.WND would pass the edge. */
static bool update_window(struct tg_tcb *tcb, const struct tg_seg *seg)
{
	uint32_t scale = (seg->ctl & TG_TCP_SYN) ? 0 : tcb->snd_scale; /* EST-14, DT-03 */
	uint32_t wnd = (uint32_t)seg->wnd << scale, old = tcb->snd.wnd;

	if (!tg_seq_gt(seg->ack, tcb->snd.una) && !tg_seq_lt(tcb->snd.wl1, seg->seq) &&
	    !(tg_seq_eq(tcb->snd.wl1, seg->seq) && tg_seq_le(tcb->snd.wl2, seg->ack)))
		return wnd != old;
	tcb->snd.wnd = wnd;
	tcb->snd.wl1 = seg->seq;
	tcb->snd.wl2 = seg->ack;
	if (wnd > tcb->snd.max_wnd)
		tcb->snd.max_wnd = wnd;
	return wnd != old;
}

/* Gives back what is acknowledged of the send queue. */
static void free_queue(struct tg_tcb *tcb, const struct tg_tcp_env *env, struct tg_act *act)
{
	if (tcb->tx.chunk_n == 0)
		return;
	if (tg_seq_ge(tcb->snd.una, tcb->tx_end))
		tg_span_free(&tcb->tx, env->chunks);
	else
		tg_span_free_to(&tcb->tx, env->chunks, tcb->snd.una.v);
	if (!tcb->fin_queued && tg_tcp_send_room(tcb) > 0)
		act->events |= TG_EV_WRITABLE;
}

/* SE-28: SND.UNA < SEG.ACK <= SND.NXT. Returns the RTT sample that it gives, 0 = none. */
static uint32_t advance(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
			struct tg_act *act)
{
	uint8_t backoff = tcb->backoff;
	bool fresh = !tcb->loss || tg_seq_gt(seg->ack, tcb->recover);
	uint32_t rtt_us = tg_rto_sample(tcb, seg, env);

	if (tcb->persist)
		tcb->backoff = backoff; /* the window is still closed: the probes go on slowing */
	else if (fresh)
		tcb->backoff = 0; /* DT-05, Karn */
	tcb->snd.una = seg->ack;
	tcb->syn_sent_n = 0;
	tcb->rexmit_nxt = tg_seq_max(tcb->rexmit_nxt, seg->ack);
	tcb->rexmit_since_ms = tcb->rexmit_from_ms = 0;
	tg_tx_proven(tcb, act);
	free_queue(tcb, env, act);
	if (!tcb->persist) /* RFC 6298 5.2, 5.3; tg_tx_settle starts it again */
		tcb->deadline[TG_T_REXMIT] = 0;
	tg_rack_disarm(tcb);
	return rtt_us;
}

/* SE-29, DT-23: an ACK that says nothing new while something is outstanding. */
static bool is_duplicate(const struct tg_tcb *tcb, const struct tg_seg *seg, bool wnd_moved)
{
	return seg->len == 0 && !(seg->ctl & (TG_TCP_SYN | TG_TCP_FIN)) &&
	       tg_data_flight(tcb) > 0 && !tcb->persist && !wnd_moved;
}

void tg_ack_arrives(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
		    struct tg_act *act)
{
	struct tg_ack a = {.seg = seg};
	bool moved;

	if (tg_seq_lt(seg->ack, tcb->snd.una))
		return; /* SE-30 */
	if (seg->opts.sack_n || seg->opts.bad_sack)
		check_sack(tcb, seg, env);
	if (tcb->persist) { /* MUST-37: a peer that answers is waited for */
		tcb->probes = 0;
		tcb->rexmit_since_ms = tcb->rexmit_from_ms = 0;
	}
	if (tcb->ecn_on)
		a.ece = tg_ecn_ack_arrives(tcb, seg, env);
	moved = update_window(tcb, seg);
	if (tg_seq_gt(seg->ack, tcb->snd.una)) {
		a.acked = (uint32_t)tg_seq_diff(seg->ack, tcb->snd.una);
		a.rtt_us = advance(tcb, seg, env, act);
	} else {
		a.is_dup = is_duplicate(tcb, seg, moved);
	}
	if (a.acked || a.is_dup || seg->opts.sack_n || tcb->rack.tlp_out)
		tg_recovery_arrives(tcb, &a, env);
	tg_tx_settle(tcb, env);
}
