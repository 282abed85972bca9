/* SPDX-License-Identifier: BSD-3-Clause */
#include "io.h"

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

/* --- receive --- */

enum { AHEAD = 4 }; /* frames whose first line is asked for before they are looked at */

enum { CSUM_PLACE = offsetof(struct tg_pkt, l3_csum) };
_Static_assert(sizeof(struct tg_pkt) - CSUM_PLACE == sizeof(uint64_t), "one word, mostly 0");

static const uint64_t csum_flags = RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_IP_CKSUM_BAD |
				   RTE_MBUF_F_RX_L4_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_BAD;

/* What the device said of the checksums. */
static void view_csums(uint64_t f, struct tg_pkt *pkt)
{
	static const uint8_t l3[4] = {TG_CSUM_UNKNOWN, TG_CSUM_BAD, TG_CSUM_GOOD, TG_CSUM_GOOD};
	uint32_t ip =
	    (f & RTE_MBUF_F_RX_IP_CKSUM_GOOD ? 2u : 0) | (f & RTE_MBUF_F_RX_IP_CKSUM_BAD ? 1u : 0);
	uint32_t l4 =
	    (f & RTE_MBUF_F_RX_L4_CKSUM_GOOD ? 2u : 0) | (f & RTE_MBUF_F_RX_L4_CKSUM_BAD ? 1u : 0);
	/* Both bits are DPDK's NONE: the data is good, the field is not filled in (LN-16). */
	pkt->l3_csum = l3[ip];
	pkt->l4_csum = l3[l4];
	pkt->csum_absent = l4 == 3;
}

/* port: index of the device that m came by. */
static inline void view(struct rte_mbuf *m, uint16_t port, struct tg_pkt *pkt)
{
	pkt->data = rte_pktmbuf_mtod(m, uint8_t *);
	pkt->handle = m;
	pkt->len = m->data_len;
	pkt->cap = (uint32_t)m->buf_len - m->data_off;
	pkt->rss_hash = 0;
	pkt->port = port;
	pkt->tso_mss = 0;
	memset(&pkt->l3_csum, 0, sizeof(*pkt) - CSUM_PLACE);
	if (m->ol_flags & csum_flags)
		view_csums(m->ol_flags, pkt);
}

/* One linear run of bytes with its VLAN tag in the frame; false: dropped and counted. */
static bool straighten(struct tg_io *io, struct rte_mbuf **mp)
{
	if (unlikely((*mp)->nb_segs > 1) && rte_pktmbuf_linearize(*mp) != 0)
		goto drop;
	if (unlikely((*mp)->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED)) {
		if (rte_vlan_insert(mp) != 0)
			goto drop;
		(*mp)->ol_flags &= ~(RTE_MBUF_F_RX_VLAN_STRIPPED | RTE_MBUF_F_RX_VLAN);
	}
	return true;
drop:
	io->stats.rx_chain_drop++;
	rte_pktmbuf_free(*mp);
	return false;
}

static inline bool is_straight(const struct rte_mbuf *m)
{
	return m->nb_segs == 1 && !(m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED);
}

static void hand_over(struct tg_io *io, struct rte_mbuf *m, uint16_t worker)
{
	if (rte_ring_mp_enqueue(io->fabric->io[worker]->inbox, m) == 0) {
		io->stats.steered++;
		return;
	}
	io->stats.steer_drop++;
	rte_pktmbuf_free(m);
}

static void hand_to_all(struct tg_io *io, struct rte_mbuf *m)
{
	for (uint16_t w = 0; w < io->fabric->worker_n; w++) {
		if (w == io->worker)
			continue;
		struct rte_mbuf *copy = rte_pktmbuf_copy(m, io->pool, 0, UINT32_MAX);
		if (copy) {
			copy->port = m->port;
			hand_over(io, copy, w);
		} else {
			io->stats.no_buffer++;
		}
	}
}

/* True when m is this worker's too. */
static bool steer(struct tg_io *io, struct rte_mbuf *m)
{
	uint16_t owner =
	    tg_steer_frame(&io->fabric->steer, rte_pktmbuf_mtod(m, const uint8_t *), m->data_len);
	if (owner == io->worker)
		return true;
	if (owner == TG_STEER_ALL) {
		hand_to_all(io, m);
		return true;
	}
	hand_over(io, m, owner);
	return false;
}

/* Every frame goes to the worker whose it is. */
static uint32_t keep_mine(struct tg_io *io, uint32_t d, struct rte_mbuf *m[], uint32_t n)
{
	uint32_t mine = 0;
	for (uint32_t i = 0; i < n; i++) {
		m[i]->port = io->fabric->dev[d].id; /* net_ring leaves what the sender had there */
		if (is_straight(m[i]) || straighten(io, &m[i]))
			if (steer(io, m[i]))
				m[mine++] = m[i];
	}
	return mine;
}

