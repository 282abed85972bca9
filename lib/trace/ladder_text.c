/* SPDX-License-Identifier: BSD-3-Clause */
/* ladder_text.c: a ladder on a terminal.
 *
 *      0.000000  SYN-SENT      |-- SYN seq 0 ----------->|  SYN-RECEIVED
 *      time      left state    |      arrow              |  right state
 *
 * A note stands below its arrow, in the arrow's room, wrapped. */
#include "tg_ladder.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	TIME_COLUMNS = 11,
	STATE_COLUMNS = 12, /* SYN-RECEIVED, ESTABLISHED */
	FIXED_COLUMNS = TIME_COLUMNS + 2 * STATE_COLUMNS + 6,
	ARROW_COLUMNS = 5, /* of an arrow besides its label and the rest of its line */
	LABEL_MAX = 512,
};

struct glyphs {
	const char *line, *dot, *to_right, *to_left, *from, *cross, *arrive;
};

static const struct glyphs ascii = {"-", ".", ">", "<", "|", "X", "."};
static const struct glyphs pretty = {"\xe2\x94\x80", "\xe2\x94\x84", "\xe2\x96\xb6", "\xe2\x97\x80",
				     "\xe2\x94\x82", "\xe2\x9c\x95", "\xe2\x94\x84"};

struct page {
	struct tg_text *t;
	const struct tg_ladder *l;
	const struct glyphs *g;
	uint32_t columns, room; /* room: between the two lines */
};

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

static void pad(struct page *p, const char *text, uint32_t columns, bool right)
{
	uint32_t n = (uint32_t)tg_text_columns(text), fill = n < columns ? columns - n : 0;

	if (right)
		tg_text_repeat(p->t, " ", fill);
	tg_text_put(p->t, text, strlen(text));
	if (!right)
		tg_text_repeat(p->t, " ", fill);
}

/* Words of text from *at on that fit into columns, into line; at least one. False at the end. */
static bool next_line(const char **at, uint32_t columns, char *line, size_t size)
{
	uint32_t used = 0;

	line[0] = 0;
	while (**at == ' ')
		(*at)++;
	while (**at) {
		size_t word = strcspn(*at, " "), have = strlen(line);

		if (used && used + 1 + word > columns)
			break;
		if (have + word + 2 > size)
			break;
		snprintf(line + have, size - have, "%s%.*s", used ? " " : "", (int)word, *at);
		used += (uint32_t)word + (used ? 1 : 0);
		*at += word;
		while (**at == ' ')
			(*at)++;
	}
	return used > 0;
}

static void put_wrapped(struct page *p, const char *text, const char *indent)
{
	char line[LABEL_MAX];

	while (next_line(&text, p->columns - (uint32_t)strlen(indent), line, sizeof(line)))
		tg_text_add(p->t, "%s%s\n", indent, line);
}

static void put_time(struct page *p, uint64_t time_ns)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64 ".%06" PRIu64, time_ns / 1000000000,
		 time_ns / 1000 % 1000000);
	pad(p, text, TIME_COLUMNS, true);
}

/* The row around what stands between the two lines. */
static void row_begin(struct page *p, const struct tg_ladder_step *s, const char *left)
{
	if (s)
		put_time(p, s->time_ns);
	else
		pad(p, "", TIME_COLUMNS, true);
	tg_text_add(p->t, "  ");
	pad(p, left, STATE_COLUMNS, true);
	tg_text_add(p->t, " %s", p->g->from);
}

static void row_end(struct page *p, const char *right)
{
	tg_text_add(p->t, "%s %s\n", p->g->from, right);
}

/* An arrow with its label inside. A segment that arrives later has no head yet. */
static void put_arrow(struct page *p, const struct tg_ladder_step *s, const char *label)
{
	bool arrives = s->kind == TG_LADDER_ARRIVE;
	bool right = arrives ? s->side == TG_LADDER_RIGHT : s->side == TG_LADDER_LEFT;
	const char *line = arrives ? p->g->dot : p->g->line;
	const char *head = right ? p->g->to_right : p->g->to_left;
	uint32_t used = (uint32_t)tg_text_columns(label) + ARROW_COLUMNS;

	if (s->kind == TG_LADDER_LOST)
		head = p->g->cross;
	if (s->kind == TG_LADDER_SEND)
		head = p->g->dot;
	if (right)
		tg_text_add(p->t, "%s%s %s ", line, line, label);
	else
		tg_text_add(p->t, "%s", head);
	tg_text_repeat(p->t, line, p->room > used ? p->room - used : 0);
	if (right)
		tg_text_add(p->t, "%s", head);
	else
		tg_text_add(p->t, " %s %s%s", label, line, line);
}

