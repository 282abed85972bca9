#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Sets the machine up, builds tidegate and runs every test.
#
#   tests/run.sh [--quick | --long] [NAME...]
#
#   --quick   one build, short end-to-end runs, fuzzing 5 s each
#   --long    fuzzing 5 minutes each, the long simulations
#   NAME      a part (build, lint, unit, conformance, script, sim, model, attack, flood, fuzz, e2e, interop) or a test
#             program of one (test_wheel, fuzz_frame, serve.sh, table.py, mutants); all without one
#
# Each program ends with a line "NAME: N passed, N failed, N skipped". They are added up in the last
# line, "N passed, N failed, N skipped"; exit 0 when nothing failed. What a program prints goes to
# build*/logs/NAME.log; what failed is shown here too.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
exec </dev/null

all_parts=(build lint unit conformance script sim model attack flood fuzz e2e interop)
mode=normal
names=()
while [ $# -gt 0 ]; do
	case "$1" in
	--quick) mode=quick ;;
	--long) mode=long ;;
	-h | --help)
		sed -n '3,15s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
		exit 0
		;;
	-*)
		printf 'run.sh: unknown option %s; see --help\n' "$1" >&2
		exit 2
		;;
	*) names+=("$1") ;;
	esac
	shift
done

passed=0 failed=0 skipped=0 found=0
failures=()
started=$SECONDS
logs=build/logs
jobs=$(nproc 2>/dev/null || echo 2)
export TG_TEST_MODE=$mode

say() { printf '[%3ds] %s\n' $((SECONDS - started)) "$*"; }

