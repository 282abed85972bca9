/* SPDX-License-Identifier: BSD-3-Clause */
#include "life_gen.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { BURST = 32, CLIENT_PORT_LOW = 1024 };

/* Where the client stands: what it waits for. */
enum stage { STAGE_SYNACK = 1, STAGE_ANSWER, STAGE_END };

const uint8_t life_server_v4[4] = {192, 0, 2, 1};
const struct tg_mac life_server_mac = {{2, 0, 0, 0, 0, 1}}, life_client_mac = {{2, 0, 0, 0, 0, 2}};

static uint32_t client_isn(uint32_t id)
{
	return id * 2654435761u ^ 0x5bd1e995u;
}

uint8_t life_answer_byte(uint32_t i)
{
	return (uint8_t)('a' + i % 26);
}

static struct life_slot *slot_of(struct life_gen *g, uint32_t id)
{
	return &g->slot[id & (LIFE_SLOTS - 1)];
}

static void fault(struct life_gen *g, uint32_t id, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void fault(struct life_gen *g, uint32_t id, const char *format, ...)
{
	va_list args;
	int n;

	if (g->faults++)
		return;
	n = snprintf(g->fault, sizeof(g->fault), "connection %" PRIu32 ": ", id);
	va_start(args, format);
	vsnprintf(g->fault + n, sizeof(g->fault) - (size_t)n, format, args);
	va_end(args);
}

/* --- what a client sends --- */

static void fill_frame(struct rte_mbuf *m, uint32_t id, struct tg_seg *seg)
{
	struct tg_eth eth = {
	    .dst = life_server_mac, .src = life_client_mac, .type = TG_ETHERTYPE_IP4};
	struct tg_ip ip = {.proto = TG_PROTO_TCP, .ttl = 64};
	uint8_t v4[4], *p = rte_pktmbuf_mtod(m, uint8_t *);
	uint32_t hdr_len = tg_tcp_hdr_len(&seg->opts, seg->ctl & TG_TCP_SYN);

	tg_be32_put(v4, 10u << 24 | (id & 0xffffff));
	ip.src = tg_addr_from_v4(v4);
	ip.dst = tg_addr_from_v4(life_server_v4);
	seg->sport = (uint16_t)(CLIENT_PORT_LOW + (id >> 24));
	seg->dport = LIFE_PORT;
	p += tg_eth_emit(p, &eth);
	p += tg_ip4_emit(p, &ip, hdr_len + seg->len, false);
	tg_tcp_emit(p, seg);
	memset(p + hdr_len, 'x', seg->len);
	tg_tcp_csum_put(p, hdr_len + seg->len, &ip.src, &ip.dst, false);
	m->data_len = (uint16_t)(TG_ETH_LEN + TG_IP4_LEN + hdr_len + seg->len);
	m->pkt_len = m->data_len;
	m->ol_flags = 0;
}

static struct rte_mbuf *new_buffer(struct life_gen *g)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(g->pool);

	if (!m)
		fault(g, g->next, "the clients have no buffer left: a bug of this program");
	return m;
}

/* The segment of m, or of a new buffer; `seen`: what it answers. offset: of its first byte behind
 * the client's SYN; ack: what of the server's bytes behind its SYN is there. */
static struct rte_mbuf *make(struct life_gen *g, struct rte_mbuf *m, uint32_t id, uint8_t ctl,
			     uint32_t offset, uint32_t len, uint32_t ack, uint32_t tsecr)
{
	struct tg_seg seg = {
	    .seq = tg_seq_make(client_isn(id) + 1 + offset),
	    .ack = tg_seq_make(slot_of(g, id)->server_isn + 1 + ack),
	    .len = len,
	    .wnd = 64240,
	    .ctl = ctl,
	    .opts = {.has_ts = 1, .tsval = (uint32_t)g->now_ms, .tsecr = tsecr},
	};

	if (!m && !(m = new_buffer(g)))
		return NULL;
	fill_frame(m, id, &seg);
	return m;
}

