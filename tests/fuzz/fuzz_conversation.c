/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_conversation.c: a whole conversation on the lab. The input is a program: segments near and
 * far from what the connection expects, user calls, raw bytes, and a clock moved by any amount.
 * Whatever comes: no crash, every invariant holds, each datagram that goes out is well formed, a
 * RST is never answered, and at the end nothing is left: no connection, no timer. */
#include "../by_hand.h"
#include "fuzz.h"
#include "lab.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };
enum { LPORT = 80, RPORT = 40000, CLIENT_PORT = 33000, SOCKS = 8, WIRE_MAX = 2048, OPS_MAX = 400 };

struct input {
	const uint8_t *at, *end;
};

struct world {
	struct tg_lab *lab;
	struct input in;
	uint64_t now;
	bool v6, served; /* served: connections have no socket, and may stay open */
	int listener, sock[SOCKS];
	uint32_t nxt, ack; /* what the lab is likely to expect, as read from what it sent */
	uint16_t port;     /* ours, for the next segment */
	uint32_t answers;  /* since it was last cleared */
};

static uint8_t byte(struct world *w)
{
	return w->in.at < w->in.end ? *w->in.at++ : 0;
}

static uint32_t word(struct world *w)
{
	uint32_t v = byte(w);

	v = v << 8 | byte(w);
	v = v << 8 | byte(w);
	return v << 8 | byte(w);
}

static size_t put_ip(const struct world *w, uint8_t *d, size_t l4)
{
	static const uint8_t v6[32] = {0x20, 1,    0x0d, 0xb8, [15] = 0x63, 0xfd,
				       0x3d, 0x0a, 0x0b, 0x17, 0xd6,        [31] = 1};
	static const uint8_t v4[8] = {192, 0, 2, 99, 192, 168, 0, 1};

	memset(d, 0, 40);
	if (w->v6) {
		d[0] = 0x60;
		put16(d + 4, (uint32_t)l4);
		d[6] = 6;
		d[7] = 64;
		memcpy(d + 8, v6, 32);
		return 40;
	}
	d[0] = 0x45;
	put16(d + 2, (uint32_t)l4 + 20);
	d[8] = 64;
	d[9] = 6;
	memcpy(d + 12, v4, 8);
	put16(d + 10, fold(sum(0, d, 20)));
	return 20;
}

/* --- what the lab says --- */

static void read_output(struct world *w)
{
	uint8_t d[WIRE_MAX];
	uint64_t at;
	size_t len, l4 = w->v6 ? 40 : 20;

	while ((len = tg_lab_output(w->lab, d, sizeof(d), &at)) > 0) {
		bool v6 = d[0] >> 4 == 6;
		fuzz_require(at <= w->now && len <= 1500);
		fuzz_require(len == (v6 ? get16(d + 4) + 40 : get16(d + 2)));
		fuzz_require(l4_sum(d, len) == 0);
		w->answers++;
		if (v6 != w->v6 || (v6 ? d[6] : d[9]) != 6)
			continue;
		const uint8_t *t = d + l4;
		uint32_t text = (uint32_t)(len - l4) - (uint32_t)(t[12] >> 4) * 4;
		if (t[13] & RST)
			continue;
		w->ack = get32(t + 4) + text + !!(t[13] & SYN) + !!(t[13] & FIN);
		if (t[13] & ACK)
			w->nxt = get32(t + 8);
	}
}

/* --- what the peer says --- */

/* A number near `base`: mostly exact, sometimes at an edge, sometimes anything. */
static uint32_t near(struct world *w, uint32_t base)
{
	uint8_t how = byte(w);

	if (how < 128)
		return base;
	if (how < 200)
		return base + (uint32_t)(int8_t)byte(w);
	return how < 240 ? base + (uint32_t)(int16_t)(byte(w) << 8 | byte(w)) : word(w);
}

