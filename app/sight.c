/* SPDX-License-Identifier: BSD-3-Clause */
#include "sight.h"

#include "fleet.h"
#include "arming.h"
#include "odds.h"

#include <pthread.h>
#include <rte_cycles.h>
#include <rte_telemetry.h>
#include <stdlib.h>
#include <unistd.h>

/* --- sums --- */

static void add_engine(struct tg_engine_stats *sum, const struct tg_engine_stats *s)
{
	sum->conn_count += s->conn_count;
	sum->conn_max += s->conn_max;
	for (int i = 0; i < TG_STATE_N; i++)
		sum->state[i] += s->state[i];
	/* Every worker has every listener. */
	sum->state[TG_LISTEN] = s->state[TG_LISTEN];
	sum->tw_count += s->tw_count;
	sum->tw_max += s->tw_max;
	sum->ext_used += s->ext_used;
	sum->ext_max += s->ext_max;
	sum->chunk_used += s->chunk_used;
	sum->chunk_max += s->chunk_max;
	sum->timer_count += s->timer_count;
	sum->neigh_count += s->neigh_count;
	sum->listener_n = s->listener_n;
	sum->armed_n += s->armed_n;
	sum->splice_count += s->splice_count;
	sum->splice_max += s->splice_max;
	sum->splice_held += s->splice_held;
	for (int i = 0; i < TG_SPLICE_STATE_N; i++)
		sum->splice[i] += s->splice[i];
	/* Workers turn to new secrets and epochs one after the other: the worst counts. */
	if (s->odds.plain.words >= sum->odds.plain.words) {
		sum->odds = s->odds;
		sum->cookie_epoch = s->cookie_epoch;
	}
	if (s->odds_worst.plain.words >= sum->odds_worst.plain.words)
		sum->odds_worst = s->odds_worst;
}

static void add_io(struct tg_io_stats *sum, const struct tg_io_stats *s)
{
	sum->rx_packets += s->rx_packets;
	sum->tx_packets += s->tx_packets;
	sum->rx_chain_drop += s->rx_chain_drop;
	sum->steered += s->steered;
	sum->steer_drop += s->steer_drop;
	sum->no_buffer += s->no_buffer;
	for (int i = 0; i < TG_DEV_MAX; i++)
		sum->tx_dropped[i] += s->tx_dropped[i];
}

static void add(struct tg_sight *sum, const struct tg_sight *s)
{
	if (s->now_ns > sum->now_ns)
		sum->now_ns = s->now_ns;
	sum->busy_cycles += s->busy_cycles;
	sum->idle_cycles += s->idle_cycles;
	sum->cycles += s->cycles;
	if (s->gap_max_cycles > sum->gap_max_cycles)
		sum->gap_max_cycles = s->gap_max_cycles;
	if (s->gap_recent_cycles > sum->gap_recent_cycles)
		sum->gap_recent_cycles = s->gap_recent_cycles;
	add_engine(&sum->engine, &s->engine);
	add_io(&sum->io, &s->io);
	for (int i = 0; i < TG_CTR_N; i++)
		sum->ctr.v[i] += s->ctr.v[i];
}

void tg_sight_sum(struct tg_host *h, struct tg_sight *sum)
{
	struct tg_sight one;
	memset(sum, 0, sizeof(*sum));
	for (uint32_t w = 0; w < h->worker_n; w++) {
		tg_worker_see(&h->worker[w], &one);
		add(sum, &one);
	}
}

/* --- telemetry. DPDK gives its callbacks no context, so what is published stands here. --- */

static struct {
	pthread_mutex_t lock;
	bool registered;
	struct tg_host *host;
	char name[64];
	struct tg_eal_got got;
	struct timespec start;
} published = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* DPDK's names take no dash. */
static void make_key(const char *name, char *key, size_t size)
{
	snprintf(key, size, "%s", name);
	for (char *p = key; *p; p++)
		if (*p == '-' || *p == '.')
			*p = '_';
}

