#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# What measures and reports still does: perf/run.sh --check at sizes that say nothing of speed, and what it writes.
. "$(dirname "$0")/lib.sh"
need python3
build=$(dirname "$(dirname "$tg")")
[ -x "$build/perf/bench_engine" ] || skip_all "no $build/perf/bench_engine; build first"

out=$work/out
status=0
"$top/perf/run.sh" --check --no-build --build "$build" --out "$out" >"$work/run.out" 2>"$work/run.err" || status=$?
same "run.sh --check" $status 0
[ $status = 0 ] || tail -n 5 "$work/run.err"

# looked WHAT CODE: what python3 finds wrong in $out is the reason.
looked() {
	local why
	why=$(cd "$out" && python3 -c "$2" 2>&1 | tail -n 1)
	check "$1" "$why" test -z "$why"
}
looked "perf.csv is a table of the right columns, its figures in order" '
import csv
rows = list(csv.DictReader(open("perf.csv")))
assert rows and list(rows[0]) == "date commit machine case size metric median p10 p90 n".split(), rows[:1]
for r in rows:
    assert float(r["p10"]) <= float(r["median"]) <= float(r["p90"]) and int(r["n"]) >= 1, r
keys = [(r["case"], r["size"], r["metric"]) for r in rows]
assert len(set(keys)) == len(keys), "a case stands there twice"'
looked "each part is in it, or the report says why not" '
import csv, re
parts = {r["case"].split("/")[0] for r in csv.DictReader(open("perf.csv"))}
page = open("report.html").read()
missing = page[page.index("id=missing"):page.index("id=method")]
assert {"engine", "parts", "price"} <= parts, parts
for part in "engine parts beside price life mass bench syn".split():
    assert part in parts or re.search("<li>%s" % part, missing), part
    assert (part in parts) == ("id=%s>" % part in page), part'
looked "every rule has its price, in instructions too where they are counted" '
import csv, shutil
rows = [r for r in csv.DictReader(open("perf.csv")) if r["case"].startswith("price/")]
for metric in ["ns", "packets in", "packets out"] + (["instructions"] if shutil.which("valgrind") else []):
    assert len({r["case"] for r in rows if r["metric"] == metric}) >= 12, metric
packets = {r["case"]: float(r["median"]) for r in rows if r["metric"] == "packets in"}
assert len(packets) == 14 and packets["price/every rule"] == packets["price/without a keyed hash"] == 5, packets
assert packets["price/three segments in, not five"] == 3, packets'
looked "report.html needs nothing from elsewhere, and has its sections" '
import re
page = open("report.html").read()
assert page.startswith("<!doctype html>") and page.rstrip().endswith("</html>")
for name in "machine missing method".split():
    assert "id=%s>" % name in page, name
assert not re.search(r"(src|href)=.?(https?:|//)|@import|<script", page), "it asks for something"
assert "prefers-color-scheme:dark" in page
assert page.count("<svg") == page.count("</svg>") >= 3'
looked "each plot is XML of its own, and has a script for gnuplot" '
import glob, xml.etree.ElementTree as xml
plots = glob.glob("plots/*.svg")
assert len(plots) >= 3, plots
for p in plots:
    assert xml.parse(p).getroot().tag == "{http://www.w3.org/2000/svg}svg", p
    assert "plot " in open(p[:-3] + "gp").read(), p'

"$top/perf/run.sh" --check --no-build --only price --build "$build" --against "$build" --out "$work/against" >"$work/run.out" 2>&1
same "another build takes turns with this one" \
	"$(grep -c '^[^,]*,[^,]*,.*,price/every rule@\(now\|before\),1000,ns,' "$work/against/perf.csv" 2>/dev/null)" 2

# Ctrl-C in the middle: nothing of a new run lies there, and the old one as it was.
before=$(cat "$out"/perf.csv "$out/report.html" | sha256sum)
# A shell lets what it begins in the background ignore SIGINT; this does not.
python3 -c '
import os, signal, subprocess, sys, time
p = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
                     preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
while "1/" not in p.stderr.readline():
    pass
time.sleep(0.2)
os.kill(p.pid, signal.SIGINT)
said = p.stderr.read()
sys.exit(0 if p.wait(30) == 130 and "nothing is written" in said else 1)
' "$top/perf/run.sh" --quick --no-build --build "$build" --out "$out"
same "Ctrl-C ends it with 130" $? 0
same "and leaves the results of the run before" "$(cat "$out"/perf.csv "$out/report.html" | sha256sum)" "$before"
same "and nothing else" "$(find "$out" -maxdepth 1 -mindepth 1 -printf '%f\n' | sort | tr '\n' ' ')" \
	"perf-results.txt perf.csv plots report.html "

# refuses NAME WORDS OPTION...: one line, exit 2.
refuses() {
	local what=$1 words=$2
	shift 2
	status=0
	"$top/perf/run.sh" --no-build --build "$build" --out "$out" "$@" >"$work/no.out" 2>&1 || status=$?
	check "$what" "exit $status: $(cat "$work/no.out")" test $status = 2 -a "$(wc -l <"$work/no.out")" = 1 -a -n "$(grep -e "$words" "$work/no.out")"
}
# --- more cores ---

if "$tg" serve --help >/dev/null 2>&1; then
	status=0
	"$top/perf/scale.sh" --check --tidegate "$tg" --csv "$work/scale.csv" >"$work/scale.out" 2>&1 || status=$?
	same "scale.sh --check" "$status $(tail -n 1 "$work/scale.out")" "0 every flow stayed on one core"
	same "its table has a line for one worker and for two" "$(cut -d, -f1 "$work/scale.csv" 2>/dev/null | tr '\n' ' ')" "workers 1 2 "
