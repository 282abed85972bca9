/* SPDX-License-Identifier: BSD-3-Clause */
/* prove_show.c: what an exploration found: a ladder on the terminal, as SVG, as a capture. */
#include "prove_show.h"

#include "cli.h"
#include "text_out.h"
#include "tg_ladder.h"
#include "tg_trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 96, FRAME_MAX = 128, NEAR = 1000000 };

/* Texts of a row, which the ladder points to. */
struct row {
	char what[WORDS], seq[WORDS], more[WORDS], note[2 * WORDS];
};

struct drawing {
	const struct tg_prove_result *r;
	struct tg_ladder_step *step;
	struct row *row;
	uint32_t *at; /* row of each step of the result, when it has one */
	uint32_t n;
};

static void put_flags(char *to, uint8_t ctl)
{
	static const struct {
		uint8_t bit;
		const char *name;
	} flag[] = {
	    {TG_TCP_SYN, "SYN"}, {TG_TCP_FIN, "FIN"}, {TG_TCP_RST, "RST"}, {TG_TCP_ACK, "ACK"}};
	size_t n = 0;

	to[0] = '\0';
	for (size_t i = 0; i < sizeof(flag) / sizeof(flag[0]); i++)
		if (ctl & flag[i].bit)
			n +=
			    (size_t)snprintf(to + n, WORDS - n, "%s%s", n ? "," : "", flag[i].name);
}

/* Counted from the first SYN of that end; where that is far away, from that of its connection. */
static void put_number(char *to, size_t size, const char *name, tg_seq seq,
		       const struct tg_prove_result *r, int end, uint8_t tag)
{
	int32_t d = tg_seq_diff(seq, r->iss[end][1]);

	if (d < -NEAR || d > NEAR)
		d = tg_seq_diff(seq, r->iss[end][tag]);
	if (d < -NEAR || d > NEAR)
		snprintf(to, size, "%s %u", name, seq.v);
	else
		snprintf(to, size, "%s %d", name, d);
}

static void put_segment(struct row *row, const struct tg_prove_result *r,
			const struct tg_prove_step *s, int from)
{
	char seq[32], ack[32];

	put_flags(row->what, s->seg.ctl);
	put_number(seq, sizeof(seq), "seq", s->seg.seq, r, from, s->tag);
	put_number(ack, sizeof(ack), "ack", s->seg.ack, r, !from, s->tag);
	snprintf(row->seq, WORDS, "%s%s%s", seq, s->seg.ctl & TG_TCP_ACK ? " " : "",
		 s->seg.ctl & TG_TCP_ACK ? ack : "");
	if (s->seg.len)
		snprintf(row->more, WORDS, "byte %u of connection %u", (s->text[0] & 31u) + 1u,
			 s->tag);
	else if (s->tag > 1)
		snprintf(row->more, WORDS, "connection %u", s->tag);
}

static const char *call_text(const struct tg_prove_step *s)
{
	switch (s->call) {
	case 'O':
		return s->kind == TG_PROVE_TOLD ? "told: open" : "opens";
	case 'S':
		return "sends a byte";
	case 'C':
		return "closes its sending side";
	case 'X':
		return "crashes: everything is forgotten";
	case 'G':
		return "gives up";
	case 'E':
		return "told: end of stream";
	case 'N':
		return "told: closed";
	case 'T':
		return "2MSL is over";
	case 'R':
		if (s->value == TG_CLOSE_RESET)
			return "told: ERROR, connection reset";
		if (s->value == TG_CLOSE_REFUSED)
			return "told: ERROR, connection refused";
		return "told: ERROR";
	}
	return "";
}

static struct tg_ladder_step *add(struct drawing *d, const struct tg_prove_step *s,
				  enum tg_ladder_kind kind)
{
	struct tg_ladder_step *t = &d->step[d->n];
	struct row *row = &d->row[d->n];

	d->n++;
	*t = (struct tg_ladder_step){
	    .kind = kind,
	    .side = s->end ? TG_LADDER_RIGHT : TG_LADDER_LEFT,
	    .time_ns = s->time_ns - d->r->steps[0].time_ns,
	    .what = row->what,
	    .seq = row->seq,
	    .more = row->more,
	    .note = row->note,
	    .state = {tg_tcp_state_name(s->state[0]), tg_tcp_state_name(s->state[1])}};
	return t;
}

