/* SPDX-License-Identifier: BSD-3-Clause */
/* test_load.c: the connections of `tidegate load` on an engine whose peer says what it is told to:
 * each way to end well, and each way to fail, counted once by its cause. And what the engine has
 * for it: networks of its own, a choice of ports, the way. */
#include "engine_host.h"
#include "load_bytes.h"
#include "load_conn.h"

#include <errno.h>

static struct host h;
static struct host_peer p;
static struct tg_conf conf;
static struct tg_load_plan plan;
static struct tg_load_side side;
static uint64_t memory[HOST_CONN_MAX * 1024];

enum { PORT = 5000 };

/* The load of these lines of [load], from 192.0.2.1:5000 to 192.0.2.2:80, ten connections a
 * second. */
static void begin(const char *lines)
{
	static const char head[] = "[port x]\ndevice = net_null0\n"
				   "address = 192.0.2.1/24\n[load]\ntarget = 192.0.2.2:80\n"
				   "timeout_ms = 1000\n";
	char text[1024], err[TG_CONF_ERR];

	snprintf(text, sizeof(text), "%s%s\n", head, lines);
	CU_ASSERT_EQUAL_FATAL(tg_conf_parse(&conf, "t.ini", text, strlen(text), err, sizeof(err)),
			      0);
	CU_ASSERT_EQUAL_FATAL(tg_load_plan_init(&plan, &conf, err, sizeof(err)), 0);
	plan.set.ports[0] = PORT; /* which is no plan, but a port that the peer knows */
	plan.set.ports[1] = PORT + (plan.set.hold ? 1 : 0);
	tg_load_bytes_init();
	host_defaults(&h);
	host_init(&h);
	host_peer(&p, &h, PORT, 80, false);
	memset(memory, 0, sizeof(memory));
	memset(&side, 0, sizeof(side));
	plan.tcp = h.tcp;
	side.plan = &plan;
	side.engine = h.e;
	side.slot = (struct tg_load_slot *)(void *)memory;
	side.slot_n = h.conf.conn_max;
	CU_ASSERT_FATAL(tg_load_slot_bytes(side.slot_n) <= sizeof(memory));
	tg_load_side_init(&side, 0, 1, 1, h.now_ns);
}

static void end(void)
{
	uint64_t failed = 0;

	host_drain(&h);
	for (int i = 0; i < TG_LOAD_CAUSE_N; i++)
		failed += side.now.failed[i];
	CU_ASSERT_EQUAL(tg_load_active(&side), 0);
	CU_ASSERT_EQUAL(side.now.held, 0);
	CU_ASSERT_EQUAL(side.now.begun, side.now.done + failed);
	host_tick(&h, 2 * h.conf.msl_ms + 10);
	host_end_all(&h);
	tg_conf_free(&conf);
}

static void later(uint64_t ms)
{
	host_tick(&h, ms);
	tg_load_turn(&side, h.now_ns);
	host_tick(&h, 0);
}

/* 150 ms later there is one connection, at rate 10. */
static void open_one(void)
{
	later(150);
	CU_ASSERT_EQUAL_FATAL(side.now.begun, 1);
	host_expect_ctl(&p, TG_TCP_SYN);
	CU_ASSERT_EQUAL(side.now.opening, 1);
}

static void answer(void)
{
	host_send(&p, TG_TCP_SYN | TG_TCP_ACK, NULL, 0);
	host_expect_ctl(&p, TG_TCP_ACK);
	CU_ASSERT_EQUAL(side.now.opened, 1);
	CU_ASSERT_EQUAL(side.now.open, 1);
}

/* Nothing more is begun. */
static void stop(void)
{
	tg_load_end(&side, h.now_ns, 0, false);
}

static void failed_once(enum tg_load_cause cause)
{
	CU_ASSERT_EQUAL(side.now.failed[cause], 1);
	CU_ASSERT_EQUAL(side.now.done, 0);
	CU_ASSERT_EQUAL(tg_load_active(&side), 0);
	end();
}

/* --- good ends --- */

