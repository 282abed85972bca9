/* SPDX-License-Identifier: BSD-3-Clause */
/* test_engine_admit.c: what stands before a listener: marks that do not flap and dry runs (SC-08,
 * SC-09), prefixes that change under way (EST-27), the rate of a source (ADV-57), bogons (ADV-09).
 */
#include "engine_host.h"
#include "tg_prefix.h"

enum { HIGH = 4, SYN_ACK = TG_TCP_SYN | TG_TCP_ACK, RST_B = TG_TCP_RST | TG_TCP_ACK };

static struct host h;
static struct tg_listener_conf l;

static void begin_listener(uint8_t cookies)
{
	host_defaults(&h);
	h.conf.conn_max = HOST_CONN_MAX;
	host_init(&h);
	host_listener(&h, &l, 80);
	l.syn_cookies = cookies;
	l.synq_high = HIGH;
	l.synq_low = HIGH; /* no distance at all between the marks */
}

static void listen(void)
{
	CU_ASSERT_FATAL(tg_engine_listen(h.e, &l) == 0);
}

static uint8_t syn_from(const char *addr, uint16_t port)
{
	struct host_peer p = host_peer_at(&h, addr, port);

	return host_say(&p, TG_TCP_SYN, NULL);
}

static struct tg_listener_stats sight(void)
{
	struct tg_listener_stats s[2];

	CU_ASSERT_EQUAL_FATAL(tg_engine_listeners(h.e, s, 2), 1);
	return s[0];
}

/* --- SC-08: marks --- */

/* Clients that come and complete near a mark: without rest the cookies would switch with each. */
static void test_auto_floodAtTheMark_doesNotFlap(void)
{
	struct host_peer p[HIGH];
	uint32_t rounds = 0;

	begin_listener(TG_COOKIES_AUTO);
	listen();
	uint64_t from_ms = h.now_ns / TG_NS_PER_MS, to_ms = from_ms + 3000;

	for (uint16_t i = 0; i < HIGH; i++) {
		p[i] = host_peer_at(&h, "192.0.2.2", (uint16_t)(5000 + i));
		CU_ASSERT_EQUAL(host_say(&p[i], TG_TCP_SYN, NULL), SYN_ACK);
	}
	while (h.now_ns / TG_NS_PER_MS < to_ms) {
		struct host_peer q = host_peer_at(&h, "192.0.2.3", (uint16_t)(10000 + rounds++));
		CU_ASSERT_EQUAL(host_say(&q, TG_TCP_SYN, NULL), SYN_ACK);
		host_tick(&h, 1);
		h.tx_n = 0;
	}
	CU_ASSERT(rounds >= 2900);
	CU_ASSERT(host_ctr(&h, TG_CTR_cookie_armed) >= 1);
	CU_ASSERT(host_ctr(&h, TG_CTR_cookie_armed) <= 4); /* three seconds */
	CU_ASSERT(host_ctr(&h, TG_CTR_cookie_disarmed) <= 3);
	host_end_all(&h);
}

/* SC-09: nobody has to come by for the listener to disarm. */
static void test_auto_silenceAfterAFlood_disarms(void)
{
	struct host_peer p[HIGH + 1];

	begin_listener(TG_COOKIES_AUTO);
	l.synq_low = 1;
	listen();
	for (uint16_t i = 0; i < HIGH + 1; i++) {
		p[i] = host_peer_at(&h, "192.0.2.2", (uint16_t)(5000 + i));
		CU_ASSERT_EQUAL(host_say(&p[i], TG_TCP_SYN, NULL), SYN_ACK);
	}
	struct tg_listener_stats s = sight();

	CU_ASSERT(s.over && s.why == TG_ARM_HALF_OPEN && s.over_n == 1 && s.half_n == HIGH);
	CU_ASSERT_EQUAL(s.over_ms, h.now_ns / TG_NS_PER_MS);
	for (uint16_t i = 0; i < HIGH;
	     i++) /* at once, so the listener is below its mark too soon */
		host_say(&p[i], TG_TCP_ACK, NULL);
	CU_ASSERT(sight().over);
	host_tick(&h, 1100);
	s = sight();
	CU_ASSERT(!s.over && s.half_n == 0);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_cookie_disarmed), 1);
	host_end_all(&h);
}

