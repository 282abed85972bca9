/* SPDX-License-Identifier: BSD-3-Clause */
/* test_bad_input.c: what no honest peer sends (section 8): IP, TCP headers, ICMP, floods. Each has
 * the counter that its rule names. */
#include "lab_host.h"

#include <arpa/inet.h>

enum { AT_LISTEN = 1, AT_ESTABLISHED };

static struct host host_at_listen(void)
{
	struct host h;

	host_init(&h, NULL);
	host_listen(&h, NULL);
	h.rcv_nxt = h.edge = h.irs + 1;
	return h;
}

/* A SYN to the listener, ready to be spoilt. */
static size_t syn(const struct host *h, uint8_t *d)
{
	struct seg s = {.flags = SYN, .seq = h->irs, .win = 5000};

	return host_build(h, &s, d);
}

/* The datagram is dropped under this name, and nothing is said. */
static void expect_drop(struct host *h, const char *rule, const char *name, const uint8_t *d,
			size_t len)
{
	int64_t before = host_counter(h, name), drops = host_drops(h);

	host_send_raw(h, d, len);
	expect_nothing(h, rule);
	expect_counter(h, rule, name, before + 1);
	expect_eq(rule, host_drops(h), drops + 1, "drops");
	expect_state(h, rule, "CLOSED");
}

static void test_listen_badTcpChecksum_dropped(void)
{
	struct host h = host_at_listen();
	uint8_t d[WIRE_MAX];
	size_t len = syn(&h, d);

	for (size_t at = host_l4(&h); at < len; at++) { /* LN-16: one bit at every offset */
		d[at] ^= 0x10;
		size_t offset = at - host_l4(&h);
		if (offset == 12) { /* DataOffset: the header is wrong too */
			host_send_raw(&h, d, len);
			expect_nothing(&h, "ADV-01");
		} else {
			expect_drop(&h, "ADV-01", "bad_csum", d, len);
		}
		d[at] ^= 0x10;
	}
	host_send_raw(&h, d, len);
	expect_true("ADV-01", host_drain(&h) == 1, "the good one is answered");
	host_fini(&h);
}

static void test_listen_badDataOffset_dropped(void)
{
	struct host h = host_at_listen();
	uint8_t d[WIRE_MAX];
	size_t len = syn(&h, d);

	for (uint8_t words = 0; words < 16; words++) {
		if (words == 5)
			continue;
		d[host_l4(&h) + 12] = (uint8_t)(words << 4);
		host_fix_csum(d, len);
		expect_drop(&h, words < 5 ? "ADV-03" : "ADV-04", "bad_hdr", d, len);
	}
	host_fini(&h);
}

static void test_listen_ipLengthLies_dropped(void)
{
	struct host h = host_at_listen();
	uint8_t d[WIRE_MAX];
	size_t len = syn(&h, d);

	if (h.v6)
		d[5]++; /* longer than the frame */
	else
		d[3]++;
	host_fix_ip_csum(d);
	expect_drop(&h, "ADV-05", "ip_bad_len", d, len);
	syn(&h, d);
	if (h.v6)
		d[4] = 0xff; /* ADV-45: 65,000 bytes claimed */
	else
		d[2] = 0xff;
	host_fix_ip_csum(d);
	expect_drop(&h, "ADV-45", "ip_bad_len", d, len);
	if (!h.v6) {
		syn(&h, d);
		d[3] = 19; /* shorter than its header */
		host_fix_ip_csum(d);
		expect_drop(&h, "ADV-05", "ip_bad_len", d, len);
	}
	host_fini(&h);
}

static void test_listen_truncated_neverRead(void)
{
	struct host h = host_at_listen();
	uint8_t d[WIRE_MAX];
	size_t len = syn(&h, d);

	for (size_t n = 0; n < len; n++) {
		uint8_t *exact = malloc(n ? n : 1); /* for the sanitizer */
		memcpy(exact, d, n);
		host_send_raw(&h, exact, n);
		free(exact);
		expect_nothing(&h, "ADV-05");
	}
	expect_true("ADV-05", tg_lab_input(h.lab, h.now, d, 65536) == -EMSGSIZE, "above 65,535");
	host_fini(&h);
}

