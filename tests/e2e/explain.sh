#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# `tidegate explain`: the gallery and its pictures, every link header and file format, filters, what
# is no capture or a broken one, memory and speed.
. "$(dirname "$0")/lib.sh"
need python3
[ -x "$tg" ] || skip_all "no $tg; build first"
make="python3 $top/tests/explain/captures.py"
explain() { "$tg" explain "$@"; }
$make "$work" || skip_all "the captures could not be made"

# --- the gallery ---
explain --gallery "$work/gallery" >"$work/out" 2>&1
same "--gallery: exit 0" $? 0
explain --gallery "$work/again" >"$work/out" 2>&1
check "--gallery: twice, the same bytes" "they differ" diff -r "$work/gallery" "$work/again"
pictures=$(find "$work/gallery" -name '*.svg' | wc -l)
check "--gallery: a picture of each kind" "$pictures pictures" [ "$pictures" -ge 30 ]
check "pictures: XML, inside, no labels that touch, dark and light" "see above" \
	python3 "$top/tests/explain/check_svg.py" "$work"/gallery/*.svg
# The captures of the gallery, from the file, say what the gallery says.
differ=
for f in "$work"/gallery/*.pcap; do
	n=$(basename "$f" .pcap)
	explain -l "$f" | grep '^      [^ ]' | tail -1 | sed 's/^ *//' >"$work/say"
	grep -qF "$(cut -c1-40 "$work/say")" "$work/gallery/gallery.txt" || differ="$differ $n"
done
same "--gallery: its captures are told alike" "$differ" ""

