/* SPDX-License-Identifier: BSD-3-Clause */
/* lab_wire.c: datagrams, written and read by hand (RFC 791, 8200, 9293 3.1). */
#include "../by_hand.h"
#include "lab_host.h"

#include <arpa/inet.h>

void host_fix_ip_csum(uint8_t *d)
{
	if (d[0] >> 4 != 4)
		return;
	put16(d + 10, 0);
	put16(d + 10, fold(sum(0, d, ip_len(d))));
}

void host_fix_csum(uint8_t *d, size_t len)
{
	size_t at = ip_len(d);

	host_fix_ip_csum(d);
	put16(d + at + 16, 0);
	put16(d + at + 16, l4_sum(d, len));
}

static size_t put_ip(const struct host *h, uint8_t *out, uint8_t ecn, size_t l4_len)
{
	memset(out, 0, 40);
	if (h->v6) {
		out[0] = 0x60;
		out[1] = (uint8_t)(ecn << 4);
		put16(out + 4, (uint32_t)l4_len);
		out[6] = IPPROTO_TCP;
		out[7] = 64;
		inet_pton(AF_INET6, h->raddr, out + 8);
		inet_pton(AF_INET6, h->laddr, out + 24);
		return 40;
	}
	out[0] = 0x45;
	out[1] = ecn;
	put16(out + 2, (uint32_t)l4_len + 20);
	out[6] = 0x40;
	out[8] = 64;
	out[9] = IPPROTO_TCP;
	inet_pton(AF_INET, h->raddr, out + 12);
	inet_pton(AF_INET, h->laddr, out + 16);
	return 20;
}

size_t host_build(const struct host *h, const struct seg *s, uint8_t *out)
{
	size_t at = put_ip(h, out, s->ecn, 20 + s->opt_len + s->len);
	uint8_t *t = out + at;

	memset(t, 0, 20);
	put16(t, s->sport ? s->sport : h->rport);
	put16(t + 2, s->dport ? s->dport : h->lport);
	put32(t + 4, s->seq);
	put32(t + 8, s->ack);
	t[12] = (uint8_t)((20 + s->opt_len) / 4 << 4);
	t[13] = s->flags;
	put16(t + 14, s->win);
	put16(t + 18, s->urg);
	memcpy(t + 20, s->opt, s->opt_len);
	if (s->len)
		memcpy(t + 20 + s->opt_len, s->data, s->len);
	at += 20 + s->opt_len + s->len;
	host_fix_csum(out, at);
	return at;
}

void host_send_raw(struct host *h, const void *datagram, size_t len)
{
	expect_eq("lab.h", tg_lab_input(h->lab, h->now, datagram, len), 0, "tg_lab_input");
}

void host_send(struct host *h, const struct seg *s)
{
	uint8_t out[WIRE_MAX];

	host_send_raw(h, out, host_build(h, s, out));
}

static void with_ts(struct host *h, struct seg *s)
{
	if (h->ts && !(s->flags & RST))
		opt_ts(s, h->tsval, s->flags & ACK ? h->ts_last : 0);
}

void send_flags(struct host *h, uint8_t flags, uint32_t seq, uint32_t ack)
{
	struct seg s = {.seq = seq, .ack = ack, .flags = flags, .win = h->win};

	with_ts(h, &s);
	host_send(h, &s);
}

uint8_t host_byte(const struct host *h, uint32_t seq)
{
	return (uint8_t)((seq - h->irs) * 7 + ((seq - h->irs) >> 8));
}

void send_text(struct host *h, uint8_t flags, uint32_t seq, uint32_t ack, uint32_t len)
{
	static uint8_t text[WIRE_MAX];
	struct seg s = {
	    .seq = seq, .ack = ack, .flags = flags, .win = h->win, .data = text, .len = len};

	for (uint32_t i = 0; i < len; i++)
		text[i] = host_byte(h, seq + i);
	with_ts(h, &s);
	host_send(h, &s);
}

/* --- options --- */

static uint32_t opt_put(struct seg *s, const uint8_t *bytes, uint32_t n)
{
	memcpy(s->opt + s->opt_len, bytes, n);
	s->opt_len += n;
	return s->opt_len;
}

uint32_t opt_mss(struct seg *s, uint16_t mss)
{
	return opt_put(s, (const uint8_t[]){2, 4, (uint8_t)(mss >> 8), (uint8_t)mss}, 4);
}

uint32_t opt_ws(struct seg *s, uint8_t shift)
{
	return opt_put(s, (const uint8_t[]){1, 3, 3, shift}, 4);
}

uint32_t opt_sackok(struct seg *s)
{
	return opt_put(s, (const uint8_t[]){1, 1, 4, 2}, 4);
}

uint32_t opt_ts(struct seg *s, uint32_t val, uint32_t ecr)
{
	uint8_t o[12] = {1, 1, 8, 10};

	put32(o + 4, val);
	put32(o + 8, ecr);
	return opt_put(s, o, 12);
}

