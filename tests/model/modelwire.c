/* SPDX-License-Identifier: BSD-3-Clause */
#include "modelwire.h"

#include "../by_hand.h"

#include <string.h>

const char *const wire_addr[2][2] = {{"10.1.0.1", "10.1.0.2"}, {"fd00::1", "fd00::2"}};

enum { PROTO_TCP = 6, TCP_MIN = 20 };

static size_t head_len(bool v6)
{
	return v6 ? 40 : 20;
}

static void put_addr(uint8_t *p, bool v6, int host)
{
	if (v6) {
		memset(p, 0, 16);
		p[0] = 0xfd;
		p[15] = (uint8_t)(1 + host);
	} else
		put32(p, 0x0a010001u + (uint32_t)host);
}

static void put_head(uint8_t *d, bool v6, int from, size_t len)
{
	memset(d, 0, head_len(v6));
	put_addr(d + (v6 ? 8 : 12), v6, from);
	put_addr(d + (v6 ? 24 : 16), v6, !from);
	if (v6) {
		d[0] = 0x60;
		put16(d + 4, (uint32_t)len - 40);
		d[6] = PROTO_TCP;
		d[7] = 64;
		return;
	}
	d[0] = 0x45;
	put16(d + 2, (uint32_t)len);
	d[6] = 0x40;
	d[8] = 64;
	d[9] = PROTO_TCP;
	put16(d + 10, fold(sum(0, d, 20)));
}

static size_t put_options(const struct ref_seg *s, uint8_t *o)
{
	size_t n = 0;

	if (s->has_mss) {
		memcpy(o + n, (uint8_t[]){2, 4, (uint8_t)(s->mss >> 8), (uint8_t)s->mss}, 4);
		n += 4;
	}
	if (s->has_sackok) {
		memcpy(o + n, (uint8_t[]){1, 1, 4, 2}, 4);
		n += 4;
	}
	if (s->has_ts) {
		memcpy(o + n, (uint8_t[]){1, 1, 8, 10}, 4);
		put32(o + n + 4, s->tsval);
		put32(o + n + 8, s->tsecr);
		n += 12;
	}
	if (s->has_ws) {
		memcpy(o + n, (uint8_t[]){1, 3, 3, (uint8_t)s->ws}, 4);
		n += 4;
	}
	return n;
}

size_t wire_build(const struct ref_seg *s, bool v6, int from, uint8_t out[WIRE_MAX])
{
	size_t at = head_len(v6);
	uint8_t *t = out + at;

	memset(t, 0, TCP_MIN);
	put16(t, (uint32_t)(REF_PORT0 + s->lp));
	put16(t + 2, (uint32_t)(REF_PORT0 + s->rp));
	put32(t + 4, s->seq);
	put32(t + 8, s->ack);
	t[13] = s->flags;
	put16(t + 14, s->win);
	size_t opt = put_options(s, t + TCP_MIN);
	t[12] = (uint8_t)((TCP_MIN + opt) / 4 << 4);
	if (s->len)
		memcpy(t + TCP_MIN + opt, s->text, s->len);
	size_t len = at + TCP_MIN + opt + s->len;

	put_head(out, v6, from, len);
	put16(t + 16, l4_sum(out, len));
	return len;
}

static void read_option(struct ref_seg *s, const uint8_t *o, size_t n)
{
	if (o[0] == 2 && n == 4) {
		s->has_mss = true;
		s->mss = get16(o + 2);
	} else if (o[0] == 3 && n == 3) {
		s->has_ws = true;
		s->ws = o[2];
	} else if (o[0] == 4 && n == 2) {
		s->has_sackok = true;
	} else if (o[0] == 8 && n == 10) {
		s->has_ts = true;
		s->tsval = get32(o + 2);
		s->tsecr = get32(o + 6);
	} else if (o[0] == 5) {
		for (size_t i = 2; i + 8 <= n && s->sack_n < 4; i += 8, s->sack_n++) {
			s->sack[s->sack_n][0] = get32(o + i);
			s->sack[s->sack_n][1] = get32(o + i + 4);
		}
	}
}

static const char *read_options(struct ref_seg *s, const uint8_t *o, size_t n)
{
	for (size_t i = 0; i < n && o[i] != 0;) {
		size_t len = o[i] == 1 ? 1 : i + 1 < n ? o[i + 1] : 0;
		if (len == 0 || i + len > n || (len == 1 && o[i] != 1))
			return "an option that lies about its length";
		read_option(s, o + i, len);
		i += len;
	}
	return NULL;
}

const char *wire_parse(struct ref_seg *s, bool v6, int to, int view, const uint8_t *d, size_t len)
{
	size_t at = head_len(v6);
	const uint8_t *t = d + at;
	uint8_t head[40];

	memset(s, 0, sizeof(*s));
	if (len < at + TCP_MIN || d[v6 ? 6 : 9] != PROTO_TCP)
		return "not a TCP datagram";
	put_head(head, v6, !to, len);
	if (memcmp(head + (v6 ? 8 : 12), d + (v6 ? 8 : 12), v6 ? 32 : 8) != 0)
		return "addresses";
	if (v6 ? get16(d + 4) + 40 != len : get16(d + 2) != len || fold(sum(0, d, 20)))
		return "IP header";
	if (l4_sum(d, len))
		return "TCP checksum";
	int sport = (int)get16(t) - REF_PORT0, dport = (int)get16(t + 2) - REF_PORT0;
	size_t head_size = (size_t)(t[12] >> 4) * 4;

	if (sport < 0 || sport >= REF_PORTS || dport < 0 || dport >= REF_PORTS ||
	    head_size < TCP_MIN || at + head_size > len)
		return "TCP header";
	s->lp = view == to ? dport : sport;
	s->rp = view == to ? sport : dport;
	s->seq = get32(t + 4);
	s->ack = get32(t + 8);
	s->flags = t[13];
	s->win = get16(t + 14);
	s->text = t + head_size;
	s->len = (uint32_t)(len - at - head_size);
	return read_options(s, t + TCP_MIN, head_size - TCP_MIN);
}
