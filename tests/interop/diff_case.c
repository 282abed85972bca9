/* SPDX-License-Identifier: BSD-3-Clause */
/* diff_case.c: brings a host to a state, sends it one segment, and reads what comes back. */
#include "diff_case.h"

#include <stdio.h>
#include <string.h>

enum { IN_FLIGHT = 100, IRS = 0x30000000, OTHER_SEQ = 0x51000000, STAMP = 1000000 };

/* The host's connection in the RFC's names, as the wire told it. */
struct peer_view {
	struct host *h;
	uint16_t port;
	bool v6, stamps;
	unsigned wait_ms;
	uint32_t una, nxt, rcv_nxt, edge;
	bool knows_iss;
	uint32_t tsval, their_ts;
};

const char *const diff_state_names[D_STATES] = {"CLOSED",
						"LISTEN",
						"SYN-SENT",
						"SYN-RECEIVED from LISTEN",
						"SYN-RECEIVED from SYN-SENT",
						"ESTABLISHED",
						"FIN-WAIT-1",
						"FIN-WAIT-2",
						"CLOSE-WAIT",
						"CLOSING",
						"LAST-ACK",
						"TIME-WAIT"};
const char *const diff_seq_names[Q_SEQS] = {"NXT-10",  "NXT-5", "NXT-1",   "NXT",     "NXT+100",
					    "NXT+W-1", "NXT+W", "NXT+W-5", "NXT+2^31"};
const char *const diff_ack_names[A_ACKS] = {"-", "UNA-66000", "UNA-1", "UNA", "NXT", "NXT+1"};
const char *const diff_stamp_names[T_STAMPS] = {"", "ts fresh", "ts old", "ts missing"};

void diff_describe(const struct diff_case *c, char *text, size_t size)
{
	static const char *const names[] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG"};
	char flags[40] = "";

	for (int i = 0; i < 6; i++)
		if (c->flags & 1 << i)
			snprintf(flags + strlen(flags), sizeof(flags) - strlen(flags), "%s%s",
				 flags[0] ? "," : "", names[i]);
	int n = snprintf(text, size, "%s seq=%s", flags[0] ? flags : "no flags",
			 diff_seq_names[c->seq]);
	if (c->flags & ACK)
		n += snprintf(text + n, size - (size_t)n, " ack=%s", diff_ack_names[c->ack]);
	if (c->len)
		n += snprintf(text + n, size - (size_t)n, " len=%u", c->len);
	if (c->stamp)
		snprintf(text + n, size - (size_t)n, " %s", diff_stamp_names[c->stamp]);
}

static void send_seg(struct peer_view *p, struct wire_seg s)
{
	unsigned char datagram[WIRE_MAX];

	s.v6 = p->v6;
	s.sport = s.dport = p->port;
	s.win = 65535;
	p->h->inject(p->h, datagram, wire_emit(&s, datagram));
}

/* With what every segment of the connection has. */
static struct wire_seg with_stamp(struct peer_view *p, struct wire_seg s)
{
	s.has_ts = p->stamps;
	s.tsval = ++p->tsval;
	s.tsecr = p->their_ts;
	return s;
}

static void learn(struct peer_view *p, const struct wire_seg *s)
{
	uint32_t end = s->seq + s->len + !!(s->flags & SYN) + !!(s->flags & FIN);

	if ((s->flags & SYN) && !p->knows_iss) {
		p->una = s->seq;
		p->nxt = s->seq;
		p->knows_iss = true;
	}
	if ((int32_t)(end - p->nxt) > 0)
		p->nxt = end;
	if ((s->flags & ACK) && (int32_t)(s->ack + s->win - p->edge) > 0)
		p->edge = s->ack + s->win;
	if (s->has_ts)
		p->their_ts = s->tsval;
}

/* Waits for a segment with these flags (PSH apart); what else comes is learnt and passed by. */
static bool expect(struct peer_view *p, uint8_t flags)
{
	unsigned char datagram[WIRE_MAX];
	struct wire_seg s;
	size_t n;

	while ((n = p->h->output(p->h, datagram, sizeof(datagram), 200 + p->wait_ms)) > 0) {
		if (!wire_parse(datagram, n, &s))
			continue;
		learn(p, &s);
		if ((s.flags & (FIN | SYN | RST | ACK)) == flags)
			return true;
	}
	return false;
}

/* --- states --- */

static bool make_half_open(struct peer_view *p)
{
	struct wire_seg syn = {.seq = IRS, .flags = SYN, .has_mss = true, .mss = 1460};

	if (!p->h->listen(p->h))
		return false;
	p->rcv_nxt = p->edge = IRS + 1;
	send_seg(p, with_stamp(p, syn));
	return expect(p, SYN | ACK);
}

