/* SPDX-License-Identifier: BSD-3-Clause */
/* http_reply.c: `GET /` a page, `GET /bytes/N` N bytes, `POST /sink` the length of what came. */
#include "http_reply.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char page[] =
    "<!doctype html>\n"
    "<html lang=\"en\">\n"
    "<head><meta charset=\"utf-8\"><title>tidegate</title></head>\n"
    "<body>\n"
    "<h1>tidegate</h1>\n"
    "<p>This page came over a TCP connection that a poll-mode core terminated.</p>\n"
    "<ul>\n"
    "<li><code>GET /bytes/N</code>: N bytes, byte i is i mod 251</li>\n"
    "<li><code>POST /sink</code>: reads a body, answers its length</li>\n"
    "</ul>\n"
    "</body>\n"
    "</html>\n";

enum resource { R_NONE = 0, R_PAGE, R_BYTES, R_SINK };

static const struct {
	uint16_t status;
	const char *reason;
} reasons[] = {
    {200, "OK"},
    {400, "Bad Request"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {417, "Expectation Failed"},
    {431, "Request Header Fields Too Large"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
};

static const char *reason_of(uint16_t status)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Error";
}

/* N of "/bytes/N"; false when it is no number up to 2^40. */
static bool parse_count(const char *digits, uint64_t *n)
{
	uint64_t v = 0;

	if (!*digits)
		return false;
	for (; *digits; digits++) {
		if (*digits < '0' || *digits > '9')
			return false;
		v = v * 10 + (uint64_t)(*digits - '0');
		if (v > TG_HTTP_BODY_MAX)
			return false;
	}
	*n = v;
	return true;
}

static enum resource resource_of(const struct tg_http_request *r, uint64_t *n)
{
	static const char bytes[] = "/bytes/";

	*n = 0;
	if (strcmp(r->path, "/") == 0)
		return R_PAGE;
	if (strcmp(r->path, "/sink") == 0)
		return R_SINK;
	if (strncmp(r->path, bytes, sizeof(bytes) - 1) == 0 &&
	    parse_count(r->path + sizeof(bytes) - 1, n))
		return R_BYTES;
	return R_NONE;
}

static bool is_allowed(enum resource resource, uint8_t method)
{
	if (resource == R_SINK)
		return method == TG_HTTP_POST;
	return method == TG_HTTP_GET || method == TG_HTTP_METHOD_HEAD;
}

uint16_t tg_http_route(const struct tg_http_request *r)
{
	uint64_t n;
	enum resource resource;

	if (r->status)
		return r->status;
	resource = resource_of(r, &n);
	if (resource == R_NONE)
		return 404;
	return is_allowed(resource, r->method) ? 200 : 405;
}

/* RFC 9112 9.3: HTTP/1.1 stays open unless told, HTTP/1.0 closes unless told. */
static const char *connection_field(const struct tg_http_reply *reply,
				    const struct tg_http_request *r)
{
	if (reply->close)
		return "Connection: close\r\n";
	return r && r->minor == 0 ? "Connection: keep-alive\r\n" : "";
}

static void put_head(struct tg_http_reply *reply, const struct tg_http_request *r, const char *type,
		     uint64_t len, const char *extra)
{
	int n = snprintf(reply->head, sizeof(reply->head),
			 "HTTP/1.1 %u %s\r\nServer: tidegate\r\nContent-Type: %s\r\n"
			 "Content-Length: %llu\r\n%s%s\r\n",
			 reply->status, reason_of(reply->status), type, (unsigned long long)len,
			 extra, connection_field(reply, r));

	reply->head_n = (uint16_t)n;
	reply->head_at = 0;
}

/* A body so short that it stands behind the head. */
static void put_short(struct tg_http_reply *reply, const char *body, size_t len)
{
	memcpy(reply->head + reply->head_n, body, len);
	reply->head_n = (uint16_t)(reply->head_n + len);
}

static void put_status(struct tg_http_reply *reply, const struct tg_http_request *r,
		       const char *extra)
{
	char body[64];
	int n = snprintf(body, sizeof(body), "%u %s\n", reply->status, reason_of(reply->status));

	put_head(reply, r, "text/plain", (uint64_t)n, extra);
	if (!r || r->method != TG_HTTP_METHOD_HEAD)
		put_short(reply, body, (size_t)n);
}

static const char *allow_field(const struct tg_http_request *r, enum resource resource)
{
	return resource == R_SINK ? "Allow: POST\r\n" : "Allow: GET, HEAD\r\n";
}

static void put_page(struct tg_http_reply *reply, const struct tg_http_request *r)
{
	put_head(reply, r, "text/html; charset=utf-8", sizeof(page) - 1, "");
	if (r->method == TG_HTTP_METHOD_HEAD)
		return;
	reply->text = page;
	reply->body_len = sizeof(page) - 1;
}

static void put_length(struct tg_http_reply *reply, const struct tg_http_request *r)
{
	char body[24];
	int n = snprintf(body, sizeof(body), "%llu", (unsigned long long)r->total);

	put_head(reply, r, "text/plain", (uint64_t)n, "");
	put_short(reply, body, (size_t)n);
}

void tg_http_answer(struct tg_http_reply *reply, const struct tg_http_request *r)
{
	uint64_t n;
	enum resource resource = resource_of(r, &n);

	memset(reply, 0, offsetof(struct tg_http_reply, head));
	reply->status = tg_http_route(r);
	/* A body that nobody will read leaves the next request without a beginning. */
	reply->close = !tg_http_is_persistent(r) || r->phase != TG_HTTP_COMPLETE;
	if (reply->status == 405) {
		put_status(reply, r, allow_field(r, resource));
	} else if (reply->status != 200) {
		put_status(reply, r, "");
	} else if (resource == R_PAGE) {
		put_page(reply, r);
	} else if (resource == R_SINK) {
		put_length(reply, r);
	} else {
		put_head(reply, r, "application/octet-stream", n, "");
		reply->body_len = r->method == TG_HTTP_METHOD_HEAD ? 0 : n;
	}
}

void tg_http_refuse(struct tg_http_reply *reply, uint16_t status)
{
	memset(reply, 0, offsetof(struct tg_http_reply, head));
	reply->status = status;
	reply->close = true;
	put_status(reply, NULL, "");
}
