#!/usr/bin/python3 -B
# test_layers.py - layered masks against a counter that keeps a set of labels for every voxel.
# SPDX-License-Identifier: Apache-2.0
"""LAYERS_PAIRS says how many random pairs. A failure prints its seed."""
import math
import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from overlapd import Daemon, main, npy, pack, pair, scaled, test

PAIRS = int(os.environ.get("LAYERS_PAIRS", scaled(400, 60)))
LABELS = [1, 2, 3, 300, -7]


# ------------------------------------------------------------------------ what the numbers mean


def count(voxels, members):
    """tp, fp, fn of a union of labels over (prediction set, reference set) pairs."""
    tp = sum(bool(p & members) and bool(r & members) for p, r in voxels)
    prediction = sum(bool(p & members) for p, _ in voxels)
    reference = sum(bool(r & members) for _, r in voxels)
    return {"tp": tp, "fp": prediction - tp, "fn": reference - tp, "prediction": prediction,
            "reference": reference}


def dice(counts):
    total = counts["prediction"] + counts["reference"]
    return 2 * counts["tp"] / total if total else None


def expected(prediction, reference, declared, options):
    background, ignore = options["background"], set(options["ignore"])

    def complete(labels):
        return labels or ({background} if background is not None else set())

    voxels = [(complete(p), complete(r)) for p, r in zip(prediction, reference)]
    counted = [(p, r) for p, r in voxels if not r & ignore]
    found = set().union(declared, *(p | r for p, r in counted))
    labels = sorted(found - ignore - {background})
    return {"ignored": len(voxels) - len(counted),
            "classes": [dict(count(counted, {label}), label=label) for label in labels],
            "regions": [dict(count(counted, set(m)), name=n) for n, m in options["regions"].items()],
            "background": None if background is None else dict(count(counted, {background}),
                                                               label=background)}


# ------------------------------------------------------------------------------- random requests


def sets_as_layers(random_, sets, shape, labels):
    """An NPY file with an axis of layers somewhere, and its source."""
    axis, fortran = random_.randrange(len(shape) + 1), random_.random() < 0.5
    slices = labels + [None] * random_.randrange(2)
    random_.shuffle(slices)
    full = list(shape)
    full.insert(axis, len(slices))
    order = range(len(full)) if fortran else range(len(full) - 1, -1, -1)
    threshold = random_.choice([None, None, 0.5])
    values = []
    for i in range(math.prod(full)):
        index, rest = [0] * len(full), i
        for a in order:
            index[a], rest = rest % full[a], rest // full[a]
        layer = slices[index.pop(axis)]
        voxel = 0
        for a, n in zip(index, shape):
            voxel = voxel * n + a
        inside = layer in sets[voxel] if layer is not None else random_.random() < 0.5
        values.append(inside if threshold is None else random_.choice([0.75, 1.5] if inside else [0, 0.5]))
    descr = random_.choice(["|u1", "<i2", ">u4", "<f4", ">f8", "<i8"]) if threshold is None else "<f4"
    layers = {"axis": axis, "labels": slices}
    if threshold is not None:
        layers["threshold"] = threshold
    return npy(pack([float(v) if descr[1] == "f" else int(v) for v in values], descr), full, descr,
               fortran), {"layers": layers}


def sets_as_labels(sets, shape):
    return npy(pack([max(labels, default=0) for labels in sets], "<i4"), shape, "<i4"), {}


def mask(random_, n, shape):
    """The sets of labels of each voxel, the labels that have a layer, and the file."""
    if random_.random() < 0.3:
        sets = [{random_.choice([0] + LABELS)} for _ in range(n)]
        return sets, set(), sets_as_labels(sets, shape)
    labels = random_.sample(LABELS, random_.randrange(1, len(LABELS) + 1))
    overlap = random_.random() < 0.6
    sets = []
    while len(sets) < n:
        chosen = {label for label in labels if random_.random() < 0.4}
        if not overlap and len(chosen) > 1:
            chosen = {min(chosen)}
        sets += [chosen] * random_.randrange(1, 9)
    return sets[:n], set(labels), sets_as_layers(random_, sets[:n], shape, labels)


def options(random_):
    return {"background": random_.choice([0, 0, 0, None]),
            "ignore": random_.sample([2, 300], random_.randrange(2)),
            "regions": {"some": random_.sample(LABELS, 2)} if random_.random() < 0.4 else {}}


