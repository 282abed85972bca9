/* SPDX-License-Identifier: BSD-3-Clause */
/* syn_world.h: what test_engine_syn.c plays with: two engines that should agree, and the frames
 * that they are given: SYNs of all kinds, floods of one kind, answers to what came out, neighbours.
 */
#ifndef TG_TEST_SYN_WORLD_H
#define TG_TEST_SYN_WORLD_H

#include "engine.h"
#include "engine_host.h"
#include "tg_pool.h"
#include "tg_prefix.h"
#include "tg_rng.h"

enum {
	ROUNDS = 120,
	BURSTS = 60,
	LISTENERS = 5,
	KEPT = 64,
	PROBES = 8,
	FLOOD = 16,
	FRAME_LEN = 256
};

static struct host side[2]; /* [1] has no stage */
static struct tg_rng rng;
static uint64_t staged; /* SYNs that the stage answered */
static uint64_t in_run; /* ... and of these in the run (syn_run.c) */
static uint64_t pooled; /* bursts whose run was for a listener before a pool */

/* A frame that goes to both. */
struct frame {
	uint8_t data[FRAME_LEN];
	uint32_t len, cap;
	uint8_t l3_csum, l4_csum;
	uint16_t port;
};

/* What was sent lately: what comes again, and what is acknowledged. */
static struct frame kept[KEPT], answer[KEPT];
static uint32_t kept_n, answer_n;
static struct frame probe[PROBES]; /* SYNs to backends that have no answer yet */
static uint32_t probe_n;
static struct frame model; /* what many SYNs look like, when a flood is on; len 0: none is */

static uint32_t below(uint32_t n)
{
	return tg_rng_below(&rng, n);
}

static bool one_in(uint32_t n)
{
	return below(n) == 0;
}

/* --- two engines --- */

static void random_ports(struct host *h)
{
	struct tg_port_conf *p = &h->conf.port[0];

	p->has_static_neigh = one_in(3);
	p->mtu = one_in(4) ? 9000 : 1500;
	p->tx_tcp_csum = one_in(4);
	p->tx_ip_csum = one_in(4);
	p->has_gateway4 = p->has_gateway6 = !one_in(8);
	tg_addr_parse("192.0.2.254", &p->gateway4);
	tg_addr_parse("2001:db8::fe", &p->gateway6);
	p->vlan = (uint16_t)(one_in(4) ? 5 : 0);
	if (one_in(4)) {
		p->kernel = 9;
		p->kernel_port[p->kernel_port_n++] = (struct tg_port_range){84, 86};
	}
	if (one_in(2))
		return;
	h->conf.port[1] = *p;
	h->conf.port[1].vlan = 7;
	h->conf.port[1].is_shared = true;
	h->conf.port[1].shares = 0;
	h->conf.port[1].kernel = 0;
	tg_addr_parse("198.51.100.1", &h->conf.port[1].addr[0].addr);
	tg_addr_parse("2001:db8:1::1", &h->conf.port[1].addr[1].addr);
	tg_addr_parse("198.51.100.254", &h->conf.port[1].gateway4);
	tg_addr_parse("2001:db8:1::fe", &h->conf.port[1].gateway6);
	h->conf.port_n = 2;
}

static struct tg_listener_conf random_listener(const struct host *h, uint32_t i)
{
	struct tg_listener_conf l;

