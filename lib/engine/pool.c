/* SPDX-License-Identifier: BSD-3-Clause */
/* pool.c: pools of backends, the choice among them and what may be promised; see pool.h. */
#include "pool_int.h"

enum {
	TRIES = 32, /* turns of the hash before every live backend is looked at */
	MSS_V4 = 536,
	MSS_V6 = 1220, /* what every host takes: RFC 9293 3.7.1 */
};

size_t tg_pools_footprint(const struct tg_engine_conf *conf)
{
	if (conf->pool_max == 0)
		return 0;
	return sizeof(struct tg_pools) + conf->pool_max * sizeof(struct tg_pool);
}

struct tg_pools *tg_pools_init(void *mem, const struct tg_engine_conf *conf)
{
	struct tg_pools *pools = mem;

	if (conf->pool_max == 0)
		return NULL;
	pools->max = conf->pool_max;
	pools->next_ms = UINT64_MAX;
	return pools;
}

bool tg_pool_is_valid(const struct tg_engine *e, int pool)
{
	return e->pools && pool >= 0 && (uint32_t)pool < e->pools->n;
}

static struct tg_pool *at(const struct tg_engine *e, int pool)
{
	assert(tg_pool_is_valid(e, pool));
	return &e->pools->pool[pool];
}

static struct tg_backend *backend_at(const struct tg_engine *e, int pool, uint8_t backend)
{
	struct tg_pool *p = at(e, pool);

	assert(backend < TG_BACKEND_MAX && p->backend[backend].used);
	return &p->backend[backend];
}

uint32_t tg_engine_pool_count(const struct tg_engine *e)
{
	return e->pools ? e->pools->n : 0;
}

/* --- configuration --- */

static bool is_same(const struct tg_backend_conf *a, const struct tg_backend_conf *b)
{
	return a->port == b->port && tg_addr_equal(&a->addr, &b->addr);
}

static bool is_backend_good(const struct tg_pool_conf *c, uint32_t i)
{
	const struct tg_backend_conf *b = &c->backend[i];

	if (b->port == 0 || b->weight > TG_WEIGHT_MAX)
		return false;
	for (uint32_t k = 0; k < i; k++)
		if (is_same(b, &c->backend[k]))
			return false;
	return true;
}

static int check_conf(const struct tg_engine *e, const struct tg_pool_conf *c)
{
	uint32_t port;

	if (c->mode > TG_POOL_SNAT || c->dead > TG_REFUSE_RST || c->backend_n > TG_BACKEND_MAX ||
	    c->snat_n > TG_SNAT_ADDR_MAX || c->rise == 0 || c->fall == 0 ||
	    c->check_ms < TG_CHECK_MS_MIN || c->check_timeout_ms < TG_CHECK_MS_MIN)
		return -EINVAL;
	for (uint32_t i = 0; i < c->backend_n; i++)
		if (!is_backend_good(c, i))
			return -EINVAL;
	for (uint32_t i = 0; i < c->snat_n; i++)
		if (!tg_route_is_ours(e->neigh, &c->snat[i], &port))
			return -EINVAL;
	return 0;
}

static struct tg_pool_marks marks_of(const struct tg_pool *p, uint8_t i)
{
	const struct tg_backend *b = &p->backend[i];
	const uint64_t bit = 1ull << i;

	if (!b->used)
		return (struct tg_pool_marks){0};
	return (struct tg_pool_marks){
	    .used = bit,
	    .v4 = tg_addr_is_v4(&p->at[i].addr) ? bit : 0,
	    .up = b->state == TG_BACKEND_UP ? bit : 0,
	    .unknown = b->state == TG_BACKEND_UNKNOWN ? bit : 0,
	    .open = !b->removed && p->at[i].weight ? bit : 0,
	};
}

static void add_marks(struct tg_pool_marks *to, const struct tg_pool_marks *m, uint64_t keep)
{
	to->used = (to->used & keep) | m->used;
	to->v4 = (to->v4 & keep) | m->v4;
	to->up = (to->up & keep) | m->up;
	to->unknown = (to->unknown & keep) | m->unknown;
	to->open = (to->open & keep) | m->open;
}

void tg_pool_mark(struct tg_pool *p, uint8_t i)
{
	struct tg_pool_marks m = marks_of(p, i);

	add_marks(&p->is, &m, ~(1ull << i));
	p->gen++;
}

static uint8_t find(const struct tg_pool *p, const struct tg_backend_conf *c)
{
	for (uint8_t i = 0; i < TG_BACKEND_MAX; i++)
		if (p->backend[i].used && is_same(&p->at[i], c))
			return i;
	return TG_NO_BACKEND;
}

