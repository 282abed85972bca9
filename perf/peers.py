#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs a server and a client that somebody has built, told by one INI file, and tidegate in the place of either, in
turns over the same wire: perf/peers.py FILE.ini [--tidegate PROGRAM] [--rounds N] [--seconds N] [--csv FILE]

perf/peers/README.md says what the file holds. Needs root, for the two network namespaces that it makes, and ends."""
import argparse
import configparser
import csv
import json
import os
import re
import shlex
import shutil
import signal
import statistics
import string
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
KERNEL_ADDRESS, OUR_ADDRESS, CLIENT_ADDRESS = "192.0.2.1", "192.0.2.3", "192.0.2.2"
KEYS = {
    "peer": {"title", "rounds", "seconds", "warm_up", "port", "network"},
    "server": {"command", "files", "ready", "address"},
    "client": {"command", "files"},
    "figure": {"regex", "json", "from", "load", "load_scale", "unit", "scale", "better"},
    "ours": {"service", "device", "load", "load_device", "keys"},
}
UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "": 1}

SERVE = """[engine]
workers = 1
connections = 60000
${keys}
[port outside]
device = ${device}
address = ${ours}/24
[listener peer]
port = ${port}
service = ${service}
"""


class Bad(Exception):
    """The file, the machine or a program; one line."""


# --- the file ---


class Peer:
    def __init__(self, path):
        self.path = path
        self.ini = configparser.ConfigParser(interpolation=None, delimiters=("=",), comment_prefixes=("#",), strict=True)
        try:
            with open(path) as f:
                self.ini.read_file(f)
        except OSError as e:
            raise Bad("%s: %s" % (path, e.strerror))
        except configparser.Error as e:
            raise Bad("%s: %s" % (path, " ".join(str(e).split())))
        self.check()
        self.rounds, self.seconds = self.number("rounds", 3, 1, 1000), self.number("seconds", 5, 1, 3600)
        self.warm_up, self.port = self.number("warm_up", 1, 0, 600), self.number("port", 80, 1, 65535)
        self.network = self.get("peer", "network", "veth")
        if self.network not in ("veth", "none"):
            raise Bad("%s: [peer] network = %s: must be veth or none" % (path, self.network))
        self.figures = [s for s in self.ini.sections() if s.split()[0] == "figure"]

    def check(self):
        for section in self.ini.sections():
            kind = section.split()[0]
            if kind not in KEYS or (kind == "figure") != (len(section.split()) > 1):
                raise Bad("%s: [%s]: no such section; there are [peer], [server], [client], [ours] and [figure NAME]" % (self.path, section))
            for key in self.ini[section]:
                if key not in KEYS[kind]:
                    raise Bad("%s: [%s] %s: no such key; there are %s" % (self.path, section, key, ", ".join(sorted(KEYS[kind]))))
        for section in ("peer", "server", "client"):
            if not self.ini.has_section(section):
                raise Bad("%s: [%s] is missing" % (self.path, section))
        for section in ("server", "client"):
            if not self.get(section, "command"):
                raise Bad("%s: [%s] command is missing" % (self.path, section))
        for section, key in (("server", "command"), ("client", "command"), ("ours", "load")):
            try:
                shlex.split(self.get(section, key))
            except ValueError as e:
                raise Bad("%s: [%s] %s: %s" % (self.path, section, key, e))
        self.check_ready()
        figures = [s for s in self.ini.sections() if s.startswith("figure ")]
        if not figures:
            raise Bad("%s: no [figure NAME]: nothing would be read" % self.path)
        for section in figures:
            self.check_figure(section)

    def check_ready(self):
        kind, _, rest = self.get("server", "ready", "tcp").partition(" ")
        try:
            if kind == "line":
                re.compile(rest)
            elif kind == "seconds":
                float(rest)
            elif kind != "tcp" or rest:
                raise ValueError("must be tcp, line REGEX or seconds N")
        except (re.error, ValueError) as e:
            raise Bad("%s: [server] ready: %s" % (self.path, e))

    def check_figure(self, section):
        how = [k for k in ("regex", "json") if self.get(section, k)]
        if len(how) != 1:
            raise Bad("%s: [%s]: one of regex and json says how to read it" % (self.path, section))
        for key, words in (("from", ("client", "server")), ("better", ("higher", "lower"))):
            if self.get(section, key, words[0]) not in words:
                raise Bad("%s: [%s] %s: must be %s" % (self.path, section, key, " or ".join(words)))
        try:
            if how == ["regex"] and not 1 <= re.compile(self.get(section, "regex"), re.M).groups <= 2:
                raise Bad("%s: [%s] regex: one group for the number, and a second one for its unit if there is one" % (self.path, section))
            for key in ("scale", "load_scale"):
                float(self.get(section, key, "1"))
        except (re.error, ValueError) as e:
            raise Bad("%s: [%s]: %s" % (self.path, section, e))

    def get(self, section, key, default=""):
        return self.ini.get(section, key, fallback=default).strip()

    def number(self, key, default, low, high):
        said = self.get("peer", key, str(default))
        if not said.isdigit() or not low <= int(said) <= high:
            raise Bad("%s: [peer] %s = %s: must be a number from %d to %d" % (self.path, key, said, low, high))
        return int(said)

    def files(self, section):
        return [os.path.join(os.path.dirname(os.path.abspath(self.path)), name) for name in self.get(section, "files").split()]

    def read(self, section, out, words):
        """The figure as a number; Bad when the program did not say it."""
        if self.get(section, "json"):
            return pick(out, self.get(section, "json"), words) * float(self.get(section, "scale", "1"))
        found = re.search(self.get(section, "regex"), out, re.M)
        if not found:
            last = (out.strip().splitlines() or ["(nothing)"])[-1]
            raise Bad("%s: [%s]: not in what the %s said, which ends with: %s" % (self.path, section, words, last[:120]))
        groups = found.groups()
        try:
            value = float(groups[0].replace(",", ""))
            unit = UNITS[groups[1] or ""] if len(groups) > 1 else 1
        except (ValueError, KeyError) as e:
            raise Bad("%s: [%s]: %s is no number or unit that is known" % (self.path, section, e))
        return value * unit * float(self.get(section, "scale", "1"))


def pick(out, path, words):
    """A number in a JSON text, by a path like load.opened."""
    try:
        value = json.loads(out)
        for key in path.split("."):
            value = value[int(key) if isinstance(value, list) else key]
        return float(value)
    except (ValueError, KeyError, IndexError, TypeError):
        raise Bad("%s: no number at %s in the JSON of the %s" % (path, path, words))


# --- the machine ---


class Wire:
    """Two namespaces and a veth pair, made and ended here; with network = none nothing."""

    def __init__(self, kind):
        self.kind, self.names = kind, ["tgps%d" % os.getpid(), "tgpc%d" % os.getpid()] if kind == "veth" else []

    def ip(self, *words):
        done = subprocess.run(["ip", *words], capture_output=True, text=True)
        if done.returncode != 0:
            raise Bad("ip %s: %s" % (" ".join(words), done.stderr.strip() or "failed"))

    def make(self):
        if not self.names:
            return
        if os.geteuid() != 0:
            raise Bad("needs root, for network namespaces (or network = none in the file)")
        server, client = self.names
        for name in self.names:
            self.ip("netns", "add", name)
            self.ip("-n", name, "link", "set", "lo", "up")
        self.ip("link", "add", "tgps", "netns", server, "type", "veth", "peer", "name", "tgpc", "netns", client)
        for name, end, address in ((server, "tgps", KERNEL_ADDRESS), (client, "tgpc", CLIENT_ADDRESS)):
            # Sums and segments are made in software on both sides, for both: a virtual wire would skip them.
            subprocess.run(["ip", "netns", "exec", name, "ethtool", "-K", end, "tx", "off", "tso", "off", "gso", "off", "gro", "off"],
                           capture_output=True)
            self.ip("-n", name, "addr", "add", address + "/24", "dev", end)
            self.ip("-n", name, "link", "set", end, "up", "txqueuelen", "10000")
            subprocess.run(["ip", "netns", "exec", name, "sysctl", "-qw", "net.ipv4.ip_local_port_range=1024 65535", "net.ipv4.tcp_tw_reuse=1"],
                           capture_output=True)

    def end(self):
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True)

    def inside(self, side):
        """What a command begins with: the namespace, and a core of its own where there are two."""
        cores = sorted(os.sched_getaffinity(0))
        words = ["taskset", "-c", str(cores[side % len(cores)])] if len(cores) > 1 and shutil.which("taskset") else []
        return (["ip", "netns", "exec", self.names[side]] if self.names else []) + words


class Program:
    """Begun in a process group of its own; what it prints lies in a file."""

    def __init__(self, words, log):
        self.name, self.log = words_name(words), log
        with open(log, "w") as f:
            try:
                self.p = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=f, stderr=subprocess.STDOUT, start_new_session=True)
            except OSError as e:
                raise Bad("%s: %s" % (words[0], e.strerror))

    def said(self):
        with open(self.log, errors="replace") as f:
            return f.read()

    def last(self):
        return (self.said().strip().splitlines() or ["it said nothing"])[-1][:200]

    def end(self):
        for sig in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.p.pid, sig)
            except ProcessLookupError:
                break
            try:
                self.p.wait(10)
                break
            except subprocess.TimeoutExpired:
                continue
        self.p.poll()


def words_name(words):
    rest = [w for i, w in enumerate(words) if not (words[0] == "ip" and i < 4)]
    if rest and rest[0] == "taskset":
        rest = rest[3:]
    return os.path.basename(rest[0]) if rest else "?"


# --- a run ---


class Rig:
    def __init__(self, peer, tidegate, work, rounds, seconds):
        self.peer, self.tidegate, self.work, self.rounds, self.seconds = peer, tidegate, work, rounds, seconds
        self.wire = Wire(peer.network)
        self.running = []

    def fill(self, text, address, directory):
        values = {"address": address, "port": self.peer.port, "server": "%s:%d" % (address, self.peer.port), "seconds": self.seconds,
                  "work": directory, "here": os.path.dirname(os.path.abspath(self.peer.path)), "ours": OUR_ADDRESS}
        return string.Template(text).safe_substitute(values)

    def folder(self, side, address):
        """A fresh folder with the side's files, filled in."""
        directory = tempfile.mkdtemp(prefix=side + "-", dir=self.work)
        os.chmod(directory, 0o755)
        for path in self.peer.files(side):
            try:
                with open(path) as f:
                    text = f.read()
            except OSError as e:
                raise Bad("%s: [%s] files: %s: %s" % (self.peer.path, side, path, e.strerror))
            with open(os.path.join(directory, os.path.basename(path)), "w") as f:
                f.write(self.fill(text, address, directory))
        return directory

    def begin(self, words, log):
        program = Program(words, os.path.join(self.work, log))
        self.running.append(program)
        return program

    def end_all(self):
        while self.running:
            self.running.pop().end()

    def wait_ready(self, program, how, address):
        """how: `tcp`: the port answers; `line REGEX`: it has said so; `seconds N`: it has had the time."""
        kind, _, rest = how.partition(" ")
        until = time.monotonic() + (float(rest) if kind == "seconds" else 60)
        probe = "import socket,sys;socket.create_connection((sys.argv[1],int(sys.argv[2])),1).close()"
        while time.monotonic() < until:
            if program.p.poll() is not None:
                raise Bad("%s ended at once: %s" % (program.name, program.last()))
            if kind == "line" and re.search(rest, program.said(), re.M):
                return
            if kind == "tcp" and subprocess.run(self.wire.inside(1) + [sys.executable, "-c", probe, address, str(self.peer.port)],
                                                capture_output=True).returncode == 0:
                return
            time.sleep(0.1)
        if kind != "seconds":
            raise Bad("%s: not ready after 60 s (%s): %s" % (program.name, how, program.last()))

    def their_server(self):
        address = self.peer.get("server", "address", KERNEL_ADDRESS if self.wire.names else "127.0.0.1")
        directory = self.folder("server", address)
        program = self.begin(self.wire.inside(0) + shlex.split(self.fill(self.peer.get("server", "command"), address, directory)), "server.log")
        self.wait_ready(program, self.peer.get("server", "ready", "tcp"), address)
        return program, address

    def our_server(self):
        ini = os.path.join(self.work, "serve.ini")
        device = self.peer.get("ours", "device", "net_af_packet0,iface=tgps,framecnt=4096")
        keys = {"device": device, "ours": OUR_ADDRESS, "port": self.peer.port, "service": self.peer.get("ours", "service", "http"),
                "keys": self.peer.get("ours", "keys")}
        with open(ini, "w") as f:
            f.write(string.Template(SERVE).substitute(keys))
        program = self.begin(self.wire.inside(0) + [self.tidegate, "serve", "-q", "--name", "peers-%d" % os.getpid(), "-c", ini], "serve.log")
        self.wait_ready(program, "line ^serving as", OUR_ADDRESS)
        return program, OUR_ADDRESS

    def their_client(self, address):
        directory = self.folder("client", address)
        words = self.wire.inside(1) + shlex.split(self.fill(self.peer.get("client", "command"), address, directory))
        return self.wait_client(self.begin(words, "client.log"))

    def our_client(self, address):
        device = self.peer.get("ours", "load_device", "net_af_packet0,iface=tgpc,framecnt=4096")
        words = [self.tidegate, "load", "--json", "--name", "peerl-%d" % os.getpid(), "--device", device, "--address", "192.0.2.4/24",
                 "--target", "%s:%d" % (address, self.peer.port), "--duration", str(self.seconds)]
        return self.wait_client(self.begin(self.wire.inside(1) + words + shlex.split(self.peer.get("ours", "load")), "load.log"))

    def wait_client(self, program):
        try:
            program.p.wait(self.seconds + 120)
        except subprocess.TimeoutExpired:
            raise Bad("%s did not end 120 s after its %d s" % (program.name, self.seconds))
        return program

    def figures(self, server, client, by_load):
        """{figure: number} of one run."""
        found = {}
        for section in self.peer.figures:
            name = section.split(None, 1)[1]
            if not by_load:
                source = self.peer.get(section, "from", "client")
                found[name] = self.peer.read(section, (client if source == "client" else server).said(), source)
            elif self.peer.get(section, "load"):
                told = pick(json_line(client.said()), self.peer.get(section, "load"), "tidegate load")
                found[name] = told * float(self.peer.get(section, "load_scale", "1"))
        return found

    def one(self, is_our_server, is_our_client):
        try:
            server, address = self.our_server() if is_our_server else self.their_server()
            time.sleep(self.peer.warm_up)
            client = (self.our_client if is_our_client else self.their_client)(address)
            if client.p.returncode not in ((0, 1) if is_our_client else (0,)):
                raise Bad("%s: exit status %d: %s" % (client.name, client.p.returncode, client.last()))
            if server.p.poll() is not None and not is_our_server:
                raise Bad("%s ended before the client did: %s" % (server.name, server.last()))
            return self.figures(server, client, is_our_client)
        finally:
            self.end_all()


