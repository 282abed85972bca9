/* SPDX-License-Identifier: BSD-3-Clause */
/* The configuration file (DESIGN 7): what is read, and what is refused with which line. */
#include "conf.h"
#include "tg_test.h"

#include <unistd.h>

static struct tg_conf conf;
static char err[TG_CONF_ERR];

static int parse(const char *text)
{
	err[0] = 0;
	return tg_conf_parse(&conf, "x.ini", text, strlen(text), err, sizeof(err));
}

/* The text is refused, in one line, that begins with `where` and names `what`. */
static void refused(const char *text, const char *where, const char *what)
{
	int rc = parse(text);
	CU_ASSERT_EQUAL(rc, -1);
	bool good =
	    strncmp(err, where, strlen(where)) == 0 && strstr(err, what) && !strchr(err, '\n');
	if (rc != -1 || !good)
		printf("\n    wanted %s ... %s\n    got    %s\n", where, what, err);
	CU_ASSERT_TRUE(good);
	CU_ASSERT_PTR_NULL(conf.port);
	if (rc == 0)
		tg_conf_free(&conf);
}

static const char port[] = "[port outside]\ndevice = net_null0\naddress = 192.0.2.1/24\n";
static const char listener[] = "[listener web]\nport = 80\nservice = http\n";

/* port, listener and more, in one text. */
static const char *with(const char *more)
{
	static char text[16384];
	snprintf(text, sizeof(text), "%s%s%s", port, listener, more);
	return text;
}

/* --- what is read --- */

static void test_conf_design_readAsWritten(void)
{
	const char *text = "; a comment\n"
			   "[engine]\n"
			   "workers = 2                      ; polling cores\n"
			   "connections = 5000\n"
			   "msl_ms = 15000\n"
			   "[port outside]\n"
			   "device = net_af_packet0,iface=veth1    ; a virtual device\n"
			   "address = 192.0.2.1/24 2001:db8::1/64\n"
			   "gateway = 192.0.2.254 2001:db8::fe\n"
			   "mac = 02:00:00:00:00:01\n"
			   "mtu = 1400\n"
			   "vlan = 7\n"
			   "[listener web]\n"
			   "address = 192.0.2.1 2001:db8::1\n"
			   "port = 80\n"
			   "service = http\n"
			   "backlog = 100\n"
			   "syn_cookies = always\n"
			   "window_scale = 9\n"
			   "timestamps = off\n";
	CU_ASSERT_EQUAL_FATAL(parse(text), 0);
	CU_ASSERT_EQUAL(conf.engine.set.workers, 2);
	CU_ASSERT_EQUAL(conf.engine.set.connections, 5000);
	CU_ASSERT_EQUAL(conf.engine.set.msl_ms, 15000);
	CU_ASSERT_EQUAL_FATAL(conf.port_n, 1);
	const struct tg_settings *p = &conf.port[0].set;
	CU_ASSERT_STRING_EQUAL(conf.port[0].name, "outside");
	CU_ASSERT_STRING_EQUAL(p->device, "net_af_packet0,iface=veth1");
	CU_ASSERT_EQUAL(p->addr_n, 2);
	CU_ASSERT_EQUAL(p->addr[0].prefix_len, 24);
	CU_ASSERT_EQUAL(p->gateway_n, 2);
	CU_ASSERT_STRING_EQUAL(p->mac, "02:00:00:00:00:01");
	CU_ASSERT_EQUAL(p->mtu, 1400);
	CU_ASSERT_EQUAL(p->vlan, 7);
	CU_ASSERT_EQUAL_FATAL(conf.listener_n, 1);
	const struct tg_settings *l = &conf.listener[0].set;
	CU_ASSERT_EQUAL(l->listen_port, 80);
	CU_ASSERT_EQUAL(l->listen_addr_n, 2);
	CU_ASSERT_STRING_EQUAL(l->service, "http");
	CU_ASSERT_EQUAL(l->backlog, 100);
	CU_ASSERT_EQUAL(l->syn_cookies, TG_COOKIES_ALWAYS);
	CU_ASSERT_EQUAL(l->tcp.window_scale, 9);
	CU_ASSERT_FALSE(l->tcp.timestamps);
	CU_ASSERT_TRUE(l->tcp.sack);
	CU_ASSERT_EQUAL(tg_conf_line(&conf.listener[0], "backlog"), 17);
	CU_ASSERT_EQUAL(tg_conf_line(&conf.listener[0], "sack"), 13);
	tg_conf_free(&conf);
}

