# crowd.py - crowds of bad clients, and good ones beside them that measure what they notice.
# SPDX-License-Identifier: Apache-2.0
"""Each crowd is a process of its own, so that it costs neither its neighbours' time nor the test's.
tests/api/test_overload.py runs it small, bench/overload.py at full size."""
import errno
import heapq
import multiprocessing
import os
import select
import socket
import struct
import time

from overlapd import multipart
from uploads import GOOD, HEAD

GOOD_REQUEST = HEAD + b"Content-Length: %d\r\n\r\n" % len(multipart(GOOD)) + multipart(GOOD)
PIPELINED = b"GET /openapi.yaml HTTP/1.1\r\nHost: localhost\r\n\r\n" * 60
GOOD_ADDRESS, BAD_ADDRESS = "127.0.0.2", "127.0.0.1"


class Crowd:
    """A function of (address, a pipe's end) in a process; stop() gives what it returned."""

    def __init__(self, function, daemon, *arguments):
        context = multiprocessing.get_context("fork")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=self._run, args=(theirs, function, daemon, arguments),
                                       daemon=True)
        self.process.start()
        theirs.close()

    @staticmethod
    def _run(pipe, function, daemon, arguments):
        pipe.send(function((daemon.host, daemon.port), pipe, *arguments))
        os._exit(0)  # the test's own handlers are not ours to run

    def stop(self):
        self.pipe.send("stop")
        return self.wait()

    def wait(self):
        found = self.pipe.recv()
        self.process.join()
        return found


# ---------------------------------------------------------------------------------- good clients


def good_request(address, timeout=10):
    """Whether a request of its own connection was answered well."""
    try:
        with socket.create_connection(address, timeout, (GOOD_ADDRESS, 0)) as connection:
            connection.sendall(GOOD_REQUEST)
            return connection.recv(65536).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def be_good(address, pipe, every_s):
    """A request at these intervals until told to stop: [(seconds from when it was due, ok)]."""
    found, due = [], time.monotonic()
    while not pipe.poll(max(0, due - time.monotonic())):
        ok = good_request(address)
        found.append((time.monotonic() - due, ok))
        due += every_s
    return found


def percentile(values, percent):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * percent / 100))]


# ---------------------------------------------------------------------------------- slow clients


class Slow:
    """One connection that drips: when it began to be slow, and what it sends next."""

    FIRST = {"header": b"GET /livez HTTP/1.1\r\nHost: localhost\r\n",
             "body": HEAD + b"Content-Length: 65536\r\n\r\n--",
             "read": PIPELINED}
    MORE = {"header": b"X-Drip: 1\r\n", "body": b"-"}

    def __init__(self, kind, address):
        self.kind, self.began, self.n_sent = kind, None, 0
        self.socket = socket.socket()
        if kind == "read":
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.bind((BAD_ADDRESS, 0))
        self.socket.setblocking(False)
        self.socket.connect_ex(address)

    def drip(self):
        """false where the peer is gone"""
        first = self.FIRST[self.kind]
        try:
            if self.began is None:
                self.began = time.monotonic()
                self.socket.send(first)
            elif self.kind == "read":
                return self.socket.recv(64) != b""
            else:
                self.socket.send(self.MORE[self.kind])
        except OSError as error:
            return error.errno == errno.EAGAIN
        return True

    def is_closed(self):
        """Something happened: for all but readers it can only be an answer, or the end."""
        try:
            return self.kind != "read" and self.socket.recv(65536) == b""
        except OSError as error:
            return error.errno != errno.EAGAIN


class SlowCrowd:
    def __init__(self, address, counts, per_s):
        self.address, self.per_s = address, per_s
        self.todo = [kind for kind, n in counts.items() for _ in range(n)]
        self.todo = [self.todo[i * 7919 % len(self.todo)] for i in range(len(self.todo))]  # mixed
        self.open, self.due, self.lasted = {}, [], {kind: [] for kind in counts}
        self.epoll = select.epoll()

    def _connect(self):
        slow = Slow(self.todo.pop(), self.address)
        number = slow.socket.fileno()
        self.open[number] = slow
        flags = select.EPOLLRDHUP | (0 if slow.kind == "read" else select.EPOLLIN)
        self.epoll.register(number, select.EPOLLOUT | flags | select.EPOLLET)

    def _end(self, number):
        slow = self.open.pop(number)
        self.lasted[slow.kind].append(time.monotonic() - (slow.began or time.monotonic()))
        slow.socket.close()

    def _look(self, number, events):
        slow = self.open[number]
        if events & (select.EPOLLHUP | select.EPOLLERR | select.EPOLLRDHUP) or (
                events & select.EPOLLIN and slow.is_closed()):
            self._end(number)
        elif slow.began is None and events & select.EPOLLOUT:
            slow.drip()
            heapq.heappush(self.due, (time.monotonic() + DRIP_S, number, id(slow)))

    def _drip(self, now):
        while self.due and self.due[0][0] <= now:
            _, number, which = heapq.heappop(self.due)
            slow = self.open.get(number)
            if slow is None or id(slow) != which:
                continue
            if slow.drip():
                heapq.heappush(self.due, (now + DRIP_S, number, which))
            else:
                self._end(number)

    def run(self, longest_s):
        began = next_connect = time.monotonic()
        while (self.todo or self.open) and time.monotonic() - began < longest_s:
            now = time.monotonic()
            while self.todo and next_connect <= now:
                self._connect()
                next_connect += 1 / self.per_s
            for number, events in self.epoll.poll(0.005 if self.todo else 0.02, 64):
                if number in self.open:
                    self._look(number, events)
            self._drip(time.monotonic())
        return {kind: (seconds, sum(s.kind == kind for s in self.open.values()))
                for kind, seconds in self.lasted.items()}


DRIP_S = 3.0


def be_slow(address, _, counts, per_s, longest_s):
    """{kind: (seconds each lasted once it was slow, how many are open still)}"""
    os.nice(15)  # they would have their own processor
    return SlowCrowd(address, counts, per_s).run(longest_s)


# ---------------------------------------------------------------------------------- connects


def connect_only(address, pipe, n):
    """Opens so many connections and says nothing until told to stop; how many were taken by the system."""
    held = []
    for _ in range(n):
        connection = socket.socket()
        connection.setblocking(False)
        if connection.connect_ex(address) not in (0, errno.EINPROGRESS):
            connection.close()
            break
        held.append(connection)
    pipe.send(len(held))
    pipe.recv()
    for connection in held:  # by a reset, all at once
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
    return time.monotonic()
