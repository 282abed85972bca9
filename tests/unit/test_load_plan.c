/* SPDX-License-Identifier: BSD-3-Clause */
/* test_load_plan.c: what `tidegate load` reckons before and after a run: paces, sources, targets,
 * what is refused, heads of HTTP, what is expected. */
#include "load_bytes.h"
#include "load_report.h"
#include "tg_test.h"

static struct tg_conf conf;
static struct tg_load_plan plan;
static char err[TG_CONF_ERR];

/* --- paces --- */

static void test_pace_flat_isExact(void)
{
	struct tg_pace p = {.rate = 1000, .duration_us = 10000000};

	CU_ASSERT_EQUAL(tg_pace_due(&p, 0), 0);
	CU_ASSERT_EQUAL(tg_pace_due(&p, 999), 0);
	CU_ASSERT_EQUAL(tg_pace_due(&p, 1000), 1);
	CU_ASSERT_EQUAL(tg_pace_due(&p, 10000000), 10000);
	CU_ASSERT_EQUAL(tg_pace_due(&p, UINT64_MAX), 10000);
}

static void test_pace_ramps_areHalf(void)
{
	struct tg_pace p = {
	    .rate = 1000, .up_us = 4000000, .down_us = 2000000, .duration_us = 10000000};

	CU_ASSERT_EQUAL(tg_pace_due(&p, 2000000), 500);
	CU_ASSERT_EQUAL(tg_pace_due(&p, 4000000), 2000);
	CU_ASSERT_EQUAL(tg_pace_due(&p, 8000000), 6000);
	CU_ASSERT_EQUAL(tg_pace_due(&p, 9000000), 6750);
	CU_ASSERT_EQUAL(tg_pace_due(&p, 10000000), 7000);
	CU_ASSERT_EQUAL(tg_pace_due(&p, 11000000), 7000);
}

/* All ramp, and at the largest that the keys allow: 10^8 a second for 30 days. */
static void test_pace_extremes_neverGoBack(void)
{
	const uint64_t days = 30ull * 86400 * 1000000;
	const struct tg_pace p[] = {
	    {.rate = 100000000, .up_us = days / 2, .down_us = days / 2, .duration_us = days},
	    {.rate = 100000000, .up_us = days, .duration_us = days},
	    {.rate = 100000000, .down_us = days, .duration_us = days},
	    {.rate = 1, .up_us = 1, .down_us = 1, .duration_us = 1000000},
	    {.rate = 1, .up_us = 333333, .down_us = 666667, .duration_us = 1000000},
	};
	const uint64_t all[] = {days / 2 * 100, days / 2 * 100, days / 2 * 100, 0, 0};

	for (uint32_t i = 0; i < TG_TEST_N(p); i++) {
		uint64_t before = 0;
		for (uint64_t k = 0; k <= 4000; k++) {
			uint64_t t = k < 2000 ? k : p[i].duration_us / 1000 * (k - 2000) / 2;
			uint64_t due = tg_pace_due(&p[i], t);
			CU_ASSERT(due >= before || t < 2000);
			before = due;
		}
		CU_ASSERT_EQUAL(tg_pace_due(&p[i], p[i].duration_us), all[i]);
	}
}

/* Every microsecond across both corners. */
static void test_pace_corners_neverGoBack(void)
{
	struct tg_pace p = {.rate = 987654, .up_us = 5003, .down_us = 3001, .duration_us = 12007};
	uint64_t before = 0;

	for (uint64_t t = 0; t < 13000; t++) {
		uint64_t due = tg_pace_due(&p, t);
		CU_ASSERT(due >= before);
		CU_ASSERT(due - before <= 1);
		before = due;
	}
	/* 987654 a second over 12007 - (5003 + 3001) / 2 us */
	CU_ASSERT_EQUAL(before, 7906);
}

