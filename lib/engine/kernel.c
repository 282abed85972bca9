/* SPDX-License-Identifier: BSD-3-Clause */
/* kernel.c: what belongs to the kernel behind a port, and the way back (LN-21).
 *
 *        network                    engine                           kernel
 *   TCP to kernel_ports,
 *   other protocols            ---------------->  rate limited --->  ssh, BGP, OSPF, BFD, SNMP
 *   groups of the link
 *   ARP and ND that answer     ---+------------>  ----------------->  its neighbours
 *                                 +-> our own
 *   ARP and ND that ask for us ---> answered here, once
 *   everything                 <-------------------------------------  as it is
 *
 * Both hold the same addresses and the same MAC address, so a question must reach only one of them:
 * the engine answers for the addresses of the port. Answers go to both, for each has questions of
 * its own. Of link-local IPv6 addresses the engine has only those that it was given; the others are
 * the kernel's, with all that is sent to them. Of groups only those that no router passes on go to
 * the kernel: 224.0.0.0/24 and ff02::/16, where routing protocols speak.
 *
 * A packet costs the kernel's side a system call, so a flood must not become one of those: each of
 * three kinds has kernel_rate packets a second for itself. What can only come from the link has a
 * share that nobody farther away can use up (RFC 5082), and neither can starve ARP. */
#include "engine.h"

enum { MLD_QUERY = 130, ND_NS = 135, ND_NA = 136, ND_LEN_MIN = 24, FROM_THE_LINK = 255 };

/* How long a burst beyond the rate may last. */
static const uint64_t burst_ns = 20 * TG_NS_PER_MS;

bool tg_kernel_has_port(const struct tg_port_conf *pc, uint16_t port)
{
	for (uint32_t i = 0; i < pc->kernel_port_n; i++)
		if (port >= pc->kernel_port[i].low && port <= pc->kernel_port[i].high)
			return true;
	return false;
}

bool tg_kernel_has_local(const struct tg_engine *e, const struct tg_addr *laddr, uint16_t lport)
{
	uint32_t port;

	return e->has_kernel && tg_route_is_ours(e->neigh, laddr, &port) &&
	       e->conf.port[port].kernel && tg_kernel_has_port(&e->conf.port[port], lport);
}

/* --- whose it is --- */

