/* SPDX-License-Identifier: BSD-3-Clause */
/* bench.h: what the bench programs share: rounds in turn, medians, and the border of what is
 * measured. Each case is run once a round, and all cases take turns in each round, so that whatever
 * changes on the machine meets all of them alike.
 *
 * Output, one line a case, parted by tabs:  name size median p10 p90 n unit  (of the n rounds'
 * means; unit: ns an operation, or what bench_tell was told). With --samples the rounds' means take
 * the place of the last five: name size unit mean mean ... With --count, under
 * valgrind --tool=callgrind --instr-atstart=no, each case is run once and leaves a dump named "name
 * size operations". */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bench_case {
	const char *name;
	uint32_t size; /* of what the case works on: entries, connections, bytes */
	void *ctx;
	/* One round: prepares, measures between bench_start and bench_stop (any number of times),
	 * tidies up. Returns how many operations were measured. */
	uint64_t (*run)(void *ctx);
};

struct bench_opts {
	uint32_t rounds;
	bool count, samples;
	const char *only; /* part of a name, or NULL */
	uint32_t size[4]; /* of populations */
	uint32_t size_n;
};

/* --rounds N, --count, --samples, --only NAME, --size N (again for more). Ends the process on
 * --help (0) and on bad usage (2). */
void bench_parse(struct bench_opts *o, int argc, char **argv);
/* Whether --only asks for this case: to set nothing up in vain. */
bool bench_is_wanted(const struct bench_opts *o, const char *name);
/* Runs the wanted ones of c[n]. */
void bench_run(const struct bench_opts *o, const struct bench_case c[], uint32_t n);
/* Prints what was not timed but weighed or counted, in its unit. Nothing when it is not wanted, and
 * with --count. */
void bench_tell(const struct bench_opts *o, const char *name, uint32_t size, double value,
		const char *unit);

void bench_start(void);
void bench_stop(void);

/* Zeroed pages or the end of the process. */
void *bench_alloc(size_t bytes);
/* Prints what went wrong and ends the process: a bench that does not do its work measures nothing.
 */
_Noreturn void bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Keeps a result, so that the compiler cannot drop what made it. */
static inline void bench_keep(uint64_t v)
{
	__asm__ volatile("" : : "r"(v) : "memory");
}

#endif
