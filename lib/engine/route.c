/* SPDX-License-Identifier: BSD-3-Clause */
/* route.c: which addresses are ours, and where a packet goes: on the link, or to the gateway. */
#include "neigh_table.h"

static bool is_multicast6(const struct tg_addr *a)
{
	return a->b[0] == 0xff;
}

static bool is_same_family(const struct tg_addr *a, const struct tg_addr *b)
{
	return tg_addr_is_v4(a) == tg_addr_is_v4(b);
}

/* Our own addresses are chosen by the operator, so this hash needs no key. */
static uint32_t ours_slot(const struct tg_addr *a)
{
	uint64_t hi, lo;

	memcpy(&hi, a->b, 8);
	memcpy(&lo, a->b + 8, 8);
	return (uint32_t)(((hi ^ (lo * 0x9e3779b97f4a7c15ull)) * 0xd6e8feb86659fd93ull) >> 55);
}
_Static_assert(TG_NEIGH_OURS_SLOTS == 1 << (64 - 55), "ours_slot");

static const struct tg_addr *ours_addr(const struct tg_neigh *n, uint16_t ref, uint32_t *port)
{
	*port = (uint32_t)(ref - 1) / TG_PORT_ADDR_MAX;
	return &n->conf->port[*port].addr[(ref - 1) % TG_PORT_ADDR_MAX].addr;
}

static void add_subnet(struct tg_neigh *n, uint32_t first, uint16_t *end,
		       const struct tg_port_addr *pa)
{
	uint32_t mask = pa->prefix_len ? UINT32_MAX << (32 - pa->prefix_len) : 0;
	uint32_t net = tg_be32_get(pa->addr.b + 12) & mask;

	for (uint32_t i = first; i < *end; i++)
		if (n->subnet[i].net == net && n->subnet[i].mask == mask)
			return;
	n->subnet[(*end)++] = (struct tg_neigh_subnet){net, mask};
}

static void init_subnets(struct tg_neigh *n)
{
	uint16_t end = 0;

	for (uint32_t p = 0; p < TG_PORT_MAX; p++) {
		const struct tg_port_conf *pc = &n->conf->port[p];
		n->subnet_first[p] = end;
		for (uint32_t i = 0; p < n->conf->port_n && i < pc->addr_n; i++)
			if (tg_addr_is_v4(&pc->addr[i].addr))
				add_subnet(n, n->subnet_first[p], &end, &pc->addr[i]);
	}
	n->subnet_first[TG_PORT_MAX] = end;
}

void tg_route_init(struct tg_neigh *n)
{
	init_subnets(n);
	memset(n->ours, 0, sizeof(n->ours));
	n->own_n = 0;
	for (uint32_t p = 0; p < n->conf->port_n; p++) {
		n->own_n += n->conf->port[p].own_n;
		for (uint32_t i = 0; i < n->conf->port[p].addr_n; i++) {
			uint32_t s = ours_slot(&n->conf->port[p].addr[i].addr);
			while (n->ours[s])
				s = (s + 1) % TG_NEIGH_OURS_SLOTS;
			n->ours[s] = (uint16_t)(p * TG_PORT_ADDR_MAX + i + 1);
		}
	}
}

static bool is_own(const struct tg_neigh *n, const struct tg_addr *a, uint32_t *port)
{
	for (uint32_t p = 0; n->own_n && p < n->conf->port_n; p++) {
		const struct tg_port_conf *pc = &n->conf->port[p];
		for (uint32_t i = 0; i < pc->own_n; i++) {
			if (!tg_addr_in_prefix(a, &pc->own[i].addr, pc->own[i].prefix_len))
				continue;
			*port = p;
			return true;
		}
	}
	return false;
}

bool tg_route_is_ours(const struct tg_neigh *n, const struct tg_addr *a, uint32_t *port)
{
	for (uint32_t s = ours_slot(a); n->ours[s]; s = (s + 1) % TG_NEIGH_OURS_SLOTS) {
		uint32_t p;
		if (!tg_addr_equal(ours_addr(n, n->ours[s], &p), a))
			continue;
		/* RFC 4862 5.4.5: an address that another host had first is not used. */
		if (n->port[p].dad_failed >> ((n->ours[s] - 1) % TG_PORT_ADDR_MAX) & 1)
			continue;
		*port = p;
		return true;
	}
	return is_own(n, a, port);
}

int tg_route_addr_idx(const struct tg_neigh *n, uint32_t port, const struct tg_addr *a)
{
	const struct tg_port_conf *pc = &n->conf->port[port];

	for (uint32_t i = 0; i < pc->addr_n; i++)
		if (tg_addr_equal(&pc->addr[i].addr, a))
			return (int)i;
	return -1;
}

static bool is_in_subnet(const struct tg_neigh_subnet *s, uint32_t v4)
{
	return (v4 & s->mask) == s->net;
}

/* Broadcast of one of our subnets, in both forms (RFC 1122 3.2.1.3: {net, -1} and the old {net,
 * 0}). A /31 and a /32 have none (RFC 3021). */
static bool is_subnet_broadcast(const struct tg_neigh_subnet *s, uint32_t v4)
{
	uint32_t host = ~s->mask;

	return host > 1 && is_in_subnet(s, v4) && ((v4 & host) == host || (v4 & host) == 0);
}

static bool is_group4(uint32_t v4)
{
	return v4 >= 0xe0000000u && (v4 < 0xf0000000u || v4 == 0xffffffffu);
}

