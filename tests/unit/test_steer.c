/* SPDX-License-Identifier: BSD-3-Clause */
/* Which worker owns a packet (LN-23): both directions, what ICMP quotes, what every worker needs;
 * and, before transparent backends, all of a client's. */
#include "tg_rng.h"
#include "tg_steer.h"
#include "tg_test.h"
#include "tg_wire.h"

static struct tg_steer steer;
static struct tg_rng rng;

static void setup(uint16_t worker_n)
{
	tg_rng_init(&rng, tg_test_seed ? tg_test_seed : 1);
	tg_steer_init(&steer, worker_n);
}

static void random_tuple(struct tg_tuple *t, bool v6)
{
	uint64_t r[5];
	for (int i = 0; i < 5; i++)
		r[i] = tg_rng_next(&rng);
	t->laddr = v6 ? tg_addr_from_v6(r) : tg_addr_from_v4(r);
	t->raddr = v6 ? tg_addr_from_v6(r + 2) : tg_addr_from_v4(r + 2);
	t->lport = (uint16_t)r[4];
	t->rport = (uint16_t)(r[4] >> 16);
}

static struct tg_tuple reversed(const struct tg_tuple *t)
{
	return (struct tg_tuple){t->raddr, t->laddr, t->rport, t->lport};
}

/* A TCP packet as tuple's peer sends it, from its IP header on. Returns its length. */
static uint32_t ip_packet(const struct tg_tuple *t, uint8_t *data)
{
	struct tg_ip ip = {.src = t->raddr, .dst = t->laddr, .proto = TG_PROTO_TCP, .ttl = 64};
	struct tg_seg seg = {.ctl = TG_TCP_SYN, .sport = t->rport, .dport = t->lport};
	uint32_t at = tg_addr_is_v4(&t->laddr) ? tg_ip4_emit(data, &ip, TG_TCP_LEN, false)
					       : tg_ip6_emit(data, &ip, TG_TCP_LEN, 0);
	return at + tg_tcp_emit(data + at, &seg);
}

static uint32_t eth(uint8_t *data, uint16_t type, uint16_t vid)
{
	struct tg_eth e = {.type = type, .vid = vid, .tagged = vid != 0};
	return tg_eth_emit(data, &e);
}

static uint16_t ethertype(const struct tg_tuple *t)
{
	return tg_addr_is_v4(&t->laddr) ? TG_ETHERTYPE_IP4 : TG_ETHERTYPE_IP6;
}

/* An ICMP error (time exceeded) from a router about what was sent to the tuple's peer. */
static uint32_t icmp_error(const struct tg_tuple *t, uint8_t *data)
{
	struct tg_tuple ours = reversed(t);
	bool v6 = !tg_addr_is_v4(&t->laddr);
	struct tg_ip ip = {.src = t->raddr,
			   .dst = t->laddr,
			   .proto = v6 ? TG_PROTO_ICMP6 : TG_PROTO_ICMP,
			   .ttl = 64};
	uint8_t quote[128];
	ip.src.b[15] ^= 0x55; /* another host */
	uint32_t quote_len = ip_packet(&ours, quote);
	uint32_t at = eth(data, ethertype(t), 0);
	at += v6 ? tg_ip6_emit(data + at, &ip, 8 + quote_len, 0)
		 : tg_ip4_emit(data + at, &ip, 8 + quote_len, false);
	memset(data + at, 0, 8);
	data[at] = v6 ? 3 : 11;
	memcpy(data + at + 8, quote, quote_len);
	return at + 8 + quote_len;
}

/* Toeplitz as NICs compute it, bit by bit, over the input of n bytes. */
static uint32_t toeplitz(const uint8_t *input, uint32_t n)
{
	uint8_t key[TG_STEER_KEY_MAX];
	uint32_t hash = 0;
	tg_steer_key(key, sizeof(key));
	for (uint32_t bit = 0; bit < n * 8; bit++) {
		if (!(input[bit / 8] & (0x80 >> bit % 8)))
			continue;
		uint64_t window = (uint64_t)tg_be32_get(key + bit / 8) << 8 | key[bit / 8 + 4];
		hash ^= (uint32_t)(window >> (8 - bit % 8));
	}
	return hash;
}

