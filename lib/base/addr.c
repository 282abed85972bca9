/* SPDX-License-Identifier: BSD-3-Clause */
/* addr.c: addresses and prefixes as text. */
#include "tg_types.h"

#include <arpa/inet.h>
#include <sys/socket.h>

bool tg_addr_parse(const char *text, struct tg_addr *out)
{
	uint8_t v4[4];

	if (inet_pton(AF_INET, text, v4) == 1) {
		*out = tg_addr_from_v4(v4);
		return true;
	}
	return inet_pton(AF_INET6, text, out->b) == 1;
}

const char *tg_addr_format(const struct tg_addr *a, char *buf, size_t size)
{
	const char *done;

	if (size == 0)
		return buf;
	if (tg_addr_is_v4(a))
		done = inet_ntop(AF_INET, a->b + 12, buf, (socklen_t)size);
	else
		done = inet_ntop(AF_INET6, a->b, buf, (socklen_t)size);
	if (!done)
		buf[0] = '\0';
	return buf;
}

/* Decimal digits only, no sign, no blanks, at most three: strtoul would accept all of those. */
static bool parse_len(const char *text, uint8_t max, uint8_t *len)
{
	unsigned v = 0, n = 0;

	for (; text[n] >= '0' && text[n] <= '9' && n < 3; n++)
		v = v * 10 + (unsigned)(text[n] - '0');
	if (n == 0 || text[n] != '\0' || v > max)
		return false;
	*len = (uint8_t)v;
	return true;
}

bool tg_addr_parse_prefix(const char *text, struct tg_addr *out, uint8_t *prefix_len)
{
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	char host[INET6_ADDRSTRLEN];

	if (n >= sizeof(host))
		return false;
	memcpy(host, text, n);
	host[n] = '\0';
	if (!tg_addr_parse(host, out))
		return false;
	*prefix_len = tg_addr_is_v4(out) ? 32 : 128;
	return !slash || parse_len(slash + 1, *prefix_len, prefix_len);
}

bool tg_addr_in_prefix(const struct tg_addr *a, const struct tg_addr *net, uint8_t prefix_len)
{
	/* An IPv4 prefix lies behind the 96 bits of the mapped form, which also keep the families
	 * apart; ::/0 must not swallow them. */
	bool v4 = tg_addr_is_v4(net);
	unsigned bits = v4 ? 96u + prefix_len : prefix_len;
	unsigned whole = bits / 8, rest = bits % 8;

	if (tg_addr_is_v4(a) != v4 || bits > 128 || memcmp(a->b, net->b, whole) != 0)
		return false;
	if (rest == 0)
		return true;
	return ((a->b[whole] ^ net->b[whole]) & (uint8_t)(0xff00u >> rest)) == 0;
}
