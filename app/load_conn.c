/* SPDX-License-Identifier: BSD-3-Clause */
#include "load_conn.h"
#include "load_bytes.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum { RETRY_MS = 10 };

enum step {
	STEP_NONE = 0,
	STEP_OPENING,
	STEP_ECHO,
	STEP_UP,
	STEP_ASK, /* the request is being written */
	STEP_HEAD,
	STEP_BODY,
	STEP_CHUNK,   /* its line */
	STEP_PIECE,   /* its bytes, and the end of line behind them */
	STEP_TRAILER, /* lines behind the last chunk */
	STEP_THINK,
	STEP_KEEP,
	STEP_HELD,
	STEP_WAIT,   /* for the server's FIN */
	STEP_CLOSING /* our FIN is on its way */
};

enum {
	FLAG_MOVED = 1 << 0,  /* something came since the timer was set */
	FLAG_FIRST = 1 << 1,  /* the first byte of the answer is there */
	FLAG_NO_WAY = 1 << 2, /* the network said that nobody can be reached */
	FLAG_SHUT = 1 << 3,   /* we have sent our FIN */
	FLAG_OPEN = 1 << 4    /* it was open once */
};

struct tg_load_slot {
	uint64_t since_ns;   /* of what is being timed */
	uint64_t got;        /* echo, body, piece: bytes that came */
	uint64_t put;        /* written so far; from HEAD on: bytes that must come */
	uint32_t number;     /* chooses the pattern */
	uint32_t prev, next; /* of those held; TG_NONE */
	uint16_t answered;   /* requests */
	uint8_t target, step, cause, flags;
};
_Static_assert(sizeof(struct tg_load_slot) == 48, "of each connection");

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

static void note(struct tg_load_side *side, enum tg_load_timing what, const struct tg_load_slot *s)
{
	uint64_t now = tg_engine_now_ns(side->engine);

	tg_hist_add(&side->timing[what], now > s->since_ns ? now - s->since_ns : 0);
}

static void begin_timing(const struct tg_load_side *side, struct tg_load_slot *s)
{
	s->since_ns = tg_engine_now_ns(side->engine);
}

static void set_timer(struct tg_load_side *side, uint32_t conn, uint32_t ms)
{
	side->slot[conn].flags &= (uint8_t)~FLAG_MOVED;
	tg_conn_timer(side->engine, conn, ms);
}

/* --- those that are held --- */

