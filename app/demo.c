/* SPDX-License-Identifier: BSD-3-Clause */
/* demo.c: `tidegate demo`: a server, its clients and a SYN flood in one process, over two net_ring
 * devices, taking turns on one core. Nothing is simulated: both ends are the engine that `serve`
 * runs, behind DPDK devices. */
#include "arming.h"
#include "cli.h"
#include "demo_client.h"
#include "rings.h"
#include "sight.h"
#include "tg_trace.h"

#include <errno.h>
#include <rte_launch.h>
#include <stdlib.h>
#include <time.h>

static const char usage[] =
    "usage: tidegate demo [options] [-- EAL options]\n\n"
    "A server, clients and, in the middle third, a SYN flood: in one process, over virtual\n"
    "devices. Needs no root, no hugepages and no network card; some seconds and one core.\n\n"
    "  -s, --seconds N       how long (9; 3 to 3600)\n"
    "      --rate N          connections that the clients open a second (5000)\n"
    "      --flood N         SYNs that the attacker sends a second (100000)\n"
    "  -o, --capture FILE    where packets go, for Wireshark (demo.pcap)\n"
    "  -v, --verbose         DPDK's own log\n"
    "  -h, --help            this\n";

/* msl_ms is small so that TIME-WAIT is seen to come and go. */
static const char server_ini[] =
    "[engine]\nconnections = 100000\nmsl_ms = 500\n"
    "[port server]\ndevice = net_ring\naddress = 10.77.0.1/24\ngateway = 10.77.0.2\n"
    "[listener echo]\nport = 7\nservice = echo\nsynq_high = 1024\nsynq_low = 768\n"
    "synack_retries = 1\n"; /* half-open ones of the flood end soon after it: cookies disarm */
static const char client_ini[] =
    "[engine]\nconnections = 100000\nmsl_ms = 500\n"
    "[port client]\ndevice = net_ring\n"
    "address = 10.77.0.2/24 10.77.0.3/24 10.77.0.4/24 10.77.0.5/24 10.77.0.6/24\n"
    " 10.77.0.7/24 10.77.0.8/24 10.77.0.9/24 10.77.0.10/24 10.77.0.11/24\n"
    " 10.77.0.12/24 10.77.0.13/24 10.77.0.14/24 10.77.0.15/24 10.77.0.16/24\n"
    "[listener none]\nport = 9\nservice = discard\n";

enum {
	RING_SIZE = 8192,
	HOLD_WANT = 1000,
	ACTIVE_MAX = 2000,
	ATTACK_BURST = 32,
	CAPTURE_EACH = 2500, /* packets kept at the start of each part */
	LAST_VISIT_MS = 500, /* of the drain's time, for those who are still opening */
	DRAIN_MS = 2000,
	MEMORY_MB = 64
};

enum part { PART_CALM, PART_FLOOD, PART_AFTER, PART_CLOSE, PART_N };

struct capture {
	struct tg_trace_writer *writer;
	int64_t wall_offset_ns;
	uint32_t room; /* packets that are still taken */
	uint64_t written;
	char err[256]; /* why it could not be written; "": it could */
};

struct side {
	struct tg_conf conf;
	struct tg_plan plan;
	struct tg_host host;
};

struct demo {
	uint64_t seconds, rate, flood;
	const char *file;
	bool verbose;
	char **extra;
	int extra_n;
	struct tg_eal_got got;
	struct tg_rings rings; /* to the server, to the client */
	struct side server, client;
	struct demo_client visitors;
	struct demo_attacker attacker;
	struct capture capture;
	struct tg_arming arming;
	_Atomic uint32_t part; /* enum part, written by control */
	_Atomic bool stop;
	uint64_t opened[PART_N], took_ns[PART_N]; /* by part, for the summary */
	uint32_t half_open_max, cookies_part;
};

/* --- options --- */

enum { OPT_RATE = 256, OPT_FLOOD };

static const struct option longs[] = {{"seconds", required_argument, NULL, 's'},
				      {"rate", required_argument, NULL, OPT_RATE},
				      {"flood", required_argument, NULL, OPT_FLOOD},
				      {"capture", required_argument, NULL, 'o'},
				      {"verbose", no_argument, NULL, 'v'},
				      {"help", no_argument, NULL, 'h'},
				      {0}};