static void test_auto_betweenTheMarks_staysArmed(void)
{
	struct host_peer p[HIGH + 1];

	begin_listener(TG_COOKIES_AUTO);
	l.synq_low = 1;
	listen();
	for (uint16_t i = 0; i < HIGH + 1; i++) {
		p[i] = host_peer_at(&h, "192.0.2.2", (uint16_t)(5000 + i));
		CU_ASSERT_EQUAL(host_say(&p[i], TG_TCP_SYN, NULL), SYN_ACK);
	}
	host_say(&p[0], TG_TCP_ACK, NULL);
	host_say(&p[1], TG_TCP_ACK, NULL);
	host_tick(&h, 2000);
	CU_ASSERT(sight().over && sight().half_n == 2);
	host_say(&p[2], TG_TCP_ACK, NULL);
	CU_ASSERT(!sight().over); /* it was armed for long enough */
	host_end_all(&h);
}

static void test_dryRun_flood_saysAndStaysStateful(void)
{
	struct tg_engine_stats stats;
	struct host_peer p[HIGH];

	begin_listener(TG_COOKIES_DRY_RUN);
	l.synq_low = 1;
	listen();
	for (uint16_t i = 0; i < HIGH; i++) {
		p[i] = host_peer_at(&h, "192.0.2.2", (uint16_t)(5000 + i));
		CU_ASSERT_EQUAL(host_say(&p[i], TG_TCP_SYN, NULL), SYN_ACK);
	}
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_cookie_would_arm), 0);
	CU_ASSERT_EQUAL(syn_from("192.0.2.3", 5000), 0); /* as off does */
	CU_ASSERT_EQUAL(syn_from("192.0.2.3", 5001), 0);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_synq_full), 2);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_cookie_would_arm), 1);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_cookie_armed), 0);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_cookie_sent), 0);
	CU_ASSERT(sight().over && sight().why == TG_ARM_HALF_OPEN);
	tg_engine_stats(h.e, &stats);
	CU_ASSERT_EQUAL(stats.armed_n, 0);
	host_tick(&h, 999); /* SYN-ACKs are repeated: nothing is armed */
	CU_ASSERT_EQUAL(h.tx_n, 0);
	host_tick(&h, 2);
	CU_ASSERT_EQUAL(h.tx_n, HIGH);
	h.tx_n = 0;
	for (uint16_t i = 0; i < HIGH; i++)
		host_say(&p[i], TG_TCP_ACK, NULL);
	host_tick(&h, 200);
	CU_ASSERT(!sight().over);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_cookie_would_disarm), 1);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_cookie_disarmed), 0);
	/* SC-09: it sent no cookie, so it looks at none. */
	struct host_peer q = host_peer_at(&h, "192.0.2.9", 7000);
	CU_ASSERT_EQUAL(host_say(&q, TG_TCP_ACK, NULL), TG_TCP_RST);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_cookie_bad_mac), 0);
	host_end_all(&h);
}

/* --- EST-27: prefixes --- */

static void *set_mem;

static const struct tg_prefixes *set_of(const char *allow, const char *deny)
{
	static struct tg_prefix list[16];
	uint32_t line;
	char err[128];
	int n = tg_prefix_read(allow, strlen(allow), false, list, 16, &line, err, sizeof(err));
	int m = tg_prefix_read(deny, strlen(deny), true, list + n, 16 - (uint32_t)n, &line, err,
			       sizeof(err));

	CU_ASSERT_FATAL(n >= 0 && m >= 0);
	n += m;
	set_mem = aligned_alloc(64, tg_prefixes_footprint(list, (uint32_t)n));
	return tg_prefixes_init(set_mem, list, (uint32_t)n);
}

