/* SPDX-License-Identifier: BSD-3-Clause */
/* test_splice.c: a client and a server, each a host in a box, and between them an engine that
 * splices: over links that lose, duplicate and reorder, in virtual time. What one writes the other
 * reads, both ways, whatever the way did; and nothing is left behind. Then ten thousand at once,
 * and what they cost. --long: 10 MiB each way in each cell. */
#include "engine_host.h"
#include "lab.h"
#include "splice.h"

#include <errno.h>
#include <sys/socket.h>

enum { A = 0, B = 1, FLIGHT_MAX = 8192, ETH = 14, PIECE = 8192, TABLE = 65521, MANY = 10000 };
#define MS 1000000ull

static bool is_long;

struct datagram {
	uint64_t at_ns, order;
	uint32_t len;
	uint8_t end;    /* whose link */
	bool to_middle; /* else to the end */
	uint8_t bytes[HOST_BUF_LEN];
};

/* Chances in per mille. */
struct way {
	uint32_t loss, dup, reorder;
};

struct sim {
	struct host h;
	struct tg_lab *lab[2];
	struct datagram *flight;
	uint32_t flight_n;
	uint64_t order, rng, steps;
	struct way way;
	bool v6;
	const char *wrong;
};

static struct sim s;

static uint32_t below(uint32_t n)
{
	s.rng = s.rng * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((s.rng >> 33) * n >> 31);
}

/* --- links --- */

static void fly(uint8_t end, bool to_middle, const uint8_t *bytes, uint32_t len, uint64_t late_ns)
{
	CU_ASSERT_FATAL(s.flight_n < FLIGHT_MAX && len <= HOST_BUF_LEN);
	struct datagram *d = &s.flight[s.flight_n++];

	d->at_ns = s.h.now_ns + 5 * MS + late_ns;
	d->order = s.order++;
	d->len = len;
	d->end = end;
	d->to_middle = to_middle;
	memcpy(d->bytes, bytes, len);
}

static void send_off(uint8_t end, bool to_middle, const uint8_t *bytes, uint32_t len)
{
	if (below(1000) < s.way.loss)
		return;
	fly(end, to_middle, bytes, len, below(1000) < s.way.reorder ? below(20 * MS) : 0);
	if (below(1000) < s.way.dup)
		fly(end, to_middle, bytes, len, below(20 * MS));
}

static void collect(void)
{
	uint8_t bytes[HOST_BUF_LEN];
	struct host_frame f;
	uint64_t sent_ns;
	size_t len;

	for (uint8_t end = A; end <= B; end++)
		while ((len = tg_lab_output(s.lab[end], bytes, sizeof(bytes), &sent_ns)) > 0)
			send_off(end, true, bytes, (uint32_t)len);
	while (host_next(&s.h, &f))
		send_off((uint8_t)f.pkt.port, false, f.data + ETH, f.len - ETH);
}

static void to_engine(const struct datagram *d)
{
	struct tg_eth eth = {.dst = s.h.conf.port[d->end].mac,
			     .src = {{2, 0, 0, 0, 0, 2}},
			     .type = s.v6 ? TG_ETHERTYPE_IP6 : TG_ETHERTYPE_IP4};
	uint8_t frame[HOST_BUF_LEN];
	const uint8_t *f = frame;
	uint32_t len = tg_eth_emit(frame, &eth) + d->len;

	memcpy(frame + ETH, d->bytes, d->len);
	s.h.rx_port = d->end;
	host_rx(&s.h, &f, &len, 1);
}

/* --- time --- */

static uint32_t first(void)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i < s.flight_n; i++) {
		const struct datagram *d = &s.flight[i], *b = &s.flight[best];
		if (d->at_ns < b->at_ns || (d->at_ns == b->at_ns && d->order < b->order))
			best = i;
	}
	return best;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The next thing that happens, not after end_ns; false: nothing. */
