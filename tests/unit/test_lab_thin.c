/* SPDX-License-Identifier: BSD-3-Clause */
/* Sockets without an object (lib/lab/lab_int.h): whatever befalls a connection that nobody has
 * touched, waiting or accepted, its socket tells as any other does. */
#include "lab_pair.h"
#include "tg_rng.h"
#include "tg_wire.h"

#include <errno.h>
#include <sys/socket.h>

enum { URG = 32, MANY = 60 };

/* --- what the link can do to a datagram (IPv4, no options) --- */

static void icmp_sum(uint8_t *icmp, uint32_t len)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < len; i++)
		sum += i & 1 ? icmp[i] : (uint32_t)icmp[i] << 8;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~((sum & 0xffff) + (sum >> 16));
	icmp[2] = (uint8_t)(sum >> 8);
	icmp[3] = (uint8_t)sum;
}

/* A router on the way says "host unreachable" of it to who sent it. */
static uint32_t unreachable(uint8_t *d, const uint8_t *of)
{
	struct tg_ip ip = {.src = tg_addr_from_v4(of + 16),
			   .dst = tg_addr_from_v4(of + 12),
			   .proto = 1,
			   .ttl = 64};
	uint32_t at = tg_ip4_emit(d, &ip, 36, false);
	uint8_t head[8] = {3, 1};

	memcpy(d + at, head, 8);
	memcpy(d + at + 8, of, 28);
	icmp_sum(d + at, 36);
	return at + 36;
}

static void make_urgent(uint8_t *d, uint32_t len)
{
	struct tg_addr src = tg_addr_from_v4(d + 12), dst = tg_addr_from_v4(d + 16);

	d[20 + 13] |= URG;
	memset(d + 20 + 16, 0, 4);
	d[20 + 19] = 1;
	tg_tcp_csum_put(d + 20, len - 20, &src, &dst, false);
}

/* What b said last comes back to it as unreachable. */
static void refuse_last_of_b(struct pair *p)
{
	uint8_t d[128];
	uint32_t len = unreachable(d, p->last[1]);

	tg_lab_input(p->b, p->now, d, len);
}

static int listen_many(struct pair *p, uint16_t port)
{
	int l = tg_lab_listen(p->b, NULL, port, 2 * MANY, NULL);

	CU_ASSERT_FATAL(l >= 0);
	return l;
}

/* From a given port, so that the other side can tell which. */
static int connect_from(struct pair *p, uint16_t lport, uint16_t rport)
{
	int c = tg_lab_connect(p->a, NULL, lport, PAIR_B, rport, NULL);

	CU_ASSERT_FATAL(c >= 0);
	return c;
}

static uint16_t peer_port(struct tg_lab *lab, int sock)
{
	uint16_t port = 0;

	CU_ASSERT_EQUAL(tg_lab_peer(lab, sock, NULL, 0, &port), 0);
	return port;
}

/* --- waiting --- */

static void test_waiting_urgent_isToldOnceAccepted(void)
{
	struct pair p;
	uint8_t d[128];
	size_t len;

	pair_init(&p, "delayed_ack_ms=0", "delayed_ack_ms=0");
	int l = listen_many(&p, 80), c = connect_from(&p, 1024, 80);

	pair_run(&p, 1);
	tg_lab_write(p.a, c, "x", 1);
	len = tg_lab_output(p.a, d, sizeof(d), NULL);
	make_urgent(d, (uint32_t)len);
	tg_lab_input(p.b, p.now, d, len);
	CU_ASSERT(pair_is_valid(&p));
	int s = tg_lab_accept(p.b, l);

	CU_ASSERT_EQUAL(pair_get(p.b, s, TG_LAB_READABLE_BYTES), 1);
	CU_ASSERT_EQUAL(pair_get(p.b, s, TG_LAB_URGENT), 1);
	CU_ASSERT_EQUAL(pair_get(p.b, s, TG_LAB_URGENT), 0);
	pair_fini(&p);
}

