#!/usr/bin/python3 -B
# test_runs.py - annotation JSON is the mask that its own tools make of it.
# SPDX-License-Identifier: Apache-2.0
"""pycocotools for COCO's run lengths and polygons, Label Studio's converter for its brush, Pillow for
Supervisely's bitmaps as its SDK writes them; NumPy for what CVAT, V7, Encord and Kaggle document.
Each mask is scored against the array itself, in NPY: one wrong pixel shows. A failure prints its
seed."""
import base64
import contextlib
import glob
import http.client
import io
import json
import os
import random
import sys
import zlib

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "tests", "api"))
sys.path[1:1] = glob.glob("build/venv/lib/python3*/site-packages")
import overlapd
from overlapd import Daemon, Skip, multipart, scaled, test, text64, MULTIPART

try:
    import numpy as np
    from PIL import Image
    from pycocotools import mask as coco
    from pycocotools.coco import COCO
    MISSING = None
except ImportError as error:
    MISSING = "%s; script/bootstrap peers" % error
try:
    with contextlib.redirect_stdout(None):  # it says that parts of it cannot be imported
        from label_studio_converter import brush
except ImportError:
    brush = None

SEED = int(os.environ.get("RUNS_SEED", random.randrange(1 << 32)))
MASKS = int(os.environ.get("RUNS_MASKS", scaled(150, 20)))
POLYGONS = int(os.environ.get("RUNS_POLYGONS", scaled(2000, 300)))
DAEMON = CONNECTION = None


def numpy_random(what):
    """A generator of its own for every test, so that each can be run again alone."""
    if MISSING:
        raise Skip(MISSING)
    return np.random.default_rng([SEED, *what.encode()])


def daemon():
    global DAEMON
    DAEMON = DAEMON or Daemon()
    return DAEMON


def post(body, content_type):
    """On one connection for all requests: there are thousands."""
    global CONNECTION
    if CONNECTION is None:
        CONNECTION = http.client.HTTPConnection(daemon().host, daemon().port, timeout=60)
    CONNECTION.request("POST", "/v1/score", body, {"Content-Type": content_type})
    answer = CONNECTION.getresponse()
    text = answer.read()
    assert answer.status == 200, "seed %d: %s" % (SEED, text)
    return json.loads(text)


def score(prediction, reference, **options):
    body = json.dumps(dict(prediction=prediction, reference=reference, **options))
    return post(body, "application/json")


def array_source(array):
    file = io.BytesIO()
    np.save(file, array)
    return {"base64": text64(file.getvalue())}


def check(source, mask, labels=(1,)):
    """The source is this mask: an array of labels, of which those not listed have no layer."""
    answer = score(source, array_source(np.ascontiguousarray(mask).astype(np.int32)))
    for label in labels:
        area = int((mask == label).sum())
        found = [c for c in answer["classes"] if c["label"] == label]
        if not found:
            assert area == 0, "seed %d: no label %d in %s" % (SEED, label, source)
            continue
        seen = [found[0][name] for name in ("tp", "fp", "fn")]
        assert seen == [area, 0, 0], "seed %d: %s, wanted %d; %s" % (SEED, seen, area,
                                                                    json.dumps(source)[:2000])
    return answer


def random_mask(rng):
    """Noise, blobs, stripes, nothing, everything; from one pixel to long and thin."""
    height, width = (int(n) for n in rng.integers(1, rng.choice([4, 40, 300]), 2))
    kind = rng.integers(6)
    if kind == 0:
        return np.zeros((height, width), np.uint8)
    if kind == 1:
        return np.ones((height, width), np.uint8)
    if kind == 2:
        return (rng.random((height, width)) < rng.random()).astype(np.uint8)
    y, x = np.mgrid[:height, :width]
    if kind == 3:
        return ((x // rng.integers(1, 9) + y // rng.integers(1, 9)) % 2).astype(np.uint8)
    cy, cx = rng.random(2) * (height, width)
    blob = (x - cx) ** 2 + (y - cy) ** 2 < (rng.random() * max(height, width)) ** 2
    return (blob if kind == 4 else ~blob).astype(np.uint8)


def masks(what):
    rng = numpy_random(what)
    return [(rng, random_mask(rng)) for _ in range(MASKS)]


def alternating(flat):
    """Run lengths, of zeros first."""
    flat = np.asarray(flat).astype(bool)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flat, [not flat[-1]]))))
    starts = np.concatenate(([0], edges))
    return [int(n) for n in np.diff(starts)]


