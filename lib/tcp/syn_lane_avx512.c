/* SPDX-License-Identifier: BSD-3-Clause */
/* syn_lane_avx512.c: sixteen frames at once: a row is a vector. */
#include <stdint.h>

#if defined(__x86_64__)
#define LANE_ISA __attribute__((target("avx512f")))

enum { LANE_WIDTH = 16 };
typedef uint32_t lane_vec __attribute__((vector_size(64)));
typedef uint32_t lane_load __attribute__((vector_size(64), aligned(1), may_alias));
typedef uint64_t lane_wide __attribute__((vector_size(64)));
typedef uint64_t lane_wide_load __attribute__((vector_size(64), aligned(1), may_alias));

/* In each quarter the words 0 and 1 of both (high: 2 and 3), taken in turn. */
LANE_ISA static inline __attribute__((always_inline)) void lane_unpack(lane_vec *a, lane_vec *b)
{
	lane_vec x = *a, y = *b;

	*a =
	    __builtin_shufflevector(x, y, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
	*b = __builtin_shufflevector(x, y, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15,
				     31);
}

/* The same of pairs of words. */
LANE_ISA static inline __attribute__((always_inline)) void lane_unpack2(lane_vec *a, lane_vec *b)
{
	lane_wide x = (lane_wide)*a, y = (lane_wide)*b;

	*a = (lane_vec)__builtin_shufflevector(x, y, 0, 8, 2, 10, 4, 12, 6, 14);
	*b = (lane_vec)__builtin_shufflevector(x, y, 1, 9, 3, 11, 5, 13, 7, 15);
}

/* Quarters 0 and 2 of both; 1 and 3 of both. */
LANE_ISA static inline __attribute__((always_inline)) void lane_quarters(lane_vec *a, lane_vec *b)
{
	lane_wide x = (lane_wide)*a, y = (lane_wide)*b;

	*a = (lane_vec)__builtin_shufflevector(x, y, 0, 1, 4, 5, 8, 9, 12, 13);
	*b = (lane_vec)__builtin_shufflevector(x, y, 2, 3, 6, 7, 10, 11, 14, 15);
}

/* Of four rows: word j of quarter q of all four is quarter q of vector j. */
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

/* Vectors j of the four groups of rows: quarter q of all is word 4q + j. */
LANE_ISA static inline __attribute__((always_inline)) void
lane_turn_quarters(lane_vec *a, lane_vec *b, lane_vec *c, lane_vec *d)
{
	lane_quarters(a, b);
	lane_quarters(c, d);
	lane_quarters(a, c);
	lane_quarters(b, d);
}

LANE_ISA static inline __attribute__((always_inline)) void lane_turn(lane_vec v[])
{
#pragma GCC unroll 4
	for (int i = 0; i < LANE_WIDTH; i += 4)
		lane_turn4(&v[i], &v[i + 1], &v[i + 2], &v[i + 3]);
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
		lane_turn_quarters(&v[i], &v[4 + i], &v[8 + i], &v[12 + i]);
}

LANE_ISA static inline __attribute__((always_inline)) void
lane_zip(const lane_vec *lo, const lane_vec *hi, lane_wide *a, lane_wide *b)
{
	*a = (lane_wide)__builtin_shufflevector(*lo, *hi, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21,
						6, 22, 7, 23);
	*b = (lane_wide)__builtin_shufflevector(*lo, *hi, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13,
						29, 14, 30, 15, 31);
}

LANE_ISA static inline __attribute__((always_inline)) void
lane_unzip(const lane_wide *a, const lane_wide *b, lane_vec *lo, lane_vec *hi)
{
	lane_vec x = (lane_vec)*a, y = (lane_vec)*b;

	*lo = __builtin_shufflevector(x, y, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28,
				      30);
	*hi = __builtin_shufflevector(x, y, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29,
				      31);
}

#include <immintrin.h>

LANE_ISA static inline __attribute__((always_inline)) uint32_t lane_bits(const lane_vec *x)
{
	return _mm512_test_epi32_mask((__m512i)*x, (__m512i)*x);
}

#include "syn_lane_vec.h"

LANE_ISA uint32_t tg_syn_read_avx512(const struct tg_syn_rows *r, const uint8_t *const data[],
				     uint32_t check, struct tg_syn_cols *c, struct tg_syn_batch *b,
				     uint32_t at)
{
	return lane_read(r, data, check, c, b, at);
}

LANE_ISA void tg_syn_write_avx512(const struct tg_synack_rows *r, const struct tg_syn_cols *c,
				  const struct tg_syn_batch *b, uint32_t at, uint8_t *const data[])
{
	lane_write(r, c, b, at, data);
}
#endif
