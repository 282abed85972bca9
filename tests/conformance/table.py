#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes tests/conformance/TABLE.md: each rule, the code that keeps it, the test that shows it.

usage: tests/conformance/table.py [--check | --readme | --unmarked] [--root DIR]

  --check     writes nothing; fails when TABLE.md or the totals in README.md are stale, when a mark or
              kept.tsv names a rule that does not exist, when a kept row of level M has no code mark or
              no test mark, and when less than 95 % of the S rows are tested
  --readme    writes TABLE.md and the totals in README.md
  --unmarked  prints the rows that lack a mark

A mark is the id of a rule in a comment of the code, or anywhere in a test (rules.py has the forms). A
place is named by its function, not by its line, so that the table is not stale after every edit. The
comment at the head of a test says what the program is about and is no test.
"""
import argparse
import collections
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rules as rulebook  # noqa: E402

CODE = ("lib/", "app/")
TESTS = tuple(f"tests/{d}/" for d in
              ("conformance", "unit", "script", "sim", "model", "attack", "interop", "e2e", "fuzz"))
READS = (".c", ".h", ".def", ".sh", ".py", ".pkt")
# These name rules and do nothing for them.
LEFT_OUT = ("tests/conformance/rules.py", "tests/conformance/table.py", "lib/base/counters.def",
            "lib/model/script_lex.c")
SHARE_OF_S = 95
BEGIN, END = "<!-- conformance table: totals -->", "<!-- conformance table: end -->"
SECTIONS = {
    "SE": "1.1, 1.2 Segments by state", "UC": "1.3 User calls", "TO": "1.4 Timers",
    "EST": "2 Connection establishment", "TD": "3 Teardown", "RB": "4 Resets and blind attacks",
    "SC": "5.3 SYN cookies", "SP": "5.4 SYN proxy", "DT": "6 Data transfer",
    "LN": "7 L2, IP, ICMP and neighbours", "ADV": "8 Adversarial and bad input",
}

# A definition that starts in the first column: a function, a table, a struct, a macro list.
TOP = re.compile(r"^(?:(?:[A-Za-z_][\w *]*?[ *])?([A-Za-z_]\w*)(?=\s*(?:\(|\[[^]]*\]\s*(?:\[[^]]*\])?\s*=|=\s*[{\"]))"
                 r"|(?:static |const )*(?:struct|enum|union)\s+(\w+)\s*\{|def (\w+)|class (\w+))")
Mark = collections.namedtuple("Mark", "rank path where line alone")


def walk(root, prefixes):
    for prefix in prefixes:
        for where, dirs, names in os.walk(os.path.join(root, prefix)):
            dirs[:] = sorted(d for d in dirs if d != "__pycache__")
            for name in sorted(names):
                path = os.path.relpath(os.path.join(where, name), root)
                if name.endswith(READS) and path not in LEFT_OUT:
                    yield path


def comment_mask(text):
    """Which characters of C text stand in a comment."""
    mask = bytearray(len(text))
    for m in re.finditer(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', text, re.S):
        if m.group(0)[0] == "/":
            mask[m.start():m.end()] = b"\1" * (m.end() - m.start())
    return mask


class Places:
    """What the marks of one C file stand in."""

    def __init__(self, text, mask):
        self.tops, self.after_head = [], None  # (line, name); the first line after the head comment
        offset, depth = 0, 0
        for number, line in enumerate(text.split("\n"), 1):
            in_comment = offset < len(mask) and mask[offset]
            if not in_comment and line and not line[0].isspace():
                if self.after_head is None:
                    self.after_head = number
                m = TOP.match(line) if line[0] not in "#}/{*" and depth == 0 else None
                if m:
                    self.tops.append((number, next(g for g in m.groups() if g)))
            depth = max(0, depth + sum((c == "{") - (c == "}") for c, k in
                                       zip(line, mask[offset:offset + len(line)]) if not k))
            offset += len(line) + 1

    def name(self, text, mask, at, line):
        """The definition that the mark is in, or that its comment stands above; '' in the head."""
        if self.after_head and line < self.after_head:
            return ""
        start = at
        while start > 0 and mask[start - 1] and not (mask[at] and text.startswith("/*", start)):
            start -= 1
        if mask[at] and (start == 0 or text[start - 1] == "\n"):  # in the first column: about what follows
            below = [n for number, n in self.tops if number > line]
            return below[0] if below else ""
        above = [n for number, n in self.tops if number <= line]
        return above[-1] if above else ""


def marks_of_c(path, text, is_test):
    mask = comment_mask(text)
    places = Places(text, mask)
    for m in rulebook.MARK.finditer(text):
        in_comment = bool(mask[m.start()])
        line = text.count("\n", 0, m.start()) + 1
        is_assert = "assert" in text[text.rfind("\n", 0, m.start()) + 1:m.start()]
        if not is_test and not in_comment and not is_assert:
            continue
        where = places.name(text, mask, m.start(), line)
        yield m, line, where


def marks_of_rows(path, text):
    """A .def file: what a row is about stands first in it."""
    for m in rulebook.MARK.finditer(text):
        start = text.rfind("\n", 0, m.start()) + 1
        name = re.match(r"\s*\w+\((\w+)", text[start:])
        if name:
            yield m, text.count("\n", 0, m.start()) + 1, name.group(1)


def marks_of_script(path, text):
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        for m in rulebook.MARK.finditer(line):
            where = "*"
            if path.endswith((".py", ".sh")):
                defs = [d for d in (re.match(r"(?:def |class )?(\w+)(?:\(.*\))?[ :(]*[{:]\s*$", l)
                                    for l in reversed(lines[:number])) if d]
                where = defs[0].group(1) if defs else "*"
            yield m, number, where


def rank_of(path, where, is_range, is_test):
    """The best place first: a rule by itself in the function of a .c file."""
    if is_test:
        kind = 0 if path.startswith("tests/conformance/") else 1
        return kind * 4 + (0 if where.startswith(("test_", "*")) or path.endswith(".def") else 1) + 2 * is_range
    kind = 0 if path.endswith(".c") and where else 1 if path.endswith(".h") and where else 2
    return kind * 2 + is_range + (1 if path.startswith("app/") else 0)


def read_marks(root, prefixes, is_test):
    """rule id -> marks, the best first; and every id that was named, with its place."""
    found, named = collections.defaultdict(list), []
    for path in walk(root, prefixes):
        with open(os.path.join(root, path), encoding="utf-8", errors="replace") as f:
            text = f.read()
        if path.endswith(".def"):
            marks = marks_of_rows(path, text)
        elif path.endswith((".c", ".h")):
            marks = marks_of_c(path, text, is_test)
        else:
            marks = marks_of_script(path, text)
        for m, line, where in marks:
            for rule in rulebook.expand(m.group(0)):
                named.append((rule, f"{path}:{line}"))
                if is_test and not where:
                    continue
                rank = rank_of(path, where, bool(m.group(2)), is_test)
                found[rule].append(Mark(rank, path, where, line, not m.group(2)))
    return {rule: sorted(marks, key=lambda k: (k.rank, k.path, k.line)) for rule, marks in found.items()}, named


def place(marks, base):
    if not marks:
        return "-"
    m = marks[0]
    path = os.path.relpath(m.path, base) if base else m.path
    return f"`{path}`" + (f" {m.where}" if m.where not in ("", "*") else "")


class Table:
    def __init__(self, root):
        self.root = root
        self.rules = [r for r in rulebook.read_rules(root) if r.level != "note"]
        self.notes = {r.id for r in rulebook.read_rules(root) if r.level == "note"}
        self.kept = rulebook.read_kept(root)
        self.code, in_code = read_marks(root, CODE, False)
        self.tests, in_tests = read_marks(root, TESTS, True)
        self.named = in_code + in_tests
        self.mutants = rulebook.read_tried(root)

    def state(self, r):
        return self.kept[r.id].state if r.id in self.kept else "kept"

    def is_kept(self, r):
        return self.state(r) == "kept"

    def is_tested(self, r):
        return self.is_kept(r) and r.id in self.tests

    def totals(self):
        """level -> [rows, kept, tested, not kept, open, caught]"""
        sums = {}
        for level in "MSO":
            rows = [r for r in self.rules if r.level == level]
            sums[level] = [len(rows), sum(self.is_kept(r) and r.id in self.code for r in rows),
                           sum(map(self.is_tested, rows)),
                           sum(self.state(r) == "not kept" for r in rows),
                           sum(self.state(r) == "open" for r in rows),
                           sum(self.mutants.get(r.id) == "caught" for r in rows)]
        return sums

    def totals_lines(self):
        names = {"M": "MUST", "S": "SHOULD", "O": "OPTIONAL"}
        yield "| level | rules | kept, code marked | tested | not kept | open | mutant caught |"
        yield "|---|---|---|---|---|---|---|"
        for level, n in self.totals().items():
            yield f"| {names[level]} | " + " | ".join(map(str, n)) + " |"

    def row(self, r):
        cells = [r.id, r.level, r.text.replace("|", "\\|"), place(self.code.get(r.id), ""),
                 place(self.tests.get(r.id), "tests"), self.state(r), self.mutants.get(r.id, "-")]
        return "| " + " | ".join(cells) + " |"

    def text(self):
        lines = ["<!-- SPDX-License-Identifier: BSD-3-Clause -->", "# Conformance", "",
                 "Written by `tests/conformance/table.py --readme`; edit `rules.tsv` and `kept.tsv` beside it instead.",
                 "M, S, O: MUST, SHOULD, OPTIONAL for this engine. *Code* is the best of the places marked with the id,",
                 "*test* one of the tests (under `tests/`) that names it, *mutant* what `tests/mutate.sh` found when",
                 "that code was broken. `CONFIRMED.md` says where the sources were looked up.", ""]
        lines += list(self.totals_lines())
        for section, title in SECTIONS.items():
            lines += ["", f"## {title}", "", "| id | level | rule | code | test | state | mutant |",
                      "|---|---|---|---|---|---|---|"]
            lines += [self.row(r) for r in self.rules if rulebook.section_of(r.id) == section]
        why = [(r, self.kept[r.id]) for r in self.rules if r.id in self.kept]
        lines += ["", "## Not kept, and open", ""] + [f"- {r.id} ({r.level}), {k.state}: {k.why}" for r, k in why]
        return "\n".join(lines) + "\n"

    def readme(self):
        """README.md as it is, and as it should be; None where it has no place for the totals."""
        path = os.path.join(self.root, "README.md")
        if not os.path.isfile(path):
            return "", None
        with open(path, encoding="utf-8") as f:
            text = f.read()
        if BEGIN not in text or END not in text:
            return text, None
        head, rest = text.split(BEGIN, 1)
        tail = rest.split(END, 1)[1]
        lines = list(self.totals_lines()) + [""]
        lines += [f"- {r.id}, not kept: {self.kept[r.id].why}" for r in self.rules if self.state(r) == "not kept"]
        return text, head + BEGIN + "\n" + "\n".join(lines).rstrip() + "\n" + END + tail

    def unmarked(self):
        for r in self.rules:
            if not self.is_kept(r):
                continue
            lacks = [what for what, marks in (("code", self.code), ("test", self.tests)) if r.id not in marks]
            if lacks:
                yield r, lacks

    def findings(self):
        known = {r.id for r in self.rules} | self.notes
        for rule, where in self.named:
            if rule not in known:
                yield f"{where}: there is no rule {rule}"
        for rule, k in self.kept.items():
            if rule not in known or k.state not in ("not kept", "open"):
                yield f"tests/conformance/kept.tsv: {rule}: no such rule, or not a state: {k.state}"
        for r, lacks in self.unmarked():
            if r.level == "M":
                yield f"{r.id} is of level M and has no mark in {' and none in '.join(lacks)}"
        rows = [r for r in self.rules if r.level == "S" and self.state(r) != "open"]
        tested = sum(map(self.is_tested, rows))
        if rows and tested * 100 < SHARE_OF_S * len(rows):
            yield f"{tested} of {len(rows)} rows of level S are tested, at least {SHARE_OF_S} % must be"
        yield from self.stale()

    def stale(self):
        path = os.path.join(self.root, "tests/conformance/TABLE.md")
        now = None
        if os.path.isfile(path):
            with open(path, encoding="utf-8") as f:
                now = f.read()
        if now != self.text():
            yield "tests/conformance/TABLE.md is stale: run tests/conformance/table.py --readme"
        old, new = self.readme()
        if new is not None and old != new:
            yield "README.md: the totals are stale: run tests/conformance/table.py --readme"


def check(table):
    found = list(table.findings())
    for f in found:
        print(f"FAIL table: {f}")
    print(f"table: {max(0, len(table.rules) - len(found))} passed, {len(found)} failed, 0 skipped")
    return 1 if found else 0


def write(table):
    path = os.path.join(table.root, "tests/conformance/TABLE.md")
    with open(path, "w", encoding="utf-8") as f:
        f.write(table.text())
    old, new = table.readme()
    if new is not None and old != new:
        with open(os.path.join(table.root, "README.md"), "w", encoding="utf-8") as f:
            f.write(new)


def main(argv):
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--root", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
    for option in ("--check", "--readme", "--unmarked"):
        parser.add_argument(option, action="store_true")
    parser.add_argument("-h", "--help", action="store_true")
    args = parser.parse_args(argv)
    if args.help:
        print(__doc__)
        return 0
    table = Table(os.path.abspath(args.root))
    if args.check:
        return check(table)
    if args.unmarked:
        for r, lacks in table.unmarked():
            print(f"{r.id}\t{r.level}\t{','.join(lacks)}\t{r.text}")
        return 0
    if args.readme:
        write(table)
    print("\n".join(table.totals_lines()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
