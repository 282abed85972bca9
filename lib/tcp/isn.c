/* SPDX-License-Identifier: BSD-3-Clause */
/* isn.c: numbers that must not be guessed: initial sequence numbers (RFC 6528), timestamp offsets
 * (RFC 7323 7.1), and the hash of a tuple. */
#include "control.h"

enum { TUPLE_LEN = 36, TUPLE_V4_LEN = 12 };

static size_t put_tuple(const struct tg_tuple *tuple, uint8_t *buf)
{
	memcpy(buf, tuple->laddr.b, 16);
	memcpy(buf + 16, tuple->raddr.b, 16);
	tg_be16_put(buf + 32, tuple->lport);
	tg_be16_put(buf + 34, tuple->rport);
	return TUPLE_LEN;
}

/* An IPv4 tuple in short: the hash stands on the packet path. */
static size_t put_tuple_short(const struct tg_tuple *tuple, uint8_t *buf)
{
	memcpy(buf, tuple->laddr.b + 12, 4);
	memcpy(buf + 4, tuple->raddr.b + 12, 4);
	tg_be16_put(buf + 8, tuple->lport);
	tg_be16_put(buf + 10, tuple->rport);
	return TUPLE_V4_LEN;
}

/* EST-01: M ticks every 4 us. */
tg_seq tg_tcp_isn(const struct tg_tuple *tuple, const struct tg_tcp_env *env)
{
	uint8_t buf[TUPLE_LEN];
	uint64_t f = tg_siphash24(&env->secret->isn, buf, put_tuple(tuple, buf));

	return tg_seq_make((uint32_t)(env->now_ns / 4000) + (uint32_t)f);
}

/* EST-18: by the two addresses alone, so that it is the same for all connections of a peer. */
uint32_t tg_tcp_ts_offset(const struct tg_tuple *tuple, const struct tg_tcp_env *env)
{
	uint8_t buf[32];

	memcpy(buf, tuple->laddr.b, 16);
	memcpy(buf + 16, tuple->raddr.b, 16);
	return (uint32_t)tg_siphash24(&env->secret->ts, buf, sizeof(buf));
}

uint64_t tg_tcp_tuple_hash(const struct tg_tuple *tuple, const struct tg_tcp_secret *secret)
{
	uint8_t buf[TUPLE_LEN];
	bool v4 = tg_addr_is_v4(&tuple->laddr) && tg_addr_is_v4(&tuple->raddr);
	size_t len = v4 ? put_tuple_short(tuple, buf) : put_tuple(tuple, buf);

	return tg_siphash13(&secret->tuple, buf, len);
}
