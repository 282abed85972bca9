/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_dev.h: one Ethernet device of any driver. What it can do is asked for, never assumed: checksum
 * offloads, queues, RSS with its key and table, fast free, MTU, MAC address. What it cannot do is
 * done in software or said in one line. Control only: nothing here is on the packet path. */
#ifndef TG_DEV_H
#define TG_DEV_H

#include "tg_steer.h"

struct rte_mempool;

enum { TG_DEV_MAX = 32 };

/* What the configuration asks for. */
struct tg_dev_conf {
	const char *name;   /* of the port, for messages */
	const char *device; /* virtual device with its arguments, or PCI address */
	bool has_mac;
	struct tg_mac mac; /* ours; else the device's own */
	uint16_t mtu;
	bool promiscuous;
	bool multicast; /* IPv6 is in use, or a kernel listens: groups must come in */
	uint16_t worker_n;
	/* LN-21: behind it is not the network but a kernel. Its interface gets `mac`, where the
	 * driver makes one; nothing is computed or steered, and it is never waited for. */
	bool is_kernel;
	uint16_t kernel_of; /* index of the device whose packets go there */
	/* No device of its own but that of another port, told apart by VLAN: the index of the one
	 * that was opened. It sends there; what comes is that one's. */
	bool is_shared;
	uint16_t shares;
};

enum tg_dev_link {
	TG_DEV_LINK_UP = 1,
	TG_DEV_LINK_DOWN,
	TG_DEV_LINK_GONE,     /* the kernel's interface behind it was deleted */
	TG_DEV_LINK_REPLACED, /* another has its name now, which the driver does not use */
};

struct tg_dev {
	char name[48], device[256], driver[32];
	char iface[16];       /* the kernel's interface behind it (iface=NAME); "": none */
	uint32_t iface_index; /* the kernel's number of it, which a new one of the name has not */
	volatile enum tg_dev_link link; /* as link_up, with the reason */
	uint16_t id;                    /* DPDK's port id */
	struct tg_mac mac;
	uint16_t mtu, worker_n;
	uint16_t rx_queue_n, tx_queue_n, rx_desc, tx_desc;
	bool rx_csum, tx_ip_csum, tx_tcp_csum, tx_tso, fast_free, hw_rss;
	bool started, failed;  /* failed: by its own fault, which err then tells */
	volatile bool link_up; /* written by control, read by workers */
	uint64_t offload_rx, offload_tx;
	struct tg_dev_conf conf;
};

/* Finds or makes the device and learns what it can do. 0, or -1 and a sentence. */
int tg_dev_open(struct tg_dev *dev, const struct tg_dev_conf *conf, char *err, size_t err_size);
/* Takes a device that DPDK already has, by its port id (net_ring of the demo). */
int tg_dev_adopt(struct tg_dev *dev, const struct tg_dev_conf *conf, uint16_t id, char *err,
		 size_t err_size);
/* A port that shares the device of another, which is open; conf->shares says whose it is. */
void tg_dev_share(struct tg_dev *dev, const struct tg_dev_conf *conf, const struct tg_dev *opened);
/* Packet buffers that one worker needs for this device. */
uint32_t tg_dev_buffers(const struct tg_dev *dev);
/* Sets up the queues, worker w's fed from pool[w], and starts. 0, or -1 and a sentence. */
int tg_dev_start(struct tg_dev *dev, const struct tg_steer *steer, struct rte_mempool *const pool[],
		 char *err, size_t err_size);
/* Looks at the link and, because not every driver tells, at the kernel's interface behind it; true
 * when something changed. A few system calls. */
bool tg_dev_poll_link(struct tg_dev *dev);
/* What there is to say of the link as it is now: a sentence for the user. Returns buf. */
const char *tg_dev_link_text(const struct tg_dev *dev, char *buf, size_t size);
/* up, down, gone or replaced. */
const char *tg_dev_link_name(enum tg_dev_link link);
void tg_dev_close(struct tg_dev *dev);
/* One line on what it is and does, for the start of `serve`. Returns buf. */
const char *tg_dev_describe(const struct tg_dev *dev, char *buf, size_t size);

/* Of capabilities(7), those that devices of the kernel need. */
enum tg_dev_capability { TG_DEV_CAP_NET_ADMIN = 12, TG_DEV_CAP_NET_RAW = 13 };
bool tg_dev_has_capability(enum tg_dev_capability capability);

struct tg_dev_stats {
	uint64_t rx_packets, tx_packets, rx_bytes, tx_bytes;
	uint64_t rx_missed, rx_errors, tx_errors, rx_no_buffer;
};
void tg_dev_stats(const struct tg_dev *dev, struct tg_dev_stats *stats);

#endif
