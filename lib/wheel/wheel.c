/* SPDX-License-Identifier: BSD-3-Clause */
/* wheel.c: see tg_wheel.h. A node stands on the level of the highest byte in which its deadline
 * differs from now, in the slot that this byte names:
 *
 *   deadline  | byte 3 | byte 2 | byte 1 | byte 0 |     level 3 goes round: its slots reach 2^31
 *   level     |   3    |   2    |   1    |   0    |     ticks ahead, across the top of 32 bits
 *
 * So on levels 0 to 2 the slots behind now's own are empty, on levels 1 to 3 now's own is empty
 * too, and all nodes of one deadline stand in one list, in order of arming: when the clock enters
 * the ticks of a slot of level 1 to 3, its nodes move down in that order. */
#include "tg_wheel.h"

#include <assert.h>

#define HEAD_BIT 0x80000000u

enum { LEVEL_BITS = 8, SLOT_MASK = TG_WHEEL_SLOTS - 1, TOP = TG_WHEEL_LEVELS - 1 };

static inline struct tg_timer *node(const struct tg_wheel *w, uint32_t idx)
{
	return (struct tg_timer *)(void *)(w->base + (size_t)idx * w->stride);
}

static inline uint32_t head_of(uint32_t level, uint32_t slot)
{
	return HEAD_BIT | level << LEVEL_BITS | slot;
}

static inline uint32_t head_level(uint32_t head)
{
	return (head & ~HEAD_BIT) >> LEVEL_BITS;
}

static inline bool bit_is_set(const struct tg_wheel *w, uint32_t level, uint32_t slot)
{
	return w->bitmap[level][slot / 64] >> slot % 64 & 1;
}

/* The first slot in [from, 256) of the level that holds a node, or -1. */
static int next_slot(const struct tg_wheel *w, uint32_t level, uint32_t from)
{
	if (from >= TG_WHEEL_SLOTS)
		return -1;
	uint32_t word = from / 64;
	uint64_t bits = w->bitmap[level][word] >> from % 64 << from % 64;

	while (!bits) {
		if (++word == TG_WHEEL_SLOTS / 64)
			return -1;
		bits = w->bitmap[level][word];
	}
	return (int)(word * 64) + __builtin_ctzll(bits);
}

void tg_wheel_init(struct tg_wheel *w, void *base, size_t stride, uint32_t node_n, uint64_t now)
{
	assert(node_n < HEAD_BIT && stride >= sizeof(struct tg_timer));
	*w = (struct tg_wheel){.base = base,
			       .stride = stride,
			       .node_n = node_n,
			       .now = now,
			       .next = UINT64_MAX,
			       .is_known = true};
	for (uint32_t level = 0; level < TG_WHEEL_LEVELS; level++)
		for (uint32_t slot = 0; slot < TG_WHEEL_SLOTS; slot++)
			w->slot[level][slot].head = w->slot[level][slot].tail =
			    head_of(level, slot);
}

/* The full tick of a deadline's low half: no armed node is due before now. */
static inline uint64_t widen(const struct tg_wheel *w, uint32_t deadline)
{
	return w->now + (uint32_t)(deadline - (uint32_t)w->now);
}

/* Appends a node to the list of its deadline, now <= deadline <= now + span. Returns the tick at
 * which its slot begins. */
static uint64_t link_node(struct tg_wheel *w, uint32_t idx, uint64_t deadline)
{
	uint64_t differs = deadline ^ w->now;
	uint32_t level = differs >> 24 ? 3 : differs >> 16 ? 2 : differs >> 8 ? 1 : 0;
	uint32_t slot = (uint32_t)(deadline >> level * LEVEL_BITS) & SLOT_MASK;
	uint32_t head = head_of(level, slot), last = w->slot[level][slot].tail;
	struct tg_timer *t = node(w, idx);

	t->next = head;
	t->prev = last;
	t->deadline = (uint32_t)deadline;
	w->slot[level][slot].tail = idx;
	if (last == head) {
		w->slot[level][slot].head = idx;
		w->bitmap[level][slot / 64] |= 1ull << slot % 64;
	} else {
		node(w, last)->next = idx;
	}
	return deadline >> level * LEVEL_BITS << level * LEVEL_BITS;
}