static void test_client_closes_isGood(void)
{
	begin("rate = 10");
	open_one();
	host_send(&p, TG_TCP_SYN | TG_TCP_ACK, NULL, 0);
	host_expect_ctl(&p, TG_TCP_ACK | TG_TCP_FIN);
	CU_ASSERT_EQUAL(side.now.closing, 1);
	host_send(&p, TG_TCP_ACK | TG_TCP_FIN, NULL, 0);
	host_expect_ctl(&p, TG_TCP_ACK);
	CU_ASSERT_EQUAL(side.now.done, 1);
	CU_ASSERT_EQUAL(host_state(&p), TG_TIME_WAIT);
	CU_ASSERT_EQUAL(side.timing[TG_LOAD_HANDSHAKE].count, 1);
	CU_ASSERT_EQUAL(side.timing[TG_LOAD_CLOSE].count, 1);
	end();
}

static void test_server_closes_isWaitedFor(void)
{
	begin("rate = 10\nclose = server");
	open_one();
	answer();
	stop();
	later(900);
	CU_ASSERT_EQUAL(side.now.open, 1);
	host_send(&p, TG_TCP_ACK | TG_TCP_FIN, NULL, 0);
	host_expect_ctl(&p, TG_TCP_ACK | TG_TCP_FIN);
	host_send(&p, TG_TCP_ACK, NULL, 0);
	CU_ASSERT_EQUAL(side.now.done, 1);
	CU_ASSERT_EQUAL(host_state(&p), TG_CLOSED);
	end();
}

static void test_rst_isGoodAndLeavesNothing(void)
{
	begin("rate = 10\nclose = rst");
	open_one();
	host_send(&p, TG_TCP_SYN | TG_TCP_ACK, NULL, 0);
	host_expect_ctl(&p, TG_TCP_RST | TG_TCP_ACK);
	CU_ASSERT_EQUAL(side.now.done, 1);
	CU_ASSERT_EQUAL(host_state(&p), TG_CLOSED);
	end();
}

/* The pattern of connection 0, twice, with the bytes of each in two pieces. */
static void echo_rounds(uint32_t rounds)
{
	static uint8_t text[100];
	uint32_t len;
	struct tg_seg seg;

	memcpy(text, tg_load_bytes_mine(0, 0, &len), sizeof(text));
	for (uint32_t i = 0; i < rounds; i++) {
		struct host_frame f;
		CU_ASSERT_FATAL(host_expect(&p, &seg, &f));
		CU_ASSERT_EQUAL(seg.len, sizeof(text));
		CU_ASSERT(seg.len == sizeof(text) && memcmp(seg.text, text, sizeof(text)) == 0);
		host_send(&p, TG_TCP_ACK, text, 60);
		host_drain(&h);
		host_send(&p, TG_TCP_ACK, text + 60, 40);
	}
}

static void test_echo_rightBytes_isGood(void)
{
	begin("rate = 10\ndo = echo\nbytes = 100\nrequests = 2");
	open_one();
	host_send(&p, TG_TCP_SYN | TG_TCP_ACK, NULL, 0);
	echo_rounds(2);
	CU_ASSERT_EQUAL(side.now.requests, 2);
	host_expect_ctl(&p, TG_TCP_ACK | TG_TCP_FIN);
	host_send(&p, TG_TCP_ACK | TG_TCP_FIN, NULL, 0);
	CU_ASSERT_EQUAL(side.now.done, 1);
	CU_ASSERT_EQUAL(side.now.rx_bytes, 200);
	CU_ASSERT_EQUAL(side.timing[TG_LOAD_TRANSFER].count, 2);
	CU_ASSERT_EQUAL(side.timing[TG_LOAD_FIRST_BYTE].count, 2);
	end();
}

