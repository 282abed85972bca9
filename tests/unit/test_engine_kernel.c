/* SPDX-License-Identifier: BSD-3-Clause */
/* test_engine_kernel.c: what goes to the kernel behind a port, what stays the engine's, and how
 * much of it: TCP, other protocols, neighbours, ICMP. */
#include "kernel_bed.h"
#include <errno.h>

static void test_noKernel_otherProtocol_isDropped(void)
{
	uint8_t f[HOST_BUF_LEN];

	host_defaults(&h);
	h.conf.port[0].kernel_port[0] = (struct tg_port_range){80, 80};
	h.conf.port[0].kernel_port_n = 1; /* of no kernel: it means nothing */
	start();
	expect_dropped(f, udp_frame(f, false), TG_CTR_ip_proto);
	CU_ASSERT(host_handshake(&p));
	end();
}

/* LN-21 */
static void test_tcp_kernelPorts_goToTheKernel(void)
{
	static const struct {
		uint16_t port;
		bool kernel;
	} row[] = {{21, false},   {22, true},    {23, false},    {32767, false},
		   {32768, true}, {60999, true}, {61000, false}, {80, false}};
	uint8_t f[HOST_BUF_LEN];
	struct host_frame out;
	struct tg_seg seg;

	for (size_t i = 0; i < 2 * TG_TEST_N(row); i++) {
		begin();
		host_peer(&p, &h, row[i / 2].port, 22, i & 1); /* its own port 22 is nobody's */
		uint32_t n = host_build(&p, TG_TCP_SYN, p.snd_nxt, tg_seq_make(0), NULL, 0, f);
		p.snd_nxt = tg_seq_add(p.snd_nxt, 1);
		if (row[i / 2].kernel) {
			expect_passed(f, n);
			CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_tx_packets), 0);
		} else {
			rx(f, n);
			CU_ASSERT(host_expect(&p, &seg, &out));
			CU_ASSERT_EQUAL(out.pkt.port, 0);
			CU_ASSERT_EQUAL(!(seg.ctl & TG_TCP_RST), row[i / 2].port == 80);
			CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_kernel_out), 0);
		}
		CU_ASSERT_EQUAL(h.tx_n, 0);
		end();
	}
}

/* What is wrong with a segment is its kernel's to find; what is wrong with the packet is not. */
static void test_tcp_badSegment_isJudgedWhereItBelongs(void)
{
	uint8_t f[HOST_BUF_LEN];

	begin();
	host_peer(&p, &h, 22, 5000, false);
	uint32_t n = host_build(&p, TG_TCP_SYN, p.snd_nxt, tg_seq_make(0), NULL, 0, f);
	f[n - 1] ^= 1;
	expect_passed(f, n);
	end();
	begin();
	f[24] ^= 1; /* IP's own checksum */
	expect_dropped(f, n, TG_CTR_ip_bad_csum);
	f[24] ^= 1;
	memset(f, 0xff, 6);
	expect_dropped(f, n, TG_CTR_bad_mac);
	end();
	begin();
	host_peer(&p, &h, 22, 5000, false);
	p.t.raddr = p.t.laddr;
	n = host_build(&p, TG_TCP_SYN, p.snd_nxt, tg_seq_make(0), NULL, 0, f);
	expect_dropped(f, n, TG_CTR_bad_src); /* LN-12 */
	end();
}

/* One burst, both kinds: each has its own way, and the order is kept. */
static void test_burst_mixed_eachGoesItsWay(void)
{
	static uint8_t f[4][HOST_BUF_LEN];
	const uint8_t *frame[4] = {f[0], f[1], f[2], f[3]};
	struct host_frame out;
	uint32_t len[4];

	begin();
	len[0] = udp_frame(f[0], false);
	len[1] = host_build(&p, TG_TCP_SYN, p.snd_nxt, tg_seq_make(0), NULL, 0, f[1]);
	len[2] = udp_frame(f[2], true);
	p.t.lport = 81;
	len[3] = host_build(&p, TG_TCP_SYN, p.snd_nxt, tg_seq_make(0), NULL, 0, f[3]);
	host_rx(&h, frame, len, 4);
	static const uint16_t port[] = {KERNEL, KERNEL, 0, 0}; /* a RST is said at once */
	CU_ASSERT_EQUAL(h.tx_n, 4);
	uint32_t to_kernel = 0;
	for (int i = 0; i < 4 && host_next(&h, &out); i++)
		to_kernel += out.pkt.port == port[0];
	CU_ASSERT_EQUAL(to_kernel, 2);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_rst_sent), 1);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_rx_accepted), 4);
	end();
}

