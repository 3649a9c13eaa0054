#!/usr/bin/python3 -B
# test_summary.py - summaries and comparisons of runs against NumPy and SciPy on the same counts.
# SPDX-License-Identifier: Apache-2.0
"""The bootstrap is done with the same resamples: SplitMix64 as lib/overlap.h describes it."""
import glob
import os
import random
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "api"))
sys.path[1:1] = glob.glob("build/venv/lib/python3*/site-packages")
import overlapd
from overlapd import Daemon, Skip, test
from runs import keep, path

try:
    import numpy
    from scipy.stats import wilcoxon
    MISSING = None
except ImportError as error:
    MISSING = "%s; script/bootstrap peers" % error

TOLERANCE = 1e-12
VOXELS = 400


def near(a, b):
    if b is None or numpy.isnan(b):
        return a is None
    return a is not None and abs(a - b) <= TOLERANCE * max(1, abs(b))


def need_peers():
    if MISSING:
        raise Skip(MISSING)


def drawn(seed, n_units, n_resamples):
    """Indices [n_resamples, n_units], from SplitMix64."""
    with numpy.errstate(over="ignore"):
        k = numpy.arange(1, n_units * n_resamples + 1, dtype=numpy.uint64)
        z = numpy.uint64(seed) + k * numpy.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
        z = z ^ (z >> numpy.uint64(31))
    index = ((z >> numpy.uint64(32)) * numpy.uint64(n_units)) >> numpy.uint64(32)
    return index.astype(int).reshape(n_resamples, n_units)


def score(metric, tp, fp, fn, voxels=VOXELS):
    with numpy.errstate(invalid="ignore", divide="ignore"):
        if metric == "dice":
            return 2 * tp / (2 * tp + fp + fn)
        if metric == "iou":
            return tp / (tp + fp + fn)
        if metric == "specificity":
            return (voxels - tp - fp - fn) / (voxels - tp - fn)
        return tp / (tp + fn)  # recall


def random_counts(random_, ties):
    tp = random_.randrange(4 if ties else 60)
    counts = tp, random_.randrange(3 if ties else 40), random_.randrange(3 if ties else 40)
    return (0, 0, 0) if random_.random() < 0.1 else counts


def fill(daemon, run, random_, n_cases, n_groups, labels=(1, 2), ties=False):
    """{case: (group, {label: counts})} as kept."""
    kept = {}
    for i in range(n_cases):
        name = "case%03d" % i
        counts = {label: random_counts(random_, ties) for label in labels
                  if random_.random() < 0.9 or label == labels[0]}
        group = "g%d" % random_.randrange(n_groups) if n_groups else None
        info = {"group": group} if group else {}
        answer = keep(daemon, run, name, counts, voxels=VOXELS, **info)
        assert answer.status == 201, answer.body
        kept[name] = group, counts
    return kept


def units_of(kept):
    """{case: unit}: groups in the order of names, and a case without one is one."""
    units, seen = {}, {}
    for name in sorted(kept):
        group = kept[name][0]
        if group is None:
            units[name] = len(set(units.values()))
        else:
            units[name] = seen.setdefault(group, len(set(units.values())))
    return units, len(set(units.values()))


def interval(values):
    values = numpy.asarray(values, float)
    values = values[~numpy.isnan(values)]
    return None if len(values) == 0 else [numpy.quantile(values, 0.025), numpy.quantile(values, 0.975)]


def assert_interval(got, wanted, what):
    assert (got is None) == (wanted is None), what
    assert got is None or (near(got[0], wanted[0]) and near(got[1], wanted[1])), (what, got, wanted)


def check_class(got, kept, label, metrics, seed, n_resamples):
    names = [n for n in sorted(kept) if label in kept[n][1]]
    counts = numpy.array([(*kept[n][1][label], VOXELS) for n in names], float)
    units, n_units = units_of(kept)
    unit = numpy.array([units[n] for n in names])
    grouped = any(group for group, _ in kept.values())
    index = drawn(seed, n_units, n_resamples) if grouped else None
    assert got["n"] == len(names)
    for metric in metrics:
        values = score(metric, *counts.T)
        if metric in ("dice", "iou"):
            values[counts[:, :3].sum(1) == 0] = numpy.nan
        one, defined = got["metrics"][metric], values[~numpy.isnan(values)]
        assert one["defined"] == len(defined)
        for name, value in (("mean", numpy.mean), ("sd", lambda v: numpy.std(v, ddof=1)), ("min", numpy.min),
                            ("p5", lambda v: numpy.quantile(v, 0.05)), ("q1", lambda v: numpy.quantile(v, 0.25)),
                            ("median", numpy.median), ("q3", lambda v: numpy.quantile(v, 0.75)), ("max", numpy.max)):
            wanted = value(defined) if len(defined) > (name == "sd") else numpy.nan
            assert near(one[name], wanted), (label, metric, name, one[name], wanted)
        summed = counts.sum(0)
        assert near(got["dataset"][metric], score(metric, *summed)), (label, metric)
        if index is None:
            assert one["interval"] is None and got["dataset"]["intervals"][metric] is None
            continue
        sums = numpy.zeros((n_units, 6))
        numpy.add.at(sums, unit, numpy.column_stack([counts, numpy.nan_to_num(values), ~numpy.isnan(values)]))
        totals = sums[index].sum(axis=1)
        with numpy.errstate(invalid="ignore", divide="ignore"):
            assert_interval(one["interval"], interval(totals[:, 4] / totals[:, 5]), (label, metric, "mean"))
        assert_interval(got["dataset"]["intervals"][metric], interval(score(metric, *totals[:, :4].T)),
                        (label, metric, "dataset"))


