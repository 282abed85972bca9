# SPDX-License-Identifier: BSD-3-Clause
"""report.html: one page that needs nothing else: tables, plots, the machine, the method, and what was not measured."""
from html import escape

import pictures
from rows import find

CSS = """:root{color-scheme:light dark;--fg:#222;--bg:#fff;--dim:#666;--line:#ddd;--good:#06733f}
@media (prefers-color-scheme:dark){:root{--fg:#ddd;--bg:#161618;--dim:#999;--line:#3a3a3d;--good:#4fc98b}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--fg);background:var(--bg);max-width:60rem;margin:2rem auto;padding:0 1rem}
h1,h2,h3{line-height:1.2}h2{margin-top:2.5rem;border-bottom:1px solid var(--line)}
table{border-collapse:collapse;margin:1rem 0;font-variant-numeric:tabular-nums}
th,td{padding:.2rem .7rem;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left;white-space:normal}small,.dim{color:var(--dim)}.best{color:var(--good)}
svg{max-width:100%;height:auto;margin:1rem 0}.wide{overflow-x:auto}nav a{margin-right:1rem}"""

ABOUT = {
    "engine": ("What a packet costs", "One packet in, what the engine does with it, from plain memory: no device. TIME-WAIT expiry: a record."),
    "parts": ("What its parts cost", "One operation. Sizes are entries, timers, records, prefixes or bytes."),
    "beside": ("Beside DPDK's own", "The same keys, timers and bytes, in turns in one program, in pages asked for alike. A look-up hashes, finds "
               "and compares the key. Ours is always keyed; of rte_hash only `siphash` is."),
    "price": ("The price of correctness", "A whole life of a connection at the server with every rule on, and with one of them changed. The "
              "difference is what the rule costs. Packets beside each, since fewer packets are the cheapest trick."),
    "life": ("A connection's whole life", "The server of the product and clients without memory take turns on one core over net_ring; 5tswap, in "
             "the same loop, merely exchanges addresses."),
    "mass": ("The masses", "Connections at rest and TIME-WAIT records by the million, in one process."),
    "bench": ("Server and client", "tidegate bench: two engines in one run."),
    "syn": ("SYNs beside testpmd", "One capture of SYNs read over and over, on one core: `io` is the device, `5tswap` the least that any "
            "answer needs, `engine` a SYN-ACK with a cookie, `budget` the same when the prefix budget is asked."),
}

METHOD = """<p>Cases take turns in each round, after one that warms up, so that what changes on the machine meets all alike. A round gives a
mean; a table has the median of the rounds, and their tenth and ninetieth percentile in brackets. Time is the thread's own time on its
core. Where the spread is wide, somebody else was busy: measure again. Instructions are counted by callgrind, without preparation and
checking; they repeat to a few whatever else the machine does, but know nothing of caches. What comes out is checked in each run, so
that one which does less work fails instead of looking fast. perf/README.md has the rest.</p>"""


def cell(r):
    if r is None:
        return "-"
    spread = "" if r.p10 == r.p90 else " <small>(%s .. %s)</small>" % (pictures.short(r.p10), pictures.short(r.p90))
    return pictures.short(r.median) + spread


def table(head, lines):
    out = ["<div class=wide><table><tr>"] + ["<th>%s</th>" % escape(h) for h in head] + ["</tr>"]
    for line in lines:
        out.append("<tr>" + "".join("<td>%s</td>" % c for c in line) + "</tr>")
    return "".join(out) + "</table></div>"


def size_words(n):
    return "{:,}".format(n) if n else ""


class Plot:
    def __init__(self, name, drawn, script):
        self.name, self.svg, self.script = name, drawn, script


def bar_plot(name, title, unit, rows):
    drawn = pictures.bars(title, unit, rows)
    return [Plot(name, drawn, pictures.gp_bars(name, title, unit, rows))] if drawn else []


def line_plot(name, title, unit, series):
    drawn = pictures.lines(title, unit, series)
    return [Plot(name, drawn, pictures.gp_lines(name, title, unit, series))] if drawn else []


def per_case(part, rows):
    """Median, spread and instructions of each case; with another build beside it, its ratio."""
    ns = [r for r in rows if r.metric == "ns"]
    now = [r for r in ns if r.whose in ("", "now")]
    is_against = any(r.whose == "before" for r in ns)
    head, lines = ["", "size", "ns"] + (["ns before", "ratio"] if is_against else []) + ["instructions"], []
    for r in now:
        bare = "%s/%s" % (part, r.name)
        line = [escape(r.name), size_words(r.size), cell(r)]
        if is_against:
            before = find(rows, bare + "@before", r.size, "ns")
            line += [cell(before), "%.2f" % (r.median / before.median) if before and before.median else "-"]
        lines.append(line + [cell(find(rows, bare, r.size, "instructions"))])
    plots = []
    for size in sorted({r.size for r in now if r.size >= 1000}):
        of = [(r.name, r.whose or "now", r.median, r.p10, r.p90) for r in ns if r.size == size]
        if len({name for name, *_ in of}) > 2:
            plots += bar_plot("%s-%d" % (part, size), "%s, %s" % (ABOUT[part][0], size_words(size)), "ns", of)
    return table(head, lines), plots


