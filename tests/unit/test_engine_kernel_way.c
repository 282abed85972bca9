/* SPDX-License-Identifier: BSD-3-Clause */
/* test_engine_kernel_way.c: the kernel behind a port: neighbour discovery and link-local addresses,
 * which both have, what does not fit, the way back, and anything at all. */
#include "kernel_bed.h"

static void test_nd_questionsAndAnswers_goWhereTheyBelong(void)
{
	static const struct {
		uint8_t type;
		const char *mac, *src, *dst, *target;
		enum tg_ctr drop; /* NONE: it is passed */
	} row[] = {
	    {136, "\2\0\0\0\0\1", "2001:db8::9", "2001:db8::1", "2001:db8::9", TG_CTR_NONE},
	    {136, "\2\0\0\0\0\1", "fe80::9", "fe80::1", "fe80::9", TG_CTR_NONE},
	    {136, "\2\0\0\0\0\1", "2001:db8::1", "2001:db8::1", "2001:db8::1", TG_CTR_nd_conflict},
	    /* the kernel's own link-local address: asked for by its group, and by itself */
	    {135, "\x33\x33\xff\0\0\5", "fe80::9", "ff02::1:ff00:5", "fe80::5", TG_CTR_NONE},
	    {135, "\x33\x33\xff\0\0\1", "fe80::9", "ff02::1:ff00:1", "fe80::1", TG_CTR_NONE},
	    {135, "\2\0\0\0\0\1", "fe80::9", "fe80::5", "fe80::5", TG_CTR_NONE},
	    {135, "\x33\x33\xff\0\0\5", "fe80::9", "ff02::1:ff00:5", "2001:db8::5", TG_CTR_bad_mac},
	    {135, "\x33\x33\xff\0\0\1", "fe80::9", "ff02::1:ff00:1", "2001:db8:1::1",
	     TG_CTR_nd_other},
	    /* who still hears groups (MLD); reports of others are nothing to it */
	    {130, "\x33\x33\0\0\0\1", "fe80::9", "ff02::1", "::", TG_CTR_NONE},
	    {130, "\x33\x33\0\0\0\5", "fe80::9", "ff02::5", "ff02::5", TG_CTR_NONE},
	    {131, "\x33\x33\0\0\0\5", "fe80::9", "ff02::5", "ff02::5", TG_CTR_bad_mac},
	    {134, "\x33\x33\0\0\0\1", "fe80::9", "ff02::1", "::", TG_CTR_ra_ignored},
	};
	uint8_t f[HOST_BUF_LEN];

	for (size_t i = 0; i < TG_TEST_N(row); i++) {
		begin();
		uint32_t n =
		    nd_frame(f, row[i].type, row[i].mac, row[i].src, row[i].dst, row[i].target);
		if (row[i].drop == TG_CTR_NONE)
			expect_passed(f, n);
		else
			expect_dropped(f, n, row[i].drop);
		end();
	}
}

static void test_nd_questionForOurs_isAnsweredByTheEngineAlone(void)
{
	uint8_t f[HOST_BUF_LEN];
	struct host_frame out;

	begin();
	rx(f,
	   nd_frame(f, 135, "\x33\x33\xff\0\0\1", "2001:db8::9", "ff02::1:ff00:1", "2001:db8::1"));
	CU_ASSERT_FATAL(host_next(&h, &out));
	CU_ASSERT_EQUAL(out.pkt.port, 0);
	CU_ASSERT_EQUAL(out.data[14 + 40], 136);
	CU_ASSERT_EQUAL(h.tx_n, 0);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_kernel_out), 0);
	end();
}

/* The kernel makes itself a link-local address that the engine was not told of. */
static void test_linkLocal_notOurs_isTheKernelsWhole(void)
{
	static const uint8_t echo6[16] = {128, 0, 0, 0, 1};
	uint8_t f[HOST_BUF_LEN];

	begin();
	expect_passed(f, icmp_frame(f, "\2\0\0\0\0\1", "fe80::9", "fe80::5", echo6, 16));
	expect_passed(f, ip_frame(f, "\2\0\0\0\0\1", "fe80::9", "fe80::5", UDP, "12345678", 8));
	host_peer(&p, &h, 80, 5000, true);
	tg_addr_parse("fe80::5", &p.t.laddr);
	tg_addr_parse("fe80::9", &p.t.raddr);
	expect_passed(f, host_build(&p, TG_TCP_SYN, p.snd_nxt, tg_seq_make(0), NULL, 0, f));
	end();
	begin();
	expect_dropped(f, ip_frame(f, "\2\0\0\0\0\7", "fe80::9", "fe80::5", UDP, "12345678", 8),
		       TG_CTR_bad_mac);
	tg_addr_parse("2001:db8::5", &p.t.laddr); /* no address of ours at all */
	host_peer(&p, &h, 22, 5000, true);
	tg_addr_parse("2001:db8::5", &p.t.laddr);
	expect_dropped(f, host_build(&p, TG_TCP_SYN, p.snd_nxt, tg_seq_make(0), NULL, 0, f),
		       TG_CTR_bad_dst);
	end();
	defaults();
	tg_addr_parse("fe80::5", &h.conf.port[0].addr[2].addr);
	h.conf.port[0].addr[2].prefix_len = 64;
	h.conf.port[0].addr_n = 3;
	start(); /* now it is the engine's, but for what is the kernel's everywhere */
	struct host_frame out;
	rx(f, icmp_frame(f, "\2\0\0\0\0\1", "fe80::9", "fe80::5", echo6, 16));
	CU_ASSERT(host_next(&h, &out) && out.pkt.port == 0 && h.tx_n == 0);
	end();
}

