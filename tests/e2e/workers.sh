#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Two workers over a device with one queue: software hands every packet to the worker that owns its
# flow, and the worker without a transmit queue sends through the other.
. "$(dirname "$0")/lib.sh"
. "$e2e/serve_steps.sh"
need ip ethtool curl python3 ping
need_engine
need_root
make_veth
dev=tgc n=2000
conf "$work/workers.ini" net_af_packet0,iface=tge,qpairs=1,framecnt=2048
sed -i 's/^workers = 1/workers = 2/' "$work/workers.ini"
start "$work/workers.ini" "${words_e[@]}" || finish
check "the device steers in software" "$(grep '^port outside' "$engine_log")" \
	grep -q '1 receive and 1 transmit queue, .*steering in software' "$engine_log"

# workers N: what they say of themselves while N connections are open.
workers() {
	"$tg" stats --json --name "$instance" 2>/dev/null | python3 -c '
import json, sys
v = json.load(sys.stdin)
each = [w["connections"]["ESTABLISHED"] for w in v["workers"]]
assert len(each) == 2, each
assert sum(each) == v["connections"]["ESTABLISHED"] == int(sys.argv[1]), each
assert min(each) > int(sys.argv[1]) // 4, f"unevenly spread: {each}"
assert v["steered"] > 0, "nothing was handed over"
assert v["drops"]["steer_full"] == 0, v["drops"]["steer_full"]
print(*each)' "$1" 2>&1
}

exec 8> >(in_c timeout 100 python3 "$e2e/clients.py" hold 192.0.2.1 7 $n >"$work/hold.log" 2>&1; echo $? >"$work/hold.rc")
for ((i = 0; i < 600; i++)); do
	grep -q '^held' "$work/hold.log" 2>/dev/null && break
	[ ! -f "$work/hold.rc" ] || break
	sleep 0.1
done
sleep 1.2
status=0
out=$(workers $n) || status=$?
check "$n connections are spread over both workers ($out)" "$(tail -n 1 <<<"$out")" test $status = 0
printf '\n' >&8
exec 8>&-
for ((i = 0; i < 300; i++)); do
	[ ! -f "$work/hold.rc" ] || break
	sleep 0.1
done
same "each of them echoes ($(tail -n 1 "$work/hold.log"))" "$(cat "$work/hold.rc" 2>/dev/null)" 0

bytes=104857600
[ "$mode" != quick ] || bytes=20971520
want=$(bytes_sha $bytes)
for i in 1 2 3 4; do # four ports of the client: flows of both workers, by all odds
	fetch "http://192.0.2.1/bytes/$bytes" "$want" "fetch $i of /bytes/$bytes over IPv4"
	[ $i != 1 ] || fetch "http://[2001:db8::1]/bytes/$bytes" "$want" "fetch of /bytes/$bytes over IPv6"
	bytes=1048576 want=$(bytes_sha 1048576)
done
answers() { in_c ping -q -c 3 -i 0.2 -W 2 "$1" >"$work/ping.log" 2>&1; }
check "ping over IPv4" "no answer" answers 192.0.2.1
check "ping over IPv6" "no answer" answers 2001:db8::1
# A segment that reached the wrong worker would find no connection there and be answered with RST.
same "every flow stayed on one worker: no RST" "$(stat counters.rst_sent)" 0
step_books
stop "SIGTERM ends it"
finish
