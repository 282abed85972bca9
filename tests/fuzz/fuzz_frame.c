/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_frame.c: a frame through every parser that it reaches: Ethernet, then ARP, or IPv4 or IPv6,
 * then TCP or ICMP.
 *
 * The first byte of the input says what is repaired first, so that random bytes get past the early
 * checks: bit 0 the IP version and lengths, bit 1 the IPv4 checksum, bit 2 the ICMP checksum, bit 3
 * the EtherType (from bits 4 and 5). */
#include "fuzz.h"
#include "tg_link.h"
#include "tg_wire_syn.h"

enum { FIX_IP = 1, FIX_IP_CSUM = 2, FIX_ICMP_CSUM = 4, FIX_TYPE = 8 };

static void fuzz_tcp(const uint8_t *data, uint32_t len, const struct tg_ip *ip)
{
	uint8_t *copy = fuzz_copy(data, len), again[60];
	struct tg_seg seg;

	tg_tcp_csum_ok(copy, len, &ip->src, &ip->dst);
	if (tg_tcp_parse(copy, len, &seg) == TG_CTR_NONE) {
		fuzz_require(seg.text >= copy + 20 && seg.text + seg.len == copy + len);
		fuzz_require(seg.opts.sack_n <= 4);
		fuzz_require(tg_tcp_emit(again, &seg) <= 60);
		tg_tcp_csum_put(copy, len, &ip->src, &ip->dst, false);
		fuzz_require(tg_tcp_csum_ok(copy, len, &ip->src, &ip->dst));
	}
	free(copy);
}

static void fix_icmp(uint8_t *data, uint32_t len, const struct tg_ip *ip)
{
	uint64_t sum = ip->v6 ? tg_csum_pseudo(&ip->src, &ip->dst, TG_PROTO_ICMP6, len) : 0;

	if (len < 4)
		return;
	tg_be16_put(data + 2, 0);
	tg_be16_put(data + 2, tg_csum_fold(tg_csum_add(sum, data, len)));
}

static void fuzz_icmp(const uint8_t *data, uint32_t len, const struct tg_ip *ip, uint8_t fix)
{
	uint8_t *copy = fuzz_copy(data, len);
	struct tg_icmp icmp;

	if (fix & FIX_ICMP_CSUM)
		fix_icmp(copy, len, ip);
	if (tg_icmp_parse(copy, len, ip, &icmp) == TG_CTR_NONE) {
		if (icmp.kind == TG_ICMP_ECHO) {
			tg_icmp_echo_reply(copy, len, ip);
			fuzz_require(tg_icmp_parse(copy, len, ip, &icmp) != TG_CTR_icmp_bad_csum);
		} else if (icmp.quoted_tcp) {
			fuzz_require(tg_addr_is_v4(&icmp.quoted.laddr) == !ip->v6);
			fuzz_require(tg_addr_is_v4(&icmp.quoted.raddr) == !ip->v6);
		}
	}
	free(copy);
}

static void fix_ip(uint8_t *data, uint32_t len, bool v6, uint8_t fix)
{
	if (len < (v6 ? 40u : 20u))
		return;
	if (fix & FIX_IP) {
		data[0] = (uint8_t)((data[0] & 0x0f) | (v6 ? 0x60 : 0x40));
		tg_be16_put(data + (v6 ? 4 : 2), (uint16_t)(v6 ? len - 40 : len));
	}
	uint32_t hdr_len = (data[0] & 15u) * 4;
	if (!v6 && (fix & FIX_IP_CSUM) && hdr_len <= len && hdr_len >= 20) {
		tg_be16_put(data + 10, 0);
		tg_be16_put(data + 10, tg_csum_fold(tg_csum_add(0, data, hdr_len)));
	}
}

/* The promises of tg_ip4_parse and tg_ip6_parse. */
static void check_ip(const struct tg_ip *ip, uint32_t len, bool v6)
{
	fuzz_require(ip->hdr_len >= (v6 ? 40 : 20));
	fuzz_require(ip->hdr_len + ip->payload_len <= len);
	fuzz_require(ip->v6 == v6);
	fuzz_require(tg_addr_is_v4(&ip->src) == !v6 && tg_addr_is_v4(&ip->dst) == !v6);
	fuzz_require(ip->proto == TG_PROTO_TCP ||
		     ip->proto == (v6 ? TG_PROTO_ICMP6 : TG_PROTO_ICMP));
}

