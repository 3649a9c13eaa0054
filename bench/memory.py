#!/usr/bin/python3 -B
# memory.py - what overlapd needs at most for volumes and parallel uploads: bench/memory.py
# SPDX-License-Identifier: Apache-2.0
"""Prints a table of value and goal and writes it, with the machine's facts, to
bench/results/memory.md. Needs build/release and numpy (script/bench sees to that)."""
import argparse
import gzip
import io
import json
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

import numpy

import page
from harness import MIB, OtherLoad, Overlapd, machine, multipart, phantom, post
from page import record

SCORE = "/v1/score"
VOLUME = "512,512,300"
UPLOADS, UPLOAD_ROUNDS = 32, 3
BUDGET_BYTES = 256 * MIB

def at_most(what, value, limit, form):
    record(what, form % value, "at most " + form % limit, value <= limit)


def no_failures(what, result):
    record(what + ": failures", "%d of %d" % (result["failures"], result["requests"]), "0",
           result["failures"] == 0 and result["requests"] > 0)


class Bodies:
    """The request bodies, as files in one folder."""

    def __init__(self, folder):
        self.folder = folder
        self.small = self.path("small")
        multipart(self.small, phantom(
            self.path("slice"), "volume", "--size", "512,512,1", "--labels", "24",
            "--format", "npy.gz"))
        volume = phantom(self.path("volume"), "volume", "--size", VOLUME)
        self.volume = self.path("volume-body")
        self.volume_bytes = multipart(self.volume, volume)
        self.mixed = self.path("mixed-body")
        self.mixed_bytes = multipart(self.mixed, dict(volume, prediction=self.as_c_order(volume)))
        self.raw = self.path("raw-body")
        self.raw_bytes = self.write_raw()

    def path(self, name):
        return os.path.join(self.folder, name)

    @staticmethod
    def as_c_order(volume):
        """The same prediction as NPY whose last axis is fastest: the other order of elements."""
        shape = [int(n) for n in VOLUME.split(",")]
        bytes_ = gzip.decompress(volume["prediction"][1])[352:]
        array = numpy.frombuffer(bytes_, numpy.uint8).reshape(shape, order="F")
        file = io.BytesIO()
        numpy.save(file, numpy.ascontiguousarray(array))
        return "prediction.npy.gz", gzip.compress(file.getvalue(), 6)

    def write_raw(self):
        """64 MiB: two masks of 32 MiB, as bytes."""
        shape = [512, 512, 128]
        source = {"format": "raw", "dtype": "uint8", "shape": shape}
        request = json.dumps({"prediction": source, "reference": source}).encode()
        zeros, mask = bytes(32 * MIB), bytes(16 * MIB) + b"\1" * (16 * MIB)
        return multipart(self.raw, {"request": (None, request), "prediction": ("p", zeros),
                                    "reference": ("r", mask)})


def bench_uploads(bodies):
    """More bytes at once than the budget holds."""
    overlapd = Overlapd(bodies.folder, limits_budget_bytes=BUDGET_BYTES)
    with ThreadPoolExecutor(UPLOADS) as pool:
        answers = list(pool.map(lambda _: post(overlapd.address, SCORE, bodies.raw),
                                range(UPLOADS * UPLOAD_ROUNDS)))
    peak = overlapd.memory_bytes("VmHWM")
    overlapd.stop()
    failures = sum(status != 200 for status, _, _ in answers)
    what = "%d parallel uploads of %d MiB, budget 256 MiB" % (UPLOADS, bodies.raw_bytes // MIB)
    no_failures(what, {"failures": failures, "requests": len(answers)})
    at_most(what + ": peak memory", peak / MIB, (BUDGET_BYTES + 64 * MIB) / MIB, "%.0f MiB")


def peak_of(bodies, body):
    """What one request adds to a daemon that has answered a small one before."""
    overlapd = Overlapd(bodies.folder)
    post(overlapd.address, SCORE, bodies.small)
    overlapd.reset_peak()
    before = overlapd.memory_bytes("VmRSS")
    status, answer, _ = post(overlapd.address, SCORE, body)
    assert status == 200, answer
    peak = overlapd.memory_bytes("VmHWM") - before
    overlapd.stop()
    return peak


def bench_memory(bodies):
    """One volume pair: pieces in step, or both masks whole where their orders differ."""
    masks = 2 * 512 * 512 * 300
    for what, body, n_bytes, room in (
            ("512x512x300 .nii.gz pair", bodies.volume, bodies.volume_bytes, 16 * MIB),
            ("512x512x300 .nii.gz and C-order .npy.gz", bodies.mixed, bodies.mixed_bytes,
             masks + 16 * MIB)):
        at_most(what + ": peak memory", peak_of(bodies, body) / MIB, (n_bytes + room) / MIB, "%.1f MiB")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, help="ignored: nothing here is a load over time")
    parser.parse_args()
    other_load = OtherLoad()
    with tempfile.TemporaryDirectory() as folder:
        bodies = Bodies(folder)
        bench_uploads(bodies)
        bench_memory(bodies)
    facts = dict(machine(), **{"other load": "%.0f %% of the cores" % other_load.percent()})
    print("other load: " + facts["other load"])
    page.write("memory", "Memory", facts,
               "Peaks are of the daemon's resident memory; clients post over loopback.")
    return 0 if page.all_met() else 1


if __name__ == "__main__":
    sys.exit(main())
