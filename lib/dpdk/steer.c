/* SPDX-License-Identifier: BSD-3-Clause */
#include "tg_steer.h"

#include "tg_link.h"

#include <assert.h>

enum { KEY_WORD = 0x6d5a, EXT_MAX = 8 };

static uint32_t word_hash(uint16_t word)
{
	uint32_t key = (uint32_t)KEY_WORD << 16 | KEY_WORD, hash = 0;
	for (int bit = 0; bit < 16; bit++) {
		if (word & (0x8000 >> bit))
			hash ^= bit ? key << bit | key >> (32 - bit) : key;
	}
	return hash;
}

void tg_steer_init(struct tg_steer *s, uint16_t worker_n)
{
	for (uint32_t i = 0; i < 256; i++) {
		s->high[i] = word_hash((uint16_t)(i << 8));
		s->low[i] = word_hash((uint16_t)i);
	}
	s->worker_n = worker_n;
	for (uint32_t i = 0; i < TG_STEER_SLOTS; i++)
		s->owner[i] = (uint16_t)(i % worker_n);
	s->by_client = false;
	s->home_n = 0;
	memset(s->home, 0, sizeof(s->home));
}

void tg_steer_key(uint8_t *key, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		key[i] = (uint8_t)(i & 1 ? KEY_WORD & 0xff : KEY_WORD >> 8);
}

static uint16_t fold(const uint8_t *p, uint32_t n)
{
	uint16_t x = 0;
	for (uint32_t i = 0; i < n; i += 2)
		x ^= tg_be16_get(p + i);
	return x;
}

static uint32_t hash_of(const struct tg_steer *s, uint16_t x)
{
	return s->high[x >> 8] ^ s->low[x & 0xff];
}

/* TD-31, LN-23: the same for both directions and for as long as the process runs, so a tuple's
 * TIME-WAIT and its timers lie where its next packet comes. */
static uint16_t owner_of(const struct tg_steer *s, uint16_t x)
{
	return s->owner[hash_of(s, x) % TG_STEER_SLOTS];
}

/* Both addresses of a tuple have the same form, so the words of a mapped IPv4 prefix cancel out:
 * IPv4 and IPv6 need no two ways. */
uint32_t tg_steer_hash(const struct tg_steer *s, const struct tg_tuple *t)
{
	uint16_t x = fold(t->laddr.b, 16) ^ fold(t->raddr.b, 16) ^ t->lport ^ t->rport;
	return hash_of(s, x);
}

/* --- by the client's address --- */

void tg_steer_by_client(struct tg_steer *s, const struct tg_sipkey *key)
{
	s->by_client = true;
	s->key = *key;
}

static_assert(TG_STEER_HOME_SLOTS == 1 << 10, "ten bits are left of the product");

/* Where addr and port stand, or the free place where they would. The table is never full. */
static uint32_t home_slot(const struct tg_steer *s, const struct tg_addr *addr, uint16_t port)
{
	uint64_t word[2];

	memcpy(word, addr->b, sizeof(word));
	uint32_t at = (uint32_t)(((word[0] ^ word[1] ^ port) * 0x9e3779b97f4a7c15ull) >> 54);

	while (s->home[at].used &&
	       (s->home[at].port != port || !tg_addr_equal(&s->home[at].addr, addr)))
		at = (at + 1) % TG_STEER_HOME_SLOTS;
	return at;
}

static bool is_home(const struct tg_steer *s, const struct tg_addr *addr, uint16_t port)
{
	return s->home[home_slot(s, addr, port)].used;
}

static bool add_home(struct tg_steer *s, const struct tg_addr *addr, uint16_t port)
{
	uint32_t at = home_slot(s, addr, port);

	if (s->home[at].used)
		return true;
	if (s->home_n == TG_STEER_HOME_MAX)
		return false;
	s->home_n++;
	s->home[at] = (struct tg_steer_home){.addr = *addr, .port = port, .used = true};
	return true;
}

bool tg_steer_add_own(struct tg_steer *s, const struct tg_addr *addr)
{
	return add_home(s, addr, 0);
}

bool tg_steer_add_vip(struct tg_steer *s, const struct tg_addr *addr, uint16_t port)
{
	return add_home(s, addr, port);
}

/* Two words always: there is no length to be hashed with them. */
static uint16_t owner_of_client(const struct tg_steer *s, const struct tg_addr *client)
{
	uint64_t word[2];

	memcpy(word, client->b, sizeof(word));
	return s->owner[tg_siphash13_2(&s->key, word[0], word[1]) % TG_STEER_SLOTS];
}

uint16_t tg_steer_owner(const struct tg_steer *s, const struct tg_tuple *t)
{
	if (!s->by_client)
		return s->owner[tg_steer_hash(s, t) % TG_STEER_SLOTS];
	if (is_home(s, &t->laddr, t->lport))
		return owner_of_client(s, &t->raddr);
	/* What is never routed is for us. */
	if (is_home(s, &t->laddr, 0) || tg_addr_is_link_local6(&t->laddr))
		return s->owner[tg_steer_hash(s, t) % TG_STEER_SLOTS];
	return owner_of_client(s, &t->laddr);
}

