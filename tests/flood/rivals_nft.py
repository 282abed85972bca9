#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Rules of nftables for rivals.sh, handed to the kernel by netlink, so that no tool has to be there.

usage: rivals_nft.py synproxy PORT | drop-syns PORT | drop-to IF PREFIX | drop-all IF

In the network namespace it runs in:

  synproxy PORT    as the wiki of nftables has it:
                     table ip rivals {
                       chain raw { type filter hook prerouting priority raw;
                         tcp dport PORT tcp flags & (fin|syn|rst|ack) == syn notrack }
                       chain forward { type filter hook forward priority filter;
                         tcp dport PORT ct state invalid,untracked synproxy mss 1460 wscale 7 timestamp sack-perm
                         ct state invalid drop } }
  drop-syns PORT   SYNs to the port end in prerouting: what a packet costs before anybody has done anything
  drop-to IF PREFIX  what goes there ends at ingress: answers to sources that are not there
  drop-all IF      the kernel leaves all that comes in to packet sockets, which see it before:
                     table netdev rivals { chain in { type filter hook ingress device IF priority 0; policy drop; } }
"""
import ipaddress
import os
import socket
import struct
import sys

NETLINK_NETFILTER, SUBSYS = 12, 10  # of nf_tables
NEWTABLE, NEWCHAIN, NEWRULE, BATCH_BEGIN, BATCH_END = 0, 3, 6, 16, 17
REQUEST, ACK, CREATE, APPEND = 1, 4, 0x400, 0x800
PREROUTING, INGRESS, FORWARD, RAW, FILTER = 0, 0, 2, -300, 0
NETDEV = 5  # the family
NETWORK, TRANSPORT = 1, 2
EQ, NEQ = 0, 1
REG = 1  # the first, of 16 bytes
DROP, ACCEPT = 0, 1
INVALID, UNTRACKED = 1, 64  # of ct state; the kernel's byte order
NESTED = 0x8000


def attr(kind, data):
    if isinstance(data, str):
        data = data.encode() + b"\0"
    elif isinstance(data, int):
        data = struct.pack(">I", data & 0xffffffff)
    size = 4 + len(data)
    return struct.pack("=HH", size, kind) + data + b"\0" * (-size % 4)


def nest(kind, *parts):
    return attr(kind | NESTED, b"".join(parts))


# --- expressions ---

def expression(name, *parts):
    return nest(1, attr(1, name), nest(2, *parts))


def payload(base, offset, size):
    return expression("payload", attr(1, REG), attr(2, base), attr(3, offset), attr(4, size))


def value(kind, data):
    return nest(kind, attr(1, data))


def compare(data, op=EQ):
    return expression("cmp", attr(1, REG), attr(2, op), value(3, data))


def masked(mask):
    return expression("bitwise", attr(1, REG), attr(2, REG), attr(3, len(mask)), value(4, mask),
                      value(5, b"\0" * len(mask)))


def is_tcp():
    return expression("meta", attr(1, REG), attr(2, 16)) + compare(bytes([socket.IPPROTO_TCP]))


def is_ipv4():
    return expression("meta", attr(1, REG), attr(2, 1)) + compare(struct.pack(">H", 0x0800))


def to_port(port):
    return is_tcp() + payload(TRANSPORT, 2, 2) + compare(struct.pack(">H", port))


def is_syn():
    return payload(TRANSPORT, 13, 1) + masked(b"\x17") + compare(b"\x02")


def state_of(bits):
    return (expression("ct", attr(1, REG), attr(2, 0)) + masked(struct.pack("=I", bits)) +
            compare(b"\0" * 4, NEQ))


def drop():
    return expression("immediate", attr(1, 0), nest(2, nest(2, attr(1, DROP))))


def synproxy():
    options = 0x01 | 0x02 | 0x04 | 0x08  # MSS, window scale, SACK permitted, timestamps
    return expression("synproxy", attr(1, struct.pack(">H", 1460)), attr(2, b"\x07"), attr(3, options))


# --- messages ---

class Batch:
    def __init__(self, family):
        self.messages, self.wanted, self.family, self.name = [], 0, family, None
        self.control(BATCH_BEGIN)

    def add(self, kind, flags, body, family, resource=0):
        head = struct.pack("=BBH", family, 0, socket.htons(resource))
        self.messages.append(struct.pack("=IHHII", 16 + len(head) + len(body), kind, flags,
                                         len(self.messages) + 1, 0) + head + body)

    def control(self, kind):
        self.add(kind, REQUEST, b"", socket.AF_UNSPEC, SUBSYS)

    def nft(self, kind, flags, body):
        self.wanted += 1
        self.add(SUBSYS << 8 | kind, REQUEST | ACK | CREATE | flags, body, self.family)

    def table(self, suffix):
        self.name = "rivals" + suffix
        self.nft(NEWTABLE, 0, attr(1, self.name))

    def chain(self, name, hook, priority, device=None, policy=ACCEPT):
        where = attr(1, hook) + attr(2, priority) + (attr(3, device) if device else b"")
        self.nft(NEWCHAIN, 0, attr(1, self.name) + attr(3, name) + nest(4, where) + attr(5, policy) + attr(7, "filter"))

    def rule(self, chain, expressions):
        self.nft(NEWRULE, APPEND, attr(1, self.name) + attr(2, chain) + nest(4, expressions))

    def send(self):
        self.control(BATCH_END)
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as s:
            s.settimeout(5)
            s.sendto(b"".join(self.messages), (0, 0))
            while self.wanted:
                answer = s.recv(65536)
                while answer:
                    size, kind = struct.unpack("=IH", answer[:6])
                    error = struct.unpack("=i", answer[16:20])[0] if kind == 2 else 0
                    if error:
                        sys.exit(f"rivals_nft.py: the kernel says: {os.strerror(-error)}")
                    self.wanted -= 1
                    answer = answer[(size + 3) & ~3:]


def synproxy_before(batch, port):
    batch.chain("raw", PREROUTING, RAW)
    batch.rule("raw", to_port(port) + is_syn() + expression("notrack"))
    batch.chain("forward", FORWARD, FILTER)
    batch.rule("forward", to_port(port) + state_of(INVALID | UNTRACKED) + synproxy())
    batch.rule("forward", state_of(INVALID) + drop())


def drop_syns(batch, port):
    batch.chain("raw", PREROUTING, RAW)
    batch.rule("raw", to_port(port) + is_syn() + drop())


def drop_to(batch, device, net):
    batch.chain("in", INGRESS, FILTER, device)
    batch.rule("in", is_ipv4() + payload(NETWORK, 16, 4) + masked(net.netmask.packed) +
               compare(net.network_address.packed) + drop())


def main():
    what, words = sys.argv[1:2], sys.argv[2:]
    if (what, len(words)) not in ((["synproxy"], 1), (["drop-syns"], 1), (["drop-to"], 2), (["drop-all"], 1)):
        sys.exit(__doc__)
    batch = Batch(NETDEV if what[0] in ("drop-to", "drop-all") else socket.AF_INET)
    batch.table(words[0] if batch.family == NETDEV else "")
    if what[0] == "synproxy":
        synproxy_before(batch, int(words[0]))
    elif what[0] == "drop-syns":
        drop_syns(batch, int(words[0]))
    elif what[0] == "drop-to":
        drop_to(batch, words[0], ipaddress.ip_network(words[1]))
    else:
        batch.chain("in", INGRESS, FILTER, words[0], DROP)
    batch.send()


if __name__ == "__main__":
    main()
