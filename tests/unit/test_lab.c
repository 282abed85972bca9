/* SPDX-License-Identifier: BSD-3-Clause */
/* The contract of lab.h, sentence by sentence, mostly with two labs talking to each other. */
#include "lab_pair.h"

#include <errno.h>
#include <sys/socket.h>

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

/* --- new --- */

static void test_new_badOption_isASentence(void)
{
	static const struct {
		const char *options, *part;
	} t[] = {
	    {"bufsize=3", "unknown key bufsize"},
	    {"rcvbf=4096", "did you mean rcvbuf?"},
	    {"rcvbuf=1", "128 to 4194304"},
	    {"rcvbuf", "key=value"},
	    {"congestion=vegas", "newreno|cubic"},
	    {"congestion=reno", "newreno|cubic"},
	    {"ecn=maybe", "on or off"},
	    {"timestamps=perhaps", "on or off"},
	    {"syn_cookies=never", "off|auto|always"},
	    {"addr=300.1.1.1", "192.0.2.1/24"},
	    {"addr=10.0.0.1/33", "192.0.2.1/24"},
	    {"addr=224.0.0.1", "a host can have"},
	    {"addr=10.0.0.1/8 addr=10.0.0.1/8", "twice"},
	    {"mtu=1000 addr=2001:db8::5/64", "IPv6 needs 1280"},
	    {"mtu=100", "576 to 9600"},
	    {"synq_high=10 synq_low=11", "synq_low"},
	    {"msl_ms=0", "1 to 240000"},
	    {"seed=18446744073709551616", "whole number"},
	    {"port=80", "[listener NAME]"},
	    {"workers=2", "[engine]"},
	};
	char err[256];

	for (size_t i = 0; i < TG_TEST_N(t); i++) {
		memset(err, 0, sizeof(err));
		CU_ASSERT_PTR_NULL(tg_lab_new(t[i].options, err, sizeof(err)));
		if (!strstr(err, t[i].part))
			printf("%s: %s\n", t[i].options, err);
		CU_ASSERT_PTR_NOT_NULL(strstr(err, t[i].part));
	}
	CU_ASSERT_PTR_NULL(tg_lab_new("x=1", NULL, 0));
}