static void test_steer_hash_isWhatNicsCompute(void)
{
	setup(4);
	for (int i = 0; i < 200; i++) {
		struct tg_tuple t;
		uint8_t input[36];
		bool v6 = i & 1;
		uint32_t n = v6 ? 16 : 4;
		random_tuple(&t, v6);
		memcpy(input, t.raddr.b + 16 - n, n);
		memcpy(input + n, t.laddr.b + 16 - n, n);
		tg_be16_put(input + 2 * n, t.rport);
		tg_be16_put(input + 2 * n + 2, t.lport);
		CU_ASSERT_EQUAL(tg_steer_hash(&steer, &t), toeplitz(input, 2 * n + 4));
	}
}

/* TD-31, LN-23: what a tuple leaves behind lies where its next packet comes, of either side. */
static void test_steer_bothDirections_haveOneOwner(void)
{
	uint8_t data[256];
	setup(7);
	for (int i = 0; i < 500; i++) {
		struct tg_tuple t, r;
		random_tuple(&t, i & 1);
		r = reversed(&t);
		uint16_t owner = tg_steer_owner(&steer, &t);
		CU_ASSERT_EQUAL(tg_steer_owner(&steer, &r), owner);
		uint32_t at = eth(data, ethertype(&t), i & 2 ? 5 : 0);
		at += ip_packet(&t, data + at);
		CU_ASSERT_EQUAL(tg_steer_frame(&steer, data, at), owner);
		CU_ASSERT(owner < 7);
	}
}

/* LN-23. */
static void test_steer_icmpError_goesToWhomItQuotes(void)
{
	uint8_t data[512];
	setup(5);
	for (int i = 0; i < 500; i++) {
		struct tg_tuple t;
		random_tuple(&t, i & 1);
		uint32_t len = icmp_error(&t, data);
		CU_ASSERT_EQUAL(tg_steer_frame(&steer, data, len), tg_steer_owner(&steer, &t));
	}
}

static void test_steer_neighbourNews_goesToAll(void)
{
	uint8_t data[128] = {0};
	struct tg_ip ip = {.proto = TG_PROTO_ICMP6, .ttl = 255};
	setup(3);
	uint32_t at = eth(data, TG_ETHERTYPE_ARP, 0);
	CU_ASSERT_EQUAL(tg_steer_frame(&steer, data, at + 28), TG_STEER_ALL);
	at = eth(data, TG_ETHERTYPE_ARP, 9);
	CU_ASSERT_EQUAL(tg_steer_frame(&steer, data, at + 28), TG_STEER_ALL);
	at = eth(data, TG_ETHERTYPE_IP6, 0);
	at += tg_ip6_emit(data + at, &ip, 24, 0);
	data[at] = 135;
	CU_ASSERT_EQUAL(tg_steer_frame(&steer, data, at + 24), TG_STEER_ALL);
	data[at] = 128; /* echo request: the primary answers */
	CU_ASSERT_EQUAL(tg_steer_frame(&steer, data, at + 24), 0);
}

static void test_steer_load_isSpreadEvenly(void)
{
	uint32_t n[8] = {0};
	struct tg_tuple t;
	setup(8);
	random_tuple(&t, false);
	for (uint32_t i = 0; i < 64000; i++) {
		t.rport = (uint16_t)(i + 1024);
		n[tg_steer_owner(&steer, &t)]++;
	}
	for (int w = 0; w < 8; w++)
		CU_ASSERT(n[w] > 7000 && n[w] < 9000);
}

/* --- by the client's address --- */

static const struct tg_sipkey some_key = {11, 12};
static struct tg_addr vip[2], ours[2]; /* IPv4, IPv6 */

