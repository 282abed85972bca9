#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Builds what measures, measures, and reports. What is measured, and how, stands in perf/README.md.
set -euo pipefail

usage() {
	cat <<'END'
usage: perf/run.sh [--quick | --full | --check] [--only PART]... [--fast] [--against DIR]
                   [--build DIR] [--out DIR] [--no-build]

  --quick       minutes instead of half an hour: fewer rounds, smaller populations
  --full        also populations of 10 and 100 million: hours, and up to 16 GiB of memory
  --check       every part as small as it can be: whether this still runs, no figures
  --only PART   engine, parts, beside, price, life, mass, bench or syn; again for more
  --fast        built with -Doptimization=3 -Db_lto=true
  --against DIR another build (perf/run.sh --build DIR in another checkout), in turns with this one:
                engine, parts and price
  --build DIR   where to build (build-perf, build-perf-fast)
  --out DIR     where results go (DIR of --build): report.html, perf.csv, plots/, perf-results.txt
  --no-build    the programs are there already
  --no-macro    the same as --only engine --only parts --only price

What is missing (valgrind, dpdk-testpmd, DPDK, memory) is left out, and the report says so. Ctrl-C
ends it, and leaves the results of the run before as they were.
END
}

wrong() {
	printf 'run.sh: %s; see --help\n' "$*" >&2
	exit 2
}

parts="engine parts beside price life mass bench syn"
level=normal fast="" build="" out="" make=yes
pass=()
while [ $# -gt 0 ]; do
	case $1 in
	--quick | --full | --check) level=${1#--} ;;
	--fast) fast="-fast" ;;
	--only)
		case " $parts " in
		*" ${2:-nothing} "*) pass+=(--only "$2") ;;
		*) wrong "--only ${2:-}: must be one of $parts" ;;
		esac
		shift
		;;
	--no-macro) pass+=(--only engine --only parts --only price) ;;
	--against)
		[ -d "${2:-}/perf" ] || wrong "--against ${2:-}: no build is there"
		pass+=(--against "$(cd "$2" && pwd)")
		shift
		;;
	--build) build=${2:-}; [ -n "$build" ] || wrong "--build needs a directory"; shift ;;
	--out)
		[ -n "${2:-}" ] || wrong "--out needs a directory"
		mkdir -p "$2"
		out=$(cd "$2" && pwd)
		shift
		;;
	--no-build) make="" ;;
	--help | -h) usage; exit 0 ;;
	*) wrong "unknown option $1" ;;
	esac
	shift
done
mkdir -p "${build:=$(dirname "$0")/../build-perf$fast}"
build=$(cd "$build" && pwd)
cd "$(dirname "$0")/.."

build_all() {
	[ -e "$build/build.ninja" ] ||
		meson setup "$build" . ${fast:+-Doptimization=3 -Db_lto=true} || return
	ninja -C "$build" perf/bench_parts perf/bench_engine perf/price || return
	# What needs DPDK is built when it can be: without it those parts are left out.
	local target
	for target in app/tidegate perf/bench_beside perf/macro/life perf/macro/mass; do
		ninja -C "$build" "$target" || true
	done
}

if [ -n "$make" ]; then
	log=$(mktemp)
	trap 'rm -f "$log"' EXIT
	echo "building in $build" >&2
	build_all >"$log" 2>&1 || { tail -n 20 "$log" >&2; exit 1; }
	rm -f "$log"
fi
exec perf/report/report.py --build "$build" --out "${out:-$build}" --level "$level" "${pass[@]}"
