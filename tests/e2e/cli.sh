#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The command line: mistakes in a configuration, --check, stats, telemetry, doctor, demo, Ctrl-C.
. "$(dirname "$0")/lib.sh"
need python3
[ -x "$tg" ] || skip_all "no $tg; build first"

# --- usage ---
"$tg" --help >"$work/out" 2>&1
same "--help: exit 0" $? 0
for command in serve load demo stats doctor fleet-key; do
	"$tg" $command --help >"$work/out" 2>&1
	same "$command --help: exit 0" $? 0
done
"$tg" nonsense >"$work/out" 2>"$work/err"
same "an unknown command: exit 2" $? 2
"$tg" serve --nonsense >"$work/out" 2>"$work/err"
same "an unknown option: exit 2" $? 2
need_engine

# --- mistakes: one line with file and line number, exit 2 ---
good() {
	printf '%s\n' '[engine]' 'workers = 1' 'connections = 1000' '[port outside]' 'device = net_null0' \
		'address = 192.0.2.1/24 2001:db8::1/64' 'gateway_mac = 02:00:00:00:00:01' '[listener web]' 'port = 80' 'service = http'
}
# refused NAME LINE-NUMBER PATTERN <config
refused() {
	local status=0 lines
	cat >"$work/bad.ini"
	timeout 30 "$tg" serve --check -c "$work/bad.ini" >"$work/out" 2>"$work/err" || status=$?
	lines=$(wc -l <"$work/err")
	if [ $status != 2 ]; then
		fail "$1" "exit status $status, wanted 2"
	elif [ "$lines" != 1 ]; then
		fail "$1" "$lines lines on standard error, wanted 1"
	elif [ -n "$2" ] && ! grep -q "bad\.ini:$2\b" "$work/err"; then
		fail "$1" "no file and line $2 in: $(cat "$work/err")"
	elif ! grep -qiE "$3" "$work/err"; then
		fail "$1" "says not what is wrong: $(cat "$work/err")"
	else
		ok "$1"
	fi
}
good >"$work/good.ini"
"$tg" serve --check -c "$work/good.ini" >"$work/out" 2>&1
same "--check of a good configuration: exit 0" $? 0
refused "a wrong section" 8 'listner' < <(good | sed 's/^\[listener web\]/[listner web]/')
refused "a wrong key names the right one" 3 'connections' < <(good | sed 's/^connections/conections/')
refused "a wrong value" 3 'many' < <(good | sed 's/^connections = .*/connections = many/')
refused "a network that is none" 12 '10\.1\.0\.0/8' < <(good; printf '%s\n' 'allow = 192.0.2.0/24' '    10.1.0.0/8')
refused "ports in the wrong order" 11 'lower' < <(good; printf '%s\n' 'allow_port = 9-8')
refused "a policy that is none" 11 'drop\|rst' < <(good; printf '%s\n' 'refuse = no')
refused "a limit of all in one listener" 11 'belongs into \[engine\]' < <(good; printf '%s\n' 'source_max = 100')
refused "a mode that is none" 11 'off.auto.always.dry-run' < <(good; printf '%s\n' 'syn_cookies = dry')
refused "bogons that are none" 11 'allow.martian.full' < <(good; printf '%s\n' 'bogons = all')
refused "a burst without a rate" 3 'source_rate' < <(good | sed 's/^connections/source_burst = 5\nconnections/')
# Files of prefixes: by the key's line, and their own.
refused "a file of prefixes that is not there" 11 'deny_file = .*No such file' < <(good; printf '%s\n' "deny_file = $work/none.txt")
refused "a folder of prefixes" 11 'is no file' < <(good; printf '%s\n' "deny_file = $work")
printf '%s\n' '192.0.2.0/24' '# the next one' '2001:db8::1/32' >"$work/deny.txt"
refused "a prefix with bits behind it" 11 'deny.txt:3: 2001:db8::1/32 has bits behind' < <(good; printf '%s\n' "deny_file = $work/deny.txt")
printf '%s\n' '192.0.2.0/24 198.51.100.0/24' >"$work/deny.txt"
refused "two prefixes on a line" 11 'deny.txt:1: .*one stands on each line' < <(good; printf '%s\n' "deny_file = $work/deny.txt")
: >"$work/allow.txt"
refused "nobody at all is allowed" 11 'allow.txt: has no prefix' < <(good; printf '%s\n' "allow_file = $work/allow.txt")
printf '%s\n' '192.0.2.0/24' '2001:db8::/32 # both families' >"$work/deny.txt"
good >"$work/deny.ini"
printf '%s\n' "deny_file = $work/deny.txt" 'allow = 192.0.2.128/25' >>"$work/deny.ini"
"$tg" serve --check -c "$work/deny.ini" >"$work/out" 2>&1
same "prefixes are counted by --check" "$(grep -c '^listener web: 1 allowed and 2 denied prefixes, [0-9]* KiB$' "$work/out")" 1
refused "a value out of range" 3 '1' < <(good | sed 's/^connections = .*/connections = 0/')
refused "a port out of range" 9 '65535' < <(good | sed 's/^port = .*/port = 65536/')
refused "an unknown service" 10 'gopher' < <(good | sed 's/^service = .*/service = gopher/')
refused "a line without =" 2 '=' < <(good | sed 's/^workers = 1/workers/')
refused "an overlong line" 2 '198' < <(good | sed "s/^workers = 1/workers = 1 ;$(printf 'x%.0s' {1..300})/")
refused "two listeners on one port" '1[0-3]' '80' < <(good; printf '[listener web2]\nport = 80\nservice = echo\n')
refused "a listener twice" '1[0-3]' 'web' < <(good; printf '[listener web]\nport = 81\nservice = echo\n')
refused "a port twice" '1[0-3]' 'outside' < <(good; printf '[port outside]\ndevice = net_null1\naddress = 192.0.3.1/24\n')
refused "a wrong address" 6 '192.0.2.300' < <(good | sed 's/^address.*/address = 192.0.2.300\/24/')
refused "too little memory" '' 'memory|MiB' < <(good | sed 's/^connections = .*/connections = 1000000\nmemory_mb = 1/')
# The secret of a fleet: each mistake one line, and nothing of it told.
fleet() {
	good
	printf '[fleet]\nsecret_file = %s\n' "$work/fleet.key"
}
digits=$(printf '%02x' {1..32})
refused "no fleet key" 12 'No such file.*fleet-key' < <(fleet)
same "fleet-key: makes one" "$("$tg" fleet-key "$work/fleet.key" | grep -cE '^mints with [0-9a-f]{8}$')" 1
same "fleet-key: for its owner alone" "$(command stat -c %a "$work/fleet.key")" 600
"$tg" fleet-key "$work/fleet.key" >"$work/out" 2>"$work/err"
same "fleet-key: never over another" "$? $(wc -l <"$work/err")" "2 1"
check "a good fleet key: --check" "$(cat "$work/err")" "$tg" serve --check -c <(fleet)
chmod 644 "$work/fleet.key"
refused "a fleet key that others may read" 12 'chmod 600' < <(fleet)
chmod 600 "$work/fleet.key"
printf '%s\n' "${digits}0" >"$work/fleet.key"
refused "a fleet secret that is too long" 12 'fleet.key:1: .*64 hexadecimal digits.*65 characters' < <(fleet)
printf '%s\n' "$digits" "${digits%??}ff" "${digits%??}fe" >"$work/fleet.key"
refused "a third fleet secret" 12 'fleet.key:3: .*third' < <(fleet)
check "and no secret is quoted" "$(cat "$work/err")" eval '! grep -q 0102 "$work/err"'
: >"$work/fleet.key"
refused "an empty fleet key" 12 'empty' < <(fleet)
refused "no secret for the fleet" 11 'secret_file' < <(good; printf '[fleet]\nskew_ms = 10\n')
refused "a descriptor that nobody passed" 12 'not open' < <(good; printf '[fleet]\nsecret_fd = 9\n')
printf '%s\n' "$digits" >"$work/fleet.key"
good >"$work/fd.ini"
printf '[fleet]\nsecret_fd = 9\n' >>"$work/fd.ini"
check "a descriptor that somebody passed" "$(cat "$work/err")" "$tg" serve --check -c "$work/fd.ini" 9<"$work/fleet.key"
# By what a fleet chooses backends: made with the secret; of a file that has none written down before the first step; kept in all.
pools_line() { grep -xE 'pools [0-9a-f]{32}' "$work/$1.key"; }
"$tg" fleet-key "$work/new.key" >/dev/null
same "fleet-key: a line for pools" "$(pools_line new | wc -l)" 1
"$tg" fleet-key --add "$work/fleet.key" >/dev/null
first=$(pools_line fleet)
same "fleet-key --add: written down" "$(wc -l <<<"$first") ${#first}" "1 38"
"$tg" fleet-key --swap "$work/fleet.key" >/dev/null && "$tg" fleet-key --drop "$work/fleet.key" >/dev/null
same "fleet-key --swap, --drop: kept" "$(pools_line fleet)" "$first"
same "fleet-key --drop: another secret" "$(grep -c "$digits" "$work/fleet.key")" 0
sed -i 's/^pools .*/pools 0102/' "$work/fleet.key"
refused "a line for pools that is too short" 12 'fleet.key:[0-9]+: behind .pools. stand 32' < <(fleet)
refused "[pool] without backends is refused" '1[0-2]' 'no backend' < <(good; printf '[pool web]\nvip = 192.0.2.10:80\n')
pool=$'[pool web]\nvip = 192.0.2.10:80\nbackend = 10.1.0.11:80'
refused "[pool] is for shield" '1[0-2]' 'tidegate shield' < <(good; echo "$pool")
# `shield` takes what `serve` does not, and the other way round.
shield_says() { # NAME STATUS PATTERN <config
	local status=0
	cat >"$work/shield.ini"
	timeout 30 "$tg" shield --check -c "$work/shield.ini" >"$work/out" 2>"$work/err" || status=$?
	if [ $status = "$2" ] && grep -qE "$3" "$work/out" "$work/err"; then
		ok "$1"
	else
		fail "$1" "exit status $status: $(tail -n 1 "$work/err" "$work/out")"
	fi
}
shield_says "shield: a pool is good, and its memory is told" 0 '^ *splices +1000' < <(good; echo "$pool")
shield_says "shield: no pool is refused" 2 'shield\.ini: no \[pool NAME\]' < <(good)
shield_says "shield: transparent by two workers is good" 0 'good$' \
	< <(good | sed 's/^workers = 1/workers = 2/'; echo "$pool")
