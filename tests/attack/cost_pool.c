/* SPDX-License-Identifier: BSD-3-Clause */
/* cost_pool.c: an engine with a pool, on a carrier of a few buffers. */
#include "cost_pool.h"

#include "tg_engine.h"
#include "tg_pool.h"
#include "tg_wire.h"
#include <stdio.h>
#include <stdlib.h>

enum { BUFS = 256, BUF_LEN = 2048, OUT_MAX = 64, STEP_NS = 10000 };
enum { IRS = 1000, CPORT = 40000, VPORT = 80, BPORT = 8080 };
enum { ISN_MAC_LOW = 6, TS_MAC_LOW = 6, TS_MAC_BITS = 11 };

struct end {
	struct tg_addr addr, peer;
	uint16_t port, peer_port;
};

struct cost_pool {
	struct tg_engine_conf conf;
	struct tg_engine *e;
	void *mem;
	uint64_t now_ns, shots;
	uint8_t (*buf)[BUF_LEN];
	uint8_t *free[BUFS];
	uint32_t free_n;
	struct end client, backend;
	bool v6;
	struct tg_seg told;  /* the SYN-ACK to the client */
	struct tg_seg heard; /* the last segment that the engine sent */
};

static const struct tg_mac ours = {{2, 0, 0, 0, 0, 1}}, theirs = {{2, 0, 0, 0, 0, 2}};

/* --- the carrier --- */

static uint32_t alloc_bulk(void *ctx, struct tg_pkt pkt[], uint32_t n)
{
	struct cost_pool *p = ctx;
	uint32_t got = 0;

	for (; got < n && p->free_n; got++) {
		pkt[got] = (struct tg_pkt){.cap = BUF_LEN};
		pkt[got].data = pkt[got].handle = p->free[--p->free_n];
	}
	return got;
}

static void free_bulk(void *ctx, const struct tg_pkt pkt[], uint32_t n)
{
	struct cost_pool *p = ctx;

	for (uint32_t i = 0; i < n; i++)
		p->free[p->free_n++] = pkt[i].handle;
}

static void hear(struct cost_pool *p, const struct tg_pkt out[], uint32_t n)
{
	uint32_t l3 = p->v6 ? TG_IP6_LEN : TG_IP4_LEN;

	for (uint32_t i = 0; i < n; i++) {
		tg_tcp_parse(out[i].data + TG_ETH_LEN + l3, out[i].len - TG_ETH_LEN - l3,
			     &p->heard);
		p->heard.text = NULL;
	}
	free_bulk(p, out, n);
}

static void pass(struct cost_pool *p, uint64_t ms)
{
	struct tg_pkt out[OUT_MAX];

	p->now_ns += ms * TG_NS_PER_MS;
	hear(p, out, tg_engine_tick(p->e, out, OUT_MAX, p->now_ns));
}

static void say(struct cost_pool *p, const struct end *from, struct tg_seg *seg)
{
	struct tg_eth eth = {
	    .dst = ours, .src = theirs, .type = p->v6 ? TG_ETHERTYPE_IP6 : TG_ETHERTYPE_IP4};
	struct tg_ip ip = {
	    .src = from->addr, .dst = from->peer, .proto = TG_PROTO_TCP, .ttl = 64, .v6 = p->v6};
	uint32_t l3 = p->v6 ? TG_IP6_LEN : TG_IP4_LEN, l4;
	struct tg_pkt in = {0}, out[OUT_MAX];

	if (alloc_bulk(p, &in, 1) != 1)
		exit(1); /* a buffer was lost */
	seg->sport = from->port;
	seg->dport = from->peer_port;
	seg->wnd = 60000;
	uint8_t *tcp = in.data + tg_eth_emit(in.data, &eth) + l3;

	l4 = tg_tcp_emit(tcp, seg);
	tg_tcp_csum_put(tcp, l4, &ip.src, &ip.dst, false);
	if (p->v6)
		tg_ip6_emit(in.data + TG_ETH_LEN, &ip, l4, 0);
	else
		tg_ip4_emit(in.data + TG_ETH_LEN, &ip, l4, false);
	in.len = TG_ETH_LEN + l3 + l4;
	p->now_ns += STEP_NS;
	hear(p, out, tg_engine_rx(p->e, &in, 1, out, OUT_MAX, p->now_ns));
}

/* --- the engine --- */

static void configure(struct cost_pool *p)
{
	struct tg_port_conf *port = &p->conf.port[0];

	p->conf = (struct tg_engine_conf){.seed = 1,
					  .conn_max = 32,
					  .ipv6_max = 16,
					  .tw_max = 16,
					  .ext_max = 16,
					  .chunk_max = 256,
					  .neigh_max = 16,
					  .splice_max = 16,
					  .pool_max = 1,
					  .splice_idle_ms = 3600000,
					  .msl_ms = 30000,
					  .challenge_ms = 500,
					  .timer_budget = 256,
					  .primary = true,
					  .port_n = 1};
	tg_addr_parse("192.0.2.1", &port->addr[0].addr);
	tg_addr_parse("2001:db8::1", &port->addr[1].addr);
	port->addr[0].prefix_len = 24;
	port->addr[1].prefix_len = 64;
	port->addr_n = 2;
	port->mac = ours;
	port->mtu = 1500;
	port->silent = true;
	port->has_static_neigh = true;
	port->static_neigh = theirs;
}

