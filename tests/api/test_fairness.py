#!/usr/bin/python3 -B
# test_fairness.py - one user with many requests does not keep the others waiting.
# SPDX-License-Identifier: Apache-2.0
import concurrent.futures
import contextlib
import http.client
import os
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from overlapd import OVERLAPD, Answer, Daemon, main, multipart, npy, pair, test
from uploads import HEAD, MIB, TYPE, assert_unavailable, big

# One thread that takes any job, so that who waits for it waits for all in front.
NARROW = ("--workers.threads=1", "--limits.connections_per_address=0", "--timeouts.queue=120")
IN_FLIGHT = 64

# Of the hog's requests, those answered while one of the client's is: the one that runs when it comes,
# the one whose turn is next, and where two threads take the job those of the other. In order of
# arrival it would be all 64, and the client's time some sixty times what it is alone.
TURNS = 4

# That much of its time alone, on a machine that does other things beside.
FACTOR = 20


def packed(mebibytes):
    """A pair that is small to send and some work."""
    coder = zlib.compressobj(9, zlib.DEFLATED, 31)
    mask = coder.compress(npy(bytes(mebibytes * MIB))) + coder.flush()
    return multipart(pair(mask, mask))


LARGE = packed(8)  # the mixed lane
SMALL = packed(1)  # the small lane


def connect_from(daemon, address):
    return socket.create_connection((daemon.host, daemon.port), 60, (address, 0))


def post_on(connection, body, token=None):
    """One exchange on a connection that stays open."""
    line = b"Authorization: Bearer %s\r\n" % token.encode() if token else b""
    connection.sendall(HEAD + line + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    response = http.client.HTTPResponse(connection)
    response.begin()
    return Answer(response)


class Hog:
    """Keeps so many requests under way until it is stopped."""

    def __init__(self, daemon, body, address="127.0.0.1", token=None):
        line = b"Authorization: Bearer %s\r\n" % token.encode() if token else b""
        self.request = HEAD + line + b"Content-Length: %d\r\n\r\n" % len(body) + body
        self.answered, self.ends = 0, False
        self.selector = selectors.DefaultSelector()
        for _ in range(IN_FLIGHT):
            connection = connect_from(daemon, address)
            connection.sendall(self.request)
            self.selector.register(connection, selectors.EVENT_READ)
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        while not self.ends:
            for key, _ in self.selector.select(0.1):
                assert key.fileobj.recv(1 << 20).startswith(b"HTTP/1.1 200")
                self.answered += 1
                key.fileobj.sendall(self.request)

    def await_answers(self, n):
        deadline = time.monotonic() + 60
        while self.answered < n:
            assert time.monotonic() < deadline, self.answered
            time.sleep(0.01)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ends = True
        self.thread.join()
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.selector.close()


def times(connection, body, n, token=None):
    """Seconds that each of n requests took, one after the other."""
    found = []
    for _ in range(n):
        start = time.monotonic()
        answer = post_on(connection, body, token)
        found.append(time.monotonic() - start)
        assert answer.status == 200, answer.body
    return found


def assert_fair(daemon, connection, body, hog_token=None, token=None, most=TURNS):
    """The client beside a hog that asks for the same, and alone."""
    n = 3
    alone = statistics.median(times(connection, body, n, token))
    with Hog(daemon, body, token=hog_token) as hog:
        hog.await_answers(2)
        before = hog.answered
        beside = statistics.median(times(connection, body, n, token))
        turns = (hog.answered - before) / n
    text = "%.1f turns; %.1f ms, alone %.1f ms" % (turns, 1e3 * beside, 1e3 * alone)
    assert 0 < turns <= most and beside <= FACTOR * alone, text


@test
def a_client_of_another_address_waits_for_one_job_of_a_hog_not_for_all():
    with Daemon(*NARROW) as daemon, connect_from(daemon, "127.0.0.2") as connection:
        assert_fair(daemon, connection, LARGE)


@test
def a_client_of_a_unix_socket_waits_for_one_job_of_a_hog_not_for_all():
    with Daemon(*NARROW) as daemon, daemon.connect_unix(60) as connection:
        assert_fair(daemon, connection, LARGE)


@contextlib.contextmanager
def two_tokens():
    """The option that names their file, and both."""
    with tempfile.TemporaryDirectory(prefix="overlapd-test-") as folder:
        path = os.path.join(folder, "tokens")
        made = [subprocess.run([OVERLAPD, "token", "new", "--scope", "score", "--name", name, "--file", path],
                               check=True, capture_output=True).stdout.decode().split()[-1]
                for name in ("hog", "other")]
        yield "--auth.tokens_file=" + path, *made


@test
def a_token_waits_for_one_job_of_a_hog_at_its_own_address():
    with two_tokens() as (option, hog, other), Daemon(*NARROW, option) as daemon:
        with daemon.connect(60) as connection:
            assert_fair(daemon, connection, LARGE, hog, other)


@test
def small_jobs_of_another_do_not_wait_for_a_hogs_small_ones():
    with Daemon(*NARROW) as daemon, connect_from(daemon, "127.0.0.2") as connection:
        assert_fair(daemon, connection, SMALL, most=4 * TURNS)  # what this counts comes late, by many


# ---------------------------------------------------------------------------------- their shares


def hold_from(daemon, address, length):
    """An upload from there that takes its part of the budget and does not end."""
    connection = connect_from(daemon, address)
    connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % length + b"-" * 1000)
    return connection


