/* SPDX-License-Identifier: BSD-3-Clause */
/* refjudge.c: each segment that the lab sends is either allowed, and then something is learnt from
 * it, or a difference. */
#include "refmodel.h"

#include <errno.h>

enum {
	SYN_MS = 1000, /* TO-01, TO-02 */
	SYN_GAP_MAX_MS = 60000,
	SYN_R2_MS = 180000, /* MUST-23 */
	SYNACK_MAX = 6,     /* the first and five more */
	ISS_STEP = 65537,   /* EST-02 */
	PROBE_MAX = 1,      /* bytes beyond the window */
};

static void learn_mismatch(struct ref_host *h, const struct ref_seg *s, const char *what,
			   uint32_t want)
{
	ref_fail(h, "sent SEQ %u ACK %u flags %#x len %u: %s, expected %u", s->seq, s->ack,
		 s->flags, s->len, what, want);
}

/* --- RST --- */

static void judge_rst(struct ref_host *h, struct ref_conn *c, const struct ref_seg *s)
{
	for (int i = 0; i < h->rst_n; i++) {
		const struct ref_rst *r = &h->rst[i];
		if (r->lp != s->lp || r->rp != s->rp)
			continue;
		if (s->seq - r->seq > r->slack || r->flags != s->flags || r->ack != s->ack ||
		    s->win || s->len)
			ref_fail(h,
				 "RST SEQ %u ACK %u flags %#x win %u len %u, expected SEQ %u ACK "
				 "%u flags %#x",
				 s->seq, s->ack, s->flags, s->win, s->len, r->seq, r->ack,
				 r->flags);
		h->rst[i] = h->rst[--h->rst_n];
		return;
	}
	/* R2 and the user timeout may tell the peer (TO-08). */
	if (c && h->cause == REF_TIMER && h->now >= ref_die(h, c).from &&
	    (s->seq == c->nxt || s->seq == ref_top(c)) && !s->win && !s->len) {
		ref_end(h, c, -ETIMEDOUT);
		return;
	}
	ref_fail(h, "TD-06: a RST that nothing asked for: SEQ %u ACK %u flags %#x", s->seq, s->ack,
		 s->flags);
}

/* --- options --- */

static void judge_ts(struct ref_host *h, struct ref_conn *c, const struct ref_seg *s, uint32_t echo)
{
	if (!s->has_ts)
		return;
	uint32_t want = c->ts_first + (uint32_t)(h->now / REF_MS - c->ts_first_at / REF_MS);

	if (s->tsecr != echo)
		ref_fail(h, "DT-09: TSecr %u, expected %u (SEQ %u)", s->tsecr, echo, s->seq);
	if (ref_diff(s->tsval, want) > 1 || ref_diff(s->tsval, want) < -1)
		ref_fail(h, "EST-18: TSval %u, expected %u", s->tsval, want);
	if (ref_diff(s->tsval, c->ts_last) < 0)
		ref_fail(h, "EST-18: TSval %u after %u", s->tsval, c->ts_last);
	c->ts_last = s->tsval;
}

static void judge_sack(struct ref_host *h, const struct ref_conn *c, const struct ref_seg *s)
{
	if (s->sack_n && !c->sack_on)
		ref_fail(h, "EST-20: SACK was not negotiated");
	for (uint32_t i = 0; i < s->sack_n; i++) {
		uint32_t left = s->sack[i][0], right = s->sack[i][1];
		if (ref_diff(left, right) >= 0) {
			ref_fail(h, "DT-14: SACK block %u-%u", left, right);
			return;
		}
		if (i == 0 && ref_diff(right, c->rcv_nxt) <= 0)
			continue; /* D-SACK (RFC 2883) */
		for (uint32_t n = left; n != right; n++) {
			if (ref_diff(n, c->rcv_nxt) > 0 && c->have[n % REF_RING])
				continue;
			if (c->has_fin_at && n == c->fin_at)
				continue;
			ref_fail(h, "DT-14: SACK block %u-%u, but %u is not held (RCV.NXT %u)",
				 left, right, n, c->rcv_nxt);
			return;
		}
	}
}

