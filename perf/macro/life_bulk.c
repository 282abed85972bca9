/* SPDX-License-Identifier: BSD-3-Clause */
/* life_bulk.c: bytes in bulk. The `http` service answers GET /bytes/N to a client that is an engine
 * of the product too, and looks at every byte. Between the two devices this program carries the
 * frames, and loses some. Server, client and carrier take turns on one core; the server's rounds
 * are measured. Windows without loss and windows with it take turns, on the same connections. */
#include "life.h"
#include "spread.h"

#include <inttypes.h>
#include <rte_cycles.h>
#include <rte_launch.h>
#include <stdio.h>

enum {
	BURST = 64,
	PERIOD = 251,
	RUN_MAX = 1 << 16,
	CLIENT_PORT_LOW = 20000,
	WARM_MS = 300,
	STILL_S = 10
};

static const uint8_t client_v4[4] = {192, 0, 2, 254};
static const char request[] = "GET /bytes/1099511627776 HTTP/1.1\r\nHost: life\r\n\r\n";
static const char head_end[] = "\r\n\r\n";

struct flow {
	uint32_t head_at; /* bytes of head_end that were seen last; sizeof - 1: the body began */
	uint64_t got;     /* of the body */
};

struct client {
	struct tg_conf conf;
	struct tg_plan plan;
	struct tg_host host;
	struct flow flow[64];
	uint8_t pattern[RUN_MAX + PERIOD];
	uint64_t got; /* of all */
	uint32_t closed;
};

struct link {
	struct rte_ring *from, *to;
	uint64_t passed, lost;
};

struct bulk {
	const struct life_opts *o;
	struct life_rig server;
	struct client client;
	struct rte_ring *to_client, *from_client;
	struct link down, up;
	struct tg_rng rng;
	uint32_t window_n;
	double *clean, *lossy, *ratio; /* Gb/s of busy time; the second to the first */
	uint64_t packets;              /* that the server sent, measured */
	uint64_t bytes;
};

/* --- the client --- */

static void client_opened(void *ctx, struct tg_engine *engine, uint32_t conn)
{
	(void)ctx;
	if (tg_conn_write(engine, conn, request, sizeof(request) - 1) != sizeof(request) - 1)
		life_fail("the request does not go out");
}

/* Returns how many bytes of text[n] are of the head. */
static uint32_t read_head(struct flow *f, const uint8_t *text, uint32_t n)
{
	uint32_t at = 0;

	while (at < n && f->head_at < sizeof(head_end) - 1) {
		uint8_t c = text[at++];

		f->head_at = c == (uint8_t)head_end[f->head_at] ? f->head_at + 1 : c == '\r';
	}
	return at;
}

static void client_readable(void *ctx, struct tg_engine *engine, uint32_t conn)
{
	struct client *c = ctx;
	struct flow *f = &c->flow[tg_conn_word(engine, conn)];
	const uint8_t *text;
	uint32_t n;

	while ((text = tg_conn_peek(engine, conn, 0, &n)) != NULL && n > 0) {
		uint32_t head = read_head(f, text, n), body = n - head;

		if (body > RUN_MAX)
			body = RUN_MAX;
		if (memcmp(text + head, c->pattern + f->got % PERIOD, body) != 0)
			life_fail("flow %u: a byte between %" PRIu64 " and %" PRIu64 " is wrong",
				  tg_conn_word(engine, conn), f->got, f->got + body);
		f->got += body;
		c->got += body;
		tg_conn_consume(engine, conn, head + body);
	}
}

static void client_closed(void *ctx, struct tg_engine *engine, uint32_t conn,
			  enum tg_close_reason reason)
{
	struct client *c = ctx;

	(void)engine;
	(void)conn;
	(void)reason;
	c->closed++;
}

static const struct tg_service downloader = {
    .name = "bulk", .opened = client_opened, .readable = client_readable, .closed = client_closed};

static const char ini[] = "[engine]\nconnections = 1000\nconnections_ipv6 = 1\nbuffer_mb = 128\n"
			  "moving = 256\n"
			  "[port client]\ndevice = net_ring\naddress = 192.0.2.254/24\n"
			  "gateway = 192.0.2.1\ngateway_mac = 02:00:00:00:00:01\n"
			  "[listener none]\nport = 9\nservice = discard\n";

static void client_plan(struct client *c)
{
	char err[512];

	if (tg_conf_parse(&c->conf, "life", ini, strlen(ini), err, sizeof(err)) != 0 ||
	    tg_plan_init(&c->plan, &c->conf, err, sizeof(err)) != 0)
		life_fail("%s", err);
	for (uint32_t i = 0; i < sizeof(c->pattern); i++)
		c->pattern[i] = (uint8_t)(i % PERIOD);
}