/* ADV-06: an empty ACK, and one with two bytes: the checksum is right only without the pad. */
static void test_established_framePadding_ignored(void)
{
	struct host h;
	uint8_t d[WIRE_MAX], buf[10];

	host_init(&h, NULL);
	host_open(&h, NULL);
	for (uint32_t n = 0; n <= 2; n += 2) {
		struct seg s = {.flags = ACK,
				.seq = h.rcv_nxt,
				.ack = h.nxt,
				.win = 5000,
				.data = (const uint8_t *)"xy",
				.len = n};
		size_t len = host_build(&h, &s, d);
		int64_t drops = host_drops(&h);
		memset(d + len, 0x41, 6);
		host_send_raw(&h, d, len + 6);
		expect_nothing(&h, "ADV-06");
		expect_eq("ADV-06", host_drops(&h), drops, "drops");
		expect_eq("ADV-06", tg_lab_read(h.lab, h.sock, buf, 10), n ? (int)n : -EAGAIN,
			  "the pad is no text");
	}
	host_fini(&h);
}

static void test_listen_ports_zeroDropped(void)
{
	struct host h = host_at_listen();
	uint8_t d[WIRE_MAX];
	size_t len = syn(&h, d);

	memset(d + host_l4(&h), 0, 2);
	host_fix_csum(d, len);
	expect_drop(&h, "ADV-07", "port0", d, len);
	syn(&h, d);
	memset(d + host_l4(&h) + 2, 0, 2);
	host_fix_csum(d, len);
	expect_drop(&h, "ADV-07", "port0", d, len);
	host_fini(&h);
}

static void set_addr(const struct host *h, uint8_t *d, bool dst, const char *text)
{
	size_t at = h->v6 ? (dst ? 24 : 8) : (dst ? 16 : 12);

	inet_pton(h->v6 ? AF_INET6 : AF_INET, text, d + at);
}

static void test_listen_badSources_dropped(void)
{
	static const char *const v4[] = {"0.0.0.0",         "0.1.2.3",    "127.0.0.1",
					 "224.0.0.1",       "240.0.0.1",  "255.255.255.255",
					 "192.168.255.255", "192.168.0.1"};
	static const char *const v6[] = {
	    "::",      "::1",      "ff02::1", "ff0e::1", "::ffff:192.0.2.1", "fd3d:a0b:17d6::1",
	    "ff01::1", "ff05::1:3"};
	struct host h = host_at_listen();
	uint8_t d[WIRE_MAX];

	for (int i = 0; i < 8; i++) {
		size_t len = syn(&h, d);
		set_addr(&h, d, false, h.v6 ? v6[i] : v4[i]);
		host_fix_csum(d, len);
		expect_drop(&h, "ADV-09", "bad_src", d, len);
	}
	host_fini(&h);
}

static void test_listen_badDestinations_dropped(void)
{
	static const char *const v4[] = {"224.0.0.1", "255.255.255.255", "192.168.255.255",
					 "192.168.0.2", "127.0.0.1"};
	static const char *const v6[] = {"ff02::1", "ff0e::1", "::1", "fd3d:a0b:17d6::2", "::"};
	struct host h = host_at_listen();
	uint8_t d[WIRE_MAX];

	for (int i = 0; i < 5; i++) {
		size_t len = syn(&h, d);
		set_addr(&h, d, true, h.v6 ? v6[i] : v4[i]);
		host_fix_csum(d, len);
		expect_drop(&h, "ADV-10", "bad_dst", d, len);
	}
	host_fini(&h);
}

static void test_listen_land_dropped(void)
{
	struct host h = host_at_listen();
	uint8_t d[WIRE_MAX];
	size_t len = syn(&h, d);

	set_addr(&h, d, false, h.laddr);
	memcpy(d + host_l4(&h), d + host_l4(&h) + 2, 2);
	host_fix_csum(d, len);
	expect_drop(&h, "ADV-08", "land", d, len);
	host_fini(&h);
}

static void test_synSent_ownSynLoopedBack_dropped(void)
{
	struct host h;

	host_init(&h, NULL);
	h.sock = tg_lab_connect(h.lab, NULL, 33000, h.laddr, 33000, NULL);
	size_t len = host_next_raw(&h, &(uint64_t){0});
	if (len) /* the engine may also refuse to call itself */
		host_send_raw(&h, h.buf, len);
	expect_nothing(&h, "ADV-71");
	host_fini(&h);
}

/* --- IPv4 only --- */

