/* SPDX-License-Identifier: BSD-3-Clause */
/* test_splice.c: a client and a backend spliced, seen from both ends: opening, numbers, closing
 * (SP-01..SP-08, SP-11). */
#include "splice_world.h"

/* --- SP-01 --- */

/* SP-01: the backend hears nothing before the client's ACK, then a SYN with the client's number. */
static void open_as(bool v6, bool transparent, uint8_t cookies)
{
	struct w_seg s;

	w_defaults(v6, transparent);
	w.listener.syn_cookies = cookies;
	w_start();
	w_client_options(W_CTS);
	s = w_client_syn();
	CU_ASSERT_EQUAL(w_waiting(&w.b), 0);
	CU_ASSERT_NOT_EQUAL(s.seg.wnd, 0); /* SP-08: so nothing has to be opened later */
	w_say(&w.c, TG_TCP_ACK, NULL, 0);
	struct w_seg syn = w_backend_syn();

	CU_ASSERT_EQUAL(syn.seg.seq.v, 1000);
	CU_ASSERT_EQUAL(tg_addr_equal(&syn.t.raddr, &w.c.addr), transparent);
	CU_ASSERT_EQUAL(syn.t.raddr.b[15] == 1, !transparent);
	if (transparent)
		CU_ASSERT_EQUAL(syn.t.rport, W_CPORT);
	CU_ASSERT_EQUAL(syn.seg.opts.has_ts, s.seg.opts.has_ts);
	CU_ASSERT_EQUAL(syn.seg.opts.has_sack_perm, s.seg.opts.has_sack_perm);
	CU_ASSERT_EQUAL(syn.seg.opts.has_wscale, s.seg.opts.has_wscale);
	struct w_seg ack = w_backend_answers(w_all(W_BTS, W_CTS + 1));

	CU_ASSERT_EQUAL(ack.seg.seq.v, 1001);
	CU_ASSERT_EQUAL(ack.seg.ack.v, w.b.nxt.v);
	if (w_waiting(&w.c))
		w_hear_ctl(&w.c, TG_TCP_ACK);
	w_ts(&w.b, s.seg.opts.has_ts, W_BTS + 5, W_CTS + 1);
	w_say(&w.b, TG_TCP_ACK | TG_TCP_PSH, "hello", 5);
	s = w_hear_ctl(&w.c, TG_TCP_ACK | TG_TCP_PSH);
	CU_ASSERT_EQUAL(s.seg.len, 5);
	CU_ASSERT_EQUAL(memcmp(s.text, "hello", 5), 0);
	CU_ASSERT_EQUAL(s.seg.ack.v, 1001);
	CU_ASSERT_EQUAL(s.ip.ttl, 63);
	w_say(&w.c, TG_TCP_ACK | TG_TCP_PSH, "world!", 6);
	s = w_hear_ctl(&w.b, TG_TCP_ACK | TG_TCP_PSH);
	CU_ASSERT_EQUAL(memcmp(s.text, "world!", 6), 0);
	CU_ASSERT_EQUAL(s.seg.ack.v, w.b.nxt.v);
	CU_ASSERT_EQUAL(w_stats().conn_count, 0);
	CU_ASSERT_EQUAL(w_stats().splice[TG_SPLICE_SPLICED], 1);
	w_close();
	host_tick(&w.h, 60000);
	w_silence();
	w_end();
}

static void test_listen_ack_opensToBackend(void)
{
	for (int i = 0; i < 4; i++)
		open_as(i & 1, i & 2, TG_COOKIES_AUTO);
}

static void test_listen_cookieAck_opensToBackend(void)
{
	for (int i = 0; i < 4; i++)
		open_as(i & 1, i & 2, TG_COOKIES_ALWAYS);
}

/* --- numbers --- */

