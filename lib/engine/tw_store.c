/* SPDX-License-Identifier: BSD-3-Clause */
/* tw_store.c: see tw_store.h.
 *
 *   ring:   tail                                      tail + span
 *            | oldest ... hole ... restarted ... newest | free |
 *
 * A record that is removed leaves a hole (flags 0). Holes go when the tail comes by; where records
 * are removed faster than that (a tuple used again and again, TD-22), each add and each remove
 * moves a few records towards the tail, in order: between gap and scan, offsets from the tail,
 * there are only holes.
 *
 * Restarting is lazy (TD-21): it stores the deadline and sets TG_TW_LATE. Such a record leaves the
 * ring when it is found at the tail, for the late pool, so that it ends on time and keeps nobody
 * behind it waiting.
 *
 * A record has room for the low bits of its deadline only. Those in the ring are widened against
 * floor_ms, a time that is never after any of them; and once the last of them is due, stale_n says
 * so for all, so that no age without a call can turn a past deadline into a future one. */
#include "tw_store.h"

#include <assert.h>

#define LATE_BIT 0x80000000u

enum {
	LATE_MIN = 64,
	LATE_SHARE = 16,   /* one late record for so many */
	PACK_STEPS = 8,    /* records looked at by a call while there are many holes */
	PACK_HARD = 64,    /* and when the ring is full of them */
	TRIM_STEPS = 16,   /* holes taken from the tail in one go */
	NEAREST_STEPS = 8, /* restarted records moved away to find the one nearest expiry */
	AHEAD = 8,         /* records whose table bucket is on its way to the cache */
	LINE = 64,
};

struct late {
	struct tg_tw tw;
	uint64_t deadline_ms;
	struct tg_timer timer; /* armed at or before deadline_ms */
	uint32_t conn;         /* dormant: its owner; free: the next free one */
};

struct tg_tw_store {
	struct tg_table table; /* fingerprint -> handle; dormant records are not in it */
	struct tg_tw *ring;    /* [ring_n] */
	uint32_t ring_n;
	uint32_t tail, span, ring_live; /* slot; slots in use, holes included; records */
	uint32_t gap, scan;             /* offsets from tail: holes only in between */
	uint32_t stale_n;               /* slots from tail on that are due whatever they say */
	uint64_t floor_ms;              /* not after the deadline of any other record in the ring */
	uint64_t newest_ms;             /* deadline of the newest record, in ring order */
	uint64_t last_ms;               /* not before the deadline of any record in the ring */
	struct late *late;              /* [late_n] */
	uint32_t late_n, late_fresh, late_free, late_count;
	uint64_t now_ms; /* the latest time that we were told */
	struct tg_counters *ctr;
	struct tg_wheel wheel; /* of late[] */
};

static size_t up(size_t bytes)
{
	return (bytes + LINE - 1) & ~(size_t)(LINE - 1);
}

static uint32_t late_max(uint32_t tw_max)
{
	return tw_max / LATE_SHARE > LATE_MIN ? tw_max / LATE_SHARE : LATE_MIN;
}

size_t tg_tw_store_footprint(uint32_t tw_max)
{
	if (tw_max == 0)
		tw_max = 1;
	return up(sizeof(struct tg_tw_store)) + up((size_t)tw_max * sizeof(struct tg_tw)) +
	       tg_table_footprint(tw_max) + up(late_max(tw_max) * sizeof(struct late));
}

struct tg_tw_store *tg_tw_store_init(void *mem, uint32_t tw_max, uint64_t now_ms,
				     struct tg_counters *ctr)
{
	struct tg_tw_store *s = mem;
	uint8_t *p = mem;

	if (tw_max == 0)
		tw_max = 1;
	assert(tw_max < LATE_BIT && ((uintptr_t)mem & (LINE - 1)) == 0);
	p += up(sizeof(*s));
	s->ring = (struct tg_tw *)(void *)p;
	s->ring_n = tw_max;
	p += up((size_t)tw_max * sizeof(struct tg_tw));
	tg_table_init(&s->table, p, tw_max);
	p += tg_table_footprint(tw_max);
	s->late = (struct late *)(void *)p;
	s->late_n = late_max(tw_max);
	s->late_free = TG_NONE;
	s->now_ms = s->floor_ms = now_ms;
	s->ctr = ctr;
	tg_wheel_init(&s->wheel, &s->late[0].timer, sizeof(struct late), s->late_n, now_ms);
	return s;
}

