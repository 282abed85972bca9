/* SPDX-License-Identifier: BSD-3-Clause */
/* test_prefix.c: sets of prefixes against a plain scan of all of them, thousands of them, and the
 * text that they are read from. */
#include "tg_prefix.h"
#include "tg_rng.h"
#include "tg_test.h"

enum { SET_N = 400, PROBE_N = 300, LIST_MAX = 64, MANY = 100000 };

static struct tg_rng rng;
static char err[256];
static uint32_t line;

static const struct tg_prefixes *make(struct tg_prefix list[], uint32_t n, void **mem)
{
	size_t size = tg_prefixes_footprint(list, n);
	char why[128] = "";

	CU_ASSERT_EQUAL(size % 64, 0);
	*mem = aligned_alloc(64, size);
	const struct tg_prefixes *set = tg_prefixes_init(*mem, list, n);

	CU_ASSERT(tg_prefixes_validate(set, why, sizeof(why)));
	return set;
}

/* What the header says, in its words. */
static bool scan(const struct tg_prefix list[], uint32_t n, const struct tg_addr *a)
{
	int longest = -1;
	bool allowed = true, fallback = true;

	for (uint32_t i = 0; i < n; i++) {
		const struct tg_prefix *p = &list[i];
		fallback &= p->deny;
		if (!tg_addr_in_prefix(a, &p->net, p->len) || p->len < longest)
			continue;
		allowed = p->len > longest ? !p->deny : allowed && !p->deny;
		longest = p->len;
	}
	return longest < 0 ? fallback : allowed;
}

static struct tg_addr random_addr(bool v4)
{
	uint8_t b[16];

	for (uint32_t i = 0; i < 16; i++)
		b[i] = (uint8_t)tg_rng_next(&rng);
	if (!v4 && tg_rng_below(&rng, 2)) /* in one corner, so that they meet */
		memcpy(b, (uint8_t[]){0x20, 0x01, 0x0d, 0xb8}, 4);
	return v4 ? tg_addr_from_v4(b) : tg_addr_from_v6(b);
}

/* The first or last address of a prefix, or its neighbour outside. */
static struct tg_addr edge(const struct tg_prefix *p)
{
	uint32_t from = (tg_addr_is_v4(&p->net) ? 96u : 0u) + p->len;
	uint32_t least = tg_addr_is_v4(&p->net) ? 12 : 0;
	bool last = tg_rng_below(&rng, 2), out = tg_rng_below(&rng, 2);
	struct tg_addr a = p->net;

	for (uint32_t i = from; i < 128; i++) {
		uint8_t bit = (uint8_t)(0x80 >> i % 8);
		a.b[i / 8] = (uint8_t)(last ? a.b[i / 8] | bit : a.b[i / 8] & ~bit);
	}
	for (int i = 15; out && i >= (int)least; i--) {
		a.b[i] = (uint8_t)(a.b[i] + (last ? 1 : -1));
		out = a.b[i] == (last ? 0 : 0xff);
	}
	return a;
}

/* Now and then next to, inside or equal to one that is there. */
static struct tg_prefix random_prefix(const struct tg_prefix list[], uint32_t n)
{
	struct tg_prefix p = {.deny = tg_rng_below(&rng, 2)};
	bool v4 = tg_rng_below(&rng, 2);

	if (n && tg_rng_below(&rng, 3)) {
		const struct tg_prefix *from = &list[tg_rng_below(&rng, n)];
		v4 = tg_addr_is_v4(&from->net);
		p.net = tg_rng_below(&rng, 2) ? edge(from) : from->net;
		p.len = from->len;
		if (tg_rng_below(&rng, 2))
			p.len = (uint8_t)tg_rng_below(&rng, v4 ? 33 : 129);
		return p;
	}
	p.net = random_addr(v4);
	p.len = (uint8_t)tg_rng_below(&rng, v4 ? 33 : 129);
	return p;
}

static void test_set_randomPrefixes_isTheScan(void)
{
	static struct tg_prefix list[LIST_MAX], copy[LIST_MAX];
	uint64_t wrong = 0;
	void *mem;

	tg_rng_init(&rng, tg_test_seed);
	for (uint32_t s = 0; s < SET_N; s++) {
		uint32_t n = tg_rng_below(&rng, LIST_MAX + 1);
		for (uint32_t i = 0; i < n; i++)
			list[i] = random_prefix(list, i);
		if (s % 4 == 0) /* sets of one kind have another fallback */
			for (uint32_t i = 0; i < n; i++)
				list[i].deny = s % 8 == 0;
		memcpy(copy, list, sizeof(copy));
		const struct tg_prefixes *set = make(list, n, &mem);
		for (uint32_t i = 0; i < PROBE_N; i++) {
			struct tg_addr a =
			    n && i % 3 ? edge(&copy[tg_rng_below(&rng, n)]) : random_addr(i % 2);
			wrong += tg_prefixes_allow(set, &a) != scan(copy, n, &a);
		}
		CU_ASSERT(tg_prefixes_points(set) <= 2 * n);
		free(mem);
	}
	CU_ASSERT_EQUAL(wrong, 0);
}

