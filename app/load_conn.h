/* SPDX-License-Identifier: BSD-3-Clause */
/* load_conn.h: the connections of one worker of `tidegate load`: a service that opens, asks, checks
 * what comes, closes, and counts. Needs an engine, and nothing of DPDK.
 *
 *   OPENING -> [ASK -> HEAD -> BODY, or ECHO, or UP -> THINK ->] ... -> KEEP or HELD -> WAIT ->
 * CLOSING
 *
 * Each step has a time by which something must have moved. What fails is counted by its cause,
 * once. A connection costs its 64 bytes (96 over IPv6) and a slot. */
#ifndef TG_APP_LOAD_CONN_H
#define TG_APP_LOAD_CONN_H

#include "load_http.h"
#include "load_plan.h"
#include "tg_hist.h"
#include "tg_rng.h"
#include "tg_service.h"

/* Why a connection failed. */
enum tg_load_cause {
	TG_LOAD_OK = 0,
	TG_LOAD_REFUSED,     /* a RST for the SYN */
	TG_LOAD_TIMEOUT,     /* no answer to the SYN */
	TG_LOAD_UNREACHABLE, /* no route, no neighbour, or ICMP said so */
	TG_LOAD_NO_PORT,     /* every tuple that was tried is in use, or in TIME-WAIT */
	TG_LOAD_NO_ROOM,     /* all connections of the pool are in use */
	TG_LOAD_RESET,       /* a RST on an open connection */
	TG_LOAD_EARLY,       /* the server closed before all was done */
	TG_LOAD_STALLED,     /* open, and nothing moved */
	TG_LOAD_BAD_BYTES,   /* what came is not what must come */
	TG_LOAD_BAD_ANSWER,  /* no HTTP, or a status of 400 and above */
	TG_LOAD_NO_CLOSE,    /* the other side did not close in time */
	TG_LOAD_UNFINISHED,  /* not over at the end of the run, nor timeout_ms later */
	TG_LOAD_CUT,         /* not over when we were interrupted: neither good nor bad */
	TG_LOAD_CAUSE_N
};
/* A word for machines, and a sentence for people. */
const char *tg_load_cause_name(enum tg_load_cause cause);
const char *tg_load_cause_text(enum tg_load_cause cause);

enum tg_load_timing {
	TG_LOAD_HANDSHAKE = 0, /* from the call to the SYN-ACK's burst */
	TG_LOAD_FIRST_BYTE,    /* from the request to the first byte of its answer */
	TG_LOAD_TRANSFER,      /* from the request to the last byte; up: to the end of all */
	TG_LOAD_CLOSE,         /* from our wish to close to the last FIN or its ACK; not for
				  rst and half */
	TG_LOAD_TIMING_N
};
const char *tg_load_timing_name(enum tg_load_timing timing);

/* What is counted as it goes. */
struct tg_load_figures {
	uint64_t begun;        /* connections begun, or that should have been */
	uint64_t opened, done; /* done: all as it should be, closed both ways */
	uint64_t failed[TG_LOAD_CAUSE_N];
	uint64_t requests;           /* that were answered in full */
	uint64_t rx_bytes, tx_bytes; /* of text */
	uint64_t missed;             /* due, and not begun: the core was too slow */
	uint64_t flood_sent;
	uint32_t opening, open, closing; /* now */
	uint32_t held;                   /* of open */
	uint32_t open_max;               /* that there ever were; of several workers, the sum */
	uint32_t filled;                 /* workers that have begun all that they are to hold */
	uint64_t at_ns;                  /* when this was so */
};

struct tg_load_slot;

/* All that one worker knows. */
struct tg_load_side {
	const struct tg_load_plan *plan;
	struct tg_engine *engine;
	struct tg_load_slot *slot; /* [slot_n], by connection; the caller's memory, all zero */
	uint32_t slot_n;
	uint32_t held_head, held_tail; /* those that are held, the oldest first */
	uint32_t hold_want;            /* of this worker */
	uint32_t most;                 /* begun or closed in one turn at most; 0: a burst's worth */
	bool is_filled;                /* as many as hold_want were begun */
	bool is_ending;                /* nothing is opened any more, nothing held */
	bool is_interrupted;           /* and not because the time is over */
	uint32_t scan;                 /* the next slot to look at, when ending */
	struct tg_pacer open_pace, churn_pace;
	uint64_t start_ns, missed_before; /* missed by paces before open_pace */
	struct tg_rng rng;
	struct tg_load_figures now;
	struct tg_hist timing[TG_LOAD_TIMING_N];
	char head[TG_LOAD_HEAD_MAX];
};

size_t tg_load_slot_bytes(uint32_t slot_n);
/* side: all zero but plan, engine, slot and slot_n. */
void tg_load_side_init(struct tg_load_side *side, uint32_t worker, uint32_t worker_n, uint64_t seed,
		       uint64_t start_ns);
/* From now_ns on that rate, of all workers together, until the duration is over. */
void tg_load_set_rate(struct tg_load_side *side, uint32_t rate, uint64_t now_ns);
/* Opens and closes what is due at now_ns; bounded. Between two calls of the engine. Returns how
 * much it did. */
uint32_t tg_load_turn(struct tg_load_side *side, uint64_t now_ns);
/* True when all that is to be opened was opened. */
bool tg_load_is_over(const struct tg_load_side *side, uint64_t now_ns);
/* From now on nothing is opened, and those that are held are closed over close_ns. */
void tg_load_end(struct tg_load_side *side, uint64_t now_ns, uint64_t close_ns,
		 bool is_interrupted);
/* Connections that are not over. */
uint32_t tg_load_active(const struct tg_load_side *side);

/* --- load_conn.c, for load_open.c --- */

extern const struct tg_service tg_load_service;
/* conn was begun: a connection of that number, at now_ns. */
void tg_load_conn_begun(struct tg_load_side *side, uint32_t conn, uint64_t number, uint32_t target,
			uint64_t now_ns);
/* Closes the one that was held longest; false: none is. */
bool tg_load_conn_close_oldest(struct tg_load_side *side);
/* Closes conn if all that it does is to wait. */
void tg_load_conn_end_idle(struct tg_load_side *side, uint32_t conn);

#endif