/* Told once, and the socket is thin again. */
static void test_accepted_softError_isToldOnce(void)
{
	struct pair p;
	int l, c, s;

	pair_init(&p, "", "");
	pair_open(&p, &l, &c, &s, NULL, NULL);
	tg_lab_write(p.b, s, "z", 1);
	p.cut_b = true;
	pair_move(&p, 1);
	refuse_last_of_b(&p);
	CU_ASSERT_EQUAL(pair_get(p.b, s, TG_LAB_UNACKED_BYTES), 1);
	CU_ASSERT_EQUAL(pair_get(p.b, s, TG_LAB_SOFT_ERROR), EHOSTUNREACH);
	CU_ASSERT_EQUAL(pair_get(p.b, s, TG_LAB_SOFT_ERROR), 0);
	pair_fini(&p);
}

/* Every third is reset while it waits; order, ports and errors are those of the connections. */
static void test_waiting_someAreReset_orderIsKept(void)
{
	struct pair p;
	int c[MANY];
	char buf[4];

	pair_init(&p, "", "");
	int l = listen_many(&p, 80);

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < MANY; i++) {
			c[i] = connect_from(&p, (uint16_t)(2000 + round * MANY + i), 80);
			pair_run(&p, 1);
		}
		for (int i = 0; i < MANY; i += 3)
			tg_lab_abort(p.a, c[i]);
		pair_run(&p, 1);
		CU_ASSERT(pair_is_valid(&p));
		CU_ASSERT_EQUAL(tg_lab_poll(p.b, l), TG_LAB_IN);
		for (int i = 0; i < MANY; i++) {
			int s = tg_lab_accept(p.b, l);
			CU_ASSERT_FATAL(s >= 0);
			CU_ASSERT_EQUAL(peer_port(p.b, s), 2000 + round * MANY + i);
			CU_ASSERT_EQUAL(tg_lab_read(p.b, s, buf, 4), i % 3 ? -EAGAIN : -ECONNRESET);
		}
		CU_ASSERT_EQUAL(tg_lab_accept(p.b, l), -EAGAIN);
		CU_ASSERT_EQUAL(tg_lab_poll(p.b, l), 0);
	}
	pair_fini(&p);
}

/* The queue goes round while it grows, and each end finds its place in it. */
static void test_waiting_acceptAndOpenInTurn_orderIsKept(void)
{
	struct pair p;
	uint16_t opened = 0, accepted = 0;

	pair_init(&p, "", "");
	int l = listen_many(&p, 80);

	for (int i = 0; i < 300; i++) {
		if (i % 3 < 2) {
			int c = connect_from(&p, (uint16_t)(2000 + opened++), 80);
			pair_run(&p, 1);
			if (i % 7 == 0)
				tg_lab_abort(p.a, c);
			pair_run(&p, 1);
		} else {
			int s = tg_lab_accept(p.b, l);
			CU_ASSERT_EQUAL(peer_port(p.b, s), 2000 + accepted++);
		}
		CU_ASSERT(pair_is_valid(&p));
	}
	pair_fini(&p);
}

static void test_waiting_atTwoListeners_areKeptApart(void)
{
	struct pair p;

	pair_init(&p, "", "");
	int l80 = listen_many(&p, 80), l81 = listen_many(&p, 81);
	int c[4];

	for (int i = 0; i < 4; i++) {
		c[i] = connect_from(&p, (uint16_t)(3000 + i), i & 1 ? 81 : 80);
		pair_run(&p, 1);
	}
	tg_lab_abort(p.a, c[1]);
	pair_run(&p, 1);
	CU_ASSERT(pair_is_valid(&p));
	CU_ASSERT_EQUAL(tg_lab_close(p.b, l80), 0);
	pair_run(&p, 1);
	CU_ASSERT(pair_is_valid(&p));
	CU_ASSERT_EQUAL(pair_get(p.a, c[0], TG_LAB_ERROR), ECONNRESET);
	CU_ASSERT_EQUAL(pair_get(p.a, c[3], TG_LAB_ERROR), 0);
	int reset = tg_lab_accept(p.b, l81), open = tg_lab_accept(p.b, l81);

	CU_ASSERT_EQUAL(pair_get(p.b, reset, TG_LAB_ERROR), ECONNRESET);
	CU_ASSERT_EQUAL(peer_port(p.b, reset), 3001);
	CU_ASSERT_STRING_EQUAL(tg_lab_state(p.b, open), "ESTABLISHED");
	CU_ASSERT_EQUAL(peer_port(p.b, open), 3003);
	pair_fini(&p);
}

