/* SPDX-License-Identifier: BSD-3-Clause */
/* rng.c: xoshiro256** (Blackman, Vigna), seeded through splitmix64 as its authors advise. */
#include "tg_rng.h"

static uint64_t rotl(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

static uint64_t splitmix(uint64_t *x)
{
	uint64_t z = (*x += 0x9e3779b97f4a7c15ull);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

void tg_rng_init(struct tg_rng *rng, uint64_t seed)
{
	/* splitmix64 is a bijection of a counter: four words in a row are never all zero, the one
	 * state that xoshiro cannot leave. */
	for (int i = 0; i < 4; i++)
		rng->s[i] = splitmix(&seed);
}

uint64_t tg_rng_next(struct tg_rng *rng)
{
	uint64_t *s = rng->s;
	uint64_t result = rotl(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return result;
}

uint32_t tg_rng_below(struct tg_rng *rng, uint32_t n)
{
	return (uint32_t)((tg_rng_next(rng) >> 32) * n >> 32);
}

struct tg_sipkey tg_rng_key(struct tg_rng *rng)
{
	struct tg_sipkey key;

	key.k0 = tg_rng_next(rng);
	key.k1 = tg_rng_next(rng);
	return key;
}
