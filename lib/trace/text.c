/* SPDX-License-Identifier: BSD-3-Clause */
/* text.c: a text that grows. */
#include "tg_text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool grow(struct tg_text *t, size_t more)
{
	size_t cap = t->cap ? t->cap : 4096;
	char *grown;

	if (t->failed)
		return false;
	if (t->len + more < t->cap)
		return true;
	while (cap <= t->len + more)
		cap *= 2;
	grown = realloc(t->at, cap);
	if (!grown) {
		t->failed = true;
		return false;
	}
	t->at = grown;
	t->cap = cap;
	return true;
}

void tg_text_put(struct tg_text *t, const char *bytes, size_t len)
{
	if (!grow(t, len))
		return;
	memcpy(t->at + t->len, bytes, len);
	t->len += len;
	t->at[t->len] = 0;
}

void tg_text_addv(struct tg_text *t, const char *format, va_list args)
{
	va_list again;
	int n;

	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (n < 0 || !grow(t, (size_t)n + 1))
		return;
	vsnprintf(t->at + t->len, (size_t)n + 1, format, args);
	t->len += (size_t)n;
}

void tg_text_add(struct tg_text *t, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	tg_text_addv(t, format, args);
	va_end(args);
}

void tg_text_repeat(struct tg_text *t, const char *s, size_t n)
{
	size_t len = strlen(s);

	while (n-- > 0)
		tg_text_put(t, s, len);
}

/* Bytes of the UTF-8 character at s, 0 = it is none. Neither overlong forms nor surrogates are. */
static size_t utf8_len(const unsigned char *s)
{
	uint32_t c;
	size_t n;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	c = s[0] & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if ((n == 3 && c < 0x800) || (n == 4 && (c < 0x10000 || c > 0x10ffff)))
		return 0;
	return (c >= 0xd800 && c <= 0xdfff) || c == 0xfffe || c == 0xffff ? 0 : n;
}

/* One character at s; returns its bytes. special: what stands for it, or NULL. */
static size_t put_char(struct tg_text *t, const char *s, const char *special)
{
	size_t n = utf8_len((const unsigned char *)s);

	if (special)
		tg_text_put(t, special, strlen(special));
	else if (n == 0 || (unsigned char)*s < 0x20 || *s == 0x7f)
		tg_text_put(t, "\xef\xbf\xbd", 3);
	else
		tg_text_put(t, s, n);
	return n ? n : 1;
}

static const char *xml_special(char c)
{
	return c == '<'   ? "&lt;"
	       : c == '>' ? "&gt;"
	       : c == '&' ? "&amp;"
	       : c == '"' ? "&quot;"
			  : NULL;
}

void tg_text_xml(struct tg_text *t, const char *s)
{
	while (*s)
		s += put_char(t, s, xml_special(*s));
}

void tg_text_json(struct tg_text *t, const char *s)
{
	while (*s)
		s += put_char(t, s, *s == '"' ? "\\\"" : *s == '\\' ? "\\\\" : NULL);
}

void tg_text_clear(struct tg_text *t)
{
	t->len = 0;
	t->failed = false;
	if (t->at)
		t->at[0] = 0;
}

void tg_text_free(struct tg_text *t)
{
	free(t->at);
	*t = (struct tg_text){0};
}

size_t tg_text_columns(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}