/* What is called a plain SYN is one to the parsers for all packets. */
static void fuzz_syn(const uint8_t *data, uint32_t len, bool v6)
{
	struct tg_tcp_opts opts;
	struct tg_syn syn;
	struct tg_seg seg;
	struct tg_ip ip;

	if (!(v6 ? tg_syn6_parse(data, len, false, &syn)
		 : tg_syn4_parse(data, len, false, false, &syn)))
		return;
	fuzz_require((v6 ? tg_ip6_parse(data, len, &ip) : tg_ip4_parse(data, len, true, &ip)) ==
		     TG_CTR_NONE);
	const uint8_t *tcp = data + ip.hdr_len;

	fuzz_require(tg_tcp_csum_ok(tcp, ip.payload_len, &ip.src, &ip.dst));
	fuzz_require(tg_tcp_parse(tcp, ip.payload_len, &seg) == TG_CTR_NONE && seg.len == 0);
	fuzz_require((seg.ctl & ~(TG_TCP_ECE | TG_TCP_CWR)) == TG_TCP_SYN);
	opts = seg.opts;
	fuzz_require(!opts.bad && !opts.bad_sack && syn.mss == (opts.has_mss ? opts.mss : 0));
	fuzz_require(opts.has_ts == ((syn.has & TG_SYN_TS) != 0) &&
		     opts.has_sack_perm == ((syn.has & TG_SYN_SACK) != 0) &&
		     opts.has_wscale == ((syn.has & TG_SYN_WS) != 0));
}

static void fuzz_ip(const uint8_t *data, uint32_t len, bool v6, uint8_t fix)
{
	uint8_t *copy = fuzz_copy(data, len);
	struct tg_ip ip;
	enum tg_ctr verdict;

	fix_ip(copy, len, v6, fix);
	fuzz_syn(copy, len, v6);
	verdict = v6 ? tg_ip6_parse(copy, len, &ip) : tg_ip4_parse(copy, len, true, &ip);
	if (verdict == TG_CTR_NONE) {
		check_ip(&ip, len, v6);
		if (ip.proto == TG_PROTO_TCP)
			fuzz_tcp(copy + ip.hdr_len, ip.payload_len, &ip);
		else
			fuzz_icmp(copy + ip.hdr_len, ip.payload_len, &ip, fix);
	}
	free(copy);
}

static void fuzz_arp(const uint8_t *data, uint32_t len)
{
	uint8_t *copy = fuzz_copy(data, len), again[TG_ARP_LEN];
	struct tg_arp arp;

	if (tg_arp_parse(copy, len, &arp) == TG_CTR_NONE) {
		fuzz_require(tg_arp_emit(again, &arp) == TG_ARP_LEN);
		fuzz_require(memcmp(again, copy, TG_ARP_LEN) == 0);
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t types[] = {TG_ETHERTYPE_IP4, TG_ETHERTYPE_IP6, TG_ETHERTYPE_ARP,
					 TG_ETHERTYPE_VLAN};
	struct tg_eth eth;

	if (size < 1 || size > 65536)
		return 0;
	uint8_t fix = data[0];
	uint32_t len = (uint32_t)size - 1;
	uint8_t *frame = fuzz_copy(data + 1, len);
	if ((fix & FIX_TYPE) && len >= 14)
		tg_be16_put(frame + 12, types[fix >> 4 & 3]);
	if (tg_eth_parse(frame, len, &eth) == TG_CTR_NONE) {
		fuzz_require(eth.hdr_len <= len && eth.vid < 4096);
		const uint8_t *rest = frame + eth.hdr_len;
		uint32_t left = len - eth.hdr_len;
		if (eth.type == TG_ETHERTYPE_ARP)
			fuzz_arp(rest, left);
		else if (eth.type == TG_ETHERTYPE_IP4 || eth.type == TG_ETHERTYPE_IP6)
			fuzz_ip(rest, left, eth.type == TG_ETHERTYPE_IP6, fix);
	}
	free(frame);
	return 0;
}