/* The slot at an offset from the tail. */
static inline uint32_t slot_at(const struct tg_tw_store *s, uint32_t offset)
{
	uint64_t slot = (uint64_t)s->tail + offset;

	return (uint32_t)(slot < s->ring_n ? slot : slot - s->ring_n);
}

struct tg_tw *tg_tw_store_at(const struct tg_tw_store *s, tg_tw_handle h)
{
	if (h & LATE_BIT) {
		assert((h & ~LATE_BIT) < s->late_n);
		return &s->late[h & ~LATE_BIT].tw;
	}
	assert(h < s->ring_n);
	return &s->ring[h];
}

/* The full deadline of a record in the ring. */
static inline uint64_t ring_deadline(const struct tg_tw_store *s, uint32_t h)
{
	uint32_t offset = h >= s->tail ? h - s->tail : h + (s->ring_n - s->tail);

	return offset < s->stale_n ? s->now_ms : tg_tw_deadline(&s->ring[h], s->floor_ms);
}

static uint64_t hash_of(const void *ctx, uint32_t h)
{
	return tg_tw_store_at(ctx, h)->fingerprint;
}

/* --- the late pool --- */

static uint32_t late_alloc(struct tg_tw_store *s)
{
	uint32_t i = s->late_free;

	if (i != TG_NONE) {
		s->late_free = s->late[i].conn;
	} else {
		if (s->late_fresh == s->late_n)
			return TG_NONE;
		i = s->late_fresh++;
	}
	tg_timer_init(&s->late[i].timer);
	s->late[i].conn = TG_NONE;
	s->late_count++;
	return i;
}

static void late_release(struct tg_tw_store *s, uint32_t i)
{
	tg_wheel_cancel(&s->wheel, i);
	s->late[i].tw.flags = 0;
	s->late[i].conn = s->late_free;
	s->late_free = i;
	s->late_count--;
}

/* Moves the record of ring slot h to the late pool and leaves a hole; its table entry is the
 * caller's to correct. TG_NONE: the pool is full, nothing changed. */
static uint32_t late_take_over(struct tg_tw_store *s, uint32_t h)
{
	uint32_t i = late_alloc(s);

	if (i == TG_NONE)
		return TG_NONE;
	s->late[i].tw = s->ring[h];
	s->late[i].tw.flags |= TG_TW_LATE;
	s->late[i].deadline_ms = ring_deadline(s, h);
	s->ring[h].flags = 0;
	s->ring_live--;
	tg_wheel_arm(&s->wheel, i, s->late[i].deadline_ms);
	return i;
}

/* --- the ring --- */

static void pop_slot(struct tg_tw_store *s)
{
	assert(s->span > 0 && s->ring[s->tail].flags == 0);
	s->tail = slot_at(s, 1);
	s->span--;
	s->gap -= s->gap > 0;
	s->scan -= s->scan > 0;
	s->stale_n -= s->stale_n > 0;
}

/* Takes holes away from the tail, a few at a time. */
static void trim(struct tg_tw_store *s)
{
	for (int n = 0; n < TRIM_STEPS && s->span && s->ring[s->tail].flags == 0; n++)
		pop_slot(s);
}

/* True when it is time to pack: many holes, or, when three quarters of the ring are in use, any:
 * a pass of PACK_STEPS a call then ends before it is full. */
static bool has_many_holes(const struct tg_tw_store *s)
{
	uint32_t holes = s->span - s->ring_live;

	if (holes > s->ring_n / 32)
		return s->span > s->ring_n / 2;
	return holes > 0 && s->span > s->ring_n - s->ring_n / 4;
}

