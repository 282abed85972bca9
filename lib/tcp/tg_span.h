/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_span.h: a sparse run of stream bytes, addressed by sequence number, in chunks from a shared
 * pool. The send queue and the receive queue (with its holes) are spans. Writing at any place
 * inside the live range costs O(1) per chunk; nothing is ever moved.
 *
 * Position p lies in chunk number p >> 11; up to 8 chunks stand in slot[] itself, more through up
 * to 8 map chunks of 512 indices each: 4096 chunks, 8 MiB, above TG_BUF_MAX with room for its
 * unaligned ends. The live range (lowest to highest byte written and not freed) must stay below 8
 * MiB: the queues' own limits see to that. */
#ifndef TG_SPAN_H
#define TG_SPAN_H

#include "tg_types.h"

enum { TG_CHUNK_SHIFT = 11, TG_CHUNK_LEN = 1 << TG_CHUNK_SHIFT };

/* The pool: chunk i stands at mem + i * TG_CHUNK_LEN; free ones are a list through their first
 * word, LIFO; chunks never used yet are not touched (fresh pages stay untouched). */
struct tg_chunks {
	uint8_t *mem;
	uint32_t n, free_n; /* all; free, listed or fresh */
	uint32_t free_head; /* TG_NONE = list empty */
	uint32_t fresh;     /* first index never handed out */
};

void tg_chunks_init(struct tg_chunks *c, void *mem,
		    uint32_t n);               /* mem: n * TG_CHUNK_LEN bytes, 64-byte aligned */
uint32_t tg_chunks_alloc(struct tg_chunks *c); /* TG_NONE when empty; contents undefined */
void tg_chunks_free(struct tg_chunks *c, uint32_t idx);

static inline uint8_t *tg_chunks_at(const struct tg_chunks *c, uint32_t idx)
{
	return c->mem + ((size_t)idx << TG_CHUNK_SHIFT);
}

struct tg_span {
	uint32_t slot[8]; /* chunk indices, or map chunks when mapped; TG_NONE = none */
	uint32_t chunk_n; /* chunks held, maps included: 0 = the span holds nothing */
	uint32_t mapped;  /* 1: slot[] are maps */
	uint32_t lo,
	    hi; /* lowest and one past the highest chunk number held, modulo 2^21; equal = none */
};

static inline void tg_span_init(struct tg_span *s)
{
	memset(s->slot, 0xff, sizeof(s->slot)); /* TG_NONE */
	s->chunk_n = s->mapped = s->lo = s->hi = 0;
}

/* Copies data[len] to position pos. Returns the bytes written: fewer than len when the pool ran
 * empty (a prefix of data). */
uint32_t tg_span_write(struct tg_span *s, struct tg_chunks *c, uint32_t pos, const void *data,
		       uint32_t len);
/* Copies [pos, pos + len) out; every byte of it must have been written. */
void tg_span_read(const struct tg_span *s, const struct tg_chunks *c, uint32_t pos, void *dst,
		  uint32_t len);
/* The bytes at pos in place; *run = how many stand in one piece, at least 1. */
const uint8_t *tg_span_at(const struct tg_span *s, const struct tg_chunks *c, uint32_t pos,
			  uint32_t *run);
/* Gives back the chunks that lie wholly below pos. */
void tg_span_free_to(struct tg_span *s, struct tg_chunks *c, uint32_t pos);
/* Gives back the chunks that lie wholly at or above pos. */
void tg_span_free_from(struct tg_span *s, struct tg_chunks *c, uint32_t pos);
/* Gives back all of them. */
void tg_span_free(struct tg_span *s, struct tg_chunks *c);
/* S1 every held chunk lies in [lo, hi), lo and hi - 1 are held; S2 chunk_n counts them and the
 * maps; S3 indices are inside the pool. */
bool tg_span_validate(const struct tg_span *s, const struct tg_chunks *c);

#endif
