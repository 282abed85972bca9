/* SPDX-License-Identifier: BSD-3-Clause */
/* ladder_svg.c: a ladder as a picture, 1000 wide.
 *
 *      time | state |=|      arrows and labels      |=| state | packet
 *           84    186 199                         801 814   980
 *
 * The lines of both ends are bars whose colour is the state; its name stands where it changes. Each
 * label has a row of its own, so that no two can meet. Colours are classes, so that a dark viewer
 * gets others; what has no style sheet takes the attributes: dark on white. */
#include "tg_ladder.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	WIDTH = 1000,
	MARGIN = 20,
	TIME_X = 84,
	STATE_LEFT_X = 186, /* right edge of the left states */
	STATE_RIGHT_X = 814,
	LINE_L = 199,
	LINE_R = 801,
	BAR = 8,
	NUMBER_X = 980,
	TITLE_H = 34,
	TEXT_H = 20,
	TEXT_CHARS = 108,
	HEAD_H = 58,
	ROW_H = 42,
	ARRIVE_H = 26,
	LINE_H = 16,
	GAP = 9, /* between the flags and the rest of a label */
	SLANT = 10,
	LABEL_CHARS = 68,
	NOTE_CHARS = 70,
	LABEL_MAX = 512,
	SENT_MAX = 64, /* segments on their way that a later step may name */
};

static const char style[] =
    "<style>"
    "text{font-family:ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;font-size:12px}"
    ".t{font-size:15px;font-weight:bold}.p{font-size:13.5px}.w{font-weight:bold;font-size:13px}"
    ".n{font-style:italic}.e{font-size:12px;font-weight:bold}"
    ".bg{fill:#ffffff}.x{fill:#1f2328}.m{fill:#57606a}.r{fill:#cf222e}.a{fill:#8a5a00}"
    ".l{stroke:#1f2328}.lr{stroke:#cf222e}.la{stroke:#8a5a00}.lm{stroke:#8c959f}"
    ".box{fill:#f6f8fa;stroke:#8c959f}"
    ".s0{fill:#afb8c1}.s1{fill:#6e7781}.s2{fill:#54aeff}.s3{fill:#2da44e}.s4{fill:#e16f24}"
    ".s5{fill:#8250df}"
    "@media(prefers-color-scheme:dark){"
    ".bg{fill:#0d1117}.x{fill:#e6edf3}.m{fill:#9da7b3}.r{fill:#ff7b72}.a{fill:#e3b341}"
    ".l{stroke:#e6edf3}.lr{stroke:#ff7b72}.la{stroke:#e3b341}.lm{stroke:#6e7681}"
    ".box{fill:#161b22;stroke:#6e7681}"
    ".s0{fill:#484f58}.s1{fill:#8b949e}.s2{fill:#388bfd}.s3{fill:#3fb950}.s4{fill:#f0883e}"
    ".s5{fill:#a371f7}}"
    "</style>\n";

/* A segment on its way: where its line begins. */
struct sent {
	uint32_t step, y;
	enum tg_ladder_side side;
	unsigned marks;
};

struct picture {
	struct tg_text *t;    /* labels: they stand above all lines, on ground of their own */
	struct tg_text under; /* lines and bars */
	const struct tg_ladder *l;
	uint32_t y;           /* of the row */
	const char *state[2]; /* that the bar shows */
	uint32_t bar_y[2];    /* where it began */
	struct sent sent[SENT_MAX];
	uint32_t sent_n;
};

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

static uint32_t line_x(enum tg_ladder_side side)
{
	return side == TG_LADDER_RIGHT ? LINE_R - BAR / 2 - 2 : LINE_L + BAR / 2 + 2;
}

/* --- texts --- */

static void put_text(struct tg_text *t, uint32_t x, uint32_t y, const char *anchor,
		     const char *class, const char *text)
{
	tg_text_add(t, "<text x=\"%u\" y=\"%u\" class=\"%s\" text-anchor=\"%s\">", x, y, class,
		    anchor);
	tg_text_xml(t, text);
	tg_text_add(t, "</text>\n");
}