static void test_conf_list_goesOnInIndentedLines(void)
{
	CU_ASSERT_EQUAL_FATAL(parse("[port a]\n"
				    "device = net_null0\n"
				    "address = 192.0.2.1/24   ; the first\n"
				    "    192.0.2.2/24 192.0.2.3/24 ; more\n"
				    "\t2001:db8::1/64\n"
				    "mtu = 1300\n"
				    "[listener l]\n"
				    "port = 7\n"
				    "service = echo\n"
				    "address =\n"
				    " 192.0.2.3\n"
				    " 2001:db8::1\n"),
			      0);
	CU_ASSERT_EQUAL(conf.port[0].set.addr_n, 4);
	CU_ASSERT_EQUAL(conf.port[0].set.mtu, 1300);
	CU_ASSERT_EQUAL(conf.listener[0].set.listen_addr_n, 2);
	tg_conf_free(&conf);
}

static void test_conf_engineBelow_isDefaultOfListeners(void)
{
	char text[1024];
	snprintf(text, sizeof(text),
		 "%s[listener a]\nport = 7\nservice = echo\nsack = on\n[listener b]\nport = 8\n"
		 "service = echo\n[engine]\nsack = off\nwindow_scale = 3\n",
		 port);
	CU_ASSERT_EQUAL_FATAL(parse(text), 0);
	CU_ASSERT_TRUE(conf.listener[0].set.tcp.sack);
	CU_ASSERT_FALSE(conf.listener[1].set.tcp.sack);
	CU_ASSERT_EQUAL(conf.listener[0].set.tcp.window_scale, 3);
	tg_conf_free(&conf);
}

static void test_conf_samePort_onOtherAddress_isFine(void)
{
	const char *text = "[port p]\ndevice = net_null0\naddress = 192.0.2.1/24 192.0.2.2/24\n"
			   "[listener a]\nport = 7\nservice = echo\naddress = 192.0.2.1\n"
			   "[listener b]\nport = 7\nservice = discard\naddress = 192.0.2.2\n"
			   "[listener c]\nport = 7\nservice = chargen\n";
	CU_ASSERT_EQUAL(parse(text), 0);
	CU_ASSERT_EQUAL(conf.listener_n, 3);
	tg_conf_free(&conf);
}

static void test_conf_windowsLines_bom_noLastNewline_areRead(void)
{
	CU_ASSERT_EQUAL_FATAL(parse("\xef\xbb\xbf[port p]\r\ndevice = net_null0\r\n"
				    "address = 192.0.2.1/24\r\n\r\n# done\r\n"
				    "[listener a]\r\nport = 7\r\nservice = echo"),
			      0);
	CU_ASSERT_STRING_EQUAL(conf.port[0].set.device, "net_null0");
	CU_ASSERT_STRING_EQUAL(conf.listener[0].set.service, "echo");
	tg_conf_free(&conf);
}

static void test_conf_lineOf198_isReadWhole(void)
{
	char text[1024], device[200];
	memset(device, 'x', sizeof(device));
	memcpy(device, "net_null0,", 10);
	device[198 - strlen("device = ")] = 0;
	snprintf(text, sizeof(text), "[port p]\ndevice = %s\naddress = 192.0.2.1/24\n%s", device,
		 listener);
	CU_ASSERT_EQUAL_FATAL(parse(text), 0);
	CU_ASSERT_STRING_EQUAL(conf.port[0].set.device, device);
	tg_conf_free(&conf);
}

static void test_conf_indentedLineOf198_isReadWhole(void)
{
	char text[1024], line[256];
	memset(line, ' ', sizeof(line));
	memcpy(line + 198 - 12, "192.0.2.2/24", 12);
	line[198] = 0;
	snprintf(text, sizeof(text), "[port p]\ndevice = net_null0\naddress = 192.0.2.1/24\n%s\n%s",
		 line, listener);
	CU_ASSERT_EQUAL_FATAL(parse(text), 0);
	CU_ASSERT_EQUAL(conf.port[0].set.addr_n, 2);
	tg_conf_free(&conf);
}

/* --- what is refused, with its line --- */

