/* SPDX-License-Identifier: BSD-3-Clause */
/* The key table: every row makes sense, every value is checked, every error is one sentence that
 * says what is allowed. */
#include "tg_test.h"

#include "tg_keys.h"

#include <ctype.h>

enum {
	ENGINE_ALL = TG_KEY_ENGINE | TG_KEY_LISTENER | TG_KEY_CONN,
	LISTENER_ALL = TG_KEY_LISTENER | TG_KEY_CONN,
	ANY = 0xffff
};

static struct tg_settings s;
static char err[300];

static int set(uint32_t sections, const char *key, const char *value)
{
	memset(err, 0, sizeof(err));
	return tg_settings_set(&s, sections, key, value, err, sizeof(err));
}

/* --- the table --- */

static void test_table_rows_makeSense(void)
{
	for (uint32_t i = 0; i < tg_key_n; i++) {
		const struct tg_key *k = &tg_keys[i];
		for (const char *c = k->name; *c; c++)
			CU_ASSERT(islower((unsigned char)*c) || isdigit((unsigned char)*c) ||
				  *c == '_');
		CU_ASSERT(k->section != 0);
		CU_ASSERT_PTR_NOT_NULL(k->dflt);
		CU_ASSERT(strlen(k->sentence) > 10);
		CU_ASSERT(k->min <= k->max);
		CU_ASSERT(k->offset + k->size <= sizeof(struct tg_settings));
		CU_ASSERT((k->type == TG_KEY_WORD) == (k->words != NULL));
		size_t len = strlen(k->name);
		/* durations and sizes carry their unit in the key (DESIGN 7) */
		if (k->unit && !strcmp(k->unit, "ms"))
			CU_ASSERT(len > 3 && !strcmp(k->name + len - 3, "_ms"));
		/* a name stands once in a place */
		for (uint32_t j = 0; j < i; j++)
			CU_ASSERT(strcmp(tg_keys[j].name, k->name) ||
				  !(tg_keys[j].section & k->section));
	}
}

static void test_table_fixedNames_areThere(void)
{
	static const struct {
		const char *name;
		uint32_t section;
		const char *dflt;
	} t[] = {
	    {"workers", TG_KEY_ENGINE, "1"},
	    {"connections", TG_KEY_ENGINE, "1000000"},
	    {"msl_ms", TG_KEY_ENGINE, "30000"},
	    {"memory_mb", TG_KEY_ENGINE, "0"},
	    {"device", TG_KEY_PORT, ""},
	    {"address", TG_KEY_PORT, ""},
	    {"gateway", TG_KEY_PORT, ""},
	    {"mac", TG_KEY_PORT, ""},
	    {"mtu", TG_KEY_PORT, "1500"},
	    {"vlan", TG_KEY_PORT, "0"},
	    {"address", TG_KEY_LISTENER, ""},
	    {"port", TG_KEY_LISTENER, "0"},
	    {"service", TG_KEY_LISTENER, ""},
	    {"backlog", TG_KEY_LISTENER, "4096"},
	    {"syn_cookies", TG_KEY_LISTENER, "auto"},
	    {"synq_high", TG_KEY_LISTENER, "65536"},
	    {"synq_low", TG_KEY_LISTENER, "49152"},
	    {"window_scale", TG_KEY_LISTENER, "7"},
	    {"timestamps", TG_KEY_LISTENER, "on"},
	    {"sack", TG_KEY_LISTENER, "on"},
	    {"congestion", TG_KEY_LISTENER, "cubic"},
	    {"backlog", TG_KEY_ENGINE, "4096"},
	    {"sndbuf", TG_KEY_ENGINE, "262144"},
	    {"rcvbuf", TG_KEY_CONN, "262144"},
	    {"challenge_ms", TG_KEY_ENGINE, "500"},
	    {"rst_rate", TG_KEY_ENGINE, "1000"},
	    {"fin_wait_2_ms", TG_KEY_ENGINE, "60000"},
	    {"mss_min", TG_KEY_CONN, "216"},
	};

	for (size_t i = 0; i < TG_TEST_N(t); i++) {
		const struct tg_key *k = tg_key_find(t[i].name, t[i].section);
		CU_ASSERT_PTR_NOT_NULL_FATAL(k);
		CU_ASSERT_STRING_EQUAL(k->dflt, t[i].dflt);
	}
}

