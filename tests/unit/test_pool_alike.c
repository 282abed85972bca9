/* SPDX-License-Identifier: BSD-3-Clause */
/* test_pool_alike.c: engines that must choose alike: the workers of a process, and the nodes of a
 * fleet (SC-13), where a handshake may begin here and end there. Each has numbers of its own for
 * backends, by the order in which they came. */
#include "engine_host.h"
#include "pool.h"
#include "tg_pool.h"

enum { NODES = 2, RARE = 2, MANY = 60, CLIENTS = 5000 };

static struct host node[NODES];
static struct tg_pool_conf conf;

static void add(const char *addr, uint8_t last)
{
	struct tg_backend_conf *b = &conf.backend[conf.backend_n++];

	*b = (struct tg_backend_conf){.port = 8080, .weight = 10};
	tg_addr_parse(addr, &b->addr);
	b->addr.b[15] = last;
}

/* Few of IPv4 among many of IPv6: for clients of IPv4 the table says often nothing, and what is
 * behind it must decide. */
static void make_node(uint32_t n)
{
	struct host *h = &node[n];

	host_defaults(h);
	h->conf.seed += n;
	h->conf.pool_max = 1;
	host_init(h);
	conf = (struct tg_pool_conf){.name = "web",
				     .check_ms = 1000,
				     .check_timeout_ms = 1000,
				     .rise = 1,
				     .fall = 1,
				     .key = {5, 6}};
	add("192.0.2.0", 90); /* will go */
	for (uint8_t i = 0; i < MANY; i++)
		add("2001:db8::", n ? 100 + MANY - 1 - i : 100 + i);
	for (uint8_t i = 0; i < RARE; i++)
		add("192.0.2.0", n ? 100 + RARE - 1 - i : 100 + i);
	CU_ASSERT_EQUAL_FATAL(tg_engine_pool_add(h->e, &conf), 0);
	conf.backend[0] = conf.backend[--conf.backend_n];
	add("192.0.2.0", 170); /* gets the number of the one that went */
	CU_ASSERT_EQUAL_FATAL(tg_engine_pool_set(h->e, 0, &conf), 0);
}

static const struct tg_backend_conf *pick(uint32_t n, uint32_t client, bool v6)
{
	struct tg_tuple t = {.laddr = node[n].conf.port[0].addr[v6].addr, .lport = 80};

	tg_addr_parse(v6 ? "2001:db8:9::" : "198.51.100.0", &t.raddr);
	tg_be16_put(t.raddr.b + 14, (uint16_t)client);
	t.rport = (uint16_t)(1024 + client);
	uint8_t b = tg_pool_pick(node[n].e, 0, &t);

	CU_ASSERT_FATAL(b != TG_NO_BACKEND);
	return tg_pool_backend(node[n].e, 0, b);
}

/* SC-13. */
static void test_pick_otherNumbers_choosesTheSame(void)
{
	for (uint32_t n = 0; n < NODES; n++)
		make_node(n);
	for (int v6 = 0; v6 < 2; v6++) {
		uint32_t other = 0, last[256] = {0};
		for (uint32_t i = 0; i < CLIENTS; i++) {
			const struct tg_backend_conf *a = pick(0, i, v6), *b = pick(1, i, v6);
			other += !tg_addr_equal(&a->addr, &b->addr);
			last[a->addr.b[15]]++;
		}
		CU_ASSERT_EQUAL(other, 0);
		CU_ASSERT(last[100] > 0 && last[101] > 0);
		CU_ASSERT(v6 || (last[100] > CLIENTS / 6 && last[101] > CLIENTS / 6 &&
				 last[170] > CLIENTS / 6 && last[90] == 0));
	}
	for (uint32_t n = 0; n < NODES; n++)
		host_fini(&node[n]);
}

static const struct tg_test tests[] = {
    {"pick_otherNumbers_choosesTheSame", test_pick_otherNumbers_choosesTheSame},
};

int main(int argc, char **argv)
{
	return tg_test_main("pool_alike", tests, TG_TEST_N(tests), argc, argv);
}