/* Several rows of text in the arrow's room. */
static void put_below(struct page *p, const char *text)
{
	char line[LABEL_MAX];
	uint32_t room = p->room - 4;

	while (next_line(&text, room, line, sizeof(line))) {
		row_begin(p, NULL, "");
		tg_text_add(p->t, "    ");
		pad(p, line, p->room - 4, false);
		row_end(p, "");
	}
}

/* The label, as much of it as fits; what does not goes below. */
static void split_label(const struct tg_ladder_step *s, uint32_t room, char *label, char *rest)
{
	const char *more = or_empty(s->more), *seq = or_empty(s->seq);

	rest[0] = 0;
	snprintf(label, LABEL_MAX, "%s%s%s%s%s", or_empty(s->what), *seq ? " " : "", seq,
		 *more ? " " : "", more);
	if (tg_text_columns(label) <= room)
		return;
	snprintf(label, LABEL_MAX, "%s%s%s", or_empty(s->what), *seq ? " " : "", seq);
	snprintf(rest, LABEL_MAX, "%s", more);
	if (tg_text_columns(label) <= room)
		return;
	snprintf(label, LABEL_MAX, "%s", or_empty(s->what));
	snprintf(rest, LABEL_MAX, "%s%s%s", seq, *more ? " " : "", more);
}

static void put_event(struct page *p, const struct tg_ladder_step *s)
{
	const char *what = or_empty(s->kind == TG_LADDER_SKIP ? s->note : s->what);
	char text[LABEL_MAX];

	row_begin(p, s->kind == TG_LADDER_SKIP ? NULL : s, or_empty(s->state[0]));
	snprintf(text, sizeof(text), s->kind == TG_LADDER_SKIP ? "  ... %s ..." : "  * %s", what);
	if (s->kind == TG_LADDER_EVENT && s->side == TG_LADDER_RIGHT) {
		snprintf(text, sizeof(text), "%s *  ", what);
		pad(p, text, p->room, true);
	} else {
		pad(p, text, p->room, false);
	}
	row_end(p, or_empty(s->state[1]));
	if (s->kind == TG_LADDER_EVENT)
		put_below(p, or_empty(s->note));
}

static void put_step(struct page *p, const struct tg_ladder_step *s)
{
	char label[LABEL_MAX], rest[LABEL_MAX];

	if (s->kind == TG_LADDER_SKIP || s->kind == TG_LADDER_EVENT) {
		put_event(p, s);
		return;
	}
	split_label(s, p->room - ARROW_COLUMNS, label, rest);
	if (s->kind == TG_LADDER_ARRIVE)
		snprintf(label, sizeof(label), "%s arrives", or_empty(s->what));
	row_begin(p, s->kind == TG_LADDER_ARRIVE ? NULL : s, or_empty(s->state[0]));
	put_arrow(p, s, label);
	row_end(p, or_empty(s->state[1]));
	if (s->kind != TG_LADDER_ARRIVE)
		put_below(p, rest);
	if (s->note && *s->note) {
		snprintf(label, sizeof(label), "(%s)", s->note);
		put_below(p, label);
	}
}

void tg_ladder_text(struct tg_text *t, const struct tg_ladder *l, uint32_t columns, bool utf8)
{
	struct page p = {.t = t, .l = l, .g = utf8 ? &pretty : &ascii};

	if (columns < TG_LADDER_COLUMNS_MIN)
		columns = TG_LADDER_COLUMNS_MIN;
	if (columns > TG_LADDER_COLUMNS_MAX)
		columns = TG_LADDER_COLUMNS_MAX;
	p.columns = columns;
	p.room = columns - FIXED_COLUMNS;
	if (p.room > 76)
		p.room = 76;
	tg_text_add(t, "%s\n", or_empty(l->title));
	put_wrapped(&p, or_empty(l->sentence), "  ");
	tg_text_add(t, "\n");
	pad(&p, "", TIME_COLUMNS + 2, true);
	pad(&p, "A", STATE_COLUMNS + 2, true);
	tg_text_repeat(t, " ", p.room);
	tg_text_add(t, "B\n");
	row_begin(&p, NULL, or_empty(l->begin[0]));
	tg_text_repeat(t, " ", p.room);
	row_end(&p, or_empty(l->begin[1]));
	for (uint32_t i = 0; i < l->n; i++)
		put_step(&p, &l->steps[i]);
	tg_text_add(t, "\n");
}
