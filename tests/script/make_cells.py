#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes tests/script/cells/: one packet script for each state x segment x position.

usage: tests/script/make_cells.py [--check]

--check writes nothing and says which files are not what this program would write (exit 1).

What a cell expects is looked up in the tables below, which are tables 1.1 and 1.2 of the checklist
(RFC 9293 3.10.7 with RFC 5961) in another form, never taken from a run. `segment` is what arrives,
`position` where its SEQ stands:

    far-left    RCV.NXT-20         wholly old, whatever it carries
    left        RCV.NXT-1          one byte left of the window: keepalives, a FIN that is repeated
    left-edge   RCV.NXT            the next in order
    inside      RCV.NXT+1          a hole before it
    right-edge  RCV.NXT+WND-1      the last byte of the window
    right       RCV.NXT+WND        the first byte behind it

Where there is no RCV.NXT yet (CLOSED, LISTEN, SYN-SENT) SEQ is not judged, and the cells show that;
in SYN-SENT what carries an ACK is placed by its ACK instead: ISS, ISS+1, ISS+2.
"""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "cells")
WND = 8192
TEXT = 10  # bytes of the segments that carry text
M = 1 << 32

EDGE = 1 + WND  # the right edge, from the SYN-ACK on: a FIN does not move it, and each script says so
POSITIONS = {"far-left": -20, "left": -1, "left-edge": 0, "inside": 1, "right-edge": EDGE - 1, "right": EDGE}
FROM_NXT = ("far-left", "left", "left-edge", "inside")  # counted from RCV.NXT, the others absolute

# name -> flags, bytes of text, which ACK: None, "una" (acknowledges nothing new) or "nxt" (all)
SEGMENTS = {
    "syn": ("S", 0, None),
    "syn-ack": ("S.", 0, "nxt"),
    "rst": ("R", 0, None),
    "rst-ack": ("R.", 0, "nxt"),
    "ack": (".", 0, "una"),
    "ack-all": (".", 0, "nxt"),
    "text": ("P.", TEXT, "una"),
    "fin": ("F.", 0, "una"),
    "fin-all": ("F.", 0, "nxt"),
    "null": ("-", 0, None),
    "text-no-ack": ("P", TEXT, None),
    "fin-no-ack": ("F", 0, None),
}

OPEN = """0    socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0   bind(3, ..., ...) = 0
+0   listen(3, 5) = 0
"""
SYN_RECEIVED = OPEN + f"""+0   < S 0:0(0) win 65535 <mss 1460>
+0   > S. 0:0(0) ack 1 win {WND} <mss 1460|1440>
"""
ESTABLISHED = SYN_RECEIVED + """+.1  < . 1:1(0) ack 1 win 65535
+0   accept(3, ..., ...) = 4
"""
WRITE = f"""+0   write(4, ..., 100) = 100
+0   > P. 1:101(100) ack 1 win {WND}
"""
SHUT = "+0   shutdown(4, SHUT_WR) = 0\n"
FIN_1 = f"+0   > F. 1:1(0) ack 1 win {WND}\n"
FIN_101 = f"+0   > F. 101:101(0) ack 1 win {WND}\n"


def peer_fin(ack, nxt):
    return f"+0   < F. 1:1(0) ack {ack} win 65535\n+0   > . {nxt}:{nxt}(0) ack 2 win {EDGE - 2}\n"


FIN_WAIT_2 = ESTABLISHED + SHUT + FIN_1 + "+.02 < . 1:1(0) ack 2 win 65535\n"
CLOSE_WAIT = ESTABLISHED + WRITE + peer_fin(1, 101)

# state -> how to get there, SND.UNA, SND.NXT, RCV.NXT
STATES = {
    "CLOSED": ("", 0, 1, 1),
    "LISTEN": (OPEN, 0, 1, 1),
    "SYN-SENT": ("""0    socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0   connect(3, ..., ...) = -1 EINPROGRESS
