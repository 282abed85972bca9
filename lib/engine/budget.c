/* SPDX-License-Identifier: BSD-3-Clause */
/* budget.c: see budget.h. One line of 64 bytes a hash value: a token bucket, shared by the prefixes
 * that fall on it, and the prefixes among them that have proved something, by a 32-bit tag of
 * their own. So a call touches one line.
 *
 * What is kept is what was spent, so that fresh memory is a full bucket. Refill is jittered by up
 * to a quarter, evenly: whoever shares a bucket with somebody cannot count what he takes (RB-12,
 * ADV-85).
 */
#include "budget.h"

#include <assert.h>

enum {
	LINE_N = 8192,
	PROOF_N = 6,
	TOKEN = 1000,       /* in thousandths: rate tokens a second are rate a millisecond */
	EXEMPT_MS = 60000,  /* after a completed handshake */
	STAMP_SHIFT = 8,    /* exemptions are kept in units of 256 ms: good for 34 years */
	REFILLED_MS = 2000, /* after which any bucket is full, jitter included */
	JITTER_LOW = 192,   /* of 256: refill is worth 3/4 .. */
	JITTER_RANGE = 129, /* .. to 5/4 */
};

struct line {
	uint64_t refill_ms; /* when spent was last brought up to date */
	uint64_t spent;     /* of rate * TOKEN */
	struct {
		uint32_t tag, until; /* until 0 = free */
	} proof[PROOF_N];
};
_Static_assert(sizeof(struct line) == 64, "one cache line");

struct tg_budget {
	struct tg_sipkey key;
	struct tg_rng *rng;
	uint64_t rate; /* tokens a second, and at most at once; 0 = no limit */
	uint8_t pad[64 - sizeof(struct tg_sipkey) - sizeof(struct tg_rng *) - sizeof(uint64_t)];
	struct line line[LINE_N];
};
_Static_assert(offsetof(struct tg_budget, line) == 64, "lines are aligned");

size_t tg_budget_footprint(void)
{
	return sizeof(struct tg_budget);
}

struct tg_budget *tg_budget_init(void *mem, uint32_t rate, struct tg_rng *rng, uint64_t now_ms)
{
	struct tg_budget *b = mem;

	assert(((uintptr_t)mem & 63) == 0);
	(void)now_ms; /* a fresh bucket is full, whenever it begins */
	b->key = tg_rng_key(rng);
	b->rng = rng;
	b->rate = rate;
	return b;
}

/* The hash of peer's /24 or /48: the line from its low bits, the tag from its high ones. */
static uint64_t prefix_hash(const struct tg_budget *b, const struct tg_addr *peer)
{
	const uint8_t *p = peer->b;
	uint64_t prefix; /* eight bytes, the family in the last one */

	if (tg_addr_is_v4(peer))
		prefix = p[12] | (uint32_t)p[13] << 8 | (uint32_t)p[14] << 16 | 4ull << 56;
	else
		prefix = tg_be32_get(p) | (uint64_t)tg_be16_get(p + 4) << 32 | 6ull << 56;
	return tg_siphash13_2(&b->key, prefix, tg_sip_len(sizeof(prefix)));
}

static inline uint32_t tag_of(uint64_t hash)
{
	return (uint32_t)(hash >> 32);
}

static bool is_exempt(const struct line *l, uint32_t tag, uint64_t now_ms)
{
	for (int i = 0; i < PROOF_N; i++)
		if (l->proof[i].tag == tag && l->proof[i].until > now_ms >> STAMP_SHIFT)
			return true;
	return false;
}

static void refill(struct tg_budget *b, struct line *l, uint64_t now_ms)
{
	if (now_ms <= l->refill_ms)
		return;
	uint64_t elapsed = now_ms - l->refill_ms, credit = l->spent;

	l->refill_ms = now_ms;
	if (l->spent == 0)
		return;
	if (elapsed < REFILLED_MS)
		credit = elapsed * b->rate * (JITTER_LOW + tg_rng_below(b->rng, JITTER_RANGE)) >> 8;
	l->spent -= credit < l->spent ? credit : l->spent;
}

bool tg_budget_take(struct tg_budget *b, const struct tg_addr *peer, uint64_t now_ms)
{
	if (b->rate == 0)
		return true;
	uint64_t hash = prefix_hash(b, peer);
	struct line *l = &b->line[hash % LINE_N];

	if (is_exempt(l, tag_of(hash), now_ms))
		return true;
	refill(b, l, now_ms);
	if (l->spent + TOKEN > b->rate * TOKEN)
		return false;
	l->spent += TOKEN;
	return true;
}

void tg_budget_prove(struct tg_budget *b, const struct tg_addr *peer, uint64_t now_ms)
{
	if (b->rate == 0)
		return;
	uint64_t hash = prefix_hash(b, peer);
	struct line *l = &b->line[hash % LINE_N];
	int place = 0;

	l->spent -= l->spent < TOKEN ? l->spent : TOKEN;
	/* Its own place, or else that of the oldest. */
	for (int i = 0; i < PROOF_N; i++) {
		if (l->proof[i].tag == tag_of(hash)) {
			place = i;
			break;
		}
		if (l->proof[i].until < l->proof[place].until)
			place = i;
	}
	l->proof[place].tag = tag_of(hash);
	l->proof[place].until = (uint32_t)((now_ms + EXEMPT_MS) >> STAMP_SHIFT);
}
