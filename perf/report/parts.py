# SPDX-License-Identifier: BSD-3-Clause
"""The parts of a report: what each runs, how long, and how its figures are read."""
import json
import os
import re
import sys

from measure import Skip, bench, instructions, need_memory
from rows import Row

HERE = os.path.dirname(os.path.abspath(__file__))
POPULATIONS = [1000, 1000000]
# What bench_beside takes for each entry, at most, with three kinds of rte_hash beside ours; and rte_timer.
BESIDE_BYTES = {"table": 4 * (110 + 64), "wheel": 64 + 128}


def engine(ctx):
    sizes = ctx.pick([1000], POPULATIONS, POPULATIONS)
    rows = bench(ctx, "engine", "perf/bench_engine", ctx.pick(1, 7, 41), sizes)
    return rows + ([] if ctx.level == "check" else instructions(ctx, "engine", "perf/bench_engine", sizes))


def parts(ctx):
    sizes = ctx.pick([1000], POPULATIONS, POPULATIONS + [10000000])
    rows = bench(ctx, "parts", "perf/bench_parts", ctx.pick(1, 51, 201), sizes)
    return rows + ([] if ctx.level == "check" else instructions(ctx, "parts", "perf/bench_parts", POPULATIONS))


def beside(ctx):
    rows, rounds = [], ctx.pick(1, 11, 41)
    sizes = ctx.pick([1000], [1000, 1000000], [1000, 1000000, 10000000], [1000, 1000000, 10000000, 100000000])
    ctx.program("perf/bench_beside")
    for size in sizes:
        for what, each in BESIDE_BYTES.items():
            if what == "wheel" and size > 10000000:
                continue
            try:
                need_memory((each if size < 50000000 else 200) * size >> 20)
                rows += bench(ctx, "beside", "perf/bench_beside", rounds, [size], what)
            except Skip as why:
                ctx.skip("%s of %d entries" % (what, size), why)
    for what in ("checksum", "hash@"):
        rows += bench(ctx, "beside", "perf/bench_beside", rounds, [1000], what)
    return rows + ([] if ctx.level == "check" else instructions(ctx, "beside", "perf/bench_beside", ctx.pick([], [1000], [1000, 100000])))


def price(ctx):
    sizes = ctx.pick([1000], [1000], [1000, 100000])
    rows = bench(ctx, "price", "perf/price", ctx.pick(1, 15, 61), sizes)
    return rows + instructions(ctx, "price", "perf/price", sizes)


# --- whole connections ---

LIFE = re.compile(r"^(\d+)\s+([\d.]+)\s+([\d.]+)\s+([\d.]+)\s+[\d.]+\s+([\d.]+) \(([\d.]+) \.\. ([\d.]+)\)", re.M)
LIFE_PACKETS = re.compile(r"packets a life: ([\d.]+) in, ([\d.]+) out; (\d+) windows")
LIFE_SWAP = re.compile(r"^5tswap: ([\d.]+) ns a packet \(([\d.]+) \.\. ([\d.]+)\)", re.M)


class Told(Row):
    """A row of which a program has told median and spread itself."""

    def __init__(self, case, size, metric, median, p10, p90, n):
        super().__init__(case, size, metric, [median])
        self.p10, self.p90, self.n = p10, p90, n


BULK = re.compile(r"^bulk, .*: ([\d.]+) Gb/s of the server's busy time \(([\d.]+) \.\. ([\d.]+);", re.M)
BULK_LOSSY = re.compile(r"(\d+) of a million frames lost each way: ([\d.]+) Gb/s \(([\d.]+) \.\. ([\d.]+)\); of that without: "
                        r"([\d.]+) \(([\d.]+) \.\. ([\d.]+);")
BULK_WINDOWS = re.compile(r"^  (\d+) windows of", re.M)


def read_bulk(out):
    clean, lossy, windows = BULK.search(out), BULK_LOSSY.search(out), BULK_WINDOWS.search(out)
    if not clean or not lossy or not windows:
        raise Skip("life --bulk: it says nothing that can be read")
    n, what = int(windows[1]), "bulk, %g %% of the frames lost" % (int(lossy[1]) / 10000)
    rows = [Told("life/bulk@engine", 0, "Gb/s", *(float(v) for v in clean.groups()), n)]
    rows.append(Told("life/%s@engine" % what, 0, "Gb/s", *(float(v) for v in lossy.groups()[1:4]), n))
    return rows + [Told("life/%s, to that without" % what, 0, "share", *(float(v) for v in lossy.groups()[4:]), n)]


