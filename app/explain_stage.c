/* SPDX-License-Identifier: BSD-3-Clause */
/* explain_stage.c: two labs and a wire. */
#include "explain_stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TTL = 64, GAP_NS = 1000 };

const char *const tg_stage_addr[2][2] = {{"192.0.2.1", "192.0.2.2"},
					 {"2001:db8::1", "2001:db8::2"}};

static struct tg_lab *make_lab(struct tg_stage *s, int side, const char *options)
{
	char all[512], err[160];
	struct tg_lab *lab;

	snprintf(all, sizeof(all), "addr=%s/24 addr=%s/64 start_ns=%llu seed=%d %s",
		 tg_stage_addr[0][side], tg_stage_addr[1][side], (unsigned long long)s->now_ns,
		 side + 7, options);
	lab = tg_lab_new(all, err, sizeof(err));
	if (!lab)
		s->failed = true;
	return lab;
}

void tg_stage_begin(struct tg_stage *s, const char *options_a, const char *options_b,
		    tg_stage_fn show, void *ctx)
{
	const char *const options[2] = {options_a, options_b};

	*s =
	    (struct tg_stage){.now_ns = 1000000000, .delay_ns = 10000000, .show = show, .ctx = ctx};
	s->wire = malloc(TG_STAGE_WIRE_MAX * sizeof(*s->wire));
	if (!s->wire)
		s->failed = true;
	for (int i = 0; i < 2; i++)
		if (options[i])
			s->lab[i] = make_lab(s, i, options[i]);
}

void tg_stage_end(struct tg_stage *s)
{
	for (int i = 0; i < 2; i++)
		tg_lab_free(s->lab[i]);
	free(s->wire);
	s->wire = NULL;
}

void tg_stage_replace(struct tg_stage *s, int side, const char *options)
{
	tg_lab_free(s->lab[side]);
	s->lab[side] = make_lab(s, side, options);
}

static bool is_dropped(const struct tg_stage *s, int side)
{
	for (uint32_t i = 0; i < s->drop_n[side]; i++)
		if (s->drop[side][i] == s->sent[side])
			return true;
	return s->deaf[!side] || (s->lose && s->lose(s->ctx, side));
}

static void show(struct tg_stage *s, uint64_t time_ns, int side, const uint8_t *datagram,
		 uint32_t len)
{
	uint32_t nth = s->sent[side];

	if (!s->show || (nth >= s->hide_from[side] && nth <= s->hide_to[side]))
		return;
	s->show(s->ctx, time_ns, side, datagram, s->snap && s->snap < len ? s->snap : len, len);
}

/* It leaves, is shown, and stands on the wire unless it is lost. */
static void leave(struct tg_stage *s, int side, const uint8_t *datagram, uint32_t len)
{
	struct tg_stage_packet *p;
	uint64_t time_ns = s->now_ns;

	if (s->number && time_ns < s->left_ns + GAP_NS) /* one after the other */
		time_ns = s->left_ns + GAP_NS;
	s->left_ns = time_ns;
	s->sent[side]++;
	s->number++;
	show(s, time_ns, side, datagram, len);
	if (s->watch)
		s->watch(s->ctx, s, s->number, side, false);
	if (is_dropped(s, side) || !s->lab[!side])
		return;
	if (s->failed || s->wire_n == TG_STAGE_WIRE_MAX) {
		s->failed = true;
		return;
	}
	p = &s->wire[s->wire_n++];
	p->arrive_ns = time_ns + s->delay_ns;
	if (s->late[side] && s->late[side] == s->sent[side])
		p->arrive_ns += s->jitter_ns;
	p->side = side;
	p->len = len;
	p->number = s->number;
	memcpy(p->datagram, datagram, len);
}

void tg_stage_flush(struct tg_stage *s)
{
	uint8_t datagram[TG_STAGE_DATAGRAM_MAX];
	uint64_t sent_ns;

	for (int i = 0; i < 2; i++) {
		size_t len;

		while (s->lab[i] &&
		       (len = tg_lab_output(s->lab[i], datagram, sizeof(datagram), &sent_ns)) > 0)
			leave(s, i, datagram, (uint32_t)len);
	}
}

/* The first to arrive; TG_STAGE_WIRE_MAX = none is on its way. */
static uint32_t first_on_wire(const struct tg_stage *s)
{
	uint32_t first = TG_STAGE_WIRE_MAX;

	for (uint32_t i = 0; i < s->wire_n; i++)
		if (first == TG_STAGE_WIRE_MAX || s->wire[i].arrive_ns < s->wire[first].arrive_ns)
			first = i;
	return first;
}

static void arrive(struct tg_stage *s, uint32_t i)
{
	struct tg_stage_packet *p = &s->wire[i];
	int side = p->side;
	uint32_t number = p->number;

	tg_lab_input(s->lab[!side], s->now_ns, p->datagram, p->len);
	memmove(p, p + 1, (s->wire_n - i - 1) * sizeof(*p));
	s->wire_n--;
	if (s->watch)
		s->watch(s->ctx, s, number, side, true);
	tg_stage_flush(s);
}

static uint64_t next_timer(const struct tg_stage *s)
{
	uint64_t next = UINT64_MAX;

	for (int i = 0; i < 2; i++) {
		uint64_t due = s->lab[i] ? tg_lab_next_deadline(s->lab[i]) : UINT64_MAX;

		if (due < next)
			next = due;
	}
	return next;
}

void tg_stage_run(struct tg_stage *s, uint64_t ms)
{
	uint64_t end = s->now_ns + ms * 1000000;

	tg_stage_flush(s);
	while (!s->failed) {
		uint32_t i = first_on_wire(s);
		uint64_t at = i < TG_STAGE_WIRE_MAX ? s->wire[i].arrive_ns : UINT64_MAX;
		uint64_t due = next_timer(s), next = at < due ? at : due;

		if (next > end)
			break;
		s->now_ns = next > s->now_ns ? next : s->now_ns;
		for (int side = 0; side < 2; side++)
			if (s->lab[side])
				tg_lab_advance(s->lab[side], s->now_ns);
		tg_stage_flush(s);
		if (at <= due)
			arrive(s, i);
	}
	s->now_ns = end;
	for (int side = 0; side < 2; side++)
		if (s->lab[side])
			tg_lab_advance(s->lab[side], end);
	tg_stage_flush(s);
}

void tg_stage_send(struct tg_stage *s, int side, const struct tg_seg *seg)
{
	uint8_t datagram[TG_STAGE_DATAGRAM_MAX] = {0};
	struct tg_ip ip = {.proto = TG_PROTO_TCP, .ttl = TTL, .v6 = s->v6};
	uint32_t at = s->v6 ? TG_IP6_LEN : TG_IP4_LEN, len;

	tg_addr_parse(tg_stage_addr[s->v6][side], &ip.src);
	tg_addr_parse(tg_stage_addr[s->v6][!side], &ip.dst);
	tg_stage_flush(s);
	len = tg_tcp_emit(datagram + at, seg);
	if (at + len + seg->len > sizeof(datagram)) {
		s->failed = true;
		return;
	}
	len += seg->len;
	if (s->v6)
		tg_ip6_emit(datagram, &ip, len, 0);
	else
		tg_ip4_emit(datagram, &ip, len, false);
	tg_tcp_csum_put(datagram + at, len, &ip.src, &ip.dst, false);
	leave(s, side, datagram, at + len);
}
