#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Measures and reports; perf/run.sh builds and calls this. Into --out come perf.csv, report.html, perf-results.txt and
plots/, all at once when everything is there: who stops it finds what was there before."""
import argparse
import datetime
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import page
import rows as table
from measure import LEVELS, Context, Skip
from parts import PARTS

HERE = os.path.dirname(os.path.abspath(__file__))


def said(*command):
    """What a command prints, in one line; "unknown" when there is none."""
    try:
        out = subprocess.run(command, capture_output=True, text=True, timeout=20, cwd=HERE).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        out = ""
    return " ".join(out.split()) or "unknown"


def file_line(path, key=""):
    try:
        with open(path) as f:
            for line in f:
                if line.startswith(key):
                    return line.split(":", 1)[-1].strip()
    except OSError:
        pass
    return "unknown"


def commit():
    name = said("git", "rev-parse", "--short", "HEAD")
    changed = said("git", "status", "--porcelain", "--untracked-files=no", "--", "../../lib", "../../app", "..")
    return name if changed == "unknown" or name == "unknown" else name + "-changed"


def machine():
    cores = os.cpu_count()
    return "%d x %s" % (cores, file_line("/proc/cpuinfo", "model name"))


def about(ctx, when, seconds):
    return [
        ("date", when), ("commit", commit()), ("machine", machine()), ("memory", file_line("/proc/meminfo", "MemTotal")),
        ("kernel", platform.release()), ("hypervisor", "yes" if "hypervisor" in file_line("/proc/cpuinfo", "flags") else "no"),
        ("transparent huge pages", file_line("/sys/kernel/mm/transparent_hugepage/enabled")),
        ("compiler", said("cc", "-dumpfullversion", "-dumpversion")), ("DPDK", said("pkg-config", "--modversion", "libdpdk")),
        ("build", os.path.basename(ctx.build)), ("against", os.path.basename(ctx.against) if ctx.against else "-"),
        ("runs", ctx.level), ("load average at the end", " ".join("%.1f" % v for v in os.getloadavg())), ("took", "%d s" % seconds),
    ]


def print_text(rows, skipped, into):
    width = max([len(r.case) for r in rows] + [20])
    lines = ["%-*s %11s  %-12s %12s %12s %12s %5s" % (width, "", "size", "", "median", "p10", "p90", "n")]
    for r in rows:
        lines.append("%-*s %11d  %-12s %12s %12s %12s %5d" % (width, r.case, r.size, r.metric, *(table.number(v) for v in (r.median, r.p10, r.p90)), r.n))
    lines += ["not measured: %s: %s" % s for s in skipped]
    with open(into, "w") as f:
        f.write("\n".join(lines) + "\n")
    print("\n".join(lines))


def write_all(ctx, rows, when, seconds, into):
    told = about(ctx, when, seconds)
    made = page.sections(rows)
    os.mkdir(os.path.join(into, "plots"))
    table.write(os.path.join(into, "perf.csv"), rows, when, told[1][1], told[2][1])
    for _, _, plots in made:
        for plot in plots:
            for end, content in (("svg", plot.svg), ("gp", plot.script)):
                with open(os.path.join(into, "plots", "%s.%s" % (plot.name, end)), "w") as f:
                    f.write(content)
    with open(os.path.join(into, "report.html"), "w") as f:
        f.write(page.page(told, made, rows, ctx.skipped))
    print_text(rows, ctx.skipped, os.path.join(into, "perf-results.txt"))


def put_in_place(made, out):
    """Each by a rename; plots/ as a whole."""
    old = os.path.join(out, "plots")
    shutil.rmtree(old, ignore_errors=True)
    for name in os.listdir(made):
        os.replace(os.path.join(made, name), os.path.join(out, name))


def measure(ctx, wanted):
    rows = []
    for i, name in enumerate(wanted):
        ctx.say("%d/%d %s" % (i + 1, len(wanted), name))
        try:
            rows += PARTS[name](ctx)
        except Skip as why:
            ctx.skip(name, why)
    return rows


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, help="where the programs were built")
    parser.add_argument("--against", help="another build, whose programs take turns with ours")
    parser.add_argument("--out", required=True, help="where the results go")
    parser.add_argument("--level", choices=LEVELS, default="normal")
    parser.add_argument("--only", action="append", choices=list(PARTS), help="this part; again for more")
    parser.add_argument("--without", action="append", choices=list(PARTS), default=[])
    return parser.parse_args()


def stop(_signal, _frame):
    raise KeyboardInterrupt


def main():
    args = arguments()
    begun = time.monotonic()
    when = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    signal.signal(signal.SIGTERM, stop)

    def say(words):
        print("[%4d s] %s" % (time.monotonic() - begun, words), file=sys.stderr, flush=True)

    out = os.path.abspath(args.out)
    os.makedirs(out, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".perf-", dir=out) as work:
        ctx = Context(args.level, os.path.abspath(args.build), args.against and os.path.abspath(args.against), work, say)
        wanted = [p for p in PARTS if p in (args.only or PARTS) and p not in args.without]
        made = os.path.join(work, "made")
        os.mkdir(made)
        try:
            rows = measure(ctx, wanted)
            if rows:
                write_all(ctx, rows, when, time.monotonic() - begun, made)
        except KeyboardInterrupt:
            ctx.end()
            say("stopped: nothing is written")
            return 130
        if not rows:
            say("nothing was measured")
            return 1
        put_in_place(made, out)
    say("%s/report.html and perf.csv" % os.path.relpath(out))
    return 0


if __name__ == "__main__":
    sys.exit(main())
