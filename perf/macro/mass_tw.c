/* SPDX-License-Identifier: BSD-3-Clause */
/* mass_tw.c: TIME-WAIT records by the million. They are made by whole connections, in clusters of
 * one millisecond, over most of 2MSL; each is asked once; then they end while others talk: chunk by
 * chunk, all of a chunk due at once, which is the worst that a clock can do. Between two chunks the
 * same loop runs for as long with nothing due. */
#include "mass.h"
#include "memory.h"
#include "spread.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

enum {
	TALKERS = 8 * MASS_BATCH, /* that are open, and send data */
	TEXT_LEN = 64,
	STEP_MS = 3, /* from one cluster to the next */
	TWO_MSL_MS = 2 * MASS_MSL_MS,
	GAP_NS = 200000,   /* nothing was polled for so long */
	LOST_NS = 1000000, /* somebody else had the core */
	SAMPLE_MAX = 1 << 20,
};

/* Of the loop: with ends, and without. */
struct loop {
	uint64_t ns, n, gaps, longest_ns;
	uint64_t tick_ns, ended, most_ended; /* rounds that lost the core are left out of tick_ns */
	uint64_t lost_ended;
	double *sample; /* ns of a round */
	uint32_t sample_n;
};

struct tw {
	struct mass *m;
	uint32_t n, clusters; /* n = clusters * MASS_CLUSTER */
	uint64_t made_ns;     /* when the first one was */
	uint32_t talked[TALKERS / MASS_BATCH];
	uint32_t server_seq[TALKERS];
	uint32_t turn;
	struct loop with, without;
};

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t ended(const struct tw *t)
{
	return tg_engine_counters(t->m->engine)->v[TG_CTR_tw_expired];
}

static uint32_t held(const struct tw *t)
{
	struct tg_engine_stats stats;

	tg_engine_stats(t->m->engine, &stats);
	return stats.tw_count;
}

/* --- making --- */

static void all_say(struct mass *m, const char *what, uint8_t ctl, uint32_t offset,
		    uint32_t ack_offset, uint32_t len)
{
	for (uint32_t k = 0; k < m->n; k++)
		mass_say(m, k, ctl, offset, ctl & TG_TCP_ACK ? m->reply[k].seq + ack_offset : 0,
			 len);
	mass_run(m, what);
}

/* The server closes first: it has the record. */
static void make_batch(struct mass *m, uint32_t base)
{
	mass_begin(m, base, 1, MASS_BATCH);
	all_say(m, "SYN", TG_TCP_SYN, 0, 0, 0);
	mass_expect(m, "SYN", 1, TG_TCP_SYN | TG_TCP_ACK, 1, 0);
	all_say(m, "request", TG_TCP_ACK | TG_TCP_PSH, 1, 1, 1);
	mass_expect(m, "request", 1, TG_TCP_ACK | TG_TCP_FIN, 2, 0);
	all_say(m, "FIN", TG_TCP_ACK | TG_TCP_FIN, 2, 1, 0);
	mass_expect(m, "FIN", 1, TG_TCP_ACK, 3, 0);
}

static void make_all(struct tw *t)
{
	struct mass *m = t->m;
	m->port = MASS_CLOSER;
	t->made_ns = m->now_ns;
	m->spent_ns = 0;
	for (uint32_t at = 0; at < t->n; at += MASS_BATCH) {
		if (at % MASS_CLUSTER == 0)
			m->now_ns = t->made_ns + at / MASS_CLUSTER * STEP_MS * TG_NS_PER_MS;
		make_batch(m, at);
	}
	mass_check(m, "TIME-WAIT", TG_TIME_WAIT, t->n);
	printf("made by connections that the server closed: %.0f ns each (three packets in and "
	       "out)\n",
	       (double)m->spent_ns / t->n);
}

/* A segment from below the window is answered, and does not begin 2MSL anew. */
static void ask_all(struct tw *t)
{
	struct mass *m = t->m;
	uint32_t stride = t->n / MASS_BATCH;

	m->spent_ns = 0;
	for (uint32_t j = 0; j < stride; j++) {
		mass_begin(m, j, stride, MASS_BATCH);
		all_say(m, "ask", TG_TCP_ACK, 2, 0, 0);
		mass_expect(m, "ask", 1, TG_TCP_ACK, 3, 0);
	}
	mass_check(m, "asked", TG_TIME_WAIT, t->n);
	printf("asked: each of %u answered; %.0f ns each\n", t->n, (double)m->spent_ns / t->n);
}

