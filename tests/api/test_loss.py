#!/usr/bin/python3 -B
# test_loss.py - losses over HTTP: published values, gradients by hand, what is refused.
# SPDX-License-Identifier: Apache-2.0
import json
import math
import os
import random
import re
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from overlapd import MULTIPART, Daemon, main, multipart, npy, pack, test

# MONAI 1.5 and finite differences: p = sigmoid([1, -1, -1, 1]), g = [1, 0, 1, 1]
LOGITS, TARGET, SQUARE = [1, -1, -1, 1], [1, 0, 1, 1], (1, 1, 2, 2)
VALUES = {"dice": .307575953, "squared_dice": .178337251, "iou": .470451421, "iou_monai": .470452141,
          "log_cosh_dice": .046573964, "lovasz": .422980474}
DICE_SLOPES = [-.051416904, .027227712, -.051416904, -.051416904]


def post(daemon, prediction, target, request=None, mask=None, query=""):
    parts = [("prediction", prediction), ("target", target)]
    parts += [("mask", mask)] if mask is not None else []
    parts += [("request", json.dumps(request))] if request is not None else []
    return daemon.request("POST", "/v1/loss" + query, multipart(parts), {"Content-Type": MULTIPART})


def floats(values, shape, descr="<f8", fortran=False):
    return npy(pack([float(v) for v in values], descr), shape, descr, fortran)


