/* SPDX-License-Identifier: BSD-3-Clause */
/* The explorer: with all rules nothing breaks; without one what it protects does, by a way that is
 * the shortest; and worlds are told apart by what matters, and by nothing else. */
#include "prove.h"

#include "tg_test.h"

#include <inttypes.h>

static struct tg_prove_result run(const char *scenario, unsigned without, unsigned properties)
{
	struct tg_prove_options o = {.scenario = tg_prove_scenario_find(scenario),
				     .level = 1,
				     .without = without,
				     .properties = properties};
	struct tg_prove_result r;

	tg_prove_run(&o, &r);
	return r;
}

/* --- all rules --- */

static void holds(const char *scenario, uint64_t states_min)
{
	struct tg_prove_result r = run(scenario, 0, 0);

	CU_ASSERT_EQUAL(r.outcome, TG_PROVE_HOLDS);
	CU_ASSERT_EQUAL(r.seen.frontier, 0);
	CU_ASSERT_TRUE(r.seen.states >= states_min);
	if (r.outcome == TG_PROVE_BROKEN)
		printf("%s: %s at %d\n", scenario, tg_prove_property_name(r.property), r.end);
	tg_prove_free(&r);
}

static void test_all_rules_close_holds(void)
{
	holds("close", 20000);
}

static void test_all_rules_half_close_holds(void)
{
	holds("half-close", 50000);
}

static void test_all_rules_simultaneous_holds(void)
{
	holds("simultaneous", 100000);
}

static void test_all_rules_stale_syn_holds(void)
{
	holds("stale", 10000);
}

static void test_all_rules_two_incarnations_hold(void)
{
	holds("again", 100000);
}

static void test_all_rules_crash_holds(void)
{
	holds("crash", 100000);
}

/* --- without one --- */

/* The property breaks, in as many moves: that a way of fewer is found, or none of as few, would be
 * another machine, or another explorer. */
static struct tg_prove_result breaks(const char *scenario, unsigned without,
				     enum tg_prove_property property, uint32_t moves)
{
	struct tg_prove_result r = run(scenario, without, 1u << property);

	CU_ASSERT_EQUAL(r.outcome, TG_PROVE_BROKEN);
	CU_ASSERT_EQUAL(r.property, property);
	CU_ASSERT_EQUAL(r.moves, moves);
	CU_ASSERT_TRUE(r.step_n >= moves);
	if (r.moves != moves)
		printf("%s, %s: %u moves\n", scenario, tg_prove_property_name(property), r.moves);
	return r;
}

static void test_handshake_of_two_opens_by_stale_syn(void)
{
	struct tg_prove_result r = breaks("stale", TG_PROVE_HANDSHAKE_2, TG_PROVE_STALE_SYN, 3);

	CU_ASSERT_EQUAL(r.end, 1);
	CU_ASSERT_EQUAL(r.steps[r.step_n - 1].state[0], TG_CLOSED);
	CU_ASSERT_EQUAL(r.steps[r.step_n - 1].state[1], TG_ESTABLISHED);
	tg_prove_free(&r);
}

static void test_three_waves_silence_who_has_not_closed(void)
{
	struct tg_prove_result r = breaks("half-close", TG_PROVE_WAVES_3, TG_PROVE_CAN_SEND, 6);

	CU_ASSERT_EQUAL(r.end, 1);
	tg_prove_free(&r);
}

static void test_no_time_wait_leaves_last_fin_unanswered(void)
{
	struct tg_prove_result r = breaks("close", TG_PROVE_MSL_0, TG_PROVE_LAST_ACK, 9);

	tg_prove_free(&r);
}

static void test_no_time_wait_delivers_foreign_byte(void)
{
	struct tg_prove_result r = breaks("again", TG_PROVE_MSL_0, TG_PROVE_FOREIGN_BYTE, 18);

	CU_ASSERT_EQUAL(r.end, 1);
	tg_prove_free(&r);
}

