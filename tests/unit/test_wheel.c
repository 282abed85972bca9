/* SPDX-License-Identifier: BSD-3-Clause */
/* The timer wheel, first by hand and then against a model: a list of the armed nodes, ordered by
 * tick and then by arming. */
#include "tg_test.h"

#include "tg_rng.h"
#include "tg_wheel.h"

enum { NODE_N = 500, DAY_MS = 86400000 };

struct node {
	uint64_t before; /* the timer must stay within its own bytes */
	struct tg_timer timer;
	uint32_t after;
};

struct fixture {
	struct tg_wheel w;
	struct node node[NODE_N];
	/* the model */
	struct {
		uint64_t tick, order;
		bool is_armed;
	} model[NODE_N];
	uint64_t now, order;
	uint32_t count;
};

static void setup(struct fixture *f, uint64_t now)
{
	memset(f, 0, sizeof(*f));
	for (uint32_t i = 0; i < NODE_N; i++)
		tg_timer_init(&f->node[i].timer);
	tg_wheel_init(&f->w, &f->node[0].timer, sizeof(struct node), NODE_N, now);
	f->now = now;
}

static void arm(struct fixture *f, uint32_t i, uint64_t deadline)
{
	uint64_t most = f->now + TG_WHEEL_SPAN_MAX;

	tg_wheel_arm(&f->w, i, deadline);
	f->count += !f->model[i].is_armed;
	f->model[i].is_armed = true;
	f->model[i].order = f->order++;
	f->model[i].tick = deadline < f->now ? f->now : deadline > most ? most : deadline;
}

static void cancel(struct fixture *f, uint32_t i)
{
	tg_wheel_cancel(&f->w, i);
	f->count -= f->model[i].is_armed;
	f->model[i].is_armed = false;
}

/* The node that the model hands out first; TG_WHEEL_IDLE when none is armed. */
static uint32_t model_first(const struct fixture *f)
{
	uint32_t first = TG_WHEEL_IDLE;

	for (uint32_t i = 0; i < NODE_N; i++) {
		if (!f->model[i].is_armed)
			continue;
		if (first == TG_WHEEL_IDLE || f->model[i].tick < f->model[first].tick ||
		    (f->model[i].tick == f->model[first].tick &&
		     f->model[i].order < f->model[first].order))
			first = i;
	}
	return first;
}

/* Advances both; false when they differ. */
static bool advance(struct fixture *f, uint64_t to, uint32_t max)
{
	uint32_t idx[NODE_N], n = tg_wheel_advance(&f->w, to, idx, max);

	if (to < f->now)
		return n == 0 && f->w.now == f->now;
	for (uint32_t k = 0; k < n; k++) {
		if (idx[k] != model_first(f) || f->model[idx[k]].tick > to ||
		    tg_timer_is_armed(&f->node[idx[k]].timer))
			return false;
		f->now = f->model[idx[k]].tick;
		f->model[idx[k]].is_armed = false;
		f->count--;
	}
	if (n == max)
		return f->w.now == f->now;
	f->now = to;
	uint32_t first = model_first(f);

	return f->w.now == to && (first == TG_WHEEL_IDLE || f->model[first].tick > to);
}

/* Everything that can be asked agrees with the model. */
static bool agrees(const struct fixture *f)
{
	uint32_t first = model_first(f);
	uint64_t next = tg_wheel_next(&f->w);

	if (f->w.count != f->count || !tg_wheel_validate(&f->w))
		return false;
	if (first == TG_WHEEL_IDLE ? next != UINT64_MAX
				   : next > f->model[first].tick || next < f->now)
		return false;
	if ((tg_wheel_first(&f->w) == TG_WHEEL_IDLE) != (first == TG_WHEEL_IDLE))
		return false;
	for (uint32_t i = 0; i < NODE_N; i++) {
		if (tg_timer_is_armed(&f->node[i].timer) != f->model[i].is_armed)
			return false;
		if (f->model[i].is_armed && tg_wheel_deadline(&f->w, i) != f->model[i].tick)
			return false;
		if (f->node[i].before || f->node[i].after)
			return false;
	}
	return true;
}

/* A distance in ticks, of every magnitude. */
static uint64_t draw_distance(struct tg_rng *rng)
{
	uint64_t x = tg_rng_next(rng);

	return x >> 33 & ((1ull << (x & 31)) - 1);
}