static void test_conf_section_unknown_refused(void)
{
	refused("[engin]\nworkers = 1\n", "x.ini:1: ", "unknown section [engin]");
	refused(with("[bogus]\n"), "x.ini:7: ", "unknown section"); /* without a key in it */
	refused(with("[engine x]\n"), "x.ini:7: ", "unknown section");
	refused("[port]\ndevice = net_null0\n", "x.ini:1: ", "needs a name");
	refused("[port a/b]\n", "x.ini:1: ", "needs a name");
	refused("[port aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]\n", "x.ini:1: ", "needs a name");
	refused("[port a\n", "x.ini:1: ", "brackets");
	refused("[port a] x\n", "x.ini:1: ", "brackets");
}

static void test_conf_pool_readAsWritten(void)
{
	const char *text = "[engine]\n"
			   "syn_cookies = always\n"
			   "[pool web]\n"
			   "vip = 192.0.2.10:80 [2001:db8::10]:8080\n"
			   "backend = 10.1.0.11:8080*20 10.1.0.12:8080 ; two\n"
			   "    [2001:db8:1::11]:8080*0\n"
			   "    10.1.0.13:8081\n"
			   "mode = snat\n"
			   "snat_address = 192.0.2.1\n"
			   "hash = source\n"
			   "check_ms = 100\n"
			   "fall = 5\n"
			   "dead = drop\n"
			   "allow = 192.0.2.0/24\n"
			   "[port outside]\n"
			   "device = net_null0\n"
			   "address = 192.0.2.1/24 2001:db8::1/64\n"
			   "[port inside]\n"
			   "device = net_null1\n"
			   "address = 10.1.0.1/24 2001:db8:1::1/64\n";
	char name[64];

	CU_ASSERT_EQUAL_FATAL(parse(text), 0);
	CU_ASSERT_EQUAL_FATAL(conf.pool_n, 1);
	const struct tg_settings *s = &conf.pool[0].set;
	CU_ASSERT_STRING_EQUAL(conf.pool[0].name, "web");
	CU_ASSERT_EQUAL(s->vip_n, 2);
	CU_ASSERT_EQUAL(s->backend_n, 4);
	CU_ASSERT(s->backend[0].weight == 20 && s->backend[1].weight == 10 &&
		  s->backend[2].weight == 0 && s->backend[3].port == 8081);
	CU_ASSERT_STRING_EQUAL(
	    tg_endpoint_format(&s->vip[1].addr, s->vip[1].port, name, sizeof(name)),
	    "[2001:db8::10]:8080");
	CU_ASSERT_EQUAL(s->syn_cookies, TG_COOKIES_ALWAYS); /* [engine]'s is its default */
	CU_ASSERT_EQUAL(s->allow_n, 1);
	CU_ASSERT_EQUAL(tg_conf_line(&conf.pool[0], "fall"), 12);
	struct tg_pool_conf pool = {0};
	tg_settings_pool(s, &pool);
	CU_ASSERT(pool.mode == TG_POOL_SNAT && pool.snat_n == 1 && pool.hash_source &&
		  pool.check_ms == 100 && pool.check_timeout_ms == 200 && pool.rise == 2 &&
		  pool.fall == 5 && pool.dead == TG_REFUSE_DROP && pool.backend_n == 4);
	/* VIPs are addresses of the port in whose network they lie. */
	CU_ASSERT_EQUAL(conf.port[0].set.addr_n, 4);
	CU_ASSERT_EQUAL(conf.port[0].set.addr[2].prefix_len, 32);
	CU_ASSERT_EQUAL(conf.port[0].set.addr[3].prefix_len, 128);
	CU_ASSERT_EQUAL(conf.port[1].set.addr_n, 2);
	tg_conf_free(&conf);
	CU_ASSERT_PTR_NULL(conf.pool);
}