static void test_prefixes_swapped_newOnesCountOldStay(void)
{
	struct host_peer p;

	begin_listener(TG_COOKIES_AUTO);
	l.refuse = TG_REFUSE_DROP;
	tg_addr_parse("203.0.113.0", &l.allow[0].addr); /* the set takes its place */
	l.allow[0].prefix_len = 24;
	l.allow_n = 1;
	l.prefixes = set_of("192.0.2.0/24", "192.0.2.66");
	void *first = set_mem;
	listen();
	p = host_peer_at(&h, "192.0.2.2", 5000);
	CU_ASSERT(host_handshake(&p));
	CU_ASSERT_EQUAL(syn_from("192.0.2.66", 5000), 0);
	CU_ASSERT_EQUAL(syn_from("203.0.113.1", 5000), 0);
	CU_ASSERT_EQUAL(syn_from("2001:db8::2", 5000), 0); /* some allow: all others may not */
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_listen_refused), 3);
	tg_engine_set_prefixes(h.e, 0, set_of("", "192.0.2.0/30\n2001:db8::/127"));
	free(first); /* it is not looked at again */
	CU_ASSERT_EQUAL(syn_from("192.0.2.66", 5001), SYN_ACK);
	CU_ASSERT_EQUAL(syn_from("2001:db8::2", 5001), SYN_ACK);
	CU_ASSERT_EQUAL(syn_from("192.0.2.2", 5001), 0);
	host_send(&p, TG_TCP_ACK, "text", 4); /* who is there stays */
	CU_ASSERT_EQUAL(h.svc.got_len, 4);
	h.tx_n = 0;
	tg_engine_set_prefixes(h.e, 0, NULL);
	free(set_mem);
	CU_ASSERT_EQUAL(syn_from("192.0.2.66", 5002), 0);
	CU_ASSERT_EQUAL(syn_from("203.0.113.1", 5002), SYN_ACK);
	host_end_all(&h);
}

/* A half-open entry of a prefix that is denied meanwhile completes; a cookie's ACK does not. */
static void test_prefixes_denied_cookieIsRefused(void)
{
	struct host_peer p;

	begin_listener(TG_COOKIES_ALWAYS);
	l.refuse = TG_REFUSE_RST;
	l.prefixes = set_of("", "198.51.100.0/24");
	listen();
	p = host_peer_at(&h, "192.0.2.2", 5000);
	CU_ASSERT_EQUAL(host_say(&p, TG_TCP_SYN, NULL), SYN_ACK);
	void *first = set_mem;
	tg_engine_set_prefixes(h.e, 0, set_of("", "192.0.2.2"));
	free(first);
	CU_ASSERT_EQUAL(host_say(&p, TG_TCP_ACK, NULL), TG_TCP_RST);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_listen_refused), 1);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_cookie_ok), 0);
	CU_ASSERT_EQUAL(syn_from("192.0.2.2", 5001), RST_B);
	tg_engine_set_prefixes(h.e, 0, NULL);
	free(set_mem);
	host_end_all(&h);
}

/* --- ADV-57: the rate of a source --- */

static void begin_rate(uint8_t cookies, uint32_t rate, uint32_t burst, uint8_t refuse)
{
	host_defaults(&h);
	h.conf.conn_max = HOST_CONN_MAX;
	h.conf.ipv6_max = h.conf.ext_max = HOST_CONN_MAX;
	h.conf.source_rate = rate;
	h.conf.source_burst = burst;
	h.conf.source_refuse = refuse;
	host_init(&h);
	host_listener(&h, &l, 80);
	l.synq_high = l.synq_low = HOST_CONN_MAX;
	l.syn_cookies = cookies;
	listen();
}

/* Opens and resets one; false: its SYN was not answered. */
static bool visit(const char *addr, uint16_t port)
{
	struct host_peer p = host_peer_at(&h, addr, port);

	if (!host_handshake(&p))
		return false;
	host_raw(&p, TG_TCP_RST, p.snd_nxt, tg_seq_make(0), NULL, 0);
	h.tx_n = 0;
	return true;
}

