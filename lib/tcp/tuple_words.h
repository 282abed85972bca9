/* SPDX-License-Identifier: BSD-3-Clause */
/* tuple_words.h (private to tcp): a tuple as SipHash's input. In bytes: laddr, raddr, lport, rport,
 * all in network order; an IPv4 address is four bytes long. So an IPv4 tuple is a word and a half,
 * and never meets memory on its way into the hash. */
#ifndef TG_TCP_TUPLE_WORDS_H
#define TG_TCP_TUPLE_WORDS_H

#include "tg_siphash.h"
#include "tg_types.h"

enum {
	TUPLE_V4_LEN = 12,
	TUPLE_V6_LEN = 36,
	TUPLE_ADDRS_V4_LEN = 8,
	TUPLE_ADDRS_V6_LEN = 32,
	TUPLE_V6_ADDR_WORDS = 4
};

/* Four bytes, the first one lowest. */
static inline uint32_t tuple_le32(const uint8_t *p)
{
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static inline bool tuple_is_v4(const struct tg_tuple *t)
{
	return tg_addr_is_v4(&t->raddr);
}

/* Bytes 0 to 7 of an IPv4 tuple. */
static inline uint64_t tuple_v4_addrs(const struct tg_tuple *t)
{
	return tuple_le32(t->laddr.b + 12) | (uint64_t)tuple_le32(t->raddr.b + 12) << 32;
}

/* The ports, which follow the addresses. */
static inline uint64_t tuple_v4_ports(const struct tg_tuple *t)
{
	return __builtin_bswap16(t->lport) | (uint64_t)__builtin_bswap16(t->rport) << 16;
}

/* Word i of the addresses of an IPv6 tuple, 0..TUPLE_V6_ADDR_WORDS-1. */
static inline uint64_t tuple_v6_addr(const struct tg_tuple *t, uint32_t i)
{
	const uint8_t *p = (i < 2 ? t->laddr.b : t->raddr.b) + 8 * (i & 1);

	return tuple_le32(p) | (uint64_t)tuple_le32(p + 4) << 32;
}

/* The last word of an IPv4 tuple. */
static inline uint64_t tuple_v4_end(const struct tg_tuple *t)
{
	return tuple_v4_ports(t) | tg_sip_len(TUPLE_V4_LEN);
}

/* All bytes of an IPv6 tuple; buf has room for TUPLE_V6_LEN. */
static inline size_t tuple_put_v6(const struct tg_tuple *t, uint8_t *buf)
{
	memcpy(buf, t->laddr.b, 16);
	memcpy(buf + 16, t->raddr.b, 16);
	tg_be16_put(buf + 32, t->lport);
	tg_be16_put(buf + 34, t->rport);
	return TUPLE_V6_LEN;
}

#endif
