#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Every kind of device that `device =` may name: `tidegate serve` starts on it, answers a SYN (net_null: starts, counts,
# stops) and ends with exit 0 on SIGINT. Kernel devices live in a namespace of this test's own; where the other end must be
# a DPDK device, dpdk-testpmd forwards between it and captures. Processes are ended by their id.
#
# usage: devices.sh [TIDEGATE] [NAME...]
set -u
bin=build/app/tidegate
[ $# -gt 0 ] && [ -x "$1" ] && { bin=$1; shift; }
bin=$(readlink -f "$bin")
only=" $* "
dir=$(mktemp -d /tmp/tidegate-devices.XXXXXX)
ns=tgdev$$
passed=0 failed=0 skipped=0
pids=()

ok() { echo "ok $1"; passed=$((passed + 1)); }
fail() { echo "FAIL $1: $2"; failed=$((failed + 1)); [ -f "$dir/$1.log" ] && tail -5 "$dir/$1.log" | sed 's/^/    /'; }
skip() { echo "skip $1: $2"; skipped=$((skipped + 1)); }
wanted() { [ "$only" = "  " ] || [[ $only == *" $1 "* ]]; }

cleanup() {
	for p in "${pids[@]}"; do kill -KILL "$p" 2>/dev/null; done
	ip netns del "$ns" 2>/dev/null
	[ -n "${huge_before:-}" ] && echo "$huge_before" > /proc/sys/vm/nr_hugepages
	rm -rf "$dir"
}
trap cleanup EXIT

# config NAME DEVICE [LINE...]: one port, one echo listener on port 7.
config() {
	local name=$1 device=$2
	shift 2
	{
		printf '[engine]\nconnections = 10000\n[port outside]\ndevice = %s\n' "$device"
		printf 'address = 192.0.2.1/24 2001:db8::1/64\n'
		printf '%s\n' "$@"
		printf '[listener echo]\nport = 7\nservice = echo\n'
	} > "$dir/$name.ini"
}

# start NAME COMMAND...: in the background, output to NAME.log; its id in $pid. Waits until it serves.
start() {
	local name=$1 i
	shift
	"$@" > "$dir/$name.log" 2>&1 < /dev/null &
	pid=$!
	pids+=("$pid")
	for i in $(seq 100); do
		grep -qs '^serving as' "$dir/$name.log" && return 0
		kill -0 "$pid" 2>/dev/null || return 1
		sleep 0.1
	done
	return 1
}

# stop NAME: SIGINT must end it with exit 0 within two seconds.
stop() {
	local from rc
	from=$(date +%s%N)
	kill -INT "$pid"
	wait "$pid"
	rc=$?
	[ $rc -eq 0 ] || { fail "$1" "exit $rc on SIGINT"; return 1; }
	[ $(($(date +%s%N) - from)) -lt 2000000000 ] || { fail "$1" "took over two seconds to end"; return 1; }
}

# A kernel client inside the namespace: connects over both families and gets back what it sends.
echo_client() {
	ip netns exec "$ns" timeout 20 python3 - <<'PY'
import socket, sys, time
for family, to in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
    for tries in range(8):
        try:
            s = socket.create_connection((to, 7), timeout=2)
            break
        except OSError as e:
            last = e
            time.sleep(0.3)
    else:
        sys.exit(f"{to}: {last}")
    s.sendall(b"tidegate" * 100)
    s.shutdown(socket.SHUT_WR)
    got = b""
    while True:
        d = s.recv(4096)
        if not d:
            break
        got += d
    if got != b"tidegate" * 100:
        sys.exit(f"{to}: {len(got)} bytes came back")
PY
}

# syns FILE COUNT [MAC]: a capture of SYNs to 192.0.2.1 port 7, from 02:00:00:00:00:99.
syns() {
	python3 - "$@" <<'PY'
import struct, sys
def csum(b):
    b += b"\0" * (len(b) % 2)
    s = sum(struct.unpack(">%dH" % (len(b) // 2), b))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff
mac = bytes.fromhex((sys.argv[3] if len(sys.argv) > 3 else "02:00:00:00:00:01").replace(":", ""))
dst = bytes((192, 0, 2, 1))
with open(sys.argv[1], "wb") as f:
    f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
    for i in range(int(sys.argv[2])):
        src = bytes((192, 0, 2, 50 + i % 100))
        t = struct.pack(">HHIIBBHHH", 10000 + i, 7, 1000 + i, 0, 6 << 4, 2, 65535, 0, 0) + b"\x02\x04\x05\xb4"
        c = csum(src + dst + struct.pack(">BBH", 0, 6, len(t)) + t)
        t = t[:16] + struct.pack(">H", c) + t[18:]
        h = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(t), i, 0x4000, 64, 6, 0, src, dst)
        h = h[:10] + struct.pack(">H", csum(h)) + h[12:]
        p = mac + bytes.fromhex("020000000099") + b"\x08\0" + h + t
        f.write(struct.pack("<IIII", 1, i, len(p), len(p)) + p)
PY
}

# synacks FILE: how many different connections got a SYN-ACK from 192.0.2.1 port 7 in a capture.
synacks() {
	python3 - "$1" <<'PY'
import struct, sys
seen = set()
try:
    data = open(sys.argv[1], "rb").read()
except OSError:
    data = b""
at = 24
while at + 16 <= len(data):
    n = struct.unpack_from("<I", data, at + 8)[0]
    p = data[at + 16 : at + 16 + n]
    at += 16 + n
    if len(p) >= 54 and p[12:14] == b"\x08\0" and p[23] == 6 and p[26:30] == bytes((192, 0, 2, 1)):
        t = p[14 + (p[14] & 15) * 4 :]
        if t[0:2] == b"\0\x07" and t[13] & 0x17 == 0x12:
            seen.add((p[30:34], t[2:4]))
print(len(seen))
PY
}

need_root() {
	[ "$(id -u)" = 0 ] || { skip "$1" "needs root"; return 1; }
	ip netns add "$ns" 2>/dev/null || [ -e "/run/netns/$ns" ] || { skip "$1" "no network namespaces here"; return 1; }
	ip -n "$ns" link set lo up
}

# Two free hugepages a MiB of need, for the device kinds that share memory with another process; given back at the end.
need_hugepages() {
	local free
	free=$(awk '/HugePages_Free/ {print $2}' /proc/meminfo)
	[ "$free" -ge 400 ] && return 0
	[ "$(id -u)" = 0 ] || { skip "$1" "needs hugepages"; return 1; }
	[ -n "${huge_before:-}" ] || huge_before=$(cat /proc/sys/vm/nr_hugepages)
	echo $((huge_before + 500)) > /proc/sys/vm/nr_hugepages
	free=$(awk '/HugePages_Free/ {print $2}' /proc/meminfo)
	[ "$free" -ge 400 ] || { skip "$1" "needs 800 MiB of hugepages, there are $free pages"; return 1; }
}

# --- devices of the kernel ---

kernel_device() { # NAME DEVICE INTERFACE_OF_THE_KERNEL
	local name=$1 why
	config "$name" "$2"
	start "$name" ip netns exec "$ns" "$bin" serve -q --name "dev$$" -c "$dir/$name.ini" || { fail "$name" "does not start"; return; }
	# ip netns exec becomes the program it runs, so $pid is tidegate's.
	ip -n "$ns" addr add 192.0.2.2/24 dev "$3" 2>/dev/null
	ip -n "$ns" addr add 2001:db8::2/64 dev "$3" nodad 2>/dev/null
	ip -n "$ns" link set "$3" up
	ip netns exec "$ns" ethtool -K "$3" tx off > /dev/null 2>&1
	if ! why=$(echo_client 2>&1); then
		kill -INT "$pid"; wait "$pid"
		fail "$name" "$why"
		return
	fi
	stop "$name" && ok "$name"
}

test_tap() {
	need_root tap || return
	[ -c /dev/net/tun ] || { skip tap "no /dev/net/tun"; return; }
	kernel_device tap net_tap0,iface=tgtap0 tgtap0
}

veth() { # NAME: tga has tidegate, tgb the kernel
	ip -n "$ns" link del tga 2>/dev/null
	ip -n "$ns" link add tga type veth peer name tgb || { skip "$1" "no veth here"; return 1; }
	ip netns exec "$ns" sysctl -q -w net.ipv6.conf.tga.disable_ipv6=1
	ip netns exec "$ns" ethtool -K tga gro off > /dev/null 2>&1
	ip -n "$ns" link set tga up
	ip -n "$ns" link set tgb up
}

test_af_packet() {
	need_root af_packet || return
	veth af_packet || return
	kernel_device af_packet net_af_packet0,iface=tga tgb
}

test_af_xdp() {
	need_root af_xdp || return
	veth af_xdp || return
	config af_xdp net_af_xdp0,iface=tga
	if ! start af_xdp ip netns exec "$ns" "$bin" serve -q --name "dev$$" -c "$dir/af_xdp.ini"; then
		skip af_xdp "this kernel does not do it: $(tail -1 "$dir/af_xdp.log")"
		return
	fi
	kill -INT "$pid"; wait "$pid"
	veth af_xdp || return
	kernel_device af_xdp net_af_xdp0,iface=tga tgb
}

# --- captures ---

test_pcap() {
	local n
	syns "$dir/in.pcap" 1000
	config pcap "net_pcap0,rx_pcap=$dir/in.pcap,tx_pcap=$dir/out.pcap"
	timeout 20 "$bin" serve -q --name "dev$$" -c "$dir/pcap.ini" --exit-when-idle 300 > "$dir/pcap.log" 2>&1 || { fail pcap "exit $?"; return; }
	n=$(synacks "$dir/out.pcap")
	[ "$n" = 1000 ] && ok pcap || fail pcap "$n of 1000 SYNs were answered"
}

# --- inside one process ---

test_ring() {
	config ring net_ring0
	start ring "$bin" serve -q --name "dev$$" -c "$dir/ring.ini" || { fail ring "does not start"; return; }
	sleep 0.5
	stop ring || return
	# Its other end is the same process: the demo joins two of them and talks over them.
	(cd "$dir" && timeout 30 "$bin" demo --seconds 3 > ring.log 2>&1) || { fail ring "the demo ends with $?"; return; }
	grep -q ' 0 were broken off, 0 bytes were wrong' "$dir/ring.log" && ok ring || fail ring "the demo lost something"
}

test_null() {
	local n
	config null net_null0
	start null "$bin" serve -q --name "dev$$" -c "$dir/null.ini" || { fail null "does not start"; return; }
	sleep 0.5
	n=$("$bin" stats --name "dev$$" --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["rx_packets"])')
	stop null || return
	[ "${n:-0}" -gt 1000 ] && ok null || fail null "counted ${n:-nothing}"
}

# --- devices whose other end is another process ---

# peer NAME PEER_VDEV [EAL OPTIONS]: testpmd, in the background for six seconds, forwards a capture of SYNs into PEER_VDEV
# and the answers into another.
peer() {
	local name=$1 vdev=$2
	shift 2
	syns "$dir/$name.in" 20
	# infinite_rx: the link comes up some time after the first packets.
	(sleep 6 | timeout 20 dpdk-testpmd --lcores '0@0,1@0' --no-pci --file-prefix "tgpeer$$" "$@" --vdev "$vdev" \
		--vdev "net_pcap0,rx_pcap=$dir/$name.in,tx_pcap=$dir/$name.out,infinite_rx=1" \
		-- --forward-mode=io --total-num-mbufs=4096 --no-lsc-interrupt > "$dir/$name.peer" 2>&1) &
	peer=$!
}

# Waits for the peer, stops tidegate, and looks at what came back.
judge() {
	local name=$1 n
	wait "$peer"
	stop "$name" || return
	n=$(synacks "$dir/$name.out")
	[ "$n" = 20 ] && { ok "$name"; return; }
	fail "$name" "$n of 20 connections got a SYN-ACK"
	tail -3 "$dir/$name.peer" | sed 's/^/    /'
}

need_testpmd() {
	command -v dpdk-testpmd > /dev/null || { skip "$1" "no dpdk-testpmd"; return 1; }
}

macs=('mac = 02:00:00:00:00:01' 'gateway_mac = 02:00:00:00:00:99')

test_memif() {
	need_testpmd memif || return
	config memif "net_memif0,role=server,socket=$dir/memif.sock,socket-abstract=no" "${macs[@]}"
	start memif "$bin" serve -q --name "dev$$" -c "$dir/memif.ini" || { fail memif "does not start"; return; }
	peer memif "net_memif0,role=client,socket=$dir/memif.sock,socket-abstract=no" --no-huge -m 512 --no-shconf
	judge memif
}

test_vhost() {
	need_testpmd vhost && need_hugepages vhost || return
	config vhost "net_vhost0,iface=$dir/vhost.sock" "${macs[@]}"
	start vhost "$bin" serve -q --name "dev$$" -c "$dir/vhost.ini" || { fail vhost "does not start"; return; }
	peer vhost "net_virtio_user0,path=$dir/vhost.sock,mac=02:00:00:00:00:99" --in-memory --single-file-segments
	judge vhost
}

test_virtio_user() {
	need_testpmd virtio_user && need_hugepages virtio_user || return
	peer virtio_user "net_vhost0,iface=$dir/user.sock" --in-memory --single-file-segments
	for _ in $(seq 50); do [ -S "$dir/user.sock" ] && break; sleep 0.1; done
	config virtio_user "net_virtio_user0,path=$dir/user.sock" "${macs[@]}"
	if ! start virtio_user "$bin" serve -q --name "dev$$" -c "$dir/virtio_user.ini"; then
		wait "$peer"
		fail virtio_user "does not start"
		return
	fi
	judge virtio_user
}

# Frames of many segments (DT-34): virtio-user gets TSO from a vhost that has it, dpdk-testpmd cuts them (gso) and gives them
# to a TAP device, and curl gets every byte.
test_tso() {
	local got want frames cut
	need_root tso && need_testpmd tso && need_hugepages tso || return
	command -v curl > /dev/null || { skip tso "no curl"; return; }
	mkfifo "$dir/tso.in"
	ip netns exec "$ns" timeout 120 dpdk-testpmd --lcores '0@0,1@0' --no-pci --file-prefix "tgpeer$$" --in-memory \
		--single-file-segments --vdev "net_vhost0,iface=$dir/tso.sock,tso=1" --vdev net_tap0,iface=tgtso \
		-- -i --total-num-mbufs=8192 --mbuf-size=17000 --no-lsc-interrupt --disable-link-check < "$dir/tso.in" > "$dir/tso.peer" 2>&1 &
	peer=$!
	pids+=("$peer")
	exec 7> "$dir/tso.in"
	printf 'port stop all\ncsum set ip hw 1\ncsum set tcp hw 1\nset gso size 1514\nset port 1 gso on\nset fwd csum\n' >&7
	printf 'set eth-peer 0 02:00:00:00:00:01\nset eth-peer 1 02:00:00:00:00:99\nport start all\nset promisc all on\n' >&7
	# The ports are set up twice; only then may the other end come.
	for _ in $(seq 100); do [ "$(grep -c 'Configuring Port 1' "$dir/tso.peer")" = 2 ] && break; sleep 0.1; done
	sleep 0.5
	ip -n "$ns" link set tgtso address 02:00:00:00:00:99
	ip -n "$ns" link set tgtso up
	ip -n "$ns" addr add 192.0.2.2/24 dev tgtso
	config tso "net_virtio_user0,path=$dir/tso.sock,mrg_rxbuf=1" 'mac = 02:00:00:00:00:01'
	printf '[listener web]\nport = 80\nservice = http\n' >> "$dir/tso.ini"
	if start tso "$bin" serve --name "dev$$" -c "$dir/tso.ini"; then
		sleep 1
		echo start >&7
		sleep 1
		# testpmd shares its core with all else here: the first start may come before its ports are up.
		for _ in 1 2 3 4; do
			ip netns exec "$ns" curl -s --interface tgtso --connect-timeout 5 -m 40 -o "$dir/tso.got" http://192.0.2.1/bytes/20000000 && break
			printf 'stop\nstart\n' >&7
			sleep 1
		done
		got=$(sha256sum 2> /dev/null < "$dir/tso.got")
		want=$(python3 -c 'import hashlib; print(hashlib.sha256(bytes(i % 251 for i in range(20000000))).hexdigest())')
		frames=$("$bin" stats --name "dev$$" --json | python3 -c 'import json,sys
v = json.load(sys.stdin)["counters"]; print(v["tso_frames"], v["tx_packets"])')
		read -r cut frames <<< "$frames"
		if stop tso; then
			if ! grep -q ', TSO' "$dir/tso.log"; then
				fail tso "the device does not tell of TSO"
			elif [ "${got%% *}" != "$want" ]; then
				fail tso "other bytes came (${got%% *})"
			elif [ "${cut:-0}" -lt 1000 ] || [ "$frames" -gt 8000 ]; then
				fail tso "$cut of $frames frames were to be cut"
			else
				ok "tso ($frames frames for 13,800 segments)"
			fi
		fi
	else
		fail tso "does not start"
	fi
	echo quit >&7
	exec 7>&-
	wait "$peer"
}

# --- network cards ---

test_pci() {
	local lines rc
	config pci 0000:ff:1f.7
	timeout 20 "$bin" serve -q --name "dev$$" -c "$dir/pci.ini" > "$dir/pci.out" 2> "$dir/pci.log"
	rc=$?
	lines=$(wc -l < "$dir/pci.log")
	# No card here may be taken away from the kernel: shown is that a wrong address is told, in one line.
	if [ $rc -eq 2 ] && [ "$lines" -eq 1 ] && grep -q 'pci.ini:4: .*0000:ff:1f.7' "$dir/pci.log"; then
		ok pci
	else
		fail pci "exit $rc and $lines lines for an address without a card"
	fi
}

for name in null pcap ring pci tap af_packet af_xdp memif vhost virtio_user tso; do
	wanted "$name" && "test_$name"
done
echo "devices: $passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
