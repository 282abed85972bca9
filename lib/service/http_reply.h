/* SPDX-License-Identifier: BSD-3-Clause */
/* http_reply.h (private to service): what is answered to a request: a head and the place and length
 * of the body. */
#ifndef TG_HTTP_REPLY_H
#define TG_HTTP_REPLY_H

#include "http_parse.h"

enum { TG_HTTP_HEAD_MAX = 320, TG_HTTP_PATTERN = 251 };

struct tg_http_reply {
	uint64_t body_at, body_len; /* of /bytes/N: sent so far, N */
	const char *text;           /* another body, wholly in memory; NULL: /bytes/N */
	uint16_t head_n, head_at;   /* of head[]; a short text body stands behind the head */
	uint16_t status;
	bool close; /* the connection ends after it */
	char head[TG_HTTP_HEAD_MAX];
};

/* The status that the head alone decides: 200, 404, 405, or r's own error. */
uint16_t tg_http_route(const struct tg_http_request *r);
/* Fills reply for r, which is complete or failed. */
void tg_http_answer(struct tg_http_reply *reply, const struct tg_http_request *r);
/* A reply that is only a status: 408, 503. */
void tg_http_refuse(struct tg_http_reply *reply, uint16_t status);

#endif
