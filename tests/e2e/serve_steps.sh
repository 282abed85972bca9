# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# serve_steps.sh: what a kernel client must get from `tidegate serve`, whatever the device: sourced by
# the scripts of each device, after lib.sh, with $dev (the kernel's interface) set and $engine running.

fetch() {
	local url=$1 want=$2 what=$3 got
	got=$(in_c curl -sS -m 300 -g "$url" 2>"$work/curl.log" | sha256sum | cut -d' ' -f1)
	if [ "$got" = "$want" ]; then ok "$what"; else fail "$what" "SHA-256 $got: $(tail -n 1 "$work/curl.log")"; fi
}

# One gibibyte over each family; the quick run takes a sixteenth.
step_fetch() {
	local n=1073741824 want
	[ "$mode" != quick ] || n=67108864
	want=$(bytes_sha $n)
	fetch "http://192.0.2.1/bytes/$n" "$want" "curl fetches /bytes/$n over IPv4"
	fetch "http://[2001:db8::1]/bytes/$n" "$want" "curl fetches /bytes/$n over IPv6"
}

step_wrk() {
	local seconds=30 out errors
	[ "$mode" != quick ] || seconds=5
	command -v wrk >/dev/null || {
		skip wrk "no wrk here"
		return
	}
	out=$(ulimit -n 4096; in_c wrk -t2 -c1000 -d${seconds}s --timeout 10s http://192.0.2.1/ 2>&1)
	printf '%s\n' "$out" >"$work/wrk.log"
	errors=$(grep -E 'Socket errors|Non-2xx' <<<"$out" | tr -s ' ' | tr '\n' ' ')
	if ! grep -q 'requests in' <<<"$out"; then
		fail "wrk -c1000 -d${seconds}" "$(tail -n 1 <<<"$out")"
	elif [ -n "$errors" ]; then
		fail "wrk -c1000 -d${seconds}" "$errors"
	else
		ok "wrk -c1000 -d${seconds}: $(grep -o '[0-9]* requests in' <<<"$out") ${seconds}s, no error"
	fi
}

step_hold() {
	local n=10000 established out status=0
	exec 8> >(in_c timeout 200 python3 "$e2e/clients.py" hold 192.0.2.1 7 $n >"$work/hold.log" 2>&1; echo $? >"$work/hold.rc")
	local i
	for ((i = 0; i < 900; i++)); do
		grep -q '^held' "$work/hold.log" 2>/dev/null && break
		[ ! -f "$work/hold.rc" ] || break
		sleep 0.1
	done
	sleep 1.2
	established=$(stat connections.ESTABLISHED)
	printf '\n' >&8
	exec 8>&-
	for ((i = 0; i < 600; i++)); do
		[ ! -f "$work/hold.rc" ] || break
		sleep 0.1
	done
	out=$(tail -n 1 "$work/hold.log")
	status=$(cat "$work/hold.rc" 2>/dev/null || echo none)
	same "$n connections held open at once, each echoes ($out)" "$status" 0
	check "the engine counts them ($established)" "ESTABLISHED $established" test "${established:-0}" -ge $n
}

step_half_close() {
	local host out
	for host in 192.0.2.1 2001:db8::1; do
		if out=$(in_c python3 "$e2e/clients.py" half-close $host 7 3000000 2>&1); then
			ok "half-close over $host: $out"
		else
			fail "half-close over $host" "$out"
		fi
	done
}

# A whole capture of some requests, an echo and a ping: every byte of every frame right.
step_capture() {
	capture "$work/step.pcap" "$dev" 65535
	in_c curl -sS -m 20 http://192.0.2.1/bytes/300000 >/dev/null
	in_c curl -sS -m 20 -g 'http://[2001:db8::1]/bytes/300000' >/dev/null
	in_c curl -sS -m 20 -X POST --data-binary @"$tg" -o /dev/null http://192.0.2.1/sink
	in_c python3 "$e2e/clients.py" half-close 192.0.2.1 7 100000 >/dev/null 2>&1
	if command -v ping >/dev/null; then
		check "ping over IPv4" "no answer" in_c ping -q -c 3 -i 0.2 -W 2 192.0.2.1 >/dev/null
		check "ping over IPv6" "no answer" in_c ping -q -c 3 -i 0.2 -W 2 2001:db8::1 >/dev/null
	fi
	capture_end
	clean "$dev capture" "$work/step.pcap"
}

# Nothing dropped but what is no TCP for us (multicast, router solicitations); received adds up.
step_books() {
	local sums
	sums=$("$tg" stats --json --name "$instance" 2>/dev/null | python3 -c '
import json, sys
v = json.load(sys.stdin)
bad = [k for k in ("bad_csum", "bad_hdr", "ip_bad_len", "ip_bad_csum") if v["drops"].get(k)]
print("bad: " + " ".join(bad) if bad else "clean")' 2>&1)
	same "no frame of the kernel was judged wrong" "$sums" clean
}