static uint64_t draw_far(struct tg_rng *rng)
{
	return (uint64_t)tg_rng_below(rng, 60) * DAY_MS + tg_rng_below(rng, DAY_MS);
}

/* One random step; false when wheel and model part. */
static bool step(struct fixture *f, struct tg_rng *rng)
{
	uint32_t i = tg_rng_below(rng, NODE_N), what = tg_rng_below(rng, 100);
	uint64_t d = draw_distance(rng);

	if (what < 45)
		arm(f, i, f->now + d);
	else if (what < 55) /* with many others */
		arm(f, i, (f->now | 63) + 1 + tg_rng_below(rng, 3));
	else if (what < 60)
		arm(f, i, d < f->now ? f->now - d : 0);
	else if (what < 63)
		arm(f, i, f->now + draw_far(rng));
	else if (what < 73)
		cancel(f, i);
	else if (what < 98)
		return advance(f, f->now + d, 1 + tg_rng_below(rng, 20));
	else if (what < 99)
		return advance(f, f->now + draw_far(rng), NODE_N);
	else
		return advance(f, f->now ? f->now - 1 : 0, NODE_N);
	return true;
}

static void run_model(uint64_t seed, uint64_t start)
{
	static struct fixture f;
	struct tg_rng rng;

	tg_rng_init(&rng, seed);
	setup(&f, start);
	for (uint32_t k = 0; k < 4000; k++) {
		bool is_right = step(&f, &rng) && (k % 16 || agrees(&f));

		if (!is_right)
			printf("wheel model: seed %" PRIu64 " start %" PRIu64 " step %" PRIu32 "\n",
			       seed, start, k);
		CU_ASSERT_FATAL(is_right);
	}
	while (f.count)
		CU_ASSERT_FATAL(advance(&f, f.now + 30ull * DAY_MS, 7));
	CU_ASSERT(agrees(&f));
}

static void test_wheel_random_ops_equal_the_model(void)
{
	/* At zero; just before 16, 24 and 32 bits of ticks are full; above 32 bits. */
	static const uint64_t start[] = {0, 0xff00, 0xfffff0, 0xfffff000, 0x1234567890ull};

	for (size_t s = 0; s < sizeof(start) / sizeof(start[0]); s++)
		for (uint64_t k = 0; k < 4; k++)
			run_model(tg_test_seed + k, start[s]);
}

static void test_wheel_arm_every_distance_fires_at_its_tick(void)
{
	static struct fixture f;
	uint32_t idx[4];

	/* Also from a start where the 32-bit tick wraps on the way. */
	for (uint32_t bit = 0; bit < 31; bit++)
		for (uint64_t start = 0; start <= 0xffffff00; start += 0xffffff00) {
			uint64_t d = (1ull << bit) + 3;

			setup(&f, start);
			tg_wheel_arm(&f.w, 7, start + d);
			CU_ASSERT_EQUAL(tg_wheel_deadline(&f.w, 7), start + d);
			CU_ASSERT_EQUAL(tg_wheel_advance(&f.w, start + d - 1, idx, 4), 0);
			CU_ASSERT(tg_wheel_next(&f.w) >= start + d - 1);
			CU_ASSERT(tg_wheel_next(&f.w) <= start + d);
			CU_ASSERT_EQUAL(tg_wheel_advance(&f.w, start + d, idx, 4), 1);
			CU_ASSERT_EQUAL(idx[0], 7);
			CU_ASSERT_EQUAL(tg_wheel_next(&f.w), UINT64_MAX);
		}
}

static void test_wheel_arm_past_isDueNow(void)
{
	static struct fixture f;
	uint32_t idx[4];

	setup(&f, 1000);
	tg_wheel_arm(&f.w, 1, 1000);
	tg_wheel_arm(&f.w, 2, 3);
	tg_wheel_arm(&f.w, 3, 0);
	CU_ASSERT_EQUAL(tg_wheel_next(&f.w), 1000);
	CU_ASSERT_EQUAL(tg_wheel_advance(&f.w, 999, idx, 4), 0);
	CU_ASSERT_EQUAL(tg_wheel_advance(&f.w, 1000, idx, 4), 3);
	CU_ASSERT(idx[0] == 1 && idx[1] == 2 && idx[2] == 3);
	CU_ASSERT_EQUAL(f.w.count, 0);
}