/* The FIN goes out behind the request; the answer comes after it. */
static void test_half_answerBehindOurFin_isGood(void)
{
	struct tg_seg seg;
	struct host_frame f;
	static uint8_t text[100];
	uint32_t len;

	begin("rate = 10\ndo = echo\nbytes = 100\nclose = half");
	open_one();
	host_send(&p, TG_TCP_SYN | TG_TCP_ACK, NULL, 0);
	CU_ASSERT(host_expect(&p, &seg, &f));
	CU_ASSERT_EQUAL(seg.len, 100);
	CU_ASSERT(seg.ctl & TG_TCP_FIN);
	CU_ASSERT_EQUAL(side.now.open, 1);
	memcpy(text, tg_load_bytes_mine(0, 0, &len), sizeof(text));
	host_send(&p, TG_TCP_ACK | TG_TCP_FIN, text, sizeof(text));
	CU_ASSERT_EQUAL(side.now.done, 1);
	CU_ASSERT_EQUAL(side.now.requests, 1);
	end();
}

static void say(const char *text)
{
	host_send(&p, TG_TCP_ACK, text, (uint32_t)strlen(text));
	host_drain(&h);
}

/* Heads and chunks, cut in the middle of everything. */
static void test_http_chunksInPieces_isGood(void)
{
	begin("rate = 10\ndo = http\nclose = server");
	open_one();
	host_send(&p, TG_TCP_SYN | TG_TCP_ACK, NULL, 0);
	host_drain(&h);
	stop();
	say("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Enc");
	say("oding: chunked\r\n\r\n5");
	say("\r\nabc");
	say("de\r\n1\r\nx\r");
	say("\n0\r\nTrail");
	CU_ASSERT_EQUAL(side.now.requests, 0);
	say("er: x\r\n\r\n");
	CU_ASSERT_EQUAL(side.now.requests, 1);
	CU_ASSERT_EQUAL(side.now.open, 1);
	host_send(&p, TG_TCP_ACK | TG_TCP_FIN, NULL, 0);
	host_expect_ctl(&p, TG_TCP_ACK | TG_TCP_FIN);
	host_send(&p, TG_TCP_ACK, NULL, 0);
	CU_ASSERT_EQUAL(side.now.done, 1);
	end();
}

static void test_http_bodyToEof_isGood(void)
{
	begin("rate = 10\ndo = http\nclose = server");
	open_one();
	host_send(&p, TG_TCP_SYN | TG_TCP_ACK, NULL, 0);
	host_drain(&h);
	say("HTTP/1.0 200 OK\r\n\r\nabc");
	CU_ASSERT_EQUAL(side.now.requests, 0);
	host_send(&p, TG_TCP_ACK | TG_TCP_FIN, "def", 3);
	CU_ASSERT_EQUAL(side.now.requests, 1);
	host_expect_ctl(&p, TG_TCP_ACK | TG_TCP_FIN);
	host_send(&p, TG_TCP_ACK, NULL, 0);
	CU_ASSERT_EQUAL(side.now.done, 1);
	end();
}

/* --- held, churned, ended --- */

static void test_hold_churn_closesTheOldest(void)
{
	begin("hold = 2\nchurn = 1\nrate = 10");
	for (uint32_t i = 0; i < 2; i++) {
		struct host_frame f;
		later(i ? 100 : 150);
		CU_ASSERT_EQUAL_FATAL(side.now.begun, i + 1);
		CU_ASSERT_FATAL(host_next(&h, &f));
		p.t.lport = tg_be16_get(f.data + 34);
		p.rcv_nxt = tg_seq_make(tg_be32_get(f.data + 38) + 1);
		p.snd_nxt = tg_seq_make(7000);
		host_send(&p, TG_TCP_SYN | TG_TCP_ACK, NULL, 0);
		host_drain(&h);
	}
	CU_ASSERT_EQUAL(side.now.held, 2);
	later(500);
	CU_ASSERT_EQUAL(side.now.held, 2);
	/* While many are missing none is closed. */
	side.hold_want = 10000;
	later(600);
	CU_ASSERT_EQUAL(side.now.held, 2);
	side.hold_want = 2;
	later(1);
	CU_ASSERT_EQUAL(side.now.held, 1);
	CU_ASSERT_EQUAL(side.now.closing, 1);
	/* The first: p is the second, and still open. */
	CU_ASSERT_EQUAL(host_state(&p), TG_ESTABLISHED);
	stop();
	later(10);
	CU_ASSERT_EQUAL(side.now.held, 0);
	later(1200); /* nobody answers our FINs */
	CU_ASSERT_EQUAL(side.now.failed[TG_LOAD_NO_CLOSE], 2);
	end();
}

