/* SPDX-License-Identifier: BSD-3-Clause */
/* What may be said to those who have proved nothing: RB-12, RB-13, SC-21. */
#include "tg_test.h"

#include "budget.h"

static struct tg_rng rng;
static struct tg_budget *budget;

static void setup(uint32_t rate, uint64_t now_ms)
{
	void *mem = aligned_alloc(64, tg_budget_footprint());

	CU_ASSERT_FATAL(mem != NULL);
	memset(mem, 0, tg_budget_footprint());
	tg_rng_init(&rng, tg_test_seed);
	budget = tg_budget_init(mem, rate, &rng, now_ms);
}

static void teardown(void)
{
	free(budget);
}

static struct tg_addr addr(const char *text)
{
	struct tg_addr a;

	CU_ASSERT_FATAL(tg_addr_parse(text, &a));
	return a;
}

/* How many of n tokens are given at once. */
static uint32_t take(const char *peer, uint32_t n, uint64_t now_ms)
{
	struct tg_addr a = addr(peer);
	uint32_t given = 0;

	for (uint32_t i = 0; i < n; i++)
		given += tg_budget_take(budget, &a, now_ms);
	return given;
}

static void test_budget_burst_gives_rate_tokens(void)
{
	setup(10, 5000);
	CU_ASSERT_EQUAL(take("192.0.2.1", 100, 5000), 10);
	CU_ASSERT_EQUAL(take("192.0.2.1", 100, 5000), 0);
	CU_ASSERT_EQUAL(take("192.0.2.200", 100, 5000), 0); /* the same /24 */
	teardown();
	setup(10, 0); /* a clock that starts at nought */
	CU_ASSERT_EQUAL(take("192.0.2.1", 100, 0), 10);
	teardown();
}

static void test_budget_rate_zero_isNoLimit(void)
{
	struct tg_addr a = addr("192.0.2.1");

	setup(0, 5000);
	CU_ASSERT_EQUAL(take("192.0.2.1", 100000, 5000), 100000);
	tg_budget_prove(budget, &a, 5000);
	teardown();
}

static void test_budget_v6_counts_by_48_bits(void)
{
	setup(10, 5000);
	CU_ASSERT_EQUAL(take("2001:db8:1:2::3", 8, 5000), 8);
	CU_ASSERT_EQUAL(take("2001:db8:1:ffff::1", 8, 5000), 2);
	CU_ASSERT_EQUAL(take("2001:db8:2:2::3", 8, 5000), 8);
	teardown();
}

/* RB-12, ADV-85: a flood from one prefix does not silence the answers to another. */
static void test_budget_flood_leaves_others_theirs(void)
{
	uint32_t silenced = 0;
	char text[32];

	setup(100, 5000);
	CU_ASSERT_EQUAL(take("192.0.2.1", 100000, 5000), 100);
	for (int i = 0; i < 250; i++) {
		snprintf(text, sizeof(text), "198.51.%d.7", i);
		silenced += take(text, 1, 5000) == 0;
	}
	CU_ASSERT_EQUAL(silenced, 0);
	teardown();
}

static const char *prefix_of(uint32_t net, uint32_t i)
{
	static char text[32];

	snprintf(text, sizeof(text), "%u.%u.%u.7", net, i >> 8, i & 255);
	return text;
}

/* Nor does one from many prefixes, that keeps each of them empty. */
static void test_budget_floodOfManyPrefixes_leaves_others_theirs(void)
{
	uint32_t silenced = 0;

	setup(100, 5000);
	for (uint32_t i = 0; i < 512; i++)
		CU_ASSERT(take(prefix_of(198, i), 200, 5000) >= 95);
	for (uint32_t i = 0; i < 8192; i++)
		silenced += take(prefix_of(10, i), 1, 5000) == 0;
	CU_ASSERT(silenced <= 16); /* 2 expected: both buckets of one in 4096 are empty */
	teardown();
}

/* However buckets are shared and whoever asks first: nobody gets more than the rate. */
static void test_budget_crowd_nobody_gets_more(void)
{
	static uint32_t given[20000];
	uint32_t most = 0, all = 0;

	setup(8, 5000);
	memset(given, 0, sizeof(given));
	for (uint32_t i = 0; i < 400000; i++) {
		uint32_t who = tg_rng_below(&rng, 20000);
		given[who] += take(prefix_of(10, who), 1, 5000);
	}
	for (uint32_t i = 0; i < 20000; i++) {
		most = given[i] > most ? given[i] : most;
		all += given[i];
	}
	CU_ASSERT_EQUAL(most, 8);
	CU_ASSERT(all > 20000 * 8 * 8 / 10); /* and most get what is theirs */
	teardown();
}

/* The stamps of buckets wrap after 49 days. */
static void test_budget_wrap_of_the_clock_isNotSeen(void)
{
	const uint64_t wrap = UINT64_C(1) << 32;

	setup(10, wrap - 1000);
	CU_ASSERT_EQUAL(take("192.0.2.1", 100, wrap - 1000), 10);
	CU_ASSERT_EQUAL(take("192.0.2.1", 100, wrap + 2000), 10);
	CU_ASSERT_EQUAL(take("192.0.2.1", 100, wrap + 2000), 0);
	/* One that nobody asked for a month is full again. */
	CU_ASSERT_EQUAL(take("192.0.2.1", 100, wrap + 2000 + UINT64_C(2600000000)), 10);
	teardown();
}

