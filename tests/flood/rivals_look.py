#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What stands on the clocks now, for rivals.sh: one line of key=value.

usage: rivals_look.py PREFIX IF [PID TIDEGATE INSTANCE]     in the namespace of the one that is measured

  ns                      the time
  softirq, busy           ticks (USER_HZ) of CPU 1: in softirqs; in all that is not idle
  rx, tx                  packets through IF; what the backlog of CPU 1 had no room for is not in rx
  backlog_dropped         what it had no room for
  cookies                 SYN-ACKs with a cookie, by whoever sent them
and with tidegate:
  user, system            ticks of the worker's thread
  polling                 ticks of the kernel's threads that poll IF (af_xdp)
  busy_us, idle_us, run_us, segments, half_open, missed, gap_us, rss
"""
import glob
import json
import os
import subprocess
import sys
import time


def lines(path):
    with open(path, encoding="ascii") as f:
        return f.read().splitlines()


def cpu():
    words = next(line for line in lines("/proc/stat") if line.startswith("cpu1 ")).split()[1:]
    ticks = list(map(int, words))
    return {"softirq": ticks[6], "busy": sum(ticks[:3]) + sum(ticks[5:8])}


def interface(name):
    base = f"/sys/class/net/{name}/statistics/"
    return {"rx": int(lines(base + "rx_packets")[0]), "tx": int(lines(base + "tx_packets")[0])}


def backlog():
    """The thirteenth word of a line is the CPU that it is about."""
    for line in lines("/proc/net/softnet_stat"):
        words = [int(w, 16) for w in line.split()]
        if words[12] == 1:
            return words[1]
    return 0


def kernel_cookies():
    sent = 0
    rows = [line.split() for line in lines("/proc/net/netstat") if line.startswith("TcpExt:")]
    sent += int(dict(zip(*rows[:2])).get("SyncookiesSent", 0))
    if os.path.exists("/proc/net/stat/synproxy"):
        names, *cpus = [line.split() for line in lines("/proc/net/stat/synproxy")]
        sent += sum(int(row[names.index("syn_received")], 16) for row in cpus)
    return sent


def worker(pid):
    for path in glob.glob(f"/proc/{pid}/task/*/stat"):
        name, rest = lines(path)[0].split("(", 1)[1].rsplit(")", 1)
        if "worker" in name:
            return {"user": int(rest.split()[11]), "system": int(rest.split()[12])}
    return {}


def polling(name):
    """In the order of /proc/PID/stat: what is behind the name in brackets."""
    ticks = 0
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            text = lines(path)[0]
        except OSError:  # ended between the two
            continue
        if f"(napi/{name}-" in text:
            rest = text.rsplit(")", 1)[1].split()
            ticks += int(rest[11]) + int(rest[12])
    return {"polling": ticks}


def tidegate(pid, program, instance):
    out = subprocess.run([program, "stats", "--json", "--name", instance], capture_output=True, check=True)
    v = json.loads(out.stdout)
    rss = next(line.split()[1] for line in lines(f"/proc/{pid}/status") if line.startswith("VmRSS"))
    return {"busy_us": v["busy_us"], "idle_us": v["idle_us"], "run_us": v["run_us"],
            "gap_us": v["poll_gap_max_us"],
            "segments": v["counters"]["rx_segments"], "cookies": v["counters"]["cookie_sent"],
            "half_open": v["connections"]["SYN-RECEIVED"], "missed": v["ports"]["outside"]["rx_missed"], "rss": rss}


def main():
    if len(sys.argv) not in (3, 6):
        sys.exit(__doc__)
    seen = {"ns": time.time_ns(), **interface(sys.argv[2]), **cpu(), "backlog_dropped": backlog(),
            "cookies": kernel_cookies()}
    if len(sys.argv) == 6:
        seen.update(worker(sys.argv[3]))
        seen.update(polling(sys.argv[2]))
        seen.update(tidegate(*sys.argv[3:]))
    print(" ".join(f"{sys.argv[1]}{k}={v}" for k, v in seen.items()))


if __name__ == "__main__":
    main()
