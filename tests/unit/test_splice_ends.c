/* SPDX-License-Identifier: BSD-3-Clause */
/* test_splice_ends.c: splices that do not go well: backends that refuse, are silent, late, gone or
 * mad; clients that reset; what nobody may do to others; pools that are full (SP-09, SP-10, SP-11).
 */
#include "splice_world.h"

/* Handshake done, the backend asked. */
static struct w_seg ask(void)
{
	struct w_seg s;

	w_client_options(W_CTS);
	s = w_client_syn();
	w_say(&w.c, TG_TCP_ACK, NULL, 0);
	w_backend_syn();
	return s;
}

/* SP-09: exact, so that the client is closed by this one segment. */
static void expect_refusal(void)
{
	struct w_seg s = w_hear_ctl(&w.c, TG_TCP_RST | TG_TCP_ACK);

	CU_ASSERT_EQUAL(s.seg.seq.v, w.c.rcv.v);
	CU_ASSERT_EQUAL(s.seg.ack.v, 1001);
	w_silence();
}

/* --- SP-09 --- */

static void test_opening_backendRefuses_clientIsReset(void)
{
	for (int i = 0; i < 4; i++) {
		w_begin(i & 1, i & 2);
		ask();
		w_say(&w.c, TG_TCP_ACK | TG_TCP_PSH, "GET /", 5); /* in vain */
		w_raw(&w.b, TG_TCP_RST | TG_TCP_ACK, 0, 1001, NULL, 0);
		expect_refusal();
		CU_ASSERT_EQUAL(w_ctr(TG_CTR_splice_refused), 1);
		w_end();
	}
}

/* Blind RSTs name no number of ours. */
static void test_opening_rstThatAcksNothing_isDropped(void)
{
	w_begin(false, false);
	ask();
	w_raw(&w.b, TG_TCP_RST, 1001, 0, NULL, 0);
	w_raw(&w.b, TG_TCP_RST | TG_TCP_ACK, 0, 1002, NULL, 0);
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_synsent_rst), 2);
	w_silence();
	w_raw(&w.b, TG_TCP_RST | TG_TCP_ACK, 0, 1001, NULL, 0);
	expect_refusal();
	w_end();
}

static void test_opening_backendSilent_threeTriesThenReset(void)
{
	w_begin(false, true);
	ask();
	host_tick(&w.h, 999);
	w_silence();
	host_tick(&w.h, 1);
	CU_ASSERT_EQUAL(w_hear_ctl(&w.b, TG_TCP_SYN).seg.seq.v, 1000);
	host_tick(&w.h, 1999);
	w_silence();
	host_tick(&w.h, 1);
	w_hear_ctl(&w.b, TG_TCP_SYN);
	host_tick(&w.h, 3999);
	w_silence();
	host_tick(&w.h, 1);
	expect_refusal();
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_splice_timeout), 1);
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_splice_syn_rexmit), 2);
	w_end();
}

/* An answer to the second SYN is as good as one to the first. */
static void test_opening_backendLate_opens(void)
{
	w_begin(true, false);
	ask();
	w_say(&w.c, TG_TCP_ACK, "early", 5);
	host_tick(&w.h, 1000);
	w_hear_ctl(&w.b, TG_TCP_SYN);
	w_backend_agrees(w_all(W_BTS, W_CTS));
	w_hear_ctl(&w.c, TG_TCP_ACK);
	CU_ASSERT_EQUAL(w_hear_ctl(&w.b, TG_TCP_ACK).seg.len, 5);
	/* Twice: the ACK again, and the client hears nothing of it. */
	w_raw(&w.b, TG_TCP_SYN | TG_TCP_ACK, w.b.nxt.v - 1, 1001, NULL, 0);
	struct w_seg s = w_hear_ctl(&w.b, TG_TCP_ACK);

	CU_ASSERT_EQUAL(s.seg.ack.v, w.b.nxt.v);
	CU_ASSERT_EQUAL(s.seg.seq.v, 1006);
	CU_ASSERT(s.seg.opts.has_ts);
	/* Twice with another number, by a backend that keeps none: it is told what counts. */
	w_raw(&w.b, TG_TCP_SYN | TG_TCP_ACK, 12345, 1001, NULL, 0);
	CU_ASSERT_EQUAL(w_hear_ctl(&w.b, TG_TCP_ACK).seg.ack.v, w.b.nxt.v);
	w_silence();
	w_ts(&w.b, true, W_BTS + 1, W_CTS);
	w_close();
	host_tick(&w.h, 60000);
	w_end();
}

