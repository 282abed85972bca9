/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tso.c: work that is saved does not show on the wire. Two hosts talk in bursts over a link
 * that loses, reorders and marks, by seed: once with all done in software, segment by segment; once
 * with checksums by the link, once with frames of many segments that the link cuts (DT-34, LN-16),
 * once with segments of a burst taken together (DT-35). The captures are equal to the byte, the
 * IPv4 identification aside, which RFC 6864 leaves free and we draw by frame. */
#include "../by_hand.h"
#include "lab.h"
#include "tg_test.h"

#include <stdlib.h>
#include <string.h>

enum { FLIGHT_MAX = 1024, BURST = 32, STEP_NS = 1000000, STEPS = 3000, DATAGRAM_MAX = 9700 };

struct datagram {
	uint64_t at_ns;
	uint32_t len;
	int to;
	uint8_t bytes[DATAGRAM_MAX];
};

struct capture {
	uint8_t *bytes;
	size_t len, cap;
	uint64_t datagrams, longest, fins, cwrs;
};

struct run {
	struct tg_lab *lab[2];
	int sock[2];
	uint64_t now_ns, rng;
	struct datagram *flight;
	uint32_t head, n;
	struct capture capture[2];
	int64_t tso_frames, merged, got[2], sent[2];
	bool v6, closed;
};

/* What one run is like; all from one number. */
struct plan {
	uint64_t seed;
	bool v6;
	char options[200];
	uint32_t loss, reorder, mark, both;
};

static uint32_t draw(struct run *r, uint32_t n)
{
	r->rng = r->rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(r->rng >> 33) % n;
}

static void capture_add(struct capture *c, const uint8_t *d, size_t len)
{
	bool v4 = d[0] >> 4 == 4;
	uint8_t flags = d[(v4 ? 20 : 40) + 13];

	if (c->len + len + 4 > c->cap) {
		c->cap = 2 * (c->cap + len + 4);
		c->bytes = realloc(c->bytes, c->cap);
		if (!c->bytes)
			abort();
	}
	uint8_t *to = c->bytes + c->len;

	memcpy(to, d, len);
	if (v4) /* identification, and the checksum over it */
		memset(to + 4, 0, 2), memset(to + 10, 0, 2);
	c->len += len;
	c->datagrams++;
	c->fins += flags & 1;
	c->cwrs += (flags & 0x80) != 0;
	if (len > c->longest)
		c->longest = len;
}

/* Of the header, which is not compared. */
static bool is_ip_csum_right(const uint8_t *d)
{
	return d[0] >> 4 == 6 || fold(sum(0, d, 20)) == 0;
}

/* CE on an ECT datagram: the router's work. */
static void mark(uint8_t *d)
{
	if (d[0] >> 4 == 6) {
		if (d[1] & 0x30)
			d[1] |= 0x30;
		return;
	}
	if (!(d[1] & 3))
		return;
	d[1] |= 3;
	put16(d + 10, 0);
	put16(d + 10, fold(sum(0, d, 20)));
}

/* The last two on the link change places; each keeps its time. */
static void swap(struct run *r)
{
	static struct datagram other;
	struct datagram *a = &r->flight[(r->head + r->n - 2) % FLIGHT_MAX];
	struct datagram *b = &r->flight[(r->head + r->n - 1) % FLIGHT_MAX];
	uint64_t at = a->at_ns;

	other = *a;
	*a = *b;
	*b = other;
	b->at_ns = a->at_ns;
	a->at_ns = at;
}

static void collect(struct run *r, int from, const struct plan *p)
{
	struct datagram *d = &r->flight[(r->head + r->n) % FLIGHT_MAX];
	uint64_t at;

	while ((d->len = (uint32_t)tg_lab_output(r->lab[from], d->bytes, DATAGRAM_MAX, &at))) {
		capture_add(&r->capture[from], d->bytes, d->len);
		CU_ASSERT_TRUE(is_ip_csum_right(d->bytes));
		if (draw(r, 1000) < p->loss)
			continue;
		if (draw(r, 1000) < p->mark)
			mark(d->bytes);
		d->to = !from;
		d->at_ns = r->now_ns + 5 * STEP_NS;
		CU_ASSERT_FATAL(r->n < FLIGHT_MAX - 1);
		r->n++;
		if (r->n > 1 && draw(r, 1000) < p->reorder)
			swap(r);
		d = &r->flight[(r->head + r->n) % FLIGHT_MAX];
	}
}

