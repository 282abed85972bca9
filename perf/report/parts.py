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
BESIDE_BYTES = {"table": 4 * 110, "wheel": 64 + 128}


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
    return rows


def leaves(value, path=()):
    """Every number in a JSON value, by its path."""
    if isinstance(value, dict):
        for k, v in value.items():
            yield from leaves(v, path + (str(k),))
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield ".".join(path), float(value)


def told_json(part, out):
    try:
        value = json.loads(out)
    except ValueError as e:
        raise Skip("%s: no JSON: %s" % (part, e))
    return [Row("%s/%s" % (part, path), 0, "as told", [v]) for path, v in leaves(value)]


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


PARTS = {"engine": engine, "parts": parts, "beside": beside, "price": price, "life": life, "syn": syn}
