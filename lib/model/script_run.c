/* SPDX-License-Identifier: BSD-3-Clause */
/* script_run.c: a script's events against a lab, on its virtual clock. Time stands still while
 * nothing is awaited, and jumps from timer to timer while something is. */
#include "script_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ANY_TIME_S = 86400,       /* how long `*` waits */
	WAIT_STEPS_MAX = 1000000, /* timers that fire without a packet */
	QUEUE_BYTES_MAX = 64 << 20,
	DATAGRAM_MAX = 65536,
};

uint64_t script_rel_ns(const struct script_run *r, uint64_t at_ns)
{
	return at_ns > r->script->start_ns ? at_ns - r->script->start_ns : 0;
}

/* --- packets --- */

static void note_packet(struct script_run *r, uint64_t at_ns, bool in, const uint8_t *data,
			size_t len)
{
	struct script_logged *l = &r->log[r->log_n++ % SCRIPT_LOG_N];
	char text[512];

	l->at_ns = at_ns;
	l->in = in;
	l->len = (uint32_t)len;
	l->kept = (uint32_t)(len < sizeof(l->data) ? len : sizeof(l->data));
	memcpy(l->data, data, l->kept);
	if (!r->packet)
		return;
	script_format(r, data, len, len, in, false, text, sizeof(text));
	struct tg_script_packet p = {script_rel_ns(r, at_ns), in, data, len, text};

	r->packet(r->ctx, &p);
}

static bool queue_room(struct script_run *r, size_t len)
{
	if (r->queue_bytes + len > QUEUE_BYTES_MAX)
		return script_failed(r, NULL, "more than 64 MiB came that nothing awaits");
	if (r->queue_n < r->queue_cap)
		return true;
	size_t cap = r->queue_cap ? r->queue_cap * 2 : 16;
	struct script_pkt *grown = realloc(r->queue, cap * sizeof(*grown));

	if (!grown)
		return script_failed(r, NULL, "out of memory");
	r->queue = grown;
	r->queue_cap = cap;
	return true;
}

/* What the lab has sent goes to our queue, so that it is logged in its place. */
void script_pump(struct script_run *r)
{
	uint8_t *data = r->wire;
	uint64_t at;
	size_t len;

	while (!r->failed && (len = tg_lab_output(r->lab, data, DATAGRAM_MAX, &at)) > 0) {
		uint8_t *copy = malloc(len);

		if (!copy || !queue_room(r, len)) {
			free(copy);
			script_failed(r, NULL, "out of memory");
			return;
		}
		memcpy(copy, data, len);
		r->queue[r->queue_n++] = (struct script_pkt){at, len, copy};
		r->queue_bytes += len;
		note_packet(r, at, false, data, len);
	}
}

static bool queue_take(struct script_run *r, struct script_pkt *pkt)
{
	if (r->queue_from == r->queue_n)
		return false;
	*pkt = r->queue[r->queue_from++];
	r->queue_bytes -= pkt->len;
	if (r->queue_from == r->queue_n)
		r->queue_from = r->queue_n = 0;
	return true;
}

void script_send(struct script_run *r, const void *datagram, size_t len)
{
	note_packet(r, r->now_ns, true, datagram, len);
	tg_lab_input(r->lab, r->now_ns, datagram, len);
	script_pump(r);
	script_try_pending(r);
}

/* --- time --- */

static void advance(struct script_run *r, uint64_t to_ns)
{
	if (to_ns > r->now_ns)
		r->now_ns = to_ns;
	tg_lab_advance(r->lab, r->now_ns);
	script_pump(r);
	script_try_pending(r);
}

/* The next moment at which something may change, at most limit. */
static uint64_t next_moment(const struct script_run *r, uint64_t limit)
{
	uint64_t due = tg_lab_next_deadline(r->lab);

	if (r->pending.ev && r->pending.wake_ns < due)
		due = r->pending.wake_ns;
	return due > r->now_ns && due < limit ? due : limit;
}

