/* SPDX-License-Identifier: BSD-3-Clause */
/* bench.c: `tidegate bench`: options, start, run, end; bench.h has the map. */
#include "bench.h"

#include "cli.h"
#include "load_bytes.h"

#include <errno.h>
#include <rte_cycles.h>
#include <rte_launch.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char usage[] =
    "usage: tidegate bench [options] [-- EAL options]\n\n"
    "A server and the client of `tidegate load` in one run: what a connection costs each of them,\n"
    "and how many a second there are. Every rule is kept on both sides, TIME-WAIT among them.\n\n"
    "      --mode MODE      ring (default): one process, no root, no hugepages, no network card\n"
    "                       memif: two processes over shared memory; likewise\n"
    "                       kernel: the same client before nginx on the kernel's stack; as root\n"
    "      --cores N        of ring: 2 (default), one for each side; 1: both in turns\n"
    "      --overload       looks for the best rate, step by step, then offers twice that; exit\n"
    "                       status 1 when less than 90 % of the best rate is left\n"
    "      --ipv6           over IPv6\n"
    "What is offered; defaults in brackets\n"
    "      --rate N         connections a second (1000000; with --overload the most: 2000000);\n"
    "                       what the client cannot begin in time is told, and is no failure\n"
    "      --do WHAT        http (default), echo, nothing, up, down; --bytes N, --requests N\n"
    "      --close WHO      client (default), server, both, rst, half\n"
    "      --duration S     (5; with --overload at most 20)\n"
    "      --hold N --churn N   keeps N open, and closes and opens anew so many a second; with\n"
    "                       --do nothing unless said otherwise\n"
    "What is told\n"
    "      --json           as JSON, and nothing else, on standard output\n"
    "      --csv FILE       one line a second\n"
    "      --expect 'COND ...'  as with `load`: exit status 0 if all hold\n"
    "  -q, --quiet          no lines each second\n"
    "      --check          prints what it takes, starts nothing\n"
    "  -v, --verbose        DPDK's own log\n"
    "  -h, --help           this\n\n"
    "Every other key of [load] and [engine] is an option, too (`tidegate load --help`, `tidegate\n"
    "keys`); both sides have the keys of a connection: --timestamps off, --msl-ms 1000. Busy time\n"
    "is that of rounds that moved something. Ctrl-C ends a run with the figures so far. Exit\n"
    "status: 0 as expected, 1 not, 2 bad usage.\n";

enum { RING_SIZE = 2048, MEMORY_MB = 64, OVERLOAD_S = 20, DURATION_S = 5 };
enum { OPT_MODE, OPT_CORES, OPT_OVERLOAD, OPT_IPV6, OPT_N };

static const uint64_t window_ns = 100 * TG_NS_PER_MS;

/* --- options --- */

static const struct option more[OPT_N] = {{"mode", required_argument, NULL, OPT_MODE},
					  {"cores", required_argument, NULL, OPT_CORES},
					  {"overload", no_argument, NULL, OPT_OVERLOAD},
					  {"ipv6", no_argument, NULL, OPT_IPV6}};

static int take(struct tg_load_options *o, int val, const char *value)
{
	static const char *const modes[] = {"ring", "memif", "kernel"};
	struct tg_bench *b = o->ctx;

	if (val == OPT_OVERLOAD) {
		b->overload = true;
	} else if (val == OPT_IPV6) {
		b->ipv6 = true;
	} else if (val == OPT_CORES) {
		return tg_cli_number("bench", "--cores", value, 1, 2, &b->cores) ? 0
										 : TG_EXIT_USAGE;
	} else {
		for (uint32_t i = 0; i < 3; i++)
			if (strcmp(value, modes[i]) == 0) {
				b->mode = (enum tg_bench_mode)i;
				return 0;
			}
		return tg_cli_usage("bench", "--mode %s: must be ring, memif or kernel", value);
	}
	return 0;
}

/* What is not said on the command line, of what has no default that could be told from it. */
static int begin(struct tg_load_options *o)
{
	o->conf.load.set.load.act = UINT32_MAX;
	return 0;
}

static uint16_t port_for(uint32_t act)
{
	return act == TG_LOAD_HTTP || act == TG_LOAD_DOWN ? 80 : act == TG_LOAD_UP ? 9 : 7;
}

