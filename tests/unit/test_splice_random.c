/* SPDX-License-Identifier: BSD-3-Clause */
/* test_splice_random.c: both ends say anything: flags, numbers near and far, options whole and
 * broken, text, at any time, with pools that are too small. Nothing breaks, every invariant holds
 * after each step, every packet that comes out is whole (SP-01..SP-11). */
#include "splice_world.h"
#include "tg_rng.h"

enum { STEPS = 20000, CLIENTS = 12 };

static struct tg_rng rng;

static uint32_t below(uint32_t n)
{
	return tg_rng_below(&rng, n);
}

/* What the ends of one client know: as honest ones would, they go by what they heard last. */
static struct pair {
	uint16_t cport, oport;
	struct tg_addr ours;
	tg_seq cnxt, crcv, bnxt, brcv;
	uint32_t cecho, becho;        /* TSvals heard last */
	bool answered, asked, opened; /* a SYN-ACK, a SYN was heard; a SYN-ACK said */
} pair[CLIENTS];

static void take(struct pair *p)
{
	w.c.lport = p->cport;
	w.c.nxt = p->cnxt, w.c.rcv = p->crcv;
	w.b.rport = p->oport;
	w.b.peer = p->ours;
	w.b.nxt = p->bnxt, w.b.rcv = p->brcv;
}

static void client_hears(struct pair *p, const struct tg_seg *seg)
{
	if (seg->ctl & TG_TCP_RST) {
		p->answered = p->asked = p->opened = false;
		return;
	}
	p->answered |= (seg->ctl & TG_TCP_SYN) != 0;
	if ((seg->ctl & TG_TCP_SYN) || tg_seq_eq(seg->seq, p->crcv))
		p->crcv = tg_seq_add(seg->seq, tg_seg_len(seg));
	p->cecho = seg->opts.tsval;
}

static void backend_hears(struct pair *p, const struct w_seg *s)
{
	p->oport = s->t.rport;
	p->ours = s->t.raddr;
	if (s->seg.ctl & TG_TCP_SYN) {
		p->asked = true;
		p->opened = false;
	}
	if ((s->seg.ctl & TG_TCP_SYN) || tg_seq_eq(s->seg.seq, p->brcv))
		p->brcv = tg_seq_add(s->seg.seq, tg_seg_len(&s->seg));
	p->becho = s->seg.opts.tsval;
}

/* A SYN to the backend bears the client's own number. */
static struct pair *pair_of(const struct w_seg *s)
{
	for (uint32_t i = 0; i < CLIENTS; i++)
		if ((s->seg.ctl & TG_TCP_SYN) ? tg_seq_eq(tg_seq_add(s->seg.seq, 1), pair[i].cnxt)
					      : pair[i].oport == s->t.rport)
			return &pair[i];
	return &pair[below(CLIENTS)];
}

static void note(void)
{
	w_collect();
	for (uint32_t i = 0; i < w.c.kept_n; i++)
		for (uint32_t k = 0; k < CLIENTS; k++)
			if (pair[k].cport == w.c.kept[i].t.lport)
				client_hears(&pair[k], &w.c.kept[i].seg);
	for (uint32_t i = 0; i < w.b.kept_n; i++)
		backend_hears(pair_of(&w.b.kept[i]), &w.b.kept[i]);
	w.c.kept_n = w.b.kept_n = 0;
}

static uint32_t near(tg_seq seq)
{
	static const int32_t off[] = {0, 0, 0, 0, 0, 0, 1, -1, 4, -4, 1400, -1400, 70000, -70000};
	uint32_t r = below(16);

	return r < 14 ? seq.v + (uint32_t)off[r] : (uint32_t)tg_rng_next(&rng);
}

static struct tg_tcp_opts any_options(void)
{
	struct tg_tcp_opts o = {0};

	o.has_ts = below(4) != 0;
	o.tsval = below(1000);
	o.tsecr = below(1000);
	o.has_mss = o.has_sack_perm = o.has_wscale = below(3) != 0;
	o.mss = (uint16_t)below(1500);
	o.wscale = (uint8_t)below(16);
	o.sack_n = (uint8_t)(below(4) ? 0 : below(4));
	for (uint32_t i = 0; i < o.sack_n; i++)
		o.sack[i].left = o.sack[i].right = tg_seq_make((uint32_t)tg_rng_next(&rng));
	return o;
}

static uint8_t any_flags(bool client)
{
	static const uint8_t usual[] = {TG_TCP_ACK,
					TG_TCP_ACK,
					TG_TCP_ACK | TG_TCP_PSH,
					TG_TCP_ACK | TG_TCP_FIN,
					TG_TCP_SYN,
					TG_TCP_SYN | TG_TCP_ACK,
					TG_TCP_RST,
					TG_TCP_RST | TG_TCP_ACK};
	uint32_t r = below(20);

	if (r < 6)
		return client ? TG_TCP_SYN : TG_TCP_SYN | TG_TCP_ACK;
	return r < 19 ? usual[below(8)] : (uint8_t)tg_rng_next(&rng);
}

