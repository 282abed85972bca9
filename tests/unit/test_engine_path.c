/* SPDX-License-Identifier: BSD-3-Clause */
/* test_engine_path.c: the store of path MTUs (RB-21), and frames that the port cuts (DT-34). */
#include "engine_host.h"
#include "path.h"
#include "tg_wire.h"

/* --- the store --- */

static struct tg_paths *paths;
static struct tg_rng rng;

static void paths_begin(void)
{
	paths = aligned_alloc(64, tg_paths_footprint());
	memset(paths, 0, tg_paths_footprint());
	tg_rng_init(&rng, tg_test_seed);
	paths = tg_paths_init(paths, &rng);
}

static void paths_end(void)
{
	CU_ASSERT(tg_paths_validate(paths));
	free(paths);
}

static struct tg_addr addr(uint32_t i)
{
	struct tg_addr a = {.b = {0x20, 0x01, 0x0d, 0xb8}};

	tg_be32_put(a.b + 12, i);
	return a;
}

static void test_paths_learn_onlyLowersUntilItsTime(void)
{
	struct tg_addr a = addr(1), b = addr(2);
	uint32_t gen;

	paths_begin();
	CU_ASSERT_EQUAL(paths->gen, 0);
	CU_ASSERT_EQUAL(tg_paths_find(paths, &a), 0);
	tg_paths_learn(paths, &a, 1400, 1000);
	CU_ASSERT_EQUAL(tg_paths_find(paths, &a), 1400);
	CU_ASSERT_EQUAL(tg_paths_find(paths, &b), 0);
	gen = paths->gen;
	tg_paths_learn(paths, &a, 1450, 2000); /* nothing new: its time runs on */
	CU_ASSERT_EQUAL(paths->gen, gen);
	CU_ASSERT_EQUAL(tg_paths_find(paths, &a), 1400);
	tg_paths_learn(paths, &b, 1300, 2000);
	tg_paths_expire(paths, 1000 + TG_PATH_AGE_MS - 1);
	CU_ASSERT_EQUAL(tg_paths_find(paths, &a), 1400);
	gen = paths->gen;
	tg_paths_expire(paths, 1000 + TG_PATH_AGE_MS);
	CU_ASSERT_EQUAL(tg_paths_find(paths, &a), 0);
	CU_ASSERT_EQUAL(tg_paths_find(paths, &b), 1300);
	CU_ASSERT_NOT_EQUAL(paths->gen, gen);
	tg_paths_learn(paths, &b, 1280, 100000); /* lower: ten minutes anew */
	tg_paths_expire(paths, 2000 + TG_PATH_AGE_MS);
	CU_ASSERT_EQUAL(tg_paths_find(paths, &b), 1280);
	tg_paths_expire(paths, 100000 + TG_PATH_AGE_MS);
	CU_ASSERT_EQUAL(paths->n, 0);
	CU_ASSERT_EQUAL(paths->next_ms, UINT64_MAX);
	paths_end();
}

/* Ten times what fits: never more than there is, the newest is there, the books are right. */
static void test_paths_full_oldestOfTheSetGoes(void)
{
	paths_begin();
	for (uint32_t i = 0; i < 10 * TG_PATH_SETS * TG_PATH_WAYS; i++) {
		struct tg_addr a = addr(i);
		tg_paths_learn(paths, &a, 600 + i % 800, 1000 + i);
		CU_ASSERT_EQUAL(tg_paths_find(paths, &a), 600 + i % 800);
	}
	CU_ASSERT(tg_paths_validate(paths));
	CU_ASSERT_EQUAL(paths->n, TG_PATH_SETS * TG_PATH_WAYS);
	struct tg_addr first = addr(0);
	CU_ASSERT_EQUAL(tg_paths_find(paths, &first), 0);
	tg_paths_expire(paths, UINT64_MAX - 1);
	CU_ASSERT_EQUAL(paths->n, 0);
	paths_end();
}

static void test_paths_genWraps_isNeverNone(void)
{
	struct tg_addr a = addr(1);

	paths_begin();
	paths->gen = UINT32_MAX;
	tg_paths_learn(paths, &a, 1400, 0);
	CU_ASSERT_EQUAL(paths->gen, 1);
	paths_end();
}

/* --- frames of several segments --- */

enum { TEXT = 4000, MSS = 500, WITH_TS = MSS - 12 };

static struct host h;
static struct host_peer p;

