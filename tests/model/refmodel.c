/* SPDX-License-Identifier: BSD-3-Clause */
/* refmodel.c: SEGMENT ARRIVES and the timers, in the order and the words of RFC 9293 3.10.7 and 3.10.8, with the
 * choices of section 9 of the checklist. */
#include "refmodel.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *const ref_state_name[REF_STATES] = {
    [REF_CLOSED] = "CLOSED",
    [REF_LISTEN] = "LISTEN",
    [REF_SYN_SENT] = "SYN-SENT",
    [REF_SYN_RCVD] = "SYN-RECEIVED",
    [REF_ESTAB] = "ESTABLISHED",
    [REF_FIN_WAIT_1] = "FIN-WAIT-1",
    [REF_FIN_WAIT_2] = "FIN-WAIT-2",
    [REF_CLOSE_WAIT] = "CLOSE-WAIT",
    [REF_CLOSING] = "CLOSING",
    [REF_LAST_ACK] = "LAST-ACK",
    [REF_TIME_WAIT] = "TIME-WAIT",
};

#define WAIVE1 1
#define WAIVE2 1
enum {
	LATE_MS = 1, /* a timer acts at its time rounded up to the tick */
	TS_OLD_MS = 24 * 24 * 3600 * 1000u,
};

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

static struct ref_tuple *tuple_of(struct ref_host *h, const struct ref_conn *c)
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
		c->heard_at = c->active_at = c->moved_at = h->now;
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
	struct ref_tuple *t = tuple_of(h, c);

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
	struct ref_tuple *t = tuple_of(h, c);
	bool was_syn_rcvd = c->state == REF_SYN_RCVD;

	c->state = REF_CLOSED;
	c->error = c->orphan ? 0 : error;
	/* A RST discards what was queued. When we give up, what came before is still the user's, after the error. */
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

static uint32_t seg_len(const struct ref_seg *s)
{
	return s->len + !!(s->flags & REF_SYN) + !!(s->flags & REF_FIN);
}

void ref_want_rst(struct ref_host *h, int lp, int rp, uint8_t flags, uint32_t seq, uint32_t ack)
{
	if (h->rst_n < REF_RSTS)
		h->rst[h->rst_n++] = (struct ref_rst){.lp = lp, .rp = rp, .flags = flags, .seq = seq, .ack = ack};
}

/* RST-C of section 0, which aborts. */
void ref_rst_c(struct ref_host *h, const struct ref_conn *c)
{
	ref_want_rst(h, c->lp, c->rp, REF_RST | REF_ACK, c->nxt, c->rcv_nxt);
	if (h->rst_n)
		h->rst[h->rst_n - 1].slack = c->probed;
}

/* RFC 9293 3.10.7.1: what a segment draws that belongs to nothing. */
static void answer_rst(struct ref_host *h, const struct ref_seg *s)
{
	if (s->flags & REF_RST)
		return;
	if (s->flags & REF_ACK)
		ref_want_rst(h, s->lp, s->rp, REF_RST, s->ack, 0);
	else
		ref_want_rst(h, s->lp, s->rp, REF_RST | REF_ACK, 0, s->seq + seg_len(s));
}

/* RB-08: at most one in challenge_ms. The millisecond at the end of the span may fall on either side. The age may be kept in
 * 16 bits of milliseconds, and "at most" allows a challenge to be left out. */
static enum ref_want challenge_want(const struct ref_host *h, uint64_t last)
{
	if (last == REF_NEVER)
		return REF_WANT_CH;
	uint64_t age = h->now - last, limit = h->conf.challenge_ms * REF_MS;

	if (WAIVE2 && ((h->now + REF_MS - 1) / REF_MS % 65536 == 0 || (last + REF_MS - 1) / REF_MS % 65536 == 0))
		return REF_MAY_CH;
	if (age + REF_MS < limit)
		return REF_WANT_NOTHING;
	if (age < limit + REF_MS || (age > 60000 * REF_MS && age % (65536 * REF_MS) < limit + 2 * REF_MS))
		return REF_MAY_CH;
	return REF_WANT_CH;
}

