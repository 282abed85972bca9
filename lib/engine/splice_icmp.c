/* SPDX-License-Identifier: BSD-3-Clause */
/* splice_icmp.c: ICMP errors about segments that were passed on. What they quote is what we sent;
 * who must know is the end that wrote it, in its own numbers and addresses (RFC 5508 4.2 asks as
 * much of a NAT). Only a packet-too-big says something that an open connection acts on. */
#include "neigh_table.h"
#include "splice.h"

enum { PTB_LEAST_V4 = 552, PTB_LEAST_V6 = 1280, QUOTE_TCP = TG_TCP_LEN };

static enum tg_splice_side other(enum tg_splice_side side)
{
	return side == TG_SPLICE_CLIENT ? TG_SPLICE_BACKEND : TG_SPLICE_CLIENT;
}

/* RB-17, ADV-72: only what is under way can have met an error. */
static bool is_in_flight(const struct tg_splice *s, enum tg_splice_side to, tg_seq seq)
{
	if (s->state == TG_SPLICE_OPENING)
		return to == TG_SPLICE_BACKEND &&
		       tg_seq_eq(tg_seq_add(seq, 1), s->side[TG_SPLICE_BACKEND].nxt);
	return tg_seq_ge(seq, s->side[to].nxt) && tg_seq_lt(seq, s->side[other(to)].end);
}

/* RB-21, ADV-74. An MTU of 0 comes from old routers (RFC 1191 5): the end knows what to do. */
static bool is_believable(const struct tg_engine *e, const struct tg_splice *s,
			  enum tg_splice_side to, uint32_t mtu)
{
	uint32_t port = to == TG_SPLICE_CLIENT ? s->port_c : s->port_b;
	uint32_t least = e->conf.pmtu_min_v4 ? e->conf.pmtu_min_v4 : PTB_LEAST_V4;

	if (s->flags & TG_SPLICE_V6)
		least = PTB_LEAST_V6;
	else if (mtu == 0)
		return true;
	return mtu >= least && mtu < e->conf.port[port].mtu;
}

/* The packet as `from` sent it, as far as its ports and number go. Returns its length. */
static uint32_t quote(const struct tg_splice *s, enum tg_splice_side from, const struct tg_tuple *t,
		      const struct tg_icmp *icmp, uint8_t *out)
{
	bool v4 = tg_addr_is_v4(&t->raddr);
	struct tg_ip ip = {.src = t->raddr, .dst = t->laddr, .proto = TG_PROTO_TCP, .ttl = 1};
	uint32_t l3 = v4 ? TG_IP4_LEN : TG_IP6_LEN;
	uint32_t len = icmp->quoted_len > l3 ? icmp->quoted_len - l3 : QUOTE_TCP;
	struct tg_seg seg = {
	    .seq = icmp->quoted_seq, .ctl = TG_TCP_ACK, .sport = t->rport, .dport = t->lport};

	if (from == TG_SPLICE_BACKEND)
		seg.seq = tg_seq_sub(seg.seq, s->delta);
	if (v4)
		tg_ip4_emit(out, &ip, len, false);
	else
		tg_ip6_emit(out, &ip, len, 0);
	return l3 + tg_tcp_emit(out + l3, &seg);
}

/* Who speaks: the address that the end thinks it talks to is good where it is ours. */
static bool choose_src(const struct tg_engine *e, const struct tg_tuple *t, uint32_t port,
		       struct tg_addr *src)
{
	uint32_t at;

	*src = t->laddr;
	return (tg_route_is_ours(e->neigh, src, &at) && at == port) ||
	       tg_route_link_source(e->neigh, port, &t->raddr, src);
}

