/* SPDX-License-Identifier: BSD-3-Clause */
/* life_mirror.h: the least that any answer needs, as dpdk-testpmd does it in its mode 5tswap: read
 * the headers, exchange addresses and ports, write them back. Checksums stay right by themselves.
 */
#ifndef LIFE_MIRROR_H
#define LIFE_MIRROR_H

#include <stdint.h>

/* A burst of a device, back to where it came from. Returns how many packets. */
uint32_t life_mirror_round(uint16_t dev);

#endif
