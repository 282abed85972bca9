/* SPDX-License-Identifier: BSD-3-Clause */
#include "load_run.h"

#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

enum {
	TICK_MS = 10,
	LINK_TICKS = 20,
	HEAD_EVERY = 20,    /* lines */
	START_IN_MS = 20,   /* all cores begin at one time */
	FIND_MS = 6000,     /* longer no core looks for its neighbours */
	END_SLACK_MS = 500, /* beyond the patience with what is open */
	ABORT_MS = 300
};

/* --- start --- */

int tg_load_run_plan(struct tg_load_run *r)
{
	struct tg_conf *conf = &r->opt.conf;
	char err[TG_CONF_ERR];
	if (tg_load_plan_init(&r->what, conf, err, sizeof(err)) != 0 ||
	    tg_plan_init(&r->plan, conf, err, sizeof(err)) != 0)
		return tg_cli_usage(r->opt.command, "%s", err);
	tg_load_plan_own(conf, &r->plan.engine.port[0]);
	return -1;
}

uint64_t tg_load_run_slots_mb(const struct tg_load_run *r)
{
	return (tg_load_slot_bytes(r->plan.engine.conn_max) * r->plan.worker_n + (1 << 20) - 1) >>
	       20;
}

static int make_core(struct tg_load_run *r, uint32_t w, char *err, size_t err_size)
{
	struct tg_load_core *c = &r->core[w];
	size_t bytes = tg_load_slot_bytes(r->plan.engine.conn_max);
	void *slots = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (slots == MAP_FAILED) {
		snprintf(err, err_size, "no memory for worker %u (%s): lower hold or rate", w,
			 strerror(errno));
		return -1;
	}
	/* They are touched as connections come, in no order. */
	madvise(slots, bytes, MADV_HUGEPAGE);
	c->worker = &r->host.worker[w];
	c->plan = c->side.plan = &r->what;
	c->side.engine = c->worker->engine;
	c->side.slot = slots;
	c->side.slot_n = r->plan.engine.conn_max;
	c->port = r->plan.engine.port[0];
	c->port.mac = r->host.dev[0].mac;
	c->index = w;
	c->core_n = r->host.worker_n;
	tg_load_core_init(c);
	return 0;
}

int tg_load_run_make(struct tg_load_run *r, char *err, size_t err_size)
{
	r->core = calloc(r->host.worker_n, sizeof(*r->core));
	if (!r->core) {
		snprintf(err, err_size, "out of memory");
		return -1;
	}
	for (uint32_t w = 0; w < r->host.worker_n; w++)
		if (make_core(r, w, err, err_size) != 0)
			return -1;
	return 0;
}

int tg_load_run_open_csv(struct tg_load_run *r)
{
	const char *file = r->what.set.csv;
	if (!file[0])
		return 0;
	r->csv = fopen(file, "we");
	if (!r->csv)
		return tg_cli_usage(r->opt.command, "csv = %s: cannot be written: %s", file,
				    strerror(errno));
	tg_load_csv_head(r->csv);
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
	sum->filled += f->filled;
	sum->at_ns = f->at_ns > sum->at_ns ? f->at_ns : sum->at_ns;
}

void tg_load_run_see(struct tg_load_run *r, struct tg_load_figures *sum)
{
	struct tg_load_figures one;
	memset(sum, 0, sizeof(*sum));
	for (uint32_t w = 0; w < r->host.worker_n; w++) {
		tg_load_core_see(&r->core[w], &one);
		add_figures(sum, &one);
	}
}

static void show_second(struct tg_load_run *r, uint64_t now)
{
	const struct tg_load_settings *set = &r->what.set;
	struct tg_sight sight;
	struct tg_load_second s = {.at_s = (double)(now - r->start_ns) / 1e9,
				   .passed_s = (double)(now - r->line_ns) / 1e9,
				   .before = r->line_before};
	tg_load_run_see(r, &s.now);
	tg_sight_sum(&r->host, &sight);
	s.rx_packets = sight.io.rx_packets - r->sight_before.io.rx_packets;
	s.tx_packets = sight.io.tx_packets - r->sight_before.io.tx_packets;
	s.left_s = r->end_ns || s.at_s > set->duration_s ? 0 : set->duration_s - s.at_s;
	if (r->csv)
		tg_load_csv_line(&s, r->csv);
	bool lines = !r->opt.quiet && !r->opt.json;
	if (lines && r->opt.plain) {
		tg_load_plain_line(&s, stdout);
	} else if (lines) {
		if (r->line_n++ % HEAD_EVERY == 0)
			tg_load_head_line(set->flood != 0, stdout);
		tg_load_second_line(&s, set->flood != 0, stdout);
	}
	fflush(stdout);
	r->line_before = s.now;
	r->sight_before = sight;
	r->line_ns = now;
}

