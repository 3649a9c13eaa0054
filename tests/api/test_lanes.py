#!/usr/bin/python3
# test_lanes.py - what is computed on the loop, and what a worker does instead.
# SPDX-License-Identifier: Apache-2.0
"""The answer's timing tells: a request that never waited for a worker has queued for exactly 0 s.
All others wait behind a request on the loop, so only what takes some ten microseconds may run there."""
import json
import zlib

from overlapd import Daemon, main, npy, pair, test

DAEMON = Daemon()


def queued(prediction, reference, query=""):
    answer = DAEMON.score(pair(prediction, reference), query)
    assert answer.status == 200, answer.body
    return answer.json["timing"]["queue"]


def queued_rle(runs, size, query=""):
    """A pair of COCO masks, of so many runs each, the second a pixel behind the first."""
    rest = size[0] * size[1] - 2 * runs
    masks = [{"rle": {"size": size, "counts": [first] + [2] * runs + [rest - first]}}
             for first in (0, 1)]
    answer = DAEMON.request("POST", "/v1/score" + query,
                            json.dumps(dict(zip(("prediction", "reference"), masks))),
                            {"Content-Type": "application/json"})
    assert answer.status == 200, answer.body
    return answer.json["timing"]["queue"]


def bytes_mask(n_labels, n=4096):
    return npy(bytes(i % n_labels for i in range(n)))


def wide_mask(n_labels, n=4096):
    return npy([i % n_labels for i in range(n)], (n,), "<u2")


@test
def a_small_plain_pair_is_computed_on_the_loop():
    assert queued(bytes_mask(3), bytes_mask(5)) == 0
    assert queued(wide_mask(3, 64), wide_mask(5, 64)) == 0


@test
def few_run_lengths_are_counted_on_the_loop_however_large_the_image():
    assert queued_rle(21, [240, 320]) == 0
    assert queued_rle(21, [16384, 16384]) == 0


@test
def many_run_lengths_go_to_a_worker():
    assert queued_rle(2046, [240, 320]) == 0  # and two more around them
    assert queued_rle(2047, [240, 320]) > 0


@test
def a_compressed_pair_goes_to_a_worker():
    packed = zlib.compressobj(6, zlib.DEFLATED, 31)
    packed = packed.compress(bytes_mask(3)) + packed.flush()
    assert queued(packed, bytes_mask(3)) > 0


@test
def a_large_pair_goes_to_a_worker():
    assert queued(bytes_mask(3, 65536 + 1), bytes_mask(3, 65536 + 1)) > 0


@test
def masks_that_may_hold_many_labels_go_to_a_worker():
    assert queued(wide_mask(3), wide_mask(5)) > 0
    assert queued(wide_mask(3), wide_mask(5), "?threshold=1") == 0


@test
def many_classes_are_printed_by_a_worker():
    assert queued(bytes_mask(17), bytes_mask(17)) == 0  # 16 of them beside the background
    assert queued(bytes_mask(18), bytes_mask(18)) > 0


@test
def tables_of_pairs_are_made_by_a_worker():
    assert queued(bytes_mask(3), bytes_mask(3), "?confusion=true") > 0


@test
def the_daemon_stops_cleanly():
    DAEMON.stop()


main()
