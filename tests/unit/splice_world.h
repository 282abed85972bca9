/* SPDX-License-Identifier: BSD-3-Clause */
/* splice_world.h: an engine with a port outside and a port inside, a VIP, and two ends that say
 * what they are told to: a client (198.51.100.7, 2001:db8:9::7) and a backend (10.0.0.11,
 * fd00::11). What goes out to either is kept, checked as its end would: port, addresses, checksums.
 */
#ifndef SPLICE_WORLD_H
#define SPLICE_WORLD_H

#include "engine_host.h"
#include "splice.h"

enum { W_KEPT = 64, W_VPORT = 80, W_CPORT = 5000, W_BPORT = 8080 };
enum { W_OUTSIDE = 0, W_INSIDE = 1 };

/* A segment as an end got it. */
struct w_seg {
	struct tg_seg seg;
	struct tg_tuple t; /* seen from the end: l = where it came to */
	struct tg_ip ip;
	uint8_t text[2048];
};

struct w_end {
	uint32_t port;
	struct tg_addr addr, peer; /* peer: whom it talks to; a backend learns it from the SYN */
	uint16_t lport, rport;
	struct tg_seg said; /* defaults of what it says: wnd, options */
	tg_seq nxt, rcv;    /* its SND.NXT and RCV.NXT */
	uint8_t ttl;
	struct w_seg kept[W_KEPT];
	uint32_t kept_n;
};

struct world {
	struct host h;
	struct w_end c, b;
	struct tg_pool_conf pool;
	struct tg_listener_conf listener;
	bool v6, transparent;
	bool ip_options;            /* the ends put some between IP and TCP */
	struct tg_tcp_opts profile; /* how the backend answers probes */
	uint32_t icmp_n;            /* ICMP frames seen; the last one's */
	struct host_frame icmp;
};

static struct world w;

static struct tg_addr w_addr(const char *v4, const char *v6)
{
	struct tg_addr a;

	tg_addr_parse(w.v6 ? v6 : v4, &a);
	return a;
}

/* --- what the ends say --- */

/* Four bytes of IPv4 options, or a destination options header, before the TCP header at data + l2
 * + 20 (40) of a frame of len bytes; its new length. */
static uint32_t w_insert_options(uint8_t *data, uint32_t l2, uint32_t len)
{
	static const uint8_t pad6[8] = {6, 0, 1, 4}, nops[4] = {1, 1, 1, 1};
	uint32_t l3 = w.v6 ? TG_IP6_LEN : TG_IP4_LEN, n = w.v6 ? sizeof(pad6) : sizeof(nops);
	uint8_t *ip = data + l2;

	memmove(ip + l3 + n, ip + l3, len - l2 - l3);
	memcpy(ip + l3, w.v6 ? pad6 : nops, n);
	if (w.v6) {
		ip[6] = 60;
		tg_be16_put(ip + 4, (uint16_t)(tg_be16_get(ip + 4) + n));
	} else {
		ip[0] = 0x46;
		tg_be16_put(ip + 2, (uint16_t)(tg_be16_get(ip + 2) + n));
		tg_be16_put(ip + 10, 0);
		tg_be16_put(ip + 10, tg_csum_fold(tg_csum_add(0, ip, l3 + n)));
	}
	return len + n;
}

static void w_frame(struct w_end *from, const struct tg_seg *seg, const void *text, uint32_t len)
{
	static const struct tg_mac mac[2] = {{{2, 0, 0, 0, 0, 1}}, {{2, 0, 0, 0, 0, 9}}};
	struct tg_eth eth = {.dst = mac[from->port],
			     .src = {{2, 0, 0, 0, 0, 2}},
			     .type = w.v6 ? TG_ETHERTYPE_IP6 : TG_ETHERTYPE_IP4,
			     .vid = w.h.conf.port[from->port].vlan,
			     .tagged = w.h.conf.port[from->port].vlan != 0};
	struct tg_ip ip = {.src = from->addr,
			   .dst = from->peer,
			   .proto = TG_PROTO_TCP,
			   .ttl = from->ttl,
			   .frag_id = 77,
			   .v6 = w.v6};
	uint8_t frame[HOST_BUF_LEN];
	const uint8_t *f = frame;
	struct tg_seg s = *seg;
	uint32_t l2 = tg_eth_emit(frame, &eth), l3 = w.v6 ? TG_IP6_LEN : TG_IP4_LEN, l4, n;

	s.sport = from->lport;
	s.dport = from->rport;
	l4 = tg_tcp_emit(frame + l2 + l3, &s);
	CU_ASSERT_FATAL(l2 + l3 + l4 + len <= sizeof(frame));
	if (len)
		memcpy(frame + l2 + l3 + l4, text, len);
	tg_tcp_csum_put(frame + l2 + l3, l4 + len, &ip.src, &ip.dst, false);
	if (w.v6)
		tg_ip6_emit(frame + l2, &ip, l4 + len, 0x12345);
	else
		tg_ip4_emit(frame + l2, &ip, l4 + len, false);
	n = l2 + l3 + l4 + len;
	if (w.ip_options)
		n = w_insert_options(frame, l2, n);
	w.h.rx_port = (uint16_t)from->port;
	host_rx(&w.h, &f, &n, 1);
}

