#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# tidegate on a TAP device (net_tap), whose other end is the kernel's.
. "$(dirname "$0")/lib.sh"
. "$e2e/serve_steps.sh"
need ip ethtool curl python3 tshark dumpcap
need_engine
need_root
[ -c /dev/net/tun ] || skip_all "no /dev/net/tun here"
space "$ns_c"
ns_e=$ns_c words_e=("${words_c[@]}") # a TAP device lies in the namespace of the one who makes it
conf "$work/tap.ini" net_tap0,iface=tgtap
start "$work/tap.ini" "${words_c[@]}" || finish
dev=tgtap
in_c ethtool -K $dev tx off tso off gso off gro off >/dev/null 2>&1
ip -n "$ns_c" link set $dev up
address_c $dev
sleep 1
step_capture
step_fetch
step_half_close
step_wrk
step_hold
step_books
stop "SIGTERM ends it"
finish
