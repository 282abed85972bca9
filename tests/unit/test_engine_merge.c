/* SPDX-License-Identifier: BSD-3-Clause */
/* test_engine_merge.c: segments of a burst that are taken together (DT-35), and segments that a
 * device has put together before we see them: what may not be joined is not, and whatever way text
 * comes, the stream and the last ACK are the same. */
#include "engine_host.h"

enum { LEN = 100, N = 4 };

static struct host h;
static struct host_peer p;
static uint8_t text[N * LEN + 8];

struct part {
	uint8_t ctl;
	int32_t seq, ack, wnd, ts; /* differences to what would be usual */
	uint8_t ecn;
	bool sack;
	uint32_t rport;
};

static void begin(void)
{
	host_defaults(&h);
	h.tcp.ecn = true;
	host_init(&h);
	host_listen(&h, 80);
	host_peer(&p, &h, 80, 5000, false);
	p.opts = (struct tg_tcp_opts){
	    .has_mss = 1, .mss = 1460, .has_sack_perm = 1, .has_ts = 1, .tsval = 50};
	host_send(&p, TG_TCP_SYN | TG_TCP_ECE | TG_TCP_CWR, NULL, 0);
	struct tg_seg seg = host_expect_ctl(&p, TG_TCP_SYN | TG_TCP_ACK | TG_TCP_ECE);

	p.opts = (struct tg_tcp_opts){.has_ts = 1, .tsval = 50, .tsecr = seg.opts.tsval};
	host_send(&p, TG_TCP_ACK, NULL, 0);
	for (uint32_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)(i * 11 + 3);
}

static void end(void)
{
	h.tx_n = 0;
	host_send(&p, TG_TCP_RST, NULL, 0);
	host_tick(&h, 70000);
	host_fini(&h);
}

/* The k-th LEN bytes of the stream, as part says. */
static uint32_t build(const struct part *part, uint32_t k, uint8_t *frame)
{
	struct host_peer q = p;

	q.opts.tsval += (uint32_t)part->ts;
	q.wnd = (uint16_t)(q.wnd + part->wnd);
	if (part->rport)
		q.t.rport = (uint16_t)part->rport;
	if (part->sack) {
		q.opts.sack_n = 1;
		q.opts.sack[0] =
		    (struct tg_sack_block){tg_seq_add(p.rcv_nxt, 5), tg_seq_add(p.rcv_nxt, 9)};
	}
	uint32_t len = host_build(&q, part->ctl,
				  tg_seq_add(p.snd_nxt, (uint32_t)((int32_t)(k * LEN) + part->seq)),
				  tg_seq_add(p.rcv_nxt, (uint32_t)part->ack),
				  text + (int32_t)(k * LEN) + part->seq, LEN, frame);

	if (part->ecn) {
		uint16_t sum = tg_be16_get(frame + 14 + 10);
		frame[14 + 1] |= part->ecn;
		tg_be16_put(frame + 14 + 10, tg_csum_replace16(sum, 0x4500, 0x4500 | part->ecn));
	}
	return len;
}

/* Two segments of a burst; how many were taken together. */
static uint64_t merged(const struct part *first, const struct part *second)
{
	uint8_t frame[2][HOST_BUF_LEN];
	const uint32_t len[2] = {build(first, 0, frame[0]), build(second, 1, frame[1])};
	const uint8_t *const at[2] = {frame[0], frame[1]};
	uint64_t before = host_ctr(&h, TG_CTR_rx_merged);

	host_rx(&h, at, len, 2);
	return host_ctr(&h, TG_CTR_rx_merged) - before;
}

