/* SPDX-License-Identifier: BSD-3-Clause */
/* test_engine_flood.c: what is left of a flood, while it lasts and after it: nothing (SC-08, SC-14,
 * SC-21, SC-22, ADV-29..ADV-34). SYNs in the names of strangers, ACKs that open nothing, and in the
 * middle of it connections in TIME-WAIT, which stay for 2MSL and are used again by TD-22 and TD-23
 * whatever the cookies do (DESIGN 6). */
#include "engine_host.h"
#include "tg_rng.h"

enum {
	HIGH = 16,
	LOW = 12,
	RETRIES = 5, /* of a SYN-ACK */
	MSS_LEN = 4,
	BURST = 32,
	SYN_MAX = 40000,
	SYN_ACK = TG_TCP_SYN | TG_TCP_ACK,
};

static struct host h;
static struct tg_rng rng;

/* Each SYN has a source of its own, so what comes back is told apart: how many answers, and how
 * long one may be. */
static uint8_t answers[SYN_MAX];
static uint16_t room[SYN_MAX];
static uint32_t syn_n, answer_n;

static uint32_t below(uint32_t n)
{
	return tg_rng_below(&rng, n);
}

static void begin(uint8_t cookies, uint32_t rate)
{
	struct tg_listener_conf l;

	tg_rng_init(&rng, tg_test_seed);
	memset(answers, 0, sizeof(answers));
	syn_n = answer_n = 0;
	host_defaults(&h);
	h.conf.rst_rate = rate;
	h.tcp.ecn = true;
	h.tcp.synack_retries = RETRIES;
	host_init(&h);
	host_listener(&h, &l, 80);
	l.syn_cookies = cookies;
	l.synq_high = HIGH;
	l.synq_low = LOW;
	CU_ASSERT_FATAL(tg_engine_listen(h.e, &l) == 0);
}

static struct tg_engine_stats stats(void)
{
	struct tg_engine_stats s;

	tg_engine_stats(h.e, &s);
	return s;
}

/* --- SYNs of strangers --- */

static void put_number(struct tg_addr *a, bool v6, uint32_t i)
{
	tg_addr_parse(v6 ? "2001:db8:77::" : "198.18.0.0", a);
	a->b[13] = (uint8_t)(a->b[13] + (i >> 16));
	a->b[14] = (uint8_t)(i >> 8);
	a->b[15] = (uint8_t)i;
}

static uint32_t number_of(const struct tg_addr *a)
{
	uint32_t high = tg_addr_is_v4(a) ? a->b[13] - 18u : a->b[13];

	return high << 16 | (uint32_t)a->b[14] << 8 | a->b[15];
}

/* A SYN with the options of one stack or another; its number is the source. */
static uint32_t build_syn(uint8_t *frame)
{
	struct host_peer p;
	uint32_t i = syn_n++, len;
	bool v6 = i % 3 == 0;

	CU_ASSERT_FATAL(i < SYN_MAX);
	host_peer(&p, &h, 80, (uint16_t)(1024 + i % 60000), v6);
	put_number(&p.t.raddr, v6, i);
	p.opts = (struct tg_tcp_opts){.has_mss = below(4) != 0,
				      .mss = (uint16_t)below(9000),
				      .has_ts = below(2),
				      .tsval = i,
				      .has_wscale = below(2),
				      .wscale = (uint8_t)below(15),
				      .has_sack_perm = below(2)};
	len = host_build(&p, TG_TCP_SYN, tg_seq_make((uint32_t)tg_rng_next(&rng)), tg_seq_make(0),
			 "early text", below(4) ? 0 : 10, frame);
	room[i] = (uint16_t)(len - 14 + (p.opts.has_mss ? 0 : MSS_LEN));
	return len;
}

