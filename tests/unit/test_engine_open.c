/* SPDX-License-Identifier: BSD-3-Clause */
/* test_engine_open.c: active opens, and the end of everything. */
#include "engine_host.h"

static struct host h;
static struct host_peer p;

static void expect_nothing(void)
{
	CU_ASSERT_EQUAL(h.tx_n, 0);
}

static void to_time_wait(void)
{
	CU_ASSERT(host_handshake(&p));
	tg_conn_close(h.e, h.svc.last);
	host_tick(&h, 0);
	host_expect_ctl(&p, TG_TCP_FIN | TG_TCP_ACK);
	host_send(&p, TG_TCP_FIN | TG_TCP_ACK, NULL, 0);
	host_expect_ctl(&p, TG_TCP_ACK);
	CU_ASSERT_EQUAL(host_state(&p), TG_TIME_WAIT);
}

/* --- active opens --- */

static void test_synSent_synAck_opens(void)
{
	uint32_t conn;

	host_begin(&h, &p);
	CU_ASSERT_EQUAL_FATAL(tg_engine_connect(h.e, &p.t, &h.tcp, &host_service, &h.svc, 1, &conn),
			      0);
	CU_ASSERT_EQUAL(tg_engine_connect(h.e, &p.t, &h.tcp, &host_service, &h.svc, 1, &conn),
			-EADDRINUSE);
	host_tick(&h, 0);
	host_expect_ctl(&p, TG_TCP_SYN);
	host_send(&p, TG_TCP_SYN | TG_TCP_ACK, NULL, 0);
	host_expect_ctl(&p, TG_TCP_ACK);
	CU_ASSERT_EQUAL(host_state(&p), TG_ESTABLISHED);
	CU_ASSERT_EQUAL(h.svc.opened, 1);
	CU_ASSERT_EQUAL(h.svc.closed, 0);
	host_send(&p, TG_TCP_RST, NULL, 0);
	CU_ASSERT_EQUAL(h.svc.closed, 1);
	host_end(&h);
}

static void test_synSent_rst_isRefused(void)
{
	uint32_t conn;

	host_begin(&h, &p);
	CU_ASSERT_EQUAL_FATAL(tg_engine_connect(h.e, &p.t, &h.tcp, &host_service, &h.svc, 1, &conn),
			      0);
	host_tick(&h, 0);
	host_expect_ctl(&p, TG_TCP_SYN);
	host_send(&p, TG_TCP_RST | TG_TCP_ACK, NULL, 0);
	CU_ASSERT_EQUAL(h.svc.opened, 0);
	CU_ASSERT_EQUAL(h.svc.closed, 1);
	CU_ASSERT_EQUAL(h.svc.reason, TG_CLOSE_REFUSED);
	host_end(&h);
}

static uint32_t soft_n;
static int soft_error;
static bool soft_aborts;

static void on_soft_error(void *ctx, struct tg_engine *e, uint32_t conn, int error)
{
	(void)ctx;
	soft_n++;
	soft_error = error;
	if (soft_aborts)
		tg_conn_abort(e, conn);
}

/* UC-10, RB-18: nobody has the address of the next hop. The service hears a soft error once, and
 * the end, with its reason, when the SYNs are used up; or it ends the connection when it hears. */
static void test_synSent_deadNeighbour_isToldOnceThenUnreachable(void)
{
	static struct tg_service service;
	uint32_t conn;

	service = host_service;
	service.soft_error = on_soft_error;
	for (int aborts = 0; aborts < 2; aborts++) {
		soft_n = 0;
		soft_aborts = aborts;
		host_defaults(&h);
		h.conf.port[0].has_static_neigh = false;
		host_init(&h);
		host_peer(&p, &h, 6000, 80, false);
		CU_ASSERT_EQUAL_FATAL(
		    tg_engine_connect(h.e, &p.t, &h.tcp, &service, &h.svc, 1, &conn), 0);
		for (int s = 0; s < 242; s++)
			host_tick(&h, 1000);
		CU_ASSERT_EQUAL(soft_n, 1);
		CU_ASSERT_EQUAL(soft_error, EHOSTUNREACH);
		CU_ASSERT_EQUAL(h.svc.opened, 0);
		CU_ASSERT_EQUAL(h.svc.closed, (uint32_t)aborts);
		if (!aborts) {
			CU_ASSERT_EQUAL(host_state(&p), TG_SYN_SENT);
			host_tick(&h, 5000);
			CU_ASSERT_EQUAL(h.svc.closed, 1);
			CU_ASSERT_EQUAL(h.svc.reason, TG_CLOSE_UNREACHABLE);
			CU_ASSERT_EQUAL(soft_n, 1);
		}
		struct host_frame f;
		while (host_next(&h, &f)) { /* questions for the address, no SYN */
			CU_ASSERT_EQUAL(tg_be16_get(f.data + 12), TG_ETHERTYPE_ARP);
		}
		CU_ASSERT_EQUAL(host_state(&p), TG_CLOSED);
		host_fini(&h);
	}
}

