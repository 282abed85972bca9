/* SPDX-License-Identifier: BSD-3-Clause */
/* prove_end.c: one end, driven as the engine drives it: connection, TIME-WAIT, listener, CLOSED.
 * And the rules that are taken away: around the machine, by what it is given and what is done with
 * what it says. */
#include "prove.h"

uint64_t prove_now_ms(const struct prove_world *w)
{
	return PROVE_EPOCH_MS + (uint64_t)w->tick * PROVE_TICK_MS;
}

static bool is_without(const struct prove_bench *b, enum tg_prove_rule rule)
{
	return b->without & rule;
}

/* What the clock that numbers are made by (EST-01) has gone on since the connection before: less
 * than what that used, where the client is fast (4 us, one number), so that TIME-WAIT is needed; on
 * the server's side more. (No rule saves a server whose connections outrun that clock: it keeps no
 * TIME-WAIT when the client closed first.) */
enum { ACTIVE_STEP_NS = 4000, PASSIVE_STEP_NS = 64 * 4000 };

static void set_clock(struct prove_bench *b, const struct prove_world *w, int side)
{
	b->env.now_ms = prove_now_ms(w);
	b->env.now_ns = b->env.now_ms * TG_NS_PER_MS +
			(uint64_t)w->end[side].opens *
			    (prove_listens(b, side) ? PASSIVE_STEP_NS : ACTIVE_STEP_NS);
	if (is_without(b, TG_PROVE_ISN_FIXED))
		b->env.now_ns = 0;
}

static void tell(struct prove_bench *b, const struct prove_world *w, enum tg_prove_kind kind,
		 int side, char call, uint8_t value)
{
	struct tg_prove_step s = {.kind = kind, .end = (uint8_t)side, .call = call, .value = value};

	if (b->tell)
		b->tell(b->tell_ctx, w, &s);
}

/* --- what the user is told --- */

/* The handshake of a listener's connection is complete. Somebody must be there who took part: the
 * client's connection, or one that was there and took our number. */
static void opened(struct prove_bench *b, struct prove_world *w, int side)
{
	struct prove_end *e = &w->end[side], *peer = &w->end[!side];
	uint8_t tag = e->tag;
	bool lives = peer->has_tcb && peer->tag == tag && peer->tcb.active;
	bool agreed = peer->has_agreed[tag] && tg_seq_eq(peer->agreed[tag], e->tcb.snd.iss);

	e->opened = 1;
	e->has_tw = 0; /* TD-24: the dormant record goes */
	tell(b, w, TG_PROVE_TOLD, side, 'O', 0);
	if (!e->tcb.active && !lives && !agreed)
		prove_break(b, TG_PROVE_STALE_SYN, side, NULL);
}

/* Byte number n that `from` sends in an incarnation. */
static uint8_t byte_of(int from, uint8_t tag, uint8_t n)
{
	return (uint8_t)(from << 7 | tag << 5 | n);
}

static void judge_byte(struct prove_bench *b, struct prove_end *e, int side, uint8_t byte)
{
	if ((byte >> 7) == side || (byte >> 5 & 3) != e->tag)
		prove_break(b, TG_PROVE_FOREIGN_BYTE, side, NULL);
	else if ((byte & 31) != e->read_n)
		prove_break(b, TG_PROVE_BYTE_ORDER, side, NULL);
	e->read_n++;
}

static void read_all(struct prove_bench *b, struct prove_world *w, int side)
{
	struct prove_end *e = &w->end[side];
	uint32_t run, left = tg_tcp_readable(&e->tcb);

	while (left > 0) {
		const uint8_t *at = tg_tcp_peek(&e->tcb, &b->env, 0, &run);
		for (uint32_t i = 0; i < run; i++)
			judge_byte(b, e, side, at[i]);
		tg_tcp_consume(&e->tcb, run, &b->env);
		left -= run;
	}
}