/* --- accepted --- */

/* The engine has one index to give: the old socket must not speak of the new connection. */
static void test_accepted_indexUsedAgain_oldSocketKeepsItsEnd(void)
{
	struct pair p;
	char buf[8];

	pair_init(&p, "", "connections=1");
	int l = listen_many(&p, 80), c = connect_from(&p, 4000, 80);

	pair_run(&p, 1);
	int old = tg_lab_accept(p.b, l);

	tg_lab_abort(p.a, c);
	pair_run(&p, 1);
	c = connect_from(&p, 4001, 80);
	pair_run(&p, 1);
	int new = tg_lab_accept(p.b, l);

	CU_ASSERT_FATAL(old >= 0 && new > old);
	CU_ASSERT_EQUAL(peer_port(p.b, old), 4000);
	CU_ASSERT_EQUAL(peer_port(p.b, new), 4001);
	CU_ASSERT_EQUAL(tg_lab_poll(p.b, old), TG_LAB_IN | TG_LAB_HUP | TG_LAB_ERR);
	CU_ASSERT_EQUAL(tg_lab_read(p.b, old, buf, 8), -ECONNRESET);
	CU_ASSERT_EQUAL(tg_lab_write(p.b, old, "lost", 4), -EPIPE);
	CU_ASSERT_EQUAL(tg_lab_write(p.b, new, "kept", 4), 4);
	pair_run(&p, 1);
	CU_ASSERT_EQUAL(tg_lab_read(p.a, c, buf, 8), 4);
	pair_fini(&p);
}

static void test_accepted_closedAndNumberUsedAgain_newOneIsUntouched(void)
{
	struct pair p;
	char buf[4];

	pair_init(&p, "", "");
	int l = listen_many(&p, 80), c = connect_from(&p, 4000, 80);

	connect_from(&p, 4001, 80);
	pair_run(&p, 1);
	int s = tg_lab_accept(p.b, l);

	CU_ASSERT_EQUAL(tg_lab_close(p.b, s), 0);
	CU_ASSERT_EQUAL(tg_lab_accept(p.b, l), s);
	tg_lab_abort(p.a, c);
	pair_run(&p, 1);
	CU_ASSERT_EQUAL(tg_lab_read(p.b, s, buf, 4), -EAGAIN);
	CU_ASSERT_EQUAL(peer_port(p.b, s), 4001);
	CU_ASSERT_STRING_EQUAL(tg_lab_state(p.b, s), "ESTABLISHED");
	pair_fini(&p);
}

static void test_accepted_shutRd_isRemembered(void)
{
	struct pair p;
	int l, c, s;
	char buf[4];

	pair_init(&p, "", "");
	pair_open(&p, &l, &c, &s, NULL, NULL);
	CU_ASSERT_EQUAL(tg_lab_read(p.b, s, buf, 4), -EAGAIN);
	CU_ASSERT_EQUAL(tg_lab_shutdown(p.b, s, SHUT_RD), 0);
	CU_ASSERT_EQUAL(tg_lab_read(p.b, s, buf, 4), 0);
	CU_ASSERT_EQUAL(tg_lab_poll(p.b, s), TG_LAB_IN | TG_LAB_OUT);
	CU_ASSERT_EQUAL(tg_lab_shutdown(p.b, s, SHUT_WR), 0);
	CU_ASSERT_EQUAL(tg_lab_write(p.b, s, "x", 1), -EPIPE);
	CU_ASSERT_EQUAL(tg_lab_shutdown(p.b, s, SHUT_RDWR), 0);
	CU_ASSERT_EQUAL(tg_lab_poll(p.b, s), TG_LAB_IN | TG_LAB_HUP);
	pair_fini(&p);
}