static void test_new_allOptions_areTaken(void)
{
	char err[256];
	struct tg_lab *lab = tg_lab_new(
	    "seed=9 start_ns=5 addr=10.9.8.7 addr=10.9.8.6/24 addr=2001:db8::5/64 mtu=9000 "
	    "connections=16 msl_ms=1000 fin_wait_2_ms=10 challenge_ms=1 rst_rate=0 backlog=3 "
	    "syn_cookies=always synq_high=9 synq_low=9 defer_accept_ms=5 window_scale=0 "
	    "timestamps=off sack=off ecn=on congestion=newreno delayed_ack_ms=0 rto_min_ms=1000 "
	    "mss_max=1000 mss_min=48 maxseg=500 rcvbuf=128 sndbuf=4194304 nodelay=on keepalive=on "
	    "user_timeout_ms=1",
	    err, sizeof(err));

	CU_ASSERT_PTR_NOT_NULL_FATAL(lab);
	CU_ASSERT(tg_lab_listen(lab, "10.9.8.6", 1, 0, NULL) >= 0);
	CU_ASSERT(tg_lab_listen(lab, "2001:db8::5", 1, 0, NULL) >= 0);
	CU_ASSERT_EQUAL(tg_lab_listen(lab, "192.168.0.1", 1, 0, NULL), -EADDRNOTAVAIL);
	tg_lab_free(lab);
	lab = tg_lab_new(NULL, NULL, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(lab);
	CU_ASSERT(tg_lab_listen(lab, "192.168.0.1", 1, 0, NULL) >= 0);
	CU_ASSERT(tg_lab_listen(lab, "fd3d:a0b:17d6::1", 1, 0, NULL) >= 0);
	CU_ASSERT_EQUAL(tg_lab_next_deadline(lab), UINT64_MAX);
	CU_ASSERT_EQUAL(tg_lab_output(lab, NULL, 0, NULL), 0);
	tg_lab_free(lab);
	tg_lab_free(NULL);
}

/* --- sockets and numbers --- */

static void test_listen_errors_areNegativeErrno(void)
{
	struct pair p;
	uint16_t port = 0;
	char text[46];

	pair_init(&p, "", "");
	int l = tg_lab_listen(p.b, NULL, 80, 0, NULL);

	CU_ASSERT(l >= 0);
	CU_ASSERT_EQUAL(tg_lab_listen(p.b, NULL, 80, 0, NULL), -EADDRINUSE);
	CU_ASSERT_EQUAL(tg_lab_listen(p.b, "nonsense", 81, 0, NULL), -EINVAL);
	CU_ASSERT_EQUAL(tg_lab_listen(p.b, NULL, 81, 0, "service=gopher"), -EINVAL);
	CU_ASSERT_EQUAL(tg_lab_listen(p.b, NULL, 81, 0, "seed=4"), -EINVAL);
	CU_ASSERT_EQUAL(tg_lab_connect(p.a, NULL, 0, PAIR_B, 80, "backlog=4"), -EINVAL);
	CU_ASSERT_EQUAL(tg_lab_connect(p.a, NULL, 0, NULL, 80, NULL), -EINVAL);
	CU_ASSERT_EQUAL(tg_lab_connect(p.a, NULL, 0, "x", 80, NULL), -EINVAL);
	CU_ASSERT_EQUAL(tg_lab_connect(p.a, "::1", 0, PAIR_B, 80, NULL), -EINVAL);
	CU_ASSERT_EQUAL(tg_lab_connect(p.a, "10.0.0.1", 0, PAIR_B, 80, NULL), -EADDRNOTAVAIL);
	CU_ASSERT_EQUAL(tg_lab_connect(p.a, NULL, 0, "192.168.255.255", 80, NULL), -EINVAL);
	CU_ASSERT_EQUAL(tg_lab_accept(p.b, 99), -EBADF);
	CU_ASSERT_EQUAL(tg_lab_accept(p.b, l), -EAGAIN);
	CU_ASSERT_EQUAL(tg_lab_read(p.b, -1, text, 1), -EBADF);
	CU_ASSERT_EQUAL(tg_lab_read(p.b, l, text, 1), -ENOTCONN);
	CU_ASSERT_EQUAL(tg_lab_close(p.b, 5), -EBADF);
	CU_ASSERT_STRING_EQUAL(tg_lab_state(p.b, l), "LISTEN");
	CU_ASSERT_STRING_EQUAL(tg_lab_state(p.b, 99), "CLOSED");
	int any = tg_lab_listen(p.b, NULL, 0, 0, NULL);

	CU_ASSERT(any >= 0 && any != l);
	CU_ASSERT_EQUAL(tg_lab_local(p.b, any, text, sizeof(text), &port), 0);
	CU_ASSERT(port >= 1024);
	CU_ASSERT_EQUAL(tg_lab_counter(p.b, "no_such"), -1);
	CU_ASSERT_EQUAL(tg_lab_counter(p.b, "rx_segments"), 0);
	CU_ASSERT_EQUAL(tg_lab_input(p.b, 0, text, 65536), -EMSGSIZE);
	pair_fini(&p);
}

static void test_connect_addresses_areTold(void)
{
	struct pair p;
	int l, c, s;
	char text[46], text2[46];
	uint16_t port, port2;

	pair_init(&p, "", "");
	pair_open(&p, &l, &c, &s, NULL, NULL);
	CU_ASSERT_EQUAL(tg_lab_peer(p.a, c, text, sizeof(text), &port), 0);
	CU_ASSERT_STRING_EQUAL(text, PAIR_B);
	CU_ASSERT_EQUAL(port, 80);
	CU_ASSERT_EQUAL(tg_lab_local(p.a, c, text, sizeof(text), &port), 0);
	CU_ASSERT_EQUAL(tg_lab_peer(p.b, s, text2, sizeof(text2), &port2), 0);
	CU_ASSERT_STRING_EQUAL(text, PAIR_A);
	CU_ASSERT_STRING_EQUAL(text, text2);
	CU_ASSERT_EQUAL(port, port2);
	CU_ASSERT_STRING_EQUAL(tg_lab_state_of(p.b, PAIR_B, 80, PAIR_A, port), "ESTABLISHED");
	CU_ASSERT_STRING_EQUAL(tg_lab_state_of(p.b, PAIR_B, 81, PAIR_A, port), "CLOSED");
	CU_ASSERT_EQUAL(tg_lab_connect(p.a, PAIR_A, port, PAIR_B, 80, NULL), -EADDRINUSE);
	CU_ASSERT_EQUAL(tg_lab_peer(p.b, l, text, sizeof(text), &port), -ENOTCONN);
	pair_fini(&p);
}

/* --- reading and writing --- */

static void test_established_readWrite_bytesArrive(void)
{
	struct pair p;
	int l, c, s;
	char buf[32] = "";

	pair_init(&p, "", "");
	pair_open(&p, &l, &c, &s, NULL, NULL);
	CU_ASSERT_EQUAL(tg_lab_poll(p.b, s), TG_LAB_OUT);
	CU_ASSERT_EQUAL(tg_lab_read(p.b, s, buf, 10), -EAGAIN);
	CU_ASSERT_EQUAL(tg_lab_read(p.b, s, buf, 0), 0);
	CU_ASSERT_EQUAL(tg_lab_write(p.a, c, "hello", 5), 5);
	CU_ASSERT_EQUAL(tg_lab_write(p.a, c, "x", 0), 0);
	CU_ASSERT_EQUAL(pair_get(p.a, c, TG_LAB_UNACKED_BYTES), 5);
	pair_run(&p, 100);
	CU_ASSERT_EQUAL(pair_get(p.a, c, TG_LAB_UNACKED_BYTES), 0);
	CU_ASSERT_EQUAL(tg_lab_poll(p.b, s), TG_LAB_IN | TG_LAB_OUT);
	CU_ASSERT_EQUAL(pair_get(p.b, s, TG_LAB_READABLE_BYTES), 5);
	CU_ASSERT_EQUAL(tg_lab_peek(p.b, s, buf, 3), 3);
	CU_ASSERT_EQUAL(tg_lab_read(p.b, s, buf, 3), 3);
	CU_ASSERT_EQUAL(tg_lab_read(p.b, s, buf + 3, 30), 2);
	CU_ASSERT_EQUAL(memcmp(buf, "hello", 5), 0);
	CU_ASSERT_EQUAL(tg_lab_read(p.b, s, buf, 3), -EAGAIN);
	pair_fini(&p);
}

static void test_synSent_write_isQueued(void) /* UC-03 */
{
	struct pair p;
	char buf[32];

	pair_init(&p, "", "");
	int l = tg_lab_listen(p.b, NULL, 80, 0, NULL);
	int c = tg_lab_connect(p.a, NULL, 0, PAIR_B, 80, NULL);

	CU_ASSERT_STRING_EQUAL(tg_lab_state(p.a, c), "SYN-SENT");
	CU_ASSERT_EQUAL(tg_lab_read(p.a, c, buf, 1), -EAGAIN);
	CU_ASSERT_EQUAL(tg_lab_poll(p.a, c), 0);
	CU_ASSERT_EQUAL(tg_lab_write(p.a, c, "early", 5), 5);
	CU_ASSERT_EQUAL(pair_get(p.a, c, TG_LAB_UNSENT_BYTES), 5);
	CU_ASSERT_EQUAL(pair_get(p.a, c, TG_LAB_UNACKED_BYTES), 0);
	pair_run(&p, 100);
	int s = tg_lab_accept(p.b, l);

	CU_ASSERT_EQUAL(tg_lab_read(p.b, s, buf, 32), 5);
	CU_ASSERT_EQUAL(memcmp(buf, "early", 5), 0);
	pair_fini(&p);
}

static void test_established_sendBufferFull_isEagain(void)
{
	struct pair p;
	int l, c, s;
	char buf[4096];

	memset(buf, 'x', sizeof(buf));
	pair_init(&p, "", "");
	pair_open(&p, &l, &c, &s, "rcvbuf=1024", "sndbuf=2048");
	p.cut_a = true;
	CU_ASSERT_EQUAL(tg_lab_write(p.a, c, buf, sizeof(buf)), 2048);
	CU_ASSERT_EQUAL(tg_lab_write(p.a, c, buf, 1), -EAGAIN);
	CU_ASSERT_EQUAL(tg_lab_poll(p.a, c) & TG_LAB_OUT, 0);
	pair_run(&p, 0);
	p.cut_a = false;
	pair_run(&p, 5000);
	CU_ASSERT_EQUAL(tg_lab_poll(p.a, c) & TG_LAB_OUT, TG_LAB_OUT);
	CU_ASSERT(pair_get(p.a, c, TG_LAB_RETRANSMITS) > 0);
	pair_fini(&p);
}

static void test_closeWait_eof_afterAllIsRead(void)
{
	struct pair p;
	int l, c, s;
	char buf[32];

	pair_init(&p, "", "");
	pair_open(&p, &l, &c, &s, NULL, NULL);
	tg_lab_write(p.a, c, "bye", 3);
	CU_ASSERT_EQUAL(tg_lab_shutdown(p.a, c, 77), -EINVAL);
	CU_ASSERT_EQUAL(tg_lab_shutdown(p.a, c, SHUT_WR), 0);
	CU_ASSERT_EQUAL(tg_lab_shutdown(p.a, c, SHUT_WR), 0);
	CU_ASSERT_EQUAL(tg_lab_write(p.a, c, "x", 1), -EPIPE);
	pair_run(&p, 100);
	CU_ASSERT_STRING_EQUAL(tg_lab_state(p.a, c), "FIN-WAIT-2");
	CU_ASSERT_STRING_EQUAL(tg_lab_state(p.b, s), "CLOSE-WAIT");
	CU_ASSERT_EQUAL(pair_get(p.b, s, TG_LAB_READABLE_BYTES), 3);
	CU_ASSERT_EQUAL(tg_lab_read(p.b, s, buf, 32), 3);
	CU_ASSERT_EQUAL(tg_lab_read(p.b, s, buf, 32), 0);
	CU_ASSERT_EQUAL(tg_lab_read(p.b, s, buf, 32), 0);
	CU_ASSERT_EQUAL(tg_lab_poll(p.b, s), TG_LAB_IN | TG_LAB_OUT);
	/* the other direction still flows (UC-06) */
	CU_ASSERT_EQUAL(tg_lab_write(p.b, s, "more", 4), 4);
	pair_run(&p, 200000);
	CU_ASSERT_EQUAL(tg_lab_read(p.a, c, buf, 32), 4);
	CU_ASSERT_EQUAL(tg_lab_shutdown(p.b, s, SHUT_WR), 0);
	pair_run(&p, 100);
	CU_ASSERT_STRING_EQUAL(tg_lab_state(p.a, c), "TIME-WAIT");
	CU_ASSERT_STRING_EQUAL(tg_lab_state(p.b, s), "CLOSED");
	CU_ASSERT_EQUAL(tg_lab_poll(p.a, c), TG_LAB_IN | TG_LAB_HUP);
	CU_ASSERT_EQUAL(tg_lab_read(p.a, c, buf, 32), 0);
	CU_ASSERT_EQUAL(tg_lab_write(p.b, s, "x", 1), -EPIPE);
	pair_run(&p, 59000);
	CU_ASSERT_STRING_EQUAL(tg_lab_state(p.a, c), "TIME-WAIT");
	pair_run(&p, 1500);
	CU_ASSERT_STRING_EQUAL(tg_lab_state(p.a, c), "CLOSED");
	pair_fini(&p);
}

static void test_closed_unreadBytes_stayReadable(void)
{
	struct pair p;
	int l, c, s;
	static char big[100000], buf[100000];

	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 7);
	pair_init(&p, "", "");
	pair_open(&p, &l, &c, &s, NULL, NULL);
	CU_ASSERT_EQUAL(tg_lab_write(p.a, c, big, sizeof(big)), (ssize_t)sizeof(big));
	tg_lab_shutdown(p.a, c, SHUT_WR);
	tg_lab_shutdown(p.b, s, SHUT_WR);
	pair_run(&p, 100);
	CU_ASSERT_STRING_EQUAL(tg_lab_state(p.b, s), "TIME-WAIT");
	CU_ASSERT_EQUAL(pair_get(p.b, s, TG_LAB_READABLE_BYTES), (int64_t)sizeof(big));
	size_t n = 0;

	for (ssize_t r; (r = tg_lab_read(p.b, s, buf + n, 777)) > 0;)
		n += (size_t)r;
	CU_ASSERT_EQUAL(n, sizeof(big));
	CU_ASSERT_EQUAL(memcmp(buf, big, n), 0);
	CU_ASSERT_EQUAL(tg_lab_close(p.b, s), 0);
	pair_fini(&p);
}

