/* SPDX-License-Identifier: BSD-3-Clause */
/* link.c: whether a port can still be reached. net_af_packet and net_af_xdp report a link that is
 * always up, also when the interface behind them has been set down or deleted; so where a device
 * names an interface of the kernel (iface=NAME), the kernel is asked as well. */
#include "link.h"
#include "hint.h"

#include <net/if.h>
#include <rte_ethdev.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* What the kernel says of the interface. */
static enum tg_dev_link ask_kernel(const struct tg_dev *dev)
{
	struct ifreq ifr;
	uint32_t index = if_nametoindex(dev->iface);
	if (index != dev->iface_index)
		return index ? TG_DEV_LINK_REPLACED : TG_DEV_LINK_GONE;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return dev->link;
	memset(&ifr, 0, sizeof(ifr));
	memcpy(ifr.ifr_name, dev->iface, sizeof(dev->iface));
	bool known = ioctl(fd, SIOCGIFFLAGS, &ifr) == 0;
	close(fd);
	if (!known)
		return TG_DEV_LINK_GONE;
	bool up = (ifr.ifr_flags & IFF_UP) && (ifr.ifr_flags & IFF_RUNNING);
	return up ? TG_DEV_LINK_UP : TG_DEV_LINK_DOWN;
}

bool tg_dev_poll_link(struct tg_dev *dev)
{
	struct rte_eth_link link;
	enum tg_dev_link before = dev->link, now = TG_DEV_LINK_UP;
	if (dev->iface_index)
		now = ask_kernel(dev);
	if (now == TG_DEV_LINK_UP && rte_eth_link_get_nowait(dev->id, &link) == 0 &&
	    link.link_status != RTE_ETH_LINK_UP)
		now = TG_DEV_LINK_DOWN;
	dev->link = now;
	dev->link_up = now == TG_DEV_LINK_UP;
	return now != before;
}

void tg_dev_watch_link(struct tg_dev *dev)
{
	/* A socket's path (net_vhost) is no interface. That of a kernel may be moved to where the
	 * kernel's services are, and stays in use. */
	if (!dev->conf.is_kernel && tg_dev_find_iface(dev->device, dev->iface, sizeof(dev->iface)))
		dev->iface_index = if_nametoindex(dev->iface);
	dev->link = TG_DEV_LINK_UP;
	tg_dev_poll_link(dev);
}

const char *tg_dev_link_name(enum tg_dev_link link)
{
	static const char *const names[] = {[TG_DEV_LINK_UP] = "up",
					    [TG_DEV_LINK_DOWN] = "down",
					    [TG_DEV_LINK_GONE] = "gone",
					    [TG_DEV_LINK_REPLACED] = "replaced"};
	return names[link];
}

const char *tg_dev_link_text(const struct tg_dev *dev, char *buf, size_t size)
{
	switch (dev->link) {
	case TG_DEV_LINK_UP:
		snprintf(buf, size, "link is up");
		break;
	case TG_DEV_LINK_DOWN:
		snprintf(buf, size, "link is down");
		break;
	case TG_DEV_LINK_GONE:
		snprintf(buf, size, "interface %s is gone: make it again and start tidegate again",
			 dev->iface);
		break;
	case TG_DEV_LINK_REPLACED:
		snprintf(buf, size,
			 "interface %s is back as a new one, which %s does not take over: start "
			 "tidegate again",
			 dev->iface, dev->driver);
		break;
	}
	return buf;
}
