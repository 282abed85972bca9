/* SPDX-License-Identifier: BSD-3-Clause */
/* doctor.c: `tidegate doctor`: what this machine gives, and the exact command for what it does not.
 * It changes nothing. Only what nothing works without is a fault (exit 1); the rest are limits. */
#define _GNU_SOURCE
#include "cli.h"
#include "doctor.h"
#include "fleet_file.h"
#include "tg_dev.h"
#include "tg_eal.h"

#include <dirent.h>
#include <errno.h>
#include <rte_build_config.h>
#include <rte_version.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <unistd.h>

static const char usage[] =
    "usage: tidegate doctor [-c FILE]\n\n"
    "Checks this machine for tidegate: cores, clocks, memory, hugepages, DPDK's drivers, what "
    "this\n"
    "user may open, network cards. Prints the command that fixes each. Changes nothing.\n\n"
    "  -c, --config FILE   also what that configuration, for `serve` or `shield`, needs here:\n"
    "                      interfaces and their offloads, workers, what the kernel must not do,\n"
    "                      ways to backends and back\n"
    "  -h, --help          this\n\n"
    "Exit status: 0 when tidegate can run here, 1 when it cannot.\n";

void tg_doctor_say(struct tg_doctor *d, enum tg_verdict verdict, const char *what, const char *text,
		   const char *fix)
{
	static const char *const words[] = {"ok   ", "limit", "FAULT"};
	printf("%s  %-14s %s\n", words[verdict], what, text);
	if (verdict != GOOD && fix)
		printf("       %-14s fix: %s\n", "", fix);
	d->limits += verdict == LIMIT;
	d->faults += verdict == FAULT;
}

bool tg_doctor_read_line(const char *path, char *line, size_t size)
{
	FILE *f = fopen(path, "re");
	if (!f)
		return false;
	bool ok = fgets(line, (int)size, f) != NULL;
	fclose(f);
	if (ok)
		line[strcspn(line, "\n")] = 0;
	return ok;
}

uint32_t tg_doctor_cpus(void)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	return sched_getaffinity(0, sizeof(set), &set) == 0 ? (uint32_t)CPU_COUNT(&set) : 0;
}

static void check_cpus(struct tg_doctor *d)
{
	char text[128];
	uint32_t n = tg_doctor_cpus();
	snprintf(text, sizeof(text), "%u CPU%s that this process may use", n, n == 1 ? "" : "s");
	tg_doctor_say(
	    d,
	    n >= 2   ? GOOD
	    : n == 1 ? LIMIT
		     : FAULT,
	    "cores", text,
	    "give it two: taskset -c 0,1 tidegate ... (a worker polls and fills its CPU)");
}

static void check_clock(struct tg_doctor *d)
{
	char line[4096];
	bool constant = false;
	FILE *f = fopen("/proc/cpuinfo", "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "flags", 5) != 0)
			continue;
		constant = strstr(line, "constant_tsc") && strstr(line, "nonstop_tsc");
		break;
	}
	if (f)
		fclose(f);
	tg_doctor_say(
	    d, constant ? GOOD : LIMIT, "clock",
	    constant ? "constant time stamp counter"
		     : "the CPU does not promise a constant time stamp counter; the kernel's clock "
		       "corrects it every 4 ms",
	    NULL);
}

/* What nodes of a fleet have in common: the time, and a secret where the example keeps it. */
static void check_fleet(struct tg_doctor *d)
{
	static const char path[] = "/etc/tidegate/fleet.key";
	struct tg_fleet_secrets secrets;
	struct timex t = {.modes = 0};
	char err[512], id[TG_FLEET_ID_LEN], text[640];
	bool good = adjtimex(&t) != TIME_ERROR && !(t.status & STA_UNSYNC);
	bool fleet = access(path, F_OK) == 0;
	tg_doctor_say(d, good || !fleet ? GOOD : LIMIT, "wall clock",
		      good ? "synchronised"
			   : "not synchronised: the nodes of a fleet must agree on the time",
		      "sudo apt-get install chrony");
	if (!fleet)
		return;
	if (tg_fleet_file_read(path, &secrets, err, sizeof(err)) != 0) {
		tg_doctor_say(d, LIMIT, "fleet", err, NULL); /* it says what mends it */
		return;
	}
	tg_fleet_file_id(secrets.secret[0], id);
	snprintf(text, sizeof(text), "%s mints with %s, on this node", path, id);
	tg_fleet_file_wipe(&secrets);
	tg_doctor_say(d, GOOD, "fleet", text, NULL);
}

