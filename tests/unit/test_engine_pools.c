/* SPDX-License-Identifier: BSD-3-Clause */
/* test_engine_pools.c: ADV-91: a pool that runs empty at any step is as if a packet was lost there.
 * Two engines talk; from the k-th event on, for some events, one pool of one of them gives nothing.
 * Then all must end as if nothing had been. The pools are closed from inside: the test looks behind
 * the engine's header. */
#include "engine.h"
#include "engine_host.h"

enum { TEXT_LEN = 6000, EVENT_MAX = 4000, STARVE_FOR = 4, STEP_MAX = 40, NEVER = 1 << 30 };
enum pool { POOL_CONN = 0, POOL_EXT, POOL_CHUNK, POOL_BUF, POOL_OUT, POOL_N };
static const char *const pool_name[] = {"connections", "extensions", "chunks", "buffers", "out[]"};

static struct host side[2]; /* client, server */
static uint32_t written;
static uint8_t text[TEXT_LEN];

/* --- the client's service: writes the text, reads it back, closes --- */

static void write_on(struct host_svc *s, struct tg_engine *e, uint32_t conn)
{
	while (written < TEXT_LEN) {
		int32_t n = tg_conn_write(e, conn, text + written, TEXT_LEN - written);
		if (n <= 0)
			return;
		written += (uint32_t)n;
	}
}

static void read_back(struct host_svc *s, struct tg_engine *e, uint32_t conn)
{
	const uint8_t *p;
	uint32_t run;

	while ((p = tg_conn_peek(e, conn, 0, &run)) != NULL) {
		CU_ASSERT_FATAL(s->got_len + run <= TEXT_LEN);
		memcpy(s->got + s->got_len, p, run);
		s->got_len += run;
		tg_conn_consume(e, conn, run);
	}
	if (s->got_len == TEXT_LEN)
		tg_conn_close(e, conn);
}

/* --- two hosts --- */

static void begin(bool v6, uint8_t cookies)
{
	struct tg_listener_conf l;

	for (uint32_t i = 0; i < 2; i++) {
		struct tg_port_conf *p = &side[i].conf.port[0];
		host_defaults(&side[i]);
		p->mac.b[5] = (uint8_t)(i + 1);
		p->static_neigh.b[5] = (uint8_t)(2 - i);
		p->addr[0].addr.b[15] = p->addr[1].addr.b[15] = (uint8_t)(i + 1);
		side[i].conf.seed += i;
		side[i].tcp.sndbuf = 4096; /* `writable` is needed */
		host_init(&side[i]);
	}
	written = 0;
	for (uint32_t i = 0; i < TEXT_LEN; i++)
		text[i] = (uint8_t)(i * 7 + i / 256);
	host_listener(&side[1], &l, 80);
	l.syn_cookies = cookies;
	CU_ASSERT_FATAL(tg_engine_listen(side[1].e, &l) >= 0);
	side[1].svc.echo = side[1].svc.close_on_eof = true;
	side[0].svc.on_opened = side[0].svc.on_writable = write_on;
	side[0].svc.on_readable = read_back;
	struct tg_tuple t = {.laddr = side[0].conf.port[0].addr[v6].addr,
			     .raddr = side[1].conf.port[0].addr[v6].addr,
			     .rport = 80};
	uint32_t conn;
	CU_ASSERT_EQUAL_FATAL(
	    tg_engine_connect(side[0].e, &t, &side[0].tcp, &host_service, &side[0].svc, 0, &conn),
	    0);
}

/* What was taken away, to be given back. */
struct starved {
	struct tg_chunks chunks;
	uint32_t conn_max, ipv6_max, ext_max, buf_max, out_max;
};

static void starve(struct host *h, enum pool pool, struct starved *s)
{
	struct tg_engine *e = h->e;

	*s = (struct starved){e->chunks,       e->conf.conn_max, e->conf.ipv6_max,
			      e->conf.ext_max, h->buf_max,       h->out_max};
	switch (pool) {
	case POOL_CONN:
		e->conf.conn_max = e->conn_count;
		break;
	case POOL_EXT:
		e->conf.ext_max = e->ext_used;
		break;
	case POOL_CHUNK: /* those that come back meanwhile may be used again */
		e->chunks.free_n = 0;
		e->chunks.free_head = TG_NONE;
		e->chunks.fresh = e->chunks.n;
		h->unchecked = true;
		break;
	case POOL_BUF:
		e->ops.free_bulk(e->ops.ctx, e->out.spare, e->out.spare_n);
		e->out.spare_n = 0;
		h->buf_max = h->buf_live;
		break;
	case POOL_OUT:
		h->out_max = 0;
		break;
	case POOL_N:
		break;
	}
}