/* LN-21 */
static void test_protocols_ofOurAddressAndTheLink_arePassed(void)
{
	static const struct {
		const char *mac, *src, *dst;
		uint8_t proto;
		enum tg_ctr drop; /* NONE: it is passed */
	} row[] = {
	    {"\2\0\0\0\0\1", "192.0.2.2", "192.0.2.1", UDP, TG_CTR_NONE},
	    {"\2\0\0\0\0\1", "198.51.100.2", "192.0.2.1", SCTP, TG_CTR_NONE},
	    {"\2\0\0\0\0\1", "192.0.2.2", "192.0.2.1", OSPF, TG_CTR_NONE},
	    {"\2\0\0\0\0\1", "192.0.2.2", "192.0.2.1", ESP, TG_CTR_NONE},
	    {"\2\0\0\0\0\1", "2001:db8::2", "2001:db8::1", UDP, TG_CTR_NONE},
	    {"\2\0\0\0\0\1", "2001:db8::2", "2001:db8::1", ESP, TG_CTR_NONE},
	    /* the link's groups, each by its own MAC address */
	    {"\1\0\x5e\0\0\5", "192.0.2.2", "224.0.0.5", OSPF, TG_CTR_NONE},
	    {"\1\0\x5e\0\0\6", "192.0.2.2", "224.0.0.6", OSPF, TG_CTR_NONE},
	    {"\1\0\x5e\0\0\1", "192.0.2.2", "224.0.0.1", IGMP, TG_CTR_NONE},
	    {"\1\0\x5e\0\0\x09", "192.0.2.2", "224.0.0.9", UDP, TG_CTR_NONE},
	    {"\x33\x33\0\0\0\5", "fe80::2", "ff02::5", OSPF, TG_CTR_NONE},
	    {"\x33\x33\0\0\0\1", "fe80::2", "ff02::1", UDP, TG_CTR_NONE},
	    {"\1\0\x5e\0\0\6", "192.0.2.2", "224.0.0.5", OSPF, TG_CTR_bad_mac},
	    {"\2\0\0\0\0\1", "192.0.2.2", "224.0.0.5", OSPF, TG_CTR_ip_proto},
	    {"\1\0\x5e\0\1\5", "192.0.2.2", "224.0.1.5", OSPF, TG_CTR_bad_mac},
	    {"\1\0\x5e\0\0\5", "192.0.2.2", "224.0.0.5", TG_PROTO_ICMP, TG_CTR_bad_mac},
	    {"\x33\x33\0\0\0\5", "fe80::2", "ff05::5", OSPF, TG_CTR_bad_mac},
	    {"\x33\x33\0\0\0\6", "fe80::2", "ff02::5", OSPF, TG_CTR_bad_mac},
	    /* what is not to us at all */
	    {"\2\0\0\0\0\1", "192.0.2.2", "192.0.2.3", UDP, TG_CTR_ip_proto},
	    {"\2\0\0\0\0\1", "192.0.2.2", "192.0.2.255", UDP, TG_CTR_ip_proto},
	    {"\2\0\0\0\0\1", "2001:db8::2", "2001:db8::3", UDP, TG_CTR_ip_proto},
	    {"\xff\xff\xff\xff\xff\xff", "192.0.2.2", "255.255.255.255", UDP, TG_CTR_bad_dst},
	    {"\xff\xff\xff\xff\xff\xff", "192.0.2.2", "192.0.2.255", UDP, TG_CTR_ip_proto},
	    {"\2\0\0\0\0\7", "192.0.2.2", "192.0.2.1", UDP, TG_CTR_bad_mac},
	    /* sources that nobody has */
	    {"\2\0\0\0\0\1", "192.0.2.1", "192.0.2.1", UDP, TG_CTR_bad_src},
	    {"\2\0\0\0\0\1", "192.0.2.255", "192.0.2.1", UDP, TG_CTR_bad_src},
	    {"\1\0\x5e\0\0\5", "192.0.2.1", "224.0.0.5", OSPF, TG_CTR_bad_src},
	};
	uint8_t f[HOST_BUF_LEN];

	for (size_t i = 0; i < TG_TEST_N(row); i++) {
		begin();
		uint32_t n =
		    ip_frame(f, row[i].mac, row[i].src, row[i].dst, row[i].proto, "12345678", 8);
		if (row[i].drop == TG_CTR_NONE)
			expect_passed(f, n);
		else
			expect_dropped(f, n, row[i].drop);
		end();
	}
}

