#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# tidegate on one end of a veth pair (net_af_packet), the kernel's own TCP on the other.
. "$(dirname "$0")/lib.sh"
. "$e2e/serve_steps.sh"
need ip ethtool curl python3 tshark dumpcap
need_engine
need_root
make_veth
dev=tgc
conf "$work/veth.ini" net_af_packet0,iface=tge,qpairs=1,framecnt=2048
start "$work/veth.ini" "${words_e[@]}" || finish
step_capture
step_fetch
step_half_close
step_wrk
step_hold
step_books
stop "SIGTERM ends it"
finish
