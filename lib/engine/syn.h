/* SPDX-License-Identifier: BSD-3-Clause */
/* syn.h (private to engine): the stage for SYN floods. Plain SYNs (tg_wire_syn.h) to listeners that
 * mint cookies now go through a burst side by side: parsed, hashed, looked up, their cookies made,
 * and each is answered in its turn by a copy of a form, in which only the numbers are new.
 *
 *     take    addresses, checksums, options -> arrays by word; tuples hashed; table lines asked for
 *     find    whoever meets a connection or a record leaves the stage; cookies
 *     answer  in the order of the burst: what is to be asked of each, and the form
 *
 * IPv4 SYNs that look like many of the bursts before (a flood) are a run (syn_run.c): sixteen at a
 * time they are read as columns, and answered as columns (tg_syn_lane.h). What they have in common
 * is kept across bursts.
 *
 * The stage decides nothing anew: it knows when listen.c, admit.c and cookie.c would answer by a
 * cookie, and of which bytes. Whatever is unusual leaves it for them, at each step, with nothing
 * done: so each may be too strict, and must never be too lax. What is the same for all SYNs to one
 * address and port is found out once a burst (struct tg_syn_way), and again when another packet had
 * its turn in between. */
#ifndef TG_ENGINE_SYN_H
#define TG_ENGINE_SYN_H

#include "tg_syn_lane.h"

enum { TG_SYN_WAYS = 16 };

struct tg_listener;

/* A place that SYNs of this burst are for. */
struct tg_syn_way {
	uint64_t place; /* destination port, VLAN, port that it came by; IPv4: the address */
	struct tg_addr laddr;
	bool mints;   /* nothing below is filled in for one that does not */
	uint8_t asks; /* what must be asked for each SYN */
	uint16_t port, lport, mtu;
	struct tg_mac mac;
	struct tg_listener *l;
	struct tg_tcp_conf pool_conf; /* before a pool: what is promised, and .. */
	uint64_t pool_gen;            /* .. when it was found */
	struct tg_syn_terms terms;
	uint32_t gen;    /* listen_gen of the engine */
	uint32_t stamp;  /* of the stage, when what follows was found */
	uint16_t wnd;    /* that forms tell */
	uint16_t formed; /* form[agreed] is made, by bit */
	struct tg_mac hop;
	struct tg_synack form[TG_SYN_OFFERS];
};

/* The SYNs of one family. */
struct tg_syn_side {
	struct tg_syn_batch batch;
	uint8_t at[TG_SYN_BATCH_MAX]; /* their places in the burst */
	uint32_t way_n, last;         /* last: the way that was met last */
	uint32_t shape_n, shaped_n;   /* how often a shape was taken; how many had it since */
	uint8_t shape_way;            /* of shape, whose packets came by shape_port */
	uint16_t shape_port;
	struct tg_syn_shape shape; /* of the one that was parsed last; len 0 = none */
	struct tg_syn_way way[TG_SYN_WAYS];
};

/* SYNs of a shape that was there in bursts before (syn_run.c). */
struct tg_syn_run {
	struct tg_syn_batch batch; /* number i is of in[i] */
	struct tg_syn_cols cols;
	_Alignas(64) uint64_t last[TG_SYN_BATCH_MAX]; /* of what is hashed: the promise */
	uint64_t prefix[TG_SYN_BATCH_MAX];            /* for the budget */
	struct tg_syn_rows rows;
	struct tg_synack_rows answer; /* out of way.form[agreed] */
	const struct tg_syn_lane *lane;
	uint64_t mask; /* of the burst: what is in the run */
	bool on;       /* a shape is known, and looked for */
	uint8_t agreed;
	uint16_t word;   /* what is promised */
	uint16_t port;   /* that they come by */
	uint32_t misses; /* bursts on end that had few of them */
	struct tg_syn_way way;
	uint8_t waste[TG_HDR_MAX]; /* rows of the lane that are nobody's answer */
};

struct tg_syn_stage {
	uint64_t mask;                 /* of the burst: what is in the stage */
	uint64_t table_gen;            /* when the tables were asked */
	uint32_t stamp;                /* counts packets that were not the stage's */
	uint8_t nth[TG_SYN_BATCH_MAX]; /* of a packet, in its side */
	bool v6[TG_SYN_BATCH_MAX];
	struct tg_syn_side side[2]; /* IPv4, IPv6 */
	struct tg_syn_run run;
};

#endif
