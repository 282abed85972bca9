/* SPDX-License-Identifier: BSD-3-Clause */
/* prove_show.h: what `tidegate prove` found, drawn and told. */
#ifndef TG_APP_PROVE_SHOW_H
#define TG_APP_PROVE_SHOW_H

#include "tg_prove.h"
#include "tg_text.h"

/* How results are shown. */
struct tg_prove_view {
	uint32_t columns;
	bool utf8;
	const char *pcap, *svg; /* where to, or NULL */
};

/* The way to where the property broke, as a ladder on standard output, and as files. False after a
 * message. */
bool tg_prove_draw(const struct tg_prove_view *v, const struct tg_prove_result *r,
		   const struct tg_prove_scenario *scenario, const char *sentence);

/* Questions, experiments, pictures, answers. 0, or 1 when one did not come out as told. */
int tg_prove_article(const struct tg_prove_view *v, bool chinese);

#endif
