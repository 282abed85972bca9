/* SPDX-License-Identifier: BSD-3-Clause */
/* http_parse.h (private to service): HTTP/1.x requests (RFC 9112), a byte at a time: nothing is
 * kept but what the answer depends on, so a request may come in pieces of any size and headers of
 * any length up to the limits cost no memory.
 *
 *   tg_http_begin(r);
 *   tg_http_head(r, bytes, n)   until r->phase is not TG_HTTP_HEAD
 *   tg_http_body(r, bytes, n)   until r->phase is TG_HTTP_COMPLETE
 *
 * Each returns how many bytes it used. An error sets r->status to 4xx or 5xx and the phase to
 * COMPLETE: the connection must be closed after the answer, as nobody knows where the next request
 * begins. */
#ifndef TG_HTTP_PARSE_H
#define TG_HTTP_PARSE_H

#include <stdbool.h>
#include <stdint.h>

enum tg_http_phase { TG_HTTP_HEAD = 1, TG_HTTP_BODY, TG_HTTP_COMPLETE };
enum tg_http_method { TG_HTTP_GET = 1, TG_HTTP_METHOD_HEAD, TG_HTTP_POST, TG_HTTP_METHOD_OTHER };

enum {
	TG_HTTP_TARGET_MAX = 8192,  /* 414 above */
	TG_HTTP_FIELDS_MAX = 16384, /* bytes of header fields, 431 above; trailers likewise */
	TG_HTTP_PATH_MAX = 31,      /* longer paths are none of ours */
	TG_HTTP_TOKEN_MAX = 23,
};
#define TG_HTTP_BODY_MAX (1ull << 40) /* 413 above */

struct tg_http_request {
	uint64_t left;                      /* of the body, or of its chunk */
	uint64_t total;                     /* bytes of body so far */
	uint16_t status;                    /* 0 = no error */
	uint16_t line_n;                    /* bytes of the target, of a chunk's size line */
	uint16_t fields_n;                  /* bytes of header fields or trailers */
	uint8_t phase;                      /* enum tg_http_phase */
	uint8_t state;                      /* where the parser stands: http_parse.c */
	uint8_t method;                     /* enum tg_http_method */
	uint8_t minor;                      /* HTTP/1.minor: 0 or 1 */
	uint8_t field;                      /* which known field the value belongs to */
	uint8_t host_n, length_n, coding_n; /* how often the field was there */
	bool chunked, close, keep_alive, expect_continue, expect_other;
	bool has_body;   /* something follows the head */
	bool digits;     /* the chunk size has one */
	uint8_t token_n; /* 255 = it was too long */
	uint8_t path_n;  /* likewise */
	char token[TG_HTTP_TOKEN_MAX + 1];
	char path[TG_HTTP_PATH_MAX + 1]; /* without query; ends with 0 */
};

void tg_http_begin(struct tg_http_request *r);
uint32_t tg_http_head(struct tg_http_request *r, const uint8_t *bytes, uint32_t n);
uint32_t tg_http_body(struct tg_http_request *r, const uint8_t *bytes, uint32_t n);
/* False while nothing but empty lines came. */
bool tg_http_has_begun(const struct tg_http_request *r);
/* Whether the connection may serve another request after this one (RFC 9112 9.3). */
bool tg_http_is_persistent(const struct tg_http_request *r);

#endif
