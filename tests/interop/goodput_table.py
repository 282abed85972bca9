#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The table of goodput.sh, from the lines that its runs left in a folder."""
import os
import statistics
import sys

PAIRS = ("kernel-kernel", "ours-kernel", "kernel-ours")


def read(folder):
    cells = {}
    for name in os.listdir(folder):
        if name.split(".")[0] not in ("cubic", "reno") or name.count(".") != 2:
            continue
        with open(os.path.join(folder, name), encoding="ascii") as f:
            for line in f:
                # A failed run may lack what follows.
                who, cc, size, loss, mbit, *rest = line.split()
                if mbit != "failed" and len(rest) == 4:
                    cell = cells.setdefault((cc, int(size), int(loss)), {})
                    cell.setdefault(who, []).append((float(mbit), int(rest[0]), int(rest[3])))
    return cells


def figure(runs):
    if not runs:
        return "-"
    rates = [r[0] for r in runs]
    return f"{statistics.median(rates):.1f} ({min(rates):.1f}-{max(rates):.1f})"


def flights(cell):
    return " / ".join(str(max((r[1] for r in cell.get(p, [])), default=0) // 1024) for p in PAIRS)


def late(cell):
    return " / ".join(f"{statistics.median([r[2] for r in cell.get(p, [])] or [0]) / 1000:.1f}" for p in PAIRS)


def ratio(cell, weight):
    """Of the medians; weight: what a run's rate is multiplied by."""
    ours, theirs = cell.get("ours-kernel"), cell.get("kernel-kernel")
    if not ours or not theirs:
        return "-"
    median = [statistics.median(r[0] * weight(r) for r in runs) for runs in (ours, theirs)]
    return f"{median[0] / median[1]:.2f}"


def main():
    folder = sys.argv[1]
    cells = read(folder)
    if cells:
        print("| congestion | buffer, KiB | loss, % | kernel to kernel | ours to kernel | ratio | ratio at equal RTT "
              "| kernel to ours | largest flight, KiB | late, ms |")
        print("|---|---|---|---|---|---|---|---|---|---|")
    for (cc, size, loss), cell in sorted(cells.items()):
        print(f"| {cc} | {size // 1024} | {loss / 10:g} | " +
              f"{figure(cell.get(PAIRS[0]))} | {figure(cell.get(PAIRS[1]))} | "
              f"{ratio(cell, lambda r: 1)} | {ratio(cell, lambda r: 20000 + r[2])} | "
              f"{figure(cell.get(PAIRS[2]))} | {flights(cell)} | {late(cell)} |")
    share = os.path.join(folder, "share")
    if os.path.exists(share):
        print("\n| 64 flows, 200 Mbit/s | sum, Mbit/s | Jain |\n|---|---|---|")
        with open(share, encoding="ascii") as f:
            for line in f:
                words = line.split() + ["-", "-"]
                print(f"| {words[0].replace('-', ' to ')}, {words[1]} | {words[2]} | {words[3]} |")


if __name__ == "__main__":
    main()
