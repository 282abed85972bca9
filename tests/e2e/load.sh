#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# `tidegate load` against the kernel's nginx and against `tidegate serve`: good ends of every kind, each failure by its
# cause, what is expected, Ctrl-C, and on the wire: checksums, resets, ports that are random and never used twice.
. "$(dirname "$0")/lib.sh"
need ip ethtool nginx python3 tshark dumpcap setpriv taskset pgrep
need_engine
need_root
make_veth
ip -n "$ns_c" route add 198.18.7.0/24 via 192.0.2.1
ip -n "$ns_c" route add blackhole 198.18.9.0/24 # what comes from there is never answered

mkdir -p "$work/www"
seq 100000 | head -c 10000 >"$work/www/file.txt"
cat >"$work/nginx.conf" <<END
daemon off;
worker_processes 1;
pid $work/nginx.pid;
error_log $work/nginx.log;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path $work/t1; proxy_temp_path $work/t2; fastcgi_temp_path $work/t3;
  uwsgi_temp_path $work/t4; scgi_temp_path $work/t5;
  server { listen 192.0.2.2:7000 backlog=1024; listen [2001:db8::2]:7000 backlog=1024; root $work/www; }
}
END
"${words_c[@]}" nginx -c "$work/nginx.conf" >"$work/nginx.out" 2>&1 &
pids+=($!)
"${words_c[@]}" python3 "$e2e/load_peer.py" serve 192.0.2.2 >"$work/peer.out" 2>&1 &
pids+=($!)
for _ in $(seq 50); do
	[ -s "$work/nginx.pid" ] && [ -s "$work/peer.out" ] && break
	sleep 0.1
done

device=(--device net_af_packet0,iface=tge,framecnt=2048 --address 192.0.2.1/24 --address 2001:db8::1/64)
# load NAME OPTION...: one run, its JSON in NAME.json, its exit status in $status. The patience is long: machines are busy.
load() {
	local what=$1
	shift
	status=0
	in_e timeout 60 "$tg" load --name "$instance" "${device[@]}" --timeout-ms 20000 --json "$@" \
		>"$work/$what.json" 2>"$work/$what.err" || status=$?
}
# figure NAME PATH: out of its JSON, like failures.reset
figure() {
	python3 -c '
import json, sys
v = json.load(open(sys.argv[1]))
for k in sys.argv[2].split("/"):
    v = v[k]
print(v)' "$work/$1.json" "$2" 2>/dev/null
}
# good NAME N OPTION...: all N connections begin, and end well.
good() {
	local what=$1 n=$2
	shift 2
	load "$what" --connections "$n" --rate 100 "$@"
	same "$what: exit status, begun and good" "$status $(figure "$what" begun) $(figure "$what" good)" "0 $n $n"
	[ $status = 0 ] || { cat "$work/$what.err" "$work/$what.json"; }
}
# bad NAME CAUSE OPTION...: 20 connections, all of which fail so, and the run with them.
bad() {
	local what=$1 cause=$2
	shift 2
	load "$what" --connections 20 --rate 100 "$@"
	same "$what: exit status and cause" "$status $(figure "$what" failed) $(figure "$what" "failures/$cause")" "1 20 20"
	[ "$(figure "$what" "failures/$cause")" = 20 ] || cat "$work/$what.err" "$work/$what.json"
}

# --- good ends, against nginx ---

capture "$work/good.pcap" tgc 65535
good http 150 --target 192.0.2.2:7000 --target '[2001:db8::2]:7000' --do http --path /file.txt --requests 2
same "http: requests answered, bytes" "$(figure http requests) $(($(figure http text_bytes/in) >= 300 * 10000))" "300 1"
capture_end
clean "http" "$work/good.pcap"
if python3 "$e2e/load_peer.py" tuples "$work/good.pcap" >"$work/tuples.out"; then
	ok "ports are random and none is used twice"
else
	fail "ports are random and none is used twice" "$(cat "$work/tuples.out")"
