/* SPDX-License-Identifier: BSD-3-Clause */
/* tcp.c: the TCP header and its options (RFC 9293 3.1 and 3.2, RFC 7323, RFC 2018). */
#include "wire_int.h"

enum {
	OPT_END = 0,
	OPT_NOP = 1,
	OPT_MSS = 2,
	OPT_WSCALE = 3,
	OPT_SACK_PERM = 4,
	OPT_SACK = 5,
	OPT_TS = 8,
};

/* NOP NOP TS, the only options of nearly every segment (RFC 7323 appendix A). */
enum { TS_LAYOUT = 0x0101080a, TS_LAYOUT_LEN = 12 };
/* MSS, SACK-permitted, TS, NOP, WS: what most peers put on a SYN, and we (EST-21). */
enum {
	SYN_LAYOUT_LEN = 20,
	SYN_LAYOUT_MSS = 0x0204,    /* at 0, the value behind it */
	SYN_LAYOUT_TS = 0x0402080a, /* at 4, both values behind it */
	SYN_LAYOUT_WS = 0x01030300, /* at 16, the value in the low byte */
	SYN_LAYOUT_WS_VALUE = 0xff,
};
enum { NOP_NOP = 0x0101 };

/* In one 16-byte store: everything before the blocks. */
static inline void opts_clear(struct tg_tcp_opts *opts)
{
	memset(opts, 0, offsetof(struct tg_tcp_opts, sack));
}

static inline void parse_ts(const uint8_t *body, struct tg_tcp_opts *opts)
{
	opts->has_ts = 1;
	opts->tsval = tg_be32_get(body);
	opts->tsecr = tg_be32_get(body + 4);
}

static void parse_sack(const uint8_t *opt, uint32_t n, struct tg_tcp_opts *opts)
{
	uint32_t blocks = (n - 2) / 8;

	if (blocks == 0 || n != 2 + blocks * 8 || blocks > 4) {
		opts->bad_sack = 1;
		return;
	}
	opts->sack_n = (uint8_t)blocks;
	for (uint32_t i = 0; i < blocks; i++) {
		opts->sack[i].left = tg_seq_make(tg_be32_get(opt + 2 + i * 8));
		opts->sack[i].right = tg_seq_make(tg_be32_get(opt + 6 + i * 8));
	}
}

/* One option of n bytes, kind and length included; n is legal. EST-30: the wrong length for its
 * kind skips it, and of two the last one stays (ADV-38). */
static void parse_option(const uint8_t *opt, uint32_t n, struct tg_tcp_opts *opts)
{
	switch (opt[0]) {
	case OPT_MSS:
		if (n == 4) {
			opts->has_mss = 1;
			opts->mss = tg_be16_get(opt + 2);
		}
		break;
	case OPT_WSCALE:
		if (n == 3) {
			opts->has_wscale = 1;
			opts->wscale = opt[2];
		}
		break;
	case OPT_SACK_PERM:
		if (n == 2)
			opts->has_sack_perm = 1;
		break;
	case OPT_SACK:
		parse_sack(opt, n, opts);
		break;
	case OPT_TS:
		if (n == 10)
			parse_ts(opt + 2, opts);
		break;
	default:
		break; /* MUST-6: skipped, MD5 and AO too (ADV-87) */
	}
}

/* ADV-37: each round takes a byte at least, and nothing behind END is looked at. */
static void parse_options_slowly(const uint8_t *opt, uint32_t len, struct tg_tcp_opts *opts)
{
	while (len > 0 && opt[0] != OPT_END) {
		uint32_t n = 1;

		if (opt[0] != OPT_NOP) {
			/* EST-29, ADV-35, ADV-36, DIS-11: what was parsed stays. */
			if (len < 2 || opt[1] < 2 || opt[1] > len) {
				opts->bad = 1;
				return;
			}
			n = opt[1];
			parse_option(opt, n, opts);
		}
		opt += n;
		len -= n;
	}
}

