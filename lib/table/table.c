/* SPDX-License-Identifier: BSD-3-Clause */
/* table.c: see tg_table.h. An entry stands in its home bucket whenever there is room; only then in
 * its other one. meta of a bucket counts the entries whose home it is and that stand in their other
 * bucket: while it is 0, which at the load that 12 bytes an entry allow holds for about 97 of 100
 * buckets, a miss is told from one line. */
#include "tg_table.h"

#include <assert.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum {
	SLOT_N = 10,
	SLOT_MASK = (1 << SLOT_N) - 1,
	SEARCH_MAX = 256, /* buckets looked at to make room; the depth is then at most 3 */
};

/* A bucket reached by the search for room: to come here, slot of the parent's bucket moves. */
struct step {
	uint32_t bucket;
	int16_t parent;
	uint16_t slot;
};

/* Bit i is set when tag[i] == tag. */
static inline uint32_t match(const struct tg_table_bucket *b, uint16_t tag)
{
#ifdef __SSE2__
	const __m128i want = _mm_set1_epi16((short)tag);
	/* The second load runs over into idx[]; SLOT_MASK cuts that off. */
	const __m128i lo = _mm_loadu_si128((const __m128i *)(const void *)b);
	const __m128i hi = _mm_loadu_si128((const __m128i *)(const void *)b + 1);
	const __m128i eq = _mm_packs_epi16(_mm_cmpeq_epi16(lo, want), _mm_cmpeq_epi16(hi, want));

	return (uint32_t)_mm_movemask_epi8(eq) & SLOT_MASK;
#else
	uint32_t mask = 0;

	for (uint32_t i = 0; i < SLOT_N; i++)
		mask |= (uint32_t)(b->tag[i] == tag) << i;
	return mask;
#endif
}

static uint32_t bucket_count(uint32_t capacity)
{
	uint64_t n = (uint64_t)capacity * 3 / 16; /* 12 bytes of 64 each */

	return n ? (uint32_t)n : 1;
}

size_t tg_table_footprint(uint32_t capacity)
{
	return (size_t)bucket_count(capacity) * sizeof(struct tg_table_bucket);
}

void tg_table_init(struct tg_table *t, void *mem, uint32_t capacity)
{
	assert(((uintptr_t)mem & 63) == 0);
	*t = (struct tg_table){
	    .bucket = mem,
	    .bucket_n = bucket_count(capacity),
	    .capacity = capacity,
	};
}

uint32_t tg_table_other(const struct tg_table *t, uint64_t hash)
{
	uint32_t home = tg_table_home(t, hash);
	uint32_t other = (uint32_t)(((hash & 0xffffffff) * t->bucket_n) >> 32);

	if (other != home)
		return other;
	return other + 1 < t->bucket_n ? other + 1 : 0;
}

/* The slot of (hash, idx) in bucket b, or -1. */
static int slot_of(const struct tg_table_bucket *b, uint64_t hash, uint32_t idx)
{
	for (uint32_t m = match(b, tg_table_tag(hash)); m; m &= m - 1) {
		int slot = __builtin_ctz(m);

		if (b->idx[slot] == idx)
			return slot;
	}
	return -1;
}

/* Puts an entry into a free slot of bucket number n, one of its two; false when it is full. */
static bool put(struct tg_table *t, uint32_t n, uint64_t hash, uint32_t idx)
{
	struct tg_table_bucket *b = &t->bucket[n];
	uint32_t room = match(b, 0), home = tg_table_home(t, hash);

	if (!room)
		return false;
	b->tag[__builtin_ctz(room)] = tg_table_tag(hash);
	b->idx[__builtin_ctz(room)] = idx;
	if (n != home)
		t->bucket[home].meta++;
	return true;
}

/* Empties a slot of bucket number n, which holds an entry of this hash. */
static void take(struct tg_table *t, uint32_t n, int slot, uint64_t hash)
{
	uint32_t home = tg_table_home(t, hash);

	t->bucket[n].tag[slot] = 0;
	if (n != home) {
		assert(t->bucket[home].meta > 0);
		t->bucket[home].meta--;
	}
}

/* The bucket where the entry in slot of bucket number n may stand besides. */
static uint32_t other_side(const struct tg_table *t, uint32_t n, uint32_t slot,
			   tg_table_hash_fn hash_of, const void *ctx)
{
	uint64_t hash = hash_of(ctx, t->bucket[n].idx[slot]);
	uint32_t home = tg_table_home(t, hash);

	return n == home ? tg_table_other(t, hash) : home;
}

/* Moves the entries along the path that ends at step s, last one first; the first bucket of the
 * path then has a free slot. Returns its number. */
static uint32_t shift(struct tg_table *t, const struct step step[], int s, tg_table_hash_fn hash_of,
		      const void *ctx)
{
	while (step[s].parent >= 0) {
		uint32_t from = step[step[s].parent].bucket, slot = step[s].slot;
		uint32_t idx = t->bucket[from].idx[slot];
		uint64_t hash = hash_of(ctx, idx);
		bool is_put = put(t, step[s].bucket, hash, idx);

		assert(is_put);
		(void)is_put;
		take(t, from, (int)slot, hash);
		s = step[s].parent;
	}
	return step[s].bucket;
}

/* Makes room in one of the two full buckets a and b: the nearest free slot, breadth first. A
 * shortest path visits no slot twice, so its moves do not get into each other's way. Returns the
 * bucket that has room now, or bucket_n. */
