/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_service.h: what runs on a connection. To add a service: fill in a struct tg_service and put it
 * into the table that is handed to the engine (lib/service/tg_services.h for those of the product).
 * The engine is not touched.
 *
 * All calls come on the engine's own core, one at a time. conn is a connection's index; it is valid
 * from opened to closed, both included, and is used again for others after that. A callback may be
 * NULL where nothing is to be done.
 *
 * Per connection a service has one 32-bit word (tg_conn_word), 0 at first: enough for an index into
 * memory of its own, which it lays out in init. A connection that waits for a request should hold
 * no more than that: this is how an idle one costs 64 bytes. */
#ifndef TG_SERVICE_H
#define TG_SERVICE_H

#include "tg_tcp.h"

struct tg_engine;

struct tg_service {
	const char *name;  /* as in `service = NAME` */
	const char *about; /* one sentence, for --help */
	/* Memory of the service in one engine with room for conn_max connections, bytes; and its
	 * layout. NULL = none needed. mem is zero, 64-byte aligned. init returns the ctx that all
	 * calls below get. seed: for what must be random. */
	size_t (*footprint)(uint32_t conn_max);
	void *(*init)(void *mem, uint32_t conn_max, uint64_t seed);
	/* The connection is open. It may be written to at once. */
	void (*opened)(void *ctx, struct tg_engine *engine, uint32_t conn);
	/* New bytes can be read, or (eof) the peer will send no more: tg_conn_is_eof() says so once
	 * all is read. Called again only when more comes, or after tg_conn_kick(). */
	void (*readable)(void *ctx, struct tg_engine *engine, uint32_t conn);
	/* tg_conn_write took less than was asked, and there is room now. */
	void (*writable)(void *ctx, struct tg_engine *engine, uint32_t conn);
	/* The timer of tg_conn_timer() fired. */
	void (*expired)(void *ctx, struct tg_engine *engine, uint32_t conn);
	/* The last call: unread bytes can still be read inside it, nothing can be written. Also
	 * after tg_conn_close and tg_conn_abort, so a service frees its state in one place. After a
	 * full close (tg_conn_close) it comes at once, with NORMAL: what follows is the engine's.
	 */
	void (*closed)(void *ctx, struct tg_engine *engine, uint32_t conn,
		       enum tg_close_reason reason);
	/* Optional events: urgent data (SE-42), a soft error was noted (RB-18). */
	void (*urgent)(void *ctx, struct tg_engine *engine, uint32_t conn);
	void (*soft_error)(void *ctx, struct tg_engine *engine, uint32_t conn, int error);
	/* An accept queue stands behind it (EST-26): each connection that opens counts against its
	 * listener's backlog until tg_engine_accepted(). false: it takes connections at once. */
	bool has_accept_queue;
};

/* --- what a service (or a socket layer) may call; conn as given to it --- */

uint32_t tg_conn_word(const struct tg_engine *engine, uint32_t conn);
void tg_conn_set_word(struct tg_engine *engine, uint32_t conn, uint32_t word);
/* Readable bytes; the first run of them in place, valid until the next call for this connection
 * (NULL when none); n bytes are done with. */
uint32_t tg_conn_readable(struct tg_engine *engine, uint32_t conn);
const uint8_t *tg_conn_peek(struct tg_engine *engine, uint32_t conn, uint32_t offset,
			    uint32_t *run);
void tg_conn_consume(struct tg_engine *engine, uint32_t conn, uint32_t n);
/* The peer closed and all was read. */
bool tg_conn_is_eof(struct tg_engine *engine, uint32_t conn);
/* Bytes taken, 0..len; less than len: `writable` will come. Negative errno: -EPIPE, -ENOTCONN,
 * -ENOBUFS (no extension: `writable` will come). */
int32_t tg_conn_write(struct tg_engine *engine, uint32_t conn, const void *data, uint32_t len);
uint32_t tg_conn_write_room(struct tg_engine *engine, uint32_t conn);
/* FIN after what is queued; the peer may go on sending (half-close, UC-06). */
int tg_conn_shutdown(struct tg_engine *engine, uint32_t conn);
/* Full close (UC-05, UC-08); abort (UC-07). conn is not to be used after, except inside `closed`.
 */
void tg_conn_close(struct tg_engine *engine, uint32_t conn);
void tg_conn_abort(struct tg_engine *engine, uint32_t conn);
/* `expired` comes after ms; 0 cancels. One timer a connection. */
void tg_conn_timer(struct tg_engine *engine, uint32_t conn, uint32_t ms);
/* Asks for another `readable` at the next engine call (a service that stopped reading for its own
 * reasons). */
void tg_conn_kick(struct tg_engine *engine, uint32_t conn);
enum tg_tcp_state tg_conn_state(const struct tg_engine *engine, uint32_t conn);
void tg_conn_tuple(const struct tg_engine *engine, uint32_t conn, struct tg_tuple *tuple);
/* Time of the current engine call. */
uint64_t tg_engine_now_ns(const struct tg_engine *engine);

#endif
