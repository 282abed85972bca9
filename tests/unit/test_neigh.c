/* SPDX-License-Identifier: BSD-3-Clause */
/* Neighbours: ARP, states and ageing (LN-03..05), against a carrier in memory. */
#include "neigh_world.h"

static struct tg_arp sent_arp(uint32_t i, struct tg_eth *eth)
{
	struct tg_arp arp = {0};

	CU_ASSERT_FATAL(i < w.out.n);
	CU_ASSERT_EQUAL(tg_eth_parse(w.sent[i].data, w.sent[i].len, eth), TG_CTR_NONE);
	CU_ASSERT_EQUAL(eth->type, TG_ETHERTYPE_ARP);
	CU_ASSERT_EQUAL(
	    tg_arp_parse(w.sent[i].data + eth->hdr_len, w.sent[i].len - eth->hdr_len, &arp),
	    TG_CTR_NONE);
	return arp;
}

/* Hands an ARP packet in; frees it unless it was used for the answer. */
static enum tg_ctr arp_in_vlan(uint16_t op, const struct tg_mac *sha, const char *spa,
			       const char *tpa, uint16_t vlan)
{
	struct tg_eth eth = {.dst = own_mac, .src = *sha, .type = TG_ETHERTYPE_ARP};
	struct tg_arp arp = {.op = op, .sha = *sha, .tha = own_mac};
	struct tg_pkt pkt;
	bool used;

	arp.spa = addr(spa);
	arp.tpa = addr(tpa);
	eth.tagged = vlan != 0;
	eth.vid = vlan;
	CU_ASSERT_EQUAL_FATAL(alloc_bulk(NULL, &pkt, 1), 1);
	pkt.len = tg_eth_emit(pkt.data, &eth);
	pkt.len += tg_arp_emit(pkt.data + pkt.len, &arp);
	tg_eth_parse(pkt.data, pkt.len, &eth);
	enum tg_ctr verdict = tg_neigh_arp(w.n, &pkt, &eth, w.now, &w.out, &used);

	if (!used)
		free_bulk(NULL, &pkt, 1);
	CU_ASSERT(tg_neigh_validate(w.n));
	return verdict;
}

static enum tg_ctr arp_in(uint16_t op, const struct tg_mac *sha, const char *spa, const char *tpa)
{
	return arp_in_vlan(op, sha, spa, tpa, 0);
}

/* Finds, asks, and answers for `text`. */
static void make_reachable(const char *text, const struct tg_mac *mac)
{
	struct tg_mac got;

	CU_ASSERT_EQUAL(find(text, &got), TG_NEIGH_WAIT);
	tick_to(w.now);
	CU_ASSERT_EQUAL(arp_in(2, mac, text, "10.1.0.1"), TG_CTR_NONE);
	CU_ASSERT_EQUAL(find(text, &got), TG_NEIGH_OK);
	CU_ASSERT_EQUAL(memcmp(&got, mac, 6), 0);
	drain();
}

/* --- ARP --- */

static void test_none_requestForUs_isAnswered(void) /* LN-03 */
{
	struct tg_eth eth;

	world_init();
	world_start();
	CU_ASSERT_EQUAL(arp_in(1, &peer_mac, "10.1.0.9", "10.1.0.1"), TG_CTR_NONE);
	CU_ASSERT_EQUAL_FATAL(w.out.n, 1);
	struct tg_arp arp = sent_arp(0, &eth);

	CU_ASSERT_EQUAL(arp.op, 2);
	CU_ASSERT_EQUAL(memcmp(&eth.dst, &peer_mac, 6), 0);
	CU_ASSERT_EQUAL(memcmp(&eth.src, &own_mac, 6), 0);
	CU_ASSERT_EQUAL(memcmp(&arp.sha, &own_mac, 6), 0);
	CU_ASSERT_EQUAL(memcmp(&arp.tha, &peer_mac, 6), 0);
	struct tg_addr us = addr("10.1.0.1"), peer = addr("10.1.0.9");

	CU_ASSERT(tg_addr_equal(&arp.spa, &us) && tg_addr_equal(&arp.tpa, &peer));
	/* and the asker is known: no question of ours */
	struct tg_mac mac;

	CU_ASSERT_EQUAL(find("10.1.0.9", &mac), TG_NEIGH_OK);
	CU_ASSERT_EQUAL(memcmp(&mac, &peer_mac, 6), 0);
	world_fini();
}