static void test_pass_tooLong_isDropped(void)
{
	static const uint8_t text[1600];
	uint8_t f[HOST_BUF_LEN];

	begin();
	expect_dropped(f, ip_frame(f, "\2\0\0\0\0\1", "192.0.2.2", "192.0.2.1", UDP, text, 1481),
		       TG_CTR_kernel_long);
	expect_passed(f, ip_frame(f, "\2\0\0\0\0\1", "192.0.2.2", "192.0.2.1", UDP, text, 1480));
	end();
}

static void test_pass_noRoom_isDroppedAndCounted(void)
{
	uint8_t f[HOST_BUF_LEN];

	begin();
	h.out_max = 0;
	expect_dropped(f, udp_frame(f, false), TG_CTR_kernel_limited);
	/* What the engine used itself is no drop. */
	rx(f, nd_frame(f, 135, "\2\0\0\0\0\1", "fe80::9", "fe80::5", "fe80::5"));
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_kernel_limited), 2);
	h.out_max = 2 * TG_BURST_MAX;
	end();
}

/* The kernel sends frame[len]; returns how many frames come out, the first in *out. */
static uint32_t from_kernel(const uint8_t *frame, uint32_t len, struct host_frame *out)
{
	struct tg_pkt in = {.data = malloc(HOST_BUF_LEN),
			    .cap = HOST_BUF_LEN,
			    .len = len,
			    .tx_flags = 0xff,
			    .port = KERNEL},
		      sent;

	in.handle = in.data;
	memcpy(in.data, frame, len);
	h.buf_live++;
	uint32_t n = tg_engine_from_kernel(h.e, 0, &in, 1, &sent);
	if (n) {
		memcpy(out->data, sent.data, sent.len);
		out->len = sent.len;
		out->pkt = sent;
		h.buf_live--;
		free(sent.handle);
	}
	host_check(&h);
	return n;
}

/* LN-21 */
static void test_fromKernel_frame_goesOutAsItIs(void)
{
	uint8_t f[HOST_BUF_LEN] = {0};
	struct host_frame out;

	begin();
	for (uint32_t len = 14; len <= 1518; len += 188) {
		for (uint32_t i = 0; i < len; i++)
			f[i] = (uint8_t)(i * 7);
		CU_ASSERT_EQUAL_FATAL(from_kernel(f, len, &out), 1);
		CU_ASSERT_EQUAL(out.pkt.port, 0);
		CU_ASSERT_EQUAL(out.pkt.tx_flags, 0);
		CU_ASSERT_EQUAL(out.len, len);
		CU_ASSERT_EQUAL(memcmp(out.data, f, len), 0);
	}
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_kernel_in), 9);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_tx_packets), 9);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_rx_segments), 0);
	end();
}

static void test_fromKernel_vlan_isPutOn(void)
{
	uint8_t f[HOST_BUF_LEN] = {0};
	struct host_frame out;

	defaults();
	h.conf.port[0].vlan = 100;
	start();
	for (uint32_t i = 0; i < 1514; i++)
		f[i] = (uint8_t)(i * 7);
	CU_ASSERT_EQUAL_FATAL(from_kernel(f, 1514, &out), 1);
	CU_ASSERT_EQUAL(out.len, 1518);
	CU_ASSERT_EQUAL(memcmp(out.data, f, 12), 0);
	CU_ASSERT_EQUAL(memcmp(out.data + 12, "\x81\0\0\x64", 4), 0);
	CU_ASSERT_EQUAL(memcmp(out.data + 16, f + 12, 1514 - 12), 0);
	CU_ASSERT_EQUAL(from_kernel(f, 1515, &out), 0);
	end();
}

static void test_fromKernel_whatDoesNotFit_isCountedAndGivenBack(void)
{
	uint8_t f[HOST_BUF_LEN] = {0};
	struct host_frame out;

	begin();
	CU_ASSERT_EQUAL(from_kernel(f, 13, &out), 0);
	CU_ASSERT_EQUAL(from_kernel(f, 1519, &out), 0);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_kernel_in_bad), 2);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_kernel_in), 0);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_tx_packets), 0);
	end();
}

