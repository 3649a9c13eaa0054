#!/bin/sh
# test_install.sh - what make install puts down is what a C program needs, and no more.
# SPDX-License-Identifier: Apache-2.0
set -u
root=$(mktemp -d) || exit 1
trap 'rm -rf "$root"' EXIT
version=$(awk '/define OV_VERSION_(MAJOR|MINOR|PATCH)/{printf "%s%s",s,$3; s="."}' lib/overlap.h)
log=$root/log
. tests/meta/tap.sh

is_link() {
    test "$(readlink "$root/usr/lib/$1")" = "$2"
}

has_soname() {
    readelf -d "$root/usr/lib/liboverlap.so.$version" | grep -q "SONAME.*\[liboverlap.so.${version%%.*}\]"
}

# pkg-config sees the package under the root as a cross-compiler would.
flags() {
    PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_LIBDIR=$root/usr/lib/pkgconfig pkg-config "$@" liboverlap
}

has_version() {
    test "$(flags --modversion)" = "$version"
}

builds() {
    # shellcheck disable=SC2046
    ${CC:-cc} -std=c99 -Wall -Wextra -Wpedantic -Werror examples/count.c $(flags --cflags --libs) -o "$root/$1"
}

builds_statically() {
    # shellcheck disable=SC2046
    ${CC:-cc} -std=c99 examples/count.c $(flags --cflags) "$root/usr/lib/liboverlap.a" -lm -o "$root/$1"
}

builds_into_a_shared_library() {
    ${CC:-cc} -shared -o "$root/x.so" -Wl,--whole-archive "$root/usr/lib/liboverlap.a" -Wl,--no-whole-archive -lm
}

# P = 3 voxels, R = 4, both = 3: 2 * 3 / 7
prints_dice() {
    test "$(LD_LIBRARY_PATH=$root/usr/lib "$root/$1")" = "Dice 0.857143"
}

needs_shared_library() {
    readelf -d "$root/count" | grep -q "NEEDED.*liboverlap.so.${version%%.*}"
}

keeps_the_configuration() {
    echo "# mine" >"$root/etc/overlapd/overlapd.conf" && make -s install MODE=release DESTDIR="$root" PREFIX=/usr &&
        test "$(cat "$root/etc/overlapd/overlapd.conf")" = "# mine"
}

echo "1..16"
check install_succeeds make -s install MODE=release DESTDIR="$root" PREFIX=/usr
check the_daemon_is_installed test -x "$root/usr/bin/overlapd"
check the_header_is_installed cmp lib/overlap.h "$root/usr/include/overlap.h"
check the_header_of_losses_is_installed cmp lib/overlap_loss.h "$root/usr/include/overlap_loss.h"
check the_header_of_overlays_is_installed cmp lib/overlap_overlay.h "$root/usr/include/overlap_overlay.h"
check the_sample_configuration_is_installed test -s "$root/etc/overlapd/overlapd.conf"
check the_soname_links_to_the_versioned_file is_link "liboverlap.so.${version%%.*}" "liboverlap.so.$version"
check the_linker_name_links_to_the_soname is_link liboverlap.so "liboverlap.so.${version%%.*}"
check the_shared_library_carries_its_soname has_soname
check pkg_config_knows_the_version has_version
check the_example_builds_with_pkg_config builds count
check the_example_prints_its_dice prints_dice count
check the_example_needs_the_shared_library needs_shared_library
check the_archive_serves_as_well eval 'builds_statically count_static && prints_dice count_static'
check the_archive_links_into_a_shared_library builds_into_a_shared_library
check installing_again_keeps_the_configuration keeps_the_configuration
exit $failed
