/* SPDX-License-Identifier: BSD-3-Clause */
/* arming.h: tells in one line when a listener's cookies arm or disarm, and why (SC-08); of a dry
 * run, when they would have. A listener is armed as long as it is on some worker. */
#ifndef TG_APP_ARMING_H
#define TG_APP_ARMING_H

#include "host.h"

#include <stdio.h>

struct tg_arming {
	bool over[TG_LISTENER_MAX];
	uint64_t since_ns[TG_LISTENER_MAX]; /* when it went over, by control's clock */
};

/* The control loop's turn, some times a second: once armed a listener stays so for a second at
 * least, so no change is missed. */
void tg_arming_poll(struct tg_arming *a, struct tg_host *h, uint64_t now_ns, FILE *out);
/* "  armed: web, dns" of those that are so now; nothing without any. Those of a dry run stand in
 * brackets. */
void tg_arming_line(struct tg_host *h, FILE *out);

#endif
