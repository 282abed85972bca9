/* SPDX-License-Identifier: BSD-3-Clause */
/* syn.c: see tg_wire_syn.h. */
#include "tg_wire_syn.h"
#include "wire_int.h"

enum {
	ECN_FLAGS = TG_TCP_ECE | TG_TCP_CWR,
	IP4_NO_OPTIONS = 4 << 4 | TG_IP4_LEN / 4,
	IP4_FRAG_MASK = 0x3fff, /* more fragments, and the offset */
};

/* --- options --- */

/* Words of 32 bits that the usual layouts are made of; the value of WS is in the low byte. */
#define WORD_SACK_TS    0x0402080au /* SACK-permitted, TS */
#define WORD_NOP_NOP_TS 0x0101080au
#define WORD_NOP_WS     0x01030300u
#define WORD_NOPS_SACK  0x01010402u
#define WORD_SACK_END   0x04020000u /* ... and what pads it */
#define WORD_WS_MASK    0xffffff00u
#define HALF_MSS        0x0204u

static inline bool is_ws(uint32_t word)
{
	return (word & WORD_WS_MASK) == WORD_NOP_WS;
}

static inline bool take_ws(uint32_t word, struct tg_syn *syn)
{
	syn->has |= TG_SYN_WS;
	syn->wscale = (uint8_t)word;
	return true;
}

static inline bool take_ts(const uint8_t *value, uint8_t has, struct tg_syn *syn)
{
	syn->has |= TG_SYN_TS | has;
	memcpy(&syn->tsval, value, sizeof(syn->tsval));
	return true;
}

static inline bool take_sack(struct tg_syn *syn)
{
	syn->has |= TG_SYN_SACK;
	return true;
}

/* MSS, then one word. */
static inline bool parse_8(uint32_t second, struct tg_syn *syn)
{
	if (second == WORD_NOPS_SACK)
		return take_sack(syn);
	return is_ws(second) && take_ws(second, syn);
}

/* Windows: MSS NOP WS NOP NOP SACK. Linux without timestamps: MSS NOP NOP SACK NOP WS. */
static inline bool parse_12(const uint8_t *opt, uint32_t second, struct tg_syn *syn)
{
	uint32_t third = tg_be32_get(opt + 8);

	if (second == WORD_NOPS_SACK && is_ws(third))
		return take_ws(third, syn) && take_sack(syn);
	return is_ws(second) && third == WORD_NOPS_SACK && take_ws(second, syn) && take_sack(syn);
}

/* MSS SACK TS, and without SACK. */
static inline bool parse_16(const uint8_t *opt, uint32_t second, struct tg_syn *syn)
{
	if (second == WORD_SACK_TS)
		return take_ts(opt + 8, TG_SYN_SACK, syn);
	return second == WORD_NOP_NOP_TS && take_ts(opt + 8, 0, syn);
}

/* Linux: MSS SACK TS NOP WS, and without SACK. FreeBSD: MSS NOP WS SACK TS. */
static inline bool parse_20(const uint8_t *opt, uint32_t second, struct tg_syn *syn)
{
	uint32_t last = tg_be32_get(opt + 16);

	if (second == WORD_SACK_TS && is_ws(last))
		return take_ws(last, syn) && take_ts(opt + 8, TG_SYN_SACK, syn);
	if (second == WORD_NOP_NOP_TS && is_ws(last))
		return take_ws(last, syn) && take_ts(opt + 8, 0, syn);
	return is_ws(second) && tg_be32_get(opt + 8) == WORD_SACK_TS && take_ws(second, syn) &&
	       take_ts(opt + 12, TG_SYN_SACK, syn);
}

/* macOS: MSS NOP WS NOP NOP TS SACK END. */
static inline bool parse_24(const uint8_t *opt, uint32_t second, struct tg_syn *syn)
{
	return is_ws(second) && tg_be32_get(opt + 8) == WORD_NOP_NOP_TS &&
	       tg_be32_get(opt + 20) == WORD_SACK_END && take_ws(second, syn) &&
	       take_ts(opt + 12, TG_SYN_SACK, syn);
}

static inline __attribute__((always_inline)) bool parse_options(const uint8_t *opt, uint32_t len,
								struct tg_syn *syn)
{
	*syn = (struct tg_syn){0};
	if (len == 0)
		return true;
	if (tg_be16_get(opt) != HALF_MSS)
		return false;
	syn->mss = tg_be16_get(opt + 2);
	if (len == 4)
		return true;
	uint32_t second = tg_be32_get(opt + 4);