def read_life(out):
    found, packets, swap = LIFE.findall(out), LIFE_PACKETS.search(out), LIFE_SWAP.search(out)
    if not found or not packets or not swap:
        raise Skip("life: it says nothing that can be read")
    rows, n = [], int(packets[3])
    for live, ns, p10, p90, share, share10, share90 in found:
        rows.append(Told("life/a connection@engine", int(live), "ns", float(ns), float(p10), float(p90), n))
        rows.append(Told("life/packets beside 5tswap", int(live), "share", float(share), float(share10), float(share90), n))
        rows.append(Row("life/a connection@engine", int(live), "packets in", [float(packets[1])]))
        rows.append(Row("life/a connection@engine", int(live), "packets out", [float(packets[2])]))
    rows.append(Told("life/a packet@5tswap", int(found[0][0]), "ns", *(float(v) for v in swap.groups()), n))
    return rows


def life(ctx):
    program = ctx.program("perf/macro/life")
    live = ctx.pick("1000", "100000", "1000000", "1000000,10000000")
    rows = []
    for close in ctx.pick(["server"], ["server"], ["server", "client"]):
        command = [program, "--live", live, "--seconds", ctx.pick("1", "5", "20"), "--close", close]
        got = read_life(ctx.run(command, 1800))
        for r in got:
            if close == "client":
                r.case = r.case.replace("life/", "life/the client closes first: ")
        rows += got
    try:
        rows += read_bulk(ctx.run([program, "--bulk", "--loss", "1000", "--seconds", ctx.pick("1", "5", "20")], 1800))
    except Skip as why:
        ctx.skip("life, bulk", why)
    return rows


# --- the masses ---

MASS_SECTION = re.compile(r"^(\d+) (connections at rest|TIME-WAIT records)$")
# What follows a section's name: case, metric, and where its figure stands.
MASS_LINES = [
    ("opened, the first ones", "ns", re.compile(r"^opened: the first \d+ at ([\d.]+) ns")),
    ("opened, the slowest", "ns", re.compile(r"the slowest at ([\d.]+)")),
    ("rate of the slowest to that of the first", "share", re.compile(r"to that of the first: ([\d.]+)")),
    ("made", "ns", re.compile(r"^made by .*: ([\d.]+) ns each")),
    ("asked and answered", "ns", re.compile(r"^asked: .*; ([\d.]+) ns each")),
    ("closed", "ns", re.compile(r"^closed: .*: ([\d.]+) ns each")),
    ("ended while others talk", "ns", re.compile(r"^ended .*: ([\d.]+) ns a record")),
    ("gaps over 200 us while they end", "a second", re.compile(r"^  with ends .*\(([\d.]+)/s\)")),
    ("gaps over 200 us in the same loop without", "a second", re.compile(r"^  without .*\(([\d.]+)/s\)")),
    ("memory", "GB", re.compile(r"^memory: ([\d.]+) GB")),
    ("memory", "bytes", re.compile(r"^memory: .* ([\d.]+) bytes a ")),
]


def read_mass(out):
    rows, size, what = [], 0, None
    for line in out.splitlines():
        section = MASS_SECTION.match(line)
        if section:
            size, what = int(section[1]), section[2]
        for case, metric, pattern in MASS_LINES if what else []:
            found = pattern.search(line)
            if found:
                rows.append(Row("mass/%s: %s" % (what, case), size, metric, [float(found[1])]))
    if not rows:
        raise Skip("mass: it says nothing that can be read")
    return rows


def mass(ctx):
    need_memory(ctx.pick(100, 500, 1200, 12000))
    return read_mass(ctx.run([ctx.program("perf/macro/mass")] + ctx.pick(["--check"], [], ["--connections", "10240000", "--records", "6144000"], ["--full"]), 7200))


# --- server and client ---

BENCH_MODES = {"ring, one core": ["--mode", "ring", "--cores", "1"], "ring, two cores": ["--mode", "ring", "--cores", "2"],
               "memif": ["--mode", "memif"], "kernel": ["--mode", "kernel"]}