	host_listener(h, &l, (uint16_t)(80 + i));
	l.syn_cookies = (uint8_t)(one_in(2) ? TG_COOKIES_ALWAYS : below(TG_COOKIES_DRY_RUN + 1));
	l.synq_high = 1 + below(6);
	l.synq_low = below(l.synq_high + 1);
	if (one_in(4))
		l.service = &host_queue_service;
	l.backlog = 1 + below(4);
	l.bogons = (uint8_t)(one_in(3) ? below(TG_BOGONS_FULL + 1) : TG_BOGONS_ALLOW);
	l.refuse = (uint8_t)below(2);
	if (one_in(4))
		l.allow_n = (uint32_t)tg_addr_parse_prefix("10.0.0.0/9", &l.allow[0].addr,
							   &l.allow[0].prefix_len);
	if (one_in(4)) {
		l.allow_port_low = 1000;
		l.allow_port_high = 40000;
	}
	if (one_in(4)) {
		l.addr_n = 1;
		l.addr[0] = h->conf.port[0].addr[below(2)].addr;
	}
	l.tcp.timestamps = !one_in(6);
	l.tcp.sack = !one_in(6);
	l.tcp.ecn = one_in(2);
	l.tcp.window_scale = (uint8_t)below(16);
	l.tcp.mss_min = (uint16_t)(one_in(2) ? 536 : 0);
	l.tcp.mss_max = (uint16_t)(one_in(4) ? 1200 : 0);
	l.tcp.maxseg = (uint16_t)(one_in(4) ? 1000 : 0);
	l.tcp.rcvbuf = 1000 + below(100000);
	l.tcp.dscp = (uint8_t)below(64);
	l.has_pool = h->conf.pool_max && one_in(2);
	return l;
}

static void close_at_once(struct host_svc *s, struct tg_engine *e, uint32_t conn)
{
	tg_conn_close(e, conn);
}

/* Backends that are probed, and found to have this or that, or nothing. */
static void add_pool(void)
{
	struct tg_pool_conf p = {
	    .name = "pool",
	    .mode = (uint8_t)below(2),
	    .dead = (uint8_t)below(2),
	    .rise = 1,
	    .fall = 2,
	    .check_ms = 1500,
	    .check_timeout_ms = 1400,
	    .backend_n = 1 + below(3),
	};

	for (uint32_t i = 0; i < p.backend_n; i++) {
		const uint8_t b[4] = {203, 0, 113, (uint8_t)(1 + i)};
		p.backend[i] = (struct tg_backend_conf){tg_addr_from_v4(b), 8080, 1};
	}
	for (int k = 0; k < 2; k++)
		CU_ASSERT_EQUAL(tg_engine_pool_add(side[k].e, &p), 0);
}

static void begin(void)
{
	struct host *h = &side[0];
	uint32_t lane = 0;

	host_defaults(h);
	h->conf.seed = tg_rng_next(&rng);
	h->conf.rst_rate = one_in(2) ? 0 : 1 + below(200);
	h->conf.source_max = one_in(4) ? 2 : 0;
	h->conf.source_rate = one_in(4) ? 5 : 0;
	h->conf.source_burst = 3;
	h->conf.source_refuse = (uint8_t)below(2);
	h->conf.fleet = one_in(4);
	h->conf.pool_max = one_in(3);
	h->conf.splice_max = h->conf.pool_max ? 32 : 0;
	random_ports(h);
	host_defaults(&side[1]);
	side[1].conf = h->conf;
	side[1].conf.no_syn_stage = true;
	if (one_in(2)) /* we close first, so there will be records in TIME-WAIT */
		side[0].svc.on_opened = side[1].svc.on_opened = close_at_once;
	host_init(&side[0]);
	host_init(&side[1]);
	if (h->conf.pool_max)
		add_pool();
	for (uint32_t i = 0; i < LISTENERS; i++) {
		struct tg_listener_conf l = random_listener(h, i);
		for (int k = 0; k < 2; k++) {
			l.service_ctx = &side[k].svc;
			CU_ASSERT_FATAL(tg_engine_listen(side[k].e, &l) >= 0);
		}
	}
	kept_n = answer_n = probe_n = 0;
	memset(&model, 0, sizeof(model));
	while (one_in(2) && tg_syn_lane_at(lane + 1))
		lane++;
	side[0].e->syn.run.lane = tg_syn_lane_at(lane);
}

static void end(void)
{
	host_fini(&side[0]);
	host_fini(&side[1]);
}

/* --- what they are given --- */

