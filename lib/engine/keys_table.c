/* SPDX-License-Identifier: BSD-3-Clause */
/* keys_table.c: every configuration key, in the order in which the manual prints them. A row's
 * order: name, sections, type, unit, min, max, words, default, lab's default, not built, the value
 * that may still be given, sentence, place. keys.c reads it. */
#include "tg_keys.h"

/* A place in struct tg_settings; what an initializer can only say by macro. */
#define AT(member) offsetof(struct tg_settings, member), sizeof(((struct tg_settings *)0)->member)

/* Where a key may stand. Keys that [engine] may hold for all listeners have both bits. */
enum {
	HOST = TG_KEY_ENGINE,
	HOST_LAB = TG_KEY_ENGINE | TG_KEY_LAB,
	LISTEN = TG_KEY_ENGINE | TG_KEY_LISTENER,
	LISTEN_LAB = LISTEN | TG_KEY_LAB | TG_KEY_LAB_LISTEN,
	CONN = LISTEN | TG_KEY_CONN | TG_KEY_LAB | TG_KEY_LAB_LISTEN,
};

#define DAY_MS 86400000u
#define NOT_YET_POOL                                                                               \
	"backends ([pool NAME], `shield`) are not built yet; use a [listener NAME] with a service"
#define NOT_YET_FLEET "fleets are not built yet; leave the section out"

