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

# --- the conformance table and the list of mutants ---

# A tree with one rule of each level that counts, kept, marked, tested, and broken by a mutant.
plant_rules() {
	plant
	mkdir -p "$tree/tests/mutants" "$tree/tests/unit"
	printf 'TD-01\tM\ta rule\t-\t-\nTD-02\tS\tanother\t-\t-\n' >"$tree/tests/conformance/rules.tsv"
	: >"$tree/tests/conformance/kept.tsv"
	file lib/tcp/tcp.c '#include "tg_types.h"' '/* TD-01 */' 'int tg_x(void)' '{' '	return 1;' '}' '/* TD-02 */' \
		'int tg_y(void)' '{' '	return 2;' '}'
	file tests/unit/test_x.c 'static void test_x(void)' '{' '	check("TD-01");' '	check("TD-02");' '}'
	printf 'TD-01 lib/tcp/tcp.c test_x\n- return 1;\n+ return 0;\n' >"$tree/tests/mutants/td.list"
	printf '<!-- conformance table: totals -->\n<!-- conformance table: end -->\n' >"$tree/README.md"
	key=$(PYTHONPATH="$top/tests" python3 -c 'import mutate, sys; print(mutate.read_lists(sys.argv[1])[0][0].key)' "$tree")
	printf '%s caught TD-01 lib/tcp/tcp.c\n' "$key" >"$tree/tests/mutants/td.tried"
	"$top/tests/conformance/table.py" --root "$tree" --readme >"$tree/log"
}

# refused NAME PATTERN COMMAND...: the command fails and says so.
refused() {
	local name=$1 pattern=$2 out
	shift 2
	if out=$("$@" 2>&1); then
		fail "$name" "the violation was not found"
	elif ! grep -q "^FAIL .*$pattern" <<<"$out"; then
		fail "$name" "found, but not as $pattern: $(head -n 1 <<<"$out")"
	else
		ok "$name"
	fi
}
table() { "$top/tests/conformance/table.py" --root "$tree" --check; }
mutants() { "$top/tests/mutate.sh" --root "$tree" --check; }

plant_rules
if out=$(table && mutants); then
	ok clean-table
else
	fail clean-table "a clean tree is refused: $(grep ^FAIL <<<"$out" | head -n 1)"
fi
sed -i 's/TD-01/some/' "$tree/tests/unit/test_x.c"
refused table-untested 'TD-01 is of level M' table
plant_rules
sed -i 's,/\* TD-01,/* some,' "$tree/lib/tcp/tcp.c"
refused table-unmarked 'TD-01 is of level M' table
plant_rules
sed -i 's/TD-02/some/' "$tree/tests/unit/test_x.c"
refused table-should '0 of 1 rows of level S' table
plant_rules
sed -i 's,/\* TD-01,/* TD-03,' "$tree/lib/tcp/tcp.c"
refused table-unknown 'lib/tcp/tcp.c:3: there is no rule TD-03' table
plant_rules
sed -i 's/tg_x/tg_z/' "$tree/lib/tcp/tcp.c"
refused table-stale 'TABLE.md is stale' table
plant_rules
sed -i 's/^| MUST.*/| MUST | 9 |/' "$tree/README.md"
refused table-totals 'README.md: the totals are stale' table
plant_rules
sed -i 's/return 1/return 3/' "$tree/lib/tcp/tcp.c"
refused mutants-stale 'stale' mutants
plant_rules
: >"$tree/tests/mutants/td.list"
refused mutants-missing 'TD-01 is of level M and has no mutant' mutants
plant_rules
sed -i 's/test_x/test_nowhere/' "$tree/tests/mutants/td.list"
refused mutants-program 'no test program' mutants
plant_rules
sed -i 's/caught/survived/' "$tree/tests/mutants/td.tried"
refused mutants-survived 'not recorded as caught' mutants
plant_rules
sed -i 's/return 0/return 2/' "$tree/tests/mutants/td.list"
refused mutants-untried 'not recorded as caught' mutants

printf 'lint-selftest: %d passed, %d failed, 0 skipped\n' $passed $failed
[ $failed = 0 ]
