/* SPDX-License-Identifier: BSD-3-Clause */
/* test_engine_link.c: below TCP: MAC addresses, VLAN, ARP, what IP may carry, checksums, echo, ICMP
 * errors. */
#include "engine_host.h"
#include <errno.h>

static struct host h;
static struct host_peer p;

static void begin_with(uint16_t vlan)
{
	host_defaults(&h);
	h.conf.port[0].vlan = vlan;
	h.svc.close_on_eof = true;
	host_init(&h);
	CU_ASSERT_FATAL(host_listen(&h, 80) >= 0);
	host_peer(&p, &h, 80, 5000, false);
}

static void begin(void)
{
	begin_with(0);
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

static uint32_t syn_frame(uint8_t *frame)
{
	return host_build(&p, TG_TCP_SYN, p.snd_nxt, tg_seq_make(0), NULL, 0, frame);
}

static void expect_drop(enum tg_ctr ctr)
{
	CU_ASSERT_EQUAL(host_ctr(&h, ctr), 1);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_rx_accepted), 0);
	CU_ASSERT_EQUAL(h.tx_n, 0);
}

/* --- link --- */

/* Two ports of one device: what comes by it is the port's whose VLAN it has, and so is the answer.
 */
static void test_link_sharedDevice_isToldApartByVlan(void)
{
	struct tg_port_conf *second;
	struct host_frame f;
	struct tg_seg seg;

	host_defaults(&h);
	second = &h.conf.port[1];
	*second = h.conf.port[0];
	tg_addr_parse("198.51.100.1", &second->addr[0].addr);
	second->addr_n = 1;
	second->vlan = 7;
	second->is_shared = true;
	h.conf.port_n = 2;
	host_init(&h);
	CU_ASSERT_FATAL(host_listen(&h, 80) >= 0);
	for (uint16_t vlan = 0; vlan <= 7; vlan += 7) {
		host_peer(&p, &h, 80, 5000, false);
		h.conf.port[0].vlan = vlan; /* of the frames; the engine has its own copy */
		p.t.laddr = h.conf.port[vlan ? 1 : 0].addr[0].addr;
		host_send(&p, TG_TCP_SYN, NULL, 0);
		CU_ASSERT(host_expect(&p, &seg, &f));
		CU_ASSERT_EQUAL(seg.ctl, TG_TCP_SYN | TG_TCP_ACK);
		CU_ASSERT_EQUAL(f.pkt.port, vlan ? 1 : 0);
		host_send(&p, TG_TCP_ACK, NULL, 0);
		CU_ASSERT_EQUAL(host_state(&p), TG_ESTABLISHED);
	}
	/* The other port's address, and a VLAN that is nobody's. */
	uint64_t accepted = host_ctr(&h, TG_CTR_rx_accepted);
	host_peer(&p, &h, 80, 5001, false);
	host_send(&p, TG_TCP_SYN, NULL, 0);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_bad_dst), 1);
	h.conf.port[0].vlan = 8;
	host_send(&p, TG_TCP_SYN, NULL, 0);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_vlan), 1);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_rx_accepted), accepted);
	CU_ASSERT_EQUAL(h.tx_n, 0);
	end();
}

static void test_link_otherMac_isDropped(void)
{
	uint8_t f[HOST_BUF_LEN];

	begin();
	uint32_t n = syn_frame(f);
	f[5] = 9;
	rx(f, n); /* LN-01 */
	expect_drop(TG_CTR_bad_mac);
	end();
}

/* A solicitation for our address, in a frame to this group. */
static uint32_t ns_frame(uint8_t *f, const uint8_t *mac)
{
	struct tg_eth eth = {.src = {{2, 0, 0, 0, 0, 2}}, .type = TG_ETHERTYPE_IP6};
	struct tg_ip ip = {.proto = TG_PROTO_ICMP6, .ttl = 255, .v6 = true};
	struct tg_addr us;

	memcpy(eth.dst.b, mac, 6);
	tg_addr_parse("2001:db8::1", &us);
	tg_addr_parse("2001:db8::2", &ip.src);
	ip.dst = tg_nd_solicited_node(&us);
	uint32_t n = tg_eth_emit(f, &eth);
	uint32_t len = tg_nd_ns_emit(f + n + TG_IP6_LEN, &ip.src, &ip.dst, &us, &eth.src);

	return n + tg_ip6_emit(f + n, &ip, len, 0) + len;
}

