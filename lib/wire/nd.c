/* SPDX-License-Identifier: BSD-3-Clause */
/* nd.c: neighbour solicitation and advertisement (RFC 4861 4.3, 4.4, 7.1) and the MLDv2 report
 * (RFC 3810 5.2) that lets a snooping switch pass them. */
#include "icmp_int.h"

enum { ND_LEN = 24, ND_OPT_LLADDR_LEN = 8, ND_HLIM = 255 };
enum { ND_OPT_SOURCE = 1, ND_OPT_TARGET = 2 };
enum { NA_ROUTER = 0x80, NA_SOLICITED = 0x40, NA_OVERRIDE = 0x20 };
enum { MLD_HOPOPT_LEN = 8, MLD_HDR_LEN = 8, MLD_RECORD_LEN = 20, MLD_TO_EXCLUDE = 4 };

/* The options of an NS or NA. We want the link-layer address of type want; for Ethernet it fills
 * eight bytes, and a group address is nobody's. False: RFC 4861 7.1 says drop. */
static bool parse_options(const uint8_t *opt, uint32_t len, uint8_t want, struct tg_icmp *icmp)
{
	while (len > 0) {
		if (len < 8 || opt[1] == 0 || opt[1] * 8u > len)
			return false;
		if (opt[0] == want) {
			if (opt[1] * 8 != ND_OPT_LLADDR_LEN || (opt[2] & 1))
				return false;
			memcpy(icmp->lladdr.b, opt + 2, 6);
			icmp->has_lladdr = 1;
		}
		len -= opt[1] * 8u;
		opt += opt[1] * 8;
	}
	return true;
}

/* RFC 4861 7.1.1: who has no address yet asks the solicited-node group, and names no link-layer
 * address. */
static bool dad_is_proper(const struct tg_ip *ip, const struct tg_icmp *icmp)
{
	static const uint8_t prefix[13] = {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff};

	return !icmp->has_lladdr && memcmp(ip->dst.b, prefix, sizeof(prefix)) == 0;
}

static bool ns_is_valid(const uint8_t *data, uint32_t len, const struct tg_ip *ip,
			struct tg_icmp *icmp)
{
	if (!parse_options(data + ND_LEN, len - ND_LEN, ND_OPT_SOURCE, icmp))
		return false;
	return !addr_is_unspecified(&ip->src) || dad_is_proper(ip, icmp);
}

/* RFC 4861 7.1.2: what goes to a group answers nobody. */
static bool na_is_valid(const uint8_t *data, uint32_t len, const struct tg_ip *ip,
			struct tg_icmp *icmp)
{
	icmp->na_router = (data[4] & NA_ROUTER) != 0;
	icmp->na_solicited = (data[4] & NA_SOLICITED) != 0;
	icmp->na_override = (data[4] & NA_OVERRIDE) != 0;
	if (icmp->na_solicited && addr_is_multicast6(&ip->dst))
		return false;
	return parse_options(data + ND_LEN, len - ND_LEN, ND_OPT_TARGET, icmp);
}

enum tg_ctr tg_nd_parse(const uint8_t *data, uint32_t len, const struct tg_ip *ip,
			struct tg_icmp *icmp)
{
	if (ip->ttl != ND_HLIM) /* LN-07, ADV-82 */
		return TG_CTR_nd_hlim;
	/* RFC 6980: never in a fragment, not even an atomic one. */
	if (icmp->code != 0 || len < ND_LEN || ip->atomic_frag)
		return TG_CTR_nd_bad;
	icmp->target = tg_addr_from_v6(data + 8);
	/* A mapped target would pass for one of our IPv4 addresses (LN-12). */
	if (addr_is_multicast6(&icmp->target) || addr_is_unspecified(&icmp->target) ||
	    tg_addr_is_v4(&icmp->target))
		return TG_CTR_nd_bad;
	bool ok = icmp->kind == TG_ICMP_ND_NS ? ns_is_valid(data, len, ip, icmp)
					      : na_is_valid(data, len, ip, icmp);
	return ok ? TG_CTR_NONE : TG_CTR_nd_bad;
}

static void put_lladdr(uint8_t *opt, uint8_t type, const struct tg_mac *mac)
{
	opt[0] = type;
	opt[1] = 1;
	memcpy(opt + 2, mac->b, 6);
}

static void put_head(uint8_t *data, uint8_t type, uint8_t flags, const struct tg_addr *target)
{
	memset(data, 0, 8);
	data[0] = type;
	data[4] = flags;
	memcpy(data + 8, target->b, 16);
}

uint32_t tg_nd_ns_emit(uint8_t *data, const struct tg_addr *src, const struct tg_addr *dst,
		       const struct tg_addr *target, const struct tg_mac *mac)
{
	uint32_t len = ND_LEN;

	put_head(data, ICMP6_NS, 0, target);
	if (!addr_is_unspecified(src)) {
		put_lladdr(data + ND_LEN, ND_OPT_SOURCE, mac);
		len += ND_OPT_LLADDR_LEN;
	}
	return tg_icmp_csum_put(data, len, src, dst);
}

uint32_t tg_nd_na_emit(uint8_t *data, const struct tg_addr *src, const struct tg_addr *dst,
		       const struct tg_addr *target, const struct tg_mac *mac, bool solicited,
		       bool override)
{
	unsigned flags = (solicited ? NA_SOLICITED : 0u) | (override ? NA_OVERRIDE : 0u);

	put_head(data, ICMP6_NA, (uint8_t)flags, target);
	put_lladdr(data + ND_LEN, ND_OPT_TARGET, mac);
	return tg_icmp_csum_put(data, ND_LEN + ND_OPT_LLADDR_LEN, src, dst);
}

uint32_t tg_mld_emit(uint8_t *data, const struct tg_addr *src, const struct tg_addr *group,
		     uint32_t n)
{
	/* Next header, length 0, router alert for MLD (RFC 2711), two bytes of padding. */
	static const uint8_t hopopt[MLD_HOPOPT_LEN] = {TG_PROTO_ICMP6, 0, 5, 2, 0, 0, 1, 0};
	/* ff02::16, the routers that speak MLDv2 (RFC 3810 5.2.14). */
	static const struct tg_addr routers = {{0xff, 2, [15] = 0x16}};
	uint8_t *mld = data + MLD_HOPOPT_LEN, *record = mld + MLD_HDR_LEN;

	memcpy(data, hopopt, sizeof(hopopt));
	memset(mld, 0, MLD_HDR_LEN);
	mld[0] = ICMP6_MLD2_REPORT;
	tg_be16_put(mld + 6, (uint16_t)n);
	for (uint32_t i = 0; i < n; i++, record += MLD_RECORD_LEN) {
		/* To "exclude nobody": that is a join. */
		memset(record, 0, 4);
		record[0] = MLD_TO_EXCLUDE;
		memcpy(record + 4, group[i].b, 16);
	}
	return MLD_HOPOPT_LEN + tg_icmp_csum_put(mld, (uint32_t)(record - mld), src, &routers);
}

struct tg_addr tg_nd_solicited_node(const struct tg_addr *a)
{
	struct tg_addr group = {{0xff, 2, [11] = 1, [12] = 0xff}};

	memcpy(group.b + 13, a->b + 13, 3);
	return group;
}

struct tg_mac tg_nd_group_mac(const struct tg_addr *group)
{
	struct tg_mac mac = {{0x33, 0x33}};

	memcpy(mac.b + 2, group->b + 12, 4);
	return mac;
}
