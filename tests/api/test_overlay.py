#!/usr/bin/python3 -B
# test_overlay.py - the picture of a kept case: when there is one, when it goes, what is refused.
# SPDX-License-Identifier: Apache-2.0
"""What is drawn is compared with NumPy in tests/conformance/test_overlay.py; here with a drawing."""
import os
import shutil
import sqlite3
import struct
import sys
import tempfile
import threading
import zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from overlapd import Daemon, main, multipart, npy, pair, scaled, test, MULTIPART
from runs import path

FOLDER = tempfile.mkdtemp(prefix="overlapd-overlay-")
FILES = iter(range(1000))
DRAWN = {"": 0, " ": 0, "i": 1, "t": 2, "p": 3, "n": 4, "w": 5}


def with_store(*options, file=None):
    return Daemon("--store.path=" + (file or os.path.join(FOLDER, "store-%d" % next(FILES))), *options)


def put(daemon, case, prediction, reference, shape, query="?keep=overlay", **request):
    body = multipart(pair(npy(prediction, shape), npy(reference, shape), request))
    return daemon.request("PUT", path("r", case) + query, body, {"Content-Type": MULTIPART})


def overlay(daemon, case, **more):
    return daemon.get(path("r", case) + "/overlay", **more)


def pixels(png):
    """The palette indices, row by row, of a PNG of 8 bits; filters undone by their definition."""
    at, data, head = 8, b"", None
    while at < len(png):
        n, kind = struct.unpack(">I4s", png[at:at + 8])
        if kind == b"IHDR":
            head = struct.unpack(">IIBB", png[at + 8:at + 18])
        data += png[at + 8:at + 8 + n] if kind == b"IDAT" else b""
        at += n + 12
    width, height, depth, colour = head
    assert (depth, colour) == (8, 3)
    raw, rows = zlib.decompress(data), [[0] * width]
    for y in range(height):
        kind, line, row, up = raw[y * (width + 1)], raw[y * (width + 1) + 1:(y + 1) * (width + 1)], [], rows[-1]
        for x, value in enumerate(line):
            a, b, c = row[x - 1] if x else 0, up[x], up[x - 1] if x else 0
            nearest = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
            row.append((value + (0, a, b, (a + b) // 2, nearest)[kind]) & 255)
        rows.append(row)
    return rows[1:]


def drawing(*rows):
    return [[DRAWN[c] for c in row] for row in rows]


P = bytes([0, 1, 1, 2, 0, 0,
           0, 1, 2, 2, 3, 0])
R = bytes([0, 1, 1, 0, 2, 0,
           0, 1, 1, 2, 3, 9])


@test
def an_image_is_drawn_as_drawn_here():
    with with_store() as daemon:
        answer = put(daemon, "c", P, R, (2, 6), ignore=[9])
        assert answer.status == 201 and "overlay" not in answer.json, answer.body
        picture = overlay(daemon, "c")
        assert picture.status == 200 and picture.type == "image/png"
        assert pixels(picture.body) == drawing(" ttpn ", " twtti")
        # tp 5; the wrong one is false on both sides.
        assert daemon.get(path("r", "c")).json["overlay"] == {
            "axis": None, "slice": 0, "width": 6, "height": 2, "scale": 1, "slices": 1, "dice": [10 / 14]}
        assert "overlay" not in daemon.get(path("r") + "/cases").json["cases"][0]


@test
def the_worst_slice_has_most_false_voxels_and_each_has_its_dice():
    with with_store() as daemon:
        p = bytes([0, 0, 0, 0] + [1, 1, 1, 0] + [2, 1, 1, 1] + [1, 0, 0, 0])
        r = bytes([0, 0, 0, 0] + [1, 1, 0, 0] + [0, 0, 1, 1] + [0, 0, 0, 0])
        assert put(daemon, "c", p, r, (4, 2, 2)).status == 201
        said = daemon.get(path("r", "c")).json["overlay"]
        assert said == {"axis": 0, "slice": 2, "width": 2, "height": 2, "scale": 1, "slices": 4,
                        "dice": [None, 4 / 5, 4 / 6, 0]}
        assert pixels(overlay(daemon, "c").body) == drawing("pp", "tt")


@test
def a_large_slice_is_drawn_smaller_and_no_error_is_lost():
    with with_store("--limits.overlay_pixels=4") as daemon:
        p, r = bytearray(25), bytearray(25)
        p[:] = r[:] = b"\1" * 25
        r[24] = 0
        p[3] = 0
        assert put(daemon, "c", p, r, (5, 5)).status == 201
        said = daemon.get(path("r", "c")).json["overlay"]
        assert (said["width"], said["height"], said["scale"]) == (2, 2, 3)
        assert pixels(overlay(daemon, "c").body) == drawing("tn", "tp")
        assert put(daemon, "c", p[:4], r[:4], (2, 2)).status == 200
        assert daemon.get(path("r", "c")).json["overlay"]["scale"] == 1


@test
def an_overlay_goes_with_its_case_and_comes_only_when_asked_for():
    file = os.path.join(FOLDER, "goes")
    with with_store(file=file) as daemon:
        assert put(daemon, "a", P, R, (2, 6), query="").status == 201
        assert daemon.get(path("r", "a")).json["overlay"] is None
        assert overlay(daemon, "a").json["code"] == "unknown-overlay" and overlay(daemon, "a").status == 404
        assert overlay(daemon, "b").json["code"] == "unknown-case"
        assert daemon.get(path("q", "b") + "/overlay").json["code"] == "unknown-run"
        assert put(daemon, "a", P, R, (2, 6)).status == 200 and overlay(daemon, "a").status == 200
        assert put(daemon, "a", R, R, (6, 2), query="", keep="overlay").status == 200
        assert pixels(overlay(daemon, "a").body) == drawing(" t", "t ", "t ", " t", "tt", "tt")
        assert put(daemon, "a", P, R, (2, 6), query="").status == 200
        assert overlay(daemon, "a").status == 404 and daemon.get(path("r", "a")).json["overlay"] is None
        for case in "bcd":
            assert put(daemon, case, P, R, (2, 6)).status == 201
        assert daemon.request("DELETE", path("r", "b")).status == 204
        assert overlay(daemon, "b").status == 404
    with with_store(file=file) as daemon:
        assert overlay(daemon, "c").status == 200
        with sqlite3.connect("file:%s?mode=ro" % file, uri=True) as database:
            assert database.execute("SELECT name FROM overlay ORDER BY 1").fetchall() == [("c",), ("d",)]
            assert daemon.request("DELETE", path("r")).status == 204
            count = lambda table: database.execute("SELECT count(*) FROM " + table).fetchone()[0]  # noqa: E731
            for _ in range(200):
                if count("gone") == 0:
                    break
                threading.Event().wait(0.05)
            assert [count(t) for t in ("gone", "kept", "overlay")] == [0, 0, 0]


@test
def a_picture_that_the_client_has_is_not_sent_again():
    with with_store() as daemon:
        assert put(daemon, "c", P, R, (2, 6)).status == 201
        tag = overlay(daemon, "c").headers["ETag"]
        again = overlay(daemon, "c", headers={"If-None-Match": tag})
        assert again.status == 304 and again.body == b"" and again.headers["ETag"] == tag
        assert put(daemon, "c", R, R, (2, 6)).status == 200
        assert overlay(daemon, "c", headers={"If-None-Match": tag}).status == 200
        assert daemon.get(path("r", "c") + "/overlay?wait=1").json["code"] == "bad-parameter"


@test
def what_cannot_be_drawn_or_is_not_kept_is_refused():
    with with_store("--limits.overlay_slices=3") as daemon:
        four = bytes(16)
        answer = put(daemon, "c", four, four, (2, 2, 2, 2))
        assert (answer.status, answer.json["code"]) == (422, "no-overlay"), answer.body
        assert "4 axes" in answer.json["detail"] and answer.json["errors"][0]["pointer"] == "#/keep"
        assert put(daemon, "c", four, four, (1, 2, 4, 2)).status == 201
        assert put(daemon, "c", bytes(12), bytes(12), (3, 2, 2)).status == 200
        answer = put(daemon, "c", four, four, (4, 2, 2))
        assert answer.json["code"] == "no-overlay" and "limit is 3" in answer.json["detail"]
        for query, request in (("?keep=x", {}), ("", {"keep": 1}), ("?keep=overlay", {"keep": "overlay"})):
            answer = put(daemon, "c", P, R, (2, 6), query=query, **request)
            assert (answer.status, answer.json["code"]) == (400, "bad-parameter"), answer.body
        for answer in (daemon.score(pair(npy(P), npy(R)), "?keep=overlay"),
                       daemon.score(pair(npy(P), npy(R), {"keep": "overlay"}))):
            assert answer.status == 400 and answer.json["errors"][0]["pointer"] == "#/keep", answer.body


@test
def a_store_of_the_version_before_is_migrated():
    file = os.path.join(FOLDER, "old")
    with with_store(file=file) as daemon:
        assert put(daemon, "c", P, R, (2, 6)).status == 201
    with sqlite3.connect(file) as database:
        database.execute("DROP TABLE overlay")
        database.execute("PRAGMA user_version=1")
    database.close()
    with with_store(file=file) as daemon:
        assert daemon.get(path("r", "c")).json["overlay"] is None
        assert put(daemon, "c", P, R, (2, 6)).status == 200 and overlay(daemon, "c").status == 200


@test
def overlays_take_their_memory_from_the_budget_and_give_it_back():
    side = 600
    noise = os.urandom(side * side)
    with with_store("--limits.budget_bytes=4M") as daemon:
        statuses = []

        def one(number):
            statuses.append(put(daemon, "c%d" % number, noise, noise[::-1], (side, side), labels=[1, 2]).status)

        threads = [threading.Thread(target=one, args=(i,)) for i in range(scaled(6, 3))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(statuses) <= {201, 503} and 201 in statuses, statuses
        daemon.settle(requests=1, budget_used_bytes=0)
    with with_store("--limits.budget_bytes=1500K", "--limits.overlay_pixels=16777216") as daemon:
        small = bytes(side * side)
        assert put(daemon, "c", small, small, (side, side), query="").status == 201
        answer = put(daemon, "c", small, small, (side, side))
        assert answer.status in (413, 503), answer.body
        assert daemon.get(path("r", "c")).status == 200


@test
def the_folder_of_these_tests_goes():
    shutil.rmtree(FOLDER)


if __name__ == "__main__":
    main()
