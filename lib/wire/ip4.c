/* SPDX-License-Identifier: BSD-3-Clause */
/* ip4.c: the IPv4 header (RFC 791, RFC 1122 3.2.1). */
#include "wire_int.h"

enum { IP4_DF = 0x4000, IP4_FRAG_MASK = 0x3fff /* more fragments, and the offset */ };
enum { IP4_OPT_END = 0, IP4_OPT_NOP = 1, IP4_OPT_LSRR = 131, IP4_OPT_SSRR = 137 };

/* The sum over a correct header, checksum included, is 0xffff (RFC 1071 1). */
static inline bool csum_ok(const uint8_t *data)
{
	uint64_t acc = sum64(load64(data), load64(data + 8));

	return fold_native(sum64(acc, load32(data + 16))) == 0xffff;
}

static bool csum_with_options_ok(const uint8_t *data, uint32_t hdr_len)
{
	return fold_native(sum_native(0, data, hdr_len)) == 0xffff;
}

/* LN-13, ADV-80: options are ignored, but for source routes. What stands behind an illegal length
 * is not an option. */
static bool has_source_route(const uint8_t *opt, uint32_t len)
{
	while (len > 0 && opt[0] != IP4_OPT_END) {
		uint32_t n = 1;

		if (opt[0] == IP4_OPT_LSRR || opt[0] == IP4_OPT_SSRR)
			return true;
		if (opt[0] != IP4_OPT_NOP) {
			if (len < 2 || opt[1] < 2 || opt[1] > len)
				return false;
			n = opt[1];
		}
		opt += n;
		len -= n;
	}
	return false;
}

/* LN-12, ADV-09: "this network" 0/8, loopback 127/8, multicast 224/4, reserved and broadcast 240/4.
 */
static inline bool may_be_source(const uint8_t *v4)
{
	return v4[0] != 0 && v4[0] != 127 && v4[0] < 224;
}

/* A multicast group may be somebody's; whether it is ours the engine knows. */
static inline bool may_be_destination(const uint8_t *v4)
{
	return v4[0] != 0 && v4[0] != 127 && v4[0] < 240;
}

/* The fields and the checks that come once the lengths and the checksum are known to be right. */
static inline enum tg_ctr take(const uint8_t *data, uint32_t hdr_len, uint32_t total,
			       struct tg_ip *ip)
{
	addr_put_v4(&ip->src, data + 12);
	addr_put_v4(&ip->dst, data + 16);
	ip->payload_len = total - hdr_len;
	ip->hdr_len = (uint16_t)hdr_len;
	ip->frag_id = tg_be16_get(data + 4);
	ip->ttl = data[8];
	ip->proto = data[9];
	ip->v6 = 0;
	ip->has_options = hdr_len > TG_IP4_LEN;
	ip->atomic_frag = 0;
	ip->tos = data[1];
	if (ip->ttl == 0)
		return TG_CTR_ip_ttl;
	if (hdr_len > TG_IP4_LEN && has_source_route(data + TG_IP4_LEN, hdr_len - TG_IP4_LEN))
		return TG_CTR_ip_srcroute;
	if (tg_be16_get(data + 6) & IP4_FRAG_MASK) /* LN-15, ADV-76, ADV-77: nothing is kept */
		return TG_CTR_frag;
	if (!may_be_source(data + 12))
		return TG_CTR_bad_src;
	if (!may_be_destination(data + 16))
		return TG_CTR_bad_dst;
	if (ip->proto == TG_PROTO_TCP)
		return ip->payload_len < TG_TCP_LEN ? TG_CTR_ip_bad_len : TG_CTR_NONE;
	return ip->proto == TG_PROTO_ICMP ? TG_CTR_NONE : TG_CTR_ip_proto;
}

/* Headers with options, and those that are none: rare, kept out of the way. */
static enum tg_ctr parse_slowly(const uint8_t *data, uint32_t len, bool verify_csum,
				struct tg_ip *ip)
{
	uint32_t hdr_len = (data[0] & 0x0fu) * 4;
	uint32_t total = tg_be16_get(data + 2);

	if (data[0] >> 4 != 4 || hdr_len < TG_IP4_LEN)
		return TG_CTR_ip_bad_hdr;
	if (total < hdr_len || total > len)
		return TG_CTR_ip_bad_len;
	if (verify_csum && !csum_with_options_ok(data, hdr_len)) /* ADV-02 */
		return TG_CTR_ip_bad_csum;
	return take(data, hdr_len, total, ip);
}

enum tg_ctr tg_ip4_parse(const uint8_t *data, uint32_t len, bool verify_csum, struct tg_ip *ip)
{
	if (len < TG_IP4_LEN)
		return TG_CTR_runt;
	if (data[0] != (4 << 4 | TG_IP4_LEN / 4))
		return parse_slowly(data, len, verify_csum, ip);
	uint32_t total = tg_be16_get(data + 2);

	/* ADV-05, ADV-45; with both true the header lies inside data[len]. */
	if (total < TG_IP4_LEN || total > len)
		return TG_CTR_ip_bad_len;
	if (verify_csum && !csum_ok(data))
		return TG_CTR_ip_bad_csum;
	return take(data, TG_IP4_LEN, total, ip);
}

/* The checksum is of the numbers, not of the bytes: those were written a moment ago, and to load
 * them in other pieces would have to wait for the stores. */
uint32_t tg_ip4_emit(uint8_t *data, const struct tg_ip *ip, uint32_t payload_len, bool csum_offload)
{
	uint32_t len = (0x4500u | ip->tos) << 16 | ((TG_IP4_LEN + payload_len) & 0xffff);
	uint32_t id = (uint32_t)ip->frag_id << 16 | IP4_DF;
	uint32_t ttl = (uint32_t)ip->ttl << 24 | (uint32_t)ip->proto << 16;
	uint32_t src = tg_be32_get(ip->src.b + 12), dst = tg_be32_get(ip->dst.b + 12);
	uint64_t sum = (uint64_t)len + id + ttl + src + dst;

	tg_be32_put(data, len);
	tg_be32_put(data + 4, id);
	tg_be32_put(data + 8, ttl | (csum_offload ? 0u : (uint16_t)~fold_native(sum)));
	tg_be32_put(data + 12, src);
	tg_be32_put(data + 16, dst);
	return TG_IP4_LEN;
}
