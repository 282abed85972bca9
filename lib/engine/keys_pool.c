/* SPDX-License-Identifier: BSD-3-Clause */
/* keys_pool.c: places of TCP in a configuration: VIPs, and backends with their weights. */
#include "tg_keys.h"

#include <stdio.h>
#include <stdlib.h>

enum { TEXT_MAX = 64, WEIGHT_DFLT = 10 };

/* A whole number of at most five digits, low..high, out of text up to end. */
static bool parse_number(const char *text, const char *end, uint32_t low, uint32_t high,
			 uint16_t *out)
{
	uint32_t v = 0;

	if (text == end || end - text > 5)
		return false;
	for (; text < end; text++) {
		if (*text < '0' || *text > '9')
			return false;
		v = v * 10 + (uint32_t)(*text - '0');
	}
	*out = (uint16_t)v;
	return v >= low && v <= high;
}

/* Where the address ends and the port begins: behind the brackets, or at the only colon. */
static const char *find_colon(const char *text, const char **from, const char **to)
{
	const char *close = strchr(text, ']'), *colon = strchr(text, ':');

	*from = text[0] == '[' ? text + 1 : text;
	*to = text[0] == '[' ? close : colon;
	if (text[0] == '[')
		return close && close[1] == ':' ? close + 1 : NULL;
	return colon && !strchr(colon + 1, ':') ? colon : NULL;
}

bool tg_endpoint_parse(const char *text, bool weighted, struct tg_backend_conf *out)
{
	const char *from, *to, *colon = find_colon(text, &from, &to);
	const char *star = weighted ? strchr(text, '*') : NULL, *end = text + strlen(text);
	char addr[TEXT_MAX];

	*out = (struct tg_backend_conf){.weight = WEIGHT_DFLT};
	if (!colon || to - from >= TEXT_MAX || (star && star < colon))
		return false;
	memcpy(addr, from, (size_t)(to - from));
	addr[to - from] = '\0';
	if (!tg_addr_parse(addr, &out->addr) || tg_addr_is_v4(&out->addr) == (text[0] == '['))
		return false;
	if (star && !parse_number(star + 1, end, 0, TG_WEIGHT_MAX, &out->weight))
		return false;
	return parse_number(colon + 1, star ? star : end, 1, UINT16_MAX, &out->port);
}

const char *tg_endpoint_format(const struct tg_addr *addr, uint16_t port, char *buf, size_t size)
{
	bool v4 = tg_addr_is_v4(addr);
	char text[TEXT_MAX];

	snprintf(buf, size, "%s%s%s:%u", v4 ? "" : "[", tg_addr_format(addr, text, sizeof(text)),
		 v4 ? "" : "]", port);
	return buf;
}

const char *tg_endpoint_add(struct tg_settings *s, const struct tg_key *key, const char *word)
{
	bool is_vip = key->offset == offsetof(struct tg_settings, vip);
	struct tg_backend_conf *list = is_vip ? s->vip : s->backend, one;
	uint32_t *n = is_vip ? &s->vip_n : &s->backend_n;

	if (!tg_endpoint_parse(word, !is_vip, &one))
		return is_vip ? "must be an address and a port, like 192.0.2.10:80 or "
				"[2001:db8::10]:80"
			      : "must be an address and a port, and may have a weight from 0 to "
				"100, like 10.1.0.11:8080 or [2001:db8:1::11]:8080*20";
	for (uint32_t i = 0; i < *n; i++)
		if (list[i].port == one.port && tg_addr_equal(&list[i].addr, &one.addr))
			return "is given twice; leave one out";
	if (*n == key->max)
		return is_vip ? "is one too many; at most 8 are allowed"
			      : "is one too many; at most 64 are allowed";
	list[(*n)++] = one;
	return NULL;
}

void tg_settings_pool(const struct tg_settings *s, struct tg_pool_conf *conf)
{
	conf->mode = (uint8_t)s->mode;
	conf->dead = (uint8_t)s->dead;
	conf->hash_source = s->hash == TG_HASH_SOURCE;
	conf->rise = (uint8_t)s->rise;
	conf->fall = (uint8_t)s->fall;
	conf->check_ms = s->check_ms;
	conf->check_timeout_ms = s->check_timeout_ms;
	memcpy(conf->backend, s->backend, sizeof(conf->backend));
	conf->backend_n = s->backend_n;
	memcpy(conf->snat, s->snat, sizeof(conf->snat));
	conf->snat_n = s->snat_n;
}
