/* SPDX-License-Identifier: BSD-3-Clause */
/* test_engine_random.c: two engines with small pools over a link that loses, repeats and reorders,
 * and services that do anything at any time: the invariants hold after each event, no service is
 * called out of turn, and in the end everything is given back. */
#include "engine_host.h"
#include "tg_rng.h"

enum { STEP_N = 2500, LINK_MAX = 64, CONN_N = 24 };

/* A service with its book: which of its connections live. */
struct book {
	struct tg_engine *e;
	bool lives[CONN_N]; /* from connect or `opened` to `closed` */
	uint32_t depth;
};

static struct host side[2];
static struct book book[2];
static struct tg_rng rng;
static struct host_frame link_frame[LINK_MAX];
static uint32_t link_to[LINK_MAX], link_n;

static uint32_t below(uint32_t n)
{
	return tg_rng_below(&rng, n);
}

/* --- anything, to any connection --- */

static void write_some(struct book *b, uint32_t conn)
{
	static const uint8_t text[3000];

	tg_conn_write(b->e, conn, text, 1 + below(sizeof(text) - 1));
}

static void read_some(struct book *b, uint32_t conn)
{
	uint32_t n = tg_conn_readable(b->e, conn), run;

	if (!n)
		return;
	const uint8_t *p = tg_conn_peek(b->e, conn, below(n), &run);
	CU_ASSERT_FATAL(p != NULL && run > 0);
	tg_conn_consume(b->e, conn, 1 + below(n));
}

static void act_on(struct book *b, uint32_t conn)
{
	switch (below(16)) {
	case 0:
		tg_conn_close(b->e, conn);
		break;
	case 1:
		if (below(3) == 0)
			tg_conn_abort(b->e, conn);
		break;
	case 2:
		tg_conn_shutdown(b->e, conn);
		break;
	case 3:
		tg_conn_timer(b->e, conn, below(200));
		break;
	case 4:
		tg_conn_kick(b->e, conn);
		break;
	case 5:
		if (below(4) == 0 && tg_engine_own_conf(b->e, conn))
			tg_engine_own_conf(b->e, conn)->nodelay = true;
		break;
	case 6:
	case 7:
	case 8:
		write_some(b, conn);
		break;
	default:
		read_some(b, conn);
		break;
	}
}

static void act_somewhere(struct book *b)
{
	uint32_t conn = below(CONN_N);

	if (b->depth < 4 && b->lives[conn])
		act_on(b, conn);
}

static const struct tg_service any_service;

static void connect_one(struct book *b)
{
	uint32_t who = (uint32_t)(b - book), conn;
	struct tg_tuple t = {.laddr = side[who].conf.port[0].addr[below(2)].addr, .rport = 80};
	uint32_t v6 = !tg_addr_is_v4(&t.laddr);

	t.raddr = side[1 - who].conf.port[0].addr[v6].addr;
	t.lport = (uint16_t)(below(2) ? 0 : 1030 + below(6)); /* some again and again */
	if (tg_engine_connect(b->e, &t, &side[who].tcp, &any_service, b, 0, &conn))
		return;
	CU_ASSERT_FATAL(conn < CONN_N && !b->lives[conn]);
	b->lives[conn] = true;
}

/* --- the service --- */

static void any_call(void *ctx, struct tg_engine *e, uint32_t conn)
{
	struct book *b = ctx;

	CU_ASSERT_FATAL(b->lives[conn]);
	b->depth++;
	for (uint32_t i = below(3); i && b->lives[conn]; i--)
		act_on(b, conn);
	act_somewhere(b);
	b->depth--;
}

static void on_opened(void *ctx, struct tg_engine *e, uint32_t conn)
{
	struct book *b = ctx;

	b->lives[conn] = true;
	any_call(ctx, e, conn);
}

static void on_closed(void *ctx, struct tg_engine *e, uint32_t conn, enum tg_close_reason reason)
{
	struct book *b = ctx;

	CU_ASSERT_FATAL(b->lives[conn]);
	b->lives[conn] = false;
	CU_ASSERT(tg_conn_write(e, conn, "x", 1) < 0 || below(2)); /* allowed, and useless */
	read_some(b, conn);
	b->depth++;
	act_somewhere(b);
	if (b->depth < 3 && below(4) == 0)
		connect_one(b);
	b->depth--;
}

static void on_urgent(void *ctx, struct tg_engine *e, uint32_t conn)
{
	any_call(ctx, e, conn);
}

static const struct tg_service any_service = {
    .name = "any",
    .opened = on_opened,
    .readable = any_call,
    .writable = any_call,
    .expired = any_call,
    .closed = on_closed,
    .urgent = on_urgent,
};

/* --- the link --- */

static void to_link(uint32_t from)
{
	struct host_frame f;

	while (host_next(&side[from], &f)) {
		for (uint32_t copies = below(10) == 0   ? 0
				       : below(10) == 0 ? 2
							: 1;
		     copies; copies--) {
			if (link_n == LINK_MAX)
				return;
			link_frame[link_n] = f;
			link_to[link_n++] = 1 - from;
		}
	}
}

