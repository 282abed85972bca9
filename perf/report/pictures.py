# SPDX-License-Identifier: BSD-3-Clause
"""Plots as SVG that follows the reader's light or dark theme, and the same as a script for gnuplot."""
import math
from xml.sax.saxutils import escape

WIDTH, ROW, BAR, VALUE = 900, 24, 13, 150
LETTER = 7.3  # how wide one is, on average
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#aa4499", "#777777", "#b58900"]
COLOURS_DARK = ["#56b4e9", "#f0934e", "#2fc79d", "#dd88cc", "#aaaaaa", "#e6c34a"]


def style():
    light = "".join(".tgp .c%d{fill:%s;stroke:%s}" % (i, c, c) for i, c in enumerate(COLOURS))
    dark = "".join(".tgp .c%d{fill:%s;stroke:%s}" % (i, c, c) for i, c in enumerate(COLOURS_DARK))
    return ("<style>.tgp{font:13px system-ui,sans-serif}.tgp text{fill:#222;stroke:none}.tgp .axis{stroke:#bbb;fill:none}"
            ".tgp .line{fill:none;stroke-width:2}.tgp .spread{stroke:#222;fill:none}" + light +
            "@media (prefers-color-scheme:dark){.tgp text{fill:#ddd}.tgp .axis{stroke:#555}.tgp .spread{stroke:#ddd}" + dark +
            ".tgp .line{fill:none}}</style>")


def text(x, y, words, anchor="start", bold=False):
    return '<text x="%.1f" y="%.1f" text-anchor="%s"%s>%s</text>' % (x, y, anchor, ' font-weight="600"' if bold else "", escape(words))


def svg(title, height, body):
    return ('<svg class="tgp" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" role="img"><title>%s</title>%s%s%s</svg>'
            % (WIDTH, height, WIDTH, escape(title), style(), text(0, 16, title, bold=True), "".join(body)))


def short(v):
    """For people: three figures."""
    if v >= 10000:
        return "{:,.0f}".format(v)
    return "%.0f" % v if v >= 100 else "%.3g" % v


class Scale:
    """From values to pixels: linear from 0, or by decades when the values are far apart."""

    def __init__(self, values, length, logarithmic=None):
        top, low = max(values), min(v for v in values if v > 0)
        self.log = top / low > 60 if logarithmic is None else logarithmic
        self.length = length
        if self.log:
            self.low, self.high = math.floor(math.log10(low)), math.ceil(math.log10(top))
            if self.high == self.low:
                self.high += 1
        else:
            self.low, self.high = 0, top * 1.05

    def at(self, v):
        if self.log:
            v = math.log10(max(v, 10.0 ** self.low))
        return min(max((v - self.low) / (self.high - self.low), 0), 1) * self.length

    def ticks(self):
        if self.log:
            return [10.0 ** e for e in range(int(self.low), int(self.high) + 1)]
        step = 10.0 ** math.floor(math.log10(self.high))
        while self.high / step < 4:
            step /= 2
        return [i * step for i in range(int(self.high / step) + 1)]


def legend(names, y):
    body, x = [], 0
    for i, name in enumerate(names):
        body.append('<rect class="c%d" x="%d" y="%d" width="12" height="12"/>' % (i % len(COLOURS), x, y))
        body.append(text(x + 18, y + 11, name))
        x += 40 + 8 * len(name)
    return body


