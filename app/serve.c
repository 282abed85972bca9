/* SPDX-License-Identifier: BSD-3-Clause */
/* serve.c: `tidegate serve`, and what `shield` shares with it: starts what the configuration says,
 * shows figures, ends in order (TD-32): no new connections, FIN for those at rest, RST for what is
 * left after drain_ms. */
#include "arming.h"
#include "cli.h"
#include "find.h"
#include "kernel.h"
#include "live.h"
#include "fleet.h"
#include "odds.h"
#include "pools.h"
#include "reload.h"
#include "serving.h"
#include "sight.h"

#include <ctype.h>
#include <stdlib.h>
#include <unistd.h>

static const char usage[] =
    "usage: tidegate serve -c FILE [options] [-- EAL options]\n\n"
    "Terminates TCP as the configuration says, until SIGINT or SIGTERM. Then it stops listening,\n"
    "closes idle connections with FIN, and after drain_ms the rest with RST; a second signal ends\n"
    "it at once. SIGHUP reads the configuration again: who may connect and a fleet's secrets "
    "change\n"
    "while it serves, what needs a restart is named, and a file that is no good changes "
    "nothing.\n\n"
    "  -c, --config FILE         the configuration; config/ has annotated ones\n"
    "      --check               check the configuration, print the memory plan, start nothing\n"
    "      --name NAME           of this instance, for `tidegate stats` (default: from FILE)\n"
    "      --exit-when-idle MS   end, as by SIGTERM, when nothing was received for so long:\n"
    "                            for captures (net_pcap), whose end is silent\n"
    "  -q, --quiet               no figures each second\n"
    "  -v, --verbose             DPDK's own log\n"
    "  -h, --help                this\n\n"
    "EAL options behind `--` come last and win, for example: -- --lcores '0@0,1@1,2@1'\n";

enum { TICK_MS = 20, ABORT_MS = 300, LINK_TICKS = 10, POOL_TICKS = 5 };

struct options {
	const char *file;
	char name[64];
	bool check, quiet, verbose;
	uint64_t idle_ms; /* 0: never ends by itself */
	char **extra;
	int extra_n;
};

struct serving {
	const struct tg_role *role;
	struct options opt;
	struct tg_conf conf;
	struct tg_plan plan;
	struct tg_eal_got got;
	struct tg_host host;
	struct tg_fleet fleet;
	struct tg_pools pools;
	struct tg_live live;
	struct tg_arming arming;
	struct tg_engine_stats start; /* of one engine, before the workers have them */
};

/* --- options --- */

enum { OPT_CHECK = 256, OPT_NAME, OPT_IDLE };

static const struct option longs[] = {{"config", required_argument, NULL, 'c'},
				      {"check", no_argument, NULL, OPT_CHECK},
				      {"name", required_argument, NULL, OPT_NAME},
				      {"exit-when-idle", required_argument, NULL, OPT_IDLE},
				      {"quiet", no_argument, NULL, 'q'},
				      {"verbose", no_argument, NULL, 'v'},
				      {"help", no_argument, NULL, 'h'},
				      {0}};

/* The instance's name: the file's, without folder and ending; only what a path may hold. */
static void name_from_file(const char *file, char *name, size_t size)
{
	const char *base = strrchr(file, '/');
	base = base ? base + 1 : file;
	size_t len = strcspn(base, ".");
	snprintf(name, size, "%.*s", (int)(len < size ? len : size - 1), base);
	for (char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("_-", *p))
			*p = '_';
	if (!name[0])
		snprintf(name, size, "serve");
}

