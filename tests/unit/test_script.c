/* SPDX-License-Identifier: BSD-3-Clause */
/* test_script.c: the runner of packet scripts can fail: it sees what is not as the script says, and
 * says where. */
#include "tg_script.h"
#include "tg_test.h"

#include <sys/socket.h>

#define LISTEN                                                                                     \
	"0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"                                            \
	"+0 bind(3, ..., ...) = 0\n"                                                               \
	"+0 listen(3, 1) = 0\n"
#define OPEN                                                                                       \
	LISTEN "+0 < S 0:0(0) win 65535 <mss 1460>\n"                                              \
	       "+0 > S. 0:0(0) ack 1 <mss 1460|1440>\n"                                            \
	       "+.1 < . 1:1(0) ack 1 win 65535\n"                                                  \
	       "+0 accept(3, ..., ...) = 4\n"

static char report[TG_SCRIPT_REPORT_MAX];
static char seen[4096];

static void on_packet(void *ctx, const struct tg_script_packet *p)
{
	size_t at = strlen(seen);

	(void)ctx;
	snprintf(seen + at, sizeof(seen) - at, "%s\n", p->text);
}

static enum tg_script_verdict run_as(const char *text, int family)
{
	enum tg_script_verdict verdict;
	struct tg_script *s =
	    tg_script_parse("s", text, strlen(text), family, NULL, &verdict, report);

	seen[0] = 0;
	if (!s)
		return verdict;
	verdict = tg_script_run(s, on_packet, NULL, report);
	tg_script_free(s);
	return verdict;
}

static enum tg_script_verdict run(const char *text)
{
	return run_as(text, TG_SCRIPT_IP4);
}

static void expect_report(const char *what)
{
	bool has = what && strstr(report, what);

	if (!has) {
		puts(report);
		puts(what);
	}
	CU_ASSERT_TRUE(has);
}

/* It fails, and the report has this in it. */
static void fails(const char *text, const char *what)
{
	CU_ASSERT_EQUAL(run(text), TG_SCRIPT_FAILED);
	expect_report(what);
}

static void invalid(const char *text, const char *what)
{
	CU_ASSERT_EQUAL(run(text), TG_SCRIPT_INVALID);
	expect_report(what);
}

static void passes(const char *text)
{
	if (run(text) != TG_SCRIPT_PASSED)
		printf("%s", report);
	CU_ASSERT_EQUAL(run(text), TG_SCRIPT_PASSED);
}

static void test_script_handshake_passes(void)
{
	passes(OPEN);
	CU_ASSERT_EQUAL(run_as(OPEN, TG_SCRIPT_IP6), TG_SCRIPT_PASSED);
	CU_ASSERT_PTR_NOT_NULL(strstr(seen, "> S. 0:0(0) ack 1 win 65535 <mss 1440>"));
}

static void test_script_wrongField_isNamed(void)
{
	const char *syn = LISTEN "+0 < S 0:0(0) win 65535 <mss 1460>\n";
	char text[1024];
	static const char *const cases[][2] = {
	    {"+0 > S. 0:0(0) ack 2 <mss 1460>\n", "s:5: ACK is 1, expected 2"},
	    {"+0 > . 0:0(0) ack 1 <mss 1460>\n", "s:5: the flags are S., expected ."},
	    {"+0 > S. 0:0(0) ack 1 win 5 <mss 1460>\n", "s:5: the window is 65535, expected 5"},
	    {"+0 > S. 0:0(0) ack 1 <mss 1459>\n", "s:5: mss is 1460, expected 1459"},
	    {"+0 > S. 0:0(0) ack 1\n", "s:5: the option mss was not expected"},
	    {"+0 > S. 0:0(0) ack 1 <mss 1460,sackOK>\n", "s:5: the option sackOK is missing"},
	    {"+0 > S. 0:10(10) ack 1 <mss 1460>\n", "s:5: 0 bytes of text, expected 10"},
	    {"+.1 > S. 0:0(0) ack 1 <mss 1460>\n", "s:5: it came too early"},
	    {"+0 %{ silent }%\n", "s:5: a packet came, and none was expected"},
	    {"+0 %{ state == \"ESTABLISHED\" }%\n", "does not hold: state is SYN-RECEIVED"},
	    {"+0 %{ counter(\"rst_sent\") == 1 }%\n", "does not hold: it is 0"},
	    {"+0 %{ counter(\"no_such\") == 1 }%\n", "there is no counter no_such"},
	    {"+0 accept(3, ..., ...) = 4\n", "accept() gave -1 EAGAIN, expected 4"},
	};

	for (size_t i = 0; i < TG_TEST_N(cases); i++) {
		snprintf(text, sizeof(text), "%s%s", syn, cases[i][0]);
		fails(text, cases[i][1]);
	}
}