static void test_conf_device_sharedByVlan(void)
{
	static const char one[] = "[port a]\ndevice = net_null0\naddress = 192.0.2.1/24\nvlan = 1\n"
				  "[listener l]\nport = 7\nservice = echo\n";
	static const struct {
		const char *more, *what; /* NULL: good */
	} t[] = {
	    {"vlan = 2\n", NULL},
	    {"", NULL}, /* untagged */
	    {"vlan = 1\n", "a vlan of its own"},
	    {"vlan = 2\nmac = 02:00:00:00:00:01\n", "the same device and mac"},
	    {"vlan = 2\nmtu = 1600\n", "no larger"},
	    {"vlan = 2\nkernel = net_tap0,iface=k0\n", "no kernel"},
	};
	char text[1024];

	for (size_t i = 0; i < TG_TEST_N(t); i++) {
		snprintf(text, sizeof(text),
			 "%s[port b]\ndevice = net_null0\naddress = 10.0.0.1/24\n%s", one,
			 t[i].more);
		if (t[i].what) {
			refused(text, "x.ini:9: ", t[i].what);
			continue;
		}
		CU_ASSERT_EQUAL_FATAL(parse(text), 0);
		CU_ASSERT_EQUAL(tg_conf_shares(&conf, 0), 0);
		CU_ASSERT_EQUAL(tg_conf_shares(&conf, 1), 0);
		tg_conf_free(&conf);
	}
	snprintf(text, sizeof(text),
		 "%s[port b]\ndevice = net_null0,copy=1\naddress = 10.0.0.1/24\n", one);
	refused(text, "x.ini:9: ", "the same device");
}

static void test_conf_pool_bad_refused(void)
{
	static const struct {
		const char *text, *line, *what;
	} t[] = {
	    {"[pool web]\nbackend = 10.1.0.1:80\n", "x.ini:7: ", "has no vip"},
	    {"[pool web]\nvip = 192.0.2.10:81\n", "x.ini:7: ", "has no backend"},
	    {"[pool]\nvip = 192.0.2.10:81\n", "x.ini:7: ", "needs a name"},
	    {"[pool web]\nvip = 192.0.2.10\n", "x.ini:8: ", "a port, like"},
	    {"[pool web]\nvip = 192.0.2.10:81*3\n", "x.ini:8: ", "a port, like"},
	    {"[pool web]\nvip = 198.51.100.1:81\nbackend = 10.1.0.1:80\n",
	     "x.ini:8: ", "in no network"},
	    {"[pool web]\nvip = 192.0.2.10:81\nbackend = 10.1.0.1:80 [2001:db8::1]:80\n",
	     "x.ini:9: ", "keeps its family"},
	    {"[pool web]\nvip = 192.0.2.10:81\nbackend = 10.1.0.1:80*101\n",
	     "x.ini:9: ", "0 to 100"},
	    {"[pool web]\nvip = 192.0.2.10:81\nbackend = 10.1.0.1:80 10.1.0.1:80*3\n",
	     "x.ini:9: ", "twice"},
	    {"[pool web]\nvip = 192.0.2.10:81\nbackend = 192.0.2.1:80\n",
	     "x.ini:9: ", "is another host"},
	    {"[pool web]\nvip = 192.0.2.10:81\nbackend = 10.1.0.1:80\n"
	     "snat_address = 192.0.2.1\n",
	     "x.ini:10: ", "mode = snat"},
	    {"[pool web]\nvip = 192.0.2.10:81\nbackend = 10.1.0.1:80\nmode = snat\n"
	     "snat_address = 192.0.2.9\n",
	     "x.ini:11: ", "on no port"},
	    {"[pool a]\nvip = 192.0.2.10:81\nbackend = 10.1.0.1:80\n"
	     "[pool b]\nvip = 192.0.2.10:81\nbackend = 10.1.0.1:80\n",
	     "x.ini:11: ", "belongs to [pool a]"},
	    {"[listener x]\naddress = 192.0.2.1\nport = 81\nservice = echo\n"
	     "[pool b]\nvip = 192.0.2.1:81\nbackend = 10.1.0.1:80\n",
	     "x.ini:12: ", "belongs to [listener x]"},
	    {"[pool web]\nvip = 192.0.2.10:81\nbackend = 10.1.0.1:80\nservice = http\n",
	     "x.ini:10: ", "not a key of this place"},
	    {"[listener x]\nvip = 192.0.2.10:81\n", "x.ini:8: ", "[pool NAME]"},
	    {"[pool web]\nvip = 192.0.2.10:81\nbackend = 10.1.0.1:80\n"
	     "synq_high = 10\nsynq_low = 11\n",
	     "x.ini:11: ", "is above synq_high"},
	};

	for (size_t i = 0; i < TG_TEST_N(t); i++)
		refused(with(t[i].text), t[i].line, t[i].what);
	CU_ASSERT_PTR_NULL(conf.pool);
}