/* Too late: there is nobody any more. */
static void test_closed_synAckAfterTimeout_isReset(void)
{
	w_begin(false, false);
	ask();
	host_tick(&w.h, 7000);
	w_hear_ctl(&w.b, TG_TCP_SYN);
	w_hear_ctl(&w.b, TG_TCP_SYN);
	expect_refusal();
	w_say(&w.b, TG_TCP_SYN | TG_TCP_ACK, NULL, 0);
	w_raw(&w.b, TG_TCP_SYN | TG_TCP_ACK, 5, 1001, NULL, 0);
	CU_ASSERT_EQUAL(w_hear(&w.b).seg.ctl, TG_TCP_RST);
	CU_ASSERT_EQUAL(w_waiting(&w.c), 0);
	w_end();
}

/* A connection that the backend still has from another time is ended, and the SYN repeated. */
static void test_opening_challengeAck_oldConnectionIsReset(void)
{
	w_begin(false, true);
	ask();
	w_raw(&w.b, TG_TCP_ACK, 777, 888, NULL, 0);
	CU_ASSERT_EQUAL(w_hear_ctl(&w.b, TG_TCP_RST).seg.seq.v, 888);
	host_tick(&w.h, 1000);
	w_hear_ctl(&w.b, TG_TCP_SYN);
	w_raw(&w.b, TG_TCP_ACK, 777, 1001, NULL, 0); /* right, and says nothing */
	w_raw(&w.b, TG_TCP_SYN, 777, 0, NULL, 0);
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_synsent_ack), 1);
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_no_ack), 1);
	w_say(&w.c, TG_TCP_RST, NULL, 0);
	w_hear_ctl(&w.b, TG_TCP_RST);
	w_end();
}

/* --- ICMP --- */

static void icmp(uint32_t port, uint8_t type, uint8_t code, uint32_t rest,
		 const struct w_seg *about, uint32_t seq)
{
	static const struct tg_mac mac[2] = {{{2, 0, 0, 0, 0, 1}}, {{2, 0, 0, 0, 0, 9}}};
	struct tg_eth eth = {.dst = mac[port],
			     .src = {{2, 0, 0, 0, 0, 2}},
			     .type = w.v6 ? TG_ETHERTYPE_IP6 : TG_ETHERTYPE_IP4};
	struct tg_ip ip = {.src = w_addr("203.0.113.9", "2001:db8:77::9"),
			   .dst = about->ip.src,
			   .proto = w.v6 ? TG_PROTO_ICMP6 : TG_PROTO_ICMP,
			   .ttl = 60,
			   .v6 = w.v6};
	uint8_t frame[HOST_BUF_LEN], quote[80] = {0};
	const uint8_t *f = frame;
	uint32_t l2 = tg_eth_emit(frame, &eth), l3 = w.v6 ? TG_IP6_LEN : TG_IP4_LEN;
	struct tg_ip was = {.src = about->ip.src, .dst = about->ip.dst, .proto = 6, .ttl = 60};

	if (w.v6)
		tg_ip6_emit(quote, &was, 1400, 0);
	else
		tg_ip4_emit(quote, &was, 1400, false);
	tg_be16_put(quote + l3, about->t.rport);
	tg_be16_put(quote + l3 + 2, about->t.lport);
	tg_be32_put(quote + l3 + 4, seq);
	uint32_t len = tg_icmp_error_emit(frame + l2 + l3, 600, type, code, rest, &ip.src, &ip.dst,
					  quote, l3 + 8);

	if (w.v6)
		tg_ip6_emit(frame + l2, &ip, len, 0);
	else
		tg_ip4_emit(frame + l2, &ip, len, false);
	len += l2 + l3;
	w.h.rx_port = (uint16_t)port;
	host_rx(&w.h, &f, &len, 1);
	w_collect();
}

/* SP-09: a hard error about our SYN, and about nothing else. */
static void test_opening_icmpHard_clientIsReset(void)
{
	for (int i = 0; i < 4; i++) {
		w_begin(i & 1, i & 2);
		w_client_options(W_CTS);
		w_client_syn();
		w_say(&w.c, TG_TCP_ACK, NULL, 0);
		struct w_seg syn = w_backend_syn();
		uint8_t type = w.v6 ? 1 : 3, code = w.v6 ? 4 : 3;

		icmp(W_INSIDE, type, code, 0, &syn, 999);
		CU_ASSERT_EQUAL(w_ctr(TG_CTR_icmp_bad_seq), 1);
		icmp(W_INSIDE, type, w.v6 ? 0 : 1, 0, &syn, 1000); /* soft */
		CU_ASSERT_EQUAL(w_ctr(TG_CTR_icmp_soft), 1);
		w_silence();
		icmp(W_INSIDE, type, code, 0, &syn, 1000);
		expect_refusal();
		CU_ASSERT_EQUAL(w_ctr(TG_CTR_splice_unreachable), 1);
		w_end();
	}
}

