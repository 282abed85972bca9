# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# lib.sh: what the end-to-end scripts share. Source it first; call `finish` last.
#
# Namespaces and processes are made here and ended here, by name and by id; nothing else on the
# machine is touched. $work is a folder of the script's own.
set -uo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
e2e=$top/tests/e2e
name=$(basename "$0" .sh)
tg=${TIDEGATE:-$top/build/app/tidegate}
mode=${TG_TEST_MODE:-normal}
work=$(mktemp -d "/tmp/tidegate-$name.XXXXXX")
chmod 755 "$work"
passed=0 failed=0 skipped=0
pids=() spaces=()
instance=e2e$$    # for tidegate stats
ns_e=tg$$e ns_c=tg$$c # the engine's side, the kernel's side

ok() {
	printf 'ok %s\n' "$1"
	passed=$((passed + 1))
}
fail() {
	printf 'FAIL %s: %s\n' "$1" "$2"
	failed=$((failed + 1))
}
skip() {
	printf 'skip %s: %s\n' "$1" "$2"
	skipped=$((skipped + 1))
}
# check NAME WHY COMMAND...: ok when the command succeeds.
check() {
	local what=$1 why=$2
	shift 2
	if "$@"; then ok "$what"; else fail "$what" "$why"; fi
}
# same NAME GOT WANTED
same() {
	if [ "$2" = "$3" ]; then ok "$1"; else fail "$1" "got $2, wanted $3"; fi
}

