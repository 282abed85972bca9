/* SPDX-License-Identifier: BSD-3-Clause */
/* test_headers.c: the IP headers of what the lab sends (LN-22), and what it never answers (LN-20).
 */
#include "lab_icmp.h"

#include <arpa/inet.h>

enum { TCP = 6, UDP = 17, PACKETS = 64 };

/* What an IP header said. */
struct header {
	uint8_t ttl, dscp;
	uint16_t id, frag;
	uint32_t label;
};

/* The next datagram's; false: there is none. */
static bool header_next(struct host *h, struct header *out)
{
	size_t len = host_next_raw(h, &(uint64_t){0});
	const uint8_t *d = h->buf;

	if (!len)
		return false;
	if (h->v6) {
		*out = (struct header){
		    .ttl = d[7],
		    .dscp = (uint8_t)((d[0] << 4 | d[1] >> 4) & 0xff) >> 2,
		    .label = (uint32_t)(d[1] & 15) << 16 | (uint32_t)d[2] << 8 | d[3],
		};
		return true;
	}
	*out = (struct header){
	    .ttl = d[8],
	    .dscp = d[1] >> 2,
	    .id = (uint16_t)(d[4] << 8 | d[5]),
	    .frag = (uint16_t)(d[6] << 8 | d[7]),
	};
	return true;
}

/* A connection from port rport, opened without reading what the lab says; then text and a reset.
 * The headers of all that came. */
static uint32_t talk(struct host *h, uint16_t rport, struct header got[PACKETS])
{
	uint8_t text[12000] = {0};
	struct seg s = {.flags = SYN, .seq = h->irs};
	uint32_t n = 0;

	h->rport = rport;
	h->win = 60000;
	s.win = h->win;
	host_send(h, &s);
	expect_true("SE-01", header_next(h, &got[n++]), "a SYN-ACK came");
	const uint8_t *t = h->buf + host_l4(h);
	h->nxt = ((uint32_t)t[4] << 24 | (uint32_t)t[5] << 16 | (uint32_t)t[6] << 8 | t[7]) + 1;
	send_flags(h, ACK, h->irs + 1, h->nxt);
	h->sock = tg_lab_accept(h->lab, h->listener);
	expect_true("EST-03", tg_lab_write(h->lab, h->sock, text, sizeof(text)) > 0,
		    "text is taken");
	while (n < PACKETS && header_next(h, &got[n]))
		n++;
	send_text(h, ACK, h->irs + 1, h->nxt, 10);
	host_pass(h, 300); /* an ACK, and text again */
	while (n < PACKETS && header_next(h, &got[n]))
		n++;
	tg_lab_abort(h->lab, h->sock);
	h->sock = -1;
	while (n < PACKETS && header_next(h, &got[n]))
		n++;
	return n;
}

static void test_connection_headers_asTold(void)
{
	struct header a[PACKETS], b[PACKETS];
	struct host h;

	host_init(&h, "ttl=33 dscp=10");
	host_listen(&h, NULL);
	uint32_t n = talk(&h, 41000, a), m = talk(&h, 41001, b);
	expect_true("LN-22", n > 10 && m > 10, "enough was sent");
	for (uint32_t i = 0; i < n; i++) {
		expect_eq("LN-22", a[i].ttl, 33, "TTL or hop limit");
		expect_eq("LN-22", a[i].dscp, 10, "DSCP");
		expect_eq("LN-22", a[i].label, a[0].label, "flow label of the connection");
		expect_eq("LN-22", a[i].frag, h.v6 ? 0 : 0x4000, "DF, and no fragment");
	}
	if (h.v6) {
		expect_true("LN-22", a[0].label != 0, "there is a flow label");
		expect_true("LN-22", a[0].label != b[0].label, "another connection has another");
	}
	host_fini(&h);
}

