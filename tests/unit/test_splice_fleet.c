/* SPDX-License-Identifier: BSD-3-Clause */
/* test_splice_fleet.c: nodes of a fleet before one pool (SC-13, SP-01..SP-04): the SYN to one, the
 * ACK to another, which asks the backend, and keeps what the first has promised, whatever each of
 * them has found out about the backend. */
#include "engine_host.h"
#include "tg_pool.h"

enum { NODES = 2, BPORT = 8080, CTS = 700, BTS = 90000, SYN_ACK = TG_TCP_SYN | TG_TCP_ACK };

static const uint8_t secret[1][TG_COOKIE_SECRET_LEN] = {{1, 2, 3, [31] = 4}};

static struct host node[NODES];
static struct tg_pool_conf pool;
static struct tg_tcp_opts offer; /* of the backend */
static bool v6;

/* --- nodes --- */

static void start_node(uint32_t i, uint8_t cookies)
{
	struct host *h = &node[i];
	struct tg_listener_conf l;

	host_defaults(h);
	h->conf.seed += 1000 + i;
	h->conf.pool_max = 1;
	h->conf.splice_max = 4;
	h->conf.fleet = true;
	h->conf.fleet_skew_ms = 500;
	h->now_ns = (77 + 1234567ull * i) * TG_NS_PER_MS;
	host_init(h);
	tg_engine_set_wall(h->e, 13697671ull * TG_COOKIE_EPOCH_MS + 5000, h->now_ns);
	CU_ASSERT_EQUAL(tg_engine_set_secrets(h->e, secret, 1), 0);
	CU_ASSERT_EQUAL_FATAL(tg_engine_pool_add(h->e, &pool), 0);
	host_listener(h, &l, 80);
	l.service = NULL;
	l.has_pool = true;
	l.syn_cookies = cookies;
	CU_ASSERT_FATAL(tg_engine_listen(h->e, &l) >= 0);
}

static void begin(uint8_t cookies)
{
	pool = (struct tg_pool_conf){.name = "web",
				     .mode = TG_POOL_SNAT,
				     .rise = 1,
				     .fall = 200,
				     .check_ms = 4000,
				     .check_timeout_ms = 500,
				     .backend_n = 1,
				     .key = {3, 4}};
	pool.backend[0] = (struct tg_backend_conf){.port = BPORT, .weight = 1};
	tg_addr_parse(v6 ? "2001:db8::100" : "192.0.2.100", &pool.backend[0].addr);
	offer = (struct tg_tcp_opts){.has_mss = 1,
				     .mss = 1300,
				     .has_sack_perm = 1,
				     .has_ts = 1,
				     .has_wscale = 1,
				     .wscale = 9};
	for (uint32_t i = 0; i < NODES; i++)
		start_node(i, cookies);
}

static void end(void)
{
	for (uint32_t i = 0; i < NODES; i++)
		host_end_all(&node[i]);
}

/* --- the backend, as node i sees it --- */

/* The next segment to it; *q is the backend then. */
static struct tg_seg hear_backend(struct host_peer *q, uint32_t i)
{
	struct host_frame f = {0};
	struct tg_seg seg = {0};
	uint32_t l4 = 14 + (v6 ? TG_IP6_LEN : TG_IP4_LEN);

	CU_ASSERT_FATAL(node[i].tx_n > 0);
	f = node[i].tx[node[i].tx_head];
	host_peer(q, &node[i], tg_be16_get(f.data + l4), BPORT, v6);
	q->t.raddr = pool.backend[0].addr;
	CU_ASSERT_EQUAL_FATAL(tg_be16_get(f.data + l4 + 2), BPORT);
	CU_ASSERT(host_expect(q, &seg, &f));
	return seg;
}

/* A probe is answered, so that node i knows what the backend offers. */
static void learn(uint32_t i)
{
	struct host_peer q;
	struct tg_seg seg;

	for (uint32_t t = 0; t < 200 && node[i].tx_n == 0; t++)
		host_tick(&node[i], 50);
	seg = hear_backend(&q, i);
	q.opts = offer;
	q.opts.tsval = 5;
	q.opts.tsecr = seg.opts.tsval;
	host_raw(&q, SYN_ACK, tg_seq_make(4711), tg_seq_add(seg.seq, 1), NULL, 0);
	host_drain(&node[i]);
}

/* --- one client --- */

/* The SYN at node x, what it promised in *told; the ACK with text at node y. */
static struct host_peer handshake(uint32_t x, uint32_t y, struct tg_seg *told)
{
	struct host_peer p;

