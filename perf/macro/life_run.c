/* SPDX-License-Identifier: BSD-3-Clause */
/* life_run.c: whole lives in windows of 100 ms. The engines and the mirror have their windows in
 * turn; each begins and ends with nothing on its way, so that whole lives are counted. */
#include "life.h"
#include "memory.h"
#include "spread.h"

#include <inttypes.h>
#include <rte_cycles.h>
#include <rte_launch.h>
#include <stdio.h>

enum {
	WINDOWS_MAX = 10 * 3600,
	HOLD_BATCH = 512,
	MOVING = 16384,
	BUFFER_MB = 32,
	RATE_MAX = 2500, /* lives a ms, more than any core makes: room for their TIME-WAIT */
};

/* What a window told. */
struct window {
	double life_ns[LIFE_RIG_MAX]; /* busy, for one life */
	double mirror_ns;             /* busy, for one packet */
	double share[LIFE_RIG_MAX];   /* of the mirror's packet rate */
};

struct run {
	const struct life_opts *o;
	struct life_rig *rig[LIFE_RIG_MAX];
	struct window *window;
	uint32_t window_n;
	double hold_s[LIFE_RIG_MAX];
	uint64_t lives, packets_in, packets_out; /* of the first, measured */
	uint64_t mirrored;
};

static struct life_rig_conf rig_conf(const struct life_opts *o, uint32_t i)
{
	static const char *const name[LIFE_RIG_MAX] = {"life-a", "life-b"};

	return (struct life_rig_conf){
	    .name = name[i],
	    .conn_max = o->live[i] + 2 * LIFE_SLOTS,
	    .tw_max = o->close == LIFE_CLIENT_CLOSES
			  ? 1024
			  : (2 * o->msl_ms + 3 * LIFE_WINDOW_MS) * RATE_MAX,
	    .msl_ms = o->msl_ms,
	    .moving = MOVING,
	    .buffer_mb = BUFFER_MB,
	    .close = o->close,
	    .packets = o->packets,
	};
}

uint64_t life_run_bytes(const struct life_opts *o)
{
	static struct life_rig r;
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < o->rig_n; i++) {
		struct life_rig_conf conf = rig_conf(o, i);

		life_rig_plan(&r, &conf);
		bytes += r.plan.engine_bytes;
		tg_plan_fini(&r.plan);
		tg_conf_free(&r.conf);
	}
	return bytes;
}

/* --- windows --- */

static uint64_t cycles_of_ms(uint64_t ms)
{
	return rte_get_tsc_hz() / 1000 * ms;
}

/* Lives without a break for ms; busy cycles in *busy. Returns how many were lived. */
static uint64_t live(struct life_rig *r, uint32_t batch, uint32_t ms, uint64_t *busy)
{
	uint64_t end = rte_rdtsc() + cycles_of_ms(ms), before = r->gen->over;

	r->busy = 0;
	do
		life_rig_turn(r, batch);
	while (rte_rdtsc() < end);
	life_rig_drain(r);
	*busy = r->busy;
	return r->gen->over - before;
}

static double ns_each(uint64_t cycles, uint64_t n)
{
	if (n == 0)
		life_fail("nothing was done in a window of %d ms", LIFE_WINDOW_MS);
	return (double)cycles / (double)rte_get_tsc_hz() * 1e9 / (double)n;
}

static double one_window(struct run *run, uint32_t i)
{
	struct life_rig *r = run->rig[i];
	uint64_t sent = r->gen->sent, got = r->gen->got, busy, lives;

	lives = live(r, run->o->batch, LIFE_WINDOW_MS, &busy);
	if (i == 0) {
		run->lives += lives;
		run->packets_in += r->gen->sent - sent;
		run->packets_out += r->gen->got - got;
	}
	return ns_each(busy, lives);
}

static double mirror_window(struct run *run)
{
	struct life_rig *r = run->rig[0];
	uint64_t sent = r->gen->sent, repeats = r->gen->repeats, busy;

	r->gen->is_mirrored = true;
	live(r, run->o->batch, LIFE_WINDOW_MS, &busy);
	r->gen->is_mirrored = false;
	r->gen->repeats = repeats;
	run->mirrored += r->gen->sent - sent;
	return ns_each(busy, r->gen->sent - sent);
}

static void measure(struct run *run)
{
	for (uint32_t i = 0; i < run->o->rig_n; i++) {
		uint64_t busy;

		live(run->rig[i], run->o->batch, 2 * run->o->msl_ms + LIFE_WINDOW_MS, &busy);
	}
	for (uint32_t w = 0; w < run->window_n; w++) {
		for (uint32_t i = 0; i < run->o->rig_n; i++)
			run->window[w].life_ns[i] = one_window(run, i);
		run->window[w].mirror_ns = mirror_window(run);
		for (uint32_t i = 0; i < run->o->rig_n; i++)
			run->window[w].share[i] =
			    run->window[w].mirror_ns * run->o->packets / run->window[w].life_ns[i];
	}
}

/* --- the end --- */

static uint64_t counted(const struct life_rig *r, enum tg_ctr ctr)
{
	return tg_engine_counters(r->host.worker[0].engine)->v[ctr];
}

static void check_end(const struct run *run)
{
	for (uint32_t i = 0; i < run->o->rig_n; i++) {
		struct life_rig *r = run->rig[i];
		uint64_t ended = counted(r, TG_CTR_tw_expired);

		life_rig_check(r);
		/* Who loses the core for longer than an RTO finds that the server was patient no
		 * more; who is told everything twice has met a bug. */
		if (r->gen->repeats > r->gen->over)
			life_fail("the server said %" PRIu64 " things again", r->gen->repeats);
		if (run->o->close == LIFE_SERVER_CLOSES && ended == 0)
			life_fail("no TIME-WAIT record ended");
	}
}

