#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A fleet (SC-12, SC-13): three nodes with one secret behind a router of the kernel's that spreads flows over
# them by the routes that BIRD announces, as config/fleet has it. Any node finishes any node's handshake: all
# pairs, a node that was started again, while the secret is changed, and when one is killed in a flood.
. "$(dirname "$0")/lib.sh"
need ip ethtool python3 bird birdc curl ping taskset cc
need_engine
need_root
export TIDEGATE=$tg
example=$top/config/fleet
r=tg$$r c=tg$$c
vip4=203.0.113.1/32 vip6=2001:db8:203::1/128
key=$work/fleet.key
engines=(0 0 0 0) birds=(0 0 0 0) announcers=(0 0 0 0)

# --- the network ---
n() { ip netns exec "tg$$n$1" "${@:2}"; }
quiet() { # an end of a veth pair: checksums filled in by who sends
	ip netns exec "$1" ethtool -K "$2" tx off tso off gso off gro off >/dev/null 2>&1
	ip -n "$1" link set "$2" up txqueuelen 10000
}
link() { # SPACE IF SPACE IF
	ip link add "$2" netns "$1" type veth peer name "$4" netns "$3" || skip_all "no veth here"
	quiet "$1" "$2"
	quiet "$3" "$4"
}
make_router() {
	space "$r"
	space "$c"
	ip netns exec "$r" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
		net.ipv4.fib_multipath_hash_policy=1 net.ipv6.fib_multipath_hash_policy=1 \
		net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 \
		net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 2>"$work/sysctl.log" ||
		skip_all "this kernel has no multipath: $(tail -n 1 "$work/sysctl.log")"
	link "$c" client "$r" clients
	ip -n "$r" addr add 10.99.0.1/24 dev clients
	ip -n "$r" -6 addr add 2001:db8:99::1/64 dev clients nodad
	ip -n "$c" addr add 10.99.0.2/24 dev client
	ip -n "$c" -6 addr add 2001:db8:99::2/64 dev client nodad
	ip -n "$c" route add 203.0.113.0/24 via 10.99.0.1
	ip -n "$c" -6 route add 2001:db8:203::/64 via 2001:db8:99::1
	# The raw clients' addresses: frames for them reach the client's side, whose kernel leaves them alone.
	ip -n "$r" route add 198.51.0.0/16 via 10.99.0.2
	ip -n "$r" -6 route add 2001:db8:5000::/36 via 2001:db8:99::2
	ip -n "$r" route add blackhole 198.18.0.0/15
	ip -n "$r" -6 route add blackhole 2001:db8:ba00::/40
	router_mac=$(ip netns exec "$r" cat /sys/class/net/clients/address)
}
# Two links: tidegate's port, and the kernel's for BGP. A rule for each, so that the test may choose a node.
make_node() {
	local i=$1 tos
	tos=$(printf 0x%x $((4 << ($1 - 1))))
	space "tg$$n$i"
	n "$i" sysctl -qw net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.accept_dad=0
	link "tg$$n$i" "data$i" "$r" "d$i"
	n "$i" sysctl -qw "net.ipv6.conf.data$i.disable_ipv6=1"
	link "tg$$n$i" "bgp$i" "$r" "b$i"
	ip -n "$r" addr add "10.99.$i.254/24" dev "d$i"
	ip -n "$r" -6 addr add "2001:db8:99:$i::fe/64" dev "d$i" nodad
	ip -n "$r" addr add "10.98.$i.254/24" dev "b$i"
	ip -n "tg$$n$i" addr add "10.98.$i.1/24" dev "bgp$i"
	ip -n "$r" rule add tos "$tos" to $vip4 lookup "10$i"
	ip -n "$r" -6 rule add tos "$tos" to $vip6 lookup "10$i"
	ip -n "$r" route add default via "10.99.$i.1" table "10$i"
	ip -n "$r" -6 route add default via "2001:db8:99:$i::1" dev "d$i" table "10$i"
}

