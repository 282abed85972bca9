/* SPDX-License-Identifier: BSD-3-Clause */
/* doctor_conf.c: `tidegate doctor -c FILE`: what a configuration needs that only this machine and
 * its neighbours can give: interfaces as they must be, a kernel that leaves them alone, and ways to
 * backends and back. What cannot be seen from here is said, with the command. */
#define _GNU_SOURCE
#include "doctor.h"
#include "iface.h"
#include "plan.h"
#include "pools.h"

#include <dirent.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 512, PATH_LEN = 320 };

/* --- the kernel's interfaces --- */

static bool is_driver(const char *device, const char *driver)
{
	return strncmp(device, driver, strlen(driver)) == 0;
}

/* Ports that take an interface over, which the kernel goes on to have. */
static bool has_iface(const struct tg_conf *conf, uint32_t i, char name[IFNAMSIZ])
{
	const char *device = conf->port[i].set.device;
	bool shared = is_driver(device, "net_af_packet") || is_driver(device, "net_af_xdp");
	return shared && tg_conf_shares(conf, i) == i && tg_iface_of(device, name);
}

/* False too when the driver does not know. */
static bool is_on(const char *name, uint32_t command)
{
	struct ethtool_value value = {.cmd = command};
	struct ifreq ifr = {.ifr_data = (void *)&value};
	return tg_iface_ask(SIOCETHTOOL, &ifr, name) && value.data != 0;
}

static bool has_lro(const char *name)
{
	struct ethtool_value value = {.cmd = ETHTOOL_GFLAGS};
	struct ifreq ifr = {.ifr_data = (void *)&value};
	return tg_iface_ask(SIOCETHTOOL, &ifr, name) && (value.data & ETH_FLAG_LRO);
}

static bool is_veth(const char *name)
{
	char driver[TG_IFACE_DRIVER];
	return tg_iface_driver(name, driver) && strcmp(driver, "veth") == 0;
}

static uint32_t read_number(const char *format, const char *name)
{
	char path[PATH_LEN], line[32] = "";
	snprintf(path, sizeof(path), format, name);
	return tg_doctor_read_line(path, line, sizeof(line)) ? (uint32_t)strtoul(line, NULL, 10)
							     : 0;
}

/* Interfaces of different namespaces may have the same number: each must name the other. */
static bool find_peer(const char *name, char peer[IFNAMSIZ])
{
	static const char link[] = "/sys/class/net/%s/iflink";
	uint32_t wanted = read_number(link, name);
	if (!if_indextoname(wanted, peer))
		return false;
	return read_number(link, peer) == if_nametoindex(name) && is_veth(peer);
}

static void check_veth(struct tg_doctor *d, const char *what, const char *name)
{
	char peer[IFNAMSIZ], text[TEXT_MAX], fix[128];
	if (!find_peer(name, peer)) {
		snprintf(text, sizeof(text),
			 "the other end of %s is in another namespace: there, `ethtool -K NAME tx "
			 "off tso off gso off` has its kernel fill in checksums and cut frames",
			 name);
		tg_doctor_say(d, GOOD, what, text, NULL);
		return;
	}
	if (!is_on(peer, ETHTOOL_GTXCSUM) && !is_on(peer, ETHTOOL_GTSO) &&
	    !is_on(peer, ETHTOOL_GGSO))
		return;
	snprintf(
	    text, sizeof(text),
	    "%s, the other end of %s, leaves checksums out or hands over frames beyond the MTU",
	    peer, name);
	snprintf(fix, sizeof(fix), "sudo ethtool -K %s tx off tso off gso off", peer);
	tg_doctor_say(d, LIMIT, what, text, fix);
}

static bool is_link_local6(const struct sockaddr *sa)
{
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)sa;
	return sa->sa_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&six->sin6_addr);
}

static bool has_kernel_address(const char *name)
{
	struct ifaddrs *list, *a;
	bool found = false;
	if (getifaddrs(&list) != 0)
		return false;
	for (a = list; a; a = a->ifa_next)
		found |=
		    a->ifa_addr && strcmp(a->ifa_name, name) == 0 &&
		    (a->ifa_addr->sa_family == AF_INET || a->ifa_addr->sa_family == AF_INET6) &&
		    !is_link_local6(a->ifa_addr);
	freeifaddrs(list);
	return found;
}