static void test_wheel_arm_beyond_span_isClamped(void)
{
	static struct fixture f;
	uint32_t idx[4];

	setup(&f, 5);
	tg_wheel_arm(&f.w, 0, UINT64_MAX);
	CU_ASSERT_EQUAL(tg_wheel_deadline(&f.w, 0), 5 + TG_WHEEL_SPAN_MAX);
	CU_ASSERT_EQUAL(tg_wheel_advance(&f.w, 4 + TG_WHEEL_SPAN_MAX, idx, 4), 0);
	CU_ASSERT_EQUAL(tg_wheel_advance(&f.w, 60ull * DAY_MS, idx, 4), 1);
	CU_ASSERT_EQUAL(f.w.now, 60ull * DAY_MS);
}

static void test_wheel_advance_bounded_stops_at_what_was_handed_out(void)
{
	static struct fixture f;
	uint32_t idx[4];

	setup(&f, 0);
	for (uint32_t i = 0; i < 4; i++)
		tg_wheel_arm(&f.w, i, 1000 + i / 2 * 500); /* two at 1000, two at 1500 */
	CU_ASSERT_EQUAL(tg_wheel_advance(&f.w, 2000, idx, 1), 1);
	CU_ASSERT_EQUAL(idx[0], 0);
	CU_ASSERT_EQUAL(f.w.now, 1000);
	CU_ASSERT_EQUAL(tg_wheel_next(&f.w), 1000);
	tg_wheel_arm(&f.w, 9, 1200); /* by what fired: before those at 1500 */
	CU_ASSERT_EQUAL(tg_wheel_advance(&f.w, 2000, idx, 2), 2);
	CU_ASSERT(idx[0] == 1 && idx[1] == 9);
	CU_ASSERT_EQUAL(tg_wheel_advance(&f.w, 2000, idx, 4), 2);
	CU_ASSERT(idx[0] == 2 && idx[1] == 3);
	CU_ASSERT_EQUAL(f.w.now, 2000);
	CU_ASSERT_EQUAL(tg_wheel_advance(&f.w, 3000, idx, 0), 0);
	CU_ASSERT_EQUAL(f.w.now, 2000);
}

static void test_wheel_cancel_due_isNotHandedOut(void)
{
	static struct fixture f;
	uint32_t idx[4];

	setup(&f, 0);
	for (uint32_t i = 0; i < 4; i++)
		tg_wheel_arm(&f.w, i, 300);
	CU_ASSERT_EQUAL(tg_wheel_advance(&f.w, 300, idx, 1), 1);
	tg_wheel_cancel(&f.w, 1);   /* the first that is left */
	tg_wheel_cancel(&f.w, 3);   /* the last */
	tg_wheel_cancel(&f.w, 3);   /* again: nothing */
	tg_wheel_arm(&f.w, 2, 301); /* moved out of what is due */
	CU_ASSERT_EQUAL(tg_wheel_advance(&f.w, 300, idx, 4), 0);
	CU_ASSERT(tg_wheel_validate(&f.w));
	CU_ASSERT_EQUAL(tg_wheel_advance(&f.w, 301, idx, 4), 1);
	CU_ASSERT_EQUAL(idx[0], 2);
}

static void test_wheel_first_goes_next_isTheSecond(void)
{
	static struct fixture f;
	uint32_t idx[4];

	setup(&f, 0);
	tg_wheel_arm(&f.w, 0, 40);
	tg_wheel_arm(&f.w, 1, 90);
	tg_wheel_arm(&f.w, 2, 0x345);
	tg_wheel_cancel(&f.w, 0);
	CU_ASSERT_EQUAL(tg_wheel_next(&f.w), 90);
	tg_wheel_arm(&f.w, 3, 91); /* not the first */
	CU_ASSERT_EQUAL(tg_wheel_next(&f.w), 90);
	tg_wheel_arm(&f.w, 1, 300); /* it is put off */
	CU_ASSERT_EQUAL(tg_wheel_next(&f.w), 91);
	tg_wheel_arm(&f.w, 3, 80); /* brought forward */
	CU_ASSERT_EQUAL(tg_wheel_next(&f.w), 80);
	CU_ASSERT_EQUAL(tg_wheel_advance(&f.w, 80, idx, 1), 1);
	CU_ASSERT_EQUAL(tg_wheel_next(&f.w), 256); /* the slot of 300, one level up */
	tg_wheel_cancel(&f.w, 1);
	CU_ASSERT_EQUAL(tg_wheel_next(&f.w), 0x300);
	tg_wheel_cancel(&f.w, 2);
	CU_ASSERT_EQUAL(tg_wheel_next(&f.w), UINT64_MAX);
	CU_ASSERT(tg_wheel_validate(&f.w));
}

