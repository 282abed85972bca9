/* SPDX-License-Identifier: BSD-3-Clause */
/* What a packet costs in the engine, by what it is, while `size` connections are held: packets are
 * made before, in batches, given to tg_engine_rx in bursts of 32 as the worker does it, and what
 * comes out is checked afterwards. An operation is one packet in, or one TIME-WAIT record. */
#include "bench.h"
#include "world.h"

#include <stdio.h>

enum { TEXT_LEN = 64, BULK_LEN = 1448, TWO_MSL_MS = 60000, COUNT_RECORDS = 8 * WORLD_BATCH };

struct engine_ctx {
	struct world *w;
	uint32_t held;    /* clients [0, held) are connected, [held, held + WORLD_BATCH) are not */
	uint32_t records; /* TIME-WAIT records that the case of that name makes */
	uint64_t draw;    /* state of the generator below */
	uint32_t pick[WORLD_BATCH];
};

/* A held client, any (a linear congruential generator is good enough to miss the caches). */
static uint32_t draw_held(struct engine_ctx *c)
{
	c->draw = c->draw * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(((c->draw >> 32) * c->held) >> 32);
}

/* n different held clients into pick[]: every (held / n)th, from a random place. */
static void pick_held(struct engine_ctx *c, uint32_t n)
{
	uint32_t stride = c->held / n, start = draw_held(c);

	for (uint32_t k = 0; k < n; k++)
		c->pick[k] = (uint32_t)(((uint64_t)start + (uint64_t)k * stride) % c->held);
	/* In no order. */
	for (uint32_t k = n - 1; k > 0; k--) {
		uint32_t other = draw_held(c) % (k + 1), swap = c->pick[k];

		c->pick[k] = c->pick[other];
		c->pick[other] = swap;
	}
}

static void begin(struct engine_ctx *c, uint16_t port)
{
	c->w->port = port;
	world_sleep(c->w, 1);
}

static void expect(const char *name, uint32_t n, uint32_t want)
{
	if (n != want)
		bench_fail("%s: %u packets came out, expected %u", name, n, want);
}

/* SYN in, SYN-ACK out, a half-open entry made. */
static uint64_t run_syn(void *ctx)
{
	struct engine_ctx *c = ctx;
	uint32_t from = c->held, to = c->held + WORLD_BATCH;

	begin(c, WORLD_DISCARD);
	for (uint32_t i = from; i < to; i++)
		world_add(c->w, i, TG_TCP_SYN, 0);
	expect("SYN", world_run(c->w, true), WORLD_BATCH);
	world_check(c->w, "SYN", TG_SYN_RECEIVED, WORLD_BATCH);
	world_reset(c->w, from, to);
	return WORLD_BATCH;
}

/* SYN in, SYN-ACK with a cookie out, nothing made. */
static uint64_t run_syn_cookie(void *ctx)
{
	struct engine_ctx *c = ctx;

	begin(c, WORLD_COOKIE);
	for (uint32_t i = c->held; i < c->held + WORLD_BATCH; i++)
		world_add(c->w, i, TG_TCP_SYN, 0);
	expect("SYN, cookie", world_run(c->w, true), WORLD_BATCH);
	world_check(c->w, "SYN, cookie", TG_SYN_RECEIVED, 0);
	return WORLD_BATCH;
}

/* The handshake's ACK in, nothing out. */
static uint64_t run_ack(struct engine_ctx *c, const char *name, uint16_t port)
{
	uint32_t from = c->held, to = c->held + WORLD_BATCH;

	begin(c, port);
	for (uint32_t i = from; i < to; i++)
		world_add(c->w, i, TG_TCP_SYN, 0);
	expect(name, world_run(c->w, false), WORLD_BATCH);
	for (uint32_t i = from; i < to; i++)
		world_add(c->w, i, TG_TCP_ACK, 0);
	expect(name, world_run(c->w, true), 0);
	world_check(c->w, name, TG_ESTABLISHED, c->held + WORLD_BATCH);
	world_reset(c->w, from, to);
	world_check(c->w, name, TG_ESTABLISHED, c->held);
	return WORLD_BATCH;
}

static uint64_t run_handshake_ack(void *ctx)
{
	return run_ack(ctx, "handshake ACK", WORLD_DISCARD);
}

static uint64_t run_cookie_ack(void *ctx)
{
	return run_ack(ctx, "handshake ACK, cookie", WORLD_COOKIE);
}

/* In-order text to connections at rest, each answered by an ACK. */
static uint64_t run_data(void *ctx)
{
	struct engine_ctx *c = ctx;
	uint32_t n = c->held < WORLD_BATCH ? c->held : WORLD_BATCH;

	begin(c, WORLD_DISCARD);
	pick_held(c, n);
	for (uint32_t k = 0; k < n; k++)
		world_add(c->w, c->pick[k], TG_TCP_ACK | TG_TCP_PSH, TEXT_LEN);
	expect("data", world_run(c->w, true), n);
	return n;
}

/* Full segments of one connection, a burst of 32 at a time: one ACK a burst. */
static uint64_t run_bulk(void *ctx)
{
	struct engine_ctx *c = ctx;

	begin(c, WORLD_DISCARD);
	pick_held(c, WORLD_BATCH / WORLD_BURST);
	for (uint32_t k = 0; k < WORLD_BATCH; k++)
		world_add(c->w, c->pick[k / WORLD_BURST], TG_TCP_ACK, BULK_LEN);
	expect("bulk", world_run(c->w, true), WORLD_BATCH / WORLD_BURST);
	return WORLD_BATCH;
}