static void client_open(struct client *c, uint32_t flows)
{
	struct tg_engine *engine = c->host.worker[0].engine;
	struct tg_tuple tuple = {.laddr = tg_addr_from_v4(client_v4),
				 .raddr = tg_addr_from_v4(life_server_v4),
				 .rport = LIFE_PORT};

	for (uint32_t i = 0; i < flows; i++) {
		uint32_t conn;

		tuple.lport = (uint16_t)(CLIENT_PORT_LOW + i);
		int rc = tg_engine_connect(engine, &tuple, &c->conf.engine.set.tcp, &downloader, c,
					   i, &conn);

		if (rc != 0)
			life_fail("connect: error %d", rc);
	}
}

/* --- the carrier --- */

static void carry(struct bulk *b, struct link *l, uint32_t loss_ppm)
{
	struct rte_mbuf *m[BURST];
	uint32_t n, kept;

	while ((n = rte_ring_sc_dequeue_burst(l->from, (void **)m, BURST, NULL)) > 0) {
		kept = 0;
		for (uint32_t i = 0; i < n; i++) {
			if (loss_ppm == 0 || tg_rng_below(&b->rng, 1000000) >= loss_ppm) {
				m[kept++] = m[i];
				continue;
			}
			rte_pktmbuf_free(m[i]);
			l->lost++;
		}
		if (rte_ring_sp_enqueue_bulk(l->to, (void *const *)m, kept, NULL) != kept)
			life_fail("a ring is full: fewer --flows");
		l->passed += kept;
	}
}

static void turn(struct bulk *b, uint32_t loss_ppm)
{
	carry(b, &b->up, loss_ppm);
	life_rig_serve(&b->server);
	carry(b, &b->down, loss_ppm);
	while (tg_worker_step(&b->client.host.worker[0]) > 0)
		;
	if (b->client.closed)
		life_fail("%u connections ended", b->client.closed);
}

/* --- windows --- */

/* For so long, and until something came. */
static void run_ms(struct bulk *b, uint32_t ms, uint32_t loss_ppm)
{
	uint64_t start = rte_rdtsc(), hz = rte_get_tsc_hz(), before = b->client.got, took;

	do {
		turn(b, loss_ppm);
		took = rte_rdtsc() - start;
		if (took > STILL_S * hz && b->client.got == before)
			life_fail("nothing comes for %d s", STILL_S);
	} while (took < hz / 1000 * ms || b->client.got == before);
}

/* Gb/s that the server's busy time is worth. */
static double window(struct bulk *b, uint32_t loss_ppm)
{
	uint64_t before = b->client.got, packets = b->down.passed + b->down.lost, bytes;

	b->server.busy = 0;
	run_ms(b, LIFE_WINDOW_MS, loss_ppm);
	bytes = b->client.got - before;
	b->packets += b->down.passed + b->down.lost - packets;
	b->bytes += bytes;
	return (double)bytes * 8 / ((double)b->server.busy * 1e9 / (double)rte_get_tsc_hz());
}

static void measure(struct bulk *b)
{
	run_ms(b, WARM_MS, 0);
	for (uint32_t w = 0; w < b->window_n; w++) {
		b->clean[w] = window(b, 0);
		if (b->o->loss_ppm == 0)
			continue;
		b->lossy[w] = window(b, b->o->loss_ppm);
		b->ratio[w] = b->lossy[w] / b->clean[w];
	}
}

static void print(struct bulk *b)
{
	struct spread clean = spread_of(b->clean, b->window_n);
	uint64_t least = b->client.flow[0].got;

	for (uint32_t i = 0; i < b->o->flows; i++)
		least = b->client.flow[i].got < least ? b->client.flow[i].got : least;
	printf("bulk, %u flows, MTU 1500, checksums by software: %.1f Gb/s of the server's busy "
	       "time (%.1f .. %.1f; wanted: 20)\n",
	       b->o->flows, clean.p50, clean.p10, clean.p90);
	if (b->o->loss_ppm) {
		struct spread lossy = spread_of(b->lossy, b->window_n);
		struct spread ratio = spread_of(b->ratio, b->window_n);

		printf("  %u of a million frames lost each way: %.1f Gb/s (%.1f .. %.1f); of that "
		       "without: %.3f (%.3f .. %.3f; wanted: 0.8)\n",
		       b->o->loss_ppm, lossy.p50, lossy.p10, lossy.p90, ratio.p50, ratio.p10,
		       ratio.p90);
	}
	printf("  %u windows of %d ms; each of %.3f GB was the right byte, the least flow had "
	       "%.3f; %.0f bytes a frame; lost: %" PRIu64 " of data, %" PRIu64 " of ACKs\n",
	       b->window_n, LIFE_WINDOW_MS, (double)b->client.got / 1e9, (double)least / 1e9,
	       (double)b->bytes / (double)b->packets, b->down.lost, b->up.lost);
	printf("  left out, because somebody else had the core for over %d ms: %" PRIu64
	       " rounds, %.3f s\n",
	       LIFE_LOST_MS, b->server.lost_n, (double)b->server.lost / (double)rte_get_tsc_hz());
}

