/* SPDX-License-Identifier: BSD-3-Clause */
/* test_limits.c: what is bounded, and who pays: closed windows (ADV-49, ADV-55), sources (ADV-57,
 * RB-13), listeners (EST-27), TIME-WAIT records (TD-20), timers (TD-21), source ports (EST-33). */
#include "../by_hand.h"
#include "lab_host.h"

enum { PEER_N = 8 };

/* Host number i, 0..99, of network net, 0..9: an IPv4 address of its own, an IPv6 /64 of its own.
 */
static void be(struct host *h, int net, int i)
{
	static char addr[46];

	snprintf(addr, sizeof(addr), h->v6 ? "2001:db8:%d:%d::63" : "198.51.10%d.%d", net, i + 1);
	h->raddr = addr;
}

/* Opens from where h is; the socket, or -1 when there was no SYN-ACK. */
static int open_from(struct host *h, uint16_t port)
{
	struct seg s;

	h->rport = port;
	send_flags(h, SYN, h->irs, 0);
	h->rcv_nxt = h->irs + 1;
	if (!host_next(h, &s) || s.flags != (SYN | ACK))
		return -1;
	h->iss = s.seq;
	h->una = h->nxt = s.seq + 1;
	send_flags(h, ACK, h->rcv_nxt, h->nxt);
	return tg_lab_accept(h->lab, h->listener);
}

/* The next segment, to whomever it is. */
static bool next_any(struct host *h, struct seg *s)
{
	uint64_t at;
	size_t len = host_next_raw(h, &at), l4 = host_l4(h);
	const uint8_t *t = h->buf + l4;

	if (len == 0)
		return false;
	*s = (struct seg){.seq = get32(t + 4), .ack = get32(t + 8), .flags = t[13], .at_ns = at};
	s->dport = (uint16_t)get16(t + 2);
	s->len = (uint32_t)(len - l4) - (t[12] >> 4) * 4u;
	return true;
}

/* --- closed windows --- */

struct shut {
	uint16_t port;
	int net, sock;
	uint32_t rcv_nxt, nxt;
};

/* Opens with a window of 0; the lab has text for it. */
static struct shut open_shut(struct host *h, int net, uint16_t port)
{
	struct shut p = {.port = port, .net = net};

	be(h, net, 1);
	h->win = 0;
	p.sock = open_from(h, port);
	expect_true("ADV-49", p.sock >= 0, "it opens");
	expect_eq("ADV-49", tg_lab_write(h->lab, p.sock, "0123456789", 10), 10, "bytes written");
	p.rcv_nxt = h->rcv_nxt;
	p.nxt = h->nxt;
	return p;
}

/* Time passes, and each window probe is answered with the window still closed. Ends early when a
 * RST comes: then *rst is it. */
static bool answer_for(struct host *h, struct shut p[], int n, uint64_t ms, struct seg *rst)
{
	uint64_t end = h->now + ms * MS;
	struct seg s;

	while (h->now < end) {
		uint64_t next = tg_lab_next_deadline(h->lab);
		h->now = next < end ? next : end;
		tg_lab_advance(h->lab, h->now);
		while (next_any(h, &s)) {
			int i = 0;
			while (i < n && p[i].port != s.dport)
				i++;
			expect_true("ADV-49", i < n, "a segment to one of ours");
			if (s.flags & RST) {
				*rst = s;
				return true;
			}
			if (s.seq + s.len - p[i].nxt < 1000)
				p[i].nxt = s.seq + s.len;
			be(h, p[i].net, 1);
			h->rport = p[i].port;
			send_flags(h, ACK, p[i].rcv_nxt, s.seq);
		}
	}
	return false;
}

static void close_all(struct host *h, struct shut p[], int n)
{
	for (int i = 0; i < n; i++)
		tg_lab_abort(h->lab, p[i].sock);
	host_drain(h);
}