static void random_peer(bool v6, const struct tg_addr *ours, struct tg_addr *a)
{
	static const char *const odd4[] = {"127.0.0.1",       "0.1.2.3",     "224.0.0.5",
					   "255.255.255.255", "192.0.2.255", "240.0.0.1",
					   "192.0.2.1"};
	static const char *const odd6[] = {
	    "::1", "::", "ff02::1", "::ffff:10.0.0.1", "2002:7f00::1", "fe80::5", "2001:db8::1"};
	static const char *const near[] = {"192.0.2.77", "2001:db8::77"};
	uint8_t b[16] = {10, 0, (uint8_t)below(2), (uint8_t)below(6)};

	*a = *ours;
	if (one_in(12)) {
		tg_addr_parse(v6 ? odd6[below(TG_TEST_N(odd6))] : odd4[below(TG_TEST_N(odd4))], a);
	} else if (one_in(12)) {
		tg_addr_parse(near[v6], a);
	} else if (v6) {
		b[0] = 0x2a, b[15] = (uint8_t)below(4);
		*a = tg_addr_from_v6(b);
	} else {
		b[0] = (uint8_t)(one_in(2) ? 10 : 1 + below(223));
		*a = tg_addr_from_v4(b);
	}
}

static uint32_t put_option(uint8_t *p, uint32_t kind)
{
	static const uint8_t shapes[][11] = {
	    {4, 2, 4, 5, 0xb4}, {2, 4, 2},    {4, 1, 3, 3, 7},
	    {4, 1, 1, 4, 2},    {1, 1},       {10, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8},
	    {3, 3, 3, 14},      {1, 0},       {4, 34, 4, 9, 9},
	    {4, 2, 4, 1, 0},    {3, 3, 3, 15}};

	memcpy(p, shapes[kind] + 1, shapes[kind][0]);
	return shapes[kind][0];
}

/* Mostly what some system sends (test_wire has all), or anything. */
static uint32_t random_options(uint8_t *p)
{
	static const uint8_t usual[][5] = {
	    {0, 1, 5, 4, 6}, {0, 2, 3},       {0, 3, 2}, {0},
	    {0, 2, 1, 5},    {0, 4, 4, 5, 2}, {0, 3},    {9, 1, 5, 4, 10}};
	uint32_t len = 0;

	if (!one_in(4)) {
		const uint8_t *u = usual[below(TG_TEST_N(usual))];
		for (uint32_t i = 0; i < 5 && (i == 0 || u[i]); i++)
			len += put_option(p + len, u[i]);
		tg_be16_put(p + 2, (uint16_t)(one_in(3) ? below(1600) : 1460));
	}
	while (!one_in(3) && len < 24)
		len += put_option(p + len, below(11));
	while (len % 4)
		p[len++] = (uint8_t)(one_in(2) ? 1 : 0);
	return len;
}

