/* SPDX-License-Identifier: BSD-3-Clause */
/* plan_cmd.c: `tidegate plan`: what a server takes, and a load for it. Starts nothing, and needs no
 * DPDK. */
#include "cli.h"
#include "load_options.h"
#include "plan.h"

#include <inttypes.h>
#include <stdlib.h>

static const char usage[] =
    "usage: tidegate plan [-c FILE] [options]\n\n"
    "What a server takes that has so many connections open and so many opened and closed a "
    "second,\n"
    "and what a load for it takes: connections, TIME-WAIT records, tables, memory by part, in "
    "each\n"
    "worker and in all, hugepages and the command that reserves them; for a load also whether\n"
    "there are enough pairs of source address and port. Starts nothing; needs no DPDK.\n\n"
    "      --live N         connections open at once\n"
    "      --rate N         connections opened and closed a second\n"
    "      --msl-ms N       TIME-WAIT lasts twice this (30000)\n"
    "      --cores N        workers, a core each (1); --workers is the same\n"
    "      --source NETWORK where a load connects from (198.18.0.0/15), --ports LOW-HIGH\n"
    "                       (1024-65535); --target ADDR:PORT, repeatable\n"
    "  -c, --config FILE    of `serve`, `shield` or `load`: what it says; options win over it\n"
    "      --json           as JSON\n"
    "  -h, --help           this\n\n"
    "Every other key of [engine], [port NAME] and [load] is an option, too (`tidegate keys`):\n"
    "--buffer-mb 1024, --mtu 9000, --timestamps off. Exit status: 0, or 2 and one line when it is\n"
    "more than this machine has or can be.\n\n"
    "  tidegate plan --live 10000000 --rate 100000 --cores 4\n";

enum { OPT_LIVE, OPT_CORES, OPT_N };

static const char no_file[] = "command line"; /* what tg_load_options_read calls it */

struct planner {
	struct tg_load_options opt;
	uint64_t live, cores; /* 0: not given */
	struct tg_plan server, client;
	struct tg_load_plan load;
	bool has_server, has_client;
};

static const struct option more[OPT_N] = {{"live", required_argument, NULL, OPT_LIVE},
					  {"cores", required_argument, NULL, OPT_CORES}};

/* --- options --- */