+0   > S 0:0(0) <...>
""", 0, 1, 1),
    "SYN-RECEIVED": (SYN_RECEIVED, 0, 1, 1),
    "ESTABLISHED": (ESTABLISHED + WRITE, 1, 101, 1),
    "FIN-WAIT-1": (ESTABLISHED + WRITE + SHUT + FIN_101, 1, 102, 1),
    "FIN-WAIT-2": (FIN_WAIT_2, 2, 2, 1),
    "CLOSE-WAIT": (CLOSE_WAIT, 1, 101, 2),
    "CLOSING": (ESTABLISHED + WRITE + SHUT + FIN_101 + peer_fin(1, 102), 1, 102, 2),
    "LAST-ACK": (CLOSE_WAIT + SHUT + "+0   > F. 101:101(0) ack 2\n", 1, 102, 2),
    "TIME-WAIT": (FIN_WAIT_2 + peer_fin(2, 2), 2, 2, 2),
}

ANY = tuple(POSITIONS)
IN = ("left-edge", "inside", "right-edge")
HOLE = ("inside", "right-edge")
OUT_0 = ("far-left", "left", "right")  # out of the window, with one byte of sequence space or none
OUT_N = ("far-left", "right")          # with text: at `left` all but its first byte is new
BEFORE = ("far-left", "left", "left-edge")  # not above RCV.NXT

# What is answered:
#   -        nothing                      ACK      <SND.NXT><RCV.NXT><ACK>, an ACK or a challenge
#   SYN-ACK  with the ISS                 REUSE    a SYN-ACK with an ISS above the old SND.NXT
#   RST-A    <SEG.ACK><RST>               RST-B    <0><SEG.SEQ+SEG.LEN><RST,ACK>
#   TEXT     an ACK of the text within the delayed-ACK time
#   FIN      an ACK of the FIN
#
# Rows are looked through from above; the first that has the segment and the position decides.
# (segments, positions, answer, next state, rules)
NO_ACK = ("null", "text-no-ack", "fin-no-ack")
WITH_ACK = ("ack", "ack-all", "text", "fin", "fin-all")
RSTS = ("rst", "rst-ack")
SYNS = ("syn", "syn-ack")
TEXTS = ("text", "text-no-ack")


def edges(state, old_fin, after_rst):
    """The first steps of every synchronized state: RST, SYN, then what the window does not take."""
    rows = [(RSTS, ("left-edge",), "-", after_rst, "SE-22 RB-01")]
    if old_fin:
        rows += [(RSTS, ("left",), "-", "CLOSED", "SE-24 RB-04")]
    return rows + [
        (RSTS, HOLE, "ACK", state, "SE-23 RB-01"),
        (RSTS, ANY, "-", state, "SE-24 RB-01 RB-02"),
        (SYNS, ANY, "ACK", state, "SE-20 SE-21 RB-05"),
        (TEXTS, OUT_N, "ACK", state, "SE-27"),
    ]


def receiving(state, after_fin, after_fin_all, after_ack_all):
    """ESTABLISHED, FIN-WAIT-1, FIN-WAIT-2: text is taken."""
    return edges(state, False, "CLOSED") + [
        # DT-33 lets the ACK of such a segment count: both readings are right, so no cell.
        (("ack-all", "fin-all"), ("left",), None, state, "") if state == "FIN-WAIT-1" else ((), (), "-", state, ""),
        (("ack", "ack-all", "fin", "fin-all", "null", "fin-no-ack"), OUT_0, "ACK", state, "SE-26 SE-27"),
        (NO_ACK, ANY, "-", state, "SE-25"),
        (("ack",), IN, "-", state, "SE-29"),
        (("ack-all",), IN, "-", after_ack_all, "SE-28"),
        (("text",), ("left-edge",), "TEXT", state, "SE-33 DT-11"),
        (("text",), ("left",), "TEXT", state, "SE-35"),
        (("text",), HOLE, "ACK", state, "SE-34 DT-11"),
        (("fin",), ("left-edge",), "FIN", after_fin, "SE-37"),
        (("fin",), HOLE, "ACK", state, "SE-39 TD-04"),
        (("fin-all",), ("left-edge",), "FIN", after_fin_all, "SE-38"),
        (("fin-all",), HOLE, "ACK", after_ack_all, "SE-28 SE-39"),
    ]


def finished(state, after_ack_all):
    """CLOSE-WAIT, CLOSING, LAST-ACK: the peer's FIN stands at RCV.NXT-1."""
    fin_answer = "-" if state == "LAST-ACK" else "ACK"
    old = ("ack", "ack-all", "fin", "fin-all", "null", "fin-no-ack")
    rows = edges(state, True, "CLOSED")
    if state == "LAST-ACK":
        rows += [(("fin-all",), ("left",), "ACK", "CLOSED", "SE-40 SE-28")]
    if state != "CLOSE-WAIT":  # DT-33 again
        rows += [(("ack-all", "fin-all"), ("left",), None, state, "")]
    return rows + [
        (("fin", "fin-all", "fin-no-ack"), ("left",), "ACK", state, "SE-40"),
        (old, OUT_0, "ACK", state, "SE-26 SE-27"),
        (NO_ACK, ANY, "-", state, "SE-25"),
        (("ack",), IN, "-", state, "SE-29"),
        (("ack-all",), IN, "-", after_ack_all, "SE-28"),
        (("text",), ANY, "ACK", state, "SE-33 SE-34 SE-41"),
        (("fin",), IN, "ACK", state, "SE-41"),
        (("fin-all",), IN, fin_answer, after_ack_all, "SE-28 SE-41"),
    ]


