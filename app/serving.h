/* SPDX-License-Identifier: BSD-3-Clause */
/* serving.h: what `serve` and `shield` share: options, start, figures, end (serve.c). */
#ifndef TG_APP_SERVING_H
#define TG_APP_SERVING_H

#include "conf.h"

struct tg_role {
	const char *command, *usage;
	/* What this command does not serve: 0; or -1 and one line in err. */
	int (*check)(const struct tg_conf *conf, char *err, size_t err_size);
};

/* The command; returns the exit code. */
int tg_serving_main(const struct tg_role *role, int argc, char **argv);

#endif
