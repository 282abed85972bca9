#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The kernel behind a port, and who talks to it. Raw sockets, so root.

usage: kernel_path.py serve IF           TCP echo on port 22, UDP echo on 3784 and 5000, hellos of OSPF heard on IF
       kernel_path.py client IF          talks to all of it over both families, from interface IF
       kernel_path.py own IF ADDRESS     talks to the kernel's own link-local address
       kernel_path.py outward            the kernel behind the port as the one that begins
       kernel_path.py peer               what it talks to then
       kernel_path.py vlan TAP IF VID    a TAP device in a VLAN of IF
       kernel_path.py flood N            N datagrams to 192.0.2.1, as fast as they go
Each prints `ok ...` or `FAIL ...: why` lines; serve and peer print `ready` and end with their input.
"""
import errno
import fcntl
import os
import select
import socket
import struct
import subprocess
import sys
import threading
import time

HOSTS = {"IPv4": ("192.0.2.1", "192.0.2.2"), "IPv6": ("2001:db8::1", "2001:db8::2")}
OSPF = 89
OSPF_ROUTERS = {"IPv4": "224.0.0.5", "IPv6": "ff02::5"}
SSH, HTTP, CLOSED = 22, 80, 4444
failed = 0


def family(name):
    return socket.AF_INET if name == "IPv4" else socket.AF_INET6


def check(name, call, *args):
    global failed
    try:
        call(*args)
        print(f"ok {name}", flush=True)
    except (OSError, AssertionError, StopIteration) as e:
        failed += 1
        print(f"FAIL {name}: {type(e).__name__} {e}", flush=True)


# --- the services ---

def echo_tcp(listener):
    while True:
        s, _ = listener.accept()
        threading.Thread(target=echo_stream, args=(s,), daemon=True).start()


def echo_stream(s):
    with s:
        while data := s.recv(65536):
            s.sendall(data)


def echo_udp(s):
    while True:
        data, who = s.recvfrom(65536)
        s.sendto(b"kernel:" + data, who)


def hear_ospf(s, answer):
    """A raw socket of a router: each hello that it hears it tells the sender, by UDP."""
    while True:
        data, who = s.recvfrom(65536)
        answer.sendto(b"heard " + data[-5:], (who[0].split("%")[0], 5999) + ((0, who[3]) if len(who) > 2 else ()))


def join(s, name, interface):
    index = socket.if_nametoindex(interface)
    if name == "IPv4":
        s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                     struct.pack("4s4si", socket.inet_aton(OSPF_ROUTERS[name]), b"\0" * 4, index))
    else:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                     socket.inet_pton(socket.AF_INET6, OSPF_ROUTERS[name]) + struct.pack("i", index))


def background(call, *args):
    threading.Thread(target=call, args=args, daemon=True).start()


def tcp_listener(name, port):
    s = socket.socket(family(name), socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if name == "IPv6":
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    s.bind(("", port))
    s.listen(16)
    return s


def udp_socket(name, port):
    s = socket.socket(family(name), socket.SOCK_DGRAM)
    if name == "IPv6":
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    s.bind(("", port))
    return s


def serve():
    interface = sys.argv[2]
    for name in HOSTS:
        background(echo_tcp, tcp_listener(name, SSH))
        # These belong to the engine: nobody may ever reach them here.
        background(echo_tcp, tcp_listener(name, HTTP))
        background(echo_tcp, tcp_listener(name, CLOSED))
        for port in (3784, 5000):
            background(echo_udp, udp_socket(name, port))
        raw = socket.socket(family(name), socket.SOCK_RAW, OSPF)
        join(raw, name, interface)
        background(hear_ospf, raw, socket.socket(family(name), socket.SOCK_DGRAM))
    print("ready", flush=True)
    sys.stdin.read()


# --- the client ---

def pattern(n):
    return bytes(i % 251 for i in range(n))


def talk_tcp(name, to, port, n):
    data, got = pattern(n), bytearray()
    with socket.create_connection((to, port), timeout=10) as s:
        background(lambda: (s.sendall(data), s.shutdown(socket.SHUT_WR)))
        while part := s.recv(65536):
            got += part
    assert got == data, f"{len(got)} of {n} bytes came back"


def talk_http(to):
    with socket.create_connection((to, HTTP), timeout=10) as s:
        s.sendall(b"GET /bytes/100000 HTTP/1.0\r\n\r\n")
        got = bytearray()
        while part := s.recv(65536):
            got += part
    assert got.endswith(pattern(100000)), f"{len(got)} bytes came"


def talk_udp(name, to, port, n):
    with socket.socket(family(name), socket.SOCK_DGRAM) as s:
        s.connect(socket.getaddrinfo(to, port, family(name), socket.SOCK_DGRAM)[0][4])
        s.settimeout(5)
        s.send(pattern(n))
        got = s.recv(65536)
        assert got == b"kernel:" + pattern(n), f"{len(got)} bytes came back"
        s.settimeout(0.2)
        try:
            assert not s.recv(65536), "it answered twice"
        except socket.timeout:
            pass


def refused_udp(name, to, port):
    """ICMP port unreachable comes back to the socket that sent."""
    with socket.socket(family(name), socket.SOCK_DGRAM) as s:
        s.connect((to, port))
        s.settimeout(5)
        s.send(b"x")
        try:
            s.recv(100)
            raise AssertionError("something came back")
        except ConnectionRefusedError:
            pass


def refused_tcp(to, port):
    try:
        socket.create_connection((to, port), timeout=5).close()
        raise AssertionError("it is open")
    except ConnectionRefusedError:
        pass


def hello(name, interface):
    with udp_socket(name, 5999) as answer, socket.socket(family(name), socket.SOCK_RAW, OSPF) as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
        answer.settimeout(5)
        raw.sendto(b"\2\1hello", (OSPF_ROUTERS[name], 0))
        got, _ = answer.recvfrom(100)
        assert got == b"heard hello", got


def ping(to, interface=""):
    where = f"{to}%{interface}" if interface else to
    out = subprocess.run(["ping", "-c", "5", "-i", "0.2", "-W", "2", where], capture_output=True, text=True).stdout
    assert " 5 received" in out and "DUP" not in out and "duplicates" not in out, out.strip().splitlines()[-2:]


def client():
    interface = sys.argv[2]
    for name, (to, _) in HOSTS.items():
        check(f"TCP port 22 is the kernel's, over {name}", talk_tcp, name, to, SSH, 300000)
        check(f"TCP port 80 is the engine's, over {name}", talk_http, to)
        check(f"UDP is the kernel's, over {name}", talk_udp, name, to, 5000, 100)
        if name == "IPv6":  # net_af_packet asks the kernel to put IPv4 together, and that is too long then
            check(f"so are datagrams in fragments, over {name}", talk_udp, name, to, 5000, 4000)
        check(f"BFD's port, over {name}", talk_udp, name, to, 3784, 24)
        check(f"a closed UDP port is unreachable, over {name}", refused_udp, name, to, 5001)
        check(f"a closed TCP port is refused, over {name}", refused_tcp, to, CLOSED)
        check(f"hellos of OSPF are heard, over {name}", hello, name, interface)
        check(f"five pings have five answers, over {name}", ping, to)


def own_address():
    """The kernel's link-local address, by the MAC address that both have."""
    to, interface = sys.argv[3], sys.argv[2]
    scoped = f"{to}%{interface}"
    check("its link-local address is pinged", ping, to, interface)
    check("its link-local address speaks TCP", talk_tcp, "IPv6", scoped, SSH, 100000)
    check("and UDP", talk_udp, "IPv6", scoped, 5000, 100)