/* Words of *at that fit into chars, at least one, cut when it alone does not fit. */
static bool next_line(const char **at, uint32_t chars, char *line, size_t size)
{
	size_t used = 0;

	if (chars + 1 > size)
		chars = (uint32_t)size - 1;
	*at += strspn(*at, " ");
	while (**at) {
		size_t word = strcspn(*at, " ");

		if (used && used + 1 + word > chars)
			break;
		if (word > chars)
			word = chars;
		used += (size_t)snprintf(line + used, size - used, "%s%.*s", used ? " " : "",
					 (int)word, *at);
		*at += word;
		*at += strspn(*at, " ");
		if (used >= chars)
			break;
	}
	line[used] = 0;
	return used > 0;
}

/* Lines of text from the row's y on, LINE_H apart. */
static void put_lines(struct picture *p, const char *class, const char *text)
{
	char line[LABEL_MAX];

	while (next_line(&text, NOTE_CHARS, line, sizeof(line))) {
		put_text(p->t, WIDTH / 2, p->y, "middle", class, line);
		p->y += LINE_H;
	}
}

/* --- bars and states --- */

static char bar_class(const char *state)
{
	static const struct {
		const char *state;
		char class;
	} known[] = {{"LISTEN", '1'},      {"SYN-SENT", '2'},   {"SYN-RECEIVED", '2'},
		     {"ESTABLISHED", '3'}, {"FIN-WAIT-1", '4'}, {"FIN-WAIT-2", '4'},
		     {"CLOSE-WAIT", '4'},  {"CLOSING", '4'},    {"LAST-ACK", '4'},
		     {"TIME-WAIT", '5'}};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(state, known[i].state) == 0)
			return known[i].class;
	return '0';
}

static const char *bar_fill(char class)
{
	static const char *const fill[] = {"#afb8c1", "#6e7781", "#54aeff",
					   "#2da44e", "#e16f24", "#8250df"};

	return fill[class - '0'];
}

static void end_bar(struct picture *p, int side, uint32_t y)
{
	char class = bar_class(p->state[side]);

	if (y <= p->bar_y[side])
		return;
	tg_text_add(
	    p->t,
	    "<rect class=\"s%c\" fill=\"%s\" x=\"%d\" y=\"%u\" width=\"%d\" height=\"%u\"/>\n",
	    class, bar_fill(class), (side ? LINE_R : LINE_L) - BAR / 2, p->bar_y[side], BAR,
	    y - p->bar_y[side]);
	p->bar_y[side] = y;
}

static void put_state(struct picture *p, int side, const char *state, uint32_t y)
{
	state = or_empty(state);
	if (strcmp(state, p->state[side]) == 0)
		return;
	end_bar(p, side, y);
	p->state[side] = state;
	put_text(p->t, side ? STATE_RIGHT_X : STATE_LEFT_X, y + 4, side ? "start" : "end", "e x",
		 *state ? state : "?");
}

/* --- arrows --- */

static const char *mark_class(unsigned marks, bool lost)
{
	if (lost || (marks & TG_LADDER_RST))
		return "r";
	return marks & (TG_LADDER_AGAIN | TG_LADDER_ODD) ? "a" : "";
}

static const char *mark_colour(unsigned marks, bool lost)
{
	if (lost || (marks & TG_LADDER_RST))
		return "#cf222e";
	return marks & (TG_LADDER_AGAIN | TG_LADDER_ODD) ? "#8a5a00" : "#1f2328";
}

static void put_line(struct picture *p, uint32_t x1, uint32_t y1, uint32_t x2, uint32_t y2,
		     unsigned marks, bool lost)
{
	tg_text_add(&p->under,
		    "<line class=\"l%s\" stroke=\"%s\" stroke-width=\"1.6\" x1=\"%u\" y1=\"%u\" "
		    "x2=\"%u\" y2=\"%u\"%s/>\n",
		    mark_class(marks, lost), mark_colour(marks, lost), x1, y1, x2, y2,
		    marks & TG_LADDER_AGAIN ? " stroke-dasharray=\"7 4\"" : "");
}

/* The head points along the line, which is nearly level. */
static void put_head(struct picture *p, bool right, uint32_t x, uint32_t y, unsigned marks)
{
	int back = right ? -11 : 11;
	const char *class = mark_class(marks, false);

	tg_text_add(&p->under, "<polygon class=\"%s\" fill=\"%s\" points=\"%u,%u %d,%d %d,%d\"/>\n",
		    *class ? class : "x", mark_colour(marks, false), x, y, (int)x + back,
		    (int)y - 6, (int)x + back, (int)y + 4);
}