static void test_init_defaults_areTheTables(void)
{
	tg_settings_init(&s, false);
	CU_ASSERT_EQUAL(s.connections, 1000000);
	CU_ASSERT_EQUAL(s.backlog, 4096);
	CU_ASSERT_EQUAL(s.synq_high, 65536);
	CU_ASSERT_EQUAL(s.addr_n, 0);
	CU_ASSERT_EQUAL(s.listen_port, 0);
	CU_ASSERT_EQUAL(s.service[0], '\0');
	CU_ASSERT_EQUAL(s.syn_cookies, TG_COOKIES_AUTO);
	CU_ASSERT_EQUAL(s.tcp.congestion, TG_CC_CUBIC);
	CU_ASSERT(s.tcp.timestamps && s.tcp.sack && !s.tcp.ecn && !s.tcp.nodelay);
	CU_ASSERT_EQUAL(s.tcp.linger_ms, -1);
	CU_ASSERT_EQUAL(s.tcp.window_scale, 7);
	CU_ASSERT_EQUAL(s.tcp.ttl, 64);
	CU_ASSERT_EQUAL(s.tcp.keepalive_idle_ms, 7200000);
	CU_ASSERT_EQUAL(tg_settings_check(&s, ANY, err, sizeof(err)), 0);
	tg_settings_init(&s, true);
	CU_ASSERT_EQUAL(s.connections, 4096);
	CU_ASSERT_EQUAL(s.backlog, 64);
	CU_ASSERT_EQUAL(s.synq_high, 1024);
	CU_ASSERT_EQUAL(s.synq_low, 768);
	CU_ASSERT_EQUAL(s.seed, 1);
	CU_ASSERT_EQUAL(s.start_ns, 1000000000);
	CU_ASSERT_EQUAL(s.addr_n, 2);
	CU_ASSERT_EQUAL(s.addr[0].prefix_len, 16);
	CU_ASSERT_EQUAL(tg_settings_check(&s, ANY, err, sizeof(err)), 0);
}

/* --- values --- */

static void test_set_everyUint_isCheckedAtItsEdges(void)
{
	char text[32];

	for (uint32_t i = 0; i < tg_key_n; i++) {
		const struct tg_key *k = &tg_keys[i];
		if (k->type != TG_KEY_UINT)
			continue;
		tg_settings_init(&s, false);
		snprintf(text, sizeof(text), "%llu", (unsigned long long)k->min);
		CU_ASSERT_EQUAL(set(k->section, k->name, text), 0);
		snprintf(text, sizeof(text), "%llu", (unsigned long long)k->max);
		CU_ASSERT_EQUAL(set(k->section, k->name, text), 0);
		/* nothing was cut on the way in */
		uint64_t got = 0;
		memcpy(&got, (uint8_t *)&s + k->offset, k->size);
		CU_ASSERT_EQUAL(got, k->max);
		if (k->min > 0) {
			snprintf(text, sizeof(text), "%llu", (unsigned long long)k->min - 1);
			CU_ASSERT_EQUAL(set(k->section, k->name, text), -1);
		}
		snprintf(text, sizeof(text), "%llu", (unsigned long long)k->max + 1);
		if (k->max != UINT64_MAX) {
			CU_ASSERT_EQUAL(set(k->section, k->name, text), -1);
			snprintf(text, sizeof(text), " %llu", (unsigned long long)k->max);
			CU_ASSERT_PTR_NOT_NULL(strstr(err, text)); /* the range is told */
		}
		static const char *const bad[] = {
		    "",   "-1", "+5",  "0x10", "5k",
		    " 5", "5 ", "1e3", "1.0",  "99999999999999999999999"};
		for (size_t b = 0; b < TG_TEST_N(bad); b++) {
			CU_ASSERT_EQUAL(set(k->section, k->name, bad[b]), -1);
			CU_ASSERT_PTR_NOT_NULL(strstr(err, k->name));
		}
		memcpy(&got, (uint8_t *)&s + k->offset, k->size);
		CU_ASSERT_EQUAL(got, k->max); /* a bad value changes nothing */
	}
}

