/* SPDX-License-Identifier: BSD-3-Clause */
/* script_parse.c: a script's events, one after another: time, then a packet, a call, a check or a
 * shell command. */
#include "script_int.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool parse_end(struct script_in *in, struct script_time *t)
{
	script_eat(in, "+");
	if (!script_ns(in, &t->end_ns))
		return false;
	if (t->end_ns < t->at_ns)
		return script_wrong(in, "the second time is before the first");
	return true;
}

/* 0.1  +0.1  *  0.1~0.3  +0.1~+0.3  0...0.2 */
static bool parse_time(struct script_in *in, struct script_time *t)
{
	t->kind = ST_ABSOLUTE;
	if (script_eat(in, "*")) {
		t->kind = ST_ANY;
		return true;
	}
	if (script_eat(in, "+"))
		t->kind = ST_RELATIVE;
	if (!script_ns(in, &t->at_ns))
		return false;
	t->end_ns = t->at_ns;
	if (script_eat(in, "...")) {
		t->blocking = true;
		return parse_end(in, t);
	}
	t->range = script_eat(in, "~");
	return !t->range || parse_end(in, t);
}

static struct script_event *new_event(struct script_in *in)
{
	struct tg_script *s = in->script;

	if (s->event_n == s->event_cap) {
		uint32_t cap = s->event_cap ? s->event_cap * 2 : 32;
		struct script_event *grown = NULL;

		if (s->event_n < SCRIPT_EVENT_MAX)
			grown = realloc(s->event, cap * sizeof(*grown));
		if (!grown) {
			script_wrong(in, "a script has at most %d events", SCRIPT_EVENT_MAX);
			return NULL;
		}
		s->event = grown;
		s->event_cap = cap;
	}
	struct script_event *ev = &s->event[s->event_n];

	memset(ev, 0, sizeof(*ev));
	ev->line = in->line;
	ev->rule = in->rule;
	ev->source = in->p;
	return ev;
}

static bool parse_shell(struct script_in *in)
{
	const char *from = ++in->p;

	for (; in->p < in->end && *in->p != '`'; in->p++)
		if (*in->p == '\n')
			in->line++;
	if (in->p >= in->end)
		return script_wrong(in, "a shell command that begins with ` does not end");
	script_shell(in, from, (size_t)(in->p - from));
	in->p++;
	return true;
}

/* After the time: true with *kept = false for what leaves no event behind. */
static bool parse_body(struct script_in *in, struct script_event *ev, bool *kept)
{
	*kept = true;
	script_blank(in);
	if (in->p < in->end && *in->p == '`') {
		*kept = false;
		return parse_shell(in);
	}
	if (script_eat(in, "%{")) {
		ev->kind = SE_CHECK;
		return script_parse_checks(in, &ev->u.check);
	}
	if (script_eat(in, "<"))
		return script_parse_packet(in, ev, false);
	if (script_eat(in, ">"))
		return script_parse_packet(in, ev, true);
	ev->kind = SE_CALL;
	if (!script_parse_call(in, &ev->u.call))
		return false;
	*kept = ev->u.call.def != NULL; /* epoll is read over */
	return true;
}

static bool check_time(struct script_in *in, const struct script_event *ev)
{
	const struct script_time *t = &ev->time;

	if (t->blocking && ev->kind != SE_CALL)
		return script_wrong(in,
				    "only a call may last, as in `0...0.2 read(4, ..., 10) = 10`");
	if ((t->kind == ST_ANY || t->range) && ev->kind != SE_OUT)
		return script_wrong(in,
				    "only an outbound packet may come at any time (*, 0.1~0.3)");
	return true;
}

/* The line as it stands, without a remark, for reports. */
static void keep_source(struct script_event *ev, const char *to)
{
	const char *nl = memchr(ev->source, '\n', (size_t)(to - ev->source));

	if (nl)
		to = nl;
	for (const char *p = ev->source; p + 1 < to; p++)
		if (*p == '#' || (p[0] == '/' && (p[1] == '/' || p[1] == '*')))
			to = p;
	while (to > ev->source && isspace((unsigned char)to[-1]))
		to--;
	ev->source_len = (uint32_t)(to - ev->source);
}

static bool parse_event(struct script_in *in)
{
	struct script_event *ev = new_event(in);
	bool kept, timed;

	if (!ev)
		return false;
	timed = !(in->p < in->end && (*in->p == '`' || *in->p == '%'));
	ev->time.kind = ST_RELATIVE;
	if (timed && !parse_time(in, &ev->time))
		return false;
	if (!parse_body(in, ev, &kept))
		return false;
	if (kept && !check_time(in, ev))
		return false;
	keep_source(ev, in->p);
	if (kept)
		in->script->event_n++;
	return true;
}

static bool parse_all(struct script_in *in, const char *overrides)
{
	if (!script_parse_options(in) || !script_override(in, overrides))
		return false;
	while (!script_at_end(in))
		if (!parse_event(in))
			return false;
	if (!in->failed && in->script->event_n == 0)
		return script_wrong(in, "a script without a single event shows nothing");
	return !in->failed;
}

static void defaults(struct tg_script *s, bool v6)
{
	s->v6 = v6;
	s->families = TG_SCRIPT_IP4;
	s->tolerance_ns = 4000 * SCRIPT_NS_PER_US;
	s->start_ns = SCRIPT_NS_PER_S;
	s->bind_port = s->connect_port = 8080;
	snprintf(s->local, sizeof(s->local), "%s", v6 ? "fd3d:a0b:17d6::1" : "192.168.0.1");
	snprintf(s->remote, sizeof(s->remote), "%s", v6 ? "2001:db8::1" : "192.0.2.1");
}

static struct tg_script *script_new(const char *name, const char *text, size_t len, bool v6)
{
	struct tg_script *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->name = strdup(name);
	s->text = malloc(len + 1);
	if (!s->name || !s->text) {
		tg_script_free(s);
		return NULL;
	}
	memcpy(s->text, text, len);
	s->text[len] = 0;
	defaults(s, v6);
	return s;
}

struct tg_script *tg_script_parse(const char *name, const char *text, size_t len, int family,
				  const char *overrides, enum tg_script_verdict *verdict,
				  char *report)
{
	struct tg_script *s =
	    len > TG_SCRIPT_TEXT_MAX ? NULL : script_new(name, text, len, family == TG_SCRIPT_IP6);

	report[0] = 0;
	*verdict = TG_SCRIPT_INVALID;
	if (!s) {
		snprintf(report, TG_SCRIPT_REPORT_MAX, "%s: %s\n", name,
			 len > TG_SCRIPT_TEXT_MAX ? "a script has at most 1 MiB" : "out of memory");
		return NULL;
	}
	struct script_in in = {.script = s,
			       .start = s->text,
			       .p = s->text,
			       .end = s->text + len,
			       .line = 1,
			       .report = report};

	if (parse_all(&in, overrides))
		return s;
	*verdict = in.verdict;
	tg_script_free(s);
	return NULL;
}

void tg_script_free(struct tg_script *script)
{
	if (!script)
		return;
	while (script->blocks) {
		struct script_block *next = script->blocks->next;

		free(script->blocks);
		script->blocks = next;
	}
	free(script->event);
	free(script->name);
	free(script->text);
	free(script);
}

int tg_script_families(const struct tg_script *script)
{
	return script->families;
}

const char *tg_script_notes(const struct tg_script *script)
{
	return script->notes;
}