/* What the last ICMP frame quotes, seen from who got it. */
static struct tg_icmp heard_icmp(uint32_t port, struct tg_ip *ip)
{
	struct tg_icmp m;
	struct tg_eth eth;

	memset(&m, 0, sizeof(m));
	CU_ASSERT_EQUAL_FATAL(w.icmp_n, 1);
	CU_ASSERT_EQUAL(w.icmp.pkt.port, port);
	CU_ASSERT_EQUAL(tg_eth_parse(w.icmp.data, w.icmp.len, &eth), TG_CTR_NONE);
	const uint8_t *l3 = w.icmp.data + eth.hdr_len;
	uint32_t len = w.icmp.len - eth.hdr_len;

	if (w.v6)
		CU_ASSERT_EQUAL(tg_ip6_parse(l3, len, ip), TG_CTR_NONE)
	else
		CU_ASSERT_EQUAL(tg_ip4_parse(l3, len, true, ip), TG_CTR_NONE)
	CU_ASSERT_EQUAL(tg_icmp_parse(l3 + ip->hdr_len, ip->payload_len, ip, &m), TG_CTR_NONE);
	w.icmp_n = 0;
	return m;
}

/* RB-17, RB-21: a packet-too-big reaches the end that wrote what was too big, about its own
 * numbers; a guess reaches nobody. */
static void test_spliced_packetTooBig_reachesItsEnd(void)
{
	for (int i = 0; i < 4; i++) {
		struct tg_icmp m;
		struct tg_ip ip;

		w_begin(i & 1, i & 2);
		w_open();
		w_say(&w.b, TG_TCP_ACK, "0123456789", 10);
		uint8_t type = w.v6 ? 2 : 3, code = w.v6 ? 0 : 4;
		struct w_seg s = w_hear_ctl(&w.c, TG_TCP_ACK);
		uint32_t bseq = w.b.nxt.v - 10;

		icmp(W_OUTSIDE, type, code, 1300, &s, s.seg.seq.v + 10); /* not sent yet */
		icmp(W_OUTSIDE, type, code, 1300, &s, s.seg.seq.v - 1);
		CU_ASSERT_EQUAL(w_ctr(TG_CTR_icmp_bad_seq), 2);
		icmp(W_OUTSIDE, type, code, w.v6 ? 1279 : 551, &s, s.seg.seq.v);
		icmp(W_OUTSIDE, type, code, 1500, &s, s.seg.seq.v);
		CU_ASSERT_EQUAL(w_ctr(TG_CTR_ptb_ignored), 2);
		CU_ASSERT_EQUAL(w.icmp_n, 0);
		icmp(W_OUTSIDE, type, code, 1300, &s, s.seg.seq.v);
		m = heard_icmp(W_INSIDE, &ip);
		CU_ASSERT_EQUAL(m.mtu, 1300);
		CU_ASSERT_EQUAL(m.quoted_seq.v, bseq);
		CU_ASSERT_EQUAL(m.quoted.lport, W_BPORT);
		CU_ASSERT_EQUAL(m.quoted.rport, w.b.rport);
		CU_ASSERT(tg_addr_equal(&m.quoted.laddr, &w.b.addr));
		CU_ASSERT(tg_addr_equal(&m.quoted.raddr, &w.b.peer));
		CU_ASSERT(tg_addr_equal(&ip.dst, &w.b.addr));
		w_say(&w.c, TG_TCP_ACK, "abc", 3);
		s = w_hear_ctl(&w.b, TG_TCP_ACK);
		icmp(W_INSIDE, type, code, 1400, &s, s.seg.seq.v);
		m = heard_icmp(W_OUTSIDE, &ip);
		CU_ASSERT_EQUAL(m.quoted_seq.v, 1001);
		CU_ASSERT(tg_addr_equal(&m.quoted.laddr, &w.c.addr));
		CU_ASSERT(tg_addr_equal(&m.quoted.raddr, &w.c.peer));
		CU_ASSERT(tg_addr_equal(&ip.src, &w.c.peer));
		icmp(W_INSIDE, w.v6 ? 1 : 3, w.v6 ? 4 : 3, 0, &s, s.seg.seq.v); /* hard: noted */
		CU_ASSERT_EQUAL(w_stats().splice[TG_SPLICE_SPLICED], 1);
		CU_ASSERT_EQUAL(w_ctr(TG_CTR_splice_ptb), 2);
		w_close();
		host_tick(&w.h, 60000);
		w_end();
	}
}

/* --- SP-10 --- */

