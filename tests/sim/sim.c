/* SPDX-License-Identifier: BSD-3-Clause */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	BASE_NS = 5000000,     /* one way */
	JITTER_NS = 200000000, /* of a delayed datagram */
	REORDER_NS = 20000000, /* enough to be overtaken */
	DUP_NS = 60000000,     /* a copy comes up to so much later */
	DATAGRAM_MAX = 65535,
};

static uint64_t mix(uint64_t *state) /* splitmix64 */
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

uint32_t sim_random(struct sim *s, uint32_t n)
{
	return (uint32_t)((mix(&s->rng) >> 32) * n >> 32);
}

static struct tg_lab *host(const char *addr, uint64_t seed, const char *options)
{
	char text[512], err[256];

	snprintf(text, sizeof(text), "addr=%s/16 seed=%llu %s", addr, (unsigned long long)seed,
		 options);
	struct tg_lab *lab = tg_lab_new(text, err, sizeof(err));

	if (lab)
		return lab;
	printf("%s: %s\n", text, err);
	exit(2);
}

void sim_init(struct sim *s, uint64_t seed, const char *options_a, const char *options_b)
{
	memset(s, 0, sizeof(*s));
	s->rng = seed;
	s->now_ns = 1000000000;
	s->lab[0] = host(SIM_A, mix(&s->rng), options_a);
	s->lab[1] = host(SIM_B, mix(&s->rng), options_b);
}

void sim_fini(struct sim *s)
{
	for (size_t i = 0; i < s->flight_n; i++)
		free(s->flight[i].bytes);
	free(s->flight);
	tg_lab_free(s->lab[0]);
	tg_lab_free(s->lab[1]);
}

/* --- what is in flight --- */

static int is_before(const struct sim_datagram *x, const struct sim_datagram *y)
{
	return x->at_ns < y->at_ns || (x->at_ns == y->at_ns && x->order < y->order);
}

static void swap(struct sim_datagram *x, struct sim_datagram *y)
{
	struct sim_datagram t = *x;

	*x = *y;
	*y = t;
}

static void flight_put(struct sim *s, int to, const void *bytes, size_t len, uint64_t at_ns)
{
	if (s->flight_n == s->flight_max) {
		s->flight_max = s->flight_max ? s->flight_max * 2 : 64;
		s->flight = realloc(s->flight, s->flight_max * sizeof(*s->flight));
	}
	size_t i = s->flight_n++;

	s->flight[i] = (struct sim_datagram){at_ns, s->order++, len, to, malloc(len)};
	memcpy(s->flight[i].bytes, bytes, len);
	for (; i > 0 && is_before(&s->flight[i], &s->flight[(i - 1) / 2]); i = (i - 1) / 2)
		swap(&s->flight[i], &s->flight[(i - 1) / 2]);
}

static struct sim_datagram flight_take(struct sim *s)
{
	struct sim_datagram first = s->flight[0];
	size_t i = 0;

	s->flight[0] = s->flight[--s->flight_n];
	for (;;) {
		size_t least = i;
		for (size_t k = 2 * i + 1; k <= 2 * i + 2; k++)
			if (k < s->flight_n && is_before(&s->flight[k], &s->flight[least]))
				least = k;
		if (least == i)
			return first;
		swap(&s->flight[i], &s->flight[least]);
		i = least;
	}
}

static int happens(struct sim *s, uint32_t per_mille)
{
	return per_mille && sim_random(s, 1000) < per_mille;
}

static int is_data_lost(struct sim *s)
{
	return s->link.loss_data && sim_random(s, 100000) < s->link.loss_data;
}

/* The bottleneck: what finds no room is lost, the rest waits for those before it. */
static int through_queue(struct sim *s, size_t len, uint64_t sent_ns, uint64_t *at_ns)
{
	uint64_t begin = s->link_free_ns > sent_ns ? s->link_free_ns : sent_ns;
	uint64_t waiting = (begin - sent_ns) * s->link.rate / 1000000000;

	if (waiting + len > s->link.queue)
		return 0;
	s->link_free_ns = begin + (uint64_t)len * 1000000000 / s->link.rate;
	*at_ns += s->link_free_ns - sent_ns;
	return 1;
}

