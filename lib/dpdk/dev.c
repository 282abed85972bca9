/* SPDX-License-Identifier: BSD-3-Clause */
#include "hint.h"
#include "link.h"
#include "tg_eal.h"

#include <errno.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <stdarg.h>
#include <stdio.h>

enum {
	DESC_WANTED = 1024,
	TAP_MAC_BIT = 1,
	XDP_HELD = 2048, /* more than its rings: it always has 2,048 lent to the kernel for what
			    will come, and takes back what was sent when half of 2,048 are done */
};

static const uint64_t rss_wanted = RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV6_TCP;

static int fail(struct tg_dev *dev, char *err, size_t err_size, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static int fail(struct tg_dev *dev, char *err, size_t err_size, const char *fmt, ...)
{
	char text[256], buf[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	const char *why = tg_dev_hint(dev->device, buf, sizeof(buf));
	if (!why)
		why = tg_eal_log_error();
	snprintf(err, err_size, "device %s: %s%s%s", dev->device, text, why[0] ? ": " : "", why);
	dev->failed = true;
	return -1;
}

static bool is_driver(const struct tg_dev *dev, const char *name)
{
	return strcmp(dev->driver, name) == 0;
}

/* The name that DPDK gives the device: up to the first comma; a PCI address with its domain. */
static void device_name(const char *device, char *name, size_t size)
{
	size_t len = strcspn(device, ",");
	unsigned bus, slot, fn;
	if (tg_eal_is_pci(device) && sscanf(device, "%2x:%2x.%1x", &bus, &slot, &fn) == 3 &&
	    len == 7) {
		snprintf(name, size, "0000:%02x:%02x.%x", bus, slot, fn);
		return;
	}
	snprintf(name, size, "%.*s", (int)len, device);
}

static void copy_text(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from);
}

static void ask_csum(struct tg_dev *dev, const struct rte_eth_dev_info *info)
{
	static const uint64_t rx = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM;
	uint64_t tx = 0;
	dev->rx_csum = (info->rx_offload_capa & rx) == rx;
	dev->tx_ip_csum = info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM;
	dev->tx_tcp_csum = info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_TCP_CKSUM;
	/* A TAP device cuts in software, knows IPv4 only, and drops frames whose pieces, Ethernet
	 * header included, are longer than the MTU: as good as none. */
	dev->tx_tso = dev->tx_tcp_csum && !is_driver(dev, "net_tap") &&
		      (info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_TCP_TSO);
	/* One pool must serve all that a queue sends; steered packets come from others' pools, and
	 * frames of many segments from one of their own. */
	dev->fast_free = dev->worker_n == 1 && !dev->tx_tso &&
			 (info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE);
	tx |= dev->tx_ip_csum ? RTE_ETH_TX_OFFLOAD_IPV4_CKSUM : 0;
	tx |= dev->tx_tcp_csum ? RTE_ETH_TX_OFFLOAD_TCP_CKSUM : 0;
	tx |= dev->tx_tso ? RTE_ETH_TX_OFFLOAD_TCP_TSO : 0;
	tx |= dev->fast_free ? RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE : 0;
	dev->offload_rx = dev->rx_csum ? rx : 0;
	dev->offload_tx = tx;
}

/* Frames go through as they are, out of the pools of all workers. */
static void ask_nothing(struct tg_dev *dev)
{
	dev->rx_csum = dev->tx_ip_csum = dev->tx_tcp_csum = dev->tx_tso = dev->fast_free = false;
	dev->offload_rx = dev->offload_tx = 0;
}

static uint16_t at_most(uint32_t value, uint32_t limit)
{
	return (uint16_t)(value < limit ? value : limit);
}

static void ask_queues(struct tg_dev *dev, const struct rte_eth_dev_info *info)
{
	dev->rx_queue_n = at_most(dev->worker_n, info->max_rx_queues);
	dev->tx_queue_n = at_most(dev->worker_n, info->max_tx_queues);
	/* RSS is used only where key and table can be ours: then every worker's packets come home
	 * by hardware, and software steering has nothing left to do but to look; before transparent
	 * backends it still has (tg_steer.h). */
	dev->hw_rss = dev->worker_n > 1 && dev->rx_queue_n == dev->worker_n &&
		      (info->flow_type_rss_offloads & rss_wanted) == rss_wanted &&
		      info->hash_key_size >= 40 && info->hash_key_size <= TG_STEER_KEY_MAX &&
		      info->reta_size > 0 && info->reta_size <= RTE_ETH_RSS_RETA_SIZE_512;
	dev->rx_desc = DESC_WANTED;
	dev->tx_desc = DESC_WANTED;
}

static int ask_mac(struct tg_dev *dev, char *err, size_t err_size)
{
	struct rte_ether_addr own;
	if (dev->conf.is_kernel) { /* that of the port, at both ends */
		dev->mac = dev->conf.mac;
		return 0;
	}
	if (rte_eth_macaddr_get(dev->id, &own) != 0)
		return fail(dev, err, err_size, "does not tell its MAC address");
	memcpy(dev->mac.b, own.addr_bytes, sizeof(dev->mac.b));
	/* A TAP device gives its address to the kernel's end too: ours must be another. */
	if (is_driver(dev, "net_tap"))
		dev->mac.b[5] ^= TAP_MAC_BIT;
	if (dev->conf.has_mac)
		dev->mac = dev->conf.mac;
	return 0;
}

/* A driver that tells no largest MTU tells its largest frame. */
static uint32_t mtu_limit(const struct rte_eth_dev_info *info)
{
	uint32_t frame = info->max_rx_pktlen, around = RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN;
	if (info->max_mtu != UINT16_MAX || frame <= around || frame == UINT32_MAX)
		return info->max_mtu;
	return frame - around;
}

int tg_dev_adopt(struct tg_dev *dev, const struct tg_dev_conf *conf, uint16_t id, char *err,
		 size_t err_size)
{
	struct rte_eth_dev_info info;
	tg_eal_log_clear();
	memset(dev, 0, sizeof(*dev));
	dev->conf = *conf;
	copy_text(dev->name, sizeof(dev->name), conf->name);
	copy_text(dev->device, sizeof(dev->device), conf->device);
	dev->id = id;
	dev->mtu = conf->mtu;
	dev->worker_n = conf->worker_n;
	dev->link_up = true;
	dev->link = TG_DEV_LINK_UP;
	if (rte_eth_dev_info_get(id, &info) != 0)
		return fail(dev, err, err_size, "does not tell what it can do");
	copy_text(dev->driver, sizeof(dev->driver), info.driver_name);
	if (info.max_rx_queues == 0 || info.max_tx_queues == 0)
		return fail(dev, err, err_size, "it has no queue to %s",
			    info.max_rx_queues ? "send on" : "receive on");
	if (conf->mtu > mtu_limit(&info))
		return fail(dev, err, err_size, "it takes an MTU of at most %u, the port says %u",
			    mtu_limit(&info), conf->mtu);
	ask_csum(dev, &info);
	if (conf->is_kernel)
		ask_nothing(dev);
	ask_queues(dev, &info);
	return ask_mac(dev, err, err_size);
}

/* What DPDK is told. Drivers that make an interface of the kernel give it the address that they are
 * told, so that a kernel's has that of its port from its first packet on. */
static void device_text(const struct tg_dev_conf *conf, char *text, size_t size)
{
	const uint8_t *m = conf->mac.b;
	bool makes = strncmp(conf->device, "net_tap", 7) == 0 ||
		     strncmp(conf->device, "net_virtio_user", 15) == 0;
	copy_text(text, size, conf->device);
	if (conf->is_kernel && makes && !strstr(text, ",mac="))
		snprintf(text + strlen(text), size - strlen(text),
			 ",mac=%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
}

int tg_dev_open(struct tg_dev *dev, const struct tg_dev_conf *conf, char *err, size_t err_size)
{
	char name[64], text[300];
	uint16_t id;
	memset(dev, 0, sizeof(*dev));
	copy_text(dev->device, sizeof(dev->device), conf->device);
	device_name(conf->device, name, sizeof(name));
	tg_eal_log_clear();
	/* The EAL found it already when it is PCI, or was given by --vdev behind "--". */
	if (rte_eth_dev_get_port_by_name(name, &id) != 0) {
		if (tg_eal_is_pci(conf->device))
			return fail(dev, err, err_size,
				    "no such PCI network device that a DPDK driver has taken (see "
				    "`tidegate doctor`)");
		device_text(conf, text, sizeof(text));
		int rc = rte_dev_probe(text);
		if (rc != 0)
			return fail(dev, err, err_size, "cannot be made");
		if (rte_eth_dev_get_port_by_name(name, &id) != 0)
			return fail(dev, err, err_size, "it is no network device");
	}
	return tg_dev_adopt(dev, conf, id, err, err_size);
}

void tg_dev_share(struct tg_dev *dev, const struct tg_dev_conf *conf, const struct tg_dev *opened)
{
	*dev = *opened;
	dev->conf = *conf;
	dev->rx_queue_n = 0; /* nothing is to be fetched here */
	snprintf(dev->name, sizeof(dev->name), "%s", conf->name);
}

uint32_t tg_dev_buffers(const struct tg_dev *dev)
{
	uint32_t held = is_driver(dev, "net_af_xdp") ? XDP_HELD : 0;
	return dev->rx_desc + dev->tx_desc + held;
}

static int configure(struct tg_dev *dev, char *err, size_t err_size)
{
	struct rte_eth_dev_info info;
	uint8_t key[TG_STEER_KEY_MAX];
	struct rte_eth_conf conf = {
	    .rxmode = {.mtu = dev->mtu, .offloads = dev->offload_rx},
	    .txmode = {.offloads = dev->offload_tx},
	};
	rte_eth_dev_info_get(dev->id, &info);
	if (dev->hw_rss) {
		tg_steer_key(key, info.hash_key_size);
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rx_adv_conf.rss_conf = (struct rte_eth_rss_conf){
		    .rss_key = key, .rss_key_len = info.hash_key_size, .rss_hf = rss_wanted};
	}
	int rc = rte_eth_dev_configure(dev->id, dev->rx_queue_n, dev->tx_queue_n, &conf);
	if (rc != 0)
		return fail(dev, err, err_size, "cannot be configured (%s)", strerror(-rc));
	rc = rte_eth_dev_adjust_nb_rx_tx_desc(dev->id, &dev->rx_desc, &dev->tx_desc);
	if (rc != 0)
		return fail(dev, err, err_size, "refuses its ring sizes (%s)", strerror(-rc));
	return 0;
}

static int set_queues(struct tg_dev *dev, struct rte_mempool *const pool[], char *err,
		      size_t err_size)
{
	struct rte_eth_dev_info info;
	int socket = rte_eth_dev_socket_id(dev->id), rc;
	rte_eth_dev_info_get(dev->id, &info);
	struct rte_eth_rxconf rx = info.default_rxconf;
	struct rte_eth_txconf tx = info.default_txconf;
	rx.offloads = dev->offload_rx;
	tx.offloads = dev->offload_tx;
	for (uint16_t q = 0; q < dev->rx_queue_n; q++) {
		rc = rte_eth_rx_queue_setup(dev->id, q, dev->rx_desc, (unsigned)socket, &rx,
					    pool[q]);
		if (rc != 0)
			return fail(dev, err, err_size, "receive queue %u (%s)", q, strerror(-rc));
	}
	for (uint16_t q = 0; q < dev->tx_queue_n; q++) {
		rc = rte_eth_tx_queue_setup(dev->id, q, dev->tx_desc, (unsigned)socket, &tx);
		if (rc != 0)
			return fail(dev, err, err_size, "transmit queue %u (%s)", q, strerror(-rc));
	}
	return 0;
}

/* Points the redirection table at the owners of the hash. A device that refuses has no RSS of use:
 * software steering then does it all. */
static void set_reta(struct tg_dev *dev, const struct tg_steer *steer)
{
	struct rte_eth_rss_reta_entry64 reta[RTE_ETH_RSS_RETA_SIZE_512 / RTE_ETH_RETA_GROUP_SIZE];
	struct rte_eth_dev_info info;
	rte_eth_dev_info_get(dev->id, &info);
	memset(reta, 0, sizeof(reta));
	for (uint32_t i = 0; i < info.reta_size; i++) {
		reta[i / RTE_ETH_RETA_GROUP_SIZE].mask |= 1ull << (i % RTE_ETH_RETA_GROUP_SIZE);
		reta[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE] =
		    tg_steer_slot(steer, i);
	}
	dev->hw_rss = rte_eth_dev_rss_reta_update(dev->id, reta, info.reta_size) == 0;
}

/* Lets in what the engine must see. Each step down is taken only when the one before is refused. */
static void set_filters(struct tg_dev *dev)
{
	struct rte_ether_addr mac, own;
	bool promiscuous = dev->conf.promiscuous;
	if (dev->conf.is_kernel) {
		/* It sends to others' addresses. A TAP device hands over all in any case, and would
		 * set its interface to promiscuous. */
		if (!is_driver(dev, "net_tap"))
			rte_eth_promiscuous_enable(dev->id);
		return;
	}
	memcpy(mac.addr_bytes, dev->mac.b, sizeof(dev->mac.b));
	if (rte_eth_macaddr_get(dev->id, &own) == 0 && !rte_is_same_ether_addr(&own, &mac) &&
	    !is_driver(dev, "net_tap")) {
		if (rte_eth_dev_default_mac_addr_set(dev->id, &mac) != 0)
			promiscuous = true;
	}
	if (dev->conf.multicast && rte_eth_allmulticast_enable(dev->id) != 0)
		promiscuous = true;
	if (promiscuous)
		rte_eth_promiscuous_enable(dev->id);
}

int tg_dev_start(struct tg_dev *dev, const struct tg_steer *steer, struct rte_mempool *const pool[],
		 char *err, size_t err_size)
{
	tg_eal_log_clear();
	if (configure(dev, err, err_size) != 0 || set_queues(dev, pool, err, err_size) != 0)
		return -1;
	/* The kernel's own end follows, where the driver has a say in it. */
	if (dev->conf.is_kernel && dev->mtu != RTE_ETHER_MTU)
		rte_eth_dev_set_mtu(dev->id, dev->mtu);
	int rc = rte_eth_dev_start(dev->id);
	if (rc != 0)
		return fail(dev, err, err_size, "does not start (%s)", strerror(-rc));
	dev->started = true;
	if (dev->hw_rss)
		set_reta(dev, steer);
	set_filters(dev);
	tg_dev_watch_link(dev);
	return 0;
}

void tg_dev_close(struct tg_dev *dev)
{
	if (dev->started)
		rte_eth_dev_stop(dev->id);
	if (dev->driver[0])
		rte_eth_dev_close(dev->id);
	dev->started = false;
	dev->driver[0] = 0;
}

const char *tg_dev_describe(const struct tg_dev *dev, char *buf, size_t size)
{
	const uint8_t *m = dev->mac.b;
	const char *steering = dev->worker_n == 1 ? ""
			       : dev->hw_rss      ? ", RSS in hardware"
						  : ", steering in software";
	snprintf(buf, size,
		 "%s: %s (%s), %02x:%02x:%02x:%02x:%02x:%02x, MTU %u, %u receive and %u transmit "
		 "queue%s, checksums by %s%s%s",
		 dev->name, dev->device, dev->driver, m[0], m[1], m[2], m[3], m[4], m[5], dev->mtu,
		 dev->rx_queue_n, dev->tx_queue_n, dev->tx_queue_n == 1 ? "" : "s",
		 dev->rx_csum && dev->tx_tcp_csum ? "the device" : "software",
		 dev->tx_tso ? ", TSO" : "", steering);
	return buf;
}

void tg_dev_stats(const struct tg_dev *dev, struct tg_dev_stats *stats)
{
	struct rte_eth_stats s;
	memset(stats, 0, sizeof(*stats));
	if (rte_eth_stats_get(dev->id, &s) != 0)
		return;
	*stats = (struct tg_dev_stats){.rx_packets = s.ipackets,
				       .tx_packets = s.opackets,
				       .rx_bytes = s.ibytes,
				       .tx_bytes = s.obytes,
				       .rx_missed = s.imissed,
				       .rx_errors = s.ierrors,
				       .tx_errors = s.oerrors,
				       .rx_no_buffer = s.rx_nombuf};
}