static void test_connect_badArguments_areTold(void)
{
	struct tg_tuple t;
	uint32_t conn;

	host_begin(&h, &p);
	t = p.t;
	tg_addr_parse("192.0.2.255", &t.raddr);
	CU_ASSERT_EQUAL(tg_engine_connect(h.e, &t, &h.tcp, &host_service, &h.svc, 1, &conn),
			-EINVAL);
	t = p.t;
	t.rport = 0;
	CU_ASSERT_EQUAL(tg_engine_connect(h.e, &t, &h.tcp, &host_service, &h.svc, 1, &conn),
			-EINVAL);
	t = p.t;
	tg_addr_parse("192.0.2.9", &t.laddr);
	CU_ASSERT_EQUAL(tg_engine_connect(h.e, &t, &h.tcp, &host_service, &h.svc, 1, &conn),
			-EADDRNOTAVAIL);
	t = p.t;
	memset(&t.laddr, 0, sizeof(t.laddr));
	t.lport = 0;
	for (uint32_t i = 0; i < h.conf.ext_max; i++)
		CU_ASSERT_EQUAL(tg_engine_connect(h.e, &t, &h.tcp, &host_service, &h.svc, 1, &conn),
				0);
	CU_ASSERT_EQUAL(tg_engine_connect(h.e, &t, &h.tcp, &host_service, &h.svc, 1, &conn),
			-ENOBUFS);
	host_check(&h);
	tg_engine_abort_all(h.e);
	host_tick(&h, 0);
	CU_ASSERT_EQUAL(h.svc.closed, h.conf.ext_max);
	h.tx_n = 0;
	host_end(&h);
}

/* A listener on the exact address comes before one on all. */
static void test_listen_exactAndWildcard_exactWins(void)
{
	struct tg_listener_conf l;

	host_begin(&h, &p); /* that one is on all */
	tg_engine_unlisten(h.e, 0);
	host_listener(&h, &l, 80);
	l.addr[0] = h.conf.port[0].addr[0].addr;
	l.addr_n = 1;
	l.word = 1;
	CU_ASSERT(tg_engine_listen(h.e, &l) >= 0);
	l.addr_n = 0;
	l.word = 2;
	CU_ASSERT(tg_engine_listen(h.e, &l) >= 0);
	CU_ASSERT(host_handshake(&p));
	CU_ASSERT_EQUAL(tg_conn_word(h.e, h.svc.last), 1);
	host_send(&p, TG_TCP_RST, NULL, 0);
	host_peer(&p, &h, 80, 5000, true);
	CU_ASSERT(host_handshake(&p));
	CU_ASSERT_EQUAL(tg_conn_word(h.e, h.svc.last), 2);
	host_send(&p, TG_TCP_RST, NULL, 0);
	host_end(&h);
}

/* Much is said, so that the clock of the ISN does not do by itself what the floor must (EST-02). */
static void say_much(void)
{
	static const uint8_t text[60000];

	for (uint32_t i = 0; i < 8; i++) {
		CU_ASSERT_EQUAL(tg_conn_write(h.e, h.svc.last, text, sizeof(text)), sizeof(text));
		for (uint32_t got = 0; got < sizeof(text);) {
			struct host_frame f;
			struct tg_seg seg;
			host_tick(&h, 0);
			CU_ASSERT_FATAL(h.tx_n > 0);
			while (host_expect(&p, &seg, &f))
				got += seg.len;
			p.opts.tsecr = seg.opts.tsval;
			host_send(&p, TG_TCP_ACK, NULL, 0);
		}
	}
}

