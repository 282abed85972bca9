/* SPDX-License-Identifier: BSD-3-Clause */
#include "mass_world.h"

#include "tg_keys.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

enum { CLIENT_PORT_LOW = 1024, SAMPLE = 16 };

static const uint8_t server_v4[4] = {192, 0, 2, 1};
static const struct tg_mac server_mac = {{2, 0, 0, 0, 0, 1}}, client_mac = {{2, 0, 0, 0, 0, 2}};

void mass_fail(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("mass: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

static void *take_memory(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		mass_fail("no memory for %zu MiB", bytes >> 20);
	/* As the process itself asks for. */
	madvise(p, bytes, MADV_HUGEPAGE);
	return p;
}

/* --- services --- */

static void patient_readable(void *ctx, struct tg_engine *engine, uint32_t conn)
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

static const struct tg_service patient = {.name = "patient", .readable = patient_readable};
static const struct tg_service closer = {.name = "closer", .readable = closer_readable};

/* --- the carrier --- */

/* Frames begin on different lines, as the buffers of a pool do. */
static void buf_pkt(struct mass *m, uint32_t b, struct tg_pkt *pkt)
{
	*pkt = (struct tg_pkt){
	    .data = m->buf + (size_t)b * MASS_BUF_LEN + (size_t)(b % 8) * 64,
	    .handle = (void *)(uintptr_t)b,
	    .cap = MASS_BUF_LEN - 8 * 64,
	};
}

static uint32_t carrier_alloc(void *ctx, struct tg_pkt pkt[], uint32_t n)
{
	struct mass *m = ctx;

	n = n < m->free_n ? n : m->free_n;
	for (uint32_t i = 0; i < n; i++)
		buf_pkt(m, m->free_buf[--m->free_n], &pkt[i]);
	return n;
}

static void carrier_free(void *ctx, const struct tg_pkt pkt[], uint32_t n)
{
	struct mass *m = ctx;

	for (uint32_t i = 0; i < n; i++)
		m->free_buf[m->free_n++] = (uint32_t)(uintptr_t)pkt[i].handle;
}

/* --- the engine --- */

static void fill_conf(struct tg_engine_conf *conf, uint32_t conn_max, uint32_t tw_max)
{
	struct tg_port_conf *port = &conf->port[0];

	memset(conf, 0, sizeof(*conf));
	conf->seed = 1;
	conf->conn_max = conn_max;
	conf->tw_max = tw_max;
	conf->ext_max = conf->chunk_max = 4 * MASS_BATCH;
	conf->neigh_max = 64;
	conf->msl_ms = MASS_MSL_MS;
	conf->challenge_ms = 500;
	conf->timer_budget = MASS_TIMER_BUDGET;
	conf->primary = true;
	conf->port_n = 1;
	port->addr[0].addr = tg_addr_from_v4(server_v4);
	port->addr[0].prefix_len = 24;
	port->addr_n = 1;
	port->gateway4 = tg_addr_from_v4((const uint8_t[]){192, 0, 2, 254});
	port->has_gateway4 = true;
	port->mac = server_mac;
	port->mtu = 1500;
	port->silent = true;
	port->has_static_neigh = true;
	port->static_neigh = client_mac;
	conf->service[0] = &patient;
	conf->service[1] = &closer;
	conf->service_n = 2;
}

static void listen_on(struct mass *m, uint16_t port, const struct tg_service *service)
{
	static struct tg_settings settings;
	struct tg_listener_conf l = {
	    .port = port,
	    .syn_cookies = TG_COOKIES_AUTO,
	    .backlog = 1u << 30,
	    .synq_high = 1u << 30,
	    .synq_low = 1u << 29,
	    .service = service,
	};

	tg_settings_init(&settings, false);
	l.tcp = settings.tcp;
	l.tcp.delayed_ack_ms = 0; /* so that each segment is answered by an ACK */
	int number = tg_engine_listen(m->engine, &l);

	if (number < 0)
		mass_fail("listen on %u: error %d", port, number);
}

size_t mass_bytes(uint32_t conn_max, uint32_t tw_max)
{
	static struct tg_engine_conf conf;

	fill_conf(&conf, conn_max, tw_max);
	return tg_engine_footprint(&conf) + sizeof(struct mass) + MASS_BUF_N * MASS_BUF_LEN;
}

struct mass *mass_make(uint32_t conn_max, uint32_t tw_max)
{
	static struct tg_engine_conf conf;
	struct mass *m = take_memory(sizeof(*m));
	struct tg_engine_ops ops = {
	    .ctx = m, .alloc_bulk = carrier_alloc, .free_bulk = carrier_free};
	char err[256] = "";

	m->buf = take_memory((size_t)MASS_BUF_N * MASS_BUF_LEN);
	for (uint32_t b = MASS_BUF_N; b > 0; b--)
		m->free_buf[m->free_n++] = b - 1;
	m->now_ns = 1000000 * TG_NS_PER_MS;
	m->port = MASS_PATIENT;
	fill_conf(&conf, conn_max, tw_max);
	m->bytes = tg_engine_footprint(&conf);
	m->engine = tg_engine_init(take_memory(m->bytes), &conf, &ops, m->now_ns, err, sizeof(err));
	if (!m->engine)
		mass_fail("%s", err);
	listen_on(m, MASS_PATIENT, &patient);
	listen_on(m, MASS_CLOSER, &closer);
	return m;
}

void mass_free(struct mass *m)
{
	tg_engine_fini(m->engine);
	munmap(m->engine, m->bytes);
	munmap(m->buf, (size_t)MASS_BUF_N * MASS_BUF_LEN);
	munmap(m, sizeof(*m));
}

/* --- clients --- */

static uint32_t client_isn(uint32_t id)
{
	return id * 2654435761u ^ 0x5bd1e995u;
}

void mass_begin(struct mass *m, uint32_t base, uint32_t stride, uint32_t n)
{
	m->base = base;
	m->stride = stride;
	m->n = n;
	memset(m->reply, 0, n * sizeof(m->reply[0]));
}

void mass_say(struct mass *m, uint32_t k, uint8_t ctl, uint32_t offset, uint32_t ack,
	      uint32_t text_len)
{
	uint32_t id = m->base + k * m->stride;
	struct tg_eth eth = {.dst = server_mac, .src = client_mac, .type = TG_ETHERTYPE_IP4};
	struct tg_ip ip = {.proto = TG_PROTO_TCP, .ttl = 64};
	bool syn = ctl & TG_TCP_SYN;
	struct tg_seg seg = {
	    .seq = tg_seq_make(client_isn(id) + offset),
	    .ack = tg_seq_make(ack),
	    .len = text_len,
	    .wnd = 64240,
	    .ctl = ctl,
	    .sport = (uint16_t)(CLIENT_PORT_LOW + (id >> 24)),
	    .dport = m->port,
	    .opts = {.has_ts = 1,
		     .tsval = (uint32_t)(m->now_ns / TG_NS_PER_MS),
		     .tsecr = m->reply[k].tsval,
		     .has_mss = syn,
		     .has_sack_perm = syn,
		     .has_wscale = syn,
		     .mss = 1460,
		     .wscale = 7},
	};
	struct tg_pkt *pkt = &m->in[m->in_n];
	uint8_t v4[4], *p;
	uint32_t hdr_len = tg_tcp_hdr_len(&seg.opts, syn);

	if (m->in_n++ == MASS_BATCH || carrier_alloc(m, pkt, 1) == 0)
		mass_fail("a batch is too large, or buffers are lost");
	tg_be32_put(v4, 10u << 24 | (id & 0xffffff));
	ip.src = tg_addr_from_v4(v4);
	ip.dst = tg_addr_from_v4(server_v4);
	p = pkt->data;
	p += tg_eth_emit(p, &eth);
	p += tg_ip4_emit(p, &ip, hdr_len + text_len, false);
	tg_tcp_emit(p, &seg);
	memset(p + hdr_len, 'x', text_len);
	tg_tcp_csum_put(p, hdr_len + text_len, &ip.src, &ip.dst, false);
	pkt->len = (uint32_t)(p - pkt->data) + hdr_len + text_len;
}

/* What a packet of the server says to its client; of some the checksums are looked at, too. */
static void take(struct mass *m, const struct tg_pkt *pkt, const char *what)
{
	const uint8_t *l3 = pkt->data + TG_ETH_LEN, *l4 = l3 + TG_IP4_LEN;
	struct tg_seg seg;
	struct tg_ip ip;

	if (pkt->len < TG_ETH_LEN + TG_IP4_LEN + TG_TCP_LEN || l3[0] != 0x45 ||
	    tg_tcp_parse(l4, (uint32_t)tg_be16_get(l3 + 2) - TG_IP4_LEN, &seg) != TG_CTR_NONE)
		mass_fail("%s: the server sent what is no TCP over IPv4", what);
	uint32_t id = (tg_be32_get(l3 + 16) & 0xffffff) | (uint32_t)(seg.dport - CLIENT_PORT_LOW)
							      << 24;
	uint32_t k = (id - m->base) / m->stride;

	if (id < m->base || k >= m->n || (id - m->base) % m->stride)
		mass_fail("%s: the server spoke to client %u, whose turn it is not", what, id);
	if (id % SAMPLE == 0 &&
	    (tg_ip4_parse(l3, pkt->len - TG_ETH_LEN, true, &ip) != TG_CTR_NONE ||
	     !tg_tcp_csum_ok(l4, ip.payload_len, &ip.src, &ip.dst)))
		mass_fail("%s: a checksum to client %u is wrong", what, id);
	m->reply[k] = (struct mass_reply){.n = m->reply[k].n + 1,
					  .seq = seg.seq.v,
					  .ack = seg.ack.v,
					  .len = seg.len,
					  .tsval = seg.opts.tsval,
					  .ctl = seg.ctl & (uint8_t)~TG_TCP_PSH};
}

/* --- running --- */

static uint64_t own_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void mass_burst(struct mass *m, uint32_t first)
{
	uint32_t n = m->in_n - first < MASS_BURST ? m->in_n - first : MASS_BURST;

	m->out_n += tg_engine_rx(m->engine, m->in + first, n, m->out + m->out_n,
				 MASS_OUT_MAX - m->out_n, m->now_ns);
}

void mass_tick(struct mass *m)
{
	if (tg_engine_next_deadline(m->engine) <= m->now_ns)
		m->out_n += tg_engine_tick(m->engine, m->out + m->out_n, MASS_OUT_MAX - m->out_n,
					   m->now_ns);
}

void mass_take(struct mass *m, const char *what)
{
	for (uint32_t k = 0; k < m->n; k++)
		m->reply[k].n = 0;
	for (uint32_t i = 0; i < m->out_n; i++)
		take(m, &m->out[i], what);
	carrier_free(m, m->out, m->out_n);
	m->in_sum += m->in_n;
	m->out_sum += m->out_n;
	m->in_n = m->out_n = 0;
}

void mass_run(struct mass *m, const char *what)
{
	uint64_t before = own_ns();

	for (uint32_t i = 0; i < m->in_n; i += MASS_BURST) {
		m->now_ns += 1000;
		mass_burst(m, i);
		mass_tick(m);
	}
	m->spent_ns += own_ns() - before;
	mass_take(m, what);
}

void mass_expect(const struct mass *m, const char *what, uint32_t expect, uint8_t ctl,
		 uint32_t offset, uint32_t len)
{
	for (uint32_t k = 0; k < m->n; k++) {
		const struct mass_reply *r = &m->reply[k];
		uint32_t id = m->base + k * m->stride, ack = client_isn(id) + offset;

		if (r->n != expect)
			mass_fail("%s: client %u heard %u segments, not %u", what, id, r->n,
				  expect);
		if (expect && (r->ctl != ctl || r->ack != ack || r->len != len))
			mass_fail("%s: client %u heard ctl %02x ACK +%u LEN %u, not ctl %02x ACK "
				  "+%u LEN %u",
				  what, id, r->ctl, r->ack - client_isn(id), r->len, ctl, offset,
				  len);
	}
}

void mass_sleep(struct mass *m, uint64_t ms)
{
	uint64_t end = m->now_ns + ms * TG_NS_PER_MS;

	while (tg_engine_next_deadline(m->engine) <= end)
		if (tg_engine_tick(m->engine, m->out, MASS_OUT_MAX, end))
			mass_fail("something was said in %llu ms of silence",
				  (unsigned long long)ms);
	m->now_ns = end;
}

void mass_check(const struct mass *m, const char *what, enum tg_tcp_state state, uint32_t expect)
{
	struct tg_engine_stats stats;

	tg_engine_stats(m->engine, &stats);
	if (stats.state[state] != expect)
		mass_fail("%s: %u connections are in %s, not %u", what, stats.state[state],
			  tg_tcp_state_name(state), expect);
	/* The engine keeps a burst of spare ones. */
	if (m->free_n + TG_BURST_MAX < MASS_BUF_N)
		mass_fail("%s: %u buffers are lost", what, MASS_BUF_N - m->free_n);
}