static void test_fixed_isn_delivers_foreign_byte(void)
{
	struct tg_prove_result r = breaks("crash", TG_PROVE_ISN_FIXED, TG_PROVE_FOREIGN_BYTE, 13);

	tg_prove_free(&r);
}

static void test_rst_unchecked_ends_another_connection(void)
{
	struct tg_prove_result r = breaks("crash", TG_PROVE_NO_RST_CHECK, TG_PROVE_OLD_RST, 12);

	tg_prove_free(&r);
}

static void test_no_challenge_leaves_half_open(void)
{
	struct tg_prove_result r = breaks("crash", TG_PROVE_NO_CHALLENGE, TG_PROVE_DISCOVERED, 1);

	CU_ASSERT_TRUE(r.step_n > r.unless); /* how it goes on is shown */
	CU_ASSERT_EQUAL(r.steps[r.step_n - 1].state[1], TG_ESTABLISHED);
	tg_prove_free(&r);
}

/* No way of fewer moves: all worlds that fewer reach were seen, and none broke. */
static void test_broken_way_is_the_shortest(void)
{
	struct tg_prove_result far = run("close", TG_PROVE_MSL_0, 1u << TG_PROVE_LAST_ACK);

	CU_ASSERT_EQUAL(far.seen.depth + 1, far.moves);
	tg_prove_free(&far);
}

/* --- traces --- */

static void test_trace_arrivals_name_what_was_sent(void)
{
	struct tg_prove_result r = run("again", TG_PROVE_MSL_0, 1u << TG_PROVE_FOREIGN_BYTE);
	uint32_t arrivals = 0;

	for (uint32_t i = 0; i < r.step_n; i++) {
		const struct tg_prove_step *s = &r.steps[i];
		if (s->kind != TG_PROVE_ARRIVED)
			continue;
		arrivals++;
		CU_ASSERT_TRUE(s->of < i);
		CU_ASSERT_EQUAL(r.steps[s->of].kind, TG_PROVE_SENT);
		CU_ASSERT_NOT_EQUAL(r.steps[s->of].end, s->end);
		CU_ASSERT_TRUE(tg_seq_eq(r.steps[s->of].seg.seq, s->seg.seq));
		CU_ASSERT_TRUE(r.steps[s->of].time_ns < s->time_ns);
	}
	CU_ASSERT_TRUE(arrivals > 5);
	tg_prove_free(&r);
}

static void test_same_search_gives_same_trace(void)
{
	struct tg_prove_result a = run("crash", TG_PROVE_ISN_FIXED, 1u << TG_PROVE_FOREIGN_BYTE);
	struct tg_prove_result b = run("crash", TG_PROVE_ISN_FIXED, 1u << TG_PROVE_FOREIGN_BYTE);

	CU_ASSERT_EQUAL(a.step_n, b.step_n);
	CU_ASSERT_EQUAL(a.seen.states, b.seen.states);
	for (uint32_t i = 0; i < a.step_n && i < b.step_n; i++) {
		CU_ASSERT_EQUAL(a.steps[i].kind, b.steps[i].kind);
		CU_ASSERT_EQUAL(a.steps[i].seg.seq.v, b.steps[i].seg.seq.v);
	}
	tg_prove_free(&a);
	tg_prove_free(&b);
}

/* --- bounds --- */

static void test_bound_of_states_is_told(void)
{
	struct tg_prove_options o = {
	    .scenario = tg_prove_scenario_find("again"), .level = 1, .states_max = 5000};
	struct tg_prove_result r;

	tg_prove_run(&o, &r);
	CU_ASSERT_EQUAL(r.outcome, TG_PROVE_CUT);
	CU_ASSERT_TRUE(r.seen.states >= 5000 && r.seen.states < 100000);
	CU_ASSERT_TRUE(r.seen.frontier > 0);
	tg_prove_free(&r);
}

static void test_bound_of_memory_is_told(void)
{
	struct tg_prove_options o = {
	    .scenario = tg_prove_scenario_find("again"), .level = 1, .bytes_max = 8 << 20};
	struct tg_prove_result r;

	tg_prove_run(&o, &r);
	CU_ASSERT_EQUAL(r.outcome, TG_PROVE_CUT);
	tg_prove_free(&r);
}

