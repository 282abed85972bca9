/* SPDX-License-Identifier: BSD-3-Clause */
#include "tg_span.h"

#include <assert.h>

enum {
	NUMBER_MASK = (1 << (32 - TG_CHUNK_SHIFT)) - 1, /* chunk numbers are modulo 2^21 */
	SLOT_N = 8,
	MAP_SHIFT = 9, /* entries of a map chunk, as a power of two */
	MAP_N = 1 << MAP_SHIFT,
	RANGE_MAX = SLOT_N * MAP_N
};
_Static_assert(MAP_N * sizeof(uint32_t) == TG_CHUNK_LEN, "a map fills its chunk");

/* --- the pool --- */

void tg_chunks_init(struct tg_chunks *c, void *mem, uint32_t n)
{
	*c = (struct tg_chunks){.mem = mem, .n = n, .free_n = n, .free_head = TG_NONE};
}

uint32_t tg_chunks_alloc(struct tg_chunks *c)
{
	uint32_t idx = c->free_head;

	if (c->free_n == 0)
		return TG_NONE;
	c->free_n--;
	if (idx == TG_NONE)
		return c->fresh++;
	memcpy(&c->free_head, tg_chunks_at(c, idx), sizeof(c->free_head));
	return idx;
}

void tg_chunks_free(struct tg_chunks *c, uint32_t idx)
{
	assert(idx < c->fresh && c->free_n < c->n);
	memcpy(tg_chunks_at(c, idx), &c->free_head, sizeof(c->free_head));
	c->free_head = idx;
	c->free_n++;
}

/* --- chunk numbers --- */

static uint32_t number(uint32_t pos)
{
	return pos >> TG_CHUNK_SHIFT;
}

/* How many chunks b stands after a, on the circle of 2^21. */
static uint32_t ahead(uint32_t b, uint32_t a)
{
	return (b - a) & NUMBER_MASK;
}

static bool is_after(uint32_t b, uint32_t a)
{
	uint32_t d = ahead(b, a);

	return d != 0 && d <= NUMBER_MASK / 2;
}

static uint32_t map_slot(uint32_t cn)
{
	return (cn >> MAP_SHIFT) & (SLOT_N - 1);
}

static uint32_t *map_at(const struct tg_chunks *c, uint32_t map)
{
	return (uint32_t *)(void *)tg_chunks_at(c, map);
}

static uint32_t get(const struct tg_span *s, const struct tg_chunks *c, uint32_t cn)
{
	uint32_t map;

	if (!s->mapped)
		return s->slot[cn & (SLOT_N - 1)];
	map = s->slot[map_slot(cn)];
	return map == TG_NONE ? TG_NONE : map_at(c, map)[cn & (MAP_N - 1)];
}

/* In a mapped span the map of cn must be there. */
static void put(struct tg_span *s, const struct tg_chunks *c, uint32_t cn, uint32_t idx)
{
	if (s->mapped)
		map_at(c, s->slot[map_slot(cn)])[cn & (MAP_N - 1)] = idx;
	else
		s->slot[cn & (SLOT_N - 1)] = idx;
}

/* --- growing --- */

/* Puts an empty map where cn needs one; false when the pool is empty. */
static bool map_for(struct tg_span *s, struct tg_chunks *c, uint32_t cn)
{
	uint32_t *slot = &s->slot[map_slot(cn)];

	if (*slot != TG_NONE)
		return true;
	*slot = tg_chunks_alloc(c);
	if (*slot == TG_NONE)
		return false;
	memset(tg_chunks_at(c, *slot), 0xff, TG_CHUNK_LEN);
	s->chunk_n++;
	return true;
}

/* From eight slots to maps. All or nothing. */
static bool map_all(struct tg_span *s, struct tg_chunks *c)
{
	struct tg_span m = *s;

	for (uint32_t i = 0; i < SLOT_N; i++)
		m.slot[i] = TG_NONE;
	m.mapped = 1;
	for (uint32_t cn = s->lo; cn != s->hi; cn = (cn + 1) & NUMBER_MASK) {
		if (map_for(&m, c, cn)) {
			put(&m, c, cn, get(s, c, cn));
			continue;
		}
		for (uint32_t i = 0; i < SLOT_N; i++)
			if (m.slot[i] != TG_NONE)
				tg_chunks_free(c, m.slot[i]);
		return false;
	}
	*s = m;
	return true;
}

/* The range that would hold cn too; false when it is wider than a span can be. */
static bool widen(const struct tg_span *s, uint32_t cn, uint32_t *lo, uint32_t *hi)
{
	*lo = s->lo;
	*hi = s->hi;
	if (s->lo == s->hi) {
		*lo = cn;
		*hi = (cn + 1) & NUMBER_MASK;
	} else if (is_after(s->lo, cn)) {
		*lo = cn;
	} else if (ahead(cn, s->lo) >= ahead(s->hi, s->lo)) {
		*hi = (cn + 1) & NUMBER_MASK;
	}
	return ahead(*hi, *lo) <= RANGE_MAX;
}

/* The chunk of number cn, taken from the pool when the span has none; TG_NONE when it cannot be. */
static uint32_t hold(struct tg_span *s, struct tg_chunks *c, uint32_t cn)
{
	uint32_t lo, hi, idx;

	if (ahead(cn, s->lo) < ahead(s->hi, s->lo)) {
		idx = get(s, c, cn);
		if (idx != TG_NONE)
			return idx;
	}
	if (!widen(s, cn, &lo, &hi))
		return TG_NONE;
	idx = tg_chunks_alloc(c);
	if (idx == TG_NONE)
		return TG_NONE;
	if ((!s->mapped && ahead(hi, lo) > SLOT_N && !map_all(s, c)) ||
	    (s->mapped && !map_for(s, c, cn))) {
		tg_chunks_free(c, idx);
		return TG_NONE;
	}
	put(s, c, cn, idx);
	s->lo = lo;
	s->hi = hi;
	s->chunk_n++;
	return idx;
}

