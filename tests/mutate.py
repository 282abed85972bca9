#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Breaks the code once for each rule and expects a red test.

usage: tests/mutate.sh [--rule ID]... [--file F]... [--list NAME]... [-j N] [--record] [--everywhere]
                       [--work DIR]
       tests/mutate.sh --check [the same choices]

  --rule ID     mutants of this rule (TD-18), section (TD) or range (SE-20..27)
  --file F      mutants of files whose path contains F
  --list NAME   mutants of tests/mutants/NAME.list
  -j N          N copies of the tree side by side
  --record      note the verdicts in tests/mutants/NAME.tried, which tests/conformance/table.py reads
  --everywhere  a mutant that survives its test is shown to every unit and conformance test
  --work DIR    keep the copies in DIR and go on from there the next time: a single mutant then takes
                seconds; one run at a time
  --check       run nothing: each old text is where the list says, once; and, with no other choice,
                each rule of level M that is kept has a mutant, and each mutant is recorded as caught
  --root DIR    another tree

A mutant is one block of a list (tests/mutants/README.md has the format). The tree is copied to a
temporary folder and built there once; then each mutant is put in, its test program built again and
run. A test that fails, crashes or hangs has caught it; one that passes has let it survive.
Exit 0: none survived, and the list has no defect.
"""
import argparse
import collections
import concurrent.futures
import fcntl
import filecmp
import hashlib
import os
import queue
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "conformance"))
import rules as rulebook  # noqa: E402

HEAD = re.compile(r"^([A-Z]{2,3}-\d{2}(?:,[A-Z]{2,3}-\d{2})*) (\S+) (\S+)((?: \S+)*)$")
PLACES = ("unit", "conformance", "sim", "model", "attack", "fuzz", "e2e")
MAY_BREAK = ("lib/", "app/")
HANG_S = 20  # at least; ten times the green run when that is longer
OUTPUT_MAX = 64 << 20
MEMORY_MAX = 16 << 30


class Mutant:
    def __init__(self, where, rules, path, program, tests):
        self.where, self.rules, self.path, self.program, self.tests = where, rules, path, program, tests
        self.hunks = []  # [old lines, new lines]

    def add(self, sign, text):
        if not self.hunks or (sign == "-" and self.hunks[-1][1]):
            self.hunks.append([[], []])
        self.hunks[-1][0 if sign == "-" else 1].append(text)

    @property
    def list_name(self):
        return os.path.splitext(os.path.basename(self.where.split(":")[0]))[0]

    @property
    def key(self):
        whole = "\n".join([",".join(self.rules), self.path, self.program, " ".join(self.tests)]
                          + [s + line for h in self.hunks for s, part in zip("-+", h) for line in part])
        return hashlib.sha256(whole.encode()).hexdigest()[:12]

    def texts(self):
        return [("\n".join(old), "\n".join(new)) for old, new in self.hunks]

    def defect(self, text):
        """Why the mutant cannot be put into the text; None when it can."""
        if not self.path.startswith(MAY_BREAK):
            return f"{self.path}: only lib/ and app/ are broken"
        if text is None:
            return f"{self.path} is not there"
        if not self.hunks:
            return "nothing is changed"
        for old, new in self.texts():
            n = text.count(old) if old else 0
            if old == new:
                return "old and new are the same"
            if n != 1:
                return f"stale: the old text is in {self.path} {n} times: {old.strip()[:60]!r}"
        return None

    def apply(self, text):
        for old, new in self.texts():
            text = text.replace(old, new)
        return text

    def name(self):
        return f"{','.join(self.rules)} {self.path} {self.program}"


def read_list(path, shown):
    """(mutants, defects) of one list."""
    found, defects, now = [], [], None
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f.read().split("\n"), 1):
            where = f"{shown}:{number}"
            if re.match(r"[-+]( |$)", line):
                if now is None:
                    defects.append(f"{where}: a change before its first line")
                else:
                    now.add(line[0], line[2:])
                continue
            now = None
            if not line.strip() or line.startswith("#"):
                continue
            m = HEAD.match(line)
            if not m:
                defects.append(f"{where}: expected RULES FILE PROGRAM [TEST...]: {line[:60]!r}")
                continue
            now = Mutant(where, m.group(1).split(","), m.group(2), m.group(3), m.group(4).split())
            found.append(now)
    return found, defects


def read_lists(root):
    folder, mutants, defects = os.path.join(root, "tests/mutants"), [], []
    for name in sorted(os.listdir(folder)):
        if name.endswith(".list"):
            m, d = read_list(os.path.join(folder, name), f"tests/mutants/{name}")
            mutants += m
            defects += d
    return mutants, defects


def read_text(root, path):
    try:
        with open(os.path.join(root, path), encoding="utf-8") as f:
            return f.read()
    except OSError:
        return None


def list_defects(root, mutants):
    """What is wrong with the lists, without building anything."""
    texts, seen, ids = {}, {}, {r.id for r in rulebook.read_rules(root)}
    for m in mutants:
        if m.path not in texts:
            texts[m.path] = read_text(root, m.path)
        why = m.defect(texts[m.path])
        if why is None and m.key in seen:
            why = f"the same as {seen[m.key]}"
        seen.setdefault(m.key, m.where)
        for unknown in [r for r in m.rules if r not in ids]:
            yield f"{m.where}: no rule {unknown}"
        if why is None and not program_source(root, m.program):
            why = f"no test program {m.program}"
        if why:
            yield f"{m.where}: {m.name()}: {why}"


def rules_without(root, mutants):
    """Rules of level M that are kept and have no mutant."""
    kept = rulebook.read_kept(root)
    have = {r for m in mutants for r in m.rules}
    return [r.id for r in rulebook.read_rules(root)
            if r.level == "M" and r.id not in have and r.id not in kept]


def program_source(root, program):
    """The source of a test program, or the packet script itself; None when there is none."""
    if program.endswith(".pkt"):
        return program if os.path.isfile(os.path.join(root, program)) else None
    for place in PLACES:
        source = f"tests/{place}/{program}.c"
        if os.path.isfile(os.path.join(root, source)):
            return source
    return None


class Copy:
    """One copy of the tree with its own build."""

    def __init__(self, root, number, folder):
        self.tree = os.path.join(folder, f"copy{number}")
        self.build = os.path.join(self.tree, "build")
        self.log = os.path.join(folder, f"log{number}")
        self.copy(root)

    def copy(self, root):
        listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=root,
                                capture_output=True, check=False)
        if listed.returncode:
            ignore = shutil.ignore_patterns(".git", "build*", "__pycache__")
            shutil.copytree(root, self.tree, ignore=ignore, dirs_exist_ok=True)
            return
        names = {n for n in listed.stdout.decode().split("\0") if n and os.path.isfile(os.path.join(root, n))}
        for name in names:
            self.bring(os.path.join(root, name), os.path.join(self.tree, name))
        for where, dirs, files in os.walk(self.tree):  # what is no longer there, in a copy of before
            dirs[:] = [d for d in dirs if os.path.join(where, d) != self.build]
            for path in (os.path.join(where, f) for f in files):
                if os.path.relpath(path, self.tree) not in names:
                    os.remove(path)

    @staticmethod
    def bring(source, target):
        """Copies what differs, with the time of now: what was built from it is older."""
        if os.path.isfile(target) and filecmp.cmp(source, target, shallow=False):
            return
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copyfile(source, target)
        shutil.copymode(source, target)

    def run(self, command, limit_s=900):
        """(exit status or None for a hang, output)."""
        with open(self.log, "wb") as log:
            child = subprocess.Popen(command, cwd=self.tree, stdin=subprocess.DEVNULL, stdout=log,
                                     stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=bounded)
            try:
                status = child.wait(limit_s)
            except subprocess.TimeoutExpired:
                status = None
            finally:
                if child.poll() is None:
                    os.killpg(child.pid, signal.SIGKILL)
                    child.wait()
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return status, f.read(1 << 20)

    def configure(self):
        if os.path.isfile(os.path.join(self.build, "build.ninja")):
            return  # ninja sees to it
        status, out = self.run(["meson", "setup", self.build, "-Dtests=enabled", "-Dwerror=false"])
        if status:
            raise SystemExit(f"mutate: meson setup failed:\n{out[-2000:]}")

    def target(self, program):
        source = program_source(self.tree, program)
        if source.endswith(".pkt"):
            return "app/tidegate"
        return source[:-2].replace("tests/e2e/", "tests/unit/")  # where it is built

    def ninja(self, targets, jobs=1):
        return self.run(["ninja", "-C", self.build, "-j", str(jobs)] + sorted(set(targets)))

    def command(self, program, tests):
        start = [os.path.join(self.build, self.target(program))]
        return start + (["script", program] if program.endswith(".pkt") else ["--seed", "1"] + tests)

    def test(self, program, tests, limit_s):
        return self.run(self.command(program, tests), limit_s)

    def write(self, path, text):
        with open(os.path.join(self.tree, path), "w", encoding="utf-8") as f:
            f.write(text)


def bounded():
    """A mutant may print or allocate without end."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (OUTPUT_MAX * 8, OUTPUT_MAX * 8))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def programs_of(mutants):
    return sorted({(m.program, tuple(m.tests)) for m in mutants})