/* A SYN that a flood has, with a fault now and then. */
static void random_syn(struct frame *f)
{
	const struct host *h = &side[0];
	bool v6 = one_in(3);
	uint32_t at = below(h->conf.port_n), opt_len;
	const struct tg_port_conf *pc = &h->conf.port[at];
	uint8_t *p = f->data, *tcp, flags = TG_TCP_SYN;
	struct tg_eth eth = {.dst = pc->mac,
			     .type = v6 ? TG_ETHERTYPE_IP6 : TG_ETHERTYPE_IP4,
			     .vid = one_in(16) ? 5 : pc->vlan};
	struct tg_ip ip = {.dst = pc->addr[v6].addr, .proto = TG_PROTO_TCP, .ttl = 64};

	if (one_in(40))
		eth.dst.b[5] ^= 1;
	eth.tagged = eth.vid || one_in(8);
	ip.tos = (uint8_t)(one_in(4) ? below(256) : 0);
	ip.ttl = (uint8_t)(one_in(40) ? 0 : 64);
	random_peer(v6, &ip.dst, &ip.src);
	p += tg_eth_emit(p, &eth);
	tcp = p + (v6 ? TG_IP6_LEN : TG_IP4_LEN);
	opt_len = random_options(tcp + TG_TCP_LEN);
	tg_be16_put(tcp, (uint16_t)(one_in(40) ? 0 : 900 + below(8)));
	tg_be16_put(tcp + 2, (uint16_t)(one_in(30) ? below(200) : 80 + below(LISTENERS)));
	tg_be32_put(tcp + 4, below(UINT32_MAX));
	tg_be32_put(tcp + 8, one_in(2) ? 0 : 77);
	if (one_in(4))
		flags |= TG_TCP_ECE | TG_TCP_CWR;
	if (one_in(10))
		flags ^= (uint8_t)(1u << below(8));
	tg_be32_put(tcp + 12,
		    (5 + opt_len / 4) << 28 | below(16) << 24 | (uint32_t)flags << 16 | 9);
	tg_be32_put(tcp + 16, 0);
	uint32_t len = TG_TCP_LEN + opt_len, text = one_in(20) ? 1 + below(9) : 0;

	memset(tcp + len, 'x', 16);
	tg_tcp_csum_put(tcp, len + text, &ip.src, &ip.dst, false);
	if (v6)
		tg_ip6_emit(p, &ip, len + text, 0);
	else
		tg_ip4_emit(p, &ip, len + text, false);
	f->len = (uint32_t)(tcp - f->data) + len + text + (one_in(8) ? below(7) : 0);
	f->l3_csum = (uint8_t)(one_in(4) ? TG_CSUM_GOOD : below(3) * 2);
	f->l4_csum = (uint8_t)(one_in(4) ? TG_CSUM_GOOD : below(3) * 2);
	f->l3_csum = f->l3_csum > TG_CSUM_BAD ? TG_CSUM_UNKNOWN : f->l3_csum;
	f->l4_csum = f->l4_csum > TG_CSUM_BAD ? TG_CSUM_UNKNOWN : f->l4_csum;
	f->cap = one_in(30) ? TG_HDR_MAX - 1 - below(2) : FRAME_LEN;
	f->cap = f->cap < f->len ? f->len : f->cap;
	f->port = 0;
}

/* Where the value of TS stands in a TCP header; NULL: nowhere. */
static uint8_t *find_ts(uint8_t *tcp)
{
	uint32_t len = (tcp[12] >> 4) * 4u;

	for (uint32_t i = TG_TCP_LEN; i + 10 <= len;
	     i += tcp[i] <= 1 || !tcp[i + 1] ? 1 : tcp[i + 1])
		if (tcp[i] == 8)
			return tcp + i + 2;
	return NULL;
}

/* The model as somebody else sends it: what differs from SYN to SYN of a flood is new. */
static void random_alike(struct frame *f)
{
	uint8_t *ip = f->data + TG_ETH_LEN, *tcp, *ts;
	struct tg_addr src, dst;

	*f = model;
	ip += tg_be16_get(f->data + 12) == TG_ETHERTYPE_VLAN ? TG_VLAN_LEN : 0;
	tcp = ip + TG_IP4_LEN;
	tg_be32_put(ip + 12, (uint32_t)below(UINT32_MAX));
	if (one_in(2))
		ip[12] = (uint8_t)(1 + below(126));
	else if (one_in(8)) /* one of ours, or near us */
		tg_be32_put(ip + 12, 0xc0000200u | below(4));
	if (one_in(2)) /* of few prefixes, so that they find a limit */
		tg_be32_put(ip + 12, 0x0a000000u | below(512));
	tg_be16_put(ip + 4, (uint16_t)below(65536));
	ip[8] = (uint8_t)(one_in(20) ? 0 : 1 + below(255));
	tg_be16_put(ip + 10, 0);
	tg_be16_put(ip + 10, tg_csum_fold(tg_csum_add(0, ip, TG_IP4_LEN)));
	src = tg_addr_from_v4(ip + 12);
	dst = tg_addr_from_v4(ip + 16);
	tg_be16_put(tcp, (uint16_t)(one_in(40) ? 0 : below(65536)));
	tg_be32_put(tcp + 4, below(UINT32_MAX));
	tg_be16_put(tcp + 14, (uint16_t)below(65536));
	if ((ts = find_ts(tcp)))
		tg_be32_put(ts, below(UINT32_MAX));
	tg_tcp_csum_put(tcp, tg_be16_get(ip + 2) - (uint32_t)TG_IP4_LEN, &src, &dst, false);
	if (one_in(20))
		f->l3_csum = f->l4_csum = TG_CSUM_UNKNOWN;
	if (one_in(60))
		f->cap = TG_HDR_MAX - 1;
}