/* LN-01: the group of an address of ours and that of all nodes; not those of others. */
static void test_link_ndGroups_onlyOursAreHeard(void)
{
	static const struct {
		uint8_t mac[6];
		bool ours;
	} row[] = {
	    {{0x33, 0x33, 0xff, 0, 0, 1}, true},  {{0x33, 0x33, 0, 0, 0, 1}, true},
	    {{0x33, 0x33, 0xff, 0, 0, 2}, false}, {{0x33, 0x33, 0, 0, 0, 2}, false},
	    {{0x33, 0x33, 0, 0, 0, 0xfb}, false}, {{0x32, 0x33, 0xff, 0, 0, 1}, false},
	};
	uint8_t f[HOST_BUF_LEN];
	struct host_frame out;

	for (size_t i = 0; i < TG_TEST_N(row); i++) {
		begin();
		rx(f, ns_frame(f, row[i].mac));
		CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_bad_mac), !row[i].ours);
		CU_ASSERT_EQUAL(host_next(&h, &out), row[i].ours);
		end();
	}
}

static void test_link_broadcastMac_isDropped(void)
{
	uint8_t f[HOST_BUF_LEN];

	begin();
	uint32_t n = syn_frame(f);
	memset(f, 0xff, 6);
	rx(f, n);
	expect_drop(TG_CTR_bad_mac);
	end();
}

static void test_link_runt_isDropped(void)
{
	uint8_t f[HOST_BUF_LEN] = {0};

	begin();
	rx(f, 13);
	expect_drop(TG_CTR_runt);
	end();
}

static void test_link_unknownType_isDropped(void)
{
	uint8_t f[HOST_BUF_LEN];

	begin();
	uint32_t n = syn_frame(f);
	f[12] = 0x88;
	f[13] = 0xcc;
	rx(f, n);
	expect_drop(TG_CTR_ethertype);
	end();
}

static void test_vlan_ours_isAnsweredInIt(void)
{
	begin_with(100);
	CU_ASSERT(host_handshake(&p)); /* host_expect checks the tag */
	end();
}

static void test_vlan_others_isDropped(void)
{
	uint8_t f[HOST_BUF_LEN];

	begin_with(100);
	uint32_t n = syn_frame(f);
	f[15] = 101;
	rx(f, n); /* ADV-83 */
	expect_drop(TG_CTR_vlan);
	end();
}

static void test_vlan_untagged_isDropped(void)
{
	uint8_t f[HOST_BUF_LEN];

	begin_with(100);
	uint32_t n = syn_frame(f);
	memmove(f + 12, f + 16, n - 16);
	rx(f, n - 4);
	expect_drop(TG_CTR_vlan);
	end();
}

/* LN-02: a port without a VLAN has none of them all. */
static void test_vlan_tagOnUntaggedPort_isDropped(void)
{
	uint8_t f[HOST_BUF_LEN];
	static const uint8_t tag[4] = {0x81, 0, 0, 5};

	begin();
	uint32_t n = syn_frame(f);
	memmove(f + 16, f + 12, n - 12);
	memcpy(f + 12, tag, 4);
	rx(f, n + 4);
	expect_drop(TG_CTR_vlan);
	end();
}

