/* SPDX-License-Identifier: BSD-3-Clause */
/* test_engine.c: connections through the whole engine: opening, data, closing, TIME-WAIT, output
 * that is full, and services that call back in the middle of everything. */
#include "engine_host.h"

static struct host h;
static struct host_peer p;

static void expect_nothing(void)
{
	CU_ASSERT_EQUAL(h.tx_n, 0);
}

/* The peer closes first, our service at once after it. */
static void close_by_peer(void)
{
	host_send(&p, TG_TCP_FIN | TG_TCP_ACK, NULL, 0);
	CU_ASSERT_EQUAL(host_state(&p), TG_LAST_ACK);
	host_expect_ctl(&p, TG_TCP_FIN | TG_TCP_ACK);
	host_send(&p, TG_TCP_ACK, NULL, 0);
	CU_ASSERT_EQUAL(host_state(&p), TG_CLOSED);
}

static void test_listen_handshake_opens(void)
{
	host_begin(&h, &p);
	h.svc.close_on_eof = true;
	CU_ASSERT(host_handshake(&p));
	CU_ASSERT_EQUAL(h.svc.opened, 1);
	struct tg_engine_stats s;
	tg_engine_stats(h.e, &s);
	CU_ASSERT_EQUAL(s.ext_used, 0); /* at rest: 64 bytes */
	close_by_peer();
	CU_ASSERT_EQUAL(h.svc.closed, 1);
	CU_ASSERT_EQUAL(h.svc.reason, TG_CLOSE_NORMAL);
	host_end(&h);
}

static void test_listen_syn6_opens(void)
{
	host_begin(&h, &p);
	h.svc.close_on_eof = true;
	host_peer(&p, &h, 80, 5000, true);
	CU_ASSERT(host_handshake(&p));
	close_by_peer();
	host_end(&h);
}

/* What packets show of the generator is not what the keys were drawn from: from that, anybody could
 * run it back to them. */
static void test_closed_ipIds_doNotLeadToTheKeys(void)
{
	struct tg_rng from_seed;
	struct host_frame f;
	uint64_t ids = 0;

	host_begin(&h, &p);
	for (uint16_t i = 0; i < 4; i++) {
		host_peer(&p, &h, 81, (uint16_t)(6000 + i), false); /* nobody listens */
		host_send(&p, TG_TCP_SYN, NULL, 0);
		CU_ASSERT_FATAL(host_next(&h, &f));
		ids |= (uint64_t)tg_be16_get(f.data + 14 + 4) << (16 * i);
	}
	tg_rng_init(&from_seed, h.conf.seed);
	for (int i = 0; i < 1000; i++)
		CU_ASSERT_NOT_EQUAL(tg_rng_next(&from_seed), ids);
	host_end(&h);
}

static void test_listen_synRetries_oneEntry(void)
{
	host_begin(&h, &p);
	host_send(&p, TG_TCP_SYN, NULL, 0);
	host_expect_ctl(&p, TG_TCP_SYN | TG_TCP_ACK);
	static const uint32_t at_ms[] = {1000, 2000, 4000, 8000, 16000};
	for (uint32_t i = 0; i < 5; i++) { /* TO-02 */
		host_tick(&h, at_ms[i] - 1);
		expect_nothing();
		host_tick(&h, 1);
		host_expect_ctl(&p, TG_TCP_SYN | TG_TCP_ACK);
	}
	host_tick(&h, 31999);
	CU_ASSERT_EQUAL(host_state(&p), TG_SYN_RECEIVED);
	host_tick(&h, 1);
	CU_ASSERT_EQUAL(host_state(&p), TG_CLOSED);
	CU_ASSERT_EQUAL(h.svc.opened + h.svc.closed, 0);
	host_end(&h);
}

static void test_closed_syn_isReset(void)
{
	host_begin(&h, &p);
	host_peer(&p, &h, 81, 5000, false);
	host_send(&p, TG_TCP_SYN, NULL, 0);
	struct tg_seg seg = host_expect_ctl(&p, TG_TCP_RST | TG_TCP_ACK);
	CU_ASSERT_EQUAL(seg.ack.v, p.snd_nxt.v);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_rst_sent), 1);
	host_end(&h);
}

static void test_established_data_isEchoed(void)
{
	host_begin(&h, &p);
	h.svc.echo = h.svc.close_on_eof = true;
	CU_ASSERT(host_handshake(&p));
	host_send(&p, TG_TCP_ACK | TG_TCP_PSH, "hello", 5);
	struct host_frame f;
	struct tg_seg seg;
	CU_ASSERT_FATAL(host_expect(&p, &seg, &f));
	CU_ASSERT_EQUAL(seg.len, 5);
	CU_ASSERT_EQUAL(memcmp(seg.text, "hello", 5), 0);
	CU_ASSERT_EQUAL(seg.ack.v, p.snd_nxt.v); /* the ACK rides on the answer */
	host_send(&p, TG_TCP_ACK, NULL, 0);
	close_by_peer();
	host_end(&h);
}