/* SP-02, SP-03: what each end gets is what it would have got from the other, in its own numbers. */
static void test_spliced_numbers_areTheReceivers(void)
{
	w_begin(false, false);
	uint32_t promised = w_open();
	uint32_t rcv = w.c.rcv.v;

	w_say(&w.b, TG_TCP_ACK, "abcdefgh", 8);
	struct w_seg s = w_hear_ctl(&w.c, TG_TCP_ACK);

	CU_ASSERT_EQUAL(s.seg.seq.v, rcv);
	CU_ASSERT_EQUAL(s.seg.opts.tsval, promised + 5); /* SP-03 */
	CU_ASSERT_EQUAL(s.seg.opts.tsecr, W_CTS + 1);
	w_ts(&w.c, true, W_CTS + 40, s.seg.opts.tsval);
	w_say(&w.c, TG_TCP_ACK, NULL, 0);
	s = w_hear_ctl(&w.b, TG_TCP_ACK);
	CU_ASSERT_EQUAL(s.seg.ack.v, w.b.nxt.v);
	CU_ASSERT_EQUAL(s.seg.opts.tsval, W_CTS + 40);
	CU_ASSERT_EQUAL(s.seg.opts.tsecr, W_BTS + 5);
	CU_ASSERT_EQUAL(s.seg.seq.v, 1001);
	w_close();
	host_tick(&w.h, 60000);
	w_end();
}

/* SP-02: three SACK blocks, beside a timestamp, and across the wrap of the backend's numbers. */
static void test_spliced_sackAcrossWrap_bothEdgesMove(void)
{
	w_begin(true, false);
	w_open();
	uint32_t base = w.c.rcv.v, bbase = w.b.nxt.v;

	CU_ASSERT(bbase > 0xffffff00u);
	w.c.said.opts.sack_n = 3;
	for (uint32_t i = 0; i < 3; i++) {
		w.c.said.opts.sack[i].left = tg_seq_make(base + 10 + 20 * i);
		w.c.said.opts.sack[i].right = tg_seq_make(base + 20 + 20 * i);
	}
	w_say(&w.c, TG_TCP_ACK, NULL, 0);
	struct w_seg s = w_hear_ctl(&w.b, TG_TCP_ACK);

	CU_ASSERT_EQUAL(s.seg.opts.sack_n, 3);
	for (uint32_t i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(s.seg.opts.sack[i].left.v, bbase + 10 + 20 * i);
		CU_ASSERT_EQUAL(s.seg.opts.sack[i].right.v, bbase + 20 + 20 * i);
	}
	w.c.said.opts.sack_n = 0;
	w_close();
	host_tick(&w.h, 60000);
	w_end();
}

/* --- options --- */

static struct tg_tcp_opts less(struct tg_tcp_opts o, bool ts, bool sack, bool ws)
{
	o.has_ts = ts, o.has_sack_perm = sack, o.has_wscale = ws;
	return o;
}

/* SP-04: what the backend was found not to have is not promised. */
static void test_listen_syn_promisesWhatBackendHas(void)
{
	for (uint32_t i = 0; i < 8; i++) {
		w_defaults(i & 1, false);
		w.profile = less(w.profile, i & 1, i & 2, i & 4);
		w.profile.mss = (uint16_t)(1000 + i);
		w_start();
		w_client_options(W_CTS);
		struct w_seg s = w_client_syn();
		CU_ASSERT_EQUAL(s.seg.opts.has_ts, (i & 1) != 0);
		CU_ASSERT_EQUAL(s.seg.opts.has_sack_perm, (i & 2) != 0);
		CU_ASSERT_EQUAL(s.seg.opts.has_wscale, (i & 4) != 0);
		CU_ASSERT_EQUAL(s.seg.opts.mss, 1000 + i); /* SP-06 */
		w_say(&w.c, TG_TCP_ACK, NULL, 0);
		s = w_backend_syn();
		CU_ASSERT_EQUAL(s.seg.opts.has_ts, (i & 1) != 0);
		CU_ASSERT_EQUAL(s.seg.opts.has_sack_perm, (i & 2) != 0);
		CU_ASSERT_EQUAL(s.seg.opts.has_wscale, (i & 4) != 0);
		CU_ASSERT_EQUAL(s.seg.opts.mss, 1400); /* SP-06: the client's */
		w_say(&w.c, TG_TCP_RST, NULL, 0);
		w_hear_ctl(&w.b, TG_TCP_RST);
		w_end();
	}
}

/* SP-04, SP-05: the backend has less than it was known to have; blocks are taken out, windows are
 * meant otherwise. */
