#!/bin/sh
# guest.sh - runs inside a booted system as its last service, and prints TAP: tests/meta/test_boot.sh
# SPDX-License-Identifier: Apache-2.0
set -u
n=0

# expect NAME WANTED SEEN
expect() {
    n=$((n + 1))
    if [ "$2" = "$3" ]; then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1"
        echo "# wanted '$2', saw '$3'"
    fi
}

status() {
    curl -s -m 20 -o /dev/null -w '%{http_code}' "$@"
}

main_pid() {
    systemctl show -p MainPID --value overlapd
}

field() {
    sed -n "s/^$1:[[:space:]]*//p" "/proc/$(main_pid)/status"
}

echo "1..24"
systemctl start overlapd.socket
expect "the service waits for a request" inactive "$(systemctl is-active overlapd)"
expect "the first request by TCP starts it" 200 "$(status localhost:8040/v1/info)"
expect "the Unix socket is served" 200 "$(status --unix-socket /run/overlapd/http.sock http://x/v1/info)"
expect "the service runs" active "$(systemctl is-active overlapd)"
expect "its user is none of the system's" "" "$(getent -s files passwd "$(field Uid | cut -f1)")"
expect "it has no capability" 0000000000000000 "$(field CapBnd)"
expect "it can gain no privilege" 1 "$(field NoNewPrivs)"
expect "its system calls are filtered" 2 "$(field Seccomp)"
printf '[log]\nlevel = debug\n' >/etc/overlapd/overlapd.conf
systemctl reload overlapd
expect "a reload succeeds" 0 $?
status localhost:8040/livez >/dev/null
expect "and is taken over" 1 "$(journalctl -u overlapd -o cat | grep -c 'event=reloaded key=log.level')"
mkdir -p -m 700 /etc/credstore
token=$(overlapd token new --scope score --file /etc/credstore/overlapd.tokens)
systemctl restart overlapd
expect "the credential's tokens are asked for" 401 "$(status localhost:8040/v1/info)"
expect "and are good" 200 "$(status -H "Authorization: Bearer $token" localhost:8040/v1/info)"

touch /tmp/busy
(
    failed=0
    while [ -e /tmp/busy ]; do
        [ "$(status localhost:8040/livez)" = 200 ] || failed=$((failed + 1))
    done
    echo "$failed" >/tmp/failed
) &
for _ in 1 2 3 4 5 6 7 8 9 10; do
    systemctl restart overlapd
done
rm /tmp/busy
wait
expect "ten restarts fail no request" 0 "$(cat /tmp/failed)"
kill -SEGV "$(main_pid)"
expect "a crash is followed by a start" 200 "$(status localhost:8040/livez)"

# A stopped process feeds no watchdog; with the unit's own time this would take half a minute.
expect "the unit has a watchdog" 30s "$(systemctl show -p WatchdogUSec --value overlapd)"
mkdir -p /run/systemd/system/overlapd.service.d
printf '[Service]\nWatchdogSec=2\n' >/run/systemd/system/overlapd.service.d/watchdog.conf
systemctl daemon-reload
systemctl restart overlapd
fed=$(main_pid)
sleep 5
expect "a daemon that lives outlives its watchdog's time" "$fed" "$(main_pid)"
kill -STOP "$fed"
for _ in $(seq 150); do
    [ "$(main_pid)" != "$fed" ] && [ "$(systemctl is-active overlapd)" = active ] && break
    sleep 0.1
done
expect "one that stands still is killed" 1 "$(journalctl -u overlapd -o cat | grep -c 'Watchdog timeout (limit 2s)!')"
expect "and started again" "active 1" "$(systemctl is-active overlapd) $(systemctl show -p NRestarts --value overlapd)"
expect "it is another process" no "$([ "$(main_pid)" = "$fed" ] && echo yes || echo no)"
expect "which answers" 200 "$(status localhost:8040/livez)"
systemctl stop overlapd 2>/dev/null
expect "a stop ends with 0" "success 0" "$(systemctl show -p Result --value overlapd) $(
    systemctl show -p ExecMainStatus --value overlapd)"
expect "the socket starts it again" 200 "$(status localhost:8040/livez)"

# docs/security.md says how runs are kept: the folder that the unit lacks, and the key.
printf '[Service]\nStateDirectory=overlapd\n' >/run/systemd/system/overlapd.service.d/store.conf
printf '[store]\npath = /var/lib/overlapd/runs.db\n' >>/etc/overlapd/overlapd.conf
run() {
    status --unix-socket /run/overlapd/http.sock "$@" http://x/v1/runs/r
}
systemctl daemon-reload
systemctl restart overlapd
expect "a run is kept where the unit has a folder for it" 201 "$(run -X PUT -H 'Content-Type: application/json' -d '{}')"
systemctl restart overlapd
expect "and is there after a restart" 200 "$(run)"
