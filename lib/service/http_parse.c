/* SPDX-License-Identifier: BSD-3-Clause */
/* http_parse.c: one small function for each place of a request where the parser can stand. */
#include "http_parse.h"

#include <string.h>

enum state {
	S_START = 0, /* empty lines before a request are skipped (RFC 9112 2.2) */
	S_METHOD,
	S_TARGET,
	S_SCHEME,    /* absolute form: http:// */
	S_AUTHORITY, /* and up to the path */
	S_PATH,
	S_QUERY,
	S_VERSION,
	S_VERSION_LF,
	S_FIELD,
	S_NAME,
	S_VALUE,
	S_SKIP, /* the value of a field that we do not know */
	S_VALUE_LF,
	S_END_LF,
	S_LENGTH, /* body by Content-Length */
	S_SIZE,   /* body in chunks (RFC 9112 7.1) */
	S_EXTENSION,
	S_SIZE_LF,
	S_DATA,
	S_DATA_CR,
	S_DATA_LF,
	S_TRAILER,
	S_TRAILER_LINE,
	S_TRAILER_LF,
	S_LAST_LF,
	S_STATE_N
};

enum field { F_OTHER = 0, F_HOST, F_LENGTH, F_CODING, F_CONNECTION, F_EXPECT };

enum { TOO_LONG = 255 };

static void fail(struct tg_http_request *r, uint16_t status)
{
	r->status = status;
	r->phase = TG_HTTP_COMPLETE;
}

/* RFC 9110 5.6.2: tchar. */
static bool is_token_char(uint8_t c)
{
	if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
		return true;
	return c && strchr("!#$%&'*+-.^_`|~", c);
}

static bool is_control(uint8_t c)
{
	return c < 0x20 || c == 0x7f;
}

