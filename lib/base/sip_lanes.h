/* SPDX-License-Identifier: BSD-3-Clause */
/* sip_lanes.h (private to base): the ways that not every processor has. */
#ifndef TG_SIP_LANES_PRIVATE_H
#define TG_SIP_LANES_PRIVATE_H

#include "tg_sip_lanes.h"

void tg_sip_avx2_hash24(const struct tg_sipkey *key, const uint64_t *const m[], uint32_t word_n,
			uint64_t out[], uint32_t n);
void tg_sip_avx2_hash13(const struct tg_sipkey *key, const uint64_t *const m[], uint32_t word_n,
			uint64_t out[], uint32_t n);
void tg_sip_avx512_hash24(const struct tg_sipkey *key, const uint64_t *const m[], uint32_t word_n,
			  uint64_t out[], uint32_t n);
void tg_sip_avx512_hash13(const struct tg_sipkey *key, const uint64_t *const m[], uint32_t word_n,
			  uint64_t out[], uint32_t n);
void tg_sip_avx2_tails24(const struct tg_sip *from, const uint64_t last[], uint64_t out[],
			 uint32_t n);
void tg_sip_avx512_tails24(const struct tg_sip *from, const uint64_t last[], uint64_t out[],
			   uint32_t n);

#endif
