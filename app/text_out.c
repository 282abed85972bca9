/* SPDX-License-Identifier: BSD-3-Clause */
#include "text_out.h"

#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COLUMNS_DEFAULT = 100 };

uint32_t tg_out_columns(void)
{
	struct winsize w;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0)
		return w.ws_col;
	return COLUMNS_DEFAULT;
}

bool tg_out_has_utf8(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

	for (int i = 0; i < 3; i++) {
		const char *v = getenv(names[i]);

		if (v && *v)
			return strstr(v, "UTF-8") || strstr(v, "utf8") || strstr(v, "UTF8") ||
			       strstr(v, "utf-8");
	}
	return false;
}

/* A regular file appears whole or not at all: it is written beside, and then given its name. What
 * is no regular file (a pipe, a device) has no beside. */
static bool part_name(const char *path, char *part, size_t size)
{
	struct stat st;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return (size_t)snprintf(part, size, "%s", path) < size;
	return (size_t)snprintf(part, size, "%s.part%d", path, (int)getpid()) < size;
}

static bool write_all(const char *path, const struct tg_text *text)
{
	FILE *f = fopen(path, "w");
	bool ok;

	if (!f)
		return false;
	ok = fwrite(text->at, 1, text->len, f) == text->len;
	return fclose(f) == 0 && ok;
}

bool tg_out_file(const char *command, const char *path, const struct tg_text *text)
{
	char part[4096];
	bool same;

	if (text->failed || !text->at) {
		tg_cli_failed(command, "out of memory");
		return false;
	}
	if (!part_name(path, part, sizeof(part))) {
		tg_cli_failed(command, "%s: the name is too long", path);
		return false;
	}
	same = strcmp(part, path) == 0;
	if (write_all(part, text) && (same || rename(part, path) == 0))
		return true;
	tg_cli_failed(command, "%s cannot be written: %s", path, strerror(errno));
	if (!same)
		unlink(part);
	return false;
}