fi
same "TIME-WAIT of ours is kept" "$(figure http time_wait)" 150
good server-closes 40 --target 192.0.2.2:7000 --do http --path /file.txt --close server
same "server-closes: no TIME-WAIT of ours" "$(figure server-closes time_wait)" 0
good both 40 --target 192.0.2.2:7000 --do http --path /file.txt --close both
good half 40 --target 192.0.2.2:7000 --do http --path /file.txt --close half
# From a network that is routed to us, and from one on the link, for which ARP is answered.
good routed 60 --target 192.0.2.2:7000 --source 198.18.7.0/24
good on-link 60 --target 192.0.2.2:7000 --source 192.0.2.192/27
load hold --target 192.0.2.2:7000 --hold 60 --rate 100 --churn 30 --duration 2
same "hold: 60 were open, more were churned, none failed" \
	"$status $(figure hold failed) $(($(figure hold live_max) >= 50)) $(($(figure hold begun) > 66))" "0 0 1 1"
good two-workers 60 --workers 2 --target 192.0.2.2:7000 --source 198.18.7.0/24 --do http --path /file.txt
good rst 20 --target 192.0.2.2:7000 --close rst

# --- each failure by its cause ---

bad refused refused --target 192.0.2.2:81
bad silent timeout --target 192.0.2.2:7000 --source 198.18.9.0/24 --timeout-ms 1500
bad no-neighbour unreachable --target 192.0.2.77:80 --timeout-ms 4000
bad reset reset --target 192.0.2.2:1001 --do echo
bad early closed_early --target 192.0.2.2:1002 --keep-ms 3000
bad stalled stalled --target 192.0.2.2:1003 --do echo --timeout-ms 2000
bad nonsense bad_answer --target 192.0.2.2:1004 --do http
bad bad-bytes bad_bytes --target 192.0.2.2:1004 --do echo --bytes 100
bad not-closed not_closed --target 192.0.2.2:1005 --timeout-ms 2000
bad stops unfinished --target 192.0.2.2:1006 --do http --timeout-ms 2000
bad leaves closed_early --target 192.0.2.2:1007 --do http --timeout-ms 4000
bad status bad_answer --target 192.0.2.2:7000 --do http --path /nothing
same "nobody answers: it ends all the same" "$(figure no-neighbour begun)" 20

# Nothing hangs past its duration and the patience with the rest: start and end take a few seconds more.
began=$(date +%s)
load hangs --target 192.0.2.2:1003 --do echo --rate 100 --duration 2 --timeout-ms 3000
check "a silent server: over when the duration and the patience are" "took $(($(date +%s) - began)) s" \
	[ $(($(date +%s) - began)) -le 12 ]
same "a silent server: exit status, and all are told" \
	"$status $(($(figure hangs failed) == $(figure hangs begun)))" "1 1"

# --- what is expected, and told ---

load expect-yes --target 192.0.2.2:7000 --rate 100 --connections 20 --expect 'success>=99.9% handshake.p99<=9s'
same "what is expected and is: exit 0" $status 0
load expect-no --target 192.0.2.2:7000 --rate 100 --connections 20 --expect 'success>=99.9% rate>=1000000'
same "what is expected and is not: exit 1, and said" "$status $(grep -c 'NO, it is' "$work/expect-no.err")" "1 1"
load expect-fails --target 192.0.2.2:81 --rate 100 --connections 20 --expect 'success<1%'
same "failures that are expected: exit 0" $status 0

in_e "$tg" load --name "$instance" "${device[@]}" --target 192.0.2.2:7000 --rate 100 --duration 60 --plain --csv "$work/load.csv" \
	>"$work/int.out" 2>&1 &
pid=$!
pids+=("$pid")
for _ in $(seq 100); do
	grep -q '^t=2' "$work/int.out" && break
	sleep 0.1
done
child=$(pgrep -P $pid || echo $pid)
begin=$(date +%s)
kill -INT "$child"
status=0
wait $pid || status=$?
same "Ctrl-C: exit 0, with the figures so far" \
	"$status $(grep -c '^Interrupted' "$work/int.out") $(grep -c ' 0 failed: success 100 %' "$work/int.out")" "0 1 1"
