/* SPDX-License-Identifier: BSD-3-Clause */
/* syn_way.c: see syn_way.h. */
#include "syn_way.h"
#include "bogon.h"
#include "neigh_table.h"
#include "pool.h"
#include "rate.h"
#include "source.h"
#include "splice.h"

static bool is_minting(const struct tg_listener *l)
{
	return l->armed || l->conf.syn_cookies == TG_COOKIES_ALWAYS;
}

/* What its SYN-ACKs promise. */
static const struct tg_tcp_conf *conf_of(const struct tg_engine *e, const struct tg_syn_way *w)
{
	return w->l->conf.has_pool ? &w->pool_conf : &e->class[w->l->class_idx].conf;
}

/* Before a pool it is what the backends have: good for the stage when it is one for all clients.
 * False: it is not. */
static bool fill_pool(const struct tg_engine *e, struct tg_syn_way *w)
{
	if (!w->l->conf.has_pool)
		return true;
	w->pool_gen = tg_pool_gen(e, w->l->conf.pool);
	return tg_splice_terms(e, w->l, tg_addr_is_v4(&w->laddr), &w->pool_conf);
}

static bool is_pool_still(const struct tg_engine *e, const struct tg_syn_way *w)
{
	return !w->l->conf.has_pool || tg_pool_gen(e, w->l->conf.pool) == w->pool_gen;
}

static uint8_t asks_of(const struct tg_engine *e, const struct tg_listener *l, bool v4)
{
	const struct tg_listener_conf *c = &l->conf;

	return (uint8_t)((tg_bogon_has(c->bogons, v4) ? TG_ASK_BOGON : 0) |
			 (c->prefixes || c->allow_n || c->allow_port_high ? TG_ASK_PEER : 0) |
			 (e->sources || e->rates ? TG_ASK_SOURCE : 0) |
			 (e->conf.rst_rate ? TG_ASK_BUDGET : 0));
}

/* tg_ip4_parse and tg_ip6_parse let no packet to others pass (LN-12). */
static bool may_be_destination(const struct tg_addr *a)
{
	if (tg_addr_is_v4(a))
		return a->b[12] != 0 && a->b[12] != 127 && a->b[12] < 224;
	return tg_be32_get(a->b) != 0;
}

void tg_syn_way_fill(struct tg_engine *e, struct tg_syn_way *w, uint16_t port, uint16_t vid,
		     uint16_t lport)
{
	uint32_t home, mtu = e->env.mtu;

	if (e->conf.port[port].vlan != vid && !tg_rx_find_shared(e, vid, &port))
		return;
	const struct tg_port_conf *pc = &e->conf.port[port];

	if (!may_be_destination(&w->laddr) || !tg_engine_is_ours(e, &w->laddr, &home) ||
	    home != port || (pc->kernel && tg_kernel_has_port(pc, lport)))
		return;
	w->l = tg_listen_find(e, &w->laddr, lport);
	if (!w->l || !is_minting(w->l) || !fill_pool(e, w))
		return;
	e->env.mtu = pc->mtu;
	tg_syn_terms_init(&w->terms, conf_of(e, w), &e->env, !tg_addr_is_v4(&w->laddr));
	e->env.mtu = mtu;
	w->mints = true;
	w->port = port;
	w->mtu = pc->mtu;
	w->lport = lport;
	w->mac = pc->mac;
	w->asks = asks_of(e, w->l, tg_addr_is_v4(&w->laddr));
	w->gen = e->listen_gen;
}

bool tg_syn_way_is_good(struct tg_engine *e, const struct tg_syn_way *w)
{
	uint32_t home;

	return w->gen == e->listen_gen && is_minting(w->l) && is_pool_still(e, w) &&
	       tg_engine_is_ours(e, &w->laddr, &home) && home == w->port;
}

/* --- answers --- */

