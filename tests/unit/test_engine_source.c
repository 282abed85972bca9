/* SPDX-License-Identifier: BSD-3-Clause */
/* test_engine_source.c: who may connect, and how often: limits of a source (ADV-55, ADV-57) and of
 * a listener (EST-27), with state and with cookies, told and untold. */
#include "engine_host.h"

enum { MAX = 3, SYN_ACK = TG_TCP_SYN | TG_TCP_ACK, RST_B = TG_TCP_RST | TG_TCP_ACK };

static struct host h;
static struct tg_listener_conf l;

static void begin(uint8_t cookies, uint8_t refuse)
{
	host_defaults(&h);
	h.conf.source_max = MAX;
	h.conf.source_refuse = refuse;
	host_init(&h);
	host_listener(&h, &l, 80);
	l.syn_cookies = cookies;
	CU_ASSERT_FATAL(tg_engine_listen(h.e, &l) == 0);
}

static void begin_listener(uint8_t cookies, uint8_t refuse)
{
	host_defaults(&h);
	host_init(&h);
	host_listener(&h, &l, 80);
	l.syn_cookies = cookies;
	l.refuse = refuse;
}

static uint8_t syn(struct host_peer *p)
{
	return host_say(p, TG_TCP_SYN, NULL);
}

static uint64_t limited(void)
{
	return host_ctr(&h, TG_CTR_source_limited);
}

/* --- ADV-57: one source --- */

static void test_source_full_isRefusedOthersAreNot(void)
{
	struct host_peer p, q;

	begin(TG_COOKIES_OFF, TG_REFUSE_DROP);
	for (uint16_t i = 0; i < MAX; i++) {
		p = host_peer_at(&h, "192.0.2.2", (uint16_t)(5000 + i));
		CU_ASSERT(host_handshake(&p));
	}
	q = host_peer_at(&h, "192.0.2.2", 6000);
	CU_ASSERT_EQUAL(syn(&q), 0);
	CU_ASSERT_EQUAL(limited(), 1);
	for (int i = 3; i < 20; i++) { /* RB-13: nobody else sees it */
		char addr[16];
		snprintf(addr, sizeof(addr), "192.0.2.%d", i);
		struct host_peer r = host_peer_at(&h, addr, 6000);
		CU_ASSERT(host_handshake(&r));
	}
	CU_ASSERT_EQUAL(limited(), 1);
	host_raw(&p, TG_TCP_RST, p.snd_nxt, tg_seq_make(0), NULL, 0); /* one ends */
	CU_ASSERT_EQUAL(syn(&q), SYN_ACK);
	host_end_all(&h);
}

static void test_source_full_rstIsSaidByPolicy(void)
{
	struct host_peer p;
	struct tg_seg seg;

	begin(TG_COOKIES_AUTO, TG_REFUSE_RST);
	for (uint16_t i = 0; i < MAX; i++) {
		p = host_peer_at(&h, "192.0.2.2", (uint16_t)(5000 + i));
		CU_ASSERT(host_handshake(&p));
	}
	p = host_peer_at(&h, "192.0.2.2", 6000);
	CU_ASSERT_EQUAL(host_say(&p, TG_TCP_SYN, &seg), RST_B);
	CU_ASSERT(tg_seq_eq(seg.seq, tg_seq_make(0)));
	CU_ASSERT(tg_seq_eq(seg.ack, p.snd_nxt));
	CU_ASSERT_EQUAL(limited(), 1);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_rst_sent), 1);
	host_end_all(&h);
}

static void test_source_ipv6_isItsPrefix64(void)
{
	struct host_peer p;

	begin(TG_COOKIES_OFF, TG_REFUSE_DROP);
	for (uint16_t i = 0; i < MAX; i++) {
		char addr[46];
		snprintf(addr, sizeof(addr), "2001:db8:0:1::%d", i + 2);
		p = host_peer_at(&h, addr, 5000);
		CU_ASSERT(host_handshake(&p));
	}
	p = host_peer_at(&h, "2001:db8:0:1:ffff::9", 5000);
	CU_ASSERT_EQUAL(syn(&p), 0);
	p = host_peer_at(&h, "2001:db8:0:2::9", 5000);
	CU_ASSERT_EQUAL(syn(&p), SYN_ACK);
	CU_ASSERT_EQUAL(limited(), 1);
	host_end_all(&h);
}