/* LN-02: VID 0 is a priority tag. */
static void test_vlan_priorityTag_isUntagged(void)
{
	uint8_t f[HOST_BUF_LEN];
	static const uint8_t tag[4] = {0x81, 0, 0xe0, 0};

	begin();
	uint32_t n = syn_frame(f);
	memmove(f + 16, f + 12, n - 12);
	memcpy(f + 12, tag, 4);
	rx(f, n + 4);
	struct host_frame out;
	struct tg_seg seg;
	CU_ASSERT(host_expect(&p, &seg, &out));
	CU_ASSERT_EQUAL(seg.ctl, TG_TCP_SYN | TG_TCP_ACK);
	end();
}

static uint32_t arp_frame(uint8_t *f, const char *target)
{
	struct tg_eth eth = {.dst = {{255, 255, 255, 255, 255, 255}},
			     .src = {{2, 0, 0, 0, 0, 2}},
			     .type = TG_ETHERTYPE_ARP};
	struct tg_arp arp = {.op = 1, .sha = eth.src};

	tg_addr_parse("192.0.2.2", &arp.spa);
	tg_addr_parse(target, &arp.tpa);
	uint32_t n = tg_eth_emit(f, &eth);
	return n + tg_arp_emit(f + n, &arp);
}

/* LN-01: what is for another host is none of our business, were it true a hundred times. */
static void test_arp_toOtherMac_isDropped(void)
{
	uint8_t f[HOST_BUF_LEN];

	begin();
	uint32_t n = arp_frame(f, "192.0.2.1");
	memcpy(f, "\2\0\0\0\0\7", 6);
	rx(f, n);
	expect_drop(TG_CTR_bad_mac);
	end();
}

static void test_arp_request_isAnswered(void)
{
	uint8_t f[HOST_BUF_LEN];
	struct host_frame out;
	struct tg_arp arp;

	begin();
	rx(f, arp_frame(f, "192.0.2.1"));
	CU_ASSERT_FATAL(host_next(&h, &out));
	CU_ASSERT_EQUAL(tg_arp_parse(out.data + 14, out.len - 14, &arp), TG_CTR_NONE);
	CU_ASSERT_EQUAL(arp.op, 2);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_rx_accepted), 1);
	end();
}

static void test_arp_requestForOther_isDropped(void)
{
	uint8_t f[HOST_BUF_LEN];

	begin();
	rx(f, arp_frame(f, "192.0.2.77"));
	expect_drop(TG_CTR_arp_other);
	end();
}

/* LN-04: a neighbour that is not known is asked for; what waited goes out when it answers. */
static void test_neigh_unknown_synAckWaitsForArp(void)
{
	uint8_t f[HOST_BUF_LEN];
	struct host_frame out;
	struct tg_eth eth = {
	    .dst = {{2, 0, 0, 0, 0, 1}}, .src = {{2, 0, 0, 0, 0, 2}}, .type = TG_ETHERTYPE_ARP};
	struct tg_arp arp;
	struct tg_seg seg;

	host_defaults(&h);
	h.conf.port[0].has_static_neigh = false;
	host_init(&h);
	host_listen(&h, 80);
	host_peer(&p, &h, 80, 5000, false);
	rx(f, syn_frame(f));
	p.snd_nxt = tg_seq_add(p.snd_nxt, 1);
	host_tick(&h, 0);
	CU_ASSERT_FATAL(host_next(&h, &out));
	CU_ASSERT_EQUAL_FATAL(tg_arp_parse(out.data + 14, out.len - 14, &arp), TG_CTR_NONE);
	CU_ASSERT_EQUAL(arp.op, 1);
	CU_ASSERT_EQUAL(h.tx_n, 0);
	struct tg_arp answer = {
	    .op = 2, .sha = eth.src, .spa = arp.tpa, .tha = arp.sha, .tpa = arp.spa};
	uint32_t n = tg_eth_emit(f, &eth);
	rx(f, n + tg_arp_emit(f + n, &answer));
	CU_ASSERT(host_expect(&p, &seg, &out));
	CU_ASSERT_EQUAL(seg.ctl, TG_TCP_SYN | TG_TCP_ACK);
	CU_ASSERT_EQUAL(memcmp(out.data, eth.src.b, 6), 0);
	end();
}

