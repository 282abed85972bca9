/* SPDX-License-Identifier: BSD-3-Clause */
/* validate.c: the invariants of tg_tcb.h, for tests and assertions. */
#include "data.h"

/* Where blk[] of the hole blocks stands in its chunk: at the start (rx.c). */
static const struct tg_sack_block *blocks_at(const struct tg_tcb *tcb, const struct tg_chunks *c)
{
	return (const struct tg_sack_block *)(const void *)tg_chunks_at(c, tcb->ooo);
}

static const char *check_numbers(const struct tg_tcb *tcb)
{
	if (tg_seq_gt(tcb->snd.una, tcb->snd.nxt))
		return "I1: SND.UNA > SND.NXT";
	if (tg_seq_lt(tcb->rexmit_nxt, tcb->snd.una) || tg_seq_gt(tcb->rexmit_nxt, tcb->snd.nxt))
		return "I2: rexmit_nxt outside SND.UNA..SND.NXT";
	if (tcb->state == TG_SYN_SENT)
		return NULL;
	if (tg_seq_lt(tcb->rcv.edge, tcb->rcv.nxt))
		return "I3: RCV.NXT is past the right edge";
	if (tg_seq_gt(tcb->rcv.last_ack, tcb->rcv.nxt))
		return "I3: Last.ACK.sent > RCV.NXT";
	return NULL;
}

static const char *check_send_queue(const struct tg_tcb *tcb)
{
	uint32_t queued = tg_data_queued(tcb);
	tg_seq end = tg_seq_add(tcb->tx_end, tcb->fin_sent ? 1 : 0);

	if (!tg_data_may_send(tcb) && tcb->state != TG_FIN_WAIT_2)
		return NULL;
	if (tg_seq_gt(tcb->snd.nxt, end))
		return "I4: SND.NXT is past what is queued";
	if (tcb->fin_sent && !tg_seq_eq(tcb->snd.nxt, end))
		return "I4: the FIN is not the last number";
	if (tcb->tx.chunk_n == 0 && tg_seq_lt(tcb->snd.una, tcb->tx_end) &&
	    !tg_data_is_syn_out(tcb))
		return "I4: bytes are queued, but not held";
	if (tcb->tx.chunk_n > 0 && tg_seq_ge(tcb->snd.una, tcb->tx_end))
		return "I4: an empty send queue holds chunks";
	if (queued > TG_BUF_MAX || (!tcb->own_conf && queued > tcb->conf->sndbuf))
		return "I4: more than sndbuf is queued";
	return NULL;
}

static const char *check_holes(const struct tg_tcb *tcb, const struct tg_chunks *c)
{
	tg_seq at = tcb->rcv.nxt;

	if (tcb->ooo_n > TG_OOO_MAX)
		return "I5: too many hole blocks";
	if ((tcb->ooo_n > 0) != (tcb->ooo != TG_NONE))
		return "I5: hole blocks without a chunk, or a chunk without blocks";
	for (uint32_t i = 0; i < tcb->ooo_n; i++) {
		const struct tg_sack_block *b = &blocks_at(tcb, c)[i];

		if (!tg_seq_lt(at, b->left) || !tg_seq_lt(b->left, b->right))
			return "I5: hole blocks touch, overlap or are out of order";
		at = b->right;
	}
	if (tg_seq_gt(at, tcb->rcv.edge))
		return "I5: text beyond the right edge is held";
	if (tcb->rx.chunk_n > 0 && tcb->ooo_n == 0 && tg_tcp_readable(tcb) == 0)
		return "I5: an empty receive queue holds chunks";
	return NULL;
}

/* I6, and that nothing waits for ever: what is in flight or cannot go has its timer. */
static const char *check_timers(const struct tg_tcb *tcb, const struct tg_chunks *c)
{
	if (tcb->deadline[TG_T_FW2] && tcb->state != TG_FIN_WAIT_2)
		return "I6: the FIN-WAIT-2 timer runs in another state";
	if (tcb->deadline[TG_T_REXMIT] &&
	    (tcb->state == TG_FIN_WAIT_2 || tcb->state == TG_TIME_WAIT || tcb->state == TG_CLOSED))
		return "I6: the retransmission timer runs where nothing can be sent";
	if (!tg_data_may_send(tcb) || tcb->deadline[TG_T_REXMIT])
		return NULL;
	if (tg_data_flight(tcb) > 0)
		return "I6: text is in flight without a timer";
	if (tg_data_is_waiting(tcb) && !tg_data_has_text(tcb, c))
		return "I6: text waits for the window without a timer";
	return NULL;
}

static const char *check_fin(const struct tg_tcb *tcb)
{
	switch ((enum tg_tcp_state)tcb->state) {
	case TG_SYN_SENT:
	case TG_SYN_RECEIVED:
	case TG_ESTABLISHED:
	case TG_FIN_WAIT_1:
	case TG_FIN_WAIT_2:
		return tcb->fin_rcvd ? "I7: the peer's FIN is taken, the state is not" : NULL;
	case TG_CLOSE_WAIT:
	case TG_CLOSING:
	case TG_LAST_ACK:
	case TG_TIME_WAIT:
		return tcb->fin_rcvd ? NULL : "I7: a state that follows the peer's FIN without it";
	case TG_CLOSED:
	case TG_LISTEN:
	case TG_STATE_N:
		break;
	}
	return NULL;
}

/* The sent records are of what is in flight, all of it. */
static const char *check_sent(const struct tg_tcb *tcb, const struct tg_chunks *c)
{
	struct tg_sent s = tcb->sent;
	const char *why = NULL;

	if (!tg_sent_validate(&s, c, &why))
		return why;
	if (!tcb->sack_on || !tg_data_may_send(tcb) || tcb->syn_unacked)
		return s.n > 0 && !tcb->syn_unacked ? "I8: sent records where none are kept" : NULL;
	if (s.n == 0)
		return tg_data_flight(tcb) > 0 ? "I8: in flight without a record" : NULL;
	if (!tg_seq_eq(s.una, tcb->snd.una) || !tg_seq_eq(tg_sent_end(&s, c), tcb->snd.nxt))
		return "I8: the sent records are not of SND.UNA to SND.NXT";
	return NULL;
}

static const char *first_fault(const struct tg_tcb *tcb, const struct tg_chunks *chunks)
{
	const char *why = check_numbers(tcb);

	if (!why)
		why = check_fin(tcb);
	if (!why)
		why = check_send_queue(tcb);
	if (!why && tcb->state != TG_SYN_SENT)
		why = check_holes(tcb, chunks);
	if (!why)
		why = check_timers(tcb, chunks);
	if (!why)
		why = check_sent(tcb, chunks);
	if (!why && (!tg_span_validate(&tcb->tx, chunks) || !tg_span_validate(&tcb->rx, chunks)))
		why = "a span does not add up";
	return why;
}

bool tg_tcb_validate(const struct tg_tcb *tcb, const struct tg_chunks *chunks, const char **why)
{
	const char *fault = NULL;

	if (tcb->state != TG_CLOSED && tcb->state != TG_LISTEN)
		fault = first_fault(tcb, chunks);
	if (why)
		*why = fault;
	return fault == NULL;
}
