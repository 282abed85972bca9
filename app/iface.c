/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "iface.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

bool tg_iface_of(const char *device, char name[IFNAMSIZ])
{
	static const char key[] = ",iface=";
	const char *at = strstr(device, key);
	size_t len = at ? strcspn(at + sizeof(key) - 1, ",") : 0;

	if (len == 0 || len >= IFNAMSIZ)
		return false;
	memcpy(name, at + sizeof(key) - 1, len);
	name[len] = 0;
	return true;
}

bool tg_iface_ask(unsigned long request, struct ifreq *ifr, const char *name)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), "%s", name);
	bool ok = fd >= 0 && ioctl(fd, request, ifr) == 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

bool tg_iface_driver(const char *name, char driver[TG_IFACE_DRIVER])
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	struct ifreq ifr = {.ifr_data = (void *)&info};
	bool ok = tg_iface_ask(SIOCETHTOOL, &ifr, name);

	snprintf(driver, TG_IFACE_DRIVER, "%s", ok ? info.driver : "");
	return ok;
}