static char lower(uint8_t c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static void token_add(struct tg_http_request *r, char c)
{
	if (r->token_n >= TG_HTTP_TOKEN_MAX) {
		r->token_n = TOO_LONG;
		return;
	}
	r->token[r->token_n++] = c;
	r->token[r->token_n] = '\0';
}

static void token_clear(struct tg_http_request *r)
{
	r->token_n = 0;
	r->token[0] = '\0';
}

static bool token_is(const struct tg_http_request *r, const char *word)
{
	return r->token_n != TOO_LONG && strcmp(r->token, word) == 0;
}

/* --- the request line --- */

static void at_start(struct tg_http_request *r, uint8_t c)
{
	if (c == '\r' || c == '\n')
		return;
	if (!is_token_char(c)) {
		fail(r, 400);
		return;
	}
	token_add(r, (char)c);
	r->state = S_METHOD;
}

static uint8_t method_of(const struct tg_http_request *r)
{
	if (token_is(r, "GET"))
		return TG_HTTP_GET;
	if (token_is(r, "HEAD"))
		return TG_HTTP_METHOD_HEAD;
	return token_is(r, "POST") ? TG_HTTP_POST : TG_HTTP_METHOD_OTHER;
}

static void at_method(struct tg_http_request *r, uint8_t c)
{
	if (is_token_char(c)) {
		token_add(r, (char)c);
		if (r->token_n == TOO_LONG)
			fail(r, 400);
		return;
	}
	if (c != ' ') {
		fail(r, 400);
		return;
	}
	r->method = method_of(r);
	token_clear(r);
	r->state = S_TARGET;
}

static void path_add(struct tg_http_request *r, uint8_t c)
{
	if (r->path_n >= TG_HTTP_PATH_MAX) {
		r->path_n = TOO_LONG;
		r->path[0] = '\0';
		return;
	}
	r->path[r->path_n++] = (char)c;
	r->path[r->path_n] = '\0';
}

/* Counts a byte of the target; true when c ends it, or is none. */
static bool target_ends(struct tg_http_request *r, uint8_t c)
{
	if (c == ' ') {
		r->state = S_VERSION;
		return true;
	}
	if (is_control(c)) {
		fail(r, 400);
		return true;
	}
	if (++r->line_n > TG_HTTP_TARGET_MAX) {
		fail(r, 414);
		return true;
	}
	return false;
}

static void at_target(struct tg_http_request *r, uint8_t c)
{
	if (c == ' ' || target_ends(r, c)) {
		if (!r->status)
			fail(r, 400);
		return;
	}
	path_add(r, c);
	r->state = c == '/' || c == '*' ? S_PATH : S_SCHEME;
}

static void at_scheme(struct tg_http_request *r, uint8_t c)
{
	if (target_ends(r, c)) {
		if (!r->status)
			fail(r, 400);
		return;
	}
	token_add(r, lower(c));
	if (c != '/')
		return;
	size_t n = r->token_n == TOO_LONG ? 0 : r->token_n;

	if (n < 3 || strcmp(r->token + n - 2, "//") != 0) {
		if (n < 2 || r->token[n - 2] != ':')
			fail(r, 400);
		return;
	}
	token_clear(r);
	r->path_n = 0;
	path_add(r, '/'); /* of "http://host" */
	r->state = S_AUTHORITY;
}

static void at_authority(struct tg_http_request *r, uint8_t c)
{
	if (target_ends(r, c))
		return;
	if (c == '/')
		r->state = S_PATH;
	else if (c == '?')
		r->state = S_QUERY;
}

static void at_path(struct tg_http_request *r, uint8_t c)
{
	if (target_ends(r, c))
		return;
	if (c == '?')
		r->state = S_QUERY;
	else if (r->path_n != TOO_LONG)
		path_add(r, c);
}

static void at_query(struct tg_http_request *r, uint8_t c)
{
	target_ends(r, c);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void version_ends(struct tg_http_request *r)
{
	const char *t = r->token;

	if (r->token_n != 8 || memcmp(t, "HTTP/", 5) != 0 || !is_digit(t[5]) || t[6] != '.' ||
	    !is_digit(t[7])) {
		fail(r, 400);
		return;
	}
	if (t[5] != '1') {
		fail(r, 505);
		return;
	}
	r->minor = t[7] == '0' ? 0 : 1;
	token_clear(r);
}

static void at_version(struct tg_http_request *r, uint8_t c)
{
	if (c != '\r' && c != '\n') {
		token_add(r, (char)c);
		if (is_control(c) || r->token_n == TOO_LONG)
			fail(r, 400);
		return;
	}
	version_ends(r);
	if (!r->status)
		r->state = c == '\r' ? S_VERSION_LF : S_FIELD;
}

static void expect_lf(struct tg_http_request *r, uint8_t c, enum state next)
{
	r->state = next;
	if (c != '\n')
		fail(r, 400);
}

static void at_version_lf(struct tg_http_request *r, uint8_t c)
{
	expect_lf(r, c, S_FIELD);
}

/* --- header fields --- */

static void head_ends(struct tg_http_request *r)
{
	/* RFC 9112 3.2: exactly one Host in HTTP/1.1; 6.1, 6.3: what frames the body must be
	 * beyond doubt. */
	if ((r->minor == 1 && r->host_n != 1) || r->host_n > 1 || (r->coding_n && r->length_n) ||
	    (r->coding_n && r->minor == 0)) {
		fail(r, 400);
		return;
	}
	if (r->coding_n && !r->chunked) {
		fail(r, 501);
		return;
	}
	if (r->expect_other && r->minor == 1) {
		fail(r, 417);
		return;
	}
	r->has_body = r->chunked || r->left > 0;
	r->phase = r->has_body ? TG_HTTP_BODY : TG_HTTP_COMPLETE;
	r->state = r->chunked ? S_SIZE : S_LENGTH;
	r->line_n = 0;
	r->fields_n = 0;
}

static bool field_fits(struct tg_http_request *r)
{
	if (++r->fields_n <= TG_HTTP_FIELDS_MAX)
		return true;
	fail(r, 431);
	return false;
}

static void at_field(struct tg_http_request *r, uint8_t c)
{
	if (c == '\r') {
		r->state = S_END_LF;
		return;
	}
	if (c == '\n') {
		head_ends(r);
		return;
	}
	/* A line that begins with a blank would go on from the one before: refused (5.2). */
	if (!is_token_char(c)) {
		fail(r, 400);
		return;
	}
	token_clear(r);
	token_add(r, lower(c));
	r->state = S_NAME;
	field_fits(r);
}

static uint8_t field_of(const struct tg_http_request *r)
{
	static const char *const name[] = {
	    [F_HOST] = "host",
	    [F_LENGTH] = "content-length",
	    [F_CODING] = "transfer-encoding",
	    [F_CONNECTION] = "connection",
	    [F_EXPECT] = "expect",
	};

	for (uint8_t f = F_HOST; f <= F_EXPECT; f++)
		if (token_is(r, name[f]))
			return f;
	return F_OTHER;
}

static void at_name(struct tg_http_request *r, uint8_t c)
{
	if (!field_fits(r))
		return;
	if (is_token_char(c)) {
		if (r->token_n != TOO_LONG)
			token_add(r, lower(c));
		return;
	}
	if (c != ':') {
		fail(r, 400);
		return;
	}
	r->field = field_of(r);
	r->host_n = (uint8_t)(r->host_n + (r->field == F_HOST && r->host_n < 2));
	token_clear(r);
	r->state = r->field == F_OTHER || r->field == F_HOST ? S_SKIP : S_VALUE;
}

static void length_value(struct tg_http_request *r)
{
	uint64_t n = 0;

	if (++r->length_n > 1) {
		fail(r, 400);
		return;
	}
	if (r->token_n == TOO_LONG) {
		fail(r, strspn(r->token, "0123456789") == TG_HTTP_TOKEN_MAX ? 413 : 400);
		return;
	}
	for (const char *t = r->token; *t; t++) {
		if (!is_digit(*t)) {
			fail(r, 400);
			return;
		}
		n = n > TG_HTTP_BODY_MAX ? n : n * 10 + (uint64_t)(*t - '0');
	}
	if (r->token_n == 0 || n > TG_HTTP_BODY_MAX)
		fail(r, r->token_n == 0 ? 400 : 413);
	r->left = n;
}

/* One element of a field's list is complete in r->token. */
static void value_element(struct tg_http_request *r)
{
	while (r->token_n && r->token_n != TOO_LONG && r->token[r->token_n - 1] == ' ')
		r->token[--r->token_n] = '\0';
	switch ((enum field)r->field) {
	case F_LENGTH:
		length_value(r);
		break;
	case F_CODING:
		/* Only chunked, and that once. */
		r->chunked = ++r->coding_n == 1 && token_is(r, "chunked");
		break;
	case F_CONNECTION:
		r->close |= token_is(r, "close");
		r->keep_alive |= token_is(r, "keep-alive");
		break;
	case F_EXPECT:
		if (token_is(r, "100-continue"))
			r->expect_continue = true;
		else
			r->expect_other = true;
		break;
	case F_OTHER:
	case F_HOST:
		break;
	}
	token_clear(r);
}

/* The end of a value's line. */
static void value_ends(struct tg_http_request *r, uint8_t c)
{
	if (r->state == S_VALUE)
		value_element(r);
	if (!r->status)
		r->state = c == '\r' ? S_VALUE_LF : S_FIELD;
}

static bool value_goes_on(struct tg_http_request *r, uint8_t c)
{
	if (c == '\r' || c == '\n') {
		value_ends(r, c);
		return false;
	}
	if (is_control(c) && c != '\t')
		fail(r, 400);
	return !r->status && field_fits(r);
}

static void at_value(struct tg_http_request *r, uint8_t c)
{
	if (!value_goes_on(r, c))
		return;
	if (c == ',')
		value_element(r);
	else if (c != ' ' && c != '\t' && r->token_n != TOO_LONG)
		token_add(r, lower(c));
	else if (r->token_n && r->token_n != TOO_LONG)
		token_add(r, ' ');
}

static void at_skip(struct tg_http_request *r, uint8_t c)
{
	value_goes_on(r, c);
}

static void at_value_lf(struct tg_http_request *r, uint8_t c)
{
	expect_lf(r, c, S_FIELD);
}

static void at_end_lf(struct tg_http_request *r, uint8_t c)
{
	if (c == '\n')
		head_ends(r);
	else
		fail(r, 400);
}

/* --- the body in chunks --- */

static int hex(uint8_t c)
{
	char l = lower(c);

	if (is_digit(l))
		return l - '0';
	return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

static bool size_line_fits(struct tg_http_request *r)
{
	if (++r->line_n <= 1024)
		return true;
	fail(r, 400);
	return false;
}

/* The line of a chunk's size is over: its data, or the trailers after the last. */
static void size_ends(struct tg_http_request *r, uint8_t c)
{
	if (!r->digits) {
		fail(r, 400);
		return;
	}
	if (r->total + r->left > TG_HTTP_BODY_MAX) {
		fail(r, 413);
		return;
	}
	r->line_n = 0;
	r->digits = false;
	r->state = c == '\r' ? S_SIZE_LF : r->left ? S_DATA : S_TRAILER;
}

static void at_size(struct tg_http_request *r, uint8_t c)
{
	int digit = hex(c);

	if (!size_line_fits(r))
		return;
	if (digit >= 0) {
		r->digits = true;
		if (r->left <= TG_HTTP_BODY_MAX)
			r->left = r->left * 16 + (uint64_t)digit;
		return;
	}
	if (c == '\r' || c == '\n')
		size_ends(r, c);
	else if ((c == ';' || c == ' ' || c == '\t') && r->digits)
		r->state = S_EXTENSION;
	else
		fail(r, 400);
}

static void at_extension(struct tg_http_request *r, uint8_t c)
{
	if (!size_line_fits(r))
		return;
	if (c == '\r' || c == '\n')
		size_ends(r, c);
	else if (is_control(c) && c != '\t')
		fail(r, 400);
}

static void at_size_lf(struct tg_http_request *r, uint8_t c)
{
	expect_lf(r, c, r->left ? S_DATA : S_TRAILER);
}

static void at_data_cr(struct tg_http_request *r, uint8_t c)
{
	if (c == '\r')
		r->state = S_DATA_LF;
	else
		expect_lf(r, c, S_SIZE);
}

static void at_data_lf(struct tg_http_request *r, uint8_t c)
{
	expect_lf(r, c, S_SIZE);
}

static void at_trailer(struct tg_http_request *r, uint8_t c)
{
	if (c == '\r')
		r->state = S_LAST_LF;
	else if (c == '\n')
		r->phase = TG_HTTP_COMPLETE;
	else if (!is_token_char(c))
		fail(r, 400);
	else if (field_fits(r))
		r->state = S_TRAILER_LINE;
}

static void at_trailer_line(struct tg_http_request *r, uint8_t c)
{
	if (c == '\r')
		r->state = S_TRAILER_LF;
	else if (c == '\n')
		r->state = S_TRAILER;
	else if (is_control(c) && c != '\t')
		fail(r, 400);
	else
		field_fits(r);
}

static void at_trailer_lf(struct tg_http_request *r, uint8_t c)
{
	expect_lf(r, c, S_TRAILER);
}

static void at_last_lf(struct tg_http_request *r, uint8_t c)
{
	if (c == '\n')
		r->phase = TG_HTTP_COMPLETE;
	else
		fail(r, 400);
}

/* --- the calls --- */

typedef void (*step_fn)(struct tg_http_request *r, uint8_t c);

/* S_LENGTH and S_DATA are not read byte by byte. */
static const step_fn step[S_STATE_N] = {
    [S_START] = at_start,
    [S_METHOD] = at_method,
    [S_TARGET] = at_target,
    [S_SCHEME] = at_scheme,
    [S_AUTHORITY] = at_authority,
    [S_PATH] = at_path,
    [S_QUERY] = at_query,
    [S_VERSION] = at_version,
    [S_VERSION_LF] = at_version_lf,
    [S_FIELD] = at_field,
    [S_NAME] = at_name,
    [S_VALUE] = at_value,
    [S_SKIP] = at_skip,
    [S_VALUE_LF] = at_value_lf,
    [S_END_LF] = at_end_lf,
    [S_SIZE] = at_size,
    [S_EXTENSION] = at_extension,
    [S_SIZE_LF] = at_size_lf,
    [S_DATA_CR] = at_data_cr,
    [S_DATA_LF] = at_data_lf,
    [S_TRAILER] = at_trailer,
    [S_TRAILER_LINE] = at_trailer_line,
    [S_TRAILER_LF] = at_trailer_lf,
    [S_LAST_LF] = at_last_lf,
};

void tg_http_begin(struct tg_http_request *r)
{
	memset(r, 0, sizeof(*r));
	r->phase = TG_HTTP_HEAD;
	r->state = S_START;
}

uint32_t tg_http_head(struct tg_http_request *r, const uint8_t *bytes, uint32_t n)
{
	uint32_t i = 0;

	while (i < n && r->phase == TG_HTTP_HEAD)
		step[r->state](r, bytes[i++]);
	return i;
}

/* As much of the counted bytes as there is. */
static uint32_t take(struct tg_http_request *r, uint32_t n)
{
	uint32_t taken = r->left < n ? (uint32_t)r->left : n;

	r->left -= taken;
	r->total += taken;
	return taken;
}

uint32_t tg_http_body(struct tg_http_request *r, const uint8_t *bytes, uint32_t n)
{
	uint32_t i = 0;

	while (i < n && r->phase == TG_HTTP_BODY) {
		if (r->state == S_LENGTH) {
			i += take(r, n - i);
			if (r->left == 0)
				r->phase = TG_HTTP_COMPLETE;
		} else if (r->state == S_DATA) {
			i += take(r, n - i);
			if (r->left == 0)
				r->state = S_DATA_CR;
		} else {
			step[r->state](r, bytes[i++]);
		}
	}
	return i;
}

bool tg_http_has_begun(const struct tg_http_request *r)
{
	return r->state != S_START;
}

bool tg_http_is_persistent(const struct tg_http_request *r)
{
	if (r->status || r->close)
		return false;
	return r->minor == 1 || r->keep_alive;
}
