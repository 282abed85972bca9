/* SPDX-License-Identifier: BSD-3-Clause */
/* capture_ends.h: who talks to whom in a capture that a net_pcap device reads. */
#ifndef TG_APP_CAPTURE_ENDS_H
#define TG_APP_CAPTURE_ENDS_H

#include "tg_types.h"

struct tg_capture_ends {
	struct tg_mac sender, receiver;
};

/* device: as in the configuration. True when it reads a file (rx_pcap=) that has an IP frame from
 * one host to another: then the MAC addresses of the first. */
bool tg_capture_ends(const char *device, struct tg_capture_ends *ends);

#endif