/* LN-15: pieces of what the engine speaks are still nobody's. */
static void test_fragments_ofOtherProtocols_arePassed(void)
{
	static const struct {
		uint8_t proto, later;
		bool passed;
	} row[] = {{UDP, 0, true},
		   {UDP, 1, true},
		   {TG_PROTO_TCP, 0, false},
		   {TG_PROTO_TCP, 1, false},
		   {TG_PROTO_ICMP, 0, false},
		   {TG_PROTO_ICMP6, 1, false}};
	uint8_t f[HOST_BUF_LEN];

	for (size_t i = 0; i < TG_TEST_N(row); i++) {
		begin();
		uint32_t n = ip_frame(f, "\2\0\0\0\0\1", "192.0.2.2", "192.0.2.1", row[i].proto,
				      "\x13\x88\0\x16", 4);
		tg_be16_put(f + 20, row[i].later ? 185 : 0x2000);
		tg_be16_put(f + 24, 0);
		tg_be16_put(f + 24, tg_csum_fold(tg_csum_add(0, f + 14, 20)));
		if (row[i].passed)
			expect_passed(f, n);
		else
			expect_dropped(f, n, TG_CTR_frag);
		end();
		begin();
		uint8_t piece[16] = {row[i].proto, 0, 0, row[i].later ? 8 : 1, 0, 0, 0, 9};
		n = ip_frame(f, "\2\0\0\0\0\1", "2001:db8::2", "2001:db8::1", 44, piece, 16);
		if (row[i].passed)
			expect_passed(f, n);
		else
			expect_dropped(f, n, TG_CTR_frag);
		end();
	}
}

/* A later piece that begins with one more extension header may be anything's, TCP's too. */
static void test_fragments_ofUntoldProtocol_areDropped(void)
{
	static const uint8_t piece[16] = {60, 0, 0, 8, 0, 0, 0, 9};
	uint8_t f[HOST_BUF_LEN];

	begin();
	expect_dropped(f, ip_frame(f, "\2\0\0\0\0\1", "2001:db8::2", "2001:db8::1", 44, piece, 16),
		       TG_CTR_frag);
	end();
}

/* LN-21: two hosts of one address must not both speak. */
static void test_arp_question_isAnsweredByTheEngineAlone(void)
{
	uint8_t f[HOST_BUF_LEN];
	struct host_frame out;

	begin();
	rx(f, arp_frame(f, 1, "\xff\xff\xff\xff\xff\xff", "192.0.2.2", "192.0.2.1"));
	CU_ASSERT_FATAL(host_next(&h, &out));
	CU_ASSERT_EQUAL(out.pkt.port, 0);
	CU_ASSERT_EQUAL(h.tx_n, 0);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_kernel_out), 0);
	expect_dropped(f, arp_frame(f, 1, "\xff\xff\xff\xff\xff\xff", "192.0.2.2", "192.0.2.77"),
		       TG_CTR_arp_other);
	end();
}

/* Whoever asked, the kernel may have. */
static void test_arp_answers_goToTheKernelToo(void)
{
	uint8_t f[HOST_BUF_LEN];

	begin();
	expect_passed(f, arp_frame(f, 2, "\2\0\0\0\0\1", "192.0.2.9", "192.0.2.1"));
	expect_passed(f, arp_frame(f, 1, "\xff\xff\xff\xff\xff\xff", "192.0.2.9", "192.0.2.9"));
	end();
	begin();
	expect_dropped(f, arp_frame(f, 2, "\2\0\0\0\0\1", "192.0.2.1", "192.0.2.1"),
		       TG_CTR_arp_conflict);
	uint32_t n = arp_frame(f, 2, "\2\0\0\0\0\1", "192.0.2.9", "192.0.2.1");
	memcpy(f + 22, our_mac.b, 6); /* our own words, come back */
	expect_dropped(f, n, TG_CTR_arp_other);
	end();
	begin(); /* the engine asked as well: it takes the answer, too */
	h.conf.port[0].has_static_neigh = false;
	host_fini(&h);
	defaults();
	h.conf.port[0].has_static_neigh = false;
	start();
	host_send(&p, TG_TCP_SYN, NULL, 0);
	host_tick(&h, 1);
	struct host_frame out;
	CU_ASSERT(host_next(&h, &out)); /* ARP for 192.0.2.2 */
	rx(f, arp_frame(f, 2, "\2\0\0\0\0\1", "192.0.2.2", "192.0.2.1"));
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_kernel_out), 1);
	CU_ASSERT_EQUAL(h.tx_n, 2); /* and the SYN-ACK that waited */
	end();
}

