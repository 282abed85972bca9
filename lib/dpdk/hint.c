/* SPDX-License-Identifier: BSD-3-Clause */
/* hint.c: why a device could not be had, in the user's words. Drivers log what failed inside of
 * them; what the user has to do about it is looked for here. */
#include "hint.h"
#include "tg_eal.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool is_driver(const char *device, const char *driver)
{
	return strncmp(device, driver, strlen(driver)) == 0;
}

bool tg_dev_find_iface(const char *device, char *name, size_t size)
{
	static const char key[] = ",iface=";
	const char *at = strstr(device, key);
	if (!at)
		return false;
	at += sizeof(key) - 1;
	size_t len = strcspn(at, ",");
	if (len == 0 || len >= size)
		return false;
	memcpy(name, at, len);
	name[len] = 0;
	return true;
}

bool tg_dev_has_capability(enum tg_dev_capability capability)
{
	char line[128];
	unsigned long long caps = 0;
	FILE *f = fopen("/proc/self/status", "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "CapEff: %llx", &caps) == 1)
			break;
	if (f)
		fclose(f);
	return caps >> capability & 1;
}

static const char *say_capability(const char *what, char *buf, size_t size)
{
	char self[256] = "";
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	snprintf(buf, size, "%s: run it as root, or `sudo setcap cap_net_raw,cap_net_admin=ep %s`",
		 what, n > 0 ? self : "tidegate");
	return buf;
}

/* A name that is no driver's: often an interface's own. */
static const char *of_no_driver(const char *device, char *buf, size_t size)
{
	char name[64];
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(device, ","), device);
	if (if_nametoindex(name))
		snprintf(buf, size, "this is an interface of the kernel: net_af_packet0,iface=%s",
			 name);
	else
		snprintf(buf, size,
			 "no driver has this name; there are net_af_packet, net_af_xdp, net_tap, "
			 "net_pcap, net_memif, net_vhost, net_virtio_user, net_null (with a number "
			 "behind), and PCI addresses");
	return buf;
}

/* Drivers that take an interface of the kernel over. */
static const char *of_interface(const char *device, char *buf, size_t size)
{
	char name[64];
	if (!tg_dev_find_iface(device, name, sizeof(name)))
		snprintf(buf, size, "it needs an interface of the kernel: %.*s,iface=NAME",
			 (int)strcspn(device, ","), device);
	else if (!if_nametoindex(name))
		snprintf(buf, size, "there is no interface %s here: see `ip link`", name);
	else if (!tg_dev_has_capability(TG_DEV_CAP_NET_RAW))
		return say_capability("it needs CAP_NET_RAW", buf, size);
	else if (is_driver(device, "net_af_xdp") && !tg_dev_has_capability(TG_DEV_CAP_NET_ADMIN))
		return say_capability("it needs CAP_NET_ADMIN", buf, size);
	else
		return NULL;
	return buf;
}

static const char *of_tap(const char *device, char *buf, size_t size)
{
	char name[64];
	if (access("/dev/net/tun", F_OK) != 0)
		snprintf(buf, size, "there is no /dev/net/tun: `sudo modprobe tun`");
	else if (!tg_dev_has_capability(TG_DEV_CAP_NET_ADMIN))
		return say_capability("it needs CAP_NET_ADMIN", buf, size);
	else if (tg_dev_find_iface(device, name, sizeof(name)) && if_nametoindex(name))
		snprintf(buf, size, "interface %s is there already: choose another name", name);
	else
		return NULL;
	return buf;
}

/* A kernel's side by vhost-net. */
static const char *of_vhost_net(const char *device, char *buf, size_t size)
{
	static const char path[] = "/dev/vhost-net";
	if (!strstr(device, path))
		return NULL;
	if (access(path, F_OK) != 0)
		snprintf(buf, size, "there is no %s: `sudo modprobe vhost_net`", path);
	else if (access(path, R_OK | W_OK) != 0)
		snprintf(buf, size, "%s may not be opened: run it as root", path);
	else
		return of_tap(device, buf, size);
	return buf;
}

const char *tg_dev_hint(const char *device, char *buf, size_t size)
{
	if (is_driver(device, "net_af_packet") || is_driver(device, "net_af_xdp"))
		return of_interface(device, buf, size);
	if (is_driver(device, "net_tap"))
		return of_tap(device, buf, size);
	if (is_driver(device, "net_virtio_user"))
		return of_vhost_net(device, buf, size);
	if (strstr(tg_eal_log_error(), "failed to parse device"))
		return of_no_driver(device, buf, size);
	return NULL;
}
