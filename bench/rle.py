#!/usr/bin/python3 -B
# rle.py - pairs of COCO masks, beside pycocotools in the same run: bench/rle.py [--seconds N]
# SPDX-License-Identifier: Apache-2.0
"""Writes bench/results/rle.md; ends with 1 where a goal is not met. The masks are those published in
../shared/data/coco, where that is there, and outlines made here; pairs are of masks of one image
size. Both sides are timed in turn, in rounds, and the fastest of each is kept: what else runs on the
machine can only slow them. Needs build/release/bench/rle and build/venv (script/bench sees to that)."""
import argparse
import glob
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time

sys.path[1:1] = glob.glob(os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                       "../build/venv/lib/python3*/site-packages"))
import page
from harness import ROOT, OtherLoad, build, machine
from page import record

try:
    import numpy
    import pycocotools.mask
except ImportError as missing:
    sys.exit("bench/rle.py: %s; script/bootstrap peers" % missing)

PUBLISHED = os.path.join(ROOT, "../shared/data/coco/segmentations.json")
ROUNDS = 5

# ------------------------------------------------------------------------------------- the masks


def published():
    """The masks of 60 results, and all pairs of one size."""
    with open(PUBLISHED, encoding="utf-8") as file:
        masks = [result["segmentation"] for result in json.load(file)]
    pairs = [(i, j) for i, j in itertools.combinations(range(len(masks)), 2)
             if masks[i]["size"] == masks[j]["size"]]
    return masks, pairs


def outlines(n, height, width):
    """Round things with a rough border, and each one's prediction, a little off."""
    random = numpy.random.default_rng(1)
    angles = numpy.linspace(0, 2 * numpy.pi, 200, endpoint=False)
    masks = []
    for _ in range(n):
        radius = random.uniform(.1, .3) * height
        rough = numpy.convolve(random.normal(1, .2, 210), numpy.ones(11) / 11, "valid")
        centre = random.uniform(.3, .7, 2) * (width, height)
        for shift in ((0, 0), random.normal(0, 4, 2)):
            ring = numpy.stack([numpy.cos(angles), numpy.sin(angles)], 1) * (radius * rough)[:, None]
            rle = pycocotools.mask.frPyObjects([(ring + centre + shift).flatten().tolist()],
                                               height, width)[0]
            masks.append({"size": rle["size"], "counts": rle["counts"].decode()})
    return masks, [(i, i + 1) for i in range(0, 2 * n, 2)]


# -------------------------------------------------------------------------------------- the sides


def ours(masks, pairs, seconds):
    """Nanoseconds per pair: a whole request, a call, in a batch; and the pixels shared."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"masks": masks, "pairs": pairs}, file)
        file.flush()
        out = subprocess.run([build("bench/rle"), file.name, str(seconds)], check=True,
                             stdout=subprocess.PIPE).stdout
    return json.loads(out)


def timed(seconds, n_pairs, run):
    start, rounds = time.thread_time_ns(), 0
    while not rounds or time.thread_time_ns() - start < seconds * 1e9:
        run()
        rounds += 1
    return (time.thread_time_ns() - start) / rounds / n_pairs


def theirs(masks, pairs, seconds):
    iou = pycocotools.mask.iou
    lists = [([masks[i]], [masks[j]]) for i, j in pairs]
    crowd = [0]

    def calls():
        for a, b in lists:
            iou(a, b, crowd)
    return {"call_ns": timed(seconds, len(pairs), calls)}


def their_batch(groups, seconds):
    """All masks of a size against all: what COCO's evaluation asks for."""
    iou = pycocotools.mask.iou
    n_pairs = sum(len(group) ** 2 for group in groups)

    def batch():
        for group in groups:
            iou(group, group, [0] * len(group))
    return timed(seconds, n_pairs, batch)


def our_batch(masks, groups, seconds):
    pairs = [(i, j) for group in groups for i in group for j in group]
    return ours(masks, pairs, seconds)["batch_ns"]


def shared_pixels(masks, pairs):
    merged = (pycocotools.mask.merge([masks[i], masks[j]], intersect=True) for i, j in pairs)
    return int(sum(pycocotools.mask.area(rle) for rle in merged))


# ----------------------------------------------------------------------------------------- tables


def compare(name, masks, pairs, seconds):
    assert ours(masks, pairs, 0)["shared"] == shared_pixels(masks, pairs), "other pixels"
    sizes = sorted({tuple(mask["size"]) for mask in masks})
    groups = [[i for i, mask in enumerate(masks) if tuple(mask["size"]) == size] for size in sizes]
    best = {}
    for _ in range(ROUNDS):
        found = {"their " + k: v for k, v in theirs(masks, pairs, seconds).items()}
        found.update(ours(masks, pairs, seconds))
        found["their batch"] = their_batch([[masks[i] for i in group] for group in groups], seconds)
        found["batch_ns"] = our_batch(masks, groups, seconds)
        best = {k: min(v, best.get(k, v)) for k, v in found.items()}
    record(name + ": pycocotools.mask.iou, a call", "%.2f us" % (best["their call_ns"] / 1e3))
    record(name + ": the same from both strings", "%.2f us" % (best["call_ns"] / 1e3))
    at_least(name + ": ratio", best["their call_ns"] / best["call_ns"], 2)
    record(name + ": a request, its JSON to its answer's", "%.2f us" % (best["request_ns"] / 1e3))
    record(name + ": ratio", "%.2f" % (best["their call_ns"] / best["request_ns"]))
    record(name + ": pycocotools.mask.iou of all with all, a pair", "%.3f us" % (best["their batch"] / 1e3))
    record(name + ": the same, a pair", "%.3f us" % (best["batch_ns"] / 1e3))
    at_least(name + ": ratio", best["their batch"] / best["batch_ns"], 1)


def at_least(what, value, limit):
    record(what, "%.2f" % value, "at least %g" % limit, value >= limit)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1, help="of each measurement")
    seconds = min(parser.parse_args().seconds, 1)
    other_load = OtherLoad()
    if os.path.exists(PUBLISHED):
        compare("60 published masks", *published(), seconds)
    compare("200 outlines in 480 x 640", *outlines(100, 480, 640), seconds)
    facts = dict(machine(), **{"pycocotools": __import__("importlib.metadata").metadata.version("pycocotools"),
                               "other load": "%.0f %% of the cores" % other_load.percent()})
    page.write("rle", "Pairs of COCO masks", facts,
               "One thread each, in the same run, in turn. A call decodes two strings and counts; a request also\n"
               "parses its JSON, scores and prints the answer, all but HTTP. In a batch every mask is decoded\n"
               "once and met with every other of its image's size.")
    return 0 if page.all_met() else 1


if __name__ == "__main__":
    sys.exit(main())
