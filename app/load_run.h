/* SPDX-License-Identifier: BSD-3-Clause */
/* load_run.h: a run of `tidegate load`, over a host that is there: one core of load a worker, a
 * line a second, an end in order, and what came of it. `load` and `bench` share it. */
#ifndef TG_APP_LOAD_RUN_H
#define TG_APP_LOAD_RUN_H

#include "host.h"
#include "load_core.h"
#include "load_options.h"
#include "sight.h"

struct tg_load_run {
	struct tg_load_options opt;
	struct tg_load_plan what;
	struct tg_plan plan;
	struct tg_host host;
	struct tg_load_core *core; /* [host.worker_n] */
	struct tg_load_result result;
	FILE *csv;
	uint64_t start_ns, line_ns, end_ns; /* end_ns: opening ended; 0 = it has not */
	struct tg_load_figures line_before;
	struct tg_sight sight_before;
	uint32_t line_n;
	bool is_enough; /* set by watch: no more is to be opened */
	/* Called a hundred times a second while it runs; NULL: not. */
	void (*watch)(void *ctx, uint64_t now_ns);
	void *watch_ctx;
};

/* Out of opt, both plans. -1: go on; otherwise the exit code, after a message. */
int tg_load_run_plan(struct tg_load_run *r);
/* MiB of what each connection is at. */
uint64_t tg_load_run_slots_mb(const struct tg_load_run *r);
/* The file of lines a second, where one is wanted. 0, or the exit code after a message. */
int tg_load_run_open_csv(struct tg_load_run *r);
/* A core of load for each worker of the host. 0; or -1 and a sentence in err. */
int tg_load_run_make(struct tg_load_run *r, char *err, size_t err_size);
/* The cores are running: opens, shows, closes, until all is over or its time is. */
void tg_load_run_go(struct tg_load_run *r);
/* The figures now; any time while the cores run. */
void tg_load_run_see(struct tg_load_run *r, struct tg_load_figures *sum);
/* From now on each core opens its share of `rate` a second. */
void tg_load_run_rate(struct tg_load_run *r, uint32_t rate);
/* Asks the cores to abort what is left and to leave their loops; they are to be waited for. */
void tg_load_run_stop(struct tg_load_run *r);
/* Of all workers, into result. */
void tg_load_run_collect(struct tg_load_run *r);
/* The exit code by what was expected, which is told to out; or, where nothing was, by that some
 * opened and none failed. */
int tg_load_run_judge(const struct tg_load_run *r, FILE *out);
/* Closes the file of lines: 0, or the exit code after a message. */
int tg_load_run_close_csv(struct tg_load_run *r);
/* All but the host. */
void tg_load_run_fini(struct tg_load_run *r);

#endif
