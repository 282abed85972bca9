/* SPDX-License-Identifier: BSD-3-Clause */
/* sip_lanes_vec.h (private to base): SipHash over vectors. Who includes it has named `lane_vec`, a
 * vector of 64-bit words, `lane_load`, the same as it lies in memory, LANE_PARTS, how many of them
 * go side by side, and lane_rotl(). Vectors are passed by pointer only: by value their passing
 * would depend on what the processor has. */
#ifndef TG_SIP_LANES_VEC_H
#define TG_SIP_LANES_VEC_H

#include "tg_sip_lanes.h"

enum { LANE_WORDS = sizeof(lane_vec) / sizeof(uint64_t), LANE_STEP = LANE_PARTS * LANE_WORDS };
_Static_assert(TG_SIP_LANES % LANE_STEP == 0, "no step goes beyond what may be written");

struct lanes {
	lane_vec v0, v1, v2, v3;
};

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

static inline __attribute__((always_inline)) void lane_start(struct lanes s[LANE_PARTS],
							     const struct tg_sip *start)
{
	for (int p = 0; p < LANE_PARTS; p++) {
		lane_fill(&s[p].v0, start->v0);
		lane_fill(&s[p].v1, start->v1);
		lane_fill(&s[p].v2, start->v2);
		lane_fill(&s[p].v3, start->v3);
	}
}

static inline __attribute__((always_inline)) void lane_word(struct lanes s[LANE_PARTS],
							    const uint64_t *from, int rounds)
{
	lane_vec m[LANE_PARTS];

	for (int p = 0; p < LANE_PARTS; p++) {
		m[p] = *(const lane_load *)&from[p * LANE_WORDS];
		s[p].v3 ^= m[p];
	}
	lane_rounds(s, rounds);
	for (int p = 0; p < LANE_PARTS; p++)
		s[p].v0 ^= m[p];
}

static inline __attribute__((always_inline)) void lane_end(struct lanes s[LANE_PARTS], uint64_t *to,
							   int rounds)
{
	lane_vec ff;

	lane_fill(&ff, 0xff);
	for (int p = 0; p < LANE_PARTS; p++)
		s[p].v2 ^= ff;
	lane_rounds(s, rounds);
	for (int p = 0; p < LANE_PARTS; p++)
		*(lane_load *)&to[p * LANE_WORDS] = s[p].v0 ^ s[p].v1 ^ s[p].v2 ^ s[p].v3;
}

/* SipHash-c-d. */
static inline __attribute__((always_inline)) void lane_hash(const struct tg_sipkey *key,
							    const uint64_t *const m[],
							    uint32_t word_n, uint64_t out[],
							    uint32_t n, int c, int d)
{
	struct lanes s[LANE_PARTS];
	struct tg_sip start;

	tg_sip_start(&start, key);
	for (uint32_t at = 0; at < n; at += LANE_STEP) {
		lane_start(s, &start);
		for (uint32_t i = 0; i < word_n; i++)
			lane_word(s, m[i] + at, c);
		lane_end(s, out + at, d);
	}
}

#endif