static void test_none_requestForOthers_isIgnored(void)
{
	uint32_t before;

	world_init();
	world_start();
	before = tg_neigh_count(w.n);
	CU_ASSERT_EQUAL(arp_in(1, &peer_mac, "10.1.0.9", "10.1.0.2"), TG_CTR_arp_other);
	/* gratuitous, of somebody else */
	CU_ASSERT_EQUAL(arp_in(1, &peer_mac, "10.1.0.9", "10.1.0.9"), TG_CTR_arp_other);
	/* from a network that is not here */
	CU_ASSERT_EQUAL(arp_in(1, &peer_mac, "172.16.0.9", "10.1.0.1"), TG_CTR_arp_other);
	CU_ASSERT_EQUAL(w.out.n, 0);
	CU_ASSERT_EQUAL(tg_neigh_count(w.n), before);
	world_fini();
}

static void test_none_probe_isAnsweredAndNotLearnt(void) /* RFC 5227 2.1.1 */
{
	uint32_t before;

	world_init();
	world_start();
	before = tg_neigh_count(w.n);
	CU_ASSERT_EQUAL(arp_in(1, &peer_mac, "0.0.0.0", "10.1.0.1"), TG_CTR_NONE);
	CU_ASSERT_EQUAL(w.out.n, 1);
	CU_ASSERT_EQUAL(tg_neigh_count(w.n), before);
	world_fini();
}

static void test_none_ourAddressFromAnother_isConflictAndDefended(void)
{
	struct tg_eth eth;

	world_init();
	w.conf.port[0].silent = false;
	world_start();
	tick_to(w.now + 5000); /* its first words */
	tick_to(w.now + 5000);
	tick_to(w.now + 5000);
	drain();
	CU_ASSERT_EQUAL(arp_in(1, &evil_mac, "10.1.0.1", "10.1.0.9"), TG_CTR_arp_conflict);
	CU_ASSERT_EQUAL_FATAL(w.out.n, 1);
	struct tg_arp arp = sent_arp(0, &eth);

	CU_ASSERT(arp.op == 1 && tg_addr_equal(&arp.spa, &arp.tpa));
	/* RFC 5227 2.4: once in ten seconds */
	w.now += 9999;
	CU_ASSERT_EQUAL(arp_in(2, &evil_mac, "10.1.0.1", "10.1.0.1"), TG_CTR_arp_conflict);
	CU_ASSERT_EQUAL(w.out.n, 1);
	w.now += 1;
	CU_ASSERT_EQUAL(arp_in(2, &evil_mac, "10.1.0.1", "10.1.0.1"), TG_CTR_arp_conflict);
	CU_ASSERT_EQUAL(w.out.n, 2);
	/* our own words come back on some devices: no conflict */
	CU_ASSERT_EQUAL(arp_in(1, &own_mac, "10.1.0.1", "10.1.0.1"), TG_CTR_arp_other);
	world_fini();
}

static void test_none_unaskedReply_isIgnored(void) /* ADV-81 */
{
	struct tg_mac mac;

	world_init();
	world_start();
	CU_ASSERT_EQUAL(arp_in(2, &evil_mac, "10.1.0.254", "10.1.0.1"), TG_CTR_arp_other);
	make_reachable("10.1.0.254", &peer_mac);
	CU_ASSERT_EQUAL(arp_in(2, &evil_mac, "10.1.0.254", "10.1.0.1"), TG_CTR_arp_other);
	CU_ASSERT_EQUAL(find("10.1.0.254", &mac), TG_NEIGH_OK);
	CU_ASSERT_EQUAL(memcmp(&mac, &peer_mac, 6), 0);
	world_fini();
}