/* All that went out: SYN-ACKs to strangers, none longer than the SYN but for the MSS. */
static void count_answers(void)
{
	struct host_frame f;

	while (host_next(&h, &f)) {
		struct tg_eth eth;
		struct tg_ip ip;
		CU_ASSERT_EQUAL_FATAL(tg_eth_parse(f.data, f.len, &eth), TG_CTR_NONE);
		const uint8_t *l3 = f.data + eth.hdr_len;
		uint32_t len = f.len - eth.hdr_len;
		if (eth.type == TG_ETHERTYPE_IP6)
			CU_ASSERT_EQUAL(tg_ip6_parse(l3, len, &ip), TG_CTR_NONE)
		else
			CU_ASSERT_EQUAL(tg_ip4_parse(l3, len, true, &ip), TG_CTR_NONE)
		uint32_t i = number_of(&ip.dst);
		CU_ASSERT_FATAL(i < syn_n);
		CU_ASSERT_EQUAL(l3[ip.hdr_len + 13] & 0x3f, SYN_ACK);
		CU_ASSERT(len <= room[i]);
		answers[i]++;
		answer_n++;
	}
}

/* A burst, with no buffer in the carrier but its own: so answers lie where the SYNs lay (SC-25). */
static void flood_burst(uint32_t n)
{
	static uint8_t data[BURST][200];
	const uint8_t *frame[BURST];
	uint32_t len[BURST];

	for (uint32_t i = 0; i < n; i++) {
		len[i] = build_syn(data[i]);
		frame[i] = data[i];
	}
	h.buf_max = h.buf_live + n;
	host_rx(&h, frame, len, n);
	h.buf_max = 100000;
	CU_ASSERT(h.buf_live <= TG_BURST_MAX); /* spares for the next one */
	count_answers();
}

static void wait_ms(uint32_t ms)
{
	host_tick(&h, ms);
	count_answers();
}

static uint32_t most_answers(void)
{
	uint32_t most = 0;

	for (uint32_t i = 0; i < syn_n; i++)
		most = answers[i] > most ? answers[i] : most;
	return most;
}

/* --- state is flat --- */

/* A client that answers; true when it came through with its first SYN. */
static bool visit(uint16_t port)
{
	struct host_peer p = host_peer_at(&h, port & 1 ? "192.0.2.7" : "2001:db8::7", port);

	if (!host_handshake(&p)) {
		host_drain(&h);
		return false;
	}
	host_raw(&p, TG_TCP_RST, p.snd_nxt, tg_seq_make(0), NULL, 0);
	host_drain(&h);
	return true;
}

/* Bursts for so long; the number of clients out of 100 that came through. What may be there at a
 * time: so many half-open, each with a timer, and what looks at the marks. */
static uint32_t flood_for(uint32_t ms, uint32_t half_max)
{
	const uint32_t step_ms = 20, burst = 5, neighbours = stats().neigh_count;
	uint32_t through = 0, visits = 0;

	for (uint32_t t = 0; t < ms; t += step_ms) {
		flood_burst(burst);
		struct tg_engine_stats s = stats();
		CU_ASSERT(s.conn_count <= half_max);
		CU_ASSERT(s.timer_count <= half_max);
		CU_ASSERT_EQUAL(s.state[TG_SYN_RECEIVED], s.conn_count);
		CU_ASSERT_EQUAL(s.ext_used + s.chunk_used + s.tw_count, 0);
		CU_ASSERT_EQUAL(s.neigh_count, neighbours);
		if (t >= 2000 && visits * ms < 100 * t) {
			through += visit((uint16_t)(2000 + visits));
			visits++;
		}
		wait_ms(step_ms);
	}
	CU_ASSERT(visits >= 90);
	return through * 100 / visits;
}

/* SC-08, SC-21: nothing is kept, each SYN has one answer, and every client comes through. */
static void test_always_flood_stateIsFlat(void)
{
	begin(TG_COOKIES_ALWAYS, 0);
	CU_ASSERT_EQUAL(flood_for(100000, 0), 100);
	CU_ASSERT_EQUAL(answer_n, syn_n);
	CU_ASSERT_EQUAL(most_answers(), 1);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_conn_passive), 0);
	CU_ASSERT_EQUAL(h.svc.opened, h.svc.closed);
	host_end(&h);
}

/* Armed after HIGH of them; what is half-open then is never repeated, and is given up in its time;
 * below the low mark it begins anew. */
