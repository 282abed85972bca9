/* SPDX-License-Identifier: BSD-3-Clause */
/* test_engine_calm.c: the short way of plain segments (calm.h, half.h, tg_wire_plain.h) beside the
 * long one: two engines with the same seed, clock, packets and services, of which one has the long
 * way alone. What they send to each peer, what each service is told, all counters and all blocks
 * must be the same. Packets to different peers may stand in another order within a burst, and have
 * other numbers in IP, which are random. */
#include "engine.h"
#include "engine_host.h"
#include "tg_rng.h"

enum { ROUNDS = 150, BURSTS = 80, PEERS = 24, FRAME_LEN = 2048, TEXT_MAX = 1600, LOG_N = 64 };

/* What a side's service was told of one peer, folded. */
struct record {
	uint64_t told, sent;
	uint32_t frames;
};

struct world {
	struct host h;
	struct record of[PEERS];
};

/* A peer, as it sees itself. */
struct peer {
	tg_seq snd_nxt, snd_una, rcv_nxt;
	uint32_t ts_recent;
	uint8_t stage; /* 0: nothing; 1: SYN sent; 2: open */
	bool fin;      /* sent */
	bool got_fin;
	bool plain; /* without timestamps */
};

static struct world side[2]; /* [1] goes the long way */
static struct peer peer[PEERS];
static struct tg_rng rng;
static uint64_t calm_n, woken_n;
static uint32_t eof_way, linger, wild; /* of this round */
static uint32_t in_burst;              /* peers that say something, by bit */

struct frame {
	uint8_t data[FRAME_LEN];
	uint32_t len;
};

static uint32_t below(uint32_t n)
{
	return tg_rng_below(&rng, n);
}

static bool one_in(uint32_t n)
{
	return below(n) == 0;
}

/* --- the service: what it does is told by the first byte that it reads --- */

static uint32_t peer_of(struct tg_engine *e, uint32_t conn)
{
	struct tg_tuple t;

	tg_conn_tuple(e, conn, &t);
	return t.rport - 1000u;
}

static void fold(uint64_t *to, uint64_t v)
{
	*to = (*to ^ v) * 0x9e3779b97f4a7c15ull;
	*to ^= *to >> 29;
}

static void told(struct world *w, struct tg_engine *e, uint32_t conn, uint32_t what)
{
	uint64_t *to = &w->of[peer_of(e, conn)].told;

	fold(to, what);
	fold(to, tg_conn_readable(e, conn) | (uint64_t)tg_conn_is_eof(e, conn) << 32);
	fold(to, tg_conn_word(e, conn));
	fold(to, tg_conn_write_room(e, conn));
	fold(to, (uint64_t)tg_conn_state(e, conn));
}

static void read_some(struct world *w, struct tg_engine *e, uint32_t conn, uint32_t n)
{
	const uint8_t *p;
	uint32_t run;

	while (n && (p = tg_conn_peek(e, conn, 0, &run)) != NULL) {
		run = run < n ? run : n;
		for (uint32_t i = 0; i < run; i++)
			fold(&w->of[peer_of(e, conn)].told, p[i]);
		tg_conn_consume(e, conn, run);
		n -= run;
	}
}

static void write_some(struct world *w, struct tg_engine *e, uint32_t conn, uint32_t n)
{
	static uint8_t text[8192];

	for (uint32_t i = 0; i < n; i++)
		text[i] = (uint8_t)(i * 7 + n);
	fold(&w->of[peer_of(e, conn)].told, (uint64_t)tg_conn_write(e, conn, text, n));
}

/* Another connection is written to, if there is one. Not one that met a segment in this burst: the
 * short way may have let it come to rest meanwhile, which rounds its times. */
static void disturb(struct world *w, struct tg_engine *e, uint32_t conn)
{
	uint32_t other = (peer_of(e, conn) + 1) % PEERS, port = 1000 + other;

	if (in_burst >> other & 1)
		return;
	for (uint32_t i = 0; i < e->conn_fresh; i++)
		if (tg_conn_used(e, i) && e->conn[i].rport == port &&
		    e->conn[i].state == TG_ESTABLISHED)
			write_some(w, e, i, 10);
}