/* Needs of the rate alone would be those of a rate that may never come to be. */
static void fit(struct tg_bench *b)
{
	struct tg_settings *e = &b->run.opt.conf.engine.set;
	struct tg_load_settings *l = &b->run.opt.conf.load.set.load;

	if (l->act == UINT32_MAX)
		l->act = l->hold ? TG_LOAD_NOTHING : TG_LOAD_HTTP;
	if (!l->rate && !l->hold)
		l->rate = (b->mode == TG_BENCH_KERNEL ? 100000 : 1000000) * (1 + b->overload);
	if (!l->duration_s)
		l->duration_s = b->overload ? OVERLOAD_S : DURATION_S;
	if (!e->moving)
		e->moving = 65536;
	if (!e->buffer_mb)
		e->buffer_mb = 512;
}

static int check(const struct tg_bench *b)
{
	const struct tg_conf *c = &b->run.opt.conf;
	const struct tg_load_settings *l = &c->load.set.load;

	if (strcmp(c->file, "command line") != 0)
		return tg_cli_usage("bench",
				    "it makes its own configuration: leave -c out, and give "
				    "keys as options");
	if (c->load.set.backend_n || c->port[0].set.device[0] || c->port[0].set.addr_n ||
	    c->load.set.allow_n)
		return tg_cli_usage("bench", "it makes its own devices, sources and target: leave "
					     "--device, --address, --source and --target out, or "
					     "use `tidegate load`");
	if (l->flood)
		return tg_cli_usage("bench", "a flood has no server that answers: use `tidegate "
					     "load --flood`");
	if (c->engine.set.workers > 1)
		return tg_cli_usage("bench", "it has one worker a side: leave --workers out");
	if (b->overload && (l->hold || l->connections))
		return tg_cli_usage("bench", "--overload is of opens a second: leave --hold and "
					     "--connections out");
	if (b->cores == 1 && b->mode != TG_BENCH_RING)
		return tg_cli_usage("bench", "--cores 1 is for --mode ring: two processes have a "
					     "core each");
	if (b->mode == TG_BENCH_KERNEL && l->act != TG_LOAD_HTTP && l->act != TG_LOAD_NOTHING &&
	    l->act != UINT32_MAX)
		return tg_cli_usage("bench", "--mode kernel has nginx: --do http or nothing");
	return 0;
}

static int set_all(struct tg_bench *b)
{
	struct tg_load_options *o = &b->run.opt;
	char device[200], target[48];
	bool v6 = b->ipv6;

	if (b->mode == TG_BENCH_RING)
		snprintf(device, sizeof(device), "net_ring");
	else if (b->mode == TG_BENCH_MEMIF)
		snprintf(device, sizeof(device),
			 "net_memif0,role=client,socket=%s/sock,socket-abstract=no,rsize=12",
			 b->peer_dir);
	else
		snprintf(device, sizeof(device), "net_af_packet0,iface=%s,framecnt=4096",
			 b->kernel.near);
	snprintf(target, sizeof(target), "%s:%u", v6 ? "[2001:db8::1]" : "192.0.2.1",
		 port_for(o->conf.load.set.load.act));
	/* DPDK would draw both from one seed, for the server is forked. */
	const char *const keys[][2] = {{"device", device},
				       {"mac", "02:00:00:00:77:02"},
				       {"target", target},
				       {"source", v6 ? "2001:2::/48" : "198.18.0.0/15"}};
	for (int i = 0; i < 4; i++)
		if (tg_load_options_set(o, keys[i][0], keys[i][1]) != 0)
			return TG_EXIT_USAGE;
	if (tg_settings_set(&o->conf.port[0].set, TG_KEY_PORT, "address", "192.0.2.2/24", target,
			    sizeof(target)) != 0 ||
	    tg_settings_set(&o->conf.port[0].set, TG_KEY_PORT, "address", "2001:db8::2/64", target,
			    sizeof(target)) != 0)
		return tg_cli_usage("bench", "%s", target);
	return 0;
}

static int settle(struct tg_load_options *o)
{
	struct tg_bench *b = o->ctx;
	int rc = check(b);

	if (rc != 0)
		return rc;
	snprintf(b->kernel.near, sizeof(b->kernel.near), "tgn%d", (int)getpid());
	snprintf(b->peer_dir, sizeof(b->peer_dir), "/tmp/tidegate-memif.%d", (int)getpid());
	fit(b);
	return set_all(b);
}

static const struct tg_load_role role = {.command = "bench",
					 .usage = usage,
					 .more = more,
					 .more_n = OPT_N,
					 .take = take,
					 .begin = begin,
					 .settle = settle};