/* Half-open entries can be made in anybody's name: they bring cookies, not a lock-out. */
static void test_source_halfOpenFull_getsCookies(void)
{
	struct host_peer p[MAX + 2];

	begin(TG_COOKIES_AUTO, TG_REFUSE_DROP);
	for (uint16_t i = 0; i < MAX; i++) {
		p[i] = host_peer_at(&h, "192.0.2.2", (uint16_t)(5000 + i));
		CU_ASSERT_EQUAL(syn(&p[i]), SYN_ACK);
	}
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_cookie_sent), 0);
	for (uint16_t i = 0; i < MAX; i++) {
		struct host_peer q = host_peer_at(&h, "192.0.2.2", (uint16_t)(6000 + i));
		CU_ASSERT(host_handshake(&q));
	}
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_cookie_sent), MAX);
	CU_ASSERT_EQUAL(limited(), 0);
	/* Now it is full for sure: neither a SYN nor a half-open entry's ACK opens more. */
	p[MAX] = host_peer_at(&h, "192.0.2.2", 7000);
	CU_ASSERT_EQUAL(syn(&p[MAX]), 0);
	host_send(&p[0], TG_TCP_ACK, NULL, 0);
	CU_ASSERT_EQUAL(host_state(&p[0]), TG_SYN_RECEIVED);
	CU_ASSERT_EQUAL(limited(), 2);
	host_end_all(&h);
}

static void test_source_halfOpenFullWithoutCookies_isRefused(void)
{
	struct host_peer p;

	begin(TG_COOKIES_OFF, TG_REFUSE_DROP);
	for (uint16_t i = 0; i < MAX; i++) {
		p = host_peer_at(&h, "192.0.2.2", (uint16_t)(5000 + i));
		CU_ASSERT_EQUAL(syn(&p), SYN_ACK);
	}
	p = host_peer_at(&h, "192.0.2.2", 6000);
	CU_ASSERT_EQUAL(syn(&p), 0);
	CU_ASSERT_EQUAL(limited(), 1);
	host_tick(&h, 300000); /* they are given up (TO-02), and given back */
	while (h.tx_n) {
		struct host_frame f;
		host_next(&h, &f);
	}
	p = host_peer_at(&h, "192.0.2.2", 6001);
	CU_ASSERT_EQUAL(syn(&p), SYN_ACK);
	host_end_all(&h);
}

/* A cookie that was sent while there was room does not open when there is none any more. */
static void cookie_ack_is_refused(uint8_t how, uint8_t answer)
{
	struct host_peer p, late;
	struct tg_seg seg = {0};

	begin(TG_COOKIES_ALWAYS, how);
	late = host_peer_at(&h, "192.0.2.2", 7000);
	CU_ASSERT_EQUAL(syn(&late), SYN_ACK);
	for (uint16_t i = 0; i < MAX; i++) {
		p = host_peer_at(&h, "192.0.2.2", (uint16_t)(5000 + i));
		CU_ASSERT(host_handshake(&p));
	}
	CU_ASSERT_EQUAL(host_say(&late, TG_TCP_ACK, &seg), answer);
	CU_ASSERT_EQUAL(host_state(&late), TG_CLOSED);
	CU_ASSERT_EQUAL(limited(), 1);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_cookie_ok), MAX); /* the trial left no trace */
	if (answer)
		CU_ASSERT(tg_seq_eq(seg.seq, late.rcv_nxt)); /* RST-A */
	host_end_all(&h);
}

static void test_source_fullCookieAck_isRefused(void)
{
	cookie_ack_is_refused(TG_REFUSE_DROP, 0);
	cookie_ack_is_refused(TG_REFUSE_RST, TG_TCP_RST);
}