static void test_set_bool_onOff(void)
{
	tg_settings_init(&s, false);
	for (uint32_t i = 0; i < tg_key_n; i++) {
		const struct tg_key *k = &tg_keys[i];
		if (k->type != TG_KEY_BOOL)
			continue;
		CU_ASSERT_EQUAL(set(k->section, k->name, "off"), 0);
		if (!k->not_built)
			CU_ASSERT_EQUAL(set(k->section, k->name, "on"), 0);
		CU_ASSERT_EQUAL(set(k->section, k->name, "perhaps"), -1);
		CU_ASSERT_PTR_NOT_NULL(strstr(err, "on or off"));
		CU_ASSERT_EQUAL(set(k->section, k->name, ""), -1);
	}
	CU_ASSERT_EQUAL(set(ANY, "timestamps", "no"), 0);
	CU_ASSERT(!s.tcp.timestamps);
}

static void test_set_word_oneOfTheList(void)
{
	tg_settings_init(&s, false);
	CU_ASSERT_EQUAL(set(LISTENER_ALL, "syn_cookies", "always"), 0);
	CU_ASSERT_EQUAL(s.syn_cookies, TG_COOKIES_ALWAYS);
	CU_ASSERT_EQUAL(set(LISTENER_ALL, "syn_cookies", "off"), 0);
	CU_ASSERT_EQUAL(s.syn_cookies, TG_COOKIES_OFF);
	CU_ASSERT_EQUAL(set(LISTENER_ALL, "syn_cookies", "of"), -1);
	CU_ASSERT_EQUAL(set(LISTENER_ALL, "syn_cookies", "off|auto"), -1);
	CU_ASSERT_EQUAL(set(LISTENER_ALL, "syn_cookies", ""), -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "off|auto|always"));
	CU_ASSERT_EQUAL(set(LISTENER_ALL, "congestion", "newreno"), 0);
	CU_ASSERT_EQUAL(s.tcp.congestion, TG_CC_NEWRENO);
}

static void test_set_prefixList_isWhatItSays(void)
{
	static const char *const bad[] = {"192.0.2.1/24",
					  "192.0.2.0/33",
					  "2001:db8::1/64",
					  "x",
					  "192.0.2.0/",
					  "10.0.0.0/8,",
					  "/8",
					  ""};
	char many[400] = "";

	tg_settings_init(&s, false);
	CU_ASSERT_EQUAL(set(LISTENER_ALL, "allow", "192.0.2.0/24 2001:db8::/32 198.51.100.7"), 0);
	CU_ASSERT_EQUAL(set(LISTENER_ALL, "allow", "0.0.0.0/0 ::/0"), 0);
	CU_ASSERT_EQUAL_FATAL(s.allow_n, 5);
	CU_ASSERT_EQUAL(s.allow[0].prefix_len, 24);
	CU_ASSERT_EQUAL(s.allow[2].prefix_len, 32);
	CU_ASSERT_EQUAL(s.allow[4].prefix_len, 0);
	for (size_t i = 0; i < TG_TEST_N(bad); i++) {
		CU_ASSERT_EQUAL(set(LISTENER_ALL, "allow", bad[i]), -1);
		CU_ASSERT_PTR_NOT_NULL(strstr(err, "allow"));
	}
	CU_ASSERT_EQUAL(set(LISTENER_ALL, "allow", "192.0.2.0/24"), -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "given twice"));
	CU_ASSERT_EQUAL(s.allow_n, 5);
	for (int i = 0; i < TG_LISTENER_ALLOW_MAX - 5; i++)
		snprintf(many + strlen(many), sizeof(many) - strlen(many), "10.%d.0.0/16 ", i);
	CU_ASSERT_EQUAL(set(LISTENER_ALL, "allow", many), 0);
	CU_ASSERT_EQUAL(set(LISTENER_ALL, "allow", "10.99.0.0/16"), -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "at most 16"));
	CU_ASSERT_EQUAL(set(TG_KEY_ENGINE | TG_KEY_CONN, "allow", "10.0.0.0/8"), -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "belongs into [listener NAME]"));
}