static void rate_of(uint8_t cookies)
{
	uint32_t opened = 0;

	begin_rate(cookies, 10, 3, TG_REFUSE_DROP);
	for (uint16_t i = 0; i < 3; i++)
		CU_ASSERT(visit("192.0.2.2", (uint16_t)(5000 + i)));
	CU_ASSERT(!visit("192.0.2.2", 5003));
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_source_rate_limited), 1);
	CU_ASSERT(visit("192.0.2.3", 5000)); /* RB-13: nobody else sees it */
	CU_ASSERT(visit("2001:db8::2", 5000));
	host_tick(&h, 99);
	CU_ASSERT(!visit("192.0.2.2", 5004));
	host_tick(&h, 1);
	CU_ASSERT(visit("192.0.2.2", 5005));
	CU_ASSERT(!visit("192.0.2.2", 5006));
	for (uint32_t ms = 0; ms < 2000; ms++) {
		host_tick(&h, 1);
		opened += visit("192.0.2.2", (uint16_t)(6000 + ms));
	}
	CU_ASSERT_EQUAL(opened, 20);
	host_tick(&h, 10000); /* the burst is whole again, and no more than that */
	for (uint16_t i = 0; i < 3; i++)
		CU_ASSERT(visit("192.0.2.2", (uint16_t)(9000 + i)));
	CU_ASSERT(!visit("192.0.2.2", 9003));
	host_end_all(&h);
}

static void test_rate_stateful_burstThenRate(void)
{
	rate_of(TG_COOKIES_OFF);
}

static void test_rate_cookies_burstThenRate(void)
{
	rate_of(TG_COOKIES_ALWAYS);
}

/* Anybody can send SYNs in another's name: they cost him nothing. */
static void test_rate_spoofedSyns_areNotCharged(void)
{
	begin_rate(TG_COOKIES_AUTO, 1, 1, TG_REFUSE_DROP);
	for (uint16_t i = 0; i < 20; i++)
		CU_ASSERT_EQUAL(syn_from("192.0.2.2", (uint16_t)(5000 + i)), SYN_ACK);
	CU_ASSERT(visit("192.0.2.2", 6000));
	CU_ASSERT_EQUAL(syn_from("192.0.2.2", 6001), 0);
	host_end_all(&h);
}

/* SYNs that came in time, and are all completed at once: what is over the rate waits. */
static void test_rate_manyHalfOpen_completeAtTheRate(void)
{
	struct host_peer p[5];

	begin_rate(TG_COOKIES_OFF, 10, 2, TG_REFUSE_RST);
	for (uint16_t i = 0; i < 5; i++) {
		p[i] = host_peer_at(&h, "192.0.2.2", (uint16_t)(5000 + i));
		CU_ASSERT_EQUAL(host_say(&p[i], TG_TCP_SYN, NULL), SYN_ACK);
	}
	for (uint16_t i = 0; i < 5; i++)
		host_say(&p[i], TG_TCP_ACK, NULL);
	CU_ASSERT_EQUAL(h.svc.opened, 2);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_source_rate_limited), 3);
	CU_ASSERT_EQUAL(host_state(&p[2]), TG_SYN_RECEIVED);
	CU_ASSERT_EQUAL(syn_from("192.0.2.2", 6000), RST_B); /* by policy */
	host_tick(&h, 100);
	host_send(&p[2], TG_TCP_ACK, "text", 4); /* what the client says next opens it */
	CU_ASSERT_EQUAL(host_state(&p[2]), TG_ESTABLISHED);
	CU_ASSERT_EQUAL(h.svc.got_len, 4);
	host_end_all(&h);
}

static void test_rate_ipv6_isItsPrefix64(void)
{
	begin_rate(TG_COOKIES_OFF, 1, 2, TG_REFUSE_DROP);
	CU_ASSERT(visit("2001:db8:0:1::2", 5000));
	CU_ASSERT(visit("2001:db8:0:1::3", 5000));
	CU_ASSERT(!visit("2001:db8:0:1:ffff::4", 5000));
	CU_ASSERT(visit("2001:db8:0:2::2", 5000));
	host_end_all(&h);
}

