/* SPDX-License-Identifier: BSD-3-Clause */
/* explain_gallery.c: `tidegate explain --gallery`: a picture and a capture of each kind of
 * conversation, and a page of them all in words. */
#include "explain.h"

#include "cli.h"
#include "explain_scenes.h"
#include "text_out.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct gallery {
	const struct tg_scene *scene;
	struct tg_flows *flows;
	struct tg_trace_writer *pcap;
	struct tg_text page, text; /* of one scene: its picture, its words */
	uint64_t number;
	uint32_t y;
	bool failed;
};

static void on_packet(void *ctx, uint64_t time_ns, int side, const uint8_t *datagram, uint32_t len,
		      uint32_t wire_len)
{
	struct gallery *g = ctx;
	struct tg_dissected d;
	char err[160];

	(void)side;
	(void)wire_len;
	g->number++;
	if (!tg_trace_put(g->pcap, time_ns, datagram, len, err, sizeof(err))) {
		tg_cli_failed("explain", "%s", err);
		g->failed = true;
	}
	if (tg_dissect(TG_TRACE_RAW, datagram, len, &d) == TG_DISSECT_TCP &&
	    !tg_flows_put(g->flows, time_ns, g->number, &d))
		g->failed = true;
}

static void on_flow(void *ctx, const struct tg_flow *flow)
{
	struct gallery *g = ctx;
	struct tg_flow_info info;
	struct tg_ladder *l;

	tg_flow_info(flow, &info);
	l = tg_flow_ladder(flow, &info);
	if (!l) {
		g->failed = true;
		return;
	}
	l->title = g->scene->title;
	tg_ladder_page_add(&g->page, l, &g->y);
	tg_ladder_text(&g->text, l, 100, true);
	tg_flow_ladder_free(l);
}

static bool open_pcap(struct gallery *g, const char *folder)
{
	char path[4096], err[160];

	snprintf(path, sizeof(path), "%s/%s.pcap", folder, g->scene->name);
	g->pcap = tg_trace_create(path, TG_TRACE_RAW, err, sizeof(err));
	if (!g->pcap)
		tg_cli_failed("explain", "%s", err);
	return g->pcap != NULL;
}

static bool write_picture(struct gallery *g, const char *folder)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s.svg", folder, g->scene->name);
	tg_ladder_page_end(&g->page, g->scene->title, g->y);
	return tg_out_file("explain", path, &g->page);
}

static bool play(struct gallery *g, const char *folder)
{
	struct tg_flows_conf conf = {
	    .open_max = 16, .steps_max = 96, .msl_ms = 30000, .out = on_flow, .ctx = g};
	struct tg_stage stage = {.show = on_packet, .ctx = g};
	char err[160];

	g->y = 0;
	g->number = 0;
	tg_text_clear(&g->page);
	g->flows = tg_flows_new(&conf);
	if (!g->flows || !open_pcap(g, folder)) {
		tg_flows_free(g->flows);
		return false;
	}
	tg_text_add(&g->text, "## %s: %s\n\n", g->scene->name, g->scene->title);
	g->scene->play(&stage);
	g->failed = g->failed || stage.failed;
	tg_stage_end(&stage);
	tg_flows_end(g->flows);
	tg_flows_free(g->flows);
	if (!tg_trace_finish(g->pcap, err, sizeof(err))) {
		tg_cli_failed("explain", "%s", err);
		return false;
	}
	return write_picture(g, folder) && !g->failed;
}

int tg_explain_gallery(const char *folder)
{
	struct gallery g = {0};
	char path[4096];
	bool ok = true;

	if (strlen(folder) > sizeof(path) - 64)
		return tg_cli_usage("explain", "--gallery: the name is too long");
	if (mkdir(folder, 0777) != 0 && errno != EEXIST)
		return tg_cli_usage("explain", "--gallery %s: %s", folder, strerror(errno));
	for (size_t i = 0; i < tg_scene_n && ok; i++) {
		g.scene = &tg_scene[i];
		ok = play(&g, folder);
	}
	snprintf(path, sizeof(path), "%s/gallery.txt", folder);
	ok = ok && tg_out_file("explain", path, &g.text);
	tg_text_free(&g.page);
	tg_text_free(&g.text);
	if (!ok)
		return tg_cli_failed("explain", "--gallery %s: not all was written", folder);
	printf("%zu conversations in %s: NAME.svg, NAME.pcap, gallery.txt\n", tg_scene_n, folder);
	return tg_cli_printed("explain");
}