static inline bool is_syn_layout(const uint8_t *opt, uint32_t len)
{
	return len == SYN_LAYOUT_LEN && tg_be16_get(opt) == SYN_LAYOUT_MSS &&
	       tg_be32_get(opt + 4) == SYN_LAYOUT_TS &&
	       (tg_be32_get(opt + 16) & ~(uint32_t)SYN_LAYOUT_WS_VALUE) == SYN_LAYOUT_WS;
}

/* The same as one by one. */
static inline void parse_syn_layout(const uint8_t *opt, struct tg_tcp_opts *opts)
{
	opts->has_mss = opts->has_sack_perm = opts->has_wscale = 1;
	opts->mss = tg_be16_get(opt + 2);
	opts->wscale = opt[19];
	parse_ts(opt + 8, opts);
}

static inline void parse_options(const uint8_t *opt, uint32_t len, struct tg_tcp_opts *opts)
{
	opts_clear(opts);
	if (len == TS_LAYOUT_LEN && tg_be32_get(opt) == TS_LAYOUT)
		parse_ts(opt + 4, opts);
	else if (is_syn_layout(opt, len))
		parse_syn_layout(opt, opts);
	else if (len > 0)
		parse_options_slowly(opt, len, opts);
}

void tg_tcp_parse_options(const uint8_t *opt, uint32_t len, struct tg_tcp_opts *opts)
{
	parse_options(opt, len, opts);
}

/* LN-17, ADV-03, ADV-04: no byte outside data[len] is read. */
enum tg_ctr tg_tcp_parse(const uint8_t *data, uint32_t len, struct tg_seg *seg)
{
	if (len < TG_TCP_LEN)
		return TG_CTR_bad_hdr;
	uint32_t hdr_len = (data[12] >> 4) * 4u;

	if (hdr_len < TG_TCP_LEN || hdr_len > len)
		return TG_CTR_bad_hdr;
	seg->sport = tg_be16_get(data);
	seg->dport = tg_be16_get(data + 2);
	if (seg->sport == 0 || seg->dport == 0) /* ADV-07 */
		return TG_CTR_port0;
	seg->seq = tg_seq_make(tg_be32_get(data + 4));
	seg->ack = tg_seq_make(tg_be32_get(data + 8));
	seg->ctl = data[13]; /* the reserved bits stand in data[12]: ignored (ADV-88) */
	seg->ecn = TG_ECN_NOT;
	seg->wnd = tg_be16_get(data + 14);
	seg->up = tg_be16_get(data + 18);
	seg->text = data + hdr_len;
	seg->len = len - hdr_len;
	parse_options(data + TG_TCP_LEN, hdr_len - TG_TCP_LEN, &seg->opts);
	return TG_CTR_NONE;
}

/* The blocks that find room: 4, or 3 beside a timestamp (RFC 2018 3). */
static inline uint32_t sack_blocks(const struct tg_tcp_opts *opts)
{
	uint32_t room = opts->has_ts ? 3 : 4;

	return opts->sack_n < room ? opts->sack_n : room;
}

uint32_t tg_tcp_hdr_len(const struct tg_tcp_opts *opts, bool syn)
{
	uint32_t len = TG_TCP_LEN + (opts->has_ts ? 12u : 0u);

	if (!syn)
		return len + (opts->sack_n ? 4 + 8 * sack_blocks(opts) : 0);
	/* SACK-permitted takes the place of the two NOPs before a timestamp. */
	if (opts->has_sack_perm && !opts->has_ts)
		len += 4;
	return len + (opts->has_mss ? 4u : 0u) + (opts->has_wscale ? 4u : 0u);
}

/* Header and options are written in words of 32 bits, which are summed as numbers on their way. */
static inline uint8_t *put_word(uint8_t *p, uint32_t word, uint64_t *sum)
{
	tg_be32_put(p, word);
	*sum += word;
	return p + 4;
}

static inline uint8_t *emit_ts(uint8_t *p, uint32_t before, const struct tg_tcp_opts *opts,
			       uint64_t *sum)
{
	p = put_word(p, before << 16 | OPT_TS << 8 | 10, sum);
	p = put_word(p, opts->tsval, sum);
	return put_word(p, opts->tsecr, sum);
}

