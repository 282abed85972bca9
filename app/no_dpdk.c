/* SPDX-License-Identifier: BSD-3-Clause */
/* no_dpdk.c: the commands that a build without DPDK does not have, and what DPDK would say. */
#include "cli.h"
#include "plan.h"

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

/* As lib/dpdk/fabric.c reckons: a pool of 2^n - 1 buffers for descriptors and what is on its way,
 * and large ones. */
enum {
	DESC_GUESS = 2048,
	SPARE = 4000,
	ROOM_MIN = 2048,
	FRAME_EXTRA = 64,
	HEAD = 128 + 128 + 64, /* headroom, mbuf, and what a pool adds */
	LARGE_N = 511,
	LARGE = 16384
};

uint32_t tg_plan_buffers_mb(const struct tg_conf *conf)
{
	uint64_t mtu = 0, dev_n = conf->port_n, n = 1, workers = conf->engine.set.workers;
	for (uint32_t i = 0; i < conf->port_n; i++) {
		mtu = conf->port[i].set.mtu > mtu ? conf->port[i].set.mtu : mtu;
		dev_n += conf->port[i].set.kernel[0] != 0;
	}
	uint64_t room = mtu + FRAME_EXTRA > ROOM_MIN ? mtu + FRAME_EXTRA : ROOM_MIN;
	while (n < dev_n * DESC_GUESS + SPARE + 1)
		n *= 2;
	uint64_t bytes = (n - 1) * ((room + 63) / 64 * 64 + HEAD) + LARGE_N * (LARGE + HEAD);
	return (uint32_t)((bytes * workers >> 20) + 4 * workers + 8);
}