static void held_add(struct tg_load_side *side, uint32_t conn)
{
	struct tg_load_slot *s = &side->slot[conn];

	s->step = STEP_HELD;
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

static void fail(struct tg_load_side *side, uint32_t conn, enum tg_load_cause cause)
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

/* Our FIN. */
static void shut(struct tg_load_side *side, uint32_t conn)
{
	struct tg_load_slot *s = &side->slot[conn];

	if (s->flags & FLAG_SHUT)
		return;
	s->flags |= FLAG_SHUT;
	if (tg_conn_shutdown(side->engine, conn) == -ENOBUFS)
		s->flags &= (uint8_t)~FLAG_SHUT; /* no extension: the timer tries again */
}

static void to_closing(struct tg_load_side *side, uint32_t conn)
{
	struct tg_load_slot *s = &side->slot[conn];

	s->step = STEP_CLOSING;
	side->now.open--;
	side->now.closing++;
	shut(side, conn);
	set_timer(side, conn, s->flags & FLAG_SHUT ? side->plan->set.timeout_ms : RETRY_MS);
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
		begin_timing(side, s);
	if (set->close == TG_LOAD_RST) {
		s->step = STEP_CLOSING;
		side->now.open--;
		side->now.closing++;
		tg_conn_abort(side->engine, conn);
	} else if (set->close == TG_LOAD_SERVER && !is_cut_short(side, s) &&
		   !tg_conn_is_eof(side->engine, conn)) {
		s->step = STEP_WAIT;
		set_timer(side, conn, set->timeout_ms);
	} else {
		to_closing(side, conn);
	}
}

/* --- the work --- */

static void begin_request(struct tg_load_side *side, uint32_t conn);

static void finish(struct tg_load_side *side, uint32_t conn)
{
	const struct tg_load_settings *set = &side->plan->set;

	if (set->hold && !side->is_ending) {
		tg_conn_timer(side->engine, conn, 0);
		held_add(side, conn);
	} else if (!set->hold && set->keep_ms && !side->is_ending) {
		side->slot[conn].step = STEP_KEEP;
		tg_conn_timer(side->engine, conn, set->keep_ms);
	} else {
		start_close(side, conn);
	}
}

static void answered(struct tg_load_side *side, uint32_t conn)
{
	struct tg_load_slot *s = &side->slot[conn];
	const struct tg_load_settings *set = &side->plan->set;

	note(side, TG_LOAD_TRANSFER, s);
	side->now.requests++;
	s->answered++;
	if (s->answered == set->requests || (side->is_ending && set->think_ms)) {
		finish(side, conn);
	} else if (set->think_ms) {
		s->step = STEP_THINK;
		tg_conn_timer(side->engine, conn, set->think_ms);
	} else {
		begin_request(side, conn);
	}
}

static bool is_last(const struct tg_load_side *side, const struct tg_load_slot *s)
{
	return s->answered + 1u == side->plan->set.requests;
}

/* True when all of it is written. */
static bool write_pattern(struct tg_load_side *side, uint32_t conn)
{
	struct tg_load_slot *s = &side->slot[conn];
	uint64_t bytes = side->plan->set.bytes;

	while (s->put < bytes) {
		uint32_t len;
		const uint8_t *p = tg_load_bytes_mine(s->number, s->put, &len);
		if (len > bytes - s->put)
			len = (uint32_t)(bytes - s->put);
		int32_t n = tg_conn_write(side->engine, conn, p, len);
		if (n <= 0)
			return false; /* `writable` will come, or `closed` */
		s->put += (uint32_t)n;
		side->now.tx_bytes += (uint32_t)n;
		s->flags |= FLAG_MOVED;
		if ((uint32_t)n < len)
			return false;
	}
	return true;
}

static bool write_request(struct tg_load_side *side, uint32_t conn)
{
	struct tg_load_slot *s = &side->slot[conn];
	const struct tg_load_target *t = &side->plan->target[s->target];
	bool last = is_last(side, s);
	uint32_t left = t->request_len[last] - (uint32_t)s->put;
	int32_t n = tg_conn_write(side->engine, conn, t->request[last] + s->put, left);

	if (n <= 0)
		return false;
	s->put += (uint32_t)n;
	side->now.tx_bytes += (uint32_t)n;
	s->flags |= FLAG_MOVED;
	return (uint32_t)n == left;
}

/* Goes on with what is to be written. */
static void write_more(struct tg_load_side *side, uint32_t conn)
{
	struct tg_load_slot *s = &side->slot[conn];
	const struct tg_load_settings *set = &side->plan->set;

	if (s->step == STEP_ASK) {
		if (!write_request(side, conn))
			return;
		s->step = STEP_HEAD;
	} else if ((s->step != STEP_ECHO && s->step != STEP_UP) || !write_pattern(side, conn)) {
		return;
	}
	if (s->step == STEP_UP) {
		side->now.requests++;
		s->answered++;
		finish(side, conn);
	} else if (set->close == TG_LOAD_HALF && is_last(side, s) && !set->hold) {
		shut(side, conn);
	}
}

static void begin_request(struct tg_load_side *side, uint32_t conn)
{
	struct tg_load_slot *s = &side->slot[conn];
	const struct tg_load_settings *set = &side->plan->set;

	s->got = s->put = 0;
	s->flags &= (uint8_t)~FLAG_FIRST;
	begin_timing(side, s);
	set_timer(side, conn, set->timeout_ms);
	switch ((enum tg_load_act)set->act) {
	case TG_LOAD_NOTHING:
		finish(side, conn);
		return;
	case TG_LOAD_ECHO:
		s->step = STEP_ECHO;
		break;
	case TG_LOAD_UP:
		s->step = STEP_UP;
		break;
	case TG_LOAD_HTTP:
	case TG_LOAD_DOWN:
		s->step = STEP_ASK;
		break;
	}
	write_more(side, conn);
	s->flags &= (uint8_t)~FLAG_MOVED; /* the question is no answer */
}

/* --- what comes --- */

/* A step ended with bytes left for the next one, perhaps. */
enum more { MORE_WAIT, MORE_GO_ON, MORE_GONE };

static void consume(struct tg_load_side *side, uint32_t conn, uint32_t n)
{
	struct tg_load_slot *s = &side->slot[conn];

	if (n && !(s->flags & FLAG_FIRST)) {
		s->flags |= FLAG_FIRST;
		note(side, TG_LOAD_FIRST_BYTE, s);
	}
	s->flags |= FLAG_MOVED;
	side->now.rx_bytes += n;
	tg_conn_consume(side->engine, conn, n);
}

static enum more read_echo(struct tg_load_side *side, uint32_t conn)
{
	struct tg_load_slot *s = &side->slot[conn];
	const uint8_t *p;
	uint32_t run;

	while ((p = tg_conn_peek(side->engine, conn, 0, &run)) && run) {
		if (run > s->put - s->got || !tg_load_bytes_is_mine(s->number, s->got, p, run)) {
			fail(side, conn, TG_LOAD_BAD_BYTES);
			return MORE_GONE;
		}
		s->got += run;
		consume(side, conn, run);
	}
	if (s->got < side->plan->set.bytes)
		return MORE_WAIT;
	answered(side, conn);
	return MORE_GONE; /* whatever it does now, it is called again */
}

/* The first bytes that wait, in one piece. */
static uint32_t gather(struct tg_load_side *side, uint32_t conn)
{
	uint32_t n = 0, run;
	const uint8_t *p;

	while (n < sizeof(side->head) && (p = tg_conn_peek(side->engine, conn, n, &run)) && run) {
		if (run > sizeof(side->head) - n)
			run = (uint32_t)sizeof(side->head) - n;
		memcpy(side->head + n, p, run);
		n += run;
	}
	return n;
}

static enum more read_head(struct tg_load_side *side, uint32_t conn)
{
	struct tg_load_slot *s = &side->slot[conn];
	struct tg_load_head head;
	uint32_t n = gather(side, conn);
	int rc = tg_load_head(side->head, n, &head);

	if (rc < 0 || (rc > 0 && head.status >= 400)) {
		fail(side, conn, TG_LOAD_BAD_ANSWER);
		return MORE_GONE;
	}
	if (rc == 0)
		return MORE_WAIT;
	consume(side, conn, head.len);
	if (head.status < 200)
		return MORE_GO_ON; /* the answer itself comes yet */
	s->got = 0;
	s->put = head.body;
	s->step = head.chunked ? STEP_CHUNK : STEP_BODY;
	if (side->plan->set.act == TG_LOAD_DOWN &&
	    (head.chunked || head.body != side->plan->set.bytes)) {
		fail(side, conn, TG_LOAD_BAD_BYTES);
		return MORE_GONE;
	}
	return MORE_GO_ON;
}

/* Bytes up to s->put; down knows which. False: they are wrong. */
static bool take_bytes(struct tg_load_side *side, uint32_t conn)
{
	struct tg_load_slot *s = &side->slot[conn];
	const uint8_t *p;
	uint32_t run;

	while (s->got < s->put && (p = tg_conn_peek(side->engine, conn, 0, &run)) && run) {
		if (run > s->put - s->got)
			run = (uint32_t)(s->put - s->got);
		if (side->plan->set.act == TG_LOAD_DOWN && !tg_load_bytes_is_http(s->got, p, run))
			return false;
		s->got += run;
		consume(side, conn, run);
	}
	return true;
}

static enum more read_body(struct tg_load_side *side, uint32_t conn)
{
	struct tg_load_slot *s = &side->slot[conn];

	if (!take_bytes(side, conn)) {
		fail(side, conn, TG_LOAD_BAD_BYTES);
		return MORE_GONE;
	}
	bool whole =
	    s->got == s->put || (s->put == TG_LOAD_TO_EOF && tg_conn_is_eof(side->engine, conn));

	if (!whole)
		return MORE_WAIT;
	answered(side, conn);
	return MORE_GONE;
}

static enum more read_chunk(struct tg_load_side *side, uint32_t conn)
{
	struct tg_load_slot *s = &side->slot[conn];
	uint32_t len;
	uint64_t size;
	int rc = tg_load_chunk(side->head, gather(side, conn), &len, &size);

	if (rc < 0) {
		fail(side, conn, TG_LOAD_BAD_ANSWER);
		return MORE_GONE;
	}
	if (rc == 0)
		return MORE_WAIT;
	consume(side, conn, len);
	s->got = 0;
	s->put = size + 2;
	s->step = size ? STEP_PIECE : STEP_TRAILER;
	return MORE_GO_ON;
}

static enum more read_piece(struct tg_load_side *side, uint32_t conn)
{
	struct tg_load_slot *s = &side->slot[conn];

	take_bytes(side, conn);
	if (s->got < s->put)
		return MORE_WAIT;
	s->step = STEP_CHUNK;
	return MORE_GO_ON;
}

static enum more read_trailer(struct tg_load_side *side, uint32_t conn)
{
	uint32_t n = gather(side, conn);
	const char *nl = n ? memchr(side->head, '\n', n) : NULL;

	if (!nl && n == sizeof(side->head)) {
		fail(side, conn, TG_LOAD_BAD_ANSWER);
		return MORE_GONE;
	}
	if (!nl)
		return MORE_WAIT;
	uint32_t len = (uint32_t)(nl - side->head) + 1;
	bool empty = len == 1 || (len == 2 && side->head[0] == '\r');

	consume(side, conn, len);
	if (!empty)
		return MORE_GO_ON;
	answered(side, conn);
	return MORE_GONE;
}

/* Nobody asked for it, or nobody wants it any more. */
static enum more throw_away(struct tg_load_side *side, uint32_t conn)
{
	uint32_t n = tg_conn_readable(side->engine, conn);

	side->now.rx_bytes += n;
	tg_conn_consume(side->engine, conn, n);
	return MORE_WAIT;
}

static enum more read_more(struct tg_load_side *side, uint32_t conn)
{
	switch ((enum step)side->slot[conn].step) {
	case STEP_ECHO:
		return read_echo(side, conn);
	case STEP_ASK: /* an answer before the question: an error, perhaps; it can wait */
		return MORE_WAIT;
	case STEP_HEAD:
		return read_head(side, conn);
	case STEP_BODY:
		return read_body(side, conn);
	case STEP_CHUNK:
		return read_chunk(side, conn);
	case STEP_PIECE:
		return read_piece(side, conn);
	case STEP_TRAILER:
		return read_trailer(side, conn);
	case STEP_NONE:
	case STEP_OPENING:
	case STEP_UP:
	case STEP_THINK:
	case STEP_KEEP:
	case STEP_HELD:
	case STEP_WAIT:
	case STEP_CLOSING:
		break;
	}
	return throw_away(side, conn);
}

/* The server will say no more. */
static void on_eof(struct tg_load_side *side, uint32_t conn)
{
	struct tg_load_slot *s = &side->slot[conn];
	uint32_t close = side->plan->set.close;
	bool may = close != TG_LOAD_CLIENT && close != TG_LOAD_RST;

	if (s->step == STEP_CLOSING) {
		shut(side, conn); /* if that was not possible before */
	} else if (s->step == STEP_WAIT || (may && s->step == STEP_KEEP)) {
		to_closing(side, conn);
	} else {
		throw_away(side, conn);
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
	enum more more;

	if (side->slot[conn].step == STEP_NONE)
		return;
	while ((more = read_more(side, conn)) == MORE_GO_ON)
		;
	/* What follows a whole answer: the end, or the beginning of what was not asked for. */
	if (more == MORE_GONE && side->slot[conn].step == STEP_NONE)
		return;
	if (more == MORE_GONE && tg_conn_readable(engine, conn)) {
		tg_conn_kick(engine, conn);
		return;
	}
	if (has_fin(engine, conn))
		on_eof(side, conn);
}

static void on_writable(void *ctx, struct tg_engine *engine, uint32_t conn)
{
	(void)engine;
	write_more(ctx, conn);
}

static void on_opened(void *ctx, struct tg_engine *engine, uint32_t conn)
{
	struct tg_load_side *side = ctx;

	(void)engine;
	note(side, TG_LOAD_HANDSHAKE, &side->slot[conn]);
	side->now.opened++;
	side->now.opening--;
	side->now.open++;
	if (side->now.open > side->now.open_max)
		side->now.open_max = side->now.open;
	side->slot[conn].flags |= FLAG_OPEN;
	begin_request(side, conn);
}

static void on_expired(void *ctx, struct tg_engine *engine, uint32_t conn)
{
	struct tg_load_side *side = ctx;
	struct tg_load_slot *s = &side->slot[conn];

	(void)engine;
	if (s->step == STEP_THINK) {
		begin_request(side, conn);
	} else if (s->step == STEP_KEEP) {
		start_close(side, conn);
	} else if (s->step == STEP_OPENING) {
		fail(side, conn, s->flags & FLAG_NO_WAY ? TG_LOAD_UNREACHABLE : TG_LOAD_TIMEOUT);
	} else if (s->step == STEP_CLOSING && !(s->flags & FLAG_SHUT)) {
		shut(side, conn);
		set_timer(side, conn, s->flags & FLAG_SHUT ? side->plan->set.timeout_ms : RETRY_MS);
	} else if (s->flags & FLAG_MOVED) {
		set_timer(side, conn, side->plan->set.timeout_ms);
	} else if (s->step == STEP_CLOSING || s->step == STEP_WAIT) {
		fail(side, conn, TG_LOAD_NO_CLOSE);
	} else if (s->step != STEP_HELD && s->step != STEP_NONE) {
		fail(side, conn, TG_LOAD_STALLED);
	}
}

static void on_soft_error(void *ctx, struct tg_engine *engine, uint32_t conn, int error)
{
	struct tg_load_side *side = ctx;

	(void)engine;
	(void)error;
	side->slot[conn].flags |= FLAG_NO_WAY;
}

/* --- over --- */

static enum tg_load_cause cause_of(const struct tg_load_side *side, const struct tg_load_slot *s,
				   enum tg_close_reason reason)
{
	bool opening = s->step == STEP_OPENING;

	if (s->cause != TG_LOAD_OK)
		return (enum tg_load_cause)s->cause;
	switch (reason) {
	case TG_CLOSE_REFUSED:
		return opening ? TG_LOAD_REFUSED : TG_LOAD_RESET;
	case TG_CLOSE_RESET:
		return TG_LOAD_RESET;
	case TG_CLOSE_TIMEOUT:
		return opening                   ? TG_LOAD_TIMEOUT
		       : s->step == STEP_CLOSING ? TG_LOAD_NO_CLOSE
						 : TG_LOAD_STALLED;
	case TG_CLOSE_UNREACHABLE:
	case TG_CLOSE_NET_UNREACHABLE:
		return TG_LOAD_UNREACHABLE;
	case TG_CLOSE_ABORT:
		if (s->step == STEP_CLOSING && side->plan->set.close == TG_LOAD_RST)
			return TG_LOAD_OK;
		return side->is_interrupted ? TG_LOAD_CUT : TG_LOAD_UNFINISHED;
	case TG_CLOSE_NONE:
	case TG_CLOSE_NORMAL:
	case TG_CLOSE_FW2:
		break;
	}
	return s->step == STEP_CLOSING ? TG_LOAD_OK : TG_LOAD_EARLY;
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
		note(side, TG_LOAD_TRANSFER, s);
	else if (set->close != TG_LOAD_RST && set->close != TG_LOAD_HALF)
		note(side, TG_LOAD_CLOSE, s);
}

static void on_closed(void *ctx, struct tg_engine *engine, uint32_t conn,
		      enum tg_close_reason reason)
{
	struct tg_load_side *side = ctx;
	struct tg_load_slot *s = &side->slot[conn];

	(void)engine;
	assert(s->step != STEP_NONE);
	count_end(side, s, cause_of(side, s, reason));
	if (s->step == STEP_HELD)
		held_remove(side, conn);
	if (s->step == STEP_CLOSING)
		side->now.closing--;
	else if (s->flags & FLAG_OPEN)
		side->now.open--;
	else
		side->now.opening--;
	s->step = STEP_NONE;
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

	assert(conn < side->slot_n && s->step == STEP_NONE);
	*s = (struct tg_load_slot){.since_ns = now_ns,
				   .number = (uint32_t)number,
				   .prev = TG_NONE,
				   .next = TG_NONE,
				   .target = (uint8_t)target,
				   .step = STEP_OPENING};
	side->now.opening++;
	tg_conn_timer(side->engine, conn, side->plan->set.timeout_ms);
}

bool tg_load_conn_close_oldest(struct tg_load_side *side)
{
	uint32_t conn = side->held_head;

	if (conn == TG_NONE)
		return false;
	held_remove(side, conn);
	side->slot[conn].step = STEP_KEEP;
	start_close(side, conn);
	return true;
}

void tg_load_conn_end_idle(struct tg_load_side *side, uint32_t conn)
{
	struct tg_load_slot *s = &side->slot[conn];

	if (s->step == STEP_KEEP || s->step == STEP_THINK)
		start_close(side, conn);
}
