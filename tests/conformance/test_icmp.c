/* SPDX-License-Identifier: BSD-3-Clause */
/* test_icmp.c: ICMP errors and echo (RFC 9293 3.9.2.2, RFC 5927): RB-17 to RB-23, LN-18, LN-20,
 * ADV-72 to ADV-75. Kinds are named as IPv4 has them; IPv6 has the counterpart. */
#include "lab_icmp.h"

struct kind {
	const char *name;
	uint8_t v4_type, v4_code, v6_type, v6_code;
	int soft; /* what TG_LAB_SOFT_ERROR tells; 0: not looked at */
};

static const struct kind soft_kinds[] = {
    {"network or no route", 3, 0, 1, 0, EHOSTUNREACH},
    {"host or address", 3, 1, 1, 3, EHOSTUNREACH},
    {"source route or address", 3, 5, 1, 3, EHOSTUNREACH},
    {"time exceeded", 11, 0, 3, 0, ETIME},
    {"parameter problem", 12, 0, 4, 0, EPROTO},
};
static const struct kind port = {"port", 3, 3, 1, 4, ECONNREFUSED};
static const struct kind too_big = {"too big", 3, 4, 2, 0, 0};

static void icmp_error(struct host *h, const struct kind *k, uint32_t seq, uint32_t mtu,
		       size_t bytes)
{
	uint8_t q[200];
	size_t n = host_quote(h, seq, bytes, q);

	host_icmp(h, h->v6 ? k->v6_type : k->v4_type, h->v6 ? k->v6_code : k->v4_code, mtu, q, n);
}

static int64_t option(struct host *h, enum tg_lab_opt opt)
{
	int64_t value = -1;

	expect_eq("lab.h", tg_lab_getopt(h->lab, h->sock, opt, &value), 0, "getopt");
	return value;
}

static void test_established_softErrors_toldNeverAbort(void)
{
	for (size_t i = 0; i < sizeof(soft_kinds) / sizeof(soft_kinds[0]); i++) {
		struct host h;
		host_init(&h, NULL);
		host_open(&h, NULL);
		host_lab_writes(&h, 10);
		icmp_error(&h, &soft_kinds[i], h.una, 0, 8);
		expect_nothing(&h, "RB-18");
		expect_state(&h, "RB-18", "ESTABLISHED");
		expect_eq(soft_kinds[i].name, option(&h, TG_LAB_SOFT_ERROR), soft_kinds[i].soft,
			  "the soft error");
		expect_eq("lab.h", option(&h, TG_LAB_SOFT_ERROR), 0, "reading clears it");
		expect_counter(&h, "RB-18", "icmp_soft", 1);
		send_flags(&h, ACK, h.rcv_nxt, h.nxt);
		host_lab_writes(&h, 10);
		host_fini(&h);
	}
}

static void test_synSent_softErrors_goOnTrying(void)
{
	for (size_t i = 0; i < sizeof(soft_kinds) / sizeof(soft_kinds[0]); i++) {
		struct host h;
		host_init(&h, NULL);
		host_connect(&h, NULL);
		icmp_error(&h, &soft_kinds[i], h.iss, 0, 8);
		expect_state(&h, "RB-18", "SYN-SENT"); /* MUST-56 */
		host_fini(&h);
	}
}

static void test_established_hardErrors_areSoft(void)
{
	static const struct kind protocol = {"protocol", 3, 2, 1, 1, 0};
	const struct kind *kinds[] = {&port, &protocol};

	for (int i = 0; i < 2; i++) {
		struct host h;
		host_init(&h, NULL);
		host_open(&h, NULL);
		host_lab_writes(&h, 10);
		icmp_error(&h, kinds[i], h.una, 0, 8);
		expect_state(&h, "RB-19", "ESTABLISHED"); /* DIS-08 */
		if (kinds[i]->soft)
			expect_eq("RB-19", option(&h, TG_LAB_SOFT_ERROR), kinds[i]->soft,
				  "soft error");
		host_fini(&h);
	}
}

static void test_synSent_hardErrors_abort(void)
{
	struct host h;
	uint8_t buf[4];

	host_init(&h, NULL);
	host_connect(&h, NULL);
	icmp_error(&h, &port, h.iss, 0, 8);
	expect_state(&h, "RB-19", "CLOSED");
	expect_eq("UC-10", tg_lab_read(h.lab, h.sock, buf, 4), -ECONNREFUSED, "the error");
	expect_counter(&h, "RB-19", "icmp_hard", 1);
	host_fini(&h);
	static const struct kind protocol = {"protocol", 3, 2, 1, 1, 0};
	host_init(&h, NULL);
	host_connect(&h, NULL);
	icmp_error(&h, &protocol, h.iss, 0, 8);
	expect_state(&h, "RB-19", "CLOSED");
	expect_true("UC-10", tg_lab_read(h.lab, h.sock, buf, 4) < 0, "an error is told");
	host_fini(&h);
}