/* Workers share a pace: each number is begun once, by one of them. */
static void test_pacer_workers_shareEachNumber(void)
{
	static uint8_t seen[1000];
	struct tg_pacer p[3];

	memset(seen, 0, sizeof(seen));
	for (uint32_t w = 0; w < 3; w++)
		p[w] = (struct tg_pacer){.pace = {.rate = 1000, .duration_us = 1000000},
					 .start_ns = 5000,
					 .limit = UINT64_MAX,
					 .worker = w,
					 .worker_n = 3};
	for (uint64_t now = 0; now <= 1100000000; now += 7000003)
		for (uint32_t w = 0; w < 3; w++) {
			uint64_t first;
			uint32_t n = tg_pacer_take(&p[w], now, 32, &first);
			for (uint32_t i = 0; i < n; i++)
				seen[first + 3ull * i]++;
		}
	for (uint32_t i = 0; i < 1000; i++)
		CU_ASSERT_EQUAL(seen[i], 1);
	for (uint32_t w = 0; w < 3; w++)
		CU_ASSERT(tg_pacer_is_over(&p[w], 2000000000));
}

static void test_pacer_late_isMissedNotMadeUpFor(void)
{
	struct tg_pacer p = {
	    .pace = {.rate = 100, .duration_us = 60000000}, .limit = UINT64_MAX, .worker_n = 1};
	uint64_t first;

	/* Half a second behind is made up for; five are not. */
	CU_ASSERT_EQUAL(tg_pacer_take(&p, 500000000, 1000, &first), 50);
	CU_ASSERT_EQUAL(p.missed, 0);
	CU_ASSERT_EQUAL(tg_pacer_take(&p, 5500000000, 1000, &first), 101);
	CU_ASSERT_EQUAL(p.missed, 399);
	CU_ASSERT_EQUAL(first, 449);
	CU_ASSERT_EQUAL(tg_pacer_take(&p, 5500000000, 1000, &first), 0);
	/* What is not wanted is neither. */
	tg_pacer_skip(&p, 7500000000);
	CU_ASSERT_EQUAL(tg_pacer_take(&p, 7510000000, 1000, &first), 1);
	CU_ASSERT_EQUAL(p.missed, 399);
}

static void test_pacer_limit_ends(void)
{
	struct tg_pacer p = {
	    .pace = {.rate = 100, .duration_us = 60000000}, .limit = 7, .worker_n = 1};
	uint64_t first;

	CU_ASSERT(!tg_pacer_is_over(&p, 1000000));
	CU_ASSERT_EQUAL(tg_pacer_take(&p, 1000000000, 5, &first), 5);
	CU_ASSERT(!tg_pacer_is_over(&p, 1000000000));
	CU_ASSERT_EQUAL(tg_pacer_take(&p, 1000000000, 5, &first), 2);
	CU_ASSERT(tg_pacer_is_over(&p, 1000000000));
}

/* --- times --- */

/* RFC-free, but promised: a quantile is at most 1/32 above the value itself. */
static void test_hist_anyValue_isWithinAThirtySecond(void)
{
	static struct tg_hist h;
	struct tg_rng rng;

	tg_rng_init(&rng, tg_test_seed);
	for (uint32_t i = 0; i < 3000; i++) {
		uint64_t v = tg_rng_next(&rng) >> (i % 62);
		tg_hist_init(&h);
		tg_hist_add_n(&h, v, 2);
		tg_hist_add(&h, UINT64_MAX);
		uint64_t got = tg_hist_quantile(&h, 0.5);
		CU_ASSERT(got >= v && got - v <= v / 32);
	}
}

/* --- plans --- */

static const char base[] = "[port x]\ndevice = net_null0\naddress = 192.0.2.1/24 2001:db8::1/64\n"
			   "gateway = 192.0.2.254\n[load]\n";

/* With those lines in [load]; before: other sections. */
static int make(const char *before, const char *lines)
{
	char text[2048];

	snprintf(text, sizeof(text), "%s%s%s\n", before, base, lines);
	tg_conf_free(&conf);
	memset(err, 0, sizeof(err));
	if (tg_conf_parse(&conf, "t.ini", text, strlen(text), err, sizeof(err)) != 0)
		return -2;
	return tg_load_plan_init(&plan, &conf, err, sizeof(err));
}

