/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_link.h: ARP (RFC 826, 5227), neighbour discovery (RFC 4861), ICMP (RFC 792) and ICMPv6 (RFC
 * 4443): bytes <-> structs, stateless. */
#ifndef TG_LINK_H
#define TG_LINK_H

#include "tg_wire.h"

/* --- ARP (LN-03) --- */

struct tg_arp {
	uint16_t op; /* 1 request, 2 reply */
	struct tg_mac sha, tha;
	struct tg_addr spa, tpa; /* IPv4, mapped */
};

enum { TG_ARP_LEN = 28 };

/* data[len] behind the Ethernet header. Errors: arp_bad (htype, ptype, hlen, plen, opcode,
 * multicast sender). */
enum tg_ctr tg_arp_parse(const uint8_t *data, uint32_t len, struct tg_arp *arp);
uint32_t tg_arp_emit(uint8_t *data, const struct tg_arp *arp);

/* --- ICMP, both families --- */

enum tg_icmp_kind {
	TG_ICMP_OTHER = 1,  /* nothing we handle */
	TG_ICMP_ECHO,       /* echo request */
	TG_ICMP_ERROR_SOFT, /* RB-18 */
	TG_ICMP_ERROR_HARD, /* RB-19 */
	TG_ICMP_ERROR_PTB,  /* RB-21: mtu */
	TG_ICMP_QUENCH,     /* RB-20 */
	TG_ICMP_REDIRECT,   /* ignored (LN-19) */
	TG_ICMP_ND_NS,      /* target, lladdr if has_lladdr */
	TG_ICMP_ND_NA,      /* likewise, and the flags */
	TG_ICMP_ND_RA,      /* ignored (LN-09) */
};

struct tg_icmp {
	enum tg_icmp_kind kind;
	uint8_t type, code;
	uint8_t has_lladdr, na_solicited, na_override, na_router;
	int error; /* of an error: the errno that an application sees (lab.h TG_LAB_SOFT_ERROR), or
		      ECONNREFUSED etc. for hard */
	uint32_t mtu;
	struct tg_mac lladdr;
	struct tg_addr target;
	/* of an error: what it quotes, seen from us (l = the quoted source) */
	struct tg_tuple quoted;
	tg_seq quoted_seq;
	uint16_t quoted_len; /* total length that a quoted IPv4 header tells; routers are known to
				change it */
	uint8_t quoted_tcp; /* 1: the quote is TCP and at least 8 bytes of it are there, not a later
			       fragment */
};

/* data[len]: the IP payload; ip: its header (hop limit, addresses and fragment header matter to ND,
 * LN-07). A type that we do not handle is icmp_other. An error whose quote is not TCP of ours
 * (another protocol, a later fragment) is no fault: quoted_tcp is 0 then. An error about IPv6 that
 * quotes a mapped address never sets quoted_tcp. Errors: icmp_bad_csum icmp_short (also: fewer than
 * the 8 bytes of an ICMP header) icmp_other nd_hlim nd_bad. */
enum tg_ctr tg_icmp_parse(const uint8_t *data, uint32_t len, const struct tg_ip *ip,
			  struct tg_icmp *icmp);

/* Turns the echo request at data[len] into its reply in place (type and checksum; the caller swaps
 * addresses). */
void tg_icmp_echo_reply(uint8_t *data, uint32_t len, const struct tg_ip *ip);

/* An NS (solicit target; 24 bytes + 8 of source link-layer option unless src is ::) or an NA (32
 * bytes), with the checksum for src -> dst. Returns the length written. */
uint32_t tg_nd_ns_emit(uint8_t *data, const struct tg_addr *src, const struct tg_addr *dst,
		       const struct tg_addr *target, const struct tg_mac *mac);
uint32_t tg_nd_na_emit(uint8_t *data, const struct tg_addr *src, const struct tg_addr *dst,
		       const struct tg_addr *target, const struct tg_mac *mac, bool solicited,
		       bool override);
/* MLDv2 report (RFC 3810 5.2) that joins the n groups; checksum for src -> ff02::16. Returns the
 * length. The caller's IPv6 header carries the router-alert hop-by-hop option: tg_mld_emit writes
 * that extension header first (8 bytes). */
uint32_t tg_mld_emit(uint8_t *data, const struct tg_addr *src, const struct tg_addr *group,
		     uint32_t n);

/* An ICMP error about the packet at ip_data (its IP header on, ip_len bytes), as much of it as fits
 * 576 (v4) or 1280 (v6) bytes of datagram: header and quote, checksum for src -> dst of the answer.
 * cap: room at data, at least 8. ip_data may overlap data. Returns the ICMP length. */
uint32_t tg_icmp_error_emit(uint8_t *data, uint32_t cap, uint8_t type, uint8_t code, uint32_t rest,
			    const struct tg_addr *src, const struct tg_addr *dst,
			    const uint8_t *ip_data, uint32_t ip_len);

/* The solicited-node group of an IPv6 address (RFC 4291 2.7.1), and a group's MAC address (RFC 2464
 * 7). */
struct tg_addr tg_nd_solicited_node(const struct tg_addr *a);
struct tg_mac tg_nd_group_mac(const struct tg_addr *group);

#endif