TABLE = {
    "CLOSED": [
        (RSTS, ANY, "-", "CLOSED", "SE-07 SE-10 SE-11"),
        (("syn-ack",) + WITH_ACK, ANY, "RST-A", "CLOSED", "SE-05 SE-12 SE-15 SE-16 EST-08"),
        (("syn",), ANY, "RST-B", "CLOSED", "SE-01 EST-28 TD-08"),
        (NO_ACK, ANY, "RST-B", "CLOSED", "SE-14 TD-08"),
    ],
    "LISTEN": [
        (RSTS, ANY, "-", "LISTEN", "SE-07 SE-10 SE-11"),
        (("syn-ack",) + WITH_ACK, ANY, "RST-A", "LISTEN", "SE-05 SE-12 SE-15 SE-16"),
        (("syn",), ANY, "SYN-ACK", "SYN-RECEIVED", "SE-01"),
        (NO_ACK, ANY, "-", "LISTEN", "SE-14"),
    ],
    # Positions of what has an ACK: left-edge is ISS+1, what lies before it ISS, behind it ISS+2.
    "SYN-SENT": [
        (("rst",), ANY, "-", "SYN-SENT", "SE-11 RB-14"),
        (("rst-ack",), ("left-edge",), "-", "CLOSED", "SE-10 RB-14"),
        (("rst-ack",), ANY, "-", "SYN-SENT", "SE-11 RB-14"),
        (("syn",), ANY, "SYN-ACK", "SYN-RECEIVED", "SE-01 EST-06"),
        (("syn-ack",), ("left-edge",), "ACK", "ESTABLISHED", "SE-05"),
        (("ack-all", "text", "fin-all"), ("left-edge",), "-", "SYN-SENT", "SE-12 SE-15 SE-16"),
        (("syn-ack", "ack-all", "text", "fin-all"), ANY, "RST-A", "SYN-SENT", "SE-06 SE-13"),
        (NO_ACK, ANY, "-", "SYN-SENT", "SE-14"),
    ],
    "SYN-RECEIVED": [
        (RSTS, ("left-edge",), "-", "LISTEN", "SE-07 RB-15"),
        (RSTS, HOLE, "ACK", "SYN-RECEIVED", "SE-08 RB-15"),
        (RSTS, ANY, "-", "SYN-RECEIVED", "SE-09 RB-15"),
        (("syn",), ("left",), "SYN-ACK", "SYN-RECEIVED", "SE-02"),
        (SYNS, ANY, "ACK", "SYN-RECEIVED", "SE-03 SE-04 SE-05"),
        (TEXTS, OUT_N, "ACK", "SYN-RECEIVED", "SE-19"),
        (("ack", "ack-all", "fin", "fin-all", "null", "fin-no-ack"), OUT_0, "ACK", "SYN-RECEIVED", "SE-14 SE-19"),
        (NO_ACK, ANY, "-", "SYN-RECEIVED", "SE-14"),
        (("ack", "fin"), IN, "RST-A", "SYN-RECEIVED", "SE-13 ADV-25"),
        (("ack-all",), IN, "-", "ESTABLISHED", "SE-12 ADV-26"),
        (("text",), ("left-edge", "left"), "TEXT", "ESTABLISHED", "SE-15"),
        (("text",), HOLE, "ACK", "ESTABLISHED", "SE-15 SE-34"),
        (("fin-all",), ("left-edge",), "FIN", "CLOSE-WAIT", "SE-16"),
        (("fin-all",), HOLE, "ACK", "ESTABLISHED", "SE-12 SE-39"),
    ],
    "ESTABLISHED": receiving("ESTABLISHED", "CLOSE-WAIT", "CLOSE-WAIT", "ESTABLISHED"),
    "FIN-WAIT-1": receiving("FIN-WAIT-1", "CLOSING", "TIME-WAIT", "FIN-WAIT-2"),
    "FIN-WAIT-2": receiving("FIN-WAIT-2", "TIME-WAIT", "TIME-WAIT", "FIN-WAIT-2"),
    "CLOSE-WAIT": finished("CLOSE-WAIT", "CLOSE-WAIT"),
    "CLOSING": finished("CLOSING", "TIME-WAIT"),
    "LAST-ACK": finished("LAST-ACK", "CLOSED"),
    "TIME-WAIT": [
        (RSTS, ANY, "-", "TIME-WAIT", "SE-22 SE-23 SE-24 TD-18"),
        (("syn",), BEFORE, "ACK", "TIME-WAIT", "TD-22 TD-25"),
        (("syn",), ANY, "REUSE", "SYN-RECEIVED", "TD-22 TD-23 EST-02"),
        (("syn-ack",), ANY, "ACK", "TIME-WAIT", "SE-21"),
        (("fin", "fin-all", "fin-no-ack"), ("left",), "ACK", "TIME-WAIT", "SE-40 TD-16"),
        (TEXTS, OUT_N, "ACK", "TIME-WAIT", "SE-27 TD-19"),
        (("ack", "ack-all", "fin", "fin-all", "null", "fin-no-ack"), OUT_0, "ACK", "TIME-WAIT", "SE-26 TD-19"),
        (NO_ACK, ANY, "-", "TIME-WAIT", "SE-25"),
        (("ack", "ack-all"), IN, "-", "TIME-WAIT", "SE-28 SE-29"),
        (("text",), ANY, "ACK", "TIME-WAIT", "SE-33 SE-34"),
        (("fin", "fin-all"), IN, "ACK", "TIME-WAIT", "SE-41"),
    ],
}