/* Looks at the next records of the pass and moves them down over the holes. */
static void pack(struct tg_tw_store *s, uint32_t steps)
{
	/* What is stale is known by its place: nobody may leave it. */
	if (s->stale_n)
		return;
	for (; steps && s->scan < s->span; steps--, s->scan++) {
		uint32_t from = slot_at(s, s->scan), to = slot_at(s, s->gap);

		if (s->scan + AHEAD < s->span)
			tg_table_prefetch(&s->table,
					  s->ring[slot_at(s, s->scan + AHEAD)].fingerprint);
		if (s->ring[from].flags == 0)
			continue;
		s->gap++;
		if (from == to)
			continue;
		bool is_moved = tg_table_replace(&s->table, s->ring[from].fingerprint, from, to);

		assert(is_moved);
		(void)is_moved;
		s->ring[to] = s->ring[from];
		s->ring[from].flags = 0;
	}
	if (s->scan == s->span) { /* the pass is over: what is behind the gap is free */
		s->span = s->gap;
		s->gap = s->scan = 0;
	}
}

static void pack_if_worth(struct tg_tw_store *s)
{
	if (s->scan || has_many_holes(s))
		pack(s, PACK_STEPS);
}

/* A hole was made: what can be done about holes in a bounded time. */
static void tidy(struct tg_tw_store *s)
{
	trim(s);
	pack_if_worth(s);
}

static void remove_ring(struct tg_tw_store *s, uint32_t h)
{
	tg_table_remove(&s->table, s->ring[h].fingerprint, h);
	s->ring[h].flags = 0;
	s->ring_live--;
	tidy(s);
}

/* Appends a record, whose table entry is the caller's. Returns its slot. */
static uint32_t append(struct tg_tw_store *s, const struct tg_tw *tw, uint64_t deadline_ms)
{
	uint32_t h = slot_at(s, s->span);

	assert(s->span < s->ring_n);
	if (s->span == 0)
		s->floor_ms = s->now_ms < deadline_ms ? s->now_ms : deadline_ms;
	if (deadline_ms > s->last_ms)
		s->last_ms = deadline_ms;
	s->newest_ms = deadline_ms;
	s->ring[h] = *tw;
	s->ring[h].flags = (tw->flags | TG_TW_USED) & (uint8_t) ~(TG_TW_LATE | TG_TW_DORMANT);
	s->span++;
	s->ring_live++;
	return h;
}

/* A restarted record at the tail leaves the ring. With the late pool full it goes to the end of the
 * ring instead, and ends with those that stand there: too late, never too early. */
static void move_late(struct tg_tw_store *s)
{
	uint32_t from = s->tail, i = late_take_over(s, from), to;

	if (i != TG_NONE) {
		tg_table_replace(&s->table, s->late[i].tw.fingerprint, from, LATE_BIT | i);
		pop_slot(s);
		return;
	}
	uint64_t deadline = ring_deadline(s, from);
	struct tg_tw tw = s->ring[from];

	if (deadline < s->newest_ms)
		deadline = s->newest_ms;
	tg_tw_set_deadline(&tw, deadline);
	s->ring[from].flags = 0;
	s->ring_live--;
	pop_slot(s);
	to = append(s, &tw, deadline);
	tg_table_replace(&s->table, tw.fingerprint, from, to);
	tg_ctr_inc(s->ctr, TG_CTR_tw_late);
}

/* --- full --- */

/* The late record nearest expiry that nobody owns, among the first few of the wheel. */
static uint32_t late_nearest(const struct tg_tw_store *s)
{
	uint32_t best = TG_NONE, i = tg_wheel_first(&s->wheel);

	for (int n = 0; n < NEAREST_STEPS && i < s->late_n; n++) {
		const struct late *l = &s->late[i];

		if (!(l->tw.flags & TG_TW_DORMANT) &&
		    (best == TG_NONE || l->deadline_ms < s->late[best].deadline_ms))
			best = i;
		i = l->timer.next; /* a slot's head is above all indices */
	}
	return best;
}

