#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# tidegate under a SYN flood over veth, beside what else stops one.
#
#   tests/flood/rivals.sh                     the checks: every client is served while 25,000 SYNs a second come
#   tests/flood/rivals.sh --table [options]   the comparison, some ten minutes
#       --rounds N        how often each meets each rate (3)
#       --rates "N ..."   SYNs a second ("0 25000 50000 100000 300000")
#       --only "RIVAL .." of: drop serve listener shield synproxy
#       --bench PROGRAM   perf's bench_engine: the engine's own share of a SYN
#       --device NAME     what ours stands on: af_xdp (default) or af_packet
#       --out FILE        where the table goes, too
#
#   clients, attacker         in place: d0 tidegate serve, d2 the kernel's listener (nginx), tcp_syncookies = 1
#        c0..c4 -------------
#   one namespace             in the middle: d1 tidegate shield, d3 nftables synproxy; nginx behind
#                             d4 drops the SYNs as soon as it may: what the wire itself costs
#
# CPU 0 has clients, attacker, and the web servers behind; CPU 1 has the one that is measured: its process by
# taskset, its receive path by RPS, or with af_xdp by the thread of the kernel that polls the device. All of them go
# before other processes (nice). Figures are reported, never asserted: the checks are about who is served.
. "$(dirname "$0")/../e2e/lib.sh"
flood_dir=$top/tests/flood
programs=${RIVALS_PROGRAMS:-$(dirname "$tg")/../tests/flood}
table='' device=af_xdp rounds=3 rates="0 25000 50000 100000 300000" only="drop serve listener shield synproxy" bench='' out=''
while [ $# -gt 0 ]; do
	case "$1" in
	--table) table=yes ;;
	--rounds) rounds=$2; shift ;;
	--rates) rates=$2; shift ;;
	--only) only=$2; shift ;;
	--bench) bench=$2; shift ;;
	--device) device=$2; shift ;;
	--out) out=$2; shift ;;
	*) sed -n '3,13s/^# \{0,1\}//p' "$0"; exit 2 ;;
	esac
	shift
done
[ "$device" = af_xdp ] || [ "$device" = af_packet ] || { echo "--device: af_xdp or af_packet"; exit 2; }
need ip ethtool python3 nginx tshark dumpcap taskset chrt
need_engine
need_root
[ -x "$programs/synflood" ] || skip_all "no $programs/synflood; build first"
taskset -c 0 true 2>/dev/null && taskset -c 1 true 2>/dev/null || skip_all "needs two CPUs: attacker and defender"
synq_high=1024 cookies=auto ring=${RIVALS_RING:-1024}
# Before whatever else this machine does, as softirqs are: of its session, and its session of all.
first=(setsid sh -c 'echo -20 2>/dev/null >/proc/self/autogroup; exec nice -n -20 "$@"' first)
body=1000 bulk_body=100000000

# --- the network ---

