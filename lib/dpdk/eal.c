/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "tg_eal.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ARG_MAX_N = 160, CPU_MAX = 128, HEADROOM_MB = 64 };

/* The EAL is one a process, and keeps pointers to its arguments: so this is its one state here. */
static struct {
	char error[256];
	char dir[320]; /* EAL's own directory, which it leaves behind */
	bool verbose;
	FILE *log;
	char *arg[ARG_MAX_N];
	char *given[ARG_MAX_N]; /* the same, which EAL shuffles */
	uint32_t arg_n;
} eal;

/* The first line of text that is not the head of a manual, without blanks around it. */
static void note_error(const char *text, size_t size)
{
	static const char usage[] = "Usage:";
	size_t from = 0, len;
	while (from < size && isspace((unsigned char)text[from]))
		from++;
	for (len = 0; from + len < size && text[from + len] != '\n';)
		len++;
	if (len >= sizeof(usage) && memcmp(text + from, usage, sizeof(usage) - 1) == 0)
		return;
	if (len >= sizeof(eal.error))
		len = sizeof(eal.error) - 1;
	memcpy(eal.error, text + from, len);
	eal.error[len] = 0;
}

static ssize_t log_write(void *cookie, const char *buf, size_t size)
{
	(void)cookie;
	if (eal.verbose)
		fwrite(buf, 1, size, stderr);
	if (rte_log_cur_msg_loglevel() > (int)RTE_LOG_ERR || eal.error[0])
		return (ssize_t)size;
	note_error(buf, size);
	return (ssize_t)size;
}

const char *tg_eal_log_error(void)
{
	return eal.error;
}

void tg_eal_log_clear(void)
{
	eal.error[0] = 0;
}

bool tg_eal_is_pci(const char *device)
{
	unsigned a, b, c, d;
	int n = 0;
	if (sscanf(device, "%4x:%2x:%2x.%1x%n", &a, &b, &c, &d, &n) == 4 && n > 0)
		return device[n] == 0 || device[n] == ',';
	n = 0;
	if (sscanf(device, "%2x:%2x.%1x%n", &a, &b, &c, &n) == 3 && n > 0)
		return device[n] == 0 || device[n] == ',';
	return false;
}

const char *tg_eal_runtime_dir(char *buf, size_t size)
{
	const char *xdg = getenv("XDG_RUNTIME_DIR");
	if (getuid() == 0)
		snprintf(buf, size, "/var/run/dpdk");
	else
		snprintf(buf, size, "%s/dpdk", xdg ? xdg : "/tmp");
	return buf;
}

static uint64_t read_number(const char *path)
{
	FILE *f = fopen(path, "re");
	unsigned long long v = 0;
	if (!f)
		return 0;
	if (fscanf(f, "%llu", &v) != 1)
		v = 0;
	fclose(f);
	return v;
}

uint64_t tg_eal_hugepage_free(void)
{
	static const char base[] = "/sys/kernel/mm/hugepages";
	uint64_t bytes = 0;
	DIR *dir = opendir(base);
	if (!dir)
		return 0;
	for (struct dirent *e; (e = readdir(dir));) {
		unsigned long kb;
		char path[400];
		if (sscanf(e->d_name, "hugepages-%lukB", &kb) != 1)
			continue;
		snprintf(path, sizeof(path), "%s/%s/free_hugepages", base, e->d_name);
		uint64_t free_n = read_number(path);
		/* Promised to another process already, which has not touched them yet. */
		snprintf(path, sizeof(path), "%s/%s/resv_hugepages", base, e->d_name);
		uint64_t reserved_n = read_number(path);
		bytes += free_n > reserved_n ? (free_n - reserved_n) * kb * 1024 : 0;
	}
	closedir(dir);
	return bytes;
}

static void arg_add(const char *text)
{
	if (eal.arg_n < ARG_MAX_N - 1)
		eal.arg[eal.arg_n++] = strdup(text);
}

/* Whether the user gave one of the options in names ("-l" also as "-l1", "--lcores" also with "=").
 */
static bool user_gave(const struct tg_eal_conf *conf, const char *const names[], uint32_t n)
{
	for (uint32_t i = 0; i < conf->extra_n; i++) {
		for (uint32_t k = 0; k < n; k++) {
			size_t len = strlen(names[k]);
			const char *arg = conf->extra[i];
			if (strncmp(arg, names[k], len) != 0)
				continue;
			if (arg[len] == 0 || arg[len] == '=' || len == 2)
				return true;
		}
	}
	return false;
}

