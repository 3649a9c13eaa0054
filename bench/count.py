#!/usr/bin/python3 -B
# count.py - counting beside reading memory and beside other libraries: bench/count.py [--part PART]
# SPDX-License-Identifier: Apache-2.0
"""Writes bench/results/count.md; ends with 1 where a goal is not met. The figures of the parts, blobs, noise
and peers, are kept in build/bench-count.json, so that one part can be measured again alone. Needs
build/release/bench/count, and for the peers build/venv and build/bench-venv (script/bench sees to that)."""
import argparse
import datetime
import glob
import importlib.metadata
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[1:1] = (glob.glob(os.path.join(HERE, "../build/bench-venv/lib/python3*/site-packages")) +
                 glob.glob(os.path.join(HERE, "../build/venv/lib/python3*/site-packages")))
from harness import ROOT, OtherLoad, build, machine  # noqa: E402

sys.path.remove(HERE)  # http.py there is not the module that peers import
import numpy  # noqa: E402

KEPT = os.path.join(ROOT, "build/bench-count.json")
LABELS = (2, 8, 32, 104, 256)
SLICES = 300
PEER_LABELS = (8, 104)


def measure(labels, kind, dtype, slices, rounds, prefix=None):
    out = subprocess.run([build("bench/count"), str(labels), kind, dtype, str(slices), str(rounds)] +
                         ([prefix] if prefix else []), check=True, stdout=subprocess.PIPE).stdout
    runs, *rows = [json.loads(line) for line in out.splitlines()]
    assert len({row["tp"] for row in rows}) == 1, "instruction sets disagree"
    return {"labels": labels, "kind": kind, "dtype": dtype, "joint_runs": runs["joint_runs"], "rows": rows}


def kernels(kind, rounds):
    results = []
    for dtype in ("uint8", "uint16"):
        for labels in LABELS:
            results.append(measure(labels, kind, dtype, SLICES, rounds))
            for row in results[-1]["rows"]:
                print("%-6s %-6s %3d labels %-7s %d thread(s): %.2f of read" % (
                    kind, dtype, labels, row["isa"], row["threads"], row["share"]), flush=True)
    return results


def blobs(rounds):
    return kernels("blobs", rounds)


def noise(rounds):
    return kernels("noise", rounds)


# ------------------------------------------------------------------------------------------ peers


def bincount(p, r, n):
    return numpy.diagonal(numpy.bincount(p.ravel().astype(numpy.intp) * n + r.ravel(),
                                         minlength=n * n).reshape(n, n))


def opencv(p, r, n):
    import cv2
    cv2.setNumThreads(1)
    planes = [p.reshape(-1, p.shape[-1]), r.reshape(-1, r.shape[-1])]
    return numpy.diagonal(cv2.calcHist(planes, [0, 1], None, [n, n], [0, n, 0, n]))


def simpleitk(p, r, n):
    import SimpleITK
    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)
    measures = SimpleITK.LabelOverlapMeasuresImageFilter()
    measures.Execute(SimpleITK.GetImageFromArray(r), SimpleITK.GetImageFromArray(p))
    return [None] + [measures.GetDiceCoefficient(label) for label in range(1, n)]


def nnunet(p, r, n):
    """nnunetv2/evaluation/evaluate_predictions.py of nnU-Net 2: compute_tp_fp_fn_tn of each label."""
    counts = []
    for label in range(n):
        ref, pred = r == label, p == label
        use = numpy.ones_like(ref, dtype=bool)
        counts.append((numpy.sum((ref & pred) & use), numpy.sum(((~ref) & pred) & use),
                       numpy.sum((ref & (~pred)) & use), numpy.sum(((~ref) & (~pred)) & use))[0])
    return counts


def sklearn(p, r, n):
    from sklearn.metrics import confusion_matrix
    return numpy.diagonal(confusion_matrix(r.ravel(), p.ravel(), labels=range(n)))