/* Nothing in flight has this SEQ: forged. */
static void test_established_wrongSeq_dropped(void)
{
	struct host h;

	host_init(&h, NULL);
	host_open(&h, NULL);
	host_lab_writes(&h, 10);
	const uint32_t seq[] = {h.una - 1, h.nxt, h.nxt + 1000, h.una + UINT32_C(0x80000000)};
	for (int i = 0; i < 4; i++) {
		icmp_error(&h, &port, seq[i], 0, 8);
		expect_counter(&h, "ADV-72", "icmp_bad_seq", i + 1);
		expect_eq("RB-17", option(&h, TG_LAB_SOFT_ERROR), 0, "soft error");
	}
	icmp_error(&h, &port, h.nxt - 1, 0, 8);
	expect_eq("RB-17", option(&h, TG_LAB_SOFT_ERROR), ECONNREFUSED, "the last byte in flight");
	expect_nothing(&h, "TD-07");
	host_fini(&h);
}

static void test_synSent_wrongSeq_dropped(void)
{
	struct host h;

	host_init(&h, NULL);
	host_connect(&h, NULL);
	icmp_error(&h, &port, h.iss + 1, 0, 8);
	icmp_error(&h, &port, h.iss - 1, 0, 8);
	expect_state(&h, "RB-17", "SYN-SENT");
	expect_counter(&h, "RB-17", "icmp_bad_seq", 2);
	host_fini(&h);
}

static void test_established_otherTuple_dropped(void)
{
	struct host h;

	host_init(&h, NULL);
	host_open(&h, NULL);
	host_lab_writes(&h, 10);
	h.rport++;
	icmp_error(&h, &port, h.una, 0, 8);
	h.rport--;
	expect_counter(&h, "RB-17", "icmp_bad_seq", 1);
	host_fini(&h);
}

static void test_established_shortQuote_dropped(void)
{
	struct host h;

	host_init(&h, NULL);
	host_open(&h, NULL);
	host_lab_writes(&h, 10);
	for (size_t n = 0; n < 8; n++)
		icmp_error(&h, &port, h.una, 0, n);
	expect_counter(&h, "ADV-75", "icmp_short", 8);
	expect_eq("ADV-75", option(&h, TG_LAB_SOFT_ERROR), 0, "soft error");
	host_fini(&h);
}

static void test_cookie_icmpForIt_dropped(void)
{
	struct host h;

	host_init(&h, NULL);
	host_listen(&h, "syn_cookies=always");
	host_syn(&h, NULL);
	icmp_error(&h, &port, h.iss, 0, 8);
	expect_counter(&h, "RB-23", "icmp_bad_seq", 1);
	host_fini(&h);
}

static void test_established_sourceQuench_dropped(void)
{
	struct host h;
	static const struct kind quench = {"source quench", 4, 0, 0, 0, 0};

	if (host_v6)
		return;
	host_init(&h, NULL);
	host_open(&h, NULL);
	host_lab_writes(&h, 10);
	int64_t cwnd = option(&h, TG_LAB_CWND_BYTES);
	icmp_error(&h, &quench, h.una, 0, 8);
	expect_counter(&h, "RB-20", "icmp_quench", 1);
	expect_eq("RB-20", option(&h, TG_LAB_CWND_BYTES), cwnd, "cwnd");
	host_fini(&h);
}

/* Sends this packet-too-big about a full segment; the effective MSS after it. */
static int64_t mss_after(uint32_t mtu, const char *counter)
{
	struct host h;
	struct seg syn = {.flags = SYN};

	host_init(&h, NULL);
	opt_mss(&syn, 1440);
	h.win = 60000;
	host_open(&h, &syn);
	host_lab_writes(&h, 1440);
	icmp_error(&h, &too_big, h.una, mtu, 8);
	host_drain(&h);
	int64_t mss = option(&h, TG_LAB_MAXSEG);
	expect_counter(&h, "RB-21", counter, 1);
	host_fini(&h);
	return mss;
}

static void test_established_packetTooBig_onlyLowersAboveFloor(void)
{
	int64_t headers = host_v6 ? 60 : 40;

	expect_eq("RB-21", mss_after(1400, "ptb_applied"), 1400 - headers, "MSS after 1400");
	expect_eq("RB-21", mss_after(1280, "ptb_applied"), 1280 - headers, "MSS after 1280");
	expect_eq("RB-21", mss_after(65535, "ptb_ignored"), 1440, "MSS after 65535");
	expect_eq("RB-21", mss_after(68, "ptb_ignored"), 1440, "MSS after 68");
	if (host_v6)
		expect_eq("RB-21", mss_after(1279, "ptb_ignored"), 1440, "MSS after 1279");
	else
		expect_eq("RB-21", mss_after(551, "ptb_ignored"), 1440, "MSS after 551");
}