static void test_set_range_lowToHigh(void)
{
	static const char *const bad[] = {"0",
					  "0-5",
					  "5-4",
					  "1-65536",
					  "-5",
					  "5-",
					  "a-b",
					  "1-2-3",
					  "",
					  "1 -2",
					  "123456789012345678901234567890-3"};
	struct tg_listener_conf l = {0};

	tg_settings_init(&s, false);
	CU_ASSERT_EQUAL(s.allow_port[1], 0);
	CU_ASSERT_EQUAL(set(LISTENER_ALL, "allow_port", "80"), 0);
	CU_ASSERT(s.allow_port[0] == 80 && s.allow_port[1] == 80);
	CU_ASSERT_EQUAL(set(LISTENER_ALL, "allow_port", "1024-65535"), 0);
	for (size_t i = 0; i < TG_TEST_N(bad); i++) {
		CU_ASSERT_EQUAL(set(LISTENER_ALL, "allow_port", bad[i]), -1);
		CU_ASSERT_PTR_NOT_NULL(strstr(err, "1 to 65535"));
	}
	CU_ASSERT_EQUAL(set(LISTENER_ALL, "allow", "192.0.2.0/24"), 0);
	tg_settings_listener(&s, &l);
	CU_ASSERT(l.allow_port_low == 1024 && l.allow_port_high == 65535);
	CU_ASSERT(l.allow_n == 1 && l.allow[0].prefix_len == 24);
	CU_ASSERT_EQUAL(l.refuse, TG_REFUSE_RST); /* the default: as a closed port */
}

/* LN-21: numbers and ranges of TCP ports, and a device where they go. */
static void test_set_kernelPorts_areNumbersAndRanges(void)
{
	static const char *const bad[] = {"0", "65536", "5-4", "22,179", "a", "22-", "", "22 x"};
	struct tg_port_conf port = {0};

	tg_settings_init(&s, false);
	CU_ASSERT_EQUAL(s.kernel_port_n, 0);
	CU_ASSERT_EQUAL(set(TG_KEY_PORT, "kernel_ports", "22 179"), 0);
	CU_ASSERT_EQUAL(set(TG_KEY_PORT, "kernel_ports", " 32768-65535"), 0);
	CU_ASSERT_EQUAL(set(TG_KEY_PORT, "kernel_rate", "7"), 0);
	tg_settings_kernel(&s, &port);
	CU_ASSERT_EQUAL_FATAL(port.kernel_port_n, 3);
	CU_ASSERT(port.kernel_port[1].low == 179 && port.kernel_port[1].high == 179);
	CU_ASSERT(port.kernel_port[2].low == 32768 && port.kernel_port[2].high == 65535);
	CU_ASSERT_EQUAL(port.kernel_rate, 7);
	CU_ASSERT_EQUAL(port.kernel, 0); /* which device it is, the devices say */
	for (size_t i = 0; i < TG_TEST_N(bad); i++) {
		tg_settings_init(&s, false);
		CU_ASSERT_EQUAL(set(TG_KEY_PORT, "kernel_ports", bad[i]), -1);
		CU_ASSERT_PTR_NOT_NULL(strstr(err, "kernel_ports"));
	}
	tg_settings_init(&s, false);
	for (int i = 0; i <= TG_KERNEL_RANGE_MAX; i++)
		CU_ASSERT_EQUAL(set(TG_KEY_PORT, "kernel_ports", "22"),
				i < TG_KERNEL_RANGE_MAX ? 0 : -1);
}

static void test_check_kernel_needsItsDevice(void)
{
	static const struct {
		const char *kernel, *ports, *part; /* NULL: good */
	} row[] = {
	    {NULL, "22", "kernel_ports needs a kernel"},
	    {"net_tap1", "22", "net_tap1,iface="},
	    {"net_virtio_user0,path=/dev/vhost-net", NULL, "name the interface"},
	    {"net_tap1,iface=tgk0", "22", NULL},
	    {"net_tap1,iface=tgk0", NULL, NULL},
	    {"net_virtio_user0,path=/dev/vhost-net,iface=tgk0", NULL, NULL},
	    {"net_memif0,socket=/x", NULL, NULL},
	};

	for (size_t i = 0; i < TG_TEST_N(row); i++) {
		tg_settings_init(&s, false);
		if (row[i].kernel)
			CU_ASSERT_EQUAL(set(TG_KEY_PORT, "kernel", row[i].kernel), 0);
		if (row[i].ports)
			CU_ASSERT_EQUAL(set(TG_KEY_PORT, "kernel_ports", row[i].ports), 0);
		err[0] = 0;
		CU_ASSERT_EQUAL(tg_settings_check(&s, TG_KEY_PORT, err, sizeof(err)),
				row[i].part ? -1 : 0);
		CU_ASSERT(!row[i].part || strstr(err, row[i].part));
	}
}