static void refused(const char *before, const char *lines, const char *why)
{
	int rc = make(before, lines);

	CU_ASSERT_EQUAL(rc, -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(err, why));
	CU_ASSERT_PTR_NULL(strchr(err, '\n'));
	if (rc != -1 || !strstr(err, why))
		printf("%s: %d: %s\n", lines, rc, err);
}

static void test_plan_nonsense_isRefusedInOneLine(void)
{
	static const char t[] = "target = 192.0.2.2:80\n";
	char text[256];
	static const struct {
		const char *lines, *why;
	} bad[] = {
	    {"", "nothing to do"},
	    {"hold = 10\nflood = syn\nduration_s = 1", "flood opens no connections"},
	    {"rate = 10\nflood = syn", "a flood needs an end"},
	    {"flood = syn\nduration_s = 1", "nothing to do"},
	    {"rate = 1\nflood = syn\nconnections = 4000000000", "more than 30 days"},
	    {"rate = 10\nchurn = 5", "give hold"},
	    {"hold = 10\nchurn = 50\nrate = 20", "below churn"},
	    {"hold = 10\nclose = server", "closed by us"},
	    {"rate = 10\nduration_s = 5\nramp_up_s = 3\nramp_down_s = 3", "longer than duration_s"},
	    {"rate = 10\nrequests = 3", "is for echo, http and down"},
	    {"rate = 10\nclose = half", "do = nothing has none"},
	    {"rate = 10\ndo = http\npath = x", "must begin with /"},
	    {"rate = 1000\nports = 2000-2009", "add a source"},
	    {"rate = 100000\nduration_s = 60", "pairs of IPv4 source address and port"},
	    {"rate = 10\nsource = 192.0.2.0/25", "has the address of a target"},
	    {"rate = 10\nsource = 192.0.2.128/25", "has the address of a gateway"},
	    {"rate = 10\nsource = fe80::/64", "no host connects from there"},
	    {"rate = 10\nsource = 2001:db8:1::/64", "no source of its family"},
	    {"rate = 9\nflood = ack\nconnections = 5", "a flood needs source"},
	    {"rate = 9\nflood = fin\nduration_s = 1\nsource = 8.0.0.0/8",
	     "only come from networks for private use"},
	};

	for (uint32_t i = 0; i < TG_TEST_N(bad); i++) {
		snprintf(text, sizeof(text), "%s%s", t, bad[i].lines);
		refused("", text, bad[i].why);
	}
	refused("", "rate = 10", "no target");
	refused("", "rate = 10\ntarget = 192.0.2.1:80", "our own address");
	refused("", "rate = 10\ntarget = 192.0.2.2:80*0", "weight 0");
	refused("[engine]\nconnections = 50\n", "target = 192.0.2.2:80\nhold = 60",
		"connections = 50 is too little");
}

static void test_conf_section_isThereOnceAndItsKeysNowhereElse(void)
{
	CU_ASSERT_EQUAL(make("", "rate = 10\n[load]\nhold = 5"), -2);
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "t.ini:7: [load] is there twice, first in line 5"));
	CU_ASSERT_EQUAL(make("[engine]\nthink_ms = 5\n", "rate = 10"), -2);
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "t.ini:2: think_ms is not a key of this place: it "
					   "belongs into [load]"));
	CU_ASSERT_EQUAL(make("", "rat = 10"), -2);
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "did you mean rate?"));
	CU_ASSERT_EQUAL(make("", "rate = 0"), -2);
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "from 1 to 100000000"));
}

