/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_data_pair.h"

static void fault(struct pair *p, const char *what)
{
	if (!p->fault)
		p->fault = what;
}

static uint8_t byte_at(uint32_t pattern, uint32_t n)
{
	return (uint8_t)(((n + pattern) * 2654435761u) >> 23);
}

/* --- the link --- */

static void put_packet(struct pair *p, int from, const struct tg_seg *seg, const uint8_t *text)
{
	struct pair_packet *k = &p->packet[p->packet_n];

	if (p->packet_n == PAIR_LINK_MAX) {
		p->lost_n++;
		return;
	}
	p->packet_n++;
	k->at_ms = p->now_ms + p->link.delay_ms;
	if (p->link.jitter_ms)
		k->at_ms += tg_rng_below(&p->rng, p->link.jitter_ms);
	k->order = p->order++;
	k->to = (uint8_t)!from;
	k->seg = *seg;
	k->text = malloc(seg->len + 1);
	memcpy(k->text, text, seg->len);
	k->seg.text = k->text;
}

/* The right edge that a segment tells. */
static void check_edge(struct pair *p, struct pair_host *h, const struct tg_seg *seg)
{
	uint32_t scale = (seg->ctl & TG_TCP_SYN) ? 0 : h->tcb.rcv_scale;
	tg_seq edge = tg_seq_add(seg->ack, (uint32_t)seg->wnd << scale);

	if (!(seg->ctl & TG_TCP_ACK) || (seg->ctl & TG_TCP_RST))
		return;
	if (h->edge_known && tg_seq_lt(edge, h->edge))
		fault(p, "the right edge moved left (EST-16)");
	h->edge_known = true;
	h->edge = edge;
}

static void check_text(struct pair *p, struct pair_host *h, const struct pair_host *peer,
		       const struct tg_seg *seg, const uint8_t *text)
{
	uint32_t first = (uint32_t)tg_seq_diff(seg->seq, h->tcb.snd.iss) - 1;
	uint32_t opts =
	    (seg->opts.has_ts ? 12 : 0) + (seg->opts.sack_n ? 4 + 8 * seg->opts.sack_n : 0);
	uint32_t most = h->tcb.snd.mss;

	for (uint32_t i = 0; i < seg->len; i++)
		if (text[i] != byte_at(h->pattern, first + i)) {
			fault(p, "other bytes at the same number (DT-32)");
			break;
		}
	if (seg->len > h->largest)
		h->largest = seg->len;
	if (h->max_text == 1 && seg->len + opts > most)
		fault(p, "text and options are longer than SendMSS (EST-11)");
	if (peer->edge_known && seg->len > 1 &&
	    tg_seq_gt(tg_seq_add(seg->seq, seg->len), peer->edge))
		fault(p, "text beyond the window (DT-02)");
	h->text_n++;
}

static void send_segment(struct pair *p, int from, const struct tg_seg *seg)
{
	struct pair_host *h = &p->host[from];
	uint8_t text[PAIR_TEXT_MAX];

	h->sent_n++;
	check_edge(p, h, seg);
	if (seg->len) {
		tg_tcp_text(&h->tcb, &h->env, seg->seq, text, seg->len);
		check_text(p, h, &p->host[!from], seg, text);
	}
	if ((p->link.lose && p->link.lose(p->link.ctx, from, seg)) ||
	    tg_rng_below(&p->rng, 1000000) < p->link.loss_ppm) {
		p->lost_n++;
		return;
	}
	put_packet(p, from, seg, text);
	if (tg_rng_below(&p->rng, 1000000) < p->link.dup_ppm)
		put_packet(p, from, seg, text);
}

/* --- the hosts --- */

static void note_events(struct pair *p, int side, const struct tg_act *act)
{
	struct pair_user *u = &p->host[side].user;

	if (act->has_reply)
		send_segment(p, side, &act->reply);
	if (act->events & (TG_EV_CLOSED | TG_EV_TIME_WAIT)) {
		u->closed = true;
		u->reason = act->reason;
	}
}