/* What [engine] says of limits comes to the engine. */
static void test_engine_limits_areHandedOn(void)
{
	struct tg_engine_conf conf = {0};

	tg_settings_init(&s, false);
	tg_settings_engine(&s, 1, &conf);
	CU_ASSERT(conf.source_max == 0 && conf.zero_window_ms == 1000);
	CU_ASSERT(conf.source_rate == 0);
	CU_ASSERT_EQUAL(conf.source_refuse, TG_REFUSE_DROP);
	CU_ASSERT_EQUAL(set(ENGINE_ALL, "source_max", "100"), 0);
	CU_ASSERT_EQUAL(set(ENGINE_ALL, "source_refuse", "rst"), 0);
	CU_ASSERT_EQUAL(set(ENGINE_ALL, "zero_window_ms", "0"), 0);
	tg_settings_engine(&s, 4, &conf); /* each worker: a source's flows may all meet there */
	CU_ASSERT(conf.source_max == 100 && conf.zero_window_ms == 0);
	CU_ASSERT_EQUAL(conf.source_refuse, TG_REFUSE_RST);
	CU_ASSERT_EQUAL(set(ENGINE_ALL, "source_rate", "50"), 0);
	tg_settings_engine(&s, 4, &conf);
	CU_ASSERT(conf.source_rate == 50 && conf.source_burst == 50);
	CU_ASSERT_EQUAL(set(ENGINE_ALL, "source_burst", "7"), 0);
	tg_settings_engine(&s, 4, &conf);
	CU_ASSERT(conf.source_rate == 50 && conf.source_burst == 7);
}

/* What a listener is told of SYNs. */
static void test_listener_policy_isHandedOn(void)
{
	struct tg_listener_conf conf = {0};

	tg_settings_init(&s, false);
	tg_settings_listener(&s, &conf);
	CU_ASSERT_EQUAL(conf.bogons, TG_BOGONS_MARTIAN);
	CU_ASSERT_EQUAL(set(LISTENER_ALL, "bogons", "full"), 0);
	CU_ASSERT_EQUAL(set(LISTENER_ALL, "syn_cookies", "dry-run"), 0);
	tg_settings_listener(&s, &conf);
	CU_ASSERT_EQUAL(conf.bogons, TG_BOGONS_FULL);
	CU_ASSERT_EQUAL(s.syn_cookies, TG_COOKIES_DRY_RUN);
	CU_ASSERT_EQUAL(set(LISTENER_ALL, "deny_file", "/etc/deny.txt"), 0);
	CU_ASSERT_STRING_EQUAL(s.deny_file, "/etc/deny.txt");
}

static void test_set_endpoint_isAPlaceOfTcp(void)
{
	static const struct {
		const char *text;
		int rc; /* as a VIP */
		int weighted;
	} t[] = {
	    {"192.0.2.1:80", 0, 10},
	    {"[2001:db8::1]:65535", 0, 10},
	    {"192.0.2.1:80*0", -1, 0},
	    {"[2001:db8::1]:1*100", -1, 100},
	    {"192.0.2.1:0", -1, -1},
	    {"192.0.2.1:65536", -1, -1},
	    {"192.0.2.1", -1, -1},
	    {"192.0.2.1:", -1, -1},
	    {"192.0.2.1:80*", -1, -1},
	    {"192.0.2.1:80*101", -1, -1},
	    {"192.0.2.1:80*1*2", -1, -1},
	    {"2001:db8::1:80", -1, -1},
	    {"[2001:db8::1]", -1, -1},
	    {"[2001:db8::1:80", -1, -1},
	    {"[192.0.2.1]:80", -1, -1},
	    {"192.0.2.1*2:80", -1, -1},
	    {"host:80", -1, -1},
	    {":80", -1, -1},
	    {"[]:80", -1, -1},
	    {"192.0.2.1:8 0", -1, -1},
	    {"", -1, -1},
	};

	for (size_t i = 0; i < TG_TEST_N(t); i++) {
		tg_settings_init(&s, false);
		CU_ASSERT_EQUAL(set(TG_KEY_POOL, "vip", t[i].text), t[i].rc);
		int rc = set(TG_KEY_POOL, "backend", t[i].text);
		CU_ASSERT_EQUAL(rc, t[i].weighted < 0 ? -1 : 0);
		if (rc == 0)
			CU_ASSERT_EQUAL(s.backend[0].weight, t[i].weighted);
	}
	tg_settings_init(&s, false);
	CU_ASSERT_EQUAL(set(TG_KEY_POOL, "vip",
			    "10.0.0.1:1 10.0.0.1:2 10.0.0.1:3 10.0.0.1:4 10.0.0.1:5 10.0.0.1:6 "
			    "10.0.0.1:7 10.0.0.1:8 10.0.0.1:9"),
			-1);
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "at most 8"));
	CU_ASSERT_EQUAL(set(LISTENER_ALL, "vip", "192.0.2.1:80"), -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "[pool NAME]"));
}

