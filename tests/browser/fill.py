# fill.py - made-up runs for the dashboard's tests and its picture.
# SPDX-License-Identifier: Apache-2.0
import os
import random
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "api"))
from overlapd import multipart, pair
from runs import describe, keep, masks

VOXELS = 900
ORGANS = {1: ("liver", 160, 0.93), 2: ("spleen", 90, 0.89), 3: ("left kidney", 70, 0.86),
          4: ("pancreas", 40, 0.72), 5: ("lesion", 14, 0.52)}
# A name that a browser must not take for anything but a text.
SCRIPT = "<img src=x onerror=document.title='taken'><script>alert(1)</script>"
HISTORY = [("unet-1", "U-Net", -0.14), ("unet-2", "U-Net, more data", -0.08),
           ("unet-3", "U-Net, deeper", -0.05), ("res-1", "Residual U-Net", -0.015),
           ("res-2", "Residual U-Net, longer", 0.0)]


def counts(draw, quality):
    """{label: (tp, fp, fn)} of one case; some lesions are missed and some are not there."""
    found = {}
    for label, (_, size, goodness) in ORGANS.items():
        size = max(3, round(size * draw.uniform(0.6, 1.1)))
        share = min(0.995, max(0.0, draw.gauss(goodness + quality, 0.035 + 0.2 * (1 - goodness))))
        tp = round(size * share)
        fp = round((size - tp) * draw.uniform(0.3, 1.2))
        if label == 5 and draw.random() < 0.25:
            tp, fp, size = 0, draw.choice([0, 0, 3]), 0
        found[label] = (tp, fp, size - tp)
    return found


def request(labels=ORGANS):
    return {"labels": [{"label": label, "name": ORGANS[label][0]} for label in labels]}


def case_name(i):
    return "case-%03d" % (i + 1)


def fill_run(daemon, run, n, quality):
    draw = random.Random(run)
    cases = random.Random(0)
    for i in range(n):
        # Both runs of a comparison see the same patients, some of them harder.
        harder = cases.gauss(0, 0.02)
        answer = keep(daemon, run, case_name(i), counts(draw, quality + harder), VOXELS, request(),
                      group="patient-%02d" % (i * 2 // 3 + 1))
        assert answer.status == 201, answer.body


def fill(daemon, n=48):
    """Five runs of one data set, two of another, and one with texts that want to be run."""
    for run, model, quality in HISTORY:
        fill_run(daemon, run, n, quality)
        assert describe(daemon, run, {"model": model, "dataset": "abdomen-ct"}).status == 200
    for run, quality in (("mr-1", -0.2), ("mr-2", -0.1)):
        fill_run(daemon, run, 12, quality)
        assert describe(daemon, run, {"model": run, "dataset": "abdomen-mr", "note": "few"}).status == 200
    only = keep(daemon, "res-2", "case-extra", counts(random.Random(5), 0), VOXELS, request(),
                tags=["night", "second reader"], image="https://images.example/case-extra.png")
    assert only.status == 201


def fill_script(daemon):
    """A run whose every text is a script."""
    spiked = {"labels": [{"label": 1, "name": SCRIPT[:120]}]}
    answer = keep(daemon, "spiked", "case-1", {1: (3, 2, 1)}, VOXELS, spiked, group=SCRIPT[:120],
                  tags=[SCRIPT[:60]], image="/" + SCRIPT)
    assert answer.status == 201, answer.body
    info = {"model": SCRIPT, "dataset": SCRIPT, "note": SCRIPT, SCRIPT[:60]: "javascript:alert(1)"}
    assert describe(daemon, "spiked", info).status == 200


def live_body(seed):
    """A multipart body of one more case."""
    prediction, reference = masks(counts(random.Random(seed), 0), VOXELS)
    return multipart(pair(prediction, reference, dict(request(), case={"group": "patient-live"})))

