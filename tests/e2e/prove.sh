#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# `tidegate prove`: the six switches and what they show, as a ladder, a capture and a picture; the article in both
# languages; bounds, bad options, Ctrl-C. (What the search itself finds: tests/model/test_prove.c, planted.sh.)
. "$(dirname "$0")/lib.sh"
need python3
[ -x "$tg" ] || skip_all "no $tg; build first"
prove() { LC_ALL=C.UTF-8 "$tg" prove -q "$@"; }

# --- all rules ---
prove -s stale >"$work/out" 2>&1
same "one scenario, all rules: exit 0" $? 0
check "it says so, with the states" "$(cat "$work/out")" grep -q '^everything holds: [0-9]\{4,\} states' "$work/out"
prove --list >"$work/out"
same "--list: exit 0" $? 0
same "--list: six scenarios" "$(sed -n '/^Scenarios/,/^$/p' "$work/out" | grep -c '^  ')" 6
same "--list: six rules to take away" "$(grep -c '^  --' "$work/out")" 6

# --- a rule taken away: exit 1, the property, the ladder, a capture that can be read, a picture ---
shows() { # OPTION PROPERTY WORDS-OF-LAST-ROW WORDS-OF-EXPLAIN
	local begun=$SECONDS
	prove "$1" --pcap "$work/p.pcap" --svg "$work/p.svg" >"$work/out" 2>&1
	same "$1: exit 1" $? 1
	check "$1: breaks $2" "$(head -3 "$work/out")" grep -q "BROKEN  $2" "$work/out"
	check "$1: the last row says what happened" "$(tail -4 "$work/out")" grep -q "$3" "$work/out"
	check "$1: found soon" "$((SECONDS - begun)) s" [ $((SECONDS - begun)) -lt 60 ]
	check "$1: explain reads the capture" "$("$tg" explain "$work/p.pcap" 2>&1 | head -5)" \
		bash -c "'$tg' explain '$work/p.pcap' | grep -q '$4'"
	check "$1: the picture is XML" "it is not" python3 -c \
		"import sys, xml.dom.minidom; xml.dom.minidom.parse('$work/p.svg')"
}
shows --handshake=2 stale-syn "a connection, and nobody at the other end" "SYN-ACK"
shows --waves=3 half-close "cannot send, and has not closed" "FIN"
shows --msl=0 foreign-byte "reads a byte of another connection" "connection"
check "--msl=0: and the last ACK" "$(grep BROKEN "$work/out")" grep -q "BROKEN  last-ack" "$work/out"
shows --isn=fixed foreign-byte "reads a byte of another connection" "SYN"
shows --no-rst-check old-rst "ended by a RST of another connection" "RST"
shows --no-challenge half-open "connected to nobody, and never told" "SYN"

# --- the article ---
for lang in en zh; do
	prove --article --lang $lang >"$work/$lang" 2>&1
	same "--article --lang $lang: exit 0" $? 0
	same "--article --lang $lang: seven pictures" "$(grep -c 'Does not hold' "$work/$lang")" 7
done
check "the three questions, in their order" "$(grep '?' "$work/en")" bash -c \
	"grep -n '^[123]\. Why' '$work/en' | sed 's/.*:\([123]\)\..*/\1/' | tr -d '\n' | grep -qx 123"
check "the three questions in Chinese" "$(head -20 "$work/zh")" grep -q '三、为什么 TIME-WAIT 要等 2MSL' "$work/zh"

# --- bad options, bounds, no room ---
refused() { # WHAT COMMAND...
	local what=$1
	shift
	"$tg" prove "$@" >"$work/out" 2>"$work/err"
	same "$what: exit 2" $? 2
	same "$what: one line" "$(wc -l <"$work/err")" 1
}
refused "--depth 0" --depth 0
refused "--depth 5" --depth 5
refused "--handshake 4" --handshake=4
refused "--scenario nothing" --scenario nothing
refused "--lang fr" --lang fr
refused "an unknown option" --waves-of-joy
refused "an argument" close
prove -s again -m 16 >"$work/out" 2>&1
same "--memory-mb reached: exit 1" $? 1
check "it says that not all was seen" "$(cat "$work/out")" grep -q 'not all was seen' "$work/out"
prove --handshake=2 --pcap "$work/none/p.pcap" >"$work/out" 2>"$work/err"
same "a capture that cannot be written: exit 1" $? 1
same "one line" "$(wc -l <"$work/err")" 1
prove --handshake=2 >/dev/full 2>"$work/err"
same "no room for the output: exit 1" $? 1
check "it says so" "$(cat "$work/err")" grep -q 'No space' "$work/err"

# --- Ctrl-C ---
LC_ALL=C.UTF-8 "$tg" prove -q --depth 4 >"$work/out" 2>&1 &
pid=$!
sleep 1
kill -INT $pid
wait $pid
same "Ctrl-C: exit 1" $? 1
check "Ctrl-C: says how far it came" "$(cat "$work/out")" grep -q 'Interrupted' "$work/out"
finish
