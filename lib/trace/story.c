/* SPDX-License-Identifier: BSD-3-Clause */
/* story.c: what happened, in sentences, and the problems that it is filed under. */
#include "flow_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const struct tg_flow_kind tg_flow_kind[TG_FLOW_PROBLEM_N] = {
    [TG_FLOW_REFUSED] = {"refused", "RST answered the SYN"},
    [TG_FLOW_TIMED_OUT] = {"timeout", "never answered, or given up"},
    [TG_FLOW_RESET] = {"reset", "ended by RST"},
    [TG_FLOW_RETRANSMIT] = {"retransmission", "text, SYN or FIN was sent again"},
    [TG_FLOW_DUP_SYN] = {"duplicate-syn", "the SYN was sent again"},
    [TG_FLOW_LOST] = {"loss", "a packet did not arrive"},
    [TG_FLOW_ZERO_WINDOW] = {"zero-window", "an end closed its window"},
    [TG_FLOW_HALF_CLOSE] = {"half-close", "text flowed after the other way was closed"},
    [TG_FLOW_HALF_OPEN] = {"half-open", "one end had lost the connection"},
    [TG_FLOW_SIM_OPEN] = {"simultaneous-open", "both ends opened"},
    [TG_FLOW_SIM_CLOSE] = {"simultaneous-close", "both ends closed at once"},
    [TG_FLOW_TW_CUT] = {"time-wait-cut", "TIME-WAIT was cut short"},
    [TG_FLOW_REUSED] = {"port-reused", "the ports of an earlier connection"},
    [TG_FLOW_COOKIE] = {"cookie", "the SYN-ACK looks like a SYN cookie"},
    [TG_FLOW_MISSING] = {"missing", "packets that the capture does not have"},
    [TG_FLOW_MIDDLE] = {"middle", "begins before the capture"},
    [TG_FLOW_UNFINISHED] = {"unfinished", "goes on after the capture"},
    [TG_FLOW_CUT] = {"truncated", "packets are cut by the snap length"},
    [TG_FLOW_ODD] = {"odd", "what the state machine would not do"},
};

#define COOKIE_ONCE_NS UINT64_C(2500000000)

struct story {
	const struct tg_flow *flow;
	const struct facts *f;
	struct tg_flow_info *info;
	size_t at;
};

static const char *const side_name[2] = {"A", "B"};

static void say(struct story *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct story *s, const char *format, ...)
{
	size_t left = sizeof(s->info->sentence) - s->at;
	va_list args;
	int n;

	if (left < 2)
		return;
	va_start(args, format);
	n = vsnprintf(s->info->sentence + s->at, left, format, args);
	va_end(args);
	if (n > 0)
		s->at += (size_t)n < left ? (size_t)n : left - 1;
}

static void mark(struct story *s, enum tg_flow_problem p)
{
	s->info->problems |= 1u << p;
}