/* RB-13, RFC 6864: identification is no counter, of all that is sent or of one connection. */
static void test_connection_identification_tellsNothing(void)
{
	struct header a[PACKETS];
	struct host h;
	uint32_t near = 0;

	if (host_v6)
		return;
	host_init(&h, NULL);
	host_listen(&h, NULL);
	uint32_t n = talk(&h, 41000, a);
	for (uint32_t i = 1; i < n; i++)
		near += (uint16_t)(a[i].id - a[i - 1].id) < 256;
	expect_true("LN-22", n > 10 && near <= n / 4, "identifications do not count up");
	host_fini(&h);
}

/* --- LN-20 --- */

static size_t datagram(const struct host *h, const char *src, const char *dst, uint8_t proto,
		       uint16_t frag, uint8_t *d)
{
	size_t at = host_l4(h), len = at + 32;

	memset(d, 0, 100);
	memset(d + at, 0x55, 32);
	if (h->v6) {
		d[0] = 0x60;
		d[5] = 32;
		d[6] = frag ? 44 : proto;
		d[7] = 64;
		inet_pton(AF_INET6, src, d + 8);
		inet_pton(AF_INET6, dst, d + 24);
		if (frag) {
			d[at] = proto;
			d[at + 2] = (uint8_t)(frag >> 5);
			d[at + 3] = (uint8_t)(frag << 3);
		}
		return len;
	}
	d[0] = 0x45;
	d[3] = (uint8_t)len;
	d[6] = (uint8_t)(frag >> 8);
	d[7] = (uint8_t)frag;
	d[8] = 64;
	d[9] = proto;
	inet_pton(AF_INET, src, d + 12);
	inet_pton(AF_INET, dst, d + 16);
	host_fix_ip_csum(d);
	return len;
}

/* RFC 1122 3.2.2, RFC 4443 2.4 (e): none of these may draw an ICMP error; we send none at all. */
static void test_host_triggersOfErrors_neverAnswered(void)
{
	struct host h;
	uint8_t d[100];
	host_init(&h, NULL);
	const char *const us = h.laddr, *const peer = h.raddr;
	const struct {
		const char *what, *src, *dst;
		uint8_t proto;
		uint16_t frag;
	} row[] = {
	    {"unknown protocol", peer, us, 253, 0},
	    {"UDP to a closed port", peer, us, UDP, 0},
	    {"to a group", peer, h.v6 ? "ff02::1" : "224.0.0.1", UDP, 0},
	    {"to the broadcast address", peer, h.v6 ? "ff02::1" : "192.168.255.255", UDP, 0},
	    {"to everybody", peer, h.v6 ? "ff0e::1" : "255.255.255.255", UDP, 0},
	    {"a later fragment", peer, us, UDP, 5},
	    {"a later fragment of TCP", peer, us, TCP, 5},
	    {"from nowhere", h.v6 ? "::" : "0.0.0.0", us, UDP, 0},
	    {"from a group", h.v6 ? "ff02::5" : "224.0.0.5", us, UDP, 0},
	    {"from ourselves", us, us, UDP, 0},
	    {"from loopback", h.v6 ? "::1" : "127.0.0.1", us, UDP, 0},
	    {"for somebody else", peer, h.v6 ? "2001:db8::7" : "192.0.2.7", UDP, 0},
	};

	for (size_t i = 0; i < TG_TEST_N(row); i++) {
		size_t len = datagram(&h, row[i].src, row[i].dst, row[i].proto, row[i].frag, d);
		host_send_raw(&h, d, len);
		expect_eq("LN-20", host_drain(&h), 0, row[i].what);
	}
	expect_eq("LN-20", host_drops(&h), TG_TEST_N(row), "each is dropped and counted");
	host_fini(&h);
}

static const struct tg_test tests[] = {
    {"test_connection_headers_asTold", test_connection_headers_asTold},
    {"test_connection_identification_tellsNothing", test_connection_identification_tellsNothing},
    {"test_host_triggersOfErrors_neverAnswered", test_host_triggersOfErrors_neverAnswered},
};

int main(int argc, char **argv)
{
	return host_main("conformance-headers", tests, TG_TEST_N(tests), argc, argv);
}
