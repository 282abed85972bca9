/* SPDX-License-Identifier: BSD-3-Clause */
/* lab_table.c: socket objects, the user's numbers, and the way between a thin socket and a whole
 * one (lab_int.h). Numbers never given out are not touched, so that they cost no memory. */
#include "lab_int.h"

#include <stdio.h>
#include <stdlib.h>

enum { LAB_TABLE_FIRST = 16 };

static uint32_t grow(uint32_t n)
{
	return n ? n * 2 : LAB_TABLE_FIRST;
}

/* --- objects: index and number leave the two high bits of a word free --- */

static bool more_socks(struct tg_lab *lab)
{
	uint32_t n = grow(lab->sock_n);
	union lab_entry *all = n > LAB_WAITS ? NULL : realloc(lab->sock, n * sizeof(*all));

	if (!all)
		return false;
	lab->sock = all;
	while (lab->sock_n < n) {
		all[lab->sock_n].next = lab->unused;
		lab->unused = lab->sock_n++;
	}
	return true;
}

static bool make_kind(struct lab_sock *s, enum lab_kind kind)
{
	s->kind = kind;
	if (kind == LAB_LISTENER)
		s->l = calloc(1, sizeof(*s->l));
	return kind != LAB_LISTENER || s->l;
}

struct lab_sock *lab_sock_new(struct tg_lab *lab, enum lab_kind kind)
{
	struct lab_sock *s = NULL;

	if (lab->unused != TG_NONE || more_socks(lab))
		s = calloc(1, sizeof(*s));
	if (!s || !make_kind(s, kind)) {
		free(s);
		return NULL;
	}
	s->index = lab->unused;
	s->number = -1;
	s->conn = TG_NONE;
	lab->unused = lab->sock[s->index].next;
	lab->sock[s->index].at = s;
	return s;
}

static void free_sock(struct lab_sock *s)
{
	if (s->l)
		lab_queue_fini(&s->l->queue);
	free(s->l);
	free(s->left.bytes);
	free(s);
}

void lab_sock_drop(struct tg_lab *lab, struct lab_sock *s)
{
	uint32_t index = s->index;

	free_sock(s);
	lab->sock[index].next = lab->unused;
	lab->unused = index;
}

void lab_sock_fini(struct tg_lab *lab)
{
	for (uint32_t i = lab->unused, next; i != TG_NONE; i = next) {
		next = lab->sock[i].next;
		lab->sock[i].at = NULL;
	}
	for (uint32_t i = 0; i < lab->sock_n; i++)
		if (lab->sock[i].at)
			free_sock(lab->sock[i].at);
	free(lab->sock);
	free(lab->number);
}

/* --- numbers --- */

static bool more_numbers(struct tg_lab *lab)
{
	uint32_t n = grow(lab->number_cap);
	uint32_t *all = n > LAB_WAITS ? NULL : realloc(lab->number, n * sizeof(*all));

	if (!all)
		return false;
	lab->number = all;
	lab->number_cap = n;
	return true;
}

int lab_number_find(struct tg_lab *lab)
{
	uint32_t i = lab->number_low;

	while (i < lab->number_n && lab->number[i] != TG_NONE)
		i++;
	lab->number_low = i;
	if (i < lab->number_n)
		return (int)i;
	if (lab->number_n == lab->number_cap && !more_numbers(lab))
		return -1;
	lab->number[lab->number_n++] = TG_NONE;
	return (int)i;
}

void lab_number_set(struct tg_lab *lab, int number, uint32_t entry)
{
	lab->number[number] = entry;
	if (entry & LAB_THIN)
		tg_conn_set_word(lab->engine, entry & ~LAB_THIN, LAB_THIN | (uint32_t)number);
	else
		lab->sock[entry].at->number = number;
}

void lab_number_free(struct tg_lab *lab, int number)
{
	lab->number[number] = TG_NONE;
	if ((uint32_t)number < lab->number_low)
		lab->number_low = (uint32_t)number;
}

/* --- thin and whole --- */

static uint32_t entry_of(const struct tg_lab *lab, int number)
{
	return number < 0 || (uint32_t)number >= lab->number_n ? TG_NONE : lab->number[number];
}

