/* SPDX-License-Identifier: BSD-3-Clause */
/* http.c: HTTP/1.1 over the service interface (RFC 9112).
 *
 * A connection's word is 0 while no request is in progress, else 1 + the index of its slot: between
 * requests a connection costs nothing but its 64 bytes.
 *
 *   idle --first byte--> head --> body --> reply --> idle, or the next request (pipelining)
 *     60 s: close        10 s      60 s      60 s without progress
 *                        408       408       abort        error --> linger --> close
 *
 * Answers come in order because nothing more is read while one is being sent. After an error the
 * sending side is closed first and the rest of what comes thrown away for a while: a RST would take
 * the answer from the peer before it is read (RFC 9112 9.6). */
#include "tg_services.h"
#include "http_parse.h"
#include "http_reply.h"

/* ADV-56: how long a peer may be slow; it cannot hold a connection by it for ever. */
enum {
	HEAD_MS = 10000,
	PROGRESS_MS = 60000,
	IDLE_MS = 60000,
	LINGER_MS = 2000,
	PIECE = 16384,
	SLOTS_LEAST = 4096,
};

enum step { STEP_HEAD = 1, STEP_BODY, STEP_REPLY, STEP_LINGER };

static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

struct slot {
	struct tg_http_request request;
	struct tg_http_reply reply;
	uint32_t next; /* free ones; index + 1, 0 = none */
	uint8_t step;  /* enum step */
	uint8_t
	    go_on_at; /* bytes of "100 Continue" sent; sizeof(go_on) - 1 = all, or none wanted */
};

struct http {
	uint32_t slot_n, fresh, free_head;
	uint8_t pattern[PIECE + TG_HTTP_PATTERN]; /* byte i is i mod 251 */
	struct slot slot[];
};

/* An eighth of the connections with a request in progress at once; 503 above. */
static uint32_t slots_for(uint32_t conn_max)
{
	uint32_t least = conn_max < SLOTS_LEAST ? conn_max : SLOTS_LEAST;

	return conn_max / 8 > least ? conn_max / 8 : least;
}

static size_t footprint(uint32_t conn_max)
{
	return sizeof(struct http) + (size_t)slots_for(conn_max) * sizeof(struct slot);
}

static void *init(void *mem, uint32_t conn_max, uint64_t seed)
{
	struct http *h = mem;

	h->slot_n = slots_for(conn_max);
	for (uint32_t i = 0; i < sizeof(h->pattern); i++)
		h->pattern[i] = (uint8_t)(i % TG_HTTP_PATTERN);
	return h;
}

/* --- slots --- */

static struct slot *slot_of(struct http *h, const struct tg_engine *engine, uint32_t conn)
{
	uint32_t word = tg_conn_word(engine, conn);

	return word ? &h->slot[word - 1] : NULL;
}

static struct slot *slot_get(struct http *h, struct tg_engine *engine, uint32_t conn)
{
	uint32_t word = h->free_head;

	if (word)
		h->free_head = h->slot[word - 1].next;
	else if (h->fresh < h->slot_n)
		word = ++h->fresh;
	else
		return NULL;
	tg_conn_set_word(engine, conn, word);
	return &h->slot[word - 1];
}

static void slot_put(struct http *h, struct tg_engine *engine, uint32_t conn)
{
	uint32_t word = tg_conn_word(engine, conn);

	if (!word)
		return;
	h->slot[word - 1].next = h->free_head;
	h->free_head = word;
	tg_conn_set_word(engine, conn, 0);
}

/* --- sending --- */

/* Writes bytes[*at..n); true when all of them are taken. */
static bool put(struct tg_engine *engine, uint32_t conn, const void *bytes, uint32_t n,
		uint32_t *at)
{
	int32_t taken;

	if (*at == n)
		return true;
	taken = tg_conn_write(engine, conn, (const uint8_t *)bytes + *at, n - *at);
	if (taken > 0)
		*at += (uint32_t)taken;
	return *at == n;
}

