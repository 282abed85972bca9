/* SPDX-License-Identifier: BSD-3-Clause */
/* test_io.c: packets between a device and two workers: chains of buffers (LN-24), and segments and
 * ICMP errors that come by the other worker's queue (LN-23). The device is a ring (net_ring); the
 * EAL takes ordinary memory. */
#include "tg_dev.h"
#include "tg_io.h"
#include "tg_link.h"
#include "tg_test.h"
#include "tg_wire.h"

#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

enum { WORKERS = 2, FRAME_MAX = 2048 };

static struct rte_ring *to, *from;
static struct rte_mempool *own; /* the test's buffers */
static struct tg_fabric fabric;
static struct tg_dev dev;

static void begin(void)
{
	struct tg_dev_conf conf = {
	    .name = "outside", .device = "net_ring", .mtu = 1500, .worker_n = WORKERS};
	char err[300] = "";
	static int id = -1;

	if (id < 0) {
		to = rte_ring_create("to", 256, SOCKET_ID_ANY, 0);
		from = rte_ring_create("from", 256, SOCKET_ID_ANY, 0);
		CU_ASSERT_FATAL(to && from);
		id = rte_eth_from_rings("test", &to, 1, &from, 1, 0);
		CU_ASSERT_FATAL(id >= 0);
		own = rte_pktmbuf_pool_create("own", 4095, 0, 0, 2304, SOCKET_ID_ANY);
		CU_ASSERT_PTR_NOT_NULL_FATAL(own);
		CU_ASSERT_EQUAL_FATAL(tg_dev_adopt(&dev, &conf, (uint16_t)id, err, sizeof(err)), 0);
		CU_ASSERT_EQUAL_FATAL(
		    tg_fabric_init(&fabric, "t", &dev, 1, WORKERS, err, sizeof(err)), 0);
		CU_ASSERT_EQUAL(dev.rx_queue_n, 1);
		CU_ASSERT(!dev.tx_tso && !tg_io_has_large(fabric.io[0]));
	}
}

/* Nothing is left in rings or out of pools. */
static void end(void)
{
	CU_ASSERT_EQUAL(rte_ring_count(to), 0);
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(own), 0);
	for (int w = 0; w < WORKERS; w++)
		CU_ASSERT_EQUAL(tg_io_in_use(fabric.io[w]), 0);
}

/* A connection of worker w. */
static struct tg_tuple tuple_of(uint16_t w, bool v6)
{
	struct tg_tuple t = {.lport = 80};

	CU_ASSERT(tg_addr_parse(v6 ? "2001:db8::1" : "192.0.2.1", &t.laddr));
	CU_ASSERT(tg_addr_parse(v6 ? "2001:db8::2" : "192.0.2.2", &t.raddr));
	for (t.rport = 5000; tg_steer_owner(&fabric.steer, &t) != w;)
		t.rport++;
	return t;
}

static uint32_t put_ip(uint8_t *p, const struct tg_addr *src, const struct tg_addr *dst,
		       uint8_t proto, uint32_t len)
{
	struct tg_ip ip = {.src = *src, .dst = *dst, .proto = proto, .ttl = 64};

	return tg_addr_is_v4(src) ? tg_ip4_emit(p, &ip, len, false) : tg_ip6_emit(p, &ip, len, 0);
}

static uint32_t put_tcp(uint8_t *p, const struct tg_addr *src, const struct tg_addr *dst,
			uint16_t sport, uint16_t dport)
{
	struct tg_seg seg = {.ctl = TG_TCP_ACK, .sport = sport, .dport = dport, .wnd = 99};
	uint32_t at = put_ip(p, src, dst, TG_PROTO_TCP, TG_TCP_LEN);

	at += tg_tcp_emit(p + at, &seg);
	return at;
}

static uint32_t put_eth(uint8_t *p, const struct tg_tuple *t)
{
	struct tg_eth eth = {.type =
				 tg_addr_is_v4(&t->laddr) ? TG_ETHERTYPE_IP4 : TG_ETHERTYPE_IP6};

	return tg_eth_emit(p, &eth);
}

static uint32_t segment(const struct tg_tuple *t, uint8_t *p)
{
	uint32_t at = put_eth(p, t);

	return at + put_tcp(p + at, &t->raddr, &t->laddr, t->rport, t->lport);
}