static void end_of_stream(struct prove_bench *b, struct prove_world *w, int side)
{
	struct prove_end *e = &w->end[side], *peer = &w->end[!side];
	struct tg_act act;

	e->eof = 1;
	tell(b, w, TG_PROVE_TOLD, side, 'E', 0);
	if (!peer->closed_of[e->tag] || peer->sent_of[e->tag] != e->read_n)
		prove_break(b, TG_PROVE_END, side, NULL);
	if (is_without(b, TG_PROVE_WAVES_3))
		tg_tcp_shutdown(&e->tcb, &b->env, &act);
}

static void begin_user(struct prove_end *e)
{
	e->opened = e->shut = e->eof = 0;
	e->sent_n = e->read_n = 0;
}

static void closed(struct prove_bench *b, struct prove_world *w, int side, const struct tg_act *act)
{
	struct prove_end *e = &w->end[side];
	bool is_error = act->reason != TG_CLOSE_NORMAL && act->reason != TG_CLOSE_ABORT &&
			!(act->events & TG_EV_TO_LISTEN);

	if (b->rst_tag && b->rst_tag != e->tag)
		prove_break(b, TG_PROVE_OLD_RST, side, NULL);
	if ((is_error || b->rst_tag) && e->opened && b->scenario->orderly)
		prove_break(b, TG_PROVE_ORDERLY, side, NULL);
	tell(b, w, TG_PROVE_TOLD, side, is_error ? 'R' : 'N', (uint8_t)act->reason);
	e->was_lost = is_error || !e->shut;
	e->has_tcb = 0;
	if (is_error || !e->shut)
		begin_user(e);
	if (prove_listens(b, side))
		e->pc = 0;
}

/* --- what the machine says --- */

/* TIME-WAIT: the block becomes a record, when all is sent. */
static void make_record(struct prove_bench *b, struct prove_world *w, int side)
{
	struct prove_end *e = &w->end[side];
	uint64_t now = prove_now_ms(w);
	uint32_t lasts = is_without(b, TG_PROVE_MSL_0) ? 0 : 2 * PROVE_MSL_MS;

	if (lasts) {
		e->has_tw = 1;
		e->tw_tag = e->tag;
		e->tw_until_ms = now + lasts;
		tg_tw_make(&e->tw, &e->tcb, 0, e->tcb.ts_offset, e->tw_until_ms);
	}
	tg_tcb_release(&e->tcb, b->env.chunks);
	e->has_tcb = 0;
	e->was_lost = 0;
	if (prove_listens(b, side))
		e->pc = 0;
}

static void let_out(struct prove_bench *b, struct prove_world *w, int side)
{
	struct prove_end *e = &w->end[side];
	uint8_t text[PROVE_BYTES];
	struct tg_seg seg;

	while (tg_tcp_output(&e->tcb, &b->env, 1, &seg)) {
		if (seg.len && seg.len <= sizeof(text))
			tg_tcp_text(&e->tcb, &b->env, seg.seq, text, seg.len);
		prove_emit(b, w, side, &seg, text, e->tag);
	}
}

/* In the order that tg_tcp.h wants. by: incarnation of the segment that it is the answer to; 0: of
 * none. */
static void obey(struct prove_bench *b, struct prove_world *w, int side, const struct tg_act *act,
		 uint8_t by)
{
	struct prove_end *e = &w->end[side];

	if (act->has_reply)
		prove_emit(b, w, side, &act->reply, NULL,
			   (act->reply.ctl & TG_TCP_RST) && by ? by : e->tag);
	if (act->events & TG_EV_OPENED)
		opened(b, w, side);
	if (e->opened)
		read_all(b, w, side);
	if (act->events & TG_EV_EOF)
		end_of_stream(b, w, side);
	if (act->events & TG_EV_CLOSED) {
		tg_tcb_release(&e->tcb, b->env.chunks);
		closed(b, w, side, act);
		return;
	}
	if (e->tcb.state != TG_TIME_WAIT && e->tcb.active && e->tcb.state > TG_SYN_SENT) {
		e->has_agreed[e->tag] = 1;
		e->agreed[e->tag] = e->tcb.rcv.irs;
	}
	let_out(b, w, side);
	if (e->tcb.state == TG_TIME_WAIT)
		make_record(b, w, side);
}

