/* SPDX-License-Identifier: BSD-3-Clause */
/* sip_lanes_vec.h (private to base): SipHash-2-4 over vectors. Who includes it has named
 * `lane_vec`, a vector of 64-bit words, and `lane_load`, the same as it lies in memory; eight lanes
 * are LANE_PARTS of them. Vectors are passed by pointer only: by value their passing would depend
 * on what the processor has. */
#ifndef TG_SIP_LANES_VEC_H
#define TG_SIP_LANES_VEC_H

#include "tg_sip_lanes.h"

enum { LANE_WORDS = sizeof(lane_vec) / sizeof(uint64_t), LANE_PARTS = TG_SIP_LANES / LANE_WORDS };

struct lanes {
	lane_vec v0, v1, v2, v3;
};

static inline __attribute__((always_inline)) void lane_rotl(lane_vec *x, int n)
{
	*x = *x << n | *x >> (64 - n);
}

static inline __attribute__((always_inline)) void lane_fill(lane_vec *x, uint64_t v)
{
	*x = (lane_vec){0} + v;
}

static inline __attribute__((always_inline)) void lane_round(struct lanes *s)
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

/* All parts of a round, before the next: none waits for another. */
static inline __attribute__((always_inline)) void lane_rounds(struct lanes s[LANE_PARTS], int n)
{
	for (int r = 0; r < n; r++)
		for (int p = 0; p < LANE_PARTS; p++)
			lane_round(&s[p]);
}

static inline __attribute__((always_inline)) void
lane_hash24(const struct tg_sipkey *key, struct tg_sip_block *block, uint32_t word_n)
{
	struct lanes s[LANE_PARTS];
	struct tg_sip start;
	lane_vec m[LANE_PARTS];

	tg_sip_start(&start, key);
	for (int p = 0; p < LANE_PARTS; p++) {
		lane_fill(&s[p].v0, start.v0);
		lane_fill(&s[p].v1, start.v1);
		lane_fill(&s[p].v2, start.v2);
		lane_fill(&s[p].v3, start.v3);
	}
	for (uint32_t i = 0; i < word_n; i++) {
		for (int p = 0; p < LANE_PARTS; p++) {
			m[p] = *(const lane_load *)&block->m[i][p * LANE_WORDS];
			s[p].v3 ^= m[p];
		}
		lane_rounds(s, 2);
		for (int p = 0; p < LANE_PARTS; p++)
			s[p].v0 ^= m[p];
	}
	for (int p = 0; p < LANE_PARTS; p++) {
		lane_fill(&m[p], 0xff);
		s[p].v2 ^= m[p];
	}
	lane_rounds(s, 4);
	for (int p = 0; p < LANE_PARTS; p++)
		*(lane_load *)&block->out[p * LANE_WORDS] = s[p].v0 ^ s[p].v1 ^ s[p].v2 ^ s[p].v3;
}

#endif