void ref_challenge(struct ref_host *h, struct ref_conn *c)
{
	if (c->want == REF_WANT_NOTHING)
		c->want = challenge_want(h, c->ch_at);
}

void ref_challenged(struct ref_conn *c, uint64_t now)
{
	c->ch_at = now;
}

static void answer_ack(struct ref_conn *c)
{
	c->want = REF_WANT_ACK;
}

/* --- CLOSED, LISTEN, SYN-SENT --- */

/* RFC 9293 3.10.7.2. `after` is the TIME-WAIT record that the SYN reuses, or NULL. */
static void arrives_listen(struct ref_host *h, const struct ref_seg *s, struct ref_tw *after)
{
	if (s->flags & REF_RST)
		return;
	if (s->flags & REF_ACK) {
		answer_rst(h, s);
		return;
	}
	if (!(s->flags & REF_SYN) || (s->flags & REF_FIN)) /* DIS-10 */
		return;
	if (h->listener[s->lp].n >= h->listener[s->lp].max)
		return; /* EST-26: listen_overflow */
	struct ref_conn *c = ref_conn_new(h, s->lp, s->rp);

	if (!c)
		return;
	if (after)
		after->dormant = true;
	c->listener = s->lp;
	c->irs = s->seq;
	c->rcv_nxt = c->last_ack = c->rd = s->seq + 1;
	c->wnd = c->wnd_sure = c->max_wnd = c->max_sure = s->win;
	c->wl1 = s->seq;
	c->ts_offered = s->has_ts;
	c->sack_offered = s->has_sackok;
	c->ws_offered = s->has_ws;
	c->ts_on = s->has_ts && h->conf.timestamps;
	c->sack_on = s->has_sackok && h->conf.sack;
	c->ws_on = s->has_ws;
	c->snd_shift = (uint8_t)(s->has_ws ? s->ws > 14 ? 14 : s->ws : 0);
	c->ts_recent = s->tsval;
	c->ts_recent_at = h->now;
	if (s->has_mss && s->mss)
		c->snd_mss = s->mss < 216 ? 216 : s->mss;
	c->want = REF_WANT_SYNACK;
	ref_enter(h, c, REF_SYN_RCVD);
}

static void take_syn(struct ref_host *h, struct ref_conn *c, const struct ref_seg *s)
{
	c->irs = s->seq;
	c->rcv_nxt = c->rd = s->seq + 1;
	c->edge = c->rcv_nxt + c->edge; /* the window of our SYN began before its place was known */
	c->last_ack = c->rcv_nxt;
	c->ts_offered = s->has_ts;
	c->sack_offered = s->has_sackok;
	c->ws_offered = s->has_ws;
	c->ts_on = s->has_ts && h->conf.timestamps;
	c->sack_on = s->has_sackok && h->conf.sack;
	c->ws_on = s->has_ws;
	c->snd_shift = (uint8_t)(s->has_ws ? s->ws > 14 ? 14 : s->ws : 0);
	if (!s->has_ws)
		c->rcv_shift = 0;
	c->ts_recent = s->tsval;
	c->ts_recent_at = h->now;
	c->wnd = c->wnd_sure = c->max_wnd = c->max_sure = s->win;
	c->wl1 = s->seq + 1; /* what begins at IRS later is no newer than the SYN */
	c->wl2 = s->ack;
	if (s->has_mss && s->mss)
		c->snd_mss = s->mss < 216 ? 216 : s->mss;
	c->heard_at = c->active_at = h->now;
}

static uint32_t ts_now(const struct ref_conn *c, uint64_t now)
{
	return c->ts_first + (uint32_t)(now / REF_MS - c->ts_first_at / REF_MS);
}

