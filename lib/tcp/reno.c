/* SPDX-License-Identifier: BSD-3-Clause */
/* reno.c: the windows of RFC 5681, counted in bytes (RFC 3465). */
#include "cc.h"

/* DT-22, ADV-24, ADV-47: L = 2, and 1 in the slow start after a timeout (RFC 3465 2.3): an ACK may
 * then cover what was delivered long before, and tells nothing of how fast text leaves the network
 * now. We do not pace, so HyStart++'s L of 8 (RFC 9406 4.2) is not for us: its bursts would come at
 * once. */
uint32_t tg_reno_slow_start(const struct tg_tcb *tcb, uint32_t acked)
{
	uint32_t mss = tg_tx_mss(tcb);

	return tg_cc_min(acked, tcb->loss ? mss : 2 * mss);
}

/* DT-18, RFC 3465 2.1: one segment for each cwnd of bytes that was acknowledged. A cut leaves half
 * a segment of cwnd, which is never sent: to wait for its ACK would make a step longer than a round
 * trip. */
void tg_reno_acked(struct tg_tcb *tcb, uint32_t acked)
{
	uint32_t round = tcb->cwnd - tcb->cwnd % tg_tx_size(tcb);

	tcb->acked_bytes += acked;
	if (tcb->acked_bytes < round)
		return;
	tcb->acked_bytes = tg_cc_min(tcb->acked_bytes - round, tcb->cwnd);
	tg_cc_grow(tcb, tg_tx_mss(tcb));
}

/* DT-18, RFC 5681 (4); a mark instead of a loss comes from a short queue: RFC 8511 4.1, 0.8. */
uint32_t tg_reno_ssthresh(const struct tg_tcb *tcb, uint32_t flight, bool ecn)
{
	uint32_t left = ecn ? flight / 5 * 4 : flight / 2;

	return tg_cc_max(left, 2 * tg_tx_mss(tcb));
}