/* The megabytes that the user gave by -m; 0: not given. */
static uint32_t user_memory_mb(const struct tg_eal_conf *conf)
{
	for (uint32_t i = 0; i < conf->extra_n; i++) {
		if (strncmp(conf->extra[i], "-m", 2) != 0)
			continue;
		const char *number = conf->extra[i] + 2;
		if (!*number && i + 1 < conf->extra_n)
			number = conf->extra[i + 1];
		return (uint32_t)strtoul(number, NULL, 10);
	}
	return 0;
}

/* Which kind of memory, unless the user chose; how much, the user may say alone. */
static void add_memory(const struct tg_eal_conf *conf, struct tg_eal_got *got)
{
	static const char *const names[] = {"--no-huge",    "--in-memory",  "--huge-dir",
					    "--socket-mem", "--no-shconf",  "--legacy-mem",
					    "--proc-type",  "--huge-unlink"};
	uint32_t given_mb = user_memory_mb(conf), mb = given_mb;
	char text[16];
	if (user_gave(conf, names, sizeof(names) / sizeof(names[0]))) {
		static const char *const no_huge[] = {"--no-huge"};
		got->hugepages = !user_gave(conf, no_huge, 1);
		return;
	}
	if (mb == 0)
		mb = conf->memory_mb + HEADROOM_MB;
	got->hugepages = tg_eal_hugepage_free() >= (uint64_t)mb << 20;
	if (got->hugepages) {
		/* One file a hugepage size: vhost-user hands few descriptors to its peer. */
		arg_add("--in-memory");
		arg_add("--single-file-segments");
		return;
	}
	arg_add("--no-huge");
	arg_add("--no-shconf");
	if (given_mb)
		return;
	snprintf(text, sizeof(text), "%u", mb);
	arg_add("-m");
	arg_add(text);
}

static uint32_t cpu_list(int cpu[CPU_MAX])
{
	cpu_set_t set;
	uint32_t n = 0;
	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return 0;
	for (int i = 0; i < CPU_SETSIZE && n < CPU_MAX; i++)
		if (CPU_ISSET(i, &set))
			cpu[n++] = i;
	return n;
}

/* lcore 0 is control, free to run on every CPU because it sleeps; workers take one CPU each, from
 * the last down, since the first is where the kernel likes to work. */
static void add_lcores(const struct tg_eal_conf *conf, struct tg_eal_got *got)
{
	static const char *const names[] = {"-l", "-c", "--lcores", "-s", "-S"};
	char text[2048];
	int cpu[CPU_MAX];
	size_t len = 0;
	uint32_t n = cpu_list(cpu);
	if (n == 0 || user_gave(conf, names, sizeof(names) / sizeof(names[0])))
		return;
	len += (size_t)snprintf(text, sizeof(text), "0@(");
	for (uint32_t i = 0; i < n; i++)
		len +=
		    (size_t)snprintf(text + len, sizeof(text) - len, "%s%d", i ? "," : "", cpu[i]);
	len += (size_t)snprintf(text + len, sizeof(text) - len, ")");
	for (uint32_t w = 0; w < conf->worker_n; w++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, ",%u@%d", w + 1,
					cpu[n - 1 - w % n]);
	got->shared_cpu = conf->worker_n > n;
	arg_add("--lcores");
	arg_add(text);
}

static void add_devices(const struct tg_eal_conf *conf)
{
	static const char *const names[] = {"-a", "--allow", "-b", "--block", "--no-pci"};
	bool any = false;
	for (uint32_t i = 0; i < conf->device_n; i++) {
		if (!tg_eal_is_pci(conf->device[i]))
			continue;
		arg_add("-a");
		arg_add(conf->device[i]);
		any = true;
	}
	if (!any && !user_gave(conf, names, sizeof(names) / sizeof(names[0])))
		arg_add("--no-pci");
}

static int find_lcores(const struct tg_eal_conf *conf, struct tg_eal_got *got, char *err,
		       size_t err_size)
{
	uint32_t n = 0;
	unsigned lcore;
	RTE_LCORE_FOREACH_WORKER(lcore)
	{
		if (n < conf->worker_n)
			got->lcore[n++] = lcore;
	}
	if (n == conf->worker_n)
		return 0;
	snprintf(err, err_size,
		 "workers = %u needs %u lcores, one of them for control, which sleeps; the EAL "
		 "options give %u: try --lcores '0@0,1@0'",
		 conf->worker_n, conf->worker_n + 1, n + 1);
	return -1;
}

