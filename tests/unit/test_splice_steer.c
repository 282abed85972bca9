/* SPDX-License-Identifier: BSD-3-Clause */
/* test_splice_steer.c: a transparent shield of several workers. The client's tuple and the
 * backend's have nothing in common but the client's address, and must meet on one core (LN-23);
 * probes go out from each core, and their answers must come home to it (EST-33). */
#include "engine.h"
#include "engine_host.h"
#include "tg_pool.h"
#include "tg_steer.h"

enum { WORKER_N = 3, VPORT = 80, BPORT = 8080, CLIENTS = 60, FLOWS_EACH = 4, OUTSIDE = 0, INSIDE };
enum { SYN_ACK = TG_TCP_SYN | TG_TCP_ACK };

static struct host worker[WORKER_N];
static struct tg_steer steer;
static struct tg_addr vip[2], backend[2]; /* IPv4, IPv6 */

static bool is_mine(void *ctx, const struct tg_tuple *t)
{
	return &worker[tg_steer_owner(&steer, t)] == ctx;
}

/* --- the world --- */

static void make_steer(const struct host *h)
{
	const struct tg_sipkey key = {tg_test_seed, 5};

	tg_steer_init(&steer, WORKER_N);
	tg_steer_by_client(&steer, &key);
	for (uint32_t p = 0; p < 2; p++)
		for (uint32_t i = 0; i < 2; i++)
			CU_ASSERT(tg_steer_add_own(&steer, &h->conf.port[p].addr[i].addr));
	for (int v6 = 0; v6 < 2; v6++)
		CU_ASSERT(tg_steer_add_vip(&steer, &vip[v6], VPORT));
}

static void make_worker(struct host *h)
{
	struct tg_pool_conf pool = {.name = "web",
				    .mode = TG_POOL_TRANSPARENT,
				    .rise = 1,
				    .fall = 2,
				    .check_ms = 1000,
				    .check_timeout_ms = 500,
				    .backend_n = 2,
				    .key = {3, 4}};
	struct tg_listener_conf l;

	for (int v6 = 0; v6 < 2; v6++)
		pool.backend[v6] = (struct tg_backend_conf){backend[v6], BPORT, 1};
	host_init(h);
	h->e->ops.is_mine = is_mine;
	CU_ASSERT_EQUAL_FATAL(tg_engine_pool_add(h->e, &pool), 0);
	host_listener(h, &l, VPORT);
	l.service = NULL;
	l.has_pool = true;
	CU_ASSERT_FATAL(tg_engine_listen(h->e, &l) >= 0);
}

static void set_worker(struct host *h, uint64_t number)
{
	host_defaults(h);
	h->conf.seed = tg_test_seed * 7 + number;
	h->conf.pool_max = 1;
	h->conf.splice_max = 2 * CLIENTS * FLOWS_EACH;
	h->conf.port_n = 2;
	h->conf.port[INSIDE] = h->conf.port[OUTSIDE];
	tg_addr_parse("10.0.0.1", &h->conf.port[INSIDE].addr[0].addr);
	tg_addr_parse("fd00::1", &h->conf.port[INSIDE].addr[1].addr);
}

/* A frame of p comes in by that port: it goes where it is steered to. */
static void arrives(struct host_peer *p, uint16_t port, uint8_t ctl, const void *text, uint32_t len)
{
	uint8_t frame[HOST_BUF_LEN];
	const uint8_t *f = frame;
	uint32_t n = host_build(p, ctl, p->snd_nxt, (ctl & TG_TCP_ACK) ? p->rcv_nxt : p->snd_nxt,
				text, len, frame);
	uint16_t w = tg_steer_frame(&steer, frame, n);

	CU_ASSERT_FATAL(w < WORKER_N);
	p->h = &worker[w];
	p->h->rx_port = port;
	p->snd_nxt = tg_seq_add(p->snd_nxt, len + ((ctl & TG_TCP_SYN) ? 1 : 0));
	host_rx(p->h, &f, &n, 1);
}

static void hears(struct host_peer *p, uint8_t ctl)
{
	struct tg_seg seg = {0};
	struct host_frame f;

	CU_ASSERT_FATAL(host_expect(p, &seg, &f));
	CU_ASSERT_EQUAL(seg.ctl, ctl);
}