static void test_shutRd_data_isAckedAndReadable(void)
{
	struct pair p;
	int l, c, s;
	char buf[8];

	pair_init(&p, "", "");
	pair_open(&p, &l, &c, &s, NULL, NULL);
	CU_ASSERT_EQUAL(tg_lab_shutdown(p.b, s, SHUT_RD), 0);
	CU_ASSERT_EQUAL(tg_lab_read(p.b, s, buf, 8), 0);
	tg_lab_write(p.a, c, "late", 4);
	pair_run(&p, 100);
	CU_ASSERT_EQUAL(pair_get(p.a, c, TG_LAB_UNACKED_BYTES), 0);
	CU_ASSERT_EQUAL(tg_lab_read(p.b, s, buf, 8), 4);
	CU_ASSERT_EQUAL(tg_lab_read(p.b, s, buf, 8), 0);
	CU_ASSERT_STRING_EQUAL(tg_lab_state(p.b, s), "ESTABLISHED");
	tg_lab_shutdown(p.b, s, SHUT_WR);
	CU_ASSERT_EQUAL(tg_lab_poll(p.b, s), TG_LAB_IN | TG_LAB_HUP);
	pair_fini(&p);
}

/* --- errors --- */

static void test_established_reset_errorOnceThenEof(void)
{
	struct pair p;
	int l, c, s;
	char buf[8];

	pair_init(&p, "", "");
	pair_open(&p, &l, &c, &s, NULL, NULL);
	tg_lab_write(p.a, c, "lost", 4);
	pair_run(&p, 100);
	CU_ASSERT_EQUAL(tg_lab_abort(p.a, c), 0);
	CU_ASSERT_EQUAL(tg_lab_abort(p.a, c), -EBADF);
	pair_run(&p, 100);
	CU_ASSERT_EQUAL(pair_flags(&p, 0), RST | ACK);
	CU_ASSERT_STRING_EQUAL(tg_lab_state(p.b, s), "CLOSED");
	CU_ASSERT_EQUAL(tg_lab_poll(p.b, s), TG_LAB_IN | TG_LAB_HUP | TG_LAB_ERR);
	CU_ASSERT_EQUAL(pair_get(p.b, s, TG_LAB_READABLE_BYTES), 0);
	CU_ASSERT_EQUAL(tg_lab_read(p.b, s, buf, 8), -ECONNRESET);
	CU_ASSERT_EQUAL(tg_lab_read(p.b, s, buf, 8), 0);
	CU_ASSERT_EQUAL(tg_lab_write(p.b, s, buf, 8), -EPIPE);
	pair_fini(&p);
}