/* RFC 9293 3.10.7.3 */
static void arrives_syn_sent(struct ref_host *h, struct ref_conn *c, const struct ref_seg *s)
{
	bool has_ack = s->flags & REF_ACK;

	if ((s->flags & (REF_SYN | REF_FIN)) == (REF_SYN | REF_FIN) && !(s->flags & REF_RST))
		return; /* SE-17 */
	if (has_ack && (ref_diff(s->ack, c->iss) <= 0 || ref_diff(s->ack, c->nxt) > 0)) {
		answer_rst(h, s);
		return;
	}
	if (s->flags & REF_RST) {
		if (has_ack)
			ref_end(h, c, -ECONNREFUSED);
		return;
	}
	if (!(s->flags & REF_SYN))
		return;
	/* EST-19: an echo of what was never sent. */
	if (has_ack && s->has_ts && h->conf.timestamps &&
	    (ref_diff(s->tsecr, c->ts_first) < 0 || ref_diff(s->tsecr, ts_now(c, h->now)) > 0)) {
		answer_rst(h, s);
		return;
	}
	take_syn(h, c, s);
	if (has_ack) {
		c->una = c->una_sure = s->ack;
		c->moved_at = h->now;
		tuple_of(h, c)->tw.on = false;
		ref_enter(h, c, REF_ESTAB);
		answer_ack(c);
		return;
	}
	c->want = REF_WANT_SYNACK;
	ref_enter(h, c, REF_SYN_RCVD);
}

/* --- synchronized states and SYN-RECEIVED, RFC 9293 3.10.7.4 --- */

static uint32_t window(const struct ref_conn *c)
{
	return c->edge - c->rcv_nxt;
}

static bool in_window(const struct ref_conn *c, uint32_t seq)
{
	return seq - c->rcv_nxt < window(c);
}

/* RFC 9293 table 6. Text and a FIN that meet a closed window are acceptable in all but themselves ("special allowance should be
 * made to accept valid ACKs, URGs, and RSTs"; MUST-66, SE-36). The table looks at the two ends of the segment; one that covers the
 * whole window has neither in it and yet "contains data in the window": it is trimmed at both edges (SE-35, ADV-89). */
static bool acceptable(const struct ref_conn *c, const struct ref_seg *s)
{
	uint32_t n = seg_len(s);

	if (window(c) == 0)
		return s->seq == c->rcv_nxt;
	return in_window(c, s->seq) || (n > 0 && c->rcv_nxt - s->seq < n);
}

static bool peer_has_closed(const struct ref_conn *c)
{
	return c->state == REF_CLOSE_WAIT || c->state == REF_CLOSING || c->state == REF_LAST_ACK;
}

/* Whether timestamps let it pass (RFC 7323 5.3; SE-43, SE-44). */
static bool passes_paws(struct ref_host *h, struct ref_conn *c, const struct ref_seg *s)
{
	if (!c->ts_on || (s->flags & REF_RST))
		return true;
	/* SE-20 (M) goes before SE-44 (S): the SYN of a peer that started again may come without (EST-07). */
	if (!s->has_ts && s->flags & REF_SYN) {
		if (c->state != REF_SYN_RCVD || s->seq != c->irs)
			ref_challenge(h, c);
		return c->state == REF_SYN_RCVD && s->seq == c->irs;
	}
	if (!s->has_ts)
		return false;
	if (ref_diff(s->tsval, c->ts_recent) >= 0 || h->now - c->ts_recent_at > TS_OLD_MS * REF_MS)
		return true;
	/* RB-11: only what is repeated until it is acknowledged may draw an answer each time; two ends of which each fails the
	 * other's bare ACKs would talk for ever. */
	if (seg_len(s) == 0 || s->flags & REF_SYN)
		ref_challenge(h, c);
	else
		answer_ack(c);
	return false;
}