/* Each worker asks both backends: its own probes are answered to it. */
static void answer_probes(struct host *h)
{
	struct host_frame f;
	uint32_t answered = 0;

	for (uint32_t i = 0; i < 1000 && answered < 2; i++) {
		host_tick(h, 10);
		while (host_next(h, &f)) {
			bool v6 = f.data[12] == 0x86;
			const uint8_t *tcp = f.data + TG_ETH_LEN + (v6 ? TG_IP6_LEN : TG_IP4_LEN);
			struct host_peer p;
			if (!(tcp[13] & TG_TCP_SYN))
				continue;
			host_peer(&p, h, tg_be16_get(tcp), BPORT, v6);
			p.t.laddr = h->conf.port[INSIDE].addr[v6].addr;
			p.t.raddr = backend[v6];
			p.rcv_nxt = tg_seq_make(tg_be32_get(tcp + 4) + 1);
			arrives(&p, INSIDE, SYN_ACK, NULL, 0);
			CU_ASSERT_PTR_EQUAL(p.h, h);
			answered++;
		}
	}
	CU_ASSERT_EQUAL_FATAL(answered, 2);
	CU_ASSERT_EQUAL(host_ctr(h, TG_CTR_backend_up), 2);
	while (host_next(h, &f))
		;
}

static void begin(void)
{
	tg_addr_parse("10.0.0.11", &backend[0]);
	tg_addr_parse("fd00::11", &backend[1]);
	for (int w = 0; w < WORKER_N; w++)
		set_worker(&worker[w], (uint64_t)w);
	for (int v6 = 0; v6 < 2; v6++)
		vip[v6] = worker[0].conf.port[OUTSIDE].addr[v6].addr;
	make_steer(&worker[0]);
	for (int w = 0; w < WORKER_N; w++)
		make_worker(&worker[w]);
	for (int w = 0; w < WORKER_N; w++)
		answer_probes(&worker[w]);
}

static uint64_t sum_of(enum tg_ctr ctr)
{
	uint64_t sum = 0;

	for (int w = 0; w < WORKER_N; w++)
		sum += host_ctr(&worker[w], ctr);
	return sum;
}

/* --- flows --- */

static struct host_peer client_of(uint32_t i, uint32_t flow, bool v6)
{
	struct host_peer c;

	host_peer(&c, &worker[0], VPORT, (uint16_t)(5000 + 31 * flow), v6);
	tg_addr_parse(v6 ? "2001:db8:9::" : "198.51.100.0", &c.t.raddr);
	c.t.raddr.b[15] = (uint8_t)(i + 1);
	return c;
}

/* A handshake on both sides, and a byte each way; the worker that saw it all. */
static struct host *splice(struct host_peer *c, bool v6)
{
	struct host_peer b;

	arrives(c, OUTSIDE, TG_TCP_SYN, NULL, 0);
	struct host *home = c->h;

	hears(c, SYN_ACK);
	arrives(c, OUTSIDE, TG_TCP_ACK, NULL, 0);
	CU_ASSERT_PTR_EQUAL(c->h, home);
	host_peer(&b, home, c->t.rport, BPORT, v6);
	b.t.laddr = c->t.raddr;
	b.t.raddr = backend[v6];
	hears(&b, TG_TCP_SYN);
	arrives(&b, INSIDE, SYN_ACK, NULL, 0);
	CU_ASSERT_PTR_EQUAL_FATAL(b.h, home);
	hears(&b, TG_TCP_ACK);
	arrives(&b, INSIDE, TG_TCP_ACK, "b", 1);
	hears(c, TG_TCP_ACK);
	arrives(c, OUTSIDE, TG_TCP_ACK, "c", 1);
	hears(&b, TG_TCP_ACK);
	return home;
}

/* LN-23, EST-33. */
static void test_spliced_bothTuples_meetOnOneWorker(void)
{
	uint32_t used[WORKER_N] = {0};

	begin();
	uint64_t rst = sum_of(TG_CTR_rst_sent); /* of probes */

	for (uint32_t i = 0; i < CLIENTS; i++) {
		bool v6 = i & 1;
		struct host *home = NULL;
		for (uint32_t flow = 0; flow < FLOWS_EACH; flow++) {
			struct host_peer c = client_of(i, flow, v6);
			struct host *h = splice(&c, v6);
			/* So limits of a source are exact. */
			CU_ASSERT(home == NULL || home == h);
			home = h;
		}
		used[home - worker]++;
	}
	CU_ASSERT_EQUAL(sum_of(TG_CTR_splice_opened), CLIENTS * FLOWS_EACH);
	CU_ASSERT_EQUAL(sum_of(TG_CTR_bad_dst), 0);
	CU_ASSERT_EQUAL(sum_of(TG_CTR_rst_sent), rst);
	for (int w = 0; w < WORKER_N; w++)
		CU_ASSERT(used[w] > 0);
	for (int w = 0; w < WORKER_N; w++)
		host_fini(&worker[w]);
}

static const struct tg_test tests[] = {
    {"spliced_bothTuples_meetOnOneWorker", test_spliced_bothTuples_meetOnOneWorker},
};

int main(int argc, char **argv)
{
	return tg_test_main("splice_steer", tests, TG_TEST_N(tests), argc, argv);
}
