#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# idle = poll | pause | sleep: what each takes of a CPU when nothing comes, and what it costs those who come: the table
# is printed. A sleeping worker leaves its CPU, answers all the same, and keeps its timers.
. "$(dirname "$0")/lib.sh"
need python3 taskset setpriv
need_engine

# cpu_ms PID: CPU time of all its threads so far.
cpu_ms() {
	python3 -c '
import os, sys
v = open(f"/proc/{sys.argv[1]}/stat").read().rsplit(")", 1)[1].split()
print((int(v[11]) + int(v[12])) * 1000 // os.sysconf("SC_CLK_TCK"))' "$1"
}
declare -A share
printf '%-6s %10s %14s %14s\n' idle 'CPU, %' 'handshake p50' p99
for mode in poll pause sleep; do
	cat >"$work/$mode.ini" <<END
[engine]
connections = 5000
idle = $mode
msl_ms = 300
[port outside]
device = net_memif0,role=server,socket=$work/$mode.sock,socket-abstract=no
address = 192.0.2.1/24
[listener echo]
port = 7
service = echo
END
	engine_log=$work/$mode.log
	taskset -c 0 "$tg" serve -q --name "$instance" -c "$work/$mode.ini" -- --no-huge -m 256 >"$engine_log" 2>&1 &
	engine=$!
	pids+=("$engine")
	for _ in $(seq 100); do
		grep -qs '^serving as' "$engine_log" && break
		sleep 0.1
	done
	sleep 0.5
	from=$(cpu_ms $engine) begin=$(date +%s%N)
	sleep 2
	share[$mode]=$((($(cpu_ms $engine) - from) * 100 / (($(date +%s%N) - begin) / 1000000)))
	status=0
	timeout 40 "$tg" load --name "${instance}l" --device "net_memif0,role=client,socket=$work/$mode.sock,socket-abstract=no" \
		--address 192.0.2.2/24 --target 192.0.2.1:7 --do echo --close server --idle $mode --rate 200 --connections 300 \
		--timeout-ms 20000 --close both --json -- --no-huge -m 256 >"$work/$mode.json" 2>"$work/$mode.err" || status=$?
	read -r good p50 p99 < <(python3 -c '
import json, sys
v = json.load(open(sys.argv[1]))
h = v["times_ns"]["handshake"]
print(v["good"], round(h["p50"] / 1000), round(h["p99"] / 1000))' "$work/$mode.json" 2>/dev/null)
	printf '%-6s %10s %11s us %11s us\n' "$mode" "${share[$mode]}" "${p50:-?}" "${p99:-?}"
	same "$mode: all come to a good end" "$status ${good:-0}" "0 300"
	[ $status = 0 ] || cat "$work/$mode.err"
	stop "$mode: SIGTERM ends it"
done
check "who sleeps leaves the CPU" "it took ${share[sleep]} %, polling ${share[poll]} %" [ "${share[sleep]}" -lt $((share[poll] / 2)) ]
status=0
"$tg" serve --check -c <(sed 's/idle = .*/idle = doze/' "$work/poll.ini") >"$work/wrong.out" 2>&1 || status=$?
same "a word that is none is refused, with those that there are" "$status $(grep -c 'poll.*pause.*sleep' "$work/wrong.out")" "2 1"
finish
