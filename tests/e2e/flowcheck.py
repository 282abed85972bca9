#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Whether the segments of a capture fit together, in each flow and direction: what is acknowledged
was sent, each SACK block lies within what was sent, each timestamp echo is a timestamp that was sent.

usage: flowcheck.py CAPTURE [HOST...]      prints `flows N segments N blocks N echoes N stale N`, then what is wrong

The capture stands on the wire of one side, so a segment is seen before what answers it.

stale: ACKs of the HOSTs, who stand on that wire, with a block at or below the ACK that is no D-SACK, for
nothing of it had come twice. Linux in FIN-WAIT-2 sends one for a FIN that came before its turn: it
acknowledges the FIN first and clears its list of blocks afterwards. A Linux that retransmitted less than
such a block covers takes it for no D-SACK either, and counts TCPSACKDiscard, or TCPDSACKIgnoredDubious.
"""
import subprocess
import sys

M = 1 << 32
FIELDS = ["ip.src", "ipv6.src", "ip.dst", "ipv6.dst", "tcp.srcport", "tcp.dstport", "tcp.seq_raw", "tcp.len",
          "tcp.flags", "tcp.ack_raw", "tcp.options.sack_le", "tcp.options.sack_re",
          "tcp.options.timestamp.tsval", "tcp.options.timestamp.tsecr"]


def after(a, b):
    """a > b in sequence space"""
    return 0 < (a - b) % M < M // 2


class Way:
    def __init__(self):
        self.top = None    # one past the highest number sent
        self.low = None    # the first
        self.tsvals = set()
        self.asks = False  # its SYN has had no answer yet
        self.seen = {}     # the ends of the segments sent, by their beginnings
        self.twice = []    # what was sent again, as (from, to)

    def sent(self, seq, end):
        if seq in self.seen:
            self.twice.append((seq, end))
        self.seen[seq] = end

    def repeated(self, l, r):
        """whether some of l to r was sent more than once"""
        return any(after(r, a) and after(b, l) for a, b in self.twice)


def numbers(text):
    return [int(x) for x in text.split(",") if x]


def segments(path):
    args = ["tshark", "-r", path, "-o", "tcp.relative_sequence_numbers:FALSE", "-Y", "tcp && !icmp && !icmpv6", "-T", "fields"]
    for f in FIELDS:
        args += ["-e", f]
    out = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    for line in out.stdout:
        v = line.rstrip("\n").split("\t")
        src, dst = v[0] or v[1], v[2] or v[3]
        yield ((src, v[4]), (dst, v[5]), int(v[6]), int(v[7]), int(v[8], 16), int(v[9] or 0),
               numbers(v[10]), numbers(v[11]), numbers(v[12]), numbers(v[13]))


def main(path, *hosts):
    ways, wrong, blocks, echoes, n, flows, stale = {}, [], 0, 0, 0, 0, 0
    for src, dst, seq, length, flags, ack, le, re, tsval, tsecr in segments(path):
        n += 1
        if flags & 2 and not flags & 16:  # SYN: a flow begins, or begins again
            old = ways.get((src, dst))
            if not old or old.low != seq:
                ways[src, dst], ways[dst, src] = Way(), Way()
                ways[src, dst].asks = True
                flows += 1
        mine, other = ways.setdefault((src, dst), Way()), ways.setdefault((dst, src), Way())
        if flags & 2 and flags & 16:
            other.asks = False
        if other.asks:  # it still has an older connection, and says so (RFC 5961 4)
            continue
        if flags & 4:  # RST: its numbers need not continue anything
            continue
        end = (seq + length + bool(flags & 2) + bool(flags & 1)) % M
        if mine.low is None:
            mine.low, mine.top = seq, end
        elif after(end, mine.top):
            mine.top = end
        mine.tsvals.update(tsval)
        if end != seq:
            mine.sent(seq, end)
        if not flags & 16 or other.low is None:
            continue
        what = f"segment {n} {src[0]}:{src[1]} > {dst[0]}:{dst[1]}"
        if after(ack, other.top):
            wrong.append(f"{what}: ACK {ack} of what was not sent ({other.top})")
        for l, r in zip(le, re):
            blocks += 1
            if not after(r, l) or after(r, other.top) or after(other.low, l):
                wrong.append(f"{what}: SACK {l}-{r} outside of {other.low}-{other.top}")
        stale += src[0] in hosts and any(not after(r, ack) and not other.repeated(l, r) for l, r in zip(le, re))
        for t in tsecr:
            echoes += 1
            if t not in other.tsvals:
                wrong.append(f"{what}: echo {t} was never sent")
    print(f"flows {flows} segments {n} blocks {blocks} echoes {echoes} stale {stale}")
    for w in wrong[:10]:
        print(w)
    return 1 if wrong else 0


sys.exit(main(*sys.argv[1:]))
