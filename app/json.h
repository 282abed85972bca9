/* SPDX-License-Identifier: BSD-3-Clause */
/* json.h: reads the one kind of JSON that telemetry sends: objects of numbers and texts, one level
 * of objects inside. */
#ifndef TG_APP_JSON_H
#define TG_APP_JSON_H

#include <stdbool.h>

/* One value: group is the name of the object it stands in, "" at the top; text: it was quoted. */
typedef void (*tg_json_fn)(void *ctx, const char *group, const char *key, const char *value,
			   bool text);
/* Calls fn for each number and text in json. Names and values over 127 characters are cut. */
void tg_json_each(const char *json, tg_json_fn fn, void *ctx);
/* Names in capitals are states of RFC 9293, whose dashes telemetry cannot send: FIN_WAIT_1 becomes
 * FIN-WAIT-1, in place. */
void tg_json_restore_dashes(char *json);

#endif
