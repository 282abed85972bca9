/* SPDX-License-Identifier: BSD-3-Clause */
/* refsync.c: SYN-RECEIVED and the synchronized states, in the order and the words of RFC
 * 9293 3.10.7.4, with the choices of section 9 of the checklist. */
#include "refmodel.h"

#include <errno.h>
#include <string.h>

/* --- synchronized states and SYN-RECEIVED, RFC 9293 3.10.7.4 --- */

static uint32_t window(const struct ref_conn *c)
{
	return c->edge - c->rcv_nxt;
}

static bool in_window(const struct ref_conn *c, uint32_t seq)
{
	return seq - c->rcv_nxt < window(c);
}

/* RFC 9293 table 6. Text and a FIN that meet a closed window are acceptable in all but themselves
 * ("special allowance should be made to accept valid ACKs, URGs, and RSTs"; MUST-66, SE-36). The
 * table looks at the two ends of the segment; one that covers the whole window has neither in it
 * and yet "contains data in the window": it is trimmed at both edges (SE-35, ADV-89). */
static bool acceptable(const struct ref_conn *c, const struct ref_seg *s)
{
	uint32_t n = ref_seg_len(s);

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
	/* SE-20 (M) goes before SE-44 (S): the SYN of a peer that started again may come without
	 * (EST-07). */
	if (!s->has_ts && s->flags & REF_SYN) {
		if (c->state != REF_SYN_RCVD || s->seq != c->irs)
			ref_challenge(h, c);
		return c->state == REF_SYN_RCVD && s->seq == c->irs;
	}
	if (!s->has_ts)
		return false;
	if (ref_diff(s->tsval, c->ts_recent) >= 0 ||
	    h->now - c->ts_recent_at > REF_TS_OLD_MS * REF_MS)
		return true;
	/* RB-11: only what is repeated until it is acknowledged may draw an answer each time; two
	 * ends of which each fails the other's bare ACKs would talk for ever. */
	if (ref_seg_len(s) == 0 || s->flags & REF_SYN)
		ref_challenge(h, c);
	else
		ref_answer_ack(c);
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
	h->by_rst = true;
	if (c->state == REF_SYN_RCVD)
		ref_end(h, c, c->listener >= 0 ? 0 : -ECONNREFUSED);
	else if (c->state == REF_CLOSING || c->state == REF_LAST_ACK) {
		c->quiet_end = true;
		ref_end(h, c, 0);
	} else
		ref_end(h, c, -ECONNRESET);
	h->by_rst = false;
}

static void set_window(struct ref_host *h, struct ref_conn *c, const struct ref_seg *s, bool sure)
{
	uint32_t wnd = s->win << (s->flags & REF_SYN ? 0 : c->snd_shift); /* EST-14 */

	if (c->wnd_sure == 0 && wnd)
		c->maybe_moved_at = h->now;
	if (c->wnd == 0 && wnd && sure)
		c->moved_at = h->now;
	c->wnd_sure = sure || wnd < c->wnd_sure ? wnd : c->wnd_sure;
	c->wnd = sure || wnd > c->wnd ? wnd : c->wnd;
	if (wnd > c->max_wnd)
		c->max_wnd = wnd;
	if (sure && wnd > c->max_sure)
		c->max_sure = wnd;
}