static void digest(struct sim *s, const void *bytes, size_t len, uint64_t sent_ns)
{
	uint64_t word, h = s->digest ^ sent_ns ^ len;

	for (size_t i = 0; i < len; i += sizeof(word)) {
		word = 0;
		memcpy(&word, (const uint8_t *)bytes + i,
		       len - i < sizeof(word) ? len - i : sizeof(word));
		h = (h ^ word) * 0x9e3779b97f4a7c15ull;
		h ^= h >> 29;
	}
	s->digest = h;
}

static void send_one(struct sim *s, int to, const void *bytes, size_t len, uint64_t sent_ns)
{
	uint64_t at_ns = sent_ns + (s->link.one_way_ns ? s->link.one_way_ns : BASE_NS);

	s->sent++;
	if (s->digest)
		digest(s, bytes, len, sent_ns);
	if (happens(s, s->link.loss) || (to == 1 && is_data_lost(s)) ||
	    (to == 1 && s->link.rate && !through_queue(s, len, sent_ns, &at_ns))) {
		s->lost++;
		return;
	}
	if (happens(s, s->link.delay))
		at_ns += sim_random(s, JITTER_NS);
	if (happens(s, s->link.reorder))
		at_ns += sim_random(s, REORDER_NS);
	flight_put(s, to, bytes, len, at_ns);
	if (happens(s, s->link.dup))
		flight_put(s, to, bytes, len, at_ns + sim_random(s, DUP_NS));
}

void sim_collect(struct sim *s)
{
	static unsigned char bytes[DATAGRAM_MAX];
	uint64_t sent_ns;
	size_t len;

	for (int from = 0; from < 2; from++)
		while ((len = tg_lab_output(s->lab[from], bytes, sizeof(bytes), &sent_ns)) > 0)
			send_one(s, !from, bytes, len, sent_ns);
}

/* --- time --- */

static uint64_t next_ns(struct sim *s)
{
	uint64_t a = tg_lab_next_deadline(s->lab[0]), b = tg_lab_next_deadline(s->lab[1]);
	uint64_t next = a < b ? a : b;

	if (s->flight_n && s->flight[0].at_ns < next)
		next = s->flight[0].at_ns;
	return next;
}

static void count_event(struct sim *s)
{
	s->events++;
	if (s->validate_every && s->events % s->validate_every == 0)
		sim_validate(s);
}

int sim_step(struct sim *s, uint64_t end_ns)
{
	sim_collect(s);
	uint64_t next = next_ns(s);

	if (next > end_ns)
		return 0;
	if (next > s->now_ns)
		s->now_ns = next;
	if (s->flight_n && s->flight[0].at_ns <= s->now_ns) {
		struct sim_datagram d = flight_take(s);
		tg_lab_input(s->lab[d.to], s->now_ns, d.bytes, d.len);
		free(d.bytes);
	} else {
		tg_lab_advance(s->lab[0], s->now_ns);
		tg_lab_advance(s->lab[1], s->now_ns);
	}
	count_event(s);
	return 1;
}

void sim_run(struct sim *s, uint64_t end_ns)
{
	while (sim_step(s, end_ns))
		;
	if (end_ns == UINT64_MAX)
		return;
	s->now_ns = end_ns;
	tg_lab_advance(s->lab[0], end_ns);
	tg_lab_advance(s->lab[1], end_ns);
}

int sim_validate(struct sim *s)
{
	char why[256];

	for (int i = 0; i < 2; i++) {
		if (tg_lab_validate(s->lab[i], why, sizeof(why)))
			continue;
		if (!s->broken)
			printf("host %c at %llu ns, event %llu: %s\n", 'a' + i,
			       (unsigned long long)s->now_ns, (unsigned long long)s->events, why);
		s->broken = 1;
	}
	return !s->broken;
}

int sim_is_still(struct sim *s)
{
	sim_collect(s);
	return s->flight_n == 0 && next_ns(s) == UINT64_MAX;
}