/* SP-10: two ends that answer each other for ever are stopped after ten. */
static void test_spliced_ackLoop_stopsAfterTen(void)
{
	uint32_t passed = 0;

	w_begin(false, false);
	w_open();
	w_say(&w.c, TG_TCP_ACK, NULL, 0);
	w_hear_ctl(&w.b, TG_TCP_ACK);
	for (uint32_t i = 0; i < 50; i++) {
		w_say(&w.c, TG_TCP_ACK, NULL, 0);
		if (w_waiting(&w.b) == 0)
			break;
		w_hear_ctl(&w.b, TG_TCP_ACK);
		passed++;
		w_say(&w.b, TG_TCP_ACK, NULL, 0);
		if (w_waiting(&w.c))
			w_hear_ctl(&w.c, TG_TCP_ACK);
	}
	CU_ASSERT_EQUAL(passed, 10);
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_splice_ack_storm), 1);
	/* Anything new ends the row. */
	w_say(&w.c, TG_TCP_ACK, "x", 1);
	w_hear_ctl(&w.b, TG_TCP_ACK);
	w_say(&w.c, TG_TCP_ACK, NULL, 0);
	w_hear_ctl(&w.b, TG_TCP_ACK);
	w_close();
	host_tick(&w.h, 60000);
	w_end();
}

/* Probes of a peer's life and their answers are equal for hours. */
static void test_spliced_keepalives_areNoLoop(void)
{
	w_begin(false, false);
	w_open();
	for (uint32_t i = 0; i < 80; i++) {
		static const uint32_t interval_ms[4] = {1000, 2100, 66000, 75000};
		host_tick(&w.h, interval_ms[i / 20]);
		w_raw(&w.c, TG_TCP_ACK, w.c.nxt.v - 1, w.c.rcv.v, NULL, 0);
		w_hear_ctl(&w.b, TG_TCP_ACK);
		w_say(&w.b, TG_TCP_ACK, NULL, 0);
		w_hear_ctl(&w.c, TG_TCP_ACK);
	}
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_splice_ack_storm), 0);
	w_close();
	host_tick(&w.h, 60000);
	w_end();
}

/* One loss, and an equal ACK for each of the segments behind it (RFC 5681 3.2). */
static void test_spliced_dupacks_areNoLoop(void)
{
	w_begin(false, false);
	w_open();
	for (uint32_t i = 0; i < 40; i++) {
		w_say(&w.b, TG_TCP_ACK, "data", 4);
		w_hear(&w.c);
	}
	w.c.rcv = tg_seq_sub(w.c.rcv, 160); /* the first one did not come */
	for (uint32_t i = 0; i < 39; i++) {
		w_say(&w.c, TG_TCP_ACK, NULL, 0);
		w_hear_ctl(&w.b, TG_TCP_ACK);
	}
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_splice_ack_storm), 0);
	w.c.rcv = tg_seq_add(w.c.rcv, 160);
	w_close();
	host_tick(&w.h, 60000);
	w_end();
}

/* --- resets --- */

/* SP-11: exact, it ends both; the other end gets it in its own numbers. */
static void test_spliced_rst_endsBoth(void)
{
	for (int i = 0; i < 2; i++) {
		w_begin(i, true);
		w_open();
		w_say(&w.c, TG_TCP_ACK, "abc", 3); /* not acknowledged: RST at what was sent */
		w_hear(&w.b);
		w_say(&w.c, TG_TCP_RST, NULL, 0);
		CU_ASSERT_EQUAL(w_hear_ctl(&w.b, TG_TCP_RST).seg.seq.v, 1004);
		CU_ASSERT_EQUAL(w_ctr(TG_CTR_splice_rst), 1);
		w_end();

		w_begin(i, false);
		w_open();
		w_say(&w.b, TG_TCP_RST | TG_TCP_ACK, NULL, 0);
		struct w_seg s = w_hear_ctl(&w.c, TG_TCP_RST | TG_TCP_ACK);
		CU_ASSERT_EQUAL(s.seg.seq.v, w.c.rcv.v);
		CU_ASSERT_EQUAL(s.seg.ack.v, 1001);
		w_end();
	}
}

/* RFC 5961: a guess is for the end to judge, and ends nothing here. */
static void test_spliced_rstNotExact_isJudgedByEnd(void)
{
	w_begin(false, false);
	w_open();
	w_raw(&w.c, TG_TCP_RST, 1001 + 100, 0, NULL, 0);
	CU_ASSERT_EQUAL(w_hear_ctl(&w.b, TG_TCP_RST).seg.seq.v, 1101);
	w_raw(&w.b, TG_TCP_RST, w.b.nxt.v - 7, 0, NULL, 0);
	CU_ASSERT_EQUAL(w_hear_ctl(&w.c, TG_TCP_RST).seg.seq.v, w.c.rcv.v - 7);
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_splice_rst_judged), 2);
	CU_ASSERT_EQUAL(w_stats().splice[TG_SPLICE_SPLICED], 1);
	w_say(&w.b, TG_TCP_ACK, "still here", 10);
	CU_ASSERT_EQUAL(w_hear_ctl(&w.c, TG_TCP_ACK).seg.len, 10);
	w_close();
	host_tick(&w.h, 60000);
	w_end();
}

