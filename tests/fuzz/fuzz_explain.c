/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_explain.c: packets of any content, at any time, behind any link header: explain follows
 * them, tells them and draws them, and what it draws is well formed. An input is a row of records:
 * one byte of form, two of length, then the bytes; with form's top bit the bytes are the fields of
 * a segment between two hosts, so that whole conversations are found quickly. */
#include "fuzz.h"
#include "tg_flow.h"

enum { FLOWS = 4, STEPS = 32, PORTS = 2 };

struct run {
	struct tg_flows *flows;
	uint64_t now_ns, number;
};

static void draw(void *ctx, const struct tg_flow *flow)
{
	struct tg_flow_info info;
	struct tg_text text = {0};
	struct tg_ladder *l;

	(void)ctx;
	tg_flow_info(flow, &info);
	fuzz_require(strlen(info.sentence) < sizeof(info.sentence));
	l = tg_flow_ladder(flow, &info);
	fuzz_require(l != NULL);
	tg_ladder_text(&text, l, 80, true);
	tg_ladder_json(&text, l);
	tg_ladder_svg(&text, l);
	fuzz_require(!text.failed && strlen(text.at) == text.len);
	tg_text_free(&text);
	tg_flow_ladder_free(l);
}

static void put(struct run *r, const struct tg_dissected *d)
{
	r->number++;
	fuzz_require(tg_flows_put(r->flows, r->now_ns, r->number, d));
}

/* Twelve bytes: flags, side and port, small numbers, length, options. */
static void put_fields(struct run *r, const uint8_t *b)
{
	struct tg_dissected d = {0};
	bool right = b[1] & 1;

	tg_addr_parse("192.0.2.1", right ? &d.dst : &d.src);
	tg_addr_parse("192.0.2.2", right ? &d.src : &d.dst);
	d.seg.sport = (uint16_t)(right ? 80 : 1000 + (b[1] >> 1) % PORTS);
	d.seg.dport = (uint16_t)(right ? 1000 + (b[1] >> 1) % PORTS : 80);
	d.seg.ctl = b[0];
	d.seg.seq = tg_seq_make((uint32_t)b[2] - 8 + (b[3] & 0x80 ? 0x40000000u * (b[3] & 3) : 0));
	d.seg.ack = tg_seq_make((uint32_t)b[4] - 8 + (b[5] & 0x80 ? 0x40000000u * (b[5] & 3) : 0));
	d.seg.len = b[6] & 0x80 ? (uint32_t)b[6] << 9 : b[6];
	d.seg.wnd = (uint16_t)(b[7] * 257);
	d.seg.opts.has_ts = b[8] & 1;
	d.seg.opts.has_wscale = (b[8] >> 1) & 1;
	d.seg.opts.has_mss = (b[8] >> 2) & 1;
	d.seg.opts.has_sack_perm = (b[8] >> 3) & 1;
	d.seg.opts.sack_n = (b[8] >> 4) % 5;
	d.seg.opts.wscale = b[9];
	d.seg.opts.mss = b[9];
	d.seg.opts.tsval = b[10];
	d.seg.opts.tsecr = b[11];
	put(r, &d);
}

static void put_bytes(struct run *r, uint8_t form, const uint8_t *data, size_t len)
{
	uint8_t *copy = fuzz_copy(data, len);
	struct tg_dissected d;

	if (tg_dissect((enum tg_trace_link)(TG_TRACE_ETHERNET + form % 5), copy, (uint32_t)len,
		       &d) == TG_DISSECT_TCP)
		put(r, &d);
	free(copy);
}

/* Small steps forward, now and then a leap, or back. */
static void pass_time(struct run *r, uint8_t form)
{
	static const uint64_t leap[] = {1000, 10000000, 300000000, 61000000000,
					UINT64_C(100000000000000000)};

	if ((form & 7) == 7)
		r->now_ns /= 2;
	else
		r->now_ns += leap[(form & 7) % 5] * 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tg_flows_conf conf = {
	    .open_max = FLOWS, .steps_max = STEPS, .full = size & 1, .msl_ms = 30000, .out = draw};
	struct run r = {.flows = tg_flows_new(&conf), .now_ns = 1000000000};

	if (!r.flows)
		return 0;
	while (size >= 3) {
		uint8_t form = data[0];
		size_t len = form & 0x80 ? 12 : (size_t)data[1] << 8 | data[2];

		pass_time(&r, form >> 3);
		data += 3;
		size -= 3;
		if (len > size)
			break;
		if (form & 0x80)
			put_fields(&r, data);
		else
			put_bytes(&r, form, data, len);
		data += len;
		size -= len;
	}
	tg_flows_end(r.flows);
	tg_flows_free(r.flows);
	return 0;
}
