/* SPDX-License-Identifier: BSD-3-Clause */
#include "life_mirror.h"

#include <rte_ether.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_prefetch.h>
#include <rte_tcp.h>

enum { BURST = 32 };

static void swap_macs(struct rte_ether_hdr *eth)
{
	struct rte_ether_addr src = eth->src_addr;

	eth->src_addr = eth->dst_addr;
	eth->dst_addr = src;
}

static void swap_ports(struct rte_tcp_hdr *tcp)
{
	rte_be16_t src = tcp->src_port;

	tcp->src_port = tcp->dst_port;
	tcp->dst_port = src;
}

static void swap(struct rte_mbuf *m)
{
	struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, struct rte_ether_hdr *);

	swap_macs(eth);
	if (eth->ether_type != RTE_BE16(RTE_ETHER_TYPE_IPV4))
		return;
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(eth + 1);
	rte_be32_t src = ip->src_addr;

	ip->src_addr = ip->dst_addr;
	ip->dst_addr = src;
	m->l2_len = sizeof(*eth);
	m->l3_len = rte_ipv4_hdr_len(ip);
	m->ol_flags = 0;
	if (ip->next_proto_id == IPPROTO_TCP)
		swap_ports((struct rte_tcp_hdr *)((uint8_t *)ip + m->l3_len));
}

uint32_t life_mirror_round(uint16_t dev)
{
	struct rte_mbuf *m[BURST];
	uint16_t n = rte_eth_rx_burst(dev, 0, m, BURST), sent;

	for (uint16_t i = 0; i < n; i++) {
		if (i + 1 < n)
			rte_prefetch0(rte_pktmbuf_mtod(m[i + 1], void *));
		swap(m[i]);
	}
	sent = rte_eth_tx_burst(dev, 0, m, n);
	if (unlikely(sent < n))
		rte_pktmbuf_free_bulk(&m[sent], n - sent);
	return n;
}
