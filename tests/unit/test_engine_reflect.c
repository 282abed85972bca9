/* SPDX-License-Identifier: BSD-3-Clause */
/* test_engine_reflect.c: never a reflector (DESIGN 4, RB-12, SC-21, LN-20). Packets of all kinds
 * from prefixes that have proved nothing: at most one packet goes
 * out for one that came in, to where that came from, and it is no longer, but for the MSS option of
 * a SYN-ACK. What no packet draws is a repeated SYN-ACK, and that is paid by the prefix's budget.
 *
 * Lengths are those of the IP packets: the padding of short Ethernet frames is not a sender's gain
 * and not our cost. Padded frames are compared, too. ARP and neighbour discovery stay on the link
 * (no router passes them on), and are left out of the sums. */
#include "engine_host.h"
#include "tg_rng.h"

enum {
	STEP_N = 20000,
	MEMORY_N = 64,
	MSS_LEN = 4,
	TS_LEN = 12,       /* what a challenge may be longer */
	SYN_OPTS_LEN = 20, /* what a repeated SYN-ACK may */
	FRAME_MIN = 60,
	FRAME_MAX = 600,
	RATE = 20,
};

/* What the stranger remembers: his SYNs, and what came back. */
struct memory {
	struct tg_addr src;
	uint16_t sport, dport;
	tg_seq seq, iss;
	bool answered;
};

struct packet {
	uint8_t frame[FRAME_MAX];
	uint32_t len, l3;
	struct tg_addr src, dst;
	bool v6, syn, unicast;
	struct memory *about;
};

static struct host h;
static struct tg_rng rng;
static struct memory memory[MEMORY_N];
static uint64_t in_bytes, out_bytes, in_n, out_n, more_bytes;

static uint32_t below(uint32_t n)
{
	return tg_rng_below(&rng, n);
}

static bool one_in(uint32_t n)
{
	return below(n) == 0;
}

/* --- addresses --- */

static struct tg_addr addr(const char *text)
{
	struct tg_addr a;

	CU_ASSERT_FATAL(tg_addr_parse(text, &a));
	return a;
}

/* Four prefixes of a stranger, some hosts in each; now and then what may not be a source. */
static struct tg_addr random_src(bool v6)
{
	static const char *const odd4[] = {"192.0.2.1",       "192.0.2.255", "192.0.2.0",
					   "255.255.255.255", "224.0.0.1",   "127.0.0.1",
					   "0.0.0.0",         "240.0.0.1",   "239.1.2.3"};
	static const char *const odd6[] = {"2001:db8::1", "ff02::1",          "::1",
					   "::",          "::ffff:192.0.2.2", "ff05::2"};
	char text[46];

	if (one_in(12))
		return v6 ? addr(odd6[below(6)]) : addr(odd4[below(9)]);
	if (v6)
		snprintf(text, sizeof(text), "2001:db8:%x::%x", below(4), 2 + below(5));
	else
		snprintf(text, sizeof(text), "%s%u", one_in(2) ? "192.0.2." : "198.51.100.",
			 2 + below(5));
	return addr(text);
}

static struct tg_addr random_dst(bool v6)
{
	static const char *const odd4[] = {"192.0.2.255", "224.0.0.1", "255.255.255.255",
					   "192.0.2.9", "192.0.2.0"};
	static const char *const odd6[] = {"ff02::1", "ff02::1:ff00:1", "2001:db8::9", "ff02::2",
					   "fe80::1"};

	if (one_in(8))
		return v6 ? addr(odd6[below(5)]) : addr(odd4[below(5)]);
	return h.conf.port[0].addr[v6].addr;
}

static struct tg_mac random_mac(bool *unicast)
{
	static const struct tg_mac odd[] = {{{255, 255, 255, 255, 255, 255}},
					    {{0x33, 0x33, 0, 0, 0, 1}},
					    {{0x33, 0x33, 0xff, 0, 0, 1}},
					    {{1, 0, 0x5e, 0, 0, 1}}};

	*unicast = !one_in(6);
	return *unicast ? h.conf.port[0].mac : odd[below(4)];
}

/* --- packets --- */

