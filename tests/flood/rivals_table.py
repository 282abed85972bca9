#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The tables of rivals.sh --table, from its cells: rivals_table.py CELLS [BENCH]

A cell is a line of key=value: a_, b_ and c_ before the flood alone, after it, and at the end; clients_, paced_
and free_ what they say of themselves. What is printed is the median of the rounds, and their spread."""
import os
import statistics
import sys

TICK_US = 1000000 / os.sysconf("SC_CLK_TCK")
OURS, THEIRS = ("serve", "shield"), ("listener", "synproxy")
NAMES = {"serve": "`tidegate serve`", "listener": "kernel listener, `tcp_syncookies`",
         "shield": "`tidegate shield`", "synproxy": "nftables `synproxy`", "drop": "dropped at once (nft)"}
# Each of ours beside the one that does the same work.
PLACES = (("in place", "serve", "listener"), ("in the middle", "shield", "synproxy"))


def read(path):
    cells = {}
    with open(path, encoding="ascii") as f:
        for line in f:
            cell = dict(word.split("=", 1) for word in line.split())
            cells.setdefault((cell["rival"], int(cell["rate"])), []).append(cell)
    return cells


# --- figures of one cell; None when it has none ---

def number(cell, key):
    return float(cell[key]) if key in cell else None


def between(cell, key):
    a, b = number(cell, "a_" + key), number(cell, "b_" + key)
    return None if a is None or b is None else b - a


def over(a, b):
    return None if a is None or not b else a / b


def softirq_us(cell):
    ticks = between(cell, "softirq")
    return None if ticks is None else over(ticks * TICK_US, between(cell, "rx"))


def receiving_us(cell):
    ticks = between(cell, "softirq")
    return None if ticks is None else over((ticks + (between(cell, "polling") or 0)) * TICK_US, between(cell, "rx"))


def system_us(cell):
    ticks = between(cell, "system")
    return None if ticks is None else over(ticks * TICK_US, between(cell, "rx"))


def all_us(cell):
    """The kernel's: its softirqs. Ours: all that was not idle polling, softirqs, senders and others with it."""
    if "a_run_us" not in cell:
        return softirq_us(cell)
    return over(between(cell, "run_us") - between(cell, "idle_us"), between(cell, "segments"))


def share(key):
    return lambda cell: over(100 * (number(cell, key) or 0), number(cell, "clients_begun"))


def answered(cell):
    return over(100 * (between(cell, "tx") or 0), between(cell, "rx"))


def came(cell):
    return over(between(cell, "rx"), (between(cell, "ns") or 0) / 1e9)


def figure(key):
    return lambda cell: number(cell, key)


def millis(key):
    return lambda cell: over(number(cell, key), 1000)


# --- their medians ---

def values(cells, rival, rate, what):
    got = (what(cell) for cell in cells.get((rival, rate), []))
    return [v for v in got if v is not None]


def median(cells, rival, rate, what):
    got = values(cells, rival, rate, what)
    return statistics.median(got) if got else None


def text(cells, rival, rate, what, digits):
    got = values(cells, rival, rate, what)
    if not got:
        return "-"
    middle = f"{statistics.median(got):.{digits}f}"
    low, high = f"{min(got):.{digits}f}", f"{max(got):.{digits}f}"
    return middle if low == high else f"{middle} ({low}-{high})"


def row(*words):
    print("| " + " | ".join(words) + " |")


def head(*words):
    row(*words)
    print("|" + "---|" * len(words))


def table(cells, rates, title, what, digits, rivals):
    print(f"\n{title}\n")
    head("SYN/s", *(NAMES[r] for r in rivals))
    for rate in rates:
        row(f"{rate:,}", *(text(cells, r, rate, what, digits) for r in rivals))


def bench(path):
    """Nanoseconds of the engine for a SYN answered by a cookie, the best case of each round of perf's program."""
    got = []
    if os.path.exists(path):
        with open(path, encoding="utf-8") as f:
            for line in f:
                words = line.rstrip("\n").split("\t")
                if words[0].strip() == "SYN to SYN-ACK, cookie":
                    got.append(float(words[2]))
    return statistics.median(got) if got else None


