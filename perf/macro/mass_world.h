/* SPDX-License-Identifier: BSD-3-Clause */
/* mass_world.h: one engine, a carrier in plain memory, and clients by the million without memory:
 * no DPDK, no device, no second core. Client `id` is 10.0.0.0 + its low 24 bits, its port has the
 * rest, its sequence numbers follow from it. What the server said is kept for one batch, no longer:
 * so what a connection costs is the server's. */
#ifndef MASS_WORLD_H
#define MASS_WORLD_H

#include "tg_engine.h"
#include "tg_wire.h"

enum {
	MASS_BATCH = 1024, /* clients that speak in one go */
	MASS_BURST = 32,
	MASS_BUF_LEN = 2048,
	MASS_BUF_N = 4 * MASS_BATCH,
	MASS_OUT_MAX = 2 * MASS_BATCH,
	MASS_TIMER_BUDGET = 1024, /* as the process has it */
	MASS_MSL_MS = 30000,
};

/* Ports of the listeners. */
enum {
	MASS_PATIENT = 80, /* reads and forgets, closes when the client did */
	MASS_CLOSER = 81,  /* closes as soon as it can read */
};

/* What the server said last to one client of the batch, and how often it spoke. */
struct mass_reply {
	uint32_t n, seq, ack, len, tsval;
	uint8_t ctl;
};

struct mass {
	struct tg_engine *engine;
	size_t bytes; /* of the engine */
	uint64_t now_ns;
	uint64_t spent_ns; /* of the thread's own time, in the engine */
	uint16_t port;
	/* The batch: clients base + k * stride, k < n <= MASS_BATCH. */
	uint32_t base, stride, n;
	struct mass_reply reply[MASS_BATCH];
	struct tg_pkt in[MASS_BATCH], out[MASS_OUT_MAX];
	uint32_t in_n, out_n;
	uint64_t in_sum, out_sum; /* packets, ever */
	uint8_t *buf;
	uint32_t free_buf[MASS_BUF_N], free_n;
};

/* One line and the end of the process. */
_Noreturn void mass_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Bytes that mass_make will ask for. */
size_t mass_bytes(uint32_t conn_max, uint32_t tw_max);
struct mass *mass_make(uint32_t conn_max, uint32_t tw_max);
void mass_free(struct mass *m);

/* A batch begins: nobody has said anything. */
void mass_begin(struct mass *m, uint32_t base, uint32_t stride, uint32_t n);
/* Adds a segment of client k of the batch: SEQ is its ISN + offset, text_len bytes of text. */
void mass_say(struct mass *m, uint32_t k, uint8_t ctl, uint32_t offset, uint32_t ack,
	      uint32_t text_len);
/* Hands them to the engine, burst by burst, as the worker does it, with the tick that is due; then
 * notes what came out. Every one of the n clients must have heard `expect` segments, the last with
 * these flags and this length, its ACK the client's ISN + offset. */
void mass_run(struct mass *m, const char *what);
/* The same in steps: in[first] and those behind it, up to a burst; what is due; and the notes. */
void mass_burst(struct mass *m, uint32_t first);
void mass_tick(struct mass *m);
void mass_take(struct mass *m, const char *what);
void mass_expect(const struct mass *m, const char *what, uint32_t expect, uint8_t ctl,
		 uint32_t offset, uint32_t len);
/* The clock goes on, and what is due is done; nothing may come out. */
void mass_sleep(struct mass *m, uint64_t ms);
/* Ends the process unless so many connections are in that state, and no buffer is lost. */
void mass_check(const struct mass *m, const char *what, enum tg_tcp_state state, uint32_t expect);

#endif
