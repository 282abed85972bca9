/* SPDX-License-Identifier: BSD-3-Clause */
/* splice_tx.c: what a splice sends: segments passed on where they lie, and a few of its own. */
#include "splice.h"
#include "tg_splice_xlate.h"

static uint32_t port_of(const struct tg_splice *s, enum tg_splice_side side)
{
	return side == TG_SPLICE_CLIENT ? s->port_c : s->port_b;
}

bool tg_splice_say(struct tg_engine *e, const struct tg_splice *s, enum tg_splice_side to,
		   struct tg_seg *seg, struct tg_rx *rx)
{
	struct tg_tuple t;
	struct tg_dest dest = {.tuple = &t, .ttl = 64, .via = (uint8_t)(port_of(s, to) + 1)};

	tg_splice_tuple(e, s, to, &t);
	if (!(seg->ctl & TG_TCP_RST))
		return tg_tx_reply(e, &dest, seg, rx);
	tg_ctr_inc(&e->ctr, TG_CTR_rst_sent);
	tg_tx_rst(e, &dest, seg, rx);
	return true;
}

/* --- passing on --- */

/* What changes in the direction of `to`. t: the tuple that it goes by. */
static struct tg_splice_xlate xlate_of(const struct tg_splice *s, enum tg_splice_side to,
				       const struct tg_tuple *t, const struct tg_ip *ip)
{
	struct tg_splice_xlate x = {
	    .addr_sum = tg_splice_addr_sum(&ip->src, &ip->dst, &t->laddr, &t->raddr),
	    .sport = t->lport,
	    .dport = t->rport,
	    .sack = (s->flags & TG_SPLICE_SACK) != 0,
	    .ts = (s->flags & TG_SPLICE_TS) != 0,
	};

	if (to == TG_SPLICE_CLIENT) {
		x.seq_add = s->delta;
		x.tsval_add = s->ts_delta;
		x.wnd_from = s->wnd_b;
		x.wnd_to = s->wnd_p;
	} else {
		x.ack_add = 0u - s->delta;
		x.tsecr_add = 0u - s->ts_delta;
		x.wnd_from = s->wnd_c;
		x.wnd_to = s->wnd_t;
	}
	return x;
}

/* A packet on its way: what stands before its TCP header when it leaves. */
struct leaving {
	struct tg_tuple t;
	struct tg_eth eth;
	const struct tg_addr *hop;
	uint32_t port;
	enum tg_neigh_answer answer;
	uint32_t l2, l3; /* lengths */
};

static bool find_way(struct tg_engine *e, const struct tg_splice *s, enum tg_splice_side to,
		     struct leaving *v)
{
	bool v4;

	tg_splice_tuple(e, s, to, &v->t);
	v4 = tg_addr_is_v4(&v->t.raddr);
	v->port = port_of(s, to);
	v->hop = tg_route_hop(e->neigh, v->port, &v->t.raddr);
	if (!v->hop)
		return false;
	v->answer = tg_neigh_find(e->neigh, v->port, v->hop, e->env.now_ms, &v->eth.dst);
	if (v->answer == TG_NEIGH_DEAD)
		return false;
	if (v->answer == TG_NEIGH_WAIT)
		memset(&v->eth.dst, 0, sizeof(v->eth.dst));
	v->eth.src = e->conf.port[v->port].mac;
	v->eth.type = v4 ? TG_ETHERTYPE_IP4 : TG_ETHERTYPE_IP6;
	v->eth.vid = e->conf.port[v->port].vlan;
	v->eth.tagged = v->eth.vid != 0;
	v->l2 = v->eth.tagged ? TG_ETH_LEN + TG_VLAN_LEN : TG_ETH_LEN;
	v->l3 = v4 ? TG_IP4_LEN : TG_IP6_LEN;
	return true;
}

static void send(struct tg_engine *e, const struct leaving *v, struct tg_pkt *pkt)
{
	pkt->port = (uint16_t)v->port;
	pkt->rss_hash = 0;
	pkt->tso_mss = 0;
	pkt->tx_flags = 0;
	if (v->answer == TG_NEIGH_WAIT)
		tg_neigh_hold(e->neigh, v->port, v->hop, pkt, &e->out);
	else
		tg_out_put(&e->out, pkt);
}

/* Link and IP header before payload_len bytes. What the sender put there stays, but for addresses
 * and TTL: DF and the identification, which go together (RFC 6864), traffic class, flow label.
 * Options and extension headers do not travel. */
static void emit_headers(const struct leaving *v, const struct tg_ip *was, bool df, uint32_t flow,
			 uint32_t payload_len, uint8_t *data)
{
	struct tg_ip ip = {.src = v->t.laddr,
			   .dst = v->t.raddr,
			   .proto = TG_PROTO_TCP,
			   .ttl = (uint8_t)(was->ttl - 1),
			   .tos = was->tos,
			   .frag_id = was->frag_id};

	tg_eth_emit(data, &v->eth);
	if (v->l3 == TG_IP6_LEN) {
		tg_ip6_emit(data + v->l2, &ip, payload_len, flow);
		return;
	}
	tg_ip4_emit(data + v->l2, &ip, payload_len, false);
	if (df)
		return;
	uint8_t *p = data + v->l2;

	tg_be16_put(p + 10, tg_csum_replace16(tg_be16_get(p + 10), tg_be16_get(p + 6), 0));
	tg_be16_put(p + 6, 0);
}

