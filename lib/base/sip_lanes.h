/* SPDX-License-Identifier: BSD-3-Clause */
/* sip_lanes.h (private to base): the ways that not every processor has. */
#ifndef TG_SIP_LANES_PRIVATE_H
#define TG_SIP_LANES_PRIVATE_H

#include "tg_sip_lanes.h"

void tg_sip_lanes_avx2(const struct tg_sipkey *key, struct tg_sip_block *block, uint32_t word_n);
void tg_sip_lanes_avx512(const struct tg_sipkey *key, struct tg_sip_block *block, uint32_t word_n);

#endif