static void setup_by_client(uint16_t worker_n, const struct tg_sipkey *key)
{
	setup(worker_n);
	tg_steer_by_client(&steer, key);
	tg_addr_parse("192.0.2.10", &vip[0]);
	tg_addr_parse("2001:db8::10", &vip[1]);
	tg_addr_parse("10.1.0.1", &ours[0]);
	tg_addr_parse("2001:db8:1::1", &ours[1]);
	for (int v6 = 0; v6 < 2; v6++) {
		CU_ASSERT(tg_steer_add_own(&steer, &ours[v6]));
		CU_ASSERT(tg_steer_add_own(&steer, &vip[v6]));
		CU_ASSERT(tg_steer_add_vip(&steer, &vip[v6], 80));
		CU_ASSERT(tg_steer_add_vip(&steer, &vip[v6], 443));
	}
}

static uint16_t owner_of_frame(const struct tg_tuple *t, uint16_t vid)
{
	uint8_t data[256];
	uint32_t at = eth(data, ethertype(t), vid);
	at += ip_packet(t, data + at);
	return tg_steer_frame(&steer, data, at);
}

static uint16_t owner_of_error(const struct tg_tuple *t)
{
	uint8_t data[512];
	uint32_t len = icmp_error(t, data);
	return tg_steer_frame(&steer, data, len);
}

/* LN-23: the client's tuple and the backend's, by segments and by what ICMP quotes; all that a
 * client has here. */
static void test_steer_transparent_bothTuplesMeet(void)
{
	uint32_t used[5] = {0};
	setup_by_client(5, &some_key);
	for (int i = 0; i < 2000; i++) {
		struct tg_tuple any, out, in;
		int v6 = i & 1;
		random_tuple(&any, v6);
		if (v6) /* fe80::/10 is nobody's whom we route for */
			any.raddr.b[0] = 0x20;
		out = (struct tg_tuple){vip[v6], any.raddr, i & 4 ? 80 : 443, any.rport};
		in = (struct tg_tuple){any.raddr, any.laddr, any.rport, 8080};
		uint16_t owner = owner_of_frame(&out, i & 2 ? 5 : 0);
		CU_ASSERT_EQUAL(tg_steer_owner(&steer, &out), owner);
		CU_ASSERT_EQUAL(tg_steer_owner(&steer, &in), owner);
		CU_ASSERT_EQUAL(owner_of_frame(&in, i & 2 ? 5 : 0), owner);
		CU_ASSERT_EQUAL(owner_of_error(&out), owner);
		CU_ASSERT_EQUAL(owner_of_error(&in), owner);
		out.rport = (uint16_t)(out.rport + 1 + i);
		CU_ASSERT_EQUAL(owner_of_frame(&out, 0), owner);
		used[owner]++;
	}
	for (int w = 0; w < 5; w++)
		CU_ASSERT(used[w] > 300 && used[w] < 500);
}

/* EST-33: for what is ours a port can be found that leads home; that is by the tuple, both ways. */
static void test_steer_transparent_ownTuplesGoByTuple(void)
{
	struct tg_addr backend, link_local;
	tg_addr_parse("fe80::1", &link_local);
	for (int v6 = 0; v6 < 2; v6++) {
		uint32_t used[4] = {0};
		setup_by_client(4, &some_key);
		tg_addr_parse(v6 ? "2001:db8:1::11" : "10.1.0.11", &backend);
		for (uint32_t port = 1024; port < 5024; port++) {
			struct tg_tuple t = {ours[v6], backend, (uint16_t)port, 8080};
			uint16_t owner = tg_steer_owner(&steer, &t);
			CU_ASSERT_EQUAL(owner, tg_steer_hash(&steer, &t) % TG_STEER_SLOTS % 4);
			CU_ASSERT_EQUAL(owner_of_frame(&t, 0), owner);
			CU_ASSERT_EQUAL(owner_of_error(&t), owner);
			used[owner]++;
			t.laddr = vip[v6]; /* not the pool's port */
			owner = tg_steer_hash(&steer, &t) % TG_STEER_SLOTS % 4;
			CU_ASSERT_EQUAL(owner_of_frame(&t, 0), owner);
			t.laddr = link_local;
			owner = tg_steer_hash(&steer, &t) % TG_STEER_SLOTS % 4;
			CU_ASSERT(!v6 || owner_of_frame(&t, 0) == owner);
		}
		for (int w = 0; w < 4; w++)
			CU_ASSERT(used[w] > 800 && used[w] < 1200);
	}
}