/* SP-06: the most text that one segment with a header of l4 bytes may have. */
static uint32_t text_max(const struct tg_engine *e, const struct tg_splice *s,
			 enum tg_splice_side to, const struct leaving *v, uint32_t l4)
{
	uint32_t most = e->conf.port[v->port].mtu - v->l3 - l4;
	uint32_t mss = s->mss - (l4 - TG_TCP_LEN);

	return to == TG_SPLICE_BACKEND && mss < most ? mss : most;
}

/* The header of the piece at `at` of a segment of len bytes of text: first and last bear what
 * belongs there. */
static void cut_header(uint8_t *tcp, uint32_t at, uint32_t n, uint32_t len)
{
	uint16_t up = tg_be16_get(tcp + 18);

	tg_be32_put(tcp + 4, tg_be32_get(tcp + 4) + at);
	if (at > 0)
		tcp[13] &= (uint8_t)~TG_TCP_CWR;
	if (at + n < len)
		tcp[13] &= (uint8_t) ~(TG_TCP_FIN | TG_TCP_PSH);
	if (up <= at)
		tcp[13] &= (uint8_t)~TG_TCP_URG;
	tg_be16_put(tcp + 18, up > at ? (uint16_t)(up - at) : 0);
}

/* A segment that is longer than the way or the end takes (neither may know yet, or the sender's
 * side merged some) goes on as several. Its header, numbers changed already, and text lie at tcp.
 */
static enum tg_ctr cut(struct tg_engine *e, const struct leaving *v, const struct tg_splice_pkt *p,
		       uint32_t flow, bool df, uint32_t most, const uint8_t *tcp)
{
	uint32_t len = p->seg->len, l4 = p->ip->payload_len - len;
	struct tg_pkt pkt;

	if ((len + most - 1) / most > tg_out_room(&e->out))
		return TG_CTR_tx_no_buffer;
	for (uint32_t at = 0, n; at < len; at += n) {
		n = len - at < most ? len - at : most;
		if (!tg_out_get(&e->out, &pkt))
			return TG_CTR_tx_no_buffer; /* what went is good, the rest is repeated */
		uint8_t *to = pkt.data + v->l2 + v->l3;
		memcpy(to, tcp, l4);
		memcpy(to + l4, tcp + l4 + at, n);
		cut_header(to, at, n, len);
		emit_headers(v, p->ip, df, flow, l4 + n, pkt.data);
		tg_tcp_csum_put(to, l4 + n, &v->t.laddr, &v->t.raddr, false);
		pkt.len = v->l2 + v->l3 + l4 + n;
		send(e, v, &pkt);
		tg_ctr_inc(&e->ctr, TG_CTR_splice_cut);
	}
	return TG_CTR_NONE;
}

/* The checksum as it was, by difference; where the card knows only that the data is good, and the
 * field holds something else (tg_pkt.h), it is a full sum. */
static bool xlate(const struct tg_splice *s, enum tg_splice_side to, const struct leaving *v,
		  const struct tg_splice_pkt *p, uint8_t *tcp)
{
	struct tg_splice_xlate x = xlate_of(s, to, &v->t, p->ip);

	if (!tg_splice_xlate(tcp, &x))
		return false;
	if (p->pkt->csum_absent)
		tg_tcp_csum_put(tcp, p->ip->payload_len, &v->t.laddr, &v->t.raddr, false);
	return true;
}

enum tg_ctr tg_splice_forward(struct tg_engine *e, const struct tg_splice *s,
			      enum tg_splice_side from, const struct tg_splice_pkt *p)
{
	enum tg_splice_side to = from == TG_SPLICE_CLIENT ? TG_SPLICE_BACKEND : TG_SPLICE_CLIENT;
	uint8_t *data = p->pkt->data, *ip = data + p->l2, *tcp = ip + p->ip->hdr_len;
	uint32_t flow = tg_be32_get(ip) & 0xfffff;
	bool df = p->ip->v6 || (ip[6] & 0x40);
	struct leaving v;

	if (p->ip->ttl <= 1)
		return TG_CTR_splice_ttl;
	if (tg_out_room(&e->out) == 0)
		return TG_CTR_tx_no_buffer;
	if (!find_way(e, s, to, &v)) {
		tg_ctr_inc(&e->ctr, TG_CTR_neigh_unreachable);
		return TG_CTR_NONE;
	}
	if (!xlate(s, to, &v, p, tcp))
		return TG_CTR_splice_bad_option;
	uint32_t most = text_max(e, s, to, &v, p->ip->payload_len - p->seg->len);

	if (p->seg->len > most)
		return cut(e, &v, p, flow, df, most, tcp);
	uint32_t at = v.l2 + v.l3;

	if (at + p->ip->payload_len > p->pkt->cap)
		return TG_CTR_tx_no_buffer;
	if (data + at != tcp) /* a tag more or less, or options that stay behind */
		memmove(data + at, tcp, p->ip->payload_len);
	emit_headers(&v, p->ip, df, flow, p->ip->payload_len, data);
	p->pkt->len = at + p->ip->payload_len;
	*p->used = true;
	send(e, &v, p->pkt);
	tg_ctr_inc(&e->ctr,
		   from == TG_SPLICE_CLIENT ? TG_CTR_splice_to_backend : TG_CTR_splice_to_client);
	return TG_CTR_NONE;
}
