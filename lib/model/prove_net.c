/* SPDX-License-Identifier: BSD-3-Clause */
/* prove_net.c: the network, and what may happen next.
 *
 * The network is the set of segments that live: those on the way, which may arrive in any order,
 * late or never; and those that arrived, as long as one may arrive once more. */
#include "prove.h"

static int order(const struct prove_wire *a, const struct prove_wire *b)
{
	return memcmp(a, b, offsetof(struct prove_wire, born));
}

static void tell_sent(struct prove_bench *b, const struct prove_world *w, int side,
		      const struct tg_seg *seg, const struct prove_wire *k, bool again)
{
	struct tg_prove_step s = {.kind = TG_PROVE_SENT,
				  .end = (uint8_t)side,
				  .seg = *seg,
				  .tag = k->tag,
				  .again = again};

	if (!b->tell)
		return;
	memcpy(s.text, k->text, sizeof(s.text));
	b->tell(b->tell_ctx, w, &s);
}

void prove_emit(struct prove_bench *b, struct prove_world *w, int side, const struct tg_seg *seg,
		const uint8_t *text, uint8_t tag)
{
	struct prove_wire k = {.seq = seg->seq,
			       .ack = seg->ack,
			       .wnd = seg->wnd,
			       .mss = seg->opts.has_mss ? seg->opts.mss : 0,
			       .ctl = seg->ctl,
			       .len = (uint8_t)seg->len,
			       .from = (uint8_t)side,
			       .tag = tag,
			       .born = w->tick};
	uint32_t i = 0;

	if (seg->len > PROVE_TEXT) {
		b->cut = true;
		return;
	}
	if (seg->len)
		memcpy(k.text, text, seg->len);
	while (i < w->net_n && order(&w->net[i], &k) < 0)
		i++;
	if (i < w->net_n && order(&w->net[i], &k) == 0) {
		w->net[i].arrived = 0;
		w->net[i].born = w->tick;
		tell_sent(b, w, side, seg, &k, true);
		return;
	}
	if (w->net_n == PROVE_NET) {
		b->cut = true;
		return;
	}
	memmove(&w->net[i + 1], &w->net[i], (w->net_n - i) * sizeof(k));
	w->net[i] = k;
	w->net_n++;
	tell_sent(b, w, side, seg, &k, false);
}

/* --- what may happen --- */

static uint32_t losses_now(const struct prove_world *w)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < w->net_n; i++)
		n += w->net[i].born == w->tick && !w->net[i].arrived;
	return n;
}

static bool timer_runs(const struct prove_end *e)
{
	return e->has_tcb && e->tcb.deadline[TG_T_REXMIT];
}

/* See tg_prove.h. */
static bool may_tick(const struct prove_bench *b, const struct prove_world *w)
{
	for (int i = 0; i < 2; i++)
		if (timer_runs(&w->end[i]) && !w->end[i].fired)
			return false;
	return w->tick < b->scenario->ticks[b->level - 1] &&
	       w->losses + losses_now(w) <= b->scenario->losses[b->level - 1];
}

static bool may_copy(const struct prove_bench *b, const struct prove_world *w)
{
	return w->copies < b->scenario->copies[b->level - 1];
}

uint32_t prove_moves(const struct prove_bench *b, const struct prove_world *w,
		     struct prove_move move[PROVE_MOVES_MAX])
{
	uint32_t n = 0;

	for (uint8_t i = 0; i < 2; i++)
		if (prove_next_call(b, w, i))
			move[n++] = (struct prove_move){MOVE_USER, i};
	for (uint8_t i = 0; i < w->net_n; i++)
		if (!w->net[i].arrived || may_copy(b, w))
			move[n++] = (struct prove_move){MOVE_ARRIVE, i};
	for (uint8_t i = 0; i < 2; i++)
		if (timer_runs(&w->end[i]) && !w->end[i].fired)
			move[n++] = (struct prove_move){MOVE_TIMER, i};
	if (may_tick(b, w))
		move[n++] = (struct prove_move){MOVE_TICK, 0};
	return n;
}

/* --- and does --- */

/* What is too old, and what has arrived, where nothing arrives once more. */
static void die(const struct prove_bench *b, struct prove_world *w)
{
	bool keep = may_copy(b, w);
	uint32_t n = 0;

	for (uint32_t i = 0; i < w->net_n; i++) {
		if (w->tick - w->net[i].born >= PROVE_MSL_TICKS || (w->net[i].arrived && !keep))
			continue;
		w->net[n++] = w->net[i];
	}
	memset(&w->net[n], 0, (w->net_n - n) * sizeof(w->net[0]));
	w->net_n = (uint8_t)n;
}

static void tick(struct prove_bench *b, struct prove_world *w)
{
	uint32_t losses = w->losses + losses_now(w);

	w->losses = (uint8_t)(b->free_run ? 0 : losses);
	w->tick++;
	die(b, w);
	for (int i = 0; i < 2; i++) {
		w->end[i].fired = 0;
		prove_expire(b, w, i);
	}
}

static void tell(struct prove_bench *b, const struct prove_world *w, enum tg_prove_kind kind,
		 int side, const struct prove_wire *k)
{
	struct tg_prove_step s = {.kind = kind, .end = (uint8_t)side};

	if (!b->tell)
		return;
	if (k) {
		s.seg = (struct tg_seg){
		    .seq = k->seq, .ack = k->ack, .ctl = k->ctl, .wnd = k->wnd, .len = k->len};
		s.seg.opts.has_mss = k->mss != 0;
		s.seg.opts.mss = k->mss;
		s.tag = k->tag;
		s.again = k->arrived;
		memcpy(s.text, k->text, sizeof(s.text));
	}
	b->tell(b->tell_ctx, w, &s);
}

void prove_step(struct prove_bench *b, struct prove_world *w, struct prove_move m)
{
	struct prove_wire k;

	switch ((enum prove_move_kind)m.kind) {
	case MOVE_ARRIVE:
		k = w->net[m.arg];
		tell(b, w, TG_PROVE_ARRIVED, !k.from, &k);
		w->copies = (uint8_t)(w->copies + (k.arrived && !b->free_run));
		w->net[m.arg].arrived = 1;
		die(b, w);
		prove_arrive(b, w, !k.from, k);
		return;
	case MOVE_TIMER:
		tell(b, w, TG_PROVE_TIMEOUT, m.arg, NULL);
		prove_fire(b, w, m.arg);
		return;
	case MOVE_USER:
		prove_call(b, w, m.arg);
		return;
	case MOVE_TICK:
		tell(b, w, TG_PROVE_TICK, 0, NULL);
		tick(b, w);
		return;
	}
}