static void test_established_resetThenGetError_clears(void)
{
	struct pair p;
	int l, c, s;
	char buf[8];

	pair_init(&p, "", "");
	pair_open(&p, &l, &c, &s, NULL, NULL);
	tg_lab_abort(p.a, c);
	pair_run(&p, 100);
	CU_ASSERT_EQUAL(pair_get(p.b, s, TG_LAB_ERROR), ECONNRESET);
	CU_ASSERT_EQUAL(pair_get(p.b, s, TG_LAB_ERROR), 0);
	CU_ASSERT_EQUAL(tg_lab_read(p.b, s, buf, 8), 0);
	pair_fini(&p);
}

static void test_synSent_refused_isEconnrefused(void)
{
	struct pair p;
	char buf[8];

	pair_init(&p, "", "");
	int c = tg_lab_connect(p.a, NULL, 0, PAIR_B, 81, NULL);

	pair_run(&p, 10);
	CU_ASSERT_STRING_EQUAL(tg_lab_state(p.a, c), "CLOSED");
	CU_ASSERT_EQUAL(tg_lab_write(p.a, c, "x", 1), -ECONNREFUSED);
	CU_ASSERT_EQUAL(tg_lab_read(p.a, c, buf, 8), 0);
	pair_fini(&p);
}

static void test_synSent_silence_isEtimedout(void)
{
	struct pair p;
	char buf[8];

	pair_init(&p, "", "");
	p.cut_a = true;
	int c = tg_lab_connect(p.a, NULL, 0, PAIR_B, 80, NULL);

	pair_run(&p, 179000);
	CU_ASSERT_STRING_EQUAL(tg_lab_state(p.a, c), "SYN-SENT");
	pair_run(&p, 70000);
	CU_ASSERT_STRING_EQUAL(tg_lab_state(p.a, c), "CLOSED");
	CU_ASSERT_EQUAL(tg_lab_read(p.a, c, buf, 8), -ETIMEDOUT);
	pair_fini(&p);
}

