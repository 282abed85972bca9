/* SPDX-License-Identifier: BSD-3-Clause */
/* load.c: `tidegate load`: the engine as client. Starts, has it run, and says what came of it. */
#include "load_bytes.h"
#include "load_run.h"
#include "cli.h"
#include "find.h"

#include <rte_launch.h>
#include <stdlib.h>

struct load {
	struct tg_load_run run;
	struct tg_eal_got got;
};

/* --- start --- */

static uint64_t extra_mb(const struct load *l)
{
	return tg_plan_buffers_mb(&l->run.opt.conf) + tg_load_run_slots_mb(&l->run);
}

static void print_plan(const struct load *l, FILE *out)
{
	struct tg_plan_beside beside = {.buffers_mb = tg_plan_buffers_mb(&l->run.opt.conf),
					.slots_mb = tg_load_run_slots_mb(&l->run)};

	tg_load_plan_print(&l->run.what, out);
	tg_plan_print(&l->run.plan, &beside, out);
}

static int start_eal(struct load *l, char *err, size_t err_size)
{
	const char *device = l->run.opt.conf.port[0].set.device;
	char text[TG_CONF_ERR];
	struct tg_eal_conf eal = {.name = l->run.opt.name,
				  .device = &device,
				  .device_n = 1,
				  .worker_n = l->run.plan.worker_n,
				  .memory_mb = tg_plan_buffers_mb(&l->run.opt.conf),
				  .extra = l->run.opt.extra,
				  .extra_n = (uint32_t)l->run.opt.extra_n,
				  .verbose = l->run.opt.verbose};
	if (tg_eal_init(&eal, &l->got, text, sizeof(text)) == 0)
		return 0;
	return tg_conf_fail(&l->run.opt.conf, 0, err, err_size, "%s", text);
}

/* Two of one name could not be told apart by `tidegate stats`: without a name of its own it takes
 * the next that is free. */
static int choose_name(struct load *l)
{
	struct tg_found *found = calloc(1, sizeof(*found));
	char name[sizeof(l->run.opt.name)];
	if (!found)
		return tg_cli_failed("load", "out of memory");
	tg_find_all(found);
	snprintf(name, sizeof(name), "%s", l->run.opt.name);
	for (uint32_t i = 0, k = 2; i < found->n; i++) {
		if (strcmp(found->list[i].name, l->run.opt.name) != 0)
			continue;
		snprintf(l->run.opt.name, sizeof(l->run.opt.name), "%.31s-%u", name, k++);
		i = UINT32_MAX; /* from the beginning */
	}
	free(found);
	return 0;
}

static void print_start(const struct load *l)
{
	char text[512];
	if (l->run.opt.json)
		return;
	print_plan(l, stdout);
	printf("port %s\n", tg_dev_describe(&l->run.host.dev[0], text, sizeof(text)));
	printf("packet buffers in %s, connections in %s\n",
	       l->got.hugepages ? "hugepages" : "ordinary memory (too few free hugepages)",
	       l->run.host.hugepages ? "hugepages" : "ordinary memory");
	printf("loading as %s, %u worker%s, for %u s; Ctrl-C ends it\n", l->run.opt.name,
	       l->run.plan.worker_n, l->run.plan.worker_n == 1 ? "" : "s",
	       l->run.what.set.duration_s);
	fflush(stdout);
}

static int report(struct load *l)
{
	struct tg_load_run *r = &l->run;
	tg_load_run_collect(r);
	if (r->opt.json)
		tg_load_print_json(&r->what, &r->result, stdout);
	else
		tg_load_print(&r->what, &r->result, stdout);
	int rc = tg_load_run_judge(r, r->opt.json ? stderr : stdout);
	int csv = tg_load_run_close_csv(r), printed = tg_cli_printed("load");
	return printed ? printed : csv ? csv : rc;
}

static int run(struct load *l)
{
	struct tg_load_run *r = &l->run;
	if (!tg_host_touch(&r->host))
		return tg_cli_failed("load",
				     "the memory of the plan is not there: lower rate, hold "
				     "or msl_ms");
	for (uint32_t w = 0; w < r->host.worker_n; w++)
		rte_eal_remote_launch(tg_load_core_run, &r->core[w], l->got.lcore[w]);
	tg_sight_publish(&r->host, r->opt.name, &l->got);
	print_start(l);
	tg_load_run_go(r);
	tg_load_run_stop(r);
	tg_host_join(&r->host, &l->got);
	tg_sight_publish(NULL, NULL, NULL);
	return report(l);
}

static int load(struct load *l)
{
	struct tg_load_run *r = &l->run;
	char err[TG_CONF_ERR];
	int rc = tg_load_run_open_csv(r);
	if (rc != 0 || (rc = choose_name(l)) != 0)
		return rc;
	tg_cli_catch_signals();
	tg_load_bytes_init();
	if (tg_plan_fits(&r->plan, &r->opt.conf, extra_mb(l), err, sizeof(err)) != 0 ||
	    start_eal(l, err, sizeof(err)) != 0)
		return tg_cli_usage("load", "%s", err);
	if (tg_host_init(&r->host, r->opt.name, &r->opt.conf, &r->plan, &l->got, err,
			 sizeof(err)) != 0) {
		tg_cli_usage("load", "%s", err);
		tg_eal_fini();
		return TG_EXIT_USAGE;
	}
	rc = tg_load_run_make(r, err, sizeof(err)) == 0 ? run(l) : tg_cli_failed("load", "%s", err);
	tg_load_run_fini(r);
	tg_host_fini(&r->host);
	tg_eal_fini();
	return rc;
}

int tg_cmd_load(int argc, char **argv)
{
	struct load *l = calloc(1, sizeof(*l));
	int rc;
	if (!l)
		return tg_cli_failed("load", "out of memory");
	rc = tg_load_options_read(&l->run.opt, &tg_load_role, argc, argv);
	if (rc < 0)
		rc = tg_load_run_plan(&l->run);
	if (rc < 0 && l->run.opt.check) {
		print_plan(l, stdout);
		rc = tg_cli_printed("load");
	}
	if (rc < 0)
		rc = load(l);
	tg_load_run_fini(&l->run);
	tg_plan_fini(&l->run.plan);
	tg_conf_free(&l->run.opt.conf);
	free(l);
	return rc;
}
