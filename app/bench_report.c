/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench.h"

#include <rte_cycles.h>
#include <stdlib.h>

void tg_bench_window_add(struct tg_bench_windows *w, double v)
{
	if (w->n == w->room) {
		uint32_t room = w->room ? 2 * w->room : 256;
		double *more = realloc(w->v, room * sizeof(*more));
		if (!more)
			return; /* a window less */
		w->v = more;
		w->room = room;
	}
	w->v[w->n++] = v;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct spread {
	double p10, p50, p90, max;
};

static struct spread spread_of(struct tg_bench_windows *w)
{
	struct spread s = {0};

	if (w->n == 0)
		return s;
	qsort(w->v, w->n, sizeof(*w->v), by_value);
	s.p10 = w->v[(uint64_t)(w->n - 1) / 10];
	s.p50 = w->v[(uint64_t)(w->n - 1) / 2];
	s.p90 = w->v[(uint64_t)(w->n - 1) * 9 / 10];
	s.max = w->v[w->n - 1];
	return s;
}

/* What one side did from one look at it to another. */
struct cost {
	double opened, busy_ns, share, in, out;
	uint64_t lost; /* packets that the device did not take, or for which there was no buffer */
};

static uint64_t lost_of(const struct tg_sight *s)
{
	uint64_t n = s->io.no_buffer;

	for (uint32_t d = 0; d < TG_DEV_MAX; d++)
		n += s->io.tx_dropped[d];
	return n;
}

static struct cost cost_of(const struct tg_sight *from, const struct tg_sight *to, double opened)
{
	struct cost c = {.opened = opened};
	double cycles = (double)(to->cycles - from->cycles);
	double busy = (double)(to->busy_cycles - from->busy_cycles);

	if (opened > 0) {
		c.busy_ns = busy * 1e9 / (double)rte_get_tsc_hz() / opened;
		c.in = (double)(to->ctr.v[TG_CTR_rx_segments] - from->ctr.v[TG_CTR_rx_segments]) /
		       opened;
		c.out = (double)(to->ctr.v[TG_CTR_tx_packets] - from->ctr.v[TG_CTR_tx_packets]) /
			opened;
	}
	c.lost = lost_of(to) - lost_of(from);
	c.share = cycles > 0 ? busy / cycles : 0;
	return c;
}

static struct cost server_cost(const struct tg_bench *b)
{
	return cost_of(&b->server_start, &b->server_end,
		       (double)(b->server_end.ctr.v[TG_CTR_conn_opened] -
				b->server_start.ctr.v[TG_CTR_conn_opened]));
}

static struct cost client_cost(const struct tg_bench *b)
{
	return cost_of(&b->client_start, &b->client_end, (double)b->run.result.sum.opened);
}

static const char *const mode_name[] = {"ring", "memif", "kernel"};

/* --- text --- */

static void print_cost(const char *who, const struct cost *c, FILE *out)
{
	fprintf(out,
		"%s: busy %.0f ns a connection, %.0f %% of its time; %.2f packets in, %.2f out\n",
		who, c->busy_ns, 100 * c->share, c->in, c->out);
	if (c->lost)
		fprintf(out, "%s: %llu packets found no room in the device, or no buffer\n", who,
			(unsigned long long)c->lost);
}

static void print_windows(const char *what, struct tg_bench_windows *w, FILE *out)
{
	struct spread s = spread_of(w);

	if (w->n)
		fprintf(out, "%-34s %12.0f %12.0f %12.0f %12.0f\n", what, s.p10, s.p50, s.p90,
			s.max);
}

static void print_overload(const struct tg_bench_overload *o, FILE *out)
{
	fprintf(out, "\n%14s %14s %14s\n", "offered/s", "begun/s", "good/s");
	for (uint32_t i = 0; i < o->step_n && o->step[i].begun > 0; i++)
		fprintf(out, "%14u %14.0f %14.0f%s\n", o->step[i].rate, o->step[i].begun,
			o->step[i].good, o->is_over && i + 1 == o->step_n ? "  twice" : "");
	if (!o->is_over)
		fprintf(out, "it ended before twice the best rate was offered: give it a longer "
			     "--duration\n");
	else
		fprintf(out,
			"the best rate is %.0f/s; offered twice that, %.1f %% of it are left\n",
			o->best, 100 * tg_bench_overload_share(o));
}

void tg_bench_print(struct tg_bench *b, FILE *out)
{
	struct cost server = server_cost(b), client = client_cost(b);

	tg_load_print(&b->run.what, &b->run.result, out);
	fputc('\n', out);
	if (b->mode != TG_BENCH_KERNEL)
		print_cost("server", &server, out);
	else if (b->run.result.sum.opened)
		fprintf(out,
			"server: nginx took %.0f ns of CPU time a connection; what the kernel does "
			"for it elsewhere is not in this\n",
			(double)b->kernel.cpu_ns / (double)b->run.result.sum.opened);
	print_cost("client", &client, out);
	if (b->round_trip_ns > 0)
		fprintf(out, "cores: a cache line takes %.0f ns to the other one and back\n",
			b->round_trip_ns);
	fprintf(out, "%-34s %12s %12s %12s %12s\n", "windows of 100 ms", "p10", "p50", "p90",
		"max");
	print_windows("  opened a second", &b->opens, out);
	print_windows("  server's busy ns a connection", &b->busy, out);
	if (b->overload)
		print_overload(&b->over, out);
}

/* --- JSON --- */

static void json_cost(const char *who, const struct cost *c, FILE *out)
{
	fprintf(out,
		"\"%s\":{\"busy_ns\":%.2f,\"busy_share\":%.4f,\"packets_in\":%.4f,"
		"\"packets_out\":%.4f,\"packets_lost\":%llu},",
		who, c->busy_ns, c->share, c->in, c->out, (unsigned long long)c->lost);
}

static void json_windows(const char *name, struct tg_bench_windows *w, FILE *out)
{
	struct spread s = spread_of(w);

	fprintf(out, "\"%s\":{\"count\":%u,\"p10\":%.1f,\"p50\":%.1f,\"p90\":%.1f,\"max\":%.1f}",
		name, w->n, s.p10, s.p50, s.p90, s.max);
}

static void json_overload(const struct tg_bench_overload *o, FILE *out)
{
	fprintf(out, "\"overload\":{\"finished\":%s,\"best\":%.1f,\"share\":%.4f,\"steps\":[",
		o->is_over ? "true" : "false", o->best, tg_bench_overload_share(o));
	for (uint32_t i = 0; i < o->step_n; i++)
		fprintf(out, "%s{\"offered\":%u,\"begun\":%.1f,\"good\":%.1f}", i ? "," : "",
			o->step[i].rate, o->step[i].begun, o->step[i].good);
	fputs("]},", out);
}

void tg_bench_print_json(struct tg_bench *b, FILE *out)
{
	struct cost server = server_cost(b), client = client_cost(b);

	fprintf(out, "{\"mode\":\"%s\",\"cores\":%u,", mode_name[b->mode], (unsigned)b->cores);
	if (b->mode == TG_BENCH_KERNEL)
		fprintf(out, "\"nginx_cpu_ns\":%llu,", (unsigned long long)b->kernel.cpu_ns);
	else
		json_cost("server", &server, out);
	json_cost("client", &client, out);
	fprintf(out, "\"round_trip_ns\":%.1f,\"windows\":{", b->round_trip_ns);
	json_windows("opened_per_s", &b->opens, out);
	fputc(',', out);
	json_windows("server_busy_ns", &b->busy, out);
	fputs("},", out);
	if (b->overload)
		json_overload(&b->over, out);
	fputs("\"load\":", out);
	tg_load_print_json(&b->run.what, &b->run.result, out);
	fputs("}\n", out);
}
