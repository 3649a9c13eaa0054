#!/usr/bin/python3 -B
# whole.py - two .nii.gz posted and scored, beside nibabel and NumPy in process: bench/whole.py [--rounds N]
# SPDX-License-Identifier: Apache-2.0
"""Writes bench/results/whole.md; ends with 1 where a goal is not met. The peer is a process that runs
already: it loads both files as they are (nibabel's array proxy, uint8) and counts by a joint histogram
(numpy.bincount), the fastest of NumPy's own ways for many classes, or class by class. Below any of them
stands libdeflate inflating both files and nothing else. Needs build/release and build/venv (script/bench
sees to that)."""
import argparse
import concurrent.futures
import ctypes
import glob
import gzip
import json
import os
import sys
import tempfile
import time

sys.path[1:1] = glob.glob(os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                       "../build/venv/lib/python3*/site-packages"))
import nibabel
import numpy

import page
from harness import OtherLoad, Overlapd, machine, multipart, post
from page import record
import volumes

GOALS = {8: 40, 104: 200}

def by_class(p, r, labels):
    """Dice as it is written most often."""
    scores = []
    for label in labels:
        a, b = p == label, r == label
        scores.append(2 * numpy.logical_and(a, b).sum() / (a.sum() + b.sum()))
    return scores


def by_histogram(p, r, labels):
    n = max(labels) + 1
    joint = numpy.bincount(p.ravel(order="K").astype("int64") * n + r.ravel(order="K"), minlength=n * n)
    joint = joint.reshape(n, n)
    return [2 * joint[k, k] / (joint[k].sum() + joint[:, k].sum()) for k in labels]


def in_process(paths, labels, count):
    begin = time.perf_counter()
    p, r = (numpy.asanyarray(nibabel.load(path).dataobj) for path in paths)
    scores = count(p, r, labels)
    return time.perf_counter() - begin, scores


class Inflate:
    """libdeflate alone, into memory that is there already."""

    def __init__(self, packed):
        self.library = ctypes.CDLL("libdeflate.so.0")
        self.library.libdeflate_alloc_decompressor.restype = ctypes.c_void_p
        self.packed = packed
        self.plain = [numpy.ones(len(gzip.decompress(p)), "uint8") for p in packed]
        self.states = [ctypes.c_void_p(self.library.libdeflate_alloc_decompressor()) for _ in packed]

    def one(self, i):
        packed, plain = self.packed[i], self.plain[i]
        status = self.library.libdeflate_gzip_decompress(
            self.states[i], packed, ctypes.c_size_t(len(packed)), plain.ctypes.data_as(ctypes.c_void_p),
            ctypes.c_size_t(plain.size), None)
        assert status == 0, "libdeflate"

    def seconds(self, each):
        """Both files; each is map, or that of a pool."""
        begin = time.perf_counter()
        list(each(self.one, range(len(self.packed))))
        return time.perf_counter() - begin


def by_request(address, body):
    _, answer, seconds = post(address, "/v1/score", body)
    return seconds, [c["dice"] for c in json.loads(answer)["classes"]]


def measure(n_labels, folder, address, rounds):
    labels = list(range(1, n_labels))
    paths = []
    for name, mask in zip(("prediction", "reference"), volumes.pair(n_labels)):
        paths.append(os.path.join(folder, name + ".nii.gz"))
        nibabel.save(nibabel.Nifti1Image(mask, numpy.eye(4)), paths[-1])
    parts = {}
    for name, path in zip(("prediction", "reference"), paths):
        with open(path, "rb") as file:
            parts[name] = (os.path.basename(path), file.read())
    body = os.path.join(folder, "body")
    n_bytes = multipart(body, parts)
    found = [c for c in labels if gzip.decompress(parts["reference"][1]).count(bytes([c]))]
    ours, expected = [], None
    inflate, alone = Inflate([data for _, data in parts.values()]), {"one thread": [], "two threads": []}
    pool = concurrent.futures.ThreadPoolExecutor(2)
    peers = {"class by class": [], "by a joint histogram": []}
    for i in range(rounds):
        for _ in range(5):
            seconds, scores = by_request(address, body)
            ours.append(seconds)
            alone["one thread"].append(inflate.seconds(map))
            alone["two threads"].append(inflate.seconds(pool.map))
        for name, count in (("class by class", by_class), ("by a joint histogram", by_histogram)):
            if i < 2 or name != "class by class":
                seconds, expected = in_process(paths, found, count)
                peers[name].append(seconds)
        assert scores == expected, "the scores differ"
    return n_bytes, min(ours), fastest(alone), fastest(peers)


def fastest(ways):
    return {name: min(seconds) for name, seconds in ways.items()}


def tell(n_labels, n_bytes, ours, alone, peers):
    title = "%d labels: " % n_labels
    record(title + "bytes posted", "%d" % n_bytes)
    record(title + "overlapd, whole request", "%.1f ms" % (1e3 * ours))
    for name, seconds in alone.items():
        record(title + "libdeflate alone, " + name, "%.1f ms" % (1e3 * seconds))
        record(title + "overlapd to libdeflate", "%.2f" % (ours / seconds))
    for name, seconds in peers.items():
        record(title + "nibabel and NumPy, " + name, "%.0f ms" % (1e3 * seconds))
        ratio = seconds / ours
        limit = ("at least %d" % GOALS[n_labels], ratio >= GOALS[n_labels]) if name == "class by class" else ()
        record(title + "ratio", "%.1f" % ratio, *limit)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=4)
    load = OtherLoad()
    with tempfile.TemporaryDirectory() as folder:
        daemon = Overlapd(folder)
        for n_labels in (8, 104):
            tell(n_labels, *measure(n_labels, folder, daemon.address, parser.parse_args().rounds))
        daemon.stop()
    page.write("whole", "The whole way",
               {**machine(), "nibabel": nibabel.__version__, "NumPy": numpy.__version__,
                "other load": "%.0f %% of the cores" % load.percent()},
               "Two `.nii.gz` of 512 x 512 x 300 uint8, posted on loopback and scored, in turn with nibabel and\n"
               "NumPy in a process that runs already, and with libdeflate that only inflates both into memory\n"
               "that is there already; the fastest of each, equal scores.")
    return 0 if page.all_met() else 1


if __name__ == "__main__":
    sys.exit(main())
