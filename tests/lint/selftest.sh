#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Plants one violation of each lint rule in a small tree of its own and sees it found; and sees the
# clean tree pass. A lint that cannot fail is no lint.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
spdx='/* SPDX-License-Identifier: BSD-3-Clause */'

ok() {
	printf 'ok %s\n' "$1"
	passed=$((passed + 1))
}
fail() {
	printf 'FAIL %s: %s\n' "$1" "$2"
	failed=$((failed + 1))
}

# file PATH LINE...: a file of the small tree, with its SPDX line.
file() {
	mkdir -p "$tree/$(dirname "$1")"
	printf '%s\n' "$spdx" "${@:2}" >"$tree/$1"
}

# archive OBJECT-SOURCE: what nm looks at.
archive() {
	mkdir -p "$tree/build/lib/tcp"
	rm -f "$tree/build/lib/tcp/libtidegate-tcp.a"
	"${CC:-cc}" -fPIC -I"$tree/lib/base" -c "$tree/$1" -o "$tree/build/lib/tcp/x.o" &&
		ar rc "$tree/build/lib/tcp/libtidegate-tcp.a" "$tree/build/lib/tcp/x.o"
}

plant() {
	tree=$(mktemp -d -p "$work")
	cp "$top/.clang-format" "$tree/"
	file lib/base/tg_types.h 'int tg_x(void);'
	file lib/tcp/tcp.c '#include "tg_types.h"' 'const char *const tg_names[] = {"exit(", 0}; /* printf( */'
	file lib/engine/tg_engine.h 'int tg_engine_rx(void);'
	file lib/dpdk/port.h '#include <rte_ethdev.h>'
	file lib/lab/lab.h 'struct   tg_lab;'
	file app/worker.c '#include "tg_engine.h"' 'int x(void)' '{' '	return tg_engine_rx();' '}'
	file tests/conformance/test_x.c '#include "lab.h"'
	archive lib/tcp/tcp.c
}

# finds RULE WHERE: the rule fails on the tree and names the place.
finds() {
	local out
	if out=$("$here/lint.py" --root "$tree" "$1"); then
		fail "$1" "the violation was not found"
	elif ! grep -q "^FAIL $1: $2" <<<"$out"; then
		fail "$1" "found, but not at $2: $(head -n 1 <<<"$out")"
	else
		ok "$1"
	fi
}

plant
if out=$("$here/lint.py" --root "$tree"); then
	ok clean
else
	fail clean "a clean tree is refused: $(grep ^FAIL <<<"$out" | head -n 1)"
fi

plant
file lib/tcp/tcp.c '#include "tg_engine.h"'
finds includes lib/tcp/tcp.c:2
plant
file lib/dpdk/port.c '#include "tg_engine.h"'
finds includes lib/dpdk/port.c:2
plant
file lib/tcp/tcp.c '#include <rte_mbuf.h>'
finds rte lib/tcp/tcp.c:2
plant
file app/serve.c '#include "tg_engine.h"' 'int y(void)' '{' '	return tg_engine_rx();' '}'
finds crossing app/serve.c:5
plant
file tests/conformance/test_x.c '#include "tg_engine.h"'
finds conformance tests/conformance/test_x.c:2
for call in 'exit(1)' 'abort()' 'printf("x")' 'fprintf(stderr, "x")' 'puts("x")'; do
	plant
	file lib/tcp/tcp.c 'void z(void)' '{' "	$call;" '}'
	finds silent lib/tcp/tcp.c:4
done
for call in 'x = malloc(1)' 'free(x)' 'clock_gettime(0, &t)' 'x = rand()'; do
	plant
	file lib/engine/engine.c 'void z(void)' '{' "	$call;" '}'
	finds pure lib/engine/engine.c:4
done
for object in 'int tg_count = 1;' 'int tg_count;' 'int f(void) { static int n; return n++; }' \
	'_Thread_local int tg_count;'; do
	plant
	file lib/tcp/tcp.c "$object"
	archive lib/tcp/tcp.c
	finds globals lib/tcp/libtidegate-tcp.a
done
plant
printf 'int tg_x(void);\n' >"$tree/lib/base/tg_types.h"
finds spdx lib/base/tg_types.h:1
plant
{ printf '%s\n' "$spdx" && seq -f '/* %g */' 800; } >"$tree/lib/tcp/long.c"
finds file-length lib/tcp/long.c
plant
{ printf '%s\nvoid f(void)\n{\n' "$spdx" && seq -f '	g(%g);' 101 && printf '}\n'; } >"$tree/lib/tcp/f.c"
finds function-length lib/tcp/f.c:3
plant
file lib/tcp/tcp.c 'int   tg_x(  void ){return 1;}'
finds format lib/tcp/tcp.c:2

printf 'lint-selftest: %d passed, %d failed, 0 skipped\n' $passed $failed
[ $failed = 0 ]
