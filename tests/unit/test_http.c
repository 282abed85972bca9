/* SPDX-License-Identifier: BSD-3-Clause */
/* HTTP (RFC 9112): the parser alone, every request also a byte at a time and cut at random; and the
 * service over two labs. */
#define _GNU_SOURCE /* memmem */
#include "lab_pair.h"

#include "http_parse.h"
#include "http_reply.h"

#include <errno.h>
#include <sys/socket.h>

#define H "Host: x\r\n"

/* --- the parser --- */

/* Feeds text in pieces of at most `piece` bytes; returns how many were used. */
static size_t parse(struct tg_http_request *r, const char *text, size_t len, size_t piece)
{
	size_t at = 0;

	tg_http_begin(r);
	while (at < len && r->phase != TG_HTTP_COMPLETE) {
		/* an exact copy, so that a read past the end is seen */
		size_t n = len - at < piece ? len - at : piece;
		uint8_t *copy = malloc(n);
		memcpy(copy, text + at, n);
		uint32_t used = r->phase == TG_HTTP_HEAD ? tg_http_head(r, copy, (uint32_t)n)
							 : tg_http_body(r, copy, (uint32_t)n);
		free(copy);
		at += used;
	}
	return at;
}

static const struct {
	const char *text;
	uint16_t status; /* 0 = none of the parser's */
	uint16_t route;
	uint64_t body;
	bool persistent;
} requests[] = {
    {"GET / HTTP/1.1\r\n" H "\r\n", 0, 200, 0, true},
    {"\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n", 0, 200, 0, true},
    {"GET / HTTP/1.1\n" H "\n", 0, 200, 0, true},
    {"GET / HTTP/1.0\r\n\r\n", 0, 200, 0, false},
    {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 0, 200, 0, true},
    {"GET / HTTP/1.0\r\nConnection: Foo , KEEP-alive\r\n\r\n", 0, 200, 0, true},
    {"GET / HTTP/1.1\r\n" H "Connection: close\r\n\r\n", 0, 200, 0, false},
    {"GET / HTTP/1.1\r\n" H "connection:keep-alive, close \r\n\r\n", 0, 200, 0, false},
    {"GET / HTTP/1.7\r\n" H "\r\n", 0, 200, 0, true},
    {"HEAD /bytes/5 HTTP/1.1\r\n" H "\r\n", 0, 200, 0, true},
    {"GET /bytes/1099511627776 HTTP/1.1\r\n" H "\r\n", 0, 200, 0, true},
    {"GET /bytes/1099511627777 HTTP/1.1\r\n" H "\r\n", 0, 404, 0, true},
    {"GET /bytes/99999999999999999999999999 HTTP/1.1\r\n" H "\r\n", 0, 404, 0, true},
    {"GET /bytes/ HTTP/1.1\r\n" H "\r\n", 0, 404, 0, true},
    {"GET /bytes/-1 HTTP/1.1\r\n" H "\r\n", 0, 404, 0, true},
    {"GET /bytes/7?x=y HTTP/1.1\r\n" H "\r\n", 0, 200, 0, true},
    {"GET /nothing/that/is/so/long/that/it/does/not/fit HTTP/1.1\r\n" H "\r\n", 0, 404, 0, true},
    {"GET http://example.org/bytes/3 HTTP/1.1\r\n" H "\r\n", 0, 200, 0, true},
    {"GET http://example.org HTTP/1.1\r\n" H "\r\n", 0, 200, 0, true},
    {"GET http://example.org?q HTTP/1.1\r\n" H "\r\n", 0, 200, 0, true},
    {"OPTIONS * HTTP/1.1\r\n" H "\r\n", 0, 404, 0, true},
    {"DELETE / HTTP/1.1\r\n" H "\r\n", 0, 405, 0, true},
    {"POST / HTTP/1.1\r\n" H "\r\n", 0, 405, 0, true},
    {"GET /sink HTTP/1.1\r\n" H "\r\n", 0, 405, 0, true},
    {"POST /sink HTTP/1.1\r\n" H "\r\n", 0, 200, 0, true},
    {"POST /sink HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello", 0, 200, 5, true},
    {"POST /sink HTTP/1.1\r\n" H "Content-Length:  0005 \r\n\r\nhello", 0, 200, 5, true},
    {"POST /sink HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 0,
     200, 5, true},
    {"POST /sink HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n\r\n"
     "5;a=b\r\nhello\r\n00A \r\n0123456789\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\n",
     0, 200, 15, true},
    {"POST /sink HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\n", 0, 200, 5,
     true},
    {"GET / HTTP/2.0\r\n" H "\r\n", 505, 505, 0, false},
    {"GET / HTTP/0.9\r\n" H "\r\n", 505, 505, 0, false},
    {"GET / HTTP/1\r\n" H "\r\n", 400, 400, 0, false},
    {"GET / HTTP/1.1 \r\n" H "\r\n", 400, 400, 0, false},
    {"GET / http/1.1\r\n" H "\r\n", 400, 400, 0, false},
    {"GET /\r\n", 400, 400, 0, false},
    {"GET  / HTTP/1.1\r\n" H "\r\n", 400, 400, 0, false},
    {"GET\r\n", 400, 400, 0, false},
    {" GET / HTTP/1.1\r\n" H "\r\n", 400, 400, 0, false},
    {"G(T / HTTP/1.1\r\n" H "\r\n", 400, 400, 0, false},
    {"ABCDEFGHIJKLMNOPQRSTUVWXYZ / HTTP/1.1\r\n" H "\r\n", 400, 400, 0, false},
    {"GET abc HTTP/1.1\r\n" H "\r\n", 400, 400, 0, false},
    {"GET a/b HTTP/1.1\r\n" H "\r\n", 400, 400, 0, false},
    {"GET / HTTP/1.1\rX" H "\r\n", 400, 400, 0, false},
    {"GET / HTTP/1.1\r\n\r\n", 400, 400, 0, false},
    {"GET / HTTP/1.1\r\n" H H "\r\n", 400, 400, 0, false},
    {"GET / HTTP/1.1\r\n" H "Name : x\r\n\r\n", 400, 400, 0, false},
    {"GET / HTTP/1.1\r\n" H ": x\r\n\r\n", 400, 400, 0, false},
    {"GET / HTTP/1.1\r\n" H "A: x\r\n folded\r\n\r\n", 400, 400, 0, false},
    {"GET / HTTP/1.1\r\n" H "A: x\ry\r\n\r\n", 400, 400, 0, false},
    {"GET / HTTP/1.1\r\n" H "A: \x01\r\n\r\n", 400, 400, 0, false},
    {"POST /sink HTTP/1.1\r\n" H "Content-Length: x\r\n\r\n", 400, 400, 0, false},
    {"POST /sink HTTP/1.1\r\n" H "Content-Length:\r\n\r\n", 400, 400, 0, false},
    {"POST /sink HTTP/1.1\r\n" H "Content-Length: -1\r\n\r\n", 400, 400, 0, false},
    {"POST /sink HTTP/1.1\r\n" H "Content-Length: 5, 5\r\n\r\n", 400, 400, 0, false},
    {"POST /sink HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400, 400, 0,
     false},
    {"POST /sink HTTP/1.1\r\n" H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
     400, 0, false},
    {"POST /sink HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, 400, 0, false},
    {"POST /sink HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n", 501, 501, 0, false},
    {"POST /sink HTTP/1.1\r\n" H "Content-Length: 1099511627777\r\n\r\n", 413, 413, 0, false},
    {"POST /sink HTTP/1.1\r\n" H "Content-Length: 99999999999999999999999999999\r\n\r\n", 413, 413,
     0, false},
    {"POST /sink HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n10000000001\r\n", 413, 200, 0,
     false},
    {"POST /sink HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"
     "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF\r\n",
     413, 200, 0, false},
    {"POST /sink HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nx\r\n", 400, 200, 0, false},
    {"POST /sink HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n\r\n", 400, 200, 0, false},
    {"POST /sink HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n2\r\nabc", 400, 200, 2, false},
    {"POST /sink HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n x\r\n", 400, 200, 0,
     false},
    {"POST /sink HTTP/1.1\r\n" H "Expect: tea\r\n\r\n", 417, 417, 0, false},
};

static void check_request(size_t i, size_t piece)
{
	struct tg_http_request r;
	size_t len = strlen(requests[i].text), used = parse(&r, requests[i].text, len, piece);
	bool right = r.phase == TG_HTTP_COMPLETE && r.status == requests[i].status &&
		     r.total == requests[i].body &&
		     tg_http_is_persistent(&r) == requests[i].persistent &&
		     (r.status || (used == len && tg_http_route(&r) == requests[i].route));

	if (!right)
		printf("%s-> phase %u status %u total %llu used %zu of %zu\n", requests[i].text,
		       r.phase, r.status, (unsigned long long)r.total, used, len);
	CU_ASSERT(right);
}

static void test_parse_table_anyPieces(void)
{
	for (size_t i = 0; i < TG_TEST_N(requests); i++)
		for (size_t piece = 1; piece < 40; piece++)
			check_request(i, piece);
	for (size_t i = 0; i < TG_TEST_N(requests); i++)
		check_request(i, 100000);
}

static void test_parse_limits_areKept(void)
{
	static char text[40000];
	struct tg_http_request r;
	int n = snprintf(text, sizeof(text), "GET /");

	memset(text + n, 'a', 30000);
	parse(&r, text, sizeof(text), 1000);
	CU_ASSERT_EQUAL(r.status, 414);
	n = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n" H "X: ");
	memset(text + n, 'a', 30000);
	parse(&r, text, sizeof(text), 1000);
	CU_ASSERT_EQUAL(r.status, 431);
	for (n = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n"); n < 30000;)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "A: b\r\n");
	parse(&r, text, sizeof(text), 1000);
	CU_ASSERT_EQUAL(r.status, 431);
	n = snprintf(text, sizeof(text),
		     "POST /sink HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n");
	while (n < 30000)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "A: b\r\n");
	parse(&r, text, sizeof(text), 1000);
	CU_ASSERT_EQUAL(r.status, 431);
	n = snprintf(text, sizeof(text),
		     "POST /sink HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1;");
	memset(text + n, 'x', 5000);
	parse(&r, text, sizeof(text), 1000);
	CU_ASSERT_EQUAL(r.status, 400);
}

/* Any bytes at all: an answer or a wait, never a crash. */
static void test_parse_random_neverCrashes(void)
{
	static const char *const words[] = {"GET ",
					    "POST ",
					    "/sink",
					    " HTTP/1.1\r\n",
					    H,
					    "\r\n",
					    "Content-Length: ",
					    "5",
					    "7",
					    "Transfer-Encoding: chunked\r\n",
					    "\r\n\r\n",
					    ":",
					    "\xff",
					    " ",
					    "0",
					    ",",
					    "/bytes/9"};
	char text[512];

	srand((unsigned)tg_test_seed);
	for (int round = 0; round < 20000; round++) {
		size_t n = 0;
		struct tg_http_request r;
		while (n < 400 && rand() % 20) {
			const char *word = words[(size_t)rand() % TG_TEST_N(words)];
			memcpy(text + n, word, strlen(word));
			n += strlen(word);
		}
		CU_ASSERT(parse(&r, text, n, 1 + (size_t)rand() % 9) <= n);
		struct tg_http_reply reply;
		tg_http_answer(&reply, &r);
		CU_ASSERT(reply.head_n < TG_HTTP_HEAD_MAX);
	}
}

/* --- the service --- */

static struct pair p;
static int c;
static char got[1 << 20];
static size_t got_n;

static void http_open(const char *options)
{
	char text[128];

	snprintf(text, sizeof(text), "service=http %s", options);
	pair_init(&p, "", "");
	CU_ASSERT_FATAL(tg_lab_listen(p.b, NULL, 80, 0, text) >= 0);
	c = tg_lab_connect(p.a, NULL, 0, PAIR_B, 80, NULL);
	pair_run(&p, 1);
	got_n = 0;
}

static void receive(void)
{
	ssize_t n;

	while ((n = tg_lab_read(p.a, c, got + got_n, sizeof(got) - 1 - got_n)) > 0) {
		got_n += (size_t)n;
		pair_run(&p, 0);
	}
	got[got_n] = '\0';
}

static void send_text(const char *text)
{
	CU_ASSERT_EQUAL(tg_lab_write(p.a, c, text, strlen(text)), (ssize_t)strlen(text));
	pair_run(&p, 1);
}

/* Sends, and takes what comes at once. */
static const char *ask(const char *text)
{
	got_n = 0;
	send_text(text);
	receive();
	return got;
}

static bool is_eof(void)
{
	char byte;

	pair_run(&p, 1);
	return tg_lab_read(p.a, c, &byte, 1) == 0;
}

static void http_close(void)
{
	tg_lab_close(p.a, c);
	pair_run(&p, 70000);
	CU_ASSERT_EQUAL(tg_lab_next_deadline(p.b), UINT64_MAX);
	pair_fini(&p);
}

static const char *body_of(const char *answer)
{
	const char *end = strstr(answer, "\r\n\r\n");

	return end ? end + 4 : "";
}

static void test_http_page_keepAlive(void)
{
	http_open("");
	for (int i = 0; i < 3; i++) {
		const char *answer = ask("GET / HTTP/1.1\r\n" H "\r\n");
		CU_ASSERT_PTR_NOT_NULL(strstr(answer, "HTTP/1.1 200 OK\r\n"));
		CU_ASSERT_PTR_NULL(strstr(answer, "Connection:"));
		CU_ASSERT_PTR_NOT_NULL(strstr(body_of(answer), "<h1>tidegate</h1>"));
		CU_ASSERT(!is_eof());
	}
	const char *answer = ask("HEAD / HTTP/1.1\r\n" H "\r\n");

	CU_ASSERT_PTR_NOT_NULL(strstr(answer, "200 OK"));
	CU_ASSERT_STRING_EQUAL(body_of(answer), "");
	CU_ASSERT_PTR_NOT_NULL(strstr(ask("HEAD /no HTTP/1.1\r\n" H "\r\n"), "404 Not Found"));
	CU_ASSERT_STRING_EQUAL(body_of(got), "");
	http_close();
}

static void test_http_bytes_pattern(void)
{
	char want[64];

	http_open("sndbuf=1000");
	send_text("GET /bytes/300007 HTTP/1.1\r\n" H "Connection: close\r\n\r\n");
	for (int i = 0; i < 20000; i++) {
		receive();
		pair_run(&p, 5);
	}
	snprintf(want, sizeof(want), "Content-Length: 300007\r\n");
	CU_ASSERT_PTR_NOT_NULL(strstr(got, want));
	const char *body = memmem(got, got_n, "\r\n\r\n", 4);
	size_t bad = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(body);
	body += 4;
	CU_ASSERT_EQUAL(got_n - (size_t)(body - got), 300007);
	for (size_t i = 0; i < 300007; i++)
		bad += (uint8_t)body[i] != i % 251;
	CU_ASSERT_EQUAL(bad, 0);
	CU_ASSERT(is_eof());
	http_close();
}

static void test_http_statuses_onTheWire(void)
{
	http_open("");
	CU_ASSERT_PTR_NOT_NULL(strstr(ask("GET /x HTTP/1.1\r\n" H "\r\n"), "404 Not Found"));
	CU_ASSERT_PTR_NOT_NULL(strstr(ask("PUT / HTTP/1.1\r\n" H "\r\n"), "405 Method"));
	CU_ASSERT_PTR_NOT_NULL(strstr(got, "Allow: GET, HEAD\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(ask("GET /sink HTTP/1.1\r\n" H "\r\n"), "Allow: POST\r\n"));
	CU_ASSERT_STRING_EQUAL(body_of(ask("GET /bytes/0 HTTP/1.1\r\n" H "\r\n")), "");
	CU_ASSERT(!is_eof());
	CU_ASSERT_PTR_NOT_NULL(strstr(ask("BAD\r\n\r\n"), "400 Bad Request"));
	CU_ASSERT_PTR_NOT_NULL(strstr(got, "Connection: close"));
	CU_ASSERT(is_eof());
	http_close();
	http_open("");
	CU_ASSERT_PTR_NOT_NULL(strstr(ask("GET / HTTP/3.0\r\n" H "\r\n"), "505 HTTP"));
	CU_ASSERT(is_eof());
	http_close();
}

static void test_http_sink_lengthOfBody(void)
{
	http_open("");
	CU_ASSERT_STRING_EQUAL(
	    body_of(ask("POST /sink HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello")), "5");
	CU_ASSERT_STRING_EQUAL(
	    body_of(ask("POST /sink HTTP/1.1\r\n" H
			"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n")),
	    "7");
	CU_ASSERT_STRING_EQUAL(body_of(ask("POST /sink HTTP/1.1\r\n" H "\r\n")), "0");
	/* a body larger than every buffer */
	static char piece[65536];

	send_text("POST /sink HTTP/1.1\r\n" H "Content-Length: 6553600\r\n\r\n");
	for (int i = 0; i < 100; i++) {
		for (size_t at = 0; at < sizeof(piece);) {
			ssize_t n = tg_lab_write(p.a, c, piece + at, sizeof(piece) - at);
			at += n > 0 ? (size_t)n : 0;
			pair_run(&p, 1);
		}
	}
	got_n = 0;
	pair_run(&p, 100);
	receive();
	CU_ASSERT_STRING_EQUAL(body_of(got), "6553600");
	http_close();
}

static void test_http_expect_continueFirst(void)
{
	http_open("");
	const char *head =
	    "POST /sink HTTP/1.1\r\n" H "Content-Length: 4\r\nExpect: 100-continue\r\n\r\n";

	CU_ASSERT_STRING_EQUAL(ask(head), "HTTP/1.1 100 Continue\r\n\r\n");
	CU_ASSERT_STRING_EQUAL(body_of(ask("data")), "4");
	/* no invitation to what will not be read */
	CU_ASSERT_PTR_NOT_NULL(strstr(
	    ask("POST /no HTTP/1.1\r\n" H "Content-Length: 4\r\nExpect: 100-continue\r\n\r\n"),
	    "HTTP/1.1 404"));
	CU_ASSERT_PTR_NULL(strstr(got, "100 Continue"));
	CU_ASSERT(is_eof());
	http_close();
}

static void test_http_pipeline_inOrder(void)
{
	char text[8192] = "";
	size_t n = 0;
	int answers = 0;

	http_open("");
	for (int i = 0; i < 100; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      "GET /bytes/%d HTTP/1.1\r\n" H "\r\n", i);
	ask(text);
	pair_run(&p, 100); /* the last piece may wait for a delayed ACK (Nagle) */
	receive();
	const char *at = got, *end = got + got_n;

	while ((at = memmem(at, (size_t)(end - at), "Content-Length: ", 16)) != NULL) {
		at += 16;
		CU_ASSERT_EQUAL(atoi(at), answers);
		answers++;
	}
	CU_ASSERT_EQUAL(answers, 100);
	http_close();
}

static void test_http_halfClosedClient_getsItsAnswer(void)
{
	http_open("");
	const char *request = "GET /bytes/3 HTTP/1.1\r\n" H "\r\n";

	tg_lab_write(p.a, c, request, strlen(request));
	tg_lab_shutdown(p.a, c, SHUT_WR);
	pair_run(&p, 1);
	receive();
	CU_ASSERT_PTR_NOT_NULL(strstr(got, "200 OK"));
	CU_ASSERT(is_eof());
	CU_ASSERT_EQUAL(tg_lab_counter(p.b, "tw_entered"), 0);
	http_close();
}

static void test_http_connectionClose_serverClosesFirst(void)
{
	http_open("");
	ask("GET / HTTP/1.1\r\n" H "Connection: close\r\n\r\n");
	CU_ASSERT_PTR_NOT_NULL(strstr(got, "Connection: close\r\n"));
	CU_ASSERT(is_eof());
	tg_lab_close(p.a, c);
	pair_run(&p, 10);
	CU_ASSERT_EQUAL(tg_lab_counter(p.b, "tw_entered"), 1);
	pair_run(&p, 60000);
	pair_fini(&p);
}

static void test_http_slowHead_is408(void)
{
	http_open("");
	send_text("GET / HT");
	pair_run(&p, 9900);
	receive();
	CU_ASSERT_EQUAL(got_n, 0);
	pair_run(&p, 200);
	receive();
	CU_ASSERT_PTR_NOT_NULL(strstr(got, "408 Request Timeout"));
	CU_ASSERT(is_eof());
	http_close();
}

/* One byte every few seconds does not help: the clock runs for the whole head. */
static void test_http_drippingHead_is408(void)
{
	static const char head[] = "GET / HTTP/1.1\r\nHost: x\r\n";

	http_open("");
	for (int i = 0; i < 5; i++) {
		tg_lab_write(p.a, c, head + i, 1);
		pair_run(&p, 2100);
	}
	receive();
	CU_ASSERT_PTR_NOT_NULL(strstr(got, "408"));
	http_close();
}

static void test_http_idle_isClosedAfter60s(void)
{
	http_open("");
	ask("GET / HTTP/1.1\r\n" H "\r\n");
	pair_run(&p, 59000);
	CU_ASSERT(!is_eof());
	pair_run(&p, 1500);
	CU_ASSERT(is_eof());
	http_close();
	http_open(""); /* and one that never said a word */
	pair_run(&p, 60500);
	CU_ASSERT(is_eof());
	http_close();
}

static void test_http_stuckBody_is408(void)
{
	http_open("");
	send_text("POST /sink HTTP/1.1\r\n" H "Content-Length: 100\r\n\r\nabc");
	pair_run(&p, 60500);
	receive();
	CU_ASSERT_PTR_NOT_NULL(strstr(got, "408"));
	http_close();
}

static void test_http_neverReadingClient_isAborted(void)
{
	http_open("sndbuf=4096");
	send_text("GET /bytes/10000000 HTTP/1.1\r\n" H "\r\n");
	pair_run(&p, 62000);
	CU_ASSERT_EQUAL(tg_lab_counter(p.b, "rst_sent"), 1);
	http_close();
}

static void test_http_hugeBody_413IsReadable(void)
{
	static char junk[100000];

	http_open("");
	const char *head = "POST /sink HTTP/1.1\r\n" H "Content-Length: 9999999999999\r\n\r\n";

	tg_lab_write(p.a, c, head, strlen(head));
	tg_lab_write(p.a, c, junk, sizeof(junk)); /* goes on sending all the same */
	pair_run(&p, 5);
	receive();
	CU_ASSERT_PTR_NOT_NULL(strstr(got, "413 Content Too Large"));
	CU_ASSERT(is_eof());
	CU_ASSERT_EQUAL(tg_lab_counter(p.b, "rst_sent"), 0);
	http_close();
}

static const struct tg_test tests[] = {
    {"parse_table_anyPieces", test_parse_table_anyPieces},
    {"parse_limits_areKept", test_parse_limits_areKept},
    {"parse_random_neverCrashes", test_parse_random_neverCrashes},
    {"http_page_keepAlive", test_http_page_keepAlive},
    {"http_bytes_pattern", test_http_bytes_pattern},
    {"http_statuses_onTheWire", test_http_statuses_onTheWire},
    {"http_sink_lengthOfBody", test_http_sink_lengthOfBody},
    {"http_expect_continueFirst", test_http_expect_continueFirst},
    {"http_pipeline_inOrder", test_http_pipeline_inOrder},
    {"http_halfClosedClient_getsItsAnswer", test_http_halfClosedClient_getsItsAnswer},
    {"http_connectionClose_serverClosesFirst", test_http_connectionClose_serverClosesFirst},
    {"http_slowHead_is408", test_http_slowHead_is408},
    {"http_drippingHead_is408", test_http_drippingHead_is408},
    {"http_idle_isClosedAfter60s", test_http_idle_isClosedAfter60s},
    {"http_stuckBody_is408", test_http_stuckBody_is408},
    {"http_neverReadingClient_isAborted", test_http_neverReadingClient_isAborted},
    {"http_hugeBody_413IsReadable", test_http_hugeBody_413IsReadable},
};

int main(int argc, char **argv)
{
	return tg_test_main("http", tests, TG_TEST_N(tests), argc, argv);
}