shield_says "shield: snat by two workers is good" 0 'good$' \
	< <(good | sed 's/^workers = 1/workers = 2/'; echo "$pool"; echo 'mode = snat')
refused "congestion = vegas is refused" 11 'newreno.cubic' < <(good | sed 's/^service = http/service = http\ncongestion = vegas/')
status=0
"$tg" serve --check -c "$work/none.ini" >"$work/out" 2>"$work/err" || status=$?
same "a missing file: exit 2" $status 2
same "a missing file: one line" "$(wc -l <"$work/err")" 1
sed 's/net_null0/net_pcap0,rx_pcap=\/nowhere\/x.pcap/' "$work/good.ini" >"$work/dev.ini"
status=0
timeout 60 "$tg" serve -q -c "$work/dev.ini" >"$work/out" 2>"$work/err" || status=$?
same "a device that cannot be opened: exit 2" $status 2

# --- a running engine ---
start "$work/good.ini" env || finish
sleep 1
out=$("$tg" stats --json --name "$instance" 2>&1)
if python3 - "$out" <<'END' 2>"$work/err"; then
import json, sys
v = json.loads(sys.argv[1])
for key in ("rx_packets", "tx_packets", "rx_bytes", "tx_bytes"):
    assert isinstance(v[key], int), key
assert "ESTABLISHED" in v["connections"] and "TIME-WAIT" in v["connections"]
assert "bad_csum" in v["drops"] and "tw_rst" in v["drops"]
assert len(v["workers"]) == 1
END
	ok "stats --json: packets, bytes, connections by state, drops by name, workers"
