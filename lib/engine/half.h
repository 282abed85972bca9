/* SPDX-License-Identifier: BSD-3-Clause */
/* half.h (private to engine): plain SYNs (tg_wire_plain.h) that a half-open entry answers. Entries
 * of one listener for SYNs with the same options differ in numbers alone, and so do their SYN-ACKs.
 * The first of a kind goes the long way (listen.c); what came of it is a form, and the next of the
 * kind is a copy of it with numbers of its own. Whatever stands before an entry is asked for each.
 */
#ifndef TG_ENGINE_HALF_H
#define TG_ENGINE_HALF_H

#include "tg_conn.h"
#include "tg_wire_syn.h"

enum { TG_HALF_FORMS = 8 };

struct tg_half_form {
	/* --- what makes one kind --- */
	uint32_t gen;     /* listen_gen of the engine; 0 with no listener: nothing is here */
	int16_t listener; /* and 1 */
	uint16_t mss, mtu, port;
	uint8_t wscale;
	/* --- what came of it --- */
	bool is_good; /* else all of the kind go the long way */
	uint32_t timer_ms;
	struct tg_conn conn;
	struct tg_synack synack; /* its link header is filled in when it goes */
};

#endif
