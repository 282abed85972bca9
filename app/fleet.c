/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "fleet.h"

#include "cli.h"
#include "host.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

enum { STEP_MS = 10, NAMES_MAX = 64 };

/* The least that an engine's memory takes. */
static const size_t huge_page = 2 << 20;

static_assert((int)TG_FLEET_SECRET_LEN == (int)TG_COOKIE_SECRET_LEN,
	      "a line of the file is a secret");
static_assert((int)TG_FLEET_SECRET_MAX == (int)TG_COOKIE_SECRET_MAX,
	      "the file holds what an engine takes");

/* --- the time of day --- */

static int64_t clock_ns(clockid_t id)
{
	struct timespec ts;
	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* The wall clock in ms, and *now_ns of the worker's clock at the same moment: taken again when the
 * worker was put aside in between. */
static uint64_t wall_at(struct tg_clock *clock, uint64_t *now_ns)
{
	int64_t wall = 0;
	for (int tries = 0; tries < 3; tries++) {
		uint64_t before = tg_clock_now(clock);
		wall = clock_ns(CLOCK_REALTIME);
		*now_ns = tg_clock_now(clock);
		if (*now_ns - before < TG_NS_PER_MS)
			break;
	}
	return wall > 0 ? (uint64_t)wall / TG_NS_PER_MS : 0;
}

/* What turns the monotonic clock into the wall clock: NTP turns both at one speed, so this moves
 * by steps alone. */
static int64_t wall_offset(void)
{
	int64_t best = 0, least = INT64_MAX;
	for (int tries = 0; tries < 3; tries++) {
		int64_t before = clock_ns(CLOCK_MONOTONIC), wall = clock_ns(CLOCK_REALTIME);
		int64_t took = clock_ns(CLOCK_MONOTONIC) - before;
		if (took >= least)
			continue;
		least = took;
		best = wall - before - took / 2;
	}
	return best;
}

static bool is_synchronised(void)
{
	struct timex t = {.modes = 0};
	return adjtimex(&t) != TIME_ERROR && !(t.status & STA_UNSYNC);
}

/* --- secrets --- */

static int read_secrets(const struct tg_settings *set, bool again, struct tg_fleet_secrets *s,
			char *err, size_t err_size)
{
	return set->secret_fd ? tg_fleet_file_read_fd((int)set->secret_fd, again, s, err, err_size)
			      : tg_fleet_file_read(set->secret_file, s, err, err_size);
}

static void names(const struct tg_fleet_view *v, char text[NAMES_MAX])
{
	snprintf(text, NAMES_MAX, "mints with %s%s%s", v->id[0],
		 v->secret_n > 1 ? ", accepts " : "", v->secret_n > 1 ? v->id[1] : "");
}

static void view_secrets(struct tg_fleet_view *v, const struct tg_fleet_secrets *s)
{
	v->secret_n = s->n;
	for (uint32_t i = 0; i < s->n; i++)
		tg_fleet_file_id(s->secret[i], v->id[i]);
}

static void view_pools(struct tg_fleet *f, struct tg_fleet_view *v)
{
	tg_fleet_file_pools(&f->box->secrets, f->pools);
	tg_fleet_file_pools_id(f->pools, v->pools_id);
}

static bool has_name(const struct tg_fleet_view *v, const char *id)
{
	for (uint32_t i = 0; i < v->secret_n; i++)
		if (strcmp(v->id[i], id) == 0)
			return true;
	return false;
}

/* Whether nodes that have the old file and nodes that have this one refuse each other's cookies. */
static bool is_gap(const struct tg_fleet_view *old, const struct tg_fleet_view *now)
{
	return !has_name(now, old->id[0]) || !has_name(old, now->id[0]);
}

static bool same_secrets(const struct tg_fleet_view *a, const struct tg_fleet_view *b)
{
	return a->secret_n == b->secret_n && strcmp(a->id[0], b->id[0]) == 0 &&
	       (a->secret_n < 2 || strcmp(a->id[1], b->id[1]) == 0);
}

/* --- the box --- */

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* Neither may fail the start: where they are refused, less is hidden. */
static void hide(void *mem, size_t size)
{
	madvise(mem, size, MADV_DONTDUMP);
	if (mlock(mem, size) != 0)
		errno = 0; /* RLIMIT_MEMLOCK */
}

static struct tg_fleet_box *box_new(void)
{
	void *p =
	    mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	hide(p, page_size());
	return p;
}

static bool is_taken(const struct tg_fleet *f)
{
	uint32_t posted = atomic_load_explicit(&f->box->posted, memory_order_relaxed);
	for (uint32_t w = 0; w < f->host->worker_n; w++)
		if (atomic_load_explicit(&f->host->worker[w].fleet_taken, memory_order_acquire) !=
		    posted)
			return false;
	return true;
}

void tg_fleet_take(const struct tg_fleet_box *box, struct tg_engine *engine, struct tg_clock *clock,
		   _Atomic uint32_t *taken)
{
	uint64_t now_ns = 0, wall_ms = wall_at(clock, &now_ns);
	tg_engine_set_wall(engine, wall_ms, now_ns);
	uint32_t posted = atomic_load_explicit(&box->posted, memory_order_acquire);
	if (posted == atomic_load_explicit(taken, memory_order_relaxed))
		return;
	tg_engine_set_secrets(engine, box->secrets.secret, box->secrets.n);
	atomic_store_explicit(taken, posted, memory_order_release);
}

/* --- start and end --- */

int tg_fleet_init(struct tg_fleet *f, const struct tg_conf *conf, char *err, size_t err_size)
{
	char text[TG_CONF_ERR];
	memset(f, 0, sizeof(*f));
	pthread_mutex_init(&f->lock, NULL);
	if (conf->fleet.line == 0)
		return 0;
	f->set = &conf->fleet.set;
	f->box = box_new();
	if (!f->box)
		return tg_conf_fail(conf, conf->fleet.line, err, err_size, "out of memory");
	if (read_secrets(f->set, false, &f->box->secrets, text, sizeof(text)) != 0) {
		const char *key = f->set->secret_fd ? "secret_fd" : "secret_file";
		tg_fleet_fini(f);
		return tg_conf_fail(conf, tg_conf_line(&conf->fleet, key), err, err_size, "%s",
				    text);
	}
	view_secrets(&f->view, &f->box->secrets);
	view_pools(f, &f->view);
	f->view.skew_ms = f->set->skew_ms;
	f->view.is_synchronised = is_synchronised();
	f->wall_ns = wall_offset();
	return 0;
}

void tg_fleet_join(struct tg_fleet *f, struct tg_host *host)
{
	if (!f->box)
		return;
	f->host = host;
	host->fleet = f;
	atomic_store_explicit(&f->box->posted, 1, memory_order_release);
	for (uint32_t w = 0; w < host->worker_n; w++) {
		struct tg_worker *worker = &host->worker[w];
		/* Its struct, with the keys, stands at the start of its memory. */
		hide(worker->engine, huge_page);
		worker->fleet = f->box;
		tg_fleet_take(f->box, worker->engine, &worker->clock, &worker->fleet_taken);
	}
	tg_fleet_file_wipe(&f->box->secrets);
}

void tg_fleet_fini(struct tg_fleet *f)
{
	if (f->box) {
		tg_fleet_file_wipe(&f->box->secrets);
		munmap(f->box, page_size());
	}
	f->box = NULL;
	f->host = NULL;
}

/* --- while it runs --- */

static void refuse(struct tg_fleet *f, const char *err)
{
	pthread_mutex_lock(&f->lock);
	f->view.refused_n++;
	pthread_mutex_unlock(&f->lock);
	tg_cli_failed("serve", "fleet: %s; the old secrets stay", err);
}

/* Those in the box are good: workers may have them. */
static void post(struct tg_fleet *f)
{
	struct tg_fleet_view old = f->view, now = f->view; /* only this thread writes it */
	char text[NAMES_MAX];
	view_secrets(&now, &f->box->secrets);
	view_pools(f, &now);
	now.reload_n++;
	pthread_mutex_lock(&f->lock);
	f->view = now;
	pthread_mutex_unlock(&f->lock);
	names(&now, text);
	printf("fleet: read again, %s%s\n", text, same_secrets(&old, &now) ? ", as before" : "");
	fflush(stdout);
	if (is_gap(&old, &now))
		tg_cli_failed("serve",
			      "fleet: from %s to %s in one step: handshakes in flight are refused; "
			      "`tidegate fleet-key --help` has the steps that lose none",
			      old.id[0], now.id[0]);
	atomic_fetch_add_explicit(&f->box->posted, 1, memory_order_release);
	f->is_open = true;
}

void tg_fleet_reload(void *fleet)
{
	struct tg_fleet *f = fleet;
	char err[TG_CONF_ERR];
	/* Workers that are held up may still be reading: then at the next turn. */
	f->must_reload = f->is_open;
	if (!f->box || f->is_open)
		return;
	if (read_secrets(f->set, true, &f->box->secrets, err, sizeof(err)) == 0)
		post(f);
	else
		refuse(f, err);
}

static void look_at_clock(struct tg_fleet *f)
{
	int64_t offset = wall_offset(), step_ms = (offset - f->wall_ns) / (int64_t)TG_NS_PER_MS;
	bool good = is_synchronised(), turned = good != f->view.is_synchronised;
	bool stepped = llabs(step_ms) >= STEP_MS;
	if (stepped)
		f->wall_ns = offset;
	if (!stepped && !turned)
		return;
	pthread_mutex_lock(&f->lock);
	f->view.is_synchronised = good;
	if (stepped) {
		f->view.step_n++;
		f->view.step_ms = step_ms;
	}
	pthread_mutex_unlock(&f->lock);
	if (stepped)
		tg_cli_failed("serve",
			      "fleet: the wall clock jumped by %+lld ms: cookies minted before may "
			      "be refused",
			      (long long)step_ms);
	if (turned)
		tg_cli_failed("serve", "fleet: the wall clock is %s synchronised",
			      good ? "now" : "no longer");
}

void tg_fleet_poll(struct tg_fleet *f)
{
	if (!f->box)
		return;
	if (f->is_open && is_taken(f)) {
		tg_fleet_file_wipe(&f->box->secrets);
		f->is_open = false;
	}
	if (f->must_reload)
		tg_fleet_reload(f);
	look_at_clock(f);
}

/* --- sight --- */

void tg_fleet_print(const struct tg_fleet *f, FILE *out)
{
	char text[NAMES_MAX];
	if (!f->box)
		return;
	names(&f->view, text);
	fprintf(out, "fleet: %s, clocks at most %u ms apart\n", text, f->view.skew_ms);
	if (!f->view.is_synchronised)
		tg_cli_failed("serve",
			      "fleet: the wall clock is not synchronised: another node's cookies "
			      "are refused where it is off by more; run chrony (or another NTP)");
}

bool tg_fleet_see(struct tg_fleet *f, struct tg_fleet_view *view)
{
	if (!f || !f->box)
		return false;
	pthread_mutex_lock(&f->lock);
	*view = f->view;
	pthread_mutex_unlock(&f->lock);
	return true;
}