static void write_text(struct host_svc *s, struct tg_engine *e, uint32_t conn)
{
	uint8_t text[TEXT];

	(void)s;
	for (uint32_t i = 0; i < TEXT; i++)
		text[i] = (uint8_t)(i * 7);
	CU_ASSERT_EQUAL(tg_conn_write(e, conn, text, TEXT), TEXT);
}

/* A connection that has just written TEXT bytes. */
static void begin(bool v6, bool ip_csum, uint32_t tso_max, uint32_t large_n)
{
	host_defaults(&h);
	h.conf.port[0].tx_ip_csum = ip_csum;
	h.conf.port[0].tx_tcp_csum = true;
	h.conf.port[0].tso_max = tso_max;
	h.large_n = large_n;
	h.svc.on_opened = write_text;
	host_init(&h);
	host_listen(&h, 80);
	host_peer(&p, &h, 80, 5000, v6);
	p.opts = (struct tg_tcp_opts){.has_mss = 1, .mss = MSS, .has_ts = 1, .tsval = 1};
	host_send(&p, TG_TCP_SYN, NULL, 0);

	struct host_frame f;
	struct tg_seg seg;

	CU_ASSERT_FATAL(host_next(&h, &f));
	uint32_t l4 = 14 + (v6 ? TG_IP6_LEN : TG_IP4_LEN);
	CU_ASSERT_EQUAL_FATAL(tg_tcp_parse(f.data + l4, f.len - l4, &seg), TG_CTR_NONE);
	p.rcv_nxt = tg_seq_add(seg.seq, 1);
	p.opts = (struct tg_tcp_opts){.has_ts = 1, .tsval = 2, .tsecr = seg.opts.tsval};
	host_send(&p, TG_TCP_ACK, NULL, 0);
}

static void end(void)
{
	host_send(&p, TG_TCP_RST, NULL, 0);
	host_tick(&h, 70000);
	host_fini(&h);
}

static uint32_t text_of(const struct host_frame *f)
{
	return f->len - f->pkt.l2_len - f->pkt.l3_len - f->pkt.l4_len;
}

/* What DPDK wants of a frame to be cut: the sum of the pseudo-header without the length. */
static void check_csum_field(const struct host_frame *f)
{
	uint32_t len = f->pkt.tx_flags & TG_TX_TSO ? 0 : f->pkt.l4_len + text_of(f);
	uint64_t sum = tg_csum_pseudo(&p.t.laddr, &p.t.raddr, TG_PROTO_TCP, len);
	const uint8_t *tcp = f->data + f->pkt.l2_len + f->pkt.l3_len;

	CU_ASSERT_EQUAL(tg_be16_get(tcp + 16), (uint16_t)~tg_csum_fold(sum));
}

static void check_ip(const struct host_frame *f, bool v6, bool ip_csum)
{
	const uint8_t *ip = f->data + f->pkt.l2_len;
	uint32_t payload = f->pkt.l4_len + text_of(f);

	CU_ASSERT_EQUAL((f->pkt.tx_flags & TG_TX_IP_CSUM) != 0, ip_csum && !v6);
	if (v6) {
		CU_ASSERT_EQUAL(tg_be16_get(ip + 4), payload);
		return;
	}
	CU_ASSERT_EQUAL(tg_be16_get(ip + 2), TG_IP4_LEN + payload);
	CU_ASSERT_EQUAL(ip[6], 0x40); /* DF */
	if (ip_csum) {
		CU_ASSERT_EQUAL(tg_be16_get(ip + 10), 0);
	} else {
		CU_ASSERT_EQUAL(tg_csum_fold(tg_csum_add(0, ip, TG_IP4_LEN)), 0);
	}
}

