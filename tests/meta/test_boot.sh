#!/bin/sh
# test_boot.sh - the units in a system that really boots, in a container of systemd's own.
# SPDX-License-Identifier: Apache-2.0
#
# The system is made once and kept in build/boot. It holds the packages of the libraries that the daemon
# loads here.
set -u

skip() {
    echo "1..0 # SKIP $1"
    exit 0
}

[ "$(id -u)" = 0 ] || skip "only root can boot a container"
for tool in systemd-nspawn mmdebstrap; do
    command -v $tool >/dev/null || skip "$tool is not installed (script/bootstrap deploy)"
done
grep -q '^VERSION_CODENAME=bookworm' /etc/os-release || skip "this is not Debian 12"

system=build/boot/system
packages=systemd-sysv,dbus,curl
for library in $(ldd build/release/overlapd | grep -o '/[^ ]*'); do
    packages=$packages,$(dpkg -S "$library" "/usr$library" 2>/dev/null | sed 's/:.*//;q')
done
packages=$(echo "$packages" | tr , '\n' | sort -u | paste -sd,)
sources=/etc/apt/sources.list.d/debian.sources
[ -e $sources ] || sources=/etc/apt/sources.list
if ! [ -e $system.made ] || [ "$(cat $system.made)" != "$packages" ]; then
    rm -rf --one-file-system $system # an interrupted one may have mounts below it
    mkdir -p build/boot
    mmdebstrap --quiet --variant=minbase --include="$packages" bookworm $system $sources >build/boot/log 2>&1 ||
        skip "no system could be made (build/boot/log)"
    echo "$packages" >$system.made
fi

results=$(mktemp -d) || exit 1
trap 'rm -rf "$results"' EXIT
cp tests/boot/guest.sh "$results/"
rm -f $system/etc/overlapd/overlapd.conf # an install would keep it
make -s install MODE=release DESTDIR=$system PREFIX=/usr >"$results/install" 2>&1 || cat "$results/install"
units=$system/etc/systemd/system
mkdir -p $units/multi-user.target.wants
cat >$units/overlapd-test.service <<'EOF'
[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'sh /results/guest.sh >/results/tap 2>&1'
ExecStopPost=systemctl poweroff --force
EOF
ln -sf ../overlapd-test.service $units/multi-user.target.wants/overlapd-test.service
timeout 120 systemd-nspawn -q -D $system --volatile=overlay --boot --register=no --keep-unit \
    --private-network --link-journal=no --bind="$results:/results" >"$results/console" 2>&1
if [ -s "$results/tap" ]; then
    cat "$results/tap"
    ! grep -q '^not ok' "$results/tap"
else
    grep -q 'Powering off' "$results/console" || skip "no container boots here: $(tail -n 1 "$results/console")"
    echo "1..1"
    echo "not ok 1 - the tests ran"
    sed 's/^/# /' "$results/console"
    exit 1
fi
