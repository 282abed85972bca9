/* SPDX-License-Identifier: BSD-3-Clause */
/* lab_states.c: into each of the eleven states, by the segments of a real peer. */
#include "lab_host.h"

const char *const state_name[ST_N] = {
    [ST_CLOSED] = "CLOSED",
    [ST_LISTEN] = "LISTEN",
    [ST_SYN_SENT] = "SYN-SENT",
    [ST_SYN_RECEIVED] = "SYN-RECEIVED",
    [ST_SYN_RECEIVED_A] = "SYN-RECEIVED",
    [ST_ESTABLISHED] = "ESTABLISHED",
    [ST_FIN_WAIT_1] = "FIN-WAIT-1",
    [ST_FIN_WAIT_2] = "FIN-WAIT-2",
    [ST_CLOSE_WAIT] = "CLOSE-WAIT",
    [ST_CLOSING] = "CLOSING",
    [ST_LAST_ACK] = "LAST-ACK",
    [ST_TIME_WAIT] = "TIME-WAIT",
};

void host_listen(struct host *h, const char *options)
{
	h->listener = tg_lab_listen(h->lab, NULL, h->lport, 16, options);
	expect_true("UC-01", h->listener >= 0, "tg_lab_listen gives a socket");
}

struct seg host_syn_full(void)
{
	struct seg s = {.flags = SYN};

	opt_mss(&s, 1460);
	opt_sackok(&s);
	opt_ts(&s, 1000, 0);
	opt_ws(&s, 7);
	return s;
}

struct seg host_syn(struct host *h, const struct seg *syn)
{
	struct seg s = syn ? *syn : (struct seg){.flags = SYN}, answer;

	if (h->listener < 0)
		host_listen(h, NULL);
	s.seq = h->irs;
	if (!s.win)
		s.win = h->win;
	h->rcv_nxt = h->edge = h->irs + 1;
	host_send(h, &s);
	if (!host_next(h, &answer)) {
		expect_true("SE-01", false, "a SYN-ACK came");
		return answer;
	}
	expect_eq("SE-01", answer.flags & ~ECE, SYN | ACK, "flags of the SYN-ACK");
	expect_eq("SE-01", answer.ack, h->rcv_nxt, "ACK of the SYN-ACK");
	h->iss = h->una = answer.seq;
	h->nxt = h->iss + 1;
	h->ws_shift = answer.has_ws ? answer.ws : 0;
	h->ts = answer.has_ts;
	return answer;
}

struct seg host_open(struct host *h, const struct seg *syn)
{
	struct seg answer = host_syn(h, syn);

	send_flags(h, ACK, h->rcv_nxt, h->nxt);
	h->una = h->nxt;
	expect_nothing(h, "SE-12");
	h->sock = tg_lab_accept(h->lab, h->listener);
	expect_true("EST-03", h->sock >= 0, "the connection can be accepted");
	expect_state(h, "SE-12", "ESTABLISHED");
	return answer;
}

struct seg host_connect(struct host *h, const char *options)
{
	struct seg s;

	h->lport = 33000;
	h->sock = tg_lab_connect(h->lab, NULL, h->lport, h->raddr, h->rport, options);
	expect_true("UC-02", h->sock >= 0, "tg_lab_connect gives a socket");
	expect_true("UC-02", host_next(h, &s), "a SYN came");
	expect_eq("UC-02", s.flags, SYN, "flags of the SYN");
	h->iss = h->una = s.seq;
	h->nxt = s.seq + 1;
	h->rcv_nxt = h->edge = h->irs + 1;
	expect_state(h, "UC-02", "SYN-SENT");
	return s;
}

void host_connected(struct host *h)
{
	send_flags(h, SYN | ACK, h->irs, h->nxt);
	expect_ack(h, "SE-05");
	h->una = h->nxt;
	expect_state(h, "SE-05", "ESTABLISHED");
}

void host_lab_writes(struct host *h, uint32_t n)
{
	uint8_t text[20000] = {0};
	struct seg s;

	if (!n)
		return;
	for (uint32_t i = 0; i < n; i++)
		text[i] = (uint8_t)(h->nxt + i);
	expect_eq("UC-03", tg_lab_write(h->lab, h->sock, text, n), n, "tg_lab_write");
	while (n && host_next(h, &s)) {
		expect_eq("UC-03", s.seq, h->nxt, "SEQ of the text");
		expect_true("UC-03", s.len && s.len <= n, "length of the text");
		h->nxt += s.len;
		n -= s.len <= n ? s.len : n;
	}
	expect_eq("UC-03", n, 0, "bytes that were not sent");
}

void host_lab_fin(struct host *h)
{
	expect_eq("UC-05", tg_lab_shutdown(h->lab, h->sock, SHUT_WR), 0, "tg_lab_shutdown");
	expect(h, "UC-05", FIN | ACK, h->nxt, h->rcv_nxt);
	h->nxt++;
}

void host_fin(struct host *h, uint32_t ack)
{
	send_flags(h, FIN | ACK, h->rcv_nxt, ack);
	h->rcv_nxt++;
	expect_ack(h, "SE-37");
}

/* Of a tuple without a connection: numbers that mean nothing to the lab. */
static void no_connection(struct host *h)
{
	h->iss = UINT32_C(0x5555aaaa);
	h->una = h->nxt = h->iss + 1;
	h->rcv_nxt = h->irs + 1;
	h->edge = h->rcv_nxt + 65535;
}

static void reach_syn_received(struct host *h, enum state state)
{
	if (state == ST_SYN_RECEIVED) {
		host_syn(h, NULL);
	} else {
		host_connect(h, NULL);
		send_flags(h, SYN, h->irs, 0);
		expect(h, "SE-01", SYN | ACK, h->iss, h->rcv_nxt);
	}
	/* The interval of RB-08, in which a repeated SYN gets no second SYN-ACK, is over. */
	host_pass(h, 600);
	expect_nothing(h, "TO-02");
	expect_state(h, "SE-01", "SYN-RECEIVED");
}

static void reach_unsynchronized(struct host *h, enum state state)
{
	if (state == ST_CLOSED) {
		no_connection(h);
	} else if (state == ST_LISTEN) {
		host_listen(h, NULL);
		no_connection(h);
	} else if (state == ST_SYN_SENT) {
		host_connect(h, NULL);
		h->edge = h->rcv_nxt + 5000;
	} else {
		reach_syn_received(h, state);
	}
}

static void reach_synchronized(struct host *h, enum state state, uint32_t in_flight)
{
	host_open(h, NULL);
	if (state != ST_FIN_WAIT_2 && state != ST_TIME_WAIT)
		host_lab_writes(h, in_flight);
	if (state == ST_ESTABLISHED)
		return;
	if (state == ST_CLOSE_WAIT || state == ST_LAST_ACK) {
		host_fin(h, h->una);
		if (state == ST_LAST_ACK)
			host_lab_fin(h);
		return;
	}
	host_lab_fin(h);
	if (state == ST_CLOSING)
		host_fin(h, h->una);
	if (state != ST_FIN_WAIT_2 && state != ST_TIME_WAIT)
		return;
	send_flags(h, ACK, h->rcv_nxt, h->nxt);
	h->una = h->nxt;
	expect_nothing(h, "SE-28");
	if (state == ST_TIME_WAIT)
		host_fin(h, h->nxt);
}

void host_reach(struct host *h, enum state state, uint32_t in_flight)
{
	if (state < ST_ESTABLISHED)
		reach_unsynchronized(h, state);
	else
		reach_synchronized(h, state, in_flight);
	if (state != ST_LISTEN)
		expect_state(h, "1", state_name[state]);
}
