#!/usr/bin/python3 -B
# small_requests.py - what a small request costs, next to nginx and to FastAPI: bench/small_requests.py [--seconds N]
# SPDX-License-Identifier: Apache-2.0
"""Prints a table of value and goal and writes it, with the machine's facts, to
bench/results/requests.md. Needs build/release, wrk, nginx and build/bench-venv (script/bench sees to
that). What is compared is loaded in turn, several times; figures are medians."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

import page
from harness import (MULTIPART, ROOT, Nginx, OtherLoad, Overlapd, Process, build, free_port,
                     machine, multipart, phantom, post, version_of, wait_for, wrk)
from page import record

SCORE = "/v1/score"
JSON = "application/json"
CLIENTS, ROUNDS = 32, 3
GZIP_CLIENTS = 8  # so that FastAPI answers all of them within a load
VENV = os.path.join(ROOT, "build/bench-venv/bin")
# An outline of 200 points in 240 x 320 pixels as pycocotools writes it, and the same moved by (3, -2).
OUTLINE = ("%s0220S7:N2oHCg61ZIa0`6_O_Ij0^65N2RJnN\\5]1WJeNd51ZJ`1e57O0M4N3N1M2O2O0JkMQKV2m471O0003N0"
           "M3M3O2N3L101N0O2O3M4M0O2O0O1O001N20O11N2M3OO101N101O02N000O10O12N0O0201OO1O0O1O110O00001N"
           "1O100O10O10O2ON102O1OOO110O2O1N1M4N100O102N1O104K1OO10N20010O002N0000OO201N1I_K_Mb4^2<L1O"
           "2HQKmMQ51kJ61Z1`5eNaJZ1a5cNaJ\\1a5`NbJ`1h5O2M2O1IPJlNP6R19N1ROcIh0^6VOeIg0c6IYIBn61TI0[7M"
           "%s")

TEXT = """Medians of %d loads of %d s each, in turn. %d clients (gzip: %d) on loopback, which share the cores
with the server. CPU is user and system time of the server's process per request. nginx runs as one
process and answers with a constant as long as overlapd's answer; uvicorn runs as one process too."""


def at_least(what, value, limit, form="%.2f"):
    record(what, form % value, "at least " + form % limit, value >= limit)


class Fastapi(Process):
    """uvicorn, one process."""

    def __init__(self, folder):
        port = free_port()
        with open(os.path.join(folder, "uvicorn.log"), "wb") as log:
            super().__init__([os.path.join(VENV, "uvicorn"), "--app-dir", "bench", "--port",
                              str(port), "--log-level", "warning", "peer_fastapi:app"],
                             cwd=ROOT, stdout=log, stderr=log)
        self.address = "127.0.0.1:%d" % port
        wait_for(port)


class Case:
    """A request, and its name in the table."""

    def __init__(self, what, path, body=None, kind=MULTIPART, clients=CLIENTS):
        self.what, self.path, self.body, self.kind = what, path, body, kind
        self.clients = clients

    def answer_of(self, server):
        if self.body is None:
            return "alive\n"
        status, answer, _ = post(server.address, self.path, self.body, self.kind)
        assert status == 200, answer
        return answer.decode()

    def load(self, server, seconds):
        """CPU microseconds of the server for one request, and requests per second."""
        begin = server.cpu_s()
        result = wrk(server.address, self.path, self.clients, seconds, self.body, kind=self.kind)
        assert result["failures"] == 0 and result["requests"] > 0, result
        return ((server.cpu_s() - begin) * 1e6 / result["requests"],
                result["requests"] / result["seconds"])


def in_turn(case, servers, seconds):
    """The medians of CPU per request and of requests per second, for each server."""
    found = [[] for _ in servers]
    for _ in range(ROUNDS):
        for server, rounds in zip(servers, found):
            rounds.append(case.load(server, seconds))
    return [[statistics.median(values) for values in zip(*rounds)] for rounds in found]


def npy_pair(folder, name, *arguments):
    path = os.path.join(folder, name)
    pair = phantom(path + "-files", *arguments)
    multipart(path, pair)
    return path


def rle_pair(folder):
    path = os.path.join(folder, "rle")
    masks = [{"rle": {"size": [240, 320], "counts": OUTLINE % ends}}
             for ends in (("Sig", "Zme0"), ("eRg", "hcf0"))]
    with open(path, "w", encoding="ascii") as file:
        json.dump(dict(zip(("prediction", "reference"), masks)), file)
    return path


def show(what, cpu_us, rate):
    record(what, "%.1f us CPU, %.0f /s" % (cpu_us, rate))


