/* SPDX-License-Identifier: BSD-3-Clause */
/* virtual_bulk.c: transfers that were established before the flood came: a lab as their other end,
 * behind a link with a rate and a queue. Half of them bring text, half of them take it away, for
 * ever; congestion control shares the link. */
#include "virtual.h"

#include "lab.h"
#include "tg_wire.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	ONE_WAY_NS = 10000000,
	QUEUE_MS = 40, /* of the link's rate */
	PATTERN = 251,
	PIECE = 65536,
};

struct flow {
	int sock;
	bool down, asked, in_body, broken;
	uint32_t last4;
	uint64_t body, written; /* bytes of body read; bytes written, the head too */
};

struct v_bulk {
	struct v_run *run;
	struct tg_lab *lab;
	struct flow flow[2 * V_FLOW_MAX];
	uint32_t flow_n;
	uint64_t link_free_ns[2]; /* to the server; from it */
	double ns_per_byte;
	uint64_t next_ns;
	uint8_t pattern[PIECE + PATTERN];
};

static const char get[] = "GET /bytes/1000000000000 HTTP/1.1\r\nHost: flood.test\r\n\r\n",
		  post[] = "POST /sink HTTP/1.1\r\nHost: flood.test\r\n"
			   "Content-Length: 1000000000000\r\n\r\n";

/* When a packet leaves the link; false: the queue is full. */
static bool through_link(struct v_bulk *b, int way, uint32_t len, uint64_t now_ns, uint64_t *at_ns)
{
	uint64_t begin = b->link_free_ns[way] > now_ns ? b->link_free_ns[way] : now_ns;

	if (begin - now_ns > QUEUE_MS * TG_NS_PER_MS)
		return false;
	b->link_free_ns[way] = begin + (uint64_t)(len * b->ns_per_byte);
	*at_ns = b->link_free_ns[way] + ONE_WAY_NS;
	return true;
}

/* --- the application --- */

static bool read_text(const struct v_bulk *b, struct flow *f, const uint8_t *text, size_t len)
{
	size_t k = 0;

	for (; k < len && !f->in_body; k++) {
		f->last4 = f->last4 << 8 | text[k];
		f->in_body = f->last4 == 0x0d0a0d0a;
	}
	if (k < len && memcmp(text + k, b->pattern + f->body % PATTERN, len - k))
		return false;
	f->body += len - k;
	return true;
}

static void ask(struct v_bulk *b, struct flow *f)
{
	const char *head = f->down ? get : post;
	size_t len = f->down ? sizeof(get) - 1 : sizeof(post) - 1;
	ssize_t n = tg_lab_write(b->lab, f->sock, head, len);

	if (n <= 0)
		return;
	f->asked = true;
	f->broken |= (size_t)n != len;
	f->written += (uint64_t)n;
}

static void work(struct v_bulk *b, struct flow *f)
{
	static uint8_t buf[PIECE];
	ssize_t n;

	if (f->broken)
		return;
	if (!f->asked)
		ask(b, f);
	while (f->asked && !f->down && (n = tg_lab_write(b->lab, f->sock, b->pattern, PIECE)) > 0)
		f->written += (uint64_t)n;
	while (f->down && (n = tg_lab_read(b->lab, f->sock, buf, sizeof(buf))) != -EAGAIN) {
		if (n <= 0 || !read_text(b, f, buf, (size_t)n)) {
			f->broken = true;
			return;
		}
	}
}

/* --- the lab's packets --- */

static void collect(struct v_bulk *b)
{
	static const struct tg_mac server = {{2, 0, 0, 0, 0, 1}}, link = {{2, 0, 0, 0, 0, 2}};
	struct tg_eth eth = {.dst = server,
			     .src = link,
			     .type = b->run->p->v6 ? TG_ETHERTYPE_IP6 : TG_ETHERTYPE_IP4};
	uint8_t packet[V_MTU];
	uint64_t sent_ns, at_ns;
	size_t len;

	while ((len = tg_lab_output(b->lab, packet, sizeof(packet), &sent_ns)) > 0) {
		if (!through_link(b, 0, (uint32_t)len, sent_ns, &at_ns))
			continue;
		uint8_t *frame = v_run_frame(b->run);
		uint32_t l2 = tg_eth_emit(frame, &eth);
		memcpy(frame + l2, packet, len);
		v_run_put(b->run, (struct v_event){.at_ns = at_ns,
						   .frame = frame,
						   .len = l2 + (uint32_t)len,
						   .kind = V_TO_SERVER,
						   .who = V_BULK});
	}
}

