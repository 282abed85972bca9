/* SPDX-License-Identifier: BSD-3-Clause */
/* stats.c: `tidegate stats`: finds a running engine by its telemetry socket, and prints its
 * figures. The socket is DPDK's (version 2: one command and one JSON reply a message), so this
 * needs no DPDK. */
#include "cli.h"
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

static const char usage[] = "usage: tidegate stats [options]\n\n"
			    "Prints the counters of the tidegate that runs here.\n\n"
			    "      --json        as JSON, all workers together and each\n"
			    "      --name NAME   of which one, when several run (serve --name)\n"
			    "      --all         text: also the counters that are 0\n"
			    "  -h, --help        this\n";

enum { REPLY_MAX = 64 << 10, FOUND_MAX = 32 };

struct found {
	char path[108], name[64];
	uint64_t pid;
};

struct finder {
	struct found list[FOUND_MAX];
	uint32_t n;
	uint32_t denied; /* sockets that this user may not open */
};

/* --- the socket --- */

static int dial(const char *path)
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

/* The reply to command without its wrapping {"COMMAND": ...}; false when there is none. */
static bool ask(int fd, const char *command, char *reply, size_t size)
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

static void look_at(struct finder *f, const char *path)
{
	char reply[REPLY_MAX];
	int fd = dial(path);
	if (fd == -EACCES || fd == -EPERM)
		f->denied++;
	if (fd < 0)
		return;
	if (f->n < FOUND_MAX && ask(fd, "/tidegate/stats", reply, sizeof(reply))) {
		struct found *one = &f->list[f->n];
		struct id id = {one->name, sizeof(one->name), 0};
		tg_json_each(reply, on_id, &id);
		snprintf(one->path, sizeof(one->path), "%s", path);
		one->pid = id.pid;
		f->n++;
	}
	close(fd);
}

/* base: a directory in which DPDK makes one directory a process. */
static void look_in(struct finder *f, const char *base)
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
static void find_all(struct finder *f)
{
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

static const struct found *choose(const struct finder *f, const char *name)
{
	const struct found *chosen = NULL;
	uint32_t matching = 0;
	for (uint32_t i = 0; i < f->n; i++) {
		if (name && strcmp(f->list[i].name, name) != 0)
			continue;
		chosen = &f->list[i];
		matching++;
	}
	if (matching == 1)
		return chosen;
	if (matching > 1)
		tg_cli_usage("stats", "%u are running: choose one by --name", matching);
	else if (f->n)
		tg_cli_usage("stats", "no tidegate named %s is running; there are:", name);
	else
		tg_cli_usage(
		    "stats", "no tidegate is running%s: start one by `tidegate serve -c FILE`",
		    f->denied ? " that this user may ask (there are others' sockets)" : "");
	for (uint32_t i = 0; i < f->n; i++)
		fprintf(stderr, "  --name %s   (process %llu)\n", f->list[i].name,
			(unsigned long long)f->list[i].pid);
	return NULL;
}

/* --- printing --- */

struct text {
	bool all;
	const char *kind; /* of the groups: stands before their names */
	char group[64];
};

static void on_text(void *ctx, const char *group, const char *key, const char *value, bool text)
{
	struct text *t = ctx;
	(void)text;
	if (!t->all && strcmp(value, "0") == 0)
		return;
	if (strcmp(group, t->group) != 0) {
		snprintf(t->group, sizeof(t->group), "%s", group);
		printf("%s%s\n", t->kind, group);
	}
	printf("%s%-24s %s\n", group[0] ? "  " : "", key, value);
}

static int print_text(int fd, bool all)
{
	char reply[REPLY_MAX];
	struct text t = {.all = all, .kind = ""};
	if (!ask(fd, "/tidegate/stats", reply, sizeof(reply)))
		return tg_cli_failed("stats", "the engine went away");
	tg_json_restore_dashes(reply);
	tg_json_each(reply, on_text, &t);
	t.kind = "port ";
	if (ask(fd, "/tidegate/ports", reply, sizeof(reply)))
		tg_json_each(reply, on_text, &t);
	if (!ask(fd, "/tidegate/counters", reply, sizeof(reply)))
		return tg_cli_failed("stats", "the engine went away");
	printf("counters\n");
	t.group[0] = 0;
	tg_json_each(reply, on_text, &t);
	return TG_EXIT_OK;
}

static void print_member(int fd, const char *command, const char *name)
{
	char reply[REPLY_MAX];
	if (ask(fd, command, reply, sizeof(reply)))
		printf(", \"%s\": %s", name, reply);
}

/* {the figures of all workers, "counters": {...}, "ports": {...}, "workers": [{...}, ...]} */
static int print_json(int fd)
{
	char reply[REPLY_MAX], command[64];
	if (!ask(fd, "/tidegate/stats", reply, sizeof(reply)))
		return tg_cli_failed("stats", "the engine went away");
	tg_json_restore_dashes(reply);
	reply[strlen(reply) - 1] = 0; /* its last brace: more members follow */
	printf("%s", reply);
	print_member(fd, "/tidegate/counters", "counters");
	print_member(fd, "/tidegate/ports", "ports");
	printf(", \"workers\": [");
	for (uint32_t w = 0;; w++) {
		snprintf(command, sizeof(command), "/tidegate/stats,%u", w);
		if (!ask(fd, command, reply, sizeof(reply)))
			break;
		tg_json_restore_dashes(reply);
		printf("%s%s", w ? ", " : "", reply);
	}
	printf("]}\n");
	return TG_EXIT_OK;
}

/* --- the command --- */

enum { OPT_JSON = 256, OPT_NAME, OPT_ALL };

static const struct option longs[] = {{"json", no_argument, NULL, OPT_JSON},
				      {"name", required_argument, NULL, OPT_NAME},
				      {"all", no_argument, NULL, OPT_ALL},
				      {"help", no_argument, NULL, 'h'},
				      {0}};

int tg_cmd_stats(int argc, char **argv)
{
	static struct finder finder; /* large, and once a process */
	const char *name = NULL;
	bool json = false, all = false;
	int c, rc;
	while ((c = tg_cli_option(argc, argv, ":h", longs)) != -1) {
		if (c == OPT_JSON) {
			json = true;
		} else if (c == OPT_ALL) {
			all = true;
		} else if (c == OPT_NAME) {
			name = optarg;
		} else if (c == 'h') {
			fputs(usage, stdout);
			return TG_EXIT_OK;
		} else {
			return TG_EXIT_USAGE;
		}
	}
	if (optind < argc)
		return tg_cli_usage("stats", "what is %s? See `tidegate stats --help`",
				    argv[optind]);
	find_all(&finder);
	const struct found *found = choose(&finder, name);
	if (!found)
		return TG_EXIT_USAGE;
	int fd = dial(found->path);
	if (fd < 0)
		return tg_cli_failed("stats", "%s: %s", found->path, strerror(-fd));
	rc = json ? print_json(fd) : print_text(fd, all);
	close(fd);
	return rc;
}