static void test_established_userTimeout_isEtimedoutAndDataStays(void)
{
	struct pair p;
	int l, c, s;
	char buf[8];

	pair_init(&p, "", "");
	pair_open(&p, &l, &c, &s, NULL, NULL);
	tg_lab_write(p.a, c, "kept", 4);
	pair_run(&p, 100);
	CU_ASSERT_EQUAL(tg_lab_setopt(p.b, s, TG_LAB_USER_TIMEOUT_MS, 3000), 0);
	CU_ASSERT_EQUAL(pair_get(p.b, s, TG_LAB_USER_TIMEOUT_MS), 3000);
	p.cut_b = true;
	tg_lab_write(p.b, s, "gone", 4);
	pair_run(&p, 10000);
	CU_ASSERT_STRING_EQUAL(tg_lab_state(p.b, s), "CLOSED");
	CU_ASSERT_EQUAL(tg_lab_read(p.b, s, buf, 8), -ETIMEDOUT);
	CU_ASSERT_EQUAL(tg_lab_read(p.b, s, buf, 8), 4);
	CU_ASSERT_EQUAL(tg_lab_read(p.b, s, buf, 8), 0);
	CU_ASSERT_EQUAL(tg_lab_counter(p.b, "abort_user_timeout"), 1);
	pair_fini(&p);
}

/* --- close --- */

static void test_established_closeUnread_isReset(void) /* UC-08 */
{
	struct pair p;
	int l, c, s;

	pair_init(&p, "", "");
	pair_open(&p, &l, &c, &s, NULL, NULL);
	tg_lab_write(p.a, c, "unread", 6);
	pair_run(&p, 100);
	CU_ASSERT_EQUAL(tg_lab_close(p.b, s), 0);
	pair_run(&p, 10);
	CU_ASSERT_EQUAL(pair_flags(&p, 1), RST | ACK);
	CU_ASSERT_EQUAL(tg_lab_counter(p.b, "abort_on_unread"), 1);
	CU_ASSERT_EQUAL(pair_get(p.a, c, TG_LAB_ERROR), ECONNRESET);
	pair_fini(&p);
}

static void test_established_closeLinger0_isReset(void) /* UC-09 */
{
	struct pair p;
	int l, c, s;

	pair_init(&p, "", "");
	pair_open(&p, &l, &c, &s, NULL, NULL);
	CU_ASSERT_EQUAL(tg_lab_setopt(p.b, s, TG_LAB_LINGER_MS, -2), -EINVAL);
	CU_ASSERT_EQUAL(pair_get(p.b, s, TG_LAB_LINGER_MS), -1);
	CU_ASSERT_EQUAL(tg_lab_setopt(p.b, s, TG_LAB_LINGER_MS, 0), 0);
	tg_lab_close(p.b, s);
	pair_run(&p, 10);
	CU_ASSERT_EQUAL(pair_flags(&p, 1), RST | ACK);
	pair_fini(&p);
}

