/* SPDX-License-Identifier: BSD-3-Clause */
/* mass_rest.c: connections at rest by the million. They are opened in order; then each is asked,
 * and closed, in strides, so that two that follow each other in time lie far apart in memory. */
#include "mass.h"
#include "memory.h"

#include <stdio.h>

enum { BLOCK = 1000 * MASS_BATCH, BLOCKS_LEAST = 4 };

/* What the server's first numbers were, as a sum in any order: so each connection is known to have
 * kept its own, and nobody has to remember a hundred million of them. */
static uint64_t mixed(uint32_t id, uint32_t number)
{
	uint64_t v = ((uint64_t)id << 32 | number) * 0x9e3779b97f4a7c15u;

	v ^= v >> 29;
	v *= 0xbf58476d1ce4e5b9u;
	return v ^ v >> 32;
}

static uint64_t numbers(const struct mass *m, uint32_t offset)
{
	uint64_t sum = 0;

	for (uint32_t k = 0; k < m->n; k++)
		sum += mixed(m->base + k * m->stride, m->reply[k].seq - offset);
	return sum;
}

static void all_say(struct mass *m, const char *what, uint8_t ctl, uint32_t offset,
		    uint32_t ack_offset)
{
	for (uint32_t k = 0; k < m->n; k++)
		mass_say(m, k, ctl, offset, ctl & TG_TCP_ACK ? m->reply[k].seq + ack_offset : 0, 0);
	mass_run(m, what);
}

/* --- opening --- */

static uint64_t open_batch(struct mass *m, uint32_t base)
{
	uint64_t sum;

	mass_begin(m, base, 1, MASS_BATCH);
	all_say(m, "SYN", TG_TCP_SYN, 0, 0);
	mass_expect(m, "SYN", 1, TG_TCP_SYN | TG_TCP_ACK, 1, 0);
	sum = numbers(m, 0);
	all_say(m, "ACK", TG_TCP_ACK, 1, 1);
	mass_expect(m, "ACK", 0, 0, 0, 0);
	return sum;
}

static uint64_t open_all(struct mass *m, uint32_t n)
{
	uint32_t block = n / MASS_BATCH / BLOCKS_LEAST * MASS_BATCH;
	double first = 0, slowest = 0, last = 0;
	uint64_t sum = 0;

	block = block == 0 ? n : block < BLOCK ? block : BLOCK;
	for (uint32_t at = 0; at < n;) {
		uint32_t from = at;

		m->spent_ns = 0;
		for (; at < n && at - from < block; at += MASS_BATCH)
			sum += open_batch(m, at);
		if (at - from < block)
			break; /* the rest is too short to be compared */
		last = (double)m->spent_ns / block;
		first = first > 0 ? first : last;
		slowest = last > slowest ? last : slowest;
	}
	printf("opened: the first %u at %.0f ns each (two packets in, one out), the last at %.0f, "
	       "the slowest at %.0f\n  the rate of the slowest to that of the first: %.3f "
	       "(wanted: 0.5)\n",
	       block, first, last, slowest, first / slowest);
	return sum;
}

/* --- asking and closing --- */

/* RFC 9293 3.8.4: a segment that begins one below RCV.NXT is answered with what the connection
 * stands at. */
static void ask_batch(struct mass *m)
{
	all_say(m, "probe", TG_TCP_ACK, 0, 0);
	mass_expect(m, "probe", 1, TG_TCP_ACK, 1, 0);
}

static void ask_all(struct mass *m, uint32_t n, uint64_t sum)
{
	uint32_t stride = n / MASS_BATCH;

	m->spent_ns = 0;
	for (uint32_t j = 0; j < stride; j++) {
		mass_begin(m, j, stride, MASS_BATCH);
		ask_batch(m);
		sum -= numbers(m, 1);
	}
	if (sum)
		mass_fail("some connection does not stand where it stood when it was opened");
	printf("asked: each of %u answered, with its own numbers; %.0f ns each\n", n,
	       (double)m->spent_ns / n);
}

static void close_batch(struct mass *m)
{
	ask_batch(m);
	all_say(m, "FIN", TG_TCP_ACK | TG_TCP_FIN, 1, 0);
	mass_expect(m, "FIN", 1, TG_TCP_ACK | TG_TCP_FIN, 2, 0);
	all_say(m, "last ACK", TG_TCP_ACK, 2, 1);
	mass_expect(m, "last ACK", 0, 0, 0, 0);
}

static void close_all(struct mass *m, uint32_t n)
{
	uint32_t stride = n / MASS_BATCH;

	m->spent_ns = 0;
	for (uint32_t j = 0; j < stride; j++) {
		mass_begin(m, j, stride, MASS_BATCH);
		close_batch(m);
	}
	printf("closed: a probe, the client's FIN, the server's, the last ACK: %.0f ns each\n",
	       (double)m->spent_ns / n);
}

/* --- in all --- */

static void print_memory(const struct mass *m, uint32_t n)
{
	double bytes = (double)memory_peak().resident;

	printf("memory: %.3f GB of the whole process, %.1f bytes a connection (the engine's plan: "
	       "%.3f GB; at 100,000,000 wanted: 8.6)\n",
	       bytes / 1e9, bytes / n, (double)m->bytes / 1e9);
}

static void check_valid(const struct mass *m)
{
	char why[256];

	if (!tg_engine_validate(m->engine, why, sizeof(why)))
		mass_fail("the engine is not valid: %s", why);
}

static void check_gone(const struct mass *m)
{
	struct tg_engine_stats s;

	tg_engine_stats(m->engine, &s);
	if (s.conn_count || s.tw_count || s.ext_used || s.chunk_used || s.timer_count)
		mass_fail("not all is gone: %u connections, %u records, %u extensions, %u "
			  "buffers, %u timers",
			  s.conn_count, s.tw_count, s.ext_used, s.chunk_used, s.timer_count);
	printf("gone: 0 connections, 0 records, 0 extensions, 0 buffers, 0 timers\n");
}

size_t mass_rest_bytes(uint32_t n)
{
	return mass_bytes(n, MASS_BATCH);
}

void mass_rest(uint32_t n, bool validate)
{
	struct mass *m = mass_make(n, MASS_BATCH);
	uint64_t sum;

	printf("%u connections at rest\n", n);
	sum = open_all(m, n);
	mass_check(m, "opened", TG_ESTABLISHED, n);
	print_memory(m, n);
	mass_sleep(m, 1000);
	ask_all(m, n, sum);
	mass_check(m, "asked", TG_ESTABLISHED, n);
	if (validate)
		check_valid(m);
	mass_sleep(m, 1000);
	close_all(m, n);
	check_gone(m);
	mass_check(m, "closed", TG_ESTABLISHED, 0);
	if (validate)
		check_valid(m);
	mass_free(m);
}