static void test_opening_synAckLacksSackAndScale_flowWorks(void)
{
	w_begin(false, false);
	w_client_options(W_CTS);
	w_client_syn();
	w_say(&w.c, TG_TCP_ACK, NULL, 0);
	w_backend_syn();
	struct w_seg s = w_backend_answers(less(w_all(W_BTS, W_CTS), true, false, false));

	/* 60000 << 6 is more than the field can say without a scale. */
	CU_ASSERT_EQUAL(s.seg.wnd, 65535);
	s = w_hear_ctl(&w.c, TG_TCP_ACK);
	CU_ASSERT_EQUAL(s.seg.wnd, 50000 >> 7); /* SP-05: not 65536, which it was told */
	w_ts(&w.b, true, W_BTS + 1, W_CTS);
	w_say(&w.b, TG_TCP_ACK, "x", 1);
	CU_ASSERT_EQUAL(w_hear_ctl(&w.c, TG_TCP_ACK).seg.wnd, 390);
	w.c.said.wnd = 3;
	w.c.said.opts.sack_n = 1;
	w.c.said.opts.sack[0] = (struct tg_sack_block){w.c.rcv, tg_seq_add(w.c.rcv, 5)};
	w_say(&w.c, TG_TCP_ACK, NULL, 0);
	s = w_hear_ctl(&w.b, TG_TCP_ACK);
	CU_ASSERT_EQUAL(s.seg.opts.sack_n, 0);
	CU_ASSERT(s.seg.opts.has_ts);
	CU_ASSERT_EQUAL(s.seg.wnd, 3 << 6);
	w.c.said.opts.sack_n = 0;
	w_close();
	host_tick(&w.h, 60000);
	w_end();
}

/* SP-05: another scale than promised: rounded down, so that the offer is never exceeded. */
static void test_spliced_otherScale_windowNeverAbove(void)
{
	struct tg_tcp_opts o;

	w_begin(false, false);
	w_client_options(W_CTS);
	w_client_syn();
	w_say(&w.c, TG_TCP_ACK, NULL, 0);
	w_backend_syn();
	o = w_all(W_BTS, W_CTS);
	o.wscale = 2;
	w_backend_answers(o);
	w_hear_ctl(&w.c, TG_TCP_ACK);
	w_ts(&w.b, true, W_BTS + 1, W_CTS);
	for (uint32_t wnd = 0; wnd < 65536; wnd += 257) {
		w.b.said.wnd = (uint16_t)wnd;
		w_say(&w.b, TG_TCP_ACK, "x", 1);
		struct w_seg s = w_hear_ctl(&w.c, TG_TCP_ACK);
		CU_ASSERT((uint32_t)s.seg.wnd << 7 <= wnd << 2);
		CU_ASSERT((uint32_t)(s.seg.wnd + 1) << 7 > wnd << 2);
	}
	w_close();
	host_tick(&w.h, 60000);
	w_end();
}

/* SP-04: timestamps cannot be taken back: both are told, with the number that each expects. */
static void test_opening_synAckLacksTimestamps_bothReset(void)
{
	w_begin(false, true);
	w_client_options(W_CTS);
	w_client_syn();
	w_say(&w.c, TG_TCP_ACK, NULL, 0);
	w_backend_syn();
	w.b.said.opts = less(w.profile, false, true, true);
	w_say(&w.b, TG_TCP_SYN | TG_TCP_ACK, NULL, 0);
	struct w_seg s = w_hear_ctl(&w.b, TG_TCP_RST);

	CU_ASSERT_EQUAL(s.seg.seq.v, 1001);
	s = w_hear_ctl(&w.c, TG_TCP_RST | TG_TCP_ACK);
	CU_ASSERT_EQUAL(s.seg.seq.v, w.c.rcv.v);
	CU_ASSERT_EQUAL(s.seg.ack.v, 1001);
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_splice_ts_missing), 1);
	w_end();
}