check "Ctrl-C: at once" "took $(($(date +%s) - begin)) s" [ $(($(date +%s) - begin)) -le 12 ]
check "a line each second, and in the file" "$(cat "$work/load.csv")" \
	[ "$(grep -c '^t=' "$work/int.out")" -ge 2 -a "$(grep -c '^[0-9]' "$work/load.csv")" -ge 2 ]
same "each line of the file is whole" "$(awk -F, 'NF != 16' "$work/load.csv" | wc -l)" 0

# wrong NAME PATTERN OPTION...: exit 2 and one line that says so.
wrong() {
	local what=$1 pattern=$2
	shift 2
	load wrong "$@"
	if [ $status = 2 ] && [ "$(wc -l <"$work/wrong.err")" = 1 ] && grep -q "$pattern" "$work/wrong.err"; then
		ok "$what"
	else
		fail "$what" "exit $status, $(head -n 2 "$work/wrong.err")"
	fi
}
wrong "rate 0 is refused" 'rate = 0: must be a whole number from 1' --target 192.0.2.2:80 --rate 0
wrong "duration 0 is refused" 'duration_s = 0' --target 192.0.2.2:80 --rate 1 --duration 0
wrong "more connections than tuples are refused, with the figure" 'than the 64512 pairs' --target 192.0.2.2:80 --hold 100000
wrong "a public target is refused" 'i-own-the-target' --target 8.8.8.8:53 --rate 1
wrong "a source that holds the target is refused" 'has the address of a target' --target 192.0.2.2:80 --rate 1 --source 192.0.2.0/24
wrong "more memory than there is is refused, with the figure" 'the plan takes [0-9]* MiB' --target 192.0.2.2:80 --source 198.18.0.0/15 --hold 1000000 --memory-mb 100
wrong "a prefix of no address is refused" '198.18.0.0/33' --target 192.0.2.2:80 --rate 1 --source 198.18.0.0/33
wrong "more churn than rate is refused" 'is below churn' --target 192.0.2.2:80 --hold 10 --rate 5 --churn 6
wrong "an unknown option is refused" 'unknown option --nothing' --target 192.0.2.2:80 --rate 1 --nothing
wrong "what is expected must make sense" 'write it like' --target 192.0.2.2:80 --rate 1 --expect 'succes>=99%'
wrong "a file that is not there" 'cannot be opened' -c "$work/none.ini"

status=0
"$tg" serve -c "$top/config/load.ini" >"$work/wrong.err" 2>&1 || status=$?
same "serve has no use for [load], and says so" "$status $(grep -c 'is for .tidegate load' "$work/wrong.err")" "2 1"
status=0
"$tg" load --check -c "$top/config/load.ini" --rate 2000 >"$work/check.out" 2>&1 || status=$?
same "the annotated file is good, and an option wins over it" "$status $(grep -c '20000 TIME-WAIT' "$work/check.out")" "0 1"

# --- a flood ---

capture "$work/flood.pcap" tgc 100
load flood --target 192.0.2.2:7000 --source 198.18.7.0/24 --flood syn --rate 500 --duration 1
capture_end
sent=$(figure flood flood_sent)
same "flood: what was sent came" "$status $((sent >= 300)) $(count "$work/flood.pcap" 'tcp.flags == 2 && ip.src == 198.18.7.0/24')" "0 1 $sent"
same "flood: no state, and next to no answer of ours" \
	"$(($(count "$work/flood.pcap" 'ip.src == 198.18.7.0/24 && tcp.flags != 2') <= 20))" 1
check "flood: from many addresses" "too few" [ "$(tshark -r "$work/flood.pcap" -Y 'tcp.flags == 2' -T fields -e ip.src 2>/dev/null | sort -u | wc -l)" -ge 100 ]

# Each kind from a network of its own, so that one capture tells them apart.
capture "$work/kinds.pcap" tgc
at=0
for kind in synack ack rst fin mixed; do
	load "flood.$kind" --target 192.0.2.2:7000 --source 198.18.7.$at/28 --flood $kind --rate 1000 --connections 100
	same "flood: 100 of $kind, and no more" "$status $(figure "flood.$kind" flood_sent)" "0 100"
	at=$((at + 16))
