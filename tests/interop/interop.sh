#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The engine and the kernel's TCP move bytes over a link that loses, duplicates, reorders and delays.
#
#   tests/interop/interop.sh [CELL-NAME...]
#
# Each cell of the matrix is a lab (real time, in the relay's process) and a kernel, in namespaces of
# their own: both directions at once, every byte checked where it arrives, hashes of both ends
# compared, and the options that the cell names looked up in the SYNs. Then nginx serves the lab, and
# curl asks `tidegate serve`, several hundred connections each, 1 % loss. TG_KEEP=1 keeps logs and captures.
. "$(dirname "$0")/../e2e/lib.sh"
. "$(dirname "$0")/cells.sh"
need ip ethtool
need_programs
need_root

# name, then what differs from the defaults (cell_defaults). delay: one way, ms. loss, dup, reorder: per
# mille, both ways. ws, kws: window shift of ours, of the kernel. "quick" cells run in quick mode too.
cells=(
	"quick clean_talk role=talk up=4000000 down=4000000"
	"quick clean_serve role=serve up=4000000 down=4000000"
	"quick loss1_talk role=talk loss=10 delay=5"
	"quick loss1_serve role=serve loss=10 delay=5"
	"quick loss5_talk_v6 role=talk af=6 mss=1440 loss=50 delay=5 up=300000 down=300000"
	"quick plain_serve role=serve sack=off ts=off loss=10 delay=5"
	"quick mss536_talk role=talk mss=536 loss=20 delay=2 up=500000 down=500000"
	"quick mess_serve role=serve loss=20 dup=50 reorder=100 delay=10 up=500000 down=500000"
	"- loss2_talk role=talk loss=20 delay=5"
	"- loss2_serve_v6 role=serve af=6 mss=1440 loss=20 delay=5"
	"- loss3_serve role=serve loss=30 delay=5"
	"- loss5_serve role=serve loss=50 delay=5 up=300000 down=300000"
	"- sack_off_talk role=talk sack=off loss=10 delay=5"
	"- sack_off_serve role=serve sack=off loss=20 delay=5"
	"- ksack_off_talk role=talk ksack=0 loss=20 delay=5"
	"- ts_off_talk role=talk ts=off loss=20 delay=5"
	"- kts_off_serve role=serve kts=0 loss=20 delay=5"
	"- plain_talk role=talk sack=off ts=off loss=20 delay=5"
	"- plain_loss5_serve role=serve sack=off ts=off loss=50 delay=2 up=200000 down=200000"
	"- delay50_talk role=talk delay=50 up=2000000 down=2000000"
	"- delay200_serve role=serve delay=200 up=1000000 down=1000000"
	"- delay200_loss1_talk role=talk delay=200 loss=10 up=200000 down=200000"
	"- delay100_loss5_serve role=serve delay=100 loss=50 up=60000 down=60000"
	"- delay50_loss3_talk_v6 role=talk af=6 mss=1440 delay=50 loss=30 up=200000 down=200000"
	"- reorder_talk role=talk reorder=200 delay=5"
	"- reorder_serve_v6 role=serve af=6 mss=1440 reorder=200 delay=5"
	"- dup_talk role=talk dup=200 delay=2"
	"- dup_serve role=serve dup=200 sack=off delay=2"
	"- mess_plain_talk role=talk sack=off ts=off loss=20 dup=50 reorder=100 delay=5 up=400000 down=400000"
	"- mss536_serve role=serve mss=536 loss=10 delay=5 up=500000 down=500000"
	"- mss1220_talk_v6 role=talk af=6 mss=1220 loss=10 delay=5"
	"- mss8960_talk role=talk mss=8960 loss=10 delay=2 up=4000000 down=4000000"
	"- mss8960_serve role=serve mss=8960 loss=20 delay=5 up=4000000 down=4000000"
	"- mss8940_serve_v6 role=serve af=6 mss=8940 loss=10 delay=5 up=4000000 down=4000000"
	"- ws0_talk role=talk ws=0 kws=0 loss=10 delay=5"
	"- ws0_serve role=serve ws=0 kws=3 loss=10 delay=5"
	"- ws1_kws14_talk role=talk ws=1 kws=14 loss=10 delay=5"
	"- ws14_serve role=serve ws=14 kws=14 loss=10 delay=5"
	"- ws14_kws0_talk role=talk ws=14 kws=0 reorder=50 delay=5"
	"- ws3_serve role=serve ws=3 kws=2 loss=10 delay=20"
	"- buf8k_talk role=talk buf=8192 loss=10 delay=2 up=300000 down=300000"
	"- buf1m_serve role=serve buf=1048576 loss=5 delay=20 up=4000000 down=4000000"
	"- newreno_talk role=talk ours=newreno cc=reno loss=20 delay=5"
	"- newreno_serve role=serve ours=newreno cc=reno loss=10 delay=10"
	"- many_talk role=talk n=40 loss=20 delay=5 up=30000 down=30000"
	"- many_serve role=serve n=40 loss=20 delay=5 up=30000 down=30000"
)
cell_defaults="role=talk af=4 mss=1460 sack=on ts=on ksack=1 kts=1 ws=7 kws=7 n=2 up=800000 down=800000
	loss=0 dup=0 reorder=0 delay=1 buf=262144 cc=cubic ours=default"