static void test_listener_close_resetsWaiting(void)
{
	struct pair p;
	int l, c, s, c2, c3;
	uint16_t port;

	pair_init(&p, "", "");
	pair_open(&p, &l, &c, &s, NULL, NULL);
	c2 = tg_lab_connect(p.a, NULL, 0, PAIR_B, 80, NULL);
	pair_run(&p, 1);
	CU_ASSERT_EQUAL(tg_lab_poll(p.b, l), TG_LAB_IN);
	p.cut_b = true; /* the SYN-ACK of the third is lost: half-open at b */
	c3 = tg_lab_connect(p.a, NULL, 0, PAIR_B, 80, NULL);
	pair_run(&p, 1);
	tg_lab_local(p.a, c3, NULL, 0, &port);
	CU_ASSERT_STRING_EQUAL(tg_lab_state_of(p.b, PAIR_B, 80, PAIR_A, port), "SYN-RECEIVED");
	p.cut_b = false;
	CU_ASSERT_EQUAL(tg_lab_close(p.b, l), 0);
	CU_ASSERT_STRING_EQUAL(tg_lab_state_of(p.b, PAIR_B, 80, PAIR_A, port), "CLOSED");
	pair_run(&p, 1);
	CU_ASSERT_EQUAL(pair_get(p.a, c2, TG_LAB_ERROR), ECONNRESET);
	CU_ASSERT_STRING_EQUAL(tg_lab_state(p.a, c), "ESTABLISHED"); /* UC-01 */
	CU_ASSERT_EQUAL(tg_lab_write(p.a, c, "on", 2), 2);
	pair_run(&p, 2000);
	CU_ASSERT_EQUAL(pair_get(p.b, s, TG_LAB_READABLE_BYTES), 2);
	CU_ASSERT_EQUAL(pair_get(p.a, c3, TG_LAB_ERROR),
			ECONNREFUSED); /* its next SYN met CLOSED */
	CU_ASSERT_EQUAL(tg_lab_accept(p.b, l), -EBADF);
	pair_fini(&p);
}

static void test_accept_resetWhileWaiting_isASocket(void)
{
	struct pair p;
	char buf[4];

	pair_init(&p, "", "");
	int l = tg_lab_listen(p.b, NULL, 80, 0, NULL);
	int c = tg_lab_connect(p.a, NULL, 0, PAIR_B, 80, NULL);

	pair_run(&p, 1);
	tg_lab_abort(p.a, c);
	pair_run(&p, 1);
	int s = tg_lab_accept(p.b, l);

	CU_ASSERT(s >= 0);
	CU_ASSERT_EQUAL(tg_lab_read(p.b, s, buf, 4), -ECONNRESET);
	CU_ASSERT_EQUAL(tg_lab_accept(p.b, l), -EAGAIN);
	pair_fini(&p);
}

static void test_listener_backlog_isKept(void) /* EST-26 */
{
	struct pair p;
	int c[4], open = 0;

	pair_init(&p, "", "syn_cookies=off");
	int l = tg_lab_listen(p.b, NULL, 80, 2, NULL);

	for (int i = 0; i < 4; i++)
		c[i] = tg_lab_connect(p.a, NULL, 0, PAIR_B, 80, NULL);
	pair_run(&p, 10);
	for (int i = 0; i < 4; i++)
		open += tg_lab_poll(p.a, c[i]) & TG_LAB_OUT ? 1 : 0;
	CU_ASSERT(open >= 2);
	CU_ASSERT(tg_lab_accept(p.b, l) >= 0);
	CU_ASSERT(tg_lab_accept(p.b, l) >= 0);
	CU_ASSERT_EQUAL(tg_lab_accept(p.b, l), -EAGAIN);
	pair_run(&p, 10000);
	CU_ASSERT(tg_lab_accept(p.b, l) >= 0);
	CU_ASSERT(tg_lab_accept(p.b, l) >= 0);
	pair_fini(&p);
}

/* --- time --- */

static void test_time_backwards_countsAsTheLast(void)
{
	struct pair p;
	uint64_t sent;
	uint8_t buf[128];

	pair_init(&p, "", "");
	tg_lab_advance(p.a, 5000000000);
	tg_lab_advance(p.a, 2);
	CU_ASSERT(tg_lab_connect(p.a, NULL, 0, PAIR_B, 80, NULL) >= 0);
	CU_ASSERT(tg_lab_output(p.a, buf, sizeof(buf), &sent) > 0);
	CU_ASSERT_EQUAL(sent, 5000000000);
	pair_fini(&p);
}

/* One big step gives what many small ones give: each timer acts at its own time. */
static void test_time_bigStep_timersInOrder(void) /* TO-01 */
{
	static const uint32_t at_s[] = {0, 1, 3, 7, 15, 31, 63, 123};
	struct pair p;
	uint64_t sent;
	uint8_t buf[128];

	pair_init(&p, "", "");
	CU_ASSERT(tg_lab_connect(p.a, NULL, 0, PAIR_B, 80, NULL) >= 0);
	tg_lab_advance(p.a, 1000000000 + 125000000000);
	for (size_t i = 0; i < TG_TEST_N(at_s); i++) {
		CU_ASSERT_EQUAL(tg_lab_output(p.a, buf, sizeof(buf), &sent), 60);
		CU_ASSERT_EQUAL(sent, 1000000000 + at_s[i] * 1000000000ull);
	}
	CU_ASSERT_EQUAL(tg_lab_output(p.a, buf, sizeof(buf), &sent), 0);
	pair_fini(&p);
}

