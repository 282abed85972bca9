/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_text.h: a text that grows. What draws writes into one, and who asked for the picture decides
 * where it goes; so the room itself writes to no stream. */
#ifndef TG_TEXT_H
#define TG_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct tg_text {
	char *at; /* ends in a zero byte; NULL while nothing was added */
	size_t len, cap;
	bool failed; /* memory ran out: what was added since is missing */
};

void tg_text_add(struct tg_text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void tg_text_addv(struct tg_text *t, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
/* bytes[len] as they are; and s, n times. */
void tg_text_put(struct tg_text *t, const char *bytes, size_t len);
void tg_text_repeat(struct tg_text *t, const char *s, size_t n);
/* s with what XML, or a JSON string, cannot hold written as an escape; bytes that are no UTF-8, and
 * control bytes, become U+FFFD. */
void tg_text_xml(struct tg_text *t, const char *s);
void tg_text_json(struct tg_text *t, const char *s);
/* Empty again, memory kept; and given back. */
void tg_text_clear(struct tg_text *t);
void tg_text_free(struct tg_text *t);
/* Columns that UTF-8 text takes on a terminal; all that we write is one column wide. */
size_t tg_text_columns(const char *s);

#endif
