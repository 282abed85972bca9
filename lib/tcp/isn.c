/* SPDX-License-Identifier: BSD-3-Clause */
/* isn.c: numbers that must not be guessed: initial sequence numbers (RFC 6528), timestamp offsets
 * (RFC 7323 7.1), and the hash of a tuple. */
#include "control.h"
#include "tg_syn_batch.h"
#include "tg_tuple_batch.h"
#include "tuple_words.h"

/* EST-01: M ticks every 4 us. */
tg_seq tg_tcp_isn(const struct tg_tuple *tuple, const struct tg_tcp_env *env)
{
	const struct tg_sipkey *key = &env->secret->isn;
	uint64_t f;

	if (tuple_is_v4(tuple)) {
		f = tg_siphash24_2(key, tuple_v4_addrs(tuple), tuple_v4_end(tuple));
	} else {
		uint8_t buf[TUPLE_V6_LEN];

		f = tg_siphash24(key, buf, tuple_put_v6(tuple, buf));
	}
	return tg_seq_make((uint32_t)(env->now_ns / 4000) + (uint32_t)f);
}

/* EST-18: by the two addresses alone, so that it is the same for all connections of a peer. */
uint32_t tg_tcp_ts_offset(const struct tg_tuple *tuple, const struct tg_tcp_env *env)
{
	const struct tg_sipkey *key = &env->secret->ts;

	if (tuple_is_v4(tuple))
		return (uint32_t)tg_siphash24_2(key, tuple_v4_addrs(tuple),
						tg_sip_len(TUPLE_ADDRS_V4_LEN));
	uint8_t buf[TUPLE_V6_LEN];

	tuple_put_v6(tuple, buf);
	return (uint32_t)tg_siphash24(key, buf, TUPLE_ADDRS_V6_LEN);
}

uint64_t tg_tcp_tuple_hash(const struct tg_tuple *tuple, const struct tg_tcp_secret *secret)
{
	if (tuple_is_v4(tuple))
		return tg_siphash13_2(&secret->tuple, tuple_v4_addrs(tuple), tuple_v4_end(tuple));
	uint8_t buf[TUPLE_V6_LEN];

	return tg_siphash13(&secret->tuple, buf, tuple_put_v6(tuple, buf));
}

void tg_syn_batch_hash(struct tg_syn_batch *b, const struct tg_tcp_secret *secret,
		       const struct tg_sip_lanes *lanes)
{
	const uint64_t *m[TG_SIP_WORDS_MAX];
	uint32_t words = tg_syn_batch_words(b, m);
	uint64_t len = tg_sip_len(b->v6 ? TUPLE_V6_LEN : TUPLE_V4_LEN);

	for (uint32_t i = 0; i < b->n; i++)
		b->end[i] = (b->ports[i] & UINT32_MAX) | len;
	m[words] = b->end;
	lanes->hash13(&secret->tuple, m, words + 1, b->hash, b->n);
}

/* Below it, lanes that stand empty cost more than going one by one. */
enum { FEW_LANES = 3 };

void tg_tuple_batch_hash(struct tg_tuple_batch *b, const struct tg_tcp_secret *secret,
			 const struct tg_sip_lanes *lanes)
{
	const uint64_t *m[] = {b->addrs, b->end};

	if (b->n >= FEW_LANES) {
		lanes->hash13(&secret->tuple, m, 2, b->hash, b->n);
		return;
	}
	for (uint32_t i = 0; i < b->n; i++)
		b->hash[i] = tg_siphash13_2(&secret->tuple, b->addrs[i], b->end[i]);
}

void tg_tuple_batch_number(struct tg_tuple_batch *b, const struct tg_tcp_secret *secret,
			   const struct tg_sip_lanes *lanes)
{
	const uint64_t *m[] = {b->addrs, b->end}, *a[] = {b->addrs, b->ts};

	for (uint32_t i = 0; i < b->n; i++)
		b->ts[i] = tg_sip_len(TUPLE_ADDRS_V4_LEN);
	if (b->n >= FEW_LANES) {
		lanes->hash24(&secret->isn, m, 2, b->isn, b->n);
		lanes->hash24(&secret->ts, a, 2, b->ts, b->n);
		return;
	}
	for (uint32_t i = 0; i < b->n; i++) {
		b->isn[i] = tg_siphash24_2(&secret->isn, b->addrs[i], b->end[i]);
		b->ts[i] = tg_siphash24_2(&secret->ts, b->addrs[i], b->ts[i]);
	}
}
