/* SPDX-License-Identifier: BSD-3-Clause */
/* wire_int.h: what the files of wire/ share and nobody else sees: native loads, the inner loop of
 * the checksum, address checks, the walk over IPv6 extension headers. */
#ifndef TG_WIRE_INT_H
#define TG_WIRE_INT_H

#include "tg_wire.h"

/* --- native words: RFC 1071 2(B): the sum is the same in either byte order, only swapped --- */

static inline uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t load32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint16_t load16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Ones' complement addition in 64 bits: the carry comes round. Said like this compilers make two
 * instructions of it, one with the load. */
static inline uint64_t sum64(uint64_t acc, uint64_t w)
{
	uint64_t sum;
	bool carry = __builtin_add_overflow(acc, w, &sum);

	return sum + carry;
}

static inline uint16_t fold_native(uint64_t acc)
{
	return tg_csum_fold_native(acc);
}

/* A folded native sum as a number in host order. */
static inline uint16_t native_to_host16(uint16_t v)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return __builtin_bswap16(v);
#else
	return v;
#endif
}

/* The rest of a run, 0..31 bytes. */
static inline uint64_t sum_tail(uint64_t acc, const uint8_t *p, size_t len)
{
	if (len & 16) {
		acc = sum64(acc, load64(p));
		acc = sum64(acc, load64(p + 8));
		p += 16;
	}
	if (len & 8) {
		acc = sum64(acc, load64(p));
		p += 8;
	}
	if (len & 4) {
		acc = sum64(acc, load32(p));
		p += 4;
	}
	if (len & 2) {
		acc = sum64(acc, load16(p));
		p += 2;
	}
	if (len & 1) {
		/* An odd byte is the high half of its word on the wire: the byte that stands first
		 * in memory. */
		const uint8_t last[2] = {*p, 0};
		acc = sum64(acc, load16(last));
	}
	return acc;
}

/* Two independent chains, so that the carries do not wait for each other. */
static inline uint64_t sum_native(uint64_t acc, const uint8_t *p, size_t len)
{
	uint64_t other = 0;

	for (; len >= 32; p += 32, len -= 32) {
		acc = sum64(acc, load64(p));
		other = sum64(other, load64(p + 8));
		acc = sum64(acc, load64(p + 16));
		other = sum64(other, load64(p + 24));
	}
	return sum_tail(sum64(acc, other), p, len);
}

/* A 16-bit number as a native word. */
static inline uint16_t host16_to_native(uint16_t v)
{
	return native_to_host16(v);
}

/* The pseudo-header (RFC 9293 3.1, RFC 8200 8.1) as a native sum. src decides the family. */
static inline uint64_t sum_pseudo(const struct tg_addr *src, const struct tg_addr *dst,
				  uint8_t proto, uint32_t len)
{
	uint64_t acc = host16_to_native(proto);

	acc += (uint64_t)host16_to_native((uint16_t)(len >> 16)) +
	       host16_to_native((uint16_t)(len & 0xffff));
	if (tg_addr_is_v4(src))
		return acc + load32(src->b + 12) + load32(dst->b + 12);
	acc = sum64(acc, load64(src->b));
	acc = sum64(acc, load64(src->b + 8));
	acc = sum64(acc, load64(dst->b));
	return sum64(acc, load64(dst->b + 8));
}

/* --- addresses --- */

/* tg_addr_from_v4 in two whole words: whoever hashes the address next loads words, and a load that
 * spans several smaller stores must wait for all of them. */
static inline void addr_put_v4(struct tg_addr *a, const uint8_t *v4)
{
	uint64_t v = load32(v4), word[2] = {0, 0};

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	word[1] = v << 32 | 0xffff0000u;
#else
	word[1] = v | 0xffffull << 32;
#endif
	memcpy(a->b, word, sizeof(word));
}

static inline bool addr_is_unspecified(const struct tg_addr *a)
{
	return (load64(a->b) | load64(a->b + 8)) == 0;
}

static inline bool addr_is_multicast6(const struct tg_addr *a)
{
	return a->b[0] == 0xff;
}

/* --- IPv6 extension headers (RFC 8200 4, LN-14) --- */

enum {
	TG_EXT_HOPOPT = 0,
	TG_EXT_ROUTING = 43,
	TG_EXT_FRAGMENT = 44,
	TG_EXT_NONE = 59,
	TG_EXT_DSTOPT = 60,
	TG_EXT_MAX = 8 /* headers in one chain */
};

struct ip6_chain {
	uint32_t len;     /* bytes of extension headers */
	uint8_t proto;    /* the protocol behind them */
	uint8_t fragment; /* a fragment header was there, atomic or not */
	uint8_t later;    /* ... and its offset is not 0 */
	uint8_t more;     /* ... and more fragments follow, or this is not the first */
	uint8_t refused;  /* an option says that who does not know it must drop the packet */
	uint8_t routed;   /* a routing header has segments left */
};

/* Walks the chain that begins with header type proto at data[len]. Stops behind a fragment header
 * that has an offset: what follows is not a header. False when the chain leaves data[len], is
 * longer than TG_EXT_MAX, or has a hop-by-hop header that is not the first. */
bool tg_ip6_chain_parse(const uint8_t *data, uint32_t len, uint8_t proto, struct ip6_chain *chain);

#endif
