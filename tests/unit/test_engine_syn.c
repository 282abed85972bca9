/* SPDX-License-Identifier: BSD-3-Clause */
/* test_engine_syn.c: the stage for SYN floods (SC-25) beside the way that each packet can go: two
 * engines with the same seed, clock and packets, of which one has no stage. What they send, byte
 * for byte and in order, and all their counters must be the same; and the stage must have been
 * used. */
#include "engine.h"
#include "syn_world.h"

/* --- what they say --- */

static uint32_t give(struct host *h, const struct frame f[], uint32_t n, uint32_t room,
		     struct tg_pkt out[])
{
	struct tg_pkt in[TG_BURST_MAX];

	for (uint32_t i = 0; i < n; i++) {
		in[i] = (struct tg_pkt){.data = malloc(HOST_BUF_LEN),
					.len = f[i].len,
					.cap = f[i].cap,
					.port = f[i].port,
					.rss_hash = 5,
					.l3_csum = f[i].l3_csum,
					.l4_csum = f[i].l4_csum};
		in[i].handle = in[i].data;
		memcpy(in[i].data, f[i].data, f[i].len);
		h->buf_live++;
	}
	uint32_t sent = tg_engine_rx(h->e, in, n, out, room, h->now_ns);

	host_check(h);
	return sent;
}

static void keep_answer(const struct tg_pkt *pkt)
{
	struct frame *f = &answer[answer_n++ % KEPT];

	f->len = pkt->len < FRAME_LEN ? pkt->len : FRAME_LEN;
	memcpy(f->data, pkt->data, f->len);
	if (probe_n < PROBES && is_plain4(f))
		probe[probe_n++] = *f;
}

static bool is_same(const struct tg_pkt *a, const struct tg_pkt *b)
{
	return a->len == b->len && memcmp(a->data, b->data, a->len) == 0 && a->cap == b->cap &&
	       a->port == b->port && a->rss_hash == b->rss_hash && a->tso_mss == b->tso_mss &&
	       a->tx_flags == b->tx_flags &&
	       (!a->tx_flags ||
		(a->l2_len == b->l2_len && a->l3_len == b->l3_len && a->l4_len == b->l4_len));
}

/* Of two calls; all of out[] goes back. */
static bool compare(struct tg_pkt out[2][2 * TG_BURST_MAX], const uint32_t n[2])
{
	bool same = n[0] == n[1];

	for (uint32_t i = 0; same && i < n[0]; i++) {
		same = is_same(&out[0][i], &out[1][i]);
		if (!same)
			fprintf(stderr, "\npacket %u of %u differs", i, n[0]);
		keep_answer(&out[0][i]);
	}
	for (int k = 0; k < 2; k++)
		for (uint32_t i = 0; i < n[k]; i++) {
			side[k].buf_live--;
			free(out[k][i].handle);
		}
	for (uint32_t c = 0; c < TG_CTR_N; c++) {
		uint64_t with = side[0].e->ctr.v[c], without = side[1].e->ctr.v[c];
		if (with != without)
			fprintf(stderr, "\n%s: %llu, without the stage %llu", tg_ctr_info[c].name,
				(unsigned long long)with, (unsigned long long)without);
		same &= with == without;
	}
	return same;
}

static bool run_burst(uint32_t mix)
{
	static struct frame f[TG_BURST_MAX];
	struct tg_pkt out[2][2 * TG_BURST_MAX];
	uint32_t n = 1 + below(one_in(2) ? TG_BURST_MAX : 4), sent[2];
	uint32_t room = one_in(10) ? below(n) : 2 * TG_BURST_MAX;

	memset(f, 0, sizeof(f));
	for (uint32_t i = 0; i < n; i++)
		random_frame(&f[i], mix);
	for (int k = 0; k < 2; k++)
		sent[k] = give(&side[k], f, n, room, out[k]);
	staged += (uint64_t)__builtin_popcountll(side[0].e->syn.mask);
	pooled += side[0].e->syn.run.mask && side[0].e->syn.run.way.l->conf.has_pool;
	in_run += (uint64_t)__builtin_popcountll(side[0].e->syn.mask & side[0].e->syn.run.mask);
	CU_ASSERT_EQUAL(side[1].e->syn.mask, 0);
	return compare(out, sent);
}

static bool run_tick(uint32_t ms)
{
	struct tg_pkt out[2][2 * TG_BURST_MAX];
	uint32_t sent[2];

	for (int k = 0; k < 2; k++) {
		side[k].now_ns += ms * TG_NS_PER_MS + 1;
		sent[k] = tg_engine_tick(side[k].e, out[k], 2 * TG_BURST_MAX, side[k].now_ns);
	}
	return compare(out, sent);
}

