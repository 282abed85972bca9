/* SPDX-License-Identifier: BSD-3-Clause */
/* load_options.h: the command line of `tidegate load`. Every key of [load], [port NAME] and
 * [engine] is an option, too: rate = 1000 is --rate 1000. */
#ifndef TG_APP_LOAD_OPTIONS_H
#define TG_APP_LOAD_OPTIONS_H

#include "load_report.h"

#include <getopt.h>

struct tg_load_options;

/* Who reads them: `load`, or a command that has its load made for it. */
struct tg_load_role {
	const char *command, *usage;
	/* Options of its own, and who takes them: 0, or the exit code after a message. */
	const struct option *more; /* [more_n]; their `val` counts from 0 */
	uint32_t more_n;
	int (*take)(struct tg_load_options *o, int val, const char *value);
	/* Before and after the keys of the command line are set, or NULL: 0; or the exit code. */
	int (*begin)(struct tg_load_options *o);
	int (*settle)(struct tg_load_options *o);
};
extern const struct tg_load_role tg_load_role; /* of `load` itself */

struct tg_load_options {
	const char *command;
	void *ctx; /* the role's */
	struct tg_conf conf;
	char name[64];
	bool check, quiet, verbose, plain, json;
	struct tg_load_expect expect[TG_LOAD_EXPECT_MAX];
	uint32_t expect_n;
	char **extra; /* [extra_n]: behind `--` */
	int extra_n;
};

/* -1: go on; otherwise the exit code, after a message or the help. conf is to be freed by
 * tg_conf_free in any case. */
int tg_load_options_read(struct tg_load_options *o, const struct tg_load_role *role, int argc,
			 char **argv);
/* Sets a key of [load], [port NAME] or [engine], as --KEY VALUE does: 0; or the exit code after a
 * message. A list grows by value. */
int tg_load_options_set(struct tg_load_options *o, const char *key, const char *value);

#endif
