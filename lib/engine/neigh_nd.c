/* SPDX-License-Identifier: BSD-3-Clause */
/* neigh_nd.c: neighbour discovery (RFC 4861), duplicate address detection (RFC 4862) and the MLD
 * report that keeps snooping switches from cutting us off (RFC 3810). LN-07..09. */
#include "neigh_table.h"

enum { ND_HOP_LIMIT = 255, MLD_HOP_LIMIT = 1, PROTO_HOP_BY_HOP = 0 };

static const struct tg_addr unspecified;
static const struct tg_addr all_nodes = {{0xff, 0x02, [15] = 0x01}};
static const struct tg_addr all_mld_routers = {{0xff, 0x02, [15] = 0x16}};

static bool is_same_mac(const struct tg_mac *a, const struct tg_mac *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

/* --- what we say --- */

/* An empty packet with room for the headers; *payload stands behind them. */
static bool begin(struct tg_out *out, struct tg_pkt *pkt, const struct tg_port_conf *pc,
		  uint32_t *hdr_len)
{
	if (!tg_out_get(out, pkt))
		return false;
	*hdr_len = TG_ETH_LEN + (pc->vlan ? TG_VLAN_LEN : 0) + TG_IP6_LEN;
	return true;
}

static void finish(const struct tg_neigh *n, uint32_t port, const struct tg_mac *to,
		   const struct tg_ip *ip, uint32_t payload_len, struct tg_pkt *pkt,
		   struct tg_out *out)
{
	const struct tg_port_conf *pc = &n->conf->port[port];
	struct tg_eth eth = {.dst = *to,
			     .src = pc->mac,
			     .type = TG_ETHERTYPE_IP6,
			     .vid = pc->vlan,
			     .tagged = pc->vlan != 0};

	pkt->port = (uint16_t)port;
	pkt->len = tg_eth_emit(pkt->data, &eth);
	pkt->len += tg_ip6_emit(pkt->data + pkt->len, ip, payload_len, 0);
	pkt->len += payload_len;
	tg_out_put(out, pkt);
}

static bool solicit(struct tg_neigh *n, uint32_t port, const struct tg_addr *src,
		    const struct tg_addr *target, const struct tg_mac *to, struct tg_out *out)
{
	const struct tg_port_conf *pc = &n->conf->port[port];
	struct tg_addr dst = to ? *target : tg_nd_solicited_node(target);
	struct tg_mac mac = to ? *to : tg_nd_group_mac(&dst);
	struct tg_ip ip = {
	    .src = *src, .dst = dst, .proto = TG_PROTO_ICMP6, .ttl = ND_HOP_LIMIT, .v6 = 1};
	struct tg_pkt pkt;
	uint32_t at;

	if (!begin(out, &pkt, pc, &at))
		return false;
	uint32_t len = tg_nd_ns_emit(pkt.data + at, src, &dst, target, &pc->mac);

	finish(n, port, &mac, &ip, len, &pkt, out);
	tg_ctr_inc(out->ctr, TG_CTR_ns_sent);
	return true;
}

bool tg_neigh_ns(struct tg_neigh *n, uint32_t port, const struct tg_addr *target,
		 const struct tg_mac *to, struct tg_out *out)
{
	struct tg_addr src = unspecified;

	tg_route_link_source(n, port, target, &src);
	return solicit(n, port, &src, target, to, out);
}

bool tg_neigh_dad(struct tg_neigh *n, uint32_t port, const struct tg_addr *own, struct tg_out *out)
{
	return solicit(n, port, &unspecified, own, NULL, out);
}

bool tg_neigh_na_announce(struct tg_neigh *n, uint32_t port, const struct tg_addr *own,
			  struct tg_out *out)
{
	const struct tg_port_conf *pc = &n->conf->port[port];
	struct tg_mac mac = tg_nd_group_mac(&all_nodes);
	struct tg_ip ip = {
	    .src = *own, .dst = all_nodes, .proto = TG_PROTO_ICMP6, .ttl = ND_HOP_LIMIT, .v6 = 1};
	struct tg_pkt pkt;
	uint32_t at;

	if (!begin(out, &pkt, pc, &at))
		return false;
	uint32_t len = tg_nd_na_emit(pkt.data + at, own, &all_nodes, own, &pc->mac, false, true);

	finish(n, port, &mac, &ip, len, &pkt, out);
	tg_ctr_inc(out->ctr, TG_CTR_na_sent);
	return true;
}

static uint32_t own_groups(const struct tg_neigh *n, uint32_t port,
			   struct tg_addr group[TG_PORT_ADDR_MAX], struct tg_addr *src)
{
	const struct tg_port_conf *pc = &n->conf->port[port];
	uint32_t group_n = 0;

	*src = unspecified; /* RFC 3810 5.2.13: :: where there is no link-local address */
	for (uint32_t i = 0; i < pc->addr_n; i++) {
		if (tg_addr_is_v4(&pc->addr[i].addr))
			continue;
		if (tg_addr_is_link_local6(&pc->addr[i].addr))
			*src = pc->addr[i].addr;
		struct tg_addr g = tg_nd_solicited_node(&pc->addr[i].addr);
		uint32_t k = 0;
		while (k < group_n && !tg_addr_equal(&group[k], &g))
			k++;
		group[k] = g;
		group_n += k == group_n;
	}
	return group_n;
}

bool tg_neigh_mld(struct tg_neigh *n, uint32_t port, struct tg_out *out)
{
	const struct tg_port_conf *pc = &n->conf->port[port];
	struct tg_addr group[TG_PORT_ADDR_MAX];
	struct tg_mac mac = tg_nd_group_mac(&all_mld_routers);
	struct tg_ip ip = {
	    .dst = all_mld_routers, .proto = PROTO_HOP_BY_HOP, .ttl = MLD_HOP_LIMIT, .v6 = 1};
	struct tg_pkt pkt;
	uint32_t at, group_n = own_groups(n, port, group, &ip.src);

	if (group_n == 0)
		return true;
	if (!begin(out, &pkt, pc, &at))
		return false;
	uint32_t len = tg_mld_emit(pkt.data + at, &ip.src, group, group_n);

	finish(n, port, &mac, &ip, len, &pkt, out);
	return true;
}

/* --- what we hear --- */

/* RFC 4862 5.4.4, 5.4.5: another host has, or wants at the same time, an address that we are still
 * checking. We give it up. Later claims are counted and change nothing. */
static enum tg_ctr conflict(struct tg_neigh *n, uint32_t port, const struct tg_addr *own)
{
	int i = tg_route_addr_idx(n, port, own);

	if (i >= 0 && n->port[port].announce_ms != UINT64_MAX && n->port[port].round <= 1)
		n->port[port].dad_failed |= (uint16_t)(1u << i);
	return TG_CTR_nd_conflict;
}

/* The advertisement goes out in the solicitation's own buffer: it is never longer, but for the
 * link-layer option that a solicitation may lack. */
static enum tg_ctr advertise(const struct tg_neigh *n, struct tg_pkt *pkt, const struct tg_eth *eth,
			     const struct tg_ip *ask, const struct tg_icmp *icmp,
			     struct tg_out *out, bool *used)
{
	const struct tg_port_conf *pc = &n->conf->port[pkt->port];
	bool dad = tg_addr_equal(&ask->src, &unspecified);
	struct tg_eth back = *eth;
	struct tg_ip ip = {.src = icmp->target,
			   .dst = dad ? all_nodes : ask->src,
			   .proto = TG_PROTO_ICMP6,
			   .ttl = ND_HOP_LIMIT,
			   .v6 = 1};
	uint32_t at = eth->hdr_len + TG_IP6_LEN;

	if (!n->conf->primary)
		return TG_CTR_NONE;
	if (tg_out_room(out) == 0 || pkt->cap < at + 32)
		return TG_CTR_tx_no_buffer;
	back.dst = dad ? tg_nd_group_mac(&all_nodes) : icmp->has_lladdr ? icmp->lladdr : eth->src;
	back.src = pc->mac;
	tg_eth_emit(pkt->data, &back);
	uint32_t len =
	    tg_nd_na_emit(pkt->data + at, &ip.src, &ip.dst, &icmp->target, &pc->mac, !dad, true);

	tg_ip6_emit(pkt->data + eth->hdr_len, &ip, len, 0);
	pkt->len = at + len;
	pkt->tx_flags = 0;
	tg_out_put(out, pkt);
	tg_ctr_inc(out->ctr, TG_CTR_na_sent);
	*used = true;
	return TG_CTR_NONE;
}

static bool is_target_ours(const struct tg_neigh *n, uint32_t port, const struct tg_addr *target)
{
	uint32_t p;

	return tg_route_is_ours(n, target, &p) && p == port;
}

/* The source of a solicitation may be learnt where it says its link-layer address (RFC 4861
 * 7.2.3) and stands on our link. */
static bool may_learn(const struct tg_neigh *n, uint32_t port, const struct tg_ip *ip,
		      const struct tg_icmp *icmp)
{
	uint32_t p;

	return icmp->has_lladdr && !(icmp->lladdr.b[0] & 1) &&
	       !tg_addr_equal(&ip->src, &unspecified) && !tg_route_is_ours(n, &ip->src, &p) &&
	       tg_route_is_link(n, port, &ip->src);
}

static enum tg_ctr solicitation(struct tg_neigh *n, struct tg_pkt *pkt, const struct tg_eth *eth,
				const struct tg_ip *ip, const struct tg_icmp *icmp, uint64_t now_ms,
				struct tg_out *out, bool *used)
{
	uint16_t port = pkt->port;

	if (!is_target_ours(n, port, &icmp->target))
		return TG_CTR_nd_other;
	/* Two hosts check the same address at once: neither has it (RFC 4862 5.4.3). */
	if (tg_addr_equal(&ip->src, &unspecified) && n->port[port].announce_ms != UINT64_MAX &&
	    n->port[port].round <= 1)
		return conflict(n, port, &icmp->target);
	enum tg_ctr verdict = advertise(n, pkt, eth, ip, icmp, out, used);

	if (may_learn(n, port, ip, icmp))
		tg_neigh_heard(n, port, &ip->src, &icmp->lladdr, now_ms, out);
	return verdict;
}

static enum tg_ctr advertisement(struct tg_neigh *n, const struct tg_pkt *pkt,
				 const struct tg_icmp *icmp, uint64_t now_ms, struct tg_out *out)
{
	const struct tg_neigh_entry *e = tg_neigh_lookup(n, pkt->port, &icmp->target);
	struct tg_mac mac = icmp->lladdr;

	if (tg_route_addr_idx(n, pkt->port, &icmp->target) >= 0)
		return conflict(n, pkt->port, &icmp->target);
	if (!e || !icmp->na_solicited)
		return TG_CTR_nd_other;
	/* An answer to a unicast question may leave the option out (RFC 4861 4.4). */
	if (!icmp->has_lladdr && e->state == TG_NEIGH_PROBE)
		mac = e->mac;
	else if (!icmp->has_lladdr || (mac.b[0] & 1))
		return TG_CTR_nd_other;
	if (!tg_neigh_answered(n, pkt->port, &icmp->target, &mac, now_ms, out))
		return TG_CTR_nd_other;
	return TG_CTR_NONE;
}

enum tg_ctr tg_neigh_nd(struct tg_neigh *n, struct tg_pkt *pkt, const struct tg_eth *eth,
			const struct tg_ip *ip, const struct tg_icmp *icmp, uint64_t now_ms,
			struct tg_out *out, bool *used)
{
	const struct tg_mac *own = &n->conf->port[pkt->port].mac;

	*used = false;
	if (is_same_mac(&eth->src, own) || (icmp->has_lladdr && is_same_mac(&icmp->lladdr, own)))
		return TG_CTR_nd_other; /* our own words, come back */
	if (icmp->kind == TG_ICMP_ND_NS)
		return solicitation(n, pkt, eth, ip, icmp, now_ms, out, used);
	if (icmp->kind == TG_ICMP_ND_NA)
		return advertisement(n, pkt, icmp, now_ms, out);
	return TG_CTR_ra_ignored;
}
