/* SPDX-License-Identifier: BSD-3-Clause */
/* syn_lane_avx2.c: eight frames at once: a row is two vectors. */
#include <stdint.h>

#if defined(__x86_64__)
#define LANE_ISA __attribute__((target("avx2")))

enum { LANE_WIDTH = 8 };
typedef uint32_t lane_vec __attribute__((vector_size(32)));
typedef uint32_t lane_load __attribute__((vector_size(32), aligned(1), may_alias));
typedef uint64_t lane_wide __attribute__((vector_size(32)));
typedef uint64_t lane_wide_load __attribute__((vector_size(32), aligned(1), may_alias));

/* In each half the words 0 and 1 of both (b: 2 and 3), taken in turn. */
LANE_ISA static inline __attribute__((always_inline)) void lane_unpack(lane_vec *a, lane_vec *b)
{
	lane_vec x = *a, y = *b;

	*a = __builtin_shufflevector(x, y, 0, 8, 1, 9, 4, 12, 5, 13);
	*b = __builtin_shufflevector(x, y, 2, 10, 3, 11, 6, 14, 7, 15);
}

/* The same of pairs of words. */
LANE_ISA static inline __attribute__((always_inline)) void lane_unpack2(lane_vec *a, lane_vec *b)
{
	lane_wide x = (lane_wide)*a, y = (lane_wide)*b;

	*a = (lane_vec)__builtin_shufflevector(x, y, 0, 4, 2, 6);
	*b = (lane_vec)__builtin_shufflevector(x, y, 1, 5, 3, 7);
}

/* The first halves of both; the second ones. */
LANE_ISA static inline __attribute__((always_inline)) void lane_halves(lane_vec *a, lane_vec *b)
{
	lane_wide x = (lane_wide)*a, y = (lane_wide)*b;

	*a = (lane_vec)__builtin_shufflevector(x, y, 0, 1, 4, 5);
	*b = (lane_vec)__builtin_shufflevector(x, y, 2, 3, 6, 7);
}

/* Of four rows: word j of each half of all four is that half of vector j. */
LANE_ISA static inline __attribute__((always_inline)) void lane_turn4(lane_vec *a, lane_vec *b,
								      lane_vec *c, lane_vec *d)
{
	lane_unpack(a, b);
	lane_unpack(c, d);
	lane_unpack2(a, c);
	lane_unpack2(b, d);
	lane_vec swap = *b;

	*b = *c;
	*c = swap;
}

LANE_ISA static inline __attribute__((always_inline)) void lane_turn(lane_vec v[])
{
	lane_turn4(&v[0], &v[1], &v[2], &v[3]);
	lane_turn4(&v[4], &v[5], &v[6], &v[7]);
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
		lane_halves(&v[i], &v[4 + i]);
}

LANE_ISA static inline __attribute__((always_inline)) void
lane_zip(const lane_vec *lo, const lane_vec *hi, lane_wide *a, lane_wide *b)
{
	lane_vec x = *lo, y = *hi;

	lane_unpack(&x, &y);
	lane_halves(&x, &y);
	*a = (lane_wide)x;
	*b = (lane_wide)y;
}

LANE_ISA static inline __attribute__((always_inline)) void
lane_unzip(const lane_wide *a, const lane_wide *b, lane_vec *lo, lane_vec *hi)
{
	lane_vec x = (lane_vec)*a, y = (lane_vec)*b;

	lane_halves(&x, &y);
	*lo = __builtin_shufflevector(x, y, 0, 2, 8, 10, 4, 6, 12, 14);
	*hi = __builtin_shufflevector(x, y, 1, 3, 9, 11, 5, 7, 13, 15);
}

#include <immintrin.h>

LANE_ISA static inline __attribute__((always_inline)) uint32_t lane_bits(const lane_vec *x)
{
	const __m256i none = _mm256_cmpeq_epi32((__m256i)*x, _mm256_setzero_si256());

	return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(none)) ^ 0xffu;
}

#include "syn_lane_vec.h"

LANE_ISA uint32_t tg_syn_read_avx2(const struct tg_syn_rows *r, const uint8_t *const data[],
				   uint32_t check, struct tg_syn_cols *c, struct tg_syn_batch *b,
				   uint32_t at)
{
	return lane_read(r, data, check, c, b, at);
}

LANE_ISA void tg_syn_write_avx2(const struct tg_synack_rows *r, const struct tg_syn_cols *c,
				const struct tg_syn_batch *b, uint32_t at, uint8_t *const data[])
{
	lane_write(r, c, b, at, data);
}
#endif
