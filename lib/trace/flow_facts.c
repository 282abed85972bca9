/* SPDX-License-Identifier: BSD-3-Clause */
/* flow_facts.c: what is counted of each packet, for the sentence. */
#include "flow_int.h"

enum { DUPACKS = 3, TS_OPTIONS_MASK = 0x3f, SACK_BITS = 0x30 };

static tg_seq end_of(const struct tg_seg *seg)
{
	return tg_seq_add(seg->seq, tg_seg_len(seg));
}

/* New text of seg, given the highest number that was sent before. */
static uint32_t new_text(const struct tg_end *e, const struct tg_seg *seg)
{
	tg_seq end = tg_seq_add(seg->seq, seg->len);

	if (!e->nxt_known || tg_seq_ge(seg->seq, e->nxt))
		return seg->len;
	return tg_seq_gt(end, e->nxt) ? (uint32_t)tg_seq_diff(end, e->nxt) : 0;
}

static bool fills_hole(struct tg_flow *flow, uint32_t side, const struct tg_seg *seg)
{
	tg_seq l = flow->hole_l[side], r = flow->hole_r[side];

	if (tg_seq_eq(l, r) || seg->len == 0 || tg_seq_lt(seg->seq, l) ||
	    tg_seq_gt(tg_seq_add(seg->seq, seg->len), r))
		return false;
	if (tg_seq_eq(seg->seq, l))
		flow->hole_l[side] = tg_seq_add(seg->seq, seg->len);
	return true;
}

static void note_hole(struct tg_flow *flow, uint32_t side, const struct tg_seg *seg)
{
	const struct tg_end *e = &flow->end[side];

	if (tg_seq_eq(flow->hole_l[side], flow->hole_r[side]))
		flow->hole_l[side] = e->nxt;
	flow->hole_r[side] = seg->seq;
}

static bool window_is_closed(const struct tg_flow *flow, uint32_t side)
{
	return flow->wnd_known[side] && flow->last_wnd[side] == 0;
}

/* What a segment without SYN and RST, with numbers or just left of them, is. */
static uint32_t facts_text(struct tg_flow *flow, uint32_t side, const struct tg_seg *seg)
{
	const struct tg_end *e = &flow->end[side];
	struct facts *f = &flow->facts;

	if (!e->nxt_known)
		return 0;
	if (seg->len <= 1 && !(seg->ctl & TG_TCP_FIN) && (seg->ctl & TG_TCP_ACK) &&
	    tg_seq_eq(seg->seq, tg_seq_sub(e->nxt, 1)) && !e->fin_sent &&
	    e->phase == TG_END_BLOCK && e->tcb.state >= TG_ESTABLISHED &&
	    tg_seq_ge(e->una, e->nxt)) {
		f->keepalives[side]++;
		return NOTE_KEEPALIVE;
	}
	if (seg->len == 1 && window_is_closed(flow, !side)) {
		f->probes[side]++;
		return NOTE_PROBE;
	}
	if (tg_seg_len(seg) == 0)
		return 0;
	if (fills_hole(flow, side, seg)) {
		f->late++;
		return NOTE_LATE;
	}
	if (tg_seq_le(end_of(seg), e->nxt)) {
		f->again[side]++;
		f->again_bytes[side] += seg->len;
		return NOTE_AGAIN;
	}
	if (tg_seq_gt(seg->seq, e->nxt)) {
		note_hole(flow, side, seg);
		return NOTE_HOLE;
	}
	return 0;
}

/* A SYN cookie remembers little: of a SYN with window scale and SACK, but without timestamps, only
 * the MSS; with them, some hide the options in the low bits of TSval. */
static void facts_cookie(struct tg_flow *flow, uint32_t side, const struct tg_seg *seg)
{
	const struct tg_end *o = &flow->end[!side];
	struct facts *f = &flow->facts;
	uint32_t scale = o->scale;

	if (!f->syn[!side])
		return;
	if (f->syn_ack_n[side] > 1 && flow->end[side].has_syn &&
	    !tg_seq_eq(flow->end[side].iss, seg->seq))
		f->cookie_isn = true;
	if (o->syn_has_wscale && o->syn_has_sack && seg->opts.has_mss && !seg->opts.has_wscale &&
	    !seg->opts.has_sack_perm && !seg->opts.has_ts)
		f->cookie_plain = true;
	if (seg->opts.has_ts && o->syn_has_wscale && seg->opts.has_wscale &&
	    (seg->opts.tsval & 0xf) == scale && (seg->opts.tsval & SACK_BITS) != 0)
		f->ts_match++;
	f->cookie_ts = f->ts_match >= 2 && f->ts_match == f->syn_ack_n[side];
}

