/* SPDX-License-Identifier: BSD-3-Clause */
/* world_users.c: calls at random, each told to the model with what it returned. */
#include "world.h"

#include <sys/socket.h>

static void sock_add(struct world_side *s, int sock)
{
	if (sock >= 0 && s->sock_n < REF_SOCKS)
		s->sock[s->sock_n++] = sock;
}

static void sock_remove(struct world_side *s, int at)
{
	s->sock[at] = s->sock[--s->sock_n];
}

static void call_listen(struct world_side *s, int lp)
{
	struct world *w = s->world;
	int backlog = (int)world_pick(w, (const uint32_t[]){1, 2, 8}, 3);
	int got = tg_lab_listen(s->lab, wire_addr[w->v6][s->id], (uint16_t)(REF_PORT0 + lp),
				backlog, NULL);

	world_note_call(s, "listen", lp, backlog, got);
	ref_listen(s->ref, lp, backlog, got);
	world_step_end(s, REF_CALL, lp, 0);
}

static void call_unlisten(struct world_side *s, int lp)
{
	int sock = s->ref->listener[lp].sock;

	if (sock < 0)
		return;
	int got = tg_lab_close(s->lab, sock);

	world_note_call(s, "unlisten", lp, sock, got);
	ref_close_listener(s->ref, lp, got);
	world_step_end(s, REF_CALL, lp, 0);
}

static void call_connect(struct world_side *s)
{
	struct world *w = s->world;
	int lp = (int)world_draw(w, REF_PORTS), rp = (int)world_draw(w, REF_PORTS);
	const struct ref_host *peer = w->side[!s->id].ref;

	for (int i = 0; i < 6 && peer->listener[rp].sock < 0; i++)
		rp = (int)world_draw(w, REF_PORTS);
	ref_connect_before(s->ref, lp, rp);
	int got = tg_lab_connect(s->lab, wire_addr[w->v6][s->id], (uint16_t)(REF_PORT0 + lp),
				 wire_addr[w->v6][!s->id], (uint16_t)(REF_PORT0 + rp), NULL);

	world_note_call(s, "connect", lp, rp, got);
	ref_connect(s->ref, lp, rp, got);
	sock_add(s, got);
	world_step_end(s, REF_CALL, lp, rp);
}

static void call_accept(struct world_side *s, int lp)
{
	if (s->ref->listener[lp].sock < 0)
		return;
	int got = tg_lab_accept(s->lab, s->ref->listener[lp].sock);
	uint16_t local = 0, peer = 0;
	char text[64];

	if (got >= 0) {
		tg_lab_local(s->lab, got, text, sizeof(text), &local);
		tg_lab_peer(s->lab, got, text, sizeof(text), &peer);
	}
	world_note_call(s, "accept", lp, 0, got);
	ref_accept(s->ref, lp, got, local - REF_PORT0, peer - REF_PORT0);
	sock_add(s, got);
	world_step_end(s, REF_CALL, lp, 0);
}

static void call_write(struct world_side *s, int sock)
{
	uint8_t buf[3000];
	size_t want = world_pick(s->world, (const uint32_t[]){1, 10, 100, 600, 2500}, 5);

	want = 1 + world_draw(s->world, (uint32_t)want);
	ref_write_room(s->ref, sock, want, buf);
	ssize_t got = tg_lab_write(s->lab, sock, buf, want);

	world_note_call(s, "write", sock, (int64_t)want, got);
	ref_write(s->ref, sock, want, got);
}

static void call_read(struct world_side *s, int sock)
{
	uint8_t buf[3000];
	size_t want = 1 + world_draw(s->world, world_draw(s->world, 2) ? sizeof(buf) : 50);
	ssize_t got = tg_lab_read(s->lab, sock, buf, want);

	world_note_call(s, "read", sock, (int64_t)want, got);
	if (s->world->fault == WORLD_READ_CHANGED && got > 0)
		buf[got - 1] ^= 0x10;
	ref_read(s->ref, sock, buf, want, got);
}

static void call_shutdown(struct world_side *s, int sock)
{
	uint32_t how =
	    world_pick(s->world, (const uint32_t[]){SHUT_WR, SHUT_WR, SHUT_RD, SHUT_RDWR}, 4);
	int got = tg_lab_shutdown(s->lab, sock, (int)how);

	world_note_call(s, "shutdown", sock, how, got);
	ref_shutdown(s->ref, sock, how != SHUT_WR, how != SHUT_RD, got);
}

static void call_end(struct world_side *s, int at, bool aborts)
{
	int sock = s->sock[at];
	int got = aborts ? tg_lab_abort(s->lab, sock) : tg_lab_close(s->lab, sock);

	world_note_call(s, aborts ? "abort" : "close", sock, 0, got);
	sock_remove(s, at);
	if (aborts)
		ref_abort(s->ref, sock, got);
	else
		ref_close(s->ref, sock, got);
}

static void call_sock(struct world_side *s)
{
	struct world *w = s->world;

	if (s->sock_n == 0)
		return;
	int at = (int)world_draw(w, (uint32_t)s->sock_n), sock = s->sock[at];
	const struct ref_conn *c = s->ref->sock[sock];
	int lp = c ? c->lp : 0, rp = c ? c->rp : 0;
	uint32_t what = world_draw(w, 100);

	if (what < 40)
		call_write(s, sock);
	else if (what < 76)
		call_read(s, sock);
	else if (what < 85)
		call_shutdown(s, sock);
	else
		call_end(s, at, what >= 98);
	world_step_end(s, REF_CALL, lp, rp);
}

void world_call(struct world *w)
{
	struct world_side *s = &w->side[world_draw(w, 2)];
	int lp = (int)world_draw(w, REF_PORTS);
	uint32_t what = world_draw(w, 100);

	w->calls++;
	world_advance(s);
	if (what < 5 && w->side[s->id].ref->listener[lp].sock < 0)
		call_listen(s, lp);
	else if (what < 6)
		call_unlisten(s, lp);
	else if (what < 16 || s->sock_n == 0)
		call_connect(s);
	else if (what < 30)
		call_accept(s, lp);
	else
		call_sock(s);
}
