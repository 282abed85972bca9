/* SPDX-License-Identifier: BSD-3-Clause */
/* by_hand.h: numbers in network order, and checksums, by hand (RFC 791, 1071, 8200, 9293 3.1): for
 * tests that write and read packets without lib/wire, so that a mistake in there shows. */
#ifndef BY_HAND_H
#define BY_HAND_H

#include <stddef.h>
#include <stdint.h>

static inline void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static inline uint32_t get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static inline uint32_t get32(const uint8_t *p)
{
	return get16(p) << 16 | get16(p + 2);
}

/* p[n] added to a sum of words; only the last part of what is summed may be odd. Four bytes at a
 * time: the folding does not mind, and some tests sum gigabytes. */
static inline uint64_t sum(uint64_t acc, const uint8_t *p, size_t n)
{
	size_t i = 0;

	for (; i + 3 < n; i += 4)
		acc += get32(p + i);
	for (; i + 1 < n; i += 2)
		acc += get16(p + i);
	return n & 1 ? acc + ((uint32_t)p[n - 1] << 8) : acc;
}

/* The checksum that a sum makes; 0 when the field was summed, too, and is right. */
static inline uint32_t fold(uint64_t acc)
{
	while (acc >> 16)
		acc = (acc & 0xffff) + (acc >> 16);
	return ~(uint32_t)acc & 0xffff;
}

static inline size_t ip_len(const uint8_t *d)
{
	return d[0] >> 4 == 6 ? 40 : (size_t)(d[0] & 15) * 4;
}

/* The checksum of what the datagram d[len] carries, with its pseudo-header (ICMP over IPv4 has
 * none); over IPv6 there are no extension headers. A header that is too long has no right one. */
static inline uint32_t l4_sum(const uint8_t *d, size_t len)
{
	size_t at = ip_len(d);
	int v6 = d[0] >> 4 == 6;

	if (at > len)
		return 0xffff;
	uint32_t proto = v6 ? d[6] : d[9];
	uint64_t pseudo = sum(len - at + proto, d + (v6 ? 8 : 12), v6 ? 32 : 8);

	return fold(sum(proto == 1 ? 0 : pseudo, d + at, len - at));
}

#endif
