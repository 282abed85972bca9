/* SPDX-License-Identifier: BSD-3-Clause */
/* world.h: one engine, a carrier in plain memory, and clients that know just enough TCP to keep it
 * busy: no DPDK, no device, no second core. Clients are numbers: client i is 10.0.0.0/8 + i with a
 * port of its own. The server is 192.0.2.1. */
#ifndef WORLD_H
#define WORLD_H

#include "tg_engine.h"

enum {
	WORLD_BATCH = 1024, /* packets that are made before, and measured in one go */
	WORLD_BURST = 32,
	WORLD_BUF_LEN = 2048,
	WORLD_BUF_N = 4 * WORLD_BATCH,
	WORLD_OUT_MAX = 3 * WORLD_BATCH,
};

/* Ports of the listeners. */
enum {
	WORLD_DISCARD = 80, /* reads and forgets, closes when the peer did */
	WORLD_CLOSER = 81,  /* closes as soon as something can be read */
	WORLD_COOKIE = 82,  /* answers every SYN by a cookie */
	WORLD_ANSWER = 83,  /* answers a request by as much, and closes */
	WORLD_ANSWER_COOKIE = 84,
	WORLD_ANSWER_LATER = 85, /* closes when the peer did */
};

/* What a world does otherwise than world_make's: for a list of prices. */
struct world_ways {
	bool no_timestamps, no_sack;         /* neither offered nor taken */
	bool csum_in_trusted, csum_out_left; /* checksums are the carrier's: it says good, and is
						asked to fill them in */
	uint32_t rst_rate;                   /* 0 = the budget is not asked */
	uint32_t msl_ms;                     /* 0 = 30 s */
};

struct world_client {
	uint32_t snd_nxt, rcv_nxt; /* rcv_nxt as told by the last packet to it */
	uint32_t ts_recent;
};

struct world {
	struct world_ways ways;
	struct tg_engine *engine;
	uint64_t now_ns;
	struct world_client *client; /* [client_n] */
	uint32_t client_n;
	uint16_t port; /* that packets go to */
	/* the carrier */
	uint8_t *buf;
	uint32_t *free_buf, free_n;
	/* the batch that is being made, and what came out */
	struct tg_pkt in[WORLD_BATCH], out[WORLD_OUT_MAX];
	uint32_t in_n, out_n;
};

struct world *world_make(uint32_t conn_max, uint32_t tw_max, uint32_t client_n);
struct world *world_make_so(uint32_t conn_max, uint32_t tw_max, uint32_t client_n,
			    const struct world_ways *ways);
/* Adds a segment of client i to the batch: flags, text_len bytes of text; takes the sequence
 * numbers that it uses. A SYN carries MSS, SACK-permitted, timestamps and window scale, everything
 * else timestamps. */
void world_add(struct world *w, uint32_t i, uint8_t ctl, uint32_t text_len);
/* Gives the batch to the engine, as the worker does, burst by burst; measured or not. Then gives
 * the clients what came out. Returns how many packets that were. */
uint32_t world_run(struct world *w, bool is_measured);
/* Opens clients [from, to) on w->port, not measured. */
void world_open(struct world *w, uint32_t from, uint32_t to);
/* Resets them: RST with SEQ = RCV.NXT. */
void world_reset(struct world *w, uint32_t from, uint32_t to);
/* Runs the clock on by ms and what is due, not measured. */
void world_sleep(struct world *w, uint64_t ms);
/* Ends the process when counters or states are not right. */
void world_check(const struct world *w, const char *where, enum tg_tcp_state state,
		 uint32_t expect);

#endif