def bars(title, unit, rows):
    """rows: (label, series, median, p10, p90), in the order of drawing; a label that repeats is written once. The thin
    line is from p10 to p90."""
    if not rows:
        return None
    names = list(dict.fromkeys(series for _, series, *_ in rows))
    begin_x = min(max(LETTER * max(len(row[0]) for row in rows) + 12, 120), WIDTH / 2)
    scale = Scale([m for _, _, m, _, _ in rows], WIDTH - begin_x - VALUE)
    y = 30
    body = []
    if len(names) > 1:
        body += legend(names, y)
        y += 24
    begin, last = y, None
    for label, series, median, p10, p90 in rows:
        if last is not None and label != last and len(names) > 1:
            y += 8
        if label != last:
            body.append(text(begin_x - 10, y + BAR - 1, label, "end"))
        last = label
        width = scale.at(median)
        body.append('<rect class="c%d" x="%.1f" y="%d" width="%.1f" height="%d"/>' % (names.index(series) % len(COLOURS), begin_x, y, max(width, 1), BAR))
        if p90 > p10:
            left, right = begin_x + scale.at(p10), begin_x + scale.at(p90)
            body.append('<path class="spread" d="M%.1f %.1fH%.1f"/>' % (left, y + BAR / 2, right))
        right = begin_x + max(width, scale.at(p90))
        body.append(text(right + 6, y + BAR - 2, "%s %s" % (short(median), unit)))
        y += ROW if len(names) == 1 else ROW - 6
    for tick in scale.ticks():
        x = begin_x + scale.at(tick)
        body.insert(0, '<path class="axis" d="M%.1f %dV%d"/>' % (x, begin - 4, y))
        body.append(text(x, y + 14, short(tick) if tick else "0", "middle"))
    return svg(title + (" (logarithmic)" if scale.log else ""), y + 24, body)


def lines(title, unit, series):
    """series: {name: [(size, median)]}; sizes by decades."""
    series = {k: sorted(v) for k, v in series.items() if len(v) > 1}
    if not series:
        return None
    left, top, width, height = 60, 60, WIDTH - 90, 260
    xs = Scale([x for v in series.values() for x, _ in v], width, logarithmic=True)
    ys = Scale([y for v in series.values() for _, y in v], height)
    body = legend(list(series), 30)
    for tick in ys.ticks():
        y = top + height - ys.at(tick)
        body.append('<path class="axis" d="M%d %.1fH%d"/>' % (left, y, left + width))
        body.append(text(left - 8, y + 4, short(tick) if tick else "0", "end"))
    for tick in xs.ticks():
        body.append(text(left + xs.at(tick), top + height + 18, short(tick), "middle"))
    for i, points in enumerate(series.values()):
        at = ["%.1f %.1f" % (left + xs.at(x), top + height - ys.at(y)) for x, y in points]
        body.append('<path class="line c%d" d="M%s"/>' % (i % len(COLOURS), "L".join(at)))
        for p in at:
            body.append('<circle class="c%d" r="4" cx="%s" cy="%s"/>' % (i % len(COLOURS), *p.split()))
    return svg("%s, %s%s" % (title, unit, " (logarithmic)" if ys.log else ""), top + height + 30, body)


# --- the same for gnuplot ---


def quote(words):
    return '"%s"' % words.replace("\\", "").replace('"', "'")


def gp_head(name, title, unit):
    return ["# gnuplot %s.gp writes %s.gnuplot.svg" % (name, name), "set terminal svg size 1000,600 dynamic noenhanced",
            "set output %s" % quote(name + ".gnuplot.svg"), "set title %s" % quote(title), "set ylabel %s" % quote(unit), "set grid y"]


def gp_bars(name, title, unit, rows):
    out = gp_head(name, title, unit) + ["$rows << EOD"]
    out += ["%s %g %g %g" % (quote("%s %s" % (label, series)), median, p10, p90) for label, series, median, p10, p90 in rows]
    out += ["EOD", "set style fill solid 0.6", "set yrange [0:*]", "set xtics rotate by -40 noenhanced",
            "plot $rows using 0:2:3:4:(0.7):xtic(1) with boxerrorbars notitle"]
    return "\n".join(out) + "\n"


def gp_lines(name, title, unit, series):
    out, plots = gp_head(name, title, unit) + ["set logscale x"], []
    for i, (label, points) in enumerate(series.items()):
        out += ["$s%d << EOD" % i] + ["%g %g" % p for p in sorted(points)] + ["EOD"]
        plots.append("$s%d using 1:2 with linespoints title %s" % (i, quote(label)))
    return "\n".join(out + ["plot " + ", ".join(plots)]) + "\n"
