/* SPDX-License-Identifier: BSD-3-Clause */
/* Our parts beside those of DPDK that do the same, in one program, taking turns: the flow table
 * beside rte_hash, the timer wheel beside rte_timer, the checksum beside rte_raw_cksum. A case is
 * named "what@whose".
 *
 * Both sides lie in pages that were asked for alike (bench_alloc): DPDK's in heaps of their own,
 * which also tell what they weigh. Keys are tuples of IPv4 in 16 bytes, for which rte_hash has a
 * comparison of its own. What each look-up does is the same: hash the key, find, compare the key.
 */
#define _GNU_SOURCE
#include "bench.h"
#include "beside.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <sched.h>
#include <stdio.h>

/* No hugepages, no files, no cards: memory that DPDK needs beside the heaps it is given. It binds
 * this thread to one core; we take that back, so that the system puts it where there is room. */
static void start_eal(char *program)
{
	static char lcore[32];
	static char *arg[] = {NULL, "--no-huge", "--no-shconf",    "--no-pci",     "-m",
			      "64", lcore,       "--no-telemetry", "--log-level=4"};
	cpu_set_t allowed;
	int first = 0;

	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		bench_fail("this thread's cores are not known");
	while (!CPU_ISSET(first, &allowed))
		first++;
	snprintf(lcore, sizeof(lcore), "--lcores=0@%d", first);
	arg[0] = program;
	if (rte_eal_init(sizeof(arg) / sizeof(arg[0]), arg) < 0)
		bench_fail("DPDK does not start: %s", rte_strerror(rte_errno));
	sched_setaffinity(0, sizeof(allowed), &allowed);
}

static struct bench_case cases[128];
static uint32_t case_n;

void beside_add(const char *name, uint32_t size, void *ctx, uint64_t (*run)(void *))
{
	if (case_n == sizeof(cases) / sizeof(cases[0]))
		bench_fail("too many cases");
	cases[case_n++] = (struct bench_case){name, size, ctx, run};
}

int main(int argc, char **argv)
{
	struct bench_opts o;

	bench_parse(&o, argc, argv);
	start_eal(argv[0]);
	for (uint32_t i = 0; i < o.size_n; i++) {
		beside_table(&o, o.size[i]);
		beside_wheel(&o, o.size[i]);
	}
	beside_bytes(&o);
	if (case_n == 0)
		bench_fail("--only %s: there is no such case", o.only ? o.only : "");
	bench_run(&o, cases, case_n);
	return 0;
}