static void judge_syn_options(struct ref_host *h, const struct ref_conn *c, const struct ref_seg *s)
{
	uint32_t mss = h->conf.mtu - (h->conf.v6 ? 60 : 40);
	bool answer = c->state != REF_SYN_SENT;

	if (h->conf.mss_max && h->conf.mss_max < mss)
		mss = h->conf.mss_max;
	if (!s->has_mss || s->mss != mss)
		learn_mismatch(h, s, "EST-09: MSS", mss);
	if (s->has_ts != (h->conf.timestamps && (!answer || c->ts_offered)))
		learn_mismatch(h, s, "EST-17: TSopt", !s->has_ts);
	if (s->has_sackok != (h->conf.sack && (!answer || c->sack_offered)))
		learn_mismatch(h, s, "EST-20: SACK-permitted", !s->has_sackok);
	if (answer && s->has_ws && !c->ws_offered)
		learn_mismatch(h, s, "EST-13: WS", 0);
}

/* --- SYN --- */

static void first_syn(struct ref_host *h, struct ref_conn *c, const struct ref_seg *s)
{
	const struct ref_tw *old = &h->tuple[c->lp][c->rp].tw;

	if (old->on && ref_diff(s->seq, old->snd_nxt) < ISS_STEP)
		learn_mismatch(h, s, "EST-02: ISS too low after", old->snd_nxt);
	c->has_iss = true;
	c->iss = c->una = c->una_sure = s->seq;
	c->nxt = c->snd_end = s->seq + 1;
	c->wl2 = c->una;
	c->salt = s->seq * 31 + (uint32_t)h->now;
	c->rcv_shift = (uint8_t)(s->has_ws ? s->ws : 0);
	c->edge = c->rcv_nxt + s->win;
	c->ts_first = c->ts_last = s->tsval;
	c->ts_first_at = h->now;
	c->moved_at = c->maybe_moved_at = h->now;
}

/* The timers of TO-01 and TO-02, as at the n-th SYN or SYN-ACK that time sends. */
static void arm_syn(struct ref_host *h, struct ref_conn *c)
{
	c->syn_sent_n++;
	c->syn_gap = c->syn_sent_n == 1 ? SYN_MS : c->syn_gap * 2;
	if (c->syn_gap > SYN_GAP_MAX_MS)
		c->syn_gap = SYN_GAP_MAX_MS;
	c->syn = ref_after(h->now, c->syn_gap);
	if (c->syn_sent_n == 1)
		c->die = (struct ref_span){REF_NEVER, REF_NEVER};
	if (c->listener < 0 && h->conf.user_timeout_ms) { /* TO-08: of the open */
		c->die = ref_after(c->born_at, h->conf.user_timeout_ms);
		/* or of the handshake that crossed it */
		if (c->state == REF_SYN_RCVD)
			c->die.to = ref_after(c->synack_at, h->conf.user_timeout_ms).to;
		return;
	}
	if (c->state == REF_SYN_RCVD && c->syn_sent_n == SYNACK_MAX) {
		c->die = c->syn;
		c->syn.from = c->syn.to = REF_NEVER;
	}
	if (c->state == REF_SYN_SENT && h->now - c->moved_at >= SYN_R2_MS * REF_MS) {
		c->die.from = h->now;
		c->die.to = c->syn.to;
		c->syn.from = c->syn.to = REF_NEVER;
	}
}

