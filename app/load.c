/* SPDX-License-Identifier: BSD-3-Clause */
/* load.c: `tidegate load`: the engine as client. Starts, shows a line a second, ends in order, and
 * says what came of it. */
#include "load_core.h"
#include "load_bytes.h"
#include "load_options.h"
#include "cli.h"
#include "find.h"
#include "sight.h"

#include <errno.h>
#include <inttypes.h>
#include <rte_launch.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	TICK_MS = 10,
	LINK_TICKS = 20,
	HEAD_EVERY = 20,    /* lines */
	START_IN_MS = 20,   /* all cores begin at one time */
	FIND_MS = 6000,     /* longer no core looks for its neighbours */
	END_SLACK_MS = 500, /* beyond the patience with what is open */
	ABORT_MS = 300
};

struct load {
	struct tg_load_options opt;
	struct tg_load_plan what;
	struct tg_plan plan;
	struct tg_eal_got got;
	struct tg_host host;
	struct tg_load_core *core; /* [host.worker_n] */
	struct tg_load_result result;
	FILE *csv;
	uint64_t start_ns, line_ns, end_ns; /* end_ns: opening ended; 0 = it has not */
	struct tg_load_figures line_before;
	struct tg_sight sight_before;
	uint32_t line_n;
};

/* --- start --- */

static uint64_t slots_mb(const struct load *l)
{
	return (tg_load_slot_bytes(l->plan.engine.conn_max) * l->plan.worker_n + (1 << 20) - 1) >>
	       20;
}

static uint64_t extra_mb(const struct load *l)
{
	return tg_host_buffers_mb(&l->opt.conf) + slots_mb(l);
}

static void print_plan(const struct load *l, FILE *out)
{
	tg_load_plan_print(&l->what, out);
	tg_plan_print(&l->plan, tg_host_buffers_mb(&l->opt.conf), out);
	fprintf(out, "  %-28s %12s %10.1f MiB\n", "what each connection is at", "",
		(double)slots_mb(l));
}

static int start_eal(struct load *l, char *err, size_t err_size)
{
	const char *device = l->opt.conf.port[0].set.device;
	char text[TG_CONF_ERR];
	struct tg_eal_conf eal = {.name = l->opt.name,
				  .device = &device,
				  .device_n = 1,
				  .worker_n = l->plan.worker_n,
				  .memory_mb = tg_host_buffers_mb(&l->opt.conf),
				  .extra = l->opt.extra,
				  .extra_n = (uint32_t)l->opt.extra_n,
				  .verbose = l->opt.verbose};
	if (tg_eal_init(&eal, &l->got, text, sizeof(text)) == 0)
		return 0;
	return tg_conf_fail(&l->opt.conf, 0, err, err_size, "%s", text);
}

/* Two of one name could not be told apart by `tidegate stats`: without a name of its own it takes
 * the next that is free. */
static int choose_name(struct load *l)
{
	struct tg_found *found = calloc(1, sizeof(*found));
	char name[sizeof(l->opt.name)];
	if (!found)
		return tg_cli_failed("load", "out of memory");
	tg_find_all(found);
	snprintf(name, sizeof(name), "%s", l->opt.name);
	for (uint32_t i = 0, k = 2; i < found->n; i++) {
		if (strcmp(found->list[i].name, l->opt.name) != 0)
			continue;
		snprintf(l->opt.name, sizeof(l->opt.name), "%.31s-%u", name, k++);
		i = UINT32_MAX; /* from the beginning */
	}
	free(found);
	return 0;
}

static int make_core(struct load *l, uint32_t w, char *err, size_t err_size)
{
	struct tg_load_core *c = &l->core[w];
	size_t bytes = tg_load_slot_bytes(l->plan.engine.conn_max);
	void *slots = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (slots == MAP_FAILED) {
		snprintf(err, err_size, "no memory for worker %u (%s): lower hold or rate", w,
			 strerror(errno));
		return -1;
	}
	c->worker = &l->host.worker[w];
	c->plan = c->side.plan = &l->what;
	c->side.engine = c->worker->engine;
	c->side.slot = slots;
	c->side.slot_n = l->plan.engine.conn_max;
	c->port = l->plan.engine.port[0];
	c->port.mac = l->host.dev[0].mac;
	c->index = w;
	c->core_n = l->host.worker_n;
	tg_load_core_init(c);
	return 0;
}

