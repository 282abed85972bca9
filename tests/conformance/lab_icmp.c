/* SPDX-License-Identifier: BSD-3-Clause */
/* lab_icmp.c: ICMP messages, written by hand (RFC 792, 4443). */
#include "lab_icmp.h"

#include <arpa/inet.h>

static uint32_t sum(const uint8_t *p, size_t n, uint32_t s)
{
	for (size_t i = 0; i < n; i++)
		s += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

void host_icmp(struct host *h, uint8_t type, uint8_t code, uint32_t rest, const uint8_t *body,
	       size_t len)
{
	uint8_t d[2000] = {0};
	size_t at = h->v6 ? 40 : 20;
	uint8_t *m = d + at;

	if (h->v6) {
		d[0] = 0x60;
		d[4] = (uint8_t)((len + 8) >> 8);
		d[5] = (uint8_t)(len + 8);
		d[6] = 58;
		d[7] = 64;
		inet_pton(AF_INET6, h->raddr, d + 8);
		inet_pton(AF_INET6, h->laddr, d + 24);
	} else {
		d[0] = 0x45;
		d[2] = (uint8_t)((len + 28) >> 8);
		d[3] = (uint8_t)(len + 28);
		d[8] = 64;
		d[9] = 1;
		inet_pton(AF_INET, h->raddr, d + 12);
		inet_pton(AF_INET, h->laddr, d + 16);
		host_fix_ip_csum(d);
	}
	m[0] = type;
	m[1] = code;
	for (int i = 0; i < 4; i++)
		m[4 + i] = (uint8_t)(rest >> (24 - 8 * i));
	memcpy(m + 8, body, len);
	uint32_t s = h->v6 ? sum(d + 8, 32, (uint32_t)len + 8 + 58) : 0;
	s = ~sum(m, len + 8, s);
	m[2] = (uint8_t)(s >> 8);
	m[3] = (uint8_t)s;
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