static void judge_syn(struct ref_host *h, struct ref_conn *c, const struct ref_seg *s)
{
	bool first = !c->has_iss, answers = c->want == REF_WANT_SYNACK || c->want == REF_MAY_CH;
	bool simultaneous = !first && c->state == REF_SYN_RCVD && !c->synack_sent;

	/* Closed in SYN-RECEIVED (UC-05): the SYN is still what is outstanding first. */
	if ((c->state == REF_FIN_WAIT_1 || c->state == REF_CLOSING) && c->una_sure == c->iss &&
	    h->cause == REF_TIMER && s->seq == c->iss && s->ack == c->rcv_nxt &&
	    s->flags == (REF_SYN | REF_ACK)) {
		judge_ts(h, c, s, c->ts_recent);
		c->active_at = h->now;
		return;
	}
	if (c->state != REF_SYN_SENT && c->state != REF_SYN_RCVD) {
		ref_fail(h, "a SYN in %s", ref_state_name[c->state]);
		return;
	}
	if (first)
		first_syn(h, c, s);
	if (s->seq != c->iss)
		learn_mismatch(h, s, "MUST-10: SYN with another ISS", c->iss);
	if (s->flags != (c->state == REF_SYN_SENT ? REF_SYN : REF_SYN | REF_ACK) || s->len)
		learn_mismatch(h, s, "flags of the SYN", REF_SYN);
	if (s->flags & REF_ACK && s->ack != c->rcv_nxt)
		learn_mismatch(h, s, "ACK of the SYN", c->rcv_nxt);
	judge_syn_options(h, c, s);
	judge_ts(h, c, s, s->flags & REF_ACK ? c->ts_recent : 0);
	if (s->flags & REF_ACK && ref_diff(s->ack + s->win, c->edge) > 0)
		c->edge = s->ack + s->win;
	c->active_at = h->now;
	if (!c->synack_sent)
		c->synack_at = h->now;
	c->synack_sent |= c->state == REF_SYN_RCVD;
	if (simultaneous) { /* the SYN-ACK has a timer of its own */
		c->syn_sent_n = 0;
		c->want = REF_WANT_NOTHING;
		arm_syn(h, c);
	} else if (first) {
		c->want = REF_WANT_NOTHING;
		arm_syn(h, c);
	} else if (h->cause == REF_INPUT && answers) { /* SE-02 */
		ref_challenged(c, h->now);
		c->want = REF_WANT_NOTHING;
	} else if (h->cause == REF_TIMER && h->now >= c->syn.from && h->now <= c->syn.to)
		arm_syn(h, c);
	else
		ref_fail(h, "a SYN at the wrong time: due %llu to %llu",
			 (unsigned long long)c->syn.from, (unsigned long long)c->syn.to);
}

/* --- text, FIN, ACK --- */

static void judge_window(struct ref_host *h, struct ref_conn *c, const struct ref_seg *s)
{
	uint32_t edge = s->ack + (s->win << c->rcv_shift);

	if (ref_diff(edge, c->edge) < 0)
		ref_fail(h, "DT-01: the right edge moves left from %u to %u", c->edge, edge);
	if (edge - c->rd > REF_RING)
		ref_fail(h, "DT-01: a window of %u over a buffer of %u", edge - c->rd,
			 h->conf.rcvbuf);
	c->edge = edge;
}

static bool may_send_text(const struct ref_conn *c)
{
	return c->state == REF_ESTAB || c->state == REF_CLOSE_WAIT || c->state == REF_FIN_WAIT_1 ||
	       c->state == REF_CLOSING || c->state == REF_LAST_ACK;
}

static void judge_bytes(struct ref_host *h, const struct ref_conn *c, const struct ref_seg *s)
{
	for (uint32_t i = 0; i < s->len; i++)
		if (s->text[i] != ref_byte(c, s->seq + i)) {
			ref_fail(h, "the byte at %u is %#x, written was %#x", s->seq + i,
				 s->text[i], ref_byte(c, s->seq + i));
			return;
		}
}

/* RFC 6298 5.5: in silence each gap is twice the one before, up to the cap. The first may be a
 * probe of another timer. */
static void judge_backoff(struct ref_host *h, struct ref_conn *c)
{
	enum { RTO_MAX_MS = 60000, SLACK_MS = 2 };
	uint64_t gap = h->now - c->rexmit_at, slack = SLACK_MS * REF_MS;

	if (c->rexmit_at != REF_NEVER && c->rexmit_n >= 3 && c->wnd_sure > 0) {
		uint64_t want = 2 * c->rexmit_gap;
		if (want > RTO_MAX_MS * REF_MS)
			want = RTO_MAX_MS * REF_MS;
		if (gap + 2 * slack < want || gap > want + slack * 2)
			ref_fail(h, "DT-05: sent again after %llu us, the gap before was %llu us",
				 (unsigned long long)gap / 1000,
				 (unsigned long long)c->rexmit_gap / 1000);
	}
	c->rexmit_gap = c->rexmit_at == REF_NEVER ? 0 : gap;
	c->rexmit_at = h->now;
	c->rexmit_n++;
}