static void test_reachable_requestWithOtherMac_isCheckedFirst(void)
{
	struct tg_mac mac;
	struct tg_eth eth;

	world_init();
	world_start();
	make_reachable("10.1.0.254", &peer_mac);
	CU_ASSERT_EQUAL(arp_in(1, &evil_mac, "10.1.0.254", "10.1.0.1"), TG_CTR_NONE);
	drain();
	CU_ASSERT_EQUAL(find("10.1.0.254", &mac), TG_NEIGH_OK);
	CU_ASSERT_EQUAL(memcmp(&mac, &peer_mac, 6), 0);
	tick_to(w.now + 1);
	sent_arp(0, &eth); /* all are asked */
	CU_ASSERT_EQUAL(eth.dst.b[0], 0xff);
	CU_ASSERT_EQUAL(arp_in(2, &peer_mac, "10.1.0.254", "10.1.0.1"), TG_CTR_NONE);
	CU_ASSERT_EQUAL(find("10.1.0.254", &mac), TG_NEIGH_OK);
	CU_ASSERT_EQUAL(memcmp(&mac, &peer_mac, 6), 0);
	world_fini();
}

static void test_none_vlan_isKept(void) /* LN-02 */
{
	struct tg_eth eth;
	struct tg_mac mac;

	world_init();
	w.conf.port[0].vlan = 77;
	world_start();
	CU_ASSERT_EQUAL(arp_in_vlan(1, &peer_mac, "10.1.0.9", "10.1.0.1", 77), TG_CTR_NONE);
	sent_arp(0, &eth);
	CU_ASSERT(eth.tagged && eth.vid == 77);
	find("10.1.0.8", &mac);
	tick_to(w.now);
	sent_arp(1, &eth);
	CU_ASSERT(eth.tagged && eth.vid == 77);
	world_fini();
}

static void test_none_notPrimary_learnsAndIsSilent(void)
{
	struct tg_mac mac;

	world_init();
	w.conf.primary = false;
	w.conf.port[0].silent = false;
	world_start();
	tick_to(w.now + 1);
	CU_ASSERT_EQUAL(arp_in(1, &peer_mac, "10.1.0.9", "10.1.0.1"), TG_CTR_NONE);
	CU_ASSERT_EQUAL(w.out.n, 0);
	CU_ASSERT_EQUAL(find("10.1.0.9", &mac), TG_NEIGH_OK);
	world_fini();
}

/* --- states and time --- */

static void test_incomplete_noAnswer_asksOnceASecondThenFails(void) /* LN-04 */
{
	struct tg_mac mac;
	struct tg_eth eth;

	world_init();
	world_start();
	CU_ASSERT_EQUAL(tg_neigh_next(w.n), UINT64_MAX);
	CU_ASSERT_EQUAL(find("10.1.0.7", &mac), TG_NEIGH_WAIT);
	hold("10.1.0.7", 1);
	CU_ASSERT(tg_neigh_next(w.n) <= w.now);
	for (uint64_t t = 1000; t < 1000 + 3000; t += 10) {
		tick_to(t);
		CU_ASSERT_EQUAL(find("10.1.0.7", &mac), TG_NEIGH_WAIT);
		CU_ASSERT_EQUAL(w.out.n, 1 + (t - 1000) / 1000);
	}
	struct tg_arp arp = sent_arp(2, &eth);
	struct tg_addr asked = addr("10.1.0.7");

	CU_ASSERT(arp.op == 1 && eth.dst.b[0] == 0xff && tg_addr_equal(&arp.tpa, &asked));
	CU_ASSERT_EQUAL(w.ctr.v[TG_CTR_arp_request_sent], 3);
	tick_to(4000);
	CU_ASSERT_EQUAL(w.out.n, 3);
	CU_ASSERT_EQUAL(w.ctr.v[TG_CTR_neigh_unreachable], 1);
	CU_ASSERT_EQUAL(find("10.1.0.7", &mac), TG_NEIGH_DEAD);
	CU_ASSERT_EQUAL(tg_neigh_next(w.n), UINT64_MAX);
	/* negative for 20 s, then asked anew */
	w.now = 23999;
	CU_ASSERT_EQUAL(find("10.1.0.7", &mac), TG_NEIGH_DEAD);
	w.now = 24000;
	CU_ASSERT_EQUAL(find("10.1.0.7", &mac), TG_NEIGH_WAIT);
	world_fini();
}

