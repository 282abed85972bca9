/* SPDX-License-Identifier: BSD-3-Clause */
/* shield.c: `tidegate shield`: backends stand behind. It runs as `serve` does; what is different is
 * what the configuration must say. */
#include "cli.h"
#include "serving.h"

static const char usage[] =
    "usage: tidegate shield -c FILE [options] [-- EAL options]\n\n"
    "Stands in front of backends: takes the handshakes of clients, with SYN cookies under flood,\n"
    "then connects to a backend of the [pool NAME] and passes segments on, translated, both ways.\n"
    "Backends are probed and learnt. SIGHUP reads the pools again: backends that are new get\n"
    "connections, those of weight 0 and those that are gone drain. SIGINT or SIGTERM ends it: no\n"
    "new connections, and after drain_ms RST for the rest; a second signal ends it at once.\n\n"
    "  -c, --config FILE         the configuration; config/shield.ini is annotated\n"
    "      --check               check the configuration, print the memory plan, start nothing\n"
    "      --name NAME           of this instance, for `tidegate stats` (default: from FILE)\n"
    "      --exit-when-idle MS   end, as by SIGTERM, when nothing was received for so long\n"
    "  -q, --quiet               no figures each second\n"
    "  -v, --verbose             DPDK's own log\n"
    "  -h, --help                this\n\n"
    "EAL options behind `--` come last and win, for example: -- --lcores '0@0,1@1,2@1'\n";

static int check(const struct tg_conf *conf, char *err, size_t err_size)
{
	if (conf->pool_n > 0)
		return 0;
	return tg_conf_fail(conf, 0, err, err_size,
			    "no [pool NAME]: `shield` needs one with its vip and backends; "
			    "`tidegate serve` needs none");
}

int tg_cmd_shield(int argc, char **argv)
{
	static const struct tg_role role = {.command = "shield", .usage = usage, .check = check};
	return tg_serving_main(&role, argc, argv);
}