static void test_time_nextDeadline_isLaterAfterAdvance(void)
{
	struct pair p;
	int l, c, s;

	pair_init(&p, "", "");
	pair_open(&p, &l, &c, &s, NULL, NULL);
	tg_lab_write(p.a, c, "x", 1);
	for (int i = 0; i < 200; i++) {
		uint64_t d = tg_lab_next_deadline(p.a);
		if (d == UINT64_MAX)
			break;
		tg_lab_advance(p.a, d);
		CU_ASSERT(tg_lab_next_deadline(p.a) > d);
	}
	CU_ASSERT_STRING_EQUAL(tg_lab_state(p.a, c), "CLOSED"); /* R2 */
	pair_fini(&p);
}

/* --- the wire --- */

static void test_input_garbage_isCountedAndHarmless(void)
{
	struct pair p;
	uint8_t junk[2000];
	int64_t drops = 0;

	pair_init(&p, "", "");
	srand((unsigned)tg_test_seed);
	for (int i = 0; i < 2000; i++) {
		size_t len = (size_t)rand() % sizeof(junk);
		for (size_t k = 0; k < len; k++)
			junk[k] = (uint8_t)rand();
		if (len && i % 3)
			junk[0] = i % 2 ? 0x45 : 0x60;
		CU_ASSERT_EQUAL(tg_lab_input(p.b, p.now, junk, len), 0);
	}
	CU_ASSERT_EQUAL(tg_lab_input(p.b, p.now, junk, 0), 0);
	drops = tg_lab_counter(p.b, "rx_segments");
	CU_ASSERT_EQUAL(drops, 2001);
	CU_ASSERT_EQUAL(tg_lab_counter(p.b, "rx_accepted"), 0);
	CU_ASSERT_EQUAL(tg_lab_output(p.b, junk, sizeof(junk), NULL), 0);
	pair_fini(&p);
}

static void test_output_short_isCutAndGone(void)
{
	struct pair p;
	uint8_t buf[128];

	pair_init(&p, "", "");
	tg_lab_connect(p.a, NULL, 0, PAIR_B, 80, NULL);
	CU_ASSERT_EQUAL(tg_lab_output(p.a, buf, 4, NULL), 60);
	CU_ASSERT_EQUAL(tg_lab_output(p.a, buf, sizeof(buf), NULL), 0);
	pair_fini(&p);
}

/* The same calls with the same seed give the same bytes. */
static void test_seed_equal_bytesEqual(void)
{
	struct tg_lab *a = tg_lab_new("seed=77", NULL, 0), *b = tg_lab_new("seed=77", NULL, 0);
	struct tg_lab *other = tg_lab_new("seed=78", NULL, 0);
	uint8_t x[128], y[128], z[128];
	int differs = 0;

	CU_ASSERT_FATAL(a && b && other);
	for (int i = 0; i < 20; i++) {
		tg_lab_connect(a, NULL, 0, "10.0.0.9", 80, NULL);
		tg_lab_connect(b, NULL, 0, "10.0.0.9", 80, NULL);
		tg_lab_connect(other, NULL, 0, "10.0.0.9", 80, NULL);
		size_t n = tg_lab_output(a, x, sizeof(x), NULL);
		CU_ASSERT_EQUAL(n, tg_lab_output(b, y, sizeof(y), NULL));
		tg_lab_output(other, z, sizeof(z), NULL);
		CU_ASSERT_EQUAL(memcmp(x, y, n), 0);
		differs += memcmp(x, z, n) != 0;
	}
	CU_ASSERT_EQUAL(differs, 20);
	tg_lab_free(a);
	tg_lab_free(b);
	tg_lab_free(other);
}

static void test_burst_manyAtOnce_allAreAnswered(void)
{
	struct pair p;
	static uint8_t syn[200][128];
	const void *at[200];
	size_t len[200];
	uint8_t buf[128];
	int answers = 0;

	pair_init(&p, "", "");
	tg_lab_listen(p.b, NULL, 80, 0, NULL);
	for (int i = 0; i < 200; i++) {
		tg_lab_connect(p.a, NULL, 0, PAIR_B, 80, NULL);
		len[i] = tg_lab_output(p.a, syn[i], 128, NULL);
		at[i] = syn[i];
	}
	CU_ASSERT_EQUAL(tg_lab_input_burst(p.b, p.now, at, len, 200), 0);
	while (tg_lab_output(p.b, buf, sizeof(buf), NULL))
		answers++;
	CU_ASSERT_EQUAL(answers, 200);
	CU_ASSERT_EQUAL(tg_lab_counter(p.b, "rx_segments"), 200);
	pair_fini(&p);
}

