/* SPDX-License-Identifier: BSD-3-Clause */
/* The price of correctness: a whole life of a connection at a server, SYN to the end of TIME-WAIT,
 * with every rule on, and the same life once more for each rule that is taken away. All take turns
 * in one program; an operation is one connection. What a rule costs is the difference to the first.
 *
 * Nothing in the engine knows of this. A rule goes by what anyone may configure, by what packet
 * views may say, by what clients do; the keyed hash alone by the linker (price_hash.c), here and
 * nowhere else. */
#include "micro/bench.h"
#include "micro/world.h"
#include "price_hash.h"

#include <stdio.h>

enum { TEXT_LEN = 64, TWO_MSL_MS = 60000 };

/* How a life goes, beside what its world does. */
struct price_row {
	const char *name;
	struct world_ways ways;
	uint16_t port;
	bool is_short; /* the request comes with the handshake's ACK, the FIN with the last ACK */
	bool client_first; /* the client closes first: no TIME-WAIT with us */
	bool is_unkeyed;
	uint32_t resets; /* blind RSTs within the window, after the request */
};

/* No limit that anyone here reaches: what is paid is asking. */
#define ASKED .rst_rate = 100000000

static const struct price_row rows[] = {
    {"every rule", {ASKED}, WORLD_ANSWER},
    {"without TIME-WAIT: the client closes first",
     {ASKED},
     WORLD_ANSWER_LATER,
     .client_first = true},
    {"TIME-WAIT of 2 ms", {ASKED, .msl_ms = 1}, WORLD_ANSWER},
    {"without timestamps", {ASKED, .no_timestamps = true}, WORLD_ANSWER},
    {"without SACK", {ASKED, .no_sack = true}, WORLD_ANSWER},
    {"checksums in not verified", {ASKED, .csum_in_trusted = true}, WORLD_ANSWER},
    {"checksums out left to the card", {ASKED, .csum_out_left = true}, WORLD_ANSWER},
    {"without a keyed hash", {ASKED}, WORLD_ANSWER, .is_unkeyed = true},
    {"without the prefix budget", {0}, WORLD_ANSWER},
    {"three segments in, not five", {ASKED}, WORLD_ANSWER, .is_short = true},
    {"with a cookie", {ASKED}, WORLD_ANSWER_COOKIE},
    {"with a blind RST, challenged", {ASKED}, WORLD_ANSWER, .resets = 1},
    {"with two, the second not answered", {ASKED}, WORLD_ANSWER, .resets = 2},
    {"as generators have it: three, none of it",
     {.no_timestamps = true,
      .no_sack = true,
      .csum_in_trusted = true,
      .csum_out_left = true,
      .msl_ms = 1},
     WORLD_ANSWER,
     .is_short = true,
     .is_unkeyed = true},
};

struct price {
	const struct price_row *row;
	struct world *w;
	uint32_t held;
	uint64_t lives, packets_in, packets_out;
};

/* --- a life --- */

static void step(struct price *p, uint8_t ctl, uint32_t text_len)
{
	for (uint32_t i = p->held; i < p->held + WORLD_BATCH; i++)
		world_add(p->w, i, ctl, text_len);
	p->packets_in += WORLD_BATCH;
	p->packets_out += world_run(p->w, true);
}

/* A RST that lies in the window, but is not the next number: asked about, not obeyed (RB-04). It
 * takes no numbers of the client's. */
static void step_reset(struct price *p)
{
	struct world_client *c = p->w->client;

	for (uint32_t i = p->held; i < p->held + WORLD_BATCH; i++)
		c[i].snd_nxt += 1000;
	step(p, TG_TCP_RST, 0);
	for (uint32_t i = p->held; i < p->held + WORLD_BATCH; i++)
		c[i].snd_nxt -= 1000;
}