/* LN-04: requests are a second apart (RFC 1122 2.3.2.1), also the first ones after a long silence,
 * in which no tick had anything to do. */
static void test_neigh_unknownAfterIdle_requestsAreASecondApart(void)
{
	uint8_t f[HOST_BUF_LEN];
	uint32_t asked[4];

	host_defaults(&h);
	h.conf.port[0].has_static_neigh = false;
	h.conf.port[0].silent = true;
	host_init(&h);
	host_listen(&h, 80);
	host_tick(&h, 100);
	h.now_ns += 10000 * TG_NS_PER_MS;
	host_peer(&p, &h, 80, 5000, false);
	h.tx_n = 0;
	rx(f, syn_frame(f));
	for (int i = 0; i < 4; i++) {
		host_tick(&h, i ? 1000 : 0);
		asked[i] = h.tx_n;
	}
	CU_ASSERT_EQUAL(asked[0], 1);
	CU_ASSERT_EQUAL(asked[1], 2);
	CU_ASSERT_EQUAL(asked[2], 3);
	CU_ASSERT_EQUAL(asked[3], 3);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_neigh_unreachable), 1);
	h.tx_n = 0;
	end();
}

/* --- IP and TCP --- */

/* A changed frame, its checksums made right again. */
static void fix_csums(uint8_t *f, uint32_t n)
{
	struct tg_addr src = tg_addr_from_v4(f + 26), dst = tg_addr_from_v4(f + 30);

	tg_be16_put(f + 24, 0);
	tg_be16_put(f + 24, tg_csum_fold(tg_csum_add(0, f + 14, 20)));
	tg_tcp_csum_put(f + 34, n - 34, &src, &dst, false);
}

static void syn_from_to(const char *src, const char *dst, uint16_t sport)
{
	uint8_t f[HOST_BUF_LEN];
	struct tg_addr a;

	p.t.rport = sport;
	uint32_t n = syn_frame(f);
	tg_addr_parse(src, &a);
	memcpy(f + 26, a.b + 12, 4);
	tg_addr_parse(dst, &a);
	memcpy(f + 30, a.b + 12, 4);
	fix_csums(f, n);
	rx(f, n);
}

static void test_ip_land_isDropped(void)
{
	begin();
	syn_from_to("192.0.2.1", "192.0.2.1", 80); /* ADV-08 */
	expect_drop(TG_CTR_land);
	end();
}

static void test_ip_ourAddressAsSource_isDropped(void)
{
	begin();
	syn_from_to("192.0.2.1", "192.0.2.1", 81); /* LN-12 */
	expect_drop(TG_CTR_bad_src);
	end();
}

static void test_ip_subnetBroadcastAsSource_isDropped(void)
{
	begin();
	syn_from_to("192.0.2.255", "192.0.2.1", 5000); /* ADV-09 */
	expect_drop(TG_CTR_bad_src);
	end();
}

static void test_ip_otherDestination_isDropped(void)
{
	begin();
	syn_from_to("192.0.2.2", "192.0.2.3", 5000);
	expect_drop(TG_CTR_bad_dst);
	end();
}

static void test_ip_broadcastDestination_isDropped(void)
{
	begin();
	syn_from_to("192.0.2.2", "192.0.2.255", 5000); /* ADV-10 */
	expect_drop(TG_CTR_bad_dst);
	end();
}

static void rx_csum(uint8_t l4_csum, bool break_it)
{
	struct tg_pkt in = {.data = malloc(HOST_BUF_LEN), .cap = HOST_BUF_LEN, .l4_csum = l4_csum};
	struct tg_pkt out[4];

	in.handle = in.data;
	in.len = syn_frame(in.data);
	in.data[in.len - 4] ^= break_it; /* the checksum field itself */
	h.buf_live++;
	uint32_t n = tg_engine_rx(h.e, &in, 1, out, 4, h.now_ns);
	for (uint32_t i = 0; i < n; i++) {
		h.buf_live--;
		free(out[i].handle);
	}
	host_check(&h);
}