/* The peer closes first: FIN in, ACK and FIN out; ACK in; gone. Two packets each. */
static uint64_t run_fin_passive(void *ctx)
{
	struct engine_ctx *c = ctx;
	uint32_t n = c->held < WORLD_BATCH ? c->held : WORLD_BATCH;

	begin(c, WORLD_DISCARD);
	pick_held(c, n);
	for (uint32_t k = 0; k < n; k++)
		world_add(c->w, c->pick[k], TG_TCP_ACK | TG_TCP_FIN, 0);
	if (world_run(c->w, true) < n)
		bench_fail("FIN: too few packets came out");
	world_check(c->w, "FIN", TG_LAST_ACK, n);
	for (uint32_t k = 0; k < n; k++)
		world_add(c->w, c->pick[k], TG_TCP_ACK, 0);
	expect("FIN", world_run(c->w, true), 0);
	world_check(c->w, "FIN", TG_ESTABLISHED, c->held - n);
	for (uint32_t k = 0; k < n; k++)
		world_open(c->w, c->pick[k], c->pick[k] + 1);
	world_check(c->w, "FIN", TG_ESTABLISHED, c->held);
	return 2ull * n;
}

/* Brings clients [from, to), n <= WORLD_BATCH, to where we have closed and they have not. */
static void close_first(struct engine_ctx *c, uint32_t from, uint32_t to)
{
	world_open(c->w, from, to);
	for (uint32_t i = from; i < to; i++)
		world_add(c->w, i, TG_TCP_ACK | TG_TCP_PSH, 1);
	if (world_run(c->w, false) < to - from)
		bench_fail("close: too few packets came out");
	world_check(c->w, "close", TG_FIN_WAIT_1, to - from);
	for (uint32_t i = from; i < to; i++)
		world_add(c->w, i, TG_TCP_ACK | TG_TCP_FIN, 0);
}

/* We close first: the peer's FIN and ACK in, the last ACK out, a TIME-WAIT record made. */
static uint64_t run_fin_active(void *ctx)
{
	struct engine_ctx *c = ctx;

	begin(c, WORLD_CLOSER);
	close_first(c, c->held, c->held + WORLD_BATCH);
	expect("last ACK", world_run(c->w, true), WORLD_BATCH);
	world_check(c->w, "last ACK", TG_TIME_WAIT, WORLD_BATCH);
	world_sleep(c->w, TWO_MSL_MS + 1);
	world_check(c->w, "last ACK", TG_TIME_WAIT, 0);
	return WORLD_BATCH;
}

/* TIME-WAIT records that end; they were made in as short a time as the packets took. */
static uint64_t run_tw_expire(void *ctx)
{
	struct engine_ctx *c = ctx;
	uint64_t end;

	begin(c, WORLD_CLOSER);
	for (uint32_t done = 0, n; done < c->records; done += n) {
		n = c->records - done < WORLD_BATCH ? c->records - done : WORLD_BATCH;
		close_first(c, c->held + done, c->held + done + n);
		expect("TIME-WAIT", world_run(c->w, false), n);
	}
	world_check(c->w, "TIME-WAIT", TG_TIME_WAIT, c->records);
	end = c->w->now_ns + (TWO_MSL_MS + 1) * TG_NS_PER_MS;
	bench_start();
	while (tg_engine_next_deadline(c->w->engine) <= end) {
		c->w->now_ns = end;
		tg_engine_tick(c->w->engine, c->w->out, WORLD_OUT_MAX, end);
	}
	bench_stop();
	world_check(c->w, "TIME-WAIT", TG_TIME_WAIT, 0);
	return c->records;
}

int main(int argc, char **argv)
{
	static struct engine_ctx ctx[4];
	static struct bench_case cases[64];
	struct bench_opts o;
	uint32_t n = 0;

	bench_parse(&o, argc, argv);
	for (uint32_t i = 0; i < o.size_n; i++) {
		struct engine_ctx *c = &ctx[i];

		c->held = o.size[i];
		c->records = o.count && c->held > COUNT_RECORDS ? COUNT_RECORDS : c->held;
		c->w = world_make(c->held + WORLD_BATCH,
				  (c->held > WORLD_BATCH ? c->held : WORLD_BATCH) + 64,
				  2 * c->held + WORLD_BATCH);
		world_open(c->w, 0, c->held);
		world_check(c->w, "opening", TG_ESTABLISHED, c->held);
		cases[n++] = (struct bench_case){"SYN to SYN-ACK", c->held, c, run_syn};
		cases[n++] =
		    (struct bench_case){"SYN to SYN-ACK, cookie", c->held, c, run_syn_cookie};
		cases[n++] = (struct bench_case){"handshake ACK", c->held, c, run_handshake_ack};
		cases[n++] =
		    (struct bench_case){"handshake ACK, cookie", c->held, c, run_cookie_ack};
		cases[n++] = (struct bench_case){"data, ACK out", c->held, c, run_data};
		cases[n++] = (struct bench_case){"bulk data, 32 of a flow", c->held, c, run_bulk};
		cases[n++] =
		    (struct bench_case){"FIN exchange, peer first", c->held, c, run_fin_passive};
		cases[n++] =
		    (struct bench_case){"FIN exchange, we first", c->held, c, run_fin_active};
		cases[n++] = (struct bench_case){"TIME-WAIT expiry", c->held, c, run_tw_expire};
	}
	bench_run(&o, cases, n);
	return 0;
}