static bool make_syn_sent(struct peer_view *p)
{
	p->rcv_nxt = p->edge = IRS + 1;
	return p->h->connect(p->h) && expect(p, SYN);
}

static bool make_crossed(struct peer_view *p)
{
	struct wire_seg syn = {.seq = IRS, .flags = SYN, .has_mss = true, .mss = 1460};

	if (!make_syn_sent(p))
		return false;
	send_seg(p, with_stamp(p, syn));
	return expect(p, SYN | ACK);
}

static void send_ack(struct peer_view *p, uint8_t flags)
{
	struct wire_seg s = {.seq = p->rcv_nxt, .ack = p->nxt, .flags = flags | ACK};

	p->una = p->nxt;
	send_seg(p, with_stamp(p, s));
}

static bool make_open(struct peer_view *p)
{
	if (!make_half_open(p))
		return false;
	send_ack(p, 0);
	return p->h->accept(p->h);
}

/* A FIN from us that acknowledges nothing new. */
static bool send_fin(struct peer_view *p)
{
	struct wire_seg s = {.seq = p->rcv_nxt, .ack = p->una, .flags = FIN | ACK};

	send_seg(p, with_stamp(p, s));
	p->rcv_nxt++;
	return expect(p, ACK);
}

static bool shut(struct peer_view *p)
{
	return p->h->shut(p->h) && expect(p, FIN | ACK);
}

static bool fly(struct peer_view *p)
{
	return p->h->write(p->h, IN_FLIGHT) && expect(p, ACK);
}

static bool reach(struct peer_view *p, enum diff_state state)
{
	switch (state) {
	case D_CLOSED:
		p->nxt = p->una = OTHER_SEQ;
		p->rcv_nxt = IRS;
		p->edge = IRS + 65535;
		return true;
	case D_LISTEN:
		reach(p, D_CLOSED);
		return p->h->listen(p->h);
	case D_SYN_SENT:
		return make_syn_sent(p);
	case D_SYN_RCVD_P:
		return make_half_open(p);
	case D_SYN_RCVD_A:
		return make_crossed(p);
	case D_ESTABLISHED:
		return make_open(p) && fly(p);
	case D_FIN_WAIT_1:
		return make_open(p) && shut(p);
	case D_FIN_WAIT_2:
		if (!make_open(p) || !shut(p))
			return false;
		send_ack(p, 0);
		return true;
	case D_CLOSE_WAIT:
		return make_open(p) && fly(p) && send_fin(p);
	case D_CLOSING:
		return make_open(p) && shut(p) && send_fin(p);
	case D_LAST_ACK:
		return make_open(p) && send_fin(p) && shut(p);
	case D_TIME_WAIT:
		if (!make_open(p) || !shut(p))
			return false;
		send_ack(p, 0);
		return send_fin(p);
	case D_STATES:
		break;
	}
	return false;
}

/* --- the segment --- */

static uint32_t seq_at(const struct peer_view *p, enum diff_seq q)
{
	switch (q) {
	case Q_OLD:
		return p->rcv_nxt - 10;
	case Q_STRADDLE:
		return p->rcv_nxt - 5;
	case Q_BEFORE:
		return p->rcv_nxt - 1;
	case Q_NXT:
		return p->rcv_nxt;
	case Q_AFTER:
		return p->rcv_nxt + 100;
	case Q_LAST:
		return p->edge - 1;
	case Q_END:
		return p->edge;
	case Q_CUT:
		return p->edge - 5;
	case Q_FAR:
	case Q_SEQS:
		break;
	}
	return p->rcv_nxt + 0x80000000u;
}

static uint32_t ack_at(const struct peer_view *p, enum diff_ack a)
{
	switch (a) {
	case A_ANCIENT:
		return p->una - 66000;
	case A_OLD:
		return p->una - 1;
	case A_UNA:
		return p->una;
	case A_NXT:
		return p->nxt;
	case A_BEYOND:
		return p->nxt + 1;
	case A_NONE:
	case A_ACKS:
		break;
	}
	return 0;
}

static void send_case(struct peer_view *p, const struct diff_case *c)
{
	struct wire_seg s = {
	    .seq = seq_at(p, c->seq), .ack = ack_at(p, c->ack), .flags = c->flags, .len = c->len};

	if (c->flags & SYN) {
		s.has_mss = true;
		s.mss = 1460;
	}
	s = with_stamp(p, s);
	if (c->stamp == T_OLD)
		s.tsval = STAMP - 5000;
	else if (c->stamp == T_FRESH)
		s.tsval = p->tsval += 5000;
	s.has_ts &= c->stamp != T_MISSING;
	send_seg(p, s);
}

/* --- answers --- */

/* What is sent again by its own timer is no answer (Linux repeats its SYN at once after a bad ACK,
 * DIS-21: but not within a fixed time). */
