#!/usr/bin/python3 -B
# test_slow.py - clients that are slow, stop, leave or never read.
# SPDX-License-Identifier: Apache-2.0
import http.client
import os
import resource
import select
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from overlapd import Answer, Daemon, main, multipart, scaled, split_responses, test
from uploads import GOOD, HEAD, MIB, SLACK_S, big, serves_well, wait_closed

DEADLINE_S = scaled(0.5, 1.0)
DEADLINES = Daemon(*("--timeouts.%s=%g" % (what, DEADLINE_S) for what in ("header", "body", "idle", "write")))


def drip(connection, pieces, every_s, longest):
    """Sends a piece from time to time until the peer closes; what it said, and after how long."""
    start, data = time.monotonic(), b""
    for piece in pieces:
        readable, _, _ = select.select([connection], [], [], every_s)
        if readable:
            try:
                said = connection.recv(65536)
            except ConnectionError:
                said = b""
            if not said:
                return time.monotonic() - start, data
            data += said
        assert time.monotonic() - start < longest, "still open after %.1f s" % longest
        try:
            connection.sendall(piece)
        except ConnectionError:
            pass
    raise AssertionError("took every byte")


@test
def a_header_that_drips_is_closed_at_its_deadline():
    with DEADLINES.connect() as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n")
        took, _ = drip(connection, [b"X-%d: 1\r\n" % i for i in range(100)], 0.1, DEADLINE_S + SLACK_S)
        assert DEADLINE_S / 2 < took < DEADLINE_S + SLACK_S, took
    serves_well(DEADLINES)


@test
def a_connection_that_says_nothing_is_closed():
    with DEADLINES.connect() as connection:
        took, said = wait_closed(connection, DEADLINE_S + SLACK_S)
        assert took > DEADLINE_S / 2, took
        assert not said.startswith(b"HTTP/1.1 2"), said


def body_drips(framing, pieces):
    """A body that comes byte by byte costs its connection at the deadline, and nobody else anything."""
    with DEADLINES.connect() as connection:
        connection.sendall(HEAD + framing + b"\r\n\r\n")
        took, said = drip(connection, pieces, 0.1, DEADLINE_S + SLACK_S)
        assert DEADLINE_S / 2 < took < DEADLINE_S + SLACK_S, took
        assert said.startswith(b"HTTP/1.1 408"), said
    serves_well(DEADLINES)
    DEADLINES.settle(budget_used_bytes=0)


@test
def a_body_that_drips_is_closed_at_its_deadline():
    body_drips(b"Content-Length: 4000", [b"x"] * 100)


@test
def a_chunked_body_that_drips_is_closed_at_its_deadline():
    body_drips(b"Transfer-Encoding: chunked", [b"1\r\nx\r\n"] * 100)


@test
def a_body_that_stops_is_closed_at_its_deadline():
    body = multipart(GOOD)
    with DEADLINES.connect() as connection:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body[:-1])
        took, said = wait_closed(connection, DEADLINE_S + SLACK_S)
        assert DEADLINE_S / 2 < took < DEADLINE_S + SLACK_S, took
        assert said.startswith(b"HTTP/1.1 408"), said
    DEADLINES.settle(budget_used_bytes=0)


@test
def a_client_that_keeps_sending_reads_its_408():
    for connect in (DEADLINES.connect, DEADLINES.connect_unix):
        with connect() as connection:
            connection.sendall(HEAD + b"Content-Length: 90000\r\n\r\n")
            start = time.monotonic()
            while time.monotonic() - start < DEADLINE_S + 1.5:  # without a look at what is said
                connection.sendall(b"xx")
                time.sleep(0.003)
            said = connection.recv(4096)
            assert said.startswith(b"HTTP/1.1 408"), said
    DEADLINES.settle(timeout=5, budget_used_bytes=0)


@test
def a_late_request_line_does_not_gain_time():
    with DEADLINES.connect() as connection:
        time.sleep(0.8 * DEADLINE_S)
        connection.sendall(b"GET /livez HTTP/1.1\r\n")
        took, _ = drip(connection, [b"X: 1\r\n"] * 100, 0.05, DEADLINE_S + SLACK_S)
        assert took < 0.2 * DEADLINE_S + 0.3 * SLACK_S, took


def processor_seconds(daemon):
    with open("/proc/%d/stat" % daemon.process.pid, encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@test
def without_descriptors_it_waits_and_does_not_spin():
    with Daemon() as daemon:
        _, hard = resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (4, hard))
        before = processor_seconds(daemon)
        with daemon.connect() as connection:
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            time.sleep(1.5)
            took = processor_seconds(daemon) - before
            assert took <= 0.3, took
            resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (1024, hard))
            connection.settimeout(5)
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        assert 1 <= daemon.log().count("event=starved") <= 4, daemon.log()


