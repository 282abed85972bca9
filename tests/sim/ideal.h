/* SPDX-License-Identifier: BSD-3-Clause */
/* ideal.h: what the best sender that TCP allows brings through a link that loses data segments by
 * chance: the measure for the cells of test_goodput where the usual formula promises what nobody
 * can keep.
 *
 * What it has that no sender has: a loss is known for sure by the first ACK of anything that was
 * sent after it, however much else was lost, with no duplicates to wait for and no reordering to
 * fear, and is repeated at once. Its receiver acknowledges each segment at once, no ACK is lost,
 * the reader reads at once; no Nagle, no silly windows, no rounding: the buffer is cut into the
 * fewest equal segments, and all of it is used.
 *
 * What it has not, since TCP has not: a byte stays in the send buffer until all before it is
 * acknowledged, and in the receive buffer until all before it has come; so never more than the
 * buffer is between the first byte that is missing and the last that was sent. It sends whole
 * segments. It knows nothing that no ACK tells: that the last ones of a round are lost, the next
 * round tells. And where nothing of what is in flight arrives, the retransmission timer tells, at
 * its floor of two round trips, doubling each time (RFC 6298 5.5).
 *
 * With all_knowing it knows even that: each loss one round trip after it was sent, but for the
 * timer's where nothing at all arrives. No sender can do that; it shows how much of a cell is lost
 * by not knowing.
 *
 * The congestion window is ideal too: nothing but the law. IDEAL_RENO: one MSS more for each round
 * trip without loss, half for each with one, however many were lost in it (RFC 5681, RFC 6582), no
 * less than two MSS. IDEAL_CUBIC: RFC 9438 4.2 to 4.7 in real numbers. Both start as everyone does,
 * with ten segments, doubling until the first loss. IDEAL_NONE: none, only the buffers. A real
 * sender may be ahead of it where windows are large: it halves when it hears of a loss, and what
 * it has sent by then, clocked by the ACKs before, it has sent; this one halves at once.
 *
 * Since the link takes no time for a byte and every ACK comes after exactly one round trip, all
 * happens at multiples of it: a round sends what it may, and the next hears what became of it. */
#ifndef IDEAL_H
#define IDEAL_H

#include <stdbool.h>
#include <stdint.h>

enum ideal_window { IDEAL_NONE, IDEAL_RENO, IDEAL_CUBIC };

struct ideal {
	enum ideal_window window;
	bool all_knowing;
	double mss;       /* text of a full segment */
	uint32_t buffer;  /* bytes, of both sides */
	uint32_t rtt_ms;  /* more than 0 */
	uint32_t loss;    /* in 100,000, below 50,000 */
	uint64_t seed;    /* of a struct sim: the n-th data segment of both has the same fate */
	uint64_t warm_ms; /* when measuring begins */
	uint64_t bytes;   /* and how many */
};

/* Bytes a second. */
double ideal_goodput(const struct ideal *in);

#endif
