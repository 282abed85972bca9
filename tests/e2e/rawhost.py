#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A host of its own on a kernel interface, made of raw frames: it answers ARP for 192.0.2.77 and
builds each segment by hand, so that no kernel TCP interferes. For the TIME-WAIT tests.

usage: rawhost.py CASE IF MSL_MS       each case prints `ok ...` or `FAIL ...: why` lines
cases: server-first   the server closes first: TIME-WAIT for 2MSL, repeated FIN, old and new SYN
       client-first   the client closes first: no TIME-WAIT at the server
Times are those of the frames as the interface's packet socket stamped them.
"""
import socket
import struct
import sys
import time

ME, ENGINE = bytes([192, 0, 2, 77]), bytes([192, 0, 2, 1])
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
SO_TIMESTAMPNS = 35
M32 = 0xffffffff


def inet_sum(data):
    if len(data) & 1:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Segment:
    def __init__(self, ip, at):
        tcp = ip[(ip[0] & 15) * 4:struct.unpack("!H", ip[2:4])[0]]
        self.at = at
        self.sport, self.dport, self.seq, self.ack, offset, self.flags = struct.unpack("!HHIIBB", tcp[:14])
        self.data = tcp[(offset >> 4) * 4:]

    def __str__(self):
        names = [n for n, b in (("FIN", 1), ("SYN", 2), ("RST", 4), ("ACK", 16)) if self.flags & b]
        return f"<SEQ={self.seq}><ACK={self.ack}><CTL={','.join(names)}>"


class Host:
    def __init__(self, interface):
        self.s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.s.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.s.bind((interface, 0))
        self.mac = b"\x02\x00\x00\x00\x00\x77"
        self.peer = b"\xff" * 6
        self.arp(1, b"\0" * 6)

    def arp(self, op, target_mac):
        body = struct.pack("!HHBBH", 1, 0x800, 6, 4, op) + self.mac + ME + target_mac + ENGINE
        self.s.send((self.peer if op == 2 else b"\xff" * 6) + self.mac + b"\x08\x06" + body)

    def frame(self, until):
        """The next frame to us before `until`, and when it came; None when time is up."""
        while True:
            left = until - time.time()
            if left <= 0:
                return None, None
            self.s.settimeout(left)
            try:
                data, extra, flags, where = self.s.recvmsg(65536, 256)
            except socket.timeout:
                return None, None
            if where[2] == socket.PACKET_OUTGOING:
                continue
            at = time.time()
            for level, kind, value in extra:
                if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
                    seconds, ns = struct.unpack("qq", value[:16])
                    at = seconds + ns / 1e9
            return data, at

    def next(self, wait=1.0, port=None):
        """The next TCP segment of the engine to us."""
        until = time.time() + wait
        while True:
            data, at = self.frame(until)
            if data is None:
                return None
            if data[12:14] == b"\x08\x06" and data[38:42] == ME:
                self.peer = data[6:12]
                if data[20:22] == b"\0\1":
                    self.arp(2, data[22:28])
            elif data[12:14] == b"\x08\x00" and data[23] == 6 and data[30:34] == ME:
                self.peer = data[6:12]
                segment = Segment(data[14:], at)
                if port is None or segment.dport == port:
                    return segment

    def send(self, sport, dport, seq, ack, flags, data=b""):
        tcp = struct.pack("!HHIIBBHHH", sport, dport, seq & M32, ack & M32, 5 << 4, flags, 60000, 0, 0) + data
        pseudo = ME + ENGINE + struct.pack("!BBH", 0, 6, len(tcp))
        tcp = tcp[:16] + struct.pack("!H", inet_sum(pseudo + tcp)) + tcp[18:]
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0x4000, 64, 6, 0) + ME + ENGINE
        ip = ip[:10] + struct.pack("!H", inet_sum(ip)) + ip[12:]
        self.s.send(self.peer + self.mac + b"\x08\x00" + ip + tcp)


def report(name, good, why=""):
    print(f"ok {name}" if good else f"FAIL {name}: {why}", flush=True)
    return good


class Connection:
    def __init__(self, host, sport, dport, isn):
        self.h, self.sport, self.dport = host, sport, dport
        self.snd = isn
        answer = None
        for _ in range(3):
            host.send(sport, dport, isn, 0, SYN)
            answer = host.next(2, sport)
            if answer:
                break
        if not answer or answer.flags != SYN | ACK:
            raise SystemExit(f"FAIL open: {answer}")
        self.iss = answer.seq
        self.snd, self.rcv = isn + 1 & M32, answer.seq + 1 & M32
        self.send(ACK)

    def send(self, flags, data=b"", seq=None, ack=None):
        self.h.send(self.sport, self.dport, self.snd if seq is None else seq,
                    self.rcv if ack is None else ack, flags, data)

    def next(self, wait=1.0):
        return self.h.next(wait, self.sport)


def get_until_fin(c):
    """GET with Connection: close: reads the page; the server's FIN comes first."""
    request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    c.send(ACK | PSH, request)
    c.snd = c.snd + len(request) & M32
    while segment := c.next(3):
        if segment.seq != c.rcv:
            continue
        c.rcv = c.rcv + len(segment.data) & M32
        if segment.flags & FIN:
            c.rcv = c.rcv + 1 & M32
            c.send(ACK)
            return segment
        if segment.data:
            c.send(ACK)
    return None