/* LN-16 */
static void test_tcp_checksumVerdicts_eachIsUsed(void)
{
	begin();
	rx_csum(TG_CSUM_UNKNOWN, true);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_bad_csum), 1);
	rx_csum(TG_CSUM_BAD, true);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_bad_csum), 2);
	rx_csum(TG_CSUM_BAD, false); /* looked at again: it was right */
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_conn_passive), 1);
	p.t.rport = 5001;
	rx_csum(TG_CSUM_GOOD, true); /* trusted */
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_conn_passive), 2);
	end();
}

/* Two ports: an address answers on its own, with that port's MTU in its MSS and its VLAN. */
static void test_ports_two_eachHasItsOwn(void)
{
	struct tg_pkt in, out[4];
	struct tg_port_conf *q = &h.conf.port[1];
	struct tg_seg seg;

	host_defaults(&h);
	h.conf.port_n = 2;
	*q = h.conf.port[0];
	tg_addr_parse("192.0.2.9", &q->addr[0].addr);
	q->addr_n = 1;
	q->mtu = 9000;
	host_init(&h);
	host_listen(&h, 80);
	for (uint16_t port = 0; port < 2; port++) {
		host_peer(&p, &h, 80, 5000, false);
		p.t.laddr = q->addr[0].addr;
		in = (struct tg_pkt){
		    .data = malloc(HOST_BUF_LEN), .cap = HOST_BUF_LEN, .port = port};
		in.handle = in.data;
		in.len = syn_frame(in.data);
		h.buf_live++;
		uint32_t n = tg_engine_rx(h.e, &in, 1, out, 4, h.now_ns);
		CU_ASSERT_EQUAL_FATAL(n, port);
	}
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_bad_dst), 1);
	CU_ASSERT_EQUAL(out[0].port, 1);
	CU_ASSERT_EQUAL(tg_tcp_parse(out[0].data + 34, out[0].len - 34, &seg), TG_CTR_NONE);
	CU_ASSERT_EQUAL(seg.opts.mss, 8960);
	h.buf_live--;
	free(out[0].handle);
	end();
}

static void test_tcp_offloads_leaveWhatTheCarrierDoes(void)
{
	struct tg_pkt in = {.data = malloc(HOST_BUF_LEN), .cap = HOST_BUF_LEN}, out[4];

	host_defaults(&h);
	h.conf.port[0].tx_ip_csum = h.conf.port[0].tx_tcp_csum = true;
	host_init(&h);
	host_listen(&h, 80);
	host_peer(&p, &h, 80, 5000, false);
	in.handle = in.data;
	in.len = syn_frame(in.data);
	h.buf_live++;
	CU_ASSERT_EQUAL_FATAL(tg_engine_rx(h.e, &in, 1, out, 4, h.now_ns), 1);
	CU_ASSERT_EQUAL(out[0].tx_flags, TG_TX_IP_CSUM | TG_TX_TCP_CSUM);
	CU_ASSERT_EQUAL(out[0].l2_len, 14);
	CU_ASSERT_EQUAL(out[0].l3_len, 20);
	CU_ASSERT_EQUAL(14 + 20 + out[0].l4_len, out[0].len);
	CU_ASSERT_EQUAL(tg_be16_get(out[0].data + 24), 0);
	h.buf_live--;
	free(out[0].handle);
	end();
}

/* DF, TTL, DSCP as told (LN-22). */
static void test_tcp_header_asConfigured(void)
{
	struct host_frame f;
	struct tg_seg seg;

	host_defaults(&h);
	h.tcp.ttl = 33;
	h.tcp.dscp = 10;
	host_init(&h);
	host_listen(&h, 80);
	host_peer(&p, &h, 80, 5000, false);
	host_send(&p, TG_TCP_SYN, NULL, 0);
	CU_ASSERT(host_expect(&p, &seg, &f));
	CU_ASSERT_EQUAL(f.data[14 + 8], 33);
	CU_ASSERT_EQUAL(f.data[14 + 1], 10 << 2);
	CU_ASSERT_EQUAL(f.data[14 + 6] & 0x40, 0x40);
	end();
}

