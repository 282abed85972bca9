/* SPDX-License-Identifier: BSD-3-Clause */
#include "load_report.h"

#include <inttypes.h>

static const struct {
	const char *name;
	double q;
} quantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"max", 1}};
enum { QUANTILE_N = sizeof(quantiles) / sizeof(quantiles[0]) };

uint64_t tg_load_failed(const struct tg_load_figures *f)
{
	uint64_t n = 0;

	for (int i = TG_LOAD_OK + 1; i < TG_LOAD_CUT; i++)
		n += f->failed[i];
	return n;
}

double tg_load_success(const struct tg_load_figures *f)
{
	uint64_t all = f->done + tg_load_failed(f);

	return all ? 100 * (double)f->done / (double)all : 0;
}

double tg_load_rate(const struct tg_load_result *r)
{
	return r->seconds > 0 ? (double)r->sum.opened / r->seconds : 0;
}

static double per(uint64_t n, uint64_t all)
{
	return all ? (double)n / (double)all : 0;
}

/* --- text --- */

static const char *time_text(double ns, char *buf, size_t size)
{
	if (ns < 1e4)
		snprintf(buf, size, "%.2f us", ns / 1e3);
	else if (ns < 1e6)
		snprintf(buf, size, "%.0f us", ns / 1e3);
	else if (ns < 1e9)
		snprintf(buf, size, "%.2f ms", ns / 1e6);
	else
		snprintf(buf, size, "%.2f s", ns / 1e9);
	return buf;
}

static void print_timings(const struct tg_load_result *r, FILE *out)
{
	char text[32];

	fprintf(out, "  %-11s", "");
	for (int q = 0; q < QUANTILE_N; q++)
		fprintf(out, "%10s", quantiles[q].name);
	fprintf(out, "%12s\n", "measured");
	for (int i = 0; i < TG_LOAD_TIMING_N; i++) {
		const struct tg_hist *h = &r->timing[i];
		if (h->count == 0)
			continue;
		fprintf(out, "  %-11s", tg_load_timing_name((enum tg_load_timing)i));
		for (int q = 0; q < QUANTILE_N; q++)
			fprintf(out, "%10s",
				time_text((double)tg_hist_quantile(h, quantiles[q].q), text,
					  sizeof(text)));
		fprintf(out, "%12" PRIu64 "\n", h->count);
	}
}

static void print_failures(const struct tg_load_figures *f, FILE *out)
{
	for (int i = TG_LOAD_OK + 1; i < TG_LOAD_CAUSE_N; i++)
		if (f->failed[i])
			fprintf(out, "  %12" PRIu64 "  %s (%s)\n", f->failed[i],
				tg_load_cause_text((enum tg_load_cause)i),
				tg_load_cause_name((enum tg_load_cause)i));
}

static void print_flood(const struct tg_load_result *r, FILE *out)
{
	fprintf(out,
		"%" PRIu64 " packets were sent in %.2f s: %.0f/s; %" PRIu64
		" came back that want a RST, SYN-ACKs and their repeats\n",
		r->sum.flood_sent, r->seconds,
		r->seconds > 0 ? (double)r->sum.flood_sent / r->seconds : 0, r->flood_answers);
	if (r->sum.missed)
		fprintf(out, "%" PRIu64 " were due and not sent: the core is too slow\n",
			r->sum.missed);
}

static void print_held(const struct tg_load_plan *plan, const struct tg_load_held *h, FILE *out)
{
	double want = plan->set.hold, mib = 1 << 20;

	if (h->from_s <= 0) {
		fprintf(out, "not all of the %u that are to be held were ever open\n",
			plan->set.hold);
		return;
	}
	fprintf(out,
		"held from second %.1f on: %u to %u open (%+.3f %% to %+.3f %%), memory %.0f MiB "
		"then and %.0f MiB at the end\n",
		h->from_s, h->least, h->most, 100 * (h->least - want) / want,
		100 * (h->most - want) / want, (double)h->memory_from / mib,
		(double)h->memory_to / mib);
}

