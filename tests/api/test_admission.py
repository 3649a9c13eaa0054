#!/usr/bin/python3 -B
# test_admission.py - more than there is room for: uploads wait, queues fill, clients read their refusal.
# SPDX-License-Identifier: Apache-2.0
import concurrent.futures
import gzip
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from overlapd import Daemon, main, multipart, npy, pair, read_until_quiet, scaled, test
from uploads import GOOD, HEAD, MIB, SLACK_S, TYPE, assert_unavailable, big, hold, post_all, serves_well


@test
def uploads_beyond_the_budget_wait_and_succeed():
    body, tp = big(3 * MIB)
    with Daemon("--limits.budget_bytes=8M", "--timeouts.queue=60") as daemon:
        for answer in post_all(daemon, body, 16):
            assert answer.status == 200, answer.body
            assert answer.json["classes"][0]["tp"] == tp
        daemon.settle(budget_used_bytes=0, waiting=0)


@test
def more_than_may_wait_are_refused_with_retry_after():
    body, tp = big(3 * MIB)
    with Daemon("--limits.share=100", "--limits.budget_bytes=10M", "--limits.waiting=1", "--timeouts.queue=60") as daemon:
        held = [hold(daemon, 3 * MIB), hold(daemon, 3 * MIB)]
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(daemon.request, "POST", "/v1/score", body, TYPE)
            daemon.settle(waiting=1)
            refused = daemon.request("POST", "/v1/score", body, TYPE)
            small = daemon.score(GOOD)  # does not wait behind big ones
            for connection in held:
                connection.close()
            assert_unavailable(refused, "queue-full")
            assert small.status == 200, small.body
            assert waiting.result().json["classes"][0]["tp"] == tp
        daemon.settle(budget_used_bytes=0, waiting=0)


@test
def waiting_ends_at_its_deadline_with_503():
    body, _ = big(3 * MIB)
    with Daemon("--limits.share=100", "--limits.budget_bytes=10M", "--timeouts.queue=1") as daemon:
        held = [hold(daemon, 3 * MIB), hold(daemon, 3 * MIB)]
        start = time.monotonic()
        assert_unavailable(daemon.request("POST", "/v1/score", body, TYPE),
                           "queue-full")
        assert 0.5 < time.monotonic() - start < 2 + SLACK_S
        for connection in held:
            connection.close()
        daemon.settle(budget_used_bytes=0, waiting=0, connections=1)


@test
def a_waiting_client_has_not_been_asked_to_continue():
    with Daemon("--limits.share=100", "--limits.budget_bytes=10M", "--timeouts.queue=60") as daemon:
        held = [hold(daemon, 3 * MIB), hold(daemon, 3 * MIB)]
        body, _ = big(3 * MIB)
        with daemon.connect() as connection:
            connection.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body))
            daemon.settle(waiting=1)
            data, closed = read_until_quiet(connection, 0.3)
            assert not data and not closed, data
            for one in held:
                one.close()
            assert connection.recv(4096).startswith(b"HTTP/1.1 100")
            connection.sendall(body)
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")


@test
def a_body_that_can_never_fit_the_budget_is_refused_at_once():
    with Daemon("--limits.budget_bytes=4M", "--timeouts.queue=60") as daemon:
        body, _ = big(6 * MIB)
        start = time.monotonic()
        answer = daemon.request("POST", "/v1/score", body, TYPE)
        assert answer.status in (413, 503), (answer.status, answer.body)
        assert time.monotonic() - start < 5 * SLACK_S
        daemon.settle(budget_used_bytes=0, waiting=0)


@test
def a_full_queue_refuses_and_the_rest_is_right():
    zeros = gzip.compress(npy(bytes(scaled(64, 16) * MIB)), 1)
    body = multipart(pair(zeros, zeros))
    with Daemon("--workers.jobs=1", "--workers.threads=1") as daemon:
        answers = post_all(daemon, body, 24)
        refused = [a for a in answers if a.status != 200]
        for answer in refused:
            assert_unavailable(answer, "queue-full")
        assert 0 < len(refused) < 24, len(refused)
        serves_well(daemon)
        daemon.settle(budget_used_bytes=0, jobs_queued=0, jobs_running=0)


@test
def a_small_body_does_not_wait_behind_a_large_one():
    with Daemon("--limits.share=100", "--limits.budget_bytes=16M",
                "--timeouts.queue=%g" % (4 * SLACK_S)) as daemon:
        large = hold(daemon, 12 * MIB)
        small = [hold(daemon, 1000 * 1024) for _ in range(4)]
        daemon.settle(requests=6)
        behind = hold(daemon, 8 * MIB)
        daemon.settle(waiting=1)
        last = hold(daemon, 900 * 1024)
        daemon.settle(waiting=2)
        for connection in small:
            connection.close()
        daemon.settle(timeout=2 * SLACK_S, waiting=1)
        for connection in (large, behind, last):
            connection.close()
        daemon.settle(budget_used_bytes=0, waiting=0)


