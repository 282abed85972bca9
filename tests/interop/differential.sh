#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The same segments to the kernel and to the lab, in every state; each difference must have its rule.
#
#   tests/interop/differential.sh           compares, and says whether DIFFERENCES.md is stale
#   tests/interop/differential.sh --write   writes DIFFERENCES.md
#
# A list that is stale fails nothing: another kernel may answer otherwise where a rule explains it.
. "$(dirname "$0")/../e2e/lib.sh"
program=$(cd "$(dirname "$tg")/.." && pwd)/tests/interop/differential
list=$top/tests/interop/DIFFERENCES.md
need_root
[ -x "$program" ] || skip_all "no $program; build first"
[ -c /dev/net/tun ] || skip_all "no /dev/net/tun here"
if [ "$mode" = quick ] && [ "${1:-}" != --write ]; then
	exec timeout 120 "$program" --ipv4
fi
status=0
timeout 300 "$program" --write "$work/list.md" || status=$?
if [ "${1:-}" = --write ]; then
	cp "$work/list.md" "$list"
elif ! cmp -s "$work/list.md" "$list"; then
	printf 'DIFFERENCES.md is stale (kernel %s); write it anew with %s --write\n' "$(uname -r)" "$0"
fi
exit $status