/* SP-06: a segment that is longer than the backend takes goes on as several. */
static void test_spliced_longSegment_isCut(void)
{
	uint8_t text[1400], got[1400];
	struct tg_tcp_opts o;
	uint32_t at = 0;

	for (uint32_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)(i * 7);
	w_begin(true, false);
	w_client_options(W_CTS);
	w_client_syn();
	w_say(&w.c, TG_TCP_ACK, NULL, 0);
	w_backend_syn();
	o = w_all(W_BTS, W_CTS);
	o.mss = 512;
	w_backend_answers(o);
	while (w_waiting(&w.c))
		w_hear(&w.c);
	w_ts(&w.b, true, W_BTS + 1, W_CTS);
	w_say(&w.c, TG_TCP_ACK | TG_TCP_PSH | TG_TCP_FIN, text, sizeof(text));
	while (w_waiting(&w.b)) {
		struct w_seg s = w_hear(&w.b);
		CU_ASSERT(s.seg.len + 12 <= 512);
		CU_ASSERT_EQUAL(s.seg.seq.v, 1001 + at);
		CU_ASSERT_FATAL(at + s.seg.len <= sizeof(got));
		memcpy(got + at, s.text, s.seg.len);
		at += s.seg.len;
		CU_ASSERT_EQUAL((s.seg.ctl & TG_TCP_FIN) != 0, at == sizeof(text));
		CU_ASSERT_EQUAL((s.seg.ctl & TG_TCP_PSH) != 0, at == sizeof(text));
		CU_ASSERT(s.seg.opts.has_ts);
	}
	CU_ASSERT_EQUAL(at, sizeof(text));
	CU_ASSERT_EQUAL(memcmp(text, got, sizeof(text)), 0);
	w_say(&w.b, TG_TCP_FIN | TG_TCP_ACK, NULL, 0);
	w_hear_ctl(&w.c, TG_TCP_FIN | TG_TCP_ACK);
	w_say(&w.c, TG_TCP_ACK, NULL, 0);
	w_hear_ctl(&w.b, TG_TCP_ACK);
	host_tick(&w.h, 60000);
	w_end();
}

/* --- headers --- */

/* A tag on one side, and what stands between IP and TCP, belong to their link and stay there; what
 * the sender said of fragments, priority and flow travels. */
static void test_spliced_tagAndIpOptions_stayBehind(void)
{
	for (int i = 0; i < 8; i++) {
		uint8_t text[1300];
		w_defaults(i & 1, i & 2);
		w.h.conf.port[W_INSIDE].vlan = (i & 4) ? 7 : 0;
		w.h.conf.port[W_OUTSIDE].vlan = (i & 4) ? 0 : 9;
		w_start();
		w_open();
		w.ip_options = true;
		memset(text, 'a' + i, sizeof(text));
		w_say(&w.c, TG_TCP_ACK, text, sizeof(text));
		struct w_seg s = w_hear_ctl(&w.b, TG_TCP_ACK);
		CU_ASSERT_EQUAL(s.seg.len, sizeof(text));
		CU_ASSERT_EQUAL(memcmp(s.text, text, sizeof(text)), 0);
		CU_ASSERT_EQUAL(s.ip.hdr_len, w.v6 ? 40 : 20);
		CU_ASSERT_EQUAL(s.ip.frag_id, w.v6 ? 0 : 77);
		w_say(&w.b, TG_TCP_ACK, text, sizeof(text));
		s = w_hear_ctl(&w.c, TG_TCP_ACK);
		CU_ASSERT_EQUAL(s.seg.len, sizeof(text));
		CU_ASSERT_EQUAL(s.ip.hdr_len, w.v6 ? 40 : 20);
		w_close();
		host_tick(&w.h, 60000);
		w_end();
	}
}

/* Ways of different widths: what does not fit goes on in pieces, so nothing gets stuck. */
static void test_spliced_narrowPort_segmentsAreCut(void)
{
	uint8_t text[1300];
	uint32_t at = 0;

	w_defaults(false, false);
	w.h.conf.port[W_OUTSIDE].mtu = 1280;
	w_start();
	w_client_options(W_CTS);
	w_client_syn();
	w_say(&w.c, TG_TCP_ACK, NULL, 0);
	CU_ASSERT_EQUAL(w_backend_syn().seg.opts.mss, 1240); /* SP-06: the path */
	w_backend_answers(w_all(W_BTS, W_CTS));
	while (w_waiting(&w.c))
		w_hear(&w.c);
	w_ts(&w.b, true, W_BTS + 1, W_CTS);
	memset(text, 'x', sizeof(text));
	w_say(&w.b, TG_TCP_ACK, text, sizeof(text)); /* all the same */
	while (w_waiting(&w.c)) {
		struct w_seg s = w_hear(&w.c);
		CU_ASSERT(s.ip.hdr_len + s.ip.payload_len <= 1280);
		at += s.seg.len;
	}
	CU_ASSERT_EQUAL(at, sizeof(text));
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_splice_cut), 2);
	w_close();
	host_tick(&w.h, 60000);
	w_end();
}

/* --- SP-07 --- */

/* SP-07: ten segments at once, the first with the handshake's ACK: all reach the backend in order,
 * none is acknowledged by us. */
