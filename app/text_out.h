/* SPDX-License-Identifier: BSD-3-Clause */
/* text_out.h: where the commands that draw put what they have drawn. */
#ifndef TG_APP_TEXT_OUT_H
#define TG_APP_TEXT_OUT_H

#include "tg_text.h"

#include <stdint.h>

/* Columns of the terminal that standard output is; 100 where it is none. */
uint32_t tg_out_columns(void);
/* Whether the locale's text is UTF-8: what it says, without being asked to obey it. */
bool tg_out_has_utf8(void);
/* text as a file of that name, whole or not at all. False after a message of that command. */
bool tg_out_file(const char *command, const char *path, const struct tg_text *text);

#endif