static bool step(uint64_t end_ns)
{
	static struct datagram d;
	uint32_t i;

	collect();
	i = first();
	uint64_t arrives = s.flight_n ? s.flight[i].at_ns : UINT64_MAX;
	uint64_t next =
	    least(least(arrives, tg_engine_next_deadline(s.h.e)),
		  least(tg_lab_next_deadline(s.lab[A]), tg_lab_next_deadline(s.lab[B])));

	if (next > end_ns)
		return false;
	s.h.now_ns = next > s.h.now_ns ? next : s.h.now_ns;
	s.h.unchecked = ++s.steps % 16 != 0; /* validation is most of the work */
	if (arrives > s.h.now_ns) {
		tg_lab_advance(s.lab[A], s.h.now_ns);
		tg_lab_advance(s.lab[B], s.h.now_ns);
		host_tick_once(&s.h, 0);
		return true;
	}
	d = s.flight[i];
	s.flight[i] = s.flight[--s.flight_n];
	if (d.to_middle)
		to_engine(&d);
	else
		tg_lab_input(s.lab[d.end], s.h.now_ns, d.bytes, d.len);
	return true;
}

static void run(uint64_t ms)
{
	uint64_t end_ns = s.h.now_ns + ms * MS;

	while (step(end_ns))
		;
	s.h.now_ns = end_ns;
}

/* --- hosts --- */

static void defaults(uint32_t splice_max)
{
	struct tg_port_conf *out, *in;

	host_defaults(&s.h);
	out = &s.h.conf.port[0], in = &s.h.conf.port[1];
	s.h.conf.pool_max = 1;
	s.h.conf.splice_max = splice_max;
	s.h.conf.splice_idle_ms = 3600000;
	s.h.conf.port_n = 2;
	*in = *out;
	in->mac.b[5] = 9;
	tg_addr_parse("10.0.0.1", &in->addr[0].addr);
	tg_addr_parse("fd00::1", &in->addr[1].addr);
}

static void make_engine(bool v6, bool transparent)
{
	defaults(64);
	host_init(&s.h);
	struct tg_pool_conf pool = {.name = "web",
				    .mode = transparent ? TG_POOL_TRANSPARENT : TG_POOL_SNAT,
				    .rise = 1,
				    .fall = 255,
				    .check_ms = 1000,
				    .check_timeout_ms = 500,
				    .backend_n = 1};

	tg_addr_parse(v6 ? "fd00::11" : "10.0.0.11", &pool.backend[0].addr);
	pool.backend[0].port = 8080;
	pool.backend[0].weight = 1;
	CU_ASSERT_EQUAL_FATAL(tg_engine_pool_add(s.h.e, &pool), 0);
	struct tg_listener_conf l;

	host_listener(&s.h, &l, 80);
	l.service = NULL;
	l.has_pool = true;
	CU_ASSERT_EQUAL_FATAL(tg_engine_listen(s.h.e, &l), 0);
}

static struct tg_lab *make_lab(const char *addr, uint64_t seed)
{
	char text[256], err[256] = "";

	snprintf(text, sizeof(text), "addr=%s seed=%llu start_ns=%llu user_timeout_ms=86400000",
		 addr, (unsigned long long)seed, (unsigned long long)s.h.now_ns);
	struct tg_lab *lab = tg_lab_new(text, err, sizeof(err));

	if (!lab)
		fprintf(stderr, "%s\n", err);
	CU_ASSERT_PTR_NOT_NULL_FATAL(lab);
	return lab;
}

static void begin(bool v6, bool transparent, struct way way, uint64_t seed)
{
	memset(&s, 0, sizeof(s));
	s.rng = seed;
	s.v6 = v6;
	make_engine(v6, transparent);
	s.flight = calloc(FLIGHT_MAX, sizeof(*s.flight));
	s.lab[A] = make_lab(v6 ? "2001:db8:9::7/64" : "198.51.100.7/24", seed);
	s.lab[B] = make_lab(v6 ? "fd00::11/64" : "10.0.0.11/24", seed + 1);
	CU_ASSERT(tg_lab_listen(s.lab[B], NULL, 8080, 0, NULL) >= 0);
	run(2000); /* the backend is found */
	s.way = way;
}