static void test_set_unknownKey_namesTheNearest(void)
{
	static const struct {
		const char *key, *part;
		uint32_t sections;
	} t[] = {
	    {"backlg", "did you mean backlog?", LISTENER_ALL},
	    {"sin_cookies", "did you mean syn_cookies?", LISTENER_ALL},
	    {"Backlog", "did you mean backlog?", LISTENER_ALL},
	    {"adress", "did you mean address?", TG_KEY_PORT},
	    {"conections", "did you mean connections?", ENGINE_ALL},
	    {"mslms", "did you mean msl_ms?", ENGINE_ALL},
	    {"qqqqqqqqqqqq", "unknown key qqqqqqqqqqqq: see", ENGINE_ALL},
	    {"device", "belongs into [port NAME]", ENGINE_ALL},
	    {"workers", "belongs into [engine]", LISTENER_ALL},
	    {"port", "belongs into [listener NAME]", TG_KEY_PORT},
	    {"seed", "belongs into the lab", ENGINE_ALL},
	};

	tg_settings_init(&s, false);
	for (size_t i = 0; i < TG_TEST_N(t); i++) {
		CU_ASSERT_EQUAL(set(t[i].sections, t[i].key, "1"), -1);
		if (!strstr(err, t[i].part))
			puts(err);
		CU_ASSERT_PTR_NOT_NULL(strstr(err, t[i].part));
	}
	char key[5000];

	memset(key, 'k', sizeof(key) - 1);
	key[sizeof(key) - 1] = '\0';
	CU_ASSERT_EQUAL(set(ANY, key, "1"), -1);
	CU_ASSERT(strlen(err) < 200);
	CU_ASSERT_EQUAL(set(ANY, "", "1"), -1);
}

/* --- addresses --- */

static void test_set_address_listsGrow(void)
{
	tg_settings_init(&s, false);
	CU_ASSERT_EQUAL(set(TG_KEY_PORT, "address", "192.0.2.1/24 2001:db8::1/64"), 0);
	CU_ASSERT_EQUAL(set(TG_KEY_PORT, "address", "  10.0.0.1/8\t"), 0); /* an indented line */
	CU_ASSERT_EQUAL(s.addr_n, 3);
	CU_ASSERT_EQUAL(s.addr[1].prefix_len, 64);
	CU_ASSERT_EQUAL(set(TG_KEY_PORT, "address", "10.0.0.1/8"), -1);
	CU_ASSERT_EQUAL(set(TG_KEY_PORT, "gateway", "192.0.2.254 fe80::1"), 0);
	CU_ASSERT_EQUAL(s.gateway_n, 2);
	CU_ASSERT_EQUAL(set(TG_KEY_PORT, "gateway", "192.0.2.253"), -1);
	CU_ASSERT_EQUAL(set(TG_KEY_LISTENER, "address", "192.0.2.1"), 0);
	CU_ASSERT_EQUAL(s.listen_addr_n, 1);
	CU_ASSERT_EQUAL(tg_settings_check(&s, ANY, err, sizeof(err)), 0);
	tg_settings_init(&s, false);
	for (int i = 0; i < TG_PORT_ADDR_MAX + 1; i++) {
		char text[32];
		snprintf(text, sizeof(text), "10.0.%d.1/24", i);
		CU_ASSERT_EQUAL(set(TG_KEY_PORT, "address", text), i < TG_PORT_ADDR_MAX ? 0 : -1);
	}
	tg_settings_init(&s, false);
	for (int i = 0; i < TG_LISTENER_ADDR_MAX + 1; i++) {
		char text[32];
		snprintf(text, sizeof(text), "10.0.%d.1", i);
		CU_ASSERT_EQUAL(set(TG_KEY_LISTENER, "address", text),
				i < TG_LISTENER_ADDR_MAX ? 0 : -1);
	}
}

