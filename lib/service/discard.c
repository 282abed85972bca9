/* SPDX-License-Identifier: BSD-3-Clause */
/* discard.c: RFC 863. */
#include "tg_services.h"

static void on_readable(void *ctx, struct tg_engine *engine, uint32_t conn)
{
	tg_conn_consume(engine, conn, tg_conn_readable(engine, conn));
	if (tg_conn_is_eof(engine, conn))
		tg_conn_close(engine, conn);
}

const struct tg_service tg_service_discard = {
    .name = "discard",
    .about = "reads and throws away (RFC 863)",
    .readable = on_readable,
};