static void test_script_missingPacket_isNamed(void)
{
	fails(LISTEN "+0 > S. 0:0(0) ack 1\n", "s:4: no packet came");
	fails(LISTEN "* > S. 0:0(0) ack 1\n", "s:4: no packet came");
	fails("--strict\n" LISTEN "+0 < S 0:0(0) win 1 <mss 1460>\n", "does not name (--strict)");
	passes(LISTEN "+0 < S 0:0(0) win 1 <mss 1460>\n");
}

static void test_script_failure_showsRuleLogAndState(void)
{
	fails("// rule: TD-01 SE-02\n" OPEN "+0 > . 1:1(0)\n", "rule      TD-01 SE-02");
	CU_ASSERT_PTR_NOT_NULL(strstr(report, "expected  +0 > . 1:1(0)\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(report, "state     ESTABLISHED; socket 4: ESTABLISHED"));
	CU_ASSERT_PTR_NOT_NULL(strstr(report, "    0.000000 > S. 0:0(0) ack 1"));
	CU_ASSERT_PTR_NOT_NULL(strstr(report, "    0.100000 < . 1:1(0) ack 1"));
}

/* One line for what a device would cut into segments: all of it, in order, and nothing else. */
static void test_script_longLine_standsForItsSegments(void)
{
	const char *send = OPEN "+0 write(4, ..., 4380) = 4380\n";
	char text[1024];
	static const struct {
		const char *line, *why;
	} cases[] = {
	    {"+0 > P. 1:4381(4380) ack 1\n+.01 %{ silent }%\n", NULL},
	    {"+0 > . 1:2921(2920) ack 1\n+0 > P. 2921:4381(1460) ack 1\n+0 %{ silent }%\n", NULL},
	    {"+0 > P. 1:5001(5000) ack 1\n", "no packet came"},
	    {"+0 > P. 1:3001(3000) ack 1\n", "1460 bytes of text, expected 80"},
	    {"+0 > . 1:4381(4380) ack 1\n", "the flags are P., expected ."},
	    {"+0 > P. 2:4382(4380) ack 1\n", "SEQ is 1, expected 2"},
	    {"+0 > P. 1:4381(4380) ack 2\n", "ACK is 1, expected 2"},
	    {"+0 > . 1:1001(1000) ack 1\n", "1460 bytes of text, expected 1000"},
	};

	for (size_t i = 0; i < TG_TEST_N(cases); i++) {
		snprintf(text, sizeof(text), "%s%s", send, cases[i].line);
		if (cases[i].why)
			fails(text, cases[i].why);
		else
			passes(text);
	}
}

static void test_script_times(void)
{
	passes("--tolerance_usecs=0\n" LISTEN "1 < S 0:0(0) win 65535\n+0 > S. 0:0(0) ack 1 <...>\n"
	       "2 > S. 0:0(0) ack 1 <...>\n+1.9~+2.1 > S. 0:0(0) ack 1 <...>\n"
	       "* > S. 0:0(0) ack 1 <...>\n+8 > S. 0:0(0) ack 1 <...>\n");
	fails("--tolerance_usecs=0\n" LISTEN "1 < S 0:0(0) win 65535\n+0 > S. 0:0(0) ack 1 <...>\n"
	      "1.999 > S. 0:0(0) ack 1 <...>\n",
	      "no packet came");
	fails(OPEN "0.05 < . 1:1(0) ack 1\n", "the time of this line is past");
}

static void test_script_blockingCalls(void)
{
	passes(OPEN "+0...0.2 read(4, ..., 100) = 10\n+.2 < P. 1:11(10) ack 1\n");
	fails(OPEN "+0...0.2 read(4, ..., 100) = 10\n+.1 < P. 1:11(10) ack 1\n",
	      "read() returned at 0.200000 s, expected 0.300000 s");
	fails(OPEN "+0...0.2 read(4, ..., 100) = 10\n", "the call still blocks");
	fails(OPEN "+0...0.2 read(4, ..., 100) = 9\n+.2 < P. 1:11(10) ack 1\n",
	      "read() gave 10, expected 9");
	passes("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0...0.1 connect(3, ..., ...) = 0\n"
	       "+0 > S 0:0(0) <...>\n+.1 < S. 0:0(0) ack 1\n+0 > . 1:1(0) ack 1\n");
	passes(OPEN "+0...+.05 poll([{fd=4, events=POLLIN, revents=0}], 1, 50) = 0\n");
	passes(OPEN "+.1 < . 1:1(0) ack 1 win 0\n"
		    "+0 setsockopt(4, SOL_SOCKET, SO_SNDBUF, [1000], 4) = 0\n"
		    "+0...0.15 write(4, ..., 1500) = 1500\n+.1 < . 1:1(0) ack 1 win 65535\n"
		    "+0 > P. 1:1001(1000) ack 1\n+.05 < . 1:1(0) ack 1001 win 65535\n"
		    "+0 > P. 1001:1501(500) ack 1\n");
}

/* A reader compares with what the peer sent; a service's bytes are its own, and are not compared.
 */
static void test_script_text_isChecked(void)
{
	passes(OPEN "+0 < P. 1:11(10) ack 1\n+0~+.1 > . 1:1(0) ack 11\n"
		    "+0 read(4, ..., 100) = 10\n");
	/* A service that sends bytes of its own, not those that a script would write. */
	passes("--lab=\"service=chargen\"\n" LISTEN "+0 < S 0:0(0) win 65535 <mss 1460>\n"
	       "+0 > S. 0:0(0) ack 1 <mss 1460>\n+.1 < . 1:1(0) ack 1 win 65535\n"
	       "+0 > . 1:1461(1460) ack 1\n");
}

static void test_script_syntax_saysWhatIsAllowed(void)
{
	static const char *const cases[][2] = {
	    {"", "without a single event"},
	    {"0 > S. 0:0(0) ack", "s:1: ack must be a number"},
	    {"0 < Q 0:0(0)", "s:1: flags are missing: some of S F R P . U E W"},
	    {"0 < S 0:5(4)", "0:5(4) does not add up"},
	    {"0 < S 0:0(0) <mss 99999>", "mss is at most 65535"},
	    {"0 < S 0:0(0) <foo 1>", "unknown option `foo`; there are mss N"},
	    {"0 < S 0:0(0) <...>", "an inbound segment says its options"},
	    {"\n\n0 frobnicate(3) = 0", "s:3: unknown call frobnicate(); there are socket bind"},
	    {"0 close(3, 4) = 0", "close() takes 1 to 1 arguments"},
	    {"0 socket(..., SOCK_STREM, 0) = 3", "unknown constant SOCK_STREM"},
	    {"0 close(3)", "`=` is missing in a call: its result"},
	    {"0 close(3) = -1 EFOO", "unknown error EFOO"},
	    {"0 /* never ends", "does not end"},
	    {"%{ colour == 1 }%", "unknown name colour; there are state, counter"},
	    {"%{ }%", "there is no check"},
	    {"%{ state == \"LISTEN\"", "do not end"},
	    {"--colour=red\n0 close(3) = 0", "unknown option --colour; there are --ip_version"},
	    {"--ip_version=5\n0 close(3) = 0", "must be ipv4, ipv6 or both"},
	    {"0 < icmp unreachable nonsense [1:1(0)]", "unknown ICMP unreachable code"},
	    {"* close(3) = 0", "only an outbound packet may come at any time"},
	    {"+0...1 < S 0:0(0)", "only a call may last"},
	    {"0 < . 1:1(0)", "an inbound segment needs its numbers"},
	    {"hello", "a time is missing"},
	};

	for (size_t i = 0; i < TG_TEST_N(cases); i++)
		invalid(cases[i][0], cases[i][1]);
	invalid("--lab=\"colour=red\"\n0 close(3) = 0\n", "colour");
}

static void test_script_foreignLines(void)
{
	static const char text[] =
	    "`sysctl -q net.ipv4.tcp_timestamps=0`\n"
	    "0 `../common/defaults.sh`\n" OPEN "+0 epoll_create(1) = 5\n"
	    "+0 %{ assert tcpi_snd_cwnd == 10, tcpi_snd_cwnd\nassert tcpi_foo == 3 }%\n"
	    "+0 fcntl(4, F_GETFL) = 0x2 (flags O_RDWR)\n"
	    "+0 ioctl(4, SIOCINQ, [0]) = 0\n";

	passes(text);
	CU_ASSERT_EQUAL(run("0 < udp (100)\n"), TG_SCRIPT_SKIPPED);
	CU_ASSERT_EQUAL(run("0 sendmsg(4, ..., 0) = 1\n"), TG_SCRIPT_SKIPPED);
	CU_ASSERT_EQUAL(run("0 < S 0:0(0) <FO 1234>\n"), TG_SCRIPT_SKIPPED);
}

static void test_script_sysctl_reachesTheLab(void)
{
	fails("`sysctl -q net.ipv4.tcp_sack=0`\n" LISTEN "+0 < S 0:0(0) win 65535 <sackOK>\n"
	      "+0 > S. 0:0(0) ack 1 <mss 1460,sackOK>\n",
	      "the option sackOK is missing");
}

static void test_script_overrides_win(void)
{
	static const char text[] = "--ip_version=ipv4\n" LISTEN;
	enum tg_script_verdict verdict;
	struct tg_script *s = tg_script_parse("s", text, strlen(text), TG_SCRIPT_IP4,
					      "--ip_version=both\n", &verdict, report);

	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	CU_ASSERT_EQUAL(tg_script_families(s), TG_SCRIPT_IP4 | TG_SCRIPT_IP6);
	tg_script_free(s);
	s = tg_script_parse("s", text, strlen(text), TG_SCRIPT_IP4, "--nonsense\n", &verdict,
			    report);
	CU_ASSERT_PTR_NULL(s);
	CU_ASSERT_EQUAL(verdict, TG_SCRIPT_INVALID);
	tg_script_free(s);
}

int main(int argc, char **argv)
{
	static const struct tg_test tests[] = {
	    {"script_handshake_passes", test_script_handshake_passes},
	    {"script_wrongField_isNamed", test_script_wrongField_isNamed},
	    {"script_missingPacket_isNamed", test_script_missingPacket_isNamed},
	    {"script_failure_showsRuleLogAndState", test_script_failure_showsRuleLogAndState},
	    {"script_longLine_standsForItsSegments", test_script_longLine_standsForItsSegments},
	    {"script_times", test_script_times},
	    {"script_blockingCalls", test_script_blockingCalls},
	    {"script_text_isChecked", test_script_text_isChecked},
	    {"script_syntax_saysWhatIsAllowed", test_script_syntax_saysWhatIsAllowed},
	    {"script_foreignLines", test_script_foreignLines},
	    {"script_sysctl_reachesTheLab", test_script_sysctl_reachesTheLab},
	    {"script_overrides_win", test_script_overrides_win},
	};

	return tg_test_main("script", tests, TG_TEST_N(tests), argc, argv);
}