/* RB-01, RB-02, RB-04 */
static void take_rst(struct ref_host *h, struct ref_conn *c, const struct ref_seg *s)
{
	bool exact = s->seq == c->rcv_nxt || (peer_has_closed(c) && s->seq == c->rcv_nxt - 1);

	if (!exact) {
		if (in_window(c, s->seq))
			ref_challenge(h, c);
		return;
	}
	if (c->state == REF_SYN_RCVD)
		ref_end(h, c, c->listener >= 0 ? 0 : -ECONNREFUSED);
	else if (c->state == REF_CLOSING || c->state == REF_LAST_ACK) {
		c->quiet_end = true;
		ref_end(h, c, 0);
	} else
		ref_end(h, c, -ECONNRESET);
}

static void set_window(struct ref_host *h, struct ref_conn *c, const struct ref_seg *s, bool sure)
{
	uint32_t wnd = s->win << (s->flags & REF_SYN ? 0 : c->snd_shift); /* EST-14 */

	if (c->wnd == 0 && wnd) {
		c->maybe_moved_at = h->now;
		c->moved_at = sure ? h->now : c->moved_at;
	}
	c->wnd_sure = sure || wnd < c->wnd_sure ? wnd : c->wnd_sure;
	c->wnd = sure || wnd > c->wnd ? wnd : c->wnd;
	if (wnd > c->max_wnd)
		c->max_wnd = wnd;
	if (sure && wnd > c->max_sure)
		c->max_sure = wnd;
}

static void take_ack_field(struct ref_host *h, struct ref_conn *c, const struct ref_seg *s, bool sure)
{
	bool moves = ref_diff(s->ack, c->una) > 0;

	if (moves) {
		c->una = s->ack;
		c->maybe_moved_at = h->now;
	}
	if (sure && ref_diff(s->ack, c->una_sure) > 0) {
		c->moved_at = h->now;
		c->una_sure = s->ack;
	}
	if (ref_diff(c->una, c->nxt) > 0) {
		c->nxt = c->una;
		c->probed = false;
	}
	if (ref_diff(s->ack, c->una_sure) < 0)
		return;
	sure = sure && ref_diff(s->ack, c->una) >= 0;
	if (ref_diff(c->wl1, s->seq) < 0 || (c->wl1 == s->seq && ref_diff(c->wl2, s->ack) <= 0)) {
		set_window(h, c, s, sure);
		if (sure) {
			c->wl1 = s->seq;
			c->wl2 = s->ack;
		}
	} else
		/* Its SEQ is older than WL1, for something above a hole came first, or it begins with what was had. The RFC says
		 * no; some take it when it is new by its ACK, or after it is trimmed. */
		set_window(h, c, s, false);
}

static bool fin_is_acked(const struct ref_conn *c)
{
	return c->fin_sent && c->una == c->nxt;
}

/* DT-33: two ends with closed windows that probe each other still take the ACK and the window. When a window counts as closed is
 * not said, so either is allowed; where it shows in the state, the lab is asked. */
static void take_probe(struct ref_host *h, struct ref_conn *c, const struct ref_seg *s)
{
	static const enum ref_state next[REF_STATES] = {
	    [REF_FIN_WAIT_1] = REF_FIN_WAIT_2, [REF_CLOSING] = REF_TIME_WAIT, [REF_LAST_ACK] = REF_CLOSED};
	uint32_t una = c->una;

	take_ack_field(h, c, s, false);
	set_window(h, c, s, false);
	if (c->una == una || !fin_is_acked(c))
		return;
	if (strcmp(h->ask(h->ask_arg, c->lp, c->rp), ref_state_name[next[c->state]]) != 0) {
		c->una = una;
		return;
	}
	c->una_sure = c->una;
	if (c->state == REF_FIN_WAIT_1)
		ref_enter(h, c, REF_FIN_WAIT_2);
}

