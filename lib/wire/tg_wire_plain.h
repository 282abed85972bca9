/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_wire_plain.h: the segments that nearly all packets are, read in one go. A plain one is IPv4
 * without options, whole, and its TCP options are none, timestamps as all systems lay them out, or
 * those of the SYN that most of them send. For all others there is tg_wire.h, which says the same
 * of plain ones. */
#ifndef TG_WIRE_PLAIN_H
#define TG_WIRE_PLAIN_H

#include "tg_wire.h"

/* The packet from its IP header on, data[len] padding included; good: the checksum need not be
 * verified. True: it is plain, and right: tg_ip4_parse, tg_tcp_csum_ok and tg_tcp_parse find no
 * fault with it, and say what stands in *ip and *seg. False says nothing; *ip and *seg may have
 * been written to. */
bool tg_plain4_parse(const uint8_t *data, uint32_t len, bool l3_good, bool l4_good,
		     struct tg_ip *ip, struct tg_seg *seg);

#endif