static void test_budget_second_refills_rate_tokens(void)
{
	uint64_t now = 5000;
	uint32_t given = 0;

	/* Asked for far too often for 100 s: the rate holds on average, the jitter evens out. */
	setup(50, now);
	CU_ASSERT_EQUAL(take("192.0.2.1", 50, now), 50);
	for (int i = 0; i < 10000; i++) {
		now += 10;
		given += take("192.0.2.1", 3, now);
	}
	CU_ASSERT(given > 100 * 50 * 97 / 100);
	CU_ASSERT(given < 100 * 50 * 103 / 100);
	/* Two seconds fill it, ten make it no fuller. */
	CU_ASSERT_EQUAL(take("192.0.2.1", 500, now + 2000), 50);
	CU_ASSERT_EQUAL(take("192.0.2.1", 500, now + 12000), 50);
	teardown();
}

static void test_budget_refill_is_jittered(void)
{
	uint32_t given[20], same = 0;
	uint64_t now = 5000;

	setup(1000, now);
	for (int i = 0; i < 20; i++) {
		take("192.0.2.1", 2000, now);
		now += 500;
		given[i] = take("192.0.2.1", 2000, now);
		CU_ASSERT(given[i] >= 374 && given[i] <= 626);
		same += i > 0 && given[i] == given[i - 1];
	}
	CU_ASSERT(same < 4);
	teardown();
}

static void test_budget_clock_steps_back_gives_nothing(void)
{
	setup(10, 5000);
	CU_ASSERT_EQUAL(take("192.0.2.1", 100, 5000), 10);
	CU_ASSERT_EQUAL(take("192.0.2.1", 100, 4000), 0);
	CU_ASSERT_EQUAL(take("192.0.2.1", 100, 5000), 0);
	teardown();
}

static void test_budget_handshake_exempts_prefix_for_a_minute(void)
{
	struct tg_addr a = addr("192.0.2.1");

	setup(10, 5000);
	CU_ASSERT_EQUAL(take("192.0.2.1", 100, 5000), 10);
	tg_budget_prove(budget, &a, 5000);
	CU_ASSERT_EQUAL(take("192.0.2.99", 1000, 5000), 1000);
	CU_ASSERT_EQUAL(take("192.0.3.1", 1000, 5000), 10); /* not its neighbour */
	CU_ASSERT_EQUAL(take("192.0.2.99", 1000, 5000 + 59500), 1000);
	CU_ASSERT_EQUAL(take("192.0.2.99", 1000, 5000 + 60001), 10);
	teardown();
}

static void test_budget_many_proofs_forget_the_oldest_only(void)
{
	char text[32];
	uint32_t forgotten = 0;

	/* 10,000 prefixes in 57,344 places, seven of them together: nearly all are remembered. */
	setup(1, 5000);
	for (int i = 0; i < 10000; i++) {
		snprintf(text, sizeof(text), "10.%d.%d.1", i / 256, i % 256);
		struct tg_addr a = addr(text);

		tg_budget_prove(budget, &a, 5000 + i / 1000);
	}
	for (int i = 0; i < 10000; i++) {
		snprintf(text, sizeof(text), "10.%d.%d.1", i / 256, i % 256);
		forgotten += take(text, 3, 5100) != 3;
	}
	CU_ASSERT(forgotten < 30);
	snprintf(text, sizeof(text), "10.%d.%d.1", 9999 / 256, 9999 % 256);
	CU_ASSERT_EQUAL(take(text, 3, 5100), 3);
	teardown();
}

static void test_budget_largest_rate_does_not_overflow(void)
{
	setup(UINT32_MAX, 5000);
	CU_ASSERT_EQUAL(take("192.0.2.1", 100000, 5000), 100000);
	CU_ASSERT_EQUAL(take("192.0.2.1", 100000, 6999), 100000);
	teardown();
}

static const struct tg_test tests[] = {
    {"budget_burst_gives_rate_tokens", test_budget_burst_gives_rate_tokens},
    {"budget_rate_zero_isNoLimit", test_budget_rate_zero_isNoLimit},
    {"budget_v6_counts_by_48_bits", test_budget_v6_counts_by_48_bits},
    {"budget_flood_leaves_others_theirs", test_budget_flood_leaves_others_theirs},
    {"budget_floodOfManyPrefixes_leaves_others_theirs",
     test_budget_floodOfManyPrefixes_leaves_others_theirs},
    {"budget_crowd_nobody_gets_more", test_budget_crowd_nobody_gets_more},
    {"budget_wrap_of_the_clock_isNotSeen", test_budget_wrap_of_the_clock_isNotSeen},
    {"budget_second_refills_rate_tokens", test_budget_second_refills_rate_tokens},
    {"budget_refill_is_jittered", test_budget_refill_is_jittered},
    {"budget_clock_steps_back_gives_nothing", test_budget_clock_steps_back_gives_nothing},
    {"budget_handshake_exempts_prefix_for_a_minute",
     test_budget_handshake_exempts_prefix_for_a_minute},
    {"budget_many_proofs_forget_the_oldest_only", test_budget_many_proofs_forget_the_oldest_only},
    {"budget_largest_rate_does_not_overflow", test_budget_largest_rate_does_not_overflow},
};

int main(int argc, char **argv)
{
	return tg_test_main("budget", tests, TG_TEST_N(tests), argc, argv);
}
