/* SPDX-License-Identifier: BSD-3-Clause */
/* icmp.c: ICMP (RFC 792) and ICMPv6 (RFC 4443): errors in, echo, errors out. Neighbour discovery
 * stands in nd.c. */
#include "icmp_int.h"

#include <errno.h>

enum { ICMP_HDR = 8, QUOTED_TCP = 8 /* ports and sequence number */ };
enum { ICMP4_DGRAM_MAX = 576, ICMP6_DGRAM_MAX = 1280 };

enum {
	ICMP4_UNREACH = 3,
	ICMP4_QUENCH = 4,
	ICMP4_REDIRECT = 5,
	ICMP4_ECHO = 8,
	ICMP4_TIME = 11,
	ICMP4_PARAM = 12,
	ICMP4_UNREACH_PTB = 4 /* code */
};

/* What a type and code mean to TCP; kind 0: nothing we handle. */
struct meaning {
	uint8_t kind; /* enum tg_icmp_kind */
	int error;
};

/* RFC 792 type 3 by code (RB-18, RB-19). Codes that the rules do not list abort nothing. */
static const struct meaning unreach4[16] = {
    [0] = {TG_ICMP_ERROR_SOFT, EHOSTUNREACH}, /* net */
    [1] = {TG_ICMP_ERROR_SOFT, EHOSTUNREACH}, /* host */
    [2] = {TG_ICMP_ERROR_HARD, ENOPROTOOPT},  /* protocol */
    [3] = {TG_ICMP_ERROR_HARD, ECONNREFUSED}, /* port */
    [4] = {TG_ICMP_ERROR_PTB, EMSGSIZE},      /* RFC 1191 */
    [5] = {TG_ICMP_ERROR_SOFT, EHOSTUNREACH}, /* source route failed */
    [6] = {TG_ICMP_ERROR_SOFT, EHOSTUNREACH}, /* RFC 1122 3.2.2.1 from here on */
    [7] = {TG_ICMP_ERROR_SOFT, EHOSTUNREACH},  [8] = {TG_ICMP_ERROR_SOFT, EHOSTUNREACH},
    [9] = {TG_ICMP_ERROR_SOFT, EHOSTUNREACH},  [10] = {TG_ICMP_ERROR_SOFT, EHOSTUNREACH},
    [11] = {TG_ICMP_ERROR_SOFT, EHOSTUNREACH}, [12] = {TG_ICMP_ERROR_SOFT, EHOSTUNREACH},
    [13] = {TG_ICMP_ERROR_SOFT, EHOSTUNREACH}, /* RFC 1812 5.2.7.1 from here on */
    [14] = {TG_ICMP_ERROR_SOFT, EHOSTUNREACH}, [15] = {TG_ICMP_ERROR_SOFT, EHOSTUNREACH},
};

/* RFC 4443 type 1 by code. */
static const struct meaning unreach6[7] = {
    [0] = {TG_ICMP_ERROR_SOFT, EHOSTUNREACH}, /* no route */
    [1] = {TG_ICMP_ERROR_HARD, EACCES},       /* prohibited */
    [2] = {TG_ICMP_ERROR_SOFT, EHOSTUNREACH}, /* beyond scope */
    [3] = {TG_ICMP_ERROR_SOFT, EHOSTUNREACH}, /* address */
    [4] = {TG_ICMP_ERROR_HARD, ECONNREFUSED}, /* port */
    [5] = {TG_ICMP_ERROR_SOFT, EACCES},       /* source policy */
    [6] = {TG_ICMP_ERROR_SOFT, EACCES},       /* reject route */
};

static struct meaning meaning_of4(uint8_t type, uint8_t code)
{
	switch (type) {
	case ICMP4_UNREACH:
		return code < 16 ? unreach4[code] : (struct meaning){0, 0};
	case ICMP4_QUENCH:
		return (struct meaning){TG_ICMP_QUENCH, 0};
	case ICMP4_REDIRECT:
		return (struct meaning){TG_ICMP_REDIRECT, 0};
	case ICMP4_ECHO:
		return (struct meaning){code == 0 ? TG_ICMP_ECHO : 0, 0};
	case ICMP4_TIME:
		return (struct meaning){TG_ICMP_ERROR_SOFT, ETIME};
	case ICMP4_PARAM:
		return (struct meaning){TG_ICMP_ERROR_SOFT, EPROTO};
	default:
		return (struct meaning){0, 0};
	}
}