static void not_acceptable(struct ref_host *h, struct ref_conn *c, const struct ref_seg *s)
{
	bool usable = s->flags & REF_ACK && ref_diff(s->ack, c->una_sure) >= 0 && ref_diff(s->ack, ref_top(c)) <= 0;
	bool last_fin = c->state == REF_LAST_ACK && s->flags & REF_FIN && s->seq + seg_len(s) == c->rcv_nxt;

	if (usable && last_fin) { /* SE-40: its ACK; nothing is said of its window */
		uint32_t wnd = c->wnd_sure;

		take_ack_field(h, c, s, true);
		c->wnd_sure = wnd < c->wnd_sure ? wnd : c->wnd_sure;
	} else if (usable && c->state != REF_SYN_RCVD && s->seq == c->rcv_nxt - 1 && seg_len(s) <= 1)
		take_probe(h, c, s);
	if (c->state == REF_CLOSING && fin_is_acked(c)) {
		ref_challenge(h, c);
		ref_enter(h, c, REF_TIME_WAIT);
		return;
	}
	if (c->state == REF_LAST_ACK && fin_is_acked(c)) { /* the peer still has its ACK, then nothing is left */
		ref_want_rst(h, s->lp, s->rp, REF_ACK, c->nxt, c->rcv_nxt);
		h->rst[h->rst_n - 1].may_miss = seg_len(s) == 0; /* a challenge */
		ref_end(h, c, 0);
		return;
	}
	if (seg_len(s) == 0 || c->state == REF_SYN_RCVD)
		ref_challenge(h, c); /* SE-26; SE-14, SE-19 */
	else
		answer_ack(c); /* SE-27, SE-40: never limited (RB-10) */
}

static void open_child(struct ref_host *h, struct ref_conn *c)
{
	struct ref_listener *l = c->listener >= 0 ? &h->listener[c->listener] : NULL;

	if (l && l->n < REF_QUEUE)
		l->queue[l->n++] = c;
	tuple_of(h, c)->tw.on = false; /* TD-24 */
}

/* Step 5 in SYN-RECEIVED. false: the segment ends here. */
static bool check_ack_syn_rcvd(struct ref_host *h, struct ref_conn *c, const struct ref_seg *s)
{
	if (ref_diff(s->ack, c->una) <= 0 || ref_diff(s->ack, c->nxt) > 0) {
		answer_rst(h, s);
		return false;
	}
	/* EST-34: an echo that none of our SYN-ACKs carried. */
	if (c->ts_on && s->tsecr &&
	    (ref_diff(s->tsecr, c->ts_first) < 0 || ref_diff(s->tsecr, c->synack_ts_last) > 0)) {
		ref_challenge(h, c);
		return false;
	}
	if (c->listener >= 0 && h->listener[c->listener].n >= h->listener[c->listener].max)
		return false; /* EST-26: accept_overflow */
	set_window(h, c, s, true);
	c->wl1 = s->seq;
	c->wl2 = s->ack;
	c->moved_at = h->now;
	open_child(h, c);
	ref_enter(h, c, REF_ESTAB);
	if (c->fin_wanted) /* UC-05: queued until now */
		ref_enter(h, c, REF_FIN_WAIT_1);
	return true;
}