/* --- start --- */

static uint64_t all_mb(const struct tg_bench *b)
{
	uint64_t mb = tg_plan_buffers_mb(&b->run.opt.conf) + tg_load_run_slots_mb(&b->run);

	if (b->mode != TG_BENCH_KERNEL)
		mb += tg_bench_server_mb(b) + tg_plan_buffers_mb(&b->server.conf);
	return mb;
}

static void print_plan(const struct tg_bench *b, FILE *out)
{
	struct tg_plan_beside client = {.buffers_mb = tg_plan_buffers_mb(&b->run.opt.conf),
					.slots_mb = tg_load_run_slots_mb(&b->run)};

	tg_load_plan_print(&b->run.what, out);
	fprintf(out, "client: ");
	tg_plan_print(&b->run.plan, &client, out);
	if (b->mode == TG_BENCH_KERNEL)
		return;
	struct tg_plan_beside server = {.buffers_mb = tg_plan_buffers_mb(&b->server.conf)};
	fprintf(out, "server: ");
	tg_plan_print(&b->server.plan, &server, out);
}

static int plan(struct tg_bench *b)
{
	const struct tg_load_settings *l = &b->run.what.set;
	char err[TG_CONF_ERR], device[200] = "net_ring";
	int rc = tg_load_run_plan(&b->run);

	if (rc >= 0)
		return rc;
	/* As many as have room between the two, whose packets are then never lost, however long a
	 * side is kept from its core. What is too much must come through. */
	if (b->mode != TG_BENCH_KERNEL && !b->overload && !l->think_ms && !l->keep_ms)
		b->run.what.in_flight = RING_SIZE / 2;
	if (b->mode == TG_BENCH_MEMIF)
		snprintf(device, sizeof(device),
			 "net_memif0,role=server,socket=%s/sock,socket-abstract=no,rsize=12",
			 b->peer_dir);
	if (b->mode != TG_BENCH_KERNEL && tg_bench_server_plan(b, device, err, sizeof(err)) != 0)
		return tg_cli_usage("bench", "%s", err);
	if (tg_plan_fits(&b->run.plan, &b->run.opt.conf, all_mb(b), err, sizeof(err)) != 0)
		return tg_cli_usage("bench", "%s", err);
	return -1;
}

static int start_eal(struct tg_bench *b, char *err, size_t err_size)
{
	const char *device = b->run.opt.conf.port[0].set.device;
	struct tg_eal_conf eal = {.name = b->run.opt.name,
				  .device = &device,
				  .device_n = 1,
				  .worker_n = b->mode == TG_BENCH_RING ? (uint32_t)b->cores : 1,
				  .memory_mb = MEMORY_MB + 2 * tg_plan_buffers_mb(&b->run.opt.conf),
				  .extra = b->run.opt.extra,
				  .extra_n = (uint32_t)b->run.opt.extra_n,
				  .verbose = b->run.opt.verbose};

	snprintf(b->run.opt.name, sizeof(b->run.opt.name), "bench-%d", (int)getpid());
	return tg_eal_init(&eal, &b->got, err, err_size);
}

static int adopt_client(struct tg_bench *b, char *err, size_t err_size)
{
	struct tg_dev dev;
	struct tg_dev_conf want = {.name = b->run.plan.engine.port[0].name,
				   .device = "net_ring",
				   .has_mac = true,
				   .mac = b->run.plan.engine.port[0].mac,
				   .mtu = (uint16_t)b->run.opt.conf.port[0].set.mtu,
				   .worker_n = 1};

	if (tg_dev_adopt(&dev, &want, b->rings.id[1], err, err_size) != 0)
		return -1;
	return tg_host_make(&b->run.host, "bench-client", &b->run.plan, &dev, b->got.shared_cpu,
			    err, err_size);
}

static int make_hosts(struct tg_bench *b, char *err, size_t err_size)
{
	b->got_client = b->got;
	if (b->mode != TG_BENCH_RING)
		return tg_host_init(&b->run.host, b->run.opt.name, &b->run.opt.conf, &b->run.plan,
				    &b->got, err, err_size);
	if (b->cores == 2)
		b->got_client.lcore[0] = b->got.lcore[1];
	if (tg_rings_make(&b->rings, "bench", RING_SIZE, err, err_size) != 0 ||
	    tg_bench_server_adopt(b, b->rings.id[0], err, err_size) != 0)
		return -1;
	return adopt_client(b, err, err_size);
}

