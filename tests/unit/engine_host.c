/* SPDX-License-Identifier: BSD-3-Clause */
#include "engine_host.h"

static const struct tg_mac our_mac = {{2, 0, 0, 0, 0, 1}}, peer_mac = {{2, 0, 0, 0, 0, 2}};

/* --- the service --- */

static void svc_opened(void *ctx, struct tg_engine *e, uint32_t conn)
{
	struct host_svc *s = ctx;

	s->opened++;
	s->last = conn;
	s->opened_n[conn]++;
	if (s->on_opened)
		s->on_opened(s, e, conn);
}

static void take(struct host_svc *s, struct tg_engine *e, uint32_t conn)
{
	const uint8_t *p;
	uint32_t run;

	while ((p = tg_conn_peek(e, conn, 0, &run)) != NULL) {
		if (s->echo) {
			int32_t n = tg_conn_write(e, conn, p, run);
			if (n <= 0)
				return; /* `writable` will come */
			run = (uint32_t)n;
		}
		uint32_t room = (uint32_t)sizeof(s->got) - s->got_len;
		memcpy(s->got + s->got_len, p, run < room ? run : room);
		s->got_len += run < room ? run : room;
		tg_conn_consume(e, conn, run);
	}
}

static void svc_readable(void *ctx, struct tg_engine *e, uint32_t conn)
{
	struct host_svc *s = ctx;

	s->readable++;
	s->last = conn;
	if (s->on_readable) {
		s->on_readable(s, e, conn);
		return;
	}
	take(s, e, conn);
	if (s->close_on_eof && tg_conn_is_eof(e, conn))
		tg_conn_close(e, conn);
}

static void svc_writable(void *ctx, struct tg_engine *e, uint32_t conn)
{
	struct host_svc *s = ctx;

	s->writable++;
	if (s->on_writable)
		s->on_writable(s, e, conn);
	else if (s->echo)
		svc_readable(ctx, e, conn);
}

static void svc_expired(void *ctx, struct tg_engine *e, uint32_t conn)
{
	((struct host_svc *)ctx)->expired++;
}

static void svc_urgent(void *ctx, struct tg_engine *e, uint32_t conn)
{
	((struct host_svc *)ctx)->urgent++;
}

static void svc_closed(void *ctx, struct tg_engine *e, uint32_t conn, enum tg_close_reason reason)
{
	struct host_svc *s = ctx;

	s->closed++;
	s->reason = reason;
	s->last = conn;
	s->closed_n[conn]++;
	if (s->on_closed)
		s->on_closed(s, e, conn);
}

const struct tg_service host_service = {
    .name = "test",
    .opened = svc_opened,
    .readable = svc_readable,
    .writable = svc_writable,
    .expired = svc_expired,
    .closed = svc_closed,
    .urgent = svc_urgent,
};

const struct tg_service host_queue_service = {
    .name = "queue",
    .opened = svc_opened,
    .readable = svc_readable,
    .writable = svc_writable,
    .expired = svc_expired,
    .closed = svc_closed,
    .has_accept_queue = true,
};

/* --- the carrier --- */

static bool get_buf(struct host *h, struct tg_pkt *pkt)
{
	if (h->buf_live >= h->buf_max)
		return false;
	memset(pkt, 0, sizeof(*pkt));
	pkt->data = pkt->handle = malloc(HOST_BUF_LEN);
	pkt->cap = HOST_BUF_LEN;
	h->buf_live++;
	return true;
}

static void put_buf(struct host *h, const struct tg_pkt *pkt)
{
	CU_ASSERT_FATAL(h->buf_live > 0);
	h->buf_live--;
	free(pkt->handle);
}

static uint32_t alloc_bulk(void *ctx, struct tg_pkt pkt[], uint32_t n)
{
	uint32_t got = 0;

	while (got < n && get_buf(ctx, &pkt[got]))
		got++;
	return got;
}

static bool alloc_large(void *ctx, struct tg_pkt *pkt)
{
	struct host *h = ctx;

	if (h->large_n == 0)
		return false;
	h->large_n--;
	return get_buf(h, pkt);
}

static void free_bulk(void *ctx, const struct tg_pkt pkt[], uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		put_buf(ctx, &pkt[i]);
}

