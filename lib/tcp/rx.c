/* SPDX-License-Identifier: BSD-3-Clause */
/* rx.c: text from the peer: reassembly, the window that is advertised, the ACK policy, and what
 * the user takes. */
#include "machine.h"

#include <assert.h>

/* The hole blocks: text above RCV.NXT, ordered by sequence number, disjoint and never touching. A
 * stamp says how recently a block grew. They stand in a chunk of the pool, only while there are
 * any. */
struct ooo {
	struct tg_sack_block blk[TG_OOO_MAX];
	uint32_t stamp[TG_OOO_MAX];
	uint32_t clock;
};
_Static_assert(sizeof(struct ooo) <= TG_CHUNK_LEN, "one chunk holds all blocks");

/* Rounding may owe this much before text is refused: a peer of tiny segments on a coarse scale
 * could otherwise push the right edge on for ever (rx_window below). */
enum { SLACK_MAX = 65536 };

enum { FEW = 32 }; /* segments of a receive buffer that is small */

enum { QUICK_SEGMENTS = 32, QUICK_MS = 2000 };

static struct ooo *ooo_at(const struct tg_tcb *tcb, const struct tg_tcp_env *env)
{
	return (struct ooo *)(void *)tg_chunks_at(env->chunks, tcb->ooo);
}

/* --- the window --- */

/* Bytes that the user has not taken; the FIN is none. */
static uint32_t unread(const struct tg_tcb *tcb)
{
	return (uint32_t)tg_seq_diff(tcb->rcv.nxt, tcb->rx_read) - (tcb->fin_rcvd ? 1 : 0);
}

/* The least step by which the right edge moves (DT-26, RFC 9293 3.8.6.2.2). Of a buffer of few
 * segments a whole MSS that is not told is much where loss leaves little of the window: for a while
 * after a hole the segments that the peer really cuts are the measure, unless they are silly. */
static uint32_t edge_step(const struct tg_tcb *tcb)
{
	uint32_t half = tcb->conf->rcvbuf / 2, mss = tcb->snd.mss;

	if (tcb->quick_ms && tcb->conf->rcvbuf <= FEW * mss && tcb->rx_mss >= mss / 2 &&
	    tcb->rx_mss < mss)
		mss = tcb->rx_mss;
	return half < mss ? half : mss;
}

/* Free bytes of the buffer, as far as the field can tell them. */
static uint32_t room(const struct tg_tcb *tcb)
{
	uint32_t used = unread(tcb), size = tcb->conf->rcvbuf;
	uint32_t free_len = used < size ? size - used : 0, most = UINT16_MAX << tcb->rcv_scale;

	return free_len < most ? free_len : most;
}

/* The window to advertise, before the field's rounding: what was promised already, or all that is
 * free when that is a step more. */
static uint32_t next_window(const struct tg_tcb *tcb)
{
	uint32_t have = tg_tcb_rcv_wnd(tcb), free_len = room(tcb);

	if (free_len <= have || free_len - have < edge_step(tcb))
		return have;
	return free_len;
}

/* The field for that window, at our scale. EST-16: the promise is rounded up, so that the edge
 * never moves left; what is free is rounded down. A buffer smaller than the field's unit would
 * never open again by that, so it is rounded up too. */
static uint32_t window_field(const struct tg_tcb *tcb, uint32_t wnd)
{
	uint32_t scale = tcb->rcv_scale, unit = 1u << scale;
	uint32_t have = tg_tcb_rcv_wnd(tcb);
	uint32_t up = (have + unit - 1) >> scale, down = wnd >> scale;

	if (down == 0 && wnd > have && tcb->conf->rcvbuf < unit)
		down = 1;
	if (up > down)
		down = up;
	return down > UINT16_MAX ? UINT16_MAX : down;
}

uint16_t tg_rx_window(struct tg_tcb *tcb, bool syn)
{
	uint32_t have = tg_tcb_rcv_wnd(tcb), wnd = next_window(tcb), told, free_len;
	uint16_t field;

	if (syn) { /* EST-14: not scaled */
		wnd = wnd > UINT16_MAX ? UINT16_MAX : wnd;
		wnd = wnd < have ? have : wnd;
		tcb->rcv.edge = tg_seq_add(tcb->rcv.nxt, wnd);
		return (uint16_t)wnd;
	}
	field = (uint16_t)window_field(tcb, wnd);
	told = (uint32_t)field << tcb->rcv_scale;
	if (told <= have)
		return field;
	free_len = room(tcb);
	if (free_len >= told || unread(tcb) == 0)
		tcb->rx_slack = 0;
	else
		tcb->rx_slack += told - (have > free_len ? have : free_len);
	tcb->rcv.edge = tg_seq_add(tcb->rcv.nxt, told);
	return field;
}

