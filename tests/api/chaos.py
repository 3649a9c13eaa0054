#!/usr/bin/python3 -B
# chaos.py - clients of every temper at once: right ones, tiny chunks, pipelines, aborts, vanishing.
# SPDX-License-Identifier: Apache-2.0
"""chaos.py [REQUESTS]: plays against an overlapd of its own ($OVERLAPD) and prints what came of it.
Every answer that is read is checked against counts made here. Exit status 0 where nothing is wrong."""
import collections
import json
import os
import random
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from overlapd import Daemon, MULTIPART, counts, multipart, npy, pair

CLIENTS = 24
TIMEOUT_S = 60
BUDGET = "16M"
MIB = 1 << 20
HEAD = b"POST /v1/score HTTP/1.1\r\nHost: localhost\r\nContent-Type: " + MULTIPART.encode() + b"\r\n"
GET = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"


def small_case(random_):
    """A body, and the counts (tp, fp, fn) of its label 1."""
    n = random_.randrange(1, 4000)
    p, r = (bytes(random_.choices((0, 1, 2), k=n)) for _ in range(2))
    return multipart(pair(npy(p), npy(r))), counts(p, r, 1)


def big_case(n_bytes, seed):
    """The same for a large one, from a pattern, so that the counts cost nothing."""
    period = 1000 + seed
    p = bytes(i * 7 % 11 < 4 for i in range(period))
    r = bytes(i * 5 % 13 < 6 for i in range(period))
    times = n_bytes // 2 // period
    body = multipart(pair(npy(p * times), npy(r * times)))
    return body, tuple(times * count for count in counts(p, r, 1))


class Wrong(Exception):
    pass


class Client(threading.Thread):
    """One client; it draws what to do next until the requests are used up."""

    def __init__(self, daemon, number, take, shared):
        super().__init__()
        self.daemon_, self.random, self.take = daemon, random.Random(number), take
        self.small, self.big = shared
        self.done, self.faults = collections.Counter(), []
        self.connection = self.file = None

    def run(self):
        deeds = [self.get, self.post, self.post, self.post_in_tiny_chunks, self.post_in_pieces,
                 self.pipeline, self.upload, self.abort, self.vanish, self.reset]
        while self.take():
            deed = self.random.choice(deeds)
            try:
                deed()
                self.done[deed.__name__] += 1
            except Exception as fault:  # a client time-out, a wrong or a missing answer
                self.faults.append("%s: %s: %s" % (deed.__name__, type(fault).__name__, fault))
                self.drop()
            if self.random.random() < 0.1:
                self.drop()
        self.drop()

    def drop(self):
        if self.connection:
            self.file.close()
            self.connection.close()
        self.connection = self.file = None

    def send(self, data):
        """On the connection that is open, or on a new one."""
        if not self.connection:
            self.connection = self.daemon_.connect(TIMEOUT_S)
            self.file = self.connection.makefile("rb")
        self.connection.sendall(data)

    def read(self):
        """(status, body) of the next response."""
        line = self.file.readline()
        if not line:
            raise Wrong("closed instead of an answer")
        status, length, closes = int(line.split()[1]), 0, False
        for header in iter(self.file.readline, b"\r\n"):
            name, _, value = header.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
            closes |= name.lower() == b"connection" and b"close" in value.lower()
        body = self.file.read(length)
        if closes:
            self.drop()
        return status, body

    def check(self, wanted):
        status, body = self.read()
        if status == 503:
            self.done["503"] += 1
            return
        if status != 200:
            raise Wrong("status %d: %r" % (status, body[:200]))
        found = {c["label"]: c for c in json.loads(body)["classes"]}.get(1, {"tp": 0, "fp": 0, "fn": 0})
        if (found["tp"], found["fp"], found["fn"]) != wanted:
            raise Wrong("counted %s, wanted %s" % (found, wanted))

    def get(self):
        self.send(GET)
        if self.read() != (200, b"ok\n"):
            raise Wrong("livez")

    def post(self):
        body, wanted = self.random.choice(self.small)
        self.send(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.check(wanted)

    def post_in_tiny_chunks(self):
        body, wanted = self.random.choice(self.small)
        out, at = [HEAD + b"Transfer-Encoding: chunked\r\n\r\n"], 0
        while at < len(body):
            piece = body[at:at + self.random.randrange(1, 40)]
            out.append(b"%x\r\n%s\r\n" % (len(piece), piece))
            at += len(piece)
        self.send(b"".join(out) + b"0\r\n\r\n")
        self.check(wanted)

    def post_in_pieces(self):
        body, wanted = self.random.choice(self.small)
        whole = HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
        cuts = sorted(self.random.randrange(len(whole)) for _ in range(5))
        for begin, end in zip([0] + cuts, cuts + [len(whole)]):
            self.send(whole[begin:end])
        self.check(wanted)

    def pipeline(self):
        cases = [self.random.choice(self.small) for _ in range(2)]
        posts = [HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body for body, _ in cases]
        self.send(posts[0] + GET + posts[1])
        self.check(cases[0][1])
        if self.connection:  # a 503 closes, and takes the rest with it
            if self.read() != (200, b"ok\n"):
                raise Wrong("livez in a pipeline")
            self.check(cases[1][1])

    def upload(self):
        body, wanted = self.random.choice(self.big)
        self.send(HEAD + b"Content-Length: %d\r\n\r\n" % len(body))
        self.send(body)
        self.check(wanted)

    def abort(self):
        body, _ = self.random.choice(self.big)
        self.send(HEAD + b"Content-Length: %d\r\n\r\n" % len(body))
        self.send(body[:self.random.randrange(len(body))])
        self.drop()

    def vanish(self):
        body, _ = self.random.choice(self.small)
        self.send(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.drop()

    def reset(self):
        body, _ = self.random.choice(self.small)
        self.send(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body[:-1])
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.drop()


def counter(limit):
    """A function that is true as often as limit says, over all threads."""
    numbers, lock = iter(range(limit)), threading.Lock()

    def take():
        with lock:
            return next(numbers, None) is not None
    return take


def play(n_requests, *options):
    """(what was done, what was wrong) in n_requests; asserts a clean end of the daemon."""
    random_ = random.Random(1)
    shared = ([small_case(random_) for _ in range(40)],
              [big_case(random_.randrange(MIB, 8 * MIB), seed) for seed in range(8)])
    with Daemon("--limits.budget_bytes=" + BUDGET, *options) as daemon:
        take = counter(n_requests)
        clients = [Client(daemon, number, take, shared) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        daemon.settle(timeout=30, budget_used_bytes=0, connections=1, jobs_queued=0, jobs_running=0,
                      waiting=0)
    return (sum((c.done for c in clients), collections.Counter()),
            [fault for client in clients for fault in client.faults])


def run(n_requests):
    start = time.monotonic()
    done, faults = play(n_requests)
    print("# %d requests in %.1f s: %s" % (n_requests, time.monotonic() - start,
                                           ", ".join("%s %d" % pair_ for pair_ in sorted(done.items()))))
    for fault in faults[:20]:
        print("# wrong: %s" % fault)
    return done, faults


if __name__ == "__main__":
    _, wrong = run(int(sys.argv[1]) if len(sys.argv) > 1 else 10000)
    print("%d wrong" % len(wrong))
    sys.exit(1 if wrong else 0)