/* The first arrival of what step i sent; step_n: none. */
static uint32_t arrival_of(const struct tg_prove_result *r, uint32_t i)
{
	for (uint32_t j = i + 1; j < r->step_n; j++)
		if (r->steps[j].kind == TG_PROVE_ARRIVED && r->steps[j].of == i)
			return j;
	return r->step_n;
}

/* What is sent and arrives at once is one row. */
static void add_sent(struct drawing *d, uint32_t *i)
{
	const struct tg_prove_result *r = d->r;
	const struct tg_prove_step *s = &r->steps[*i];
	uint32_t arrives = arrival_of(r, *i);
	enum tg_ladder_kind kind = arrives == r->step_n ? TG_LADDER_LOST
				   : arrives == *i + 1  ? TG_LADDER_PASS
							: TG_LADDER_SEND;

	put_segment(&d->row[d->n], r, s, s->end);
	d->at[*i] = d->n;
	struct tg_ladder_step *t = add(d, s, kind);

	t->marks =
	    (s->again ? TG_LADDER_AGAIN : 0u) | (s->seg.ctl & TG_TCP_RST ? TG_LADDER_RST : 0u);
	if (kind != TG_LADDER_PASS)
		return;
	++*i;
	for (int k = 0; k < 2; k++)
		t->state[k] = tg_tcp_state_name(r->steps[*i].state[k]);
}

static void add_arrived(struct drawing *d, const struct tg_prove_step *s)
{
	put_segment(&d->row[d->n], d->r, s, !s->end);
	if (s->again)
		snprintf(d->row[d->n].note, sizeof(d->row[d->n].note), "once more");
	struct tg_ladder_step *t = add(d, s, TG_LADDER_ARRIVE);

	t->of = d->at[s->of];
	t->marks = s->seg.ctl & TG_TCP_RST ? TG_LADDER_RST : 0u;
}

static void add_event(struct drawing *d, const struct tg_prove_step *s)
{
	const char *text = call_text(s);

	if (s->kind == TG_PROVE_TIMEOUT)
		text = "retransmission timer";
	else if (s->kind == TG_PROVE_TICK)
		text = "half an MSL passes";
	snprintf(d->row[d->n].what, WORDS, "%s", text);
	struct tg_ladder_step *t = add(d, s, TG_LADDER_EVENT);

	t->marks = s->call == 'R' && s->kind == TG_PROVE_TOLD ? TG_LADDER_ODD : 0u;
}

/* What the last row shows, in words. */
static const char *verdict(enum tg_prove_property p)
{
	static const char *const text[TG_PROVE_PROPERTY_N] = {
	    [TG_PROVE_STALE_SYN] = "a connection, and nobody at the other end",
	    [TG_PROVE_FOREIGN_BYTE] = "reads a byte of another connection",
	    [TG_PROVE_BYTE_ORDER] = "reads a byte twice, or out of order",
	    [TG_PROVE_END] = "end of stream, and bytes are missing",
	    [TG_PROVE_CAN_SEND] = "cannot send, and has not closed",
	    [TG_PROVE_LAST_ACK] = "its FIN came again, and met a stranger",
	    [TG_PROVE_ORDERLY] = "an error after an orderly close",
	    [TG_PROVE_OLD_RST] = "ended by a RST of another connection",
	    [TG_PROVE_DISCOVERED] = "connected to nobody, and never told",
	    [TG_PROVE_CLOSES] = "never comes to an end",
	    [TG_PROVE_TIMER] = "waits, and no timer runs",
	    [TG_PROVE_ACK_WAR] = "answers answers without end",
	    [TG_PROVE_INVARIANT] = "the block is not as it must be",
	};

	return text[p] ? text[p] : "";
}

