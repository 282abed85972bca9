/* SPDX-License-Identifier: BSD-3-Clause */
/* budget.c: see budget.h. What a prefix has spent stands in two buckets, which two parts of its
 * hash name and others may share; what it has spent at most is the less of the two, and a token
 * raises both to that and one more, neither beyond (a count-min sketch with conservative update).
 * So each of its buckets has at least what a prefix has spent, and none gets more than its rate;
 * and it is limited by what others spend only when they have filled both: of 65,536 buckets a flood
 * that comes from 512 prefixes fills one in 64, and both of one prefix in 4,096.
 *
 * The prefixes that have proved something stand in lines of seven, each by a 32-bit tag, and are
 * looked for first.
 *
 * What is kept is what was spent, so that fresh memory is a full bucket. Refill is jittered by up
 * to a quarter, evenly: whoever shares a bucket with somebody cannot count what he takes (RB-12,
 * ADV-85).
 */
#include "budget.h"

#include <assert.h>

enum {
	BUCKET_N = 65536,
	BUCKET_SHIFT = 16, /* of the second one in the hash */
	LINE_N = 8192,
	PROOF_N = 7,
	TOKEN = 1000,         /* in thousandths: rate tokens a second are rate a millisecond */
	RATE_FINE = 4000000,  /* above it a token is 1, so that what was spent has 32 bits */
	EXEMPT_MS = 60000,    /* after a completed handshake */
	STAMP_SHIFT = 8,      /* exemptions are kept in units of 256 ms: good for 34 years */
	REFILLED_MS = 2000,   /* after which any bucket is full, jitter included */
	STEP_BACK_MS = 60000, /* a clock that is so little before the last refill was put back */
	JITTER_LOW = 192,     /* of 256: refill is worth 3/4 .. */
	JITTER_RANGE = 129,   /* .. to 5/4 */
};

struct bucket {
	uint32_t refill_ms; /* when spent was last brought up to date; it wraps */
	uint32_t spent;     /* of rate * token */
};

struct line {
	uint32_t last; /* when the last of them ends: most lines have none */
	uint32_t pad;
	struct {
		uint32_t tag, until; /* until 0 = free */
	} proof[PROOF_N];
};
_Static_assert(sizeof(struct line) == 64, "one cache line");

struct tg_budget {
	struct tg_sipkey key;
	struct tg_rng *rng;
	uint64_t rate;                /* tokens a second, and at most at once; 0 = no limit */
	uint64_t token, full, per_ms; /* in what spent is in */
	uint64_t pad;
	struct line line[LINE_N];
	struct bucket bucket[BUCKET_N];
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
	b->token = rate <= RATE_FINE ? TOKEN : 1;
	b->full = rate * b->token;
	b->per_ms = b->full / 1000;
	return b;
}

/* The hash of peer's /24 or /48: line and buckets from its low bits, the tag from its high ones. */
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
	if (l->last <= now_ms >> STAMP_SHIFT)
		return false;
	for (int i = 0; i < PROOF_N; i++)
		if (l->proof[i].tag == tag && l->proof[i].until > now_ms >> STAMP_SHIFT)
			return true;
	return false;
}

static inline struct line *line_of(struct tg_budget *b, uint64_t hash)
{
	return &b->line[hash % LINE_N];
}

struct pair {
	struct bucket *of[2];
};

static inline struct pair buckets_of(struct tg_budget *b, uint64_t hash)
{
	return (struct pair){
	    {&b->bucket[hash % BUCKET_N], &b->bucket[(hash >> BUCKET_SHIFT) % BUCKET_N]}};
}

/* What has come since; a bucket that was not looked at for weeks is full, whatever its stamp says.
 */
static uint32_t elapsed_ms(const struct bucket *k, uint32_t now_ms)
{
	uint32_t ms = now_ms - k->refill_ms;

	return ms > UINT32_MAX - STEP_BACK_MS ? 0 : ms;
}

static void refill(const struct tg_budget *b, struct bucket *k, uint32_t now_ms, uint32_t jitter)
{
	uint64_t ms = elapsed_ms(k, now_ms), credit = k->spent;

	if (ms == 0 && credit)
		return;
	k->refill_ms = now_ms;
	if (ms < REFILLED_MS)
		credit = ms * b->per_ms * jitter >> 8;
	k->spent -= credit < k->spent ? (uint32_t)credit : k->spent;
}

/* One jitter for both: or what a prefix is given would follow the better of two. */
static void refill_both(struct tg_budget *b, const struct pair *p, uint32_t now_ms)
{
	uint32_t jitter = 0;

	if (p->of[0]->spent || p->of[1]->spent)
		jitter = JITTER_LOW + tg_rng_below(b->rng, JITTER_RANGE);
	refill(b, p->of[0], now_ms, jitter);
	refill(b, p->of[1], now_ms, jitter);
}

bool tg_budget_take(struct tg_budget *b, const struct tg_addr *peer, uint64_t now_ms)
{
	if (b->rate == 0)
		return true;
	uint64_t hash = prefix_hash(b, peer);

	if (is_exempt(line_of(b, hash), tag_of(hash), now_ms))
		return true;
	struct pair p = buckets_of(b, hash);

	refill_both(b, &p, (uint32_t)now_ms);
	uint32_t x = p.of[0]->spent, y = p.of[1]->spent;
	uint64_t spent = (x < y ? x : y) + b->token;

	if (spent > b->full)
		return false;
	if (spent > x)
		p.of[0]->spent = (uint32_t)spent;
	if (spent > y)
		p.of[1]->spent = (uint32_t)spent;
	return true;
}

static void give_back(const struct tg_budget *b, struct bucket *k)
{
	k->spent -= k->spent < b->token ? k->spent : (uint32_t)b->token;
}

void tg_budget_prove(struct tg_budget *b, const struct tg_addr *peer, uint64_t now_ms)
{
	if (b->rate == 0)
		return;
	uint64_t hash = prefix_hash(b, peer);
	struct line *l = line_of(b, hash);
	struct pair p = buckets_of(b, hash);
	int place = 0;

	give_back(b, p.of[0]);
	if (p.of[1] != p.of[0])
		give_back(b, p.of[1]);
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
	if (l->last < l->proof[place].until)
		l->last = l->proof[place].until;
}
