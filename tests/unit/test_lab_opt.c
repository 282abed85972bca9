/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_lab_setopt and tg_lab_getopt. */
#include "lab_pair.h"

#include <errno.h>

/* --- options --- */

static void test_opt_set_isReadBack(void)
{
	static const struct {
		enum tg_lab_opt opt;
		int64_t value, bad;
	} t[] = {
	    {TG_LAB_NODELAY, 1, 2},
	    {TG_LAB_KEEPALIVE, 1, -1},
	    {TG_LAB_KEEPALIVE_IDLE_MS, 5000, 0},
	    {TG_LAB_KEEPALIVE_INTERVAL_MS, 700, -5},
	    {TG_LAB_KEEPALIVE_COUNT, 3, 256},
	    {TG_LAB_USER_TIMEOUT_MS, 4000, -1},
	    {TG_LAB_LINGER_MS, 0, -2},
	    {TG_LAB_FIN_WAIT_2_MS, 100, 0},
	    {TG_LAB_RCVBUF, 4096, 1},
	    {TG_LAB_SNDBUF, 8192, 1 << 30},
	};
	struct pair p;
	int l, c, s;
	int64_t v;

	pair_init(&p, "", "");
	pair_open(&p, &l, &c, &s, NULL, NULL);
	for (size_t i = 0; i < TG_TEST_N(t); i++) {
		CU_ASSERT_EQUAL(tg_lab_setopt(p.a, c, t[i].opt, t[i].bad), -EINVAL);
		CU_ASSERT_EQUAL(tg_lab_setopt(p.a, c, t[i].opt, t[i].value), 0);
		CU_ASSERT_EQUAL(pair_get(p.a, c, t[i].opt), t[i].value);
		CU_ASSERT_EQUAL(tg_lab_setopt(p.b, l, t[i].opt, t[i].value), 0);
		CU_ASSERT_EQUAL(pair_get(p.b, l, t[i].opt), t[i].value);
		CU_ASSERT(pair_is_valid(&p));
	}
	CU_ASSERT_EQUAL(tg_lab_setopt(p.a, c, TG_LAB_ERROR, 1), -EINVAL);
	CU_ASSERT_EQUAL(tg_lab_setopt(p.a, c, TG_LAB_CWND_BYTES, 1), -EINVAL);
	CU_ASSERT_EQUAL(tg_lab_setopt(p.a, 77, TG_LAB_NODELAY, 1), -EBADF);
	CU_ASSERT_EQUAL(tg_lab_getopt(p.a, c, (enum tg_lab_opt)99, &v), -EINVAL);
	CU_ASSERT_EQUAL(tg_lab_getopt(p.a, c, (enum tg_lab_opt)0, &v), -EINVAL);
	/* a's options are its own: the other end has the defaults */
	CU_ASSERT_EQUAL(pair_get(p.b, s, TG_LAB_RCVBUF), 262144);
	pair_fini(&p);
}

static void test_opt_maxseg_isEffective(void) /* EST-11 */
{
	struct pair p;
	int l, c, s;
	char buf[3000] = {0};

	pair_init(&p, "", "");
	pair_open(&p, &l, &c, &s, NULL, NULL);
	CU_ASSERT_EQUAL(pair_get(p.a, c, TG_LAB_MAXSEG), 1448);
	tg_lab_write(p.a, c, buf, sizeof(buf));
	CU_ASSERT(pair_move(&p, 0));
	CU_ASSERT_EQUAL(p.last_len[0], 1500);
	pair_run(&p, 100);
	CU_ASSERT_EQUAL(tg_lab_setopt(p.a, c, TG_LAB_MAXSEG, 500), 0);
	int64_t mss = pair_get(p.a, c, TG_LAB_MAXSEG);

	CU_ASSERT(mss == 500 || mss == 488);
	tg_lab_write(p.a, c, buf, sizeof(buf));
	CU_ASSERT(pair_move(&p, 0));
	CU_ASSERT_EQUAL((int64_t)p.last_len[0], 52 + mss);
	pair_run(&p, 100);
	pair_fini(&p);
}