static void test_established_weClose_timeWaitLasts2Msl(void)
{
	host_begin(&h, &p);
	CU_ASSERT(host_handshake(&p));
	tg_conn_close(h.e, h.svc.last);
	CU_ASSERT_EQUAL(h.svc.closed, 1);
	CU_ASSERT_EQUAL(tg_engine_next_deadline(h.e), 0); /* something is to be said */
	host_tick(&h, 0);
	host_expect_ctl(&p, TG_TCP_FIN | TG_TCP_ACK);
	host_send(&p, TG_TCP_ACK, NULL, 0);
	CU_ASSERT_EQUAL(host_state(&p), TG_FIN_WAIT_2);
	host_send(&p, TG_TCP_FIN | TG_TCP_ACK, NULL, 0);
	host_expect_ctl(&p, TG_TCP_ACK);
	CU_ASSERT_EQUAL(host_state(&p), TG_TIME_WAIT);
	CU_ASSERT_EQUAL(h.svc.closed, 1);
	host_tick(&h, 59999);
	CU_ASSERT_EQUAL(host_state(&p), TG_TIME_WAIT);
	host_tick(&h, 1);
	CU_ASSERT_EQUAL(host_state(&p), TG_CLOSED);
	host_end(&h);
}

/* TD-14, TO-05: never early, although the FIN came in the middle of a tick. */
static void test_timeWait_finInMidTick_lastsWhole(void)
{
	host_begin(&h, &p);
	CU_ASSERT(host_handshake(&p));
	tg_conn_close(h.e, h.svc.last);
	host_tick(&h, 0);
	host_expect_ctl(&p, TG_TCP_FIN | TG_TCP_ACK);
	h.now_ns += 700000;
	host_send(&p, TG_TCP_FIN | TG_TCP_ACK, NULL, 0);
	host_expect_ctl(&p, TG_TCP_ACK);
	host_tick(&h, 60000); /* to the nanosecond 2MSL: the tick is not over */
	CU_ASSERT_EQUAL(host_state(&p), TG_TIME_WAIT);
	host_tick(&h, 1);
	CU_ASSERT_EQUAL(host_state(&p), TG_CLOSED);
	host_end(&h);
}

static void to_time_wait(void)
{
	CU_ASSERT(host_handshake(&p));
	tg_conn_close(h.e, h.svc.last);
	host_tick(&h, 0);
	host_expect_ctl(&p, TG_TCP_FIN | TG_TCP_ACK);
	host_send(&p, TG_TCP_FIN | TG_TCP_ACK, NULL, 0);
	host_expect_ctl(&p, TG_TCP_ACK);
	CU_ASSERT_EQUAL(host_state(&p), TG_TIME_WAIT);
}

static void test_timeWait_finAgain_restarts(void)
{
	host_begin(&h, &p);
	to_time_wait();
	host_tick(&h, 40000);
	host_raw(&p, TG_TCP_FIN | TG_TCP_ACK, tg_seq_sub(p.snd_nxt, 1), p.rcv_nxt, NULL, 0);
	host_expect_ctl(&p, TG_TCP_ACK);
	host_tick(&h, 59999);
	CU_ASSERT_EQUAL(host_state(&p), TG_TIME_WAIT);
	host_tick(&h, 1);
	CU_ASSERT_EQUAL(host_state(&p), TG_CLOSED);
	host_end(&h);
}

static void test_timeWait_newerSyn_opensAboveOld(void)
{
	host_begin(&h, &p);
	h.svc.close_on_eof = true;
	to_time_wait();
	tg_seq old = p.rcv_nxt;
	p.snd_nxt = tg_seq_add(p.snd_nxt, 100000);
	host_send(&p, TG_TCP_SYN, NULL, 0);
	struct tg_seg seg = host_expect_ctl(&p, TG_TCP_SYN | TG_TCP_ACK);
	CU_ASSERT(tg_seq_diff(seg.seq, old) >= 65537 - 1); /* EST-02 */
	CU_ASSERT_EQUAL(host_state(&p), TG_SYN_RECEIVED);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_tw_reused), 1);
	host_send(&p, TG_TCP_ACK, NULL, 0);
	CU_ASSERT_EQUAL(host_state(&p), TG_ESTABLISHED);
	close_by_peer();
	host_end(&h);
}