bool tg_route_is_group(const struct tg_neigh *n, const struct tg_addr *a)
{
	if (!tg_addr_is_v4(a))
		return is_multicast6(a);
	uint32_t v4 = tg_be32_get(a->b + 12);

	if (is_group4(v4))
		return true;
	for (uint32_t i = 0; i < n->subnet_first[TG_PORT_MAX]; i++)
		if (is_subnet_broadcast(&n->subnet[i], v4))
			return true;
	return false;
}

/* Our IPv4 addresses and their broadcasts lie in our subnets, or in networks that are ours. */
bool tg_route_is_near(const struct tg_neigh *n, const struct tg_addr *a)
{
	if (!tg_addr_is_v4(a))
		return true;
	uint32_t v4 = tg_be32_get(a->b + 12), port;

	for (uint32_t i = 0; i < n->subnet_first[TG_PORT_MAX]; i++)
		if (is_in_subnet(&n->subnet[i], v4))
			return true;
	return is_group4(v4) || is_own(n, a, &port);
}

static bool is_link4(const struct tg_neigh *n, uint32_t port, uint32_t v4)
{
	for (uint32_t i = n->subnet_first[port]; i < n->subnet_first[port + 1]; i++)
		if (is_in_subnet(&n->subnet[i], v4))
			return true;
	return false;
}

bool tg_route_is_link(const struct tg_neigh *n, uint32_t port, const struct tg_addr *a)
{
	const struct tg_port_conf *pc = &n->conf->port[port];

	if (tg_addr_is_v4(a))
		return is_link4(n, port, tg_be32_get(a->b + 12));
	if (tg_addr_is_link_local6(a))
		return true;
	for (uint32_t i = 0; i < pc->addr_n; i++)
		if (tg_addr_in_prefix(a, &pc->addr[i].addr, pc->addr[i].prefix_len))
			return true;
	return false;
}

static const struct tg_addr *port_gateway(const struct tg_port_conf *pc, bool v4)
{
	if (v4)
		return pc->has_gateway4 ? &pc->gateway4 : NULL;
	return pc->has_gateway6 ? &pc->gateway6 : NULL;
}

const struct tg_addr *tg_route_hop(const struct tg_neigh *n, uint32_t port,
				   const struct tg_addr *raddr)
{
	const struct tg_port_conf *pc = &n->conf->port[port];

	if (pc->has_static_neigh || tg_route_is_link(n, port, raddr))
		return raddr;
	return port_gateway(pc, tg_addr_is_v4(raddr));
}

bool tg_route_find(const struct tg_neigh *n, const struct tg_addr *laddr,
		   const struct tg_addr *raddr, uint32_t *port, struct tg_addr *next_hop)
{
	if (!tg_route_is_ours(n, laddr, port))
		return false;
	const struct tg_addr *hop = tg_route_hop(n, *port, raddr);

	if (hop)
		*next_hop = *hop;
	return hop != NULL;
}

/* How well our address suits raddr; 0 = not at all. */
static uint32_t source_rank(const struct tg_port_conf *pc, const struct tg_port_addr *pa,
			    const struct tg_addr *raddr)
{
	const struct tg_addr *gateway = port_gateway(pc, tg_addr_is_v4(raddr));

	if (!is_same_family(&pa->addr, raddr))
		return 0;
	if (tg_addr_in_prefix(raddr, &pa->addr, pa->prefix_len))
		return 100 + pa->prefix_len;
	if (!tg_addr_is_v4(raddr) &&
	    tg_addr_is_link_local6(&pa->addr) != tg_addr_is_link_local6(raddr))
		return tg_addr_is_link_local6(raddr) ? 1
						     : 0; /* a link-local source does not travel */
	if (gateway && tg_addr_in_prefix(gateway, &pa->addr, pa->prefix_len))
		return 4;
	if (gateway)
		return 3;
	if (pc->has_static_neigh || (!tg_addr_is_v4(raddr) && tg_addr_is_link_local6(raddr)))
		return 2;
	return 0;
}

bool tg_route_source(const struct tg_neigh *n, const struct tg_addr *raddr, struct tg_addr *laddr)
{
	uint32_t best = 0;

	for (uint32_t p = 0; p < n->conf->port_n; p++) {
		const struct tg_port_conf *pc = &n->conf->port[p];
		for (uint32_t i = 0; i < pc->addr_n; i++) {
			uint32_t rank = source_rank(pc, &pc->addr[i], raddr);
			if (rank <= best || n->port[p].dad_failed >> i & 1)
				continue;
			best = rank;
			*laddr = pc->addr[i].addr;
		}
	}
	return best > 0;
}

bool tg_route_link_source(const struct tg_neigh *n, uint32_t port, const struct tg_addr *target,
			  struct tg_addr *laddr)
{
	const struct tg_port_conf *pc = &n->conf->port[port];
	bool found = false;

	for (uint32_t i = 0; i < pc->addr_n; i++) {
		const struct tg_port_addr *pa = &pc->addr[i];
		if (!is_same_family(&pa->addr, target) || n->port[port].dad_failed >> i & 1)
			continue;
		bool near = tg_addr_in_prefix(target, &pa->addr, pa->prefix_len);
		if (near || !found)
			*laddr = pa->addr;
		found = true;
		if (near)
			break;
	}
	return found;
}
