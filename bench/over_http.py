#!/usr/bin/python3 -B
# http.py - what overlapd costs over HTTP, next to nginx: bench/http.py [--seconds N]
# SPDX-License-Identifier: Apache-2.0
"""Prints a table of value and goal and writes it, with the machine's facts, to
bench/results/http.md. Needs build/release, wrk, nginx and numpy (script/bench sees to that)."""
import argparse
import datetime
import gzip
import io
import json
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

import numpy

from harness import (MIB, ROOT, Nginx, OtherLoad, Overlapd, machine, multipart, phantom, post,
                     version_of, wrk)

SCORE = "/v1/score"
VOLUME = "512,512,300"
UPLOADS, UPLOAD_ROUNDS = 32, 3
BUDGET_BYTES = 256 * MIB

results = []


def record(what, value, goal="", met=None):
    results.append((what, value, goal, "" if met is None else "met" if met else "NOT MET"))
    print("%-78s %-24s %-28s %s" % results[-1])
    sys.stdout.flush()


def at_most(what, value, limit, form):
    record(what, form % value, "at most " + form % limit, value <= limit)


def no_failures(what, result):
    record(what + ": failures", "%d of %d" % (result["failures"], result["requests"]), "0",
           result["failures"] == 0 and result["requests"] > 0)


class Bodies:
    """The request bodies, as files in one folder."""

    def __init__(self, folder):
        self.folder = folder
        self.small = self.path("small")
        self.small_bytes = multipart(self.small, phantom(
            self.path("slice"), "volume", "--size", "512,512,1", "--labels", "24",
            "--format", "npy.gz"))
        self.cells = self.path("cells")
        self.cells_bytes = multipart(self.cells, phantom(
            self.path("image"), "image", "--size", "512,512", "--format", "npy.gz"))
        volume = phantom(self.path("volume"), "volume", "--size", VOLUME)
        self.volume = self.path("volume-body")
        self.volume_bytes = multipart(self.volume, volume)
        self.mixed = self.path("mixed-body")
        self.mixed_bytes = multipart(self.mixed, dict(volume, prediction=self.as_c_order(volume)))
        self.raw = self.path("raw-body")
        self.raw_bytes = self.write_raw()

    def path(self, name):
        return os.path.join(self.folder, name)

    @staticmethod
    def as_c_order(volume):
        """The same prediction as NPY whose last axis is fastest: the other order of elements."""
        shape = [int(n) for n in VOLUME.split(",")]
        bytes_ = gzip.decompress(volume["prediction"][1])[352:]
        array = numpy.frombuffer(bytes_, numpy.uint8).reshape(shape, order="F")
        file = io.BytesIO()
        numpy.save(file, numpy.ascontiguousarray(array))
        return "prediction.npy.gz", gzip.compress(file.getvalue(), 6)

    def write_raw(self):
        """64 MiB: two masks of 32 MiB, as bytes."""
        shape = [512, 512, 128]
        source = {"format": "raw", "dtype": "uint8", "shape": shape}
        request = json.dumps({"prediction": source, "reference": source}).encode()
        zeros, mask = bytes(32 * MIB), bytes(16 * MIB) + b"\1" * (16 * MIB)
        return multipart(self.raw, {"request": (None, request), "prediction": ("p", zeros),
                                    "reference": ("r", mask)})


def under_load(process, *arguments):
    """wrk's result with the CPU that one request took."""
    begin = process.cpu_s()
    result = wrk(process.address, *arguments)
    result["cpu_us"] = (process.cpu_s() - begin) * 1e6 / max(result["requests"], 1)
    result["rate"] = result["requests"] / result["seconds"]
    return result


def show_rate(what, result):
    record(what, "%.0f requests/s, %.1f us CPU" % (result["rate"], result["cpu_us"]))


def bench_small(bodies, seconds):
    """50 clients post small pairs; nginx takes the same bodies and answers the same text."""
    what = "512x512 gzip NPY pair of organs (%.1f KiB), 50 clients" % (bodies.small_bytes / 1024)
    overlapd = Overlapd(bodies.folder)
    status, answer, _ = post(overlapd.address, SCORE, bodies.small)
    assert status == 200, answer
    ours = under_load(overlapd, SCORE, 50, seconds, bodies.small)
    cells = under_load(overlapd, SCORE, 50, min(seconds, 10), bodies.cells)
    overlapd.stop()
    nginx = Nginx(bodies.folder, answer.decode())
    theirs = under_load(nginx, SCORE, 50, seconds, bodies.small)
    nginx.stop()
    no_failures(what, ours)
    show_rate(what, ours)
    show_rate("the same to nginx, which answers a constant of that length", theirs)
    record("requests/s, overlapd / nginx", "%.2f" % (ours["rate"] / theirs["rate"]))
    record("CPU per request, overlapd / nginx", "%.1f" % (ours["cpu_us"] / theirs["cpu_us"]))
    show_rate("512x512 gzip NPY pair of 290 cells (%.1f KiB), 50 clients" % (
        bodies.cells_bytes / 1024), cells)


