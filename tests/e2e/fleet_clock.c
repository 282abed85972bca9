/* SPDX-License-Identifier: BSD-3-Clause */
/* fleet_clock.c: a wall clock that is off, for one process: loaded before its libraries, it adds
 * the seconds that stand in the file $FLEET_CLOCK to CLOCK_REALTIME. For fleet.sh. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long long off_s(void)
{
	const char *path = getenv("FLEET_CLOCK");
	char text[32];
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = 0;
	return strtoll(text, NULL, 10);
}

int clock_gettime(clockid_t id, struct timespec *ts)
{
	int rc = (int)syscall(SYS_clock_gettime, id, ts);

	if (rc == 0 && id == CLOCK_REALTIME)
		ts->tv_sec += off_s();
	return rc;
}
