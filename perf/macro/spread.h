/* SPDX-License-Identifier: BSD-3-Clause */
/* spread.h: the median of some figures, and their tenth and ninetieth percentile. */
#ifndef MACRO_SPREAD_H
#define MACRO_SPREAD_H

#include <stdint.h>
#include <stdlib.h>

struct spread {
	double p10, p50, p90;
};

static inline int spread_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts v[n], n > 0. */
static inline struct spread spread_of(double v[], uint32_t n)
{
	qsort(v, n, sizeof(v[0]), spread_compare);
	return (struct spread){v[n / 10], v[n / 2], v[n - 1 - n / 10]};
}

#endif