static void act(struct world *w, struct tg_engine *e, uint32_t conn, uint8_t how)
{
	uint32_t all = tg_conn_readable(e, conn), n = 1 + (how >> 4) * 40u;

	read_some(w, e, conn, how % 16 == 1 ? all / 2 : how % 16 == 2 ? 0 : all);
	switch (how % 16) {
	case 3:
	case 4:
		write_some(w, e, conn, n);
		break;
	case 5:
	case 6:
	case 7:
		write_some(w, e, conn, n);
		tg_conn_close(e, conn);
		break;
	case 8:
		tg_conn_close(e, conn);
		break;
	case 9:
		tg_conn_shutdown(e, conn);
		break;
	case 10:
		tg_conn_set_word(e, conn, how);
		write_some(w, e, conn, n);
		write_some(w, e, conn, 5);
		break;
	case 11:
		if (how & 32)
			tg_conn_timer(e, conn, 20 + how);
		else
			tg_conn_abort(e, conn);
		break;
	case 12:
		write_some(w, e, conn, how & 64 ? 5000 : 1448);
		break;
	case 13:
		write_some(w, e, conn, n);
		disturb(w, e, conn);
		if (how & 16)
			tg_conn_close(e, conn);
		break;
	case 14:
		tg_conn_kick(e, conn);
		break;
	default:
		break;
	}
}

static void on_readable(void *ctx, struct tg_engine *e, uint32_t conn)
{
	struct world *w = ctx;
	uint32_t run;
	const uint8_t *p = tg_conn_peek(e, conn, 0, &run);

	told(w, e, conn, 1);
	if (p)
		act(w, e, conn, *p);
	if (tg_conn_state(e, conn) == TG_CLOSED || !tg_conn_is_eof(e, conn))
		return;
	read_some(w, e, conn, eof_way & 4 ? 0 : UINT32_MAX);
	if (eof_way & 1)
		write_some(w, e, conn, 33);
	if (eof_way & 2)
		tg_conn_close(e, conn);
}

static void on_writable(void *ctx, struct tg_engine *e, uint32_t conn)
{
	told(ctx, e, conn, 2);
}

static void on_expired(void *ctx, struct tg_engine *e, uint32_t conn)
{
	told(ctx, e, conn, 3);
	if (linger)
		tg_conn_close(e, conn);
}

static void on_closed(void *ctx, struct tg_engine *e, uint32_t conn, enum tg_close_reason reason)
{
	struct world *w = ctx;

	fold(&w->of[peer_of(e, conn)].told, 100u + reason);
	fold(&w->of[peer_of(e, conn)].told, tg_conn_word(e, conn));
}

static const struct tg_service service = {.name = "calm",
					  .readable = on_readable,
					  .writable = on_writable,
					  .expired = on_expired,
					  .closed = on_closed};

/* --- two engines --- */

static void random_tcp(struct tg_tcp_conf *t)
{
	t->timestamps = !one_in(5);
	t->sack = !one_in(4);
	t->ecn = one_in(6);
	t->nodelay = one_in(3);
	t->keepalive = one_in(3);
	t->keepalive_idle_ms = 1000 + below(5000);
	t->keepalive_interval_ms = 500;
	t->keepalive_count = 2;
	t->window_scale = (uint8_t)(one_in(3) ? below(16) : 7);
	t->congestion = one_in(2) ? TG_CC_CUBIC : TG_CC_NEWRENO;
	t->delayed_ack_ms = one_in(2) ? 0 : 40;
	t->rcvbuf = one_in(2) ? 65536 : 700 + below(100000);
	t->sndbuf = one_in(2) ? 65536 : 200 + below(3000);
	t->user_timeout_ms = one_in(6) ? 700 + below(3000) : 0;
	t->linger_ms = one_in(8) ? 0 : -1;
	t->defer_accept_ms = one_in(10) ? 500 : 0;
	t->maxseg = (uint16_t)(one_in(6) ? 300 : 0);
	t->fin_wait_2_ms = 3000;
	t->rto_min_ms = one_in(2) ? 200 : 20;
	t->dscp = (uint8_t)below(64);
	t->ttl = (uint8_t)(1 + below(255));
}

