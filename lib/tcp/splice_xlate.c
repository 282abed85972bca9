/* SPDX-License-Identifier: BSD-3-Clause */
/* splice_xlate.c: SP-02, SP-03, SP-05 on one segment. The checksum changes by the sum of what
 * changed (RFC 1624): a byte that was damaged between the other end and us stays damaged, and is
 * found where it should be. */
#include "tg_splice_xlate.h"

enum { OPT_END = 0, OPT_NOP = 1, OPT_SACK = 5, OPT_TS = 8 };
enum { TS_LEN = 10, SACK_HDR = 2, SACK_BLOCK = 8, SACK_MAX = 4 };
/* NOP NOP TS alone: nearly every segment (RFC 7323 appendix A). */
enum { TS_LAYOUT = 0x0101080a, TS_LAYOUT_LEN = 12 };
enum { AT_PORTS = 0, AT_SEQ = 4, AT_ACK = 8, AT_CTL = 13, AT_WND = 14, AT_CSUM = 16 };

/* In ones' complement arithmetic a word of 32 bits is the sum of its halves. */
static inline void put32(uint8_t *p, uint32_t to, uint64_t *sum)
{
	*sum += (uint64_t)(uint32_t)~tg_be32_get(p) + to;
	tg_be32_put(p, to);
}

static inline void add32(uint8_t *p, uint32_t add, uint64_t *sum)
{
	if (add)
		put32(p, tg_be32_get(p) + add, sum);
}

uint64_t tg_splice_addr_sum(const struct tg_addr *src, const struct tg_addr *dst,
			    const struct tg_addr *new_src, const struct tg_addr *new_dst)
{
	uint64_t sum = 0;

	/* The prefix of mapped addresses is the same before and after. */
	for (uint32_t i = 0; i < 16; i += 4) {
		sum += (uint64_t)(uint32_t)~tg_be32_get(src->b + i) + tg_be32_get(new_src->b + i);
		sum += (uint64_t)(uint32_t)~tg_be32_get(dst->b + i) + tg_be32_get(new_dst->b + i);
	}
	return sum;
}

/* SP-05: rounded down, so never beyond what was offered. */
static uint16_t window(uint16_t wnd, const struct tg_splice_xlate *x)
{
	uint32_t units = (uint32_t)wnd << x->wnd_from >> x->wnd_to;

	return units < UINT16_MAX ? (uint16_t)units : UINT16_MAX;
}

/* A TSecr of 0 says "nothing yet" (RFC 7323 3.2), and must go on saying so. */
static void shift_ts(uint8_t *body, bool has_ack, const struct tg_splice_xlate *x)
{
	uint32_t tsecr = tg_be32_get(body + 4);

	tg_be32_put(body, tg_be32_get(body) + x->tsval_add);
	if (has_ack && tsecr)
		tg_be32_put(body + 4, tsecr + x->tsecr_add);
}

/* SP-02: D-SACK is a block like the others. */
static void shift_sack(uint8_t *body, uint32_t len, const struct tg_splice_xlate *x)
{
	for (uint32_t i = 0; i < len; i += 4)
		tg_be32_put(body + i, tg_be32_get(body + i) + x->ack_add);
}

/* One option of n bytes; false when that is wrong for its kind. */
static bool shift_option(uint8_t *opt, uint32_t n, bool has_ack, const struct tg_splice_xlate *x)
{
	bool keep = false;

	if (opt[0] == OPT_TS) {
		if (n != TS_LEN)
			return false;
		keep = x->ts;
		if (keep)
			shift_ts(opt + 2, has_ack, x);
	} else if (opt[0] == OPT_SACK) {
		if (n <= SACK_HDR || (n - SACK_HDR) % SACK_BLOCK ||
		    n > SACK_HDR + SACK_MAX * SACK_BLOCK)
			return false;
		keep = x->sack;
		if (keep)
			shift_sack(opt + SACK_HDR, n - SACK_HDR, x);
	}
	if (!keep)
		memset(opt, OPT_NOP, n);
	return true;
}

static bool shift_options(uint8_t *opt, uint32_t len, bool has_ack, const struct tg_splice_xlate *x)
{
	while (len > 0 && opt[0] != OPT_END) {
		uint32_t n = 1;

		if (opt[0] != OPT_NOP) {
			if (len < 2 || opt[1] < 2 || opt[1] > len)
				return false;
			n = opt[1];
			if (!shift_option(opt, n, has_ack, x))
				return false;
		}
		opt += n;
		len -= n;
	}
	return true;
}

/* Values may stand at odd places, so the whole area is summed before and after. */
static bool options_slowly(uint8_t *opt, uint32_t len, bool has_ack,
			   const struct tg_splice_xlate *x, uint64_t *sum)
{
	uint64_t before = tg_csum_add(0, opt, len);
	bool good = shift_options(opt, len, has_ack, x);

	*sum += (uint16_t)~before + tg_csum_add(0, opt, len);
	return good;
}

static inline bool options(uint8_t *opt, uint32_t len, bool has_ack,
			   const struct tg_splice_xlate *x, uint64_t *sum)
{
	if (len == 0)
		return true;
	if (len != TS_LAYOUT_LEN || tg_be32_get(opt) != TS_LAYOUT || !x->ts)
		return options_slowly(opt, len, has_ack, x, sum);
	add32(opt + 4, x->tsval_add, sum);
	if (has_ack && tg_be32_get(opt + 8))
		add32(opt + 8, x->tsecr_add, sum);
	return true;
}

bool tg_splice_xlate(uint8_t *tcp, const struct tg_splice_xlate *x)
{
	uint32_t opt_len = (tcp[12] >> 4) * 4u - TG_TCP_LEN;
	bool has_ack = (tcp[AT_CTL] & TG_TCP_ACK) != 0;
	uint16_t old_wnd = tg_be16_get(tcp + AT_WND), new_wnd = window(old_wnd, x);
	uint64_t sum = x->addr_sum;

	if (!options(tcp + TG_TCP_LEN, opt_len, has_ack, x, &sum))
		return false;
	put32(tcp + AT_PORTS, (uint32_t)x->sport << 16 | x->dport, &sum);
	add32(tcp + AT_SEQ, x->seq_add, &sum);
	if (has_ack) /* without the flag the field says nothing */
		add32(tcp + AT_ACK, x->ack_add, &sum);
	tg_be16_put(tcp + AT_WND, new_wnd);
	sum += (uint64_t)(uint16_t)~old_wnd + new_wnd;
	sum += (uint16_t)~tg_be16_get(tcp + AT_CSUM);
	tg_be16_put(tcp + AT_CSUM, tg_csum_fold(sum));
	return true;
}