@test
def a_slow_upload_at_a_fair_rate_is_served():
    body, tp = big(4 * 65536)  # at 64 KiB/s it may take four seconds, not half of one
    with DEADLINES.connect() as connection:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body))
        step = len(body) // 8 + 1
        for at in range(0, len(body), step):
            readable, _, _ = select.select([connection], [], [], 0.25)
            assert not readable, connection.recv(4096)
            connection.sendall(body[at:at + step])
        response = http.client.HTTPResponse(connection)
        response.begin()
        assert Answer(response).json["classes"][0]["tp"] == tp


@test
def an_idle_connection_is_closed_at_its_deadline():
    with DEADLINES.connect() as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        took, said = wait_closed(connection, DEADLINE_S + SLACK_S)
        assert took > DEADLINE_S / 2 and not said, (took, said)


@test
def a_client_that_does_not_read_is_closed_at_its_deadline():
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect((DEADLINES.host, DEADLINES.port))
    connection.setblocking(False)
    request = b"GET /openapi.yaml HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1000
    for _ in range(100):  # until both buffers are full of answers that nobody reads
        _, writable, _ = select.select([], [connection], [], 0.2)
        if not writable:
            break
        try:
            connection.send(request)
        except ConnectionError:  # closed already
            break
    DEADLINES.settle(timeout=5 + SLACK_S, connections=1)
    connection.close()
    serves_well(DEADLINES)


@test
def good_clients_are_served_while_fifty_are_slow():
    slow = [DEADLINES.connect() for _ in range(50)]
    for i, connection in enumerate(slow):
        connection.sendall(b"GET /livez HTTP/1.1\r\n" if i % 2 else HEAD + b"Content-Length: 9999\r\n\r\n--")
    for _ in range(20):
        serves_well(DEADLINES)
    for connection in slow:
        wait_closed(connection, DEADLINE_S + SLACK_S)
        connection.close()
    DEADLINES.settle(budget_used_bytes=0, connections=1)


@test
def deadlines_leave_nothing_behind():
    DEADLINES.settle(budget_used_bytes=0, connections=1, jobs_running=0, jobs_queued=0, waiting=0)
    DEADLINES.stop()


def leave(daemon, body, length):
    """Sends the head and a piece of the body, then goes; at times with a reset."""
    connection = daemon.connect()
    try:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % length + body)
    except ConnectionError:  # refused meanwhile: the budget is full of those who left
        pass
    if length % 2:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


CROWDED = ("--limits.budget_bytes=16M", "--limits.connections_per_address=0")


def crowd_leaves(daemon, n):
    whole, _ = big(2 * MIB)
    for i in range(n):
        leave(daemon, whole[:len(whole) * (i % 9) // 9], len(whole) + i % 2)


@test
def clients_that_leave_give_everything_back():
    with Daemon(*CROWDED) as daemon:
        crowd_leaves(daemon, scaled(100, 60))
        assert daemon.score(GOOD).status == 200
        seen = daemon.settle(timeout=30, budget_used_bytes=0, jobs_running=0, waiting=0, connections=1)
        assert seen["requests"] <= 1, seen


@test
def clients_that_leave_do_not_keep_others_waiting():
    with Daemon(*CROWDED) as daemon:
        crowd_leaves(daemon, 100)
        serves_well(daemon)
        daemon.settle(timeout=30, budget_used_bytes=0, connections=1)


@test
def a_client_that_leaves_before_its_answer_is_forgotten():
    body, _ = big(2 * MIB)
    with Daemon() as daemon:
        for _ in range(scaled(30, 10)):
            leave(daemon, body, len(body))
        daemon.settle(timeout=15, budget_used_bytes=0, jobs_running=0, jobs_queued=0, connections=1)


@test
def half_closing_clients_neither_hang_nor_leak():
    body = multipart(GOOD)
    with Daemon("--timeouts.idle=2", "--timeouts.body=2") as daemon:
        for cut in (len(body), len(body) // 2, 0):
            with daemon.connect() as connection:
                connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body[:cut])
                connection.shutdown(socket.SHUT_WR)
                _, said = wait_closed(connection, 3 + SLACK_S)
                responses, _ = split_responses(said)
                assert len(responses) <= 1, said
                assert cut == len(body) or all(r[0] >= 400 for r in responses), said
        daemon.settle(budget_used_bytes=0, connections=1)


@test
def tiny_chunks_cost_nothing_special():
    body = multipart(GOOD)
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    with Daemon() as daemon:
        for _ in range(scaled(20, 5)):
            with daemon.connect() as connection:
                connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
                assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        daemon.settle(budget_used_bytes=0, connections=1)


main()