/* TD-18: a RST in TIME-WAIT ends nothing. */
static void test_timeWait_rst_recordStays(void)
{
	w_begin(false, false);
	w_open();
	w_close();
	w_raw(&w.b, TG_TCP_RST, w.b.nxt.v, 0, NULL, 0);
	w_hear_ctl(&w.c, TG_TCP_RST);
	CU_ASSERT_EQUAL(w_stats().splice[TG_SPLICE_TIME_WAIT], 1);
	host_tick(&w.h, 60000);
	w_end();
}

/* --- bad input --- */

/* SP-01, RB-03: a SYN on an open splice goes nowhere; who has lost the connection says so. */
static void test_spliced_syn_isChallengedByUs(void)
{
	w_begin(false, true);
	w_open();
	w_client_options(9);
	w_raw(&w.c, TG_TCP_SYN, 55555, 0, NULL, 0);
	struct w_seg s = w_hear_ctl(&w.c, TG_TCP_ACK);

	CU_ASSERT_EQUAL(s.seg.seq.v, w.c.rcv.v);
	CU_ASSERT_EQUAL(s.seg.ack.v, 1001);
	w_raw(&w.c, TG_TCP_SYN, 55555, 0, NULL, 0); /* RB-08: not each of them */
	w_raw(&w.b, TG_TCP_SYN, 55555, 0, NULL, 0);
	w_raw(&w.c, TG_TCP_SYN | TG_TCP_FIN, 55555, 0, NULL, 0);
	w_silence();
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_syn_in_window), 3);
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_ch_skipped), 2);
	w_raw(&w.c, TG_TCP_RST, s.seg.ack.v, 0, NULL, 0); /* its answer */
	w_hear_ctl(&w.b, TG_TCP_RST);
	w_end();
}

static void test_spliced_badSegments_areDroppedByName(void)
{
	w_begin(false, false);
	w_open();
	w_raw(&w.c, 0, 1001, 0, "x", 1);
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_no_ack), 1);
	w.c.ttl = 1;
	w_raw(&w.c, TG_TCP_ACK, 1001, w.c.rcv.v, "x", 1);
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_splice_ttl), 1);
	w.c.ttl = 64;
	w_silence();
	/* A SYN of the backend's own into the splice of a stranger: another port, no splice. */
	w.b.lport++;
	w_raw(&w.b, TG_TCP_ACK, w.b.nxt.v, 1001, "x", 1);
	w.b.lport--;
	CU_ASSERT_EQUAL(w_waiting(&w.c), 0);
	w.b.kept_n = 0;
	w_close();
	host_tick(&w.h, 60000);
	w_end();
}

/* The option area by hand: an illegal length is dropped here, whatever the ends would do. */
static void test_spliced_malformedOption_isDropped(void)
{
	uint8_t frame[HOST_BUF_LEN];
	const uint8_t *f = frame;
	struct host_peer p;
	uint32_t len;

	w_begin(false, false);
	w_open();
	host_peer(&p, &w.h, W_VPORT, W_CPORT, false);
	p.t.raddr = w.c.addr;
	p.opts.has_ts = 1;
	len = host_build(&p, TG_TCP_ACK, tg_seq_make(1001), w.c.rcv, "x", 1, frame);
	frame[14 + 20 + 20 + 3] = 99; /* the length of TS */
	tg_tcp_csum_put(frame + 34, len - 34, &p.t.raddr, &p.t.laddr, false);
	w.h.rx_port = W_OUTSIDE;
	host_rx(&w.h, &f, &len, 1);
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_splice_bad_option), 1);
	w_silence();
	w_close();
	host_tick(&w.h, 60000);
	w_end();
}

/* What a stranger says in the client's name moves no number of the record. */
static void test_spliced_forgedNumbers_changeNothing(void)
{
	w_begin(false, false);
	w_open();
	w_raw(&w.c, TG_TCP_ACK | TG_TCP_FIN, 0x80000000u, w.c.rcv.v + 100000, "evil", 4);
	w_hear(&w.b); /* for the backend to judge */
	CU_ASSERT_EQUAL(w_stats().splice[TG_SPLICE_SPLICED], 1);
	w_raw(&w.c, TG_TCP_RST, 0x80000000u + 5, 0, NULL, 0);
	w_hear_ctl(&w.b, TG_TCP_RST);
	CU_ASSERT_EQUAL(w_stats().splice[TG_SPLICE_SPLICED], 1);
	w_close();
	host_tick(&w.h, 60000);
	w_end();
}

