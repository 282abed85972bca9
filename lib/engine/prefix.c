/* SPDX-License-Identifier: BSD-3-Clause */
/* prefix.c: see tg_prefix.h. An address is a number of 128 bits in two words; an IPv4 address is
 * the upper half of the upper word, so one search serves both families. */
#include "tg_prefix.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUCKET_MAX = 65536, DEPTH_MAX = 129 };

struct point {
	uint64_t hi, lo;
};

/* One family. A bucket is (hi - base) >> shift, the last one open: that ascends with the address,
 * and is finest where the prefixes are. */
struct family {
	uint64_t base;
	uint32_t shift, bucket_n, point_n;
	uint32_t *bucket;  /* [bucket_n + 1] */
	uint64_t *hi, *lo; /* [point_n]; lo NULL: it is 0 in all of them */
};

struct tg_prefixes {
	bool fallback; /* what none holds */
	struct family v4, v6;
};

/* --- memory --- */

static size_t round64(size_t n)
{
	return (n + 63) & ~(size_t)63;
}

static uint32_t bucket_count(uint32_t prefix_n)
{
	uint32_t n = 1;

	while (n < prefix_n && n < BUCKET_MAX)
		n *= 2;
	return n;
}

/* A prefix has a beginning and an end. */
static size_t family_bytes(uint32_t prefix_n, bool v4)
{
	size_t points = 2 * (size_t)prefix_n * sizeof(uint64_t);

	return round64((bucket_count(prefix_n) + 1) * sizeof(uint32_t)) +
	       round64(points) * (v4 ? 1 : 2);
}

static uint32_t count_v4(const struct tg_prefix list[], uint32_t n)
{
	uint32_t v4 = 0;

	for (uint32_t i = 0; i < n; i++)
		v4 += tg_addr_is_v4(&list[i].net);
	return v4;
}

size_t tg_prefixes_footprint(const struct tg_prefix list[], uint32_t n)
{
	uint32_t v4 = count_v4(list, n);

	return round64(sizeof(struct tg_prefixes)) + family_bytes(v4, true) +
	       family_bytes(n - v4, false);
}

static uint8_t *place_family(struct family *f, uint8_t *at, uint32_t prefix_n, bool v4)
{
	size_t bytes = round64(2 * (size_t)prefix_n * sizeof(uint64_t));

	f->bucket_n = bucket_count(prefix_n);
	f->bucket = (uint32_t *)(void *)at;
	at += round64((f->bucket_n + 1) * sizeof(uint32_t));
	f->hi = (uint64_t *)(void *)at;
	f->lo = v4 ? NULL : (uint64_t *)(void *)(at + bytes);
	return at + bytes * (v4 ? 1 : 2);
}

/* --- building --- */

static uint64_t be64_get(const uint8_t *p)
{
	return (uint64_t)tg_be32_get(p) << 32 | tg_be32_get(p + 4);
}

static struct point point_of(const struct tg_addr *a)
{
	if (tg_addr_is_v4(a))
		return (struct point){(uint64_t)tg_be32_get(a->b + 12) << 32, 0};
	return (struct point){be64_get(a->b), be64_get(a->b + 8)};
}

static int compare(struct point a, struct point b)
{
	if (a.hi != b.hi)
		return a.hi < b.hi ? -1 : 1;
	return a.lo < b.lo ? -1 : a.lo > b.lo;
}

/* The first len bits of a word, 0..64. */
static uint64_t word_mask(uint32_t len)
{
	return len ? UINT64_MAX << (64 - len) : 0;
}

static struct point first_of(const struct tg_prefix *p)
{
	struct point at = point_of(&p->net);

	at.hi &= word_mask(p->len < 64 ? p->len : 64);
	at.lo &= word_mask(p->len < 64 ? 0 : p->len - 64u);
	return at;
}

/* The first address behind the prefix; false: it holds the last one. */
static bool end_of(const struct tg_prefix *p, struct point *end)
{
	*end = first_of(p);
	if (p->len > 64)
		end->lo += 1ull << (128 - p->len);
	if (p->len <= 64 && p->len > 0)
		end->hi += 1ull << (64 - p->len);
	if (p->len > 64 && end->lo == 0)
		end->hi++;
	return end->hi || end->lo;
}

/* By family, beginning and length, so that what holds another stands before it; of equal ones the
 * one that denies comes last, and wins. */
static int order(const void *left, const void *right)
{
	const struct tg_prefix *a = left, *b = right;
	bool a4 = tg_addr_is_v4(&a->net), b4 = tg_addr_is_v4(&b->net);

	if (a4 != b4)
		return a4 ? -1 : 1;
	int c = compare(first_of(a), first_of(b));

	if (c == 0)
		c = (a->len > b->len) - (a->len < b->len);
	return c ? c : a->deny - b->deny;
}

/* What is told while the prefixes go by: the points so far, and those prefixes that hold the place
 * where we are, the longest last. */
struct sweep {
	struct family *f;
	bool fallback, now;
	uint32_t depth;
	struct {
		struct point end;
		bool has_end, answer;
	} open[DEPTH_MAX];
};

