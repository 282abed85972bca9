/* SPDX-License-Identifier: BSD-3-Clause */
/* The flow table against a plain array of keys: every entry that was put in is found, at every load
 * up to capacity, and nothing else is. */
#include "tg_test.h"

#include "tg_rng.h"
#include "tg_table.h"

/* A table with the hash of each entry beside it; index i is entry i. */
struct fixture {
	struct tg_table t;
	void *mem;
	uint64_t *hash; /* [n] */
	bool *is_in;    /* [n] */
	uint32_t n;
};

static uint64_t hash_of(const void *ctx, uint32_t idx)
{
	return ((const struct fixture *)ctx)->hash[idx];
}

static void setup(struct fixture *f, uint32_t capacity, uint32_t n)
{
	size_t bytes = tg_table_footprint(capacity);

	f->mem = aligned_alloc(64, bytes);
	f->hash = calloc(n, sizeof(*f->hash));
	f->is_in = calloc(n, sizeof(*f->is_in));
	f->n = n;
	CU_ASSERT_FATAL(f->mem && f->hash && f->is_in);
	memset(f->mem, 0, bytes);
	tg_table_init(&f->t, f->mem, capacity);
}

static void teardown(struct fixture *f)
{
	free(f->mem);
	free(f->hash);
	free(f->is_in);
}

static bool insert(struct fixture *f, uint32_t i)
{
	f->is_in[i] = tg_table_insert(&f->t, f->hash[i], i, hash_of, f);
	return f->is_in[i];
}

static bool remove_entry(struct fixture *f, uint32_t i)
{
	bool removed = tg_table_remove(&f->t, f->hash[i], i);

	f->is_in[i] = false;
	return removed;
}

static bool is_found(const struct fixture *f, uint32_t i)
{
	uint32_t idx[8], n = tg_table_find(&f->t, f->hash[i], idx, 8);

	for (uint32_t k = 0; k < n; k++)
		if (idx[k] == i)
			return true;
	return false;
}

/* How many entries are not found although they are in, or found although they are not. */
static uint32_t wrong_count(const struct fixture *f)
{
	uint32_t wrong = 0;

	for (uint32_t i = 0; i < f->n; i++)
		wrong += is_found(f, i) != f->is_in[i];
	return wrong;
}

static void draw_hashes(struct fixture *f, struct tg_rng *rng)
{
	for (uint32_t i = 0; i < f->n; i++)
		f->hash[i] = tg_rng_next(rng);
}

/* The whole life of a table of this capacity: filled to the brim, one too many, a tenth taken out
 * and put in again ten times, emptied. */
static void fill_and_churn(uint32_t capacity, uint64_t seed)
{
	struct fixture f;
	struct tg_rng rng;
	uint32_t failed = 0;

	tg_rng_init(&rng, seed);
	setup(&f, capacity, capacity + 1);
	draw_hashes(&f, &rng);
	for (uint32_t i = 0; i < capacity; i++)
		failed += !insert(&f, i);
	CU_ASSERT_EQUAL(failed, 0);
	CU_ASSERT_EQUAL(f.t.count, capacity);
	CU_ASSERT(!insert(&f, capacity));
	CU_ASSERT_EQUAL(wrong_count(&f), 0);
	CU_ASSERT(tg_table_validate(&f.t, hash_of, &f));
	for (uint32_t i = 0; i < capacity; i++) {
		uint32_t k = tg_rng_below(&rng, capacity);

		failed += !remove_entry(&f, k);
		f.hash[k] = tg_rng_next(&rng);
		failed += !insert(&f, k);
	}
	CU_ASSERT_EQUAL(failed, 0);
	CU_ASSERT_EQUAL(wrong_count(&f), 0);
	CU_ASSERT(tg_table_validate(&f.t, hash_of, &f));
	for (uint32_t i = 0; i < capacity; i++)
		failed += !remove_entry(&f, i);
	CU_ASSERT_EQUAL(failed, 0);
	CU_ASSERT_EQUAL(f.t.count, 0);
	CU_ASSERT_EQUAL(wrong_count(&f), 0);
	CU_ASSERT(tg_table_validate(&f.t, hash_of, &f));
	teardown(&f);
}

static void test_table_filled_1k_takes_all(void)
{
	for (uint64_t k = 0; k < 20; k++)
		fill_and_churn(1000, tg_test_seed + k);
}

static void test_table_filled_100k_takes_all(void)
{
	for (uint64_t k = 0; k < 3; k++)
		fill_and_churn(100000, tg_test_seed + k);
}

static void test_table_filled_1m_takes_all(void)
{
	fill_and_churn(1000000, tg_test_seed);
}

static void test_table_tiny_filled_takes_all(void)
{
	for (uint32_t capacity = 1; capacity < 70; capacity++)
		for (uint64_t k = 0; k < 5; k++)
			fill_and_churn(capacity, tg_test_seed + k);
}