static void put_into(struct life_gen *g, struct rte_mbuf *to[], uint32_t *n, struct rte_mbuf *m)
{
	if (m && *n < LIFE_TURN_MAX) {
		to[(*n)++] = m;
		return;
	}
	if (m)
		fault(g, g->next, "more than %d segments in a turn", LIFE_TURN_MAX);
	rte_pktmbuf_free(m);
}

static void put(struct life_gen *g, struct rte_mbuf *m)
{
	put_into(g, g->out, &g->out_n, m);
}

static void put_later(struct life_gen *g, struct rte_mbuf *m)
{
	put_into(g, g->later, &g->later_n, m);
}

static void open_one(struct life_gen *g)
{
	uint32_t id = g->next++;
	struct tg_seg seg = {
	    .seq = tg_seq_make(client_isn(id)),
	    .wnd = 64240,
	    .ctl = TG_TCP_SYN,
	    .opts = {.has_mss = 1,
		     .has_sack_perm = 1,
		     .has_wscale = 1,
		     .has_ts = 1,
		     .mss = 1460,
		     .wscale = 7,
		     .tsval = (uint32_t)g->now_ms},
	};
	struct rte_mbuf *m = new_buffer(g);

	if (slot_of(g, id)->stage)
		fault(g, id, "begins while the one %d before it is not over", LIFE_SLOTS);
	*slot_of(g, id) = (struct life_slot){.id = id, .stage = STAGE_SYNACK};
	g->alive++;
	if (!m)
		return;
	fill_frame(m, id, &seg);
	put(g, m);
}

/* --- what a client does --- */

static void end(struct life_gen *g, struct life_slot *s)
{
	s->stage = 0;
	g->alive--;
	g->over++;
}

/* The handshake's ACK, and the request, with it or behind it. */
static void ask(struct life_gen *g, struct life_slot *s, struct rte_mbuf *m, uint32_t tsecr)
{
	const uint8_t ask_ctl = TG_TCP_ACK | TG_TCP_PSH;
	bool is_apart = g->packets == 5 || (g->packets == 4 && g->close == LIFE_SERVER_CLOSES);
	bool is_all = g->packets == 3 && g->close == LIFE_CLIENT_CLOSES;

	if (s->id < g->held) {
		put(g, make(g, m, s->id, TG_TCP_ACK, 0, 0, 0, tsecr));
		end(g, s);
		return;
	}
	s->stage = STAGE_ANSWER;
	if (is_apart) {
		put(g, make(g, m, s->id, TG_TCP_ACK, 0, 0, 0, tsecr));
		put_later(g, make(g, NULL, s->id, ask_ctl, 0, LIFE_REQUEST_LEN, 0, tsecr));
		return;
	}
	put(g,
	    make(g, m, s->id, ask_ctl | (is_all ? TG_TCP_FIN : 0), 0, LIFE_REQUEST_LEN, 0, tsecr));
}

static void answered(struct life_gen *g, struct life_slot *s, struct rte_mbuf *m, uint32_t tsecr)
{
	bool has_fin = g->close == LIFE_SERVER_CLOSES || g->packets == 3;
	uint32_t ack = LIFE_ANSWER_LEN + (has_fin ? 1 : 0);
	const uint8_t fin = TG_TCP_FIN | TG_TCP_ACK;

	if (g->close == LIFE_CLIENT_CLOSES && g->packets == 3) {
		put(g, make(g, m, s->id, TG_TCP_ACK, LIFE_REQUEST_LEN + 1, 0, ack, tsecr));
		end(g, s);
		return;
	}
	s->stage = STAGE_END;
	if (g->close == LIFE_SERVER_CLOSES && g->packets == 5) {
		put(g, make(g, m, s->id, TG_TCP_ACK, LIFE_REQUEST_LEN, 0, ack, tsecr));
		put_later(g, make(g, NULL, s->id, fin, LIFE_REQUEST_LEN, 0, ack, tsecr));
		return;
	}
	put(g, make(g, m, s->id, fin, LIFE_REQUEST_LEN, 0, ack, tsecr));
}

