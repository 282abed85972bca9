/* SPDX-License-Identifier: BSD-3-Clause */
/* data.h (private to tcp): what the files of the data path ask of each other. */
#ifndef TG_TCP_DATA_H
#define TG_TCP_DATA_H

#include "machine.h"

enum { TG_RTO_INITIAL_US = 1000000, TG_RTO_MAX_US = 60000000 }; /* RFC 6298 2.1, 2.5 */

enum { TG_DUP_THRESHOLD = 3 }; /* RFC 5681 3.2 */

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

/* True when something is queued that was never sent. */
static inline bool tg_data_is_waiting(const struct tg_tcb *tcb)
{
	return tg_seq_lt(tcb->snd.nxt, tcb->tx_end) || (tcb->fin_queued && !tcb->fin_sent);
}

/* What is in the network: in flight, and neither SACKED nor LOST (RFC 6675 4). Without SACK what is
 * in flight. */
static inline uint32_t tg_data_pipe(const struct tg_tcb *tcb)
{
	return tg_data_flight(tcb) - tcb->sent.sacked - tcb->sent.lost;
}

/* DT-16, ADV-40: a block below SND.UNA may be a D-SACK, as far back as the largest window. */
static inline bool tg_data_is_block_possible(const struct tg_tcb *tcb,
					     const struct tg_sack_block *b)
{
	return tg_seq_lt(b->left, b->right) && tg_seq_le(b->right, tcb->snd.nxt) &&
	       tg_seq_ge(b->left, tg_seq_sub(tcb->snd.una, tcb->snd.max_wnd));
}

/* True when text or FIN can go out now (not an ACK, not a probe). */
bool tg_data_has_text(const struct tg_tcb *tcb, const struct tg_chunks *chunks);

/* --- rto.c --- */

/* RFC 6298 2.2, 2.3 (DT-05), before backoff; srtt_us 0: no sample. */
uint32_t tg_rto_of(uint32_t srtt_us, uint32_t rttvar_us, const struct tg_tcp_conf *conf);
/* When the timer of what begins to wait now is due, if it runs for ms (TO-03). */
uint64_t tg_rto_due(const struct tg_tcp_conf *conf, uint64_t now_ms, uint64_t ms);

/* SND.UNA has moved: a smaller segment that was tried after timeouts got through (DT-31). */
void tg_tx_proven(struct tg_tcb *tcb, struct tg_act *act);

/* --- recovery.c --- */

/* An acceptable ACK, SND.UNA moved already. */
struct tg_ack {
	const struct tg_seg *seg;
	uint32_t acked;  /* SND.UNA moved by so much */
	uint32_t rtt_us; /* the RTT sample that it gave; 0 = none */
	bool is_dup;     /* DT-23 */
	bool ece;        /* cwnd must not grow by it (RFC 3168 6.1.2) */
};

/* What an ACK means for loss and cwnd: duplicates counted, SACK blocks noted (those that can be
 * true, DT-16), loss found, recovery begun, continued and ended, needless ones undone. */
void tg_recovery_arrives(struct tg_tcb *tcb, const struct tg_ack *ack,
			 const struct tg_tcp_env *env);
/* [seq, end) goes out, SND.NXT not moved yet. */
void tg_recovery_sent(struct tg_tcb *tcb, tg_seq seq, tg_seq end, const struct tg_tcp_env *env);
/* RACK's reordering timer fired. */
void tg_recovery_late(struct tg_tcb *tcb, const struct tg_tcp_env *env);
/* The retransmission timer fired; first: for what stands at SND.UNA, for the first time. */
void tg_recovery_timeout(struct tg_tcb *tcb, bool first, const struct tg_tcp_env *env);
/* All that is in flight goes out again, from SND.UNA on, as cwnd allows: not by congestion. */
void tg_recovery_repeat(struct tg_tcb *tcb, const struct tg_tcp_env *env);
/* What cwnd allows in the network, limited transmit included (RFC 3042); with SACK what a duplicate
 * tells is out of the pipe already. */
static inline uint32_t tg_recovery_window(const struct tg_tcb *tcb)
{
	bool limited = tcb->dupacks && tcb->dupacks < TG_DUP_THRESHOLD && !tcb->recovery &&
		       !tcb->loss && tcb->sent.sacked == 0;

	return tcb->cwnd + (limited ? tcb->dupacks * tg_tx_mss(tcb) : 0);
}

/* --- rack.c --- */

/* RFC 8985 7.2: how long after it a probe follows what was sent; few: less than two segments. */
uint64_t tg_rack_probe_us(uint32_t srtt_us, bool few, const struct tg_tcp_conf *conf);

/* [seq, end) goes out, SND.NXT not moved yet: the sent records know when. */
void tg_rack_sent(struct tg_tcb *tcb, tg_seq seq, tg_seq end, const struct tg_tcp_env *env);
/* news was delivered, up to top: RFC 8985 6.2 steps 1 to 3. Returns the RTT of it, us; 0 = nobody
 * knows. */
uint32_t tg_rack_delivered(struct tg_tcb *tcb, const struct tg_seg *seg,
			   const struct tg_sent_news *news, tg_seq top,
			   const struct tg_tcp_env *env);
/* A D-SACK came. */
void tg_rack_dsack(struct tg_tcb *tcb);
/* Loss recovery ended. */
void tg_rack_recovered(struct tg_tcb *tcb);
struct tg_rack_found {
	bool any;   /* something is LOST that was not */
	bool again; /* that was sent again since cwnd was reduced last */
};
/* RFC 8985 6.2 steps 4 and 5: marks what is lost, and arms TG_T_RACK for what may be. */
struct tg_rack_found tg_rack_detect(struct tg_tcb *tcb, const struct tg_tcp_env *env);
/* Nothing is LOST after all. */
void tg_rack_lose_none(struct tg_tcb *tcb, const struct tg_tcp_env *env);
/* Arms the probe's timer, which does not run, when it may. */
void tg_rack_arm(struct tg_tcb *tcb, const struct tg_tcp_env *env);

static inline void tg_rack_stop_timer(struct tg_tcb *tcb)
{
	tcb->deadline[TG_T_RACK] = 0;
	tcb->rack.reo_runs = false;
}

/* Stops the probe's timer. */
static inline void tg_rack_disarm(struct tg_tcb *tcb)
{
	if (!tcb->rack.reo_runs)
		tcb->deadline[TG_T_RACK] = 0;
}

/* Stops both, and forgets the probe. */
static inline void tg_rack_stop(struct tg_tcb *tcb)
{
	tg_rack_stop_timer(tcb);
	tcb->rack.tlp_due = tcb->rack.tlp_out = false;
}
/* The probe went out; again: it was sent before. */
void tg_rack_probed(struct tg_tcb *tcb, bool again, const struct tg_tcp_env *env);
/* An ACK while a probe is out; dsack_of_it: it says that the probe came twice; advances: SND.UNA
 * moved. True: the probe has repaired a loss, and congestion control must hear of it. */
bool tg_rack_probe_answered(struct tg_tcb *tcb, const struct tg_seg *seg, bool dsack_of_it,
			    bool advances);

#endif
