/* SPDX-License-Identifier: BSD-3-Clause */
/* kernel_bed.h: an engine whose port has a kernel behind it, the frames that reach it, and what is
 * to become of them (LN-21). */
#ifndef KERNEL_BED_H
#define KERNEL_BED_H

#include "engine_host.h"

enum { KERNEL = 7, UDP = 17, OSPF = 89, ESP = 50, SCTP = 132, IGMP = 2 };

static struct host h;
static struct host_peer p;
static const struct tg_mac our_mac = {{2, 0, 0, 0, 0, 1}}, peer_mac = {{2, 0, 0, 0, 0, 2}};

static inline void defaults(void)
{
	struct tg_port_conf *pc = &h.conf.port[0];

	host_defaults(&h);
	pc->kernel = KERNEL;
	pc->kernel_port[0] = (struct tg_port_range){22, 22};
	pc->kernel_port[1] = (struct tg_port_range){32768, 60999};
	pc->kernel_port_n = 2;
}

static inline void start(void)
{
	host_init(&h);
	CU_ASSERT_FATAL(host_listen(&h, 80) >= 0);
	host_peer(&p, &h, 80, 5000, false);
}

static inline void begin(void)
{
	defaults();
	start();
}

static inline void end(void)
{
	tg_engine_abort_all(h.e);
	host_tick(&h, 0);
	host_fini(&h);
}

static inline void rx(const uint8_t *frame, uint32_t len)
{
	host_rx(&h, &frame, &len, 1);
}

/* Nothing else comes out than the frame, whole, to the kernel. */
static inline void expect_passed(const uint8_t *frame, uint32_t len)
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

static inline void expect_dropped(const uint8_t *frame, uint32_t len, enum tg_ctr why)
{
	uint64_t before = host_ctr(&h, why);

	rx(frame, len);
	CU_ASSERT_EQUAL(host_ctr(&h, why), before + 1);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_kernel_out), 0);
	CU_ASSERT_EQUAL(h.tx_n, 0);
}

/* A packet of len bytes behind the IP header, from a neighbour. */
static inline uint32_t ip_frame(uint8_t *f, const char *mac, const char *src, const char *dst,
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

static inline uint32_t udp_frame(uint8_t *f, bool v6)
{
	return ip_frame(f, "\2\0\0\0\0\1", v6 ? "2001:db8::2" : "192.0.2.2",
			v6 ? "2001:db8::1" : "192.0.2.1", UDP, "\x13\x88\x13\x89\0\x0cxxtext", 12);
}

/* An ICMP message of either family with its checksum. */
static inline uint32_t icmp_frame(uint8_t *f, const char *mac, const char *src, const char *dst,
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

static inline uint32_t arp_frame(uint8_t *f, uint16_t op, const char *mac, const char *spa,
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

static inline uint32_t nd_frame(uint8_t *f, uint8_t type, const char *mac, const char *src,
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

/* An error that quotes a packet of ours, of that protocol, from that port. */
static inline uint32_t error_frame(uint8_t *f, bool v6, uint8_t proto, uint16_t lport)
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

#endif