static struct rte_tel_data *tell_states(const struct tg_sight *s)
{
	struct rte_tel_data *d = rte_tel_data_alloc();
	char key[32];
	if (!d)
		return NULL;
	rte_tel_data_start_dict(d);
	for (int i = TG_CLOSED + 1; i < TG_STATE_N; i++) {
		make_key(tg_tcp_state_name((enum tg_tcp_state)i), key, sizeof(key));
		rte_tel_data_add_dict_u64(d, key, s->engine.state[i]);
	}
	return d;
}

static struct rte_tel_data *tell_splices(const struct tg_engine_stats *s)
{
	struct rte_tel_data *d = rte_tel_data_alloc();
	char key[32];
	if (!d)
		return NULL;
	rte_tel_data_start_dict(d);
	rte_tel_data_add_dict_u64(d, "now", s->splice_count);
	rte_tel_data_add_dict_u64(d, "max", s->splice_max);
	for (int i = 1; i < TG_SPLICE_STATE_N; i++) {
		make_key(tg_splice_state_name((enum tg_splice_state)i), key, sizeof(key));
		rte_tel_data_add_dict_u64(d, key, s->splice[i]);
	}
	rte_tel_data_add_dict_u64(d, "packets_held", s->splice_held);
	return d;
}

static struct rte_tel_data *tell_drops(const struct tg_sight *s)
{
	struct rte_tel_data *d = rte_tel_data_alloc();
	if (!d)
		return NULL;
	rte_tel_data_start_dict(d);
	for (int i = 1; i < TG_CTR_N; i++)
		if (tg_ctr_info[i].kind == TG_CTR_KIND_DROP)
			rte_tel_data_add_dict_u64(d, tg_ctr_info[i].name, s->ctr.v[i]);
	rte_tel_data_add_dict_u64(d, "rx_chain", s->io.rx_chain_drop);
	rte_tel_data_add_dict_u64(d, "steer_full", s->io.steer_drop);
	uint64_t tx = 0;
	for (int i = 0; i < TG_DEV_MAX; i++)
		tx += s->io.tx_dropped[i];
	rte_tel_data_add_dict_u64(d, "tx_dropped", tx);
	return d;
}

/* That a random ACK opens a connection, for the epochs and secrets that are accepted now. */
static struct rte_tel_data *tell_cookies(const struct tg_engine_stats *s)
{
	struct rte_tel_data *d = rte_tel_data_alloc();
	char text[TG_ODDS_TEXT];
	if (!d)
		return NULL;
	rte_tel_data_start_dict(d);
	rte_tel_data_add_dict_u64(d, "armed_listeners", s->armed_n);
	rte_tel_data_add_dict_u64(d, "epoch", s->cookie_epoch);
	rte_tel_data_add_dict_u64(d, "epochs_accepted", s->odds.epochs);
	rte_tel_data_add_dict_u64(d, "secrets_accepted", s->odds.secrets);
	rte_tel_data_add_dict_string(d, "odds", tg_odds_text(s->odds.plain, text));
	rte_tel_data_add_dict_string(d, "odds_timestamps", tg_odds_text(s->odds.with_ts, text));
	rte_tel_data_add_dict_string(d, "odds_worst", tg_odds_text(s->odds_worst.plain, text));
	rte_tel_data_add_dict_string(d, "odds_worst_timestamps",
				     tg_odds_text(s->odds_worst.with_ts, text));
	return d;
}

