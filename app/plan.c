/* SPDX-License-Identifier: BSD-3-Clause */
#include "plan.h"
#include "kernel.h"
#include "tg_services.h"

#include <stdlib.h>

enum { TIMER_BUDGET = 1024, PART_MAX = 32 };

static void plan_port(struct tg_port_conf *to, const struct tg_conf_section *from)
{
	const struct tg_settings *s = &from->set;
	memcpy(to->name, from->name, sizeof(to->name));
	memcpy(to->addr, s->addr, sizeof(to->addr));
	to->addr_n = s->addr_n;
	to->mtu = (uint16_t)s->mtu;
	to->vlan = (uint16_t)s->vlan;
	tg_settings_kernel(s, to);
	for (uint32_t i = 0; i < s->gateway_n; i++) {
		if (tg_addr_is_v4(&s->gateway[i])) {
			to->gateway4 = s->gateway[i];
			to->has_gateway4 = true;
		} else {
			to->gateway6 = s->gateway[i];
			to->has_gateway6 = true;
		}
	}
	if (s->mac[0])
		tg_mac_parse(s->mac, &to->mac);
	if (s->gateway_mac[0])
		to->has_static_neigh = tg_mac_parse(s->gateway_mac, &to->static_neigh);
}

/* What is meant for all workers together, a worker has its share of. */
static uint32_t share(uint32_t all, uint32_t worker_n)
{
	return (all + worker_n - 1) / worker_n;
}

static int plan_listener(struct tg_plan *plan, const struct tg_conf *conf, uint32_t i, char *err,
			 size_t err_size)
{
	const struct tg_conf_section *from = &conf->listener[i];
	const struct tg_settings *s = &from->set;
	struct tg_listener_conf *to = &plan->listener[i];
	memcpy(to->name, from->name, sizeof(to->name));
	memcpy(to->addr, s->listen_addr, sizeof(to->addr));
	to->addr_n = s->listen_addr_n;
	to->port = (uint16_t)s->listen_port;
	to->syn_cookies = (uint8_t)s->syn_cookies;
	to->backlog = share(s->backlog, plan->worker_n);
	to->synq_high = share(s->synq_high, plan->worker_n);
	to->synq_low = s->synq_low / plan->worker_n;
	tg_settings_listener(s, to);
	to->prefixes = tg_policy_of(&plan->policy, i);
	to->allow_n = 0; /* the set has them */
	to->tcp = s->tcp;
	to->service = tg_service_find(s->service);
	if (to->service)
		return 0;
	char names[256] = "";
	for (uint32_t k = 0; k < tg_service_n; k++)
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s",
			 k ? ", " : "", tg_services[k]->name);
	return tg_conf_fail(conf, tg_conf_line(from, "service"), err, err_size,
			    "service = %s: there is no such service; there are %s", s->service,
			    names);
}

/* Every service that a listener names is laid out once. */
static void add_service(struct tg_engine_conf *engine, const struct tg_service *service)
{
	for (uint32_t i = 0; i < engine->service_n; i++)
		if (engine->service[i] == service)
			return;
	if (engine->service_n < TG_SERVICE_MAX)
		engine->service[engine->service_n++] = service;
}

/* The number in a line of a file of /proc; 0 when it is not there. */
static uint64_t proc_number(const char *file, const char *format)
{
	unsigned long long n = 0;
	char line[128];
	bool found = false;
	FILE *f = fopen(file, "re");
	if (!f)
		return 0;
	while (!found && fgets(line, sizeof(line), f))
		found = sscanf(line, format, &n) == 1;
	fclose(f);
	return n;
}

static uint64_t meminfo(const char *format)
{
	return proc_number("/proc/meminfo", format);
}

uint64_t tg_plan_memory_used(void)
{
	return (proc_number("/proc/self/status", "VmRSS: %llu kB") +
		proc_number("/proc/self/status", "HugetlbPages: %llu kB"))
	       << 10;
}

static uint64_t need_mb(const struct tg_plan *plan)
{
	return (plan->engine_bytes * plan->worker_n + (1 << 20) - 1) >> 20;
}

