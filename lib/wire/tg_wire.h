/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_wire.h: bytes <-> structs for Ethernet, 802.1Q, IPv4, IPv6 and TCP. Stateless. Parsers read
 * only inside the length they are given, and return TG_CTR_NONE or the counter that names what is
 * wrong; on an error the output is unspecified. Emitters write exactly the length they return and
 * trust their caller's arguments. Numbers in structs are in host order unless typed tg_be*. */
#ifndef TG_WIRE_H
#define TG_WIRE_H

#include "tg_counters.h"
#include "tg_seq.h"
#include "tg_types.h"

enum { TG_ETH_LEN = 14, TG_VLAN_LEN = 4, TG_IP4_LEN = 20, TG_IP6_LEN = 40, TG_TCP_LEN = 20 };
enum {
	TG_TCP_OPT_MAX = 40,
	TG_HDR_MAX = TG_ETH_LEN + TG_VLAN_LEN + TG_IP6_LEN + TG_TCP_LEN + TG_TCP_OPT_MAX
};
enum {
	TG_ETHERTYPE_IP4 = 0x0800,
	TG_ETHERTYPE_ARP = 0x0806,
	TG_ETHERTYPE_VLAN = 0x8100,
	TG_ETHERTYPE_IP6 = 0x86dd
};
enum { TG_PROTO_ICMP = 1, TG_PROTO_TCP = 6, TG_PROTO_ICMP6 = 58 };

/* --- Ethernet and 802.1Q (LN-02) --- */

struct tg_eth {
	struct tg_mac dst, src;
	uint16_t type;   /* EtherType behind the tag, if any */
	uint16_t vid;    /* 0..4095; 0 = untagged or priority-tagged */
	uint8_t tagged;  /* 1 when an 802.1Q tag was there */
	uint8_t hdr_len; /* 14 or 18 */
};

/* Errors: runt. A second tag is an unknown EtherType to the caller. */
enum tg_ctr tg_eth_parse(const uint8_t *data, uint32_t len, struct tg_eth *eth);
/* Writes 14 bytes, or 18 when eth->tagged. */
uint32_t tg_eth_emit(uint8_t *data, const struct tg_eth *eth);

/* --- IP --- */

struct tg_ip {
	struct tg_addr src, dst;
	uint32_t
	    payload_len;  /* bytes behind all headers, by the IP length: padding is cut (ADV-06) */
	uint16_t hdr_len; /* IPv4 header with options; IPv6 with its extension headers */
	uint16_t frag_id;
	uint8_t ttl;   /* or hop limit */
	uint8_t proto; /* TG_PROTO_* or any other */
	uint8_t v6;
	uint8_t has_options; /* IPv4 options were there, ignored (LN-13) */
	uint8_t atomic_frag; /* an IPv6 fragment header was there, of a whole datagram (LN-07) */
	uint8_t tos;         /* or traffic class */
};

/* data[len]: from the IP header on, padding included. verify_csum: compute the IPv4 header
 * checksum. tg_ip4_parse checks LN-10, LN-13, LN-15; tg_ip6_parse checks LN-11, LN-14, LN-15 (at
 * most 8 extension headers; an atomic fragment is whole). Both check source and destination against
 * what no packet may carry (LN-12: bad_src for 0/8, 127/8, 224/4, 240/4, ::, ::1, ff00::/8,
 * v4-mapped; bad_dst for 0/8, 127/8, 240/4, ::, ::1, v4-mapped); what depends on our own addresses
 * (own address as source, directed broadcast, destination not ours) is the engine's. IPv6 source ::
 * is accepted when the protocol is ICMPv6 (duplicate address detection). Errors: runt ip_bad_hdr
 * ip_bad_len ip_bad_csum ip_ttl ip_srcroute frag ip6_chain ip6_rh0 ip6_option bad_src bad_dst
 * ip_proto. */
enum tg_ctr tg_ip4_parse(const uint8_t *data, uint32_t len, bool verify_csum, struct tg_ip *ip);
enum tg_ctr tg_ip6_parse(const uint8_t *data, uint32_t len, struct tg_ip *ip);

/* Emits a 20-byte IPv4 header (DF set, id as given, checksum filled in unless csum_offload, then
 * 0), or a 40-byte IPv6 header (flow: 20-bit label). payload_len: bytes that follow. Returns 20
 * or 40. */
uint32_t tg_ip4_emit(uint8_t *data, const struct tg_ip *ip, uint32_t payload_len,
		     bool csum_offload);
uint32_t tg_ip6_emit(uint8_t *data, const struct tg_ip *ip, uint32_t payload_len, uint32_t flow);

/* --- checksums (RFC 1071) --- */

/* The ones' complement sum of data[len] added to sum, not folded; len may be odd only at the end.
 */
uint64_t tg_csum_add(uint64_t sum, const void *data, size_t len);
/* Folds to the 16 bits that go into the field (already complemented), host order. */
uint16_t tg_csum_fold(uint64_t sum);
/* Added to itself with its halves exchanged, a word carries the ones' complement sum of its halves,
 * end-around carry included, in its upper half: a sum of native words, folded, as it stands in
 * memory (RFC 1071 2(B)). */
