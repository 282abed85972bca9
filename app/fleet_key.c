/* SPDX-License-Identifier: BSD-3-Clause */
/* fleet_key.c: `tidegate fleet-key`: makes the file of secrets, and turns it over step by step. */
#include "cli.h"
#include "fleet_file.h"

#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: tidegate fleet-key [--add | --swap | --drop | --show] FILE\n\n"
    "Makes FILE with a new secret for a fleet ([fleet] secret_file), mode 0600. It is never\n"
    "written over. All nodes have the same file.\n\n"
    "To change the secret with no handshake lost, take these steps, and after each copy FILE to\n"
    "every node and send SIGHUP to each tidegate before you take the next:\n\n"
    "      --add     a new secret becomes the second line: accepted, not minted with yet\n"
    "      --swap    the two change places: the new one mints\n"
    "      --drop    the second line goes; wait five minutes after --swap\n\n"
    "The line `pools`, by which the nodes of a fleet before backends choose alike, stays in all "
    "of\n"
    "them. Take it out by hand, everywhere at once, to have it derived anew from the first "
    "line.\n\n"
    "      --show    the names by which `tidegate stats` knows the secrets\n"
    "  -h, --help    this\n";

enum step { STEP_MAKE = 0, STEP_ADD = 256, STEP_SWAP, STEP_DROP, STEP_SHOW };

static const struct option longs[] = {
    {"add", no_argument, NULL, STEP_ADD},   {"swap", no_argument, NULL, STEP_SWAP},
    {"drop", no_argument, NULL, STEP_DROP}, {"show", no_argument, NULL, STEP_SHOW},
    {"help", no_argument, NULL, 'h'},       {0}};

static int draw(struct tg_fleet_secrets *s, uint32_t at)
{
	if (!tg_fleet_file_draw(s->secret[at]))
		return tg_cli_failed("fleet-key", "the kernel gave no random bytes");
	s->n = at + 1;
	return 0;
}

static int make(struct tg_fleet_secrets *s)
{
	int rc = draw(s, 0);
	memcpy(s->pools, s->secret[0], sizeof(s->pools));
	s->has_pools = 1;
	return rc != 0 ? rc : draw(s, 0);
}

/* What nodes choose backends by stays, whatever becomes of the secret that it was derived from. */
static void write_down_pools(struct tg_fleet_secrets *s)
{
	uint8_t pools[TG_FLEET_POOLS_LEN];
	tg_fleet_file_pools(s, pools);
	memcpy(s->pools, pools, sizeof(pools));
	s->has_pools = 1;
}

static void swap(struct tg_fleet_secrets *s)
{
	struct tg_fleet_secrets old = *s;
	memcpy(s->secret[0], old.secret[1], TG_FLEET_SECRET_LEN);
	memcpy(s->secret[1], old.secret[0], TG_FLEET_SECRET_LEN);
	tg_fleet_file_wipe(&old);
}

/* What the step makes of the secrets; an exit code. */
static int change(struct tg_fleet_secrets *s, enum step step, const char *path)
{
	uint32_t wanted = step == STEP_ADD ? 1 : 2;
	if (step == STEP_MAKE)
		return make(s);
	if (step == STEP_SHOW)
		return 0;
	if (s->n != wanted)
		return tg_cli_usage("fleet-key", "%s has %s: %s", path,
				    s->n == 1 ? "one secret" : "two secrets already",
				    s->n == 1 ? "--add comes first" : "--drop comes first");
	write_down_pools(s);
	if (step == STEP_ADD)
		return draw(s, 1);
	if (step == STEP_SWAP)
		swap(s);
	else
		s->n = 1;
	return 0;
}

static int run(struct tg_fleet_secrets *s, enum step step, const char *path)
{
	char err[1024], id[TG_FLEET_ID_LEN];
	if (step != STEP_MAKE && tg_fleet_file_read(path, s, err, sizeof(err)) != 0)
		return tg_cli_usage("fleet-key", "%s", err);
	int rc = change(s, step, path);
	if (rc != 0)
		return rc;
	if (step != STEP_SHOW &&
	    tg_fleet_file_write(path, s, step != STEP_MAKE, err, sizeof(err)) != 0)
		return tg_cli_usage("fleet-key", "%s", err);
	for (uint32_t i = 0; i < s->n; i++) {
		tg_fleet_file_id(s->secret[i], id);
		printf("%s%s%s", i ? ", accepts " : "mints with ", id, i + 1 < s->n ? "" : "\n");
	}
	return tg_cli_printed("fleet-key");
}

int tg_cmd_fleet_key(int argc, char **argv)
{
	struct tg_fleet_secrets secrets = {.n = 0};
	enum step step = STEP_MAKE;
	int c;
	while ((c = tg_cli_option(argc, argv, ":h", longs)) != -1) {
		if (c == 'h') {
			fputs(usage, stdout);
			return TG_EXIT_OK;
		}
		if (c == '?')
			return TG_EXIT_USAGE;
		if (step != STEP_MAKE)
			return tg_cli_usage("fleet-key", "one step at a time: see --help");
		step = (enum step)c;
	}
	if (optind + 1 != argc)
		return tg_cli_usage("fleet-key", "needs one FILE: see `tidegate fleet-key --help`");
	int rc = run(&secrets, step, argv[optind]);
	tg_fleet_file_wipe(&secrets);
	return rc;
}