/* Up, long enough frames, nobody else's. */
static void check_state(struct tg_doctor *d, const char *what, const char *name, uint32_t mtu)
{
	struct ifreq ifr = {0};
	char text[TEXT_MAX], fix[128];
	if (tg_iface_ask(SIOCGIFFLAGS, &ifr, name) && !(ifr.ifr_flags & IFF_UP)) {
		snprintf(text, sizeof(text), "%s is down", name);
		snprintf(fix, sizeof(fix), "sudo ip link set %s up", name);
		tg_doctor_say(d, LIMIT, what, text, fix);
	}
	if (tg_iface_ask(SIOCGIFMTU, &ifr, name) && (uint32_t)ifr.ifr_mtu < mtu) {
		snprintf(text, sizeof(text), "%s has an MTU of %d, and the port says %u", name,
			 ifr.ifr_mtu, mtu);
		snprintf(fix, sizeof(fix), "sudo ip link set %s mtu %u, or mtu = %d", name, mtu,
			 ifr.ifr_mtu);
		tg_doctor_say(d, LIMIT, what, text, fix);
	}
	if (has_kernel_address(name)) {
		snprintf(text, sizeof(text),
			 "the kernel has addresses on %s: it answers there besides, and resets "
			 "what it does not know",
			 name);
		snprintf(fix, sizeof(fix), "sudo ip addr flush dev %s", name);
		tg_doctor_say(d, LIMIT, what, text, fix);
	}
	if (is_on(name, ETHTOOL_GGRO) || has_lro(name)) {
		snprintf(text, sizeof(text), "%s puts segments together to frames beyond the MTU",
			 name);
		snprintf(fix, sizeof(fix), "sudo ethtool -K %s gro off lro off", name);
		tg_doctor_say(d, LIMIT, what, text, fix);
	}
}

/* Two hosts would stand behind one MAC address. */
static void check_forwarding(struct tg_doctor *d, const char *what, const char *name)
{
	char text[TEXT_MAX], fix[160];
	bool v4 = read_number("/proc/sys/net/ipv4/conf/%s/forwarding", name) == 1;
	bool v6 = read_number("/proc/sys/net/ipv6/conf/%s/forwarding", name) == 1 &&
		  read_number("/proc/sys/net/ipv6/conf/%s/disable_ipv6", name) == 0;
	if (!v4 && !v6)
		return;
	snprintf(text, sizeof(text),
		 "the kernel forwards %s that comes by %s: packets pass tidegate by, or twice",
		 v4 && v6 ? "IPv4 and IPv6"
		 : v4     ? "IPv4"
			  : "IPv6",
		 name);
	snprintf(fix, sizeof(fix), "sudo sysctl -w%s%s%s%s%s%s", v4 ? " net.ipv4.conf." : "",
		 v4 ? name : "", v4 ? ".forwarding=0" : "", v6 ? " net.ipv6.conf." : "",
		 v6 ? name : "", v6 ? ".disable_ipv6=1" : "");
	tg_doctor_say(d, LIMIT, what, text, fix);
}

static void check_iface(struct tg_doctor *d, const struct tg_conf *conf, uint32_t i,
			const char *what, const char *name)
{
	char text[TEXT_MAX], fix[192];
	uint32_t before = d->limits;
	if (!if_nametoindex(name)) {
		snprintf(text, sizeof(text), "there is no interface %s here", name);
		snprintf(fix, sizeof(fix),
			 "iface = one that `ip link` shows, or sudo ip link add %s type veth peer "
			 "name NAME",
			 name);
		tg_doctor_say(d, FAULT, what, text, fix);
		return;
	}
	check_state(d, what, name, conf->port[i].set.mtu);
	check_forwarding(d, what, name);
	if (is_veth(name))
		check_veth(d, what, name);
	snprintf(text, sizeof(text), "%s is as it must be", name);
	if (d->limits == before)
		tg_doctor_say(d, GOOD, what, text, NULL);
}

/* --- a kernel behind a port --- */

static void check_rp_filter(struct tg_doctor *d, const char *what, const char *name)
{
	static const char path[] = "/proc/sys/net/ipv4/conf/%s/rp_filter";
	char text[TEXT_MAX], fix[128];
	uint32_t own = read_number(path, if_nametoindex(name) ? name : "default");
	uint32_t all = read_number(path, "all");
	if ((own > all ? own : all) != 1)
		return;
	snprintf(text, sizeof(text),
		 "the kernel drops what comes by %s from where its own way back is another "
		 "interface (rp_filter = 1)",
		 name);
	snprintf(fix, sizeof(fix), "sudo sysctl -w net.ipv4.conf.%s.rp_filter=2, when it is there",
		 name);
	tg_doctor_say(d, LIMIT, what, text, fix);
}