/* TD-24: a RST ends the half-open entry; the record wakes with its old deadline. */
static void test_timeWait_newerSynThenRst_recordWakes(void)
{
	host_begin(&h, &p);
	to_time_wait();
	tg_seq rcv = p.rcv_nxt, snd = p.snd_nxt;
	host_tick(&h, 10000);
	p.snd_nxt = tg_seq_add(p.snd_nxt, 100000);
	host_send(&p, TG_TCP_SYN, NULL, 0);
	host_expect_ctl(&p, TG_TCP_SYN | TG_TCP_ACK);
	host_send(&p, TG_TCP_RST, NULL, 0);
	CU_ASSERT_EQUAL(host_state(&p), TG_TIME_WAIT);
	host_raw(&p, TG_TCP_FIN | TG_TCP_ACK, tg_seq_sub(snd, 1), rcv, NULL, 0);
	struct tg_seg seg = host_expect_ctl(&p, TG_TCP_ACK);
	CU_ASSERT_EQUAL(seg.ack.v, snd.v);
	host_tick(&h, 60001);
	host_end(&h);
}

static void test_timeWait_newerSynThenSilence_bothEnd(void)
{
	host_begin(&h, &p);
	to_time_wait();
	host_tick(&h, 50000);
	p.snd_nxt = tg_seq_add(p.snd_nxt, 100000);
	host_send(&p, TG_TCP_SYN, NULL, 0);
	host_expect_ctl(&p, TG_TCP_SYN | TG_TCP_ACK);
	host_tick(&h, 63000);
	CU_ASSERT_EQUAL(host_state(&p), TG_CLOSED);
	host_end(&h);
}

/* ADV-66 */
static void test_timeWait_newerSynNoListener_isResetAndStays(void)
{
	host_begin(&h, &p);
	to_time_wait();
	tg_engine_unlisten(h.e, 0);
	p.snd_nxt = tg_seq_add(p.snd_nxt, 100000);
	host_send(&p, TG_TCP_SYN, NULL, 0);
	host_expect_ctl(&p, TG_TCP_RST | TG_TCP_ACK);
	CU_ASSERT_EQUAL(host_state(&p), TG_TIME_WAIT);
	host_tick(&h, 60000);
	host_end(&h);
}

static void test_established_rst_isClosedOnce(void)
{
	host_begin(&h, &p);
	CU_ASSERT(host_handshake(&p));
	host_send(&p, TG_TCP_RST, NULL, 0);
	CU_ASSERT_EQUAL(host_state(&p), TG_CLOSED);
	CU_ASSERT_EQUAL(h.svc.closed, 1);
	CU_ASSERT_EQUAL(h.svc.reason, TG_CLOSE_RESET);
	host_end(&h);
}

static void test_established_weAbort_rstAtOnce(void)
{
	host_begin(&h, &p);
	CU_ASSERT(host_handshake(&p));
	tg_conn_abort(h.e, h.svc.last);
	CU_ASSERT_EQUAL(h.svc.closed, 1);
	CU_ASSERT_EQUAL(host_state(&p), TG_CLOSED);
	host_tick(&h, 0);
	struct tg_seg seg = host_expect_ctl(&p, TG_TCP_RST | TG_TCP_ACK);
	CU_ASSERT_EQUAL(seg.seq.v, p.rcv_nxt.v);
	host_end(&h);
}

/* UC-01: live connections go on without their listener. */
static void test_established_unlisten_goesOn(void)
{
	host_begin(&h, &p);
	h.svc.echo = h.svc.close_on_eof = true;
	CU_ASSERT(host_handshake(&p));
	struct host_peer q;
	host_peer(&q, &h, 80, 6000, false);
	host_send(&q, TG_TCP_SYN, NULL, 0);
	struct tg_seg seg;
	struct host_frame f;
	CU_ASSERT(host_expect(&q, &seg, &f));
	tg_engine_unlisten(h.e, 0);
	host_check(&h);
	CU_ASSERT_EQUAL(host_state(&q), TG_CLOSED);
	host_send(&p, TG_TCP_ACK, "x", 1);
	CU_ASSERT_EQUAL(host_expect_ctl(&p, TG_TCP_ACK | TG_TCP_PSH).len, 1);
	host_send(&p, TG_TCP_ACK, NULL, 0);
	close_by_peer();
	host_end(&h);
}

/* --- one burst --- */

/* SYN, ACK, data, FIN of one connection in one burst that also holds a RST and a new SYN: each
 * lookup sees what the segment before it did. */
