#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# What a port is made of goes away while tidegate serves: it goes on, says so in one line, shows it in
# `stats`, and serves again where the driver can.
. "$(dirname "$0")/lib.sh"
need ip ethtool python3
need_engine

# told NAME PATTERN: exactly one line on the port that fits, within three seconds.
told() {
	local i n
	for ((i = 0; i < 30; i++)); do
		n=$(grep -c "^port outside: $2" "$engine_log")
		[ "$n" = 0 ] || break
		sleep 0.1
	done
	sleep 0.5 # a second line would come now
	same "$1: one line" "$(grep -c "^port outside: $2" "$engine_log")" 1
}
# lines NAME N: the lines on the port after its description, all together.
lines() { same "$1: no line too many" "$(grep -cE '^port outside: (link|interface)' "$engine_log")" "$2"; }
link_is() { same "$1: stats says $2" "$(stat ports.outside.link)" "$2"; }
echoes() {
	check "$1" "no echo" in_c timeout 20 python3 - <<'END'
import socket, sys, time
for tries in range(8):
    try:
        s = socket.create_connection(("192.0.2.1", 7), timeout=2)
        s.sendall(b"tidegate")
        sys.exit(s.recv(8) != b"tidegate")
    except OSError:
        time.sleep(0.3)
sys.exit(1)
END
}
# A reader of chargen, so that the engine has something to send when the interface goes.
stream() {
	"${words_c[@]}" timeout 60 python3 -c '
import socket
s = socket.create_connection(("192.0.2.1", 19), timeout=5)
while s.recv(65536): pass' >/dev/null 2>&1 &
	pids+=($!)
	sleep 0.5
}

try_af_packet() {
	make_veth
	conf "$work/veth.ini" net_af_packet0,iface=tge,qpairs=1,framecnt=512
	start "$work/veth.ini" "${words_e[@]}" || return
	link_is "af_packet" up
	stream
	ip -n "$ns_e" link set tge down
	told "af_packet, interface set down" "link is down"
	link_is "af_packet, interface set down" down
	ip -n "$ns_e" link set tge up
	told "af_packet, interface set up" "link is up"
	echoes "af_packet, interface set up: serves again"
	stream
	ip -n "$ns_e" link del tge
	told "af_packet, interface deleted" "interface tge is gone"
	link_is "af_packet, interface deleted" gone
	ip -n "$ns_e" link add tge type veth peer name tgx
	told "af_packet, another of that name" "interface tge is back as a new one"
	lines "af_packet" 4
	stop "af_packet, interface deleted: SIGTERM ends it"
}

try_tap() {
	[ -c /dev/net/tun ] || {
		skip tap "no /dev/net/tun here"
		return
	}
	conf "$work/tap.ini" net_tap0,iface=tgtap
	start "$work/tap.ini" "${words_c[@]}" || return
	in_c ethtool -K tgtap tx off >/dev/null 2>&1
	ip -n "$ns_c" link set tgtap up
	address_c tgtap
	echoes "tap: serves"
	stream
	ip -n "$ns_c" link set tgtap down
	told "tap, kernel's end set down" "link is down"
	link_is "tap, kernel's end set down" down
	ip -n "$ns_c" link set tgtap up
	told "tap, kernel's end set up" "link is up"
	echoes "tap, kernel's end set up: serves again"
	stream
	ip -n "$ns_c" link del tgtap
	told "tap, kernel's end deleted" "interface tgtap is gone"
	link_is "tap, kernel's end deleted" gone
	lines "tap" 3
	stop "tap, kernel's end deleted: SIGTERM ends it"
}

# The other end of shared memory is a process: it is killed, and another comes.
peer() {
	XDG_RUNTIME_DIR=$work dpdk-testpmd --no-huge --no-shconf -m 256 --no-pci -l 0-1 --file-prefix "vanish$$" \
		--vdev "net_memif0,role=client,socket=$work/memif.sock,socket-abstract=no" -- \
		--forward-mode=txonly --total-num-mbufs=4096 --no-lsc-interrupt --tx-first >"$work/peer.log" 2>&1 < <(sleep 60) &
	peer=$!
	pids+=("$peer")
}
try_memif() {
	command -v dpdk-testpmd >/dev/null || {
		skip memif "no dpdk-testpmd here"
		return
	}
	conf "$work/memif.ini" "net_memif0,role=server,socket=$work/memif.sock,socket-abstract=no"
	start "$work/memif.ini" env || return
	told "memif, nobody there yet" "link is down"
	peer
	told "memif, a peer comes" "link is up"
	kill -KILL "$peer"
	wait "$peer" 2>/dev/null
	sleep 1
	same "memif, the peer is killed: one line more" "$(grep -c '^port outside: link is down' "$engine_log")" 2
	link_is "memif, the peer is killed" down
	peer
	sleep 3
	link_is "memif, another peer comes" up
	end_pid "$peer"
	sleep 0.5
	lines "memif" 5
	stop "memif: SIGTERM ends it"
}

try_memif
need_root
try_af_packet
ip netns del "$ns_c" && ip netns del "$ns_e"
space "$ns_c"
try_tap
finish