static void test_keep_endOfRun_closesInOrder(void)
{
	begin("rate = 10\nkeep_ms = 60000");
	open_one();
	answer();
	stop();
	later(1);
	host_expect_ctl(&p, TG_TCP_ACK | TG_TCP_FIN);
	host_send(&p, TG_TCP_ACK | TG_TCP_FIN, NULL, 0);
	CU_ASSERT_EQUAL(side.now.done, 1);
	end();
}

/* --- failures --- */

static void test_refused_isCounted(void)
{
	begin("rate = 10");
	open_one();
	host_send(&p, TG_TCP_RST | TG_TCP_ACK, NULL, 0);
	failed_once(TG_LOAD_REFUSED);
}

static void test_silence_isCounted(void)
{
	begin("rate = 10");
	open_one();
	stop();
	later(1100);
	failed_once(TG_LOAD_TIMEOUT);
}

static void test_resetWhenOpen_isCounted(void)
{
	begin("rate = 10\nkeep_ms = 5000");
	open_one();
	answer();
	host_send(&p, TG_TCP_RST, NULL, 0);
	failed_once(TG_LOAD_RESET);
}

static void test_earlyFin_isCounted(void)
{
	begin("rate = 10\ndo = echo\nbytes = 100");
	open_one();
	host_send(&p, TG_TCP_SYN | TG_TCP_ACK, NULL, 0);
	host_drain(&h);
	host_send(&p, TG_TCP_ACK | TG_TCP_FIN, NULL, 0);
	failed_once(TG_LOAD_EARLY);
}

/* A head that never ends, and its FIN: what is unread must not keep it. */
static void test_finInTheMiddleOfAHead_isCounted(void)
{
	begin("rate = 10\ndo = http");
	open_one();
	host_send(&p, TG_TCP_SYN | TG_TCP_ACK, NULL, 0);
	host_drain(&h);
	host_send(&p, TG_TCP_ACK | TG_TCP_FIN, "HTTP/1.1 200", 12);
	failed_once(TG_LOAD_EARLY);
}

static void test_nothingMoves_isCounted(void)
{
	begin("rate = 10\ndo = http");
	open_one();
	host_send(&p, TG_TCP_SYN | TG_TCP_ACK, NULL, 0);
	host_drain(&h);
	host_send(&p, TG_TCP_ACK, NULL, 0); /* its request is acknowledged */
	stop();
	later(1100);
	failed_once(TG_LOAD_STALLED);
}

static void test_wrongBytes_isCounted(void)
{
	static uint8_t text[100];
	uint32_t len;

	begin("rate = 10\ndo = echo\nbytes = 100");
	open_one();
	host_send(&p, TG_TCP_SYN | TG_TCP_ACK, NULL, 0);
	host_drain(&h);
	memcpy(text, tg_load_bytes_mine(0, 0, &len), sizeof(text));
	text[99] ^= 1;
	host_send(&p, TG_TCP_ACK, text, sizeof(text));
	failed_once(TG_LOAD_BAD_BYTES);
}

static void test_moreThanWasSent_isCounted(void)
{
	static uint8_t text[101];
	uint32_t len;

	begin("rate = 10\ndo = echo\nbytes = 100");
	open_one();
	host_send(&p, TG_TCP_SYN | TG_TCP_ACK, NULL, 0);
	host_drain(&h);
	memcpy(text, tg_load_bytes_mine(0, 0, &len), sizeof(text));
	host_send(&p, TG_TCP_ACK, text, sizeof(text));
	failed_once(TG_LOAD_BAD_BYTES);
}

static void open_and_answer(const char *text)
{
	open_one();
	host_send(&p, TG_TCP_SYN | TG_TCP_ACK, NULL, 0);
	host_drain(&h);
	host_send(&p, TG_TCP_ACK, text, (uint32_t)strlen(text));
}