def split(answer):
    """The JSON and the numbers of a multipart/mixed answer, with its shape and type."""
    boundary = re.fullmatch(r"multipart/mixed; boundary=(\S+)", answer.headers["Content-Type"]).group(1)
    parts = answer.body.split(b"--" + boundary.encode())
    assert parts[0] == b"" and parts[3] == b"--\r\n" and len(parts) == 4, [p[:80] for p in parts]
    head, file = parts[2].split(b"\r\n\r\n", 1)
    file = file[:-2]
    assert int(re.search(rb"Content-Length: (\d+)", head).group(1)) == len(file)
    n_header = struct.unpack_from("<H", file, 8)[0]
    assert file[:8] == b"\x93NUMPY\x01\x00" and (10 + n_header) % 64 == 0
    described = eval(file[10:10 + n_header], {"__builtins__": {}})  # a dict of NumPy's, from ourselves
    code = {"<f2": "e", "<f4": "f", "<f8": "d"}[described["descr"]]
    data = file[10 + n_header:]
    values = struct.unpack("<%d%s" % (len(data) // struct.calcsize(code), code), data)
    assert described["fortran_order"] is False
    assert math.prod(described["shape"]) == len(values)
    return json.loads(parts[1].split(b"\r\n\r\n", 1)[1]), values, described


@test
def published_values_come_over_http():
    with Daemon() as daemon:
        for loss, value in VALUES.items():
            answer = post(daemon, floats(LOGITS, SQUARE), bytes_target(SQUARE),
                          query="?activation=sigmoid&loss=" + loss)
            assert answer.status == 200, answer.body
            assert abs(answer.json["value"] - value) < 1e-8, (loss, answer.json["value"])
            assert answer.json["options"]["loss"] == loss
            assert answer.json["gradient"] is None


def bytes_target(shape):
    return npy(bytes(TARGET), shape)


@test
def a_gradient_is_a_second_part():
    with Daemon() as daemon:
        for descr, tolerance in (("<f8", 1e-8), ("<f4", 1e-7), ("<f2", 1e-4), (">f4", 1e-7)):
            answer = post(daemon, floats(LOGITS, SQUARE, descr), bytes_target(SQUARE),
                          {"activation": "sigmoid", "gradient": True})
            assert answer.status == 200, answer.body
            told, slopes, described = split(answer)
            assert described["shape"] == SQUARE and described["descr"] == "<" + descr[1:]
            assert told["gradient"]["shape"] == list(SQUARE)
            assert abs(told["value"] - VALUES["dice"]) < 10 * tolerance
            assert max(abs(a - b) for a, b in zip(slopes, DICE_SLOPES)) < tolerance, slopes


def dice_by_hand(p, labels, n_samples, n_classes, n_voxels, n=1e-5, d=1e-5):
    """1 - (2 I + n) / (P + G + d) for each sample and class, and its slopes, as [N][C][V]."""
    values, slopes = [], []
    for s in range(n_samples):
        for c in range(n_classes):
            own = p[(s * n_classes + c) * n_voxels:(s * n_classes + c + 1) * n_voxels]
            g = [label == c for label in labels[s * n_voxels:(s + 1) * n_voxels]]
            both, total = math.fsum(a for a, b in zip(own, g) if b), math.fsum(own) + sum(g) + d
            values.append(1 - (2 * both + n) / total)
            slopes += [(2 * both + n) / total ** 2 - (2 / total if b else 0) for b in g]
    return values, slopes


@test
def every_layout_and_order_is_the_same_loss():
    random_ = random.Random(3)
    n, c, v = 2, 3, 6
    p = [random_.random() for _ in range(n * c * v)]
    labels = [random_.randrange(c) for _ in range(n * v)]
    values, slopes = dice_by_hand(p, labels, n, c, v)
    mean = math.fsum(values) / len(values)
    last = [(s, x, k) for s in range(n) for x in range(v) for k in range(c)]
    file_last = floats([p[(s * c + k) * v + x] for s, x, k in last], (n, v, c))
    fortran = floats([p[(s * c + k) * v + x] for x in range(v) for k in range(c) for s in range(n)],
                     (n, c, v), "<f8", True)
    target = npy(bytes(labels), (n, v))
    with Daemon() as daemon:
        for file, request, order in (
                (floats(p, (n, c, v)), {}, None), (fortran, {"layout": "ncs"}, None),
                (file_last, {"layout": "nsc"}, last)):
            told, found, _ = split(post(daemon, file, target, dict(request, gradient=True)))
            assert abs(told["value"] - mean) < 1e-12, (request, told["value"], mean)
            wanted = slopes if order is None else [slopes[(s * c + k) * v + x] for s, x, k in order]
            assert max(abs(a - b / len(values)) for a, b in zip(found, wanted)) < 1e-12, request
        one, one_last = floats(p[:c * v], (c, v)), floats(
            [p[k * v + x] for s, x, k in last if s == 0], (v, c))
        for file, layout in ((one, "cs"), (one_last, "sc")):
            told = post(daemon, file, npy(bytes(labels[:v]), (v,)), {"layout": layout}).json
            assert abs(told["value"] - math.fsum(values[:c]) / c) < 1e-12, layout
            assert (told["samples"], told["classes"]) == (1, c)


@test
def one_hot_soft_masks_and_reductions_are_taken():
    p, labels = [.2, .9, .4, .8, .1, .6], [1, 0, 1]
    with Daemon() as daemon:
        prediction = floats(p, (1, 2, 3))
        by_labels = post(daemon, prediction, npy(bytes(labels), (1, 3)), {"reduction": "none"}).json
        values, _ = dice_by_hand(p, labels, 1, 2, 3)
        assert max(abs(a - b) for a, b in zip(by_labels["values"], values)) < 1e-12
        assert by_labels["value"] is None and by_labels["options"]["target_type"] == "labels"
        one_hot = npy(bytes([0, 1, 0, 1, 0, 1]), (1, 2, 3))
        soft = post(daemon, prediction, one_hot, {"reduction": "none"}).json
        assert soft["values"] == by_labels["values"] and soft["options"]["target_type"] == "soft"
        masked = post(daemon, prediction, npy(bytes(labels), (1, 3)), {"reduction": "none"},
                      mask=npy(bytes([1, 1, 0]), (1, 3))).json
        values, _ = dice_by_hand([.2, .9, .8, .1], [1, 0], 1, 2, 2)
        assert max(abs(a - b) for a, b in zip(masked["values"], values)) < 1e-12
        ignored = post(daemon, prediction, npy(bytes([1, 0, 9]), (1, 3)),
                       {"reduction": "none", "ignore": 9}).json
        assert ignored["values"] == masked["values"]


@test
def json_bodies_carry_inputs_too():
    import base64
    with Daemon() as daemon:
        body = {"prediction": {"base64": base64.b64encode(floats(LOGITS, SQUARE)).decode()},
                "target": {"base64": base64.b64encode(bytes(TARGET)).decode(), "format": "raw",
                           "dtype": "uint8", "shape": list(SQUARE)}, "activation": "sigmoid"}
        answer = daemon.request("POST", "/v1/loss", json.dumps(body), {"Content-Type": "application/json"})
        assert abs(answer.json["value"] - VALUES["dice"]) < 1e-8, answer.body


@test
def what_cannot_be_used_is_said_with_its_place():
    good, target = floats([.2, .9, .4, .8], (1, 1, 4)), npy(bytes([0, 1, 1, 0]), (1, 4))
    two, pair = floats([.2, .9, .4, .8], (1, 2, 2)), npy(bytes([0, 1]), (1, 2))
    cases = [
        ("not-a-number", "Element 2 of the prediction, at [0,0,2]", floats([.2, .9, math.nan, .8], (1, 1, 4)),
         target, {}),
        ("out-of-range", "Element 1 of the prediction", floats([.2, math.inf, .1, .8], (1, 1, 4)), target, {}),
        ("out-of-range", "\"activation\"", floats([.2, 1.5, .1, .8], (1, 1, 4)), target, {}),
        ("out-of-range", "at [0,1] of its axes samples, space, is the number of no class", two,
         npy(bytes([0, 2]), (1, 2)), {}),
        ("non-integral", "Element 1 of the target", two, floats([0, .5], (1, 2)), {"target_type": "labels"}),
        ("shape-mismatch", "The shape is [1,5]; with \"layout\": \"ncs\" and a prediction of [1,1,4], labels "
         "must be [1,4]", good, npy(bytes(5), (1, 5)), {}),
        ("shape-mismatch", "labels must be [1,4]", good, npy(bytes(1), (1, 1)), {}),
        ("shape-mismatch", "labels must be [1,4]", good, npy(bytes(5), (5,)), {"layout": "cs"}),
        ("shape-mismatch", "labels must be [1,1]", good, npy(bytes(4), (1, 4)), {"layout": "nsc"}),
        ("shape-mismatch", "must be [1,2,2]", two, floats([.2, .9], (1, 2, 1)), {}),
        ("unsupported-mask", "float16", npy(bytes(4), (1, 1, 4)), target, {}),
        ("bad-parameter", "loss must be", good, target, {"loss": "dices"}),
        ("bad-parameter", "sigmoid is for one", good, target, {"activation": "softmax"}),
        ("bad-parameter", "nothing is left", good, target, {"include_background": False}),
        ("bad-parameter", "3 class_weights; the prediction has 2", two, pair, {"class_weights": [1, 2, 3]}),
        ("bad-parameter", "class_weights must be", two, pair, {"class_weights": [1, -2]}),
        ("bad-parameter", "not of labels", good, floats([.2, .9, .4, .8], (1, 1, 4)), {"ignore": 1}),
        ("bad-parameter", "gamma must be more", good, target, {"gamma": 0}),
        ("bad-parameter", "reduction must be", good, target, {"loss": "focal", "reduction": "none"}),
        ("label-out-of-range", "Label", good, target, {"ignore": 2 ** 40}),
        ("bad-parameter", "alpha", good, target, {"alpha": -1}),
        ("bad-parameter", "upstream", good, target, {"upstream": [1, 2]}),
        ("bad-parameter", "no member \"metrics\"", good, target, {"metrics": ["dice"]}),
        ("bad-parameter", "class_weights", good, target, {"class_weights": []}),
    ]
    with Daemon() as daemon:
        for code, words, prediction, target_, request in cases:
            answer = post(daemon, prediction, target_, request)
            assert answer.json.get("code") == code and words in answer.json["detail"], (code, answer.body)
        answer = post(daemon, good, target, {}, mask=npy(bytes(1), (1, 1)))
        assert answer.json["code"] == "shape-mismatch" and "a mask must be [1,4]" in answer.json["detail"]
        assert answer.json["errors"][0]["pointer"] == "#/mask"
        assert daemon.request("POST", "/v1/loss", multipart([("prediction", good)]),
                              {"Content-Type": MULTIPART}).json["code"] == "missing-part"
        answer = daemon.score([("prediction", good), ("reference", good), ("target", target)])
        assert answer.json["code"] == "unknown-part"


@test
def masks_with_names_and_layers_are_refused():
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples", "masks")
    good = floats([.2, .9, .4, .8], (1, 1, 4))
    wanted = {"coco.json": "unsupported-mask", "label_studio.json": "unsupported-mask",
              "cvat.json": "bad-parameter", "dcm": "unsupported-mask", "seg.nrrd": "shape-mismatch"}
    with Daemon() as daemon:
        for name, code in wanted.items():
            with open(os.path.join(folder, "prediction." + name), "rb") as file:
                answer = post(daemon, good, file.read(), {})
            assert answer.json["code"] == code, (name, answer.body)


@test
def a_large_gradient_gives_its_memory_back():
    with Daemon() as daemon:
        n = 1 << 20
        answer = post(daemon, npy(struct.pack("<%df" % n, *([.5] * n)), (1, 1, n), "<f4"),
                      npy(bytes(n), (1, n)), {"gradient": True})
        told, slopes, _ = split(answer)
        assert len(slopes) == n and told["samples"] == 1
        daemon.settle(budget_used_bytes=0)


if __name__ == "__main__":
    main()
