/* SPDX-License-Identifier: BSD-3-Clause */
/* prove.h: what the files of `tidegate prove` share. */
#ifndef TG_APP_PROVE_H
#define TG_APP_PROVE_H

#include "tg_prove.h"
#include "tg_text.h"

/* A rule that can be taken away, and where its absence shows. */
struct tg_prove_switch {
	const char *option, *value; /* "handshake", "2"; value NULL: an option without one */
	enum tg_prove_rule rule;
	const char *about;
	struct {
		const char *scenario;
		enum tg_prove_property property;
	} shows[2]; /* scenario NULL: no second one */
};

/* NULL from the end on. */
const struct tg_prove_switch *tg_prove_switch(uint32_t i);

/* How results are shown. */
struct tg_prove_view {
	uint32_t columns;
	bool utf8;
	const char *pcap, *svg; /* where to, or NULL */
};

/* The way to where the property broke, as a ladder on standard output, and as files. False after a
 * message. without: the rules that were taken away. */
bool tg_prove_draw(const struct tg_prove_view *v, const struct tg_prove_result *r,
		   const struct tg_prove_scenario *scenario, const char *sentence);
bool tg_prove_write_pcap(const char *path, const struct tg_prove_result *r);

/* Questions, experiments, pictures, answers. 0, or 1 when one did not come out as told. */
int tg_prove_article(const struct tg_prove_view *v, bool chinese);

#endif