static void test_steer_transparent_neighboursAndTheRestAsEver(void)
{
	uint8_t data[256] = {0};
	setup_by_client(3, &some_key);
	uint32_t at = eth(data, TG_ETHERTYPE_ARP, 0);
	CU_ASSERT_EQUAL(tg_steer_frame(&steer, data, at + 28), TG_STEER_ALL);
	for (uint32_t i = 1; i < 100; i++) { /* a fragment that is not the first has no ports */
		struct tg_tuple t;
		random_tuple(&t, false);
		at = eth(data, TG_ETHERTYPE_IP4, 0);
		uint32_t len = at + ip_packet(&t, data + at);
		tg_be16_put(data + at + 6, (uint16_t)i);
		CU_ASSERT_EQUAL(tg_steer_frame(&steer, data, len), 0);
	}
}

/* Of n clients, the i-th by next(): as chance would have it over slots. 127 degrees of freedom: 210
 * is passed by chance once in two hundred thousand times. */
static void expect_even(uint32_t n, struct tg_addr (*next)(uint32_t i), const char *what)
{
	static uint32_t slot[TG_STEER_SLOTS];
	double x = 0, want = n / (double)TG_STEER_SLOTS;
	memset(slot, 0, sizeof(slot));
	for (uint32_t i = 0; i < n; i++) {
		struct tg_tuple t = {next(i), vip[0], 1, 2};
		slot[tg_steer_owner(&steer, &t)]++;
	}
	for (uint32_t i = 0; i < TG_STEER_SLOTS; i++)
		x += (slot[i] - want) * (slot[i] - want) / want;
	if (x >= 210)
		printf("\n    %s: chi-square %.1f\n", what, x);
	CU_ASSERT(x < 210);
}

static struct tg_addr in_a_row(uint32_t i)
{
	uint8_t b[4];
	tg_be32_put(b, 0xc6336400 + i);
	return tg_addr_from_v4(b);
}

static struct tg_addr same_fold(uint32_t i) /* equal for every Toeplitz with a period of 16 bits */
{
	uint8_t b[4] = {(uint8_t)(i >> 8), (uint8_t)i, (uint8_t)(i >> 8), (uint8_t)i};
	return tg_addr_from_v4(b);
}

