#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Plants faults in lib/tcp, one at a time, and has the explorer of `tidegate prove` find each; without one it must find
# none. Works on copies: the tree stays as it is.
set -u
cd "$(dirname "$0")/../.." || exit 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

check() { # NAME OK WHAT
	if [ "$2" = yes ]; then
		passed=$((passed + 1))
		printf 'ok %s: %s\n' "$1" "$3"
	else
		failed=$((failed + 1))
		printf 'FAIL %s: %s\n' "$1" "$3"
	fi
}

cc=${CC:-cc}
flags=(-std=gnu11 -O2 -Ilib/base -Ilib/wire -Ilib/wheel -Ilib/table -Ilib/tcp -Ilib/model)
sources=(lib/base/*.c lib/wire/*.c lib/tcp/*.c lib/model/prove_*.c tests/model/planted/explore.c)

# compile SOURCE...: in the copy; what fails is told.
compile() {
	printf '%s\0' "$@" | (cd "$work" && xargs -0 -P "$(nproc)" -I{} sh -c '
		'"$cc ${flags[*]}"' -c -o "obj/$(echo "$1" | tr / _).o" "$1"' sh {}) &&
		(cd "$work" && "$cc" -o explore obj/*.o)
}

mkdir -p "$work/obj"
cp --parents "${sources[@]}" lib/*/*.h lib/base/counters.def "$work/"
if ! compile "${sources[@]}"; then
	printf 'FAIL planted: the explorer does not build\nplanted: 0 passed, 1 failed, 0 skipped\n'
	exit 1
fi
found=$(timeout 300 "$work/explore")
check "as it is" "$([ $? = 0 ] && echo yes)" "$found"

for patch in tests/model/planted/*.patch; do
	name=$(basename "$patch" .patch)
	file=$(sed -n 's,^+++ b/,,p' "$patch")
	if ! (cd "$work" && git apply -) <"$patch" || ! compile "$file"; then
		check "$name" no "the patch does not fit $file any more, or does not build"
	else
		found=$(timeout 300 "$work/explore")
		check "$name" "$([ $? = 1 ] && echo yes)" "$found"
	fi
	cp "$file" "$work/$file"
	compile "$file" || exit 2
done
printf 'planted: %d passed, %d failed, 0 skipped\n' "$passed" "$failed"
[ "$failed" = 0 ]