/* Step 5. false: the segment ends here, or the connection did. */
static bool check_ack(struct ref_host *h, struct ref_conn *c, const struct ref_seg *s)
{
	if (!(s->flags & REF_ACK))
		return false;
	if (c->state == REF_SYN_RCVD && !check_ack_syn_rcvd(h, c, s))
		return false;
	/* RB-06 */
	if (ref_diff(s->ack, c->una - c->max_wnd) < 0 || ref_diff(s->ack, ref_top(c)) > 0) {
		ref_challenge(h, c);
		return false;
	}
	if (c->ts_on && ref_diff(s->tsval, c->ts_recent) >= 0 &&
	    ref_diff(s->seq, c->last_ack) <= 0) { /* RFC 7323 4.3, RB-16 */
		c->ts_recent = s->tsval;
		c->ts_recent_at = h->now;
	}
	if (ref_diff(s->ack, c->una) >= 0)
		c->heard_at = h->now;
	c->active_at = h->now;
	/* WL1 and WL2 may be forgotten while nothing moves: what repeats old text may then be too old for a window. */
	take_ack_field(h, c, s, ref_diff(s->seq, c->rcv_nxt) >= 0);
	if (ref_diff(s->ack, c->una_sure) > 0) {
		c->una_sure = s->ack;
		c->moved_at = h->now;
	}
	if (!fin_is_acked(c))
		return true;
	if (c->state == REF_FIN_WAIT_1)
		ref_enter(h, c, REF_FIN_WAIT_2);
	else if (c->state == REF_CLOSING)
		ref_enter(h, c, REF_TIME_WAIT);
	else if (c->state == REF_LAST_ACK)
		ref_end(h, c, 0);
	return c->state == REF_ESTAB || c->state == REF_FIN_WAIT_2 || c->state == REF_CLOSE_WAIT;
}

static void hold(struct ref_conn *c, uint32_t seq, uint8_t byte)
{
	uint32_t at = seq % REF_RING;

	if (c->have[at])
		return; /* ADV-44: the first that came stays */
	c->have[at] = 1;
	c->ring[at] = byte;
	c->held++;
}

/* Moves RCV.NXT over the text that is there, up to the place of a FIN. */
static void advance(struct ref_conn *c)
{
	while (c->held && c->have[c->rcv_nxt % REF_RING] &&
	       !(c->has_fin_at && c->fin_at == c->rcv_nxt)) {
		c->have[c->rcv_nxt % REF_RING] = 0;
		c->rcv_nxt++;
		c->held--;
	}
}

static bool has_text_from(const struct ref_conn *c, uint32_t seq)
{
	uint32_t left = c->held;

	for (uint32_t n = c->rcv_nxt; left && n != c->edge; n++)
		if (c->have[n % REF_RING]) {
			if (ref_diff(n, seq) >= 0)
				return true;
			left--;
		}
	return false;
}

/* SE-39: a FIN above a hole has its place in the sequence. Peers of one mind never differ on it; for those that do: a FIN in order
 * counts at once, else what came first stays, be it a FIN or text where the FIN would be or beyond it. */
static void note_fin(struct ref_conn *c, uint32_t at)
{
	if (at != c->rcv_nxt && (ref_diff(at, c->rcv_nxt) < 0 || c->has_fin_at || ref_diff(at, c->edge) >= 0 ||
				 has_text_from(c, at)))
		return;
	c->has_fin_at = true;
	c->fin_at = at;
}

static void pass_fin(struct ref_conn *c)
{
	if (!c->has_fin_at || c->fin_at != c->rcv_nxt)
		return;
	c->rcv_nxt++;
	c->fin_taken = true;
	memset(c->have, 0, sizeof(c->have));
	c->held = 0;
}

static void take_fin(struct ref_host *h, struct ref_conn *c)
{
	if (c->state == REF_ESTAB)
		ref_enter(h, c, REF_CLOSE_WAIT);
	else if (c->state == REF_FIN_WAIT_1)
		ref_enter(h, c, REF_CLOSING);
	else
		ref_enter(h, c, REF_TIME_WAIT);
}