static void end(void)
{
	char why[256];

	CU_ASSERT(tg_lab_validate(s.lab[A], why, sizeof(why)));
	CU_ASSERT(tg_lab_validate(s.lab[B], why, sizeof(why)));
	tg_lab_free(s.lab[A]);
	tg_lab_free(s.lab[B]);
	free(s.flight);
	s.h.unchecked = false;
	host_fini(&s.h);
}

/* --- one flow, both ways --- */

struct flow {
	int sock[2];
	uint64_t wrote[2], got[2], total;
	bool shut[2], eof[2];
};

static uint8_t table[2][2 * TABLE];

static void init_table(void)
{
	for (uint32_t i = 0; i < sizeof(table[0]); i++) {
		table[A][i] = (uint8_t)((i % TABLE) * 7 + (i % TABLE >> 8));
		table[B][i] = (uint8_t)((i % TABLE) * 13 + (i % TABLE >> 7) + 5);
	}
}

static void pump(struct flow *f, int end_of)
{
	struct tg_lab *lab = s.lab[end_of];
	int sock = f->sock[end_of];
	uint8_t buf[PIECE];
	ssize_t n;

	while (f->wrote[end_of] < f->total) {
		uint64_t left = f->total - f->wrote[end_of];
		n = tg_lab_write(lab, sock, table[end_of] + f->wrote[end_of] % TABLE,
				 left < PIECE ? left : PIECE);
		if (n == -EAGAIN)
			break;
		if (n < 0)
			s.wrong = "write failed";
		if (n <= 0)
			return;
		f->wrote[end_of] += (uint64_t)n;
	}
	if (f->wrote[end_of] == f->total && !f->shut[end_of]) {
		f->shut[end_of] = true;
		tg_lab_shutdown(lab, sock, SHUT_WR);
	}
	while (!f->eof[end_of] && (n = tg_lab_read(lab, sock, buf, sizeof(buf))) != -EAGAIN) {
		if (n < 0)
			s.wrong = "read failed";
		else if (memcmp(buf, table[!end_of] + f->got[end_of] % TABLE, (size_t)n) != 0)
			s.wrong = "bytes differ";
		f->eof[end_of] = n <= 0;
		f->got[end_of] += n > 0 ? (uint64_t)n : 0;
	}
}

/* The server's end: what probes leave in the queue is no connection. */
static int accept_real(int listener)
{
	int sock = tg_lab_accept(s.lab[B], listener);

	if (sock >= 0 && strcmp(tg_lab_state(s.lab[B], sock), "ESTABLISHED") != 0 &&
	    strcmp(tg_lab_state(s.lab[B], sock), "CLOSE-WAIT") != 0) {
		tg_lab_close(s.lab[B], sock);
		return -EAGAIN;
	}
	return sock;
}

static bool open_flow(struct flow *f)
{
	int listener = 0;

	f->sock[A] =
	    tg_lab_connect(s.lab[A], NULL, 0, s.v6 ? "2001:db8::1" : "192.0.2.1", 80, NULL);
	while ((f->sock[B] = accept_real(listener)) < 0)
		if (!step(s.h.now_ns + 300000 * MS))
			return false;
	return f->sock[A] >= 0;
}

static bool carry(struct flow *f)
{
	while (!s.wrong && !(f->eof[A] && f->eof[B])) {
		pump(f, A);
		pump(f, B);
		if (!step(s.h.now_ns + 3600000ull * MS))
			s.wrong = "stuck";
	}
	return !s.wrong && f->got[A] == f->total && f->got[B] == f->total;
}

