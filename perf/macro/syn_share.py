#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""SYN to SYN-ACK, beside what the device and a swap of the addresses cost: syn_share.py TIDEGATE
[--rounds N] [--seconds S]

One capture of SYNs is read over and over (net_pcap, infinite_rx), and what is sent is dropped by
the same device. They take turns on it, each on one core:
  io       dpdk-testpmd forwards untouched: the device
  5tswap   dpdk-testpmd swaps addresses and ports
  engine   tidegate serve answers each SYN by a SYN-ACK with a cookie (rst_rate = 0)
  budget   the same, and asks the budget of the SYN's prefix first, which is as high as can be
Prints each round's packets sent in a second of the process's own time on the core (all three poll
without rest, so on an idle machine that is a second), then medians, spread and ratios. Nothing is
asserted."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SYNS = 4096
WARM_UP = 1.0
RST_RATE_MAX = 100000000

CONFIG = """[engine]
workers = 1
connections = 1000
rst_rate = {rst_rate}
[port outside]
device = {device}
address = 192.0.2.1/24
gateway = 192.0.2.254
gateway_mac = 02:00:00:00:00:02
mac = 02:00:00:00:00:01
[listener web]
port = 80
service = discard
syn_cookies = always
"""


class Broken(Exception):
    """A program did not do its part; the message says which and what it said."""


def device(work):
    return "net_pcap0,rx_pcap=%s,infinite_rx=1" % os.path.join(work, "syn.pcap")


def hugepages():
    with open("/proc/meminfo") as f:
        return any(line.startswith("HugePages_Free") and line.split()[1] != "0" for line in f)


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid) as f:
        user, system = f.read().rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def testpmd_pps(mode, work, seconds):
    """testpmd itself divides the packets between two `show` by the time between them."""
    memory = ["--in-memory"] if hugepages() else ["--no-huge", "--no-shconf"]
    args = ["dpdk-testpmd", *memory, "-m", "256", "--no-pci", "--no-telemetry", "-l", "0-1", "--vdev", device(work)]
    args += ["--", "-i", "--forward-mode=" + mode, "--port-topology=loop", "--total-num-mbufs=16384"]
    p = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def say(line, pause):
        p.stdin.write(line + "\n")
        p.stdin.flush()
        time.sleep(pause)

    try:
        say("start", WARM_UP)
        cpu, wall = cpu_seconds(p.pid), time.monotonic()
        say("show port stats 0", seconds)
        cpu, wall = cpu_seconds(p.pid) - cpu, time.monotonic() - wall
        say("show port stats 0", 0.2)
        say("stop", 0.2)
        said = p.communicate("quit\n", timeout=20)[0]
    except (OSError, subprocess.TimeoutExpired):
        p.kill()
        said = p.communicate()[0]
        raise Broken("dpdk-testpmd: " + said[-300:])
    rates = [line.split()[1] for line in said.splitlines() if line.strip().startswith("Tx-pps:")]
    if p.returncode != 0 or len(rates) != 2:
        raise Broken("dpdk-testpmd: " + said[-300:])
    if not cpu or float(rates[1]) == 0:
        raise Broken("dpdk-testpmd had no time on its core: the machine is too busy")
    return float(rates[1]) * wall / cpu


def engine_seen(tidegate, name):
    out = subprocess.run([tidegate, "stats", "--json", "--name", name], capture_output=True, text=True, timeout=10)
    if out.returncode != 0:
        return None
    return json.loads(out.stdout)


def engine_sent(tidegate, name):
    """(SYN-ACKs sent by the device's own count, the rest of what stats says)."""
    seen = engine_seen(tidegate, name)
    if seen is None:
        raise Broken("tidegate stats: no answer")
    ports = seen.get("ports")
    ports = list(ports.values()) if isinstance(ports, dict) else ports
    return ports[0]["tx_packets"], seen


def engine_pps(tidegate, work, seconds, rst_rate=0):
    config, name = os.path.join(work, "syn.ini"), "perf-syn-%d" % os.getpid()
    with open(config, "w") as f:
        f.write(CONFIG.format(device=device(work), rst_rate=rst_rate))
    with open(os.path.join(work, "serve.log"), "w+") as log:
        p = subprocess.Popen([tidegate, "serve", "-c", config, "--name", name], stdout=log, stderr=log)
        try:
            for _ in range(100):
                if p.poll() is not None or engine_seen(tidegate, name):
                    break
                time.sleep(0.1)
            time.sleep(WARM_UP)
            cpu, sent = cpu_seconds(p.pid), engine_sent(tidegate, name)[0]
            time.sleep(seconds)
            cpu = cpu_seconds(p.pid) - cpu
            total, seen = engine_sent(tidegate, name)
        except Broken as e:
            log.seek(0)
            raise Broken("%s; tidegate serve: %s" % (e, log.read()[-300:]))
        finally:
            p.terminate()
            try:
                p.wait(20)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
    if seen["counters"]["cookie_sent"] * 100 < seen["rx_packets"] * 99:
        raise Broken("tidegate: %d cookies for %d SYNs" % (seen["counters"]["cookie_sent"], seen["rx_packets"]))
    if not cpu or total == sent:
        raise Broken("tidegate had no time on its core: the machine is too busy")
    return (total - sent) / cpu


def median_line(name, pps):
    middle = statistics.median(pps)
    spread = "%.2f .. %.2f" % (min(pps) / 1e6, max(pps) / 1e6)
    return "%-8s %8.2f Mpps  (%s)  %7.1f ns a packet" % (name, middle / 1e6, spread, 1e9 / middle)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tidegate")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    args = parser.parse_args()
    pps = {"io": [], "5tswap": [], "engine": [], "budget": []}
    with tempfile.TemporaryDirectory() as work:
        subprocess.run([sys.executable, os.path.join(HERE, "make_syns.py"), os.path.join(work, "syn.pcap"), str(SYNS)], check=True)
        print("round      io  5tswap  engine  budget   Mpps, by time on the core", flush=True)
        for n in range(args.rounds):
            pps["io"].append(testpmd_pps("io", work, args.seconds))
            pps["5tswap"].append(testpmd_pps("5tswap", work, args.seconds))
            pps["engine"].append(engine_pps(args.tidegate, work, args.seconds))
            pps["budget"].append(engine_pps(args.tidegate, work, args.seconds, RST_RATE_MAX))
            print("%5d %7.2f %7.2f %7.2f %7.2f" % (n + 1, *[v[-1] / 1e6 for v in pps.values()]), flush=True)
    for name, values in pps.items():
        print(median_line(name, values))
    for name in ("engine", "budget"):
        share = [e / s for e, s in zip(pps[name], pps["5tswap"])]
        print("%s / 5tswap, pairs of a round: median %.3f  (%.3f .. %.3f)" % (name, statistics.median(share), min(share), max(share)))
    own = [1e9 / e - 1e9 / d for e, d in zip(pps["engine"], pps["io"])]
    print("engine less device: median %.0f ns a SYN  (%.0f .. %.0f)" % (statistics.median(own), min(own), max(own)))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Broken as e:
        sys.exit("syn_share: %s" % e)