/* Options as some stack has them, packed as tightly as can be. */
static uint32_t random_options(uint8_t *opt)
{
	uint32_t n = 0;

	if (one_in(2)) {
		memcpy(opt + n, (uint8_t[]){2, 4, (uint8_t)below(256), (uint8_t)below(256)}, 4);
		n += 4;
	}
	if (one_in(2)) {
		memcpy(opt + n, (uint8_t[]){8, 10, 1, 2, 3, 4, 0, 0, 0, 0}, 10);
		n += 10;
	}
	if (one_in(2)) {
		memcpy(opt + n, (uint8_t[]){4, 2}, 2);
		n += 2;
	}
	if (one_in(2)) {
		memcpy(opt + n, (uint8_t[]){3, 3, (uint8_t)below(20)}, 3);
		n += 3;
	}
	while (one_in(20) && n < 36)
		opt[n++] = (uint8_t)below(256);
	while (n % 4)
		opt[n++] = 0;
	return n;
}

static tg_seq near(tg_seq from)
{
	return one_in(2) ? tg_seq_add(from, below(5) - 2) : tg_seq_add(from, below(70000));
}

/* A SYN that is remembered, one that is repeated, or what a stranger says to go on with. Never the
 * ACK that would prove him. */
static void fill_segment(struct packet *p, struct tg_seg *seg)
{
	struct memory *m = &memory[below(MEMORY_N)];
	bool fresh = !m->sport || tg_addr_is_v4(&m->src) == p->v6 || one_in(3);

	seg->ctl = one_in(3) ? TG_TCP_SYN : (uint8_t)below(256);
	seg->wnd = (uint16_t)below(65536);
	if (fresh) {
		*m = (struct memory){.src = p->src,
				     .sport = (uint16_t)(1 + below(65535)),
				     .dport = one_in(3) ? 81 : 80,
				     .seq = tg_seq_make((uint32_t)tg_rng_next(&rng))};
		seg->ctl = one_in(4) ? seg->ctl : TG_TCP_SYN;
	}
	p->src = m->src;
	p->about = m;
	seg->sport = m->sport;
	seg->dport = m->dport;
	seg->seq = fresh || one_in(2) ? m->seq : near(m->seq);
	seg->ack = m->answered ? near(m->iss) : tg_seq_make((uint32_t)tg_rng_next(&rng));
	if (m->answered && tg_seq_eq(seg->ack, tg_seq_add(m->iss, 1)) && (seg->ctl & TG_TCP_ACK))
		seg->ack = tg_seq_add(m->iss, 2 + below(3));
}

static uint32_t put_tcp(struct packet *p, uint8_t *at)
{
	struct tg_seg seg = {0};
	uint8_t opt[60];
	uint32_t text = one_in(3) ? below(200) : 0, opts = random_options(opt);

	fill_segment(p, &seg);
	p->syn = (seg.ctl & (TG_TCP_SYN | TG_TCP_ACK | TG_TCP_RST)) == TG_TCP_SYN;
	tg_tcp_emit(at, &seg);
	memcpy(at + 20, opt, opts);
	at[12] = (uint8_t)((20 + opts) / 4 << 4);
	memset(at + 20 + opts, 'x', text);
	tg_tcp_csum_put(at, 20 + opts + text, &p->src, &p->dst, false);
	return 20 + opts + text;
}

/* Echoes, errors that quote what we may have sent, neighbour discovery, and the rest. */
static uint32_t put_icmp(struct packet *p, uint8_t *at)
{
	static const uint8_t type4[] = {8, 8, 3, 5, 11, 12, 13, 15, 17, 0},
			     type6[] = {128, 128, 1, 2, 3, 4, 135, 136, 137, 133, 134, 129};
	uint32_t len = 8 + below(300);

	for (uint32_t i = 0; i < len; i++)
		at[i] = (uint8_t)below(256);
	at[0] = p->v6 ? type6[below(12)] : type4[below(10)];
	at[1] = one_in(3) ? (uint8_t)below(16) : 0;
	if (p->v6 && at[0] == 135 && one_in(2) && len >= 24)
		memcpy(at + 8, h.conf.port[0].addr[1].addr.b, 16);
	at[2] = at[3] = 0;
	uint64_t sum = p->v6 ? tg_csum_pseudo(&p->src, &p->dst, TG_PROTO_ICMP6, len) : 0;

	tg_be16_put(at + 2, tg_csum_fold(tg_csum_add(sum, at, len)));
	return len;
}

static uint32_t put_ip(struct packet *p, uint8_t *at, uint8_t proto, uint32_t payload)
{
	struct tg_ip ip = {
	    .src = p->src, .dst = p->dst, .proto = proto, .ttl = one_in(2) ? 255 : 64, .v6 = p->v6};

	return p->v6 ? tg_ip6_emit(at, &ip, payload, 0) : tg_ip4_emit(at, &ip, payload, false);
}

