/* SPDX-License-Identifier: BSD-3-Clause */
/* stats.c: `tidegate stats`: prints the figures of a running engine. Needs no DPDK. */
#include "cli.h"
#include "find.h"
#include "json.h"
#include "tg_pool.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char usage[] = "usage: tidegate stats [options]\n\n"
			    "Prints the counters of the tidegate that runs here.\n\n"
			    "      --json        as JSON, all workers together and each\n"
			    "      --name NAME   of which one, when several run (serve --name)\n"
			    "      --all         text: also the counters that are 0\n"
			    "  -h, --help        this\n";

static const struct tg_found_one *choose(const struct tg_found *f, const char *name)
{
	const struct tg_found_one *chosen = NULL;
	uint32_t matching = 0;
	for (uint32_t i = 0; i < f->n; i++) {
		if (name && strcmp(f->list[i].name, name) != 0)
			continue;
		chosen = &f->list[i];
		matching++;
	}
	if (matching == 1)
		return chosen;
	if (matching > 1)
		tg_cli_usage("stats", "%u are running: choose one by --name", matching);
	else if (f->n)
		tg_cli_usage("stats", "no tidegate named %s is running; there are:", name);
	else
		tg_cli_usage(
		    "stats", "no tidegate is running%s: start one by `tidegate serve -c FILE`",
		    f->denied ? " that this user may ask (there are others' sockets)" : "");
	for (uint32_t i = 0; i < f->n; i++)
		fprintf(stderr, "  --name %s   (process %llu)\n", f->list[i].name,
			(unsigned long long)f->list[i].pid);
	return NULL;
}

/* --- printing --- */

struct text {
	bool all;
	const char *kind; /* of the groups: stands before their names */
	char group[64];
};

static void on_text(void *ctx, const char *group, const char *key, const char *value, bool text)
{
	struct text *t = ctx;
	(void)text;
	if (!t->all && strcmp(value, "0") == 0)
		return;
	if (strcmp(group, t->group) != 0) {
		snprintf(t->group, sizeof(t->group), "%s", group);
		printf("%s%s\n", t->kind, group);
	}
	printf("%s%-24s %s\n", group[0] ? "  " : "", key, value);
}

static int print_text(int fd, bool all)
{
	char reply[TG_FIND_REPLY_MAX], command[64];
	struct text t = {.all = all, .kind = ""};
	if (!tg_find_ask(fd, "/tidegate/stats", reply, sizeof(reply)))
		return tg_cli_failed("stats", "the engine went away");
	tg_json_restore_dashes(reply);
	tg_json_each(reply, on_text, &t);
	t.kind = "backend ";
	for (uint32_t i = 0; i < TG_POOL_MAX; i++) {
		snprintf(command, sizeof(command), "/tidegate/backends,%u", i);
		if (!tg_find_ask(fd, command, reply, sizeof(reply)))
			break;
		tg_json_each(reply, on_text, &t);
	}
	t.kind = "port ";
	if (tg_find_ask(fd, "/tidegate/ports", reply, sizeof(reply)))
		tg_json_each(reply, on_text, &t);
	if (!tg_find_ask(fd, "/tidegate/counters", reply, sizeof(reply)))
		return tg_cli_failed("stats", "the engine went away");
	printf("counters\n");
	t.group[0] = 0;
	tg_json_each(reply, on_text, &t);
	return tg_cli_printed("stats");
}

static void print_member(int fd, const char *command, const char *name)
{
	char reply[TG_FIND_REPLY_MAX];
	if (tg_find_ask(fd, command, reply, sizeof(reply)))
		printf(", \"%s\": %s", name, reply);
}

/* A pool's in one object, all of them in a list. */
static void print_backends(int fd)
{
	char reply[TG_FIND_REPLY_MAX], command[64];
	printf(", \"pools\": [");
	for (uint32_t i = 0; i < TG_POOL_MAX; i++) {
		snprintf(command, sizeof(command), "/tidegate/backends,%u", i);
		if (!tg_find_ask(fd, command, reply, sizeof(reply)))
			break;
		printf("%s%s", i ? ", " : "", reply);
	}
	printf("]");
}

/* {the figures of all workers, "counters": {...}, "ports": {...}, "pools": [{...}, ...], "workers":
 * [{...}, ...]} */
static int print_json(int fd)
{
	char reply[TG_FIND_REPLY_MAX], command[64];
	if (!tg_find_ask(fd, "/tidegate/stats", reply, sizeof(reply)))
		return tg_cli_failed("stats", "the engine went away");
	tg_json_restore_dashes(reply);
	reply[strlen(reply) - 1] = 0; /* its last brace: more members follow */
	printf("%s", reply);
	print_member(fd, "/tidegate/counters", "counters");
	print_member(fd, "/tidegate/ports", "ports");
	print_backends(fd);
	printf(", \"workers\": [");
	for (uint32_t w = 0;; w++) {
		snprintf(command, sizeof(command), "/tidegate/stats,%u", w);
		if (!tg_find_ask(fd, command, reply, sizeof(reply)))
			break;
		tg_json_restore_dashes(reply);
		printf("%s%s", w ? ", " : "", reply);
	}
	printf("]}\n");
	return tg_cli_printed("stats");
}

/* --- the command --- */

enum { OPT_JSON = 256, OPT_NAME, OPT_ALL };

static const struct option longs[] = {{"json", no_argument, NULL, OPT_JSON},
				      {"name", required_argument, NULL, OPT_NAME},
				      {"all", no_argument, NULL, OPT_ALL},
				      {"help", no_argument, NULL, 'h'},
				      {0}};

int tg_cmd_stats(int argc, char **argv)
{
	static struct tg_found found_all; /* large, and once a process */
	const char *name = NULL;
	bool json = false, all = false;
	int c, rc;
	while ((c = tg_cli_option(argc, argv, ":h", longs)) != -1) {
		if (c == OPT_JSON) {
			json = true;
		} else if (c == OPT_ALL) {
			all = true;
		} else if (c == OPT_NAME) {
			name = optarg;
		} else if (c == 'h') {
			fputs(usage, stdout);
			return TG_EXIT_OK;
		} else {
			return TG_EXIT_USAGE;
		}
	}
	if (optind < argc)
		return tg_cli_usage("stats", "what is %s? See `tidegate stats --help`",
				    argv[optind]);
	tg_find_all(&found_all);
	const struct tg_found_one *found = choose(&found_all, name);
	if (!found)
		return TG_EXIT_USAGE;
	int fd = tg_find_dial(found->path);
	if (fd < 0)
		return tg_cli_failed("stats", "%s: %s", found->path, strerror(-fd));
	rc = json ? print_json(fd) : print_text(fd, all);
	close(fd);
	return rc;
}