static void begin(void)
{
	struct host *h = &side[0].h;
	struct tg_listener_conf l;

	host_defaults(h);
	h->conf.seed = tg_rng_next(&rng);
	h->conf.conn_max = 256;
	h->conf.ext_max = 200;
	h->conf.chunk_max = 2000;
	h->conf.tw_max = 400;
	h->conf.msl_ms = 1000 + below(20000);
	h->conf.port[0].tx_tcp_csum = one_in(4);
	h->conf.port[0].tx_ip_csum = one_in(4);
	h->conf.no_merge = one_in(3);
	random_tcp(&h->tcp);
	host_defaults(&side[1].h);
	side[1].h.conf = h->conf;
	side[1].h.tcp = h->tcp;
	side[1].h.conf.no_calm = true;
	eof_way = below(8);
	linger = below(2);
	wild = below(3);
	memset(peer, 0, sizeof(peer));
	for (int k = 0; k < 2; k++) {
		host_init(&side[k].h);
		memset(side[k].of, 0, sizeof(side[k].of));
		host_listener(&side[k].h, &l, 80);
		l.synq_high = 100;
		l.service = &service;
		l.service_ctx = &side[k];
		l.word = 5;
		CU_ASSERT_FATAL(tg_engine_listen(side[k].h.e, &l) >= 0);
	}
}

static void end(void)
{
	host_fini(&side[0].h);
	host_fini(&side[1].h);
}

/* --- what they are given --- */

/* Peer i says that: a frame. */
static void build(uint32_t i, const struct tg_seg *seg, const uint8_t *text, struct frame *f)
{
	const struct host *h = &side[0].h;
	struct tg_eth eth = {.dst = h->conf.port[0].mac, .type = TG_ETHERTYPE_IP4};
	struct tg_ip ip = {.dst = h->conf.port[0].addr[0].addr, .proto = TG_PROTO_TCP, .ttl = 60};
	const uint8_t v4[4] = {10, 1, 0, (uint8_t)i};
	struct tg_seg s = *seg;
	uint8_t *p = f->data;

	ip.src = tg_addr_from_v4(v4);
	ip.tos = seg->ecn;
	s.sport = (uint16_t)(1000 + i);
	s.dport = 80;
	p += tg_eth_emit(p, &eth);
	uint32_t l4 = tg_tcp_hdr_len(&s.opts, s.ctl & TG_TCP_SYN) + s.len;

	p += tg_ip4_emit(p, &ip, l4, false);
	uint32_t hdr_len = tg_tcp_emit(p, &s);
	memcpy(p + hdr_len, text, s.len);
	tg_tcp_csum_put(p, l4, &ip.src, &ip.dst, false);
	f->len = (uint32_t)(p - f->data) + l4;
}

static void fault(struct tg_seg *s)
{
	switch (below(20)) {
	case 0:
		s->seq = tg_seq_add(s->seq, below(3) - 1);
		break;
	case 1:
	case 12:
	case 13:
		s->ack = tg_seq_add(s->ack, below(4) - 2);
		break;
	case 2:
	case 14:
	case 15:
		s->opts.tsval -= below(5000);
		break;
	case 3:
	case 16:
	case 17:
	case 18:
		s->opts.tsecr += below(3) - 1;
		break;
	case 4:
		s->ctl ^= (uint8_t)(1u << below(8));
		break;
	case 5:
		s->wnd = (uint16_t)(one_in(2) ? 0 : below(30));
		break;
	case 6:
		s->opts.has_ts ^= 1;
		break;
	case 7:
		s->ecn = (uint8_t)below(4);
		break;
	case 8:
		s->opts.sack_n = 1;
		s->opts.sack[0] = (struct tg_sack_block){s->ack, tg_seq_add(s->ack, below(50))};
		break;
	case 9:
		s->up = (uint16_t)below(20);
		s->ctl |= TG_TCP_URG;
		break;
	case 10:
		s->seq = tg_seq_sub(s->seq, below(100));
		break;
	default:
		s->wnd = (uint16_t)below(65536);
		break;
	}
}

static void say_syn(struct peer *p, struct tg_seg *s)
{
	p->snd_nxt = tg_seq_make(below(UINT32_MAX));
	p->plain = one_in(8);
	p->stage = 1;
	p->fin = p->got_fin = false;
	s->seq = p->snd_nxt;
	s->ack = tg_seq_make(0);
	s->ctl = (uint8_t)(TG_TCP_SYN | (one_in(8) ? TG_TCP_ECE | TG_TCP_CWR : 0));
	s->opts.has_mss = s->opts.has_sack_perm = s->opts.has_wscale = 1;
	s->opts.mss = (uint16_t)(one_in(6) ? below(2000) : 1460);
	s->opts.wscale = (uint8_t)(one_in(6) ? below(16) : 7);
	s->opts.tsecr = 0;
	p->snd_nxt = tg_seq_add(p->snd_nxt, 1);
}

