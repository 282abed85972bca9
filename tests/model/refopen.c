/* SPDX-License-Identifier: BSD-3-Clause */
/* refopen.c: CLOSED, LISTEN and SYN-SENT (RFC 9293 3.10.7.1 to 3.10.7.3), and TIME-WAIT. */
#include "refmodel.h"

#include <errno.h>

/* --- CLOSED, LISTEN, SYN-SENT --- */

/* RFC 9293 3.10.7.2. `after` is the TIME-WAIT record that the SYN reuses, or NULL. */
static void arrives_listen(struct ref_host *h, const struct ref_seg *s, struct ref_tw *after)
{
	if (s->flags & REF_RST)
		return;
	if (s->flags & REF_ACK) {
		ref_answer_rst(h, s);
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

/* RFC 9293 3.10.7.3 */
static void arrives_syn_sent(struct ref_host *h, struct ref_conn *c, const struct ref_seg *s)
{
	bool has_ack = s->flags & REF_ACK;

	if (has_ack && (ref_diff(s->ack, c->iss) <= 0 || ref_diff(s->ack, c->nxt) > 0)) {
		ref_answer_rst(h, s);
		return;
	}
	if (s->flags & REF_RST) {
		if (has_ack)
			ref_end(h, c, -ECONNREFUSED);
		return;
	}
	if (!(s->flags & REF_SYN) || s->flags & REF_FIN) /* SE-17, DIS-10 */
		return;
	/* EST-19: an echo of what was never sent. */
	if (has_ack && s->has_ts && h->conf.timestamps &&
	    (ref_diff(s->tsecr, c->ts_first) < 0 ||
	     ref_diff(s->tsecr, ref_ts_now(c, h->now)) > 0)) {
		ref_answer_rst(h, s);
		return;
	}
	take_syn(h, c, s);
	if (has_ack) {
		c->una = c->una_sure = s->ack;
		c->moved_at = h->now;
		ref_tuple_of(h, c)->tw.on = false;
		ref_enter(h, c, REF_ESTAB);
		ref_answer_ack(c);
		return;
	}
	c->want = REF_WANT_SYNACK;
	ref_enter(h, c, REF_SYN_RCVD);
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
	uint32_t n = ref_seg_len(s);
	enum ref_want ch = ref_challenge_want(h, t->ch_at);

	if (s->flags & REF_RST)
		return; /* TD-18 */
	if ((s->flags & (REF_SYN | REF_ACK)) == REF_SYN && tw_may_reuse(t, s)) {
		if (h->listener[s->lp].sock >= 0)
			arrives_listen(h, s, t);
		else
			ref_answer_rst(h, s); /* TD-23 */
		return;
	}
	if (t->ts_on && !s->has_ts && !(s->flags & REF_SYN))
		return; /* SE-44 */
	t->want = ch;
	if (s->flags & REF_SYN)
		return;
	if (t->ts_on && ref_diff(s->tsval, t->ts_recent) < 0 &&
	    h->now - t->ts_recent_at <= REF_TS_OLD_MS * REF_MS)
		return; /* SE-43 */
	/* TD-16: a FIN repeated by the peer carries an ACK of what was sent; one that does not is
	 * junk (RB-16). */
	if ((s->flags & (REF_FIN | REF_ACK)) == (REF_FIN | REF_ACK) && s->seq + n == t->rcv_nxt &&
	    ref_diff(s->ack, t->snd_nxt) <= 0) {
		t->want = REF_WANT_ACK;
		t->end = ref_after(h->now, 2 * (uint64_t)h->conf.msl_ms);
		return;
	}
	uint32_t wnd = t->edge - t->rcv_nxt;
	bool fits = s->seq - t->rcv_nxt < wnd || ((n == 0 || wnd == 0) && s->seq == t->rcv_nxt) ||
		    (n > 0 && t->rcv_nxt - s->seq < n);

	if (!fits)
		return; /* SE-26, SE-27 */
	if (!(s->flags & REF_ACK)) {
		t->want = REF_WANT_NOTHING;
		return;
	}
	if (ref_diff(s->ack, t->snd_nxt) > 0)
		return; /* SE-32 */
	/* SE-31 asks for MAX.SND.WND, which the record of TD-15 does not hold: an old ACK is old
	 * enough to be challenged, or it is not. */
	if (s->ack != t->snd_nxt) {
		t->want = t->want == REF_WANT_CH ? REF_MAY_CH : t->want;
		return;
	}
	if (n == 0)
		t->want = REF_WANT_NOTHING;
}
void ref_arrives(struct ref_host *h, const struct ref_seg *s)
{
	struct ref_tuple *t = &h->tuple[s->lp][s->rp];

	h->seen[ref_state_of(h, s->lp, s->rp)][s->flags & 7]++;
	if (t->live && t->live->state == REF_SYN_SENT)
		arrives_syn_sent(h, t->live, s);
	else if (t->live)
		ref_arrives_sync(h, t->live, s);
	else if (t->tw.on)
		arrives_time_wait(h, &t->tw, s);
	else if (h->listener[s->lp].sock >= 0)
		arrives_listen(h, s, NULL);
	else
		ref_answer_rst(h, s);
}
