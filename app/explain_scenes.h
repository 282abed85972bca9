/* SPDX-License-Identifier: BSD-3-Clause */
/* explain_scenes.h: conversations of each kind, with what is to be said of them: the gallery, and
 * the ground of explain's tests. */
#ifndef TG_APP_EXPLAIN_SCENES_H
#define TG_APP_EXPLAIN_SCENES_H

#include "explain_stage.h"

struct tg_scene {
	const char *name, *title;
	void (*play)(struct tg_stage *s); /* from begin to the last packet */
	const char *says[4];              /* parts of the sentence of the last connection */
	const char *kinds;                /* its kinds, in their order: "retransmission,loss" */
};

extern const struct tg_scene tg_scene[];
extern const size_t tg_scene_n;

#endif