@test
def a_user_has_its_share_of_the_budget_and_no_more():
    with Daemon("--limits.budget_bytes=32M", "--limits.share=50", "--timeouts.queue=60") as daemon:
        held = [hold_from(daemon, "127.0.0.1", 4 * MIB) for _ in range(4)]  # half of 28 MiB has 3
        daemon.settle(waiting=1, budget_used_bytes=12 * MIB)
        body, tp = big(8 * MIB)
        with connect_from(daemon, "127.0.0.2") as connection:  # passes the one that waits
            assert post_on(connection, body).json["classes"][0]["tp"] == tp
        daemon.settle(waiting=1)
        held.pop(0).close()
        daemon.settle(waiting=0, budget_used_bytes=12 * MIB)
        for connection in held:
            connection.close()
        daemon.settle(waiting=0, budget_used_bytes=0)


@test
def who_has_nothing_under_way_may_send_more_than_the_share():
    body, tp = big(12 * MIB)
    with Daemon("--limits.budget_bytes=32M", "--limits.share=1") as daemon:
        for _ in range(2):
            assert daemon.request("POST", "/v1/score", body, TYPE).json["classes"][0]["tp"] == tp
        chunks = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"
        with daemon.connect(60) as connection:  # grows beyond it
            connection.sendall(HEAD + chunks)
            response = http.client.HTTPResponse(connection)
            response.begin()
            assert Answer(response).json["classes"][0]["tp"] == tp
        daemon.settle(budget_used_bytes=0)


@test
def a_user_has_its_share_of_those_who_wait_for_memory():
    with Daemon("--limits.budget_bytes=10M", "--limits.waiting=4", "--limits.share=50",
                "--timeouts.queue=60") as daemon:
        held = [hold_from(daemon, "127.0.0.1", 3 * MIB) for _ in range(3)]  # one has memory, two wait
        daemon.settle(waiting=2)
        body, tp = big(3 * MIB)
        refused = daemon.request("POST", "/v1/score", body, TYPE)
        assert_unavailable(refused, "queue-full")
        assert "limits.share" in refused.json["detail"], refused.body
        with connect_from(daemon, "127.0.0.2") as connection:
            assert post_on(connection, body).json["classes"][0]["tp"] == tp
        for connection in held:
            connection.close()
        daemon.settle(waiting=0, budget_used_bytes=0)


@test
def memory_that_comes_free_goes_to_users_in_turn():
    with Daemon("--limits.budget_bytes=10M", "--limits.share=100", "--timeouts.queue=60") as daemon:
        held = [hold_from(daemon, "127.0.0.1", 8 * MIB)]
        daemon.settle(budget_used_bytes=8 * MIB)
        for n in range(3):
            held.append(hold_from(daemon, "127.0.0.1", 8 * MIB))
            daemon.settle(waiting=n + 1)
        body, tp = big(7 * MIB)
        with connect_from(daemon, "127.0.0.2") as connection, concurrent.futures.ThreadPoolExecutor(1) as pool:
            other = pool.submit(post_on, connection, body)
            daemon.settle(waiting=4)
            held.pop(0).close()  # the hog's next has the first turn, the other the second
            daemon.settle(waiting=3)
            held.pop(0).close()
            assert other.result().json["classes"][0]["tp"] == tp
            daemon.settle(waiting=1)
        for connection in held:
            connection.close()
        daemon.settle(waiting=0, budget_used_bytes=0)


@test
def a_user_has_its_share_of_the_queue_for_a_thread():
    body = packed(64)
    request = HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    with Daemon("--workers.threads=1", "--workers.jobs=4", "--limits.share=50") as daemon:
        hog = [connect_from(daemon, "127.0.0.1") for _ in range(8)]
        for connection in hog:
            connection.sendall(request)
        with connect_from(daemon, "127.0.0.2") as connection:  # one runs, two wait, five were refused
            assert post_on(connection, body).status == 200
        answers = []
        for connection in hog:
            response = http.client.HTTPResponse(connection)
            response.begin()
            answers.append(Answer(response))
        refused = [answer for answer in answers if answer.status != 200]
        assert 2 <= len(refused) <= 6, [answer.status for answer in answers]
        for answer in refused:
            assert_unavailable(answer, "queue-full")


main()