static void keep_sent(struct host *h, const struct tg_pkt out[], uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		CU_ASSERT_FATAL(h->tx_n < HOST_TX_MAX);
		struct host_frame *f = &h->tx[(h->tx_head + h->tx_n++) % HOST_TX_MAX];
		memcpy(f->data, out[i].data, out[i].len);
		f->len = out[i].len;
		f->pkt = out[i];
		put_buf(h, &out[i]);
	}
}

/* --- start and end --- */

void host_defaults(struct host *h)
{
	struct tg_port_conf *p = &h->conf.port[0];

	memset(h, 0, sizeof(*h));
	h->now_ns = 1000 * TG_NS_PER_MS;
	h->buf_max = 100000;
	h->out_max = 2 * TG_BURST_MAX;
	h->tx = malloc(HOST_TX_MAX * sizeof(*h->tx));
	h->conf = (struct tg_engine_conf){
	    .seed = tg_test_seed,
	    .conn_max = 32,
	    .ipv6_max = 16,
	    .tw_max = 16,
	    .ext_max = 16,
	    .chunk_max = 256,
	    .neigh_max = 16,
	    .msl_ms = 30000,
	    .challenge_ms = 500,
	    .rst_rate = 0,
	    .timer_budget = 256,
	    .primary = true,
	    .port_n = 1,
	};
	tg_addr_parse("192.0.2.1", &p->addr[0].addr);
	p->addr[0].prefix_len = 24;
	tg_addr_parse("2001:db8::1", &p->addr[1].addr);
	p->addr[1].prefix_len = 64;
	p->addr_n = 2;
	p->mac = our_mac;
	p->mtu = 1500;
	p->silent = true;
	p->has_static_neigh = true;
	p->static_neigh = peer_mac;
	h->tcp = (struct tg_tcp_conf){
	    .timestamps = true,
	    .sack = true,
	    .window_scale = 7,
	    .congestion = TG_CC_NEWRENO,
	    .synack_retries = 5,
	    .keepalive_count = 9,
	    .mss_min = 216,
	    .ttl = 64,
	    .rcvbuf = 65536,
	    .sndbuf = 65536,
	    .delayed_ack_ms = 40,
	    .rto_min_ms = 200,
	    .keepalive_idle_ms = 7200000,
	    .keepalive_interval_ms = 75000,
	    .fin_wait_2_ms = 60000,
	    .linger_ms = -1,
	};
}

void host_init(struct host *h)
{
	const struct tg_engine_ops ops = {
	    .ctx = h, .alloc_bulk = alloc_bulk, .free_bulk = free_bulk, .alloc_large = alloc_large};
	size_t size = tg_engine_footprint(&h->conf);
	char err[256] = "";

	h->mem = aligned_alloc(64, size);
	memset(h->mem, 0, size);
	h->e = tg_engine_init(h->mem, &h->conf, &ops, h->now_ns, err, sizeof(err));
	if (!h->e)
		fprintf(stderr, "%s\n", err);
	CU_ASSERT_PTR_NOT_NULL_FATAL(h->e);
	host_check(h);
}

void host_fini(struct host *h)
{
	host_check(h);
	tg_engine_fini(h->e);
	CU_ASSERT_EQUAL(h->buf_live, 0);
	free(h->mem);
	free(h->tx);
}

void host_listener(const struct host *h, struct tg_listener_conf *l, uint16_t port)
{
	*l = (struct tg_listener_conf){
	    .port = port,
	    .syn_cookies = TG_COOKIES_AUTO,
	    .backlog = 64,
	    .synq_high = 16,
	    .synq_low = 12,
	    .service = &host_service,
	    .service_ctx = (void *)&h->svc,
	    .tcp = h->tcp,
	};
}

int host_listen(struct host *h, uint16_t port)
{
	struct tg_listener_conf l;

	host_listener(h, &l, port);
	return tg_engine_listen(h->e, &l);
}

void host_check(struct host *h)
{
	char why[256] = "";

	if (h->unchecked)
		return;
	if (!tg_engine_validate(h->e, why, sizeof(why))) {
		fprintf(stderr, "\ninvalid: %s\n", why);
		CU_FAIL_FATAL("tg_engine_validate");
	}
}

/* --- calls --- */

void host_tick_once(struct host *h, uint64_t ms)
{
	struct tg_pkt out[2 * TG_BURST_MAX];

	h->now_ns += ms * TG_NS_PER_MS;
	CU_ASSERT_FATAL(h->tx_n + h->out_max <= HOST_TX_MAX);
	keep_sent(h, out, tg_engine_tick(h->e, out, h->out_max, h->now_ns));
	host_check(h);
}