static void test_incomplete_answer_releasesNewestHeld(void)
{
	struct tg_mac mac;

	world_init();
	world_start();
	find("10.1.0.7", &mac);
	hold("10.1.0.7", 1);
	hold("10.1.0.7", 2);
	CU_ASSERT_EQUAL(w.ctr.v[TG_CTR_neigh_queue_drop], 1);
	CU_ASSERT_EQUAL(tg_neigh_held(w.n), 1);
	tick_to(w.now);
	drain();
	CU_ASSERT_EQUAL(arp_in(2, &peer_mac, "10.1.0.7", "10.1.0.1"), TG_CTR_NONE);
	CU_ASSERT_EQUAL_FATAL(w.out.n, 1);
	CU_ASSERT_EQUAL(w.sent[0].data[20], 2);
	CU_ASSERT_EQUAL(memcmp(w.sent[0].data, &peer_mac, 6), 0);
	CU_ASSERT_EQUAL(tg_neigh_held(w.n), 0);
	world_fini();
}

static void test_incomplete_answerWithoutRoom_releasesLater(void)
{
	struct tg_mac mac;

	world_init();
	world_start();
	find("10.1.0.7", &mac);
	hold("10.1.0.7", 3);
	tick_to(w.now);
	drain();
	w.out.max = 0;
	CU_ASSERT_EQUAL(arp_in(2, &peer_mac, "10.1.0.7", "10.1.0.1"), TG_CTR_NONE);
	CU_ASSERT_EQUAL(tg_neigh_held(w.n), 1);
	tick_to(w.now);
	CU_ASSERT_EQUAL(tg_neigh_next(w.n), 0);
	w.out.max = OUT_MAX;
	tick_to(w.now);
	CU_ASSERT_EQUAL_FATAL(w.out.n, 1);
	CU_ASSERT_EQUAL(w.sent[0].data[20], 3);
	CU_ASSERT_EQUAL(tg_neigh_next(w.n), UINT64_MAX);
	world_fini();
}

static void test_reachable_otherMacWhileHeld_keepsPacket(void)
{
	struct tg_mac mac;

	world_init();
	world_start();
	find("10.1.0.7", &mac);
	hold("10.1.0.7", 4);
	tick_to(w.now);
	drain();
	w.out.max = 0;
	arp_in(2, &peer_mac, "10.1.0.7", "10.1.0.1");
	arp_in(1, &evil_mac, "10.1.0.7", "10.1.0.1");
	CU_ASSERT(tg_neigh_validate(w.n));
	w.out.max = OUT_MAX;
	tick_to(w.now);
	CU_ASSERT_EQUAL_FATAL(w.out.n, 1);
	CU_ASSERT_EQUAL(memcmp(w.sent[0].data, &peer_mac, 6), 0);
	world_fini();
}

static void test_reachable_used_isProbedByUnicastAfter30s(void) /* LN-04 */
{
	struct tg_mac mac;
	struct tg_eth eth;

	world_init();
	world_start();
	make_reachable("10.1.0.7", &peer_mac);
	CU_ASSERT_EQUAL(tg_neigh_next(w.n), UINT64_MAX); /* merely reachable arms nothing */
	w.now = 1000 + 29999;
	CU_ASSERT_EQUAL(find("10.1.0.7", &mac), TG_NEIGH_OK);
	tick_to(w.now);
	CU_ASSERT_EQUAL(w.out.n, 0);
	w.now += 1;
	CU_ASSERT_EQUAL(find("10.1.0.7", &mac), TG_NEIGH_OK);
	for (uint64_t t = w.now, end = t + 3000; t < end; t += 100) {
		tick_to(t);
		CU_ASSERT_EQUAL(find("10.1.0.7", &mac), TG_NEIGH_OK);
	}
	CU_ASSERT_EQUAL_FATAL(w.out.n, 3);
	sent_arp(0, &eth);
	CU_ASSERT_EQUAL(memcmp(&eth.dst, &peer_mac, 6), 0);
	tick_to(w.now + 100); /* then by broadcast, and packets wait */
	CU_ASSERT_EQUAL_FATAL(w.out.n, 4);
	sent_arp(3, &eth);
	CU_ASSERT_EQUAL(eth.dst.b[0], 0xff);
	CU_ASSERT_EQUAL(find("10.1.0.7", &mac), TG_NEIGH_WAIT);
	world_fini();
}