end_pid() {
	local pid=$1 i
	kill -TERM "$pid" 2>/dev/null || return 0
	for ((i = 0; i < 50; i++)); do
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.1
	done
	kill -KILL "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
}
cleanup() {
	local x
	for x in "${pids[@]}"; do end_pid "$x"; done
	for x in "${spaces[@]}"; do ip netns del "$x" 2>/dev/null; done
	[ -n "${TG_KEEP:-}" ] || rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

finish() {
	printf '%s: %d passed, %d failed, %d skipped\n' "$name" $passed $failed $skipped
	[ $failed = 0 ]
	exit
}
# skip_all WHY: the whole script cannot run here.
skip_all() {
	skip "$name" "$1"
	finish
}
need() {
	local tool
	for tool in "$@"; do
		command -v "$tool" >/dev/null || skip_all "no $tool here"
	done
}
need_engine() {
	[ -x "$tg" ] || skip_all "no $tg; build first"
	"$tg" serve --help >/dev/null 2>&1 || skip_all "this build has no DPDK"
}
need_root() { [ "$(id -u)" = 0 ] || skip_all "needs root for network namespaces"; }

space() {
	ip netns add "$1" || skip_all "this machine allows no network namespaces"
	spaces+=("$1")
	ip -n "$1" link set lo up
}
# Commands in them. What runs in the background takes the words, not the function: so that its pid
# is the command's own.
in_c() { ip netns exec "$ns_c" "$@"; }
in_e() { ip netns exec "$ns_e" "$@"; }
words_c=(ip netns exec "$ns_c")
words_e=(ip netns exec "$ns_e")

# Two namespaces and a veth pair: tge (engine) and tgc (kernel: .2, the engine will be .1).
# Checksums are filled in by the kernel, so that captures and the engine see real ones.
make_veth() {
	space "$ns_e"
	space "$ns_c"
	in_e sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	ip link add tge netns "$ns_e" type veth peer name tgc netns "$ns_c" || skip_all "no veth here"
	local side
	for side in e c; do
		ip netns exec "tg$$$side" ethtool -K "tg$side" tx off tso off gso off gro off >/dev/null 2>&1
		ip -n "tg$$$side" link set "tg$side" up txqueuelen 10000
	done
	address_c tgc
}
# address_c IF: the kernel's addresses.
address_c() {
	ip -n "$ns_c" addr add 192.0.2.2/24 dev "$1"
	ip -n "$ns_c" -6 addr add 2001:db8::2/64 dev "$1" nodad
	in_c sysctl -qw net.ipv4.ip_local_port_range="1024 65535" net.ipv4.tcp_tw_reuse=1
}

# conf FILE DEVICE [ENGINE-LINE...]: the engine at 192.0.2.1 and 2001:db8::1, echo, http, discard, chargen.
conf() {
	local file=$1 device=$2
	shift 2
	{
		printf '[engine]\nworkers = 1\nconnections = 60000\n'
		[ $# = 0 ] || printf '%s\n' "$@"
		printf '\n[port outside]\ndevice = %s\naddress = 192.0.2.1/24 2001:db8::1/64\n' "$device"
		printf '\n[listener %s]\nport = %d\nservice = %s\n' web 80 http echo 7 echo discard 9 discard chargen 19 chargen
	} >"$file"
}

# start CONF [COMMAND-PREFIX...]: `tidegate serve`; its pid in $engine, its output in $engine_log.
start() {
	local file=$1 i
	shift
	engine_log=$work/engine.log
	rm -f "$engine_log" # of the one before, which says that it serves
	"$@" "$tg" serve -q --name "$instance" -c "$file" >"$engine_log" 2>&1 &
	engine=$!
	pids+=("$engine")
	for ((i = 0; i < 300; i++)); do
		if grep -qs '^serving as' "$engine_log"; then
			sleep 0.3
			return 0
		fi
		kill -0 "$engine" 2>/dev/null || break
		sleep 0.1
	done
	fail start "$(tail -n 1 "$engine_log")"
	return 1
}
# stop NAME [SIGNAL]: the engine ends by itself, with 0, within 2 s.
stop() {
	local what=$1 signal=${2:-TERM} begin status=0
	begin=$(date +%s%N)
	kill "-$signal" "$engine" 2>/dev/null
	wait "$engine" || status=$?
	local ms=$((($(date +%s%N) - begin) / 1000000))
	if [ $status != 0 ]; then
		fail "$what" "exit status $status: $(tail -n 1 "$engine_log")"
	elif [ $ms -gt 2500 ]; then
		fail "$what" "took $ms ms"
	else
		ok "$what"
	fi
}

# capture FILE IF: by dumpcap on the kernel's side; capture_end stops it.
capture() {
	"${words_c[@]}" dumpcap -q -i "$2" -B 64 -s "${3:-200}" -w "$1" >"$work/dumpcap.log" 2>&1 &
	capture_pid=$!
	pids+=("$capture_pid")
	local i
	for ((i = 0; i < 50; i++)); do
		[ ! -s "$1" ] || break
		sleep 0.1
	done
	sleep 0.3
}
capture_end() {
	sleep 0.5
	kill -TERM "$capture_pid" 2>/dev/null
	wait "$capture_pid" 2>/dev/null
}
# count FILE FILTER: packets of a capture.
count() {
	tshark -r "$1" -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE -Y "$2" -T fields -e frame.number 2>/dev/null | wc -l
}
# clean NAME FILE [RST]: no wrong checksum, no malformed frame, and no RST, unless they are expected.
# Cut frames (-s) have no checksum to check; a capture for that is taken whole. The kernel writes a TCP
# checksum of zero as 0xffff when it computes it for the device (one frame in 65,536), and so does
# net_tap. In one's complement both are zero, and receivers take them; tshark alone calls it bad.
bad_sum='ip.checksum.status == "Bad" || (tcp.checksum.status == "Bad" && !(tcp.checksum == 0xffff && tcp.checksum_calculated == 0))'
clean() {
	same "$1: packets were captured" "$([ "$(count "$2" tcp)" -gt 0 ] && echo yes)" yes
	same "$1: no checksum error" "$(count "$2" "$bad_sum")" 0
	# Which ones, for whoever reads the log.
	tshark -r "$2" -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE \
		-Y "$bad_sum" 2>/dev/null | head -n 5
	same "$1: no malformed frame" "$(count "$2" '_ws.malformed && !(frame.cap_len < frame.len)')" 0
	[ "${3:-}" = RST ] || same "$1: no RST" "$(count "$2" 'tcp.flags.reset == 1')" 0
}
# stat KEY: a figure of the running engine, by a path like connections.ESTABLISHED
stat() {
	"$tg" stats --json --name "$instance" 2>/dev/null | python3 -c '
import json, sys
v = json.load(sys.stdin)
for k in sys.argv[1].split("."):
    v = v[k]
print(v)' "$1" 2>/dev/null
}
# reaches KEY N: a figure becomes at least N; workers show theirs ten times a second.
reaches() {
	local i got
	for ((i = 0; i < 20; i++)); do
		got=$(stat "$1")
		[ "${got:-0}" -lt "$2" ] || return 0
		sleep 0.1
	done
	return 1
}
# bytes_sha N: SHA-256 of what GET /bytes/N must give: byte i = i mod 251.
bytes_sha() {
	python3 -c '
import hashlib, sys
n, h = int(sys.argv[1]), hashlib.sha256()
block = bytes(i % 251 for i in range(251)) * 4096
while n > 0:
    h.update(block[:n])
    n -= len(block)
print(h.hexdigest())' "$1"
}
