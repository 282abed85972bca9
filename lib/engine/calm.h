/* SPDX-License-Identifier: BSD-3-Clause */
/* calm.h (private to engine): what most segments for connections at rest need, done on the 64 bytes
 * as they stand, without a block of the machine being made and packed again. What a segment is to
 * the 64 bytes tg_calm.h says; here it is counted, and the service told. Equal to the long way but
 * for the order of packets of different connections within a burst: an answer goes out at once, not
 * at its end. So of a connection that meets several segments in a burst none is taken here (DT-35:
 * its ACKs are aggregated). */
#ifndef TG_ENGINE_CALM_H
#define TG_ENGINE_CALM_H

#include "tg_conn.h"
#include "tg_pkt.h"
#include "tg_span.h"

#include <stdbool.h>
#include <stdint.h>

struct tg_engine;
struct tg_ext;
struct tg_rx;

enum { TG_CALM_SEEN_BITS = 1024 };

/* Which connections meet more than one segment of the burst: never too few. */
struct tg_calm_seen {
	_Alignas(64) uint64_t once[TG_CALM_SEEN_BITS / 64];
	uint64_t twice[TG_CALM_SEEN_BITS / 64];
};

typedef uint64_t tg_calm_vec __attribute__((vector_size(32), may_alias));

/* In so many stores: a compiler's own way to clear so little is slow to begin. */
static inline void tg_calm_see_none(struct tg_calm_seen *s)
{
	tg_calm_vec *v = (tg_calm_vec *)(void *)s;

	_Static_assert(sizeof(*s) == 8 * sizeof(*v), "all of it");
	v[0] = v[1] = v[2] = v[3] = v[4] = v[5] = v[6] = v[7] = (tg_calm_vec){0};
}

static inline void tg_calm_see(struct tg_calm_seen *s, uint64_t hash)
{
	uint32_t i = (hash >> 16) % TG_CALM_SEEN_BITS;
	uint64_t bit = 1ull << (i & 63);

	s->twice[i / 64] |= s->once[i / 64] & bit;
	s->once[i / 64] |= bit;
}

static inline bool tg_calm_is_twice(const struct tg_calm_seen *s, uint64_t hash)
{
	uint32_t i = (hash >> 16) % TG_CALM_SEEN_BITS;

	return s->twice[i / 64] >> (i & 63) & 1;
}

/* What a connection at rest met: all that the machine needs to find out what became of it by
 * itself, if ever it must: the 64 bytes before, the segment, the time, and what the service did
 * then. */
struct tg_calm_kept {
	struct tg_conn before;
	uint64_t deadline_ms, now_ns; /* of its timer, 0 = none; when the segment came */
	tg_seq seq, ack;
	uint32_t len, tsval, tsecr;
	uint32_t wrote; /* bytes that the service gave, all of them in one segment */
	uint16_t wnd, up, mtu;
	uint8_t ctl;
	bool fin; /* it closed */
};

/* The service of conn is being told of a segment that lies in rx yet. What it does to conn is noted
 * here as long as it is usual; when it is not, conn is woken: the machine is asked after all, and
 * what was done is done again to the block that it makes. */
struct tg_calm_turn {
	uint32_t conn;        /* TG_NONE: none is */
	uint32_t left, taken; /* of the text */
	const struct tg_rx *rx;
	struct tg_span tx; /* what it wrote */
	struct tg_calm_kept kept;
};

/* An extension with TG_EXT_CALM has no block yet. One segment is in flight, kept says why; of the
 * block there is what those need who only look (tg_calm_wake makes it), and the queue. In struct
 * tg_conn the numbers stand as they were when that segment was about to be sent. */

enum { TG_CALM_SPARE = 2 * TG_CHUNK_LEN }; /* for text that was read and comes once more */

/* rx, for connection conn, which has no extension, or one without a block. False: nothing was done,
 * it is for the long way. */
bool tg_calm_arrives(struct tg_engine *e, struct tg_rx *rx, uint32_t conn);
/* The same for conn with extension x, which has no block. */
bool tg_calm_answers(struct tg_engine *e, struct tg_rx *rx, uint32_t x);
/* The block of extension x is made if it has none. */
void tg_calm_wake(struct tg_engine *e, uint32_t x);

/* Calls for the connection whose turn it is. */

/* It gets an extension with a block, as the long way would have left it here. The turn is over. */
uint32_t tg_calm_wake_turn(struct tg_engine *e);
/* n bytes; false: it is unusual, nothing was done. */
bool tg_calm_write(struct tg_engine *e, const void *data, uint32_t n);
bool tg_calm_close(struct tg_engine *e);

#endif
