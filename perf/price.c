/* SPDX-License-Identifier: BSD-3-Clause */
/* The price of correctness: a whole life of a connection at a server, SYN to the end of TIME-WAIT,
 * with every rule on, and the same life once more for each rule that is taken away. All take turns
 * in one program; an operation is one connection. What a rule costs is the difference to the first.
 *
 * Nothing in the engine knows of this. A rule goes by what anyone may configure, by what packet
 * views may say, by what clients do; the keyed hash alone by the linker, which puts the functions
 * below in its place (--wrap), here and nowhere else. */
#include "micro/bench.h"
#include "micro/world.h"

#include "engine.h" /* where its keys are */
#include "tg_sip_lanes.h"
#include "tg_tuple_batch.h"
#include "tuple_words.h"
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

/* --- a hash that anyone can steer, in place of the keyed one --- */

/* The key that tuples are hashed by in the engine that runs; NULL: they stay keyed. */
static const struct tg_sipkey *tuple_key;
static bool is_unkeyed;
static uint64_t unkeyed_n;

uint64_t __real_tg_tcp_tuple_hash(const struct tg_tuple *tuple, const struct tg_tcp_secret *secret);
uint64_t __wrap_tg_tcp_tuple_hash(const struct tg_tuple *tuple, const struct tg_tcp_secret *secret);
void __real_tg_tuple_batch_hash(struct tg_tuple_batch *b, const struct tg_tcp_secret *secret,
				const struct tg_sip_lanes *lanes);
void __wrap_tg_tuple_batch_hash(struct tg_tuple_batch *b, const struct tg_tcp_secret *secret,
				const struct tg_sip_lanes *lanes);
const struct tg_sip_lanes *__real_tg_sip_lanes_at(uint32_t i);
const struct tg_sip_lanes *__wrap_tg_sip_lanes_at(uint32_t i);

/* Two multiplications: about what generators do. */
static inline uint64_t mix(uint64_t addrs, uint64_t ports)
{
	uint64_t x = (addrs ^ ports * 0x9e3779b97f4a7c15ull) * 0xd6e8feb86659fd93ull;

	return x ^ x >> 32;
}

static void mix_all(const uint64_t addrs[], const uint64_t ports[], uint64_t out[], uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		out[i] = mix(addrs[i], ports[i]);
	unkeyed_n += n;
}

uint64_t __wrap_tg_tcp_tuple_hash(const struct tg_tuple *tuple, const struct tg_tcp_secret *secret)
{
	if (!is_unkeyed || !tuple_is_v4(tuple))
		return __real_tg_tcp_tuple_hash(tuple, secret);
	unkeyed_n++;
	return mix(tuple_v4_addrs(tuple), tuple_v4_end(tuple));
}

void __wrap_tg_tuple_batch_hash(struct tg_tuple_batch *b, const struct tg_tcp_secret *secret,
				const struct tg_sip_lanes *lanes)
{
	if (is_unkeyed)
		mix_all(b->addrs, b->end, b->hash, b->n);
	else
		__real_tg_tuple_batch_hash(b, secret, lanes);
}

/* Of what is hashed in lanes, tuples alone. */
static void mix_many(const struct tg_sipkey *key, const uint64_t *const m[], uint32_t word_n,
		     uint64_t out[], uint32_t n)
{
	if (key == tuple_key)
		mix_all(m[0], m[1], out, n);
	else
		__real_tg_sip_lanes_at(0)->hash13(key, m, word_n, out, n);
}

/* The engine asks once, when it is made. */
const struct tg_sip_lanes *__wrap_tg_sip_lanes_at(uint32_t i)
{
	static struct tg_sip_lanes lanes;
	const struct tg_sip_lanes *real = __real_tg_sip_lanes_at(i);

	if (!is_unkeyed || !real)
		return real;
	lanes = *real;
	lanes.hash13 = mix_many;
	return &lanes;
}

static void hash_as(const struct price_row *row, const struct world *w)
{
	is_unkeyed = row->is_unkeyed;
	tuple_key = is_unkeyed && w ? &w->engine->secret.tuple : NULL;
}

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

	hash_as(row, p->w);
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

/* false: the row cannot be had, since the linker did not put the other hash in its place (it may
 * not, when it optimises the whole program). */
static bool make(struct price *p, const struct price_row *row, uint32_t held)
{
	uint64_t unkeyed = unkeyed_n;

	*p = (struct price){.row = row, .held = held};
	hash_as(row, NULL);
	p->w = world_make_so(held + WORLD_BATCH, 2 * WORLD_BATCH, held + WORLD_BATCH, &row->ways);
	hash_as(row, p->w);
	world_open(p->w, 0, held);
	world_check(p->w, row->name, TG_ESTABLISHED, held);
	/* What a packet to nobody says first is no packet of a life. */
	p->packets_in = p->packets_out = 0;
	return !row->is_unkeyed || unkeyed_n > unkeyed;
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
