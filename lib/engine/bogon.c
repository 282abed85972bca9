/* SPDX-License-Identifier: BSD-3-Clause */
/* bogon.c: see bogon.h. The tables are those of the IANA IPv4 and IPv6 special-purpose address
 * registries (RFC 6890, RFC 8190), as far as LN-12 has not dropped them before, and without what
 * the registries call globally reachable. */
#include "bogon.h"
#include "neigh_table.h"

/* from: the first mode (enum tg_bogons) that drops it. */
struct bogon4 {
	uint32_t net;
	uint8_t len, from;
};
struct bogon6 {
	uint64_t net; /* the upper half of the address */
	uint8_t len, from;
};

static const struct bogon4 bogon4[] = {
    {0x0a000000, 8, TG_BOGONS_FULL},  /* 10.0.0.0/8: private (RFC 1918) */
    {0x64400000, 10, TG_BOGONS_FULL}, /* 100.64.0.0/10: behind a carrier's NAT (RFC 6598) */
    {0xa9fe0000, 16, TG_BOGONS_FULL}, /* 169.254.0.0/16: link-local (RFC 3927) */
    {0xac100000, 12, TG_BOGONS_FULL}, /* 172.16.0.0/12: private (RFC 1918) */
    {0xc0000000, 24, TG_BOGONS_FULL}, /* 192.0.0.0/24: of the IETF's protocols (RFC 6890) */
    {0xc0000200, 24, TG_BOGONS_FULL}, /* 192.0.2.0/24: documentation (RFC 5737) */
    {0xc0586300, 24, TG_BOGONS_FULL}, /* 192.88.99.0/24: 6to4 relays that were (RFC 7526) */
    {0xc0a80000, 16, TG_BOGONS_FULL}, /* 192.168.0.0/16: private (RFC 1918) */
    {0xc6120000, 15, TG_BOGONS_FULL}, /* 198.18.0.0/15: benchmarks (RFC 2544) */
    {0xc6336400, 24, TG_BOGONS_FULL}, /* 198.51.100.0/24: documentation (RFC 5737) */
    {0xcb007100, 24, TG_BOGONS_FULL}, /* 203.0.113.0/24: documentation (RFC 5737) */
};

static const struct bogon6 bogon6[] = {
    {0x2002000000000000, 24, TG_BOGONS_MARTIAN}, /* 2002::/24: 6to4 of 0/8 (RFC 3964) */
    {0x20027f0000000000, 24, TG_BOGONS_MARTIAN}, /* 2002:7f00::/24: 6to4 of 127/8 (RFC 3964) */
    {0x2002e00000000000, 19, TG_BOGONS_MARTIAN}, /* 2002:e000::/19: 6to4 of 224/3 (RFC 3964) */
    {0x0064ff9b00010000, 48, TG_BOGONS_FULL},    /* 64:ff9b:1::/48: local NAT64 (RFC 8215) */
    {0x0100000000000000, 64, TG_BOGONS_FULL},    /* 100::/64: to be discarded (RFC 6666) */
    {0x0100000000000001, 64, TG_BOGONS_FULL},    /* 100:0:0:1::/64: dummy prefix (RFC 9780) */
    {0x2001000200000000, 48, TG_BOGONS_FULL},    /* 2001:2::/48: benchmarks (RFC 5180) */
    {0x2001001000000000, 28, TG_BOGONS_FULL},    /* 2001:10::/28: ORCHID that was (RFC 4843) */
    {0x20010db800000000, 32, TG_BOGONS_FULL},    /* 2001:db8::/32: documentation (RFC 3849) */
    {0x20020a0000000000, 24, TG_BOGONS_FULL},    /* 2002:a00::/24: 6to4 of 10/8 (RFC 3964) */
    {0x2002a9fe00000000, 32, TG_BOGONS_FULL},    /* 2002:a9fe::/32: 6to4 of 169.254/16 */
    {0x2002ac1000000000, 28, TG_BOGONS_FULL},    /* 2002:ac10::/28: 6to4 of 172.16/12 */
    {0x2002c0a800000000, 32, TG_BOGONS_FULL},    /* 2002:c0a8::/32: 6to4 of 192.168/16 */
    {0x3fff000000000000, 20, TG_BOGONS_FULL},    /* 3fff::/20: documentation (RFC 9637) */
    {0x5f00000000000000, 16, TG_BOGONS_FULL},    /* 5f00::/16: segment routing (RFC 9602) */
    {0xfc00000000000000, 7, TG_BOGONS_FULL},     /* fc00::/7: unique local (RFC 4193) */
    {0xfe80000000000000, 10, TG_BOGONS_FULL},    /* fe80::/10: link-local (RFC 4291) */
    {0xfec0000000000000, 10, TG_BOGONS_FULL},    /* fec0::/10: site-local that was (RFC 3879) */
};

static bool is_bogon4(uint8_t mode, uint32_t v4)
{
	for (uint32_t i = 0; i < sizeof(bogon4) / sizeof(bogon4[0]); i++)
		if (bogon4[i].from <= mode && (v4 ^ bogon4[i].net) >> (32 - bogon4[i].len) == 0)
			return true;
	return false;
}

/* ::/96 but :: and ::1: an IPv4 address in a form that is no more (RFC 4291 2.5.5.1). */
static bool is_bogon6(uint8_t mode, const struct tg_addr *src)
{
	uint64_t hi = (uint64_t)tg_be32_get(src->b) << 32 | tg_be32_get(src->b + 4);

	if (hi == 0 && tg_be32_get(src->b + 8) == 0)
		return true;
	for (uint32_t i = 0; i < sizeof(bogon6) / sizeof(bogon6[0]); i++)
		if (bogon6[i].from <= mode && (hi ^ bogon6[i].net) >> (64 - bogon6[i].len) == 0)
			return true;
	return false;
}

bool tg_bogon_is(uint8_t mode, const struct tg_neigh *neigh, uint32_t port,
		 const struct tg_addr *src)
{
	bool v4 = tg_addr_is_v4(src);

	if (!tg_bogon_has(mode, v4))
		return false;
	if (v4 ? !is_bogon4(mode, tg_be32_get(src->b + 12)) : !is_bogon6(mode, src))
		return false;
	return !tg_route_is_link(neigh, port, src);
}
