/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_dev.h: one Ethernet device of any driver. What it can do is asked for, never assumed: checksum
 * offloads, queues, RSS with its key and table, fast free, MTU, MAC address. What it cannot do is
 * done in software or said in one line. Control only: nothing here is on the packet path. */
#ifndef TG_DEV_H
#define TG_DEV_H

#include "tg_steer.h"

struct rte_mempool;

enum { TG_DEV_MAX = 16 };

/* What the configuration asks for. */
struct tg_dev_conf {
	const char *name;   /* of the port, for messages */
	const char *device; /* virtual device with its arguments, or PCI address */
	bool has_mac;
	struct tg_mac mac; /* ours; else the device's own */
	uint16_t mtu;
	bool promiscuous;
	bool multicast; /* IPv6 is in use: its groups must come in */
	uint16_t worker_n;
};

struct tg_dev {
	char name[32], device[256], driver[32];
	uint16_t id; /* DPDK's port id */
	struct tg_mac mac;
	uint16_t mtu, worker_n;
	uint16_t rx_queue_n, tx_queue_n, rx_desc, tx_desc;
	bool rx_csum, tx_ip_csum, tx_tcp_csum, fast_free, hw_rss;
	bool started;
	volatile bool link_up; /* written by control, read by workers */
	uint64_t offload_rx, offload_tx;
	struct tg_dev_conf conf;
};

/* Finds or makes the device and learns what it can do. 0, or -1 and a sentence. */
int tg_dev_open(struct tg_dev *dev, const struct tg_dev_conf *conf, char *err, size_t err_size);
/* Takes a device that DPDK already has, by its port id (net_ring of the demo). */
int tg_dev_adopt(struct tg_dev *dev, const struct tg_dev_conf *conf, uint16_t id, char *err,
		 size_t err_size);
/* Packet buffers that one worker needs for this device. */
uint32_t tg_dev_buffers(const struct tg_dev *dev);
/* Sets up the queues, worker w's fed from pool[w], and starts. 0, or -1 and a sentence. */
int tg_dev_start(struct tg_dev *dev, const struct tg_steer *steer, struct rte_mempool *const pool[],
		 char *err, size_t err_size);
/* Looks at the link; true when it changed. */
bool tg_dev_poll_link(struct tg_dev *dev);
void tg_dev_close(struct tg_dev *dev);
/* One line on what it is and does, for the start of `serve`. Returns buf. */
const char *tg_dev_describe(const struct tg_dev *dev, char *buf, size_t size);

struct tg_dev_stats {
	uint64_t rx_packets, tx_packets, rx_bytes, tx_bytes;
	uint64_t rx_missed, rx_errors, tx_errors, rx_no_buffer;
};
void tg_dev_stats(const struct tg_dev *dev, struct tg_dev_stats *stats);

#endif
