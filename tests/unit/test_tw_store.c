/* SPDX-License-Identifier: BSD-3-Clause */
/* The store of TIME-WAIT records against a list of what must be in it: TD-15..17, TD-20, TD-21,
 * TD-24. */
#include "tg_test.h"

#include "tg_rng.h"
#include "tw_store.h"

enum { MSL2_MS = 60000, MODEL_MAX = 4096, ALL = 1000000 };

struct fixture {
	struct tg_tw_store *s;
	struct tg_counters ctr;
	uint64_t now;
	uint32_t gone[64], gone_n; /* owners that were told */
	/* the model */
	struct {
		uint64_t number, deadline;
		tg_tw_handle dormant; /* TG_NONE = it answers */
		bool restarted;
	} rec[MODEL_MAX];
	uint32_t n;
	uint64_t number; /* the last one that was drawn */
};

static void setup(struct fixture *f, uint32_t tw_max, uint64_t now)
{
	size_t bytes = tg_tw_store_footprint(tw_max);
	void *mem = aligned_alloc(64, bytes);

	CU_ASSERT_FATAL(mem != NULL);
	memset(mem, 0, bytes);
	memset(f, 0, sizeof(*f));
	f->now = now;
	f->s = tg_tw_store_init(mem, tw_max, now, &f->ctr);
}

static void teardown(struct fixture *f)
{
	CU_ASSERT(tg_tw_store_validate(f->s));
	free(f->s);
}

/* A number through a bijection: fingerprints are hashes, and no two are equal. */
static uint64_t fingerprint_of(uint64_t number)
{
	return number * 0x9e3779b97f4a7c15ull;
}

static tg_tw_handle add(struct fixture *f, uint64_t number)
{
	struct tg_tw tw = {.fingerprint = fingerprint_of(number),
			   .snd_nxt = tg_seq_make((uint32_t)number),
			   .flags = TG_TW_USED | TG_TW_TS};

	tg_tw_set_deadline(&tw, f->now + MSL2_MS);
	return tg_tw_store_add(f->s, &tw, f->now);
}

static void note_gone(void *ctx, uint32_t conn)
{
	struct fixture *f = ctx;

	if (f->gone_n < 64)
		f->gone[f->gone_n++] = conn;
}

static uint32_t expire(struct fixture *f, uint64_t now, uint32_t budget)
{
	f->now = now;
	return tg_tw_store_expire(f->s, now, budget, note_gone, f);
}

static tg_tw_handle find(const struct fixture *f, uint64_t number)
{
	return tg_tw_store_find(f->s, fingerprint_of(number));
}

static bool is_in(const struct fixture *f, uint64_t number)
{
	return find(f, number) != TG_NONE;
}

static void test_timeWait_2msl_isFreedOnTheTick(void)
{
	static struct fixture f;

	setup(&f, 10, 1000);
	tg_tw_handle h = add(&f, 77);
	CU_ASSERT_EQUAL(find(&f, 77), h);
	CU_ASSERT_EQUAL(tg_tw_store_at(f.s, h)->snd_nxt.v, 77);
	CU_ASSERT_EQUAL(tg_tw_store_at(f.s, h)->flags, TG_TW_USED | TG_TW_TS);
	CU_ASSERT_EQUAL(tg_tw_store_next(f.s, f.now), 61000);
	CU_ASSERT_EQUAL(expire(&f, 60999, ALL), 0); /* TO-05: never early */
	CU_ASSERT(is_in(&f, 77));
	CU_ASSERT_EQUAL(expire(&f, 61000, ALL), 1);
	CU_ASSERT(!is_in(&f, 77));
	CU_ASSERT_EQUAL(f.ctr.v[TG_CTR_tw_expired], 1);
	CU_ASSERT_EQUAL(tg_tw_store_next(f.s, f.now), UINT64_MAX);
	CU_ASSERT_EQUAL(tg_tw_store_count(f.s), 0);
	teardown(&f);
}

