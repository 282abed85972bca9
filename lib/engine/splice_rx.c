/* SPDX-License-Identifier: BSD-3-Clause */
/* splice_rx.c: segments of a splice that is open: passed on, and what they say is noted. */
#include "before.h"

enum { PAUSE = 3 }; /* of 256 ms: what comes once a second has always paused */

static enum tg_splice_side other(enum tg_splice_side side)
{
	return side == TG_SPLICE_CLIENT ? TG_SPLICE_BACKEND : TG_SPLICE_CLIENT;
}

static uint8_t fin_of(enum tg_splice_side side)
{
	return side == TG_SPLICE_CLIENT ? TG_SPLICE_FIN_CLIENT : TG_SPLICE_FIN_BACKEND;
}

static bool is_open(const struct tg_splice *s)
{
	return s->state != TG_SPLICE_OPENING;
}

/* The client's number, of a segment of either side. (What the client acknowledges it counts as we
 * do, and what the backend acknowledges is the client's.) */
static tg_seq seq_of(const struct tg_splice *s, enum tg_splice_side from, const struct tg_seg *seg)
{
	return from == TG_SPLICE_CLIENT ? seg->seq : tg_seq_add(seg->seq, s->delta);
}

/* --- segments of our own --- */

static uint16_t window_to(const struct tg_splice *s, enum tg_splice_side to)
{
	const struct tg_splice_end *end = &s->side[other(to)];
	uint32_t units = (uint32_t)tg_seq_diff(end->edge, end->nxt) >>
			 (to == TG_SPLICE_CLIENT ? s->wnd_p : s->wnd_t);

	if (s->state == TG_SPLICE_TIME_WAIT)
		return 0; /* nobody has anything to say */
	return units < UINT16_MAX ? (uint16_t)units : UINT16_MAX;
}

/* What the side `to` has been sent so far, and has sent, as far as the other has it. */
static struct tg_seg reply_to(const struct tg_splice *s, enum tg_splice_side to, uint8_t ctl)
{
	struct tg_seg seg = {
	    .seq = s->side[other(to)].end, .ack = s->side[other(to)].nxt, .ctl = ctl};

	if (to == TG_SPLICE_BACKEND)
		seg.ack = tg_seq_sub(seg.ack, s->delta);
	return seg;
}

/* SP-09: to a client whose backend said nothing yet the numbers are exact. Later it may not have
 * all that was sent; then it answers with a challenge ACK, and meets CLOSED (RFC 5961 3.2). */
void tg_splice_reset(struct tg_engine *e, const struct tg_splice *s, enum tg_splice_side to,
		     struct tg_rx *rx)
{
	struct tg_seg seg = reply_to(s, to, TG_TCP_RST | TG_TCP_ACK);

	if (!is_open(s) && to == TG_SPLICE_BACKEND) { /* it has a SYN of us, if anything */
		seg.seq = s->side[TG_SPLICE_BACKEND].nxt;
		seg.ack = tg_seq_make(0);
		seg.ctl = TG_TCP_RST;
	}
	tg_splice_say(e, s, to, &seg, rx);
}

/* RB-08: at most one in challenge_ms. */
static bool may_challenge(struct tg_engine *e, struct tg_splice *s)
{
	uint8_t now = (uint8_t)(e->env.now_ms >> 6);

	if (s->ch_stamp && (uint32_t)(uint8_t)(now - s->ch_stamp) << 6 < e->conf.challenge_ms) {
		tg_ctr_inc(&e->ctr, TG_CTR_ch_skipped);
		return false;
	}
	s->ch_stamp = now ? now : 1;
	tg_ctr_inc(&e->ctr, TG_CTR_ch_sent);
	return true;
}

/* RB-03, SE-20: one whose connection is gone answers with the RST that is exact. A SYN never goes
 * on to the backend: nobody has proved anything with it (SP-01). */
enum tg_ctr tg_splice_challenge(struct tg_engine *e, struct tg_splice *s, enum tg_splice_side to,
				struct tg_rx *rx)
{
	struct tg_seg seg = reply_to(s, to, TG_TCP_ACK);