def ratios(cells, rates, engine_ns):
    print("\nWhat a SYN costs the kernel, over what it costs the engine\n")
    if engine_ns is None:
        print("(without --bench there is no figure of the engine)")
        return
    print(f"The engine by itself, without a device (`perf`): {engine_ns:.0f} ns.\n")
    head("SYN/s", *(f"{NAMES[r]}: {w}" for r in THEIRS for w in ("whole", "without the wire")))
    for rate in rates:
        wire = median(cells, "drop", rate, softirq_us)
        words = []
        for rival in THEIRS:
            whole = median(cells, rival, rate, softirq_us)
            for us in (whole, None if whole is None or wire is None else whole - wire):
                words.append("-" if us is None else f"{us:.2f} us, {us * 1000 / engine_ns:.0f} x")
        row(f"{rate:,}", *words)


def kept(cells, rates, rivals):
    """Of what a transfer has without any flood."""
    print("\nOf that, what the flood leaves, %\n")
    head("SYN/s", *(NAMES[r] for r in rivals))
    for rate in rates:
        words = []
        for rival in rivals:
            now, before = (median(cells, rival, r, figure("free_mbit")) for r in (rate, 0))
            words.append("-" if now is None or not before else f"{100 * now / before:.0f}")
        row(f"{rate:,}", *words)


def cells_lost(cells, rates):
    """Cells in which the other one's median is better than ours by more than half a percent; whether the rounds'
    spreads part them, too."""
    what = (("every client served, %", share("clients_whole"), 1), ("on the first SYN, %", share("clients_first_syn"), 1),
            ("first byte, ms", millis("clients_first_byte_us"), -1), ("transfer at a pace, Mbit/s", figure("paced_mbit"), 1),
            ("transfer without, Mbit/s", figure("free_mbit"), 1), ("us a SYN", all_us, -1))
    for place, ours, other in PLACES:
        for rate in rates:
            for name, key, sign in what:
                a, b = (values(cells, r, rate, key) for r in (ours, other))
                if not a or not b or abs(statistics.median(a) / (statistics.median(b) or 1) - 1) < 0.005:
                    continue
                if sign * statistics.median(a) < sign * statistics.median(b):
                    apart = max(sign * x for x in a) < min(sign * x for x in b)
                    yield (f"{place}, {rate:,} SYN/s, {name}: {statistics.median(a):.2f} against "
                           f"{statistics.median(b):.2f}{'' if apart else ' (spreads overlap)'}")


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    cells = read(sys.argv[1])
    rates = sorted({rate for _, rate in cells})
    floods = [rate for rate in rates if rate]
    both = [r for _, ours, other in PLACES for r in (ours, other)]
    print(f"Medians of {max(map(len, cells.values()))} rounds; in brackets the least and the most.")
    table(cells, rates, "Clients served, %", share("clients_whole"), 1, both)
    table(cells, rates, "Clients served by their first SYN, %", share("clients_first_syn"), 1, both)
    table(cells, rates, "Clients served by three SYNs at most, %", share("clients_three_syns"), 1, both)
    table(cells, rates, "From the first SYN to the first byte, median, ms", millis("clients_first_byte_us"), 2, both)
    table(cells, rates, "A transfer whose reader takes 500 Mbit/s, Mbit/s", figure("paced_mbit"), 0, both)
    table(cells, rates, "A transfer as fast as it goes, Mbit/s", figure("free_mbit"), 0, both)
    kept(cells, floods, both)
    table(cells, floods, "The CPU's time for a SYN, us", all_us, 2, ["drop"] + both)
    table(cells, floods, "Of that, in softirqs and by the thread that polls the device (receiving; and the answers' way "
          "to their end), us", receiving_us, 2, OURS)
    table(cells, floods, "Of that, in the worker's system calls (sending), us", system_us, 2, OURS)
    table(cells, floods, "SYNs that came, a second", came, 0, ["drop"] + both)
    table(cells, floods, "SYNs that were answered, %", answered, 1, both)
    table(cells, rates, "Longest gap in polling, ms", millis("c_gap_us"), 1, OURS)
    table(cells, rates, "Half-open entries at the end", figure("c_half_open"), 0, OURS)
    ratios(cells, floods, bench(sys.argv[2]) if len(sys.argv) == 3 else None)
    print("\nWhere the other one's median is better than ours\n")
    for line in list(cells_lost(cells, rates)) or ["nowhere"]:
        print(f"- {line}")


if __name__ == "__main__":
    main()