static void ended(struct life_gen *g, struct life_slot *s, struct rte_mbuf *m, uint32_t tsecr)
{
	if (g->close == LIFE_CLIENT_CLOSES)
		put(g, make(g, m, s->id, TG_TCP_ACK, LIFE_REQUEST_LEN + 1, 0, LIFE_ANSWER_LEN + 1,
			    tsecr));
	else
		rte_pktmbuf_free(m);
	end(g, s);
}

static void go_on(struct life_gen *g, struct life_slot *s, struct rte_mbuf *m, uint32_t tsecr)
{
	if (s->stage == STAGE_SYNACK)
		ask(g, s, m, tsecr);
	else if (s->stage == STAGE_ANSWER)
		answered(g, s, m, tsecr);
	else
		ended(g, s, m, tsecr);
}

/* --- what the server said --- */

/* What the right segment is, but for the ISN. */
struct right {
	uint8_t ctl;
	uint32_t offset, len, ack; /* as make() has them, seen from the server */
};

static struct right right_at(const struct life_gen *g, uint32_t stage)
{
	bool all = g->close == LIFE_CLIENT_CLOSES && g->packets == 3;
	bool first = g->close == LIFE_SERVER_CLOSES;

	if (stage == STAGE_SYNACK)
		return (struct right){.ctl = TG_TCP_SYN | TG_TCP_ACK};
	if (stage == STAGE_ANSWER)
		return (struct right){.ctl = TG_TCP_ACK | (first || all ? TG_TCP_FIN : 0),
				      .len = LIFE_ANSWER_LEN,
				      .ack = LIFE_REQUEST_LEN + (all ? 1 : 0)};
	if (first)
		return (struct right){
		    .ctl = TG_TCP_ACK, .offset = LIFE_ANSWER_LEN + 1, .ack = LIFE_REQUEST_LEN + 1};
	return (struct right){
	    .ctl = TG_TCP_FIN | TG_TCP_ACK, .offset = LIFE_ANSWER_LEN, .ack = LIFE_REQUEST_LEN + 1};
}

static bool is_agreed(const struct tg_tcp_opts *o)
{
	return o->has_mss && o->has_sack_perm && o->has_wscale && o->mss == 1460;
}

/* Compares the segment with the right one. A segment that was right before is a repetition. */
static bool check(struct life_gen *g, struct life_slot *s, const struct tg_seg *seg)
{
	struct right right = right_at(g, s->stage);
	bool is_synack = s->stage == STAGE_SYNACK;
	uint32_t seq = is_synack ? seg->seq.v : s->server_isn + 1 + right.offset;

	if ((seg->ctl & ~TG_TCP_PSH) == right.ctl && seg->seq.v == seq &&
	    seg->ack.v == client_isn(s->id) + 1 + right.ack && seg->len == right.len &&
	    seg->opts.has_ts && (!is_synack || is_agreed(&seg->opts)))
		return true;
	if (!is_synack && (int32_t)(seg->seq.v - seq) < 0)
		g->repeats++;
	else
		fault(g, s->id,
		      "in step %u came ctl %02x SEQ +%u ACK +%u LEN %u, not ctl %02x SEQ +%u "
		      "ACK +%u LEN %u",
		      s->stage, seg->ctl, seg->seq.v - s->server_isn - 1,
		      seg->ack.v - client_isn(s->id) - 1, seg->len, right.ctl, right.offset,
		      right.ack, right.len);
	return false;
}

/* Of some connections every byte. */
static void sample(struct life_gen *g, uint32_t id, const uint8_t *l3, const struct tg_seg *seg)
{
	struct tg_ip ip;
	uint32_t at = 0;

	if (tg_ip4_parse(l3, TG_IP4_LEN + tg_be16_get(l3 + 2), true, &ip) != TG_CTR_NONE)
		fault(g, id, "an IPv4 header is wrong");
	else if (!tg_tcp_csum_ok(l3 + ip.hdr_len, ip.payload_len, &ip.src, &ip.dst))
		fault(g, id, "a TCP checksum is wrong");
	while (at < seg->len && seg->text[at] == life_answer_byte(at))
		at++;
	if (at < seg->len)
		fault(g, id, "byte %u of the answer is wrong", at);
}