static inline uint16_t tg_csum_fold_native(uint64_t sum)
{
	sum += sum << 32 | sum >> 32;
	uint32_t half = (uint32_t)(sum >> 32);
	half += half << 16 | half >> 16;
	return (uint16_t)(half >> 16);
}
/* The sum over the pseudo-header of RFC 9293 3.1 / RFC 8200 8.1. */
uint64_t tg_csum_pseudo(const struct tg_addr *src, const struct tg_addr *dst, uint8_t proto,
			uint32_t len);
/* RFC 1624: the new field value when 16-bit word `from` becomes `to`. Equal to a full sum as long
 * as some word of the summed data, other than the checksum, stays unequal to 0 (a pseudo-header
 * does). */
uint16_t tg_csum_replace16(uint16_t csum, uint16_t from, uint16_t to);
uint16_t tg_csum_replace32(uint16_t csum, uint32_t from, uint32_t to);

/* --- TCP --- */

enum {
	TG_TCP_FIN = 0x01,
	TG_TCP_SYN = 0x02,
	TG_TCP_RST = 0x04,
	TG_TCP_PSH = 0x08,
	TG_TCP_ACK = 0x10,
	TG_TCP_URG = 0x20,
	TG_TCP_ECE = 0x40,
	TG_TCP_CWR = 0x80,
};

/* The last two bits of TOS or traffic class (RFC 3168 5). */
enum tg_ecn { TG_ECN_NOT = 0, TG_ECN_ECT1 = 1, TG_ECN_ECT0 = 2, TG_ECN_CE = 3 };

struct tg_sack_block {
	tg_seq left, right; /* [left, right) */
};

/* The options that we know, parsed or to be emitted. A has_ flag says that the option is there.
 * sack[i] means something for i < sack_n only. */
struct tg_tcp_opts {
	uint16_t mss;
	uint8_t wscale; /* as it came: may exceed 14 */
	uint8_t has_mss : 1, has_wscale : 1, has_sack_perm : 1, has_ts : 1;
	uint8_t bad_sack : 1; /* a SACK option of a wrong length was skipped (ADV-40) */
	uint8_t bad;          /* 1: an illegal length ended the parse (EST-29) */
	uint8_t sack_n;       /* 0..4 */
	uint32_t tsval, tsecr;
	struct tg_sack_block sack[4];
};

/* One segment, in the RFC's words: SEG.SEQ is seg->seq. */
struct tg_seg {
	tg_seq seq, ack;
	uint32_t len;     /* SEG.LEN's text part: bytes at text, SYN and FIN not counted */
	uint16_t wnd, up; /* as on the wire, unscaled */
	uint8_t ctl;      /* TG_TCP_* */
	uint8_t ecn;      /* enum tg_ecn of the IP header: not TCP's, so the parser says 0 */
	uint16_t sport, dport;
	const uint8_t *text;
	struct tg_tcp_opts opts;
};

/* SEG.LEN of the RFC: text, SYN and FIN. */
static inline uint32_t tg_seg_len(const struct tg_seg *seg)
{
	return seg->len + ((seg->ctl & TG_TCP_SYN) ? 1 : 0) + ((seg->ctl & TG_TCP_FIN) ? 1 : 0);
}

/* data[len]: the TCP header and text (the IP payload). The checksum is the caller's, before.
 * Errors: bad_hdr port0. Options: kinds 2, 3, 4, 5, 8; a wrong length for its kind is skipped, an
 * illegal one sets opts.bad and ends the parse, the last of duplicates wins (EST-29..31). */
enum tg_ctr tg_tcp_parse(const uint8_t *data, uint32_t len, struct tg_seg *seg);
void tg_tcp_parse_options(const uint8_t *opt, uint32_t len, struct tg_tcp_opts *opts);

/* Writes header and options (order and padding of EST-21: MSS, SACK-permitted, TS, NOP, WS in a
 * SYN; NOP NOP TS, NOP NOP SACK otherwise), checksum field 0. Does not write text. Returns the
 * header's length, 20..60, a multiple of 4. */
uint32_t tg_tcp_emit(uint8_t *data, const struct tg_seg *seg);
/* The same; *sum: the ones' complement sum of what was written, as tg_csum_add has it. */
uint32_t tg_tcp_emit_sum(uint8_t *data, const struct tg_seg *seg, uint64_t *sum);
/* The header length that tg_tcp_emit would write for these options. */
uint32_t tg_tcp_hdr_len(const struct tg_tcp_opts *opts, bool syn);
/* Fills in the checksum of data[len] (header + text); offload: the pseudo-header sum alone, as NICs
 * expect. */
void tg_tcp_csum_put(uint8_t *data, uint32_t len, const struct tg_addr *src,
		     const struct tg_addr *dst, bool offload);
/* The same, where sum is known already: of data[len] with the field as 0. */
void tg_tcp_csum_set(uint8_t *data, uint32_t len, uint64_t sum, const struct tg_addr *src,
		     const struct tg_addr *dst, bool offload);
/* True when the checksum of data[len] is right. */
bool tg_tcp_csum_ok(const uint8_t *data, uint32_t len, const struct tg_addr *src,
		    const struct tg_addr *dst);

#endif
