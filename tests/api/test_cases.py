#!/usr/bin/python3 -B
# test_cases.py - plays every folder of tests/cases against the real daemon.
# SPDX-License-Identifier: Apache-2.0
"""tests/cases/<name>/ holds why.md (where the values come from), request.json and expected.json.

request.json is the body of POST /v1/score. Beside the sources of the API a source may be
  {"values": [[1,0],[0,1]], "dtype": "int8"}        nested lists; uint8 unless said otherwise
  {"shape": [9,9], "boxes": [[1,[0,3],[2,5]]]}       label, then first and last+1 on each axis
  {"file": "mask.nii"}                               a file of the folder
and "pairs": [[45,1,1],[5,0,1]] stands for both sources: how often, prediction's label, reference's.

expected.json is what the answer must contain: members that it does not name may be anything, lists
must be as long. Numbers agree to 1e-12, or {"near": 0.8, "within": 5e-3} says how far they may lie."""
import gzip
import itertools
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from overlapd import Daemon, TESTS, main, pack, text64

CASES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cases")
DTYPES = {"uint8": "|u1", "int8": "|i1", "uint16": "<u2", "int16": "<i2", "uint32": "<u4",
          "int32": "<i4", "uint64": "<u8", "int64": "<i8", "float32": "<f4", "float64": "<f8"}


def raw(values, shape, dtype):
    data = gzip.compress(pack(values, DTYPES[dtype]), 1)
    return {"base64": text64(data), "format": "raw", "encoding": "gzip", "dtype": dtype, "shape": shape}


def shape_of(values):
    return [len(values)] + shape_of(values[0]) if isinstance(values, list) else []


def flat(values):
    return [v for one in values for v in flat(one)] if isinstance(values, list) else [values]


def painted(shape, boxes, dtype):
    """A mask of zeros with boxes of labels in it, later ones over earlier ones."""
    strides = [1] * len(shape)
    for axis in range(len(shape) - 2, -1, -1):
        strides[axis] = strides[axis + 1] * shape[axis + 1]
    values = bytearray(strides[0] * shape[0])
    for label, *ranges in boxes:
        for index in itertools.product(*(range(*r) for r in ranges[:-1])):
            start = sum(i * s for i, s in zip(index, strides))
            first, last = ranges[-1]
            values[start + first:start + last] = bytes([label]) * (last - first)
    return raw(values, shape, dtype)


def source(spec, folder):
    dtype = spec.get("dtype", "uint8")
    if "values" in spec:
        return raw(flat(spec["values"]), shape_of(spec["values"]), dtype)
    if "boxes" in spec:
        return painted(spec["shape"], spec["boxes"], dtype)
    if "file" in spec:
        with open(os.path.join(folder, spec["file"]), "rb") as file:
            return {**{k: v for k, v in spec.items() if k != "file"}, "base64": text64(file.read())}
    return spec


def body_of(request, folder):
    pairs = request.pop("pairs", None)
    if pairs:
        for column, name in ((1, "prediction"), (2, "reference")):
            request[name] = {"values": [pair[column] for pair in pairs for _ in range(pair[0])]}
    for name in ("prediction", "reference"):
        request[name] = source(request[name], folder)
    return request


def differences(wanted, seen, where=""):
    """What of wanted is not in seen, as sentences."""
    if isinstance(wanted, dict) and "near" in wanted:
        good = isinstance(seen, (int, float)) and abs(seen - wanted["near"]) <= wanted["within"]
        return [] if good else ["%s is %r, wanted %r within %r" % (where, seen, wanted["near"], wanted["within"])]
    if isinstance(wanted, dict) and isinstance(seen, dict):
        return [d for name, value in wanted.items()
                for d in differences(value, seen.get(name, "absent"), where + "/" + name)]
    if isinstance(wanted, list) and isinstance(seen, list) and len(wanted) == len(seen):
        return [d for i, (w, s) in enumerate(zip(wanted, seen)) for d in differences(w, s, "%s/%d" % (where, i))]
    if isinstance(wanted, float) and isinstance(seen, (int, float)) and not isinstance(seen, bool):
        return [] if abs(wanted - seen) <= 1e-12 * abs(wanted) else ["%s is %r, wanted %r" % (where, seen, wanted)]
    same = wanted == seen and isinstance(wanted, bool) == isinstance(seen, bool)
    return [] if same else ["%s is %r, wanted %r" % (where, seen, wanted)]


def load(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return json.load(file)


def names():
    return [name for name in sorted(os.listdir(CASES)) if os.path.exists(os.path.join(CASES, name, "request.json"))]


def play(name, request):
    """Sends one case by request(method, path, body, headers), and looks at the answer."""
    folder = os.path.join(CASES, name)
    with open(os.path.join(folder, "why.md"), encoding="utf-8") as why:
        assert len(why.read()) > 40, "why.md names no source"
    body = json.dumps(body_of(load(folder, "request.json"), folder))
    answer = request("POST", "/v1/score", body, {"Content-Type": "application/json"})
    wanted = load(folder, "expected.json")
    assert answer.status == wanted.pop("status", 200), "%d %s" % (answer.status, answer.body)
    wrong = differences(wanted, answer.json)
    assert not wrong, "\n".join(wrong)


def add(name, daemon):
    """A test named after the folder."""
    def case():
        play(name, daemon.request)
    case.__name__ = name.replace("-", " ")
    TESTS.append(case)


def add_all():
    daemon = Daemon()
    for name in names():
        add(name, daemon)

    def stops():
        daemon.stop()
    stops.__name__ = "the daemon of the cases stops cleanly"
    TESTS.append(stops)


if __name__ == "__main__":
    add_all()
    main()
