/* SPDX-License-Identifier: BSD-3-Clause */
/* load_options.h: the command line of `tidegate load`. Every key of [load], [port NAME] and
 * [engine] is an option, too: rate = 1000 is --rate 1000. */
#ifndef TG_APP_LOAD_OPTIONS_H
#define TG_APP_LOAD_OPTIONS_H

#include "load_report.h"

struct tg_load_options {
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
int tg_load_options_read(struct tg_load_options *o, int argc, char **argv);

#endif
