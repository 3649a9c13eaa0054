# uploads.py - uploads for the tests: big, held, abandoned.
# SPDX-License-Identifier: Apache-2.0
import concurrent.futures
import select
import time

from overlapd import MULTIPART, multipart, npy, pair, scaled

MIB = 1 << 20
SLACK_S = scaled(1.0, 3.0)
GOOD = pair(npy(b"\0\1\1\2"), npy(b"\0\1\2\2"))
TYPE = {"Content-Type": MULTIPART}
HEAD = b"POST /v1/score HTTP/1.1\r\nHost: localhost\r\nContent-Type: " + MULTIPART.encode() + b"\r\n"


def big(n, seed=0):
    """A pair of masks of n bytes together, and the true positives of label 1."""
    half = n // 2
    data = bytes((i * 7 + seed) % 11 < 4 for i in range(1021)) * (half // 1021 + 1)
    mask = npy(data[:half])
    return multipart(pair(mask, mask)), sum(data[:half])


def hold(daemon, length):
    """An upload that takes its share of the budget and does not end."""
    connection = daemon.connect()
    connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % length + b"-" * 1000)
    return connection


def post_all(daemon, body, n):
    """n posts at once: their answers."""
    with concurrent.futures.ThreadPoolExecutor(n) as pool:
        work = [pool.submit(daemon.request, "POST", "/v1/score", body, TYPE) for _ in range(n)]
        return [w.result() for w in work]


def assert_unavailable(answer, code):
    assert answer.status == 503, (answer.status, answer.body)
    assert answer.json["code"] == code, answer.body
    assert answer.type == "application/problem+json"
    assert int(answer.headers["Retry-After"]) >= 1


def serves_well(daemon):
    start = time.monotonic()
    assert daemon.score(GOOD).status == 200
    assert time.monotonic() - start < SLACK_S


def wait_closed(connection, longest):
    """Seconds until the peer closes, and what it said; asserts that it closes in time."""
    start, data = time.monotonic(), b""
    while time.monotonic() - start < longest:
        readable, _, _ = select.select([connection], [], [], longest - (time.monotonic() - start))
        if not readable:
            break
        try:
            piece = connection.recv(65536)
        except ConnectionError:
            piece = b""
        if not piece:
            return time.monotonic() - start, data
        data += piece
    raise AssertionError("still open after %.1f s, said %r" % (longest, data[:200]))
