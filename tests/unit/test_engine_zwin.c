/* SPDX-License-Identifier: BSD-3-Clause */
/* test_engine_zwin.c: peers whose window stays closed. In peace they live for ever as long as they
 * answer (MUST-36, MUST-37, ADV-49); when a pool runs short, the oldest of the source with most of
 * them goes, with a RST (ADV-49, ADV-55, RFC 6429). */
#include "engine_host.h"

enum { PEER_MAX = 40, TEXT_LEN = 3000, RST_C = TG_TCP_RST | TG_TCP_ACK };

static struct host h;
static struct host_peer peer[PEER_MAX];

static void speak(struct host_svc *s, struct tg_engine *e, uint32_t conn)
{
	static const uint8_t text[TEXT_LEN];

	CU_ASSERT(tg_conn_write(e, conn, text, TEXT_LEN) > 0);
}

/* The seed is fixed: with one in ten two of these sources share a list, which then is the longest.
 */
static void begin(bool speaks)
{
	h.conf.seed = 2;
	host_init(&h);
	host_listen(&h, 80);
	h.svc.on_opened = speaks ? speak : NULL;
}

static void drain_tx(void)
{
	struct host_frame f;

	while (host_next(&h, &f))
		;
}

/* A peer 192.0.2.HOST that opens with this window. */
static void open_peer(uint32_t i, uint8_t host, uint16_t wnd)
{
	host_peer(&peer[i], &h, 80, (uint16_t)(5000 + i), false);
	peer[i].t.raddr.b[15] = host;
	peer[i].wnd = wnd;
	drain_tx();
	CU_ASSERT_FATAL(host_handshake(&peer[i]));
}

static bool is_open(uint32_t i)
{
	return host_state(&peer[i]) == TG_ESTABLISHED;
}

static uint64_t aborts(void)
{
	return host_ctr(&h, TG_CTR_zwin_abort);
}

static void end(void)
{
	drain_tx();
	tg_engine_abort_all(h.e);
	host_tick(&h, 10);
	drain_tx();
	host_end(&h);
}

/* The next frame is a window probe to p, which answers it with its window closed. */
static void answer_probe(struct host_peer *p)
{
	struct host_frame f;
	struct tg_seg seg;

	CU_ASSERT_FATAL(host_expect(p, &seg, &f));
	CU_ASSERT(seg.len <= 1);
	p->rcv_nxt = tg_seq_sub(p->rcv_nxt, seg.len);
	host_send(p, TG_TCP_ACK, NULL, 0);
}

static void test_peace_answersForADay_lives(void)
{
	uint64_t end_ns;
	uint32_t probes = 0;

	host_defaults(&h);
	begin(true);
	open_peer(0, 2, 0);
	end_ns = h.now_ns + 86400ull * 1000 * TG_NS_PER_MS;
	while (h.now_ns < end_ns) {
		uint64_t next = tg_engine_next_deadline(h.e);
		h.now_ns = next > h.now_ns ? next : h.now_ns;
		host_tick_once(&h, 0);
		if (h.tx_n == 0)
			continue;
		answer_probe(&peer[0]);
		probes++;
	}
	CU_ASSERT(is_open(0));
	CU_ASSERT_EQUAL(aborts(), 0);
	CU_ASSERT(probes >= 1440); /* one a minute at least (DT-24) */
	end();
}

static void test_pressure_extensions_oldestGetsRst(void)
{
	struct tg_seg seg = {0};
	struct host_frame f;

	host_defaults(&h); /* 16 extensions: short when one is left */
	begin(true);
	for (uint32_t i = 0; i < 14; i++) {
		open_peer(i, (uint8_t)(2 + i), 0);
		host_tick(&h, 1);
	}
	CU_ASSERT_EQUAL(aborts(), 0);
	drain_tx();
	open_peer(14, 30, 0);
	CU_ASSERT_EQUAL(aborts(), 1);
	CU_ASSERT_EQUAL(host_state(&peer[0]), TG_CLOSED);
	for (uint32_t i = 1; i < 15; i++)
		CU_ASSERT(is_open(i));
	CU_ASSERT(host_expect(&peer[0], &seg, &f));
	CU_ASSERT_EQUAL(seg.ctl, RST_C);
	CU_ASSERT(tg_seq_eq(seg.seq, peer[0].rcv_nxt)); /* SND.NXT: nothing was sent */
	CU_ASSERT(tg_seq_eq(seg.ack, peer[0].snd_nxt));
	CU_ASSERT_EQUAL(h.svc.closed, 1);
	CU_ASSERT_EQUAL(h.svc.reason, TG_CLOSE_TIMEOUT);
	end();
}