static void read_option(struct seg *s, const uint8_t *o, uint32_t len)
{
	if (o[0] == 2 && len == 4) {
		s->has_mss = true;
		s->mss = get16(o + 2);
	} else if (o[0] == 3 && len == 3) {
		s->has_ws = true;
		s->ws = o[2];
	} else if (o[0] == 4 && len == 2) {
		s->has_sackok = true;
	} else if (o[0] == 8 && len == 10) {
		s->has_ts = true;
		s->tsval = get32(o + 2);
		s->tsecr = get32(o + 6);
	} else if (o[0] == 5) {
		for (uint32_t i = 2; i + 8 <= len && s->sack_n < SACK_MAX; i += 8, s->sack_n++) {
			s->sack[s->sack_n][0] = get32(o + i);
			s->sack[s->sack_n][1] = get32(o + i + 4);
		}
	}
}

/* EST-31: what follows the end of options is zero. */
static void read_options(struct seg *s)
{
	for (uint32_t i = 0; i < s->opt_len;) {
		uint32_t len = s->opt[i] < 2 ? 1 : i + 1 < s->opt_len ? s->opt[i + 1] : 0;

		if (s->opt[i] == 0) {
			for (; i < s->opt_len; i++)
				expect_eq("EST-31", s->opt[i], 0, "padding after EOL");
			return;
		}
		expect_true("EST-29", len && i + len <= s->opt_len,
			    "our own options are well formed");
		if (!len || i + len > s->opt_len)
			return;
		read_option(s, s->opt + i, len);
		i += len;
	}
}

/* --- in --- */

size_t host_next_raw(struct host *h, uint64_t *at_ns)
{
	return tg_lab_output(h->lab, h->buf, sizeof(h->buf), at_ns);
}

static void read_ip(struct host *h, struct seg *s, size_t len)
{
	const uint8_t *d = h->buf;
	char src[64], dst[64];
	int family = h->v6 ? AF_INET6 : AF_INET;

	expect_eq("9293 3.1", d[0] >> 4, h->v6 ? 6 : 4, "IP version");
	expect_eq("9293 3.1", h->v6 ? get16(d + 4) + 40 : get16(d + 2), (int64_t)len, "IP length");
	inet_ntop(family, d + (h->v6 ? 8 : 12), src, sizeof(src));
	inet_ntop(family, d + (h->v6 ? 24 : 16), dst, sizeof(dst));
	expect_true("9293 3.1", !strcmp(src, h->laddr) && !strcmp(dst, h->raddr), "addresses");
	s->ttl = d[h->v6 ? 7 : 8];
	s->ecn = (h->v6 ? d[1] >> 4 : d[1]) & 3;
	expect_eq("LN-22", s->ttl, 64, "TTL");
	if (h->v6)
		return;
	s->df = d[6] & 0x40;
	expect_true("LN-22", s->df, "DF on TCP over IPv4");
	expect_eq("LN-10", fold(sum(0, d, 20)), 0, "IP checksum");
}

/* What a segment of the connection says about it. */
static void note(struct host *h, const struct seg *s)
{
	if (s->has_ts)
		h->ts_last = s->tsval;
	if (h->ts && !(s->flags & RST))
		expect_true("EST-17", s->has_ts, "each segment carries a timestamp");
	expect_true("MUST-65", !s->has_mss || (s->flags & SYN), "MSS in SYNs only");
	if (!(s->flags & ACK) || (s->flags & RST))
		return;
	/* RCV.WND counts to the highest right edge ever advertised (section 0), and no edge moves
	 * left (SHLD-14, EST-16). */
	uint32_t edge = s->ack + ((uint32_t)s->win << (s->flags & SYN ? 0 : h->ws_shift));
	if (s->flags & SYN) { /* a window begins */
		h->edge = edge;
		return;
	}
	expect_true("DT-01", (int32_t)(edge - h->edge) >= 0, "the right edge does not move left");
	if ((int32_t)(edge - h->edge) > 0)
		h->edge = edge;
}

bool host_next(struct host *h, struct seg *s)
{
	memset(s, 0, sizeof(*s));
	size_t len = host_next_raw(h, &s->at_ns), at = h->v6 ? 40 : 20;

	if (!len)
		return false;
	if (len < at + 20 || h->buf[h->v6 ? 6 : 9] != IPPROTO_TCP) {
		expect_true("output", false, "what came is TCP");
		return false;
	}
	read_ip(h, s, len);
	const uint8_t *t = h->buf + at;
	s->csum_ok = l4_sum(h->buf, len) == 0;
	expect_true("LN-16", s->csum_ok, "the TCP checksum is right");
	s->sport = get16(t);
	s->dport = get16(t + 2);
	s->seq = get32(t + 4);
	s->ack = get32(t + 8);
	s->opt_len = (uint32_t)(t[12] >> 4) * 4 - 20;
	s->flags = t[13];
	s->win = get16(t + 14);
	s->urg = get16(t + 18);
	memcpy(s->opt, t + 20, s->opt_len);
	s->data = t + 20 + s->opt_len;
	s->len = (uint32_t)(len - at - 20 - s->opt_len);
	read_options(s);
	if (s->sport == h->lport && s->dport == h->rport)
		note(h, s);
	return true;
}

uint32_t host_drain(struct host *h)
{
	uint32_t n = 0;
	uint64_t at;

	while (host_next_raw(h, &at))
		n++;
	return n;
}
