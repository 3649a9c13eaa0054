#!/usr/bin/python3
# test_allocation_daemon.py - the n-th allocation of a running daemon fails, for every n of a request.
# SPDX-License-Identifier: Apache-2.0
"""The request whose allocation failed is answered in full, refused with 503, or its connection is
closed. The next request is answered, and no memory stays taken."""
import http.client
import os
import sys
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../api"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from failing import PRELOADED, fail_allocation, unless_sanitized  # noqa: E402
from overlapd import Daemon, main, npy, pair, test  # noqa: E402

PREDICTION = bytes(i % 7 for i in range(4096))
REFERENCE = bytes(i % 5 for i in range(4096))


def outcome(daemon, parts):
    try:
        answer = daemon.score(parts)
    except (http.client.HTTPException, ConnectionError):
        return "closed"
    if answer.status == 200:
        return answer.json["classes"][0]["tp"]
    return answer.json["code"] if answer.type == "application/problem+json" else answer.status


def sweep(parts, most):
    expected = sum(p == r == 1 for p, r in zip(PREDICTION, REFERENCE))
    seen = {}
    with Daemon(environment={"LD_PRELOAD": PRELOADED}) as daemon:
        assert outcome(daemon, parts) == expected
        for n in range(most):
            fail_allocation(daemon, n)
            what = outcome(daemon, parts)
            fail_allocation(daemon, -1)
            assert what in (expected, "out-of-memory", "closed"), (n, what)
            seen[what] = seen.get(what, 0) + 1
            assert outcome(daemon, parts) == expected, n
        daemon.settle(requests=1, budget_used_bytes=0)
    assert seen.get("out-of-memory", 0) >= 5, seen
    assert seen.get(expected, 0) >= 1, ("more allocations than were tried", seen)


@test
def a_request_computed_on_the_loop_survives_every_failure():
    unless_sanitized()
    sweep(pair(npy(PREDICTION), npy(REFERENCE)), 600)


@test
def a_compressed_request_survives_every_failure_on_its_worker():
    unless_sanitized()
    gzip = lambda data: (lambda c: c.compress(data) + c.flush())(zlib.compressobj(6, zlib.DEFLATED, 31))
    sweep(pair(gzip(npy(PREDICTION)), gzip(npy(REFERENCE))), 600)


main()