/* The next that peer i says. */
static void random_segment(uint32_t i, struct frame *f)
{
	static uint8_t text[TEXT_MAX];
	struct peer *p = &peer[i], before = *p;
	struct tg_seg s = {.seq = p->snd_nxt, .ack = p->rcv_nxt, .ctl = TG_TCP_ACK, .wnd = 4000};

	if (one_in(3))
		s.wnd = (uint16_t)(1 + below(65535));

	s.opts.has_ts = !p->plain;
	s.opts.tsval = (uint32_t)(side[0].h.now_ns / TG_NS_PER_MS);
	s.opts.tsecr = p->ts_recent;
	if (p->stage == 0 || (wild && one_in(60))) {
		say_syn(p, &s);
		s.opts.has_ts = !p->plain;
	} else if (p->stage == 2 && !p->fin) {
		if (one_in(5))
			s.ctl |= TG_TCP_FIN;
		if (!one_in(3))
			s.len = one_in(4) ? 1 + below(1440) : 1 + below(100);
		if (one_in(2))
			s.ctl |= TG_TCP_PSH;
		if (p->got_fin && one_in(2)) {
			s.ctl = TG_TCP_FIN | TG_TCP_ACK;
			s.len = 0;
		}
	}
	memset(text, (int)below(256), sizeof(text));
	if (wild && one_in(20))
		s.ctl |= TG_TCP_RST;
	p->snd_nxt = tg_seq_add(s.seq, tg_seg_len(&s));
	p->fin |= (s.ctl & TG_TCP_FIN) != 0;
	if (wild &&
	    one_in(4)) { /* mostly somebody else's: the peer goes on as if it had not been */
		fault(&s);
		if (!one_in(4))
			*p = before;
	}
	build(i, &s, text, f);
}

/* --- what they say --- */

/* A peer takes what was sent to it. */
static void hear(uint32_t i, const struct tg_seg *seg)
{
	struct peer *p = &peer[i];

	if (seg->ctl & TG_TCP_RST) {
		p->stage = 0;
		return;
	}
	if (seg->opts.has_ts)
		p->ts_recent = seg->opts.tsval;
	p->got_fin |= (seg->ctl & TG_TCP_FIN) != 0;
	if (seg->ctl & TG_TCP_SYN) {
		p->rcv_nxt = tg_seq_add(seg->seq, 1);
		p->stage = 2;
	} else if (tg_seq_eq(seg->seq, p->rcv_nxt)) {
		p->rcv_nxt = tg_seq_add(p->rcv_nxt, tg_seg_len(seg));
	}
	if ((seg->ctl & TG_TCP_ACK) && p->fin && tg_seq_eq(seg->ack, p->snd_nxt) && one_in(3) &&
	    (seg->ctl & TG_TCP_FIN))
		p->stage = (uint8_t)(one_in(2) ? 0 : p->stage);
}

static void take(struct world *w, struct tg_pkt *pkt, bool peers_hear)
{
	struct tg_eth eth;
	struct tg_ip ip;
	struct tg_seg seg;
	uint8_t *p = pkt->data + TG_ETH_LEN;
	struct record *r;
	bool offload = pkt->tx_flags & TG_TX_TCP_CSUM;

	CU_ASSERT_EQUAL_FATAL(tg_eth_parse(pkt->data, pkt->len, &eth), TG_CTR_NONE);
	CU_ASSERT_EQUAL_FATAL(
	    tg_ip4_parse(p, pkt->len - TG_ETH_LEN, !(pkt->tx_flags & TG_TX_IP_CSUM), &ip),
	    TG_CTR_NONE);
	CU_ASSERT(offload || tg_tcp_csum_ok(p + TG_IP4_LEN, ip.payload_len, &ip.src, &ip.dst));
	CU_ASSERT_EQUAL_FATAL(tg_tcp_parse(p + TG_IP4_LEN, ip.payload_len, &seg), TG_CTR_NONE);
	CU_ASSERT_FATAL(seg.dport >= 1000 && seg.dport < 1000 + PEERS);
	if (peers_hear)
		hear(seg.dport - 1000u, &seg);
	memset(p + 4, 0, 2); /* identification and its sum */
	memset(p + 10, 0, 2);
	r = &w->of[seg.dport - 1000];
	r->frames++;
	for (uint32_t i = 0; i < pkt->len; i++)
		fold(&r->sent, pkt->data[i]);
	fold(&r->sent, pkt->tx_flags);
	if (pkt->tx_flags)
		fold(&r->sent, pkt->l2_len | pkt->l3_len << 8 | (uint32_t)pkt->l4_len << 16);
	w->h.buf_live--;
	free(pkt->handle);
}

