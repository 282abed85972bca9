/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_dissect.h: a captured packet -> the TCP segment in it. More lenient than the engine's own
 * parser, which refuses what no host may accept: a capture shows what was on the wire, loopback
 * addresses, wrong checksums and cut packets included. Reads only what was captured. */
#ifndef TG_DISSECT_H
#define TG_DISSECT_H

#include "tg_trace.h"
#include "tg_wire.h"

enum tg_dissect_verdict {
	TG_DISSECT_TCP = 1,
	TG_DISSECT_CUT,      /* TCP, but the headers are not whole in the capture */
	TG_DISSECT_FRAGMENT, /* a piece of a datagram that may be TCP */
	TG_DISSECT_BAD,      /* TCP by its protocol field, with headers that make no sense */
	TG_DISSECT_NO_TCP,   /* another protocol */
	TG_DISSECT_N
};

struct tg_dissected {
	struct tg_addr src, dst;
	struct tg_seg seg; /* text is NULL; len is what the headers say */
	uint16_t vid;      /* innermost VLAN, 0 = none */
	uint8_t ttl;
	bool text_cut; /* the capture has less text than the packet had */
};

/* data[len] as it was captured, on a link of that type. */
enum tg_dissect_verdict tg_dissect(enum tg_trace_link link, const uint8_t *data, uint32_t len,
				   struct tg_dissected *d);

#endif
