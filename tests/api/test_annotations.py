#!/usr/bin/python3 -B
# test_annotations.py - annotation JSON as a body, as a part, compressed, mixed with files.
# SPDX-License-Identifier: Apache-2.0
import gzip
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from overlapd import Daemon, main, npy, pair, test, text64

DAEMON = Daemon()
PICTURE = bytes([0, 1, 1, 0, 0, 1, 2, 0, 0, 0, 2, 0])  # 3 rows of 4
ONE = {"size": [3, 4], "counts": "321O4"}  # label 1 of it, 3 pixels
TWO = {"size": [3, 4], "counts": "723"}  # label 2, 2 pixels
COCO = {"images": [{"id": 1, "height": 3, "width": 4}],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
        "annotations": [{"image_id": 1, "category_id": i, "segmentation": rle, "iscrowd": 0}
                        for i, rle in ((1, ONE), (2, TWO))]}
BRUSH = [0, 0, 0, 48, 57, 27, 252, 96, 19, 255, 206, 1, 31, 254, 23, 0]  # label 1
TASK = {"id": 1, "annotations": [{"id": 2, "result": [
    {"type": "brushlabels", "original_width": 4, "original_height": 3,
     "value": {"format": "rle", "rle": BRUSH, "brushlabels": ["cat"]}},
    {"type": "rectanglelabels", "value": {"rectanglelabels": ["dog"]}}]}]}
JOB = {"shapes": [{"type": "mask", "label": "cat", "points": [0, 3, 1, 1, 0, 2, 1]},
                  {"type": "polygon", "label": "dog", "points": [2, 1, 3, 1, 3, 3, 2, 3]}]}


def post(body):
    return DAEMON.request("POST", "/v1/score", json.dumps(body), {"Content-Type": "application/json"})


def classes(answer):
    assert answer.status == 200, answer.body
    return {c["label"]: (c["name"], c["tp"], c["fp"], c["fn"]) for c in answer.json["classes"]}


def problem(answer):
    assert answer.status >= 400, answer.body
    return answer.status, answer.json["code"], answer.json["detail"]


EXACT = {1: ("cat", 3, 0, 0), 2: ("dog", 2, 0, 0)}


@test
def both_masks_may_stand_in_a_json_body():
    assert classes(post({"prediction": {"coco": COCO}, "reference": {"cvat": JOB, "shape": [3, 4]}})) == EXACT


@test
def a_mask_in_the_request_meets_a_file():
    request = json.dumps({"reference": {"coco": COCO}})
    answer = DAEMON.score([("prediction", npy(PICTURE, (3, 4))), ("request", request)])
    assert classes(answer) == EXACT
    assert answer.json["inputs"]["reference"]["format"] == "coco"
    body = {"prediction": {"coco": COCO}, "reference": {"base64": text64(npy(PICTURE, (3, 4)))}}
    assert classes(post(body)) == EXACT


@test
def an_annotation_is_a_file_like_others():
    """As a part, with nothing said; with its format; compressed; as base64."""
    picture = ("reference", npy(PICTURE, (3, 4)))
    text = json.dumps(COCO)
    assert classes(DAEMON.score([("prediction", text, "coco.json"), picture])) == EXACT
    assert classes(DAEMON.score([("prediction", gzip.compress(text.encode())), picture])) == EXACT
    said = json.dumps({"prediction": {"part": "prediction", "format": "coco", "image_id": 1}})
    assert classes(DAEMON.score([("prediction", text), picture, ("request", said)])) == EXACT
    shaped = json.dumps({"prediction": {"format": "cvat", "shape": [3, 4]}})
    body = [("prediction", json.dumps(JOB)), ("reference", json.dumps(COCO)), ("request", shaped)]
    assert classes(DAEMON.score(body)) == EXACT
    base64 = {"prediction": {"base64": text64(text.encode())}, "reference": {"coco": COCO}}
    assert classes(post(base64)) == EXACT


@test
def names_meet_the_numbers_that_the_other_mask_has():
    """Whichever of the two it is: who only has names takes the numbers that are there."""
    numbers = dict(COCO, categories=[{"id": 70, "name": "cat"}], annotations=[
        {"image_id": 1, "category_id": 70, "segmentation": ONE}])
    for first, second in ((TASK, numbers), (numbers, TASK)):
        answer = DAEMON.score(pair(json.dumps(first), json.dumps(second)))
        assert classes(answer) == {70: ("cat", 3, 0, 0)}, answer.body
    answer = post({"prediction": {"label_studio": TASK}, "labels": [{"label": 5, "name": "cat"}],
                   "reference": {"base64": text64(npy(bytes(5 * (b == 1) for b in PICTURE), (3, 4)))}})
    assert classes(answer) == {5: ("cat", 3, 0, 0)}, answer.body


@test
def what_is_passed_over_is_said():
    answer = post({"prediction": {"label_studio": TASK}, "reference": {"coco": COCO}})
    assert answer.json["inputs"]["prediction"]["skipped"] == {"rectanglelabels": 1}
    assert answer.json["inputs"]["reference"]["skipped"] == {}


@test
def instances_that_overlap_are_layers_or_refused():
    body = {"prediction": {"rle": [dict(ONE, category_id=1), dict(ONE, category_id=2)]},
            "reference": {"rle": [dict(ONE, category_id=1), dict(TWO, category_id=2)]}}
    assert classes(post(body)) == {1: (None, 3, 0, 0), 2: (None, 0, 3, 2)}
    assert problem(post(dict(body, overlap="error")))[:2] == (422, "overlap")


