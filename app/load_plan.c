/* SPDX-License-Identifier: BSD-3-Clause */
#include "load_plan.h"

#include <inttypes.h>
#include <stdarg.h>

enum {
	FILL_RATE = 10000,    /* how fast those that are held are opened, where nobody says: */
	FILL_S = 20,          /* or as fast as makes this; and twice as fast as they are churned */
	LIVE_SLACK_MS = 2000, /* for handshakes and closes that take their time */
	LIVE_LEAST = 2048,
	MOVING_MS = 500, /* connections that were begun in so long may all move */
	MOVING_LEAST = 4096,
	FLOOD_RST_RATE = 1,
	DURATION_S = 10, /* where nobody says */
	FLOOD_LONGEST_S = 2592000,
	SHORT_BYTES = 1024,
	SHORT_BUFFERS = 4096, /* a buffer each way */
};

/* --- networks --- */

bool tg_load_is_test_net(const struct tg_addr *addr, uint8_t prefix_len)
{
	static const char *const nets[] = {"10.0.0.0/8",     "172.16.0.0/12",  "192.168.0.0/16",
					   "198.18.0.0/15",  "192.0.2.0/24",   "198.51.100.0/24",
					   "203.0.113.0/24", "169.254.0.0/16", "fc00::/7",
					   "2001:db8::/32",  "2001:2::/48",    "fe80::/10"};

	for (uint32_t i = 0; i < sizeof(nets) / sizeof(nets[0]); i++) {
		struct tg_port_addr net;
		if (tg_addr_parse_prefix(nets[i], &net.addr, &net.prefix_len) &&
		    prefix_len >= net.prefix_len &&
		    tg_addr_in_prefix(addr, &net.addr, net.prefix_len))
			return true;
	}
	return false;
}

/* The first and the last address of an IPv4 network belong to no host, and the first of an IPv6 one
 * to its routers (RFC 4291 2.6.1). */
static void add_source(struct tg_load_plan *plan, const struct tg_addr *net, uint8_t prefix_len)
{
	bool v4 = tg_addr_is_v4(net);
	uint32_t host_bits = (v4 ? 32u : 128u) - prefix_len;
	struct tg_load_source *s = &plan->source[plan->source_n++];

	*s = (struct tg_load_source){.net = *net, .v4 = v4};
	s->n = 1ull << (host_bits < 40 ? host_bits : 40);
	if (v4 && host_bits > 1) {
		s->first = 1;
		s->n -= 2;
	} else if (!v4 && host_bits > 1) {
		s->first = 1;
		s->n--;
	}
	plan->source_all[v4] += s->n;
}

struct tg_addr tg_load_plan_source(const struct tg_load_plan *plan, bool v4, uint64_t i)
{
	const struct tg_load_source *s = plan->source;

	while (s->v4 != v4 || i >= s->n) {
		i -= s->v4 == v4 ? s->n : 0;
		s++;
	}
	struct tg_addr a = s->net;
	uint64_t host = s->first + i;

	for (int b = 15; host; b--, host >>= 8)
		a.b[b] |= (uint8_t)host;
	return a;
}

struct tg_addr tg_load_plan_any_source(const struct tg_load_plan *plan, bool v4, struct tg_rng *rng)
{
	uint64_t n = plan->source_all[v4];

	/* At most 2^44 of them: the bias of the remainder is 2^-20. */
	return tg_load_plan_source(
	    plan, v4, n <= UINT32_MAX ? tg_rng_below(rng, (uint32_t)n) : tg_rng_next(rng) % n);
}

const struct tg_load_target *tg_load_plan_target(const struct tg_load_plan *plan, uint32_t at)
{
	uint32_t i = 0;

	while (i + 1 < plan->target_n && at >= plan->target[i].weight_end)
		i++;
	return &plan->target[i];
}

void tg_load_plan_own(const struct tg_conf *conf, struct tg_port_conf *port)
{
	const struct tg_settings *s = &conf->load.set;

	memcpy(port->own, s->allow, s->allow_n * sizeof(s->allow[0]));
	port->own_n = s->allow_n;
}

/* --- what was asked for --- */

struct check {
	struct tg_load_plan *plan;
	struct tg_conf *conf;
	char *err;
	size_t err_size;
};

