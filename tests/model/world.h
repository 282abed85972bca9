/* SPDX-License-Identifier: BSD-3-Clause */
/* world.h: two labs, a link that loses, copies, reorders and holds, users who call at random, an
 * attacker who injects, and time that jumps; each lab with its model beside it. All of it from one
 * seed; a step draws from (seed, step) alone, so that a failing run can be made shorter by leaving
 * steps out. */
#ifndef WORLD_H
#define WORLD_H

#include "modelwire.h"

#include "lab.h"

enum { WORLD_FLIGHT = 64, WORLD_PAST = 32, WORLD_LOG = 30, WORLD_STEPS = 2000 };

/* Faults of the engine that the model must see; played between the lab and the model. */
enum world_fault {
	WORLD_SOUND,
	WORLD_ACK_PLUS_ONE, /* an ACK one too high */
	WORLD_ACK_DROPPED,  /* an answer that does not come */
	WORLD_ACK_TWICE,    /* one too many */
	WORLD_RST_ANSWERED, /* a RST draws a RST */
	WORLD_RST_SEQ,      /* a RST with SEQ off by one */
	WORLD_TEXT_CHANGED, /* a byte of what is sent */
	WORLD_READ_CHANGED, /* a byte of what is read */
	WORLD_EDGE_LEFT,    /* a window that shrinks */
	WORLD_ECHO_WRONG,   /* TSecr */
	WORLD_FIN_LOST,     /* the engine does not see a FIN */
	WORLD_RST_LOST,     /* the engine does not see a RST */
	WORLD_ISS_AGAIN,    /* SYN-ACK with another ISS when repeated */
	WORLD_TIMER_LATE,   /* what a timer sends comes 5 ms late */
	WORLD_MSL,          /* 2MSL 10 ms too short */
	WORLD_FIN_WAIT_2,   /* the FIN-WAIT-2 timer 10 ms too short */
	WORLD_CHALLENGE,    /* challenges at twice the rate */
	WORLD_DELAYED_ACK,  /* delayed ACKs 20 ms too late */
	WORLD_FAULTS
};
extern const char *const world_fault_name[WORLD_FAULTS];

struct world_log {
	uint32_t step;
	int host;
	uint64_t at;
	const char *what;
	bool is_seg;
	struct ref_seg seg;
	int64_t a, b, c;
};

struct world_datagram {
	int to;
	size_t len;
	uint8_t bytes[WIRE_MAX];
};

struct world_side {
	struct tg_lab *lab;
	struct ref_host *ref;
	struct world *world;
	int id;
	int sock[REF_SOCKS], sock_n; /* of connections, open */
	uint32_t validate_in;
};

struct world {
	struct world_side side[2];
	uint64_t seed, rng, now;
	uint32_t step;
	bool v6, whole_ms, failed;
	uint32_t loss, attack; /* per mille of the steps */
	enum world_fault fault;
	struct world_datagram flight[WORLD_FLIGHT], past[WORLD_PAST];
	int flight_n;
	uint32_t past_n;
	struct world_log log[WORLD_LOG];
	uint32_t log_n;
	char options[2][400];
	uint64_t delivered, calls, injected, jumps;
};

/* Runs `steps` steps of the world of a seed, without those whose bit is set in skip (or NULL). true
 * when no difference was seen. */
bool world_run(struct world *w, uint64_t seed, uint32_t steps, enum world_fault fault,
	       const uint8_t *skip);
/* Ends the run; what it was can be printed before. */
void world_close(struct world *w);
/* The last events, and both views. */
void world_print(const struct world *w);
struct world *world_new(void);

/* For the files of the world. */

/* A number in [0, n); one of n; any. */
uint32_t world_draw(struct world *w, uint32_t n);
uint32_t world_pick(struct world *w, const uint32_t from[], uint32_t n);
uint32_t world_draw32(struct world *w);
/* Time comes to now at one host; a datagram arrives there; what a step did is judged. */
void world_advance(struct world_side *s);
void world_deliver(struct world *w, int to, const uint8_t *bytes, size_t len, const char *what);
void world_step_end(struct world_side *s, enum ref_cause cause, int lp, int rp);
void world_note_call(struct world_side *s, const char *what, int64_t a, int64_t b, int64_t got);
/* Steps: a forged segment, one of the past, a call. */
void world_forge(struct world *w);
void world_replay(struct world *w);
void world_call(struct world *w);
void world_free(struct world *w);

#endif
