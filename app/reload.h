/* SPDX-License-Identifier: BSD-3-Clause */
/* reload.h: SIGHUP says: read your files again. The handler only notes it; what is to be done is
 * done by the control loop, by those who registered. Nothing here touches a worker. */
#ifndef TG_APP_RELOAD_H
#define TG_APP_RELOAD_H

#include <stdbool.h>

enum { TG_RELOAD_MAX = 8 };

/* Reads something again, and says in one line each what changed, or why the old stays. Whatever it
 * finds, it goes on serving. */
typedef void (*tg_reload_fn)(void *ctx);

/* From here on SIGHUP is noted and ends nothing. Call it after tg_cli_catch_signals. */
void tg_reload_catch(void);
/* fn(ctx) runs with each reload, in the order of registration; at most TG_RELOAD_MAX of them. */
void tg_reload_register(tg_reload_fn fn, void *ctx);
/* Forgets who registered: what ctx points to is about to go. */
void tg_reload_forget(void);
/* The control loop's turn: runs them once when SIGHUP came since the last turn; signals that came
 * together are one. True when it did. */
bool tg_reload_poll(void);

#endif
