/* SPDX-License-Identifier: BSD-3-Clause */
/* lab_icmp.c: ICMP messages, written by hand (RFC 792, 4443). */
#include "lab_icmp.h"

#include "../by_hand.h"

#include <arpa/inet.h>

void host_icmp(struct host *h, uint8_t type, uint8_t code, uint32_t rest, const uint8_t *body,
	       size_t len)
{
	uint8_t d[2000] = {0};
	size_t at = h->v6 ? 40 : 20;
	uint8_t *m = d + at;

	if (h->v6) {
		d[0] = 0x60;
		put16(d + 4, (uint32_t)len + 8);
		d[6] = 58;
		d[7] = 64;
		inet_pton(AF_INET6, h->raddr, d + 8);
		inet_pton(AF_INET6, h->laddr, d + 24);
	} else {
		d[0] = 0x45;
		put16(d + 2, (uint32_t)len + 28);
		d[8] = 64;
		d[9] = 1;
		inet_pton(AF_INET, h->raddr, d + 12);
		inet_pton(AF_INET, h->laddr, d + 16);
		host_fix_ip_csum(d);
	}
	m[0] = type;
	m[1] = code;
	put32(m + 4, rest);
	memcpy(m + 8, body, len);
	put16(m + 2, l4_sum(d, at + 8 + len));
	host_send_raw(h, d, at + 8 + len);
}

size_t host_quote(const struct host *h, uint32_t seq, size_t bytes, uint8_t *q)
{
	struct host turned = *h;
	struct seg s = {.seq = seq,
			.ack = h->rcv_nxt,
			.flags = ACK,
			.win = 1000,
			.sport = h->lport,
			.dport = h->rport};

	turned.laddr = h->raddr;
	turned.raddr = h->laddr;
	host_build(&turned, &s, q);
	return host_l4(h) + bytes;
}