static void forget(struct tg_engine *e, struct tg_pool *p, uint8_t i)
{
	tg_pool_stop_probe(e, &p->backend[i]);
	p->backend[i] = (struct tg_backend){.probe = TG_NONE};
	tg_pool_mark(p, i);
}

/* Whether all that are new find a number when those without flows are gone. */
static bool has_room(const struct tg_pool *p, const struct tg_pool_conf *c)
{
	uint32_t n = c->backend_n;

	for (uint8_t i = 0; i < TG_BACKEND_MAX; i++) {
		bool stays = false;
		for (uint32_t k = 0; k < c->backend_n; k++)
			stays |= p->backend[i].used && is_same(&p->at[i], &c->backend[k]);
		n += !stays && p->backend[i].used && p->backend[i].flows;
	}
	return n <= TG_BACKEND_MAX;
}

static void add_backend(struct tg_engine *e, struct tg_pool *p, const struct tg_backend_conf *c)
{
	uint8_t i = 0;

	while (p->backend[i].used)
		i++;
	assert(i < TG_BACKEND_MAX);
	p->at[i] = *c;
	/* Probed at once, but not all in the same instant. */
	p->backend[i] = (struct tg_backend){
	    .used = true,
	    .probe = TG_NONE,
	    .next_ms = e->env.now_ms + tg_rng_below(&e->rng, p->conf.check_ms / 10 + 1),
	    .since_ms = e->env.now_ms,
	};
	tg_pool_mark(p, i);
}

/* A shorter check_ms holds at once, not after a last long one. */
static void hasten(const struct tg_engine *e, const struct tg_pool *p, struct tg_backend *b)
{
	uint64_t next = e->env.now_ms + p->conf.check_ms;

	if (b->probe == TG_NONE && b->next_ms > next)
		b->next_ms = next;
}

static void set_backends(struct tg_engine *e, struct tg_pool *p, const struct tg_pool_conf *c)
{
	for (uint8_t i = 0; i < TG_BACKEND_MAX; i++)
		p->backend[i].removed = true;
	for (uint32_t k = 0; k < c->backend_n; k++) {
		uint8_t i = find(p, &c->backend[k]);
		if (i == TG_NO_BACKEND)
			continue;
		p->backend[i].removed = false;
		p->at[i].weight = c->backend[k].weight;
		hasten(e, p, &p->backend[i]);
	}
	for (uint8_t i = 0; i < TG_BACKEND_MAX; i++) {
		if (p->backend[i].used && p->backend[i].removed && p->backend[i].flows == 0)
			forget(e, p, i);
		tg_pool_mark(p, i);
	}
	for (uint32_t k = 0; k < c->backend_n; k++)
		if (find(p, &c->backend[k]) == TG_NO_BACKEND)
			add_backend(e, p, &c->backend[k]);
	tg_pool_table_fill(&p->table, p->at, p->is.open, &p->conf.key);
	tg_pool_follow_wscale(p, e->env.now_ms);
	p->gen++;
	e->pools->next_ms = 0; /* the next tick looks at all of them */
}

int tg_engine_pool_add(struct tg_engine *e, const struct tg_pool_conf *conf)
{
	int rc = e->pools ? check_conf(e, conf) : -ENOSPC;

	if (rc)
		return rc;
	if (e->pools->n == e->pools->max)
		return -ENOSPC;
	struct tg_pool *p = &e->pools->pool[e->pools->n];

	for (uint32_t i = 0; i < TG_BACKEND_MAX; i++)
		p->backend[i].probe = TG_NONE;
	p->conf = *conf;
	p->wscale = TG_NO_WSCALE;
	set_backends(e, p, conf);
	return (int)e->pools->n++;
}

int tg_engine_pool_set(struct tg_engine *e, int pool, const struct tg_pool_conf *conf)
{
	struct tg_pool *p = at(e, pool);
	int rc = check_conf(e, conf);

	if (rc == 0 && conf->mode != p->conf.mode)
		rc = -EINVAL;
	if (rc)
		return rc;
	if (!has_room(p, conf))
		return -ENOSPC;
	p->conf = *conf;
	set_backends(e, p, conf);
	return 0;
}

/* --- the choice --- */

static uint64_t client_hash(const struct tg_pool *p, const struct tg_tuple *client)
{
	uint8_t id[18] = {0};

	memcpy(id, client->raddr.b, 16);
	if (!p->conf.hash_source)
		tg_be16_put(id + 16, client->rport);
	return tg_siphash13(&p->conf.key, id, sizeof(id));
}

/* Those that a client may be given: the ones that are up; before any is known to be, the ones of
 * which nothing is known. */