static int fail(const struct check *c, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(const struct check *c, const char *key, const char *format, ...)
{
	char text[TG_CONF_ERR];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return tg_conf_fail(c->conf, tg_conf_line(&c->conf->load, key), c->err, c->err_size, "%s",
			    text);
}

static int check_what(const struct check *c)
{
	const struct tg_load_settings *s = &c->plan->set;

	if (!s->rate && !s->hold)
		return fail(c, "rate",
			    "nothing to do: give rate (connections a second; packets of a flood) "
			    "or hold (connections to keep open)");
	if (s->flood && s->hold)
		return fail(c, "hold",
			    "a flood opens no connections: leave out hold, or run a second "
			    "`tidegate load` for them");
	if (s->churn && !s->hold)
		return fail(c, "churn",
			    "churn is of those that are held: give hold, or rate instead");
	if (s->churn && s->rate && s->rate < s->churn)
		return fail(c, "rate",
			    "rate = %u is below churn = %u: those that are closed could not be "
			    "opened anew; raise it, or leave it out",
			    s->rate, s->churn);
	if (s->hold && s->close == TG_LOAD_SERVER)
		return fail(c, "close",
			    "close = server: those that are held are closed by us; use client, "
			    "both, rst or half");
	if ((uint64_t)s->ramp_up_s + s->ramp_down_s > s->duration_s)
		return fail(c, "ramp_up_s",
			    "ramp_up_s = %u and ramp_down_s = %u are longer than duration_s = %u: "
			    "raise that, or lower them",
			    s->ramp_up_s, s->ramp_down_s, s->duration_s);
	if (s->requests > 1 && (s->act == TG_LOAD_NOTHING || s->act == TG_LOAD_UP))
		return fail(c, "requests",
			    "requests = %u is for echo, http and down: leave it out, or choose "
			    "one of these by do",
			    s->requests);
	if (s->close == TG_LOAD_HALF && s->act == TG_LOAD_NOTHING)
		return fail(c, "close",
			    "close = half stands before an answer, and do = nothing has none: "
			    "use client");
	if (s->path[0] != '/' || strpbrk(s->path, " \t"))
		return fail(c, "path", "path = %.80s: must begin with / and have no blanks",
			    s->path);
	return 0;
}

/* So many packets take so long; what a slow core has not sent by then is told as missed. */
static uint32_t flood_s(const struct tg_load_settings *s)
{
	return s->connections / s->rate + 1;
}

/* A flood is for one's own lab: it says how long, and does not leave the machine unasked. */
static int check_flood(const struct check *c)
{
	struct tg_load_settings *s = &c->plan->set;
	const char *device = c->conf->port[0].set.device;

	if (!s->duration_s && s->flood && !s->connections)
		return fail(c, "duration_s",
			    "a flood needs an end: give duration_s (seconds) or connections "
			    "(packets)");
	if (s->flood && !s->duration_s && s->rate && flood_s(s) > FLOOD_LONGEST_S)
		return fail(c, "connections",
			    "%u packets, %u a second, take more than 30 days: raise rate",
			    s->connections, s->rate);
	if (!s->duration_s)
		s->duration_s = s->flood && s->rate ? flood_s(s) : DURATION_S;
	if (s->flood && !s->own_target && !tg_load_stays_here(device))
		return tg_conf_fail(c->conf, tg_conf_line(&c->conf->port[0], "device"), c->err,
				    c->err_size,
				    "a flood may leave by net_null, net_ring, net_pcap, net_memif, "
				    "net_vhost, net_virtio_user, net_tap, or a veth or TAP "
				    "interface that is there; by %.*s with i_own_the_target = on",
				    (int)strcspn(device, ","), device);
	return 0;
}

/* --- targets --- */

static void make_request(struct tg_load_target *t, const struct tg_load_settings *s, bool last)
{
	char path[sizeof(s->path)], host[64];

	snprintf(path, sizeof(path), "%s", s->path);
	if (s->act == TG_LOAD_DOWN)
		snprintf(path, sizeof(path), "/bytes/%" PRIu64, s->bytes);
	bool server_closes =
	    s->close == TG_LOAD_SERVER || s->close == TG_LOAD_BOTH || s->close == TG_LOAD_HALF;
	int n = snprintf(t->request[last], sizeof(t->request[last]),
			 "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: tidegate\r\n%s\r\n", path,
			 tg_endpoint_format(&t->addr, t->port, host, sizeof(host)),
			 last && server_closes ? "Connection: close\r\n" : "");
	t->request_len[last] = (uint32_t)n;
}

static int check_target(const struct check *c, const struct tg_backend_conf *b)
{
	const struct tg_load_settings *s = &c->plan->set;
	const struct tg_settings *port = &c->conf->port[0].set;
	char text[64];

	tg_endpoint_format(&b->addr, b->port, text, sizeof(text));
	if (!s->own_target && !tg_load_is_test_net(&b->addr, 128))
		return fail(c, "target",
			    "target %s lies outside of the networks for private use and tests: "
			    "if it is yours, say so by i_own_the_target = on "
			    "(--i-own-the-target)",
			    text);
	for (uint32_t i = 0; i < port->addr_n; i++)
		if (tg_addr_equal(&port->addr[i].addr, &b->addr))
			return fail(c, "target", "target %s is our own address: name another host",
				    text);
	if (!c->plan->source_all[tg_addr_is_v4(&b->addr)])
		return fail(c, "target",
			    "target %s: there is no source of its family; add an address to the "
			    "port, or a source",
			    text);
	return 0;
}

static int take_targets(const struct check *c)
{
	const struct tg_settings *s = &c->conf->load.set;
	struct tg_load_plan *plan = c->plan;

	if (s->backend_n == 0)
		return fail(c, "target",
			    "no target: give one, like target = 192.0.2.1:80 (--target "
			    "192.0.2.1:80)");
	for (uint32_t i = 0; i < s->backend_n; i++) {
		const struct tg_backend_conf *b = &s->backend[i];
		if (check_target(c, b))
			return -1;
		if (b->weight == 0)
			continue;
		struct tg_load_target *t = &plan->target[plan->target_n++];
		*t = (struct tg_load_target){
		    .addr = b->addr, .port = b->port, .v4 = tg_addr_is_v4(&b->addr)};
		plan->weight_all += b->weight;
		t->weight_end = plan->weight_all;
		make_request(t, &plan->set, false);
		make_request(t, &plan->set, true);
	}
	if (plan->target_n == 0)
		return fail(c, "target", "every target has weight 0: give one of them another");
	return 0;
}

/* --- sources --- */

/* We answer for all of a source's addresses: nobody else may have one of them. */
static int check_source(const struct check *c, const struct tg_port_addr *net)
{
	const struct tg_settings *port = &c->conf->port[0].set, *s = &c->conf->load.set;
	char text[48];
	const char *whose = NULL;

	tg_addr_format(&net->addr, text, sizeof(text));
	for (uint32_t i = 0; i < s->backend_n; i++)
		if (tg_addr_in_prefix(&s->backend[i].addr, &net->addr, net->prefix_len))
			whose = "a target";
	for (uint32_t i = 0; i < port->gateway_n; i++)
		if (tg_addr_in_prefix(&port->gateway[i], &net->addr, net->prefix_len))
			whose = "a gateway";
	if (whose)
		return fail(c, "source",
			    "source %s/%u has the address of %s in it: all its addresses must be "
			    "ours; choose a network that nobody else uses",
			    text, net->prefix_len, whose);
	if (tg_addr_is_link_local6(&net->addr) ||
	    (tg_addr_is_v4(&net->addr) &&
	     (net->addr.b[12] == 0 || net->addr.b[12] == 127 || net->addr.b[12] >= 224)))
		return fail(c, "source", "source %s/%u: no host connects from there", text,
			    net->prefix_len);
	if (c->plan->set.flood && !c->plan->set.own_target &&
	    !tg_load_is_test_net(&net->addr, net->prefix_len))
		return fail(c, "source",
			    "source %s/%u: a flood may only come from networks for private use "
			    "and tests, like 198.18.0.0/15",
			    text, net->prefix_len);
	return 0;
}

static int take_sources(const struct check *c)
{
	const struct tg_settings *port = &c->conf->port[0].set, *s = &c->conf->load.set;

	for (uint32_t i = 0; i < s->allow_n; i++) {
		if (check_source(c, &s->allow[i]))
			return -1;
		add_source(c->plan, &s->allow[i].addr, s->allow[i].prefix_len);
	}
	if (c->plan->set.flood && s->allow_n == 0)
		return fail(c, "source",
			    "a flood needs source: the network whose addresses it uses, like "
			    "198.18.0.0/16");
	for (uint32_t i = 0; i < port->addr_n && s->allow_n == 0; i++)
		if (!tg_addr_is_link_local6(&port->addr[i].addr))
			add_source(c->plan, &port->addr[i].addr,
				   tg_addr_is_v4(&port->addr[i].addr) ? 32 : 128);
	return 0;
}

/* --- what it takes --- */

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* How long a connection of a good server is there, and a little. */
static uint64_t life_ms(const struct tg_load_settings *s)
{
	uint64_t ms = (uint64_t)s->think_ms * (s->requests - 1) + LIVE_SLACK_MS;

	return s->hold ? ms : ms + s->keep_ms;
}

static void reckon(struct tg_load_plan *plan, uint32_t msl_ms)
{
	const struct tg_load_settings *s = &plan->set;
	uint64_t rate = s->hold ? s->churn : s->rate, all = UINT64_MAX;
	uint64_t run_ms = s->duration_s * 1000ull, wait_ms = 2ull * msl_ms;
	bool ours = s->close != TG_LOAD_SERVER && s->close != TG_LOAD_RST;
	bool theirs = s->close != TG_LOAD_CLIENT && s->close != TG_LOAD_RST;

	if (s->connections)
		all = s->connections;
	if (!s->hold)
		all = least(all, rate * s->duration_s);
	plan->need.live = s->hold + least(rate * life_ms(s) / 1000, all);
	uint64_t closed = least(rate * least(wait_ms, run_ms) / 1000, all);
	uint64_t waiting = ours ? closed : 0;

	/* Those that are held wait, too, when the end comes; nothing is opened then. */
	plan->need.time_wait = waiting + (ours ? s->hold : 0);
	plan->need.peer_time_wait = theirs ? closed + s->hold : 0;
	for (int v4 = 0; v4 < 2; v4++) {
		uint64_t weight = 0, ports = s->ports[1] - s->ports[0] + 1, n = 0;
		for (uint32_t i = 0; i < plan->target_n; i++) {
			if (plan->target[i].v4 != v4)
				continue;
			weight +=
			    plan->target[i].weight_end - (i ? plan->target[i - 1].weight_end : 0);
			n++;
		}
		plan->need.tuples[v4] = (plan->need.live + waiting) * weight / plan->weight_all;
		plan->need.have[v4] = plan->source_all[v4] * ports * n;
	}
}

/* Random choice meets taken ones more and more often; above nine tenths it would fail. */
static int check_tuples(const struct check *c)
{
	const struct tg_load_need *need = &c->plan->need;

	for (int v4 = 0; v4 < 2 && !c->plan->set.flood; v4++)
		if (need->tuples[v4] > need->have[v4] / 10 * 9)
			return fail(
			    c, "source",
			    "%" PRIu64 " connections at once, TIME-WAIT among them, need more "
			    "than the %" PRIu64 " pairs of %s source address and port that there "
			    "are: add a source (198.18.0.0/16 has 65534 addresses), widen ports, "
			    "or lower rate, churn, hold or msl_ms",
			    need->tuples[v4], need->have[v4], v4 ? "IPv4" : "IPv6");
	return 0;
}

/* What moves has little to keep where messages are short: we read at once what comes. */
static void fit_buffers(const struct tg_load_plan *plan, struct tg_settings *e)
{
	const struct tg_load_settings *s = &plan->set;
	bool is_short =
	    s->act == TG_LOAD_NOTHING || (s->act == TG_LOAD_ECHO && s->bytes <= SHORT_BYTES);

	if (!e->buffer_mb && is_short)
		e->buffer_mb = (uint32_t)(((uint64_t)e->moving * SHORT_BUFFERS >> 20) + 1);
}

static bool has_v6(const struct tg_load_plan *plan)
{
	for (uint32_t i = 0; i < plan->target_n; i++)
		if (!plan->target[i].v4)
			return true;
	return false;
}

static int fit_engine(const struct check *c)
{
	struct tg_settings *e = &c->conf->engine.set;
	const struct tg_load_need *need = &c->plan->need;
	uint64_t live = most(need->live + need->live / 16, LIVE_LEAST) + 64ull * e->workers;
	if (c->plan->set.flood) { /* it has none */
		e->rst_rate = FLOOD_RST_RATE;
		e->connections = e->moving = e->time_wait = LIVE_LEAST;
		return 0;
	}
	bool given = tg_conf_line(&c->conf->engine, "connections") != c->conf->engine.line;
	uint64_t rate = most(c->plan->fill_rate, c->plan->set.churn);

	if (given && e->connections < need->live)
		return tg_conf_fail(c->conf, tg_conf_line(&c->conf->engine, "connections"), c->err,
				    c->err_size,
				    "connections = %u is too little: this load needs %" PRIu64
				    "; raise it, or leave it out",
				    e->connections, need->live);
	if (!given && live > 100000000)
		return fail(c, c->plan->set.hold ? "hold" : "rate",
			    "this load needs %" PRIu64 " connections at once, and 100000000 are "
			    "the most: lower it, or think_ms and keep_ms",
			    live);
	if (!given)
		e->connections = (uint32_t)live;
	if (!e->time_wait)
		e->time_wait = (uint32_t)least(
		    most(need->time_wait + need->time_wait / 16, MOVING_LEAST), 500000000);
	uint64_t moving = most(rate * MOVING_MS / 1000, MOVING_LEAST);
	e->moving = (uint32_t)least(e->moving ? e->moving : moving, e->connections);
	fit_buffers(c->plan, e);
	if (!e->connections_ipv6 && !has_v6(c->plan))
		e->connections_ipv6 = 1; /* 0 would be all */
	return 0;
}

struct tg_pace tg_load_pace(const struct tg_load_settings *set, uint32_t rate)
{
	return (struct tg_pace){.rate = rate,
				.up_us = set->ramp_up_s * 1000000ull,
				.down_us = set->ramp_down_s * 1000000ull,
				.duration_us = set->duration_s * 1000000ull};
}

static uint32_t fill_rate(const struct tg_load_settings *s)
{
	return (uint32_t)most(most(FILL_RATE, s->hold / FILL_S), 2ull * s->churn);
}

int tg_load_plan_init(struct tg_load_plan *plan, struct tg_conf *conf, char *err, size_t err_size)
{
	struct check c = {plan, conf, err, err_size};
	const struct tg_load_settings *s = &conf->load.set.load;

	memset(plan, 0, sizeof(*plan));
	plan->set = *s;
	plan->tcp = conf->engine.set.tcp;
	plan->fill_rate = s->rate ? s->rate : fill_rate(s);
	if (conf->port_n != 1)
		return tg_conf_fail(conf, conf->port_n ? conf->port[1].line : 0, err, err_size,
				    "`load` has one port: run one process for each");
	if (check_flood(&c) || check_what(&c) || take_sources(&c) || take_targets(&c))
		return -1;
	reckon(plan, conf->engine.set.msl_ms);
	return check_tuples(&c) || fit_engine(&c) ? -1 : 0;
}

static const char *const flood_name[] = {"off",  "SYNs", "SYN-ACKs", "ACKs",
					 "RSTs", "FINs", "all kinds"};

void tg_load_plan_print(const struct tg_load_plan *plan, FILE *out)
{
	const struct tg_load_settings *s = &plan->set;
	const struct tg_load_need *n = &plan->need;

	if (s->flood) {
		fprintf(out, "load: a flood (%s) of %u packets/s from %" PRIu64 " addresses",
			flood_name[s->flood], s->rate, plan->source_all[0] + plan->source_all[1]);
		if (s->connections)
			fprintf(out, ", %u in all\n", s->connections);
		else
			fprintf(out, ", for %u s\n", s->duration_s);
		return;
	}
	fprintf(out,
		"load: needs %" PRIu64 " connections at once and %" PRIu64
		" TIME-WAIT records; that takes %" PRIu64 " of %" PRIu64
		" pairs of source address and port\n",
		n->live, n->time_wait, n->tuples[0] + n->tuples[1], n->have[0] + n->have[1]);
}