static void test_burst_wholeLife_eachLookupIsFresh(void)
{
	uint8_t frame[4][HOST_BUF_LEN];
	const uint8_t *at[4] = {frame[0], frame[1], frame[2], frame[3]};
	uint32_t len[4];

	host_begin(&h, &p);
	h.svc.close_on_eof = true;
	len[0] = host_build(&p, TG_TCP_SYN, tg_seq_make(1000), tg_seq_make(0), NULL, 0, frame[0]);
	len[1] = host_build(&p, TG_TCP_RST, tg_seq_make(1001), tg_seq_make(0), NULL, 0, frame[1]);
	len[2] = host_build(&p, TG_TCP_SYN, tg_seq_make(9000), tg_seq_make(0), NULL, 0, frame[2]);
	len[3] = host_build(&p, TG_TCP_SYN, tg_seq_make(9000), tg_seq_make(0), NULL, 0, frame[3]);
	host_rx(&h, at, len, 4);
	host_expect_ctl(&p, TG_TCP_SYN | TG_TCP_ACK);
	CU_ASSERT_EQUAL(host_expect_ctl(&p, TG_TCP_SYN | TG_TCP_ACK).ack.v, 9001);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_conn_passive), 2);
	p.snd_nxt = tg_seq_make(9001);
	len[0] = host_build(&p, TG_TCP_ACK, p.snd_nxt, p.rcv_nxt, NULL, 0, frame[0]);
	len[1] = host_build(&p, TG_TCP_ACK, p.snd_nxt, p.rcv_nxt, "abc", 3, frame[1]);
	len[2] = host_build(&p, TG_TCP_ACK | TG_TCP_FIN, tg_seq_add(p.snd_nxt, 3), p.rcv_nxt, NULL,
			    0, frame[2]);
	while (h.tx_n) {
		struct host_frame f;
		host_next(&h, &f);
	}
	host_rx(&h, at, len, 3);
	CU_ASSERT_EQUAL(h.svc.got_len, 3);
	p.snd_nxt = tg_seq_add(p.snd_nxt, 4);
	CU_ASSERT_EQUAL(host_expect_ctl(&p, TG_TCP_FIN | TG_TCP_ACK).ack.v, p.snd_nxt.v);
	host_send(&p, TG_TCP_ACK, NULL, 0);
	host_end(&h);
}

/* DT-12 */
static void test_burst_manySegments_fewAcks(void)
{
	static uint8_t frame[32][HOST_BUF_LEN];
	const uint8_t *at[32];
	uint32_t len[32];
	uint8_t text[1000] = {0};

	host_begin(&h, &p);
	h.svc.close_on_eof = true;
	CU_ASSERT(host_handshake(&p));
	for (uint32_t i = 0; i < 32; i++) {
		at[i] = frame[i];
		len[i] = host_build(&p, TG_TCP_ACK, p.snd_nxt, p.rcv_nxt, text, 1000, frame[i]);
		p.snd_nxt = tg_seq_add(p.snd_nxt, 1000);
	}
	host_rx(&h, at, len, 32);
	CU_ASSERT_EQUAL(h.svc.got_len, 32000);
	CU_ASSERT(h.tx_n >= 1 && h.tx_n <= 16);
	while (h.tx_n)
		host_expect_ctl(&p, TG_TCP_ACK);
	close_by_peer();
	host_end(&h);
}

/* --- out[] is full --- */

static void write_much(struct host_svc *s, struct tg_engine *e, uint32_t conn)
{
	static const uint8_t text[20000] = "much";

	CU_ASSERT_EQUAL(tg_conn_write(e, conn, text, sizeof(text)), sizeof(text));
}

static void test_established_outOfOne_nothingIsLost(void)
{
	host_begin(&h, &p);
	h.out_max = 1;
	h.svc.on_opened = write_much;
	h.svc.close_on_eof = true;
	host_send(&p, TG_TCP_SYN, NULL, 0);
	host_expect_ctl(&p, TG_TCP_SYN | TG_TCP_ACK);
	host_send(&p, TG_TCP_ACK, NULL, 0);
	CU_ASSERT_EQUAL(h.tx_n, 1);
	CU_ASSERT_EQUAL(tg_engine_next_deadline(h.e), 0);
	CU_ASSERT(host_ctr(&h, TG_CTR_tx_deferred) > 0);
	uint32_t got = 0;
	for (uint32_t i = 0; i < 100 && got < 20000; i++) {
		while (h.tx_n) {
			struct host_frame f;
			struct tg_seg seg;
			CU_ASSERT(host_expect(&p, &seg, &f));
			CU_ASSERT_EQUAL(seg.seq.v + seg.len, p.rcv_nxt.v);
			got += seg.len;
		}
		if (tg_engine_next_deadline(h.e) == 0)
			host_tick_once(&h, 0);
		else
			host_send(&p, TG_TCP_ACK, NULL, 0);
	}
	CU_ASSERT_EQUAL(got, 20000);
	host_send(&p, TG_TCP_ACK, NULL, 0);
	host_tick(&h, 1);
	close_by_peer();
	host_end(&h);
}

