/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_table.h: hash -> 32-bit index, in the caller's memory. 64-byte buckets of ten tagged slots,
 * two candidate buckets a key, fixed capacity, no division, no allocation.
 *
 * The table stores no keys: it keeps (16-bit tag, 32-bit index), and the caller compares the key
 * behind each index that matches the tag. The 64-bit hash must be keyed (an attacker must not
 * choose collisions).
 *
 *   bucket (64 bytes): | tag[10] x 2 | idx[10] x 4 | 4 bytes of meta |
 *
 * Memory: at most 12 bytes for each of capacity entries (asserted by the test; 64 at least), at
 * which an insert practically never fails. Core: one writer, no locks. Cost: one bucket line for
 * most hits and most misses, else two. */
#ifndef TG_TABLE_H
#define TG_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tg_table_bucket {
	uint16_t tag[10]; /* 0 = empty slot; never 0 for an entry */
	uint32_t idx[10];
	uint32_t meta; /* entries of this home that stand in their other bucket */
};
_Static_assert(sizeof(struct tg_table_bucket) == 64, "one cache line");

struct tg_table {
	struct tg_table_bucket *bucket; /* [bucket_n], 64-byte aligned */
	uint32_t bucket_n;
	uint32_t count;    /* entries */
	uint32_t capacity; /* most entries */
};

/* Bytes for capacity entries (1..2^31); a multiple of 64. */
size_t tg_table_footprint(uint32_t capacity);
/* mem: 64-byte aligned, tg_table_footprint(capacity) bytes, all zero (fresh pages stay untouched).
 */
void tg_table_init(struct tg_table *t, void *mem, uint32_t capacity);

/* false when the table is at capacity, or (practically never below it) when no slot was found:
 * nothing changed then. The caller knows that the key is not there. hash_of(ctx, idx) recomputes
 * the 64-bit hash of an entry that must move aside. */
typedef uint64_t (*tg_table_hash_fn)(const void *ctx, uint32_t idx);
bool tg_table_insert(struct tg_table *t, uint64_t hash, uint32_t idx, tg_table_hash_fn hash_of,
		     const void *ctx);
/* Removes the entry (hash, idx); false when it is not there. */
bool tg_table_remove(struct tg_table *t, uint64_t hash, uint32_t idx);
/* Replaces idx by idx_new under the same hash; false when (hash, idx) is not there. */
bool tg_table_replace(struct tg_table *t, uint64_t hash, uint32_t idx, uint32_t idx_new);

static inline uint16_t tg_table_tag(uint64_t hash)
{
	uint16_t tag = (uint16_t)hash;
	return tag ? tag : 1;
}

/* The two candidate buckets, by multiply-shift from different bits. */
static inline uint32_t tg_table_home(const struct tg_table *t, uint64_t hash)
{
	return (uint32_t)(((hash >> 32) * t->bucket_n) >> 32);
}

uint32_t tg_table_other(const struct tg_table *t, uint64_t hash);

static inline void tg_table_prefetch(const struct tg_table *t, uint64_t hash)
{
	__builtin_prefetch(&t->bucket[tg_table_home(t, hash)]);
}

/* The same for n of them; in an empty table nothing will be looked for. */
static inline void tg_table_prefetch_all(const struct tg_table *t, const uint64_t hash[],
					 uint32_t n)
{
	for (uint32_t i = 0; i < n && t->count; i++)
		tg_table_prefetch(t, hash[i]);
}

/* Candidates for hash, at most max, written to idx[]; returns how many. The caller compares keys. 4
 * is enough for max in practice; the search stops at max. */
uint32_t tg_table_find(const struct tg_table *t, uint64_t hash, uint32_t idx[], uint32_t max);

/* Bit i is set when there may be candidates for hash[i], i < n <= 64: their tag stands in one of
 * the two buckets. */
uint64_t tg_table_find_any(const struct tg_table *t, const uint64_t hash[], uint32_t n);

/* Calls visit for each entry; for validation, reaping and rehashing, not for the packet path. */
typedef void (*tg_table_visit_fn)(void *ctx, uint32_t idx);
void tg_table_each(const struct tg_table *t, tg_table_visit_fn visit, void *ctx);

/* Invariants: I1 count = slots in use; I2 each entry stands in one of its two buckets; I3 count <=
 * capacity; I4 meta of each bucket counts the entries of this home that stand in their other one.
 */
bool tg_table_validate(const struct tg_table *t, tg_table_hash_fn hash_of, const void *ctx);

#endif
