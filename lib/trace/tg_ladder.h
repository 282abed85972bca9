/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_ladder.h: a conversation of two ends as a ladder: what each sent, when, and the state that
 * each was in. Drawn as text for a terminal, as SVG and as JSON. Whoever knows the steps can use
 * it: `explain` takes them from a capture, others from an exploration or a replay.
 *
 * A step is one row. A segment that arrives before the other end sends anything is one step (PASS);
 * one that crosses another is two, SEND and, later, ARRIVE, whose `of` names the SEND. Texts are
 * the caller's and must live until the drawing is done; NULL is as "". */
#ifndef TG_LADDER_H
#define TG_LADDER_H

#include "tg_text.h"

#include <stdint.h>

enum tg_ladder_kind {
	TG_LADDER_PASS = 1, /* a segment that was sent, and arrived */
	TG_LADDER_SEND,     /* was sent, and arrives by a later step, if one names it */
	TG_LADDER_ARRIVE,   /* the segment of step `of` arrives */
	TG_LADDER_LOST,     /* was sent, and never arrives */
	TG_LADDER_EVENT,    /* at one end: a call, a timer */
	TG_LADDER_SKIP,     /* steps that are left out; text says how many and what */
};

enum tg_ladder_side { TG_LADDER_LEFT = 0, TG_LADDER_RIGHT = 1 };

enum {
	TG_LADDER_AGAIN = 1 << 0, /* what was sent before */
	TG_LADDER_ODD = 1 << 1,   /* what the state machine would not do: the note says more */
	TG_LADDER_RST = 1 << 2,   /* ends the connection: drawn as a warning */
};

struct tg_ladder_step {
	enum tg_ladder_kind kind;
	enum tg_ladder_side side; /* who sends, or where it happens; of ARRIVE: who receives */
	unsigned marks;           /* TG_LADDER_AGAIN ... */
	uint32_t of;              /* ARRIVE: index of the step that sent it */
	uint64_t number;          /* of the packet, from 1; 0 = none */
	uint64_t time_ns;         /* since the first step */
	const char *what;         /* flags: "SYN,ACK" */
	const char *seq;          /* numbers: "seq 0 ack 1" */
	const char *more;         /* the rest: window, options */
	const char *note;         /* a remark, below the arrow */
	const char *json;         /* of JSON: more members, `"seq":0,"len":1`, or NULL */
	const char *state[2];     /* RFC 9293 names, of both ends after this step; "" = unknown */
};

struct tg_ladder {
	const char *title;
	const char *name[2];  /* of the ends: "192.0.2.1:4242" */
	const char *begin[2]; /* states before the first step; NULL = unknown */
	const char *sentence; /* what happened; stands above, wrapped */
	const char *key;      /* of JSON: more members, `"number":1,"problems":[]`, or NULL */
	const struct tg_ladder_step *steps;
	uint32_t n;
};

enum { TG_LADDER_COLUMNS_MIN = 72, TG_LADDER_COLUMNS_MAX = 200 };

/* columns: of the terminal, brought into the range above. utf8: else ASCII alone. */
void tg_ladder_text(struct tg_text *t, const struct tg_ladder *l, uint32_t columns, bool utf8);

/* One picture: a whole SVG document, 1000 wide. */
void tg_ladder_svg(struct tg_text *t, const struct tg_ladder *l);
/* A page of several: begin, then each ladder, then the end; the page's height is known only then,
 * so `t` must hold nothing else. *y: kept between the calls, 0 at first. */
void tg_ladder_page_add(struct tg_text *t, const struct tg_ladder *l, uint32_t *y);
void tg_ladder_page_end(struct tg_text *t, const char *title, uint32_t y);

/* One object; no newline behind it. */
void tg_ladder_json(struct tg_text *t, const struct tg_ladder *l);

#endif
