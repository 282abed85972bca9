#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Goodput beside the kernel, over the same bad link, in real time: a table, nothing is asserted.
#
#   tests/interop/goodput.sh [--quick] [--rounds N] [--only CC:BUFFER:LOSS] [--out FILE]
#
# Per cell (cubic or reno; buffers of 64 KiB or 1 MiB; loss 0 to 5 % of frames both ways; RTT 20 ms) three pairs take
# turns, round by round: kernel to kernel, ours to kernel, kernel to ours. The first second of each run is left
# out. Then 64 flows share a bottleneck of 200 Mbit/s (RTT 20 ms, a queue as long as the path): Jain's index.
#
# Equal buffers: the window that the receiver advertises is what binds all three. Ours has rcvbuf = the
# figure; the kernel gets SO_RCVBUF = 81 % of it, which it doubles and then charges its overhead to, so
# that the window on the wire comes out at the figure (TCP_WINDOW_CLAMP does not hold on kernels of today).
# Send buffers are larger, so that they do not bind. The table has what was seen on the
# wire, before the link: the largest flight of each sender.
#
# The relay is a process on a busy machine, and hands each frame over somewhat late: that is part of
# the round trip, the more the faster the run. So the ratio is also given at equal round trips: each
# rate times 20 ms and what its run was late both ways, as the relay counted it; rates of all cells go
# by 1/RTT, bound by the window or by loss.
. "$(dirname "$0")/../e2e/lib.sh"
. "$(dirname "$0")/cells.sh"
rounds=5 run_ms=5000 share_ms=20000 only=() out=
while [ $# -gt 0 ]; do
	case "$1" in
	--quick) rounds=3 run_ms=3000 share_ms=8000 ;;
	--rounds) rounds=$2; shift ;;
	--only) only+=("$2"); shift ;;
	--out) out=$2; shift ;;
	*) sed -n '3,6s/^# \{0,1\}//p' "$0"; exit 2 ;;
	esac
	shift
done
need ip ethtool python3
need_programs
need_root

