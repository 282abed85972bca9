/* SPDX-License-Identifier: BSD-3-Clause */
/* lab.c: the host: one engine, one port, one neighbour, and a clock that only the caller moves. */
#include "lab_int.h"
#include "tg_services.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

enum {
	LAB_CHUNK_MAX = 131072, /* 256 MiB of queues, touched only where used */
	LAB_CHUNK_PER_CONN = 2 * ((TG_BUF_MAX >> 11) + 16),
	LAB_MTU_MIN_V6 = 1280,
	LAB_IDLE_ROUNDS = 16, /* ticks without a packet before the clock must move */
};

/* --- the clock --- */

/* The end of time, 584 years from 0. The clock stands still a little before, so that no deadline
 * wraps; "for ever" (UINT64_MAX) is a fair thing to ask for. */
#define LAB_TIME_MAX (UINT64_MAX - (UINT64_C(1) << 55))

static void tick(struct tg_lab *lab)
{
	lab_emit(lab, tg_engine_tick(lab->engine, lab->out, LAB_OUT_MAX, lab->now_ns));
}

/* Ticks until the engine has nothing more for this instant. The bound is for a timer that comes due
 * within the wheel's tick that has begun: it acts at the next one. */
static void settle(struct tg_lab *lab)
{
	uint32_t idle = 0;

	do {
		uint32_t before = lab->out_n;
		tick(lab);
		idle = lab->out_n == before ? idle + 1 : 0;
	} while (idle < LAB_IDLE_ROUNDS && tg_engine_next_deadline(lab->engine) <= lab->now_ns);
}

void lab_settle(struct tg_lab *lab)
{
	settle(lab);
}

/* Each deadline at its own time, rounded up to the wheel's tick. */
static void run_to(struct tg_lab *lab, uint64_t now_ns)
{
	uint64_t due;

	if (now_ns > LAB_TIME_MAX)
		now_ns = LAB_TIME_MAX;
	while ((due = tg_engine_next_deadline(lab->engine)) <= now_ns) {
		if (due > lab->now_ns)
			lab->now_ns = due;
		settle(lab);
		if (tg_engine_next_deadline(lab->engine) > lab->now_ns)
			continue;
		uint64_t next_ms = (lab->now_ns / TG_NS_PER_MS + 1) * TG_NS_PER_MS;
		if (next_ms > now_ns)
			break;
		lab->now_ns = next_ms;
	}
	if (now_ns > lab->now_ns)
		lab->now_ns = now_ns;
}

void tg_lab_advance(struct tg_lab *lab, uint64_t now_ns)
{
	run_to(lab, now_ns > lab->now_ns ? now_ns : lab->now_ns);
	settle(lab);
}

uint64_t tg_lab_next_deadline(const struct tg_lab *lab)
{
	uint64_t due = tg_engine_next_deadline(lab->engine);

	/* The engine's "at once" is told as the next tick: after advance(d) it is later than d. */
	if (due <= lab->now_ns)
		return (lab->now_ns / TG_NS_PER_MS + 1) * TG_NS_PER_MS;
	return due;
}

/* --- packets in --- */

static int burst(struct tg_lab *lab, const void *const datagram[], const size_t len[], uint32_t n)
{
	struct tg_pkt in[TG_BURST_MAX];
	uint32_t in_n = 0;

	for (uint32_t i = 0; i < n; i++)
		in_n += lab_frame(lab, datagram[i], len[i], &in[in_n]);
	lab_emit(lab, tg_engine_rx(lab->engine, in, in_n, lab->out, LAB_OUT_MAX, lab->now_ns));
	settle(lab);
	return in_n == n ? 0 : -ENOMEM;
}