/* By name alone; which interfaces are veth or TAP is for load.sh to see. */
static void test_plan_floodThatWouldLeave_wantsAWord(void)
{
	static const struct {
		const char *device;
		bool stays;
	} t[] = {{"net_null0", true},
		 {"net_ring0", true},
		 {"net_memif0,role=server", true},
		 {"net_vhost0,iface=/tmp/s", true},
		 {"net_virtio_user0,path=/tmp/s", true},
		 {"net_tap0,iface=tg0", true},
		 {"net_tap0,iface=tg0,remote=eth0", false},
		 {"net_pcap0,rx_pcap=a,tx_pcap=b", true},
		 {"net_pcap0,iface=no-such-iface", false},
		 {"net_pcap0,rx_pcap=a,tx_iface=eth0", false},
		 {"net_af_packet0,iface=no-such-iface", false},
		 {"net_af_packet0,iface=lo", false},
		 {"net_af_xdp0,iface=no-such-iface", false},
		 {"net_bonding0,slave=0000:01:00.0", false},
		 {"0000:01:00.0", false}};

	for (uint32_t i = 0; i < TG_TEST_N(t); i++)
		if (tg_load_stays_here(t[i].device) != t[i].stays)
			CU_FAIL(t[i].device);
}

/* A tool that opens a million connections is for one's own lab. */
static void test_plan_publicTarget_wantsAWord(void)
{
	refused("", "rate = 10\ntarget = 8.8.8.8:53", "networks for private use and tests");
	refused("", "rate = 10\ntarget = [2600::1]:53", "networks for private use and tests");
	CU_ASSERT_EQUAL(make("", "rate = 10\ntarget = 8.8.8.8:53\ni_own_the_target = on"), 0);
	static const char *const test[] = {"10.255.0.1",     "172.31.0.1", "192.168.0.1",
					   "198.19.255.254", "192.0.2.77", "198.51.100.1",
					   "203.0.113.9",    "fd00::1",    "2001:db8:ffff::1",
					   "2001:2::5",      "fe80::1",    "169.254.1.1"};
	static const char *const public[] = {
	    "11.0.0.1",      "172.32.0.1",  "192.169.0.1", "198.20.0.1",  "192.0.3.1",
	    "198.51.101.1",  "203.0.114.1", "fe00::1",     "2001:db9::1", "2001:2:1::5",
	    "9.255.255.255", "172.15.0.1",  "198.17.0.1",  "1.1.1.1"};
	struct tg_addr a;

	for (uint32_t i = 0; i < TG_TEST_N(test); i++)
		CU_ASSERT(tg_addr_parse(test[i], &a) && tg_load_is_test_net(&a, 128));
	for (uint32_t i = 0; i < TG_TEST_N(public); i++)
		CU_ASSERT(tg_addr_parse(public[i], &a) && !tg_load_is_test_net(&a, 128));
	/* A network that reaches beyond one of these is none. */
	CU_ASSERT(tg_addr_parse("198.18.0.0", &a) && !tg_load_is_test_net(&a, 14));
}

static bool is_source(bool v4, uint64_t i, const char *want)
{
	struct tg_addr a, got = tg_load_plan_source(&plan, v4, i);

	return tg_addr_parse(want, &a) && tg_addr_equal(&a, &got);
}

static void test_plan_sources_areAllHostsOfTheirNetworks(void)
{
	CU_ASSERT_EQUAL(make("", "target = 192.0.2.2:80 [2001:db8::2]:80\nrate = 10"), 0);
	CU_ASSERT_EQUAL(plan.source_all[1], 1);
	CU_ASSERT_EQUAL(plan.source_all[0], 1);
	CU_ASSERT(is_source(true, 0, "192.0.2.1"));
	CU_ASSERT(is_source(false, 0, "2001:db8::1"));
	CU_ASSERT_EQUAL(make("", "target = 192.0.2.2:80 [2001:db8::2]:80\nrate = 10\nsource = "
				 "198.18.0.0/16 2001:db8:7::/64 198.51.100.7/32 203.0.113.8/31"),
			0);
	CU_ASSERT_EQUAL(plan.source_all[1], 65534 + 1 + 2);
	CU_ASSERT_EQUAL(plan.source_all[0], (1ull << 40) - 1);
	CU_ASSERT(is_source(true, 0, "198.18.0.1"));
	CU_ASSERT(is_source(true, 65533, "198.18.255.254"));
	CU_ASSERT(is_source(true, 65534, "198.51.100.7"));
	CU_ASSERT(is_source(true, 65535, "203.0.113.8"));
	CU_ASSERT(is_source(true, 65536, "203.0.113.9"));
	CU_ASSERT(is_source(false, 0, "2001:db8:7::1"));
	CU_ASSERT(is_source(false, (1ull << 40) - 2, "2001:db8:7::ff:ffff:ffff"));
}