/* --- others, who talk meanwhile --- */

static void open_talkers(struct tw *t)
{
	struct mass *m = t->m;

	m->port = MASS_PATIENT;
	for (uint32_t b = 0; b < TALKERS / MASS_BATCH; b++) {
		mass_begin(m, t->n + b * MASS_BATCH, 1, MASS_BATCH);
		all_say(m, "SYN", TG_TCP_SYN, 0, 0, 0);
		mass_expect(m, "SYN", 1, TG_TCP_SYN | TG_TCP_ACK, 1, 0);
		for (uint32_t k = 0; k < MASS_BATCH; k++)
			t->server_seq[b * MASS_BATCH + k] = m->reply[k].seq + 1;
		all_say(m, "ACK", TG_TCP_ACK, 1, 1, 0);
	}
	mass_check(m, "talkers", TG_ESTABLISHED, TALKERS);
}

static void note_round(struct loop *l, uint64_t rx_ns, uint64_t tick_ns, uint64_t n)
{
	uint64_t ns = rx_ns + tick_ns;

	l->n++;
	l->ns += ns;
	l->gaps += ns > GAP_NS;
	l->longest_ns = ns > l->longest_ns ? ns : l->longest_ns;
	l->ended += n;
	l->most_ended = n > l->most_ended ? n : l->most_ended;
	if (tick_ns < LOST_NS)
		l->tick_ns += tick_ns;
	else
		l->lost_ended += n;
	if (l->sample_n < SAMPLE_MAX)
		l->sample[l->sample_n++] = (double)ns;
}

/* One round: a burst, and what is due. */
static void one_round(struct tw *t, struct loop *l, uint32_t first)
{
	uint64_t before = ended(t), start = clock_ns(), middle;

	mass_burst(t->m, first);
	middle = clock_ns();
	mass_tick(t->m);
	note_round(l, middle - start, clock_ns() - middle, ended(t) - before);
}

/* Some talkers say one thing each, a burst a round. */
static void talk(struct tw *t, struct loop *l)
{
	struct mass *m = t->m;
	uint32_t b = t->turn++ % (TALKERS / MASS_BATCH), said = t->talked[b]++ * TEXT_LEN;

	mass_begin(m, t->n + b * MASS_BATCH, 1, MASS_BATCH);
	for (uint32_t k = 0; k < MASS_BATCH; k++)
		mass_say(m, k, TG_TCP_ACK | TG_TCP_PSH, 1 + said, t->server_seq[b * MASS_BATCH + k],
			 TEXT_LEN);
	for (uint32_t i = 0; i < m->in_n; i += MASS_BURST)
		one_round(t, l, i);
	mass_take(m, "talk");
	mass_expect(m, "talk", 1, TG_TCP_ACK, 1 + said + TEXT_LEN, 0);
}

/* --- ends --- */

/* Halfway between the last of so many clusters and the next. */
static uint64_t end_ns(const struct tw *t, uint32_t clusters)
{
	return t->made_ns + TWO_MSL_MS * TG_NS_PER_MS + clusters * STEP_MS * TG_NS_PER_MS -
	       STEP_MS * TG_NS_PER_MS / 2;
}

/* What is due now ends while others talk. */
static void end_due(struct tw *t)
{
	do
		talk(t, &t->with);
	while (tg_engine_next_deadline(t->m->engine) <= t->m->now_ns);
}

/* Chunk `part` of `parts` becomes due all at once; then as long again with nothing due. What ends
 * is what is due, no more; up to a millisecond late. */