static void read_some(struct pair *p, int side)
{
	struct pair_host *h = &p->host[side];
	struct pair_user *u = &h->user;
	uint32_t left = tg_tcp_readable(&h->tcb), run;

	if (p->now_ms < u->read_from_ms || p->now_ms < u->next_read_ms)
		return;
	if (u->read_every_ms) {
		u->next_read_ms = p->now_ms + u->read_every_ms;
		left = left < u->read_max ? left : 1 + tg_rng_below(&p->rng, u->read_max);
	}
	while (left > 0) {
		const uint8_t *at = tg_tcp_peek(&h->tcb, &h->env, 0, &run);

		run = run < left ? run : left;
		for (uint32_t i = 0; i < run; i++)
			if (at[i] != byte_at(p->host[!side].pattern, u->read + i)) {
				fault(p, "wrong bytes were delivered");
				return;
			}
		tg_tcp_consume(&h->tcb, run, &h->env);
		u->read += run;
		left -= run;
	}
	if (h->tcb.fin_rcvd && tg_tcp_readable(&h->tcb) == 0)
		u->eof = true;
}

static void write_some(struct pair *p, int side)
{
	struct pair_host *h = &p->host[side];
	struct pair_user *u = &h->user;
	uint8_t text[PAIR_TEXT_MAX];
	struct tg_act act;

	if (u->closed)
		return;
	while (!u->shut && u->written < u->total && p->now_ms >= u->next_write_ms) {
		uint32_t want = 1 + tg_rng_below(&p->rng, u->write_max),
			 left = u->total - u->written;
		int32_t n;

		want = want < left ? want : left;
		for (uint32_t i = 0; i < want; i++)
			text[i] = byte_at(h->pattern, u->written + i);
		n = tg_tcp_send(&h->tcb, text, want, &h->env);
		if (n <= 0)
			break;
		u->written += (uint32_t)n;
		if (u->write_every_ms)
			u->next_write_ms = p->now_ms + u->write_every_ms;
	}
	if (!u->shut && u->written == u->total) {
		u->shut = true;
		tg_tcp_shutdown(&h->tcb, &h->env, &act);
		note_events(p, side, &act);
	}
}

static bool is_open(const struct pair_host *h)
{
	return h->tcb.state != 0 && h->tcb.state != TG_CLOSED && h->tcb.state != TG_LISTEN;
}

/* It is open, or was: what arrived can be read. */
static bool has_stream(const struct pair_host *h)
{
	return h->tcb.state >= TG_ESTABLISHED || h->user.closed;
}

static void let_out(struct pair *p, int side)
{
	struct pair_host *h = &p->host[side];
	struct tg_seg seg;

	for (int i = 0; i < 100000; i++) {
		bool expected = tg_tcp_has_output(&h->tcb, &h->env);

		if (!tg_tcp_output(&h->tcb, &h->env, h->max_text, &seg)) {
			if (tg_tcp_has_output(&h->tcb, &h->env))
				fault(p, "has_output promises what output does not give");
			return;
		}
		if (!expected)
			fault(p, "output gives what has_output did not promise");
		send_segment(p, side, &seg);
	}
	fault(p, "output never ends");
}

void pair_kick(struct pair *p, int side)
{
	struct pair_host *h = &p->host[side];
	const char *why;

	h->env.now_ms = p->now_ms;
	h->env.now_ns = p->now_ms * TG_NS_PER_MS;
	if (has_stream(h)) {
		read_some(p, side);
		write_some(p, side);
	}
	if (is_open(h))
		let_out(p, side);
	if (is_open(h) && !tg_tcb_validate(&h->tcb, &h->chunks, &why))
		fault(p, why);
}