# --- link headers and formats ---
sentence='A opened the connection to B in three steps. A sent 100 bytes, B sent 50 bytes. A closed first, B after it. A keeps TIME-WAIT.'
for f in "$work"/good/*; do
	same "$(basename "$f"): told" "$(explain -l "$f" | sed -n 's/^      //p')" "$sentence"
done
same "standard input" "$(explain -l - <"$work/good/raw.pcap" | sed -n 's/^      //p')" "$sentence"

# --- forms ---
explain --ascii -w 80 "$work/good/raw.pcap" >"$work/out"
check "--ascii: ASCII" "other bytes" bash -c "! LC_ALL=C grep -q '[^ -~]' '$work/out'"
check "--width 80: no line is longer" "one is" bash -c "! grep -q '.\{81\}' '$work/out'"
LC_ALL=C.UTF-8 explain -w 72 "$work/good/raw.pcap" >"$work/out"
check "UTF-8 where the locale has it" "no arrow" grep -q '▶' "$work/out"
explain -j "$work/gallery/half-open.pcap" >"$work/json"
check "--json: a document with states and sentence" "see above" python3 - "$work/json" <<'PY'
import json, sys
d = json.load(open(sys.argv[1]))
flow = d["flows"][0]
assert flow["problems"] == ["duplicate-syn", "half-open"], flow["problems"]
assert flow["steps"][0]["state"] == ["SYN-SENT", "SYN-RECEIVED"], flow["steps"][0]
assert flow["steps"][0]["flags"] == "SYN" and flow["steps"][0]["seq"] == 0
assert d["packets"] == len([s for s in flow["steps"] if "packet" in s]), d
PY
explain -s "$work/one.svg" "$work/good/raw.pcap" >"$work/out"
explain -s "$work/each/" "$work/good/raw6.pcap" >"$work/out"
check "--svg FILE and FOLDER/" "see above" python3 "$top/tests/explain/check_svg.py" "$work/one.svg" "$work/each/flow-1.svg"

# --- filters ---
$make --many "$work/many.pcap" 200 11
shown() { explain -l "$@" "$work/many.pcap" | grep -c '^[0-9]* *[0-9.]*  [0-9]'; }
same "no filter: all" "$(shown)" 200
same "--flow" "$(shown -n 7 -n 9)" 2
same "--addr" "$(shown -a 10.0.0.5)" 1
same "--addr with a prefix" "$(shown -a 10.0.0.0/29)" 8
same "--port" "$(shown -p 1030)" 1
same "--find problem: none" "$(shown -f problem)" 0
same "--to" "$(shown --to 0.0001)" 64
same "--find refused" "$(explain -l -f refused "$work/gallery/refused.pcap" | grep -c '^1 .*refused')" 1

# --- mistakes ---
# bad NAME STATUS PATTERN ARGUMENT...: one line on standard error
bad() {
	local what=$1 want=$2 pattern=$3 status=0 lines
	shift 3
	timeout 60 "$tg" explain "$@" >"$work/out" 2>"$work/err" || status=$?
	lines=$(wc -l <"$work/err")
	if [ $status != "$want" ]; then
		fail "$what" "exit status $status, wanted $want: $(cat "$work/err")"
	elif [ "$lines" != 1 ]; then
		fail "$what" "$lines lines on standard error, wanted 1: $(cat "$work/err")"
	elif ! grep -qiE "$pattern" "$work/err"; then
		fail "$what" "says not what is wrong: $(cat "$work/err")"
	else
		ok "$what"
	fi
}
b=$work/bad
bad "no file" 2 'needs one FILE'
bad "a file that is not there" 2 'no such file' "$work/nothing"
bad "a folder" 2 'director' "$work"
bad "an empty file" 2 'truncated|empty' "$b/empty"
bad "half a header" 2 'truncated' "$b/short-header"
bad "text" 2 'unknown file format' "$b/text"
bad "an unknown link type" 2 'link type' "$b/unknown-link"
bad "cut in the last packet" 1 'after 9 packets.*(truncated|damaged)' "$b/cut"
bad "cut in a record's header" 1 'after 0 packets' "$b/cut-record"
bad "interfaces of two link types" 1 'damaged.*(type|link)' "$b/mixed.pcapng"
bad "a record of four gigabytes" 1 'after 0 packets' "$b/long-record"
bad "an unknown kind" 2 'no such kind' -f nonsense "$b/header"
bad "a bad address" 2 'must be an address' -a 300.0.0.1 "$b/header"
bad "a bad time" 2 'number of seconds' --from -1 "$b/header"
bad "too narrow" 2 'from 72 to 200' -w 20 "$b/header"
bad "a picture that cannot be written" 1 'cannot be written' -s "$work/none/here.svg" "$work/good/raw.pcap"
bad "a gallery that cannot be made" 2 'gallery' --gallery "$work/none/here"
# told NAME PATTERN FILE: exit 0, and says so
told() {
	local status=0
	timeout 60 "$tg" explain -l "$3" >"$work/out" 2>&1 || status=$?
	if [ $status = 0 ] && grep -qE "$2" "$work/out"; then ok "$1"; else fail "$1" "status $status: $(cat "$work/out")"; fi
}
told "no packet at all" '0 packets, 0 connections' "$b/header"
told "ten years in a capture" 'A closed first' "$b/jump"
told "time that goes back" 'Time goes back before' "$b/back"
told "a snap length below the headers" '10 cut by the capture' "$b/snap30"
told "a snap length of one byte" '10 no TCP' "$b/snap0"
told "a packet of 65,535 bytes" 'A sent 65495 bytes' "$b/huge"
told "a flow that begins in the middle" 'begins in the middle' "$b/middle"
told "one packet that was two gigabytes" '1 packets, 1 connections' "$b/billion"
told "headers that lie" '2 with headers that make no sense' "$b/lies"
told "no TCP" '3 no TCP' "$b/arp"

# --- nothing left behind ---
status=0
explain "$work/good/raw.pcap" >/dev/full 2>"$work/err" || status=$?
same "a full disk: exit 1" $status 1
if [ "$(id -u)" = 0 ] && mkdir "$work/small" && mount -t tmpfs -o size=8k none "$work/small" 2>/dev/null; then
	bad "a full disk: the picture" 1 'cannot be written: no space' -s "$work/small/x.svg" "$work/many.pcap"
	same "a full disk: no part of it is left" "$(ls "$work/small")" ""
	umount "$work/small"
else
	skip "a full disk: the picture" "no tmpfs here"
fi

# --- memory does not grow with the capture ---
[ $mode = quick ] && flows=20000 || flows=100000
$make --many "$work/large.pcap" $flows 11
check "many connections: bounded memory, every packet accounted for" "see above" python3 - "$tg" "$work/large.pcap" $flows <<'PY'
import resource, subprocess, sys
tg, path, flows = sys.argv[1], sys.argv[2], int(sys.argv[3])
out = subprocess.run([tg, "explain", "-l", "-f", "problem", "--open", "128", path], capture_output=True, text=True)
mib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
last = out.stdout.strip().split("\n")[0]
assert out.returncode == 0, out.stderr
assert f"{flows * 11} packets, {flows} connections" in out.stdout, last
assert mib < 64, f"{mib:.0f} MiB"
PY
finish