/* SC-13: one secret, from one place. */
static void test_conf_fleet_readOrRefused(void)
{
	CU_ASSERT_EQUAL_FATAL(parse(with("")), 0);
	CU_ASSERT_EQUAL(conf.fleet.line, 0);
	tg_conf_free(&conf);
	CU_ASSERT_EQUAL_FATAL(parse(with("[fleet]\nsecret_file = /etc/tidegate/fleet.key\n")), 0);
	CU_ASSERT_EQUAL(conf.fleet.line, 7);
	CU_ASSERT_STRING_EQUAL(conf.fleet.set.secret_file, "/etc/tidegate/fleet.key");
	CU_ASSERT_EQUAL(conf.fleet.set.secret_fd, 0);
	CU_ASSERT_EQUAL(conf.fleet.set.skew_ms, 500);
	tg_conf_free(&conf);
	CU_ASSERT_EQUAL_FATAL(parse(with("[fleet]\nsecret_fd = 3\nskew_ms = 0\n")), 0);
	CU_ASSERT_EQUAL(conf.fleet.set.secret_fd, 3);
	CU_ASSERT_EQUAL(conf.fleet.set.skew_ms, 0);
	tg_conf_free(&conf);
	refused(with("[fleet]\n"), "x.ini:7: ", "no secret");
	refused(with("[fleet]\nskew_ms = 10\n"), "x.ini:7: ", "no secret");
	refused(with("[fleet]\nsecret_file =\n"), "x.ini:8: ", "secret_file");
	refused(with("[fleet]\nsecret_file = /x\nsecret_fd = 3\n"), "x.ini:9: ", "keep one");
	refused(with("[fleet]\nsecret_file = /x\n[fleet]\n"), "x.ini:9: ", "twice");
	refused(with("[fleet]\nsecret_fd = 2\n"), "x.ini:8: ", "3 to 1023");
	refused(with("[fleet]\nskew_ms = 30001\n"), "x.ini:8: ", "0 to 30000");
	refused(with("[fleet]\nworkers = 1\n"), "x.ini:8: ", "belongs into [engine]");
	refused(with("[fleet x]\n"), "x.ini:7: ", "unknown section");
	refused("[engine]\nsecret_file = /x\n", "x.ini:2: ", "belongs into [fleet]");
}

static void test_conf_section_twice_refused(void)
{
	refused(with("[listener web]\nport = 81\n"), "x.ini:7: ", "twice, first in line 4");
	refused(with("[port outside]\n"), "x.ini:7: ", "twice, first in line 1");
	refused(with("[engine]\n[engine]\n"), "x.ini:8: ", "twice, first in line 7");
}

static void test_conf_key_unknown_refused(void)
{
	refused("[engine]\nworker = 1\n", "x.ini:2: ", "workers");
	refused("[engine]\nmtu = 1500\n", "x.ini:2: ", "[port NAME]");
	refused(with("mtu = 1500\n"), "x.ini:7: ", "[port NAME]");
	refused("workers = 1\n", "x.ini:1: ", "before the first section");
}

static void test_conf_key_twice_refused(void)
{
	refused("[engine]\nworkers = 1\n\nworkers = 2\n", "x.ini:4: ", "twice, first in line 2");
}

static void test_conf_value_outOfRange_refused(void)
{
	refused("[engine]\nworkers = 0\n", "x.ini:2: ", "from 1 to");
	refused("[engine]\nworkers = two\n", "x.ini:2: ", "from 1 to");
	refused("[engine]\nworkers =\n", "x.ini:2: ", "workers");
	refused(with("syn_cookies = maybe\n"), "x.ini:7: ", "off|auto|always");
	refused(with("congestion = vegas\n"), "x.ini:7: ", "newreno|cubic");
	refused("[port a]\ndevice = net_null0\naddress = 192.0.2.300/24\n",
		"x.ini:3: ", "192.0.2.300");
}

static void test_conf_listLine_wrong_isTheOneNamed(void)
{
	refused("[port a]\ndevice = net_null0\naddress = 192.0.2.1/24\n 192.0.2.2/24\n nonsense\n",
		"x.ini:5: ", "nonsense");
	refused("[port a]\ndevice = net_null0\n x = 1\n", "x.ini:3: ", "is none");
}

static void test_conf_line_withoutEquals_refused(void)
{
	refused("[engine]\nworkers 1\n", "x.ini:2: ", "no `=`");
	refused("[engine]\nworkers: 1\n", "x.ini:2: ", "no `=`");
	refused("[engine]\n= 1\n", "x.ini:2: ", "no key");
	refused("hello\n", "x.ini:1: ", "no `=`");
}