int tg_lab_input_burst(struct tg_lab *lab, uint64_t now_ns, const void *const datagram[],
		       const size_t len[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (len[i] > 65535)
			return -EMSGSIZE;
	tg_lab_advance(lab, now_ns);
	for (size_t i = 0; i < n; i += TG_BURST_MAX) {
		size_t part = n - i < TG_BURST_MAX ? n - i : TG_BURST_MAX;
		int rc = burst(lab, datagram + i, len + i, (uint32_t)part);
		if (rc)
			return rc;
	}
	return 0;
}

int tg_lab_input(struct tg_lab *lab, uint64_t now_ns, const void *datagram, size_t len)
{
	return tg_lab_input_burst(lab, now_ns, &datagram, &len, 1);
}

/* --- life --- */

static void fill_conf(const struct tg_lab *lab, struct tg_engine_conf *conf)
{
	const struct tg_settings *s = &lab->settings;
	struct tg_port_conf *port = &conf->port[0];

	memset(conf, 0, sizeof(*conf));
	tg_settings_engine(s, 1, conf);
	conf->seed = s->seed;
	if (!s->buffer_mb) {
		uint64_t chunks = (uint64_t)conf->conn_max * LAB_CHUNK_PER_CONN;
		conf->chunk_max = chunks < LAB_CHUNK_MAX ? (uint32_t)chunks : LAB_CHUNK_MAX;
	}
	conf->timer_budget = 1u << 20; /* a host in a box has no other work to do */
	conf->primary = true;
	conf->no_merge = !s->rx_merge;
	conf->port_n = 1;
	memcpy(port->name, "lab", 4);
	memcpy(port->addr, s->addr, sizeof(port->addr));
	port->addr_n = s->addr_n;
	port->mac = lab->mac;
	port->mtu = (uint16_t)lab->mtu;
	port->tx_ip_csum = port->tx_tcp_csum = s->tx_offload != 0;
	port->tso_max = s->tx_offload == LAB_OFFLOAD_TSO ? TG_TSO_MAX : 0;
	port->silent = true;
	port->has_static_neigh = true;
	port->static_neigh = lab->peer_mac;
	for (uint32_t i = 0; i < tg_service_n; i++)
		conf->service[conf->service_n++] = tg_services[i];
}

static bool start(struct tg_lab *lab, char *err, size_t err_size)
{
	struct tg_engine_conf *conf = malloc(sizeof(*conf));
	struct tg_engine_ops ops = lab_ops_template;

	ops.ctx = lab;
	if (!conf)
		return false;
	fill_conf(lab, conf);
	lab->mem_size = tg_engine_footprint(conf);
	lab->mem = mmap(NULL, lab->mem_size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (lab->mem == MAP_FAILED)
		lab->mem = NULL;
	if (lab->mem)
		lab->engine = tg_engine_init(lab->mem, conf, &ops, lab->now_ns, err, err_size);
	else
		snprintf(err, err_size, "no memory for %zu bytes: lower connections",
			 lab->mem_size);
	free(conf);
	return lab->engine != NULL;
}

static struct tg_lab *lab_init(const struct tg_settings *settings)
{
	struct tg_lab *lab = calloc(1, sizeof(*lab));

	if (!lab)
		return NULL;
	lab->settings = *settings;
	lab->now_ns = settings->start_ns;
	lab->mtu = settings->mtu;
	lab->mac = (struct tg_mac){{0x02, 0, 0, 0, 0, 0x01}};
	lab->peer_mac = (struct tg_mac){{0x02, 0, 0, 0, 0, 0x02}};
	lab->out_tail = &lab->out_head;
	lab->unused = TG_NONE;
	return lab;
}

/* A link too small for IPv6 (RFC 8200 5) has none, unless the user asks for it: then it is refused.
 */
static void fit_addresses(struct tg_settings *s)
{
	uint32_t n = 0;

	if (!s->addr_is_default || s->mtu >= LAB_MTU_MIN_V6)
		return;
	for (uint32_t i = 0; i < s->addr_n; i++)
		if (tg_addr_is_v4(&s->addr[i].addr))
			s->addr[n++] = s->addr[i];
	s->addr_n = n;
}

struct tg_lab *tg_lab_new(const char *options, char *err, size_t err_size)
{
	struct tg_settings settings;
	char unread[256];

	if (!err || err_size == 0) {
		err = unread;
		err_size = sizeof(unread);
	}
	err[0] = '\0';
	tg_settings_init(&settings, true);
	if (options && tg_settings_words(&settings, TG_KEY_LAB, options, err, err_size))
		return NULL;
	fit_addresses(&settings);
	if (tg_settings_check(&settings, TG_KEY_LAB, err, err_size))
		return NULL;
	struct tg_lab *lab = lab_init(&settings);

	if (lab && start(lab, err, err_size)) {
		settle(lab);
		return lab;
	}
	if (!err[0])
		snprintf(err, err_size, "out of memory");
	if (lab)
		tg_lab_free(lab);
	return NULL;
}

void tg_lab_free(struct tg_lab *lab)
{
	if (!lab)
		return;
	if (lab->engine)
		tg_engine_fini(lab->engine);
	lab_sock_fini(lab);
	lab_carrier_fini(lab);
	if (lab->mem)
		munmap(lab->mem, lab->mem_size);
	free(lab);
}

bool tg_lab_validate(const struct tg_lab *lab, char *why, size_t why_size)
{
	char unread[256];

	if (!why || why_size == 0) {
		why = unread;
		why_size = sizeof(unread);
	}
	why[0] = '\0';
	if (!tg_engine_validate(lab->engine, why, why_size) ||
	    !lab_sock_validate(lab, why, why_size))
		return false;
	/* The engine keeps at most its spare buffers and a large one: the one neighbour always
	 * answers. */
	if (lab->buf_n - lab->free_n - lab->out_n > TG_BURST_MAX + 1) {
		snprintf(why, why_size, "%u packet buffers are lost",
			 lab->buf_n - lab->free_n - lab->out_n);
		return false;
	}
	if (lab->failed) {
		snprintf(why, why_size, "the process ran out of memory");
		return false;
	}
	return true;
}
