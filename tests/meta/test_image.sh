#!/bin/sh
# test_image.sh - the image of script/image, run with all taken from it that can be.
# SPDX-License-Identifier: Apache-2.0
set -u

skip() {
    echo "1..0 # SKIP $1"
    exit 0
}

[ "$(id -u)" = 0 ] || skip "only root runs it"
for tool in podman runc nsenter; do
    command -v $tool >/dev/null || skip "$tool is not installed (script/bootstrap deploy)"
done
folder=$PWD/build/image
store="--root $folder/store --runroot $folder/run --storage-driver overlay"
name=overlapd-test-$$
work=$(mktemp -d) || exit 1
log=$work/log
. tests/meta/tap.sh

pod() {
    # shellcheck disable=SC2086
    podman $store --cgroup-manager cgroupfs --events-backend file --runtime runc "$@"
}

# Mounts, but nothing that another may use: everything under the folder is this test's.
clean_up() {
    pod rm -f "$name" >/dev/null 2>&1
    rm -rf "$work"
}
trap clean_up EXIT

run() {
    pod run "$@" --name "$name" --network=none --read-only --cap-drop=all \
        --security-opt=no-new-privileges --pids-limit 64 --memory 256m --ulimit nofile=1024:1024 \
        --ulimit nproc=512:512 --stop-timeout 10 overlapd
}

refuses_to_start_without_tokens() {
    run >"$work/said" 2>&1
    status=$?
    pod rm "$name" >/dev/null
    [ $status = 2 ] && grep -q "there are no tokens" "$work/said"
}

makes_a_token() {
    token=$(pod run --rm --network=none --ulimit nofile=1024:1024 --ulimit nproc=512:512 overlapd \
        token new --scope score --name test 2>"$work/said") && [ -n "$token" ] &&
        grep '^test score ' "$work/said" >"$work/tokens" # podman says things there too
}

starts() {
    chown 10001:10001 "$work/tokens" && chmod 600 "$work/tokens" || return
    run -d -v "$work/tokens:/tokens:ro" -e OVERLAPD_AUTH_TOKENS_FILE=/tokens || return
    pid=$(pod inspect -f '{{.State.Pid}}' "$name")
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        is_healthy && return
        sleep 0.2
    done
    pod logs "$name"
    return 1
}

is_healthy() {
    pod exec "$name" /usr/bin/overlapd --healthcheck
}

ask() {
    wanted=$1
    shift
    seen=$(nsenter --net="/proc/$pid/ns/net" curl -s -m 20 -o "$work/answer" -w '%{http_code}' "$@")
    echo "$seen"
    cat "$work/answer"
    [ "$seen" = "$wanted" ]
}

scores() {
    build/release/examples/phantom volume "$work" >/dev/null &&
        ask 200 -H "Authorization: Bearer $token" -F "prediction=@$work/prediction.nii.gz" \
            -F "reference=@$work/reference.nii.gz" http://localhost:8040/v1/score &&
        grep -q '"mean":{"dice":0.8401821' "$work/answer"
}

is_confined() {
    grep -E '^(Uid|CapBnd|CapEff|NoNewPrivs|Seccomp):' "/proc/$pid/status" >"$work/status"
    cat "$work/status"
    grep -q '^Uid:.10001.10001' "$work/status" && grep -q '^CapBnd:.0000000000000000' "$work/status" &&
        grep -q '^CapEff:.0000000000000000' "$work/status" && grep -q '^NoNewPrivs:.1' "$work/status" &&
        grep -q '^Seccomp:.2' "$work/status" && grep -q ' / .* ro[, ]' "/proc/$pid/mountinfo"
}

has_no_shell() {
    ! pod exec "$name" /bin/sh -c true && ! pod exec "$name" /usr/bin/env
}

stops_with_0() {
    pod stop "$name" && [ "$(pod inspect -f '{{.State.ExitCode}}' "$name")" = 0 ] &&
        pod logs "$name" 2>&1 | grep -q 'event=stop status=0'
}

is_small() {
    size=$(pod image inspect -f '{{.Size}}' overlapd)
    echo "$size bytes"
    [ "$size" -lt 20000000 ]
}

[ -d "$folder" ] || skip "there is no image (script/image)"
pod info >"$log" 2>&1 || skip "podman does not work here: $(tail -n 1 "$log")"
pod image exists overlapd || skip "there is no image (script/image)"
echo "1..9"
check it_is_below_20_megabytes is_small
check it_refuses_to_start_without_tokens refuses_to_start_without_tokens
check it_makes_a_token makes_a_token
check it_starts_with_tokens_and_is_healthy starts
check it_has_a_user_no_capability_and_no_writable_root is_confined
check it_asks_for_a_token ask 401 http://localhost:8040/v1/info
check it_scores scores
check it_has_no_shell has_no_shell
check it_stops_with_0 stops_with_0
exit $failed
