/* SPDX-License-Identifier: BSD-3-Clause */
/* explain_stage.h: two ends and the wire between them, for conversations with a known course. An
 * end is a lab (the engine itself, lab.h), or nobody: then its packets are written by hand. Each
 * packet is shown when it is sent. One thread; no clock; equal scenes give equal bytes. */
#ifndef TG_APP_EXPLAIN_STAGE_H
#define TG_APP_EXPLAIN_STAGE_H

#include "lab.h"
#include "tg_wire.h"

enum { TG_STAGE_WIRE_MAX = 4096, TG_STAGE_DATAGRAM_MAX = 2048, TG_STAGE_CUT_MAX = 8 };

/* A packet at time_ns, sent by side; len bytes were captured of wire_len. */
typedef void (*tg_stage_fn)(void *ctx, uint64_t time_ns, int side, const uint8_t *datagram,
			    uint32_t len, uint32_t wire_len);

struct tg_stage_packet {
	uint64_t arrive_ns;
	uint32_t len, number;
	int side; /* who sent it */
	bool used;
	uint8_t datagram[TG_STAGE_DATAGRAM_MAX];
};

struct tg_stage {
	struct tg_lab *lab[2]; /* NULL: nobody */
	uint64_t now_ns, delay_ns, jitter_ns, left_ns;
	bool v6;
	uint32_t sent[2];                   /* packets so far */
	uint32_t drop[2][TG_STAGE_CUT_MAX]; /* which of them are lost, from 1 */
	uint32_t drop_n[2];
	uint32_t late[2];                  /* this one takes jitter_ns longer; 0 = none */
	bool deaf[2];                      /* nothing arrives at that end */
	uint32_t hide_from[2], hide_to[2]; /* these are not shown */
	uint32_t snap;                     /* bytes shown of each; 0 = all */
	struct tg_stage_packet *wire;
	uint32_t wire_n, number;
	tg_stage_fn show;
	void *ctx;
	/* For tests; NULL = nobody. A packet (number: how many were sent before, on both sides)
	 * leaves, or has arrived: the labs may be asked. */
	void (*watch)(void *ctx, struct tg_stage *s, uint32_t number, int side, bool arrived);
	/* For tests; NULL = by `drop` alone: is the packet that side sends now lost? */
	bool (*lose)(void *ctx, int side);
	bool failed; /* out of memory, or a lab refused its options */
};

/* The addresses of both ends, by family. */
extern const char *const tg_stage_addr[2][2];

/* options: of the lab of that end; NULL = nobody is there. */
void tg_stage_begin(struct tg_stage *s, const char *options_a, const char *options_b,
		    tg_stage_fn show, void *ctx);
void tg_stage_end(struct tg_stage *s);
/* A lab in the place of the one that is there: a machine that was switched off and on. */
void tg_stage_replace(struct tg_stage *s, int side, const char *options);
/* Lets ms pass: timers, arrivals, answers. */
void tg_stage_run(struct tg_stage *s, uint64_t ms);
/* What the labs have sent leaves, before time passes. */
void tg_stage_flush(struct tg_stage *s);
/* A packet by hand, from side to the other; ports are the caller's. */
void tg_stage_send(struct tg_stage *s, int side, const struct tg_seg *seg);

#endif
