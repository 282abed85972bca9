/* SPDX-License-Identifier: BSD-3-Clause */
/* plan_pool.c: pools and their VIPs into the plan. */
#include "plan.h"

#include <stdlib.h>
#include <sys/random.h>

/* What all workers choose backends by. A machine without randomness has worse to fear. */
static void draw_key(struct tg_sipkey *key)
{
	if (getrandom(key, sizeof(*key), 0) != (ssize_t)sizeof(*key))
		memset(key, 0, sizeof(*key));
}

uint32_t tg_plan_vip_n(const struct tg_conf *conf)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < conf->pool_n; i++)
		n += conf->pool[i].set.vip_n;
	return n;
}

static uint32_t share(uint32_t all, uint32_t worker_n)
{
	return (all + worker_n - 1) / worker_n;
}

/* A listener for each VIP. */
static void plan_vips(struct tg_plan *plan, const struct tg_conf *conf, uint32_t i)
{
	const struct tg_settings *s = &conf->pool[i].set;
	for (uint32_t k = 0; k < s->vip_n; k++) {
		struct tg_listener_conf *to = &plan->listener[plan->listener_n++];
		memcpy(to->name, conf->pool[i].name, sizeof(to->name));
		to->addr[0] = s->vip[k].addr;
		to->addr_n = 1;
		to->port = s->vip[k].port;
		to->syn_cookies = (uint8_t)s->syn_cookies;
		to->backlog = 1; /* nobody accepts: a splice is taken at once */
		to->synq_high = share(s->synq_high, plan->worker_n);
		to->synq_low = s->synq_low / plan->worker_n;
		tg_settings_listener(s, to);
		to->prefixes = tg_policy_of(&plan->policy, conf->listener_n + i);
		to->allow_n = 0; /* the set has them */
		to->tcp = s->tcp;
		to->has_pool = true;
		to->pool = (int16_t)i;
	}
}

void tg_plan_pool(const struct tg_conf_section *from, struct tg_pool_conf *to)
{
	memcpy(to->name, from->name, sizeof(to->name));
	tg_settings_pool(&from->set, to);
}

int tg_plan_pools(struct tg_plan *plan, const struct tg_conf *conf, char *err, size_t err_size)
{
	const struct tg_settings *s = &conf->engine.set;
	if (conf->pool_n == 0)
		return 0;
	if (plan->listener_n + tg_plan_vip_n(conf) > TG_LISTENER_MAX)
		return tg_conf_fail(conf, conf->pool[0].line, err, err_size,
				    "listeners and vips are over %d together", TG_LISTENER_MAX);
	plan->pool = calloc(conf->pool_n, sizeof(*plan->pool));
	if (!plan->pool)
		return tg_conf_fail(conf, 0, err, err_size, "out of memory");
	for (uint32_t i = 0; i < conf->pool_n; i++) {
		tg_plan_pool(&conf->pool[i], &plan->pool[i]);
		draw_key(&plan->pool[i].key);
		plan_vips(plan, conf, i);
	}
	plan->pool_n = conf->pool_n;
	plan->engine.pool_max = conf->pool_n;
	plan->engine.splice_max = share(s->splices ? s->splices : s->connections, plan->worker_n);
	return 0;
}