static struct meaning meaning_of6(uint8_t type, uint8_t code)
{
	switch (type) {
	case ICMP6_UNREACH:
		return code < 7 ? unreach6[code] : (struct meaning){0, 0};
	case ICMP6_PTB: /* RFC 4443 3.2: the receiver ignores the code */
		return (struct meaning){TG_ICMP_ERROR_PTB, EMSGSIZE};
	case ICMP6_TIME:
		return (struct meaning){TG_ICMP_ERROR_SOFT, ETIME};
	case ICMP6_PARAM:
		return (struct meaning){TG_ICMP_ERROR_SOFT, EPROTO};
	case ICMP6_ECHO:
		return (struct meaning){code == 0 ? TG_ICMP_ECHO : 0, 0};
	case ICMP6_RA:
		return (struct meaning){TG_ICMP_ND_RA, 0};
	case ICMP6_NS:
		return (struct meaning){TG_ICMP_ND_NS, 0};
	case ICMP6_NA:
		return (struct meaning){TG_ICMP_ND_NA, 0};
	case ICMP6_REDIRECT:
		return (struct meaning){TG_ICMP_REDIRECT, 0};
	default:
		return (struct meaning){0, 0};
	}
}

/* The first eight bytes of the quoted TCP header, data[len]; fewer say nothing (ADV-75). */
static enum tg_ctr quote_tcp(const uint8_t *data, uint32_t len, struct tg_icmp *icmp)
{
	if (len < QUOTED_TCP)
		return TG_CTR_icmp_short;
	icmp->quoted.lport = tg_be16_get(data);
	icmp->quoted.rport = tg_be16_get(data + 2);
	icmp->quoted_seq = tg_seq_make(tg_be32_get(data + 4));
	icmp->quoted_tcp = 1;
	return TG_CTR_NONE;
}

/* data[len]: the quoted IPv4 datagram, as much of it as came. Its own total length bounds nothing
 * here: routers are known to change it, and what counts is what is there. */
static enum tg_ctr quote4(const uint8_t *data, uint32_t len, struct tg_icmp *icmp)
{
	if (len < TG_IP4_LEN)
		return TG_CTR_icmp_short;
	uint32_t hdr_len = (data[0] & 0x0fu) * 4;
	bool later = (tg_be16_get(data + 6) & 0x1fff) != 0;

	if (data[0] >> 4 != 4 || hdr_len < TG_IP4_LEN || data[9] != TG_PROTO_TCP || later)
		return TG_CTR_NONE; /* a quote, but not of ours: quoted_tcp stays 0 */
	if (hdr_len > len)
		return TG_CTR_icmp_short;
	icmp->quoted_len = tg_be16_get(data + 2);
	icmp->quoted.laddr = tg_addr_from_v4(data + 12);
	icmp->quoted.raddr = tg_addr_from_v4(data + 16);
	return quote_tcp(data + hdr_len, len - hdr_len, icmp);
}

static enum tg_ctr quote6(const uint8_t *data, uint32_t len, struct tg_icmp *icmp)
{
	struct ip6_chain chain;

	if (len < TG_IP6_LEN)
		return TG_CTR_icmp_short;
	icmp->quoted.laddr = tg_addr_from_v6(data + 8);
	icmp->quoted.raddr = tg_addr_from_v6(data + 24);
	/* A mapped address in an IPv6 quote would name one of our IPv4 connections. */
	if (data[0] >> 4 != 6 || tg_addr_is_v4(&icmp->quoted.laddr) ||
	    tg_addr_is_v4(&icmp->quoted.raddr))
		return TG_CTR_NONE;
	if (!tg_ip6_chain_parse(data + TG_IP6_LEN, len - TG_IP6_LEN, data[6], &chain))
		return TG_CTR_icmp_short;
	if (chain.later || chain.proto != TG_PROTO_TCP)
		return TG_CTR_NONE;
	return quote_tcp(data + TG_IP6_LEN + chain.len, len - TG_IP6_LEN - chain.len, icmp);
}