static void test_auto_flood_stateIsFlat(void)
{
	begin(TG_COOKIES_AUTO, 0);
	CU_ASSERT_EQUAL(flood_for(150000, HIGH), 100);
	CU_ASSERT(answer_n >= syn_n);
	CU_ASSERT(answer_n <= syn_n + RETRIES * HIGH);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_synq_full), 0);
	CU_ASSERT(host_ctr(&h, TG_CTR_cookie_disarmed) >= 1); /* it turned over, 63 s on */
	CU_ASSERT(host_ctr(&h, TG_CTR_cookie_armed) <= 8);
	wait_ms(70000);
	CU_ASSERT_EQUAL(stats().armed_n, 0);
	CU_ASSERT_EQUAL(h.svc.opened, h.svc.closed);
	host_end(&h);
}

/* SYNs come slowly, so entries repeat what they said before the mark is reached: each no more often
 * than is configured, and all no more than HIGH entries may. */
static void test_auto_slowFlood_repeatsAreBounded(void)
{
	begin(TG_COOKIES_AUTO, 0);
	for (uint32_t i = 0; i < 170; i++) {
		flood_burst(1);
		uint32_t before = answer_n, armed = stats().armed_n;
		wait_ms(350);
		CU_ASSERT(stats().conn_count <= HIGH);
		CU_ASSERT(!armed || answer_n == before); /* none from there on */
	}
	CU_ASSERT(answer_n > syn_n); /* some were */
	CU_ASSERT(answer_n <= syn_n + RETRIES * HIGH);
	CU_ASSERT(most_answers() <= 1 + RETRIES);
	wait_ms(70000);
	host_end(&h);
}

/* Without cookies a flood shuts clients out: that is why there are some. The engine does not mind.
 */
static void test_off_flood_stateIsFlat(void)
{
	begin(TG_COOKIES_OFF, 0);
	CU_ASSERT(flood_for(60000, HIGH) < 50);
	CU_ASSERT(answer_n <= syn_n + RETRIES * HIGH);
	CU_ASSERT(most_answers() <= 1 + RETRIES);
	CU_ASSERT(host_ctr(&h, TG_CTR_synq_full) > syn_n / 2);
	wait_ms(70000);
	host_end(&h);
}

/* SC-08: each listener has marks of its own. */
static void test_auto_otherListener_isNotArmed(void)
{
	struct tg_listener_stats l[2];
	struct host_peer p;

	begin(TG_COOKIES_AUTO, 0);
	CU_ASSERT_FATAL(host_listen(&h, 81) == 1);
	flood_burst(BURST);
	CU_ASSERT_EQUAL(tg_engine_listeners(h.e, l, 2), 2);
	CU_ASSERT(l[0].over && l[0].half_n == HIGH);
	CU_ASSERT(!l[1].over && l[1].half_n == 0);
	uint64_t sent = host_ctr(&h, TG_CTR_cookie_sent);

	host_peer(&p, &h, 81, 5000, false);
	CU_ASSERT_EQUAL(host_say(&p, TG_TCP_SYN, NULL), SYN_ACK);
	CU_ASSERT_EQUAL(host_state(&p), TG_SYN_RECEIVED);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_cookie_sent), sent);
	host_end_all(&h);
}

/* --- ACKs and the rest --- */

enum { RATE = 10, JUNK_N = 3000, JUNK_MS = 3000 };

/* One segment that opens nothing, of a stranger in one prefix. True: it has text. */
static bool junk(uint32_t i, bool v6)
{
	static const uint8_t kinds[] = {TG_TCP_ACK,
					TG_TCP_ACK | TG_TCP_PSH,
					TG_TCP_ACK | TG_TCP_FIN,
					TG_TCP_ACK | TG_TCP_URG,
					TG_TCP_ACK,
					TG_TCP_ACK | TG_TCP_PSH | TG_TCP_FIN};
	bool text = i % 4 == 1;
	struct host_peer p;

	host_peer(&p, &h, 80, (uint16_t)(1024 + i), v6);
	p.t.raddr.b[15] = (uint8_t)(3 + i % 200);
	p.opts = (struct tg_tcp_opts){.has_ts = below(2),
				      .tsval = (uint32_t)tg_rng_next(&rng),
				      .tsecr = (uint32_t)tg_rng_next(&rng)};
	host_raw(&p, kinds[below(6)], tg_seq_make((uint32_t)tg_rng_next(&rng)),
		 tg_seq_make((uint32_t)tg_rng_next(&rng)), "text", text ? 4 : 0);
	return text;
}