else
	fail "stats --json" "$(tail -n 1 "$work/err")"
fi
check "stats: text" "no text" test -n "$("$tg" stats --name "$instance" 2>/dev/null)"
same "stats: the odds of a guess, now and at worst" \
	"$("$tg" stats --name "$instance" 2>/dev/null | awk '$1 ~ /^(epochs|secrets)_accepted$|^odds/ { printf "%s ", $2 }')" \
	"2 1 2^-29.0 2^-55.0 2^-28.0 2^-54.0 "
check "and the start says them" "$(grep odds "$engine_log")" \
	grep -qF 'odds of 2^-29.0, with timestamps 2^-55.0 (1 secret, 2 epochs), at worst 2^-28.0' "$engine_log"
"$tg" stats --name nobody-has-this >"$work/out" 2>&1
same "stats of an engine that is not there: exit 2" $? 2
# DPDK's own client: a command a line on its standard input.
client=$(command -v dpdk-telemetry.py)
if [ -n "$client" ]; then
	out=$(printf '/tidegate/stats\n/tidegate/counters\n/tidegate/workers\nquit\n' | timeout 20 python3 "$client" -f "tidegate-$instance" 2>&1)
	check "dpdk-telemetry.py reads /tidegate/stats, counters, workers" "$(tail -n 1 <<<"$out")" \
		grep -q '"/tidegate/workers"' <<<"$out"
