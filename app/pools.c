/* SPDX-License-Identifier: BSD-3-Clause */
#include "pools.h"

#include "host.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* --- start --- */

int tg_pools_add(struct tg_engine *engine, const struct tg_plan *plan, char *err, size_t err_size)
{
	for (uint32_t i = 0; i < plan->pool_n; i++) {
		int rc = tg_engine_pool_add(engine, &plan->pool[i]);
		if (rc >= 0)
			continue;
		snprintf(err, err_size, "[pool %s] cannot be made: %s", plan->pool[i].name,
			 strerror(-rc));
		return -1;
	}
	return 0;
}

bool tg_pools_join(struct tg_pools *p, struct tg_conf *conf, struct tg_plan *plan,
		   struct tg_host *host)
{
	*p = (struct tg_pools){.conf = conf, .plan = plan, .host = host};
	if (plan->pool_n == 0)
		return true;
	p->box = calloc(1, sizeof(*p->box));
	p->told = calloc(plan->pool_n, sizeof(*p->told));
	if (!p->box || !p->told)
		return false;
	for (uint32_t w = 0; w < host->worker_n; w++) {
		struct tg_pools_share *s = &host->worker[w].pools;
		s->sight = calloc(plan->pool_n, sizeof(*s->sight));
		if (!s->sight)
			return false;
		s->n = plan->pool_n;
		s->box = p->box;
		tg_pools_show(s, host->worker[w].engine);
	}
	return true;
}

void tg_pools_fini(struct tg_pools *p)
{
	if (!p->host)
		return;
	for (uint32_t w = 0; w < p->host->worker_n && p->host->worker; w++) {
		free(p->host->worker[w].pools.sight);
		p->host->worker[w].pools = (struct tg_pools_share){.n = 0};
	}
	free(p->box);
	free(p->told);
	*p = (struct tg_pools){.host = NULL};
}

/* --- the worker's turns --- */

void tg_pools_take(struct tg_pools_share *s, struct tg_engine *engine)
{
	uint32_t posted = atomic_load_explicit(&s->box->posted, memory_order_acquire), refused = 0;
	if (posted == atomic_load_explicit(&s->taken, memory_order_relaxed))
		return;
	for (uint32_t i = 0; i < s->box->n; i++)
		if (tg_engine_pool_set(engine, (int)i, &s->box->pool[i]) != 0)
			refused |= 1u << i;
	atomic_store_explicit(&s->refused, refused, memory_order_relaxed);
	atomic_store_explicit(&s->taken, posted, memory_order_release);
}

void tg_pools_show(struct tg_pools_share *s, const struct tg_engine *engine)
{
	for (uint32_t i = 0; i < s->n; i++)
		tg_engine_pool_see(engine, (int)i, &s->sight[i]);
}

/* --- reload --- */

/* What a key says in two settings is the same. */
static bool is_same(const struct tg_key *key, const struct tg_settings *a,
		    const struct tg_settings *b)
{
	return memcmp((const uint8_t *)a + key->offset, (const uint8_t *)b + key->offset,
		      key->size) == 0;
}

/* Names the keys of a section that differ and that only a new start can change. */
static void name_fixed(const struct tg_conf *conf, const char *kind,
		       const struct tg_conf_section *old, const struct tg_conf_section *now,
		       uint32_t sections, bool (*is_live)(const struct tg_key *))
{
	for (uint32_t i = 0; i < tg_key_n; i++) {
		const struct tg_key *key = &tg_keys[i];
		if (!(key->section & sections) || key->size == 0 || (is_live && is_live(key)) ||
		    is_same(key, &old->set, &now->set))
			continue;
		printf("%s:%u: %s of [%s%s%s] is another one: it waits for the next start\n",
		       conf->file, tg_conf_line(now, key->name), key->name, kind,
		       now->name[0] ? " " : "", now->name);
	}
}

static struct tg_conf_section *find(struct tg_conf_section list[], uint32_t n, const char *name)
{
	for (uint32_t i = 0; i < n; i++)
		if (strcmp(list[i].name, name) == 0)
			return &list[i];
	return NULL;
}

/* Sections that came or went, and keys in the others. */
static void compare(const struct tg_conf *conf, const char *kind, struct tg_conf_section old[],
		    uint32_t old_n, struct tg_conf_section now[], uint32_t now_n, uint32_t sections,
		    bool (*is_live)(const struct tg_key *))
{
	for (uint32_t i = 0; i < old_n; i++)
		if (!find(now, now_n, old[i].name))
			printf("%s: [%s %s] is gone: it stays until the next start\n", conf->file,
			       kind, old[i].name);
	for (uint32_t i = 0; i < now_n; i++) {
		struct tg_conf_section *was = find(old, old_n, now[i].name);
		if (was)
			name_fixed(conf, kind, was, &now[i], sections, is_live);
		else
			printf("%s:%u: [%s %s] is new: it waits for the next start\n", conf->file,
			       now[i].line, kind, now[i].name);
	}
}