/* The delayed ACK has no delay here; other timers that the clock brings. */
static void settle(struct prove_bench *b, struct prove_world *w, int side)
{
	struct prove_end *e = &w->end[side];
	const char *why;
	struct tg_act act;

	if (e->has_tcb) {
		uint64_t rexmit = e->tcb.deadline[TG_T_REXMIT];
		e->tcb.deadline[TG_T_REXMIT] = 0;
		if (tg_tcb_deadline(&e->tcb) && tg_tcb_deadline(&e->tcb) <= b->env.now_ms) {
			tg_tcp_timeout(&e->tcb, &b->env, &act);
			e->tcb.deadline[TG_T_REXMIT] = rexmit;
			obey(b, w, side, &act, 0);
		} else {
			e->tcb.deadline[TG_T_REXMIT] = rexmit;
		}
	}
	if (e->has_tcb && !tg_tcb_validate(&e->tcb, b->env.chunks, &why))
		prove_break(b, TG_PROVE_INVARIANT, side, why);
	prove_freeze(b, e, side, prove_now_ms(w));
}

static void begin(struct prove_bench *b, struct prove_world *w, int side)
{
	prove_thaw(b, &w->end[side], side);
	set_clock(b, w, side);
}

/* --- a segment arrives --- */

/* RFC 5961 taken away: a RST is never compared, or never answered. False: the segment is dropped.
 */
static bool bend(const struct prove_bench *b, const struct prove_end *e, struct tg_seg *seg)
{
	bool synchronized = e->tcb.state > TG_SYN_RECEIVED;

	if (is_without(b, TG_PROVE_NO_RST_CHECK) && (seg->ctl & TG_TCP_RST)) {
		seg->seq = e->tcb.rcv.nxt;
		if (e->tcb.state == TG_SYN_SENT) {
			seg->ctl |= TG_TCP_ACK;
			seg->ack = e->tcb.snd.nxt;
		}
	}
	if (!is_without(b, TG_PROVE_NO_CHALLENGE) || !synchronized)
		return true;
	return !(seg->ctl & TG_TCP_SYN) &&
	       (!(seg->ctl & TG_TCP_RST) || tg_seq_eq(seg->seq, e->tcb.rcv.nxt));
}

static void meet_connection(struct prove_bench *b, struct prove_world *w, int side,
			    struct tg_seg *seg, uint8_t tag)
{
	struct prove_end *e = &w->end[side];
	struct tg_act act;

	if (!bend(b, e, seg))
		return;
	b->rst_tag = seg->ctl & TG_TCP_RST ? tag : 0;
	tg_tcp_arrives(&e->tcb, seg, &b->env, &act);
	obey(b, w, side, &act, tag);
	b->rst_tag = 0;
}

/* The third segment is not waited for: as if it had come. */
static void open_at_once(struct prove_bench *b, struct prove_world *w, int side)
{
	struct prove_end *e = &w->end[side];
	struct tg_seg ack = {
	    .seq = e->tcb.rcv.nxt, .ack = e->tcb.snd.nxt, .ctl = TG_TCP_ACK, .wnd = TG_BUF_MIN};
	struct tg_act act;

	tg_tcp_arrives(&e->tcb, &ack, &b->env, &act);
	obey(b, w, side, &act, 0);
}

/* The FIN of an end that waits for its ACK, after a close that both users wanted. */
static bool is_last_fin(const struct prove_world *w, int side, const struct tg_seg *seg,
			uint8_t tag)
{
	const struct prove_end *peer = &w->end[!side];

	return (seg->ctl & TG_TCP_FIN) && w->end[side].closed_of[tag] && peer->closed_of[tag] &&
	       peer->has_tcb && peer->tag == tag;
}

static void meet_closed(struct prove_bench *b, struct prove_world *w, int side,
			const struct tg_seg *seg, uint8_t tag)
{
	struct tg_act act;

	/* Who will open, and has not yet, is not there yet. */
	if (!prove_listens(b, side) && w->end[side].attempt == 0)
		return;
	tg_tcp_closed(seg, &act);
	if (is_last_fin(w, side, seg, tag))
		prove_break(b, TG_PROVE_LAST_ACK, !side, NULL);
	if (act.has_reply)
		prove_emit(b, w, side, &act.reply, NULL, tag);
}

