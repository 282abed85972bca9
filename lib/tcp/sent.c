/* SPDX-License-Identifier: BSD-3-Clause */
#include "tg_sent.h"

#include <assert.h>

enum {
	SPREAD_UNIT = 64, /* us */
	/* Places out of the peer's reach: the last one is for what is sent next, those before it
	 * for what we send again or take for lost. */
	KEPT_FROM_SACK = 3,
	KEPT_FROM_MARK = 1,
};

/* struct tg_sent_rec state */
enum {
	CLOSED = 1 << 0, /* something was sent again since: what is sent now may not join */
	ROUGH = 1 << 1,  /* merged for want of room: its pieces were sent far apart */
};

enum mark { MARK_SACK, MARK_AGAIN, MARK_LOSE };

/* --- times --- */

static bool is_later(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

static uint32_t earliest(const struct tg_sent_rec *r)
{
	return r->us - (uint32_t)r->spread * SPREAD_UNIT;
}

/* From the earliest of both to the latest. */
static uint32_t time_span(const struct tg_sent_rec *a, const struct tg_sent_rec *b)
{
	uint32_t last = is_later(a->us, b->us) ? a->us : b->us;
	uint32_t first = is_later(earliest(a), earliest(b)) ? earliest(b) : earliest(a);

	return last - first;
}

static void set_time(struct tg_sent_rec *r, uint32_t us, uint32_t first)
{
	uint32_t units = (us - first) / SPREAD_UNIT + ((us - first) % SPREAD_UNIT != 0);

	r->us = us;
	r->spread = (uint16_t)(units > UINT16_MAX ? UINT16_MAX : units);
}

/* --- places --- */

static const struct tg_sent_rec *rec(const struct tg_sent *s, const struct tg_chunks *c, uint32_t i)
{
	const struct tg_sent_rec *r = s->own;

	if (s->chunk != TG_NONE)
		r = (const struct tg_sent_rec *)(const void *)tg_chunks_at(c, s->chunk);
	return &r[s->head + i];
}

static tg_seq begin(const struct tg_sent *s, const struct tg_chunks *c, uint32_t i)
{
	return i ? rec(s, c, i - 1)->end : s->una;
}

static uint32_t length(const struct tg_sent *s, const struct tg_chunks *c, uint32_t i)
{
	return (uint32_t)tg_seq_diff(rec(s, c, i)->end, begin(s, c, i));
}

static uint32_t capacity(const struct tg_sent *s)
{
	return s->chunk == TG_NONE ? TG_SENT_OWN : TG_SENT_MAX;
}

/* The record that holds seq; n when it is past the end. */
static uint32_t find(const struct tg_sent *s, const struct tg_chunks *c, tg_seq seq)
{
	const struct tg_sent_rec *r = rec(s, c, 0);
	uint32_t lo = 0, hi = s->n, mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (tg_seq_gt(r[mid].end, seq))
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

/* Into a chunk; no harm when the pool is empty. */
static void widen(struct tg_sent *s, struct tg_chunks *c)
{
	uint32_t chunk = tg_chunks_alloc(c);

	if (chunk == TG_NONE)
		return;
	memcpy(tg_chunks_at(c, chunk), &s->own[s->head], s->n * sizeof(s->own[0]));
	s->chunk = chunk;
	s->head = 0;
}

/* Opens a place before record i; there is room. */
static struct tg_sent_rec *insert(struct tg_sent *s, const struct tg_chunks *c, uint32_t i)
{
	struct tg_sent_rec *r = tg_sent_at(s, c, 0);

	assert(s->n < capacity(s) && i <= s->n);
	if (s->head + s->n == capacity(s)) {
		memmove(r - s->head, r, s->n * sizeof(*r));
		r -= s->head;
		s->head = 0;
	}
	memmove(&r[i + 1], &r[i], (s->n - i) * sizeof(*r));
	s->n++;
	return &r[i];
}

/* Cuts record i at a number inside it: what follows is record i + 1. */
static void cut(struct tg_sent *s, const struct tg_chunks *c, uint32_t i, tg_seq at)
{
	struct tg_sent_rec *r = insert(s, c, i);

	r[0] = r[1];
	r[0].end = at;
}

/* --- merging --- */

/* a takes in b, which follows it. */
static void absorb(struct tg_sent_rec *a, const struct tg_sent_rec *b)
{
	uint32_t first = is_later(earliest(a), earliest(b)) ? earliest(b) : earliest(a);

	if (a->us != b->us)
		a->state |= ROUGH;
	a->state = (uint8_t)((a->state & ROUGH) | b->state);
	set_time(a, is_later(a->us, b->us) ? a->us : b->us, first);
	a->end = b->end;
	a->flags |= b->flags & TG_SENT_AGAIN;
}

/* Nothing is lost when these neighbours become one. */
static bool is_same(const struct tg_sent_rec *a, const struct tg_sent_rec *b)
{
	if (a->flags & b->flags & TG_SENT_SACKED)
		return true;
	return a->flags == b->flags && a->us == b->us && a->spread == b->spread &&
	       ((a->state ^ b->state) & ROUGH) == 0;
}

/* Merges what is the same among records lo..hi. */
static void tidy(struct tg_sent *s, const struct tg_chunks *c, uint32_t lo, uint32_t hi)
{
	struct tg_sent_rec *r = tg_sent_at(s, c, 0);
	uint32_t to = lo;

	for (uint32_t i = lo + 1; i <= hi; i++) {
		if (is_same(&r[to], &r[i]))
			absorb(&r[to], &r[i]);
		else if (++to != i)
			r[to] = r[i];
	}
	if (to == hi)
		return;
	memmove(&r[to + 1], &r[hi + 1], (s->n - hi - 1) * sizeof(*r));
	s->n = (uint16_t)(s->n - (hi - to));
}

/* Merges the two neighbours of equal flags that are closest in time. False: there are none. SACK
 * blocks cannot make any, so what was looked through once is not worth another look. */
static bool merge_closest(struct tg_sent *s, const struct tg_chunks *c)
{
	struct tg_sent_rec *r = tg_sent_at(s, c, 0);
	uint32_t best = TG_NONE, first = TG_NONE, least = 0, span;

	if (s->n < 2 || tg_seq_gt(s->pairs_low, r[s->n - 2].end))
		return false;
	for (uint32_t i = find(s, c, tg_seq_sub(s->pairs_low, 1)); i + 1 < s->n; i++) {
		if (r[i].flags != r[i + 1].flags)
			continue;
		if (first == TG_NONE)
			first = i;
		span = time_span(&r[i], &r[i + 1]);
		if (best == TG_NONE || span < least) {
			best = i;
			least = span;
		}
	}
	if (best == TG_NONE) {
		s->pairs_low = tg_seq_add(r[s->n - 2].end, 1);
		return false;
	}
	s->pairs_low = r[first].end;
	absorb(&r[best], &r[best + 1]);
	memmove(&r[best + 1], &r[best + 2], (s->n - best - 2) * sizeof(*r));
	s->n--;
	return true;
}

/* --- marking a range --- */

/* Marking r so would change nothing. */
static bool is_marked(const struct tg_sent_rec *r, enum mark mark, uint32_t now_us)
{
	if (r->flags & TG_SENT_SACKED)
		return true;
	if (mark == MARK_LOSE)
		return r->flags & TG_SENT_LOST;
	return mark == MARK_AGAIN && r->flags == TG_SENT_AGAIN && r->us == now_us && !r->spread;
}

/* What is to be marked: [left, right), from inside record i to inside record j. */
struct range {
	tg_seq left, right;
	uint32_t i, j;
};

static void locate(const struct tg_sent *s, const struct tg_chunks *c, struct range *g)
{
	g->i = find(s, c, g->left);
	g->j =
	    tg_seq_le(g->right, rec(s, c, g->i)->end) ? g->i : find(s, c, tg_seq_sub(g->right, 1));
}

/* Leaves out what is marked already at both ends of *g. False: nothing is left. */
static bool trim(const struct tg_sent *s, const struct tg_chunks *c, struct range *g,
		 enum mark mark, uint32_t now_us)
{
	if (tg_seq_lt(g->left, s->una))
		g->left = s->una;
	g->right = tg_seq_min(g->right, begin(s, c, s->n));
	if (tg_seq_ge(g->left, g->right))
		return false;
	locate(s, c, g);
	for (; g->i <= g->j && is_marked(rec(s, c, g->i), mark, now_us); g->i++)
		g->left = rec(s, c, g->i)->end;
	if (g->i > g->j)
		return false;
	for (; is_marked(rec(s, c, g->j), mark, now_us); g->j--)
		g->right = begin(s, c, g->j);
	return true;
}

/* How many cuts *g needs, and whether each of them goes with a merge. */
static uint32_t cuts(const struct tg_sent *s, const struct tg_chunks *c, const struct range *g,
		     enum mark mark, uint32_t now_us, bool *grows)
{
	bool cut_left = !tg_seq_eq(g->left, begin(s, c, g->i));
	bool cut_right = !tg_seq_eq(g->right, rec(s, c, g->j)->end);
	uint32_t joins = 0, n;

	if (mark != MARK_LOSE) {
		if (!cut_left && g->i > 0 && is_marked(rec(s, c, g->i - 1), mark, now_us))
			joins++;
		if (!cut_right && g->j + 1 < s->n && is_marked(rec(s, c, g->j + 1), mark, now_us))
			joins++;
	}
	n = (uint32_t)cut_left + cut_right;
	*grows = n > joins;
	return n;
}

/* ADV-42: finds places for the cuts at both ends of *g; false: there are none. */
static bool make_room(struct tg_sent *s, struct tg_chunks *c, struct range *g, enum mark mark,
		      uint32_t now_us)
{
	uint32_t kept, n;
	bool grows;

	for (;;) {
		n = cuts(s, c, g, mark, now_us, &grows);
		if (s->chunk == TG_NONE && s->n + n > TG_SENT_OWN)
			widen(s, c);
		kept = mark == MARK_SACK ? KEPT_FROM_SACK : KEPT_FROM_MARK;
		if (!grows || (s->chunk == TG_NONE && c->free_n))
			kept = 0;
		if (n == 0 || s->n + n + kept <= capacity(s))
			return true;
		if (!merge_closest(s, c))
			return false;
		locate(s, c, g);
	}
}

static void tell(struct tg_sent_news *news, const struct tg_sent_rec *r, uint32_t len, tg_seq end)
{
	uint32_t us = r->us;

	/* Which piece of a rough one this is nobody knows: the earliest time keeps others from
	 * being taken for lost by it. */
	if (r->state & ROUGH)
		us = earliest(r);
	news->delivered += len;
	if (!news->any || is_later(us, news->us) || (us == news->us && tg_seq_gt(end, news->end))) {
		news->us = us;
		news->end = end;
		news->again = r->flags & TG_SENT_AGAIN;
	}
	news->any = true;
	if (r->flags & TG_SENT_AGAIN)
		return;
	if (!news->has_fresh || tg_seq_lt(end, news->fresh_low))
		news->fresh_low = end;
	news->has_fresh = true;
}

static void mark_one(struct tg_sent *s, const struct tg_chunks *c, uint32_t i, enum mark mark,
		     uint32_t now_us)
{
	struct tg_sent_rec *r = tg_sent_at(s, c, i);
	uint32_t len = length(s, c, i);

	if (r->flags & TG_SENT_LOST) {
		s->lost -= len;
		if (tg_seq_eq(begin(s, c, i), s->lost_low))
			s->lost_low = r->end;
	}
	switch (mark) {
	case MARK_SACK:
		r->flags = (uint8_t)((r->flags & TG_SENT_AGAIN) | TG_SENT_SACKED);
		s->sacked += len;
		break;
	case MARK_LOSE:
		tg_sent_count_lost(s, begin(s, c, i), r->end);
		r->flags |= TG_SENT_LOST;
		break;
	case MARK_AGAIN:
		r->flags = TG_SENT_AGAIN;
		r->state = 0;
		set_time(r, now_us, now_us);
		break;
	}
}

/* *g is trimmed, and there is room. */
static void mark_range(struct tg_sent *s, struct tg_chunks *c, const struct range *g,
		       enum mark mark, uint32_t now_us, struct tg_sent_news *news)
{
	uint32_t i = g->i, end = g->j + 1, before = s->sacked, first;

	if (!tg_seq_eq(g->right, rec(s, c, g->j)->end))
		cut(s, c, g->j, g->right);
	if (!tg_seq_eq(g->left, begin(s, c, i))) {
		cut(s, c, i++, g->left);
		end++;
	}
	first = i;
	for (; i < end; i++) {
		const struct tg_sent_rec *r = rec(s, c, i);

		if (r->flags & TG_SENT_SACKED)
			continue;
		if (news)
			tell(news, r, length(s, c, i), r->end);
		mark_one(s, c, i, mark, now_us);
	}
	if (news)
		news->sacked += s->sacked - before;
	if (mark != MARK_SACK)
		tg_sent_may_pair(s, g->left);
	tidy(s, c, first ? first - 1 : 0, end < s->n ? end : end - 1);
}

/* Where *g cannot be cut out it takes in the records at its ends. */
static void take_whole(const struct tg_sent *s, const struct tg_chunks *c, struct range *g)
{
	g->left = begin(s, c, g->i);
	g->right = rec(s, c, g->j)->end;
}

/* --- the contract --- */

void tg_sent_init(struct tg_sent *s, tg_seq una)
{
	s->una = s->lost_low = una;
	s->sacked = s->lost = 0;
	s->chunk = TG_NONE;
	s->head = s->n = 0;
	s->pairs_low = una;
	s->walked = false;
}

void tg_sent_fini(struct tg_sent *s, struct tg_chunks *c)
{
	if (s->chunk != TG_NONE)
		tg_chunks_free(c, s->chunk);
	tg_sent_init(s, s->una);
}

/* Something may stand behind the last record: a place is found, unless a peer has filled all. */
static bool make_place(struct tg_sent *s, struct tg_chunks *c)
{
	if (s->n < capacity(s))
		return true;
	if (s->chunk == TG_NONE)
		widen(s, c);
	return s->n < capacity(s) || merge_closest(s, c);
}

/* The last record takes in new text that found no place. */
static void grow_last(struct tg_sent *s, const struct tg_chunks *c, tg_seq end, uint32_t now_us)
{
	struct tg_sent_rec *r = tg_sent_at(s, c, s->n - 1u);
	uint32_t len = length(s, c, s->n - 1u);

	if (r->flags & TG_SENT_LOST)
		s->lost -= len;
	if (r->flags & TG_SENT_SACKED)
		s->sacked -= len;
	tg_sent_may_pair(s, begin(s, c, s->n - 1u));
	r->flags &= TG_SENT_AGAIN;
	r->state |= ROUGH;
	r->end = end;
	set_time(r, now_us, earliest(r));
}

void tg_sent_push(struct tg_sent *s, struct tg_chunks *c, tg_seq end, uint32_t now_us,
		  uint32_t granule_us)
{
	struct tg_sent_rec *r = s->n ? tg_sent_at(s, c, s->n - 1u) : NULL;

	assert(tg_seq_gt(end, begin(s, c, s->n)));
	if (r && r->flags == 0 && !(r->state & CLOSED) && now_us - earliest(r) <= granule_us) {
		r->end = end;
		if (r->us != now_us)
			set_time(r, now_us, earliest(r));
		return;
	}
	if (!make_place(s, c)) {
		grow_last(s, c, end, now_us);
		return;
	}
	r = insert(s, c, s->n);
	*r = (struct tg_sent_rec){.end = end, .us = now_us};
}

void tg_sent_again(struct tg_sent *s, struct tg_chunks *c, tg_seq left, tg_seq right,
		   uint32_t now_us)
{
	struct range g = {.left = left, .right = right};

	if (!trim(s, c, &g, MARK_AGAIN, now_us))
		return;
	if (!make_room(s, c, &g, MARK_AGAIN, now_us))
		take_whole(s, c, &g);
	mark_range(s, c, &g, MARK_AGAIN, now_us, NULL);
	tg_sent_at(s, c, s->n - 1u)->state |= CLOSED;
}

void tg_sent_lose(struct tg_sent *s, struct tg_chunks *c, tg_seq left, tg_seq right)
{
	struct range g = {.left = left, .right = right};

	if (!trim(s, c, &g, MARK_LOSE, 0))
		return;
	if (!make_room(s, c, &g, MARK_LOSE, 0))
		take_whole(s, c, &g);
	mark_range(s, c, &g, MARK_LOSE, 0, NULL);
}

bool tg_sent_sack(struct tg_sent *s, struct tg_chunks *c, tg_seq left, tg_seq right,
		  struct tg_sent_news *news)
{
	struct range g = {.left = left, .right = right};

	if (!trim(s, c, &g, MARK_SACK, 0))
		return true;
	if (!make_room(s, c, &g, MARK_SACK, 0))
		return false;
	mark_range(s, c, &g, MARK_SACK, 0, news);
	return true;
}

void tg_sent_ack(struct tg_sent *s, struct tg_chunks *c, tg_seq una, struct tg_sent_news *news)
{
	assert(tg_seq_ge(una, s->una) && tg_seq_le(una, begin(s, c, s->n)));
	while (s->n && tg_seq_gt(una, s->una)) {
		const struct tg_sent_rec *r = rec(s, c, 0);
		tg_seq end = tg_seq_min(una, r->end);
		uint32_t len = (uint32_t)tg_seq_diff(end, s->una);

		if (r->flags & TG_SENT_SACKED)
			s->sacked -= len;
		else
			tell(news, r, len, end);
		if (r->flags & TG_SENT_LOST)
			s->lost -= len;
		s->una = end;
		s->lost_low = tg_seq_max(s->lost_low, end);
		s->pairs_low = tg_seq_max(s->pairs_low, end);
		if (tg_seq_eq(end, r->end)) {
			s->head++;
			s->n--;
		}
	}
	if (s->n == 0)
		tg_sent_fini(s, c);
}

/* DT-17, RFC 2018 8: what the peer SACKed it may have dropped since. */
void tg_sent_lose_all(struct tg_sent *s, const struct tg_chunks *c)
{
	struct tg_sent_rec *r = tg_sent_at(s, c, 0);

	for (uint32_t i = 0; i < s->n; i++)
		r[i].flags = (uint8_t)((r[i].flags & TG_SENT_AGAIN) | TG_SENT_LOST);
	s->walked = false;
	s->sacked = 0;
	s->lost = (uint32_t)tg_seq_diff(begin(s, c, s->n), s->una);
	s->lost_low = s->pairs_low = s->una;
	if (s->n)
		tidy(s, c, 0, s->n - 1u);
}

bool tg_sent_next_lost(const struct tg_sent *s, const struct tg_chunks *c, tg_seq from,
		       tg_seq *left, tg_seq *right)
{
	uint32_t i;

	if (s->lost == 0)
		return false;
	i = find(s, c, tg_seq_max(from, s->lost_low));
	while (i < s->n && !(rec(s, c, i)->flags & TG_SENT_LOST))
		i++;
	if (i == s->n)
		return false;
	*left = tg_seq_max(begin(s, c, i), from);
	for (; i < s->n && (rec(s, c, i)->flags & TG_SENT_LOST); i++)
		*right = rec(s, c, i)->end;
	return true;
}

/* --- validation --- */

static bool is_place_sound(const struct tg_sent *s, const struct tg_chunks *c)
{
	if (s->chunk != TG_NONE && (s->chunk >= c->n || s->n == 0))
		return false;
	return (uint32_t)s->head + s->n <= capacity(s);
}

static const char *first_fault(const struct tg_sent *s, const struct tg_chunks *c)
{
	uint32_t sacked = 0, lost = 0;

	if (!is_place_sound(s, c))
		return "T4: sent records stand where they may not";
	for (uint32_t i = 0; i < s->n; i++) {
		uint8_t flags = rec(s, c, i)->flags;

		if (tg_seq_le(rec(s, c, i)->end, begin(s, c, i)))
			return "T1: sent records do not ascend";
		if ((flags & TG_SENT_SACKED) && (flags & TG_SENT_LOST))
			return "T3: a sent record is SACKED and LOST";
		sacked += flags & TG_SENT_SACKED ? length(s, c, i) : 0;
		lost += flags & TG_SENT_LOST ? length(s, c, i) : 0;
	}
	if (sacked != s->sacked || lost != s->lost)
		return "T2: the sums of the sent records are wrong";
	for (uint32_t i = 0; i < s->n; i++)
		if ((rec(s, c, i)->flags & TG_SENT_LOST) &&
		    tg_seq_lt(begin(s, c, i), tg_seq_max(s->lost_low, s->una)))
			return "T5: a record is LOST below the lowest";
	for (uint32_t i = 0; i + 1u < s->n; i++)
		if (rec(s, c, i)->flags == rec(s, c, i + 1)->flags &&
		    tg_seq_lt(rec(s, c, i)->end, s->pairs_low))
			return "T6: records could be merged below the lowest";
	return NULL;
}

bool tg_sent_validate(struct tg_sent *s, const struct tg_chunks *c, const char **why)
{
	const char *fault = first_fault(s, c);

	if (fault && why)
		*why = fault;
	return fault == NULL;
}
