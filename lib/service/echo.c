/* SPDX-License-Identifier: BSD-3-Clause */
/* echo.c: RFC 862. What comes goes back, in place of the receive queue: nothing is copied aside, so
 * a peer that does not read is soon not read either. */
#include "tg_services.h"

static void move(struct tg_engine *engine, uint32_t conn)
{
	uint32_t run;
	const uint8_t *bytes;

	while ((bytes = tg_conn_peek(engine, conn, 0, &run)) != NULL) {
		int32_t taken = tg_conn_write(engine, conn, bytes, run);
		if (taken <= 0)
			return; /* full: `writable` comes; or the connection is ending */
		tg_conn_consume(engine, conn, (uint32_t)taken);
	}
	/* A peer that only closed its sending side still gets all, then our FIN. */
	if (tg_conn_is_eof(engine, conn))
		tg_conn_close(engine, conn);
}

static void on_bytes(void *ctx, struct tg_engine *engine, uint32_t conn)
{
	move(engine, conn);
}

const struct tg_service tg_service_echo = {
    .name = "echo",
    .about = "sends back what it receives (RFC 862)",
    .readable = on_bytes,
    .writable = on_bytes,
};
