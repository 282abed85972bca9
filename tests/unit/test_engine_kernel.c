/* SPDX-License-Identifier: BSD-3-Clause */
/* test_engine_kernel.c: LN-21: what goes to the kernel behind a port, what stays the engine's, how
 * much of it, and the way back. */
#include "engine_host.h"
#include <errno.h>

enum { KERNEL = 7, UDP = 17, OSPF = 89, ESP = 50, SCTP = 132, IGMP = 2 };

static struct host h;
static struct host_peer p;
static const struct tg_mac our_mac = {{2, 0, 0, 0, 0, 1}}, peer_mac = {{2, 0, 0, 0, 0, 2}};

static void defaults(void)
{
	struct tg_port_conf *pc = &h.conf.port[0];

	host_defaults(&h);
	pc->kernel = KERNEL;
	pc->kernel_port[0] = (struct tg_port_range){22, 22};
	pc->kernel_port[1] = (struct tg_port_range){32768, 60999};
	pc->kernel_port_n = 2;
}

static void start(void)
{
	host_init(&h);
	CU_ASSERT_FATAL(host_listen(&h, 80) >= 0);
	host_peer(&p, &h, 80, 5000, false);
}

static void begin(void)
{
	defaults();
	start();
}

static void end(void)
{
	tg_engine_abort_all(h.e);
	host_tick(&h, 0);
	host_fini(&h);
}

static void rx(const uint8_t *frame, uint32_t len)
{
	host_rx(&h, &frame, &len, 1);
}

/* Nothing else comes out than the frame, whole, to the kernel. */
static void expect_passed(const uint8_t *frame, uint32_t len)
{
	struct host_frame f;
	uint64_t before = host_ctr(&h, TG_CTR_kernel_out), ok = host_ctr(&h, TG_CTR_rx_accepted);

	rx(frame, len);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_kernel_out), before + 1);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_rx_accepted), ok + 1);
	CU_ASSERT_FATAL(host_next(&h, &f));
	CU_ASSERT_EQUAL(f.pkt.port, KERNEL);
	CU_ASSERT_EQUAL(f.pkt.tx_flags, 0);
	CU_ASSERT_EQUAL_FATAL(f.len, len);
	CU_ASSERT_EQUAL(memcmp(f.data, frame, len), 0);
	CU_ASSERT_EQUAL(h.tx_n, 0);
}

static void expect_dropped(const uint8_t *frame, uint32_t len, enum tg_ctr why)
{
	uint64_t before = host_ctr(&h, why);

	rx(frame, len);
	CU_ASSERT_EQUAL(host_ctr(&h, why), before + 1);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_kernel_out), 0);
	CU_ASSERT_EQUAL(h.tx_n, 0);
}

/* A packet of len bytes behind the IP header, from a neighbour. */
static uint32_t ip_frame(uint8_t *f, const char *mac, const char *src, const char *dst,
			 uint8_t proto, const void *payload, uint32_t len)
{
	struct tg_ip ip = {.proto = proto, .ttl = 64};
	struct tg_eth eth = {.src = peer_mac, .vid = h.conf.port[0].vlan};

	tg_addr_parse(src, &ip.src);
	tg_addr_parse(dst, &ip.dst);
	ip.v6 = !tg_addr_is_v4(&ip.dst);
	eth.type = ip.v6 ? TG_ETHERTYPE_IP6 : TG_ETHERTYPE_IP4;
	eth.tagged = eth.vid != 0;
	memcpy(eth.dst.b, mac, 6);
	uint32_t n = tg_eth_emit(f, &eth);
	if (proto == TG_PROTO_ICMP6)
		ip.ttl = 255;
	n += ip.v6 ? tg_ip6_emit(f + n, &ip, len, 0) : tg_ip4_emit(f + n, &ip, len, false);
	memcpy(f + n, payload, len);
	return n + len;
}

static uint32_t udp_frame(uint8_t *f, bool v6)
{
	return ip_frame(f, "\2\0\0\0\0\1", v6 ? "2001:db8::2" : "192.0.2.2",
			v6 ? "2001:db8::1" : "192.0.2.1", UDP, "\x13\x88\x13\x89\0\x0cxxtext", 12);
}

/* An ICMP message of either family with its checksum. */
static uint32_t icmp_frame(uint8_t *f, const char *mac, const char *src, const char *dst,
			   const uint8_t *icmp, uint32_t len)
{
	uint8_t text[512];
	struct tg_addr a, b;

	memcpy(text, icmp, len);
	tg_addr_parse(src, &a);
	tg_addr_parse(dst, &b);
	bool v6 = !tg_addr_is_v4(&a);
	uint64_t sum = v6 ? tg_csum_pseudo(&a, &b, TG_PROTO_ICMP6, len) : 0;
	tg_be16_put(text + 2, 0);
	tg_be16_put(text + 2, tg_csum_fold(tg_csum_add(sum, text, len)));
	return ip_frame(f, mac, src, dst, v6 ? TG_PROTO_ICMP6 : TG_PROTO_ICMP, text, len);
}

