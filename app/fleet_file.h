/* SPDX-License-Identifier: BSD-3-Clause */
/* fleet_file.h: the file with the secrets that all nodes of a fleet share (SC-12, SC-13): text, one
 * or two lines of 64 hexadecimal digits. The first mints; both are accepted. Who can read it can
 * forge every cookie of the fleet, so nothing of it is ever quoted, logged or left on a stack.
 *
 * A line `pools` with 32 digits says by what nodes choose backends, all alike. It stays when the
 * secret is changed: a secret that is worn out lets cookies be forged, and must go in minutes; by
 * this one, whoever knew it could choose his backend, and with each change clients meet another.
 * So it changes when somebody wants it to. Where there is no such line it is derived from the first
 * secret, and `tidegate fleet-key` writes that down before it changes anything. */
#ifndef TG_APP_FLEET_FILE_H
#define TG_APP_FLEET_FILE_H

#include "tg_siphash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TG_FLEET_SECRET_LEN = 32,
	TG_FLEET_SECRET_MAX = 2,
	TG_FLEET_POOLS_LEN = 16,
	TG_FLEET_FILE_MAX = 4096, /* bytes: two lines and what is said about them */
	TG_FLEET_ID_LEN = 9
};

struct tg_fleet_secrets {
	uint8_t secret[TG_FLEET_SECRET_MAX][TG_FLEET_SECRET_LEN];
	uint8_t pools[TG_FLEET_POOLS_LEN];
	uint32_t n;         /* 1 or 2; 0: none */
	uint32_t has_pools; /* the line is there; else pools is zero */
};

/* Reads the file at path. It must be a regular file of this user's or root's that nobody else may
 * read or write. 0; or -1, out is empty, and err says in one line what is wrong and what mends it
 * ("PATH: ...", "PATH:LINE: ..."). */
int tg_fleet_file_read(const char *path, struct tg_fleet_secrets *out, char *err, size_t err_size);
/* As tg_fleet_file_read, from an inherited descriptor, which stays open: a file is read from its
 * start, a pipe to its end, which is waited for. again: not the first time, which a pipe refuses.
 */
int tg_fleet_file_read_fd(int fd, bool again, struct tg_fleet_secrets *out, char *err,
			  size_t err_size);
/* As tg_fleet_file_read, from text; name stands in messages. */
int tg_fleet_file_parse(const char *name, const char *text, size_t len,
			struct tg_fleet_secrets *out, char *err, size_t err_size);

/* Draws a secret from the kernel. False: it has none to give. */
bool tg_fleet_file_draw(uint8_t secret[TG_FLEET_SECRET_LEN]);
/* Writes the file, mode 0600: a new one, never over another; or, with replace, in the place of the
 * one that is there, whole (by rename), and its owner's. 0; or -1 and one line in err. */
int tg_fleet_file_write(const char *path, const struct tg_fleet_secrets *secrets, bool replace,
			char *err, size_t err_size);

/* A name for a secret by which people compare nodes: 8 hexadecimal digits that tell nothing about
 * it. */
void tg_fleet_file_id(const uint8_t secret[TG_FLEET_SECRET_LEN], char id[TG_FLEET_ID_LEN]);
/* What the keys of pools come from, and a name for it as above; and the key by which the pool of
 * that name chooses (struct tg_pool_conf). The same on every node with the same file. */
void tg_fleet_file_pools(const struct tg_fleet_secrets *secrets, uint8_t pools[TG_FLEET_POOLS_LEN]);
void tg_fleet_file_pools_id(const uint8_t pools[TG_FLEET_POOLS_LEN], char id[TG_FLEET_ID_LEN]);
struct tg_sipkey tg_fleet_file_pool_key(const uint8_t pools[TG_FLEET_POOLS_LEN], const char *name);
/* Overwrites them; never optimised away. */
void tg_fleet_file_wipe(struct tg_fleet_secrets *secrets);

#endif