static void test_timeWait_fin_restarts_and_ends_on_time(void)
{
	static struct fixture f;

	/* TD-16, TD-21. 1 is at the tail when it is restarted, 3 is not. */
	setup(&f, 10, 0);
	for (uint64_t i = 1; i <= 4; i++)
		add(&f, i);
	f.now = 100;
	tg_tw_store_restart(f.s, find(&f, 1), 100 + MSL2_MS);
	tg_tw_store_restart(f.s, find(&f, 3), 100 + MSL2_MS);
	CU_ASSERT(tg_tw_store_validate(f.s));
	CU_ASSERT(tg_tw_store_next(f.s, f.now) <= MSL2_MS);
	expire(&f, MSL2_MS - 1, ALL);
	CU_ASSERT_EQUAL(tg_tw_store_count(f.s), 4);
	expire(&f, MSL2_MS, ALL);
	CU_ASSERT(is_in(&f, 1) && !is_in(&f, 2) && is_in(&f, 3) && !is_in(&f, 4));
	tg_tw_store_restart(f.s, find(&f, 3), f.now + MSL2_MS); /* once more */
	expire(&f, 99 + MSL2_MS, ALL);
	CU_ASSERT_EQUAL(tg_tw_store_count(f.s), 2);
	expire(&f, 100 + MSL2_MS, ALL);
	CU_ASSERT(!is_in(&f, 1) && is_in(&f, 3));
	CU_ASSERT(tg_tw_store_validate(f.s));
	expire(&f, 2 * MSL2_MS - 1, ALL);
	CU_ASSERT(is_in(&f, 3));
	expire(&f, 2 * MSL2_MS, ALL);
	CU_ASSERT_EQUAL(tg_tw_store_count(f.s), 0);
	CU_ASSERT_EQUAL(f.ctr.v[TG_CTR_tw_expired], 4);
	CU_ASSERT_EQUAL(f.ctr.v[TG_CTR_tw_late], 0);
	teardown(&f);
}

static void test_timeWait_late_pool_full_ends_late_never_early(void)
{
	static struct fixture f;

	setup(&f, 200, 0);
	for (uint64_t i = 1; i <= 100; i++)
		add(&f, i);
	f.now = 10;
	for (uint64_t i = 100; i >= 1; i--) /* only the last of them is at the tail */
		tg_tw_store_restart(f.s, find(&f, i), 10 + MSL2_MS);
	f.now = 15;
	add(&f, 101); /* those that find no room will stand behind it */
	expire(&f, 20, ALL);
	CU_ASSERT_EQUAL(f.ctr.v[TG_CTR_tw_late], 36);
	CU_ASSERT(tg_tw_store_validate(f.s));
	expire(&f, 9 + MSL2_MS, ALL);
	CU_ASSERT_EQUAL(tg_tw_store_count(f.s), 101);
	expire(&f, 10 + MSL2_MS, ALL);
	CU_ASSERT_EQUAL(tg_tw_store_count(f.s), 37);
	expire(&f, 15 + MSL2_MS, ALL);
	CU_ASSERT_EQUAL(tg_tw_store_count(f.s), 0);
	teardown(&f);
}

static void test_timeWait_full_evicts_nearest_expiry(void)
{
	static struct fixture f;

	/* TD-20. 2 and 5 were restarted, so that 1, 3, 4, 2 is the order of their ends. */
	setup(&f, 5, 0);
	for (uint64_t i = 1; i <= 5; i++, f.now += 10)
		add(&f, i);
	tg_tw_store_restart(f.s, find(&f, 2), 100 + MSL2_MS);
	tg_tw_store_restart(f.s, find(&f, 5), 200 + MSL2_MS);
	f.now = 150;
	static const uint64_t victim[] = {1, 3, 4, 2};
	for (uint64_t k = 0; k < 4; k++) {
		CU_ASSERT(is_in(&f, victim[k]));
		add(&f, 10 + k);
		CU_ASSERT(!is_in(&f, victim[k]));
		CU_ASSERT_EQUAL(tg_tw_store_count(f.s), 5);
		CU_ASSERT_EQUAL(f.ctr.v[TG_CTR_tw_evicted], k + 1);
		CU_ASSERT(tg_tw_store_validate(f.s));
	}
	CU_ASSERT(is_in(&f, 5) && is_in(&f, 13));
	add(&f, 14); /* 10 to 13 end at 150 + 2MSL, 5 at 200 + 2MSL */
	CU_ASSERT(is_in(&f, 5) && !is_in(&f, 10));
	teardown(&f);
}

