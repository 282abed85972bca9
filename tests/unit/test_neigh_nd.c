/* SPDX-License-Identifier: BSD-3-Clause */
/* Neighbour discovery (LN-07..09) and routes (LN-12), against a carrier in memory. */
#include "neigh_world.h"

/* --- neighbour discovery --- */

struct nd {
	struct tg_pkt pkt;
	struct tg_eth eth;
	struct tg_ip ip;
	struct tg_icmp icmp;
};

static void nd_parse(struct nd *nd)
{
	const uint8_t *p = nd->pkt.data;

	CU_ASSERT_EQUAL_FATAL(tg_eth_parse(p, nd->pkt.len, &nd->eth), TG_CTR_NONE);
	CU_ASSERT_EQUAL_FATAL(
	    tg_ip6_parse(p + nd->eth.hdr_len, nd->pkt.len - nd->eth.hdr_len, &nd->ip), TG_CTR_NONE);
	CU_ASSERT_EQUAL_FATAL(tg_icmp_parse(p + nd->eth.hdr_len + nd->ip.hdr_len,
					    nd->ip.payload_len, &nd->ip, &nd->icmp),
			      TG_CTR_NONE);
}

/* An NS (na false) or NA from mac; hands it in. */
static enum tg_ctr nd_in(bool na, const struct tg_mac *mac, const char *src, const char *dst,
			 const char *target)
{
	struct nd nd = {0};
	struct tg_addr t = addr(target);
	struct tg_eth eth = {.dst = own_mac, .src = *mac, .type = TG_ETHERTYPE_IP6};
	struct tg_ip ip = {.proto = TG_PROTO_ICMP6, .ttl = 255, .v6 = 1};
	bool used;

	ip.src = addr(src);
	ip.dst = addr(dst);
	CU_ASSERT_EQUAL_FATAL(alloc_bulk(NULL, &nd.pkt, 1), 1);
	uint8_t *at = nd.pkt.data + TG_ETH_LEN + TG_IP6_LEN;
	uint32_t len = na ? tg_nd_na_emit(at, &ip.src, &ip.dst, &t, mac, ip.dst.b[0] != 0xff, true)
			  : tg_nd_ns_emit(at, &ip.src, &ip.dst, &t, mac);

	nd.pkt.len = tg_eth_emit(nd.pkt.data, &eth);
	nd.pkt.len += tg_ip6_emit(nd.pkt.data + nd.pkt.len, &ip, len, 0) + len;
	nd_parse(&nd);
	enum tg_ctr verdict =
	    tg_neigh_nd(w.n, &nd.pkt, &nd.eth, &nd.ip, &nd.icmp, w.now, &w.out, &used);

	if (!used)
		free_bulk(NULL, &nd.pkt, 1);
	CU_ASSERT(tg_neigh_validate(w.n));
	return verdict;
}

static struct nd sent_nd(uint32_t i)
{
	struct nd nd = {0};

	CU_ASSERT_FATAL(i < w.out.n);
	nd.pkt = w.sent[i];
	nd_parse(&nd);
	return nd;
}

static void test_none_solicitationForUs_isAnswered(void) /* LN-08 */
{
	struct tg_mac mac;

	world_init();
	world_start();
	CU_ASSERT_EQUAL(nd_in(false, &peer_mac, "2001:db8::9", "ff02::1:ff00:1", "2001:db8::1"),
			TG_CTR_NONE);
	struct nd nd = sent_nd(0);
	struct tg_addr us = addr("2001:db8::1"), peer = addr("2001:db8::9");

	CU_ASSERT_EQUAL(nd.icmp.kind, TG_ICMP_ND_NA);
	CU_ASSERT(nd.icmp.na_solicited && nd.icmp.na_override && nd.icmp.has_lladdr);
	CU_ASSERT_EQUAL(nd.ip.ttl, 255);
	CU_ASSERT_EQUAL(memcmp(&nd.icmp.lladdr, &own_mac, 6), 0);
	CU_ASSERT_EQUAL(memcmp(&nd.eth.dst, &peer_mac, 6), 0);
	CU_ASSERT(tg_addr_equal(&nd.ip.src, &us) && tg_addr_equal(&nd.ip.dst, &peer));
	CU_ASSERT_EQUAL(find("2001:db8::9", &mac), TG_NEIGH_OK);
	CU_ASSERT_EQUAL(nd_in(false, &peer_mac, "2001:db8::9", "ff02::1:ff00:2", "2001:db8::2"),
			TG_CTR_nd_other);
	world_fini();
}

