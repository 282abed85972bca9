/* SPDX-License-Identifier: BSD-3-Clause */
#include "world.h"

#include "bench.h"
#include "tg_keys.h"
#include <stdlib.h>

static const uint8_t server_v4[4] = {192, 0, 2, 1};
static const struct tg_mac server_mac = {{2, 0, 0, 0, 0, 1}}, client_mac = {{2, 0, 0, 0, 0, 2}};

/* --- services --- */

static void discard_readable(void *ctx, struct tg_engine *engine, uint32_t conn)
{
	(void)ctx;
	tg_conn_consume(engine, conn, tg_conn_readable(engine, conn));
	if (tg_conn_is_eof(engine, conn))
		tg_conn_close(engine, conn);
}

static void closer_readable(void *ctx, struct tg_engine *engine, uint32_t conn)
{
	(void)ctx;
	tg_conn_consume(engine, conn, tg_conn_readable(engine, conn));
	tg_conn_close(engine, conn);
}

/* A request is answered by itself, run by run: it may stand in two buffers. */
static bool answer(struct tg_engine *engine, uint32_t conn)
{
	bool is_answered = false;
	const uint8_t *bytes;
	uint32_t run;

	while ((bytes = tg_conn_peek(engine, conn, 0, &run))) {
		if (tg_conn_write(engine, conn, bytes, run) != (int32_t)run)
			bench_fail("an answer of %u bytes found no room", run);
		tg_conn_consume(engine, conn, run);
		is_answered = true;
	}
	return is_answered;
}

static void answer_readable(void *ctx, struct tg_engine *engine, uint32_t conn)
{
	(void)ctx;
	answer(engine, conn);
	tg_conn_close(engine, conn);
}

static void later_readable(void *ctx, struct tg_engine *engine, uint32_t conn)
{
	(void)ctx;
	if (!answer(engine, conn))
		tg_conn_close(engine, conn);
}

static const struct tg_service answerer = {.name = "answer", .readable = answer_readable};
static const struct tg_service later = {.name = "later", .readable = later_readable};
static const struct tg_service discard = {.name = "discard", .readable = discard_readable};
static const struct tg_service closer = {.name = "closer", .readable = closer_readable};

/* --- the carrier --- */

/* Frames begin on different lines, as the buffers of a pool do: else they would share few sets of
 * the cache. */
static void buf_pkt(struct world *w, uint32_t b, struct tg_pkt *pkt)
{
	uint32_t colour = (b % 8) * 64;

	*pkt = (struct tg_pkt){
	    .data = w->buf + (size_t)b * WORLD_BUF_LEN + colour,
	    .handle = (void *)(uintptr_t)b,
	    .cap = WORLD_BUF_LEN - 8 * 64,
	};
}

static uint32_t carrier_alloc(void *ctx, struct tg_pkt pkt[], uint32_t n)
{
	struct world *w = ctx;

	if (n > w->free_n)
		n = w->free_n;
	for (uint32_t i = 0; i < n; i++)
		buf_pkt(w, w->free_buf[--w->free_n], &pkt[i]);
	return n;
}

static void carrier_free(void *ctx, const struct tg_pkt pkt[], uint32_t n)
{
	struct world *w = ctx;

	for (uint32_t i = 0; i < n; i++)
		w->free_buf[w->free_n++] = (uint32_t)(uintptr_t)pkt[i].handle;
}

static void carrier_init(struct world *w)
{
	w->buf = bench_alloc((size_t)WORLD_BUF_N * WORLD_BUF_LEN);
	w->free_buf = bench_alloc(WORLD_BUF_N * sizeof(uint32_t));
	for (uint32_t b = WORLD_BUF_N; b > 0; b--)
		w->free_buf[w->free_n++] = b - 1;
}

/* --- the engine --- */