def green_times(copy, mutants):
    """program and tests -> seconds of the unbroken run; those that are red without a mutant."""
    times, red = {}, {}
    for program, tests in programs_of(mutants):
        started = time.monotonic()
        status, out = copy.test(program, list(tests), 600)
        times[program, tests] = time.monotonic() - started
        if status != 0:
            red[program, tests] = "no test of that name" if " 0 failed" in out else "red without any mutant"
    return times, red


def verdict_of(status, out):
    if status is None:
        return "caught", "hangs"
    if status < 0:
        return "caught", signal.Signals(-status).name
    if status == 0:
        return "survived", ""
    failed = sorted(set(re.findall(r"^(?:FAILED|FAIL) ([^:\s]+)", out, re.M)))
    return "caught", ", ".join(failed[:3]) + (f" and {len(failed) - 3} more" if len(failed) > 3 else "")


def elsewhere(copy, but=()):
    """The programs of the unit and conformance suites that fail on the tree as it is now."""
    names = [f[:-2] for place in ("unit", "conformance")
             for f in sorted(os.listdir(os.path.join(copy.tree, "tests", place)))
             if f.startswith("test_") and f.endswith(".c")]
    red = []
    for name in names:
        status, _ = copy.ninja([copy.target(name)])
        if name not in but and status == 0 and copy.test(name, [], 120)[0] != 0:
            red.append(name)
    return red


