/* SPDX-License-Identifier: BSD-3-Clause */
/* syn.c: see syn.h. */
#include "neigh_table.h"
#include "syn_way.h"

enum {
	FLAGS = TG_TCP_FIN | TG_TCP_SYN | TG_TCP_RST | TG_TCP_PSH | TG_TCP_ACK | TG_TCP_URG,
	VID_MASK = 0x0fff,
	SHAPES = 4, /* taken in a burst */
};
_Static_assert(TG_PORT_MAX <= 16, "place_of has four bits for a port");
_Static_assert((int)TG_BURST_MAX <= (int)TG_SYN_BATCH_MAX,
	       "a burst fits, and a mask has a bit each");

/* --- ways --- */

/* NULL: there are too many. */
static struct tg_syn_way *add_way(struct tg_engine *e, struct tg_syn_side *side, uint64_t place,
				  const struct tg_addr *dst, uint16_t port, uint16_t vid,
				  uint16_t lport)
{
	if (side->way_n == TG_SYN_WAYS)
		return NULL;
	struct tg_syn_way *w = &side->way[side->way_n];

	side->last = side->way_n++;
	w->place = place;
	w->laddr = *dst;
	w->mints = false;
	w->stamp = e->syn.stamp - 1;
	w->formed = 0;
	tg_syn_way_fill(e, w, port, vid, lport);
	return w;
}

static inline bool is_way(const struct tg_syn_way *w, bool v6, uint64_t place, const uint8_t *dst)
{
	return w->place == place && (!v6 || memcmp(w->laddr.b, dst, sizeof(w->laddr.b)) == 0);
}

static struct tg_syn_way *search_way(struct tg_engine *e, struct tg_syn_side *side, uint64_t place,
				     const uint8_t *dst, uint16_t port, uint16_t vid,
				     uint16_t lport)
{
	for (uint32_t i = 0; i < side->way_n; i++) {
		if (!is_way(&side->way[i], side->batch.v6, place, dst))
			continue;
		side->last = i;
		return &side->way[i];
	}
	struct tg_addr laddr = side->batch.v6 ? tg_addr_from_v6(dst) : tg_addr_from_v4(dst);

	return add_way(e, side, place, &laddr, port, vid, lport);
}

/* The way of a SYN that came by port with VLAN vid; dst, tcp: in it. NULL: no cookie is due. */
static inline __attribute__((always_inline)) const struct tg_syn_way *
find_way(struct tg_engine *e, struct tg_syn_side *side, bool v6, const uint8_t *dst,
	 const uint8_t *tcp, uint16_t port, uint16_t vid)
{
	uint16_t lport = tg_be16_get(tcp + 2);
	uint64_t place = (uint64_t)lport << 32 | (uint64_t)(vid | (uint32_t)port << 12) << 48;
	const struct tg_syn_way *w = &side->way[side->last];

	if (!v6)
		place |= tg_be32_get(dst);
	if (side->way_n == 0 || !is_way(w, v6, place, dst))
		w = search_way(e, side, place, dst, port, vid, lport);
	return w && w->mints ? w : NULL;
}

/* --- take --- */

static inline bool is_to(const struct tg_syn_way *w, const struct tg_pkt *pkt)
{
	return memcmp(pkt->data, w->mac.b, sizeof(w->mac.b)) == 0 && pkt->cap >= TG_HDR_MAX;
}

static inline void put(struct tg_engine *e, struct tg_syn_side *side, uint8_t way, bool v6,
		       const uint8_t *ip, const uint8_t *tcp, uint32_t i)
{
	struct tg_syn_batch *b = &side->batch;
	uint32_t n = b->n++;

	tg_syn_batch_put(b, n, v6, ip, tcp);
	b->terms[n] = way;
	side->at[n] = (uint8_t)i;
	e->syn.nth[i] = (uint8_t)n;
	e->syn.v6[i] = v6;
}

/* The SYN that is taken now shows what others may look like; not again and again, should they all
 * look different. */
static void take_shape(struct tg_syn_side *side, const struct tg_syn_way *w,
		       const struct tg_pkt *pkt, uint32_t l2, bool v6)
{
	if (side->shape_n == SHAPES)
		return;
	side->shape_n++;
	side->shaped_n = 0;
	side->shape_way = (uint8_t)(w - side->way);
	side->shape_port = pkt->port;
	tg_syn_shape_init(&side->shape, pkt->data, l2, v6, &side->batch.syn[side->batch.n]);
}

/* tg_route_is_near, of a source that is no group. */
static inline bool is_near4(const struct tg_neigh *n, uint32_t v4)
{
	if (n->own_n) {
		const uint32_t net = tg_be32_swap(v4);
		const struct tg_addr a = tg_addr_from_v4(&net);

		return tg_route_is_near(n, &a);
	}
	for (uint32_t i = 0; i < n->subnet_first[TG_PORT_MAX]; i++)
		if ((v4 & n->subnet[i].mask) == n->subnet[i].net)
			return true;
	return false;
}

