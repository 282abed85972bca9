#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Captures for net_pcap: makes one of SYNs, and judges the answers.

usage: capfile.py make FILE COUNT        COUNT SYNs to 192.0.2.1:80 from as many addresses
       capfile.py judge FILE COUNT       COUNT SYN-ACKs, each of another SYN, all sums right
       capfile.py compare FILE FILE      the same packets in both, byte for byte, whatever the times
"""
import struct
import sys

MAC_ENGINE, MAC_GATEWAY = bytes.fromhex("020000000001"), bytes.fromhex("0200000000fe")
ENGINE = bytes([192, 0, 2, 1])


def inet_sum(data):
    if len(data) & 1:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def address(i):
    return bytes([198, 18 + (i >> 16), (i >> 8) & 255, i & 255])


def frame(i):
    options = bytes.fromhex("020405b4 0402 080a 00000001 00000000 01 030307".replace(" ", ""))
    tcp = struct.pack("!HHIIBBHHH", 1024 + i % 60000, 80, 1000 + i, 0, 10 << 4, 2, 64240, 0, 0) + options
    pseudo = address(i) + ENGINE + struct.pack("!BBH", 0, 6, len(tcp))
    tcp = tcp[:16] + struct.pack("!H", inet_sum(pseudo + tcp)) + tcp[18:]
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), i & 0xffff, 0x4000, 64, 6, 0) + address(i) + ENGINE
    ip = ip[:10] + struct.pack("!H", inet_sum(ip)) + ip[12:]
    return MAC_ENGINE + MAC_GATEWAY + b"\x08\x00" + ip + tcp


def make(path, count):
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for i in range(int(count)):
            data = frame(i)
            f.write(struct.pack("<IIII", 1 + i // 1000000, i % 1000000, len(data), len(data)) + data)


def packets(path):
    with open(path, "rb") as f:
        raw = f.read()
    order = "<" if raw[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    at = 24
    while at + 16 <= len(raw):
        length = struct.unpack(order + "I", raw[at + 8:at + 12])[0]
        yield raw[at + 16:at + 16 + length]
        at += 16 + length


def judge(path, count):
    """Each SYN-ACK: to whom, for which SYN, with right sums. Returns the line to print."""
    seen, others = set(), 0
    for data in packets(path):
        if data[12:14] != b"\x08\x00" or data[23] != 6:
            others += 1
            continue
        ip, tcp = data[14:34], data[34:14 + struct.unpack("!H", data[16:18])[0]]
        i = (ip[17] - 18) << 16 | ip[18] << 8 | ip[19]
        ack = struct.unpack("!I", tcp[8:12])[0]
        assert data[:6] == MAC_GATEWAY, "destination MAC"
        assert inet_sum(ip) == 0, "IP checksum"
        assert inet_sum(ip[12:20] + struct.pack("!BBH", 0, 6, len(tcp)) + tcp) == 0, "TCP checksum"
        assert tcp[13] == 0x12, f"flags {tcp[13]:02x}"
        assert ack == 1001 + i, "ACK of the SYN-ACK"
        assert i not in seen, "a second answer to one SYN"
        seen.add(i)
    assert len(seen) == int(count), f"{len(seen)} SYN-ACKs for {count} SYNs"
    print(f"{len(seen)} SYN-ACKs, {others} other frames")


def compare(a, b):
    left, right = list(packets(a)), list(packets(b))
    assert left == right, "the captures differ"
    print(len(left), "packets, the same")


def main(argv):
    calls = {"make": make, "judge": judge, "compare": compare}
    if len(argv) != 4 or argv[1] not in calls:
        print(__doc__)
        return 2
    try:
        calls[argv[1]](argv[2], argv[3])
    except (OSError, AssertionError) as e:
        print(f"capfile.py: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
