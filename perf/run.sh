#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Measures what a packet costs. What is measured, and how, stands in perf/README.md.
set -euo pipefail

usage() {
	cat <<'END'
usage: perf/run.sh [--quick] [--fast] [--build DIR] [--no-macro]

  --quick       a minute instead of ten: fewer rounds
  --fast        built with -Doptimization=3 -Db_lto=true
  --build DIR   where to build (build-perf, build-perf-fast); the table goes to
                DIR/perf-results.txt, too
  --no-macro    without the comparison with dpdk-testpmd

Prints ns and instructions per packet for SYN to SYN-ACK, handshake ACK, in-order data with ACK out,
FIN exchange and TIME-WAIT expiry at 1,000 and 1,000,000 connections; the same for the parts that
a packet passes; and the engine's share of dpdk-testpmd's packet rate.
END
}

quick="" fast="" build="" macro=yes
while [ $# -gt 0 ]; do
	case $1 in
	--quick) quick=yes ;;
	--fast) fast="-fast" ;;
	--no-macro) macro="" ;;
	--build) shift; build=${1:?--build needs a directory} ;;
	--help | -h) usage; exit 0 ;;
	*) usage >&2; exit 2 ;;
	esac
	shift
done
mkdir -p "${build:=$(dirname "$0")/../build-perf$fast}"
build=$(cd "$build" && pwd)
cd "$(dirname "$0")/.."

parts_rounds=201 engine_rounds=41 macro_rounds=11 macro_seconds=5
[ -z "$quick" ] || parts_rounds=51 engine_rounds=7 macro_rounds=3 macro_seconds=2

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

build_all() {
	[ -e "$build/build.ninja" ] ||
		meson setup "$build" . ${fast:+-Doptimization=3 -Db_lto=true} || return
	# The process is built when it can be: without it only the comparison is left out.
	ninja -C "$build" perf/bench_parts perf/bench_engine || return
	ninja -C "$build" app/tidegate || true
}

about_machine() {
	local cpu load
	cpu=$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1)
	load=$(cut -d' ' -f1 /proc/loadavg)
	echo "$(date -u +%Y-%m-%d) commit $(git rev-parse --short HEAD 2>/dev/null || echo unknown)," \
		"$(nproc) x ${cpu:-unknown CPU}, load $load${fast:+, -O3 and link-time optimisation}"
}

# Instructions of each case: name, size, instructions an operation, parted by tabs.
count() {
	local program=$1
	if ! command -v valgrind >/dev/null; then
		echo "valgrind is not installed: no instruction counts" >&2
		return
	fi
	valgrind --tool=callgrind --instr-atstart=no --callgrind-out-file="$work/cg" \
		"$program" --count >"$work/cg.log" 2>&1 || { tail -n 3 "$work/cg.log" >&2; return; }
	# The parts before the name are valgrind's; the last two words are size and operations.
	awk '/^desc: Trigger: Client Request: / {
			sub(/^desc: Trigger: Client Request: /, "")
			ops = $NF; size = $(NF - 1)
			sub(/ [0-9]+ [0-9]+$/, ""); name = $0
		}
		/^totals: / && name != "" { printf "%s\t%s\t%.0f\n", name, size, $2 / ops; name = "" }' \
		"$work"/cg.[0-9]*
	rm -f "$work"/cg "$work"/cg.[0-9]*
}

# Joins ns and instructions.
table() {
	awk -F'\t' '
		NR == 1 { printf "%-34s %9s %9s %9s %9s %9s\n", "", "size", "median ns", "p10", "p90",
			"instr." }
		FILENAME == ARGV[1] { instr[$1, $2] = $3; next }
		{ printf "%-34s %9s %9s %9s %9s %9s\n", $1, $2, $3, $4, $5,
			(($1, $2) in instr) ? instr[$1, $2] : "-" }' "$1" "$2"
}

measure() {
	local program=$1 rounds=$2
	"$program" --rounds "$rounds" >"$work/ns"
	count "$program" >"$work/instr"
	[ -s "$work/instr" ] || printf -- '-\t-\t-\n' >"$work/instr"
	table "$work/instr" "$work/ns"
}

compare() {
	local missing=""
	command -v dpdk-testpmd >/dev/null || missing="dpdk-testpmd is not installed"
	[ -x "$build/app/tidegate" ] || missing="the process is not built (DPDK?)"
	if [ -n "$missing" ]; then
		echo "skipped: $missing"
		return
	fi
	perf/macro/syn_share.py "$build/app/tidegate" --rounds "$macro_rounds" \
		--seconds "$macro_seconds"
}

if ! build_all >"$work/build.log" 2>&1; then
	tail -n 20 "$work/build.log" >&2
	exit 1
fi
{
	about_machine
	printf '\nThe engine, per packet in (TIME-WAIT expiry: per record); size: connections held\n'
	measure "$build/perf/bench_engine" "$engine_rounds"
	printf '\nIts parts, per operation; size: entries, armed timers, bytes\n'
	measure "$build/perf/bench_parts" "$parts_rounds"
	if [ -n "$macro" ]; then
		printf '\nSYN to SYN-ACK on one core, the same device for all three\n'
		compare
	fi
} | tee "$build/perf-results.txt"