static void make(struct packet *p)
{
	memset(p, 0, sizeof(*p));
	p->v6 = one_in(2);
	p->src = random_src(p->v6);
	p->dst = random_dst(p->v6);
	struct tg_eth eth = {.dst = random_mac(&p->unicast),
			     .src = h.conf.port[0].static_neigh,
			     .type = p->v6 ? TG_ETHERTYPE_IP6 : TG_ETHERTYPE_IP4};
	uint32_t l2 = tg_eth_emit(p->frame, &eth), l3 = p->v6 ? TG_IP6_LEN : TG_IP4_LEN, n;
	uint8_t *l4 = p->frame + l2 + l3;
	uint8_t proto = TG_PROTO_TCP;

	if (one_in(4)) {
		n = put_icmp(p, l4);
		proto = p->v6 ? TG_PROTO_ICMP6 : TG_PROTO_ICMP;
	} else {
		n = put_tcp(p, l4);
	}
	if (one_in(40))
		proto = (uint8_t)below(256);
	put_ip(p, p->frame + l2, proto, n);
	p->l3 = l3 + n;
	p->len = l2 + p->l3;
	if (one_in(30)) /* anything at all; what TCP's checksum covers is dropped */
		p->frame[l2 + below(p->l3)] ^= (uint8_t)(1 << below(8));
	while (p->len < FRAME_MIN || (one_in(10) && p->len < FRAME_MAX)) /* padding */
		p->frame[p->len++] = 0;
}

/* --- what comes out --- */

/* Neighbour discovery and ARP; false for all else, with its header parsed. */
static bool is_of_link(const struct host_frame *f, struct tg_eth *eth, struct tg_ip *ip)
{
	CU_ASSERT_EQUAL_FATAL(tg_eth_parse(f->data, f->len, eth), TG_CTR_NONE);
	const uint8_t *l3 = f->data + eth->hdr_len;
	uint32_t len = f->len - eth->hdr_len;

	if (eth->type == TG_ETHERTYPE_ARP)
		return true;
	bool v6 = eth->type == TG_ETHERTYPE_IP6;
	enum tg_ctr why = v6 ? tg_ip6_parse(l3, len, ip) : tg_ip4_parse(l3, len, true, ip);

	CU_ASSERT_EQUAL_FATAL(why, TG_CTR_NONE);
	uint8_t type = l3[ip->hdr_len];

	return v6 && ip->proto == TG_PROTO_ICMP6 && type >= 133 && type <= 137;
}

static void learn(const struct packet *p, const struct host_frame *f, const struct tg_eth *eth,
		  const struct tg_ip *ip)
{
	struct tg_seg seg;

	if (!p->about || ip->proto != TG_PROTO_TCP ||
	    tg_tcp_parse(f->data + eth->hdr_len + ip->hdr_len, ip->payload_len, &seg) ||
	    seg.ctl != (TG_TCP_SYN | TG_TCP_ACK))
		return;
	p->about->iss = seg.seq;
	p->about->answered = true;
}

static bool is_syn_ack(const struct host_frame *f, const struct tg_eth *eth, const struct tg_ip *ip)
{
	const uint8_t *tcp = f->data + eth->hdr_len + ip->hdr_len;

	return ip->proto == TG_PROTO_TCP && (tcp[13] & 0x3f) == (TG_TCP_SYN | TG_TCP_ACK);
}

/* A challenge of a half-open entry that agreed on timestamps: it must have them. */
static bool is_stamped_ack(const struct host_frame *f, const struct tg_eth *eth,
			   const struct tg_ip *ip)
{
	const uint8_t *tcp = f->data + eth->hdr_len + ip->hdr_len;

	return ip->proto == TG_PROTO_TCP && (tcp[13] & 0x3f) == TG_TCP_ACK && tcp[12] >> 4 == 8;
}

static uint32_t padded(uint32_t len)
{
	return len < FRAME_MIN ? FRAME_MIN : len;
}

/* SYN-ACKs that make or need no entry yet. */
static uint64_t new_syn_acks(void)
{
	return host_ctr(&h, TG_CTR_synack_sent) + host_ctr(&h, TG_CTR_cookie_sent);
}

