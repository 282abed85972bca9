# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# rivals_measure.sh: the comparison of rivals.sh: who meets which rate when, and what is written down.
#
# A cell is one rival under one rate: first the flood alone, for the CPU's time; then clients and one
# large transfer besides. Rivals take turns within a rate, rates within a round, so that what changes on
# this machine meets all of them.
alone_s=3 with_s=4 clients_rate=200
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
cell() { # RIVAL RATE ROUND
	local line seconds=$((alone_s + with_s + 20)) bulk
	if is_ours "$1"; then start_engine "$1" || return; else start_soaker; fi
	line="rival=$1 rate=$2 round=$3 "
	start_flood "$1" "$2" $seconds "$3"
	sleep 1
	line+=$(look a_ "$1")
	sleep $alone_s
	line+=" $(look b_ "$1")"
	if [ "$1" != drop ]; then
		"${words_c[@]}" "${first[@]}" taskset -c 0 "$programs/rivals_client" --to "${server[$1]}:80" --bulk --bytes $bulk_body \
			--seconds $with_s >"$work/bulk" 2>&1 &
		bulk=$!
		clients "$1" $clients_rate $with_s >"$work/clients" 2>&1
		wait $bulk
		line+=" $(look c_ "$1") $(grep '^clients: ' "$work/clients" | cut -d' ' -f2- | sed 's/\([a-z_0-9]*\)=/clients_\1=/g')"
		line+=" $(grep '^bulk: ' "$work/bulk" | cut -d' ' -f2- | sed 's/\([a-z_0-9]*\)=/bulk_\1=/g')"
	fi
	end_flood
	line+=" $(grep '^synflood: ' "$work/flood" | cut -d' ' -f2- | sed 's/\([a-z_0-9]*\)=/flood_\1=/g')"
	printf '%s\n' "$line" >>"$cells"
	printf '   %s\n' "$line"
	if is_ours "$1"; then stop "$1, $2 SYN/s, round $3"; else end_soaker; fi
}
# What an engine's SYN costs without any device: perf's own program, between the rounds.
cell_bench() {
	[ -x "$bench" ] || return 0
	"${first[@]}" taskset -c 1 "$bench" --rounds 9 --size 1000 --only "SYN to SYN-ACK" >>"$work/bench" 2>/dev/null
}
measure_all() {
	local round rate rival
	for ((round = 1; round <= rounds; round++)); do
		for rate in $rates; do
			for rival in $only; do cell "$rival" "$rate" $round; done
		done
		cell_bench
	done
	python3 "$flood_dir/rivals_table.py" "$cells" "$work/bench" | tee "${out:-$work/table.md}"
	[ -z "${TG_KEEP:-}" ] || printf 'kept in %s\n' "$work"
}