static void test_badAnswers_areCounted(void)
{
	static const char *const bad[] = {
	    "SSH-2.0-x\r\n", "HTTP/1.1 500 No\r\n\r\n",
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"};

	for (uint32_t i = 0; i < TG_TEST_N(bad); i++) {
		begin("rate = 10\ndo = http");
		open_and_answer(bad[i]);
		failed_once(TG_LOAD_BAD_ANSWER);
	}
}

/* GET /bytes/5 of tidegate: another length, and another byte. */
static void test_down_wrongBytes_areCounted(void)
{
	static const char *const bad[] = {"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n",
					  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nx"};

	for (uint32_t i = 0; i < TG_TEST_N(bad); i++) {
		begin("rate = 10\ndo = down\nbytes = 5");
		open_and_answer(bad[i]);
		failed_once(TG_LOAD_BAD_BYTES);
	}
}

static void test_noClose_isCounted(void)
{
	begin("rate = 10");
	open_one();
	host_send(&p, TG_TCP_SYN | TG_TCP_ACK, NULL, 0);
	host_expect_ctl(&p, TG_TCP_ACK | TG_TCP_FIN);
	stop();
	later(1100);
	failed_once(TG_LOAD_NO_CLOSE);
}

static void test_onePort_secondIsCounted(void)
{
	begin("rate = 10\nkeep_ms = 5000");
	open_one();
	later(100);
	CU_ASSERT_EQUAL(side.now.begun, 2);
	CU_ASSERT_EQUAL(side.now.failed[TG_LOAD_NO_PORT], 1);
	CU_ASSERT_EQUAL(side.now.opening, 1);
	tg_load_end(&side, h.now_ns, 0, true);
	host_end_all(&h);
	/* Aborted when it was interrupted: it has not failed. */
	CU_ASSERT_EQUAL(side.now.failed[TG_LOAD_CUT], 1);
	CU_ASSERT_EQUAL(tg_load_active(&side), 0);
	tg_conf_free(&conf);
}

/* TD-27 would let it be opened again after a second. */
static void test_timeWait_tupleIsLeftAlone(void)
{
	begin("rate = 10\nconnections = 2");
	p.opts.has_ts = 1;
	p.opts.tsval = 77;
	later(150);
	struct tg_seg seg = host_expect_ctl(&p, TG_TCP_SYN);
	CU_ASSERT(seg.opts.has_ts);
	p.opts.tsecr = seg.opts.tsval;
	host_send(&p, TG_TCP_SYN | TG_TCP_ACK, NULL, 0);
	seg = host_expect_ctl(&p, TG_TCP_ACK | TG_TCP_FIN);
	p.opts.tsecr = seg.opts.tsval;
	host_send(&p, TG_TCP_ACK | TG_TCP_FIN, NULL, 0);
	CU_ASSERT_EQUAL(side.now.done, 1);
	CU_ASSERT_EQUAL(host_state(&p), TG_TIME_WAIT);
	later(1500);
	CU_ASSERT_EQUAL(side.now.begun, 2);
	CU_ASSERT_EQUAL(side.now.failed[TG_LOAD_NO_PORT], 1);
	end();
}

static void test_fullPool_isCounted(void)
{
	begin("rate = 1000\nduration_s = 1\nkeep_ms = 5000");
	plan.set.ports[1] = 65535;
	for (int i = 0; i < 200; i++)
		later(1);
	CU_ASSERT(side.now.failed[TG_LOAD_NO_ROOM] > 0);
	CU_ASSERT(side.now.opening > 0);
	CU_ASSERT_EQUAL(side.now.opening + side.now.failed[TG_LOAD_NO_ROOM], side.now.begun);
	host_drain(&h);
	stop();
	later(1100);
	CU_ASSERT(side.now.failed[TG_LOAD_TIMEOUT] > 0);
	end();
}

/* --- what the engine has for it --- */

static void add_own(const char *text)
{
	struct tg_port_addr *own = &h.conf.port[0].own[h.conf.port[0].own_n++];

	CU_ASSERT(tg_addr_parse_prefix(text, &own->addr, &own->prefix_len));
}

static void begin_own(void)
{
	host_defaults(&h);
	add_own("198.18.0.0/16");
	add_own("2001:db8:7::/64");
	host_init(&h);
	host_peer(&p, &h, PORT, 80, false);
}

static uint32_t build_arp(uint8_t *frame, const char *target)
{
	static const uint8_t head[28] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,    0, 0, 0,
					 0,    2,    0x08, 0x06, 0,    1,    0x08, 0, 6, 4,
					 0,    1,    2,    0,    0,    0,    0,    2};
	struct tg_addr a;

	memset(frame, 0, 42);
	memcpy(frame, head, sizeof(head));
	memcpy(frame + 28, "\xc0\x00\x02\x02", 4);
	CU_ASSERT(tg_addr_parse(target, &a));
	memcpy(frame + 38, a.b + 12, 4);
	return 42;
}

static void test_own_arp_isAnsweredForAllOfIt(void)
{
	static const struct {
		const char *target;
		bool ours;
	} t[] = {{"198.18.0.1", true},
		 {"198.18.255.254", true},
		 {"198.19.0.1", false},
		 {"192.0.2.1", true},
		 {"192.0.2.9", false}};
	uint8_t buf[64];
	const uint8_t *frame = buf;
	struct host_frame f;

	begin_own();
	for (uint32_t i = 0; i < TG_TEST_N(t); i++) {
		uint32_t len = build_arp(buf, t[i].target);
		host_drain(&h);
		host_rx(&h, &frame, &len, 1);
		CU_ASSERT_EQUAL(host_next(&h, &f), t[i].ours);
		if (!t[i].ours)
			continue;
		CU_ASSERT_EQUAL(tg_be16_get(f.data + 20), 2);
		CU_ASSERT(memcmp(f.data + 28, buf + 38, 4) == 0);
	}
	host_end_all(&h);
}

/* LN-12: and what is ours comes from nobody else. */
static void test_own_connect_opensAndNobodyElseHasIt(void)
{
	struct host_peer liar;
	uint32_t conn;

	begin_own();
	CU_ASSERT(tg_addr_parse("198.18.77.1", &p.t.laddr));
	CU_ASSERT_EQUAL_FATAL(tg_engine_connect(h.e, &p.t, &h.tcp, &host_service, &h.svc, 1, &conn),
			      0);
	host_tick(&h, 0);
	host_expect_ctl(&p, TG_TCP_SYN);
	host_send(&p, TG_TCP_SYN | TG_TCP_ACK, NULL, 0);
	host_expect_ctl(&p, TG_TCP_ACK);
	CU_ASSERT_EQUAL(host_state(&p), TG_ESTABLISHED);
	liar = p;
	CU_ASSERT(tg_addr_parse("198.18.5.5", &liar.t.raddr));
	uint64_t before = host_ctr(&h, TG_CTR_bad_src);
	host_raw(&liar, TG_TCP_SYN, tg_seq_make(1), tg_seq_make(0), NULL, 0);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_bad_src), before + 1);
	CU_ASSERT(tg_addr_parse("198.19.77.1", &p.t.laddr));
	CU_ASSERT_EQUAL(tg_engine_connect(h.e, &p.t, &h.tcp, &host_service, &h.svc, 1, &conn),
			-EADDRNOTAVAIL);
	host_end_all(&h);
}

