/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_sip_lanes.h: SipHash of many inputs side by side, where the processor can: chosen when the
 * program runs. The results are those of tg_siphash24 and tg_siphash13, bit for bit. */
#ifndef TG_SIP_LANES_H
#define TG_SIP_LANES_H

#include "tg_siphash.h"

enum { TG_SIP_LANES = 16, TG_SIP_WORDS_MAX = 6 };

/* out[i], i < n: the hash of the words m[0][i], m[1][i], .. m[word_n - 1][i] (1..TG_SIP_WORDS_MAX)
 * under key, the length being in the last one, as tg_siphash.h has it. All arrays are 64-byte
 * aligned, and are read and written up to n rounded up to TG_SIP_LANES; what is hashed of the rest
 * means nothing. out may be one of m. */
typedef void (*tg_sip_many_fn)(const struct tg_sipkey *key, const uint64_t *const m[],
			       uint32_t word_n, uint64_t out[], uint32_t n);

/* The same of inputs that begin alike: from is where SipHash-2-4 stands after all words but the
 * last one, which is last[i]. out may be last. */
typedef void (*tg_sip_tails_fn)(const struct tg_sip *from, const uint64_t last[], uint64_t out[],
				uint32_t n);

/* A way to hash: one word of each input in a register, or one input after the other. */
struct tg_sip_lanes {
	const char *name; /* "avx512", "avx2", "scalar" */
	tg_sip_many_fn hash24, hash13;
	tg_sip_tails_fn tails24;
};

/* The way i, the best first; NULL: there are no more. All that it returns run here. */
const struct tg_sip_lanes *tg_sip_lanes_at(uint32_t i);

#endif
