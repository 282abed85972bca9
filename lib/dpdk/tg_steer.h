/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_steer.h: which worker owns a packet (LN-23). The same hash for both directions of a flow and
 * the same as NICs compute with the key below, so that hardware RSS, software steering and
 * tg_engine_ops.is_mine always agree.
 *
 * The hash is Toeplitz with a key of period 16 bits (6d5a 6d5a ...). Every 16-bit word of the input
 * then meets the same key bits, so the hash of a tuple is the hash of the exclusive-or of its
 * words: symmetric in source and destination, and two table look-ups long.
 *
 * This spreads load and is no secret: the connection tables behind it have keyed hashes. */
#ifndef TG_STEER_H
#define TG_STEER_H

#include "tg_types.h"

enum { TG_STEER_KEY_MAX = 64, TG_STEER_SLOTS = 128 };

struct tg_steer {
	uint32_t high[256], low[256]; /* hash of a 16-bit word, by its bytes */
	uint16_t worker_n;
	uint16_t owner[TG_STEER_SLOTS]; /* by the low bits of the hash */
};

/* worker_n: 1..TG_WORKER_MAX. */
void tg_steer_init(struct tg_steer *s, uint16_t worker_n);
/* The key that a NIC is given: fills key[len]. */
void tg_steer_key(uint8_t *key, uint32_t len);
/* The worker to which slot i of a NIC's redirection table must point. */
static inline uint16_t tg_steer_slot(const struct tg_steer *s, uint32_t i)
{
	return s->owner[i % TG_STEER_SLOTS];
}

uint32_t tg_steer_hash(const struct tg_steer *s, const struct tg_tuple *tuple);
uint16_t tg_steer_owner(const struct tg_steer *s, const struct tg_tuple *tuple);

enum { TG_STEER_ALL = 0xffff }; /* for every worker: ARP, neighbour discovery */

/* The worker that owns the frame data[len], or TG_STEER_ALL. TCP: by its tuple. ICMP errors: by the
 * tuple that they quote. ARP, neighbour discovery: all. Anything else, and what cannot be read:
 * worker 0, which counts it. Reads only inside len. */
uint16_t tg_steer_frame(const struct tg_steer *s, const uint8_t *data, uint32_t len);

#endif
