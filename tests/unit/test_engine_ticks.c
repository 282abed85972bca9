/* SPDX-License-Identifier: BSD-3-Clause */
/* test_engine_ticks.c: what is due between whole milliseconds, call by call as a worker makes them.
 */
#include "engine_host.h"

static struct host h;
static struct host_peer p, q;

/* A round of a worker, ms later: a burst, then what is due. */
static void one_round(uint32_t ms)
{
	h.now_ns += ms * TG_NS_PER_MS;
	host_rx(&h, NULL, NULL, 0);
	host_tick_once(&h, 0);
}

static void to_time_wait(struct host_peer *peer, uint16_t rport)
{
	host_peer(peer, &h, 80, rport, false);
	CU_ASSERT(host_handshake(peer));
	tg_conn_close(h.e, h.svc.last);
	host_tick_once(&h, 0);
	host_expect_ctl(peer, TG_TCP_FIN | TG_TCP_ACK);
	host_send(peer, TG_TCP_FIN | TG_TCP_ACK, NULL, 0);
	host_expect_ctl(peer, TG_TCP_ACK);
	CU_ASSERT_EQUAL(host_state(peer), TG_TIME_WAIT);
}

/* TD-14: a worker's clock hardly ever stands at a whole millisecond, and what is due may be more
 * than one call may end. */
static void test_timeWait_moreThanACallEnds_allEnd(void)
{
	host_defaults(&h);
	h.conf.timer_budget = 1;
	host_init(&h);
	CU_ASSERT_FATAL(host_listen(&h, 80) >= 0);
	h.now_ns += TG_NS_PER_MS / 2;
	to_time_wait(&q, 5000);
	to_time_wait(&p, 5001);
	one_round(59999);
	CU_ASSERT_EQUAL(host_state(&p), TG_TIME_WAIT);
	one_round(2);
	CU_ASSERT_EQUAL(host_state(&q), TG_CLOSED);
	one_round(1);
	CU_ASSERT_EQUAL(host_state(&p), TG_CLOSED);
	host_end(&h);
}

static const struct tg_test tests[] = {
    {"timeWait_moreThanACallEnds_allEnd", test_timeWait_moreThanACallEnds_allEnd},
};

int main(int argc, char **argv)
{
	return tg_test_main("engine_ticks", tests, TG_TEST_N(tests), argc, argv);
}
