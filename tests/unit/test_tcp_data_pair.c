/* SPDX-License-Identifier: BSD-3-Clause */
/* Two blocks over a bad link: every byte arrives once and in order, both sides close, nothing waits
 * for ever, and a loss costs what the RFCs say it costs. */
#include "tcp_data_pair.h"

enum { MIB = 1 << 20, HOUR_MS = 3600 * 1000 };

static void check_run(struct pair *p, uint64_t until_ms)
{
	if (pair_run(p, until_ms) && (p->host[0].user.reason != TG_CLOSE_NORMAL ||
				      p->host[1].user.reason != TG_CLOSE_NORMAL))
		p->fault = "not closed as it should";
	pair_fini(p);
	if (p->fault) {
		printf("at %" PRIu64 " ms, %" PRIu64 " lost: %s\n", p->now_ms, p->lost_n, p->fault);
		for (int side = 0; side < 2; side++) {
			const struct pair_host *h = &p->host[side];

			printf(
			    "  %d: %s una %u nxt %u rexmit %u wnd %u cwnd %u rexmit timer %" PRIu64
			    " persist %d | written %u read %u of %u, eof %d | rcvbuf %u sndbuf %u "
			    "mss %u have %u readable %u\n",
			    side, tg_tcp_state_name((enum tg_tcp_state)h->tcb.state),
			    h->tcb.snd.una.v - h->tcb.snd.iss.v,
			    h->tcb.snd.nxt.v - h->tcb.snd.iss.v,
			    h->tcb.rexmit_nxt.v - h->tcb.snd.iss.v, h->tcb.snd.wnd, h->tcb.cwnd,
			    h->tcb.deadline[TG_T_REXMIT], h->tcb.persist, h->user.written,
			    h->user.read, p->host[!side].user.total, h->user.eof, h->conf.rcvbuf,
			    h->conf.sndbuf, h->tcb.snd.mss, tg_tcb_rcv_wnd(&h->tcb),
			    tg_tcp_readable(&h->tcb));
		}
	}
	CU_ASSERT_PTR_NULL(p->fault);
}

static void test_pair_cleanLink_mebibyteEachWay_arrivesWithoutRepeat(void)
{
	struct pair p;

	pair_init(&p, tg_test_seed, 600);
	p.host[0].user.total = p.host[1].user.total = MIB;
	pair_open(&p);
	pair_run(&p, HOUR_MS);
	for (int side = 0; side < 2; side++) {
		CU_ASSERT_EQUAL(p.host[side].ctr.v[TG_CTR_rexmit], 0);
		CU_ASSERT_EQUAL(p.host[side].ctr.v[TG_CTR_rto], 0);
		CU_ASSERT_EQUAL(p.host[side].largest, 1448);
	}
	CU_ASSERT_TRUE(p.now_ms < 1000 + 2000);
	check_run(&p, HOUR_MS);
}

/* Loses the segments of side 0 whose number in order of text stands in lost[]. */
struct victims {
	uint32_t n, lost[4];
	uint32_t seen;
	tg_seq highest;
};

static bool lose_victims(void *ctx, int from, const struct tg_seg *seg)
{
	struct victims *v = ctx;

	if (from != 0 || seg->len == 0)
		return false;
	if (v->seen && tg_seq_le(seg->seq, v->highest))
		return false; /* a repetition */
	v->highest = seg->seq;
	v->seen++;
	for (uint32_t i = 0; i < v->n; i++)
		if (v->lost[i] == v->seen)
			return true;
	return false;
}

