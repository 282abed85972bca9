/* SPDX-License-Identifier: BSD-3-Clause */
/* rx_parse.c: one packet from its first byte to a tuple and a hash: LN-01, LN-02, LN-12, LN-16. */
#include "engine.h"
#include "splice.h"
#include "tg_wire_plain.h"

static bool mac_equal(const struct tg_mac *a, const struct tg_mac *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

/* The solicited-node group of one of our addresses, or all nodes (LN-01; RFC 2464 7). */
static bool is_group6(const struct tg_port_conf *pc, const struct tg_mac *m)
{
	static const struct tg_mac all_nodes = {{0x33, 0x33, 0, 0, 0, 1}};

	if (m->b[0] != 0x33 || m->b[1] != 0x33)
		return false;
	if (mac_equal(m, &all_nodes))
		return true;
	for (uint32_t i = 0; i < pc->addr_n; i++) {
		const struct tg_addr *a = &pc->addr[i].addr;
		if (!tg_addr_is_v4(a) && m->b[2] == 0xff && memcmp(m->b + 3, a->b + 13, 3) == 0)
			return true;
	}
	return false;
}

/* LN-01. *unicast: it came to our own address, as all of TCP must. */
static bool is_for_us(const struct tg_port_conf *pc, const struct tg_eth *eth, bool *unicast)
{
	static const struct tg_mac broadcast = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

	*unicast = mac_equal(&eth->dst, &pc->mac);
	if (*unicast)
		return true;
	if (eth->type == TG_ETHERTYPE_IP6)
		return is_group6(pc, &eth->dst);
	return mac_equal(&eth->dst, &broadcast);
}

/* LN-02, ADV-83: VID 0 is a priority tag, which is no tag. */
static bool is_our_vlan(const struct tg_port_conf *pc, const struct tg_eth *eth)
{
	return eth->vid == pc->vlan;
}

/* LN-12, ADV-08, ADV-71: nobody else has our address; and no group sends. */
enum tg_ctr tg_rx_check_src(struct tg_engine *e, const struct tg_rx *rx)
{
	uint32_t port;

	if (!tg_route_is_near(e->neigh, &rx->ip.src))
		return TG_CTR_NONE;
	if (tg_route_is_ours(e->neigh, &rx->ip.src, &port)) {
		bool land = rx->kind == TG_RX_TCP && tg_addr_equal(&rx->ip.src, &rx->ip.dst) &&
			    rx->seg.sport == rx->seg.dport;
		return land ? TG_CTR_land : TG_CTR_bad_src;
	}
	return tg_route_is_group(e->neigh, &rx->ip.src) ? TG_CTR_bad_src : TG_CTR_NONE;
}

/* ADV-10: the destination must be ours, on the port that it came by, and unicast. */
static enum tg_ctr check_dst(struct tg_engine *e, const struct tg_rx *rx, bool unicast)
{
	uint32_t port;

	if (!tg_engine_is_ours(e, &rx->ip.dst, &port) || port != rx->pkt.port)
		return tg_route_is_ours(e->neigh, &rx->ip.src, &port) ? TG_CTR_bad_src
								      : TG_CTR_bad_dst;
	return unicast ? TG_CTR_NONE : TG_CTR_bad_mac;
}

/* Backends that see the client's own address route through us: what they send to it may belong to a
 * splice, and to nothing else. */
static bool is_foreign(const struct tg_engine *e, const struct tg_rx *rx, bool unicast)
{
	return e->splices && unicast && (e->splices->foreign_ports >> rx->pkt.port & 1);
}

static enum tg_ctr parse_tcp(struct tg_engine *e, struct tg_rx *rx)
{
	const struct tg_port_conf *pc = &e->conf.port[rx->pkt.port];
	const uint8_t *tcp = rx->pkt.data + rx->eth.hdr_len + rx->ip.hdr_len;
	enum tg_ctr why;

	if (rx->ip.payload_len < TG_TCP_LEN)
		return TG_CTR_bad_hdr; /* a checksum over less than a header says nothing */
	if (pc->kernel && !rx->foreign && tg_kernel_has_port(pc, tg_be16_get(tcp + 2))) {
		rx->kind = TG_RX_KERNEL; /* LN-21: which checks it by itself */
		return TG_CTR_NONE;
	}
	why = tg_tcp_parse(tcp, rx->ip.payload_len, &rx->seg);
	if (rx->pkt.l4_csum != TG_CSUM_GOOD &&
	    !tg_tcp_csum_ok(tcp, rx->ip.payload_len, &rx->ip.src, &rx->ip.dst))
		return TG_CTR_bad_csum; /* LN-16, ADV-01 */
	if (why != TG_CTR_NONE)
		return why;
	rx->seg.ecn = rx->ip.tos & 3;
	rx->tuple.laddr = rx->ip.dst;
	rx->tuple.raddr = rx->ip.src;
	rx->tuple.lport = rx->seg.dport;
	rx->tuple.rport = rx->seg.sport;
	rx->hash = tg_tcp_tuple_hash(&rx->tuple, &e->secret);
	rx->kind = TG_RX_TCP;
	return TG_CTR_NONE;
}

static enum tg_ctr parse_ip(struct tg_engine *e, struct tg_rx *rx, bool unicast)
{
	const uint8_t *ip = rx->pkt.data + rx->eth.hdr_len;
	uint32_t len = rx->pkt.len - rx->eth.hdr_len;
	bool v6 = rx->eth.type == TG_ETHERTYPE_IP6;
	enum tg_ctr why = v6 ? tg_ip6_parse(ip, len, &rx->ip)
			     : tg_ip4_parse(ip, len, rx->pkt.l3_csum != TG_CSUM_GOOD, &rx->ip);

	if (why != TG_CTR_NONE)
		return why;
	if (rx->ip.has_options)
		tg_ctr_inc(&e->ctr, TG_CTR_ip_options);
	if (rx->ip.hdr_len + rx->ip.payload_len > e->conf.port[rx->pkt.port].mtu)
		tg_ctr_inc(&e->ctr, TG_CTR_gso_frames);
	if (rx->ip.proto == TG_PROTO_ICMP6 && v6) {
		rx->kind = TG_RX_ICMP; /* its own rules for destinations (LN-07) */
		return TG_CTR_NONE;
	}
	why = check_dst(e, rx, unicast);
	if (why == TG_CTR_bad_dst && is_foreign(e, rx, unicast)) {
		rx->foreign = true;
		why = TG_CTR_NONE;
	}
	if (why != TG_CTR_NONE)
		return why;
	if (rx->ip.proto == TG_PROTO_TCP)
		return parse_tcp(e, rx);
	if (rx->ip.proto != TG_PROTO_ICMP || v6)
		return TG_CTR_ip_proto;
	rx->kind = TG_RX_ICMP;
	return TG_CTR_NONE;
}

bool tg_rx_find_shared(const struct tg_engine *e, uint16_t vid, uint16_t *port)
{
	for (uint32_t i = 0; i < e->conf.port_n; i++) {
		const struct tg_port_conf *pc = &e->conf.port[i];
		if (!pc->is_shared || pc->shares != *port || pc->vlan != vid)
			continue;
		*port = (uint16_t)i;
		return true;
	}
	return false;
}

static enum tg_ctr parse(struct tg_engine *e, struct tg_rx *rx)
{
	const struct tg_port_conf *pc = &e->conf.port[rx->pkt.port];
	bool unicast;
	enum tg_ctr why = tg_eth_parse(rx->pkt.data, rx->pkt.len, &rx->eth);

	if (why != TG_CTR_NONE)
		return why;
	if (rx->eth.type != TG_ETHERTYPE_IP4 && rx->eth.type != TG_ETHERTYPE_IP6 &&
	    rx->eth.type != TG_ETHERTYPE_ARP)
		return TG_CTR_ethertype;
	if (!is_our_vlan(pc, &rx->eth)) {
		if (!tg_rx_find_shared(e, rx->eth.vid, &rx->pkt.port))
			return TG_CTR_vlan;
		pc = &e->conf.port[rx->pkt.port];
	}
	if (!is_for_us(pc, &rx->eth, &unicast))
		return TG_CTR_bad_mac;
	if (rx->eth.type != TG_ETHERTYPE_ARP)
		return parse_ip(e, rx, unicast);
	rx->kind = TG_RX_ARP;
	return TG_CTR_NONE;
}

/* --- what nearly all packets are --- */

/* As tg_eth_parse has it. */
static inline void take_link(const uint8_t *data, struct tg_eth *eth)
{
	memcpy(&eth->dst, data, sizeof(eth->dst) + sizeof(eth->src));
	eth->type = TG_ETHERTYPE_IP4;
	eth->vid = 0;
	eth->tagged = 0;
	eth->hdr_len = TG_ETH_LEN;
}
_Static_assert(offsetof(struct tg_eth, src) == sizeof(struct tg_mac), "both stand as in a frame");

/* As tg_addr_from_v4 does it, in two words: whoever loads the address soon loads words. */
static inline void put_v4(struct tg_addr *a, const uint8_t *v4)
{
	uint64_t v = __builtin_bswap32(tg_be32_get(v4));

	tg_le64_put(a->b, 0);
	tg_le64_put(a->b + 8, v << 32 | 0xffff0000u);
}

/* Untagged IPv4 without options to the address of ours that was met last, that the checks above
 * would all let pass; they need not be asked. False: they must. The tuple's hash is not known yet.
 */
static inline bool parse_plain(const struct tg_engine *e, struct tg_rx *rx)
{
	const struct tg_port_conf *pc = &e->conf.port[rx->pkt.port];
	const uint8_t *data = rx->pkt.data, *ip = data + TG_ETH_LEN;

	if (rx->pkt.len < TG_ETH_LEN + TG_IP4_LEN + TG_TCP_LEN ||
	    tg_be16_get(data + 12) != TG_ETHERTYPE_IP4 || memcmp(data, pc->mac.b, 6) != 0 ||
	    memcmp(ip + 16, e->last_dst.b + 12, 4) != 0 || !tg_addr_is_v4(&e->last_dst) ||
	    pc->vlan || pc->kernel || e->last_dst_port != rx->pkt.port ||
	    rx->pkt.len > (uint32_t)TG_ETH_LEN + pc->mtu ||
	    !tg_plain4_parse(ip, rx->pkt.len - TG_ETH_LEN, rx->pkt.l3_csum == TG_CSUM_GOOD,
			     rx->pkt.l4_csum == TG_CSUM_GOOD, &rx->ip, &rx->seg))
		return false;
	take_link(data, &rx->eth);
	rx->seg.ecn = rx->ip.tos & 3;
	rx->tuple.laddr = e->last_dst;
	put_v4(&rx->tuple.raddr, ip + 12);
	rx->tuple.lport = rx->seg.dport;
	rx->tuple.rport = rx->seg.sport;
	return true;
}

bool tg_rx_parse_plain(const struct tg_engine *e, struct tg_rx *rx)
{
	if (!parse_plain(e, rx))
		return false;
	rx->used = rx->foreign = false;
	rx->verdict = TG_CTR_NONE;
	rx->kind = TG_RX_TCP;
	return true;
}

void tg_rx_parse(struct tg_engine *e, struct tg_rx *rx)
{
	rx->used = rx->foreign = false;
	rx->kind = TG_RX_DONE;
	rx->verdict = parse(e, rx);
	if (rx->verdict != TG_CTR_NONE)
		rx->kind = TG_RX_DONE;
}
