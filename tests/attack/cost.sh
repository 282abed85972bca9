#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# What hostile packets cost (ADV-42, ADV-43): instructions, counted by callgrind, so that they are the
# same each time. For each kind of cost_kinds.c the mean over 1,000 packets must be at most 4 times that
# of an honest segment of data in order, and in the last tenth at most 1.1 times what it was in the
# first. The memory that the peer can make grow has a bound, too, and both are printed.
#
#   cost.sh [--program FILE] [--packets N] [--jobs N] [--along] [--keep DIR] [KIND...]
#
#   --packets  of each kind: 100,000; with TG_TEST_MODE=long ten million, with quick 100,000 of some kinds
#   --jobs     so many kinds side by side: as many as there are cores
#   --along    prints the means of all ten tenths, too
#
# Ten million packets of a kind take about a minute of a core, and all kinds half an hour; 100,000 take
# three seconds. COST.md has the figures.
set -uo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
program=$top/build/tests/attack/cost
packets=100000 jobs=$(nproc 2>/dev/null || echo 1) keep='' along=() kinds=()
[ "${TG_TEST_MODE:-normal}" != long ] || packets=10000000
while [ $# -gt 0 ]; do
	case "$1" in
	--program) program=$2 && shift ;;
	--packets) packets=$2 && shift ;;
	--jobs) jobs=$2 && shift ;;
	--keep) keep=$2 && shift ;;
	--along) along=(--along) ;;
	-*)
		printf 'cost.sh: unknown option %s\n' "$1" >&2
		exit 2
		;;
	*) kinds+=("$1") ;;
	esac
	shift
done
passed=0 failed=0
work=${keep:-$(mktemp -d /tmp/tidegate-cost.XXXXXX)}
mkdir -p "$work"
trap '[ -n "$keep" ] || rm -rf "$work"' EXIT

if [ ! -x "$program" ] || ! command -v valgrind >/dev/null; then
	printf 'skip cost: no valgrind, or the program is not built\ncost: 0 passed, 0 failed, 1 skipped\n'
	exit 0
fi
if [ ${#kinds[@]} = 0 ]; then
	mapfile -t kinds < <("$program" --list)
	[ "${TG_TEST_MODE:-normal}" != quick ] ||
		kinds=(holes-random sack-splits sack-alternating ack-splits dup-acks mss-216-sack-splits)
fi

# count KIND: leaves KIND.means, a line "NAME MEAN" of each block that was counted, in order.
count() {
	local kind=$1 begun=$SECONDS
	rm -f "$work/$kind.out" "$work/$kind.means"
	valgrind --tool=callgrind --instr-atstart=no --collect-atstart=no --combine-dumps=yes \
		--toggle-collect=tg_engine_rx \
		--callgrind-out-file="$work/$kind.out" "$program" --packets "$packets" "${along[@]}" "$kind" \
		>"$work/$kind.log" 2>&1 &&
		awk '/^desc: Trigger: Client Request: / { which = $NF }
		     /^(totals|summary): / && which { print which, $2 / 1000; which = "" }' \
			"$work/$kind.out" >"$work/$kind.means"
	printf '%-22s %4d s\n' "$kind" $((SECONDS - begun)) >&2
}

# figures KIND: "first mean, last mean, worst block" in instructions a packet.
figures() {
	awk '{ n[$1]++; sum[$1] += $2; if ($2 > worst) worst = $2 }
	     END { if (n["first"] != 10 || n["last"] != 10) exit 1
		   printf "%.0f %.0f %.0f\n", sum["first"] / 10, sum["last"] / 10, worst }' "$work/$1.means" 2>/dev/null
}

# memory KIND: "KiB at most, bound" as the program printed them.
memory() {
	sed -nE 's/^ok .* ([0-9]+) KiB at most \(bound ([0-9]+)\).*/\1 \2/p' "$work/$1.log"
}

running=0
for kind in honest-data "${kinds[@]}"; do
	[ "$kind" != honest-data ] || [ $running = 0 ] || continue # it is the first in any case
	if [ $running -ge "$jobs" ]; then
		wait -n
		running=$((running - 1))
	fi
	count "$kind" &
	running=$((running + 1))
done
wait

read -r _ honest _ <<<"$(figures honest-data)"
if [ -z "${honest:-}" ]; then
	printf 'FAIL cost: honest-data could not be counted\n'
	cat "$work/honest-data.log"
	printf 'cost: 0 passed, 1 failed, 0 skipped\n'
	exit 1
fi
printf 'instructions a packet, %d packets of each kind; honest data in order: %d\n' "$packets" "$honest"
printf '     %-22s %8s %8s %8s %6s %6s %7s %7s\n' kind first last worst times growth KiB bound
for kind in "${kinds[@]}"; do
	if ! row=$(figures "$kind") || ! kib=$(memory "$kind") || [ -z "$kib" ]; then
		printf 'FAIL %s: %s\n' "$kind" "$(grep -E '^FAIL' "$work/$kind.log" || tail -n 1 "$work/$kind.log")"
		failed=$((failed + 1))
		continue
	fi
	if line=$(awk -v k="$kind" -v h="$honest" '{
		printf "%-22s %8d %8d %8d %6.2f %6.2f %7d %7d\n", k, $1, $2, $3, $3 / h, $2 / $1, $4, $5
		exit $3 > 4 * h || $2 > 1.1 * $1 || $4 > $5 }' <<<"$row $kib"); then
		printf 'ok   %s\n' "$line"
		passed=$((passed + 1))
	else
		printf 'FAIL %s\n' "$line"
		failed=$((failed + 1))
	fi
	[ ${#along[@]} = 0 ] ||
		awk '{ t = int((NR - 1) / 10); sum[t] += $2 }
		     END { printf "       tenths:"; for (t = 0; t < 10; t++) printf " %d", sum[t] / 10; print "" }' "$work/$kind.means"
done
printf 'cost: %d passed, %d failed, 0 skipped\n' $passed $failed
[ $failed = 0 ]
