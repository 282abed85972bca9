/* SPDX-License-Identifier: BSD-3-Clause */
/* lab_queue.c: a listener's connections that are open and not yet accepted: a ring of entries
 * (lab_int.h) that grows, and is given back when it is empty. A waiting connection's word says
 * where its entry is, for it may end while it waits. */
#include "lab_int.h"

#include <stdlib.h>

enum { LAB_QUEUE_FIRST = 16 };

#define LAB_POS_MASK ((UINT32_C(1) << LAB_POS_BITS) - 1)

_Static_assert(TG_LISTENER_MAX <= 1u << (30 - LAB_POS_BITS),
	       "a listener fits into a word, and LAB_DONE is none");

static uint32_t *slot_at(const struct lab_queue *q, uint32_t pos)
{
	return &q->slot[pos & (q->cap - 1)];
}

static uint32_t word_of(const struct lab_sock *l, uint32_t pos)
{
	return LAB_THIN | LAB_WAITS | (uint32_t)l->l->listener << LAB_POS_BITS |
	       (pos & LAB_POS_MASK);
}

static bool grow(struct lab_queue *q)
{
	uint32_t cap = q->cap ? q->cap * 2 : LAB_QUEUE_FIRST;
	struct lab_queue new = {malloc(cap * sizeof(uint32_t)), cap, q->head, q->n};

	if (!new.slot)
		return false;
	for (uint32_t i = 0; i < q->n; i++)
		*slot_at(&new, q->head + i) = *slot_at(q, q->head + i);
	free(q->slot);
	*q = new;
	return true;
}

/* A position farther from the head than the word can tell: the connection gets an object. */
static bool join_far(struct tg_lab *lab, uint32_t *slot, uint32_t conn)
{
	struct lab_sock *s = lab_sock_new(lab, LAB_CONN);

	if (!s)
		return false;
	s->conn = conn;
	s->opened = true;
	*slot = s->index;
	tg_conn_set_word(lab->engine, conn, s->index);
	return true;
}

bool lab_queue_join(struct tg_lab *lab, struct lab_sock *l, uint32_t conn)
{
	struct lab_queue *q = &l->l->queue;

	if (q->n == q->cap && !grow(q))
		return false;
	uint32_t pos = q->head + q->n, *slot = slot_at(q, pos);

	if (q->n > LAB_POS_MASK) {
		if (!join_far(lab, slot, conn))
			return false;
	} else {
		*slot = LAB_THIN | conn;
		tg_conn_set_word(lab->engine, conn, word_of(l, pos));
	}
	q->n++;
	return true;
}

void lab_queue_fini(struct lab_queue *q)
{
	free(q->slot);
	*q = (struct lab_queue){0};
}

bool lab_queue_take(struct tg_lab *lab, struct lab_sock *l, uint32_t *entry)
{
	struct lab_queue *q = &l->l->queue;

	if (q->n == 0)
		return false;
	*entry = *slot_at(q, q->head);
	q->head++;
	q->n--;
	if (q->n == 0)
		lab_queue_fini(q);
	tg_engine_accepted(lab->engine, l->l->listener);
	return true;
}

uint32_t *lab_queue_slot(const struct tg_lab *lab, uint32_t word)
{
	uint32_t listener = (word & ~(LAB_THIN | LAB_WAITS)) >> LAB_POS_BITS;
	const struct lab_queue *q = &lab->listener[listener]->l->queue;

	return slot_at(q, q->head + ((word - q->head) & LAB_POS_MASK));
}

bool lab_queue_fits(const struct tg_lab *lab, const struct lab_sock *l)
{
	const struct lab_queue *q = &l->l->queue;

	if (q->n > q->cap)
		return false;
	for (uint32_t i = 0; i < q->n; i++) {
		uint32_t entry = *slot_at(q, q->head + i);
		if (entry != TG_NONE && !lab_entry_fits(lab, entry, word_of(l, q->head + i), -1))
			return false;
	}
	return true;
}