static void check_memory(struct tg_doctor *d)
{
	char line[128], text[128];
	unsigned long long kb = 0;
	FILE *f = fopen("/proc/meminfo", "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "MemAvailable: %llu kB", &kb) == 1)
			break;
	if (f)
		fclose(f);
	snprintf(text, sizeof(text), "%llu MiB available", kb >> 10);
	tg_doctor_say(
	    d, kb >> 10 >= 512 ? GOOD : FAULT, "memory", text,
	    "lower `connections` in the configuration; `tidegate serve --check -c FILE` prints "
	    "what "
	    "it takes");
}

static void check_hugepages(struct tg_doctor *d)
{
	uint64_t mb = tg_eal_hugepage_free() >> 20;
	char text[160];
	if (mb >= 256)
		snprintf(text, sizeof(text), "%llu MiB in free hugepages", (unsigned long long)mb);
	else
		snprintf(text, sizeof(text),
			 "%llu MiB in free hugepages: ordinary memory is used instead, which is "
			 "slower with many connections",
			 (unsigned long long)mb);
	tg_doctor_say(d, mb >= 256 ? GOOD : LIMIT, "hugepages", text,
		      "sudo dpdk-hugepages.py --setup 2G");
}

static void check_runtime_dir(struct tg_doctor *d)
{
	const char *xdg = getenv("XDG_RUNTIME_DIR");
	char dir[300], text[512], fix[512];
	tg_eal_runtime_dir(dir, sizeof(dir));
	if (getuid() != 0 && xdg && (!*xdg || access(xdg, W_OK) != 0)) {
		snprintf(text, sizeof(text),
			 "XDG_RUNTIME_DIR is '%s', no folder that can be written to: tidegate uses "
			 "/tmp instead",
			 xdg);
		tg_doctor_say(d, LIMIT, "XDG_RUNTIME_DIR", text, "unset XDG_RUNTIME_DIR");
		return;
	}
	bool there = access(dir, F_OK) == 0, open = !there || access(dir, W_OK) == 0;
	snprintf(text, sizeof(text), "telemetry goes to %s%s", dir,
		 open ? "" : ", which another user owns: `stats` cannot be had");
	snprintf(fix, sizeof(fix), "export XDG_RUNTIME_DIR=$(mktemp -d)");
	tg_doctor_say(d, open ? GOOD : LIMIT, "runtime folder", text, fix);
}

static void check_drivers(struct tg_doctor *d)
{
	static const char *const drivers[] = {"ring",  "null",   "pcap",  "tap",   "af_packet",
					      "memif", "af_xdp", "vhost", "virtio"};
	char missing[256] = "", text[400], path[400];
	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
		snprintf(path, sizeof(path), "%s/librte_net_%s.so", RTE_EAL_PMD_PATH, drivers[i]);
		if (access(path, R_OK) != 0)
			snprintf(missing + strlen(missing), sizeof(missing) - strlen(missing),
				 " net_%s", drivers[i]);
	}
	snprintf(text, sizeof(text), "%s%s%s", rte_version(),
		 missing[0] ? ", without the drivers" : " with the drivers of all virtual devices",
		 missing);
	tg_doctor_say(d, missing[0] ? LIMIT : GOOD, "DPDK", text,
		      "sudo apt-get install dpdk libdpdk-dev");
}

static void check_permissions(struct tg_doctor *d)
{
	char self[300] = "", fix[512];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	snprintf(fix, sizeof(fix), "sudo setcap cap_net_raw,cap_net_admin=ep %s",
		 n > 0 ? self : "tidegate");
	bool raw = tg_dev_has_capability(TG_DEV_CAP_NET_RAW),
	     admin = tg_dev_has_capability(TG_DEV_CAP_NET_ADMIN);
	tg_doctor_say(
	    d, raw && admin ? GOOD : LIMIT, "permissions",
	    raw && admin
		? "net_af_packet, net_af_xdp and net_tap may be opened"
		: "without CAP_NET_RAW and CAP_NET_ADMIN only net_pcap, net_ring, net_null "
		  "and net_memif can be opened",
	    fix);
	bool tun = access("/dev/net/tun", R_OK | W_OK) == 0;
	tg_doctor_say(d, tun ? GOOD : LIMIT, "/dev/net/tun",
		      tun ? "net_tap can be used, as a port and as the kernel behind one"
			  : "net_tap cannot be used",
		      "sudo modprobe tun");
	bool vhost = access("/dev/vhost-net", R_OK | W_OK) == 0;
	tg_doctor_say(
	    d, GOOD, "/dev/vhost-net",
	    vhost ? "net_virtio_user,path=/dev/vhost-net can be the kernel behind a port"
		  : "not here (vhost_net): the kernel behind a port can be had by net_tap alone",
	    NULL);
	bool vfio = access("/dev/vfio/vfio", R_OK | W_OK) == 0;
	tg_doctor_say(d, vfio ? GOOD : LIMIT, "/dev/vfio/vfio",
		      vfio ? "network cards can be taken by PCI address"
			   : "network cards cannot be taken by PCI address",
		      "sudo modprobe vfio-pci");
}

