/* SPDX-License-Identifier: BSD-3-Clause */
/* icmp_int.h: what icmp.c and nd.c share. */
#ifndef TG_ICMP_INT_H
#define TG_ICMP_INT_H

#include "tg_link.h"
#include "wire_int.h"

enum {
	ICMP6_UNREACH = 1,
	ICMP6_PTB = 2,
	ICMP6_TIME = 3,
	ICMP6_PARAM = 4,
	ICMP6_ECHO = 128,
	ICMP6_ECHO_REPLY = 129,
	ICMP6_RA = 134,
	ICMP6_NS = 135,
	ICMP6_NA = 136,
	ICMP6_REDIRECT = 137,
	ICMP6_MLD2_REPORT = 143
};

/* The NS or NA at data[len], len >= 8, its checksum good, icmp->kind set (LN-07). Errors: nd_hlim
 * nd_bad. */
enum tg_ctr tg_nd_parse(const uint8_t *data, uint32_t len, const struct tg_ip *ip,
			struct tg_icmp *icmp);

/* Fills in the checksum of the ICMP or, by src's family, ICMPv6 message at data[len]. Returns
 * len. */
uint32_t tg_icmp_csum_put(uint8_t *data, uint32_t len, const struct tg_addr *src,
			  const struct tg_addr *dst);

#endif
