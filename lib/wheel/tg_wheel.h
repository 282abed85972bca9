/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_wheel.h: a hierarchical timer wheel over 32-bit indices (Varghese and Lauck 1987, scheme 7).
 * Tick: 1 ms.
 *
 * The nodes are the caller's: node i stands at base + i * stride, inside whatever structure the
 * caller keeps. Four levels of 256 slots reach 2^32 ticks; a node moves down a level as its time
 * comes near. Lists are doubly linked by index, so that cancel is O(1). Deadlines are kept in 32
 * bits and widened against the wheel's 64-bit clock: as a node always fires or is moved within 2^31
 * ticks of now, nothing wraps in the life of a process.
 *
 * Lazy re-arming is the caller's: it keeps its own deadline, arms earlier deadlines at once, and on
 * a fire that came too early arms again. */
#ifndef TG_WHEEL_H
#define TG_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tg_timer {
	uint32_t next, prev; /* index of a node, or a slot's head (high bit set); TG_WHEEL_IDLE in
				next when not armed */
	uint32_t deadline;   /* low 32 bits of the tick */
};
_Static_assert(sizeof(struct tg_timer) == 12, "fits the connection's last line");

#define TG_WHEEL_IDLE 0xffffffffu
enum { TG_WHEEL_LEVELS = 4, TG_WHEEL_SLOTS = 256 };
#define TG_WHEEL_SPAN_MAX                                                                          \
	0x7fffffffull /* ticks: the farthest deadline from now, 24.8 days; the caller clamps */

struct tg_wheel {
	uint8_t *base; /* of node 0 */
	size_t stride;
	uint64_t now;   /* the last tick that has been run */
	uint32_t count; /* armed nodes */
	uint32_t node_n;
	/* No slot begins before next (as tg_wheel_next counts), and when is_known the first one
	 * does so then: asked with each burst, changed seldom. */
	uint64_t next;
	bool is_known;
	uint64_t bitmap[TG_WHEEL_LEVELS][TG_WHEEL_SLOTS / 64]; /* slots that hold a node */
	/* Lists, in order of arming. Nodes that are due stand in level 0, in the slot of now. */
	struct {
		uint32_t head, tail;
	} slot[TG_WHEEL_LEVELS][TG_WHEEL_SLOTS];
};

/* now: the tick to start from. node_n < 2^31. The caller sets each node's next to TG_WHEEL_IDLE
 * (tg_timer_init) when it comes to use: init touches no node. */
void tg_wheel_init(struct tg_wheel *w, void *base, size_t stride, uint32_t node_n, uint64_t now);

static inline void tg_timer_init(struct tg_timer *t)
{
	t->next = TG_WHEEL_IDLE;
}

static inline bool tg_timer_is_armed(const struct tg_timer *t)
{
	return t->next != TG_WHEEL_IDLE;
}

/* Arms node idx for tick deadline (64 bits); re-arms when it is armed. A deadline <= now is due at
 * the next advance, whatever its tick: it counts as now, and is handed out after what is due
 * already. Beyond now + TG_WHEEL_SPAN_MAX: clamped to it. O(1). */
void tg_wheel_arm(struct tg_wheel *w, uint32_t idx, uint64_t deadline);
/* O(1); nothing when it is not armed. */
void tg_wheel_cancel(struct tg_wheel *w, uint32_t idx);
/* The full deadline of an armed node, after what tg_wheel_arm made of it. */
uint64_t tg_wheel_deadline(const struct tg_wheel *w, uint32_t idx);

/* Runs the clock to tick `to`, writes up to max due indices to idx[], disarmed, in order of
 * deadline (equal deadlines: in order of arming), and returns how many. Deadlines equal to `to` are
 * due. When it returns max there may be more: call again with the same `to`. The wheel's now stops
 * at the tick of what was handed out, so a timer never fires before an earlier one. Work: the slots
 * passed (skipped by bitmap) + fires + cascades. to < now: nothing. */
uint32_t tg_wheel_advance(struct tg_wheel *w, uint64_t to, uint32_t idx[], uint32_t max);

/* When the next node may be due: never late, may be early (a cascade); UINT64_MAX when none is
 * armed. After tg_wheel_advance(to) returned less than max, it is > to. */
uint64_t tg_wheel_next(const struct tg_wheel *w);
/* The first node of the slot that comes next, for one who must give something up: the earliest
 * deadline of all when that slot is of level 0, else one near it. TG_WHEEL_IDLE when none is armed.
 */
uint32_t tg_wheel_first(const struct tg_wheel *w);

/* I1 count = nodes in lists; I2 links agree both ways; I3 each node stands in the slot of its
 * deadline, and no deadline is before now; I4 bitmap agrees; I5 next is no later than the first
 * slot that holds a node, and is its tick when it is known. */
bool tg_wheel_validate(const struct tg_wheel *w);

#endif