static bool is_plain4(const struct frame *f)
{
	uint32_t l2 = TG_ETH_LEN;
	struct tg_syn syn;

	l2 += tg_be16_get(f->data + 12) == TG_ETHERTYPE_VLAN ? TG_VLAN_LEN : 0;
	return f->len > l2 && tg_syn4_parse(f->data + l2, f->len - l2, true, true, &syn);
}

/* To somebody who mints, if there is one. */
static void aim_model(void)
{
	uint8_t *tcp = model.data + TG_ETH_LEN + TG_IP4_LEN;
	uint32_t from = below(LISTENERS);

	tcp += tg_be16_get(model.data + 12) == TG_ETHERTYPE_VLAN ? TG_VLAN_LEN : 0;
	for (uint32_t i = 0; i < LISTENERS; i++) {
		const struct tg_listener *l = &side[0].e->listener[(from + i) % LISTENERS];
		if (l->conf.syn_cookies == TG_COOKIES_ALWAYS)
			tg_be16_put(tcp + 2, l->conf.port);
	}
}

/* A flood begins, changes or ends. */
static void random_model(void)
{
	memset(&model, 0, sizeof(model));
	if (one_in(4))
		return;
	do
		random_syn(&model);
	while (!is_plain4(&model));
	aim_model();
	model.cap = FRAME_LEN;
}

static uint8_t back_fin(const struct tg_seg *seg)
{
	return (seg->ctl & TG_TCP_FIN) && !one_in(3) ? TG_TCP_FIN : 0;
}

/* What a backend says to a SYN. */
static void agree(struct tg_seg *back, bool anew)
{
	back->ctl = TG_TCP_SYN | TG_TCP_ACK;
	back->len = 0;
	back->seq = tg_seq_make(below(UINT32_MAX));
	back->opts.has_mss = 1;
	back->opts.mss = anew ? 1200 : 1460;
	back->opts.has_sack_perm = anew;
	back->opts.has_wscale = 1;
	back->opts.wscale = (uint8_t)(anew ? 3 : 7);
}

/* The next segment of who got that answer: an ACK mostly, with text perhaps, or a RST. */
static void answer_back(const struct frame *sent, struct frame *f)
{
	struct tg_eth eth;
	struct tg_ip ip;
	struct tg_seg seg = {0};
	const uint8_t *p = sent->data;
	uint32_t text = one_in(3) ? 5 : 0;

	CU_ASSERT_EQUAL_FATAL(tg_eth_parse(p, sent->len, &eth), TG_CTR_NONE);
	p += eth.hdr_len;
	memset(f, 0, sizeof(*f));
	f->cap = FRAME_LEN;
	f->len = 60;
	if (eth.type == TG_ETHERTYPE_ARP ||
	    (eth.type == TG_ETHERTYPE_IP6 ? tg_ip6_parse(p, sent->len - eth.hdr_len, &ip)
					  : tg_ip4_parse(p, sent->len - eth.hdr_len, false, &ip)) ||
	    ip.proto != TG_PROTO_TCP || tg_tcp_parse(p + ip.hdr_len, ip.payload_len, &seg))
		return;
	struct tg_seg back = {.seq = seg.ack,
			      .ack = tg_seq_add(seg.seq, tg_seg_len(&seg) + one_in(8)),
			      .len = text,
			      .wnd = 1000,
			      .ctl =
				  (uint8_t)(one_in(8) ? TG_TCP_RST : TG_TCP_ACK | back_fin(&seg)),
			      .sport = seg.dport,
			      .dport = seg.sport};
	struct tg_ip to = {.src = ip.dst, .dst = ip.src, .proto = TG_PROTO_TCP, .ttl = 64};
	struct tg_mac mac = eth.src;
	uint8_t *q = f->data;

	back.opts.has_ts = seg.opts.has_ts;
	back.opts.tsval = seg.opts.tsecr + 1;
	back.opts.tsecr = seg.opts.tsval;
	if ((seg.ctl & (TG_TCP_SYN | TG_TCP_ACK)) == TG_TCP_SYN) {
		agree(&back, one_in(10));
		text = 0;
	}
	eth.src = eth.dst;
	eth.dst = mac;
	q += tg_eth_emit(q, &eth);
	uint32_t l3 = tg_addr_is_v4(&to.src) ? TG_IP4_LEN : TG_IP6_LEN;
	uint32_t l4 = tg_tcp_emit(q + l3, &back);

	memset(q + l3 + l4, 'y', text);
	tg_tcp_csum_put(q + l3, l4 + text, &to.src, &to.dst, false);
	if (l3 == TG_IP4_LEN)
		tg_ip4_emit(q, &to, l4 + text, false);
	else
		tg_ip6_emit(q, &to, l4 + text, 0);
	f->len = (uint32_t)(q - f->data) + l3 + l4 + text;
}

