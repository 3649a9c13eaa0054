#!/usr/bin/python3 -B
# test_drain.py - SIGTERM: what is under way is answered, nobody waits for ever, the end is clean.
# SPDX-License-Identifier: Apache-2.0
import concurrent.futures
import http.client
import os
import select
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from overlapd import Answer, Daemon, main, test
from uploads import HEAD, MIB, SLACK_S, TYPE, assert_unavailable, big, hold


@test
def a_drain_answers_what_is_under_way():
    body, tp = big(2 * MIB)
    with Daemon("--timeouts.drain_delay=%g" % (1 + SLACK_S)) as daemon, daemon.connect() as connection:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body[:MIB])
        daemon.settle(connections=2)
        daemon.signal(signal.SIGTERM)
        daemon.notify.settimeout(10)
        assert b"STOPPING=1" in daemon.notify.recv(4096)
        ready = daemon.get("/readyz")
        assert ready.status == 503 and ready.body == b"draining\n", (ready.status, ready.body)
        assert daemon.get("/livez").status == 200
        connection.sendall(body[MIB:])
        response = http.client.HTTPResponse(connection)
        response.begin()
        answer = Answer(response)
        assert answer.status == 200 and answer.json["classes"][0]["tp"] == tp
        assert answer.closes, "the answer of a draining daemon closes"
        assert daemon.wait() == 0


@test
def after_the_delay_no_connection_is_taken():
    body, _ = big(2 * MIB)
    with Daemon("--timeouts.drain=20") as daemon, daemon.connect() as connection:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body[:MIB])
        daemon.settle(connections=2)
        daemon.signal(signal.SIGTERM)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            try:
                daemon.connect().close()
            except ConnectionError:
                break
            select.select([], [], [], 0.02)
        else:
            raise AssertionError("still taking connections")
        assert daemon.process.poll() is None
        connection.sendall(body[MIB:])
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        assert daemon.wait() == 0


@test
def a_drain_does_not_wait_for_ever():
    with Daemon("--timeouts.drain=1") as daemon:
        held = [hold(daemon, 3 * MIB) for _ in range(3)]
        idle = daemon.connect()
        daemon.settle(connections=5)
        start = time.monotonic()
        daemon.stop()
        assert time.monotonic() - start < 2 + SLACK_S
        for connection in held + [idle]:
            connection.close()


@test
def a_drain_refuses_those_who_wait_for_the_budget():
    body, _ = big(3 * MIB)
    with Daemon("--limits.budget_bytes=8M", "--timeouts.queue=60", "--timeouts.drain=2") as daemon:
        held = [hold(daemon, 3 * MIB), hold(daemon, 3 * MIB)]
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(daemon.request, "POST", "/v1/score", body, TYPE)
            daemon.settle(waiting=1)
            daemon.signal(signal.SIGTERM)
            assert_unavailable(waiting.result(), "draining")
        for connection in held:
            connection.close()
        assert daemon.wait() == 0


def seconds_to_stop(first_words):
    """How long a stop takes while eleven connections are open that have said this."""
    daemon = Daemon()
    idle = [daemon.connect() for _ in range(10)] + [daemon.connect_unix()]
    for connection in idle:
        connection.sendall(first_words)
        assert not first_words or connection.recv(4096).startswith(b"HTTP/1.1 200")
    daemon.settle(connections=12)
    start = time.monotonic()
    daemon.stop()
    took = time.monotonic() - start
    for connection in idle:
        connection.close()
    return took


@test
def idle_connections_do_not_delay_a_stop():
    took = seconds_to_stop(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert took < 0.5 * SLACK_S, took


@test
def connections_that_have_said_nothing_delay_a_stop_by_a_moment():
    took = seconds_to_stop(b"")
    assert took < 1 + SLACK_S, took


main()