static bool stop(void *ctx, const struct tg_prove_progress *p)
{
	*(uint64_t *)ctx = p->states;
	return false;
}

static void test_progress_can_end_it(void)
{
	uint64_t seen = 0;
	struct tg_prove_options o = {.scenario = tg_prove_scenario_find("again"),
				     .level = 1,
				     .progress = stop,
				     .ctx = &seen};
	struct tg_prove_result r;

	tg_prove_run(&o, &r);
	CU_ASSERT_EQUAL(r.outcome, TG_PROVE_CUT);
	CU_ASSERT_TRUE(seen > 0);
	tg_prove_free(&r);
}

/* --- worlds --- */

/* A walk at random through a scenario; each world goes into bytes and back. */
static void test_world_survives_its_bytes(void)
{
	struct tg_prove_options o = {.scenario = tg_prove_scenario_find("again"), .level = 2};
	uint64_t seed = tg_test_seed;
	uint8_t code[PROVE_CODE_MAX], twice[PROVE_CODE_MAX];
	struct prove_world first, w, back;
	struct prove_move move[PROVE_MOVES_MAX];
	struct prove_bench b;
	struct tg_rng rng;

	tg_rng_init(&rng, seed);
	CU_ASSERT_TRUE_FATAL(prove_bench_init(&b, &o));
	prove_world_init(&first);
	for (int walk = 0; walk < 200; walk++) {
		w = first;
		for (int i = 0; i < 40; i++) {
			uint32_t n = prove_moves(&b, &w, move);
			if (n == 0)
				break;
			prove_step(&b, &w, move[tg_rng_below(&rng, n)]);
			CU_ASSERT_EQUAL(b.broken, TG_PROVE_NONE);
			CU_ASSERT_FALSE(b.cut);
			uint32_t len = prove_encode(&first, &w, code);
			prove_decode(&first, code, len, &back);
			CU_ASSERT_EQUAL(memcmp(&w, &back, sizeof(w)), 0);
			CU_ASSERT_EQUAL(prove_encode(&first, &back, twice), len);
			CU_ASSERT_EQUAL(memcmp(code, twice, len), 0);
		}
	}
	prove_bench_fini(&b);
}

static void step_to(struct prove_bench *b, struct prove_world *w, uint8_t kind, uint8_t arg)
{
	prove_step(b, w, (struct prove_move){kind, arg});
}

/* Two segments that arrive in either order leave one world: what the way was is forgotten. */
static void test_order_that_does_not_matter_is_forgotten(void)
{
	struct tg_prove_options o = {.scenario = tg_prove_scenario_find("again"), .level = 1};
	struct prove_world a, c;
	struct prove_bench b;

	CU_ASSERT_TRUE_FATAL(prove_bench_init(&b, &o));
	prove_world_init(&a);
	step_to(&b, &a, MOVE_USER, 0);   /* opens */
	step_to(&b, &a, MOVE_ARRIVE, 0); /* SYN */
	for (uint8_t i = 0; i < a.net_n; i++)
		if (a.net[i].from == 1)
			step_to(&b, &a, MOVE_ARRIVE, i);
	step_to(&b, &a, MOVE_USER, 0); /* a byte, and another one */
	step_to(&b, &a, MOVE_USER, 0);
	c = a;
	uint8_t text[2], n = 0;

	for (uint8_t i = 0; i < a.net_n; i++)
		if (a.net[i].len)
			text[n++] = i;
	CU_ASSERT_EQUAL_FATAL(n, 2);
	CU_ASSERT_EQUAL(memcmp(&a, &c, sizeof(a)), 0);
	/* In order, and with a hole that is filled then. */
	for (int k = 0; k < 2; k++) {
		struct prove_wire want = k ? c.net[text[1]] : c.net[text[0]];
		for (uint8_t i = 0; i < a.net_n; i++)
			if (memcmp(&a.net[i], &want, offsetof(struct prove_wire, born)) == 0) {
				step_to(&b, &a, MOVE_ARRIVE, i);
				break;
			}
	}
	struct prove_wire second = c.net[text[1]], one = c.net[text[0]];

	for (int k = 0; k < 2; k++) {
		struct prove_wire want = k ? one : second;
		for (uint8_t i = 0; i < c.net_n; i++)
			if (memcmp(&c.net[i], &want, offsetof(struct prove_wire, born)) == 0) {
				step_to(&b, &c, MOVE_ARRIVE, i);
				break;
			}
	}
	CU_ASSERT_EQUAL(a.end[1].read_n, 2);
	CU_ASSERT_EQUAL(c.end[1].read_n, 2);
	CU_ASSERT_EQUAL(memcmp(&a.end[1], &c.end[1], sizeof(a.end[1])), 0);
	prove_bench_fini(&b);
}

