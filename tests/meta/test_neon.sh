#!/bin/sh
# test_neon.sh - cross-compiles the library for ARM and runs its kernels in an emulator.
# SPDX-License-Identifier: Apache-2.0
set -u
compiler=${CROSS_CC:-aarch64-linux-gnu-gcc}
emulator=${QEMU:-qemu-aarch64}

skip() {
    echo "1..1"
    echo "ok 1 - neon_gives_the_scalar_answer # SKIP $1"
    exit 0
}

command -v "$compiler" >/dev/null || skip "no $compiler"
command -v "$emulator" >/dev/null || skip "no $emulator"

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
if ! "$compiler" -std=c17 -O2 -ffp-contract=off -Wall -Wextra -Werror -I. -static \
    lib/*.c lib/kernels/*.c tests/kernels/check.c -lm -o "$work/check" 2>"$work/errors"; then
    sed 's/^/# /' "$work/errors"
    echo "1..1"
    echo "not ok 1 - the_library_compiles_for_arm"
    exit 1
fi
"$emulator" "$work/check" neon