static void test_plan_need_followsRateLifeAndTimeWait(void)
{
	/* 1000 a second, 60 s of TIME-WAIT, 100 s: 60000 records; two seconds of life. */
	CU_ASSERT_EQUAL(make("", "target = 192.0.2.2:80\nsource = 198.18.0.0/24\nrate = "
				 "1000\nduration_s = 100"),
			0);
	CU_ASSERT_EQUAL(plan.need.time_wait, 60000);
	CU_ASSERT_EQUAL(plan.need.live, 2000);
	CU_ASSERT_EQUAL(plan.need.have[1], 254ull * 64512);
	CU_ASSERT(conf.engine.set.time_wait >= 60000);
	CU_ASSERT(conf.engine.set.connections >= 2000);
	/* The server closes: the records are its own. */
	CU_ASSERT_EQUAL(
	    make("", "target = 192.0.2.2:80\nrate = 1000\nduration_s = 100\nclose = server"), 0);
	CU_ASSERT_EQUAL(plan.need.time_wait, 0);
	CU_ASSERT_EQUAL(plan.need.peer_time_wait, 60000);
	/* No more than are begun at all. */
	CU_ASSERT_EQUAL(make("", "target = 192.0.2.2:80\nrate = 100000\nconnections = 500"), 0);
	CU_ASSERT_EQUAL(plan.need.time_wait, 500);
	CU_ASSERT_EQUAL(plan.need.live, 500);
	CU_ASSERT_EQUAL(make("[engine]\nmsl_ms = 100\n",
			     "target = 192.0.2.2:80\nsource = 198.18.0.0/16\nhold = 1000000\nchurn "
			     "= 10000"),
			0);
	CU_ASSERT_EQUAL(plan.need.live, 1020000);
	CU_ASSERT_EQUAL(plan.need.time_wait, 1002000); /* when the end comes */
	CU_ASSERT_EQUAL(plan.need.tuples[1], 1022000);
	/* All within 20 s; or twice as fast as they are churned. */
	CU_ASSERT_EQUAL(plan.fill_rate, 50000);
	/* None over IPv6, and short texts: next to no memory for either. */
	CU_ASSERT_EQUAL(conf.engine.set.connections_ipv6, 1);
	CU_ASSERT_EQUAL(conf.engine.set.buffer_mb, 25000 * 4096 / 1048576 + 1);
	CU_ASSERT_EQUAL(make("[engine]\nmsl_ms = 100\n",
			     "target = 192.0.2.2:80\nsource = 198.18.0.0/16\nhold = 100000\nchurn "
			     "= 10000"),
			0);
	CU_ASSERT_EQUAL(plan.fill_rate, 20000);
}

static void test_plan_targets_byWeight(void)
{
	uint32_t n[2] = {0, 0};

	CU_ASSERT_EQUAL(make("", "rate = 10\ndo = http\nclose = server\npath = /a\n"
				 "target = 192.0.2.2:80*30 192.0.2.9:80*0 [2001:db8::2]:8080"),
			0);
	CU_ASSERT_EQUAL(plan.target_n, 2);
	for (uint32_t i = 0; i < plan.weight_all; i++)
		n[tg_load_plan_target(&plan, i) - plan.target]++;
	CU_ASSERT_EQUAL(n[0], 30);
	CU_ASSERT_EQUAL(n[1], 10);
	CU_ASSERT_STRING_EQUAL(plan.target[1].request[1],
			       "GET /a HTTP/1.1\r\nHost: [2001:db8::2]:8080\r\nUser-Agent: "
			       "tidegate\r\nConnection: close\r\n\r\n");
	CU_ASSERT_EQUAL(plan.target[1].request_len[1], strlen(plan.target[1].request[1]));
	CU_ASSERT_PTR_NULL(strstr(plan.target[0].request[0], "close"));
}

