/* SPDX-License-Identifier: BSD-3-Clause */
/* mass.h: the two masses: connections at rest, and TIME-WAIT records. */
#ifndef MASS_H
#define MASS_H

#include "mass_world.h"

/* n, a multiple of MASS_BATCH: opened, asked, closed, gone. */
void mass_rest(uint32_t n, bool validate);
size_t mass_rest_bytes(uint32_t n);
/* n, likewise: made, and ended while others talk, `parts` times with ends and without. */
void mass_time_wait(uint32_t n, uint32_t parts, bool validate);
size_t mass_time_wait_bytes(uint32_t n);

#endif