# part NAME: whether the part is to run as a whole.
part_wanted() {
	[ ${#names[@]} -gt 0 ] || return 0
	local n
	for n in "${names[@]}"; do
		[ "$n" != "$1" ] || return 0
	done
	return 1
}

# program PART NAME: whether the program is to run.
program_wanted() {
	local n
	part_wanted "$1" && n=$2
	for n in "${n:-}" "${names[@]}"; do
		case "$2" in "$n" | "$n.sh" | "test_$n" | "fuzz_$n")
			found=1
			return 0
			;;
		esac
	done
	return 1
}

# Whether a program of the part may be among the NAMEs, so that the part must be looked through.
part_touched() {
	part_wanted "$1" && return 0
	local n p
	for n in "${names[@]}"; do
		for p in "${all_parts[@]}"; do
			[ "$n" != "$p" ] || continue 2
		done
		return 0
	done
	return 1
}

# Whether a fuzz target is among the NAMEs: they take a build of their own.
fuzz_touched() {
	local target
	for target in tests/fuzz/fuzz_*.c; do
		! program_wanted fuzz "$(basename "$target" .c)" || return 0
	done
	return 1
}

# add NAME STATUS LOG: adds up the closing lines of a log. No closing line, or an exit status that
# contradicts it, is a failure of its own.
add() {
	local name=$1 status=$2 log=$3 sums p f s
	sums=$(sed -nE 's/^[^ :]+: ([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped$/\1 \2 \3/p' "$log" |
		awk '{ p += $1; f += $2; s += $3; n++ } END { print n + 0, p + 0, f + 0, s + 0 }')
	read -r lines p f s <<<"$sums"
	if [ "$lines" = 0 ]; then
		f=1
		failures+=("$name: no closing line, exit status $status")
	elif [ "$status" != 0 ] && [ "$f" = 0 ]; then
		f=1
		failures+=("$name: exit status $status although nothing failed")
	elif [ "$f" != 0 ]; then
		failures+=("$name: $f failed")
	fi
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	say "$name: $p passed, $f failed, $s skipped"
	[ "$f" = 0 ] || {
		grep -E '^(FAIL|FAILED|not ok)|ERROR: |runtime error|Assertion' "$log" | head -n 20
		printf '        see %s\n' "$log"
	}
}

# program NAME COMMAND...: runs a test program and adds its line up.
program() {
	local name=$1 log=$logs/$1.log status=0
	shift
	timeout --kill-after=10 "${limit:-600}" "$@" >"$log" 2>&1 || status=$?
	add "$name" $status "$log"
}

# run_step NAME COMMAND...: a command that passes or fails as a whole, and writes no closing line itself.
run_step() {
	local name=$1 status=0
	shift
	"$@" || status=$?
	if [ $status = 0 ]; then
		printf '%s: 1 passed, 0 failed, 0 skipped\n' "$name"
	else
		printf 'FAIL %s: exit status %d\n%s: 0 passed, 1 failed, 0 skipped\n' "$name" $status "$name"
	fi
	return $status
}
step() {
	local name=$1 log=$logs/$1.log status=0
	run_step "$@" >"$log" 2>&1 || status=$?
	add "$name" $status "$log"
	return $status
}

# begin NAME COMMAND...: the same beside others that were begun, as many at once as there are cores; each is
# added up in its turn. finish waits for all. For programs that need nothing but a core.
begun=()
begin() {
	local name=$1
	shift
	while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do
		wait -n
		add_ended
	done
	rm -f "$logs/$name.status"
	begun+=("$name")
	{
		"$@" >"$logs/$name.log" 2>&1
		echo $? >"$logs/$name.status"
	} &
}
add_ended() {
	local name
	while [ ${#begun[@]} -gt 0 ] && [ -s "$logs/${begun[0]}.status" ]; do
		name=${begun[0]}
		begun=("${begun[@]:1}")
		add "$name" "$(cat "$logs/$name.status")" "$logs/$name.log"
		rm -f "$logs/$name.status"
	done
}
finish() {
	wait
	add_ended
}

# configure DIR OPTIONS...: meson setup, or the same options again on a directory that is there.
configure() {
	local dir=$1
	shift
	if [ -f "$dir/build.ninja" ]; then
		meson setup --reconfigure "$dir" "$@"
	else
		meson setup "$dir" "$@"
	fi
}

build() {
	local dir=$1
	shift
	configure "$dir" "$@" && ninja -C "$dir" -j "$jobs" && ninja -C "$dir" -t cleandead
}

run_builds() {
	step build-gcc env CC=gcc bash -c "$(declare -f configure build); jobs=$jobs; build build -Dtests=enabled -Dwerror=true" ||
		{ grep -E 'error:|FAILED' "$logs/build-gcc.log" | head -n 20; return 1; }
	{ part_wanted build && [ $mode != quick ]; } || return 0
	step build-clang env CC=clang bash -c "$(declare -f configure build); jobs=$jobs; build build-clang -Dtests=enabled -Dwerror=true"
	step build-nodpdk env CC=gcc bash -c "$(declare -f configure build); jobs=$jobs; \
		build build-nodpdk -Dtests=enabled -Dwerror=true -Ddpdk=disabled -Db_sanitize=address,undefined -Db_lundef=false"
	return 0
}

# run_programs PART DIR LABEL: the test programs of a part, from a build directory.
run_programs() {
	local part=$1 dir=$2 suffix=${3:-} p name extra=()
	local limit=600
	[ $mode != long ] || limit=7200
	[ $mode != long ] || ! [[ $part =~ ^(sim|model|flood)$ ]] || extra=(--long)
	for p in "$dir/tests/$part"/test_*; do
		[ -f "$p" ] && [ -x "$p" ] || continue
		name=$(basename "$p")
		program_wanted "$part" "$name" || continue
		begin "$name$suffix" timeout --kill-after=10 $limit "$p" "${extra[@]}"
	done
	finish
}

run_fuzz() {
	local seconds=20 dir=build-fuzz target name
	[ $mode != quick ] || seconds=5
	[ $mode != long ] || seconds=300
	step build-fuzz env CC=clang bash -c "$(declare -f configure build); jobs=$jobs; \
		configure $dir -Dtests=enabled -Dfuzz=true -Ddpdk=disabled -Dc_args=-fsanitize=fuzzer-no-link -Db_lundef=false -Db_sanitize=address,undefined &&
		ninja -C $dir -j $jobs \$(ninja -C $dir -t targets all | sed -n 's,^\(tests/fuzz/fuzz_[a-z0-9_]*\):.*,\1,p')" ||
		return
	for target in "$dir"/tests/fuzz/fuzz_*; do
		[ -f "$target" ] && [ -x "$target" ] || continue
		name=$(basename "$target")
		program_wanted fuzz "$name" || continue
		mkdir -p "$dir/corpus/$name" "$dir/crashes"
		begin "$name" run_step "$name" timeout --kill-after=10 $((seconds + 120)) "$target" -max_total_time=$seconds \
			-rss_limit_mb=2048 -timeout=20 -print_final_stats=1 \
			-artifact_prefix="$dir/crashes/$name-" "$dir/corpus/$name"
	done
	finish
}

# The packet scripts, and whether the cells are what their program writes.
run_scripts() {
	! program_wanted script cells || program cells tests/script/make_cells.py --check
	! program_wanted script packet-scripts || program packet-scripts build/app/tidegate script -k tests/script
	[ $mode != quick ] && [ -x build-nodpdk/app/tidegate ] && part_wanted build || return 0
	! program_wanted script packet-scripts ||
		program packet-scripts-sanitized build-nodpdk/app/tidegate script -k tests/script
}

run_e2e() {
	local s name
	for s in tests/e2e/*.sh; do
		name=$(basename "$s")
		[ -x "$s" ] || continue # what the others source
		program_wanted e2e "$name" || continue
		limit=900 program "$name" "$s"
	done
}

# goodput.sh is not among them: figures are reported, never asserted.
run_interop() {
	local name
	for name in interop.sh differential.sh; do
		[ -x "tests/interop/$name" ] || continue
		program_wanted interop "$name" || continue
		program "$name" "tests/interop/$name"
	done
}

printf 'tidegate tests (%s)\n' "$mode"
if ! config/setup.sh --tests --no-build; then
	printf '0 passed, 1 failed, 0 skipped\n'
	exit 1
fi
mkdir -p "$logs"
say "set up"

if run_builds; then
	if part_touched lint; then
		! program_wanted lint lint.py || program lint tests/lint/lint.py
		! program_wanted lint selftest.sh || program lint-selftest tests/lint/selftest.sh
		! program_wanted lint table.py || program conformance-table tests/conformance/table.py --check
		! program_wanted lint mutants || program mutants tests/mutate.sh --check
	fi
	for part in unit conformance sim model attack flood; do
		part_touched $part || continue
		run_programs $part build
		# The same once more under the sanitizers; simulations and attacks are long enough without.
		[ $mode = quick ] || [[ $part =~ ^(sim|model|attack|flood)$ ]] || [ ! -d build-nodpdk/tests ] || ! part_wanted build ||
			run_programs $part build-nodpdk -sanitized
	done
	! part_touched script || run_scripts
	! program_wanted sim same.sh || program same-everywhere tests/sim/same.sh
	! program_wanted model planted.sh || program planted tests/model/planted.sh
	! program_wanted attack cookie_time.sh || program cookie-time tests/attack/cookie_time.sh
	! program_wanted attack cost.sh || limit=7200 program cost tests/attack/cost.sh
	! program_wanted flood rivals.sh || limit=300 program rivals tests/flood/rivals.sh
	# Whether the large programs of perf/ do what they say, at sizes that say nothing of speed.
	! program_wanted e2e mass || program mass build/perf/macro/mass --check
	[ ! -x build/perf/macro/life ] || ! program_wanted e2e life || program life build/perf/macro/life --check
	! fuzz_touched || run_fuzz
	! part_touched e2e || run_e2e
	! part_touched interop || run_interop
fi

if [ $found = 0 ] && ! part_wanted build && [ $failed = 0 ]; then
	printf 'run.sh: no test is named %s\n' "${names[*]}" >&2
	failed=$((failed + 1))
fi
if [ ${#failures[@]} -gt 0 ]; then
	printf '\n'
	printf 'FAIL %s\n' "${failures[@]}"
fi
printf '%d passed, %d failed, %d skipped\n' $passed $failed $skipped
[ $failed = 0 ]