static void put_cross(struct picture *p, uint32_t x, uint32_t y)
{
	tg_text_add(&p->under,
		    "<path class=\"lr\" stroke=\"#cf222e\" stroke-width=\"2.4\" "
		    "d=\"M%u %u l14 14 m0 -14 l-14 14\"/>\n",
		    x - 7, y - 7);
}

/* Ground under a label, so that a line that crosses it is not read as part of it. */
static void put_ground(struct picture *p, uint32_t x, uint32_t top, const char *anchor,
		       size_t chars)
{
	uint32_t w = (uint32_t)chars * 77 / 10 + 8;
	uint32_t left = anchor[0] == 'm' ? x - w / 2 : anchor[0] == 'e' ? x - w + 4 : x - 4;

	tg_text_add(p->t,
		    "<rect class=\"bg\" fill=\"#ffffff\" x=\"%u\" y=\"%u\" width=\"%u\" "
		    "height=\"15\"/>\n",
		    left, top, w);
}

/* What of the label stands above the line: the flags, then numbers and options. */
static void put_label(struct picture *p, const struct tg_ladder_step *s, uint32_t x,
		      const char *anchor, char *rest)
{
	const char *more = or_empty(s->more), *seq = or_empty(s->seq), *what = or_empty(s->what);
	const char *class = mark_class(s->marks, s->kind == TG_LADDER_LOST);
	size_t n = strlen(what) + strlen(seq) + strlen(more) + 3;

	rest[0] = 0;
	if (n > LABEL_CHARS) {
		snprintf(rest, LABEL_MAX, "%s", more);
		n -= strlen(more);
		more = "";
	}
	put_ground(p, x, p->y - 18, anchor, n);
	tg_text_add(p->t,
		    "<text x=\"%u\" y=\"%u\" class=\"%s\" text-anchor=\"%s\"><tspan class=\"w\">",
		    x, p->y - 7, *class ? class : "x", anchor);
	tg_text_xml(p->t, what);
	tg_text_add(p->t, "</tspan>");
	if (*seq || *more) {
		tg_text_add(p->t, "<tspan dx=\"%d\">", GAP);
		tg_text_xml(p->t, seq);
		tg_text_add(p->t, "%s", *more ? " " : "");
		tg_text_xml(p->t, more);
		tg_text_add(p->t, "</tspan>");
	}
	tg_text_add(p->t, "</text>\n");
}

static void put_time(struct picture *p, const struct tg_ladder_step *s)
{
	char text[40];

	snprintf(text, sizeof(text), "%" PRIu64 ".%06" PRIu64, s->time_ns / 1000000000,
		 s->time_ns / 1000 % 1000000);
	put_text(p->t, TIME_X, p->y + 4, "end", "m", text);
	if (!s->number)
		return;
	snprintf(text, sizeof(text), "%" PRIu64, s->number);
	put_text(p->t, NUMBER_X, p->y + 4, "end", "m", text);
}

static void remember(struct picture *p, const struct tg_ladder_step *s, uint32_t i)
{
	if (p->sent_n == SENT_MAX) {
		memmove(p->sent, p->sent + 1, (SENT_MAX - 1) * sizeof(p->sent[0]));
		p->sent_n--;
	}
	p->sent[p->sent_n++] =
	    (struct sent){.step = i, .y = p->y, .side = s->side, .marks = s->marks};
}

/* True when a later step says that it arrives. */
static bool will_arrive(const struct tg_ladder *l, uint32_t i)
{
	for (uint32_t j = i + 1; j < l->n; j++)
		if (l->steps[j].kind == TG_LADDER_ARRIVE && l->steps[j].of == i)
			return true;
	return false;
}

