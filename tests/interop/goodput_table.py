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
                who, cc, size, loss, mbit, flight = line.split()[:6]
                if mbit != "failed":
                    cell = cells.setdefault((cc, int(size), int(loss)), {})
                    cell.setdefault(who, []).append((float(mbit), int(flight or 0)))
    return cells


def figure(runs):
    if not runs:
        return "-"
    rates = [r[0] for r in runs]
    return f"{statistics.median(rates):.1f} ({min(rates):.1f}-{max(rates):.1f})"


def flights(cell):
    return " / ".join(str(max((r[1] for r in cell.get(p, [])), default=0) // 1024) for p in PAIRS)


def ratio(cell):
    ours, theirs = cell.get("ours-kernel"), cell.get("kernel-kernel")
    if not ours or not theirs:
        return "-"
    return f"{statistics.median(r[0] for r in ours) / statistics.median(r[0] for r in theirs):.2f}"


def main():
    folder = sys.argv[1]
    cells = read(folder)
    if cells:
        print("| congestion | buffer, KiB | loss, % | kernel to kernel | ours to kernel | ratio | kernel to ours "
              "| largest flight, KiB |")
        print("|---|---|---|---|---|---|---|---|")
    for (cc, size, loss), cell in sorted(cells.items()):
        print(f"| {cc} | {size // 1024} | {loss / 10:g} | " +
              f"{figure(cell.get(PAIRS[0]))} | {figure(cell.get(PAIRS[1]))} | {ratio(cell)} | "
              f"{figure(cell.get(PAIRS[2]))} | {flights(cell)} |")
    share = os.path.join(folder, "share")
    if os.path.exists(share):
        print("\n| 64 flows, 200 Mbit/s | sum, Mbit/s | Jain |\n|---|---|---|")
        with open(share, encoding="ascii") as f:
            for line in f:
                words = line.split() + ["-", "-"]
                print(f"| {words[0].replace('-', ' to ')}, {words[1]} | {words[2]} | {words[3]} |")


if __name__ == "__main__":
    main()
