/* SPDX-License-Identifier: BSD-3-Clause */
/* sip_lanes_avx2.c: four words a register, two registers side by side: more would not find room. */
#include <stdint.h>

#if defined(__x86_64__)
#define LANE_ISA __attribute__((target("avx2")))

typedef uint64_t lane_vec __attribute__((vector_size(32)));
typedef uint64_t lane_load __attribute__((vector_size(32), may_alias));
typedef uint32_t lane_halves __attribute__((vector_size(32)));
typedef uint16_t lane_quarters __attribute__((vector_size(32)));

/* Whole halves and quarters are only put elsewhere, in one instruction; else there is no rotation
 * of a word, and it takes three. */
LANE_ISA static inline __attribute__((always_inline)) void lane_rotl(lane_vec *x, int n)
{
	if (n == 32) {
		lane_halves h = (lane_halves)*x;
		*x = (lane_vec)__builtin_shufflevector(h, h, 1, 0, 3, 2, 5, 4, 7, 6);
	} else if (n == 16) {
		lane_quarters q = (lane_quarters)*x;
		*x = (lane_vec)__builtin_shufflevector(q, q, 3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10,
						       15, 12, 13, 14);
	} else {
		*x = *x << n | *x >> (64 - n);
	}
}

#include "sip_lanes.h"
#include "sip_lanes_vec.h"

LANE_ISA void tg_sip_avx2_hash24(const struct tg_sipkey *key, const uint64_t *const m[],
				 uint32_t word_n, uint64_t out[], uint32_t n)
{
	lane_hash(key, m, word_n, out, n, 2, 4);
}

LANE_ISA void tg_sip_avx2_hash13(const struct tg_sipkey *key, const uint64_t *const m[],
				 uint32_t word_n, uint64_t out[], uint32_t n)
{
	lane_hash(key, m, word_n, out, n, 1, 3);
}

__attribute__((target("avx2"))) void
tg_sip_avx2_tails24(const struct tg_sip *from, const uint64_t last[], uint64_t out[], uint32_t n)
{
	lane_tails(from, last, out, n, 2, 4);
}
#endif
