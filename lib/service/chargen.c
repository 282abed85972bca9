/* SPDX-License-Identifier: BSD-3-Clause */
/* chargen.c: RFC 864. An endless stream of 74-byte lines: 72 of the 95 printing characters, each
 * line starting one character later, CR LF. The position in the pattern, which repeats after 95
 * lines, is the connection's word: no other state. What the peer sends is thrown away. */
#include "tg_services.h"

enum { LINE = 72, LINE_LEN = LINE + 2, CHARS = 95, PERIOD = LINE_LEN * CHARS, PIECE = 1024 };

static uint8_t byte_at(uint32_t position)
{
	uint32_t line = position / LINE_LEN, column = position % LINE_LEN;

	if (column == LINE)
		return '\r';
	if (column == LINE + 1)
		return '\n';
	return (uint8_t)(' ' + (line + column) % CHARS);
}

static void fill(struct tg_engine *engine, uint32_t conn)
{
	uint8_t piece[PIECE];
	uint32_t position = tg_conn_word(engine, conn);
	int32_t taken;

	do {
		for (uint32_t i = 0; i < PIECE; i++)
			piece[i] = byte_at((position + i) % PERIOD);
		taken = tg_conn_write(engine, conn, piece, PIECE);
		if (taken > 0)
			position = (position + (uint32_t)taken) % PERIOD;
	} while (taken == PIECE);
	tg_conn_set_word(engine, conn, position);
}

static void on_room(void *ctx, struct tg_engine *engine, uint32_t conn)
{
	fill(engine, conn);
}

static void on_readable(void *ctx, struct tg_engine *engine, uint32_t conn)
{
	/* Its FIN is no reason to stop: it may go on listening. One that is gone answers with RST.
	 */
	tg_conn_consume(engine, conn, tg_conn_readable(engine, conn));
}

const struct tg_service tg_service_chargen = {
    .name = "chargen",
    .about = "sends an endless pattern of lines (RFC 864)",
    .opened = on_room,
    .readable = on_readable,
    .writable = on_room,
};
