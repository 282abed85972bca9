/* SPDX-License-Identifier: BSD-3-Clause */
/* cc.h (private to tcp): what the files of congestion control ask of each other: cc.c what all
 * share, reno.c RFC 5681 with RFC 3465, cubic.c RFC 9438, hystart.c RFC 9406. Bytes, ms. */
#ifndef TG_TCP_CC_H
#define TG_TCP_CC_H

#include "data.h"

static inline uint32_t tg_cc_max(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static inline uint32_t tg_cc_min(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* --- cc.c --- */

/* cwnd grows by n, not above what the send queue can fill. */
void tg_cc_grow(struct tg_tcb *tcb, uint32_t n);

/* --- reno.c --- */

/* Bytes that one ACK of acked bytes adds in slow start (RFC 3465 2.2, 2.3). */
uint32_t tg_reno_slow_start(const struct tg_tcb *tcb, uint32_t acked);
/* An ACK in congestion avoidance. */
void tg_reno_acked(struct tg_tcb *tcb, uint32_t acked);
/* ssthresh when congestion is met with flight bytes outstanding: RFC 5681 (4); ecn: RFC 8511. */
uint32_t tg_reno_ssthresh(const struct tg_tcb *tcb, uint32_t flight, bool ecn);

/* --- cubic.c --- */

/* An ACK in congestion avoidance: begins the epoch where none runs. */
void tg_cubic_acked(struct tg_tcb *tcb, uint32_t acked, uint64_t now_ms);
/* RFC 9438 4.6, 4.7: returns ssthresh, remembers W_max; cwnd is still as it was. */
uint32_t tg_cubic_ssthresh(struct tg_tcb *tcb, uint32_t flight, bool ecn);
/* The time from cc.grown_ms to now was without growth: none of CUBIC's time (4.2, 5.8). */
void tg_cubic_pause(struct tg_tcb *tcb, uint64_t now_ms);

/* --- hystart.c --- */

/* An ACK in the first slow start: what its growth, add bytes, becomes; ends slow start by
 * ssthresh = cwnd where delay has grown for long enough. */
uint32_t tg_hystart_acked(struct tg_tcb *tcb, uint32_t add, uint32_t rtt_us);
/* An ACK that makes nothing grow: a round that it ends is not followed by another at once. */
void tg_hystart_pause(struct tg_tcb *tcb);

#endif
