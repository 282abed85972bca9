/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_trace.h: captures in and out. Writes pcap with nanosecond timestamps that the caller gives
 * (virtual or real, counted from 1970 or from 0, and before 2038, where the format ends for
 * libpcap); reads pcap of either precision and byte order, and pcapng. Through libpcap. Not for the
 * packet path: it allocates at open and writes to a file. One thread per handle.
 *
 * Errors are one sentence, without a newline, in err[err_size], which always ends in a zero byte;
 * 160 bytes are enough for most, and what is longer is cut. */
#ifndef TG_TRACE_H
#define TG_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tg_trace_link {
	TG_TRACE_ETHERNET = 1, /* LINKTYPE_ETHERNET: from the Ethernet header on */
	TG_TRACE_RAW,          /* LINKTYPE_RAW: from the IP header on */
	/* To be read only: */
	TG_TRACE_SLL,      /* LINKTYPE_LINUX_SLL, cooked: 16 bytes before the IP header */
	TG_TRACE_SLL2,     /* LINKTYPE_LINUX_SLL2: 20 bytes */
	TG_TRACE_LOOPBACK, /* LINKTYPE_NULL, LINKTYPE_LOOP: 4 bytes, the address family */
};

enum { TG_TRACE_LEN_MAX = 262144 }; /* bytes of one packet, the snap length that we write */

struct tg_trace_writer;
struct tg_trace_reader;

/* link is one of the first two. Makes or overwrites path ("-": standard output). NULL with err on
 * failure. The caller closes. */
struct tg_trace_writer *tg_trace_create(const char *path, enum tg_trace_link link, char *err,
					size_t err_size);
/* Appends data[len], len <= TG_TRACE_LEN_MAX. False with err when it could not be written; the
 * writer stays open for closing. */
bool tg_trace_put(struct tg_trace_writer *w, uint64_t now_ns, const void *data, uint32_t len,
		  char *err, size_t err_size);
/* Writes out what is buffered, then frees the writer. False with err when something was lost, now
 * or before: a full disk shows here at the latest. NULL is fine. */
bool tg_trace_finish(struct tg_trace_writer *w, char *err, size_t err_size);

/* One packet as the capture has it. data is valid until the next call on the same reader. */
struct tg_trace_packet {
	uint64_t time_ns;
	const uint8_t *data;
	uint32_t len;      /* bytes at data */
	uint32_t wire_len; /* bytes on the wire; more than len when the capture cut it */
};

/* Opens a capture ("-": standard input). NULL with err when it is no capture, or of a link type
 * that is neither Ethernet nor raw IP; the second form takes all that are above. */
struct tg_trace_reader *tg_trace_open(const char *path, char *err, size_t err_size);
struct tg_trace_reader *tg_trace_open_any(const char *path, char *err, size_t err_size);
enum tg_trace_link tg_trace_link(const struct tg_trace_reader *r);
/* 1: *packet is the next one; 0: the end; -1 with err: the file is damaged or cut here. */
int tg_trace_next(struct tg_trace_reader *r, struct tg_trace_packet *packet, char *err,
		  size_t err_size);
/* NULL is fine. */
void tg_trace_close(struct tg_trace_reader *r);

#endif
