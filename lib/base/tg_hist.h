/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_hist.h: a log-linear histogram of 64-bit values in fixed memory (30 KB), for latencies and
 * sizes. Values below 64 are exact; above, each octave has 64 equal steps, so a quantile is at most
 * 1/64 (1.6 %) above the true one, over the whole range of uint64_t. One writer; merge to add up
 * cores. Adding costs a few instructions and one line of memory. */
#ifndef TG_HIST_H
#define TG_HIST_H

#include <stdint.h>

enum { TG_HIST_SUB_BITS = 6, TG_HIST_SUB = 1 << TG_HIST_SUB_BITS };
enum { TG_HIST_BUCKETS = (64 - TG_HIST_SUB_BITS + 1) * TG_HIST_SUB };

struct tg_hist {
	uint64_t count;    /* of all values */
	uint64_t min, max; /* exact; UINT64_MAX and 0 when empty */
	double sum;
	uint64_t bucket[TG_HIST_BUCKETS];
};

/* The bucket of a value. */
static inline uint32_t tg_hist_index(uint64_t v)
{
	if (v < TG_HIST_SUB)
		return (uint32_t)v;
	uint32_t shift = 63u - (uint32_t)__builtin_clzll(v) - TG_HIST_SUB_BITS;
	return (shift << TG_HIST_SUB_BITS) + (uint32_t)(v >> shift);
}

/* n times the value v. */
static inline void tg_hist_add_n(struct tg_hist *h, uint64_t v, uint64_t n)
{
	if (n == 0)
		return;
	h->count += n;
	h->sum += (double)v * (double)n;
	h->min = v < h->min ? v : h->min;
	h->max = v > h->max ? v : h->max;
	h->bucket[tg_hist_index(v)] += n;
}

static inline void tg_hist_add(struct tg_hist *h, uint64_t v)
{
	tg_hist_add_n(h, v, 1);
}

/* Empties it; also the way to make one. */
void tg_hist_init(struct tg_hist *h);
/* Adds all of from to h. */
void tg_hist_merge(struct tg_hist *h, const struct tg_hist *from);
/* The value that the fraction q (0..1; 0.5 = median) of all values does not exceed: the upper edge
 * of its bucket, never above max. q <= 0 gives min, q >= 1 gives max, an empty histogram 0. */
uint64_t tg_hist_quantile(const struct tg_hist *h, double q);
/* The mean; 0 when empty. */
double tg_hist_mean(const struct tg_hist *h);

#endif