	switch (len) {
	case 20:
		return parse_20(opt, second, syn);
	case 8:
		return parse_8(second, syn);
	case 12:
		return parse_12(opt, second, syn);
	case 16:
		return parse_16(opt, second, syn);
	case TG_SYN_OPT_MAX:
		return parse_24(opt, second, syn);
	default:
		return false;
	}
}

bool tg_syn_options_parse(const uint8_t *opt, uint32_t len, struct tg_syn *syn)
{
	return len % 4 == 0 && parse_options(opt, len, syn);
}

/* --- headers --- */

/* The TCP header at tcp, of which TG_TCP_LEN bytes are there: its length, if it has the flags of a
 * SYN, and a port that it is for; or 0. */
static inline uint32_t plain_len(const uint8_t *tcp)
{
	if ((tcp[13] & ~(uint32_t)ECN_FLAGS) != TG_TCP_SYN || load16(tcp + 2) == 0)
		return 0;
	return (tcp[12] >> 4) * 4u;
}

static inline bool parse_tcp(const uint8_t *tcp, uint32_t hdr_len, uint8_t tos, struct tg_syn *syn)
{
	if (!parse_options(tcp + TG_TCP_LEN, hdr_len - TG_TCP_LEN, syn))
		return false;
	if ((tcp[13] & ECN_FLAGS) == ECN_FLAGS && (tos & 3) == TG_ECN_NOT)
		syn->has |= TG_SYN_ECN;
	return true;
}

static inline bool is_right(uint64_t sum)
{
	return fold_native(sum) == 0xffff;
}

/* The pseudo-header but for the addresses, which stand before the TCP header. */
static inline uint64_t sum_rest(uint32_t len)
{
	return (uint64_t)host16_to_native(TG_PROTO_TCP) + host16_to_native((uint16_t)len);
}

/* n bytes that end with a TCP header and begin with what stands before it of the pseudo-header. The
 * lengths of the usual SYNs are known when this is compiled. */
static inline __attribute__((always_inline)) bool is_tcp_right(const uint8_t *data, uint32_t before,
							       uint32_t hdr_len)
{
	uint64_t sum = sum_rest(hdr_len);

	if (hdr_len == TG_TCP_LEN + 20)
		return is_right(sum_native(sum, data, before + TG_TCP_LEN + 20));
	return is_right(sum_native(sum, data, before + hdr_len));
}

/* The source (LN-12), its port, TTL and checksums. */
static inline __attribute__((always_inline)) bool is_right4(const uint8_t *data, uint32_t hdr_len,
							    bool l3_good, bool l4_good)
{
	if (data[8] == 0 || data[12] == 0 || data[12] == 127 || data[12] >= 224 ||
	    load16(data + TG_IP4_LEN) == 0)
		return false;
	if (!l3_good && !is_right(sum64(sum64(load64(data), load64(data + 8)), load32(data + 16))))
		return false;
	return l4_good || is_tcp_right(data + 12, 8, hdr_len);
}

/* Among ::/64 are all forms that nobody may come from, but groups. */
static inline __attribute__((always_inline)) bool is_right6(const uint8_t *data, uint32_t hdr_len,
							    bool l4_good)
{
	if (load64(data + 8) == 0 || data[8] == 0xff || load16(data + TG_IP6_LEN) == 0)
		return false;
	return l4_good || is_tcp_right(data + 8, 32, hdr_len);
}

bool tg_syn4_parse(const uint8_t *data, uint32_t len, bool l3_good, bool l4_good,
		   struct tg_syn *syn)
{
	const uint8_t *tcp = data + TG_IP4_LEN;

	if (len < TG_IP4_LEN + TG_TCP_LEN || data[0] != IP4_NO_OPTIONS)
		return false;
	uint32_t total = tg_be16_get(data + 2), hdr_len = plain_len(tcp);

	if (hdr_len < TG_TCP_LEN || total != TG_IP4_LEN + hdr_len || total > len)
		return false;
	return !(tg_be16_get(data + 6) & IP4_FRAG_MASK) && data[9] == TG_PROTO_TCP &&
	       is_right4(data, hdr_len, l3_good, l4_good) && parse_tcp(tcp, hdr_len, data[1], syn);
}