def json_line(out):
    return next((line for line in reversed(out.splitlines()) if line.startswith("{")), out)


# --- the table ---


def variants(peer):
    """(server, client, ours?, ours?) of the rows, in the order of their turns."""
    server, client = "their server", "their client"
    rows = [(server, client, False, False)]
    if peer.get("ours", "service") or not peer.ini.has_section("ours"):
        rows.append(("tidegate serve", client, True, False))
    if peer.get("ours", "load"):
        rows.append((server, "tidegate load", False, True))
        if len(rows) == 3:
            rows.append(("tidegate serve", "tidegate load", True, True))
    return rows


def print_table(peer, results, out):
    names = [s.split(None, 1)[1] for s in peer.figures]
    rounds = max(len(r) for r in results.values())
    print("%s: rounds in turns: %d; medians (least .. most)" % (peer.get("peer", "title", os.path.basename(peer.path)), rounds))
    for name in names:
        unit = peer.get("figure " + name, "unit")
        print("\n%s%s, %s is better" % (name, " [%s]" % unit if unit else "", peer.get("figure " + name, "better", "higher")))
        first = None
        for (server, client, *_), runs in results.items():
            values = [r[name] for r in runs if name in r]
            if not values:
                continue
            middle = statistics.median(values)
            first = first or middle
            print("  %-16s %-16s %14.6g  (%.6g .. %.6g)  %.2f of theirs" % (server, client, middle, min(values), max(values), middle / first if first else 0))
            out.append([name, unit, server, client, middle, min(values), max(values), len(values)])