def try_one(copy, mutant, green_s, red_before):
    text = read_text(copy.tree, mutant.path)
    copy.write(mutant.path, mutant.apply(text))
    try:
        status, out = copy.ninja([copy.target(mutant.program)])
        if status:
            error = re.search(r"error: .*", out)
            return "defect", "does not compile: " + (error.group(0) if error else out.strip()[-200:])
        verdict, how = verdict_of(*copy.test(mutant.program, mutant.tests, max(HANG_S, 10 * green_s)))
        if verdict == "survived" and red_before is not None:
            how = "elsewhere red: " + (" ".join(elsewhere(copy, red_before)) or "none")
        return verdict, how
    finally:
        copy.write(mutant.path, text)


def run_all(root, mutants, args, folder):
    copies = queue.Queue()
    first = None
    for number in range(min(args.jobs, len(mutants))):
        copy = Copy(root, number, folder)
        copy.configure()
        status, out = copy.ninja([copy.target(m.program) for m in mutants], os.cpu_count() or 1)
        if status:
            raise SystemExit(f"mutate: the unbroken tree does not build:\n{out[-2000:]}")
        first = first or copy
        copies.put(copy)
    times, red = green_times(first, mutants)
    red_before = elsewhere(first) if args.everywhere else None

    def one(mutant):
        run = mutant.program, tuple(mutant.tests)
        if run in red:
            return mutant, "defect", f"{' '.join([mutant.program] + mutant.tests)}: {red[run]}"
        copy = copies.get()
        try:
            return (mutant,) + try_one(copy, mutant, times[run], red_before)
        finally:
            copies.put(copy)

    with concurrent.futures.ThreadPoolExecutor(max(1, args.jobs)) as pool:
        yield from pool.map(one, mutants)