static bool is_repeat(const struct peer_view *p, const struct wire_seg *s)
{
	uint32_t end = s->seq + s->len + !!(s->flags & FIN);

	if ((s->flags & (SYN | RST | ACK)) == SYN)
		return p->knows_iss;
	return !(s->flags & (SYN | RST)) && end != s->seq && (int32_t)(end - p->nxt) <= 0;
}

static const char *class_of(const struct wire_seg *s)
{
	if (s->flags & RST)
		return "RST";
	if (s->flags & SYN)
		return s->flags & ACK ? "SYN-ACK" : "SYN";
	if (s->flags & FIN)
		return "FIN";
	return s->len ? "DATA" : "ACK";
}

/* To RCV.NXT, or near the end of the window to that: hosts differ in how much they offer. */
static void relative(const struct peer_view *p, uint32_t ack, char *text, size_t size)
{
	int32_t from_nxt = (int32_t)(ack - p->rcv_nxt), from_edge = (int32_t)(ack - p->edge);

	if (from_edge >= -100 && from_edge <= 100 && p->edge - p->rcv_nxt > 1000)
		snprintf(text, size, "W%+d", from_edge);
	else
		snprintf(text, size, "%+d", from_nxt);
}

static void add_answer(const struct peer_view *p, const struct wire_seg *s, char *answer)
{
	char seq[16] = "ISS", ack[16] = "-";
	size_t n = strlen(answer);

	/* The first SYN of a host has a number of its own. */
	if (!(s->flags & SYN) || p->knows_iss)
		snprintf(seq, sizeof(seq), "%+d", (int32_t)(s->seq - p->nxt));
	if ((s->flags & RST) && !(s->flags & ACK) && s->seq == 0)
		snprintf(seq, sizeof(seq), "0");
	if ((s->flags & (RST | ACK)) == (RST | ACK) && s->seq == 0)
		snprintf(seq, sizeof(seq), "0");
	if (s->flags & ACK)
		relative(p, s->ack, ack, sizeof(ack));
	snprintf(answer + n, ANSWER_MAX - n, "%s%s(%s,%s)", n ? " " : "", class_of(s), seq, ack);
}

static void read_answers(struct peer_view *p, unsigned wait_ms, char *answer)
{
	unsigned char datagram[WIRE_MAX];
	struct wire_seg s;
	size_t n;

	answer[0] = 0;
	while ((n = p->h->output(p->h, datagram, sizeof(datagram), wait_ms)) > 0) {
		if (!wire_parse(datagram, n, &s) || is_repeat(p, &s))
			continue;
		add_answer(p, &s, answer);
		/* A connection that begins anew has numbers of its own. */
		if ((s.flags & (SYN | ACK)) == (SYN | ACK)) {
			p->nxt = s.seq + 1;
			p->rcv_nxt = s.ack;
		}
		wait_ms = 1;
	}
	if (!answer[0])
		strcpy(answer, "none");
}

/* Whether it still lives: an old duplicate is answered by ACK, in CLOSED and LISTEN by RST. */
static void probe(struct peer_view *p, char *answer)
{
	struct wire_seg s = {.seq = p->rcv_nxt - 10, .ack = p->nxt, .flags = ACK, .len = 5};
	unsigned char datagram[WIRE_MAX];
	const char *class = "none";
	size_t n;

	send_seg(p, with_stamp(p, s));
	while ((n = p->h->output(p->h, datagram, sizeof(datagram), p->wait_ms)) > 0)
		if (wire_parse(datagram, n, &s) && !is_repeat(p, &s)) {
			class = class_of(&s);
			break;
		}
	n = strlen(answer);
	snprintf(answer + n, ANSWER_MAX - n, " -> %s", class);
}

bool diff_play(struct host *h, const struct diff_case *c, uint16_t port, unsigned wait_ms,
	       char answer[ANSWER_MAX])
{
	struct peer_view p = {.h = h,
			      .port = port,
			      .v6 = c->v6,
			      .stamps = c->stamp != T_OFF,
			      .wait_ms = wait_ms,
			      .tsval = STAMP};
	bool there;

	if (!h->begin(h, c->v6, port)) {
		snprintf(answer, ANSWER_MAX, "%s: no beginning", h->name);
		return false;
	}
	there = reach(&p, c->state);
	snprintf(answer, ANSWER_MAX, "%s: %s was not reached", h->name, diff_state_names[c->state]);
	if (there) {
		char rest[ANSWER_MAX];
		/* What the last step made it say (a delayed ACK) comes before. */
		read_answers(&p, 0, rest);
		send_case(&p, c);
		read_answers(&p, wait_ms, answer);
		probe(&p, answer);
	}
	h->end(h);
	return there;
}
