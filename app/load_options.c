/* SPDX-License-Identifier: BSD-3-Clause */
#include "load_options.h"
#include "cli.h"

#include <ctype.h>
#include <stdlib.h>

static const char usage[] =
    "usage: tidegate load [-c FILE] [options] [-- EAL options]\n\n"
    "The engine as client: opens, uses and closes TCP connections to a server, with every rule "
    "kept\n"
    "(TIME-WAIT, half-close, retransmission), and says at the end what came of them.\n\n"
    "Where from\n"
    "  -c, --config FILE        [engine], [port NAME] and [load]; config/load.ini is annotated\n"
    "      --device DEVICE      without a file: a virtual device, or a PCI address\n"
    "      --address ADDR/LEN   ours, of the network that the device is in; repeatable\n"
    "      --gateway ADDR       where other networks are\n"
    "      --source NETWORK     connects from all its addresses, and answers ARP and neighbour\n"
    "                           discovery for them; better: route it to our address. Repeatable;\n"
    "                           default: the addresses themselves\n"
    "      --ports LOW-HIGH     source ports (1024-65535)\n"
    "Where to\n"
    "      --target ADDR:PORT[*WEIGHT]   repeatable; [ADDR]:PORT for IPv6\n"
    "      --i-own-the-target   allows targets outside of networks for private use and tests\n"
    "How much\n"
    "      --rate N             connections a second\n"
    "      --hold N             or: opens N and keeps them open to the end\n"
    "      --churn N            of these, closes and opens anew so many a second\n"
    "      --duration S         (10)      --connections N   ends when so many were begun\n"
    "      --ramp-up S, --ramp-down S     the rate grows and falls for so long (0)\n"
    "      --flood KIND         instead of connections: --rate packets a second from random\n"
    "                           addresses of --source, stateless: syn, synack, ack, rst, fin,\n"
    "                           mixed. Needs --duration or --connections (packets), and\n"
    "                           --i-own-the-target where it would leave this machine\n"
    "What for\n"
    "      --do WHAT            nothing (default); echo: BYTES and back, checked; http: GET PATH;\n"
    "                           up: BYTES; down: GET /bytes/BYTES of tidegate's http, checked\n"
    "      --bytes N (64)  --path PATH (/)  --requests N (1)  --think-ms N (0)  --keep-ms N (0)\n"
    "      --close WHO          client (default), server, both, rst, half\n"
    "      --timeout-ms N       patience with an open, with silence, and at the end (5000)\n"
    "What is told\n"
    "      --expect 'COND ...'  exit status 0 if all hold, like success>=99.9% rate>=10000\n"
    "                           handshake.p99<=5ms; default: some opened, and none failed\n"
    "      --json               the result as JSON, and nothing else, on standard output\n"
    "      --csv FILE           one line a second\n"
    "      --plain              one line of name=value a second, for other programs\n"
    "  -q, --quiet              no lines each second\n"
    "      --check              prints what it takes, starts nothing\n"
    "      --name NAME          of this instance, for `tidegate stats`\n"
    "  -v, --verbose            DPDK's own log\n"
    "  -h, --help               this\n\n"
    "Times are from one burst to another: handshake from the call to the SYN-ACK; first_byte and\n"
    "transfer from the request to the first and the last byte of its answer, for up to the end of\n"
    "all; close from our FIN, or our wish for the server's, to the last FIN or its ACK.\n\n"
    "Every other key of [load], [port NAME] and [engine] is an option, too (`tidegate keys`):\n"
    "--workers 2, --msl-ms 1000, --timestamps off. Ctrl-C ends a run with the figures so far; a\n"
    "second one at once. Exit status: 0 as expected, 1 not, 2 bad usage or configuration.\n\n"
    "  tidegate load --device net_af_packet0,iface=veth1 --address 192.0.2.1/24 \\\n"
    "    --target 192.0.2.2:80 --do http --rate 1000 --duration 10\n";

enum { OPT_CHECK = 256, OPT_NAME, OPT_PLAIN, OPT_JSON, OPT_KEY = 1000 };
enum { OPT_MORE = 512, MORE_MAX = 16 };
enum { FIXED_N = 8, LONG_MAX = FIXED_N + MORE_MAX + TG_CONF_KEY_MAX + 4, NAME_MAX_LEN = 40 };
enum { SECTIONS = TG_KEY_LOAD | TG_KEY_PORT | TG_KEY_ENGINE };

