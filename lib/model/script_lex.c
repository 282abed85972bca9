/* SPDX-License-Identifier: BSD-3-Clause */
/* script_lex.c: marks, words and numbers of a script; what is wrong is said once, with its line. */
#include "script_int.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *script_keep(struct script_in *in, size_t size)
{
	struct script_block *b = calloc(1, sizeof(*b) + size);

	if (!b) {
		script_wrong(in, "out of memory");
		return NULL;
	}
	b->next = in->script->blocks;
	in->script->blocks = b;
	return b + 1;
}

const char *script_keep_text(struct script_in *in, const char *from, size_t len)
{
	char *text = script_keep(in, len + 1);

	if (text)
		memcpy(text, from, len);
	return text;
}

static void quote_near(const struct script_in *in, char *buf, size_t size)
{
	size_t n = 0;

	for (const char *p = in->p; p < in->end && *p != '\n' && n + 1 < size && n < 30; p++)
		buf[n++] = isprint((unsigned char)*p) ? *p : '?';
	buf[n] = 0;
}

static void say(struct script_in *in, enum tg_script_verdict verdict, const char *format,
		va_list args)
{
	char what[900], near[40];

	if (in->failed)
		return;
	in->failed = true;
	in->verdict = verdict;
	vsnprintf(what, sizeof(what), format, args);
	quote_near(in, near, sizeof(near));
	snprintf(in->report, TG_SCRIPT_REPORT_MAX, "%s:%u: %s%s%s%s\n", in->script->name, in->line,
		 what, near[0] ? ", at `" : ", at the end of the line", near, near[0] ? "`" : "");
}

bool script_wrong(struct script_in *in, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(in, TG_SCRIPT_INVALID, format, args);
	va_end(args);
	return false;
}

bool script_skip(struct script_in *in, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(in, TG_SCRIPT_SKIPPED, format, args);
	va_end(args);
	return false;
}

void script_note(struct script_in *in, const char *format, ...)
{
	char *notes = in->script->notes;
	size_t at = strlen(notes), size = sizeof(in->script->notes);
	va_list args;
	char what[300];

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	if (at + strlen(what) + 300 < size)
		snprintf(notes + at, size - at, "%.200s:%u: %s\n", in->script->name, in->line,
			 what);
}

/* "rule: TD-22 SE-20" in a comment names the rules that the lines below show. */
static void note_rule(struct script_in *in, const char *from, const char *to)
{
	while (from < to && isblank((unsigned char)*from))
		from++;
	if (to - from < 5 || memcmp(from, "rule:", 5))
		return;
	for (from += 5; from < to && isblank((unsigned char)*from); from++)
		;
	in->rule = script_keep_text(in, from, (size_t)(to - from));
}

static void line_comment(struct script_in *in, size_t mark)
{
	const char *from = in->p + mark;

	while (in->p < in->end && *in->p != '\n')
		in->p++;
	note_rule(in, from < in->p ? from : in->p, in->p);
}

static void block_comment(struct script_in *in)
{
	for (in->p += 2; in->p < in->end; in->p++) {
		if (*in->p == '\n')
			in->line++;
		if (*in->p == '*' && in->end - in->p >= 2 && in->p[1] == '/') {
			in->p += 2;
			return;
		}
	}
	script_wrong(in, "a comment that begins with /* does not end");
}

static bool is_at(const struct script_in *in, const char *mark)
{
	size_t n = strlen(mark);

	return (size_t)(in->end - in->p) >= n && memcmp(in->p, mark, n) == 0;
}

void script_blank(struct script_in *in)
{
	while (in->p < in->end && !in->failed) {
		if (*in->p == '\n')
			in->line++;
		if (isspace((unsigned char)*in->p))
			in->p++;
		else if (*in->p == '#')
			line_comment(in, 1);
		else if (is_at(in, "//"))
			line_comment(in, 2);
		else if (is_at(in, "/*"))
			block_comment(in);
		else
			return;
	}
}

bool script_at_end(struct script_in *in)
{
	script_blank(in);
	return in->failed || in->p >= in->end;
}