	host_peer(&p, &node[x], 80, 5000, v6);
	p.opts = (struct tg_tcp_opts){.has_mss = 1,
				      .mss = 1400,
				      .has_sack_perm = 1,
				      .has_ts = 1,
				      .tsval = CTS,
				      .has_wscale = 1,
				      .wscale = 6};
	host_drain(&node[x]);
	host_drain(&node[y]);
	CU_ASSERT_EQUAL(host_say(&p, TG_TCP_SYN, told), SYN_ACK);
	p.opts = (struct tg_tcp_opts){
	    .has_ts = told->opts.has_ts, .tsval = CTS + 1, .tsecr = told->opts.tsval};
	p.h = &node[y];
	host_send(&p, TG_TCP_ACK | TG_TCP_PSH, "GET /", 5);
	return p;
}

/* The backend answers node y's SYN, and says something; what the client gets of it is in the
 * numbers that x promised. */
static void splice_at(uint32_t y, struct host_peer *p, const struct tg_seg *told)
{
	struct host_peer q, same;
	struct host_frame f;
	struct tg_seg seg = hear_backend(&q, y);

	CU_ASSERT_EQUAL(seg.ctl, TG_TCP_SYN);
	CU_ASSERT_EQUAL(seg.seq.v, 1000); /* the client's own */
	CU_ASSERT_EQUAL(seg.opts.has_ts, told->opts.has_ts);
	CU_ASSERT_EQUAL(seg.opts.has_sack_perm, told->opts.has_sack_perm);
	CU_ASSERT_EQUAL(seg.opts.has_wscale, told->opts.has_wscale);
	q.snd_nxt = tg_seq_make(0xfffffff0);
	q.opts = offer;
	q.opts.tsval = BTS;
	q.opts.tsecr = seg.opts.tsval;
	q.opts.has_ts = told->opts.has_ts;
	host_send(&q, SYN_ACK, NULL, 0);
	seg = hear_backend(&same, y);
	CU_ASSERT_EQUAL(seg.ctl, TG_TCP_ACK | TG_TCP_PSH); /* the held text */
	CU_ASSERT_EQUAL(seg.len, 5);
	/* And to the client the backend's window. */
	for (uint32_t n = 0; node[y].tx_n; n++)
		CU_ASSERT_FATAL(n < 3 && host_next(&node[y], &f));
	q.opts =
	    (struct tg_tcp_opts){.has_ts = told->opts.has_ts, .tsval = BTS + 9, .tsecr = CTS + 1};
	q.rcv_nxt = tg_seq_make(1006);
	host_send(&q, TG_TCP_ACK | TG_TCP_PSH, "page", 4);
	CU_ASSERT_FATAL(host_expect(p, &seg, &f));
	CU_ASSERT_EQUAL(seg.len, 4);
	CU_ASSERT_EQUAL(seg.seq.v, told->seq.v + 1);
	CU_ASSERT_EQUAL(seg.ack.v, 1006);
	CU_ASSERT_EQUAL(seg.opts.tsval, told->opts.has_ts ? told->opts.tsval + 9 : 0);
	host_send(p, TG_TCP_RST, NULL, 0);
	CU_ASSERT_EQUAL(hear_backend(&q, y).ctl, TG_TCP_RST);
}

/* SC-13, SP-04: neither has asked the backend yet, the one, the other, both. */
static void test_pairs_beforeAPool_promiseOfTheOtherIsKept(void)
{
	for (uint32_t i = 0; i < 64; i++) {
		uint32_t x = i & 1, y = i >> 1 & 1;
		struct tg_engine_stats s;
		struct tg_seg told;
		v6 = i & 16;
		begin(i & 32 ? TG_COOKIES_ALWAYS : TG_COOKIES_AUTO);
		if (i & 4)
			learn(x);
		if ((i & 8) && (y != x || !(i & 4)))
			learn(y);
		struct host_peer p = handshake(x, y, &told);
		splice_at(y, &p, &told);
		CU_ASSERT_EQUAL(host_ctr(&node[y], TG_CTR_splice_begun), 1);
		CU_ASSERT_EQUAL(host_ctr(&node[y], TG_CTR_cookie_bad_mac), 0);
		tg_engine_stats(node[y].e, &s);
		CU_ASSERT_EQUAL(s.splice_count, 0);
		end();
	}
}

static const struct tg_test tests[] = {
    {"pairs_beforeAPool_promiseOfTheOtherIsKept", test_pairs_beforeAPool_promiseOfTheOtherIsKept},
};

int main(int argc, char **argv)
{
	return tg_test_main("splice_fleet", tests, TG_TEST_N(tests), argc, argv);
}
