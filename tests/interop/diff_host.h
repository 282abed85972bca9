/* SPDX-License-Identifier: BSD-3-Clause */
/* diff_host.h: the host under test: the kernel behind a TUN device, or a lab. Both are driven with
 * the same calls; each case has a port of its own, so that nothing is left from the one before. */
#ifndef DIFF_HOST_H
#define DIFF_HOST_H

#include "diff_wire.h"

struct host {
	const char *name;
	/* A fresh beginning for one case; the port is the host's, the peer has the same number. */
	bool (*begin)(struct host *h, bool v6, uint16_t port);
	bool (*listen)(struct host *h);
	bool (*connect)(struct host *h);
	bool (*accept)(struct host *h);
	bool (*write)(struct host *h, size_t n);
	bool (*shut)(struct host *h);
	void (*inject)(struct host *h, const unsigned char *datagram, size_t len);
	/* The next datagram that comes within ms; 0: none. */
	size_t (*output)(struct host *h, unsigned char *datagram, size_t cap, unsigned ms);
	void (*end)(struct host *h);
};

/* The kernel in a network namespace that this process makes for itself; NULL with a word in why. */
struct host *host_kernel(const char **why);
struct host *host_lab(void);

#endif
