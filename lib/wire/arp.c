/* SPDX-License-Identifier: BSD-3-Clause */
/* arp.c: ARP for IPv4 over Ethernet (RFC 826, RFC 5227). */
#include "tg_link.h"

/* htype 1, ptype 0x0800, hlen 6, plen 4: the only ones that Ethernet and IPv4 know (LN-03). */
static const uint8_t arp_prefix[6] = {0, 1, 8, 0, 6, 4};

enum tg_ctr tg_arp_parse(const uint8_t *data, uint32_t len, struct tg_arp *arp)
{
	if (len < TG_ARP_LEN || memcmp(data, arp_prefix, sizeof(arp_prefix)) != 0)
		return TG_CTR_arp_bad;
	arp->op = tg_be16_get(data + 6);
	if (arp->op != 1 && arp->op != 2)
		return TG_CTR_arp_bad;
	if (data[8] & 1) /* the group bit: no station sends from it */
		return TG_CTR_arp_bad;
	memcpy(arp->sha.b, data + 8, 6);
	arp->spa = tg_addr_from_v4(data + 14);
	memcpy(arp->tha.b, data + 18, 6);
	arp->tpa = tg_addr_from_v4(data + 24);
	return TG_CTR_NONE;
}

uint32_t tg_arp_emit(uint8_t *data, const struct tg_arp *arp)
{
	memcpy(data, arp_prefix, sizeof(arp_prefix));
	tg_be16_put(data + 6, arp->op);
	memcpy(data + 8, arp->sha.b, 6);
	memcpy(data + 14, arp->spa.b + 12, 4);
	memcpy(data + 18, arp->tha.b, 6);
	memcpy(data + 24, arp->tpa.b + 12, 4);
	return TG_ARP_LEN;
}