static void test_ip4_header_dropped(void)
{
	struct host h = host_at_listen();
	uint8_t d[WIRE_MAX];
	size_t len = syn(&h, d);

	if (h.v6) {
		d[0] = 0x50; /* LN-11 */
		expect_drop(&h, "LN-11", "ip_bad_hdr", d, len);
	} else {
		d[10] ^= 1;
		expect_drop(&h, "ADV-02", "ip_bad_csum", d, len);
		syn(&h, d);
		d[0] = 0x44;
		host_fix_ip_csum(d);
		expect_drop(&h, "LN-10", "ip_bad_hdr", d, len);
		syn(&h, d);
		d[8] = 0;
		host_fix_ip_csum(d);
		expect_drop(&h, "LN-10", "ip_ttl", d, len);
		syn(&h, d);
		d[9] = 17;
		host_fix_ip_csum(d);
		expect_drop(&h, "LN-10", "ip_proto", d, len);
	}
	host_fini(&h);
}

/* A SYN with these IPv4 options. */
static size_t syn_ip_options(struct host *h, uint8_t *d, const uint8_t *options, size_t n)
{
	size_t len = syn(h, d);

	memmove(d + 20 + n, d + 20, len - 20);
	memcpy(d + 20, options, n);
	d[0] = (uint8_t)(0x45 + n / 4);
	d[3] = (uint8_t)(len + n);
	host_fix_csum(d, len + n);
	return len + n;
}

static void test_ip4_options_sourceRouteDropped(void)
{
	static const uint8_t lsrr[8] = {131, 7, 4, 192, 0, 2, 1, 0};
	static const uint8_t ssrr[8] = {1, 137, 7, 4, 192, 0, 2, 1};
	static const uint8_t rr[8] = {7, 7, 4, 0, 0, 0, 0, 0};
	struct host h;
	uint8_t d[WIRE_MAX];

	if (host_v6)
		return;
	h = host_at_listen();
	expect_drop(&h, "ADV-80", "ip_srcroute", d, syn_ip_options(&h, d, lsrr, 8));
	expect_drop(&h, "ADV-80", "ip_srcroute", d, syn_ip_options(&h, d, ssrr, 8));
	host_send_raw(&h, d, syn_ip_options(&h, d, rr, 8));
	expect_eq("LN-13", host_drain(&h), 1, "record route is ignored, the SYN answered");
	host_fini(&h);
}

static void test_ip_fragments_dropped(void)
{
	struct host h = host_at_listen();
	uint8_t d[WIRE_MAX];
	size_t len = syn(&h, d);

	if (h.v6) { /* fragment header: offset 1, more fragments */
		memmove(d + 48, d + 40, len - 40);
		d[6] = 44;
		memcpy(d + 40, (uint8_t[]){6, 0, 0, 9, 0, 0, 0, 1}, 8);
		d[5] = (uint8_t)(len - 40 + 8);
		expect_drop(&h, "LN-15", "frag", d, len + 8);
		d[43] = 8; /* the last */
		expect_drop(&h, "LN-15", "frag", d, len + 8);
		d[43] = 1; /* first fragment */
		expect_drop(&h, "LN-15", "frag", d, len + 8);
		d[43] = 0; /* atomic: handled as whole */
		host_send_raw(&h, d, len + 8);
		expect_eq("LN-15", host_drain(&h), 1, "an atomic fragment is whole");
	} else {
		d[6] = 0x20;
		host_fix_ip_csum(d);
		expect_drop(&h, "ADV-76", "frag", d, len);
		d[6] = 0;
		d[7] = 1;
		host_fix_ip_csum(d);
		expect_drop(&h, "ADV-76", "frag", d, len);
	}
	host_fini(&h);
}

/* n extension headers of 8 bytes before TCP; the first of kind `first`, the others destination. */
static size_t syn_ext(struct host *h, uint8_t *d, size_t n, uint8_t first, uint8_t segments_left)
{
	size_t len = syn(h, d);

	memmove(d + 40 + 8 * n, d + 40, len - 40);
	d[6] = first;
	for (size_t i = 0; i < n; i++) {
		uint8_t *e = d + 40 + 8 * i;
		memset(e, 0, 8);
		e[0] = i + 1 < n ? 60 : 6;
		if (i == 0 && first == 43)
			e[3] = segments_left;
		else
			e[2] = 1, e[3] = 4; /* PadN */
	}
	d[4] = (uint8_t)((len - 40 + 8 * n) >> 8);
	d[5] = (uint8_t)(len - 40 + 8 * n);
	return len + 8 * n;
}