# --- the processes ---
# 300 ms are too short where two CPUs poll for three nodes.
slow_bfd() { sed -e 's/interval 100 ms/interval 1000 ms/; s/multiplier 3/multiplier 10/'; }
# The example's files with this node's numbers; two workers, so that cookies cross them too, and a TTL by which
# the test knows the node.
node_conf() {
	local i=$1
	sed -e "s/10\.99\.1\./10.99.$i./g; s/2001:db8:99:1:/2001:db8:99:$i:/g; s/iface=data0/iface=data$i,qpairs=1/" \
		-e "s|^secret_file = .*|secret_file = $key|; s/^workers = .*/workers = 2/" \
		-e "s/^connections = .*/connections = 20000\nrst_rate = 0\nttl = $((100 + i))/" \
		"$example/node.ini" >"$work/node$i.ini"
	{
		printf '[listener auto]\nport = 7\nservice = echo\nsynq_high = 200\n'
		printf '[listener always]\nport = 8\nservice = echo\nsyn_cookies = always\n'
	} >>"$work/node$i.ini"
	sed -e "s/10\.98\.1\./10.98.$i./g; s/10\.99\.1\./10.99.$i./g; s/2001:db8:99:1:/2001:db8:99:$i:/g" \
		"$example/node.bird.conf" | slow_bfd >"$work/bird$i.conf"
}
# Node 3 has a wall clock that the test sets. One CPU for both workers of a node: then they give way when there is nothing to do.
start_engine() {
	local i=$1 try clock=()
	[ "$i" != 3 ] || clock=(env "LD_PRELOAD=$work/clock.so" "FLEET_CLOCK=$work/clock")
	ip netns exec "tg$$n$i" taskset -c $((i % $(nproc))) "${clock[@]}" "$tg" serve -q --name "$instance-$i" -c "$work/node$i.ini" \
		>"$work/node$i.log" 2>&1 &
	engines[i]=$!
	pids+=("${engines[i]}")
	for ((try = 0; try < 300; try++)); do
		if grep -qs '^serving as' "$work/node$i.log"; then
			greet "$i"
			return
		fi
		kill -0 "${engines[i]}" 2>/dev/null || break
		sleep 0.1
	done
	fail "node $i starts" "$(tail -n 1 "$work/node$i.log")"
	finish
}
# The router asks for the node from the address that is the node's gateway, so that both know each other.
greet() {
	local i
	for ((i = 0; i < 20; i++)); do
		! ip netns exec "$r" ping -q -c 1 -W 1 -I "10.99.$1.254" "10.99.$1.1" >/dev/null 2>&1 ||
			! ip netns exec "$r" ping -q -c 1 -W 1 -I "2001:db8:99:$1::fe" "2001:db8:99:$1::1" >/dev/null 2>&1 ||
			return 0
	done
	fail "the router reaches node $1" "no answer to ping"
}
start_bird() { # SPACE NAME: pid in $!
	ip netns exec "$1" bird -f -c "$work/$2.conf" -s "$work/$2.ctl" -P "$work/$2.pid" >"$work/$2.log" 2>&1 &
	pids+=($!)
}
start_routing() {
	local i=$1
	start_bird "tg$$n$i" "bird$i"
	birds[i]=$!
	ip netns exec "tg$$n$i" "$example/announce.sh" "$instance-$i" "$work/bird$i.ctl" >"$work/announce$i.log" 2>&1 &
	announcers[i]=$!
	pids+=("${announcers[i]}")
}
# next_hops FAMILY VIP: how many next hops the router's kernel has for the address.
next_hops() { ip -n "$r" "-$1" route show table main "${2%/*}" | grep -o "via [0-9a-f.:]*" | sort -u | wc -l; }
# routed NAME WANTED: within 30 s, both families.
routed() {
	local i got=
	for ((i = 0; i < 300; i++)); do
		got="$(next_hops 4 $vip4) $(next_hops 6 $vip6)"
		[ "$got" != "$2 $2" ] || break
		sleep 0.1
	done
	same "$1" "$got" "$2 $2"
}
# by_node I KEY: a figure of that node.
by_node() { instance=$instance-$1 stat "$2"; }

