#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Are the pictures of `tidegate explain` sound?

usage: check_svg.py FILE.svg...

Each must be XML, 1000 wide, with a style for dark viewers and colours without any style; every text
inside the picture, and no two texts touching. A text's box is taken as wide as the widest of the
usual monospace fonts would make it. Prints `ok N pictures` or one line for each fault; exit 1 then.
"""
import sys
import xml.etree.ElementTree as ET

NS = "{http://www.w3.org/2000/svg}"
SIZE = {"t": 15.0, "p": 13.5, "w": 13.0, "e": 12.0}
EM = 0.605  # of a monospace character; DejaVu Sans Mono and Menlo have 0.602
WIDTH = 1000


def size_of(classes):
    return next((SIZE[c] for c in classes.split() if c in SIZE), 12.0)


def text_boxes(root):
    for text in root.iter(NS + "text"):
        size = size_of(text.get("class", ""))
        words = text.text or ""
        width = len(words) * size * EM
        for span in text.iter(NS + "tspan"):
            size_span = size_of(span.get("class", "")) if span.get("class") else size
            width += len(span.text or "") * size_span * EM + float(span.get("dx", 0))
            words += span.text or ""
        x, y = float(text.get("x")), float(text.get("y"))
        anchor = text.get("text-anchor", "start")
        left = x if anchor == "start" else x - width if anchor == "end" else x - width / 2
        yield words, left, y - size * 0.8, left + width, y + size * 0.25


def overlap(a, b):
    return a[1] < b[3] and b[1] < a[3] and a[2] < b[4] and b[2] < a[4]


def faults(path):
    try:
        root = ET.parse(path).getroot()
    except ET.ParseError as e:
        yield f"is no XML: {e}"
        return
    if root.tag != NS + "svg" or root.get("width") != str(WIDTH):
        yield "is no SVG of that width"
        return
    height = float(root.get("height"))
    style = "".join(s.text or "" for s in root.iter(NS + "style"))
    if "prefers-color-scheme:dark" not in style or root.get("fill") != "#1f2328":
        yield "has no colours for dark viewers, or none without a style"
    boxes = sorted(text_boxes(root), key=lambda b: b[2])
    if len(boxes) < 4:
        yield "says nothing"
    for box in boxes:
        if box[1] < 0 or box[3] > WIDTH or box[2] < 0 or box[4] > height:
            yield f"'{box[0]}' leaves the picture"
    for i, a in enumerate(boxes):
        for b in boxes[i + 1:]:
            if b[2] >= a[4]:
                break
            if overlap(a, b):
                yield f"'{a[0]}' and '{b[0]}' touch at y {a[2]:.0f}"
    for shape in list(root.iter(NS + "line")) + list(root.iter(NS + "rect")):
        for name in ("x1", "x2", "x"):
            if not 0 <= float(shape.get(name, 0)) <= WIDTH:
                yield f"a {shape.tag} leaves the picture"


def main():
    bad = 0
    for path in sys.argv[1:]:
        for fault in faults(path):
            print(f"{path}: {fault}")
            bad += 1
    if bad or len(sys.argv) < 2:
        return 1
    print(f"ok {len(sys.argv) - 1} pictures")
    return 0


if __name__ == "__main__":
    sys.exit(main())
