#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# How opens a second grow with workers: one, two, four, ... of `tidegate serve`, and as many of `tidegate load` before
# them, in two processes over shared memory (or over two cards). perf/README.md has the method.
set -euo pipefail

usage() {
	cat <<'END'
usage: perf/scale.sh [--workers LIST] [--rounds N] [--seconds N] [--rate N] [--csv FILE]
                     [--server-device DEV --client-device DEV] [--tidegate PROGRAM] [--huge] [--check]
       perf/scale.sh --pack FILE.tar.gz [--build DIR]

  --workers LIST   like 1,2,4 (default: 1, 2, 4, ... up to half of the cores, 1 and 2 at least)
  --rounds N       of all of them, in turns (3)
  --seconds N      of a run (5)
  --rate N         connections a second that are offered to each worker (500000)
  --csv FILE       the table, for programs
  --server-device, --client-device   cards, or other devices, in place of shared memory
  --tidegate PROGRAM   (build-perf/app/tidegate, build/app/tidegate, or what is packed beside this)
  --huge           with hugepages; else without, which needs no root
  --check          one short round of 1 and 2, for tests
  --pack FILE      builds tidegate with DPDK inside, and packs it with this script and the libraries that
                   it needs beside glibc (which must be as new there as here), to be carried elsewhere:
                   tar xf FILE, then tidegate-scale/scale.sh

A run is good only if no connection failed, none was reset, and each worker's connections add up to
those that were opened: so each flow stayed on one core. Packets that reached another worker's queue
first, and were handed over, are counted as steered.
END
}

die() {
	printf 'scale: %s\n' "$*" >&2
	exit "${status:-1}"
}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
workers="" rounds=3 seconds=5 rate=500000 csv="" server_device="" client_device="" tg="" huge="" pack="" build="" idle=poll
value() {
	[ -n "${2:-}" ] || { status=2 die "$1 needs a value; see --help"; }
	printf '%s' "$2"
}
while [ $# -gt 0 ]; do
	case $1 in
	--workers) workers=$(value "$@"); shift ;;
	--rounds) rounds=$(value "$@"); shift ;;
	--seconds) seconds=$(value "$@"); shift ;;
	--rate) rate=$(value "$@"); shift ;;
	--csv) csv=$(value "$@"); shift ;;
	--server-device) server_device=$(value "$@"); shift ;;
	--client-device) client_device=$(value "$@"); shift ;;
	--tidegate) tg=$(value "$@"); shift ;;
	--pack) pack=$(value "$@"); shift ;;
	--build) build=$(value "$@"); shift ;;
	--huge) huge=yes ;;
	--check) workers=${workers:-1,2} rounds=1 seconds=1 rate=200 idle=sleep ;;
	--help | -h) usage; exit 0 ;;
	*) status=2 die "unknown option $1; see --help" ;;
	esac
	shift
done

# --- to be carried elsewhere ---

