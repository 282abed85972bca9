/* SPDX-License-Identifier: BSD-3-Clause */
/* load_work.c: what a connection asks, and whether the answer is right. */
#include "load_bytes.h"
#include "load_slot.h"

#include <string.h>

/* --- what is asked --- */

static void answered(struct tg_load_side *side, uint32_t conn)
{
	struct tg_load_slot *s = &side->slot[conn];
	const struct tg_load_settings *set = &side->plan->set;

	tg_load_note(side, TG_LOAD_TRANSFER, s);
	side->now.requests++;
	s->answered++;
	if (s->answered == set->requests || (side->is_ending && set->think_ms)) {
		tg_load_finish(side, conn);
	} else if (set->think_ms) {
		s->step = TG_STEP_THINK;
		tg_conn_timer(side->engine, conn, set->think_ms);
	} else {
		tg_load_begin_request(side, conn);
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
		s->flags |= TG_SLOT_MOVED;
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
	s->flags |= TG_SLOT_MOVED;
	return (uint32_t)n == left;
}

void tg_load_write_more(struct tg_load_side *side, uint32_t conn)
{
	struct tg_load_slot *s = &side->slot[conn];
	const struct tg_load_settings *set = &side->plan->set;

	if (s->step == TG_STEP_ASK) {
		if (!write_request(side, conn))
			return;
		s->step = TG_STEP_HEAD;
	} else if ((s->step != TG_STEP_ECHO && s->step != TG_STEP_UP) ||
		   !write_pattern(side, conn)) {
		return;
	}
	if (s->step == TG_STEP_UP) {
		side->now.requests++;
		s->answered++;
		tg_load_finish(side, conn);
	} else if (set->close == TG_LOAD_HALF && is_last(side, s) && !set->hold) {
		tg_load_shut(side, conn);
	}
}

void tg_load_begin_request(struct tg_load_side *side, uint32_t conn)
{
	struct tg_load_slot *s = &side->slot[conn];
	const struct tg_load_settings *set = &side->plan->set;

	s->got = s->put = 0;
	s->flags &= (uint8_t)~TG_SLOT_FIRST;
	tg_load_begin_timing(side, s);
	tg_load_set_timer(side, conn, set->timeout_ms);
	switch ((enum tg_load_act)set->act) {
	case TG_LOAD_NOTHING:
		tg_load_finish(side, conn);
		return;
	case TG_LOAD_ECHO:
		s->step = TG_STEP_ECHO;
		break;
	case TG_LOAD_UP:
		s->step = TG_STEP_UP;
		break;
	case TG_LOAD_HTTP:
	case TG_LOAD_DOWN:
		s->step = TG_STEP_ASK;
		break;
	}
	tg_load_write_more(side, conn);
	s->flags &= (uint8_t)~TG_SLOT_MOVED; /* the question is no answer */
}

/* --- what comes --- */

static void consume(struct tg_load_side *side, uint32_t conn, uint32_t n)
{
	struct tg_load_slot *s = &side->slot[conn];

	if (n && !(s->flags & TG_SLOT_FIRST)) {
		s->flags |= TG_SLOT_FIRST;
		tg_load_note(side, TG_LOAD_FIRST_BYTE, s);
	}
	s->flags |= TG_SLOT_MOVED;
	side->now.rx_bytes += n;
	tg_conn_consume(side->engine, conn, n);
}

static enum tg_load_read read_echo(struct tg_load_side *side, uint32_t conn)
{
	struct tg_load_slot *s = &side->slot[conn];
	const uint8_t *p;
	uint32_t run;

	while ((p = tg_conn_peek(side->engine, conn, 0, &run)) && run) {
		if (run > s->put - s->got || !tg_load_bytes_is_mine(s->number, s->got, p, run)) {
			tg_load_fail(side, conn, TG_LOAD_BAD_BYTES);
			return TG_READ_GONE;
		}
		s->got += run;
		consume(side, conn, run);
	}
	if (s->got < side->plan->set.bytes)
		return TG_READ_WAIT;
	answered(side, conn);
	return TG_READ_GONE; /* whatever it does now, it is called again */
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

static enum tg_load_read read_head(struct tg_load_side *side, uint32_t conn)
{
	struct tg_load_slot *s = &side->slot[conn];
	struct tg_load_head head;
	uint32_t n = gather(side, conn);
	int rc = tg_load_head(side->head, n, &head);

	if (rc < 0 || (rc > 0 && head.status >= 400)) {
		tg_load_fail(side, conn, TG_LOAD_BAD_ANSWER);
		return TG_READ_GONE;
	}
	if (rc == 0)
		return TG_READ_WAIT;
	consume(side, conn, head.len);
	if (head.status < 200)
		return TG_READ_GO_ON; /* the answer itself comes yet */
	s->got = 0;
	s->put = head.body;
	s->step = head.chunked ? TG_STEP_CHUNK : TG_STEP_BODY;
	if (side->plan->set.act == TG_LOAD_DOWN &&
	    (head.chunked || head.body != side->plan->set.bytes)) {
		tg_load_fail(side, conn, TG_LOAD_BAD_BYTES);
		return TG_READ_GONE;
	}
	return TG_READ_GO_ON;
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

static enum tg_load_read read_body(struct tg_load_side *side, uint32_t conn)
{
	struct tg_load_slot *s = &side->slot[conn];

	if (!take_bytes(side, conn)) {
		tg_load_fail(side, conn, TG_LOAD_BAD_BYTES);
		return TG_READ_GONE;
	}
	bool whole =
	    s->got == s->put || (s->put == TG_LOAD_TO_EOF && tg_conn_is_eof(side->engine, conn));

	if (!whole)
		return TG_READ_WAIT;
	answered(side, conn);
	return TG_READ_GONE;
}

static enum tg_load_read read_chunk(struct tg_load_side *side, uint32_t conn)
{
	struct tg_load_slot *s = &side->slot[conn];
	uint32_t len;
	uint64_t size;
	int rc = tg_load_chunk(side->head, gather(side, conn), &len, &size);

	if (rc < 0) {
		tg_load_fail(side, conn, TG_LOAD_BAD_ANSWER);
		return TG_READ_GONE;
	}
	if (rc == 0)
		return TG_READ_WAIT;
	consume(side, conn, len);
	s->got = 0;
	s->put = size + 2;
	s->step = size ? TG_STEP_PIECE : TG_STEP_TRAILER;
	return TG_READ_GO_ON;
}

static enum tg_load_read read_piece(struct tg_load_side *side, uint32_t conn)
{
	struct tg_load_slot *s = &side->slot[conn];

	take_bytes(side, conn);
	if (s->got < s->put)
		return TG_READ_WAIT;
	s->step = TG_STEP_CHUNK;
	return TG_READ_GO_ON;
}

static enum tg_load_read read_trailer(struct tg_load_side *side, uint32_t conn)
{
	uint32_t n = gather(side, conn);
	const char *nl = n ? memchr(side->head, '\n', n) : NULL;

	if (!nl && n == sizeof(side->head)) {
		tg_load_fail(side, conn, TG_LOAD_BAD_ANSWER);
		return TG_READ_GONE;
	}
	if (!nl)
		return TG_READ_WAIT;
	uint32_t len = (uint32_t)(nl - side->head) + 1;
	bool empty = len == 1 || (len == 2 && side->head[0] == '\r');

	consume(side, conn, len);
	if (!empty)
		return TG_READ_GO_ON;
	answered(side, conn);
	return TG_READ_GONE;
}

enum tg_load_read tg_load_throw_away(struct tg_load_side *side, uint32_t conn)
{
	uint32_t n = tg_conn_readable(side->engine, conn);

	side->now.rx_bytes += n;
	tg_conn_consume(side->engine, conn, n);
	return TG_READ_WAIT;
}

enum tg_load_read tg_load_read_more(struct tg_load_side *side, uint32_t conn)
{
	switch ((enum tg_load_step)side->slot[conn].step) {
	case TG_STEP_ECHO:
		return read_echo(side, conn);
	case TG_STEP_ASK: /* an answer before the question: an error, perhaps; it can wait */
		return TG_READ_WAIT;
	case TG_STEP_HEAD:
		return read_head(side, conn);
	case TG_STEP_BODY:
		return read_body(side, conn);
	case TG_STEP_CHUNK:
		return read_chunk(side, conn);
	case TG_STEP_PIECE:
		return read_piece(side, conn);
	case TG_STEP_TRAILER:
		return read_trailer(side, conn);
	case TG_STEP_NONE:
	case TG_STEP_OPENING:
	case TG_STEP_UP:
	case TG_STEP_THINK:
	case TG_STEP_KEEP:
	case TG_STEP_HELD:
	case TG_STEP_WAIT:
	case TG_STEP_CLOSING:
		break;
	}
	return tg_load_throw_away(side, conn);
}
