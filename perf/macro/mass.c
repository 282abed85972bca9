/* SPDX-License-Identifier: BSD-3-Clause */
/* mass.c: how many connections and TIME-WAIT records the engine can keep, what they take, and what
 * they cost: from plain memory, without DPDK. */
#include "mass.h"

#include "memory.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const char usage[] =
    "usage: mass [options] [rest] [time-wait]\n\n"
    "  rest             connections at rest: opened, asked, closed, gone\n"
    "  time-wait        TIME-WAIT records: made, asked, ended while others talk\n\n"
    "Both without a name, each in a process of its own, whose memory is told.\n\n"
    "  --connections N  how many rest (2,048,000; 1024 to 120,000,000)\n"
    "  --records N      how many TIME-WAIT records (2,048,000; 8192 to 76,800,000)\n"
    "                   (rounded down to multiples of 1,024 and 4,096)\n"
    "  --parts N        in which the records end (10; 1 to 1000)\n"
    "  --full           100,000,000 connections, 60,000,000 records\n"
    "  --check          small ones, and the engine validated: for tests\n"
    "  --help           this\n";

enum { OPT_CONNECTIONS = 1, OPT_RECORDS, OPT_PARTS, OPT_FULL, OPT_CHECK, OPT_HELP };

static const struct option longs[] = {{"connections", required_argument, NULL, OPT_CONNECTIONS},
				      {"records", required_argument, NULL, OPT_RECORDS},
				      {"parts", required_argument, NULL, OPT_PARTS},
				      {"full", no_argument, NULL, OPT_FULL},
				      {"check", no_argument, NULL, OPT_CHECK},
				      {"help", no_argument, NULL, OPT_HELP},
				      {0}};

struct opts {
	uint32_t connections, records, parts;
	bool rest, time_wait, check;
};

static _Noreturn void misused(const char *what, const char *text, const char *want)
{
	fprintf(stderr, "mass: %s %s: %s; see --help\n", what, text, want);
	exit(2);
}

static uint32_t number(const char *option, const char *text, uint32_t min, uint32_t max)
{
	char *end, want[80];
	unsigned long long v = strtoull(text, &end, 10);

	if (end != text && !*end && text[0] != '-' && v >= min && v <= max)
		return (uint32_t)v;
	snprintf(want, sizeof(want), "it must be a whole number from %" PRIu32 " to %" PRIu32, min,
		 max);
	misused(option, text, want);
}

static void read_option(struct opts *o, int c)
{
	switch (c) {
	case OPT_CONNECTIONS:
		o->connections = number("--connections", optarg, MASS_BATCH, 120000000);
		break;
	case OPT_RECORDS:
		o->records = number("--records", optarg, 2 * MASS_CLUSTER, MASS_RECORDS_MAX);
		break;
	case OPT_PARTS:
		o->parts = number("--parts", optarg, 1, 1000);
		break;
	case OPT_FULL:
		o->connections = 100000000;
		o->records = 60000000;
		break;
	case OPT_CHECK:
		o->check = true;
		o->connections = 64 * MASS_BATCH;
		o->records = 64 * MASS_BATCH;
		break;
	case OPT_HELP:
		fputs(usage, stdout);
		exit(0);
	default: /* getopt has said why */
		exit(2);
	}
}

static void read_name(struct opts *o, const char *name)
{
	if (!strcmp(name, "rest"))
		o->rest = true;
	else if (!strcmp(name, "time-wait"))
		o->time_wait = true;
	else
		misused("what is", name, "there are rest and time-wait");
}

static void ask_memory(const char *name, size_t need)
{
	uint64_t have = memory_free();

	if (need > have)
		mass_fail("%s needs %zu MiB, and the machine has %" PRIu64
			  " MiB free: lower --connections or --records",
			  name, need >> 20, have >> 20);
}

static void run_rest(const struct opts *o)
{
	ask_memory("rest", mass_rest_bytes(o->connections));
	mass_rest(o->connections, o->check);
}

static void run_time_wait(const struct opts *o)
{
	ask_memory("time-wait", mass_time_wait_bytes(o->records));
	mass_time_wait(o->records, o->parts, o->check);
}

/* In a process of its own, so that what it takes is its own. Returns whether it went well. */
static bool apart(void (*run)(const struct opts *), const struct opts *o)
{
	int status = 1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		mass_fail("no process can be made");
	if (pid == 0) {
		run(o);
		exit(0);
	}
	while (waitpid(pid, &status, 0) < 0)
		;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main(int argc, char **argv)
{
	struct opts o = {
	    .connections = 2000 * MASS_BATCH, .records = 2000 * MASS_BATCH, .parts = 10};
	uint32_t passed = 0, asked;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;)
		read_option(&o, c);
	for (; optind < argc; optind++)
		read_name(&o, argv[optind]);
	if (!o.rest && !o.time_wait)
		o.rest = o.time_wait = true;
	o.connections -= o.connections % MASS_BATCH;
	o.records -= o.records % MASS_CLUSTER;
	asked = (uint32_t)o.rest + (uint32_t)o.time_wait;
	if (o.rest)
		passed += apart(run_rest, &o);
	if (o.time_wait)
		passed += apart(run_time_wait, &o);
	if (o.check)
		printf("mass: %u passed, %u failed, 0 skipped\n", passed, asked - passed);
	return passed == asked ? 0 : 1;
}
