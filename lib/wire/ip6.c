/* SPDX-License-Identifier: BSD-3-Clause */
/* ip6.c: the IPv6 header and its extension headers (RFC 8200 3 and 4). */
#include "wire_int.h"

enum { IP6_OPT_PAD1 = 0, IP6_OPT_MUST_DROP = 0xc0 /* any of the two top bits: RFC 8200 4.2 */ };

/* The options of a hop-by-hop or destination header. Those that we do not know say in their top two
 * bits whether they may be skipped; we know none that may not (jumbo payload is one of them). */
static bool options_are_skippable(const uint8_t *opt, uint32_t len)
{
	while (len > 0) {
		uint32_t n = 1;

		if (opt[0] & IP6_OPT_MUST_DROP)
			return false;
		if (opt[0] != IP6_OPT_PAD1) {
			if (len < 2 || 2u + opt[1] > len)
				return false;
			n = 2u + opt[1];
		}
		opt += n;
		len -= n;
	}
	return true;
}

static void note_fragment(const uint8_t *hdr, struct ip6_chain *chain)
{
	uint16_t word = tg_be16_get(hdr + 2);

	chain->fragment = 1;
	chain->later |= (word & 0xfff8) != 0;
	chain->more |= (word & 0xfff9) != 0;
}

/* Takes in one header of n bytes. */
static void note_header(const uint8_t *hdr, uint32_t n, struct ip6_chain *chain)
{
	if (chain->proto == TG_EXT_FRAGMENT)
		note_fragment(hdr, chain);
	else if (chain->proto == TG_EXT_ROUTING)
		chain->routed |= hdr[3] != 0;
	else
		chain->refused |= !options_are_skippable(hdr + 2, n - 2);
}

static bool is_extension(uint8_t proto)
{
	return proto == TG_EXT_HOPOPT || proto == TG_EXT_ROUTING || proto == TG_EXT_FRAGMENT ||
	       proto == TG_EXT_DSTOPT;
}

/* LN-14, ADV-78: so many headers, and no more. */
bool tg_ip6_chain_parse(const uint8_t *data, uint32_t len, uint8_t proto, struct ip6_chain *chain)
{
	*chain = (struct ip6_chain){.proto = proto};
	for (int i = 0; is_extension(chain->proto) && !chain->later; i++) {
		const uint8_t *hdr = data + chain->len;
		uint32_t left = len - chain->len;

		if (i == TG_EXT_MAX || left < 8 || (chain->proto == TG_EXT_HOPOPT && i > 0))
			return false;
		uint32_t n = chain->proto == TG_EXT_FRAGMENT ? 8 : 8u + hdr[1] * 8u;
		if (n > left)
			return false;
		note_header(hdr, n, chain);
		chain->proto = hdr[0];
		chain->len += n;
	}
	return true;
}

static enum tg_ctr check_chain(const struct ip6_chain *chain)
{
	if (chain->routed) /* ADV-79 */
		return TG_CTR_ip6_rh0;
	if (chain->more)
		return TG_CTR_frag;
	if (chain->refused)
		return TG_CTR_ip6_option;
	return chain->proto == TG_EXT_NONE ? TG_CTR_ip6_chain : TG_CTR_NONE;
}

/* ::1, and the mapped form, which is how IPv4 addresses are kept here: from the wire it would pass
 * for one of them (LN-12). */
static inline bool is_loopback_or_mapped(const struct tg_addr *a)
{
	if (load64(a->b) != 0)
		return false;
	return tg_be32_get(a->b + 8) == 0xffff ||
	       (tg_be32_get(a->b + 8) == 0 && tg_be32_get(a->b + 12) == 1);
}

static enum tg_ctr check(const struct tg_ip *ip)
{
	if (addr_is_multicast6(&ip->src) || is_loopback_or_mapped(&ip->src))
		return TG_CTR_bad_src;
	/* Duplicate address detection asks from :: (RFC 4862 5.4.2). */
	if (addr_is_unspecified(&ip->src) && ip->proto != TG_PROTO_ICMP6)
		return TG_CTR_bad_src;
	if (addr_is_unspecified(&ip->dst) || is_loopback_or_mapped(&ip->dst))
		return TG_CTR_bad_dst;
	if (ip->proto == TG_PROTO_TCP)
		return ip->payload_len < TG_TCP_LEN ? TG_CTR_ip_bad_len : TG_CTR_NONE;
	return ip->proto == TG_PROTO_ICMP6 ? TG_CTR_NONE : TG_CTR_ip_proto;
}

static enum tg_ctr parse_extensions(const uint8_t *data, struct tg_ip *ip)
{
	struct ip6_chain chain;

	if (!tg_ip6_chain_parse(data + TG_IP6_LEN, ip->payload_len, ip->proto, &chain))
		return TG_CTR_ip6_chain;
	ip->proto = chain.proto;
	ip->hdr_len = (uint16_t)(TG_IP6_LEN + chain.len);
	ip->payload_len -= chain.len;
	ip->atomic_frag = chain.fragment;
	return check_chain(&chain);
}

enum tg_ctr tg_ip6_parse(const uint8_t *data, uint32_t len, struct tg_ip *ip)
{
	if (len < TG_IP6_LEN)
		return TG_CTR_runt;
	if (data[0] >> 4 != 6)
		return TG_CTR_ip_bad_hdr;
	ip->payload_len = tg_be16_get(data + 4);
	if (ip->payload_len > len - TG_IP6_LEN)
		return TG_CTR_ip_bad_len;
	memcpy(&ip->src, data + 8, 16);
	memcpy(&ip->dst, data + 24, 16);
	ip->hdr_len = TG_IP6_LEN;
	ip->frag_id = 0;
	ip->proto = data[6];
	ip->ttl = data[7];
	ip->tos = (uint8_t)(tg_be16_get(data) >> 4);
	ip->v6 = 1;
	ip->has_options = 0;
	ip->atomic_frag = 0;
	if (ip->proto != TG_PROTO_TCP && ip->proto != TG_PROTO_ICMP6) {
		enum tg_ctr verdict = parse_extensions(data, ip);

		if (verdict != TG_CTR_NONE)
			return verdict;
	}
	return check(ip);
}

uint32_t tg_ip6_emit(uint8_t *data, const struct tg_ip *ip, uint32_t payload_len, uint32_t flow)
{
	tg_be32_put(data, 6u << 28 | (uint32_t)ip->tos << 20 | (flow & 0xfffff));
	tg_be16_put(data + 4, (uint16_t)payload_len);
	data[6] = ip->proto;
	data[7] = ip->ttl;
	memcpy(data + 8, ip->src.b, 16);
	memcpy(data + 24, ip->dst.b, 16);
	return TG_IP6_LEN;
}