else
	skip "dpdk-telemetry.py" "not here"
fi
stop "Ctrl-C ends it" INT
same "and it says what it did" "$(grep -c '^ended:' "$engine_log")" 1
start "$work/good.ini" env && {
	kill -TERM "$engine"
	sleep 0.05
	begin=$(date +%s%N) status=0
	kill -TERM "$engine" 2>/dev/null
	wait "$engine" || status=$?
	check "a second signal ends it at once" "exit status $status" test $status -le 1 -a $((($(date +%s%N) - begin) / 1000000)) -lt 1500
}

# --- doctor ---
status=0
"$tg" doctor >"$work/out" 2>&1 || status=$?
check "doctor: exit 0 or 1" "exit status $status" test $status -le 1
for word in hugepages cores; do
	check "doctor speaks of $word" "not a word" grep -qi "$word" "$work/out"
done

# doctor_says NAME STATUS PATTERN...: of $work/doctor.ini, run by "${in_doctor[@]}"; a pattern that begins with ! must not be there.
in_doctor=()
doctor_says() {
	local what=$1 wanted=$2 status=0 p
	shift 2
	"${in_doctor[@]}" "$tg" doctor -c "$work/doctor.ini" >"$work/out" 2>&1 || status=$?
	[ $status = "$wanted" ] || { fail "$what" "exit status $status: $(tail -n 1 "$work/out")"; return; }
	for p in "$@"; do
		if [ "${p#!}" = "$p" ]; then
			grep -qE "$p" "$work/out" || { fail "$what" "no '$p' in: $(sed -n '/configuration/,$p' "$work/out")"; return; }
		else
			! grep -qE "${p#!}" "$work/out" || { fail "$what" "$(grep -E "${p#!}" "$work/out")"; return; }
		fi
	done
	ok "$what"
}
rm -f "$work/doctor.ini"
doctor_says "doctor -c: a file that is not there" 1 '^FAULT +configuration +.*doctor\.ini.*No such file'
good | sed 's/^workers = 1/workers = x/' >"$work/doctor.ini"
doctor_says "doctor -c: a mistake, with its line" 1 '^FAULT +configuration +.*doctor\.ini:2: '
good >"$work/doctor.ini"
doctor_says "doctor -c: a file for serve" 0 '^ok +configuration +.* `tidegate serve`: 1 port, 1 listener, 0 pools' '!steering'
"$tg" doctor "$work/doctor.ini" >"$work/out" 2>"$work/err"
same "doctor: a file without -c: exit 2, one line" "$? $(wc -l <"$work/err")" "2 1"
doctor_shield() { # WORKERS [POOL-LINE...]: two ports, a pool
	printf '%s\n' '[engine]' "workers = $1" 'connections = 1000' '[port outside]' "device = ${outside:-net_null0}" 'address = 192.0.2.1/24' \
		'[port inside]' "device = ${inside:-net_null1}" 'address = 10.1.0.1/24' '[pool web]' 'vip = 192.0.2.10:80'
	shift
	printf '%s\n' "$@"
}
doctor_shield 1 'backend = 10.1.0.11:80 10.1.0.12:80' >"$work/doctor.ini"
doctor_says "doctor -c: a file for shield, and the way back" 0 '`tidegate shield`: 2 ports, 0 listeners, 1 pool$' '^ok +workers +1 worker$' \
	'^ok +pool web +transparent: .*route replace default via 10\.1\.0\.1$' '!FAULT' '!pool web .*snat'
same "doctor -c: once, not for each backend" "$(grep -c 'route replace' "$work/out")" 1
doctor_shield 2 'backend = 10.1.0.11:80' >"$work/doctor.ini"
doctor_says "doctor -c: transparent by two workers" 0 '^ok +steering +by the client.s address in software'
doctor_shield 2 'backend = 10.1.0.11:80' 'mode = snat' >"$work/doctor.ini"
doctor_says "doctor -c: snat by two workers" 0 '^ok +steering +by tuple' '^ok +pool web +snat' '!route replace'
doctor_shield 100 'backend = 10.1.0.11:80' >"$work/doctor.ini"
doctor_says "doctor -c: more workers than CPUs" 0 '^limit +workers +100 workers' "fix: workers = $(nproc)\$"
doctor_shield 1 'backend = 203.0.113.9:80' >"$work/doctor.ini"
doctor_says "doctor -c: no way to a backend" 1 '^FAULT +pool web +no way to backend 203\.0\.113\.9:80' 'fix: gateway'
doctor_shield 1 'backend = 192.0.2.11:80' >"$work/doctor.ini"
doctor_says "doctor -c: backends among the clients" 0 '^limit +pool web +.*VIP and backends on \[port outside\]' 'fix: mode = snat'
if [ "$(id -u)" = 0 ] && ip netns add "$ns_e" 2>/dev/null && spaces+=("$ns_e") &&
	ip -n "$ns_e" link add da type veth peer name db && ip -n "$ns_e" link add dc type veth peer name dd 2>/dev/null; then
	in_doctor=(ip netns exec "$ns_e")
	outside=net_af_packet0,iface=da inside=net_af_packet1,iface=dc
	doctor_shield 1 'backend = 10.1.0.11:80' >"$work/doctor.ini"
	in_e sysctl -qw net.ipv4.ip_forward=1
	ip -n "$ns_e" addr add 192.0.2.1/24 dev da
	in_e ethtool -K da gro on
	doctor_says "doctor -c: interfaces that are down, taken, forwarding, with offloads" 0 '^limit +port outside +da is down' \
		'fix: sudo ip link set da up$' 'the kernel has addresses on da' 'fix: sudo ip addr flush dev da$' 'port outside +da puts segments together' \
		'fix: sudo ethtool -K da gro off lro off$' 'port inside +the kernel forwards IPv4 that comes by dc' 'sysctl -w net\.ipv4\.conf\.dc\.forwarding=0$' \
		'port inside +dd, the other end of dc, leaves checksums out' 'fix: sudo ethtool -K dd tx off tso off gso off$'
	# Each fix that it names is done as it stands there.
	sed -n 's/^ *fix: sudo \(\(ip\|ethtool\|sysctl\) .*\)/\1/p' "$work/out" >"$work/fixes"
	while read -r fix; do
		# shellcheck disable=SC2086
		in_e $fix >/dev/null 2>&1 </dev/null
	done <"$work/fixes"
	doctor_says "doctor -c: when all is mended" 0 '^ok +port outside +da is as it must be' '^ok +port inside +dc is as it must be' '!(port|pool).*limit' '!^limit +(port|pool|workers)'
	sed -i 's/iface=dc/iface=de/' "$work/doctor.ini"
	doctor_says "doctor -c: no such interface" 1 '^FAULT +port inside +there is no interface de here'
	in_doctor=()
	printf '%s\n' '[port outside]' 'device = net_null0' 'address = 192.0.2.1/24' 'kernel = net_tap9,iface=tgkd' '[listener web]' 'port = 80' 'service = http' >"$work/doctor.ini"
	in_doctor=(ip netns exec "$ns_e")
	in_e sysctl -qw net.ipv4.conf.all.rp_filter=1
	doctor_says "doctor -c: a kernel behind a port that drops what goes another way back" 0 '^limit +port outside +.*tgkd.*rp_filter = 1' \
		'fix: sudo sysctl -w net\.ipv4\.conf\.tgkd\.rp_filter=2'
	in_e sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
	doctor_says "doctor -c: and one that does not" 0 '!rp_filter'
else
	skip "doctor -c: interfaces" "needs root and namespaces"
fi

# --- demo, as nobody ---
mkdir -p "$work/own/run"
cp "$tg" "$work/own/tidegate"
as_nobody=()
if [ "$(id -u)" = 0 ] && command -v runuser >/dev/null; then
	chown -R nobody "$work/own"
	as_nobody=(runuser -u nobody --)
fi
status=0
(cd "$work/own" && timeout 120 "${as_nobody[@]}" env XDG_RUNTIME_DIR="$work/own/run" HOME="$work/own" \
	./tidegate demo >"$work/demo.log" 2>&1) || status=$?
check "demo as nobody: exit 0" "exit status $status: $(grep -E 'broken|invariant|cut short|did not' "$work/demo.log" | tr -s '\n ' ' ')" [ $status = 0 ]
check "demo leaves demo.pcap" "no demo.pcap" test -s "$work/own/demo.pcap"
# The table: in the middle third SYNs come, the cookies arm, clients pass; afterwards they disarm.
check "demo: the cookies arm" "no line" grep -q 'listener echo: cookies armed: .* half-open' "$work/demo.log"
check "demo: the flood is seen, and cookies, and clients pass" "$(grep 'SYN flood' "$work/demo.log")" \
	awk '/SYN flood/ { opened += $8; syns += $9; cookies += $10 } END { exit !(syns > 1000 && cookies > 100 && opened > 10) }' "$work/demo.log"
check "demo: they disarm when it is over" "no line" grep -q 'listener echo: cookies disarmed, after' "$work/demo.log"
same "demo: and none is sent any more" "$(awk '$1 == 9 && $2 == "s" { print $8 }' "$work/demo.log")" 0
if [ -s "$work/own/demo.pcap" ] && command -v tshark >/dev/null; then
	clean "demo.pcap" "$work/own/demo.pcap" RST
fi
(cd "$work/own" && exec "${as_nobody[@]}" env XDG_RUNTIME_DIR="$work/own/run" HOME="$work/own" \
	./tidegate demo >"$work/demo2.log" 2>&1) &
pid=$!
pids+=($pid)
sleep 2
for child in $(pgrep -P $pid) $pid; do kill -INT "$child" 2>/dev/null; done
status=0
wait $pid || status=$?
check "Ctrl-C ends the demo in order" "exit status $status" test $status -le 1
finish