static void run_victims(struct victims v, uint64_t fast, bool sack)
{
	struct pair p;

	pair_init(&p, tg_test_seed, 600);
	p.link.lose = lose_victims;
	p.link.ctx = &v;
	p.host[0].conf.sack = p.host[1].conf.sack = sack;
	p.host[0].user.total = MIB;
	pair_open(&p);
	pair_run(&p, HOUR_MS);
	CU_ASSERT_EQUAL(p.host[0].ctr.v[TG_CTR_rto], 0);
	CU_ASSERT_EQUAL(p.host[0].ctr.v[TG_CTR_rexmit], fast);
	CU_ASSERT_EQUAL(p.host[0].ctr.v[TG_CTR_rexmit_fast], fast);
	CU_ASSERT_TRUE(p.now_ms < 1000 + 3000);
	check_run(&p, HOUR_MS);
}

/* DT-18. */
static void test_pair_oneLossInWindow_fastRetransmit_noTimeout(void)
{
	run_victims((struct victims){.n = 1, .lost = {100}}, 1, true);
	run_victims((struct victims){.n = 1, .lost = {100}}, 1, false);
	run_victims((struct victims){.n = 1, .lost = {1}}, 1, false);
}

/* DT-20, RFC 6582. */
static void test_pair_threeLossesInWindow_newreno_noTimeout(void)
{
	run_victims((struct victims){.n = 3, .lost = {100, 103, 110}}, 3, true);
	run_victims((struct victims){.n = 3, .lost = {100, 101, 102}}, 3, false);
}

static uint32_t pick(struct tg_rng *rng, const uint32_t *of, uint32_t n)
{
	return of[tg_rng_below(rng, n)];
}

static void random_host(struct pair_host *h, struct tg_rng *rng)
{
	static const uint32_t bufs[] = {128, 129, 200, 500, 1000, 4096, 20000, 65536, 262144};
	static const uint32_t writes[] = {1, 10, 100, 1000, 8000, 60000};
	static const uint32_t reads[] = {1, 50, 500, 5000, 60000};

	h->conf.rcvbuf = pick(rng, bufs, 9);
	h->conf.sndbuf = pick(rng, bufs, 9);
	h->conf.window_scale = (uint8_t)(tg_rng_below(rng, 2) ? 7 : tg_rng_below(rng, 15));
	h->conf.timestamps = tg_rng_below(rng, 2);
	h->conf.sack = tg_rng_below(rng, 2);
	h->conf.nodelay = tg_rng_below(rng, 2);
	h->conf.maxseg = (uint16_t)(tg_rng_below(rng, 3) ? 0 : 100 + tg_rng_below(rng, 1000));
	h->max_text = 1 + (tg_rng_below(rng, 3) ? 0 : tg_rng_below(rng, 20));
	h->user.write_max = pick(rng, writes, 6);
	h->user.read_max = pick(rng, reads, 5);
	h->user.write_every_ms = tg_rng_below(rng, 3) ? 0 : 1 + tg_rng_below(rng, 20);
	h->user.read_every_ms = tg_rng_below(rng, 2) ? 0 : 1 + tg_rng_below(rng, 50);
	h->user.read_from_ms = tg_rng_below(rng, 3) ? 0 : tg_rng_below(rng, 20000);
	h->user.total = tg_rng_below(rng, 20000);
}

static void run_random(uint64_t seed)
{
	struct pair p;

	pair_init(&p, seed, 2000);
	p.link.delay_ms = 1 + tg_rng_below(&p.rng, 50);
	p.link.jitter_ms = tg_rng_below(&p.rng, 2) ? 0 : tg_rng_below(&p.rng, 60);
	p.link.loss_ppm = tg_rng_below(&p.rng, 3) * 50000;
	p.link.dup_ppm = tg_rng_below(&p.rng, 3) * 30000;
	random_host(&p.host[0], &p.rng);
	random_host(&p.host[1], &p.rng);
	pair_open(&p);
	pair_run(&p, 1000ull * HOUR_MS);
	if (p.fault)
		printf("seed of this pair: %" PRIu64 "\n", seed);
	check_run(&p, 1000ull * HOUR_MS);
}

static void test_pair_randomLinkAndBuffers_allArrivesAndCloses(void)
{
	struct tg_rng rng;

	tg_rng_init(&rng, tg_test_seed);
	for (int i = 0; i < 200; i++)
		run_random(tg_rng_next(&rng));
}