static int read_options(struct demo *d, int argc, char **argv)
{
	int split = tg_cli_split(argc, argv), c;
	bool good = true;
	d->extra = argv + (split < argc ? split + 1 : argc);
	d->extra_n = split < argc ? argc - split - 1 : 0;
	while (good && (c = tg_cli_option(split, argv, ":s:o:vh", longs)) != -1) {
		if (c == 's')
			good = tg_cli_number("demo", "--seconds", optarg, 3, 3600, &d->seconds);
		else if (c == OPT_RATE)
			good = tg_cli_number("demo", "--rate", optarg, 1, 1000000, &d->rate);
		else if (c == OPT_FLOOD)
			good = tg_cli_number("demo", "--flood", optarg, 0, 10000000, &d->flood);
		else if (c == 'o')
			d->file = optarg;
		else if (c == 'v')
			d->verbose = true;
		else if (c == 'h') {
			fputs(usage, stdout);
			return TG_EXIT_OK;
		} else
			good = false;
	}
	if (good && optind < split)
		return tg_cli_usage("demo", "what is %s? See `tidegate demo --help`", argv[optind]);
	return good ? -1 : TG_EXIT_USAGE;
}

/* --- capture --- */

static bool capture_open(struct capture *c, const char *file, char *err, size_t err_size)
{
	struct timespec wall;
	char text[256];
	c->writer = tg_trace_create(file, TG_TRACE_ETHERNET, text, sizeof(text));
	if (!c->writer) {
		snprintf(err, err_size, "%s; name another by --capture FILE", text);
		return false;
	}
	clock_gettime(CLOCK_REALTIME, &wall);
	c->wall_offset_ns = wall.tv_sec * 1000000000ll + wall.tv_nsec - (int64_t)tg_cli_now_ns();
	return true;
}

static void capture_packets(void *ctx, const struct tg_pkt pkt[], uint32_t n, uint64_t now_ns,
			    bool sent)
{
	struct capture *c = ctx;
	(void)sent;
	for (uint32_t i = 0; i < n && c->room > 0 && !c->err[0]; i++, c->room--)
		if (tg_trace_put(c->writer, now_ns + (uint64_t)c->wall_offset_ns, pkt[i].data,
				 pkt[i].len, c->err, sizeof(c->err)))
			c->written++;
}

static void capture_close(struct capture *c)
{
	char text[sizeof(c->err)];
	if (!tg_trace_finish(c->writer, text, sizeof(text)) && !c->err[0])
		memcpy(c->err, text, sizeof(text));
	c->writer = NULL;
}

/* --- start --- */

static int start_eal(struct demo *d, char *err, size_t err_size)
{
	const char *xdg = getenv("XDG_RUNTIME_DIR");
	struct tg_eal_conf eal = {.name = "demo",
				  .worker_n = 1,
				  .memory_mb = MEMORY_MB + 2 * tg_fabric_memory_mb(1, 1, 1500),
				  .extra = d->extra,
				  .extra_n = (uint32_t)d->extra_n,
				  .verbose = d->verbose};
	bool was_set = xdg != NULL;
	if (tg_eal_init(&eal, &d->got, err, err_size) != 0)
		return -1;
	if (was_set && !getenv("XDG_RUNTIME_DIR"))
		printf("note: XDG_RUNTIME_DIR names no folder that can be written to; /tmp is used "
		       "instead\n");
	return 0;
}

static int start_side(struct side *s, const char *name, const char *ini, uint16_t id, uint8_t mac,
		      char *err, size_t err_size)
{
	struct tg_dev dev;
	if (tg_conf_parse(&s->conf, name, ini, strlen(ini), err, err_size) != 0 ||
	    tg_plan_init(&s->plan, &s->conf, err, err_size) != 0)
		return -1;
	struct tg_dev_conf want = {.name = s->plan.engine.port[0].name,
				   .device = "net_ring",
				   .has_mac = true,
				   .mac = {{2, 0, 0, 0, 0x77, mac}},
				   .mtu = 1500,
				   .worker_n = 1};
	if (tg_dev_adopt(&dev, &want, id, err, err_size) != 0)
		return -1;
	return tg_host_make(&s->host, name, &s->plan, &dev, true, err, err_size);
}

