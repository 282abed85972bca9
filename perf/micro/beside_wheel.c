/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_wheel beside rte_timer: `size` timers are armed, 4,096 others, which stand between them, are
 * armed and cancelled, and as many fire. Nodes are 64 bytes of a connection for ours, the bare
 * struct rte_timer for the other, and are taken in no order. A burst of 32 is asked for before it
 * is armed or cancelled, for both: whoever arms a connection's timer has just had its packet. Ours
 * fires by its own clock, cascades and all; rte_timer, which has the machine's, is given deadlines
 * that are over. */
#include "beside.h"

#include "tg_rng.h"
#include "tg_wheel.h"
#include <rte_cycles.h>
#include <rte_lcore.h>
#include <rte_timer.h>
#include <stddef.h>

enum { SPREAD_MS = 60000, FIRE_MAX = 512 };

struct line {
	uint8_t other[48];
	struct tg_timer timer;
	uint32_t word;
};

struct wheel {
	struct tg_wheel w;
	struct tg_rng rng;
	struct line *line; /* [size + BESIDE_OPS] */
	uint32_t size;
	uint32_t spare[BESIDE_OPS]; /* the nodes that are not armed */
};

struct timers {
	struct rte_timer *timer; /* [size + BESIDE_OPS] */
	struct tg_rng rng;
	uint32_t size, fired;
	uint32_t id; /* of the list that these are in */
	uint32_t spare[BESIDE_OPS];
};

/* Every stride-th of size + BESIDE_OPS nodes, in no order; n is where the others end. */
static void pick_spare(uint32_t spare[BESIDE_OPS], uint32_t size, struct tg_rng *rng)
{
	uint32_t stride = (size + BESIDE_OPS) / BESIDE_OPS;

	for (uint32_t i = 0; i < BESIDE_OPS; i++)
		spare[i] = i * stride;
	for (uint32_t i = BESIDE_OPS - 1; i > 0; i--) {
		uint32_t other = tg_rng_below(rng, i + 1), swap = spare[i];

		spare[i] = spare[other];
		spare[other] = swap;
	}
}

static bool is_spare(uint32_t node, uint32_t size)
{
	uint32_t stride = (size + BESIDE_OPS) / BESIDE_OPS;

	return node % stride == 0 && node / stride < BESIDE_OPS;
}

static void ask(const void *node, size_t len)
{
	for (size_t at = 0; at < len; at += 64)
		__builtin_prefetch((const char *)node + at);
}

/* --- ours --- */

static void wheel_ask(const struct wheel *c, uint32_t from)
{
	for (uint32_t i = from; i < from + BESIDE_BURST; i++)
		ask(&c->line[c->spare[i]], sizeof(c->line[0]));
}

static void wheel_arm_all(struct wheel *c, const uint64_t at[BESIDE_OPS])
{
	for (uint32_t i = 0; i < BESIDE_OPS; i++) {
		if (i % BESIDE_BURST == 0)
			wheel_ask(c, i);
		tg_wheel_arm(&c->w, c->spare[i], at[i]);
	}
}

static void wheel_cancel_all(struct wheel *c)
{
	for (uint32_t i = 0; i < BESIDE_OPS; i++) {
		if (i % BESIDE_BURST == 0)
			wheel_ask(c, i);
		tg_wheel_cancel(&c->w, c->spare[i]);
	}
}

static struct wheel *wheel_setup(uint32_t size)
{
	struct wheel *c = bench_alloc(sizeof(*c));
	uint32_t n = size + BESIDE_OPS;

	tg_rng_init(&c->rng, size);
	c->size = size;
	c->line = bench_alloc(n * sizeof(struct line));
	tg_wheel_init(&c->w, &c->line[0].timer, sizeof(struct line), n, 0);
	pick_spare(c->spare, size, &c->rng);
	for (uint32_t i = 0; i < n; i++) {
		tg_timer_init(&c->line[i].timer);
		if (!is_spare(i, size))
			tg_wheel_arm(&c->w, i, 1 + tg_rng_below(&c->rng, SPREAD_MS));
	}
	if (c->w.count != size)
		bench_fail("wheel@tidegate: %u are armed, not %u", c->w.count, size);
	return c;
}

