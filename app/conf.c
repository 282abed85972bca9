/* SPDX-License-Identifier: BSD-3-Clause */
/* conf.c: the file, line by line. inih does the parsing; the reader that feeds it counts lines and
 * refuses what inih would cut or swallow: lines and names over its buffers, lines without `=`,
 * sections without keys. The file is read twice, [engine] first, because its keys are the defaults
 * of every listener wherever it stands. */
#include "conf.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { FILE_MAX = 4 << 20, INI_NAME_MAX = 49, VALUE_MAX = 8192, PORT_NAME_MAX = 31 };

enum pass { PASS_ENGINE, PASS_REST };

struct reader {
	struct tg_conf *conf;
	const char *at, *end;
	uint32_t line;
	bool indented; /* the current line: goes on with the list above */
	enum pass pass;
	struct tg_conf_section *section; /* NULL: none yet, or not of this pass */
	uint32_t allowed;                /* TG_KEY_* in it */
	bool skip;                       /* the section belongs to the other pass */
	bool has_key;                    /* the section has one: an indented line continues it */
	const struct tg_key *key;        /* the last one, NULL in a section of the other pass */
	struct tg_settings before;       /* the settings without it */
	char value[VALUE_MAX];           /* its text so far */
	char *err;
	size_t err_size;
	bool failed;
};

int tg_conf_fail(const struct tg_conf *conf, uint32_t line, char *err, size_t err_size,
		 const char *format, ...)
{
	va_list args;
	int n = line ? snprintf(err, err_size, "%s:%u: ", conf->file, line)
		     : snprintf(err, err_size, "%s: ", conf->file);
	if (n < 0 || (size_t)n >= err_size)
		return -1;
	va_start(args, format);
	vsnprintf(err + n, err_size - (size_t)n, format, args);
	va_end(args);
	return -1;
}

static void fail(struct reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void fail(struct reader *r, const char *format, ...)
{
	char text[TG_CONF_ERR];
	va_list args;
	if (r->failed)
		return;
	r->failed = true;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	tg_conf_fail(r->conf, r->line, r->err, r->err_size, "%s", text);
}

/* --- sections --- */

static struct tg_conf_section *find(struct tg_conf_section list[], uint32_t n, const char *name)
{
	for (uint32_t i = 0; i < n; i++)
		if (strcmp(list[i].name, name) == 0)
			return &list[i];
	return NULL;
}

static void begin_named(struct reader *r, const char *kind, const char *name,
			struct tg_conf_section **list, uint32_t *n, uint32_t max)
{
	struct tg_conf_section *old = find(*list, *n, name);
	if (old) {
		fail(r, "[%s %s] is there twice, first in line %u: rename one", kind, name,
		     old->line);
		return;
	}
	if (*n == max) {
		fail(r, "[%s %s] is one too many: at most %u are allowed", kind, name, max);
		return;
	}
	struct tg_conf_section *more = realloc(*list, (*n + 1) * sizeof(**list));
	if (!more) {
		fail(r, "out of memory");
		return;
	}
	*list = more;
	r->section = &more[(*n)++];
	memset(r->section, 0, sizeof(*r->section));
	snprintf(r->section->name, sizeof(r->section->name), "%s", name);
	r->section->line = r->line;
	r->section->set = r->conf->engine.set;
}

static bool is_name(const char *text)
{
	size_t len = strlen(text);
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("._-", text[i]))
			return false;
	return len >= 1 && len <= PORT_NAME_MAX;
}

static void begin_engine(struct reader *r)
{
	struct tg_conf_section *engine = &r->conf->engine;
	r->skip = r->pass != PASS_ENGINE;
	r->section = engine;
	r->allowed = TG_KEY_ENGINE | TG_KEY_CONN;
	if (r->skip)
		return;
	if (engine->line)
		fail(r, "[engine] is there twice, first in line %u: join them", engine->line);
	engine->line = r->line;
}

/* [fleet] and [load], which are there once. */
static void begin_only(struct reader *r, const char *name, struct tg_conf_section *section,
		       uint32_t allowed)
{
	r->skip = r->pass != PASS_REST;
	r->section = section;
	r->allowed = allowed;
	if (r->skip)
		return;
	if (section->line)
		fail(r, "[%s] is there twice, first in line %u: join them", name, section->line);
	section->line = r->line;
	r->conf->has_load |= section == &r->conf->load;
}