def torchmetrics(p, r, n):
    import torch
    from torchmetrics.functional.classification import multiclass_confusion_matrix
    torch.set_num_threads(1)
    matrix = multiclass_confusion_matrix(torch.from_numpy(p.ravel()).long(),
                                         torch.from_numpy(r.ravel()).long(), n)
    return numpy.diagonal(matrix.numpy())


def monai(p, r, n):
    import torch
    from monai.metrics import DiceMetric
    from monai.networks.utils import one_hot
    torch.set_num_threads(1)
    hot = [one_hot(torch.from_numpy(mask)[None, None].long(), n) for mask in (p, r)]
    return [None] + DiceMetric(include_background=False)(*hot)[0].tolist()


# name, package, function, slices for 8 and for 104 labels, times faster that we want to be
PEERS = (("OpenCV calcHist, 2-D", "opencv-python-headless", opencv, (300, 300), (10, 8)),
         ("NumPy bincount of pairs", "numpy", bincount, (100, 100), (40, 100)),
         ("SimpleITK LabelOverlapMeasures", "simpleitk", simpleitk, (100, 100), (100, None)),
         ("nnU-Net compute_tp_fp_fn_tn", "numpy", nnunet, (30, 10), (200, 1500)),
         ("scikit-learn confusion_matrix", "scikit-learn", sklearn, (10, 10), (None, None)),
         ("torchmetrics confusion matrix", "torchmetrics", torchmetrics, (10, 10), (None, None)),
         ("MONAI DiceMetric from labels", "monai", monai, (10, 2), (2000, None)))


def load(prefix, side):
    mask = numpy.fromfile("%s.%s" % (prefix, side), numpy.uint8)
    return mask.reshape(-1, 512, 512)


def timed(function, p, r, n):
    seconds = []
    while len(seconds) < 3 and sum(seconds) < 3:
        begin = time.process_time()
        found = function(p, r, n)
        seconds.append(time.process_time() - begin)
    return statistics.median(seconds), found


def is_right(found, p, r):
    """Counts of agreement, or Dice where a peer gives that, for label 1."""
    tp = int(numpy.sum((p == 1) & (r == 1)))
    either = int(numpy.sum(p == 1)) + int(numpy.sum(r == 1))
    dice = 2 * tp / either if either else float("nan")
    return found[1] == tp if found[0] is not None else not either or abs(found[1] - dice) < 1e-6


