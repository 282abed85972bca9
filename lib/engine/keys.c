/* SPDX-License-Identifier: BSD-3-Clause */
/* keys.c: text to settings, by the table in keys_table.c. Errors are one sentence: what is wrong,
 * what is allowed, how to fix it. */
#include "tg_keys.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

enum { WORD_MAX = 400, NAME_MAX_LEN = 32 };

static int fail(char *err, size_t err_size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(char *err, size_t err_size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (err_size > 0)
		vsnprintf(err, err_size, format, args);
	va_end(args);
	return -1;
}

/* --- finding keys --- */

const struct tg_key *tg_key_find(const char *name, uint32_t sections)
{
	for (uint32_t i = 0; i < tg_key_n; i++)
		if ((tg_keys[i].section & sections) && strcmp(tg_keys[i].name, name) == 0)
			return &tg_keys[i];
	return NULL;
}

static uint32_t min3(uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Edits (one character put in, left out or changed) between two names. */
static uint32_t edit_distance(const char *a, const char *b)
{
	uint32_t row[NAME_MAX_LEN + 1], a_n = (uint32_t)strlen(a), b_n = (uint32_t)strlen(b);

	if (a_n > NAME_MAX_LEN || b_n > NAME_MAX_LEN)
		return UINT32_MAX;
	for (uint32_t j = 0; j <= b_n; j++)
		row[j] = j;
	for (uint32_t i = 1; i <= a_n; i++) {
		uint32_t diagonal = row[0];
		row[0] = i;
		for (uint32_t j = 1; j <= b_n; j++) {
			uint32_t above = row[j];
			row[j] = min3(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[b_n];
}

static const char *nearest_key(const char *name, uint32_t sections)
{
	uint32_t best = (uint32_t)strlen(name) / 3 + 2; /* farther is no typo */
	const char *found = NULL;

	for (uint32_t i = 0; i < tg_key_n; i++) {
		uint32_t d = edit_distance(name, tg_keys[i].name);
		if (!(tg_keys[i].section & sections) || d >= best)
			continue;
		best = d;
		found = tg_keys[i].name;
	}
	return found;
}

static const char *section_of(const struct tg_key *key)
{
	if (key->section & TG_KEY_PORT)
		return "[port NAME]";
	if (key->section & TG_KEY_LISTENER)
		return "[listener NAME]";
	if (key->section & TG_KEY_ENGINE)
		return "[engine]";
	if (key->section & TG_KEY_POOL)
		return "[pool NAME]";
	if (key->section & TG_KEY_FLEET)
		return "[fleet]";
	if (key->section & TG_KEY_LOAD)
		return "[load]";
	return "the lab's options";
}

static int fail_unknown(const char *name, uint32_t sections, char *err, size_t err_size)
{
	const struct tg_key *elsewhere = tg_key_find(name, ~0u);
	const char *near = nearest_key(name, sections);

	if (elsewhere && elsewhere->not_built && !elsewhere->off_value)
		return fail(err, err_size, "%s: %s", name, elsewhere->not_built);
	if (elsewhere)
		return fail(err, err_size, "%s is not a key of this place: it belongs into %s",
			    name, section_of(elsewhere));
	if (near)
		return fail(err, err_size, "unknown key %.64s: did you mean %s?", name, near);
	return fail(err, err_size, "unknown key %.64s: see config/ for all keys", name);
}

/* --- values --- */

static int fail_value(const struct tg_key *key, const char *value, const char *allowed, char *err,
		      size_t err_size)
{
	return fail(err, err_size, "%s = %.80s: %s (%s)", key->name, value, allowed, key->sentence);
}

static int fail_range(const struct tg_key *key, const char *value, char *err, size_t err_size)
{
	char allowed[96];

	snprintf(allowed, sizeof(allowed), "must be a whole number from %llu to %llu%s%s",
		 (unsigned long long)key->min, (unsigned long long)key->max, key->unit ? " " : "",
		 key->unit ? key->unit : "");
	return fail_value(key, value, allowed, err, err_size);
}

static bool parse_uint(const char *text, uint64_t *out)
{
	uint64_t v = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		uint64_t digit = (uint64_t)(*text - '0');
		if (*text < '0' || *text > '9' || v > (UINT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*out = v;
	return true;
}

static bool parse_bool(const char *text, uint64_t *out)
{
	static const char *const words[][2] = {
	    {"off", "on"}, {"no", "yes"}, {"false", "true"}, {"0", "1"}};

	for (uint32_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		for (uint32_t v = 0; v < 2; v++) {
			if (strcmp(text, words[i][v]) != 0)
				continue;
			*out = v;
			return true;
		}
	}
	return false;
}

/* The place of value in "a|b|c", counted from key->min. */
static bool parse_word(const struct tg_key *key, const char *value, uint64_t *out)
{
	const char *at = key->words;
	size_t len = strlen(value);

	for (uint64_t v = key->min; *at; v++) {
		size_t word_len = strcspn(at, "|");
		if (len == word_len && memcmp(at, value, len) == 0) {
			*out = v;
			return true;
		}
		at += word_len + (at[word_len] == '|');
	}
	return false;
}

static void *place(struct tg_settings *s, const struct tg_key *key)
{
	return (uint8_t *)s + key->offset;
}

static void store_uint(struct tg_settings *s, const struct tg_key *key, uint64_t v)
{
	switch (key->size) {
	case 1:
		*(uint8_t *)place(s, key) = (uint8_t)v;
		return;
	case 2:
		*(uint16_t *)place(s, key) = (uint16_t)v;
		return;
	case 4:
		*(uint32_t *)place(s, key) = (uint32_t)v;
		return;
	default:
		assert(key->size == 8);
		*(uint64_t *)place(s, key) = v;
	}
}

bool tg_mac_parse(const char *text, struct tg_mac *mac)
{
	unsigned v[6];
	int end = 0;

	if (strlen(text) != 17 || strspn(text, "0123456789abcdefABCDEF:") != 17)
		return false;
	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5],
		   &end) != 6 ||
	    end != 17)
		return false;
	for (int i = 0; i < 6; i++)
		mac->b[i] = (uint8_t)v[i];
	return !(mac->b[0] & 1) && (v[0] | v[1] | v[2] | v[3] | v[4] | v[5]);
}

static int set_text(struct tg_settings *s, const struct tg_key *key, const char *value, char *err,
		    size_t err_size)
{
	struct tg_mac mac;
	size_t len = strlen(value);

	if (len < 1 || len >= key->size)
		return fail(err, err_size, "%s: must have from 1 to %u characters (%s)", key->name,
			    key->size - 1u, key->sentence);
	/* A text of just this length is a MAC address. */
	if (key->min == 17 && key->max == 17 && !tg_mac_parse(value, &mac))
		return fail_value(key, value, "must be a unicast address like 02:00:00:00:00:01",
				  err, err_size);
	memcpy(place(s, key), value, len + 1);
	return 0;
}

/* --- addresses --- */

static bool is_host_address(const struct tg_addr *a)
{
	static const struct tg_addr unspecified, loopback6 = {{[15] = 1}};

	if (!tg_addr_is_v4(a))
		return a->b[0] != 0xff && !tg_addr_equal(a, &unspecified) &&
		       !tg_addr_equal(a, &loopback6);
	return a->b[12] != 0 && a->b[12] != 127 && a->b[12] < 224;
}

/* The network's and the broadcast address of an IPv4 prefix belong to no host. */
static bool is_prefix_edge(const struct tg_addr *a, uint8_t prefix_len)
{
	if (!tg_addr_is_v4(a) || prefix_len > 30)
		return false;
	uint32_t mask = 0xffffffffu >> prefix_len, host = tg_be32_get(a->b + 12) & mask;

	return host == 0 || host == mask;
}

static int add_port_addr(struct tg_settings *s, const struct tg_key *key, const char *word,
			 char *err, size_t err_size)
{
	struct tg_port_addr pa;

	if (!tg_addr_parse_prefix(word, &pa.addr, &pa.prefix_len))
		return fail_value(key, word,
				  "must be an address with its prefix length, like 192.0.2.1/24 or "
				  "2001:db8::1/64",
				  err, err_size);
	if (!is_host_address(&pa.addr) || is_prefix_edge(&pa.addr, pa.prefix_len))
		return fail_value(key, word, "is not an address that a host can have; use another",
				  err, err_size);
	if (s->addr_is_default)
		s->addr_n = 0;
	s->addr_is_default = false;
	for (uint32_t i = 0; i < s->addr_n; i++)
		if (tg_addr_equal(&s->addr[i].addr, &pa.addr))
			return fail_value(key, word, "is given twice; leave one out", err,
					  err_size);
	if (s->addr_n == key->max)
		return fail_value(key, word, "is one too many; at most 16 are allowed", err,
				  err_size);
	s->addr[s->addr_n++] = pa;
	return 0;
}

static int add_plain_addr(struct tg_addr list[], uint32_t *n, const struct tg_key *key,
			  const char *word, char *err, size_t err_size)
{
	struct tg_addr a;

	if (!tg_addr_parse(word, &a) || !is_host_address(&a))
		return fail_value(key, word,
				  "must be an address of a host, like 192.0.2.1 or 2001:db8::1",
				  err, err_size);
	for (uint32_t i = 0; i < *n; i++)
		if (tg_addr_equal(&list[i], &a))
			return fail_value(key, word, "is given twice; leave one out", err,
					  err_size);
	if (*n == key->max)
		return fail(err, err_size, "%s = %s: is one too many; at most %u are allowed",
			    key->name, word, (unsigned)key->max);
	list[(*n)++] = a;
	return 0;
}

static int add_gateway(struct tg_settings *s, const struct tg_key *key, const char *word, char *err,
		       size_t err_size)
{
	if (add_plain_addr(s->gateway, &s->gateway_n, key, word, err, err_size))
		return -1;
	if (s->gateway_n == 2 && tg_addr_is_v4(&s->gateway[0]) == tg_addr_is_v4(&s->gateway[1])) {
		s->gateway_n--;
		return fail_value(key, word, "is a second one of its family; leave one out", err,
				  err_size);
	}
	return 0;
}

/* True when no bit stands behind the prefix. */
static bool is_network(const struct tg_port_addr *p)
{
	uint32_t from = (tg_addr_is_v4(&p->addr) ? 96u : 0u) + p->prefix_len;

	for (uint32_t i = from; i < 128; i++)
		if (p->addr.b[i / 8] >> (7 - i % 8) & 1)
			return false;
	return true;
}

static int add_allow(struct tg_settings *s, const struct tg_key *key, const char *word, char *err,
		     size_t err_size)
{
	struct tg_port_addr net;

	if (!tg_addr_parse_prefix(word, &net.addr, &net.prefix_len) || !is_network(&net))
		return fail_value(key, word,
				  "must be a network whose address ends with its prefix, like "
				  "192.0.2.0/24 or 2001:db8::/32",
				  err, err_size);
	for (uint32_t i = 0; i < s->allow_n; i++)
		if (s->allow[i].prefix_len == net.prefix_len &&
		    tg_addr_equal(&s->allow[i].addr, &net.addr))
			return fail_value(key, word, "is given twice; leave one out", err,
					  err_size);
	if (s->allow_n == key->max)
		return fail_value(key, word, "is one too many; at most 16 are allowed", err,
				  err_size);
	s->allow[s->allow_n++] = net;
	return 0;
}

static int add_addr(struct tg_settings *s, const struct tg_key *key, const char *word, char *err,
		    size_t err_size)
{
	if (key->type == TG_KEY_PREFIX_LIST)
		return add_allow(s, key, word, err, err_size);
	if (key->offset == offsetof(struct tg_settings, addr))
		return add_port_addr(s, key, word, err, err_size);
	if (key->offset == offsetof(struct tg_settings, gateway))
		return add_gateway(s, key, word, err, err_size);
	if (key->offset == offsetof(struct tg_settings, snat))
		return add_plain_addr(s->snat, &s->snat_n, key, word, err, err_size);
	return add_plain_addr(s->listen_addr, &s->listen_addr_n, key, word, err, err_size);
}

/* The next word of *at into word; false at the end, or (too_long) when it does not fit. */
static bool next_word(const char **at, char word[WORD_MAX], bool *too_long)
{
	static const char blanks[] = " \t\r\n";

	*at += strspn(*at, blanks);
	size_t len = strcspn(*at, blanks);

	*too_long = len >= WORD_MAX;
	if (len == 0 || *too_long)
		return false;
	memcpy(word, *at, len);
	word[len] = '\0';
	*at += len;
	return true;
}

static int set_addr_list(struct tg_settings *s, const struct tg_key *key, const char *value,
			 char *err, size_t err_size)
{
	char word[WORD_MAX];
	bool too_long, any = false;

	while (next_word(&value, word, &too_long)) {
		if (add_addr(s, key, word, err, err_size))
			return -1;
		any = true;
	}
	if (too_long || !any)
		return fail(err, err_size, "%s: needs an address (%s)", key->name, key->sentence);
	return 0;
}

static int set_endpoint_list(struct tg_settings *s, const struct tg_key *key, const char *value,
			     char *err, size_t err_size)
{
	char word[WORD_MAX];
	bool too_long, any = false;

	while (next_word(&value, word, &too_long)) {
		const char *fault = tg_endpoint_add(s, key, word);
		if (fault)
			return fail_value(key, word, fault, err, err_size);
		any = true;
	}
	if (too_long || !any)
		return fail(err, err_size, "%s: needs an address and a port (%s)", key->name,
			    key->sentence);
	return 0;
}

/* --- the calls --- */

static int set_number(struct tg_settings *s, const struct tg_key *key, const char *value, char *err,
		      size_t err_size)
{
	uint64_t v = 0;

	if (key->type == TG_KEY_BOOL && !parse_bool(value, &v))
		return fail_value(key, value, "must be on or off", err, err_size);
	if (key->type == TG_KEY_WORD && !parse_word(key, value, &v)) {
		char allowed[96];
		snprintf(allowed, sizeof(allowed), "must be one of %s", key->words);
		return fail_value(key, value, allowed, err, err_size);
	}
	if (key->type == TG_KEY_UINT && (!parse_uint(value, &v) || v < key->min || v > key->max))
		return fail_range(key, value, err, err_size);
	store_uint(s, key, v);
	return 0;
}

/* "LOW-HIGH" or "ONE", from least on. */
static int parse_range(const struct tg_key *key, const char *value, uint64_t least, uint64_t most,
		       uint32_t range[2], char *err, size_t err_size)
{
	const char *dash = strchr(value, '-');
	size_t len = dash ? (size_t)(dash - value) : strlen(value);
	char text[24] = "", allowed[96];
	uint64_t low = 0, high = 0;

	if (len < sizeof(text))
		memcpy(text, value, len);
	if (!parse_uint(text, &low) || !parse_uint(dash ? dash + 1 : text, &high) || low < least ||
	    high > most || low > high) {
		snprintf(allowed, sizeof(allowed),
			 "must be a number from %llu to %llu, or two with - between, the lower "
			 "first",
			 (unsigned long long)least, (unsigned long long)most);
		return fail_value(key, value, allowed, err, err_size);
	}
	range[0] = (uint32_t)low;
	range[1] = (uint32_t)high;
	return 0;
}

static int set_range(struct tg_settings *s, const struct tg_key *key, const char *value, char *err,
		     size_t err_size)
{
	return parse_range(key, value, key->min, key->max, place(s, key), err, err_size);
}

static int add_kernel_port(struct tg_settings *s, const struct tg_key *key, const char *word,
			   char *err, size_t err_size)
{
	uint32_t range[2];

	if (parse_range(key, word, 1, UINT16_MAX, range, err, err_size))
		return -1;
	if (s->kernel_port_n == key->max)
		return fail_value(key, word, "is one too many; at most 16 are allowed", err,
				  err_size);
	s->kernel_port[s->kernel_port_n++] =
	    (struct tg_port_range){(uint16_t)range[0], (uint16_t)range[1]};
	return 0;
}

static int set_range_list(struct tg_settings *s, const struct tg_key *key, const char *value,
			  char *err, size_t err_size)
{
	char word[WORD_MAX];
	bool too_long, any = false;

	while (next_word(&value, word, &too_long)) {
		if (add_kernel_port(s, key, word, err, err_size))
			return -1;
		any = true;
	}
	if (too_long || !any)
		return fail(err, err_size, "%s: needs a number (%s)", key->name, key->sentence);
	return 0;
}

/* True when value says the same as off, which is all that may be said of what is not built. */
static bool is_off_value(const struct tg_key *key, const char *value)
{
	uint64_t v, off;

	if (!key->off_value)
		return false;
	if (key->type == TG_KEY_BOOL)
		return parse_bool(value, &v) && parse_bool(key->off_value, &off) && v == off;
	return strcmp(value, key->off_value) == 0;
}

/* What is no value at all is told by the type, not by what is not built. */
static bool is_not_built(const struct tg_key *key, const char *value)
{
	uint64_t v;

	if (!key->not_built || is_off_value(key, value))
		return false;
	if (key->type == TG_KEY_BOOL)
		return parse_bool(value, &v);
	return key->type != TG_KEY_WORD || parse_word(key, value, &v);
}

static int set_value(struct tg_settings *s, const struct tg_key *key, const char *value, char *err,
		     size_t err_size)
{
	switch (key->type) {
	case TG_KEY_UINT:
	case TG_KEY_BOOL:
	case TG_KEY_WORD:
		return set_number(s, key, value, err, err_size);
	case TG_KEY_TEXT:
		return set_text(s, key, value, err, err_size);
	case TG_KEY_ADDR:
	case TG_KEY_ADDR_LIST:
	case TG_KEY_PREFIX_LIST:
		return set_addr_list(s, key, value, err, err_size);
	case TG_KEY_RANGE:
		return set_range(s, key, value, err, err_size);
	case TG_KEY_RANGE_LIST:
		return set_range_list(s, key, value, err, err_size);
	case TG_KEY_ENDPOINT_LIST:
		return set_endpoint_list(s, key, value, err, err_size);
	}
	return -1;
}

/* synq_low is three quarters of synq_high, unless it is given itself. */
static void follow(struct tg_settings *s, const struct tg_key *key)
{
	if (key->offset == offsetof(struct tg_settings, synq_low))
		s->synq_low_is_given = true;
	if (key->offset == offsetof(struct tg_settings, synq_high) && !s->synq_low_is_given)
		s->synq_low = s->synq_high * 3 / 4;
}

int tg_settings_set(struct tg_settings *s, uint32_t sections, const char *name, const char *value,
		    char *err, size_t err_size)
{
	const struct tg_key *key = tg_key_find(name, sections);

	if (!key)
		return fail_unknown(name, sections, err, err_size);
	if (is_not_built(key, value))
		return fail(err, err_size, "%s = %.80s: %s", name, value, key->not_built);
	int rc = set_value(s, key, value, err, err_size);

	if (rc == 0)
		follow(s, key);
	return rc;
}

void tg_settings_init(struct tg_settings *s, bool lab)
{
	char err[256];

	memset(s, 0, sizeof(*s));
	s->tcp.linger_ms = -1;
	for (uint32_t i = 0; i < tg_key_n; i++) {
		const struct tg_key *key = &tg_keys[i];
		const char *dflt = lab && key->lab_dflt ? key->lab_dflt : key->dflt;
		if (!*dflt || !key->size ||
		    key->offset == offsetof(struct tg_settings, listen_port))
			continue;
		int rc = set_value(s, key, dflt, err, sizeof(err));
		assert(rc == 0);
		(void)rc;
	}
	s->addr_is_default = s->addr_n > 0;
}

int tg_settings_words(struct tg_settings *s, uint32_t sections, const char *words, char *err,
		      size_t err_size)
{
	char word[WORD_MAX];
	bool too_long;

	while (next_word(&words, word, &too_long)) {
		char *equals = strchr(word, '=');
		if (!equals)
			return fail(err, err_size, "%.64s: write it as key=value", word);
		*equals = '\0';
		if (tg_settings_set(s, sections, word, equals + 1, err, err_size))
			return -1;
	}
	if (too_long)
		return fail(err, err_size, "an option has over %d characters; shorten it",
			    WORD_MAX - 1);
	return 0;
}

/* --- between keys --- */

static bool has_v6(const struct tg_settings *s)
{
	for (uint32_t i = 0; i < s->addr_n; i++)
		if (!tg_addr_is_v4(&s->addr[i].addr))
			return true;
	return false;
}

static int check_engine(const struct tg_settings *s, char *err, size_t err_size)
{
	if (s->connections_ipv6 > s->connections)
		return fail(err, err_size,
			    "connections_ipv6 = %u is above connections = %u: lower it, or use 0",
			    s->connections_ipv6, s->connections);
	if (s->moving > s->connections)
		return fail(err, err_size,
			    "moving = %u is above connections = %u: lower it, or use 0", s->moving,
			    s->connections);
	if (s->source_burst && !s->source_rate)
		return fail(err, err_size,
			    "source_burst = %u says nothing without source_rate: give that, too",
			    s->source_burst);
	if (s->workers > s->connections)
		return fail(err, err_size,
			    "workers = %u is above connections = %u: each worker needs one",
			    s->workers, s->connections);
	return 0;
}

/* Where the kernel's own end has a name, it is the operator's to give: it needs an address. */
static bool is_nameless(const char *kernel)
{
	bool named = strstr(kernel, ",iface=") != NULL;

	return !named &&
	       (strncmp(kernel, "net_tap", 7) == 0 || strncmp(kernel, "net_virtio_user", 15) == 0);
}

static int check_kernel(const struct tg_settings *s, char *err, size_t err_size)
{
	if (s->kernel_port_n && !s->kernel[0])
		return fail(err, err_size,
			    "kernel_ports needs a kernel behind this port: add `kernel = ` "
			    "with a device, like net_tap1,iface=tgk0");
	if (is_nameless(s->kernel))
		return fail(
		    err, err_size,
		    "kernel = %.80s: name the interface that it makes, like %.32s,iface=tgk0",
		    s->kernel, s->kernel);
	return 0;
}

static int check_port(const struct tg_settings *s, char *err, size_t err_size)
{
	char text[46];

	if (check_kernel(s, err, err_size))
		return -1;

	if (has_v6(s) && s->mtu < 1280)
		return fail(err, err_size,
			    "mtu = %u: IPv6 needs 1280 or more; raise it, or drop the IPv6 address",
			    s->mtu);
	for (uint32_t i = 0; i < s->gateway_n; i++) {
		const struct tg_addr *g = &s->gateway[i];
		bool near = tg_addr_is_link_local6(g);
		for (uint32_t k = 0; k < s->addr_n && !near; k++)
			near = tg_addr_is_v4(g) == tg_addr_is_v4(&s->addr[k].addr) &&
			       tg_addr_in_prefix(g, &s->addr[k].addr, s->addr[k].prefix_len);
		if (!near)
			return fail(err, err_size,
				    "gateway = %s lies in no network of this port: give an address "
				    "with the gateway's prefix",
				    tg_addr_format(g, text, sizeof(text)));
	}
	return 0;
}

static int check_listener(const struct tg_settings *s, char *err, size_t err_size)
{
	if (s->synq_low > s->synq_high)
		return fail(err, err_size,
			    "synq_low = %u is above synq_high = %u: it must be at most that",
			    s->synq_low, s->synq_high);
	return 0;
}

static int check_conn(const struct tg_settings *s, char *err, size_t err_size)
{
	if (s->tcp.mss_max != 0 && s->tcp.mss_max < 48)
		return fail(err, err_size, "mss_max = %u: must be 0 (from the MTU), or 48 to 65535",
			    s->tcp.mss_max);
	if (s->tcp.maxseg != 0 && s->tcp.maxseg < 48)
		return fail(err, err_size, "maxseg = %u: must be 0 (none), or 48 to 65535",
			    s->tcp.maxseg);
	return 0;
}

int tg_settings_check(const struct tg_settings *s, uint32_t sections, char *err, size_t err_size)
{
	if ((sections & (TG_KEY_ENGINE | TG_KEY_LAB)) && check_engine(s, err, err_size))
		return -1;
	if ((sections & (TG_KEY_PORT | TG_KEY_LAB)) && check_port(s, err, err_size))
		return -1;
	if ((sections & (TG_KEY_LISTENER | TG_KEY_LAB | TG_KEY_LAB_LISTEN)) &&
	    check_listener(s, err, err_size))
		return -1;
	if ((sections & (TG_KEY_LISTENER | TG_KEY_CONN | TG_KEY_LAB)) &&
	    check_conn(s, err, err_size))
		return -1;
	return 0;
}

/* --- settings to an engine --- */

static uint32_t share(uint64_t all, uint32_t workers, uint32_t least)
{
	uint64_t n = (all + workers - 1) / workers;

	return n < least ? least : n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

void tg_settings_engine(const struct tg_settings *s, uint32_t workers, struct tg_engine_conf *conf)
{
	uint64_t chunks_per_mb = (1 << 20) / 2048;
	uint32_t least_moving;

	conf->conn_max = share(s->connections, workers, 1);
	conf->ipv6_max =
	    s->connections_ipv6 ? share(s->connections_ipv6, workers, 1) : conf->conn_max;
	conf->tw_max = s->time_wait ? share(s->time_wait, workers, 1) : conf->conn_max;
	least_moving = conf->conn_max < 4096 ? conf->conn_max : 4096;
	conf->ext_max = s->moving ? share(s->moving, workers, 1)
				  : share(s->connections / 8, workers, least_moving);
	conf->chunk_max = s->buffer_mb ? share(s->buffer_mb * chunks_per_mb, workers, 16)
				       : share((uint64_t)conf->ext_max * 8, 1, 2048);
	conf->neigh_max = s->neighbours;
	conf->msl_ms = s->msl_ms;
	conf->challenge_ms = s->challenge_ms;
	conf->pmtu_min_v4 = (uint16_t)s->pmtu_min_v4;
	conf->rst_rate = workers > 1 && s->rst_rate ? share(s->rst_rate, workers, 1) : s->rst_rate;
	conf->zero_window_ms = s->zero_window_ms;
	conf->source_max = s->source_max;
	conf->cookie_guess_max = s->cookie_guess_max;
	conf->source_rate = s->source_rate;
	conf->source_burst = s->source_burst ? s->source_burst : s->source_rate;
	conf->source_refuse = (uint8_t)s->source_refuse;
	conf->splice_idle_ms = s->splice_idle_ms;
}

void tg_settings_listener(const struct tg_settings *s, struct tg_listener_conf *conf)
{
	memcpy(conf->allow, s->allow, sizeof(conf->allow));
	conf->allow_n = s->allow_n;
	conf->allow_port_low = (uint16_t)s->allow_port[0];
	conf->allow_port_high = (uint16_t)s->allow_port[1];
	conf->refuse = (uint8_t)s->refuse;
	conf->bogons = (uint8_t)s->bogons;
}

void tg_settings_kernel(const struct tg_settings *s, struct tg_port_conf *conf)
{
	memcpy(conf->kernel_port, s->kernel_port, sizeof(conf->kernel_port));
	conf->kernel_port_n = s->kernel_port_n;
	conf->kernel_rate = s->kernel_rate;
}