at_once=6

# The two commands of a cell: in kernel_words, and in relay_words.
cell_words() {
	local o=192.0.2.1 k=192.0.2.2 prefix=/24 options numbers
	[ "$af" = 4 ] || { o=2001:db8::1 k=2001:db8::2 prefix=/64; }
	numbers="n=$n up=$up down=$down"
	options="addr=$o$prefix seed=$seed mtu=$mtu mss_max=$mss window_scale=$ws timestamps=$ts sack=$sack"
	options+=" rcvbuf=$buf sndbuf=$buf"
	[ "$ours" = default ] || options+=" congestion=$ours"
	local keys="cc=$cc seconds=40 maxseg=$mss clamp=$((65535 << kws))"
	relay_words=("$relay" if:rk)
	if [ "$role" = talk ]; then
		relay_words+=("lab:role=talk to=$k $numbers $options")
		kernel_words="$peer serve $k 9000 n=$n $keys"
	else
		relay_words+=("lab:role=serve n=$n $options")
		kernel_words="$peer talk $o 9000 $numbers seed=$seed $keys"
	fi
	relay_words+=(--seed "$seed" --loss "$loss" --dup "$dup" --reorder "$reorder" --delay-us "$((delay * 1000))" --seconds 45)
}
# cell_side NAME FILE SIDE MSS SHIFT SACK TS: whether the SYN of a side had what it should.
cell_side() {
	local got
	got="$(field "$2" "watch $3" mss) $(field "$2" "watch $3" shift) $(field "$2" "watch $3" sack) $(field "$2" "watch $3" ts)"
	[ "$got" = "$4 $5 $6 $7" ] || { echo "SYN of side $3 had (mss shift sack ts) $got, wanted $4 $5 $6 $7"; return 1; }
	[ "$(field "$2" "watch $3" data_max)" -le "$mss" ] || { echo "side $3 sent more than the MSS"; return 1; }
}
onoff() { [ "$1" = on ] && echo 1 || echo 0; }
# Options are offered by the client; the server has what both have.
cell_options() {
	local s t
	s=$(onoff "$sack") t=$(onoff "$ts")
	if [ "$role" = talk ]; then
		cell_side "$1" "$2" 1 "$mss" "$ws" "$s" "$t" && cell_side "$1" "$2" 0 "$mss" "$kws" $((s & ksack)) $((t & kts))
	else
		cell_side "$1" "$2" 0 "$mss" "$kws" "$ksack" "$kts" && cell_side "$1" "$2" 1 "$mss" "$ws" $((s & ksack)) $((t & kts))
	fi
}
# cell NUMBER NAME WORDS...: one line into $work/NUMBER.result, by a process of its own.
cell() {
	local number=$1 what=$2 seed=$1 first=0 second=0 why
	local role af mss sack ts ksack kts ws kws n up down loss dup reorder delay buf cc ours mtu
	local a=tg$$a$number r=tg$$r$number log=$work/$what.log
	shift 2
	# shellcheck disable=SC2086
	local -- $cell_defaults "$@"
	mtu=1500
	[ "$mss" -le 1460 ] || mtu=9000
	trap "kill \$(jobs -p) 2>/dev/null; ip netns del $a 2>/dev/null; ip netns del $r 2>/dev/null" EXIT
	if ! { ip netns add "$a" && ip netns add "$r" && kernel_side "$a" "$r" k 2 "$mtu"; } >"$log" 2>&1; then
		echo "FAIL $what: $(tail -n 1 "$log")"
		return
	fi
	ip netns exec "$a" sysctl -qw net.ipv4.tcp_sack="$ksack" net.ipv4.tcp_timestamps="$kts" \
		net.ipv4.tcp_rmem="4096 131072 1073741824" 2>>"$log"
	cell_words
	[ -z "${TG_KEEP:-}" ] || relay_words+=(--pcap "$work/$what.pcap")
	# The server goes first.
	if [ "$role" = talk ]; then
		# shellcheck disable=SC2086
		ip netns exec "$a" $kernel_words >>"$log" 2>&1 &
		sleep 0.2
		ip netns exec "$r" "${relay_words[@]}" >>"$log" 2>&1 || first=$?
	else
		ip netns exec "$r" "${relay_words[@]}" >>"$log" 2>&1 &
		sleep 0.2
		# shellcheck disable=SC2086
		ip netns exec "$a" $kernel_words >>"$log" 2>&1 || first=$?
	fi
	# Who has failed is not waited for by the other.
	[ $first = 0 ] || { sleep 1; kill $! 2>/dev/null; }
	wait $! || second=$?
	if [ $first != 0 ] || [ $second != 0 ]; then
		echo "FAIL $what: exit status $first, $second: $(grep -E 'connection|server:|valid' "$log" | head -n 2 | tr '\n' ' ')"
	elif ! why=$(cell_options "$what" "$log"); then
		echo "FAIL $what: $why"
	else
		echo "ok $what: $(sed -nE 's/^(lab|kernel) client:.*(hash_sent=[^ ]*) .*(hash_received=[^ ]*) .*(up_mbit=[^ ]* down_mbit=[^ ]*) .* (seconds=.*)/\2 \3 \4 \5/p' "$log")"
	fi
}

