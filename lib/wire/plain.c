/* SPDX-License-Identifier: BSD-3-Clause */
/* plain.c: see tg_wire_plain.h. */
#include "tg_wire_plain.h"
#include "wire_int.h"

enum {
	IP4_NO_OPTIONS = 4 << 4 | TG_IP4_LEN / 4,
	IP4_FRAG_MASK = 0x3fff, /* more fragments, and the offset */
	TS_LEN = 12,
	SYN_LEN = 20,
};
#define NOP_NOP_TS 0x0101080au
#define SACK_TS    0x0402080au /* SACK-permitted, TS */
#define NOP_WS     0x01030300u /* the value in the low byte */
#define WS_MASK    0xffffff00u
#define HALF_MSS   0x0204u

static inline void take_ts(const uint8_t *value, struct tg_tcp_opts *opts)
{
	opts->has_ts = 1;
	opts->tsval = tg_be32_get(value);
	opts->tsecr = tg_be32_get(value + 4);
}

/* opt: as many bytes as len; false: laid out as none that are known here. */
static inline __attribute__((always_inline)) bool take_options(const uint8_t *opt, uint32_t len,
							       struct tg_tcp_opts *opts)
{
	memset(opts, 0, offsetof(struct tg_tcp_opts, sack));
	if (len == TS_LEN && tg_be32_get(opt) == NOP_NOP_TS) {
		take_ts(opt + 4, opts);
		return true;
	}
	if (len != SYN_LEN)
		return len == 0;
	uint32_t last = tg_be32_get(opt + 16);

	if (tg_be16_get(opt) != HALF_MSS || tg_be32_get(opt + 4) != SACK_TS ||
	    (last & WS_MASK) != NOP_WS)
		return false;
	opts->has_mss = opts->has_sack_perm = opts->has_wscale = 1;
	opts->mss = tg_be16_get(opt + 2);
	opts->wscale = (uint8_t)last;
	take_ts(opt + 8, opts);
	return true;
}

static inline bool is_right(uint64_t sum)
{
	return fold_native(sum) == 0xffff;
}

/* From the addresses on, which stand before the TCP header, to the end. The length of those that
 * carry no text is known when this is compiled. */
static inline __attribute__((always_inline)) bool is_tcp_right(const uint8_t *data,
							       uint32_t tcp_len)
{
	uint64_t sum =
	    (uint64_t)host16_to_native(TG_PROTO_TCP) + host16_to_native((uint16_t)tcp_len);

	if (tcp_len == TG_TCP_LEN + TS_LEN)
		return is_right(sum_native(sum, data + 12, 8 + TG_TCP_LEN + TS_LEN));
	if (tcp_len == TG_TCP_LEN + SYN_LEN)
		return is_right(sum_native(sum, data + 12, 8 + TG_TCP_LEN + SYN_LEN));
	return is_right(sum_native(sum, data + 12, 8 + tcp_len));
}

/* LN-12: who may send, and who may be sent to. */
static inline bool are_addresses_right(const uint8_t *data)
{
	return data[12] != 0 && data[12] != 127 && data[12] < 224 && data[16] != 0 &&
	       data[16] != 127 && data[16] < 240;
}

static inline void take_ip(const uint8_t *data, uint32_t tcp_len, struct tg_ip *ip)
{
	addr_put_v4(&ip->src, data + 12);
	addr_put_v4(&ip->dst, data + 16);
	ip->payload_len = tcp_len;
	ip->hdr_len = TG_IP4_LEN;
	ip->frag_id = tg_be16_get(data + 4);
	ip->ttl = data[8];
	ip->proto = TG_PROTO_TCP;
	ip->v6 = ip->has_options = ip->atomic_frag = 0;
	ip->tos = data[1];
}

static inline void take_header(const uint8_t *tcp, uint32_t hdr_len, uint32_t tcp_len,
			       struct tg_seg *seg)
{
	seg->sport = tg_be16_get(tcp);
	seg->dport = tg_be16_get(tcp + 2);
	seg->seq = tg_seq_make(tg_be32_get(tcp + 4));
	seg->ack = tg_seq_make(tg_be32_get(tcp + 8));
	seg->ctl = tcp[13];
	seg->ecn = TG_ECN_NOT;
	seg->wnd = tg_be16_get(tcp + 14);
	seg->up = tg_be16_get(tcp + 18);
	seg->text = tcp + hdr_len;
	seg->len = tcp_len - hdr_len;
}

bool tg_plain4_parse(const uint8_t *data, uint32_t len, bool l3_good, bool l4_good,
		     struct tg_ip *ip, struct tg_seg *seg)
{
	const uint8_t *tcp = data + TG_IP4_LEN;

	if (len < TG_IP4_LEN + TG_TCP_LEN || data[0] != IP4_NO_OPTIONS || data[9] != TG_PROTO_TCP ||
	    (tg_be16_get(data + 6) & IP4_FRAG_MASK) || data[8] == 0)
		return false;
	uint32_t total = tg_be16_get(data + 2), hdr_len = (tcp[12] >> 4) * 4u;

	if (total > len || hdr_len < TG_TCP_LEN || total < TG_IP4_LEN + hdr_len ||
	    load16(tcp) == 0 || load16(tcp + 2) == 0 || !are_addresses_right(data))
		return false;
	uint32_t tcp_len = total - TG_IP4_LEN;

	if (!l3_good && !is_right(sum64(sum64(load64(data), load64(data + 8)), load32(data + 16))))
		return false;
	if (!take_options(tcp + TG_TCP_LEN, hdr_len - TG_TCP_LEN, &seg->opts) ||
	    (!l4_good && !is_tcp_right(data, tcp_len)))
		return false;
	take_ip(data, tcp_len, ip);
	take_header(tcp, hdr_len, tcp_len, seg);
	return true;
}
