#!/usr/bin/python3 -B
# test_differential.py - random pairs against a counter of thirty lines that knows only the definitions.
# SPDX-License-Identifier: Apache-2.0
"""DIFFERENTIAL_PAIRS says how many. A failure prints its seed; DIFFERENTIAL_SEED plays that one alone."""
import collections
import gzip
import itertools
import math
import os
import random
import sys
import zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from overlapd import Daemon, main, nifti, npy, pack, pair, scaled, test

PAIRS = int(os.environ.get("DIFFERENTIAL_PAIRS", scaled(400, 120)))
SEEDS = [int(os.environ["DIFFERENTIAL_SEED"])] if "DIFFERENTIAL_SEED" in os.environ else range(PAIRS)
DTYPES = {"u1": (0, 255), "i1": (-128, 127), "u2": (0, 65535), "i2": (-32768, 32767), "u4": (0, 2 ** 32 - 1),
          "i4": (-2 ** 31, 2 ** 31 - 1), "u8": (0, 2 ** 32 - 1), "i8": (-2 ** 31, 2 ** 32 - 1),
          "f4": (-2 ** 24, 2 ** 24), "f8": (-2 ** 31, 2 ** 32 - 1)}
NIFTI = {"u1": (2, 8), "i2": (4, 16), "i4": (8, 32), "f4": (16, 32), "f8": (64, 64), "i1": (256, 8),
         "u2": (512, 16), "u4": (768, 32), "i8": (1024, 64), "u8": (1280, 64)}
NAMES = {"u": "uint", "i": "int", "f": "float"}


# ------------------------------------------------------------------------ what the numbers mean


def count(pairs, members):
    """tp, fp, fn of a set of labels over (prediction, reference) pairs with how often they occur."""
    tp = fp = fn = 0
    for (p, r), n in pairs.items():
        tp += n * (p in members and r in members)
        fp += n * (p in members and r not in members)
        fn += n * (p not in members and r in members)
    return {"tp": tp, "fp": fp, "fn": fn, "prediction": tp + fp, "reference": tp + fn}


def ratios(c):
    if not (c["prediction"] or c["reference"]):
        return {"state": "both_empty", "dice": None, "iou": None}
    state = "ok" if c["prediction"] and c["reference"] else (
        "reference_empty" if c["prediction"] else "prediction_empty")
    union = c["tp"] + c["fp"] + c["fn"]
    return {"state": state, "dice": 2 * c["tp"] / (union + c["tp"]), "iou": c["tp"] / union}


def scored(pairs, members):
    counts = count(pairs, members)
    return {**counts, **ratios(counts)}


def mean(values):
    values = [v for v in values if v is not None]
    return math.fsum(values) / len(values) if values else None


def expected(prediction, reference, options):
    """The answer's numbers, from two label lists in one index order."""
    ignore, background = set(options["ignore"]), options["background"]
    pairs = collections.Counter((p, r) for p, r in zip(prediction, reference) if r not in ignore)
    found = {label for pair_ in pairs for label in pair_}
    labels = options["labels"]
    if labels == "auto":
        labels = sorted(found - ignore - {background})
    classes = [{"label": label, **scored(pairs, {label})} for label in labels]
    total = {name: sum(c[name] for c in classes) for name in ("tp", "fp", "fn")}
    micro = ratios({**total, "prediction": total["tp"] + total["fp"], "reference": total["tp"] + total["fn"]})
    shown = ([] if background is None or background in labels else [background]) + list(labels)
    return {
        "voxels": len(reference), "ignored": len(reference) - sum(pairs.values()), "classes": classes,
        "background": None if background is None else {"label": background, **count(pairs, {background})},
        "regions": [{"name": n, **scored(pairs, set(m))} for n, m in options["regions"].items()],
        "mean": {m: mean([c[m] for c in classes]) for m in ("dice", "iou")},
        "micro": {**total, "dice": micro["dice"], "iou": micro["iou"]},
        "unlisted": sorted(found - set(labels) - {background}),
        "matrix": {(r, p): n for (p, r), n in pairs.items() if r in shown and p in shown}}


# ------------------------------------------------------------------------------- random requests


def in_order(values, shape, fortran):
    """Values that lie in index order (C), as they lie in memory in the order asked for."""
    if not fortran:
        return values
    strides = [1] * len(shape)
    for axis in range(len(shape) - 2, -1, -1):
        strides[axis] = strides[axis + 1] * shape[axis + 1]
    indices = itertools.product(*(range(n) for n in reversed(shape)))
    return [values[sum(i * s for i, s in zip(reversed(index), strides))] for index in indices]


def coded(random_, file):
    """The file as it is or compressed, and its name for `encoding`."""
    name = random_.choice(["none", "none", "gzip", "zlib"])
    return {"none": lambda: file, "gzip": lambda: gzip.compress(file, 1),
            "zlib": lambda: zlib.compress(file, 1)}[name](), name