def beside(part, rows):
    """Ours, theirs, and how many times as much theirs takes."""
    lines, plots = [], []
    groups = {}
    for r in rows:
        if r.metric in ("ns", "bytes"):
            groups.setdefault((r.name, r.size, r.metric), []).append(r)
    for (name, size, metric), of in groups.items():
        ours = next((r for r in of if r.whose in ("tidegate", "siphash13")), None)
        for r in of:
            ratio = "" if r is ours or not ours or not ours.median else "%.2f" % (r.median / ours.median)
            lines.append([escape(name), size_words(size), escape(r.whose), "%s %s" % (cell(r), metric), ratio,
                          cell(find(rows, r.case, size, "instructions"))])
    for name in dict.fromkeys(n for n, _, m in groups if m == "ns"):
        series = {}
        for r in rows:
            if r.name == name and r.metric == "ns":
                series.setdefault(r.whose, []).append((r.size, r.median))
        plots += line_plot("beside-" + name.replace(" ", "-"), name, "ns by size", series)
    largest = max((s for n, s, _ in groups if n.startswith("table")), default=0)
    of = [(n, r.whose, r.median, r.p10, r.p90) for (n, s, m), g in groups.items() if s == largest and m == "ns" for r in g]
    plots = bar_plot("beside-all", "At %s entries" % size_words(largest), "ns", of) + plots
    weighed = [("%s of %s" % (n.replace(" bytes", ""), size_words(s)), r.whose, r.median, r.p10, r.p90)
               for (n, s, m), g in groups.items() if m == "bytes" for r in g]
    plots += bar_plot("beside-bytes", "Memory, an entry", "bytes", weighed)
    return table(["", "size", "whose", "", "theirs / ours", "instructions"], lines), plots


def price(part, rows):
    lines, plots = [], []
    for size in sorted({r.size for r in rows}):
        ns = [r for r in rows if r.metric == "ns" and r.size == size and r.whose in ("", "now")]
        first = ns[0]
        one = find(rows, "price/" + first.name, size, "instructions")
        for r in ns:
            bare = "price/" + r.name
            count = find(rows, bare, size, "instructions")
            packets = [find(rows, r.case, size, m) for m in ("packets in", "packets out")]
            line = [escape(r.name), size_words(size)] + [cell(p) for p in packets] + [cell(r), cell(count)]
            line += ["", ""] if r is first else ["%+.0f" % (r.median - first.median), "%+.0f" % (count.median - one.median) if count and one else "-"]
            lines.append(line)
        of = [(r.name, "", r.median, r.p10, r.p90) for r in ns]
        plots += bar_plot("price-%d" % size, "A connection, with %s held" % size_words(size), "ns", of)
    return table(["", "held", "packets in", "out", "ns a connection", "instructions", "ns more", "instructions more"], lines), plots


def as_told(part, rows):
    lines = [[escape(r.name), escape(r.whose), size_words(r.size), cell(r), escape(r.metric), r.n] for r in rows]
    plots = []
    for metric in dict.fromkeys(r.metric for r in rows if r.metric in ("ns", "Mpps", "Gb/s", "share", "opens/s")):
        of = [(("%s, %s" % (r.name, size_words(r.size))) if r.size else r.name, r.whose, r.median, r.p10, r.p90)
              for r in rows if r.metric == metric]
        plots += bar_plot("%s-%s" % (part, metric.replace("/", "-per-")), "%s: %s" % (ABOUT[part][0], metric), metric, of)
    return table(["", "whose", "size", "", "", "n"], lines), plots


VIEWS = {"engine": per_case, "parts": per_case, "beside": beside, "price": price}


def sections(rows):
    """[(part, table, [Plot])] of the parts that have rows, in ABOUT's order."""
    out = []
    for part in ABOUT:
        of = [r for r in rows if r.part == part]
        if of:
            out.append((part, *VIEWS.get(part, as_told)(part, of)))
    return out


def page(about, made, rows, skipped):
    """about: [(what, value)] of machine and commit; made: sections(rows)."""
    out = ["<!doctype html><html lang=en><head><meta charset=utf-8><meta name=viewport content='width=device-width'>",
           "<title>tidegate: what it costs</title><style>%s</style></head><body><h1>tidegate: what it costs</h1>" % CSS,
           "<nav><a href='#machine'>machine</a>%s<a href='#missing'>not measured</a><a href='#method'>method</a></nav>"
           % "".join("<a href='#%s'>%s</a>" % (p, p) for p, *_ in made)]
    out.append("<section id=machine><h2>Machine and commit</h2>%s</section>" % table(["", ""], [[escape(k), escape(str(v))] for k, v in about]))
    for part, figures, plots in made:
        title, words = ABOUT[part]
        out.append("<section id=%s><h2>%s</h2><p>%s</p>%s%s</section>" % (part, escape(title), escape(words), "".join(p.svg for p in plots), figures))
    missing = "".join("<li>%s: %s</li>" % (escape(w), escape(why)) for w, why in skipped) or "<li>nothing: all was measured</li>"
    out.append("<section id=missing><h2>Not measured</h2><ul>%s</ul></section>" % missing)
    out.append("<section id=method><h2>Method</h2>%s<p>%d rows, all of them in perf.csv.</p></section></body></html>\n" % (METHOD, len(rows)))
    return "".join(out)