static void test_conf_hostRouteWithNeighbour_isRead(void)
{
	int rc = parse("[port a]\ndevice = net_null0\naddress = 192.0.2.1\n"
		       "gateway_mac = 02:00:00:00:00:02\n"
		       "[listener l]\nport = 7\nservice = echo\n");
	CU_ASSERT_EQUAL_FATAL(rc, 0);
	CU_ASSERT_EQUAL(conf.port[0].set.addr[0].prefix_len, 32);
	tg_conf_free(&conf);
}

static void test_conf_line_over198_refused(void)
{
	char text[1024], line[256];
	memset(line, 'x', sizeof(line));
	line[199] = 0;
	snprintf(text, sizeof(text), "[engine]\n; fine\n;%s\n", line + 1);
	CU_ASSERT_EQUAL(strlen(line + 1), 198);
	refused(text, "x.ini:3: ", "199 characters");
	line[60] = 0;
	snprintf(text, sizeof(text), "[engine]\n%s = 1\n", line);
	refused(text, "x.ini:2: ", "49 characters");
	snprintf(text, sizeof(text), "[%s]\n", line);
	refused(text, "x.ini:1: ", "49 characters");
}

static void test_conf_bytes_notText_refused(void)
{
	static const char text[] = "[engine]\nworkers\0 = 1\n";
	CU_ASSERT_EQUAL(tg_conf_parse(&conf, "x.ini", text, sizeof(text) - 1, err, sizeof(err)),
			-1);
	CU_ASSERT_EQUAL(strncmp(err, "x.ini:2: ", 9), 0);
	refused("\x7f"
		"ELF\x02\x01\x01\n",
		"x.ini:1: ", "control character");
	char binary[300];
	memset(binary, 1, sizeof(binary) - 1);
	binary[sizeof(binary) - 1] = 0;
	refused(binary, "x.ini:1: ", "no text file");
}

static void test_conf_between_sections_refused(void)
{
	refused("", "x.ini: ", "no [port NAME]");
	refused(port, "x.ini: ", "no [listener NAME]");
	refused("[port a]\naddress = 192.0.2.1/24\n[listener l]\nport = 7\nservice = echo\n",
		"x.ini:1: ", "no device");
	refused("[port a]\ndevice = net_null0\n[listener l]\nport = 7\nservice = echo\n",
		"x.ini:1: ", "no address");
	refused("[port a]\ndevice = net_null0\naddress = 192.0.2.1\n[listener l]\nport = 7\n"
		"service = echo\n",
		"x.ini:3: ", "reaches nobody");
	refused(with("[listener b]\nservice = echo\n"), "x.ini:7: ", "no port");
	refused(with("[listener b]\nport = 81\n"), "x.ini:7: ", "no service");
	refused(with("[listener b]\nservice = echo\nport = 80\n"),
		"x.ini:9: ", "[listener web] already");
	refused(with("[listener b]\nport = 81\nservice = echo\naddress = 192.0.2.9\n"),
		"x.ini:10: ", "on no port");
	refused(with("[port b]\ndevice = net_null0\naddress = 192.0.3.1/24\n"),
		"x.ini:8: ", "[port outside] already");
	refused(with("[port b]\ndevice = net_null1\naddress = 192.0.2.1/24\n"),
		"x.ini:9: ", "[port outside] already");
	refused(with("synq_high = 10\nsynq_low = 11\n"), "x.ini:8: ", "synq_low");
	refused(with("allow = 10.0.0.0/8\n    192.0.2.1/24\n"), "x.ini:8: ", "192.0.2.1/24");
	refused(with("allow_port = 9-8\n"), "x.ini:7: ", "the lower first");
	refused(with("refuse = perhaps\n"), "x.ini:7: ", "drop|rst");
	refused(with("source_max = 5\n"), "x.ini:7: ", "belongs into [engine]");
	refused(with("[engine]\nsource_refuse = no\n"), "x.ini:8: ", "drop|rst");
	refused(with("[engine]\nzero_window_ms = -1\n"), "x.ini:8: ", "0 to 3600000");
	refused("[port a]\ndevice = net_null0\naddress = 192.0.2.1/24\ngateway = 192.0.3.1\n"
		"[listener l]\nport = 7\nservice = echo\n",
		"x.ini:4: ", "gateway");
}