void tg_load_print(const struct tg_load_plan *plan, const struct tg_load_result *r, FILE *out)
{
	const struct tg_load_figures *f = &r->sum;

	fprintf(out, "\n%s", r->is_interrupted ? "Interrupted; until then:\n" : "");
	if (plan->set.flood) {
		print_flood(r, out);
		return;
	}
	fprintf(out,
		"%" PRIu64 " connections begun in %.2f s, %" PRIu64
		" opened: %.0f/s, at most %u open at once\n",
		f->begun, r->seconds, f->opened, tg_load_rate(r), f->open_max);
	fprintf(out, "%" PRIu64 " good, %" PRIu64 " failed: success %.4g %%\n", f->done,
		tg_load_failed(f), tg_load_success(f));
	print_failures(f, out);
	if (plan->set.hold)
		print_held(plan, &r->held, out);
	if (f->missed)
		fprintf(out,
			"%" PRIu64 " were due and not begun: the core is too slow for this rate\n",
			f->missed);
	fprintf(out,
		"%" PRIu64 " requests answered; %" PRIu64 " bytes of text received, %" PRIu64
		" sent\n",
		f->requests, f->rx_bytes, f->tx_bytes);
	fprintf(out,
		"per connection: %.2f packets out, %.2f in; %.0f bytes of frames out, %.0f in\n",
		per(r->tx_packets, f->begun), per(r->rx_packets, f->begun),
		per(r->tx_bytes, f->begun), per(r->rx_bytes, f->begun));
	fprintf(out,
		"%" PRIu64 " segments were sent again; %" PRIu64
		" connections of ours are in TIME-WAIT\n",
		r->rexmit, r->tw_left);
	if (r->tw_evicted)
		fprintf(out,
			"%" PRIu64 " TIME-WAIT records had to go before their time: raise "
			"time_wait in [engine]\n",
			r->tw_evicted);
	print_timings(r, out);
}

/* --- JSON --- */

static void json_timing(const struct tg_hist *h, const char *name, FILE *out)
{
	fprintf(out, "\"%s\":{\"count\":%" PRIu64 ",\"mean\":%.0f", name, h->count,
		tg_hist_mean(h));
	for (int q = 0; q < QUANTILE_N; q++)
		fprintf(out, ",\"%s\":%" PRIu64, quantiles[q].name,
			tg_hist_quantile(h, quantiles[q].q));
	fputc('}', out);
}

void tg_load_print_json(const struct tg_load_plan *plan, const struct tg_load_result *r, FILE *out)
{
	const struct tg_load_figures *f = &r->sum;

	fprintf(out, "{\"interrupted\":%s,\"seconds\":%.3f,", r->is_interrupted ? "true" : "false",
		r->seconds);
	if (plan->set.flood)
		fprintf(out, "\"flood_sent\":%" PRIu64 ",\"flood_answers\":%" PRIu64 ",",
			f->flood_sent, r->flood_answers);
	fprintf(out,
		"\"begun\":%" PRIu64 ",\"opened\":%" PRIu64
		",\"opened_per_s\":%.1f,\"good\":%" PRIu64 ",\"failed\":%" PRIu64
		",\"success_percent\":%.6f,\"missed\":%" PRIu64
		",\"live_max\":%u,\"requests\":%" PRIu64,
		f->begun, f->opened, tg_load_rate(r), f->done, tg_load_failed(f),
		tg_load_success(f), f->missed, f->open_max, f->requests);
	fprintf(out,
		",\"text_bytes\":{\"in\":%" PRIu64 ",\"out\":%" PRIu64
		"},\"packets\":{\"in\":%" PRIu64 ",\"out\":%" PRIu64
		"},\"frame_bytes\":{\"in\":%" PRIu64 ",\"out\":%" PRIu64 "},\"sent_again\":%" PRIu64
		",\"time_wait\":%" PRIu64 ",\"time_wait_evicted\":%" PRIu64 ",\"failures\":{",
		f->rx_bytes, f->tx_bytes, r->rx_packets, r->tx_packets, r->rx_bytes, r->tx_bytes,
		r->rexmit, r->tw_left, r->tw_evicted);
	for (int i = TG_LOAD_OK + 1; i < TG_LOAD_CAUSE_N; i++)
		fprintf(out, "%s\"%s\":%" PRIu64, i > TG_LOAD_OK + 1 ? "," : "",
			tg_load_cause_name((enum tg_load_cause)i), f->failed[i]);
	fputc('}', out);
	if (plan->set.hold)
		fprintf(
		    out,
		    ",\"held\":{\"from_s\":%.3f,\"least\":%u,\"most\":%u,\"memory_from\":%" PRIu64
		    ",\"memory_to\":%" PRIu64 "}",
		    r->held.from_s, r->held.least, r->held.most, r->held.memory_from,
		    r->held.memory_to);
	fprintf(out, ",\"times_ns\":{");
	for (int i = 0; i < TG_LOAD_TIMING_N; i++) {
		fputs(i ? "," : "", out);
		json_timing(&r->timing[i], tg_load_timing_name((enum tg_load_timing)i), out);
	}
	fprintf(out, "}}\n");
}

