#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Captures through the real burst path (net_pcap) as user nobody, without hugepages: 1,000 SYNs in,
# 1,000 SYN-ACKs out.
. "$(dirname "$0")/lib.sh"
need python3
need_engine
n=1000

mkdir -p "$work/own/run"
cp "$tg" "$work/own/tidegate"
as_nobody=()
if [ "$(id -u)" = 0 ]; then
	need runuser
	chown -R nobody "$work/own"
	as_nobody=(runuser -u nobody --)
fi
as_nobody+=(env -u XDG_RUNTIME_DIR "XDG_RUNTIME_DIR=$work/own/run" HOME="$work/own")

python3 "$e2e/capfile.py" make "$work/syns.pcap" $n
chmod 644 "$work/syns.pcap"
cat >"$work/pcap.ini" <<END
[engine]
connections = 5000
[port capture]
device = net_pcap0,rx_pcap=$work/syns.pcap,tx_pcap=$work/own/out.pcap
address = 192.0.2.1/24
mac = 02:00:00:00:00:01
gateway_mac = 02:00:00:00:00:fe
[listener web]
port = 80
service = http
END

# run NAME: serves the capture until it is silent.
run() {
	local status=0
	(cd "$work/own" && timeout 60 "${as_nobody[@]}" "$work/own/tidegate" serve -q --exit-when-idle 500 \
		-c "$work/pcap.ini" -- --no-huge >"$work/pcap.log" 2>&1) || status=$?
	if [ $status = 0 ]; then ok "$1"; else fail "$1" "exit status $status: $(tail -n 1 "$work/pcap.log")"; fi
}

run "as nobody, without hugepages, a capture is served to its end"
if out=$(python3 "$e2e/capfile.py" judge "$work/own/out.pcap" $n 2>&1); then
	ok "$n SYNs give $n SYN-ACKs ($out)"
else
	fail "$n SYNs give $n SYN-ACKs" "$out"
fi

sed -i 's/^port = 80/port = 80\nsyn_cookies = always/' "$work/pcap.ini"
rm -f "$work/own/out.pcap"
run "the same with cookies for each"
if out=$(python3 "$e2e/capfile.py" judge "$work/own/out.pcap" $n 2>&1); then
	ok "$n SYNs give $n cookies"
else
	fail "$n SYNs give $n cookies" "$out"
fi
if command -v tshark >/dev/null; then
	clean "tx_pcap" "$work/own/out.pcap" RST
fi

# The line of figures that a terminal gets, while the same SYNs come without end.
if command -v script >/dev/null; then
	sed -e 's/^syn_cookies = always/synq_high = 100\nsynq_low = 50/; s,\,tx_pcap=.*,\,infinite_rx=1,' "$work/pcap.ini" >"$work/line.ini"
	(cd "$work/own" && timeout 30 "${as_nobody[@]}" script -qfc \
		"timeout -s INT 5 $work/own/tidegate serve -c $work/line.ini -- --no-huge" line.log >"$work/line.out" 2>&1)
	line=$(grep -a ' ESTABLISHED ' "$work/own/line.log" | tail -n 1)
	check "a terminal is told of SYNs, cookies, half-open ones and who is armed" "$line" grep -qE \
		'SYN-RECEIVED 100 .*  SYNs [1-9][0-9]*/s  cookies [1-9][0-9]*/s, valid 0, stale 0, forged 0  armed: web' <<<"$line"
else
	skip "the line that a terminal gets" "no script"
fi

sed -i "s,rx_pcap=[^\,]*,rx_pcap=$work/none.pcap," "$work/pcap.ini"
status=0
out=$(timeout 60 "${as_nobody[@]}" "$work/own/tidegate" serve -q -c "$work/pcap.ini" -- --no-huge 2>&1 >/dev/null) || status=$?
same "a capture that is not there: exit 2" $status 2
finish