/* One MiB each way over 2 % loss, for buffers from the least to the default. */
static void test_pair_lossyLink_mebibyteEachWay_everyBuffer(void)
{
	static const uint32_t bufs[] = {128, 1000, 8192, 65536, 262144};

	for (uint32_t i = 0; i < 5; i++) {
		struct pair p;

		pair_init(&p, tg_test_seed + i, 600);
		p.link.loss_ppm = p.link.dup_ppm = 20000;
		p.link.jitter_ms = 3;
		for (int side = 0; side < 2; side++) {
			p.host[side].conf.rcvbuf = p.host[side].conf.sndbuf = bufs[i];
			p.host[side].user.total = MIB;
		}
		pair_open(&p);
		pair_run(&p, 24ull * HOUR_MS);
		check_run(&p, 24ull * HOUR_MS);
	}
}

/* DT-25, DT-33: both windows close at once, each side has more to send, and all packets that
 * reopen them are lost for a while. */
static void test_pair_zeroWindowsBothWays_readersWakeLate_noDeadlock(void)
{
	for (uint32_t i = 0; i < 20; i++) {
		struct pair p;

		pair_init(&p, tg_test_seed + i, 100);
		p.link.loss_ppm = i % 4 * 30000;
		for (int side = 0; side < 2; side++) {
			p.host[side].conf.rcvbuf = 128 + 100 * i;
			p.host[side].conf.nodelay = i & 1;
			p.host[side].conf.timestamps = i & 2;
			p.host[side].user.total = 30000;
			p.host[side].user.read_from_ms = 100000 + (uint64_t)side * 30;
		}
		pair_open(&p);
		pair_run(&p, HOUR_MS);
		if (!p.fault && i % 4 == 0) {
			CU_ASSERT_TRUE(p.host[0].ctr.v[TG_CTR_persist_probe] > 5);
			CU_ASSERT_TRUE(p.host[1].ctr.v[TG_CTR_persist_probe] > 5);
		}
		check_run(&p, HOUR_MS);
	}
}

/* Few chunks: the pool, not the window, is what bounds; text is dropped and comes again. */
static void test_pair_poolTooSmall_textComesAgain(void)
{
	struct pair p;

	pair_init(&p, tg_test_seed, 20);
	p.host[0].user.total = 200000;
	p.host[0].conf.sndbuf = 16384;
	p.host[1].user.read_every_ms = 5;
	p.link.loss_ppm = 30000;
	p.link.jitter_ms = 5;
	pair_open(&p);
	pair_run(&p, HOUR_MS);
	check_run(&p, HOUR_MS);
}

static const struct tg_test tests[] = {
    {"pair_cleanLink_mebibyteEachWay_arrivesWithoutRepeat",
     test_pair_cleanLink_mebibyteEachWay_arrivesWithoutRepeat},
    {"pair_oneLossInWindow_fastRetransmit_noTimeout",
     test_pair_oneLossInWindow_fastRetransmit_noTimeout},
    {"pair_threeLossesInWindow_newreno_noTimeout", test_pair_threeLossesInWindow_newreno_noTimeout},
    {"pair_randomLinkAndBuffers_allArrivesAndCloses",
     test_pair_randomLinkAndBuffers_allArrivesAndCloses},
    {"pair_lossyLink_mebibyteEachWay_everyBuffer", test_pair_lossyLink_mebibyteEachWay_everyBuffer},
    {"pair_zeroWindowsBothWays_readersWakeLate_noDeadlock",
     test_pair_zeroWindowsBothWays_readersWakeLate_noDeadlock},
    {"pair_poolTooSmall_textComesAgain", test_pair_poolTooSmall_textComesAgain},
};

int main(int argc, char **argv)
{
	return tg_test_main("tcp_data_pair", tests, TG_TEST_N(tests), argc, argv);
}