/* --- each second --- */

static double rate_of(uint64_t now, uint64_t before, double s)
{
	return s > 0 ? (double)(now - before) / s : 0;
}

void tg_load_head_line(bool flood, FILE *out)
{
	if (flood)
		fprintf(out, "%8s %12s %14s %8s\n", "time", "packets/s", "packets", "left");
	else
		fprintf(out, "%8s %10s %9s %10s %9s %12s %9s %7s\n", "time", "opened/s", "opening",
			"open", "closing", "good", "failed", "left");
}

void tg_load_second_line(const struct tg_load_second *s, bool flood, FILE *out)
{
	const struct tg_load_figures *f = &s->now;

	if (flood)
		fprintf(out, "%6.0f s %12.0f %14" PRIu64 " %6.0f s\n", s->at_s,
			rate_of(f->flood_sent, s->before.flood_sent, s->passed_s), f->flood_sent,
			s->left_s);
	else
		fprintf(out, "%6.0f s %10.0f %9u %10u %9u %12" PRIu64 " %9" PRIu64 " %5.0f s\n",
			s->at_s, rate_of(f->opened, s->before.opened, s->passed_s), f->opening,
			f->open, f->closing, f->done, tg_load_failed(f), s->left_s);
}

void tg_load_plain_line(const struct tg_load_second *s, FILE *out)
{
	const struct tg_load_figures *f = &s->now;

	fprintf(out,
		"t=%.1f opened_per_s=%.0f opening=%u open=%u held=%u closing=%u good=%" PRIu64
		" failed=%" PRIu64 " flood=%" PRIu64 " left=%.0f\n",
		s->at_s, rate_of(f->opened, s->before.opened, s->passed_s), f->opening, f->open,
		f->held, f->closing, f->done, tg_load_failed(f), f->flood_sent, s->left_s);
}

void tg_load_csv_head(FILE *out)
{
	fprintf(out, "seconds,begun,opened,opened_per_s,good,failed,opening,open,held,closing,"
		     "requests,text_in,text_out,packets_in,packets_out,flood\n");
}

void tg_load_csv_line(const struct tg_load_second *s, FILE *out)
{
	const struct tg_load_figures *f = &s->now;

	fprintf(out,
		"%.3f,%" PRIu64 ",%" PRIu64 ",%.1f,%" PRIu64 ",%" PRIu64 ",%u,%u,%u,%u,%" PRIu64
		",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n",
		s->at_s, f->begun, f->opened, rate_of(f->opened, s->before.opened, s->passed_s),
		f->done, tg_load_failed(f), f->opening, f->open, f->held, f->closing, f->requests,
		f->rx_bytes, f->tx_bytes, s->rx_packets, s->tx_packets, f->flood_sent);
}
