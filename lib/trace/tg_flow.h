/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_flow.h: the connections of a capture. Packets go in, in the order of the capture; finished
 * flows come out with their steps, the states of both ends beside each, and what happened.
 *
 * Both ends are followed by lib/tcp (tg_end.h). When a packet arrived is not in a capture; it is
 * found out: a packet waits until the other end says something, and what that says (the ACK field,
 * timestamps, a repetition), or else the least time that an answer took, tells whether it had come
 * by then, or never did.
 *
 * Memory is bounded: at most open_max flows are kept, of each at most steps_max steps; what stands
 * in the middle of more is counted. When a new one needs room, the one that was silent longest goes
 * out. */
#ifndef TG_FLOW_H
#define TG_FLOW_H

#include "tg_dissect.h"
#include "tg_end.h"
#include "tg_ladder.h"

/* What is worth finding, as bits (1u << kind). */
enum tg_flow_problem {
	TG_FLOW_REFUSED,     /* RST answered the SYN */
	TG_FLOW_TIMED_OUT,   /* never answered, or given up */
	TG_FLOW_RESET,       /* ended by RST */
	TG_FLOW_RETRANSMIT,  /* text, SYN or FIN was sent again */
	TG_FLOW_DUP_SYN,     /* SYN was sent again */
	TG_FLOW_LOST,        /* a packet of the capture never arrived */
	TG_FLOW_ZERO_WINDOW, /* an end closed its window */
	TG_FLOW_HALF_CLOSE,  /* text flowed after the other way was closed */
	TG_FLOW_HALF_OPEN,   /* one end had lost the connection */
	TG_FLOW_SIM_OPEN,    /* both ends opened */
	TG_FLOW_SIM_CLOSE,   /* both ends closed at once */
	TG_FLOW_TW_CUT,      /* TIME-WAIT was cut short */
	TG_FLOW_REUSED,      /* the ports of an earlier connection */
	TG_FLOW_COOKIE,      /* the SYN-ACK looks like a SYN cookie */
	TG_FLOW_MISSING,     /* packets that the capture does not have */
	TG_FLOW_MIDDLE,      /* begins before the capture */
	TG_FLOW_UNFINISHED,  /* goes on after the capture */
	TG_FLOW_CUT,         /* packets are cut by the snap length */
	TG_FLOW_ODD,         /* what the state machine would not do */
	TG_FLOW_PROBLEM_N
};

/* Word and sentence of each. */
struct tg_flow_kind {
	const char *word, *about;
};
extern const struct tg_flow_kind tg_flow_kind[TG_FLOW_PROBLEM_N];

enum { TG_FLOW_SENTENCE_MAX = 1600 };

struct tg_flow; /* one connection */

struct tg_flow_info {
	uint64_t number;       /* from 1, in the order of their first packets */
	struct tg_tuple tuple; /* l: who sent first */
	uint64_t first_ns, last_ns;
	uint64_t packets[2], bytes[2]; /* bytes: new text */
	uint32_t problems;             /* bits of enum tg_flow_problem */
	enum tg_tcp_state state[2];    /* at the end; 0 = unknown */
	bool evicted;                  /* it was silent longest, and room was needed */
	char sentence[TG_FLOW_SENTENCE_MAX];
};

typedef void (*tg_flow_fn)(void *ctx, const struct tg_flow *flow);

struct tg_flows_conf {
	uint32_t open_max;  /* flows kept at once, at least 1 */
	uint32_t steps_max; /* steps kept of each, at least 16 */
	bool full;          /* plain text and ACKs are steps like any other */
	uint32_t msl_ms;
	tg_flow_fn out; /* told of each flow once, when it is over for us */
	void *ctx;
};

struct tg_flows;

/* NULL: out of memory. */
struct tg_flows *tg_flows_new(const struct tg_flows_conf *conf);
/* A segment at time_ns, the packet of that number. False: out of memory; the packet is counted
 * nowhere. */
bool tg_flows_put(struct tg_flows *f, uint64_t time_ns, uint64_t number,
		  const struct tg_dissected *d);
/* All that are open go out, in the order of their numbers. */
void tg_flows_end(struct tg_flows *f);
uint64_t tg_flows_evicted(const struct tg_flows *f);
void tg_flows_free(struct tg_flows *f);

/* --- of one, while `out` runs --- */

void tg_flow_info(const struct tg_flow *flow, struct tg_flow_info *info);
/* The steps as a ladder; NULL: out of memory. Numbers of packets are those given to put. */
struct tg_ladder *tg_flow_ladder(const struct tg_flow *flow, const struct tg_flow_info *info);
void tg_flow_ladder_free(struct tg_ladder *l);

/* For tests: called for each packet twice, when it was sent (arrived false) and when it is found to
 * have arrived, with the state of the end where that was, then. */
typedef void (*tg_flow_watch_fn)(void *ctx, uint64_t number, bool arrived, enum tg_tcp_state state);
void tg_flows_watch(struct tg_flows *f, tg_flow_watch_fn fn, void *ctx);

#endif
