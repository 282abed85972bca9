/* SPDX-License-Identifier: BSD-3-Clause */
/* life.h: what a run is to do, and its parts. */
#ifndef LIFE_H
#define LIFE_H

#include "life_rig.h"

enum { LIFE_RIG_MAX = 2, LIFE_WINDOW_MS = 100 };

struct life_opts {
	uint32_t live[LIFE_RIG_MAX], rig_n; /* populations, each with an engine of its own */
	uint32_t packets, batch, msl_ms, seconds;
	enum life_close close;
	bool verbose, check;
	/* bulk */
	bool bulk;
	uint32_t flows, loss_ppm, seed;
};

/* Whole lives; the numbers go to standard output. */
void life_run(const struct life_opts *o);
/* What life_run will take, to be asked for before. */
uint64_t life_run_bytes(const struct life_opts *o);
/* One server and one client, of the product both, and bytes from one to the other. */
void life_bulk(const struct life_opts *o);
uint64_t life_bulk_bytes(const struct life_opts *o);

#endif