/* Appends the chunks that were hidden to those that came back meanwhile. */
static void give_back(struct host *h, const struct starved *s)
{
	struct tg_engine *e = h->e;
	uint32_t at = e->chunks.free_head;

	e->conf.conn_max = s->conn_max;
	e->conf.ext_max = s->ext_max;
	h->buf_max = s->buf_max;
	h->out_max = s->out_max;
	if (!h->unchecked)
		return;
	e->chunks.free_n += s->chunks.free_n;
	e->chunks.fresh = s->chunks.fresh;
	if (at == TG_NONE) {
		e->chunks.free_head = s->chunks.free_head;
	} else {
		for (uint32_t next;
		     memcpy(&next, tg_chunks_at(&e->chunks, at), 4), next != TG_NONE;)
			at = next;
		memcpy(tg_chunks_at(&e->chunks, at), &s->chunks.free_head, 4);
	}
	h->unchecked = false;
	host_check(h);
}

/* --- events: a frame arrives, or time goes by --- */

static bool deliver(uint32_t to)
{
	struct host_frame f;
	const uint8_t *data = f.data;
	uint32_t buf_max = side[to].buf_max;

	if (!host_next(&side[1 - to], &f))
		return false;
	if (side[to].buf_live >= side[to].buf_max)
		side[to].buf_max = side[to].buf_live + 1; /* the wire's own buffer */
	host_rx(&side[to], &data, &f.len, 1);
	side[to].buf_max = buf_max;
	return true;
}

static uint64_t next_deadline(void)
{
	uint64_t a = tg_engine_next_deadline(side[0].e), b = tg_engine_next_deadline(side[1].e);

	return a < b ? a : b;
}

/* False when nothing will ever happen again. A host that waits for room looks again each
 * millisecond. */
static bool event(void)
{
	if (deliver(1) || deliver(0))
		return true;
	uint64_t next = next_deadline();

	if (next == UINT64_MAX)
		return false;
	uint64_t now = side[0].now_ns;
	static uint32_t stalled;

	stalled = next <= now ? stalled + 1 : 0;
	if (next <= now && stalled > 3)
		next = now + TG_NS_PER_MS;
	for (uint32_t i = 0; i < 2; i++) {
		side[i].now_ns = next > now ? next : now;
		host_tick_once(&side[i], 0);
	}
	return true;
}

/* Starving must have shown: else the test tests nothing. */
static uint64_t shown[POOL_N];

static void note_counters(void)
{
	for (uint32_t i = 0; i < 2; i++) {
		shown[POOL_CONN] +=
		    host_ctr(&side[i], TG_CTR_conn_full) + host_ctr(&side[i], TG_CTR_cookie_sent);
		shown[POOL_EXT] +=
		    host_ctr(&side[i], TG_CTR_ext_full) + host_ctr(&side[i], TG_CTR_ext_wait);
		shown[POOL_CHUNK] += host_ctr(&side[i], TG_CTR_rx_no_buffer);
		shown[POOL_BUF] += host_ctr(&side[i], TG_CTR_tx_deferred);
		shown[POOL_OUT] += host_ctr(&side[i], TG_CTR_tx_deferred) +
				   host_ctr(&side[i], TG_CTR_tx_no_buffer);
	}
}

static void check_end(const char *what, uint32_t k)
{
	bool good = side[0].svc.got_len == TEXT_LEN && memcmp(side[0].svc.got, text, TEXT_LEN) == 0;

	for (uint32_t i = 0; i < 2; i++) {
		struct tg_engine_stats s;
		tg_engine_stats(side[i].e, &s);
		good &= s.conn_count == 0 && s.ext_used == 0 && s.chunk_used == 0 &&
			s.tw_count == 0 && s.timer_count == 0;
		good &= side[i].svc.opened == 1 && side[i].svc.closed == 1;
	}
	if (!good)
		fprintf(stderr, "\n%s, from event %u on: got %u, opened %u %u, closed %u %u\n",
			what, k, side[0].svc.got_len, side[0].svc.opened, side[1].svc.opened,
			side[0].svc.closed, side[1].svc.closed);
	CU_ASSERT(good);
}