static inline bool take4(struct tg_engine *e, const struct tg_pkt *pkt, uint32_t i, uint32_t l2,
			 uint16_t vid)
{
	struct tg_syn_side *side = &e->syn.side[0];
	const uint8_t *ip = pkt->data + l2, *tcp = ip + TG_IP4_LEN;

	if (pkt->len < l2 + TG_IP4_LEN + TG_TCP_LEN || (tcp[13] & FLAGS) != TG_TCP_SYN)
		return false;
	const struct tg_syn_way *w = find_way(e, side, false, ip + 16, tcp, pkt->port, vid);

	if (!w || !is_to(w, pkt) || is_near4(e->neigh, tg_be32_get(ip + 12)) ||
	    !tg_syn4_parse(ip, pkt->len - l2, pkt->l3_csum == TG_CSUM_GOOD,
			   pkt->l4_csum == TG_CSUM_GOOD, &side->batch.syn[side->batch.n]))
		return false;
	take_shape(side, w, pkt, l2, false);
	put(e, side, (uint8_t)(w - side->way), false, ip, tcp, i);
	return true;
}

static inline bool take6(struct tg_engine *e, const struct tg_pkt *pkt, uint32_t i, uint32_t l2,
			 uint16_t vid)
{
	struct tg_syn_side *side = &e->syn.side[1];
	const uint8_t *ip = pkt->data + l2, *tcp = ip + TG_IP6_LEN;
	uint32_t port;

	if (pkt->len < l2 + TG_IP6_LEN + TG_TCP_LEN || (tcp[13] & FLAGS) != TG_TCP_SYN)
		return false;
	const struct tg_syn_way *w = find_way(e, side, true, ip + 24, tcp, pkt->port, vid);

	if (!w || !is_to(w, pkt) ||
	    !tg_syn6_parse(ip, pkt->len - l2, pkt->l4_csum == TG_CSUM_GOOD,
			   &side->batch.syn[side->batch.n]))
		return false;
	struct tg_addr src = tg_addr_from_v6(ip + 8);

	if (tg_route_is_ours(e->neigh, &src, &port))
		return false;
	take_shape(side, w, pkt, l2, true);
	put(e, side, (uint8_t)(w - side->way), true, ip, tcp, i);
	return true;
}

/* What most packets are told by: long enough, and IPv4 without a tag only with the flags of a SYN.
 */
static inline bool may_be_syn(const struct tg_pkt *pkt)
{
	return pkt->len >= TG_ETH_LEN + TG_IP4_LEN + TG_TCP_LEN &&
	       ((pkt->data[TG_ETH_LEN + TG_IP4_LEN + 13] & FLAGS) == TG_TCP_SYN ||
		tg_be16_get(pkt->data + 12) != TG_ETHERTYPE_IP4);
}

static bool take(struct tg_engine *e, const struct tg_pkt *pkt, uint32_t i)
{
	uint32_t l2 = TG_ETH_LEN;
	uint16_t vid = 0;
	uint16_t type = tg_be16_get(pkt->data + 12);

	if (type == TG_ETHERTYPE_VLAN) {
		vid = tg_be16_get(pkt->data + 14) & VID_MASK;
		type = tg_be16_get(pkt->data + 16);
		l2 += TG_VLAN_LEN;
	}
	if (type == TG_ETHERTYPE_IP4)
		return take4(e, pkt, i, l2, vid);
	return type == TG_ETHERTYPE_IP6 && take6(e, pkt, i, l2, vid);
}

/* Whether in the side's family it looks as the one before did. */
static inline __attribute__((always_inline)) bool has_shape(const struct tg_syn_side *side,
							    const struct tg_pkt *pkt, bool v6)
{
	const struct tg_syn_shape *s = &side->shape;

	return s->len && pkt->len >= s->len && pkt->port == side->shape_port &&
	       pkt->cap >= TG_HDR_MAX && tg_syn_shape_has(s, pkt->data, v6);
}

static inline void put_shaped(struct tg_engine *e, struct tg_syn_side *side, bool v6,
			      const struct tg_pkt *pkt, uint32_t i)
{
	const struct tg_syn_shape *s = &side->shape;
	const uint8_t *ip = pkt->data + s->l2_len;
	struct tg_syn *syn = &side->batch.syn[side->batch.n];

	side->shaped_n++;
	*syn = s->syn;
	memcpy(&syn->tsval, pkt->data + s->ts_at, sizeof(syn->tsval));
	put(e, side, side->shape_way, v6, ip, ip + (v6 ? TG_IP6_LEN : TG_IP4_LEN), i);
}

