/* SPDX-License-Identifier: BSD-3-Clause */
/* load_http.h: the head of an answer of HTTP/1.x (RFC 9112), as far as a client that counts bytes
 * needs it. */
#ifndef TG_APP_LOAD_HTTP_H
#define TG_APP_LOAD_HTTP_H

#include <stdbool.h>
#include <stdint.h>

enum { TG_LOAD_HEAD_MAX = 8192 };
#define TG_LOAD_TO_EOF UINT64_MAX

struct tg_load_head {
	uint32_t len;    /* of the head, its empty line included */
	uint32_t status; /* 100..599 */
	uint64_t body;   /* bytes of the body; TG_LOAD_TO_EOF: as long as it comes */
	bool chunked;    /* the body has a length of its own kind; body says nothing */
};

/* text[n]: what has come so far. 1: *head is filled in; 0: more must come; -1: this is no such
 * answer. */
int tg_load_head(const char *text, uint32_t n, struct tg_load_head *head);
/* The line before a chunk: 1, its length and the chunk's size; 0: more must come; -1: no such line.
 */
int tg_load_chunk(const char *text, uint32_t n, uint32_t *len, uint64_t *size);

#endif
