/* SPDX-License-Identifier: BSD-3-Clause */
/* mass.h: the two masses: connections at rest, and TIME-WAIT records. */
#ifndef MASS_H
#define MASS_H

#include "mass_world.h"

enum {
	MASS_CLUSTER = 4 * MASS_BATCH, /* records of one millisecond: more than may end in a call */
	MASS_RECORDS_MAX = 76800000    /* that are made before the first one ends */
};

/* n, a multiple of MASS_BATCH: opened, asked, closed, gone. */
void mass_rest(uint32_t n, bool validate);
size_t mass_rest_bytes(uint32_t n);
/* n, a multiple of MASS_CLUSTER: made, and ended while others talk, `parts` times with ends and
 * without. */
void mass_time_wait(uint32_t n, uint32_t parts, bool validate);
size_t mass_time_wait_bytes(uint32_t n);

#endif