/* floor: of the record that gives way, or NULL. */
static void meet_listener(struct prove_bench *b, struct prove_world *w, int side,
			  const struct tg_seg *seg, uint8_t tag, const tg_seq *floor)
{
	struct tg_listen l = {.conf = &b->conf};
	struct prove_end *e = &w->end[side];
	struct tg_act act;

	/* No room for one more: as if the SYN were lost. */
	if ((seg->ctl & (TG_TCP_SYN | TG_TCP_ACK | TG_TCP_RST)) == TG_TCP_SYN && !b->free_run &&
	    e->opens >= b->scenario->opens[side])
		return;
	if (tg_tcp_listen(&l, &b->tuple[side], seg, floor, &b->env, &e->tcb, &act) !=
	    TG_LISTEN_HALF) {
		if (act.has_reply)
			prove_emit(b, w, side, &act.reply, NULL, tag);
		return;
	}
	e->has_tcb = 1;
	e->tag = tag;
	e->opens++;
	e->open_tick = w->tick;
	e->pc = 0;
	begin_user(e);
	obey(b, w, side, &act, 0);
	if (is_without(b, TG_PROVE_HANDSHAKE_2))
		open_at_once(b, w, side);
}

static void meet_record(struct prove_bench *b, struct prove_world *w, int side,
			const struct tg_seg *seg, uint8_t tag)
{
	struct prove_end *e = &w->end[side];
	struct tg_act act;

	if (is_without(b, TG_PROVE_NO_CHALLENGE) && (seg->ctl & TG_TCP_SYN))
		return;
	switch (tg_tw_arrives(&e->tw, &b->tuple[side], seg, &b->env, &act)) {
	case TG_TW_RESTART:
		e->tw_until_ms = prove_now_ms(w) + 2 * PROVE_MSL_MS;
		tg_tw_set_deadline(&e->tw, e->tw_until_ms);
		break;
	case TG_TW_REUSE:
		if (prove_listens(b, side))
			meet_listener(b, w, side, seg, tag, &e->tw.snd_nxt);
		else
			meet_closed(b, w, side, seg, tag);
		return;
	case TG_TW_DONE:
	case TG_TW_COOKIE_TRY:
		break;
	}
	if (act.has_reply)
		prove_emit(b, w, side, &act.reply, NULL, e->tw_tag);
}

void prove_arrive(struct prove_bench *b, struct prove_world *w, int side, struct prove_wire k)
{
	struct prove_end *e = &w->end[side];
	struct tg_seg seg = {.seq = k.seq,
			     .ack = k.ack,
			     .ctl = k.ctl,
			     .wnd = k.wnd,
			     .len = k.len,
			     .text = k.text,
			     .sport = b->tuple[side].rport,
			     .dport = b->tuple[side].lport,
			     .opts = {.has_mss = k.mss != 0, .mss = k.mss}};

	begin(b, w, side);
	if (e->has_tcb)
		meet_connection(b, w, side, &seg, k.tag);
	else if (e->has_tw)
		meet_record(b, w, side, &seg, k.tag);
	else if (prove_listens(b, side))
		meet_listener(b, w, side, &seg, k.tag, NULL);
	else
		meet_closed(b, w, side, &seg, k.tag);
	settle(b, w, side);
}

/* --- time --- */

void prove_fire(struct prove_bench *b, struct prove_world *w, int side)
{
	struct prove_end *e = &w->end[side];
	struct tg_act act;

	begin(b, w, side);
	e->fired = 1;
	e->tcb.deadline[TG_T_REXMIT] = b->env.now_ms ? b->env.now_ms : 1;
	tg_tcp_timeout(&e->tcb, &b->env, &act);
	obey(b, w, side, &act, 0);
	settle(b, w, side);
}

void prove_expire(struct prove_bench *b, struct prove_world *w, int side)
{
	struct prove_end *e = &w->end[side];

	begin(b, w, side);
	if (e->has_tw && !e->has_tcb && prove_now_ms(w) >= e->tw_until_ms) {
		e->has_tw = 0;
		tell(b, w, TG_PROVE_TOLD, side, 'T', 0);
	}
	if (!e->has_tw) {
		memset(&e->tw, 0, sizeof(e->tw));
		e->tw_until_ms = e->tw_tag = 0;
	}
	settle(b, w, side);
}