/* RFC 6056, EST-33: only those that were asked for, and in the end all of them. */
static void test_choice_ports_areAllUsedAndNoOthers(void)
{
	const struct tg_port_choice choice = {.ports = {6000, 6009}, .sweep = 10};
	uint32_t seen = 0, conn;
	struct tg_tuple t;

	begin_own();
	p.t.lport = 0;
	for (int i = 0; i < 10; i++) {
		CU_ASSERT_EQUAL(tg_engine_connect_by(h.e, &p.t, &choice, &h.tcp, &host_service,
						     &h.svc, 1, &conn),
				0);
		tg_conn_tuple(h.e, conn, &t);
		CU_ASSERT(t.lport >= 6000 && t.lport <= 6009);
		seen |= 1u << (t.lport - 6000);
	}
	CU_ASSERT_EQUAL(seen, 0x3ff);
	CU_ASSERT_EQUAL(
	    tg_engine_connect_by(h.e, &p.t, &choice, &h.tcp, &host_service, &h.svc, 1, &conn),
	    -EADDRINUSE);
	host_end_all(&h);
}

/* TD-27 lets a tuple in TIME-WAIT be opened again a second later; who asks for fresh ones gets it
 * when it has ended. */
static void test_choice_fresh_passesTimeWaitBy(void)
{
	struct tg_port_choice choice = {.ports = {PORT, PORT}, .fresh = true};
	uint32_t conn;

	begin_own();
	p.opts.has_ts = 1;
	p.opts.tsval = 77;
	CU_ASSERT_EQUAL_FATAL(tg_engine_connect(h.e, &p.t, &h.tcp, &host_service, &h.svc, 1, &conn),
			      0);
	host_tick(&h, 0);
	struct tg_seg syn = host_expect_ctl(&p, TG_TCP_SYN);
	p.opts.tsecr = syn.opts.tsval;
	host_send(&p, TG_TCP_SYN | TG_TCP_ACK, NULL, 0);
	host_expect_ctl(&p, TG_TCP_ACK);
	tg_conn_close(h.e, conn);
	host_tick(&h, 0);
	struct tg_seg fin = host_expect_ctl(&p, TG_TCP_FIN | TG_TCP_ACK);
	p.opts.tsecr = fin.opts.tsval;
	host_send(&p, TG_TCP_FIN | TG_TCP_ACK, NULL, 0);
	host_drain(&h);
	CU_ASSERT_EQUAL(host_state(&p), TG_TIME_WAIT);
	host_tick(&h, 1500);
	p.t.lport = 0;
	CU_ASSERT_EQUAL(
	    tg_engine_connect_by(h.e, &p.t, &choice, &h.tcp, &host_service, &h.svc, 1, &conn),
	    -EADDRINUSE);
	choice.fresh = false;
	CU_ASSERT_EQUAL(
	    tg_engine_connect_by(h.e, &p.t, &choice, &h.tcp, &host_service, &h.svc, 1, &conn), 0);
	tg_conn_abort(h.e, conn); /* the record wakes (TD-24), and ends in its time */
	host_tick(&h, 2 * h.conf.msl_ms + 10);
	host_end_all(&h);
}