WORDS = {
    "-": "is not answered",
    "ACK": "is answered by an ACK that says where we stand",
    "SYN-ACK": "is answered by a SYN-ACK",
    "REUSE": "is answered by a SYN-ACK above the old numbers",
    "RST-A": "is answered by a RST with SEQ = SEG.ACK",
    "RST-B": "is answered by a RST that acknowledges it",
    "TEXT": "has its text taken and acknowledged",
    "FIN": "ends the peer's stream and is acknowledged",
}


def look_up(state, segment, position):
    for segments, positions, answer, after, rules in TABLE[state]:
        if segment in segments and position in positions:
            return answer, after, rules
    raise SystemExit(f"make_cells.py: no row for {state} {segment} {position}")


def numbers(state, segment, position):
    """SEQ and ACK of the segment; ACK None without the flag."""
    _, una, nxt, rcv = STATES[state]
    flags, _, which = SEGMENTS[segment]
    seq = ((rcv if position in FROM_NXT else 0) + POSITIONS[position]) % M
    ack = None if "." not in flags else una if which == "una" else nxt
    if state == "SYN-RECEIVED" and segment == "text":
        ack = nxt  # the text rides on the ACK that opens
    if state == "SYN-SENT" and "." in flags:
        seq, ack = 700, {"left": 0, "left-edge": 1, "inside": 2}[position]
    return seq, ack


def arrives(segment, seq, ack):
    flags, text, _ = SEGMENTS[segment]
    line = f"< {flags} {seq}:{(seq + text) % M}({text})"
    if ack is not None:
        line += f" ack {ack}"
    return line + " win 65535" + (" <mss 1460>" if "S" in flags else "")


