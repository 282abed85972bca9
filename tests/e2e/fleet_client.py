#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Clients of a fleet, made of raw frames: so that a SYN can go to one node and its ACK to another.

usage: fleet_client.py CASE IF ROUTER-MAC [ARGUMENT...]     prints lines; exit 0 when all went well
cases:
  pairs PORTS [XY]   each pair of nodes: the SYN to X, the ACK with text to Y, whose echo must come back;
                     both families, with and without timestamps, each of PORTS (parted by commas); XY: that
                     pair alone, or those of "12,13"
  begin PORTS N [XY] N SYNs a family and port, to the nodes of the router's choice (or to X); says how many
                     came from which node and waits for a line on standard input; then sends the ACKs with
                     text as the router likes (or to Y): each must be echoed, none refused
  refused PORT XY    as pairs, but the ACK is without text and must be refused by RST
  flood PORT N RATE  at most N SYNs from N sources, RATE a second, both families, until SIGTERM; answers are
                     not looked at

A packet goes to node i when its TOS or traffic class is 4 << (i - 1): the router has a rule for each.
A node is known by the TTL of what it sends: 100 + i, less one for the router.
"""
import select
import signal
import socket
import struct
import sys
import time

from rawhost import ACK, M32, PSH, RST, SYN, inet_sum

VIP = {4: socket.inet_aton("203.0.113.1"), 6: socket.inet_pton(socket.AF_INET6, "2001:db8:203::1")}
NODES = 3


class Segment:
    """A TCP segment of the fleet's, or ValueError."""

    def __init__(self, frame):
        kind = frame[12:14]
        if kind == b"\x08\x00" and frame[23] == 6:
            ip, size = frame[14:], (frame[14] & 15) * 4
            self.family, self.ttl, self.dst = 4, ip[8], ip[16:20]
            good = ip[12:16] == VIP[4]
            tcp = ip[size:struct.unpack("!H", ip[2:4])[0]]
        elif kind == b"\x86\xdd" and frame[20] == 6:
            ip = frame[14:]
            self.family, self.ttl, self.dst = 6, ip[7], ip[24:40]
            good = ip[8:24] == VIP[6]
            tcp = ip[40:40 + struct.unpack("!H", ip[4:6])[0]]
        else:
            raise ValueError
        if not good or len(tcp) < 20:
            raise ValueError
        self.sport, self.dport, self.seq, self.ack, offset, self.flags = struct.unpack("!HHIIBB", tcp[:14])
        self.data = tcp[(offset >> 4) * 4:]
        self.node = self.ttl + 1 - 100
        self.tsval = None
        options = tcp[20:(offset >> 4) * 4]
        while options and options[0]:
            if options[0] == 1:
                options = options[1:]
                continue
            if options[0] == 8:
                self.tsval = struct.unpack("!I", options[2:6])[0]
            options = options[options[1]:]

    def key(self):
        return (self.family, self.dst, self.dport)


class Wire:
    def __init__(self, interface, router):
        self.s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 20)
        self.s.bind((interface, 0))
        self.mac = self.s.getsockname()[4]
        self.router = bytes.fromhex(router.replace(":", ""))

    def next(self, until):
        """The next segment of the fleet's, None when time is up."""
        while (left := until - time.monotonic()) > 0:
            self.s.settimeout(left)
            try:
                frame, where = self.s.recvfrom(2048)
            except socket.timeout:
                return None
            if where[2] == socket.PACKET_OUTGOING:
                continue
            try:
                return Segment(frame)
            except (ValueError, IndexError, struct.error):
                pass
        return None

    def send(self, family, src, sport, dport, seq, ack, flags, options=b"", data=b"", tos=0):
        head = struct.pack("!HHIIBBHHH", sport, dport, seq & M32, ack & M32, 5 + len(options) // 4 << 4, flags,
                           60000, 0, 0)
        tcp = head + options + data
        if family == 4:
            pseudo = src + VIP[4] + struct.pack("!BBH", 0, 6, len(tcp))
            ip = struct.pack("!BBHHHBBH", 0x45, tos, 20 + len(tcp), 0, 0x4000, 64, 6, 0) + src + VIP[4]
            ip = ip[:10] + struct.pack("!H", inet_sum(ip)) + ip[12:]
        else:
            pseudo = src + VIP[6] + struct.pack("!II", len(tcp), 6)
            ip = struct.pack("!IHBB", 6 << 28 | tos << 20, len(tcp), 6, 64) + src + VIP[6]
        tcp = tcp[:16] + struct.pack("!H", inet_sum(pseudo + tcp)) + tcp[18:]
        self.s.send(self.router + self.mac + (b"\x08\x00" if family == 4 else b"\x86\xdd") + ip + tcp)