/* Twenty connections want to say much, one packet at a time: each has its turn. */
static void test_established_outOfOneMany_noneStarves(void)
{
	struct host_peer peer[10];
	uint32_t got[10] = {0};
	struct tg_engine_stats s;

	host_begin(&h, &p);
	h.svc.on_opened = write_much;
	for (uint32_t i = 0; i < 10; i++) {
		host_peer(&peer[i], &h, 80, (uint16_t)(7000 + i), false);
		host_send(&peer[i], TG_TCP_SYN, NULL, 0);
		p = peer[i];
		host_expect_ctl(&p, TG_TCP_SYN | TG_TCP_ACK);
		peer[i] = p;
	}
	h.out_max = 1;
	for (uint32_t i = 0; i < 10; i++)
		host_send(&peer[i], TG_TCP_ACK, NULL, 0);
	for (uint32_t i = 0; i < 60; i++)
		host_tick_once(&h, 0);
	while (h.tx_n) {
		struct host_frame f;
		CU_ASSERT(host_next(&h, &f));
		got[tg_be16_get(f.data + 14 + 20 + 2) - 7000]++;
	}
	for (uint32_t i = 0; i < 10; i++)
		CU_ASSERT(got[i] >= 1);
	tg_engine_abort_all(h.e);
	for (uint32_t i = 0; i < 100; i++)
		host_tick_once(&h, 0);
	tg_engine_stats(h.e, &s);
	CU_ASSERT_EQUAL(s.conn_count, 0);
	CU_ASSERT_EQUAL(h.svc.closed, 10);
	host_end(&h);
}

static uint32_t extensions(void)
{
	struct tg_engine_stats s;

	tg_engine_stats(h.e, &s);
	return s.ext_used;
}

/* DT-11: who has just filled a hole keeps its extension, so that more ACKs come at once; for two
 * seconds, and not the last quarter of the pool. */
static void test_established_holesFilled_lastQuarterOfPoolIsFree(void)
{
	struct host_peer peer[16];

	host_begin(&h, &p);
	h.svc.echo = false;
	for (uint32_t i = 0; i < 16; i++) {
		host_peer(&peer[i], &h, 80, (uint16_t)(7000 + i), false);
		CU_ASSERT(host_handshake(&peer[i]));
	}
	CU_ASSERT_EQUAL_FATAL(h.conf.ext_max, 16);
	CU_ASSERT_EQUAL(extensions(), 0);
	for (uint32_t i = 0; i < 16; i++) {
		host_raw(&peer[i], TG_TCP_ACK, tg_seq_add(peer[i].snd_nxt, 3), peer[i].rcv_nxt,
			 "def", 3);
		host_expect_ctl(&peer[i], TG_TCP_ACK);
		host_send(&peer[i], TG_TCP_ACK, "abc", 3);
		peer[i].snd_nxt = tg_seq_add(peer[i].snd_nxt, 3);
		host_expect_ctl(&peer[i], TG_TCP_ACK);
		CU_ASSERT_EQUAL(extensions(), i < 12 ? i + 1 : 12);
	}
	host_tick(&h, 1999);
	CU_ASSERT_EQUAL(extensions(), 12);
	host_tick(&h, 1);
	CU_ASSERT_EQUAL(extensions(), 0);
	tg_engine_abort_all(h.e);
	host_tick(&h, 1);
	h.tx_n = 0;
	host_end(&h);
}

/* An immediate ACK that finds no room is said later. */
static void test_established_ackFindsNoRoom_comesLater(void)
{
	host_begin(&h, &p);
	CU_ASSERT(host_handshake(&p));
	h.out_max = 0;
	host_raw(&p, TG_TCP_ACK, tg_seq_sub(p.snd_nxt, 50), p.rcv_nxt, "old", 3); /* SE-27 */
	h.out_max = 1;
	host_tick(&h, 0);
	CU_ASSERT_EQUAL(host_expect_ctl(&p, TG_TCP_ACK).ack.v, p.snd_nxt.v);
	host_send(&p, TG_TCP_RST, NULL, 0);
	host_end(&h);
}

