/* SPDX-License-Identifier: BSD-3-Clause */
#include "pools.h"

#include "host.h"

#include <rte_telemetry.h>

enum { TEXT_MAX = 64 };

/* --- sums --- */

/* Where workers disagree, the worst is what an operator must know. */
static uint8_t worst(uint8_t a, uint8_t b)
{
	if (a == TG_BACKEND_DOWN || b == TG_BACKEND_DOWN)
		return TG_BACKEND_DOWN;
	return a == b ? a : TG_BACKEND_UNKNOWN;
}

static bool is_same(const struct tg_backend_conf *a, const struct tg_backend_conf *b)
{
	return a->port == b->port && tg_addr_equal(&a->addr, &b->addr);
}

static void add_backend(struct tg_pool_sight *sum, const struct tg_backend_sight *b)
{
	for (uint32_t i = 0; i < sum->backend_n; i++) {
		struct tg_backend_sight *s = &sum->backend[i];
		if (!is_same(&s->conf, &b->conf))
			continue;
		s->state = worst(s->state, b->state);
		s->removed &= b->removed;
		s->flows += b->flows;
		s->flows_all += b->flows_all;
		s->probes += b->probes;
		s->failed += b->failed;
		s->since_ms = s->since_ms > b->since_ms ? s->since_ms : b->since_ms;
		return;
	}
	if (sum->backend_n < TG_BACKEND_MAX)
		sum->backend[sum->backend_n++] = *b;
}

bool tg_pools_sum(struct tg_host *h, uint32_t i, struct tg_pool_sight *sum)
{
	struct tg_pool_sight one;
	if (!tg_worker_see_pool(&h->worker[0], i, sum))
		return false;
	for (uint32_t w = 1; w < h->worker_n; w++) {
		tg_worker_see_pool(&h->worker[w], i, &one);
		for (uint32_t b = 0; b < one.backend_n; b++)
			add_backend(sum, &one.backend[b]);
	}
	return true;
}

/* --- text --- */

static const char *state_name(const struct tg_backend_sight *b)
{
	if (b->state == TG_BACKEND_UP && (b->removed || b->conf.weight == 0))
		return "draining";
	return tg_backend_state_name((enum tg_backend_state)b->state);
}

void tg_pools_print(const struct tg_plan *plan, FILE *out)
{
	char text[TEXT_MAX];
	if (plan->worker_n > 1 && tg_pools_is_transparent(plan))
		fprintf(out, "steering: all flows of one client of a transparent pool are one "
			     "worker's, by its address, in software\n");
	for (uint32_t i = 0; i < plan->pool_n; i++) {
		const struct tg_pool_conf *p = &plan->pool[i];
		fprintf(out, "pool %s: %s, %u backends\n", p->name,
			p->mode == TG_POOL_SNAT ? "snat" : "transparent", p->backend_n);
		for (uint32_t b = 0; b < p->backend_n; b++)
			fprintf(out, "  backend %s, weight %u\n",
				tg_endpoint_format(&p->backend[b].addr, p->backend[b].port, text,
						   sizeof(text)),
				p->backend[b].weight);
	}
}

void tg_pools_line(struct tg_host *h, FILE *out)
{
	struct tg_pool_sight sum;
	uint32_t n = 0, up = 0, flows = 0;
	for (uint32_t i = 0; tg_pools_sum(h, i, &sum); i++) {
		for (uint32_t b = 0; b < sum.backend_n; b++) {
			n += !sum.backend[b].removed;
			up += !sum.backend[b].removed && sum.backend[b].state == TG_BACKEND_UP;
			flows += sum.backend[b].flows;
		}
	}
	if (n)
		fprintf(out, "  backends %u/%u up, %u flows", up, n, flows);
}

static void describe(const struct tg_profile *p, char *text, size_t size)
{
	char scale[16] = "none";
	if (p->wscale != TG_NO_WSCALE)
		snprintf(scale, sizeof(scale), "%u", p->wscale);
	snprintf(text, size, "MSS %u, window scale %s, SACK %s, timestamps %s", p->mss, scale,
		 p->sack ? "on" : "off", p->ts ? "on" : "off");
}