static void test_ip6_chains_bounded(void)
{
	struct host h;
	uint8_t d[WIRE_MAX];

	if (!host_v6)
		return;
	h = host_at_listen();
	expect_drop(&h, "ADV-78", "ip6_chain", d, syn_ext(&h, d, 100, 60, 0));
	expect_drop(&h, "LN-14", "ip6_chain", d, syn_ext(&h, d, 9, 60, 0));
	expect_drop(&h, "ADV-79", "ip6_rh0", d, syn_ext(&h, d, 1, 43, 1));
	host_send_raw(&h, d, syn_ext(&h, d, 8, 60, 0));
	expect_eq("LN-14", host_drain(&h), 1, "eight headers are followed");
	host_fini(&h);
	h = host_at_listen();
	host_send_raw(&h, d, syn_ext(&h, d, 2, 0, 0)); /* hop-by-hop first */
	expect_eq("LN-14", host_drain(&h), 1, "hop-by-hop, destination, TCP");
	host_fini(&h);
	h = host_at_listen();
	host_send_raw(&h, d, syn_ext(&h, d, 1, 43, 0)); /* routing with none left */
	expect_eq("LN-14", host_drain(&h), 1, "routing header with segments left 0");
	host_fini(&h);
}

/* --- TCP --- */

static void test_listen_reservedBits_ignored(void)
{
	struct host h = host_at_listen();
	uint8_t d[WIRE_MAX];
	size_t len = syn(&h, d);

	d[host_l4(&h) + 12] |= 0x0f;
	host_fix_csum(d, len);
	host_send_raw(&h, d, len);
	struct seg s;
	expect_true("ADV-88", host_next(&h, &s) && s.flags == (SYN | ACK), "answered");
	expect_eq("ADV-88", h.buf[host_l4(&h) + 12] & 0x0f, 0, "ours are zero");
	host_fini(&h);
}

static void test_established_mutated_invariantsHold(void)
{
	struct host h;
	uint8_t d[WIRE_MAX];
	uint64_t x = tg_test_seed | 1;
	char why[200] = "";

	host_init(&h, "rst_rate=0");
	host_open(&h, NULL);
	for (int i = 0; i < 20000; i++) {
		struct seg s = {.flags = ACK, .seq = h.rcv_nxt, .ack = h.nxt, .win = 5000};
		size_t len = host_build(&h, &s, d);
		for (int k = 0; k < 3; k++) {
			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			d[host_l4(&h) + 4 + x % 14] ^= (uint8_t)(1u << (x >> 32) % 8);
		}
		host_fix_csum(d, len);
		host_send_raw(&h, d, len);
		host_drain(&h);
		if (i % 100 == 0 && !tg_lab_validate(h.lab, why, sizeof(why))) {
			expect_true("ADV-92", false, why);
			break;
		}
	}
	host_fini(&h);
}

static void test_synReceived_synFlood_memoryFlat(void)
{
	struct host h;

	host_init(&h, "connections=2000 rst_rate=0");
	host_listen(&h, "syn_cookies=auto synq_high=1000 synq_low=500");
	host_open(&h, NULL);
	for (int i = 0; i < 20000; i++) {
		struct seg s = {
		    .flags = SYN, .seq = (uint32_t)i, .sport = (uint16_t)(1 + i), .win = 5};
		if (s.sport != h.rport)
			host_send(&h, &s);
	}
	host_drain(&h);
	expect_true("ADV-29", host_counter(&h, "cookie_sent") >= 15000, "cookies answer the flood");
	expect_counter(&h, "ADV-29", "conn_passive", 1000 + 1); /* and the open one */
	expect_state(&h, "ADV-29", "ESTABLISHED");
	host_lab_writes(&h, 10);
	host_fini(&h);
}

/* ADV-30: what a SYN brings with it is not acknowledged, not kept and not told, neither by an
 * entry, nor by a repeated SYN, nor by a cookie; nor does it take the buffers of those who are
 * open. */
