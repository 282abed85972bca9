/* SPDX-License-Identifier: BSD-3-Clause */
/* sip_lanes_avx512.c: eight words a register, two registers side by side, and rotations of a word
 * in one instruction. */
#include <stdint.h>

#if defined(__x86_64__)
#define LANE_ISA __attribute__((target("avx512f")))

typedef uint64_t lane_vec __attribute__((vector_size(64)));
typedef uint64_t lane_load __attribute__((vector_size(64), may_alias));

LANE_ISA static inline __attribute__((always_inline)) void lane_rotl(lane_vec *x, int n)
{
	*x = *x << n | *x >> (64 - n);
}

#include "sip_lanes.h"
#include "sip_lanes_vec.h"

LANE_ISA void tg_sip_avx512_hash24(const struct tg_sipkey *key, const uint64_t *const m[],
				   uint32_t word_n, uint64_t out[], uint32_t n)
{
	lane_hash(key, m, word_n, out, n, 2, 4);
}

LANE_ISA void tg_sip_avx512_hash13(const struct tg_sipkey *key, const uint64_t *const m[],
				   uint32_t word_n, uint64_t out[], uint32_t n)
{
	lane_hash(key, m, word_n, out, n, 1, 3);
}

__attribute__((target("avx512f"))) void
tg_sip_avx512_tails24(const struct tg_sip *from, const uint64_t last[], uint64_t out[], uint32_t n)
{
	lane_tails(from, last, out, n, 2, 4);
}
#endif
