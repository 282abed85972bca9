/* SPDX-License-Identifier: BSD-3-Clause */
/* before.h (private to engine): what a tuple was before it is used again: a TIME-WAIT record of the
 * engine's own, or a splice in TIME-WAIT. Either gives way only to a handshake that is done
 * (TD-22..TD-24): a SYN that is newer is answered by a half-open entry, beside which the old one is
 * dormant, or by a cookie, whose ACK is tried.
 *
 * A handle is one of tw_store.h, or, told by its highest bits, the index of a splice. That of a
 * dormant one is valid until it is woken, removed, or told gone (tg_conn_dormant_gone). */
#ifndef TG_ENGINE_BEFORE_H
#define TG_ENGINE_BEFORE_H

#include "splice.h"

enum { TG_BEFORE_SHIFT = 29, TG_BEFORE_SPLICE = 6 }; /* of a late record: 4; of TG_NONE: 7 */

static inline uint32_t tg_before_of(const struct tg_engine *e, const struct tg_splice *s)
{
	return (uint32_t)TG_BEFORE_SPLICE << TG_BEFORE_SHIFT | (uint32_t)(s - e->splices->at);
}
static inline bool tg_before_is_splice(uint32_t h)
{
	return h >> TG_BEFORE_SHIFT == TG_BEFORE_SPLICE;
}
static inline struct tg_splice *tg_before_splice(const struct tg_engine *e, uint32_t h)
{
	return &e->splices->at[h & ((1u << TG_BEFORE_SHIFT) - 1)];
}

/* What the tuple of rx was, if it does not sleep; TG_NONE: nothing. */
uint32_t tg_before_find(const struct tg_engine *e, const struct tg_rx *rx);
/* RCV.NXT of the old connection. */
tg_seq tg_before_rcv_nxt(const struct tg_engine *e, uint32_t h);
/* Its reuse was answered by a cookie. */
void tg_before_note_cookie(struct tg_engine *e, uint32_t h);
/* It sleeps beside half-open entry conn. Returns its handle from now on; TG_NONE: there is no room,
 * and it is gone. */
uint32_t tg_before_sleep(struct tg_engine *e, uint32_t h, uint32_t conn);
/* The half-open entry ended: it answers again, with its old deadline. */
void tg_before_wake(struct tg_engine *e, uint32_t h);
/* The new connection is real. */
void tg_before_remove(struct tg_engine *e, uint32_t h);
/* rx came for half-open entry conn, but is of the splice that sleeps beside it: it acknowledges
 * nothing above the old numbers, and ours begin above these (TD-23). Then it is passed on, and
 * *verdict says what became of it; false: nothing was done. */
bool tg_before_meets(struct tg_engine *e, struct tg_rx *rx, uint32_t conn, enum tg_ctr *verdict);

#endif