static enum tg_ctr parse_error(const uint8_t *data, uint32_t len, bool v6, struct tg_icmp *icmp)
{
	if (icmp->kind == TG_ICMP_ERROR_PTB)
		icmp->mtu = v6 ? tg_be32_get(data + 4) : tg_be16_get(data + 6);
	return v6 ? quote6(data + ICMP_HDR, len - ICMP_HDR, icmp)
		  : quote4(data + ICMP_HDR, len - ICMP_HDR, icmp);
}

static bool csum_ok(const uint8_t *data, uint32_t len, const struct tg_ip *ip)
{
	uint64_t acc = ip->v6 ? sum_pseudo(&ip->src, &ip->dst, TG_PROTO_ICMP6, len) : 0;

	return fold_native(sum_native(acc, data, len)) == 0xffff;
}

enum tg_ctr tg_icmp_parse(const uint8_t *data, uint32_t len, const struct tg_ip *ip,
			  struct tg_icmp *icmp)
{
	if (len < ICMP_HDR)
		return TG_CTR_icmp_short;
	if (!csum_ok(data, len, ip))
		return TG_CTR_icmp_bad_csum;

	struct meaning m = ip->v6 ? meaning_of6(data[0], data[1]) : meaning_of4(data[0], data[1]);
	memset(icmp, 0, sizeof(*icmp));
	icmp->kind = m.kind ? (enum tg_icmp_kind)m.kind : TG_ICMP_OTHER;
	icmp->type = data[0];
	icmp->code = data[1];
	icmp->error = m.error;
	switch (icmp->kind) {
	case TG_ICMP_OTHER:
		return TG_CTR_icmp_other;
	case TG_ICMP_ERROR_SOFT:
	case TG_ICMP_ERROR_HARD:
	case TG_ICMP_ERROR_PTB:
		return parse_error(data, len, ip->v6, icmp);
	case TG_ICMP_ND_NS:
	case TG_ICMP_ND_NA:
		return tg_nd_parse(data, len, ip, icmp);
	case TG_ICMP_ECHO:
	case TG_ICMP_QUENCH:
	case TG_ICMP_REDIRECT:
	case TG_ICMP_ND_RA:
		break;
	}
	return TG_CTR_NONE;
}

uint32_t tg_icmp_csum_put(uint8_t *data, uint32_t len, const struct tg_addr *src,
			  const struct tg_addr *dst)
{
	uint64_t acc = tg_addr_is_v4(src) ? 0 : sum_pseudo(src, dst, TG_PROTO_ICMP6, len);

	tg_be16_put(data + 2, 0);
	acc = sum_native(acc, data, len);
	tg_be16_put(data + 2, (uint16_t)~native_to_host16(fold_native(acc)));
	return len;
}

void tg_icmp_echo_reply(uint8_t *data, uint32_t len, const struct tg_ip *ip)
{
	data[0] = ip->v6 ? ICMP6_ECHO_REPLY : 0;
	/* Not by difference: a reply of nothing but zeros is the one case where that is wrong
	 * (RFC 1624 keeps minus zero, which needs some bit set). */
	tg_icmp_csum_put(data, len, &ip->dst, &ip->src);
}

uint32_t tg_icmp_error_emit(uint8_t *data, uint32_t cap, uint8_t type, uint8_t code, uint32_t rest,
			    const struct tg_addr *src, const struct tg_addr *dst,
			    const uint8_t *ip_data, uint32_t ip_len)
{
	uint32_t max =
	    tg_addr_is_v4(src) ? ICMP4_DGRAM_MAX - TG_IP4_LEN : ICMP6_DGRAM_MAX - TG_IP6_LEN;

	if (cap < ICMP_HDR)
		return 0;
	max = (cap < max ? cap : max) - ICMP_HDR;
	uint32_t quote = ip_len < max ? ip_len : max;
	/* The offender may stand in the same buffer: move before anything is written. */
	memmove(data + ICMP_HDR, ip_data, quote);
	data[0] = type;
	data[1] = code;
	tg_be32_put(data + 4, rest);
	return tg_icmp_csum_put(data, ICMP_HDR + quote, src, dst);
}