/* Drops the record nearest expiry (TD-20). */
static void evict(struct tg_tw_store *s)
{
	trim(s);
	for (int n = 0;
	     n < NEAREST_STEPS && s->span && !s->stale_n && (s->ring[s->tail].flags & TG_TW_LATE);
	     n++) {
		move_late(s);
		trim(s);
	}
	uint32_t i = late_nearest(s);
	bool has_tail = s->span && s->ring[s->tail].flags;

	if (i != TG_NONE && (!has_tail || s->late[i].deadline_ms < ring_deadline(s, s->tail))) {
		tg_tw_store_remove(s, LATE_BIT | i);
	} else if (has_tail) {
		remove_ring(s, s->tail);
	} else {
		return;
	}
	tg_ctr_inc(s->ctr, TG_CTR_tw_evicted);
}

/* Notes the time, and when all that stands in the ring is due. */
static void sync_now(struct tg_tw_store *s, uint64_t now_ms)
{
	if (now_ms <= s->now_ms)
		return;
	s->now_ms = now_ms;
	if (s->span && now_ms >= s->last_ms) {
		s->stale_n = s->span;
		s->floor_ms = now_ms; /* whoever comes from now on ends later */
	}
}

/* Frees a slot of a ring that is full, of holes or of records. */
static void make_slot(struct tg_tw_store *s)
{
	trim(s);
	if (s->span < s->ring_n)
		return;
	pack(s, PACK_HARD);
	if (s->span < s->ring_n)
		return;
	if ((s->ring[s->tail].flags & TG_TW_LATE) && s->late_count < s->late_n) {
		move_late(s);
		return;
	}
	remove_ring(s, s->tail);
	tg_ctr_inc(s->ctr, TG_CTR_tw_evicted);
}

/* --- the contract --- */

tg_tw_handle tg_tw_store_add(struct tg_tw_store *s, const struct tg_tw *tw, uint64_t now_ms)
{
	sync_now(s, now_ms);
	pack_if_worth(s);
	if (s->table.count >= s->table.capacity)
		evict(s);
	if (s->span == s->ring_n)
		make_slot(s);
	if (!tg_table_insert(&s->table, tw->fingerprint, slot_at(s, s->span), hash_of, s)) {
		tg_ctr_inc(s->ctr, TG_CTR_tw_evicted);
		return TG_NONE;
	}
	return append(s, tw, tg_tw_deadline(tw, now_ms));
}

void tg_tw_store_prefetch(const struct tg_tw_store *s, uint64_t fingerprint)
{
	tg_table_prefetch(&s->table, fingerprint);
}

void tg_tw_store_prefetch_all(const struct tg_tw_store *s, const uint64_t fingerprint[], uint32_t n)
{
	tg_table_prefetch_all(&s->table, fingerprint, n);
}

tg_tw_handle tg_tw_store_find(const struct tg_tw_store *s, uint64_t fingerprint)
{
	uint32_t h[4], n = tg_table_find(&s->table, fingerprint, h, 4);

	for (uint32_t k = 0; k < n; k++)
		if (hash_of(s, h[k]) == fingerprint)
			return h[k];
	return TG_NONE;
}

uint64_t tg_tw_store_find_any(const struct tg_tw_store *s, const uint64_t fingerprint[], uint32_t n)
{
	return tg_table_find_any(&s->table, fingerprint, n);
}

void tg_tw_store_restart(struct tg_tw_store *s, tg_tw_handle h, uint64_t deadline_ms)
{
	struct tg_tw *tw = tg_tw_store_at(s, h);

	assert((tw->flags & TG_TW_USED) && !(tw->flags & TG_TW_DORMANT));
	tg_tw_set_deadline(tw, deadline_ms);
	if (h & LATE_BIT) {
		s->late[h & ~LATE_BIT].deadline_ms = deadline_ms;
		if (deadline_ms < tg_wheel_deadline(&s->wheel, h & ~LATE_BIT))
			tg_wheel_arm(&s->wheel, h & ~LATE_BIT, deadline_ms);
		return;
	}
	tw->flags |= TG_TW_LATE;
	if (deadline_ms > s->last_ms)
		s->last_ms = deadline_ms;
	if (h == s->tail && !s->stale_n) {
		move_late(s);
		trim(s);
	}
}