static void tell_change(const struct tg_pool_sight *pool, const struct tg_backend_sight *b,
			FILE *out)
{
	char text[TEXT_MAX], profile[96] = "";
	if (b->state == TG_BACKEND_UP && b->profile.known)
		describe(&b->profile, profile, sizeof(profile));
	fprintf(out, "pool %s: backend %s is %s%s%s\n", pool->name,
		tg_endpoint_format(&b->conf.addr, b->conf.port, text, sizeof(text)),
		tg_backend_state_name((enum tg_backend_state)b->state), profile[0] ? ": " : "",
		profile);
}

static void tell_pool(const struct tg_pool_sight *now, struct tg_pool_sight *before, FILE *out)
{
	bool told = false;
	for (uint32_t i = 0; i < now->backend_n; i++) {
		const struct tg_backend_sight *b = &now->backend[i];
		uint8_t was = TG_BACKEND_UNKNOWN;
		for (uint32_t k = 0; k < before->backend_n; k++)
			if (is_same(&before->backend[k].conf, &b->conf))
				was = before->backend[k].state;
		if (b->state == was)
			continue;
		tell_change(now, b, out);
		told = true;
	}
	*before = *now;
	if (told)
		fflush(out);
}

void tg_pools_tell_changes(struct tg_host *h, struct tg_pool_sight before[], FILE *out)
{
	struct tg_pool_sight now;
	for (uint32_t i = 0; tg_pools_sum(h, i, &now); i++)
		tell_pool(&now, &before[i], out);
}

/* --- telemetry --- */

static struct rte_tel_data *tell_backend(const struct tg_pool_sight *pool,
					 const struct tg_backend_sight *b)
{
	struct rte_tel_data *d = rte_tel_data_alloc();
	char text[TEXT_MAX];
	if (!d)
		return NULL;
	rte_tel_data_start_dict(d);
	rte_tel_data_add_dict_string(d, "pool", pool->name);
	rte_tel_data_add_dict_string(
	    d, "address", tg_endpoint_format(&b->conf.addr, b->conf.port, text, sizeof(text)));
	rte_tel_data_add_dict_string(d, "mode",
				     pool->mode == TG_POOL_SNAT ? "snat" : "transparent");
	rte_tel_data_add_dict_string(d, "state", state_name(b));
	rte_tel_data_add_dict_u64(d, "weight", b->removed ? 0 : b->conf.weight);
	rte_tel_data_add_dict_u64(d, "flows", b->flows);
	rte_tel_data_add_dict_u64(d, "flows_all", b->flows_all);
	rte_tel_data_add_dict_u64(d, "probes", b->probes);
	rte_tel_data_add_dict_u64(d, "probes_failed", b->failed);
	if (b->profile.known) {
		rte_tel_data_add_dict_u64(d, "mss", b->profile.mss);
		if (b->profile.wscale != TG_NO_WSCALE)
			rte_tel_data_add_dict_u64(d, "window_scale", b->profile.wscale);
		rte_tel_data_add_dict_string(d, "sack", b->profile.sack ? "on" : "off");
		rte_tel_data_add_dict_string(d, "timestamps", b->profile.ts ? "on" : "off");
	}
	return d;
}

bool tg_pools_tell(struct tg_host *h, uint32_t i, struct rte_tel_data *d)
{
	struct tg_pool_sight sum;
	char key[48];
	if (!tg_pools_sum(h, i, &sum))
		return false;
	for (uint32_t b = 0; b < sum.backend_n; b++) {
		struct rte_tel_data *one = tell_backend(&sum, &sum.backend[b]);
		snprintf(key, sizeof(key), "%u_%u", i, b);
		if (one)
			rte_tel_data_add_dict_container(d, key, one, 0);
	}
	return true;
}
