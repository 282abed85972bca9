/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench.h"

#include <inttypes.h>

/* It has room for all that the client opens, and for the TIME-WAIT records of those that it closes
 * itself. */
static void make_ini(const struct tg_bench *b, const char *device, char *ini, size_t size)
{
	const struct tg_engine_conf *client = &b->run.plan.engine;
	const struct tg_settings *e = &b->run.opt.conf.engine.set;

	snprintf(ini, size,
		 "[engine]\nconnections = %u\nconnections_ipv6 = %u\ntime_wait = %" PRIu64
		 "\nmoving = %u\nbuffer_mb = %u\nmsl_ms = %u\nidle = %s\n"
		 "[port server]\ndevice = %s\nmac = 02:00:00:00:77:01\n"
		 "address = 192.0.2.1/24 2001:db8::1/64\ngateway = 192.0.2.2 2001:db8::2\n"
		 "[listener echo]\nport = 7\nservice = echo\n"
		 "[listener discard]\nport = 9\nservice = discard\n"
		 "[listener web]\nport = 80\nservice = http\n",
		 client->conn_max, client->ipv6_max,
		 b->run.what.need.peer_time_wait + b->run.what.need.peer_time_wait / 16 + 4096,
		 client->ext_max, e->buffer_mb, client->msl_ms, tg_idle_name(e->idle), device);
}

int tg_bench_server_plan(struct tg_bench *b, const char *device, char *err, size_t err_size)
{
	struct tg_bench_server *s = &b->server;
	char ini[1024];

	make_ini(b, device, ini, sizeof(ini));
	if (tg_conf_parse(&s->conf, "bench's server", ini, strlen(ini), err, err_size) != 0)
		return -1;
	/* What the client speaks is spoken. */
	s->conf.engine.set.tcp = b->run.opt.conf.engine.set.tcp;
	for (uint32_t i = 0; i < s->conf.listener_n; i++)
		s->conf.listener[i].set.tcp = s->conf.engine.set.tcp;
	return tg_plan_init(&s->plan, &s->conf, err, err_size);
}

int tg_bench_server_adopt(struct tg_bench *b, uint16_t id, char *err, size_t err_size)
{
	struct tg_bench_server *s = &b->server;
	struct tg_dev dev;
	struct tg_dev_conf want = {.name = s->plan.engine.port[0].name,
				   .device = "net_ring",
				   .has_mac = true,
				   .mac = s->plan.engine.port[0].mac,
				   .mtu = (uint16_t)s->conf.port[0].set.mtu,
				   .worker_n = 1};

	if (tg_dev_adopt(&dev, &want, id, err, err_size) != 0)
		return -1;
	return tg_host_make(&s->host, "bench-server", &s->plan, &dev, b->got.shared_cpu, err,
			    err_size);
}

uint64_t tg_bench_server_mb(const struct tg_bench *b)
{
	return b->server.plan.engine_bytes >> 20;
}

void tg_bench_server_fini(struct tg_bench *b)
{
	tg_host_fini(&b->server.host);
	tg_plan_fini(&b->server.plan);
	tg_conf_free(&b->server.conf);
}
