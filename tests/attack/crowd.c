/* SPDX-License-Identifier: BSD-3-Clause */
#include "crowd.h"

enum { FIRST_PORT = 40000, TALK = 100 };

uint64_t crowd_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

void crowd_init(struct crowd *c, uint32_t n, const char *options)
{
	struct seg syn;

	memset(c, 0, sizeof(*c));
	c->n = n;
	host_init(&c->of[0], options);
	host_listen(&c->of[0], NULL);
	for (uint32_t i = 0; i < n; i++) {
		struct host *h = &c->of[i];

		if (i)
			*h = c->of[0];
		h->rport = (uint16_t)(FIRST_PORT + i);
		h->irs = UINT32_C(0x10000000) * i + 7;
		h->ts = false;
		syn = host_syn_full();
		host_open(h, i & 1 ? &syn : NULL);
	}
	crowd_watch(c);
}

static void all_now(struct crowd *c)
{
	for (uint32_t i = 1; i < c->n; i++)
		c->of[i].now = c->of[0].now;
}

void crowd_pass_ns(struct crowd *c, uint64_t ns)
{
	host_pass_ns(&c->of[0], ns);
	all_now(c);
}

void crowd_watch(struct crowd *c)
{
	c->answers = c->others = 0;
	memset(c->acks, 0, sizeof(c->acks));
	memset(c->last_ack_ns, 0, sizeof(c->last_ack_ns));
	c->least_gap_ns = UINT64_MAX;
}

static void note(struct crowd *c, uint32_t i, uint64_t at_ns)
{
	if (c->acks[i]++ && at_ns - c->last_ack_ns[i] < c->least_gap_ns)
		c->least_gap_ns = at_ns - c->last_ack_ns[i];
	c->last_ack_ns[i] = at_ns;
}

void crowd_read(struct crowd *c)
{
	struct host *h = &c->of[0];
	uint64_t at_ns;
	size_t len, l4 = host_l4(h);

	while ((len = host_next_raw(h, &at_ns)) > 0) {
		const uint8_t *t = h->buf + l4;
		uint32_t i = (uint32_t)(t[2] << 8 | t[3]) - FIRST_PORT;

		c->answers++;
		if (t[13] == ACK && i < c->n && len == l4 + (size_t)(t[12] >> 4) * 4)
			note(c, i, at_ns);
		else
			c->others++;
	}
}

static void talk(struct host *h)
{
	uint8_t text[TALK];
	struct seg s;

	expect_state(h, "ADV-20", "ESTABLISHED");
	send_text(h, ACK | PSH, h->rcv_nxt, h->nxt, TALK);
	h->rcv_nxt += TALK;
	host_pass(h, 45);
	expect_true("DT-11", host_next(h, &s) && s.ack == h->rcv_nxt, "the text is acknowledged");
	expect_eq("DT-01", tg_lab_read(h->lab, h->sock, text, TALK), TALK, "tg_lab_read");
	for (uint32_t i = 0; i < TALK; i++)
		if (text[i] != host_byte(h, h->rcv_nxt - TALK + i))
			expect_eq("ADV-22", text[i], host_byte(h, h->rcv_nxt - TALK + i), "byte");
	expect_eq("ADV-22", tg_lab_read(h->lab, h->sock, text, TALK), -EAGAIN, "no more to read");
	host_lab_writes(h, TALK);
	send_flags(h, ACK, h->rcv_nxt, h->nxt);
	h->una = h->nxt;
	expect_nothing(h, "SE-28");
}

void crowd_talk(struct crowd *c)
{
	for (uint32_t i = 0; i < c->n; i++) {
		c->of[i].now = c->of[0].now;
		talk(&c->of[i]);
		c->of[0].now = c->of[i].now;
	}
	crowd_pass_ns(c, 500 * MS - c->n * 45 % 500 * MS);
}

void crowd_fini(struct crowd *c)
{
	crowd_talk(c);
	for (uint32_t i = 1; i < c->n; i++)
		tg_lab_abort(c->of[i].lab, c->of[i].sock);
	host_fini(&c->of[0]);
}