void host_tick(struct host *h, uint64_t ms)
{
	uint64_t end = h->now_ns + ms * TG_NS_PER_MS;

	for (uint32_t i = 0; i < 100000; i++) {
		uint64_t next = tg_engine_next_deadline(h->e);
		if (next > end)
			break;
		h->now_ns = next > h->now_ns ? next : h->now_ns;
		host_tick_once(h, 0);
	}
	h->now_ns = end;
	host_tick_once(h, 0);
	CU_ASSERT(tg_engine_next_deadline(h->e) > h->now_ns);
}

void host_rx(struct host *h, const uint8_t *const frame[], const uint32_t len[], uint32_t n)
{
	struct tg_pkt in[TG_BURST_MAX], out[2 * TG_BURST_MAX];

	for (uint32_t i = 0; i < n; i++) {
		CU_ASSERT_FATAL(get_buf(h, &in[i]));
		memcpy(in[i].data, frame[i], len[i]);
		in[i].len = len[i];
		in[i].port = h->rx_port;
	}
	keep_sent(h, out, tg_engine_rx(h->e, in, n, out, h->out_max, h->now_ns));
	host_check(h);
}

bool host_next(struct host *h, struct host_frame *f)
{
	if (h->tx_n == 0)
		return false;
	*f = h->tx[h->tx_head];
	h->tx_head = (h->tx_head + 1) % HOST_TX_MAX;
	h->tx_n--;
	return true;
}

/* --- the peer --- */

void host_peer(struct host_peer *p, struct host *h, uint16_t lport, uint16_t rport, bool v6)
{
	*p = (struct host_peer){.h = h, .wnd = 65535};
	p->t.laddr = h->conf.port[0].addr[v6 ? 1 : 0].addr;
	tg_addr_parse(v6 ? "2001:db8::2" : "192.0.2.2", &p->t.raddr);
	p->t.lport = lport;
	p->t.rport = rport;
	p->snd_nxt = tg_seq_make(1000);
}

uint32_t host_build(const struct host_peer *p, uint8_t ctl, tg_seq seq, tg_seq ack,
		    const void *text, uint32_t len, uint8_t *frame)
{
	const struct tg_port_conf *pc = &p->h->conf.port[0];
	bool v6 = !tg_addr_is_v4(&p->t.raddr);
	struct tg_eth eth = {.dst = our_mac,
			     .src = peer_mac,
			     .type = v6 ? TG_ETHERTYPE_IP6 : TG_ETHERTYPE_IP4,
			     .vid = pc->vlan,
			     .tagged = pc->vlan != 0};
	struct tg_ip ip = {
	    .src = p->t.raddr, .dst = p->t.laddr, .proto = TG_PROTO_TCP, .ttl = 64, .v6 = v6};
	struct tg_seg seg = {.seq = seq,
			     .ack = ack,
			     .wnd = p->wnd,
			     .ctl = ctl,
			     .sport = p->t.rport,
			     .dport = p->t.lport,
			     .opts = p->opts};
	uint32_t l2 = tg_eth_emit(frame, &eth), l3 = v6 ? TG_IP6_LEN : TG_IP4_LEN;
	uint32_t l4 = tg_tcp_emit(frame + l2 + l3, &seg);

	memcpy(frame + l2 + l3 + l4, text ? text : "", len);
	tg_tcp_csum_put(frame + l2 + l3, l4 + len, &p->t.raddr, &p->t.laddr, false);
	if (v6)
		tg_ip6_emit(frame + l2, &ip, l4 + len, 0);
	else
		tg_ip4_emit(frame + l2, &ip, l4 + len, false);
	return l2 + l3 + l4 + len;
}

void host_raw(struct host_peer *p, uint8_t ctl, tg_seq seq, tg_seq ack, const void *text,
	      uint32_t len)
{
	uint8_t frame[HOST_BUF_LEN];
	const uint8_t *f = frame;
	uint32_t n = host_build(p, ctl, seq, ack, text, len, frame);

	host_rx(p->h, &f, &n, 1);
}