def coco_rle(mask):
    rle = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": rle["size"], "counts": rle["counts"].decode()}


# --------------------------------------------------------------------------------- run lengths


@test
def a_coco_string_of_pycocotools_is_the_mask():
    for _, mask in masks("string"):
        check({"rle": coco_rle(mask)}, mask)


@test
def coco_counts_as_a_list_are_the_mask():
    for _, mask in masks("list"):
        counts = alternating(mask.flatten("F"))
        check({"rle": {"size": list(mask.shape), "counts": counts}}, mask)


@test
def strings_that_pycocotools_merged_are_the_union():
    """Merging may leave runs of length 0."""
    for rng, mask in masks("merge"):
        others = [coco.encode(np.asfortranarray((rng.random(mask.shape) < 0.2).astype(np.uint8)))
                  for _ in range(3)]
        merged = coco.merge(others, intersect=bool(rng.integers(2)))
        rle = {"size": merged["size"], "counts": merged["counts"].decode()}
        check({"rle": rle}, coco.decode(merged))


@test
def iou_is_that_of_pycocotools():
    for rng, mask in masks("iou"):
        other = np.roll(mask, rng.integers(0, 5, 2), (0, 1))
        a, b = coco_rle(mask), coco_rle(other)
        answer = score({"rle": a}, {"rle": b})["classes"]
        wanted = coco.iou([a], [b], [0])[0][0]
        if mask.any() or other.any():
            assert answer[0]["iou"] == wanted, "seed %d: %s, wanted %r" % (SEED, answer, wanted)


@test
def encord_is_the_same_string_along_the_rows():
    for _, mask in masks("encord"):
        check({"encord": dict(coco_rle(mask.T), size=list(mask.shape))}, mask)


@test
def kaggle_starts_and_lengths_are_the_mask():
    for rng, mask in masks("kaggle"):
        order = rng.choice(["F", "C"])
        flat = np.concatenate(([0], mask.flatten(order), [0]))
        edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
        edges[1::2] -= edges[::2]
        source = {"kaggle": " ".join(map(str, edges)), "shape": list(mask.shape)}
        check(source if order == "F" else dict(source, order="C"), mask)


def cvat_points(mask):
    ys, xs = np.nonzero(mask)
    left, top, right, bottom = (int(n) for n in (xs.min(), ys.min(), xs.max(), ys.max()))
    return alternating(mask[top:bottom + 1, left:right + 1].flatten()) + [left, top, right, bottom]


@test
def runs_of_a_cvat_box_are_the_mask():
    for rng, mask in masks("cvat"):
        if mask.any():
            points = cvat_points(mask)
            points = [float(n) for n in points] if rng.integers(2) else points
            check({"cvat_mask": {"points": points}, "shape": list(mask.shape)}, mask)


@test
def a_dense_rle_of_v7_is_the_label_map():
    for rng, mask in masks("dense"):
        labels = mask * rng.integers(0, 4, mask.shape)
        flat = labels.flatten()
        starts = np.concatenate(([0], np.flatnonzero(np.diff(flat)) + 1, [flat.size]))
        runs = [int(n) for s, e in zip(starts, starts[1:]) for n in (flat[s], e - s)]
        layer = {"dense_rle": runs, "mask_annotation_ids_mapping": {}, "total_pixels": flat.size}
        check({"dense_rle": layer, "shape": list(mask.shape)}, labels, (1, 2, 3))


@test
def the_brush_of_label_studio_is_the_mask():
    if not MISSING and brush is None:
        raise Skip("label_studio_converter is not there; script/bootstrap peers")
    for rng, mask in masks("brush"):
        coloured = rng.integers(2)
        if coloured or np.count_nonzero(np.diff(mask)) > 2000:  # the converter takes 10 us a run
            mask = mask[:32, :32]
        if not coloured:
            pixels = np.repeat(mask.flatten() * 255, 4)
        else:  # colours of its own under the alpha
            pixels = rng.integers(0, 256, (mask.size, 4))
            pixels[:, 3] = mask.flatten() * rng.integers(1, 256, mask.size)
            pixels = pixels.flatten()
        rle = [int(n) for n in brush.encode_rle(pixels.astype(np.uint8))]
        assert (brush.decode_rle(rle) == pixels).all()
        check({"label_studio_rle": rle, "shape": list(mask.shape)}, mask)