/* Three segments fit a buffer of 2,048 bytes; cwnd lets all eight and the rest go. */
static void test_established_portCuts_frameOfThree(void)
{
	for (int i = 0; i < 4; i++) {
		bool v6 = i & 1, ip_csum = i & 2;
		struct host_frame f;
		uint32_t at = 0, large = 0;

		begin(v6, ip_csum, TG_TSO_MAX, 100);
		while (host_next(&h, &f)) {
			uint32_t len = text_of(&f);
			bool tso = f.pkt.tx_flags & TG_TX_TSO;
			const uint8_t *tcp = f.data + f.pkt.l2_len + f.pkt.l3_len;
			CU_ASSERT_EQUAL(f.pkt.l2_len, 14);
			CU_ASSERT_EQUAL(f.pkt.l3_len, v6 ? TG_IP6_LEN : TG_IP4_LEN);
			CU_ASSERT_EQUAL(f.pkt.l4_len, TG_TCP_LEN + 12);
			CU_ASSERT_EQUAL(tso, len > WITH_TS);
			CU_ASSERT_EQUAL(f.pkt.tso_mss, tso ? WITH_TS : 0);
			CU_ASSERT(f.pkt.tx_flags & TG_TX_TCP_CSUM);
			CU_ASSERT_EQUAL(tg_be32_get(tcp + 4), p.rcv_nxt.v + at);
			CU_ASSERT_EQUAL(tcp[13] & TG_TCP_PSH, 0);
			for (uint32_t k = 0; k < len; k++)
				if (tcp[f.pkt.l4_len + k] != (uint8_t)((at + k) * 7))
					CU_FAIL("the bytes of the stream");
			check_csum_field(&f);
			check_ip(&f, v6, ip_csum);
			at += len;
			large += tso;
		}
		CU_ASSERT_EQUAL(at, 8 * WITH_TS); /* Nagle keeps the tail */
		CU_ASSERT_EQUAL(large, 3);        /* 3 + 3 + 2 */
		CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_tso_frames), 3);
		end();
	}
}

/* LN-16: without anything to cut, the sum of the whole pseudo-header. */
static void test_established_portComputesSums_fieldHoldsPseudoHeader(void)
{
	struct host_frame f;
	uint32_t n = 0;

	begin(false, true, 0, 100);
	for (; host_next(&h, &f); n++) {
		CU_ASSERT_EQUAL(f.pkt.tx_flags, TG_TX_IP_CSUM | TG_TX_TCP_CSUM);
		check_csum_field(&f);
	}
	CU_ASSERT_EQUAL(n, 8);
	CU_ASSERT_EQUAL(h.large_n, 100);
	end();
}

/* Out of large buffers: one by one, nothing is lost. */
static void test_established_noLargeBuffer_segmentsOneByOne(void)
{
	struct host_frame f;
	uint32_t at = 0, frames = 0;

	begin(true, true, TG_TSO_MAX, 1);
	for (; host_next(&h, &f); frames++)
		at += text_of(&f);
	CU_ASSERT_EQUAL(at, 8 * WITH_TS);
	CU_ASSERT_EQUAL(frames, 1 + 5);
	end();
}

/* What the port takes at most bounds the frame. */
static void test_established_portTakesLittle_framesFit(void)
{
	struct host_frame f;
	uint32_t at = 0;

	begin(false, true, 2 * WITH_TS + TG_HDR_MAX, 100);
	while (host_next(&h, &f)) {
		CU_ASSERT(f.len <= 2 * WITH_TS + TG_HDR_MAX);
		at += text_of(&f);
	}
	CU_ASSERT_EQUAL(at, 8 * WITH_TS);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_tso_frames), 4);
	end();
}

static uint32_t no_packets(void *ctx, struct tg_pkt pkt[], uint32_t n)
{
	return 0;
}

static void no_free(void *ctx, const struct tg_pkt pkt[], uint32_t n)
{
}

static void test_init_cutsWithoutSums_refused(void)
{
	const struct tg_engine_ops ops = {.alloc_bulk = no_packets, .free_bulk = no_free};
	char err[200] = "";

	host_defaults(&h);
	h.conf.port[0].tso_max = 1000;
	CU_ASSERT_PTR_NULL(tg_engine_init(NULL, &h.conf, &ops, 0, err, sizeof(err)));
	CU_ASSERT(strstr(err, "checksums") != NULL);
	free(h.tx);
}

static const struct tg_test tests[] = {
    {"paths_learn_onlyLowersUntilItsTime", test_paths_learn_onlyLowersUntilItsTime},
    {"paths_full_oldestOfTheSetGoes", test_paths_full_oldestOfTheSetGoes},
    {"paths_genWraps_isNeverNone", test_paths_genWraps_isNeverNone},
    {"established_portCuts_frameOfThree", test_established_portCuts_frameOfThree},
    {"established_portComputesSums_fieldHoldsPseudoHeader",
     test_established_portComputesSums_fieldHoldsPseudoHeader},
    {"established_noLargeBuffer_segmentsOneByOne", test_established_noLargeBuffer_segmentsOneByOne},
    {"established_portTakesLittle_framesFit", test_established_portTakesLittle_framesFit},
    {"init_cutsWithoutSums_refused", test_init_cutsWithoutSums_refused},
};

int main(int argc, char **argv)
{
	return tg_test_main("engine_path", tests, TG_TEST_N(tests), argc, argv);
}