/* --- making --- */

static const struct life_rig_conf server_conf = {.name = "life-s",
						 .service = "http",
						 .conn_max = 1000,
						 .tw_max = 1000,
						 .msl_ms = 1000,
						 .moving = 256,
						 .buffer_mb = 128,
						 .close = LIFE_SERVER_CLOSES,
						 .packets = 4};

static void make(struct bulk *b)
{
	struct client *c = &b->client;

	life_rig_plan(&b->server, &server_conf);
	life_rig_init(&b->server, &server_conf);
	client_plan(c);
	b->to_client = life_ring("life-c", "to-client");
	b->from_client = life_ring("life-c", "from-client");
	life_host_init(&c->host, "life-c", &c->plan, &life_client_mac, b->to_client,
		       b->from_client);
	b->down = (struct link){.from = b->server.to_client, .to = b->to_client};
	b->up = (struct link){.from = b->from_client, .to = b->server.to_server};
	tg_rng_init(&b->rng, b->o->seed);
}

static void empty(struct rte_ring *ring)
{
	struct rte_mbuf *m;

	while (rte_ring_sc_dequeue(ring, (void **)&m) == 0)
		rte_pktmbuf_free(m);
}

/* Each side may have buffers of the other. */
static void unmake(struct bulk *b)
{
	tg_host_empty(&b->client.host);
	tg_host_empty(&b->server.host);
	empty(b->to_client);
	empty(b->from_client);
	empty(b->server.to_client);
	empty(b->server.to_server);
	tg_host_fini(&b->client.host);
	tg_plan_fini(&b->client.plan);
	tg_conf_free(&b->client.conf);
	life_rig_fini(&b->server);
}

/* Every flow has moved, and what was lost was sent again. */
static void check(const struct bulk *b)
{
	const struct tg_counters *c = tg_engine_counters(b->server.host.worker[0].engine);
	uint64_t again = c->v[TG_CTR_rexmit];
	char why[256];

	for (uint32_t i = 0; i < b->o->flows; i++)
		if (b->client.flow[i].got == 0)
			life_fail("flow %u got no byte", i);
	if (again < b->down.lost / 2 || (b->o->loss_ppm && b->down.lost == 0))
		life_fail("%" PRIu64 " frames were lost, and %" PRIu64 " sent again", b->down.lost,
			  again);
	if (!tg_engine_validate(b->server.host.worker[0].engine, why, sizeof(why)) ||
	    !tg_engine_validate(b->client.host.worker[0].engine, why, sizeof(why)))
		life_fail("an engine is not valid: %s", why);
}

static int run_all(void *arg)
{
	struct bulk *b = arg;

	make(b);
	client_open(&b->client, b->o->flows);
	measure(b);
	check(b);
	print(b);
	unmake(b);
	return 0;
}

void life_bulk(const struct life_opts *o)
{
	struct bulk *b = calloc(1, sizeof(*b));
	uint32_t lcore = life_eal_init(2, o->verbose);

	if (!b)
		life_fail("no memory");
	b->o = o;
	b->window_n = o->seconds * 1000 / LIFE_WINDOW_MS / (o->loss_ppm ? 2 : 1);
	b->clean = calloc(b->window_n, sizeof(double));
	b->lossy = calloc(b->window_n, sizeof(double));
	b->ratio = calloc(b->window_n, sizeof(double));
	if (!b->clean || !b->lossy || !b->ratio)
		life_fail("no memory");
	rte_eal_remote_launch(run_all, b, lcore);
	rte_eal_wait_lcore(lcore);
	free(b->clean);
	free(b->lossy);
	free(b->ratio);
	free(b);
	tg_eal_fini();
}

uint64_t life_bulk_bytes(const struct life_opts *o)
{
	static struct life_rig r;
	static struct client c;
	uint64_t bytes;

	(void)o;
	life_rig_plan(&r, &server_conf);
	client_plan(&c);
	bytes = r.plan.engine_bytes + c.plan.engine_bytes;
	tg_plan_fini(&r.plan);
	tg_conf_free(&r.conf);
	tg_plan_fini(&c.plan);
	tg_conf_free(&c.conf);
	return bytes;
}
