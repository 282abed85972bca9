/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_seq.h: TCP sequence numbers (RFC 9293 3.4), modulo 2^32.
 * A one-member struct, so that `a < b` does not compile: all comparisons go through the
 * functions, which read "a before b" on the circle (ADV-86). They hold for distances below 2^31. */
#ifndef TG_SEQ_H
#define TG_SEQ_H

#include <stdbool.h>
#include <stdint.h>

typedef struct tg_seq {
	uint32_t v;
} tg_seq;

static inline tg_seq tg_seq_make(uint32_t v)
{
	return (tg_seq){v};
}

static inline tg_seq tg_seq_add(tg_seq a, uint32_t n)
{
	return (tg_seq){a.v + n};
}

static inline tg_seq tg_seq_sub(tg_seq a, uint32_t n)
{
	return (tg_seq){a.v - n};
}

/* a - b, signed: how far a stands after b. */
static inline int32_t tg_seq_diff(tg_seq a, tg_seq b)
{
	return (int32_t)(a.v - b.v);
}

static inline bool tg_seq_eq(tg_seq a, tg_seq b)
{
	return a.v == b.v;
}

static inline bool tg_seq_lt(tg_seq a, tg_seq b)
{
	return tg_seq_diff(a, b) < 0;
}

static inline bool tg_seq_le(tg_seq a, tg_seq b)
{
	return tg_seq_diff(a, b) <= 0;
}

static inline bool tg_seq_gt(tg_seq a, tg_seq b)
{
	return tg_seq_diff(a, b) > 0;
}

static inline bool tg_seq_ge(tg_seq a, tg_seq b)
{
	return tg_seq_diff(a, b) >= 0;
}

static inline tg_seq tg_seq_max(tg_seq a, tg_seq b)
{
	return tg_seq_gt(a, b) ? a : b;
}

static inline tg_seq tg_seq_min(tg_seq a, tg_seq b)
{
	return tg_seq_lt(a, b) ? a : b;
}

#endif