/* "twice", "3 times" */
static void say_times(struct story *s, uint32_t n)
{
	if (n == 1)
		say(s, "once");
	else if (n == 2)
		say(s, "twice");
	else
		say(s, "%u times", n);
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void say_time(struct story *s, uint64_t ns)
{
	if (ns < 1000000)
		say(s, "%" PRIu64 " us", ns / 1000);
	else if (ns < 1000000000)
		say(s, "%.3g ms", (double)ns / 1e6);
	else
		say(s, "%.3g s", (double)ns / 1e9);
}

static enum tg_tcp_state state(const struct story *s, int side)
{
	return s->info->state[side];
}

/* --- the beginning --- */

static void say_reuse(struct story *s)
{
	if (!s->f->reused)
		return;
	mark(s, TG_FLOW_REUSED);
	say(s, "The ports of an earlier connection are used again, ");
	say_time(s, s->f->reused_after_ns);
	say(s, " after its last packet%s. ", s->f->reused_in_tw ? ", over B's TIME-WAIT" : "");
}

static bool was_answered(const struct story *s, int opener)
{
	return s->f->syn_ack[!opener] || s->f->rst[!opener] || s->f->syn[!opener];
}

static void say_unanswered(struct story *s, int opener)
{
	uint32_t n = s->f->syn_n[opener];
	uint64_t span = s->f->syn_last_ns[opener] - s->f->syn_ns[opener];

	mark(s, TG_FLOW_TIMED_OUT);
	say(s, "%s sent SYN %s", side_name[opener], n == 1 ? "once" : "");
	if (n > 1) {
		say(s, "%u times in ", n);
		say_time(s, span);
	}
	say(s, "%s and had no answer: the open timed out, or the capture ends before. ",
	    n == 1 ? "," : "");
}

static void say_refused(struct story *s, int opener)
{
	mark(s, TG_FLOW_REFUSED);
	say(s,
	    "%s refused the connection: it answered the SYN of %s by RST, as an end does that has "
	    "no "
	    "listener on that port. ",
	    side_name[!opener], side_name[opener]);
}

static void say_rejected_syn_ack(struct story *s, int opener)
{
	mark(s, TG_FLOW_RESET);
	say(s,
	    "%s answered the SYN-ACK by RST: it no longer wanted the connection, or had not asked "
	    "for "
	    "it (a scan, or a forged SYN); %s is back in LISTEN. ",
	    side_name[opener], side_name[!opener]);
}

static void say_half_open_end(struct story *s, int opener)
{
	uint32_t n = s->f->syn_ack_n[!opener];

	mark(s, TG_FLOW_TIMED_OUT);
	say(s, "%s answered the SYN by SYN-ACK%s", side_name[!opener], n > 1 ? ", " : "");
	if (n > 1)
		say(s, "%u times", n);
	say(s,
	    ", and no ACK came: the handshake was never finished (a SYN flood looks like that). ");
}

/* Each SYN had one SYN-ACK, none was repeated, and the handshake hung for seconds. */
static bool kept_no_state(const struct story *s, int b)
{
	const struct facts *f = s->f;

	return f->syn_ack_n[b] > 0 && f->syn_ack_n[b] == f->syn_n[!b] && !f->established[b] &&
	       s->flow->last_ns - f->syn_ack_ns[b] > COOKIE_ONCE_NS;
}

static void say_cookie(struct story *s)
{
	const struct facts *f = s->f;
	int b = f->syn_ack[1] ? 1 : 0;
	bool once = kept_no_state(s, b);

	if (f->sim_open || (!f->cookie_isn && !f->cookie_ts && !f->cookie_plain && !once))
		return;
	mark(s, TG_FLOW_COOKIE);
	say(s, "A SYN cookie of %s is suspected: ", side_name[b]);
	if (f->cookie_isn)
		say(s, "it answered one SYN with two different sequence numbers. ");
	else if (f->cookie_ts)
		say(s, "the low bits of each TSval on its SYN-ACKs spell the options of the SYN. ");
	else if (once)
		say(s, "it kept no state of the SYN: the SYN-ACK was not repeated, although no ACK "
		       "came for seconds. ");
	else
		say(s, "of the SYN's options its SYN-ACK knows the MSS alone. ");
}

static int opener_of(const struct facts *f)
{
	return f->syn[0] || !f->syn[1] ? 0 : 1;
}

static void say_dup_syn(struct story *s, int opener)
{
	const struct facts *f = s->f;

	if (f->syn_n[opener] > 1 && was_answered(s, opener)) {
		mark(s, TG_FLOW_DUP_SYN);
		say(s, "The SYN was sent ");
		say_times(s, f->syn_n[opener]);
		say(s, ". ");
	}
	if (f->syn_ack_n[!opener] > 1) {
		mark(s, TG_FLOW_RETRANSMIT);
		say(s, "The SYN-ACK was sent ");
		say_times(s, f->syn_ack_n[!opener]);
		say(s, ". ");
	}
}

/* False: it never opened, and all is said. */
static bool say_open(struct story *s)
{
	const struct facts *f = s->f;
	int a = opener_of(f);

	if (f->middle) {
		mark(s, TG_FLOW_MIDDLE);
		say(s, "The capture begins in the middle of this connection. ");
		return true;
	}
	if (f->syn_n[a] > 1 && !was_answered(s, a))
		mark(s, TG_FLOW_DUP_SYN);
	if (!was_answered(s, a)) {
		say_unanswered(s, a);
		return false;
	}
	say_dup_syn(s, a);
	if (f->sim_open) {
		mark(s, TG_FLOW_SIM_OPEN);
		say(s, "Both ends opened at once: their SYNs crossed, and each went from SYN-SENT "
		       "through SYN-RECEIVED. ");
	}
	if (f->established[0] && f->established[1]) {
		if (!f->sim_open)
			say(s, "%s opened the connection to %s in three steps. ", side_name[a],
			    side_name[!a]);
		return true;
	}
	if (f->syn_ack[!a] && f->rst[a]) {
		say_rejected_syn_ack(s, a);
		return false;
	}
	if (f->rst[!a] && !f->syn_ack[!a]) {
		say_refused(s, a);
		return false;
	}
	if (f->syn_ack[!a] && !f->established[!a] && state(s, a) != TG_CLOSED &&
	    f->packets[a] == f->syn_n[a]) {
		say_half_open_end(s, a);
		return false;
	}
	return true;
}

/* --- the middle --- */

static void say_text(struct story *s)
{
	const struct facts *f = s->f;

	if (f->bytes[0] + f->bytes[1] == 0) {
		if (f->established[0] && f->established[1])
			say(s, "No text was sent. ");
		return;
	}
	for (int i = 0; i < 2; i++)
		if (f->bytes[i])
			say(s, "%s sent %" PRIu64 " byte%s%s", side_name[i], f->bytes[i],
			    plural(f->bytes[i]), i == 0 && f->bytes[1] ? ", " : ". ");
}

static void say_again(struct story *s)
{
	const struct facts *f = s->f;

	for (int i = 0; i < 2; i++) {
		uint32_t fins = f->fin_n[i] > 1 ? f->fin_n[i] - 1 : 0;
		uint32_t texts = f->again[i] > fins ? f->again[i] - fins : 0;

		if (texts) {
			mark(s, TG_FLOW_RETRANSMIT);
			say(s, "%s sent %u segment%s of text again (%" PRIu64 " byte%s)",
			    side_name[i], texts, plural(texts), f->again_bytes[i],
			    plural(f->again_bytes[i]));
			if (f->dupacks[!i])
				say(s, ", after duplicate ACKs");
			say(s, ". ");
		}
		if (fins) {
			mark(s, TG_FLOW_RETRANSMIT);
			say(s, "%s sent its FIN ", side_name[i]);
			say_times(s, f->fin_n[i]);
			say(s, ". ");
		}
	}
	if (f->lost[0] + f->lost[1] == 0)
		return;
	mark(s, TG_FLOW_LOST);
	say(s, "%u packet%s of the capture did not arrive. ", f->lost[0] + f->lost[1],
	    plural(f->lost[0] + f->lost[1]));
}

static void say_windows(struct story *s)
{
	const struct facts *f = s->f;

	for (int i = 0; i < 2; i++) {
		if (f->zero_windows[i]) {
			mark(s, TG_FLOW_ZERO_WINDOW);
			say(s, "%s closed its window ", side_name[i]);
			say_times(s, f->zero_windows[i]);
			if (f->probes[!i])
				say(s, ", and %s probed it %u time%s", side_name[!i], f->probes[!i],
				    plural(f->probes[!i]));
			say(s, ". ");
		}
		if (f->keepalives[i])
			say(s, "%s sent %u keepalive probe%s. ", side_name[i], f->keepalives[i],
			    plural(f->keepalives[i]));
	}
}

static void say_capture(struct story *s)
{
	const struct facts *f = s->f;

	if (f->missing_n) {
		mark(s, TG_FLOW_MISSING);
		say(s,
		    "Packets are missing in the capture: %" PRIu64
		    " byte%s that were acknowledged were "
		    "not seen. ",
		    f->missing, plural(f->missing));
	}
	if (f->cut) {
		mark(s, TG_FLOW_CUT);
		say(s, "Of %u packet%s the capture has only the beginning. ", f->cut,
		    plural(f->cut));
	}
	if (f->back)
		say(s, "Time goes back before %u packet%s. ", f->back, plural(f->back));
}

/* --- the end --- */

static const char *const odd_text[TG_ODD_N] = {
    [TG_ODD_SYN_AGAIN_NEW] =
	"%s sent another SYN, with a new number, before the first was answered",
    [TG_ODD_SYN_ACK_UNASKED] = "%s sent a SYN-ACK that no SYN had asked for",
    [TG_ODD_SYN_ACK_LATE] = "%s sent a SYN-ACK when the handshake was over",
    [TG_ODD_FIN_EARLY] = "%s sent FIN without a connection",
    [TG_ODD_TEXT_EARLY] = "%s went on before the handshake could be over",
    [TG_ODD_TEXT_LATE] = "%s spoke after the end of its connection",
    [TG_ODD_AFTER_FIN] = "%s sent text above its own FIN",
    [TG_ODD_ACK_REFUSED] = "%s acknowledged what RFC 9293 would have it refuse",
};

static void say_odd(struct story *s)
{
	const struct facts *f = s->f;
	char text[120];

	if (f->odd_n == 0 || !odd_text[f->odd])
		return;
	mark(s, TG_FLOW_ODD);
	/* The table's words, with the end's name at %s. */
	snprintf(text, sizeof(text), "%s%s", side_name[f->odd_side], odd_text[f->odd] + 2);
	say(s, "%s, which the state machine would not do. ", text);
}

static void say_half_open(struct story *s)
{
	if (!s->f->half_open)
		return;
	mark(s, TG_FLOW_HALF_OPEN);
	say(s,
	    "One end had lost the connection and opened it anew; the other still had the old one "
	    "(half-open), answered the SYN by an ACK, and the RST to that ended it. ");
}

/* Who reset, from where, and why, as far as its form tells. */
static void say_rst(struct story *s)
{
	const struct facts *f = s->f;
	int r = f->first_rst;
	enum tg_tcp_state from = (enum tg_tcp_state)f->rst_from[r];
	bool has_ack = f->rst_ctl[r] & TG_TCP_ACK;

	if (f->half_open) /* told */
		return;
	if (f->rst_refused[r] && !f->closed_by_rst[!r]) {
		say(s,
		    "A RST of %s ended nothing, since %s was in %s or its number was not exact. ",
		    side_name[r], side_name[!r],
		    tg_tcp_state_name((enum tg_tcp_state)f->rst_at[r]));
		return;
	}
	if (f->tw_cut) {
		mark(s, TG_FLOW_TW_CUT);
		say(s, "%s cut its TIME-WAIT short by a RST. ", side_name[r]);
		return;
	}
	mark(s, TG_FLOW_RESET);
	if (f->middle && f->begins_rst) {
		say(s, "%s sent RST; what it answers is not in the capture. ", side_name[r]);
	} else if (has_ack && from >= TG_ESTABLISHED && from <= TG_LAST_ACK) {
		say(s, "%s aborted the connection by RST, from %s%s. ", side_name[r],
		    tg_tcp_state_name(from),
		    f->fin[r] ? ", after its FIN: what came then was for nobody" : "");
	} else if (f->fin[r]) {
		say(s,
		    "%s had closed, and answered what came then by RST: nobody was left to read "
		    "it. ",
		    side_name[r]);
	} else {
		say(s, "%s answered by RST, as an end does that knows of no such connection. ",
		    side_name[r]);
	}
}

static void say_fins(struct story *s)
{
	const struct facts *f = s->f;
	int a = f->first_fin;

	if (f->sim_close) {
		mark(s, TG_FLOW_SIM_CLOSE);
		say(s, "Both ends closed at once: their FINs crossed. ");
		return;
	}
	if (f->half_bytes[!a]) {
		mark(s, TG_FLOW_HALF_CLOSE);
		say(s,
		    "%s closed its way first; through the half-closed connection %s still sent "
		    "%" PRIu64 " byte%s%s. ",
		    side_name[a], side_name[!a], f->half_bytes[!a], plural(f->half_bytes[!a]),
		    f->fin[!a] ? ", then closed too" : "");
		return;
	}
	if (f->fin[!a]) {
		say(s, "%s closed first, %s after it. ", side_name[a], side_name[!a]);
		return;
	}
	mark(s, TG_FLOW_HALF_CLOSE);
	say(s, "%s closed its way; %s did not close its own. ", side_name[a], side_name[!a]);
}

static bool is_over(const struct story *s, int side)
{
	return state(s, side) == TG_CLOSED || state(s, side) == TG_TIME_WAIT ||
	       state(s, side) == TG_LISTEN || state(s, side) == 0;
}

static void say_final(struct story *s)
{
	const struct facts *f = s->f;

	if (is_over(s, 0) && is_over(s, 1)) {
		for (int i = 0; i < 2; i++)
			if (f->tw[i] && f->first_rst < 0)
				say(s, "%s keeps TIME-WAIT. ", side_name[i]);
		return;
	}
	if (f->first_rst >= 0 && !f->rst_refused[f->first_rst])
		return;
	mark(s, TG_FLOW_UNFINISHED);
	say(s, "At the end of the capture A is in %s, B in %s. ",
	    state(s, 0) ? tg_tcp_state_name(state(s, 0)) : "an unknown state",
	    state(s, 1) ? tg_tcp_state_name(state(s, 1)) : "an unknown state");
}

/* Text or FIN that was repeated to the end, and nothing came back. */
static bool was_given_up(const struct tg_flow *flow, int side)
{
	const struct tg_end *e = &flow->end[side];
	const struct facts *f = &flow->facts;

	return f->again[side] >= 2 && e->phase == TG_END_BLOCK && tg_seq_lt(e->una, e->nxt) &&
	       f->first_rst < 0;
}

static void say_close(struct story *s)
{
	const struct facts *f = s->f;

	if (f->first_fin >= 0)
		say_fins(s);
	for (int i = 0; i < 2; i++)
		if (was_given_up(s->flow, i)) {
			mark(s, TG_FLOW_TIMED_OUT);
			say(s, "%s had no answer to what it sent again and again: it times out. ",
			    side_name[i]);
		}
	if (f->first_rst >= 0)
		say_rst(s);
	say_final(s);
}

void story_tell(const struct tg_flow *flow, struct tg_flow_info *info)
{
	struct story s = {.flow = flow, .f = &flow->facts, .info = info};

	info->problems = 0;
	info->sentence[0] = 0;
	say_reuse(&s);
	if (say_open(&s)) {
		say_cookie(&s);
		say_text(&s);
		say_again(&s);
		say_windows(&s);
		say_half_open(&s);
		say_close(&s);
	} else {
		say_cookie(&s);
	}
	say_odd(&s);
	say_capture(&s);
	if (flow->evicted)
		say(&s, "It was silent longest when room for another was needed; what came later "
			"is told "
			"apart. ");
	while (s.at > 0 && info->sentence[s.at - 1] == ' ')
		info->sentence[--s.at] = 0;
}
