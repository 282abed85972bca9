/* SPDX-License-Identifier: BSD-3-Clause */
/* load_guard.c: which devices a flood may go out of unasked: those whose other end is on this
 * machine. */
#include "iface.h"
#include "load_plan.h"

#include <string.h>

static bool is_any_of(const char *device, const char *const *driver, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (strncmp(device, driver[i], strlen(driver[i])) == 0)
			return true;
	return false;
}

static bool is_local_iface(const char *device)
{
	char name[IFNAMSIZ], driver[TG_IFACE_DRIVER];

	return tg_iface_of(device, name) && tg_iface_driver(name, driver) &&
	       (strcmp(driver, "veth") == 0 || strcmp(driver, "tun") == 0);
}

bool tg_load_stays_here(const char *device)
{
	static const char *const local[] = {"net_null", "net_ring", "net_memif", "net_vhost",
					    "net_virtio_user"};
	static const char *const taken[] = {"net_af_packet", "net_af_xdp"};

	if (is_any_of(device, local, sizeof(local) / sizeof(local[0])))
		return true;
	if (strncmp(device, "net_tap", 7) == 0)
		return !strstr(device, "remote="); /* that would be another interface's traffic */
	if (strncmp(device, "net_pcap", 8) == 0)
		return !strstr(device, "iface") || is_local_iface(device);
	return is_any_of(device, taken, sizeof(taken) / sizeof(taken[0])) && is_local_iface(device);
}