bool tg_syn6_parse(const uint8_t *data, uint32_t len, bool l4_good, struct tg_syn *syn)
{
	const uint8_t *tcp = data + TG_IP6_LEN;

	if (len < TG_IP6_LEN + TG_TCP_LEN || data[0] >> 4 != 6 || data[6] != TG_PROTO_TCP)
		return false;
	uint32_t payload_len = tg_be16_get(data + 4), hdr_len = plain_len(tcp);

	if (hdr_len < TG_TCP_LEN || payload_len != hdr_len || payload_len > len - TG_IP6_LEN)
		return false;
	return is_right6(data, hdr_len, l4_good) &&
	       parse_tcp(tcp, hdr_len, (uint8_t)(tg_be16_get(data) >> 4), syn);
}

/* --- shapes --- */

/* Where the value of TS begins; len: none is there. */
static uint32_t find_ts(const uint8_t *opt, uint32_t len)
{
	for (uint32_t i = 0; i < len; i += opt[i] <= 1 ? 1 : opt[i + 1])
		if (opt[i] == 8)
			return i + 2;
	return len;
}

static void mask_out(struct tg_syn_shape *s, uint32_t at, uint32_t n)
{
	memset(s->mask + at, 0, n);
}

void tg_syn_shape_init(struct tg_syn_shape *s, const uint8_t *data, uint32_t l2_len, bool v6,
		       const struct tg_syn *syn)
{
	uint32_t tcp = l2_len + (v6 ? TG_IP6_LEN : TG_IP4_LEN), opt = tcp + TG_TCP_LEN;

	s->hdr_len = (uint8_t)((data[tcp + 12] >> 4) * 4);
	s->l2_len = (uint8_t)l2_len;
	s->len = tcp + s->hdr_len;
	s->syn = *syn;
	memset(s->bytes, 0, sizeof(s->bytes));
	memcpy(s->bytes, data, s->len);
	memset(s->mask, 0xff, s->len);
	mask_out(s, s->len, (uint32_t)sizeof(s->mask) - s->len);
	mask_out(s, 6, 6); /* who sent it */
	if (l2_len > TG_ETH_LEN)
		s->mask[TG_ETH_LEN] = 0x0f; /* priority */
	if (v6) {
		s->mask[l2_len] = 0xf0; /* of traffic class and label the two bits of ECN stay */
		s->mask[l2_len + 1] = 3 << 4;
		mask_out(s, l2_len + 2, 2);
		mask_out(s, l2_len + 7, 17); /* hop limit, source */
	} else {
		s->mask[l2_len + 1] = 3;
		mask_out(s, l2_len + 4, 2); /* identification */
		s->mask[l2_len + 6] = (uint8_t)(IP4_FRAG_MASK >> 8);
		mask_out(s, l2_len + 8, 1);
		mask_out(s, l2_len + 10, 6); /* checksum, source */
	}
	mask_out(s, tcp, 2);
	mask_out(s, tcp + 4, 8);
	s->mask[tcp + 12] = 0xf0;
	mask_out(s, tcp + 14, 6); /* window, checksum, urgent pointer */
	s->ts_at = (uint8_t)(opt + find_ts(data + opt, s->hdr_len - TG_TCP_LEN));
	if (syn->has & TG_SYN_TS)
		mask_out(s, s->ts_at, 8);
}

bool tg_syn4_rest(const struct tg_syn_shape *s, const uint8_t *data, bool l3_good, bool l4_good)
{
	return is_right4(data, s->hdr_len, l3_good, l4_good);
}

bool tg_syn6_rest(const struct tg_syn_shape *s, const uint8_t *data, bool l4_good)
{
	return is_right6(data, s->hdr_len, l4_good);
}

/* --- answers --- */

void tg_synack_init(struct tg_synack *s, const struct tg_addr *src)
{
	const uint8_t *ip = s->bytes + s->l2_len, *tcp = ip + s->l3_len;
	bool v4 = s->l3_len == TG_IP4_LEN;
	uint64_t pseudo = sum_native(sum_rest(s->l4_len), v4 ? src->b + 12 : src->b, v4 ? 4 : 16);

	s->ip_sum = v4 ? fold_native(sum_native(0, ip, TG_IP4_LEN)) : 0;
	s->tcp_sum = (s->tx_flags & TG_TX_TCP_CSUM)
			 ? fold_native(pseudo)
			 : fold_native(sum_native(pseudo, tcp, s->l4_len));
}