/* --- bytes --- */

static uint32_t run_at(uint32_t pos)
{
	return TG_CHUNK_LEN - (pos & (TG_CHUNK_LEN - 1));
}

uint32_t tg_span_write(struct tg_span *s, struct tg_chunks *c, uint32_t pos, const void *data,
		       uint32_t len)
{
	const uint8_t *from = data;
	uint32_t done = 0;

	while (done < len) {
		uint32_t at = pos + done, run = run_at(at), idx = hold(s, c, number(at));

		if (idx == TG_NONE)
			break;
		if (run > len - done)
			run = len - done;
		memcpy(tg_chunks_at(c, idx) + (at & (TG_CHUNK_LEN - 1)), from + done, run);
		done += run;
	}
	return done;
}

const uint8_t *tg_span_at(const struct tg_span *s, const struct tg_chunks *c, uint32_t pos,
			  uint32_t *run)
{
	uint32_t idx = get(s, c, number(pos));

	assert(idx != TG_NONE);
	*run = run_at(pos);
	return tg_chunks_at(c, idx) + (pos & (TG_CHUNK_LEN - 1));
}

void tg_span_read(const struct tg_span *s, const struct tg_chunks *c, uint32_t pos, void *dst,
		  uint32_t len)
{
	uint8_t *to = dst;

	while (len > 0) {
		uint32_t run;
		const uint8_t *from = tg_span_at(s, c, pos, &run);

		if (run > len)
			run = len;
		memcpy(to, from, run);
		to += run;
		pos += run;
		len -= run;
	}
}

/* --- shrinking --- */

static void drop(struct tg_span *s, struct tg_chunks *c, uint32_t cn)
{
	uint32_t idx = get(s, c, cn);

	if (idx == TG_NONE)
		return;
	tg_chunks_free(c, idx);
	put(s, c, cn, TG_NONE);
	s->chunk_n--;
}

/* cn has just left the range at either end: gives its map back when nothing in the range needs it.
 */
static void drop_map(struct tg_span *s, struct tg_chunks *c, uint32_t cn)
{
	uint32_t slot = map_slot(cn);

	if (!s->mapped || s->slot[slot] == TG_NONE)
		return;
	if (s->lo != s->hi && (map_slot(s->lo) == slot || map_slot(s->hi - 1) == slot))
		return;
	tg_chunks_free(c, s->slot[slot]);
	s->slot[slot] = TG_NONE;
	s->chunk_n--;
}

/* Narrows [lo, hi) to chunks that are held; gives all maps back when none is. */
static void narrow(struct tg_span *s, struct tg_chunks *c)
{
	while (s->lo != s->hi && get(s, c, s->lo) == TG_NONE) {
		uint32_t cn = s->lo;

		s->lo = (s->lo + 1) & NUMBER_MASK;
		drop_map(s, c, cn);
	}
	while (s->lo != s->hi && get(s, c, s->hi - 1) == TG_NONE) {
		s->hi = (s->hi - 1) & NUMBER_MASK;
		drop_map(s, c, s->hi);
	}
	if (s->lo == s->hi) {
		assert(s->chunk_n == 0);
		tg_span_init(s);
	}
}

void tg_span_free_to(struct tg_span *s, struct tg_chunks *c, uint32_t pos)
{
	uint32_t end = number(pos);

	if (s->lo == s->hi || !is_after(end, s->lo))
		return;
	for (uint32_t cn = s->lo; cn != s->hi && cn != end; cn = (cn + 1) & NUMBER_MASK)
		drop(s, c, cn);
	narrow(s, c);
}

void tg_span_free_from(struct tg_span *s, struct tg_chunks *c, uint32_t pos)
{
	uint32_t from = number(pos + TG_CHUNK_LEN - 1);

	if (s->lo == s->hi || !is_after(s->hi, from))
		return;
	if (is_after(s->lo, from))
		from = s->lo;
	for (uint32_t cn = from; cn != s->hi; cn = (cn + 1) & NUMBER_MASK)
		drop(s, c, cn);
	narrow(s, c);
}

void tg_span_free(struct tg_span *s, struct tg_chunks *c)
{
	if (s->chunk_n == 0)
		return;
	if (s->chunk_n == 1) { /* the one at lo (S1), and no map: a map never stands alone */
		assert(!s->mapped && s->hi == ((s->lo + 1) & NUMBER_MASK));
		tg_chunks_free(c, s->slot[s->lo & (SLOT_N - 1)]);
		tg_span_init(s);
		return;
	}
	for (uint32_t cn = s->lo; cn != s->hi; cn = (cn + 1) & NUMBER_MASK)
		drop(s, c, cn);
	narrow(s, c);
}

bool tg_span_validate(const struct tg_span *s, const struct tg_chunks *c)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < SLOT_N; i++) {
		if (s->slot[i] != TG_NONE && s->slot[i] >= c->fresh)
			return false; /* S3 */
		n += s->mapped && s->slot[i] != TG_NONE;
	}
	for (uint32_t cn = s->lo; cn != s->hi; cn = (cn + 1) & NUMBER_MASK) {
		uint32_t idx = get(s, c, cn);

		if (idx != TG_NONE && idx >= c->fresh)
			return false; /* S3 */
		n += idx != TG_NONE;
	}
	if (s->lo != s->hi && (get(s, c, s->lo) == TG_NONE || get(s, c, s->hi - 1) == TG_NONE))
		return false;   /* S1 */
	return n == s->chunk_n; /* S2 */
}
