#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# `tidegate bench` in all its modes: every connection comes to a good end, in as many packets as it must, the books of
# both sides agree, nothing stays behind; Ctrl-C; what cannot be is refused in one line.
. "$(dirname "$0")/lib.sh"
need python3 setpriv pgrep
need_engine

user=()
[ "$(id -u)" != 0 ] || user=(setpriv --reuid=65534 --regid=65534 --clear-groups env -u XDG_RUNTIME_DIR)
if ! "${user[@]}" test -x "$tg"; then
	skip "without rights" "an unprivileged user cannot run $tg"
	user=()
fi
small=(--rate 20000 --connections 3000 --timeout-ms 20000 --duration 20)

# bench NAME OPTION...: by a user without rights; its JSON in NAME.json, its exit status in $status.
bench() {
	local what=$1
	shift
	status=0
	"${user[@]}" timeout 60 "$tg" bench --json "$@" >"$work/$what.json" 2>"$work/$what.err" || status=$?
}
# holds TEXT NAME PYTHON: of the JSON of NAME, as v, with l its load.
holds() {
	same "$1" "$(python3 -c '
import json, sys
v = json.load(open(sys.argv[1]))
l = v["load"]
print(bool(eval(sys.argv[2])))' "$work/$2.json" "$3" 2>&1 | tail -n 1)" True
}
# good NAME OPTION...: all end well; no packet is lost between the two, so each is sent and received once.
good() {
	local what=$1
	shift
	bench "$what" "$@"
	same "$what: exit status" $status 0
	[ $status = 0 ] || cat "$work/$what.err"
	holds "$what: all that were begun are good" "$what" 'l["begun"] == l["good"] == 3000 and l["failed"] == 0'
}

nohuge=(-- --no-huge -m 256)
good ring-1 --cores 1 "${small[@]}" "${nohuge[@]}"
holds "ring-1: four packets in, three out, TIME-WAIT kept" ring-1 \
	'v["server"]["packets_in"] < 4.05 and v["server"]["packets_out"] < 3.05 and l["time_wait"] == 3000'
holds "ring-1: both sides were busy, and nothing was lost" ring-1 \
	'v["server"]["busy_ns"] > 0 and v["client"]["busy_ns"] > 0 and v["server"]["packets_lost"] == 0'
holds "ring-1: what one sends the other receives" ring-1 \
	'abs(v["server"]["packets_in"] - v["client"]["packets_out"]) < 0.01 or v["client"]["packets_lost"] > 0'
good ring-2 "${small[@]}" --do echo --bytes 3000 "${nohuge[@]}"
holds "ring-2: every byte came back" ring-2 'l["text_bytes"]["in"] == 9000000'
good ring-close --cores 1 "${small[@]}" --close server "${nohuge[@]}"
holds "ring-close: the server closes, and keeps TIME-WAIT" ring-close 'l["time_wait"] == 0'
good ring-ipv6 --cores 1 --ipv6 "${small[@]}" --do down --bytes 5000 "${nohuge[@]}"
good memif --mode memif "${small[@]}" "${nohuge[@]}"
holds "memif: the other process shows its figures" memif 'v["server"]["busy_ns"] > 0 and v["server"]["packets_in"] > 3.9'
same "memif: nothing stays behind" "$(ls -d /tmp/tidegate-memif.* 2>/dev/null | wc -l)" 0

bench hold --cores 1 --hold 20000 --rate 20000 --churn 2000 --duration 4 --timeout-ms 20000 "${nohuge[@]}"
holds "hold: within 1 %, none failed" hold 'l["failed"] == 0 and 19800 <= l["held"]["least"] <= l["held"]["most"] <= 20200'
holds "hold: memory is flat" hold 'l["held"]["memory_to"] <= 1.02 * l["held"]["memory_from"]'

bench overload --cores 1 --overload --msl-ms 100 --timeout-ms 20000 -- --no-huge -m 256
holds "overload: the best rate is found, and twice that is offered" overload \
	'v["overload"]["finished"] and v["overload"]["steps"][-1]["offered"] >= 1.9 * v["overload"]["best"] > 0'
holds "overload: the exit status follows the share that is left" overload "(v['overload']['share'] >= 0.9) == ($status == 0)"
holds "overload: no collapse" overload 'v["overload"]["share"] >= 0.5'

"${user[@]}" "$tg" bench --cores 1 --rate 1000 --duration 60 "${nohuge[@]}" >"$work/int.out" 2>&1 &
pid=$!
pids+=("$pid")
for _ in $(seq 150); do
	grep -q '^ *2 s' "$work/int.out" && break
	sleep 0.1
done
kill -INT "$pid"
status=0
wait $pid || status=$?
same "Ctrl-C: exit 0, with the figures so far" \
	"$status $(grep -c '^Interrupted' "$work/int.out") $(grep -c '^server: busy' "$work/int.out")" "0 1 1"

# wrong NAME PATTERN OPTION...: exit 2 and one line that says so.
wrong() {
	local what=$1 pattern=$2
	shift 2
	bench wrong "$@"
	if [ $status = 2 ] && [ "$(wc -l <"$work/wrong.err")" = 1 ] && grep -q -- "$pattern" "$work/wrong.err"; then
		ok "$what"
	else
		fail "$what" "exit $status, $(head -n 2 "$work/wrong.err")"
	fi
}
wrong "an unknown mode" 'must be ring, memif or kernel' --mode card
wrong "three cores" '--cores 3: must be a whole number from 1 to 2' --cores 3
wrong "one core for two processes" 'is for --mode ring' --cores 1 --mode memif
wrong "a target of one's own" 'makes its own devices' --target 192.0.2.9:80
wrong "a file" 'leave -c out' -c "$top/config/load.ini"
wrong "rate 0" 'rate = 0: must be a whole number from 1' --rate 0
wrong "duration 0" 'duration_s = 0' --duration 0
wrong "more than there can be" '100000000 are the most' --hold 100000000
wrong "more memory than memory_mb, with the figure" 'the plan takes [0-9]* MiB' --hold 1000000 --memory-mb 100
wrong "a flood" 'no server that answers' --flood syn --duration 1
wrong "what is offered to find the best rate" 'leave --hold' --overload --hold 10
wrong "an unknown option" 'unknown option --nothing' --nothing
if [ "$(id -u)" = 0 ] && [ ${#user[@]} -gt 0 ]; then
	wrong "the kernel's side without rights" 'run it as root' --mode kernel
fi

if [ "$(id -u)" != 0 ] || ! command -v nginx ethtool ip >/dev/null; then
	skip "kernel" "needs root, nginx, ethtool and ip"
	finish
fi
user=()
good kernel --mode kernel --rate 1000 --connections 3000 --timeout-ms 20000 --duration 20
holds "kernel: nginx's CPU time is told" kernel 'v["nginx_cpu_ns"] > 0 and v["client"]["packets_in"] >= 3'
same "kernel: no namespace and no interface stays behind" \
	"$(ip netns list | grep -c '^tgbench') $(ip -o link | grep -c ': tgn[0-9]')" "0 0"
finish