/* A call that blocks must be asked after each timer; else one step does. */
static void run_until(struct script_run *r, uint64_t to_ns)
{
	while (r->pending.ev && !r->failed && r->now_ns < to_ns)
		advance(r, next_moment(r, to_ns));
	if (!r->failed)
		advance(r, to_ns);
}

/* Times of an event on the lab's clock. */
static void event_times(const struct script_run *r, const struct script_time *t, uint64_t *from,
			uint64_t *to)
{
	uint64_t zero = t->kind == ST_RELATIVE ? r->last_ns : r->script->start_ns;

	*from = zero + t->at_ns;
	*to = zero + t->end_ns;
	if (t->kind == ST_ANY) {
		*from = 0;
		*to = r->now_ns + ANY_TIME_S * SCRIPT_NS_PER_S;
	}
}

/* --- events --- */

static void wait_for_packet(struct script_run *r, uint64_t limit)
{
	for (int i = 0; i < WAIT_STEPS_MAX && r->queue_from == r->queue_n && !r->failed; i++) {
		uint64_t due = next_moment(r, UINT64_MAX);

		if (due > limit)
			return;
		advance(r, due);
	}
}

static bool expect_one(struct script_run *r, const struct script_event *ev, uint64_t from,
		       uint64_t to, struct script_seg *want)
{
	uint64_t may = r->script->tolerance_ns;
	uint64_t low = from > may ? from - may : 0, high = to + may;
	struct script_pkt pkt;
	bool ok = false;

	wait_for_packet(r, high);
	if (r->failed)
		return false;
	if (!queue_take(r, &pkt)) {
		if (ev->time.kind != ST_ANY)
			advance(r, high);
		return script_failed(r, NULL, "no packet came");
	}
	if (pkt.at_ns < low || pkt.at_ns > high)
		script_failed(r, &pkt, "it came %s: at %.6f s, expected %.6f s",
			      pkt.at_ns < low ? "too early" : "too late",
			      (double)script_rel_ns(r, pkt.at_ns) / 1e9,
			      (double)script_rel_ns(r, pkt.at_ns < low ? from : to) / 1e9);
	else
		ok = script_match(r, want, &pkt);
	r->last_ns = ev->time.kind == ST_ANY || ev->time.range ? pkt.at_ns : from;
	free(pkt.data);
	return ok;
}

static bool expect_packet(struct script_run *r, const struct script_event *ev, uint64_t from,
			  uint64_t to)
{
	struct script_seg want = ev->u.seg;

	do {
		if (!expect_one(r, ev, from, to, &want))
			return false;
	} while (want.len > 0);
	return true;
}

static void note_mss(struct script_flow *f, const struct script_seg *seg, bool v6)
{
	f->mss = v6 ? 1220 : 536;
	for (uint8_t i = 0; i < seg->opt_n; i++)
		if (seg->opt[i].kind == SO_MSS && !seg->opt[i].a.any)
			f->mss = seg->opt[i].a.v;
}

/* Numbers begin anew where a SYN may begin a connection. */
static void meet_syn(struct script_run *r, struct script_flow *f, const struct script_seg *seg)
{
	const char *state;

	if (!f->bound) {
		f->bound = true;
		f->lport = r->listen_port ? r->listen_port : r->script->bind_port;
		f->rport = (uint16_t)(40000 + (f - r->flow));
	}
	if (!(seg->flags & SF_SYN))
		return;
	note_mss(f, seg, r->script->v6);
	state = tg_lab_state_of(r->lab, r->script->local, f->lport, r->script->remote, f->rport);
	if (!strcmp(state, "CLOSED") || !strcmp(state, "TIME-WAIT")) {
		f->fresh = true;
		f->irs = seg->seq.v;
	}
	if (!strcmp(state, "SYN-SENT"))
		f->irs = seg->seq.v;
}

static bool send_event(struct script_run *r, const struct script_event *ev)
{
	size_t len;

	if (ev->kind == SE_IN) {
		meet_syn(r, &r->flow[ev->u.seg.flow], &ev->u.seg);
		len = script_build(r, &ev->u.seg, r->wire);
	} else {
		len = script_build_icmp(r, &ev->u.icmp, r->wire);
	}
	script_send(r, r->wire, len);
	return !r->failed;
}