/* An empty or missing $XDG_RUNTIME_DIR leaves DPDK without its directory and telemetry: /tmp does
 * then. */
static void mend_runtime_dir(void)
{
	const char *xdg = getenv("XDG_RUNTIME_DIR");
	struct stat st;
	if (!xdg || getuid() == 0)
		return;
	if (stat(xdg, &st) != 0 || !S_ISDIR(st.st_mode) || access(xdg, W_OK) != 0)
		unsetenv("XDG_RUNTIME_DIR");
}

static void forget_dir(void)
{
	rmdir(eal.dir); /* only when it is empty */
}

static void add_name(const struct tg_eal_conf *conf)
{
	static const char *const prefix[] = {"--file-prefix"};
	char name[80], dir[200];
	if (user_gave(conf, prefix, 1))
		return;
	snprintf(name, sizeof(name), "tidegate-%s", conf->name);
	arg_add("--file-prefix");
	arg_add(name);
	snprintf(eal.dir, sizeof(eal.dir), "%s/%s", tg_eal_runtime_dir(dir, sizeof(dir)), name);
	/* Before EAL's own handlers are registered, so that it runs after them. */
	atexit(forget_dir);
}

/* rte_eal_init, which prints its usage, and some errors, past its own log: kept back too. */
static int init_quietly(void)
{
	char text[512];
	int out = dup(STDOUT_FILENO), error = dup(STDERR_FILENO);
	int aside = eal.verbose ? -1 : memfd_create("tidegate", MFD_CLOEXEC);
	fflush(stdout);
	fflush(stderr);
	if (aside >= 0) {
		dup2(aside, STDOUT_FILENO);
		dup2(aside, STDERR_FILENO);
	}
	opterr = 1;
	memcpy(eal.given, eal.arg, sizeof(eal.given));
	int rc = rte_eal_init((int)eal.arg_n, eal.given);
	fflush(stdout);
	dup2(out, STDOUT_FILENO);
	dup2(error, STDERR_FILENO);
	close(out);
	close(error);
	if (aside < 0)
		return rc;
	ssize_t n = pread(aside, text, sizeof(text), 0);
	if (rc < 0 && n > 0)
		note_error(text, (size_t)n);
	close(aside);
	return rc;
}

static int check_conf(const struct tg_eal_conf *conf, char *err, size_t err_size)
{
	static const char *const type[] = {"--proc-type"};
	if (conf->worker_n > RTE_MAX_LCORE - 1 || conf->worker_n > TG_WORKER_MAX)
		snprintf(err, err_size,
			 "workers = %u: at most %d, because this DPDK has %d lcores and one is for "
			 "control",
			 conf->worker_n, RTE_MAX_LCORE - 1, RTE_MAX_LCORE);
	else if (user_gave(conf, type, 1))
		snprintf(
		    err, err_size,
		    "--proc-type: it shares no memory with other DPDK processes; leave it out");
	else
		return 0;
	return -1;
}

int tg_eal_init(const struct tg_eal_conf *conf, struct tg_eal_got *got, char *err, size_t err_size)
{
	memset(got, 0, sizeof(*got));
	if (check_conf(conf, err, err_size) != 0)
		return -1;
	eal.verbose = conf->verbose;
	eal.log = fopencookie(NULL, "w", (cookie_io_functions_t){.write = log_write});
	if (eal.log) {
		setvbuf(eal.log, NULL, _IOLBF, 1024);
		rte_openlog_stream(eal.log);
	}
	mend_runtime_dir();
	arg_add("tidegate");
	add_name(conf);
	add_memory(conf, got);
	add_lcores(conf, got);
	add_devices(conf);
	for (uint32_t i = 0; i < conf->extra_n; i++)
		arg_add(conf->extra[i]);
	if (init_quietly() < 0) {
		snprintf(err, err_size, "DPDK does not start: %s",
			 eal.error[0]    ? eal.error
			 : conf->extra_n ? "look at the EAL options behind `--`, or add --verbose"
					 : rte_strerror(rte_errno));
		return -1;
	}
	return find_lcores(conf, got, err, err_size);
}

void tg_eal_fini(void)
{
	rte_eal_cleanup();
}
