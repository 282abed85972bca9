/* SPDX-License-Identifier: BSD-3-Clause */
/* refconn.c: the life of a connection in the model, and the answers of section 0 of the checklist.
 */
#include "refmodel.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <errno.h>

const char *const ref_state_name[REF_STATES] = {
    [REF_CLOSED] = "CLOSED",         [REF_LISTEN] = "LISTEN",
    [REF_SYN_SENT] = "SYN-SENT",     [REF_SYN_RCVD] = "SYN-RECEIVED",
    [REF_ESTAB] = "ESTABLISHED",     [REF_FIN_WAIT_1] = "FIN-WAIT-1",
    [REF_FIN_WAIT_2] = "FIN-WAIT-2", [REF_CLOSE_WAIT] = "CLOSE-WAIT",
    [REF_CLOSING] = "CLOSING",       [REF_LAST_ACK] = "LAST-ACK",
    [REF_TIME_WAIT] = "TIME-WAIT",
};

enum { LATE_MS = 1 }; /* a timer acts at its time rounded up to the tick */

void ref_fail(struct ref_host *h, const char *form, ...)
{
	if (h->why[0])
		return;
	va_list args;

	va_start(args, form);
	vsnprintf(h->why, sizeof(h->why), form, args);
	va_end(args);
}

void ref_init(struct ref_host *h, const struct ref_conf *conf, uint64_t now)
{
	memset(h->tuple, 0, sizeof(h->tuple));
	memset(h->sock, 0, sizeof(h->sock));
	h->rst_n = 0;
	for (int i = 0; i < REF_CONNS; i++)
		h->conn[i].used = false;
	for (int i = 0; i < REF_PORTS; i++)
		h->listener[i] = (struct ref_listener){.sock = -1};
	h->conf = *conf;
	h->now = now;
	h->why[0] = 0;
}

struct ref_span ref_after(uint64_t from, uint64_t ms)
{
	return (struct ref_span){from + ms * REF_MS, from + (ms + LATE_MS) * REF_MS};
}

static const struct ref_span never = {UINT64_MAX, UINT64_MAX};

struct ref_tuple *ref_tuple_of(struct ref_host *h, const struct ref_conn *c)
{
	return &h->tuple[c->lp][c->rp];
}

struct ref_conn *ref_conn_new(struct ref_host *h, int lp, int rp)
{
	for (int i = 0; i < REF_CONNS; i++) {
		struct ref_conn *c = &h->conn[i];
		if (c->used)
			continue;
		memset(c, 0, offsetof(struct ref_conn, ring));
		memset(c->have, 0, sizeof(*c) - offsetof(struct ref_conn, have));
		c->used = true;
		c->lp = lp;
		c->rp = rp;
		c->sock = c->listener = -1;
		c->ch_at = c->ack_due = c->rexmit_at = REF_NEVER;
		c->syn = c->fw2 = c->die = never;
		c->born_at = c->heard_at = c->active_at = c->moved_at = h->now;
		c->snd_mss = h->conf.v6 ? 1220 : 536;
		h->tuple[lp][rp].live = c;
		return c;
	}
	ref_fail(h, "the model is out of connections");
	return NULL;
}

void ref_free_if_done(struct ref_conn *c)
{
	if (c->sock < 0 && c->orphan && (c->state == REF_CLOSED || c->state == REF_TIME_WAIT))
		c->used = false;
}

uint8_t ref_byte(const struct ref_conn *c, uint32_t seq)
{
	return (uint8_t)((seq + c->salt) * 2654435761u >> 23);
}

/* --- state --- */

static void enter_time_wait(struct ref_host *h, struct ref_conn *c)
{
	struct ref_tuple *t = ref_tuple_of(h, c);

	t->tw = (struct ref_tw){.on = true,
				.snd_nxt = c->nxt,
				.rcv_nxt = c->rcv_nxt,
				.edge = c->edge,
				.max_wnd = c->max_wnd,
				.ts_on = c->ts_on,
				.ts_recent = c->ts_recent,
				.ts_recent_at = c->ts_recent_at,
				.ts_first = c->ts_first,
				.ts_first_at = c->ts_first_at,
				.rcv_shift = c->rcv_shift,
				.ch_at = c->ch_at,
				.want = c->want,
				.end = ref_after(h->now, 2 * (uint64_t)h->conf.msl_ms)};
	c->want = REF_WANT_NOTHING;
	c->syn = c->fw2 = c->die = never;
	c->ack_due = REF_NEVER;
	c->state = REF_TIME_WAIT;
	t->live = NULL;
	ref_free_if_done(c);
}

