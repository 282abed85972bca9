/* SPDX-License-Identifier: BSD-3-Clause */
#include "kernel.h"

static size_t name_len(const char *device)
{
	return strcspn(device, ",");
}

static bool is_same_device(const char *a, const char *b)
{
	return name_len(a) == name_len(b) && memcmp(a, b, name_len(a)) == 0;
}

/* DPDK makes a device once: net_tap0 cannot be both a port and what is behind one. */
static int check_device(const struct tg_conf *conf, uint32_t i, char *err, size_t err_size)
{
	const struct tg_conf_section *p = &conf->port[i];
	for (uint32_t k = 0; k < conf->port_n; k++) {
		const struct tg_settings *o = &conf->port[k].set;
		bool port = is_same_device(p->set.kernel, o->device);
		if (!port && (k >= i || !is_same_device(p->set.kernel, o->kernel)))
			continue;
		return tg_conf_fail(conf, tg_conf_line(p, "kernel"), err, err_size,
				    "kernel = %.*s is the %s of [port %s] already: number them",
				    (int)name_len(p->set.kernel), p->set.kernel,
				    port ? "device" : "kernel", conf->port[k].name);
	}
	return 0;
}

static bool has_port(const struct tg_settings *port, uint32_t number)
{
	for (uint32_t i = 0; i < port->kernel_port_n; i++)
		if (number >= port->kernel_port[i].low && number <= port->kernel_port[i].high)
			return true;
	return false;
}

static bool has_address(const struct tg_settings *port, const struct tg_settings *listener)
{
	for (uint32_t i = 0; i < listener->listen_addr_n; i++)
		for (uint32_t k = 0; k < port->addr_n; k++)
			if (tg_addr_equal(&listener->listen_addr[i], &port->addr[k].addr))
				return true;
	return listener->listen_addr_n == 0;
}

/* Such a listener would never hear anything. */
static int check_listeners(const struct tg_conf *conf, uint32_t i, char *err, size_t err_size)
{
	const struct tg_conf_section *p = &conf->port[i];
	for (uint32_t k = 0; k < conf->listener_n; k++) {
		const struct tg_conf_section *l = &conf->listener[k];
		if (!has_port(&p->set, l->set.listen_port) || !has_address(&p->set, &l->set))
			continue;
		return tg_conf_fail(
		    conf, tg_conf_line(p, "kernel_ports"), err, err_size,
		    "kernel_ports: port %u is that of [listener %s]: leave it out, or "
		    "let it listen on addresses of another port",
		    l->set.listen_port, l->name);
	}
	return 0;
}

int tg_kernel_check(const struct tg_conf *conf, char *err, size_t err_size)
{
	for (uint32_t i = 0; i < conf->port_n; i++)
		if (conf->port[i].set.kernel[0] && (check_device(conf, i, err, err_size) != 0 ||
						    check_listeners(conf, i, err, err_size) != 0))
			return -1;
	return 0;
}

void tg_kernel_print(const struct tg_conf *conf, FILE *out)
{
	for (uint32_t i = 0; i < conf->port_n; i++) {
		const struct tg_settings *s = &conf->port[i].set;
		if (!s->kernel[0])
			continue;
		fprintf(out, "kernel behind port %s: %s, all protocols but TCP and ICMP",
			conf->port[i].name, s->kernel);
		for (uint32_t k = 0; k < s->kernel_port_n; k++) {
			const struct tg_port_range *r = &s->kernel_port[k];
			fprintf(out, "%s%u", k ? " " : ", TCP ports ", r->low);
			if (r->high != r->low)
				fprintf(out, "-%u", r->high);
		}
		fputc('\n', out);
	}
}
