#!/usr/bin/python3 -B
# decode.py - compressed pairs from bytes to counts, beside the libraries alone: bench/decode.py [--seconds N]
# SPDX-License-Identifier: Apache-2.0
"""Writes bench/results/decode.md; ends with 1 where a goal is not met. Needs build/release/bench/decode
and build/venv (script/bench sees to that)."""
import argparse
import datetime
import glob
import json
import os
import struct
import subprocess
import sys
import tempfile

sys.path.append(glob.glob(os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                       "../build/venv/lib/python3*/site-packages"))[0])
from harness import ROOT, OtherLoad, build, machine
import volumes


# Of the way's peer: by one thread both masks in turn, or by two at once; and at most so much of it.
GOALS = {"gzip": ("libdeflate", 0, 0.85), "zstd": ("libzstd", 1, 1.15), "lz4": ("liblz4", 1, None),
         "png": ("libspng", 0, 1.2)}
THREADS = ("one thread", "two threads")
MOST_PEAK_BYTES = 4 << 20

results = []


def record(what, value, goal="", met=None):
    results.append((what, value, goal, "" if met is None else "met" if met else "NOT MET"))
    print("%-66s %-12s %-14s %s" % results[-1])
    sys.stdout.flush()


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


def measure(n_labels, seconds):
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, mask in zip(("prediction", "reference"), volumes.pair(n_labels)):
            paths.append(os.path.join(folder, name + ".nii"))
            with open(paths[-1], "wb") as file:
                file.write(header(mask.shape) + mask.tobytes(order="F"))
        return json.loads(subprocess.run([build("bench/decode"), *paths, str(seconds)], check=True,
                                         stdout=subprocess.PIPE).stdout)


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


def write(load):
    facts = machine()
    facts["other load"] = "%.0f %% of the cores" % load.percent()
    with open(os.path.join(ROOT, "bench/results/decode.md"), "w", encoding="utf-8") as file:
        file.write("# Decoding\n\nWritten by `script/bench`, %s.\n\n| | |\n|---|---|\n" % datetime.date.today())
        file.writelines("| %s | %s |\n" % item for item in facts.items())
        file.write("\nTwo volumes of 512 x 512 x 300 uint8 (of PNG: their middle slices), from bytes in memory to"
                   "\ncounts, in turn with the library alone decoding both into memory that is there already; the"
                   "\nfastest of each.\n\n| what | value | goal | |\n|---|---|---|---|\n")
        file.writelines("| %s | %s | %s | %s |\n" % result for result in results)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=5, help="for each coding")
    load = OtherLoad()
    for n_labels in (8, 104):
        for way in measure(n_labels, parser.parse_args().seconds):
            tell(n_labels, way)
    write(load)
    return any(mark == "NOT MET" for *_, mark in results)


if __name__ == "__main__":
    sys.exit(main())
