/* SPDX-License-Identifier: BSD-3-Clause */
/* conf_pool.c: what [pool NAME] says, against the rest of the file. */
#include "conf.h"

#include <stdio.h>

static bool has_addr(const struct tg_conf_section *port, const struct tg_addr *a)
{
	for (uint32_t i = 0; i < port->set.addr_n; i++)
		if (tg_addr_equal(&port->set.addr[i].addr, a))
			return true;
	return false;
}

/* The port that has the address; else the one in whose network it lies; NULL: none. */
static struct tg_conf_section *find_port(const struct tg_conf *conf, const struct tg_addr *a)
{
	struct tg_conf_section *near = NULL;
	for (uint32_t i = 0; i < conf->port_n; i++) {
		struct tg_conf_section *p = &conf->port[i];
		if (has_addr(p, a))
			return p;
		for (uint32_t k = 0; k < p->set.addr_n && !near; k++)
			if (tg_addr_is_v4(a) == tg_addr_is_v4(&p->set.addr[k].addr) &&
			    tg_addr_in_prefix(a, &p->set.addr[k].addr, p->set.addr[k].prefix_len))
				near = p;
	}
	return near;
}

static bool is_our_address(const struct tg_conf *conf, const struct tg_addr *a)
{
	const struct tg_conf_section *p = find_port(conf, a);
	return p && has_addr(p, a);
}

/* A VIP is an address of ours: the port that it is next to answers for it. */
static int take_vip(struct tg_conf *conf, const struct tg_conf_section *pool,
		    const struct tg_backend_conf *vip, char *err, size_t err_size)
{
	struct tg_conf_section *p = find_port(conf, &vip->addr);
	uint32_t line = tg_conf_line(pool, "vip");
	char text[64];
	if (!p)
		return tg_conf_fail(conf, line, err, err_size,
				    "vip = %s lies in no network of a port: give the address to a "
				    "[port NAME] first",
				    tg_endpoint_format(&vip->addr, vip->port, text, sizeof(text)));
	if (has_addr(p, &vip->addr))
		return 0;
	if (p->set.addr_n == TG_PORT_ADDR_MAX)
		return tg_conf_fail(conf, line, err, err_size,
				    "vip = %s is one address too many for [port %s]: a port has 16",
				    tg_endpoint_format(&vip->addr, vip->port, text, sizeof(text)),
				    p->name);
	uint8_t host = tg_addr_is_v4(&vip->addr) ? 32 : 128;
	p->set.addr[p->set.addr_n++] = (struct tg_port_addr){vip->addr, host};
	return 0;
}

static bool has_family(const struct tg_backend_conf list[], uint32_t n, bool v4)
{
	for (uint32_t i = 0; i < n; i++)
		if (tg_addr_is_v4(&list[i].addr) == v4)
			return true;
	return false;
}

static int check_families(const struct tg_conf *conf, const struct tg_conf_section *pool, char *err,
			  size_t err_size)
{
	const struct tg_settings *s = &pool->set;
	for (int v4 = 0; v4 < 2; v4++) {
		const char *family = v4 ? "IPv4" : "IPv6";
		bool vip = has_family(s->vip, s->vip_n, v4);
		bool backend = has_family(s->backend, s->backend_n, v4);
		if (vip != backend)
			return tg_conf_fail(
			    conf, tg_conf_line(pool, vip ? "vip" : "backend"), err, err_size,
			    "[pool %s] has a %s %s and no %s for it: a connection "
			    "keeps its family, add one or leave it out",
			    pool->name, family, vip ? "vip" : "backend", vip ? "backend" : "vip");
	}
	return 0;
}

