/* SPDX-License-Identifier: BSD-3-Clause */
/* reftime.c: what time alone does (RFC 9293 3.10.8, checklist 1.4), and the end of a step. */
#include "refmodel.h"

#include <errno.h>
#include <string.h>

enum {
	R2_MS = 100000, /* SHLD-11 */
	RTO_MAX_MS = 60000,
	SYNACK_GIVE_UP_MS = 63000, /* TO-02 */
	LATE_MS = 2,
	RTO_FIRST_MS = 3000, /* RFC 6298 5.7 */
};

static bool may_send_text(const struct ref_conn *c)
{
	return c->state == REF_ESTAB || c->state == REF_CLOSE_WAIT || c->state == REF_FIN_WAIT_1 ||
	       c->state == REF_CLOSING || c->state == REF_LAST_ACK;
}

static uint32_t unsent(const struct ref_conn *c)
{
	return c->fin_sent ? 0 : c->snd_end - c->nxt;
}

/* Something must be sent some day: outstanding, or kept back by the window. */
static bool is_waiting(const struct ref_conn *c, uint32_t una)
{
	return may_send_text(c) && (una != c->nxt || unsent(c) || (c->fin_wanted && !c->fin_sent));
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* R2 (MUST-20, SHLD-11). A window that is closed and probes that are acknowledged keep the
 * connection (MUST-36, MUST-37); then R2 is looked at when a probe is due. */
struct ref_span ref_die(const struct ref_host *h, const struct ref_conn *c)
{
	if (c->state == REF_SYN_SENT || c->state == REF_SYN_RCVD)
		return c->die;
	uint64_t r2 = (h->conf.user_timeout_ms ? h->conf.user_timeout_ms : R2_MS) * REF_MS;
	struct ref_span d = {REF_NEVER, REF_NEVER};

	if (!is_waiting(c, c->una_sure))
		return d;
	d.from = c->moved_at + r2;
	if (c->una_sure == c->iss) {
		/* Closed in SYN-RECEIVED: TO-02 and TO-08 hold for the open. */
		uint64_t open = c->born_at + r2, synack = c->synack_at + SYNACK_GIVE_UP_MS * REF_MS;
		d.from = open < synack ? open : synack;
	} else if (c->una_sure == c->nxt || c->wnd == 0)
		d.from = later(c->heard_at, c->moved_at) + r2;
	if (!is_waiting(c, c->una))
		return d;
	/* R2 is counted from the first sending, whatever was sent again since. */
	d.to = later(c->moved_at, c->maybe_moved_at) + r2 + LATE_MS * REF_MS;
	if (c->una_sure == c->iss)
		d.to = later(d.to, c->synack_at + r2) +
		       RTO_MAX_MS * REF_MS; /* looked at when it is due */
	if (c->una == c->nxt || c->wnd_sure == 0)
		d.to = later(d.to, c->met_at + r2) + 2 * RTO_MAX_MS * REF_MS;
	return d;
}

static bool is_past(uint64_t now, uint64_t due)
{
	return due != REF_NEVER && now > due;
}

/* No RTO is longer: a sample is no longer than the connection is old, SRTT + 4 RTTVAR is at most
 * five times the longest sample, and what was doubled was waited for (RFC 6298 2, 5.5). */
static uint64_t silence_max(const struct ref_conn *c)
{
	uint64_t max = 5 * (c->active_at - c->born_at);

	max = later(max, RTO_FIRST_MS * REF_MS);
	if (c->was_again) /* backoff outlives a sample of what was sent again (DT-05, DT-24) */
		max = RTO_MAX_MS * REF_MS;
	return (max < RTO_MAX_MS * REF_MS ? max : RTO_MAX_MS * REF_MS) + LATE_MS * REF_MS;
}

static bool is_gone(struct ref_host *h, const struct ref_conn *c)
{
	return strcmp(h->ask(h->ask_arg, c->lp, c->rp), ref_state_name[c->state]) != 0;
}

static void time_of_conn(struct ref_host *h, struct ref_conn *c, bool is_end)
{
	struct ref_span die = ref_die(h, c);

	if (is_past(h->now, c->syn.to) && c->syn.to < die.from)
		ref_fail(h, "%s was not sent again in time",
			 c->state == REF_SYN_SENT ? "SYN" : "SYN-ACK");
	if (c->ack_due != REF_NEVER && h->now > c->ack_due + LATE_MS * REF_MS)
		ref_fail(h, "DT-11: the delayed ACK of %u is late", c->rcv_nxt);
	if (is_past(h->now, c->fw2.to)) { /* TO-06: silently */
		ref_end(h, c, 0);
		return;
	}
	if (!is_end)
		return;
	if (is_past(h->now, die.from) && is_gone(h, c))
		ref_end(h, c, c->listener >= 0 && c->state == REF_SYN_RCVD ? 0 : -ETIMEDOUT);
	else if (is_past(h->now, die.to))
		ref_fail(h, "TO-03: %s not given up although past R2", ref_state_name[c->state]);
	else if (is_waiting(c, c->una) && h->now > c->active_at + silence_max(c))
		ref_fail(h, "TO-03, TO-09: nothing sent for longer than any RTO");
}

void ref_time(struct ref_host *h, uint64_t now, bool is_end)
{
	if (now > h->now)
		h->now = now;
	for (int i = 0; i < REF_PORTS; i++)
		for (int k = 0; k < REF_PORTS; k++) {
			struct ref_tuple *t = &h->tuple[i][k];
			if (t->live)
				time_of_conn(h, t->live, is_end);
			if (t->tw.on && !t->tw.dormant && h->now > t->tw.end.to)
				t->tw.on = false;
		}
}

static bool is_within(uint64_t now, struct ref_span s)
{
	return s.from != REF_NEVER && now >= s.from && now <= s.to;
}

void ref_settle(struct ref_host *h, int lp, int rp)
{
	struct ref_tuple *t = &h->tuple[lp][rp];
	struct ref_conn *c = t->live;

	if (t->tw.on && !t->tw.dormant && is_within(h->now, t->tw.end) &&
	    strcmp(h->ask(h->ask_arg, lp, rp), ref_state_name[REF_TIME_WAIT]) != 0)
		t->tw.on = false;
	if (!c)
		return;
	bool fw2 = is_within(h->now, c->fw2), die = is_within(h->now, ref_die(h, c));

	if ((fw2 || die) && strcmp(h->ask(h->ask_arg, lp, rp), ref_state_name[c->state]) != 0)
		ref_end(h, c, fw2 || c->listener >= 0 ? 0 : -ETIMEDOUT);
}

void ref_compare(struct ref_host *h, int lp, int rp)
{
	const char *lab = h->ask(h->ask_arg, lp, rp);
	const char *ours = ref_state_name[ref_state_of(h, lp, rp)];

	if (strcmp(lab, ours) != 0)
		ref_fail(h, "state of %d-%d: the model says %s, the lab %s", lp, rp, ours, lab);
}

/* Nothing is outstanding and what is left may go: all of it fits, or a full segment does (DT-27,
 * DT-28). */
static void check_sent(struct ref_host *h, const struct ref_conn *c)
{
	if (!may_send_text(c) || c->una_sure != c->nxt || c->fin_sent)
		return;
	uint32_t n = unsent(c), mss = c->snd_mss;

	if (n ? c->wnd_sure >= n || c->wnd_sure >= mss : c->fin_wanted && c->wnd_sure > 0)
		ref_fail(h, "%u bytes%s wait for nothing: window %u, all acknowledged", n,
			 c->fin_wanted ? " and FIN" : "", c->wnd);
}

static void step_end_conn(struct ref_host *h, struct ref_conn *c)
{
	static const char *const name[] = {
	    [REF_WANT_ACK] = "ACK", [REF_WANT_CH] = "challenge ACK", [REF_WANT_SYNACK] = "SYN-ACK"};

	if (c->want != REF_WANT_NOTHING && c->want != REF_MAY_CH)
		ref_fail(h, "%d-%d in %s: no %s came", c->lp, c->rp, ref_state_name[c->state],
			 name[c->want]);
	c->want = REF_WANT_NOTHING;
	check_sent(h, c);
}

void ref_step_end(struct ref_host *h)
{
	for (int i = 0; i < REF_PORTS; i++)
		for (int k = 0; k < REF_PORTS; k++) {
			struct ref_tuple *t = &h->tuple[i][k];
			if (t->live)
				step_end_conn(h, t->live);
			if (t->tw.on && (t->tw.want == REF_WANT_ACK || t->tw.want == REF_WANT_CH))
				ref_fail(h, "%d-%d in TIME-WAIT: no %s came", i, k,
					 t->tw.want == REF_WANT_ACK ? "ACK" : "challenge ACK");
			t->tw.want = REF_WANT_NOTHING;
		}
	if (h->rst_n && !h->rst[0].may_miss)
		ref_fail(h, "no RST came for %d-%d: SEQ %u ACK %u", h->rst[0].lp, h->rst[0].rp,
			 h->rst[0].seq, h->rst[0].ack);
	h->rst_n = 0;
}
