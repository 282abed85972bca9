/* SPDX-License-Identifier: BSD-3-Clause */
/* main.c: the table of commands, and nothing else. */
#include "cli.h"

#include <stdio.h>
#include <string.h>

static const struct tg_command commands[] = {
    {"demo", "server, client and a SYN flood in one process: no root, no hugepages, no NIC",
     tg_cmd_demo},
    {"serve", "terminates TCP: listeners with the services echo, discard, chargen, http",
     tg_cmd_serve},
    {"shield", "absorbs floods in front of backends: takes handshakes, then splices",
     tg_cmd_shield},
    {"load", "opens, holds and churns connections: the engine as client, for benchmarks",
     tg_cmd_load},
    {"bench", "a server and the client of `load` in one run: what a connection costs each",
     tg_cmd_bench},
    {"plan", "what so many connections take: memory, hugepages, addresses and ports", tg_cmd_plan},
    {"stats", "counters of a running engine, as text or JSON", tg_cmd_stats},
    {"doctor", "checks this machine, and prints the command that fixes what is missing",
     tg_cmd_doctor},
    {"keys", "prints every configuration key: default, unit, range", tg_cmd_keys},
    {"fleet-key", "makes the file of secrets that the nodes of a fleet share, and turns it over",
     tg_cmd_fleet_key},
    {"prove", "explores the state machine exhaustively; with a rule taken away, shows what breaks",
     tg_cmd_prove},
    {"script", "runs packet scripts against the engine, in virtual time", tg_cmd_script},
    {"explain", "says what happened on each connection of a capture, with pictures",
     tg_cmd_explain},
};

enum { COMMAND_N = sizeof(commands) / sizeof(commands[0]) };

static int help(FILE *out)
{
	fprintf(out, "usage: tidegate COMMAND [options] [-- EAL options]\n\n");
	for (int i = 0; i < COMMAND_N; i++)
		fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].about);
	fprintf(out, "\n`tidegate COMMAND --help` tells more, `tidegate --version` which one this "
		     "is. Exit status: 0 success, 1 a failed run, "
		     "2 bad usage or configuration.\n");
	return TG_EXIT_OK;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		help(stderr);
		return TG_EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0)
		return help(stdout);
	if (strcmp(argv[1], "--version") == 0) {
		printf("tidegate %s\n", TG_VERSION);
		return TG_EXIT_OK;
	}
	for (int i = 0; i < COMMAND_N; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	fprintf(stderr, "tidegate: unknown command %s: see `tidegate --help`\n", argv[1]);
	return TG_EXIT_USAGE;
}