static void judge_new(struct ref_host *h, struct ref_conn *c, const struct ref_seg *s)
{
	bool fin = s->flags & REF_FIN;
	uint32_t end = s->seq + s->len, edge = c->una + c->wnd;

	if (ref_diff(s->seq, c->nxt) > 0)
		learn_mismatch(h, s, "a hole in what is sent", c->nxt);
	if (ref_diff(end, c->snd_end) > 0)
		learn_mismatch(h, s, "more than was written", c->snd_end);
	if (ref_diff(end, edge) > 0 && ref_diff(end, c->nxt) > 0 &&
	    (h->cause != REF_TIMER || ref_diff(end, edge) > PROBE_MAX))
		learn_mismatch(h, s, "DT-02: beyond the window", edge);
	/* A window probe does not move SND.NXT: the peer would not take an ACK from beyond its
	 * window. */
	if (s->len == 1 && s->seq == edge && ref_diff(end, edge) > 0) {
		c->probed = true;
		return;
	}
	if (fin && (!c->fin_wanted || end != c->snd_end))
		learn_mismatch(h, s, "UC-05: FIN at the wrong place", c->snd_end);
	if (c->una_sure == c->nxt && !c->probed)
		c->moved_at = h->now;
	if (c->una == c->nxt)
		c->maybe_moved_at = h->now;
	if (fin)
		c->fin_sent = true;
	c->nxt = end + fin;
	c->probed = false;
}

static void judge_text(struct ref_host *h, struct ref_conn *c, const struct ref_seg *s)
{
	bool fin = s->flags & REF_FIN;
	uint32_t end = s->seq + s->len + fin;

	if (!may_send_text(c)) {
		ref_fail(h, "UC-03: text or FIN in %s", ref_state_name[c->state]);
		return;
	}
	if (s->len > c->snd_mss)
		learn_mismatch(h, s, "EST-11: longer than the MSS", c->snd_mss);
	if (ref_diff(s->seq, c->una_sure) < 0)
		learn_mismatch(h, s, "sent again although acknowledged", c->una);
	judge_bytes(h, c, s);
	bool again = ref_diff(s->seq, c->nxt) < 0;

	if (again && h->cause == REF_CALL)
		learn_mismatch(h, s, "sent again by a call", c->nxt);
	c->was_again |= again || c->probed;
	if (again && (!c->again_at || h->cause == REF_INPUT))
		c->again_at = h->now;
	if (again && h->cause == REF_TIMER && s->seq == c->una)
		judge_backoff(h, c);
	if (fin && c->fin_sent && end != c->nxt)
		learn_mismatch(h, s, "UC-05: a second FIN number", c->nxt - 1);
	if (ref_diff(end, c->nxt) > 0)
		judge_new(h, c, s);
	c->active_at = h->now;
}

static void judge_bare(struct ref_host *h, struct ref_conn *c, const struct ref_seg *s,
		       uint32_t old_edge)
{
	bool owed = c->last_ack != c->rcv_nxt, grew = c->edge != old_edge;
	bool probe = h->cause == REF_TIMER && s->seq == c->una - 1 && may_send_text(c) &&
		     c->wnd < c->snd_mss && (c->fin_wanted ? !c->fin_sent : c->snd_end != c->nxt);

	if (probe) {
		c->active_at = h->now;
		return;
	}
	/* When the peer took its window back, an ACK with SND.NXT would lie outside of it: the edge
	 * that it left will do. */
	uint32_t edge = c->una + c->wnd_sure;
	bool shrunk = ref_diff(edge, c->nxt) < 0 && s->seq == edge;

	bool unsure = c->una != c->una_sure && (s->seq == c->una_sure || s->seq == c->una_sure + 1);

	if (s->seq != c->nxt && s->seq != ref_top(c) && !shrunk && !unsure)
		learn_mismatch(h, s, "SEQ of an ACK", c->nxt);
	if (c->want == REF_WANT_NOTHING && !owed && !grew)
		ref_fail(h, "RB-11: an ACK that nothing asked for: SEQ %u ACK %u in %s", s->seq,
			 s->ack, ref_state_name[c->state]);
}

