#!/bin/sh
# SPDX-License-Identifier: MIT
# worker.sh - a shell script as a worker: brood run --listen none --ready notify --workers 2 -- tools/examples/worker.sh
#
# It does its share of some work, says how it is, and stops between two pieces of work when it is told to. A script that
# only prepares something for a server ends with exec instead, and the server is the worker.

report() {	# in the words of sd_notify(3); systemd-notify does the same
	python3 -c 'import os, socket, sys
name = os.environ["NOTIFY_SOCKET"]
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(sys.argv[1].encode(), "\0" + name[1:])' "$1"
}

trap 'leaving=yes' TERM
echo "worker $BROOD_SLOT begins, after $BROOD_GENERATION before it"
report READY=1
n=0
while [ -z "$leaving" ] && [ "$n" -lt "${PIECES:-1000000}" ]; do
	sleep "${PIECE:-1}" &	# a piece of work
	wait $!
	n=$((n + 1))
done
[ -n "$leaving" ] || report "STOPPING=1
STATUS=$n pieces are enough"
while [ -z "$leaving" ]; do	# until the next one is there
	sleep 1 &
	wait $!
done
echo "worker $BROOD_SLOT ends, $n pieces done"