static uint64_t live(const struct tg_pool *p, bool v4)
{
	uint64_t fit = p->is.open & (v4 ? p->is.v4 : ~p->is.v4);

	return fit & p->is.up ? fit & p->is.up : fit & p->is.unknown;
}

/* Each client has an order of its own over them, too (rendezvous): over their addresses, for each
 * engine has numbers of its own. Weights are not looked at. */
static uint8_t choose_any(const struct tg_pool *p, uint64_t which, uint64_t hash)
{
	const struct tg_sipkey key = {hash, ~hash};
	uint8_t best = TG_NO_BACKEND, id[18];
	uint64_t most = 0;

	for (uint8_t i = 0; i < TG_BACKEND_MAX; i++) {
		if (!(which >> i & 1))
			continue;
		memcpy(id, p->at[i].addr.b, 16);
		tg_be16_put(id + 16, p->at[i].port);
		uint64_t h = tg_siphash13(&key, id, sizeof(id));
		if (best == TG_NO_BACKEND || h > most) {
			most = h;
			best = i;
		}
	}
	return best;
}

uint8_t tg_pool_pick(struct tg_engine *e, int pool, const struct tg_tuple *client)
{
	const struct tg_pool *p = at(e, pool);
	const uint64_t which = live(p, tg_addr_is_v4(&client->raddr));
	const uint64_t hash = client_hash(p, client);

	if (which == 0)
		return TG_NO_BACKEND;
	for (uint32_t i = 0; i < TRIES; i++) {
		uint8_t b = tg_pool_table_at(&p->table, hash, i);
		if (which >> b & 1)
			return b;
	}
	return choose_any(p, which, hash);
}

/* --- the promise --- */

static struct tg_profile nothing_known(bool v4)
{
	return (struct tg_profile){.wscale = TG_NO_WSCALE, .mss = v4 ? MSS_V4 : MSS_V6};
}

/* By whoever is given to backend b. */
static struct tg_profile promise_of(const struct tg_pool *p, uint8_t b, bool v4)
{
	struct tg_profile profile = p->backend[b].profile;

	if (!profile.known)
		return nothing_known(v4);
	profile.wscale = p->wscale;
	return profile;
}

struct tg_profile tg_pool_promise(struct tg_engine *e, int pool, const struct tg_tuple *client)
{
	uint8_t b = tg_pool_pick(e, pool, client);
	bool v4 = tg_addr_is_v4(&client->raddr);

	return b == TG_NO_BACKEND ? nothing_known(v4) : promise_of(at(e, pool), b, v4);
}

static bool is_same_promise(const struct tg_profile *a, const struct tg_profile *b)
{
	return a->known == b->known && a->sack == b->sack && a->ts == b->ts &&
	       a->wscale == b->wscale && a->mss == b->mss;
}

bool tg_pool_promise_all(const struct tg_engine *e, int pool, bool v4, struct tg_profile *profile)
{
	const struct tg_pool *p = at(e, pool);
	uint64_t which = live(p, v4);

	if (which == 0)
		return false;
	*profile = promise_of(p, (uint8_t)__builtin_ctzll(which), v4);
	for (; which; which &= which - 1) {
		struct tg_profile one = promise_of(p, (uint8_t)__builtin_ctzll(which), v4);
		if (!is_same_promise(profile, &one))
			return false;
	}
	return true;
}

uint64_t tg_pool_gen(const struct tg_engine *e, int pool)
{
	return at(e, pool)->gen;
}

/* No scale at all is less than any. */
static bool is_wider(uint8_t a, uint8_t b)
{
	return a != TG_NO_WSCALE && (b == TG_NO_WSCALE || a > b);
}

void tg_pool_follow_wscale(struct tg_pool *p, uint64_t now_ms)
{
	uint8_t widest = TG_NO_WSCALE;

	for (uint8_t i = 0; i < TG_BACKEND_MAX; i++) {
		const struct tg_backend *b = &p->backend[i];
		if (b->used && !b->removed && b->profile.known &&
		    is_wider(b->profile.wscale, widest))
			widest = b->profile.wscale;
	}
	if (is_wider(p->wscale, widest) && now_ms - p->wscale_ms <= TG_COOKIE_VALID_MS)
		return; /* SC-07: a cookie that told the wider one may come back yet */
	p->gen += p->wscale != widest;
	p->wscale = widest;
	p->wscale_ms = now_ms;
}

/* --- what splices ask --- */

uint8_t tg_pool_refuse(const struct tg_engine *e, int pool)
{
	return at(e, pool)->conf.dead;
}

const struct tg_pool_conf *tg_pool_conf(const struct tg_engine *e, int pool)
{
	return &at(e, pool)->conf;
}

