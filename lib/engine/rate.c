/* SPDX-License-Identifier: BSD-3-Clause */
/* rate.c: see rate.h. The generic cell rate algorithm (ITU-T I.371, virtual scheduling): each
 * connection puts the time at which all is as before off by 1/rate; it may be put off by burst/rate
 * at most. */
#include "rate.h"
#include "source.h"

#include <assert.h>

enum { WAYS = 4, LINES_MIN = 256, LINES_MAX = 1 << 16 };

/* whole_at: in ns, shifted left by one; its lowest bit tells the families apart. A place that was
 * never used has 0: it is whole since ever. */
struct entry {
	uint64_t prefix, whole_at;
};

struct line {
	struct entry way[WAYS];
};
_Static_assert(sizeof(struct line) == 64, "one cache line");

struct tg_rates {
	struct tg_sipkey key;
	struct tg_counters *ctr;
	uint64_t step_ns, most_ns; /* 1/rate; how far ahead whole_at may be before the next one */
	uint32_t mask;
	uint8_t pad[64 - sizeof(struct tg_sipkey) - sizeof(struct tg_counters *) -
		    2 * sizeof(uint64_t) - sizeof(uint32_t)];
	struct line line[];
};
_Static_assert(offsetof(struct tg_rates, line) == 64, "lines are aligned");

static uint32_t line_count(uint32_t conn_max)
{
	uint32_t n = LINES_MIN;

	while (n < conn_max / WAYS && n < LINES_MAX)
		n *= 2;
	return n;
}

size_t tg_rates_footprint(uint32_t conn_max)
{
	return sizeof(struct tg_rates) + line_count(conn_max) * sizeof(struct line);
}

struct tg_rates *tg_rates_init(void *mem, uint32_t conn_max, uint32_t rate, uint32_t burst,
			       const struct tg_sipkey *key, struct tg_counters *ctr)
{
	struct tg_rates *r = mem;

	assert(((uintptr_t)mem & 63) == 0 && rate && burst);
	r->key = *key;
	r->ctr = ctr;
	r->step_ns = 1000000000u / rate;
	r->most_ns = (burst - 1) * r->step_ns;
	r->mask = line_count(conn_max) - 1;
	return r;
}

static uint64_t whole_ns(const struct entry *e)
{
	return e->whole_at >> 1;
}

static bool is_of(const struct entry *e, const struct tg_source *src)
{
	return e->prefix == src->prefix && (e->whole_at & 1) == src->v6;
}

static uint32_t line_of(const struct tg_rates *r, const struct tg_source *src)
{
	return (uint32_t)tg_source_hash(src, &r->key) & r->mask;
}

bool tg_rates_may(const struct tg_rates *r, const struct tg_addr *peer, uint64_t now_ns)
{
	struct tg_source src = tg_source_of(peer);
	const struct line *l = &r->line[line_of(r, &src)];

	for (int i = 0; i < WAYS; i++)
		if (is_of(&l->way[i], &src) && whole_ns(&l->way[i]) > now_ns + r->most_ns)
			return false;
	return true;
}

/* Its own place, or else the one that is whole first. */
static struct entry *place_of(struct line *l, const struct tg_source *src)
{
	struct entry *first = &l->way[0];

	for (int i = 0; i < WAYS; i++) {
		if (is_of(&l->way[i], src))
			return &l->way[i];
		if (l->way[i].whole_at < first->whole_at)
			first = &l->way[i];
	}
	return first;
}

void tg_rates_charge(struct tg_rates *r, const struct tg_addr *peer, uint64_t now_ns)
{
	struct tg_source src = tg_source_of(peer);
	struct entry *e = place_of(&r->line[line_of(r, &src)], &src);
	uint64_t from = now_ns;

	if (whole_ns(e) > now_ns) {
		if (is_of(e, &src))
			from = whole_ns(e);
		else
			tg_ctr_inc(r->ctr, TG_CTR_source_rate_forgot);
	}
	e->prefix = src.prefix;
	e->whole_at = (from + r->step_ns) << 1 | src.v6;
}