static void fill_conf(struct tg_engine_conf *conf, uint32_t conn_max, uint32_t tw_max,
		      const struct world_ways *ways)
{
	struct tg_port_conf *port = &conf->port[0];

	conf->seed = 1;
	conf->conn_max = conn_max;
	conf->tw_max = tw_max;
	conf->ext_max = 4 * WORLD_BATCH;
	conf->chunk_max = 4 * WORLD_BATCH;
	conf->neigh_max = 64;
	conf->msl_ms = ways->msl_ms ? ways->msl_ms : 30000;
	conf->challenge_ms = 500;
	conf->rst_rate = ways->rst_rate; /* else no limit: clients are many, prefixes few */
	conf->timer_budget = WORLD_BATCH;
	conf->primary = true;
	conf->port_n = 1;
	port->addr[0].addr = tg_addr_from_v4(server_v4);
	port->addr[0].prefix_len = 24;
	port->addr_n = 1;
	port->gateway4 = tg_addr_from_v4((const uint8_t[]){192, 0, 2, 254});
	port->has_gateway4 = true;
	port->mac = server_mac;
	port->mtu = 1500;
	port->tx_ip_csum = port->tx_tcp_csum = ways->csum_out_left;
	port->silent = true;
	port->has_static_neigh = true;
	port->static_neigh = client_mac;
	conf->service[0] = &discard;
	conf->service[1] = &closer;
	conf->service[2] = &answerer;
	conf->service[3] = &later;
	conf->service_n = 4;
}

static void listen_on(struct world *w, uint16_t port, const struct tg_service *service,
		      enum tg_cookie_mode cookies)
{
	static struct tg_settings settings;
	struct tg_listener_conf l = {
	    .port = port,
	    .syn_cookies = (uint8_t)cookies,
	    .backlog = 1u << 30,
	    .synq_high = 1u << 30,
	    .synq_low = 1u << 29,
	    .service = service,
	};

	tg_settings_init(&settings, false);
	l.tcp = settings.tcp;
	l.tcp.delayed_ack_ms = 0; /* so that each segment is answered by an ACK */
	l.tcp.timestamps = !w->ways.no_timestamps;
	l.tcp.sack = !w->ways.no_sack;
	int number = tg_engine_listen(w->engine, &l);

	if (number < 0)
		bench_fail("listen on %u: error %d", port, number);
}

struct world *world_make(uint32_t conn_max, uint32_t tw_max, uint32_t client_n)
{
	return world_make_so(conn_max, tw_max, client_n, &(struct world_ways){0});
}

struct world *world_make_so(uint32_t conn_max, uint32_t tw_max, uint32_t client_n,
			    const struct world_ways *ways)
{
	static struct tg_engine_conf conf;
	struct world *w = bench_alloc(sizeof(*w));
	struct tg_engine_ops ops = {
	    .ctx = w, .alloc_bulk = carrier_alloc, .free_bulk = carrier_free};
	char err[256] = "";

	carrier_init(w);
	w->ways = *ways;
	w->client_n = client_n;
	w->client = bench_alloc(client_n * sizeof(*w->client));
	w->port = WORLD_DISCARD;
	w->now_ns = 1000000 * TG_NS_PER_MS;
	fill_conf(&conf, conn_max, tw_max, ways);
	w->engine = tg_engine_init(bench_alloc(tg_engine_footprint(&conf)), &conf, &ops, w->now_ns,
				   err, sizeof(err));
	if (!w->engine)
		bench_fail("engine: %s", err);
	listen_on(w, WORLD_DISCARD, &discard, TG_COOKIES_OFF);
	listen_on(w, WORLD_CLOSER, &closer, TG_COOKIES_OFF);
	listen_on(w, WORLD_COOKIE, &discard, TG_COOKIES_ALWAYS);
	listen_on(w, WORLD_ANSWER, &answerer, TG_COOKIES_OFF);
	listen_on(w, WORLD_ANSWER_COOKIE, &answerer, TG_COOKIES_ALWAYS);
	listen_on(w, WORLD_ANSWER_LATER, &later, TG_COOKIES_OFF);
	return w;
}