static void take_ack_field(struct ref_host *h, struct ref_conn *c, const struct ref_seg *s,
			   bool sure)
{
	bool moves = ref_diff(s->ack, c->una) > 0;

	if (moves) {
		c->again_at = 0;
		c->una_at = h->now;
		c->una = s->ack;
		c->maybe_moved_at = h->now;
	}
	if (sure && ref_diff(s->ack, c->una_sure) > 0) {
		c->moved_at = c->una_at;
		c->maybe_moved_at = h->now; /* or it was taken only now */
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
		/* Its SEQ is older than WL1, for something above a hole came first, or it begins
		 * with what was had. The RFC says no; some take it when it is new by its ACK, or
		 * after it is trimmed. */
		set_window(h, c, s, false);
}

static bool fin_is_acked(const struct ref_conn *c)
{
	return c->fin_sent && c->una == c->nxt;
}

/* DT-33: two ends with closed windows that probe each other still take the ACK and the window. When
 * a window counts as closed is not said, so either is allowed; where it shows in the state, the lab
 * is asked. */
static void take_probe(struct ref_host *h, struct ref_conn *c, const struct ref_seg *s)
{
	static const enum ref_state next[REF_STATES] = {[REF_FIN_WAIT_1] = REF_FIN_WAIT_2,
							[REF_CLOSING] = REF_TIME_WAIT,
							[REF_LAST_ACK] = REF_CLOSED};
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
	bool usable = s->flags & REF_ACK && ref_diff(s->ack, c->una_sure) >= 0 &&
		      ref_diff(s->ack, ref_top(c)) <= 0;
	bool last_fin =
	    c->state == REF_LAST_ACK && s->flags & REF_FIN && s->seq + ref_seg_len(s) == c->rcv_nxt;

	if (usable && last_fin) { /* SE-40: its ACK; nothing is said of its window */
		uint32_t wnd = c->wnd_sure;

		take_ack_field(h, c, s, true);
		c->wnd_sure = wnd < c->wnd_sure ? wnd : c->wnd_sure;
	} else if (usable && c->state != REF_SYN_RCVD && s->seq == c->rcv_nxt - 1 &&
		   ref_seg_len(s) <= 1)
		take_probe(h, c, s);
	if (c->state == REF_CLOSING && fin_is_acked(c)) {
		ref_challenge(h, c);
		c->want = c->want == REF_WANT_CH ? REF_MAY_CH : c->want;
		ref_enter(h, c, REF_TIME_WAIT);
		return;
	}
	if (c->state == REF_LAST_ACK &&
	    fin_is_acked(c)) { /* the peer still has its ACK, then nothing is left */
		ref_want_rst(h, s->lp, s->rp, REF_ACK, c->nxt, c->rcv_nxt);
		h->rst[h->rst_n - 1].may_miss = !last_fin;
		ref_end(h, c, 0);
		return;
	}
	if (ref_seg_len(s) == 0 || c->state == REF_SYN_RCVD)
		ref_challenge(h, c); /* SE-26; SE-14, SE-19 */
	else
		ref_answer_ack(c); /* SE-27, SE-40: never limited (RB-10) */
}

static void open_child(struct ref_host *h, struct ref_conn *c)
{
	struct ref_listener *l = c->listener >= 0 ? &h->listener[c->listener] : NULL;

	if (l && l->n < REF_QUEUE)
		l->queue[l->n++] = c;
	ref_tuple_of(h, c)->tw.on = false; /* TD-24 */
}

/* Step 5 in SYN-RECEIVED. false: the segment ends here. */
static bool check_ack_syn_rcvd(struct ref_host *h, struct ref_conn *c, const struct ref_seg *s)
{
	if (ref_diff(s->ack, c->una) <= 0 || ref_diff(s->ack, c->nxt) > 0) {
		ref_answer_rst(h, s);
		return false;
	}
	/* EST-34: an echo of what we did not send since the first SYN-ACK. A challenge counts: the
	 * peer echoes it, too. */
	if (c->ts_on && s->tsecr &&
	    (ref_diff(s->tsecr, c->ts_first) < 0 || ref_diff(s->tsecr, c->ts_last) > 0)) {
		ref_challenge(h, c);
		return false;
	}
	if (c->listener >= 0 && h->listener[c->listener].n >= h->listener[c->listener].max)
		return false; /* EST-26: accept_overflow */
	set_window(h, c, s, true);
	c->max_sure = s->flags & REF_SYN ? 0 : c->wnd; /* the window of a SYN may count or not */
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
	/* WL1 and WL2 may be forgotten while nothing moves: what repeats old text may then be too
	 * old for a window. */
	take_ack_field(h, c, s, ref_diff(s->seq, c->rcv_nxt) >= 0);
	if (ref_diff(s->ack, c->una_sure) > 0) {
		c->una_sure = s->ack;
		c->moved_at = c->una_at;
		c->maybe_moved_at = h->now; /* or it was taken only now */
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

/* SE-39: a FIN above a hole has its place in the sequence. Peers of one mind never differ on it;
 * for those that do: a FIN in order counts at once, else what came first stays, be it a FIN or text
 * where the FIN would be or beyond it. */
static void note_fin(struct ref_conn *c, uint32_t at)
{
	if (at != c->rcv_nxt && (ref_diff(at, c->rcv_nxt) < 0 || c->has_fin_at ||
				 ref_diff(at, c->edge) >= 0 || has_text_from(c, at)))
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
		ref_answer_ack(c); /* SE-36 */
		return;
	}
	for (uint32_t i = 0; i < s->len; i++)
		if (in_window(c, s->seq + i) &&
		    !(c->has_fin_at && ref_diff(s->seq + i, c->fin_at) >= 0))
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
		ref_answer_ack(c); /* DT-11 */
	else if (c->ack_due == REF_NEVER)
		c->ack_due = h->now + h->conf.delayed_ack_ms * REF_MS;
	if (c->fin_taken)
		take_fin(h, c);
}

/* At rest little more is kept than the numbers themselves: WL1, WL2 and MAX.SND.WND may be
 * forgotten. */
static void note_rest(struct ref_conn *c)
{
	bool rests =
	    c->una == c->nxt && c->snd_end == c->nxt && !c->held && c->last_ack == c->rcv_nxt;

	if (rests && c->state != REF_SYN_RCVD && c->max_sure > c->wnd_sure)
		c->max_sure = c->wnd_sure;
}

void ref_arrives_sync(struct ref_host *h, struct ref_conn *c, const struct ref_seg *s)
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
			enum ref_want may = ref_challenge_want(h, c->ch_at);
			c->want = may == REF_WANT_CH ? REF_WANT_SYNACK : may;
			return;
		}
		if (c->listener < 0 && ref_diff(s->ack, c->una) > 0 &&
		    ref_diff(s->ack, c->nxt) <= 0) {
			struct ref_seg bare = *s; /* SE-05: the SYN has been had */
			bare.seq++;
			bool opens = check_ack(h, c, &bare);

			if (opens)
				take_text(h, c, &bare); /* SE-16: a FIN in it counts */
			if (opens && c->state != REF_CLOSED && c->state != REF_TIME_WAIT)
				ref_answer_ack(c);
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
	else if (c->state == REF_TIME_WAIT && ref_seg_len(s)) /* SE-33: as of TIME-WAIT */
		ref_tuple_of(h, c)->tw.want = ref_challenge_want(h, c->ch_at);
}

bool ref_may_judge(struct ref_host *h, const struct ref_seg *s)
{
	struct ref_conn *c = h->tuple[s->lp][s->rp].live;

	if (!c || !(s->flags & REF_ACK))
		return true;
	/* EST-19 by the very millisecond. */
	if (c->state == REF_SYN_SENT && s->has_ts && s->tsecr - ref_ts_now(c, h->now) == 1)
		return false;
	if (c->state < REF_ESTAB)
		return true;
	note_rest(c);
	/* Closed in SYN-RECEIVED, and the SYN is not acknowledged: an ACK of nothing is old, or it
	 * is unacceptable. */
	if (c->una_sure == c->iss && ref_diff(s->ack, c->iss) <= 0)
		return false;
	/* RB-06 by a MAX.SND.WND that depends on a window which may not have been taken. */
	return ref_diff(s->ack, c->una - c->max_sure) >= 0 ||
	       ref_diff(s->ack, c->una_sure - c->max_wnd) < 0;
}