/* Steps 7 and 8. */
static void take_text(struct ref_host *h, struct ref_conn *c, const struct ref_seg *s)
{
	bool fin = s->flags & REF_FIN;
	uint32_t end = s->seq + s->len;
	uint32_t old_nxt = c->rcv_nxt, old_held = c->held;

	if (s->len == 0 && !fin)
		return;
	if (c->state == REF_CLOSE_WAIT || c->state == REF_CLOSING || c->state == REF_LAST_ACK) {
		ref_challenge(h, c); /* DIS-20 */
		return;
	}
	if (window(c) == 0) {
		answer_ack(c); /* SE-36 */
		return;
	}
	for (uint32_t i = 0; i < s->len; i++)
		if (in_window(c, s->seq + i) && !(c->has_fin_at && ref_diff(s->seq + i, c->fin_at) >= 0))
			hold(c, s->seq + i, s->text[i]);
	advance(c);
	if (fin && ref_diff(end, c->edge) < 0)
		note_fin(c, end);
	pass_fin(c);
	/* TD-12: text that nobody will read. */
	if (c->orphan && c->rcv_nxt - c->fin_taken != old_nxt) {
		ref_want_rst(h, s->lp, s->rp, REF_RST, s->ack, 0);
		ref_end(h, c, 0);
		return;
	}
	bool in_order = ref_diff(s->seq, old_nxt) <= 0 && c->rcv_nxt != old_nxt;

	if (!in_order || old_held || c->fin_taken)
		answer_ack(c); /* DT-11 */
	else if (c->ack_due == REF_NEVER)
		c->ack_due = h->now + h->conf.delayed_ack_ms * REF_MS;
	if (c->fin_taken)
		take_fin(h, c);
}

/* At rest little more is kept than the numbers themselves: WL1, WL2 and MAX.SND.WND may be forgotten. */
static void note_rest(struct ref_conn *c)
{
	bool rests = c->una == c->nxt && c->snd_end == c->nxt && !c->held && c->last_ack == c->rcv_nxt;

	if (rests && c->state != REF_SYN_RCVD && c->max_sure > c->wnd_sure)
		c->max_sure = c->wnd_sure;
}

static void arrives_sync(struct ref_host *h, struct ref_conn *c, const struct ref_seg *s)
{
	c->met_at = h->now;
	c->rexmit_at = REF_NEVER;
	c->rexmit_gap = 0;
	c->rexmit_n = 0;
	if (!passes_paws(h, c, s))
		return;
	if (s->flags & REF_RST) { /* judged by SEQ alone */
		take_rst(h, c, s);
		return;
	}
	if (c->state == REF_SYN_RCVD && (s->flags & REF_SYN) && s->seq == c->irs) {
		if (!(s->flags & REF_ACK)) { /* SE-02, DIS-18 */
			enum ref_want may = challenge_want(h, c->ch_at);
			c->want = may == REF_WANT_CH ? REF_WANT_SYNACK : may;
			return;
		}
		if (c->listener < 0 && ref_diff(s->ack, c->una) > 0 && ref_diff(s->ack, c->nxt) <= 0) {
			struct ref_seg bare = *s; /* SE-05: the SYN has been had */
			bare.seq++;
			if (WAIVE1) bare.tsval = c->ts_recent;
			if (check_ack(h, c, &bare))
				answer_ack(c);
			return;
		}
	}
	if (s->flags & REF_SYN) { /* RB-05: whatever its SEQ */
		ref_challenge(h, c);
		return;
	}
	if (!acceptable(c, s)) {
		not_acceptable(h, c, s);
		return;
	}
	bool goes_on = check_ack(h, c, s);

	if (goes_on)
		take_text(h, c, s);
	else if (c->state == REF_TIME_WAIT && seg_len(s)) /* SE-33: as of TIME-WAIT */
		tuple_of(h, c)->tw.want = challenge_want(h, c->ch_at);
}

/* --- TIME-WAIT --- */

static bool tw_may_reuse(const struct ref_tw *t, const struct ref_seg *s)
{
	bool newer = ref_diff(s->seq, t->rcv_nxt) > 0;

	if (t->ts_on && s->has_ts) /* TD-22 */
		return ref_diff(s->tsval, t->ts_recent) > 0 || (s->tsval == t->ts_recent && newer);
	return s->has_ts || newer;
}