client() { ip netns exec "$c" timeout 60 python3 "$e2e/fleet_client.py" "$1" client "$router_mac" "${@:2}"; }
# handshakes NAME CASE ARGUMENT...
handshakes() {
	local what=$1
	shift
	if client "$@" >"$work/client.log" 2>&1; then
		ok "$what: $(tail -n 1 "$work/client.log")"
	else
		fail "$what" "$(head -n 6 "$work/client.log" | tr '\n' ';')"
	fi
}
hup() {
	local before
	before=$(grep -c '^fleet: read again' "$work/node$1.log")
	kill -HUP "${engines[$1]}"
	local i
	for ((i = 0; i < 50; i++)); do
		[ "$(grep -c '^fleet: read again' "$work/node$1.log")" = "$before" ] || break
		sleep 0.05
	done
	sleep 0.3 # the workers look around ten times a second
}

echo 0 >"$work/clock"
cc -O1 -shared -fPIC -o "$work/clock.so" "$e2e/fleet_clock.c" || skip_all "no compiler here"
"$tg" fleet-key "$key" >"$work/key.log" || finish
make_router
for i in 1 2 3; do
	make_node $i
	node_conf $i
	start_engine $i
done
slow_bfd <"$example/router.bird.conf" >"$work/router.conf"
start_bird "$r" router
for i in 1 2 3; do start_routing $i; done
routed "the router spreads flows over three nodes" 3
check "a client of the kernel's is served" "no page" \
	ip netns exec "$c" curl -fsS --max-time 10 -o /dev/null -o /dev/null http://203.0.113.1/ "http://[2001:db8:203::1]/"

# --- any node finishes any handshake ---
handshakes "SYN to one node, ACK to another" pairs 7,8
same "no cookie failed" "$(by_node 1 counters.cookie_bad_mac) $(by_node 2 counters.cookie_bad_mac) $(by_node 3 counters.cookie_bad_mac)" "0 0 0"
same "odds with one secret" "$(by_node 1 cookies.odds)" "2^-29.0"

# --- the secret is changed, node after node, and at each moment all finish each other's handshakes ---
for step in --add --swap; do
	"$tg" fleet-key $step "$key" >"$work/key.log"
	for i in 1 2 3; do
		hup $i
		handshakes "fleet-key $step, $i of 3 nodes have it" pairs 7,8 12,13,21,22,23,31,32
	done
done
same "odds with two secrets" "$(by_node 1 cookies.odds)" "2^-28.0"
same "the new secret mints" "$(by_node 2 fleet.mints_with)" "$(sed 's/mints with \([0-9a-f]*\).*/\1/' "$work/key.log")"
"$tg" fleet-key --drop "$key" >"$work/key.log"
for i in 1 2 3; do hup $i; done
handshakes "fleet-key --drop, all have it" pairs 7,8
same "odds with one again" "$(by_node 3 cookies.odds)" "2^-29.0"
chmod 644 "$key"
kill -HUP "${engines[1]}"
sleep 0.5
chmod 600 "$key"
sed -i 's/^skew_ms = 500/skew_ms = 400/' "$work/node1.ini"
kill -HUP "${engines[1]}"
sleep 0.5
sed -i 's/^skew_ms = 400/skew_ms = 500/' "$work/node1.ini"
same "another skew needs a restart, which is told" "$(grep -c '\[fleet\] skew_ms has changed' "$work/node1.log")" 1
same "a file that others may read is refused, in one line" "$(grep -c 'chmod 600 .*the old secrets stay' "$work/node1.log")" 1
handshakes "and the old secret stays" pairs 8 12,21

# held ARGUMENT...: begins handshakes; held_end NAME [MOVED]: finishes them, MOVED of them on other nodes.
held() {
	rm -f "$work/go"
	mkfifo "$work/go"
	ip netns exec "$c" timeout 90 python3 "$e2e/fleet_client.py" begin client "$router_mac" "$@" \
		<"$work/go" >"$work/held.log" 2>&1 &
	held_pid=$!
	pids+=("$held_pid")
	exec 7>"$work/go"
	local i
	for ((i = 0; i < 200; i++)); do
		! grep -qs "^begun" "$work/held.log" || break
		sleep 0.1
	done
}
held_end() {
	local status=0
	echo finish >&7
	exec 7>&-
	wait "$held_pid" || status=$?
	if [ $status = 0 ]; then
		ok "$1: $(tail -n 1 "$work/held.log")"
	else
		fail "$1" "$(grep -v '^begun' "$work/held.log" | head -n 5 | tr '\n' ';') $(grep '^begun' "$work/held.log" | tr '\n' ';')"
	fi
}

