/* SPDX-License-Identifier: BSD-3-Clause */
/* test_pool_table.c: the table of a pool: who stands in it, by whom, in which share. */
#include "pool_table.h"
#include "tg_test.h"

enum { N = 10 };

static struct tg_backend_conf backend[TG_BACKEND_MAX];

static void begin(void)
{
	for (uint8_t i = 0; i < N; i++) {
		backend[i] = (struct tg_backend_conf){.port = 8080, .weight = 10};
		tg_addr_parse("192.0.2.100", &backend[i].addr);
		backend[i].addr.b[15] = (uint8_t)(100 + i);
	}
}

static struct tg_pool_table table[2];

static void fill(struct tg_pool_table *t, uint64_t which, uint64_t key)
{
	const struct tg_sipkey k = {key, 3};

	tg_pool_table_fill(t, backend, which, &k);
}

static void test_table_anyOrder_isTheSame(void)
{
	struct tg_backend_conf first;

	begin();
	fill(&table[0], (1 << N) - 1, 1);
	first = backend[0];
	memmove(&backend[0], &backend[1], (N - 1) * sizeof(first));
	backend[N - 1] = first;
	fill(&table[1], (1 << N) - 1, 1);
	uint32_t same = 0;
	for (uint32_t i = 0; i < TG_POOL_SLOTS; i++)
		same += (table[1].slot[i] + 1) % N == table[0].slot[i];
	CU_ASSERT_EQUAL(same, TG_POOL_SLOTS);
	fill(&table[0], (1 << N) - 1, 2);
	same = 0;
	for (uint32_t i = 0; i < TG_POOL_SLOTS; i++)
		same += table[0].slot[i] == table[1].slot[i];
	CU_ASSERT(same < TG_POOL_SLOTS / 5); /* another key, another table */
}

static void test_table_weights_giveShares(void)
{
	uint32_t n[3] = {0};

	begin();
	backend[0].weight = 100;
	backend[1].weight = 25;
	backend[2].weight = 0;
	fill(&table[0], 7, 1);
	for (uint32_t i = 0; i < TG_POOL_SLOTS; i++) {
		CU_ASSERT_FATAL(table[0].slot[i] < 2);
		n[table[0].slot[i]]++;
	}
	CU_ASSERT(n[0] >= TG_POOL_SLOTS * 4 / 5 - 2 && n[0] <= TG_POOL_SLOTS * 4 / 5 + 2);
	fill(&table[0], 4, 1);
	CU_ASSERT_EQUAL(table[0].slot[12345], TG_NO_BACKEND);
}

static void test_table_oneGone_fewOthersMove(void)
{
	uint32_t moved = 0, its = 0;

	begin();
	fill(&table[0], (1 << N) - 1, 1);
	fill(&table[1], (1 << N) - 1 - 8, 1);
	for (uint32_t i = 0; i < TG_POOL_SLOTS; i++) {
		its += table[0].slot[i] == 3;
		moved += table[0].slot[i] != 3 && table[0].slot[i] != table[1].slot[i];
	}
	CU_ASSERT(its >= TG_POOL_SLOTS / N && its <= TG_POOL_SLOTS / N + 1);
	CU_ASSERT(moved < TG_POOL_SLOTS / 20);
}

static const struct tg_test tests[] = {
    {"table_anyOrder_isTheSame", test_table_anyOrder_isTheSame},
    {"table_weights_giveShares", test_table_weights_giveShares},
    {"table_oneGone_fewOthersMove", test_table_oneGone_fewOthersMove},
};

int main(int argc, char **argv)
{
	return tg_test_main("pool_table", tests, TG_TEST_N(tests), argc, argv);
}