/* What we open ourselves is nobody's quota. */
static void test_source_activeOpens_areNotCounted(void)
{
	struct host_peer p;

	begin(TG_COOKIES_OFF, TG_REFUSE_DROP);
	for (uint16_t i = 0; i < MAX + 1; i++) {
		struct host_frame f;
		uint32_t conn;
		p = host_peer_at(&h, "192.0.2.2", (uint16_t)(9000 + i));
		p.t.lport = (uint16_t)(2000 + i);
		CU_ASSERT_EQUAL(tg_engine_connect(h.e, &p.t, &h.tcp, NULL, NULL, 0, &conn), 0);
		host_tick(&h, 0);
		CU_ASSERT(host_next(&h, &f));
	}
	p = host_peer_at(&h, "192.0.2.2", 5000);
	CU_ASSERT(host_handshake(&p));
	host_end_all(&h);
}

/* Thousands of connections come and go; the count comes back to nothing each time (I12). */
static void test_source_comingAndGoing_isGivenBack(void)
{
	struct tg_seg seg;

	begin(TG_COOKIES_AUTO, TG_REFUSE_DROP);
	h.svc.close_on_eof = true;
	for (uint32_t i = 0; i < 1000; i++) {
		struct host_frame f;
		struct host_peer p = host_peer_at(&h, "192.0.2.2", (uint16_t)(10000 + i));
		CU_ASSERT_FATAL(host_handshake(&p));
		if (i % 3 == 0) {
			host_raw(&p, TG_TCP_RST, p.snd_nxt, tg_seq_make(0), NULL, 0);
			continue;
		}
		CU_ASSERT_EQUAL(host_say(&p, TG_TCP_FIN | TG_TCP_ACK, &seg),
				TG_TCP_FIN | TG_TCP_ACK);
		host_send(&p, TG_TCP_ACK, NULL, 0);
		while (host_next(&h, &f))
			;
	}
	CU_ASSERT_EQUAL(limited(), 0);
	host_end_all(&h);
}

/* --- EST-27: one listener --- */

static void allow(const char *prefix)
{
	struct tg_port_addr *a = &l.allow[l.allow_n++];

	CU_ASSERT_FATAL(tg_addr_parse_prefix(prefix, &a->addr, &a->prefix_len));
}

static const struct {
	const char *addr;
	uint16_t port;
	bool may;
} guests[] = {
    {"192.0.2.128", 1024, true},     {"192.0.2.191", 2000, true},      {"192.0.2.127", 2000, false},
    {"192.0.2.192", 2000, false},    {"192.0.2.130", 1023, false},     {"192.0.2.130", 2001, false},
    {"2001:db8:0:7::1", 1500, true}, {"2001:db8:0:8::1", 1500, false},
};

static void allow_some(void)
{
	allow("192.0.2.128/26");
	allow("2001:db8:0:7::/64");
	l.allow_port_low = 1024;
	l.allow_port_high = 2000;
	CU_ASSERT_FATAL(tg_engine_listen(h.e, &l) == 0);
}

static void test_listener_notAllowed_behavesAsClosed(void)
{
	uint64_t refused = 0;

	begin_listener(TG_COOKIES_AUTO, TG_REFUSE_RST);
	allow_some();
	for (uint32_t i = 0; i < sizeof(guests) / sizeof(guests[0]); i++) {
		struct host_peer p = host_peer_at(&h, guests[i].addr, guests[i].port);
		struct tg_seg seg;
		CU_ASSERT_EQUAL(host_say(&p, TG_TCP_SYN, &seg), guests[i].may ? SYN_ACK : RST_B);
		if (guests[i].may)
			continue;
		CU_ASSERT(tg_seq_eq(seg.ack, p.snd_nxt)); /* RST-B */
		p.rcv_nxt = tg_seq_make(77777);
		CU_ASSERT_EQUAL(host_say(&p, TG_TCP_ACK, &seg), TG_TCP_RST);
		CU_ASSERT(tg_seq_eq(seg.seq, tg_seq_make(77777))); /* RST-A */
		CU_ASSERT_EQUAL(host_say(&p, TG_TCP_RST, &seg), 0);
		refused += 2;
	}
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_listen_refused), refused);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_closed_rst), refused / 2);
	host_end_all(&h);
}