static bool is_same_peer(uint32_t i)
{
	const struct record *a = &side[0].of[i], *b = &side[1].of[i];

	if (a->sent == b->sent && a->frames == b->frames && a->told == b->told)
		return true;
	fprintf(stderr, "\npeer %u: %s differs (%u and %u frames)", i,
		a->told != b->told ? "what its service was told" : "what it was sent", a->frames,
		b->frames);
	return false;
}

static bool is_same(void)
{
	const struct tg_engine *a = side[0].h.e, *b = side[1].h.e;
	bool same = true;

	for (uint32_t i = 0; i < PEERS; i++)
		same &= is_same_peer(i);
	for (uint32_t c = 0; c < TG_CTR_N; c++) {
		if (a->ctr.v[c] == b->ctr.v[c])
			continue;
		fprintf(stderr, "\n%s: %llu, the long way %llu", tg_ctr_info[c].name,
			(unsigned long long)a->ctr.v[c], (unsigned long long)b->ctr.v[c]);
		same = false;
	}
	for (uint32_t s = 0; s < TG_STATE_N; s++)
		same &= a->state_n[s] == b->state_n[s];
	return same && tg_tw_store_count(a->tw) == tg_tw_store_count(b->tw);
}

/* --- blocks --- */

static uint32_t conn_at(const struct tg_engine *e, uint32_t i)
{
	for (uint32_t c = 0; c < e->conn_fresh; c++)
		if (tg_conn_used(e, c) && e->conn[c].state != TG_CLOSED &&
		    e->conn[c].rport == 1000 + i)
			return c;
	return TG_NONE;
}

/* What does not name a place in memory. */
static bool is_same_block(const struct tg_tcb *a, const struct tg_tcb *b)
{
	struct tg_tcb x = *a, y = *b;

	x.conf = y.conf = NULL;
	x.conf_own = y.conf_own = NULL;
	x.conn = y.conn = 0;
	x.ooo = y.ooo = 0;
	if (memcmp(&x, &y, offsetof(struct tg_tcb, tx)) == 0)
		return a->tx.chunk_n == b->tx.chunk_n && a->sent.n == b->sent.n &&
		       memcmp(a->sent.own, b->sent.own, sizeof(a->sent.own[0]) * a->sent.n) == 0;
	for (uint32_t i = 0; i < offsetof(struct tg_tcb, tx); i++)
		if (((uint8_t *)&x)[i] != ((uint8_t *)&y)[i])
			fprintf(stderr, " block[%u]", i);
	return false;
}

/* What rests is compared as it stands. */
static bool is_same_rest(const struct tg_conn *a, const struct tg_conn *b)
{
	return memcmp(&a->snd_nxt, &b->snd_nxt,
		      offsetof(struct tg_conn, timer) - offsetof(struct tg_conn, snd_nxt)) == 0 &&
	       a->flags == b->flags && a->snd_scale == b->snd_scale &&
	       a->rcv_scale == b->rcv_scale && a->word == b->word &&
	       tg_timer_is_armed(&a->timer) == tg_timer_is_armed(&b->timer) &&
	       (!tg_timer_is_armed(&a->timer) || a->timer.deadline == b->timer.deadline);
}

/* wake: blocks that are not made yet are made now. */
static bool is_same_conn(uint32_t i, bool wake)
{
	struct tg_engine *a = side[0].h.e, *b = side[1].h.e;
	uint32_t ca = conn_at(a, i), cb = conn_at(b, i);

	if (ca == TG_NONE || cb == TG_NONE)
		return ca == cb;
	struct tg_conn *x = &a->conn[ca], *y = &b->conn[cb];

	if (x->state != y->state || (x->flags & TG_CONN_EXT) != (y->flags & TG_CONN_EXT))
		return false;
	if (!(x->flags & TG_CONN_EXT))
		return is_same_rest(x, y);
	if (a->ext[x->word].flags & TG_EXT_CALM) {
		calm_n++;
		if (!wake)
			return true;
		woken_n++;
		tg_calm_wake(a, x->word);
	}
	return is_same_block(&a->ext[x->word].tcb, &b->ext[y->word].tcb);
}