static void judge_segment(struct ref_host *h, struct ref_conn *c, const struct ref_seg *s)
{
	uint32_t old_edge = c->edge;

	if ((s->flags & ~(REF_FIN | REF_PSH)) != REF_ACK)
		learn_mismatch(h, s, "flags", REF_ACK);
	if (s->has_mss || s->has_ws || s->has_sackok)
		learn_mismatch(h, s, "MUST-65: an option of SYNs", 0);
	if (s->has_ts != c->ts_on)
		learn_mismatch(h, s, "EST-17: TSopt", c->ts_on);
	if (s->ack != c->rcv_nxt)
		learn_mismatch(h, s, "ACK", c->rcv_nxt);
	judge_ts(h, c, s, c->ts_recent);
	judge_sack(h, c, s);
	judge_window(h, c, s);
	if (s->len || s->flags & REF_FIN)
		judge_text(h, c, s);
	else
		judge_bare(h, c, s, old_edge);
	c->last_ack = s->ack;
	c->ack_due = REF_NEVER;
	if (c->want == REF_WANT_CH || c->want == REF_MAY_CH)
		ref_challenged(c, h->now);
	if (c->want == REF_WANT_SYNACK)
		ref_fail(h, "an ACK where a SYN-ACK was due");
	c->want = REF_WANT_NOTHING;
}

static void judge_time_wait(struct ref_host *h, struct ref_tw *t, const struct ref_seg *s)
{
	if (t->want == REF_WANT_NOTHING) {
		ref_fail(h, "TIME-WAIT speaks unasked: SEQ %u ACK %u flags %#x", s->seq, s->ack,
			 s->flags);
		return;
	}
	if (s->flags != REF_ACK || s->len)
		learn_mismatch(h, s, "TD-19: flags", REF_ACK);
	if (s->seq != t->snd_nxt)
		learn_mismatch(h, s, "TD-19: SEQ", t->snd_nxt);
	if (s->ack != t->rcv_nxt)
		learn_mismatch(h, s, "TD-19: ACK", t->rcv_nxt);
	if (s->has_ts != t->ts_on)
		learn_mismatch(h, s, "TD-19: TSopt", t->ts_on);
	if (s->has_ts && s->tsecr != t->ts_recent)
		learn_mismatch(h, s, "TD-19: TSecr", t->ts_recent);
	if (ref_diff(s->ack + (s->win << t->rcv_shift), t->edge) > 0)
		t->edge = s->ack + (s->win << t->rcv_shift);
	if (t->want != REF_WANT_ACK)
		t->ch_at = h->now;
	t->want = REF_WANT_NOTHING;
}

/* The ACK that a connection sends as it ends. */
static bool judge_last(struct ref_host *h, const struct ref_seg *s)
{
	const struct ref_rst *r = &h->rst[0];

	if (h->rst_n != 1 || r->flags != REF_ACK || r->lp != s->lp || r->rp != s->rp)
		return false;
	if (s->flags != REF_ACK || s->len || s->seq != r->seq || s->ack != r->ack)
		learn_mismatch(h, s, "the last ACK", r->ack);
	h->rst_n = 0;
	return true;
}

void ref_sends(struct ref_host *h, const struct ref_seg *s)
{
	struct ref_tuple *t = &h->tuple[s->lp][s->rp];

	if (s->flags & REF_RST)
		judge_rst(h, t->live, s);
	else if (t->live && s->flags & REF_SYN)
		judge_syn(h, t->live, s);
	else if (t->live && t->live->state != REF_SYN_SENT)
		judge_segment(h, t->live, s);
	else if (judge_last(h, s))
		return;
	else if (t->tw.on && !t->tw.dormant)
		judge_time_wait(h, &t->tw, s);
	else
		ref_fail(h, "sends SEQ %u ACK %u flags %#x in %s", s->seq, s->ack, s->flags,
			 ref_state_name[ref_state_of(h, s->lp, s->rp)]);
}