static void facts_syn(struct tg_flow *flow, uint32_t side, uint64_t time_ns,
		      const struct tg_seg *seg)
{
	struct facts *f = &flow->facts;

	if (seg->ctl & TG_TCP_ACK) {
		f->syn_ack[side] = true;
		if (f->syn_ack_n[side]++ == 0)
			f->syn_ack_ns[side] = time_ns;
		facts_cookie(flow, side, seg);
		return;
	}
	if (flow->end[side].phase == TG_END_BLOCK && flow->end[side].tcb.state >= TG_ESTABLISHED)
		f->syn_n[side] = f->syn_ack_n[!side] = 0; /* another open */
	f->syn[side] = true;
	f->syn_last_ns[side] = time_ns;
	if (f->syn_n[side]++ == 0)
		f->syn_ns[side] = time_ns;
}

static uint32_t facts_window(struct tg_flow *flow, uint32_t side, const struct tg_seg *seg)
{
	bool was_closed = window_is_closed(flow, side);

	if ((seg->ctl & (TG_TCP_SYN | TG_TCP_RST)) || !(seg->ctl & TG_TCP_ACK) ||
	    flow->end[side].phase != TG_END_BLOCK)
		return 0;
	if ((seg->ctl & TG_TCP_FIN) || flow->end[side].tcb.fin_rcvd)
		return 0;
	flow->last_wnd[side] = seg->wnd;
	flow->wnd_known[side] = true;
	if (seg->wnd == 0 && !was_closed) {
		flow->facts.zero_windows[side]++;
		return NOTE_ZERO_WINDOW;
	}
	return seg->wnd && was_closed ? NOTE_OPENS : 0;
}

static uint32_t facts_dupack(struct tg_flow *flow, uint32_t side, const struct tg_seg *seg)
{
	bool same = flow->acked_known[side] && tg_seq_eq(seg->ack, flow->acked[side]) &&
		    (seg->ctl & TG_TCP_ACK) &&
		    !(seg->ctl & (TG_TCP_SYN | TG_TCP_FIN | TG_TCP_RST)) && seg->len == 0 &&
		    seg->wnd > 0 && flow->end[!side].nxt_known &&
		    tg_seq_lt(seg->ack, flow->end[!side].nxt);

	flow->same_ack[side] = same ? flow->same_ack[side] + 1 : 0;
	if (flow->same_ack[side] != DUPACKS)
		return 0;
	flow->facts.dupacks[side]++;
	return NOTE_DUPACK;
}

/* Text sent when the other way was closed, and that was known: the half-close at work. */
static uint32_t facts_half(struct tg_flow *flow, uint32_t side, uint32_t fresh)
{
	const struct tg_end *e = &flow->end[side];

	if (fresh == 0 || e->phase != TG_END_BLOCK || e->tcb.state != TG_CLOSE_WAIT)
		return 0;
	flow->facts.half_bytes[side] += fresh;
	return NOTE_HALF;
}

static void facts_rst(struct tg_flow *flow, uint32_t side, uint64_t time_ns,
		      const struct tg_seg *seg)
{
	struct facts *f = &flow->facts;

	if (f->rst[side])
		return;
	f->rst[side] = true;
	f->rst_ctl[side] = seg->ctl;
	f->rst_from[side] = (uint8_t)flow_state(flow, side);
	f->rst_at[side] = (uint8_t)flow_state(flow, !side);
	if (f->first_rst < 0) {
		f->first_rst = (int8_t)side;
		f->rst_ns = time_ns;
	}
}