static bool allows(const struct tg_prefixes *set, const char *addr)
{
	struct tg_addr a;

	CU_ASSERT_FATAL(tg_addr_parse(addr, &a));
	return tg_prefixes_allow(set, &a);
}

static uint32_t read_list(const char *text, bool deny, struct tg_prefix list[], uint32_t n)
{
	int got = tg_prefix_read(text, strlen(text), deny, list + n, LIST_MAX - n, &line, err,
				 sizeof(err));

	CU_ASSERT_FATAL(got >= 0);
	return n + (uint32_t)got;
}

static void test_set_longestPrefix_decides(void)
{
	struct tg_prefix list[LIST_MAX];
	uint32_t n = read_list("10.0.0.0/8\n10.1.2.0/24\n2001:db8::/32\n", false, list, 0);
	void *mem;

	n = read_list("10.1.0.0/16\n10.1.2.3\n2001:db8:1::/48\n10.9.0.0/16", true, list, n);
	n = read_list("10.9.0.0/16", false, list, n);
	const struct tg_prefixes *set = make(list, n, &mem);

	CU_ASSERT(allows(set, "10.0.0.1"));
	CU_ASSERT(!allows(set, "10.1.0.1"));
	CU_ASSERT(allows(set, "10.1.2.1"));
	CU_ASSERT(!allows(set, "10.1.2.3"));
	CU_ASSERT(allows(set, "10.1.2.4"));
	CU_ASSERT(!allows(set, "10.9.1.1")); /* of equal ones, deny */
	CU_ASSERT(!allows(set, "11.0.0.1")); /* in none, and some allow */
	CU_ASSERT(allows(set, "2001:db8:2::1"));
	CU_ASSERT(!allows(set, "2001:db8:1::1"));
	CU_ASSERT(!allows(set, "2001:db9::1"));
	free(mem);
}