/* [port NAME] and the like; false when kind is none of these. */
static bool begin_of_kind(struct reader *r, const char *kind, const char *name)
{
	struct tg_conf *conf = r->conf;
	const struct {
		const char *kind;
		uint32_t allowed, max;
		struct tg_conf_section **list;
		uint32_t *n;
	} kinds[] = {
	    {"port", TG_KEY_PORT, TG_PORT_MAX, &conf->port, &conf->port_n},
	    {"listener", TG_KEY_LISTENER | TG_KEY_CONN, TG_LISTENER_MAX, &conf->listener,
	     &conf->listener_n},
	    {"pool", TG_KEY_POOL, TG_POOL_MAX, &conf->pool, &conf->pool_n},
	};
	for (uint32_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kind, kinds[i].kind) != 0)
			continue;
		r->skip = r->pass != PASS_REST;
		r->allowed = kinds[i].allowed;
		if (!name || !is_name(name))
			fail(r, "[%s NAME] needs a name of 1 to %d letters, digits, dots or dashes",
			     kind, PORT_NAME_MAX);
		else if (!r->skip)
			begin_named(r, kind, name, kinds[i].list, kinds[i].n, kinds[i].max);
		return true;
	}
	return false;
}

/* text: what stands between the brackets. */
static void begin_section(struct reader *r, char *text)
{
	char *name = strpbrk(text, " \t");
	r->key = NULL;
	r->has_key = false;
	r->section = NULL;
	r->skip = false;
	if (name) {
		*name++ = 0;
		name += strspn(name, " \t");
	}
	if (strcmp(text, "engine") == 0 && !name) {
		begin_engine(r);
	} else if (begin_of_kind(r, text, name)) {
		return;
	} else if (strcmp(text, "fleet") == 0 && !name) {
		begin_only(r, text, &r->conf->fleet, TG_KEY_FLEET);
	} else if (strcmp(text, "load") == 0 && !name) {
		begin_only(r, text, &r->conf->load, TG_KEY_LOAD);
	} else {
		fail(r,
		     "unknown section [%.49s]: there are [engine], [port NAME], [listener NAME], "
		     "[pool NAME], [fleet] and [load]",
		     text);
	}
}

/* --- keys --- */

static bool is_list(const struct tg_key *key)
{
	return key->type == TG_KEY_ADDR_LIST || key->type == TG_KEY_PREFIX_LIST ||
	       key->type == TG_KEY_RANGE_LIST || key->type == TG_KEY_ENDPOINT_LIST;
}

/* Sets the key to the whole text that it has by now, from the settings before it: so an error is
 * told with the line that brought it. */
static void set_value(struct reader *r, const char *value)
{
	char text[TG_CONF_ERR];
	size_t have = strlen(r->value), len = strlen(value);
	if (have + len + 2 > sizeof(r->value)) {
		fail(r, "the list of %s is too long", r->key->name);
		return;
	}
	snprintf(r->value + have, sizeof(r->value) - have, "%s%s", have ? " " : "", value);
	if (r->value[0] == 0 && is_list(r->key))
		return; /* the list begins in the next line */
	r->section->set = r->before;
	if (tg_settings_set(&r->section->set, r->allowed, r->key->name, r->value, text,
			    sizeof(text)) != 0)
		fail(r, "%s", text);
}

static void begin_key(struct reader *r, const char *name)
{
	char text[TG_CONF_ERR];
	const struct tg_key *key = tg_key_find(name, r->allowed);
	struct tg_settings scratch = r->section->set;
	r->key = NULL;
	if (!key) {
		tg_settings_set(&scratch, r->allowed, name, "", text, sizeof(text));
		fail(r, "%s", text);
		return;
	}
	uint32_t *line = &r->section->key_line[key - tg_keys];
	if (*line) {
		fail(r, "%s is there twice, first in line %u: keep one", name, *line);
		return;
	}
	*line = r->line;
	r->key = key;
	r->before = r->section->set;
	r->value[0] = 0;
}