/* Everything that the packet drew; again: a SYN-ACK in it was sent before. */
static void check_answers(const struct packet *p, bool again)
{
	struct host_frame f;
	struct tg_eth eth;
	struct tg_ip ip;
	uint32_t n = 0, port_mtu = h.conf.port[0].mtu;

	while (host_next(&h, &f)) {
		if (is_of_link(&f, &eth, &ip))
			continue;
		uint32_t out = ip.hdr_len + ip.payload_len;
		uint32_t more = p->syn && is_syn_ack(&f, &eth, &ip) ? MSS_LEN : 0;
		if (is_stamped_ack(&f, &eth, &ip))
			more = TS_LEN;
		else if (is_syn_ack(&f, &eth, &ip) && again)
			more = SYN_OPTS_LEN;
		more_bytes += more;
		CU_ASSERT_EQUAL(++n, 1);
		CU_ASSERT(tg_addr_equal(&ip.dst, &p->src));
		CU_ASSERT(p->unicast); /* LN-20: on no layer to a group */
		CU_ASSERT_EQUAL(f.data[0] & 1, 0);
		CU_ASSERT(!tg_addr_equal(&ip.dst, &h.conf.port[0].addr[0].addr));
		CU_ASSERT(!tg_addr_equal(&ip.dst, &h.conf.port[0].addr[1].addr));
		CU_ASSERT(out <= p->l3 + more);
		CU_ASSERT(padded(f.len) <= padded(p->len) + more);
		CU_ASSERT(out <= port_mtu);
		learn(p, &f, &eth, &ip);
		out_bytes += out;
		out_n++;
	}
}

/* Time goes by: what comes now was asked for by nobody, so it must be paid. */
static uint32_t idle(uint32_t ms)
{
	struct host_frame f;
	struct tg_eth eth;
	struct tg_ip ip;
	uint32_t n = 0;

	host_tick(&h, ms);
	while (host_next(&h, &f)) {
		if (is_of_link(&f, &eth, &ip))
			continue;
		CU_ASSERT(is_syn_ack(&f, &eth, &ip));
		n++;
	}
	return n;
}

static void begin(uint8_t cookies, uint32_t rate)
{
	struct tg_listener_conf l;

	tg_rng_init(&rng, tg_test_seed);
	memset(memory, 0, sizeof(memory));
	in_bytes = out_bytes = in_n = out_n = more_bytes = 0;
	host_defaults(&h);
	h.conf.rst_rate = rate;
	h.conf.challenge_ms = 1;
	h.conf.conn_max = h.conf.ipv6_max = HOST_CONN_MAX;
	h.tcp.ecn = true;
	host_init(&h);
	host_listener(&h, &l, 80);
	l.syn_cookies = cookies;
	l.synq_high = 40;
	l.synq_low = 30;
	CU_ASSERT_FATAL(tg_engine_listen(h.e, &l) == 0);
}

static void end(void)
{
	tg_engine_abort_all(h.e);
	CU_ASSERT_EQUAL(idle(10), 0); /* half-open entries go unsaid */
	host_end(&h);
}

static void say_one(void)
{
	struct packet p;
	const uint8_t *f = p.frame;

	make(&p);
	in_bytes += p.l3;
	in_n++;
	uint64_t before = new_syn_acks();

	host_rx(&h, &f, &p.len, 1);
	check_answers(&p, new_syn_acks() == before);
}

/* A rate that limits nothing, so that what is seen is the bound on lengths. */
static void no_amplification(uint8_t cookies)
{
	begin(cookies, 1000000);
	for (uint32_t i = 0; i < STEP_N; i++) {
		say_one();
		if (one_in(20))
			idle(below(2000));
	}
	CU_ASSERT(out_n > STEP_N / 10); /* it does answer */
	CU_ASSERT(out_n <= in_n);
	CU_ASSERT(out_bytes <= in_bytes + more_bytes);
	CU_ASSERT_EQUAL(h.svc.opened, 0); /* the stranger proved nothing */
	CU_ASSERT(host_ctr(&h, TG_CTR_icmp_echo) > 100);
	CU_ASSERT(host_ctr(&h, TG_CTR_rst_sent) > 100);
	if (cookies != TG_COOKIES_ALWAYS) {
		CU_ASSERT(host_ctr(&h, TG_CTR_synack_sent) > 100);
		CU_ASSERT(host_ctr(&h, TG_CTR_ch_sent) > 20);
	}
	end();
}

static void test_stranger_stateful_noAmplification(void)
{
	no_amplification(TG_COOKIES_OFF);
}

static void test_stranger_auto_noAmplification(void)
{
	no_amplification(TG_COOKIES_AUTO);
}

static void test_stranger_cookies_noAmplification(void)
{
	no_amplification(TG_COOKIES_ALWAYS);
}

