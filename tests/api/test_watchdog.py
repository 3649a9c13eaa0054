#!/usr/bin/python3 -B
# test_watchdog.py - what the service manager hears: a watchdog fed while loop and workers live.
# SPDX-License-Identifier: Apache-2.0
"""A worker is stopped as a debugger would: ptrace() stops one thread and leaves the others alone."""
import ctypes
import os
import select
import signal
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from overlapd import Daemon, Skip, multipart, npy, pair, scaled, test, main, MULTIPART

PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH, WALL = 0x4206, 0x4207, 17, 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
LIBC.ptrace.restype = ctypes.c_long

FEED_S = 0.1  # WATCHDOG_USEC / 2: how far apart
PERIOD = {"WATCHDOG_USEC": "200000"}
STUCK_S = 0.5  # timeouts.worker: longer than a worker that lives takes to say so


def heard(daemon, seconds, until=None):
    """[(when, what)] of the notifications within so many seconds, or until one has a word."""
    found, end = [], time.monotonic() + seconds
    while select.select([daemon.notify], [], [], max(0, end - time.monotonic()))[0]:
        found.append((time.monotonic(), daemon.notify.recv(4096).decode()))
        if until is not None and until in found[-1][1]:
            return found
    assert until is None, "no %s, but %s\n%s" % (until, [text for _, text in found[-3:]], daemon.log())
    return found


def feeds(found):
    return [when for when, text in found if text == "WATCHDOG=1\n"]


def threads(daemon, name, n):
    """The ids of a daemon's n threads of a name, which they give themselves once they run."""
    folder = "/proc/%d/task" % daemon.process.pid
    deadline = time.monotonic() + 10
    while True:
        found = []
        for tid in os.listdir(folder):
            with open("%s/%s/comm" % (folder, tid), encoding="ascii") as file:
                if file.read().strip() == name:
                    found.append(int(tid))
        if len(found) == n:
            return found
        assert time.monotonic() < deadline, (name, found)
        time.sleep(0.01)


class Stopped:
    """A daemon's threads of a name stand still for as long as the block lasts, idle: one that is caught
    with the pool's mutex would have the loop wait for it, so it is let go and another time chosen."""

    def __init__(self, daemon, name, n):
        self.daemon, self.tids = daemon, threads(daemon, name, n)

    def stop(self):
        for tid in self.tids:
            if LIBC.ptrace(PTRACE_SEIZE, tid, None, None) != 0:
                raise Skip("no thread may be traced here: %s" % os.strerror(ctypes.get_errno()))
            assert LIBC.ptrace(PTRACE_INTERRUPT, tid, None, None) == 0
            os.waitpid(tid, WALL)
        heard(self.daemon, FEED_S / 2)
        return feeds(heard(self.daemon, STUCK_S / 2)) != []

    def __enter__(self):
        while not self.stop():
            self.__exit__()

    def __exit__(self, *_):
        for tid in self.tids:
            LIBC.ptrace(PTRACE_DETACH, tid, None, None)


def gauges(daemon):
    """Each line of /readyz?verbose, and its status."""
    answer = daemon.get("/readyz?verbose")
    return answer.status, dict(line.split() for line in answer.body.decode().splitlines())


def metric(daemon, name):
    for line in daemon.get("/metrics").body.decode().splitlines():
        if line.startswith(name + " "):
            return float(line.split()[1])
    raise AssertionError("no " + name)


