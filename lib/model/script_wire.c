/* SPDX-License-Identifier: BSD-3-Clause */
/* script_wire.c: datagrams of the script's peer, and what the lab sent, taken apart (RFC 791, 8200,
 * 9293 3.1). Written by hand: a runner that shared the engine's parser could not see it err. */
#include "script_int.h"

#include <arpa/inet.h>
#include <string.h>

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static uint32_t sum_bytes(const uint8_t *p, size_t n, uint32_t sum)
{
	for (size_t i = 0; i + 1 < n; i += 2) {
		sum += get16(p + i);
		sum = (sum & 0xffff) + (sum >> 16);
	}
	if (n & 1)
		sum += (uint32_t)p[n - 1] << 8;
	return (sum & 0xffff) + (sum >> 16);
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* Over the upper layer with its pseudo-header. */
static uint16_t l4_sum(const uint8_t *d, size_t at, size_t len, uint8_t proto)
{
	bool v6 = d[0] >> 4 == 6;
	uint32_t sum = sum_bytes(d + (v6 ? 8 : 12), v6 ? 32 : 8, 0);

	return fold(sum_bytes(d + at, len - at, sum + (uint32_t)(len - at) + proto));
}

uint8_t script_byte(uint32_t offset)
{
	return (uint8_t)(offset % 251);
}

/* An IP header from the peer to us, or back. */
static size_t put_ip(const struct script_run *r, uint8_t *out, size_t l4_len, uint8_t proto,
		     int ecn, bool from_us)
{
	const char *src = from_us ? r->script->local : r->script->remote;
	const char *dst = from_us ? r->script->remote : r->script->local;

	memset(out, 0, 40);
	if (r->script->v6) {
		put16(out, 0x6000 | (uint32_t)(ecn > 0 ? ecn : 0) << 4);
		put16(out + 4, (uint32_t)l4_len);
		out[6] = proto;
		out[7] = 64;
		inet_pton(AF_INET6, src, out + 8);
		inet_pton(AF_INET6, dst, out + 24);
		return 40;
	}
	out[0] = 0x45;
	out[1] = (uint8_t)(ecn > 0 ? ecn : 0);
	put16(out + 2, (uint32_t)l4_len + 20);
	out[6] = 0x40;
	out[8] = 64;
	out[9] = proto;
	inet_pton(AF_INET, src, out + 12);
	inet_pton(AF_INET, dst, out + 16);
	put16(out + 10, fold(sum_bytes(out, 20, 0)));
	return 20;
}

/* Edges of SACK and the echoed timestamp are the lab's own numbers. */
static size_t put_opt(const struct script_flow *f, const struct script_opt *o, uint8_t *p)
{
	size_t len = script_opt_len(o);

	if (o->kind == SO_HEX) {
		memcpy(p, o->hex, o->n);
		return len;
	}
	p[0] = (uint8_t)o->kind;
	if (len > 1)
		p[1] = (uint8_t)len;
	if (o->kind == SO_MSS)
		put16(p + 2, o->a.v);
	if (o->kind == SO_WS)
		p[2] = (uint8_t)o->a.v;
	if (o->kind == SO_TS) {
		put32(p + 2, o->a.v);
		put32(p + 6, o->b.v && f->has_ts ? o->b.v + f->ts_base : o->b.v);
	}
	for (uint8_t i = 0; o->kind == SO_SACK && i < o->n; i++) {
		put32(p + 2 + 8 * i, o->sack[i][0] + f->base);
		put32(p + 6 + 8 * i, o->sack[i][1] + f->base);
	}
	return len;
}

/* A script that did not look at our timestamps echoes the last one. */
static void learn_ts(struct script_flow *f, const struct script_seg *seg)
{
	for (uint8_t i = 0; i < seg->opt_n && !f->has_ts && f->has_seen; i++)
		if (seg->opt[i].kind == SO_TS && seg->opt[i].b.v) {
			f->ts_base = f->ts_seen - seg->opt[i].b.v;
			f->has_ts = true;
		}
}

size_t script_build(struct script_run *r, const struct script_seg *seg, uint8_t *out)
{
	struct script_flow *f = &r->flow[seg->flow];
	uint8_t opt[SCRIPT_OPT_BYTES + 4] = {0};
	size_t opt_len = 0;

	learn_ts(f, seg);
	for (uint8_t i = 0; i < seg->opt_n; i++)
		opt_len += put_opt(f, &seg->opt[i], opt + opt_len);
	opt_len = (opt_len + 3) & ~(size_t)3;
	size_t at = put_ip(r, out, 20 + opt_len + seg->len, 6, seg->ecn, false);
	uint8_t *t = out + at;

	memset(t, 0, 20);
	put16(t, f->rport);
	put16(t + 2, f->lport);
	put32(t + 4, seg->seq.v + r->script->isn);
	put32(t + 8, seg->flags & SF_ACK ? seg->ack.v + f->base : seg->ack.v);
	t[12] = (uint8_t)((20 + opt_len) / 4 << 4);
	t[13] = seg->flags;
	put16(t + 14, seg->win.any ? 65535 : seg->win.v);
	put16(t + 18, seg->urg.v);
	memcpy(t + 20, opt, opt_len);
	for (uint32_t i = 0; i < seg->len; i++)
		t[20 + opt_len + i] = script_byte(seg->seq.v - f->irs - 1 + i);
	size_t len = at + 20 + opt_len + seg->len;

	put16(t + 16, l4_sum(out, at, len, 6));
	return len;
}

size_t script_build_icmp(struct script_run *r, const struct script_icmp *icmp, uint8_t *out)
{
	const struct script_flow *f = &r->flow[icmp->flow];
	uint8_t proto = r->script->v6 ? 58 : 1, *t, tcp[20] = {0};
	size_t ip = r->script->v6 ? 40 : 20, l4 = 8 + ip + icmp->quoted;
	size_t at = put_ip(r, out, l4, proto, 0, false);

	t = out + at;
	memset(t, 0, 8);
	t[0] = icmp->type;
	t[1] = icmp->code;
	/* The next-hop MTU stands in the second half of the word in ICMP (RFC 1191 4), and fills it
	 * in ICMPv6 (RFC 4443 3.2). */
	put32(t + 4, icmp->mtu);
	put_ip(r, t + 8, 20 + icmp->len, 6, 0, true);
	put16(tcp, f->lport);
	put16(tcp + 2, f->rport);
	put32(tcp + 4, icmp->seq + f->base);
	tcp[12] = 0x50;
	tcp[13] = SF_ACK;
	memcpy(t + 8 + ip, tcp, icmp->quoted);
	put16(t + 2, proto == 58 ? l4_sum(out, at, at + l4, 58) : fold(sum_bytes(t, l4, 0)));
	return at + l4;
}

/* --- in --- */

static void decode_opt(struct script_opt *o, const uint8_t *p, uint8_t len)
{
	o->kind = p[0];
	if (p[0] == SO_MSS && len == 4) {
		o->a.v = get16(p + 2);
	} else if (p[0] == SO_WS && len == 3) {
		o->a.v = p[2];
	} else if (p[0] == SO_TS && len == 10) {
		o->a.v = get32(p + 2);
		o->b.v = get32(p + 6);
	} else if (p[0] == SO_SACK && len > 2 && (len - 2) % 8 == 0 && len <= 34) {
		o->n = (uint8_t)((len - 2) / 8);
		for (uint8_t i = 0; i < o->n; i++) {
			o->sack[i][0] = get32(p + 2 + 8 * i);
			o->sack[i][1] = get32(p + 6 + 8 * i);
		}
	} else if (p[0] != SO_SACKOK || len != 2) {
		o->kind = SO_HEX;
		o->n = len;
		memcpy(o->hex, p, len);
	}
}

static void decode_opts(struct script_seen *seen, const uint8_t *p, size_t n)
{
	struct script_seg *seg = &seen->seg;

	seg->opt = seen->opt;
	for (size_t at = 0; at < n;) {
		struct script_opt *o = &seen->opt[seg->opt_n++];
		size_t len = p[at] < 2 ? 1 : at + 1 < n ? p[at + 1] : 0;

		memset(o, 0, sizeof(*o));
		if (len < 1 || (p[at] > 1 && len < 2) || at + len > n)
			len = n - at; /* a length that lies: the rest as it is */
		if (p[at] < 2)
			o->kind = p[at];
		else
			decode_opt(o, p + at, (uint8_t)len);
		at += len;
	}
}

bool script_decode(const uint8_t *data, size_t len, size_t kept, bool in, struct script_seen *seen)
{
	size_t at, hdr;

	memset(&seen->seg, 0, sizeof(seen->seg));
	seen->is_tcp = false;
	if (kept < 20)
		return false;
	seen->v6 = data[0] >> 4 == 6;
	at = seen->v6 ? 40 : (size_t)(data[0] & 15) * 4;
	if (kept < at + 20 || (seen->v6 ? data[6] : data[9]) != 6)
		return false;
	const uint8_t *t = data + at;

	hdr = (size_t)(t[12] >> 4) * 4;
	if (hdr < 20 || kept < at + hdr || len < at + hdr)
		return false;
	seen->is_tcp = true;
	seen->seg.ecn = (int8_t)(seen->v6 ? (data[1] >> 4 & 3) : (data[1] & 3));
	seen->lport = get16(in ? t + 2 : t);
	seen->rport = get16(in ? t : t + 2);
	seen->seg.seq.v = get32(t + 4);
	seen->seg.ack.v = get32(t + 8);
	seen->seg.flags = t[13];
	seen->seg.win.v = get16(t + 14);
	seen->seg.urg.v = get16(t + 18);
	seen->seg.len = (uint32_t)(len - at - hdr);
	seen->text = t + hdr;
	decode_opts(seen, t + 20, hdr - 20);
	return true;
}

int script_flow_of(const struct script_run *r, uint16_t lport, uint16_t rport)
{
	for (int i = 0; i < SCRIPT_FLOW_MAX; i++)
		if (r->flow[i].bound && r->flow[i].lport == lport && r->flow[i].rport == rport)
			return i;
	return -1;
}