/* The last node of a slot goes. */
static void empty_slot(struct tg_wheel *w, uint32_t level, uint32_t slot, uint32_t deadline)
{
	w->bitmap[level][slot / 64] &= ~(1ull << slot % 64);
	if ((deadline ^ (uint32_t)w->next) >> level * LEVEL_BITS == 0)
		w->is_known = false; /* it was the one that came next */
}

static void unlink_node(struct tg_wheel *w, struct tg_timer *t)
{
	uint32_t next = t->next, prev = t->prev;

	if (next & HEAD_BIT)
		w->slot[head_level(next)][next & SLOT_MASK].tail = prev;
	else
		node(w, next)->prev = prev;
	if (prev & HEAD_BIT)
		w->slot[head_level(prev)][prev & SLOT_MASK].head = next;
	else
		node(w, prev)->next = next;
	if (next & prev & HEAD_BIT)
		empty_slot(w, head_level(next), next & SLOT_MASK, t->deadline);
	t->next = TG_WHEEL_IDLE;
}

void tg_wheel_arm(struct tg_wheel *w, uint32_t idx, uint64_t deadline)
{
	struct tg_timer *t = node(w, idx);

	assert(idx < w->node_n);
	if (deadline < w->now)
		deadline = w->now;
	else if (deadline - w->now > TG_WHEEL_SPAN_MAX)
		deadline = w->now + TG_WHEEL_SPAN_MAX;
	if (tg_timer_is_armed(t))
		unlink_node(w, t);
	else
		w->count++;
	uint64_t begins = link_node(w, idx, deadline);

	if (begins <= w->next) {
		w->next = begins;
		w->is_known = true;
	}
}

void tg_wheel_cancel(struct tg_wheel *w, uint32_t idx)
{
	struct tg_timer *t = node(w, idx);

	assert(idx < w->node_n);
	if (!tg_timer_is_armed(t))
		return;
	unlink_node(w, t);
	w->count--;
}

uint64_t tg_wheel_deadline(const struct tg_wheel *w, uint32_t idx)
{
	assert(idx < w->node_n && tg_timer_is_armed(node(w, idx)));
	return widen(w, node(w, idx)->deadline);
}

/* The slot that comes next after now's own: its level and number, and the tick at which it begins;
 * UINT64_MAX when there is none. A slot of a lower level always begins before those above it. */
static uint64_t next_event(const struct tg_wheel *w, uint32_t *level, uint32_t *slot)
{
	for (*level = 0; *level < TOP; ++*level) {
		uint32_t shift = *level * LEVEL_BITS;
		int found = next_slot(w, *level, ((uint32_t)(w->now >> shift) & SLOT_MASK) + 1);

		if (found >= 0) {
			*slot = (uint32_t)found;
			return ((w->now >> shift | SLOT_MASK) - SLOT_MASK + *slot) << shift;
		}
	}
	uint32_t own = (uint32_t)(w->now >> TOP * LEVEL_BITS) & SLOT_MASK;
	int found = next_slot(w, TOP, own + 1);

	if (found < 0)
		found = next_slot(w, TOP, 0);
	if (found < 0)
		return UINT64_MAX;
	*slot = (uint32_t)found;
	return ((w->now >> TOP * LEVEL_BITS) + ((*slot - own) & SLOT_MASK)) << TOP * LEVEL_BITS;
}

/* The tick of next_event, and now while nodes are due. */
static uint64_t search(const struct tg_wheel *w)
{
	uint32_t level, slot;

	if (bit_is_set(w, 0, (uint32_t)w->now & SLOT_MASK))
		return w->now;
	return next_event(w, &level, &slot);
}

uint64_t tg_wheel_next(const struct tg_wheel *w)
{
	return w->is_known ? w->next : search(w);
}

static void know_next(struct tg_wheel *w)
{
	w->next = tg_wheel_next(w);
	w->is_known = true;
}

