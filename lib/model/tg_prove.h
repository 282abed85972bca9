/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_prove.h: explores the shipping state machine (lib/tcp itself, no model of it): two ends, their
 * users, and a network that may lose, repeat, reorder and keep segments until they die. All that
 * can happen within a scenario's bounds happens, breadth first, so that what is found is found by
 * a shortest way.
 *
 * What may happen in one step: a segment that is on the way arrives, whichever it is, and however
 * late while it lives; one that has arrived arrives once more, as often as `copies`; a
 * retransmission timer fires, at any moment, once between two steps of the clock; a user does what
 * its program has next; the clock moves by half an MSL. The clock waits for two things: a timer
 * that runs has fired since it moved last (a retransmission timeout is much less than an MSL), and
 * what was sent since has arrived. Of the latter there are exceptions, as many as `losses`: the
 * segment is lost, or late. A segment dies an MSL after it was sent last. 2MSL ends by the clock
 * alone.
 *
 * Left out of the state, so that it becomes finite: round-trip times, backoff, the congestion
 * window (it never holds back here) and the patience of users; timestamps, SACK and ECN are not
 * negotiated; segments carry one byte. Rules are taken away around the machine (prove_end.c), never
 * in it. */
#ifndef TG_PROVE_H
#define TG_PROVE_H

#include "tg_tcp.h"

/* What may be taken away. */
enum tg_prove_rule {
	TG_PROVE_HANDSHAKE_2 = 1 << 0,  /* a SYN opens at once: no third segment is waited for */
	TG_PROVE_WAVES_3 = 1 << 1,      /* a FIN is answered by a FIN at once */
	TG_PROVE_MSL_0 = 1 << 2,        /* TIME-WAIT lasts no time */
	TG_PROVE_ISN_FIXED = 1 << 3,    /* each connection of a tuple begins at the same number */
	TG_PROVE_NO_RST_CHECK = 1 << 4, /* any RST ends the connection */
	TG_PROVE_NO_CHALLENGE = 1 << 5, /* unfit SYNs and RSTs are dropped in silence */
};

/* What must hold. */
enum tg_prove_property {
	TG_PROVE_NONE = 0,
	TG_PROVE_STALE_SYN,    /* no connection comes of a stale duplicate SYN */
	TG_PROVE_FOREIGN_BYTE, /* no byte of another incarnation is delivered */
	TG_PROVE_BYTE_ORDER,   /* no byte is delivered twice or out of order */
	TG_PROVE_END,          /* what was sent before the FIN arrives before the end of stream */
	TG_PROVE_CAN_SEND,     /* an end that has not closed can send */
	TG_PROVE_LAST_ACK,     /* a lost last ACK is answered: a FIN that comes again gets an ACK */
	TG_PROVE_ORDERLY,      /* an orderly close ends in no RST and no error */
	TG_PROVE_OLD_RST,      /* no segment of another incarnation ends a connection */
	TG_PROVE_DISCOVERED,   /* a half-open connection is discovered */
	TG_PROVE_CLOSES,       /* both ends reach CLOSED when the network lets them */
	TG_PROVE_TIMER,        /* nobody waits without a timer or the peer's turn */
	TG_PROVE_ACK_WAR,      /* segments that answer segments come to an end */
	TG_PROVE_INVARIANT,    /* tg_tcb_validate holds */
	TG_PROVE_PROPERTY_N
};

/* Short name ("stale-syn") and sentence of a property; rule ids that ask for it. */
const char *tg_prove_property_name(enum tg_prove_property p);
const char *tg_prove_property_text(enum tg_prove_property p);
const char *tg_prove_property_rules(enum tg_prove_property p);

enum { TG_PROVE_LEVELS = 4 }; /* of depth, from 1 */
enum { TG_PROVE_TAGS = 4 };   /* incarnations, from 1 */

/* What happens, within which bounds. A program is a word of: O opens, S sends a byte, C closes its
 * sending side, E waits for the peer's end of stream, X forgets everything (a crash), G gives the
 * open up. An end without O listens, and runs its program on each connection. */
