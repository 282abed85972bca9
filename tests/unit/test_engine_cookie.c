/* SPDX-License-Identifier: BSD-3-Clause */
/* test_engine_cookie.c: what a listener does under pressure: cookies that arm and disarm (SC-08,
 * SC-09), accept queues (EST-26), budgets (RB-12, SC-21), cookies for tuples in TIME-WAIT (TD-23).
 */
#include "engine_host.h"

enum { HIGH = 4, LOW = 2 };

static struct host h;
static struct host_peer p;

static void begin_conf(uint8_t cookies, const struct tg_service *service, uint32_t backlog)
{
	struct tg_listener_conf l;

	host_init(&h);
	host_listener(&h, &l, 80);
	l.syn_cookies = cookies;
	l.synq_high = HIGH;
	l.synq_low = LOW;
	l.backlog = backlog;
	l.service = service;
	CU_ASSERT_FATAL(tg_engine_listen(h.e, &l) == 0);
	host_peer(&p, &h, 80, 5000, false);
}

static void begin(uint8_t cookies)
{
	host_defaults(&h);
	begin_conf(cookies, &host_service, 64);
}

static void end(void)
{
	struct tg_engine_stats s;

	tg_engine_abort_all(h.e);
	host_tick(&h, 0);
	tg_engine_stats(h.e, &s);
	CU_ASSERT_EQUAL(s.conn_count, 0);
	CU_ASSERT_EQUAL(s.timer_count, 0);
	CU_ASSERT_EQUAL(h.svc.opened, h.svc.closed);
	host_fini(&h);
}

/* A SYN from port rport; what answered it, 0 = nothing. */
static uint8_t syn(struct host_peer *q, uint16_t rport, struct tg_seg *seg)
{
	struct host_frame f;

	host_peer(q, &h, 80, rport, false);
	q->opts.has_ts = 1;
	q->opts.tsval = 1;
	host_send(q, TG_TCP_SYN, NULL, 0);
	if (!host_expect(q, seg, &f))
		return 0;
	q->opts.tsecr = seg->opts.tsval;
	return seg->ctl;
}

static void ack(struct host_peer *q)
{
	host_send(q, TG_TCP_ACK, NULL, 0);
}

static uint32_t conn_count(void)
{
	struct tg_engine_stats s;

	tg_engine_stats(h.e, &s);
	return s.conn_count;
}

static uint32_t armed(void)
{
	struct tg_engine_stats s;

	tg_engine_stats(h.e, &s);
	return s.armed_n;
}

static void fill_to_high(struct host_peer q[HIGH])
{
	struct tg_seg seg;

	for (uint32_t i = 0; i < HIGH; i++) {
		CU_ASSERT_EQUAL(syn(&q[i], (uint16_t)(6000 + i), &seg), TG_TCP_SYN | TG_TCP_ACK);
		q[i].opts.tsecr = seg.opts.tsval;
	}
	CU_ASSERT_EQUAL(conn_count(), HIGH);
	CU_ASSERT_EQUAL(armed(), 0);
}

static void test_auto_highMark_armsAndLowDisarms(void)
{
	struct host_peer q[HIGH], c;
	struct tg_seg seg;

	begin(TG_COOKIES_AUTO);
	fill_to_high(q);
	CU_ASSERT_EQUAL(syn(&c, 7000, &seg), TG_TCP_SYN | TG_TCP_ACK);
	CU_ASSERT_EQUAL(armed(), 1);
	CU_ASSERT_EQUAL(conn_count(), HIGH); /* a cookie is no entry */
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_cookie_sent), 1);
	ack(&c);
	CU_ASSERT_EQUAL(host_state(&c), TG_ESTABLISHED);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_cookie_ok), 1);
	for (uint32_t i = 0; i < HIGH - LOW; i++) {
		CU_ASSERT_EQUAL(armed(), 1);
		ack(&q[i]);
		CU_ASSERT_EQUAL(host_state(&q[i]), TG_ESTABLISHED);
	}
	CU_ASSERT_EQUAL(armed(), 1); /* for a second at least */
	host_tick(&h, 999);
	CU_ASSERT_EQUAL(armed(), 1);
	host_tick(&h, 1);
	CU_ASSERT_EQUAL(armed(), 0);
	h.tx_n = 0;
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_cookie_disarmed), 1);
	CU_ASSERT_EQUAL(syn(&c, 7001, &seg), TG_TCP_SYN | TG_TCP_ACK);
	CU_ASSERT_EQUAL(host_state(&c), TG_SYN_RECEIVED);
	end();
}