/* Of many workers each hears neighbours; one tells the kernel. */
static void test_neighbours_otherWorkers_tellNobody(void)
{
	static const uint8_t na[32] = {136,  0, 0, 0, 0x60, 0, 0, 0, 0x20, 1, 0x0d,
				       0xb8, 0, 0, 0, 0,    0, 0, 0, 0,    0, 0,
				       0,    9, 2, 1, 2,    0, 0, 0, 0,    2};
	uint8_t f[HOST_BUF_LEN];

	defaults();
	h.conf.primary = false;
	start();
	expect_dropped(f, arp_frame(f, 2, "\2\0\0\0\0\1", "192.0.2.9", "192.0.2.1"),
		       TG_CTR_arp_other);
	expect_dropped(f,
		       icmp_frame(f, "\2\0\0\0\0\1", "2001:db8::9", "2001:db8::1", na, sizeof(na)),
		       TG_CTR_nd_other);
	expect_passed(f, udp_frame(f, false)); /* what only it has it passes on */
	end();
}

static void test_icmp_echoRequest_isAnsweredByTheEngineAlone(void)
{
	static const uint8_t echo4[16] = {8, 0, 0, 0, 1}, echo6[16] = {128, 0, 0, 0, 1};
	uint8_t f[HOST_BUF_LEN];
	struct host_frame out;

	begin();
	rx(f, icmp_frame(f, "\2\0\0\0\0\1", "192.0.2.2", "192.0.2.1", echo4, 16));
	rx(f, icmp_frame(f, "\2\0\0\0\0\1", "2001:db8::2", "2001:db8::1", echo6, 16));
	CU_ASSERT_EQUAL(h.tx_n, 2);
	while (host_next(&h, &out))
		CU_ASSERT_EQUAL(out.pkt.port, 0);
	expect_dropped(f, icmp_frame(f, "\x33\x33\0\0\0\1", "fe80::9", "ff02::1", echo6, 16),
		       TG_CTR_bad_dst);
	end();
}

static void test_icmp_errorsAndAnswers_goToWhoAsked(void)
{
	static const uint8_t reply4[16] = {0}, reply6[16] = {129};
	uint8_t f[HOST_BUF_LEN];

	begin();
	for (int v6 = 0; v6 < 2; v6++) {
		expect_passed(f, error_frame(f, v6, UDP, 5000));
		expect_passed(f, error_frame(f, v6, TG_PROTO_TCP, 22));
		expect_passed(f, error_frame(f, v6, TG_PROTO_TCP, 40000));
	}
	expect_passed(f, icmp_frame(f, "\2\0\0\0\0\1", "192.0.2.2", "192.0.2.1", reply4, 16));
	expect_passed(f, icmp_frame(f, "\2\0\0\0\0\1", "2001:db8::2", "2001:db8::1", reply6, 16));
	end();
	begin();
	for (int v6 = 0; v6 < 2; v6++)
		expect_dropped(f, error_frame(f, v6, TG_PROTO_TCP, 80), TG_CTR_icmp_bad_seq);
	uint32_t n = error_frame(f, false, UDP, 5000);
	f[n - 1] ^= 1;
	expect_dropped(f, n, TG_CTR_icmp_bad_csum);
	static const uint8_t redirect[40] = {137};
	expect_dropped(f, icmp_frame(f, "\2\0\0\0\0\1", "fe80::9", "2001:db8::1", redirect, 40),
		       TG_CTR_ra_ignored);
	end();
}

