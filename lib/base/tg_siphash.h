/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_siphash.h: SipHash (Aumasson, Bernstein), keyed hashing that an attacker cannot steer.
 * 2-4 where a number is shown to the network (ISN, cookie, timestamp offset), 1-3 for table
 * hashes, which never leave the process. Same result on every machine. */
#ifndef TG_SIPHASH_H
#define TG_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct tg_sipkey {
	uint64_t k0, k1;
};

uint64_t tg_siphash24(const struct tg_sipkey *key, const void *data, size_t len);
uint64_t tg_siphash13(const struct tg_sipkey *key, const void *data, size_t len);

/* --- a few words, inline and without loops: what each packet is hashed by ---
 *
 * m0, m1, ... are the input as the paper has it (section 2.2): its bytes as little-endian numbers,
 * eight a word, the last word with the bytes that are left and, in its top byte, the length modulo
 * 256 (tg_sip_len). Equal to the functions above on those bytes. */

struct tg_sip {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t tg_sip_len(uint64_t len)
{
	return len << 56;
}

static inline uint64_t tg_sip_rotl(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

/* Never a call: it would cost as much as the round. */
static inline __attribute__((always_inline)) void tg_sip_round(struct tg_sip *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = tg_sip_rotl(s->v1, 13) ^ s->v0;
	s->v3 = tg_sip_rotl(s->v3, 16) ^ s->v2;
	s->v0 = tg_sip_rotl(s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = tg_sip_rotl(s->v1, 17) ^ s->v2;
	s->v3 = tg_sip_rotl(s->v3, 21) ^ s->v0;
	s->v2 = tg_sip_rotl(s->v2, 32);
}

static inline __attribute__((always_inline)) void tg_sip_start(struct tg_sip *s,
							       const struct tg_sipkey *key)
{
	s->v0 = key->k0 ^ 0x736f6d6570736575ull;
	s->v1 = key->k1 ^ 0x646f72616e646f6dull;
	s->v2 = key->k0 ^ 0x6c7967656e657261ull;
	s->v3 = key->k1 ^ 0x7465646279746573ull;
}

/* One word of SipHash-1-d. */
static inline __attribute__((always_inline)) void tg_sip_word1(struct tg_sip *s, uint64_t m)
{
	s->v3 ^= m;
	tg_sip_round(s);
	s->v0 ^= m;
}

/* One word of SipHash-2-d. */
static inline __attribute__((always_inline)) void tg_sip_word2(struct tg_sip *s, uint64_t m)
{
	s->v3 ^= m;
	tg_sip_round(s);
	tg_sip_round(s);
	s->v0 ^= m;
}

/* The end of SipHash-c-3. */
static inline __attribute__((always_inline)) uint64_t tg_sip_end3(struct tg_sip *s)
{
	s->v2 ^= 0xff;
	tg_sip_round(s);
	tg_sip_round(s);
	tg_sip_round(s);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

/* The end of SipHash-c-4. */
static inline __attribute__((always_inline)) uint64_t tg_sip_end4(struct tg_sip *s)
{
	s->v2 ^= 0xff;
	tg_sip_round(s);
	tg_sip_round(s);
	tg_sip_round(s);
	tg_sip_round(s);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

static inline uint64_t tg_siphash13_2(const struct tg_sipkey *key, uint64_t m0, uint64_t m1)
{
	struct tg_sip s;

	tg_sip_start(&s, key);
	tg_sip_word1(&s, m0);
	tg_sip_word1(&s, m1);
	return tg_sip_end3(&s);
}

static inline uint64_t tg_siphash24_2(const struct tg_sipkey *key, uint64_t m0, uint64_t m1)
{
	struct tg_sip s;

	tg_sip_start(&s, key);
	tg_sip_word2(&s, m0);
	tg_sip_word2(&s, m1);
	return tg_sip_end4(&s);
}

static inline uint64_t tg_siphash24_3(const struct tg_sipkey *key, uint64_t m0, uint64_t m1,
				      uint64_t m2)
{
	struct tg_sip s;

	tg_sip_start(&s, key);
	tg_sip_word2(&s, m0);
	tg_sip_word2(&s, m1);
	tg_sip_word2(&s, m2);
	return tg_sip_end4(&s);
}

#endif
