/* SPDX-License-Identifier: BSD-3-Clause */
/* ladder_json.c: a ladder as one JSON object. */
#include "tg_ladder.h"

#include <inttypes.h>

static const char *const kind_name[] = {
    [0] = "",
    [TG_LADDER_PASS] = "pass",
    [TG_LADDER_SEND] = "send",
    [TG_LADDER_ARRIVE] = "arrive",
    [TG_LADDER_LOST] = "lost",
    [TG_LADDER_EVENT] = "event",
    [TG_LADDER_SKIP] = "skip",
};

static void put_member(struct tg_text *t, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	tg_text_add(t, ",\"%s\":\"", name);
	tg_text_json(t, value);
	tg_text_add(t, "\"");
}

static void put_pair(struct tg_text *t, const char *name, const char *const pair[2])
{
	tg_text_add(t, ",\"%s\":[", name);
	for (int i = 0; i < 2; i++) {
		tg_text_add(t, i ? ",\"" : "\"");
		tg_text_json(t, pair[i] ? pair[i] : "");
		tg_text_add(t, "\"");
	}
	tg_text_add(t, "]");
}

static void put_step(struct tg_text *t, const struct tg_ladder_step *s)
{
	bool has_side = s->kind != TG_LADDER_SKIP;

	tg_text_add(t, "{\"kind\":\"%s\",\"time_ns\":%" PRIu64, kind_name[s->kind], s->time_ns);
	if (has_side)
		tg_text_add(t, ",\"%s\":\"%s\"",
			    s->kind == TG_LADDER_ARRIVE || s->kind == TG_LADDER_EVENT ? "at"
										      : "from",
			    s->side == TG_LADDER_RIGHT ? "B" : "A");
	if (s->number)
		tg_text_add(t, ",\"packet\":%" PRIu64, s->number);
	if (s->json && *s->json)
		tg_text_add(t, ",%s", s->json);
	else
		put_member(t, "what", s->what);
	put_member(t, "note", s->note);
	put_pair(t, "state", s->state);
	tg_text_add(t, "}");
}

void tg_ladder_json(struct tg_text *t, const struct tg_ladder *l)
{
	tg_text_add(t, "{");
	if (l->key && *l->key)
		tg_text_add(t, "%s,", l->key);
	tg_text_add(t, "\"title\":\"");
	tg_text_json(t, l->title ? l->title : "");
	tg_text_add(t, "\"");
	put_pair(t, "name", l->name);
	put_member(t, "sentence", l->sentence);
	put_pair(t, "begin", l->begin);
	tg_text_add(t, ",\"steps\":[");
	for (uint32_t i = 0; i < l->n; i++) {
		if (i)
			tg_text_add(t, ",");
		put_step(t, &l->steps[i]);
	}
	tg_text_add(t, "]}");
}