/* A router's packet-too-big about what we sent on t. */
static uint32_t too_big(const struct tg_tuple *t, uint8_t *p)
{
	bool v6 = !tg_addr_is_v4(&t->laddr);
	struct tg_addr router = t->raddr;
	uint8_t quote[200];
	uint32_t n = put_tcp(quote, &t->laddr, &t->raddr, t->lport, t->rport), at = put_eth(p, t);

	router.b[15] = 77;
	at += put_ip(p + at, &router, &t->laddr, v6 ? TG_PROTO_ICMP6 : TG_PROTO_ICMP, 8 + n);
	memset(p + at, 0, 8);
	p[at] = v6 ? 2 : 3;
	p[at + 1] = v6 ? 0 : 4;
	tg_be16_put(p + at + 6, 1300);
	memcpy(p + at + 8, quote, n);
	return at + 8 + n;
}

/* frame[len] in buffers of `each` bytes. */
static void arrive(const uint8_t *frame, uint32_t len, uint32_t each)
{
	struct rte_mbuf *head = NULL;

	for (uint32_t at = 0; at < len; at += each) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(own);
		uint32_t n = len - at < each ? len - at : each;
		CU_ASSERT_PTR_NOT_NULL_FATAL(m);
		memcpy(rte_pktmbuf_append(m, (uint16_t)n), frame + at, n);
		/* What lies behind the data must never be read. */
		memset(rte_pktmbuf_mtod_offset(m, uint8_t *, n), 0xee, rte_pktmbuf_tailroom(m));
		if (head) {
			CU_ASSERT_EQUAL_FATAL(rte_pktmbuf_chain(head, m), 0);
		} else {
			head = m;
		}
	}
	CU_ASSERT_EQUAL_FATAL(rte_ring_enqueue(to, head), 0);
}

static void expect_view(const struct tg_pkt *pkt, const uint8_t *frame, uint32_t len)
{
	CU_ASSERT_EQUAL(pkt->len, len);
	CU_ASSERT(pkt->len == len && !memcmp(pkt->data, frame, len));
	CU_ASSERT(pkt->cap >= pkt->len);
}

/* LN-24: one byte a buffer is the worst that there can be. */
static void test_rx_chain_isMadeLinear(void)
{
	static const uint32_t each[] = {1, 2, 13, 14, 15, 34, 53, 54, 1000};
	struct tg_pkt pkt[TG_IO_BURST];
	uint8_t frame[FRAME_MAX];

	begin();
	for (size_t i = 0; i < TG_TEST_N(each); i++) {
		struct tg_tuple t = tuple_of(0, i & 1);
		uint32_t len = segment(&t, frame);
		arrive(frame, len, each[i]);
		CU_ASSERT_EQUAL_FATAL(tg_io_rx(fabric.io[0], 0, pkt, TG_IO_BURST), 1);
		expect_view(&pkt[0], frame, len);
		tg_io_free(fabric.io[0], pkt, 1);
	}
	CU_ASSERT_EQUAL(tg_io_stats(fabric.io[0])->rx_chain_drop, 0);
	end();
}

/* LN-24: what fits no buffer is dropped and counted. */
static void test_rx_chainTooLong_dropped(void)
{
	struct tg_pkt pkt[TG_IO_BURST];
	struct tg_tuple t;
	uint8_t frame[2 * FRAME_MAX] = {0};

	begin();
	t = tuple_of(0, false);
	segment(&t, frame);
	arrive(frame, sizeof(frame), FRAME_MAX);
	CU_ASSERT_EQUAL(tg_io_rx(fabric.io[0], 0, pkt, TG_IO_BURST), 0);
	CU_ASSERT_EQUAL(tg_io_stats(fabric.io[0])->rx_chain_drop, 1);
	end();
}

/* LN-23: the device has one queue, worker 0's: what is worker 1's reaches it, ICMP by what it
 * quotes. */
