# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# cells.sh: what interop.sh and goodput.sh share. Source it after tests/e2e/lib.sh.
#
# The kernel stands in a namespace with one end of a veth pair; the other end is in a namespace with
# the relay. Addresses: kernel 192.0.2.2 and 2001:db8::2, the other side .1 and ::1, where a lab, the
# engine's process or a second kernel is. Neighbours are entered by hand.
built=$(cd "$(dirname "$tg")/.." && pwd)/tests/interop
relay=$built/relay peer=$built/peer
mac_kernel=02:00:00:00:00:0a mac_other=02:00:00:00:00:0b

# kernel_side SPACE RELAY-SPACE LETTER NUMBER MTU: interface kLETTER in SPACE, rLETTER for the relay.
kernel_side() {
	local space=$1 with=$2 x=$3 number=$4 mtu=$5 mac=$mac_kernel far=$mac_other other
	[ "$number" = 2 ] || mac=$mac_other far=$mac_kernel
	other=$((3 - number))
	ip link add "k$x" mtu "$mtu" address "$mac" netns "$space" type veth peer name "r$x" mtu "$mtu" netns "$with" &&
		ip -n "$with" link set "r$x" up txqueuelen 10000 &&
		ip -n "$space" link set "k$x" up txqueuelen 10000 || return 1
	ip netns exec "$space" ethtool -K "k$x" tx off tso off gso off gro off >/dev/null 2>&1
	ip netns exec "$with" ethtool -K "r$x" tx off tso off gso off gro off >/dev/null 2>&1
	ip -n "$space" addr add "192.0.2.$number/24" dev "k$x" &&
		ip -n "$space" -6 addr add "2001:db8::$number/64" dev "k$x" nodad &&
		ip -n "$space" neigh add "192.0.2.$other" lladdr "$far" nud permanent dev "k$x" &&
		ip -n "$space" -6 neigh add "2001:db8::$other" lladdr "$far" nud permanent dev "k$x"
}
# Cells run side by side, as jobs of the script: they end with it.
trap 'kill $(jobs -p) 2>/dev/null; cleanup' EXIT
# field FILE LINE KEY: the value of KEY=VALUE in the line that begins with LINE.
field() { sed -n "s/^$2:.* $3=\([^ ]*\).*/\1/p" "$1" | head -n 1; }
need_programs() {
	[ -x "$relay" ] && [ -x "$peer" ] || skip_all "no $relay; build first"
}