struct lab_sock *lab_at(const struct tg_lab *lab, int number, struct lab_sock *view)
{
	uint32_t entry = entry_of(lab, number);

	if (entry == TG_NONE)
		return NULL;
	if (!(entry & LAB_THIN))
		return lab->sock[entry].at;
	*view = (struct lab_sock){.kind = LAB_CONN,
				  .index = TG_NONE,
				  .number = number,
				  .conn = entry & ~LAB_THIN,
				  .opened = true};
	return view;
}

/* Where the table or a queue speaks of the thin connection whose word this is. */
static uint32_t *place_of(struct tg_lab *lab, uint32_t word)
{
	return word & LAB_WAITS ? lab_queue_slot(lab, word) : &lab->number[word & ~LAB_THIN];
}

struct lab_sock *lab_whole(struct tg_lab *lab, uint32_t conn)
{
	uint32_t word = tg_conn_word(lab->engine, conn);

	if (word == LAB_DONE)
		return NULL;
	if (!(word & LAB_THIN))
		return lab->sock[word].at;
	struct lab_sock *s = lab_sock_new(lab, LAB_CONN);

	if (!s) {
		lab->failed = true;
		return NULL;
	}
	s->conn = conn;
	s->opened = true;
	s->number = word & LAB_WAITS ? -1 : (int)(word & ~LAB_THIN);
	*place_of(lab, word) = s->index;
	tg_conn_set_word(lab->engine, conn, s->index);
	return s;
}

/* Nothing to say but that it is open. */
static bool is_plain(const struct lab_sock *s)
{
	return s->kind == LAB_CONN && s->conn != TG_NONE && s->opened && !s->shut_rd &&
	       !s->shut_wr && !s->urgent && !s->error && !s->soft_error;
}

void lab_slim(struct tg_lab *lab, int number)
{
	uint32_t entry = entry_of(lab, number);

	if (entry == TG_NONE || (entry & LAB_THIN) || !is_plain(lab->sock[entry].at))
		return;
	uint32_t conn = lab->sock[entry].at->conn;

	lab_sock_drop(lab, lab->sock[entry].at);
	lab_number_set(lab, number, LAB_THIN | conn);
}

void lab_forget(struct tg_lab *lab, uint32_t conn)
{
	uint32_t word = tg_conn_word(lab->engine, conn);

	if (word == LAB_DONE || !(word & LAB_THIN))
		return;
	if (word & LAB_WAITS)
		*lab_queue_slot(lab, word) = TG_NONE;
	else
		lab_number_free(lab, (int)(word & ~LAB_THIN));
}

/* --- what must hold --- */

bool lab_entry_fits(const struct tg_lab *lab, uint32_t entry, uint32_t thin_word, int number)
{
	uint32_t conn = entry & ~LAB_THIN;

	if (entry & LAB_THIN)
		return tg_conn_state(lab->engine, conn) != TG_CLOSED &&
		       tg_conn_word(lab->engine, conn) == thin_word;
	if (entry >= lab->sock_n)
		return false;
	const struct lab_sock *s = lab->sock[entry].at;

	if (s->index != entry || s->number != number)
		return false;
	return s->conn == TG_NONE || tg_conn_word(lab->engine, s->conn) == entry;
}

bool lab_sock_validate(const struct tg_lab *lab, char *why, size_t why_size)
{
	for (uint32_t i = 0; i < lab->number_n; i++) {
		uint32_t entry = lab->number[i];
		bool fits = entry == TG_NONE ? i >= lab->number_low
					     : lab_entry_fits(lab, entry, LAB_THIN | i, (int)i);
		if (fits)
			continue;
		snprintf(why, why_size, "socket %u and its connection do not name each other", i);
		return false;
	}
	for (uint32_t i = 0; i < TG_LISTENER_MAX; i++) {
		if (!lab->listener[i] || lab_queue_fits(lab, lab->listener[i]))
			continue;
		snprintf(why, why_size, "what waits at port %u is not as its queue says",
			 lab->listener[i]->l->conf.port);
		return false;
	}
	return true;
}