/* --- ICMP --- */

static uint32_t echo_frame(uint8_t *f, bool v6, uint32_t len)
{
	struct tg_eth eth = {.dst = {{2, 0, 0, 0, 0, 1}},
			     .src = {{2, 0, 0, 0, 0, 2}},
			     .type = v6 ? TG_ETHERTYPE_IP6 : TG_ETHERTYPE_IP4};
	struct tg_ip ip = {.proto = v6 ? TG_PROTO_ICMP6 : TG_PROTO_ICMP, .ttl = 64, .v6 = v6};
	uint32_t l3 = v6 ? TG_IP6_LEN : TG_IP4_LEN;

	host_peer(&p, &h, 80, 5000, v6);
	ip.src = p.t.raddr;
	ip.dst = p.t.laddr;
	uint32_t n = tg_eth_emit(f, &eth);
	uint8_t *icmp = f + n + l3;
	for (uint32_t i = 8; i < len; i++)
		icmp[i] = (uint8_t)i;
	memcpy(icmp, "\x08\0\0\0\0\1\0\2", 8);
	if (v6)
		icmp[0] = 128;
	uint64_t sum = v6 ? tg_csum_pseudo(&ip.src, &ip.dst, ip.proto, len) : 0;
	tg_be16_put(icmp + 2, tg_csum_fold(tg_csum_add(sum, icmp, len)));
	n += v6 ? tg_ip6_emit(f + n, &ip, len, 0) : tg_ip4_emit(f + n, &ip, len, false);
	return n + len;
}

static void test_icmp_echo_isAnsweredInPlace(void)
{
	uint8_t f[HOST_BUF_LEN];
	struct host_frame out;

	begin();
	for (uint32_t v6 = 0; v6 < 2; v6++) { /* LN-18 */
		uint32_t n = echo_frame(f, v6, 56), l3 = v6 ? 40 : 20;
		rx(f, n);
		CU_ASSERT_FATAL(host_next(&h, &out));
		CU_ASSERT_EQUAL(out.len, n);
		CU_ASSERT_EQUAL(out.data[14 + l3], v6 ? 129 : 0);
		CU_ASSERT_EQUAL(memcmp(out.data + 14 + l3 + 4, f + 14 + l3 + 4, 52), 0);
		struct tg_ip ip;
		CU_ASSERT_EQUAL(v6 ? tg_ip6_parse(out.data + 14, n - 14, &ip)
				   : tg_ip4_parse(out.data + 14, n - 14, true, &ip),
				TG_CTR_NONE);
		CU_ASSERT(tg_addr_equal(&ip.dst, &p.t.raddr));
	}
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_icmp_echo), 2);
	end();
}

/* A router's message of that type, to all (an advertisement) or to us (a redirect), all of it as
 * RFC 4861 wants it; returns its length. */
static uint32_t router_frame(uint8_t *f, uint8_t type, uint32_t len)
{
	bool all = type == 134;
	struct tg_eth eth = {.dst = {{0x33, 0x33, 0, 0, 0, 1}},
			     .src = {{2, 0, 0, 0, 0, 9}},
			     .type = TG_ETHERTYPE_IP6};
	struct tg_ip ip = {.proto = TG_PROTO_ICMP6, .ttl = 255, .v6 = true};

	tg_addr_parse("fe80::9", &ip.src);
	tg_addr_parse(all ? "ff02::1" : "2001:db8::1", &ip.dst);
	if (!all)
		eth.dst = h.conf.port[0].mac;
	uint32_t n = tg_eth_emit(f, &eth);
	uint8_t *icmp = f + n + TG_IP6_LEN;
	memset(icmp, 0, len);
	icmp[0] = type;
	icmp[4] = 64;   /* hop limit */
	icmp[6] = 0x70; /* router lifetime: a default router for 8 hours */
	tg_be16_put(icmp + 2, tg_csum_fold(tg_csum_add(
				  tg_csum_pseudo(&ip.src, &ip.dst, ip.proto, len), icmp, len)));
	n += tg_ip6_emit(f + n, &ip, len, 0);
	return n + len;
}

