/* SPDX-License-Identifier: BSD-3-Clause */
#include "pools.h"

#include "fleet.h"
#include "host.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* --- start --- */

static_assert(sizeof(((struct tg_pools *)0)->root) == TG_FLEET_POOLS_LEN, "as the file has it");
static_assert((int)TG_STEER_HOME_MAX >= TG_LISTENER_MAX + TG_PORT_MAX * TG_PORT_ADDR_MAX,
	      "every address and every VIP has a place");

static void take_key(struct tg_pool_conf *pool, const struct tg_fleet *fleet)
{
	if (fleet->box)
		pool->key = tg_fleet_file_pool_key(fleet->pools, pool->name);
}

void tg_pools_take_keys(struct tg_plan *plan, const struct tg_fleet *fleet)
{
	for (uint32_t i = 0; i < plan->pool_n; i++)
		take_key(&plan->pool[i], fleet);
}

bool tg_pools_is_transparent(const struct tg_plan *plan)
{
	for (uint32_t i = 0; i < plan->pool_n; i++)
		if (plan->pool[i].mode == TG_POOL_TRANSPARENT)
			return true;
	return false;
}

void tg_pools_steer(const struct tg_plan *plan, const struct tg_sipkey *key, struct tg_steer *steer)
{
	if (plan->worker_n == 1 || !tg_pools_is_transparent(plan))
		return;
	tg_steer_by_client(steer, key);
	for (uint32_t i = 0; i < plan->engine.port_n; i++)
		for (uint32_t k = 0; k < plan->engine.port[i].addr_n; k++)
			tg_steer_add_own(steer, &plan->engine.port[i].addr[k].addr);
	for (uint32_t i = 0; i < plan->listener_n; i++) {
		const struct tg_listener_conf *l = &plan->listener[i];
		if (l->has_pool && plan->pool[l->pool].mode == TG_POOL_TRANSPARENT)
			tg_steer_add_vip(steer, &l->addr[0], l->port);
	}
}

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
		   struct tg_host *host, const struct tg_fleet *fleet)
{
	*p = (struct tg_pools){.conf = conf, .plan = plan, .host = host, .fleet = fleet};
	memcpy(p->root, fleet->pools, sizeof(p->root));
	if (plan->pool_n == 0)
		return true;
	p->told = calloc(plan->pool_n, sizeof(*p->told));
	if (!p->told)
		return false;
	for (uint32_t w = 0; w < host->worker_n; w++) {
		struct tg_pools_share *s = &host->worker[w].pools;
		s->sight = calloc(plan->pool_n, sizeof(*s->sight));
		if (!s->sight)
			return false;
		s->n = plan->pool_n;
		tg_pools_show(s, host->worker[w].engine);
	}
	return true;
}

void tg_pools_fini(struct tg_pools *p)
{
	if (!p->host)
		return;
	for (uint32_t w = 0; w < p->host->worker_n; w++) {
		free(p->host->worker[w].pools.sight);
		p->host->worker[w].pools = (struct tg_pools_share){.n = 0};
	}
	free(p->told);
	*p = (struct tg_pools){.host = NULL};
}

/* --- while it runs --- */

void tg_pools_show(struct tg_pools_share *s, const struct tg_engine *engine)
{
	for (uint32_t i = 0; i < s->n; i++)
		tg_engine_pool_see(engine, (int)i, &s->sight[i]);
}

/* --- reload --- */

bool tg_pools_is_live(const struct tg_key *key)
{
	static const char *const live[] = {"backend",          "snat_address", "hash", "check_ms",
					   "check_timeout_ms", "rise",         "fall", "dead"};
	if (key->section != TG_KEY_POOL)
		return false;
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

/* What a worker is told of one pool, and whether its engine had room for it. */
struct letter {
	const struct tg_pool_conf *conf;
	int pool;
	_Atomic bool refused;
};

static void take_pool(void *arg, struct tg_engine *engine)
{
	struct letter *l = arg;
	if (tg_engine_pool_set(engine, l->pool, l->conf) != 0)
		l->refused = true;
}

/* Pool i of the plan, which was another one, to all workers; or, when one has no room, none. */
static bool change(struct tg_pools *p, uint32_t i, const struct tg_pool_conf *was)
{
	struct letter letter = {.conf = &p->plan->pool[i], .pool = (int)i};
	tg_host_tell(p->host, take_pool, &letter);
	if (!letter.refused)
		return true;
	p->plan->pool[i] = *was;
	letter.conf = was; /* some may have had room */
	tg_host_tell(p->host, take_pool, &letter);
	printf("reload: [pool %s] stays as it was: with backends that still drain there "
	       "are more than %d; reload again later\n",
	       was->name, TG_BACKEND_MAX);
	return false;
}

static const struct tg_conf_section *find(const struct tg_conf *conf, const char *name)
{
	for (uint32_t i = 0; i < conf->pool_n; i++)
		if (strcmp(conf->pool[i].name, name) == 0)
			return &conf->pool[i];
	return NULL;
}

void tg_pools_reload(struct tg_pools *p, const struct tg_conf *now)
{
	for (uint32_t i = 0; p->told && i < p->conf->pool_n; i++) {
		struct tg_conf_section *old = &p->conf->pool[i];
		const struct tg_conf_section *from = find(now, old->name);
		struct tg_pool_conf was = p->plan->pool[i];
		struct tg_settings set = old->set;
		if (!from)
			continue;
		take_live(&old->set, &from->set);
		tg_plan_pool(old, &p->plan->pool[i]);
		take_key(&p->plan->pool[i], p->fleet);
		if (memcmp(&was, &p->plan->pool[i], sizeof(was)) == 0)
			continue;
		if (change(p, i, &was))
			printf("reload: [pool %s] has %u backends now\n", was.name,
			       p->plan->pool[i].backend_n);
		else
			old->set = set;
	}
}

/* --- a fleet's file --- */

/* Its line `pools` is another one; or there is none, and the first secret is another one. What the
 * reload has not changed yet, because the secrets before were still being taken, is changed now. */
static void follow_fleet(struct tg_pools *p)
{
	memcpy(p->root, p->fleet->pools, sizeof(p->root));
	for (uint32_t i = 0; i < p->plan->pool_n; i++) {
		struct tg_pool_conf was = p->plan->pool[i];
		take_key(&p->plan->pool[i], p->fleet);
		if (memcmp(&was.key, &p->plan->pool[i].key, sizeof(was.key)) != 0)
			change(p, i, &was);
	}
	printf("fleet: pools choose by another key, %s: new connections of most clients go to "
	       "other backends\n",
	       p->fleet->view.pools_id);
	fflush(stdout);
}

void tg_pools_poll(struct tg_pools *p)
{
	if (!p->told)
		return;
	if (memcmp(p->root, p->fleet->pools, sizeof(p->root)) != 0)
		follow_fleet(p);
	tg_pools_tell_changes(p->host, p->told, stdout);
}
