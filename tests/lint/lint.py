#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The rules of the house that a compiler does not check.

usage: tests/lint/lint.py [--root DIR] [--build DIR] [--list] [RULE...]

Each rule prints `ok RULE`, `FAIL RULE: FILE:LINE: why` or `skip RULE: why`; the last line adds up.
tests/lint/selftest.sh plants a violation of each rule and sees it found.
"""
import os
import re
import shutil
import subprocess
import sys

# room -> the rooms whose headers it may include, besides its own (lib/README.md draws the arrows)
BASE = {"base"}
TCP = BASE | {"wire", "wheel", "table"}
ENGINE = TCP | {"tcp"}
ABOVE = ENGINE | {"engine"}
MAY_INCLUDE = {
    "base": set(),
    "wire": BASE,
    "wheel": BASE,
    "table": BASE,
    "tcp": TCP,
    "engine": ENGINE,
    "service": ABOVE,
    "trace": ABOVE,
    "lab": ABOVE | {"service", "trace"},
    "model": ABOVE | {"service", "trace", "lab"},
    "dpdk": BASE | {"wire"},
}
MAY_INCLUDE_RTE = ("app/", "lib/dpdk/", "perf/", "tests/e2e/")
# Rooms that get time, randomness and memory as arguments.
PURE = ("base", "wire", "wheel", "table", "tcp", "engine", "service")
FILE_LINES_MAX = 800
FUNCTION_LINES_MAX = 100

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
SPEAKS = re.compile(r"\b(exit|_exit|_Exit|abort|printf|fprintf|vprintf|vfprintf|puts|fputs|putchar|"
                    r"putc|fputc|perror|rte_exit|rte_panic)\s*\(")
IMPURE = re.compile(r"\b(malloc|calloc|realloc|free|aligned_alloc|posix_memalign|alloca|mmap|time|clock|"
                    r"gettimeofday|clock_gettime|rand|random|srand|srandom|getrandom|getentropy|open|"
                    r"fopen|read|write|socket|sleep|usleep|nanosleep)\s*\(")


class Tree:
    def __init__(self, root, build):
        self.root, self.build = root, build
        self.files = sorted(self.walk())
        self.text = {}

    def walk(self):
        for where, dirs, names in os.walk(self.root):
            dirs[:] = [d for d in dirs if d not in (".git", "__pycache__", "subprojects")
                       and not (where == self.root and d.startswith("build"))]
            for name in names:
                yield os.path.relpath(os.path.join(where, name), self.root)

    def read(self, path):
        if path not in self.text:
            with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as f:
                self.text[path] = f.read()
        return self.text[path]

    def sources(self, *prefix):
        return [f for f in self.files if f.endswith((".c", ".h", ".def")) and f.startswith(prefix or "")]


def bare(text):
    """The text with comments and literals blanked out, line by line as it was."""
    pattern = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)), text)


def room_of(path):
    parts = path.split("/")
    return parts[1] if parts[0] == "lib" and len(parts) > 2 else None


def includes(tree, path):
    for number, line in enumerate(tree.read(path).split("\n"), 1):
        m = INCLUDE.match(line)
        if m:
            yield number, m.group(2)


def headers_by_name(tree):
    return {os.path.basename(f): room_of(f) for f in tree.sources("lib/") if room_of(f)}


def check_includes(tree):
    """arrows between the rooms, by the folder a header lies in"""
    where = headers_by_name(tree)
    for path in tree.sources("lib/"):
        room = room_of(path)
        for number, name in includes(tree, path):
            target = where.get(os.path.basename(name))
            if not target or target == room or os.path.dirname(name) == "sys":
                continue
            if room not in MAY_INCLUDE:
                yield path, number, f"room lib/{room} is not in the plan"
            elif target not in MAY_INCLUDE[room]:
                yield path, number, f"lib/{room} may not include {name} of lib/{target}"


def check_rte(tree):
    """<rte_*> only in app/, lib/dpdk/, perf/ and tests/e2e/"""
    for path in tree.sources():
        for number, name in includes(tree, path):
            if os.path.basename(name).startswith("rte_") and not path.startswith(MAY_INCLUDE_RTE):
                yield path, number, f"may not include <{name}>"


def check_crossing(tree):
    """app/worker.c alone joins engine and DPDK on the packet path"""
    for path in tree.sources("app/"):
        if path == "app/worker.c":
            continue
        text = bare(tree.read(path))
        for number, line in enumerate(text.split("\n"), 1):
            if re.search(r"\b(tg_engine_rx|tg_engine_tick|rte_eth_[rt]x_burst)\s*\(", line):
                yield path, number, "the packet path goes through app/worker.c only"


def check_conformance(tree):
    """conformance tests see lab.h and the list of counters only"""
    own = {os.path.basename(f) for f in tree.sources("tests/conformance/")}
    ours = set(headers_by_name(tree)) - {"lab.h", "counters.def"}
    for path in tree.sources("tests/conformance/"):
        for number, name in includes(tree, path):
            if os.path.basename(name) in ours and os.path.basename(name) not in own:
                yield path, number, f"black-box tests may not include {name}"


def find_calls(tree, paths, pattern, why):
    for path in paths:
        for number, line in enumerate(bare(tree.read(path)).split("\n"), 1):
            m = pattern.search(line)
            if m and not re.match(r"\s*#", line) and not is_member(line, m.start()):
                yield path, number, f"{m.group(1)}(): {why}"


def is_member(line, at):
    """ops->free( and the declaration of a member (*read)( are not the libc's."""
    before = line[:at].rstrip()
    return before.endswith(("->", ".", "(*"))


def check_silent(tree):
    """no exit, abort, printf in lib/"""
    yield from find_calls(tree, tree.sources("lib/"), SPEAKS, "libraries neither print nor end the process")


def check_pure(tree):
    """no clock, allocation, I/O in the core"""
    paths = [f for f in tree.sources("lib/") if room_of(f) in PURE]
    yield from find_calls(tree, paths, IMPURE, "time, memory and packets are arguments of the core")


def check_globals(tree):
    """no mutable globals in lib/ outside dpdk/, by nm"""
    archives = []
    for where, _, names in os.walk(os.path.join(tree.build, "lib")):
        archives += [os.path.join(where, n) for n in names if n.endswith(".a") and "dpdk" not in n]
    if not archives or not shutil.which("nm"):
        raise LookupError("no nm here" if archives else f"no libraries in {tree.build}")
    for archive in sorted(archives):
        out = subprocess.run(["nm", "-f", "sysv", archive], capture_output=True, text=True, check=False)
        for line in out.stdout.split("\n"):
            f = [x.strip() for x in line.split("|")]
            if len(f) < 7 or f[3] not in ("OBJECT", "TLS"):
                continue
            if re.match(r"(\.data(?!\.rel\.ro)|\.bss|\.tdata|\.tbss|\*COM\*|COMMON)", f[6]):
                yield os.path.relpath(archive, tree.build), 0, f"{f[0]} is mutable ({f[6]})"


def needs_spdx(path):
    name = os.path.basename(path)
    return (name.endswith((".c", ".h", ".def", ".sh", ".py", ".ini", ".service", ".md", ".tbl"))
            or name in ("meson.build", "meson_options.txt") or path == ".ci/run")


def check_spdx(tree):
    """an SPDX line in each file"""
    for path in tree.files:
        if needs_spdx(path) and "SPDX-License-Identifier: BSD-3-Clause" not in tree.read(path)[:400]:
            yield path, 1, "no SPDX line in the first lines"


def check_file_length(tree):
    """files of at most 800 lines"""
    for path in tree.sources():
        n = tree.read(path).count("\n")
        if n > FILE_LINES_MAX and not path.endswith(".def"):
            yield path, n, f"{n} lines, at most {FILE_LINES_MAX}"


def check_function_length(tree):
    """functions of at most 100 lines"""
    for path in tree.sources():
        lines, start = bare(tree.read(path)).split("\n"), None
        for number, line in enumerate(lines, 1):
            if line.startswith("{"):
                start = number
            elif line.startswith("}") and start:
                if number - start > FUNCTION_LINES_MAX:
                    yield path, start, f"function of {number - start} lines, at most {FUNCTION_LINES_MAX}"
                start = None


def check_format(tree):
    """clang-format"""
    if not shutil.which("clang-format"):
        raise LookupError("no clang-format here")
    paths = [f for f in tree.sources() if f.endswith((".c", ".h")) and f != "lib/lab/lab.h"]
    for i in range(0, len(paths), 50):
        out = subprocess.run(["clang-format", "--dry-run", "--style=file"] + paths[i:i + 50],
                             cwd=tree.root, capture_output=True, text=True, check=False)
        seen = set()
        for m in re.finditer(r"^(\S+?):(\d+):\d+: (?:warning|error): code should be clang-formatted",
                             out.stderr, re.M):
            if m.group(1) not in seen:
                seen.add(m.group(1))
                yield m.group(1), int(m.group(2)), "not as clang-format has it"


RULES = {
    "includes": check_includes,
    "rte": check_rte,
    "crossing": check_crossing,
    "conformance": check_conformance,
    "silent": check_silent,
    "pure": check_pure,
    "globals": check_globals,
    "spdx": check_spdx,
    "file-length": check_file_length,
    "function-length": check_function_length,
    "format": check_format,
}


def run_rule(name, tree):
    try:
        found = list(RULES[name](tree))
    except LookupError as e:
        print(f"skip {name}: {e}")
        return "skipped"
    for path, number, why in found:
        print(f"FAIL {name}: {path}:{number}: {why}")
    if not found:
        print(f"ok {name}: {RULES[name].__doc__}")
    return "failed" if found else "passed"


def main(argv):
    root = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
    build, wanted = None, []
    while argv:
        arg = argv.pop(0)
        if arg in ("--root", "--build") and argv:
            value = os.path.abspath(argv.pop(0))
            root, build = (value, build) if arg == "--root" else (root, value)
        elif arg == "--list":
            print("\n".join(RULES))
            return 0
        elif arg in RULES:
            wanted.append(arg)
        else:
            print(__doc__)
            return 0 if arg in ("-h", "--help") else 2
    tree = Tree(root, build or os.path.join(root, "build"))
    results = [run_rule(name, tree) for name in wanted or RULES]
    print("lint: " + ", ".join(f"{results.count(r)} {r}" for r in ("passed", "failed", "skipped")))
    return 1 if "failed" in results else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