static void test_way_isWhatConnectionsUse(void)
{
	struct tg_addr from, to;
	struct tg_mac mac;
	uint32_t port = 9;

	begin_own();
	CU_ASSERT(tg_addr_parse("198.18.0.9", &from) && tg_addr_parse("192.0.2.2", &to));
	CU_ASSERT_EQUAL(tg_engine_way(h.e, &from, &to, &port, &mac), 0);
	CU_ASSERT_EQUAL(port, 0);
	CU_ASSERT(memcmp(mac.b, "\2\0\0\0\0\2", 6) == 0);
	CU_ASSERT(tg_addr_parse("198.51.100.1", &from));
	CU_ASSERT_EQUAL(tg_engine_way(h.e, &from, &to, &port, &mac), -ENETUNREACH);
	host_end_all(&h);
}

/* --- how much is begun --- */

/* Those that were begun, and are not answered, run out of patience. */
static void run_out(void)
{
	stop();
	for (int i = 0; i < 12; i++)
		later(100);
	end();
}

static void test_rate_changed_countsFromThenOn(void)
{
	begin("rate = 10\nduration_s = 5");
	later(150);
	CU_ASSERT_EQUAL(side.now.begun, 1);
	tg_load_set_rate(&side, 100, h.now_ns);
	later(50);
	CU_ASSERT_EQUAL(side.now.begun, 1 + 5);
	tg_load_set_rate(&side, 10, h.now_ns);
	later(250);
	CU_ASSERT_EQUAL(side.now.begun, 6 + 2);
	CU_ASSERT_FALSE(tg_load_is_over(&side, h.now_ns));
	run_out();
}

static void test_rate_changedBeforeTheStart_beginsWithIt(void)
{
	begin("rate = 10\nduration_s = 5");
	tg_load_side_init(&side, 0, 1, 1, h.now_ns + 50 * TG_NS_PER_MS);
	tg_load_set_rate(&side, 100, h.now_ns);
	later(40);
	CU_ASSERT_EQUAL(side.now.begun, 0);
	later(60);
	CU_ASSERT_EQUAL(side.now.begun, 5);
	CU_ASSERT_FALSE(tg_load_is_over(&side, h.now_ns));
	run_out();
}

