#!/usr/bin/python3 -B
# test_coco.py - published COCO results: every area and every pair, to the pixel.
# SPDX-License-Identifier: Apache-2.0
"""../shared/data/coco holds segmentations of cocodataset/cocoapi's results and what NumPy counted in
them; where it is absent, this is skipped."""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from overlapd import Daemon, Skip, main, scaled, test

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "shared", "data", "coco")
DAEMON = Daemon()


def load(name):
    path = os.path.join(FOLDER, name)
    if not os.path.exists(path):
        raise Skip("../shared/data/coco is absent")
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def score(prediction, reference, **options):
    body = json.dumps(dict(prediction=prediction, reference=reference, **options))
    answer = DAEMON.request("POST", "/v1/score", body, {"Content-Type": "application/json"})
    assert answer.status == 200, answer.body
    return answer.json


@test
def every_area_is_that_of_numpy():
    masks, areas = load("segmentations.json"), load("expected.json")["areas"]
    assert len(masks) == len(areas) > 50
    for mask, area in zip(masks, areas):
        only = score({"rle": mask["segmentation"]}, {"rle": mask["segmentation"]})["classes"][0]
        assert (only["tp"], only["fp"], only["fn"]) == (area, 0, 0), (only, area)


@test
def every_pair_of_one_size_is_that_of_numpy():
    masks, pairs = load("segmentations.json"), load("expected.json")["pairs"]
    for pair in pairs[::scaled(1, 7)]:
        sources = [{"rle": masks[pair[name]]["segmentation"]} for name in ("prediction", "reference")]
        found = score(*sources)["classes"][0]
        for name in ("tp", "fp", "fn", "dice", "iou"):
            assert found[name] == pair[name], (name, found, pair)


@test
def a_category_of_an_image_is_the_union_of_its_instances():
    """The list of results as it is: a layer for each category of the image asked for."""
    masks, areas = load("segmentations.json"), load("expected.json")["areas"]
    image = max((m["image_id"] for m in masks), key=[m["image_id"] for m in masks].count)
    own = [(m, a) for m, a in zip(masks, areas) if m["image_id"] == image]
    answer = score({"coco": masks, "image_id": image}, {"coco": masks, "image_id": image})
    for category in {m["category_id"] for m, _ in own}:
        found = next(c for c in answer["classes"] if c["label"] == category)
        of_it = [a for m, a in own if m["category_id"] == category]
        assert max(of_it) <= found["tp"] <= sum(of_it), (found, of_it)
        assert found["fp"] == found["fn"] == 0


@test
def the_daemon_stops_cleanly():
    DAEMON.stop()


main()