/* ADV-55: an attacker's many do not take the one of an honest peer with them, however old it is. */
static void test_pressure_sourceWithMost_goesFirst(void)
{
	host_defaults(&h);
	begin(true);
	open_peer(0, 77, 0);
	host_tick(&h, 50);
	for (uint32_t i = 1; i < 30; i++) {
		open_peer(i, 66, 0);
		host_tick(&h, 1);
		drain_tx();
	}
	CU_ASSERT(is_open(0));
	CU_ASSERT_EQUAL(aborts(), 30 - 14);
	for (uint32_t i = 1; i <= 30 - 14; i++) /* the oldest first */
		CU_ASSERT_EQUAL(host_state(&peer[i]), TG_CLOSED);
	CU_ASSERT(is_open(29));
	end();
}

static void test_pressure_windowThatOpened_isSpared(void)
{
	host_defaults(&h);
	begin(true);
	open_peer(0, 2, 0);
	host_tick(&h, 1);
	open_peer(1, 3, 0);
	drain_tx();
	peer[0].wnd = 4;
	peer[0].t.rport = 5000;
	host_send(&peer[0], TG_TCP_ACK, NULL, 0); /* four bytes: what comes is not acknowledged */
	drain_tx();
	for (uint32_t i = 2; i < 15; i++)
		open_peer(i, 4, 100);
	CU_ASSERT_EQUAL(aborts(), 1);
	CU_ASSERT(is_open(0));
	CU_ASSERT_EQUAL(host_state(&peer[1]), TG_CLOSED);
	end();
}

static void test_pressure_buffers_oldestGoes(void)
{
	struct tg_engine_stats s;
	uint32_t n = 0;

	host_defaults(&h);
	h.conf.chunk_max = 20; /* short when one is left */
	begin(true);
	do { /* up to the brink */
		open_peer(n, (uint8_t)(2 + n), 0);
		host_tick(&h, 1);
		tg_engine_stats(h.e, &s);
	} while (s.chunk_max - s.chunk_used - s.chunk_used / ++n > 1);
	CU_ASSERT(n >= 3);
	CU_ASSERT_EQUAL(aborts(), 0);
	open_peer(n, 40, 0);
	CU_ASSERT_EQUAL(aborts(), 1);
	CU_ASSERT_EQUAL(host_state(&peer[0]), TG_CLOSED);
	CU_ASSERT(is_open(n));
	tg_engine_stats(h.e, &s);
	CU_ASSERT(s.chunk_max - s.chunk_used > 1);
	end();
}

/* zero_window_ms: a window may be closed for a moment in any honest transfer. */
static void test_pressure_grace_isKept(void)
{
	host_defaults(&h);
	h.conf.zero_window_ms = 1000;
	begin(true);
	uint64_t opened_ns = h.now_ns;
	for (uint32_t i = 0; i < 15; i++) {
		open_peer(i, (uint8_t)(2 + i), 0);
		host_tick(&h, 10);
	}
	host_tick(&h, 999 - (h.now_ns - opened_ns) / TG_NS_PER_MS);
	CU_ASSERT_EQUAL(aborts(), 0);
	host_tick(&h, 1);
	CU_ASSERT_EQUAL(aborts(), 1);
	CU_ASSERT_EQUAL(host_state(&peer[0]), TG_CLOSED);
	host_tick(&h, 2000);
	CU_ASSERT_EQUAL(aborts(), 1); /* two extensions are free now */
	end();
}

/* A burst is not given that time, or the old ones of others would go for it. */
static void test_pressure_burstOfOneSource_hasNoGrace(void)
{
	host_defaults(&h);
	h.conf.zero_window_ms = 1000;
	begin(true);
	open_peer(0, 77, 0);
	host_tick(&h, 5000); /* an honest one, with its time over */
	for (uint32_t i = 1; i < 30; i++)
		open_peer(i, 66, 0);
	CU_ASSERT_EQUAL(aborts(), 30 - 14);
	CU_ASSERT(is_open(0));
	end();
}

/* Few of each source: only the time counts, and then who has more. */
static void test_pressure_youngAreMore_oldGoes(void)
{
	host_defaults(&h);
	h.conf.ext_max = 32; /* short when two are left; more than two are too many */
	h.conf.zero_window_ms = 1000;
	begin(true);
	open_peer(0, 100, 0);
	host_tick(&h, 5000);
	for (uint32_t i = 1; i < 30; i++)
		open_peer(i, (uint8_t)(2 + i / 2), 0);
	CU_ASSERT_EQUAL(aborts(), 1);
	CU_ASSERT_EQUAL(host_state(&peer[0]), TG_CLOSED);
	end();
}

/* Nothing is queued for them, so they rest in 64 bytes; the pool of connections is what they fill.
 */
