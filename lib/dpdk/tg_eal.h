/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_eal.h: starts DPDK's environment (EAL) so that it needs as little as the machine gives:
 * hugepages where there are some (--in-memory), ordinary memory where not (--no-huge), no PCI scan
 * unless a port names a PCI address, one lcore for control, which sleeps, and one a worker.
 *
 * What DPDK logs is kept back; the first error becomes part of our own one line. */
#ifndef TG_EAL_H
#define TG_EAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TG_WORKER_MAX = 127 };

struct tg_eal_conf {
	const char *name;          /* the instance: --file-prefix tidegate-NAME */
	const char *const *device; /* [device_n]: as in the configuration, to find PCI addresses */
	uint32_t device_n;
	uint32_t worker_n;  /* 1..TG_WORKER_MAX */
	uint32_t memory_mb; /* what packet buffers and drivers need */
	char **extra;       /* [extra_n]: EAL options of the user, which come last and win */
	uint32_t extra_n;
	bool verbose; /* DPDK's log to stderr */
};

/* What came of it. */
struct tg_eal_got {
	bool hugepages;
	bool shared_cpu; /* workers share a CPU with each other: they yield when idle */
	uint32_t lcore[TG_WORKER_MAX]; /* of each worker */
};

/* 0, or -1 and a sentence in err. Once a process. */
int tg_eal_init(const struct tg_eal_conf *conf, struct tg_eal_got *got, char *err, size_t err_size);
void tg_eal_fini(void);

/* The first error that DPDK logged since the last call of tg_eal_log_clear; "" when there is none.
 */
const char *tg_eal_log_error(void);
void tg_eal_log_clear(void);

/* True when device is a PCI address (BUS:DEV.FN or DOMAIN:BUS:DEV.FN), arguments may follow. */
bool tg_eal_is_pci(const char *device);
/* The directory in which DPDK makes one directory a process: $XDG_RUNTIME_DIR/dpdk, /run/dpdk for
 * root, /tmp/dpdk otherwise. */
const char *tg_eal_runtime_dir(char *buf, size_t size);
/* Bytes in free hugepages of all sizes. */
uint64_t tg_eal_hugepage_free(void);

#endif