static void test_opt_keepalive_probesAndGivesUp(void) /* TO-07 */
{
	struct pair p;
	int l, c, s;
	char buf[4];

	pair_init(&p, "", "");
	pair_open(&p, &l, &c, &s, NULL, NULL);
	tg_lab_setopt(p.a, c, TG_LAB_KEEPALIVE_IDLE_MS, 10000);
	tg_lab_setopt(p.a, c, TG_LAB_KEEPALIVE_INTERVAL_MS, 1000);
	tg_lab_setopt(p.a, c, TG_LAB_KEEPALIVE_COUNT, 3);
	tg_lab_setopt(p.a, c, TG_LAB_KEEPALIVE, 1);
	pair_run(&p, 9000);
	CU_ASSERT_EQUAL(tg_lab_counter(p.a, "keepalive_probe"), 0);
	pair_run(&p, 2000);
	CU_ASSERT_EQUAL(tg_lab_counter(p.a, "keepalive_probe"), 1);
	CU_ASSERT_EQUAL(pair_get(p.a, c, TG_LAB_PROBES), 0);
	p.cut_a = true;
	pair_run(&p, 11000);
	CU_ASSERT(pair_get(p.a, c, TG_LAB_PROBES) > 0);
	pair_run(&p, 10000);
	CU_ASSERT_STRING_EQUAL(tg_lab_state(p.a, c), "CLOSED");
	CU_ASSERT_EQUAL(tg_lab_read(p.a, c, buf, 4), -ETIMEDOUT);
	pair_fini(&p);
}

static void test_opt_listener_isInherited(void)
{
	struct pair p;
	int l, c, s;

	pair_init(&p, "", "");
	l = tg_lab_listen(p.b, NULL, 80, 0, "rcvbuf=8192");
	CU_ASSERT_EQUAL(tg_lab_setopt(p.b, l, TG_LAB_SNDBUF, 4096), 0);
	c = tg_lab_connect(p.a, NULL, 0, PAIR_B, 80, NULL);
	pair_run(&p, 1);
	s = tg_lab_accept(p.b, l);
	CU_ASSERT_EQUAL(pair_get(p.b, s, TG_LAB_SNDBUF), 4096);
	CU_ASSERT_EQUAL(pair_get(p.b, s, TG_LAB_RCVBUF), 8192);
	CU_ASSERT_STRING_EQUAL(tg_lab_state(p.a, c), "ESTABLISHED");
	pair_fini(&p);
}

static void test_opt_live_numbersMakeSense(void)
{
	struct pair p;
	int l, c, s;

	pair_init(&p, "", "");
	pair_open(&p, &l, &c, &s, NULL, NULL);
	CU_ASSERT(pair_get(p.a, c, TG_LAB_CWND_BYTES) >= 2 * 1448);
	CU_ASSERT(pair_get(p.a, c, TG_LAB_RTO_US) >= 200000);
	CU_ASSERT_EQUAL(pair_get(p.a, c, TG_LAB_RETRANSMITS), 0);
	p.cut_a = true;
	tg_lab_write(p.a, c, "x", 1);
	int64_t rto = pair_get(p.a, c, TG_LAB_RTO_US);

	pair_run(&p, 1500);
	CU_ASSERT(pair_get(p.a, c, TG_LAB_RTO_US) > rto);
	CU_ASSERT(pair_get(p.a, c, TG_LAB_RETRANSMITS) > 0);
	pair_fini(&p);
}

static const struct tg_test tests[] = {
    {"opt_set_isReadBack", test_opt_set_isReadBack},
    {"opt_maxseg_isEffective", test_opt_maxseg_isEffective},
    {"opt_keepalive_probesAndGivesUp", test_opt_keepalive_probesAndGivesUp},
    {"opt_listener_isInherited", test_opt_listener_isInherited},
    {"opt_live_numbersMakeSense", test_opt_live_numbersMakeSense},
};

int main(int argc, char **argv)
{
	return tg_test_main("lab_opt", tests, TG_TEST_N(tests), argc, argv);
}