static void test_pressure_connectionsAtRest_closedOnesGo(void)
{
	host_defaults(&h);
	h.conf.zero_window_ms = 100;
	begin(false);
	for (uint32_t i = 0; i < 30; i++) /* of 32: short when two are left */
		open_peer(i, (uint8_t)(2 + i), i % 3 == 0 ? 0 : 1000);
	CU_ASSERT_EQUAL(aborts(), 0); /* seen once */
	drain_tx();
	host_tick(&h, 99);
	CU_ASSERT_EQUAL(aborts(), 0);
	host_tick(&h, 200);
	CU_ASSERT_EQUAL(aborts(), 1); /* then three are left */
	for (uint32_t i = 0; i < 30; i++)
		CU_ASSERT(is_open(i) || i % 3 == 0);
	CU_ASSERT_EQUAL(h.tx_n, 1);
	end();
}

/* One that opened its window between two laps is honest. */
static void test_pressure_restWindowOpens_isSpared(void)
{
	host_defaults(&h);
	h.conf.zero_window_ms = 100;
	begin(false);
	for (uint32_t i = 0; i < 30; i++)
		open_peer(i, (uint8_t)(2 + i), i == 7 ? 0 : 1000);
	host_tick(&h, 50);
	peer[7].wnd = 500;
	host_send(&peer[7], TG_TCP_ACK, NULL, 0);
	peer[7].wnd = 0;
	host_send(&peer[7], TG_TCP_ACK, NULL, 0);
	host_tick(&h, 60);
	CU_ASSERT_EQUAL(aborts(), 0);
	host_tick(&h, 200);
	CU_ASSERT_EQUAL(aborts(), 1);
	end();
}

static void test_peace_connectionsAtRest_live(void)
{
	host_defaults(&h);
	begin(false);
	for (uint32_t i = 0; i < 29; i++)
		open_peer(i, (uint8_t)(2 + i), 0);
	host_tick(&h, 3600000);
	CU_ASSERT_EQUAL(aborts(), 0);
	CU_ASSERT(is_open(0));
	end();
}

/* ADV-55 as the tool does it: connect, close the window, ask, fall silent; for as long as it likes.
 * The others are served all the time, and what it holds is bounded. */
static void test_sockstress_flood_othersAreServed(void)
{
	struct tg_engine_stats s;

	host_defaults(&h);
	h.conf.zero_window_ms = 1000;
	begin(true);
	for (uint32_t i = 0; i < 3000; i++) {
		host_peer(&peer[0], &h, 80, (uint16_t)(10000 + i), false);
		peer[0].t.raddr.b[15] = (uint8_t)(100 + i % 3);
		peer[0].wnd = 0;
		CU_ASSERT_FATAL(host_handshake(&peer[0]));
		drain_tx();
		if (i % 100 != 99)
			continue;
		host_peer(&peer[1], &h, 80, (uint16_t)(10000 + i), false);
		CU_ASSERT_FATAL(host_handshake(&peer[1]));
		CU_ASSERT_FATAL(h.tx_n > 0); /* text */
		host_raw(&peer[1], TG_TCP_RST, peer[1].snd_nxt, tg_seq_make(0), NULL, 0);
		drain_tx();
	}
	tg_engine_stats(h.e, &s);
	CU_ASSERT(s.ext_used <= 15);
	CU_ASSERT(aborts() >= 2980);
	end();
}

static const struct tg_test tests[] = {
    {"peace_answersForADay_lives", test_peace_answersForADay_lives},
    {"pressure_extensions_oldestGetsRst", test_pressure_extensions_oldestGetsRst},
    {"pressure_sourceWithMost_goesFirst", test_pressure_sourceWithMost_goesFirst},
    {"pressure_windowThatOpened_isSpared", test_pressure_windowThatOpened_isSpared},
    {"pressure_buffers_oldestGoes", test_pressure_buffers_oldestGoes},
    {"pressure_grace_isKept", test_pressure_grace_isKept},
    {"pressure_burstOfOneSource_hasNoGrace", test_pressure_burstOfOneSource_hasNoGrace},
    {"pressure_youngAreMore_oldGoes", test_pressure_youngAreMore_oldGoes},
    {"pressure_connectionsAtRest_closedOnesGo", test_pressure_connectionsAtRest_closedOnesGo},
    {"pressure_restWindowOpens_isSpared", test_pressure_restWindowOpens_isSpared},
    {"peace_connectionsAtRest_live", test_peace_connectionsAtRest_live},
    {"sockstress_flood_othersAreServed", test_sockstress_flood_othersAreServed},
};

int main(int argc, char **argv)
{
	return tg_test_main("engine_zwin", tests, TG_TEST_N(tests), argc, argv);
}