/* EST-21: MSS, SACK-permitted, TS, NOP, WS, as Linux lays them out. */
static uint8_t *emit_syn_options(uint8_t *p, const struct tg_tcp_opts *opts, uint64_t *sum)
{
	const uint32_t sack_perm = OPT_SACK_PERM << 8 | 2;

	if (opts->has_mss)
		p = put_word(p, (uint32_t)(OPT_MSS << 8 | 4) << 16 | opts->mss, sum);
	if (opts->has_ts)
		p = emit_ts(p, opts->has_sack_perm ? sack_perm : NOP_NOP, opts, sum);
	else if (opts->has_sack_perm)
		p = put_word(p, (uint32_t)NOP_NOP << 16 | sack_perm, sum);
	if (opts->has_wscale)
		p = put_word(p, (uint32_t)SYN_LAYOUT_WS | opts->wscale, sum);
	return p;
}

static uint8_t *emit_sack(uint8_t *p, const struct tg_tcp_opts *opts, uint64_t *sum)
{
	uint32_t blocks = sack_blocks(opts);

	p = put_word(p, (uint32_t)NOP_NOP << 16 | OPT_SACK << 8 | (2 + 8 * blocks), sum);
	for (uint32_t i = 0; i < blocks; i++) {
		p = put_word(p, opts->sack[i].left.v, sum);
		p = put_word(p, opts->sack[i].right.v, sum);
	}
	return p;
}

static inline uint8_t *emit_options(uint8_t *p, const struct tg_tcp_opts *opts, uint64_t *sum)
{
	if (opts->has_ts)
		p = emit_ts(p, NOP_NOP, opts, sum);
	return opts->sack_n ? emit_sack(p, opts, sum) : p;
}

uint32_t tg_tcp_emit_sum(uint8_t *data, const struct tg_seg *seg, uint64_t *sum)
{
	uint8_t *end = data + TG_TCP_LEN;
	uint64_t acc = 0;

	if (seg->ctl & TG_TCP_SYN)
		end = emit_syn_options(end, &seg->opts, &acc);
	else
		end = emit_options(end, &seg->opts, &acc);
	uint32_t hdr_len = (uint32_t)(end - data);

	put_word(data, (uint32_t)seg->sport << 16 | seg->dport, &acc);
	put_word(data + 4, seg->seq.v, &acc);
	put_word(data + 8, seg->ack.v, &acc);
	put_word(data + 12, hdr_len << 26 | (uint32_t)seg->ctl << 16 | seg->wnd, &acc);
	put_word(data + 16, seg->up, &acc); /* checksum 0 */
	*sum = acc;
	return hdr_len;
}

uint32_t tg_tcp_emit(uint8_t *data, const struct tg_seg *seg)
{
	uint64_t sum;

	return tg_tcp_emit_sum(data, seg, &sum);
}

/* The pseudo-header in numbers of host order. */
static inline uint64_t sum_pseudo_host(const struct tg_addr *src, const struct tg_addr *dst,
				       uint32_t len)
{
	if (!tg_addr_is_v4(src))
		return tg_csum_pseudo(src, dst, TG_PROTO_TCP, len);
	return (uint64_t)tg_be32_get(src->b + 12) + tg_be32_get(dst->b + 12) + TG_PROTO_TCP + len;
}

void tg_tcp_csum_set(uint8_t *data, uint32_t len, uint64_t sum, const struct tg_addr *src,
		     const struct tg_addr *dst, bool offload)
{
	uint64_t pseudo = sum_pseudo_host(src, dst, len);

	tg_be16_put(data + 16,
		    offload ? fold_native(pseudo) : (uint16_t)~fold_native(pseudo + sum));
}

void tg_tcp_csum_put(uint8_t *data, uint32_t len, const struct tg_addr *src,
		     const struct tg_addr *dst, bool offload)
{
	tg_be16_put(data + 16, 0);
	tg_tcp_csum_set(data, len, offload ? 0 : tg_csum_add(0, data, len), src, dst, offload);
}

bool tg_tcp_csum_ok(const uint8_t *data, uint32_t len, const struct tg_addr *src,
		    const struct tg_addr *dst)
{
	return fold_native(sum_native(sum_pseudo(src, dst, TG_PROTO_TCP, len), data, len)) ==
	       0xffff;
}
