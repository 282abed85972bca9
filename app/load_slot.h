/* SPDX-License-Identifier: BSD-3-Clause */
/* load_slot.h (private to load_conn.c and load_work.c): what a connection of `tidegate load` is at.
 */
#ifndef TG_APP_LOAD_SLOT_H
#define TG_APP_LOAD_SLOT_H

#include "load_conn.h"

enum tg_load_step {
	TG_STEP_NONE = 0,
	TG_STEP_OPENING,
	TG_STEP_ECHO,
	TG_STEP_UP,
	TG_STEP_ASK, /* the request is being written */
	TG_STEP_HEAD,
	TG_STEP_BODY,
	TG_STEP_CHUNK,   /* its line */
	TG_STEP_PIECE,   /* its bytes, and the end of line behind them */
	TG_STEP_TRAILER, /* lines behind the last chunk */
	TG_STEP_THINK,
	TG_STEP_KEEP,
	TG_STEP_HELD,
	TG_STEP_WAIT,   /* for the server's FIN */
	TG_STEP_CLOSING /* our FIN is on its way */
};

enum {
	TG_SLOT_MOVED = 1 << 0,  /* something came since the timer was set */
	TG_SLOT_FIRST = 1 << 1,  /* the first byte of the answer is there */
	TG_SLOT_NO_WAY = 1 << 2, /* the network said that nobody can be reached */
	TG_SLOT_SHUT = 1 << 3,   /* we have sent our FIN */
	TG_SLOT_OPEN = 1 << 4    /* it was open once */
};

struct tg_load_slot {
	uint64_t since_ns;   /* of what is being timed */
	uint64_t got;        /* echo, body, piece: bytes that came */
	uint64_t put;        /* written so far; from HEAD on: bytes that must come */
	uint32_t number;     /* chooses the pattern */
	uint32_t prev, next; /* of those held; TG_NONE */
	uint16_t answered;   /* requests */
	uint8_t target, step, cause, flags;
};
_Static_assert(sizeof(struct tg_load_slot) == 48, "of each connection");

/* --- load_conn.c: times, timers, ends --- */

static inline void tg_load_begin_timing(const struct tg_load_side *side, struct tg_load_slot *s)
{
	s->since_ns = tg_engine_now_ns(side->engine);
}
/* What has passed since, into the histogram. */
void tg_load_note(struct tg_load_side *side, enum tg_load_timing what,
		  const struct tg_load_slot *s);
/* From now on something must move within ms. */
void tg_load_set_timer(struct tg_load_side *side, uint32_t conn, uint32_t ms);
/* Ends it by a RST, for that cause: nothing of it may be touched afterwards. */
void tg_load_fail(struct tg_load_side *side, uint32_t conn, enum tg_load_cause cause);
/* Our FIN, once. */
void tg_load_shut(struct tg_load_side *side, uint32_t conn);
/* All its work is done: it is held, kept or closed. */
void tg_load_finish(struct tg_load_side *side, uint32_t conn);

/* --- load_work.c: requests and answers --- */

/* The next request, or the first. */
void tg_load_begin_request(struct tg_load_side *side, uint32_t conn);
/* Goes on with what is to be written. */
void tg_load_write_more(struct tg_load_side *side, uint32_t conn);
/* Takes what has come, as far as this step goes: more must come; the next step may go on at once;
 * or the answer is whole, or was wrong, and the connection may be gone. */
enum tg_load_read { TG_READ_WAIT, TG_READ_GO_ON, TG_READ_GONE };
enum tg_load_read tg_load_read_more(struct tg_load_side *side, uint32_t conn);
/* Nobody asked for it, or nobody wants it any more. */
enum tg_load_read tg_load_throw_away(struct tg_load_side *side, uint32_t conn);

#endif