static int on_key(void *user, const char *section, const char *name, const char *value)
{
	struct reader *r = user;
	(void)section; /* the reader saw it, also where it has no keys */
	if (r->failed || r->skip)
		return 1;
	if (!r->section) {
		fail(r, "%s stands before the first section: put it below [engine]", name);
		return 1;
	}
	if (r->indented) {
		if (!is_list(r->key)) {
			fail(r,
			     "an indented line goes on with a list, and %s is none: take the "
			     "blanks away",
			     r->key->name);
			return 1;
		}
	} else {
		begin_key(r, name);
	}
	if (!r->failed)
		set_value(r, value);
	return 1;
}

/* --- lines --- */

/* Cuts a comment: `;` or `#` at the start of a line, `;` behind a blank. */
static void cut_comment(char *text)
{
	char *start = text + strspn(text, " \t");
	if (*start == ';' || *start == '#')
		*start = 0;
	for (char *p = start; *p; p++) {
		if (*p == ';' && p > start && isspace((unsigned char)p[-1])) {
			*p = 0;
			return;
		}
	}
}

static void trim(char *text)
{
	size_t len = strlen(text);
	while (len && isspace((unsigned char)text[len - 1]))
		text[--len] = 0;
}

static void look_at_section(struct reader *r, const char *text)
{
	char name[INI_NAME_MAX + 1];
	const char *close = strchr(text, ']');
	if (!close || close[1]) {
		fail(r, "a section is a name in brackets alone on its line, like [engine]");
		return;
	}
	size_t len = (size_t)(close - text - 1);
	if (len > INI_NAME_MAX) {
		fail(r, "the name of the section is over %d characters", INI_NAME_MAX);
		return;
	}
	memcpy(name, text + 1, len);
	name[len] = 0;
	begin_section(r, name);
}

static void look_at_key(struct reader *r, const char *text)
{
	size_t len = strcspn(text, "=:");
	if (text[len] != '=') {
		fail(r, "no `=` in this line: write KEY = VALUE, or indent what goes on with a "
			"list");
		return;
	}
	while (len && isspace((unsigned char)text[len - 1]))
		len--;
	if (len == 0 || len > INI_NAME_MAX)
		fail(r, len ? "the name of the key is over 49 characters"
			    : "no key before the `=`: write KEY = VALUE");
}

/* The raw line into text without its end; false when it is not fit for a line. */
static bool take_line(struct reader *r, char text[TG_CONF_LINE_MAX + 1])
{
	const char *nl = memchr(r->at, '\n', (size_t)(r->end - r->at));
	const char *stop = nl ? nl : r->end;
	size_t len = (size_t)(stop - r->at);
	const char *from = r->at;
	r->at = nl ? nl + 1 : r->end;
	r->line++;
	if (len && from[len - 1] == '\r')
		len--;
	if (r->line == 1 && len >= 3 && memcmp(from, "\xef\xbb\xbf", 3) == 0) {
		from += 3;
		len -= 3;
	}
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)from[i] < 32 && from[i] != '\t') {
			fail(r, "a control character (0x%02x) in the line: this is no text file",
			     (unsigned char)from[i]);
			return false;
		}
	}
	if (len > TG_CONF_LINE_MAX) {
		fail(r,
		     "the line has %zu characters, at most %d are read: break the list into "
		     "indented lines",
		     len, TG_CONF_LINE_MAX);
		return false;
	}
	memcpy(text, from, len);
	text[len] = 0;
	return true;
}

/* inih's reader: like fgets. Each line is looked at before inih sees it. */
static char *next_line(char *buf, int size, void *stream)
{
	struct reader *r = stream;
	char text[TG_CONF_LINE_MAX + 1];
	if (r->failed || r->at == r->end || !take_line(r, text))
		return NULL;
	cut_comment(text);
	trim(text);
	const char *start = text + strspn(text, " \t");
	r->indented = start != text && *start && r->has_key;
	if (*start == '[' && !r->indented) {
		look_at_section(r, start);
		start = "";
	} else if (*start && !r->indented) {
		look_at_key(r, start);
		r->has_key = true;
	}
	if (r->failed)
		return NULL;
	/* Only a line that goes on with a list may reach inih with a blank before it. */
	snprintf(buf, (size_t)size, "%s%s\n", r->indented ? " " : "", start);
	return buf;
}

