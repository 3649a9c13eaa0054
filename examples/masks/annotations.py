# annotations.py - the image of make.py as annotation tools write it, in JSON.
# SPDX-License-Identifier: Apache-2.0
import base64
import io
import json
import os
import zlib

import numpy
from label_studio_converter import brush
from PIL import Image
from pycocotools import mask as coco

HERE = os.path.dirname(os.path.abspath(__file__))


def write(name, kind, value):
    with open(os.path.join(HERE, "%s.%s.json" % (name, kind)), "w", encoding="ascii") as file:
        json.dump(value, file)
        file.write("\n")


def coco_rle(mask):
    rle = coco.encode(numpy.asfortranarray(mask))
    return {"size": rle["size"], "counts": rle["counts"].decode()}


def alternating(flat):
    """Run lengths, of pixels outside first."""
    ends = numpy.flatnonzero(numpy.diff(numpy.concatenate(([0], flat, [1 - flat[-1]]))))
    return [int(n) for n in numpy.diff(numpy.concatenate(([0], ends)))]


def starts_and_lengths(flat):
    edges = numpy.flatnonzero(numpy.diff(numpy.concatenate(([0], flat, [0])))) + 1
    return [int(n) for start, end in zip(edges[::2], edges[1::2]) for n in (start, end - start)]


def box_points(mask):
    """CVAT's points of a mask."""
    ys, xs = numpy.nonzero(mask)
    left, top, right, bottom = (int(n) for n in (xs.min(), ys.min(), xs.max(), ys.max()))
    runs = alternating(mask[top:bottom + 1, left:right + 1].flatten().astype(int))
    return runs + [left, top, right, bottom]


def outline(mask):
    """The border of a shape whose rows are in one piece: down its right side, up its left one."""
    right, left = [], []
    for y in numpy.flatnonzero(mask.any(1)):
        xs = numpy.flatnonzero(mask[y])
        right += [[xs[-1] + 1, y], [xs[-1] + 1, y + 1]]
        left += [[xs[0], y], [xs[0], y + 1]]
    return [[int(x), int(y)] for x, y in right + left[::-1]]


def brush_rle(mask):
    return [int(n) for n in brush.encode_rle(numpy.repeat(mask.flatten() * 255, 4).astype(numpy.uint8))]


def bitmap(mask):
    ys, xs = numpy.nonzero(mask)
    cut = Image.fromarray(mask[ys.min():ys.max() + 1, xs.min():xs.max() + 1].astype(numpy.uint8))
    cut = cut.convert("P")
    cut.putpalette([0, 0, 0, 255, 255, 255])
    file = io.BytesIO()
    cut.save(file, "PNG", transparency=0, bits=1)
    data = base64.b64encode(zlib.compress(file.getvalue())).decode()
    return {"bitmap": {"data": data, "origin": [int(xs.min()), int(ys.min())]}}


def dense(labels):
    flat = labels.flatten()
    starts = numpy.concatenate(([0], numpy.flatnonzero(numpy.diff(flat)) + 1, [flat.size]))
    return {"dense_rle": [int(n) for s, e in zip(starts, starts[1:]) for n in (flat[s], e - s)],
            "total_pixels": flat.size}


def label_studio(labels, names):
    height, width = labels.shape
    size = {"original_width": width, "original_height": height, "image_rotation": 0}
    result = [{"type": "rectanglelabels", **size,
               "value": {"x": 1, "y": 1, "width": 5, "height": 5, "rectanglelabels": ["note"]}}]
    for label, name in names.items():
        mask = labels == label
        if label == 2:
            points = [[100 * x / width, 100 * y / height] for x, y in outline(mask)]
            value = {"points": points, "closed": True, "polygonlabels": [name]}
            result.append({"type": "polygonlabels", "value": value, **size})
        elif mask.any():
            value = {"format": "rle", "rle": brush_rle(mask), "brushlabels": [name]}
            result.append({"type": "brushlabels", "value": value, **size})
    return {"id": 1, "data": {"image": "slice.png"}, "annotations": [{"id": 1, "result": result}]}


def cvat(labels, names):
    shapes = [{"type": "rectangle", "label": "note", "frame": 0, "points": [1, 1, 5, 5]}]
    for label, name in names.items():
        mask = labels == label
        if label == 2:
            points = [n for point in outline(mask) for n in point]
            shapes.append({"type": "polygon", "label": name, "frame": 0, "points": points})
        elif mask.any():
            shapes.append({"type": "mask", "label": name, "frame": 0, "points": box_points(mask)})
    return {"version": 0, "tags": [], "shapes": shapes, "tracks": []}


def write_annotations(name, labels, names):
    """Those of one mask are of label 1."""
    one = labels == 1
    write(name, "rle", [dict(coco_rle(labels == label), category_id=label) for label in names])
    write(name, "encord", dict(coco_rle(one.T), size=list(one.shape)))
    write(name, "kaggle", " ".join(map(str, starts_and_lengths(one.flatten("F").astype(int)))))
    write(name, "cvat_mask", {"points": box_points(one)})
    write(name, "label_studio_rle", {"format": "rle", "rle": brush_rle(one)})
    write(name, "supervisely", bitmap(one))
    write(name, "polygons", [[n for point in outline(one) for n in point]])
    write(name, "dense_rle", dense(labels))
    write(name, "label_studio", label_studio(labels, names))
    write(name, "cvat", cvat(labels, names))