static void work_all(struct v_bulk *b)
{
	for (uint32_t i = 0; i < b->flow_n; i++)
		work(b, &b->flow[i]);
	collect(b);
	b->next_ns = tg_lab_next_deadline(b->lab);
}

uint64_t v_bulk_next(const struct v_bulk *b)
{
	return b->next_ns;
}

void v_bulk_advance(struct v_bulk *b, uint64_t now_ns)
{
	tg_lab_advance(b->lab, now_ns);
	work_all(b);
}

void v_bulk_gets(struct v_bulk *b, const uint8_t *frame, uint32_t len, uint64_t now_ns)
{
	tg_lab_input(b->lab, now_ns, frame + TG_ETH_LEN, len - TG_ETH_LEN);
	work_all(b);
}

void v_bulk_sent(struct v_bulk *b, const struct tg_pkt *pkt, uint64_t at_ns)
{
	uint64_t arrives_ns;

	if (!through_link(b, 1, pkt->len - TG_ETH_LEN, at_ns, &arrives_ns))
		return;
	uint8_t *frame = v_run_frame(b->run);

	memcpy(frame, pkt->data, pkt->len);
	v_run_put(b->run,
		  (struct v_event){
		      .at_ns = arrives_ns, .frame = frame, .len = pkt->len, .kind = V_TO_BULK});
}

/* --- begin and end --- */

struct v_bulk *v_bulk_init(struct v_run *run)
{
	const struct v_plan *p = run->p;
	struct v_bulk *b = calloc(1, sizeof(*b));
	char options[200], server[46], err[200];

	b->run = run;
	b->ns_per_byte = 1e9 / p->link_rate;
	for (uint32_t i = 0; i < sizeof(b->pattern); i++)
		b->pattern[i] = (uint8_t)(i % PATTERN);
	snprintf(options, sizeof(options), "seed=%llu start_ns=%llu addr=%s/%d buffer_mb=64",
		 (unsigned long long)p->seed + 1, (unsigned long long)run->now_ns,
		 v_addr_bulk(p->v6), p->v6 ? 64 : 24);
	b->lab = tg_lab_new(options, err, sizeof(err));
	if (!b->lab) {
		printf("virtual: %s\n", err);
		exit(2);
	}
	struct tg_addr a = v_addr_server(p->v6);

	tg_addr_format(&a, server, sizeof(server));
	for (uint32_t i = 0; i < 2 * p->flow_n; i++) {
		struct flow *f = &b->flow[b->flow_n++];
		f->down = i < p->flow_n;
		f->sock = tg_lab_connect(b->lab, NULL, 0, server, 80, NULL);
		f->broken = f->sock < 0;
	}
	work_all(b);
	return b;
}

void v_bulk_fini(struct v_bulk *b)
{
	tg_lab_free(b->lab);
	free(b);
}

bool v_bulk_moved(struct v_bulk *b, uint64_t *down, uint64_t *up)
{
	bool good = true;

	*down = *up = 0;
	for (uint32_t i = 0; i < b->flow_n; i++) {
		const struct flow *f = &b->flow[i];
		int64_t unacked = 0, unsent = 0;
		good &= !f->broken && !strcmp(tg_lab_state(b->lab, f->sock), "ESTABLISHED");
		*down += f->body;
		if (f->down)
			continue;
		tg_lab_getopt(b->lab, f->sock, TG_LAB_UNACKED_BYTES, &unacked);
		tg_lab_getopt(b->lab, f->sock, TG_LAB_UNSENT_BYTES, &unsent);
		*up += f->written - (uint64_t)(unacked + unsent);
	}
	return good;
}