@test
def the_watchdog_is_fed_twice_within_its_time():
    with Daemon(environment=PERIOD) as daemon:
        times = feeds(heard(daemon, 8 * FEED_S))
        gaps = [b - a for a, b in zip(times, times[1:])]
        assert len(times) >= 4 and sorted(gaps)[len(gaps) // 2] < 2 * FEED_S, gaps


@test
def nobody_is_fed_who_did_not_ask():
    for environment in ({}, {"WATCHDOG_PID": "1", **PERIOD}):
        with Daemon(environment=environment) as daemon:
            assert feeds(heard(daemon, 0.3)) == []


@test
def a_stopped_process_feeds_nobody():
    with Daemon(environment=PERIOD) as daemon:
        heard(daemon, 5, until="WATCHDOG=1")
        daemon.signal(signal.SIGSTOP)
        heard(daemon, 0.1)  # what was on its way
        assert heard(daemon, 3 * FEED_S) == []
        daemon.signal(signal.SIGCONT)
        heard(daemon, 5, until="WATCHDOG=1")


def check_stuck(daemon, name, n_stuck):
    """Stops the threads of a name and sees it noticed, said and, once they go on, taken back."""
    with Stopped(daemon, name, n_stuck):
        heard(daemon, 20, until="STATUS=%d of 3 workers are stuck\n" % n_stuck)
        assert heard(daemon, 3 * FEED_S) == []
        status, seen = gauges(daemon)
        assert status == 503 and seen["ready"] == "no" and seen["workers"] == "stuck", seen
        assert seen["workers_stuck"] == str(n_stuck) and seen["loop"] == "ok", seen
        assert daemon.get("/readyz").body == b"stuck\n" and daemon.get("/livez").status == 200
        assert metric(daemon, "overlapd_workers_stuck") == n_stuck and metric(daemon, "overlapd_ready") == 0
    found = heard(daemon, 20, until="WATCHDOG=1")
    assert any(text.startswith("STATUS=listening tcp=") for _, text in found), found
    assert gauges(daemon)[0] == 200
    assert "level=error event=workers-stuck stuck=%d workers=3" % n_stuck in daemon.log(), daemon.log()
    assert "event=workers-live" in daemon.log()


OPTIONS = ("--workers.threads=2", "--timeouts.worker=%g" % STUCK_S)


@test
def an_idle_worker_that_does_not_wake_stops_the_feeding():
    with Daemon(*OPTIONS, environment=PERIOD) as daemon:
        check_stuck(daemon, "overlapd-small", 1)


@test
def workers_that_stand_still_are_all_seen_and_a_scrape_waits_for_none():
    with Daemon(*OPTIONS, environment=PERIOD) as daemon:
        check_stuck(daemon, "overlapd-mixed", 2)


@test
def without_a_limit_no_worker_is_stuck():
    with Daemon("--workers.threads=2", "--timeouts.worker=0", environment=PERIOD) as daemon:
        with Stopped(daemon, "overlapd-mixed", 2):
            assert len(feeds(heard(daemon, 4 * FEED_S))) >= 2
            assert gauges(daemon)[1]["workers"] == "ok"


@test
def a_job_that_takes_too_long_counts_until_it_ends():
    voxels = scaled(1 << 20, 1 << 15)
    labels = b"".join(i.to_bytes(4, "little") for i in range(1 << 9)) * (voxels >> 9)
    mask = npy(labels, (voxels,), "<u4")
    body = multipart(pair(mask, mask))
    with Daemon("--workers.threads=2", "--timeouts.worker=0.005", "--limits.labels=65536") as daemon:
        seen = []
        scoring = threading.Thread(target=lambda: seen.append(
            daemon.request("POST", "/v1/score", body, {"Content-Type": MULTIPART})))
        scoring.start()
        states = set()
        while scoring.is_alive():
            states.add(gauges(daemon)[1]["workers_stuck"])
        scoring.join()
        assert seen[0].status == 200, seen[0].body
        assert "1" in states, states
        deadline = time.monotonic() + 10
        while gauges(daemon)[0] != 200:
            assert time.monotonic() < deadline


@test
def ready_reloading_and_stopping_are_said():
    with Daemon() as daemon:
        assert daemon.ready_text.startswith("READY=1\nSTATUS=listening tcp="), daemon.ready_text
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        daemon.signal(signal.SIGHUP)
        texts = [text for _, text in heard(daemon, 5, until="READY=1")]
        after = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        reloading = dict(line.split("=", 1) for line in texts[0].splitlines())
        assert reloading["RELOADING"] == "1" and before <= int(reloading["MONOTONIC_USEC"]) <= after, texts
        assert texts[-1].startswith("READY=1\nSTATUS=listening tcp="), texts
        daemon.signal(signal.SIGTERM)
        texts = [text for _, text in heard(daemon, 5, until="STOPPING=1")]
        assert "STATUS=draining: 0 requests\n" in texts[-1], texts
        assert daemon.wait() == 0


@test
def a_reload_that_fails_is_said_in_the_status():
    with tempfile.TemporaryDirectory() as folder:
        conf = os.path.join(folder, "overlapd.conf")
        with open(conf, "w", encoding="ascii") as file:
            file.write("[log]\nlevel = info\n")
        with Daemon("--config", conf) as daemon:
            os.unlink(conf)
            daemon.signal(signal.SIGHUP)
            text = heard(daemon, 5, until="READY=1")[-1][1]
            assert "STATUS=the reload failed: " in text and conf in text, text


if __name__ == "__main__":
    main()