static void test_timeWait_dormant_isPassedBy_and_wakes(void)
{
	static struct fixture f;
	tg_tw_handle h;

	/* TD-24. */
	setup(&f, 10, 0);
	add(&f, 1);
	add(&f, 2);
	f.now = 500;
	h = tg_tw_store_make_dormant(f.s, find(&f, 2), 42, f.now);
	CU_ASSERT_FATAL(h != TG_NONE);
	CU_ASSERT(!is_in(&f, 2) && is_in(&f, 1));
	CU_ASSERT_EQUAL(tg_tw_store_at(f.s, h)->snd_nxt.v, 2);
	CU_ASSERT_EQUAL(tg_tw_store_count(f.s), 2);
	CU_ASSERT(tg_tw_store_validate(f.s));
	tg_tw_store_wake(f.s, h);
	CU_ASSERT_EQUAL(find(&f, 2), h);
	expire(&f, MSL2_MS - 1, ALL);
	CU_ASSERT(is_in(&f, 2)); /* with its old deadline */
	expire(&f, MSL2_MS, ALL);
	CU_ASSERT_EQUAL(tg_tw_store_count(f.s), 0);
	CU_ASSERT_EQUAL(f.gone_n, 0);
	teardown(&f);
}

static void test_timeWait_dormant_ends_owner_isTold(void)
{
	static struct fixture f;

	setup(&f, 10, 0);
	add(&f, 1);
	tg_tw_store_make_dormant(f.s, find(&f, 1), 42, 10);
	CU_ASSERT(tg_tw_store_next(f.s, 10) <= MSL2_MS);
	expire(&f, MSL2_MS - 1, ALL);
	CU_ASSERT_EQUAL(f.gone_n, 0);
	expire(&f, MSL2_MS, ALL);
	CU_ASSERT_EQUAL(f.gone_n, 1);
	CU_ASSERT_EQUAL(f.gone[0], 42);
	CU_ASSERT_EQUAL(tg_tw_store_count(f.s), 0);
	teardown(&f);
}

static void test_timeWait_dormant_removed_leaves_nothing(void)
{
	static struct fixture f;

	setup(&f, 10, 0);
	add(&f, 1);
	tg_tw_store_remove(f.s, tg_tw_store_make_dormant(f.s, find(&f, 1), 42, 10));
	CU_ASSERT_EQUAL(tg_tw_store_count(f.s), 0);
	expire(&f, 2 * MSL2_MS, ALL);
	CU_ASSERT_EQUAL(f.gone_n, 0);
	CU_ASSERT_EQUAL(f.ctr.v[TG_CTR_tw_expired], 0);
	teardown(&f);
}

static void test_timeWait_dormant_pool_full_isEvicted(void)
{
	static struct fixture f;

	setup(&f, 100, 0);
	for (uint64_t i = 0; i < 65; i++) {
		tg_tw_handle h =
		    tg_tw_store_make_dormant(f.s, add(&f, 100 + i), (uint32_t)i, f.now);

		CU_ASSERT_EQUAL(h == TG_NONE, i == 64);
	}
	CU_ASSERT_EQUAL(f.ctr.v[TG_CTR_tw_evicted], 1);
	CU_ASSERT_EQUAL(tg_tw_store_count(f.s), 64);
	CU_ASSERT(tg_tw_store_validate(f.s));
	expire(&f, MSL2_MS, ALL);
	CU_ASSERT_EQUAL(f.gone_n, 64);
	teardown(&f);
}

