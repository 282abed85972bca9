/* SPDX-License-Identifier: BSD-3-Clause */
/* tg_services.h: the services of the product.
 *
 * To add one:
 *   1. Write NAME.c with a `const struct tg_service tg_service_NAME` (tg_service.h says what each
 *      callback means; most may stay NULL; echo.c is the shortest whole example).
 *   2. Declare it below, add it to the table in services.c, and NAME.c to meson.build.
 * `service = NAME` in a listener then works, in files and in the lab. The engine is not touched.
 *
 * Rules that keep a service good company: it never blocks; a callback does a bounded amount of work
 * (write until tg_conn_write takes less than was offered, then wait for `writable`); what it must
 * remember between calls it keeps in memory that footprint() asked for, found by the connection's
 * word; and it frees that in `closed`, which comes exactly once. */
#ifndef TG_SERVICES_H
#define TG_SERVICES_H

#include "tg_service.h"

extern const struct tg_service tg_service_echo;    /* RFC 862 */
extern const struct tg_service tg_service_discard; /* RFC 863 */
extern const struct tg_service tg_service_chargen; /* RFC 864 */
extern const struct tg_service tg_service_http;    /* HTTP/1.1, http.h */

extern const struct tg_service *const tg_services[];
extern const uint32_t tg_service_n;

/* The service of that name, NULL when there is none. */
const struct tg_service *tg_service_find(const char *name);

#endif