static struct rte_tel_data *tell_fleet(const struct tg_fleet_view *v)
{
	struct rte_tel_data *d = rte_tel_data_alloc();
	if (!d)
		return NULL;
	rte_tel_data_start_dict(d);
	rte_tel_data_add_dict_string(d, "mints_with", v->id[0]);
	rte_tel_data_add_dict_string(d, "accepts_too", v->secret_n > 1 ? v->id[1] : "-");
	rte_tel_data_add_dict_string(d, "pools_by", v->pools_id);
	rte_tel_data_add_dict_u64(d, "skew_ms", v->skew_ms);
	rte_tel_data_add_dict_string(d, "clock",
				     v->is_synchronised ? "synchronised" : "not synchronised");
	rte_tel_data_add_dict_u64(d, "clock_steps", v->step_n);
	rte_tel_data_add_dict_u64(d, "reloads", v->reload_n);
	rte_tel_data_add_dict_u64(d, "reloads_refused", v->refused_n);
	return d;
}

static uint64_t cycles_us(uint64_t cycles)
{
	return cycles / (rte_get_tsc_hz() / 1000000);
}

static void tell_stats(struct rte_tel_data *d, const struct tg_sight *s)
{
	const struct tg_engine_stats *e = &s->engine;
	rte_tel_data_add_dict_u64(d, "rx_packets", s->ctr.v[TG_CTR_rx_segments]);
	rte_tel_data_add_dict_u64(d, "tx_packets", s->ctr.v[TG_CTR_tx_packets]);
	rte_tel_data_add_dict_u64(d, "rx_bytes", s->ctr.v[TG_CTR_rx_bytes]);
	rte_tel_data_add_dict_u64(d, "tx_bytes", s->ctr.v[TG_CTR_tx_bytes]);
	rte_tel_data_add_dict_u64(d, "opened", s->ctr.v[TG_CTR_conn_opened]);
	rte_tel_data_add_dict_u64(d, "closed", s->ctr.v[TG_CTR_conn_closed]);
	rte_tel_data_add_dict_u64(d, "connections_now", e->conn_count);
	rte_tel_data_add_dict_u64(d, "connections_max", e->conn_max);
	rte_tel_data_add_dict_u64(d, "time_wait_max", e->tw_max);
	rte_tel_data_add_dict_u64(d, "moving_now", e->ext_used);
	rte_tel_data_add_dict_u64(d, "moving_max", e->ext_max);
	rte_tel_data_add_dict_u64(d, "buffers_now", e->chunk_used);
	rte_tel_data_add_dict_u64(d, "buffers_max", e->chunk_max);
	rte_tel_data_add_dict_u64(d, "timers", e->timer_count);
	rte_tel_data_add_dict_u64(d, "neighbours", e->neigh_count);
	rte_tel_data_add_dict_u64(d, "cookies_armed", e->armed_n);
	rte_tel_data_add_dict_u64(d, "steered", s->io.steered);
	rte_tel_data_add_dict_u64(d, "busy_permille",
				  s->cycles ? s->busy_cycles * 1000 / s->cycles : 0);
	rte_tel_data_add_dict_u64(d, "busy_us", cycles_us(s->busy_cycles));
	rte_tel_data_add_dict_u64(d, "idle_us", cycles_us(s->idle_cycles));
	rte_tel_data_add_dict_u64(d, "run_us", cycles_us(s->cycles));
	rte_tel_data_add_dict_u64(d, "poll_gap_us", cycles_us(s->gap_recent_cycles));
	rte_tel_data_add_dict_u64(d, "poll_gap_max_us", cycles_us(s->gap_max_cycles));
	struct rte_tel_data *states = tell_states(s), *drops = tell_drops(s);
	if (states)
		rte_tel_data_add_dict_container(d, "connections", states, 0);
	if (drops)
		rte_tel_data_add_dict_container(d, "drops", drops, 0);
	struct rte_tel_data *splices = e->splice_max ? tell_splices(e) : NULL;
	if (splices)
		rte_tel_data_add_dict_container(d, "splices", splices, 0);
	struct rte_tel_data *cookies = tell_cookies(e);
	if (cookies)
		rte_tel_data_add_dict_container(d, "cookies", cookies, 0);
}