# Three namespaces for a worker: kernel a (.2), kernel b (.1), the relay between them.
worker_spaces() {
	local w=$1 x
	a=tg$$a$w b=tg$$b$w r=tg$$r$w
	for x in "$a" "$b" "$r"; do
		ip netns add "$x" || return 1
		ip netns exec "$x" sysctl -qw net.ipv4.tcp_no_metrics_save=1 net.ipv4.tcp_rmem="4096 131072 16777216" \
			net.ipv4.tcp_wmem="4096 131072 16777216" 2>/dev/null
	done
	kernel_side "$a" "$r" a 2 1500 && kernel_side "$b" "$r" b 1 1500
}
# run_pair WHO CC BUFFER N MS MARK LOG RELAY-WORDS...: one transfer, for MS, of N flows.
run_pair() {
	local who=$1 cc=$2 buf=$3 n=$4 ms=$5 mark=$6 log=$7 server client
	shift 7
	local keys="cc=$cc sndbuf=$((2 * buf)) rcvbuf=$((buf * 81 / 100)) seconds=$((ms / 1000 + 20))"
	local flow="n=$n up=1 run_ms=$ms mark_ms=$mark"
	local lab="addr=192.0.2.1/24 sndbuf=$((4 * buf)) rcvbuf=$buf congestion=${cc/reno/newreno}"
	local link=("$@" --delay-us 10000 --seconds $((ms / 1000 + 20)))
	# shellcheck disable=SC2086
	case "$who" in
	kernel-ours)
		ip netns exec "$r" "$relay" if:ra "lab:role=serve n=$n $lab" "${link[@]}" >"$log" 2>&1 &
		server=$!
		sleep 0.3
		kill -0 "$server" 2>/dev/null || return
		ip netns exec "$a" "$peer" talk 192.0.2.1 9000 $flow $keys >>"$log.client" 2>&1
		wait $server
		cat "$log.client" >>"$log"
		rm -f "$log.client"
		;;
	*)
		ip netns exec "$a" "$peer" serve 192.0.2.2 9000 n=$n $keys >"$log.server" 2>&1 &
		server=$!
		sleep 0.2
		if [ "$who" = ours-kernel ]; then
			ip netns exec "$r" "$relay" if:ra "lab:role=talk to=192.0.2.2 $flow $lab" "${link[@]}" >"$log" 2>&1
		else
			ip netns exec "$r" "$relay" if:ra if:rb "${link[@]}" >"$log" 2>&1 &
			client=$!
			sleep 0.2
			ip netns exec "$b" "$peer" talk 192.0.2.2 9000 $flow $keys >"$log.client" 2>&1
			kill -TERM "$client"
			wait "$client"
			cat "$log.client" >>"$log"
		fi
		kill -TERM "$server" 2>/dev/null
		wait $server
		rm -f "$log.client" "$log.server"
		;;
	esac
}
# one CELL-FILE WHO CC BUFFER LOSS ROUND: a line "who cc buffer loss mbit flight window again late-us".
one() {
	local file=$1 who=$2 cc=$3 buf=$4 loss=$5 round=$6 log=$1.log side=1 mbit
	run_pair "$who" "$cc" "$buf" 1 "$run_ms" 1000 "$log" --loss "$loss" --seed $((round * 100 + loss))
	[ "$who" != kernel-ours ] || side=0
	mbit=$(sed -nE 's/^(lab|kernel) client:.* up_mbit=([^ ]*) .*/\2/p' "$log")
	printf '%s %s %s %s %s %s %s %s %s\n' "$who" "$cc" "$buf" "$loss" "${mbit:-failed}" \
		"$(field "$log" "watch $side" flight_max)" "$(field "$log" "watch $((1 - side))" window_max)" \
		"$(field "$log" "watch $side" again)" \
		"$(sed -nE 's/^link .* late_us=([0-9]+).*/\1/p' "$log" | awk '{ s += $1 } END { print s + 0 }')" >>"$file"
	[ -n "$mbit" ] || tail -n 2 "$log" >&2
}
# cell WORKER CC BUFFER LOSS
cell() {
	local file=$work/$2.$3.$4 round who a b r
	worker_spaces "$1" || { echo "no namespaces" >&2; return; }
	for ((round = 1; round <= rounds; round++)); do
		for who in kernel-kernel ours-kernel kernel-ours; do one "$file" $who "$2" "$3" "$4" $round; done
	done
	for x in "$a" "$b" "$r"; do ip netns del "$x"; done
}
# share WORKER CC: 64 flows through one bottleneck.
share() {
	local w=$1 cc=$2 who a b r
	worker_spaces "$w" || return
	for who in kernel-kernel ours-kernel; do
		run_pair $who "$cc" 262144 64 "$share_ms" 2000 "$work/share.log" --rate-mbit 200 --queue-kb 488
		printf '%s %s %s\n' $who "$cc" "$(sed -nE 's/^(lab|kernel) client:.* up_mbit=([^ ]*) .* jain_up=([^ ]*) .*/\2 \3/p' "$work/share.log")" >>"$work/share"
	done
	for x in "$a" "$b" "$r"; do ip netns del "$x"; done
}
wanted() {
	[ ${#only[@]} = 0 ] && return 0
	local x
	for x in "${only[@]}"; do [ "$x" != "$1" ] || return 0; done
	return 1
}
number=0
for loss in 50 20 10 1 0; do
	for buf in 65536 1048576; do
		for cc in cubic reno; do
			wanted "$cc:$buf:$loss" || continue
			number=$((number + 1))
			spaces+=("tg$$a$number" "tg$$b$number" "tg$$r$number")
			# The fast ones run alone, the others two at a time.
			limit=2
			[ "$loss" -gt 1 ] || limit=1
			while [ "$(jobs -rp | wc -l)" -ge $limit ]; do wait -n; done
			cell $number $cc $buf $loss &
		done
	done
done
wait
for cc in cubic reno; do
	wanted "$cc:share" || continue
	number=$((number + 1))
	spaces+=("tg$$a$number" "tg$$b$number" "tg$$r$number")
	share $number $cc
done
python3 "$top/tests/interop/goodput_table.py" "$work" | tee "${out:-$work/table.md}"