void ref_enter(struct ref_host *h, struct ref_conn *c, enum ref_state state)
{
	if (state == REF_TIME_WAIT) {
		enter_time_wait(h, c);
		return;
	}
	c->state = state;
	if (state != REF_SYN_SENT && state != REF_SYN_RCVD)
		c->syn = never;
	if (state == REF_FIN_WAIT_2 && c->orphan) /* TO-06 */
		c->fw2 = ref_after(h->now, h->conf.fin_wait_2_ms);
	else
		c->fw2 = never;
}

/* The connection is gone without TIME-WAIT. */
void ref_end(struct ref_host *h, struct ref_conn *c, int error)
{
	struct ref_tuple *t = ref_tuple_of(h, c);
	bool was_syn_rcvd = c->state == REF_SYN_RCVD;

	c->state = REF_CLOSED;
	c->error = c->orphan ? 0 : error;
	/* A RST discards what was queued. When we give up, what came before is still the user's,
	 * after the error. */
	c->ended = error != 0 && error != -ETIMEDOUT;
	c->quiet_end |= error == -ETIMEDOUT;
	c->want = REF_WANT_NOTHING;
	c->syn = c->fw2 = c->die = never;
	c->ack_due = REF_NEVER;
	t->live = NULL;
	/* TD-24: a reuse that came to nothing gives the record back, with its old deadline. */
	if (t->tw.on && t->tw.dormant) {
		t->tw.dormant = false;
		if (h->now > t->tw.end.to)
			t->tw.on = false;
		/* Only the RST of TD-24 must; an end by time or by a call may forget it. */
		if ((!h->by_rst || h->now >= t->tw.end.from) &&
		    strcmp(h->ask(h->ask_arg, c->lp, c->rp), ref_state_name[REF_TIME_WAIT]) != 0)
			t->tw.on = false;
	}
	/* A child that its user never saw leaves nothing behind. */
	if (was_syn_rcvd && c->listener >= 0)
		c->used = false;
	ref_free_if_done(c);
}

enum ref_state ref_state_of(const struct ref_host *h, int lp, int rp)
{
	const struct ref_tuple *t = &h->tuple[lp][rp];

	if (t->live)
		return t->live->state;
	return t->tw.on && !t->tw.dormant ? REF_TIME_WAIT : REF_CLOSED;
}

/* --- answers --- */

uint32_t ref_seg_len(const struct ref_seg *s)
{
	return s->len + !!(s->flags & REF_SYN) + !!(s->flags & REF_FIN);
}

void ref_want_rst(struct ref_host *h, int lp, int rp, uint8_t flags, uint32_t seq, uint32_t ack)
{
	if (h->rst_n < REF_RSTS)
		h->rst[h->rst_n++] =
		    (struct ref_rst){.lp = lp, .rp = rp, .flags = flags, .seq = seq, .ack = ack};
}

/* RST-C of section 0, which aborts. */
void ref_rst_c(struct ref_host *h, const struct ref_conn *c)
{
	ref_want_rst(h, c->lp, c->rp, REF_RST | REF_ACK, c->nxt, c->rcv_nxt);
	if (h->rst_n)
		h->rst[h->rst_n - 1].slack = c->probed;
}

/* RFC 9293 3.10.7.1: what a segment draws that belongs to nothing. */
void ref_answer_rst(struct ref_host *h, const struct ref_seg *s)
{
	if (s->flags & REF_RST)
		return;
	if (s->flags & REF_ACK)
		ref_want_rst(h, s->lp, s->rp, REF_RST, s->ack, 0);
	else
		ref_want_rst(h, s->lp, s->rp, REF_RST | REF_ACK, 0, s->seq + ref_seg_len(s));
}

/* RB-08: at most one in challenge_ms. The millisecond at the end of the span may fall on either
 * side. The age may be kept in 16 bits of milliseconds, and "at most" allows a challenge to be left
 * out. */
enum ref_want ref_challenge_want(const struct ref_host *h, uint64_t last)
{
	if (last == REF_NEVER)
		return REF_WANT_CH;
	uint64_t age = h->now - last, limit = h->conf.challenge_ms * REF_MS;

	if (age + REF_MS < limit)
		return REF_WANT_NOTHING;
	if (age < limit + REF_MS ||
	    (age > 60000 * REF_MS && (age + REF_MS) % (65536 * REF_MS) < limit + 3 * REF_MS))
		return REF_MAY_CH;
	return REF_WANT_CH;
}

void ref_challenge(struct ref_host *h, struct ref_conn *c)
{
	if (c->want == REF_WANT_NOTHING)
		c->want = ref_challenge_want(h, c->ch_at);
}

void ref_challenged(struct ref_conn *c, uint64_t now)
{
	c->ch_at = now;
}

void ref_answer_ack(struct ref_conn *c)
{
	c->want = REF_WANT_ACK;
}

uint32_t ref_ts_now(const struct ref_conn *c, uint64_t now)
{
	return c->ts_first + (uint32_t)(now / REF_MS - c->ts_first_at / REF_MS);
}
