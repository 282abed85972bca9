/* SPDX-License-Identifier: BSD-3-Clause */
/* syn_lane.h (private to tcp): the ways of tg_syn_lane.h by what the processor has. */
#ifndef TG_TCP_SYN_LANE_PRIVATE_H
#define TG_TCP_SYN_LANE_PRIVATE_H

#include "tg_syn_lane.h"

uint32_t tg_syn_read_avx512(const struct tg_syn_rows *r, const uint8_t *const data[],
			    uint32_t check, struct tg_syn_cols *c, struct tg_syn_batch *b,
			    uint32_t at);
uint32_t tg_syn_read_avx2(const struct tg_syn_rows *r, const uint8_t *const data[], uint32_t check,
			  struct tg_syn_cols *c, struct tg_syn_batch *b, uint32_t at);
uint32_t tg_syn_read_any(const struct tg_syn_rows *r, const uint8_t *const data[], uint32_t check,
			 struct tg_syn_cols *c, struct tg_syn_batch *b, uint32_t at);
void tg_syn_write_avx512(const struct tg_synack_rows *r, const struct tg_syn_cols *c,
			 const struct tg_syn_batch *b, uint32_t at, uint8_t *const data[]);
void tg_syn_write_avx2(const struct tg_synack_rows *r, const struct tg_syn_cols *c,
		       const struct tg_syn_batch *b, uint32_t at, uint8_t *const data[]);
void tg_syn_write_any(const struct tg_synack_rows *r, const struct tg_syn_cols *c,
		      const struct tg_syn_batch *b, uint32_t at, uint8_t *const data[]);

#endif