void tg_tw_store_remove(struct tg_tw_store *s, tg_tw_handle h)
{
	struct tg_tw *tw = tg_tw_store_at(s, h);

	assert(tw->flags & TG_TW_USED);
	if (!(h & LATE_BIT)) {
		remove_ring(s, h);
		return;
	}
	if (!(tw->flags & TG_TW_DORMANT))
		tg_table_remove(&s->table, tw->fingerprint, h);
	late_release(s, h & ~LATE_BIT);
}

tg_tw_handle tg_tw_store_make_dormant(struct tg_tw_store *s, tg_tw_handle h, uint32_t conn,
				      uint64_t now_ms)
{
	struct tg_tw *tw = tg_tw_store_at(s, h);
	uint32_t i = h & ~LATE_BIT;

	sync_now(s, now_ms);
	assert((tw->flags & TG_TW_USED) && !(tw->flags & TG_TW_DORMANT));
	tg_table_remove(&s->table, tw->fingerprint, h);
	if (!(h & LATE_BIT)) {
		i = late_take_over(s, h);
		if (i == TG_NONE) {
			tw->flags = 0;
			s->ring_live--;
			tg_ctr_inc(s->ctr, TG_CTR_tw_evicted);
		}
		tidy(s);
		if (i == TG_NONE)
			return TG_NONE;
	}
	s->late[i].tw.flags |= TG_TW_DORMANT;
	s->late[i].conn = conn;
	return LATE_BIT | i;
}

void tg_tw_store_wake(struct tg_tw_store *s, tg_tw_handle h)
{
	struct tg_tw *tw = tg_tw_store_at(s, h);

	assert((h & LATE_BIT) && (tw->flags & TG_TW_DORMANT));
	if (s->table.count >= s->table.capacity)
		evict(s);
	if (!tg_table_insert(&s->table, tw->fingerprint, h, hash_of, s)) {
		late_release(s, h & ~LATE_BIT);
		tg_ctr_inc(s->ctr, TG_CTR_tw_evicted);
		return;
	}
	tw->flags &= (uint8_t)~TG_TW_DORMANT;
	s->late[h & ~LATE_BIT].conn = TG_NONE;
}

/* --- time --- */

static void expire_late(struct tg_tw_store *s, uint32_t i, tg_tw_gone_fn dormant_gone, void *ctx)
{
	struct late *l = &s->late[i];
	bool is_dormant = l->tw.flags & TG_TW_DORMANT;
	uint32_t conn = l->conn;

	/* Whoever was told of another end may have removed this one, or woken and restarted it. */
	if (l->tw.flags == 0 || tg_timer_is_armed(&l->timer))
		return;
	if (l->deadline_ms > s->now_ms) { /* restarted meanwhile */
		tg_wheel_arm(&s->wheel, i, l->deadline_ms);
		return;
	}
	tg_tw_store_remove(s, LATE_BIT | i);
	tg_ctr_inc(s->ctr, TG_CTR_tw_expired);
	if (is_dormant)
		dormant_gone(ctx, conn);
}

static uint32_t expire_late_pool(struct tg_tw_store *s, uint32_t budget, tg_tw_gone_fn dormant_gone,
				 void *ctx)
{
	uint32_t idx[32], n, done = 0;

	do {
		uint32_t max = budget - done < 32 ? budget - done : 32;

		n = tg_wheel_advance(&s->wheel, s->now_ms, idx, max);
		for (uint32_t k = 0; k < n; k++)
			expire_late(s, idx[k], dormant_gone, ctx);
		done += n;
	} while (n && done < budget);
	return done;
}

/* True when the record at the tail has lasted its time. What it says of the others goes into
 * floor_ms, unless it was restarted. */
static bool tail_is_due(struct tg_tw_store *s)
{
	uint64_t deadline = ring_deadline(s, s->tail);
	bool is_due = deadline <= s->now_ms;

	if (!s->stale_n && !(s->ring[s->tail].flags & TG_TW_LATE))
		s->floor_ms = is_due ? deadline : s->now_ms;
	return is_due;
}

