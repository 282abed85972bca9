# SPDX-License-Identifier: BSD-3-Clause
"""What the parts share: programs that are run and ended with us, levels, instructions by callgrind."""
import glob
import os
import re
import shutil
import signal
import subprocess

from rows import Row

LEVELS = ["check", "quick", "normal", "full"]
# Parts that have no baseline of their own: another build may be one.
ALONE = ("engine", "parts", "price")


class Skip(Exception):
    """A part, or a piece of one, cannot be measured here; the message says why, in one line."""


class Context:
    """level: one of LEVELS; build: where the programs are; against: another build, or None; work: a folder for what
    is thrown away; say(text): progress."""

    def __init__(self, level, build, against, work, say):
        self.level, self.build, self.against, self.work, self.say = level, build, against, work, say
        self.skipped = []
        self.child = None

    def pick(self, check, quick, normal, full=None):
        return {"check": check, "quick": quick, "normal": normal, "full": normal if full is None else full}[self.level]

    def program(self, name, build=None):
        path = os.path.join(build or self.build, name)
        if not os.access(path, os.X_OK):
            raise Skip("%s is not built" % name)
        return path

    def skip(self, what, why):
        if (what, str(why)) in self.skipped:
            return
        self.skipped.append((what, str(why)))
        self.say("skipped: %s: %s" % (what, why))

    def run(self, command, timeout, good=(0,)):
        """What the command prints. It has a process group of its own, which ends with it. good: its exit statuses."""
        self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                      text=True, start_new_session=True, cwd=self.work)
        try:
            out, err = self.child.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.end()
            raise Skip("%s took longer than %d s" % (os.path.basename(command[0]), timeout))
        except BaseException:
            self.end()
            raise
        code, self.child = self.child.returncode, None
        if code not in good:
            words = (err.strip() or out.strip() or "exit status %d" % code).splitlines()
            raise Skip("%s: %s" % (os.path.basename(command[0]), words[-1][:200]))
        for line in err.splitlines():
            if line.startswith("left out: "):
                self.skip(os.path.basename(command[0]), line[len("left out: "):])
        return out

    def end(self):
        """Ends the program that runs, if one does, and what it has begun."""
        child, self.child = self.child, None
        if child is None:
            return
        for sig in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(child.pid, sig)
            except ProcessLookupError:
                break
            try:
                child.communicate(timeout=5)
                break
            except subprocess.TimeoutExpired:
                continue


def memory_mb():
    """What may be taken without swapping."""
    with open("/proc/meminfo") as f:
        for line in f:
            if line.startswith("MemAvailable"):
                return int(line.split()[1]) // 1024
    return 0


def need_memory(mb):
    there = memory_mb()
    if there < mb:
        raise Skip("wants %d MiB of memory, %d are free" % (mb, there))


def samples(out):
    """{(name, size, unit): [...]} of what a bench program prints with --samples."""
    found = {}
    for line in out.splitlines():
        fields = line.split("\t")
        if len(fields) < 4:
            raise Skip("a line that is no result: %s" % line[:80])
        found.setdefault((fields[0], int(fields[1]), fields[2]), []).extend(float(v) for v in fields[3:])
    return found


def bench(ctx, part, program, rounds, sizes, only=None, whose=None):
    """Rows of a bench program; with --against those of the other build, too, in turns with ours."""
    builds = [("", ctx.build)]
    if ctx.against and part in ALONE:
        builds = [("now", ctx.build), ("before", ctx.against)]
    turns = 1 if len(builds) == 1 or rounds < 4 else 4
    pooled = {}
    for turn in range(turns):
        for label, build in builds:
            command = [ctx.program(program, build), "--samples", "--rounds", str(max(1, rounds // turns))]
            for size in sizes:
                command += ["--size", str(size)]
            if only:
                command += ["--only", only]
            for key, values in samples(ctx.run(command, 7200)).items():
                kept = pooled.setdefault((label, *key), [])
                if key[2] == "ns" or not kept:
                    kept.extend(values)
    rows = []
    for (label, name, size, unit), values in pooled.items():
        case = "%s/%s" % (part, name)
        rows.append(Row(case + ("@" + label if label and "@" not in name else ""), size, unit, values))
    return rows


DESC = re.compile(r"^desc: Trigger: Client Request: (.*) (\d+) (\d+)$")


def instructions(ctx, part, program, sizes, only=None):
    """Rows of instructions an operation; none, and a line, without valgrind."""
    if not shutil.which("valgrind"):
        ctx.skip("instructions of %s" % part, "valgrind is not installed")
        return []
    into = os.path.join(ctx.work, "callgrind.out")
    command = ["valgrind", "--tool=callgrind", "--instr-atstart=no", "--callgrind-out-file=" + into, ctx.program(program), "--count"]
    for size in sizes:
        command += ["--size", str(size)]
    if only:
        command += ["--only", only]
    try:
        ctx.run(command, 7200)
    except Skip as why:
        ctx.skip("instructions of %s" % part, why)
        return []
    rows = []
    for path in sorted(glob.glob(into + ".*"), key=lambda p: int(p.rsplit(".", 1)[1])):
        case = None
        with open(path) as f:
            for line in f:
                found = DESC.match(line)
                if found:
                    case = found
                elif line.startswith("totals: ") and case:
                    per = int(line.split()[1]) / int(case[3])
                    rows.append(Row("%s/%s" % (part, case[1]), int(case[2]), "instructions", [round(per, 1)]))
                    case = None
        os.unlink(path)
    return rows