/* One as the one before; false: it is another, or not right. */
static inline bool take_shaped(struct tg_engine *e, const struct tg_pkt *pkt, uint32_t i)
{
	struct tg_syn_side *side = e->syn.side;
	const uint8_t *ip;
	uint32_t port;

	if (has_shape(&side[0], pkt, false)) {
		ip = pkt->data + side[0].shape.l2_len;
		if (is_near4(e->neigh, tg_be32_get(ip + 12)) ||
		    !tg_syn4_rest(&side[0].shape, ip, pkt->l3_csum == TG_CSUM_GOOD,
				  pkt->l4_csum == TG_CSUM_GOOD))
			return false;
		put_shaped(e, &side[0], false, pkt, i);
		return true;
	}
	if (!has_shape(&side[1], pkt, true))
		return false;
	ip = pkt->data + side[1].shape.l2_len;
	struct tg_addr src = tg_addr_from_v6(ip + 8);

	if (tg_route_is_ours(e->neigh, &src, &port) ||
	    !tg_syn6_rest(&side[1].shape, ip, pkt->l4_csum == TG_CSUM_GOOD))
		return false;
	put_shaped(e, &side[1], true, pkt, i);
	return true;
}

static void hash_side(struct tg_engine *e, struct tg_syn_side *side)
{
	struct tg_syn_batch *b = &side->batch;

	if (b->n == 0)
		return;
	tg_syn_batch_hash(b, &e->secret, e->lanes);
	for (uint32_t i = 0; i < b->n; i++) {
		tg_table_prefetch(&e->table, b->hash[i]);
		tg_tw_store_prefetch(e->tw, b->hash[i]);
	}
}

static void begin_side(struct tg_syn_side *side, bool v6)
{
	side->batch.v6 = v6;
	side->batch.n = 0;
	side->way_n = side->last = side->shape_n = side->shaped_n = 0;
	side->shape.len = 0;
}

uint64_t tg_syn_take(struct tg_engine *e, const struct tg_pkt in[], uint32_t n)
{
	struct tg_syn_stage *st = &e->syn;
	struct tg_syn_side *side = st->side;
	uint64_t run = tg_syn_run_take(e, in, n), mask = 0;

	begin_side(&side[0], false);
	begin_side(&side[1], true);
	st->mask = run;
	if (run && run == (~0ull >> (64 - n)))
		return run;
	for (uint32_t i = 0; i < n && i < 4; i++)
		__builtin_prefetch(in[i].data);
	for (uint32_t i = 0; i < n; i++) {
		if (i + 4 < n)
			__builtin_prefetch(in[i + 4].data);
		if (!(run >> i & 1) && ((mask && take_shaped(e, &in[i], i)) ||
					(may_be_syn(&in[i]) && take(e, &in[i], i))))
			mask |= 1ull << i;
	}
	st->mask = mask | run;
	if (mask == 0)
		return run;
	hash_side(e, &side[0]);
	hash_side(e, &side[1]);
	tg_syn_run_learn(e, &side[0].way[side[0].shape_way], side[0].shaped_n);
	return st->mask;
}

/* --- find --- */

static uint64_t met_by(const struct tg_engine *e, const struct tg_syn_side *side)
{
	const struct tg_syn_batch *b = &side->batch;
	uint64_t met = 0, any;

	if (b->n == 0)
		return 0;
	any = tg_table_find_any(&e->table, b->hash, b->n) |
	      tg_tw_store_find_any(e->tw, b->hash, b->n);
	for (; any; any &= any - 1)
		met |= 1ull << side->at[__builtin_ctzll(any)];
	return met;
}

/* tg_tx_flow of the tuples of b; the MACs are used up by now. */
static void label(const struct tg_engine *e, struct tg_syn_batch *b)
{
	const uint64_t *m[TG_SIP_WORDS_MAX];
	uint32_t words = tg_syn_batch_words(b, m);

	for (uint32_t i = 0; i < b->n; i++) {
		uint64_t rport = tg_syn_batch_rport(b, i);
		b->mac[i] =
		    rport << 16 | tg_syn_batch_lport(b, i) | tg_sip_len(sizeof(struct tg_tuple));
	}
	m[words] = b->mac;
	e->lanes->hash13(&e->flow_key, m, words + 1, b->mac, b->n);
	for (uint32_t i = 0; i < b->n; i++)
		b->flow[i] = (uint32_t)b->mac[i] & 0xfffff;
}

static void mint(struct tg_engine *e, struct tg_syn_side *side)
{
	const struct tg_syn_terms *terms[TG_SYN_WAYS];

	if (side->batch.n == 0)
		return;
	for (uint32_t i = 0; i < side->way_n; i++)
		terms[i] = &side->way[i].terms;
	tg_syn_batch_mint(&side->batch, terms, &e->cookie, e->lanes);
	if (side->batch.v6)
		label(e, &side->batch);
}

