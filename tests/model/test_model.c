/* SPDX-License-Identifier: BSD-3-Clause */
/* test_model: two labs on a random walk, each beside the reference model; then the walk once more
 * with each fault that the model must see.
 *
 *   test_model [--steps N] [--seed N] [--long] [--fault NAME] [--list]
 *
 * The same worlds each time, so that a change of the engine is what makes the difference; --long
 * walks through others each time.
 *
 * A difference prints the last events, both views, the shortest run of steps found that still shows
 * it, and the seed of its world: `test_model --seed SEED --steps 1` runs that world again. */
#include "world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STEPS = 1000000, STEPS_LONG = 10000000, FAULT_WORLDS = 300 };

struct args {
	uint64_t seed, steps;
	enum world_fault fault;
	bool list;
};

static bool read_args(struct args *a, int argc, char **argv)
{
	*a = (struct args){.seed = 1, .steps = STEPS, .fault = WORLD_FAULTS};
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--long")) {
			a->steps = STEPS_LONG;
			a->seed = (uint64_t)time(NULL);
		} else if (!strcmp(argv[i], "--list"))
			a->list = true;
		else if (i + 1 == argc)
			return false;
		else if (!strcmp(argv[i], "--steps"))
			a->steps = strtoull(argv[++i], NULL, 0);
		else if (!strcmp(argv[i], "--seed"))
			a->seed = strtoull(argv[++i], NULL, 0);
		else if (!strcmp(argv[i], "--fault")) {
			i++;
			for (a->fault = 0; a->fault < WORLD_FAULTS; a->fault++)
				if (!strcmp(world_fault_name[a->fault], argv[i]))
					break;
		} else
			return false;
	}
	return true;
}

static const char *why(const struct world *w)
{
	return w->side[0].ref->why[0] ? w->side[0].ref->why : w->side[1].ref->why;
}

enum { KIND = 10 }; /* as much of a difference says which one it is */

static bool is_same(struct world *w, uint64_t seed, uint32_t steps, enum world_fault fault,
		    const uint8_t *skip, const char kind[KIND])
{
	bool ok = world_run(w, seed, steps, fault, skip);

	world_close(w);
	return !ok && !strncmp(why(w), kind, KIND);
}

/* Leaves out what can be left out while a difference stays: by halves, quarters, down to single
 * steps. */
static uint32_t shrink(struct world *w, uint64_t seed, uint32_t steps, enum world_fault fault,
		       uint8_t *skip)
{
	uint32_t left = steps;
	char kind[KIND];

	memcpy(kind, why(w), KIND);

	for (uint32_t size = steps / 2; size >= 1; size /= 2)
		for (uint32_t at = 0; at < steps; at += size) {
			uint8_t before[WORLD_STEPS / 8 + 1];
			memcpy(before, skip, sizeof(before));
			for (uint32_t i = at; i < at + size && i < steps; i++)
				skip[i / 8] |= (uint8_t)(1 << i % 8);
			if (!is_same(w, seed, steps, fault, skip, kind))
				memcpy(skip, before, sizeof(before));
		}
	for (uint32_t i = 0; i < steps; i++)
		left -= skip[i / 8] >> i % 8 & 1;
	return left;
}

static void report(struct world *w, uint64_t seed, enum world_fault fault)
{
	uint8_t skip[WORLD_STEPS / 8 + 1] = {0};
	uint32_t steps = w->step + 1;

	printf("\nworld %" PRIu64 ", step %" PRIu32 "\n", seed, w->step);
	world_print(w);
	world_close(w);
	uint32_t left = shrink(w, seed, steps, fault, skip);

	printf("\nthe same in %" PRIu32 " steps (again: --seed %" PRIu64 " --steps 1):\n", left,
	       seed);
	world_run(w, seed, steps, fault, skip);
	world_print(w);
	world_close(w);
}

static void print_reached(const uint64_t seen[REF_STATES][8])
{
	for (int s = 0; s < REF_STATES; s++) {
		uint64_t n = 0;
		for (int k = 0; k < 8; k++)
			n += seen[s][k];
		if (n)
			printf("  %-13s %10" PRIu64 " segments\n", ref_state_name[s], n);
	}
}

static bool walk(struct world *w, const struct args *a)
{
	enum world_fault fault = a->fault == WORLD_FAULTS ? WORLD_SOUND : a->fault;
	uint64_t worlds = (a->steps + WORLD_STEPS - 1) / WORLD_STEPS;
	struct timespec t0, t1;

	printf("seed %" PRIu64 ", %" PRIu64 " worlds of %d steps\n", a->seed, worlds, WORLD_STEPS);
	clock_gettime(CLOCK_MONOTONIC, &t0);
	for (uint64_t i = 0; i < worlds; i++) {
		if (!world_run(w, a->seed + i, WORLD_STEPS, fault, NULL)) {
			report(w, a->seed + i, fault);
			return false;
		}
		world_close(w);
	}
	clock_gettime(CLOCK_MONOTONIC, &t1);
	printf("%" PRIu64 " steps in %.1f s: %" PRIu64 " deliveries, %" PRIu64
	       " forged or repeated, %" PRIu64 " calls, %" PRIu64 " jumps of time; segments met\n",
	       worlds * WORLD_STEPS,
	       (double)(t1.tv_sec - t0.tv_sec) + (double)(t1.tv_nsec - t0.tv_nsec) / 1e9,
	       w->delivered, w->injected, w->calls, w->jumps);
	static uint64_t seen[REF_STATES][8];
	for (int s = 0; s < 2; s++)
		for (int i = 0; i < REF_STATES * 8; i++)
			seen[i / 8][i % 8] += w->side[s].ref->seen[i / 8][i % 8];
	print_reached((const uint64_t(*)[8])seen);
	return true;
}

/* A model that sees nothing would pass the walk: each fault must be seen. */
static bool is_seen(struct world *w, uint64_t seed, enum world_fault fault)
{
	for (uint64_t i = 0; i < FAULT_WORLDS; i++) {
		bool ok = world_run(w, seed + i, WORLD_STEPS, fault, NULL);
		if (!ok)
			printf("fault %-16s seen in world %" PRIu64 ", step %4" PRIu32 ": %s\n",
			       world_fault_name[fault], seed + i, w->step, why(w));
		world_close(w);
		if (!ok)
			return true;
	}
	printf("FAILED fault %s was not seen in %d worlds from seed %" PRIu64 "\n",
	       world_fault_name[fault], FAULT_WORLDS, seed);
	return false;
}

int main(int argc, char **argv)
{
	struct args a;
	struct world *w = world_new();
	int passed = 0, failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!w || !read_args(&a, argc, argv)) {
		printf("usage: %s [--steps N] [--seed N] [--long] [--fault NAME] [--list]\n",
		       argv[0]);
		return 2;
	}
	if (a.list) {
		puts("model_randomWalk_noDifference");
		for (int f = 1; f < WORLD_FAULTS; f++)
			printf("model_fault_%s_isSeen\n", world_fault_name[f]);
		return 0;
	}
	if (walk(w, &a))
		passed++;
	else
		failed++;
	for (int f = 1;
	     f < WORLD_FAULTS && !failed && a.fault == WORLD_FAULTS && a.steps > WORLD_STEPS; f++) {
		if (is_seen(w, a.seed, (enum world_fault)f))
			passed++;
		else
			failed++;
	}
	printf("model: %d passed, %d failed, 0 skipped\n", passed, failed);
	world_free(w);
	return failed != 0;
}