static void test_timeWait_wake_full_evicts_nearest_expiry(void)
{
	static struct fixture f;
	tg_tw_handle h;

	setup(&f, 2, 0);
	h = tg_tw_store_make_dormant(f.s, add(&f, 1), 42, f.now);
	f.now = 10;
	add(&f, 2);
	f.now = 20;
	add(&f, 3);
	CU_ASSERT_EQUAL(tg_tw_store_count(f.s), 3);
	tg_tw_store_wake(f.s, h);
	CU_ASSERT(is_in(&f, 1) && !is_in(&f, 2) && is_in(&f, 3));
	CU_ASSERT_EQUAL(f.ctr.v[TG_CTR_tw_evicted], 1);
	teardown(&f);
}

static void test_timeWait_expire_bounded_goes_on_next_time(void)
{
	static struct fixture f;
	uint32_t calls = 0;

	/* TD-21: bounded work a call. */
	setup(&f, 1000, 0);
	for (uint64_t i = 0; i < 1000; i++)
		add(&f, i);
	f.now = MSL2_MS;
	while (tg_tw_store_count(f.s)) {
		uint32_t before = tg_tw_store_count(f.s), done = expire(&f, MSL2_MS, 64);

		CU_ASSERT_FATAL(done > 0 && done <= 64);
		CU_ASSERT(before - tg_tw_store_count(f.s) <= 64);
		calls++;
	}
	CU_ASSERT_EQUAL(calls, 16);
	teardown(&f);
}

static void test_timeWait_reused_again_and_again_keeps_its_time(void)
{
	static struct fixture f;

	/* One tuple is used every 100 ms, TD-22, in a ring for a tenth of the records that this
	 * makes in 2MSL: the holes must not push the others out early. */
	setup(&f, 64, 0);
	for (uint64_t i = 0; i < 40; i++)
		add(&f, i);
	for (uint64_t i = 0; i < 599; i++) {
		f.now += 100;
		add(&f, 1000);
		CU_ASSERT(tg_tw_store_validate(f.s));
		tg_tw_store_remove(f.s, find(&f, 1000));
		CU_ASSERT(tg_tw_store_validate(f.s));
	}
	CU_ASSERT_EQUAL(tg_tw_store_count(f.s), 40);
	CU_ASSERT_EQUAL(f.ctr.v[TG_CTR_tw_evicted], 0);
	for (uint64_t i = 0; i < 40; i++)
		CU_ASSERT(is_in(&f, i));
	teardown(&f);
}

/* Many come and go at once, in any order, so that the store is nearly full and nearly empty in
 * turn. */
static void test_timeWait_crowds_reused_evict_nobody(void)
{
	static struct fixture f;
	struct tg_rng rng;
	uint32_t crowd[850];

	tg_rng_init(&rng, tg_test_seed);
	setup(&f, 1000, 0);
	for (uint64_t i = 0; i < 150; i++)
		add(&f, i);
	for (uint32_t round = 0; round < 60; round++) {
		f.now += 100;
		for (uint32_t i = 0; i < 850; i++) {
			crowd[i] = 1000 + i;
			add(&f, crowd[i]);
		}
		for (uint32_t i = 849; i > 0 && round % 3 != 1; i--) { /* or in order */
			uint32_t k = round % 3 ? 849 - i : tg_rng_below(&rng, i + 1);
			uint32_t swap = crowd[i];

			crowd[i] = crowd[k];
			crowd[k] = swap;
		}
		for (uint32_t i = 0; i < 850; i++)
			tg_tw_store_remove(f.s, find(&f, crowd[i]));
		CU_ASSERT(tg_tw_store_validate(f.s));
	}
	CU_ASSERT_EQUAL(tg_tw_store_count(f.s), 150);
	CU_ASSERT_EQUAL(f.ctr.v[TG_CTR_tw_evicted], 0);
	teardown(&f);
}