/* --- TCP --- */

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

/* --- other protocols --- */

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

/* --- neighbours --- */

static uint32_t arp_frame(uint8_t *f, uint16_t op, const char *mac, const char *spa,
			  const char *tpa)
{
	struct tg_eth eth = {.src = peer_mac, .type = TG_ETHERTYPE_ARP};
	struct tg_arp arp = {.op = op, .sha = peer_mac, .tha = our_mac};

	memcpy(eth.dst.b, mac, 6);
	tg_addr_parse(spa, &arp.spa);
	tg_addr_parse(tpa, &arp.tpa);
	uint32_t n = tg_eth_emit(f, &eth);
	return n + tg_arp_emit(f + n, &arp);
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

static uint32_t nd_frame(uint8_t *f, uint8_t type, const char *mac, const char *src,
			 const char *dst, const char *target)
{
	uint8_t icmp[32] = {type};
	struct tg_addr a;

	tg_addr_parse(target, &a);
	memcpy(icmp + 8, a.b, 16);
	icmp[4] = type == 136 ? 0x60 : 0;
	icmp[24] = type == 136 ? 2 : 1;
	icmp[25] = 1;
	memcpy(icmp + 26, peer_mac.b, 6);
	return icmp_frame(f, mac, src, dst, icmp, sizeof(icmp));
}

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

/* --- ICMP --- */

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

/* An error that quotes a packet of ours, of that protocol, from that port. */
static uint32_t error_frame(uint8_t *f, bool v6, uint8_t proto, uint16_t lport)
{
	uint8_t icmp[8 + 40 + 8] = {v6 ? 1 : 3, v6 ? 4 : 3};
	struct tg_ip ip = {.proto = proto, .ttl = 64, .v6 = v6};

	tg_addr_parse(v6 ? "2001:db8::1" : "192.0.2.1", &ip.src);
	tg_addr_parse(v6 ? "2001:db8::2" : "192.0.2.2", &ip.dst);
	uint32_t n =
	    8 + (v6 ? tg_ip6_emit(icmp + 8, &ip, 8, 0) : tg_ip4_emit(icmp + 8, &ip, 8, false));
	tg_be16_put(icmp + n, lport);
	tg_be16_put(icmp + n + 2, 53);
	return icmp_frame(f, "\2\0\0\0\0\1", v6 ? "2001:db8::2" : "192.0.2.2",
			  v6 ? "2001:db8::1" : "192.0.2.1", icmp, n + 8);
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

/* --- VLAN, length, rate --- */

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

/* --- the way back --- */

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

/* --- anything --- */

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

/* --- active opens, and what makes no sense --- */

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
    {"nd_questionsAndAnswers_goWhereTheyBelong", test_nd_questionsAndAnswers_goWhereTheyBelong},
    {"nd_questionForOurs_isAnsweredByTheEngineAlone",
     test_nd_questionForOurs_isAnsweredByTheEngineAlone},
    {"icmp_echoRequest_isAnsweredByTheEngineAlone",
     test_icmp_echoRequest_isAnsweredByTheEngineAlone},
    {"icmp_errorsAndAnswers_goToWhoAsked", test_icmp_errorsAndAnswers_goToWhoAsked},
    {"linkLocal_notOurs_isTheKernelsWhole", test_linkLocal_notOurs_isTheKernelsWhole},
    {"vlan_tag_endsAtThePort", test_vlan_tag_endsAtThePort},
    {"pass_tooLong_isDropped", test_pass_tooLong_isDropped},
    {"pass_noRoom_isDroppedAndCounted", test_pass_noRoom_isDroppedAndCounted},
    {"rate_flood_isHeldAndStarvesNobody", test_rate_flood_isHeldAndStarvesNobody},
    {"rate_answerOfBoth_isStillAccepted", test_rate_answerOfBoth_isStillAccepted},
    {"fromKernel_frame_goesOutAsItIs", test_fromKernel_frame_goesOutAsItIs},
    {"fromKernel_vlan_isPutOn", test_fromKernel_vlan_isPutOn},
    {"fromKernel_whatDoesNotFit_isCountedAndGivenBack",
     test_fromKernel_whatDoesNotFit_isCountedAndGivenBack},
    {"random_frames_keepTheBooks", test_random_frames_keepTheBooks},
    {"connect_kernelPorts_areNotOurs", test_connect_kernelPorts_areNotOurs},
    {"init_kernelThatIsAPort_isRefused", test_init_kernelThatIsAPort_isRefused},
};

int main(int argc, char **argv)
{
	return tg_test_main("engine_kernel", tests, TG_TEST_N(tests), argc, argv);
}