/* Records as they stand, but for their place. */
static bool is_same_record(const struct tg_engine *a, const struct tg_engine *b, uint32_t i)
{
	struct tg_tuple t = {.laddr = a->conf.port[0].addr[0].addr, .lport = 80};
	const uint8_t v4[4] = {10, 1, 0, (uint8_t)i};

	t.raddr = tg_addr_from_v4(v4);
	t.rport = (uint16_t)(1000 + i);
	uint64_t hash = tg_tcp_tuple_hash(&t, &a->secret);
	tg_tw_handle x = tg_tw_store_find(a->tw, hash), y = tg_tw_store_find(b->tw, hash);

	if (x == TG_NONE || y == TG_NONE)
		return x == y;
	return memcmp(tg_tw_store_at(a->tw, x), tg_tw_store_at(b->tw, y), sizeof(struct tg_tw)) ==
	       0;
}

static bool are_same_conns(void)
{
	bool wake = one_in(5), same = true;

	for (uint32_t i = 0; i < PEERS; i++) {
		if (is_same_conn(i, wake) && is_same_record(side[0].h.e, side[1].h.e, i))
			continue;
		fprintf(stderr, "\npeer %u: its connections differ", i);
		same = false;
	}
	return same;
}

/* --- rounds --- */

static bool run_burst(void)
{
	static struct frame f[TG_BURST_MAX];
	static struct tg_pkt out[4 * TG_BURST_MAX];
	uint32_t n = 1 + below(one_in(8) ? TG_BURST_MAX : 6),
		 room = one_in(30) ? 0 : 4 * TG_BURST_MAX;

	in_burst = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t from = below(PEERS);
		in_burst |= 1u << from;
		if (i && wild && one_in(30))
			f[i] = f[i - 1];
		else
			random_segment(from, &f[i]);
		if (wild && one_in(100))
			f[i].data[14 + below(f[i].len - 14)] ^= (uint8_t)(1u << below(8));
	}
	for (int k = 0; k < 2; k++) {
		struct host *h = &side[k].h;
		struct tg_pkt in[TG_BURST_MAX];
		for (uint32_t i = 0; i < n; i++) {
			in[i] = (struct tg_pkt){
			    .data = malloc(HOST_BUF_LEN), .len = f[i].len, .cap = HOST_BUF_LEN};
			in[i].handle = in[i].data;
			memcpy(in[i].data, f[i].data, f[i].len);
			h->buf_live++;
		}
		uint32_t sent = tg_engine_rx(h->e, in, n, out, room, h->now_ns);
		for (uint32_t i = 0; i < sent; i++)
			take(&side[k], &out[i], k == 0);
		host_check(h);
	}
	return is_same() && are_same_conns();
}

static bool run_tick(uint32_t ms)
{
	static struct tg_pkt out[8 * TG_BURST_MAX];

	for (int k = 0; k < 2; k++) {
		struct host *h = &side[k].h;
		h->now_ns += ms * TG_NS_PER_MS + 1234;
		uint32_t sent = tg_engine_tick(h->e, out, 8 * TG_BURST_MAX, h->now_ns);
		for (uint32_t i = 0; i < sent; i++)
			take(&side[k], &out[i], k == 0);
		host_check(h);
	}
	return is_same() && are_same_conns();
}

static bool run_round(void)
{
	for (uint32_t i = 0; i < BURSTS; i++) {
		if (!run_burst())
			return false;
		if (one_in(2) && !run_tick(one_in(5) ? below(3000) : below(30)))
			return false;
	}
	return run_tick(100000) && run_tick(100000);
}

static void test_calm_anyConversations_sameAsTheLongWay(void)
{
	uint64_t seed = tg_test_seed;
	uint32_t wrong = 0;

	calm_n = woken_n = 0;
	for (uint32_t r = 0; r < ROUNDS && !wrong; r++) {
		tg_rng_init(&rng, seed + r);
		begin();
		wrong += !run_round();
		if (wrong)
			fprintf(stderr, "\nseed %llu\n", (unsigned long long)(seed + r));
		end();
	}
	CU_ASSERT_EQUAL(wrong, 0);
	/* The short way was gone, and left where it had begun. */
	CU_ASSERT(calm_n > 2 * ROUNDS && woken_n > ROUNDS / 3);
}

static const struct tg_test tests[] = {
    {"calm_anyConversations_sameAsTheLongWay", test_calm_anyConversations_sameAsTheLongWay},
};

int main(int argc, char **argv)
{
	return tg_test_main("engine_calm", tests, TG_TEST_N(tests), argc, argv);
}