/* -1: go on; otherwise the exit code. */
static int read_options(const struct tg_role *role, struct options *o, int argc, char **argv)
{
	int split = tg_cli_split(argc, argv), c;
	o->extra = argv + (split < argc ? split + 1 : argc);
	o->extra_n = split < argc ? argc - split - 1 : 0;
	while ((c = tg_cli_option(split, argv, ":c:qvh", longs)) != -1) {
		switch (c) {
		case 'c':
			o->file = optarg;
			break;
		case OPT_CHECK:
			o->check = true;
			break;
		case OPT_NAME:
			name_from_file(optarg, o->name, sizeof(o->name));
			break;
		case OPT_IDLE:
			if (!tg_cli_number(role->command, "--exit-when-idle", optarg, 1, 86400000,
					   &o->idle_ms))
				return TG_EXIT_USAGE;
			break;
		case 'q':
			o->quiet = true;
			break;
		case 'v':
			o->verbose = true;
			break;
		case 'h':
			fputs(role->usage, stdout);
			return TG_EXIT_OK;
		default:
			return TG_EXIT_USAGE;
		}
	}
	if (optind < split)
		return tg_cli_usage(role->command, "what is %s? EAL options stand behind `--`",
				    argv[optind]);
	if (!o->file)
		return tg_cli_usage(role->command,
				    "needs a configuration: -c FILE (config/ has some)");
	if (!o->name[0])
		name_from_file(o->file, o->name, sizeof(o->name));
	return -1;
}

/* --- start --- */

/* Two of one name could not be told apart by `tidegate stats`. */
static int check_name(const struct serving *s)
{
	struct tg_found *found = calloc(1, sizeof(*found));
	int rc = 0;
	if (!found)
		return tg_cli_failed(s->role->command, "out of memory");
	tg_find_all(found);
	for (uint32_t i = 0; i < found->n && rc == 0; i++)
		if (strcmp(found->list[i].name, s->opt.name) == 0)
			rc = tg_cli_usage(s->role->command,
					  "%s runs already (process %llu): give this one another "
					  "name by --name",
					  s->opt.name, (unsigned long long)found->list[i].pid);
	free(found);
	return rc;
}

static int start_eal(struct serving *s, char *err, size_t err_size)
{
	const char *device[TG_PORT_MAX];
	char text[TG_CONF_ERR];
	uint32_t device_n = 0;
	for (uint32_t i = 0; i < s->conf.port_n; i++)
		if (tg_conf_shares(&s->conf, i) == i)
			device[device_n++] = s->conf.port[i].set.device;
	struct tg_eal_conf eal = {.name = s->opt.name,
				  .device = device,
				  .device_n = device_n,
				  .worker_n = s->plan.worker_n,
				  .memory_mb = tg_plan_buffers_mb(&s->conf),
				  .extra = s->opt.extra,
				  .extra_n = (uint32_t)s->opt.extra_n,
				  .verbose = s->opt.verbose};
	if (tg_eal_init(&eal, &s->got, text, sizeof(text)) == 0)
		return 0;
	/* A line of the file is to blame only for what the file says. */
	bool workers = strncmp(text, "workers", strlen("workers")) == 0;
	return tg_conf_fail(&s->conf, workers ? tg_conf_line(&s->conf.engine, "workers") : 0, err,
			    err_size, "%s", text);
}

static void print_link(const struct tg_dev *dev)
{
	char text[256];
	printf("port %s: %s\n", dev->name, tg_dev_link_text(dev, text, sizeof(text)));
}

static void print_start(const struct serving *s)
{
	char text[512];
	struct tg_plan_beside beside = {.buffers_mb = tg_plan_buffers_mb(&s->conf)};
	tg_plan_print(&s->plan, &beside, stdout);
	for (uint32_t i = 0; i < s->host.dev_n; i++) {
		const struct tg_dev_conf *dev = &s->host.dev[i].conf;
		if (dev->is_shared) {
			printf("port %s: the device of port %s, by VLAN\n", dev->name,
			       s->host.dev[dev->shares].name);
			continue;
		}
		printf("port %s\n", tg_dev_describe(&s->host.dev[i], text, sizeof(text)));
		if (!s->host.dev[i].link_up)
			print_link(&s->host.dev[i]);
	}
	tg_kernel_print(&s->conf, stdout);
	for (uint32_t i = 0; i < s->plan.listener_n; i++)
		printf("listener %s: port %u, %s\n", s->plan.listener[i].name,
		       s->plan.listener[i].port,
		       s->plan.listener[i].has_pool ? "vip of its pool"
						    : s->plan.listener[i].service->name);
	tg_pools_print(&s->plan, stdout);
	tg_policy_print(&s->plan.policy, &s->conf, "", stdout);
	tg_odds_print(&s->start, stdout);
	tg_fleet_print(&s->fleet, stdout);
	printf("packet buffers in %s, connections in %s\n",
	       s->got.hugepages ? "hugepages" : "ordinary memory (too few free hugepages)",
	       s->host.hugepages ? "hugepages" : "ordinary memory");
	if (s->plan.idle == TG_IDLE_SLEEP)
		printf("idle workers sleep, %d us at most: so long the first packet may wait\n",
		       TG_IDLE_SLEEP_MAX_US);
	printf("serving as %s, %u worker%s; Ctrl-C ends it\n", s->opt.name, s->plan.worker_n,
	       s->plan.worker_n == 1 ? "" : "s");
	fflush(stdout);
}

