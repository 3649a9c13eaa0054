#!/usr/bin/python3 -B
# store.py - what keeping, summing up and polling runs costs: bench/store.py [--seconds N]
# SPDX-License-Identifier: Apache-2.0
"""Prints a table of value and goal and writes it to bench/results/store.md. Needs build/release and
wrk. The large store is written past the daemon, row by row, in the form of proto/kept.h."""
import sys

FOLDER = sys.path.pop(0)  # http.py lies there too, and is not the one that is meant
import http.client
sys.path.insert(0, FOLDER)

import argparse
import json
import os
import random
import sqlite3
import statistics
import subprocess
import tempfile
import time

import page
from harness import ROOT, OtherLoad, Overlapd, machine
from page import record

RUNS, CASES, CLASSES, GROUPS = 100, 10000, 10, 2500
CLIENTS = 64
BODY = json.dumps({"prediction": {"base64": "AQEA", "format": "raw", "dtype": "uint8", "shape": [3]},
                   "reference": {"base64": "AQAA", "format": "raw", "dtype": "uint8", "shape": [3]}})


def load(daemon, path, connections, seconds, **environment):
    output = subprocess.run(
        ["wrk", "-t1", "-c%d" % connections, "-d%ds" % seconds, "-s",
         os.path.join(ROOT, "bench/store.lua"), "http://%s%s" % (daemon.address, path)],
        env={**os.environ, **environment}, stdout=subprocess.PIPE, check=True).stdout.decode()
    return json.loads([line for line in output.splitlines() if line.startswith("{")][-1])


def request(daemon, method, path, body=None, headers=None):
    """(status, headers, body, seconds)"""
    host, port = daemon.address.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=120)
    begin = time.monotonic()
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    text = answer.read()
    seconds = time.monotonic() - begin
    connection.close()
    return answer.status, answer.headers, text, seconds


# ---------------------------------------------------------------------------- keeping


def measure_keeping(folder, seconds):
    rates = {}
    for commit in ("single", "group"):
        daemon = Overlapd(folder, store_path=os.path.join(folder, "keep-" + commit), store_commit=commit,
                          limits_connections_per_address=0)
        result = load(daemon, "/v1/runs/r/cases/c", CLIENTS, seconds, BODY=BODY)
        rates[commit] = result["requests"] / result["seconds"]
        record("cases kept, %d clients, %s commits" % (CLIENTS, commit),
               "%.0f/s, p99 %.1f ms" % (rates[commit], result["p99_us"] / 1000))
        record("the same: failures", "%d of %d" % (result["failures"], result["requests"]), "0",
               result["failures"] == 0)
        daemon.stop()
    record("group commits / single commits", "%.1f" % (rates["group"] / rates["single"]))


# ------------------------------------------------------------------------ a large store


def leb128(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def packed(random_):
    voxels = 512 * 512 * 100
    out = bytearray(b"\1" + leb128(voxels) + leb128(CLASSES))
    for label in range(1, CLASSES + 1):
        tp = random_.randrange(1, 100000)
        out += leb128(4 * label) + leb128(0) + leb128(tp + random_.randrange(50000))
        out += leb128(tp + random_.randrange(50000)) + leb128(tp)
    return bytes(out)


def write_store(folder):
    path = os.path.join(folder, "large")
    Overlapd(folder, store_path=path).stop()  # makes the tables
    random_ = random.Random(1)
    shapes = [packed(random_) for _ in range(20000)]
    with sqlite3.connect(path) as database:
        for run in range(1, RUNS + 1):
            database.execute("INSERT INTO run VALUES(?, ?, 0, 0, ?, ?, NULL)", (run, "run%03d" % run, run, CASES))
            grouped = run % 2 == 0
            database.executemany(
                "INSERT INTO kept VALUES(?, ?, 0, ?, ?, NULL, ?)",
                ((run, "case%05d" % i, run, "g%04d" % (i % GROUPS) if grouped else None,
                  random_.choice(shapes)) for i in range(CASES)))
        database.execute("UPDATE sequence SET last = ?", (RUNS,))
    database.close()
    return path


def milliseconds(daemon, path, rounds=15):
    times = []
    for _ in range(rounds):
        status, _, text, seconds = request(daemon, "GET", path)
        assert status == 200, text
        times.append(seconds * 1000)
    return statistics.median(times)


def measure_large(folder, seconds):
    path = write_store(folder)
    daemon = Overlapd(folder, store_path=path, limits_connections_per_address=0)
    record("the store: %d cases of %d classes" % (RUNS * CASES, CLASSES),
           "%.0f bytes a case" % (os.path.getsize(path) / RUNS / CASES))
    summary = milliseconds(daemon, "/v1/runs/run051")
    record("summary of %d cases, median" % CASES, "%.1f ms" % summary, "at most 50 ms", summary <= 50)
    grouped = milliseconds(daemon, "/v1/runs/run052")
    record("the same with %d groups, 1000 resamples" % GROUPS, "%.1f ms" % grouped, "at most 50 ms",
           grouped <= 50)
    record("100 worst cases of a class, median", "%.1f ms" % milliseconds(
        daemon, "/v1/runs/run051/cases?sort=dice&label=3"))
    record("one case, median", "%.2f ms" % milliseconds(daemon, "/v1/runs/run051/cases/case00123"))
    record("two runs compared, median", "%.0f ms" % milliseconds(
        daemon, "/v1/runs/run052/compare/run054", 5))
    measure_polling(daemon, seconds)
    daemon.stop()


def cpu_per_request(daemon, path, seconds, **environment):
    begin = daemon.cpu_s()
    result = load(daemon, path, 32, seconds, **environment)
    return (daemon.cpu_s() - begin) / result["requests"] * 1e6, result


def measure_polling(daemon, seconds):
    tag = request(daemon, "GET", "/v1/runs/run051")[1]["ETag"]
    polls, lives = [], []
    for _ in range(3):
        lives.append(cpu_per_request(daemon, "/livez", seconds)[0])
        polls.append(cpu_per_request(daemon, "/v1/runs/run051", seconds, TAG=tag)[0])
    live, poll = statistics.median(lives), statistics.median(polls)
    record("/livez, 32 clients", "%.2f us CPU" % live)
    record("a poll that is answered 304, 32 clients", "%.2f us CPU" % poll)
    record("304 / livez", "%.2f" % (poll / live), "at most 1.20", poll / live <= 1.2)


# -------------------------------------------------------------------------------- paper


TEXT = """%d s per load. Clients and daemon share the cores, over loopback. CPU is user and system time of
the daemon. Kept cases are pairs of three voxels, so that the store is what is measured, and each is
answered after its fsync."""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=10)
    seconds = parser.parse_args().seconds
    other = OtherLoad()
    with tempfile.TemporaryDirectory(prefix="overlapd-bench-") as folder:
        measure_keeping(folder, seconds)
        measure_large(folder, seconds)
    facts = {k: v for k, v in machine().items() if k != "nginx"}
    facts["other load"] = "%.0f %% of the cores" % other.percent()
    page.write("store", "The store", facts, TEXT % seconds)
    return 0 if page.all_met() else 1


if __name__ == "__main__":
    sys.exit(main())