/* ADV-49, MUST-36, MUST-37 */
static void test_zeroWindow_peace_livesAsLongAsItAnswers(void)
{
	struct shut p[PEER_N];
	struct host h;
	struct seg rst;

	host_init(&h, "moving=32");
	host_listen(&h, NULL);
	for (int i = 0; i < PEER_N; i++)
		p[i] = open_shut(&h, i, (uint16_t)(4000 + i));
	expect_true("ADV-49", !answer_for(&h, p, PEER_N, 7200000, &rst), "nobody got a RST");
	expect_counter(&h, "ADV-49", "zwin_abort", 0);
	for (int i = 0; i < PEER_N; i++)
		expect_eq("ADV-49", tg_lab_poll(h.lab, p[i].sock) & TG_LAB_HUP, 0, "still open");
	close_all(&h, p, PEER_N);
	host_fini(&h);
}

/* ADV-49, ADV-55: the last extension is taken; the oldest goes, and the user is told. */
static void test_zeroWindow_pressure_oldestGetsRst(void)
{
	struct shut p[PEER_N];
	struct host h;
	struct seg rst = {0};
	int64_t error = 0;

	host_init(&h, "moving=8 zero_window_ms=2000");
	host_listen(&h, NULL);
	for (int i = 0; i < PEER_N - 1; i++) {
		p[i] = open_shut(&h, i, (uint16_t)(4000 + i));
		answer_for(&h, p, i + 1, 3, &rst);
	}
	expect_true("ADV-55", !answer_for(&h, p, PEER_N - 1, 60000, &rst), "no RST in peace");
	p[PEER_N - 1] = open_shut(&h, 9, 5000);
	host_drain(&h);
	if (host_counter(&h, "zwin_abort") == 0)
		answer_for(&h, p, PEER_N, 10000, &rst);
	expect_counter(&h, "ADV-55", "zwin_abort", 1);
	expect_eq("ADV-55", tg_lab_getopt(h.lab, p[0].sock, TG_LAB_ERROR, &error), 0, "getopt");
	expect_eq("ADV-55", error, ETIMEDOUT, "error of the oldest");
	for (int i = 1; i < PEER_N; i++)
		expect_eq("ADV-55", tg_lab_poll(h.lab, p[i].sock) & TG_LAB_HUP, 0, "still open");
	close_all(&h, p, PEER_N);
	host_fini(&h);
}

/* ADV-55: as above, and what the RST says: RST-C. One source has most; it is its oldest. */
static void test_zeroWindow_sourceWithMost_getsRstC(void)
{
	struct shut p[PEER_N];
	struct host h;
	struct seg rst = {0};

	host_init(&h, "moving=8 zero_window_ms=0");
	host_listen(&h, NULL);
	for (int i = 0; i < PEER_N - 1; i++) { /* the oldest is alone in net 0, four are in net 1 */
		p[i] = open_shut(&h, i == 0 ? 0 : 1 + i / 5, (uint16_t)(4000 + i));
		answer_for(&h, p, i + 1, 3, &rst);
	}
	be(&h, 7, 1);
	h.win = 5000;
	int other = open_from(&h, 6000); /* takes the last one as it writes */
	expect_eq("ADV-55", tg_lab_write(h.lab, other, "x", 1), 1, "byte written");
	struct seg s = {0};

	while (next_any(&h, &s) && !(s.flags & RST))
		;
	expect_eq("ADV-55", s.flags, RST | ACK, "RST-C");
	expect_eq("ADV-55", s.dport, 4001, "the oldest of the source with most");
	expect_eq("ADV-55", s.ack, p[1].rcv_nxt, "its ACK");
	expect_eq("ADV-55", s.seq, p[1].nxt, "its SEQ: SND.NXT");
	expect_counter(&h, "ADV-55", "zwin_abort", 1);
	tg_lab_abort(h.lab, other);
	close_all(&h, p, PEER_N - 1);
	host_fini(&h);
}

/* --- sources: ADV-57, RB-13 --- */