const struct tg_key tg_keys[] = {
    /* --- [engine] --- */
    {"workers", HOST, TG_KEY_UINT, "cores", 1, 128, NULL, "1", NULL, NULL, NULL, "polling cores",
     AT(workers)},
    {"connections", HOST_LAB, TG_KEY_UINT, "connections", 1, 100000000, NULL, "1000000", "4096",
     NULL, NULL, "capacity, all workers together", AT(connections)},
    {"connections_ipv6", HOST_LAB, TG_KEY_UINT, "connections", 0, 100000000, NULL, "0", NULL, NULL,
     NULL, "of these at most so many over IPv6; 0 = all of them", AT(connections_ipv6)},
    {"time_wait", HOST_LAB, TG_KEY_UINT, "records", 0, 500000000, NULL, "0", NULL, NULL, NULL,
     "TIME-WAIT records, all workers together; 0 = as many as connections", AT(time_wait)},
    {"moving", HOST_LAB, TG_KEY_UINT, "connections", 0, 100000000, NULL, "0", NULL, NULL, NULL,
     "connections with bytes in flight or queued at once; 0 = an eighth of connections, at least "
     "4096",
     AT(moving)},
    {"buffer_mb", HOST_LAB, TG_KEY_UINT, "MiB", 0, 1048576, NULL, "0", NULL, NULL, NULL,
     "buffers of all queues together; 0 = 16 KiB for each connection that may move", AT(buffer_mb)},
    {"memory_mb", HOST, TG_KEY_UINT, "MiB", 0, 16777216, NULL, "0", NULL, NULL, NULL,
     "memory limit; 0 = what the plan says", AT(memory_mb)},
    {"neighbours", HOST_LAB, TG_KEY_UINT, "entries", 16, 1000000, NULL, "4096", "64", NULL, NULL,
     "neighbour table of a worker, gateways not counted", AT(neighbours)},
    {"msl_ms", HOST_LAB, TG_KEY_UINT, "ms", 1, 240000, NULL, "30000", NULL, NULL, NULL,
     "maximum segment lifetime; TIME-WAIT lasts twice this", AT(msl_ms)},
    {"challenge_ms", HOST_LAB, TG_KEY_UINT, "ms", 1, 60000, NULL, "500", NULL, NULL, NULL,
     "least time between two challenge ACKs of a connection (RFC 5961 7)", AT(challenge_ms)},
    {"rst_rate", HOST_LAB, TG_KEY_UINT, "packets/s", 0, 100000000, NULL, "1000", NULL, NULL, NULL,
     "RST and SYN-ACK replies a second to a /24 or /48 that has proved nothing, "
     "all workers together (each has its share); 0 = no limit",
     AT(rst_rate)},
    {"drain_ms", HOST, TG_KEY_UINT, "ms", 0, 3600000, NULL, "1000", NULL, NULL, NULL,
     "on SIGTERM, how long connections may take to end", AT(drain_ms)},
    /* --- the lab's own --- */
    {"seed", TG_KEY_LAB, TG_KEY_UINT, NULL, 0, UINT64_MAX, NULL, "1", NULL, NULL, NULL,
     "of all keys and randomness", AT(seed)},
    {"start_ns", TG_KEY_LAB, TG_KEY_UINT, "ns", 0, UINT64_MAX / 2, NULL, "1000000000", NULL, NULL,
     NULL, "the clock's first value", AT(start_ns)},
    {"addr", TG_KEY_LAB, TG_KEY_ADDR_LIST, NULL, 0, TG_PORT_ADDR_MAX, NULL, "",
     "192.168.0.1/16 fd3d:a0b:17d6::1/64", NULL, NULL, "an address of the host, repeatable",
     AT(addr)},
    /* --- [port NAME] --- */
    {"device", TG_KEY_PORT, TG_KEY_TEXT, NULL, 1, 255, NULL, "", NULL, NULL, NULL,
     "a virtual device with its arguments (net_af_packet0,iface=veth1), or a PCI address",
     AT(device)},
    {"address", TG_KEY_PORT, TG_KEY_ADDR_LIST, NULL, 0, TG_PORT_ADDR_MAX, NULL, "", NULL, NULL,
     NULL, "addresses with their prefix lengths", AT(addr)},
    {"gateway", TG_KEY_PORT, TG_KEY_ADDR_LIST, NULL, 0, 2, NULL, "", NULL, NULL, NULL,
     "where packets for other networks go: one IPv4 and one IPv6 address", AT(gateway)},
    {"mac", TG_KEY_PORT, TG_KEY_TEXT, NULL, 17, 17, NULL, "", NULL, NULL, NULL,
     "MAC address; default: the device's own", AT(mac)},
    {"gateway_mac", TG_KEY_PORT, TG_KEY_TEXT, NULL, 17, 17, NULL, "", NULL, NULL, NULL,
     "everything is sent to this MAC address, and nobody is asked (no ARP, no neighbour "
     "discovery)",
     AT(gateway_mac)},
    {"mtu", TG_KEY_PORT | TG_KEY_LAB, TG_KEY_UINT, "bytes", 576, 9600, NULL, "1500", NULL, NULL,
     NULL, "largest IP packet; IPv6 needs 1280", AT(mtu)},
    {"vlan", TG_KEY_PORT, TG_KEY_UINT, NULL, 0, 4094, NULL, "0", NULL, NULL, NULL,
     "802.1Q VLAN of the port; 0 = untagged", AT(vlan)},
    {"promiscuous", TG_KEY_PORT, TG_KEY_BOOL, NULL, 0, 1, NULL, "off", NULL, NULL, NULL,
     "ask the device for frames to every MAC address", AT(promiscuous)},
    /* --- [listener NAME] --- */
    {"address", TG_KEY_LISTENER, TG_KEY_ADDR_LIST, NULL, 0, TG_LISTENER_ADDR_MAX, NULL, "", NULL,
     NULL, NULL, "addresses to listen on; default: all of ours", AT(listen_addr)},
    {"port", TG_KEY_LISTENER, TG_KEY_UINT, NULL, 1, 65535, NULL, "0", NULL, NULL, NULL,
     "TCP port to listen on", AT(listen_port)},
    {"service", LISTEN_LAB, TG_KEY_TEXT, NULL, 1, 15, NULL, "", NULL, NULL, NULL,
     "what runs on a connection: echo, discard, chargen, http", AT(service)},
    {"backlog", LISTEN_LAB, TG_KEY_UINT, "connections", 1, 1048576, NULL, "4096", "64", NULL, NULL,
     "open connections that wait to be accepted", AT(backlog)},
    {"syn_cookies", LISTEN_LAB, TG_KEY_WORD, NULL, TG_COOKIES_OFF, 2, "off|auto|always", "auto",
     NULL, NULL, NULL, "SYN cookies: never, under flood, or for every SYN", AT(syn_cookies)},
    {"synq_high", LISTEN_LAB, TG_KEY_UINT, "entries", 1, 100000000, NULL, "65536", "1024", NULL,
     NULL, "half-open entries that arm the cookies", AT(synq_high)},
    {"synq_low", LISTEN_LAB, TG_KEY_UINT, "entries", 0, 100000000, NULL, "49152", "768", NULL, NULL,
     "half-open entries below which they are disarmed; 3/4 of synq_high if not given",
     AT(synq_low)},
    {"defer_accept_ms", LISTEN_LAB, TG_KEY_UINT, "ms", 0, 3600000, NULL, "0", NULL, NULL, NULL,
     "accept only with data, or after so long; 0 = at once", AT(tcp.defer_accept_ms)},
    /* --- of a connection --- */
    {"window_scale", CONN, TG_KEY_UINT, "bits", 0, 14, NULL, "7", NULL, NULL, NULL,
     "window scale that we offer (RFC 7323)", AT(tcp.window_scale)},
    {"timestamps", CONN, TG_KEY_BOOL, NULL, 0, 1, NULL, "on", NULL, NULL, NULL,
     "timestamps (RFC 7323)", AT(tcp.timestamps)},
    {"sack", CONN, TG_KEY_BOOL, NULL, 0, 1, NULL, "on", NULL, NULL, NULL,
     "selective acknowledgements (RFC 2018)", AT(tcp.sack)},
    {"ecn", CONN, TG_KEY_BOOL, NULL, 0, 1, NULL, "off", NULL, "ECN is not built yet; use off",
     "off", "explicit congestion notification (RFC 3168)", AT(tcp.ecn)},
    {"congestion", CONN, TG_KEY_WORD, NULL, TG_CC_NEWRENO, 2, "newreno|cubic", "newreno", NULL,
     "CUBIC is not built yet; use newreno", "newreno", "congestion control", AT(tcp.congestion)},
    {"delayed_ack_ms", CONN, TG_KEY_UINT, "ms", 0, 499, NULL, "40", NULL, NULL, NULL,
     "how long an ACK may wait for company (RFC 9293 3.8.6.3)", AT(tcp.delayed_ack_ms)},
    {"rto_min_ms", CONN, TG_KEY_UINT, "ms", 1, 60000, NULL, "200", NULL, NULL, NULL,
     "floor of the retransmission timeout", AT(tcp.rto_min_ms)},
    {"mss_max", CONN, TG_KEY_UINT, "bytes", 0, 65535, NULL, "0", NULL, NULL, NULL,
     "ceiling of the MSS that we advertise; 0 = from the MTU", AT(tcp.mss_max)},
    {"mss_min", CONN, TG_KEY_UINT, "bytes", 48, 1460, NULL, "216", NULL, NULL, NULL,
     "floor for the MSS that a peer advertises", AT(tcp.mss_min)},
    {"maxseg", CONN, TG_KEY_UINT, "bytes", 0, 65535, NULL, "0", NULL, NULL, NULL,
     "ceiling of what we send in one segment; 0 = none", AT(tcp.maxseg)},
    {"rcvbuf", CONN, TG_KEY_UINT, "bytes", TG_BUF_MIN, TG_BUF_MAX, NULL, "262144", NULL, NULL, NULL,
     "receive buffer", AT(tcp.rcvbuf)},
    {"sndbuf", CONN, TG_KEY_UINT, "bytes", TG_BUF_MIN, TG_BUF_MAX, NULL, "262144", NULL, NULL, NULL,
     "send buffer", AT(tcp.sndbuf)},
    {"nodelay", CONN, TG_KEY_BOOL, NULL, 0, 1, NULL, "off", NULL, NULL, NULL,
     "send small segments at once (no Nagle)", AT(tcp.nodelay)},
    {"keepalive", CONN, TG_KEY_BOOL, NULL, 0, 1, NULL, "off", NULL, NULL, NULL,
     "probe a silent peer", AT(tcp.keepalive)},
    {"keepalive_idle_ms", CONN, TG_KEY_UINT, "ms", 1, 15 * DAY_MS, NULL, "7200000", NULL, NULL,
     NULL, "silence before the first probe", AT(tcp.keepalive_idle_ms)},
    {"keepalive_interval_ms", CONN, TG_KEY_UINT, "ms", 1, DAY_MS, NULL, "75000", NULL, NULL, NULL,
     "time between probes", AT(tcp.keepalive_interval_ms)},
    {"keepalive_count", CONN, TG_KEY_UINT, "probes", 1, 255, NULL, "9", NULL, NULL, NULL,
     "probes without an answer that end a connection", AT(tcp.keepalive_count)},
    {"user_timeout_ms", CONN, TG_KEY_UINT, "ms", 0, 15 * DAY_MS, NULL, "0", NULL, NULL, NULL,
     "how long sent data may stay unacknowledged (RFC 5482); 0 = 100 s of retransmissions",
     AT(tcp.user_timeout_ms)},
    {"fin_wait_2_ms", CONN, TG_KEY_UINT, "ms", 1, DAY_MS, NULL, "60000", NULL, NULL, NULL,
     "how long a fully closed connection waits for the peer's FIN", AT(tcp.fin_wait_2_ms)},
    {"syn_retries", CONN, TG_KEY_UINT, "SYNs", 0, 255, NULL, "0", NULL, NULL, NULL,
     "SYNs sent again before an active open is given up; 0 = for 180 s", AT(tcp.syn_retries)},
    {"synack_retries", CONN, TG_KEY_UINT, "SYN-ACKs", 0, 255, NULL, "5", NULL, NULL, NULL,
     "SYN-ACKs sent again before a half-open entry is given up", AT(tcp.synack_retries)},
    {"ttl", CONN, TG_KEY_UINT, NULL, 1, 255, NULL, "64", NULL, NULL, NULL,
     "TTL or hop limit of what we send", AT(tcp.ttl)},
    {"dscp", CONN, TG_KEY_UINT, NULL, 0, 63, NULL, "0", NULL, NULL, NULL, "DSCP of what we send",
     AT(tcp.dscp)},
    /* --- sections that are not built yet: refused, never swallowed --- */
    {"vip", TG_KEY_POOL, TG_KEY_TEXT, NULL, 1, 255, NULL, "", NULL, NOT_YET_POOL, NULL,
     "the address and port that backends stand behind", 0, 0},
    {"backend", TG_KEY_POOL, TG_KEY_TEXT, NULL, 1, 255, NULL, "", NULL, NOT_YET_POOL, NULL,
     "addresses and ports of the backends", 0, 0},
    {"secret_file", TG_KEY_FLEET, TG_KEY_TEXT, NULL, 1, 255, NULL, "", NULL, NOT_YET_FLEET, NULL,
     "the secret that all nodes of a fleet share", 0, 0},
};

const uint32_t tg_key_n = sizeof(tg_keys) / sizeof(tg_keys[0]);