def record(root, mutants, results):
    """Notes the verdicts by list; what is no longer in the list goes."""
    by_key = {m.key: (m, verdict) for m, verdict, _ in results if verdict != "defect"}
    for name in sorted({m.list_name for m, _, _ in results}):
        path = os.path.join(root, f"tests/mutants/{name}.tried")
        with open(path, "a+", encoding="utf-8") as f:
            fcntl.flock(f, fcntl.LOCK_EX)
            f.seek(0)
            old = dict(line.split()[:2] for line in f.read().split("\n") if line.strip())
            lines = []
            for m in [m for m in mutants if m.list_name == name]:
                verdict = by_key[m.key][1] if m.key in by_key else old.get(m.key)
                if verdict:
                    lines.append(f"{m.key} {verdict} {','.join(m.rules)} {m.path}\n")
            f.truncate(0)
            f.write("".join(lines))


def chosen(mutants, args):
    wanted = [i for r in args.rule for i in (rulebook.expand(r) or [r])]
    for m in mutants:
        if wanted and not any(r == w or r.split("-")[0] == w for r in m.rules for w in wanted):
            continue
        if args.file and not any(f in m.path for f in args.file):
            continue
        if args.list and m.list_name not in args.list:
            continue
        yield m


def untried(root, mutants):
    """Those that are not recorded as caught, as they stand in the list now."""
    caught = rulebook.read_caught(root)
    for m in mutants:
        if m.key not in caught:
            yield f"{m.where}: {m.name()} is not recorded as caught: run it with --record"


def check(root, mutants, defects, whole):
    found = list(defects)
    if whole:
        found += [f"{r} is of level M and has no mutant" for r in rules_without(root, mutants)]
        found += untried(root, mutants)
    for f in found:
        print(f"FAIL mutants: {f}")
    bad = len(found)
    print(f"mutants: {len(mutants)} passed, {bad} failed, 0 skipped")
    return 1 if bad else 0


def summary(results):
    by_section = collections.defaultdict(collections.Counter)
    for m, verdict, _ in results:
        for rule in m.rules:
            by_section[rule.split("-")[0]][verdict] += 1
    for section, n in by_section.items():
        print(f"  {section}: {n['caught']} caught, {n['survived']} survived, {n['defect']} defect")


def main(argv):
    parser = argparse.ArgumentParser(add_help=False)
    for option in ("--rule", "--file", "--list"):
        parser.add_argument(option, action="append", default=[])
    parser.add_argument("-j", dest="jobs", type=int, default=1)
    parser.add_argument("--root", default=os.path.dirname(HERE))
    parser.add_argument("--work")
    for option in ("--record", "--everywhere", "--check"):
        parser.add_argument(option, action="store_true")
    parser.add_argument("-h", "--help", action="store_true")
    args = parser.parse_args(argv)
    if args.help:
        print(__doc__)
        return 0
    root = os.path.abspath(args.root)
    every, defects = read_lists(root)
    mutants = list(chosen(every, args))
    defects += list_defects(root, mutants)
    if args.check:
        return check(root, mutants, defects, not (args.rule or args.file or args.list))
    for d in defects:
        print(f"defect {d}")
    wrong = {d.split(": ")[0] for d in defects}
    mutants = [m for m in mutants if m.where not in wrong]
    started, results = time.monotonic(), []
    folder = args.work or tempfile.mkdtemp(prefix="tidegate-mutate-")
    os.makedirs(folder, exist_ok=True)
    lock = open(os.path.join(folder, "lock"), "w", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for m, verdict, how in run_all(root, mutants, args, folder) if mutants else ():
            results.append((m, verdict, how))
            print(f"{verdict} {m.name()}" + (f" ({how})" if how else "")
                  + (f" at {m.where}" if verdict != "caught" else ""), flush=True)
    except BlockingIOError:
        print(f"mutate: another run is at work in {folder}")
        return 2
    finally:
        lock.close()
        if not args.work:
            shutil.rmtree(folder, ignore_errors=True)
    if args.record:
        record(root, every, results)
    n = collections.Counter(verdict for _, verdict, _ in results)
    n["defect"] += len(defects)
    summary(results)
    print(f"mutants: {n['caught']} caught, {n['survived']} survived, {n['defect']} defect, "
          f"{time.monotonic() - started:.0f} s")
    print(f"mutate: {n['caught']} passed, {n['survived'] + n['defect']} failed, 0 skipped")
    return 1 if n["survived"] + n["defect"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