static void test_opening_tenSegments_reachBackendInOrder(void)
{
	uint8_t text[1388];

	w_begin(false, false);
	w_client_options(W_CTS);
	w_client_syn();
	for (uint32_t i = 0; i < 10; i++) {
		memset(text, (int)i, sizeof(text));
		w_say(&w.c, TG_TCP_ACK, text, sizeof(text));
	}
	CU_ASSERT_EQUAL(w_stats().splice_held, 10);
	CU_ASSERT_EQUAL(w_waiting(&w.c), 0);
	w_backend_syn();
	CU_ASSERT_EQUAL(w_waiting(&w.b), 0);
	w_backend_agrees(w_all(W_BTS, W_CTS));
	w_hear_ctl(&w.c, TG_TCP_ACK);
	w_ts(&w.b, true, W_BTS + 1, W_CTS);
	for (uint32_t i = 0; i < 10; i++) {
		struct w_seg s = w_hear_ctl(&w.b, TG_TCP_ACK);
		CU_ASSERT_EQUAL(s.seg.seq.v, 1001 + i * sizeof(text));
		CU_ASSERT_EQUAL(s.seg.len, sizeof(text));
		CU_ASSERT_EQUAL(s.text[0], i);
		CU_ASSERT_EQUAL(s.seg.ack.v, w.b.nxt.v); /* the first one opens there */
		CU_ASSERT_EQUAL(s.seg.opts.tsecr, W_BTS);
	}
	w_say(&w.b, TG_TCP_ACK, NULL, 0);
	CU_ASSERT_EQUAL(w_hear_ctl(&w.c, TG_TCP_ACK).seg.ack.v, w.c.nxt.v);
	w_close();
	host_tick(&w.h, 60000);
	w_end();
}

/* The bound: more than a record may hold is dropped and counted, and so is what comes twice. */
static void test_opening_tooMuch_isDroppedAndCounted(void)
{
	w_begin(false, true);
	w_client_options(W_CTS);
	w_client_syn();
	for (uint32_t i = 0; i < 20; i++)
		w_say(&w.c, TG_TCP_ACK, "abc", 3);
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_splice_early), 16);
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_splice_early_full), 4);
	w_raw(&w.c, TG_TCP_ACK, 1001, w.c.rcv.v, "abc", 3); /* its retransmission */
	CU_ASSERT_EQUAL(w_stats().splice_held, 16);
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_splice_early_full), 4);
	w_backend_syn();
	w_say(&w.c, TG_TCP_RST, NULL, 0);
	/* Not exact: four segments are not ours. */
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_rst_rcvd_oow), 1);
	w_raw(&w.c, TG_TCP_RST, 1001, 0, NULL, 0);
	CU_ASSERT_EQUAL(w_hear_ctl(&w.b, TG_TCP_RST).seg.seq.v, 1001);
	w_end();
}

/* A FIN before its turn waits as text does. */
static void test_opening_fin_isHeldToo(void)
{
	w_begin(true, true);
	w_client_options(W_CTS);
	w_client_syn();
	w_say(&w.c, TG_TCP_ACK | TG_TCP_FIN, "bye", 3);
	w_backend_syn();
	w_backend_agrees(w_all(W_BTS, W_CTS));
	w_hear_ctl(&w.c, TG_TCP_ACK);
	struct w_seg s = w_hear_ctl(&w.b, TG_TCP_ACK | TG_TCP_FIN);

	CU_ASSERT_EQUAL(s.seg.len, 3);
	w_ts(&w.b, true, W_BTS + 1, W_CTS);
	w_say(&w.b, TG_TCP_FIN | TG_TCP_ACK, NULL, 0);
	w_hear_ctl(&w.c, TG_TCP_FIN | TG_TCP_ACK);
	w_say(&w.c, TG_TCP_ACK, NULL, 0);
	w_hear_ctl(&w.b, TG_TCP_ACK);
	CU_ASSERT_EQUAL(w_stats().splice[TG_SPLICE_TIME_WAIT], 1);
	host_tick(&w.h, 60000);
	w_end();
}