static bool is_same_mac(const struct tg_mac *a, const struct tg_mac *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

/* A group that no router passes on, in a frame to the group's own MAC address (RFC 1112 6.4, RFC
 * 2464 7). */
static bool is_link_group(const struct tg_rx *rx)
{
	const struct tg_addr *a = &rx->ip.dst;
	const struct tg_mac mac4 = {{0x01, 0x00, 0x5e, 0, 0, a->b[15]}};

	if (tg_addr_is_v4(a))
		return a->b[12] == 224 && a->b[13] == 0 && a->b[14] == 0 &&
		       is_same_mac(&rx->eth.dst, &mac4);
	const struct tg_mac mac6 = tg_nd_group_mac(a);

	return a->b[0] == 0xff && (a->b[1] & 0x0f) == 2 && is_same_mac(&rx->eth.dst, &mac6);
}

static bool is_ours(const struct tg_engine *e, const struct tg_rx *rx, const struct tg_addr *a)
{
	uint32_t port;

	return tg_route_is_ours(e->neigh, a, &port) && port == rx->pkt.port;
}

static bool is_to_our_mac(const struct tg_engine *e, const struct tg_rx *rx)
{
	return is_same_mac(&rx->eth.dst, &e->conf.port[rx->pkt.port].mac);
}

/* To a link-local address that the engine was not given: the kernel makes its own. */
static bool is_to_its_own(const struct tg_engine *e, const struct tg_rx *rx)
{
	return tg_addr_is_link_local6(&rx->ip.dst) && is_to_our_mac(e, rx) &&
	       !is_ours(e, rx, &rx->ip.dst);
}

/* Neither TCP nor ICMP, of which the engine says more, whole or in pieces; nor a piece that does
 * not tell what it is of, for it begins with another extension header. */
static bool is_other_proto(const struct tg_ip *ip)
{
	static const uint8_t extensions[] = {0, 43, 44, 60};

	for (size_t i = 0; ip->v6 && i < sizeof(extensions); i++)
		if (ip->proto == extensions[i])
			return false;
	return ip->proto != TG_PROTO_TCP && ip->proto != TG_PROTO_ICMP &&
	       ip->proto != TG_PROTO_ICMP6;
}

static bool takes_other(const struct tg_engine *e, const struct tg_rx *rx)
{
	if (!is_other_proto(&rx->ip))
		return false;
	return is_link_group(rx) || is_to_its_own(e, rx) ||
	       (is_to_our_mac(e, rx) && is_ours(e, rx, &rx->ip.dst));
}

/* Neighbour discovery that is not only the engine's, and the queries that keep its groups alive. */
static bool takes_nd(const struct tg_engine *e, const struct tg_rx *rx)
{
	const uint8_t *icmp = rx->pkt.data + rx->eth.hdr_len + rx->ip.hdr_len;
	const struct tg_mac *own = &e->conf.port[rx->pkt.port].mac;
	struct tg_addr target;

	/* Each worker has a copy. */
	if (!e->conf.primary || !rx->ip.v6 || rx->ip.payload_len < ND_LEN_MIN ||
	    is_same_mac(&rx->eth.src, own))
		return false;
	memcpy(target.b, icmp + 8, sizeof(target.b));
	if (icmp[0] == ND_NS)
		return tg_addr_is_link_local6(&target) && !is_ours(e, rx, &target);
	return icmp[0] == ND_NA || icmp[0] == MLD_QUERY;
}

/* An error about what the kernel sent: not TCP, or TCP of a port that is its own. */
static bool is_error_of_kernel(const struct tg_engine *e, const struct tg_rx *rx)
{
	const uint8_t *data = rx->pkt.data + rx->eth.hdr_len + rx->ip.hdr_len;
	struct tg_icmp icmp;

	if (tg_icmp_parse(data, rx->ip.payload_len, &rx->ip, &icmp) != TG_CTR_NONE)
		return false;
	return !icmp.quoted_tcp ||
	       tg_kernel_has_port(&e->conf.port[rx->pkt.port], icmp.quoted.lport);
}

/* ICMP that the engine has no use for; its own echo requests, too long to be answered, are not. */
static bool takes_icmp(const struct tg_engine *e, const struct tg_rx *rx, enum tg_ctr verdict)
{
	const uint8_t *icmp = rx->pkt.data + rx->eth.hdr_len + rx->ip.hdr_len;
	bool ours = is_to_our_mac(e, rx) && is_ours(e, rx, &rx->ip.dst);

	if (verdict == TG_CTR_NONE || verdict == TG_CTR_nd_other || is_link_group(rx))
		return (verdict == TG_CTR_NONE || verdict == TG_CTR_nd_other ||
			verdict == TG_CTR_icmp_other) &&
		       takes_nd(e, rx);
	if (verdict == TG_CTR_bad_dst || verdict == TG_CTR_icmp_other)
		return is_to_its_own(e, rx) ||
		       (ours && verdict == TG_CTR_icmp_other && icmp[0] != (rx->ip.v6 ? 128 : 8));
	return ours && (verdict == TG_CTR_icmp_short || verdict == TG_CTR_icmp_bad_seq) &&
	       is_error_of_kernel(e, rx);
}

/* Answers, and what somebody says of himself: the kernel's neighbours are its own affair. */
static bool takes_arp(const struct tg_engine *e, const struct tg_rx *rx, enum tg_ctr verdict)
{
	struct tg_arp arp;

	if (!e->conf.primary || (verdict != TG_CTR_NONE && verdict != TG_CTR_arp_other) ||
	    tg_arp_parse(rx->pkt.data + rx->eth.hdr_len, rx->pkt.len - rx->eth.hdr_len, &arp) !=
		TG_CTR_NONE ||
	    is_same_mac(&arp.sha, &e->conf.port[rx->pkt.port].mac))
		return false;
	return arp.op == 2 || tg_addr_equal(&arp.spa, &arp.tpa);
}

/* A frame to a group's MAC address, which the parser did not look into. */
static bool takes_group(const struct tg_engine *e, struct tg_rx *rx)
{
	const uint8_t *ip = rx->pkt.data + rx->eth.hdr_len;
	uint32_t len = rx->pkt.len - rx->eth.hdr_len;
	enum tg_ctr why;

	if (!(rx->eth.dst.b[0] & 1) || rx->eth.type == TG_ETHERTYPE_ARP)
		return false;
	why = rx->eth.type == TG_ETHERTYPE_IP6
		  ? tg_ip6_parse(ip, len, &rx->ip)
		  : tg_ip4_parse(ip, len, rx->pkt.l3_csum != TG_CSUM_GOOD, &rx->ip);
	if (why == TG_CTR_NONE && rx->ip.v6 && rx->ip.proto == TG_PROTO_ICMP6)
		return is_link_group(rx) && takes_nd(e, rx);
	return (why == TG_CTR_ip_proto || why == TG_CTR_frag) && takes_other(e, rx);
}

static bool takes_ip(const struct tg_engine *e, struct tg_rx *rx, enum tg_ctr verdict)
{
	if (verdict == TG_CTR_bad_mac)
		return takes_group(e, rx);
	if (verdict == TG_CTR_ip_proto || verdict == TG_CTR_frag)
		return takes_other(e, rx);
	/* TCP of its own address, which is none of the port's. */
	return verdict == TG_CTR_bad_dst && rx->eth.type == TG_ETHERTYPE_IP6 &&
	       is_to_its_own(e, rx);
}

static bool takes(const struct tg_engine *e, struct tg_rx *rx, enum tg_ctr verdict)
{
	switch (rx->kind) {
	case TG_RX_KERNEL:
		return true;
	case TG_RX_ARP:
		return takes_arp(e, rx, verdict);
	case TG_RX_ICMP:
		return takes_icmp(e, rx, verdict);
	case TG_RX_DONE:
		return takes_ip(e, rx, verdict);
	case TG_RX_TCP:
	case TG_RX_SYN:
		break;
	}
	return false;
}

/* --- how much of it --- */

static enum tg_kernel_kind kind_of(const struct tg_rx *rx)
{
	if (rx->eth.type == TG_ETHERTYPE_ARP || rx->ip.ttl == FROM_THE_LINK || is_link_group(rx))
		return TG_KERNEL_LINK;
	return rx->ip.proto == TG_PROTO_TCP ? TG_KERNEL_TCP : TG_KERNEL_REST;
}

/* The time at which all that was let through is paid for (GCRA). */
static bool may_pass(struct tg_engine *e, uint32_t port, enum tg_kernel_kind kind)
{
	uint64_t *paid_ns = &e->kernel_paid_ns[port][kind], now_ns = e->env.now_ns;
	uint32_t rate = e->conf.port[port].kernel_rate;

	if (rate == 0)
		return true;
	if (*paid_ns < now_ns)
		*paid_ns = now_ns;
	if (*paid_ns - now_ns > burst_ns)
		return false;
	*paid_ns += 1000 * TG_NS_PER_MS / rate;
	return true;
}

/* --- out and in --- */

/* The kernel's interface is the port in its VLAN: it has no tags. */
static void take_tag(struct tg_pkt *pkt)
{
	memmove(pkt->data + TG_VLAN_LEN, pkt->data, TG_ETH_LEN - 2);
	pkt->data += TG_VLAN_LEN;
	pkt->len -= TG_VLAN_LEN;
	pkt->cap -= TG_VLAN_LEN;
}

static void put_tag(struct tg_pkt *pkt, uint16_t vlan)
{
	uint32_t at = TG_ETH_LEN - 2;

	memmove(pkt->data + at + TG_VLAN_LEN, pkt->data + at, pkt->len - at);
	tg_be16_put(pkt->data + at, TG_ETHERTYPE_VLAN);
	tg_be16_put(pkt->data + at + 2, vlan);
	pkt->len += TG_VLAN_LEN;
}

static enum tg_ctr pass(struct tg_engine *e, struct tg_rx *rx)
{
	const struct tg_port_conf *pc = &e->conf.port[rx->pkt.port];

	if (rx->pkt.len > (uint32_t)pc->mtu + rx->eth.hdr_len)
		return TG_CTR_kernel_long;
	if (tg_out_room(&e->out) == 0 || !may_pass(e, rx->pkt.port, kind_of(rx)))
		return TG_CTR_kernel_limited;
	if (rx->eth.hdr_len > TG_ETH_LEN)
		take_tag(&rx->pkt);
	rx->pkt.port = pc->kernel;
	rx->pkt.tx_flags = 0;
	rx->used = true;
	e->out.pkt[e->out.n++] = rx->pkt;
	tg_ctr_inc(&e->ctr, TG_CTR_kernel_out);
	return TG_CTR_NONE;
}

/* LN-21. What the engine used as well stays used when the kernel does not get it. */
enum tg_ctr tg_kernel_offer(struct tg_engine *e, struct tg_rx *rx, enum tg_ctr verdict)
{
	bool noted = verdict == TG_CTR_NONE && rx->kind != TG_RX_KERNEL;

	if (rx->used || !e->conf.port[rx->pkt.port].kernel || !takes(e, rx, verdict))
		return verdict;
	if (rx->kind != TG_RX_ARP) {
		enum tg_ctr bad = tg_rx_check_src(e, rx);
		if (bad != TG_CTR_NONE)
			return noted ? verdict : bad;
	}
	enum tg_ctr why = pass(e, rx);

	return noted ? verdict : why;
}

/* Ethernet, and no longer than the port's. */
static bool is_fit(const struct tg_port_conf *pc, const struct tg_pkt *pkt)
{
	uint32_t max = (uint32_t)pc->mtu + TG_ETH_LEN + (pc->vlan ? 0 : TG_VLAN_LEN);

	return pkt->len >= TG_ETH_LEN && pkt->len <= max &&
	       pkt->cap >= pkt->len + (pc->vlan ? TG_VLAN_LEN : 0);
}

uint32_t tg_engine_from_kernel(struct tg_engine *e, uint32_t port, const struct tg_pkt in[],
			       uint32_t n, struct tg_pkt out[])
{
	const struct tg_port_conf *pc = &e->conf.port[port];
	uint32_t out_n = 0;

	assert(port < e->conf.port_n && pc->kernel);
	for (uint32_t i = 0; i < n; i++) {
		struct tg_pkt *pkt = &out[out_n];
		if (!is_fit(pc, &in[i])) {
			tg_ctr_inc(&e->ctr, TG_CTR_kernel_in_bad);
			tg_out_free(&e->out, &in[i]);
			continue;
		}
		*pkt = in[i];
		pkt->port = (uint16_t)port;
		pkt->tx_flags = 0;
		if (pc->vlan)
			put_tag(pkt, pc->vlan);
		tg_ctr_inc(&e->ctr, TG_CTR_kernel_in);
		tg_ctr_inc(&e->ctr, TG_CTR_tx_packets);
		tg_ctr_add(&e->ctr, TG_CTR_tx_bytes, pkt->len);
		out_n++;
	}
	return out_n;
}
