#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Servers that behave badly, and a judge of what a load generator sent.

usage: load_peer.py serve ADDRESS         each on a port of its own: 1001 resets what it accepts, 1002 closes it at once,
                                          1003 never answers, 1004 answers nonsense, 1005 accepts and never closes,
                                          1006 stops in the middle of its answer, 1007 closes there
       load_peer.py tuples CAPTURE        no address and port twice among the SYNs; prints how many, and how many ports in
                                          order (random ones have about half of them above the one before)
"""
import socket
import struct
import subprocess
import sys
import threading

held = []


def reset(s):
    s.recv(1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def close(s):
    s.close()


def silent(s):
    held.append(s)


def nonsense(s):
    s.sendall(b"What?\r\n" * 100)
    held.append(s)


def half(s):
    s.recv(4096)
    s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 100)


def stop(s):
    half(s)
    held.append(s)


def leave(s):
    half(s)
    s.close()


def open_for_ever(s):
    held.append(s)


def accept(listener, then):
    while True:
        s, _ = listener.accept()
        try:
            then(s)
        except OSError:
            s.close()


def serve(address):
    for port, then in ((1001, reset), (1002, close), (1003, silent), (1004, nonsense), (1005, open_for_ever), (1006, stop),
                       (1007, leave)):
        listener = socket.create_server((address, port), backlog=512)
        threading.Thread(target=accept, args=(listener, then), daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()


def tuples(path):
    args = ["tshark", "-r", path, "-Y", "tcp.flags.syn == 1 && tcp.flags.ack == 0", "-T", "fields"]
    for f in ("ip.src", "ipv6.src", "tcp.srcport", "ip.dst", "ipv6.dst", "tcp.dstport", "tcp.seq_raw"):
        args += ["-e", f]
    out = subprocess.run(args, capture_output=True, text=True, check=True).stdout
    seen, ports, twice = {}, [], 0
    for line in out.splitlines():
        v = line.split("\t")
        if seen.setdefault(tuple(v[:6]), v[6]) != v[6]:
            twice += 1  # the same with another ISN; with the same it is a retransmission
        ports.append(int(v[2]))
    rises = sum(b > a for a, b in zip(ports, ports[1:]))
    print(f"tuples {len(seen)} twice {twice} rises {rises}")
    return 1 if twice or not seen or not len(ports) * 0.3 < rises < len(ports) * 0.7 else 0


def main(argv):
    if len(argv) != 3 or argv[1] not in ("serve", "tuples"):
        print(__doc__)
        return 2
    return serve(argv[2]) if argv[1] == "serve" else tuples(argv[2])


if __name__ == "__main__":
    sys.exit(main(sys.argv))