done
capture_end
# kind_count NETWORK FLAGS
kind_count() { count "$work/kinds.pcap" "ip.src == 198.18.7.$1/28 && tcp.flags == $2"; }
same "flood: SYN-ACKs, ACKs, RSTs, FINs are what they are called" \
	"$(kind_count 0 0x12) $(kind_count 16 0x10) $(kind_count 32 4) $(kind_count 48 0x11)" "100 100 100 100"
same "flood: mixed is all of them" "$(tshark -r "$work/kinds.pcap" -Y 'ip.src == 198.18.7.64/28' -T fields -e tcp.flags 2>/dev/null | sort -u | wc -l)" 5
same "flood: all checksums are right" "$(count "$work/kinds.pcap" 'ip.src == 198.18.7.0/24 && tcp.checksum.status != 1')" 0
in_e ip link add tgdummy type dummy 2>/dev/null && in_e ip link set tgdummy up
wrong "a flood that would leave the machine" 'a flood may leave by' --device net_af_packet0,iface=tgdummy \
	--target 192.0.2.2:7000 --source 198.18.7.0/24 --flood syn --rate 10 --duration 1

# --- against tidegate, by a user without rights, without hugepages: shared memory between two processes ---

box=$work/box
install -d -m 777 "$box"
nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups env -u XDG_RUNTIME_DIR)
cat >"$box/serve.ini" <<END
[engine]
connections = 5000
[port outside]
device = net_memif0,role=server,socket=$box/memif.sock,socket-abstract=no
address = 192.0.2.1/24 2001:db8::1/64
[listener echo]
port = 7
service = echo
[listener discard]
port = 9
service = discard
[listener web]
port = 80
service = http
END
chmod 644 "$box/serve.ini"
if ! "${nobody[@]}" test -x "$tg" || ! "${nobody[@]}" test -r "$box/serve.ini"; then
	skip "without rights" "an unprivileged user cannot read $tg"
	finish
fi
"${nobody[@]}" "$tg" serve -q --name "${instance}s" -c "$box/serve.ini" -- --no-huge -m 256 >"$work/serve.log" 2>&1 &
pids+=($!)
for _ in $(seq 100); do
	grep -qs '^serving as' "$work/serve.log" && break
	sleep 0.1
done
device=(--device "net_memif0,role=client,socket=$box/memif.sock,socket-abstract=no" --address 192.0.2.2/24 --address 2001:db8::2/64)
# Two that poll, each on a CPU of its own: workers take the last one that they may.
in_e() { "${nobody[@]}" taskset -c 0 "$@"; }
mine() { good "$@" -- --no-huge -m 256; }
mine echo 100 --target 192.0.2.1:7 --target '[2001:db8::1]:7' --do echo --bytes 3000 --requests 2
same "echo: every byte came back" "$(figure echo text_bytes/in)" 600000
mine down 30 --target 192.0.2.1:80 --do down --bytes 100000
mine up 30 --target '[2001:db8::1]:9' --do up --bytes 100000
same "up: every byte was sent" "$(figure up text_bytes/out)" 3000000
mine half-echo 50 --target 192.0.2.1:7 --do echo --bytes 5000 --close half
# A run that holds tells how many, and in what memory.
load holds --target 192.0.2.1:7 --hold 500 --rate 500 --churn 50 --duration 4 -- --no-huge -m 256
same "hold: those that are held are told" "$status $(($(figure holds held/least) >= 450)) $(($(figure holds held/most) <= 500))" "0 1 1"
check "hold: memory is flat" "from $(figure holds held/memory_from) to $(figure holds held/memory_to)" \
	[ "$(figure holds held/memory_to)" -le $(($(figure holds held/memory_from) / 100 * 102)) ]
mine ramp 60 --target 192.0.2.1:7 --do echo --requests 2 --think-ms 50 --keep-ms 50 --ramp-up 1 --duration 5
finish
