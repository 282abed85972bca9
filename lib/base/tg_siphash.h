/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_siphash.h: SipHash (Aumasson, Bernstein), keyed hashing that an attacker cannot steer.
 * 2-4 where a number is shown to the network (ISN, cookie, timestamp offset), 1-3 for table
 * hashes, which never leave the process. Same result on every machine. */
#ifndef TG_SIPHASH_H
#define TG_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct tg_sipkey {
	uint64_t k0, k1;
};

uint64_t tg_siphash24(const struct tg_sipkey *key, const void *data, size_t len);
uint64_t tg_siphash13(const struct tg_sipkey *key, const void *data, size_t len);

#endif