static void test_timeWait_clock_leaps_everything_isDue(void)
{
	static struct fixture f;
	/* Half turns and whole turns of the short deadline, and 60 days. */
	static const uint64_t leap[] = {MSL2_MS,    1ull << 18, 1ull << 19,   1ull << 20,
					1ull << 21, 1ull << 24, 5184000000ull};

	for (size_t k = 0; k < sizeof(leap) / sizeof(leap[0]); k++) {
		setup(&f, 100, 12345);
		for (uint64_t i = 0; i < 10; i++)
			add(&f, i);
		tg_tw_store_make_dormant(f.s, find(&f, 5), 7, f.now);
		f.now += leap[k];
		expire(&f, f.now, 0);
		tg_tw_store_remove(f.s, find(&f, 9)); /* the newest of those that are due */
		CU_ASSERT(tg_tw_store_validate(f.s));
		add(&f, 99); /* before anything could expire */
		CU_ASSERT(tg_tw_store_next(f.s, f.now) <= f.now);
		expire(&f, f.now, ALL);
		CU_ASSERT_EQUAL(tg_tw_store_count(f.s), 1);
		CU_ASSERT(is_in(&f, 99));
		CU_ASSERT_EQUAL(f.gone_n, 1);
		expire(&f, f.now + MSL2_MS - 1, ALL);
		CU_ASSERT(is_in(&f, 99));
		teardown(&f);
	}
}

/* TD-15: 32 bytes a record, at most 12 of table; the late pool adds 56 / 16. */
static void test_timeWait_footprint_isWhatWasPromised(void)
{
	CU_ASSERT(tg_tw_store_footprint(1000000) <= 1000000ull * (32 + 12 + 4));
	CU_ASSERT_EQUAL(sizeof(struct tg_tw), 32);
}

/* --- random operations against the model --- */

static void model_drop(struct fixture *f, uint32_t i)
{
	f->rec[i] = f->rec[--f->n];
}

static void model_add(struct fixture *f)
{
	CU_ASSERT_FATAL(add(f, ++f->number) != TG_NONE);
	f->rec[f->n].number = f->number;
	f->rec[f->n].deadline = f->now + MSL2_MS;
	f->rec[f->n].dormant = TG_NONE;
	f->rec[f->n].restarted = false;
	f->n++;
}

static uint32_t model_special(const struct fixture *f)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < f->n; i++)
		n += f->rec[i].restarted || f->rec[i].dormant != TG_NONE;
	return n;
}

/* Something happens to record i. */
static void model_touch(struct fixture *f, uint32_t i, uint32_t what)
{
	tg_tw_handle h = find(f, f->rec[i].number);

	if (f->rec[i].dormant != TG_NONE) {
		if (what < 50) {
			tg_tw_store_wake(f->s, f->rec[i].dormant);
			f->rec[i].dormant = TG_NONE;
			f->rec[i].restarted = true; /* it stays in the late pool */
		} else {
			tg_tw_store_remove(f->s, f->rec[i].dormant);
			model_drop(f, i);
		}
		return;
	}
	if (what < 50) {
		tg_tw_store_remove(f->s, h);
		model_drop(f, i);
	} else if (model_special(f) < 64 && what < 75) {
		tg_tw_store_restart(f->s, h, f->now + MSL2_MS);
		f->rec[i].deadline = f->now + MSL2_MS;
		f->rec[i].restarted = true;
	} else if (model_special(f) < 64) {
		f->rec[i].dormant = tg_tw_store_make_dormant(f->s, h, i, f->now);
		CU_ASSERT_FATAL(f->rec[i].dormant != TG_NONE);
	}
}

static void model_expire(struct fixture *f, uint64_t now)
{
	uint64_t next = tg_tw_store_next(f->s, f->now);
	uint32_t dormant = 0;

	for (uint32_t i = 0; i < f->n;) {
		CU_ASSERT_FATAL(next <= f->rec[i].deadline || next <= f->now);
		if (f->rec[i].deadline > now) {
			i++;
			continue;
		}
		dormant += f->rec[i].dormant != TG_NONE;
		model_drop(f, i);
	}
	f->gone_n = 0;
	expire(f, now, ALL);
	CU_ASSERT_EQUAL_FATAL(f->gone_n, dormant);
}