static void test_host_echo_sameBytesBack(void)
{
	struct host h;
	uint8_t body[1464];
	size_t at = host_v6 ? 40 : 20;
	static const size_t lengths[] = {0, 1, 56, 1400};

	host_init(&h, NULL);
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (uint8_t)i;
	for (int i = 0; i < 4; i++) {
		host_icmp(&h, h.v6 ? 128 : 8, 0, 0x12345678, body, lengths[i]);
		size_t len = host_next_raw(&h, &(uint64_t){0});
		expect_eq("LN-18", (int64_t)len, (int64_t)(at + 8 + lengths[i]),
			  "length of the reply");
		expect_eq("LN-18", h.buf[at], h.v6 ? 129 : 0, "type of the reply");
		expect_true("LN-18", !memcmp(h.buf + at + 4, "\x12\x34\x56\x78", 4),
			    "id and sequence");
		expect_true("LN-18", !memcmp(h.buf + at + 8, body, lengths[i]), "data");
	}
	expect_counter(&h, "LN-18", "icmp_echo", 4);
	host_fini(&h);
}

/* LN-18, RFC 1122 3.2.2.6: many would answer; and what was larger than the link when it came does
 * not go back over it. */
static void test_host_echoToManyOrTooLarge_notAnswered(void)
{
	static const char *const v4[] = {"192.168.255.255", "255.255.255.255", "224.0.0.1",
					 "192.168.0.0"};
	static const char *const v6[] = {"ff02::1", "ff02::1:ff00:1", "ff05::2", "ff01::1"};
	struct host h;
	uint8_t body[1500] = {0};
	size_t most = 1500 - 8 - (host_v6 ? 40 : 20);

	host_init(&h, NULL);
	const char *us = h.laddr;
	for (int i = 0; i < 4; i++) {
		h.laddr = (h.v6 ? v6 : v4)[i];
		host_icmp(&h, h.v6 ? 128 : 8, 0, 1, body, 56);
		expect_eq("LN-18", host_drain(&h), 0, h.laddr);
	}
	h.laddr = us;
	host_icmp(&h, h.v6 ? 128 : 8, 0, 1, body, most);
	expect_eq("LN-18", host_drain(&h), 1, "the largest is answered");
	host_icmp(&h, h.v6 ? 128 : 8, 0, 1, body, most + 1);
	expect_eq("LN-18", host_drain(&h), 0, "a byte more is not");
	host_fini(&h);
}

/* RB-13: what X takes of the replies is not missing from Y's. */
static void test_host_echoFloodFromX_yIsAnswered(void)
{
	struct host h;
	uint8_t body[8] = {0};
	uint32_t n = 0;

	host_init(&h, NULL);
	for (int i = 0; i < 5000; i++) {
		host_icmp(&h, h.v6 ? 128 : 8, 0, 0x00070000u + (uint32_t)i, body, sizeof(body));
		n += host_drain(&h);
	}
	expect_true("RB-13", n > 0 && n < 4000, "the flood is answered within its budget");
	expect_eq("RB-13", host_counter(&h, "icmp_limited"), 5000 - n, "the rest is counted");
	h.raddr = h.v6 ? "2001:db8:77::1" : "198.51.100.7";
	host_icmp(&h, h.v6 ? 128 : 8, 0, 0x00070000u, body, sizeof(body));
	expect_eq("RB-13", host_drain(&h), 1, "the reply to another prefix");
	host_fini(&h);
}

/* RB-13, RFC 6864: one host cannot read from its identifications how many packets another drew. */
static void test_host_ipId_tellsNothingOfOthers(void)
{
	struct host h;
	uint32_t small = 0, last = 0;
	uint64_t at;

	host_init(&h, NULL);
	if (h.v6) { /* no fragment header, no identification */
		host_fini(&h);
		return;
	}
	for (int i = 0; i < 200; i++) {
		send_flags(&h, SYN, (uint32_t)i, 0);
		expect_true("RB-13", host_next_raw(&h, &at) > 0, "a RST");
		uint32_t id = (uint32_t)h.buf[4] << 8 | h.buf[5];
		expect_true("RB-13", h.buf[6] & 0x40, "DF");
		small += (uint16_t)(id - last) < 64 && id;
		last = id;
	}
	expect_true("RB-13", small < 10, "no counter that all share");
	host_fini(&h);
}