static void test_none_dadOfAnotherForOurs_isAnsweredToAll(void)
{
	uint32_t before;

	world_init();
	world_start();
	before = tg_neigh_count(w.n);
	CU_ASSERT_EQUAL(nd_in(false, &peer_mac, "::", "ff02::1:ff00:1", "2001:db8::1"),
			TG_CTR_NONE);
	struct nd nd = sent_nd(0);
	struct tg_addr all = addr("ff02::1");

	CU_ASSERT(!nd.icmp.na_solicited && tg_addr_equal(&nd.ip.dst, &all));
	CU_ASSERT_EQUAL(nd.eth.dst.b[0], 0x33);
	CU_ASSERT_EQUAL(tg_neigh_count(w.n), before);
	world_fini();
}

static void test_incomplete_v6_asksByMulticastAndLearns(void)
{
	struct tg_mac mac;

	world_init();
	world_start();
	CU_ASSERT_EQUAL(find("2001:db8::7", &mac), TG_NEIGH_WAIT);
	hold("2001:db8::7", 5);
	tick_to(w.now);
	struct nd nd = sent_nd(0);

	CU_ASSERT_EQUAL(nd.icmp.kind, TG_ICMP_ND_NS);
	CU_ASSERT(nd.eth.dst.b[0] == 0x33 && nd.eth.dst.b[2] == 0xff && nd.icmp.has_lladdr);
	drain();
	/* LN-08: what is said to all is no answer to us. */
	CU_ASSERT_EQUAL(nd_in(true, &evil_mac, "2001:db8::7", "ff02::1", "2001:db8::7"),
			TG_CTR_nd_other);
	CU_ASSERT_EQUAL(find("2001:db8::7", &mac), TG_NEIGH_WAIT);
	CU_ASSERT_EQUAL(nd_in(true, &peer_mac, "2001:db8::7", "2001:db8::1", "2001:db8::7"),
			TG_CTR_NONE);
	CU_ASSERT_EQUAL(w.out.n, 1);
	CU_ASSERT_EQUAL(find("2001:db8::7", &mac), TG_NEIGH_OK);
	/* nobody asked again */
	CU_ASSERT_EQUAL(nd_in(true, &evil_mac, "2001:db8::7", "2001:db8::1", "2001:db8::7"),
			TG_CTR_nd_other);
	world_fini();
}

static void test_tentative_claimByAnother_givesAddressUp(void) /* RFC 4862 5.4 */
{
	struct tg_addr us = addr("2001:db8::1");
	uint32_t port;

	world_init();
	w.conf.port[0].silent = false;
	world_start();
	tick_to(w.now);
	CU_ASSERT(tg_route_is_ours(w.n, &us, &port));
	CU_ASSERT_EQUAL(nd_in(true, &evil_mac, "2001:db8::1", "ff02::1", "2001:db8::1"),
			TG_CTR_nd_conflict);
	CU_ASSERT(!tg_route_is_ours(w.n, &us, &port));
	world_fini();
	/* once it has been ours for a while nobody takes it away */
	world_init();
	w.conf.port[0].silent = false;
	world_start();
	for (int i = 0; i < 4; i++)
		tick_to(w.now + 1000);
	CU_ASSERT_EQUAL(nd_in(true, &evil_mac, "2001:db8::1", "ff02::1", "2001:db8::1"),
			TG_CTR_nd_conflict);
	CU_ASSERT(tg_route_is_ours(w.n, &us, &port));
	world_fini();
}

/* --- routes --- */

static void test_route_find_linkThenGateway(void)
{
	struct tg_addr us = addr("10.1.0.1"), near = addr("10.1.9.9"), far = addr("8.8.8.8"), hop;
	struct tg_addr us6 = addr("2001:db8::1"), far6 = addr("2001:db9::1"), hop6;
	uint32_t port = 9;

	world_init();
	world_start();
	CU_ASSERT(tg_route_find(w.n, &us, &near, &port, &hop) && tg_addr_equal(&hop, &near));
	CU_ASSERT_EQUAL(port, 0);
	CU_ASSERT(tg_route_find(w.n, &us, &far, &port, &hop));
	CU_ASSERT(tg_addr_equal(&hop, &w.conf.port[0].gateway4));
	CU_ASSERT(tg_route_find(w.n, &us6, &far6, &port, &hop6));
	CU_ASSERT(tg_addr_equal(&hop6, &w.conf.port[0].gateway6));
	CU_ASSERT(!tg_route_find(w.n, &near, &far, &port, &hop));
	w.conf.port[0].has_gateway4 = false;
	CU_ASSERT(!tg_route_find(w.n, &us, &far, &port, &hop));
	w.conf.port[0].has_gateway4 = true;
	world_fini();
}

