#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Captures for tests/e2e/explain.sh: one conversation behind every link header and in every file
format, files that are broken in every way that we know of, and large ones.

usage: captures.py FOLDER            writes all but the large ones
       captures.py --many FILE FLOWS PACKETS   a capture of that many flows of that many packets
"""
import os
import struct
import sys

A, B = bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2])
A6, B6 = bytes.fromhex("20010db8" + "00" * 11 + "01"), bytes.fromhex("20010db8" + "00" * 11 + "02")
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
LINK = {"ethernet": 1, "raw": 101, "sll": 113, "sll2": 276, "null": 0, "loop": 108}


def tcp(sport, dport, flags, seq, ack, text=b"", options=b"", window=65535):
    return struct.pack(">HHIIBBHHH", sport, dport, seq & 0xffffffff, ack & 0xffffffff,
                       (20 + len(options)) // 4 << 4, flags, window, 0, 0) + options + text


def ip4(src, dst, segment):
    return struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(segment), 1, 0x4000, 64, 6, 0, src, dst) + segment


def ip6(src, dst, segment):
    return struct.pack(">IHBB16s16s", 6 << 28, len(segment), 6, 64, src, dst) + segment


def conversation(v6=False):
    """Opened by A, 100 bytes there, 50 back, closed by A. (time_ns, datagram)"""
    steps = [
        (0, SYN, 1000, 0, b""), (1, SYN | ACK, 5000, 1001, b""), (0, ACK, 1001, 5001, b""),
        (0, PSH | ACK, 1001, 5001, b"x" * 100), (1, PSH | ACK, 5001, 1101, b"y" * 50),
        (0, ACK, 1101, 5051, b""), (0, FIN | ACK, 1101, 5051, b""), (1, ACK, 5051, 1102, b""),
        (1, FIN | ACK, 5051, 1102, b""), (0, ACK, 1102, 5052, b"")]
    out, now = [], 1_700_000_000_000_000_000
    for side, flags, seq, ack, text in steps:
        ports = (80, 40000) if side else (40000, 80)
        segment = tcp(*ports, flags, seq, ack, text)
        ends = ((B6, A6) if side else (A6, B6)) if v6 else ((B, A) if side else (A, B))
        out.append((now, (ip6 if v6 else ip4)(*ends, segment)))
        now += 10_000_000
    return out


def link_header(link, datagram, vlan=0):
    v6 = datagram[:1] >= b"\x60"
    kind = 0x86dd if v6 else 0x0800
    if link == "ethernet":
        tag = b"".join(struct.pack(">HH", 0x88a8 if i + 1 < vlan else 0x8100, 100 + i) for i in range(vlan))
        return b"\2\0\0\0\0\1\2\0\0\0\0\2" + tag + struct.pack(">H", kind)
    if link == "sll":
        return struct.pack(">HHH8sH", 0, 1, 6, b"\2\0\0\0\0\1", kind)
    if link == "sll2":
        return struct.pack(">HHIHBB8s", kind, 0, 1, 1, 0, 6, b"\2\0\0\0\0\1")
    if link == "null":
        return struct.pack("<I", 30 if v6 else 2)
    if link == "loop":
        return struct.pack(">I", 24 if v6 else 2)
    return b""


def pcap(packets, link="raw", nano=True, order="<", snap=262144, vlan=0):
    magic = 0xa1b23c4d if nano else 0xa1b2c3d4
    out = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snap, LINK[link])]
    for now, datagram in packets:
        frame = link_header(link, datagram, vlan) + datagram
        part = frame[:snap]
        tick = now % 10**9 // (1 if nano else 1000)
        out.append(struct.pack(order + "IIII", now // 10**9, tick, len(part), len(frame)) + part)
    return b"".join(out)


def block(kind, body):
    body += b"\0" * (-len(body) % 4)
    return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)


def pcapng(packets, links=("ethernet",)):
    out = [block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))]
    for link in links:
        out.append(block(1, struct.pack("<HHI", LINK[link], 0, 0)))
    for i, (now, datagram) in enumerate(packets):
        link = i % len(links)
        frame = link_header(links[link], datagram) + datagram
        us = now // 1000
        out.append(block(6, struct.pack("<IIIII", link, us >> 32, us & 0xffffffff, len(frame), len(frame)) + frame))
    return b"".join(out)


def good(folder):
    c, c6 = conversation(), conversation(True)
    files = {f"{link}.pcap": pcap(c, link) for link in LINK}
    files.update({f"{link}6.pcap": pcap(c6, link) for link in LINK})
    files.update({
        "vlan.pcap": pcap(c, "ethernet", vlan=1), "qinq.pcap": pcap(c6, "ethernet", vlan=2),
        "micro.pcap": pcap(c, nano=False), "big.pcap": pcap(c, order=">"),
        "one.pcapng": pcapng(c), "two.pcapng": pcapng(c, ("ethernet", "ethernet"))})
    write(folder, files)


def bad(folder):
    c = conversation()
    whole = pcap(c)
    jump = [(now + (10**9 * 86400 * 3650 if i >= 5 else 0), d) for i, (now, d) in enumerate(c)]
    back = [(now - (10**9 * 86400 * 3650 if i >= 5 else 0), d) for i, (now, d) in enumerate(c)]
    huge = ip4(A, B, tcp(40000, 80, PSH | ACK, 1001, 5001, b"z" * 65495))
    lie = struct.pack(">BBHHHBBH4s4s", 0x4f, 0, 40, 1, 0, 64, 6, 0, A, B) + tcp(1, 2, SYN, 0, 0)
    doff = bytearray(ip4(A, B, tcp(40000, 80, SYN, 1, 0)))
    doff[32] = 0xf0
    write(folder, {
        "empty": b"", "header": whole[:24], "short-header": whole[:11], "cut": whole[:-7],
        "cut-record": whole[:24 + 9], "text": b"this is no capture\n" * 20,
        "mixed.pcapng": pcapng(c, ("ethernet", "raw")),
        "jump": pcap(jump), "back": pcap(back), "snap30": pcap(c, snap=30), "snap0": pcap(c, snap=1),
        "huge": pcap(c[:3] + [(c[2][0] + 1, huge)] + c[4:]), "middle": pcap(c[4:]),
        "long-record": whole[:24] + struct.pack("<IIII", 1, 0, 0xffffffff, 0xffffffff) + b"x" * 100,
        "billion": whole[:24] + struct.pack("<IIII", 1, 0, len(c[0][1]), 0x7fffffff) + c[0][1],
        "unknown-link": whole[:20] + struct.pack("<I", 147) + whole[24:],
        "lies": pcap([(1, lie), (2, bytes(doff)), (3, b"\x45"), (4, b"")] + c),
        "arp": pcap([(1, b"\x00" * 40)] * 3, "ethernet")})


def many(path, flows, packets):
    """Each flow: three steps, text and ACKs, four steps down; 64 of them alive at once."""
    with open(path, "wb", buffering=1 << 22) as f:
        f.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 262144, 101))
        now = 10**18
        text = b"t" * 1000

        def put(n, side, flags, seq, ack, body=b""):
            nonlocal now
            now += 1000
            a = struct.pack(">BBH", 10, n >> 16 & 255, n & 65535)
            port = 1024 + n % 60000
            d = ip4(B, a, tcp(80, port, flags, seq, ack, body)) if side else \
                ip4(a, B, tcp(port, 80, flags, seq, ack, body))
            f.write(struct.pack("<IIII", now // 10**9, now % 10**9, len(d), len(d)) + d)

        for first in range(0, flows, 64):
            group = range(first, min(first + 64, flows))
            for side, flags, seq, ack in ((0, SYN, 0, 0), (1, SYN | ACK, 0, 1), (0, ACK, 1, 1)):
                for n in group:
                    put(n, side, flags, seq, ack)
            sent = 1
            for _ in range(max(0, packets - 7) // 2):
                for n in group:
                    put(n, 1, PSH | ACK, sent, 1, text)
                sent += len(text)
                for n in group:
                    put(n, 0, ACK, 1, sent)
            for side, flags, seq, ack in ((0, FIN | ACK, 1, sent), (1, ACK, sent, 2),
                                          (1, FIN | ACK, sent, 2), (0, ACK, 2, sent + 1)):
                for n in group:
                    put(n, side, flags, seq, ack)


def write(folder, files):
    for name, data in files.items():
        with open(os.path.join(folder, name), "wb") as f:
            f.write(data)


def main():
    if len(sys.argv) == 5 and sys.argv[1] == "--many":
        many(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
        return 0
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    for name, make in (("good", good), ("bad", bad)):
        folder = os.path.join(sys.argv[1], name)
        os.makedirs(folder, exist_ok=True)
        make(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