static void begin_engine(struct cost_pool *p)
{
	static const uint8_t secret[TG_COOKIE_SECRET_MAX][TG_COOKIE_SECRET_LEN] = {"first",
										   "second"};
	struct tg_engine_ops ops = {.ctx = p, .alloc_bulk = alloc_bulk, .free_bulk = free_bulk};
	size_t size = tg_engine_footprint(&p->conf);
	char err[200] = "";

	p->mem = aligned_alloc(64, size);
	memset(p->mem, 0, size);
	p->e = tg_engine_init(p->mem, &p->conf, &ops, p->now_ns, err, sizeof(err));
	if (!p->e || tg_engine_set_secrets(p->e, secret, TG_COOKIE_SECRET_MAX) != 0) {
		fprintf(stderr, "cost: %s\n", err);
		exit(1);
	}
}

/* The backend answers its probe with all options. */
static void add_pool(struct cost_pool *p)
{
	struct tg_pool_conf pool = {.name = "web",
				    .mode = TG_POOL_SNAT,
				    .rise = 1,
				    .fall = 2,
				    .check_ms = 40000000,
				    .check_timeout_ms = 20000,
				    .backend_n = 1,
				    .key = {3, 4}};

	pool.backend[0] =
	    (struct tg_backend_conf){.addr = p->backend.addr, .port = BPORT, .weight = 1};
	if (tg_engine_pool_add(p->e, &pool) != 0)
		exit(1);
	p->heard.ctl = 0;
	for (int i = 0; i < 10000 && p->heard.ctl != TG_TCP_SYN; i++)
		pass(p, 5000);
	struct tg_seg answer = {.ctl = TG_TCP_SYN | TG_TCP_ACK, .ack = tg_seq_add(p->heard.seq, 1)};

	p->backend.peer_port = p->heard.sport;
	answer.opts = (struct tg_tcp_opts){.has_mss = 1,
					   .mss = 1460,
					   .has_sack_perm = 1,
					   .has_wscale = 1,
					   .wscale = 7,
					   .has_ts = 1,
					   .tsval = 9,
					   .tsecr = p->heard.opts.tsval};
	say(p, &p->backend, &answer);
}

static void listen(struct cost_pool *p)
{
	struct tg_listener_conf l = {.port = VPORT,
				     .syn_cookies = TG_COOKIES_ALWAYS,
				     .backlog = 64,
				     .synq_high = 16,
				     .synq_low = 12,
				     .has_pool = true,
				     .tcp = {.timestamps = true,
					     .sack = true,
					     .window_scale = 7,
					     .synack_retries = 5,
					     .mss_min = 216,
					     .ttl = 64,
					     .rcvbuf = 65536,
					     .sndbuf = 65536,
					     .rto_min_ms = 200,
					     .linger_ms = -1}};

	if (tg_engine_listen(p->e, &l) < 0)
		exit(1);
}

static void send_syn(struct cost_pool *p)
{
	struct tg_seg syn = {.seq = tg_seq_make(IRS), .ctl = TG_TCP_SYN};

	syn.opts = (struct tg_tcp_opts){.has_mss = 1,
					.mss = 1460,
					.has_sack_perm = 1,
					.has_wscale = 1,
					.wscale = 7,
					.has_ts = 1,
					.tsval = 500};
	say(p, &p->client, &syn);
	p->told = p->heard;
}

struct cost_pool *cost_pool_init(bool v6)
{
	struct cost_pool *p = calloc(1, sizeof(*p));

	p->v6 = v6;
	p->now_ns = 1000 * TG_NS_PER_MS;
	p->buf = malloc(BUFS * sizeof(*p->buf));
	for (uint32_t i = 0; i < BUFS; i++)
		p->free[p->free_n++] = p->buf[i];
	configure(p);
	p->client =
	    (struct end){.peer = p->conf.port[0].addr[v6].addr, .port = CPORT, .peer_port = VPORT};
	p->backend = (struct end){.peer = p->conf.port[0].addr[v6].addr, .port = BPORT};
	tg_addr_parse(v6 ? "2001:db8:9::7" : "198.51.100.7", &p->client.addr);
	tg_addr_parse(v6 ? "2001:db8::11" : "192.0.2.11", &p->backend.addr);
	begin_engine(p);
	add_pool(p);
	listen(p);
	send_syn(p);
	return p;
}

void cost_pool_fini(struct cost_pool *p)
{
	tg_engine_fini(p->e);
	free(p->mem);
	free(p->buf);
	free(p);
}

/* Parity, MSS and options are as they were: the MAC is all that is asked. */
void cost_pool_shoot(struct cost_pool *p, uint64_t random)
{
	struct tg_seg seg = {.seq = tg_seq_make(IRS + 1), .ctl = TG_TCP_ACK};
	uint32_t isn = p->told.seq.v ^ (1u << ISN_MAC_LOW << random % (32 - ISN_MAC_LOW));

	seg.ack = tg_seq_make(isn + 1);
	seg.opts.has_ts = 1;
	seg.opts.tsval = 501;
	seg.opts.tsecr = p->told.opts.tsval ^ (1u << TS_MAC_LOW << random / 64 % TS_MAC_BITS);
	say(p, &p->client, &seg);
	p->shots++;
}

bool cost_pool_is_right(const struct cost_pool *p)
{
	const struct tg_counters *c = tg_engine_counters(p->e);
	struct tg_engine_stats s;

	tg_engine_stats(p->e, &s);
	return (p->told.ctl & TG_TCP_SYN) && p->told.opts.has_ts && p->told.opts.has_wscale &&
	       c->v[TG_CTR_cookie_bad_mac] == p->shots && s.conn_count == 0 && s.splice_count == 0;
}
