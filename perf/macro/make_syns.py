#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes a capture of SYNs, as a flood sends them: make_syns.py FILE COUNT

Each comes from an address and a port of its own (seeded: the same file each time), goes to
192.0.2.1:80 and carries the options of a common client: 74 bytes."""
import random
import struct
import sys

SERVER = bytes([192, 0, 2, 1])
ETHERNET = bytes.fromhex("020000000001" "020000000002" "0800")


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def syn(rng):
    client = bytes([rng.randrange(11, 100), rng.randrange(256), rng.randrange(256), rng.randrange(1, 255)])
    options = (
        struct.pack("!BBH", 2, 4, 1460)
        + bytes([4, 2])
        + struct.pack("!BBII", 8, 10, rng.getrandbits(32), 0)
        + bytes([1, 3, 3, 7])
    )
    tcp = struct.pack(
        "!HHIIBBHHH", rng.randrange(1024, 65536), 80, rng.getrandbits(32), 0, (20 + len(options)) // 4 << 4, 2, 64240, 0, 0
    ) + options
    pseudo = client + SERVER + struct.pack("!HH", 6, len(tcp))
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0x4000, 64, 6, 0) + client + SERVER
    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    return ETHERNET + ip + tcp


def main():
    if len(sys.argv) != 3 or not sys.argv[2].isdigit():
        sys.exit(__doc__)
    rng = random.Random(1)
    with open(sys.argv[1], "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for n in range(int(sys.argv[2])):
            frame = syn(rng)
            out.write(struct.pack("<IIII", n // 1000000, n % 1000000, len(frame), len(frame)) + frame)


if __name__ == "__main__":
    main()