static uint32_t level = 1;

/* --long: more happens: more than ten million worlds, and no rule is broken in any. */
static void test_deeper_worlds_hold(void)
{
	uint64_t all = 0;

	if (level == 1)
		return;
	for (uint32_t i = 0; tg_prove_scenario(i); i++) {
		struct tg_prove_options o = {
		    .scenario = tg_prove_scenario(i), .level = level, .bytes_max = 6ull << 30};
		struct tg_prove_result r;

		tg_prove_run(&o, &r);
		printf("%s: %" PRIu64 " states, %u deep, %s\n", o.scenario->name, r.seen.states,
		       r.seen.depth, r.outcome == TG_PROVE_HOLDS ? "all" : "not all");
		CU_ASSERT_EQUAL(r.outcome, TG_PROVE_HOLDS);
		all += r.seen.states;
		tg_prove_free(&r);
	}
	CU_ASSERT_TRUE(all > 10000000);
}

static const struct tg_test tests[] = {
    {"all_rules_close_holds", test_all_rules_close_holds},
    {"all_rules_half_close_holds", test_all_rules_half_close_holds},
    {"all_rules_simultaneous_holds", test_all_rules_simultaneous_holds},
    {"all_rules_stale_syn_holds", test_all_rules_stale_syn_holds},
    {"all_rules_two_incarnations_hold", test_all_rules_two_incarnations_hold},
    {"all_rules_crash_holds", test_all_rules_crash_holds},
    {"handshake_of_two_opens_by_stale_syn", test_handshake_of_two_opens_by_stale_syn},
    {"three_waves_silence_who_has_not_closed", test_three_waves_silence_who_has_not_closed},
    {"no_time_wait_leaves_last_fin_unanswered", test_no_time_wait_leaves_last_fin_unanswered},
    {"no_time_wait_delivers_foreign_byte", test_no_time_wait_delivers_foreign_byte},
    {"fixed_isn_delivers_foreign_byte", test_fixed_isn_delivers_foreign_byte},
    {"rst_unchecked_ends_another_connection", test_rst_unchecked_ends_another_connection},
    {"no_challenge_leaves_half_open", test_no_challenge_leaves_half_open},
    {"broken_way_is_the_shortest", test_broken_way_is_the_shortest},
    {"trace_arrivals_name_what_was_sent", test_trace_arrivals_name_what_was_sent},
    {"same_search_gives_same_trace", test_same_search_gives_same_trace},
    {"bound_of_states_is_told", test_bound_of_states_is_told},
    {"bound_of_memory_is_told", test_bound_of_memory_is_told},
    {"progress_can_end_it", test_progress_can_end_it},
    {"world_survives_its_bytes", test_world_survives_its_bytes},
    {"order_that_does_not_matter_is_forgotten", test_order_that_does_not_matter_is_forgotten},
    {"deeper_worlds_hold", test_deeper_worlds_hold},
};

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--long") == 0) {
		level = 2;
		argv++;
		argc--;
	}
	return tg_test_main("prove", tests, TG_TEST_N(tests), argc, argv);
}
