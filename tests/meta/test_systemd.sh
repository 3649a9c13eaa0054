#!/bin/sh
# test_systemd.sh - the units are ones that systemd takes whole, and they leave the daemon little.
# SPDX-License-Identifier: Apache-2.0
set -u
stock=/usr/lib/systemd/system
if ! command -v systemd-analyze >/dev/null; then
    echo "1..0 # SKIP systemd-analyze is not installed (script/bootstrap test)"
    exit 0
fi
if ! [ -e $stock/sysinit.target ]; then
    echo "1..0 # SKIP systemd's own units are not in $stock"
    exit 0
fi
root=$(mktemp -d) || exit 1
trap 'rm -rf "$root"' EXIT
units=$root/usr/lib/systemd/system
log=$root/log
. tests/meta/tap.sh

# Unknown keys are only said on stderr: the status is 0. What is verified must lie with all it needs.
verifies() {
    systemd-analyze --root="$root" --man=no verify overlapd.service overlapd.socket 2>"$root/said"
    status=$?
    cat "$root/said"
    [ $status = 0 ] && ! [ -s "$root/said" ]
}

notices_a_misspelt_key() {
    sed -i 's/^ProtectHome=/ProtectHouse=/' "$units/overlapd.service"
    ! verifies
}

# In tenths: 5 is an exposure of 0.5.
is_confined() {
    systemd-analyze security --offline=true --threshold=5 "$units/overlapd.service"
}

echo "1..5"
check install_succeeds make -s install MODE=release DESTDIR="$root" PREFIX=/usr
check the_service_starts_what_was_installed \
    grep -q '^ExecStart=/usr/bin/overlapd --config /etc/overlapd/overlapd.conf$' "$units/overlapd.service"
for unit in "$stock"/*; do
    [ -e "$units/${unit##*/}" ] || cp -R "$unit" "$units/" 2>/dev/null
done
printf '#!/bin/sh\n' >"$root/usr/bin/sh"
chmod +x "$root/usr/bin/sh"
check systemd_has_nothing_to_say_about_the_units verifies
check their_exposure_is_at_most_a_twentieth is_confined
check a_misspelt_key_would_be_noticed notices_a_misspelt_key
exit $failed
