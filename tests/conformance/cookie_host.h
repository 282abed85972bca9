/* SPDX-License-Identifier: BSD-3-Clause */
/* cookie_host.h: what the tests of SYN cookies share: listeners that mint, floods, and handshakes
 * of which nothing is kept. */
#ifndef COOKIE_HOST_H
#define COOKIE_HOST_H

#include "lab_host.h"

/* Cookies for each SYN. The numbers of the half-open connection are those of the cookie. */
static inline struct seg cookie_syn(struct host *h, const struct seg *syn)
{
	struct seg s = host_syn(h, syn);

	expect_state(h, "SC-01", "CLOSED"); /* no state */
	return s;
}

static inline void always(struct host *h, const char *options)
{
	char all[200];

	host_init(h, NULL);
	snprintf(all, sizeof(all), "syn_cookies=always %s", options ? options : "");
	host_listen(h, all);
}

/* SYNs from other ports; counts the half-open entries that they made. */
static inline void flood(struct host *h, uint16_t from, int n)
{
	for (int i = 0; i < n; i++) {
		struct seg syn = {
		    .flags = SYN, .seq = 1, .sport = (uint16_t)(from + i), .win = 100};
		host_send(h, &syn);
	}
	host_drain(h);
}

static inline void take(struct host *h)
{
	h->una = h->nxt;
	h->sock = tg_lab_accept(h->lab, h->listener);
	expect_true("SC-16", h->sock >= 0, "the cookie opened a connection");
	expect_state(h, "SC-16", "ESTABLISHED");
}

#endif
