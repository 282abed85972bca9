/* SPDX-License-Identifier: BSD-3-Clause */
/* explain.h: what the files of `tidegate explain` share. */
#ifndef TG_APP_EXPLAIN_H
#define TG_APP_EXPLAIN_H

#include "tg_flow.h"

#include <stdio.h>

enum tg_explain_form { TG_EXPLAIN_TEXT = 1, TG_EXPLAIN_LIST, TG_EXPLAIN_JSON };

enum { TG_EXPLAIN_PICK_MAX = 64, TG_EXPLAIN_PAGE_MAX = 1000 };

/* What the command line asks for. */
struct tg_explain_conf {
	enum tg_explain_form form;
	const char *svg; /* file or folder; NULL = none */
	bool svg_folder, full, ascii;
	uint64_t columns, open_max, msl_ms;
	uint32_t find; /* bits of enum tg_flow_problem; 0 = all flows */
	uint64_t pick[TG_EXPLAIN_PICK_MAX];
	uint32_t pick_n;
	bool has_addr;
	struct tg_addr addr;
	uint8_t prefix_len;
	uint64_t port; /* 0 = any */
	double from_s, to_s;
};

/* What goes out, and what went. */
struct tg_explain_out {
	const struct tg_explain_conf *conf;
	struct tg_text text, page;
	uint32_t page_y, page_n;
	uint64_t flows, shown, kind_n[TG_FLOW_PROBLEM_N];
	uint64_t begin_ns; /* of the capture */
	bool failed;       /* told already */
};

/* One flow: shown, when the configuration asks for it. ctx: struct tg_explain_out. */
void tg_explain_flow(void *ctx, const struct tg_flow *flow);
/* What stands before the first flow and behind the last. False: told already. */
void tg_explain_begin(struct tg_explain_out *o);
bool tg_explain_end(struct tg_explain_out *o, const char *title);

/* `--gallery`: a picture of each kind, and a page of text. The exit code. */
int tg_explain_gallery(const char *folder);

#endif