/* --- clients --- */

static uint16_t client_port(uint32_t i)
{
	return (uint16_t)(1024 + (i * 7919 & 0x7fff));
}

static void client_addr(uint32_t i, uint8_t v4[4])
{
	tg_be32_put(v4, 10u << 24 | i);
}

static void fill_seg(const struct world *w, uint32_t i, uint8_t ctl, uint32_t text_len,
		     struct tg_seg *seg)
{
	const struct world_client *c = &w->client[i];

	*seg = (struct tg_seg){
	    .seq = tg_seq_make(c->snd_nxt),
	    .ack = tg_seq_make(ctl & TG_TCP_ACK ? c->rcv_nxt : 0),
	    .len = text_len,
	    .wnd = 64240,
	    .ctl = ctl,
	    .sport = client_port(i),
	    .dport = w->port,
	    .opts = {.has_ts = 1,
		     .tsval = (uint32_t)(w->now_ns / TG_NS_PER_MS),
		     .tsecr = ctl & TG_TCP_ACK ? c->ts_recent : 0},
	};
	if (w->ways.no_timestamps)
		seg->opts = (struct tg_tcp_opts){0};
	if (ctl & TG_TCP_SYN) {
		seg->opts.has_mss = seg->opts.has_wscale = 1;
		seg->opts.has_sack_perm = !w->ways.no_sack;
		seg->opts.mss = 1460;
		seg->opts.wscale = 7;
	}
}

void world_add(struct world *w, uint32_t i, uint8_t ctl, uint32_t text_len)
{
	struct tg_eth eth = {.dst = server_mac, .src = client_mac, .type = TG_ETHERTYPE_IP4};
	struct tg_ip ip = {.proto = TG_PROTO_TCP, .ttl = 64};
	struct tg_pkt *pkt = &w->in[w->in_n++];
	struct tg_seg seg;
	uint8_t v4[4], *p;
	uint32_t hdr_len;

	if (w->in_n > WORLD_BATCH || carrier_alloc(w, pkt, 1) == 0)
		bench_fail("batch too large, or buffers lost");
	fill_seg(w, i, ctl, text_len, &seg);
	client_addr(i, v4);
	ip.src = tg_addr_from_v4(v4);
	ip.dst = tg_addr_from_v4(server_v4);
	hdr_len = tg_tcp_hdr_len(&seg.opts, ctl & TG_TCP_SYN);
	p = pkt->data;
	p += tg_eth_emit(p, &eth);
	p += tg_ip4_emit(p, &ip, hdr_len + text_len, false);
	tg_tcp_emit(p, &seg);
	memset(p + hdr_len, 'x', text_len);
	tg_tcp_csum_put(p, hdr_len + text_len, &ip.src, &ip.dst, false);
	pkt->len = (uint32_t)(p - pkt->data) + hdr_len + text_len;
	if (w->ways.csum_in_trusted)
		pkt->l3_csum = pkt->l4_csum = TG_CSUM_GOOD;
	w->client[i].snd_nxt += tg_seg_len(&seg);
}

