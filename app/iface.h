/* SPDX-License-Identifier: BSD-3-Clause */
/* iface.h: interfaces of the kernel that a device takes over. */
#ifndef TG_APP_IFACE_H
#define TG_APP_IFACE_H

#include <net/if.h>
#include <stdbool.h>

enum { TG_IFACE_DRIVER = 32 };

/* Of the device's arguments, iface=NAME; false: there is none. */
bool tg_iface_of(const char *device, char name[IFNAMSIZ]);
/* An ioctl about it; *ifr but for its name is the caller's. */
bool tg_iface_ask(unsigned long request, struct ifreq *ifr, const char *name);
/* What the kernel drives it by: veth, tun, or a card's. False: it is not there, or does not say. */
bool tg_iface_driver(const char *name, char driver[TG_IFACE_DRIVER]);

#endif