static const struct option fixed[FIXED_N] = {
    {"config", required_argument, NULL, 'c'},    {"check", no_argument, NULL, OPT_CHECK},
    {"name", required_argument, NULL, OPT_NAME}, {"plain", no_argument, NULL, OPT_PLAIN},
    {"json", no_argument, NULL, OPT_JSON},       {"quiet", no_argument, NULL, 'q'},
    {"verbose", no_argument, NULL, 'v'},         {"help", no_argument, NULL, 'h'}};

/* Options made of the key table. */
struct longs {
	struct option option[LONG_MAX];
	char name[LONG_MAX][NAME_MAX_LEN];
	uint32_t n;
};

static bool is_there(const struct longs *l, const char *name)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (strcmp(l->option[i].name, name) == 0)
			return true;
	return false;
}

static void add_key(struct longs *l, const char *name, uint32_t key)
{
	char *at = l->name[l->n];

	snprintf(at, NAME_MAX_LEN, "%s", name);
	for (char *p = at; *p; p++)
		if (*p == '_')
			*p = '-';
	if (is_there(l, at) || l->n + 1 >= LONG_MAX)
		return;
	bool flag = tg_keys[key].offset == offsetof(struct tg_settings, load.own_target);
	l->option[l->n++] =
	    (struct option){at, flag ? no_argument : required_argument, NULL, OPT_KEY + (int)key};
}

/* [load] first: what it has in common with others means [load]'s. */
static void make_longs(struct longs *l, const struct tg_load_role *role)
{
	static const uint32_t order[] = {TG_KEY_LOAD, TG_KEY_PORT, TG_KEY_ENGINE};

	memcpy(l->option, fixed, sizeof(fixed));
	l->n = FIXED_N;
	for (uint32_t i = 0; i < role->more_n && i < MORE_MAX; i++) {
		l->option[l->n] = role->more[i];
		l->option[l->n++].val += OPT_MORE;
	}
	for (uint32_t s = 0; s < sizeof(order) / sizeof(order[0]); s++) {
		for (uint32_t i = 0; i < tg_key_n; i++) {
			char name[NAME_MAX_LEN];
			size_t len = strlen(tg_keys[i].name);
			if (!(tg_keys[i].section & order[s]))
				continue;
			add_key(l, tg_keys[i].name, i);
			if (s > 0 || len < 3 || strcmp(tg_keys[i].name + len - 2, "_s") != 0)
				continue;
			snprintf(name, sizeof(name), "%.*s", (int)len - 2, tg_keys[i].name);
			add_key(l, name, i);
		}
	}
}

static struct tg_conf_section *section_of(struct tg_conf *conf, const struct tg_key *key)
{
	if (key->section & TG_KEY_LOAD)
		return &conf->load;
	return key->section & TG_KEY_PORT ? &conf->port[0] : &conf->engine;
}

/* A list that is given here takes the place of the file's. */
static void begin_list(struct tg_settings *s, const struct tg_key *key)
{
	if (key->type == TG_KEY_ENDPOINT_LIST)
		s->backend_n = 0;
	else if (key->type == TG_KEY_PREFIX_LIST)
		s->allow_n = 0;
	else if (key->type == TG_KEY_RANGE_LIST)
		s->kernel_port_n = 0;
	else if (key->offset == offsetof(struct tg_settings, addr))
		s->addr_n = 0;
	else if (key->offset == offsetof(struct tg_settings, gateway))
		s->gateway_n = 0;
}

static int set_key(struct tg_load_options *o, uint32_t i, const char *value, bool first)
{
	const struct tg_key *key = &tg_keys[i];
	struct tg_conf_section *to = section_of(&o->conf, key);
	char err[TG_CONF_ERR];

	if (first)
		begin_list(&to->set, key);
	to->key_line[i] = 0; /* whatever is wrong with it now stands in no line */
	if (tg_settings_set(&to->set, key->section, key->name, value ? value : "on", err,
			    sizeof(err)) == 0)
		return 0;
	return tg_cli_usage(o->command, "%s", err);
}

int tg_load_options_set(struct tg_load_options *o, const char *key, const char *value)
{
	static const uint32_t order[] = {TG_KEY_LOAD, TG_KEY_PORT, TG_KEY_ENGINE};

	for (uint32_t s = 0; s < sizeof(order) / sizeof(order[0]); s++) {
		const struct tg_key *k = tg_key_find(key, order[s]);
		if (k)
			return set_key(o, (uint32_t)(k - tg_keys), value, false);
	}
	return tg_cli_usage(o->command, "there is no key %s", key);
}

static bool is_name(const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && text[i] != '_' && text[i] != '-')
			return false;
	return len >= 1 && len < 32;
}