/* SC-08, SC-09: cookies are looked at until the last that was sent is out of date, then no more. */
static void test_auto_disarmed_validatesForItsTime(void)
{
	struct host_peer q[HIGH], c[3];
	struct tg_seg seg;

	begin(TG_COOKIES_AUTO);
	h.now_ns = 10ull * TG_COOKIE_EPOCH_MS * TG_NS_PER_MS; /* an epoch begins */
	fill_to_high(q);
	for (uint32_t i = 0; i < 3; i++)
		syn(&c[i], (uint16_t)(7000 + i), &seg);
	for (uint32_t i = 0; i < HIGH; i++)
		ack(&q[i]);
	host_tick(&h, 1000);
	CU_ASSERT_EQUAL(armed(), 0);
	ack(&c[0]);
	CU_ASSERT_EQUAL(host_state(&c[0]), TG_ESTABLISHED);
	host_tick(&h, 99000);
	ack(&c[1]);
	CU_ASSERT_EQUAL(host_state(&c[1]), TG_ESTABLISHED);
	host_tick(&h, 2 * TG_COOKIE_EPOCH_MS - 100000 + 1);
	uint64_t looked_at = host_ctr(&h, TG_CTR_cookie_expired) + host_ctr(&h, TG_CTR_cookie_ok);
	ack(&c[2]);
	CU_ASSERT_EQUAL(host_state(&c[2]), TG_CLOSED);
	struct host_frame f;
	CU_ASSERT(host_expect(&c[2], &seg, &f) && seg.ctl == TG_TCP_RST);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_cookie_expired) + host_ctr(&h, TG_CTR_cookie_ok),
			looked_at);
	end();
}

/* DESIGN 4: SYN-ACKs are not repeated while cookies are minted. */
static void test_auto_armed_synAcksAreNotRepeated(void)
{
	struct host_peer q[HIGH], c;
	struct tg_seg seg;

	begin(TG_COOKIES_AUTO);
	fill_to_high(q);
	syn(&c, 7000, &seg);
	host_tick(&h, 20000);
	CU_ASSERT_EQUAL(h.tx_n, 0);
	host_tick(&h, 43000); /* they end when they would have ended */
	CU_ASSERT_EQUAL(conn_count(), 0);
	CU_ASSERT_EQUAL(armed(), 0);
	end();
}

static void test_off_highMark_synIsDropped(void)
{
	struct host_peer q[HIGH], c;
	struct tg_seg seg;

	begin(TG_COOKIES_OFF);
	fill_to_high(q);
	CU_ASSERT_EQUAL(syn(&c, 7000, &seg), 0);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_synq_full), 1);
	h.tx_n = 0;
	end();
}

static void test_always_syn_noEntry(void)
{
	struct host_peer c;
	struct tg_seg seg;

	begin(TG_COOKIES_ALWAYS);
	CU_ASSERT_EQUAL(syn(&c, 7000, &seg), TG_TCP_SYN | TG_TCP_ACK);
	CU_ASSERT_EQUAL(conn_count(), 0);
	CU_ASSERT_EQUAL(seg.opts.has_ts, 1);
	ack(&c);
	CU_ASSERT_EQUAL(host_state(&c), TG_ESTABLISHED);
	host_send(&c, TG_TCP_ACK, "text", 4);
	CU_ASSERT_EQUAL(h.svc.got_len, 4);
	end();
}

/* SC-16: text and FIN in the cookie's ACK. */
static void test_always_ackWithTextAndFin_isUsed(void)
{
	struct host_peer c;
	struct tg_seg seg;

	begin(TG_COOKIES_ALWAYS);
	syn(&c, 7000, &seg);
	host_send(&c, TG_TCP_ACK | TG_TCP_FIN, "text", 4);
	CU_ASSERT_EQUAL(host_state(&c), TG_CLOSE_WAIT);
	CU_ASSERT_EQUAL(h.svc.got_len, 4);
	end();
}

static void test_connPoolFull_byMode_cookieOrDrop(void)
{
	struct host_peer q[2], c;
	struct tg_seg seg;

	for (uint32_t mode = TG_COOKIES_OFF; mode <= TG_COOKIES_AUTO; mode++) {
		host_defaults(&h);
		h.conf.conn_max = 2;
		h.conf.ipv6_max = 1;
		begin_conf((uint8_t)mode, &host_service, 64);
		syn(&q[0], 6000, &seg);
		syn(&q[1], 6001, &seg);
		uint8_t ctl = syn(&c, 7000, &seg);
		if (mode == TG_COOKIES_OFF) {
			CU_ASSERT_EQUAL(ctl, 0);
			CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_conn_full), 1);
		} else {
			CU_ASSERT_EQUAL(ctl, TG_TCP_SYN | TG_TCP_ACK);
			CU_ASSERT_EQUAL(armed(), 1);
			ack(&c); /* still no room: as if it was lost */
			CU_ASSERT_EQUAL(host_state(&c), TG_CLOSED);
			CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_conn_full), 1);
			CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_cookie_ok), 0);
			host_send(&q[0], TG_TCP_RST, NULL, 0);
			ack(&c);
			CU_ASSERT_EQUAL(host_state(&c), TG_ESTABLISHED);
		}
		h.tx_n = 0;
		end();
	}
}