static void test_accepted_shutWr_isRemembered(void)
{
	struct pair p;
	int l, c, s;
	char buf[4];

	pair_init(&p, "", "");
	pair_open(&p, &l, &c, &s, NULL, NULL);
	CU_ASSERT_EQUAL(tg_lab_poll(p.b, s), TG_LAB_OUT);
	CU_ASSERT_EQUAL(tg_lab_shutdown(p.b, s, SHUT_WR), 0);
	CU_ASSERT_EQUAL(tg_lab_poll(p.b, s), 0);
	CU_ASSERT_EQUAL(pair_get(p.b, s, TG_LAB_ERROR), 0);
	CU_ASSERT_EQUAL(tg_lab_poll(p.b, s), 0);
	CU_ASSERT_EQUAL(tg_lab_write(p.b, s, "x", 0), -EPIPE);
	tg_lab_write(p.a, c, "ab", 2);
	pair_run(&p, 1);
	CU_ASSERT_EQUAL(tg_lab_read(p.b, s, buf, 4), 2);
	CU_ASSERT_EQUAL(tg_lab_shutdown(p.b, s, SHUT_RDWR), 0);
	pair_run(&p, 1);
	CU_ASSERT_EQUAL(tg_lab_poll(p.b, s), TG_LAB_IN | TG_LAB_HUP);
	pair_fini(&p);
}

/* --- everything at once --- */

struct soak {
	struct pair p;
	struct tg_rng rng;
	uint64_t sum; /* of all that was answered and sent */
};

static uint32_t below(struct soak *k, uint32_t n)
{
	return tg_rng_below(&k->rng, n);
}

static void add(struct soak *k, const void *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		k->sum = (k->sum ^ ((const uint8_t *)bytes)[i]) * UINT64_C(0x100000001b3);
}

static void told(struct soak *k, int64_t value)
{
	add(k, &value, sizeof(value));
}

static void soak_link(struct soak *k, struct tg_lab *from, struct tg_lab *to)
{
	static uint8_t d[70000];
	uint8_t router[128];

	for (uint32_t n = below(k, 8); n > 0; n--) {
		size_t len = tg_lab_output(from, d, sizeof(d), NULL);
		uint32_t luck = below(k, 20);

		told(k, (int64_t)len);
		add(k, d, len);
		if (len == 0)
			return;
		if (luck == 1)
			tg_lab_input(from, k->p.now, router, unreachable(router, d));
		if (luck == 2)
			make_urgent(d, (uint32_t)len);
		if (luck != 3)
			tg_lab_input(to, k->p.now, d, len);
	}
}

static void soak_look(struct soak *k, struct tg_lab *lab, int sock)
{
	const char *state = tg_lab_state(lab, sock);
	char addr[46] = "";
	uint16_t port = 0;
	int64_t value = 0;

	add(k, state, strlen(state));
	told(k, tg_lab_poll(lab, sock));
	told(k, tg_lab_local(lab, sock, addr, sizeof(addr), &port) + port);
	told(k, tg_lab_peer(lab, sock, addr, sizeof(addr), &port) + port);
	add(k, addr, strlen(addr));
	told(k, tg_lab_getopt(lab, sock, below(k, TG_LAB_URGENT + 2), &value));
	told(k, value);
}

static void soak_change(struct soak *k, struct tg_lab *lab, int sock)
{
	static const enum tg_lab_opt opts[] = {TG_LAB_LINGER_MS, TG_LAB_KEEPALIVE, TG_LAB_NODELAY,
					       TG_LAB_USER_TIMEOUT_MS};

	switch (below(k, 8)) {
	case 0:
		told(k, tg_lab_close(lab, sock));
		break;
	case 1:
		told(k, tg_lab_abort(lab, sock));
		break;
	case 2:
		told(k, tg_lab_shutdown(lab, sock, (int)below(k, 4)));
		break;
	case 3:
		told(k, tg_lab_setopt(lab, sock, opts[below(k, 4)], below(k, 2)));
		break;
	case 4:
		told(k, tg_lab_listen(lab, NULL, (uint16_t)(80 + below(k, 2)), 0, NULL));
		break;
	default:
		told(k, tg_lab_accept(lab, sock));
	}
}