uint64_t tg_syn_find(struct tg_engine *e)
{
	struct tg_syn_stage *st = &e->syn;
	uint64_t met = tg_syn_run_find(e) | met_by(e, &st->side[0]) | met_by(e, &st->side[1]);

	st->table_gen = e->table_gen;
	st->mask &= ~met;
	mint(e, &st->side[0]);
	mint(e, &st->side[1]);
	return met;
}

/* --- answer --- */

/* Sends form s with the numbers of number k. */
static inline __attribute__((always_inline)) void send(struct tg_engine *e,
						       const struct tg_syn_batch *b, bool v6,
						       uint32_t k, const struct tg_synack *s,
						       const struct tg_pkt *pkt, uint16_t port)
{
	struct tg_pkt *out = &e->out.pkt[e->out.n++];
	struct tg_synack_numbers x = {
	    .seq = tg_be32_swap(b->isn[k]),
	    .ack = tg_be32_swap(tg_syn_batch_irs(b, k) + 1),
	    .tsval = tg_be32_swap(b->tsval[k]),
	    .tsecr = b->syn[k].tsval,
	    .port = tg_be16_swap(tg_syn_batch_rport(b, k)),
	};

	if (v6) {
		uint64_t peer[2];
		tg_le64_put((uint8_t *)peer, b->addr[2][k]);
		tg_le64_put((uint8_t *)&peer[1], b->addr[3][k]);
		x.flow = b->flow[k];
		tg_synack6_put(s, pkt->data, peer, &x);
	} else {
		x.id = tg_be16_swap(tg_tx_ip_id(e));
		tg_synack4_put(s, pkt->data, tg_be32_swap(tg_syn_batch_peer(b, k)), &x);
	}
	*out = *pkt;
	out->len = s->len;
	out->port = port;
	out->rss_hash = 0;
	out->tso_mss = 0;
	memcpy(&out->tx_flags, &s->tx_flags, 4); /* and the three lengths */
}

/* False: it leaves, and nothing was done. moved: other packets have changed the tables. */
static inline __attribute__((always_inline)) bool answer(struct tg_engine *e, bool v6, uint32_t k,
							 const struct tg_pkt *pkt, bool moved,
							 struct tg_syn_tally *tally)
{
	struct tg_syn_side *side = &e->syn.side[v6];
	const struct tg_syn_batch *b = &side->batch;
	struct tg_syn_way *w = &side->way[b->terms[k]];
	uint8_t agreed = b->agreed[k];
	const struct tg_synack *s = &w->form[agreed % TG_SYN_OFFERS];
	bool limited = false;

	if ((agreed & TG_SYN_ODD) || tg_out_room(&e->out) == 0 ||
	    (moved && (tg_table_find_any(&e->table, &b->hash[k], 1) ||
		       tg_tw_store_find_any(e->tw, &b->hash[k], 1))))
		return false;
	e->env.mtu = w->mtu;
	if ((w->asks || v6 || w->stamp != e->syn.stamp) && !tg_syn_way_may(e, w, b, k, &limited))
		return false;
	if (limited) {
		tally->limited++;
		tg_rx_put_back(e, pkt);
		return true;
	}
	if (!(w->formed >> agreed & 1))
		tg_syn_way_form(e, w, agreed);
	w->l->cookie_ms = e->env.now_ms;
	w->l->cookie_wnd = w->wnd;
	send(e, b, v6, k, s, pkt, w->port);
	tally->sent++;
	tally->bytes += s->len;
	return true;
}

uint32_t tg_syn_answer(struct tg_engine *e, const struct tg_pkt in[], uint32_t i, uint32_t n)
{
	const struct tg_syn_stage *st = &e->syn;
	bool moved = e->table_gen != st->table_gen;
	struct tg_syn_tally t = {0};

	while (i < n && (st->mask >> i & 1)) {
		uint32_t k = st->nth[i], from = i;
		if (st->run.mask >> i & 1) {
			i = tg_syn_run_answer(e, in, i, n, moved, &t);
			if (i == from)
				break;
			continue;
		}
		if (!(st->v6[i] ? answer(e, true, k, &in[i], moved, &t)
				: answer(e, false, k, &in[i], moved, &t)))
			break;
		i++;
	}
	tg_ctr_add(&e->ctr, TG_CTR_rx_accepted, t.sent);
	tg_ctr_add(&e->ctr, TG_CTR_synack_limited, t.limited);
	tg_ctr_add(&e->ctr, TG_CTR_cookie_sent, t.sent);
	tg_ctr_add(&e->ctr, TG_CTR_tx_packets, t.sent);
	tg_ctr_add(&e->ctr, TG_CTR_tx_bytes, t.bytes);
	return i;
}