/* Transparent: what comes for another host and is no splice's is not ours. */
static void test_foreign_noSplice_isDropped(void)
{
	w_begin(false, true);
	w_open();
	w.b.rport++;
	w_raw(&w.b, TG_TCP_ACK, 1, 2, "x", 1);
	w_raw(&w.b, TG_TCP_SYN, 1, 2, NULL, 0);
	w.b.rport--;
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_bad_dst), 2);
	w.c.peer = w.b.addr; /* nor does a client reach a backend through us */
	w_raw(&w.c, TG_TCP_SYN, 1, 2, NULL, 0);
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_bad_dst), 3);
	w.c.peer = w.h.conf.port[0].addr[0].addr;
	w_silence();
	w_close();
	host_tick(&w.h, 60000);
	w_end();
}

/* --- pools --- */

static void test_listen_noBackend_resetOrSilence(void)
{
	for (uint8_t how = TG_REFUSE_DROP; how <= TG_REFUSE_RST; how++) {
		w_defaults(false, false);
		w.pool.backend_n = 0;
		w.pool.dead = how;
		w_start();
		w_raw(&w.c, TG_TCP_SYN, 1000, 0, NULL, 0);
		CU_ASSERT_EQUAL(w_ctr(TG_CTR_pool_dead), 1);
		if (how == TG_REFUSE_RST)
			CU_ASSERT_EQUAL(w_hear_ctl(&w.c, TG_TCP_RST | TG_TCP_ACK).seg.ack.v, 1001);
		w_silence();
		w_end();
	}
}

/* The last backend goes between the SYN and its ACK. */
static void test_listen_backendGone_ackIsReset(void)
{
	struct tg_pool_conf none;

	w_begin(false, false);
	none = w.pool;
	none.backend_n = 0;
	w_client_options(W_CTS);
	w_client_syn();
	CU_ASSERT_EQUAL(tg_engine_pool_set(w.h.e, 0, &none), 0);
	w_say(&w.c, TG_TCP_ACK, NULL, 0);
	expect_refusal();
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_pool_dead), 1);
	w_end();
}

/* A backend that is declared down: its clients are told, exactly where nothing was lost. */
static void test_spliced_backendDown_clientsAreReset(void)
{
	w_begin(false, false);
	w_open();
	w_say(&w.b, TG_TCP_ACK, "xyz", 3);
	w_hear(&w.c);
	tg_splices_doom(w.h.e, 0, 0);
	CU_ASSERT_EQUAL(tg_engine_next_deadline(w.h.e), 0);
	host_tick(&w.h, 0);
	struct w_seg s = w_hear_ctl(&w.c, TG_TCP_RST | TG_TCP_ACK);

	CU_ASSERT_EQUAL(s.seg.seq.v, w.c.rcv.v);
	CU_ASSERT_EQUAL(s.seg.ack.v, 1001);
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_splice_doomed), 1);
	w_silence();
	w_end();
}

/* Full: those in TIME-WAIT give way, then the client is told. */
static void test_listen_full_oldestTimeWaitGoes(void)
{
	w_defaults(false, false);
	w.h.conf.splice_max = 2;
	w_start();
	w_open();
	w_close();
	for (uint32_t i = 0; i < 2; i++) {
		w.c.lport++;
		w.c.nxt = tg_seq_make(1000);
		w.b.nxt = tg_seq_make(7000);
		w_open();
	}
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_splice_tw_evicted), 1);
	CU_ASSERT_EQUAL(w_stats().splice[TG_SPLICE_SPLICED], 2);
	w.c.lport++;
	w.c.nxt = tg_seq_make(1000);
	w_client_options(W_CTS);
	w_client_syn();
	w_say(&w.c, TG_TCP_ACK, NULL, 0);
	expect_refusal();
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_splice_full), 1);
	/* The end of all: each side hears of it. */
	tg_engine_abort_all(w.h.e);
	host_tick(&w.h, 10);
	for (uint32_t i = 0; i < 2; i++) {
		CU_ASSERT(w_hear(&w.c).seg.ctl & TG_TCP_RST);
		CU_ASSERT(w_hear(&w.b).seg.ctl & TG_TCP_RST);
	}
	w_silence();
	w_end();
}

/* --- time --- */