/* --- the run --- */

static void see_server(struct tg_bench *b, struct tg_sight *sight)
{
	if (b->mode == TG_BENCH_RING)
		tg_sight_sum(&b->server.host, sight);
	else if (b->view)
		tg_bench_peer_see(b, sight);
	else
		memset(sight, 0, sizeof(*sight));
}

static void watch_server(struct tg_bench *b)
{
	struct tg_sight now;

	see_server(b, &now);
	if (now.now_ns <= b->server_from.now_ns ||
	    now.now_ns - b->server_from.now_ns < window_ns / 2)
		return;
	uint64_t opened = now.ctr.v[TG_CTR_conn_opened] - b->server_from.ctr.v[TG_CTR_conn_opened];
	if (b->server_from.now_ns && opened)
		tg_bench_window_add(&b->busy,
				    (double)(now.busy_cycles - b->server_from.busy_cycles) * 1e9 /
					(double)rte_get_tsc_hz() / (double)opened);
	b->server_from = now;
}

static void watch(void *ctx, uint64_t now_ns)
{
	struct tg_bench *b = ctx;
	struct tg_load_figures now;

	if (b->run.end_ns)
		return;
	tg_load_run_see(&b->run, &now);
	if (now.at_ns - b->window_from.at_ns >= window_ns) {
		if (b->window_from.begun)
			tg_bench_window_add(&b->opens,
					    (double)(now.opened - b->window_from.opened) * 1e9 /
						(double)(now.at_ns - b->window_from.at_ns));
		b->window_from = now;
	}
	if (b->mode != TG_BENCH_KERNEL)
		watch_server(b);
	if (b->overload)
		tg_bench_overload_turn(b, &now, now_ns);
}

/* Both sides on one core, in turns: each turn is one side's. */
static int take_turns(void *ctx)
{
	struct tg_bench *b = ctx;
	struct tg_worker *server = &b->server.host.worker[0];
	struct tg_load_core *client = &b->run.core[0];

	while (atomic_load_explicit(&server->order, memory_order_relaxed) != TG_ORDER_STOP) {
		uint64_t before = rte_rdtsc();
		uint32_t moved = tg_worker_step(server);
		before = tg_worker_end_round(server, before, moved > 0);
		tg_load_core_round(client, before);
	}
	tg_load_core_end(client);
	return 0;
}

static void launch(struct tg_bench *b)
{
	if (b->mode == TG_BENCH_RING && b->cores == 1) {
		rte_eal_remote_launch(take_turns, b, b->got.lcore[0]);
		return;
	}
	if (b->mode == TG_BENCH_RING)
		tg_host_launch(&b->server.host, &b->got);
	rte_eal_remote_launch(tg_load_core_run, &b->run.core[0], b->got_client.lcore[0]);
}

static void stop(struct tg_bench *b)
{
	tg_load_run_stop(&b->run); /* its order to stop; of ours, who takes turns goes on */
	if (b->mode == TG_BENCH_RING)
		tg_host_order(&b->server.host, TG_ORDER_STOP);
	tg_host_join(&b->run.host, &b->got_client);
	if (b->mode == TG_BENCH_RING)
		tg_host_join(&b->server.host, &b->got);
	tg_sight_sum(&b->run.host, &b->client_end);
	see_server(b, &b->server_end);
}

/* Buffers wander between the pools of both sides: both are emptied before one is unmade. */
static void end(struct tg_bench *b)
{
	tg_load_run_fini(&b->run);
	if (b->mode == TG_BENCH_RING && b->run.host.worker && b->server.host.worker) {
		tg_host_empty(&b->run.host);
		tg_host_empty(&b->server.host);
		tg_rings_empty(&b->rings);
		b->lost_buffers = tg_io_in_use(b->run.host.worker[0].io) +
				  tg_io_in_use(b->server.host.worker[0].io);
	}
	tg_host_fini(&b->run.host);
	tg_host_fini(&b->server.host);
}

static void print_start(const struct tg_bench *b)
{
	static const char *const what[] = {"over net_ring", "and a second process over memif",
					   "before nginx on the kernel's stack"};

	if (b->run.opt.json)
		return;
	if (!b->run.opt.quiet)
		print_plan(b, stdout);
	printf("bench %s, %llu core%s; packet buffers in %s; Ctrl-C ends it\n", what[b->mode],
	       (unsigned long long)b->cores, b->cores == 1 ? ", in turns" : "s",
	       b->got.hugepages ? "hugepages" : "ordinary memory");
	if (b->got.shared_cpu)
		printf("there is one CPU for both sides: they wait for each other, and figures of "
		       "time mean little\n");
	fflush(stdout);
}

