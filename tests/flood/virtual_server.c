/* SPDX-License-Identifier: BSD-3-Clause */
/* virtual_server.c: the engine, a bounded ring before it and buffers around it; and what its time
 * is worth. */
#include "virtual.h"

#include "tg_keys.h"
#include "tg_services.h"
#include "tg_wire.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
	CONN_MAX = 65536,
	EXT_MAX = 8192,
	CHUNK_MAX = 8192, /* 16 MiB */
	OUT_MAX = 1024,
	SPARE = OUT_MAX + 2 * TG_BURST_MAX, /* buffers beside those of the ring */
	TICKS_MAX = 16,                     /* at one time */
	SLICES = 20,
	SLICE = 16384,
	WARM_UP = 4 * SLICE,
};

static const struct tg_mac server_mac = {{2, 0, 0, 0, 0, 1}}, link_mac = {{2, 0, 0, 0, 0, 2}};

/* --- addresses --- */

struct tg_addr v_addr_server(bool v6)
{
	static const uint8_t a4[4] = {192, 0, 2, 1}, a6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};

	return v6 ? tg_addr_from_v6(a6) : tg_addr_from_v4(a4);
}

/* 10.0.0.0/8 and 3fff::/32: prefix is that of a budget, a /24 or a /48. */
struct tg_addr v_addr_client(bool v6, uint32_t prefix, uint32_t host)
{
	uint8_t a4[4] = {10, (uint8_t)(prefix >> 8), (uint8_t)prefix, (uint8_t)host};
	uint8_t a6[16] = {0x3f, 0xff, 0, 0, (uint8_t)(prefix >> 8), (uint8_t)prefix};

	a6[15] = (uint8_t)host;
	return v6 ? tg_addr_from_v6(a6) : tg_addr_from_v4(a4);
}

const char *v_addr_bulk(bool v6)
{
	return v6 ? "2001:db8:2000::1" : "203.0.113.1";
}

/* 198.18.0.0/15, or 2001:db8:8000::/39: V_PREFIX_N prefixes. */
struct tg_addr v_addr_flood(bool v6, struct tg_rng *rng)
{
	uint64_t any = tg_rng_next(rng), host = tg_rng_next(rng);
	uint32_t prefix = (uint32_t)(any % V_PREFIX_N);
	uint8_t a4[4] = {198, (uint8_t)(18 | prefix >> 8), (uint8_t)prefix, (uint8_t)(any >> 32)};
	uint8_t a6[16] = {0x20, 0x01, 0x0d, 0xb8, (uint8_t)(0x80 | prefix >> 8), (uint8_t)prefix};

	memcpy(a6 + 8, &host, sizeof(host));
	return v6 ? tg_addr_from_v6(a6) : tg_addr_from_v4(a4);
}

bool v_addr_is_flood(const struct tg_addr *a)
{
	if (tg_addr_is_v4(a))
		return a->b[12] == 198 && (a->b[13] & 0xfe) == 18;
	return a->b[0] == 0x20 && (a->b[4] & 0xfe) == 0x80;
}

/* --- frames --- */

uint32_t v_frame(uint8_t *frame, const struct tg_tuple *t, struct tg_seg *seg, const uint8_t *opt,
		 uint32_t opt_len, const void *text)
{
	bool v6 = !tg_addr_is_v4(&t->raddr);
	struct tg_eth eth = {
	    .dst = server_mac, .src = link_mac, .type = v6 ? TG_ETHERTYPE_IP6 : TG_ETHERTYPE_IP4};
	struct tg_ip ip = {
	    .src = t->raddr, .dst = t->laddr, .proto = TG_PROTO_TCP, .ttl = 64, .v6 = v6};
	uint32_t l2 = tg_eth_emit(frame, &eth), l3 = v6 ? TG_IP6_LEN : TG_IP4_LEN;
	uint8_t *tcp = frame + l2 + l3;
	uint32_t l4 = TG_TCP_LEN + opt_len + seg->len;

	seg->sport = t->rport;
	seg->dport = t->lport;
	tg_tcp_emit(tcp, seg); /* without options: those are raw */
	memcpy(tcp + TG_TCP_LEN, opt, opt_len);
	tcp[12] = (uint8_t)((TG_TCP_LEN + opt_len) / 4 << 4);
	if (seg->len)
		memcpy(tcp + TG_TCP_LEN + opt_len, text, seg->len);
	tg_tcp_csum_put(tcp, l4, &t->raddr, &t->laddr, false);
	if (v6)
		tg_ip6_emit(frame + l2, &ip, l4, 0);
	else
		tg_ip4_emit(frame + l2, &ip, l4, false);
	return l2 + l3 + l4;
}

