/* SPDX-License-Identifier: BSD-3-Clause */
/* load_conn.c: how a connection begins and ends, and why. */
#include "load_slot.h"

#include <assert.h>
#include <errno.h>

enum { RETRY_MS = 10 };

static const struct {
	const char *name, *text;
} causes[TG_LOAD_CAUSE_N] = {
    [TG_LOAD_OK] = {"ok", "no failure"},
    [TG_LOAD_REFUSED] = {"refused", "refused by a RST"},
    [TG_LOAD_TIMEOUT] = {"timeout", "no answer to the SYN in time"},
    [TG_LOAD_UNREACHABLE] = {"unreachable", "no route, no neighbour, or ICMP unreachable"},
    [TG_LOAD_NO_PORT] = {"no_port", "no source port free"},
    [TG_LOAD_NO_ROOM] = {"no_room", "no connection free in the pool"},
    [TG_LOAD_RESET] = {"reset", "reset when open"},
    [TG_LOAD_EARLY] = {"closed_early", "closed by the server too early"},
    [TG_LOAD_STALLED] = {"stalled", "open, and nothing moved in time"},
    [TG_LOAD_BAD_BYTES] = {"bad_bytes", "wrong bytes"},
    [TG_LOAD_BAD_ANSWER] = {"bad_answer", "no HTTP, or a status of 400 and above"},
    [TG_LOAD_NO_CLOSE] = {"not_closed", "not closed by the other side in time"},
    [TG_LOAD_UNFINISHED] = {"unfinished", "not over when the run was, nor timeout_ms later"},
    [TG_LOAD_CUT] = {"cut", "cut off by the interruption"},
};

const char *tg_load_cause_name(enum tg_load_cause cause)
{
	return causes[cause].name;
}

const char *tg_load_cause_text(enum tg_load_cause cause)
{
	return causes[cause].text;
}

const char *tg_load_timing_name(enum tg_load_timing timing)
{
	static const char *const names[TG_LOAD_TIMING_N] = {"handshake", "first_byte", "transfer",
							    "close"};
	return names[timing];
}

size_t tg_load_slot_bytes(uint32_t slot_n)
{
	return (size_t)slot_n * sizeof(struct tg_load_slot);
}

/* --- what is timed --- */

void tg_load_note(struct tg_load_side *side, enum tg_load_timing what, const struct tg_load_slot *s)
{
	uint64_t now = tg_engine_now_ns(side->engine);

	tg_hist_add(&side->timing[what], now > s->since_ns ? now - s->since_ns : 0);
}

void tg_load_set_timer(struct tg_load_side *side, uint32_t conn, uint32_t ms)
{
	side->slot[conn].flags &= (uint8_t)~TG_SLOT_MOVED;
	tg_conn_timer(side->engine, conn, ms);
}

/* --- those that are held --- */

static void held_add(struct tg_load_side *side, uint32_t conn)
{
	struct tg_load_slot *s = &side->slot[conn];

	s->step = TG_STEP_HELD;
	s->next = TG_NONE;
	s->prev = side->held_tail;
	if (s->prev != TG_NONE)
		side->slot[s->prev].next = conn;
	else
		side->held_head = conn;
	side->held_tail = conn;
	side->now.held++;
}

static void held_remove(struct tg_load_side *side, uint32_t conn)
{
	struct tg_load_slot *s = &side->slot[conn];

	if (s->prev != TG_NONE)
		side->slot[s->prev].next = s->next;
	else
		side->held_head = s->next;
	if (s->next != TG_NONE)
		side->slot[s->next].prev = s->prev;
	else
		side->held_tail = s->prev;
	side->now.held--;
}

/* --- the end of a connection: nothing of it may be touched after these --- */

void tg_load_fail(struct tg_load_side *side, uint32_t conn, enum tg_load_cause cause)
{
	side->slot[conn].cause = (uint8_t)cause;
	tg_conn_abort(side->engine, conn);
}

/* The server has closed, and so do we: nothing of it is unread. */
static void fail_gently(struct tg_load_side *side, uint32_t conn, enum tg_load_cause cause)
{
	side->slot[conn].cause = (uint8_t)cause;
	tg_conn_close(side->engine, conn);
}

void tg_load_shut(struct tg_load_side *side, uint32_t conn)
{
	struct tg_load_slot *s = &side->slot[conn];

	if (s->flags & TG_SLOT_SHUT)
		return;
	s->flags |= TG_SLOT_SHUT;
	if (tg_conn_shutdown(side->engine, conn) == -ENOBUFS)
		s->flags &= (uint8_t)~TG_SLOT_SHUT; /* no extension: the timer tries again */
}

/* Our FIN, and how long the other side may take; or soon again. */
static void shut_in_time(struct tg_load_side *side, uint32_t conn)
{
	tg_load_shut(side, conn);
	tg_load_set_timer(side, conn,
			  side->slot[conn].flags & TG_SLOT_SHUT ? side->plan->set.timeout_ms
								: RETRY_MS);
}