static int report(struct tg_bench *b)
{
	struct tg_load_run *r = &b->run;

	tg_load_run_collect(r);
	if (r->opt.json)
		tg_bench_print_json(b, stdout);
	else
		tg_bench_print(b, stdout);
	int rc = tg_load_run_judge(r, r->opt.json ? stderr : stdout);
	/* Offered more than it can do, some may fail: what counts is how many do not. */
	if (b->overload && r->opt.expect_n == 0)
		rc = tg_bench_overload_share(&b->over) >= 0.9 ? TG_EXIT_OK : TG_EXIT_FAILED;
	int csv = tg_load_run_close_csv(r), printed = tg_cli_printed("bench");
	return printed ? printed : csv ? csv : rc;
}

static int run(struct tg_bench *b)
{
	if (!tg_host_touch(&b->run.host) ||
	    (b->mode == TG_BENCH_RING && !tg_host_touch(&b->server.host)))
		return tg_cli_failed("bench", "the memory of the plan is not there: lower rate, "
					      "hold or duration");
	print_start(b);
	launch(b);
	b->run.watch = watch;
	b->run.watch_ctx = b;
	see_server(b, &b->server_start);
	tg_sight_sum(&b->run.host, &b->client_start);
	tg_load_run_go(&b->run);
	if (b->mode == TG_BENCH_KERNEL)
		b->kernel.cpu_ns = tg_bench_kernel_cpu_ns(b);
	stop(b);
	return report(b);
}

static int start_other_side(struct tg_bench *b)
{
	if (b->mode == TG_BENCH_KERNEL)
		return tg_bench_kernel_start(b);
	if (b->mode == TG_BENCH_RING)
		return 0;
	if (mkdir(b->peer_dir, 0700) != 0)
		return tg_cli_failed("bench", "%s cannot be made: %s", b->peer_dir,
				     strerror(errno));
	return tg_bench_peer_start(b);
}

static void end_other_side(struct tg_bench *b)
{
	char file[96];

	tg_bench_peer_end(b);
	tg_bench_kernel_end(b);
	snprintf(file, sizeof(file), "%s/sock", b->peer_dir);
	unlink(file);
	rmdir(b->peer_dir);
}

static int bench(struct tg_bench *b)
{
	char err[TG_CONF_ERR];
	int rc = tg_load_run_open_csv(&b->run);

	if (rc != 0)
		return rc;
	tg_cli_catch_signals();
	tg_load_bytes_init();
	if (b->mode != TG_BENCH_KERNEL && b->cores == 2)
		b->round_trip_ns = tg_bench_ping();
	rc = start_other_side(b);
	if (rc == 0 && start_eal(b, err, sizeof(err)) != 0)
		rc = tg_cli_usage("bench", "%s", err);
	else if (rc == 0) {
		rc = make_hosts(b, err, sizeof(err)) == 0 &&
			     tg_load_run_make(&b->run, err, sizeof(err)) == 0
			 ? run(b)
			 : tg_cli_failed("bench", "%s", err);
		end(b);
		tg_eal_fini();
	}
	end_other_side(b);
	return b->lost_buffers
		   ? tg_cli_failed("bench", "%u packet buffers were lost", b->lost_buffers)
		   : rc;
}

int tg_cmd_bench(int argc, char **argv)
{
	struct tg_bench *b = calloc(1, sizeof(*b));
	int rc;

	if (!b)
		return tg_cli_failed("bench", "out of memory");
	b->cores = 2;
	b->run.opt.ctx = b;
	rc = tg_load_options_read(&b->run.opt, &role, argc, argv);
	if (rc < 0)
		rc = plan(b);
	if (rc < 0 && b->run.opt.check) {
		print_plan(b, stdout);
		rc = tg_cli_printed("bench");
	}
	if (rc < 0)
		rc = bench(b);
	tg_load_run_fini(&b->run);
	tg_plan_fini(&b->run.plan);
	tg_conf_free(&b->run.opt.conf);
	tg_bench_server_fini(b);
	free(b->opens.v);
	free(b->busy.v);
	free(b);
	return rc;
}