static void take(struct life_gen *g, struct rte_mbuf *m)
{
	const uint8_t *l3 = rte_pktmbuf_mtod(m, const uint8_t *) + TG_ETH_LEN;
	const uint8_t *l4 = l3 + TG_IP4_LEN;
	struct tg_seg seg;
	uint32_t id;
	struct life_slot *s;

	if (tg_be16_get(l3 - 2) == TG_ETHERTYPE_ARP) { /* it announces itself */
		rte_pktmbuf_free(m);
		return;
	}
	g->got++;
	if (m->data_len < TG_ETH_LEN + TG_IP4_LEN + TG_TCP_LEN || l3[0] != 0x45 ||
	    l3[9] != TG_PROTO_TCP ||
	    tg_tcp_parse(l4, (uint32_t)(tg_be16_get(l3 + 2) - TG_IP4_LEN), &seg) != TG_CTR_NONE) {
		fault(g, 0, "a frame of %u bytes is no TCP over IPv4", m->data_len);
		rte_pktmbuf_free(m);
		return;
	}
	id = (tg_be32_get(l3 + 16) & 0xffffff) | (uint32_t)(seg.dport - CLIENT_PORT_LOW) << 24;
	s = slot_of(g, id);
	if (s->id != id || s->stage == 0) {
		/* A mirror has all, the last word too. */
		g->repeats += !g->is_mirrored;
		rte_pktmbuf_free(m);
		return;
	}
	if (g->is_mirrored ? seg.ctl == TG_TCP_ACK : !check(g, s, &seg)) {
		rte_pktmbuf_free(m);
		return;
	}
	if (!g->is_mirrored && id % LIFE_SAMPLE == 0)
		sample(g, id, l3, &seg);
	if (s->stage == STAGE_SYNACK)
		s->server_isn = seg.seq.v;
	go_on(g, s, m, seg.opts.tsval);
}

/* --- a turn --- */

static void shuffle(struct life_gen *g)
{
	for (uint32_t i = g->out_n; i > 1; i--) {
		uint32_t k = tg_rng_below(&g->rng, i);
		struct rte_mbuf *m = g->out[k];

		g->out[k] = g->out[i - 1];
		g->out[i - 1] = m;
	}
}

static void send(struct life_gen *g)
{
	uint32_t n = rte_ring_sp_enqueue_burst(g->to_server, (void *const *)g->out, g->out_n, NULL);

	g->sent += n;
	if (n < g->out_n) {
		fault(g, g->next, "the ring to the server is full: a bug of this program");
		rte_pktmbuf_free_bulk(g->out + n, g->out_n - n);
	}
	g->out_n = 0;
}

void life_gen_turn(struct life_gen *g, uint32_t open)
{
	struct rte_mbuf *m[BURST];
	uint32_t n;

	memcpy(g->out, g->later, g->later_n * sizeof(g->out[0]));
	g->out_n = g->later_n;
	g->later_n = 0;
	while ((n = rte_ring_sc_dequeue_burst(g->to_client, (void **)m, BURST, NULL)) > 0)
		for (uint32_t i = 0; i < n; i++)
			take(g, m[i]);
	while (open-- > 0 && g->out_n + BURST < LIFE_TURN_MAX)
		open_one(g);
	shuffle(g);
	send(g);
}

void life_gen_init(struct life_gen *g, struct rte_mempool *pool, struct rte_ring *to_server,
		   struct rte_ring *to_client)
{
	memset(g, 0, sizeof(*g));
	g->pool = pool;
	g->to_server = to_server;
	g->to_client = to_client;
	g->close = LIFE_SERVER_CLOSES;
	g->packets = 4;
	tg_rng_init(&g->rng, 1);
}

void life_gen_fini(struct life_gen *g)
{
	rte_pktmbuf_free_bulk(g->later, g->later_n);
	g->later_n = 0;
}