static void put_segment(struct picture *p, const struct tg_ladder_step *s, uint32_t i)
{
	bool right = s->side == TG_LADDER_LEFT, lost = s->kind == TG_LADDER_LOST;
	uint32_t from = line_x(s->side), to = line_x(right ? TG_LADDER_RIGHT : TG_LADDER_LEFT);
	char rest[LABEL_MAX];

	p->y += ROW_H - LINE_H;
	put_time(p, s);
	put_state(p, s->side, s->state[s->side], p->y);
	if (s->kind == TG_LADDER_SEND) {
		put_label(p, s, right ? from + 6 : from - 6, right ? "start" : "end", rest);
		if (will_arrive(p->l, i))
			remember(p, s, i);
		else
			put_line(p, from, p->y, right ? from + 120 : from - 120, p->y + SLANT / 2,
				 s->marks, false);
		put_state(p, !s->side, s->state[!s->side], p->y);
	} else if (lost) {
		uint32_t end = right ? from + (to - from) * 3 / 5 : from - (from - to) * 3 / 5;

		put_label(p, s, WIDTH / 2, "middle", rest);
		put_line(p, from, p->y, end, p->y + SLANT * 3 / 5, s->marks, true);
		put_cross(p, end, p->y + SLANT * 3 / 5);
		put_state(p, !s->side, s->state[!s->side], p->y + SLANT);
	} else {
		if (p->sent_n) /* others are on their way: a label close to who sends */
			put_label(p, s, right ? from + 6 : from - 6, right ? "start" : "end", rest);
		else
			put_label(p, s, WIDTH / 2, "middle", rest);
		put_line(p, from, p->y, right ? to - 8 : to + 8, p->y + SLANT, s->marks, false);
		put_head(p, right, to, p->y + SLANT, s->marks);
		put_state(p, !s->side, s->state[!s->side], p->y + SLANT);
	}
	p->y += SLANT + LINE_H;
	put_lines(p, "m", rest);
	put_lines(p, "n a", or_empty(s->note));
}

static void put_arrival(struct picture *p, const struct tg_ladder_step *s)
{
	bool right = s->side == TG_LADDER_RIGHT;
	uint32_t to = line_x(s->side);

	p->y += ARRIVE_H / 2;
	for (uint32_t i = 0; i < p->sent_n; i++) {
		const struct sent *from = &p->sent[i];

		if (from->step != s->of)
			continue;
		put_line(p, line_x(from->side), from->y, right ? to - 8 : to + 8, p->y, from->marks,
			 false);
		put_head(p, right, to, p->y, from->marks);
		memmove(&p->sent[i], &p->sent[i + 1], (p->sent_n - i - 1) * sizeof(p->sent[0]));
		p->sent_n--;
		break;
	}
	put_state(p, 0, s->state[0], p->y);
	put_state(p, 1, s->state[1], p->y);
	p->y += ARRIVE_H / 2 + 2;
}

static void put_event(struct picture *p, const struct tg_ladder_step *s)
{
	bool right = s->side == TG_LADDER_RIGHT;
	uint32_t x = line_x(s->side), at = right ? x - 16 : x + 16;
	const char *anchor = right ? "end" : "start", *what = or_empty(s->what);
	const char *class = mark_class(s->marks, false);

	p->y += LINE_H;
	put_time(p, s);
	tg_text_add(&p->under,
		    "<circle class=\"x\" fill=\"#1f2328\" cx=\"%u\" cy=\"%u\" r=\"4\"/>\n",
		    right ? x - 6 : x + 6, p->y);
	if (*what)
		put_ground(p, at, p->y - 8, anchor, tg_text_columns(what));
	put_text(p->t, at, p->y + 4, anchor, *class ? class : "x", what);
	put_state(p, 0, s->state[0], p->y);
	put_state(p, 1, s->state[1], p->y);
	p->y += LINE_H;
	put_lines(p, "n a", or_empty(s->note));
}

static void put_skip(struct picture *p, const struct tg_ladder_step *s)
{
	p->y += LINE_H;
	tg_text_add(&p->under,
		    "<path class=\"lm\" stroke=\"#8c959f\" stroke-width=\"1.4\" "
		    "stroke-dasharray=\"2 5\" d=\"M%d %u H%d\"/>\n",
		    LINE_L + BAR, p->y, LINE_R - BAR);
	p->y += LINE_H;
	put_lines(p, "m", or_empty(s->note));
	put_state(p, 0, s->state[0], p->y);
	put_state(p, 1, s->state[1], p->y);
	p->y += 4;
}

/* --- the whole --- */