/* --- the user --- */

/* After a crash or an abort nobody knows which numbers are on the way still; half an MSL makes the
 * clock's numbers go beyond all of them. After an orderly close TIME-WAIT sees to that, on one side
 * or the other. */
static bool may_open(const struct prove_bench *b, const struct prove_world *w, int side)
{
	const struct prove_end *e = &w->end[side];

	if (e->has_tcb || (e->opens >= b->scenario->opens[side] && !b->free_run))
		return false;
	if (e->has_tw && !tg_tw_may_reopen(&e->tw, prove_now_ms(w), 2 * PROVE_MSL_MS))
		return false;
	return !e->was_lost || w->tick > e->open_tick;
}

char prove_next_call(const struct prove_bench *b, const struct prove_world *w, int side)
{
	const struct prove_end *e = &w->end[side];
	const char *p = prove_program(b, side) + e->pc;

	while (*p == 'E' && e->eof)
		p++;
	switch (*p) {
	case 'O':
		return may_open(b, w, side) ? 'O' : 0;
	case 'S':
	case 'C':
		return e->opened && !e->shut ? *p : 0;
	case 'X':
		return e->has_tcb && e->opened ? 'X' : 0;
	case 'G':
		if (e->opened && !e->shut)
			return 'C'; /* too late */
		return e->has_tcb && e->tcb.state == TG_SYN_SENT ? 'G' : 0;
	}
	return 0;
}

static void call_open(struct prove_bench *b, struct prove_world *w, int side)
{
	struct prove_end *e = &w->end[side];

	e->opens++;
	e->attempt++;
	set_clock(b, w, side);
	memset(&e->tcb, 0, sizeof(e->tcb));
	tg_tcb_init(&e->tcb, &b->conf, TG_CLOSED);
	tg_tcp_open(&e->tcb, &b->tuple[side], NULL, &b->env);
	e->has_tcb = 1;
	e->tag = e->attempt;
	e->open_tick = w->tick;
	begin_user(e);
	let_out(b, w, side);
}

static void call_send(struct prove_bench *b, struct prove_world *w, int side)
{
	struct prove_end *e = &w->end[side];
	uint8_t byte = byte_of(side, e->tag, e->sent_n);

	if (!e->has_tcb || tg_tcp_send(&e->tcb, &byte, 1, &b->env) != 1) {
		prove_break(b, TG_PROVE_CAN_SEND, side, NULL);
		return;
	}
	e->sent_n++;
	let_out(b, w, side);
}

static void call_close(struct prove_bench *b, struct prove_world *w, int side)
{
	struct prove_end *e = &w->end[side];
	struct tg_act act;

	e->shut = 1;
	e->closed_of[e->tag] = 1;
	e->sent_of[e->tag] = e->sent_n;
	if (!e->has_tcb)
		return;
	tg_tcp_shutdown(&e->tcb, &b->env, &act);
	obey(b, w, side, &act, 0);
}

/* X: nothing is said. G: what an abort says, which in SYN-SENT is nothing either. */
static void call_forget(struct prove_bench *b, struct prove_world *w, int side)
{
	struct prove_end *e = &w->end[side];

	tg_tcb_release(&e->tcb, b->env.chunks);
	e->has_tcb = 0;
	e->was_lost = 1;
	begin_user(e);
}

void prove_call(struct prove_bench *b, struct prove_world *w, int side)
{
	struct prove_end *e = &w->end[side];
	const char *p = prove_program(b, side);

	char call = prove_next_call(b, w, side);

	while (p[e->pc] == 'E')
		e->pc++;
	e->pc++;

	tell(b, w, TG_PROVE_CALLED, side, call, call == 'S' ? byte_of(side, e->tag, e->sent_n) : 0);
	begin(b, w, side);
	switch (call) {
	case 'O':
		call_open(b, w, side);
		break;
	case 'S':
		call_send(b, w, side);
		break;
	case 'C':
		call_close(b, w, side);
		break;
	default:
		call_forget(b, w, side);
	}
	settle(b, w, side);
}