static uint64_t wheel_change(struct wheel *c, bool is_arm)
{
	uint64_t at[BESIDE_OPS];

	for (uint32_t i = 0; i < BESIDE_OPS; i++)
		at[i] = c->w.now + 1 + tg_rng_below(&c->rng, SPREAD_MS);
	if (is_arm)
		bench_start();
	wheel_arm_all(c, at);
	if (is_arm)
		bench_stop();
	else
		bench_start();
	wheel_cancel_all(c);
	if (!is_arm)
		bench_stop();
	if (c->w.count != c->size)
		bench_fail("wheel@tidegate: %u are armed, not %u", c->w.count, c->size);
	return BESIDE_OPS;
}

static uint64_t wheel_arm(void *ctx)
{
	return wheel_change(ctx, true);
}

static uint64_t wheel_cancel(void *ctx)
{
	return wheel_change(ctx, false);
}

static uint64_t wheel_expire(void *ctx)
{
	struct wheel *c = ctx;
	uint64_t step = SPREAD_MS * 256ull / c->size + 1;
	uint32_t idx[FIRE_MAX], n, done = 0;

	while (done < BESIDE_OPS) {
		uint64_t to = c->w.now + step;

		do {
			bench_start();
			n = tg_wheel_advance(&c->w, to, idx, FIRE_MAX);
			bench_stop();
			for (uint32_t k = 0; k < n; k++)
				tg_wheel_arm(&c->w, idx[k],
					     c->w.now + SPREAD_MS - tg_rng_below(&c->rng, 1000));
			done += n;
		} while (n == FIRE_MAX);
	}
	return done;
}

/* --- theirs --- */

/* From one hour to two: none fires while this runs, and to a sorted list it is all the same. */
static uint64_t ticks_ahead(struct timers *c)
{
	uint64_t hour = 3600 * rte_get_timer_hz();

	return hour + ((uint64_t)tg_rng_below(&c->rng, UINT32_MAX) * (hour >> 16) >> 16);
}

static void fire(struct rte_timer *t)
{
	((struct timers *)t->arg)->fired++;
}

static void their_arm(struct timers *c, uint32_t node, uint64_t ticks)
{
	if (rte_timer_alt_reset(c->id, &c->timer[node], ticks, SINGLE, rte_lcore_id(), NULL, c))
		bench_fail("wheel@rte_timer: a timer is not armed");
}

static struct timers *timers_setup(uint32_t size)
{
	static bool is_ready;
	struct timers *c = bench_alloc(sizeof(*c));
	uint32_t n = size + BESIDE_OPS;

	if ((!is_ready && rte_timer_subsystem_init()) || rte_timer_data_alloc(&c->id))
		bench_fail("wheel@rte_timer: it does not start");
	is_ready = true;
	tg_rng_init(&c->rng, size);
	c->size = size;
	c->timer = bench_alloc(n * sizeof(struct rte_timer));
	pick_spare(c->spare, size, &c->rng);
	for (uint32_t i = 0; i < n; i++) {
		rte_timer_init(&c->timer[i]);
		if (!is_spare(i, size))
			their_arm(c, i, ticks_ahead(c));
	}
	return c;
}

static void timers_ask(const struct timers *c, uint32_t from)
{
	for (uint32_t i = from; i < from + BESIDE_BURST; i++)
		ask(&c->timer[c->spare[i]], sizeof(c->timer[0]));
}

static void timers_arm_all(struct timers *c, const uint64_t ticks[BESIDE_OPS])
{
	for (uint32_t i = 0; i < BESIDE_OPS; i++) {
		if (i % BESIDE_BURST == 0)
			timers_ask(c, i);
		their_arm(c, c->spare[i], ticks[i]);
	}
}

