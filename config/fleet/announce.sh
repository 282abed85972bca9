#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Announces the fleet's addresses from this node while its tidegate serves, and withdraws them when it
# does not, or when this script is ended: so draining a node is ending this script.
#
#   announce.sh NAME [BIRD-SOCKET]       NAME: of the tidegate (serve --name)
#
# TIDEGATE and BIRDC name other binaries. It asks twice a second: tidegate must answer within two seconds,
# and every worker must have looked around in the last one; two failures in a row withdraw.
set -u
name=${1:?usage: announce.sh NAME [BIRD-SOCKET]}
socket=${2:-/run/bird/bird.ctl}
tidegate=${TIDEGATE:-tidegate}
birdc=${BIRDC:-birdc}
announced=unknown misses=0

serves() {
	local silent
	silent=$(timeout 2 "$tidegate" stats --json --name "$name" 2>/dev/null | sed -n 's/.*"silent_ms": *\([0-9]*\).*/\1/p')
	[ -n "$silent" ] && [ "$silent" -lt 1000 ]
}
# announce yes|no: tells BIRD, once.
announce() {
	local verb=enable protocol
	[ "$announced" != "$1" ] || return 0
	[ "$1" = yes ] || verb=disable
	for protocol in vip4 vip6; do
		"$birdc" -s "$socket" "$verb" "$protocol" >/dev/null || return 0 # BIRD is not there: again next time
	done
	announced=$1
	printf 'announce: %s: %s\n' "$name" "$([ "$1" = yes ] && echo announced || echo withdrawn)"
}
trap 'announce no; exit 0' INT TERM HUP

while :; do
	if serves; then
		misses=0
		announce yes
	elif [ $((misses += 1)) -ge 2 ]; then
		announce no
	fi
	sleep 0.5 &
	wait $! # so that a signal need not wait
done