/* The gateways say who they are, when they were asked for. */
static void neighbour(struct frame *f)
{
	const struct tg_port_conf *pc = &side[0].conf.port[below(side[0].conf.port_n)];
	const struct tg_mac mac = {{2, 0, 0, 0, 1, (uint8_t)below(2)}};
	struct tg_eth eth = {.dst = pc->mac, .src = mac, .vid = pc->vlan, .tagged = pc->vlan != 0};
	uint8_t *p = f->data;

	*f = (struct frame){.cap = FRAME_LEN};
	if (one_in(2)) {
		struct tg_arp arp = {.op = 2,
				     .sha = mac,
				     .tha = pc->mac,
				     .spa = pc->gateway4,
				     .tpa = pc->addr[0].addr};
		eth.type = TG_ETHERTYPE_ARP;
		p += tg_eth_emit(p, &eth);
		p += tg_arp_emit(p, &arp);
	} else {
		struct tg_ip ip = {.src = pc->gateway6,
				   .dst = pc->addr[1].addr,
				   .proto = TG_PROTO_ICMP6,
				   .ttl = 255};
		eth.type = TG_ETHERTYPE_IP6;
		p += tg_eth_emit(p, &eth);
		uint32_t len = tg_nd_na_emit(p + TG_IP6_LEN, &ip.src, &ip.dst, &pc->gateway6, &mac,
					     true, true);
		tg_ip6_emit(p, &ip, len, 0);
		p += TG_IP6_LEN + len;
	}
	f->len = (uint32_t)(p - f->data);
}

/* One of the last n that were kept, where n is how many were so far: of the very last, mostly. */
static uint32_t recent(uint32_t n)
{
	uint32_t most = one_in(2) ? KEPT : 4;

	return (n - 1 - below(n < most ? n : most)) % KEPT;
}

static void random_frame(struct frame *f, uint32_t mix)
{
	if (probe_n && !one_in(4)) {
		answer_back(&probe[--probe_n], f);
	} else if (one_in(6) && kept_n) {
		*f = kept[recent(kept_n)];
	} else if (model.len && !one_in(8)) {
		random_alike(f);
		kept[kept_n++ % KEPT] = *f;
	} else if (below(100) < mix && one_in(3)) {
		neighbour(f);
	} else if (below(100) < mix && answer_n) {
		answer_back(&answer[recent(answer_n)], f);
	} else {
		random_syn(f);
		kept[kept_n++ % KEPT] = *f;
	}
	uint32_t from = one_in(4) ? 0 : 14;

	if (one_in(20) && f->len > 14)
		f->data[from + below(f->len - from)] ^= (uint8_t)(1u << below(8));
	if (one_in(40))
		f->len = below(f->len + 1);
}

#endif