/* How far those who are open come from those that are to be held, once all of them were opened, and
 * what memory that takes meanwhile. */
static void watch_held(struct tg_load_run *r, uint64_t now)
{
	struct tg_load_held *h = &r->result.held;
	struct tg_load_figures f;
	if (!r->what.set.hold || !r->start_ns || r->end_ns)
		return;
	tg_load_run_see(r, &f);
	if (f.filled < r->host.worker_n)
		return;
	if (h->from_s <= 0) {
		h->from_s = (double)(now - r->start_ns) / 1e9;
		h->least = h->most = f.open;
		h->memory_from = tg_plan_memory_used();
	}
	h->least = f.open < h->least ? f.open : h->least;
	h->most = f.open > h->most ? f.open : h->most;
}

static void tick(struct tg_load_run *r, uint32_t n)
{
	tg_cli_pause_ms(TICK_MS);
	uint64_t now = tg_cli_now_ns();
	watch_held(r, now);
	if (r->start_ns && now > r->line_ns && now - r->line_ns >= 1000000000ull)
		show_second(r, now);
	if (r->watch && r->start_ns)
		r->watch(r->watch_ctx, now);
	if (n % LINK_TICKS == 0 && tg_dev_poll_link(&r->host.dev[0])) {
		char text[256];
		fprintf(r->opt.json ? stderr : stdout, "port %s: %s\n", r->host.dev[0].name,
			tg_dev_link_text(&r->host.dev[0], text, sizeof(text)));
	}
}

/* --- run --- */

void tg_load_run_rate(struct tg_load_run *r, uint32_t rate)
{
	for (uint32_t w = 0; w < r->host.worker_n; w++)
		atomic_store_explicit(&r->core[w].rate, rate, memory_order_relaxed);
}

static void ask(struct tg_load_run *r, enum tg_load_ask what)
{
	for (uint32_t w = 0; w < r->host.worker_n; w++)
		atomic_store_explicit(&r->core[w].ask, what, memory_order_release);
}

static bool all_said(struct tg_load_run *r, enum tg_load_ask what)
{
	for (uint32_t w = 0; w < r->host.worker_n; w++)
		if (atomic_load_explicit(&r->core[w].said, memory_order_acquire) <= what)
			return false;
	return true;
}

/* Until all cores have done it, or ms are over; interrupted: or a signal came. */
static void wait_for(struct tg_load_run *r, enum tg_load_ask what, uint64_t ms, bool interrupted)
{
	uint64_t until = tg_cli_now_ns() + ms * TG_NS_PER_MS;
	for (uint32_t n = 1; !all_said(r, what) && tg_cli_now_ns() < until; n++) {
		if (interrupted && (tg_cli_is_interrupted() || r->is_enough))
			return;
		tick(r, n);
	}
}

/* Those that are held are closed over ramp_down_s; where that is 0, as fast as they were opened:
 * millions at once would only wait for each other. */
static uint64_t close_takes_ms(const struct tg_load_plan *what)
{
	const struct tg_load_settings *set = &what->set;
	if (set->ramp_down_s || !set->hold)
		return set->ramp_down_s * 1000ull;
	return set->hold * 1000ull / what->fill_rate;
}

/* What is held is closed one after the other: while they become fewer, nobody hangs. */
static void wait_for_end(struct tg_load_run *r, uint64_t close_ms)
{
	uint64_t patience_ms = r->what.set.timeout_ms + END_SLACK_MS;
	struct tg_load_figures f;
	uint32_t held;
	wait_for(r, TG_LOAD_ASK_END, close_ms + patience_ms, false);
	tg_load_run_see(r, &f);
	do {
		held = f.held;
		if (!held || r->result.is_interrupted)
			return;
		wait_for(r, TG_LOAD_ASK_END, patience_ms, false);
		tg_load_run_see(r, &f);
	} while (f.held < held);
}