pack_all() {
	local top=$here/.. dir lib
	build=${build:-$top/build-static}
	[ -e "$build/build.ninja" ] ||
		meson setup "$build" "$top" -Ddpdk_static=true -Dtests=disabled -Doptimization=3 -Db_lto=true >&2
	ninja -C "$build" app/tidegate >&2
	dir=$(mktemp -d)
	# shellcheck disable=SC2064
	trap "rm -rf '$dir'" EXIT
	mkdir -p "$dir/tidegate-scale/lib"
	cp "$build/app/tidegate" "$here/scale.sh" "$dir/tidegate-scale/"
	while read -r lib; do
		cp -L "$lib" "$dir/tidegate-scale/lib/"
	done < <(ldd "$build/app/tidegate" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p' | grep -vE '/(libc|libm|libdl|librt|libpthread|ld-linux[^/]*)\.so')
	tar -C "$dir" -czf "$pack.part" tidegate-scale
	mv "$pack.part" "$pack"
	printf '%s: %s\n' "$pack" "$(du -h "$pack" | cut -f1)"
}
if [ -n "$pack" ]; then
	pack_all
	exit
fi

# --- what there is ---

for number in "$rounds" "$seconds" "$rate"; do
	[[ $number =~ ^[1-9][0-9]{0,8}$ ]] || { status=2 die "$number: must be a number above 0"; }
done
[[ ${workers:-1} =~ ^[1-9][0-9]{0,2}(,[1-9][0-9]{0,2})*$ ]] || { status=2 die "--workers $workers: must be numbers with commas"; }
[ -n "$server_device" ] && [ -n "$client_device" ] || [ -z "$server_device$client_device" ] ||
	{ status=2 die "--server-device and --client-device come together"; }
if [ -z "$tg" ]; then
	for tg in "$here/tidegate" "$here/../build-perf/app/tidegate" "$here/../build/app/tidegate"; do
		[ ! -x "$tg" ] || break
	done
fi
[ -x "$tg" ] || die "$tg: no such program; build first, or say --tidegate"
[ ! -d "$here/lib" ] || [ ! -x "$here/tidegate" ] || export LD_LIBRARY_PATH=$here/lib
command -v python3 >/dev/null || die "python3 is missing"

# The cores that this process may have.
mapfile -t cores < <(python3 -c 'import os; print(*sorted(os.sched_getaffinity(0)), sep="\n")')
if [ -z "$workers" ]; then
	workers=1
	for ((n = 2; n <= ${#cores[@]} / 2 || n == 2; n *= 2)); do workers+=,$n; done
fi

work=$(mktemp -d)
pids=()
end_all() {
	local pid i
	for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
	for pid in "${pids[@]}"; do
		for ((i = 0; i < 100; i++)); do
			kill -0 "$pid" 2>/dev/null || break
			sleep 0.1
		done
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	pids=()
}
trap 'end_all; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# --- a run ---

# list FROM N: N cores, from number FROM on, around again when there are not so many.
list() {
	local i out=""
	for ((i = $1; i < $1 + $2; i++)); do out+=,${cores[i % ${#cores[@]}]}; done
	printf '%s' "${out#,}" | tr ',' '\n' | sort -nu | paste -sd,
}

# eal N: options for DPDK.
eal() {
	[ -n "$huge" ] || printf -- '--no-huge -m %d' $((256 + 128 * $1))
}

# run N ROUND: one run with N workers a side; its figures go to $work/figures as one line of JSON.
run() {
	local n=$1 name=scale$$ i server status=0
	local socket=$work/memif.sock
	cat >"$work/serve.ini" <<END
[engine]
workers = $n
connections = $((n * rate / 4 + 20000))
time_wait = $((n * rate * 3))
msl_ms = 1000
idle = $idle
[port outside]
device = ${server_device:-net_memif0,role=server,socket=$socket,socket-abstract=no}
address = 192.0.2.1/24
gateway = 192.0.2.2
mac = 02:00:00:00:00:01
gateway_mac = 02:00:00:00:00:02
[listener web]
port = 80
service = http
END
	rm -f "$socket" "$work/serve.log"
	# shellcheck disable=SC2046
	taskset -c "$(list 0 "$n")" "$tg" serve -q --name "${name}s" -c "$work/serve.ini" -- $(eal "$n") >"$work/serve.log" 2>&1 &
	server=$!
	pids+=("$server")
	for ((i = 0; i < 600; i++)); do
		! grep -qs '^serving as' "$work/serve.log" || break
		kill -0 "$server" 2>/dev/null || die "tidegate serve: $(tail -n 1 "$work/serve.log")"
		sleep 0.1
	done
	# shellcheck disable=SC2046
	taskset -c "$(list "$n" "$n")" "$tg" load -q --json --name "${name}c" --workers "$n" \
		--device "${client_device:-net_memif0,role=client,socket=$socket,socket-abstract=no}" \
		--address 192.0.2.2/24 --gateway 192.0.2.1 --mac 02:00:00:00:00:02 --gateway-mac 02:00:00:00:00:01 \
		--source 198.18.0.0/16 --target 192.0.2.1:80 --do http --path /bytes/64 --close server \
		--msl-ms 1000 --idle "$idle" --timeout-ms 20000 --rate $((n * rate)) --duration "$seconds" -- $(eal "$n") >"$work/load.json" 2>"$work/load.err" || status=$?
	[ $status -le 1 ] || die "tidegate load: $(tail -n 1 "$work/load.err")"
	sleep 1.2 # workers show their figures ten times a second
	"$tg" stats --json --name "${name}s" >"$work/stats.json" || die "tidegate serve says nothing: $(tail -n 1 "$work/serve.log")"
	end_all
	python3 -c "$judge" "$n" "${#cores[@]}" "$work/load.json" "$work/stats.json" | tee -a "$work/figures" | python3 -c "$show" "$2"
}

judge='
import json, sys
n, cores = int(sys.argv[1]), int(sys.argv[2])
load, server = (json.load(open(p)) for p in sys.argv[3:5])
opened = [w["opened"] for w in server["workers"]]
bad = []
if load["failed"]:
    bad.append("%d connections failed: %s" % (load["failed"], ", ".join("%s %d" % f for f in load["failures"].items() if f[1])))
if server["counters"]["rst_sent"]:
    bad.append("%d RSTs: some flow met a worker that did not know it" % server["counters"]["rst_sent"])
if len(opened) != n or sum(opened) != server["opened"] or sum(opened) < load["opened"]:
    bad.append("workers opened %s, all of them %d, the client %d" % (opened, server["opened"], load["opened"]))
print(json.dumps({
    "workers": n, "shared": 2 * n > cores, "opens": load["opened_per_s"], "opened": load["opened"], "failed": load["failed"],
    "busy_ns": server["busy_us"] * 1000 / max(server["opened"], 1), "steered": server["steered"] / max(server["rx_packets"], 1),
    "in": server["rx_packets"] / max(server["opened"], 1), "out": server["tx_packets"] / max(server["opened"], 1),
    "least": min(opened) / max(sum(opened), 1), "most": max(opened) / max(sum(opened), 1), "bad": "; ".join(bad)}))'

show='
import json, sys
v = json.loads(sys.stdin.read())
sys.stderr.write("[round %s] %d workers: %.0f opens/s%s\n" % (sys.argv[1], v["workers"], v["opens"], "; NOT GOOD: " + v["bad"] if v["bad"] else ""))'

report='
import csv, json, os, statistics, sys
runs = {}
for line in open(sys.argv[1]):
    v = json.loads(line)
    runs.setdefault(v["workers"], []).append(v)
head = ["workers", "opens_per_s", "least", "most", "to_one", "busy_ns", "packets_in", "packets_out", "steered", "least_share", "most_share", "failed", "shared_cores"]
table, one = [], None
for n, of in runs.items():
    mid = lambda key: statistics.median(v[key] for v in of)
    one = one or mid("opens")
    table.append([n, mid("opens"), min(v["opens"] for v in of), max(v["opens"] for v in of), mid("opens") / one if one else 0, mid("busy_ns"), mid("in"),
                  mid("out"), mid("steered"), min(v["least"] for v in of), max(v["most"] for v in of), sum(v["failed"] for v in of), int(any(v["shared"] for v in of))])
print("%7s %12s %26s %7s %9s %11s %8s %14s %7s" % ("workers", "opens/s", "(least .. most)", "to one", "busy ns", "packets", "steered", "a worker has", "failed"))
for n, mid, low, high, to, busy, pin, pout, st, a, b, failed, shared in table:
    print("%7d %12.0f %26s %7.2f %9.0f %11s %7.0f%% %14s %7d%s" % (n, mid, "(%.0f .. %.0f)" % (low, high), to, busy, "%.2f + %.2f" % (pin, pout), 100 * st,
          "%.0f .. %.0f %%" % (100 * a, 100 * b), failed, "  cores shared with the client" if shared else ""))
if sys.argv[2]:
    with open(sys.argv[2] + ".part", "w", newline="") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow(head)
        out.writerows([["%.6g" % x for x in line] for line in table])
    os.replace(sys.argv[2] + ".part", sys.argv[2])
bad = [v["bad"] for of in runs.values() for v in of if v["bad"]]
for why in bad:
    print("not good: " + why)
print("every flow stayed on one core" if not bad else "%d of %d runs were not good" % (len(bad), sum(len(of) for of in runs.values())))
sys.exit(1 if bad else 0)'

for ((r = 1; r <= rounds; r++)); do
	for n in ${workers//,/ }; do run "$n" "$r"; done
done
printf '%s, %d cores, %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "${#cores[@]}" "$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1)"
python3 -c "$report" "$work/figures" "$csv"