static void test_listen_oneSourceTooOften_isRefused(void)
{
	int sock[16], n = 0;
	struct host h;

	host_init(&h, "source_max=3 source_refuse=rst");
	host_listen(&h, NULL);
	be(&h, 1, 1);
	for (int i = 0; i < 3; i++)
		sock[n++] = open_from(&h, (uint16_t)(5000 + i));
	h.rport = 6000;
	send_flags(&h, SYN, h.irs, 0);
	expect(&h, "ADV-57", RST | ACK, 0, h.irs + 1); /* RST-B */
	expect_counter(&h, "ADV-57", "source_limited", 1);
	for (int i = 2; i < 10; i++) { /* nobody else is touched by it */
		be(&h, 2, i);
		sock[n++] = open_from(&h, 5000);
		expect_true("RB-13", sock[n - 1] >= 0, "others open");
	}
	expect_counter(&h, "ADV-57", "source_limited", 1);
	tg_lab_abort(h.lab, sock[0]);
	host_drain(&h);
	be(&h, 1, 1);
	sock[0] = open_from(&h, 6000);
	expect_true("ADV-57", sock[0] >= 0, "one ended, one may come");
	for (int i = 0; i < n; i++)
		tg_lab_abort(h.lab, sock[i]);
	host_drain(&h);
	host_fini(&h);
}

/* --- listeners: EST-27 --- */

static void test_listen_notAllowed_behavesAsClosed(void)
{
	static const char *const how[] = {"rst", "drop"};
	char options[200];

	for (int drop = 0; drop < 2; drop++) {
		struct host h;
		host_init(&h, NULL);
		snprintf(options, sizeof(options),
			 "allow=%s allow=192.0.2.7 allow_port=5000-5001 refuse=%s",
			 h.v6 ? "2001:db8:1::/48" : "198.51.101.0/24", how[drop]);
		host_listen(&h, options);
		for (uint16_t port = 4999; port <= 5002; port++) {
			be(&h, 1, 9);
			bool may = port == 5000 || port == 5001;
			h.rport = port;
			send_flags(&h, SYN, h.irs, 0);
			if (may) {
				struct seg s;
				expect_true("EST-27", host_next(&h, &s) && s.flags == (SYN | ACK),
					    "allowed");
				send_flags(&h, RST, h.irs + 1, 0);
			} else if (drop) {
				expect_nothing(&h, "EST-27");
			} else {
				expect(&h, "EST-27", RST | ACK, 0, h.irs + 1);
			}
		}
		be(&h, 2, 9);
		h.rport = 5000;
		send_flags(&h, ACK, h.irs, 4711);
		if (drop)
			expect_nothing(&h, "EST-27");
		else
			expect(&h, "EST-27", RST, 4711, 0); /* RST-A */
		expect_counter(&h, "EST-27", "listen_refused", 3);
		host_fini(&h);
	}
}

/* --- TIME-WAIT: TD-20 --- */

static void test_timeWait_tableFull_nearestItsEndGoes(void)
{
	enum { N = 12, ROOM = 4 };
	struct host h;

	host_init(&h, "time_wait=4");
	host_listen(&h, NULL);
	for (int i = 0; i < N; i++) {
		be(&h, 1, 1);
		h.sock = open_from(&h, (uint16_t)(5000 + i));
		expect_eq("TD-20", tg_lab_close(h.lab, h.sock), 0, "the close succeeds");
		h.sock = -1;
		expect(&h, "TD-20", FIN | ACK, h.nxt, h.rcv_nxt);
		send_flags(&h, FIN | ACK, h.rcv_nxt, h.nxt + 1);
		expect(&h, "TD-20", ACK, h.nxt + 1, h.rcv_nxt + 1);
		expect_state(&h, "TD-20", "TIME-WAIT");
		host_pass(&h, 10);
	}
	expect_counter(&h, "TD-20", "tw_evicted", N - ROOM);
	for (int i = 0; i < N; i++) {
		h.rport = (uint16_t)(5000 + i);
		expect_state(&h, "TD-20", i < N - ROOM ? "CLOSED" : "TIME-WAIT");
	}
	host_fini(&h);
}

/* --- timers: TD-21 --- */