static void any_segment(void)
{
	static const uint8_t text[1300];
	struct pair *p = &pair[below(CLIENTS)];
	bool client = below(2);
	struct w_end *from = client ? &w.c : &w.b;
	uint32_t len = below(3) ? 0 : below(sizeof(text));

	take(p);
	if (!client && p->oport == 0)
		return;
	from->said.opts = any_options();
	from->said.wnd = (uint16_t)(below(4) ? 60000 : below(65536));
	from->ttl = below(50) ? 64 : 1;
	w.ip_options = below(20) == 0;
	tg_seq seq = from->nxt;
	uint8_t ctl = any_flags(client);

	if (ctl == TG_TCP_SYN && below(2)) /* a new connection */
		seq = from->nxt = tg_seq_make((uint32_t)tg_rng_next(&rng));
	w_raw(from, ctl, near(seq), near(from->rcv), text, len);
}

static void ts(struct w_end *end, bool syn, uint32_t echo)
{
	end->said.wnd = 60000;
	end->ttl = 64;
	w.ip_options = false;
	end->said.opts = (struct tg_tcp_opts){
	    .has_ts = 1, .tsval = (uint32_t)(w.h.now_ns / TG_NS_PER_MS), .tsecr = echo};
	if (!syn)
		return;
	end->said.opts.has_mss = end->said.opts.has_sack_perm = end->said.opts.has_wscale = 1;
	end->said.opts.mss = 1400;
	end->said.opts.wscale = 7;
}

static void honest_client(struct pair *p, uint32_t len)
{
	static const uint8_t text[1300];
	bool fin = below(10) == 0;

	if (!p->answered) {
		p->cnxt = tg_seq_make((uint32_t)tg_rng_next(&rng));
		p->asked = p->opened = false;
		take(p);
		ts(&w.c, true, 0);
		w_say(&w.c, TG_TCP_SYN, NULL, 0);
	} else {
		ts(&w.c, false, p->cecho);
		w_say(&w.c, TG_TCP_ACK | (fin ? TG_TCP_FIN : 0), text, len);
	}
	p->cnxt = w.c.nxt;
	p->answered &= !fin || below(2); /* it may begin again from the same port */
}

static void honest_backend(struct pair *p, uint32_t len)
{
	static const uint8_t text[1300];
	bool fin = below(10) == 0;

	if (!p->asked)
		return;
	ts(&w.b, !p->opened, p->becho);
	if (!p->opened) {
		w.b.nxt = tg_seq_make((uint32_t)tg_rng_next(&rng));
		w_say(&w.b, TG_TCP_SYN | TG_TCP_ACK, NULL, 0);
		p->opened = true;
	} else {
		w_say(&w.b, TG_TCP_ACK | (fin ? TG_TCP_FIN : 0), text, len);
	}
	p->bnxt = w.b.nxt;
}

static void honest_segment(void)
{
	struct pair *p = &pair[below(CLIENTS)];
	uint32_t len = below(2) ? 0 : below(1300);

	take(p);
	if (below(2))
		honest_client(p, len);
	else
		honest_backend(p, len);
}

static void any_time(void)
{
	static const uint32_t ms[] = {1, 10, 500, 1000, 3000, 31000, 240000};

	host_tick(&w.h, ms[below(7)]);
}

static void step(void)
{
	uint32_t r = below(200);

	if (r == 0)
		tg_splices_doom(w.h.e, 0, 0);
	else if (r < 8)
		any_time();
	else if (r < 10)
		w.h.out_max = 1 + below(8);
	else if (r < 14)
		w.h.out_max = 2 * TG_BURST_MAX;
	else if (r < 80)
		any_segment();
	else
		honest_segment();
	note();
}

static void run(bool v6, bool transparent, uint8_t cookies)
{
	w_defaults(v6, transparent);
	tg_rng_init(&rng, tg_test_seed + 2 * v6 + transparent);
	w.h.conf.splice_max = 6;
	w.h.conf.splice_idle_ms = 500000;
	w.h.conf.source_max = 8;
	w.h.conf.source_refuse = TG_REFUSE_RST;
	w.pool.fall = 255;
	w.listener.syn_cookies = cookies;
	w_start();
	memset(pair, 0, sizeof(pair));
	for (uint32_t i = 0; i < CLIENTS; i++)
		pair[i].cport = (uint16_t)(5000 + i);
	for (uint32_t i = 0; i < STEPS; i++)
		step();
	if (getenv("TG_SHOW"))
		for (uint32_t i = 1; i < TG_CTR_N; i++)
			if (w_ctr((enum tg_ctr)i))
				printf("%s %llu\n", tg_ctr_info[i].name,
				       (unsigned long long)w_ctr((enum tg_ctr)i));
	CU_ASSERT(w_ctr(TG_CTR_splice_opened) > 20);
	CU_ASSERT(w_ctr(TG_CTR_splice_to_client) > 20);
	CU_ASSERT(w_ctr(TG_CTR_splice_to_backend) > 20);
	w.h.out_max = 2 * TG_BURST_MAX;
	tg_engine_abort_all(w.h.e);
	for (uint32_t i = 0; i < 100; i++) {
		host_tick(&w.h, 10000);
		note();
	}
	w_end();
}

static void test_splice_anySegments_nothingBreaks(void)
{
	run(false, false, TG_COOKIES_AUTO);
	run(true, true, TG_COOKIES_AUTO);
	run(false, true, TG_COOKIES_ALWAYS);
	run(true, false, TG_COOKIES_ALWAYS);
}

int main(int argc, char **argv)
{
	static const struct tg_test tests[] = {
	    {"splice_anySegments_nothingBreaks", test_splice_anySegments_nothingBreaks},
	};

	return tg_test_main("splice_random", tests, TG_TEST_N(tests), argc, argv);
}