static void arrives_time_wait(struct ref_host *h, struct ref_tw *t, const struct ref_seg *s)
{
	uint32_t n = seg_len(s);
	enum ref_want ch = challenge_want(h, t->ch_at);

	if (s->flags & REF_RST)
		return; /* TD-18 */
	if ((s->flags & (REF_SYN | REF_ACK)) == REF_SYN && tw_may_reuse(t, s)) {
		if (h->listener[s->lp].sock >= 0)
			arrives_listen(h, s, t);
		else
			answer_rst(h, s); /* TD-23 */
		return;
	}
	if (t->ts_on && !s->has_ts && !(s->flags & REF_SYN))
		return; /* SE-44 */
	t->want = ch;
	if (s->flags & REF_SYN)
		return;
	if (t->ts_on && ref_diff(s->tsval, t->ts_recent) < 0 &&
	    h->now - t->ts_recent_at <= TS_OLD_MS * REF_MS)
		return; /* SE-43 */
	/* TD-16: a FIN repeated by the peer carries an ACK of what was sent; one that does not is junk (RB-16). */
	if ((s->flags & (REF_FIN | REF_ACK)) == (REF_FIN | REF_ACK) && s->seq + n == t->rcv_nxt &&
	    ref_diff(s->ack, t->snd_nxt) <= 0) {
		t->want = REF_WANT_ACK;
		t->end = ref_after(h->now, 2 * (uint64_t)h->conf.msl_ms);
		return;
	}
	uint32_t wnd = t->edge - t->rcv_nxt;
	bool fits = s->seq - t->rcv_nxt < wnd || (n == 0 && s->seq == t->rcv_nxt) ||
		    (n > 0 && s->seq + n - 1 - t->rcv_nxt < wnd);

	if (!fits)
		return; /* SE-26, SE-27 */
	if (!(s->flags & REF_ACK)) {
		t->want = REF_WANT_NOTHING;
		return;
	}
	if (ref_diff(s->ack, t->snd_nxt) > 0)
		return; /* SE-32 */
	/* SE-31 asks for MAX.SND.WND, which the record of TD-15 does not hold: old is old enough, or it is not. */
	if (ref_diff(s->ack, t->snd_nxt - t->max_wnd) < 0) {
		t->want = t->want == REF_WANT_CH ? REF_MAY_CH : t->want;
		return;
	}
	if (n == 0)
		t->want = REF_WANT_NOTHING;
}

bool ref_may_judge(struct ref_host *h, const struct ref_seg *s)
{
	struct ref_conn *c = h->tuple[s->lp][s->rp].live;

	if (!c || !(s->flags & REF_ACK))
		return true;
	/* EST-19 by the very millisecond. */
	if (c->state == REF_SYN_SENT && s->has_ts && s->tsecr - ts_now(c, h->now) == 1)
		return false;
	if (c->state < REF_ESTAB)
		return true;
	note_rest(c);
	/* Closed in SYN-RECEIVED, and the SYN is not acknowledged: an ACK of nothing is old, or it is unacceptable. */
	if (c->una == c->iss && ref_diff(s->ack, c->iss) <= 0)
		return false;
	/* RB-06 by a MAX.SND.WND that depends on a window which may not have been taken. */
	return ref_diff(s->ack, c->una - c->max_sure) >= 0 || ref_diff(s->ack, c->una_sure - c->max_wnd) < 0;
}

void ref_arrives(struct ref_host *h, const struct ref_seg *s)
{
	struct ref_tuple *t = &h->tuple[s->lp][s->rp];

	h->seen[ref_state_of(h, s->lp, s->rp)][s->flags & 7]++;
	if (t->live && t->live->state == REF_SYN_SENT)
		arrives_syn_sent(h, t->live, s);
	else if (t->live)
		arrives_sync(h, t->live, s);
	else if (t->tw.on)
		arrives_time_wait(h, &t->tw, s);
	else if (h->listener[s->lp].sock >= 0)
		arrives_listen(h, s, NULL);
	else
		answer_rst(h, s);
}