/* --- HTTP --- */

static void test_head_anyCut_waitsForTheRest(void)
{
	static const char text[] =
	    "HTTP/1.1 200 OK\r\nServer: x\r\ncontent-LENGTH:  123 \r\n\r\nab";
	struct tg_load_head head;
	uint32_t whole = sizeof(text) - 3;

	for (uint32_t n = 0; n < whole; n++)
		CU_ASSERT_EQUAL(tg_load_head(text, n, &head), 0);
	CU_ASSERT_EQUAL(tg_load_head(text, sizeof(text) - 1, &head), 1);
	CU_ASSERT_EQUAL(head.len, whole);
	CU_ASSERT_EQUAL(head.status, 200);
	CU_ASSERT_EQUAL(head.body, 123);
	CU_ASSERT(!head.chunked);
}

static void test_head_bodies_haveTheirLengths(void)
{
	static const struct {
		const char *text;
		int rc;
		uint32_t status;
		uint64_t body;
		bool chunked;
	} t[] = {
	    {"HTTP/1.0 404 Not Found\n\n", 1, 404, TG_LOAD_TO_EOF, false},
	    {"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", 1, 204, 0, false},
	    {"HTTP/1.1 304\r\n\r\n", 1, 304, 0, false},
	    {"HTTP/1.1 100 Continue\r\n\r\n", 1, 100, 0, false},
	    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n", 1, 200, TG_LOAD_TO_EOF, true},
	    {"HTTP/1.1 200 OK\r\nContent-Lengthy: 5\r\n\r\n", 1, 200, TG_LOAD_TO_EOF, false},
	    {"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", -1, 0, 0, false},
	    {"HTTP/1.1 200 OK\r\nContent-Length: 1234567890123456789\r\n\r\n", -1, 0, 0, false},
	    {"HTTP/1.1 20 OK\r\n\r\n", -1, 0, 0, false},
	    {"HTTP/1.1 099 No\r\n\r\n", -1, 0, 0, false},
	    {"HTTP/2 200 OK\r\n\r\n", -1, 0, 0, false},
	    {"SSH-2.0-x\r\n", -1, 0, 0, false},
	};
	static char long_text[TG_LOAD_HEAD_MAX];
	struct tg_load_head head;

	for (uint32_t i = 0; i < TG_TEST_N(t); i++) {
		CU_ASSERT_EQUAL(tg_load_head(t[i].text, (uint32_t)strlen(t[i].text), &head),
				t[i].rc);
		if (t[i].rc != 1)
			continue;
		CU_ASSERT_EQUAL(head.status, t[i].status);
		CU_ASSERT_EQUAL(head.body, t[i].body);
		CU_ASSERT_EQUAL(head.chunked, t[i].chunked);
	}
	memset(long_text, 'a', sizeof(long_text));
	memcpy(long_text, "HTTP/1.1 200 OK\r\n", 17);
	CU_ASSERT_EQUAL(tg_load_head(long_text, sizeof(long_text), &head), -1);
}

static void test_chunk_lines_areRead(void)
{
	uint32_t len;
	uint64_t size;

	CU_ASSERT_EQUAL(tg_load_chunk("1aF\r\nxyz", 8, &len, &size), 1);
	CU_ASSERT_EQUAL(len, 5);
	CU_ASSERT_EQUAL(size, 0x1af);
	CU_ASSERT_EQUAL(tg_load_chunk("0;ext=1\r\n", 9, &len, &size), 1);
	CU_ASSERT_EQUAL(size, 0);
	CU_ASSERT_EQUAL(tg_load_chunk("1a", 2, &len, &size), 0);
	CU_ASSERT_EQUAL(tg_load_chunk("", 0, &len, &size), 0);
	CU_ASSERT_EQUAL(tg_load_chunk("\r\n", 2, &len, &size), -1);
	CU_ASSERT_EQUAL(tg_load_chunk("xyz\r\n", 5, &len, &size), -1);
	CU_ASSERT_EQUAL(tg_load_chunk("1g\r\n", 4, &len, &size), -1);
	CU_ASSERT_EQUAL(tg_load_chunk("1234567890abcdef1\r\n", 19, &len, &size), -1);
}