/* More sources than are kept: some are forgotten, and none is refused for another. */
static void test_rate_manySources_noneIsRefusedForAnother(void)
{
	char addr[46];

	begin_rate(TG_COOKIES_OFF, 1, 1, TG_REFUSE_DROP);
	for (uint32_t i = 0; i < 6000; i++) {
		snprintf(addr, sizeof(addr), "2001:db8:%x:%x::7", i >> 8, i & 255);
		CU_ASSERT_FATAL(visit(addr, 5000));
	}
	CU_ASSERT(host_ctr(&h, TG_CTR_source_rate_forgot) > 0);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_source_rate_limited), 0);
	CU_ASSERT(!visit(addr, 5001)); /* the last one is kept */
	host_end_all(&h);
}

/* --- ADV-09: bogons --- */

struct bogon {
	const char *addr;
	uint8_t from; /* the first mode that drops it; above FULL: none */
};

/* One in the middle and the last of each network, and the first one behind it. */
static const struct bogon bogons[] = {
    {"10.1.2.3", TG_BOGONS_FULL},
    {"10.255.255.255", TG_BOGONS_FULL},
    {"11.0.0.1", 9},
    {"100.64.0.1", TG_BOGONS_FULL},
    {"100.127.255.255", TG_BOGONS_FULL},
    {"100.128.0.1", 9},
    {"100.63.255.255", 9},
    {"169.254.1.1", TG_BOGONS_FULL},
    {"172.16.0.1", TG_BOGONS_FULL},
    {"172.31.255.254", TG_BOGONS_FULL},
    {"172.32.0.1", 9},
    {"192.0.0.1", TG_BOGONS_FULL},
    {"192.0.1.1", 9},
    {"192.88.99.1", TG_BOGONS_FULL},
    {"192.168.1.1", TG_BOGONS_FULL},
    {"192.167.255.255", 9},
    {"198.18.0.1", TG_BOGONS_FULL},
    {"198.19.255.255", TG_BOGONS_FULL},
    {"198.20.0.1", 9},
    {"198.51.100.1", TG_BOGONS_FULL},
    {"203.0.113.1", TG_BOGONS_FULL},
    {"203.0.114.1", 9},
    {"8.8.8.8", 9},
    {"::1.2.3.4", TG_BOGONS_MARTIAN},
    {"2002:7f00:1::1", TG_BOGONS_MARTIAN},
    {"2002:12::1", TG_BOGONS_MARTIAN},
    {"2002:e000:1::1", TG_BOGONS_MARTIAN},
    {"2002:ffff:ffff::1", TG_BOGONS_MARTIAN},
    {"2002:808:808::1", 9},
    {"2002:a01:203::1", TG_BOGONS_FULL},
    {"2002:c0a8:101::1", TG_BOGONS_FULL},
    {"2002:ac1f:101::1", TG_BOGONS_FULL},
    {"2002:a9fe:101::1", TG_BOGONS_FULL},
    {"64:ff9b:1::1", TG_BOGONS_FULL},
    {"64:ff9b::808:808", 9},
    {"100::1", TG_BOGONS_FULL},
    {"100:0:0:1::1", TG_BOGONS_FULL},
    {"2001:2::1", TG_BOGONS_FULL},
    {"2001:10::1", TG_BOGONS_FULL},
    {"2001:20::1", 9},
    {"2001:db8:1::1", TG_BOGONS_FULL},
    {"2001:db9::1", 9},
    {"3fff:fff::1", TG_BOGONS_FULL},
    {"3fff:1000::1", 9},
    {"5f00::1", TG_BOGONS_FULL},
    {"fd00::1", TG_BOGONS_FULL},
    {"fec0::1", TG_BOGONS_FULL},
    {"2606:4700::1", 9},
    /* our own networks are none, whatever they are: 192.0.2.0/24, 2001:db8::/64, the link */
    {"192.0.2.77", 9},
    {"2001:db8::77", 9},
    {"fe80::77", 9},
};