/* Takes what a packet of the server says to its client. */
static void take(struct world *w, const struct tg_pkt *pkt)
{
	struct tg_eth eth;
	struct tg_ip ip;
	struct tg_seg seg;
	const uint8_t *p = pkt->data;
	bool is_left = pkt->tx_flags & TG_TX_TCP_CSUM;

	if (is_left && !w->ways.csum_out_left)
		bench_fail("the engine left a checksum to one who cannot");
	if (tg_eth_parse(p, pkt->len, &eth) || eth.type != TG_ETHERTYPE_IP4 ||
	    tg_ip4_parse(p + eth.hdr_len, pkt->len - eth.hdr_len, !is_left, &ip))
		bench_fail("the engine sent something that is no IPv4 packet");
	p += eth.hdr_len + ip.hdr_len;
	if ((!is_left && !tg_tcp_csum_ok(p, ip.payload_len, &ip.src, &ip.dst)) ||
	    tg_tcp_parse(p, ip.payload_len, &seg))
		bench_fail("the engine sent something that is no TCP segment");
	uint32_t i = tg_be32_get(ip.dst.b + 12) & 0xffffff;

	if (i >= w->client_n)
		bench_fail("the engine sent to nobody");
	w->client[i].rcv_nxt = seg.seq.v + tg_seg_len(&seg);
	if (seg.opts.has_ts)
		w->client[i].ts_recent = seg.opts.tsval;
}

/* --- running --- */

/* One burst in, and what is due: the worker's loop without its devices. */
static void run_burst(struct world *w, uint32_t first)
{
	uint32_t n = w->in_n - first < WORLD_BURST ? w->in_n - first : WORLD_BURST;

	w->now_ns += 1000;
	w->out_n += tg_engine_rx(w->engine, w->in + first, n, w->out + w->out_n,
				 WORLD_OUT_MAX - w->out_n, w->now_ns);
	if (tg_engine_next_deadline(w->engine) <= w->now_ns)
		w->out_n += tg_engine_tick(w->engine, w->out + w->out_n, WORLD_OUT_MAX - w->out_n,
					   w->now_ns);
}

uint32_t world_run(struct world *w, bool is_measured)
{
	uint32_t n;

	if (is_measured)
		bench_start();
	for (uint32_t i = 0; i < w->in_n; i += WORLD_BURST)
		run_burst(w, i);
	if (is_measured)
		bench_stop();
	for (uint32_t i = 0; i < w->out_n; i++)
		take(w, &w->out[i]);
	carrier_free(w, w->out, w->out_n);
	n = w->out_n;
	w->in_n = w->out_n = 0;
	return n;
}

/* One segment of each of clients [from, to), in batches. */
static void all(struct world *w, uint32_t from, uint32_t to, uint8_t ctl)
{
	for (uint32_t i = from; i < to; i++) {
		if (ctl == TG_TCP_SYN) /* a new connection begins well above the old one */
			w->client[i].snd_nxt += 1000000;
		world_add(w, i, ctl, 0);
		if (w->in_n == WORLD_BATCH)
			world_run(w, false);
	}
	world_run(w, false);
}

void world_open(struct world *w, uint32_t from, uint32_t to)
{
	all(w, from, to, TG_TCP_SYN);
	all(w, from, to, TG_TCP_ACK);
}

void world_reset(struct world *w, uint32_t from, uint32_t to)
{
	all(w, from, to, TG_TCP_RST);
}

void world_sleep(struct world *w, uint64_t ms)
{
	uint64_t end = w->now_ns + ms * TG_NS_PER_MS;

	while (w->now_ns < end) {
		uint64_t next = tg_engine_next_deadline(w->engine);

		w->now_ns = next < w->now_ns ? w->now_ns : next < end ? next : end;
		w->out_n = tg_engine_tick(w->engine, w->out, WORLD_OUT_MAX, w->now_ns);
		world_run(w, false);
		if (next > end)
			break;
	}
	w->now_ns = end;
}

void world_check(const struct world *w, const char *where, enum tg_tcp_state state, uint32_t expect)
{
	struct tg_engine_stats stats;

	tg_engine_stats(w->engine, &stats);
	if (stats.state[state] != expect)
		bench_fail("%s: %u connections in %s, expected %u", where, stats.state[state],
			   tg_tcp_state_name(state), expect);
	/* The engine keeps a burst of spare ones. */
	if (w->free_n + TG_BURST_MAX < WORLD_BUF_N)
		bench_fail("%s: %u buffers are lost", where, WORLD_BUF_N - w->free_n);
}