static void start_visitors(struct demo *d)
{
	struct demo_client *c = &d->visitors;
	const struct tg_engine_conf *engine = &d->client.plan.engine;
	c->engine = d->client.host.worker[0].engine;
	c->tcp = d->client.conf.engine.set.tcp;
	c->server = d->server.plan.engine.port[0].addr[0].addr;
	for (uint32_t i = 0; i < DEMO_CLIENT_ADDRS; i++)
		c->addr[i] = engine->port[0].addr[i].addr;
	c->hold_want = HOLD_WANT;
	c->active_max = ACTIVE_MAX;
	struct demo_attacker *a = &d->attacker;
	a->io = d->client.host.worker[0].io;
	a->from = d->client.host.dev[0].mac;
	a->to = d->server.host.dev[0].mac;
	a->server = c->server;
	tg_rng_init(&a->rng, rte_rdtsc());
	d->server.host.worker[0].tap = capture_packets;
	d->server.host.worker[0].tap_ctx = &d->capture;
}

static int start(struct demo *d, char *err, size_t err_size)
{
	if (!capture_open(&d->capture, d->file, err, err_size) ||
	    start_eal(d, err, err_size) != 0 ||
	    tg_rings_make(&d->rings, "demo", RING_SIZE, err, err_size) != 0)
		return -1;
	if (start_side(&d->server, "demo-server", server_ini, d->rings.id[0], 1, err, err_size) !=
		0 ||
	    start_side(&d->client, "demo-client", client_ini, d->rings.id[1], 2, err, err_size) !=
		0)
		return -1;
	start_visitors(d);
	return 0;
}

/* --- the core's loop --- */

/* How many of rate a second are due since *since_ns; moves it on. */
static uint32_t due(uint64_t rate, uint64_t now_ns, uint64_t *since_ns, uint32_t most)
{
	uint64_t passed = now_ns - *since_ns;
	if (passed > 100 * TG_NS_PER_MS) { /* we were away: what was missed is not made up for */
		*since_ns = now_ns;
		return 0;
	}
	uint64_t n = passed * rate / 1000000000ull;
	if (n == 0)
		return 0;
	if (n > most)
		n = most;
	*since_ns += n * 1000000000ull / rate;
	return (uint32_t)n;
}

/* The last visitors are let finish: a drain would break off who is still opening. */
static bool may_drain(const struct demo *d, uint64_t since_ns, uint64_t now_ns)
{
	return d->visitors.active == 0 || now_ns - since_ns > LAST_VISIT_MS * TG_NS_PER_MS;
}

static void drain(struct demo *d)
{
	atomic_store(&d->client.host.worker[0].order, TG_ORDER_DRAIN);
	atomic_store(&d->server.host.worker[0].order, TG_ORDER_DRAIN);
}

/* Of both engines, the one whose timers are due first. */
static const struct tg_engine *first_due(const struct tg_engine *a, const struct tg_engine *b)
{
	return tg_engine_next_deadline(a) < tg_engine_next_deadline(b) ? a : b;
}

static int run(void *ctx)
{
	struct demo *d = ctx;
	struct tg_idle idle;
	struct tg_worker *server = &d->server.host.worker[0], *client = &d->client.host.worker[0];
	uint64_t open_ns = client->clock.last_ns, attack_ns = open_ns, part_ns = open_ns;
	uint32_t part = PART_N;
	tg_idle_init(&idle, TG_IDLE_SLEEP);
	while (!atomic_load_explicit(&d->stop, memory_order_relaxed)) {
		uint32_t now_part = atomic_load_explicit(&d->part, memory_order_relaxed);
		if (now_part != part) {
			part = now_part;
			part_ns = client->clock.last_ns;
			d->capture.room = CAPTURE_EACH;
		}
		uint32_t moved = tg_worker_step(server);
		moved += tg_worker_step(client);
		uint64_t now_ns = client->clock.last_ns;
		if (part == PART_CLOSE && may_drain(d, part_ns, now_ns))
			drain(d);
		if (part != PART_CLOSE)
			moved += demo_client_open(&d->visitors,
						  due(d->rate, now_ns, &open_ns, TG_IO_BURST));
		if (part == PART_FLOOD && d->flood)
			demo_attack(&d->attacker, due(d->flood, now_ns, &attack_ns, ATTACK_BURST));
		else
			attack_ns = now_ns;
		tg_idle_end(&idle, first_due(server->engine, client->engine), now_ns, 0, moved > 0);
	}
	return 0;
}

/* --- the table --- */

/* At most 79 columns. */
static void print_head(void)
{
	printf("\n%6s  %-9s %7s %6s %6s %7s %9s %9s %9s\n", "", "", "", "half-", "TIME-", "opened",
	       "SYNs", "cookies", "packets");
	printf("%6s  %-9s %7s %6s %6s %7s %9s %9s %9s\n", "time", "", "open", "open", "WAIT", "/s",
	       "/s", "/s", "/s");
}

