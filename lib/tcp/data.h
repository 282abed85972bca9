/* SPDX-License-Identifier: BSD-3-Clause */
/* data.h (private to tcp): what the files of the data path ask of each other. */
#ifndef TG_TCP_DATA_H
#define TG_TCP_DATA_H

#include "machine.h"

enum { TG_RTO_INITIAL_US = 1000000, TG_RTO_MAX_US = 60000000 }; /* RFC 6298 2.1, 2.5 */

/* Our SYN waits for its ACK: SND.UNA = ISS is no byte. */
static inline bool tg_data_is_syn_out(const struct tg_tcb *tcb)
{
	return tcb->state == TG_SYN_SENT || tcb->state == TG_SYN_RECEIVED || tcb->syn_unacked;
}

/* Bytes in the send queue, sent or not. */
static inline uint32_t tg_data_queued(const struct tg_tcb *tcb)
{
	tg_seq first = tg_data_is_syn_out(tcb) ? tg_seq_add(tcb->snd.iss, 1) : tcb->snd.una;

	if (tcb->tx.chunk_n == 0)
		return 0;
	return (uint32_t)tg_seq_diff(tcb->tx_end, first);
}

/* SND.NXT - SND.UNA. */
static inline uint32_t tg_data_flight(const struct tg_tcb *tcb)
{
	return (uint32_t)tg_seq_diff(tcb->snd.nxt, tcb->snd.una);
}

/* States that send text or a FIN, or wait for their ACK. */
bool tg_data_may_send(const struct tg_tcb *tcb);
/* True when something is queued that was never sent. */
static inline bool tg_data_is_waiting(const struct tg_tcb *tcb)
{
	return tg_seq_lt(tcb->snd.nxt, tcb->tx_end) || (tcb->fin_queued && !tcb->fin_sent);
}

/* True when text or FIN can go out now (not an ACK, not a probe). */
bool tg_data_has_text(const struct tg_tcb *tcb);

/* --- newreno.c --- */

/* acked bytes of new data were acknowledged; una is already moved, flight_before was SND.NXT -
 * SND.UNA. */
void tg_newreno_acked(struct tg_tcb *tcb, uint32_t acked);
/* A duplicate ACK by DT-23; is_evidence: it selectively acknowledges something above SND.UNA. */
void tg_newreno_dupack(struct tg_tcb *tcb, bool is_evidence);
/* The retransmission timer fired; first: for what stands at SND.UNA, for the first time. */
void tg_newreno_timeout(struct tg_tcb *tcb, bool first);
/* Text is about to go out after silence (DT-22). */
void tg_newreno_idle(struct tg_tcb *tcb, uint64_t now_ms);
/* What cwnd allows beyond SND.UNA, limited transmit included (RFC 3042). */
uint32_t tg_newreno_window(const struct tg_tcb *tcb);

#endif