static uint64_t fates(void)
{
	return host_ctr(&h, TG_CTR_cookie_bad_mac) + host_ctr(&h, TG_CTR_cookie_expired) +
	       host_ctr(&h, TG_CTR_cookie_ts_bad);
}

static uint32_t count_resets(void)
{
	struct host_frame f;
	uint32_t n = 0;

	for (; host_next(&h, &f); n++) {
		bool v6 = f.data[12] == 0x86;
		CU_ASSERT_EQUAL(f.data[14 + (v6 ? 40 : 20) + 13], TG_TCP_RST);
	}
	return n;
}

/* SC-22, ADV-31: no state, one fate each, no answer to text, and RSTs by the budget of the prefix.
 */
static void ack_flood(uint8_t cookies, bool arm, bool v6)
{
	uint32_t resets = 0, texts = 0;

	begin(cookies, RATE);
	if (arm)
		flood_burst(BURST);
	uint32_t half = stats().conn_count;
	bool tries = cookies == TG_COOKIES_ALWAYS || arm;

	CU_ASSERT_EQUAL(half, arm ? HIGH : 0);
	for (uint32_t i = 0; i < JUNK_N; i++) {
		texts += junk(i, v6);
		resets += count_resets();
		if (i % (JUNK_N / JUNK_MS) == 0)
			host_tick(&h, 1);
	}
	CU_ASSERT_EQUAL(stats().conn_count, half);
	CU_ASSERT_EQUAL(stats().ext_used, 0);
	CU_ASSERT_EQUAL(stats().timer_count, half);
	CU_ASSERT_EQUAL(h.svc.opened, 0);
	CU_ASSERT_EQUAL(fates(), tries ? JUNK_N : 0);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_cookie_fail_data), tries ? texts : 0);
	CU_ASSERT(resets >= RATE);
	CU_ASSERT(resets <= RATE + RATE * JUNK_MS / 1000 * 5 / 4);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_rst_sent), resets);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_rst_limited) + resets, JUNK_N - (tries ? texts : 0));
	host_end_all(&h);
}

static void test_listen_ackFlood_leavesNothing(void)
{
	for (int v6 = 0; v6 < 2; v6++) {
		ack_flood(TG_COOKIES_OFF, false, v6);
		ack_flood(TG_COOKIES_AUTO, false, v6);
		ack_flood(TG_COOKIES_AUTO, true, v6);
		ack_flood(TG_COOKIES_ALWAYS, false, v6);
	}
}

/* RSTs, and what has none of SYN, ACK and RST: no word. SYN,ACKs: as CLOSED would (SE-05). */
static void test_always_otherFloods_noAnswerOrRst(void)
{
	static const struct {
		uint8_t ctl, answer;
		enum tg_ctr ctr;
	} kinds[] = {
	    {TG_TCP_RST, 0, TG_CTR_listen_rst},
	    {TG_TCP_RST | TG_TCP_ACK, 0, TG_CTR_listen_rst},
	    {TG_TCP_RST | TG_TCP_SYN, 0, TG_CTR_listen_rst},
	    {TG_TCP_FIN, 0, TG_CTR_listen_null},
	    {TG_TCP_FIN | TG_TCP_PSH | TG_TCP_URG, 0, TG_CTR_listen_null},
	    {0, 0, TG_CTR_listen_null},
	    {TG_TCP_SYN | TG_TCP_FIN, 0, TG_CTR_synfin},
	    {TG_TCP_SYN | TG_TCP_ACK, TG_TCP_RST, TG_CTR_rst_sent},
	};

	begin(TG_COOKIES_ALWAYS, 0);
	for (uint32_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		uint64_t before = host_ctr(&h, kinds[k].ctr);
		for (uint16_t i = 0; i < 500; i++) {
			struct host_peer p = host_peer_at(&h, i & 1 ? "192.0.2.9" : "2001:db8::9",
							  (uint16_t)(1024 + i));
			p.snd_nxt = tg_seq_make((uint32_t)tg_rng_next(&rng));
			p.rcv_nxt = tg_seq_make((uint32_t)tg_rng_next(&rng));
			CU_ASSERT_EQUAL(host_say(&p, kinds[k].ctl, NULL), kinds[k].answer);
			CU_ASSERT_EQUAL(h.tx_n, 0);
		}
		CU_ASSERT_EQUAL(host_ctr(&h, kinds[k].ctr) - before, 500);
	}
	CU_ASSERT_EQUAL(fates(), 0); /* none of them is tried as a cookie */
	host_end(&h);
}