def supervisely_bitmap(mask, rng):
    """As supervisely.Bitmap.data_2_base64 does: a palette of two colours, one of them transparent."""
    image = Image.fromarray(mask * 255)
    if rng.integers(2):
        image = image.point([0] + [1] * 255, mode="P")
        image.putpalette([0, 0, 0, 255, 255, 255])
        options = {"transparency": 0, "optimize": 0}
    else:
        image = Image.merge("RGBA", [Image.fromarray(rng.integers(0, 256, mask.shape, np.uint8))
                                     for _ in range(3)] + [image])
        options = {}
    file = io.BytesIO()
    image.save(file, "PNG", **options)
    return base64.b64encode(zlib.compress(file.getvalue())).decode()


@test
def a_bitmap_of_supervisely_is_pasted_where_it_belongs():
    for rng, mask in masks("supervisely"):
        height, width = (int(n) for n in mask.shape + rng.integers(0, 9, 2))
        y, x = int(rng.integers(height - mask.shape[0] + 1)), int(rng.integers(width - mask.shape[1] + 1))
        whole = np.zeros((height, width), np.uint8)
        whole[y:y + mask.shape[0], x:x + mask.shape[1]] = mask
        bitmap = {"data": supervisely_bitmap(mask, rng), "origin": [x, y]}
        check({"supervisely": {"bitmap": bitmap}, "shape": [height, width]}, whole)


# ------------------------------------------------------------------------------------ polygons


def random_polygon(rng, height, width):
    """Smooth, spiky, crossing itself, flat, a repeated point; inside the image, across its border,
    far outside; whole, half and finest coordinates."""
    n = int(rng.integers(3, rng.choice([4, 8, 40])))
    kind = rng.integers(8)
    size = np.array([width, height])
    points = rng.random((n, 2)) * size
    if kind == 1:
        points = points * 3 - size
    elif kind == 2:
        points = np.round(points)
    elif kind == 3:
        points = np.round(points * 2) / 2
    elif kind == 4:
        angle = np.sort(rng.random(n)) * 2 * np.pi
        points = (np.stack([np.cos(angle), np.sin(angle)], 1) * rng.random() + 1) * size / 2
    elif kind == 5:
        points[:, rng.integers(2)] = points[0, 0]
    elif kind == 6:
        points = points[rng.integers(0, n, n)]
    elif kind == 7:
        points = (points - size / 2) * rng.choice([10, 100, 10, 100, 10, 10, 100, 1e4 if n < 5 else 10])
    return points


def as_coco(polygons, height, width):
    rles = coco.frPyObjects([[float(v) for v in p.flatten()] for p in polygons], height, width)
    rle = coco.merge(rles)
    return {"size": rle["size"], "counts": rle["counts"].decode()}, int(coco.area(rle))


def check_same(source, rle, area, what):
    answer = score(source, {"rle": rle})
    seen = [(c["tp"], c["fp"], c["fn"]) for c in answer["classes"]]
    assert seen == [(area, 0, 0)], "seed %d: %s, wanted %d; %s of %s" % (
        SEED, seen, area, json.dumps(what)[:3000], rle["size"])


@test
def polygons_are_the_pixels_that_pycocotools_gives_them():
    rng = numpy_random("polygon")
    for _ in range(POLYGONS):
        height, width = (int(n) for n in rng.integers(1, rng.choice([4, 60, 400]), 2))
        polygons = [random_polygon(rng, height, width)]
        rle, area = as_coco(polygons, height, width)
        value = [[float(v) for v in p.flatten()] for p in polygons]
        check_same({"polygons": value, "shape": [height, width]}, rle, area, value)


