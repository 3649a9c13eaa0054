#!/usr/bin/python3 -B
# whole.py - two .nii.gz posted and scored, beside nibabel and NumPy in process: bench/whole.py [--rounds N]
# SPDX-License-Identifier: Apache-2.0
"""Writes bench/results/whole.md; ends with 1 where a goal is not met. The peer is a process that runs
already: it loads both files as they are (nibabel's array proxy, uint8) and counts by a joint histogram
(numpy.bincount), the fastest of NumPy's own ways for many classes, or class by class. Needs build/release
and build/venv (script/bench sees to that)."""
import argparse
import datetime
import glob
import gzip
import json
import os
import sys
import tempfile
import time

sys.path.append(glob.glob(os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                       "../build/venv/lib/python3*/site-packages"))[0])
import nibabel
import numpy

from harness import ROOT, OtherLoad, Overlapd, machine, multipart, post
import volumes

GOALS = {8: 40, 104: 200}

results = []


def record(what, value, goal="", met=None):
    results.append((what, value, goal, "" if met is None else "met" if met else "NOT MET"))
    print("%-70s %-12s %-14s %s" % results[-1])
    sys.stdout.flush()


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
    peers = {"class by class": [], "by a joint histogram": []}
    for i in range(rounds):
        for _ in range(5):
            seconds, scores = by_request(address, body)
            ours.append(seconds)
        for name, count in (("class by class", by_class), ("by a joint histogram", by_histogram)):
            if i < 2 or name != "class by class":
                seconds, expected = in_process(paths, found, count)
                peers[name].append(seconds)
        assert scores == expected, "the scores differ"
    return n_bytes, min(ours), {name: min(seconds) for name, seconds in peers.items()}


def tell(n_labels, n_bytes, ours, peers):
    title = "%d labels: " % n_labels
    record(title + "bytes posted", "%d" % n_bytes)
    record(title + "overlapd, whole request", "%.1f ms" % (1e3 * ours))
    for name, seconds in peers.items():
        record(title + "nibabel and NumPy, " + name, "%.0f ms" % (1e3 * seconds))
        ratio = seconds / ours
        limit = ("at least %d" % GOALS[n_labels], ratio >= GOALS[n_labels]) if name == "class by class" else ()
        record(title + "ratio", "%.1f" % ratio, *limit)


def write(load):
    facts = machine()
    facts.update({"nibabel": nibabel.__version__, "NumPy": numpy.__version__,
                  "other load": "%.0f %% of the cores" % load.percent()})
    with open(os.path.join(ROOT, "bench/results/whole.md"), "w", encoding="utf-8") as file:
        file.write("# The whole way\n\nWritten by `script/bench`, %s.\n\n| | |\n|---|---|\n" % datetime.date.today())
        file.writelines("| %s | %s |\n" % item for item in facts.items())
        file.write("\nTwo `.nii.gz` of 512 x 512 x 300 uint8, posted on loopback and scored, in turn with nibabel"
                   "\nand NumPy in a process that runs already; the fastest of each, equal scores.\n\n"
                   "| what | value | goal | |\n|---|---|---|---|\n")
        file.writelines("| %s | %s | %s | %s |\n" % result for result in results)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=4)
    load = OtherLoad()
    with tempfile.TemporaryDirectory() as folder:
        daemon = Overlapd(folder)
        for n_labels in (8, 104):
            tell(n_labels, *measure(n_labels, folder, daemon.address, parser.parse_args().rounds))
        daemon.stop()
    write(load)
    return any(mark == "NOT MET" for *_, mark in results)


if __name__ == "__main__":
    sys.exit(main())