static int set_fixed(struct tg_load_options *o, int c, const char *value)
{
	switch (c) {
	case 'c':
		return 0; /* was read before all others */
	case OPT_CHECK:
		o->check = true;
		return 0;
	case OPT_PLAIN:
		o->plain = true;
		return 0;
	case OPT_JSON:
		o->json = true;
		return 0;
	case 'q':
		o->quiet = true;
		return 0;
	case 'v':
		o->verbose = true;
		return 0;
	case OPT_NAME:
		if (!is_name(value))
			return tg_cli_usage(o->command,
					    "--name %s: 1 to 31 letters, digits, dashes", value);
		snprintf(o->name, sizeof(o->name), "%s", value);
		return 0;
	default:
		return TG_EXIT_USAGE;
	}
}

/* Over all options; first: only for the file and --help. -1: all is well. */
static int walk(struct tg_load_options *o, const struct tg_load_role *role, const struct longs *l,
		int argc, char **argv, const char **file, bool first)
{
	bool seen[TG_CONF_KEY_MAX] = {false};
	int c, rc = 0;

	optind = 0; /* from the beginning, again */
	while (rc == 0 && (c = tg_cli_option(argc, argv, ":c:qvh", l->option)) != -1) {
		if (c == '?')
			return TG_EXIT_USAGE;
		if (c == 'h') {
			fputs(role->usage, stdout);
			return TG_EXIT_OK;
		}
		if (first) {
			*file = c == 'c' ? optarg : *file;
			continue;
		}
		if (c < OPT_KEY) {
			rc = c >= OPT_MORE ? role->take(o, c - OPT_MORE, optarg)
					   : set_fixed(o, c, optarg);
			continue;
		}
		rc = set_key(o, (uint32_t)(c - OPT_KEY), optarg, !seen[c - OPT_KEY]);
		seen[c - OPT_KEY] = true;
	}
	if (rc == 0 && optind < argc)
		return tg_cli_usage(o->command, "what is %s? EAL options stand behind `--`",
				    argv[optind]);
	return rc ? rc : -1;
}

static int read_expect(struct tg_load_options *o)
{
	char err[TG_CONF_ERR];
	int n = tg_load_expect_parse(o->conf.load.set.load.expect, o->expect, err, sizeof(err));

	if (n < 0)
		return tg_cli_usage(o->command, "%s", err);
	o->expect_n = (uint32_t)n;
	return -1;
}

/* `load` has no port but the one that it is told. */
static int settle(struct tg_load_options *o)
{
	if (o->conf.port_n && o->conf.port[0].set.device[0])
		return 0;
	return tg_cli_usage("load", "needs a port: --device and --address, or -c FILE "
				    "(config/load.ini)");
}

const struct tg_load_role tg_load_role = {.command = "load", .usage = usage, .settle = settle};

static int read_keys(struct tg_load_options *o, const struct tg_load_role *role,
		     const struct longs *l, int argc, char **argv, const char *file)
{
	char err[TG_CONF_ERR];
	int rc = 0;

	if (file ? tg_conf_load(&o->conf, file, err, sizeof(err))
		 : tg_conf_begin(&o->conf, "command line", role->command, err, sizeof(err)))
		return tg_cli_usage(role->command, "%s", err);
	if (role->begin)
		rc = role->begin(o);
	if (rc == 0)
		rc = walk(o, role, l, argc, argv, &file, false);
	if (rc < 0 && role->settle && (rc = role->settle(o)) == 0)
		rc = -1;
	if (rc < 0 && tg_conf_check(&o->conf, err, sizeof(err)) != 0)
		rc = tg_cli_usage(role->command, "%s", err);
	return rc;
}

int tg_load_options_read(struct tg_load_options *o, const struct tg_load_role *role, int argc,
			 char **argv)
{
	int split = tg_cli_split(argc, argv), rc;
	const char *file = NULL;
	struct longs *l = calloc(1, sizeof(*l));

	if (!l)
		return tg_cli_failed(role->command, "out of memory");
	o->command = role->command;
	o->extra = argv + (split < argc ? split + 1 : argc);
	o->extra_n = split < argc ? argc - split - 1 : 0;
	snprintf(o->name, sizeof(o->name), "%s", role->command);
	make_longs(l, role);
	rc = walk(o, role, l, split, argv, &file, true);
	if (rc < 0)
		rc = read_keys(o, role, l, split, argv, file);
	free(l);
	return rc < 0 ? read_expect(o) : rc;
}
