/* SPDX-License-Identifier: BSD-3-Clause */
/* lab_icmp.h: ICMP and ICMPv6 messages from a router to the lab. */
#ifndef LAB_ICMP_H
#define LAB_ICMP_H

#include "lab_host.h"

/* An ICMP message: type, code, the word after the checksum, body[len]. */
void host_icmp(struct host *h, uint8_t type, uint8_t code, uint32_t rest, const uint8_t *body,
	       size_t len);
/* What the lab is quoted to have sent: its header and `bytes` of TCP, with this SEQ. The length. */
size_t host_quote(const struct host *h, uint32_t seq, size_t bytes, uint8_t *q);

#endif
