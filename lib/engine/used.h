/* SPDX-License-Identifier: BSD-3-Clause */
/* used.h (private to engine): cookies that have opened a connection, so that none does twice
 * (SC-15). While the connection lives the lookup finds it first (SC-14); after it is over, however
 * it ended, who repeats its handshake's ACK within the cookie's validity must not get another.
 *
 * A set of fingerprints in fixed memory, four to a cache line; when a line is full the oldest goes.
 * So the guard holds for as many as there is room for, and never costs more. */
#ifndef TG_ENGINE_USED_H
#define TG_ENGINE_USED_H

#include "tg_seq.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tg_used;

/* Room by the number of connections. mem: zero, 64-byte aligned. */
size_t tg_used_footprint(uint32_t conn_max);
struct tg_used *tg_used_init(void *mem, uint32_t conn_max);
/* hash: tg_tcp_tuple_hash of the tuple. */
void tg_used_add(struct tg_used *used, uint64_t hash, tg_seq isn, uint64_t now_ms);
/* Whether it was added in the last valid_ms. */
bool tg_used_has(const struct tg_used *used, uint64_t hash, tg_seq isn, uint64_t now_ms,
		 uint64_t valid_ms);

#endif
