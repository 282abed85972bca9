/* SPDX-License-Identifier: BSD-3-Clause */
#include "live.h"

#include <stdarg.h>
#include <stdio.h>

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *format, ...)
{
	va_list args;
	printf("reload: ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
}

/* --- what needs a restart --- */

static bool is_live(const struct tg_key *key)
{
	static const char *const live[] = {"allow", "allow_file", "deny_file"};
	for (uint32_t i = 0; i < sizeof(live) / sizeof(live[0]); i++)
		if (strcmp(key->name, live[i]) == 0)
			return true;
	return tg_pools_is_live(key);
}

/* Lists are zero behind their last member, so their bytes say all. */
static bool is_changed(const struct tg_key *key, const struct tg_conf_section *a,
		       const struct tg_conf_section *b)
{
	uint32_t i = (uint32_t)(key - tg_keys);
	if (!a->key_line[i] && !b->key_line[i])
		return false;
	return memcmp((const uint8_t *)&a->set + key->offset,
		      (const uint8_t *)&b->set + key->offset, key->size) != 0;
}

static uint32_t name_changes(const char *kind, uint32_t sections, const struct tg_conf_section *old,
			     const struct tg_conf_section *new)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < tg_key_n; i++) {
		const struct tg_key *key = &tg_keys[i];
		if (!(key->section & sections) || is_live(key) || !is_changed(key, old, new))
			continue;
		n++;
		say("[%s%s%s] %s has changed: that needs a restart", kind, old->name[0] ? " " : "",
		    old->name, key->name);
	}
	return n;
}

static const struct tg_conf_section *find(const struct tg_conf_section list[], uint32_t n,
					  const char *name)
{
	for (uint32_t i = 0; i < n; i++)
		if (strcmp(list[i].name, name) == 0)
			return &list[i];
	return NULL;
}

static uint32_t name_sections(const char *kind, uint32_t sections,
			      const struct tg_conf_section old[], uint32_t old_n,
			      const struct tg_conf_section new[], uint32_t new_n)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < old_n; i++) {
		const struct tg_conf_section *now = find(new, new_n, old[i].name);
		if (now)
			n += name_changes(kind, sections, &old[i], now);
		else
			n++, say("[%s %s] is gone: that needs a restart", kind, old[i].name);
	}
	for (uint32_t i = 0; i < new_n; i++)
		if (!find(old, old_n, new[i].name))
			n++, say("[%s %s] is new: that needs a restart", kind, new[i].name);
	return n;
}

static void name_all(const struct tg_live *l, const struct tg_conf *new)
{
	const struct tg_conf *old = l->conf;
	uint32_t n =
	    name_changes("engine", TG_KEY_ENGINE | TG_KEY_CONN, &old->engine, &new->engine);
	n += name_sections("port", TG_KEY_PORT, old->port, old->port_n, new->port, new->port_n);
	n += name_sections("listener", TG_KEY_LISTENER | TG_KEY_CONN, old->listener,
			   old->listener_n, new->listener, new->listener_n);
	n += name_sections("pool", TG_KEY_POOL, old->pool, old->pool_n, new->pool, new->pool_n);
	if (!old->fleet.line != !new->fleet.line)
		n++, say("[fleet] has come or gone: that needs a restart");
	n += name_changes("fleet", TG_KEY_FLEET, &old->fleet, &new->fleet);
	say("%s", n ? "what needs a restart stays as it was" : "done");
}

/* --- prefixes --- */

/* What each worker is told: the set of each of its listeners. */
struct letter {
	const struct tg_prefixes *set[TG_LISTENER_MAX];
	uint32_t n;
};

static void take_sets(void *arg, struct tg_engine *engine)
{
	const struct letter *letter = arg;
	for (uint32_t i = 0; i < letter->n; i++)
		tg_engine_set_prefixes(engine, (int)i, letter->set[i]);
}

/* The sets of the new file, in the order of the sections that are served; false: one of those is
 * not there any more. */
static bool sort_sets(const struct tg_conf *old, const struct tg_conf *new,
		      struct tg_policy *policy)
{
	uint32_t of[TG_LISTENER_MAX + TG_POOL_MAX], n = old->listener_n + old->pool_n;
	for (uint32_t i = 0; i < n; i++) {
		bool pool = i >= old->listener_n;
		const struct tg_conf_section *list = pool ? new->pool : new->listener;
		const struct tg_conf_section *now = find(list, pool ? new->pool_n : new->listener_n,
							 tg_policy_section(old, i)->name);
		if (!now)
			return false;
		of[i] = policy->of[now - list + (pool ? new->listener_n : 0)];
	}
	/* There are as many as before, or more. */
	memcpy(policy->of, of, n * sizeof(of[0]));
	policy->section_n = n;
	return true;
}

/* policy is the plan's afterwards, or empty. */
static void swap_sets(struct tg_live *l, const struct tg_conf *new, struct tg_policy *policy)
{
	struct tg_policy *old = &l->plan->policy;
	struct letter letter = {.n = l->plan->listener_n};
	if (!sort_sets(l->conf, new, policy)) {
		say("a listener or pool is gone: all keep the prefixes that they had");
		tg_policy_fini(policy);
		return;
	}
	for (uint32_t i = 0; i < letter.n; i++) {
		const struct tg_listener_conf *c = &l->plan->listener[i];
		letter.set[i] =
		    tg_policy_of(policy, c->has_pool ? l->conf->listener_n + (uint32_t)c->pool : i);
	}
	tg_host_tell(l->host, take_sets, &letter);
	tg_policy_print(policy, l->conf, "reload: ", stdout);
	tg_policy_fini(old); /* no worker looks at it any more */
	*old = *policy;
}

void tg_live_reload(void *ctx)
{
	struct tg_live *l = ctx;
	struct tg_policy policy;
	struct tg_conf new;
	char err[TG_CONF_ERR];
	if (tg_conf_load(&new, l->conf->file, err, sizeof(err)) != 0) {
		say("%s; all stays as it was", err);
		return;
	}
	if (tg_policy_init(&policy, &new, err, sizeof(err)) != 0) {
		say("%s; all stays as it was", err);
		tg_conf_free(&new);
		return;
	}
	swap_sets(l, &new, &policy);
	tg_pools_reload(l->pools, &new);
	name_all(l, &new);
	tg_conf_free(&new);
}