static void run(uint32_t who, enum pool pool, uint32_t k, bool v6, uint8_t cookies)
{
	struct starved s = {0};
	uint32_t n = 0;

	begin(v6, cookies);
	for (; n < EVENT_MAX; n++) {
		if (n == k)
			starve(&side[who], pool, &s);
		if (n == k + STARVE_FOR)
			give_back(&side[who], &s);
		if (!event() && (k == NEVER || n > k + STARVE_FOR))
			break;
	}
	CU_ASSERT(n < EVENT_MAX);
	check_end(pool_name[pool], k);
	note_counters();
	host_fini(&side[0]);
	host_fini(&side[1]);
}

static void run_all(uint32_t who, enum pool pool)
{
	for (uint32_t k = 0; k < STEP_MAX; k++) {
		run(who, pool, k, false, TG_COOKIES_OFF);
		run(who, pool, k, true, TG_COOKIES_AUTO);
	}
	CU_ASSERT(who == 0 || shown[pool] > 0);
}

static void test_pair_nothingStarves_allEnds(void)
{
	run(0, POOL_OUT, NEVER, false, TG_COOKIES_OFF);
	run(0, POOL_OUT, NEVER, true, TG_COOKIES_ALWAYS);
}

static void test_anyStep_noConnections_isAsALoss(void)
{
	run_all(0, POOL_CONN);
	run_all(1, POOL_CONN);
}

static void test_anyStep_noExtensions_isAsALoss(void)
{
	run_all(0, POOL_EXT);
	run_all(1, POOL_EXT);
}

static void test_anyStep_noChunks_isAsALoss(void)
{
	run_all(0, POOL_CHUNK);
	run_all(1, POOL_CHUNK);
}

static void test_anyStep_noBuffers_isAsALoss(void)
{
	run_all(0, POOL_BUF);
	run_all(1, POOL_BUF);
}

static void test_anyStep_noRoomInOut_isAsALoss(void)
{
	run_all(0, POOL_OUT);
	run_all(1, POOL_OUT);
}

/* --- the small pools, for good --- */

static struct host h;
static struct host_peer p;

static void test_timeWait_tableOfOne_evictsNearestExpiry(void)
{
	struct host_peer q[2];
	struct host_frame f;
	struct tg_seg seg;

	host_defaults(&h); /* TD-20 */
	h.conf.tw_max = 1;
	host_init(&h);
	host_listen(&h, 80);
	for (uint32_t i = 0; i < 2; i++) {
		host_peer(&q[i], &h, 80, (uint16_t)(5000 + i), false);
		CU_ASSERT(host_handshake(&q[i]));
		tg_conn_close(h.e, h.svc.last);
		host_tick(&h, 1);
		CU_ASSERT(host_expect(&q[i], &seg, &f));
		host_send(&q[i], TG_TCP_FIN | TG_TCP_ACK, NULL, 0);
		CU_ASSERT(host_expect(&q[i], &seg, &f));
	}
	CU_ASSERT_EQUAL(host_state(&q[0]), TG_CLOSED);
	CU_ASSERT_EQUAL(host_state(&q[1]), TG_TIME_WAIT);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_tw_evicted), 1);
	host_fini(&h);
}

/* ADV-91: what TIME-WAIT cannot answer it has not heard: a FIN that comes again restarts nothing,
 * and old text does not use up the challenge. */
