#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Clients of the end-to-end tests, on kernel sockets.

usage: clients.py half-close HOST PORT BYTES   send, shut the sending side, read all of it back, then FIN
       clients.py hold HOST PORT COUNT         hold COUNT connections at once, echo a byte over each
       clients.py get HOST PORT PATH           GET, print the status and the length of the body
"""
import errno
import resource
import selectors
import socket
import sys
import threading
import time


def dial(host, port):
    return socket.create_connection((host, port), timeout=20)


def pattern(n):
    return (bytes(range(256)) * (n // 256 + 1))[:n]


def half_close(host, port, n):
    s, want, got = dial(host, port), pattern(int(n)), bytearray()

    def send():
        s.sendall(want)
        s.shutdown(socket.SHUT_WR)

    sender = threading.Thread(target=send)
    sender.start()
    while True:
        chunk = s.recv(1 << 16)
        if not chunk:
            break
        got += chunk
    sender.join()
    assert bytes(got) == want, f"{len(got)} of {len(want)} bytes came back"
    print("all", len(got), "bytes, then FIN")


def open_all(host, port, count):
    """COUNT connections, some hundred opening at a time."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sel, held, opened, deadline = selectors.DefaultSelector(), [], 0, time.time() + 60
    while opened < count and time.time() < deadline:
        while len(held) < count and len(held) - opened < 500:
            s = socket.socket(family)
            s.setblocking(False)
            if s.connect_ex((host, port)) not in (0, errno.EINPROGRESS):
                raise OSError("connect")
            held.append(s)
            sel.register(s, selectors.EVENT_WRITE)
        for key, _ in sel.select(1):
            error = key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            assert error == 0, errno.errorcode[error]
            sel.unregister(key.fileobj)
            opened += 1
    assert opened == count, f"{opened} of {count} connections opened"
    return held


def hold(host, port, count):
    count = int(count)
    resource.setrlimit(resource.RLIMIT_NOFILE, (count + 100, max(count + 100, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
    held = open_all(host, port, count)
    print("held", len(held), flush=True)
    sys.stdin.readline()  # the script looks at the engine's figures now
    for s in held:
        s.setblocking(True)
        s.settimeout(20)
    for i in range(0, count, 500):
        part = held[i:i + 500]
        for s in part:
            s.sendall(b"x")
        for s in part:
            assert s.recv(1) == b"x", "the echo"
    for s in held:
        s.close()
    print("echoed", len(held), flush=True)


def get(host, port, path):
    s = dial(host, port)
    s.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    reply = bytearray()
    while chunk := s.recv(1 << 16):
        reply += chunk
    head, _, body = bytes(reply).partition(b"\r\n\r\n")
    print(head.split(b" ")[1].decode(), len(body))


def main(argv):
    calls = {"half-close": half_close, "hold": hold, "get": get}
    if len(argv) != 5 or argv[1] not in calls:
        print(__doc__)
        return 2
    try:
        calls[argv[1]](argv[2], int(argv[3]), argv[4])
    except (OSError, AssertionError) as e:
        print(f"clients.py: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
