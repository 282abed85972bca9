/* SPDX-License-Identifier: BSD-3-Clause */
/* sip_lanes.c: which ways of hashing side by side there are here. */
#include "sip_lanes.h"

#include <stddef.h>

static void scalar_hash24(const struct tg_sipkey *key, const uint64_t *const m[], uint32_t word_n,
			  uint64_t out[], uint32_t n)
{
	for (uint32_t lane = 0; lane < n; lane++) {
		struct tg_sip s;

		tg_sip_start(&s, key);
		for (uint32_t i = 0; i < word_n; i++)
			tg_sip_word2(&s, m[i][lane]);
		out[lane] = tg_sip_end4(&s);
	}
}

static void scalar_hash13(const struct tg_sipkey *key, const uint64_t *const m[], uint32_t word_n,
			  uint64_t out[], uint32_t n)
{
	for (uint32_t lane = 0; lane < n; lane++) {
		struct tg_sip s;

		tg_sip_start(&s, key);
		for (uint32_t i = 0; i < word_n; i++)
			tg_sip_word1(&s, m[i][lane]);
		out[lane] = tg_sip_end3(&s);
	}
}

static void scalar_tails24(const struct tg_sip *from, const uint64_t last[], uint64_t out[],
			   uint32_t n)
{
	for (uint32_t lane = 0; lane < n; lane++) {
		struct tg_sip s = *from;

		tg_sip_word2(&s, last[lane]);
		out[lane] = tg_sip_end4(&s);
	}
}

static const struct tg_sip_lanes scalar = {"scalar", scalar_hash24, scalar_hash13, scalar_tails24};

#if defined(__x86_64__)
static const struct tg_sip_lanes avx512 = {"avx512", tg_sip_avx512_hash24, tg_sip_avx512_hash13,
					   tg_sip_avx512_tails24};
static const struct tg_sip_lanes avx2 = {"avx2", tg_sip_avx2_hash24, tg_sip_avx2_hash13,
					 tg_sip_avx2_tails24};

static const struct tg_sip_lanes *of_processor(uint32_t i)
{
	const struct tg_sip_lanes *have[2];
	uint32_t n = 0;

	if (__builtin_cpu_supports("avx512f"))
		have[n++] = &avx512;
	if (__builtin_cpu_supports("avx2"))
		have[n++] = &avx2;
	return i < n ? have[i] : i == n ? &scalar : NULL;
}
#else
static const struct tg_sip_lanes *of_processor(uint32_t i)
{
	return i == 0 ? &scalar : NULL;
}
#endif

const struct tg_sip_lanes *tg_sip_lanes_at(uint32_t i)
{
	return of_processor(i);
}
