/* SPDX-License-Identifier: BSD-3-Clause */
/* sip_lanes.c: which ways of hashing side by side there are here. */
#include "sip_lanes.h"

static void hash_scalar(const struct tg_sipkey *key, struct tg_sip_block *block, uint32_t word_n)
{
	for (int lane = 0; lane < TG_SIP_LANES; lane++) {
		struct tg_sip s;

		tg_sip_start(&s, key);
		for (uint32_t i = 0; i < word_n; i++)
			tg_sip_word2(&s, block->m[i][lane]);
		block->out[lane] = tg_sip_end4(&s);
	}
}

static const struct tg_sip_lanes scalar = {"scalar", UINT32_MAX, hash_scalar};

#if defined(__x86_64__)
static const struct tg_sip_lanes avx512 = {"avx512", 4, tg_sip_lanes_avx512};
/* Two and a half times as fast as one by one, and yet no gain in a burst of SYNs: to gather them
 * costs as much (perf/README.md). */
static const struct tg_sip_lanes avx2 = {"avx2", UINT32_MAX, tg_sip_lanes_avx2};

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