static void test_set_badAddress_isRefused(void)
{
	static const char *const bad[] = {"",
					  "x",
					  "10.0.0",
					  "10.0.0.1/33",
					  "10.0.0.1/",
					  "10.0.0.0/8",
					  "10.255.255.255/8",
					  "127.0.0.1/8",
					  "224.0.0.1/8",
					  "0.0.0.0/0",
					  "::/0",
					  "::1/128",
					  "ff02::1/64",
					  "2001:db8::1/129",
					  "10.0.0.1/8/8"};

	tg_settings_init(&s, false);
	for (size_t i = 0; i < TG_TEST_N(bad); i++) {
		CU_ASSERT_EQUAL(set(TG_KEY_PORT, "address", bad[i]), -1);
		CU_ASSERT(strlen(err) > 10);
	}
	CU_ASSERT_EQUAL(s.addr_n, 0);
	CU_ASSERT_EQUAL(set(TG_KEY_PORT, "address", "10.0.0.0/31"), 0); /* RFC 3021 */
	CU_ASSERT_EQUAL(set(TG_KEY_LISTENER, "address", "10.0.0.1/8"), -1);
	CU_ASSERT_EQUAL(set(TG_KEY_PORT, "gateway", "224.0.0.1"), -1);
	CU_ASSERT_EQUAL(set(TG_KEY_PORT, "gateway", "10.0.0.1 10.0.0.2"), -1);
}

static void test_set_text_fits(void)
{
	char text[300];
	struct tg_mac mac;

	tg_settings_init(&s, false);
	memset(text, 'd', sizeof(text));
	text[255] = '\0';
	CU_ASSERT_EQUAL(set(TG_KEY_PORT, "device", text), 0);
	CU_ASSERT_STRING_EQUAL(s.device, text);
	text[255] = 'd';
	text[256] = '\0';
	CU_ASSERT_EQUAL(set(TG_KEY_PORT, "device", text), -1);
	CU_ASSERT_EQUAL(set(TG_KEY_PORT, "device", ""), -1);
	CU_ASSERT_EQUAL(set(TG_KEY_PORT, "mac", "02:00:00:00:00:01"), 0);
	CU_ASSERT(tg_mac_parse(s.mac, &mac) && mac.b[0] == 2 && mac.b[5] == 1);
	static const char *const bad[] = {
	    "2:0:0:0:0:1",       "03:00:00:00:00:01",  "00:00:00:00:00:00", "02:00:00:00:00:0g",
	    "02-00-00-00-00-01", "02:00:00:00:00:01:", "::::::::::::::::0", "ff:ff:ff:ff:ff:ff"};
	for (size_t i = 0; i < TG_TEST_N(bad); i++)
		CU_ASSERT_EQUAL(set(TG_KEY_PORT, "mac", bad[i]), -1);
}

/* --- between keys --- */

static void check(const char *words, uint32_t sections, const char *part)
{
	tg_settings_init(&s, false);
	CU_ASSERT_EQUAL(tg_settings_words(&s, sections, words, err, sizeof(err)), 0);
	int rc = tg_settings_check(&s, sections, err, sizeof(err));

	CU_ASSERT_EQUAL(rc, part ? -1 : 0);
	if (part && !strstr(err, part))
		printf("%s: %s\n", words, err);
	if (part)
		CU_ASSERT_PTR_NOT_NULL(strstr(err, part));
}

static void test_check_contradictions_areTold(void)
{
	check("synq_high=10 synq_low=11", LISTENER_ALL, "synq_low = 11");
	check("synq_high=10 synq_low=10", LISTENER_ALL, NULL);
	check("address=2001:db8::1/64 mtu=1279", TG_KEY_PORT, "1280");
	check("address=2001:db8::1/64 mtu=1280", TG_KEY_PORT, NULL);
	check("address=10.0.0.1/8 mtu=576", TG_KEY_PORT, NULL);
	check("address=10.0.0.1/24 gateway=10.0.1.1", TG_KEY_PORT, "no network of this port");
	check("address=10.0.0.1/24 gateway=10.0.0.2", TG_KEY_PORT, NULL);
	check("connections=10 connections_ipv6=11", ENGINE_ALL, "connections_ipv6");
	check("connections=10 moving=11", ENGINE_ALL, "moving");
	check("connections=2 workers=3", ENGINE_ALL, "workers");
	check("mss_max=47", LISTENER_ALL, "mss_max");
	check("maxseg=1", LISTENER_ALL, "maxseg");
}