/* --- accept queue (EST-26) --- */

static void test_acceptQueueFull_entryIsKept(void)
{
	struct host_peer q[3];
	struct tg_seg seg;

	host_defaults(&h);
	begin_conf(TG_COOKIES_OFF, &host_queue_service, 1);
	syn(&q[0], 6000, &seg);
	q[0].opts.tsecr = seg.opts.tsval;
	syn(&q[1], 6001, &seg);
	q[1].opts.tsecr = seg.opts.tsval;
	ack(&q[0]);
	CU_ASSERT_EQUAL(host_state(&q[0]), TG_ESTABLISHED);
	ack(&q[1]);
	CU_ASSERT_EQUAL(host_state(&q[1]), TG_SYN_RECEIVED);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_accept_overflow), 1);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_conn_opened), 1);
	CU_ASSERT_EQUAL(syn(&q[2], 6002, &seg), 0);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_listen_overflow), 1);
	/* A RST still ends the entry's twin state: the copy changed nothing. */
	tg_engine_accepted(h.e, 0);
	host_send(&q[1], TG_TCP_ACK, "text", 4);
	CU_ASSERT_EQUAL(host_state(&q[1]), TG_ESTABLISHED);
	CU_ASSERT_EQUAL(h.svc.got_len, 4);
	h.tx_n = 0;
	end();
}

static void test_acceptQueueFull_cookieAckIsDropped(void)
{
	struct host_peer q[2];
	struct tg_seg seg;

	host_defaults(&h);
	begin_conf(TG_COOKIES_ALWAYS, &host_queue_service, 1);
	syn(&q[0], 6000, &seg);
	syn(&q[1], 6001, &seg);
	ack(&q[0]);
	ack(&q[1]);
	CU_ASSERT_EQUAL(host_state(&q[1]), TG_CLOSED); /* SC-17 */
	CU_ASSERT_EQUAL(h.tx_n, 0);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_accept_overflow), 1);
	tg_engine_accepted(h.e, 0);
	ack(&q[1]);
	CU_ASSERT_EQUAL(host_state(&q[1]), TG_ESTABLISHED);
	end();
}

/* --- budgets --- */

static void test_closed_synFlood_rstIsLimited(void)
{
	struct host_peer c;
	struct tg_seg seg;
	uint32_t answered = 0;

	host_defaults(&h);
	h.conf.rst_rate = 10;
	begin_conf(TG_COOKIES_AUTO, &host_service, 64);
	for (uint16_t i = 0; i < 200; i++) {
		struct host_frame f;
		host_peer(&c, &h, 81, (uint16_t)(7000 + i), false);
		host_send(&c, TG_TCP_SYN, NULL, 0);
		answered += host_expect(&c, &seg, &f);
	}
	CU_ASSERT(answered >= 5 && answered <= 20);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_rst_limited), 200 - answered);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_rst_sent), answered);
	end();
}

static void test_listen_synFlood_synAckIsLimitedUntilProved(void)
{
	struct host_peer c, good;
	struct tg_seg seg;
	uint32_t answered = 0;

	host_defaults(&h);
	h.conf.rst_rate = 10;
	begin_conf(TG_COOKIES_ALWAYS, &host_service, 64);
	CU_ASSERT(syn(&good, 4000, &seg) != 0);
	for (uint16_t i = 0; i < 100; i++)
		answered += syn(&c, (uint16_t)(7000 + i), &seg) != 0;
	CU_ASSERT(answered <= 20);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_synack_limited), 100 - answered);
	ack(&good);
	CU_ASSERT_EQUAL(host_state(&good), TG_ESTABLISHED);
	for (uint16_t i = 0; i < 100; i++)
		CU_ASSERT(syn(&c, (uint16_t)(8000 + i), &seg) != 0);
	end();
}

/* SC-21: the SYN-ACK that a repeated SYN draws costs a token like the first. */
static void test_synReceived_synFlood_synAckIsLimited(void)
{
	struct host_peer c;
	struct tg_seg seg;

	host_defaults(&h);
	h.conf.rst_rate = 3;
	h.conf.challenge_ms = 1;
	begin_conf(TG_COOKIES_OFF, &host_service, 64);
	syn(&c, 7000, &seg);
	for (uint32_t i = 0; i < 20; i++) {
		host_tick(&h, 2);
		host_raw(&c, TG_TCP_SYN, tg_seq_sub(c.snd_nxt, 1), tg_seq_make(0), NULL, 0);
	}
	CU_ASSERT(h.tx_n <= 6);
	CU_ASSERT(host_ctr(&h, TG_CTR_synack_limited) >= 14);
	h.tx_n = 0;
	end();
}

