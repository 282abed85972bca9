/* SPDX-License-Identifier: BSD-3-Clause */
/* eth.c: Ethernet II and one 802.1Q tag. */
#include "tg_wire.h"

#include <assert.h>

enum { VID_MASK = 0x0fff };

static_assert(offsetof(struct tg_eth, dst) == 0 && offsetof(struct tg_eth, src) == 6,
	      "both addresses are copied at once, as they stand on the wire");

enum tg_ctr tg_eth_parse(const uint8_t *data, uint32_t len, struct tg_eth *eth)
{
	if (len < TG_ETH_LEN)
		return TG_CTR_runt;
	memcpy(eth, data, 12);
	eth->type = tg_be16_get(data + 12);
	eth->vid = 0;
	eth->tagged = 0;
	eth->hdr_len = TG_ETH_LEN;
	if (eth->type != TG_ETHERTYPE_VLAN)
		return TG_CTR_NONE;
	if (len < TG_ETH_LEN + TG_VLAN_LEN)
		return TG_CTR_runt;
	eth->vid = tg_be16_get(data + 14) & VID_MASK;
	eth->type = tg_be16_get(data + 16);
	eth->tagged = 1;
	eth->hdr_len = TG_ETH_LEN + TG_VLAN_LEN;
	return TG_CTR_NONE;
}

uint32_t tg_eth_emit(uint8_t *data, const struct tg_eth *eth)
{
	memcpy(data, &eth->dst, 6);
	memcpy(data + 6, &eth->src, 6);
	if (!eth->tagged) {
		tg_be16_put(data + 12, eth->type);
		return TG_ETH_LEN;
	}
	tg_be16_put(data + 12, TG_ETHERTYPE_VLAN);
	tg_be16_put(data + 14, eth->vid & VID_MASK);
	tg_be16_put(data + 16, eth->type);
	return TG_ETH_LEN + TG_VLAN_LEN;
}