void host_send(struct host_peer *p, uint8_t ctl, const void *text, uint32_t len)
{
	tg_seq seq = p->snd_nxt;

	p->snd_nxt =
	    tg_seq_add(seq, len + ((ctl & TG_TCP_SYN) ? 1 : 0) + ((ctl & TG_TCP_FIN) ? 1 : 0));
	host_raw(p, ctl, seq, (ctl & TG_TCP_ACK) ? p->rcv_nxt : tg_seq_make(0), text, len);
}

bool host_expect(struct host_peer *p, struct tg_seg *seg, struct host_frame *f)
{
	struct tg_eth eth;
	struct tg_ip ip;

	if (!host_next(p->h, f))
		return false;
	CU_ASSERT_EQUAL(tg_eth_parse(f->data, f->len, &eth), TG_CTR_NONE);
	const uint8_t *l3 = f->data + eth.hdr_len;
	uint32_t len = f->len - eth.hdr_len;

	if (eth.type == TG_ETHERTYPE_IP6)
		CU_ASSERT_EQUAL(tg_ip6_parse(l3, len, &ip), TG_CTR_NONE)
	else
		CU_ASSERT_EQUAL(tg_ip4_parse(l3, len, true, &ip), TG_CTR_NONE)
	CU_ASSERT_EQUAL(ip.proto, TG_PROTO_TCP);
	CU_ASSERT(tg_tcp_csum_ok(l3 + ip.hdr_len, ip.payload_len, &ip.src, &ip.dst));
	CU_ASSERT_EQUAL(tg_tcp_parse(l3 + ip.hdr_len, ip.payload_len, seg), TG_CTR_NONE);
	CU_ASSERT_EQUAL(seg->dport, p->t.rport);
	CU_ASSERT_EQUAL(eth.vid, p->h->conf.port[0].vlan);
	if (!(seg->ctl & TG_TCP_RST))
		p->rcv_nxt = tg_seq_add(seg->seq, tg_seg_len(seg));
	return true;
}

bool host_handshake(struct host_peer *p)
{
	struct host_frame f;
	struct tg_seg seg;

	host_send(p, TG_TCP_SYN, NULL, 0);
	if (!host_expect(p, &seg, &f) || seg.ctl != (TG_TCP_SYN | TG_TCP_ACK))
		return false;
	host_send(p, TG_TCP_ACK, NULL, 0);
	return host_state(p) == TG_ESTABLISHED;
}

struct host_peer host_peer_at(struct host *h, const char *addr, uint16_t rport)
{
	struct host_peer p;

	host_peer(&p, h, 80, rport, strchr(addr, ':') != NULL);
	CU_ASSERT_FATAL(tg_addr_parse(addr, &p.t.raddr));
	return p;
}

uint8_t host_say(struct host_peer *p, uint8_t ctl, struct tg_seg *seg)
{
	struct host_frame f;
	struct tg_seg heard;

	seg = seg ? seg : &heard;
	host_send(p, ctl, NULL, 0);
	return host_expect(p, seg, &f) ? seg->ctl : 0;
}

uint64_t host_ctr(const struct host *h, enum tg_ctr ctr)
{
	return tg_engine_counters(h->e)->v[ctr];
}

enum tg_tcp_state host_state(const struct host_peer *p)
{
	return tg_engine_state_of(p->h->e, &p->t);
}

void host_begin(struct host *h, struct host_peer *p)
{
	host_defaults(h);
	host_init(h);
	CU_ASSERT_FATAL(host_listen(h, 80) >= 0);
	host_peer(p, h, 80, 5000, false);
}

void host_end(struct host *h)
{
	struct tg_engine_stats s;

	tg_engine_stats(h->e, &s);
	CU_ASSERT_EQUAL(s.conn_count, 0);
	CU_ASSERT_EQUAL(s.ext_used, 0);
	CU_ASSERT_EQUAL(s.chunk_used, 0);
	CU_ASSERT_EQUAL(s.timer_count, 0);
	CU_ASSERT_EQUAL(s.tw_count, 0);
	host_fini(h);
}

void host_drain(struct host *h)
{
	h->tx_n = 0;
}

void host_end_all(struct host *h)
{
	host_drain(h);
	tg_engine_abort_all(h->e);
	host_tick(h, 10);
	host_drain(h);
	host_end(h);
}

struct tg_seg host_expect_ctl(struct host_peer *p, uint8_t ctl)
{
	struct host_frame f;
	struct tg_seg seg = {0};

	CU_ASSERT(host_expect(p, &seg, &f));
	CU_ASSERT_EQUAL(seg.ctl, ctl);
	return seg;
}