static void begin_closing(struct tg_load_side *side, uint32_t conn)
{
	side->slot[conn].step = TG_STEP_CLOSING;
	side->now.open--;
	side->now.closing++;
}

static void to_closing(struct tg_load_side *side, uint32_t conn)
{
	begin_closing(side, conn);
	shut_in_time(side, conn);
}

/* The run ended before its last request, which tells the server to close. */
static bool is_cut_short(const struct tg_load_side *side, const struct tg_load_slot *s)
{
	return side->plan->set.act != TG_LOAD_NOTHING && s->answered < side->plan->set.requests;
}

static void start_close(struct tg_load_side *side, uint32_t conn)
{
	struct tg_load_slot *s = &side->slot[conn];
	const struct tg_load_settings *set = &side->plan->set;

	if (set->act != TG_LOAD_UP) /* which is timed to the end */
		tg_load_begin_timing(side, s);
	if (set->close == TG_LOAD_RST) {
		begin_closing(side, conn);
		tg_conn_abort(side->engine, conn);
	} else if (set->close == TG_LOAD_SERVER && !is_cut_short(side, s) &&
		   !tg_conn_is_eof(side->engine, conn)) {
		s->step = TG_STEP_WAIT;
		tg_load_set_timer(side, conn, set->timeout_ms);
	} else {
		to_closing(side, conn);
	}
}

void tg_load_finish(struct tg_load_side *side, uint32_t conn)
{
	const struct tg_load_settings *set = &side->plan->set;

	if (set->hold && !side->is_ending) {
		tg_conn_timer(side->engine, conn, 0);
		held_add(side, conn);
	} else if (!set->hold && set->keep_ms && !side->is_ending) {
		side->slot[conn].step = TG_STEP_KEEP;
		tg_conn_timer(side->engine, conn, set->keep_ms);
	} else {
		start_close(side, conn);
	}
}

/* The server will say no more. */
static void on_eof(struct tg_load_side *side, uint32_t conn)
{
	struct tg_load_slot *s = &side->slot[conn];
	uint32_t close = side->plan->set.close;
	bool may = close != TG_LOAD_CLIENT && close != TG_LOAD_RST;

	if (s->step == TG_STEP_CLOSING) {
		tg_load_shut(side, conn); /* if that was not possible before */
	} else if (s->step == TG_STEP_WAIT || (may && s->step == TG_STEP_KEEP)) {
		to_closing(side, conn);
	} else {
		tg_load_throw_away(side, conn);
		fail_gently(side, conn, TG_LOAD_EARLY);
	}
}

/* Its FIN was taken; what it said before may still wait. */
static bool has_fin(const struct tg_engine *engine, uint32_t conn)
{
	enum tg_tcp_state state = tg_conn_state(engine, conn);

	return state == TG_CLOSE_WAIT || state == TG_CLOSING || state == TG_LAST_ACK ||
	       state == TG_TIME_WAIT;
}

/* The connection may have gone, or begun something else, in what it read. */
static void on_readable(void *ctx, struct tg_engine *engine, uint32_t conn)
{
	struct tg_load_side *side = ctx;
	enum tg_load_read read;

	if (side->slot[conn].step == TG_STEP_NONE)
		return;
	while ((read = tg_load_read_more(side, conn)) == TG_READ_GO_ON)
		;
	/* What follows a whole answer: the end, or the beginning of what was not asked for. */
	if (read == TG_READ_GONE && side->slot[conn].step == TG_STEP_NONE)
		return;
	if (read == TG_READ_GONE && tg_conn_readable(engine, conn)) {
		tg_conn_kick(engine, conn);
		return;
	}
	if (has_fin(engine, conn))
		on_eof(side, conn);
}

static void on_writable(void *ctx, struct tg_engine *engine, uint32_t conn)
{
	(void)engine;
	tg_load_write_more(ctx, conn);
}

static void on_opened(void *ctx, struct tg_engine *engine, uint32_t conn)
{
	struct tg_load_side *side = ctx;

	(void)engine;
	tg_load_note(side, TG_LOAD_HANDSHAKE, &side->slot[conn]);
	side->now.opened++;
	side->now.opening--;
	side->now.open++;
	if (side->now.open > side->now.open_max)
		side->now.open_max = side->now.open;
	side->slot[conn].flags |= TG_SLOT_OPEN;
	tg_load_begin_request(side, conn);
}

static void on_expired(void *ctx, struct tg_engine *engine, uint32_t conn)
{
	struct tg_load_side *side = ctx;
	struct tg_load_slot *s = &side->slot[conn];

	(void)engine;
	if (s->step == TG_STEP_THINK) {
		tg_load_begin_request(side, conn);
	} else if (s->step == TG_STEP_KEEP) {
		start_close(side, conn);
	} else if (s->step == TG_STEP_OPENING) {
		tg_load_fail(side, conn,
			     s->flags & TG_SLOT_NO_WAY ? TG_LOAD_UNREACHABLE : TG_LOAD_TIMEOUT);
	} else if (s->step == TG_STEP_CLOSING && !(s->flags & TG_SLOT_SHUT)) {
		shut_in_time(side, conn);
	} else if (s->flags & TG_SLOT_MOVED) {
		tg_load_set_timer(side, conn, side->plan->set.timeout_ms);
	} else if (s->step == TG_STEP_CLOSING || s->step == TG_STEP_WAIT) {
		tg_load_fail(side, conn, TG_LOAD_NO_CLOSE);
	} else if (s->step != TG_STEP_HELD && s->step != TG_STEP_NONE) {
		tg_load_fail(side, conn, TG_LOAD_STALLED);
	}
}