static void test_route_group_isNoPeer(void) /* LN-12 */
{
	static const struct {
		const char *text;
		bool group;
	} t[] = {
	    {"255.255.255.255", true}, {"224.0.0.1", true},  {"239.255.255.255", true},
	    {"10.1.255.255", true},    {"10.1.0.0", true},   {"10.1.0.255", false},
	    {"10.2.255.255", false},   {"192.0.2.1", false}, {"ff02::1", true},
	    {"2001:db8::", false},     {"fe80::1", false},
	};

	world_init();
	world_start();
	for (size_t i = 0; i < TG_TEST_N(t); i++) {
		struct tg_addr a = addr(t[i].text);
		CU_ASSERT_EQUAL(tg_route_is_group(w.n, &a), t[i].group);
	}
	world_fini();
}

static void test_route_shortPrefix_hasNoBroadcast(void) /* RFC 3021 */
{
	struct tg_addr a = addr("203.0.113.0"), b = addr("203.0.113.1"), c = addr("198.51.100.7");

	world_init();
	add_addr(&w.conf.port[0], "203.0.113.0", 31);
	add_addr(&w.conf.port[0], "198.51.100.7", 32);
	world_start();
	CU_ASSERT(!tg_route_is_group(w.n, &a));
	CU_ASSERT(!tg_route_is_group(w.n, &b));
	CU_ASSERT(!tg_route_is_group(w.n, &c));
	world_fini();
}

static void test_route_source_bestPort(void)
{
	struct tg_addr got, want, to;

	world_init();
	struct tg_port_conf *p = &w.conf.port[1];

	add_addr(p, "192.0.2.1", 24);
	p->mac = own_mac;
	p->silent = true;
	w.conf.port_n = 2;
	world_start();
	to = addr("192.0.2.77");
	want = addr("192.0.2.1");
	CU_ASSERT(tg_route_source(w.n, &to, &got) && tg_addr_equal(&got, &want));
	to = addr("8.8.8.8"); /* by the port that has the gateway */
	want = addr("10.1.0.1");
	CU_ASSERT(tg_route_source(w.n, &to, &got) && tg_addr_equal(&got, &want));
	to = addr("2001:db9::7");
	want = addr("2001:db8::1");
	CU_ASSERT(tg_route_source(w.n, &to, &got) && tg_addr_equal(&got, &want));
	w.conf.port[0].has_gateway4 = false;
	to = addr("8.8.8.8");
	CU_ASSERT(!tg_route_source(w.n, &to, &got));
	w.conf.port[0].has_gateway4 = true;
	world_fini();
}

static void test_route_ours_manyAddresses(void)
{
	uint32_t port;
	char text[32];

	world_init();
	w.conf.port_n = TG_PORT_MAX;
	for (uint32_t p = 0; p < TG_PORT_MAX; p++) {
		w.conf.port[p] = (struct tg_port_conf){.silent = true, .mac = own_mac};
		for (uint32_t i = 0; i < TG_PORT_ADDR_MAX; i++) {
			snprintf(text, sizeof(text), "10.%u.%u.1", p, i);
			add_addr(&w.conf.port[p], text, 24);
		}
	}
	world_start();
	for (uint32_t p = 0; p < TG_PORT_MAX; p++) {
		for (uint32_t i = 0; i < TG_PORT_ADDR_MAX; i++) {
			snprintf(text, sizeof(text), "10.%u.%u.1", p, i);
			struct tg_addr a = addr(text);
			CU_ASSERT(tg_route_is_ours(w.n, &a, &port) && port == p);
			a.b[15] = 2;
			CU_ASSERT(!tg_route_is_ours(w.n, &a, &port));
		}
	}
	world_fini();
}

static const struct tg_test tests[] = {
    {"none_solicitationForUs_isAnswered", test_none_solicitationForUs_isAnswered},
    {"none_dadOfAnotherForOurs_isAnsweredToAll", test_none_dadOfAnotherForOurs_isAnsweredToAll},
    {"incomplete_v6_asksByMulticastAndLearns", test_incomplete_v6_asksByMulticastAndLearns},
    {"tentative_claimByAnother_givesAddressUp", test_tentative_claimByAnother_givesAddressUp},
    {"route_find_linkThenGateway", test_route_find_linkThenGateway},
    {"route_group_isNoPeer", test_route_group_isNoPeer},
    {"route_shortPrefix_hasNoBroadcast", test_route_shortPrefix_hasNoBroadcast},
    {"route_source_bestPort", test_route_source_bestPort},
    {"route_ours_manyAddresses", test_route_ours_manyAddresses},
};

int main(int argc, char **argv)
{
	return tg_test_main("neigh_nd", tests, TG_TEST_N(tests), argc, argv);
}
