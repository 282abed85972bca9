/* SPDX-License-Identifier: BSD-3-Clause */
/* diff_wire.h: TCP segments as IP datagrams, made and read by hand for the differential. */
#ifndef DIFF_WIRE_H
#define DIFF_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, URG = 32 };
enum { WIRE_MAX = 2048 };

struct wire_seg {
	bool v6;
	uint16_t sport, dport, win;
	uint32_t seq, ack, len; /* len: of text */
	uint8_t flags;
	bool has_ts, has_mss;
	uint32_t tsval, tsecr;
	uint16_t mss;
};

/* The hosts: ours (the peer) is .9, the host under test is .1, in both families. */
#define WIRE_HOST4 "192.0.2.1"
#define WIRE_PEER4 "192.0.2.9"
#define WIRE_HOST6 "2001:db8::1"
#define WIRE_PEER6 "2001:db8::9"

/* A datagram from the peer to the host; returns its length. */
size_t wire_emit(const struct wire_seg *s, unsigned char out[WIRE_MAX]);
/* False when the datagram is not TCP from the host to the peer. */
bool wire_parse(const unsigned char *p, size_t len, struct wire_seg *s);

#endif