/* Those numbers exactly; nothing of the end moves. */
static void w_raw(struct w_end *from, uint8_t ctl, uint32_t seq, uint32_t ack, const void *text,
		  uint32_t len)
{
	struct tg_seg seg = from->said;

	seg.ctl = ctl;
	seg.seq = tg_seq_make(seq);
	seg.ack = tg_seq_make(ack);
	w_frame(from, &seg, text, len);
}

static void w_say(struct w_end *from, uint8_t ctl, const void *text, uint32_t len)
{
	tg_seq seq = from->nxt;

	from->nxt =
	    tg_seq_add(seq, len + ((ctl & TG_TCP_SYN) ? 1 : 0) + ((ctl & TG_TCP_FIN) ? 1 : 0));
	w_raw(from, ctl, seq.v, (ctl & TG_TCP_ACK) ? from->rcv.v : 0, text, len);
}

/* --- what they hear --- */

static void w_keep(const struct host_frame *f)
{
	struct w_end *to = f->pkt.port == W_OUTSIDE ? &w.c : &w.b;
	struct tg_eth eth;
	struct w_seg *s = &to->kept[to->kept_n];

	CU_ASSERT_EQUAL_FATAL(tg_eth_parse(f->data, f->len, &eth), TG_CTR_NONE);
	const uint8_t *l3 = f->data + eth.hdr_len;
	uint32_t len = f->len - eth.hdr_len;
	enum tg_ctr bad =
	    w.v6 ? tg_ip6_parse(l3, len, &s->ip) : tg_ip4_parse(l3, len, true, &s->ip);

	CU_ASSERT_EQUAL(eth.vid, w.h.conf.port[f->pkt.port].vlan);
	CU_ASSERT_EQUAL_FATAL(bad, TG_CTR_NONE);
	if (s->ip.proto != TG_PROTO_TCP) {
		w.icmp_n++;
		w.icmp = *f;
		return;
	}
	CU_ASSERT_FATAL(to->kept_n + 1 < W_KEPT);
	const uint8_t *tcp = l3 + s->ip.hdr_len;

	CU_ASSERT(tg_tcp_csum_ok(tcp, s->ip.payload_len, &s->ip.src, &s->ip.dst));
	CU_ASSERT_EQUAL_FATAL(tg_tcp_parse(tcp, s->ip.payload_len, &s->seg), TG_CTR_NONE);
	CU_ASSERT(tg_addr_equal(&s->ip.dst, &to->addr) || to == &w.b);
	s->t = (struct tg_tuple){
	    .laddr = s->ip.dst, .raddr = s->ip.src, .lport = s->seg.dport, .rport = s->seg.sport};
	memcpy(s->text, s->seg.text, s->seg.len);
	to->kept_n++;
}

static void w_collect(void)
{
	struct host_frame f;

	while (host_next(&w.h, &f))
		w_keep(&f);
}

static uint32_t w_waiting(struct w_end *to)
{
	w_collect();
	return to->kept_n;
}

/* The next segment to that end; RCV.NXT moves with what it carries in order. */
static struct w_seg w_hear(struct w_end *to)
{
	struct w_seg s;

	w_collect();
	memset(&s, 0, sizeof(s));
	CU_ASSERT_FATAL(to->kept_n > 0);
	s = to->kept[0];
	memmove(to->kept, to->kept + 1, --to->kept_n * sizeof(s));
	if ((s.seg.ctl & TG_TCP_SYN) ||
	    (tg_seq_eq(s.seg.seq, to->rcv) && !(s.seg.ctl & TG_TCP_RST)))
		to->rcv = tg_seq_add(s.seg.seq, tg_seg_len(&s.seg));
	return s;
}

