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
	struct {
		uint32_t tag, until; /* until 0 = free */
	} proof[PROOF_N];
	uint32_t pad[2];
};
_Static_assert(sizeof(struct line) == 64, "one cache line");

struct tg_budget {
	struct tg_sipkey key;
	uint64_t rate;                /* tokens a second, and at most at once; 0 = no limit */
	uint64_t token, full, per_ms; /* in what spent is in */
	struct tg_rng rng;            /* its own: nobody is shown what it gives */
	uint64_t pad[6];
	struct line line[LINE_N];
	uint32_t last[LINE_N]; /* when the last of a line ends: most have none, and are not read */
	struct bucket bucket[BUCKET_N];
};
_Static_assert(offsetof(struct tg_budget, line) == 128, "lines are aligned");

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
	for (uint64_t i = 0; i < 4; i++)
		b->rng.s[i] = tg_siphash24(&b->key, &i, sizeof(i));
	b->rate = rate;
	b->token = rate <= RATE_FINE ? TOKEN : 1;
	b->full = rate * b->token;
	b->per_ms = b->full / 1000;
	return b;
}

/* The prefix of an IPv4 address, in eight bytes, the family in the last one. */
static inline uint64_t prefix4(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | 4ull << 56;
}

/* The hash of a prefix: line and buckets from its low bits, the tag from its high ones. */
static uint64_t prefix_hash(const struct tg_budget *b, const struct tg_addr *peer)
{
	const uint8_t *p = peer->b;
	uint64_t prefix;

	if (tg_addr_is_v4(peer))
		prefix = prefix4(p + 12);
	else
		prefix = tg_be32_get(p) | (uint64_t)tg_be16_get(p + 4) << 32 | 6ull << 56;
	return tg_siphash13_2(&b->key, prefix, tg_sip_len(sizeof(prefix)));
}

static inline uint32_t tag_of(uint64_t hash)
{
	return (uint32_t)(hash >> 32);
}

static bool is_proved(const struct line *l, uint32_t tag, uint64_t now_ms)
{
	for (int i = 0; i < PROOF_N; i++)
		if (l->proof[i].tag == tag && l->proof[i].until > now_ms >> STAMP_SHIFT)
			return true;
	return false;
}

static inline bool is_exempt(const struct tg_budget *b, uint64_t hash, uint64_t now_ms)
{
	uint64_t n = hash % LINE_N;

	return b->last[n] > now_ms >> STAMP_SHIFT && is_proved(&b->line[n], tag_of(hash), now_ms);
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
static inline uint32_t elapsed_ms(const struct bucket *k, uint32_t now_ms)
{
	uint32_t ms = now_ms - k->refill_ms;

	return ms > UINT32_MAX - STEP_BACK_MS ? 0 : ms;
}

static inline void refill(const struct tg_budget *b, struct bucket *k, uint32_t now_ms,
			  uint32_t jitter)
{
	uint64_t ms = elapsed_ms(k, now_ms), credit = k->spent;

	if (ms == 0 && credit)
		return;
	k->refill_ms = now_ms;
	if (ms < REFILLED_MS)
		credit = ms * b->per_ms * jitter >> 8;
	k->spent -= credit < k->spent ? (uint32_t)credit : k->spent;
}

static inline bool is_owed(const struct bucket *k, uint32_t now_ms)
{
	return k->spent && elapsed_ms(k, now_ms);
}

/* One jitter for both: or what a prefix is given would follow the better of two. */
static __attribute__((noinline)) void refill_both(struct tg_budget *b, const struct pair *p,
						  uint32_t now_ms)
{
	uint32_t jitter = 0;

	if (is_owed(p->of[0], now_ms) || is_owed(p->of[1], now_ms))
		jitter = JITTER_LOW + tg_rng_below(&b->rng, JITTER_RANGE);
	refill(b, p->of[0], now_ms, jitter);
	refill(b, p->of[1], now_ms, jitter);
}

/* One token, out of both. False: there is none. */
static inline bool spend(const struct tg_budget *b, const struct pair *p)
{
	uint32_t x = p->of[0]->spent, y = p->of[1]->spent;
	uint64_t spent = (x < y ? x : y) + b->token;

	if (spent > b->full)
		return false;
	if (spent > x)
		p->of[0]->spent = (uint32_t)spent;
	if (spent > y)
		p->of[1]->spent = (uint32_t)spent;
	return true;
}

static inline bool take(struct tg_budget *b, uint64_t hash, uint64_t now_ms)
{
	struct pair p = buckets_of(b, hash);

	if (is_exempt(b, hash, now_ms))
		return true;
	if (p.of[0]->refill_ms != (uint32_t)now_ms || p.of[1]->refill_ms != (uint32_t)now_ms)
		refill_both(b, &p, (uint32_t)now_ms);
	return spend(b, &p);
}

bool tg_budget_take(struct tg_budget *b, const struct tg_addr *peer, uint64_t now_ms)
{
	return b->rate == 0 || take(b, prefix_hash(b, peer), now_ms);
}

/* --- many at once --- */

void tg_budget_meet(struct tg_budget *b, const uint32_t peer[], uint32_t n,
		    const struct tg_sip_lanes *lanes, uint64_t hash[])
{
	_Alignas(64) uint64_t len[TG_BUDGET_MANY];
	const uint64_t *m[] = {hash, len};

	assert(n <= TG_BUDGET_MANY);
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *p = (const uint8_t *)&peer[i];
		hash[i] = prefix4(p);
		len[i] = tg_sip_len(sizeof(hash[i]));
	}
	lanes->hash13(&b->key, m, 2, hash, n);
	for (uint32_t i = 0; i < n; i++) {
		struct pair p = buckets_of(b, hash[i]);
		__builtin_prefetch(&b->last[hash[i] % LINE_N]);
		__builtin_prefetch(p.of[0], 1);
		__builtin_prefetch(p.of[1], 1);
	}
}

uint64_t tg_budget_take_met(struct tg_budget *b, const uint64_t hash[], uint32_t n, uint64_t now_ms)
{
	uint64_t mask = 0;

	for (uint32_t i = 0; i < n; i++)
		mask |= (uint64_t)(b->rate == 0 || take(b, hash[i], now_ms)) << i;
	return mask;
}

/* --- proofs --- */

static void give_back(const struct tg_budget *b, struct bucket *k)
{
	k->spent -= k->spent < b->token ? k->spent : (uint32_t)b->token;
}

void tg_budget_prove(struct tg_budget *b, const struct tg_addr *peer, uint64_t now_ms)
{
	if (b->rate == 0)
		return;
	uint64_t hash = prefix_hash(b, peer);
	struct line *l = &b->line[hash % LINE_N];
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
	if (b->last[hash % LINE_N] < l->proof[place].until)
		b->last[hash % LINE_N] = l->proof[place].until;
}
