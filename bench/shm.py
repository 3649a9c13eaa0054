#!/usr/bin/python3 -B
# shm.py - what a pair in shared memory costs, next to NumPy, a plain read and uploads: bench/shm.py
# SPDX-License-Identifier: Apache-2.0
"""Prints a table of value and goal and writes it, with the machine's facts, to
bench/results/shm.md. Needs build/release and numpy; runs itself with build/venv's where there is
one. Every figure is a median of one run; ratios are of figures taken side by side."""
import argparse
import fcntl
import gzip
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time

try:
    import numpy
except ImportError:
    os.execv("build/venv/bin/python", ["python", "-B", *sys.argv])

import page
from harness import ROOT, OtherLoad, Overlapd, build, machine, multipart, phantom, post
from page import record

F_ADD_SEALS, SHRINK, GROW, WRITE = 1033, 2, 4, 8
SHAPE = [512, 512, 300]
N_BYTES = 512 * 512 * 300

def at_least(what, value, limit):
    record(what, "%.1fx" % value, "at least %gx" % limit, value >= limit)


def at_most(what, value, limit):
    record(what, "%.2fx" % value, "at most %gx" % limit, value <= limit)


def median_of(action, rounds):
    action()
    seconds = []
    for _ in range(rounds):
        begin = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds)


# ---------------------------------------------------------------------------------- the ways