static int connect_again(uint32_t *conn)
{
	return tg_engine_connect(h.e, &p.t, &h.tcp, &host_service, &h.svc, 1, conn);
}

static void test_timeWait_noTimestamps_isNotOurs(void)
{
	uint32_t conn;

	host_begin(&h, &p);
	to_time_wait();
	host_tick(&h, 2000);
	CU_ASSERT_EQUAL(connect_again(&conn), -EADDRINUSE);
	host_tick(&h, 60000);
	host_end(&h);
}

/* TD-27: after a second, above the old numbers; the record sleeps until the new connection is open,
 * and wakes when it comes to nothing. */
static void test_timeWait_timestamps_weReopen(void)
{
	uint32_t conn;

	host_begin(&h, &p);
	p.opts.has_ts = 1;
	p.opts.tsval = 1000;
	CU_ASSERT(host_handshake(&p));
	say_much();
	tg_conn_close(h.e, h.svc.last);
	host_tick(&h, 0);
	p.opts.tsecr = host_expect_ctl(&p, TG_TCP_FIN | TG_TCP_ACK).opts.tsval;
	host_send(&p, TG_TCP_FIN | TG_TCP_ACK, NULL, 0);
	host_expect_ctl(&p, TG_TCP_ACK);
	tg_seq old = p.rcv_nxt;
	host_tick(&h, 900);
	CU_ASSERT_EQUAL(connect_again(&conn), -EADDRINUSE);
	host_tick(&h, 200);
	CU_ASSERT_EQUAL_FATAL(connect_again(&conn), 0);
	host_tick(&h, 0);
	CU_ASSERT(tg_seq_diff(host_expect_ctl(&p, TG_TCP_SYN).seq, old) >= 65537 - 1);
	tg_conn_abort(h.e, conn);
	host_tick(&h, 0);
	CU_ASSERT_EQUAL(host_state(&p), TG_TIME_WAIT);
	CU_ASSERT_EQUAL_FATAL(connect_again(&conn), 0);
	host_tick(&h, 0);
	p.opts.tsecr = host_expect_ctl(&p, TG_TCP_SYN).opts.tsval;
	p.snd_nxt = tg_seq_make(5);
	host_send(&p, TG_TCP_SYN | TG_TCP_ACK, NULL, 0);
	host_expect_ctl(&p, TG_TCP_ACK);
	CU_ASSERT_EQUAL(host_state(&p), TG_ESTABLISHED);
	host_send(&p, TG_TCP_RST, NULL, 0);
	CU_ASSERT_EQUAL(host_state(&p), TG_CLOSED);
	host_end(&h);
}

/* --- the end of everything (TD-32) --- */

static void test_drain_idle_getFinOthersRst(void)
{
	struct host_peer q;
	struct tg_seg seg;
	struct host_frame f;

	host_begin(&h, &p);
	CU_ASSERT(host_handshake(&p));
	host_peer(&q, &h, 80, 6000, false);
	CU_ASSERT(host_handshake(&q));
	tg_engine_drain(h.e);
	host_tick(&h, 0);
	CU_ASSERT_EQUAL(h.svc.closed, 2);
	CU_ASSERT(host_expect(&p, &seg, &f) && (seg.ctl & TG_TCP_FIN));
	CU_ASSERT(host_expect(&q, &seg, &f) && (seg.ctl & TG_TCP_FIN));
	struct host_peer r;
	host_peer(&r, &h, 80, 7000, false);
	host_send(&r, TG_TCP_SYN, NULL, 0);
	CU_ASSERT(host_expect(&r, &seg, &f) && (seg.ctl & TG_TCP_RST));
	tg_engine_abort_all(h.e);
	host_tick(&h, 0);
	CU_ASSERT(host_expect(&p, &seg, &f) && (seg.ctl & TG_TCP_RST));
	CU_ASSERT(host_expect(&q, &seg, &f) && (seg.ctl & TG_TCP_RST));
	CU_ASSERT_EQUAL(h.svc.closed, 2);
	host_end(&h);
}