def mask(random_, values, shape, dtype):
    """(file, source) of values in some format and order."""
    kind, fortran = random_.choice(["npy", "npy", "raw", "nifti"]), random_.random() < 0.5
    data = in_order(values, shape, fortran or kind == "nifti")
    descr = random_.choice("<>") + dtype if kind == "npy" else "<" + dtype
    source = {"format": kind}
    if kind == "npy":
        file = npy(pack(data, descr), shape, descr if dtype[1] != "1" else "|" + dtype, fortran)
    elif kind == "nifti":
        file = nifti(pack(data, descr), shape, *NIFTI[dtype])
    else:
        file = pack(data, descr)
        source.update(dtype="%s%d" % (NAMES[dtype[0]], 8 * int(dtype[1])), shape=list(shape),
                      order="F" if fortran else "C")
    file, source["encoding"] = coded(random_, file)
    return file, source


def palette(random_):
    """Two dtypes and labels that both can hold."""
    dtypes = [random_.choice(list(DTYPES)) for _ in range(2)]
    low, high = max(DTYPES[d][0] for d in dtypes), min(DTYPES[d][1] for d in dtypes)
    n = random_.choice([1, 2, 3, 5, 40])
    small = random_.random() < 0.7
    drawn = {random_.randint(max(low, -9), min(high, 60)) if small else random_.randint(low, high)
             for _ in range(n)}
    return dtypes, sorted(drawn | {0})


def voxels(random_, n, labels):
    """Runs and noise, so that run-wise and voxel-wise paths both have something to do."""
    values = []
    while len(values) < n:
        values += [random_.choice(labels)] * random_.choice([1, 1, 1, 2, 7, 64, 300])
    return values[:n]


def shape_of(random_):
    axes = random_.randint(1, 4)
    largest = {1: 3000, 2: 60, 3: 16, 4: 7}[axes] if random_.random() < 0.95 else {1: 32000, 2: 300, 3: 45, 4: 17}[axes]
    shape = [random_.randint(1, largest) for _ in range(axes)]
    return shape[:-1] + [max(2, shape[-1])]  # a trailing axis of 1 would be dropped


def options_of(random_, labels):
    def some(most):
        return random_.sample(labels, min(len(labels), random_.randint(1, most)))
    return {"labels": "auto" if random_.random() < 0.5 else some(6) + [61] * (61 not in labels),
            "ignore": some(2) if random_.random() < 0.3 else [],
            "background": random_.choice([0, 0, 0, None, labels[-1]]),
            "regions": {"r%d" % i: some(4) for i in range(random_.choice([0, 0, 1, 3]))},
            "confusion": random_.random() < 0.3}


# -------------------------------------------------------------------------------------- compare


def near(seen, wanted):
    return seen == wanted or (None not in (seen, wanted) and abs(seen - wanted) <= 1e-15 * 4)


def assert_same(answer, wanted, options):
    for name in ("voxels", "ignored"):
        assert answer[name] == wanted[name], name
    assert (answer["background"] is None) == (wanted["background"] is None)
    for kind in ("classes", "regions"):
        assert len(answer[kind]) == len(wanted[kind]), kind
    whole = list(zip(answer["classes"] + answer["regions"], wanted["classes"] + wanted["regions"]))
    whole += [(answer["mean"], wanted["mean"]), (answer["micro"], wanted["micro"])]
    whole += [(answer["background"], wanted["background"])] if wanted["background"] else []
    for seen, one in whole:
        for name, value in one.items():
            good = near(seen[name], value) if name in ("dice", "iou") else seen[name] == value
            assert good, "%s: %s is %r, wanted %r" % (one, name, seen[name], value)
    assert [u["label"] for u in answer["unlisted"]] == wanted["unlisted"], "unlisted"
    if options["confusion"]:
        labels = answer["confusion"]["labels"]
        seen = {(r, p): n for r, row in zip(labels, answer["confusion"]["matrix"])
                for p, n in zip(labels, row) if n}
        assert seen == wanted["matrix"], "confusion"


def play(daemon, seed):
    random_ = random.Random(seed)
    dtypes, labels = palette(random_)
    shape, options = shape_of(random_), options_of(random_, labels)
    n = math.prod(shape)
    reference = voxels(random_, n, labels)
    prediction = [r if random_.random() < 0.8 else random_.choice(labels) for r in reference]
    files, request = [], dict(options)
    for name, values, dtype in zip(("prediction", "reference"), (prediction, reference), dtypes):
        file, request[name] = mask(random_, values, shape, dtype)
        files.append(file)
    answer = daemon.score(pair(*files, request))
    assert answer.status == 200, answer.body
    assert answer.json["shape"] == shape, answer.json["shape"]
    assert_same(answer.json, expected(prediction, reference, options), options)


def play_all(*daemon_options):
    faults = []
    with Daemon(*daemon_options) as daemon:
        for seed in SEEDS:
            try:
                play(daemon, seed)
            except AssertionError as fault:
                faults.append("seed %d: %s" % (seed, fault))
    assert not faults, "%d of %d:\n%s" % (len(faults), len(SEEDS), "\n".join(faults[:10])[:4000])


@test
def random_pairs_count_as_defined():
    play_all()


@test
def random_pairs_count_as_defined_on_the_scalar_kernels():
    play_all("--kernels.isa=scalar")


main()
