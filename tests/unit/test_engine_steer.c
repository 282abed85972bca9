/* SPDX-License-Identifier: BSD-3-Clause */
/* test_engine_steer.c: several workers and the hash that parts the packets between them: an active
 * open hears its answer on its own core (EST-33), and what is left of a connection lives where its
 * packets come (TD-31). */
#include "engine.h"
#include "engine_host.h"
#include "tg_steer.h"

enum { WORKER_N = 4, FIN_ACK = TG_TCP_FIN | TG_TCP_ACK, SYN_ACK = TG_TCP_SYN | TG_TCP_ACK };

static struct host worker[WORKER_N];
static struct tg_steer steer;

static bool is_mine(void *ctx, const struct tg_tuple *t)
{
	return &worker[tg_steer_owner(&steer, t)] == ctx;
}

static void begin(void)
{
	tg_steer_init(&steer, WORKER_N);
	for (int w = 0; w < WORKER_N; w++) {
		host_defaults(&worker[w]);
		worker[w].conf.seed = tg_test_seed * 7 + (uint64_t)w;
		worker[w].conf.tw_max = 1024;
		host_init(&worker[w]);
		worker[w].e->ops.is_mine = is_mine;
		CU_ASSERT_FATAL(host_listen(&worker[w], 80) >= 0);
	}
}

static void end(void)
{
	for (int w = 0; w < WORKER_N; w++)
		host_end(&worker[w]);
}

/* The worker that a frame of p comes to. */
static uint16_t owner_of(const struct host_peer *p, uint8_t ctl)
{
	uint8_t frame[HOST_BUF_LEN];
	uint32_t n = host_build(p, ctl, p->snd_nxt, p->rcv_nxt, NULL, 0, frame);

	return tg_steer_frame(&steer, frame, n);
}

/* --- EST-33 --- */

static double chi_square(const uint32_t n[], int slots, double sum)
{
	double x = 0, want = sum / slots;

	for (int i = 0; i < slots; i++)
		x += (n[i] - want) * (n[i] - want) / want;
	return x;
}

static void test_synSent_synAck_comesToTheOpener(void)
{
	enum { N = 100000, SLOTS = 64 };
	static uint32_t slot[SLOTS];
	uint32_t astray = 0;

	memset(slot, 0, sizeof(slot));
	begin();
	for (int i = 0; i < N; i++) {
		struct host *h = &worker[i % WORKER_N];
		struct host_peer p;
		struct tg_seg seg = {0};
		struct host_frame f;
		uint32_t conn;
		h->unchecked = true; /* a hundred thousand times is enough of the test's time */
		host_peer(&p, h, 0, 443, (i / WORKER_N) & 1);
		CU_ASSERT_EQUAL_FATAL(tg_engine_connect(h->e, &p.t, &h->tcp, NULL, NULL, 0, &conn),
				      0);
		host_tick_once(h, 0);
		CU_ASSERT_FATAL(host_expect(&p, &seg, &f) && seg.ctl == TG_TCP_SYN);
		p.t.lport = seg.sport;
		slot[(seg.sport - TG_PORT_LOW) * SLOTS / (TG_PORT_HIGH - TG_PORT_LOW + 1)]++;
		astray += &worker[owner_of(&p, SYN_ACK)] != h;
		host_send(&p, TG_TCP_RST | TG_TCP_ACK, NULL, 0);
	}
	for (int w = 0; w < WORKER_N; w++)
		worker[w].unchecked = false;
	CU_ASSERT_EQUAL(astray, 0);
	/* 63 degrees of freedom: 117 is passed by chance once in forty thousand times. */
	CU_ASSERT(chi_square(slot, SLOTS, N) < 117);
	end();
}

/* --- TD-31 --- */

/* A segment of p arrives where it is steered to. */
static void say(struct host_peer *p, uint8_t ctl)
{
	uint16_t w = owner_of(p, ctl);

	CU_ASSERT_FATAL(w < WORKER_N);
	p->h = &worker[w];
	host_send(p, ctl, NULL, 0);
}

static uint64_t sum_of(enum tg_ctr ctr)
{
	uint64_t sum = 0;

	for (int w = 0; w < WORKER_N; w++)
		sum += host_ctr(&worker[w], ctr);
	return sum;
}

static void test_timeWait_finAgain_comesToItsRecord(void)
{
	enum { N = 400 };
	uint32_t used[WORKER_N] = {0};

	begin();
	for (int i = 0; i < N; i++) {
		struct host_peer p;
		host_peer(&p, &worker[0], 80, (uint16_t)(7000 + 13 * i), i & 1);
		say(&p, TG_TCP_SYN);
		host_expect_ctl(&p, SYN_ACK);
		say(&p, TG_TCP_ACK);
		CU_ASSERT_EQUAL(host_state(&p), TG_ESTABLISHED);
		tg_conn_close(p.h->e, p.h->svc.last);
		host_tick(p.h, 0);
		host_expect_ctl(&p, FIN_ACK);
		say(&p, FIN_ACK);
		host_expect_ctl(&p, TG_TCP_ACK);
		CU_ASSERT_EQUAL(host_state(&p), TG_TIME_WAIT);
		host_tick(p.h, 1000);
		p.snd_nxt = tg_seq_sub(p.snd_nxt, 1); /* our ACK was lost */
		say(&p, FIN_ACK);
		host_expect_ctl(&p, TG_TCP_ACK);
		used[p.h - worker]++;
	}
	CU_ASSERT_EQUAL(sum_of(TG_CTR_tw_fin_reack), N);
	CU_ASSERT_EQUAL(sum_of(TG_CTR_rst_sent), 0);
	for (int w = 0; w < WORKER_N; w++) {
		CU_ASSERT(used[w] > N / WORKER_N / 2);
		host_tick(&worker[w], 120000); /* its timers are there, too */
		CU_ASSERT_EQUAL(host_ctr(&worker[w], TG_CTR_tw_expired), used[w]);
	}
	end();
}

static const struct tg_test tests[] = {
    {"synSent_synAck_comesToTheOpener", test_synSent_synAck_comesToTheOpener},
    {"timeWait_finAgain_comesToItsRecord", test_timeWait_finAgain_comesToItsRecord},
};

int main(int argc, char **argv)
{
	return tg_test_main("engine_steer", tests, TG_TEST_N(tests), argc, argv);
}
