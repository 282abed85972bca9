# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# rivals_check.sh: what rivals.sh asserts: who is served in a flood, that nothing grows, and that the books
# balance. No time is asserted.

# What is sent is what it says, and nothing is sent where it must not.
check_synflood() {
	local file=$work/flood.pcapng status syns
	local words_c=(ip netns exec "$(d 0)") # where it is captured: what passes by the queues is not seen where it leaves
	"$programs/synflood" --if lo --mac 02:00:00:00:00:01 --to 127.0.0.1:80 --rate 1 --count 1 >"$work/refused" 2>&1
	same "synflood: refuses the first namespace" $? 2
	same "synflood: in one line" "$(wc -l <"$work/refused")" 1
	in_c "$programs/synflood" --if lo --mac 02:00:00:00:00:01 --to 127.0.0.1:80 --rate 1 --count 1 >"$work/refused" 2>&1
	same "synflood: refuses what is neither veth nor TAP" $? 2
	in_c "$programs/synflood" --if c0 --mac 02:00:00:00:00:01 --to 10.20.0.1:80 --rate 1 >"$work/refused" 2>&1
	same "synflood: refuses to have no end" $? 2
	capture "$file" d0
	in_c "$programs/synflood" --if c0 --mac 02:00:00:00:00:01 --to 10.20.0.1:80 --rate 1000 --count 200 >"$work/flood" 2>&1
	status=$?
	in_c "$programs/synflood" --if c0 --mac 02:00:00:00:00:01 --to '[2001:db8::1]:80' --rate 1000 --count 200 >>"$work/flood" 2>&1
	same "synflood: sends, IPv4 and IPv6" $status$? 00
	capture_end
	same "synflood: says what it sent" "$(grep -c 'sent=200 refused=0 ' "$work/flood")" 2
	syns='tcp.flags == 0x002 && tcp.dstport == 80 && tcp.options.mss_val == 1460 && tcp.options.sack_perm'
	syns="$syns && tcp.options.timestamp.tsval && tcp.options.wscale.shift == 7"
	same "synflood: SYNs with Linux's options" "$(count "$file" "$syns")" 400
	same "synflood: no checksum is wrong" "$(count "$file" "$bad_sum")" 0
	same "synflood: sources of the prefix" "$(count "$file" 'ip.src == 198.18.0.0/15 || ipv6.src == 2001:db8:8000::/33')" 400
	check "synflood: all of them different, but for chance" "" [ "$(tshark -r "$file" -Y tcp -T fields -e ip.src -e ipv6.src 2>/dev/null | sort -u | wc -l)" -gt 390 ]
}
half_open() { stat connections.SYN-RECEIVED; }
books() {
	"$tg" stats --json --name "$instance" | python3 -c '
import json, sys
v = json.load(sys.stdin)
c = v["counters"]
drops = sum(n for k, n in v["drops"].items() if k not in ("rx_chain", "steer_full", "tx_dropped"))
print(c["rx_segments"] - c["rx_accepted"] - drops)'
}
kernel_rx() { ip netns exec "$(d "${number[$1]}")" cat "/sys/class/net/d${number[$1]}/statistics/rx_packets"; }
# check_came RIVAL BEFORE GAP-US: what the wire brought is what the port saw. The driver does not count what its ring
# has no room for, so a worker that was away for longer than a ring lasts can only say so.
check_came() {
	local brought saw
	brought=$(($(kernel_rx "$1") - $2))
	saw=$(stat ports.outside.rx_packets)
	if [ "$3" -gt $((ring * 600000 / ${RIVALS_CHECK_RATE:-25000})) ]; then
		skip "$1: every packet was seen" "nothing was polled for $3 us"
		return
	fi
	# A neighbour may have been asked before the port was there.
	check "$1: every packet was seen" "$saw of $brought" [ $((brought - saw)) -ge 0 -a $((brought - saw)) -le 4 ]
}
# check_rival serve|shield: 25,000 SYNs a second, and clients among them.
check_rival() {
	local what=$1 before after most=0 n i rate=${RIVALS_CHECK_RATE:-25000} rx gap
	rx=$(kernel_rx "$1")
	start_engine "$1" || return
	start_flood "$1" "$rate" 60 7
	reaches counters.cookie_sent 1000
	before=$(rss_kb)
	clients "$1" 100 4 >"$work/clients" 2>&1 &
	i=$!
	while kill -0 $i 2>/dev/null; do
		n=$(half_open)
		[ "${n:-0}" -le $most ] || most=$n
		sleep 0.2
	done
	wait $i
	same "$what: every client has what it asked for" "$(said "$work/clients" whole)" 400
	same "$what: by three SYNs at most" "$(said "$work/clients" three_syns)" 400
	after=$(rss_kb)
	end_flood
	sleep 0.3
	same "$what: the flood was sent" "$(grep -c 'synflood: sent=' "$work/flood")" 1
	check "$what: it was answered by cookies" "cookie_sent" reaches counters.cookie_sent $((rate))
	check "$what: half-open entries stay below the mark" "$most of $synq_high" [ "$most" -le $synq_high ]
	check "$what: and came near it" "$most of $synq_high" [ "$most" -ge $((synq_high / 2)) ]
	check "$what: memory is flat" "$before KiB, then $after KiB" [ $((after - before)) -le 1024 ]
	same "$what: rx_segments = rx_accepted + drops" "$(books)" 0
	gap=$(stat poll_gap_max_us)
	check_came "$1" "$rx" "$gap"
	printf '   %s\n   %s\n   half-open %s at most; memory %s KiB; longest gap in polling %s us\n' "$(cat "$work/flood")" \
		"$(cat "$work/clients")" "$most" "$((after - before))" "$gap"
	[ "$1" != serve ] || check_gap
	stop "$what: SIGTERM ends it"
}
# A worker that stood still says so: for as long as it is stopped nothing is polled.
check_gap() {
	kill -STOP "$engine"
	sleep 0.7
	kill -CONT "$engine"
	check "a worker that stood still for half a second says so" "$(stat poll_gap_max_us) us" reaches poll_gap_max_us 500000
	check "as what happened lately, too" "$(stat poll_gap_us) us" reaches poll_gap_us 500000
}
# The same flood without cookies keeps clients out: so the checks above can fail.
check_unguarded() {
	cookies=off
	start_engine serve || return
	start_flood serve 25000 60 7
	reaches drops.synq_full 1000
	clients serve 20 2 3000 >"$work/clients" 2>&1
	end_flood
	check "without cookies clients stay outside" "$(cat "$work/clients")" [ "$(said "$work/clients" whole)" -lt 20 ]
	cookies=auto
	stop "without cookies: SIGTERM ends it"
}
check_all() {
	check_synflood
	check_rival serve
	check_rival shield
	check_unguarded
}
