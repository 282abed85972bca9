/* SPDX-License-Identifier: BSD-3-Clause */
/* lab_offload.c: what a network card does to a frame that asks for it: the checksums, and a frame
 * of many segments cut into frames of one (DT-34). Written from what cards are documented to do,
 * not from the engine: each piece gets the headers of the whole, its own SEQ, lengths and
 * checksums, an IPv4 identification that counts on; FIN and PSH stay with the last, CWR with the
 * first. */
#include "lab_int.h"

enum { IP4 = 20, IP6 = 40, TCP_FLAGS = 13, FIN = 0x01, PSH = 0x08, CWR = 0x80 };

static uint32_t add(uint32_t sum, const uint8_t *p, uint32_t n)
{
	for (uint32_t i = 0; i + 1 < n; i += 2)
		sum += tg_be16_get(p + i);
	if (n & 1)
		sum += (uint32_t)p[n - 1] << 8;
	return (sum & 0xffff) + (sum >> 16);
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* ip: header of l3 bytes; len: of the IP payload. */
static void tcp_csum(uint8_t *ip, uint32_t l3, uint32_t len)
{
	uint8_t *tcp = ip + l3;
	uint32_t sum = l3 == IP6 ? add(0, ip + 8, 32) : add(0, ip + 12, 8);

	tg_be16_put(tcp + 16, 0);
	tg_be16_put(tcp + 16, fold(add(sum + TG_PROTO_TCP + len, tcp, len)));
}

static void ip_csum(uint8_t *ip)
{
	tg_be16_put(ip + 10, 0);
	tg_be16_put(ip + 10, fold(add(0, ip, IP4)));
}

static void checksums(const struct tg_pkt *pkt, uint8_t *frame, uint32_t len)
{
	uint8_t *ip = frame + pkt->l2_len;

	if (pkt->tx_flags & TG_TX_IP_CSUM)
		ip_csum(ip);
	if (pkt->tx_flags & TG_TX_TCP_CSUM)
		tcp_csum(ip, pkt->l3_len, len - pkt->l2_len - pkt->l3_len);
}

uint32_t lab_offload_pieces(const struct tg_pkt *pkt)
{
	uint32_t text = pkt->len - pkt->l2_len - pkt->l3_len - pkt->l4_len;

	if (!(pkt->tx_flags & TG_TX_TSO))
		return 1;
	return (text + pkt->tso_mss - 1) / pkt->tso_mss;
}

uint32_t lab_offload_piece(const struct tg_pkt *pkt, uint32_t i, uint8_t *frame)
{
	uint32_t hdrs = (uint32_t)pkt->l2_len + pkt->l3_len + pkt->l4_len;
	uint32_t at = i * pkt->tso_mss, left = pkt->len - hdrs - at;
	uint32_t text = left < pkt->tso_mss ? left : pkt->tso_mss;
	uint8_t *ip = frame + pkt->l2_len, *tcp = ip + pkt->l3_len;

	memcpy(frame, pkt->data, hdrs);
	memcpy(frame + hdrs, pkt->data + hdrs + at, text);
	tg_be32_put(tcp + 4, tg_be32_get(tcp + 4) + at);
	if (left > text)
		tcp[TCP_FLAGS] &= (uint8_t) ~(FIN | PSH);
	if (i > 0)
		tcp[TCP_FLAGS] &= (uint8_t)~CWR;
	if (pkt->l3_len == IP6) {
		tg_be16_put(ip + 4, (uint16_t)(pkt->l4_len + text));
	} else {
		tg_be16_put(ip + 2, (uint16_t)(IP4 + pkt->l4_len + text));
		tg_be16_put(ip + 4, (uint16_t)(tg_be16_get(ip + 4) + i));
		ip_csum(ip);
	}
	tcp_csum(ip, pkt->l3_len, pkt->l4_len + text);
	return hdrs + text;
}

void lab_offload_csum(const struct tg_pkt *pkt)
{
	if (pkt->tx_flags)
		checksums(pkt, pkt->data, pkt->len);
}