static void test_bogons_eachMode_dropsItsOwn(void)
{
	for (uint8_t mode = TG_BOGONS_ALLOW; mode <= TG_BOGONS_FULL; mode++) {
		uint64_t dropped = 0;
		begin_listener(TG_COOKIES_ALWAYS);
		l.bogons = mode;
		l.refuse = TG_REFUSE_RST;
		listen();
		for (uint32_t i = 0; i < sizeof(bogons) / sizeof(bogons[0]); i++) {
			bool drop = mode >= bogons[i].from;
			uint8_t want = drop ? 0 : SYN_ACK, got = syn_from(bogons[i].addr, 5000);
			if (got != want)
				fprintf(stderr, "mode %u: %s\n", mode, bogons[i].addr);
			CU_ASSERT_EQUAL(got, want);
			dropped += drop;
		}
		CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_bogon_src), dropped);
		host_end_all(&h);
	}
}

/* SYN only: what is open goes on, and other segments are answered as ever. */
static void test_bogons_otherSegments_areNotTheirs(void)
{
	struct host_peer p = {0};

	begin_listener(TG_COOKIES_OFF);
	l.bogons = TG_BOGONS_FULL;
	listen();
	p = host_peer_at(&h, "10.0.0.1", 5000);
	CU_ASSERT_EQUAL(host_say(&p, TG_TCP_ACK, NULL), TG_TCP_RST);
	CU_ASSERT_EQUAL(host_say(&p, SYN_ACK, NULL), TG_TCP_RST);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_bogon_src), 0);
	CU_ASSERT_EQUAL(host_say(&p, TG_TCP_SYN, NULL), 0);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_bogon_src), 1);
	/* LN-12 drops these in every mode, before. */
	CU_ASSERT_EQUAL(syn_from("127.0.0.1", 5000), 0);
	CU_ASSERT_EQUAL(syn_from("240.0.0.1", 5000), 0);
	CU_ASSERT_EQUAL(syn_from("0.1.2.3", 5000), 0);
	CU_ASSERT_EQUAL(syn_from("224.0.0.1", 5000), 0);
	CU_ASSERT_EQUAL(syn_from("::1", 5000), 0);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_bad_src), 5);
	host_end_all(&h);
}

static const struct tg_test tests[] = {
    {"auto_floodAtTheMark_doesNotFlap", test_auto_floodAtTheMark_doesNotFlap},
    {"auto_silenceAfterAFlood_disarms", test_auto_silenceAfterAFlood_disarms},
    {"auto_betweenTheMarks_staysArmed", test_auto_betweenTheMarks_staysArmed},
    {"dryRun_flood_saysAndStaysStateful", test_dryRun_flood_saysAndStaysStateful},
    {"prefixes_swapped_newOnesCountOldStay", test_prefixes_swapped_newOnesCountOldStay},
    {"prefixes_denied_cookieIsRefused", test_prefixes_denied_cookieIsRefused},
    {"rate_stateful_burstThenRate", test_rate_stateful_burstThenRate},
    {"rate_cookies_burstThenRate", test_rate_cookies_burstThenRate},
    {"rate_spoofedSyns_areNotCharged", test_rate_spoofedSyns_areNotCharged},
    {"rate_manyHalfOpen_completeAtTheRate", test_rate_manyHalfOpen_completeAtTheRate},
    {"rate_ipv6_isItsPrefix64", test_rate_ipv6_isItsPrefix64},
    {"rate_manySources_noneIsRefusedForAnother", test_rate_manySources_noneIsRefusedForAnother},
    {"bogons_eachMode_dropsItsOwn", test_bogons_eachMode_dropsItsOwn},
    {"bogons_otherSegments_areNotTheirs", test_bogons_otherSegments_areNotTheirs},
};

int main(int argc, char **argv)
{
	return tg_test_main("engine_admit", tests, TG_TEST_N(tests), argc, argv);
}
