/* SPDX-License-Identifier: BSD-3-Clause */
/* life.c: what the whole life of a connection costs a server, from SYN to the end of TIME-WAIT,
 * all rules on; beside the least that its packets can cost. One process, one core. */
#include "life.h"

#include "memory.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const char usage[] =
    "usage: life [options]\n\n"
    "A server of the product over net_ring and clients without memory take turns on one core:\n"
    "what a connection's whole life costs the server, and its share of the packet rate that a\n"
    "mere exchange of addresses (5tswap) has in the same loop.\n\n"
    "  --live N[,M]       connections held meanwhile (1000000; 0 to 100000000); with M, a second\n"
    "                     server that holds M has every other window\n"
    "  --close WHO        server (TIME-WAIT is the server's) or client closes first (server)\n"
    "  --packets N        that the server gets in a life: 3 to 5 (4)\n"
    "  --batch N          connections that begin in a turn (128; 1 to 1024)\n"
    "  --msl MS           half of the time that TIME-WAIT lasts (1000; 1 to 30000)\n"
    "  --seconds N        how long is measured (10; 1 to 3600)\n"
    "  --bulk             instead: a client of the product downloads from `http`, byte by byte\n"
    "                     checked\n"
    "  --flows N          of it at once (8; 1 to 64)\n"
    "  --loss PPM         of a million frames, so many are lost, each way (0; 0 to 100000)\n"
    "  --seed N           by which they are (1)\n"
    "  --check            a small run of each kind: for tests\n"
    "  --verbose          DPDK's own log\n"
    "  --help             this\n";

enum {
	OPT_LIVE = 1,
	OPT_CLOSE,
	OPT_PACKETS,
	OPT_BATCH,
	OPT_MSL,
	OPT_SECONDS,
	OPT_BULK,
	OPT_FLOWS,
	OPT_LOSS,
	OPT_SEED,
	OPT_CHECK,
	OPT_VERBOSE,
	OPT_HELP
};

static const struct option longs[] = {{"live", required_argument, NULL, OPT_LIVE},
				      {"close", required_argument, NULL, OPT_CLOSE},
				      {"packets", required_argument, NULL, OPT_PACKETS},
				      {"batch", required_argument, NULL, OPT_BATCH},
				      {"msl", required_argument, NULL, OPT_MSL},
				      {"seconds", required_argument, NULL, OPT_SECONDS},
				      {"bulk", no_argument, NULL, OPT_BULK},
				      {"flows", required_argument, NULL, OPT_FLOWS},
				      {"loss", required_argument, NULL, OPT_LOSS},
				      {"seed", required_argument, NULL, OPT_SEED},
				      {"check", no_argument, NULL, OPT_CHECK},
				      {"verbose", no_argument, NULL, OPT_VERBOSE},
				      {"help", no_argument, NULL, OPT_HELP},
				      {0}};

static _Noreturn void misused(const char *what, const char *text, const char *want)
{
	fprintf(stderr, "life: %s %s: %s; see --help\n", what, text, want);
	exit(2);
}

/* The number at the start of text; *end: what is behind it. */
static uint32_t number_at(const char *option, const char *text, char **end, uint32_t min,
			  uint32_t max)
{
	char want[80];
	unsigned long long v = strtoull(text, end, 10);

	if (*end != text && text[0] != '-' && v >= min && v <= max)
		return (uint32_t)v;
	snprintf(want, sizeof(want), "it must be a whole number from %" PRIu32 " to %" PRIu32, min,
		 max);
	misused(option, text, want);
}

static uint32_t number(const char *option, const char *text, uint32_t min, uint32_t max)
{
	char *end;
	uint32_t v = number_at(option, text, &end, min, max);

	if (*end)
		misused(option, text, "it must be a whole number");
	return v;
}

static void read_live(struct life_opts *o, const char *text)
{
	char *end;

	o->rig_n = 1;
	o->live[0] = number_at("--live", text, &end, 0, 100000000);
	if (*end == ',') {
		o->rig_n = 2;
		o->live[1] = number("--live", end + 1, 0, 100000000);
	} else if (*end) {
		misused("--live", text, "it must be N, or N,M");
	}
}

