/* SPDX-License-Identifier: BSD-3-Clause */
/* syn_lane_any.c: four frames at once, with what every processor of its kind has. */
#include <stdint.h>

#define LANE_ISA

enum { LANE_WIDTH = 4 };
typedef uint32_t lane_vec __attribute__((vector_size(16)));
typedef uint32_t lane_load __attribute__((vector_size(16), aligned(1), may_alias));
typedef uint64_t lane_wide __attribute__((vector_size(16)));
typedef uint64_t lane_wide_load __attribute__((vector_size(16), aligned(1), may_alias));

/* The words 0 and 1 of both (b: 2 and 3), taken in turn. */
static inline __attribute__((always_inline)) void lane_unpack(lane_vec *a, lane_vec *b)
{
	lane_vec x = *a, y = *b;

	*a = __builtin_shufflevector(x, y, 0, 4, 1, 5);
	*b = __builtin_shufflevector(x, y, 2, 6, 3, 7);
}

/* The same of pairs of words. */
static inline __attribute__((always_inline)) void lane_unpack2(lane_vec *a, lane_vec *b)
{
	lane_wide x = (lane_wide)*a, y = (lane_wide)*b;

	*a = (lane_vec)__builtin_shufflevector(x, y, 0, 2);
	*b = (lane_vec)__builtin_shufflevector(x, y, 1, 3);
}

static inline __attribute__((always_inline)) void lane_turn(lane_vec v[])
{
	lane_unpack(&v[0], &v[1]);
	lane_unpack(&v[2], &v[3]);
	lane_unpack2(&v[0], &v[2]);
	lane_unpack2(&v[1], &v[3]);
	lane_vec swap = v[1];

	v[1] = v[2];
	v[2] = swap;
}

static inline __attribute__((always_inline)) void lane_zip(const lane_vec *lo, const lane_vec *hi,
							   lane_wide *a, lane_wide *b)
{
	lane_vec x = *lo, y = *hi;

	lane_unpack(&x, &y);
	*a = (lane_wide)x;
	*b = (lane_wide)y;
}

static inline __attribute__((always_inline)) void lane_unzip(const lane_wide *a, const lane_wide *b,
							     lane_vec *lo, lane_vec *hi)
{
	lane_vec x = (lane_vec)*a, y = (lane_vec)*b;

	*lo = __builtin_shufflevector(x, y, 0, 2, 4, 6);
	*hi = __builtin_shufflevector(x, y, 1, 3, 5, 7);
}

static inline __attribute__((always_inline)) uint32_t lane_bits(const lane_vec *x)
{
	uint32_t bits = 0;

	for (uint32_t i = 0; i < LANE_WIDTH; i++)
		bits |= (uint32_t)((*x)[i] != 0) << i;
	return bits;
}

#include "syn_lane_vec.h"

uint32_t tg_syn_read_any(const struct tg_syn_rows *r, const uint8_t *const data[], uint32_t check,
			 struct tg_syn_cols *c, struct tg_syn_batch *b, uint32_t at)
{
	return lane_read(r, data, check, c, b, at);
}

void tg_syn_write_any(const struct tg_synack_rows *r, const struct tg_syn_cols *c,
		      const struct tg_syn_batch *b, uint32_t at, uint8_t *const data[])
{
	lane_write(r, c, b, at, data);
}
