#!/usr/bin/python3 -B
# test_store_load.py - readers, writers and a backup at the same time, none in another's way.
# SPDX-License-Identifier: Apache-2.0
"""LOAD_SECONDS and LOAD_READERS say how long and how many. A request that met a locked database would
be answered 503 and leave its reason in the log: neither may be."""
import http.client
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from overlapd import Daemon, OVERLAPD, main, scaled, test
from runs import JSON

SECONDS = float(os.environ.get("LOAD_SECONDS", scaled(4, 6)))
READERS = int(os.environ.get("LOAD_READERS", scaled(64, 12)))
WRITERS = 8
LOG_BYTES = 128 << 20
BODY = {"prediction": {"base64": "AQEA", "format": "raw", "dtype": "uint8", "shape": [3]},
        "reference": {"base64": "AQAA", "format": "raw", "dtype": "uint8", "shape": [3]}, "keep": "overlay"}
PATHS = ("/v1/runs", "/v1/runs/r0", "/v1/runs/r1/cases?sort=dice&limit=20", "/v1/runs/r2/cases/c7",
         "/v1/runs/r1/cases/c3/overlay",
         "/v1/runs/r0/compare/r1")


class Client(threading.Thread):
    """Sends one request after the other until the end; counts the answers by status."""

    def __init__(self, daemon, end, request):
        super().__init__()
        self.daemon_, self.end, self.request = daemon, end, request
        self.statuses = {}
        self.start()

    def run(self):
        connection = http.client.HTTPConnection(self.daemon_.host, self.daemon_.port, timeout=60)
        while time.monotonic() < self.end:
            connection.request(*self.request())
            answer = connection.getresponse()
            answer.read()
            self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
        connection.close()


def write():
    where = "/v1/runs/r%d/cases/c%d" % (random.randrange(3), random.randrange(300))
    return "PUT", where, json.dumps(dict(BODY, case={"group": "g%d" % random.randrange(9)})), JSON


def read():
    return "GET", random.choice(PATHS)


def total(clients):
    counts = {}
    for client in clients:
        client.join()
        for status, n in client.statuses.items():
            counts[status] = counts.get(status, 0) + n
    return counts


def check_copy(path):
    with sqlite3.connect(path) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert copy.execute("SELECT (SELECT sum(n_cases) FROM run) = (SELECT count(*) FROM kept)").fetchone()[0]
    copy.close()


@test
def readers_writers_and_a_backup_never_meet_a_lock():
    folder = tempfile.mkdtemp(prefix="overlapd-load-")
    path = os.path.join(folder, "store")
    with Daemon("--store.path=" + path, "--limits.connections_per_address=0") as daemon:
        for run in range(3):
            for case in range(10):
                daemon.request("PUT", "/v1/runs/r%d/cases/c%d" % (run, case), json.dumps(BODY), JSON)
        end, backups, log = time.monotonic() + SECONDS, 0, 0
        writers = [Client(daemon, end, write) for _ in range(WRITERS)]
        readers = [Client(daemon, end, read) for _ in range(READERS)]
        while time.monotonic() < end:
            copy = os.path.join(folder, "copy-%d" % backups)
            subprocess.run([OVERLAPD, "backup", copy, "--store.path=" + path], check=True, timeout=60)
            check_copy(copy)
            os.unlink(copy)
            backups += 1
            log = max(log, os.stat(path + "-wal").st_size)
        written, read_ = total(writers), total(readers)
        assert set(written) <= {200, 201} and set(read_) == {200}, (written, read_)
        assert "store-failed" not in daemon.log() and "locked" not in daemon.log(), daemon.log()
        assert log <= LOG_BYTES, log
        print("# %d readers: %s; %d writers: %s; %d backups; log of %d KiB at most"
              % (READERS, read_, WRITERS, written, backups, log >> 10))
    check_copy(path)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
