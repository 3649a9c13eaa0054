#!/usr/bin/python3 -B
# decode.py - compressed pairs from bytes to counts, beside the libraries alone: bench/decode.py [--seconds N]
# SPDX-License-Identifier: Apache-2.0
"""Writes bench/results/decode.md; ends with 1 where a goal is not met. Needs build/release/bench/decode
and build/venv (script/bench sees to that)."""
import argparse
import glob
import gzip
import json
import os
import struct
import subprocess
import sys
import tempfile
import time

sys.path[1:1] = glob.glob(os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                       "../build/venv/lib/python3*/site-packages"))
import nibabel
import numpy

import page
from harness import OtherLoad, build, machine
from page import record
import volumes

# Of the way's peer: by one thread both masks in turn, or by two at once; and at most so much of it.
GOALS = {"gzip": ("libdeflate", 0, 0.85), "zstd": ("libzstd", 1, 1.15), "lz4": ("liblz4", 1, None),
         "png": ("libspng", 0, 1.2)}
THREADS = ("one thread", "two threads")
MOST_PEAK_BYTES = 4 << 20

def header(shape):
    """That of a .nii file of uint8."""
    text = bytearray(352)
    struct.pack_into("<i", text, 0, 348)
    struct.pack_into("<8h", text, 40, 3, *shape, 1, 1, 1, 1)
    struct.pack_into("<2h", text, 70, 2, 8)
    struct.pack_into("<8f", text, 76, 1, 1, 1, 1, 1, 1, 1, 1)
    struct.pack_into("<f", text, 108, 352)
    text[344:348] = b"n+1\0"
    return bytes(text)


def by_nibabel(paths):
    """Seconds to load both masks from .nii.gz into arrays; the least of three times."""
    for path in paths:
        with open(path, "rb") as plain, gzip.open(path + ".gz", "wb", 6) as packed:
            packed.write(plain.read())
    taken = []
    for _ in range(3):
        begin = time.perf_counter()
        for path in paths:
            numpy.asanyarray(nibabel.load(path + ".gz").dataobj)
        taken.append(time.perf_counter() - begin)
    return min(taken)


def measure(n_labels, seconds):
    """The ways, and what nibabel takes."""
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, mask in zip(("prediction", "reference"), volumes.pair(n_labels)):
            paths.append(os.path.join(folder, name + ".nii"))
            with open(paths[-1], "wb") as file:
                file.write(header(mask.shape) + mask.tobytes(order="F"))
        ways = json.loads(subprocess.run([build("bench/decode"), *paths, str(seconds)], check=True,
                                         stdout=subprocess.PIPE).stdout)
        return ways, by_nibabel(paths)


def tell_of_nibabel(n_labels, way, seconds):
    title = "gzip, %d labels: nibabel loading both .nii.gz" % n_labels
    record(title, "%.0f ms" % (1e3 * seconds))
    record(title + ", to one thread", "%.1f" % (seconds / way["one"]))
    record(title + ", to two", "%.1f" % (seconds / way["two"]))


def tell(n_labels, way):
    name, packed = way["way"], way["packed_bytes"]
    title = "%s, %d labels: " % (name, n_labels)
    record(title + "bytes of both masks, compressed", "%d" % packed)
    record(title + "decoded and counted by one thread", "%.2f ms" % (1e3 * way["one"]))
    record(title + "by two threads", "%.2f ms" % (1e3 * way["two"]))
    record(title + "ratio of one to two", "%.2f" % (way["one"] / way["two"]))
    for peer, alone in way["peers"].items():
        for threads, seconds in zip(THREADS, alone):
            record(title + "%s alone, %s" % (peer, threads), "%.2f ms" % (1e3 * seconds))
    peer, i, goal = GOALS[name]
    ratio = way["two"] / way["peers"][peer][i]
    limit = ("at most %g" % goal, ratio <= goal) if goal else ()
    record(title + "two threads, to %s with %s" % (peer, THREADS[i]), "%.2f" % ratio, *limit)
    peak = way["peak_bytes"]
    met = () if name == "png" else ("at most 4 MiB", peak <= MOST_PEAK_BYTES)
    record(title + "memory beside the compressed bytes, at most", "%.1f MiB" % (peak / (1 << 20)), *met)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=5, help="for each coding")
    load = OtherLoad()
    for n_labels in (8, 104):
        ways, nibabel_s = measure(n_labels, parser.parse_args().seconds)
        for way in ways:
            tell(n_labels, way)
        tell_of_nibabel(n_labels, ways[0], nibabel_s)
    page.write("decode", "Decoding",
               {**machine(), "nibabel": nibabel.__version__, "NumPy": numpy.__version__,
                "other load": "%.0f %% of the cores" % load.percent()},
               "Two volumes of 512 x 512 x 300 uint8 (of PNG: their middle slices), from bytes in memory to\n"
               "counts, in turn with the library alone decoding both into memory that is there already; the\n"
               "fastest of each. nibabel loads the same as two `.nii.gz`, from files to arrays.")
    return 0 if page.all_met() else 1


if __name__ == "__main__":
    sys.exit(main())