/* All that is due, neighbours for the same host as one burst. */
static void deliver(struct run *r)
{
	while (r->n && r->flight[r->head].at_ns <= r->now_ns) {
		const void *bytes[BURST];
		size_t len[BURST];
		int to = r->flight[r->head].to;
		uint32_t n = 0;

		while (n < BURST && r->n) {
			struct datagram *d = &r->flight[r->head];
			if (d->at_ns > r->now_ns || d->to != to)
				break;
			bytes[n] = d->bytes;
			len[n++] = d->len;
			r->head = (r->head + 1) % FLIGHT_MAX;
			r->n--;
		}
		tg_lab_input_burst(r->lab[to], r->now_ns, bytes, len, n);
	}
}

static void use(struct run *r, int who, const struct plan *p)
{
	static uint8_t buf[200000];
	ssize_t n;

	while ((n = tg_lab_read(r->lab[who], r->sock[who], buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			if (buf[i] != (uint8_t)((r->got[who] + i) * 7))
				CU_FAIL("the bytes that were sent");
		r->got[who] += n;
	}
	if (r->closed || (who == 1 && !p->both) || draw(r, 4))
		return;
	size_t len = 1 + draw(r, draw(r, 3) ? 3000 : sizeof(buf));

	for (size_t i = 0; i < len; i++)
		buf[i] = (uint8_t)((r->sent[who] + (int64_t)i) * 7);
	n = tg_lab_write(r->lab[who], r->sock[who], buf, len);
	if (n > 0)
		r->sent[who] += n;
}

static void open_both(struct run *r, const struct plan *p, const char *how)
{
	static const char *const addr[2][2] = {{"192.168.0.1", "192.168.0.2"},
					       {"fd3d:a0b:17d6::1", "fd3d:a0b:17d6::2"}};
	char options[400], err[200] = "";

	for (int i = 0; i < 2; i++) {
		snprintf(options, sizeof(options), "seed=%d addr=%s %s %s", i + 1, addr[p->v6][i],
			 p->options, how);
		r->lab[i] = tg_lab_new(options, err, sizeof(err));
		if (!r->lab[i])
			CU_FAIL_FATAL(err);
	}
	int listener = tg_lab_listen(r->lab[1], NULL, 80, 1, NULL);

	r->sock[0] = tg_lab_connect(r->lab[0], NULL, 0, addr[p->v6][1], 80, NULL);
	r->sock[1] = -1;
	struct plan quiet = {.v6 = p->v6};

	for (int i = 0; i < 40 && r->sock[1] < 0; i++) {
		r->now_ns += STEP_NS;
		deliver(r);
		collect(r, 0, &quiet);
		collect(r, 1, &quiet);
		r->sock[1] = tg_lab_accept(r->lab[1], listener);
	}
	CU_ASSERT_FATAL(r->sock[1] >= 0);
}

static void run(struct run *r, const struct plan *p, const char *how)
{
	char why[200] = "";

	memset(r, 0, sizeof(*r));
	r->flight = calloc(FLIGHT_MAX, sizeof(*r->flight));
	r->now_ns = 1000000000;
	r->rng = p->seed;
	open_both(r, p, how);
	for (int i = 0; i < STEPS; i++) {
		r->now_ns += STEP_NS;
		deliver(r);
		for (int k = 0; k < 2; k++) {
			tg_lab_advance(r->lab[k], r->now_ns);
			use(r, k, p);
			collect(r, k, p);
		}
		if (i == STEPS * 2 / 3) { /* FIN goes behind what is queued */
			tg_lab_shutdown(r->lab[0], r->sock[0], 1);
			tg_lab_shutdown(r->lab[1], r->sock[1], 1);
			r->closed = true;
		}
	}
	for (int k = 0; k < 2; k++) {
		r->merged += tg_lab_counter(r->lab[k], "rx_merged");
		r->tso_frames += tg_lab_counter(r->lab[k], "tso_frames");
		CU_ASSERT_TRUE(tg_lab_validate(r->lab[k], why, sizeof(why)));
		tg_lab_free(r->lab[k]);
	}
	free(r->flight);
}

static void compare(const struct run *a, const struct run *b)
{
	for (int k = 0; k < 2; k++) {
		CU_ASSERT_EQUAL(a->capture[k].datagrams, b->capture[k].datagrams);
		CU_ASSERT_EQUAL(a->capture[k].len, b->capture[k].len);
		CU_ASSERT(a->capture[k].len == b->capture[k].len &&
			  !memcmp(a->capture[k].bytes, b->capture[k].bytes, a->capture[k].len));
	}
}

static void make_plan(struct plan *p, uint64_t seed)
{
	static const char *const variant[] = {
	    "",
	    "sack=off",
	    "timestamps=off",
	    "nodelay=on ecn=on",
	    "mtu=9000",
	    "ecn=on congestion=newreno",
	    "maxseg=536 nodelay=on",
	    "sndbuf=30000 rcvbuf=20000",
	};
	uint32_t v = (uint32_t)(seed % TG_TEST_N(variant));

	*p = (struct plan){.seed = seed * UINT64_C(0x9e3779b97f4a7c15), .v6 = seed / 8 & 1};
	p->loss = seed / 16 & 1 ? 10 : 0;
	p->reorder = seed / 4 & 1 ? 10 : 0;
	p->mark = strstr(variant[v], "ecn=on") ? 20 : 0;
	p->both = seed / 3 & 1;
	snprintf(p->options, sizeof(p->options), "%s", variant[v]);
}

static const char *const ways[] = {
    "tx_offload=none rx_merge=off", /* the one that the others are compared with */
    "tx_offload=checksum rx_merge=off", "tx_offload=tso rx_merge=off",
    "tx_offload=none rx_merge=on",      "tx_offload=tso rx_merge=on",
};

static void test_transfers_anyWay_sameBytes(void)
{
	int64_t frames = 0, merged = 0, cwrs = 0, fins = 0;

	for (uint64_t seed = 0; seed < 32 && !CU_get_number_of_failures(); seed++) {
		struct run way[TG_TEST_N(ways)];
		struct plan p;

		make_plan(&p, seed);
		for (uint32_t i = 0; i < TG_TEST_N(ways); i++) {
			run(&way[i], &p, ways[i]);
			compare(&way[0], &way[i]);
		}
		CU_ASSERT(way[0].got[1] == way[0].sent[0] && way[0].got[0] == way[0].sent[1]);
		CU_ASSERT(way[0].tso_frames == 0 && way[0].merged == 0);
		CU_ASSERT(way[2].capture[0].longest <= (strstr(p.options, "9000") ? 9000u : 1500u));
		frames += way[2].tso_frames;
		merged += way[3].merged;
		cwrs += (int64_t)way[2].capture[0].cwrs;
		fins += (int64_t)way[2].capture[0].fins;
		for (uint32_t i = 0; i < 2 * TG_TEST_N(ways); i++)
			free(way[i / 2].capture[i & 1].bytes);
		if (CU_get_number_of_failures())
			printf("seed %llu: %s, IPv%d, loss %u\n", (unsigned long long)seed,
			       p.options, p.v6 ? 6 : 4, p.loss);
	}
	CU_ASSERT(frames > 500); /* it was tried at all */
	CU_ASSERT(merged > 500);
	CU_ASSERT(cwrs > 2);
	CU_ASSERT(fins >= 32);
}

static const struct tg_test tests[] = {
    {"transfers_anyWay_sameBytes", test_transfers_anyWay_sameBytes},
};

int main(int argc, char **argv)
{
	return tg_test_main("tso", tests, TG_TEST_N(tests), argc, argv);
}
