#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# SIGHUP under traffic: prefixes that may and may not connect change, nobody who is there notices;
# what needs a restart is named. And what a dry run of the cookies says.
. "$(dirname "$0")/lib.sh"
need ip ethtool curl python3
need_engine
need_root
make_veth
ip -n "$ns_c" addr add 192.0.2.3/24 dev tgc

deny=$work/deny.txt
: >"$deny"
conf "$work/reload.ini" net_af_packet0,iface=tge,qpairs=1,framecnt=2048 \
	"deny_file = $deny" 'synq_high = 10' 'synq_low = 5' 'synack_retries = 1' 'rst_rate = 0'
cat >>"$work/reload.ini" <<-END
	[listener dry]
	port = 81
	service = echo
	syn_cookies = dry-run
END
start "$work/reload.ini" "${words_e[@]}" || finish

# reload NAME PATTERN: SIGHUP, and a line that it brings.
reload() {
	local before i
	before=$(wc -l <"$engine_log")
	kill -HUP "$engine"
	for ((i = 0; i < 100; i++)); do
		if tail -n "+$((before + 1))" "$engine_log" | grep -qE "$2"; then
			ok "$1"
			return
		fi
		sleep 0.1
	done
	fail "$1" "no line $2 but: $(tail -n "+$((before + 1))" "$engine_log" | tail -n 2)"
}
# get ADDRESS: one request from there; its exit status.
get() { in_c curl -sS -o /dev/null -m 5 --interface "$1" http://192.0.2.1/ 2>/dev/null; }
says() { grep -qE "$1" "$engine_log"; }
# waits SECONDS PATTERN: for a line of the engine.
waits() {
	local i
	for ((i = 0; i < $1 * 10; i++)); do
		says "$2" && return 0
		sleep 0.1
	done
	return 1
}
# prefixes N: so many that hold nobody here.
prefixes() {
	python3 -c '
import random, sys
r = random.Random(7)
for i in range(int(sys.argv[1])):
    a = r.getrandbits(24)
    print(f"10.{a >> 16}.{a >> 8 & 255}.{a & 255}" if i % 2 else f"2001:{a >> 16:x}:{a & 65535:x}::/48")' "$1"
}

check "who may connect does" "exit $?" get 192.0.2.2

# A slow download from .2, and requests from .3, one after the other, while the rest happens.
n=40000000
want=$(bytes_sha $n)
"${words_c[@]}" curl -sS -m 120 --interface 192.0.2.2 --limit-rate 5M -o "$work/slow" "http://192.0.2.1/bytes/$n" 2>"$work/slow.log" &
slow=$!
pids+=("$slow")
"${words_c[@]}" bash -c 'while [ ! -e "$0/stop" ]; do
	curl -sS -o /dev/null -m 5 --interface 192.0.2.3 http://192.0.2.1/ 2>>"$0/others.log" || echo lost >>"$0/others"
	echo done >>"$0/others"
done' "$work" &
others=$!
pids+=("$others")
sleep 0.5

{ prefixes 5000; echo '192.0.2.2   # this one'; } >"$deny"
reload "5001 denied prefixes are read" 'reload: listener web: 0 allowed and 5001 denied prefixes'
get 192.0.2.2
same "who is denied now is refused" $? 7
check "who is not is served" "exit $?" get 192.0.2.3
check "refusals are counted" "listen_refused" reaches counters.listen_refused 1
echo '10.0.0.0/40' >>"$deny"
reload "a wrong line is named, and the old set stays" 'reload: .*deny\.txt:5002: 10\.0\.0\.0/40: is no prefix.*stays as it was'
get 192.0.2.2
same "who was denied still is" $? 7
mv "$deny" "$deny.gone"
reload "a file that is gone is named, with the key's line" 'reload: .*reload\.ini:[0-9]+: deny_file .*cannot be read'
echo '# nobody' >"$deny"
reload "0 prefixes are a list, too" 'reload: listener web: 0 allowed and 0 denied'
check "who is denied no more is served" "exit $?" get 192.0.2.2

# Many times, and many prefixes: nothing is lost on the way, and nothing is left behind.
rss() { awk '/^VmRSS/ { print $2 }' "/proc/$engine/status"; }
again() {
	local i
	for ((i = 0; i < $1; i++)); do
		kill -HUP "$engine"
		sleep 0.4
	done
	sleep 1
}
prefixes 100000 >"$deny"
reload "100,000 prefixes are read" '100000 denied prefixes'
again 4 # now the allocator has what it wants
begin=$(rss)
again 8
grown=$(($(rss) - begin))
check "eight reloads leave nothing behind ($grown KiB)" "$grown KiB more" test $grown -lt 4096

sed -i 's/^connections = 60000/connections = 50000/; s/^port = 19$/port = 20/' "$work/reload.ini"
reload "a key that needs a restart is named" 'reload: \[engine\] connections has changed: that needs a restart'
check "and one of a listener" "no line" says 'reload: \[listener chargen\] port has changed'
check "the old port is served" "exit $?" in_c timeout 5 bash -c 'head -c 100 </dev/tcp/192.0.2.1/19 >/dev/null'

touch "$work/stop"
wait "$others"
wait "$slow"
same "the download that was under way ends ($(tail -n 1 "$work/slow.log"))" $? 0
same "and is whole" "$(sha256sum <"$work/slow" | cut -d' ' -f1)" "$want"
same "of $(grep -c done "$work/others") other requests none was lost" "$(grep -c lost "$work/others")" 0

# --- SYNs in the names of others: one listener arms, the other says that it would have ---
cat >"$work/syns.py" <<-'END'
	import socket, struct, sys
	def checksum(b):
	    s = sum(struct.unpack(f"!{len(b) // 2}H", b))
	    s = (s >> 16) + (s & 65535)
	    return ~(s + (s >> 16)) & 65535
	raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
	dst = socket.inet_aton("192.0.2.1")
	for i in range(20):
	    src = socket.inet_aton(f"192.0.2.{100 + i}")
	    def tcp(c):
	        return struct.pack("!HHIIBBHHH", 4000 + i, int(sys.argv[1]), 7 * i, 0, 5 << 4, 2, 65535, c, 0)
	    seg = tcp(checksum(src + dst + struct.pack("!HH", 6, 20) + tcp(0)))
	    raw.sendto(struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, i, 0, 64, 6, 0, src, dst) + seg, ("192.0.2.1", 0))
END
in_c python3 "$work/syns.py" 81
check "a dry run says when it would have armed" "no line" waits 5 \
	'^20..-..-..T..:..:..Z listener dry: dry run: cookies would have armed: 10 half-open, synq_high is 10'
reaches counters.cookie_would_arm 1
same "and is counted" "$(stat counters.cookie_would_arm)" 1
same "it sent no cookie" "$(stat counters.cookie_sent)" 0
in_c python3 "$work/syns.py" 80
check "the other one arms" "no line" waits 5 '^20.*Z listener web: cookies armed: 10 half-open'
reaches counters.cookie_sent 10
same "and sends cookies" "$(stat counters.cookie_sent)" 10
check "the dry run would have disarmed" "no line" waits 10 'listener dry: dry run: cookies would have disarmed, after [0-9.]+ s'
check "the other one disarms" "no line" waits 10 'listener web: cookies disarmed, after [0-9.]+ s'
stop "SIGTERM ends it"
finish