/* All that TCP says to one prefix, answers and repeated SYN-ACKs together, is within its budget:
 * the whole of it at once, and then its rate, which is jittered by a quarter. */
static void budget_holds(uint8_t cookies)
{
	uint64_t said = 0, echoes, from_ms;

	begin(cookies, RATE);
	from_ms = h.now_ns / TG_NS_PER_MS;
	for (uint32_t i = 0; i < STEP_N / 3; i++) {
		say_one();
		if (one_in(100))
			said += idle(below(100));
	}
	said += out_n;
	echoes = host_ctr(&h, TG_CTR_icmp_echo);
	uint64_t ms = h.now_ns / TG_NS_PER_MS - from_ms, prefixes = 2 + 4; /* /24 and /48 */
	uint64_t most = prefixes * (RATE + RATE * ms * 5 / 4 / 1000);

	CU_ASSERT(said - echoes <= most);
	CU_ASSERT(said - echoes > most / 8); /* nor is it silent */
	CU_ASSERT(host_ctr(&h, TG_CTR_rst_limited) + host_ctr(&h, TG_CTR_synack_limited) > 100);
	end();
}

static void test_stranger_stateful_budgetHolds(void)
{
	budget_holds(TG_COOKIES_OFF);
}

static void test_stranger_auto_budgetHolds(void)
{
	budget_holds(TG_COOKIES_AUTO);
}

/* What RFC 9293 wants said is said with the options that were agreed on, however short what drew
 * it. */
static void test_halfOpen_bareSegments_areAnswered(void)
{
	struct host_peer p;
	struct tg_seg seg;
	struct host_frame f;

	begin(TG_COOKIES_OFF, 1000000);
	host_peer(&p, &h, 80, 5000, false);
	p.opts = (struct tg_tcp_opts){
	    .has_mss = 1, .mss = 1460, .has_ts = 1, .has_sack_perm = 1, .has_wscale = 1};
	host_send(&p, TG_TCP_SYN, NULL, 0);
	CU_ASSERT(host_expect(&p, &seg, &f) && seg.ctl == (TG_TCP_SYN | TG_TCP_ACK));
	CU_ASSERT(seg.opts.has_ts && seg.opts.has_wscale);
	p.opts = (struct tg_tcp_opts){0};
	host_raw(&p, TG_TCP_SYN, tg_seq_make(1000), tg_seq_make(0), NULL, 0); /* SE-21 */
	CU_ASSERT(host_expect(&p, &seg, &f) && seg.ctl == (TG_TCP_SYN | TG_TCP_ACK));
	CU_ASSERT(seg.opts.has_ts && seg.opts.has_wscale);
	host_tick(&h, 2);                                                     /* challenge_ms */
	host_raw(&p, TG_TCP_RST, tg_seq_make(1002), tg_seq_make(0), NULL, 0); /* SE-23 */
	CU_ASSERT(host_expect(&p, &seg, &f) && seg.ctl == TG_TCP_ACK && seg.opts.has_ts);
	CU_ASSERT_EQUAL(host_state(&p), TG_SYN_RECEIVED);
	end();
}

/* RB-12: what it answers is paid, SYN-ACK and challenges alike. */
static void test_halfOpen_answers_arePaid(void)
{
	struct host_peer p;
	struct tg_seg seg;
	struct host_frame f;

	begin(TG_COOKIES_OFF, 3);
	host_peer(&p, &h, 80, 5000, false);
	host_send(&p, TG_TCP_SYN, NULL, 0);
	CU_ASSERT(host_expect(&p, &seg, &f) && seg.ctl == (TG_TCP_SYN | TG_TCP_ACK));
	for (int i = 0; i < 5; i++) {
		host_tick(&h, 2);
		host_raw(&p, TG_TCP_RST, tg_seq_make(1002), tg_seq_make(0), NULL, 0);
		CU_ASSERT_EQUAL(host_next(&h, &f), i < 2);
	}
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_ack_limited), 3);
	host_raw(&p, TG_TCP_SYN, tg_seq_make(1000), tg_seq_make(0), NULL, 0);
	CU_ASSERT(!host_next(&h, &f));
	end();
}

/* SC-21: so is what the timer sends again. One token a second: a SYN just before the timer has it.
 */