/* --- the carrier --- */

static void view(const struct v_server *s, uint32_t b, struct tg_pkt *pkt)
{
	*pkt = (struct tg_pkt){
	    .data = s->buf + (size_t)b * V_FRAME, .handle = (void *)(uintptr_t)b, .cap = V_FRAME};
}

static uint32_t carrier_alloc(void *ctx, struct tg_pkt pkt[], uint32_t n)
{
	struct v_server *s = ctx;

	if (n > s->free_n)
		n = s->free_n;
	for (uint32_t i = 0; i < n; i++)
		view(s, s->free_buf[--s->free_n], &pkt[i]);
	return n;
}

static void carrier_free(void *ctx, const struct tg_pkt pkt[], uint32_t n)
{
	struct v_server *s = ctx;

	for (uint32_t i = 0; i < n; i++)
		s->free_buf[s->free_n++] = (uint32_t)(uintptr_t)pkt[i].handle;
}

static void carrier_init(struct v_server *s, uint32_t ring)
{
	s->ring_max = ring;
	s->buf_n = ring + SPARE;
	s->buf = calloc(s->buf_n, V_FRAME);
	memset(s->buf, 1, (size_t)s->buf_n * V_FRAME); /* its pages are there from now on */
	s->free_buf = calloc(s->buf_n, sizeof(*s->free_buf));
	s->ring = calloc(ring, sizeof(*s->ring));
	s->whose = calloc(ring, 1);
	for (uint32_t b = s->buf_n; b > 0; b--)
		s->free_buf[s->free_n++] = b - 1;
}

/* --- the engine --- */

static void fill_conf(struct tg_engine_conf *c, const struct v_plan *p)
{
	struct tg_port_conf *port = &c->port[0];

	*c = (struct tg_engine_conf){
	    .seed = p->seed,
	    .conn_max = CONN_MAX,
	    .ipv6_max = p->v6 ? CONN_MAX : 0,
	    .tw_max = CONN_MAX,
	    .ext_max = EXT_MAX,
	    .chunk_max = CHUNK_MAX,
	    .neigh_max = 16,
	    .msl_ms = 30000,
	    .challenge_ms = 500,
	    .rst_rate = p->rst_rate,
	    .timer_budget = 1024,
	    .cookie_guess_max = 1000000,
	    .primary = true,
	    .port_n = 1,
	    .service = {&tg_service_http},
	    .service_n = 1,
	};
	port->addr[0].addr = v_addr_server(p->v6);
	port->addr[0].prefix_len = p->v6 ? 64 : 24;
	port->addr_n = 1;
	port->mac = server_mac;
	port->mtu = V_MTU;
	port->silent = true;
	port->has_static_neigh = true; /* every address is behind the one link */
	port->static_neigh = link_mac;
}

static void fail(const char *what)
{
	printf("virtual: %s\n", what);
	exit(2);
}

static void listen_on(struct v_server *s, const struct v_plan *p)
{
	struct tg_settings settings;

	tg_settings_init(&settings, false);
	struct tg_listener_conf l = {
	    .port = 80,
	    .syn_cookies = p->mode,
	    .backlog = 4096,
	    .synq_high = p->synq_high,
	    .synq_low = p->synq_low,
	    .service = &tg_service_http,
	    .bogons = TG_BOGONS_MARTIAN,
	    .tcp = settings.tcp,
	};
	l.tcp.synack_retries = p->synack_retries;
	if (tg_engine_listen(s->e, &l) != 0)
		fail("no listener");
}

/* The clock of the processor, read for nothing. */
static uint64_t clock_cost(void)
{
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < 1000; i++) {
		uint64_t from = v_busy_now(), took = v_busy_now() - from;
		least = took < least ? took : least;
	}
	return least;
}