static void test_timeWait_noRoomInOut_segmentIsAsLost(void)
{
	struct host_frame f;
	struct tg_seg seg;

	host_begin(&h, &p);
	CU_ASSERT(host_handshake(&p));
	tg_conn_close(h.e, h.svc.last);
	host_tick(&h, 1);
	CU_ASSERT(host_expect(&p, &seg, &f));
	host_send(&p, TG_TCP_FIN | TG_TCP_ACK, NULL, 0);
	CU_ASSERT(host_expect(&p, &seg, &f));
	CU_ASSERT_EQUAL(host_state(&p), TG_TIME_WAIT);
	host_tick(&h, 50000);
	uint32_t room = h.out_max;
	tg_seq fin = tg_seq_sub(p.snd_nxt, 1);

	h.out_max = 0;
	host_raw(&p, TG_TCP_FIN | TG_TCP_ACK, fin, p.rcv_nxt, NULL, 0);
	host_raw(&p, TG_TCP_ACK, tg_seq_sub(fin, 10), p.rcv_nxt, "0123456789", 10);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_tx_no_buffer), 2);
	h.out_max = room;
	host_raw(&p, TG_TCP_ACK, tg_seq_sub(fin, 10), p.rcv_nxt, "0123456789", 10);
	host_expect_ctl(&p, TG_TCP_ACK);
	host_tick(&h, 10001);
	CU_ASSERT_EQUAL(host_state(&p), TG_CLOSED);
	host_end(&h);
}

static void test_connect_noClassLeft_isTold(void)
{
	struct tg_tuple t;
	uint32_t conn, n = 0;
	int rc = 0;

	host_defaults(&h);
	h.conf.conn_max = h.conf.ext_max = 400;
	host_init(&h);
	host_peer(&p, &h, 0, 5000, false);
	for (; n < 400 && rc == 0; n++) {
		t = p.t;
		t.lport = (uint16_t)(2000 + n);
		h.tcp.user_timeout_ms = 1000000 + n; /* each its own */
		rc = tg_engine_connect(h.e, &t, &h.tcp, NULL, NULL, 0, &conn);
	}
	CU_ASSERT_EQUAL(rc, -ENOBUFS);
	CU_ASSERT_EQUAL(n, TG_CONF_MAX + 1);
	host_check(&h);
	t.lport = 1999; /* one that is there already is shared */
	h.tcp.user_timeout_ms = 1000000;
	CU_ASSERT_EQUAL(tg_engine_connect(h.e, &t, &h.tcp, NULL, NULL, 0, &conn), 0);
	tg_engine_abort_all(h.e);
	host_tick(&h, 0);
	host_fini(&h);
}

static void test_listen_table_isFullAndReused(void)
{
	struct tg_listener_conf l;

	host_defaults(&h);
	host_init(&h);
	for (uint32_t i = 0; i < TG_LISTENER_MAX; i++)
		CU_ASSERT_EQUAL(host_listen(&h, (uint16_t)(100 + i)), (int)i);
	CU_ASSERT_EQUAL(host_listen(&h, 99), -ENOSPC);
	CU_ASSERT_EQUAL(host_listen(&h, 100), -EADDRINUSE);
	tg_engine_unlisten(h.e, 7);
	tg_engine_unlisten(h.e, 7);
	host_check(&h);
	CU_ASSERT_EQUAL(host_listen(&h, 99), 7);
	host_listener(&h, &l, 99); /* exact beside wildcard */
	l.addr[0] = h.conf.port[0].addr[0].addr;
	l.addr_n = 1;
	tg_engine_unlisten(h.e, 8);
	CU_ASSERT_EQUAL(tg_engine_listen(h.e, &l), 8);
	CU_ASSERT_EQUAL(tg_engine_listen(h.e, &l), -EADDRINUSE);
	l.addr[0].b[15] = 99;
	CU_ASSERT_EQUAL(tg_engine_listen(h.e, &l), -EADDRNOTAVAIL);
	host_fini(&h);
}

/* A service that wants to write while no extension can be had is told when there is one. */
static void test_service_writeWithoutExtension_writableComes(void)
{
	host_defaults(&h);
	host_init(&h);
	host_listen(&h, 80);
	host_peer(&p, &h, 80, 5000, false);
	CU_ASSERT(host_handshake(&p));
	h.e->conf.ext_max = 0;
	CU_ASSERT_EQUAL(tg_conn_write(h.e, h.svc.last, "x", 1), -ENOBUFS);
	host_tick(&h, 10);
	CU_ASSERT_EQUAL(h.svc.writable, 0);
	CU_ASSERT(tg_engine_next_deadline(h.e) <= h.now_ns + TG_NS_PER_MS);
	h.e->conf.ext_max = 16;
	host_tick(&h, 1);
	CU_ASSERT_EQUAL(h.svc.writable, 1);
	tg_conn_abort(h.e, h.svc.last);
	host_tick(&h, 0);
	host_fini(&h);
}