static void test_listen_synFloodWithText_textIgnored(void)
{
	static const uint8_t text[1000] = "early";
	struct host h;
	struct seg s;
	char buf[100];

	for (int cookies = 0; cookies < 2; cookies++) {
		host_init(&h, "connections=2000 buffer_mb=1 rst_rate=0");
		host_listen(&h, cookies ? "syn_cookies=always" : NULL);
		host_open(&h, NULL);
		for (int i = 0; i < 3000; i++) {
			struct seg syn = {.flags = SYN,
					  .seq = 1000,
					  .sport = (uint16_t)(1000 + i % 1500),
					  .win = 5,
					  .data = text,
					  .len = sizeof(text)};
			host_send(&h, &syn);
			if (!host_next(&h, &s)) /* the limit of repeated SYN-ACKs */
				continue;
			expect_eq("ADV-30", s.flags, SYN | ACK, "flags of the answer");
			expect_eq("ADV-30", s.ack, 1001, "ACK of the SYN-ACK");
		}
		for (int i = 0; i < 100; i++, h.rcv_nxt += 1000) { /* there are buffers left */
			send_text(&h, ACK, h.rcv_nxt, h.nxt, 1000);
			expect_eq("ADV-30", tg_lab_peek(h.lab, h.sock, buf, 100), 100, "bytes");
		}
		host_drain(&h);
		struct seg ack = {
		    .flags = ACK, .seq = 1001, .ack = s.seq + 1, .sport = s.dport, .win = 5};
		host_send(&h, &ack);
		int sock = tg_lab_accept(h.lab, h.listener);
		expect_true("ADV-30", sock >= 0, "one of them opens");
		expect_eq("ADV-30", tg_lab_read(h.lab, sock, buf, 100), -EAGAIN, "early text");
		tg_lab_abort(h.lab, sock);
		host_drain(&h);
		host_fini(&h);
	}
}

/* ADV-31: ACKs that are no cookies, to a listener that looks at them: each is counted by its name,
 * and who sends them draws no more than his budget of RSTs. */
static void test_listen_ackFloodWhileArmed_rstsLimited(void)
{
	enum { N = 2000, RATE = 100 };
	struct host h;
	struct seg s;
	int64_t n = 0;

	host_init(&h, "rst_rate=100");
	host_listen(&h, "syn_cookies=always");
	for (uint32_t i = 0; i < N; i++) {
		struct seg ack = {.flags = ACK,
				  .seq = i * 7919,
				  .ack = i * 104729,
				  .sport = (uint16_t)(1 + i),
				  .win = 5000};
		host_send(&h, &ack);
		for (; host_next(&h, &s); n++)
			expect_true("ADV-31", s.flags == RST && s.seq == i * 104729, "RST-A");
	}
	expect_true("ADV-31", n >= RATE / 2 && n <= 2 * RATE, "RSTs within their budget");
	expect_counter(&h, "ADV-31", "cookie_bad_mac", N);
	expect_counter(&h, "ADV-31", "rst_limited", N - n);
	host_fini(&h);
}

/* ADV-18: nobody is hit by more RSTs than the budget of his prefix has, whoever sends SYN,ACKs in
 * his name; with a listener and without. */
static void test_closed_synAckFlood_reflectsLittle(void)
{
	for (int listen = 0; listen < 2; listen++) {
		struct host h;
		int64_t n = 0;

		host_init(&h, "rst_rate=100");
		if (listen)
			host_listen(&h, NULL);
		for (uint32_t i = 0; i < 1000; i++) {
			send_flags(&h, SYN | ACK, i, i + 77);
			if (i == 0)
				expect(&h, "ADV-18", RST, 77, 0);
			n += i == 0 ? 1 : host_drain(&h);
		}
		expect_true("ADV-18", n >= 50 && n <= 200, "RSTs within their budget");
		expect_counter(&h, "ADV-18", "rst_limited", 1000 - n);
		host_fini(&h);
	}
}

/* ADV-77: fragments of segments, first ones, later ones and last ones: each is dropped by its name,
 * none is kept, and who is open sees nothing of it. */
static void test_established_fragmentFlood_nothingKept(void)
{
	struct host h;
	uint8_t d[WIRE_MAX], buf[100];

	host_init(&h, "buffer_mb=1");
	host_open(&h, NULL);
	for (uint32_t i = 0; i < 20000; i++) {
		/* a FIN: taken as a whole it would end the connection */
		struct seg s = {.flags = FIN | ACK, .seq = h.rcv_nxt, .ack = h.nxt, .win = 5000};
		size_t len = host_build(&h, &s, d);
		bool first = i % 3 == 0, last = i % 3 == 2;
		uint16_t offset = first ? 0 : (uint16_t)(i % 8000 + 1);

		if (h.v6) {
			uint16_t word = (uint16_t)(offset << 3 | !last);
			uint8_t ext[8] = {6, 0, (uint8_t)(word >> 8), (uint8_t)word,
					  0, 0, (uint8_t)(i >> 8),    (uint8_t)i};
			memmove(d + 48, d + 40, len - 40);
			memcpy(d + 40, ext, 8);
			d[6] = 44;
			d[5] = (uint8_t)(len - 40 + 8);
			len += 8;
		} else {
			d[4] = (uint8_t)(i >> 8);
			d[5] = (uint8_t)i;
			d[6] = (uint8_t)(offset >> 8 | (last ? 0 : 0x20));
			d[7] = (uint8_t)offset;
			host_fix_ip_csum(d);
		}
		host_send_raw(&h, d, len);
	}
	expect_nothing(&h, "ADV-77");
	expect_counter(&h, "ADV-77", "frag", 20000);
	expect_state(&h, "ADV-77", "ESTABLISHED");
	send_text(&h, ACK, h.rcv_nxt, h.nxt, 100);
	expect_eq("ADV-77", tg_lab_read(h.lab, h.sock, buf, 100), 100, "bytes");
	host_fini(&h);
}

