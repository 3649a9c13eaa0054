#!/usr/bin/python3 -B
# test_overload.py - crowds of slow clients, no descriptors, bombs: few of each, bench/overload.py has many.
# SPDX-License-Identifier: Apache-2.0
"""OVERLOAD=10 has ten times as many; a latency is judged only there, where nothing else is to run."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from overlapd import SLOW_BUILD, main, scaled, test
from overload import bombs, few_descriptors, no_descriptors, slow_clients
from uploads import MIB, SLACK_S

TIMES = float(os.environ.get("OVERLOAD", "1"))
PROCESSOR_SHARE = 0.05
EACH_KIB = 40  # of a slow connection: libmicrohttpd's pool, once an answer went through it, and its job


def many(n):
    return max(1, int(n * TIMES))


@test
def slow_clients_end_at_their_deadline_and_good_ones_notice_nothing():
    counts = {"header": many(200), "body": many(50), "read": many(50)}
    deadline_s = scaled(1.0, 2.0)
    seen = slow_clients(counts, per_s=scaled(600, 200), deadline_s=deadline_s, alone_s=0.5)
    assert seen["beside_failed"] == 0 and seen["beside_n"] > 0, seen
    assert seen["open"] == 0, seen
    for kind, longest_s in seen["lasted_s"].items():
        assert 0 < longest_s < deadline_s + 1 + 2 * SLACK_S, (kind, seen)
    assert SLOW_BUILD or seen["memory_bytes"] <= EACH_KIB * 1024 * sum(counts.values()), seen
    assert seen["log_lines"] <= 100, seen
    assert TIMES < 10 or seen["beside_p99_s"] <= 2 * seen["alone_p99_s"], seen


@test
def connects_beyond_the_descriptors_wait_without_a_cost():
    seen = few_descriptors(many(500), 0.7)
    assert seen["connects"] == many(500), seen
    assert seen["processor_share"] <= PROCESSOR_SHARE and seen["log_lines"] <= 100, seen
    assert seen["answer_s"] <= 0.1 + SLACK_S, seen


@test
def without_descriptors_it_tries_now_and_then_and_says_so_once_a_second():
    seen = no_descriptors(0.7)
    assert seen["processor_share"] <= scaled(PROCESSOR_SHARE, 0.3), seen
    assert seen["log_lines"] <= 6 and seen["answer_s"] <= 0.1 + SLACK_S, seen


@test
def bombs_are_refused_at_once():
    size = 1 << 30 if TIMES >= 10 else 300 * MIB  # more than limits.body_bytes
    seen = bombs(["gzip file", "gzip body", "zstd file", "zstd body"], many(6), size, 512 * MIB)
    assert set(seen["statuses"]) <= {413, 422}, seen
    assert seen["longest_s"] <= 1 + 2 * SLACK_S and seen["beside_failed"] == 0, seen
    assert SLOW_BUILD or seen["memory_bytes"] <= 64 * MIB, seen


main()