	if (tg_out_room(&e->out) == 0)
		return TG_CTR_tx_no_buffer;
	seg.wnd = window_to(s, to);
	if (may_challenge(e, s))
		tg_splice_say(e, s, to, &seg, rx);
	return TG_CTR_syn_in_window;
}

/* --- what a segment tells --- */

void tg_splice_follow(struct tg_engine *e, struct tg_splice *s, enum tg_splice_side from,
		      const struct tg_seg *seg)
{
	struct tg_splice_end *a = &s->side[from], *b = &s->side[other(from)];
	tg_seq seq = seq_of(s, from, seg), ack = seg->ack;
	tg_seq end = tg_seq_add(seq, tg_seg_len(seg));
	uint8_t shift = from == TG_SPLICE_CLIENT ? s->wnd_c : s->wnd_b;

	if (tg_seq_gt(seq, b->edge))
		return; /* nobody could have said that */
	s->seen = tg_splice_seen(e);
	s->quiet = 0;
	a->end = tg_seq_max(a->end, end);
	if ((seg->ctl & TG_TCP_FIN) && tg_seq_eq(a->end, end))
		s->flags |= fin_of(from);
	if (tg_seq_lt(ack, a->nxt) || tg_seq_gt(ack, b->end))
		return;
	a->nxt = ack;
	a->edge = tg_seq_max(a->edge, tg_seq_add(ack, (uint32_t)seg->wnd << shift));
}

/* What TIME-WAIT needs takes the place of the edges. The client's clock is known from what it says
 * or from what the backend echoes. */
static void enter_time_wait(struct tg_engine *e, struct tg_splice *s, enum tg_splice_side from,
			    const struct tg_seg *seg)
{
	tg_splice_enter(e, s, TG_SPLICE_TIME_WAIT);
	s->side[TG_SPLICE_BACKEND].half = TG_NONE;
	s->ts_known = (s->flags & TG_SPLICE_TS) && seg->opts.has_ts;
	s->side[TG_SPLICE_CLIENT].ts_recent =
	    from == TG_SPLICE_CLIENT ? seg->opts.tsval : seg->opts.tsecr;
	tg_splice_arm(e, s, e->env.now_ms + 2ull * e->conf.msl_ms);
	tg_ctr_inc(&e->ctr, TG_CTR_splice_closed);
}

/* SP-11: from the first FIN on it may end; when both are acknowledged the record stays for those
 * that are late. */
static void note_fin(struct tg_engine *e, struct tg_splice *s, enum tg_splice_side from,
		     const struct tg_seg *seg, uint8_t flags_before)
{
	const struct tg_splice_end *c = &s->side[TG_SPLICE_CLIENT],
				   *b = &s->side[TG_SPLICE_BACKEND];
	const uint8_t both = TG_SPLICE_FIN_CLIENT | TG_SPLICE_FIN_BACKEND;
	uint8_t fin = s->flags & both;

	if (fin == 0)
		return;
	if (s->state == TG_SPLICE_SPLICED)
		tg_splice_enter(e, s, TG_SPLICE_CLOSING);
	if (s->flags != flags_before) /* patience is another one now */
		tg_splice_arm(e, s, e->env.now_ms + TG_SPLICE_CLOSE_MS);
	if (fin != both || !tg_seq_ge(b->nxt, c->end) || !tg_seq_ge(c->nxt, b->end))
		return;
	enter_time_wait(e, s, from, seg);
}

/* --- SP-10 --- */

static uint16_t hash_of(const struct tg_seg *seg)
{
	uint64_t h = (((uint64_t)seg->seq.v << 32 | seg->ack.v) ^ (uint64_t)seg->wnd << 13) *
		     0x9e3779b97f4a7c15ull;

	if (seg->opts.sack_n) /* blocks that move are news, as a window is */
		h = (h ^ ((uint64_t)seg->opts.sack[0].left.v << 32 | seg->opts.sack[0].right.v)) *
		    0xd6e8feb86659fd93ull;
	return (uint16_t)(h >> 48);
}

/* Two ends that answer each other's ACKs go on for ever. A row ends with anything new, and with a
 * pause of a second, so that probes of a closed window or of a peer's life (1 s and more) never
 * make one. ACKs that segments of the other side may have drawn do not count as long as not all is
 * acknowledged: a loss draws one for each segment behind it (RFC 5681 3.2). */