/* --- a cookie for a tuple in TIME-WAIT (TD-23, DESIGN 4) --- */

static uint64_t tw_count(void)
{
	struct tg_engine_stats s;

	tg_engine_stats(h.e, &s);
	return s.tw_count;
}

static void to_time_wait(struct host_peer *q)
{
	struct host_frame f;
	struct tg_seg seg;

	CU_ASSERT(host_handshake(q));
	tg_conn_close(h.e, h.svc.last);
	host_tick(&h, 0);
	CU_ASSERT(host_expect(q, &seg, &f));
	host_send(q, TG_TCP_FIN | TG_TCP_ACK, NULL, 0);
	CU_ASSERT(host_expect(q, &seg, &f));
	CU_ASSERT_EQUAL(tw_count(), 1);
}

static void test_timeWait_cookieReuse_ackOpensAndFrees(void)
{
	uint32_t cookies = 0, entries = 0;

	/* A cookie's number is as good as random (SC-11): above the old SND.NXT, or below it, and
	 * then the SYN gets an entry instead (TD-23); so does one that is newer by its timestamp
	 * alone, as nothing below RCV.NXT is tried as a cookie (DESIGN 4). */
	for (uint16_t i = 0; i < 64; i++) {
		struct host_frame f;
		struct tg_seg seg;
		begin(TG_COOKIES_ALWAYS);
		p.t.rport = (uint16_t)(5000 + i);
		to_time_wait(&p);
		tg_seq old = p.rcv_nxt;
		p.snd_nxt = tg_seq_add(p.snd_nxt, i % 2 ? -100000 : 100000);
		p.opts.has_ts = i % 2;
		host_send(&p, TG_TCP_SYN, NULL, 0);
		CU_ASSERT_FATAL(host_expect(&p, &seg, &f));
		p.opts.tsecr = seg.opts.tsval;
		CU_ASSERT(tg_seq_gt(seg.seq, old));
		if (host_state(&p) == TG_TIME_WAIT) {
			cookies++;
			CU_ASSERT_EQUAL(i % 2, 0);
			/* a bad one first: the record answers, and stays */
			host_raw(&p, TG_TCP_ACK, tg_seq_add(p.snd_nxt, 5),
				 tg_seq_add(p.rcv_nxt, 7777), NULL, 0);
			CU_ASSERT_FATAL(host_next(&h, &f));
			CU_ASSERT_EQUAL(tw_count(), 1);
			CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_ch_sent), 1);
		} else {
			entries++;
			CU_ASSERT_EQUAL(host_state(&p), TG_SYN_RECEIVED);
		}
		host_send(&p, TG_TCP_ACK, NULL, 0);
		CU_ASSERT_EQUAL(host_state(&p), TG_ESTABLISHED);
		CU_ASSERT_EQUAL(tw_count(), 0);
		end();
	}
	CU_ASSERT_EQUAL(cookies + entries, 64);
	CU_ASSERT(cookies > 4 && cookies < 28); /* of 32 */
}

static const struct tg_test tests[] = {
    {"auto_highMark_armsAndLowDisarms", test_auto_highMark_armsAndLowDisarms},
    {"auto_disarmed_validatesForItsTime", test_auto_disarmed_validatesForItsTime},
    {"auto_armed_synAcksAreNotRepeated", test_auto_armed_synAcksAreNotRepeated},
    {"off_highMark_synIsDropped", test_off_highMark_synIsDropped},
    {"always_syn_noEntry", test_always_syn_noEntry},
    {"always_ackWithTextAndFin_isUsed", test_always_ackWithTextAndFin_isUsed},
    {"connPoolFull_byMode_cookieOrDrop", test_connPoolFull_byMode_cookieOrDrop},
    {"acceptQueueFull_entryIsKept", test_acceptQueueFull_entryIsKept},
    {"acceptQueueFull_cookieAckIsDropped", test_acceptQueueFull_cookieAckIsDropped},
    {"closed_synFlood_rstIsLimited", test_closed_synFlood_rstIsLimited},
    {"listen_synFlood_synAckIsLimitedUntilProved", test_listen_synFlood_synAckIsLimitedUntilProved},
    {"synReceived_synFlood_synAckIsLimited", test_synReceived_synFlood_synAckIsLimited},
    {"timeWait_cookieReuse_ackOpensAndFrees", test_timeWait_cookieReuse_ackOpensAndFrees},
};

int main(int argc, char **argv)
{
	return tg_test_main("engine_cookie", tests, TG_TEST_N(tests), argc, argv);
}