static void test_service_closeWithoutExtension_finComesLater(void)
{
	struct host_frame f;
	struct tg_seg seg;

	host_defaults(&h);
	host_init(&h);
	host_listen(&h, 80);
	host_peer(&p, &h, 80, 5000, false);
	CU_ASSERT(host_handshake(&p));
	h.e->conf.ext_max = 0;
	tg_conn_close(h.e, h.svc.last);
	CU_ASSERT_EQUAL(h.svc.closed, 1);
	host_tick(&h, 10);
	CU_ASSERT_EQUAL(h.tx_n, 0);
	host_send(&p, TG_TCP_ACK, "x", 1);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_ext_full), 1);
	h.e->conf.ext_max = 16;
	host_raw(&p, TG_TCP_ACK, p.snd_nxt, p.rcv_nxt, NULL, 0);
	CU_ASSERT_EQUAL(h.svc.readable, 0); /* nobody reads any more */
	CU_ASSERT(host_expect(&p, &seg, &f) && (seg.ctl & TG_TCP_FIN));
	CU_ASSERT_EQUAL(h.svc.closed, 1);
	tg_engine_abort_all(h.e);
	host_tick(&h, 0);
	host_fini(&h);
}

static void test_service_closeWaitsThenAbort_nothingIsLeft(void)
{
	host_defaults(&h);
	host_init(&h);
	host_listen(&h, 80);
	host_peer(&p, &h, 80, 5000, false);
	CU_ASSERT(host_handshake(&p));
	h.e->conf.ext_max = 0;
	tg_conn_close(h.e, h.svc.last);
	tg_engine_abort_all(h.e);
	host_tick(&h, 1);
	h.tx_n = 0;
	CU_ASSERT_EQUAL(h.svc.closed, 1);
	CU_ASSERT_EQUAL(tg_engine_next_deadline(h.e), UINT64_MAX);
	host_fini(&h);
}

static void test_service_timerWithoutExtension_fires(void)
{
	host_defaults(&h);
	h.tcp.keepalive = true;
	host_init(&h);
	host_listen(&h, 80);
	host_peer(&p, &h, 80, 5000, false);
	CU_ASSERT(host_handshake(&p));
	h.e->conf.ext_max = h.e->ext_used;
	tg_conn_timer(h.e, h.svc.last, 50);
	h.e->conf.ext_max = 16;
	host_tick(&h, 49);
	CU_ASSERT_EQUAL(h.svc.expired, 0);
	host_tick(&h, 1);
	CU_ASSERT_EQUAL(h.svc.expired, 1);
	tg_conn_abort(h.e, h.svc.last);
	host_tick(&h, 0);
	host_fini(&h);
}

static const struct tg_test tests[] = {
    {"pair_nothingStarves_allEnds", test_pair_nothingStarves_allEnds},
    {"anyStep_noConnections_isAsALoss", test_anyStep_noConnections_isAsALoss},
    {"anyStep_noExtensions_isAsALoss", test_anyStep_noExtensions_isAsALoss},
    {"anyStep_noChunks_isAsALoss", test_anyStep_noChunks_isAsALoss},
    {"anyStep_noBuffers_isAsALoss", test_anyStep_noBuffers_isAsALoss},
    {"anyStep_noRoomInOut_isAsALoss", test_anyStep_noRoomInOut_isAsALoss},
    {"timeWait_tableOfOne_evictsNearestExpiry", test_timeWait_tableOfOne_evictsNearestExpiry},
    {"timeWait_noRoomInOut_segmentIsAsLost", test_timeWait_noRoomInOut_segmentIsAsLost},
    {"connect_noClassLeft_isTold", test_connect_noClassLeft_isTold},
    {"listen_table_isFullAndReused", test_listen_table_isFullAndReused},
    {"service_writeWithoutExtension_writableComes",
     test_service_writeWithoutExtension_writableComes},
    {"service_closeWithoutExtension_finComesLater",
     test_service_closeWithoutExtension_finComesLater},
    {"service_closeWaitsThenAbort_nothingIsLeft", test_service_closeWaitsThenAbort_nothingIsLeft},
    {"service_timerWithoutExtension_fires", test_service_timerWithoutExtension_fires},
};

int main(int argc, char **argv)
{
	return tg_test_main("engine_pools", tests, TG_TEST_N(tests), argc, argv);
}
