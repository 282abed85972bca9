/* SPDX-License-Identifier: BSD-3-Clause */
/* test_wrap.c: sequence numbers around 2^32 (ADV-86), and the ports of active opens (EST-33). */
#include "lab_host.h"

/* Text both ways, text over a hole, close, a repeated FIN, and a SYN that reuses the tuple. */
static void whole_life(struct host *h)
{
	struct seg syn = host_syn_full(), s;
	uint8_t buf[1000];

	h->tsval = 1000;
	host_open(h, &syn);
	send_text(h, ACK, h->rcv_nxt + 100, h->nxt, 100); /* above a hole */
	s = expect(h, "SE-34", ACK, h->nxt, h->rcv_nxt);
	expect_true("ADV-86",
		    s.sack_n == 1 && s.sack[0][0] == h->rcv_nxt + 100 &&
			s.sack[0][1] == h->rcv_nxt + 200,
		    "the SACK block");
	send_text(h, ACK, h->rcv_nxt, h->nxt, 100);
	h->rcv_nxt += 200;
	expect_ack(h, "DT-11");
	expect_eq("ADV-86", tg_lab_read(h->lab, h->sock, buf, sizeof(buf)), 200, "bytes read");
	for (uint32_t i = 0; i < 200; i++)
		if (buf[i] != host_byte(h, h->irs + 1 + i)) {
			expect_true("ADV-86", false, "the stream is whole");
			break;
		}
	host_lab_writes(h, 1000);
	send_flags(h, ACK, h->rcv_nxt, h->nxt);
	h->una = h->nxt;
	send_flags(h, ACK, h->rcv_nxt, h->una - 100); /* old, in range */
	expect_nothing(h, "SE-30");
	send_flags(h, ACK, h->rcv_nxt, h->nxt + 1);
	expect_ack(h, "SE-32");
	host_lab_fin(h);
	send_flags(h, ACK, h->rcv_nxt, h->nxt);
	h->una = h->nxt;
	host_fin(h, h->nxt);
	expect_state(h, "ADV-86", "TIME-WAIT");
	send_flags(h, FIN | ACK, h->rcv_nxt - 1, h->nxt);
	expect_ack(h, "TD-16");
	host_pass(h, 1000);
	struct seg again = {.flags = SYN, .seq = h->rcv_nxt + 10, .win = 5000};
	h->ts = false;
	host_send(h, &again);
	expect_true("TD-22", host_next(h, &s) && s.flags == (SYN | ACK), "SYN-ACK");
	expect_eq("TD-22", s.ack, (uint32_t)(h->rcv_nxt + 11), "its ACK");
	expect_true("EST-02", (int32_t)(s.seq - h->nxt) > 65536, "ISS above the old SND.NXT");
	host_fini(h);
}

static void test_life_peerNumbersWrap_asWithout(void)
{
	static const uint32_t irs[] = {0xfffffff0, 0xffffffff, 0xfffffffe, 0xffffff9b,
				       0xffffff37, 0x7fffffff, 0x80000000, 0};

	for (size_t i = 0; i < sizeof(irs) / sizeof(irs[0]); i++) {
		struct host h;
		host_init(&h, NULL);
		h.irs = irs[i];
		whole_life(&h);
	}
}

/* The clock of the ISNs (EST-01) is moved until the ISS is the wanted one. */
static void test_life_ourNumbersWrap_asWithout(void)
{
	static const uint32_t iss[] = {0xffffffff, 0xfffffffe, 0,
				       0xfffffff0, 0xfffffc18, 0x7fffffff};

	for (size_t i = 0; i < sizeof(iss) / sizeof(iss[0]); i++) {
		struct host h;
		host_init(&h, NULL);
		host_syn(&h, NULL);
		uint32_t first = h.iss;
		send_flags(&h, RST, h.rcv_nxt, 0);
		host_pass_ns(&h, (uint64_t)(uint32_t)(iss[i] - first) * 4000);
		host_syn(&h, NULL);
		expect_eq("EST-01", h.iss, iss[i], "ISS");
		send_flags(&h, RST, h.rcv_nxt, 0);
		whole_life(&h);
	}
}

/* A cookie is bound to the IRS (SC-18), also where that wraps. (What ISN it has is not to be had by
 * choice: test_tcp_open.c has those of all ones and zero.) */
static void test_cookie_irsWraps_opens(void)
{
	static const uint32_t irs[] = {0xffffffff, 0xfffffffe, 0, 0x7fffffff};
	uint8_t buf[200];

	for (size_t i = 0; i < sizeof(irs) / sizeof(irs[0]); i++) {
		struct host h;
		host_init(&h, NULL);
		host_listen(&h, "syn_cookies=always");
		h.irs = irs[i];
		host_syn(&h, NULL);
		send_text(&h, ACK, h.rcv_nxt, h.nxt, 100);
		h.rcv_nxt += 100;
		h.una = h.nxt;
		h.sock = tg_lab_accept(h.lab, h.listener);
		expect_true("ADV-86", h.sock >= 0, "it opens");
		expect_eq("ADV-86", tg_lab_read(h.lab, h.sock, buf, sizeof(buf)), 100, "bytes");
		host_pass(&h, 100);
		expect_ack(&h, "ADV-86");
		host_lab_writes(&h, 100);
		host_fini(&h);
	}
}

static void test_closed_openWithoutPort_portsAreScattered(void)
{
	enum { N = 200 };
	static bool used[65536];
	struct host h;
	struct seg s;
	int sock[N], close = 0;
	uint16_t last = 0;

	memset(used, 0, sizeof(used));
	host_init(&h, "connections=400");
	for (int i = 0; i < N; i++) {
		sock[i] = tg_lab_connect(h.lab, NULL, 0, h.raddr, 80, NULL);
		expect_true("EST-33", sock[i] >= 0 && host_next(&h, &s), "a SYN came");
		expect_true("EST-33", s.sport >= 1024 && !used[s.sport],
			    "a free port from 1024 on");
		used[s.sport] = true;
		close += s.sport > last ? s.sport - last < 16 : last - s.sport < 16;
		last = s.sport;
	}
	expect_true("EST-33", close < 10, "ports do not follow each other");
	for (int i = 0; i < N; i++)
		tg_lab_abort(h.lab, sock[i]);
	host_fini(&h);
}

static const struct tg_test tests[] = {
    {"test_life_peerNumbersWrap_asWithout", test_life_peerNumbersWrap_asWithout},
    {"test_life_ourNumbersWrap_asWithout", test_life_ourNumbersWrap_asWithout},
    {"test_cookie_irsWraps_opens", test_cookie_irsWraps_opens},
    {"test_closed_openWithoutPort_portsAreScattered",
     test_closed_openWithoutPort_portsAreScattered},
};

int main(int argc, char **argv)
{
	return host_main("conformance-wrap", tests, TG_TEST_N(tests), argc, argv);
}
