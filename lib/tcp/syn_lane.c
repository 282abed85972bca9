/* SPDX-License-Identifier: BSD-3-Clause */
/* syn_lane.c: see tg_syn_lane.h. */
#include "syn_lane.h"
#include <assert.h>

enum { WORD_TS = 13, WORD_DST = 5, WORD_OPTIONS = 11, ROW_BACK = 4 };

static uint32_t load32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* --- SYNs --- */

/* Where TSval stands, if it does. */
static void place_ts(struct tg_syn_rows *r, const struct tg_syn_shape *s)
{
	uint32_t word = (s->ts_at - r->at) / 4;

	r->ts_early = r->ts_late = 0;
	if (!(s->syn.has & TG_SYN_TS))
		return;
	assert(word == WORD_TS || word == WORD_TS + 1);
	if (word == WORD_TS)
		r->ts_early = UINT32_MAX;
	else
		r->ts_late = UINT32_MAX;
}

bool tg_syn_rows_init(struct tg_syn_rows *r, const struct tg_syn_shape *s,
		      const struct tg_addr *laddr)
{
	uint32_t header = s->hdr_len / 4u;
	const uint8_t tail[4] = {0, TG_PROTO_TCP, 0, s->hdr_len};

	r->at = s->l2_len - (uint32_t)ROW_BACK;
	r->len = s->len;
	r->near_n = 0;
	if (s->len > r->at + TG_SYN_ROW)
		return false;
	for (uint32_t i = 0; i < TG_SYN_WORDS; i++) {
		r->mask[i] = load32(s->mask + r->at + 4 * i);
		r->want[i] = load32(s->bytes + r->at + 4 * i) & r->mask[i];
		r->keep[i] = i < WORD_OPTIONS - TG_TCP_LEN / 4 + header ? UINT32_MAX : 0;
	}
	memcpy(r->head_mask, s->mask, sizeof(r->head_mask));
	for (uint32_t i = 0; i < TG_SYN_HEAD; i++)
		r->head[i] = s->bytes[i] & s->mask[i];
	r->rest = (load32(tail) & 0xffff) + (load32(tail) >> 16);
	r->laddr = load32(laddr->b + 12);
	assert(r->laddr == r->want[WORD_DST] && r->mask[WORD_DST] == UINT32_MAX);
	place_ts(r, s);
	return true;
}

bool tg_syn_rows_near(struct tg_syn_rows *r, uint32_t net, uint32_t mask)
{
	if (r->near_n == TG_SYN_NEAR_MAX)
		return false;
	r->near_net[r->near_n] = tg_be32_swap(net);
	r->near_mask[r->near_n++] = tg_be32_swap(mask);
	return true;
}

/* --- SYN-ACKs --- */

void tg_synack_rows_init(struct tg_synack_rows *r, const struct tg_synack *s)
{
	bool tcp_csum = s->tx_flags & TG_TX_TCP_CSUM;

	assert(s->l3_len == TG_IP4_LEN);
	r->at = s->l2_len - (uint32_t)ROW_BACK;
	assert(s->len <= r->at + TG_SYN_ROW && r->at + TG_SYN_ROW <= sizeof(s->bytes));
	for (uint32_t i = 0; i < TG_SYN_WORDS; i++)
		r->word[i] = load32(s->bytes + r->at + 4 * i);
	memcpy(r->head, s->bytes, sizeof(r->head));
	r->ip_sum = tg_csum_fold_native(s->ip_sum);
	r->tcp_sum = tg_csum_fold_native(s->tcp_sum);
	r->ip_mask = (s->tx_flags & TG_TX_IP_CSUM) ? 0 : UINT32_MAX;
	r->tcp_mask = tcp_csum ? 0 : UINT32_MAX;
	r->ts_mask = s->has_ts ? UINT32_MAX : 0;
}

/* --- ways --- */

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
static const struct tg_syn_lane any = {"any", tg_syn_read_any, tg_syn_write_any};

#if defined(__x86_64__)
static const struct tg_syn_lane avx512 = {"avx512", tg_syn_read_avx512, tg_syn_write_avx512};
static const struct tg_syn_lane avx2 = {"avx2", tg_syn_read_avx2, tg_syn_write_avx2};

static const struct tg_syn_lane *of_processor(uint32_t i)
{
	const struct tg_syn_lane *have[2];
	uint32_t n = 0;

	if (__builtin_cpu_supports("avx512f"))
		have[n++] = &avx512;
	if (__builtin_cpu_supports("avx2"))
		have[n++] = &avx2;
	return i < n ? have[i] : i == n ? &any : NULL;
}
#else
static const struct tg_syn_lane *of_processor(uint32_t i)
{
	return i == 0 ? &any : NULL;
}
#endif
#else
static const struct tg_syn_lane *of_processor(uint32_t i)
{
	return NULL;
}
#endif

const struct tg_syn_lane *tg_syn_lane_at(uint32_t i)
{
	return of_processor(i);
}