/* What a pool can learn while it lives. */
static bool is_live_key(const struct tg_key *key)
{
	static const char *const live[] = {
	    "backend",          "snat_address", "hash",  "check_ms",   "rise",     "fall",
	    "check_timeout_ms", "dead",         "allow", "allow_file", "deny_file"};
	for (size_t i = 0; i < sizeof(live) / sizeof(live[0]); i++)
		if (strcmp(key->name, live[i]) == 0)
			return true;
	return false;
}

/* Only what is live, so that the rest is named with every reload until the next start. */
static void take_live(struct tg_settings *to, const struct tg_settings *from)
{
	memcpy(to->backend, from->backend, sizeof(to->backend));
	memcpy(to->snat, from->snat, sizeof(to->snat));
	to->backend_n = from->backend_n;
	to->snat_n = from->snat_n;
	to->hash = from->hash;
	to->check_ms = from->check_ms;
	to->check_timeout_ms = from->check_timeout_ms;
	to->rise = from->rise;
	to->fall = from->fall;
	to->dead = from->dead;
}

/* Pools of the new file into the plan and the box; how many differ. */
static uint32_t fill_box(struct tg_pools *p, struct tg_conf *now)
{
	uint32_t changed = 0;
	for (uint32_t i = 0; i < p->conf->pool_n; i++) {
		struct tg_conf_section *old = &p->conf->pool[i];
		struct tg_conf_section *from = find(now->pool, now->pool_n, old->name);
		struct tg_pool_conf was = p->plan->pool[i];
		if (from)
			take_live(&old->set, &from->set);
		tg_plan_pool(old, &p->plan->pool[i]);
		if (memcmp(&was, &p->plan->pool[i], sizeof(was)) != 0) {
			printf("pool %s: %u backends\n", old->name, p->plan->pool[i].backend_n);
			changed++;
		}
		p->box->pool[i] = p->plan->pool[i];
	}
	p->box->n = p->plan->pool_n;
	return changed;
}

static bool is_taken(const struct tg_pools *p)
{
	uint32_t posted = atomic_load_explicit(&p->box->posted, memory_order_relaxed);
	for (uint32_t w = 0; w < p->host->worker_n; w++)
		if (atomic_load_explicit(&p->host->worker[w].pools.taken, memory_order_acquire) !=
		    posted)
			return false;
	return true;
}

static void name_all_fixed(struct tg_pools *p, struct tg_conf *now)
{
	struct tg_conf *old = p->conf; /* the other sections are live.c's */
	compare(now, "pool", old->pool, old->pool_n, now->pool, now->pool_n, TG_KEY_POOL,
		is_live_key);
}

void tg_pools_reload(void *pools)
{
	struct tg_pools *p = pools;
	char err[TG_CONF_ERR];
	struct tg_conf now;
	if (!p->box)
		return;
	if (p->is_open && !is_taken(p)) {
		p->must_reload = true; /* the box may be read just now */
		return;
	}
	if (tg_conf_load(&now, p->conf->file, err, sizeof(err)) != 0) {
		printf("%s\npools stay as they are\n", err);
		fflush(stdout);
		return;
	}
	name_all_fixed(p, &now);
	if (fill_box(p, &now)) {
		atomic_fetch_add_explicit(&p->box->posted, 1, memory_order_release);
		p->is_open = true;
	}
	tg_conf_free(&now);
	fflush(stdout);
}

/* A worker keeps a pool as it was when backends that still drain leave no room for the new. */
static void tell_refused(struct tg_pools *p)
{
	uint32_t refused = 0;
	for (uint32_t w = 0; w < p->host->worker_n; w++)
		refused |=
		    atomic_load_explicit(&p->host->worker[w].pools.refused, memory_order_relaxed);
	for (uint32_t i = 0; i < p->plan->pool_n; i++)
		if (refused >> i & 1)
			printf("pool %s stays as it is: with backends that still drain there are "
			       "more than %d; reload again later\n",
			       p->plan->pool[i].name, TG_BACKEND_MAX);
}

void tg_pools_poll(struct tg_pools *p)
{
	if (!p->box)
		return;
	tg_pools_tell_changes(p->host, p->told, stdout);
	if (!p->is_open || !is_taken(p))
		return;
	p->is_open = false;
	tell_refused(p);
	fflush(stdout);
	if (p->must_reload) {
		p->must_reload = false;
		tg_pools_reload(p);
	}
}
