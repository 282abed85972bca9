/* SPDX-License-Identifier: BSD-3-Clause */
/* find.c: the engines that run on this machine, found by their telemetry sockets. The socket is
 * DPDK's (version 2: one command and one JSON reply a message), so this needs no DPDK. */
#include "find.h"
#include "json.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* --- the socket --- */

int tg_find_dial(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = 3};
	char hello[1024];
	if (strlen(path) >= sizeof(to.sun_path))
		return -ENAMETOOLONG;
	memcpy(to.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0 ||
	    recv(fd, hello, sizeof(hello), 0) <= 0) {
		int error = errno ? errno : EIO;
		close(fd);
		return -error;
	}
	return fd;
}

bool tg_find_ask(int fd, const char *command, char *reply, size_t size)
{
	if (send(fd, command, strlen(command), MSG_NOSIGNAL) < 0)
		return false;
	ssize_t n = recv(fd, reply, size - 1, 0);
	if (n <= 0)
		return false;
	reply[n] = 0;
	char *from = strchr(reply, ':'), *to = strrchr(reply, '}');
	if (!from || !to || to <= from)
		return false;
	for (from++; *from == ' ';)
		from++;
	*to = 0;
	memmove(reply, from, (size_t)(to - from) + 1);
	return reply[0] == '{';
}

/* --- finding --- */

struct id {
	char *name;
	size_t size;
	uint64_t pid;
};

static void on_id(void *ctx, const char *group, const char *key, const char *value, bool text)
{
	struct id *id = ctx;
	if (group[0])
		return;
	if (text && strcmp(key, "name") == 0)
		snprintf(id->name, id->size, "%s", value);
	if (!text && strcmp(key, "pid") == 0)
		id->pid = strtoull(value, NULL, 10);
}

static void look_at(struct tg_found *f, const char *path)
{
	char reply[TG_FIND_REPLY_MAX];
	int fd = tg_find_dial(path);
	if (fd == -EACCES || fd == -EPERM)
		f->denied++;
	if (fd < 0)
		return;
	if (f->n < TG_FOUND_MAX && tg_find_ask(fd, "/tidegate/stats", reply, sizeof(reply))) {
		struct tg_found_one *one = &f->list[f->n];
		struct id id = {one->name, sizeof(one->name), 0};
		tg_json_each(reply, on_id, &id);
		snprintf(one->path, sizeof(one->path), "%s", path);
		one->pid = id.pid;
		f->n++;
	}
	close(fd);
}

/* base: a directory in which DPDK makes one directory a process. */
static void look_in(struct tg_found *f, const char *base)
{
	DIR *dir = opendir(base);
	if (!dir) {
		f->denied += errno == EACCES;
		return;
	}
	for (struct dirent *e; (e = readdir(dir));) {
		char path[400];
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", base, e->d_name);
		DIR *sub = opendir(path);
		if (!sub) {
			f->denied += errno == EACCES && strncmp(e->d_name, "tidegate-", 9) == 0;
			continue;
		}
		for (struct dirent *s; (s = readdir(sub));) {
			char sock[700];
			if (strncmp(s->d_name, "dpdk_telemetry.v2", 17) != 0)
				continue;
			snprintf(sock, sizeof(sock), "%s/%s", path, s->d_name);
			look_at(f, sock);
		}
		closedir(sub);
	}
	closedir(dir);
}

/* Where EAL puts its directories: root's, this user's, and where nobody in particular goes. */
void tg_find_all(struct tg_found *f)
{
	f->n = f->denied = 0;
	const char *xdg = getenv("XDG_RUNTIME_DIR");
	char path[300];
	look_in(f, "/var/run/dpdk");
	if (xdg && *xdg) {
		snprintf(path, sizeof(path), "%s/dpdk", xdg);
		look_in(f, path);
	}
	if (!xdg || strcmp(xdg, "/tmp") != 0)
		look_in(f, "/tmp/dpdk");
}
