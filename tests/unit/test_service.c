/* SPDX-License-Identifier: BSD-3-Clause */
/* echo, discard and chargen, over two labs. */
#include "lab_pair.h"

#include "tg_services.h"

#include <errno.h>
#include <sys/socket.h>

static struct pair p;
static int c;

static void service_open(const char *name, const char *listen_options, const char *options)
{
	char text[128];

	snprintf(text, sizeof(text), "service=%s %s", name, listen_options);
	pair_init(&p, "", "");
	CU_ASSERT_FATAL(tg_lab_listen(p.b, NULL, 7, 0, text) >= 0);
	c = tg_lab_connect(p.a, NULL, 0, PAIR_B, 7, options);
	pair_run(&p, 1);
}

static void service_close(void)
{
	tg_lab_close(p.a, c);
	pair_run(&p, 70000);
	CU_ASSERT_EQUAL(tg_lab_next_deadline(p.b), UINT64_MAX);
	pair_fini(&p);
}

static void test_find_name_orNull(void)
{
	CU_ASSERT_EQUAL(tg_service_n, 4);
	for (uint32_t i = 0; i < tg_service_n; i++)
		CU_ASSERT_PTR_EQUAL(tg_service_find(tg_services[i]->name), tg_services[i]);
	CU_ASSERT_PTR_NULL(tg_service_find("gopher"));
}

/* All that was sent comes back, also what is queued when the client shuts its side; then FIN. */
static void echo_all(const char *listen_options, const char *options, size_t total)
{
	static uint8_t out[1 << 20], in[1 << 20];
	size_t sent = 0, got = 0;
	ssize_t n = -EAGAIN;

	for (size_t i = 0; i < total; i++)
		out[i] = (uint8_t)(i * 31 ^ i >> 8);
	service_open("echo", listen_options, options);
	for (int round = 0; round < 200000 && n != 0; round++) {
		if (sent < total && (n = tg_lab_write(p.a, c, out + sent, total - sent)) > 0)
			sent += (size_t)n;
		if (sent == total)
			tg_lab_shutdown(p.a, c, SHUT_WR);
		pair_run(&p, 1);
		if (sent < total / 2)
			continue; /* a client that sends before it reads */
		while ((n = tg_lab_read(p.a, c, in + got, total - got + 1)) > 0)
			got += (size_t)n;
	}
	CU_ASSERT_EQUAL(n, 0);
	CU_ASSERT_EQUAL(got, total);
	CU_ASSERT_EQUAL(memcmp(in, out, got), 0);
	CU_ASSERT_STRING_EQUAL(tg_lab_state(p.a, c), "TIME-WAIT");
	service_close();
}

static void test_echo_halfClose_getsAllThenFin(void)
{
	echo_all("", "", 500000);
	echo_all("sndbuf=1024 rcvbuf=512", "", 100000);
	echo_all("", "sndbuf=700 rcvbuf=300", 50000);
	echo_all("sndbuf=512 rcvbuf=65536", "rcvbuf=512", 100000); /* reads more than it can say */
	echo_all("", "", 0);
}

static void test_echo_abort_isForgotten(void)
{
	service_open("echo", "", "");
	tg_lab_write(p.a, c, "x", 1);
	tg_lab_abort(p.a, c);
	pair_run(&p, 1);
	CU_ASSERT_EQUAL(tg_lab_next_deadline(p.b), UINT64_MAX);
	pair_fini(&p);
}

static void test_discard_anything_isSwallowed(void)
{
	static char junk[300000];
	char byte;
	size_t sent = 0;

	service_open("discard", "rcvbuf=5000", "");
	while (sent < sizeof(junk)) {
		ssize_t n = tg_lab_write(p.a, c, junk + sent, sizeof(junk) - sent);
		sent += n > 0 ? (size_t)n : 0;
		pair_run(&p, 10);
	}
	CU_ASSERT_EQUAL(tg_lab_read(p.a, c, &byte, 1), -EAGAIN);
	tg_lab_shutdown(p.a, c, SHUT_WR);
	pair_run(&p, 1000);
	CU_ASSERT_EQUAL(tg_lab_read(p.a, c, &byte, 1), 0);
	service_close();
}

/* RFC 864: 72 characters, CR LF, each line one further; the 95 printing characters in a ring. */
static void test_chargen_stream_isThePattern(void)
{
	static char in[200000];
	size_t got = 0, bad = 0;

	service_open("chargen", "sndbuf=3001", "");
	tg_lab_write(p.a, c, "ignored", 7);
	tg_lab_shutdown(p.a, c, SHUT_WR); /* and it goes on */
	while (got < sizeof(in)) {
		ssize_t n = tg_lab_read(p.a, c, in + got, sizeof(in) - got);
		CU_ASSERT_FATAL(n != 0);
		got += n > 0 ? (size_t)n : 0;
		pair_run(&p, 1);
	}
	for (size_t i = 0; i < got; i++) {
		size_t line = i / 74, column = i % 74;
		char want = column == 72   ? '\r'
			    : column == 73 ? '\n'
					   : (char)(' ' + (line + column) % 95);
		bad += in[i] != want;
	}
	CU_ASSERT_EQUAL(bad, 0);
	tg_lab_close(p.a, c);
	pair_run(&p, 200000);
	CU_ASSERT_EQUAL(tg_lab_next_deadline(p.b), UINT64_MAX);
	pair_fini(&p);
}

static const struct tg_test tests[] = {
    {"find_name_orNull", test_find_name_orNull},
    {"echo_halfClose_getsAllThenFin", test_echo_halfClose_getsAllThenFin},
    {"echo_abort_isForgotten", test_echo_abort_isForgotten},
    {"discard_anything_isSwallowed", test_discard_anything_isSwallowed},
    {"chargen_stream_isThePattern", test_chargen_stream_isThePattern},
};

int main(int argc, char **argv)
{
	return tg_test_main("service", tests, TG_TEST_N(tests), argc, argv);
}