/* LN-09: the gateway is what the configuration says; whoever advertises himself is ignored. */
static void test_icmp_routerAdvertisement_changesNoRoute(void)
{
	uint8_t f[HOST_BUF_LEN];
	uint32_t conn;

	host_defaults(&h);
	h.conf.port[0].has_static_neigh = false;
	host_init(&h);
	host_peer(&p, &h, 0, 443, true);
	tg_addr_parse("2001:db8:ffff::1", &p.t.raddr);
	CU_ASSERT_EQUAL(tg_engine_connect(h.e, &p.t, &h.tcp, NULL, NULL, 0, &conn), -ENETUNREACH);
	rx(f, router_frame(f, 134, 16));
	expect_drop(TG_CTR_ra_ignored);
	CU_ASSERT_EQUAL(tg_engine_connect(h.e, &p.t, &h.tcp, NULL, NULL, 0, &conn), -ENETUNREACH);
	rx(f, router_frame(f, 137, 40)); /* LN-19: nor does a redirect */
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_ra_ignored), 2);
	end();
}

/* The reply has no options, whatever the request had (LN-13). */
static void test_icmp_echoWithIpOptions_isAnswered(void)
{
	uint8_t f[HOST_BUF_LEN];
	struct host_frame out;

	begin();
	uint32_t n = echo_frame(f, false, 56);
	memmove(f + 14 + 24, f + 14 + 20, n - 34);
	memset(f + 14 + 20, 1, 4); /* NOP NOP NOP NOP */
	f[14] = 0x46;
	tg_be16_put(f + 16, 24 + 56);
	tg_be16_put(f + 24, 0);
	tg_be16_put(f + 24, tg_csum_fold(tg_csum_add(0, f + 14, 24)));
	rx(f, n + 4);
	CU_ASSERT_FATAL(host_next(&h, &out));
	CU_ASSERT_EQUAL(out.len, n);
	CU_ASSERT_EQUAL(memcmp(out.data + 14 + 24, f + 14 + 28, 52), 0);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_ip_options), 1);
	end();
}

static void test_icmp_echoFlood_isLimited(void)
{
	uint8_t f[HOST_BUF_LEN];

	begin();
	for (uint32_t i = 0; i < 3000; i++) {
		rx(f, echo_frame(f, false, 56));
		h.tx_n = 0;
	}
	CU_ASSERT(host_ctr(&h, TG_CTR_icmp_limited) > 1000);
	CU_ASSERT(host_ctr(&h, TG_CTR_icmp_echo) >= 500);
	end();
}

/* An ICMP error of that type that quotes the frame we sent. */
static void icmp_error(uint8_t type, uint8_t code, const struct host_frame *quoted)
{
	uint8_t f[HOST_BUF_LEN];
	struct tg_eth eth = {
	    .dst = {{2, 0, 0, 0, 0, 1}}, .src = {{2, 0, 0, 0, 0, 2}}, .type = TG_ETHERTYPE_IP4};
	struct tg_ip ip = {.proto = TG_PROTO_ICMP, .ttl = 64, .src = p.t.raddr, .dst = p.t.laddr};
	uint32_t l2 = tg_eth_emit(f, &eth);
	uint32_t n = tg_icmp_error_emit(f + l2 + 20, 576, type, code, 0, &ip.src, &ip.dst,
					quoted->data + 14, quoted->len - 14);

	tg_ip4_emit(f + l2, &ip, n, false);
	rx(f, l2 + 20 + n);
}