static bool is_storm(struct tg_engine *e, struct tg_splice *s, enum tg_splice_side from,
		     const struct tg_seg *seg)
{
	enum tg_splice_side to = other(from);
	uint16_t hash;

	if ((uint16_t)(tg_splice_seen(e) - s->seen) >= PAUSE)
		s->ack_n[0] = s->ack_n[1] = 0;
	if (tg_seg_len(seg)) {
		s->ack_credit[to] += s->ack_credit[to] < UINT8_MAX;
		s->ack_n[from] = 0;
		return false;
	}
	if (tg_seq_ge(seg->ack, s->side[to].end))
		s->ack_credit[from] = 0;
	hash = hash_of(seg);
	if (hash != s->ack_hash[from]) {
		s->ack_hash[from] = hash;
		s->ack_n[from] = 0;
		return false;
	}
	if (s->ack_credit[from]) {
		s->ack_credit[from]--;
		return false;
	}
	if (s->ack_n[from] >= TG_SPLICE_ACK_MAX)
		return true;
	s->ack_n[from]++;
	return false;
}

/* --- segments --- */

static enum tg_ctr pass_on(struct tg_engine *e, struct tg_rx *rx, const struct tg_splice *s,
			   enum tg_splice_side from)
{
	struct tg_splice_pkt p = {.pkt = &rx->pkt,
				  .ip = &rx->ip,
				  .seg = &rx->seg,
				  .l2 = rx->eth.hdr_len,
				  .used = &rx->used};

	return tg_splice_forward(e, s, from, &p);
}

/* Passed on for the end to judge; the record goes only with one that must be right: at what was
 * acknowledged, at what was sent, or at the FIN (RB-02, RB-04). */
static enum tg_ctr rst_arrives(struct tg_engine *e, struct tg_rx *rx, struct tg_splice *s,
			       enum tg_splice_side from)
{
	const struct tg_splice_end *a = &s->side[from], *b = &s->side[other(from)];
	tg_seq seq = seq_of(s, from, &rx->seg);
	bool at_fin = (s->flags & fin_of(from)) && tg_seq_eq(tg_seq_add(seq, 1), a->end);
	bool exact = at_fin || tg_seq_eq(seq, b->nxt) || tg_seq_eq(seq, a->end);
	enum tg_ctr verdict = pass_on(e, rx, s, from);

	if (verdict != TG_CTR_NONE || s->state == TG_SPLICE_TIME_WAIT)
		return verdict;
	if (!exact) {
		tg_ctr_inc(&e->ctr, TG_CTR_splice_rst_judged);
		return TG_CTR_NONE;
	}
	tg_ctr_inc(&e->ctr, TG_CTR_splice_rst);
	tg_splice_free(e, s);
	return TG_CTR_NONE;
}

bool tg_splice_is_older(const struct tg_splice *s, const struct tg_seg *syn)
{
	struct tg_tw old = {.rcv_nxt = s->side[TG_SPLICE_BACKEND].nxt,
			    .ts_recent = s->side[TG_SPLICE_CLIENT].ts_recent,
			    .flags = s->ts_known ? TG_TW_TS : 0};

	if ((s->flags & TG_SPLICE_TS) && !s->ts_known)
		return tg_seq_gt(syn->seq, old.rcv_nxt);
	return tg_tw_is_newer(&old, syn);
}

/* TD-22, TD-23: perhaps the client's next connection from the same port, and perhaps a stranger's
 * SYN: the listener answers as it does any, above the old numbers, and the splice stays until the
 * handshake is done (TD-24). */
static enum tg_ctr reuse(struct tg_engine *e, struct tg_rx *rx, const struct tg_splice *s)
{
	tg_seq floor = s->side[TG_SPLICE_BACKEND].end;
	struct tg_listener *l = tg_listen_find(e, &rx->tuple.laddr, rx->tuple.lport);

	return l ? tg_listen_arrives(e, rx, l, tg_before_of(e, s), &floor) : tg_rx_closed(e, rx);
}

/* The ACK of a cookie that answered such a SYN: above both numbers, of which nothing of the old
 * connection is. */
