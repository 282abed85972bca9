/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_rng.h: a small seeded generator (xoshiro256**) for ports, jitter and tests: reproducible,
 * not secret. Secrets are made by tg_rng_key from a seed that the caller drew from the system. */
#ifndef TG_RNG_H
#define TG_RNG_H

#include "tg_siphash.h"
#include <stdint.h>

struct tg_rng {
	uint64_t s[4];
};

void tg_rng_init(struct tg_rng *rng, uint64_t seed);
uint64_t tg_rng_next(struct tg_rng *rng);
/* A number in [0, n), n > 0, without bias that matters (multiply-shift). */
uint32_t tg_rng_below(struct tg_rng *rng, uint32_t n);
/* A fresh 128-bit key. */
struct tg_sipkey tg_rng_key(struct tg_rng *rng);

#endif