/* now has come to the first tick of this slot: its nodes move to the levels below. */
static void cascade(struct tg_wheel *w, uint32_t level, uint32_t slot)
{
	uint32_t head = head_of(level, slot), idx = w->slot[level][slot].head;

	w->slot[level][slot].head = w->slot[level][slot].tail = head;
	w->bitmap[level][slot / 64] &= ~(1ull << slot % 64);
	while (idx != head) {
		uint32_t next = node(w, idx)->next;

		if (next != head)
			__builtin_prefetch(node(w, next), 1);
		link_node(w, idx, widen(w, node(w, idx)->deadline));
		idx = next;
	}
}

/* Takes up to max nodes from the slot of now. */
static uint32_t hand_out(struct tg_wheel *w, uint32_t idx[], uint32_t max)
{
	uint32_t slot = (uint32_t)w->now & SLOT_MASK, head = head_of(0, slot), n = 0;

	while (n < max && w->slot[0][slot].head != head) {
		struct tg_timer *t = node(w, w->slot[0][slot].head);

		idx[n++] = w->slot[0][slot].head;
		if (!(t->next & HEAD_BIT))
			__builtin_prefetch(node(w, t->next), 1);
		unlink_node(w, t);
	}
	w->count -= n;
	return n;
}

/* From event to event, up to `to`. */
static uint32_t run(struct tg_wheel *w, uint64_t to, uint32_t idx[], uint32_t max)
{
	uint32_t n = 0, level, slot;

	while ((n += hand_out(w, idx + n, max - n)) < max) {
		uint64_t tick = next_event(w, &level, &slot);

		if (tick > to || tick == UINT64_MAX) {
			w->now = to;
			break;
		}
		w->now = tick;
		if (level > 0)
			cascade(w, level, slot);
	}
	return n;
}

uint32_t tg_wheel_advance(struct tg_wheel *w, uint64_t to, uint32_t idx[], uint32_t max)
{
	uint32_t n;

	if (to < w->now || max == 0)
		return 0;
	know_next(w);
	if (w->next > to) {
		w->now = to;
		return 0;
	}
	n = run(w, to, idx, max);
	w->is_known = false;
	know_next(w);
	return n;
}

uint32_t tg_wheel_first(const struct tg_wheel *w)
{
	uint32_t level = 0, slot = (uint32_t)w->now & SLOT_MASK;

	if (!bit_is_set(w, 0, slot) && next_event(w, &level, &slot) == UINT64_MAX)
		return TG_WHEEL_IDLE;
	return w->slot[level][slot].head;
}

/* I2 and I3 for one slot; adds its nodes to *count, and stops when there are more than there can
 * be. */
static bool slot_is_valid(const struct tg_wheel *w, uint32_t level, uint32_t slot, uint64_t *count)
{
	uint32_t head = head_of(level, slot), prev = head, idx = w->slot[level][slot].head;

	while (idx != head) {
		const struct tg_timer *t = node(w, idx);

		if (idx >= w->node_n || t->prev != prev || ++*count > w->count)
			return false;
		uint64_t deadline = widen(w, t->deadline), differs = deadline ^ w->now;
		uint32_t own = differs >> 24 ? 3 : differs >> 16 ? 2 : differs >> 8 ? 1 : 0;

		if (deadline - w->now > TG_WHEEL_SPAN_MAX || own != level ||
		    ((deadline >> level * LEVEL_BITS) & SLOT_MASK) != slot)
			return false;
		prev = idx;
		idx = t->next;
	}
	return w->slot[level][slot].tail == prev;
}

bool tg_wheel_validate(const struct tg_wheel *w)
{
	uint64_t count = 0;

	for (uint32_t level = 0; level < TG_WHEEL_LEVELS; level++)
		for (uint32_t slot = 0; slot < TG_WHEEL_SLOTS; slot++) {
			if (!slot_is_valid(w, level, slot, &count)) /* I2, I3 */
				return false;
			if (bit_is_set(w, level, slot) ==
			    (w->slot[level][slot].head == head_of(level, slot))) /* I4 */
				return false;
		}
	if (w->is_known ? w->next != search(w) : w->next > search(w)) /* I5 */
		return false;
	return count == w->count; /* I1 */
}
