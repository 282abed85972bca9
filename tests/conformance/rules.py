# SPDX-License-Identifier: BSD-3-Clause
"""Reads the rules: tests/conformance/rules.tsv and kept.tsv, and the marks that name them.

rules.tsv  id, level (M, S, O; note for DIS), rule, source, confirmed (yes, no, -), in the order of
           the checklist.
kept.tsv   id, state (not kept, open), why. A rule that is not in it is kept.
A mark is an id in code or test: TD-22; EST-13, EST-14; SE-28..30; ADV-03/04.
"""
import collections
import os
import re

SECTIONS = ("SE", "UC", "TO", "EST", "TD", "RB", "SC", "SP", "DT", "LN", "ADV", "DIS")
ID = r"(?:SE|UC|TO|EST|TD|RB|SC|SP|DT|LN|ADV|DIS)-\d{2}"
MARK = re.compile(rf"(?<![A-Za-z0-9_-])({ID})((?:(?:\.\.|/)\d{{2}})*)(?!\d)")

Rule = collections.namedtuple("Rule", "id level text source confirmed")
Kept = collections.namedtuple("Kept", "state why")


def read_tsv(root, name, columns):
    path = os.path.join(root, "tests/conformance", name)
    if not os.path.isfile(path):
        return
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f.read().split("\n"), 1):
            if not line or line.startswith("#"):
                continue
            fields = line.split("\t")
            if len(fields) != columns:
                raise ValueError(f"tests/conformance/{name}:{number}: {len(fields)} columns, not {columns}")
            yield fields


def read_rules(root):
    return [Rule(*fields) for fields in read_tsv(root, "rules.tsv", 5)]


def read_kept(root):
    return {f[0]: Kept(f[1], f[2]) for f in read_tsv(root, "kept.tsv", 3)}


def expand(text):
    """The ids that a mark or a range names: SE-28..30 is three."""
    found = []
    for m in MARK.finditer(text):
        section, number = m.group(1).rsplit("-", 1)
        found.append(m.group(1))
        last = int(number)
        for sign, other in re.findall(r"(\.\.|/)(\d{2})", m.group(2)):
            new = range(last + 1, int(other) + 1) if sign == ".." else [int(other)]
            found += [f"{section}-{n:02}" for n in new]
            last = int(other)
    return found


def section_of(rule_id):
    return rule_id.rsplit("-", 1)[0]


def tried_lines(root):
    """(key, verdict, rule ids) of each mutant that tests/mutate.sh --record has noted."""
    folder = os.path.join(root, "tests/mutants")
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        if name.endswith(".tried"):
            with open(os.path.join(folder, name), encoding="utf-8") as f:
                for line in f.read().split("\n"):
                    fields = line.split()
                    if len(fields) >= 3:
                        yield fields[0], fields[1], fields[2].split(",")


def read_caught(root):
    return {key for key, verdict, _ in tried_lines(root) if verdict == "caught"}


def read_tried(root):
    """rule id -> caught or survived: the worst of its mutants, as last recorded."""
    worst = {}
    for _, verdict, ids in tried_lines(root):
        for rule in ids:
            worst[rule] = max(worst.get(rule, "caught"), verdict)  # "survived" is greater
    return worst