/* The last ACK waits for room; the peer's next segment must still meet TIME-WAIT. */
static void test_timeWait_ackDeferred_recordAnswers(void)
{
	host_begin(&h, &p);
	CU_ASSERT(host_handshake(&p));
	tg_conn_close(h.e, h.svc.last);
	host_tick(&h, 0);
	host_expect_ctl(&p, TG_TCP_FIN | TG_TCP_ACK);
	h.out_max = 0;
	host_send(&p, TG_TCP_FIN | TG_TCP_ACK, NULL, 0);
	CU_ASSERT_EQUAL(host_state(&p), TG_TIME_WAIT);
	h.out_max = 1;
	host_raw(&p, TG_TCP_FIN | TG_TCP_ACK, tg_seq_sub(p.snd_nxt, 1), p.rcv_nxt, NULL, 0);
	CU_ASSERT_EQUAL(host_expect_ctl(&p, TG_TCP_ACK).ack.v, p.snd_nxt.v);
	host_tick(&h, 60000);
	host_end(&h);
}

/* --- services that call back --- */

static void close_now(struct host_svc *s, struct tg_engine *e, uint32_t conn)
{
	tg_conn_close(e, conn);
}

static void abort_now(struct host_svc *s, struct tg_engine *e, uint32_t conn)
{
	tg_conn_abort(e, conn);
}

static void test_service_closesInOpened_closedOnce(void)
{
	host_begin(&h, &p);
	h.svc.on_opened = close_now;
	host_send(&p, TG_TCP_SYN, NULL, 0);
	host_expect_ctl(&p, TG_TCP_SYN | TG_TCP_ACK);
	host_send(&p, TG_TCP_ACK, NULL, 0);
	host_expect_ctl(&p, TG_TCP_FIN | TG_TCP_ACK);
	CU_ASSERT_EQUAL(h.svc.closed, 1);
	host_send(&p, TG_TCP_FIN | TG_TCP_ACK, NULL, 0);
	host_expect_ctl(&p, TG_TCP_ACK);
	host_tick(&h, 60000);
	CU_ASSERT_EQUAL(h.svc.closed, 1);
	host_end(&h);
}

static void test_service_abortsInOpenedWithData_closedOnce(void)
{
	host_begin(&h, &p);
	h.svc.on_opened = abort_now;
	host_send(&p, TG_TCP_SYN, NULL, 0);
	host_expect_ctl(&p, TG_TCP_SYN | TG_TCP_ACK);
	host_send(&p, TG_TCP_ACK | TG_TCP_FIN, "data", 4); /* opened, readable, eof at once */
	host_expect_ctl(&p, TG_TCP_RST | TG_TCP_ACK);
	CU_ASSERT_EQUAL(h.svc.closed, 1);
	CU_ASSERT_EQUAL(h.svc.readable, 0);
	host_end(&h);
}

static void test_service_closesUnread_resets(void)
{
	host_begin(&h, &p);
	h.svc.on_readable = close_now;
	CU_ASSERT(host_handshake(&p));
	host_send(&p, TG_TCP_ACK, "data", 4);
	host_expect_ctl(&p, TG_TCP_RST | TG_TCP_ACK); /* UC-08 */
	CU_ASSERT_EQUAL(h.svc.closed, 1);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_abort_on_unread), 1);
	host_end(&h);
}

/* In `closed` of one, the service ends all the others, and opens a new one. */
static uint32_t others[3];
static void end_others(struct host_svc *s, struct tg_engine *e, uint32_t conn)
{
	s->on_closed = NULL;
	for (uint32_t i = 0; i < 3; i++)
		if (others[i] != conn)
			tg_conn_abort(e, others[i]);
	uint32_t c;
	CU_ASSERT_EQUAL(tg_engine_connect(e, &p.t, &h.tcp, &host_service, s, 7, &c), 0);
	CU_ASSERT_EQUAL(tg_conn_word(e, c), 7);
}