/* SP-02, SP-03, SP-11 under everything that a way can do to segments. */
static void cell(bool v6, bool transparent, struct way way, uint64_t total)
{
	struct flow f = {.total = total};
	struct tg_engine_stats st;

	begin(v6, transparent, way, tg_test_seed + 7);
	CU_ASSERT(open_flow(&f));
	CU_ASSERT(carry(&f));
	if (s.wrong)
		printf("IPv%c %s loss %u: %s\n", v6 ? '6' : '4',
		       transparent ? "transparent" : "SNAT", way.loss, s.wrong);
	tg_lab_close(s.lab[A], f.sock[A]);
	tg_lab_close(s.lab[B], f.sock[B]);
	s.way = (struct way){0};
	run(400000);
	tg_engine_stats(s.h.e, &st);
	CU_ASSERT_EQUAL(st.splice_count, 0);
	CU_ASSERT_EQUAL(st.splice_held, 0);
	if (way.dup == 0 && way.reorder == 0) { /* SP-03: what is late may be too old */
		CU_ASSERT_EQUAL(tg_lab_counter(s.lab[A], "paws_drop"), 0);
		CU_ASSERT_EQUAL(tg_lab_counter(s.lab[B], "paws_drop"), 0);
	}
	CU_ASSERT_EQUAL(tg_lab_counter(s.lab[A], "ack_unsent"), 0);
	CU_ASSERT_EQUAL(tg_lab_counter(s.lab[B], "ack_unsent"), 0);
	CU_ASSERT_EQUAL(tg_lab_counter(s.lab[A], "bad_sack"), 0); /* SP-02 */
	CU_ASSERT_EQUAL(tg_lab_counter(s.lab[B], "bad_sack"), 0);
	CU_ASSERT_EQUAL(tg_lab_counter(s.lab[A], "bad_csum"), 0);
	CU_ASSERT_EQUAL(tg_lab_counter(s.lab[B], "bad_csum"), 0);
	end();
}

static uint64_t bytes(uint64_t usual)
{
	return is_long ? 10 << 20 : usual;
}

static void test_splice_cleanWay_tenMebibytesBothWays(void)
{
	cell(false, false, (struct way){0}, 10 << 20);
	cell(true, true, (struct way){0}, bytes(1 << 20));
}

static void test_splice_lossyWays_bytesArrive(void)
{
	for (int i = 0; i < 4; i++) {
		cell(i & 1, i & 2, (struct way){.loss = 10}, bytes(1 << 20));
		cell(i & 1, i & 2, (struct way){.loss = 10, .dup = 5, .reorder = 30},
		     bytes(1 << 20));
		cell(i & 1, i & 2, (struct way){.loss = 100, .dup = 50, .reorder = 100},
		     bytes(64 << 10));
	}
}

/* --- many at once --- */

/* A frame from the client (port 0) or the backend (port 1). */
static void say(uint16_t port, const struct tg_tuple *t, uint8_t ctl, uint32_t seq, uint32_t ack)
{
	struct host_peer p;
	uint8_t frame[HOST_BUF_LEN];
	const uint8_t *f = frame;
	uint32_t len;

	host_peer(&p, &s.h, t->lport, t->rport, false);
	p.t = *t;
	p.opts = (struct tg_tcp_opts){.has_mss = (ctl & TG_TCP_SYN) != 0, .mss = 1460};
	len = host_build(&p, ctl, tg_seq_make(seq), tg_seq_make(ack), NULL, 0, frame);
	frame[5] = port ? 9 : 1;
	s.h.rx_port = port;
	host_rx(&s.h, &f, &len, 1);
}

static struct tg_seg hear(struct tg_tuple *t)
{
	struct host_frame f;
	struct tg_seg seg;
	struct tg_ip ip;

	memset(&seg, 0, sizeof(seg));
	CU_ASSERT_FATAL(host_next(&s.h, &f));
	CU_ASSERT_EQUAL_FATAL(tg_ip4_parse(f.data + ETH, f.len - ETH, true, &ip), TG_CTR_NONE);
	CU_ASSERT_EQUAL_FATAL(tg_tcp_parse(f.data + ETH + 20, ip.payload_len, &seg), TG_CTR_NONE);
	*t = (struct tg_tuple){
	    .laddr = ip.src, .raddr = ip.dst, .lport = seg.sport, .rport = seg.dport};
	return seg;
}