static int run_pass(struct reader *r, enum pass pass, const char *text, size_t len)
{
	r->pass = pass;
	r->at = text;
	r->end = text + len;
	r->line = 0;
	r->section = NULL;
	r->skip = false;
	r->key = NULL;
	r->has_key = false;
	int bad = ini_parse_stream(next_line, r, on_key, r);
	if (bad && !r->failed) {
		r->line = bad > 0 ? (uint32_t)bad : 0;
		fail(r, "cannot be read as KEY = VALUE");
	}
	return r->failed ? -1 : 0;
}

/* --- between sections --- */

static int check_section(const struct tg_conf *conf, const struct tg_conf_section *s,
			 uint32_t sections, char *err, size_t err_size)
{
	char text[TG_CONF_ERR];
	if (tg_settings_check(&s->set, sections, text, sizeof(text)) == 0)
		return 0;
	/* The sentence begins with its key: then the line is known. */
	char key[64];
	snprintf(key, sizeof(key), "%.*s", (int)strcspn(text, " ="), text);
	return tg_conf_fail(conf, tg_conf_line(s, key), err, err_size, "%s", text);
}

/* An address without its prefix length is a network of one host: without a gateway, whose network
 * it would have to lie in, or a given neighbour, nobody would ever get an answer. */
static bool reaches_nobody(const struct tg_settings *s)
{
	if (s->gateway_mac[0] || s->gateway_n || strncmp(s->device, "net_pcap", 8) == 0)
		return false;
	for (uint32_t i = 0; i < s->addr_n; i++)
		if (s->addr[i].prefix_len < (tg_addr_is_v4(&s->addr[i].addr) ? 32 : 128))
			return false;
	return true;
}

static bool is_same_device(const struct tg_conf_section *a, const struct tg_conf_section *b)
{
	size_t len = strcspn(a->set.device, ",");
	return strcspn(b->set.device, ",") == len && memcmp(a->set.device, b->set.device, len) == 0;
}

uint32_t tg_conf_shares(const struct tg_conf *conf, uint32_t i)
{
	for (uint32_t k = 0; k < i; k++)
		if (is_same_device(&conf->port[k], &conf->port[i]))
			return k;
	return i;
}

/* Ports of one device are told apart by VLAN, and have the rest of it together. */
static int check_shared(const struct tg_conf *conf, const struct tg_conf_section *p,
			const struct tg_conf_section *o, char *err, size_t err_size)
{
	uint32_t line = tg_conf_line(p, "device");
	if (p->set.vlan == o->set.vlan)
		return tg_conf_fail(conf, line, err, err_size,
				    "device %.*s belongs to [port %s] already: number them, or "
				    "give each a vlan of its own",
				    (int)strcspn(p->set.device, ","), p->set.device, o->name);
	if (strcmp(p->set.device, o->set.device) != 0 || strcmp(p->set.mac, o->set.mac) != 0 ||
	    p->set.mtu > o->set.mtu || p->set.kernel[0])
		return tg_conf_fail(conf, line, err, err_size,
				    "[port %s] shares the device of [port %s]: give it the same "
				    "device and mac, an mtu that is no larger, and no kernel",
				    p->name, o->name);
	return 0;
}

static int check_port(const struct tg_conf *conf, uint32_t i, char *err, size_t err_size)
{
	const struct tg_conf_section *p = &conf->port[i];
	char text[48];
	if (!p->set.device[0])
		return tg_conf_fail(conf, p->line, err, err_size,
				    "[port %s] has no device: add `device = ` with a virtual "
				    "device or a PCI address",
				    p->name);
	if (p->set.addr_n == 0)
		return tg_conf_fail(conf, p->line, err, err_size,
				    "[port %s] has no address: add `address = ` with addresses and "
				    "prefix lengths",
				    p->name);
	if (reaches_nobody(&p->set))
		return tg_conf_fail(conf, tg_conf_line(p, "address"), err, err_size,
				    "address = %s reaches nobody: add the length of its network's "
				    "prefix, like /%d",
				    tg_addr_format(&p->set.addr[0].addr, text, sizeof(text)),
				    tg_addr_is_v4(&p->set.addr[0].addr) ? 24 : 64);
	for (uint32_t k = 0; k < i; k++) {
		const struct tg_conf_section *o = &conf->port[k];
		if (is_same_device(o, p) && check_shared(conf, p, o, err, err_size) != 0)
			return -1;
		for (uint32_t a = 0; a < p->set.addr_n; a++)
			for (uint32_t b = 0; b < o->set.addr_n; b++)
				if (tg_addr_equal(&p->set.addr[a].addr, &o->set.addr[b].addr))
					return tg_conf_fail(
					    conf, tg_conf_line(p, "address"), err, err_size,
					    "address %s belongs to [port %s] already",
					    tg_addr_format(&p->set.addr[a].addr, text,
							   sizeof(text)),
					    o->name);
	}
	return 0;
}