/* DESIGN 4: at most 12 bytes of table a connection. */
static void test_table_footprint_any_isTwelveBytesAnEntry(void)
{
	static const uint32_t capacity[] = {1,    5,      6,       10,       11,
					    1000, 100000, 1000000, 10000000, 1u << 31};

	for (size_t i = 0; i < sizeof(capacity) / sizeof(capacity[0]); i++) {
		size_t bytes = tg_table_footprint(capacity[i]), most = 12ull * capacity[i];

		CU_ASSERT(bytes <= (most < 64 ? 64 : most));
		CU_ASSERT_EQUAL(bytes % 64, 0);
		CU_ASSERT(bytes / 64 * 10 >= capacity[i]);
	}
}

static void test_table_filled_stands_mostly_at_home(void)
{
	struct fixture f;
	struct tg_rng rng;
	uint32_t away = 0, crowded = 0;

	tg_rng_init(&rng, tg_test_seed);
	setup(&f, 100000, 100000);
	draw_hashes(&f, &rng);
	for (uint32_t i = 0; i < f.n; i++)
		insert(&f, i);
	for (uint32_t b = 0; b < f.t.bucket_n; b++) {
		away += f.t.bucket[b].meta;
		crowded += f.t.bucket[b].meta != 0;
	}
	/* Poisson with mean 5.33: 2.4 % of the buckets get more than ten. */
	CU_ASSERT(away < f.n / 50);
	CU_ASSERT(crowded < f.t.bucket_n / 25);
	teardown(&f);
}

/* Hashes that all have the same two buckets: twenty fit, whatever capacity says. */
static void test_table_both_buckets_full_insert_fails_unchanged(void)
{
	struct fixture f;
	uint32_t failed = 0;

	setup(&f, 1000, 21);
	for (uint32_t i = 0; i < f.n; i++)
		f.hash[i] = 0x1234567800000001ull + i;
	for (uint32_t i = 0; i < 20; i++)
		failed += !insert(&f, i);
	CU_ASSERT_EQUAL(failed, 0);
	CU_ASSERT(!insert(&f, 20));
	CU_ASSERT_EQUAL(f.t.count, 20);
	CU_ASSERT_EQUAL(wrong_count(&f), 0);
	CU_ASSERT(tg_table_validate(&f.t, hash_of, &f));
	teardown(&f);
}

/* A hash with chosen buckets: home a, other b. */
static uint64_t hash_with(const struct tg_table *t, uint32_t a, uint32_t b, uint32_t tag)
{
	uint64_t high = ((2ull * a + 1) << 31) / t->bucket_n; /* the middle of a's share */
	uint64_t low = ((2ull * b + 1) << 31) / t->bucket_n;

	return high << 32 | (low & ~0xffffull) | tag;
}

static void test_table_both_buckets_full_displaces(void)
{
	struct fixture f;
	uint32_t failed = 0;

	setup(&f, 1000, 41);
	for (uint32_t i = 0; i < 10; i++) {
		f.hash[i] = hash_with(&f.t, 10, 20, i + 1);      /* fills bucket 10 */
		f.hash[i + 10] = hash_with(&f.t, 20, 30, i + 1); /* fills bucket 20 */
		f.hash[i + 20] = hash_with(&f.t, 30, 40, i + 1); /* fills bucket 30 */
		f.hash[i + 30] = hash_with(&f.t, 10, 20, i + 50);
	}
	f.hash[40] = hash_with(&f.t, 30, 30, 99);
	CU_ASSERT_EQUAL_FATAL(tg_table_home(&f.t, f.hash[0]), 10);
	CU_ASSERT_EQUAL_FATAL(tg_table_other(&f.t, f.hash[0]), 20);
	CU_ASSERT_EQUAL_FATAL(tg_table_other(&f.t, f.hash[40]), 31);
	for (uint32_t i = 0; i < 40; i++)
		failed += !insert(&f, i);
	CU_ASSERT_EQUAL(failed, 0);
	CU_ASSERT(insert(&f, 40));
	CU_ASSERT_EQUAL(wrong_count(&f), 0);
	CU_ASSERT(tg_table_validate(&f.t, hash_of, &f));
	for (uint32_t i = 0; i < f.n; i++)
		CU_ASSERT(remove_entry(&f, i));
	CU_ASSERT(tg_table_validate(&f.t, hash_of, &f));
	for (uint32_t b = 0; b < f.t.bucket_n; b++)
		CU_ASSERT_EQUAL(f.t.bucket[b].meta, 0);
	teardown(&f);
}

static void test_table_remove_absent_isRefused(void)
{
	struct fixture f;

	setup(&f, 100, 3);
	f.hash[0] = f.hash[1] = 7;
	f.hash[2] = 8;
	CU_ASSERT(!remove_entry(&f, 0));
	CU_ASSERT(insert(&f, 0));
	CU_ASSERT(!remove_entry(&f, 1)); /* same hash, other index */
	CU_ASSERT(!remove_entry(&f, 2));
	CU_ASSERT_EQUAL(f.t.count, 1);
	CU_ASSERT(remove_entry(&f, 0));
	teardown(&f);
}

