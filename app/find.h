/* SPDX-License-Identifier: BSD-3-Clause */
/* find.h: the engines that run on this machine, and how to ask them. */
#ifndef TG_APP_FIND_H
#define TG_APP_FIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TG_FIND_REPLY_MAX = 64 << 10, TG_FOUND_MAX = 32 };

struct tg_found_one {
	char path[108], name[64];
	uint64_t pid;
};

struct tg_found {
	struct tg_found_one list[TG_FOUND_MAX]; /* [n] */
	uint32_t n;
	uint32_t denied; /* sockets that this user may not open */
};

void tg_find_all(struct tg_found *f);
/* A connection to the engine at path (of struct tg_found_one); or -errno. The caller closes. */
int tg_find_dial(const char *path);
/* The reply to command without its wrapping {"COMMAND": ...}; false when there is none. */
bool tg_find_ask(int fd, const char *command, char *reply, size_t size);

#endif