d() { echo "tg$$d$1"; }  # the defender's namespace
b() { echo "tg$$b$1"; }  # the web server's behind it
plain() { # NS IF CPU-MASK: nothing is left to a card; what comes in is received on those CPUs
	ip netns exec "$1" ethtool -K "$2" tx off rx off tso off gso off gro off >/dev/null 2>&1
	ip -n "$1" link set "$2" up txqueuelen 10000
	received_by "$1" "$2" "$3" || skip_all "no RPS here"
}
received_by() { # NS IF CPU-MASK; 0: whoever sends
	ip netns exec "$1" sh -c "echo $3 >/sys/class/net/$2/queues/rx-0/rps_cpus"
}
pair() { # NS IF MASK NS IF MASK
	ip link add "$2" netns "$1" type veth peer name "$5" netns "$4" || skip_all "no veth here"
	plain "$1" "$2" "$3"
	plain "$4" "$5" "$6"
}
outside() { # N: clients 10.20.N.2, defender 10.20.N.1
	space "$(d "$1")"
	pair "$ns_c" "c$1" 1 "$(d "$1")" "d$1" 2
	ip -n "$ns_c" addr add "10.20.$1.2/24" dev "c$1"
	ip netns exec "$(d "$1")" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv4.conf.all.rp_filter=0 \
		net.ipv4.tcp_syncookies=1
	nft "$ns_c" drop-to "c$1" 198.18.0.0/15 || skip_all "no nftables here"
}
left_to_us() { # N: the kernel, which sees each frame too, leaves them alone
	nft "$(d "$1")" drop-all "d$1"
}
inside() { # N: defender 10.30.N.1, web server 10.30.N.11
	space "$(b "$1")"
	pair "$(d "$1")" "i$1" 2 "$(b "$1")" eth0 1
	ip -n "$(b "$1")" addr add "10.30.$1.11/24" dev eth0
	ip -n "$(b "$1")" route add default via "10.30.$1.1"
}
kernel_defends() { # N: its kernel has the address, and its way back to forged sources
	ip -n "$(d "$1")" addr add "10.20.$1.1/24" dev "d$1"
	ip -n "$(d "$1")" route add default via "10.20.$1.2"
}
nft() { # NS WORDS...
	local ns=$1
	shift
	ip netns exec "$ns" python3 "$flood_dir/rivals_nft.py" "$@"
}
declare -A server=([drop]=10.20.4.1 [serve]=10.20.0.1 [listener]=10.20.2.1 [shield]=10.20.1.10 [synproxy]=10.30.3.11)
declare -A number=([drop]=4 [serve]=0 [listener]=2 [shield]=1 [synproxy]=3)
make_net() {
	space "$ns_c"
	in_c sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv4.ip_local_port_range="1024 65535" \
		net.ipv4.tcp_no_metrics_save=1
	outside 0
	left_to_us 0
	outside 1
	left_to_us 1
	inside 1
	[ -n "$table" ] || return 0
	outside 2
	kernel_defends 2
	outside 3
	kernel_defends 3
	inside 3
	ip -n "$(d 3)" addr add 10.30.3.1/24 dev i3
	ip -n "$ns_c" route add 10.30.3.0/24 via 10.20.3.1
	nft "$(d 3)" synproxy 80 || skip_all "no synproxy here"
	ip netns exec "$(d 3)" sysctl -qw net.ipv4.ip_forward=1 net.ipv4.tcp_timestamps=1 \
		net.netfilter.nf_conntrack_tcp_loose=0
	outside 4
	kernel_defends 4
	nft "$(d 4)" drop-syns 80
}

# --- who stands there ---