/* The time until all records have ended, in which only they do anything. */
static void rest(struct price *p)
{
	struct world *w = p->w;
	uint64_t end = w->now_ns + (TWO_MSL_MS + 1) * TG_NS_PER_MS;

	bench_start();
	while (tg_engine_next_deadline(w->engine) <= end) {
		w->now_ns = end;
		w->out_n += tg_engine_tick(w->engine, w->out, WORLD_OUT_MAX, end);
	}
	bench_stop();
	w->now_ns = end;
	if (w->out_n)
		bench_fail("%s: %u packets came out late", p->row->name, w->out_n);
}

static void close_both(struct price *p)
{
	const uint32_t in_tw = p->row->client_first ? 0 : WORLD_BATCH;

	if (p->row->client_first) {
		step(p, TG_TCP_ACK | TG_TCP_FIN, 0);
		step(p, TG_TCP_ACK, 0);
	} else {
		if (!p->row->is_short)
			step(p, TG_TCP_ACK, 0);
		step(p, TG_TCP_ACK | TG_TCP_FIN, 0);
	}
	world_check(p->w, p->row->name, TG_TIME_WAIT, in_tw);
	world_check(p->w, p->row->name, TG_ESTABLISHED, p->held);
}

static uint64_t run(void *ctx)
{
	struct price *p = ctx;
	const struct price_row *row = p->row;

	price_hash_as(row->is_unkeyed, p->w);
	p->w->port = row->port;
	for (uint32_t i = p->held; i < p->held + WORLD_BATCH; i++)
		p->w->client[i].snd_nxt += 1000000;
	step(p, TG_TCP_SYN, 0);
	if (!row->is_short)
		step(p, TG_TCP_ACK, 0);
	for (uint32_t r = 0; r < row->resets; r++)
		step_reset(p);
	step(p, TG_TCP_ACK | TG_TCP_PSH, TEXT_LEN);
	close_both(p);
	rest(p);
	world_check(p->w, row->name, TG_TIME_WAIT, 0);
	p->lives += WORLD_BATCH;
	return WORLD_BATCH;
}

/* --- the list --- */

/* false: this build cannot have the row. */
static bool make(struct price *p, const struct price_row *row, uint32_t held)
{
	*p = (struct price){.row = row, .held = held};
	if (!price_hash_as(row->is_unkeyed, NULL))
		return false;
	p->w = world_make_so(held + WORLD_BATCH, 2 * WORLD_BATCH, held + WORLD_BATCH, &row->ways);
	price_hash_as(row->is_unkeyed, p->w);
	world_open(p->w, 0, held);
	world_check(p->w, row->name, TG_ESTABLISHED, held);
	if (row->is_unkeyed && price_hash_count() == 0)
		bench_fail("%s: the linker did not put the other hash in place", row->name);
	/* What a packet to nobody says first is no packet of a life. */
	p->packets_in = p->packets_out = 0;
	return true;
}

int main(int argc, char **argv)
{
	enum { ROW_N = sizeof(rows) / sizeof(rows[0]) };
	static struct price price[ROW_N][4];
	static struct bench_case cases[4 * ROW_N];
	struct bench_opts o;
	uint32_t n = 0;

	bench_parse(&o, argc, argv);
	for (uint32_t s = 0; s < o.size_n; s++)
		for (uint32_t r = 0; r < ROW_N; r++)
			if (bench_is_wanted(&o, rows[r].name)) {
				if (!make(&price[r][s], &rows[r], o.size[s])) {
					fprintf(stderr, "left out: %s: this build cannot\n",
						rows[r].name);
					continue;
				}
				cases[n++] =
				    (struct bench_case){rows[r].name, o.size[s], &price[r][s], run};
			}
	if (n == 0)
		bench_fail("--only %s: there is no such case", o.only ? o.only : "");
	bench_run(&o, cases, n);
	for (uint32_t i = 0; i < n; i++) {
		const struct price *p = cases[i].ctx;

		bench_tell(&o, cases[i].name, cases[i].size,
			   (double)p->packets_in / (double)p->lives, "packets in");
		bench_tell(&o, cases[i].name, cases[i].size,
			   (double)p->packets_out / (double)p->lives, "packets out");
	}
	return 0;
}