/* ADV-87: TCP-MD5 and TCP-AO that nobody configured are as any unknown option. */
static void test_listen_md5AndAo_ignored(void)
{
	static const struct {
		uint8_t kind, len;
	} option[] = {{19, 18}, {29, 16}, {29, 4}};

	for (size_t i = 0; i < TG_TEST_N(option); i++) {
		struct host h;
		uint8_t buf[10];
		struct seg syn = {.flags = SYN, .opt_len = 20}, s = {.flags = ACK, .win = 5000};
		int64_t mss = 0;

		host_init(&h, NULL);
		memset(syn.opt, 0x5a, option[i].len);
		syn.opt[0] = option[i].kind;
		syn.opt[1] = option[i].len;
		opt_mss(&syn, 900);
		if (option[i].len < 18)
			memset(syn.opt + option[i].len, 1, 20u - option[i].len);
		else
			syn.opt[18] = syn.opt[19] = 1;
		host_open(&h, &syn);
		tg_lab_getopt(h.lab, h.sock, TG_LAB_MAXSEG, &mss);
		expect_eq("ADV-87", mss, 900, "what follows it is read");
		s.seq = h.rcv_nxt;
		s.ack = h.nxt;
		memcpy(s.opt, syn.opt, s.opt_len = 20);
		s.data = (const uint8_t *)"abc";
		s.len = 3;
		host_send(&h, &s);
		expect_eq("ADV-87", tg_lab_read(h.lab, h.sock, buf, 10), 3, "bytes");
		expect_counter(&h, "ADV-87", "bad_option", 0);
		host_fini(&h);
	}
}

static const struct tg_test tests[] = {
    {"test_listen_badTcpChecksum_dropped", test_listen_badTcpChecksum_dropped},
    {"test_listen_badDataOffset_dropped", test_listen_badDataOffset_dropped},
    {"test_listen_ipLengthLies_dropped", test_listen_ipLengthLies_dropped},
    {"test_listen_truncated_neverRead", test_listen_truncated_neverRead},
    {"test_established_framePadding_ignored", test_established_framePadding_ignored},
    {"test_listen_ports_zeroDropped", test_listen_ports_zeroDropped},
    {"test_listen_badSources_dropped", test_listen_badSources_dropped},
    {"test_listen_badDestinations_dropped", test_listen_badDestinations_dropped},
    {"test_listen_land_dropped", test_listen_land_dropped},
    {"test_synSent_ownSynLoopedBack_dropped", test_synSent_ownSynLoopedBack_dropped},
    {"test_ip4_header_dropped", test_ip4_header_dropped},
    {"test_ip4_options_sourceRouteDropped", test_ip4_options_sourceRouteDropped},
    {"test_ip_fragments_dropped", test_ip_fragments_dropped},
    {"test_ip6_chains_bounded", test_ip6_chains_bounded},
    {"test_listen_reservedBits_ignored", test_listen_reservedBits_ignored},
    {"test_established_mutated_invariantsHold", test_established_mutated_invariantsHold},
    {"test_synReceived_synFlood_memoryFlat", test_synReceived_synFlood_memoryFlat},
    {"test_listen_synFloodWithText_textIgnored", test_listen_synFloodWithText_textIgnored},
    {"test_listen_ackFloodWhileArmed_rstsLimited", test_listen_ackFloodWhileArmed_rstsLimited},
    {"test_closed_synAckFlood_reflectsLittle", test_closed_synAckFlood_reflectsLittle},
    {"test_established_fragmentFlood_nothingKept", test_established_fragmentFlood_nothingKept},
    {"test_listen_md5AndAo_ignored", test_listen_md5AndAo_ignored},
};

int main(int argc, char **argv)
{
	return host_main("conformance-bad-input", tests, TG_TEST_N(tests), argc, argv);
}