/* The operator changes his mind. */
static void reconf(void)
{
	int which = (int)below(LISTENERS);
	struct tg_listener_conf l = random_listener(&side[0], (uint32_t)which);
	bool anew = one_in(2);

	for (int k = 0; k < 2; k++) {
		if (!anew) {
			CU_ASSERT_EQUAL(tg_engine_relisten(side[k].e, which, &l.tcp), 0);
			continue;
		}
		l.service_ctx = &side[k].svc;
		tg_engine_unlisten(side[k].e, which);
		CU_ASSERT_EQUAL_FATAL(tg_engine_listen(side[k].e, &l), which);
	}
}

static bool run_round(void)
{
	uint32_t mix = one_in(3) ? 0 : below(60);

	for (uint32_t i = 0; i < BURSTS; i++) {
		if (one_in(16) || i == 2)
			random_model();
		if (!run_burst(mix))
			return false;
		if (one_in(10))
			reconf();
		if (one_in(3) && !run_tick(one_in(4) ? below(40000) : below(300)))
			return false;
	}
	return true;
}

static void test_stage_anyBursts_sameAsOneByOne(void)
{
	uint64_t seed = tg_test_seed;
	uint32_t wrong = 0;

	staged = in_run = pooled = 0;
	for (uint32_t r = 0; r < ROUNDS && !wrong; r++) {
		tg_rng_init(&rng, seed + r);
		begin();
		wrong += !run_round();
		if (wrong)
			fprintf(stderr, "\nseed %llu\n", (unsigned long long)(seed + r));
		end();
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT(staged > ROUNDS * BURSTS);
	CU_ASSERT(in_run > ROUNDS * BURSTS);
	CU_ASSERT(pooled > ROUNDS / 8);
}

/* Of a tuple in TIME-WAIT the record answers, by an ACK (TD-23), though the listener mints and the
 * SYN is plain. */
static void test_timeWait_oldSyn_isForTheRecord(void)
{
	struct host *h = &side[0];
	struct tg_listener_conf l;
	struct host_peer p;

	host_defaults(h);
	host_init(h);
	host_listener(h, &l, 80);
	l.syn_cookies = TG_COOKIES_ALWAYS;
	CU_ASSERT_FATAL(tg_engine_listen(h->e, &l) >= 0);
	host_peer(&p, h, 80, 5000, false);
	tg_addr_parse("10.9.8.7", &p.t.raddr);
	tg_seq first = p.snd_nxt;

	host_send(&p, TG_TCP_SYN, NULL, 0);
	host_expect_ctl(&p, TG_TCP_SYN | TG_TCP_ACK);
	CU_ASSERT_EQUAL(h->e->syn.mask, 1);
	host_send(&p, TG_TCP_ACK, NULL, 0);
	CU_ASSERT_EQUAL_FATAL(host_state(&p), TG_ESTABLISHED);
	tg_conn_close(h->e, h->svc.last);
	host_tick(h, 0);
	host_expect_ctl(&p, TG_TCP_FIN | TG_TCP_ACK);
	host_send(&p, TG_TCP_ACK | TG_TCP_FIN, NULL, 0);
	host_expect_ctl(&p, TG_TCP_ACK);
	CU_ASSERT_EQUAL(host_state(&p), TG_TIME_WAIT);
	host_raw(&p, TG_TCP_SYN, first, tg_seq_make(0), NULL, 0);
	host_expect_ctl(&p, TG_TCP_ACK);
	CU_ASSERT_EQUAL(h->e->syn.mask, 0);
	CU_ASSERT_EQUAL(host_ctr(h, TG_CTR_cookie_sent), 1);
	CU_ASSERT_EQUAL(host_state(&p), TG_TIME_WAIT);
	host_tick(h, 61000);
	host_fini(h);
}

static void narrow(struct host_svc *s, struct tg_engine *e, uint32_t conn)
{
	struct tg_tcp_conf tcp = side[0].tcp;

	tcp.rcvbuf = 2000;
	CU_ASSERT_EQUAL(tg_engine_relisten(e, 0, &tcp), 0);
}

/* A service may change its listener when a connection opens: of two SYNs in one burst with the
 * handshake ACK between them, the second is told the new window (SC-07). */
static void test_stage_listenerChangedInTheBurst_isSeen(void)
{
	struct host *h = &side[0];
	struct tg_listener_conf l;
	struct host_peer p[3];
	uint8_t data[3][HOST_BUF_LEN];
	const uint8_t *frame[3] = {data[0], data[1], data[2]};
	uint32_t len[3];

	host_defaults(h);
	host_init(h);
	host_listener(h, &l, 80);
	l.syn_cookies = TG_COOKIES_ALWAYS;
	CU_ASSERT_EQUAL_FATAL(tg_engine_listen(h->e, &l), 0);
	for (uint16_t i = 0; i < 3; i++) {
		host_peer(&p[i], h, 80, (uint16_t)(5000 + i), false);
		tg_addr_parse("10.9.8.7", &p[i].t.raddr);
	}
	host_send(&p[1], TG_TCP_SYN, NULL, 0);
	host_expect_ctl(&p[1], TG_TCP_SYN | TG_TCP_ACK);
	h->svc.on_opened = narrow;
	for (uint32_t i = 0; i < 3; i++)
		len[i] = i == 1 ? host_build(&p[i], TG_TCP_ACK, p[i].snd_nxt, p[i].rcv_nxt, NULL, 0,
					     data[i])
				: host_build(&p[i], TG_TCP_SYN, p[i].snd_nxt, tg_seq_make(0), NULL,
					     0, data[i]);
	host_rx(h, frame, len, 3);
	CU_ASSERT_EQUAL(host_state(&p[1]), TG_ESTABLISHED);
	CU_ASSERT_EQUAL(host_expect_ctl(&p[0], TG_TCP_SYN | TG_TCP_ACK).wnd, 65535);
	CU_ASSERT_EQUAL(host_expect_ctl(&p[2], TG_TCP_SYN | TG_TCP_ACK).wnd, 2000);
	CU_ASSERT_EQUAL(host_ctr(h, TG_CTR_cookie_sent), 3);
	host_fini(h);
}

/* A SYN of each of the first n peers in one burst; all are answered by cookies. */
static void flood(struct host *h, struct host_peer p[], uint32_t n)
{
	static uint8_t data[FLOOD][HOST_BUF_LEN];
	const uint8_t *frame[FLOOD];
	uint32_t len[FLOOD];

	for (uint32_t i = 0; i < n; i++) {
		frame[i] = data[i];
		len[i] =
		    host_build(&p[i], TG_TCP_SYN, p[i].snd_nxt, tg_seq_make(0), NULL, 0, data[i]);
	}
	host_rx(h, frame, len, n);
	for (uint32_t i = 0; i < n; i++)
		host_expect_ctl(&p[i], TG_TCP_SYN | TG_TCP_ACK);
}

/* In a flood: of a handshake ACK and a repeated SYN of its connection, in one burst, the second
 * meets the connection (SE-21), though there was none when the tables were asked. */
static void test_run_synAfterItsAck_meetsTheConnection(void)
{
	struct host *h = &side[0];
	struct tg_listener_conf l;
	struct host_peer p[FLOOD];
	uint8_t data[3][HOST_BUF_LEN];
	const uint8_t *frame[3] = {data[0], data[1], data[2]};
	uint32_t len[3];

	host_defaults(h);
	host_init(h);
	host_listener(h, &l, 80);
	l.syn_cookies = TG_COOKIES_ALWAYS;
	CU_ASSERT_EQUAL_FATAL(tg_engine_listen(h->e, &l), 0);
	for (uint32_t i = 0; i < FLOOD; i++) {
		host_peer(&p[i], h, 80, (uint16_t)(5000 + i), false);
		tg_addr_parse("10.9.8.7", &p[i].t.raddr);
	}
	tg_seq first = p[0].snd_nxt;

	flood(h, p, FLOOD);
	CU_ASSERT_EQUAL(h->e->syn.run.mask, 0); /* the shape was learnt at the end */
	flood(h, p + 1, FLOOD - 1);
	CU_ASSERT_EQUAL(__builtin_popcountll(h->e->syn.run.mask), FLOOD - 1);
	host_send(&p[0], TG_TCP_SYN, NULL, 0);
	host_expect_ctl(&p[0], TG_TCP_SYN | TG_TCP_ACK);
	len[0] = host_build(&p[0], TG_TCP_ACK, p[0].snd_nxt, p[0].rcv_nxt, NULL, 0, data[0]);
	len[1] = host_build(&p[0], TG_TCP_SYN, first, tg_seq_make(0), NULL, 0, data[1]);
	len[2] = host_build(&p[1], TG_TCP_SYN, p[1].snd_nxt, tg_seq_make(0), NULL, 0, data[2]);
	host_rx(h, frame, len, 3);
	CU_ASSERT_EQUAL(h->e->syn.run.mask, 6);
	CU_ASSERT_EQUAL(host_state(&p[0]), TG_ESTABLISHED);
	host_expect_ctl(&p[0], TG_TCP_ACK);
	host_expect_ctl(&p[1], TG_TCP_SYN | TG_TCP_ACK);
	CU_ASSERT_EQUAL(host_ctr(h, TG_CTR_cookie_sent), 2 * FLOOD + 1);
	host_fini(h);
}

static const struct tg_test tests[] = {
    {"run_synAfterItsAck_meetsTheConnection", test_run_synAfterItsAck_meetsTheConnection},
    {"stage_listenerChangedInTheBurst_isSeen", test_stage_listenerChangedInTheBurst_isSeen},
    {"timeWait_oldSyn_isForTheRecord", test_timeWait_oldSyn_isForTheRecord},
    {"stage_anyBursts_sameAsOneByOne", test_stage_anyBursts_sameAsOneByOne},
};

int main(int argc, char **argv)
{
	return tg_test_main("engine_syn", tests, TG_TEST_N(tests), argc, argv);
}