static void test_vlan_tag_endsAtThePort(void)
{
	static const uint8_t tag[4] = {0x81, 0, 0xe0, 0};
	uint8_t f[HOST_BUF_LEN], bare[HOST_BUF_LEN];
	struct host_frame out;

	defaults();
	h.conf.port[0].vlan = 100;
	start();
	uint32_t n = udp_frame(f, false);
	CU_ASSERT_EQUAL(tg_be16_get(f + 14), 100);
	rx(f, n);
	h.conf.port[0].vlan = 0;
	uint32_t bare_n = udp_frame(bare, false);
	CU_ASSERT_FATAL(host_next(&h, &out));
	CU_ASSERT_EQUAL_FATAL(out.len, bare_n);
	CU_ASSERT_EQUAL(memcmp(out.data, bare, bare_n), 0);
	rx(bare, bare_n); /* LN-02: untagged it is not the port's */
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_vlan), 1);
	end();
	begin(); /* a priority tag is none, there or here */
	memcpy(f, bare, 12);
	memcpy(f + 12, tag, 4);
	memcpy(f + 16, bare + 12, bare_n - 12);
	rx(f, bare_n + 4);
	CU_ASSERT_FATAL(host_next(&h, &out));
	CU_ASSERT_EQUAL(out.pkt.port, KERNEL);
	CU_ASSERT_EQUAL_FATAL(out.len, bare_n);
	CU_ASSERT_EQUAL(memcmp(out.data, bare, bare_n), 0);
	end();
}

/* Offers n; returns how many were passed. */
static uint32_t offer(const uint8_t *f, uint32_t len, uint32_t n)
{
	uint64_t before = host_ctr(&h, TG_CTR_kernel_out);
	struct host_frame out;

	for (uint32_t i = 0; i < n; i++)
		rx(f, len);
	while (host_next(&h, &out))
		;
	return (uint32_t)(host_ctr(&h, TG_CTR_kernel_out) - before);
}

static void test_rate_flood_isHeldAndStarvesNobody(void)
{
	uint8_t f[HOST_BUF_LEN], link[HOST_BUF_LEN];

	defaults();
	h.conf.port[0].kernel_rate = 1000;
	start();
	uint32_t n = udp_frame(f, false);
	CU_ASSERT_EQUAL(offer(f, n, 500), 21); /* 20 ms ahead, and one */
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_kernel_limited), 479);
	CU_ASSERT_EQUAL(offer(f, n, 10), 0);
	/* TCP of its own, and what only the link can send, have their own. */
	host_peer(&p, &h, 22, 5000, false);
	uint8_t tcp[HOST_BUF_LEN];
	uint32_t tcp_n = host_build(&p, TG_TCP_SYN, p.snd_nxt, tg_seq_make(0), NULL, 0, tcp);
	CU_ASSERT_EQUAL(offer(tcp, tcp_n, 500), 21);
	CU_ASSERT_EQUAL(
	    offer(link, arp_frame(link, 2, "\2\0\0\0\0\1", "192.0.2.9", "192.0.2.1"), 5), 5);
	CU_ASSERT_EQUAL(
	    offer(link,
		  ip_frame(link, "\1\0\x5e\0\0\5", "192.0.2.2", "224.0.0.5", OSPF, "12345678", 8),
		  5),
	    5);
	f[14 + 8] = 255; /* RFC 5082: no router was between */
	tg_be16_put(f + 24, 0);
	tg_be16_put(f + 24, tg_csum_fold(tg_csum_add(0, f + 14, 20)));
	CU_ASSERT_EQUAL(offer(f, n, 5), 5);
	CU_ASSERT_EQUAL(offer(f, n, 500), 6);
	/* Over a second it is what was said. */
	n = udp_frame(f, false);
	uint32_t passed = 0;
	for (int ms = 0; ms < 1000; ms++) {
		h.now_ns += TG_NS_PER_MS;
		passed += offer(f, n, 3);
	}
	CU_ASSERT(passed >= 995 && passed <= 1005);
	h.now_ns += 1000 * TG_NS_PER_MS; /* what was not used is not saved up */
	CU_ASSERT_EQUAL(offer(f, n, 500), 21);
	end();
	begin(); /* 0: no limit */
	CU_ASSERT_EQUAL(offer(f, n, 4000), 4000);
	end();
}