/* The same, with those control bits and nothing behind it. */
static struct w_seg w_hear_ctl(struct w_end *to, uint8_t ctl)
{
	struct w_seg s = w_hear(to);

	CU_ASSERT_EQUAL(s.seg.ctl, ctl);
	return s;
}

static void w_silence(void)
{
	CU_ASSERT_EQUAL(w_waiting(&w.c), 0);
	CU_ASSERT_EQUAL(w_waiting(&w.b), 0);
}

/* --- beginning and end --- */

/* Defaults; change w and then call w_start. */
static void w_defaults(bool v6, bool transparent)
{
	struct tg_port_conf *out, *in;

	memset(&w, 0, sizeof(w));
	host_defaults(&w.h);
	w.v6 = v6;
	w.transparent = transparent;
	w.h.conf.pool_max = 2;
	w.h.conf.splice_max = 8;
	w.h.conf.splice_idle_ms = 3600000;
	w.h.conf.port_n = 2;
	out = &w.h.conf.port[0], in = &w.h.conf.port[1];
	*in = *out;
	in->mac.b[5] = 9;
	tg_addr_parse("10.0.0.1", &in->addr[0].addr);
	tg_addr_parse("fd00::1", &in->addr[1].addr);
	w.pool = (struct tg_pool_conf){.name = "web",
				       .mode = transparent ? TG_POOL_TRANSPARENT : TG_POOL_SNAT,
				       .dead = TG_REFUSE_RST,
				       .rise = 1,
				       .fall = 2,
				       .check_ms = 40000000,
				       .check_timeout_ms = 20000,
				       .backend_n = 1,
				       .key = {3, 4}};
	w.pool.backend[0] = (struct tg_backend_conf){
	    .addr = w_addr("10.0.0.11", "fd00::11"), .port = W_BPORT, .weight = 1};
	w.profile = (struct tg_tcp_opts){.has_mss = 1,
					 .mss = 1460,
					 .has_sack_perm = 1,
					 .has_ts = 1,
					 .has_wscale = 1,
					 .wscale = 7};
	w.c = (struct w_end){.port = W_OUTSIDE,
			     .addr = w_addr("198.51.100.7", "2001:db8:9::7"),
			     .lport = W_CPORT,
			     .rport = W_VPORT,
			     .ttl = 64,
			     .nxt = {1000}};
	w.c.peer = out->addr[v6].addr;
	w.c.said.wnd = 60000;
	w.b = (struct w_end){.port = W_INSIDE,
			     .addr = w.pool.backend[0].addr,
			     .lport = W_BPORT,
			     .ttl = 64,
			     .nxt = {0xfffffff0}};
	w.b.said.wnd = 50000;
}

/* The backend answers the probe that is on its way, as its profile says. */
static void w_answer_probe(void)
{
	struct w_seg s;

	for (uint32_t i = 0; i < 10000 && !w_waiting(&w.b); i++)
		host_tick(&w.h, 5000);
	s = w_hear_ctl(&w.b, TG_TCP_SYN);
	w.b.kept_n = 0; /* it may have come again */
	struct w_end probed = w.b;

	probed.peer = s.t.raddr;
	probed.rport = s.t.rport;
	probed.said.opts = w.profile;
	probed.said.opts.tsval = 9;
	probed.said.opts.tsecr = s.seg.opts.tsval;
	w_raw(&probed, TG_TCP_SYN | TG_TCP_ACK, 4711, s.seg.seq.v + 1, NULL, 0);
	while (w_waiting(&w.b))
		CU_ASSERT(w_hear(&w.b).seg.ctl & TG_TCP_RST);
}

static void w_start(void)
{
	host_init(&w.h);
	CU_ASSERT_EQUAL_FATAL(tg_engine_pool_add(w.h.e, &w.pool), 0);
	if (w.pool.backend_n)
		w_answer_probe();
	uint8_t cookies = w.listener.syn_cookies;
	uint32_t synq = w.listener.synq_high;

	host_listener(&w.h, &w.listener, W_VPORT);
	w.listener.service = NULL;
	w.listener.has_pool = true;
	w.listener.pool = 0;
	if (cookies)
		w.listener.syn_cookies = cookies;
	if (synq)
		w.listener.synq_high = synq;
	CU_ASSERT_EQUAL_FATAL(tg_engine_listen(w.h.e, &w.listener), 0);
	w_silence();
}

__attribute__((unused)) static void w_begin(bool v6, bool transparent)
{
	w_defaults(v6, transparent);
	w_start();
}