static void test_host_icmpErrors_neverAnswered(void)
{
	struct host h;
	uint8_t q[200];

	host_init(&h, NULL);
	size_t n = host_quote(&h, 1, 8, q);
	for (int type = 0; type < 256; type++) {
		bool echo = type == (h.v6 ? 128 : 8);
		if (!echo)
			host_icmp(&h, (uint8_t)type, 0, 0, q, n);
	}
	expect_eq("LN-20", host_drain(&h), 0, "packets out");
	host_fini(&h);
}

/* UC-10: what the network said last is a better reason than silence. */
static void test_synSent_unreachableThenSilence_tellsUnreachable(void)
{
	for (size_t i = 0; i < sizeof(soft_kinds) / sizeof(soft_kinds[0]); i++) {
		struct host h;
		uint8_t buf[4];
		int want = soft_kinds[i].soft == EHOSTUNREACH ? -EHOSTUNREACH : -ETIMEDOUT;
		host_init(&h, NULL);
		host_connect(&h, NULL);
		icmp_error(&h, &soft_kinds[i], h.iss, 0, 8);
		host_pass(&h, 400000);
		host_drain(&h);
		expect_state(&h, "UC-10", "CLOSED");
		expect_eq("UC-10", tg_lab_read(h.lab, h.sock, buf, 4), want, soft_kinds[i].name);
		host_fini(&h);
	}
}

/* LN-20: nor is anything else that a host may tell of by ICMP (RFC 1122 3.2.2.1, RFC 4443 2.4). */
static void test_host_undeliverable_noIcmpError(void)
{
	struct host h;
	uint8_t d[200], body[8] = {0};
	struct seg s = {.flags = SYN, .seq = 1};

	host_init(&h, NULL);
	const char *us = h.laddr, *peer = h.raddr;
	size_t n = host_build(&h, &s, d), at = h.v6 ? 6 : 9;
	for (int proto = 0; proto < 256; proto++) {
		if (proto == 6)
			continue;
		d[at] = (uint8_t)proto;
		host_fix_ip_csum(d);
		host_send_raw(&h, d, n);
	}
	d[at] = 6;
	if (!h.v6) {
		d[6] = 0x20; /* a fragment whose rest never comes */
		host_fix_ip_csum(d);
		host_send_raw(&h, d, n);
		host_pass(&h, 120000);
	}
	h.raddr = h.v6 ? "ff02::1" : "224.0.0.1"; /* a source that nobody has */
	host_icmp(&h, 200, 0, 0, body, 8);
	host_send(&h, &s);
	h.raddr = peer;
	h.laddr = h.v6 ? "ff02::1" : "192.168.255.255";
	host_icmp(&h, 200, 0, 0, body, 8);
	host_send(&h, &s);
	h.laddr = us;
	expect_eq("LN-20", host_drain(&h), 0, "packets out");
	host_fini(&h);
}

static const struct tg_test tests[] = {
    {"test_established_softErrors_toldNeverAbort", test_established_softErrors_toldNeverAbort},
    {"test_synSent_softErrors_goOnTrying", test_synSent_softErrors_goOnTrying},
    {"test_established_hardErrors_areSoft", test_established_hardErrors_areSoft},
    {"test_synSent_hardErrors_abort", test_synSent_hardErrors_abort},
    {"test_established_wrongSeq_dropped", test_established_wrongSeq_dropped},
    {"test_synSent_wrongSeq_dropped", test_synSent_wrongSeq_dropped},
    {"test_established_otherTuple_dropped", test_established_otherTuple_dropped},
    {"test_established_shortQuote_dropped", test_established_shortQuote_dropped},
    {"test_cookie_icmpForIt_dropped", test_cookie_icmpForIt_dropped},
    {"test_established_sourceQuench_dropped", test_established_sourceQuench_dropped},
    {"test_established_packetTooBig_onlyLowersAboveFloor",
     test_established_packetTooBig_onlyLowersAboveFloor},
    {"test_host_echo_sameBytesBack", test_host_echo_sameBytesBack},
    {"test_host_echoToManyOrTooLarge_notAnswered", test_host_echoToManyOrTooLarge_notAnswered},
    {"test_host_undeliverable_noIcmpError", test_host_undeliverable_noIcmpError},
    {"test_host_echoFloodFromX_yIsAnswered", test_host_echoFloodFromX_yIsAnswered},
    {"test_host_ipId_tellsNothingOfOthers", test_host_ipId_tellsNothingOfOthers},
    {"test_host_icmpErrors_neverAnswered", test_host_icmpErrors_neverAnswered},
    {"test_synSent_unreachableThenSilence_tellsUnreachable",
     test_synSent_unreachableThenSilence_tellsUnreachable},
};

int main(int argc, char **argv)
{
	return host_main("conformance-icmp", tests, TG_TEST_N(tests), argc, argv);
}