/* --- TIME-WAIT in a flood --- */

enum { WAITING = 6, TW_MS = 60000 };

struct waiting {
	struct host_peer p;
	uint64_t from_ms;
	tg_seq edge; /* our SND.NXT */
};

static uint64_t now_ms(void)
{
	return h.now_ns / TG_NS_PER_MS;
}

static void to_time_wait(struct waiting *w, uint32_t i, bool v6)
{
	struct tg_seg seg;

	host_peer(&w->p, &h, 80, (uint16_t)(5000 + i), v6);
	w->p.opts = (struct tg_tcp_opts){.has_mss = 1, .mss = 1400, .has_ts = i & 1, .tsval = 700};
	CU_ASSERT_EQUAL_FATAL(host_say(&w->p, TG_TCP_SYN, &seg), SYN_ACK);
	w->p.opts = (struct tg_tcp_opts){.has_ts = i & 1, .tsval = 701, .tsecr = seg.opts.tsval};
	host_send(&w->p, TG_TCP_ACK, NULL, 0);
	tg_conn_close(h.e, h.svc.last);
	host_tick(&h, 0);
	host_expect_ctl(&w->p, TG_TCP_FIN | TG_TCP_ACK);
	CU_ASSERT_EQUAL(host_say(&w->p, TG_TCP_FIN | TG_TCP_ACK, NULL), TG_TCP_ACK);
	CU_ASSERT_EQUAL(host_state(&w->p), TG_TIME_WAIT);
	w->from_ms = now_ms();
	w->edge = w->p.rcv_nxt;
}

/* What others say in the name of one in TIME-WAIT: SYNs old and new, ACKs, text, RSTs (TD-18,
 * TD-25, SC-14). A SYN that is newer may be answered, and proves nothing. */
static void blind_at(const struct waiting *w)
{
	static const uint8_t kinds[] = {TG_TCP_SYN, TG_TCP_ACK,
					TG_TCP_RST, TG_TCP_ACK | TG_TCP_PSH,
					SYN_ACK,    TG_TCP_RST | TG_TCP_ACK};
	struct host_peer liar = w->p;
	uint8_t ctl = kinds[below(6)];
	bool near = below(2);
	int32_t off = (int32_t)below(4000) - 2000;
	tg_seq seq = tg_seq_make((uint32_t)tg_rng_next(&rng)),
	       ack = tg_seq_make((uint32_t)tg_rng_next(&rng));

	if (near) {
		seq = tg_seq_add(w->p.snd_nxt, (uint32_t)off);
		ack = tg_seq_add(w->edge, (uint32_t)(int32_t)(below(20) - 10));
	}
	liar.opts.tsval = below(2) ? 701 : (uint32_t)tg_rng_next(&rng);
	host_raw(&liar, ctl, seq, ack, "evil", (ctl & TG_TCP_PSH) ? 4 : 0);
	host_drain(&h);
	if (host_state(&w->p) != TG_SYN_RECEIVED)
		return;
	/* TD-24: the owner of the address never sent that SYN, and says so. */
	host_raw(&liar, TG_TCP_RST, tg_seq_add(seq, 1), tg_seq_make(0), NULL, 0);
	host_drain(&h);
}

static bool all_wait(const struct waiting w[], uint32_t from)
{
	for (uint32_t i = from; i < WAITING; i++)
		if (host_state(&w[i].p) != TG_TIME_WAIT)
			return false;
	return stats().tw_count == WAITING - from;
}