uint32_t tg_io_rx(struct tg_io *io, uint32_t d, struct tg_pkt pkt[], uint32_t max)
{
	struct rte_mbuf *m[TG_IO_BURST];
	struct tg_fabric *f = io->fabric;
	uint32_t out = 0;
	if (io->worker >= f->dev[d].rx_queue_n)
		return 0;
	uint32_t n = rte_eth_rx_burst(f->dev[d].id, io->worker, m,
				      (uint16_t)(max < TG_IO_BURST ? max : TG_IO_BURST));
	tg_io_burst_ended(io);
	io->stats.rx_packets += n;
	if (unlikely(f->worker_n > 1 && !f->dev[d].conf.is_kernel))
		n = keep_mine(io, d, m, n);
	for (uint32_t i = 0; i < n; i++) {
		if (i + AHEAD < n)
			rte_prefetch0(rte_pktmbuf_mtod(m[i + AHEAD], void *));
		if (likely(is_straight(m[i])) || straighten(io, &m[i]))
			view(m[i], (uint16_t)d, &pkt[out++]);
	}
	return out;
}

uint32_t tg_io_inbox(struct tg_io *io, struct tg_pkt pkt[], uint32_t max)
{
	struct rte_mbuf *m[TG_IO_BURST];
	uint32_t n = rte_ring_sc_dequeue_burst(io->inbox, (void **)m,
					       max < TG_IO_BURST ? max : TG_IO_BURST, NULL);
	for (uint32_t i = 0; i < n; i++)
		view(m[i], io->dev_of[m[i]->port], &pkt[i]);
	return n;
}

/* --- transmit --- */

/* What the device is to do. */
static void ask_device(const struct tg_pkt *pkt, struct rte_mbuf *m)
{
	bool v4 = pkt->data[pkt->l2_len] >> 4 == 4;
	m->l2_len = pkt->l2_len;
	m->l3_len = pkt->l3_len;
	m->l4_len = pkt->l4_len;
	m->ol_flags |= v4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6;
	if (pkt->tx_flags & TG_TX_IP_CSUM)
		m->ol_flags |= RTE_MBUF_F_TX_IP_CKSUM;
	if (pkt->tx_flags & TG_TX_TCP_CSUM)
		m->ol_flags |= RTE_MBUF_F_TX_TCP_CKSUM;
	if (pkt->tx_flags & TG_TX_TSO) {
		m->ol_flags |= RTE_MBUF_F_TX_TCP_SEG;
		m->tso_segsz = pkt->tso_mss;
	}
}

static inline struct rte_mbuf *unview(const struct tg_pkt *pkt)
{
	struct rte_mbuf *m = pkt->handle;
	m->data_off = (uint16_t)(pkt->data - (uint8_t *)m->buf_addr);
	m->data_len = (uint16_t)pkt->len;
	m->pkt_len = pkt->len;
	m->ol_flags &= RTE_MBUF_F_EXTERNAL | RTE_MBUF_F_INDIRECT;
	if (unlikely(pkt->tx_flags))
		ask_device(pkt, m);
	return m;
}

/* What the driver wants done to a frame that is to be cut; one that it refuses is dropped. Returns
 * how many are left. */
static uint16_t prepare(struct tg_io *io, uint32_t d, struct rte_mbuf *m[], uint16_t n)
{
	uint16_t id = io->fabric->dev[d].id, done = 0;
	while ((done += rte_eth_tx_prepare(id, io->worker, m + done, (uint16_t)(n - done))) < n) {
		rte_pktmbuf_free(m[done]);
		io->stats.tx_dropped[d]++;
		n--;
		memmove(m + done, m + done + 1, (size_t)(n - done) * sizeof(m[0]));
	}
	return n;
}

static void send_burst(struct tg_io *io, uint32_t d, struct rte_mbuf *m[], uint16_t n)
{
	const struct tg_dev *dev = &io->fabric->dev[d];
	if (dev->tx_tso)
		n = prepare(io, d, m, n);
	uint16_t done = rte_eth_tx_burst(dev->id, io->worker, m, n);
	if (unlikely(done < n && !dev->conf.is_kernel)) {
		uint64_t until = rte_rdtsc() + io->patience;
		do {
			rte_pause();
			done +=
			    rte_eth_tx_burst(dev->id, io->worker, m + done, (uint16_t)(n - done));
		} while (done < n && rte_rdtsc() < until);
	}
	tg_io_burst_ended(io);
	io->stats.tx_packets += done;
	if (unlikely(done < n)) {
		io->stats.tx_dropped[d] += (uint64_t)(n - done);
		rte_pktmbuf_free_bulk(m + done, (unsigned)(n - done));
	}
}