/* --- bytes --- */

static void test_bytes_ofAConnection_areItsOwn(void)
{
	static uint8_t buf[200000];
	uint32_t len;

	tg_load_bytes_init();
	for (uint64_t at = 0; at < sizeof(buf);) {
		const uint8_t *p = tg_load_bytes_mine(4000000000u, at, &len);
		if (len > sizeof(buf) - at)
			len = (uint32_t)(sizeof(buf) - at);
		memcpy(buf + at, p, len);
		at += len;
	}
	CU_ASSERT(tg_load_bytes_is_mine(4000000000u, 0, buf, sizeof(buf)));
	CU_ASSERT(tg_load_bytes_is_mine(4000000000u, 777, buf + 777, 100000));
	CU_ASSERT(!tg_load_bytes_is_mine(4000000001u, 0, buf, 16));
	CU_ASSERT(!tg_load_bytes_is_mine(4000000000u, 1, buf, 16));
	buf[150000] ^= 1;
	CU_ASSERT(!tg_load_bytes_is_mine(4000000000u, 0, buf, sizeof(buf)));
	for (uint32_t i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)((i + 1000) % 251);
	CU_ASSERT(tg_load_bytes_is_http(1000, buf, sizeof(buf)));
	CU_ASSERT(!tg_load_bytes_is_http(1001, buf, sizeof(buf)));
}

/* --- what is expected --- */

static void test_expect_grammar(void)
{
	static const char *const good[] = {
	    "success>=99.9%",
	    "success>=99.9",
	    "failed=0, rate>=10000",
	    "handshake.p99<=5ms first_byte.p99.9<1s close.max<2s",
	    "transfer.mean<1us live==5 missed<1 done>0 begun>0 opened>0 transfer.p50>1ns",
	    ""};
	static const char *const bad[] = {"success",          "success>=",     "succes>=99%",
					  "success=>99",      "rate>=10%",     "handshake<=5ms",
					  "handshake.p99<=5", "close.p100<1s", "close.p0<1s",
					  "rate>=-1",         "rate>=ten",     "failed=0x0",
					  "close.q<1s",       ">=5",           "success>=99.9%%"};
	struct tg_load_expect list[TG_LOAD_EXPECT_MAX];
	char many[300] = "";

	for (uint32_t i = 0; i < TG_TEST_N(good); i++)
		CU_ASSERT(tg_load_expect_parse(good[i], list, err, sizeof(err)) >= 0);
	CU_ASSERT_EQUAL(tg_load_expect_parse(good[4], list, err, sizeof(err)), 7);
	for (uint32_t i = 0; i < TG_TEST_N(bad); i++) {
		int rc = tg_load_expect_parse(bad[i], list, err, sizeof(err));
		CU_ASSERT_EQUAL(rc, -1);
		if (rc != -1)
			printf("taken: %s\n", bad[i]);
		else
			CU_ASSERT_PTR_NOT_NULL(strstr(err, "write it like"));
	}
	for (int i = 0; i <= TG_LOAD_EXPECT_MAX; i++)
		strcat(many, "rate>1 ");
	CU_ASSERT_EQUAL(tg_load_expect_parse(many, list, err, sizeof(err)), -1);
}

static bool holds(const struct tg_load_result *r, const char *text)
{
	struct tg_load_expect list[TG_LOAD_EXPECT_MAX];
	double is;

	CU_ASSERT_EQUAL_FATAL(tg_load_expect_parse(text, list, err, sizeof(err)), 1);
	return tg_load_expect_holds(&list[0], r, &is);
}