static void test_halfOpen_repeatedSynAck_isPaid(void)
{
	enum { PREFIX_N = 12 };
	uint32_t n = 0;
	struct host_frame f;

	begin(TG_COOKIES_OFF, 1);
	for (uint16_t turn = 0; turn < 2; turn++) {
		for (uint8_t i = 0; i < PREFIX_N; i++) {
			struct host_peer p;
			host_peer(&p, &h, 80, (uint16_t)(5000 + turn), false);
			p.t.raddr.b[13] = i;
			host_send(&p, TG_TCP_SYN, NULL, 0);
		}
		host_tick(&h, turn ? 2 : 999);
	}
	while (host_next(&h, &f))
		n++;
	CU_ASSERT(n >= PREFIX_N && n <= 2 * PREFIX_N); /* 5/4 tokens came in a second at most */
	end();
}

/* A prefix that has proved something is answered in full. */
static void test_halfOpen_provedPrefix_isAnswered(void)
{
	struct host_peer p, q;
	struct tg_seg seg;
	struct host_frame f;

	begin(TG_COOKIES_OFF, 1000000);
	host_peer(&p, &h, 80, 4000, false);
	CU_ASSERT(host_handshake(&p));
	host_raw(&p, TG_TCP_RST, p.snd_nxt, tg_seq_make(0), NULL, 0);
	host_peer(&q, &h, 80, 5000, false);
	q.opts = (struct tg_tcp_opts){.has_mss = 1, .mss = 1460, .has_ts = 1};
	host_send(&q, TG_TCP_SYN, NULL, 0);
	CU_ASSERT(host_expect(&q, &seg, &f));
	q.opts = (struct tg_tcp_opts){0};
	host_raw(&q, TG_TCP_RST, tg_seq_make(1002), tg_seq_make(0), NULL, 0);
	CU_ASSERT(host_expect(&q, &seg, &f) && seg.ctl == TG_TCP_ACK);
	end();
}

/* LN-20: an echo request in a frame to a group, with our own address in it. */
static void test_echo_groupFrame_isNotAnswered(void)
{
	static const struct tg_mac group = {{0x33, 0x33, 0xff, 0, 0, 1}};
	struct packet p = {.v6 = true};
	struct tg_eth eth = {.src = {{2, 0, 0, 0, 0, 2}}, .dst = group, .type = TG_ETHERTYPE_IP6};
	const uint8_t *frame = p.frame;
	struct host_frame f;

	begin(TG_COOKIES_OFF, 1000000);
	p.src = addr("2001:db8::2");
	p.dst = addr("2001:db8::1");
	uint32_t l2 = tg_eth_emit(p.frame, &eth), len = l2 + TG_IP6_LEN + 16;
	uint8_t *icmp = p.frame + l2 + TG_IP6_LEN;

	icmp[0] = 128;
	tg_be16_put(icmp + 2, tg_csum_fold(tg_csum_add(
				  tg_csum_pseudo(&p.src, &p.dst, TG_PROTO_ICMP6, 16), icmp, 16)));
	put_ip(&p, p.frame + l2, TG_PROTO_ICMP6, 16);
	host_rx(&h, &frame, &len, 1);
	CU_ASSERT(!host_next(&h, &f));
	CU_ASSERT_EQUAL(host_ctr(&h, TG_CTR_bad_mac), 1);
	eth.dst = h.conf.port[0].mac;
	tg_eth_emit(p.frame, &eth);
	host_rx(&h, &frame, &len, 1);
	CU_ASSERT(host_next(&h, &f)); /* the same to us alone */
	end();
}

static const struct tg_test tests[] = {
    {"stranger_stateful_noAmplification", test_stranger_stateful_noAmplification},
    {"stranger_auto_noAmplification", test_stranger_auto_noAmplification},
    {"stranger_cookies_noAmplification", test_stranger_cookies_noAmplification},
    {"stranger_stateful_budgetHolds", test_stranger_stateful_budgetHolds},
    {"stranger_auto_budgetHolds", test_stranger_auto_budgetHolds},
    {"halfOpen_bareSegments_areAnswered", test_halfOpen_bareSegments_areAnswered},
    {"halfOpen_answers_arePaid", test_halfOpen_answers_arePaid},
    {"halfOpen_repeatedSynAck_isPaid", test_halfOpen_repeatedSynAck_isPaid},
    {"halfOpen_provedPrefix_isAnswered", test_halfOpen_provedPrefix_isAnswered},
    {"echo_groupFrame_isNotAnswered", test_echo_groupFrame_isNotAnswered},
};

int main(int argc, char **argv)
{
	return tg_test_main("engine_reflect", tests, TG_TEST_N(tests), argc, argv);
}