/* A frame of a kind that some branch looks into. */
static uint32_t any_frame(uint8_t *f, struct tg_rng *rng)
{
	static const char *const macs[] = {"\2\0\0\0\0\1", "\x33\x33\0\0\0\1", "\x33\x33\xff\0\0\5",
					   "\1\0\x5e\0\0\5"};
	static const uint8_t types[] = {130, 135, 136, 128, 1, 2, 134};
	const char *mac = macs[tg_rng_below(rng, 4)];
	bool v6 = tg_rng_below(rng, 2);

	switch (tg_rng_below(rng, 5)) {
	case 0:
		return arp_frame(f, (uint16_t)(1 + tg_rng_below(rng, 2)), mac, "192.0.2.9",
				 tg_rng_below(rng, 2) ? "192.0.2.1" : "192.0.2.9");
	case 1:
		return nd_frame(f, types[tg_rng_below(rng, TG_TEST_N(types))], mac, "fe80::9",
				v6 ? "ff02::1" : "2001:db8::1", v6 ? "fe80::5" : "2001:db8::9");
	case 2:
		return error_frame(f, v6, v6 ? UDP : TG_PROTO_TCP, 22);
	case 3:
		host_peer(&p, &h, v6 ? 22 : 80, (uint16_t)tg_rng_below(rng, 65536), v6);
		return host_build(&p, TG_TCP_SYN, p.snd_nxt, tg_seq_make(0), NULL, 0, f);
	default:
		return udp_frame(f, v6);
	}
}

/* Any bytes changed, any length, in a buffer that ends where the frame does: nothing is read
 * behind it, nothing is lost, and the books balance (host_check). */
static void test_random_frames_keepTheBooks(void)
{
	struct tg_pkt out[2 * TG_BURST_MAX];
	uint8_t f[HOST_BUF_LEN];
	struct tg_rng rng;

	tg_rng_init(&rng, tg_test_seed);
	defaults();
	h.conf.port[0].kernel_rate = 1000;
	start();
	for (int i = 0; i < 20000; i++) {
		uint32_t len = any_frame(f, &rng);
		for (uint32_t k = tg_rng_below(&rng, 4); k > 0; k--)
			f[tg_rng_below(&rng, len)] = (uint8_t)tg_rng_below(&rng, 256);
		if (tg_rng_below(&rng, 4) == 0)
			len = 1 + tg_rng_below(&rng, len);
		struct tg_pkt in = {.data = malloc(len), .len = len, .cap = len};
		in.handle = in.data;
		in.l3_csum = in.l4_csum = tg_rng_below(&rng, 2) ? TG_CSUM_GOOD : TG_CSUM_UNKNOWN;
		memcpy(in.data, f, len);
		h.buf_live++;
		h.now_ns += tg_rng_below(&rng, 3) * TG_NS_PER_MS;
		uint32_t n = tg_engine_rx(h.e, &in, 1, out, TG_TEST_N(out), h.now_ns);
		for (uint32_t k = 0; k < n; k++) {
			CU_ASSERT(out[k].port == 0 || out[k].port == KERNEL);
			h.buf_live--;
			free(out[k].handle);
		}
		if (i % 64 == 0)
			host_check(&h);
	}
	CU_ASSERT(host_ctr(&h, TG_CTR_kernel_out) > 1000);
	end();
}

static void test_init_kernelThatIsAPort_isRefused(void)
{
	const struct tg_engine_ops none = {0};
	char err[256] = "";

	begin();
	struct tg_engine_conf conf = h.conf;
	conf.port[1] = conf.port[0];
	conf.port_n = 2;
	conf.port[0].kernel = 1;
	void *mem = aligned_alloc(64, tg_engine_footprint(&conf));
	struct tg_engine_ops ops = none;
	/* The calls are never made. */
	ops.alloc_bulk = (uint32_t(*)(void *, struct tg_pkt *, uint32_t))(uintptr_t)1;
	ops.free_bulk = (void (*)(void *, const struct tg_pkt *, uint32_t))(uintptr_t)1;
	CU_ASSERT_PTR_NULL(tg_engine_init(mem, &conf, &ops, 0, err, sizeof(err)));
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "kernel"));
	free(mem);
	end();
}

static const struct tg_test tests[] = {
    {"nd_questionsAndAnswers_goWhereTheyBelong", test_nd_questionsAndAnswers_goWhereTheyBelong},
    {"nd_questionForOurs_isAnsweredByTheEngineAlone",
     test_nd_questionForOurs_isAnsweredByTheEngineAlone},
    {"linkLocal_notOurs_isTheKernelsWhole", test_linkLocal_notOurs_isTheKernelsWhole},
    {"pass_tooLong_isDropped", test_pass_tooLong_isDropped},
    {"pass_noRoom_isDroppedAndCounted", test_pass_noRoom_isDroppedAndCounted},
    {"fromKernel_frame_goesOutAsItIs", test_fromKernel_frame_goesOutAsItIs},
    {"fromKernel_vlan_isPutOn", test_fromKernel_vlan_isPutOn},
    {"fromKernel_whatDoesNotFit_isCountedAndGivenBack",
     test_fromKernel_whatDoesNotFit_isCountedAndGivenBack},
    {"random_frames_keepTheBooks", test_random_frames_keepTheBooks},
    {"init_kernelThatIsAPort_isRefused", test_init_kernelThatIsAPort_isRefused},
};

int main(int argc, char **argv)
{
	return tg_test_main("engine_kernel_way", tests, TG_TEST_N(tests), argc, argv);
}