static int make_cores(struct load *l, char *err, size_t err_size)
{
	l->core = calloc(l->host.worker_n, sizeof(*l->core));
	if (!l->core) {
		snprintf(err, err_size, "out of memory");
		return -1;
	}
	for (uint32_t w = 0; w < l->host.worker_n; w++)
		if (make_core(l, w, err, err_size) != 0)
			return -1;
	return 0;
}

static int open_csv(struct load *l)
{
	const char *file = l->what.set.csv;
	if (!file[0])
		return 0;
	l->csv = fopen(file, "we");
	if (!l->csv)
		return tg_cli_usage("load", "csv = %s: cannot be written: %s", file,
				    strerror(errno));
	tg_load_csv_head(l->csv);
	return 0;
}

/* --- what is seen each second --- */

static void add_figures(struct tg_load_figures *sum, const struct tg_load_figures *f)
{
	sum->begun += f->begun;
	sum->opened += f->opened;
	sum->done += f->done;
	for (int i = 0; i < TG_LOAD_CAUSE_N; i++)
		sum->failed[i] += f->failed[i];
	sum->requests += f->requests;
	sum->rx_bytes += f->rx_bytes;
	sum->tx_bytes += f->tx_bytes;
	sum->missed += f->missed;
	sum->flood_sent += f->flood_sent;
	sum->opening += f->opening;
	sum->open += f->open;
	sum->closing += f->closing;
	sum->held += f->held;
	sum->open_max += f->open_max;
}

static void see(struct load *l, struct tg_load_figures *sum)
{
	struct tg_load_figures one;
	memset(sum, 0, sizeof(*sum));
	for (uint32_t w = 0; w < l->host.worker_n; w++) {
		tg_load_core_see(&l->core[w], &one);
		add_figures(sum, &one);
	}
}

static void show_second(struct load *l, uint64_t now)
{
	const struct tg_load_settings *set = &l->what.set;
	struct tg_sight sight;
	struct tg_load_second s = {.at_s = (double)(now - l->start_ns) / 1e9,
				   .passed_s = (double)(now - l->line_ns) / 1e9,
				   .before = l->line_before};
	see(l, &s.now);
	tg_sight_sum(&l->host, &sight);
	s.rx_packets = sight.io.rx_packets - l->sight_before.io.rx_packets;
	s.tx_packets = sight.io.tx_packets - l->sight_before.io.tx_packets;
	s.left_s = l->end_ns || s.at_s > set->duration_s ? 0 : set->duration_s - s.at_s;
	if (l->csv)
		tg_load_csv_line(&s, l->csv);
	bool lines = !l->opt.quiet && !l->opt.json;
	if (lines && l->opt.plain) {
		tg_load_plain_line(&s, stdout);
	} else if (lines) {
		if (l->line_n++ % HEAD_EVERY == 0)
			tg_load_head_line(set->flood != 0, stdout);
		tg_load_second_line(&s, set->flood != 0, stdout);
	}
	fflush(stdout);
	l->line_before = s.now;
	l->sight_before = sight;
	l->line_ns = now;
}

static void tick(struct load *l, uint32_t n)
{
	tg_cli_pause_ms(TICK_MS);
	uint64_t now = tg_cli_now_ns();
	if (l->start_ns && now > l->line_ns && now - l->line_ns >= 1000000000ull)
		show_second(l, now);
	if (n % LINK_TICKS == 0 && tg_dev_poll_link(&l->host.dev[0])) {
		char text[256];
		fprintf(l->opt.json ? stderr : stdout, "port %s: %s\n", l->host.dev[0].name,
			tg_dev_link_text(&l->host.dev[0], text, sizeof(text)));
	}
}

/* --- run --- */

static void ask(struct load *l, enum tg_load_ask what)
{
	for (uint32_t w = 0; w < l->host.worker_n; w++)
		atomic_store_explicit(&l->core[w].ask, what, memory_order_release);
}

static bool all_said(struct load *l, enum tg_load_ask what)
{
	for (uint32_t w = 0; w < l->host.worker_n; w++)
		if (atomic_load_explicit(&l->core[w].said, memory_order_acquire) <= what)
			return false;
	return true;
}