static bool run_event(struct script_run *r, const struct script_event *ev)
{
	uint64_t from, to;

	r->ev = ev;
	event_times(r, &ev->time, &from, &to);
	if (ev->kind == SE_OUT)
		return expect_packet(r, ev, from, to);
	if (from + r->script->tolerance_ns < r->now_ns)
		return script_failed(r, NULL, "the time of this line is past: it is %.6f s",
				     (double)script_rel_ns(r, r->now_ns) / 1e9);
	run_until(r, from);
	r->ev = ev;
	r->last_ns = from;
	if (r->failed)
		return false;
	if (ev->kind == SE_CALL)
		return script_do_call(r, ev, to);
	if (ev->kind == SE_CHECK)
		return script_do_check(r, &ev->u.check);
	return send_event(r, ev);
}

/* --- beginning and end --- */

static bool begin(struct script_run *r)
{
	const struct tg_script *s = r->script;
	char words[SCRIPT_LAB_WORDS + 32], err[256];

	r->wire = malloc(DATAGRAM_MAX + 512);
	if (!r->wire) {
		snprintf(r->report, TG_SCRIPT_REPORT_MAX, "%s: out of memory\n", s->name);
		return false;
	}
	snprintf(words, sizeof(words), "%s%s",
		 strstr(s->lab, "connections=") ? "" : "connections=64 ", s->lab);
	r->lab = tg_lab_new(words, err, sizeof(err));
	if (!r->lab) {
		snprintf(r->report, TG_SCRIPT_REPORT_MAX, "%s: the lab's options: %s\n", s->name,
			 err);
		return false;
	}
	r->now_ns = r->last_ns = s->start_ns;
	r->youngest = -1;
	return true;
}

static void end(struct script_run *r)
{
	while (r->queue_from < r->queue_n)
		free(r->queue[r->queue_from++].data);
	free(r->queue);
	free(r->io);
	free(r->wire);
	tg_lab_free(r->lab);
}

/* A call that still blocks, a packet that nobody named, a broken invariant. */
static bool settle(struct script_run *r)
{
	struct script_pkt pkt;
	char why[256];
	bool ok = true;

	if (r->pending.ev)
		run_until(r, r->pending.end_ns + r->script->tolerance_ns);
	if (r->failed)
		return false;
	if (r->pending.ev) {
		r->ev = r->pending.ev;
		return script_failed(r, NULL, "the call still blocks");
	}
	if (r->script->strict && queue_take(r, &pkt)) {
		ok = script_failed(r, &pkt, "a packet that the script does not name (--strict)");
		free(pkt.data);
	}
	if (ok && !tg_lab_validate(r->lab, why, sizeof(why)))
		ok = script_failed(r, NULL, "an invariant of the engine is broken: %s", why);
	return ok;
}

static bool play(struct script_run *r)
{
	for (uint32_t i = 0; i < r->script->event_n; i++)
		if (!run_event(r, &r->script->event[i]) || r->failed)
			return false;
	return settle(r);
}

enum tg_script_verdict tg_script_run(const struct tg_script *script,
				     void (*packet)(void *ctx, const struct tg_script_packet *p),
				     void *ctx, char *report)
{
	struct script_run *r = calloc(1, sizeof(*r));
	bool ok;

	report[0] = 0;
	if (!r) {
		snprintf(report, TG_SCRIPT_REPORT_MAX, "%s: out of memory\n", script->name);
		return TG_SCRIPT_FAILED;
	}
	r->script = script;
	r->packet = packet;
	r->ctx = ctx;
	r->report = report;
	if (!begin(r)) {
		free(r->wire);
		free(r);
		return TG_SCRIPT_INVALID;
	}
	ok = play(r);
	end(r);
	free(r);
	return ok ? TG_SCRIPT_PASSED : TG_SCRIPT_FAILED;
}