static void test_table_replace_keeps_the_place(void)
{
	struct fixture f;
	uint32_t idx[4];

	setup(&f, 100, 2);
	f.hash[0] = f.hash[1] = 0x1111222233330000ull; /* its low bits are no tag: 1 is */
	CU_ASSERT(insert(&f, 0));
	CU_ASSERT(!tg_table_replace(&f.t, f.hash[0], 1, 0));
	CU_ASSERT(tg_table_replace(&f.t, f.hash[0], 0, 1));
	CU_ASSERT_EQUAL_FATAL(tg_table_find(&f.t, f.hash[0], idx, 4), 1);
	CU_ASSERT_EQUAL(idx[0], 1);
	CU_ASSERT_EQUAL(f.t.count, 1);
	teardown(&f);
}

static void test_table_equal_hashes_find_stops_at_max(void)
{
	struct fixture f;
	uint32_t idx[12];

	setup(&f, 100, 12);
	for (uint32_t i = 0; i < 12; i++) {
		f.hash[i] = 42;
		CU_ASSERT(insert(&f, i));
	}
	CU_ASSERT_EQUAL(tg_table_find(&f.t, 42, idx, 4), 4);
	CU_ASSERT_EQUAL(tg_table_find(&f.t, 42, idx, 11), 11);
	CU_ASSERT_EQUAL(tg_table_find(&f.t, 42, idx, 12), 12);
	CU_ASSERT_EQUAL(tg_table_find(&f.t, 43, idx, 12), 0);
	teardown(&f);
}

static void count_visit(void *ctx, uint32_t idx)
{
	((uint8_t *)ctx)[idx]++;
}

static void test_table_each_visits_every_entry_once(void)
{
	struct fixture f;
	struct tg_rng rng;
	uint8_t seen[500] = {0};

	tg_rng_init(&rng, tg_test_seed);
	setup(&f, 500, 500);
	draw_hashes(&f, &rng);
	for (uint32_t i = 0; i < 500; i += 2)
		insert(&f, i);
	tg_table_each(&f.t, count_visit, seen);
	for (uint32_t i = 0; i < 500; i++)
		CU_ASSERT_EQUAL(seen[i], i % 2 == 0);
	teardown(&f);
}

static void test_table_broken_validate_says_so(void)
{
	struct fixture f;

	setup(&f, 1000, 1);
	f.hash[0] = hash_with(&f.t, 10, 20, 5);
	CU_ASSERT(insert(&f, 0));
	CU_ASSERT(tg_table_validate(&f.t, hash_of, &f));
	f.t.count++; /* I1 */
	CU_ASSERT(!tg_table_validate(&f.t, hash_of, &f));
	f.t.count--;
	f.hash[0] = hash_with(&f.t, 11, 20, 5); /* I2 */
	CU_ASSERT(!tg_table_validate(&f.t, hash_of, &f));
	f.hash[0] = hash_with(&f.t, 20, 10, 5); /* I4: stands away, and home does not know */
	CU_ASSERT(!tg_table_validate(&f.t, hash_of, &f));
	f.hash[0] = hash_with(&f.t, 10, 20, 5);
	f.t.bucket[3].meta = 1; /* I4 */
	CU_ASSERT(!tg_table_validate(&f.t, hash_of, &f));
	teardown(&f);
}

static const struct tg_test tests[] = {
    {"table_filled_1k_takes_all", test_table_filled_1k_takes_all},
    {"table_filled_100k_takes_all", test_table_filled_100k_takes_all},
    {"table_filled_1m_takes_all", test_table_filled_1m_takes_all},
    {"table_tiny_filled_takes_all", test_table_tiny_filled_takes_all},
    {"table_footprint_any_isTwelveBytesAnEntry", test_table_footprint_any_isTwelveBytesAnEntry},
    {"table_filled_stands_mostly_at_home", test_table_filled_stands_mostly_at_home},
    {"table_both_buckets_full_insert_fails_unchanged",
     test_table_both_buckets_full_insert_fails_unchanged},
    {"table_both_buckets_full_displaces", test_table_both_buckets_full_displaces},
    {"table_remove_absent_isRefused", test_table_remove_absent_isRefused},
    {"table_replace_keeps_the_place", test_table_replace_keeps_the_place},
    {"table_equal_hashes_find_stops_at_max", test_table_equal_hashes_find_stops_at_max},
    {"table_each_visits_every_entry_once", test_table_each_visits_every_entry_once},
    {"table_broken_validate_says_so", test_table_broken_validate_says_so},
};

int main(int argc, char **argv)
{
	return tg_test_main("table", tests, TG_TEST_N(tests), argc, argv);
}
