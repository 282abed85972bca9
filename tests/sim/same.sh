#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The same seed gives the same datagrams at the same times, whoever compiled it and how: a digest of a
# whole lossy transfer, by gcc, by clang, and by gcc without optimization.
#
#   same.sh [DIR...]   the build directories; build, build-clang and build-debug, which is made here
set -uo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$top" || exit 2
passed=0 failed=0 skipped=0 first=
dirs=("$@")
if [ $# = 0 ]; then
	dirs=(build build-clang build-debug)
	[ -f build-debug/build.ninja ] ||
		CC=gcc meson setup build-debug -Dtests=enabled -Ddpdk=disabled -Dbuildtype=debug -Doptimization=0 >/dev/null
	ninja -C build-debug tests/sim/test_goodput >/dev/null
fi
for dir in "${dirs[@]}"; do
	program=$dir/tests/sim/test_goodput
	if [ ! -x "$program" ]; then
		printf 'skip %s: not built\n' "$dir"
		skipped=$((skipped + 1))
		continue
	fi
	digest=$("$program" --digest | tr '\n' ' ')
	if [ -n "$digest" ] && [ "$digest" = "${first:=$digest}" ]; then
		printf 'ok %s: %s\n' "$dir" "$digest"
		passed=$((passed + 1))
	else
		printf 'FAIL %s: %s, wanted %s\n' "$dir" "$digest" "$first"
		failed=$((failed + 1))
	fi
done
printf 'same: %d passed, %d failed, %d skipped\n' $passed $failed $skipped
[ $failed = 0 ]