static struct tg_engine_stats w_stats(void)
{
	struct tg_engine_stats s;

	tg_engine_stats(w.h.e, &s);
	return s;
}

/* Nothing is left behind. */
static void w_end(void)
{
	struct tg_engine_stats s = w_stats();

	CU_ASSERT_EQUAL(s.splice_count, 0);
	CU_ASSERT_EQUAL(s.splice_held, 0);
	CU_ASSERT_EQUAL(s.conn_count, 0);
	CU_ASSERT_EQUAL(s.ext_used, 0);
	CU_ASSERT_EQUAL(s.chunk_used, 0);
	host_fini(&w.h);
}

/* --- the usual steps --- */

static void w_client_options(uint32_t tsval)
{
	w.c.said.opts = (struct tg_tcp_opts){.has_mss = 1,
					     .mss = 1400,
					     .has_sack_perm = 1,
					     .has_ts = 1,
					     .tsval = tsval,
					     .has_wscale = 1,
					     .wscale = 6};
}

/* Only the timestamp from here on. */
static void w_ts(struct w_end *end, bool has, uint32_t tsval, uint32_t tsecr)
{
	end->said.opts =
	    (struct tg_tcp_opts){.has_ts = has, .tsval = has ? tsval : 0, .tsecr = has ? tsecr : 0};
}

/* SYN and SYN-ACK; what was promised. */
static struct w_seg w_client_syn(void)
{
	struct w_seg s;

	w_say(&w.c, TG_TCP_SYN, NULL, 0);
	s = w_hear_ctl(&w.c, TG_TCP_SYN | TG_TCP_ACK);
	w_ts(&w.c, s.seg.opts.has_ts, w.c.said.opts.tsval + 1, s.seg.opts.tsval);
	return s;
}

/* The backend gets a SYN, and learns who is there. */
static struct w_seg w_backend_syn(void)
{
	struct w_seg s = w_hear_ctl(&w.b, TG_TCP_SYN);

	w.b.peer = s.t.raddr;
	w.b.rport = s.t.rport;
	return s;
}

/* SYN-ACK with those options: what was held goes out, and is the ACK. */
static void w_backend_agrees(struct tg_tcp_opts opts)
{
	w.b.said.opts = opts;
	w_say(&w.b, TG_TCP_SYN | TG_TCP_ACK, NULL, 0);
}

/* The same where nothing was held, and the ACK that it draws. */
static struct w_seg w_backend_answers(struct tg_tcp_opts opts)
{
	w_backend_agrees(opts);
	return w_hear_ctl(&w.b, TG_TCP_ACK);
}

static struct tg_tcp_opts w_all(uint32_t tsval, uint32_t tsecr)
{
	struct tg_tcp_opts o = w.profile;

	o.tsval = tsval;
	o.tsecr = tsecr;
	return o;
}

enum { W_BTS = 90000, W_CTS = 500 };

/* The whole of it, all options on both sides; the promised TSval. */
__attribute__((unused)) static uint32_t w_open(void)
{
	struct w_seg s;

	w_client_options(W_CTS);
	s = w_client_syn();
	w_say(&w.c, TG_TCP_ACK, NULL, 0);
	struct w_seg syn = w_backend_syn();

	w_backend_answers(w_all(W_BTS, syn.seg.opts.tsval));
	w_ts(&w.b, syn.seg.opts.has_ts, W_BTS + 5, syn.seg.opts.tsval);
	if (w_waiting(&w.c))
		w_hear_ctl(&w.c, TG_TCP_ACK); /* the backend's window */
	w_silence();
	return s.seg.opts.tsval;
}

/* Both FINs, both acknowledged: TIME-WAIT. */
__attribute__((unused)) static void w_close(void)
{
	w_say(&w.c, TG_TCP_FIN | TG_TCP_ACK, NULL, 0);
	w_hear_ctl(&w.b, TG_TCP_FIN | TG_TCP_ACK);
	w_say(&w.b, TG_TCP_FIN | TG_TCP_ACK, NULL, 0);
	w_hear_ctl(&w.c, TG_TCP_FIN | TG_TCP_ACK);
	w_say(&w.c, TG_TCP_ACK, NULL, 0);
	w_hear_ctl(&w.b, TG_TCP_ACK);
	CU_ASSERT_EQUAL(w_stats().splice[TG_SPLICE_TIME_WAIT], 1);
}

static uint64_t w_ctr(enum tg_ctr ctr)
{
	return host_ctr(&w.h, ctr);
}

#endif