# --- the other direction ---

def peer():
    for name in HOSTS:
        background(echo_tcp, tcp_listener(name, 9000))
        background(echo_udp, udp_socket(name, 5000))
    print("ready", flush=True)
    sys.stdin.read()


def outward():
    for name, (_, to) in HOSTS.items():
        check(f"it opens TCP, from a port of its range, over {name}", talk_tcp, name, to, 9000, 300000)
        check(f"it asks by UDP, over {name}", talk_udp, name, to, 5000, 100)
        check(f"it is told that a port is unreachable, over {name}", refused_udp, name, to, 5002)
        check(f"it pings, over {name}", ping, to)


def flood():
    n = int(sys.argv[2])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect(("192.0.2.1", 9))
        for i in range(n):
            if i % 100 == 0:
                time.sleep(0.02)  # or the engine's side of the wire has no room for them
            try:
                s.send(b"x" * 100)
            except OSError as e:
                if e.errno not in (errno.ENOBUFS, errno.ECONNREFUSED):
                    raise


# --- a VLAN ---

def vlan():
    """Copies frames between a TAP device, where they have no tag, and the interface, where they have."""
    name, interface, tag = sys.argv[2], sys.argv[3], b"\x81\0" + struct.pack("!H", int(sys.argv[4]))
    ETH_ALL, AUXDATA, AUX_VLAN = 3, 8, 1 << 4
    tap = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tap, 0x400454ca, struct.pack("16sH", name.encode(), 0x1002))  # TUNSETIFF, IFF_TAP without a header
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_ALL))
    wire.setsockopt(263, AUXDATA, 1)
    wire.bind((interface, 0))
    print("ready", flush=True)
    while True:
        ready, _, _ = select.select([tap, wire, sys.stdin], [], [])
        if sys.stdin in ready:
            return
        if tap in ready:
            frame = os.read(tap, 65536)
            wire.send(frame[:12] + tag + frame[12:])
        if wire in ready:
            frame, extra, _, where = wire.recvmsg(65536, 256)
            if where[2] == socket.PACKET_OUTGOING:
                continue
            aux = struct.unpack("IIIHHHH", extra[0][2][:20])
            if aux[0] & AUX_VLAN and aux[5] & 0xfff == int(sys.argv[4]):
                forward(tap, frame)
            elif frame[12:16] == tag:
                forward(tap, frame[:12] + frame[16:])


def forward(tap, frame):
    try:
        os.write(tap, frame)
    except OSError:
        pass  # it is not up yet


commands = {"serve": serve, "client": client, "own": own_address, "peer": peer, "outward": outward, "vlan": vlan, "flood": flood}
if len(sys.argv) < 2 or sys.argv[1] not in commands:
    sys.exit(__doc__)
commands[sys.argv[1]]()
sys.exit(1 if failed else 0)