wanted() {
	local x
	[ ${#only[@]} -gt 0 ] || { [ "$mode" != quick ] || [ "$1" = quick ]; return; }
	for x in "${only[@]}"; do [ "$x" != "$2" ] || return 0; done
	return 1
}
run_matrix() {
	local number=0 line words running
	for line in "${cells[@]}"; do
		read -ra words <<<"$line"
		number=$((number + 1))
		wanted "${words[0]}" "${words[1]}" || continue
		while running=$(jobs -rp | wc -l) && [ "$running" -ge $at_once ]; do wait -n; done
		spaces+=("tg$$a$number" "tg$$r$number")
		(cell "$number" "${words[@]:1}" >"$work/$number.result") &
	done
	wait
	for line in $(cd "$work" && ls | sed -n 's/\.result$//p' | sort -n); do
		case "$(cut -d' ' -f1 "$work/$line.result")" in
		ok) ok "$(cut -d' ' -f2- "$work/$line.result")" ;;
		*) fail "cell $line" "$(cut -d' ' -f2- "$work/$line.result")" ;;
		esac
	done
}

# --- nginx and curl ---

web_n=300
[ "$mode" != quick ] || web_n=60
start_nginx() {
	mkdir -p "$work/www"
	"$peer" pattern 7 60000 >"$work/www/file"
	cat >"$work/nginx.conf" <<-END
		daemon off;
		worker_processes 1;
		pid $work/nginx.pid;
		error_log $work/nginx.log;
		events { worker_connections 1024; }
		http {
		  access_log off;
		  client_body_temp_path $work/t1; proxy_temp_path $work/t2; fastcgi_temp_path $work/t3;
		  uwsgi_temp_path $work/t4; scgi_temp_path $work/t5;
		  server { listen 192.0.2.2:8080 backlog=1024; root $work/www; }
		}
	END
	"${words_c[@]}" nginx -c "$work/nginx.conf" >"$work/nginx.out" 2>&1 &
	pids+=($!)
	local i
	for ((i = 0; i < 50; i++)); do
		[ ! -s "$work/nginx.pid" ] || return 0
		sleep 0.1
	done
}
step_nginx() {
	command -v nginx >/dev/null || { skip nginx "no nginx here"; return; }
	space "$ns_c"
	space "$ns_e"
	kernel_side "$ns_c" "$ns_e" k 2 1500
	start_nginx
	"${words_e[@]}" "$relay" if:rk "lab:role=http n=$web_n to=192.0.2.2 port=8080 path=/file down=60000 seed_talk=7 addr=192.0.2.1/24" \
		--loss 10 --delay-us 5000 --seed 3 --seconds 60 >"$work/nginx.relay" 2>&1
	same "$web_n connections fetch 60,000 bytes each from nginx, 1 % loss" $? 0
	grep -E 'client' "$work/nginx.relay"
}
# `tidegate serve` has an interface of its own, and the relay one toward each side.
step_curl() {
	command -v curl >/dev/null || { skip curl "no curl here"; return; }
	"$tg" serve --help >/dev/null 2>&1 || { skip curl "this build has no DPDK"; return; }
	local ns_t=tg$$t pid got
	space "$ns_t"
	ip link add tge netns "$ns_t" type veth peer name rt netns "$ns_e" || { fail curl "no veth"; return; }
	ip netns exec "$ns_t" ethtool -K tge tx off tso off gso off gro off >/dev/null 2>&1
	ip netns exec "$ns_e" ethtool -K rt tx off tso off gso off gro off >/dev/null 2>&1
	ip netns exec "$ns_t" sysctl -qw net.ipv6.conf.all.disable_ipv6=1
	ip -n "$ns_t" link set tge up txqueuelen 10000
	ip -n "$ns_e" link set rt up txqueuelen 10000
	conf "$work/tg.ini" net_af_packet0,iface=tge,qpairs=1,framecnt=2048
	# The MAC address that the kernel's side has entered for us.
	sed -i "s/^device = .*/&\nmac = $mac_other/" "$work/tg.ini"
	start "$work/tg.ini" ip netns exec "$ns_t" || return
	"${words_e[@]}" "$relay" if:rk if:rt --loss 10 --delay-us 5000 --seed 4 --seconds 120 >"$work/curl.relay" 2>&1 &
	pid=$!
	pids+=("$pid")
	sleep 0.3
	mkdir -p "$work/got"
	in_c timeout 90 curl -sS -Z --parallel-max 100 --retry 0 -H 'Connection: close' \
		"http://192.0.2.1/bytes/60000?[1-$web_n]" -o "$work/got/#1" >"$work/curl.log" 2>&1
	same "curl, $web_n connections to tidegate serve, 1 % loss: exit status" $? 0
	got=$(cd "$work/got" && sha256sum -- * | cut -d' ' -f1 | sort | uniq -c | awk '{print $1, $2}')
	same "and each of the $web_n bodies is whole" "$got" "$web_n $(bytes_sha 60000)"
	end_pid "$pid"
	grep '^link' "$work/curl.relay"
	same "and the link did lose frames" "$(awk -F'[= ]' '/^link/ { n += $8 } END { print (n > 0) }' "$work/curl.relay")" 1
	stop "the engine ends by itself"
}

only=("$@")
run_matrix
[ ${#only[@]} -gt 0 ] || { step_nginx; step_curl; }
finish
