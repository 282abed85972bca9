#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A client behind a router whose next link takes 1,300 bytes, and two workers behind one queue: the router's ICMP reaches
# the worker that owns the connection it quotes, the segments shrink, and every byte arrives (RB-21, LN-23, DT-31).
. "$(dirname "$0")/lib.sh"
. "$e2e/serve_steps.sh"
need ip ethtool curl python3
need_engine
need_root
make_veth
dev=tgc flows=12 bytes=1000000
ns_r=tg$$r
space "$ns_r"
ip link add tgn netns "$ns_c" type veth peer name tgr netns "$ns_r" || skip_all "no veth here"
for side in c:tgn r:tgr; do
	ip netns exec "tg$$${side%:*}" ethtool -K "${side#*:}" tx off tso off gso off gro off >/dev/null 2>&1
	ip -n "tg$$${side%:*}" link set "${side#*:}" up
done
ip -n "$ns_c" link set tgn mtu 1300 # one way only: the client says MSS 1460
ip -n "$ns_c" addr add 198.51.100.1/24 dev tgn
ip -n "$ns_c" -6 addr add 2001:db8:1::1/64 dev tgn nodad
ip -n "$ns_r" addr add 198.51.100.2/24 dev tgr
ip -n "$ns_r" -6 addr add 2001:db8:1::2/64 dev tgr nodad
ip -n "$ns_r" route add default via 198.51.100.1
ip -n "$ns_r" -6 route add default via 2001:db8:1::1
in_c sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
conf "$work/pmtu.ini" net_af_packet0,iface=tge,qpairs=1,framecnt=2048
sed -i 's/^workers = 1/workers = 2/; s/^\(address = 192.*\)/\1\ngateway = 192.0.2.2 2001:db8::2/' "$work/pmtu.ini"
start "$work/pmtu.ini" "${words_e[@]}" || finish

want=$(bytes_sha $bytes)
# many URL: how many of the flows, all at once, brought what they should.
many() {
	local i good=0 ids=()
	for ((i = 0; i < flows; i++)); do
		ip netns exec "$ns_r" curl -gsm 30 "$1" 2>/dev/null | sha256sum >"$work/sum.$i" &
		ids+=($!)
	done
	wait "${ids[@]}"
	for ((i = 0; i < flows; i++)); do
		[ "$(cut -d' ' -f1 "$work/sum.$i")" != "$want" ] || good=$((good + 1))
	done
	echo $good
}
same "fetches over IPv4 through a link of 1,300 bytes" "$(many http://192.0.2.1/bytes/$bytes)" $flows
four=$(stat counters.ptb_applied)
check "each worker heard of it ($four applied)" "$four" test "${four:-0}" -ge 2
same "fetches over IPv6" "$(many "http://[2001:db8::1]/bytes/$bytes")" $flows
six=$(stat counters.ptb_applied)
check "each worker heard of it ($((six - four)) applied)" "$six" test "$((six - four))" -ge 2
same "no claim was taken for forged" "$(stat drops.icmp_bad_seq)" 0
step_books
stop "SIGTERM ends it"
finish
