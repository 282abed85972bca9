/* SPDX-License-Identifier: BSD-3-Clause */
/* no_dpdk.c: the commands that a build without DPDK does not have. */
#include "cli.h"

static int missing(const char *command)
{
	return tg_cli_usage(command, "this build has no DPDK: install libdpdk-dev and build again "
				     "without -Ddpdk=disabled");
}

int tg_cmd_serve(int argc, char **argv)
{
	(void)argc;
	return missing(argv[0]);
}

int tg_cmd_shield(int argc, char **argv)
{
	(void)argc;
	return missing(argv[0]);
}

int tg_cmd_doctor(int argc, char **argv)
{
	(void)argc;
	return missing(argv[0]);
}

int tg_cmd_demo(int argc, char **argv)
{
	(void)argc;
	return missing(argv[0]);
}

int tg_cmd_load(int argc, char **argv)
{
	(void)argc;
	return missing(argv[0]);
}

int tg_cmd_bench(int argc, char **argv)
{
	(void)argc;
	return missing(argv[0]);
}
