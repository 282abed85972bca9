/* SPDX-License-Identifier: BSD-3-Clause */
/* siphash.c: SipHash-c-d after the paper (Aumasson, Bernstein, 2012, section 2). */
#include "tg_siphash.h"
#include "tg_types.h"

/* The last word: the bytes that are left, and the length modulo 256 in the top byte. */
static inline uint64_t last_word(const uint8_t *p, size_t left, size_t len)
{
	uint64_t m = tg_sip_len(len);

	for (size_t i = 0; i < left; i++)
		m |= (uint64_t)p[i] << (8 * i);
	return m;
}

uint64_t tg_siphash24(const struct tg_sipkey *key, const void *data, size_t len)
{
	const uint8_t *p = data;
	size_t left = len;
	struct tg_sip s;

	tg_sip_start(&s, key);
	for (; left >= 8; p += 8, left -= 8)
		tg_sip_word2(&s, tg_le64_get(p));
	tg_sip_word2(&s, last_word(p, left, len));
	return tg_sip_end4(&s);
}

uint64_t tg_siphash13(const struct tg_sipkey *key, const void *data, size_t len)
{
	const uint8_t *p = data;
	size_t left = len;
	struct tg_sip s;

	tg_sip_start(&s, key);
	for (; left >= 8; p += 8, left -= 8)
		tg_sip_word1(&s, tg_le64_get(p));
	tg_sip_word1(&s, last_word(p, left, len));
	return tg_sip_end3(&s);
}
