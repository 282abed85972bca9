/* SPDX-License-Identifier: BSD-3-Clause */
#include "watch.h"

#include <inttypes.h>
#include <string.h>

enum { SNAP = 130, FIN = 1, SYN = 2, RST = 4, ACK = 16 };

static uint32_t be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
static uint32_t be16(const unsigned char *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

bool watch_open(struct watch *w, const char *pcap)
{
	/* The nanosecond form of the classic file, Ethernet. */
	const uint32_t head[6] = {0xa1b23c4d, 4 << 16 | 2, 0, 0, SNAP, 1};

	memset(w, 0, sizeof(*w));
	if (!pcap)
		return true;
	w->pcap = fopen(pcap, "wb");
	return w->pcap && fwrite(head, sizeof(head), 1, w->pcap) == 1;
}

static void write_frame(struct watch *w, uint64_t now_ns, const unsigned char *frame, size_t len)
{
	uint32_t kept = len < SNAP ? (uint32_t)len : SNAP;
	uint32_t head[4] = {(uint32_t)(now_ns / 1000000000), (uint32_t)(now_ns % 1000000000), kept,
			    (uint32_t)len};

	if (!w->pcap)
		return;
	fwrite(head, sizeof(head), 1, w->pcap);
	fwrite(frame, kept, 1, w->pcap);
}

static void learn_option(struct watch_side *s, const unsigned char *opt)
{
	switch (opt[0]) {
	case 2:
		s->mss = be16(opt + 2);
		break;
	case 3:
		s->shift = opt[2];
		s->has_shift = true;
		break;
	case 4:
		s->sack = true;
		break;
	case 8:
		s->stamps = true;
		break;
	}
}

static void learn_syn(struct watch_side *s, const unsigned char *tcp)
{
	size_t head = (size_t)(tcp[12] >> 4) * 4;

	s->seen = true;
	s->port = (uint16_t)be16(tcp);
	s->next = s->acked = be32(tcp + 4) + 1;
	for (size_t i = 20; i + 1 < head && tcp[i] != 0;) {
		if (tcp[i] == 1) {
			i++;
			continue;
		}
		if (tcp[i + 1] < 2 || i + tcp[i + 1] > head)
			return;
		learn_option(s, tcp + i);
		i += tcp[i + 1];
	}
}

/* TCP header of the frame and its payload's length; NULL when it is something else. */
static const unsigned char *find_tcp(const unsigned char *f, size_t len, size_t *data)
{
	size_t ip = 0, whole = 0;

	if (len >= 54 && be16(f + 12) == 0x0800 && f[23] == 6) {
		ip = (size_t)(f[14] & 15) * 4;
		whole = be16(f + 16);
	} else if (len >= 74 && be16(f + 12) == 0x86dd && f[20] == 6) {
		ip = 40;
		whole = 40 + be16(f + 18);
	}
	if (ip < 20 || 14 + whole > len || whole < ip + 20)
		return NULL;
	size_t head = (size_t)(f[14 + ip + 12] >> 4) * 4;
	if (head < 20 || whole < ip + head)
		return NULL;
	*data = whole - ip - head;
	return f + 14 + ip;
}

static void count_data(struct watch_side *me, uint32_t seq, size_t data)
{
	uint32_t end = seq + (uint32_t)data;

	me->segments++;
	me->bytes += data;
	if (data > me->data_max)
		me->data_max = (uint32_t)data;
	if ((int32_t)(seq - me->next) < 0)
		me->again += data;
	if ((int32_t)(end - me->next) > 0)
		me->next = end;
	if (me->next - me->acked > me->flight_max)
		me->flight_max = me->next - me->acked;
}

void watch_frame(struct watch *w, int from, uint64_t now_ns, const unsigned char *frame, size_t len)
{
	struct watch_side *me = &w->side[from], *other = &w->side[!from];
	size_t data = 0;
	const unsigned char *tcp = find_tcp(frame, len, &data);

	write_frame(w, now_ns, frame, len);
	if (!tcp)
		return;
	if (!me->seen && (tcp[13] & SYN))
		learn_syn(me, tcp);
	if (!me->seen || be16(tcp) != me->port || (other->seen && be16(tcp + 2) != other->port))
		return;
	if (!(tcp[13] & SYN)) {
		bool scaled = me->has_shift && other->has_shift;
		uint32_t window = be16(tcp + 14) << (scaled ? me->shift : 0);
		if (window > me->window_max)
			me->window_max = window;
	}
	if ((tcp[13] & ACK) && other->seen && (int32_t)(be32(tcp + 8) - other->acked) > 0)
		other->acked = be32(tcp + 8);
	if (data)
		count_data(me, be32(tcp + 4), data);
}

void watch_close(struct watch *w)
{
	for (int i = 0; i < 2; i++) {
		const struct watch_side *s = &w->side[i];
		printf("watch %d: port=%u mss=%u shift=%d sack=%d ts=%d data_max=%u flight_max=%u "
		       "window_max=%u segments=%" PRIu64 " bytes=%" PRIu64 " again=%" PRIu64 "\n",
		       i, s->port, s->mss, s->has_shift ? s->shift : -1, s->sack, s->stamps,
		       s->data_max, s->flight_max, s->window_max, s->segments, s->bytes, s->again);
	}
	if (w->pcap)
		fclose(w->pcap);
}