/* Until all cores have done it, or ms are over; interrupted: or a signal came. */
static void wait_for(struct load *l, enum tg_load_ask what, uint64_t ms, bool interrupted)
{
	uint64_t until = tg_cli_now_ns() + ms * TG_NS_PER_MS;
	for (uint32_t n = 1; !all_said(l, what) && tg_cli_now_ns() < until; n++) {
		if (interrupted && tg_cli_is_interrupted())
			return;
		tick(l, n);
	}
}

static void run(struct load *l)
{
	const struct tg_load_settings *set = &l->what.set;
	wait_for(l, TG_LOAD_ASK_FIND, FIND_MS, true);
	l->start_ns = l->line_ns = tg_cli_now_ns() + START_IN_MS * TG_NS_PER_MS;
	for (uint32_t w = 0; w < l->host.worker_n; w++)
		l->core[w].start_ns = l->start_ns;
	tg_sight_sum(&l->host, &l->sight_before);
	ask(l, TG_LOAD_ASK_RUN);
	wait_for(l, TG_LOAD_ASK_RUN, set->duration_s * 1000ull + 1000, true);
	l->result.is_interrupted = tg_cli_is_interrupted();
	l->end_ns = tg_cli_now_ns();
	uint64_t close_ms = l->result.is_interrupted ? 0 : set->ramp_down_s * 1000ull;
	for (uint32_t w = 0; w < l->host.worker_n; w++) {
		l->core[w].close_ns = close_ms * TG_NS_PER_MS;
		l->core[w].is_interrupted = l->result.is_interrupted;
	}
	ask(l, TG_LOAD_ASK_END);
	wait_for(l, TG_LOAD_ASK_END, close_ms + set->timeout_ms + END_SLACK_MS, false);
}

static void stop(struct load *l)
{
	uint64_t until = tg_cli_now_ns() + ABORT_MS * TG_NS_PER_MS;
	tg_host_order(&l->host, TG_ORDER_ABORT);
	while (!tg_host_is_done(&l->host, TG_ORDER_ABORT) && tg_cli_now_ns() < until)
		tg_cli_pause_ms(2);
	tg_host_order(&l->host, TG_ORDER_STOP);
	tg_host_join(&l->host, &l->got);
}

/* --- the result --- */

static void collect(struct load *l)
{
	struct tg_load_result *r = &l->result;
	struct tg_engine_stats stats;
	uint64_t end = l->end_ns < l->start_ns ? l->start_ns : l->end_ns;
	see(l, &r->sum);
	r->seconds = (double)(end - l->start_ns) / 1e9;
	for (int i = 0; i < TG_LOAD_TIMING_N; i++)
		tg_hist_init(&r->timing[i]);
	for (uint32_t w = 0; w < l->host.worker_n; w++) {
		const struct tg_engine *e = l->host.worker[w].engine;
		const uint64_t *v = tg_engine_counters(e)->v;
		for (int i = 0; i < TG_LOAD_TIMING_N; i++)
			tg_hist_merge(&r->timing[i], &l->core[w].side.timing[i]);
		r->rx_packets += v[TG_CTR_rx_segments];
		r->tx_packets += v[TG_CTR_tx_packets];
		r->rx_bytes += v[TG_CTR_rx_bytes];
		r->tx_bytes += v[TG_CTR_tx_bytes];
		r->rexmit += v[TG_CTR_rexmit];
		r->tw_evicted += v[TG_CTR_tw_evicted];
		r->flood_answers += v[TG_CTR_rst_limited] + v[TG_CTR_rst_sent];
		tg_engine_stats(e, &stats);
		r->tw_left += stats.tw_count;
	}
}

/* The exit code by what was expected; or, where nothing was, by that some opened and none failed.
 */
static int judge(struct load *l, FILE *out)
{
	const struct tg_load_result *r = &l->result;
	char is_text[32];
	int rc = TG_EXIT_OK;
	double is;
	if (l->what.set.flood && l->opt.expect_n == 0)
		return r->sum.flood_sent ? TG_EXIT_OK : TG_EXIT_FAILED;
	if (l->opt.expect_n == 0)
		return r->sum.opened && tg_load_failed(&r->sum) == 0 ? TG_EXIT_OK : TG_EXIT_FAILED;
	for (uint32_t i = 0; i < l->opt.expect_n; i++) {
		const struct tg_load_expect *e = &l->opt.expect[i];
		bool holds = tg_load_expect_holds(e, r, &is);
		fprintf(out, "expected %s: %s, it is %s\n", e->text, holds ? "yes" : "NO",
			tg_load_expect_value(e, is, is_text, sizeof(is_text)));
		if (!holds)
			rc = TG_EXIT_FAILED;
	}
	return rc;
}

