/* SPDX-License-Identifier: BSD-3-Clause */
/* Which worker owns a packet (LN-23): both directions, what ICMP quotes, what every worker needs.
 */
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

/* An ICMP error (time exceeded) from a router about what we sent on the tuple. */
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

static void test_steer_anyBytes_stayInsideTheFrame(void)
{
	struct tg_tuple t;
	uint8_t whole[512];
	setup(6);
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

static const struct tg_test tests[] = {
    {"steer_hash_isWhatNicsCompute", test_steer_hash_isWhatNicsCompute},
    {"steer_bothDirections_haveOneOwner", test_steer_bothDirections_haveOneOwner},
    {"steer_icmpError_goesToWhomItQuotes", test_steer_icmpError_goesToWhomItQuotes},
    {"steer_neighbourNews_goesToAll", test_steer_neighbourNews_goesToAll},
    {"steer_load_isSpreadEvenly", test_steer_load_isSpreadEvenly},
    {"steer_anyBytes_stayInsideTheFrame", test_steer_anyBytes_stayInsideTheFrame},
};

int main(int argc, char **argv)
{
	return tg_test_main("steer", tests, TG_TEST_N(tests), argc, argv);
}