static void test_wheel_equal_deadlines_fire_in_order_of_arming(void)
{
	static struct fixture f;
	uint32_t idx[8];

	/* One deadline, armed while it is on level 3, 2, 1 and 0. */
	setup(&f, 0);
	tg_wheel_arm(&f.w, 5, 0x2030405);
	tg_wheel_advance(&f.w, 0x2000001, idx, 8);
	tg_wheel_arm(&f.w, 3, 0x2030405);
	tg_wheel_advance(&f.w, 0x2030002, idx, 8);
	tg_wheel_arm(&f.w, 4, 0x2030405);
	tg_wheel_arm(&f.w, 6, 0x2030404);
	tg_wheel_advance(&f.w, 0x2030401, idx, 8);
	tg_wheel_arm(&f.w, 1, 0x2030405);
	tg_wheel_arm(&f.w, 3, 0x2030405); /* armed again: to the end */
	CU_ASSERT_EQUAL_FATAL(tg_wheel_advance(&f.w, 0x3000000, idx, 8), 5);
	CU_ASSERT(idx[0] == 6 && idx[1] == 5 && idx[2] == 4 && idx[3] == 1 && idx[4] == 3);
}

static void test_wheel_broken_validate_says_so(void)
{
	static struct fixture f;

	setup(&f, 0);
	for (uint32_t i = 0; i < 3; i++)
		arm(&f, i, 70000);
	CU_ASSERT(tg_wheel_validate(&f.w));
	f.w.count++; /* I1 */
	CU_ASSERT(!tg_wheel_validate(&f.w));
	f.w.count--;
	f.node[1].timer.prev = 2; /* I2 */
	CU_ASSERT(!tg_wheel_validate(&f.w));
	f.node[1].timer.prev = 0;
	f.node[1].timer.deadline = 71000000; /* I3 */
	CU_ASSERT(!tg_wheel_validate(&f.w));
	f.node[1].timer.deadline = 70000;
	f.w.bitmap[1][2] = 1; /* I4 */
	CU_ASSERT(!tg_wheel_validate(&f.w));
	f.w.bitmap[1][2] = 0;
	f.w.next++; /* I5 */
	CU_ASSERT(!tg_wheel_validate(&f.w));
	f.w.is_known = false;
	CU_ASSERT(!tg_wheel_validate(&f.w));
	f.w.next -= 2;
	CU_ASSERT(tg_wheel_validate(&f.w));
	f.w.is_known = true;
	CU_ASSERT(!tg_wheel_validate(&f.w));
	f.w.next++;
	CU_ASSERT(tg_wheel_validate(&f.w));
}

static const struct tg_test tests[] = {
    {"wheel_random_ops_equal_the_model", test_wheel_random_ops_equal_the_model},
    {"wheel_arm_every_distance_fires_at_its_tick", test_wheel_arm_every_distance_fires_at_its_tick},
    {"wheel_arm_past_isDueNow", test_wheel_arm_past_isDueNow},
    {"wheel_arm_beyond_span_isClamped", test_wheel_arm_beyond_span_isClamped},
    {"wheel_advance_bounded_stops_at_what_was_handed_out",
     test_wheel_advance_bounded_stops_at_what_was_handed_out},
    {"wheel_cancel_due_isNotHandedOut", test_wheel_cancel_due_isNotHandedOut},
    {"wheel_first_goes_next_isTheSecond", test_wheel_first_goes_next_isTheSecond},
    {"wheel_equal_deadlines_fire_in_order_of_arming",
     test_wheel_equal_deadlines_fire_in_order_of_arming},
    {"wheel_broken_validate_says_so", test_wheel_broken_validate_says_so},
};

int main(int argc, char **argv)
{
	return tg_test_main("wheel", tests, TG_TEST_N(tests), argc, argv);
}