static void soak_bytes(struct soak *k, struct tg_lab *lab, int sock)
{
	char buf[6000] = "";
	size_t len = below(k, sizeof(buf));
	ssize_t n = 0;

	switch (below(k, 3)) {
	case 0:
		n = tg_lab_write(lab, sock, buf, len);
		break;
	case 1:
		n = tg_lab_read(lab, sock, buf, len);
		break;
	default:
		n = tg_lab_peek(lab, sock, buf, len);
	}
	told(k, n);
	add(k, buf, n > 0 ? (size_t)n : 0);
}

static void soak_step(struct soak *k)
{
	bool of_b = below(k, 2);
	struct tg_lab *lab = of_b ? k->p.b : k->p.a, *other = of_b ? k->p.a : k->p.b;
	int sock = (int)below(k, 20);

	switch (below(k, 8)) {
	case 0:
		told(k, tg_lab_connect(lab, NULL, 0, of_b ? PAIR_A : PAIR_B,
				       (uint16_t)(80 + below(k, 2)), NULL));
		break;
	case 1:
		k->p.now += UINT64_C(1000000) * below(k, below(k, 8) ? 50 : 9000);
		tg_lab_advance(lab, k->p.now);
		break;
	case 2:
		soak_look(k, lab, sock);
		break;
	case 3:
		soak_change(k, lab, sock);
		break;
	case 4:
		soak_bytes(k, lab, sock);
		break;
	default:
		soak_link(k, lab, other);
	}
}

static uint64_t soak(uint64_t seed)
{
	const char *options =
	    "connections=30 moving=20 backlog=5 rcvbuf=4096 sndbuf=4096 msl_ms=500 "
	    "fin_wait_2_ms=1000 rst_rate=0 delayed_ack_ms=0";
	struct soak k = {.sum = seed};

	pair_init(&k.p, options, options);
	tg_rng_init(&k.rng, seed);
	for (int i = 0; i < 4000; i++) {
		soak_step(&k);
		CU_ASSERT_FATAL(pair_is_valid(&k.p));
	}
	k.sum += (uint64_t)tg_lab_counter(k.p.b, "conn_opened");
	pair_fini(&k.p);
	return k.sum;
}

static void test_soak_randomCalls_isValidAndRepeatable(void)
{
	for (uint64_t i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(soak(tg_test_seed + i), soak(tg_test_seed + i));
}

static const struct tg_test tests[] = {
    {"waiting_urgent_isToldOnceAccepted", test_waiting_urgent_isToldOnceAccepted},
    {"waiting_someAreReset_orderIsKept", test_waiting_someAreReset_orderIsKept},
    {"waiting_acceptAndOpenInTurn_orderIsKept", test_waiting_acceptAndOpenInTurn_orderIsKept},
    {"waiting_atTwoListeners_areKeptApart", test_waiting_atTwoListeners_areKeptApart},
    {"accepted_softError_isToldOnce", test_accepted_softError_isToldOnce},
    {"accepted_indexUsedAgain_oldSocketKeepsItsEnd",
     test_accepted_indexUsedAgain_oldSocketKeepsItsEnd},
    {"accepted_closedAndNumberUsedAgain_newOneIsUntouched",
     test_accepted_closedAndNumberUsedAgain_newOneIsUntouched},
    {"accepted_shutRd_isRemembered", test_accepted_shutRd_isRemembered},
    {"accepted_shutWr_isRemembered", test_accepted_shutWr_isRemembered},
    {"soak_randomCalls_isValidAndRepeatable", test_soak_randomCalls_isValidAndRepeatable},
};

int main(int argc, char **argv)
{
	return tg_test_main("lab_thin", tests, TG_TEST_N(tests), argc, argv);
}