static struct tg_addr by_prefix(uint32_t i) /* hosts number 1 of a provider's /64s */
{
	uint8_t b[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
	tg_be32_put(b + 4, i);
	return tg_addr_from_v6(b);
}

static struct tg_addr by_host(uint32_t i)
{
	uint8_t b[16] = {0x20, 0x01, 0x0d, 0xb8};
	tg_be32_put(b + 12, i);
	return tg_addr_from_v6(b);
}

static void test_steer_clients_areSpreadEvenly(void)
{
	setup_by_client(TG_STEER_SLOTS, &(struct tg_sipkey){tg_test_seed, 7});
	expect_even(1000000, in_a_row, "IPv4 in a row");
	expect_even(65536, same_fold, "IPv4 of one fold");
	expect_even(1000000, by_prefix, "IPv6 by prefix");
	expect_even(1000000, by_host, "IPv6 by host");
}

/* Nobody can aim at a core who does not know the key. */
static void test_steer_clients_goByTheKey(void)
{
	uint16_t owner[1000];
	uint32_t moved = 0;
	setup_by_client(8, &some_key);
	for (uint32_t i = 0; i < 1000; i++)
		owner[i] = tg_steer_owner(&steer, &(struct tg_tuple){vip[0], in_a_row(i), 80, 9});
	setup_by_client(8, &(struct tg_sipkey){11, 13});
	for (uint32_t i = 0; i < 1000; i++)
		moved += owner[i] !=
			 tg_steer_owner(&steer, &(struct tg_tuple){vip[0], in_a_row(i), 80, 9});
	CU_ASSERT(moved > 800 && moved < 950); /* 7/8 */
}

/* All that a configuration can name fits, each once; what is one too many is told. */
static void test_steer_homes_full_told(void)
{
	struct tg_addr a;
	setup(2);
	tg_steer_by_client(&steer, &some_key);
	for (int again = 0; again < 2; again++)
		for (uint32_t i = 0; i < TG_STEER_HOME_MAX / 2; i++) {
			a = in_a_row(i / 8);
			CU_ASSERT(tg_steer_add_vip(&steer, &a, (uint16_t)(8000 + i % 8)));
			a = by_host(i);
			CU_ASSERT(tg_steer_add_own(&steer, &a));
		}
	a = in_a_row(99999);
	CU_ASSERT(!tg_steer_add_own(&steer, &a));
	CU_ASSERT(!tg_steer_add_vip(&steer, &a, 80));
	for (uint32_t i = 0; i < TG_STEER_HOME_MAX / 2; i++) { /* each is found */
		struct tg_tuple t = {in_a_row(i / 8), by_prefix(i + 1), (uint16_t)(8000 + i % 8),
				     9};
		struct tg_tuple far = {by_prefix(i + 1), in_a_row(i), 9, 9};
		CU_ASSERT_EQUAL(tg_steer_owner(&steer, &t), tg_steer_owner(&steer, &far));
	}
}

static void stay_inside(bool by_client)
{
	struct tg_tuple t;
	uint8_t whole[512];
	setup(6);
	if (by_client)
		setup_by_client(6, &some_key);
	for (int i = 0; i < 20000; i++) {
		random_tuple(&t, i & 1);
		uint32_t at = eth(whole, ethertype(&t), i & 2 ? 5 : 0);
		uint32_t len = i % 3 ? icmp_error(&t, whole) : at + ip_packet(&t, whole + at);
		whole[tg_rng_below(&rng, len)] = (uint8_t)tg_rng_next(&rng);
		len = tg_rng_below(&rng, len + 1);
		uint8_t *exact = malloc(len ? len : 1); /* its end is watched by the sanitizer */
		memcpy(exact, whole, len);
		uint16_t owner = tg_steer_frame(&steer, exact, len);
		CU_ASSERT(owner < 6 || owner == TG_STEER_ALL);
		free(exact);
	}
}

static void test_steer_anyBytes_stayInsideTheFrame(void)
{
	stay_inside(false);
	stay_inside(true);
}

static const struct tg_test tests[] = {
    {"steer_hash_isWhatNicsCompute", test_steer_hash_isWhatNicsCompute},
    {"steer_bothDirections_haveOneOwner", test_steer_bothDirections_haveOneOwner},
    {"steer_icmpError_goesToWhomItQuotes", test_steer_icmpError_goesToWhomItQuotes},
    {"steer_neighbourNews_goesToAll", test_steer_neighbourNews_goesToAll},
    {"steer_load_isSpreadEvenly", test_steer_load_isSpreadEvenly},
    {"steer_transparent_bothTuplesMeet", test_steer_transparent_bothTuplesMeet},
    {"steer_transparent_ownTuplesGoByTuple", test_steer_transparent_ownTuplesGoByTuple},
    {"steer_transparent_neighboursAndTheRestAsEver",
     test_steer_transparent_neighboursAndTheRestAsEver},
    {"steer_clients_areSpreadEvenly", test_steer_clients_areSpreadEvenly},
    {"steer_clients_goByTheKey", test_steer_clients_goByTheKey},
    {"steer_homes_full_told", test_steer_homes_full_told},
    {"steer_anyBytes_stayInsideTheFrame", test_steer_anyBytes_stayInsideTheFrame},
};

int main(int argc, char **argv)
{
	return tg_test_main("steer", tests, TG_TEST_N(tests), argc, argv);
}
