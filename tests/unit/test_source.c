/* SPDX-License-Identifier: BSD-3-Clause */
/* test_source.c: the table of sources against a plain array: exact whatever the hashes, bounded,
 * and empty in the end (ADV-55, ADV-57, RB-13). */
#include "source.h"
#include "tg_rng.h"
#include "tg_test.h"

enum { CONN_MAX = 200, HOST_N = 64, STEP_N = 60000 };

static struct tg_sources *s;
static struct tg_rng rng;
static struct tg_source_count want[HOST_N];

static void begin(void)
{
	size_t size = tg_sources_footprint(CONN_MAX);
	void *mem = aligned_alloc(64, (size + 63) & ~(size_t)63);
	struct tg_sipkey key;

	memset(mem, 0, size);
	tg_rng_init(&rng, tg_test_seed);
	key = tg_rng_key(&rng);
	s = tg_sources_init(mem, CONN_MAX, &key);
	memset(want, 0, sizeof(want));
}

/* Half are IPv4 addresses, half IPv6 /64 that are the same numbers. */
static struct tg_addr host(uint32_t i, uint8_t last)
{
	uint8_t v4[4] = {0, 0, 0, (uint8_t)(i / 2)}, v6[16] = {[7] = (uint8_t)(i / 2), [15] = last};

	return i % 2 ? tg_addr_from_v6(v6) : tg_addr_from_v4(v4);
}

static void check_all(void)
{
	uint32_t used = 0;

	for (uint32_t i = 0; i < HOST_N; i++) {
		struct tg_addr a = host(i, 7);
		struct tg_source_count n = tg_sources_count(s, &a);
		CU_ASSERT_EQUAL_FATAL(n.open, want[i].open);
		CU_ASSERT_EQUAL_FATAL(n.half, want[i].half);
		used += n.open + n.half > 0;
	}
	CU_ASSERT_EQUAL_FATAL(tg_sources_used(s), used);
}

static void step(uint32_t *conn_n)
{
	uint32_t i = (uint32_t)tg_rng_below(&rng, HOST_N);
	struct tg_addr a = host(i, (uint8_t)tg_rng_below(&rng, 256)); /* all of a /64 are one */
	bool half = tg_rng_below(&rng, 2);
	uint32_t *n = half ? &want[i].half : &want[i].open;

	if (want[i].half && tg_rng_below(&rng, 4) == 0) {
		tg_sources_opened(s, &a);
		want[i].half--, want[i].open++;
	} else if (*conn_n < CONN_MAX && tg_rng_below(&rng, 2)) {
		tg_sources_add(s, &a, half);
		++*n, ++*conn_n;
	} else if (*n) {
		tg_sources_remove(s, &a, half);
		--*n, --*conn_n;
	}
}

static void test_table_randomSteps_isExact(void)
{
	uint32_t conn_n = 0;

	begin();
	for (uint32_t i = 0; i < STEP_N; i++) {
		step(&conn_n);
		if (i % 64 == 0)
			check_all();
	}
	for (uint32_t i = 0; i < HOST_N; i++) {
		struct tg_addr a = host(i, 1);
		while (want[i].open)
			tg_sources_remove(s, &a, false), want[i].open--;
		while (want[i].half)
			tg_sources_remove(s, &a, true), want[i].half--;
	}
	check_all();
	CU_ASSERT_EQUAL(tg_sources_used(s), 0);
	free(s);
}

/* As many sources as connections, again and again: nodes are used again. */
static void test_table_manySources_allFit(void)
{
	begin();
	for (uint32_t round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < CONN_MAX; i++) {
			uint8_t v4[4] = {10, (uint8_t)round, 0, (uint8_t)i};
			struct tg_addr a = tg_addr_from_v4(v4);
			tg_sources_add(s, &a, false);
			CU_ASSERT_EQUAL(tg_sources_count(s, &a).open, 1);
		}
		CU_ASSERT_EQUAL(tg_sources_sum(s).open, CONN_MAX);
		CU_ASSERT_EQUAL(tg_sources_used(s), CONN_MAX);
		for (uint32_t i = 0; i < CONN_MAX; i++) {
			uint8_t v4[4] = {10, (uint8_t)round, 0, (uint8_t)i};
			struct tg_addr a = tg_addr_from_v4(v4);
			tg_sources_remove(s, &a, false);
		}
		CU_ASSERT_EQUAL(tg_sources_used(s), 0);
	}
	free(s);
}

static const struct tg_test tests[] = {
    {"table_randomSteps_isExact", test_table_randomSteps_isExact},
    {"table_manySources_allFit", test_table_manySources_allFit},
};

int main(int argc, char **argv)
{
	return tg_test_main("source", tests, TG_TEST_N(tests), argc, argv);
}