def read_bench(whose, out):
    """Figures of one run: {(case, metric): number}."""
    try:
        told = json.loads(out)
        windows, load = told["windows"], told["load"]
        figures = {("opened a second", "opens/s"): windows["opened_per_s"]["p50"], ("good", "%"): load["success_percent"]}
        if "server" in told:
            figures["a connection, the server", "ns"] = windows["server_busy_ns"]["p50"]
            figures["a connection, the server", "packets in"] = told["server"]["packets_in"]
            figures["a connection, the server", "packets out"] = told["server"]["packets_out"]
        elif load["opened"]:
            figures["a connection, the server", "ns of CPU"] = told["nginx_cpu_ns"] / load["opened"]
        figures["a connection, the client", "ns"] = told["client"]["busy_ns"]
        if told["round_trip_ns"]:
            figures["a cache line there and back", "ns"] = told["round_trip_ns"]
        figures["handshake, p99", "us"] = load["times_ns"]["handshake"]["p99"] / 1000
    except (ValueError, KeyError, TypeError) as e:
        raise Skip("bench: its JSON is not as expected: %s" % e)
    return {("bench/%s@%s" % (case, whose), metric): v for (case, metric), v in figures.items()}


def bench_run(ctx, whose, options):
    command = [ctx.program("app/tidegate"), "bench", "--json", "--quiet", "--name", "perf%d" % os.getpid(), "--duration", ctx.pick("1", "5", "10")]
    return read_bench(whose, ctx.run(command + options + ["--rate", ctx.pick("100000", "1000000", "1000000")], 300, good=(0, 1)))


def overload(ctx):
    """The best rate, and what is left of it when twice that is offered."""
    command = [ctx.program("app/tidegate"), "bench", "--json", "--quiet", "--name", "perf%d" % os.getpid(), "--overload", "--duration", "60"]
    try:
        told = json.loads(ctx.run(command + BENCH_MODES["ring, one core"], 300, good=(0, 1)))["overload"]
        if not told["finished"]:
            raise Skip("it ended before twice the best rate was offered")
        return [Row("bench/best rate@ring, one core", 0, "opens/s", [float(told["best"])]),
                Row("bench/offered twice that, what is left@ring, one core", 0, "share", [float(told["share"])])]
    except (ValueError, KeyError, TypeError) as e:
        raise Skip("its JSON is not as expected: %s" % e)


def server_and_client(ctx):
    modes = dict(list(BENCH_MODES.items())[:1]) if ctx.level == "check" else dict(BENCH_MODES)
    pooled = {}
    for _ in range(ctx.pick(1, 1, 5)):
        for whose in list(modes):
            try:
                for key, v in bench_run(ctx, whose, modes[whose]).items():
                    pooled.setdefault(key, []).append(v)
            except Skip as why:
                ctx.skip("bench, %s" % whose, why)
                del modes[whose]
    rows = [Row(case, 0, metric, values) for (case, metric), values in pooled.items()]
    if ctx.level in ("normal", "full"):
        try:
            rows += overload(ctx)
        except Skip as why:
            ctx.skip("bench, overload", why)
    return rows


# --- SYNs beside testpmd ---


def read_syns(out):
    """The rounds of syn_share.py: a header that names the columns, then one line of Mpps a round."""
    names, rounds = None, []
    for line in out.splitlines():
        words = line.split()
        if words and words[0] == "round":
            names = words[1:words.index("Mpps,")]
        elif names and len(words) == len(names) + 1 and words[0].isdigit():
            rounds.append([float(v) for v in words[1:]])
    if not names or not rounds:
        raise Skip("syn_share.py: it says nothing that can be read")
    columns = dict(zip(names, zip(*rounds)))
    rows = [Row("syn/SYN to SYN-ACK@" + name, 0, "Mpps", list(values)) for name, values in columns.items()]
    if "5tswap" in columns:
        for name in columns:
            if name not in ("io", "5tswap"):
                share = [v / s for v, s in zip(columns[name], columns["5tswap"])]
                rows.append(Row("syn/packets beside 5tswap@" + name, 0, "share", share))
    return rows


def syn(ctx):
    command = [sys.executable, os.path.join(HERE, "..", "macro", "syn_share.py"), ctx.program("app/tidegate")]
    command += ["--rounds", ctx.pick("1", "3", "11"), "--seconds", ctx.pick("0.3", "2", "5")]
    return read_syns(ctx.run(command, 3600))


PARTS = {"engine": engine, "parts": parts, "beside": beside, "price": price, "life": life, "mass": mass,
         "bench": server_and_client, "syn": syn}
