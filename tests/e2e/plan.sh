#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# `tidegate plan`: its figures add up, are those of `serve` and `load`, grow as they must, and what cannot be is refused
# in one line that says what could.
. "$(dirname "$0")/lib.sh"
need python3
need_engine

# plan NAME OPTION...: its output in NAME.out and NAME.err, its exit status in $status.
plan() {
	local what=$1
	shift
	status=0
	"$tg" plan "$@" >"$work/$what.out" 2>"$work/$what.err" || status=$?
}
# holds NAME OPTION... -- PYTHON: the JSON of these options, as v, makes the expression true.
holds() {
	local what=$1 options=()
	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	plan json "${options[@]}" --json
	same "$what" "$(python3 -c '
import json, sys
v = json.load(open(sys.argv[1]))
s, l = v.get("server"), v.get("load")
print(bool(eval(sys.argv[2])))' "$work/json.out" "$2" 2>&1 | tail -n 1) $status" "True 0"
}
# wrong NAME PATTERN OPTION...: exit 2, and one line that says so.
wrong() {
	local what=$1 pattern=$2
	shift 2
	plan wrong "$@"
	if [ $status = 2 ] && [ "$(wc -l <"$work/wrong.err")" = 1 ] && grep -q -- "$pattern" "$work/wrong.err"; then
		ok "$what"
	else
		fail "$what" "exit $status, $(head -n 2 "$work/wrong.err")"
	fi
}

big=(--live 1000000 --rate 10000 --cores 2)
holds "the parts are the whole" "${big[@]}" -- 'sum(p["bytes_each"] for p in s["parts"].values()) == s["worker_bytes"]'
holds "so they are of a load" "${big[@]}" -- 'sum(p["bytes_each"] for p in l["parts"].values()) == l["worker_bytes"]'
holds "live connections and their table have room" "${big[@]}" -- \
	's["connections"] >= 1000000 and 2 * s["table"]["entries"] >= 1000000 and s["table"]["slots"] >= s["table"]["entries"]'
holds "TIME-WAIT: rate times twice msl_ms" "${big[@]}" -- '600000 <= s["time_wait"] <= 601000 and s["msl_ms"] == 30000'
holds "a shorter msl_ms takes fewer" "${big[@]}" --msl-ms 1000 -- '20000 <= s["time_wait"] <= 21000'
holds "a load holds them, and 2MSL of TIME-WAIT" "${big[@]}" -- \
	'v["tuples"]["live"] >= 1000000 and v["tuples"]["needed"] >= 1600000 and v["tuples"]["there_are"] > 8e9'
holds "two workers: each has half" "${big[@]}" -- 's["workers"] == 2 and s["parts"]["connections at rest"]["bytes"] == 2 * s["parts"]["connections at rest"]["bytes_each"]'
holds "hugepages hold it all" "${big[@]}" -- \
	's["hugepages_2m"] * 2 >= 2 * s["worker_bytes"] / 2**20 + s["buffers_mib"] and " --setup %dM" % (2 * s["hugepages_2m"]) in s["hugepages_command"]'
holds "ten times the connections: ten times the memory of them" --live 10000000 -- \
	's["parts"]["connections at rest"]["bytes"] >= 640000000 and s["connections"] < 11000000'
holds "what is given is taken" "${big[@]}" --moving 12000 --time-wait 8000 -- 's["moving"] == 12000 and s["time_wait"] == 8000'
plan text "${big[@]}"
same "as text: the command that reserves them" "$status $(grep -c 'sudo dpdk-hugepages.py -p 2M --setup [0-9]*M' "$work/text.out")" "0 2"
same "as text: each and all" "$(awk '/connections at rest/ { d = $7 - 2 * $5; if (d < 0.2 && d > -0.2) n++ } END { print n }' "$work/text.out")" 2

# One plan, whoever asks for it.
lines() { grep -E 'MiB|^table:|^hugepages:' "$1"; }
for file in "$top"/config/{veth,tap,memif,shield}.ini; do
	command=serve
	[ "$(basename "$file")" != shield.ini ] || command=shield
	plan file -c "$file"
	"$tg" $command --check -c "$file" >"$work/check.out" 2>&1
	same "$(basename "$file"): what \`$command --check\` prints" "$status $(lines "$work/file.out" | md5sum)" \
		"0 $(lines "$work/check.out" | md5sum)"
	check "$(basename "$file"): something is printed" "$(cat "$work/file.err")" grep -q together "$work/file.out"
done
plan file -c "$top/config/load.ini" --duration 100
"$tg" load --check -c "$top/config/load.ini" --duration 100 >"$work/check.out" 2>&1
same "load.ini: what \`load --check\` prints" "$status $(lines "$work/file.out" | md5sum)" "0 $(lines "$work/check.out" | md5sum)"
other=$top/build-nodpdk/app/tidegate
if [ -x "$other" ]; then
	plan text "${big[@]}"
	same "a build without DPDK prints the same" "$("$other" plan "${big[@]}" 2>&1 | md5sum)" "$(md5sum <"$work/text.out")"
else
	skip "a build without DPDK prints the same" "there is none in build-nodpdk"
fi

wrong "nothing was asked for" 'needs --live, --rate or both'
wrong "no connections" '--live 0: must be a whole number from 1 to 100000000' --live 0
wrong "more connections than there can be" 'from 1 to 100000000' --live 100000001
wrong "rate 0" 'rate = 0: must be a whole number from 1' --rate 0
wrong "no cores" '--cores 0: must be a whole number from 1 to 128' --live 10 --cores 0
wrong "an msl_ms that RFC 9293 does not know" 'msl_ms = 240001: must be a whole number from 1 to 240000' --live 10 --msl-ms 240001
wrong "more connections than tuples, with the figure" 'than the 64512 pairs' --live 100000 --source 198.18.0.1/32
wrong "a prefix of no address" 'prefix\|network' --live 10 --source 198.18.0.0/33
wrong "more memory than memory_mb, with the figure" 'the plan takes [0-9]* MiB' --live 1000000 --memory-mb 10
wrong "more memory than this machine has, with the figure" 'takes [0-9]* MiB in all, and this machine has' \
	--live 100000000 --buffer-mb 1048576
wrong "a file that is not there" 'cannot be opened' -c "$work/none.ini"
wrong "an unknown option" 'unknown option --nothing' --live 10 --nothing
printf '[engine]\nconnections = 0\n' >"$work/zero.ini"
wrong "a file with an impossible key" 'zero.ini:2: connections = 0: must be a whole number from 1 to 100000000' -c "$work/zero.ini"
printf '[engine]\nconnections = 10\n' >"$work/empty.ini"
wrong "a file without a port" 'port' -c "$work/empty.ini"
plan help --help
same "--help" "$status $(grep -c 'tidegate plan --live' "$work/help.out")" "0 1"
finish