def answered(state, segment, seq, ack, answer):
    """The line of the answer, or None."""
    _, _, nxt, rcv = STATES[state]
    flags, text, _ = SEGMENTS[segment]
    length = text + ("S" in flags) + ("F" in flags)
    end = (seq + length) % M
    if state == "SYN-SENT" and answer == "ACK":
        rcv = end
    if answer in ("ACK", "FIN", "TEXT"):
        got = rcv if answer == "ACK" else end
        when = "+0~+.04" if answer == "TEXT" else "+0  "
        return f"{when} > . {nxt}:{nxt}(0) ack {got}"
    if answer == "SYN-ACK":
        return f"+0   > S. 0:0(0) ack {1 if state == 'SYN-RECEIVED' else end} <...>"
    if answer == "REUSE":
        return f"+0   > S. 0:0(0) ack {end} <...>"
    if answer == "RST-A":
        return f"+0   > R {ack}:{ack}(0) win 0"
    if answer == "RST-B":
        return f"+0   > R. 0:0(0) ack {end} win 0"
    return None


def expected_state(state, after):
    if after == "LISTEN":
        return 'state == "CLOSED"; state(3) == "LISTEN"'
    if state == "SYN-SENT" and after == "CLOSED":
        return 'state(3) == "CLOSED"; error(3) == ECONNREFUSED'
    return f'state == "{after}"'


def script(state, segment, position, answer, after, rules):
    seq, ack = numbers(state, segment, position)
    line = answered(state, segment, seq, ack, answer)
    # The interval of RB-08 after the SYN-ACK is over then, its retransmission not yet due (TO-02).
    when = "+.6 " if state == "SYN-RECEIVED" else "+.02" if STATES[state][0] else "0   "
    check = expected_state(state, after)
    if answer == "REUSE":
        check += f"; isn_step >= {STATES[state][2] + 65537}"
    where = f"SEQ {position}" if state != "SYN-SENT" or ack is None else f"ACK {ack}"
    return (f"// SPDX-License-Identifier: BSD-3-Clause\n"
            f"// Written by make_cells.py. {state}: {segment}, {where}: {WORDS[answer]}.\n"
            f"// rule: {rules}\n"
            f"--ip_version=both\n--lab=\"rcvbuf={WND} window_scale=0\"\n--strict\n"
            f"{STATES[state][0]}"
            f"{when} {arrives(segment, seq, ack)}\n"
            f"{line + chr(10) if line else ''}"
            f"+.01 %{{ {check}; silent }}%\n")


def wanted(state, segment, position):
    if state != "SYN-SENT" or "." not in SEGMENTS[segment][0]:
        return True
    # By ACK: three places; and the same segment with another ACK is the same cell.
    return position in ("left", "left-edge", "inside") and segment not in ("ack", "fin")


def cells():
    for state in STATES:
        for segment in SEGMENTS:
            for position in POSITIONS:
                if not wanted(state, segment, position):
                    continue
                answer, after, rules = look_up(state, segment, position)
                if answer is not None:
                    name = f"{state.lower()}_{segment}_{position}.pkt"
                    yield name, script(state, segment, position, answer, after, rules)


def main(argv):
    if argv not in ([], ["--check"]):
        print(__doc__)
        return 0 if argv in (["-h"], ["--help"]) else 2
    want = dict(cells())
    have = {n: open(os.path.join(OUT, n), encoding="utf-8").read() for n in sorted(os.listdir(OUT))} \
        if os.path.isdir(OUT) else {}
    stale = [n for n in sorted(set(want) | set(have)) if want.get(n) != have.get(n)]
    if argv:
        for name in stale:
            print(f"FAIL make_cells.py: cells/{name} is not what it writes")
        print(f"cells: {len(want) - len(set(stale) & set(want))} passed, {len(stale)} failed, 0 skipped")
        return 1 if stale else 0
    os.makedirs(OUT, exist_ok=True)
    for name in stale:
        path = os.path.join(OUT, name)
        if name in want:
            with open(path, "w", encoding="utf-8") as f:
                f.write(want[name])
        else:
            os.remove(path)
    print(f"{len(want)} cells, {len(stale)} written anew")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