void tg_rx_init(struct tg_tcb *tcb, tg_seq irs)
{
	/* A SYN of ours has told a window already: the SYN-SENT block keeps it as edge - nxt, and
	 * so does one that a cookie opens. */
	uint32_t wnd = tg_tcb_rcv_wnd(tcb), size = tcb->conf->rcvbuf;

	if (wnd == 0)
		wnd = size < UINT16_MAX ? size : UINT16_MAX;
	tcb->rcv.irs = irs;
	tcb->rcv.nxt = tg_seq_add(irs, 1);
	tcb->rcv.edge = tg_seq_add(tcb->rcv.nxt, wnd);
	tcb->rcv.last_ack = tcb->rcv.nxt;
	tcb->rx_read = tcb->rcv.nxt;
}

/* --- hole blocks --- */

/* The first block whose right edge is not left of seq. */
static uint32_t find_block(const struct ooo *o, uint32_t n, tg_seq seq)
{
	uint32_t lo = 0, hi = n;

	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;

		if (tg_seq_lt(o->blk[mid].right, seq))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void remove_blocks(struct tg_tcb *tcb, struct ooo *o, uint32_t i, uint32_t j,
			  const struct tg_tcp_env *env)
{
	uint32_t tail = tcb->ooo_n - j;

	memmove(&o->blk[i], &o->blk[j], tail * sizeof(o->blk[0]));
	memmove(&o->stamp[i], &o->stamp[j], tail * sizeof(o->stamp[0]));
	tcb->ooo_n -= j - i;
	if (tcb->ooo_n == 0) {
		tg_chunks_free(env->chunks, tcb->ooo);
		tcb->ooo = TG_NONE;
	}
}

/* A span keeps the chunk that it is cut within, even if nothing before the cut is unread. */
static void free_if_empty(struct tg_tcb *tcb, const struct tg_tcp_env *env)
{
	if (tcb->ooo_n == 0 && unread(tcb) == 0)
		tg_span_free(&tcb->rx, env->chunks);
}

/* Drops the block that is highest in sequence space, with its chunks (DT-13). */
static void drop_highest(struct tg_tcb *tcb, const struct tg_tcp_env *env)
{
	struct ooo *o = ooo_at(tcb, env);
	uint32_t last = tcb->ooo_n - 1;
	tg_seq top = last > 0 ? o->blk[last - 1].right : tcb->rcv.nxt;

	remove_blocks(tcb, o, last, last + 1, env);
	tg_span_free_from(&tcb->rx, env->chunks, top.v);
	free_if_empty(tcb, env);
	tg_ctr_inc(env->ctr, TG_CTR_ofo_drop);
}

static void drop_blocks(struct tg_tcb *tcb, const struct tg_tcp_env *env)
{
	if (tcb->ooo_n == 0)
		return;
	remove_blocks(tcb, ooo_at(tcb, env), 0, tcb->ooo_n, env);
	tg_span_free_from(&tcb->rx, env->chunks, tcb->rcv.nxt.v);
	free_if_empty(tcb, env);
}

/* Writes the part of text, which stands at l, that lies in [from, to); how far it came. */
static tg_seq write_part(struct tg_tcb *tcb, const struct tg_tcp_env *env, tg_seq l,
			 const uint8_t *text, tg_seq from, tg_seq to)
{
	uint32_t skip = (uint32_t)tg_seq_diff(from, l), len = (uint32_t)tg_seq_diff(to, from);

	return tg_seq_add(from, tg_span_write(&tcb->rx, env->chunks, from.v, text + skip, len));
}

/* Writes text [l, r) where no block of [i, *j) holds bytes already: the first to arrive win
 * (ADV-44). Returns where it ends: left of r when the pool ran empty; *j is then cut to the blocks
 * that it reaches. */
static tg_seq write_gaps(struct tg_tcb *tcb, const struct tg_tcp_env *env, const uint8_t *text,
			 tg_seq l, tg_seq r, uint32_t i, uint32_t *j)
{
	const struct ooo *o = *j > i ? ooo_at(tcb, env) : NULL;
	tg_seq at = l, end;

	for (uint32_t k = i; k < *j && tg_seq_lt(at, r); k++) {
		end = tg_seq_min(o->blk[k].left, r);
		if (tg_seq_lt(at, end)) {
			at = write_part(tcb, env, l, text, at, end);
			if (tg_seq_lt(at, end)) {
				*j = k;
				return at;
			}
		}
		at = tg_seq_max(at, o->blk[k].right);
	}
	if (tg_seq_lt(at, r))
		at = write_part(tcb, env, l, text, at, r);
	return at;
}

/* The blocks that [l, r) overlaps or touches: [i, j). */
static void find_range(const struct tg_tcb *tcb, const struct tg_tcp_env *env, tg_seq l, tg_seq r,
		       uint32_t *i, uint32_t *j)
{
	const struct ooo *o;

	*i = *j = 0;
	if (tcb->ooo_n == 0)
		return;
	o = ooo_at(tcb, env);
	*i = *j = find_block(o, tcb->ooo_n, l);
	while (*j < tcb->ooo_n && tg_seq_le(o->blk[*j].left, r))
		(*j)++;
}

void tg_rx_twice(struct tg_tcb *tcb, tg_seq l, tg_seq r)
{
	if (tg_seq_lt(l, r))
		tcb->dsack = (struct tg_sack_block){.left = l, .right = r};
}

/* RFC 2883 4: of text [l, r) the first part that one of the blocks [i, j) holds already. */
static void note_held(struct tg_tcb *tcb, const struct ooo *o, tg_seq l, tg_seq r, uint32_t i,
		      uint32_t j)
{
	for (uint32_t k = i; k < j; k++) {
		tg_seq from = tg_seq_max(l, o->blk[k].left), to = tg_seq_min(r, o->blk[k].right);

		if (tg_seq_lt(from, to)) { /* others only touch it */
			tg_rx_twice(tcb, from, to);
			return;
		}
	}
}

/* Text at RCV.NXT: written, and RCV.NXT moved over it and over the blocks that it reaches. Under
 * pressure the holes give way, highest first, never this. False when the pool is empty for all
 * that. */
static bool take_in_order(struct tg_tcb *tcb, const struct tg_tcp_env *env, const uint8_t *text,
			  uint32_t len)
{
	tg_seq l = tcb->rcv.nxt, r = tg_seq_add(l, len);

	for (;;) {
		tg_seq from = tcb->rcv.nxt, at;
		uint32_t i, j;

		find_range(tcb, env, from, r, &i, &j);
		if (j > i && tg_seq_eq(tcb->dsack.left, tcb->dsack.right))
			note_held(tcb, ooo_at(tcb, env), from, r, i, j);
		at = write_gaps(tcb, env, text + tg_seq_diff(from, l), from, r, i, &j);
		if (j > i) {
			struct ooo *o = ooo_at(tcb, env);

			at = tg_seq_max(at, o->blk[j - 1].right);
			remove_blocks(tcb, o, i, j, env);
		}
		tcb->rcv.nxt = at;
		if (tg_seq_ge(at, r))
			return true;
		if (tcb->ooo_n == 0)
			return false;
		drop_highest(tcb, env);
	}
}

/* Room for one more block at place i, or false: the highest gives way (DT-13, ADV-43). */
static bool make_room(struct tg_tcb *tcb, const struct tg_tcp_env *env, uint32_t i)
{
	if (tcb->ooo_n == 0) {
		tcb->ooo = tg_chunks_alloc(env->chunks);
		if (tcb->ooo == TG_NONE) {
			tg_ctr_inc(env->ctr, TG_CTR_rx_no_buffer);
			return false;
		}
		ooo_at(tcb, env)->clock = 0;
		return true;
	}
	if (tcb->ooo_n < TG_OOO_MAX)
		return true;
	if (i == TG_OOO_MAX) {
		tg_ctr_inc(env->ctr, TG_CTR_ofo_drop);
		return false;
	}
	drop_highest(tcb, env);
	return true;
}

static void insert_block(struct tg_tcb *tcb, struct ooo *o, uint32_t i, tg_seq l, tg_seq r)
{
	uint32_t tail = tcb->ooo_n - i;

	memmove(&o->blk[i + 1], &o->blk[i], tail * sizeof(o->blk[0]));
	memmove(&o->stamp[i + 1], &o->stamp[i], tail * sizeof(o->stamp[0]));
	o->blk[i] = (struct tg_sack_block){.left = l, .right = r};
	o->stamp[i] = ++o->clock;
	tcb->ooo_n++;
}

/* Text [l, r) above a hole. */
static void take_above(struct tg_tcb *tcb, const struct tg_tcp_env *env, const uint8_t *text,
		       tg_seq l, tg_seq r)
{
	struct ooo *o;
	uint32_t i, j;
	tg_seq at;

	find_range(tcb, env, l, r, &i, &j);
	if (i == j && !make_room(tcb, env, i))
		return;
	o = ooo_at(tcb, env);
	note_held(tcb, o, l, r, i, j);
	at = write_gaps(tcb, env, text, l, r, i, &j);
	if (tg_seq_lt(at, r))
		tg_ctr_inc(env->ctr, TG_CTR_rx_no_buffer);
	if (i < j) {
		o->blk[i].left = tg_seq_min(l, o->blk[i].left);
		o->blk[i].right = tg_seq_max(at, o->blk[j - 1].right);
		o->stamp[i] = ++o->clock;
		remove_blocks(tcb, o, i + 1, j, env);
	} else if (tg_seq_lt(l, at) && tcb->ooo_n < TG_OOO_MAX) {
		insert_block(tcb, o, i, l, at);
	} else if (tcb->ooo_n == 0) {
		tg_chunks_free(env->chunks, tcb->ooo);
		tcb->ooo = TG_NONE;
		return;
	}
	tg_ctr_inc(env->ctr, TG_CTR_ofo_queued);
}

/* The block that holds what came twice follows it: it is the one that was touched last. */
void tg_rx_sack(struct tg_tcb *tcb, struct tg_tcp_opts *opts, const struct tg_tcp_env *env)
{
	uint32_t max = tcb->ts_on ? 3 : 4, below = UINT32_MAX, left = tcb->ooo_n;
	const struct ooo *o;

	opts->sack_n = 0;
	if (tg_seq_lt(tcb->dsack.left, tcb->dsack.right)) { /* DT-15: once */
		opts->sack[opts->sack_n++] = tcb->dsack;
		tcb->dsack.right = tcb->dsack.left;
	}
	if (left == 0)
		return;
	o = ooo_at(tcb, env);
	for (; opts->sack_n < max && left > 0; opts->sack_n++, left--) {
		uint32_t best = TG_NONE;

		for (uint32_t i = 0; i < tcb->ooo_n; i++)
			if (o->stamp[i] < below &&
			    (best == TG_NONE || o->stamp[i] > o->stamp[best]))
				best = i;
		assert(best != TG_NONE);
		below = o->stamp[best];
		opts->sack[opts->sack_n] = o->blk[best];
	}
}

/* --- check 7 --- */

/* On a path that loses, the peer's window is a few segments, and an odd one of them that waits for
 * a second stops it for as long as we wait: with the second hole in QUICK_MS each full segment of
 * the next few is acknowledged (RFC 5681 4.2 allows it). One hole alone may have been a change of
 * order. A peer that sends no more is waited for no longer than QUICK_MS (rest.c). */
static void be_quick(struct tg_tcb *tcb, const struct tg_tcp_env *env)
{
	if (tcb->quick_ms > env->now_ms)
		tcb->quick = QUICK_SEGMENTS;
	tcb->quick_ms = env->now_ms + QUICK_MS;
}

/* How many full segments are acknowledged at once. What is small by choice may wait as ever. */
static uint32_t full_for_ack(struct tg_tcb *tcb, const struct tg_tcp_env *env)
{
	if (tcb->quick && env->now_ms >= tcb->quick_ms) /* or 0 (engine/conn.c) */
		tcb->quick = 0;
	return tcb->quick && tcb->rx_mss >= tcb->snd.mss / 2 ? 1 : 2;
}

/* An ACK is owed: at once for the second full segment, else it may wait (DT-11, TO-10). */
static void owe_ack(struct tg_tcb *tcb, const struct tg_tcp_env *env)
{
	uint32_t unacked = (uint32_t)tg_seq_diff(tcb->rcv.nxt, tcb->rcv.last_ack);
	uint32_t full = full_for_ack(tcb, env);

	if (tcb->full_segs >= full || unacked >= full * tcb->rx_mss ||
	    tcb->conf->delayed_ack_ms == 0) {
		tcb->ack_now = true;
		if (tcb->quick > 0)
			tcb->quick--;
	} else if (!tcb->delack) {
		tcb->delack = true;
		tcb->deadline[TG_T_DELACK] = env->now_ms + tcb->conf->delayed_ack_ms;
	}
}

/* RMSS: the longest text seen, but a frame that the sender's side merged is no measure. */
static void measure(struct tg_tcb *tcb, uint32_t len, const struct tg_tcp_env *env)
{
	uint32_t most = env->mtu - (tcb->v6 ? TG_IP6_LEN : TG_IP4_LEN) - TG_TCP_LEN;

	if (len > tcb->rx_mss)
		tcb->rx_mss = len < most ? len : most;
	if (len >= tcb->rx_mss && tcb->full_segs < UINT8_MAX)
		tcb->full_segs++;
}

static void take_next(struct tg_tcb *tcb, const uint8_t *text, uint32_t len,
		      const struct tg_tcp_env *env, struct tg_act *act)
{
	bool had_holes = tcb->ooo_n > 0;
	tg_seq from = tcb->rcv.nxt;

	measure(tcb, len, env);
	if (!take_in_order(tcb, env, text, len)) {
		tg_ctr_inc(env->ctr, TG_CTR_rx_no_buffer);
		tcb->ack_now = true;
	}
	if (tg_seq_gt(tcb->rcv.nxt, from))
		act->events |= TG_EV_READABLE;
	if (had_holes) { /* RFC 5681 4.2: a hole filled, whole or in part */
		tcb->ack_now = true;
		be_quick(tcb, env);
	} else {
		owe_ack(tcb, env);
	}
}

/* SE-39, ADV-58: the peer's FIN above a hole keeps its place; text past it, or a FIN below text
 * that is held, cannot be. */
static void hold_fin(struct tg_tcb *tcb, const struct tg_tcp_env *env, tg_seq fin)
{
	if (tcb->fin_held || !tg_seq_gt(fin, tcb->rcv.nxt))
		return;
	if (tcb->ooo_n > 0 && tg_seq_lt(fin, ooo_at(tcb, env)->blk[tcb->ooo_n - 1].right))
		return;
	tcb->fin_held = true;
	tcb->rcv_fin = fin;
}

/* The text of seg that is new and inside the window, and whether its FIN still follows it. */
struct part {
	tg_seq l, r;
	const uint8_t *text;
	bool fin;
};

static struct part trim(const struct tg_tcb *tcb, const struct tg_seg *seg)
{
	struct part p = {.l = seg->seq, .text = seg->text, .fin = (seg->ctl & TG_TCP_FIN) != 0};
	tg_seq edge = tcb->rcv.edge;

	p.r = tg_seq_add(p.l, seg->len);
	if (p.fin && tg_seq_ge(p.r, edge)) /* SE-35, ADV-59, ADV-89 */
		p.fin = false;
	if (tcb->fin_held)
		edge = tg_seq_min(edge, tcb->rcv_fin);
	p.r = tg_seq_min(p.r, edge);
	if (tg_seq_lt(p.l, tcb->rcv.nxt)) {
		p.text = p.text ? p.text + tg_seq_diff(tcb->rcv.nxt, p.l) : NULL;
		p.l = tcb->rcv.nxt;
	}
	return p;
}

static void ack_at_once(struct tg_tcb *tcb, const struct tg_tcp_env *env, struct tg_act *act)
{
	if (!act->has_reply)
		tg_reply_ack(tcb, env, act);
}

void tg_rx_text(struct tg_tcb *tcb, const struct tg_seg *seg, const struct tg_tcp_env *env,
		struct tg_act *act)
{
	struct part p;

	if (seg->len == 0 && !(seg->ctl & TG_TCP_FIN))
		return;
	if (tg_seq_eq(tcb->rcv.edge, tcb->rcv.nxt)) { /* SE-36, DT-25: each probe is answered */
		tg_ctr_inc(env->ctr, TG_CTR_zero_window);
		ack_at_once(tcb, env, act);
		return;
	}
	if (seg->len > 0 && tcb->rx_slack > SLACK_MAX) {
		tg_ctr_inc(env->ctr, TG_CTR_rx_no_buffer);
		ack_at_once(tcb, env, act);
		return;
	}
	if (tcb->ecn_on)
		tg_ecn_text_arrives(tcb, seg);
	p = trim(tcb, seg);
	if (tg_seq_lt(seg->seq, p.l) && seg->len > 0) {
		tg_rx_twice(tcb, seg->seq, tg_seq_min(p.l, tg_seq_add(seg->seq, seg->len)));
		tcb->ack_now = true;
	}
	if (tg_seq_gt(p.l, tcb->rcv.nxt)) {
		if (tg_seq_lt(p.l, p.r))
			take_above(tcb, env, p.text, p.l, p.r);
		if (p.fin)
			hold_fin(tcb, env, p.r);
		ack_at_once(tcb, env, act);
		return;
	}
	if (tg_seq_lt(p.l, p.r))
		take_next(tcb, p.text, (uint32_t)tg_seq_diff(p.r, p.l), env, act);
	else if (seg->len > 0)
		tcb->ack_now = true; /* nothing new in it: our ACK was lost */
	if (tg_rx_fin_is_next(tcb, seg))
		drop_blocks(tcb, env); /* text past the FIN can never be read */
}

bool tg_rx_fin_is_next(const struct tg_tcb *tcb, const struct tg_seg *seg)
{
	tg_seq fin = tg_seq_add(seg->seq, seg->len);

	if (tcb->fin_rcvd)
		return false;
	if ((seg->ctl & TG_TCP_FIN) && tg_seq_eq(fin, tcb->rcv.nxt) &&
	    tg_seq_lt(fin, tcb->rcv.edge))
		return true; /* SE-37; one that is held above was not this stream's */
	return tcb->fin_held && tg_seq_eq(tcb->rcv_fin, tcb->rcv.nxt);
}

/* --- what the user takes --- */

/* UC-04: what came before the FIN stays readable after it. */
uint32_t tg_tcp_readable(const struct tg_tcb *tcb)
{
	return unread(tcb);
}

const uint8_t *tg_tcp_peek(const struct tg_tcb *tcb, const struct tg_tcp_env *env, uint32_t offset,
			   uint32_t *run)
{
	uint32_t left = unread(tcb);
	const uint8_t *at;

	*run = 0;
	if (offset >= left)
		return NULL;
	left -= offset;
	at = tg_span_at(&tcb->rx, env->chunks, tcb->rx_read.v + offset, run);
	if (*run > left)
		*run = left;
	return at;
}

/* True when a window update is due: the edge can move by a step (DT-26), and the peer is about to
 * run out of window, or can never have much of it. Before that, its own segments fetch the news. */
static bool is_update_due(const struct tg_tcb *tcb)
{
	uint32_t have = tg_tcb_rcv_wnd(tcb), wnd = next_window(tcb);

	if (wnd == have || (have >= 2u * tcb->snd.mss && tcb->conf->rcvbuf > FEW * tcb->snd.mss))
		return false;
	return window_field(tcb, wnd) << tcb->rcv_scale > have;
}

void tg_tcp_consume(struct tg_tcb *tcb, uint32_t n, const struct tg_tcp_env *env)
{
	assert(n <= unread(tcb));
	tcb->rx_read = tg_seq_add(tcb->rx_read, n);
	if (unread(tcb) == 0 && tcb->ooo_n == 0)
		tg_span_free(&tcb->rx, env->chunks);
	else
		tg_span_free_to(&tcb->rx, env->chunks, tcb->rx_read.v);
	if (tcb->fin_rcvd)
		return;
	tcb->rx_slack = tcb->rx_slack > n ? tcb->rx_slack - n : 0;
	if (is_update_due(tcb))
		tcb->ack_now = true;
}

uint32_t tg_tcp_holes(const struct tg_tcb *tcb, const struct tg_tcp_env *env,
		      struct tg_sack_block *blk)
{
	if (tcb->ooo_n)
		memcpy(blk, ooo_at(tcb, env)->blk, tcb->ooo_n * sizeof(*blk));
	return tcb->ooo_n;
}

bool tg_tcp_set_holes(struct tg_tcb *tcb, const struct tg_tcp_env *env,
		      const struct tg_sack_block *blk, uint32_t n)
{
	assert(tcb->ooo_n == 0 && n <= TG_OOO_MAX);
	if (n == 0)
		return true;
	tcb->ooo = tg_chunks_alloc(env->chunks);
	if (tcb->ooo == TG_NONE)
		return false;
	*ooo_at(tcb, env) = (struct ooo){.clock = 0};
	memcpy(ooo_at(tcb, env)->blk, blk, n * sizeof(*blk));
	tcb->ooo_n = n;
	return true;
}
