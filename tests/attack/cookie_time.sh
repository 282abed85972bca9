#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Where a cookie's MAC is wrong must take no part in the time that its check needs: the check is counted
# by callgrind for a MAC that is wrong in each of its bits, of the ISN (29) and of the TSval (11), over
# IPv4 and IPv6, before a pool, too, where any scale may have been told. All counts of one kind must be equal, to the instruction.
#
#   cookie_time.sh [--program FILE]
set -uo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
program=$top/build/tests/attack/cookie_time
[ "${1:-}" != --program ] || program=$2
work=$(mktemp -d /tmp/tidegate-cookie-time.XXXXXX)
trap 'rm -rf "$work"' EXIT

if [ ! -x "$program" ] || ! command -v valgrind >/dev/null; then
	printf 'skip cookie_time: no valgrind, or the program is not built\ncookie_time: 0 passed, 0 failed, 1 skipped\n'
	exit 0
fi
passed=0 failed=0
if ! valgrind --tool=callgrind --combine-dumps=yes --toggle-collect=tg_cookie_check \
	--callgrind-out-file="$work/out" "$program" >"$work/log" 2>&1; then
	printf 'FAIL cookie_time: %s\ncookie_time: 0 passed, 1 failed, 0 skipped\n' "$(grep -m 1 FAIL "$work/log" || tail -n 1 "$work/log")"
	exit 1
fi
awk '/^desc: Trigger: Client Request: / { which = $NF }
     /^(totals|summary): / && which { print which, $2; which = "" }' "$work/out" >"$work/counts"
for kind in v4-plain v6-plain v4-ts v6-ts v4-pool v6-pool; do
	want=29
	[[ $kind == *-plain ]] || want=40
	# A count of nothing would be equal, too.
	if row=$(awk -v kind="$kind-" 'index($1, kind) == 1 { n++; if ($2 < least || n == 1) least = $2; if ($2 > most) most = $2 }
		END { print n + 0, least, most; exit !(n && least == most && least > 100) }' "$work/counts") &&
		[ "${row%% *}" = $want ]; then
		printf 'ok   %s: %s bits, %s instructions each\n' $kind $want "${row##* }"
		passed=$((passed + 1))
	else
		printf 'FAIL %s: %s (bits, least, most), expected %s bits and one count\n' $kind "$row" $want
		failed=$((failed + 1))
	fi
done
printf 'cookie_time: %d passed, %d failed, 0 skipped\n' $passed $failed
[ $failed = 0 ]