static void test_listener_notAllowed_isDroppedByPolicy(void)
{
	uint64_t refused = 0;

	begin_listener(TG_COOKIES_ALWAYS, TG_REFUSE_DROP);
	allow_some();
	for (uint32_t i = 0; i < sizeof(guests) / sizeof(guests[0]); i++) {
		struct host_peer p = host_peer_at(&h, guests[i].addr, guests[i].port);
		struct tg_seg seg;
		if (guests[i].may) {
			CU_ASSERT(host_handshake(&p)); /* by a cookie */
			continue;
		}
		CU_ASSERT_EQUAL(host_say(&p, TG_TCP_SYN, &seg), 0);
		CU_ASSERT_EQUAL(host_say(&p, TG_TCP_ACK, &seg), 0);
		refused += 2;
	}
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_listen_refused), refused);
	host_end_all(&h);
}

/* A good cookie in the hands of somebody else's listener is worth nothing: the ACK is looked at
 * like the SYN. */
static void test_listener_cookieOfAnother_isRefused(void)
{
	struct host_peer p;
	struct tg_seg seg;

	begin_listener(TG_COOKIES_ALWAYS, TG_REFUSE_RST);
	CU_ASSERT_FATAL(tg_engine_listen(h.e, &l) == 0);
	p = host_peer_at(&h, "192.0.2.9", 5000);
	CU_ASSERT_EQUAL(syn(&p), SYN_ACK);
	tg_engine_unlisten(h.e, 0);
	allow("198.51.100.0/24");
	CU_ASSERT_FATAL(tg_engine_listen(h.e, &l) == 0);
	CU_ASSERT_EQUAL(host_say(&p, TG_TCP_ACK, &seg), TG_TCP_RST);
	CU_ASSERT_EQUAL(host_state(&p), TG_CLOSED);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_listen_refused), 1);
	host_end_all(&h);
}

static void test_listener_badRange_isTold(void)
{
	begin_listener(TG_COOKIES_AUTO, TG_REFUSE_RST);
	l.allow_port_low = 2;
	l.allow_port_high = 1;
	CU_ASSERT_EQUAL(tg_engine_listen(h.e, &l), -EINVAL);
	l.allow_port_high = 2;
	l.allow_n = TG_LISTENER_ALLOW_MAX + 1;
	CU_ASSERT_EQUAL(tg_engine_listen(h.e, &l), -EINVAL);
	host_end_all(&h);
}

static const struct tg_test tests[] = {
    {"source_full_isRefusedOthersAreNot", test_source_full_isRefusedOthersAreNot},
    {"source_full_rstIsSaidByPolicy", test_source_full_rstIsSaidByPolicy},
    {"source_ipv6_isItsPrefix64", test_source_ipv6_isItsPrefix64},
    {"source_halfOpenFull_getsCookies", test_source_halfOpenFull_getsCookies},
    {"source_halfOpenFullWithoutCookies_isRefused",
     test_source_halfOpenFullWithoutCookies_isRefused},
    {"source_fullCookieAck_isRefused", test_source_fullCookieAck_isRefused},
    {"source_activeOpens_areNotCounted", test_source_activeOpens_areNotCounted},
    {"source_comingAndGoing_isGivenBack", test_source_comingAndGoing_isGivenBack},
    {"listener_notAllowed_behavesAsClosed", test_listener_notAllowed_behavesAsClosed},
    {"listener_notAllowed_isDroppedByPolicy", test_listener_notAllowed_isDroppedByPolicy},
    {"listener_cookieOfAnother_isRefused", test_listener_cookieOfAnother_isRefused},
    {"listener_badRange_isTold", test_listener_badRange_isTold},
};

int main(int argc, char **argv)
{
	return tg_test_main("engine_source", tests, TG_TEST_N(tests), argc, argv);
}
