/* SPDX-License-Identifier: BSD-3-Clause */
/* script_report.c: one screen that says what was expected, what came, and what led there. */
#include "script_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct screen {
	char *buf;
	size_t at;
};

static void __attribute__((format(printf, 2, 3))) put(struct screen *s, const char *format, ...)
{
	va_list args;

	if (s->at + 1 >= TG_SCRIPT_REPORT_MAX)
		return;
	va_start(args, format);
	int n = vsnprintf(s->buf + s->at, TG_SCRIPT_REPORT_MAX - s->at, format, args);
	va_end(args);
	s->at += n > 0 ? (size_t)n : 0;
	if (s->at >= TG_SCRIPT_REPORT_MAX)
		s->at = TG_SCRIPT_REPORT_MAX - 1;
}

static double seconds(const struct script_run *r, uint64_t at_ns)
{
	return (double)script_rel_ns(r, at_ns) / 1e9;
}

static void put_packet(struct screen *s, const struct script_run *r, const struct script_pkt *pkt)
{
	char text[512];

	script_format(r, pkt->data, pkt->len, pkt->len, false, false, text, sizeof(text));
	put(s, "  came      %.6f %s\n", seconds(r, pkt->at_ns), text);
	script_format(r, pkt->data, pkt->len, pkt->len, false, true, text, sizeof(text));
	put(s, "  absolute  %s\n", text);
}

static void put_log(struct screen *s, const struct script_run *r)
{
	uint32_t n = r->log_n < SCRIPT_LOG_N ? r->log_n : SCRIPT_LOG_N;
	char text[300];

	if (n)
		put(s, "  the last %u packets:\n", n);
	for (uint32_t i = r->log_n - n; i != r->log_n; i++) {
		const struct script_logged *l = &r->log[i % SCRIPT_LOG_N];

		script_format(r, l->data, l->len, l->kept, l->in, false, text, sizeof(text));
		put(s, "    %.6f %s\n", seconds(r, l->at_ns), text);
	}
}

static int64_t option(const struct script_run *r, int sock, enum tg_lab_opt opt)
{
	int64_t v = 0;

	return tg_lab_getopt(r->lab, sock, opt, &v) ? -1 : v;
}

static void put_state(struct screen *s, const struct script_run *r)
{
	const struct script_flow *f = &r->flow[0];

	if (f->bound)
		put(s, "  state     %s",
		    tg_lab_state_of(r->lab, r->script->local, f->lport, r->script->remote,
				    f->rport));
	if (r->youngest >= 0 && r->fd[r->youngest].kind == FD_CONN) {
		int sock = r->fd[r->youngest].sock;

		put(s, "%s socket %d: %s, %lld readable, %lld unacked, %lld unsent, cwnd %lld",
		    f->bound ? ";" : "  state    ", r->fd[r->youngest].name,
		    tg_lab_state(r->lab, sock), (long long)option(r, sock, TG_LAB_READABLE_BYTES),
		    (long long)option(r, sock, TG_LAB_UNACKED_BYTES),
		    (long long)option(r, sock, TG_LAB_UNSENT_BYTES),
		    (long long)option(r, sock, TG_LAB_CWND_BYTES));
	}
	if (f->bound || r->youngest >= 0)
		put(s, "\n");
}

bool script_failed(struct script_run *r, const struct script_pkt *pkt, const char *format, ...)
{
	struct screen s = {r->report, 0};
	const struct script_event *ev = r->ev;
	char what[400];
	va_list args;

	if (r->failed)
		return false;
	r->failed = true;
	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	put(&s, "%s:%u: %s\n", r->script->name, ev ? ev->line : 0, what);
	if (ev && ev->rule)
		put(&s, "  rule      %.200s\n", ev->rule);
	if (ev)
		put(&s, "  expected  %.*s\n", (int)(ev->source_len < 300 ? ev->source_len : 300),
		    ev->source);
	if (pkt)
		put_packet(&s, r, pkt);
	put(&s, "  time      %.6f s (%s)\n", seconds(r, r->now_ns),
	    r->script->v6 ? "IPv6" : "IPv4");
	if (r->lab)
		put_state(&s, r);
	put_log(&s, r);
	return false;
}