def source(family, n):
    """Client n: 250 of them share a /24 or a /48 with no others."""
    if family == 4:
        return socket.inet_aton(f"198.51.{n // 250 % 250}.{n % 250 + 1}")
    return socket.inet_pton(socket.AF_INET6, f"2001:db8:{0x5100 + n // 250:x}::{n % 250 + 1:x}")


class Client:
    # No run takes the tuples of one before, nor the numbers: a cookie opens once. 400 a second is more than
    # are opened here, and comes round after 100 s.
    used = int(time.time() * 400) % 40000
    salt = int(time.time() * 1000)

    def __init__(self, wire, family, port, stamps, n=0):
        Client.used = (Client.used + 1) % 40000
        self.wire, self.family, self.port, self.stamps = wire, family, port, stamps
        self.src, self.sport = source(family, n), 20000 + Client.used
        self.isn = (Client.used * 2654435761 + Client.salt * 40503) & M32
        self.tsval = 1000
        self.node = self.tsecr = self.rcv = None
        self.text = b"client %d of port %d" % (self.sport, port)
        self.outcome = None

    def key(self):
        return (self.family, self.src, self.sport)

    def options(self):
        if not self.stamps:
            return b""
        self.tsval += 1
        return struct.pack("!BBBBII", 1, 1, 8, 10, self.tsval, self.tsecr or 0)

    def syn(self, node=0):
        mss = struct.pack("!BBH", 2, 4, 1400)
        self.wire.send(self.family, self.src, self.sport, self.port, self.isn, 0, SYN, mss + self.options(),
                       tos=4 << node - 1 if node else 0)

    def on_answer(self, segment):
        """The SYN-ACK."""
        if segment.flags != SYN | ACK or segment.ack != self.isn + 1 & M32:
            return False
        self.node, self.rcv, self.tsecr = segment.node, segment.seq + 1 & M32, segment.tsval
        self.stamps = segment.tsval is not None
        return True

    def ack(self, node=0, bare=False):
        """Bare: without text, which a node that does not know the cookie refuses, where it leaves text alone."""
        self.wire.send(self.family, self.src, self.sport, self.port, self.isn + 1, self.rcv, ACK if bare else ACK | PSH,
                       self.options(), b"" if bare else self.text, tos=4 << node - 1 if node else 0)

    def on_echo(self, segment):
        """Sets the outcome when there is one; what repeats a SYN-ACK is none."""
        if segment.flags & RST:
            self.outcome = "refused"
        elif segment.data and not segment.flags & SYN:
            self.outcome = segment.node if self.text.startswith(segment.data) else f"wrong text from node {segment.node}"

    def end(self, node=0):
        self.wire.send(self.family, self.src, self.sport, self.port, self.isn + 1 + len(self.text), 0, RST,
                       tos=4 << node - 1 if node else 0)


def wait(wire, clients, on, repeat, limit=6.0):
    """Hands segments to their clients until none is left, in `repeat` (a call for each that is) each 0.7 s."""
    left = {c.key(): c for c in clients}
    end = time.monotonic() + limit
    again = time.monotonic() + 0.7
    while left and time.monotonic() < end:
        segment = wire.next(min(end, again))
        client = left.get(segment.key()) if segment else None
        if client and segment.sport == client.port and on(client, segment):
            del left[client.key()]
        if time.monotonic() >= again:
            for client in left.values():
                repeat(client)
            again = time.monotonic() + 0.7
    return list(left.values())


def has_outcome(client, segment):
    client.on_echo(segment)
    return client.outcome is not None