def bench_nginx(folder, seconds):
    """Requests that cost little beside HTTP; nginx takes the same and answers the same text."""
    image = ("--labels", "4", "--format", "npy")
    cases = [
        (Case("GET /livez", "/livez"), 0.9),
        (Case("raw NPY pair, 64x64", SCORE,
              npy_pair(folder, "64", "image", "--size", "64,64", *image)), 0.6),
        (Case("raw NPY pair, 256x256", SCORE,
              npy_pair(folder, "256", "image", "--size", "256,256", *image)), 0.6),
        (Case("COCO RLE pair, JSON", SCORE, rle_pair(folder), JSON), 0.6)]
    overlapd = Overlapd(folder)
    for case, goal in cases:
        nginx = Nginx(folder, case.answer_of(overlapd))
        ours, theirs = in_turn(case, (overlapd, nginx), seconds)
        nginx.stop()
        show(case.what, *ours)
        show(case.what + ": nginx, static", *theirs)
        at_least(case.what + ": overlapd / nginx, per CPU second", theirs[0] / ours[0], goal)
    overlapd.stop()


def alone_us(folder, seconds):
    paths = [os.path.join(folder, "gzip-files", side + ".npy.gz")
             for side in ("prediction", "reference")]
    done = subprocess.run([build("bench/alone"), *paths, str(seconds)], check=True,
                          stdout=subprocess.PIPE)
    return float(done.stdout)


def bench_gzip(folder, seconds):
    """Compressed pairs, which workers decode; against inflating alone, and a service in Python."""
    case = Case("gzip NPY pair, 512x512", SCORE,
                npy_pair(folder, "gzip", "volume", "--size", "512,512,1", "--labels", "24",
                         "--format", "npy.gz"), clients=GZIP_CLIENTS)
    overlapd, fastapi = Overlapd(folder), Fastapi(folder)
    assert '"dice"' in case.answer_of(fastapi)
    alone = statistics.median(alone_us(folder, 0.5) for _ in range(ROUNDS))
    ours, theirs = in_turn(case, (overlapd, fastapi), 2 * seconds)
    fastapi.stop()
    overlapd.stop()
    show(case.what, *ours)
    record(case.what + ": inflate and count alone", "%.1f us CPU" % alone)
    show(case.what + ": FastAPI and NumPy behind uvicorn", *theirs)
    at_least(case.what + ": overlapd / inflate and count alone", alone / ours[0], 0.9)
    at_least(case.what + ": overlapd / FastAPI, per CPU second", theirs[0] / ours[0], 20, "%.1f")
    return case


def at_most(what, value, limit):
    record(what, "%.3f ms" % value, "at most %.3f ms" % limit, value <= limit)


def bench_beside_volumes(folder, small, seconds):
    """Short requests on one connection while volumes keep the workers busy."""
    volume = npy_pair(folder, "volume", "volume", "--size", "512,512,300")
    overlapd = Overlapd(folder)
    small.load(overlapd, 1)
    alone = wrk(overlapd.address, SCORE, 1, seconds, small.body)
    load = wrk(overlapd.address, SCORE, 4, 2 * seconds + 2, volume, wait=False)
    busy = wrk(overlapd.address, SCORE, 1, seconds, small.body)
    alive = wrk(overlapd.address, "/livez", 1, seconds)
    volumes = load()
    overlapd.stop()
    record(small.what + ": p50, alone", "%.3f ms" % (alone["p50_us"] / 1e3))
    at_most(small.what + ": p50 while 4 clients post volumes", busy["p50_us"] / 1e3, 0.3)
    record("the same: p99", "%.3f ms" % (busy["p99_us"] / 1e3))
    at_most("GET /livez: p50 meanwhile", alive["p50_us"] / 1e3, 0.2)
    record("volume pairs meanwhile", "%.1f /s" % (volumes["requests"] / volumes["seconds"]))
    failures = alone["failures"] + busy["failures"] + alive["failures"] + volumes["failures"]
    record("failures", "%d" % failures, "0", failures == 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=1, help="of each load")
    seconds = parser.parse_args().seconds
    other_load = OtherLoad()
    with tempfile.TemporaryDirectory() as folder:
        bench_nginx(folder, seconds)
        bench_beside_volumes(folder, bench_gzip(folder, seconds), 2 * seconds)
    packages = subprocess.run([os.path.join(VENV, "pip"), "list", "--format=json",
                               "--disable-pip-version-check"], check=True,
                              stdout=subprocess.PIPE).stdout
    versions = {item["name"]: item["version"] for item in json.loads(packages)}
    facts = dict(machine(), nginx=version_of("/usr/sbin/nginx", "-v"), wrk=version_of("wrk", "-v"),
                 FastAPI=versions["fastapi"], uvicorn=versions["uvicorn"],
                 NumPy=versions["numpy"],
                 **{"other load": "%.0f %% of the cores" % other_load.percent()})
    print("other load: " + facts["other load"])
    page.write("requests", "Small requests", facts, TEXT % (ROUNDS, seconds, CLIENTS, GZIP_CLIENTS))
    return 0 if page.all_met() else 1


if __name__ == "__main__":
    sys.exit(main())
