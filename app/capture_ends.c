/* SPDX-License-Identifier: BSD-3-Clause */
#include "capture_ends.h"
#include "tg_trace.h"
#include "tg_wire.h"

#include <stdio.h>

static bool find_file(const char *device, char *file, size_t size)
{
	static const char key[] = ",rx_pcap=";
	const char *at = strstr(device, key);
	if (strncmp(device, "net_pcap", 8) != 0 || !at)
		return false;
	at += sizeof(key) - 1;
	size_t len = strcspn(at, ",");
	snprintf(file, size, "%.*s", (int)len, at);
	return true;
}

static bool is_unicast(const struct tg_mac *mac)
{
	return !(mac->b[0] & 1);
}

static bool read_ends(struct tg_trace_reader *r, struct tg_capture_ends *ends)
{
	struct tg_trace_packet packet;
	struct tg_eth eth;
	char err[160];
	while (tg_trace_next(r, &packet, err, sizeof(err)) == 1) {
		if (tg_eth_parse(packet.data, packet.len, &eth) != TG_CTR_NONE)
			continue;
		if (eth.type != TG_ETHERTYPE_IP4 && eth.type != TG_ETHERTYPE_IP6)
			continue;
		if (!is_unicast(&eth.src) || !is_unicast(&eth.dst))
			continue;
		ends->sender = eth.src;
		ends->receiver = eth.dst;
		return true;
	}
	return false;
}

/* What cannot be read is left to net_pcap, which says why. */
bool tg_capture_ends(const char *device, struct tg_capture_ends *ends)
{
	char file[256], err[160];
	if (!find_file(device, file, sizeof(file)))
		return false;
	struct tg_trace_reader *r = tg_trace_open(file, err, sizeof(err));
	if (!r)
		return false;
	bool found = tg_trace_link(r) == TG_TRACE_ETHERNET && read_ends(r, ends);
	tg_trace_close(r);
	return found;
}