static void fill(struct drawing *d)
{
	const struct tg_prove_result *r = d->r;
	struct tg_prove_step end = r->steps[r->step_n - 1];

	for (uint32_t i = 0; i < r->step_n; i++) {
		if (i == r->unless && i > 0) {
			struct tg_prove_step s = r->steps[i - 1];
			snprintf(d->row[d->n].note, sizeof(d->row[d->n].note),
				 "from here on everything arrives, and timers fire");
			add(d, &s, TG_LADDER_SKIP);
		}
		if (r->steps[i].kind == TG_PROVE_SENT)
			add_sent(d, &i);
		else if (r->steps[i].kind == TG_PROVE_ARRIVED)
			add_arrived(d, &r->steps[i]);
		else
			add_event(d, &r->steps[i]);
	}
	end.end = r->end;
	snprintf(d->row[d->n].what, WORDS, "%s", verdict(r->property));
	add(d, &end, TG_LADDER_EVENT)->marks = TG_LADDER_ODD;
}

static bool show(const struct tg_prove_view *v, const struct tg_ladder *l)
{
	struct tg_text t = {0};
	bool ok = true;

	tg_ladder_text(&t, l, v->columns, v->utf8);
	if (t.len)
		fwrite(t.at, 1, t.len, stdout);
	tg_text_clear(&t);
	if (v->svg) {
		tg_ladder_svg(&t, l);
		ok = tg_out_file("prove", v->svg, &t);
	}
	tg_text_free(&t);
	return ok;
}

/* --- a capture, taken where the property broke: what that end sent, and what reached it --- */

static uint32_t frame(uint8_t *to, const struct tg_prove_result *r, const struct tg_prove_step *s)
{
	int from = s->kind == TG_PROVE_SENT ? s->end : !s->end;
	const struct tg_tuple *t = &r->tuple[from];
	struct tg_ip ip = {.src = t->laddr, .dst = t->raddr, .proto = TG_PROTO_TCP, .ttl = 64};
	struct tg_seg seg = s->seg;
	uint8_t *tcp = to + TG_IP4_LEN;

	seg.sport = t->lport;
	seg.dport = t->rport;
	uint32_t len = tg_tcp_emit(tcp, &seg);

	memcpy(tcp + len, s->text, seg.len);
	len += seg.len;
	tg_tcp_csum_put(tcp, len, &ip.src, &ip.dst, false);
	tg_ip4_emit(to, &ip, len, false);
	return TG_IP4_LEN + len;
}

static bool write_pcap(const char *path, const struct tg_prove_result *r)
{
	char err[160];
	uint8_t data[FRAME_MAX];
	struct tg_trace_writer *w = tg_trace_create(path, TG_TRACE_RAW, err, sizeof(err));
	bool ok = w != NULL;

	for (uint32_t i = 0; ok && i < r->step_n; i++) {
		const struct tg_prove_step *s = &r->steps[i];
		if ((s->kind != TG_PROVE_SENT && s->kind != TG_PROVE_ARRIVED) || s->end != r->end)
			continue;
		ok = tg_trace_put(w, s->time_ns, data, frame(data, r, s), err, sizeof(err));
	}
	if (w && !tg_trace_finish(w, ok ? err : (char[160]){0}, sizeof(err)))
		ok = false;
	if (!ok)
		tg_cli_failed("prove", "%s", err);
	return ok;
}

bool tg_prove_draw(const struct tg_prove_view *v, const struct tg_prove_result *r,
		   const struct tg_prove_scenario *scenario, const char *sentence)
{
	struct drawing d = {.r = r};
	bool listens = scenario->program[1][0][0] != 'O', ok = false;

	d.step = calloc(r->step_n + 2, sizeof(*d.step));
	d.row = calloc(r->step_n + 2, sizeof(*d.row));
	d.at = calloc(r->step_n + 1, sizeof(*d.at));
	if (d.step && d.row && d.at) {
		fill(&d);
		struct tg_ladder l = {.title = scenario->about,
				      .name = {"client", listens ? "server" : "other end"},
				      .begin = {"CLOSED", listens ? "LISTEN" : "CLOSED"},
				      .sentence = sentence,
				      .steps = d.step,
				      .n = d.n};
		ok = show(v, &l);
	} else {
		tg_cli_failed("prove", "out of memory");
	}
	free(d.step);
	free(d.row);
	free(d.at);
	return ok && (!v->pcap || write_pcap(v->pcap, r));
}