/* --- frames --- */

/* What of an IP packet steers it: the addresses, the protocol and where its header is. */
struct ip_view {
	uint16_t addrs;     /* exclusive-or of all address words */
	const uint8_t *src; /* and the destination behind it: 4 bytes each, or 16 */
	bool v6;
	uint8_t proto;
	const uint8_t *l4;
	uint32_t l4_len;
};

static bool view_ip4(const uint8_t *p, uint32_t len, struct ip_view *v)
{
	if (len < TG_IP4_LEN || p[0] >> 4 != 4)
		return false;
	uint32_t hdr = (uint32_t)(p[0] & 15) * 4;
	if (hdr < TG_IP4_LEN || hdr > len || (tg_be16_get(p + 6) & 0x1fff))
		return false;
	*v = (struct ip_view){fold(p + 12, 8), p + 12, false, p[9], p + hdr, len - hdr};
	return true;
}

static bool is_ext(uint8_t proto)
{
	return proto == 0 || proto == 43 || proto == 44 || proto == 60;
}

static bool view_ip6(const uint8_t *p, uint32_t len, struct ip_view *v)
{
	if (len < TG_IP6_LEN || p[0] >> 4 != 6)
		return false;
	uint32_t at = TG_IP6_LEN;
	uint8_t proto = p[6];
	for (int i = 0; i < EXT_MAX && is_ext(proto); i++) {
		if (at + 8 > len)
			return false;
		if (proto == 44 && (tg_be16_get(p + at + 2) & 0xfff8))
			return false;
		uint32_t ext = proto == 44 ? 8 : ((uint32_t)p[at + 1] + 1) * 8;
		proto = p[at];
		at += ext;
		if (at > len)
			return false;
	}
	*v = (struct ip_view){fold(p + 8, 32), p + 8, true, proto, p + at, len - at};
	return true;
}

static bool view_ip(const uint8_t *p, uint32_t len, struct ip_view *v)
{
	if (len == 0)
		return false;
	return p[0] >> 4 == 4 ? view_ip4(p, len, v) : view_ip6(p, len, v);
}

/* As what comes in has it: its destination is l. */
static struct tg_tuple tuple_of(const struct ip_view *v)
{
	uint16_t sport = tg_be16_get(v->l4), dport = tg_be16_get(v->l4 + 2);

	if (v->v6)
		return (struct tg_tuple){tg_addr_from_v6(v->src + 16), tg_addr_from_v6(v->src),
					 dport, sport};
	return (struct tg_tuple){tg_addr_from_v4(v->src + 4), tg_addr_from_v4(v->src), dport,
				 sport};
}

static uint16_t tcp_owner(const struct tg_steer *s, const struct ip_view *v)
{
	if (v->l4_len < 4)
		return 0;
	if (!s->by_client)
		return owner_of(s, v->addrs ^ fold(v->l4, 4));
	struct tg_tuple t = tuple_of(v);

	return tg_steer_owner(s, &t);
}

/* What an ICMP error quotes went the other way. */
static uint16_t quoted_owner(const struct tg_steer *s, const struct ip_view *v)
{
	if (!s->by_client || v->l4_len < 4)
		return tcp_owner(s, v);
	struct tg_tuple t = tuple_of(v);
	struct tg_tuple back = {t.raddr, t.laddr, t.rport, t.lport};

	return tg_steer_owner(s, &back);
}

static bool is_error(const struct ip_view *v)
{
	uint8_t type = v->l4[0];
	if (v->proto == TG_PROTO_ICMP6)
		return type < 128;
	return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

static uint16_t icmp_owner(const struct tg_steer *s, const struct ip_view *v)
{
	struct ip_view quoted;
	if (v->l4_len < 8)
		return 0;
	if (v->proto == TG_PROTO_ICMP6 && v->l4[0] >= 133 && v->l4[0] <= 137)
		return TG_STEER_ALL;
	if (!is_error(v) || !view_ip(v->l4 + 8, v->l4_len - 8, &quoted))
		return 0;
	return quoted.proto == TG_PROTO_TCP ? quoted_owner(s, &quoted) : 0;
}

uint16_t tg_steer_frame(const struct tg_steer *s, const uint8_t *data, uint32_t len)
{
	struct ip_view v;
	uint32_t at = TG_ETH_LEN;
	if (len < TG_ETH_LEN)
		return 0;
	uint16_t type = tg_be16_get(data + 12);
	if (type == TG_ETHERTYPE_VLAN && len >= TG_ETH_LEN + TG_VLAN_LEN) {
		type = tg_be16_get(data + 16);
		at += TG_VLAN_LEN;
	}
	if (type == TG_ETHERTYPE_ARP)
		return TG_STEER_ALL;
	if (type != TG_ETHERTYPE_IP4 && type != TG_ETHERTYPE_IP6)
		return 0;
	if (!view_ip(data + at, len - at, &v))
		return 0;
	if (v.proto == TG_PROTO_TCP)
		return tcp_owner(s, &v);
	return v.proto == TG_PROTO_ICMP || v.proto == TG_PROTO_ICMP6 ? icmp_owner(s, &v) : 0;
}