static void test_spliced_idle_bothAreReset(void)
{
	w_defaults(true, false);
	w.h.conf.splice_idle_ms = 100000;
	w_start();
	w_open();
	host_tick(&w.h, 90000);
	w_say(&w.c, TG_TCP_ACK, "x", 1);
	w_hear(&w.b);
	host_tick(&w.h, 100000);
	CU_ASSERT_EQUAL(w_stats().splice[TG_SPLICE_SPLICED], 1);
	host_tick(&w.h, 512);
	CU_ASSERT_EQUAL(w_hear_ctl(&w.c, TG_TCP_RST | TG_TCP_ACK).seg.seq.v, w.c.rcv.v);
	struct w_seg s = w_hear_ctl(&w.b, TG_TCP_RST | TG_TCP_ACK);

	CU_ASSERT_EQUAL(s.seg.seq.v, 1002);
	CU_ASSERT_EQUAL(s.seg.ack.v, w.b.nxt.v);
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_splice_idle), 1);
	w_end();
}

/* Hours and days, in which probes get no answer. */
static void wait(uint64_t ms)
{
	const uint64_t hour = 3600000;

	for (; ms; ms -= ms < hour ? ms : hour) {
		host_tick(&w.h, ms < hour ? ms : hour);
		w_collect();
		for (uint32_t i = 0; i < w.b.kept_n;) {
			struct w_seg *s = &w.b.kept[i];
			if (s->seg.ctl == TG_TCP_SYN)
				memmove(s, s + 1, (--w.b.kept_n - i) * sizeof(*s));
			else
				i++;
		}
	}
}

/* Days, which no stamp of 16 bits can tell. */
static void test_spliced_idleForDays_endsThen(void)
{
	const uint64_t hour = 3600000, day = 24 * hour;

	w_defaults(false, false);
	w.h.conf.splice_idle_ms = (uint32_t)(3 * day);
	w.pool.fall = 255;
	w_start();
	w_open();
	wait(2 * day);
	w_say(&w.c, TG_TCP_ACK, "x", 1);
	w_hear(&w.b);
	wait(3 * day - hour);
	CU_ASSERT_EQUAL(w_stats().splice[TG_SPLICE_SPLICED], 1);
	wait(hour + 30000);
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_splice_idle), 1);
	w_hear_ctl(&w.c, TG_TCP_RST | TG_TCP_ACK);
	w_hear_ctl(&w.b, TG_TCP_RST | TG_TCP_ACK);
	w_end();
}

/* Without a limit it stays. */
static void test_spliced_idleWithoutLimit_stays(void)
{
	w_defaults(false, true);
	w.h.conf.splice_idle_ms = 0;
	w.pool.fall = 255;
	w_start();
	w_open();
	wait(20ull * 24 * 3600000);
	CU_ASSERT_EQUAL(w_stats().splice[TG_SPLICE_SPLICED], 1);
	w_say(&w.c, TG_TCP_ACK, "x", 1);
	CU_ASSERT_EQUAL(w_hear(&w.b).seg.len, 1);
	w_close();
	host_tick(&w.h, 60000);
	w_end();
}

/* Windows that open bit by bit are news each time. */
static void test_spliced_windowUpdates_areNoLoop(void)
{
	w_begin(false, false);
	w_open();
	for (uint16_t i = 0; i < 40; i++) {
		w.c.said.wnd = i;
		w_say(&w.c, TG_TCP_ACK, NULL, 0);
		CU_ASSERT_EQUAL(w_hear_ctl(&w.b, TG_TCP_ACK).seg.wnd, i);
	}
	w_close();
	host_tick(&w.h, 60000);
	w_end();
}

/* ADV-57: what is spliced counts for its source, until both have closed. */
static void test_listen_sourceHasEnough_ackIsRefused(void)
{
	w_defaults(false, false);
	w.h.conf.source_max = 1;
	w_start();
	w_open();
	w.c.lport++;
	tg_seq nxt = w.c.nxt, rcv = w.c.rcv;
	w_raw(&w.c, TG_TCP_SYN, 1000, 0, NULL, 0);
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_source_limited), 1);
	w_silence();
	w.c.lport--;
	w.c.nxt = nxt, w.c.rcv = rcv;
	w_close();
	w.c.lport++;
	w_raw(&w.c, TG_TCP_SYN, 1000, 0, NULL, 0);
	w_hear_ctl(&w.c, TG_TCP_SYN | TG_TCP_ACK);
	host_tick(&w.h, 120000);
	w.c.kept_n = 0;
	w_end();
}

/* Both have closed, and one of them never acknowledges: four minutes, not hours. */
static void test_closing_lastAckNeverComes_endsSoon(void)
{
	w_begin(false, true);
	w_open();
	w_say(&w.c, TG_TCP_FIN | TG_TCP_ACK, NULL, 0);
	w_hear(&w.b);
	w_say(&w.b, TG_TCP_FIN | TG_TCP_ACK, NULL, 0);
	w_hear(&w.c);
	host_tick(&w.h, 240000);
	CU_ASSERT_EQUAL(w_stats().splice[TG_SPLICE_CLOSING], 1);
	host_tick(&w.h, 3000);
	w_hear_ctl(&w.c, TG_TCP_RST | TG_TCP_ACK);
	w_hear_ctl(&w.b, TG_TCP_RST | TG_TCP_ACK);
	w_end();
}