/* --- files --- */

static void test_conf_file_missing_refused(void)
{
	CU_ASSERT_EQUAL(tg_conf_load(&conf, "/nowhere/x.ini", err, sizeof(err)), -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "/nowhere/x.ini: cannot be opened: No such file"));
	CU_ASSERT_EQUAL(tg_conf_load(&conf, "/", err, sizeof(err)), -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "/: cannot be read"));
}

static void test_conf_file_isReadWhole(void)
{
	char path[] = "/tmp/test_conf.XXXXXX";
	int fd = mkstemp(path);
	CU_ASSERT_TRUE_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(write(fd, with(""), strlen(with(""))), (ssize_t)strlen(with("")));
	close(fd);
	CU_ASSERT_EQUAL(tg_conf_load(&conf, path, err, sizeof(err)), 0);
	CU_ASSERT_EQUAL(conf.listener_n, 1);
	tg_conf_free(&conf);
	unlink(path);
}

/* Whatever the bytes: read, or refused with a sentence; never a crash, nothing left behind. */
static void test_conf_anyBytes_neverCrash(void)
{
	char text[4096];
	uint64_t x = tg_test_seed ? tg_test_seed : 1;
	for (int round = 0; round < 3000; round++) {
		snprintf(text, sizeof(text), "%s[engine]\nworkers = 2\n%s", port, listener);
		size_t len = strlen(text);
		for (int i = 0; i < 1 + round % 8; i++) {
			x = x * 6364136223846793005ull + 1442695040888963407ull;
			text[(x >> 20) % len] = (char)"[]=; \n\t:#,/.19aZ\0\xff"[(x >> 40) % 18];
		}
		err[0] = 0;
		if (tg_conf_parse(&conf, "x.ini", text, len, err, sizeof(err)) == 0)
			tg_conf_free(&conf);
		else
			CU_ASSERT_TRUE(strncmp(err, "x.ini:", 6) == 0 && !strchr(err, '\n'));
	}
}

static const struct tg_test tests[] = {
    {"conf_design_readAsWritten", test_conf_design_readAsWritten},
    {"conf_list_goesOnInIndentedLines", test_conf_list_goesOnInIndentedLines},
    {"conf_engineBelow_isDefaultOfListeners", test_conf_engineBelow_isDefaultOfListeners},
    {"conf_samePort_onOtherAddress_isFine", test_conf_samePort_onOtherAddress_isFine},
    {"conf_windowsLines_bom_noLastNewline_areRead",
     test_conf_windowsLines_bom_noLastNewline_areRead},
    {"conf_lineOf198_isReadWhole", test_conf_lineOf198_isReadWhole},
    {"conf_indentedLineOf198_isReadWhole", test_conf_indentedLineOf198_isReadWhole},
    {"conf_section_unknown_refused", test_conf_section_unknown_refused},
    {"conf_pool_readAsWritten", test_conf_pool_readAsWritten},
    {"conf_device_sharedByVlan", test_conf_device_sharedByVlan},
    {"conf_pool_bad_refused", test_conf_pool_bad_refused},
    {"conf_fleet_readOrRefused", test_conf_fleet_readOrRefused},
    {"conf_section_twice_refused", test_conf_section_twice_refused},
    {"conf_key_unknown_refused", test_conf_key_unknown_refused},
    {"conf_key_twice_refused", test_conf_key_twice_refused},
    {"conf_value_outOfRange_refused", test_conf_value_outOfRange_refused},
    {"conf_listLine_wrong_isTheOneNamed", test_conf_listLine_wrong_isTheOneNamed},
    {"conf_line_withoutEquals_refused", test_conf_line_withoutEquals_refused},
    {"conf_hostRouteWithNeighbour_isRead", test_conf_hostRouteWithNeighbour_isRead},
    {"conf_line_over198_refused", test_conf_line_over198_refused},
    {"conf_bytes_notText_refused", test_conf_bytes_notText_refused},
    {"conf_between_sections_refused", test_conf_between_sections_refused},
    {"conf_file_missing_refused", test_conf_file_missing_refused},
    {"conf_file_isReadWhole", test_conf_file_isReadWhole},
    {"conf_anyBytes_neverCrash", test_conf_anyBytes_neverCrash},
};

int main(int argc, char **argv)
{
	return tg_test_main("conf", tests, TG_TEST_N(tests), argc, argv);
}