static bool is_ours(const struct tg_conf *conf, const struct tg_addr *a)
{
	for (uint32_t i = 0; i < conf->port_n; i++)
		for (uint32_t k = 0; k < conf->port[i].set.addr_n; k++)
			if (tg_addr_equal(&conf->port[i].set.addr[k].addr, a))
				return true;
	return false;
}

static bool shares_address(const struct tg_settings *a, const struct tg_settings *b)
{
	if (a->listen_addr_n == 0 && b->listen_addr_n == 0)
		return true;
	for (uint32_t i = 0; i < a->listen_addr_n; i++)
		for (uint32_t k = 0; k < b->listen_addr_n; k++)
			if (tg_addr_equal(&a->listen_addr[i], &b->listen_addr[k]))
				return true;
	return false;
}

static int check_listener(const struct tg_conf *conf, uint32_t i, char *err, size_t err_size)
{
	const struct tg_conf_section *l = &conf->listener[i];
	char text[48];
	if (l->set.listen_port == 0)
		return tg_conf_fail(conf, l->line, err, err_size,
				    "[listener %s] has no port: add `port = ` from 1 to 65535",
				    l->name);
	if (!l->set.service[0])
		return tg_conf_fail(conf, l->line, err, err_size,
				    "[listener %s] has no service: add `service = ` echo, discard, "
				    "chargen or http",
				    l->name);
	for (uint32_t a = 0; a < l->set.listen_addr_n; a++)
		if (!is_ours(conf, &l->set.listen_addr[a]))
			return tg_conf_fail(
			    conf, tg_conf_line(l, "address"), err, err_size,
			    "address %s is on no port: give it to a [port NAME] first",
			    tg_addr_format(&l->set.listen_addr[a], text, sizeof(text)));
	for (uint32_t k = 0; k < i; k++)
		if (conf->listener[k].set.listen_port == l->set.listen_port &&
		    shares_address(&conf->listener[k].set, &l->set))
			return tg_conf_fail(conf, tg_conf_line(l, "port"), err, err_size,
					    "port %u belongs to [listener %s] already, on the same "
					    "address",
					    l->set.listen_port, conf->listener[k].name);
	return 0;
}

static int check_fleet(const struct tg_conf *conf, char *err, size_t err_size)
{
	const struct tg_conf_section *f = &conf->fleet;
	if (f->line == 0)
		return 0;
	if (!f->set.secret_file[0] && !f->set.secret_fd)
		return tg_conf_fail(conf, f->line, err, err_size,
				    "[fleet] has no secret: add `secret_file = ` with the path of "
				    "one that `tidegate fleet-key` made");
	if (f->set.secret_file[0] && f->set.secret_fd)
		return tg_conf_fail(conf, tg_conf_line(f, "secret_fd"), err, err_size,
				    "[fleet] has secret_file and secret_fd: keep one");
	return 0;
}