uint64_t v_busy_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * V_SEC_NS + (uint64_t)t.tv_nsec;
}

void v_server_init(struct v_server *s, const struct v_plan *p, struct v_result *r, uint64_t now_ns)
{
	const struct tg_engine_ops ops = {
	    .ctx = s, .alloc_bulk = carrier_alloc, .free_bulk = carrier_free};
	struct tg_engine_conf conf;
	char err[200] = "";

	*s = (struct v_server){.r = r, .cost_ns = 1e9 / p->capacity, .v6 = p->v6};
	carrier_init(s, p->ring);
	fill_conf(&conf, p);
	s->mem_size = (tg_engine_footprint(&conf) + 4095) & ~(size_t)4095;
	s->mem = aligned_alloc(4096, s->mem_size);
	if (!s->mem)
		fail("no memory");
	memset(s->mem, 0, s->mem_size);
	s->e = tg_engine_init(s->mem, &conf, &ops, now_ns, err, sizeof(err));
	if (!s->e)
		fail(err);
	listen_on(s, p);
	s->clock_ns = clock_cost();
}

void v_server_fini(struct v_server *s)
{
	tg_engine_fini(s->e);
	if (s->free_n + s->ring_n != s->buf_n && s->r->valid) {
		s->r->valid = false;
		snprintf(s->r->why, sizeof(s->r->why), "%u buffers are lost",
			 s->buf_n - s->free_n - s->ring_n);
	}
	free(s->mem);
	free(s->buf);
	free(s->free_buf);
	free(s->ring);
	free(s->whose);
}

/* --- the ring --- */

struct tg_pkt *v_server_offer(struct v_server *s, enum v_who who)
{
	s->r->all.offered[who]++;
	if (s->ring_n == s->ring_max) {
		s->r->all.lost[who]++;
		return NULL;
	}
	uint32_t at = (s->ring_head + s->ring_n) % s->ring_max;

	if (carrier_alloc(s, &s->ring[at], 1) == 0)
		fail("the buffers are used up");
	s->whose[at] = (uint8_t)who;
	s->ring_n++;
	return &s->ring[at];
}

bool v_is_syn(const uint8_t *frame, bool v6)
{
	const uint8_t *tcp = frame + TG_ETH_LEN + (v6 ? TG_IP6_LEN : TG_IP4_LEN);

	return (tcp[13] & (TG_TCP_SYN | TG_TCP_ACK)) == TG_TCP_SYN;
}

static void note_flood(struct v_server *s, const struct tg_pkt *pkt)
{
	s->r->flood_in.packets++;
	s->r->flood_in.bytes += pkt->len - TG_ETH_LEN;
	s->r->flood_syn += v_is_syn(pkt->data, s->v6);
}

static uint32_t take(struct v_server *s, struct tg_pkt in[])
{
	uint32_t n = s->ring_n < V_BURST ? s->ring_n : V_BURST;

	for (uint32_t i = 0; i < n; i++) {
		in[i] = s->ring[s->ring_head];
		if (s->whose[s->ring_head] == V_FLOOD)
			note_flood(s, &in[i]);
		s->ring_head = (s->ring_head + 1) % s->ring_max;
	}
	s->ring_n -= n;
	return n;
}

/* --- turns --- */

/* A timer that comes due within the wheel's tick that has begun acts at the next one. */
static uint64_t deadline(const struct v_server *s)
{
	uint64_t due = tg_engine_next_deadline(s->e);

	if (due <= s->ticked_ns)
		return (s->ticked_ns / TG_NS_PER_MS + 1) * TG_NS_PER_MS;
	return due;
}

uint64_t v_server_next(const struct v_server *s, uint64_t now_ns)
{
	uint64_t at = s->ring_n ? now_ns : deadline(s);

	return at > s->free_ns ? at : s->free_ns;
}

static void digest(struct v_result *r, const struct tg_pkt *pkt, uint64_t at_ns)
{
	uint64_t h = r->digest ^ at_ns ^ (uint64_t)pkt->len << 48;

	for (uint32_t i = 0; i + 8 <= pkt->len; i += 8) {
		uint64_t word;
		memcpy(&word, pkt->data + i, sizeof(word));
		h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 29;
	}
	r->digest = h;
}

