/* SPDX-License-Identifier: BSD-3-Clause */
#include "reload.h"

#include <assert.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>

/* A signal handler has nothing else to write to. */
static volatile sig_atomic_t asked;

/* Who registered: of the one process that there is, as the signal is. */
static struct {
	tg_reload_fn fn;
	void *ctx;
} list[TG_RELOAD_MAX];
static uint32_t list_n;

static void on_hangup(int sig)
{
	(void)sig;
	asked = 1;
}

void tg_reload_catch(void)
{
	struct sigaction act = {.sa_handler = on_hangup, .sa_flags = SA_RESTART};

	sigemptyset(&act.sa_mask);
	sigaction(SIGHUP, &act, NULL);
}

void tg_reload_register(tg_reload_fn fn, void *ctx)
{
	assert(list_n < TG_RELOAD_MAX);
	list[list_n].fn = fn;
	list[list_n++].ctx = ctx;
}

void tg_reload_forget(void)
{
	list_n = 0;
}

bool tg_reload_poll(void)
{
	if (!asked)
		return false;
	asked = 0; /* before the work: a signal that comes in the middle counts again */
	for (uint32_t i = 0; i < list_n; i++)
		list[i].fn(list[i].ctx);
	return true;
}