int tg_conf_check(struct tg_conf *conf, char *err, size_t err_size)
{
	if (check_fleet(conf, err, err_size) != 0)
		return -1;
	if (check_section(conf, &conf->engine, TG_KEY_ENGINE, err, err_size) != 0)
		return -1;
	if (conf->port_n == 0)
		return tg_conf_fail(
		    conf, 0, err, err_size,
		    "no [port NAME]: at least one is needed (config/ has examples)");
	if (conf->listener_n == 0 && conf->pool_n == 0 && !conf->has_load)
		return tg_conf_fail(conf, 0, err, err_size,
				    "no [listener NAME]: at least one is needed, or for `shield` a "
				    "[pool NAME] (config/ has examples)");
	for (uint32_t i = 0; i < conf->port_n; i++)
		if (check_section(conf, &conf->port[i], TG_KEY_PORT, err, err_size) != 0 ||
		    check_port(conf, i, err, err_size) != 0)
			return -1;
	for (uint32_t i = 0; i < conf->pool_n; i++)
		if (check_section(conf, &conf->pool[i], TG_KEY_POOL | TG_KEY_LISTENER | TG_KEY_CONN,
				  err, err_size) != 0 ||
		    tg_conf_check_pool(conf, i, err, err_size) != 0)
			return -1;
	for (uint32_t i = 0; i < conf->listener_n; i++)
		if (check_section(conf, &conf->listener[i], TG_KEY_LISTENER | TG_KEY_CONN, err,
				  err_size) != 0 ||
		    check_listener(conf, i, err, err_size) != 0)
			return -1;
	return 0;
}

/* --- the calls --- */

static void init(struct tg_conf *conf, const char *file)
{
	memset(conf, 0, sizeof(*conf));
	snprintf(conf->file, sizeof(conf->file), "%s", file);
	tg_settings_init(&conf->engine.set, false);
	tg_settings_init(&conf->fleet.set, false);
	tg_settings_init(&conf->load.set, false);
}

int tg_conf_begin(struct tg_conf *conf, const char *file, const char *port, char *err,
		  size_t err_size)
{
	init(conf, file);
	conf->port = calloc(1, sizeof(*conf->port));
	if (!conf->port)
		return tg_conf_fail(conf, 0, err, err_size, "out of memory");
	snprintf(conf->port->name, sizeof(conf->port->name), "%s", port);
	conf->port->set = conf->engine.set;
	conf->port_n = 1;
	conf->has_load = true;
	return 0;
}

int tg_conf_parse(struct tg_conf *conf, const char *file, const char *text, size_t len, char *err,
		  size_t err_size)
{
	init(conf, file);
	struct reader *r = calloc(1, sizeof(*r));
	if (!r)
		return tg_conf_fail(conf, 0, err, err_size, "out of memory");
	*r = (struct reader){.conf = conf, .err = err, .err_size = err_size};
	int rc = run_pass(r, PASS_ENGINE, text, len);
	if (rc == 0)
		rc = run_pass(r, PASS_REST, text, len);
	if (rc == 0)
		rc = tg_conf_check(conf, err, err_size);
	free(r);
	if (rc != 0)
		tg_conf_free(conf);
	return rc;
}

int tg_conf_load(struct tg_conf *conf, const char *file, char *err, size_t err_size)
{
	memset(conf, 0, sizeof(*conf));
	snprintf(conf->file, sizeof(conf->file), "%s", file);
	FILE *f = fopen(file, "re");
	if (!f)
		return tg_conf_fail(conf, 0, err, err_size, "cannot be opened: %s",
				    strerror(errno));
	char *text = malloc(FILE_MAX + 1);
	size_t len = text ? fread(text, 1, FILE_MAX + 1, f) : 0;
	int read_errno = ferror(f) ? errno : 0, rc;
	fclose(f);
	if (!text)
		rc = tg_conf_fail(conf, 0, err, err_size, "out of memory");
	else if (read_errno)
		rc = tg_conf_fail(conf, 0, err, err_size, "cannot be read: %s",
				  strerror(read_errno));
	else if (len > FILE_MAX)
		rc = tg_conf_fail(conf, 0, err, err_size,
				  "is over %d MiB: this is no configuration", FILE_MAX >> 20);
	else
		rc = tg_conf_parse(conf, file, text, len, err, err_size);
	free(text);
	return rc;
}

void tg_conf_free(struct tg_conf *conf)
{
	free(conf->port);
	free(conf->listener);
	free(conf->pool);
	conf->port = NULL;
	conf->listener = NULL;
	conf->pool = NULL;
	conf->port_n = conf->listener_n = conf->pool_n = 0;
}

uint32_t tg_conf_line(const struct tg_conf_section *section, const char *key)
{
	for (uint32_t i = 0; i < tg_key_n && i < TG_CONF_KEY_MAX; i++)
		if (section->key_line[i] && strcmp(tg_keys[i].name, key) == 0)
			return section->key_line[i];
	return section->line;
}