const struct tg_backend_conf *tg_pool_backend(const struct tg_engine *e, int pool, uint8_t backend)
{
	(void)backend_at(e, pool, backend);
	return &at(e, pool)->at[backend];
}

struct tg_profile tg_pool_profile(const struct tg_engine *e, int pool, uint8_t backend)
{
	const struct tg_backend *b = backend_at(e, pool, backend);

	return b->profile.known ? b->profile
				: nothing_known(tg_addr_is_v4(&at(e, pool)->at[backend].addr));
}

void tg_pool_flow_add(struct tg_engine *e, int pool, uint8_t backend)
{
	struct tg_backend *b = backend_at(e, pool, backend);

	b->flows++;
	b->flows_all++;
}

void tg_pool_flow_sub(struct tg_engine *e, int pool, uint8_t backend)
{
	struct tg_backend *b = backend_at(e, pool, backend);

	assert(b->flows);
	if (--b->flows == 0 && b->removed)
		forget(e, at(e, pool), backend);
}

void tg_pool_heard(struct tg_engine *e, int pool, uint8_t backend)
{
	backend_at(e, pool, backend)->heard_ms = e->env.now_ms;
}

/* --- sight --- */

const char *tg_backend_state_name(enum tg_backend_state state)
{
	static const char *const name[TG_BACKEND_STATE_N] = {
	    [TG_BACKEND_UNKNOWN] = "unknown", [TG_BACKEND_UP] = "up", [TG_BACKEND_DOWN] = "down"};

	return state < TG_BACKEND_STATE_N ? name[state] : "?";
}

static uint16_t min16(uint16_t a, uint16_t b)
{
	return a < b ? a : b;
}

/* What all that may be given now have. */
static struct tg_profile least(const struct tg_pool *p)
{
	const uint64_t which = p->is.open & (p->is.open & p->is.up ? p->is.up : p->is.unknown);
	struct tg_profile all = {
	    .known = which != 0, .sack = true, .ts = true, .wscale = p->wscale, .mss = UINT16_MAX};

	for (uint8_t i = 0; i < TG_BACKEND_MAX; i++) {
		const struct tg_profile *one = &p->backend[i].profile;
		if (!(which >> i & 1))
			continue;
		all.known &= one->known;
		all.sack &= one->sack;
		all.ts &= one->ts;
		all.mss = min16(all.mss, one->mss);
	}
	return all.known ? all : nothing_known(p->is.v4 != 0);
}

void tg_engine_pool_see(const struct tg_engine *e, int pool, struct tg_pool_sight *s)
{
	const struct tg_pool *p = at(e, pool);

	memset(s, 0, sizeof(*s));
	memcpy(s->name, p->conf.name, sizeof(s->name));
	s->mode = p->conf.mode;
	s->promise = least(p);
	for (uint32_t i = 0; i < TG_BACKEND_MAX; i++) {
		const struct tg_backend *b = &p->backend[i];
		if (!b->used)
			continue;
		s->backend[s->backend_n++] = (struct tg_backend_sight){
		    .conf = p->at[i],
		    .state = b->state,
		    .removed = b->removed,
		    .profile = b->profile,
		    .flows = b->flows,
		    .flows_all = b->flows_all,
		    .probes = b->probes,
		    .failed = b->failed,
		    .since_ms = b->since_ms,
		};
	}
}

/* --- validation --- */

static bool is_backend_valid(const struct tg_engine *e, uint32_t pool, uint8_t i, const char **why)
{
	const struct tg_backend *b = &e->pools->pool[pool].backend[i];

	*why = "P2: a backend that is not in use has flows or a probe";
	if (!b->used)
		return b->flows == 0 && b->probe == TG_NONE;
	*why = "P2: a removed backend without flows is kept";
	if (b->removed && b->flows == 0)
		return false;
	*why = "P3: a probe is no connection that names its backend";
	return b->probe == TG_NONE ||
	       (tg_conn_used(e, b->probe) && tg_conn_word(e, b->probe) == (pool << 8 | i));
}

bool tg_pools_validate(const struct tg_engine *e, const char **why)
{
	for (uint32_t n = 0; e->pools && n < e->pools->n; n++) {
		const struct tg_pool *p = &e->pools->pool[n];
		struct tg_pool_marks is = {0};
		for (uint8_t i = 0; i < TG_BACKEND_MAX; i++) {
			struct tg_pool_marks m = marks_of(p, i);
			if (!is_backend_valid(e, n, i, why))
				return false;
			add_marks(&is, &m, UINT64_MAX);
		}
		*why = "P1: a mark does not say what the backends say";
		if (memcmp(&p->is, &is, sizeof(is)) != 0)
			return false;
	}
	return true;
}
