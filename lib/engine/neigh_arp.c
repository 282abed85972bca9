/* SPDX-License-Identifier: BSD-3-Clause */
/* neigh_arp.c: ARP of our addresses and for our neighbours (RFC 826, RFC 5227, LN-03, LN-05). */
#include "neigh_table.h"

static const struct tg_mac broadcast = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

static bool is_same_mac(const struct tg_mac *a, const struct tg_mac *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

static bool is_zero4(const struct tg_addr *a)
{
	return tg_be32_get(a->b + 12) == 0;
}

static bool is_ours_here(const struct tg_neigh *n, uint32_t port, const struct tg_addr *a)
{
	uint32_t p;

	return tg_route_is_ours(n, a, &p) && p == port;
}

/* --- what we say --- */

static bool emit(const struct tg_neigh *n, uint32_t port, const struct tg_mac *to,
		 const struct tg_arp *arp, struct tg_out *out)
{
	const struct tg_port_conf *pc = &n->conf->port[port];
	struct tg_eth eth = {.dst = *to, .src = pc->mac, .type = TG_ETHERTYPE_ARP};
	struct tg_pkt pkt;

	if (!tg_out_get(out, &pkt))
		return false;
	eth.tagged = pc->vlan != 0;
	eth.vid = pc->vlan;
	pkt.port = (uint16_t)port;
	pkt.len = tg_eth_emit(pkt.data, &eth);
	pkt.len += tg_arp_emit(pkt.data + pkt.len, arp);
	tg_out_put(out, &pkt);
	return true;
}

bool tg_neigh_arp_request(struct tg_neigh *n, uint32_t port, const struct tg_addr *target,
			  const struct tg_mac *to, struct tg_out *out)
{
	struct tg_arp arp = {.op = 1, .sha = n->conf->port[port].mac, .tpa = *target};

	if (!tg_route_link_source(n, port, target, &arp.spa))
		arp.spa = tg_addr_from_v4("\0\0\0\0");
	if (!emit(n, port, to ? to : &broadcast, &arp, out))
		return false;
	tg_ctr_inc(out->ctr, TG_CTR_arp_request_sent);
	return true;
}

/* RFC 5227 2.3: an ARP request whose sender and target are both our address. */
bool tg_neigh_arp_announce(struct tg_neigh *n, uint32_t port, const struct tg_addr *own,
			   struct tg_out *out)
{
	struct tg_arp arp = {.op = 1, .sha = n->conf->port[port].mac, .spa = *own, .tpa = *own};

	if (!emit(n, port, &broadcast, &arp, out))
		return false;
	tg_ctr_inc(out->ctr, TG_CTR_arp_request_sent);
	return true;
}

/* --- what we hear --- */

/* Another host uses our address. RFC 5227 2.4 (b): say once in a while that it is ours. */
static void defend(struct tg_neigh *n, uint32_t port, const struct tg_addr *own, uint64_t now_ms,
		   struct tg_out *out)
{
	struct tg_neigh_port *np = &n->port[port];

	if (!n->conf->primary || n->conf->port[port].silent || now_ms < np->defend_ms)
		return;
	if (tg_neigh_arp_announce(n, port, own, out))
		np->defend_ms = now_ms + TG_NEIGH_DEFEND_MS;
}

/* The answer goes out in the request's own buffer. */
static enum tg_ctr reply(const struct tg_neigh *n, struct tg_pkt *pkt, const struct tg_eth *eth,
			 const struct tg_arp *ask, struct tg_out *out, bool *used)
{
	const struct tg_port_conf *pc = &n->conf->port[pkt->port];
	struct tg_eth back = *eth;
	struct tg_arp arp = {
	    .op = 2, .sha = pc->mac, .tha = ask->sha, .spa = ask->tpa, .tpa = ask->spa};

	if (!n->conf->primary)
		return TG_CTR_NONE;
	if (tg_out_room(out) == 0)
		return TG_CTR_tx_no_buffer;
	back.dst = ask->sha;
	back.src = pc->mac;
	pkt->len = tg_eth_emit(pkt->data, &back);
	pkt->len += tg_arp_emit(pkt->data + pkt->len, &arp);
	pkt->tx_flags = 0;
	tg_out_put(out, pkt);
	tg_ctr_inc(out->ctr, TG_CTR_arp_reply_sent);
	*used = true;
	return TG_CTR_NONE;
}

static enum tg_ctr request(struct tg_neigh *n, struct tg_pkt *pkt, const struct tg_eth *eth,
			   const struct tg_arp *arp, uint64_t now_ms, struct tg_out *out,
			   bool *used)
{
	if (!is_ours_here(n, pkt->port, &arp->tpa))
		return TG_CTR_arp_other;
	/* A probe (RFC 5227 2.1.1) has no sender to learn. The reply first: what was held may
	 * follow it. */
	enum tg_ctr verdict = reply(n, pkt, eth, arp, out, used);

	if (!is_zero4(&arp->spa))
		tg_neigh_heard(n, pkt->port, &arp->spa, &arp->sha, now_ms, out);
	return verdict;
}

/* A sender that a host of this link can have: else nothing is believed. */
static bool is_sender_plausible(const struct tg_neigh *n, uint32_t port, const struct tg_arp *arp)
{
	if (arp->op == 1 && is_zero4(&arp->spa))
		return true;
	return !tg_route_is_group(n, &arp->spa) && tg_route_is_link(n, port, &arp->spa);
}

enum tg_ctr tg_neigh_arp(struct tg_neigh *n, struct tg_pkt *pkt, const struct tg_eth *eth,
			 uint64_t now_ms, struct tg_out *out, bool *used)
{
	struct tg_arp arp;
	const struct tg_mac *own = &n->conf->port[pkt->port].mac;
	enum tg_ctr bad = tg_arp_parse(pkt->data + eth->hdr_len, pkt->len - eth->hdr_len, &arp);

	*used = false;
	if (bad != TG_CTR_NONE)
		return bad;
	if (is_same_mac(&arp.sha, own))
		return TG_CTR_arp_other; /* our own words, come back */
	if (is_ours_here(n, pkt->port, &arp.spa)) {
		defend(n, pkt->port, &arp.spa, now_ms, out);
		return TG_CTR_arp_conflict;
	}
	if (!is_sender_plausible(n, pkt->port, &arp))
		return TG_CTR_arp_other;
	if (arp.op == 1)
		return request(n, pkt, eth, &arp, now_ms, out, used);
	if (!is_ours_here(n, pkt->port, &arp.tpa) ||
	    !tg_neigh_answered(n, pkt->port, &arp.spa, &arp.sha, now_ms, out))
		return TG_CTR_arp_other;
	return TG_CTR_NONE;
}
