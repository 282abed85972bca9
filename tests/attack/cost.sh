#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# What hostile packets cost (ADV-42, ADV-43): instructions, counted by callgrind, so that they are the
# same each time. For each kind of cost_kinds.c the mean over 1,000 packets must be at most 4 times that
# of an honest segment of data in order, and at the end at most 1.1 times what it was at the beginning.
#
#   cost.sh [--program FILE] [--packets N] [--keep DIR] [KIND...]
#
# 100,000 packets of each kind; with TG_TEST_MODE=long a million, with quick as many of some kinds.
set -uo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
program=$top/build/tests/attack/cost
packets=100000 keep='' kinds=()
[ "${TG_TEST_MODE:-normal}" != long ] || packets=1000000
while [ $# -gt 0 ]; do
	case "$1" in
	--program) program=$2 && shift ;;
	--packets) packets=$2 && shift ;;
	--keep) keep=$2 && shift ;;
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

# count KIND: "first mean, first worst, last mean, last worst" in instructions a packet.
count() {
	local kind=$1
	valgrind --tool=callgrind --instr-atstart=no --collect-atstart=no --combine-dumps=yes \
		--toggle-collect=tg_engine_rx \
		--callgrind-out-file="$work/$kind.out" "$program" --packets "$packets" "$kind" \
		>"$work/$kind.log" 2>&1 || return 1
	awk '/^desc: Trigger: Client Request: / { which = $NF }
	     /^(totals|summary): / && which {
		mean = $2 / 1000; n[which]++; sum[which] += mean
		if (mean > worst[which]) worst[which] = mean
		which = ""
	     }
	     END { if (n["first"] != 10 || n["last"] != 10) exit 1
		   printf "%.0f %.0f %.0f %.0f\n", sum["first"] / 10, worst["first"], sum["last"] / 10, worst["last"] }' \
		"$work/$kind.out"
}

read -r _ _ honest _ <<<"$(count honest-data)"
if [ -z "${honest:-}" ]; then
	printf 'FAIL cost: honest-data could not be counted\n'
	cat "$work/honest-data.log"
	printf 'cost: 0 passed, 1 failed, 0 skipped\n'
	exit 1
fi
printf 'instructions a packet, %d packets of each kind; honest data in order: %d\n' "$packets" "$honest"
printf '     %-22s %8s %8s %8s %6s %6s\n' kind first last worst times growth
for kind in "${kinds[@]}"; do
	if ! figures=$(count "$kind"); then
		printf 'FAIL %s: %s\n' "$kind" "$(grep -E '^FAIL' "$work/$kind.log" || tail -n 1 "$work/$kind.log")"
		failed=$((failed + 1))
		continue
	fi
	if line=$(awk -v k="$kind" -v h="$honest" '{
		worst = $2 > $4 ? $2 : $4
		printf "%-22s %8d %8d %8d %6.2f %6.2f\n", k, $1, $3, worst, worst / h, $3 / $1
		exit worst > 4 * h || $3 > 1.1 * $1 }' <<<"$figures"); then
		printf 'ok   %s\n' "$line"
		passed=$((passed + 1))
	else
		printf 'FAIL %s\n' "$line"
		failed=$((failed + 1))
	fi
done
printf 'cost: %d passed, %d failed, 0 skipped\n' $passed $failed
[ $failed = 0 ]
