# runs.py - what tests of kept runs share: masks with given counts, kept over HTTP.
# SPDX-License-Identifier: Apache-2.0
import json

from overlapd import pack, npy, multipart, pair, MULTIPART

JSON = {"Content-Type": "application/json"}


def masks(counts, voxels):
    """Prediction and reference of some voxels with these {label: (tp, fp, fn)}."""
    prediction, reference = [], []
    for label, (tp, fp, fn) in counts.items():
        prediction += [label] * (tp + fp) + [0] * fn
        reference += [label] * tp + [0] * fp + [label] * fn
    rest = voxels - len(prediction)
    assert rest >= 0
    return (npy(pack(prediction + [0] * rest, "<i4"), [voxels], "<i4"),
            npy(pack(reference + [0] * rest, "<i4"), [voxels], "<i4"))


def path(run, case=None):
    return "/v1/runs/" + run + ("/cases/" + case if case is not None else "")


def keep(daemon, run, case, counts, voxels=1000, request=None, headers=None, **info):
    """PUT a case that has these counts."""
    prediction, reference = masks(counts, voxels)
    request = dict(request or {}, **({"case": info} if info else {}))
    request.setdefault("labels", list(counts))
    return daemon.request("PUT", path(run, case), multipart(pair(prediction, reference, request)),
                          {"Content-Type": MULTIPART, **(headers or {})})


def describe(daemon, run, info, headers=None):
    return daemon.request("PUT", path(run), json.dumps(info), {**JSON, **(headers or {})})
