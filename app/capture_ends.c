/* SPDX-License-Identifier: BSD-3-Clause */
#include "capture_ends.h"
#include "tg_wire.h"

#include <pcap/pcap.h>
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

static bool read_ends(pcap_t *p, struct tg_capture_ends *ends)
{
	struct pcap_pkthdr *hdr;
	const unsigned char *data;
	struct tg_eth eth;
	while (pcap_next_ex(p, &hdr, &data) == 1) {
		if (tg_eth_parse(data, hdr->caplen, &eth) != TG_CTR_NONE)
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

bool tg_capture_ends(const char *device, struct tg_capture_ends *ends)
{
	char file[256], err[PCAP_ERRBUF_SIZE];
	if (!find_file(device, file, sizeof(file)))
		return false;
	pcap_t *p = pcap_open_offline(file, err);
	if (!p)
		return false;
	bool found = pcap_datalink(p) == DLT_EN10MB && read_ends(p, ends);
	pcap_close(p);
	return found;
}