/* What the backend does not wait for opens nothing there: the ACK goes, too. */
static void test_opening_heldTextBehindAHole_isNoAck(void)
{
	w_begin(false, true);
	w_client_options(W_CTS);
	w_client_syn();
	w_say(&w.c, TG_TCP_ACK, NULL, 0);
	w_backend_syn();
	w_raw(&w.c, TG_TCP_ACK, 1004, w.c.rcv.v, "def", 3);
	CU_ASSERT_EQUAL(w_stats().splice_held, 1);
	w_backend_agrees(w_all(W_BTS, W_CTS));
	CU_ASSERT_EQUAL(w_hear_ctl(&w.b, TG_TCP_ACK).seg.seq.v, 1004);
	struct w_seg s = w_hear_ctl(&w.b, TG_TCP_ACK);

	CU_ASSERT_EQUAL(s.seg.len, 0);
	CU_ASSERT_EQUAL(s.seg.seq.v, 1001);
	CU_ASSERT_EQUAL(s.seg.ack.v, w.b.nxt.v);
	w_hear_ctl(&w.c, TG_TCP_ACK);
	w_silence();
	w_raw(&w.c, TG_TCP_RST, 1007, 0, NULL, 0);
	w_hear_ctl(&w.b, TG_TCP_RST);
	w_end();
}

/* Nor does what has no room there: RFC 9293 3.10.7.4 has the segment tested before its ACK. */
static void test_opening_heldTextAndWindow0_isNoAck(void)
{
	w_begin(true, false);
	w_client_options(W_CTS);
	w_client_syn();
	w_say(&w.c, TG_TCP_ACK, "abc", 3);
	w_backend_syn();
	w.b.said.wnd = 0;
	w_backend_agrees(w_all(W_BTS, W_CTS));
	CU_ASSERT_EQUAL(w_hear_ctl(&w.b, TG_TCP_ACK).seg.len, 3);
	struct w_seg s = w_hear_ctl(&w.b, TG_TCP_ACK);

	CU_ASSERT_EQUAL(s.seg.len, 0);
	CU_ASSERT_EQUAL(s.seg.ack.v, w.b.nxt.v);
	CU_ASSERT_EQUAL(w_hear_ctl(&w.c, TG_TCP_ACK).seg.wnd, 0);
	w_silence();
	w_say(&w.c, TG_TCP_RST, NULL, 0);
	w_hear_ctl(&w.b, TG_TCP_RST);
	w_end();
}

/* --- SP-11 --- */

/* SP-11: one way may be closed for as long as the other is used. */
static void test_closing_halfClose_otherWayGoesOn(void)
{
	w_begin(false, false);
	w_open();
	w_say(&w.c, TG_TCP_FIN | TG_TCP_ACK, NULL, 0);
	w_hear_ctl(&w.b, TG_TCP_FIN | TG_TCP_ACK);
	for (uint32_t i = 0; i < 20; i++) {
		host_tick(&w.h, 300000);
		w_say(&w.b, TG_TCP_ACK, "more", 4);
		CU_ASSERT_EQUAL(w_hear_ctl(&w.c, TG_TCP_ACK).seg.len, 4);
		w_say(&w.c, TG_TCP_ACK, NULL, 0);
		w_hear_ctl(&w.b, TG_TCP_ACK);
	}
	CU_ASSERT_EQUAL(w_stats().splice[TG_SPLICE_CLOSING], 1);
	w_say(&w.b, TG_TCP_FIN | TG_TCP_ACK, NULL, 0);
	w_hear_ctl(&w.c, TG_TCP_FIN | TG_TCP_ACK);
	w_say(&w.c, TG_TCP_ACK, NULL, 0);
	w_hear_ctl(&w.b, TG_TCP_ACK);
	CU_ASSERT_EQUAL(w_stats().splice[TG_SPLICE_TIME_WAIT], 1);
	host_tick(&w.h, 60000);
	w_end();
}

/* SP-11: the delta outlives both FINs by 2MSL: a late FIN is translated, and so is its ACK. */
static void test_timeWait_lateFin_isTranslated(void)
{
	w_begin(false, true);
	w_open();
	w_close();
	host_tick(&w.h, 59999);
	w_raw(&w.b, TG_TCP_FIN | TG_TCP_ACK, w.b.nxt.v - 1, w.b.rcv.v, NULL, 0);
	struct w_seg s = w_hear_ctl(&w.c, TG_TCP_FIN | TG_TCP_ACK);

	CU_ASSERT_EQUAL(s.seg.seq.v, w.c.rcv.v - 1);
	CU_ASSERT_EQUAL(s.seg.ack.v, w.c.nxt.v);
	w_say(&w.c, TG_TCP_ACK, NULL, 0);
	CU_ASSERT_EQUAL(w_hear_ctl(&w.b, TG_TCP_ACK).seg.ack.v, w.b.nxt.v);
	host_tick(&w.h, 1);
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_splice_closed), 1);
	w_end();
}