def check(daemon, seed):
    random_ = random.Random(seed)
    shape = [random_.randrange(1, 6) for _ in range(random_.randrange(1, 4))]
    n = math.prod(shape)
    p_sets, p_labels, (p_file, p_source) = mask(random_, n, shape)
    r_sets, r_labels, (r_file, r_source) = mask(random_, n, shape)
    asked = options(random_)
    request = dict(asked, prediction=p_source, reference=r_source)
    answer = daemon.score(pair(p_file, r_file, request))
    assert answer.status == 200, "seed %d: %s" % (seed, answer.body)
    wanted = expected(p_sets, r_sets, p_labels | r_labels, asked)
    got = answer.json
    for name, value in wanted.items():
        if isinstance(value, list):
            assert len(got[name]) == len(value), "seed %d: %s %s" % (seed, name, got[name])
            for one, other in zip(got[name], value):
                assert one.items() >= other.items(), "seed %d: %s is not %s" % (seed, one, other)
                assert one["dice"] == dice(other), "seed %d: %s" % (seed, one)
        else:
            assert got[name] == value, "seed %d: %s is %s, not %s" % (seed, name, got[name], value)


@test
def random_layered_pairs_count_as_sets_of_labels_do():
    with Daemon() as daemon:
        for seed in range(PAIRS):
            check(daemon, seed)


# ------------------------------------------------------------------------------------ by hand


def two_layers(*rows):
    return npy(pack([v for row in rows for v in row], "|u1"), [len(rows), len(rows[0])], "|u1")


OVERLAPPING = two_layers([1, 1, 0, 0], [0, 1, 1, 0])
LAYERS = {"axis": 0, "labels": [1, 2]}


def problem_of(daemon, request, prediction=OVERLAPPING, reference=OVERLAPPING):
    answer = daemon.score(pair(prediction, reference, request))
    assert answer.status in (400, 422), answer.body
    return answer.json


@test
def overlap_error_refuses_masks_whose_labels_overlap():
    with Daemon() as daemon:
        both = {"prediction": {"layers": LAYERS}, "reference": {"layers": LAYERS}}
        assert daemon.score(pair(OVERLAPPING, OVERLAPPING, both)).status == 200
        problem = problem_of(daemon, dict(both, overlap="error"))
        assert problem["code"] == "overlap" and problem["errors"][0]["pointer"] == "#/prediction"
        apart = two_layers([1, 1, 0, 0], [0, 0, 1, 0])
        answer = daemon.score(pair(apart, apart, dict(both, overlap="error", confusion=True)))
        assert answer.status == 200, answer.body
        assert answer.json["confusion"] == {"labels": [0, 1, 2],
                                              "matrix": [[1, 0, 0], [0, 2, 0], [0, 0, 1]]}


@test
def what_overlapping_labels_cannot_give_is_refused():
    with Daemon() as daemon:
        both = {"prediction": {"layers": LAYERS}, "reference": {"layers": LAYERS}}
        for options_ in ({"confusion": True}, {"threshold": 0.5}):
            assert problem_of(daemon, dict(both, **options_))["code"] == "overlap"
        zero = dict(both, prediction={"layers": {"axis": 0, "labels": [0, 2]}})
        assert "background" in problem_of(daemon, zero)["detail"]


@test
def what_a_layers_axis_must_be_is_said():
    with Daemon() as daemon:
        for layers, word in (({"axis": 2, "labels": [1, 2]}, "axis"), ({"axis": -1, "labels": [1]}, "axis"),
                             ({"axis": "0", "labels": [1, 2]}, "axis"), ({"labels": [1, 2]}, "axis"),
                             ({"axis": 0}, "labels"), ({"axis": 0, "labels": [1]}, "2 slices"),
                             ({"axis": 0, "labels": [1, "2"]}, "labels"),
                             ({"axis": 0, "labels": [1, 2 ** 40]}, "outside"),
                             ({"axis": 0, "labels": [1, 2], "threshold": "0"}, "threshold"),
                             ({"axis": 0, "labels": [1, 2], "colour": 1}, "no such member"),
                             ([1, 2], "object")):
            assert word in problem_of(daemon, {"prediction": {"layers": layers}})["detail"], layers


@test
def values_of_layers_are_0_and_1_without_a_threshold():
    with Daemon() as daemon:
        for values, descr, code in (([0, 1, 2, 0], "|u1", "non-integral"),
                                    ([0, 1, 0.5, 0], "<f4", "non-integral"),
                                    ([0, 1, math.nan, 0], "<f4", "not-a-number")):
            file = npy(pack(values, descr), [2, 2], descr)
            request = {"prediction": {"layers": LAYERS}, "reference": {"layers": LAYERS}}
            problem = problem_of(daemon, request, file, two_layers([1, 0], [0, 1]))
            assert problem["code"] == code, problem


if __name__ == "__main__":
    main()
