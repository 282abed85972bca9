/* SPDX-License-Identifier: BSD-3-Clause */
/* newreno.c: RFC 5681 with the recovery of RFC 6582, counted in bytes (RFC 3465). */
#include "data.h"

enum {
	DUP_THRESHOLD = 3,
	SSTHRESH_NONE = 1 << 30,
	IW_SEGMENTS = 10,
	IW_BYTES = 14600, /* RFC 6928 2 */
};

static uint32_t max32(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static uint32_t min32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

uint32_t tg_newreno_iw(const struct tg_tcb *tcb)
{
	uint32_t mss = tg_tx_mss(tcb);

	return min32(IW_SEGMENTS * mss, max32(2 * mss, IW_BYTES));
}

/* DT-19, EST-25: one segment when SYN or SYN-ACK was lost more than once. */
static uint32_t initial_window(const struct tg_tcb *tcb)
{
	if (tcb->rexmit_syn && tcb->syn_sent_n > 2)
		return tg_tx_mss(tcb);
	return tg_newreno_iw(tcb);
}

void tg_newreno_init(struct tg_tcb *tcb)
{
	tcb->cwnd = initial_window(tcb);
	tcb->ssthresh = SSTHRESH_NONE;
	tcb->acked_bytes = 0;
	tcb->dupacks = 0;
	tcb->recovery = tcb->loss = false;
	tcb->recover = tg_seq_sub(tcb->snd.una, 1);
}

/* Half of what is in flight, RFC 5681 (4). */
static uint32_t half_flight(const struct tg_tcb *tcb)
{
	return max32(tg_data_flight(tcb) / 2, 2 * tg_tx_mss(tcb));
}

/* More than the queue can hold is never in flight: a larger cwnd would only hide what the path
 * bears. */
static void grow(struct tg_tcb *tcb, uint32_t n)
{
	uint32_t most = max32(tcb->conf->sndbuf, initial_window(tcb));

	if (tcb->cwnd < most)
		tcb->cwnd = min32(tcb->cwnd + n, most);
}

static void open_window(struct tg_tcb *tcb, uint32_t acked)
{
	uint32_t mss = tg_tx_mss(tcb);

	if (tcb->cwnd < tcb->ssthresh) { /* RFC 3465 2.2, 2.3: L = 2, and 1 after a timeout */
		grow(tcb, min32(acked, tcb->loss ? mss : 2 * mss));
		return;
	}
	tcb->acked_bytes += acked;
	if (tcb->acked_bytes >= tcb->cwnd) {
		tcb->acked_bytes -= tcb->cwnd;
		tcb->acked_bytes = min32(tcb->acked_bytes, tcb->cwnd);
		grow(tcb, mss);
	}
}

void tg_newreno_acked(struct tg_tcb *tcb, uint32_t acked)
{
	uint32_t mss = tg_tx_mss(tcb);

	tcb->dupacks = 0;
	if (!tcb->recovery) {
		if (tcb->loss && tg_seq_ge(tcb->snd.una, tcb->recover))
			tcb->loss = false;
		open_window(tcb, acked);
		return;
	}
	if (tg_seq_ge(tcb->snd.una, tcb->recover)) { /* RFC 6582 3.2 (3), full */
		tcb->recovery = false;
		tcb->acked_bytes = 0;
		tcb->cwnd = min32(tcb->ssthresh, max32(tg_data_flight(tcb), mss) + mss);
		return;
	}
	/* Partial: the next hole stands at SND.UNA; deflate by what left the network. */
	tcb->rexmit_nxt = tcb->snd.una;
	tcb->cwnd = tcb->cwnd > acked ? tcb->cwnd - acked : 0;
	if (acked >= mss)
		tcb->cwnd += mss;
	tcb->cwnd = max32(tcb->cwnd, mss);
}

static void enter_recovery(struct tg_tcb *tcb)
{
	tcb->ssthresh = half_flight(tcb);
	tcb->recover = tcb->snd.nxt;
	tcb->recovery = true;
	tcb->cwnd = tcb->ssthresh + DUP_THRESHOLD * tg_tx_mss(tcb);
	tcb->rexmit_nxt = tcb->snd.una;
	tcb->rtt_start_ns = 0; /* Karn */
	tg_ecn_reduced(tcb);
}

void tg_newreno_dupack(struct tg_tcb *tcb, bool is_evidence)
{
	uint32_t most;

	if (tcb->loss)
		return;
	if (tcb->recovery) { /* ADV-46: never by more than was outstanding */
		most = tcb->ssthresh + (uint32_t)tg_seq_diff(tcb->recover, tcb->snd.una);
		if (tcb->cwnd < most)
			tcb->cwnd = min32(tcb->cwnd + tg_tx_mss(tcb), most);
		return;
	}
	if (tcb->dupacks < UINT8_MAX)
		tcb->dupacks++;
	/* RFC 6582 3.2 (2): ACKs of segments that a timeout sent twice look the same; SACK above
	 * the hole tells them apart. */
	if (tcb->dupacks >= DUP_THRESHOLD &&
	    (tg_seq_gt(tcb->snd.una, tcb->recover) ||
	     (is_evidence && tg_seq_eq(tcb->snd.una, tcb->recover))))
		enter_recovery(tcb);
}

void tg_newreno_timeout(struct tg_tcb *tcb, bool first)
{
	if (first) {
		tcb->ssthresh = half_flight(tcb);
		tg_ecn_reduced(tcb);
	}
	tcb->cwnd = tg_tx_mss(tcb);
	tcb->acked_bytes = 0;
	tcb->dupacks = 0;
	tcb->recovery = false;
	tcb->loss = true;
	tcb->recover = tcb->snd.nxt;
	tcb->rexmit_nxt = tcb->snd.una;
	tcb->rtt_start_ns = 0;
}

void tg_newreno_idle(struct tg_tcb *tcb, uint64_t now_ms)
{
	if (tcb->sent_ms && now_ms - tcb->sent_ms > tg_rto_ms(tcb))
		tcb->cwnd = min32(tcb->cwnd, initial_window(tcb));
}

uint32_t tg_newreno_window(const struct tg_tcb *tcb)
{
	uint32_t extra = 0;

	if (!tcb->recovery && !tcb->loss && tcb->dupacks < DUP_THRESHOLD)
		extra = tcb->dupacks * tg_tx_mss(tcb);
	return tcb->cwnd + extra;
}