/* params: "" = all workers, or a worker's number. false: there is no such worker. */
static bool see(const char *params, struct tg_sight *s)
{
	char *end;
	if (!published.host)
		return false;
	if (!params || !*params) {
		tg_sight_sum(published.host, s);
		return true;
	}
	unsigned long w = strtoul(params, &end, 10);
	if (*end || w >= published.host->worker_n)
		return false;
	tg_worker_see(&published.host->worker[w], s);
	return true;
}

/* For how long the worker that looked around longest ago has not: over a second, and it hangs. */
static uint64_t silent_ms(struct tg_host *h, const struct timespec *now)
{
	uint64_t now_ns = (uint64_t)now->tv_sec * 1000000000ull + (uint64_t)now->tv_nsec, most = 0;
	struct tg_sight one;
	for (uint32_t w = 0; w < h->worker_n; w++) {
		tg_worker_see(&h->worker[w], &one);
		if (now_ns > one.now_ns && now_ns - one.now_ns > most)
			most = now_ns - one.now_ns;
	}
	return most / TG_NS_PER_MS;
}

static int on_stats(const char *cmd, const char *params, struct rte_tel_data *d)
{
	struct tg_sight s;
	struct timespec now;
	(void)cmd;
	pthread_mutex_lock(&published.lock);
	bool ok = see(params, &s);
	if (ok) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		rte_tel_data_start_dict(d);
		rte_tel_data_add_dict_string(d, "name", published.name);
		rte_tel_data_add_dict_u64(d, "pid", (uint64_t)getpid());
		rte_tel_data_add_dict_u64(d, "uptime_s",
					  (uint64_t)(now.tv_sec - published.start.tv_sec));
		rte_tel_data_add_dict_u64(d, "worker_n", published.host->worker_n);
		rte_tel_data_add_dict_u64(d, "silent_ms", silent_ms(published.host, &now));
		tell_stats(d, &s);
		struct tg_fleet_view view;
		struct rte_tel_data *fleet =
		    tg_fleet_see(published.host->fleet, &view) ? tell_fleet(&view) : NULL;
		if (fleet)
			rte_tel_data_add_dict_container(d, "fleet", fleet, 0);
	}
	pthread_mutex_unlock(&published.lock);
	return ok ? 0 : -1;
}

static int on_counters(const char *cmd, const char *params, struct rte_tel_data *d)
{
	struct tg_sight s;
	(void)cmd;
	pthread_mutex_lock(&published.lock);
	bool ok = see(params, &s);
	if (ok) {
		rte_tel_data_start_dict(d);
		for (int i = 1; i < TG_CTR_N; i++)
			rte_tel_data_add_dict_u64(d, tg_ctr_info[i].name, s.ctr.v[i]);
	}
	pthread_mutex_unlock(&published.lock);
	return ok ? 0 : -1;
}

static struct rte_tel_data *tell_worker(uint32_t w)
{
	struct rte_tel_data *d = rte_tel_data_alloc();
	struct tg_sight s;
	if (!d)
		return NULL;
	tg_worker_see(&published.host->worker[w], &s);
	rte_tel_data_start_dict(d);
	rte_tel_data_add_dict_u64(d, "lcore", published.got.lcore[w]);
	rte_tel_data_add_dict_u64(d, "connections_now", s.engine.conn_count);
	rte_tel_data_add_dict_u64(d, "rx_packets", s.ctr.v[TG_CTR_rx_segments]);
	rte_tel_data_add_dict_u64(d, "tx_packets", s.ctr.v[TG_CTR_tx_packets]);
	rte_tel_data_add_dict_u64(d, "drops", tg_ctr_drops(&s.ctr));
	rte_tel_data_add_dict_u64(d, "busy_permille",
				  s.cycles ? s.busy_cycles * 1000 / s.cycles : 0);
	return d;
}