def bench_latency(bodies, seconds):
    """Short requests on one connection while others keep the workers busy."""
    for what, clients, body in (("50 clients post small pairs", 50, bodies.small),
                                ("4 clients post volumes", 4, bodies.volume)):
        overlapd = Overlapd(bodies.folder)
        load = wrk(overlapd.address, SCORE, clients, seconds, body, wait=False)
        alive = wrk(overlapd.address, "/livez", 1, max(seconds - 2, 1))
        no_failures(what, load())
        at_most("/livez p50 while " + what, alive["p50_us"] / 1e3, 0.2, "%.3f ms")
        record("/livez p99 while " + what, "%.3f ms" % (alive["p99_us"] / 1e3))
        overlapd.stop()


def bench_lanes(bodies, seconds):
    """A small pair must not wait for volumes."""
    overlapd = Overlapd(bodies.folder)
    alone = wrk(overlapd.address, SCORE, 1, 3, bodies.small)
    record("512x512 pair p50, alone", "%.3f ms" % (alone["p50_us"] / 1e3))
    load = wrk(overlapd.address, SCORE, 4, seconds, bodies.volume, wait=False)
    small = wrk(overlapd.address, SCORE, 1, max(seconds - 2, 1), bodies.small)
    volumes = load()
    overlapd.stop()
    no_failures("512x512 pair while 4 clients post volumes", small)
    at_most("512x512 pair p50 while 4 clients post volumes", small["p50_us"] / 1e3, 1, "%.3f ms")
    record("512x512 pair p99 while 4 clients post volumes", "%.3f ms" % (small["p99_us"] / 1e3))
    record("volume pairs meanwhile", "%.1f /s" % (volumes["requests"] / volumes["seconds"]))


def bench_uploads(bodies):
    """More bytes at once than the budget holds."""
    overlapd = Overlapd(bodies.folder, limits_budget_bytes=BUDGET_BYTES)
    with ThreadPoolExecutor(UPLOADS) as pool:
        answers = list(pool.map(lambda _: post(overlapd.address, SCORE, bodies.raw),
                                range(UPLOADS * UPLOAD_ROUNDS)))
    peak = overlapd.memory_bytes("VmHWM")
    overlapd.stop()
    failures = sum(status != 200 for status, _, _ in answers)
    what = "%d parallel uploads of %d MiB, budget 256 MiB" % (UPLOADS, bodies.raw_bytes // MIB)
    no_failures(what, {"failures": failures, "requests": len(answers)})
    at_most(what + ": peak memory", peak / MIB, (BUDGET_BYTES + 64 * MIB) / MIB, "%.0f MiB")


def peak_of(bodies, body):
    """What one request adds to a daemon that has answered a small one before."""
    overlapd = Overlapd(bodies.folder)
    post(overlapd.address, SCORE, bodies.small)
    overlapd.reset_peak()
    before = overlapd.memory_bytes("VmRSS")
    status, answer, seconds = post(overlapd.address, SCORE, body)
    assert status == 200, answer
    peak = overlapd.memory_bytes("VmHWM") - before
    overlapd.stop()
    return peak, seconds


def bench_memory(bodies):
    """One volume pair: pieces in step, or both masks whole where their orders differ."""
    masks = 2 * 512 * 512 * 300
    for what, body, n_bytes, room in (
            ("512x512x300 .nii.gz pair", bodies.volume, bodies.volume_bytes, 16 * MIB),
            ("512x512x300 .nii.gz and C-order .npy.gz", bodies.mixed, bodies.mixed_bytes,
             masks + 16 * MIB)):
        peak, seconds = peak_of(bodies, body)
        at_most(what + ": peak memory", peak / MIB, (n_bytes + room) / MIB, "%.1f MiB")
        record(what + ": whole request", "%.1f ms" % (seconds * 1e3))


def write(seconds, facts):
    """The same table for readers."""
    path = os.path.join(ROOT, "bench/results/http.md")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as page:
        page.write("# overlapd over HTTP\n\nWritten by `script/bench`, %s, %d s per load.\n\n" % (
            datetime.date.today().isoformat(), seconds))
        page.write("| | |\n|---|---|\n")
        page.writelines("| %s | %s |\n" % fact for fact in facts.items())
        page.write("\nClients and daemons share the cores, over loopback. CPU is user and system "
                   "time of the\nserver's process. nginx runs as one process and answers every POST "
                   "with a constant as long\nas overlapd's answer; it decodes and computes "
                   "nothing.\n\n")
        page.write("| what | value | goal | |\n|---|---|---|---|\n")
        page.writelines("| %s | %s | %s | %s |\n" % row for row in results)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=30, help="of each load")
    seconds = parser.parse_args().seconds
    other_load = OtherLoad()
    with tempfile.TemporaryDirectory() as folder:
        bodies = Bodies(folder)
        bench_small(bodies, seconds)
        bench_latency(bodies, min(seconds, 10))
        bench_lanes(bodies, min(seconds, 10))
        bench_uploads(bodies)
        bench_memory(bodies)
    facts = dict(machine(), nginx=version_of("/usr/sbin/nginx", "-v"), wrk=version_of("wrk", "-v"),
                 **{"other load": "%.0f %% of the cores" % other_load.percent()})
    print("other load: " + facts["other load"])
    write(seconds, facts)
    return 0 if all(row[3] != "NOT MET" for row in results) else 1


if __name__ == "__main__":
    sys.exit(main())
