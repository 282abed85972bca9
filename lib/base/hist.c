/* SPDX-License-Identifier: BSD-3-Clause */
/* hist.c: the slow side of the histogram. */
#include "tg_hist.h"

#include <assert.h>
#include <string.h>

static_assert(TG_HIST_BUCKETS == 3776, "the top bucket holds UINT64_MAX");

void tg_hist_init(struct tg_hist *h)
{
	memset(h, 0, sizeof(*h));
	h->min = UINT64_MAX;
}

void tg_hist_merge(struct tg_hist *h, const struct tg_hist *from)
{
	h->count += from->count;
	h->sum += from->sum;
	h->min = from->min < h->min ? from->min : h->min;
	h->max = from->max > h->max ? from->max : h->max;
	for (int i = 0; i < TG_HIST_BUCKETS; i++)
		h->bucket[i] += from->bucket[i];
}

/* The largest value that falls into bucket i. */
static uint64_t bucket_top(uint32_t i)
{
	if (i < TG_HIST_SUB)
		return i;
	uint32_t shift = (i >> TG_HIST_SUB_BITS) - 1;
	uint64_t step = (i & (TG_HIST_SUB - 1)) + (uint64_t)TG_HIST_SUB;
	return (step << shift) + ((1ull << shift) - 1);
}

uint64_t tg_hist_quantile(const struct tg_hist *h, double q)
{
	if (h->count == 0)
		return 0;
	if (q <= 0)
		return h->min;
	if (q >= 1)
		return h->max;
	/* The rank is rounded up: the median of two values is the lower one. */
	double want = q * (double)h->count;
	uint64_t seen = 0;
	for (uint32_t i = 0; i < TG_HIST_BUCKETS; i++) {
		seen += h->bucket[i];
		if ((double)seen >= want && seen > 0) {
			uint64_t top = bucket_top(i);
			return top < h->max ? top : h->max;
		}
	}
	return h->max;
}

double tg_hist_mean(const struct tg_hist *h)
{
	return h->count ? h->sum / (double)h->count : 0;
}