static void emit(struct tg_engine *e, const struct tg_eth *eth, const struct tg_addr *src,
		 const struct tg_addr *dst, uint32_t mtu, const uint8_t *quoted,
		 uint32_t quoted_len, struct tg_pkt *pkt)
{
	bool v4 = tg_addr_is_v4(dst);
	uint32_t l2 = tg_eth_emit(pkt->data, eth), l3 = v4 ? TG_IP4_LEN : TG_IP6_LEN;
	uint8_t *icmp = pkt->data + l2 + l3;
	uint32_t len = tg_icmp_error_emit(icmp, pkt->cap - l2 - l3, v4 ? 3 : 2, v4 ? 4 : 0, mtu,
					  src, dst, quoted, quoted_len);
	struct tg_ip ip = {.src = *src,
			   .dst = *dst,
			   .proto = v4 ? TG_PROTO_ICMP : TG_PROTO_ICMP6,
			   .ttl = 64,
			   .frag_id = tg_tx_ip_id(e)};
	struct tg_tuple pair = {.laddr = *src, .raddr = *dst};

	if (v4)
		tg_ip4_emit(pkt->data + l2, &ip, len, false);
	else
		tg_ip6_emit(pkt->data + l2, &ip, len, tg_tx_flow(e, &pair));
	pkt->len = l2 + l3 + len;
}

/* To `from`, who wrote what was too big. */
static enum tg_ctr send_ptb(struct tg_engine *e, const struct tg_splice *s,
			    enum tg_splice_side from, const struct tg_icmp *icmp)
{
	uint8_t quoted[TG_IP6_LEN + QUOTE_TCP];
	uint32_t port = from == TG_SPLICE_CLIENT ? s->port_c : s->port_b;
	const struct tg_port_conf *pc = &e->conf.port[port];
	struct tg_eth eth = {.src = pc->mac, .vid = pc->vlan, .tagged = pc->vlan != 0};
	const struct tg_addr *hop;
	enum tg_neigh_answer answer;
	struct tg_addr src;
	struct tg_tuple t;
	struct tg_pkt pkt;

	tg_splice_tuple(e, s, from, &t);
	eth.type = tg_addr_is_v4(&t.raddr) ? TG_ETHERTYPE_IP4 : TG_ETHERTYPE_IP6;
	hop = tg_route_hop(e->neigh, port, &t.raddr);
	if (!hop || !choose_src(e, &t, port, &src))
		return TG_CTR_NONE;
	answer = tg_neigh_find(e->neigh, port, hop, e->env.now_ms, &eth.dst);
	if (answer != TG_NEIGH_OK) /* it is told again with the next packet that is too big */
		return TG_CTR_NONE;
	if (!tg_out_get(&e->out, &pkt))
		return TG_CTR_tx_no_buffer;
	emit(e, &eth, &src, &t.raddr, icmp->mtu, quoted, quote(s, from, &t, icmp, quoted), &pkt);
	pkt.port = (uint16_t)port;
	tg_out_put(&e->out, &pkt);
	tg_ctr_inc(&e->ctr, TG_CTR_splice_ptb);
	return TG_CTR_NONE;
}

static enum tg_ctr ptb(struct tg_engine *e, const struct tg_splice *s, enum tg_splice_side to,
		       const struct tg_icmp *icmp)
{
	struct tg_tuple t;

	if (s->state == TG_SPLICE_OPENING || !is_believable(e, s, to, icmp->mtu))
		return TG_CTR_ptb_ignored;
	tg_splice_tuple(e, s, other(to), &t);
	if (!tg_budget_take(e->echo_budget, &t.raddr, e->env.now_ms))
		return TG_CTR_icmp_limited;
	tg_splice_tuple(e, s, to, &t);
	if (icmp->mtu) /* those that open later know it (SP-06) */
		tg_paths_learn(e->paths, &t.raddr, icmp->mtu, e->env.now_ms);
	return send_ptb(e, s, other(to), icmp);
}

enum tg_ctr tg_splice_icmp(struct tg_engine *e, uint32_t slot, const struct tg_icmp *icmp)
{
	enum tg_splice_side to;
	struct tg_splice *s = tg_splice_of(e, slot, &to);

	if (!is_in_flight(s, to, icmp->quoted_seq))
		return TG_CTR_icmp_bad_seq;
	if (icmp->kind == TG_ICMP_ERROR_PTB)
		return ptb(e, s, to, icmp);
	if (icmp->kind == TG_ICMP_ERROR_HARD && s->state == TG_SPLICE_OPENING) { /* SP-09 */
		tg_ctr_inc(&e->ctr, TG_CTR_icmp_hard);
		tg_splice_fail(e, s, TG_CTR_splice_unreachable, NULL);
		return TG_CTR_NONE;
	}
	tg_ctr_inc(&e->ctr, TG_CTR_icmp_soft); /* RB-18, RB-19: never the end of an open one */
	return TG_CTR_NONE;
}