static void test_reachable_confirmed_isNotProbed(void)
{
	struct tg_addr a = addr("10.1.0.7");
	struct tg_mac mac;

	world_init();
	world_start();
	make_reachable("10.1.0.7", &peer_mac);
	w.now += 29000;
	tg_neigh_confirm(w.n, 0, &a, w.now);
	w.now += 29000;
	CU_ASSERT_EQUAL(find("10.1.0.7", &mac), TG_NEIGH_OK);
	tick_to(w.now);
	CU_ASSERT_EQUAL(w.out.n, 0);
	tg_neigh_doubt(w.n, 0, &a, w.now); /* DT-08 */
	tick_to(w.now);
	CU_ASSERT_EQUAL(w.out.n, 1);
	CU_ASSERT_EQUAL(find("10.1.0.7", &mac), TG_NEIGH_OK);
	world_fini();
}

static void test_reachable_unusedFor20Min_isAskedAnew(void)
{
	struct tg_mac mac;

	world_init();
	world_start();
	make_reachable("10.1.0.7", &peer_mac);
	w.now += 20 * 60000;
	CU_ASSERT_EQUAL(find("10.1.0.7", &mac), TG_NEIGH_WAIT);
	world_fini();
}

static void test_table_scanOf64k_keepsGatewayAndRate(void) /* LN-04 */
{
	struct tg_mac mac;
	char text[32];
	uint32_t dead = 0;

	world_init();
	world_start();
	make_reachable("10.1.0.254", &peer_mac);
	for (uint32_t i = 0; i < 65536; i++) {
		snprintf(text, sizeof(text), "10.1.%u.%u", i >> 8, i & 255);
		if ((i & 255) != 254 && i > 1)
			dead += find(text, &mac) == TG_NEIGH_DEAD;
		if (i % 512 == 0) {
			tick_to(w.now + 1);
			drain();
		}
	}
	CU_ASSERT(dead > 60000); /* bounded: most find no room */
	CU_ASSERT(tg_neigh_count(w.n) <= 64 + 2);
	CU_ASSERT(w.ctr.v[TG_CTR_arp_request_sent] <= 1 + 64);
	CU_ASSERT_EQUAL(find("10.1.0.254", &mac), TG_NEIGH_OK);
	CU_ASSERT_EQUAL(memcmp(&mac, &peer_mac, 6), 0);
	/* entries that failed give way, and a host that asks is learnt */
	tick_to(w.now + 1001), drain(), tick_to(w.now + 1001), drain(), tick_to(w.now + 1001);
	drain();
	tick_to(w.now + 1001), drain(), tick_to(w.now + 1001), drain();
	CU_ASSERT_EQUAL(arp_in(1, &evil_mac, "10.1.200.200", "10.1.0.1"), TG_CTR_NONE);
	CU_ASSERT_EQUAL(find("10.1.200.200", &mac), TG_NEIGH_OK);
	world_fini();
}

/* LN-04: nor when nobody has used the gateway for a while, and everybody else speaks. */
static void test_table_crowdWhileGatewayIsStale_keepsIt(void)
{
	struct tg_mac mac;
	char text[32];

	world_init();
	world_start();
	make_reachable("10.1.0.254", &peer_mac);
	tick_to(w.now + 40000);
	drain();
	for (uint32_t i = 0; i < 2000; i++) {
		snprintf(text, sizeof(text), "10.1.%u.%u", 1 + i / 200, 1 + i % 200);
		CU_ASSERT_EQUAL(arp_in(1, &evil_mac, text, "10.1.0.1"), TG_CTR_NONE);
		drain();
	}
	CU_ASSERT_EQUAL(find("10.1.0.254", &mac), TG_NEIGH_OK);
	CU_ASSERT_EQUAL(memcmp(&mac, &peer_mac, 6), 0);
	world_fini();
}