static void test_synSent_portUnreachable_isRefused(void)
{
	struct host_frame syn;
	struct tg_seg seg;
	uint32_t conn;

	begin();
	p.t.lport = 4000;
	CU_ASSERT_EQUAL(tg_engine_connect(h.e, &p.t, &h.tcp, &host_service, &h.svc, 0, &conn), 0);
	host_tick(&h, 0);
	CU_ASSERT(host_expect(&p, &seg, &syn));
	icmp_error(3, 1, &syn); /* RB-18 */
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_icmp_soft), 1);
	CU_ASSERT_EQUAL(host_state(&p), TG_SYN_SENT);
	icmp_error(3, 3, &syn); /* RB-19 */
	CU_ASSERT_EQUAL(host_state(&p), TG_CLOSED);
	CU_ASSERT_EQUAL(h.svc.reason, TG_CLOSE_REFUSED);
	icmp_error(3, 3, &syn); /* RB-23: nobody is there */
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_icmp_bad_seq), 1);
	end();
}

static const struct tg_test tests[] = {
    {"link_sharedDevice_isToldApartByVlan", test_link_sharedDevice_isToldApartByVlan},
    {"link_otherMac_isDropped", test_link_otherMac_isDropped},
    {"link_ndGroups_onlyOursAreHeard", test_link_ndGroups_onlyOursAreHeard},
    {"link_broadcastMac_isDropped", test_link_broadcastMac_isDropped},
    {"link_runt_isDropped", test_link_runt_isDropped},
    {"link_unknownType_isDropped", test_link_unknownType_isDropped},
    {"vlan_ours_isAnsweredInIt", test_vlan_ours_isAnsweredInIt},
    {"vlan_others_isDropped", test_vlan_others_isDropped},
    {"vlan_untagged_isDropped", test_vlan_untagged_isDropped},
    {"vlan_tagOnUntaggedPort_isDropped", test_vlan_tagOnUntaggedPort_isDropped},
    {"arp_toOtherMac_isDropped", test_arp_toOtherMac_isDropped},
    {"vlan_priorityTag_isUntagged", test_vlan_priorityTag_isUntagged},
    {"arp_request_isAnswered", test_arp_request_isAnswered},
    {"arp_requestForOther_isDropped", test_arp_requestForOther_isDropped},
    {"neigh_unknown_synAckWaitsForArp", test_neigh_unknown_synAckWaitsForArp},
    {"neigh_unknownAfterIdle_requestsAreASecondApart",
     test_neigh_unknownAfterIdle_requestsAreASecondApart},
    {"ip_land_isDropped", test_ip_land_isDropped},
    {"ip_ourAddressAsSource_isDropped", test_ip_ourAddressAsSource_isDropped},
    {"ip_subnetBroadcastAsSource_isDropped", test_ip_subnetBroadcastAsSource_isDropped},
    {"ip_otherDestination_isDropped", test_ip_otherDestination_isDropped},
    {"ip_broadcastDestination_isDropped", test_ip_broadcastDestination_isDropped},
    {"tcp_checksumVerdicts_eachIsUsed", test_tcp_checksumVerdicts_eachIsUsed},
    {"ports_two_eachHasItsOwn", test_ports_two_eachHasItsOwn},
    {"tcp_offloads_leaveWhatTheCarrierDoes", test_tcp_offloads_leaveWhatTheCarrierDoes},
    {"tcp_header_asConfigured", test_tcp_header_asConfigured},
    {"icmp_echo_isAnsweredInPlace", test_icmp_echo_isAnsweredInPlace},
    {"icmp_routerAdvertisement_changesNoRoute", test_icmp_routerAdvertisement_changesNoRoute},
    {"icmp_echoWithIpOptions_isAnswered", test_icmp_echoWithIpOptions_isAnswered},
    {"icmp_echoFlood_isLimited", test_icmp_echoFlood_isLimited},
    {"synSent_portUnreachable_isRefused", test_synSent_portUnreachable_isRefused},
};

int main(int argc, char **argv)
{
	return tg_test_main("engine_link", tests, TG_TEST_N(tests), argc, argv);
}