def memfd(data, sealed):
    fd = os.memfd_create("mask", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    for at in range(0, len(data), 1 << 20):
        os.write(fd, data[at:at + (1 << 20)])
    if sealed:
        fcntl.fcntl(fd, F_ADD_SEALS, SHRINK | GROW | WRITE)
    return fd


class Client:
    """A connection to the descriptor socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.connect(path)

    def ask(self, text, fds=()):
        if fds:
            socket.send_fds(self.socket, [text], fds)
        else:
            self.socket.send(text)
        return self.socket.recv(65536)

    def register(self, fd):
        return json.loads(self.ask(b'{"op": "register"}', [fd]))["handle"]


def message(places, shape):
    sides = ("prediction", "reference")
    return json.dumps({"op": "score", **{
        side: {**place, "dtype": "uint8", "shape": shape, "order": "F"}
        for side, place in zip(sides, places)}}).encode()


def numpy_forms(prediction, reference, labels):
    """How the same counts are had from NumPy: {name: function that returns [(tp, p, r)]}."""
    def per_class():
        found = []
        for label in labels:
            p, r = prediction == label, reference == label
            found.append((numpy.count_nonzero(p & r), numpy.count_nonzero(p),
                          numpy.count_nonzero(r)))
        return found

    def three_histograms():
        n = labels[-1] + 1
        p = numpy.bincount(prediction, minlength=n)
        r = numpy.bincount(reference, minlength=n)
        both = numpy.bincount(prediction[prediction == reference], minlength=n)
        return [(both[label], p[label], r[label]) for label in labels]

    def joint_histogram():
        n = labels[-1] + 1
        joint = numpy.bincount(prediction.astype(numpy.intp) * n + reference,
                               minlength=n * n).reshape(n, n)
        return [(joint[label, label], joint[label].sum(), joint[:, label].sum())
                for label in labels]
    return {"per class": per_class, "three histograms": three_histograms,
            "joint histogram": joint_histogram}


def counts_of(answer):
    return [(c["tp"], c["prediction"], c["reference"]) for c in json.loads(answer)["classes"]]


def floors(fds):
    done = subprocess.run([build("bench/floor"), *map(str, fds), str(N_BYTES)], pass_fds=fds,
                          stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


# ------------------------------------------------------------------------------------ volumes


def masks(folder, size, n_labels):
    """The two masks' elements, as the phantom has them in memory order."""
    files = phantom(folder, "volume", "--size", size, "--labels", str(n_labels), "--format", "npy")
    n_voxels = int(numpy.prod([int(extent) for extent in size.split(",")]))
    return [numpy.frombuffer(files[side][1][-n_voxels:], numpy.uint8)
            for side in ("prediction", "reference")]


def bench_numpy(pair, labels, wanted):
    """The seconds of each form; slow ones are run once."""
    found = {}
    for name, form in numpy_forms(*pair, labels).items():
        begin = time.perf_counter()
        assert [tuple(map(int, c)) for c in form()] == wanted, name
        seconds = time.perf_counter() - begin
        if seconds < 1:
            seconds = median_of(form, 5)
        record("NumPy, %s: %d classes" % (name, len(labels)), "%.1f ms" % (seconds * 1e3))
        found[name] = seconds
    return found


def bench_way(client, name, text, fds, wanted):
    answer = client.ask(text, fds)
    assert counts_of(answer) == wanted, name
    seconds = median_of(lambda: client.ask(text, fds), 41)
    record(name, "%.2f ms" % (seconds * 1e3))
    return seconds


def bench_uploads(overlapd, folder, pair, n_classes):
    for coding, pack in (("none", bytes), ("gzip", lambda a: gzip.compress(a, 6))):
        body = os.path.join(folder, "body")
        sources = {side: {"format": "raw", "dtype": "uint8", "shape": SHAPE, "order": "F",
                          "encoding": coding} for side in ("prediction", "reference")}
        multipart(body, {"prediction": ("p", pack(pair[0].tobytes())),
                         "reference": ("r", pack(pair[1].tobytes())),
                         "request": ("", json.dumps(sources).encode())})
        seconds = []
        for _ in range(7):
            status, answer, took = post(overlapd.address, "/v1/score", body)
            assert status == 200, answer
            seconds.append(took)
        record("HTTP upload, %s: %d classes" % ("raw" if coding == "none" else coding, n_classes),
               "%.1f ms" % (statistics.median(seconds) * 1e3))


def bench_volume(overlapd, client, folder, n_classes, goals):
    pair = masks(os.path.join(folder, "volume"), "512,512,300", n_classes)
    labels = list(range(1, n_classes + 1))
    sealed, plain = ([memfd(mask.tobytes(), seal) for mask in pair] for seal in (True, False))
    handles = {kind: [{"handle": client.register(fd)} for fd in fds]
               for kind, fds in (("sealed", sealed), ("plain", plain))}
    wanted = counts_of(client.ask(message(handles["sealed"], SHAPE)))
    of = ": %d classes" % n_classes
    forms = bench_numpy(pair, labels, wanted)
    fastest = min(forms.values())
    before = floors(sealed)
    mapped = bench_way(client, "sealed, handle reused" + of, message(handles["sealed"], SHAPE), (),
                       wanted)
    copied = bench_way(client, "unsealed, handle reused" + of, message(handles["plain"], SHAPE), (),
                       wanted)
    bench_way(client, "unsealed, descriptors in the message" + of,
              message([{"fd": 0}, {"fd": 1}], SHAPE), plain, wanted)
    after = floors(sealed)
    floor = {name: (before[name] + after[name]) / 2 for name in before}
    for name, text in (("mapped", "plain read of the mapped bytes"), ("copied", "plain pread loop")):
        record("%s, one thread, two threads" % text,
               "%.2f, %.2f ms" % (floor[name + " 1"] * 1e3, floor[name + " 2"] * 1e3))
    bench_uploads(overlapd, folder, pair, n_classes)
    at_least("fastest NumPy / sealed" + of, fastest / mapped, goals[0])
    at_least("fastest NumPy / unsealed" + of, fastest / copied, goals[1])
    record("NumPy per class / sealed, unsealed" + of, "%.0fx, %.0fx" % (
        forms["per class"] / mapped, forms["per class"] / copied))
    at_most("sealed / plain read, two threads" + of, mapped / floor["mapped 2"], 1.25)
    at_most("unsealed / plain pread loop, two threads" + of, copied / floor["copied 2"], 1.25)
    for fd in sealed + plain:
        os.close(fd)


# -------------------------------------------------------------------------------------- small


def empty_http(path):
    """A request for /livez on a connection that stays, over the Unix socket."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
    request = b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"

    def ask():
        connection.send(request)
        assert b"ok" in connection.recv(4096)
    return ask


def bench_small(paths, folder, core):
    """One pair 512 x 512, with client and daemon where the kernel puts them, or on one core."""
    where = "on one core" if core else "on any core"
    client = Client(paths["fd"])
    pair = masks(os.path.join(folder, "slice"), "512,512,1", 2)
    handles = [{"handle": client.register(memfd(mask.tobytes(), True))} for mask in pair]
    text = message(handles, [512, 512])
    seconds = median_of(lambda: client.ask(text), 3000)
    empty = median_of(empty_http(paths["http"]), 3000)
    record("512x512 pair, sealed, round trip, %s" % where, "%.1f us" % (seconds * 1e6),
           "at most 60 us", seconds <= 60e-6)
    record("GET /livez, Unix socket, %s" % where, "%.1f us" % (empty * 1e6))
    record("512x512 pair / GET /livez, %s" % where, "%.2fx" % (seconds / empty))


# --------------------------------------------------------------------------------------- page


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, help="not used: rounds are counted")
    parser.parse_args()
    os.chdir(ROOT)
    subprocess.run(["make", "-s", "build/release/bench/floor"], check=True)
    other_load = OtherLoad()
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: os.path.join(folder, name) for name in ("fd", "http")}
        overlapd = Overlapd(folder, shm_enabled="yes", listen_fd=paths["fd"],
                            listen_unix=paths["http"])
        client = Client(paths["fd"])
        bench_volume(overlapd, client, folder, 2, (12, 4))
        bench_volume(overlapd, client, folder, 104, (400, 150))
        bench_small(paths, folder, False)
        everywhere = os.sched_getaffinity(0)
        for task in os.listdir("/proc/%d/task" % overlapd.pid):
            os.sched_setaffinity(int(task), {0})
        os.sched_setaffinity(0, {0})
        bench_small(paths, folder, True)
        os.sched_setaffinity(0, everywhere)
        overlapd.stop()
    facts = {k: v for k, v in machine().items() if k not in ("nginx", "wrk")}
    facts.update({"NumPy": numpy.__version__, "other load": "%.0f %%" % other_load.percent()})
    print("other load: " + facts["other load"])
    page.write("shm", "Shared memory", facts,
               "One pair of 512x512x300 uint8 masks, 157 MB, unless said. Round trips of a Python client,\n"
               "medians, the answer received but not parsed. NumPy computes the same counts in one thread of its\n"
               "own process; the plain reads are `bench/floor.c`. The uploads go over loopback.")
    return 0 if page.all_met() else 1


if __name__ == "__main__":
    sys.exit(main())