bool script_eat(struct script_in *in, const char *mark)
{
	script_blank(in);
	if (in->failed || !is_at(in, mark))
		return false;
	in->p += strlen(mark);
	return true;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

bool script_eat_word(struct script_in *in, const char *word)
{
	size_t n = strlen(word);

	script_blank(in);
	if (in->failed || !is_at(in, word) || (in->p + n < in->end && is_word(in->p[n])))
		return false;
	in->p += n;
	return true;
}

bool script_need(struct script_in *in, const char *mark, const char *where)
{
	return script_eat(in, mark) || script_wrong(in, "`%s` is missing in %s", mark, where);
}

bool script_word(struct script_in *in, char *word, size_t size)
{
	size_t n = 0;

	script_blank(in);
	while (in->p + n < in->end && is_word(in->p[n]) && n + 1 < size) {
		word[n] = in->p[n];
		n++;
	}
	word[n] = 0;
	in->p += n;
	return n > 0;
}

bool script_is_digit(const struct script_in *in)
{
	return in->p < in->end && isdigit((unsigned char)*in->p);
}

static int digit_of(char c)
{
	if (isdigit((unsigned char)c))
		return c - '0';
	return isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10 : 99;
}

static bool plain_u32(struct script_in *in, uint32_t *v, const char *what)
{
	int radix = 10;
	uint64_t n = 0;

	script_blank(in);
	if (is_at(in, "0x") && in->end - in->p > 2 && isxdigit((unsigned char)in->p[2])) {
		radix = 16;
		in->p += 2;
	} else if (!script_is_digit(in)) {
		return script_wrong(in, "%s must be a number from 0 to 4294967295", what);
	}
	for (; in->p < in->end && digit_of(*in->p) < radix; in->p++) {
		n = n * (uint64_t)radix + (uint64_t)digit_of(*in->p);
		if (n > UINT32_MAX)
			return script_wrong(in, "%s must be a number from 0 to 4294967295", what);
	}
	*v = (uint32_t)n;
	return true;
}

bool script_u32(struct script_in *in, uint32_t *v, const char *what)
{
	uint32_t other;

	if (!plain_u32(in, v, what))
		return false;
	if (!is_at(in, "|"))
		return true;
	in->p++;
	if (!plain_u32(in, &other, what))
		return false;
	if (in->script->v6)
		*v = other;
	return true;
}

bool script_num(struct script_in *in, struct script_num *n, const char *what)
{
	n->any = script_eat(in, "*");
	return n->any || script_u32(in, &n->v, what);
}

/* Seconds with at most nine decimals; what is finer is cut. */
bool script_ns(struct script_in *in, uint64_t *ns)
{
	uint64_t whole = 0, part = 0, unit = SCRIPT_NS_PER_S / 10;
	const char *from = in->p;

	for (; script_is_digit(in); in->p++) {
		whole = whole * 10 + (uint64_t)(*in->p - '0');
		if (whole > 1000000000)
			return script_wrong(in, "a time is at most 1000000000 seconds");
	}
	if (in->end - in->p > 1 && *in->p == '.' && isdigit((unsigned char)in->p[1]))
		for (in->p++; script_is_digit(in); in->p++, unit /= 10)
			part += (uint64_t)(*in->p - '0') * unit;
	if (in->p == from)
		return script_wrong(in, "a time is missing: seconds, such as 0.1 or +0.1, or *");
	*ns = whole * SCRIPT_NS_PER_S + part;
	return true;
}

const char *script_quoted(struct script_in *in)
{
	const char *from;

	if (!script_need(in, "\"", "a text"))
		return NULL;
	for (from = in->p; in->p < in->end && *in->p != '"'; in->p++)
		if (*in->p == '\n')
			break;
	if (in->p >= in->end || *in->p != '"') {
		script_wrong(in, "a text in quotes does not end");
		return NULL;
	}
	in->p++;
	return script_keep_text(in, from, (size_t)(in->p - 1 - from));
}