@test
def a_body_in_chunks_leaves_their_share_to_small_ones():
    with Daemon("--limits.share=100", "--limits.budget_bytes=16M") as daemon:
        large = hold(daemon, 12 * MIB)
        daemon.settle(requests=2)
        pieces = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % (3 * MIB) + b"x" * (3 * MIB // 2)
        with daemon.connect() as first, daemon.connect() as second:
            first.sendall(HEAD + pieces)
            daemon.settle(budget_used_bytes=14 * MIB)  # all but the share
            second.sendall(HEAD + pieces)
            answer = read_until_quiet(second)[0]
            assert answer.startswith(b"HTTP/1.1 503") and b"out-of-memory" in answer, answer
            assert daemon.score(GOOD).status == 200
        large.close()
        daemon.settle(budget_used_bytes=0)


@test
def a_body_whose_memory_exceeds_the_budget_is_refused_at_once():
    with Daemon("--limits.budget_bytes=4M", "--timeouts.queue=60") as daemon:
        body, _ = big(3 * MIB)  # it fits 3.5 MiB, but takes 4
        answer = daemon.request("POST", "/v1/score", body, TYPE)
        assert answer.status == 413 and answer.json["code"] == "body-too-large", answer.body


def slow_body(mebibytes):
    """Small to send, and much work."""
    mask = gzip.compress(npy(bytes(mebibytes * MIB)), 1)
    return multipart(pair(mask, mask))


@test
def waiting_for_a_thread_ends_at_its_deadline():
    body = slow_body(512)
    with Daemon("--workers.threads=1", "--limits.budget_bytes=8G", "--timeouts.queue=0.2") as daemon:
        start = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            work = [pool.submit(daemon.request, "POST", "/v1/score", body, TYPE) for _ in range(8)]
            done = [(f.result(), time.monotonic() - start) for f in concurrent.futures.as_completed(work)]
        late = [(answer, took) for answer, took in done if answer.status != 200]
        assert late, [took for _, took in done]
        for answer, took in late:
            assert_unavailable(answer, "queue-full")
        assert late[0][1] < 0.5 + SLACK_S, late
        daemon.settle(budget_used_bytes=0, jobs_queued=0, jobs_running=0)


@test
def who_leaves_the_queue_gives_back_its_memory():
    slow, (body, _) = slow_body(512), big(3 * MIB)
    with Daemon("--workers.threads=1", "--limits.budget_bytes=8G") as daemon:
        busy = [daemon.connect() for _ in range(6)]
        gone = [daemon.connect() for _ in range(8)]
        for connection, data in [(c, slow) for c in busy] + [(c, body) for c in gone]:
            connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(data) + data)
        daemon.settle(requests=15)
        for connection in gone:
            connection.close()
        deadline = time.monotonic() + SLACK_S
        while daemon.gauges()["requests"] > 7:
            assert time.monotonic() < deadline, daemon.gauges()
            time.sleep(0.05)
        assert daemon.gauges()["jobs_running"] == 1
        for connection in busy:
            connection.close()
        daemon.settle(budget_used_bytes=0, jobs_running=0, timeout=30)


@test
def a_client_still_sending_gets_to_read_its_413():
    body, _ = big(3 * MIB)
    with Daemon("--limits.body_bytes=1M") as daemon:
        for i in range(20):
            answer = daemon.request("POST", "/v1/score", body, TYPE)
            assert answer.status == 413 and answer.json["code"] == "body-too-large"
        daemon.settle(budget_used_bytes=0, connections=1)


@test
def a_client_still_sending_gets_to_read_other_refusals():
    body, _ = big(3 * MIB)
    with Daemon() as daemon:
        for path, headers, status in (("/nothing", TYPE, 404),
                                      ("/livez", TYPE, 405),
                                      ("/v1/score", {"Content-Type": "text/plain"}, 415),
                                      ("/v1/score?foo=1", TYPE, 400)):
            for _ in range(5):
                assert daemon.request("POST", path, body, headers).status == status
        daemon.settle(budget_used_bytes=0, connections=1)


@test
def connections_beyond_the_limit_are_served_when_others_go():
    with Daemon("--limits.connections=8") as daemon:
        idle = [daemon.connect() for _ in range(8)]
        for connection in idle:
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        with daemon.connect() as late:
            late.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert read_until_quiet(late, 0.3) == (b"", False)
            idle.pop().close()
            late.settimeout(5)
            assert late.recv(4096).startswith(b"HTTP/1.1 200")
        for connection in idle:
            connection.close()


@test
def one_address_has_its_share_of_connections():
    with Daemon("--limits.connections_per_address=4") as daemon:
        first = [daemon.connect() for _ in range(4)]
        for connection in first:
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        with daemon.connect() as fifth:
            try:
                fifth.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert fifth.recv(4096) == b""
            except ConnectionError:
                pass
        for connection in first:
            connection.close()


main()
