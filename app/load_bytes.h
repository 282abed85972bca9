/* SPDX-License-Identifier: BSD-3-Clause */
/* load_bytes.h: what is sent, and what must come. Each connection's bytes follow from its number,
 * so that what belongs to another one is seen; tidegate's http has a pattern of its own. */
#ifndef TG_APP_LOAD_BYTES_H
#define TG_APP_LOAD_BYTES_H

#include <stdbool.h>
#include <stdint.h>

/* The bytes of connection `number` from `at` on: a piece of *len, at least 1. */
const uint8_t *tg_load_bytes_mine(uint32_t number, uint64_t at, uint32_t *len);
bool tg_load_bytes_is_mine(uint32_t number, uint64_t at, const uint8_t *got, uint32_t n);
/* Of GET /bytes/N: byte i is i modulo 251. */
bool tg_load_bytes_is_http(uint64_t at, const uint8_t *got, uint32_t n);
/* Makes the tables; before any other call, once. */
void tg_load_bytes_init(void);

#endif