/* TD-22: the port is used again: above the old numbers; when the handshake is done nothing of the
 * old record is left. */
static void test_timeWait_newerSyn_opensAnew(void)
{
	w_begin(false, false);
	w_open();
	w_close();
	tg_seq old = w.c.rcv;

	w.c.nxt = tg_seq_add(w.c.nxt, 1000);
	w_client_options(W_CTS + 1000);
	struct w_seg s = w_client_syn();

	CU_ASSERT(tg_seq_gt(s.seg.seq, old));
	CU_ASSERT_EQUAL(w_stats().splice[TG_SPLICE_TIME_WAIT], 1);
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_splice_tw_reused), 0);
	w_say(&w.c, TG_TCP_ACK, NULL, 0);
	CU_ASSERT_EQUAL(w_stats().splice[TG_SPLICE_TIME_WAIT], 0);
	CU_ASSERT_EQUAL(w_ctr(TG_CTR_splice_tw_reused), 1);
	w_backend_syn();
	w_say(&w.c, TG_TCP_RST, NULL, 0);
	w_hear_ctl(&w.b, TG_TCP_RST);
	w_end();
}

/* An old duplicate of the SYN changes nothing. */
static void test_timeWait_oldSyn_isChallenged(void)
{
	w_begin(false, false);
	w_open();
	w_close();
	w_client_options(W_CTS);
	w_raw(&w.c, TG_TCP_SYN, 1000, 0, NULL, 0);
	struct w_seg s = w_hear_ctl(&w.c, TG_TCP_ACK);

	CU_ASSERT_EQUAL(s.seg.seq.v, w.c.rcv.v);
	CU_ASSERT_EQUAL(s.seg.ack.v, w.c.nxt.v);
	CU_ASSERT_EQUAL(w_stats().splice[TG_SPLICE_TIME_WAIT], 1);
	host_tick(&w.h, 60000);
	w_silence();
	w_end();
}

int main(int argc, char **argv)
{
	static const struct tg_test tests[] = {
	    {"listen_ack_opensToBackend", test_listen_ack_opensToBackend},
	    {"listen_cookieAck_opensToBackend", test_listen_cookieAck_opensToBackend},
	    {"spliced_numbers_areTheReceivers", test_spliced_numbers_areTheReceivers},
	    {"spliced_sackAcrossWrap_bothEdgesMove", test_spliced_sackAcrossWrap_bothEdgesMove},
	    {"listen_syn_promisesWhatBackendHas", test_listen_syn_promisesWhatBackendHas},
	    {"opening_synAckLacksSackAndScale_flowWorks",
	     test_opening_synAckLacksSackAndScale_flowWorks},
	    {"spliced_otherScale_windowNeverAbove", test_spliced_otherScale_windowNeverAbove},
	    {"opening_synAckLacksTimestamps_bothReset",
	     test_opening_synAckLacksTimestamps_bothReset},
	    {"spliced_longSegment_isCut", test_spliced_longSegment_isCut},
	    {"spliced_tagAndIpOptions_stayBehind", test_spliced_tagAndIpOptions_stayBehind},
	    {"spliced_narrowPort_segmentsAreCut", test_spliced_narrowPort_segmentsAreCut},
	    {"opening_tenSegments_reachBackendInOrder",
	     test_opening_tenSegments_reachBackendInOrder},
	    {"opening_tooMuch_isDroppedAndCounted", test_opening_tooMuch_isDroppedAndCounted},
	    {"opening_fin_isHeldToo", test_opening_fin_isHeldToo},
	    {"opening_heldTextBehindAHole_isNoAck", test_opening_heldTextBehindAHole_isNoAck},
	    {"opening_heldTextAndWindow0_isNoAck", test_opening_heldTextAndWindow0_isNoAck},
	    {"closing_halfClose_otherWayGoesOn", test_closing_halfClose_otherWayGoesOn},
	    {"timeWait_lateFin_isTranslated", test_timeWait_lateFin_isTranslated},
	    {"timeWait_newerSyn_opensAnew", test_timeWait_newerSyn_opensAnew},
	    {"timeWait_oldSyn_isChallenged", test_timeWait_oldSyn_isChallenged},
	};

	return tg_test_main("splice", tests, TG_TEST_N(tests), argc, argv);
}