static uint32_t put_options(struct world *w, uint8_t *o)
{
	uint8_t how = byte(w);
	uint32_t n = how & 0x3c;

	if (how & 0x80) { /* those of an honest SYN */
		memcpy(o, (const uint8_t[]){2, 4,   5, 0xb4, 4, 2, 8, 10, 0, 0,
					    3, 232, 0, 0,    0, 0, 1, 3,  3, 7},
		       20);
		return 20;
	}
	if (!(how & 0x40))
		return 0;
	n = n > 40 ? 40 : n;
	for (uint32_t i = 0; i < n; i++)
		o[i] = byte(w);
	return n;
}

static void send_segment(struct world *w)
{
	uint8_t d[WIRE_MAX], text = byte(w), flags = byte(w);
	uint32_t len = text < 128 ? 0 : text < 200 ? text : (uint32_t)text * 5;
	size_t ip = w->v6 ? 40 : 20;
	uint8_t *t = d + ip;

	memset(t, 0, 20);
	put16(t, w->port);
	put16(t + 2, w->port == RPORT + 1 ? CLIENT_PORT : LPORT);
	put32(t + 4, near(w, w->nxt));
	put32(t + 8, near(w, w->ack));
	t[13] = flags & 0x40 ? ACK : flags; /* mostly plain */
	put16(t + 14, flags & 0x80 ? byte(w) : 60000);
	put16(t + 18, t[13] & 32 ? byte(w) : 0);
	uint32_t opt = put_options(w, t + 20);
	t[12] = (uint8_t)((20 + opt) / 4 << 4);
	memset(t + 20 + opt, 0x55, len);
	len += 20 + opt;
	put_ip(w, d, len);
	put16(t + 16, l4_sum(d, ip + len));
	read_output(w);
	w->answers = 0;
	uint8_t *exact = fuzz_copy(d, ip + len);
	tg_lab_input(w->lab, w->now, exact, ip + len);
	free(exact);
	read_output(w);
}

static void send_raw(struct world *w)
{
	size_t n = byte(w), left = (size_t)(w->in.end - w->in.at);

	n = n < left ? n : left;
	uint8_t *exact = fuzz_copy(w->in.at, n);
	w->in.at += n;
	tg_lab_input(w->lab, w->now, exact, n);
	free(exact);
}

/* --- the user --- */

static void user_call(struct world *w)
{
	uint8_t buf[3000] = {0}, what = byte(w);
	int *s = &w->sock[what >> 5], got;

	switch (what & 15) {
	case 0:
		got = tg_lab_accept(w->lab, w->listener);
		if (got >= 0 && *s >= 0)
			tg_lab_abort(w->lab, *s);
		*s = got >= 0 ? got : *s;
		break;
	case 1:
		got = tg_lab_connect(w->lab, NULL, CLIENT_PORT,
				     w->v6 ? "2001:db8::63" : "192.0.2.99", RPORT + 1, NULL);
		if (got >= 0 && *s >= 0)
			tg_lab_abort(w->lab, *s);
		*s = got >= 0 ? got : *s;
		break;
	case 2:
	case 3:
	case 4:
		tg_lab_read(w->lab, *s, buf, byte(w) * 11u);
		break;
	case 5:
	case 6:
	case 7:
		tg_lab_write(w->lab, *s, buf, byte(w) * 11u);
		break;
	case 8:
		tg_lab_shutdown(w->lab, *s, SHUT_WR);
		break;
	case 9:
		tg_lab_shutdown(w->lab, *s, byte(w) & 1 ? SHUT_RD : SHUT_RDWR);
		break;
	case 10:
		tg_lab_close(w->lab, *s);
		*s = -1;
		break;
	case 11:
		tg_lab_abort(w->lab, *s);
		*s = -1;
		break;
	case 12:
		tg_lab_peek(w->lab, *s, buf, byte(w));
		tg_lab_poll(w->lab, *s);
		break;
	default:
		tg_lab_setopt(w->lab, *s, (enum tg_lab_opt)(1 + byte(w) % 12), (int16_t)word(w));
	}
}