static uint32_t make_room(struct tg_table *t, uint32_t a, uint32_t b, tg_table_hash_fn hash_of,
			  const void *ctx)
{
	struct step step[SEARCH_MAX];
	int n = 2;

	step[0] = (struct step){.bucket = a, .parent = -1};
	step[1] = (struct step){.bucket = b, .parent = -1};
	for (int i = 0; i < n; i++) {
		for (uint32_t slot = 0; slot < SLOT_N && n < SEARCH_MAX; slot++) {
			step[n].bucket = other_side(t, step[i].bucket, slot, hash_of, ctx);
			step[n].parent = (int16_t)i;
			step[n].slot = (uint16_t)slot;
			if (match(&t->bucket[step[n].bucket], 0))
				return shift(t, step, n, hash_of, ctx);
			n++;
		}
	}
	return t->bucket_n;
}

bool tg_table_insert(struct tg_table *t, uint64_t hash, uint32_t idx, tg_table_hash_fn hash_of,
		     const void *ctx)
{
	uint32_t home = tg_table_home(t, hash);

	if (t->count >= t->capacity)
		return false;
	if (!put(t, home, hash, idx)) {
		uint32_t other = tg_table_other(t, hash);

		if (!put(t, other, hash, idx)) {
			uint32_t room = make_room(t, home, other, hash_of, ctx);

			if (room == t->bucket_n || !put(t, room, hash, idx))
				return false;
		}
	}
	t->count++;
	return true;
}

/* Where (hash, idx) stands: the bucket's number in *n and its slot, or -1. */
static int locate(const struct tg_table *t, uint64_t hash, uint32_t idx, uint32_t *n)
{
	*n = tg_table_home(t, hash);
	int slot = slot_of(&t->bucket[*n], hash, idx);

	if (slot >= 0 || t->bucket[*n].meta == 0)
		return slot;
	*n = tg_table_other(t, hash);
	return slot_of(&t->bucket[*n], hash, idx);
}

bool tg_table_remove(struct tg_table *t, uint64_t hash, uint32_t idx)
{
	uint32_t n;
	int slot = locate(t, hash, idx, &n);

	if (slot < 0)
		return false;
	take(t, n, slot, hash);
	t->count--;
	return true;
}

bool tg_table_replace(struct tg_table *t, uint64_t hash, uint32_t idx, uint32_t idx_new)
{
	uint32_t n;
	int slot = locate(t, hash, idx, &n);

	if (slot < 0)
		return false;
	t->bucket[n].idx[slot] = idx_new;
	return true;
}

uint32_t tg_table_find(const struct tg_table *t, uint64_t hash, uint32_t idx[], uint32_t max)
{
	const struct tg_table_bucket *home = &t->bucket[tg_table_home(t, hash)];
	uint16_t tag = tg_table_tag(hash);
	uint32_t found = 0;

	for (uint32_t m = match(home, tag); m && found < max; m &= m - 1)
		idx[found++] = home->idx[__builtin_ctz(m)];
	if (home->meta == 0)
		return found;
	const struct tg_table_bucket *other = &t->bucket[tg_table_other(t, hash)];

	for (uint32_t m = match(other, tag); m && found < max; m &= m - 1)
		idx[found++] = other->idx[__builtin_ctz(m)];
	return found;
}

static inline bool has_tag(const struct tg_table *t, uint64_t hash)
{
	const struct tg_table_bucket *home = &t->bucket[tg_table_home(t, hash)];
	uint16_t tag = tg_table_tag(hash);

	return match(home, tag) || (home->meta && match(&t->bucket[tg_table_other(t, hash)], tag));
}

uint64_t tg_table_find_any(const struct tg_table *t, const uint64_t hash[], uint32_t n)
{
	uint64_t found = 0;

	assert(n <= 64);
	for (uint32_t i = 0; i < n && t->count; i++)
		found |= (uint64_t)has_tag(t, hash[i]) << i;
	return found;
}

void tg_table_each(const struct tg_table *t, tg_table_visit_fn visit, void *ctx)
{
	for (uint32_t n = 0; n < t->bucket_n; n++)
		for (uint32_t m = ~match(&t->bucket[n], 0) & SLOT_MASK; m; m &= m - 1)
			visit(ctx, t->bucket[n].idx[__builtin_ctz(m)]);
}

/* Checks the entries of bucket number n and adds those that stand away from home to *away. */
static bool bucket_is_valid(const struct tg_table *t, uint32_t n, tg_table_hash_fn hash_of,
			    const void *ctx, uint64_t *away)
{
	const struct tg_table_bucket *b = &t->bucket[n];

	for (uint32_t m = ~match(b, 0) & SLOT_MASK; m; m &= m - 1) {
		int slot = __builtin_ctz(m);
		uint64_t hash = hash_of(ctx, b->idx[slot]);
		uint32_t home = tg_table_home(t, hash);

		if (b->tag[slot] != tg_table_tag(hash))
			return false;
		if (n == home)
			continue;
		if (n != tg_table_other(t, hash) || t->bucket[home].meta == 0)
			return false;
		(*away)++;
	}
	return true;
}

bool tg_table_validate(const struct tg_table *t, tg_table_hash_fn hash_of, const void *ctx)
{
	uint64_t used = 0, away = 0, meta = 0;

	for (uint32_t n = 0; n < t->bucket_n; n++) {
		if (!bucket_is_valid(t, n, hash_of, ctx, &away)) /* I2, I4 */
			return false;
		used += (uint32_t)__builtin_popcount(~match(&t->bucket[n], 0) & SLOT_MASK);
		meta += t->bucket[n].meta;
	}
	return used == t->count && t->count <= t->capacity && away == meta; /* I1, I3, I4 */
}