static void emit(struct v_server *s, const struct tg_pkt out[], uint32_t n, uint64_t at_ns)
{
	for (uint32_t i = 0; i < n; i++) {
		digest(s->r, &out[i], at_ns);
		if (s->capture)
			v_capture_put(s->capture, &out[i], at_ns);
		if (s->sent)
			s->sent(s->sent_ctx, &out[i], at_ns);
	}
	carrier_free(s, out, n);
}

static void tick(struct v_server *s, struct tg_pkt out[], uint64_t now_ns, uint64_t done_ns)
{
	for (int i = 0; i < TICKS_MAX && tg_engine_next_deadline(s->e) <= now_ns; i++)
		emit(s, out, tg_engine_tick(s->e, out, OUT_MAX, now_ns), done_ns);
	s->ticked_ns = now_ns;
}

/* Full bursts alone are timed: to look at the clock costs, too. */
static void note_busy(struct v_server *s, uint64_t took_ns)
{
	s->busy_ns += took_ns > s->clock_ns ? took_ns - s->clock_ns : 0;
	s->busy_packets += V_BURST;
}

void v_server_turn(struct v_server *s, uint64_t now_ns)
{
	static struct tg_pkt out[OUT_MAX];
	struct tg_pkt in[V_BURST];
	uint32_t n = take(s, in), out_n = 0;
	uint64_t done_ns = now_ns + (uint64_t)(n * s->cost_ns + 0.5);

	for (uint32_t i = 0; s->capture && i < n; i++)
		v_capture_put(s->capture, &in[i], now_ns);
	uint64_t from = n == V_BURST ? v_busy_now() : 0;

	if (n)
		out_n = tg_engine_rx(s->e, in, n, out, OUT_MAX, now_ns);
	if (n == V_BURST)
		note_busy(s, v_busy_now() - from);
	emit(s, out, out_n, done_ns);
	if (tg_engine_next_deadline(s->e) <= now_ns)
		tick(s, out, now_ns, done_ns);
	s->free_ns = done_ns;
	uint32_t half = v_server_half(s);

	if (half > s->r->half_max)
		s->r->half_max = half;
}

uint64_t v_server_ctr(const struct v_server *s, enum tg_ctr ctr)
{
	return tg_engine_counters(s->e)->v[ctr];
}

bool v_server_is_armed(const struct v_server *s)
{
	return v_server_ctr(s, TG_CTR_cookie_armed) > v_server_ctr(s, TG_CTR_cookie_disarmed);
}

uint32_t v_server_half(const struct v_server *s)
{
	struct tg_listener_stats l = {0};

	tg_engine_listeners(s->e, &l, 1);
	return l.half_n;
}

/* --- capacity --- */

static int by_size(const void *x, const void *y)
{
	double a = *(const double *)x, b = *(const double *)y;

	return (a > b) - (a < b);
}

/* The ring is full all the time, as it is in a flood that is too much. */
static void saturate(struct v_server *s, struct v_flood *f, uint64_t *now_ns, uint32_t packets)
{
	struct tg_pkt *pkt;

	for (uint32_t i = 0; i < packets; i += V_BURST) {
		while (s->ring_n < s->ring_max && (pkt = v_server_offer(s, V_FLOOD)) != NULL)
			v_flood_fill(f, pkt);
		v_server_turn(s, *now_ns);
		*now_ns = s->free_ns;
	}
}

double v_capacity(const struct v_plan *p)
{
	struct v_result r = {.valid = true};
	struct v_server s;
	struct v_flood f;
	double slice[SLICES];
	uint64_t now_ns = V_SEC_NS;

	v_server_init(&s, p, &r, now_ns);
	v_flood_init(&f, p->v6, p->seed);
	saturate(&s, &f, &now_ns, WARM_UP);
	for (int i = 0; i < SLICES; i++) {
		s.busy_ns = s.busy_packets = 0;
		saturate(&s, &f, &now_ns, SLICE);
		slice[i] = (double)s.busy_packets * 1e9 / (double)s.busy_ns;
	}
	qsort(slice, SLICES, sizeof(slice[0]), by_size);
	v_flood_fini(&f);
	v_server_fini(&s);
	return slice[SLICES / 2];
}