/* Whether an interface of the kernel on this card is up: then somebody uses it. */
static bool is_in_use(const char *pci)
{
	char part[300], path[600], where[4096], state[32];
	DIR *dir = opendir("/sys/class/net");
	bool up = false;
	snprintf(part, sizeof(part), "/%s/", pci);
	for (struct dirent *e; dir && (e = readdir(dir));) {
		snprintf(path, sizeof(path), "/sys/class/net/%s", e->d_name);
		if (e->d_name[0] == '.' || !realpath(path, where) || !strstr(where, part))
			continue;
		snprintf(path, sizeof(path), "/sys/class/net/%s/operstate", e->d_name);
		up |= tg_doctor_read_line(path, state, sizeof(state)) && strcmp(state, "down") != 0;
	}
	if (dir)
		closedir(dir);
	return up;
}

static void check_card(struct tg_doctor *d, const char *pci)
{
	char path[600], link[300] = "", text[512], fix[400];
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", pci);
	ssize_t n = readlink(path, link, sizeof(link) - 1);
	const char *driver = n > 0 && strrchr(link, '/') ? strrchr(link, '/') + 1 : "no driver";
	bool ours = strcmp(driver, "vfio-pci") == 0 || strcmp(driver, "igb_uio") == 0 ||
		    strcmp(driver, "uio_pci_generic") == 0;
	bool shared = strncmp(driver, "mlx", 3) == 0, in_use = is_in_use(pci);
	snprintf(text, sizeof(text), "%s (%s)%s", pci, driver,
		 ours || shared ? ": device = this address"
		 : in_use       ? ": the kernel uses it, so it is left alone"
				: ": the kernel has it, and does not use it");
	snprintf(fix, sizeof(fix), "sudo dpdk-devbind.py --bind=vfio-pci %s", pci);
	/* Taking away the card that the user came in by is no fix. */
	tg_doctor_say(d, ours || shared || in_use ? GOOD : LIMIT, "network card", text, fix);
}

static void check_cards(struct tg_doctor *d)
{
	char path[400], class[32];
	uint32_t n = 0;
	DIR *dir = opendir("/sys/bus/pci/devices");
	for (struct dirent *e; dir && (e = readdir(dir));) {
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/class", e->d_name);
		if (e->d_name[0] == '.' || !tg_doctor_read_line(path, class, sizeof(class)) ||
		    strncmp(class, "0x02", 4) != 0)
			continue;
		check_card(d, e->d_name);
		n++;
	}
	if (dir)
		closedir(dir);
	if (n == 0)
		tg_doctor_say(d, GOOD, "network card", "none: virtual devices can be used", NULL);
}

/* -1: go on; otherwise the exit code. */
static int read_options(int argc, char **argv, const char **file)
{
	static const struct option longs[] = {
	    {"config", required_argument, NULL, 'c'}, {"help", no_argument, NULL, 'h'}, {0}};
	int c;
	while ((c = tg_cli_option(argc, argv, ":c:h", longs)) != -1) {
		if (c == 'h') {
			fputs(usage, stdout);
			return TG_EXIT_OK;
		}
		if (c != 'c')
			return TG_EXIT_USAGE;
		*file = optarg;
	}
	if (optind < argc)
		return tg_cli_usage("doctor", "what is %s? A configuration stands behind -c",
				    argv[optind]);
	return -1;
}

int tg_cmd_doctor(int argc, char **argv)
{
	struct tg_doctor d = {0};
	const char *file = NULL;
	int rc = read_options(argc, argv, &file);
	if (rc >= 0)
		return rc;
	check_cpus(&d);
	check_clock(&d);
	check_fleet(&d);
	check_memory(&d);
	check_hugepages(&d);
	check_runtime_dir(&d);
	check_drivers(&d);
	check_permissions(&d);
	check_cards(&d);
	if (file)
		tg_doctor_conf(&d, file);
	printf("%s: %u fault%s, %u limit%s\n",
	       d.faults ? "tidegate cannot run here"
			: "tidegate can "
			  "run here",
	       d.faults, d.faults == 1 ? "" : "s", d.limits, d.limits == 1 ? "" : "s");
	return d.faults ? TG_EXIT_FAILED : TG_EXIT_OK;
}
