/* SPDX-License-Identifier: BSD-3-Clause */
/* sip_lanes_avx2.c: four words a register, two registers a word of the block. */
#include <stdint.h>

#if defined(__x86_64__)
typedef uint64_t lane_vec __attribute__((vector_size(32)));
typedef uint64_t lane_load __attribute__((vector_size(32), may_alias));

#include "sip_lanes.h"
#include "sip_lanes_vec.h"

__attribute__((target("avx2"))) void tg_sip_lanes_avx2(const struct tg_sipkey *key,
						       struct tg_sip_block *block, uint32_t word_n)
{
	lane_hash24(key, block, word_n);
}
#endif