# --- a wall clock that jumps ---
jump() { # SECONDS LINES
	local i
	echo "$1" >"$work/clock"
	for ((i = 0; i < 50; i++)); do
		[ "$(grep -c 'the wall clock jumped by' "$work/node3.log")" != "$2" ] || break
		sleep 0.1
	done
	sleep 0.3
}
jump 3600 1
same "a clock that jumps is told" "$(grep -cE 'the wall clock jumped by \+(3600|3599)[0-9]{3} ms' "$work/node3.log")" 1
same "and counted" "$(by_node 3 fleet.clock_steps)" 1
handshakes "a node an hour ahead refuses" refused 8 13,31
handshakes "the others do not mind" pairs 7,8 12,21
jump 0 2
handshakes "when it goes right again all is well" pairs 7,8

# --- a node that starts again knows nothing, and finishes what it began ---
held 7,8 25 22
kill -KILL "${engines[2]}"
wait "${engines[2]}" 2>/dev/null
start_engine 2
held_end "a node that was killed and started again finishes what it began"
routed "and flows go to it again" 3

# --- a node is killed in a flood ---
ip netns exec "$c" timeout 120 python3 "$e2e/fleet_client.py" flood client "$router_mac" 7 180000 3000 >"$work/flood.log" 2>&1 &
flood_pid=$!
pids+=("$flood_pid")
sleep 2
held 7,8 150
check "the flood has armed the cookies" "cookies sent: $(by_node 2 counters.cookie_sent)" \
	[ "$(by_node 2 cookies.armed_listeners)" -ge 1 ]
begun_on_1=$(sed -n 's/^begun \([0-9]*\) .*/\1/p' "$work/held.log" | head -n 1)
check "handshakes were begun on the node that will die" "$begun_on_1" [ "${begun_on_1:-0}" -ge 100 ]
kill -KILL "${engines[1]}" "${birds[1]}" "${announcers[1]}"
wait "${engines[1]}" "${birds[1]}" "${announcers[1]}" 2>/dev/null
ip -n "tg$$n1" link set data1 down 2>/dev/null
routed "its routes are withdrawn" 2
held_end "none of the handshakes in flight is refused"
moved=$(sed -n 's/.*elsewhere \([0-9]*\)$/\1/p' "$work/held.log" | tail -n 1)
check "those of the dead node finished on the others" "$moved of $begun_on_1" [ "${moved:-0}" -ge "${begun_on_1:-1}" ]
check "the flood went on all the while" "$(cat "$work/flood.log")" kill -TERM "$flood_pid"
wait "$flood_pid"
check "$(cat "$work/flood.log")" "it says nothing" grep -q '^flood: [0-9]* SYNs' "$work/flood.log"

# --- drained: the announcement goes first, the node serves on ---
end_pid "${announcers[2]}"
routed "ending announce.sh withdraws the node" 1
handshakes "and the node still serves what comes" pairs 7,8 22,23,32

# --- what the fleet is worth: a node with a foreign secret refuses ---
rm "$key"
"$tg" fleet-key "$key" >"$work/key.log"
hup 3
same "a change in one step is told" "$(grep -c 'handshakes in flight are refused' "$work/node3.log")" 1
handshakes "a node with another secret refuses" refused 8 23,32
check "and counts it" "$(by_node 3 counters.cookie_bad_mac)" [ "$(by_node 3 counters.cookie_bad_mac)" -gt 0 ]
for i in 2 3; do
	kill -TERM "${engines[i]}"
	status=0
	wait "${engines[i]}" || status=$?
	same "node $i ends" $status 0
done
finish
