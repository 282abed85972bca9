/* SPDX-License-Identifier: BSD-3-Clause */
/* siphash.c: SipHash-c-d after the paper (Aumasson, Bernstein, 2012, section 2). */
#include "tg_siphash.h"

#include <string.h>

struct sip_state {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotl(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

static inline uint64_t load_le64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	return v;
}

static inline void sip_rounds(struct sip_state *s, int n)
{
	for (int i = 0; i < n; i++) {
		s->v0 += s->v1;
		s->v2 += s->v3;
		s->v1 = rotl(s->v1, 13) ^ s->v0;
		s->v3 = rotl(s->v3, 16) ^ s->v2;
		s->v0 = rotl(s->v0, 32);
		s->v2 += s->v1;
		s->v0 += s->v3;
		s->v1 = rotl(s->v1, 17) ^ s->v2;
		s->v3 = rotl(s->v3, 21) ^ s->v0;
		s->v2 = rotl(s->v2, 32);
	}
}

static inline void sip_word(struct sip_state *s, uint64_t m, int c)
{
	s->v3 ^= m;
	sip_rounds(s, c);
	s->v0 ^= m;
}

/* The last word: the bytes that are left, and the length modulo 256 in the top byte. */
static inline uint64_t last_word(const uint8_t *p, size_t left, size_t len)
{
	uint64_t m = (uint64_t)len << 56;

	for (size_t i = 0; i < left; i++)
		m |= (uint64_t)p[i] << (8 * i);
	return m;
}

/* Inlined twice with constant c and d, so that the rounds unroll. */
static inline uint64_t siphash(const struct tg_sipkey *key, const void *data, size_t len, int c,
			       int d)
{
	struct sip_state s = {key->k0 ^ 0x736f6d6570736575ull, key->k1 ^ 0x646f72616e646f6dull,
			      key->k0 ^ 0x6c7967656e657261ull, key->k1 ^ 0x7465646279746573ull};
	const uint8_t *p = data;
	size_t left = len;

	for (; left >= 8; p += 8, left -= 8)
		sip_word(&s, load_le64(p), c);
	sip_word(&s, last_word(p, left, len), c);
	s.v2 ^= 0xff;
	sip_rounds(&s, d);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t tg_siphash24(const struct tg_sipkey *key, const void *data, size_t len)
{
	return siphash(key, data, len, 2, 4);
}

uint64_t tg_siphash13(const struct tg_sipkey *key, const void *data, size_t len)
{
	return siphash(key, data, len, 1, 3);
}