def into_time_wait(host, sport, isn):
    c = Connection(host, sport, 80, isn)
    if not get_until_fin(c):
        raise SystemExit("FAIL server closes first: no FIN came")
    c.send(FIN | ACK)
    c.snd = c.snd + 1 & M32
    last = c.next(2)
    good = last and last.flags == ACK and last.seq == c.rcv and last.ack == c.snd
    report("the server's TIME-WAIT begins with the ACK of our FIN", good, last)
    c.entered = last.at if last else time.time()
    return c


def probe(c, name, at):
    """An old byte: a challenge ACK in TIME-WAIT, a RST when it is over."""
    time.sleep(max(0, at - time.time()))
    c.send(ACK, b"x", seq=c.snd - 20)
    answer = c.next(0.5)
    if answer and answer.flags & RST:
        return "RST", answer
    return ("ACK" if answer else "nothing"), answer


def duration(host, msl, restart):
    """TIME-WAIT lasts 2MSL from its last (re)start, never less, by the capture's clock."""
    c = into_time_wait(host, 50000 + restart, 1000000)
    name = "2MSL after a repeated FIN" if restart else "2MSL"
    begin = c.entered
    if restart:
        time.sleep(msl)
        c.send(FIN | ACK, seq=c.snd - 1)
        again = c.next(1)
        if not report("a repeated FIN gets an ACK", again and again.flags == ACK and again.ack == c.snd, again):
            return
        begin = again.at
    what, _ = probe(c, name, begin + 2 * msl - 0.06)
    report(f"{name}: still there 60 ms before its end", what == "ACK", what)
    what, answer = probe(c, name, begin + 2 * msl + 0.52)
    report(f"{name}: over soon after", what == "RST", what)


def new_syn(host, msl):
    c = into_time_wait(host, 50010, 2000000)
    time.sleep(0.6)
    host.send(c.sport, 80, c.snd - 1000, 0, SYN)
    answer = c.next(1)
    report("an old SYN gets a challenge ACK (TD-25)",
           answer and answer.flags == ACK and answer.seq == c.rcv and answer.ack == c.snd, answer)
    host.send(c.sport, 80, c.snd + 1000, 0, SYN)
    answer = c.next(1)
    good = answer and answer.flags == SYN | ACK and answer.ack == (c.snd + 1001 & M32)
    report("a newer SYN is answered by a SYN-ACK (TD-22)", good, answer)
    report("its ISS is above the old SND.NXT (EST-02)",
           good and 0 < (answer.seq - c.rcv & M32) < 1 << 31, answer)
    c2_snd, c2_rcv = c.snd + 1001 & M32, answer.seq + 1 & M32
    host.send(c.sport, 80, c2_snd, c2_rcv, ACK)
    host.send(c.sport, 80, c2_snd, c2_rcv, ACK | PSH, b"GET / HTTP/1.0\r\n\r\n")
    answer = c.next(2)
    report("and the new connection works", answer and answer.data.startswith(b"HTTP/1."), answer)
    host.send(c.sport, 80, c2_snd, 0, RST)
    host.send(c.sport, 80, c2_snd + 18, 0, RST)


def client_first(host, msl):
    c = Connection(host, 50020, 7, 3000000)
    c.send(FIN | ACK)
    c.snd = c.snd + 1 & M32
    fin = None
    while segment := c.next(2):
        if segment.flags & FIN:
            fin = segment
            break
    report("the server answers our FIN by its own", fin and fin.ack == c.snd, fin)
    c.rcv = c.rcv + 1 & M32
    c.send(ACK)
    time.sleep(0.2)
    what, answer = probe(c, "no TIME-WAIT", 0)
    report("the client closed first: no TIME-WAIT at the server (TD-28)", what == "RST", what)


def main(argv):
    if len(argv) != 4 or argv[1] not in ("server-first", "client-first"):
        print(__doc__)
        return 2
    host, msl = Host(argv[2]), int(argv[3]) / 1000
    time.sleep(0.3)
    if argv[1] == "client-first":
        client_first(host, msl)
    else:
        duration(host, msl, 0)
        duration(host, msl, 1)
        new_syn(host, msl)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
