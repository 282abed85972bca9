/* SPDX-License-Identifier: BSD-3-Clause */
/* bogon.h (private to engine): sources that a SYN cannot come from. What no packet may come from
 * (0/8, 127/8, multicast, 240/4, ::, ::1, mapped addresses, our own) is dropped before, in every
 * mode and with every segment (LN-12); this is about the rest of the special-purpose registries. */
#ifndef TG_ENGINE_BOGON_H
#define TG_ENGINE_BOGON_H

#include "tg_engine.h"

struct tg_neigh;

/* Whether that mode has any bogons of that family. */
static inline bool tg_bogon_has(uint8_t mode, bool v4)
{
	return mode != TG_BOGONS_ALLOW && !(v4 && mode == TG_BOGONS_MARTIAN);
}
/* Whether src, of a packet that came by port, is a bogon in that mode (enum tg_bogons). A network
 * that one of the port's own addresses lies in is not, whatever it is: it is there. */
bool tg_bogon_is(uint8_t mode, const struct tg_neigh *neigh, uint32_t port,
		 const struct tg_addr *src);

#endif
