/* SPDX-License-Identifier: BSD-3-Clause */
/* bench_kernel.c: nginx on the kernel's stack, in a network namespace of its own at the other end
 * of a veth pair. All of it is made here and goes when the run ends. */
#define _GNU_SOURCE
#include "bench.h"

#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORD_MAX = 16, TEXT_MAX = 256, START_MS = 3000, END_MS = 2000 };

/* --- commands --- */

/* Splits text at blanks, in place; argv[WORD_MAX] ends with NULL. */
static void split(char *text, char *argv[])
{
	int n = 0;

	for (char *save, *w = strtok_r(text, " ", &save); w && n < WORD_MAX - 1;
	     w = strtok_r(NULL, " ", &save))
		argv[n++] = w;
	argv[n] = NULL;
}

/* Nothing of what it says is shown; log: where it goes instead, or NULL. */
static pid_t begin(char *text, const char *log)
{
	char *argv[WORD_MAX];
	pid_t parent = getpid(), pid;

	split(text, argv);
	pid = fork();
	if (pid != 0)
		return pid;
	int fd = open(log ? log : "/dev/null", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	signal(SIGINT, SIG_IGN); /* a terminal's Ctrl-C; who is ended is ended by us */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() == parent)
		execvp(argv[0], argv);
	_exit(127);
}

/* True when the command ended well. */
static bool run(const char *format, ...) __attribute__((format(printf, 1, 2)));

static bool run(const char *format, ...)
{
	char text[TEXT_MAX];
	va_list args;
	int status;
	pid_t pid;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	pid = begin(text, NULL);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* --- nginx --- */

/* Enough answers on one connection, and no log: what costs is the connection. */
static bool write_conf(const struct tg_bench_kernel *k)
{
	char file[128];

	snprintf(file, sizeof(file), "%s/nginx.conf", k->dir);
	FILE *f = fopen(file, "we");
	if (!f)
		return false;
	fprintf(f,
		"daemon off;\nworker_processes 1;\npid %s/nginx.pid;\nerror_log stderr crit;\n"
		"worker_rlimit_nofile 200000;\nevents { worker_connections 100000; }\nhttp {\n"
		"access_log off;\nkeepalive_requests 1000000000;\n"
		"client_body_temp_path %s/1; proxy_temp_path %s/2; fastcgi_temp_path %s/3;\n"
		"uwsgi_temp_path %s/4; scgi_temp_path %s/5;\n"
		"server { listen 192.0.2.1:80 backlog=65535; listen [2001:db8::1]:80 "
		"backlog=65535;\nlocation / { return 200 \"tidegate\\n\"; } }\n}\n",
		k->dir, k->dir, k->dir, k->dir, k->dir, k->dir);
	return fclose(f) == 0;
}

static bool start_nginx(struct tg_bench_kernel *k)
{
	char text[TEXT_MAX], file[128];

	snprintf(text, sizeof(text), "ip netns exec %s nginx -c %s/nginx.conf", k->ns, k->dir);
	snprintf(file, sizeof(file), "%s/log", k->dir);
	k->nginx = begin(text, file);
	snprintf(file, sizeof(file), "%s/nginx.pid", k->dir);
	for (uint32_t ms = 0; k->nginx > 0 && ms < START_MS; ms += 10) {
		int status;
		if (waitpid(k->nginx, &status, WNOHANG) != 0)
			k->nginx = 0;
		else if (access(file, R_OK) == 0)
			return true;
		tg_cli_pause_ms(10);
	}
	return false;
}

/* user and system time of one process, in ticks */
static uint64_t ticks_of(pid_t pid)
{
	unsigned long user = 0, sys = 0;
	char file[64];

	snprintf(file, sizeof(file), "/proc/%d/stat", (int)pid);
	FILE *f = fopen(file, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
		   &sys) != 2)
		user = sys = 0;
	fclose(f);
	return user + sys;
}

uint64_t tg_bench_kernel_cpu_ns(const struct tg_bench *b)
{
	uint64_t ticks = ticks_of(b->kernel.nginx);
	char file[64];
	int pid;

	/* Its worker is its child. */
	snprintf(file, sizeof(file), "/proc/%d/task/%d/children", (int)b->kernel.nginx,
		 (int)b->kernel.nginx);
	FILE *f = fopen(file, "re");
	while (f && fscanf(f, "%d", &pid) == 1)
		ticks += ticks_of(pid);
	if (f)
		fclose(f);
	return ticks * (1000000000ull / (uint64_t)sysconf(_SC_CLK_TCK));
}

/* --- the network --- */

static bool make_network(struct tg_bench_kernel *k)
{
	const char *ns = k->ns, *far = k->far;

	if (!run("ip netns add %s", ns))
		return false;
	k->made_ns = true;
	return run("ip link add %s type veth peer name %s netns %s", k->near, far, ns) &&
	       run("ip -n %s addr add 192.0.2.1/24 dev %s", ns, far) &&
	       run("ip -n %s addr add 2001:db8::1/64 dev %s nodad", ns, far) &&
	       run("ip -n %s link set lo up", ns) && run("ip -n %s link set %s up", ns, far) &&
	       run("ip -n %s route add 198.18.0.0/15 via 192.0.2.2", ns) &&
	       run("ip -n %s route add 2001:2::/48 via 2001:db8::2", ns) &&
	       run("ip netns exec %s ethtool -K %s tx off", ns, far) &&
	       run("ip link set %s up", k->near);
}

int tg_bench_kernel_start(struct tg_bench *b)
{
	struct tg_bench_kernel *k = &b->kernel;
	int pid = (int)getpid();

	if (geteuid() != 0)
		return tg_cli_usage("bench", "--mode kernel makes a network namespace and a veth "
					     "pair: run it as root (sudo)");
	if (!run("nginx -v") || !run("ip -V") || !run("ethtool --version"))
		return tg_cli_usage("bench", "--mode kernel needs nginx, ip and ethtool: apt-get "
					     "install nginx-light iproute2 ethtool");
	snprintf(k->ns, sizeof(k->ns), "tgbench%d", pid);
	snprintf(k->far, sizeof(k->far), "tgf%d", pid);
	snprintf(k->dir, sizeof(k->dir), "/tmp/tidegate-bench.XXXXXX");
	k->made_dir = mkdtemp(k->dir) != NULL;
	bool net = k->made_dir && make_network(k), conf = net && write_conf(k);
	if (conf && start_nginx(k))
		return TG_EXIT_OK;
	tg_bench_kernel_end(b);
	return tg_cli_failed("bench", "%s",
			     conf  ? "nginx does not start in a namespace here"
			     : net ? "nginx's configuration cannot be written"
				   : "no network namespace with a veth pair can be made here");
}

void tg_bench_kernel_end(struct tg_bench *b)
{
	struct tg_bench_kernel *k = &b->kernel;
	int status;

	if (k->nginx > 0)
		kill(k->nginx, SIGQUIT);
	for (uint32_t ms = 0; k->nginx > 0; ms += 10) {
		if (ms == 200)
			kill(k->nginx, SIGTERM);
		if (ms == END_MS)
			kill(k->nginx, SIGKILL);
		if (waitpid(k->nginx, &status, WNOHANG) != 0)
			k->nginx = 0;
		else
			tg_cli_pause_ms(10);
	}
	if (k->made_ns) {
		run("ip netns del %s", k->ns);
		run("ip link del %s", k->near);
	}
	if (k->made_dir)
		run("rm -rf -- %s", k->dir);
	k->made_ns = k->made_dir = false;
}