start_nginx() { # NS CPU
	mkdir -p "$work/$1"
	cat >"$work/$1/nginx.conf" <<-END
		daemon off; master_process off; pid $work/$1/pid; error_log $work/$1/error.log;
		worker_rlimit_nofile 30000;
		events { worker_connections 20000; }
		http { access_log off; sendfile on; keepalive_timeout 0; server { listen 80; root $work/www; } }
	END
	ip netns exec "$1" "${first[@]}" taskset -c "$2" nginx -p "$work/$1" -c "$work/$1/nginx.conf" >"$work/$1/out" 2>&1 &
	pids+=($!)
}
make_servers() {
	mkdir -p "$work/www/bytes"
	python3 -c '
import sys
block = bytes(i % 251 for i in range(251)) * 4096
for n in map(int, sys.argv[2:]):
    with open(f"{sys.argv[1]}/{n}", "wb") as f:
        for at in range(0, n, len(block)):
            f.write(block[:n - at])' "$work/www/bytes" $body $bulk_body
	chmod -R a+rX "$work/www"
	start_nginx "$(b 1)" 0
	[ -z "$table" ] || { start_nginx "$(d 2)" 1; start_nginx "$(b 3)" 0; }
	sleep 0.5
}
device() { # NUMBER IF FRAMES: as DPDK wants it; frames of the ring, which af_xdp does not let us choose
	if [ $device = af_xdp ]; then
		printf 'device = net_af_xdp%s,iface=%s,busy_budget=0\n' "$1" "$2"
	else
		printf 'device = net_af_packet%s,iface=%s,qpairs=1,framecnt=%s\n' "$1" "$2" "$3"
	fi
}
engine_conf() { # serve|shield
	local n=${number[$1]}
	printf '[engine]\nworkers = 1\nconnections = 100000\n'
	printf '[port outside]\n%s\n' "$(device 0 "d$n" $ring)"
	printf 'address = 10.20.%s.1/24\ngateway = 10.20.%s.2\n' "$n" "$n"
	if [ "$1" = serve ]; then
		printf '[listener web]\nport = 80\nservice = http\n'
	else
		printf '[port inside]\n%s\naddress = 10.30.%s.1/24\n' "$(device 1 "i$n" 256)" "$n"
		printf '[pool web]\nvip = 10.20.%s.10:80\nbackend = 10.30.%s.11:80\nmode = transparent\n' "$n" "$n"
	fi
	printf 'syn_cookies = %s\nsynq_high = %s\n' $cookies $synq_high
}
# polled_there NS IF: a veth device with an XDP program is received by polling, on the CPU of whoever sends, unless
# a thread does it: that one goes where RPS puts all others, and before all processes, as softirqs do.
polled_there() {
	ip netns exec "$1" sh -c "echo 1 >/sys/class/net/$2/threaded" || return
	local pollers pid
	pollers=$(ps -e -o pid= -o comm= | awk -v name="napi/$2-" 'index($2, name) == 1 { print $1 }')
	[ -n "$pollers" ] || return
	for pid in $pollers; do taskset -pc 1 "$pid" >/dev/null && chrt -f -p 1 "$pid" || return; done
}
start_engine() { # serve|shield: the worker is lcore 1, on CPU 1
	local i up='^serving as'
	[ "$1" = serve ] || up=' is up'
	engine_conf "$1" >"$work/$1.ini"
	engine_log=$work/engine.log
	rm -f "$engine_log"
	ip netns exec "$(d "${number[$1]}")" "${first[@]}" "$tg" "$1" -q --name "$instance" -c "$work/$1.ini" -- --lcores '0@0,1@1' \
		>"$engine_log" 2>&1 &
	engine=$!
	pids+=("$engine")
	for ((i = 0; i < 300; i++)); do
		if grep -qs "$up" "$engine_log"; then
			put_receiving "$1"
			sleep 0.3
			return 0
		fi
		kill -0 "$engine" 2>/dev/null || break
		sleep 0.1
	done
	fail "$1 starts" "$(tail -n 3 "$engine_log")"
	return 1
}
put_receiving() { # serve|shield
	local n=${number[$1]}
	[ $device = af_xdp ] || return 0
	polled_there "$(d "$n")" "d$n" || fail "$1: its device is polled on CPU 1" "the kernel refuses"
	[ "$1" = serve ] || polled_there "$(d "$n")" "i$n" || fail "$1: its device is polled on CPU 1" "the kernel refuses"
}
is_ours() { [ "$1" = serve ] || [ "$1" = shield ]; }

# --- what comes ---

start_flood() { # RIVAL RATE SECONDS SEED
	local n=${number[$1]} mac
	mac=$(ip netns exec "$(d "$n")" cat "/sys/class/net/d$n/address")
	"${words_c[@]}" "${first[@]}" taskset -c 0 "$programs/synflood" --if "c$n" --mac "$mac" --to "${server[$1]}:80" \
		--rate "$2" --seconds "$3" --seed "$4" >"$work/flood" 2>&1 &
	flood=$!
	pids+=("$flood")
}
end_flood() {
	kill -INT "$flood" 2>/dev/null
	wait "$flood" 2>/dev/null
}
clients() { # RIVAL RATE SECONDS [TIMEOUT-MS]
	"${words_c[@]}" "${first[@]}" taskset -c 0 "$programs/rivals_client" --to "${server[$1]}:80" --bytes $body --rate "$2" \
		--seconds "$3" --timeout-ms "${4:-8000}"
}
# said FILE KEY: of a line of key=value
said() { sed -nE "s/.*[ :]$2=([^ ]*).*/\1/p" "$1" | tail -n 1; }
rss_kb() { awk '/^VmRSS/ { print $2 }' "/proc/$engine/status"; }

. "$flood_dir/rivals_check.sh"
. "$flood_dir/rivals_measure.sh"
make_net
make_servers
if [ -n "$table" ]; then measure_all; else check_all; fi
finish