static void write_much(struct host_svc *s, struct tg_engine *e, uint32_t conn)
{
	static const uint8_t text[9000];

	tg_conn_write(e, conn, text, sizeof(text));
}

/* What has been sent to peers q[n], at ports 6000 and above: who was told of the end? */
static void hear(struct host_peer q[], uint32_t n, bool told[])
{
	struct host_frame f;
	struct tg_seg seg;

	while (h.tx_n) {
		const uint8_t *l3 = h.tx[h.tx_head].data + 14;
		uint32_t l4 = l3[0] >> 4 == 4 ? 20 : 40;
		uint32_t i = (uint32_t)(tg_be16_get(l3 + l4 + 2) - 6000);
		CU_ASSERT_FATAL(i < n && host_expect(&q[i], &seg, &f));
		told[i] |= (seg.ctl & (TG_TCP_FIN | TG_TCP_RST)) != 0;
	}
}

/* TD-32: in whatever state the stop finds a connection, and however little goes out at once, each
 * peer hears of the end by a FIN or a RST. */
static void test_drain_underLoad_everyoneHearsOfTheEnd(void)
{
	enum { N = 14 };
	struct host_peer q[N];
	bool told[N] = {false};

	host_begin(&h, &p);
	h.svc.on_opened = write_much;
	for (uint32_t i = 0; i < N; i++) {
		h.svc.on_opened = i % 4 ? write_much : NULL; /* idle, or with text in flight */
		host_peer(&q[i], &h, 80, (uint16_t)(6000 + i), i & 1);
		q[i].wnd = i % 4 == 2 ? 0 : 5000; /* or held back */
		CU_ASSERT_FATAL(host_handshake(&q[i]));
		if (i % 5 == 3) /* CLOSE-WAIT */
			host_send(&q[i], TG_TCP_FIN | TG_TCP_ACK, NULL, 0);
		if (i % 5 == 4) /* FIN-WAIT-1, its FIN behind the text */
			tg_conn_close(h.e, h.svc.last);
		host_tick(&h, 0);
		hear(q, i + 1, told);
	}
	tg_engine_drain(h.e);
	host_tick(&h, 500);
	h.out_max = 3;
	tg_engine_abort_all(h.e);
	host_tick(&h, 100);
	hear(q, N, told);
	for (uint32_t i = 0; i < N; i++)
		CU_ASSERT(told[i]);
	host_end(&h);
}

/* DESIGN 4: toward a prefix that has proved nothing at most one packet out for one in. */
static void test_abortAll_halfOpen_isForgottenUnsaid(void)
{
	host_begin(&h, &p);
	host_send(&p, TG_TCP_SYN, NULL, 0);
	host_expect_ctl(&p, TG_TCP_SYN | TG_TCP_ACK);
	tg_engine_abort_all(h.e);
	host_tick(&h, 0);
	expect_nothing();
	host_end(&h);
}

static const struct tg_test tests[] = {
    {"synSent_synAck_opens", test_synSent_synAck_opens},
    {"synSent_rst_isRefused", test_synSent_rst_isRefused},
    {"synSent_deadNeighbour_isToldOnceThenUnreachable",
     test_synSent_deadNeighbour_isToldOnceThenUnreachable},
    {"connect_badArguments_areTold", test_connect_badArguments_areTold},
    {"listen_exactAndWildcard_exactWins", test_listen_exactAndWildcard_exactWins},
    {"timeWait_noTimestamps_isNotOurs", test_timeWait_noTimestamps_isNotOurs},
    {"timeWait_timestamps_weReopen", test_timeWait_timestamps_weReopen},
    {"drain_idle_getFinOthersRst", test_drain_idle_getFinOthersRst},
    {"drain_underLoad_everyoneHearsOfTheEnd", test_drain_underLoad_everyoneHearsOfTheEnd},
    {"abortAll_halfOpen_isForgottenUnsaid", test_abortAll_halfOpen_isForgottenUnsaid},
};

int main(int argc, char **argv)
{
	return tg_test_main("engine_open", tests, TG_TEST_N(tests), argc, argv);
}