static int take(struct tg_load_options *o, int val, const char *value)
{
	struct planner *p = o->ctx;
	bool good = val == OPT_LIVE ? tg_cli_number("plan", "--live", value, 1, 100000000, &p->live)
				    : tg_cli_number("plan", "--cores", value, 1, 128, &p->cores);

	return good ? 0 : TG_EXIT_USAGE;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static bool has_file(const struct tg_conf *c)
{
	return strcmp(c->file, no_file) != 0;
}

/* A server closes first, at worst: each connection that ends leaves a record for twice msl_ms. Who
 * opens is there a moment before it counts as live. */
static void fit_server(struct planner *p)
{
	struct tg_settings *e = &p->opt.conf.engine.set;
	const struct tg_load_settings *l = &p->opt.conf.load.set.load;
	uint64_t rate = l->rate, live = p->live;

	if (live || (rate && !has_file(&p->opt.conf)))
		e->connections = (uint32_t)least(100000000, live + rate + 64);
	if (rate && !e->time_wait)
		e->time_wait = (uint32_t)least(500000000, rate * 2 * e->msl_ms / 1000 + 64);
	if ((live || rate) && !e->moving)
		e->moving = (uint32_t)least(e->connections, rate / 2 + 4096);
}

/* For as long as TIME-WAIT takes to fill. */
static void fit_client(struct planner *p)
{
	struct tg_load_settings *l = &p->opt.conf.load.set.load;
	uint32_t wait_s = (uint32_t)(2ull * p->opt.conf.engine.set.msl_ms / 1000 + 1);

	if (p->live) {
		l->hold = (uint32_t)p->live;
		l->churn = l->rate ? l->rate : l->churn;
		l->rate = 0;
	}
	if (l->duration_s < wait_s)
		l->duration_s = wait_s;
}

static int set(struct tg_load_options *o, const char *key, const char *value, bool is_there)
{
	return is_there ? 0 : tg_load_options_set(o, key, value);
}

static int settle(struct tg_load_options *o)
{
	struct planner *p = o->ctx;
	struct tg_conf *c = &o->conf;
	char err[TG_CONF_ERR];

	if (c->port_n == 0)
		return tg_cli_usage("plan", "%s has no [port NAME]", c->file);
	if (p->cores)
		c->engine.set.workers = (uint32_t)p->cores;
	if (!p->live && !c->load.set.load.rate && !c->load.set.load.hold && !c->listener_n &&
	    !c->pool_n)
		return tg_cli_usage("plan", "needs --live, --rate or both, or -c FILE: see "
					    "`tidegate plan --help`");
	if (c->port[0].set.addr_n == 0 && tg_settings_set(&c->port[0].set, TG_KEY_PORT, "address",
							  "192.0.2.2/24", err, sizeof(err)) != 0)
		return tg_cli_usage("plan", "%s", err);
	return set(o, "device", "net_null0", c->port[0].set.device[0]) != 0 ||
		       set(o, "target", "192.0.2.1:80", c->load.set.backend_n) != 0 ||
		       set(o, "source", "198.18.0.0/15", c->load.set.allow_n) != 0
		   ? TG_EXIT_USAGE
		   : 0;
}

static const struct tg_load_role role = {.command = "plan",
					 .usage = usage,
					 .more = more,
					 .more_n = OPT_N,
					 .take = take,
					 .settle = settle};

/* --- the plans --- */

static uint64_t slots_mb(const struct planner *p)
{
	return (tg_load_slot_bytes(p->client.engine.conn_max) * p->client.worker_n >> 20) + 1;
}

static int plan_server(struct planner *p, char *err, size_t err_size)
{
	struct tg_settings before = p->opt.conf.engine.set;

	p->has_server = true;
	fit_server(p);
	int rc = tg_plan_init(&p->server, &p->opt.conf, err, err_size);
	p->opt.conf.engine.set = before;
	return rc;
}

static int plan_client(struct planner *p, char *err, size_t err_size)
{
	fit_client(p);
	if (p->opt.conf.port_n != 1 ||
	    (!p->opt.conf.load.set.load.rate && !p->opt.conf.load.set.load.hold))
		return 0;
	p->has_client = true;
	return tg_load_plan_init(&p->load, &p->opt.conf, err, err_size) != 0 ||
		       tg_plan_init(&p->client, &p->opt.conf, err, err_size) != 0
		   ? -1
		   : 0;
}

static int plan_both(struct planner *p)
{
	char err[TG_CONF_ERR];
	const struct tg_conf *c = &p->opt.conf;
	/* A file says what it is of; without one it is both. */
	bool is_server = c->listener_n || c->pool_n || !has_file(c);
	bool is_client = !is_server || !has_file(c);

	if ((is_server && plan_server(p, err, sizeof(err)) != 0) ||
	    (is_client && plan_client(p, err, sizeof(err)) != 0))
		return tg_cli_usage("plan", "%s", err);
	return -1;
}

static void print(const struct planner *p, FILE *out)
{
	struct tg_plan_beside beside = {.buffers_mb = tg_plan_buffers_mb(&p->opt.conf)};

	if (p->has_server) {
		fprintf(out,
			"server: in [engine] connections = %" PRIu64 ", time_wait = %" PRIu64
			", moving = %" PRIu64 "\n",
			(uint64_t)p->server.engine.conn_max * p->server.worker_n,
			(uint64_t)p->server.engine.tw_max * p->server.worker_n,
			(uint64_t)p->server.engine.ext_max * p->server.worker_n);
		tg_plan_print(&p->server, &beside, out);
	}
	if (!p->has_client)
		return;
	beside.slots_mb = slots_mb(p);
	fputs(p->has_server ? "\n" : "", out);
	tg_load_plan_print(&p->load, out);
	tg_plan_print(&p->client, &beside, out);
}

static void print_json(const struct planner *p, FILE *out)
{
	struct tg_plan_beside beside = {.buffers_mb = tg_plan_buffers_mb(&p->opt.conf)};
	const struct tg_load_need *n = &p->load.need;

	fputc('{', out);
	if (p->has_server) {
		fputs("\"server\":", out);
		tg_plan_print_json(&p->server, &beside, out);
	}
	if (p->has_client) {
		beside.slots_mb = slots_mb(p);
		fprintf(out, "%s\"load\":", p->has_server ? "," : "");
		tg_plan_print_json(&p->client, &beside, out);
		fprintf(out,
			",\"tuples\":{\"needed\":%" PRIu64 ",\"there_are\":%" PRIu64
			",\"live\":%" PRIu64 ",\"time_wait\":%" PRIu64 "}",
			n->tuples[0] + n->tuples[1], n->have[0] + n->have[1], n->live,
			n->time_wait);
	}
	fputs("}\n", out);
}

int tg_cmd_plan(int argc, char **argv)
{
	struct planner *p = calloc(1, sizeof(*p));
	int rc;

	if (!p)
		return tg_cli_failed("plan", "out of memory");
	p->opt.ctx = p;
	rc = tg_load_options_read(&p->opt, &role, argc, argv);
	if (rc < 0)
		rc = plan_both(p);
	if (rc < 0) {
		if (p->opt.json)
			print_json(p, stdout);
		else
			print(p, stdout);
		rc = tg_cli_printed("plan");
	}
	tg_plan_fini(&p->server);
	tg_plan_fini(&p->client);
	tg_conf_free(&p->opt.conf);
	free(p);
	return rc;
}
