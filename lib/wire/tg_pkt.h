/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_pkt.h: the view of one packet, as it crosses the border between the core and its carrier
 * (DPDK, the lab, a fuzzer). The bytes belong to whoever holds the view: in[] passes ownership to
 * the core, out[] passes it back.
 *
 * A view is always one linear run of bytes: the carrier makes chains linear, or drops and counts
 * them, before the core sees them. VLAN tags stand in the frame (no carrier asks for tag
 * stripping). */
#ifndef TG_PKT_H
#define TG_PKT_H

#include <stdint.h>

/* What the hardware said of the checksums on receive. UNKNOWN is not GOOD: software verifies. BAD
 * is verified in software too, then dropped (LN-16). DPDK's NONE (data good, field not filled in)
 * is GOOD. */
enum tg_csum { TG_CSUM_UNKNOWN = 0, TG_CSUM_GOOD, TG_CSUM_BAD };

/* What the carrier must still do on transmit; set only where the port said that it can. With a flag
 * set the checksum field holds what the offload expects (pseudo-header sum for TCP, 0 for IPv4). */
enum {
	TG_TX_IP_CSUM = 1 << 0,
	TG_TX_TCP_CSUM = 1 << 1,
	TG_TX_TSO = 1 << 2, /* tso_mss is set, the frame is longer than the MTU */
};

struct tg_pkt {
	uint8_t *data;     /* first byte of the Ethernet header */
	void *handle;      /* the carrier's name for the buffer; opaque here */
	uint32_t len;      /* bytes of the frame, from data */
	uint32_t cap;      /* bytes that may be written from data; len <= cap */
	uint32_t rss_hash; /* 0 = none */
	uint16_t port;     /* index of the port, in and out */
	uint16_t tso_mss;
	uint8_t l3_csum, l4_csum; /* enum tg_csum, on receive */
	uint8_t tx_flags;         /* TG_TX_*, on transmit */
	uint8_t l2_len; /* header lengths in bytes, set on transmit where tx_flags is not 0 */
	uint8_t l3_len, l4_len;
	uint8_t csum_absent; /* l4_csum is GOOD, but the field holds something else */
	uint8_t pad;
};

#endif