@test
def the_signature_depends_on_the_mask_and_on_what_is_chosen_of_it():
    def signature(prediction):
        answer = post({"prediction": prediction, "reference": {"rle": ONE}})
        assert answer.status == 200, answer.body
        return answer.json["signature"]

    several = [dict(image_id=i, category_id=1, segmentation=rle) for i, rle in ((1, ONE), (2, TWO))]
    seen = [signature({"rle": ONE}), signature({"rle": TWO}), signature({"rle": ONE, "label": 1}),
            signature({"coco": several, "image_id": 1}), signature({"coco": several, "image_id": 2})]
    assert len(set(seen)) == 5
    assert seen[0] == signature({"rle": ONE})


@test
def a_brush_of_a_million_numbers_is_read():
    """Three times over: zeros one by one, as no encoder writes them."""
    height, width = 500, 500
    bits = "{:032b}00111{}".format(4 * height * width, "0010001101111111")
    bits += ("0" "11" + "1" * 16 + "00000000" * 65536) * 15
    rest = 4 * height * width - 15 * 65536
    bits += "0" "11" + "{:016b}".format(rest - 1) + "11111111" * rest
    bits += "0" * (-len(bits) % 8)
    rle = [int(bits[i:i + 8], 2) for i in range(0, len(bits), 8)]
    assert len(rle) > 1000000
    source = {"label_studio_rle": rle, "shape": [height, width]}
    answer = post({"prediction": source, "reference": source})
    assert classes(answer) == {1: (None, rest // 4, 0, 0)}, answer.body


@test
def runs_are_counted_as_runs():
    """Four hundred million pixels, one label or several, with room for a sixth of them: no mask is
    ever unpacked."""
    small = Daemon("--limits.budget_bytes=64M")
    half, n = 200000000, 400000000
    one = {"size": [20000, 20000], "counts": [0, half, half]}
    other = {"size": [20000, 20000], "counts": [half // 2, half, half // 2]}
    for labels in ([1], [1, 2]):
        body = {"prediction": {"rle": [dict(one, category_id=i) for i in labels]},
                "reference": {"rle": [dict(other, category_id=i) for i in labels]}}
        answer = small.request("POST", "/v1/score", json.dumps(body), {"Content-Type": "application/json"})
        assert classes(answer) == {i: (None, half // 2, half // 2, half // 2) for i in labels}
        assert answer.json["voxels"] == n
    small.stop()


@test
def a_source_is_one_mask():
    both = {"prediction": {"rle": ONE, "encord": ONE}, "reference": {"rle": ONE}}
    assert problem(post(both))[:2] == (400, "bad-parameter")
    both["prediction"] = {"rle": ONE, "base64": "AAAA"}
    assert problem(post(both))[:2] == (400, "bad-parameter")
    both["prediction"] = {"rle": ONE, "part": "prediction"}
    assert problem(post(both))[:2] == (400, "bad-parameter")
    request = json.dumps({"prediction": {"rle": ONE}})
    answer = DAEMON.score(pair(npy(PICTURE, (3, 4)), npy(PICTURE, (3, 4))) + [("request", request)])
    assert problem(answer)[:2] == (400, "bad-parameter")
    assert problem(post({"prediction": {"rle": ONE, "frame": 1}, "reference": {"rle": ONE}}))[1] == "bad-parameter"
    assert problem(post({"prediction": {"rles": ONE}, "reference": {"rle": ONE}}))[1] == "bad-parameter"


@test
def a_mask_in_the_request_has_the_format_that_it_is_called_by():
    formats = DAEMON.get("/v1/info").json["formats"]
    for other in (name for name in formats if name != "rle"):
        for source in ({"rle": ONE, "format": other}, {"format": other, "rle": ONE}):
            code, said = problem(post({"prediction": source, "reference": {"rle": ONE}}))[1:]
            assert code == "bad-parameter" and "called rle" in said and other in said, (code, said)
    assert classes(post({"prediction": {"rle": ONE, "format": "rle"}, "reference": {"rle": ONE}}))


@test
def a_label_is_said_once():
    assert list(classes(post({"prediction": {"rle": ONE, "label": 7}, "reference": {"rle": ONE, "label": 7}}))) == [7]
    twice = {"rle": {**ONE, "category_id": 7}, "label": 7}
    assert problem(post({"prediction": twice, "reference": {"rle": ONE}}))[1] == "bad-parameter"


@test
def json_of_no_tool_is_refused_with_what_to_do():
    answer = DAEMON.score(pair(json.dumps(ONE), npy(PICTURE, (3, 4))))
    status, code, detail = problem(answer)
    assert (status, code) == (422, "unknown-format") and "name its format" in detail, detail
    answer = DAEMON.score(pair(b'{"images": [', npy(PICTURE, (3, 4))))
    assert problem(answer)[:2] == (400, "bad-json")
    assert answer.json["errors"][0]["pointer"] == "#/prediction"
    large = json.dumps({"prediction": {"rle": dict(ONE, counts="0" * 70000)}})
    answer = DAEMON.score([("reference", npy(PICTURE, (3, 4))), ("request", large)])
    status, code, detail = problem(answer)
    assert code == "request-too-large" and "a part of its own" in detail, detail


@test
def the_daemon_stops_cleanly():
    DAEMON.stop()


main()