static void timers_stop_all(struct timers *c)
{
	for (uint32_t i = 0; i < BESIDE_OPS; i++) {
		if (i % BESIDE_BURST == 0)
			timers_ask(c, i);
		if (rte_timer_alt_stop(c->id, &c->timer[c->spare[i]]))
			bench_fail("wheel@rte_timer: a timer is not stopped");
	}
}

static uint64_t timers_change(struct timers *c, bool is_arm)
{
	uint64_t ticks[BESIDE_OPS];

	for (uint32_t i = 0; i < BESIDE_OPS; i++)
		ticks[i] = ticks_ahead(c);
	if (is_arm)
		bench_start();
	timers_arm_all(c, ticks);
	if (is_arm)
		bench_stop();
	else
		bench_start();
	timers_stop_all(c);
	if (!is_arm)
		bench_stop();
	return BESIDE_OPS;
}

static uint64_t timers_arm(void *ctx)
{
	return timers_change(ctx, true);
}

static uint64_t timers_cancel(void *ctx)
{
	return timers_change(ctx, false);
}

/* Up to BESIDE_OPS armed nodes, other ones each time; returns how many. */
static uint32_t pick_armed(struct timers *c, uint32_t node[BESIDE_OPS])
{
	uint32_t stride = (c->size + BESIDE_OPS) / BESIDE_OPS, n;

	if (stride > 1) {
		for (n = 0; n < BESIDE_OPS; n++)
			node[n] = n * stride + 1 + tg_rng_below(&c->rng, stride - 1);
		return n;
	}
	for (n = 0; n < c->size; n++)
		node[n] = BESIDE_OPS + n;
	return n;
}

static uint64_t timers_expire(void *ctx)
{
	struct timers *c = ctx;
	uint32_t node[BESIDE_OPS], k = pick_armed(c, node);
	uint64_t over;

	c->fired = 0;
	for (uint32_t i = 0; i < k; i++)
		their_arm(c, node[i], 1 + tg_rng_below(&c->rng, 1000));
	over = rte_get_timer_cycles() + 2000;
	while (rte_get_timer_cycles() < over)
		;
	bench_start();
	rte_timer_alt_manage(c->id, NULL, 0, fire);
	bench_stop();
	if (c->fired != k)
		bench_fail("wheel@rte_timer: %u of %u fired", c->fired, k);
	for (uint32_t i = 0; i < k; i++)
		their_arm(c, node[i], ticks_ahead(c));
	return k;
}

/* --- the cases --- */

static const char *const our_name[] = {"wheel arm@tidegate", "wheel cancel@tidegate",
				       "wheel expire@tidegate"};
static const char *const their_name[] = {"wheel arm@rte_timer", "wheel cancel@rte_timer",
					 "wheel expire@rte_timer"};
enum { WHAT_N = 3 };

static bool any_wanted(const struct bench_opts *o, const char *const name[WHAT_N])
{
	for (uint32_t i = 0; i < WHAT_N; i++)
		if (bench_is_wanted(o, name[i]))
			return true;
	return false;
}

void beside_wheel(const struct bench_opts *o, uint32_t size)
{
	static uint64_t (*const ours[])(void *) = {wheel_arm, wheel_cancel, wheel_expire};
	static uint64_t (*const theirs[])(void *) = {timers_arm, timers_cancel, timers_expire};
	void *our_ctx = any_wanted(o, our_name) ? wheel_setup(size) : NULL;
	void *their_ctx = any_wanted(o, their_name) ? timers_setup(size) : NULL;

	for (uint32_t i = 0; i < WHAT_N; i++) {
		if (bench_is_wanted(o, our_name[i]))
			beside_add(our_name[i], size, our_ctx, ours[i]);
		if (bench_is_wanted(o, their_name[i]))
			beside_add(their_name[i], size, their_ctx, theirs[i]);
	}
	bench_tell(o, "wheel bytes@tidegate", size,
		   sizeof(struct tg_timer) + (double)sizeof(struct tg_wheel) / size, "bytes");
	bench_tell(o, "wheel bytes@rte_timer", size, sizeof(struct rte_timer), "bytes");
}