/* No room in out[]: nothing is lost that is not repeated. */
static void test_opening_noRoomForAnswer_synAckIsRepeated(void)
{
	w_begin(false, false);
	ask();
	w_say(&w.c, TG_TCP_ACK, "a", 1);
	w.h.out_max = 2;
	w.b.said.opts = w_all(W_BTS, W_CTS);
	w_say(&w.b, TG_TCP_SYN | TG_TCP_ACK, NULL, 0);
	w_silence();
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_tx_no_buffer), 1);
	w.h.out_max = 2 * TG_BURST_MAX;
	w_raw(&w.b, TG_TCP_SYN | TG_TCP_ACK, w.b.nxt.v - 1, 1001, NULL, 0);
	CU_ASSERT_EQUAL(w_hear_ctl(&w.b, TG_TCP_ACK).seg.len, 1);
	w_hear_ctl(&w.c, TG_TCP_ACK);
	w_ts(&w.b, true, W_BTS + 1, W_CTS);
	w_close();
	host_tick(&w.h, 60000);
	w_end();
}

int main(int argc, char **argv)
{
	static const struct tg_test tests[] = {
	    {"opening_backendRefuses_clientIsReset", test_opening_backendRefuses_clientIsReset},
	    {"opening_rstThatAcksNothing_isDropped", test_opening_rstThatAcksNothing_isDropped},
	    {"opening_backendSilent_threeTriesThenReset",
	     test_opening_backendSilent_threeTriesThenReset},
	    {"opening_backendLate_opens", test_opening_backendLate_opens},
	    {"closed_synAckAfterTimeout_isReset", test_closed_synAckAfterTimeout_isReset},
	    {"opening_challengeAck_oldConnectionIsReset",
	     test_opening_challengeAck_oldConnectionIsReset},
	    {"opening_icmpHard_clientIsReset", test_opening_icmpHard_clientIsReset},
	    {"spliced_packetTooBig_reachesItsEnd", test_spliced_packetTooBig_reachesItsEnd},
	    {"spliced_ackLoop_stopsAfterTen", test_spliced_ackLoop_stopsAfterTen},
	    {"spliced_keepalives_areNoLoop", test_spliced_keepalives_areNoLoop},
	    {"spliced_dupacks_areNoLoop", test_spliced_dupacks_areNoLoop},
	    {"spliced_rst_endsBoth", test_spliced_rst_endsBoth},
	    {"spliced_rstNotExact_isJudgedByEnd", test_spliced_rstNotExact_isJudgedByEnd},
	    {"timeWait_rst_recordStays", test_timeWait_rst_recordStays},
	    {"spliced_syn_isChallengedByUs", test_spliced_syn_isChallengedByUs},
	    {"spliced_badSegments_areDroppedByName", test_spliced_badSegments_areDroppedByName},
	    {"spliced_malformedOption_isDropped", test_spliced_malformedOption_isDropped},
	    {"spliced_forgedNumbers_changeNothing", test_spliced_forgedNumbers_changeNothing},
	    {"foreign_noSplice_isDropped", test_foreign_noSplice_isDropped},
	    {"listen_noBackend_resetOrSilence", test_listen_noBackend_resetOrSilence},
	    {"listen_backendGone_ackIsReset", test_listen_backendGone_ackIsReset},
	    {"spliced_backendDown_clientsAreReset", test_spliced_backendDown_clientsAreReset},
	    {"listen_full_oldestTimeWaitGoes", test_listen_full_oldestTimeWaitGoes},
	    {"spliced_idle_bothAreReset", test_spliced_idle_bothAreReset},
	    {"spliced_idleForDays_endsThen", test_spliced_idleForDays_endsThen},
	    {"spliced_idleWithoutLimit_stays", test_spliced_idleWithoutLimit_stays},
	    {"spliced_windowUpdates_areNoLoop", test_spliced_windowUpdates_areNoLoop},
	    {"listen_sourceHasEnough_ackIsRefused", test_listen_sourceHasEnough_ackIsRefused},
	    {"closing_lastAckNeverComes_endsSoon", test_closing_lastAckNeverComes_endsSoon},
	    {"opening_noRoomForAnswer_synAckIsRepeated",
	     test_opening_noRoomForAnswer_synAckIsRepeated},
	};

	return tg_test_main("splice_ends", tests, TG_TEST_N(tests), argc, argv);
}