static void test_v6_connection_works(void)
{
	struct pair p;
	char buf[8];

	pair_init(&p, "addr=2001:db8::1/64", "addr=2001:db8::2/64");
	int l = tg_lab_listen(p.b, "2001:db8::2", 80, 0, NULL);
	int c = tg_lab_connect(p.a, NULL, 0, "2001:db8::2", 80, NULL);

	pair_run(&p, 1);
	int s = tg_lab_accept(p.b, l);

	CU_ASSERT_FATAL(s >= 0);
	tg_lab_write(p.a, c, "six", 3);
	pair_run(&p, 100);
	CU_ASSERT_EQUAL(tg_lab_read(p.b, s, buf, 8), 3);
	tg_lab_close(p.a, c);
	tg_lab_close(p.b, s);
	pair_run(&p, 70000);
	CU_ASSERT_EQUAL(tg_lab_next_deadline(p.a), UINT64_MAX);
	CU_ASSERT_EQUAL(tg_lab_next_deadline(p.b), UINT64_MAX);
	pair_fini(&p);
}

static void test_many_openAndClose_nothingIsLeft(void)
{
	struct pair p;

	pair_init(&p, "connections=64", "connections=64 backlog=64");
	int l = tg_lab_listen(p.b, NULL, 80, 0, NULL);

	for (int round = 0; round < 20; round++) {
		int c[30];
		for (int i = 0; i < 30; i++)
			c[i] = tg_lab_connect(p.a, NULL, 0, PAIR_B, 80, NULL);
		pair_run(&p, 1);
		for (int i = 0; i < 30; i++) {
			int s = tg_lab_accept(p.b, l);
			CU_ASSERT_FATAL(s >= 0 && c[i] >= 0);
			if (i % 3 == 0)
				tg_lab_abort(p.b, s);
			else
				tg_lab_close(p.b, s);
		}
		pair_run(&p, 1);
		for (int i = 0; i < 30; i++)
			CU_ASSERT_EQUAL(tg_lab_close(p.a, c[i]), 0);
		pair_run(&p, 61000);
		CU_ASSERT(pair_is_valid(&p));
	}
	CU_ASSERT_EQUAL(tg_lab_next_deadline(p.b), UINT64_MAX);
	pair_fini(&p);
}

static const struct tg_test tests[] = {
    {"new_badOption_isASentence", test_new_badOption_isASentence},
    {"new_allOptions_areTaken", test_new_allOptions_areTaken},
    {"listen_errors_areNegativeErrno", test_listen_errors_areNegativeErrno},
    {"connect_addresses_areTold", test_connect_addresses_areTold},
    {"established_readWrite_bytesArrive", test_established_readWrite_bytesArrive},
    {"synSent_write_isQueued", test_synSent_write_isQueued},
    {"established_sendBufferFull_isEagain", test_established_sendBufferFull_isEagain},
    {"closeWait_eof_afterAllIsRead", test_closeWait_eof_afterAllIsRead},
    {"closed_unreadBytes_stayReadable", test_closed_unreadBytes_stayReadable},
    {"shutRd_data_isAckedAndReadable", test_shutRd_data_isAckedAndReadable},
    {"established_reset_errorOnceThenEof", test_established_reset_errorOnceThenEof},
    {"established_resetThenGetError_clears", test_established_resetThenGetError_clears},
    {"synSent_refused_isEconnrefused", test_synSent_refused_isEconnrefused},
    {"synSent_silence_isEtimedout", test_synSent_silence_isEtimedout},
    {"established_userTimeout_isEtimedoutAndDataStays",
     test_established_userTimeout_isEtimedoutAndDataStays},
    {"established_closeUnread_isReset", test_established_closeUnread_isReset},
    {"established_closeLinger0_isReset", test_established_closeLinger0_isReset},
    {"listener_close_resetsWaiting", test_listener_close_resetsWaiting},
    {"accept_resetWhileWaiting_isASocket", test_accept_resetWhileWaiting_isASocket},
    {"listener_backlog_isKept", test_listener_backlog_isKept},
    {"time_backwards_countsAsTheLast", test_time_backwards_countsAsTheLast},
    {"time_bigStep_timersInOrder", test_time_bigStep_timersInOrder},
    {"time_nextDeadline_isLaterAfterAdvance", test_time_nextDeadline_isLaterAfterAdvance},
    {"input_garbage_isCountedAndHarmless", test_input_garbage_isCountedAndHarmless},
    {"output_short_isCutAndGone", test_output_short_isCutAndGone},
    {"seed_equal_bytesEqual", test_seed_equal_bytesEqual},
    {"burst_manyAtOnce_allAreAnswered", test_burst_manyAtOnce_allAreAnswered},
    {"v6_connection_works", test_v6_connection_works},
    {"many_openAndClose_nothingIsLeft", test_many_openAndClose_nothingIsLeft},
};

int main(int argc, char **argv)
{
	return tg_test_main("lab", tests, TG_TEST_N(tests), argc, argv);
}