/* A burst of what is on the way to that side, some of it out of order. */
static void from_link(uint32_t to)
{
	static struct host_frame burst[LINK_MAX];
	const uint8_t *at[LINK_MAX];
	uint32_t len[LINK_MAX], n = 0;

	for (uint32_t i = 0; i < link_n && n < 32;) {
		if (link_to[i] != to || below(8) == 0) {
			i++;
			continue;
		}
		burst[n] = link_frame[i];
		at[n] = burst[n].data;
		len[n] = burst[n].len;
		n++;
		link_n--;
		memmove(&link_frame[i], &link_frame[i + 1], (link_n - i) * sizeof(link_frame[0]));
		memmove(&link_to[i], &link_to[i + 1], (link_n - i) * sizeof(link_to[0]));
	}
	if (n)
		host_rx(&side[to], at, len, n);
}

/* --- one world --- */

static void begin(uint32_t who)
{
	struct host *h = &side[who];
	struct tg_port_conf *p = &h->conf.port[0];
	struct tg_listener_conf l;

	host_defaults(h);
	p->mac.b[5] = (uint8_t)(who + 1);
	p->static_neigh.b[5] = (uint8_t)(2 - who);
	p->addr[0].addr.b[15] = p->addr[1].addr.b[15] = (uint8_t)(who + 1);
	h->conf.seed = tg_rng_next(&rng);
	h->conf.conn_max = CONN_N;
	h->conf.ext_max = 4 + below(CONN_N);
	h->conf.chunk_max = 6 + below(40);
	h->conf.tw_max = 1 + below(16);
	h->conf.timer_budget = 1 + below(8);
	h->conf.msl_ms = 500;
	h->conf.rst_rate = below(2) ? 0 : 50;
	h->tcp.fin_wait_2_ms = 1000;
	h->tcp.user_timeout_ms = 5000;
	h->tcp.keepalive = below(2);
	h->tcp.keepalive_idle_ms = 300;
	h->tcp.keepalive_interval_ms = 100;
	h->tcp.sndbuf = 128 + below(8000);
	h->tcp.rcvbuf = 128 + below(8000);
	h->tcp.timestamps = below(2);
	host_init(h);
	book[who] = (struct book){.e = h->e};
	host_listener(h, &l, 80);
	l.syn_cookies = (uint8_t)below(3);
	l.synq_high = 4;
	l.synq_low = 2;
	l.service = &any_service;
	l.service_ctx = &book[who];
	CU_ASSERT_FATAL(tg_engine_listen(h->e, &l) == 0);
}

static void step(void)
{
	uint32_t who = below(2);
	struct host *h = &side[who];

	h->out_max = below(8) == 0 ? below(3) : 64;
	switch (below(8)) {
	case 0:
		connect_one(&book[who]);
		break;
	case 1:
		act_somewhere(&book[who]);
		break;
	case 2:
		side[0].now_ns += below(200000) * 1000ull;
		side[1].now_ns = side[0].now_ns;
		break;
	case 3:
	case 4:
		host_tick_once(h, 0);
		break;
	default:
		from_link(who);
		break;
	}
	host_check(h);
	to_link(who);
}

static void end(uint32_t who)
{
	struct host *h = &side[who];
	struct tg_engine_stats s;

	h->out_max = 2 * TG_BURST_MAX;
	if (below(2)) {
		tg_engine_drain(h->e);
		host_tick_once(h, 10);
		h->tx_n = 0;
	}
	tg_engine_abort_all(h->e);
	for (uint32_t i = 0; i < 60; i++) {
		host_tick_once(h, 50);
		h->tx_n = 0;
	}
	tg_engine_stats(h->e, &s);
	CU_ASSERT_EQUAL(s.conn_count, 0);
	CU_ASSERT_EQUAL(s.ext_used, 0);
	CU_ASSERT_EQUAL(s.chunk_used, 0);
	CU_ASSERT_EQUAL(s.timer_count, 0);
	CU_ASSERT_EQUAL(s.tw_count, 0);
	for (uint32_t i = 0; i < CONN_N; i++)
		CU_ASSERT(!book[who].lives[i]);
	host_fini(h);
}

static void run(uint64_t seed)
{
	tg_rng_init(&rng, seed);
	link_n = 0;
	begin(0);
	begin(1);
	for (uint32_t i = 0; i < STEP_N; i++)
		step();
	end(0);
	end(1);
}

static void test_anyState_anyEvents_invariantsHold(void)
{
	for (uint64_t i = 0; i < 12; i++)
		run(tg_test_seed + i);
}

static const struct tg_test tests[] = {
    {"anyState_anyEvents_invariantsHold", test_anyState_anyEvents_invariantsHold},
};

int main(int argc, char **argv)
{
	return tg_test_main("engine_random", tests, TG_TEST_N(tests), argc, argv);
}
