#!/usr/bin/python3 -B
# test_io_runs.py - the n-th write to the store fails, once and for ever, with EIO and with ENOSPC.
# SPDX-License-Identifier: Apache-2.0
"""IO_POINTS says how many n are tried of each kind, spread over IO_CALLS. Cases are kept until one is
refused; scoring goes on, what was acknowledged is there, and keeping is taken up again without a
restart. Pictures fill the log quickly, so that checkpoints are among what fails."""
import errno
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../api"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from failing import PRELOADED_IO, fail_io, unless_sanitized  # noqa: E402
from overlapd import Daemon, OVERLAPD, START_TIMEOUT_S, main, multipart, npy, pair, test, MULTIPART  # noqa: E402
from runs import masks, path  # noqa: E402

POINTS = int(os.environ.get("IO_POINTS", 1))
CALLS = int(os.environ.get("IO_CALLS", 600))
NAMES = 7
SIDE = 600
PRELOAD = {"LD_PRELOAD": PRELOADED_IO}


def put(daemon, name, group, noise):
    """The group tells which of the cases of this name was kept."""
    request = {"case": {"group": str(group)}, "labels": [1, 2], "keep": "overlay"}
    body = multipart(pair(npy(noise, (SIDE, SIDE)), npy(noise[::-1], (SIDE, SIDE)), request))
    return daemon.request("PUT", path("r", name), body, {"Content-Type": MULTIPART})


class Book:
    """What was acknowledged, and what was sent last, of each case."""

    def __init__(self):
        self.entries = {}
        self.noise = bytes(random.Random(1).choices(range(4), k=SIDE * SIDE))
        self.n = 0

    def keep(self, daemon):
        self.n += 1
        name = "c%d" % (self.n % NAMES)
        entry = self.entries.setdefault(name, [0, 0])
        entry[1] = self.n
        answer = put(daemon, name, self.n, self.noise)
        if answer.status in (200, 201):
            entry[0] = self.n
        else:
            assert (answer.status, answer.json["code"]) == (503, "store-unavailable"), answer.body
        return answer.status

    def check(self, daemon):
        answer = daemon.get(path("r") + "/cases?limit=1000")
        kept = {c["case"]: int(c["group"]) for c in answer.json["cases"]} if answer.status == 200 else {}
        for name, (acknowledged, sent) in self.entries.items():
            assert acknowledged <= kept.get(name, 0) <= sent, (name, acknowledged, kept.get(name), sent)


def check_file(file):
    with sqlite3.connect("file:%s?mode=ro" % file, uri=True) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("SELECT (SELECT sum(n_cases) FROM run) = (SELECT count(*) FROM kept)"
                                " AND (SELECT count(*) FROM overlay) = (SELECT count(*) FROM kept)").fetchone()[0]
    database.close()


def await_recovery(daemon, book):
    deadline = time.monotonic() + 10
    while book.keep(daemon) == 503:
        assert time.monotonic() < deadline, "the store is not opened again\n" + daemon.log()
        time.sleep(0.1)


def try_point(daemon, book, n, code, for_ever):
    """A case takes 50 writes and more. Returns whether one was refused: a checkpoint refuses none."""
    fail_io(daemon, n, code, for_ever)
    refused = False
    for _ in range(n // 50 + 3):
        refused = refused or book.keep(daemon) == 503
        if refused:
            break
    assert daemon.score(pair(*masks({1: (1, 1, 1)}, 9))).status == 200
    if for_ever and refused:
        assert book.keep(daemon) == 503
        assert daemon.get(path("r")).status in (200, 404, 503)  # who has not read yet needs room for an index
    fail_io(daemon, -1)
    await_recovery(daemon, book)
    book.check(daemon)
    return refused


@test
def no_failing_write_loses_what_was_acknowledged_or_stops_scoring():
    unless_sanitized()
    chosen, book, refused = random.Random(int(os.environ.get("IO_SEED", "1"))), Book(), 0
    kinds = [(errno.EIO, False), (errno.ENOSPC, True), (errno.EIO, True), (errno.ENOSPC, False)]
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "store")
        with Daemon("--store.path=" + file, environment=PRELOAD) as daemon:
            points = [(n * CALLS // POINTS + chosen.randrange(CALLS // POINTS), *kind)
                      for n in range(POINTS) for kind in (kinds if POINTS > 1 else kinds[:2])]
            chosen.shuffle(points)
            for point in points:
                try:
                    refused += try_point(daemon, book, *point)
                except Exception as problem:
                    raise AssertionError("write %d, errno %d, for ever %d" % point) from problem
            assert "not a store" not in daemon.log()
        with Daemon("--store.path=" + file) as daemon:
            book.check(daemon)
            check_file(file)
    print("# %d failing writes, %d refusals, %d cases sent, none lost" % (len(points), refused, book.n))
    assert refused > 0


@test
def a_store_on_a_network_file_system_is_refused():
    unless_sanitized()
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("0x6969", "0xFE534D42", "0xFF534D42", "0x65735546", "0x1021997"):  # NFS SMB2 CIFS FUSE 9P
            answer = subprocess.run([OVERLAPD, "--listen.tcp=127.0.0.1:0", "--store.path=" + folder + "/store"],
                                    env={**os.environ, **PRELOAD, "FAKE_FILE_SYSTEM": kind},
                                    stderr=subprocess.PIPE, timeout=START_TIMEOUT_S, check=False)
            said = answer.stderr.decode()
            assert answer.returncode == 1 and kind.lower() in said and "network" in said, (kind, said)
            assert os.listdir(folder) == []


if __name__ == "__main__":
    main()