static void arrive(struct pair *p, struct pair_packet *k)
{
	struct pair_host *h = &p->host[k->to];
	struct tg_act act;

	h->env.now_ms = p->now_ms;
	h->env.now_ns = p->now_ms * TG_NS_PER_MS;
	if (h->tcb.state == TG_LISTEN) {
		struct tg_listen l = {.conf = &h->conf};

		tg_tcp_listen(&l, &h->tuple, &k->seg, NULL, &h->env, &h->tcb, &act);
		if (!(k->seg.ctl & TG_TCP_SYN))
			h->tcb.state = TG_LISTEN;
	} else if (is_open(h) && h->tcb.state != TG_TIME_WAIT) {
		tg_tcp_arrives(&h->tcb, &k->seg, &h->env, &act);
	} else { /* what the record would answer */
		h->tcb.ack_now = tg_seg_len(&k->seg) > 0;
		return;
	}
	note_events(p, k->to, &act);
}

/* --- time --- */

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return b && b < a ? b : a;
}

/* When the user has something to do next; a moment that has passed counts as now. */
static uint64_t user_due(const struct pair *p, const struct pair_host *h)
{
	const struct pair_user *u = &h->user;
	uint64_t due = UINT64_MAX, read = u->next_read_ms;

	if (!has_stream(h))
		return due;
	read = read > u->read_from_ms ? read : u->read_from_ms;
	if (!u->shut && !u->closed && tg_tcp_send_room(&h->tcb) > 0)
		due = u->next_write_ms > p->now_ms ? u->next_write_ms : p->now_ms;
	if ((tg_tcp_readable(&h->tcb) > 0 || h->tcb.fin_rcvd) && !u->eof)
		due = earlier(due, read > p->now_ms ? read : p->now_ms);
	return due;
}

static uint64_t host_due(const struct pair *p, const struct pair_host *h)
{
	uint64_t due = user_due(p, h);

	if (is_open(h) && h->tcb.state != TG_TIME_WAIT)
		for (int t = 0; t < TG_T_N; t++)
			due = earlier(due, h->tcb.deadline[t]);
	return due;
}

static int first_packet(const struct pair *p)
{
	int best = -1;

	for (uint32_t i = 0; i < p->packet_n; i++)
		if (best < 0 || p->packet[i].at_ms < p->packet[best].at_ms ||
		    (p->packet[i].at_ms == p->packet[best].at_ms &&
		     p->packet[i].order < p->packet[best].order))
			best = (int)i;
	return best;
}

static void deliver(struct pair *p, int i)
{
	struct pair_packet k = p->packet[i];

	p->packet[i] = p->packet[--p->packet_n];
	arrive(p, &k);
	free(k.text);
	pair_kick(p, k.to);
}

static void expire(struct pair *p, int side)
{
	struct pair_host *h = &p->host[side];
	struct tg_act act;

	h->env.now_ms = p->now_ms;
	h->env.now_ns = p->now_ms * TG_NS_PER_MS;
	if (is_open(h) && h->tcb.state != TG_TIME_WAIT) {
		tg_tcp_timeout(&h->tcb, &h->env, &act);
		note_events(p, side, &act);
	}
	pair_kick(p, side);
}

bool pair_step(struct pair *p, uint64_t until_ms)
{
	int i = first_packet(p);
	uint64_t at = i < 0 ? UINT64_MAX : p->packet[i].at_ms;
	uint64_t due[2] = {host_due(p, &p->host[0]), host_due(p, &p->host[1])};
	uint64_t next = earlier(earlier(at, due[0]), due[1]);

	if (next > until_ms)
		return false;
	p->steps++;
	p->now_ms = next > p->now_ms ? next : p->now_ms;
	if (at == next) {
		deliver(p, i);
		return true;
	}
	for (int side = 0; side < 2; side++)
		if (due[side] == next)
			expire(p, side);
	return true;
}

