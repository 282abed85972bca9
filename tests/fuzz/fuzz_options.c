/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_options.c: an option area of up to 40 bytes, alone and inside a segment, and back: what was
 * read, emitted and read again is the same (EST-29..31). */
#include "fuzz.h"
#include "tg_wire.h"

static void check_same(const struct tg_tcp_opts *a, const struct tg_tcp_opts *b)
{
	fuzz_require(a->has_mss == b->has_mss && a->mss == b->mss);
	fuzz_require(a->has_wscale == b->has_wscale && a->wscale == b->wscale);
	fuzz_require(a->has_sack_perm == b->has_sack_perm);
	fuzz_require(a->has_ts == b->has_ts && a->tsval == b->tsval && a->tsecr == b->tsecr);
	fuzz_require(a->sack_n == b->sack_n);
	fuzz_require(memcmp(a->sack, b->sack, 8u * a->sack_n) == 0);
}

/* Only what may stand in the segment survives the way out. */
static void round_trip(const struct tg_tcp_opts *opts, bool syn)
{
	struct tg_seg in = {.sport = 1, .dport = 2, .ctl = syn ? TG_TCP_SYN : TG_TCP_ACK}, out;
	uint8_t b[60];

	in.opts = *opts;
	in.opts.bad = 0;
	if (syn) {
		in.opts.sack_n = 0;
	} else {
		in.opts.has_mss = in.opts.has_wscale = in.opts.has_sack_perm = 0;
		in.opts.mss = 0;
		in.opts.wscale = 0;
		if (in.opts.has_ts && in.opts.sack_n > 3)
			in.opts.sack_n = 3;
	}
	uint32_t len = tg_tcp_emit(b, &in);
	fuzz_require(len == tg_tcp_hdr_len(&in.opts, syn) && len >= 20 && len <= 60 &&
		     len % 4 == 0);
	fuzz_require(tg_tcp_parse(b, len, &out) == TG_CTR_NONE);
	fuzz_require(!out.opts.bad && !out.opts.bad_sack);
	check_same(&in.opts, &out.opts);
}

static void in_segment(const uint8_t *data, uint32_t len, const struct tg_tcp_opts *want)
{
	uint8_t hdr[60] = {0, 1, 0, 2};
	struct tg_seg seg;

	hdr[12] = (uint8_t)((20 + len) << 2);
	memcpy(hdr + 20, data, len);
	uint8_t *copy = fuzz_copy(hdr, 20 + len);
	fuzz_require(tg_tcp_parse(copy, 20 + len, &seg) == TG_CTR_NONE);
	fuzz_require(seg.len == 0 && seg.opts.bad == want->bad);
	check_same(&seg.opts, want);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tg_tcp_opts opts;

	if (size > TG_TCP_OPT_MAX)
		return 0;
	uint8_t *copy = fuzz_copy(data, size);
	tg_tcp_parse_options(copy, (uint32_t)size, &opts);
	fuzz_require(opts.sack_n <= 4 && opts.bad <= 1);
	if (size % 4 == 0)
		in_segment(data, (uint32_t)size, &opts);
	round_trip(&opts, true);
	round_trip(&opts, false);
	free(copy);
	return 0;
}