static void open_one(uint32_t i)
{
	struct tg_tuple c = {.laddr = s.h.conf.port[0].addr[0].addr,
			     .lport = 80,
			     .rport = (uint16_t)(20000 + i % 40000)},
			b;
	struct tg_seg seg;

	tg_addr_parse("198.51.100.7", &c.raddr);
	c.raddr.b[14] = (uint8_t)(i / 40000);
	say(0, &c, TG_TCP_SYN, i, 0);
	seg = hear(&b);
	say(0, &c, TG_TCP_ACK, i + 1, seg.seq.v + 1);
	seg = hear(&b);
	CU_ASSERT_EQUAL_FATAL(seg.ctl, TG_TCP_SYN);
	say(1, &b, TG_TCP_SYN | TG_TCP_ACK, 3 * i, i + 1);
	CU_ASSERT_EQUAL_FATAL(hear(&b).ctl, TG_TCP_ACK);
}

/* Two tuples, one record, and nothing else that grows. */
static void test_splice_tenThousand_memoryIsFlat(void)
{
	struct tg_engine_part part[32];
	struct tg_engine_stats st;
	struct tg_tuple t;
	size_t bytes_all = 0;

	memset(&s, 0, sizeof(s));
	defaults(MANY);
	s.h.conf.ipv6_max = 0;
	host_init(&s.h);
	struct tg_pool_conf pool = {
	    .name = "web", .mode = TG_POOL_SNAT, .rise = 1, .fall = 2, .backend_n = 1};

	pool.check_ms = 100000000, pool.check_timeout_ms = 100000;
	tg_addr_parse("10.0.0.11", &pool.backend[0].addr);
	pool.backend[0].port = 8080, pool.backend[0].weight = 1;
	CU_ASSERT_EQUAL_FATAL(tg_engine_pool_add(s.h.e, &pool), 0);
	while (s.h.tx_n == 0)
		host_tick(&s.h, 10000);
	struct tg_seg probe = hear(&t);

	s.h.tx_n = 0;
	say(1, &t, TG_TCP_SYN | TG_TCP_ACK, 5, probe.seq.v + 1);
	s.h.tx_n = 0;
	struct tg_listener_conf l;

	host_listener(&s.h, &l, 80);
	l.service = NULL;
	l.has_pool = true;
	CU_ASSERT_EQUAL_FATAL(tg_engine_listen(s.h.e, &l), 0);
	s.h.unchecked = true;
	for (uint32_t i = 0; i < MANY; i++)
		open_one(i);
	s.h.unchecked = false;
	host_check(&s.h);
	tg_engine_stats(s.h.e, &st);
	CU_ASSERT_EQUAL(st.splice[TG_SPLICE_SPLICED], MANY);
	CU_ASSERT_EQUAL(st.conn_count, 0);
	CU_ASSERT_EQUAL(st.ext_used, 0);
	CU_ASSERT_EQUAL(st.chunk_used, 0);
	for (uint32_t i = 0, n = tg_engine_plan(&s.h.conf, part, 32); i < n; i++) {
		if (strcmp(part[i].name, "splices") == 0)
			bytes_all = part[i].bytes;
	}
	printf("%u splices: a record is %zu bytes, twice in the table (12 bytes a place); the part "
	       "\"splices\" is %zu bytes, %.1f a splice\n",
	       MANY, sizeof(struct tg_splice), bytes_all, (double)bytes_all / MANY);
	tg_engine_abort_all(s.h.e);
	for (uint32_t i = 0; i < 2 * MANY / 64 && st.splice_count; i++) {
		host_tick_once(&s.h, 1);
		s.h.tx_n = 0;
		tg_engine_stats(s.h.e, &st);
	}
	CU_ASSERT_EQUAL(st.splice_count, 0);
	host_fini(&s.h);
}

int main(int argc, char **argv)
{
	static const struct tg_test tests[] = {
	    {"splice_cleanWay_tenMebibytesBothWays", test_splice_cleanWay_tenMebibytesBothWays},
	    {"splice_lossyWays_bytesArrive", test_splice_lossyWays_bytesArrive},
	    {"splice_tenThousand_memoryIsFlat", test_splice_tenThousand_memoryIsFlat},
	};

	init_table();
	if (argc > 1 && strcmp(argv[1], "--long") == 0) {
		is_long = true;
		argv[1] = argv[0];
		argc--, argv++;
	}
	return tg_test_main("sim_splice", tests, TG_TEST_N(tests), argc, argv);
}