/* --- run --- */

/* True when nothing was received for idle_ms. */
static bool is_idle(struct serving *s, uint64_t *last_rx, uint64_t *since_ns, uint64_t now)
{
	struct tg_sight sum;
	tg_sight_sum(&s->host, &sum);
	if (sum.io.rx_packets != *last_rx || *since_ns == 0) {
		*last_rx = sum.io.rx_packets;
		*since_ns = now;
	}
	return now - *since_ns >= s->opt.idle_ms * TG_NS_PER_MS;
}

static void poll_links(struct serving *s)
{
	for (uint32_t i = 0; i < s->host.dev_n; i++) {
		if (!tg_dev_poll_link(&s->host.dev[i]))
			continue;
		print_link(&s->host.dev[i]);
		fflush(stdout);
	}
}

static void watch(struct serving *s)
{
	bool show = !s->opt.quiet && isatty(STDOUT_FILENO);
	uint64_t start = tg_cli_now_ns(), last_rx = 0, since_ns = 0;
	struct tg_sight_line line = {.start_ns = start, .last_ns = start};
	for (uint32_t tick = 1; !tg_cli_is_interrupted(); tick++) {
		tg_cli_pause_ms(TICK_MS);
		uint64_t now = tg_cli_now_ns();
		tg_reload_poll();
		if (tick % LINK_TICKS == 0)
			poll_links(s);
		if (tick % LINK_TICKS == 0) {
			tg_fleet_poll(&s->fleet);
			tg_arming_poll(&s->arming, &s->host, now, stdout);
		}
		if (tick % POOL_TICKS == 0)
			tg_pools_poll(&s->pools);
		if (show && now - line.last_ns >= 1000000000ull)
			tg_sight_line(&line, &s->host, now, stdout);
		if (s->opt.idle_ms && is_idle(s, &last_rx, &since_ns, now))
			return;
	}
}

static void order_and_wait(struct serving *s, enum tg_order order, uint64_t ms)
{
	uint64_t until = tg_cli_now_ns() + ms * TG_NS_PER_MS;
	tg_host_order(&s->host, order);
	while (!tg_host_is_done(&s->host, order) && tg_cli_now_ns() < until)
		tg_cli_pause_ms(2);
}

static void finish(struct serving *s)
{
	struct tg_sight sum;
	tg_sight_sum(&s->host, &sum);
	printf("ending: %u connections, %u in TIME-WAIT\n", sum.engine.conn_count,
	       sum.engine.tw_count);
	if (sum.engine.splice_count)
		printf("ending: %u splices, %u of them in TIME-WAIT\n", sum.engine.splice_count,
		       sum.engine.splice[TG_SPLICE_TIME_WAIT]);
	fflush(stdout);
	order_and_wait(s, TG_ORDER_DRAIN, s->conf.engine.set.drain_ms);
	order_and_wait(s, TG_ORDER_ABORT, ABORT_MS);
	tg_host_order(&s->host, TG_ORDER_STOP);
	tg_host_join(&s->host, &s->got);
	tg_sight_sum(&s->host, &sum);
	printf("ended: %llu packets in, %llu out, %llu connections opened, %llu packets dropped\n",
	       (unsigned long long)sum.ctr.v[TG_CTR_rx_segments],
	       (unsigned long long)sum.ctr.v[TG_CTR_tx_packets],
	       (unsigned long long)sum.ctr.v[TG_CTR_conn_opened],
	       (unsigned long long)tg_ctr_drops(&sum.ctr));
}