void tg_load_run_go(struct tg_load_run *r)
{
	const struct tg_load_settings *set = &r->what.set;
	wait_for(r, TG_LOAD_ASK_FIND, FIND_MS, true);
	r->start_ns = r->line_ns = tg_cli_now_ns() + START_IN_MS * TG_NS_PER_MS;
	for (uint32_t w = 0; w < r->host.worker_n; w++)
		r->core[w].start_ns = r->start_ns;
	tg_sight_sum(&r->host, &r->sight_before);
	ask(r, TG_LOAD_ASK_RUN);
	wait_for(r, TG_LOAD_ASK_RUN, set->duration_s * 1000ull + 1000, true);
	r->result.is_interrupted = tg_cli_is_interrupted();
	r->end_ns = tg_cli_now_ns();
	r->result.held.memory_to = tg_plan_memory_used();
	uint64_t close_ms = r->result.is_interrupted ? 0 : close_takes_ms(&r->what);
	for (uint32_t w = 0; w < r->host.worker_n; w++) {
		r->core[w].close_ns = close_ms * TG_NS_PER_MS;
		r->core[w].is_interrupted = r->result.is_interrupted;
	}
	ask(r, TG_LOAD_ASK_END);
	wait_for_end(r, close_ms);
}

void tg_load_run_stop(struct tg_load_run *r)
{
	uint64_t until = tg_cli_now_ns() + ABORT_MS * TG_NS_PER_MS;
	tg_host_order(&r->host, TG_ORDER_ABORT);
	while (!tg_host_is_done(&r->host, TG_ORDER_ABORT) && tg_cli_now_ns() < until)
		tg_cli_pause_ms(2);
	tg_host_order(&r->host, TG_ORDER_STOP);
}

/* --- the result --- */

void tg_load_run_collect(struct tg_load_run *run)
{
	struct tg_load_result *r = &run->result;
	struct tg_engine_stats stats;
	uint64_t end = run->end_ns < run->start_ns ? run->start_ns : run->end_ns;
	tg_load_run_see(run, &r->sum);
	r->seconds = (double)(end - run->start_ns) / 1e9;
	for (int i = 0; i < TG_LOAD_TIMING_N; i++)
		tg_hist_init(&r->timing[i]);
	for (uint32_t w = 0; w < run->host.worker_n; w++) {
		const struct tg_engine *e = run->host.worker[w].engine;
		const uint64_t *v = tg_engine_counters(e)->v;
		for (int i = 0; i < TG_LOAD_TIMING_N; i++)
			tg_hist_merge(&r->timing[i], &run->core[w].side.timing[i]);
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

int tg_load_run_judge(const struct tg_load_run *run, FILE *out)
{
	const struct tg_load_result *r = &run->result;
	char is_text[32];
	int rc = TG_EXIT_OK;
	double is;
	if (run->what.set.flood && run->opt.expect_n == 0)
		return r->sum.flood_sent ? TG_EXIT_OK : TG_EXIT_FAILED;
	if (run->opt.expect_n == 0)
		return r->sum.opened && tg_load_failed(&r->sum) == 0 ? TG_EXIT_OK : TG_EXIT_FAILED;
	for (uint32_t i = 0; i < run->opt.expect_n; i++) {
		const struct tg_load_expect *e = &run->opt.expect[i];
		bool holds = tg_load_expect_holds(e, r, &is);
		fprintf(out, "expected %s: %s, it is %s\n", e->text, holds ? "yes" : "NO",
			tg_load_expect_value(e, is, is_text, sizeof(is_text)));
		if (!holds)
			rc = TG_EXIT_FAILED;
	}
	return rc;
}

int tg_load_run_close_csv(struct tg_load_run *r)
{
	FILE *csv = r->csv;
	r->csv = NULL;
	if (csv && (ferror(csv) | fclose(csv)))
		return tg_cli_failed(r->opt.command, "%s is cut short: %s", r->what.set.csv,
				     strerror(errno));
	return TG_EXIT_OK;
}

void tg_load_run_fini(struct tg_load_run *r)
{
	for (uint32_t w = 0; r->core && w < r->host.worker_n; w++)
		if (r->core[w].side.slot)
			munmap(r->core[w].side.slot, tg_load_slot_bytes(r->plan.engine.conn_max));
	free(r->core);
	r->core = NULL;
	if (r->csv)
		fclose(r->csv);
	r->csv = NULL;
}
