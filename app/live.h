/* SPDX-License-Identifier: BSD-3-Clause */
/* live.h: a configuration that is read again while it is served (SIGHUP): what of it takes effect
 * at once, and what needs a restart and is named. No connection is touched. */
#ifndef TG_APP_LIVE_H
#define TG_APP_LIVE_H

#include "host.h"

struct tg_live {
	struct tg_conf *conf;
	struct tg_plan *plan;
	struct tg_host *host;
	struct tg_pools *pools;
};

/* tg_reload_fn: ctx is a struct tg_live. A file that is no good changes nothing, and is told in one
 * line. The prefixes of listeners (allow, allow_file, deny_file) are read and built anew, handed to
 * the workers, and the old ones freed when the last worker has left them; backends of pools come,
 * go and drain. */
void tg_live_reload(void *ctx);

#endif
