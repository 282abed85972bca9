/* SPDX-License-Identifier: BSD-3-Clause */
/* What all clients of a family are promised alike, and when it may be something else (SP-04): who
 * answers a burst of SYNs by one form must know both. */
#include "pool_farm.h"

enum { BACKENDS = 6, ASKED = 512, ROUNDS = 3000 };

/* What a client hears, or that there is nobody for him. */
struct answer {
	bool none;
	struct tg_profile p;
};

static struct answer said[2][ASKED];
static uint64_t gen;

static struct answer ask(uint32_t i, bool v6)
{
	struct tg_tuple t = client;
	struct answer a;

	memset(&a, 0, sizeof(a));
	if (v6)
		tg_addr_parse("2001:db8:9::1", &t.raddr);
	t.raddr.b[15] = (uint8_t)i;
	t.rport = (uint16_t)(1024 + 7 * i);
	struct tg_profile p = tg_pool_promise(h.e, pool, &t);

	a.none = tg_pool_pick(h.e, pool, &t) == TG_NO_BACKEND;
	a.p.known = p.known;
	a.p.sack = p.sack;
	a.p.ts = p.ts;
	a.p.wscale = p.wscale;
	a.p.mss = p.mss;
	return a;
}

static bool is_same(const struct answer *a, const struct answer *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* One for all is what each hears, and none for all that two hear two things, or one nothing; as
 * long as the generation stays, all stays. Returns how many had one for all. */
static uint32_t check(void)
{
	bool stays = gen == tg_pool_gen(h.e, pool);
	uint32_t alike = 0;

	for (int v6 = 0; v6 < 2; v6++) {
		struct answer one;
		bool same = true;

		memset(&one, 0, sizeof(one));
		for (uint32_t i = 0; i < ASKED; i++) {
			struct answer a = ask(i, v6);
			CU_ASSERT(!stays || is_same(&a, &said[v6][i]));
			said[v6][i] = a;
			same &= is_same(&a, &said[v6][0]);
		}
		bool all = tg_pool_promise_all(h.e, pool, !v6, &one.p);
		CU_ASSERT_EQUAL(all, same && !said[v6][0].none);
		if (!all)
			continue;
		CU_ASSERT_EQUAL(one.p.known, said[v6][0].p.known);
		CU_ASSERT_EQUAL(one.p.sack, said[v6][0].p.sack);
		CU_ASSERT_EQUAL(one.p.ts, said[v6][0].p.ts);
		CU_ASSERT_EQUAL(one.p.wscale, said[v6][0].p.wscale);
		CU_ASSERT_EQUAL(one.p.mss, said[v6][0].p.mss);
		alike++;
	}
	gen = tg_pool_gen(h.e, pool);
	return alike;
}

static void change(struct tg_rng *r)
{
	uint8_t last = (uint8_t)(100 + tg_rng_below(r, BACKENDS));
	struct tg_backend_conf *b = &conf.backend[tg_rng_below(r, BACKENDS)];

	switch (tg_rng_below(r, 6)) {
	case 0:
		mood[last] = (enum mood)tg_rng_below(r, 3);
		break;
	case 1:
		offer[last].has_ts = !offer[last].has_ts;
		break;
	case 2:
		offer[last].mss = offer[last].mss == 1460 ? 1300 : 1460;
		break;
	case 3:
		offer[last].wscale = (uint8_t)(5 + tg_rng_below(r, 4));
		break;
	case 4:
		b->weight = b->weight ? 0 : 10;
		CU_ASSERT_EQUAL(tg_engine_pool_set(h.e, pool, &conf), 0);
		break;
	default: /* all alike again */
		for (int i = 100; i < 100 + BACKENDS; i++) {
			offer[i] = offer[100];
			mood[i] = ANSWERS;
		}
	}
}

static void test_terms_randomChanges_oneForAllIsWhatEachHears(void)
{
	uint32_t alike = 0, gens = 0;
	struct tg_rng r;

	tg_rng_init(&r, tg_test_seed);
	begin(BACKENDS / 2);
	for (uint8_t i = BACKENDS / 2; i < BACKENDS; i++)
		add_backend((uint8_t)(100 + i), true, 10);
	pool = tg_engine_pool_add(h.e, &conf);
	CU_ASSERT_EQUAL_FATAL(pool, 0);
	gen = tg_pool_gen(h.e, pool) - 1;
	for (uint32_t n = 0; n < ROUNDS; n++) {
		uint64_t was = gen;
		if (n % 16 == 0)
			change(&r);
		run(STEP);
		alike += check();
		gens += gen != was;
	}
	CU_ASSERT(alike > ROUNDS / 8 && alike < 2 * ROUNDS - ROUNDS / 8);
	CU_ASSERT(gens > 10 && gens < ROUNDS / 2); /* not at each probe */
	end();
}

/* In peace probes come and go, and nothing is new. */
static void test_terms_probesInPeace_stay(void)
{
	start(3);
	run(2 * CHECK);
	gen = tg_pool_gen(h.e, pool) - 1;
	check();
	uint64_t was = gen;

	for (int i = 0; i < 100; i++) {
		run(CHECK);
		CU_ASSERT_EQUAL(check(), 1);
	}
	CU_ASSERT_EQUAL(gen, was);
	end();
}

int main(int argc, char **argv)
{
	static const struct tg_test tests[] = {
	    {"terms_randomChanges_oneForAllIsWhatEachHears",
	     test_terms_randomChanges_oneForAllIsWhatEachHears},
	    {"terms_probesInPeace_stay", test_terms_probesInPeace_stay},
	};

	return tg_test_main("pool_terms", tests, TG_TEST_N(tests), argc, argv);
}