/* TD-22, TD-23: the client comes again from the same port, newer by its number, or by its clock
 * alone; above the old numbers it is answered. */
static void comes_again(struct waiting *w, uint32_t i)
{
	struct tg_seg seg;
	bool by_clock = i & 1;

	w->p.snd_nxt = tg_seq_add(w->p.snd_nxt, by_clock ? (uint32_t)-100000 : 100000);
	w->p.opts =
	    (struct tg_tcp_opts){.has_mss = 1, .mss = 1400, .has_ts = i & 1, .tsval = 90000};
	CU_ASSERT_EQUAL_FATAL(host_say(&w->p, TG_TCP_SYN, &seg), SYN_ACK);
	CU_ASSERT(tg_seq_gt(seg.seq, w->edge));
	w->p.opts = (struct tg_tcp_opts){.has_ts = i & 1, .tsval = 90001, .tsecr = seg.opts.tsval};
	uint32_t got = h.svc.got_len;

	host_send(&w->p, TG_TCP_ACK | TG_TCP_PSH, "again", 5);
	CU_ASSERT_EQUAL(host_state(&w->p), TG_ESTABLISHED);
	CU_ASSERT_EQUAL(h.svc.got_len, got + 5);
	host_raw(&w->p, TG_TCP_RST, w->p.snd_nxt, tg_seq_make(0), NULL, 0);
	host_drain(&h);
}

static void time_wait_in_flood(uint8_t cookies, bool v6)
{
	static struct waiting w[WAITING];

	begin(cookies, 0);
	for (uint32_t i = 0; i < WAITING; i++)
		to_time_wait(&w[i], i, v6);
	for (uint32_t t = 0; t < 50; t++) { /* 50 s */
		for (uint32_t k = 0; k < 10; k++) {
			flood_burst(BURST);
			blind_at(&w[below(WAITING)]);
			host_tick(&h, 100);
			host_drain(&h);
		}
		CU_ASSERT(all_wait(w, 0));
	}
	CU_ASSERT(host_ctr(&h, TG_CTR_cookie_sent) > syn_n / 2);
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_tw_evicted), 0);
	for (uint32_t i = 0; i < WAITING / 2; i++) {
		comes_again(&w[i], i);
		CU_ASSERT(all_wait(w, i + 1));
	}
	/* The others end when they would have, to the millisecond: nobody has restarted them. */
	uint64_t first = w[WAITING / 2].from_ms, last = w[WAITING - 1].from_ms;

	host_tick(&h, first + TW_MS - 1 - now_ms());
	CU_ASSERT(all_wait(w, WAITING / 2));
	host_tick(&h, last + TW_MS + 1 - now_ms());
	CU_ASSERT_EQUAL(stats().tw_count, 0);
	host_end_all(&h);
}

static void test_timeWait_floodWithCookies_staysAndIsReused(void)
{
	for (int v6 = 0; v6 < 2; v6++) {
		time_wait_in_flood(TG_COOKIES_ALWAYS, v6);
		time_wait_in_flood(TG_COOKIES_AUTO, v6);
	}
}

static const struct tg_test tests[] = {
    {"always_flood_stateIsFlat", test_always_flood_stateIsFlat},
    {"auto_flood_stateIsFlat", test_auto_flood_stateIsFlat},
    {"auto_slowFlood_repeatsAreBounded", test_auto_slowFlood_repeatsAreBounded},
    {"off_flood_stateIsFlat", test_off_flood_stateIsFlat},
    {"auto_otherListener_isNotArmed", test_auto_otherListener_isNotArmed},
    {"listen_ackFlood_leavesNothing", test_listen_ackFlood_leavesNothing},
    {"always_otherFloods_noAnswerOrRst", test_always_otherFloods_noAnswerOrRst},
    {"timeWait_floodWithCookies_staysAndIsReused", test_timeWait_floodWithCookies_staysAndIsReused},
};

int main(int argc, char **argv)
{
	return tg_test_main("engine_flood", tests, TG_TEST_N(tests), argc, argv);
}