/* From at on the answer is this. A point at which nothing changes after all is taken back. */
static void change(struct sweep *s, struct point at, bool answer)
{
	struct family *f = s->f;
	uint32_t n = f->point_n;

	if (n && f->hi[n - 1] == at.hi && (!f->lo || f->lo[n - 1] == at.lo)) {
		f->point_n = --n;
		s->now = !s->now;
	}
	if (answer == s->now)
		return;
	f->hi[n] = at.hi;
	if (f->lo)
		f->lo[n] = at.lo;
	f->point_n++;
	s->now = answer;
}

static void leave(struct sweep *s)
{
	s->depth--;
	if (s->open[s->depth].has_end)
		change(s, s->open[s->depth].end,
		       s->depth ? s->open[s->depth - 1].answer : s->fallback);
}

static void enter(struct sweep *s, const struct tg_prefix *p)
{
	struct point at = first_of(p);

	while (s->depth && s->open[s->depth - 1].has_end &&
	       compare(s->open[s->depth - 1].end, at) <= 0)
		leave(s);
	assert(s->depth < DEPTH_MAX); /* each is longer than the one that holds it */
	s->open[s->depth].has_end = end_of(p, &s->open[s->depth].end);
	s->open[s->depth].answer = !p->deny;
	s->depth++;
	change(s, at, !p->deny);
}

static uint32_t bucket_of(const struct family *f, uint64_t hi)
{
	if (hi <= f->base)
		return 0;
	uint64_t b = (hi - f->base) >> f->shift;

	return b < f->bucket_n ? (uint32_t)b : f->bucket_n - 1;
}

static void index_points(struct family *f)
{
	uint32_t i = 0;

	f->base = f->point_n ? f->hi[0] : 0;
	f->shift = 0;
	while (f->shift < 63 && f->point_n &&
	       (f->hi[f->point_n - 1] - f->base) >> f->shift >= f->bucket_n)
		f->shift++;
	for (uint32_t b = 0; b <= f->bucket_n; b++) {
		while (i < f->point_n && bucket_of(f, f->hi[i]) < b)
			i++;
		f->bucket[b] = i;
	}
}

static void build(struct family *f, const struct tg_prefix list[], uint32_t n, bool fallback)
{
	struct sweep s = {.f = f, .fallback = fallback, .now = fallback};

	f->point_n = 0;
	for (uint32_t i = 0; i < n; i++) {
		bool again = i + 1 < n && list[i].len == list[i + 1].len &&
			     compare(first_of(&list[i]), first_of(&list[i + 1])) == 0;
		if (!again)
			enter(&s, &list[i]);
	}
	while (s.depth)
		leave(&s);
	index_points(f);
}

const struct tg_prefixes *tg_prefixes_init(void *mem, struct tg_prefix list[], uint32_t n)
{
	uint32_t v4 = count_v4(list, n);
	struct tg_prefixes *set = mem;
	uint8_t *at = (uint8_t *)mem + round64(sizeof(*set));

	assert(((uintptr_t)mem & 63) == 0 && n <= TG_PREFIX_MAX);
	qsort(list, n, sizeof(list[0]), order);
	set->fallback = true;
	for (uint32_t i = 0; i < n; i++)
		set->fallback &= list[i].deny;
	at = place_family(&set->v4, at, v4, true);
	place_family(&set->v6, at, n - v4, false);
	build(&set->v4, list, v4, set->fallback);
	build(&set->v6, list + v4, n - v4, set->fallback);
	return set;
}

/* --- looking --- */

static bool is_at_or_before(const struct family *f, uint32_t i, struct point at)
{
	return f->hi[i] < at.hi || (f->hi[i] == at.hi && (!f->lo || f->lo[i] <= at.lo));
}

bool tg_prefixes_allow(const struct tg_prefixes *set, const struct tg_addr *peer)
{
	const struct family *f = tg_addr_is_v4(peer) ? &set->v4 : &set->v6;
	struct point at = point_of(peer);
	uint32_t b = bucket_of(f, at.hi), low = f->bucket[b], high = f->bucket[b + 1];

	while (low < high) { /* how many points lie at or before it */
		uint32_t middle = low + (high - low) / 2;
		if (is_at_or_before(f, middle, at))
			low = middle + 1;
		else
			high = middle;
	}
	return set->fallback ^ (low & 1);
}

uint32_t tg_prefixes_points(const struct tg_prefixes *set)
{
	return set->v4.point_n + set->v6.point_n;
}

/* --- validation --- */

static const char *family_fault(const struct family *f)
{
	for (uint32_t i = 0; i + 1 < f->point_n; i++)
		if (!is_at_or_before(f, i,
				     (struct point){f->hi[i + 1], f->lo ? f->lo[i + 1] : 0}) ||
		    (f->hi[i] == f->hi[i + 1] && (!f->lo || f->lo[i] == f->lo[i + 1])))
			return "T1: points do not ascend";
	if (f->bucket[0] != 0 || f->bucket[f->bucket_n] != f->point_n)
		return "T3: the buckets do not hold all points";
	for (uint32_t i = 0; i < f->point_n; i++) {
		uint32_t b = bucket_of(f, f->hi[i]);
		if (i < f->bucket[b] || i >= f->bucket[b + 1])
			return "T3: a point lies outside its bucket";
	}
	return NULL;
}

bool tg_prefixes_validate(const struct tg_prefixes *set, char *why, size_t why_size)
{
	const char *fault = family_fault(&set->v4);

	fault = fault ? fault : family_fault(&set->v6);
	if (fault)
		snprintf(why, why_size, "%s", fault);
	return !fault;
}
