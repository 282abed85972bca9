/* SPDX-License-Identifier: BSD-3-Clause */
/* watch.h: what the relay sees of TCP as it comes out of the ends, before the link touches it: the
 * effective windows of the first connection, and a capture. */
#ifndef WATCH_H
#define WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct watch_side {
	bool seen;
	uint16_t port;
	uint8_t shift;                   /* of its window field */
	bool has_shift, sack, stamps;    /* what its SYN said */
	uint32_t mss, data_max;          /* of its SYN; its longest segment's payload */
	uint32_t next, acked;            /* highest sequence number sent; highest ACK it received */
	uint32_t flight_max, window_max; /* bytes: in flight; advertised by it */
	uint64_t segments, bytes, again; /* with data; their bytes; of these sent before */
};

struct watch {
	struct watch_side side[2];
	FILE *pcap;
};

/* pcap: a file to write the first bytes of each frame to; NULL for none. False when it cannot be.
 */
bool watch_open(struct watch *w, const char *pcap);
void watch_frame(struct watch *w, int from, uint64_t now_ns, const unsigned char *frame,
		 size_t len);
/* One line for each end. */
void watch_close(struct watch *w);

#endif