static void move_clock(struct world *w)
{
	static const uint64_t unit[] = {1,          1000,        1000000,      40000000,
					1000000000, 60000000000, 3600000000000};
	uint8_t how = byte(w);

	w->now += unit[how % 7] * (1 + byte(w));
	if (how & 0x80) /* a clock that goes back counts as the last one */
		tg_lab_advance(w->lab, w->now / 2);
	tg_lab_advance(w->lab, w->now);
}

static void require_valid(struct world *w)
{
	char why[300] = "";

	if (tg_lab_validate(w->lab, why, sizeof(why)))
		return;
	fprintf(stderr, "%s\n", why);
	fuzz_require(0);
}

static void begin(struct world *w)
{
	static const char *const services[] = {"", " service=echo", " service=http",
					       " service=discard"};
	char options[200];
	uint8_t how = byte(w), more = byte(w);

	w->v6 = how & 1;
	w->served = how >> 1 & 3;
	w->port = RPORT;
	w->now = 1000000000;
	for (int i = 0; i < SOCKS; i++)
		w->sock[i] = -1;
	snprintf(options, sizeof(options),
		 "connections=8 msl_ms=%d rcvbuf=%d sndbuf=%d rst_rate=0%s", more & 1 ? 100 : 30000,
		 more & 2 ? 128 : 65536, more & 4 ? 128 : 65536,
		 more & 8    ? " syn_cookies=always"
		 : more & 16 ? " synq_high=2 synq_low=1"
			     : "");
	w->lab = tg_lab_new(options, NULL, 0);
	fuzz_require(w->lab != NULL);
	snprintf(options, sizeof(options), "backlog=4%s", services[how >> 1 & 3]);
	w->listener = tg_lab_listen(w->lab, NULL, LPORT, 4, options);
	fuzz_require(w->listener >= 0);
}

/* All is closed and all timers run out: nothing may be left. */
static void end(struct world *w)
{
	const char *laddr = w->v6 ? "fd3d:a0b:17d6::1" : "192.168.0.1";
	const char *raddr = w->v6 ? "2001:db8::63" : "192.0.2.99";
	uint64_t due;

	for (int i = 0; i < SOCKS; i++)
		if (w->sock[i] >= 0)
			tg_lab_abort(w->lab, w->sock[i]);
	tg_lab_close(w->lab, w->listener);
	for (int i = 0; i < 20000 && (due = tg_lab_next_deadline(w->lab)) != UINT64_MAX; i++) {
		w->now = due > w->now ? due : w->now;
		tg_lab_advance(w->lab, w->now);
		fuzz_require(tg_lab_next_deadline(w->lab) > due);
	}
	read_output(w);
	require_valid(w);
	fuzz_require(tg_lab_next_deadline(w->lab) == UINT64_MAX);
	for (uint16_t i = 0; i < 4 && !w->served; i++)
		fuzz_require(!strcmp(
		    tg_lab_state_of(w->lab, laddr, LPORT, raddr, (uint16_t)(RPORT + i)), "CLOSED"));
	tg_lab_free(w->lab);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = {.in = {data, data + size}};

	begin(&w);
	for (int i = 0; i < OPS_MAX && w.in.at < w.in.end; i++) {
		uint8_t op = byte(&w);
		switch (op & 7) {
		case 0:
			move_clock(&w);
			break;
		case 1:
		case 2:
			user_call(&w);
			break;
		case 3:
			w.port = (uint16_t)(RPORT + (op >> 3 & 3));
			break;
		case 4:
			if (op & 0x80)
				send_raw(&w);
			break;
		default:
			send_segment(&w);
		}
		read_output(&w);
		if (i % 16 == 0)
			require_valid(&w);
	}
	end(&w);
	return 0;
}