static bool model_agrees(const struct fixture *f)
{
	if (tg_tw_store_count(f->s) != f->n || !tg_tw_store_validate(f->s))
		return false;
	for (uint32_t i = 0; i < f->n; i++) {
		tg_tw_handle h = find(f, f->rec[i].number);

		if ((h == TG_NONE) != (f->rec[i].dormant != TG_NONE))
			return false;
		if (h != TG_NONE &&
		    tg_tw_store_at(f->s, h)->snd_nxt.v != (uint32_t)f->rec[i].number)
			return false;
	}
	return true;
}

static void run_model(uint32_t tw_max, uint64_t seed)
{
	static struct fixture f;
	struct tg_rng rng;

	tg_rng_init(&rng, seed);
	setup(&f, tw_max, tg_rng_next(&rng) >> 20);
	for (uint32_t k = 0; k < 20000; k++) {
		uint32_t what = tg_rng_below(&rng, 100);

		if (what < 45 && f.n < tw_max * 7 / 8)
			model_add(&f);
		else if (what < 85 && f.n)
			model_touch(&f, tg_rng_below(&rng, f.n), tg_rng_below(&rng, 100));
		else
			model_expire(&f, f.now + tg_rng_below(&rng, k % 8 ? 1000 : 30000));
		if (k % 64 == 0 && !model_agrees(&f)) {
			printf("tw_store: seed %" PRIu64 " tw_max %u step %u\n", seed, tw_max, k);
			CU_FAIL_FATAL("the store differs from the model");
		}
	}
	CU_ASSERT_EQUAL(f.ctr.v[TG_CTR_tw_evicted], 0);
	CU_ASSERT_EQUAL(f.ctr.v[TG_CTR_tw_late], 0);
	model_expire(&f, f.now + 2 * MSL2_MS);
	CU_ASSERT_EQUAL(tg_tw_store_count(f.s), 0);
	teardown(&f);
}

static void test_timeWait_random_ops_equal_the_model(void)
{
	for (uint64_t k = 0; k < 3; k++) {
		run_model(70, tg_test_seed + k);
		run_model(1000, tg_test_seed + k);
	}
}

static const struct tg_test tests[] = {
    {"timeWait_2msl_isFreedOnTheTick", test_timeWait_2msl_isFreedOnTheTick},
    {"timeWait_fin_restarts_and_ends_on_time", test_timeWait_fin_restarts_and_ends_on_time},
    {"timeWait_late_pool_full_ends_late_never_early",
     test_timeWait_late_pool_full_ends_late_never_early},
    {"timeWait_full_evicts_nearest_expiry", test_timeWait_full_evicts_nearest_expiry},
    {"timeWait_dormant_isPassedBy_and_wakes", test_timeWait_dormant_isPassedBy_and_wakes},
    {"timeWait_dormant_ends_owner_isTold", test_timeWait_dormant_ends_owner_isTold},
    {"timeWait_dormant_removed_leaves_nothing", test_timeWait_dormant_removed_leaves_nothing},
    {"timeWait_dormant_pool_full_isEvicted", test_timeWait_dormant_pool_full_isEvicted},
    {"timeWait_wake_full_evicts_nearest_expiry", test_timeWait_wake_full_evicts_nearest_expiry},
    {"timeWait_expire_bounded_goes_on_next_time", test_timeWait_expire_bounded_goes_on_next_time},
    {"timeWait_reused_again_and_again_keeps_its_time",
     test_timeWait_reused_again_and_again_keeps_its_time},
    {"timeWait_crowds_reused_evict_nobody", test_timeWait_crowds_reused_evict_nobody},
    {"timeWait_clock_leaps_everything_isDue", test_timeWait_clock_leaps_everything_isDue},
    {"timeWait_footprint_isWhatWasPromised", test_timeWait_footprint_isWhatWasPromised},
    {"timeWait_random_ops_equal_the_model", test_timeWait_random_ops_equal_the_model},
};

int main(int argc, char **argv)
{
	return tg_test_main("tw_store", tests, TG_TEST_N(tests), argc, argv);
}