static bool is_done(const struct pair *p)
{
	for (int side = 0; side < 2; side++) {
		const struct pair_user *u = &p->host[side].user;

		if (u->read != p->host[!side].user.total || !u->eof || !u->closed)
			return false;
	}
	return true;
}

bool pair_run(struct pair *p, uint64_t until_ms)
{
	while (!p->fault && !is_done(p) && pair_step(p, until_ms))
		;
	if (!p->fault && !is_done(p))
		fault(p, p->packet_n ? "time is over"
				     : "both sides wait: nothing will happen any more");
	return p->fault == NULL;
}

/* --- begin and end --- */

static const struct tg_tcp_conf conf_default = {
    .timestamps = true,
    .sack = true,
    .window_scale = 7,
    .congestion = TG_CC_NEWRENO,
    .synack_retries = 5,
    .keepalive_count = 9,
    .mss_min = 48,
    .ttl = 64,
    .rcvbuf = 262144,
    .sndbuf = 262144,
    .delayed_ack_ms = 40,
    .rto_min_ms = 200,
    .user_timeout_ms = 24 * 3600 * 1000,
    .keepalive_idle_ms = 7200000,
    .keepalive_interval_ms = 75000,
    .fin_wait_2_ms = 60000,
    .linger_ms = -1,
};

static void host_init(struct pair *p, int side, uint32_t chunk_n)
{
	struct pair_host *h = &p->host[side];
	uint8_t ip[2][4] = {{192, 0, 2, 1}, {192, 0, 2, 2}};

	h->conf = conf_default;
	h->mem = aligned_alloc(64, (size_t)chunk_n * TG_CHUNK_LEN);
	tg_chunks_init(&h->chunks, h->mem, chunk_n);
	h->env = (struct tg_tcp_env){.secret = &p->secret,
				     .ctr = &h->ctr,
				     .chunks = &h->chunks,
				     .rng = &p->rng,
				     .challenge_ms = 500,
				     .msl_ms = 30000,
				     .mtu = 1500};
	h->tuple.laddr = tg_addr_from_v4(ip[side]);
	h->tuple.raddr = tg_addr_from_v4(ip[!side]);
	h->tuple.lport = (uint16_t)(side ? 80 : 40000);
	h->tuple.rport = (uint16_t)(side ? 40000 : 80);
	h->max_text = 1;
	h->pattern = (uint32_t)tg_rng_next(&p->rng);
	h->user.write_max = 8000;
	h->user.read_max = 8000;
}

void pair_init(struct pair *p, uint64_t seed, uint32_t chunk_n)
{
	*p = (struct pair){0};
	tg_rng_init(&p->rng, seed);
	p->secret.isn = tg_rng_key(&p->rng);
	p->secret.ts = tg_rng_key(&p->rng);
	p->packet = calloc(PAIR_LINK_MAX, sizeof(*p->packet));
	p->now_ms = 1000;
	p->link.delay_ms = 10;
	host_init(p, 0, chunk_n);
	host_init(p, 1, chunk_n);
}

void pair_fini(struct pair *p)
{
	for (uint32_t i = 0; i < p->packet_n; i++)
		free(p->packet[i].text);
	free(p->packet);
	for (int side = 0; side < 2; side++) {
		struct pair_host *h = &p->host[side];

		if (is_open(h) || h->tcb.state == TG_CLOSED)
			tg_tcb_release(&h->tcb, &h->chunks);
		if (h->chunks.free_n != h->chunks.n)
			fault(p, "chunks were lost");
		free(h->mem);
	}
}

void pair_open(struct pair *p)
{
	struct pair_host *h = &p->host[0];

	p->host[1].tcb.state = TG_LISTEN;
	h->env.now_ms = p->now_ms;
	h->env.now_ns = p->now_ms * TG_NS_PER_MS;
	tg_tcb_init(&h->tcb, &h->conf, TG_CLOSED);
	tg_tcp_open(&h->tcb, &h->tuple, NULL, &h->env);
	pair_kick(p, 0);
}