/* The device's interface must not speak for the addresses that the kernel now has behind it. */
static void check_silence(struct tg_doctor *d, const char *what, const char *name)
{
	char text[TEXT_MAX], fix[256];
	if (read_number("/proc/sys/net/ipv4/conf/%s/arp_ignore", name) != 0 &&
	    read_number("/proc/sys/net/ipv4/conf/%s/rp_filter", name) == 1)
		return;
	snprintf(text, sizeof(text),
		 "with the port's addresses behind it the kernel would answer by %s, too", name);
	snprintf(fix, sizeof(fix),
		 "sudo sysctl -w net.ipv4.conf.%s.rp_filter=1 net.ipv4.conf.%s.arp_ignore=1 "
		 "net.ipv6.conf.%s.disable_ipv6=1",
		 name, name, name);
	tg_doctor_say(d, LIMIT, what, text, fix);
}

static void check_port(struct tg_doctor *d, const struct tg_conf *conf, uint32_t i)
{
	const struct tg_settings *s = &conf->port[i].set;
	char what[64], name[IFNAMSIZ];
	snprintf(what, sizeof(what), "port %s", conf->port[i].name);
	if (has_iface(conf, i, name)) {
		check_iface(d, conf, i, what, name);
		if (s->kernel[0] && if_nametoindex(name))
			check_silence(d, what, name);
	}
	if (s->kernel[0] && tg_iface_of(s->kernel, name))
		check_rp_filter(d, what, name);
}

/* --- workers --- */

static void check_workers(struct tg_doctor *d, const struct tg_plan *plan)
{
	char text[TEXT_MAX], fix[64];
	uint32_t n = plan->worker_n, cpus = tg_doctor_cpus();
	bool few = n > cpus;
	snprintf(text, sizeof(text), "%u worker%s%s", n, n == 1 ? "" : "s",
		 few ? ", more than CPUs: they take turns, and answer late" : "");
	snprintf(fix, sizeof(fix), "workers = %u", cpus);
	tg_doctor_say(d, few ? LIMIT : GOOD, "workers", text, fix);
	if (n == 1)
		return;
	tg_doctor_say(
	    d, GOOD, "steering",
	    tg_pools_is_transparent(plan)
		? "by the client's address in software for transparent pools: all flows of one "
		  "address are one worker's; the rest by its tuple"
		: "by tuple: in hardware where a device's RSS takes our key, else in software",
	    NULL);
}

/* --- backends --- */

/* The port that leads to a, by its network or its gateway; NULL: none does. *ours: of its
 * addresses the one that is nearest. */
static const struct tg_conf_section *find_way(const struct tg_conf *conf, const struct tg_addr *a,
					      struct tg_addr *ours, bool *is_near)
{
	const struct tg_conf_section *far = NULL;
	for (uint32_t i = 0; i < conf->port_n; i++) {
		const struct tg_settings *s = &conf->port[i].set;
		bool gateway = false;
		for (uint32_t k = 0; k < s->gateway_n; k++)
			gateway |= tg_addr_is_v4(&s->gateway[k]) == tg_addr_is_v4(a);
		for (uint32_t k = 0; k < s->addr_n; k++) {
			const struct tg_port_addr *own = &s->addr[k];
			if (tg_addr_is_v4(&own->addr) != tg_addr_is_v4(a))
				continue;
			*is_near = tg_addr_in_prefix(a, &own->addr, own->prefix_len);
			if (*is_near || (gateway && !far))
				*ours = own->addr;
			if (*is_near)
				return &conf->port[i];
			far = gateway && !far ? &conf->port[i] : far;
		}
	}
	*is_near = false;
	return far;
}

static void say_route(struct tg_doctor *d, const char *what, const struct tg_addr *ours)
{
	char text[TEXT_MAX], addr[64];
	tg_addr_format(ours, addr, sizeof(addr));
	snprintf(
	    text, sizeof(text),
	    "transparent: backends must answer clients by way of %s, which cannot be seen from "
	    "here: on each, sudo ip%s route replace default via %s",
	    addr, tg_addr_is_v4(ours) ? "" : " -6", addr);
	tg_doctor_say(d, GOOD, what, text, NULL);
}

