/* SPDX-License-Identifier: BSD-3-Clause */
/* explain_out.c: which flows are shown, and where they go. */
#include "explain.h"

#include "cli.h"
#include "text_out.h"

#include <inttypes.h>
#include <string.h>

static bool is_picked(const struct tg_explain_conf *c, uint64_t number)
{
	for (uint32_t i = 0; i < c->pick_n; i++)
		if (c->pick[i] == number)
			return true;
	return c->pick_n == 0;
}

static bool is_wanted(const struct tg_explain_out *o, const struct tg_flow_info *info)
{
	const struct tg_explain_conf *c = o->conf;
	const struct tg_tuple *t = &info->tuple;
	double first = (double)(int64_t)(info->first_ns - o->begin_ns) / 1e9;
	double last = (double)(int64_t)(info->last_ns - o->begin_ns) / 1e9;

	if (!is_picked(c, info->number))
		return false;
	if (c->find && !(c->find & info->problems))
		return false;
	if (c->port && t->lport != c->port && t->rport != c->port)
		return false;
	if (c->has_addr && !tg_addr_in_prefix(&t->laddr, &c->addr, c->prefix_len) &&
	    !tg_addr_in_prefix(&t->raddr, &c->addr, c->prefix_len))
		return false;
	return last >= c->from_s && first <= c->to_s;
}

static void print(struct tg_explain_out *o)
{
	if (o->text.failed) {
		tg_cli_failed("explain", "out of memory");
		o->failed = true;
	} else if (o->text.len) {
		fwrite(o->text.at, 1, o->text.len, stdout);
	}
	tg_text_clear(&o->text);
}

static void put_words(struct tg_text *t, uint32_t problems)
{
	bool first = true;

	for (int i = 0; i < TG_FLOW_PROBLEM_N; i++) {
		if (!(problems & 1u << i))
			continue;
		tg_text_add(t, "%s%s", first ? "" : ",", tg_flow_kind[i].word);
		first = false;
	}
	if (first)
		tg_text_add(t, "normal");
}

static void put_list_line(struct tg_explain_out *o, const struct tg_ladder *l,
			  const struct tg_flow_info *info)
{
	tg_text_add(&o->text, "%-5" PRIu64 " %10.6f  %s -> %s  ", info->number,
		    (double)(int64_t)(info->first_ns - o->begin_ns) / 1e9, l->name[0], l->name[1]);
	put_words(&o->text, info->problems);
	tg_text_add(&o->text, "\n      %s\n", info->sentence);
}

static void put_picture(struct tg_explain_out *o, const struct tg_ladder *l,
			const struct tg_flow_info *info)
{
	struct tg_text text = {0};
	char path[4096];

	if (!o->conf->svg_folder) {
		if (o->page_n++ < TG_EXPLAIN_PAGE_MAX)
			tg_ladder_page_add(&o->page, l, &o->page_y);
		return;
	}
	tg_ladder_svg(&text, l);
	if ((size_t)snprintf(path, sizeof(path), "%s/flow-%" PRIu64 ".svg", o->conf->svg,
			     info->number) >= sizeof(path) ||
	    !tg_out_file("explain", path, &text))
		o->failed = true;
	tg_text_free(&text);
}

static void put_flow(struct tg_explain_out *o, const struct tg_ladder *l,
		     const struct tg_flow_info *info)
{
	switch (o->conf->form) {
	case TG_EXPLAIN_TEXT:
		tg_ladder_text(&o->text, l, (uint32_t)o->conf->columns, !o->conf->ascii);
		break;
	case TG_EXPLAIN_LIST:
		put_list_line(o, l, info);
		break;
	case TG_EXPLAIN_JSON:
		tg_text_add(&o->text, o->shown ? ",\n" : "");
		tg_ladder_json(&o->text, l);
		break;
	}
	o->shown++;
	if (o->conf->svg)
		put_picture(o, l, info);
}

void tg_explain_flow(void *ctx, const struct tg_flow *flow)
{
	struct tg_explain_out *o = ctx;
	struct tg_flow_info info;
	struct tg_ladder *l;

	tg_flow_info(flow, &info);
	o->flows++;
	for (int i = 0; i < TG_FLOW_PROBLEM_N; i++)
		o->kind_n[i] += (info.problems >> i) & 1;
	if (o->failed || !is_wanted(o, &info))
		return;
	l = tg_flow_ladder(flow, &info);
	if (!l) {
		tg_cli_failed("explain", "out of memory");
		o->failed = true;
		return;
	}
	put_flow(o, l, &info);
	tg_flow_ladder_free(l);
	print(o);
}

void tg_explain_begin(struct tg_explain_out *o)
{
	if (o->conf->form == TG_EXPLAIN_JSON)
		fputs("{\"flows\":[\n", stdout);
}

bool tg_explain_end(struct tg_explain_out *o, const char *title)
{
	if (o->conf->svg && !o->conf->svg_folder && !o->failed) {
		tg_ladder_page_end(&o->page, title, o->page_y + 20);
		if (!tg_out_file("explain", o->conf->svg, &o->page))
			o->failed = true;
		if (o->page_n > TG_EXPLAIN_PAGE_MAX)
			fprintf(stderr,
				"tidegate explain: %s has the first %d of %" PRIu32
				" connections: --svg FOLDER/ writes one file for each\n",
				o->conf->svg, TG_EXPLAIN_PAGE_MAX, o->page_n);
	}
	tg_text_free(&o->page);
	tg_text_free(&o->text);
	return !o->failed;
}