static void test_expect_values_bothWays(void)
{
	static struct tg_load_result r;

	for (int i = 0; i < TG_LOAD_TIMING_N; i++)
		tg_hist_init(&r.timing[i]);
	r.sum.begun = 1001;
	r.sum.opened = 1000;
	r.sum.done = 999;
	r.sum.failed[TG_LOAD_RESET] = 1;
	r.sum.failed[TG_LOAD_CUT] = 7;
	r.seconds = 2;
	tg_hist_add_n(&r.timing[TG_LOAD_HANDSHAKE], 1000000, 99);
	tg_hist_add(&r.timing[TG_LOAD_HANDSHAKE], 50000000);
	CU_ASSERT(holds(&r, "success>=99.9%") && !holds(&r, "success>99.9%"));
	CU_ASSERT(holds(&r, "failed=1") && !holds(&r, "failed<1"));
	CU_ASSERT(holds(&r, "rate>=500") && !holds(&r, "rate>500"));
	CU_ASSERT(holds(&r, "handshake.p50<=1.1ms") && !holds(&r, "handshake.p50<1ms"));
	CU_ASSERT(holds(&r, "handshake.max=50ms") && !holds(&r, "handshake.p99>2ms"));
	CU_ASSERT(holds(&r, "begun==1001") && holds(&r, "opened<=1000") && holds(&r, "done<1000"));
	/* Nothing was measured: nothing holds. */
	CU_ASSERT(!holds(&r, "close.p99<1s") && !holds(&r, "close.p99>=0s"));
	/* Nothing came to an end: no success. */
	memset(&r.sum, 0, sizeof(r.sum));
	CU_ASSERT(!holds(&r, "success>=1%") && holds(&r, "success=0%"));
}

static const struct tg_test tests[] = {
    {"pace_flat_isExact", test_pace_flat_isExact},
    {"pace_ramps_areHalf", test_pace_ramps_areHalf},
    {"pace_extremes_neverGoBack", test_pace_extremes_neverGoBack},
    {"pace_corners_neverGoBack", test_pace_corners_neverGoBack},
    {"pacer_workers_shareEachNumber", test_pacer_workers_shareEachNumber},
    {"pacer_late_isMissedNotMadeUpFor", test_pacer_late_isMissedNotMadeUpFor},
    {"pacer_limit_ends", test_pacer_limit_ends},
    {"hist_anyValue_isWithinAThirtySecond", test_hist_anyValue_isWithinAThirtySecond},
    {"plan_nonsense_isRefusedInOneLine", test_plan_nonsense_isRefusedInOneLine},
    {"conf_section_isThereOnceAndItsKeysNowhereElse",
     test_conf_section_isThereOnceAndItsKeysNowhereElse},
    {"plan_floodThatWouldLeave_wantsAWord", test_plan_floodThatWouldLeave_wantsAWord},
    {"plan_publicTarget_wantsAWord", test_plan_publicTarget_wantsAWord},
    {"plan_sources_areAllHostsOfTheirNetworks", test_plan_sources_areAllHostsOfTheirNetworks},
    {"plan_need_followsRateLifeAndTimeWait", test_plan_need_followsRateLifeAndTimeWait},
    {"plan_targets_byWeight", test_plan_targets_byWeight},
    {"head_anyCut_waitsForTheRest", test_head_anyCut_waitsForTheRest},
    {"head_bodies_haveTheirLengths", test_head_bodies_haveTheirLengths},
    {"chunk_lines_areRead", test_chunk_lines_areRead},
    {"bytes_ofAConnection_areItsOwn", test_bytes_ofAConnection_areItsOwn},
    {"expect_grammar", test_expect_grammar},
    {"expect_values_bothWays", test_expect_values_bothWays},
};

int main(int argc, char **argv)
{
	int rc = tg_test_main("load_plan", tests, TG_TEST_N(tests), argc, argv);

	tg_conf_free(&conf);
	return rc;
}