static bool put_body(const struct http *h, struct tg_engine *engine, uint32_t conn,
		     struct tg_http_reply *reply)
{
	while (reply->body_at < reply->body_len) {
		uint64_t left = reply->body_len - reply->body_at;
		uint32_t n = left < PIECE ? (uint32_t)left : PIECE, done = 0;
		const void *bytes = reply->text ? (const void *)(reply->text + reply->body_at)
						: h->pattern + reply->body_at % TG_HTTP_PATTERN;
		bool all = put(engine, conn, bytes, n, &done);

		reply->body_at += done;
		if (!all)
			return false;
	}
	return true;
}

static bool put_reply(const struct http *h, struct tg_engine *engine, uint32_t conn,
		      struct tg_http_reply *reply)
{
	uint32_t at = reply->head_at;
	bool all = put(engine, conn, reply->head, reply->head_n, &at);

	reply->head_at = (uint16_t)at;
	return all && put_body(h, engine, conn, reply);
}

/* --- the steps: each says whether the next may follow now --- */

static void begin_reply(struct slot *s, struct tg_engine *engine, uint32_t conn)
{
	s->step = STEP_REPLY;
	tg_conn_timer(engine, conn, PROGRESS_MS);
}

static void refuse(struct slot *s, struct tg_engine *engine, uint32_t conn, uint16_t status)
{
	tg_http_refuse(&s->reply, status);
	begin_reply(s, engine, conn);
}

/* What the parser does with the bytes that are there. False when it wants more of them. */
static bool feed(struct slot *s, struct tg_engine *engine, uint32_t conn, enum tg_http_phase phase,
		 bool *progress)
{
	const uint8_t *bytes;
	uint32_t run;

	while (s->request.phase == phase && (bytes = tg_conn_peek(engine, conn, 0, &run)) != NULL) {
		uint32_t used = phase == TG_HTTP_HEAD ? tg_http_head(&s->request, bytes, run)
						      : tg_http_body(&s->request, bytes, run);
		tg_conn_consume(engine, conn, used);
		*progress = true;
	}
	return s->request.phase != phase;
}

static void rest(struct http *h, struct tg_engine *engine, uint32_t conn)
{
	slot_put(h, engine, conn);
	tg_conn_timer(engine, conn, IDLE_MS);
}

static bool step_head(struct http *h, struct slot *s, struct tg_engine *engine, uint32_t conn)
{
	bool progress = false;

	if (!feed(s, engine, conn, TG_HTTP_HEAD, &progress)) {
		if (!tg_http_has_begun(&s->request)) {
			rest(h, engine, conn); /* only the empty line after a body */
			return true;
		}
		if (!tg_conn_is_eof(engine, conn))
			return false;
		refuse(s, engine, conn, 400); /* half a request, and no more will come */
		return true;
	}
	/* What the head alone decides is answered before the body comes. */
	if (s->request.phase == TG_HTTP_COMPLETE || tg_http_route(&s->request) != 200) {
		tg_http_answer(&s->reply, &s->request);
		begin_reply(s, engine, conn);
		return true;
	}
	s->step = STEP_BODY;
	s->go_on_at = s->request.expect_continue && s->request.minor == 1 ? 0 : sizeof(go_on) - 1;
	tg_conn_timer(engine, conn, PROGRESS_MS);
	return true;
}

static bool step_body(struct slot *s, struct tg_engine *engine, uint32_t conn)
{
	uint32_t at = s->go_on_at;
	bool progress = false, said = put(engine, conn, go_on, sizeof(go_on) - 1, &at);

	s->go_on_at = (uint8_t)at;
	if (!said)
		return false;
	bool whole = feed(s, engine, conn, TG_HTTP_BODY, &progress);

	if (progress)
		tg_conn_timer(engine, conn, PROGRESS_MS);
	if (!whole && !tg_conn_is_eof(engine, conn))
		return false;
	if (!whole) {
		refuse(s, engine, conn, 400);
		return true;
	}
	tg_http_answer(&s->reply, &s->request);
	begin_reply(s, engine, conn);
	return true;
}

/* After an error bytes may still come that nobody asked for. */
static bool must_linger(const struct slot *s)
{
	return s->reply.status != 200;
}

static void finish(struct http *h, struct tg_engine *engine, uint32_t conn, struct slot *s)
{
	if (!s->reply.close) {
		rest(h, engine, conn);
		return;
	}
	if (!must_linger(s)) {
		tg_conn_close(engine, conn);
		return;
	}
	s->step = STEP_LINGER;
	tg_conn_shutdown(engine, conn);
	tg_conn_timer(engine, conn, LINGER_MS);
}

