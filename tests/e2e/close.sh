#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Who closes first keeps TIME-WAIT, for 2MSL by the capture's clock; a repeated FIN is answered again,
# a new SYN judged (TD-14, TD-16, TD-22, TD-25, TD-28). By a host made of raw frames.
. "$(dirname "$0")/lib.sh"
need ip ethtool python3 tshark dumpcap
need_engine
need_root
msl_ms=1000
make_veth
conf "$work/close.ini" net_af_packet0,iface=tge "msl_ms = $msl_ms"
start "$work/close.ini" "${words_e[@]}" || finish
capture "$work/close.pcap" tgc 65535
for case in server-first client-first; do
	out=$("${words_c[@]}" timeout 60 python3 "$e2e/rawhost.py" $case tgc $msl_ms 2>&1)
	while IFS= read -r line; do
		case "$line" in
		"ok "*) ok "${line#ok }" ;;
		"FAIL "*) fail "$(cut -d: -f1 <<<"${line#FAIL }")" "${line#*: }" ;;
		*) [ -z "$line" ] || fail "$case" "$line" ;;
		esac
	done <<<"$out"
done
capture_end
clean "close" "$work/close.pcap" RST
# The same by the capture alone: the first RST of the plain case against the last ACK of TIME-WAIT.
read -r ack rst < <(tshark -r "$work/close.pcap" -Y 'tcp.port == 50000 && ip.src == 192.0.2.1' \
	-T fields -e frame.time_epoch -e tcp.flags.reset -e tcp.flags.fin 2>/dev/null |
	awk '$2 == "1" || $2 == "True" { print last, $1; exit } $3 != "1" && $3 != "True" && !done { last = $1 }
	     $3 == "1" || $3 == "True" { fin = 1 } fin && $3 != "1" && $3 != "True" { done = 1 }')
check "by the capture's clock the RST came no earlier than 2MSL after the ACK" "ACK ${ack:-none}, RST ${rst:-none}" \
	awk -v a="${ack:-0}" -v r="${rst:-0}" -v m=$msl_ms 'BEGIN { exit !(a && r && r - a >= 2 * m / 1000) }'
stop "SIGTERM ends it"
finish