struct tg_prove_scenario {
	const char *name, *about;
	const char *program[2][TG_PROVE_LEVELS]; /* by end and depth; NULL = as the one before */
	uint8_t ticks[TG_PROVE_LEVELS];          /* how often the clock moves, half an MSL each */
	uint8_t losses[TG_PROVE_LEVELS];
	uint8_t copies[TG_PROVE_LEVELS]; /* segments that arrive once more */
	uint8_t opens[2];                /* connections that an end may begin */
	bool orderly;                    /* nobody crashes or gives up */
};

/* All of them, in order; NULL from tg_prove_scenario_n() on, and for no such name. */
const struct tg_prove_scenario *tg_prove_scenario(uint32_t i);
const struct tg_prove_scenario *tg_prove_scenario_find(const char *name);

struct tg_prove_progress {
	uint64_t states, steps; /* distinct states; steps taken from them */
	uint64_t frontier;      /* states whose steps were not taken yet */
	uint64_t bytes;         /* memory in use */
	uint32_t depth;         /* steps from the beginning */
};

struct tg_prove_options {
	const struct tg_prove_scenario *scenario;
	uint32_t level;      /* 1..TG_PROVE_LEVELS */
	unsigned without;    /* TG_PROVE_HANDSHAKE_2 ...: rules that are taken away */
	unsigned properties; /* a bit, 1 << TG_PROVE_..., for each that is watched; 0 = all */
	uint64_t states_max; /* 0 = no bound */
	uint64_t bytes_max;  /* 0 = no bound */
	/* Called every few thousand states; false ends the search. */
	bool (*progress)(void *ctx, const struct tg_prove_progress *p);
	void *ctx;
};

enum tg_prove_outcome {
	TG_PROVE_HOLDS = 1, /* all states were seen */
	TG_PROVE_BROKEN,    /* a property does not hold: see the trace */
	TG_PROVE_CUT,       /* a bound, or progress(), ended it before all were seen */
	TG_PROVE_NO_MEMORY,
};

enum tg_prove_kind {
	TG_PROVE_SENT = 1, /* `end` sends the segment */
	TG_PROVE_ARRIVED,  /* the segment that step `of` sent arrives at `end` */
	TG_PROVE_TIMEOUT,  /* a retransmission timer of `end` fires */
	TG_PROVE_CALLED,   /* its user does `call` */
	TG_PROVE_TICK,     /* half an MSL passes */
	TG_PROVE_TOLD,     /* its user is told `call`: opened, end of stream, closed, an error */
};

/* One row of a trace: what happened, and the states of both ends afterwards. */
struct tg_prove_step {
	enum tg_prove_kind kind;
	uint8_t end;          /* 0, 1 */
	uint32_t of;          /* ARRIVED: index of the step that sent it */
	uint64_t time_ns;     /* of the model's clock */
	struct tg_seg seg;    /* SENT, ARRIVED; its text is below */
	uint8_t text[2], tag; /* tag: the incarnation that it belongs to, from 1 */
	bool again;           /* SENT: it was sent before; ARRIVED: it arrived before */
	char call;            /* of a program, or O opened, E end of stream, N closed, R error */
	uint8_t value;        /* R: enum tg_close_reason; S: the byte */
	enum tg_tcp_state state[2];
	bool reading; /* the property broke here */
};

struct tg_prove_result {
	enum tg_prove_outcome outcome;
	struct tg_prove_progress seen;
	/* BROKEN: */
	enum tg_prove_property property;
	uint8_t end;     /* where */
	const char *why; /* INVARIANT: which */
	uint32_t moves;  /* of the shortest way there */
	uint32_t unless; /* of steps[], those before this one are that way; what follows shows how
			    it goes on when the network does all it can (liveness) */
	struct tg_prove_step *steps;
	uint32_t step_n;
	struct tg_tuple tuple[2];
	/* Where numbers may be counted from: of each end, by incarnation, if it sent a SYN. */
	tg_seq iss[2][TG_PROVE_TAGS];
	bool has_iss[2][TG_PROVE_TAGS];
};

void tg_prove_run(const struct tg_prove_options *o, struct tg_prove_result *r);
void tg_prove_free(struct tg_prove_result *r);

#endif
