#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Sets a machine up for tidegate: packages, build, hugepages. Run it as often as you like.
#
#   config/setup.sh [--tests] [--no-packages] [--no-build] [--no-hugepages]
#
#   --tests         also what the tests need (curl, wrk, nginx, tshark, clang, ...)
#   --no-packages   install nothing, only say what is missing
#   --no-build      do not build
#   --no-hugepages  reserve no hugepages
#
# Works as root, or as a user with sudo. Where every package is there already it needs neither.
# Hugepages are asked for and done without if the machine refuses: tidegate then runs with --no-huge.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

packages_run=(libdpdk-dev dpdk libinih-dev libpcap-dev gcc libc6-dev meson ninja-build pkg-config python3)
packages_tests=(libcunit1-dev dpdk-dev iputils-ping netbase clang llvm libclang-rt-14-dev clang-format binutils curl wrk nginx-light
	ethtool iproute2 procps tshark netcat-openbsd valgrind nmap bird2 util-linux git ca-certificates)
want_tests=0 want_packages=1 want_build=1 want_hugepages=1

usage() { sed -n '3,13s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }
say() { printf 'setup: %s\n' "$*"; }
die() {
	printf 'setup: %s\n' "$*" >&2
	exit 1
}

while [ $# -gt 0 ]; do
	case "$1" in
	--tests) want_tests=1 ;;
	--no-packages) want_packages=0 ;;
	--no-build) want_build=0 ;;
	--no-hugepages) want_hugepages=0 ;;
	-h | --help)
		usage
		exit 0
		;;
	*)
		printf 'setup: unknown option %s; see --help\n' "$1" >&2
		exit 2
		;;
	esac
	shift
done

# Runs a command as root: directly, or by sudo. Without a terminal sudo must not ask for a password.
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif ! command -v sudo >/dev/null; then
		return 126
	elif [ -t 0 ] && [ -z "${CI:-}" ]; then
		sudo "$@"
	else
		sudo -n "$@"
	fi
}

# Optional steps never ask for a password.
may_root() { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }

is_installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# On a system without dpkg: what the build looks for, by pkg-config and by name.
check_without_apt() {
	local lacking=() tool lib
	for tool in meson ninja pkg-config; do
		command -v "$tool" >/dev/null || lacking+=("$tool")
	done
	command -v gcc >/dev/null || command -v clang >/dev/null || lacking+=("a C compiler")
	for lib in libdpdk libpcap; do
		pkg-config --exists "$lib" 2>/dev/null || lacking+=("$lib")
	done
	[ ${#lacking[@]} = 0 ] || die "there is no apt-get here; install these first: ${lacking[*]}"
}

install_packages() {
	local wanted=("${packages_run[@]}") missing=() p
	[ $want_tests = 0 ] || wanted+=("${packages_tests[@]}")
	if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
		check_without_apt
		return
	fi
	for p in "${wanted[@]}"; do
		is_installed "$p" || missing+=("$p")
	done
	if [ ${#missing[@]} = 0 ]; then
		say "packages: all ${#wanted[@]} are there"
		return
	fi
	[ $want_packages = 1 ] || die "missing packages: ${missing[*]}"
	say "packages: installing ${missing[*]}"
	local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Acquire::Retries=3
		-o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0)
	as_root "${apt[@]}" update >/dev/null || say "packages: apt-get update failed; trying to install anyway"
	as_root "${apt[@]}" install --no-install-recommends "${missing[@]}" >/dev/null ||
		die "apt-get install failed; run as root or with sudo: apt-get install ${missing[*]}"
	# The tests start their own nginx; one that came only for them shall not hold port 80.
	case " ${missing[*]} " in *" nginx-light "*)
		[ ! -d /run/systemd/system ] || as_root systemctl disable --now nginx >/dev/null 2>&1 || true
		;;
	esac
	# Nor a routing daemon of the machine's own.
	case " ${missing[*]} " in *" bird2 "*)
		[ ! -d /run/systemd/system ] || as_root systemctl disable --now bird >/dev/null 2>&1 || true
		;;
	esac
	packages_changed=1
}

build() {
	if [ ! -f build/build.ninja ]; then
		meson setup build >build-setup.log 2>&1 || {
			tail -n 20 build-setup.log >&2
			die "meson setup failed; see build-setup.log"
		}
		rm -f build-setup.log
	elif [ "${packages_changed:-0}" = 1 ]; then
		meson setup --reconfigure build >/dev/null
	fi
	ninja -C build >build/build.log 2>&1 || {
		grep -E 'error|FAILED' build/build.log | head -n 20 >&2
		die "the build failed; see build/build.log"
	}
	say "build: build/app/tidegate is there"
}

hugepages_total() { awk '/^HugePages_Total:/ { print $2 }' /proc/meminfo 2>/dev/null || echo 0; }

hugepages() {
	local total mb log
	total=$(hugepages_total)
	if [ "${total:-0}" -gt 0 ]; then
		say "hugepages: $total are reserved"
		return
	fi
	mb=$(awk '/^MemAvailable:/ { m = int($2 / 4096); m = m > 1024 ? 1024 : m; print m - m % 2 }' /proc/meminfo)
	if ! command -v dpdk-hugepages.py >/dev/null; then
		say "hugepages: no dpdk-hugepages.py here; tidegate runs with --no-huge"
	elif ! may_root; then
		say "hugepages: none, and reserving needs root; tidegate runs with --no-huge" \
			"(as root: dpdk-hugepages.py --setup ${mb}M)"
	elif log=$(as_root dpdk-hugepages.py --setup "${mb}M" 2>&1) && [ "$(hugepages_total)" -gt 0 ]; then
		say "hugepages: reserved $(hugepages_total) ($mb MiB asked for)"
	else
		log=$(tail -n 1 <<<"$log")
		say "hugepages: this machine gives none${log:+ ($log)}; tidegate runs with --no-huge"
	fi
}

packages_changed=0
install_packages
[ $want_build = 0 ] || build
[ $want_hugepages = 0 ] || hugepages
