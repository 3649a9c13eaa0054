#!/usr/bin/python3 -B
# test_memory.py - what requests cost in memory: the budget holds, volumes are never held unpacked.
# SPDX-License-Identifier: Apache-2.0
"""The sanitizers' own memory would drown what is measured, so their builds skip this."""
import functools
import gzip
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from overlapd import Daemon, SLOW_BUILD, Skip, main, multipart, nifti, npy, pair, test
from uploads import GOOD, MIB, TYPE, big, hold, post_all

SHAPE = (512, 512, 300)
VOXELS = SHAPE[0] * SHAPE[1] * SHAPE[2]


def peak_bytes(daemon):
    """The most that was ever resident."""
    with open("/proc/%d/status" % daemon.process.pid, encoding="ascii") as status:
        line = next(line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


@functools.cache
def labels():
    """A volume of slabs, seven labels, where y < 300: x fastest, z fastest, voxels of label 1."""
    row = bytes((x // 8) % 8 if 64 <= x < 448 else 0 for x in range(512))
    x_fastest = (row * 300 + bytes(512 * 212)) * 300
    z_fastest = b"".join(bytes([label]) * (300 * 300) + bytes(212 * 300) for label in row)
    return x_fastest, z_fastest, x_fastest.count(1)


@functools.cache
def volume():
    return gzip.compress(nifti(labels()[0], SHAPE), 1)


def cost_of(prediction, reference):
    """Bytes that one request adds to the peak, and the bytes of its body."""
    body = multipart(pair(prediction, reference))
    with Daemon() as daemon:
        for _ in range(5):
            assert daemon.score(GOOD).status == 200
        before = peak_bytes(daemon)
        answer = daemon.request("POST", "/v1/score", body, TYPE)
        assert answer.status == 200, answer.body
        assert answer.json["classes"][0]["tp"] == labels()[2]
        return peak_bytes(daemon) - before, len(body)


def skip_under_sanitizers():
    if SLOW_BUILD:
        raise Skip("measured in the release build alone")


@test
def a_pair_of_one_order_costs_its_body_and_16_MiB():
    skip_under_sanitizers()
    cost, body = cost_of(volume(), volume())
    assert cost <= body + 16 * MIB, "%.1f MiB for a body of %.1f" % (cost / MIB, body / MIB)


@test
def a_pair_of_two_orders_costs_its_body_its_masks_and_16_MiB():
    skip_under_sanitizers()
    turned = gzip.compress(npy(labels()[1], SHAPE), 1)
    cost, body = cost_of(turned, volume())
    assert cost <= body + 2 * VOXELS + 16 * MIB, "%.1f MiB for a body of %.1f" % (cost / MIB, body / MIB)


@test
def thirty_two_uploads_of_64_MB_fit_a_budget_of_256_MiB():
    skip_under_sanitizers()
    body, tp = big(64 * 1000 * 1000)
    with Daemon("--limits.budget_bytes=256M", "--timeouts.queue=120") as daemon:
        for answer in post_all(daemon, body, 32):
            assert answer.status == 200, answer.body
            assert answer.json["classes"][0]["tp"] == tp
        peak = peak_bytes(daemon)
        assert peak <= 320 * MIB, "%.1f MiB" % (peak / MIB)
        daemon.settle(budget_used_bytes=0, waiting=0)


@test
def held_bodies_of_any_size_fit_the_budget():
    skip_under_sanitizers()
    with Daemon("--limits.budget_bytes=256M", "--limits.connections_per_address=0",
                "--timeouts.queue=60") as daemon:
        for length in (MIB + 1, 900 * 1024, 5 * MIB + 1, 130 * 1024, MIB + 1):
            held = [hold(daemon, length) for _ in range(min(300, 280 * MIB // length))]
            for connection in held:  # those who wait take what their buffers take
                connection.settimeout(0.05)
                try:
                    connection.sendall(b"-" * (length - 1001))
                except TimeoutError:
                    pass
            peak = peak_bytes(daemon)
            assert peak <= 320 * MIB, "%.1f MiB for bodies of %d bytes" % (peak / MIB, length)
            for connection in held:
                connection.close()
            daemon.settle(budget_used_bytes=0, waiting=0)


main()