static int serve(struct serving *s)
{
	char err[TG_CONF_ERR];
	int rc = check_name(s);
	if (rc != 0)
		return rc;
	tg_cli_catch_signals();
	tg_reload_catch();
	if (tg_plan_fits(&s->plan, &s->conf, tg_plan_buffers_mb(&s->conf), err, sizeof(err)) != 0 ||
	    start_eal(s, err, sizeof(err)) != 0)
		return tg_cli_usage(s->role->command, "%s", err);
	if (tg_host_init(&s->host, s->opt.name, &s->conf, &s->plan, &s->got, err, sizeof(err)) !=
	    0) {
		tg_cli_usage(s->role->command, "%s", err);
		tg_eal_fini();
		return TG_EXIT_USAGE;
	}
	if (!tg_pools_join(&s->pools, &s->conf, &s->plan, &s->host, &s->fleet)) {
		tg_pools_fini(&s->pools);
		tg_host_fini(&s->host);
		tg_eal_fini();
		return tg_cli_failed(s->role->command, "out of memory");
	}
	tg_fleet_join(&s->fleet, &s->host);
	tg_reload_register(tg_fleet_reload, &s->fleet);
	s->live = (struct tg_live){&s->conf, &s->plan, &s->host, &s->pools};
	tg_reload_register(tg_live_reload, &s->live);
	tg_engine_stats(s->host.worker[0].engine, &s->start);
	tg_host_launch(&s->host, &s->got);
	tg_sight_publish(&s->host, s->opt.name, &s->got);
	print_start(s);
	watch(s);
	tg_reload_forget();
	finish(s);
	tg_sight_publish(NULL, NULL, NULL);
	tg_pools_fini(&s->pools);
	tg_host_fini(&s->host);
	tg_eal_fini();
	return TG_EXIT_OK;
}

int tg_serving_main(const struct tg_role *role, int argc, char **argv)
{
	struct serving *s = calloc(1, sizeof(*s));
	char err[TG_CONF_ERR];
	if (!s)
		return tg_cli_failed(role->command, "out of memory");
	s->role = role;
	int rc = read_options(role, &s->opt, argc, argv);
	if (rc < 0 && (tg_conf_load(&s->conf, s->opt.file, err, sizeof(err)) != 0 ||
		       role->check(&s->conf, err, sizeof(err)) != 0 ||
		       tg_plan_init(&s->plan, &s->conf, err, sizeof(err)) != 0 ||
		       tg_fleet_init(&s->fleet, &s->conf, err, sizeof(err)) != 0))
		rc = tg_cli_usage(role->command, "%s", err);
	if (rc < 0) {
		tg_pools_take_keys(&s->plan, &s->fleet);
		if (s->opt.check) {
			struct tg_plan_beside beside = {.buffers_mb = tg_plan_buffers_mb(&s->conf)};
			tg_plan_print(&s->plan, &beside, stdout);
			tg_policy_print(&s->plan.policy, &s->conf, "", stdout);
			tg_kernel_print(&s->conf, stdout);
			printf("%s: good\n", s->opt.file);
			rc = TG_EXIT_OK;
		} else {
			rc = serve(s);
		}
	}
	tg_fleet_fini(&s->fleet);
	tg_plan_fini(&s->plan);
	tg_conf_free(&s->conf);
	free(s);
	return rc;
}

/* --- the command --- */

static int check(const struct tg_conf *conf, char *err, size_t err_size)
{
	if (conf->pool_n == 0 && conf->listener_n == 0)
		return tg_conf_fail(conf, 0, err, err_size,
				    "no [listener NAME]: `serve` needs one; [load] is for "
				    "`tidegate load`");
	if (conf->pool_n == 0)
		return 0;
	return tg_conf_fail(conf, conf->pool[0].line, err, err_size,
			    "[pool %s] is for `tidegate shield`, which puts backends behind: start "
			    "that, or use a [listener NAME] with a service",
			    conf->pool[0].name);
}

int tg_cmd_serve(int argc, char **argv)
{
	static const struct tg_role role = {.command = "serve", .usage = usage, .check = check};
	return tg_serving_main(&role, argc, argv);
}