/* Each SYN-ACK is repeated one second after the first, and within a tick of that. */
static void test_synReceived_manyTimers_eachWithinItsTick(void)
{
	enum { N = 20000 };
	static uint64_t sent[N];
	struct host h;
	struct seg s;
	int late = 0, n = 0;

	host_init(&h, "connections=20000 synq_high=100000 syn_cookies=off rst_rate=0");
	host_listen(&h, "synack_retries=1");
	be(&h, 1, 1);
	for (int i = 0; i < N; i++) {
		h.rport = (uint16_t)(10000 + i);
		send_flags(&h, SYN, h.irs, 0);
		expect_true("TD-21", host_next(&h, &s), "a SYN-ACK");
		sent[i] = s.at_ns;
		host_pass_ns(&h, 31337);
	}
	for (; n < N && h.now < h.start + 10 * SEC; host_pass_ns(&h, 700000)) {
		while (host_next(&h, &s)) {
			uint64_t due = sent[s.dport - 10000] + SEC;
			late += s.at_ns < due || s.at_ns >= due + MS;
			n++;
		}
	}
	expect_eq("TD-21", n, N, "SYN-ACKs repeated");
	expect_eq("TD-21", late, 0, "of these, early or over a tick late");
	host_pass(&h, 10000);
	expect_counter(&h, "TO-02", "synack_timeout", N);
	host_fini(&h);
}

/* --- source ports: EST-33, RFC 6056 3.3 --- */

/* Pearson's sum for counts that should be even. */
static double chi_square(const uint32_t n[], int slots, double sum)
{
	double x = 0, want = sum / slots;

	for (int i = 0; i < slots; i++)
		x += (n[i] - want) * (n[i] - want) / want;
	return x;
}

static void test_connect_manyPorts_areEven(void)
{
	enum { N = 100000, SLOTS = 256, PORTS = 65536 - 1024 };
	static uint32_t high[SLOTS], low[SLOTS], step[SLOTS];
	struct host h;
	struct seg s;
	uint32_t last = 0;

	memset(high, 0, sizeof(high));
	memset(low, 0, sizeof(low));
	memset(step, 0, sizeof(step));
	host_init(&h, NULL);
	for (int i = 0; i < N; i++) {
		int sock = tg_lab_connect(h.lab, NULL, 0, h.raddr, 80, NULL);
		if (sock < 0 || !host_next(&h, &s) || s.sport < 1024) {
			expect_true("EST-33", false, "a SYN from a port from 1024 on");
			break;
		}
		uint32_t port = s.sport - 1024u;
		high[port * SLOTS / PORTS]++;
		low[port % SLOTS]++;
		step[(port - last + PORTS) % PORTS * SLOTS / PORTS]++;
		last = port;
		tg_lab_abort(h.lab, sock);
	}
	/* 255 degrees of freedom: 347 is passed by chance once in ten thousand times. */
	expect_true("EST-33", chi_square(high, SLOTS, N) < 347, "ports are even over the range");
	expect_true("EST-33", chi_square(low, SLOTS, N) < 347, "so are their low bits");
	expect_true("EST-33", chi_square(step, SLOTS, N) < 347, "and the steps between them");
	host_fini(&h);
}

static const struct tg_test tests[] = {
    {"test_zeroWindow_peace_livesAsLongAsItAnswers", test_zeroWindow_peace_livesAsLongAsItAnswers},
    {"test_zeroWindow_pressure_oldestGetsRst", test_zeroWindow_pressure_oldestGetsRst},
    {"test_zeroWindow_sourceWithMost_getsRstC", test_zeroWindow_sourceWithMost_getsRstC},
    {"test_listen_oneSourceTooOften_isRefused", test_listen_oneSourceTooOften_isRefused},
    {"test_listen_notAllowed_behavesAsClosed", test_listen_notAllowed_behavesAsClosed},
    {"test_timeWait_tableFull_nearestItsEndGoes", test_timeWait_tableFull_nearestItsEndGoes},
    {"test_synReceived_manyTimers_eachWithinItsTick",
     test_synReceived_manyTimers_eachWithinItsTick},
    {"test_connect_manyPorts_areEven", test_connect_manyPorts_areEven},
};

int main(int argc, char **argv)
{
	return host_main("conformance-limits", tests, TG_TEST_N(tests), argc, argv);
}