static void test_table_fullOfHeard_countsFullNever(void)
{
	char text[32];

	world_init();
	world_start();
	for (uint32_t i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "10.1.%u.%u", 1 + i / 200, 1 + i % 200);
		CU_ASSERT_EQUAL(arp_in(1, &evil_mac, text, "10.1.0.1"), TG_CTR_NONE);
		drain();
	}
	CU_ASSERT_EQUAL(tg_neigh_count(w.n), 66);
	CU_ASSERT_EQUAL(w.ctr.v[TG_CTR_neigh_full], 0);
	world_fini();
}

static void test_link_down_dropsHeld(void)
{
	struct tg_mac mac;

	world_init();
	world_start();
	make_reachable("10.1.0.254", &peer_mac);
	find("10.1.0.7", &mac);
	hold("10.1.0.7", 1);
	tg_neigh_link(w.n, 0, false, w.now, &w.out);
	CU_ASSERT_EQUAL(tg_neigh_held(w.n), 0);
	CU_ASSERT_EQUAL(w.ctr.v[TG_CTR_neigh_unreachable], 1);
	CU_ASSERT_EQUAL(tg_neigh_count(w.n), 2);
	tg_neigh_link(w.n, 0, true, w.now, &w.out);
	CU_ASSERT_EQUAL(find("10.1.0.254", &mac), TG_NEIGH_WAIT);
	world_fini();
}

static void test_static_find_isAlwaysOk(void)
{
	struct tg_mac mac;

	world_init();
	w.conf.port[0].has_static_neigh = true;
	w.conf.port[0].static_neigh = peer_mac;
	world_start();
	CU_ASSERT_EQUAL(find("203.0.113.7", &mac), TG_NEIGH_OK);
	CU_ASSERT_EQUAL(memcmp(&mac, &peer_mac, 6), 0);
	CU_ASSERT_EQUAL(tg_neigh_next(w.n), UINT64_MAX);
	world_fini();
}

static void test_announce_start_threeRounds(void) /* LN-05, LN-08 */
{
	struct tg_eth eth;

	world_init();
	w.conf.port[0].silent = false;
	world_start();
	CU_ASSERT_EQUAL(tg_neigh_next(w.n), 1000);
	tick_to(1000);
	/* round 1: ARP announcement, DAD, MLD */
	CU_ASSERT_EQUAL_FATAL(w.out.n, 3);
	struct tg_arp arp = sent_arp(0, &eth);

	CU_ASSERT(tg_addr_equal(&arp.spa, &arp.tpa));
	CU_ASSERT_EQUAL(w.ctr.v[TG_CTR_ns_sent], 1);
	CU_ASSERT_EQUAL(w.ctr.v[TG_CTR_na_sent], 0);
	tick_to(1999);
	CU_ASSERT_EQUAL(w.out.n, 3);
	tick_to(2000);
	tick_to(3000);
	CU_ASSERT_EQUAL(w.out.n, 9);
	CU_ASSERT_EQUAL(w.ctr.v[TG_CTR_arp_request_sent], 3);
	CU_ASSERT_EQUAL(w.ctr.v[TG_CTR_na_sent], 2);
	tick_to(100000);
	CU_ASSERT_EQUAL(w.out.n, 9);
	world_fini();
}

static void test_announce_outputFull_goesOnLater(void)
{
	world_init();
	w.conf.port[0].silent = false;
	world_start();
	w.out.max = 1;
	tick_to(1000);
	CU_ASSERT_EQUAL(w.out.n, 1);
	CU_ASSERT(tg_neigh_next(w.n) <= 1000);
	drain();
	tick_to(1000);
	drain();
	tick_to(1000);
	CU_ASSERT_EQUAL(w.ctr.v[TG_CTR_tx_packets], 3);
	CU_ASSERT_EQUAL(tg_neigh_next(w.n), 2000);
	world_fini();
}

/* --- random --- */