static void test_set_onlyDeny_othersMay(void)
{
	struct tg_prefix list[LIST_MAX];
	uint32_t n = read_list("192.0.2.128/25\n255.255.255.255\nffff::/16", true, list, 0);
	void *mem;
	const struct tg_prefixes *set = make(list, n, &mem);

	CU_ASSERT(!allows(set, "192.0.2.255"));
	CU_ASSERT(allows(set, "192.0.2.127"));
	CU_ASSERT(allows(set, "192.0.3.0"));
	CU_ASSERT(!allows(set, "255.255.255.255"));
	CU_ASSERT(allows(set, "255.255.255.254"));
	CU_ASSERT(!allows(set, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
	CU_ASSERT(allows(set, "fffe::1"));
	free(mem);
	set = make(list, 0, &mem); /* none at all */
	CU_ASSERT(allows(set, "192.0.2.1") && allows(set, "::1"));
	CU_ASSERT_EQUAL(tg_prefixes_points(set), 0);
	free(mem);
}

static void test_set_everything_isOnePoint(void)
{
	struct tg_prefix list[LIST_MAX];
	uint32_t n = read_list("0.0.0.0/0\n10.0.0.0/8\n11.0.0.0/8\n::/0", true, list, 0);
	void *mem;
	const struct tg_prefixes *set = make(list, n, &mem);

	CU_ASSERT(!allows(set, "0.0.0.0") && !allows(set, "255.255.255.255"));
	CU_ASSERT(!allows(set, "::") && !allows(set, "ffff::"));
	CU_ASSERT_EQUAL(tg_prefixes_points(set), 2);
	free(mem);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* A hundred thousand, as blocklists have them: mostly /16 to /32, and IPv6 /32 to /64. */
static void test_set_hundredThousand_isBuiltSoon(void)
{
	struct tg_prefix *list = calloc(MANY, sizeof(*list)), *some;
	uint64_t wrong = 0;
	void *mem;

	tg_rng_init(&rng, tg_test_seed);
	for (uint32_t i = 0; i < MANY; i++) {
		bool v4 = i % 2;
		list[i].net = random_addr(v4);
		list[i].len =
		    (uint8_t)(v4 ? 16 + tg_rng_below(&rng, 17) : 32 + tg_rng_below(&rng, 33));
		list[i].deny = tg_rng_below(&rng, 10) > 0;
	}
	some = malloc(MANY * sizeof(*some));
	memcpy(some, list, MANY * sizeof(*some));
	uint64_t from = now_ns();
	const struct tg_prefixes *set = make(list, MANY, &mem);
	uint64_t built_ns = now_ns() - from;

	for (uint32_t i = 0; i < 200; i++) {
		struct tg_addr a = edge(&some[tg_rng_below(&rng, MANY)]);
		wrong += tg_prefixes_allow(set, &a) != scan(some, MANY, &a);
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT(built_ns < 1000000000u);
	uint64_t sum = 0;
	static struct tg_addr probe[65536];
	for (uint32_t i = 0; i < 65536; i++)
		probe[i] = i % 4 ? some[tg_rng_below(&rng, MANY)].net : random_addr(i % 8);
	for (uint32_t v4 = 0; v4 < 2; v4++) {
		uint32_t looked = 0;
		from = now_ns();
		for (uint32_t i = 0; i < 65536; i++) {
			if (tg_addr_is_v4(&probe[i]) != (v4 == 1))
				continue;
			sum += tg_prefixes_allow(set, &probe[i]);
			looked++;
		}
		printf("  IPv%u: %.1f ns a lookup\n", v4 ? 4 : 6,
		       (double)(now_ns() - from) / looked);
	}
	printf("  %u prefixes: %zu KiB, built in %.0f ms (%u allowed)\n", MANY,
	       tg_prefixes_footprint(list, MANY) >> 10, (double)built_ns / 1e6, (unsigned)sum);
	free(mem);
	free(some);
	free(list);
}

/* --- text --- */

static void test_text_commentsAndBlanks_areSkipped(void)
{
	struct tg_prefix list[LIST_MAX];
	uint32_t n = read_list("# all of these\n\n  192.0.2.0/24\t# with a word\r\n2001:db8::1\n"
			       "   #\n198.51.100.7",
			       true, list, 0);
	char text[46];

	CU_ASSERT_EQUAL_FATAL(n, 3);
	CU_ASSERT_STRING_EQUAL(tg_addr_format(&list[0].net, text, sizeof(text)), "192.0.2.0");
	CU_ASSERT_EQUAL(list[0].len, 24);
	CU_ASSERT_EQUAL(list[1].len, 128);
	CU_ASSERT_EQUAL(list[2].len, 32);
	CU_ASSERT(list[0].deny && list[1].deny && list[2].deny);
	CU_ASSERT_EQUAL(read_list("", true, list, 0), 0);
	CU_ASSERT_EQUAL(read_list("# nothing\n", true, list, 0), 0);
}

static void test_text_badLine_isNamed(void)
{
	static const struct {
		const char *text, *says;
		uint32_t line;
	} bad[] = {
	    {"10.0.0.0/8\nten\n", "ten: is no prefix", 2},
	    {"10.0.0.0/33\n", "is no prefix", 1},
	    {"::/129\n", "is no prefix", 1},
	    {"\n\n10.0.0.1/8 # x\n", "bits behind its prefix", 3},
	    {"10.0.0.0/8 11.0.0.0/8\n", "one stands on each line", 1},
	    {"10.0.0.0/8,\n", "is no prefix", 1},
	    {"\x01\n", "is no prefix", 1},
	    {"1111111111111111111111111111111111111111111111111111111111111111111111\n",
	     "is no prefix", 1},
	};
	struct tg_prefix list[LIST_MAX];

	for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CU_ASSERT_EQUAL(tg_prefix_read(bad[i].text, strlen(bad[i].text), false, list,
					       LIST_MAX, &line, err, sizeof(err)),
				-1);
		CU_ASSERT_EQUAL(line, bad[i].line);
		CU_ASSERT_PTR_NOT_NULL(strstr(err, bad[i].says));
	}
	CU_ASSERT_EQUAL(tg_prefix_read("::\n::\n::", 8, false, list, 2, &line, err, sizeof(err)),
			-1);
	CU_ASSERT_EQUAL(line, 3);
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "at most 2"));
}

/* Whatever the bytes, it ends, with a list or a sentence. */
static void test_text_randomBytes_areAnswered(void)
{
	static const char alphabet[] = "0123456789abcdef.:/ \n#\t\r";
	struct tg_prefix list[LIST_MAX];
	char text[128];

	tg_rng_init(&rng, tg_test_seed);
	for (uint32_t i = 0; i < 20000; i++) {
		uint32_t len = tg_rng_below(&rng, sizeof(text));
		for (uint32_t k = 0; k < len; k++)
			text[k] = i % 2 ? alphabet[tg_rng_below(&rng, sizeof(alphabet) - 1)]
					: (char)tg_rng_next(&rng);
		err[0] = '\0';
		int n = tg_prefix_read(text, len, false, list, LIST_MAX, &line, err, sizeof(err));
		CU_ASSERT_FATAL(n >= 0 ? n <= LIST_MAX : err[0] != '\0');
	}
}

static const struct tg_test tests[] = {
    {"set_randomPrefixes_isTheScan", test_set_randomPrefixes_isTheScan},
    {"set_longestPrefix_decides", test_set_longestPrefix_decides},
    {"set_onlyDeny_othersMay", test_set_onlyDeny_othersMay},
    {"set_everything_isOnePoint", test_set_everything_isOnePoint},
    {"set_hundredThousand_isBuiltSoon", test_set_hundredThousand_isBuiltSoon},
    {"text_commentsAndBlanks_areSkipped", test_text_commentsAndBlanks_areSkipped},
    {"text_badLine_isNamed", test_text_badLine_isNamed},
    {"text_randomBytes_areAnswered", test_text_randomBytes_areAnswered},
};

int main(int argc, char **argv)
{
	return tg_test_main("prefix", tests, TG_TEST_N(tests), argc, argv);
}