static void print_row(double at, const char *what, const struct tg_sight *server,
		      const struct tg_sight *before, const struct tg_sight *client, double s)
{
	const struct tg_counters *now = &server->ctr, *old = &before->ctr;
	uint64_t syns = now->v[TG_CTR_synack_sent] + now->v[TG_CTR_cookie_sent] +
			now->v[TG_CTR_synack_limited] - old->v[TG_CTR_synack_sent] -
			old->v[TG_CTR_cookie_sent] - old->v[TG_CTR_synack_limited];
	printf("%4.0f s  %-9s %7u %6u %6u %7.0f %9.0f %9.0f %9.0f\n", at, what,
	       server->engine.state[TG_ESTABLISHED], server->engine.state[TG_SYN_RECEIVED],
	       server->engine.tw_count + client->engine.tw_count,
	       (double)(now->v[TG_CTR_conn_opened] - old->v[TG_CTR_conn_opened]) / s,
	       (double)syns / s,
	       (double)(now->v[TG_CTR_cookie_sent] - old->v[TG_CTR_cookie_sent]) / s,
	       (double)(now->v[TG_CTR_rx_segments] - old->v[TG_CTR_rx_segments] +
			now->v[TG_CTR_tx_packets] - old->v[TG_CTR_tx_packets]) /
		   s);
	fflush(stdout);
}

static const char *part_name(uint32_t part)
{
	static const char *const names[PART_N] = {"", "SYN flood", "", "closing"};
	return names[part];
}

static void note(struct demo *d, uint32_t part, const struct tg_sight *now,
		 const struct tg_sight *before, uint64_t took_ns)
{
	d->opened[part] += now->ctr.v[TG_CTR_conn_opened] - before->ctr.v[TG_CTR_conn_opened];
	d->took_ns[part] += took_ns;
	if (now->engine.state[TG_SYN_RECEIVED] > d->half_open_max)
		d->half_open_max = now->engine.state[TG_SYN_RECEIVED];
}

static uint32_t part_at(const struct demo *d, uint64_t second)
{
	if (second >= d->seconds)
		return PART_CLOSE;
	return second < d->seconds / 3       ? PART_CALM
	       : second < 2 * d->seconds / 3 ? PART_FLOOD
					     : PART_AFTER;
}

static void watch(struct demo *d)
{
	struct tg_sight server, client, before;
	uint64_t start = tg_cli_now_ns(), last = start;
	tg_sight_sum(&d->server.host, &before);
	for (uint64_t second = 0; second < d->seconds && !tg_cli_is_interrupted(); second++) {
		uint32_t part = part_at(d, second);
		atomic_store(&d->part, part);
		while (tg_cli_now_ns() < start + (second + 1) * 1000000000ull &&
		       !tg_cli_is_interrupted()) {
			tg_cli_pause_ms(5);
			tg_arming_poll(&d->arming, &d->server.host, tg_cli_now_ns(), stdout);
		}
		uint64_t now = tg_cli_now_ns();
		tg_sight_sum(&d->server.host, &server);
		tg_sight_sum(&d->client.host, &client);
		print_row((double)(now - start) / 1e9, part_name(part), &server, &before, &client,
			  (double)(now - last) / 1e9);
		note(d, part, &server, &before, now - last);
		before = server;
		last = now;
	}
	atomic_store(&d->part, PART_CLOSE);
	while (tg_cli_now_ns() < last + DRAIN_MS * TG_NS_PER_MS &&
	       !(tg_host_is_done(&d->server.host, TG_ORDER_DRAIN) &&
		 tg_host_is_done(&d->client.host, TG_ORDER_DRAIN)))
		tg_cli_pause_ms(5);
	atomic_store(&d->stop, true);
}

/* --- the end --- */

static double per_second(const struct demo *d, uint32_t part)
{
	return d->took_ns[part] ? (double)d->opened[part] * 1e9 / (double)d->took_ns[part] : 0;
}

static void print_flood(const struct demo *d, const struct tg_counters *c)
{
	if (d->attacker.sent == 0)
		return;
	printf("  The attacker sent %llu SYNs from made-up addresses. The server\n"
	       "  answered %llu SYNs with a cookie, which takes no memory, and never held\n"
	       "  more than %u half-open connections.\n",
	       (unsigned long long)d->attacker.sent, (unsigned long long)c->v[TG_CTR_cookie_sent],
	       d->half_open_max);
	if (d->took_ns[PART_AFTER])
		printf("  Clients opened %.0f connections a second before the flood, %.0f during\n"
		       "  it, %.0f after it.\n",
		       per_second(d, PART_CALM), per_second(d, PART_FLOOD),
		       per_second(d, PART_AFTER));
}

