#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# What nmap says: our sequence numbers are of its hardest class (EST-01), IP identifications tell
# nothing (RB-13), and each kind of scan gets the answers of ADV-11 to ADV-19.
. "$(dirname "$0")/lib.sh"
need ip ethtool nmap
need_engine
need_root
make_veth
conf "$work/nmap.ini" net_af_packet0,iface=tge
start "$work/nmap.ini" "${words_e[@]}" || finish

# scan OPTIONS...: the greppable lines "port/state" of ports 80 (open) and 81 (closed).
scan() {
	in_c timeout 120 nmap -n -Pn -T4 --reason --max-retries 2 -p 80,81 "$@" -oN "$work/scan.txt" 192.0.2.1 >/dev/null 2>&1
	awk '$1 ~ /^(80|81)\/tcp$/ { printf "%s%s=%s", n++ ? " " : "", $1, $2 } END { print "" }' "$work/scan.txt"
}
same "SYN scan: open and closed" "$(scan -sS)" "80/tcp=open 81/tcp=closed"
# A bare ACK draws a RST whether somebody listens or not (ADV-17).
same "ACK scan: neither is filtered" "$(scan -sA)" "80/tcp=unfiltered 81/tcp=unfiltered"
# FIN, Xmas and null: a listener says nothing, a closed port RST (ADV-11, ADV-12, ADV-13).
same "FIN scan: only the closed port answers" "$(scan -sF)" "80/tcp=open|filtered 81/tcp=closed"
same "Xmas scan: only the closed port answers" "$(scan -sX)" "80/tcp=open|filtered 81/tcp=closed"
same "null scan: only the closed port answers" "$(scan -sN)" "80/tcp=open|filtered 81/tcp=closed"
# SYN with FIN (ADV-15), an unsolicited SYN-ACK (ADV-18), an unsolicited RST (ADV-19).
same "SYN+FIN scan: a listener drops it" "$(scan -sS --scanflags SYNFIN)" "80/tcp=filtered 81/tcp=closed"
same "SYN-ACK scan: RST from both" "$(scan -sA --scanflags SYNACK)" "80/tcp=unfiltered 81/tcp=unfiltered"
same "RST scan: silence" "$(scan -sA --scanflags RST)" "80/tcp=filtered 81/tcp=filtered"

in_c timeout 240 nmap -n -Pn -O -v -p 80,81 192.0.2.1 >"$work/os.txt" 2>&1
difficulty=$(sed -nE 's/^TCP Sequence Prediction: Difficulty=([0-9]+) \((.*)\)$/\1 \2/p' "$work/os.txt")
check "sequence numbers are of the hardest class" "nmap says: ${difficulty:-nothing}" \
	awk -v d="${difficulty%% *}" 'BEGIN { exit !(d >= 200) }'
same "and nmap wishes luck" "${difficulty#* }" "Good luck!"
ids=$(sed -nE 's/^IP ID Sequence Generation: (.*)$/\1/p' "$work/os.txt")
check "IP identifications are no counter" "nmap says: ${ids:-nothing}" \
	grep -qE '^(All zeros|Randomized)$' <<<"$ids"
printf 'difficulty %s; IP ID: %s\n' "$difficulty" "$ids"
stop "SIGTERM ends it"
finish