static void put_head_of(struct picture *p)
{
	const struct tg_ladder *l = p->l;
	const char *at = or_empty(l->sentence), *title = or_empty(l->title);
	char line[LABEL_MAX];

	p->y += TITLE_H;
	if (next_line(&title, TEXT_CHARS - 8, line, sizeof(line)))
		put_text(p->t, MARGIN, p->y, "start", "t x", line);
	while (next_line(&at, TEXT_CHARS, line, sizeof(line))) {
		p->y += TEXT_H;
		put_text(p->t, MARGIN, p->y, "start", "p x", line);
	}
	p->y += LINE_H;
	for (int side = 0; side < 2; side++) {
		uint32_t x = side ? LINE_R : LINE_L, w;

		snprintf(line, sizeof(line), "%s %s", side ? "B" : "A", or_empty(l->name[side]));
		w = (uint32_t)tg_text_columns(line) * 74 / 10 + 16;
		tg_text_add(
		    p->t,
		    "<rect class=\"box\" fill=\"#f6f8fa\" stroke=\"#8c959f\" x=\"%u\" y=\"%u\" "
		    "width=\"%u\" height=\"24\" rx=\"5\"/>\n",
		    x - w / 2, p->y, w);
		put_text(p->t, x, p->y + 16, "middle", "e x", line);
	}
	p->y += HEAD_H - 18;
	for (int side = 0; side < 2; side++) {
		const char *begin = or_empty(l->begin[side]);

		p->bar_y[side] = p->y - 14;
		p->state[side] = begin;
		put_text(p->t, side ? STATE_RIGHT_X : STATE_LEFT_X, p->y + 4,
			 side ? "start" : "end", "e x", *begin ? begin : "?");
	}
	p->y += 4;
}

static void put_body(struct picture *p)
{
	put_head_of(p);
	for (uint32_t i = 0; i < p->l->n; i++) {
		const struct tg_ladder_step *s = &p->l->steps[i];

		if (s->kind == TG_LADDER_ARRIVE)
			put_arrival(p, s);
		else if (s->kind == TG_LADDER_EVENT)
			put_event(p, s);
		else if (s->kind == TG_LADDER_SKIP)
			put_skip(p, s);
		else
			put_segment(p, s, i);
	}
	p->y += LINE_H;
	end_bar(p, 0, p->y);
	end_bar(p, 1, p->y);
	p->y += MARGIN;
}

static void put_opening(struct tg_text *t, const char *title, uint32_t height)
{
	tg_text_add(t,
		    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%u\" "
		    "viewBox=\"0 0 %d %u\" font-family=\"monospace\" font-size=\"12\" "
		    "fill=\"#1f2328\">\n<title>",
		    WIDTH, height, WIDTH, height);
	tg_text_xml(t, or_empty(title));
	tg_text_add(
	    t, "</title>\n%s<rect class=\"bg\" fill=\"#ffffff\" width=\"%d\" height=\"%u\"/>\n",
	    style, WIDTH, height);
}

void tg_ladder_page_add(struct tg_text *t, const struct tg_ladder *l, uint32_t *y)
{
	struct tg_text labels = {0};
	struct picture p = {.t = &labels, .l = l, .y = *y, .state = {"", ""}};

	put_body(&p);
	if (p.under.at)
		tg_text_put(t, p.under.at, p.under.len);
	if (labels.at)
		tg_text_put(t, labels.at, labels.len);
	t->failed = t->failed || labels.failed || p.under.failed;
	tg_text_free(&p.under);
	tg_text_free(&labels);
	*y = p.y;
}

void tg_ladder_page_end(struct tg_text *t, const char *title, uint32_t y)
{
	struct tg_text whole = {0};

	put_opening(&whole, title, y);
	if (t->at)
		tg_text_put(&whole, t->at, t->len);
	tg_text_add(&whole, "</svg>\n");
	whole.failed = whole.failed || t->failed;
	tg_text_free(t);
	*t = whole;
}

void tg_ladder_svg(struct tg_text *t, const struct tg_ladder *l)
{
	struct tg_text body = {0};
	uint32_t y = 0;

	tg_ladder_page_add(&body, l, &y);
	tg_ladder_page_end(&body, l->title, y);
	if (body.at)
		tg_text_put(t, body.at, body.len);
	t->failed = t->failed || body.failed;
	tg_text_free(&body);
}
