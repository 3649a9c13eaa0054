#!/usr/bin/python3 -B
# test_kill.py - what was acknowledged outlives kill -9.
# SPDX-License-Identifier: Apache-2.0
"""KILLS says how often. 8 writers keep cases, new ones and again; after each kill every case must
hold what was acknowledged last, or something sent later, and never less; with an overlay where the
number sent with it is odd, and without where it is even."""
import http.client
import json
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from overlapd import Daemon, main, scaled, test

KILLS = int(os.environ.get("KILLS", scaled(12, 4)))
WRITERS = 8
NAMES = 40
BODY = {"prediction": {"base64": "AQEA", "format": "raw", "dtype": "uint8", "shape": [3]},
        "reference": {"base64": "AQAA", "format": "raw", "dtype": "uint8", "shape": [3]}}


class Writer(threading.Thread):
    """Keeps cases one after the other on one connection, until the daemon is gone."""

    def __init__(self, daemon, number, book):
        super().__init__(daemon=True)
        self.daemon_, self.number, self.book = daemon, number, book
        self.random = random.Random()
        self.n_acknowledged = 0
        self.strange = []
        self.start()

    def run(self):
        connection = http.client.HTTPConnection(self.daemon_.host, self.daemon_.port, timeout=20)
        try:
            while self.put(connection):
                pass
        except (OSError, http.client.HTTPException):
            pass
        connection.close()

    def put(self, connection):
        name = "w%d-%d" % (self.number, self.random.randrange(NAMES))
        entry = self.book.setdefault(name, {"acknowledged": 0, "sent": 0})
        entry["sent"] += 1
        body = dict(BODY, case={"group": str(entry["sent"])})
        if entry["sent"] % 2 == 1:
            body["keep"] = "overlay"
        connection.request("PUT", "/v1/runs/killed/cases/" + name, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        if answer.status not in (200, 201):
            self.strange.append(answer.status)
            return False
        entry["acknowledged"] = entry["sent"]
        self.n_acknowledged += 1
        return True


def check_book(daemon, book):
    """Every case of the run, page by page, against what was acknowledged."""
    kept, cursor = {}, ""
    while cursor is not None:
        answer = daemon.get("/v1/runs/killed/cases?limit=1000" + (cursor and "&cursor=" + cursor))
        if answer.status == 404:
            break
        assert answer.status == 200, answer.body
        kept.update((case["case"], int(case["group"])) for case in answer.json["cases"])
        cursor = answer.json["next"]
    for name, entry in book.items():
        there = kept.get(name, 0)
        assert entry["acknowledged"] <= there <= entry["sent"], "%s: %d is kept of %s" % (name, there, entry)
        entry["acknowledged"] = there
    assert daemon.get("/v1/runs").json["runs"][0]["n_cases"] == len(kept) if kept else True


def check_file(path):
    torn = ("SELECT count(*) FROM kept LEFT JOIN overlay USING(run, name)"
            " WHERE (overlay.text IS NOT NULL) <> CAST(patient AS INTEGER) % 2")
    with sqlite3.connect("file:%s?mode=ro" % path, uri=True) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute(torn).fetchone() == (0,)
        assert database.execute("SELECT (SELECT count(*) FROM overlay) <= (SELECT count(*) FROM kept)").fetchone()[0]
        assert database.execute("SELECT (SELECT coalesce(sum(n_cases), 0) FROM run) = (SELECT count(*) FROM kept)").fetchone()[0]


@test
def no_acknowledged_case_is_lost_by_kills():
    folder = tempfile.mkdtemp(prefix="overlapd-kill-")
    path, book, acknowledged = os.path.join(folder, "store"), {}, 0
    for number in range(KILLS):
        daemon = Daemon("--store.path=" + path)
        check_book(daemon, book)
        if number % 50 == 0:
            check_file(path)
        writers = [Writer(daemon, i, book) for i in range(WRITERS)]
        time.sleep(random.uniform(0.005, 0.15))
        daemon.signal(signal.SIGKILL)
        daemon.wait()
        for writer in writers:
            writer.join(30)
            assert not writer.strange, writer.strange
            acknowledged += writer.n_acknowledged
        shutil.rmtree(daemon.folder)
    with Daemon("--store.path=" + path) as daemon:
        check_book(daemon, book)
        check_file(path)
    print("# %d kills, %d cases acknowledged, none lost" % (KILLS, acknowledged))
    assert acknowledged > KILLS
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
