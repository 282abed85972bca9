/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#ifdef HAVE_CALLGRIND
#include <valgrind/callgrind.h>
#endif

enum { CASE_MAX = 128, ROUNDS_MAX = 10001, SIZE_MIN = 100, SIZE_MAX_N = 100000000 };

static uint64_t start_ns, spent_ns;
static bool is_counting;

/* Our own time on the core: that of others who wanted it too is left out. */
static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void bench_start(void)
{
#ifdef HAVE_CALLGRIND
	if (is_counting)
		CALLGRIND_START_INSTRUMENTATION;
#endif
	start_ns = now_ns();
}

void bench_stop(void)
{
	spent_ns += now_ns() - start_ns;
#ifdef HAVE_CALLGRIND
	if (is_counting)
		CALLGRIND_STOP_INSTRUMENTATION;
#endif
}

void bench_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

void *bench_alloc(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		bench_fail("no memory for %zu bytes: run with a smaller --size", bytes);
#ifdef MADV_HUGEPAGE
	/* As the process itself asks for; without it a look-up pays for the page tables too. */
	madvise(p, bytes, MADV_HUGEPAGE);
#endif
	return p;
}

static _Noreturn void usage(int status)
{
	fprintf(status ? stderr : stdout,
		"usage: bench [--rounds N] [--only NAME] [--size N]... [--samples | --count]\n"
		"  --rounds N   rounds of all cases in turn, 1..%d (21)\n"
		"  --only NAME  only cases whose name contains NAME\n"
		"  --size N     population, %d..%d; at most four (1000 and 1000000)\n"
		"  --samples    print the mean of each round, not their median and spread\n"
		"  --count      one round a case, for valgrind --tool=callgrind "
		"--instr-atstart=no\n",
		ROUNDS_MAX, SIZE_MIN, SIZE_MAX_N);
	exit(status);
}

static uint32_t number(const char *text, uint32_t min, uint32_t max)
{
	char *end;
	unsigned long v = text ? strtoul(text, &end, 10) : 0;

	if (!text || *end || v < min || v > max) {
		fprintf(stderr, "%s: not a number from %u to %u\n", text ? text : "(nothing)", min,
			max);
		usage(2);
	}
	return (uint32_t)v;
}

void bench_parse(struct bench_opts *o, int argc, char **argv)
{
	*o = (struct bench_opts){.rounds = 21};
	for (int i = 1; i < argc; i++) {
		const char *arg = argv[i];

		if (!strcmp(arg, "--help"))
			usage(0);
		else if (!strcmp(arg, "--count"))
			o->count = true;
		else if (!strcmp(arg, "--samples"))
			o->samples = true;
		else if (!strcmp(arg, "--rounds"))
			o->rounds = number(argv[++i], 1, ROUNDS_MAX);
		else if (!strcmp(arg, "--only") && argv[i + 1])
			o->only = argv[++i];
		else if (!strcmp(arg, "--size") && o->size_n < 4)
			o->size[o->size_n++] = number(argv[++i], SIZE_MIN, SIZE_MAX_N);
		else
			usage(2);
		if (i >= argc)
			break;
	}
	if (o->size_n == 0) {
		o->size[o->size_n++] = 1000;
		o->size[o->size_n++] = 1000000;
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print_samples(const struct bench_case *c, const double sample[], uint32_t n)
{
	printf("%s\t%" PRIu32 "\tns", c->name, c->size);
	for (uint32_t r = 0; r < n; r++)
		printf("\t%.2f", sample[r]);
	putchar('\n');
}

static void print_case(const struct bench_opts *o, const struct bench_case *c, double sample[])
{
	uint32_t n = o->rounds;

	if (o->samples) {
		print_samples(c, sample, n);
		return;
	}
	qsort(sample, n, sizeof(*sample), compare);
	printf("%s\t%" PRIu32 "\t%.1f\t%.1f\t%.1f\t%" PRIu32 "\tns\n", c->name, c->size,
	       sample[n / 2], sample[n / 10], sample[n - 1 - n / 10], n);
}

void bench_tell(const struct bench_opts *o, const char *name, uint32_t size, double value,
		const char *unit)
{
	if (o->count || !bench_is_wanted(o, name))
		return;
	if (o->samples)
		printf("%s\t%" PRIu32 "\t%s\t%.2f\n", name, size, unit, value);
	else
		printf("%s\t%" PRIu32 "\t%.1f\t%.1f\t%.1f\t1\t%s\n", name, size, value, value,
		       value, unit);
}

/* One dump a case; valgrind puts the name into it. */
static void count_case(const struct bench_case *c)
{
#ifdef HAVE_CALLGRIND
	char name[128];
	uint64_t ops;

	is_counting = true;
	CALLGRIND_ZERO_STATS;
	ops = c->run(c->ctx);
	snprintf(name, sizeof(name), "%s %" PRIu32 " %" PRIu64, c->name, c->size, ops);
	CALLGRIND_DUMP_STATS_AT(name);
	is_counting = false;
#else
	(void)c;
	(void)is_counting;
	bench_fail("--count: this program was built without valgrind/callgrind.h");
#endif
}

bool bench_is_wanted(const struct bench_opts *o, const char *name)
{
	return !o->only || strstr(name, o->only);
}

static double one_round(const struct bench_case *c)
{
	uint64_t ops;

	spent_ns = 0;
	ops = c->run(c->ctx);
	if (ops == 0)
		bench_fail("%s: nothing was measured", c->name);
	return (double)spent_ns / (double)ops;
}

void bench_run(const struct bench_opts *o, const struct bench_case c[], uint32_t n)
{
	double *sample[CASE_MAX] = {NULL};

	if (n > CASE_MAX)
		bench_fail("%u cases: at most %d", n, CASE_MAX);
	for (uint32_t i = 0; i < n && o->count; i++)
		if (bench_is_wanted(o, c[i].name))
			count_case(&c[i]);
	if (o->count)
		return;
	for (uint32_t i = 0; i < n; i++) {
		sample[i] = calloc(o->rounds, sizeof(double));
		if (!sample[i])
			bench_fail("no memory");
		if (bench_is_wanted(o, c[i].name))
			one_round(&c[i]); /* warms up */
	}
	for (uint32_t r = 0; r < o->rounds; r++)
		for (uint32_t i = 0; i < n; i++)
			if (bench_is_wanted(o, c[i].name))
				sample[i][r] = one_round(&c[i]);
	for (uint32_t i = 0; i < n; i++) {
		if (bench_is_wanted(o, c[i].name))
			print_case(o, &c[i], sample[i]);
		free(sample[i]);
	}
}