static void test_service_endsOthersInClosed_eachOnce(void)
{
	struct host_peer q[3];

	host_begin(&h, &p);
	for (uint16_t i = 0; i < 3; i++) {
		host_peer(&q[i], &h, 80, (uint16_t)(5000 + i), false);
		CU_ASSERT(host_handshake(&q[i]));
		others[i] = h.svc.last;
	}
	h.tx_n = 0;
	p = q[0];
	h.svc.on_closed = end_others;
	host_send(&q[0], TG_TCP_RST, NULL, 0);
	CU_ASSERT_EQUAL(h.svc.closed, 3);
	for (uint32_t i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(h.svc.closed_n[others[i]], 1);
	CU_ASSERT_EQUAL(host_state(&p), TG_SYN_SENT);
	CU_ASSERT_EQUAL(h.tx_n, 3); /* two RSTs, one SYN */
	tg_engine_abort_all(h.e);
	host_tick(&h, 0);
	h.tx_n = 0;
	host_end(&h);
}

static uint32_t kicks;
static void kick_thrice(struct host_svc *s, struct tg_engine *e, uint32_t conn)
{
	if (++kicks % 3)
		tg_conn_kick(e, conn);
}

static void test_service_kicks_calledOncePerCall(void)
{
	host_begin(&h, &p);
	kicks = 0;
	h.svc.on_readable = kick_thrice;
	CU_ASSERT(host_handshake(&p));
	host_send(&p, TG_TCP_ACK, "x", 1);
	CU_ASSERT_EQUAL(h.svc.readable, 2); /* the segment, and the kick at the end of the call */
	CU_ASSERT_EQUAL(tg_engine_next_deadline(h.e), 0);
	host_tick_once(&h, 0);
	CU_ASSERT_EQUAL(h.svc.readable, 3);
	tg_conn_abort(h.e, h.svc.last);
	host_tick(&h, 0);
	h.tx_n = 0;
	host_end(&h);
}

static void timer_100(struct host_svc *s, struct tg_engine *e, uint32_t conn)
{
	tg_conn_timer(e, conn, 100);
}

static void test_service_timer_firesOnceAndAtRest(void)
{
	struct tg_engine_stats s;

	host_begin(&h, &p);
	h.svc.on_opened = timer_100;
	CU_ASSERT(host_handshake(&p));
	tg_engine_stats(h.e, &s);
	CU_ASSERT_EQUAL(s.ext_used, 0);
	host_tick(&h, 99);
	CU_ASSERT_EQUAL(h.svc.expired, 0);
	host_tick(&h, 1);
	CU_ASSERT_EQUAL(h.svc.expired, 1);
	host_tick(&h, 1000);
	CU_ASSERT_EQUAL(h.svc.expired, 1);
	host_send(&p, TG_TCP_RST, NULL, 0);
	host_end(&h);
}

/* --- timers in order, each at its own time --- */

static uint64_t expired_at[2];
static void note_time(void *ctx, struct tg_engine *e, uint32_t conn)
{
	expired_at[tg_conn_word(e, conn)] = tg_engine_now_ns(e);
}

static void test_tick_late_eachAtItsOwnTime(void)
{
	struct host_peer q;
	uint32_t conn[2];
	struct tg_service svc = host_service;

	host_begin(&h, &p);
	svc.expired = note_time;
	tg_engine_unlisten(h.e, 0);
	struct tg_listener_conf l;
	host_listener(&h, &l, 80);
	l.service = &svc;
	tg_engine_listen(h.e, &l);
	CU_ASSERT(host_handshake(&p));
	conn[0] = h.svc.last;
	host_peer(&q, &h, 80, 6000, false);
	CU_ASSERT(host_handshake(&q));
	conn[1] = h.svc.last;
	uint64_t from = h.now_ns;
	for (uint32_t i = 0; i < 2; i++) {
		tg_conn_set_word(h.e, conn[i], i);
		tg_conn_timer(h.e, conn[i], 20 - 10 * i);
	}
	host_tick_once(&h, 0);
	host_tick_once(&h, 1000);
	CU_ASSERT_EQUAL(expired_at[1], from + 10 * TG_NS_PER_MS);
	CU_ASSERT_EQUAL(expired_at[0], from + 20 * TG_NS_PER_MS);
	CU_ASSERT_EQUAL(tg_engine_now_ns(h.e), h.now_ns);
	tg_conn_abort(h.e, conn[0]);
	tg_conn_abort(h.e, conn[1]);
	host_tick(&h, 0);
	h.tx_n = 0;
	host_end(&h);
}

/* --- the neighbour of a connection --- */

/* The peer's MAC address is asked for and told. */
static void answer_arp(const struct host_frame *request)
{
	struct tg_eth eth = {
	    .dst = {{2, 0, 0, 0, 0, 1}}, .src = {{2, 0, 0, 0, 0, 2}}, .type = TG_ETHERTYPE_ARP};
	uint8_t frame[HOST_BUF_LEN];
	const uint8_t *at = frame;
	struct tg_arp arp;

	CU_ASSERT_EQUAL_FATAL(tg_arp_parse(request->data + 14, request->len - 14, &arp),
			      TG_CTR_NONE);
	struct tg_arp answer = {
	    .op = 2, .sha = eth.src, .spa = arp.tpa, .tha = arp.sha, .tpa = arp.spa};
	uint32_t n = tg_eth_emit(frame, &eth);

	n += tg_arp_emit(frame + n, &answer);
	host_rx(&h, &at, &n, 1);
}

static bool is_arp(const struct host_frame *f)
{
	return tg_be16_get(f->data + 12) == TG_ETHERTYPE_ARP;
}

/* DT-08, SHLD-9: text into a black hole: with the third repetition the neighbour is asked, at the
 * address that we know, whether it is still there. */
static void test_established_r1_neighbourIsAsked(void)
{
	struct host_frame f;
	uint32_t repeats = 0;
	bool asked = false;

	host_defaults(&h);
	h.conf.port[0].has_static_neigh = false;
	h.svc.echo = true;
	host_init(&h);
	host_listen(&h, 80);
	host_peer(&p, &h, 80, 5000, false);
	host_send(&p, TG_TCP_SYN, NULL, 0);
	host_tick(&h, 0);
	CU_ASSERT_FATAL(host_next(&h, &f) && is_arp(&f));
	answer_arp(&f);
	host_expect_ctl(&p, TG_TCP_SYN | TG_TCP_ACK);
	host_send(&p, TG_TCP_ACK, NULL, 0);
	host_send(&p, TG_TCP_ACK | TG_TCP_PSH, "abc", 3);
	host_expect_ctl(&p, TG_TCP_ACK | TG_TCP_PSH);
	for (uint32_t ms = 0; ms < 30000 && !asked; ms++) {
		CU_ASSERT_EQUAL(h.tx_n, 0);
		host_tick(&h, 1);
		while (host_next(&h, &f)) {
			asked |= is_arp(&f);
			repeats += !is_arp(&f);
			if (is_arp(&f))
				CU_ASSERT(!memcmp(f.data, "\2\0\0\0\0\2", 6));
		}
	}
	CU_ASSERT(asked);
	CU_ASSERT_EQUAL(repeats, 3);
	tg_engine_abort_all(h.e);
	host_tick(&h, 0);
	host_fini(&h);
}

static const struct tg_test tests[] = {
    {"listen_handshake_opens", test_listen_handshake_opens},
    {"established_holesFilled_lastQuarterOfPoolIsFree",
     test_established_holesFilled_lastQuarterOfPoolIsFree},
    {"listen_syn6_opens", test_listen_syn6_opens},
    {"closed_ipIds_doNotLeadToTheKeys", test_closed_ipIds_doNotLeadToTheKeys},
    {"synReceived_silence_repeatsThenForgets", test_listen_synRetries_oneEntry},
    {"closed_syn_isReset", test_closed_syn_isReset},
    {"established_data_isEchoed", test_established_data_isEchoed},
    {"established_weClose_timeWaitLasts2Msl", test_established_weClose_timeWaitLasts2Msl},
    {"timeWait_finInMidTick_lastsWhole", test_timeWait_finInMidTick_lastsWhole},
    {"timeWait_finAgain_restarts", test_timeWait_finAgain_restarts},
    {"timeWait_newerSyn_opensAboveOld", test_timeWait_newerSyn_opensAboveOld},
    {"timeWait_newerSynThenRst_recordWakes", test_timeWait_newerSynThenRst_recordWakes},
    {"timeWait_newerSynThenSilence_bothEnd", test_timeWait_newerSynThenSilence_bothEnd},
    {"timeWait_newerSynNoListener_isResetAndStays",
     test_timeWait_newerSynNoListener_isResetAndStays},
    {"established_rst_isClosedOnce", test_established_rst_isClosedOnce},
    {"established_weAbort_rstAtOnce", test_established_weAbort_rstAtOnce},
    {"established_unlisten_goesOn", test_established_unlisten_goesOn},
    {"burst_wholeLife_eachLookupIsFresh", test_burst_wholeLife_eachLookupIsFresh},
    {"burst_manySegments_fewAcks", test_burst_manySegments_fewAcks},
    {"established_outOfOne_nothingIsLost", test_established_outOfOne_nothingIsLost},
    {"established_outOfOneMany_noneStarves", test_established_outOfOneMany_noneStarves},
    {"established_ackFindsNoRoom_comesLater", test_established_ackFindsNoRoom_comesLater},
    {"timeWait_ackDeferred_recordAnswers", test_timeWait_ackDeferred_recordAnswers},
    {"service_closesInOpened_closedOnce", test_service_closesInOpened_closedOnce},
    {"service_abortsInOpenedWithData_closedOnce", test_service_abortsInOpenedWithData_closedOnce},
    {"service_closesUnread_resets", test_service_closesUnread_resets},
    {"service_endsOthersInClosed_eachOnce", test_service_endsOthersInClosed_eachOnce},
    {"service_kicks_calledOncePerCall", test_service_kicks_calledOncePerCall},
    {"service_timer_firesOnceAndAtRest", test_service_timer_firesOnceAndAtRest},
    {"tick_late_eachAtItsOwnTime", test_tick_late_eachAtItsOwnTime},
    {"established_r1_neighbourIsAsked", test_established_r1_neighbourIsAsked},
};

int main(int argc, char **argv)
{
	return tg_test_main("engine", tests, TG_TEST_N(tests), argc, argv);
}