@test
def several_polygons_are_their_union():
    rng = numpy_random("union")
    for _ in range(POLYGONS // 8):
        height, width = (int(n) for n in rng.integers(1, 100, 2))
        polygons = [random_polygon(rng, height, width) for _ in range(rng.integers(2, 6))]
        rle, area = as_coco(polygons, height, width)
        value = [[float(v) for v in p.flatten()] for p in polygons]
        check_same({"polygons": {"size": [height, width], "segmentation": value}}, rle, area, value)


@test
def polygons_along_the_rows_are_the_same_pixels():
    """CVAT numbers pixels along the rows: what polygons cover is turned round."""
    rng = numpy_random("rows")
    for _ in range(POLYGONS // 2):
        height, width = (int(n) for n in rng.integers(1, rng.choice([4, 60, 400]), 2))
        polygon = random_polygon(rng, height, width)
        rle, area = as_coco([polygon], height, width)
        points = [float(v) for v in polygon.flatten()]
        shape = {"type": "polygon", "label": "a", "frame": 0, "points": points}
        check_same({"cvat": {"shapes": [shape]}, "shape": [height, width]}, rle, area, points)


@test
def polygons_of_label_studio_are_in_percents():
    rng = numpy_random("percents")
    for _ in range(POLYGONS // 8):
        height, width = (int(n) for n in rng.integers(1, 300, 2))
        percents = random_polygon(rng, 100, 100)
        rle, area = as_coco([percents / 100 * (width, height)], height, width)
        region = {"type": "polygonlabels", "original_width": width, "original_height": height,
                  "value": {"points": percents.tolist(), "closed": True, "polygonlabels": ["a"]}}
        check_same({"label_studio": [region]}, rle, area, percents.tolist())


# ----------------------------------------------------------------------------------- envelopes


def coco_file(rng):
    """A COCO file of three images: polygons, run lengths of both kinds, a crowd, boxes."""
    images = [{"id": 7 * i + 3, "height": int(rng.integers(20, 90)), "width": int(rng.integers(20, 90)),
               "file_name": "%d.jpg" % i} for i in range(3)]
    categories = [{"id": i, "name": "thing %d" % i} for i in (1, 2, 90)]
    annotations = []
    for i in range(int(rng.integers(5, 25))):
        image = images[rng.integers(3)]
        height, width = image["height"], image["width"]
        mask = (rng.random((height, width)) < 0.3).astype(np.uint8)
        kind = rng.integers(4)
        if kind == 0:
            segmentation = [random_polygon(rng, height, width).flatten().tolist() for _ in range(2)]
        elif kind == 1:
            segmentation = coco_rle(mask)
        elif kind == 2:
            segmentation = {"size": [height, width], "counts": alternating(mask.flatten("F"))}
        else:
            segmentation = []
        if kind == 0 and any(len(p) == 4 for p in segmentation):
            continue
        annotations.append({"id": i, "image_id": image["id"], "category_id": int(rng.choice([1, 2, 90])),
                            "segmentation": segmentation, "bbox": [0, 0, 1, 1], "area": 1,
                            "iscrowd": int(kind == 2)})
    return {"images": images, "categories": categories, "annotations": annotations}


def loaded(file):
    found = COCO()
    found.dataset = file
    with contextlib.redirect_stdout(None):
        found.createIndex()
    return found


@test
def each_category_of_a_coco_file_is_the_union_of_its_annotations():
    rng = numpy_random("envelope")
    for _ in range(MASKS // 5 + 1):
        file = coco_file(rng)
        known = loaded(file)
        for image in file["images"]:
            own = [a for a in file["annotations"] if a["image_id"] == image["id"]]
            source = {"coco": file, "image_id": image["id"]}
            for category in {a["category_id"] for a in own if a["segmentation"]}:
                union = np.zeros((image["height"], image["width"]), bool)
                for a in own:
                    if a["category_id"] == category and a["segmentation"]:
                        union |= known.annToMask(a).astype(bool)
                answer = score(source, array_source(union * np.int32(category)), labels=[category])
                seen = answer["classes"][0]
                wanted = [int(union.sum()), 0, 0]
                assert [seen[n] for n in ("tp", "fp", "fn")] == wanted, "seed %d: %s" % (SEED, seen)
                assert seen["name"] == "thing %d" % category
                skipped = answer["inputs"]["prediction"]["skipped"]
                n_boxes = sum(not a["segmentation"] for a in own)
                assert skipped == ({"bbox": n_boxes} if n_boxes else {}), skipped


@test
def a_task_of_label_studio_mixes_brush_and_polygons():
    if not MISSING and brush is None:
        raise Skip("label_studio_converter is not there; script/bootstrap peers")
    rng = numpy_random("task")
    for _ in range(MASKS // 5 + 1):
        height, width = (int(n) for n in rng.integers(5, 80, 2))
        names = {"tumour": np.zeros((height, width), bool), "vessel": np.zeros((height, width), bool)}
        result = []
        for _ in range(int(rng.integers(2, 8))):
            name = str(rng.choice(list(names)))
            region = {"id": "x", "original_width": width, "original_height": height, "image_rotation": 0}
            if rng.integers(2):
                mask = rng.random((height, width)) < 0.3
                rle = [int(n) for n in brush.encode_rle(np.repeat(mask.flatten() * 255, 4).astype(np.uint8))]
                region.update(type="brushlabels", value={"format": "rle", "rle": rle, "brushlabels": [name]})
            else:
                percents = random_polygon(rng, 100, 100)
                mask = coco.decode(coco.merge(coco.frPyObjects(
                    [(percents / 100 * (width, height)).flatten().tolist()], height, width))).astype(bool)
                region.update(type="polygonlabels", value={"points": percents.tolist(), "polygonlabels": [name]})
            names[name] |= mask
            result.append(region)
        result.append({"type": "rectanglelabels", "value": {"rectanglelabels": ["vessel"]}})
        task = {"id": 1, "data": {"image": "a.png"}, "annotations": [{"id": 5, "result": result}]}
        body = multipart([("prediction", json.dumps(task), "task.json"),
                          ("reference", json.dumps(coco_of(names)), "coco.json")])
        answer = post(body, MULTIPART)
        for found in answer["classes"]:
            wanted = [int(names[found["name"]].sum()), 0, 0]
            assert [found[n] for n in ("tp", "fp", "fn")] == wanted, "seed %d: %s" % (SEED, found)
        assert answer["inputs"]["prediction"]["skipped"] == {"rectanglelabels": 1}


def coco_of(names):
    """The same masks as a COCO file, whose categories are called so but have numbers of their own."""
    shape = next(iter(names.values())).shape
    return {"images": [{"id": 1, "height": shape[0], "width": shape[1]}],
            "categories": [{"id": 40 - i, "name": name} for i, name in enumerate(names)],
            "annotations": [{"id": i, "image_id": 1, "category_id": 40 - i, "segmentation": coco_rle(mask)}
                            for i, mask in enumerate(names.values()) if mask.any()]}


@test
def a_job_of_cvat_mixes_masks_and_polygons():
    rng = numpy_random("job")
    for _ in range(MASKS // 5 + 1):
        height, width = (int(n) for n in rng.integers(5, 80, 2))
        union = {4: np.zeros((height, width), bool), 9: np.zeros((height, width), bool)}
        shapes = [{"type": "rectangle", "label_id": 4, "frame": 0, "points": [0, 0, 1, 1]}]
        for _ in range(int(rng.integers(2, 8))):
            label = int(rng.choice(list(union)))
            shape = {"label_id": label, "frame": 0, "occluded": False, "z_order": 0, "attributes": []}
            if rng.integers(2):
                mask = rng.random((height, width)) < 0.2
                mask[rng.integers(height), rng.integers(width)] = True
                shape.update(type="mask", points=cvat_points(mask))
            else:
                polygon = random_polygon(rng, height, width)
                mask = coco.decode(coco.merge(coco.frPyObjects([polygon.flatten().tolist()], height, width)))
                shape.update(type="polygon", points=polygon.flatten().tolist())
            union[label] |= mask.astype(bool)
            shapes.append(shape)
        job = {"version": 0, "tags": [], "shapes": shapes, "tracks": [{"frame": 0}]}
        for label, mask in union.items():
            answer = score({"cvat": job, "shape": [height, width]}, array_source(mask * np.int32(label)),
                           labels=[label])
            seen = [answer["classes"][0][n] for n in ("tp", "fp", "fn")]
            assert seen == [int(mask.sum()), 0, 0], "seed %d: %s" % (SEED, seen)
            assert answer["inputs"]["prediction"]["skipped"] == {"rectangle": 1, "track": 1}


@test
def the_daemon_stops_cleanly():
    if DAEMON is None:
        raise Skip("it was not needed")
    if CONNECTION is not None:
        CONNECTION.close()
    DAEMON.stop()


overlapd.main()
