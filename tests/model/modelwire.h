/* SPDX-License-Identifier: BSD-3-Clause */
/* modelwire.h: segments of the model's tuples as datagrams and back (RFC 791, 8200, 9293 3.1),
 * written for itself. */
#ifndef MODELWIRE_H
#define MODELWIRE_H

#include "refmodel.h"

enum { WIRE_MAX = 1600 };

/* The text addresses of host 0 and 1. */
extern const char *const wire_addr[2][2]; /* [v6][host] */

/* Writes what `from` sends: ports of s are the sender's. Returns the length. */
size_t wire_build(const struct ref_seg *s, bool v6, int from, uint8_t out[WIRE_MAX]);

/* Reads a datagram that goes to host `to`, as the host `view` sees it. NULL, or why it is not one
 * of ours. s->text lies in d. */
const char *wire_parse(struct ref_seg *s, bool v6, int to, int view, const uint8_t *d, size_t len);

#endif