static void test_table_randomEvents_staysValid(void)
{
	struct tg_rng rng;
	struct tg_mac mac;
	char text[32];

	world_init();
	w.conf.neigh_max = 16;
	world_start();
	tg_rng_init(&rng, tg_test_seed);
	for (uint32_t i = 0; i < 50000; i++) {
		uint32_t host = 2 + tg_rng_below(&rng, 60);
		struct tg_addr a;
		snprintf(text, sizeof(text), "10.1.0.%u", host);
		a = addr(text);
		w.out.max = tg_rng_below(&rng, 8) ? OUT_MAX : 0;
		switch (tg_rng_below(&rng, 7)) {
		case 0:
			if (find(text, &mac) == TG_NEIGH_WAIT)
				hold(text, 1);
			break;
		case 1:
			arp_in(1, &peer_mac, text, "10.1.0.1");
			break;
		case 2:
			arp_in(2, host % 2 ? &peer_mac : &evil_mac, text, "10.1.0.1");
			break;
		case 3:
			tg_neigh_confirm(w.n, 0, &a, w.now);
			break;
		case 4:
			tg_neigh_doubt(w.n, 0, &a, w.now);
			break;
		case 5:
			if (tg_rng_below(&rng, 100) == 0) {
				tg_neigh_link(w.n, 0, false, w.now, &w.out);
				tg_neigh_link(w.n, 0, true, w.now, &w.out);
			}
			break;
		default:
			tick_to(w.now + tg_rng_below(&rng, 3000));
		}
		CU_ASSERT(tg_neigh_validate(w.n));
		drain();
	}
	world_fini();
}

static const struct tg_test tests[] = {
    {"none_requestForUs_isAnswered", test_none_requestForUs_isAnswered},
    {"none_requestForOthers_isIgnored", test_none_requestForOthers_isIgnored},
    {"none_probe_isAnsweredAndNotLearnt", test_none_probe_isAnsweredAndNotLearnt},
    {"none_ourAddressFromAnother_isConflictAndDefended",
     test_none_ourAddressFromAnother_isConflictAndDefended},
    {"none_unaskedReply_isIgnored", test_none_unaskedReply_isIgnored},
    {"reachable_requestWithOtherMac_isCheckedFirst",
     test_reachable_requestWithOtherMac_isCheckedFirst},
    {"none_vlan_isKept", test_none_vlan_isKept},
    {"none_notPrimary_learnsAndIsSilent", test_none_notPrimary_learnsAndIsSilent},
    {"incomplete_noAnswer_asksOnceASecondThenFails",
     test_incomplete_noAnswer_asksOnceASecondThenFails},
    {"incomplete_answer_releasesNewestHeld", test_incomplete_answer_releasesNewestHeld},
    {"incomplete_answerWithoutRoom_releasesLater", test_incomplete_answerWithoutRoom_releasesLater},
    {"reachable_otherMacWhileHeld_keepsPacket", test_reachable_otherMacWhileHeld_keepsPacket},
    {"reachable_used_isProbedByUnicastAfter30s", test_reachable_used_isProbedByUnicastAfter30s},
    {"reachable_confirmed_isNotProbed", test_reachable_confirmed_isNotProbed},
    {"reachable_unusedFor20Min_isAskedAnew", test_reachable_unusedFor20Min_isAskedAnew},
    {"table_scanOf64k_keepsGatewayAndRate", test_table_scanOf64k_keepsGatewayAndRate},
    {"table_crowdWhileGatewayIsStale_keepsIt", test_table_crowdWhileGatewayIsStale_keepsIt},
    {"table_fullOfHeard_countsFullNever", test_table_fullOfHeard_countsFullNever},
    {"link_down_dropsHeld", test_link_down_dropsHeld},
    {"static_find_isAlwaysOk", test_static_find_isAlwaysOk},
    {"announce_start_threeRounds", test_announce_start_threeRounds},
    {"announce_outputFull_goesOnLater", test_announce_outputFull_goesOnLater},
    {"table_randomEvents_staysValid", test_table_randomEvents_staysValid},
};

int main(int argc, char **argv)
{
	return tg_test_main("neigh", tests, TG_TEST_N(tests), argc, argv);
}