static bool is_reuse(struct tg_engine *e, struct tg_rx *rx, const struct tg_splice *s,
		     enum tg_ctr *verdict)
{
	const struct tg_seg *seg = &rx->seg;
	struct tg_listener *l;

	if (!tg_seq_gt(seg->seq, s->side[TG_SPLICE_BACKEND].nxt) ||
	    !tg_seq_gt(tg_seq_sub(seg->ack, 1), s->side[TG_SPLICE_BACKEND].end))
		return false;
	l = tg_listen_find(e, &rx->tuple.laddr, rx->tuple.lport);
	return l && tg_out_room(&e->out) &&
	       tg_listen_try_cookie(e, rx, l, tg_before_of(e, s), verdict);
}

/* The backend did not get our ACK of its SYN-ACK. What it echoes is the client's clock then. */
static enum tg_ctr synack_again(struct tg_engine *e, struct tg_rx *rx, struct tg_splice *s)
{
	struct tg_seg seg = reply_to(s, TG_SPLICE_BACKEND, TG_TCP_ACK);

	if (tg_out_room(&e->out) == 0)
		return TG_CTR_tx_no_buffer;
	seg.wnd = window_to(s, TG_SPLICE_BACKEND);
	seg.opts.has_ts = (s->flags & TG_SPLICE_TS) != 0;
	seg.opts.tsval = rx->seg.opts.tsecr;
	seg.opts.tsecr = rx->seg.opts.tsval;
	tg_splice_say(e, s, TG_SPLICE_BACKEND, &seg, rx);
	return TG_CTR_NONE;
}

static enum tg_ctr syn_arrives(struct tg_engine *e, struct tg_rx *rx, struct tg_splice *s,
			       enum tg_splice_side from)
{
	const struct tg_seg *seg = &rx->seg;
	bool ack = (seg->ctl & TG_TCP_ACK) != 0;

	if (seg->ctl & TG_TCP_FIN)
		return TG_CTR_synfin;
	if (from == TG_SPLICE_CLIENT && !ack && s->state == TG_SPLICE_TIME_WAIT &&
	    tg_splice_is_older(s, seg))
		return reuse(e, rx, s);
	if (from == TG_SPLICE_BACKEND && ack)
		return synack_again(e, rx, s);
	return tg_splice_challenge(e, s, from, rx);
}

static enum tg_ctr ack_arrives(struct tg_engine *e, struct tg_rx *rx, struct tg_splice *s,
			       enum tg_splice_side from)
{
	bool waits = s->state == TG_SPLICE_TIME_WAIT;
	uint8_t flags = s->flags;
	enum tg_ctr verdict;

	if (waits && from == TG_SPLICE_CLIENT && is_reuse(e, rx, s, &verdict))
		return verdict;
	if (is_storm(e, s, from, &rx->seg))
		return TG_CTR_splice_ack_storm;
	verdict = pass_on(e, rx, s, from);
	if (verdict != TG_CTR_NONE)
		return verdict;
	if (waits) {
		s->seen = tg_splice_seen(e); /* all else is final */
		return TG_CTR_NONE;
	}
	tg_splice_follow(e, s, from, &rx->seg);
	note_fin(e, s, from, &rx->seg, flags);
	return TG_CTR_NONE;
}

enum tg_ctr tg_splice_arrives(struct tg_engine *e, struct tg_rx *rx, uint32_t slot)
{
	enum tg_splice_side from;
	struct tg_splice *s = tg_splice_of(e, slot, &from);

	if (from == TG_SPLICE_BACKEND)
		tg_pool_heard(e, s->pool, s->backend);

	if (s->state == TG_SPLICE_OPENING)
		return tg_splice_opening(e, rx, s, from);
	if ((rx->seg.ctl & (TG_TCP_SYN | TG_TCP_RST)) == TG_TCP_SYN)
		return syn_arrives(e, rx, s, from);
	if (rx->seg.ctl & TG_TCP_RST)
		return rst_arrives(e, rx, s, from);
	if (!(rx->seg.ctl & TG_TCP_ACK))
		return TG_CTR_no_ack; /* SE-25 */
	return ack_arrives(e, rx, s, from);
}
