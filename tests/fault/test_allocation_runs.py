#!/usr/bin/python3 -B
# test_allocation_runs.py - the n-th allocation fails while runs are kept and asked for.
# SPDX-License-Identifier: Apache-2.0
"""Each request is answered in full, refused with 503, or its connection is closed; what was
acknowledged is there, and the next request is answered."""
import http.client
import json
import os
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../api"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from failing import PRELOADED, fail_allocation, unless_sanitized  # noqa: E402
from overlapd import Daemon, main, test  # noqa: E402
from runs import keep, path  # noqa: E402

CASES = 30
CSV = {"Accept": "text/csv"}


def ask(daemon, where, headers):
    try:
        answer = daemon.get(where, headers=headers)
    except (http.client.HTTPException, ConnectionError):
        return "closed"
    return answer.body if answer.status == 200 else answer.json["code"]


def sweep(daemon, where, headers):
    """Ends where forty answers in a row came through: there are no more allocations to fail."""
    expected, seen, in_a_row = ask(daemon, where, headers), {}, 0
    assert isinstance(expected, bytes), expected
    for n in range(2000):
        fail_allocation(daemon, n)
        what = ask(daemon, where, headers)
        fail_allocation(daemon, -1)
        assert what in (expected, "out-of-memory", "store-unavailable", "closed"), (where, n, what)
        seen[what] = seen.get(what, 0) + 1
        assert ask(daemon, where, headers) == expected, (where, n)
        in_a_row = in_a_row + 1 if what == expected else 0
        if in_a_row == 40:
            break
    assert in_a_row == 40, (where, "is never answered")
    assert len(seen) > 1, (where, {str(k)[:20]: v for k, v in seen.items()})


def filled():
    """A daemon with two runs, in a folder that lasts as long as it."""
    unless_sanitized()
    folder = tempfile.TemporaryDirectory()
    daemon = Daemon("--store.path=" + folder.name + "/store", environment={"LD_PRELOAD": PRELOADED})
    daemon.store_folder = folder
    for i in range(CASES):
        for run in "ab":
            answer = keep(daemon, run, "c%02d" % i, {1: (i, 2, ord(run) % 3), 2: (i % 4, 1, 0)},
                          group="g%d" % (i % 5), tags=["t"])
            assert answer.status == 201
    return daemon


@test
def whoever_asks_survives_every_failure():
    with filled() as daemon:
        for where, headers in (("/v1/runs", {}), (path("a"), {}), (path("a"), CSV),
                               (path("a") + "/cases?sort=dice&label=1&limit=3", {}),
                               (path("a") + "/cases?tag=t&limit=2", CSV), (path("a", "c03"), {}),
                               (path("a") + "/compare/b", {})):
            sweep(daemon, where, headers)
        daemon.settle(requests=1, budget_used_bytes=0)


def put(daemon, i):
    try:
        answer = keep(daemon, "a", "c00", {1: (i, 0, 0)}, request={"keep": "overlay"}, tags=["t"])
    except (http.client.HTTPException, ConnectionError):
        return "closed"
    return answer.status if answer.status == 200 else answer.json["code"]


@test
def whoever_keeps_survives_failures_and_loses_nothing():
    with filled() as daemon:
        seen = set()
        for n in range(0, 450, 11):
            fail_allocation(daemon, n)
            what = put(daemon, n)
            fail_allocation(daemon, -1)
            assert what in (200, "out-of-memory", "store-unavailable", "closed"), (n, what)
            seen.add(what)
            if what == 200:
                case = daemon.get(path("a", "c00")).json
                assert case["classes"][0]["tp"] == n and case["overlay"]["dice"] == [1 if n else None]
            deadline = time.monotonic() + 5
            while put(daemon, n) != 200:
                assert time.monotonic() < deadline, "the store is not opened again"
                time.sleep(0.1)
            summary = json.loads(daemon.get(path("a")).body)
            assert summary["n_cases"] == CASES, summary["n_cases"]
        assert 200 in seen and len(seen) > 1, seen
        daemon.settle(requests=1, budget_used_bytes=0)


if __name__ == "__main__":
    main()