static void end_part(struct tw *t, uint32_t part, uint32_t parts)
{
	struct mass *m = t->m;
	uint32_t clusters = (uint32_t)((uint64_t)t->clusters * (part + 1) / parts);
	uint64_t from_ns = t->with.ns;

	m->now_ns = end_ns(t, clusters);
	end_due(t);
	m->now_ns += TG_NS_PER_MS;
	end_due(t);
	if (held(t) != t->n - clusters * MASS_CLUSTER)
		mass_fail("%u records are left when %u are not over", held(t),
			  t->n - clusters * MASS_CLUSTER);
	for (uint64_t until = t->without.ns + t->with.ns - from_ns; t->without.ns < until;)
		talk(t, &t->without);
}

static void end_all(struct tw *t, uint32_t parts)
{
	struct mass *m = t->m;

	/* Never early (TD-14). */
	mass_sleep(m, (end_ns(t, 0) - m->now_ns) / TG_NS_PER_MS);
	if (ended(t) || held(t) != t->n)
		mass_fail("%" PRIu64 " records ended before 2MSL were over", ended(t));
	for (uint32_t part = 0; part < parts; part++)
		end_part(t, part, parts);
	if (ended(t) != t->n || held(t))
		mass_fail("%" PRIu64 " records ended, and %u are left, of %u", ended(t), held(t),
			  t->n);
	if (t->without.ended)
		mass_fail("%" PRIu64 " records ended when none was due", t->without.ended);
	if (t->with.most_ended > MASS_TIMER_BUDGET)
		mass_fail("%" PRIu64 " records ended in one call: %d are allowed",
			  t->with.most_ended, MASS_TIMER_BUDGET);
}

/* --- in all --- */

static void print_loop(const char *name, struct loop *l)
{
	double *v = l->sample;
	struct spread s = spread_of(v, l->sample_n);
	double seconds = (double)l->ns / 1e9;

	printf("  %-12s %9" PRIu64 " rounds, %7.3f s; a round %5.1f us (p90 %.1f, p99.9 %.1f, "
	       "longest %.0f); over 200 us: %" PRIu64 " (%.1f/s)\n",
	       name, l->n, seconds, s.p50 / 1e3, s.p90 / 1e3,
	       v[l->sample_n - 1 - l->sample_n / 1000] / 1e3, (double)l->longest_ns / 1e3, l->gaps,
	       (double)l->gaps / seconds);
}

static void print_all(struct tw *t)
{
	double bytes = (double)memory_peak().resident;
	struct loop *l = &t->with;

	printf("ended while others talked, %" PRIu64 " a call at most (allowed: %d): %.1f ns a "
	       "record (wanted: 20)\n",
	       l->most_ended, MASS_TIMER_BUDGET,
	       (double)l->tick_ns / (double)(l->ended - l->lost_ended));
	print_loop("with ends", l);
	print_loop("without", &t->without);
	printf("memory: %.3f GB of the whole process, %.1f bytes a record (the engine's plan: %.3f "
	       "GB; at 60,000,000 wanted: 2.7)\n",
	       bytes / 1e9, bytes / t->n, (double)t->m->bytes / 1e9);
}

static void check_valid(const struct mass *m)
{
	char why[256];

	if (!tg_engine_validate(m->engine, why, sizeof(why)))
		mass_fail("the engine is not valid: %s", why);
}

size_t mass_time_wait_bytes(uint32_t n)
{
	return mass_bytes(TALKERS + MASS_BATCH, n) + 2 * SAMPLE_MAX * sizeof(double);
}

void mass_time_wait(uint32_t n, uint32_t parts, bool validate)
{
	struct tw *t = calloc(1, sizeof(*t));

	if (!t || !(t->with.sample = calloc(SAMPLE_MAX, sizeof(double))) ||
	    !(t->without.sample = calloc(SAMPLE_MAX, sizeof(double))))
		mass_fail("no memory");
	t->n = n;
	t->clusters = n / MASS_CLUSTER;
	t->m = mass_make(TALKERS + MASS_BATCH, n);
	printf("%u TIME-WAIT records\n", n);
	make_all(t);
	if (validate)
		check_valid(t->m);
	ask_all(t);
	open_talkers(t);
	end_all(t, parts);
	mass_check(t->m, "talkers", TG_ESTABLISHED, TALKERS);
	print_all(t);
	if (validate)
		check_valid(t->m);
	mass_free(t->m);
	free(t->with.sample);
	free(t->without.sample);
	free(t);
}
