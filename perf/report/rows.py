# SPDX-License-Identifier: BSD-3-Clause
"""What was measured: one row a case, size and metric, with its median and spread; the long table that keeps all rows."""
import csv

COLUMNS = ["date", "commit", "machine", "case", "size", "metric", "median", "p10", "p90", "n"]


class Row:
    """case is "PART/NAME", and "PART/NAME@WHOSE" where several do the same work."""

    def __init__(self, case, size, metric, samples):
        if not samples:
            raise ValueError("%s: nothing was measured" % case)
        ordered = sorted(samples)
        n = len(ordered)
        self.case, self.size, self.metric, self.samples, self.n = case, size, metric, samples, n
        self.median, self.p10, self.p90 = ordered[n // 2], ordered[n // 10], ordered[n - 1 - n // 10]

    @property
    def part(self):
        return self.case.split("/", 1)[0]

    @property
    def name(self):
        return self.case.split("/", 1)[1].split("@")[0]

    @property
    def whose(self):
        return self.case.split("@", 1)[1] if "@" in self.case else ""


def number(v):
    """As short as it may be without losing what the measurement had."""
    return "%d" % v if v == int(v) and abs(v) < 1e15 else "%.6g" % v


def write(path, rows, date, commit, machine):
    with open(path, "w", newline="") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow(COLUMNS)
        for r in rows:
            out.writerow([date, commit, machine, r.case, r.size, r.metric, number(r.median), number(r.p10), number(r.p90), r.n])


def find(rows, case, size, metric):
    return next((r for r in rows if r.case == case and r.size == size and r.metric == metric), None)