static int report(struct load *l)
{
	FILE *words = l->opt.json ? stderr : stdout;
	int rc;
	collect(l);
	if (l->opt.json)
		tg_load_print_json(&l->what, &l->result, stdout);
	else
		tg_load_print(&l->what, &l->result, stdout);
	rc = judge(l, words);
	if (l->csv && (ferror(l->csv) | fclose(l->csv)))
		rc = tg_cli_failed("load", "%s is cut short: %s", l->what.set.csv, strerror(errno));
	l->csv = NULL;
	int printed = tg_cli_printed("load");
	return printed != TG_EXIT_OK ? printed : rc;
}

static void free_cores(struct load *l)
{
	for (uint32_t w = 0; l->core && w < l->host.worker_n; w++)
		if (l->core[w].side.slot)
			munmap(l->core[w].side.slot, tg_load_slot_bytes(l->plan.engine.conn_max));
	free(l->core);
}

static void print_start(const struct load *l)
{
	char text[512];
	if (l->opt.json)
		return;
	print_plan(l, stdout);
	printf("port %s\n", tg_dev_describe(&l->host.dev[0], text, sizeof(text)));
	printf("packet buffers in %s, connections in %s\n",
	       l->got.hugepages ? "hugepages" : "ordinary memory (too few free hugepages)",
	       l->host.hugepages ? "hugepages" : "ordinary memory");
	printf("loading as %s, %u worker%s, for %u s; Ctrl-C ends it\n", l->opt.name,
	       l->plan.worker_n, l->plan.worker_n == 1 ? "" : "s", l->what.set.duration_s);
	fflush(stdout);
}

static int load(struct load *l)
{
	char err[TG_CONF_ERR];
	int rc = open_csv(l);
	if (rc != 0 || (rc = choose_name(l)) != 0)
		return rc;
	tg_cli_catch_signals();
	tg_load_bytes_init();
	if (tg_plan_fits(&l->plan, &l->opt.conf, extra_mb(l), err, sizeof(err)) != 0 ||
	    start_eal(l, err, sizeof(err)) != 0)
		return tg_cli_usage("load", "%s", err);
	if (tg_host_init(&l->host, l->opt.name, &l->opt.conf, &l->plan, &l->got, err,
			 sizeof(err)) != 0) {
		tg_cli_usage("load", "%s", err);
		tg_eal_fini();
		return TG_EXIT_USAGE;
	}
	if (make_cores(l, err, sizeof(err)) == 0) {
		for (uint32_t w = 0; w < l->host.worker_n; w++)
			rte_eal_remote_launch(tg_load_core_run, &l->core[w], l->got.lcore[w]);
		tg_sight_publish(&l->host, l->opt.name, &l->got);
		print_start(l);
		run(l);
		stop(l);
		tg_sight_publish(NULL, NULL, NULL);
		rc = report(l);
	} else {
		rc = tg_cli_failed("load", "%s", err);
	}
	free_cores(l);
	tg_host_fini(&l->host);
	tg_eal_fini();
	return rc;
}

static int plan(struct load *l)
{
	struct tg_conf *conf = &l->opt.conf;
	char err[TG_CONF_ERR];
	if (tg_load_plan_init(&l->what, conf, err, sizeof(err)) != 0 ||
	    tg_plan_init(&l->plan, conf, err, sizeof(err)) != 0)
		return tg_cli_usage("load", "%s", err);
	tg_load_plan_own(conf, &l->plan.engine.port[0]);
	return -1;
}

int tg_cmd_load(int argc, char **argv)
{
	struct load *l = calloc(1, sizeof(*l));
	int rc;
	if (!l)
		return tg_cli_failed("load", "out of memory");
	rc = tg_load_options_read(&l->opt, argc, argv);
	if (rc < 0)
		rc = plan(l);
	if (rc < 0 && l->opt.check) {
		print_plan(l, stdout);
		rc = tg_cli_printed("load");
	}
	if (rc < 0)
		rc = load(l);
	if (l->csv)
		fclose(l->csv);
	tg_plan_fini(&l->plan);
	tg_conf_free(&l->opt.conf);
	free(l);
	return rc;
}
