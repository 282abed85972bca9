#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The engine as client: an active open through a TUN device fetches a file from the kernel's nginx.
. "$(dirname "$0")/lib.sh"
need ip python3 nginx tshark dumpcap
need_root
[ -c /dev/net/tun ] || skip_all "no /dev/net/tun here"
build=$(cd "$(dirname "$tg")/.." && pwd)
lab=$build/lib/lab
[ -e "$lab/libtidegate-lab.so" ] || skip_all "no $lab/libtidegate-lab.so; build first"
"${CC:-cc}" -O2 -Wall -I"$top/lib/lab" "$e2e/tap_lab.c" -L"$lab" -ltidegate-lab "-Wl,-rpath,$lab" \
	-o "$work/tap_lab" 2>"$work/cc.log" || {
	fail "tap_lab builds against libtidegate-lab.so" "$(grep error "$work/cc.log" | head -n 1)"
	finish
}
ok "tap_lab builds against libtidegate-lab.so"

space "$ns_c"
ip -n "$ns_c" tuntap add dev tgtun mode tun
ip -n "$ns_c" addr add 192.0.2.2/24 dev tgtun
ip -n "$ns_c" -6 addr add 2001:db8::2/64 dev tgtun nodad
ip -n "$ns_c" link set tgtun up
in_c ethtool -K tgtun tx off tso off gso off >/dev/null 2>&1

mkdir -p "$work/www"
head -c 5000000 /dev/urandom >"$work/www/file"
want=$(sha256sum <"$work/www/file" | cut -d' ' -f1)
cat >"$work/nginx.conf" <<END
daemon off;
worker_processes 1;
pid $work/nginx.pid;
error_log $work/nginx.log;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path $work/t1; proxy_temp_path $work/t2; fastcgi_temp_path $work/t3;
  uwsgi_temp_path $work/t4; scgi_temp_path $work/t5;
  server { listen 192.0.2.2:8080; listen [2001:db8::2]:8080; root $work/www; }
}
END
"${words_c[@]}" nginx -c "$work/nginx.conf" >"$work/nginx.out" 2>&1 &
pids+=($!)
for _ in $(seq 50); do
	[ -s "$work/nginx.pid" ] && break
	sleep 0.1
done
capture "$work/client.pcap" tgtun 65535
fetch() {
	local what=$1 got status=0
	shift
	got=$("${words_c[@]}" timeout 90 "$work/tap_lab" tgtun "$@" 8080 /file 2>"$work/tap_lab.log" | sha256sum | cut -d' ' -f1) || status=$?
	if [ $status = 0 ] && [ "$got" = "$want" ]; then
		ok "$what"
	else
		fail "$what" "exit status $status, $(tail -n 1 "$work/tap_lab.log")"
	fi
}
for i in 1 2 3; do fetch "active open fetches 5 MB from nginx over IPv4, $i" 192.0.2.1/24 192.0.2.2; done
fetch "active open fetches 5 MB from nginx over IPv6" 2001:db8::1/64 2001:db8::2
capture_end
clean "client" "$work/client.pcap"
finish