uint32_t facts_sent(struct tg_flow *flow, uint32_t side, uint64_t time_ns,
		    const struct tg_dissected *d)
{
	const struct tg_seg *seg = &d->seg;
	const struct tg_end *e = &flow->end[side];
	struct facts *f = &flow->facts;
	uint32_t notes = 0, fresh;

	f->packets[side]++;
	if (d->text_cut && seg->len) {
		f->cut++;
		notes |= NOTE_CUT;
	}
	if (seg->ctl & TG_TCP_RST) {
		facts_rst(flow, side, time_ns, seg);
		return notes;
	}
	notes |= facts_window(flow, side, seg) | facts_dupack(flow, side, seg);
	if (seg->ctl & TG_TCP_SYN) {
		bool again = e->has_syn && tg_seq_eq(e->iss, seg->seq) &&
			     (seg->ctl & TG_TCP_ACK ? f->syn_ack_n[side] : f->syn_n[side]) > 0;

		facts_syn(flow, side, time_ns, seg);
		if (f->reused && f->packets[0] + f->packets[1] == 1)
			notes |= NOTE_REUSE;
		f->bytes[side] += again ? 0 : seg->len;
		return notes | (again ? NOTE_AGAIN : 0);
	}
	fresh = new_text(e, seg);
	notes |= facts_text(flow, side, seg);
	if (!(notes & (NOTE_KEEPALIVE | NOTE_PROBE | NOTE_AGAIN))) {
		if (notes & NOTE_LATE)
			fresh = seg->len;
		f->bytes[side] += fresh;
		notes |= facts_half(flow, side, fresh);
	} else if (notes & NOTE_PROBE) {
		f->bytes[side] += fresh;
	}
	if ((seg->ctl & TG_TCP_FIN) && f->fin_n[side]++ == 0) {
		f->fin[side] = true;
		f->fin_ns[side] = time_ns;
		if (f->first_fin < 0)
			f->first_fin = (int8_t)side;
	}
	return notes;
}

static void note_odd(struct facts *f, uint32_t side, enum tg_end_odd odd)
{
	if (odd == TG_ODD_TIME_WAIT_RST) {
		f->tw_cut = true;
		return;
	}
	if (odd == TG_ODD_SYN_OVER_OLD) {
		f->half_open = true;
		return;
	}
	if (odd == TG_ODD_SYN_ACK_OTHER || odd == TG_ODD_ACK_UNSENT || odd == TG_ODD_RST_FORGED)
		return; /* told apart already */
	if (f->odd_n++ > 0)
		return;
	f->odd = (uint8_t)odd;
	f->odd_side = side;
}

void facts_after(struct tg_flow *flow, uint32_t side, enum tg_tcp_state before, enum tg_end_odd odd,
		 const struct tg_seg *seg, uint64_t time_ns)
{
	struct facts *f = &flow->facts;
	const struct tg_end *o = &flow->end[!side];
	enum tg_tcp_state now = flow_state(flow, side);

	(void)time_ns;
	if (odd == TG_ODD_ACK_UNSENT) {
		f->missing += (uint32_t)tg_seq_diff(seg->ack, o->nxt);
		f->missing_n++;
	} else if (odd == TG_ODD_ACK_REFUSED &&
		   !tg_seq_eq(flow->hole_l[!side], flow->hole_r[!side])) {
		/* It took what the capture jumped over. */
		f->missing += (uint32_t)tg_seq_diff(flow->hole_r[!side], flow->hole_l[!side]);
		f->missing_n++;
		flow->hole_l[!side] = flow->hole_r[!side];
		odd = TG_ODD_NONE;
	}
	if (odd && !f->middle)
		note_odd(f, side, odd);
	if (before == TG_CLOSE_WAIT && now == TG_LAST_ACK && f->rst[!side])
		f->closed_by_rst[side] = false;
	if (now == TG_ESTABLISHED)
		f->established[side] = true;
}

void facts_arrived(struct tg_flow *flow, uint32_t x, enum tg_tcp_state before,
		   const struct pending *p)
{
	struct facts *f = &flow->facts;
	const struct tg_end *e = &flow->end[x];
	enum tg_tcp_state now = flow_state(flow, x);

	if (now == TG_ESTABLISHED || now == TG_CLOSE_WAIT)
		f->established[x] = true;
	if (now == TG_SYN_RECEIVED && e->phase == TG_END_BLOCK && e->tcb.active)
		f->sim_open = true;
	if (now == TG_CLOSING)
		f->sim_close = true;
	if (now == TG_TIME_WAIT)
		f->tw[x] = true;
	if (!(p->seg.ctl & TG_TCP_RST))
		return;
	if (before != TG_CLOSED && before != TG_LISTEN && before != 0 && now == before)
		f->rst_refused[!x] = true;
	else if (before != now)
		f->closed_by_rst[x] = true;
	if (before == TG_TIME_WAIT && now == TG_TIME_WAIT)
		f->rst_refused[!x] = true;
}
