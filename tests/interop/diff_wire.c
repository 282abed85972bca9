/* SPDX-License-Identifier: BSD-3-Clause */
#include "diff_wire.h"

#include "../by_hand.h"

#include <arpa/inet.h>
#include <string.h>

static size_t emit_options(const struct wire_seg *s, unsigned char *p)
{
	size_t n = 0;

	if (s->has_mss) {
		put16(p, 2 << 8 | 4);
		put16(p + 2, s->mss);
		n += 4;
	}
	if (s->has_ts) {
		put32(p + n, 0x0101080a);
		put32(p + n + 4, s->tsval);
		put32(p + n + 8, s->tsecr);
		n += 12;
	}
	return n;
}

size_t wire_emit(const struct wire_seg *s, unsigned char out[WIRE_MAX])
{
	size_t ip = s->v6 ? 40 : 20;
	unsigned char *tcp = out + ip;

	memset(out, 0, WIRE_MAX);
	size_t head = 20 + emit_options(s, tcp + 20), tcp_len = head + s->len;
	put16(tcp, s->sport);
	put16(tcp + 2, s->dport);
	put32(tcp + 4, s->seq);
	put32(tcp + 8, (s->flags & ACK) ? s->ack : 0);
	tcp[12] = (unsigned char)(head / 4 << 4);
	tcp[13] = s->flags;
	put16(tcp + 14, s->win);
	memset(tcp + head, 'x', s->len);
	if (s->v6) {
		out[0] = 0x60;
		put16(out + 4, (uint32_t)tcp_len);
		out[6] = 6;
		out[7] = 64;
		inet_pton(AF_INET6, WIRE_PEER6, out + 8);
		inet_pton(AF_INET6, WIRE_HOST6, out + 24);
	} else {
		out[0] = 0x45;
		put16(out + 2, (uint32_t)(ip + tcp_len));
		out[6] = 0x40;
		out[8] = 64;
		out[9] = 6;
		inet_pton(AF_INET, WIRE_PEER4, out + 12);
		inet_pton(AF_INET, WIRE_HOST4, out + 16);
		put16(out + 10, fold(sum(0, out, 20)));
	}
	put16(tcp + 16, l4_sum(out, ip + tcp_len));
	return ip + tcp_len;
}

static void parse_options(struct wire_seg *s, const unsigned char *opt, size_t n)
{
	for (size_t i = 0; i + 1 < n && opt[i] != 0;) {
		if (opt[i] == 1) {
			i++;
			continue;
		}
		if (opt[i + 1] < 2 || i + opt[i + 1] > n)
			return;
		if (opt[i] == 8 && opt[i + 1] == 10) {
			s->has_ts = true;
			s->tsval = get32(opt + i + 2);
			s->tsecr = get32(opt + i + 6);
		}
		i += opt[i + 1];
	}
}

bool wire_parse(const unsigned char *p, size_t len, struct wire_seg *s)
{
	size_t ip = len > 0 && p[0] >> 4 == 6 ? 40 : 20;

	memset(s, 0, sizeof(*s));
	s->v6 = ip == 40;
	if (len < ip + 20 || p[s->v6 ? 6 : 9] != 6 || (!s->v6 && p[0] != 0x45))
		return false;
	size_t whole = s->v6 ? 40u + get16(p + 4) : get16(p + 2);
	const unsigned char *tcp = p + ip;
	size_t head = (size_t)(tcp[12] >> 4) * 4;
	if (whole > len || head < 20 || whole < ip + head)
		return false;
	s->sport = get16(tcp);
	s->dport = get16(tcp + 2);
	s->seq = get32(tcp + 4);
	s->ack = get32(tcp + 8);
	s->flags = tcp[13] & 63;
	s->win = get16(tcp + 14);
	s->len = (uint32_t)(whole - ip - head);
	parse_options(s, tcp + 20, head - 20);
	return true;
}