/* Ports are but one: all but the first fail at once, and are not in flight. */
static void test_inFlight_full_beginsNoMore(void)
{
	begin("rate = 100");
	plan.in_flight = 1;
	later(150);
	CU_ASSERT_EQUAL(side.now.opening, 1);
	CU_ASSERT(side.now.begun <= 32);
	uint64_t begun = side.now.begun;
	later(500);
	CU_ASSERT_EQUAL(side.now.begun, begun);
	plan.in_flight = 0;
	later(1);
	CU_ASSERT(side.now.begun > begun);
	run_out();
}

static void test_turn_roomForTwo_beginsTwo(void)
{
	begin("rate = 100");
	side.most = 2;
	later(150);
	CU_ASSERT_EQUAL(side.now.begun, 2);
	side.most = 0;
	later(0);
	CU_ASSERT_EQUAL(side.now.begun, 15);
	run_out();
}

static const struct tg_test tests[] = {
    {"client_closes_isGood", test_client_closes_isGood},
    {"server_closes_isWaitedFor", test_server_closes_isWaitedFor},
    {"rst_isGoodAndLeavesNothing", test_rst_isGoodAndLeavesNothing},
    {"echo_rightBytes_isGood", test_echo_rightBytes_isGood},
    {"half_answerBehindOurFin_isGood", test_half_answerBehindOurFin_isGood},
    {"http_chunksInPieces_isGood", test_http_chunksInPieces_isGood},
    {"http_bodyToEof_isGood", test_http_bodyToEof_isGood},
    {"hold_churn_closesTheOldest", test_hold_churn_closesTheOldest},
    {"keep_endOfRun_closesInOrder", test_keep_endOfRun_closesInOrder},
    {"refused_isCounted", test_refused_isCounted},
    {"silence_isCounted", test_silence_isCounted},
    {"resetWhenOpen_isCounted", test_resetWhenOpen_isCounted},
    {"earlyFin_isCounted", test_earlyFin_isCounted},
    {"finInTheMiddleOfAHead_isCounted", test_finInTheMiddleOfAHead_isCounted},
    {"nothingMoves_isCounted", test_nothingMoves_isCounted},
    {"wrongBytes_isCounted", test_wrongBytes_isCounted},
    {"moreThanWasSent_isCounted", test_moreThanWasSent_isCounted},
    {"badAnswers_areCounted", test_badAnswers_areCounted},
    {"down_wrongBytes_areCounted", test_down_wrongBytes_areCounted},
    {"noClose_isCounted", test_noClose_isCounted},
    {"onePort_secondIsCounted", test_onePort_secondIsCounted},
    {"timeWait_tupleIsLeftAlone", test_timeWait_tupleIsLeftAlone},
    {"fullPool_isCounted", test_fullPool_isCounted},
    {"own_arp_isAnsweredForAllOfIt", test_own_arp_isAnsweredForAllOfIt},
    {"own_connect_opensAndNobodyElseHasIt", test_own_connect_opensAndNobodyElseHasIt},
    {"choice_ports_areAllUsedAndNoOthers", test_choice_ports_areAllUsedAndNoOthers},
    {"choice_fresh_passesTimeWaitBy", test_choice_fresh_passesTimeWaitBy},
    {"way_isWhatConnectionsUse", test_way_isWhatConnectionsUse},
    {"rate_changed_countsFromThenOn", test_rate_changed_countsFromThenOn},
    {"rate_changedBeforeTheStart_beginsWithIt", test_rate_changedBeforeTheStart_beginsWithIt},
    {"inFlight_full_beginsNoMore", test_inFlight_full_beginsNoMore},
    {"turn_roomForTwo_beginsTwo", test_turn_roomForTwo_beginsTwo},
};

int main(int argc, char **argv)
{
	return tg_test_main("load", tests, TG_TEST_N(tests), argc, argv);
}