static bool print_checks(const struct demo *d, char *why, size_t why_size)
{
	bool sound = tg_engine_validate(d->server.host.worker[0].engine, why, why_size) &&
		     tg_engine_validate(d->client.host.worker[0].engine, why, why_size);
	if (!sound)
		printf("  An invariant of the engine does not hold: %s.\n", why);
	return sound;
}

static int summary(const struct demo *d)
{
	const struct demo_client *v = &d->visitors;
	const struct tg_counters *c = tg_engine_counters(d->server.host.worker[0].engine);
	char why[256] = "";
	uint64_t lost = v->broken + v->wrong;
	printf("\nWhat happened%s\n", tg_cli_is_interrupted() ? " until it was interrupted" : "");
	printf("  Clients opened %llu connections to the server. %llu of them sent %d\n"
	       "  bytes, got the same bytes back and closed; %u stayed open all the\n"
	       "  time. %llu were broken off, %llu bytes were wrong.\n",
	       (unsigned long long)v->started, (unsigned long long)v->done, DEMO_MESSAGE, v->held,
	       (unsigned long long)v->broken, (unsigned long long)v->wrong);
	print_flood(d, c);
	printf("  %llu packets came in, %llu went out; server, clients and attacker\n"
	       "  took turns on one core.\n",
	       (unsigned long long)c->v[TG_CTR_rx_segments],
	       (unsigned long long)c->v[TG_CTR_tx_packets]);
	bool sound = print_checks(d, why, sizeof(why));
	if (d->capture.err[0])
		printf("  %s is cut short: %s.\n", d->file, d->capture.err);
	else
		printf("  %llu packets are in %s: open it with Wireshark, or\n"
		       "  `tcpdump -nr %s | less`.\n",
		       (unsigned long long)d->capture.written, d->file, d->file);
	printf("Next: `tidegate serve -c config/tap.ini` makes a server that your own curl\n"
	       "can talk to.\n");
	return lost == 0 && sound && v->done > 0 && !d->capture.err[0] ? TG_EXIT_OK
								       : TG_EXIT_FAILED;
}

static void end_side(struct side *s)
{
	tg_host_fini(&s->host);
	tg_plan_fini(&s->plan);
	tg_conf_free(&s->conf);
}

/* Buffers wander between the two pools, so both sides are emptied before one is unmade. Returns how
 * many did not come back: none may be missing. */
static uint32_t end_both(struct demo *d)
{
	tg_host_empty(&d->client.host);
	tg_host_empty(&d->server.host);
	tg_rings_empty(&d->rings);
	uint32_t lost =
	    tg_io_in_use(d->client.host.worker[0].io) + tg_io_in_use(d->server.host.worker[0].io);
	end_side(&d->client);
	end_side(&d->server);
	return lost;
}

static int demo(struct demo *d)
{
	char err[TG_CONF_ERR];
	tg_cli_catch_signals();
	printf("tidegate demo: %llu s; a server, clients, and a SYN flood from second %llu to "
	       "%llu.\n",
	       (unsigned long long)d->seconds, (unsigned long long)d->seconds / 3,
	       (unsigned long long)(2 * d->seconds / 3));
	fflush(stdout);
	if (start(d, err, sizeof(err)) != 0)
		return tg_cli_usage("demo", "%s", err);
	printf("packet buffers in %s\n",
	       d->got.hugepages ? "hugepages" : "ordinary memory (too few free hugepages)");
	rte_eal_remote_launch(run, d, d->got.lcore[0]);
	tg_sight_publish(&d->server.host, "demo", &d->got);
	print_head();
	watch(d);
	rte_eal_wait_lcore(d->got.lcore[0]);
	tg_sight_publish(NULL, NULL, NULL);
	capture_close(&d->capture);
	int rc = summary(d);
	uint32_t lost = end_both(d);
	tg_eal_fini();
	return lost ? tg_cli_failed("demo", "%u packet buffers were lost", lost) : rc;
}

int tg_cmd_demo(int argc, char **argv)
{
	struct demo *d = calloc(1, sizeof(*d));
	if (!d)
		return tg_cli_failed("demo", "out of memory");
	d->seconds = 9;
	d->rate = 5000;
	d->flood = 100000;
	d->file = "demo.pcap";
	int rc = read_options(d, argc, argv);
	if (rc < 0)
		rc = demo(d);
	free(d);
	return rc;
}