/* DT-35: PSH ends a run, and whatever is not as in the segment before begins another. */
static void test_burst_eachDifference_endsTheRun(void)
{
	static const struct part plain = {.ctl = TG_TCP_ACK};
	static const struct {
		const char *what;
		struct part first, second;
		uint64_t merged;
	} row[] = {
	    {"nothing", {.ctl = TG_TCP_ACK}, {.ctl = TG_TCP_ACK}, 1},
	    {"PSH at the end", {.ctl = TG_TCP_ACK}, {.ctl = TG_TCP_ACK | TG_TCP_PSH}, 1},
	    {"PSH", {.ctl = TG_TCP_ACK | TG_TCP_PSH}, {.ctl = TG_TCP_ACK}, 0},
	    {"FIN", {.ctl = TG_TCP_ACK}, {.ctl = TG_TCP_ACK | TG_TCP_FIN}, 0},
	    {"URG", {.ctl = TG_TCP_ACK}, {.ctl = TG_TCP_ACK | TG_TCP_URG}, 0},
	    {"SYN", {.ctl = TG_TCP_ACK}, {.ctl = TG_TCP_ACK | TG_TCP_SYN}, 0},
	    {"ECE", {.ctl = TG_TCP_ACK}, {.ctl = TG_TCP_ACK | TG_TCP_ECE}, 0},
	    {"CWR", {.ctl = TG_TCP_ACK}, {.ctl = TG_TCP_ACK | TG_TCP_CWR}, 0},
	    {"CE", {.ctl = TG_TCP_ACK, .ecn = 2}, {.ctl = TG_TCP_ACK, .ecn = 3}, 0},
	    {"CE both", {.ctl = TG_TCP_ACK, .ecn = 3}, {.ctl = TG_TCP_ACK, .ecn = 3}, 1},
	    {"no ACK", {.ctl = TG_TCP_ACK}, {.ctl = 0}, 0},
	    {"ACK", {.ctl = TG_TCP_ACK}, {.ctl = TG_TCP_ACK, .ack = -1}, 0},
	    {"window", {.ctl = TG_TCP_ACK}, {.ctl = TG_TCP_ACK, .wnd = -1}, 0},
	    {"timestamp", {.ctl = TG_TCP_ACK}, {.ctl = TG_TCP_ACK, .ts = 1}, 0},
	    {"old timestamp", {.ctl = TG_TCP_ACK}, {.ctl = TG_TCP_ACK, .ts = -9}, 0},
	    {"SACK", {.ctl = TG_TCP_ACK}, {.ctl = TG_TCP_ACK, .sack = true}, 0},
	    {"hole", {.ctl = TG_TCP_ACK}, {.ctl = TG_TCP_ACK, .seq = 1}, 0},
	    {"overlap", {.ctl = TG_TCP_ACK}, {.ctl = TG_TCP_ACK, .seq = -1}, 0},
	    {"other connection", {.ctl = TG_TCP_ACK}, {.ctl = TG_TCP_ACK, .rport = 5001}, 0},
	};

	for (size_t i = 0; i < TG_TEST_N(row); i++) {
		begin();
		uint64_t n = merged(&row[i].first, &row[i].second);
		if (n != row[i].merged)
			fprintf(stderr, "%s: %llu merged\n", row[i].what, (unsigned long long)n);
		CU_ASSERT_EQUAL(n, row[i].merged);
		CU_ASSERT(h.svc.got_len >= LEN);
		CU_ASSERT(!memcmp(h.svc.got, text, h.svc.got_len));
		end();
	}
	/* A predecessor that was not taken: nothing is as if it had been. */
	begin();
	const struct part old = {.ctl = TG_TCP_ACK, .ts = -9};
	CU_ASSERT_EQUAL(merged(&old, &plain), 0);
	CU_ASSERT_EQUAL(h.svc.got_len, 0);
	end();
}

/* DT-35 */
static void test_burst_run_toldOnceAndAckedOnce(void)
{
	const struct part plain = {.ctl = TG_TCP_ACK};
	uint8_t frame[N][HOST_BUF_LEN];
	const uint8_t *at[N];
	uint32_t len[N];

	begin();
	for (uint32_t k = 0; k < N; k++) {
		len[k] = build(&plain, k, frame[k]);
		at[k] = frame[k];
	}
	host_rx(&h, at, len, N);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_rx_merged), N - 1);
	CU_ASSERT_EQUAL(h.svc.readable, 1);
	CU_ASSERT_EQUAL(h.svc.got_len, N * LEN);
	struct tg_seg ack = host_expect_ctl(&p, TG_TCP_ACK);
	CU_ASSERT_EQUAL(ack.ack.v, p.snd_nxt.v + N * LEN);
	CU_ASSERT_EQUAL(h.tx_n, 0);
	end();
}

/* What a device hands over as one segment, longer than the MTU or the window (ADV-89): the part
 * inside the window is used, FIN and PSH count at its end. */
static void test_superSegment_asItsParts(void)
{
	static uint8_t big[1800];
	uint8_t frame[HOST_BUF_LEN];
	const uint8_t *at = frame;
	uint32_t len;

	for (int fin = 0; fin < 2; fin++) {
		host_defaults(&h);
		h.conf.port[0].mtu = 1280;
		h.tcp.rcvbuf = fin ? 65536 : 1000;
		h.tcp.window_scale = 0;
		host_init(&h);
		host_listen(&h, 80);
		host_peer(&p, &h, 80, 5000, false);
		for (uint32_t i = 0; i < sizeof(big); i++)
			big[i] = (uint8_t)(i * 13);
		CU_ASSERT(host_handshake(&p));
		len = host_build(&p, (uint8_t)(TG_TCP_ACK | TG_TCP_PSH | (fin ? TG_TCP_FIN : 0)),
				 p.snd_nxt, p.rcv_nxt, big, sizeof(big), frame);
		host_rx(&h, &at, &len, 1);
		host_tick(&h, 50);
		uint32_t want = fin ? (uint32_t)sizeof(big) : 1000;
		CU_ASSERT_EQUAL(h.svc.got_len, want);
		CU_ASSERT(!memcmp(h.svc.got, big, want));
		CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_gso_frames), 1);
		struct tg_seg ack = host_expect_ctl(&p, TG_TCP_ACK);
		CU_ASSERT_EQUAL(ack.ack.v, p.snd_nxt.v + want + (uint32_t)fin);
		CU_ASSERT_EQUAL(host_state(&p), fin ? TG_CLOSE_WAIT : TG_ESTABLISHED);
		p.snd_nxt = ack.ack;
		end();
	}
}

static const struct tg_test tests[] = {
    {"burst_eachDifference_endsTheRun", test_burst_eachDifference_endsTheRun},
    {"burst_run_toldOnceAndAckedOnce", test_burst_run_toldOnceAndAckedOnce},
    {"superSegment_asItsParts", test_superSegment_asItsParts},
};

int main(int argc, char **argv)
{
	return tg_test_main("engine_merge", tests, TG_TEST_N(tests), argc, argv);
}
