/* SPDX-License-Identifier: BSD-3-Clause */
/* pool_farm.h: an engine with a pool, and a farm that answers for all its backends, each as it is
 * told to. */
#ifndef POOL_FARM_H
#define POOL_FARM_H

#include "engine_host.h"
#include "pool.h"
#include "tg_pool.h"

enum { CHECK = 100, TIMEOUT = 60, STEP = 5 };

enum mood { ANSWERS = 0, REFUSES, SILENT };

static struct host h;
static struct tg_pool_conf conf;
static struct tg_tuple client;
static int pool;
/* By the last byte of a backend's address. */
static enum mood mood[256];
static struct tg_tcp_opts offer[256];
static uint32_t asked[256], reset[256];
static uint32_t down_n;
static bool routed; /* the next engine looks for its ways */
static uint8_t down_last;

static struct tg_addr backend_addr(uint8_t last, bool v6)
{
	struct tg_addr a;

	tg_addr_parse(v6 ? "2001:db8::1" : "192.0.2.1", &a);
	a.b[15] = last;
	return a;
}

static void add_backend(uint8_t last, bool v6, uint16_t weight)
{
	conf.backend[conf.backend_n++] = (struct tg_backend_conf){
	    .addr = backend_addr(last, v6), .port = 8080, .weight = weight};
}

static void on_down(struct tg_engine *e, int n, uint8_t backend)
{
	CU_ASSERT_PTR_EQUAL(e, h.e);
	CU_ASSERT_EQUAL(n, pool);
	down_n++;
	down_last = backend;
}

/* An engine with room for pools, and a configuration of n backends 192.0.2.100 and up. */
static void begin(uint8_t n)
{
	memset(mood, 0, sizeof(mood));
	memset(asked, 0, sizeof(asked));
	memset(reset, 0, sizeof(reset));
	down_n = 0;
	for (int i = 0; i < 256; i++)
		offer[i] = (struct tg_tcp_opts){.mss = 1460,
						.has_mss = 1,
						.has_sack_perm = 1,
						.has_ts = 1,
						.has_wscale = 1,
						.wscale = 7};
	host_defaults(&h);
	h.conf.pool_max = 2;
	h.conf.port[0].has_static_neigh = !routed;
	host_init(&h);
	tg_pools_set_on_down(h.e, on_down);
	conf = (struct tg_pool_conf){.name = "web",
				     .check_ms = CHECK,
				     .check_timeout_ms = TIMEOUT,
				     .rise = 2,
				     .fall = 3,
				     .key = {1, 2}};
	for (uint8_t i = 0; i < n; i++)
		add_backend((uint8_t)(100 + i), false, 10);
	client = (struct tg_tuple){.laddr = h.conf.port[0].addr[0].addr, .lport = 80};
	tg_addr_parse("198.51.100.7", &client.raddr);
	client.rport = 40000;
}

static void start(uint8_t n)
{
	begin(n);
	pool = tg_engine_pool_add(h.e, &conf);
	CU_ASSERT_EQUAL_FATAL(pool, 0);
}

/* What a backend says to the frame that it gets. */
static void answer(const struct host_frame *f)
{
	struct tg_eth eth;
	struct tg_ip ip;
	struct tg_seg seg;
	struct host_peer p;

	CU_ASSERT_EQUAL_FATAL(tg_eth_parse(f->data, f->len, &eth), TG_CTR_NONE);
	const uint8_t *l3 = f->data + eth.hdr_len;
	bool v6 = eth.type == TG_ETHERTYPE_IP6;
	uint32_t len = f->len - eth.hdr_len;
	enum tg_ctr bad = v6 ? tg_ip6_parse(l3, len, &ip) : tg_ip4_parse(l3, len, true, &ip);

	CU_ASSERT_EQUAL_FATAL(bad, TG_CTR_NONE);
	CU_ASSERT_EQUAL_FATAL(tg_tcp_parse(l3 + ip.hdr_len, ip.payload_len, &seg), TG_CTR_NONE);
	uint8_t last = ip.dst.b[15];

	host_peer(&p, &h, seg.sport, seg.dport, v6);
	p.t.raddr = ip.dst;
	p.opts = offer[last];
	p.opts.tsval = 77;
	p.opts.tsecr = seg.opts.tsval;
	if (seg.ctl == TG_TCP_SYN) {
		asked[last]++;
		CU_ASSERT(seg.opts.has_ts && seg.opts.has_sack_perm && seg.opts.has_wscale);
		tg_seq ack = tg_seq_add(seg.seq, 1);
		if (mood[last] == ANSWERS)
			host_raw(&p, TG_TCP_SYN | TG_TCP_ACK, tg_seq_make(5000), ack, NULL, 0);
		if (mood[last] == REFUSES)
			host_raw(&p, TG_TCP_RST | TG_TCP_ACK, tg_seq_make(0), ack, NULL, 0);
		return;
	}
	/* The end of a good probe, and nothing else: the application hears nothing of it. */
	CU_ASSERT(seg.ctl & TG_TCP_RST);
	CU_ASSERT_EQUAL(seg.len, 0);
	reset[last]++;
}

static void run(uint64_t ms)
{
	struct host_frame f;

	for (uint64_t t = 0; t < ms; t += STEP) {
		host_tick(&h, STEP);
		while (host_next(&h, &f))
			answer(&f);
	}
}

__attribute__((unused)) static struct tg_backend_sight see(uint8_t last)
{
	static struct tg_pool_sight sight;
	const struct tg_backend_sight none = {0};

	tg_engine_pool_see(h.e, pool, &sight);
	for (uint32_t i = 0; i < sight.backend_n; i++)
		if (sight.backend[i].conf.addr.b[15] == last)
			return sight.backend[i];
	return none;
}

/* No pool may keep an engine from its end: no connections, no timers, nothing to do. */
static void end(void)
{
	struct tg_engine_stats s;
	struct host_frame f;

	tg_engine_drain(h.e);
	host_tick(&h, 1000);
	while (host_next(&h, &f)) {
	}
	tg_engine_stats(h.e, &s);
	CU_ASSERT_EQUAL(s.conn_count, 0);
	CU_ASSERT_EQUAL(s.tw_count, 0);
	CU_ASSERT_EQUAL(s.timer_count, 0);
	CU_ASSERT_EQUAL(tg_engine_next_deadline(h.e), UINT64_MAX);
	host_fini(&h);
}

#endif