static bool step_reply(struct http *h, struct slot *s, struct tg_engine *engine, uint32_t conn,
		       bool *gone)
{
	uint64_t before = s->reply.head_at + s->reply.body_at;
	bool all = put_reply(h, engine, conn, &s->reply);

	if (!all) {
		if (s->reply.head_at + s->reply.body_at != before)
			tg_conn_timer(engine, conn, PROGRESS_MS);
		return false;
	}
	*gone = s->reply.close && !must_linger(s);
	finish(h, engine, conn, s);
	return !*gone;
}

static bool step_linger(struct tg_engine *engine, uint32_t conn, bool *gone)
{
	tg_conn_consume(engine, conn, tg_conn_readable(engine, conn));
	if (!tg_conn_is_eof(engine, conn))
		return false;
	*gone = true;
	tg_conn_close(engine, conn);
	return false;
}

/* No room for a request: said in one go, into the empty send queue. */
static void turn_away(struct tg_engine *engine, uint32_t conn)
{
	struct tg_http_reply reply;

	tg_http_refuse(&reply, 503);
	tg_conn_write(engine, conn, reply.head, reply.head_n);
	tg_conn_consume(engine, conn, tg_conn_readable(engine, conn));
	tg_conn_close(engine, conn);
}

/* Between requests. True when one begins. */
static bool idle(struct http *h, struct tg_engine *engine, uint32_t conn, bool *gone)
{
	if (tg_conn_readable(engine, conn) == 0) {
		*gone = tg_conn_is_eof(engine, conn);
		if (*gone)
			tg_conn_close(engine, conn);
		return false;
	}
	struct slot *s = slot_get(h, engine, conn);

	if (!s) {
		*gone = true;
		turn_away(engine, conn);
		return false;
	}
	s->step = STEP_HEAD;
	tg_http_begin(&s->request);
	tg_conn_timer(engine, conn, HEAD_MS);
	return true;
}

static bool take_step(struct http *h, struct slot *s, struct tg_engine *engine, uint32_t conn,
		      bool *gone)
{
	switch ((enum step)s->step) {
	case STEP_HEAD:
		return step_head(h, s, engine, conn);
	case STEP_BODY:
		return step_body(s, engine, conn);
	case STEP_REPLY:
		return step_reply(h, s, engine, conn, gone);
	case STEP_LINGER:
		return step_linger(engine, conn, gone);
	}
	return false;
}

/* As far as the bytes that are there and the room in the send queue reach. */
static void drive(struct http *h, struct tg_engine *engine, uint32_t conn)
{
	bool gone = false, more = true;

	while (more && !gone) {
		struct slot *s = slot_of(h, engine, conn);
		more = s ? take_step(h, s, engine, conn, &gone) : idle(h, engine, conn, &gone);
	}
}

/* --- the service --- */

static void on_opened(void *ctx, struct tg_engine *engine, uint32_t conn)
{
	tg_conn_timer(engine, conn, IDLE_MS);
}

static void on_event(void *ctx, struct tg_engine *engine, uint32_t conn)
{
	drive(ctx, engine, conn);
}

static void on_expired(void *ctx, struct tg_engine *engine, uint32_t conn)
{
	struct slot *s = slot_of(ctx, engine, conn);

	if (!s || s->step == STEP_LINGER) {
		tg_conn_close(engine, conn);
		return;
	}
	if (s->step == STEP_REPLY) { /* it reads nothing any more */
		tg_conn_abort(engine, conn);
		return;
	}
	refuse(s, engine, conn, 408);
	drive(ctx, engine, conn);
}

static void on_closed(void *ctx, struct tg_engine *engine, uint32_t conn,
		      enum tg_close_reason reason)
{
	slot_put(ctx, engine, conn);
}

const struct tg_service tg_service_http = {
    .name = "http",
    .about = "HTTP/1.1: GET /, GET /bytes/N, POST /sink",
    .footprint = footprint,
    .init = init,
    .opened = on_opened,
    .readable = on_event,
    .writable = on_event,
    .expired = on_expired,
    .closed = on_closed,
};