def measure(rig, peer):
    results = {v: [] for v in variants(peer)}
    if rig.tidegate is None:
        results = {v: runs for v, runs in results.items() if not (v[2] or v[3])}
    for n in range(rig.rounds):
        for v in results:
            print("[round %d of %d] %s, %s" % (n + 1, rig.rounds, v[0], v[1]), file=sys.stderr, flush=True)
            results[v].append(rig.one(v[2], v[3]))
    return results


def find_tidegate(said):
    for path in [said] if said else [os.path.join(HERE, "..", b, "app/tidegate") for b in ("build-perf", "build")]:
        if path and os.access(path, os.X_OK):
            return os.path.abspath(path)
    if said:
        raise Bad("%s: no such program" % said)
    print("tidegate is not built (build-perf/app/tidegate): only theirs is run", file=sys.stderr)
    return None


def write_csv(path, lines):
    part = path + ".part"
    with open(part, "w", newline="") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow(["figure", "unit", "server", "client", "median", "least", "most", "n"])
        out.writerows(lines)
    os.replace(part, path)


def stop(_signal, _frame):
    raise KeyboardInterrupt


def positive(text):
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError("%s: must be a number above 0" % text)
    return int(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--tidegate", help="build-perf/app/tidegate, or build/app/tidegate")
    parser.add_argument("--rounds", type=positive, help="in place of the file's")
    parser.add_argument("--seconds", type=positive, help="in place of the file's")
    parser.add_argument("--csv", help="the table, for programs")
    parser.add_argument("--check", action="store_true", help="reads the file, runs nothing")
    args = parser.parse_args()
    peer = Peer(args.file)
    if args.check:
        print("%s: fine: %d figures, %d rows a round" % (args.file, len(peer.figures), len(variants(peer))))
        return 0
    signal.signal(signal.SIGTERM, stop)
    with tempfile.TemporaryDirectory(prefix="tidegate-peers-") as work:
        os.chmod(work, 0o755)
        rig = Rig(peer, find_tidegate(args.tidegate), work, args.rounds or peer.rounds, args.seconds or peer.seconds)
        lines = []
        try:
            rig.wire.make()
            print_table(peer, measure(rig, peer), lines)
        finally:
            rig.end_all()
            rig.wire.end()
    if args.csv:
        write_csv(args.csv, lines)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Bad as e:
        sys.exit("peers: %s" % e)
    except KeyboardInterrupt:
        print("peers: stopped", file=sys.stderr)
        sys.exit(130)
