/* SPDX-License-Identifier: BSD-3-Clause */
/* prove.h (private to model): a world of the explorer, and what its files ask of each other.
 *
 * A world is flat: it can be copied, compared and hashed as bytes. Everything in it that the future
 * does not depend on has one value (prove_state.c), so that two worlds that will behave the same
 * are the same bytes. */
#ifndef TG_MODEL_PROVE_H
#define TG_MODEL_PROVE_H

#include "tg_prove.h"
#include "tg_time_wait.h"

enum {
	PROVE_BYTES = 8, /* of a stream in a queue */
	PROVE_HOLES = 4,
	PROVE_NET = 48, /* segments that live */
	PROVE_TEXT = 2, /* bytes of a segment */
	PROVE_MSL_TICKS = 2,
	PROVE_MSL_MS = 30000,
	PROVE_TICK_MS = PROVE_MSL_MS / PROVE_MSL_TICKS,
	PROVE_EPOCH_MS = 1000,
	PROVE_CHUNKS = 4,
};

/* A segment in the network. */
struct prove_wire {
	tg_seq seq, ack;
	uint16_t wnd, mss; /* mss: 0 = no option */
	uint8_t ctl, len, from, tag;
	uint8_t text[PROVE_TEXT];
	uint8_t born;    /* tick at which it was sent last */
	uint8_t arrived; /* since it was sent last */
};

struct prove_end {
	/* --- what the engine would hold for the tuple --- */
	uint8_t has_tcb, has_tw;
	uint8_t tx_n, rx_n; /* bytes in the queues, which tcb does not hold meanwhile */
	uint8_t hole_n;
	uint8_t tag, tw_tag; /* incarnation of tcb, of tw */
	uint8_t opens;       /* connections begun */
	uint8_t open_tick;   /* when the last one was */
	uint8_t tx[PROVE_BYTES], rx[PROVE_BYTES];
	struct tg_sack_block hole[PROVE_HOLES];
	uint64_t tw_until_ms;
	struct tg_tw tw;
	/* --- its user --- */
	uint8_t pc; /* next letter of the program */
	uint8_t attempt;
	uint8_t opened, shut, eof; /* of the connection: told open, closed by us, told the end */
	uint8_t sent_n, read_n;
	uint8_t was_lost; /* the last connection ended otherwise than by a close */
	uint8_t fired;    /* a retransmission timer has fired since the clock moved */
	/* --- what is known of each incarnation, to judge by --- */
	uint8_t has_agreed[TG_PROVE_TAGS], closed_of[TG_PROVE_TAGS], sent_of[TG_PROVE_TAGS];
	tg_seq agreed[TG_PROVE_TAGS]; /* the peer's number that we accepted */
	struct tg_tcb tcb;
};

struct prove_world {
	uint8_t tick, losses, copies, net_n;
	struct prove_end end[2];
	struct prove_wire net[PROVE_NET];
};

enum prove_move_kind { MOVE_ARRIVE = 1, MOVE_TIMER, MOVE_USER, MOVE_TICK };

struct prove_move {
	uint8_t kind; /* enum prove_move_kind */
	uint8_t arg;  /* ARRIVE: place in net[]; TIMER, USER: the end */
};

enum { PROVE_MOVES_MAX = PROVE_NET + 8 };

/* What steps are made with; one a search. */
struct prove_bench {
	const struct tg_prove_scenario *scenario;
	uint32_t level;
	unsigned without, watch; /* rules; properties by bit */
	bool free_run;           /* no bounds: to see whether it comes to an end */
	struct tg_tcp_conf conf;
	struct tg_tcp_secret secret;
	struct tg_tuple tuple[2];
	struct tg_counters ctr;
	struct tg_rng rng;
	struct tg_chunks chunks[2];
	struct tg_tcp_env env;
	void *mem[2];
	/* --- of the step that is made now --- */
	enum tg_prove_property broken;
	uint8_t broken_end;
	const char *why;
	uint8_t rst_tag; /* a RST is taken: its incarnation; 0 = none */
	bool cut;        /* a segment had no room in net[] */
	/* NULL, or told of all that happens. */
	void (*tell)(void *ctx, const struct prove_world *w, const struct tg_prove_step *s);
	void *tell_ctx;
};

/* --- prove_bench.c --- */

bool prove_bench_init(struct prove_bench *b, const struct tg_prove_options *o);
void prove_bench_fini(struct prove_bench *b);
void prove_break(struct prove_bench *b, enum tg_prove_property p, int end, const char *why);
/* The program of an end at this depth. */
const char *prove_program(const struct prove_bench *b, int end);
bool prove_listens(const struct prove_bench *b, int end);

/* --- prove_state.c --- */

void prove_world_init(struct prove_world *w);
/* tcb's queues go to the chunks of its end, and come back; what does not matter is forgotten. */
void prove_thaw(struct prove_bench *b, struct prove_end *e, int side);
void prove_freeze(struct prove_bench *b, struct prove_end *e, int side, uint64_t now_ms);
/* What w differs in from base, as bytes; most: PROVE_CODE_MAX. And back. */
enum { PROVE_CODE_MAX = 2 + 10 * (sizeof(struct prove_world) / 8 + 1) };
uint32_t prove_encode(const struct prove_world *base, const struct prove_world *w, uint8_t *code);
void prove_decode(const struct prove_world *base, const uint8_t *code, uint32_t len,
		  struct prove_world *w);

/* --- prove_end.c: one end as the engine would drive it --- */

uint64_t prove_now_ms(const struct prove_world *w);
void prove_arrive(struct prove_bench *b, struct prove_world *w, int side, struct prove_wire k);
void prove_fire(struct prove_bench *b, struct prove_world *w, int side);
void prove_call(struct prove_bench *b, struct prove_world *w, int side);
/* The clock has moved: what was due by it. */
void prove_expire(struct prove_bench *b, struct prove_world *w, int side);
/* What its user may do next; 0: nothing, now. */
char prove_next_call(const struct prove_bench *b, const struct prove_world *w, int side);

/* --- prove_net.c --- */

void prove_emit(struct prove_bench *b, struct prove_world *w, int side, const struct tg_seg *seg,
		const uint8_t *text, uint8_t tag);
uint32_t prove_moves(const struct prove_bench *b, const struct prove_world *w,
		     struct prove_move move[PROVE_MOVES_MAX]);
void prove_step(struct prove_bench *b, struct prove_world *w, struct prove_move m);

/* --- prove_check.c --- */

/* What must hold in every world, by itself. */
void prove_check(struct prove_bench *b, const struct prove_world *w);
/* The next move when the network does all it can; false: everything is over. */
bool prove_easy_move(const struct prove_bench *b, const struct prove_world *w,
		     struct prove_move *m);
bool prove_is_over(const struct prove_bench *b, const struct prove_world *w);

#endif