/* What the engine used of an answer stays used when the kernel gets no copy. */
static void test_rate_answerOfBoth_isStillAccepted(void)
{
	uint8_t f[HOST_BUF_LEN];

	defaults();
	h.conf.port[0].has_static_neigh = false;
	h.conf.port[0].kernel_rate = 1;
	start();
	uint32_t n = arp_frame(f, 2, "\2\0\0\0\0\1", "192.0.2.2", "192.0.2.1");
	CU_ASSERT_EQUAL(offer(f, n, 3), 1);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_kernel_limited), 2); /* nobody had asked */
	host_send(&p, TG_TCP_SYN, NULL, 0);
	host_tick(&h, 1);
	uint64_t accepted = host_ctr(&h, TG_CTR_rx_accepted);
	CU_ASSERT_EQUAL(offer(f, n, 1), 0);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_kernel_limited), 2);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_rx_accepted), accepted + 1);
	end();
}

/* EST-33: the answers to a port of the kernel's would go to the kernel. */
static void test_connect_kernelPorts_areNotOurs(void)
{
	uint32_t conn;

	defaults();
	h.conf.port[0].kernel_port[1] = (struct tg_port_range){1024, 65533};
	start();
	host_peer(&p, &h, 0, 443, false);
	CU_ASSERT_EQUAL(tg_engine_connect(h.e, &p.t, &h.tcp, NULL, NULL, 0, &conn), 0);
	CU_ASSERT_EQUAL(tg_engine_connect(h.e, &p.t, &h.tcp, NULL, NULL, 0, &conn), 0);
	CU_ASSERT_EQUAL(tg_engine_connect(h.e, &p.t, &h.tcp, NULL, NULL, 0, &conn), -EADDRINUSE);
	p.t.lport = 65534;
	CU_ASSERT_EQUAL(host_state(&p), TG_SYN_SENT);
	p.t.lport = 65535;
	CU_ASSERT_EQUAL(host_state(&p), TG_SYN_SENT);
	p.t.lport = 22;
	CU_ASSERT_EQUAL(tg_engine_connect(h.e, &p.t, &h.tcp, NULL, NULL, 0, &conn), -EADDRINUSE);
	p.t.lport = 23;
	CU_ASSERT_EQUAL(tg_engine_connect(h.e, &p.t, &h.tcp, NULL, NULL, 0, &conn), 0);
	end();
}

static const struct tg_test tests[] = {
    {"noKernel_otherProtocol_isDropped", test_noKernel_otherProtocol_isDropped},
    {"tcp_kernelPorts_goToTheKernel", test_tcp_kernelPorts_goToTheKernel},
    {"tcp_badSegment_isJudgedWhereItBelongs", test_tcp_badSegment_isJudgedWhereItBelongs},
    {"burst_mixed_eachGoesItsWay", test_burst_mixed_eachGoesItsWay},
    {"protocols_ofOurAddressAndTheLink_arePassed", test_protocols_ofOurAddressAndTheLink_arePassed},
    {"fragments_ofOtherProtocols_arePassed", test_fragments_ofOtherProtocols_arePassed},
    {"fragments_ofUntoldProtocol_areDropped", test_fragments_ofUntoldProtocol_areDropped},
    {"arp_question_isAnsweredByTheEngineAlone", test_arp_question_isAnsweredByTheEngineAlone},
    {"arp_answers_goToTheKernelToo", test_arp_answers_goToTheKernelToo},
    {"neighbours_otherWorkers_tellNobody", test_neighbours_otherWorkers_tellNobody},
    {"icmp_echoRequest_isAnsweredByTheEngineAlone",
     test_icmp_echoRequest_isAnsweredByTheEngineAlone},
    {"icmp_errorsAndAnswers_goToWhoAsked", test_icmp_errorsAndAnswers_goToWhoAsked},
    {"vlan_tag_endsAtThePort", test_vlan_tag_endsAtThePort},
    {"rate_flood_isHeldAndStarvesNobody", test_rate_flood_isHeldAndStarvesNobody},
    {"rate_answerOfBoth_isStillAccepted", test_rate_answerOfBoth_isStillAccepted},
    {"connect_kernelPorts_areNotOurs", test_connect_kernelPorts_areNotOurs},
};

int main(int argc, char **argv)
{
	return tg_test_main("engine_kernel", tests, TG_TEST_N(tests), argc, argv);
}