static void test_words_shape_isChecked(void)
{
	char text[1000];

	tg_settings_init(&s, true);
	CU_ASSERT_EQUAL(tg_settings_words(&s, TG_KEY_LAB, "", err, sizeof(err)), 0);
	CU_ASSERT_EQUAL(tg_settings_words(&s, TG_KEY_LAB, " \t\n ", err, sizeof(err)), 0);
	CU_ASSERT_EQUAL(tg_settings_words(&s, TG_KEY_LAB, "\tseed=2\nmtu=1400 ", err, sizeof(err)),
			0);
	CU_ASSERT(s.seed == 2 && s.mtu == 1400);
	CU_ASSERT_EQUAL(tg_settings_words(&s, TG_KEY_LAB, "seed", err, sizeof(err)), -1);
	CU_ASSERT_EQUAL(tg_settings_words(&s, TG_KEY_LAB, "=2", err, sizeof(err)), -1);
	CU_ASSERT_EQUAL(tg_settings_words(&s, TG_KEY_LAB, "seed= 2", err, sizeof(err)), -1);
	memset(text, 'x', sizeof(text));
	text[999] = '\0';
	CU_ASSERT_EQUAL(tg_settings_words(&s, TG_KEY_LAB, text, err, sizeof(err)), -1);
	CU_ASSERT_EQUAL(tg_settings_words(&s, TG_KEY_LAB, "seed=x", err, 4), -1);
	CU_ASSERT(strlen(err) < 4);
	CU_ASSERT_EQUAL(tg_settings_words(&s, TG_KEY_LAB, "seed=x", NULL, 0), -1);
}

static void test_engine_shares_addUp(void)
{
	struct tg_engine_conf conf = {0};

	tg_settings_init(&s, false);
	tg_settings_engine(&s, 1, &conf);
	CU_ASSERT_EQUAL(conf.conn_max, 1000000);
	CU_ASSERT_EQUAL(conf.ipv6_max, 1000000);
	CU_ASSERT_EQUAL(conf.tw_max, 1000000);
	CU_ASSERT_EQUAL(conf.ext_max, 125000);
	CU_ASSERT_EQUAL(conf.rst_rate, 1000);
	tg_settings_engine(&s, 3, &conf);
	CU_ASSERT_EQUAL(conf.conn_max, 333334);
	CU_ASSERT_EQUAL(conf.rst_rate, 334);
	CU_ASSERT_EQUAL(tg_settings_words(&s, ENGINE_ALL,
					  "connections=10 connections_ipv6=4 moving=2 buffer_mb=1 "
					  "time_wait=100 rst_rate=0",
					  err, sizeof(err)),
			0);
	tg_settings_engine(&s, 2, &conf);
	CU_ASSERT(conf.conn_max == 5 && conf.ipv6_max == 2 && conf.ext_max == 1);
	CU_ASSERT(conf.tw_max == 50 && conf.chunk_max == 256 && conf.rst_rate == 0);
}

static const struct tg_test tests[] = {
    {"table_rows_makeSense", test_table_rows_makeSense},
    {"table_fixedNames_areThere", test_table_fixedNames_areThere},
    {"init_defaults_areTheTables", test_init_defaults_areTheTables},
    {"set_everyUint_isCheckedAtItsEdges", test_set_everyUint_isCheckedAtItsEdges},
    {"set_bool_onOff", test_set_bool_onOff},
    {"set_word_oneOfTheList", test_set_word_oneOfTheList},
    {"set_prefixList_isWhatItSays", test_set_prefixList_isWhatItSays},
    {"set_range_lowToHigh", test_set_range_lowToHigh},
    {"set_kernelPorts_areNumbersAndRanges", test_set_kernelPorts_areNumbersAndRanges},
    {"check_kernel_needsItsDevice", test_check_kernel_needsItsDevice},
    {"engine_limits_areHandedOn", test_engine_limits_areHandedOn},
    {"set_endpoint_isAPlaceOfTcp", test_set_endpoint_isAPlaceOfTcp},
    {"set_unknownKey_namesTheNearest", test_set_unknownKey_namesTheNearest},
    {"set_address_listsGrow", test_set_address_listsGrow},
    {"set_badAddress_isRefused", test_set_badAddress_isRefused},
    {"set_text_fits", test_set_text_fits},
    {"check_contradictions_areTold", test_check_contradictions_areTold},
    {"words_shape_isChecked", test_words_shape_isChecked},
    {"engine_shares_addUp", test_engine_shares_addUp},
    {"listener_policy_isHandedOn", test_listener_policy_isHandedOn},
};

int main(int argc, char **argv)
{
	return tg_test_main("keys", tests, TG_TEST_N(tests), argc, argv);
}