def peers(rounds):
    results = []
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="overlapd-bench-") as folder:
        for i, labels in enumerate(PEER_LABELS):
            prefix = os.path.join(folder, str(labels))
            ours = measure(labels, "blobs", "uint8", SLICES, rounds, prefix)["rows"][0]
            p, r = load(prefix, "prediction"), load(prefix, "reference")
            for name, package, function, slices, goals in PEERS:
                middle = slice((SLICES - slices[i]) // 2, (SLICES + slices[i]) // 2)
                part = [numpy.ascontiguousarray(mask[middle]) for mask in (p, r)]
                function(*[mask[:1] for mask in part], labels)  # imports, warms up
                seconds, found = timed(function, *part, labels)
                assert is_right(found, *part), name
                results.append({"labels": labels, "peer": name, "slices": slices[i], "goal": goals[i],
                                "version": importlib.metadata.version(package),
                                "package": package, "isa": ours["isa"], "ours_ms": ours["count_ms"],
                                "ms": 1e3 * seconds * SLICES / slices[i]})
                print("%3d labels, %s: %.0f ms, %.0f times ours" % (
                    labels, name, results[-1]["ms"], results[-1]["ms"] / ours["count_ms"]), flush=True)
    return results


PARTS = (blobs, noise, peers)


# ------------------------------------------------------------------------------------------ tables


def goal(result, row, best):
    """The least share of read that is asked for, or None."""
    if result["kind"] == "noise":
        known = {2: .8, 8: .8, 32: .5, 104: .2} if row["isa"] == best and result["dtype"] == "uint8" else {}
    elif result["dtype"] == "uint16":
        known = dict.fromkeys((2, 8, 32, 104), .6) if row["isa"] == best else {}
    elif row["isa"] == "scalar":
        known = {2: .6, 8: .6}
    elif row["isa"] == best:
        few = .85 if row["threads"] == 1 else .9
        known = {2: few, 8: few, 32: .75, 104: .65, 256: .55}
    else:
        known = {2: .7, 8: .7}
    return known.get(result["labels"])


def kernel_rows(results):
    best = results[0]["rows"][0]["isa"] if results else None
    for result in results:
        for row in result["rows"]:
            least = goal(result, row, best)
            met = "" if least is None else "met" if row["share"] >= least else "NOT MET"
            yield (result["kind"], result["dtype"], result["labels"], result["joint_runs"], row["isa"],
                   row["threads"], "%.2f" % row["read_ms"], "%.2f" % row["count_ms"],
                   "%.2f" % row["share"], "" if least is None else "at least %.2f" % least, met)


def peer_rows(results):
    for row in results:
        ratio = row["ms"] / row["ours_ms"]
        met = "" if row["goal"] is None else "met" if ratio >= row["goal"] else "NOT MET"
        yield (row["labels"], row["peer"], "%s %s" % (row["package"], row["version"]),
               "%d%s" % (row["slices"], "" if row["slices"] == SLICES else ", scaled"),
               "%.0f" % row["ms"], "%.2f" % row["ours_ms"], "%.0f" % ratio,
               "" if row["goal"] is None else "at least %d" % row["goal"], met)


PAGE = """# Counting

Written by `bench/count.py`, %(date)s.

| | |
|---|---|
%(facts)s

Volumes of 512 x 512 x 300 voxels. Blobs: ellipsoids with wavy surfaces, those of the prediction
about two voxels off, and a dozen where there is nothing. Noise: independent labels, each as likely.
Reading is a loop that adds up the words of both masks side by side; it and counting take turns, and
the share is the median of the ratios of the turns. Milliseconds are medians: of processor time for
one thread, of elapsed time for two.

## Beside reading

| masks | type | labels | joint runs | instructions | threads | read, ms | count, ms | share | goal | |
|---|---|---|---|---|---|---|---|---|---|---|
%(kernels)s

## Beside other libraries

Processor time of one thread each, blobs, uint8; the fastest instruction set of ours. Peers that
take long had fewer slices, and their time is scaled. nnU-Net's function was written down in NumPy
as it is there.

| labels | peer | package | slices | peer, ms | ours, ms | ratio | goal | |
|---|---|---|---|---|---|---|---|---|
%(peers)s
"""


def table(rows):
    return "\n".join("| %s |" % " | ".join(str(cell) for cell in row) for row in rows)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--part", choices=[part.__name__ for part in PARTS])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=int, help="of other benchmarks; without effect here")
    options = parser.parse_args()
    kept = {}
    if os.path.exists(KEPT):
        with open(KEPT, encoding="ascii") as file:
            kept = json.load(file)
    for part in PARTS:
        if options.part in (None, part.__name__):
            other = OtherLoad()
            kept[part.__name__] = part(options.rounds)
            kept["other load, " + part.__name__] = "%.0f %% of the cores" % other.percent()
    with open(KEPT, "w", encoding="ascii") as file:
        json.dump(kept, file)
    facts = dict(machine(), **{name: kept[name] for name in sorted(kept) if name.startswith("other")})
    kernel_table = list(kernel_rows(kept.get("blobs", []) + kept.get("noise", [])))
    peer_table = list(peer_rows(kept.get("peers", [])))
    with open(os.path.join(ROOT, "bench/results/count.md"), "w", encoding="utf-8") as page:
        page.write(PAGE % {"date": datetime.date.today().isoformat(), "facts": table(facts.items()),
                           "kernels": table(kernel_table), "peers": table(peer_table)})
    return 1 if any(row[-1] == "NOT MET" for row in kernel_table + peer_table) else 0


if __name__ == "__main__":
    sys.exit(main())