static int on_workers(const char *cmd, const char *params, struct rte_tel_data *d)
{
	char key[16];
	(void)cmd;
	(void)params;
	pthread_mutex_lock(&published.lock);
	bool ok = published.host != NULL;
	rte_tel_data_start_dict(d);
	for (uint32_t w = 0; ok && w < published.host->worker_n; w++) {
		struct rte_tel_data *one = tell_worker(w);
		snprintf(key, sizeof(key), "%u", w);
		if (one)
			rte_tel_data_add_dict_container(d, key, one, 0);
	}
	pthread_mutex_unlock(&published.lock);
	return ok ? 0 : -1;
}

static struct rte_tel_data *tell_port(const struct tg_dev *dev, uint64_t tx_dropped)
{
	struct rte_tel_data *d = rte_tel_data_alloc();
	struct tg_dev_stats s;
	if (!d)
		return NULL;
	tg_dev_stats(dev, &s);
	rte_tel_data_start_dict(d);
	rte_tel_data_add_dict_string(d, "device", dev->device);
	rte_tel_data_add_dict_string(d, "driver", dev->driver);
	rte_tel_data_add_dict_string(d, "link", tg_dev_link_name(dev->link));
	rte_tel_data_add_dict_u64(d, "rx_packets", s.rx_packets);
	rte_tel_data_add_dict_u64(d, "tx_packets", s.tx_packets);
	rte_tel_data_add_dict_u64(d, "rx_bytes", s.rx_bytes);
	rte_tel_data_add_dict_u64(d, "tx_bytes", s.tx_bytes);
	rte_tel_data_add_dict_u64(d, "rx_missed", s.rx_missed);
	rte_tel_data_add_dict_u64(d, "rx_errors", s.rx_errors);
	rte_tel_data_add_dict_u64(d, "rx_no_buffer", s.rx_no_buffer);
	rte_tel_data_add_dict_u64(d, "tx_errors", s.tx_errors);
	rte_tel_data_add_dict_u64(d, "tx_dropped", tx_dropped);
	return d;
}

static int on_ports(const char *cmd, const char *params, struct rte_tel_data *d)
{
	char key[32];
	struct tg_sight s;
	(void)cmd;
	(void)params;
	pthread_mutex_lock(&published.lock);
	bool ok = see("", &s);
	rte_tel_data_start_dict(d);
	for (uint32_t i = 0; ok && i < published.host->dev_n; i++) {
		const struct tg_dev *dev = &published.host->dev[i];
		struct rte_tel_data *one = tell_port(dev, s.io.tx_dropped[i]);
		make_key(dev->name, key, sizeof(key));
		if (one)
			rte_tel_data_add_dict_container(d, key, one, 0);
	}
	pthread_mutex_unlock(&published.lock);
	return ok ? 0 : -1;
}

static int on_backends(const char *cmd, const char *params, struct rte_tel_data *d)
{
	(void)cmd;
	pthread_mutex_lock(&published.lock);
	rte_tel_data_start_dict(d);
	bool ok = published.host && params &&
		  tg_pools_tell(published.host, (uint32_t)strtoul(params, NULL, 10), d);
	pthread_mutex_unlock(&published.lock);
	return ok ? 0 : -1;
}

static void register_commands(void)
{
	rte_telemetry_register_cmd("/tidegate/backends", on_backends,
				   "The backends of a pool. Parameter: the pool's number");
	rte_telemetry_register_cmd("/tidegate/stats", on_stats,
				   "Figures, connections by state, drops by name. Parameters: none "
				   "(all workers), or a worker's number");
	rte_telemetry_register_cmd("/tidegate/counters", on_counters,
				   "Every counter. Parameters: none, or a worker's number");
	rte_telemetry_register_cmd("/tidegate/workers", on_workers, "The workers. No parameters");
	rte_telemetry_register_cmd("/tidegate/ports", on_ports, "The ports. No parameters");
}

