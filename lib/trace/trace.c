/* SPDX-License-Identifier: BSD-3-Clause */
/* trace.c: captures in and out, a thin layer over libpcap. */
#include "tg_trace.h"

#include <assert.h>
#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NS_PER_S = 1000000000 };

struct tg_trace_writer {
	pcap_t *pcap; /* a dead handle: link type and precision of the file */
	pcap_dumper_t *dumper;
};

struct tg_trace_reader {
	pcap_t *pcap;
	enum tg_trace_link link;
};

static void say(char *err, size_t err_size, const char *what, const char *why)
{
	snprintf(err, err_size, "%s: %s", what, why);
}

static bool has_failed(struct tg_trace_writer *w)
{
	return ferror(pcap_dump_file(w->dumper)) != 0;
}

struct tg_trace_writer *tg_trace_create(const char *path, enum tg_trace_link link, char *err,
					size_t err_size)
{
	int dlt = link == TG_TRACE_RAW ? DLT_RAW : DLT_EN10MB;
	struct tg_trace_writer *w = calloc(1, sizeof(*w));

	if (!w) {
		say(err, err_size, path, "out of memory");
		return NULL;
	}
	w->pcap =
	    pcap_open_dead_with_tstamp_precision(dlt, TG_TRACE_LEN_MAX, PCAP_TSTAMP_PRECISION_NANO);
	if (!w->pcap) {
		say(err, err_size, path, "out of memory");
		free(w);
		return NULL;
	}
	w->dumper = pcap_dump_open(w->pcap, path);
	if (!w->dumper) {
		/* libpcap's sentence begins with the path. */
		snprintf(err, err_size, "%s", pcap_geterr(w->pcap));
		pcap_close(w->pcap);
		free(w);
		return NULL;
	}
	return w;
}

bool tg_trace_put(struct tg_trace_writer *w, uint64_t now_ns, const void *data, uint32_t len,
		  char *err, size_t err_size)
{
	struct pcap_pkthdr hdr = {.caplen = len, .len = len};

	assert(len <= TG_TRACE_LEN_MAX);
	/* With a nanosecond file libpcap keeps nanoseconds in tv_usec. */
	hdr.ts.tv_sec = (time_t)(now_ns / NS_PER_S);
	hdr.ts.tv_usec = (suseconds_t)(now_ns % NS_PER_S);
	pcap_dump((u_char *)w->dumper, &hdr, data);
	if (!has_failed(w))
		return true;
	say(err, err_size, "the capture could not be written", strerror(errno));
	return false;
}

bool tg_trace_finish(struct tg_trace_writer *w, char *err, size_t err_size)
{
	if (!w)
		return true;
	bool ok = pcap_dump_flush(w->dumper) == 0 && !has_failed(w);

	if (!ok)
		say(err, err_size, "the capture could not be written", strerror(errno));
	pcap_dump_close(w->dumper);
	pcap_close(w->pcap);
	free(w);
	return ok;
}

/* The link type that we know, or 0. */
static enum tg_trace_link link_of(pcap_t *pcap)
{
	switch (pcap_datalink(pcap)) {
	case DLT_EN10MB:
		return TG_TRACE_ETHERNET;
	case DLT_RAW:
	case DLT_IPV4:
	case DLT_IPV6:
		return TG_TRACE_RAW;
	case DLT_LINUX_SLL:
		return TG_TRACE_SLL;
	case DLT_LINUX_SLL2:
		return TG_TRACE_SLL2;
	case DLT_NULL:
	case DLT_LOOP:
		return TG_TRACE_LOOPBACK;
	default:
		return 0;
	}
}

struct tg_trace_reader *tg_trace_open_any(const char *path, char *err, size_t err_size)
{
	char why[PCAP_ERRBUF_SIZE] = "";
	struct tg_trace_reader *r = calloc(1, sizeof(*r));

	if (!r) {
		say(err, err_size, path, "out of memory");
		return NULL;
	}
	r->pcap = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, why);
	if (!r->pcap) {
		/* libpcap names the path only when it could not open it. */
		if (strncmp(why, path, strlen(path)) == 0)
			snprintf(err, err_size, "%s", why);
		else
			say(err, err_size, path, why);
		free(r);
		return NULL;
	}
	r->link = link_of(r->pcap);
	if (r->link == 0) {
		say(err, err_size, path, "the link type is none that carries IP as we know it");
		tg_trace_close(r);
		return NULL;
	}
	return r;
}

struct tg_trace_reader *tg_trace_open(const char *path, char *err, size_t err_size)
{
	struct tg_trace_reader *r = tg_trace_open_any(path, err, err_size);

	if (!r || r->link == TG_TRACE_ETHERNET || r->link == TG_TRACE_RAW)
		return r;
	say(err, err_size, path, "the link type is neither Ethernet nor raw IP");
	tg_trace_close(r);
	return NULL;
}

enum tg_trace_link tg_trace_link(const struct tg_trace_reader *r)
{
	return r->link;
}

int tg_trace_next(struct tg_trace_reader *r, struct tg_trace_packet *packet, char *err,
		  size_t err_size)
{
	struct pcap_pkthdr *hdr;
	const u_char *data;
	int got = pcap_next_ex(r->pcap, &hdr, &data);

	if (got == PCAP_ERROR_BREAK)
		return 0;
	if (got != 1) {
		say(err, err_size, "the capture is damaged", pcap_geterr(r->pcap));
		return -1;
	}
	packet->time_ns = (uint64_t)hdr->ts.tv_sec * NS_PER_S + (uint64_t)hdr->ts.tv_usec;
	packet->data = data;
	packet->len = hdr->caplen;
	packet->wire_len = hdr->len;
	return 1;
}

void tg_trace_close(struct tg_trace_reader *r)
{
	if (!r)
		return;
	pcap_close(r->pcap);
	free(r);
}
