/* SPDX-License-Identifier: BSD-3-Clause */
#include "load_http.h"

#include <string.h>
#include <strings.h>

enum { CHUNK_LINE_MAX = 256 };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "HTTP/1.1 200 OK" */
static bool parse_status(const char *line, uint32_t n, uint32_t *status)
{
	if (n < 12 || memcmp(line, "HTTP/1.", 7) != 0 || !is_digit(line[7]) || line[8] != ' ')
		return false;
	for (int i = 9; i < 12; i++)
		if (!is_digit(line[i]))
			return false;
	if (n > 12 && line[12] != ' ')
		return false;
	*status = (uint32_t)(line[9] - '0') * 100 + (uint32_t)(line[10] - '0') * 10 +
		  (uint32_t)(line[11] - '0');
	return *status >= 100 && *status < 600;
}

/* The value of a header line when its name is `name`; else NULL. */
static const char *value_of(const char *line, uint32_t n, const char *name, uint32_t *len)
{
	uint32_t name_len = (uint32_t)strlen(name);

	if (n <= name_len || line[name_len] != ':' || strncasecmp(line, name, name_len) != 0)
		return NULL;
	line += name_len + 1;
	n -= name_len + 1;
	while (n && (*line == ' ' || *line == '\t'))
		line++, n--;
	while (n && (line[n - 1] == ' ' || line[n - 1] == '\t'))
		n--;
	*len = n;
	return line;
}

static bool parse_length(const char *text, uint32_t n, uint64_t *out)
{
	uint64_t v = 0;

	if (n == 0 || n > 18)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		if (!is_digit(text[i]))
			return false;
		v = v * 10 + (uint64_t)(text[i] - '0');
	}
	*out = v;
	return true;
}

/* RFC 9112 6.3: a coding says more than a length. */
static bool parse_header(const char *line, uint32_t n, struct tg_load_head *head)
{
	const char *v;
	uint32_t len;

	if ((v = value_of(line, n, "content-length", &len)))
		return parse_length(v, len, &head->body);
	if ((v = value_of(line, n, "transfer-encoding", &len)))
		head->chunked = len == 7 && strncasecmp(v, "chunked", 7) == 0;
	return true;
}

static uint32_t line_end(const char *text, uint32_t at, uint32_t n)
{
	const char *nl = memchr(text + at, '\n', n - at);

	return nl ? (uint32_t)(nl - text) : n;
}

int tg_load_head(const char *text, uint32_t n, struct tg_load_head *head)
{
	uint32_t at = 0;

	*head = (struct tg_load_head){.body = TG_LOAD_TO_EOF};
	if (n && memcmp(text, "HTTP/1.", n < 7 ? n : 7) != 0)
		return -1;
	while (at < n) {
		uint32_t nl = line_end(text, at, n);
		if (nl == n)
			break;
		uint32_t end = nl > at && text[nl - 1] == '\r' ? nl - 1 : nl;
		if (at == 0 && !parse_status(text, end, &head->status))
			return -1;
		if (at > 0 && end > at && !parse_header(text + at, end - at, head))
			return -1;
		if (at > 0 && end == at) {
			head->len = nl + 1;
			if (head->status < 200 || head->status == 204 || head->status == 304)
				head->body = 0, head->chunked = false;
			return 1;
		}
		at = nl + 1;
	}
	return n >= TG_LOAD_HEAD_MAX ? -1 : 0;
}

static int hex(char c)
{
	if (is_digit(c))
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int tg_load_chunk(const char *text, uint32_t n, uint32_t *len, uint64_t *size)
{
	uint32_t nl = line_end(text, 0, n), i = 0;
	uint64_t v = 0;

	for (; i < nl && hex(text[i]) >= 0; i++) {
		if (i == 15)
			return -1;
		v = v << 4 | (uint64_t)hex(text[i]);
	}
	if (i == 0 && nl > 0)
		return -1;
	if (nl == n)
		return n >= CHUNK_LINE_MAX ? -1 : 0;
	if (i == 0 || (text[i] != ';' && text[i] != '\r' && text[i] != '\n' && text[i] != ' '))
		return -1;
	*len = nl + 1;
	*size = v;
	return 1;
}