void tg_sight_publish(struct tg_host *h, const char *name, const struct tg_eal_got *got)
{
	pthread_mutex_lock(&published.lock);
	published.host = h;
	if (h) {
		snprintf(published.name, sizeof(published.name), "%s", name);
		published.got = *got;
		clock_gettime(CLOCK_MONOTONIC, &published.start);
	}
	bool first = h && !published.registered;
	published.registered |= first;
	pthread_mutex_unlock(&published.lock);
	if (first)
		register_commands();
}

/* --- the line --- */

static void print_drops(const struct tg_sight *now, const struct tg_sight *before, FILE *out)
{
	const char *sep = "  drops: ";
	for (int i = 1; i < TG_CTR_N; i++) {
		uint64_t n = now->ctr.v[i] - before->ctr.v[i];
		if (tg_ctr_info[i].kind != TG_CTR_KIND_DROP || n == 0)
			continue;
		fprintf(out, "%s%s %llu", sep, tg_ctr_info[i].name, (unsigned long long)n);
		sep = ", ";
	}
	/* Benchmarks from one network meet this first. */
	if (now->ctr.v[TG_CTR_synack_limited] != before->ctr.v[TG_CTR_synack_limited])
		fputs(" (SYNs of one /24 or /48 beyond rst_rate)", out);
}

static double rate(const struct tg_sight *now, const struct tg_sight *before, enum tg_ctr ctr,
		   double seconds)
{
	return (double)(now->ctr.v[ctr] - before->ctr.v[ctr]) / seconds;
}

/* SYNs that met a listener, and what became of cookies a second; nothing where there was neither.
 */
static void print_flood(const struct tg_sight *now, const struct tg_sight *b, double s, FILE *out)
{
	double sent = rate(now, b, TG_CTR_cookie_sent, s),
	       valid = rate(now, b, TG_CTR_cookie_ok, s);
	double stale = rate(now, b, TG_CTR_cookie_expired, s);
	double forged =
	    rate(now, b, TG_CTR_cookie_bad_mac, s) + rate(now, b, TG_CTR_cookie_ts_bad, s);
	double syns = rate(now, b, TG_CTR_conn_passive, s) + sent +
		      rate(now, b, TG_CTR_synack_limited, s) + rate(now, b, TG_CTR_synq_full, s);
	if (syns > 0)
		fprintf(out, "  SYNs %.0f/s", syns);
	if (sent > 0 || valid > 0 || stale > 0 || forged > 0)
		fprintf(out, "  cookies %.0f/s, valid %.0f, stale %.0f, forged %.0f", sent, valid,
			stale, forged);
}

void tg_sight_line(struct tg_sight_line *line, struct tg_host *h, uint64_t now_ns, FILE *out)
{
	struct tg_sight now;
	const struct tg_sight *b = &line->before;
	double s = (double)(now_ns - line->last_ns) / 1e9;
	tg_sight_sum(h, &now);
	if (s <= 0)
		return;
	fprintf(out, "%5.0f s ", (double)(now_ns - line->start_ns) / 1e9);
	for (int i = TG_LISTEN + 1; i < TG_STATE_N; i++)
		if (now.engine.state[i] || i == TG_ESTABLISHED)
			fprintf(out, " %s %u", tg_tcp_state_name((enum tg_tcp_state)i),
				now.engine.state[i]);
	fprintf(out, "  opens %.0f/s  in %.0f p/s %.1f Mb/s  out %.0f p/s %.1f Mb/s",
		rate(&now, b, TG_CTR_conn_opened, s), rate(&now, b, TG_CTR_rx_segments, s),
		rate(&now, b, TG_CTR_rx_bytes, s) * 8 / 1e6, rate(&now, b, TG_CTR_tx_packets, s),
		rate(&now, b, TG_CTR_tx_bytes, s) * 8 / 1e6);
	print_flood(&now, b, s, out);
	tg_arming_line(h, out);
	tg_pools_line(h, out);
	print_drops(&now, b, out);
	fputc('\n', out);
	fflush(out);
	line->before = now;
	line->last_ns = now_ns;
}