static void on_soft_error(void *ctx, struct tg_engine *engine, uint32_t conn, int error)
{
	struct tg_load_side *side = ctx;

	(void)engine;
	(void)error;
	side->slot[conn].flags |= TG_SLOT_NO_WAY;
}

/* --- over --- */

static enum tg_load_cause cause_of(const struct tg_load_side *side, const struct tg_load_slot *s,
				   enum tg_close_reason reason)
{
	bool opening = s->step == TG_STEP_OPENING;

	if (s->cause != TG_LOAD_OK)
		return (enum tg_load_cause)s->cause;
	switch (reason) {
	case TG_CLOSE_REFUSED:
		return opening ? TG_LOAD_REFUSED : TG_LOAD_RESET;
	case TG_CLOSE_RESET:
		return TG_LOAD_RESET;
	case TG_CLOSE_TIMEOUT:
		return opening                      ? TG_LOAD_TIMEOUT
		       : s->step == TG_STEP_CLOSING ? TG_LOAD_NO_CLOSE
						    : TG_LOAD_STALLED;
	case TG_CLOSE_UNREACHABLE:
	case TG_CLOSE_NET_UNREACHABLE:
		return TG_LOAD_UNREACHABLE;
	case TG_CLOSE_ABORT:
		if (s->step == TG_STEP_CLOSING && side->plan->set.close == TG_LOAD_RST)
			return TG_LOAD_OK;
		return side->is_interrupted ? TG_LOAD_CUT : TG_LOAD_UNFINISHED;
	case TG_CLOSE_NONE:
	case TG_CLOSE_NORMAL:
	case TG_CLOSE_FW2:
		break;
	}
	return s->step == TG_STEP_CLOSING ? TG_LOAD_OK : TG_LOAD_EARLY;
}

static void count_end(struct tg_load_side *side, const struct tg_load_slot *s,
		      enum tg_load_cause cause)
{
	const struct tg_load_settings *set = &side->plan->set;

	if (cause != TG_LOAD_OK) {
		side->now.failed[cause]++;
		return;
	}
	side->now.done++;
	if (set->act == TG_LOAD_UP && !set->hold && !set->keep_ms)
		tg_load_note(side, TG_LOAD_TRANSFER, s);
	else if (set->close != TG_LOAD_RST && set->close != TG_LOAD_HALF)
		tg_load_note(side, TG_LOAD_CLOSE, s);
}

static void on_closed(void *ctx, struct tg_engine *engine, uint32_t conn,
		      enum tg_close_reason reason)
{
	struct tg_load_side *side = ctx;
	struct tg_load_slot *s = &side->slot[conn];

	(void)engine;
	assert(s->step != TG_STEP_NONE);
	count_end(side, s, cause_of(side, s, reason));
	if (s->step == TG_STEP_HELD)
		held_remove(side, conn);
	if (s->step == TG_STEP_CLOSING)
		side->now.closing--;
	else if (s->flags & TG_SLOT_OPEN)
		side->now.open--;
	else
		side->now.opening--;
	s->step = TG_STEP_NONE;
}

const struct tg_service tg_load_service = {.name = "load",
					   .about = "the connections of `tidegate load`",
					   .opened = on_opened,
					   .readable = on_readable,
					   .writable = on_writable,
					   .expired = on_expired,
					   .closed = on_closed,
					   .soft_error = on_soft_error};

/* --- for those who open --- */

void tg_load_conn_begun(struct tg_load_side *side, uint32_t conn, uint64_t number, uint32_t target,
			uint64_t now_ns)
{
	struct tg_load_slot *s = &side->slot[conn];

	assert(conn < side->slot_n && s->step == TG_STEP_NONE);
	*s = (struct tg_load_slot){.since_ns = now_ns,
				   .number = (uint32_t)number,
				   .prev = TG_NONE,
				   .next = TG_NONE,
				   .target = (uint8_t)target,
				   .step = TG_STEP_OPENING};
	side->now.opening++;
	tg_conn_timer(side->engine, conn, side->plan->set.timeout_ms);
}

bool tg_load_conn_close_oldest(struct tg_load_side *side)
{
	uint32_t conn = side->held_head;

	if (conn == TG_NONE)
		return false;
	held_remove(side, conn);
	side->slot[conn].step = TG_STEP_KEEP;
	start_close(side, conn);
	return true;
}

void tg_load_conn_end_idle(struct tg_load_side *side, uint32_t conn)
{
	struct tg_load_slot *s = &side->slot[conn];

	if (s->step == TG_STEP_KEEP || s->step == TG_STEP_THINK)
		start_close(side, conn);
}
