#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# LN-21: a kernel behind a port. The engine has one end of a veth pair, and a TAP device whose other end, tgk0, has the same
# addresses and the same MAC address; the kernel's services there and the engine's are talked to side by side.
. "$(dirname "$0")/lib.sh"
need ip ethtool python3 tshark dumpcap ping
need_engine
need_root
[ -c /dev/net/tun ] || skip_all "no /dev/net/tun here"
py=$e2e/kernel_path.py

# steps NAME COMMAND...: takes over the ok and FAIL lines of a program, and sees that it came to its end.
steps() {
	local what=$1 log=$work/steps.log status=0
	shift
	timeout 120 "$@" >"$log" 2>&1 || status=$?
	sed -E "s/^(ok|FAIL) /&$what: /" "$log"
	passed=$((passed + $(grep -c '^ok ' "$log"))) failed=$((failed + $(grep -c '^FAIL ' "$log")))
	[ $status -le 1 ] && grep -q '^ok ' "$log" || fail "$what" "exit status $status: $(tail -n 1 "$log")"
}
# server ARGS...: a program that serves until its input ends; its id in $server.
server() {
	local i log=$work/server.log
	rm -f "$work/server.in" "$log"
	mkfifo "$work/server.in"
	"$@" <"$work/server.in" >"$log" 2>&1 &
	server=$!
	pids+=("$server")
	exec 9>"$work/server.in"
	for ((i = 0; i < 100; i++)); do
		grep -qs '^ready' "$log" && return
		sleep 0.1
	done
	fail "the kernel's services" "$(tail -n 1 "$log")"
}
server_end() {
	exec 9>&-
	wait "$server" 2>/dev/null
}
# kernel_conf FILE ENGINE-LINE PORT-LINE...
kernel_conf() {
	local file=$1 line=$2
	shift 2
	{
		printf '[engine]\nconnections = 10000\n%s\n' "$line"
		printf '[port outside]\ndevice = net_af_packet0,iface=tge,qpairs=1,framecnt=2048\n'
		printf 'address = 192.0.2.1/24 2001:db8::1/64\nkernel = net_tap0,iface=tgk0\n'
		printf 'kernel_ports = 22 179\n    32768-60999\n'
		[ $# = 0 ] || printf '%s\n' "$@"
		printf '[listener web]\nport = 80\nservice = http\n'
	} >"$file"
}
# The kernel's end gets its addresses. IPv6 is off in this namespace by default, for tge's sake.
kernel_up() {
	local ns=${1:-$ns_e}
	ip netns exec "$ns" sysctl -qw net.ipv6.conf.tgk0.disable_ipv6=0
	ip -n "$ns" link set tgk0 up
	ip -n "$ns" addr add 192.0.2.1/24 dev tgk0
	ip -n "$ns" -6 addr add 2001:db8::1/64 dev tgk0 nodad
}
mac_of() { ip -n "$1" -o link show "$2" | sed -nE 's/.*link\/ether ([0-9a-f:]+).*/\1/p'; }
balance() {
	"$tg" stats --json --name "$instance" 2>/dev/null | python3 -c '
import json, sys
v = json.load(sys.stdin)
c = v["counters"]
drops = sum(n for k, n in v["drops"].items() if k not in ("rx_chain", "steer_full", "tx_dropped"))
assert c["rx_segments"] == c["rx_accepted"] + drops, (c["rx_segments"], c["rx_accepted"], drops)
assert c["kernel_out"] > 100 and c["kernel_in"] > 100 and c["kernel_in_bad"] == 0, [c[k] for k in c if k.startswith("kernel")]
print(c["kernel_out"], "to the kernel,", c["kernel_in"], "from it")' 2>&1
}
# LN-21. Both directions, with what only a capture shows: each question was answered once.
talk() {
	local what=$1 dev=$2 own file=$work/talk.pcap out status=0
	own=$(ip -n "$ns_e" -o -6 addr show dev tgk0 scope link | sed -nE 's/.*inet6 ([0-9a-f:]+).*/\1/p')
	server "${words_e[@]}" python3 "$py" serve tgk0
	capture "$file" "$dev" 65535
	ip -n "$ns_c" neigh flush dev "$dev"
	steps "$what" "${words_c[@]}" python3 "$py" client "$dev"
	steps "$what" "${words_c[@]}" python3 "$py" own "$dev" "$own"
	capture_end
	server_end
	same "$what: ARP for the address is answered once each" \
		"$(count "$file" 'arp.opcode == 2 && arp.src.proto_ipv4 == 192.0.2.1')" \
		"$(count "$file" 'arp.opcode == 1 && arp.dst.proto_ipv4 == 192.0.2.1 && arp.src.proto_ipv4 == 192.0.2.2')"
	same "$what: neighbour discovery for it too" \
		"$(count "$file" 'icmpv6.type == 136 && icmpv6.nd.na.target_address == 2001:db8::1 && icmpv6.nd.na.flag.s == 1')" \
		"$(count "$file" 'icmpv6.type == 135 && icmpv6.nd.ns.target_address == 2001:db8::1 && ipv6.src != ::')"
	same "$what: the closed port said RST once over each family" \
		"$(count "$file" 'tcp.srcport == 4444 && tcp.flags.reset == 1')" 2
	same "$what: no checksum error" "$(count "$file" 'ip.checksum.status == "Bad" || tcp.checksum.status == "Bad"')" 0
	server "${words_c[@]}" python3 "$py" peer
	steps "$what, outward" "${words_e[@]}" python3 "$py" outward
	server_end
	out=$(balance) || status=$?
	check "$what: received = accepted + dropped ($out)" "$out" test $status = 0
}

make_veth
# What the engine takes from tge the kernel sees there too, and it has the address now.
in_e sysctl -qw net.ipv4.conf.tge.rp_filter=1 net.ipv4.conf.tge.arp_ignore=1

kernel_conf "$work/kernel.ini" "workers = 1"
start "$work/kernel.ini" "${words_e[@]}" || finish
check "serve tells of the kernel" "$(tail -n 3 "$engine_log")" \
	grep -q '^kernel behind port outside: net_tap0,iface=tgk0, .*TCP ports 22 179 32768-60999$' "$engine_log"
same "the kernel's end has the port's MAC address" "$(mac_of "$ns_e" tgk0)" "$(mac_of "$ns_e" tge)"
kernel_up
talk "one worker" tgc
stop "SIGTERM ends it"

kernel_conf "$work/kernel.ini" "workers = 2"
start "$work/kernel.ini" "${words_e[@]}" || finish
kernel_up
talk "two workers" tgc
stop "SIGTERM ends two workers"

# In a VLAN: the kernel's end has no tags, the network has nothing else. Not every kernel has VLAN devices, so the client's
# is a TAP device whose other end puts the tags on.
in_c ethtool -K tgc rxvlan off txvlan off >/dev/null 2>&1
ip -n "$ns_c" addr flush dev tgc
server "${words_c[@]}" python3 "$py" vlan tgvlan tgc 100
exec 7>&9 # until the script ends
ip -n "$ns_c" link set tgvlan up
address_c tgvlan
kernel_conf "$work/kernel.ini" "workers = 1" "vlan = 100"
start "$work/kernel.ini" "${words_e[@]}" || finish
kernel_up
talk "in a VLAN" tgvlan
stop "SIGTERM ends it, in a VLAN"

# The kernel's end in a namespace of its own, and less than the usual MTU. A flood for the kernel is the engine's to hold off,
# and leaves room for what is no flood.
kernel_conf "$work/kernel.ini" "workers = 1" "vlan = 100" "kernel_rate = 200" "mtu = 1400"
start "$work/kernel.ini" "${words_e[@]}" || finish
same "the kernel's end has the port's MTU" "$(ip -n "$ns_e" -o link show tgk0 | grep -o 'mtu [0-9]*')" "mtu 1400"
ns_k=tg$$k
space "$ns_k"
ip -n "$ns_e" link set tgk0 netns "$ns_k"
kernel_up "$ns_k"
server ip netns exec "$ns_k" python3 "$py" serve tgk0
before=$(stat counters.kernel_out)
in_c python3 "$py" flood 5000
sleep 0.3
ip -n "$ns_c" neigh flush dev tgvlan
check "port 22 opens behind a flood of datagrams" "no answer" "${words_c[@]}" timeout 10 python3 -c '
import socket
s = socket.create_connection(("192.0.2.1", 22), timeout=5)
s.sendall(b"x")
assert s.recv(1) == b"x"'
sleep 0.3
limited=$(stat drops.kernel_limited) out=$(($(stat counters.kernel_out) - before))
check "kernel_rate holds ($limited held off, $out passed)" "$limited held off, $out passed" \
	test "${limited:-0}" -gt 3000 -a "$out" -lt 1000
server_end
stop "SIGTERM ends it behind a flood"

# refused NAME TEXT SED-COMMAND: what is wrong in the configuration is one line, with the line that is to blame.
refused() {
	local rc=0
	sed "$3" "$work/kernel.ini" >"$work/bad.ini"
	timeout 30 "${words_e[@]}" "$tg" serve -q --name "$instance" -c "$work/bad.ini" >"$work/bad.log" 2>"$work/bad.err" || rc=$?
	same "$1: exit status" $rc 2
	same "$1: lines" "$(wc -l <"$work/bad.err")" 1
	check "$1: $(cut -d: -f3- "$work/bad.err")" "$(cat "$work/bad.err")" grep -q "bad.ini:[0-9]*: .*$2" "$work/bad.err"
}
ip -n "$ns_e" link add tgbusy type veth peer name tgbusy2
refused "a listener on the kernel's port" 'port 80 is that of \[listener web\]' 's/^kernel_ports.*/kernel_ports = 22 80/'
refused "a device of two" 'net_af_packet0 is the device of \[port outside\] already' 's/^kernel =.*/kernel = net_af_packet0,iface=x/'
refused "no interface" 'name the interface' 's/^kernel =.*/kernel = net_tap0/'
refused "ports without a kernel" 'kernel_ports needs a kernel' '/^kernel =/d'
refused "an interface that is there" 'tgbusy is there already' 's/^kernel =.*/kernel = net_tap0,iface=tgbusy/'
refused "no such driver" 'no driver has this name' 's/^kernel =.*/kernel = nonesuch0,iface=x/'
refused "no vhost-net" '' 's/^kernel =.*/kernel = net_virtio_user0,path=\/dev\/vhost-net-none,iface=tgk0/'
"$tg" serve --check -c "$work/kernel.ini" >"$work/check.log" 2>&1
check "serve --check tells of the kernel" "$(tail -n 1 "$work/check.log")" grep -q '^kernel behind port outside: ' "$work/check.log"
finish
