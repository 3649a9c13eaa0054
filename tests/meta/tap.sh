# tap.sh - one check, one TAP line: for the shell scripts beside it.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh

n=0
failed=0

# check NAME COMMAND...: with the command's output, kept in $log, where it fails
check() {
    checked=$1
    shift
    n=$((n + 1))
    if "$@" >"$log" 2>&1; then
        echo "ok $n - $checked"
    else
        failed=1
        echo "not ok $n - $checked"
        tail -n 40 "$log" | sed 's/^/# /'
    fi
}