static int too_much(const struct tg_conf *conf, uint64_t need, uint64_t have, const char *when,
		    char *err, size_t err_size)
{
	return tg_conf_fail(conf, tg_conf_line(&conf->engine, "connections"), err, err_size,
			    "connections = %u takes %llu MiB in all, and this machine has %llu "
			    "MiB%s: lower connections, time_wait or buffer_mb",
			    conf->engine.set.connections, (unsigned long long)need,
			    (unsigned long long)have, when);
}

static int check_memory(const struct tg_plan *plan, const struct tg_conf *conf, char *err,
			size_t err_size)
{
	uint64_t need = need_mb(plan), limit = conf->engine.set.memory_mb;
	uint64_t have = meminfo("MemTotal: %llu kB") >> 10;
	if (limit && need > limit)
		return tg_conf_fail(
		    conf, tg_conf_line(&conf->engine, "memory_mb"), err, err_size,
		    "memory_mb = %llu is too little: the plan takes %llu MiB; raise "
		    "it, or lower connections, time_wait or buffer_mb",
		    (unsigned long long)limit, (unsigned long long)need);
	return have && need > have ? too_much(conf, need, have, "", err, err_size) : 0;
}

int tg_plan_fits(const struct tg_plan *plan, const struct tg_conf *conf, uint64_t extra_mb,
		 char *err, size_t err_size)
{
	uint64_t need = need_mb(plan) + extra_mb, have = meminfo("MemAvailable: %llu kB");
	if (have == 0)
		return 0; /* a kernel that does not tell */
	uint64_t pages = meminfo("HugePages_Free: %llu"), taken = meminfo("HugePages_Rsvd: %llu");
	have += (pages > taken ? pages - taken : 0) * meminfo("Hugepagesize: %llu kB");
	have >>= 10;
	return need > have ? too_much(conf, need, have, " free now", err, err_size) : 0;
}

int tg_plan_init(struct tg_plan *plan, const struct tg_conf *conf, char *err, size_t err_size)
{
	memset(plan, 0, sizeof(*plan));
	if (tg_kernel_check(conf, err, err_size) != 0)
		return -1;
	if (tg_policy_init(&plan->policy, conf, err, err_size) != 0)
		return -1;
	plan->worker_n = conf->engine.set.workers;
	plan->idle = conf->engine.set.idle;
	plan->listener = calloc(conf->listener_n + tg_plan_vip_n(conf), sizeof(*plan->listener));
	if (!plan->listener) {
		tg_plan_fini(plan);
		return tg_conf_fail(conf, 0, err, err_size, "out of memory");
	}
	plan->listener_n = conf->listener_n;
	tg_settings_engine(&conf->engine.set, plan->worker_n, &plan->engine);
	plan->engine.timer_budget = TIMER_BUDGET;
	plan->engine.fleet = conf->fleet.line != 0;
	plan->engine.fleet_skew_ms = conf->fleet.set.skew_ms;
	plan->engine.port_n = conf->port_n;
	for (uint32_t i = 0; i < conf->port_n; i++)
		plan_port(&plan->engine.port[i], &conf->port[i]);
	for (uint32_t i = 0; i < conf->listener_n; i++) {
		if (plan_listener(plan, conf, i, err, err_size) != 0) {
			tg_plan_fini(plan);
			return -1;
		}
		add_service(&plan->engine, plan->listener[i].service);
	}
	if (tg_plan_pools(plan, conf, err, err_size) != 0) {
		tg_plan_fini(plan);
		return -1;
	}
	plan->engine_bytes = tg_engine_footprint(&plan->engine);
	if (check_memory(plan, conf, err, err_size) != 0) {
		tg_plan_fini(plan);
		return -1;
	}
	return 0;
}

void tg_plan_fini(struct tg_plan *plan)
{
	tg_policy_fini(&plan->policy);
	free(plan->listener);
	free(plan->pool);
	plan->listener = NULL;
	plan->pool = NULL;
	plan->listener_n = plan->pool_n = 0;
}