/* A backend that has clients for neighbours answers them itself. */
static void check_one_arm(struct tg_doctor *d, const struct tg_conf *conf,
			  const struct tg_conf_section *pool, const struct tg_conf_section *inside,
			  const char *what)
{
	char text[TEXT_MAX];
	struct tg_addr ours;
	bool is_near;
	for (uint32_t i = 0; i < pool->set.vip_n; i++) {
		if (find_way(conf, &pool->set.vip[i].addr, &ours, &is_near) != inside)
			continue;
		snprintf(
		    text, sizeof(text),
		    "transparent, with VIP and backends on [port %s]: a backend reaches clients "
		    "of its own network without us, and they reset what they get",
		    inside->name);
		tg_doctor_say(d, LIMIT, what, text,
			      "mode = snat, or backends behind a port of their own");
		return;
	}
}

/* Each address of ours that backends are reached from is told once. */
static void check_pool(struct tg_doctor *d, const struct tg_conf *conf, uint32_t i)
{
	const struct tg_conf_section *pool = &conf->pool[i];
	bool transparent = pool->set.mode == TG_POOL_TRANSPARENT, told[2] = {false}, is_near;
	const struct tg_conf_section *arm = NULL;
	char what[64], text[TEXT_MAX], addr[64];
	struct tg_addr ours;
	snprintf(what, sizeof(what), "pool %s", pool->name);
	for (uint32_t k = 0; k < pool->set.backend_n; k++) {
		const struct tg_backend_conf *b = &pool->set.backend[k];
		bool v4 = tg_addr_is_v4(&b->addr);
		const struct tg_conf_section *way = find_way(conf, &b->addr, &ours, &is_near);
		if (!way) {
			snprintf(
			    text, sizeof(text),
			    "no way to backend %s: it is in no port's network, and no port has "
			    "a gateway of %s",
			    tg_endpoint_format(&b->addr, b->port, addr, sizeof(addr)),
			    v4 ? "IPv4" : "IPv6");
			tg_doctor_say(d, FAULT, what, text,
				      "gateway = ADDRESS of a router, for its port");
			continue;
		}
		if (transparent && !told[v4])
			say_route(d, what, &ours);
		told[v4] = true;
		arm = is_near ? way : arm;
	}
	if (transparent && arm)
		check_one_arm(d, conf, pool, arm, what);
	if (!transparent)
		tg_doctor_say(d, GOOD, what, "snat: backends need no route to clients", NULL);
}

/* --- all of it --- */

static const char *command_of(const struct tg_conf *conf)
{
	if (conf->pool_n)
		return "shield";
	return conf->has_load && conf->listener_n == 0 ? "load" : "serve";
}

static void check_all(struct tg_doctor *d, const struct tg_conf *conf, const struct tg_plan *plan)
{
	char text[TEXT_MAX];
	snprintf(text, sizeof(text),
		 "%s is good, for `tidegate %s`: %u port%s, %u listener%s, "
		 "%u pool%s",
		 conf->file, command_of(conf), conf->port_n, conf->port_n == 1 ? "" : "s",
		 conf->listener_n, conf->listener_n == 1 ? "" : "s", conf->pool_n,
		 conf->pool_n == 1 ? "" : "s");
	tg_doctor_say(d, GOOD, "configuration", text, NULL);
	check_workers(d, plan);
	for (uint32_t i = 0; i < conf->port_n; i++)
		check_port(d, conf, i);
	for (uint32_t i = 0; i < conf->pool_n; i++)
		check_pool(d, conf, i);
}

void tg_doctor_conf(struct tg_doctor *d, const char *file)
{
	struct tg_conf conf;
	struct tg_plan plan;
	char err[TG_CONF_ERR];
	if (tg_conf_load(&conf, file, err, sizeof(err)) != 0) {
		tg_doctor_say(d, FAULT, "configuration", err, NULL); /* it says what mends it */
		return;
	}
	if (tg_plan_init(&plan, &conf, err, sizeof(err)) != 0) {
		tg_doctor_say(d, FAULT, "configuration", err, NULL);
	} else {
		check_all(d, &conf, &plan);
		tg_plan_fini(&plan);
	}
	tg_conf_free(&conf);
}