/* The device has fewer transmit queues than there are workers: another worker sends it. */
static void leave_to(struct tg_io *io, uint32_t d, struct rte_mbuf *m[], uint16_t n)
{
	const struct tg_dev *dev = &io->fabric->dev[d];
	struct rte_ring *relay = io->fabric->io[io->worker % dev->tx_queue_n]->relay;
	for (uint16_t i = 0; i < n; i++)
		m[i]->port = dev->id;
	uint32_t done = rte_ring_mp_enqueue_burst(relay, (void *const *)m, n, NULL);
	if (done < n) {
		io->stats.tx_dropped[d] += n - done;
		rte_pktmbuf_free_bulk(m + done, n - done);
	}
}

static void send_to(struct tg_io *io, uint32_t d, struct rte_mbuf *m[], uint16_t n)
{
	if (likely(io->worker < io->fabric->dev[d].tx_queue_n))
		send_burst(io, d, m, n);
	else
		leave_to(io, d, m, n);
}

void tg_io_tx(struct tg_io *io, const struct tg_pkt pkt[], uint32_t n)
{
	struct rte_mbuf *m[TG_IO_BURST];
	uint16_t run = 0;
	for (uint32_t i = 0; i < n; i++) {
		m[run++] = unview(&pkt[i]);
		if (i + 1 == n || pkt[i + 1].port != pkt[i].port || run == TG_IO_BURST) {
			send_to(io, pkt[i].port, m, run);
			run = 0;
		}
	}
}

uint32_t tg_io_relay(struct tg_io *io)
{
	struct rte_mbuf *m[TG_IO_BURST];
	uint32_t n = rte_ring_sc_dequeue_burst(io->relay, (void **)m, TG_IO_BURST, NULL);
	uint32_t from = 0;
	for (uint32_t i = 0; i < n; i++) {
		if (i + 1 < n && m[i + 1]->port == m[i]->port)
			continue;
		send_burst(io, io->dev_of[m[i]->port], m + from, (uint16_t)(i + 1 - from));
		from = i + 1;
	}
	return n;
}

/* --- for the engine --- */

uint32_t tg_io_alloc(void *ctx, struct tg_pkt pkt[], uint32_t n)
{
	struct tg_io *io = ctx;
	struct rte_mbuf *m[64];
	if (n > 64)
		n = 64;
	if (unlikely(rte_pktmbuf_alloc_bulk(io->pool, m, n) != 0)) {
		uint32_t k = 0;
		while (k < n && (m[k] = rte_pktmbuf_alloc(io->pool)))
			k++;
		io->stats.no_buffer += n - k;
		n = k;
	}
	for (uint32_t i = 0; i < n; i++)
		pkt[i] = (struct tg_pkt){.data = rte_pktmbuf_mtod(m[i], uint8_t *),
					 .handle = m[i],
					 .cap = (uint32_t)m[i]->buf_len - m[i]->data_off};
	return n;
}

bool tg_io_alloc_large(void *ctx, struct tg_pkt *pkt)
{
	struct tg_io *io = ctx;
	struct rte_mbuf *m = rte_pktmbuf_alloc(io->large);
	if (!m)
		return false; /* all are with devices: no fault, segments go one by one */
	*pkt = (struct tg_pkt){.data = rte_pktmbuf_mtod(m, uint8_t *),
			       .handle = m,
			       .cap = (uint32_t)m->buf_len - m->data_off};
	return true;
}

void tg_io_free(void *ctx, const struct tg_pkt pkt[], uint32_t n)
{
	(void)ctx;
	struct rte_mbuf *m[TG_IO_BURST];
	for (uint32_t i = 0; i < n;) {
		uint32_t k = 0;
		while (k < TG_IO_BURST && i < n)
			m[k++] = pkt[i++].handle;
		rte_pktmbuf_free_bulk(m, k);
	}
}

bool tg_io_is_mine(void *ctx, const struct tg_tuple *tuple)
{
	const struct tg_io *io = ctx;
	return tg_steer_owner(&io->fabric->steer, tuple) == io->worker;
}

const struct tg_io_stats *tg_io_stats(const struct tg_io *io)
{
	return &io->stats;
}

bool tg_io_has_peers(const struct tg_io *io)
{
	return io->fabric->worker_n > 1;
}

bool tg_io_has_large(const struct tg_io *io)
{
	return io->large != NULL;
}

uint32_t tg_io_in_use(const struct tg_io *io)
{
	return rte_mempool_in_use_count(io->pool) +
	       (io->large ? rte_mempool_in_use_count(io->large) : 0);
}