void tg_syn_way_form(struct tg_engine *e, struct tg_syn_way *w, uint8_t agreed)
{
	const struct tg_port_conf *pc = &e->conf.port[w->port];
	const struct tg_tcp_conf *conf = conf_of(e, w);
	struct tg_cookie_deal deal = {.ts = agreed & TG_SYN_TS,
				      .sack = agreed & TG_SYN_SACK,
				      .ecn = agreed & TG_SYN_ECN,
				      .ws = agreed & TG_SYN_WS,
				      .rcv_scale = agreed & TG_SYN_WS ? conf->window_scale : 0};
	struct tg_eth eth = {
	    .dst = w->hop, .src = pc->mac, .vid = pc->vlan, .tagged = pc->vlan != 0};
	struct tg_ip ip = {.src = w->laddr,
			   .proto = TG_PROTO_TCP,
			   .ttl = w->l->conf.tcp.ttl,
			   .tos = (uint8_t)(w->l->conf.tcp.dscp << 2)};
	struct tg_synack *s = &w->form[agreed];
	bool v4 = tg_addr_is_v4(&w->laddr);
	struct tg_seg seg;

	tg_tcp_cookie_reply(conf, &e->env, !v4, &deal, &seg);
	seg.sport = w->lport;
	eth.type = v4 ? TG_ETHERTYPE_IP4 : TG_ETHERTYPE_IP6;
	s->has_ts = deal.ts;
	s->l2_len = (uint8_t)tg_eth_emit(s->bytes, &eth);
	s->l3_len = v4 ? TG_IP4_LEN : TG_IP6_LEN;
	s->l4_len = (uint8_t)tg_tcp_emit(s->bytes + s->l2_len + s->l3_len, &seg);
	if (v4)
		tg_ip4_emit(s->bytes + s->l2_len, &ip, s->l4_len, true);
	else
		tg_ip6_emit(s->bytes + s->l2_len, &ip, s->l4_len, 0);
	s->len = (uint16_t)(s->l2_len + s->l3_len + s->l4_len);
	s->tx_flags = (uint8_t)((pc->tx_tcp_csum ? TG_TX_TCP_CSUM : 0) |
				(v4 && pc->tx_ip_csum ? TG_TX_IP_CSUM : 0));
	tg_synack_init(s, &w->laddr);
	w->wnd = seg.wnd;
	w->formed |= (uint16_t)(1u << agreed);
}

/* What may have changed since another packet had its turn. Asks, and changes nothing: the SYN may
 * yet be refused. hop: NULL when there is none. */
static bool is_still(const struct tg_engine *e, const struct tg_syn_way *w,
		     const struct tg_addr *hop)
{
	return e->listen_gen == w->gen && is_pool_still(e, w) && !e->draining && !e->aborting &&
	       hop && tg_neigh_is_ready(e->neigh, w->port, hop, e->env.now_ms);
}

/* An answer goes out: where to. */
static void refresh(struct tg_engine *e, struct tg_syn_way *w, const struct tg_addr *hop)
{
	struct tg_mac mac;
	enum tg_neigh_answer answer = tg_neigh_find(e->neigh, w->port, hop, e->env.now_ms, &mac);

	assert(answer == TG_NEIGH_OK); /* is_still said so */
	(void)answer;
	if (w->formed && memcmp(&mac, &w->hop, sizeof(mac)) != 0)
		w->formed = 0;
	w->hop = mac;
	w->stamp = e->syn.stamp;
}

/* Who is on the link has a next hop of his own. (IPv4: he is no plain one.) */
static bool is_on_link6(const struct tg_engine *e, const struct tg_syn_way *w,
			const struct tg_addr *raddr)
{
	return !e->conf.port[w->port].has_static_neigh &&
	       tg_route_hop(e->neigh, w->port, raddr) == raddr;
}

/* In the order of tg_listen_arrives, up to the budget. What tg_admit_syn says of the listener alone
 * is the same until another packet has its turn. */
static bool may_be_answered(struct tg_engine *e, const struct tg_syn_way *w,
			    const struct tg_tuple *t, bool doubted)
{
	bool minted = true;

	if ((w->asks & TG_ASK_BOGON) &&
	    tg_bogon_is(w->l->conf.bogons, e->neigh, w->port, &t->raddr))
		return false;
	if ((w->asks & TG_ASK_PEER) && !tg_admit_peer(&w->l->conf, t))
		return false;
	return !(doubted || (w->asks & TG_ASK_SOURCE)) ||
	       (tg_admit_syn(e, w->l, &t->raddr, &minted) == TG_CTR_NONE && minted);
}

static void tuple_of(const struct tg_syn_way *w, const struct tg_syn_batch *b, uint32_t k,
		     struct tg_tuple *t)
{
	uint32_t peer = tg_be32_swap(tg_syn_batch_peer(b, k));

	t->laddr = w->laddr;
	t->lport = w->lport;
	t->rport = tg_syn_batch_rport(b, k);
	if (!b->v6) {
		t->raddr = tg_addr_from_v4(&peer);
		return;
	}
	tg_le64_put(t->raddr.b, b->addr[2][k]);
	tg_le64_put(t->raddr.b + 8, b->addr[3][k]);
}

bool tg_syn_way_may(struct tg_engine *e, struct tg_syn_way *w, const struct tg_syn_batch *b,
		    uint32_t k, bool *limited)
{
	bool doubted = w->stamp != e->syn.stamp;
	const struct tg_addr *hop = NULL;
	struct tg_tuple t;

	tuple_of(w, b, k, &t);
	if (doubted)
		hop = tg_route_hop(e->neigh, w->port, &t.raddr);
	if ((b->v6 && is_on_link6(e, w, &t.raddr)) || (doubted && !is_still(e, w, hop)) ||
	    !may_be_answered(e, w, &t, doubted))
		return false;
	*limited = (w->asks & TG_ASK_BUDGET) && !tg_budget_take(e->budget, &t.raddr, e->env.now_ms);
	if (doubted && !*limited)
		refresh(e, w, hop);
	return true;
}