static uint32_t expire_ring(struct tg_tw_store *s, uint32_t budget)
{
	uint32_t done = 0;

	for (; done < budget && s->span; done++) {
		struct tg_tw *tw = &s->ring[s->tail];

		if (s->span > AHEAD)
			tg_table_prefetch(&s->table, s->ring[slot_at(s, AHEAD)].fingerprint);
		if (tw->flags == 0) {
			pop_slot(s);
		} else if (tail_is_due(s)) {
			tg_table_remove(&s->table, tw->fingerprint, s->tail);
			tw->flags = 0;
			s->ring_live--;
			pop_slot(s);
			tg_ctr_inc(s->ctr, TG_CTR_tw_expired);
		} else if (tw->flags & TG_TW_LATE) {
			move_late(s);
		} else {
			break;
		}
	}
	return done;
}

uint32_t tg_tw_store_expire(struct tg_tw_store *s, uint64_t now_ms, uint32_t budget,
			    tg_tw_gone_fn dormant_gone, void *ctx)
{
	uint32_t done;

	sync_now(s, now_ms);
	done = expire_late_pool(s, budget, dormant_gone, ctx);
	return done + expire_ring(s, budget - done);
}

uint64_t tg_tw_store_next(const struct tg_tw_store *s, uint64_t now_ms)
{
	uint64_t next = tg_wheel_next(&s->wheel), tail;

	if (s->span == 0)
		return next;
	/* A hole or a restarted record says nothing of those behind it. */
	if (s->stale_n || s->ring[s->tail].flags == 0 || (s->ring[s->tail].flags & TG_TW_LATE))
		return now_ms;
	tail = ring_deadline(s, s->tail);
	return tail < next ? tail : next;
}

uint32_t tg_tw_store_count(const struct tg_tw_store *s)
{
	return s->ring_live + s->late_count;
}

/* --- invariants --- */

/* True when the table leads from the record's fingerprint to h, and only if it must. */
static bool table_agrees(const struct tg_tw_store *s, tg_tw_handle h)
{
	uint32_t found[8];
	uint64_t fingerprint = hash_of(s, h);
	uint32_t n = tg_table_find(&s->table, fingerprint, found, 8);
	bool is_found = false;

	for (uint32_t k = 0; k < n; k++)
		is_found |= found[k] == h;
	return is_found == !(tg_tw_store_at(s, h)->flags & TG_TW_DORMANT);
}

static bool ring_is_valid(const struct tg_tw_store *s)
{
	uint32_t live = 0;
	uint64_t last = 0;

	if (s->span > s->ring_n || s->gap > s->scan || s->scan > s->span || s->stale_n > s->span)
		return false;
	for (uint32_t k = 0; k < s->span; k++) {
		uint32_t h = slot_at(s, k);
		uint8_t flags = s->ring[h].flags;
		uint64_t deadline = ring_deadline(s, h);

		if (flags == 0)
			continue;
		live++;
		if (!(flags & TG_TW_USED) || (flags & TG_TW_DORMANT) || !table_agrees(s, h))
			return false;
		if (k >= s->gap && k < s->scan)
			return false;
		if (k < s->stale_n)
			continue;
		if (deadline < s->floor_ms || deadline > s->last_ms)
			return false;
		if (flags & TG_TW_LATE)
			continue;
		if (deadline < last)
			return false;
		last = deadline;
	}
	return live == s->ring_live;
}

static bool late_is_valid(const struct tg_tw_store *s, uint32_t *awake)
{
	uint32_t used = 0;

	for (uint32_t i = 0; i < s->late_fresh; i++) {
		const struct late *l = &s->late[i];

		if (l->tw.flags == 0)
			continue;
		used++;
		*awake += !(l->tw.flags & TG_TW_DORMANT);
		if (!tg_timer_is_armed(&l->timer) || !table_agrees(s, LATE_BIT | i))
			return false;
	}
	return used == s->late_count && used == s->wheel.count;
}

bool tg_tw_store_validate(const struct tg_tw_store *s)
{
	uint32_t awake = 0;

	return ring_is_valid(s) && late_is_valid(s, &awake) && tg_wheel_validate(&s->wheel) &&
	       tg_table_validate(&s->table, hash_of, s) && s->table.count == s->ring_live + awake;
}