@test
def summaries_and_intervals_are_those_of_numpy():
    need_peers()
    with tempfile.TemporaryDirectory() as folder, Daemon("--store.path=" + folder + "/s") as daemon:
        for seed, (n_cases, n_groups) in enumerate(((1, 1), (2, 2), (9, 0), (40, 7), (60, 60), (90, 13))):
            run, metrics = "r%d" % seed, ["dice", "specificity", "iou", "recall"]
            kept = fill(daemon, run, random.Random(seed), n_cases, n_groups, labels=(1, 2, 300))
            query = "?metrics=%s&seed=%d&resamples=%d" % (",".join(metrics), 2 ** 62 + seed, 400)
            answer = daemon.get(path(run) + query).json
            for got in answer["classes"]:
                check_class(got, kept, got["label"], metrics, 2 ** 62 + seed, 400)
            assert (answer["bootstrap"] is None) == (n_groups == 0)
            if n_groups:
                assert answer["bootstrap"]["resamples"] == 400 and answer["bootstrap"]["seed"] == 2 ** 62 + seed


def check_pair(got, a, b, label, metric, index, units, n_units):
    names = [n for n in sorted(a) if n in b and label in a[n][1] and label in b[n][1]]
    values = [numpy.array([score(metric, *map(numpy.float64, side[n][1][label])) for n in names])
              for side in (a, b)]
    good = ~(numpy.isnan(values[0]) | numpy.isnan(values[1]))
    left, right = values[0][good], values[1][good]
    difference = right - left
    assert got["n"] == len(left) and got["undefined"] == len(names) - len(left)
    for name, value in (("mean_a", left), ("mean_b", right), ("difference", difference)):
        assert near(got[name], value.mean() if len(value) else numpy.nan), (label, name)
    assert (got["wins"], got["losses"]) == ((difference > 0).sum(), (difference < 0).sum())
    assert got["ties"] == (difference == 0).sum()
    if difference.any():
        result = wilcoxon(difference)
        assert near(got["wilcoxon"]["statistic"], result.statistic), (label, got["wilcoxon"], result)
        assert near(got["wilcoxon"]["p"], result.pvalue), (label, got["wilcoxon"], result)
    else:
        assert got["wilcoxon"]["p"] is None
    sums = numpy.zeros((n_units, 2))
    numpy.add.at(sums, [units[n] for n, ok in zip(names, good) if ok],
                 numpy.column_stack([difference, numpy.ones(len(difference))]))
    totals = sums[index].sum(axis=1)
    with numpy.errstate(invalid="ignore", divide="ignore"):
        assert_interval(got["interval"], interval(totals[:, 0] / totals[:, 1]), (label, "difference"))
    return sorted(-abs(difference))[:10]


@test
def comparisons_are_those_of_scipy():
    need_peers()
    with tempfile.TemporaryDirectory() as folder, Daemon("--store.path=" + folder + "/s") as daemon:
        for seed, (n, groups, ties) in enumerate(((5, 0, True), (12, 3, True), (13, 0, True), (20, 5, True),
                                                  (30, 0, False), (48, 9, False), (70, 11, False), (70, 0, True))):
            random_ = random.Random(100 + seed)
            a = fill(daemon, "a%d" % seed, random_, n, groups, ties=ties)
            b = fill(daemon, "b%d" % seed, random_, n + 2, groups, ties=ties)
            answer = daemon.get("%s/compare/b%d?seed=%d&resamples=300" % (path("a%d" % seed), seed, seed)).json
            assert answer["n_both"] == n and answer["only_a"]["n"] == 0
            assert answer["only_b"]["cases"] == sorted(set(b) - set(a))
            units, n_units = units_of(a)
            index = drawn(seed, n_units, 300)
            for got in answer["classes"]:
                for metric in ("dice", "iou"):
                    one = got["metrics"][metric]
                    most = check_pair(one, a, b, got["label"], metric, index, units, n_units)
                    changed = [-abs(change["difference"]) for change in one["changed"]]
                    assert len(changed) == len(most) and all(map(near, changed, most)), (changed, most)


if __name__ == "__main__":
    overlapd.main()
