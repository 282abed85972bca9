/* SPDX-License-Identifier: BSD-3-Clause */
/* sip_lanes_vec.h (private to base): SipHash over vectors. Who includes it has named LANE_ISA, what
 * its functions are compiled for, `lane_vec`, a vector of 64-bit words, `lane_load`, the same as it
 * lies in memory, and lane_rotl(). Two vectors go side by side, by name and not in an array, which
 * would not stay in registers. Vectors are passed by pointer only: by value their passing would
 * depend on what the processor has. */
#ifndef TG_SIP_LANES_VEC_H
#define TG_SIP_LANES_VEC_H

#include "tg_sip_lanes.h"

enum { LANE_WORDS = sizeof(lane_vec) / sizeof(uint64_t), LANE_STEP = 2 * LANE_WORDS };
_Static_assert(TG_SIP_LANES % LANE_STEP == 0, "no step goes beyond what may be written");

struct lanes {
	lane_vec v0, v1, v2, v3;
};

LANE_ISA static inline __attribute__((always_inline)) void lane_round(struct lanes *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	lane_rotl(&s->v1, 13);
	lane_rotl(&s->v3, 16);
	s->v1 ^= s->v0;
	s->v3 ^= s->v2;
	lane_rotl(&s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	lane_rotl(&s->v1, 17);
	lane_rotl(&s->v3, 21);
	s->v1 ^= s->v2;
	s->v3 ^= s->v0;
	lane_rotl(&s->v2, 32);
}

/* Both, round by round: neither waits for the other. */
LANE_ISA static inline __attribute__((always_inline)) void lane_rounds(struct lanes *a,
								       struct lanes *b, int n)
{
#pragma GCC unroll 4
	for (int r = 0; r < n; r++) {
		lane_round(a);
		lane_round(b);
	}
}

LANE_ISA static inline __attribute__((always_inline)) void
lane_word(struct lanes *a, struct lanes *b, const uint64_t *from, int rounds)
{
	lane_vec ma = *(const lane_load *)from, mb = *(const lane_load *)(from + LANE_WORDS);

	a->v3 ^= ma;
	b->v3 ^= mb;
	lane_rounds(a, b, rounds);
	a->v0 ^= ma;
	b->v0 ^= mb;
}

LANE_ISA static inline __attribute__((always_inline)) void
lane_end(struct lanes *a, struct lanes *b, uint64_t *to, int rounds)
{
	const lane_vec zero = {0}, ff = zero + 0xff;

	a->v2 ^= ff;
	b->v2 ^= ff;
	lane_rounds(a, b, rounds);
	*(lane_load *)to = a->v0 ^ a->v1 ^ a->v2 ^ a->v3;
	*(lane_load *)(to + LANE_WORDS) = b->v0 ^ b->v1 ^ b->v2 ^ b->v3;
}

/* SipHash-c-d. */
LANE_ISA static inline __attribute__((always_inline)) void
lane_hash(const struct tg_sipkey *key, const uint64_t *const m[], uint32_t word_n, uint64_t out[],
	  uint32_t n, int c, int d)
{
	const lane_vec zero = {0};
	struct tg_sip start;

	tg_sip_start(&start, key);
	for (uint32_t at = 0; at < n; at += LANE_STEP) {
		struct lanes a = {zero + start.v0, zero + start.v1, zero + start.v2,
				  zero + start.v3};
		struct lanes b = a;
		for (uint32_t i = 0; i < word_n; i++)
			lane_word(&a, &b, m[i] + at, c);
		lane_end(&a, &b, out + at, d);
	}
}

/* The last word and the end of SipHash-c-d. */
LANE_ISA static inline __attribute__((always_inline)) void lane_tails(const struct tg_sip *from,
								      const uint64_t last[],
								      uint64_t out[], uint32_t n,
								      int c, int d)
{
	const lane_vec zero = {0};

	for (uint32_t at = 0; at < n; at += LANE_STEP) {
		struct lanes a = {zero + from->v0, zero + from->v1, zero + from->v2,
				  zero + from->v3};
		struct lanes b = a;

		lane_word(&a, &b, last + at, c);
		lane_end(&a, &b, out + at, d);
	}
}

#endif
