/* SPDX-License-Identifier: BSD-3-Clause */
/* prefix_text.c: a file of prefixes, line by line. */
#include "tg_prefix.h"

#include <stdio.h>

enum { WORD_MAX = 64 }; /* the longest prefix has 49 characters */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* True when no bit stands behind the prefix: 192.0.2.1/24 is more often a slip than meant. */
static bool is_network(const struct tg_prefix *p)
{
	uint32_t from = (tg_addr_is_v4(&p->net) ? 96u : 0u) + p->len;

	for (uint32_t i = from; i < 128; i++)
		if (p->net.b[i / 8] >> (7 - i % 8) & 1)
			return false;
	return true;
}

static int parse_word(const char *from, size_t len, struct tg_prefix *p, char *err, size_t err_size)
{
	char word[WORD_MAX + 1];
	size_t shown = len < WORD_MAX ? len : WORD_MAX;

	for (size_t i = 0; i < shown; i++)
		word[i] = from[i] > ' ' && from[i] < 127 ? from[i] : '?';
	word[shown] = '\0';
	if (len < WORD_MAX && tg_addr_parse_prefix(word, &p->net, &p->len)) {
		if (is_network(p))
			return 0;
		snprintf(err, err_size,
			 "%s has bits behind its prefix: write the network's own address, or leave "
			 "the length out for one host",
			 word);
		return -1;
	}
	snprintf(
	    err, err_size,
	    "%s: is no prefix like 192.0.2.0/24 or 2001:db8::/32; one stands on each line, and "
	    "# begins a comment",
	    word);
	return -1;
}

int tg_prefix_read(const char *text, size_t len, bool deny, struct tg_prefix list[], uint32_t max,
		   uint32_t *line, char *err, size_t err_size)
{
	const char *at = text, *end = text + len;
	uint32_t n = 0;

	for (*line = 1; at < end; (*line)++) {
		const char *nl = memchr(at, '\n', (size_t)(end - at));
		const char *next = nl ? nl + 1 : end, *stop = nl ? nl : end;
		const char *comment = memchr(at, '#', (size_t)(stop - at));

		stop = comment ? comment : stop;
		while (at < stop && is_blank(*at))
			at++;
		while (at < stop && is_blank(stop[-1]))
			stop--;
		if (at < stop) {
			if (n == max) {
				snprintf(err, err_size,
					 "is one prefix too many: at most %u are read", max);
				return -1;
			}
			if (parse_word(at, (size_t)(stop - at), &list[n], err, err_size) != 0)
				return -1;
			list[n++].deny = deny;
		}
		at = next;
	}
	return (int)n;
}
