# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# rivals_measure.sh: the comparison of rivals.sh: who meets which rate when, and what is written down.
#
# A cell is one rival under one rate: first the flood alone, for the CPU's time; then clients and a transfer
# at a given pace, then one as fast as it goes. While the flood is alone its answers end where they are sent: between
# CPUs each would cost an interrupt, which no wire asks for. Clients have a CPU of their own. Rivals take turns within
# a rate, rates within a round, so that what changes on this machine meets all of them.
with_s=2 free_s=2 clients_rate=200 paced_mbit=500
cells=$work/cells

# The CPU's time is counted in ticks by whoever has it then, and an idle CPU has no ticks: so something
# of the lowest rank keeps it from being idle.
start_soaker() {
	chrt -i 0 taskset -c 1 sh -c 'while :; do :; done' &
	soaker=$!
	pids+=("$soaker")
}
end_soaker() {
	kill -KILL "$soaker" 2>/dev/null
	wait "$soaker" 2>/dev/null
}
# look PREFIX RIVAL: what stands on the clocks now.
look() {
	local n=${number[$2]} words=()
	! is_ours "$2" || words=("$engine" "$tg" "$instance")
	ip netns exec "$(d "$n")" python3 "$flood_dir/rivals_look.py" "$1" "d$n" "${words[@]}"
}
# words FILE LINE NAME: the figures of that line, each as NAME_KEY=value.
words() { sed -nE "/^$2: /{s/^$2: //; s/([a-z0-9_]+)=/$3_\\1=/g; p}" "$1"; }
bulk() { # RIVAL SECONDS [OPTION...]: one large transfer
	local rival=$1 seconds=$2
	shift 2
	"${words_c[@]}" "${first[@]}" taskset -c 0 "$programs/rivals_client" --to "${server[$rival]}:80" --bulk \
		--bytes $bulk_body --seconds "$seconds" "$@"
}
# The kernel's time is a count of ticks, 250 a second: the smaller the share of them, the more are looked at.
alone_s() { # RATE
	if [ "$1" -lt 50000 ]; then echo 4; elif [ "$1" -lt 100000 ]; then echo 3; else echo 2; fi
}
alone() { # RIVAL RATE: the flood by itself
	received_by "$ns_c" "c${number[$1]}" 0
	sleep 0.5
	line+=" $(look a_ "$1")"
	sleep "$(alone_s "$2")"
	line+=" $(look b_ "$1")"
	received_by "$ns_c" "c${number[$1]}" 1
}
together() { # RIVAL: clients and a transfer of so many Mbit/s, then one as fast as it goes
	bulk "$1" $with_s --mbit $paced_mbit >"$work/paced" 2>&1 &
	local paced=$!
	clients "$1" $clients_rate $with_s 5000 >"$work/clients" 2>&1
	wait $paced
	bulk "$1" $free_s >"$work/free" 2>&1
	line+=" $(look c_ "$1") $(words "$work/clients" clients clients) $(words "$work/paced" bulk paced) $(words "$work/free" bulk free)"
}
cell() { # RIVAL RATE ROUND
	local line="rival=$1 rate=$2 round=$3"
	if is_ours "$1"; then start_engine "$1" || return; else start_soaker; fi
	if [ "$2" -gt 0 ]; then
		start_flood "$1" "$2" 60 "$3"
		alone "$1" "$2"
	fi
	[ "$1" = drop ] || together "$1"
	if [ "$2" -gt 0 ]; then
		end_flood
		line+=" $(words "$work/flood" synflood flood)"
	fi
	printf '%s\n' "$line" >>"$cells"
	printf '   %s\n' "$line"
	if is_ours "$1"; then stop "$1, $2 SYN/s, round $3"; else end_soaker; fi
}
# What an engine's SYN costs without any device: perf's own program, between the rounds.
cell_bench() {
	[ -x "$bench" ] || return 0
	"${first[@]}" taskset -c 1 "$bench" --rounds 9 --size 1000 --only "SYN to SYN-ACK" >>"$work/bench" 2>/dev/null
}
about() {
	printf '%s, commit %s; %s x %s, Linux %s, %s; load average before %s, after %s.\n\n' \
		"$(date -u +%Y-%m-%d)" "$2" "$(nproc)" \
		"$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1)" "$(uname -r | cut -d- -f1)" \
		"$(grep -qw hypervisor /proc/cpuinfo && echo a virtual machine || echo no virtual machine)" "$1" "$(cut -d' ' -f1 /proc/loadavg)"
}
measure_all() {
	local round rate rival load commit
	commit=$(git -C "$top" rev-parse --short HEAD 2>/dev/null || echo unknown)
	load=$(cut -d' ' -f1 /proc/loadavg)
	for ((round = 1; round <= rounds; round++)); do
		for rate in $rates; do
			for rival in $only; do
				[ "$rival$rate" != drop0 ] || continue
				cell "$rival" "$rate" $round
			done
		done
		cell_bench
	done
	{ about "$load" "$commit"; python3 "$flood_dir/rivals_table.py" "$cells" "$work/bench"; } | tee "$work/table.md"
	[ -z "$out" ] || into "$work/table.md" "$out"
	[ -z "${TG_KEEP:-}" ] || printf 'kept in %s\n' "$work"
}
# into TABLES FILE: between the file's two marks, or the whole of it.
into() {
	if grep -qs '^<!-- rivals: begin -->' "$2"; then
		sed -i -e "/^<!-- rivals: begin -->/r $1" -e '/^<!-- rivals: begin -->/,/^<!-- rivals: end -->/{/^<!-- rivals: /!d}' "$2"
	else
		cp "$1" "$2"
	fi
}