def one_pair(wire, family, port, stamps, x, y, bare=False):
    c = Client(wire, family, port, stamps)
    c.syn(x)
    if wait(wire, [c], Client.on_answer, lambda c: c.syn(x)):
        return f"no SYN-ACK from node {x}"
    if c.node != x:
        return f"the SYN-ACK is of node {c.node}"
    c.ack(y, bare)
    if wait(wire, [c], has_outcome, lambda c: c.ack(y, bare)):
        return f"no answer from node {y}"
    c.end(x)
    c.end(y)
    return c.outcome


def pairs_of(argument):
    if argument:
        return [(int(p[0]), int(p[1])) for p in argument.split(",")]
    return [(x, y) for x in range(1, NODES + 1) for y in range(1, NODES + 1)]


def pairs(wire, ports, which="", refused=False):
    bad = tried = 0
    for x, y in pairs_of(which):
        for family in (4, 6):
            for port in map(int, ports.split(",")):
                for stamps in (False, True):
                    tried += 1
                    wanted = "refused" if refused else y
                    got = one_pair(wire, family, port, stamps, x, y, refused)
                    if got != wanted:
                        bad += 1
                        print(f"SYN to {x}, ACK to {y}, IPv{family}, port {port}, "
                              f"{'with' if stamps else 'no'} timestamps: {got}", flush=True)
    print(f"{tried} handshakes, {tried - bad} as wanted")
    return bad


def begin(wire, ports, n, which="00"):
    x, y = int(which[0]), int(which[1])
    clients = [Client(wire, family, int(port), bool(i & 1), i) for family in (4, 6) for port in ports.split(",")
               for i in range(int(n))]
    for k, c in enumerate(clients):
        c.syn(x)
        if k % 50 == 49:
            time.sleep(0.01)
    lost = wait(wire, clients, Client.on_answer, lambda c: c.syn(x))
    counts = [sum(c.node == i for c in clients) for i in range(1, NODES + 1)]
    print("begun", *counts, "unanswered", len(lost), flush=True)
    started = {c: c.node for c in clients if c.node}
    sys.stdin.readline()
    while select.select([wire.s], [], [], 0)[0]:
        wire.s.recv(2048)  # SYN-ACKs that came again, and what the flood got
    for k, c in enumerate(started):
        c.ack(y)
        if k % 50 == 49:
            time.sleep(0.01)
    wait(wire, list(started), has_outcome, lambda c: c.ack(y), 15)
    moved = sum(isinstance(c.outcome, int) and c.outcome != c.node for c in started)
    ended = sum(isinstance(c.outcome, int) for c in started)
    refused = sum(isinstance(c.outcome, str) for c in started)
    for c in started:
        if not isinstance(c.outcome, int):
            print(f"port {c.port} IPv{c.family} of node {c.node}: {c.outcome or 'no answer'}")
        c.end(y)
    print("begun", len(started), "finished", ended, "refused", refused, "elsewhere", moved, flush=True)
    return len(lost) + len(started) - ended


def flood(wire, port, n, rate):
    port, n, rate = int(port), int(n), int(rate)
    start = time.monotonic()
    options = struct.pack("!BBH", 2, 4, 1460)
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    sent = 0
    while sent < n and not ended:
        i = sent
        # Each from a prefix of its own, which the router throws answers to away.
        if i & 1:
            src = socket.inet_aton("198.18.0.0")[:2] + struct.pack("!BB", i >> 8 & 255, i & 255)
            wire.send(4, src, 1024 + i % 60000, port, i, 0, SYN, options)
        else:
            src = bytes.fromhex("20010db8ba") + struct.pack("!I", i) + b"\0" * 7
            wire.send(6, src, 1024 + i % 60000, port, i, 0, SYN, options)
        sent += 1
        ahead = start + i / rate - time.monotonic()
        if ahead > 0.001:
            time.sleep(ahead)
    print(f"flood: {sent} SYNs in {time.monotonic() - start:.1f} s")
    return 0


def main(argv):
    cases = {"pairs": pairs, "begin": begin, "flood": flood,
             "refused": lambda wire, port, which: pairs(wire, port, which, True)}
    if len(argv) < 4 or argv[1] not in cases:
        print(__doc__)
        return 2
    return 1 if cases[argv[1]](Wire(argv[2], argv[3]), *argv[4:]) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
