/* SPDX-License-Identifier: BSD-3-Clause */
/* dissect.c: link headers, VLAN tags, IP, and the TCP header, out of what was captured. */
#include "tg_dissect.h"

enum {
	SLL_LEN = 16,  /* Linux cooked v1: its EtherType is the last field */
	SLL2_LEN = 20, /* v2: its EtherType is the first */
	FAMILY_LEN = 4,
	ETHERTYPE_QINQ = 0x88a8,
	ETHERTYPE_QINQ_OLD = 0x9100,
	VLAN_MAX = 4,
	FRAG_MORE_OR_OFFSET = 0x3fff,
	EXT_MAX = 8,
	EXT_HOP = 0,
	EXT_ROUTING = 43,
	EXT_FRAGMENT = 44,
	EXT_AUTH = 51,
	EXT_DEST = 60,
	TCP_HDR_MAX = 60,
};

/* What stands at data[len], behind the link header. */
struct view {
	const uint8_t *data;
	uint32_t len;
	uint16_t type; /* EtherType; 0 = by the IP version */
};

static bool skip(struct view *v, uint32_t n)
{
	if (v->len < n)
		return false;
	v->data += n;
	v->len -= n;
	return true;
}

static bool skip_vlans(struct view *v, uint16_t *vid)
{
	for (int i = 0; i < VLAN_MAX; i++) {
		if (v->type != TG_ETHERTYPE_VLAN && v->type != ETHERTYPE_QINQ &&
		    v->type != ETHERTYPE_QINQ_OLD)
			return true;
		if (v->len < TG_VLAN_LEN)
			return false;
		*vid = tg_be16_get(v->data) & 0xfff;
		v->type = tg_be16_get(v->data + 2);
		skip(v, TG_VLAN_LEN);
	}
	return true;
}

static bool skip_link(enum tg_trace_link link, struct view *v, uint16_t *vid)
{
	const uint8_t *at = v->data;

	switch (link) {
	case TG_TRACE_ETHERNET:
		if (!skip(v, TG_ETH_LEN))
			return false;
		v->type = tg_be16_get(at + 12);
		return skip_vlans(v, vid);
	case TG_TRACE_SLL:
		if (!skip(v, SLL_LEN))
			return false;
		v->type = tg_be16_get(at + 14);
		return skip_vlans(v, vid);
	case TG_TRACE_SLL2:
		if (!skip(v, SLL2_LEN))
			return false;
		v->type = tg_be16_get(at);
		return skip_vlans(v, vid);
	case TG_TRACE_LOOPBACK: /* the family's number is the writing machine's own */
		v->type = 0;
		return skip(v, FAMILY_LEN);
	case TG_TRACE_RAW:
		v->type = 0;
		return true;
	}
	return false;
}

/* The TCP header at data[len]; ip_len: bytes that the packet had from there on. */
static enum tg_dissect_verdict dissect_tcp(const uint8_t *data, uint32_t len, uint32_t ip_len,
					   struct tg_dissected *d)
{
	uint32_t hdr;

	if (len < TG_TCP_LEN)
		return ip_len < TG_TCP_LEN ? TG_DISSECT_BAD : TG_DISSECT_CUT;
	hdr = (uint32_t)(data[12] >> 4) * 4;
	if (hdr < TG_TCP_LEN || hdr > ip_len)
		return TG_DISSECT_BAD;
	if (len < hdr)
		return TG_DISSECT_CUT;
	if (tg_tcp_parse(data, hdr, &d->seg) != TG_CTR_NONE)
		return TG_DISSECT_BAD;
	d->seg.text = NULL;
	d->seg.len = ip_len - hdr;
	d->text_cut = len < ip_len;
	return TG_DISSECT_TCP;
}

static enum tg_dissect_verdict dissect_ip4(struct view *v, struct tg_dissected *d)
{
	uint32_t hdr, total;
	const uint8_t *at = v->data;

	if (v->len < TG_IP4_LEN)
		return TG_DISSECT_NO_TCP;
	if (at[9] != TG_PROTO_TCP)
		return TG_DISSECT_NO_TCP;
	hdr = (uint32_t)(at[0] & 0xf) * 4;
	total = tg_be16_get(at + 2);
	if (hdr < TG_IP4_LEN)
		return TG_DISSECT_BAD;
	if (total == 0) /* a card cut it later (TSO), and the capture was made before */
		total = v->len;
	if (total < hdr)
		return TG_DISSECT_BAD;
	if (tg_be16_get(at + 6) & FRAG_MORE_OR_OFFSET)
		return TG_DISSECT_FRAGMENT;
	if (v->len < hdr)
		return TG_DISSECT_CUT;
	d->src = tg_addr_from_v4(at + 12);
	d->dst = tg_addr_from_v4(at + 16);
	d->ttl = at[8];
	skip(v, hdr);
	return dissect_tcp(v->data, v->len < total - hdr ? v->len : total - hdr, total - hdr, d);
}

/* Length of the extension header at data[len], 0 = it is not all there. */
static uint32_t ext_len(uint8_t kind, const uint8_t *data, uint32_t len)
{
	uint32_t n;

	if (len < 8)
		return 0;
	n = kind == EXT_FRAGMENT ? 8 : kind == EXT_AUTH ? (data[1] + 2u) * 4 : (data[1] + 1u) * 8;
	return n <= len ? n : 0;
}

static bool is_ext(uint8_t kind)
{
	return kind == EXT_HOP || kind == EXT_ROUTING || kind == EXT_FRAGMENT || kind == EXT_AUTH ||
	       kind == EXT_DEST;
}

static enum tg_dissect_verdict dissect_ip6(struct view *v, struct tg_dissected *d)
{
	const uint8_t *at = v->data;
	uint32_t left;
	uint8_t next;

	if (v->len < TG_IP6_LEN)
		return TG_DISSECT_NO_TCP;
	next = at[6];
	left = tg_be16_get(at + 4);
	if (left == 0) /* as above */
		left = v->len - TG_IP6_LEN;
	d->src = tg_addr_from_v6(at + 8);
	d->dst = tg_addr_from_v6(at + 24);
	d->ttl = at[7];
	skip(v, TG_IP6_LEN);
	for (int i = 0; i < EXT_MAX && is_ext(next); i++) {
		uint32_t n = ext_len(next, v->data, v->len);

		if (n == 0)
			return TG_DISSECT_NO_TCP;
		if (n > left)
			return TG_DISSECT_BAD;
		if (next == EXT_FRAGMENT && (tg_be16_get(v->data + 2) & 0xfff9))
			return v->data[0] == TG_PROTO_TCP ? TG_DISSECT_FRAGMENT : TG_DISSECT_NO_TCP;
		next = v->data[0];
		skip(v, n);
		left -= n;
	}
	if (next != TG_PROTO_TCP)
		return TG_DISSECT_NO_TCP;
	return dissect_tcp(v->data, v->len < left ? v->len : left, left, d);
}

enum tg_dissect_verdict tg_dissect(enum tg_trace_link link, const uint8_t *data, uint32_t len,
				   struct tg_dissected *d)
{
	struct view v = {.data = data, .len = len};
	uint8_t version;

	d->vid = 0;
	if (!skip_link(link, &v, &d->vid) || v.len == 0)
		return TG_DISSECT_NO_TCP;
	version = v.data[0] >> 4;
	if (version == 4 && (v.type == 0 || v.type == TG_ETHERTYPE_IP4))
		return dissect_ip4(&v, d);
	if (version == 6 && (v.type == 0 || v.type == TG_ETHERTYPE_IP6))
		return dissect_ip6(&v, d);
	return TG_DISSECT_NO_TCP;
}
