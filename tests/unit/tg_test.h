/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_test.h: what every test program shares: a table of tests in, one closing line out.
 *
 *   static const struct tg_test tests[] = {{"wheel_arm_past_isDueNow", test_...}, ...};
 *   int main(int argc, char **argv) { return tg_test_main("wheel", tests, TG_TEST_N(tests), argc,
 * argv); }
 *
 * A program takes the names (or parts of names) of tests to run as arguments; --list lists them;
 * --seed N sets tg_test_seed (printed when given, or when a test fails). Tests use CUnit's
 * CU_ASSERT_* (go on) and CU_ASSERT_*_FATAL (leave the test). */
#ifndef TG_TEST_H
#define TG_TEST_H

#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct tg_test {
	const char *name;
	void (*run)(void);
};

#define TG_TEST_N(t) (sizeof(t) / sizeof((t)[0]))

extern uint64_t tg_test_seed;

/* Runs them; returns 0 when none failed. */
int tg_test_main(const char *name, const struct tg_test tests[], size_t n, int argc, char **argv);

#endif