static void test_rx_otherWorkersPacket_reachesIt(void)
{
	struct tg_pkt pkt[TG_IO_BURST];
	uint8_t frame[FRAME_MAX];

	begin();
	for (int i = 0; i < 8; i++) {
		uint16_t owner = i & 1;
		struct tg_tuple t = tuple_of(owner, i & 2);
		uint32_t len = i & 4 ? too_big(&t, frame) : segment(&t, frame);
		arrive(frame, len, i & 2 ? 1 : FRAME_MAX);
		CU_ASSERT_EQUAL(tg_io_rx(fabric.io[0], 0, pkt, TG_IO_BURST), owner == 0);
		if (owner) {
			CU_ASSERT_EQUAL_FATAL(tg_io_inbox(fabric.io[1], pkt, TG_IO_BURST), 1);
		}
		CU_ASSERT_EQUAL(tg_io_inbox(fabric.io[!owner], pkt + 1, 1), 0);
		expect_view(&pkt[0], frame, len);
		CU_ASSERT_EQUAL(pkt[0].port, 0);
		tg_io_free(fabric.io[owner], pkt, 1);
	}
	CU_ASSERT_EQUAL(tg_io_stats(fabric.io[0])->steered, 4);
	end();
}

/* LN-16: what the device says of the checksums of a frame. Both bits of one are DPDK's NONE: the
 * data is good, the field is not filled in, as between two guests. */
static void test_rx_checksumFlags_becomeVerdicts(void)
{
	static const struct {
		uint64_t flags;
		uint8_t l3, l4;
	} row[] = {
	    {0, TG_CSUM_UNKNOWN, TG_CSUM_UNKNOWN},
	    {RTE_MBUF_F_RX_IP_CKSUM_GOOD, TG_CSUM_GOOD, TG_CSUM_UNKNOWN},
	    {RTE_MBUF_F_RX_IP_CKSUM_BAD, TG_CSUM_BAD, TG_CSUM_UNKNOWN},
	    {RTE_MBUF_F_RX_IP_CKSUM_NONE, TG_CSUM_GOOD, TG_CSUM_UNKNOWN},
	    {RTE_MBUF_F_RX_L4_CKSUM_GOOD, TG_CSUM_UNKNOWN, TG_CSUM_GOOD},
	    {RTE_MBUF_F_RX_L4_CKSUM_BAD, TG_CSUM_UNKNOWN, TG_CSUM_BAD},
	    {RTE_MBUF_F_RX_L4_CKSUM_NONE, TG_CSUM_UNKNOWN, TG_CSUM_GOOD},
	};
	struct tg_pkt pkt[TG_IO_BURST];
	struct rte_mbuf *m;
	uint8_t frame[FRAME_MAX];

	begin();
	struct tg_tuple t = tuple_of(0, false);
	uint32_t len = segment(&t, frame);
	for (size_t i = 0; i < TG_TEST_N(row); i++) {
		m = rte_pktmbuf_alloc(own);
		CU_ASSERT_PTR_NOT_NULL_FATAL(m);
		memcpy(rte_pktmbuf_append(m, (uint16_t)len), frame, len);
		m->ol_flags = row[i].flags;
		CU_ASSERT_EQUAL_FATAL(rte_ring_enqueue(to, m), 0);
		CU_ASSERT_EQUAL_FATAL(tg_io_rx(fabric.io[0], 0, pkt, TG_IO_BURST), 1);
		CU_ASSERT_EQUAL(pkt[0].l3_csum, row[i].l3);
		CU_ASSERT_EQUAL(pkt[0].l4_csum, row[i].l4);
		tg_io_free(fabric.io[0], pkt, 1);
	}
	end();
}

static const struct tg_test tests[] = {
    {"rx_chain_isMadeLinear", test_rx_chain_isMadeLinear},
    {"rx_chainTooLong_dropped", test_rx_chainTooLong_dropped},
    {"rx_otherWorkersPacket_reachesIt", test_rx_otherWorkersPacket_reachesIt},
    {"rx_checksumFlags_becomeVerdicts", test_rx_checksumFlags_becomeVerdicts},
};

int main(int argc, char **argv)
{
	char a0[] = "test_io", a1[] = "--no-huge", a2[] = "--no-pci", a3[] = "--no-shconf",
	     a4[] = "-m", a5[] = "128", a6[] = "-l", a7[] = "0", a8[] = "--log-level=error",
	     a9[] = "--no-telemetry";
	char *eal[] = {a0, a1, a2, a3, a4, a5, a6, a7, a8, a9};

	if (rte_eal_init((int)TG_TEST_N(eal), eal) < 0) {
		printf("io: 0 passed, 1 failed, 0 skipped (the EAL does not start)\n");
		return 1;
	}
	int rc = tg_test_main("io", tests, TG_TEST_N(tests), argc, argv);

	tg_fabric_fini(&fabric);
	return rc;
}