/* Two engines' worth of bitmaps and lists are walked: for small runs. */
static void validate(const struct run *run)
{
	char why[256];

	for (uint32_t i = 0; i < run->o->rig_n; i++)
		if (!tg_engine_validate(life_worker(run->rig[i])->engine, why, sizeof(why)))
			life_fail("the server is not valid: %s", why);
}

static struct spread spread_by(const struct run *run, double (*of)(const struct window *, uint32_t),
			       uint32_t i)
{
	double *v = calloc(run->window_n, sizeof(*v));
	struct spread s;

	if (!v)
		life_fail("no memory");
	for (uint32_t w = 0; w < run->window_n; w++)
		v[w] = of(&run->window[w], i);
	s = spread_of(v, run->window_n);
	free(v);
	return s;
}

static double life_of(const struct window *w, uint32_t i)
{
	return w->life_ns[i];
}

static double mirror_of(const struct window *w, uint32_t i)
{
	(void)i;
	return w->mirror_ns;
}

/* The other's time to the first's: the rate of the first to its own. */
static double beside_of(const struct window *w, uint32_t i)
{
	return w->life_ns[i] / w->life_ns[0];
}

static double share_of(const struct window *w, uint32_t i)
{
	return w->share[i];
}

static void print_rig(const struct run *run, uint32_t i)
{
	struct life_rig *r = run->rig[i];
	struct tg_engine_stats stats;
	struct spread life = spread_by(run, life_of, i), share = spread_by(run, share_of, i);

	tg_engine_stats(life_worker(r)->engine, &stats);
	printf("%-10u %8.1f %8.1f %8.1f %9.2f %7.3f (%.3f .. %.3f)\n", r->gen->held, life.p50,
	       life.p10, life.p90, 1e3 / life.p50, share.p50, share.p10, share.p90);
	printf("  opened in %.1f s; TIME-WAIT: %u now, %" PRIu64 " ended; said again: %" PRIu64
	       "; memory of the engine: %s\n",
	       run->hold_s[i], stats.tw_count, counted(r, TG_CTR_tw_expired), r->gen->repeats,
	       r->host.hugepages ? "huge pages" : "ordinary, huge pages asked for (madvise)");
}

static void print_lost(const struct run *run)
{
	uint64_t n = 0, cycles = 0;

	for (uint32_t i = 0; i < run->o->rig_n; i++) {
		n += run->rig[i]->lost_n;
		cycles += run->rig[i]->lost;
	}
	printf("left out, because somebody else had the core for over %d ms: %" PRIu64 " rounds, "
	       "%.3f s\n",
	       LIFE_LOST_MS, n, (double)cycles / (double)rte_get_tsc_hz());
}

static void print(const struct run *run)
{
	struct spread mirror = spread_by(run, mirror_of, 0);
	struct memory_peak peak = memory_peak();

	printf("%-10s %8s %8s %8s %9s %7s\n", "live", "ns/life", "p10", "p90", "Mlives/s",
	       "share of 5tswap (p10 .. p90)");
	for (uint32_t i = 0; i < run->o->rig_n; i++)
		print_rig(run, i);
	if (run->o->rig_n > 1) {
		struct spread beside = spread_by(run, beside_of, 1);

		printf("rate at %u to rate at %u: %.3f (%.3f .. %.3f)\n", run->o->live[0],
		       run->o->live[1], beside.p50, beside.p10, beside.p90);
	}
	printf("5tswap: %.1f ns a packet (%.1f .. %.1f); packets a life: %.2f in, %.2f out; "
	       "%u windows of %d ms, %" PRIu64 " lives\n",
	       mirror.p50, mirror.p10, mirror.p90, (double)run->packets_in / (double)run->lives,
	       (double)run->packets_out / (double)run->lives, run->window_n, LIFE_WINDOW_MS,
	       run->lives);
	print_lost(run);
	printf("memory: %.2f GB resident at most, %.2f GB in huge pages\n",
	       (double)peak.resident / 1e9, (double)peak.huge / 1e9);
}

static void hold(struct run *run, uint32_t i)
{
	uint64_t before = rte_rdtsc();

	life_rig_hold(run->rig[i], run->o->live[i], HOLD_BATCH);
	run->hold_s[i] = (double)(rte_rdtsc() - before) / (double)rte_get_tsc_hz();
}

static int run_all(void *arg)
{
	struct run *run = arg;

	for (uint32_t i = 0; i < run->o->rig_n; i++) {
		struct life_rig_conf conf = rig_conf(run->o, i);

		run->rig[i] = calloc(1, sizeof(*run->rig[i]));
		if (!run->rig[i])
			life_fail("no memory");
		life_rig_plan(run->rig[i], &conf);
		life_rig_init(run->rig[i], &conf);
		hold(run, i);
	}
	measure(run);
	check_end(run);
	if (run->o->check)
		validate(run);
	print(run);
	for (uint32_t i = 0; i < run->o->rig_n; i++) {
		life_rig_fini(run->rig[i]);
		free(run->rig[i]);
	}
	return 0;
}

void life_run(const struct life_opts *o)
{
	struct run run = {.o = o};
	uint32_t lcore = life_eal_init(o->rig_n, o->verbose);

	run.window_n = o->seconds * 1000 / (LIFE_WINDOW_MS * (o->rig_n + 1));
	run.window_n = run.window_n ? run.window_n : 1;
	run.window = calloc(run.window_n, sizeof(*run.window));
	if (!run.window)
		life_fail("no memory");
	rte_eal_remote_launch(run_all, &run, lcore);
	rte_eal_wait_lcore(lcore);
	free(run.window);
	tg_eal_fini();
}