static int check_snat(const struct tg_conf *conf, const struct tg_conf_section *pool, char *err,
		      size_t err_size)
{
	const struct tg_settings *s = &pool->set;
	uint32_t line = tg_conf_line(pool, "snat_address");
	char text[64];
	if (s->snat_n && s->mode != TG_POOL_SNAT)
		return tg_conf_fail(conf, line, err, err_size,
				    "snat_address is for mode = snat: set that, or leave it out");
	for (uint32_t i = 0; i < s->snat_n; i++)
		if (!is_our_address(conf, &s->snat[i]))
			return tg_conf_fail(
			    conf, line, err, err_size,
			    "snat_address = %s is on no port: give it to a [port NAME] first",
			    tg_addr_format(&s->snat[i], text, sizeof(text)));
	return 0;
}

/* A backend that is one of our own addresses would be asked by us, and answered by nobody. */
static int check_backends(const struct tg_conf *conf, const struct tg_conf_section *pool, char *err,
			  size_t err_size)
{
	const struct tg_settings *s = &pool->set;
	char text[64];
	for (uint32_t i = 0; i < s->backend_n; i++)
		if (is_our_address(conf, &s->backend[i].addr))
			return tg_conf_fail(conf, tg_conf_line(pool, "backend"), err, err_size,
					    "backend = %s is an address of a port here: a backend "
					    "is another host",
					    tg_endpoint_format(&s->backend[i].addr,
							       s->backend[i].port, text,
							       sizeof(text)));
	return 0;
}

static bool meets(const struct tg_backend_conf *vip, const struct tg_settings *listener)
{
	if (vip->port != listener->listen_port)
		return false;
	for (uint32_t i = 0; i < listener->listen_addr_n; i++)
		if (tg_addr_equal(&listener->listen_addr[i], &vip->addr))
			return true;
	return false; /* one for all addresses leaves room for one that is for its own */
}

/* The section that has the VIP already, NULL: none. */
static const struct tg_conf_section *find_taken(const struct tg_conf *conf, uint32_t pool,
						const struct tg_backend_conf *vip, bool *is_pool)
{
	*is_pool = true;
	for (uint32_t i = 0; i < pool; i++)
		for (uint32_t k = 0; k < conf->pool[i].set.vip_n; k++)
			if (conf->pool[i].set.vip[k].port == vip->port &&
			    tg_addr_equal(&conf->pool[i].set.vip[k].addr, &vip->addr))
				return &conf->pool[i];
	*is_pool = false;
	for (uint32_t i = 0; i < conf->listener_n; i++)
		if (meets(vip, &conf->listener[i].set))
			return &conf->listener[i];
	return NULL;
}

static int check_vips(struct tg_conf *conf, uint32_t i, char *err, size_t err_size)
{
	const struct tg_conf_section *pool = &conf->pool[i];
	char text[64];
	bool is_pool;
	for (uint32_t k = 0; k < pool->set.vip_n; k++) {
		const struct tg_backend_conf *vip = &pool->set.vip[k];
		const struct tg_conf_section *taken = find_taken(conf, i, vip, &is_pool);
		if (taken)
			return tg_conf_fail(
			    conf, tg_conf_line(pool, "vip"), err, err_size,
			    "vip = %s belongs to [%s %s] already",
			    tg_endpoint_format(&vip->addr, vip->port, text, sizeof(text)),
			    is_pool ? "pool" : "listener", taken->name);
		if (take_vip(conf, pool, vip, err, err_size) != 0)
			return -1;
	}
	return 0;
}

int tg_conf_check_pool(struct tg_conf *conf, uint32_t i, char *err, size_t err_size)
{
	const struct tg_conf_section *pool = &conf->pool[i];
	if (pool->set.vip_n == 0)
		return tg_conf_fail(conf, pool->line, err, err_size,
				    "[pool %s] has no vip: add `vip = ` with the address and port "
				    "that clients connect to",
				    pool->name);
	if (pool->set.backend_n == 0)
		return tg_conf_fail(conf, pool->line, err, err_size,
				    "[pool %s] has no backend: add `backend = ` with addresses and "
				    "ports",
				    pool->name);
	if (check_families(conf, pool, err, err_size) != 0 ||
	    check_vips(conf, i, err, err_size) != 0 || check_snat(conf, pool, err, err_size) != 0)
		return -1;
	return check_backends(conf, pool, err, err_size);
}