else
	skip "scale.sh" "this build has no DPDK"
fi
"$top/perf/scale.sh" --workers 1,x >"$work/scale.out" 2>&1
same "workers that are no numbers are one line, exit 2" "$? $(cat "$work/scale.out")" "2 scale: --workers 1,x: must be numbers with commas"

# --- peers ---

# ini NAME WORDS TEXT...: a file of this text (as printf has it) is refused, in one line with these words.
ini() {
	local what=$1 words=$2
	shift 2
	# shellcheck disable=SC2059
	printf "$@" >"$work/peer.ini"
	status=0
	"$top/perf/peers.py" "$work/peer.ini" --check >"$work/ini.out" 2>&1 || status=$?
	check "$what" "exit $status: $(cat "$work/ini.out")" test $status = 1 -a "$(wc -l <"$work/ini.out")" = 1 -a \
		-n "$(grep -e "$words" "$work/ini.out")"
}
good='[server]
command = true
[client]
command = true'
check "the example for nginx and wrk is fine" "it is not" "$top/perf/peers.py" "$top/perf/peers/nginx-wrk.ini" --check
ini "a file that is none is refused" 'peer.ini: ' '[peer\n'
ini "an unknown section is named" '\[nonsense\]: no such section' '[nonsense]\n'
ini "a port that is no number is named" 'port = x: must be' '[peer]\nport = x\n%s\n[figure a]\nregex = (1)\n' "$good"
ini "an unknown key is named" '\[peer\] speed: no such key' '[peer]\nspeed = 1\n%s\n' "$good"
ini "a missing section is named" '\[client\] is missing' '[peer]\n[server]\ncommand = true\n'
ini "a command with an open quote is told" '\[client\] command: No closing quotation' "[peer]\n[server]\ncommand = true\n[client]\ncommand = sh -c 'x\n"
ini "a way to be ready that is none is told" 'ready: must be tcp, line REGEX or seconds N' '[peer]\n[server]\ncommand = true\nready = soon\n[client]\ncommand = true\n'
ini "no figure at all is refused" 'nothing would be read' '[peer]\n%s\n' "$good"
ini "a bad regex is told" '\[figure a\]: ' '[peer]\n%s\n[figure a]\nregex = (\n' "$good"
ini "a regex that catches nothing is told" 'one group for the number' '[peer]\n%s\n[figure a]\nregex = x\n' "$good"

# A peer of a few lines, without a wire: figures are read, by regex with a unit and by JSON; what cannot be read is one line.
cat >"$work/peer.ini" <<'END'
[peer]
network = none
port = 9
rounds = 2
seconds = 1
warm_up = 0
[server]
command = sh -c 'echo up; exec sleep 30'
ready = line ^up
[client]
command = sh -c 'echo "took 3.5ms for ${seconds} s"'
[figure time]
regex = took ([\d.]+)(ms|s)
scale = 1000
END
"$top/perf/peers.py" "$work/peer.ini" --tidegate "$work/none" >"$work/ini.out" 2>&1
same "a tidegate that is not there is one line" "$(cat "$work/ini.out")" "peers: $work/none: no such program"
cp -r "$top/perf/peers.py" "$work/peers.py" # away from any build: only theirs is run
python3 "$work/peers.py" "$work/peer.ini" --csv "$work/peer.csv" >"$work/ini.out" 2>&1
same "a figure is read with its unit and scale, twice" "$(tail -n 1 "$work/peer.csv" 2>/dev/null)" "time,,their server,their client,3.5,3.5,3.5,2"
sed -i 's/^regex = took/regex = lasted/' "$work/peer.ini"
status=0
python3 "$work/peers.py" "$work/peer.ini" >"$work/ini.out" 2>&1 || status=$?
same "a figure that was not said is one line" "$status $(grep -c 'not in what the client said, which ends with: took 3.5ms' "$work/ini.out")" "1 1"
sed -i 's/^command = sh -c .echo up.*/command = false/' "$work/peer.ini"
python3 "$work/peers.py" "$work/peer.ini" >"$work/ini.out" 2>&1
same "a server that ends at once is one line" "$(tail -n 1 "$work/ini.out")" "peers: false ended at once: it said nothing"

# The example as it is, in namespaces of its own.
if [ "$(id -u)" = 0 ] && command -v nginx wrk taskset ethtool >/dev/null && "$tg" serve --help >/dev/null 2>&1; then
	before=$(ip netns list | grep -c '^tgp[sc][0-9]')
	status=0
	"$top/perf/peers.py" "$top/perf/peers/nginx-wrk.ini" --tidegate "$tg" --rounds 1 --seconds 1 --csv "$work/peers.csv" \
		>"$work/peers.out" 2>&1 || status=$?
	same "nginx and wrk, and ours in the place of each: two figures, four rows" \
		"$status $(awk -F, 'NR > 1 && $5 > 0' "$work/peers.csv" 2>/dev/null | wc -l)" "0 8"
	[ $status = 0 ] || tail -n 2 "$work/peers.out"
	same "its namespaces are gone" "$(ip netns list | grep -c '^tgp[sc][0-9]')" "$before"
else
	skip "nginx and wrk" "needs root, nginx, wrk and DPDK"
fi

refuses "an unknown part is named" '^run.sh: --only nonsense: must be one of engine ' --only nonsense
refuses "a build that is not there is named" '^run.sh: --against /none: no build' --against /none
refuses "an unknown option is named" '^run.sh: unknown option --nonsense' --nonsense
finish
