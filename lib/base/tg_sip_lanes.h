/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_sip_lanes.h: SipHash-2-4 of eight inputs side by side, where the processor can: chosen when
 * the program runs. The result is that of tg_siphash24, bit for bit. */
#ifndef TG_SIP_LANES_H
#define TG_SIP_LANES_H

#include "tg_siphash.h"

enum { TG_SIP_LANES = 8, TG_SIP_WORDS_MAX = 6 };

/* Eight inputs of the same number of words, word by word: m[i][lane] is word i, the length being in
 * the last one, as tg_siphash.h has it. */
struct tg_sip_block {
	_Alignas(64) uint64_t m[TG_SIP_WORDS_MAX][TG_SIP_LANES];
	_Alignas(64) uint64_t out[TG_SIP_LANES];
};

/* A way to hash: one word of each input in a register, or one input after the other. */
struct tg_sip_lanes {
	const char *name; /* "avx512", "avx2", "scalar" */
	/* How many inputs must come together for it to be less work than one by one, measured in
	 * the engine; UINT32_MAX: it is not. */
	uint32_t pays_from;
	/* out[] of the first word_n words (1..TG_SIP_WORDS_MAX) of block, under one key. */
	void (*hash24)(const struct tg_sipkey *key, struct tg_sip_block *block, uint32_t word_n);
};

/* The way i, the best first; NULL: there are no more. All that it returns run here. */
const struct tg_sip_lanes *tg_sip_lanes_at(uint32_t i);

#endif
