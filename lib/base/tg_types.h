/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_types.h: byte order, addresses, the four-tuple. */
#ifndef TG_TYPES_H
#define TG_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Values as they stand on the wire. Only tg_be*_get/put below turn them into numbers. */
typedef uint16_t tg_be16;
typedef uint32_t tg_be32;

/* Host order to network order and back. */
static inline uint16_t tg_be16_swap(uint16_t v)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return __builtin_bswap16(v);
#else
	return v;
#endif
}

static inline uint32_t tg_be32_swap(uint32_t v)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return __builtin_bswap32(v);
#else
	return v;
#endif
}

/* In one piece: compilers do not always make one load or store of four. */
static inline uint16_t tg_be16_get(const void *p)
{
	tg_be16 v;

	memcpy(&v, p, sizeof(v));
	return tg_be16_swap(v);
}

static inline uint32_t tg_be32_get(const void *p)
{
	tg_be32 v;

	memcpy(&v, p, sizeof(v));
	return tg_be32_swap(v);
}

static inline void tg_be16_put(void *p, uint16_t v)
{
	tg_be16 w = tg_be16_swap(v);

	memcpy(p, &w, sizeof(w));
}

static inline void tg_be32_put(void *p, uint32_t v)
{
	tg_be32 w = tg_be32_swap(v);

	memcpy(p, &w, sizeof(w));
}

/* Little-endian, as SipHash and what is derived by it read bytes. */
static inline uint64_t tg_le64_get(const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	return v;
}

static inline void tg_le64_put(void *p, uint64_t v)
{
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	memcpy(p, &v, sizeof(v));
}

#define TG_NONE      UINT32_MAX /* "no index", everywhere an index is kept */
#define TG_NS_PER_MS 1000000ull

struct tg_mac {
	uint8_t b[6];
};

/* An IPv6 address, or an IPv4 address in its mapped form ::ffff:a.b.c.d (RFC 4291 2.5.5.2), in
 * network byte order. A mapped address never comes from the wire (LN-12), so the form is free. */
struct tg_addr {
	uint8_t b[16];
};

static inline bool tg_addr_is_v4(const struct tg_addr *a)
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
	return memcmp(a->b, prefix, sizeof(prefix)) == 0;
}

/* fe80::/10, which is never routed; an IPv4 address is none. */
static inline bool tg_addr_is_link_local6(const struct tg_addr *a)
{
	return a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

static inline bool tg_addr_equal(const struct tg_addr *a, const struct tg_addr *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

/* v4: four bytes in network order. */
static inline struct tg_addr tg_addr_from_v4(const void *v4)
{
	struct tg_addr a = {{[10] = 0xff, [11] = 0xff}};
	memcpy(a.b + 12, v4, 4);
	return a;
}

static inline struct tg_addr tg_addr_from_v6(const void *v6)
{
	struct tg_addr a;
	memcpy(a.b, v6, 16);
	return a;
}

/* The IPv4 word of a mapped address, in network order. */
static inline tg_be32 tg_addr_v4(const struct tg_addr *a)
{
	tg_be32 v;
	memcpy(&v, a->b + 12, 4);
	return v;
}

/* Text to address and back. parse: text is IPv4 dotted or IPv6; false when it is neither.
 * format: writes at most size bytes with the terminator; 46 always suffice. Returns buf. */
bool tg_addr_parse(const char *text, struct tg_addr *out);
const char *tg_addr_format(const struct tg_addr *a, char *buf, size_t size);

/* "addr/len" or "addr". *prefix_len is 0..32 for IPv4, 0..128 for IPv6; the full length without
 * "/". */
bool tg_addr_parse_prefix(const char *text, struct tg_addr *out, uint8_t *prefix_len);
/* True when a lies in net/prefix_len; prefix_len as above, by net's family. */
bool tg_addr_in_prefix(const struct tg_addr *a, const struct tg_addr *net, uint8_t prefix_len);

/* A connection's name, seen from us: l = local, r = remote. Ports in host byte order. */
struct tg_tuple {
	struct tg_addr laddr, raddr;
	uint16_t lport, rport;
};

#endif