static enum life_close read_close(const char *text)
{
	if (!strcmp(text, "server"))
		return LIFE_SERVER_CLOSES;
	if (strcmp(text, "client"))
		misused("--close", text, "it must be server or client");
	return LIFE_CLIENT_CLOSES;
}

static void read_option(struct life_opts *o, int c)
{
	switch (c) {
	case OPT_LIVE:
		read_live(o, optarg);
		break;
	case OPT_CLOSE:
		o->close = read_close(optarg);
		break;
	case OPT_PACKETS:
		o->packets = number("--packets", optarg, 3, 5);
		break;
	case OPT_BATCH:
		o->batch = number("--batch", optarg, 1, LIFE_BATCH_MAX);
		break;
	case OPT_MSL:
		o->msl_ms = number("--msl", optarg, 1, 30000);
		break;
	case OPT_SECONDS:
		o->seconds = number("--seconds", optarg, 1, 3600);
		break;
	case OPT_BULK:
		o->bulk = true;
		break;
	case OPT_FLOWS:
		o->flows = number("--flows", optarg, 1, 64);
		break;
	case OPT_LOSS:
		o->loss_ppm = number("--loss", optarg, 0, 100000);
		break;
	case OPT_SEED:
		o->seed = number("--seed", optarg, 0, UINT32_MAX);
		break;
	case OPT_CHECK:
		o->check = true;
		break;
	case OPT_VERBOSE:
		o->verbose = true;
		break;
	case OPT_HELP:
		fputs(usage, stdout);
		exit(0);
	default:
		exit(2); /* getopt has said why */
	}
}

static void ask_memory(uint64_t need)
{
	uint64_t have = memory_free();

	if (need > have)
		life_fail("this needs %" PRIu64 " MiB, and the machine has %" PRIu64
			  " MiB free: lower --live or --msl",
			  need >> 20, have >> 20);
}

static void run(const struct life_opts *o)
{
	ask_memory(o->bulk ? life_bulk_bytes(o) : life_run_bytes(o));
	if (o->bulk)
		life_bulk(o);
	else
		life_run(o);
}

/* Each in a process of its own: DPDK starts once in one. */
static bool goes_well(const struct life_opts *o)
{
	int status = 1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		life_fail("no process can be made");
	if (pid == 0) {
		run(o);
		exit(0);
	}
	while (waitpid(pid, &status, 0) < 0)
		;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Every life there is, two servers in turn, and bulk with and without loss: small. */
static int run_checks(const struct life_opts *given)
{
	struct life_opts o = *given;
	uint32_t passed = 0, asked = 0;

	o.seconds = 1;
	o.msl_ms = 50;
	for (o.close = LIFE_SERVER_CLOSES; o.close <= LIFE_CLIENT_CLOSES; o.close++)
		for (o.packets = 3; o.packets <= 5; o.packets++, asked++) {
			o.rig_n = o.packets == 4 ? 2 : 1;
			o.live[0] = 1000 * (o.packets - 3);
			o.live[1] = 10;
			passed += goes_well(&o);
		}
	o.bulk = true;
	for (o.loss_ppm = 0; o.loss_ppm <= 20000; o.loss_ppm += 10000, asked++)
		passed += goes_well(&o);
	printf("life: %u passed, %u failed, 0 skipped\n", passed, asked - passed);
	return passed == asked ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct life_opts o = {.live = {1000000},
			      .rig_n = 1,
			      .packets = 4,
			      .batch = 128,
			      .msl_ms = 1000,
			      .seconds = 10,
			      .close = LIFE_SERVER_CLOSES,
			      .flows = 8,
			      .seed = 1};

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;)
		read_option(&o, c);
	if (optind < argc)
		misused("what is", argv[optind], "there are only options");
	if (o.check)
		return run_checks(&o);
	run(&o);
	return 0;
}
