/* SPDX-License-Identifier: BSD-3-Clause */
#include "json.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

enum { WORD = 128 };

/* Reads a quoted text at *p; escapes stand for themselves. */
static void take_text(const char **p, char word[WORD])
{
	size_t n = 0;
	for ((*p)++; **p && **p != '"'; (*p)++) {
		if (**p == '\\' && (*p)[1])
			(*p)++;
		if (n < WORD - 1)
			word[n++] = **p;
	}
	word[n] = 0;
	if (**p)
		(*p)++;
}

static void take_number(const char **p, char word[WORD])
{
	size_t n = 0;
	while (**p && !strchr(",}] \t\n", **p)) {
		if (n < WORD - 1)
			word[n++] = **p;
		(*p)++;
	}
	word[n] = 0;
}

void tg_json_each(const char *json, tg_json_fn fn, void *ctx)
{
	char group[WORD] = "", key[WORD] = "", value[WORD];
	bool have_key = false;
	int depth = 0;
	for (const char *p = json; *p;) {
		if (*p == '{') {
			if (depth++ == 1)
				memcpy(group, key, sizeof(group));
			have_key = false;
			p++;
		} else if (*p == '}') {
			if (--depth == 1)
				group[0] = 0;
			p++;
		} else if (*p == '"' && !have_key) {
			take_text(&p, key);
			have_key = true;
		} else if (*p == '"') {
			take_text(&p, value);
			fn(ctx, group, key, value, true);
			have_key = false;
		} else if (*p == '-' || isalnum((unsigned char)*p)) {
			take_number(&p, value);
			fn(ctx, group, key, value, false);
			have_key = false;
		} else {
			p++;
		}
	}
}

static bool is_state(const char *from, const char *to)
{
	for (; from < to; from++)
		if (!isupper((unsigned char)*from) && !isdigit((unsigned char)*from) &&
		    *from != '_')
			return false;
	return true;
}

void tg_json_restore_dashes(char *json)
{
	for (char *p = strchr(json, '"'); p; p = strchr(p, '"')) {
		char *from = p + 1, *to = strchr(from, '"');
		if (!to)
			return;
		/* A name, not a value: a colon follows. */
		if (to[1] == ':' && is_state(from, to))
			for (char *c = from; c < to; c++)
				if (*c == '_')
					*c = '-';
		p = to + 1;
	}
}
