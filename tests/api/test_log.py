#!/usr/bin/python3 -B
# test_log.py - the log: one line per event, that no client can forge, flood or make unreadable.
# SPDX-License-Identifier: Apache-2.0
import gzip
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from overlapd import Daemon, OVERLAPD, multipart, nifti, npy, pair, scaled, test, main, MULTIPART

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = {"traceparent": "00-%s-%s-01" % (TRACE, SPAN)}
JSON, ACCESS = "--log.format=json", "--log.access=yes"
STAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
LOGFMT = re.compile(r'([a-z_]+)=("(?:[^"\\]|\\["\\]|\\x[0-9a-f]{2})*"|[^\s"=\\]+)(?: |$)')


def lines(daemon, event=None):
    """The lines of a log, each an object; those of one event."""
    found = []
    for text in daemon.log().split("\n")[:-1]:
        line = json.loads(text)
        assert STAMP.match(line["time"]) and list(line)[:3] == ["time", "level", "event"], text
        found.append(line)
    return [line for line in found if event is None or line["event"] == event]


def await_text(daemon, word, n):
    deadline = time.monotonic() + 10
    while daemon.log().count(word) < n and time.monotonic() < deadline:
        time.sleep(0.005)


def requests(daemon, n):
    """The lines of so many requests: each is written once its answer has left."""
    await_text(daemon, '"request"', n)
    found = lines(daemon, "request")
    assert len(found) == n, found
    return found


def raw(daemon, data):
    """What a client gets who sends these bytes."""
    with socket.create_connection((daemon.host, daemon.port), timeout=10) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while True:
            piece = connection.recv(65536)
            if not piece:
                return answer
            answer += piece


@test
def every_request_has_one_line_with_its_sizes_and_stages():
    body = multipart(pair(gzip.compress(nifti(b"\0\1\1\2" * 1024, (64, 64))), npy(b"\0\1\2\2" * 1024, (64, 64))))
    with Daemon(JSON, ACCESS) as daemon:
        scored = daemon.request("POST", "/v1/score", body, {"Content-Type": MULTIPART})
        missing = daemon.get("/patients/Jane")
        daemon.get("/livez")
        found = first, second, third = requests(daemon, 3)
    assert (first["level"], first["method"], first["route"], first["status"]) == ("info", "POST", "/v1/score", 200)
    assert first["in_bytes"] == len(body) and first["out_bytes"] == len(scored.body)
    assert first["peer"].startswith("127.0.0.1:") and "token" not in first and "trace" not in first
    stages = sum(first[name] for name in ("receive", "queue", "decode", "count"))
    assert 0 < first["decode"] and 0 < first["count"] and stages <= first["seconds"] + 4e-6 < 10, first
    timing = scored.json["timing"]
    assert abs(first["decode"] - timing["decode"]) < 1e-6 and abs(first["count"] - timing["count"]) < 1e-6
    assert (second["method"], second["route"], second["status"]) == ("GET", "_other", 404), second
    assert second["code"] == "not-found" and second["out_bytes"] == len(missing.body)
    assert "decode" not in second and "Jane" not in json.dumps(found), found
    assert (third["route"], third["status"], third["out_bytes"]) == ("/livez", 200, 3)


@test
def without_access_only_debug_has_these_lines_and_only_there_the_path():
    for level, n in (("info", 0), ("debug", 1)):
        with Daemon(JSON, "--log.level=" + level) as daemon:
            daemon.get("/patients/Jane")
            assert all(line["path"] == "/patients/Jane" for line in requests(daemon, n))
            assert ("Jane" in daemon.log()) == (level == "debug")


@test
def who_asked_stands_in_the_line():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "tokens")
        token = subprocess.run([OVERLAPD, "token", "new", "--scope", "score", "--name", "reader-7", "--file", path],
                               stdout=subprocess.PIPE, check=True).stdout.decode().strip()
        with Daemon(JSON, ACCESS, "--auth.tokens_file=" + path) as daemon:
            assert daemon.get("/v1/info", headers={"Authorization": "Bearer " + token}).status == 200
            with daemon.connect_unix() as connection:
                connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                while connection.recv(4096):
                    pass
            by_token, by_uid = requests(daemon, 2)
            assert token not in daemon.log()
    assert by_token["token"] == "reader-7"
    assert by_uid["peer"] == "uid:%d" % os.getuid() and "token" not in by_uid


@test
def a_trace_is_carried_into_lines_and_back():
    with Daemon(JSON, ACCESS) as daemon:
        answer = daemon.get("/v1/info", headers=PARENT)
        assert answer.headers["traceparent"] == PARENT["traceparent"]
        later = daemon.get("/v1/info", headers={"traceparent": "cc-%s-%s-00-more" % (TRACE, SPAN)})
        assert later.headers["traceparent"] == "00-%s-%s-00" % (TRACE, SPAN)
        assert daemon.request("POST", "/v1/score", b"", PARENT).headers["traceparent"] == PARENT["traceparent"]
        assert [line.get("trace") for line in requests(daemon, 3)] == [TRACE] * 3


@test
def what_is_no_trace_is_neither_carried_nor_sent_back():
    twice = "traceparent: %s\r\n" % PARENT["traceparent"]
    with Daemon(JSON, ACCESS) as daemon:
        for text in ("", "00-%s-%s-01-x" % (TRACE, SPAN), "00-%s-%s-01" % (TRACE.upper(), SPAN),
                     "00-%s-%s-01" % ("0" * 32, SPAN), "ff-%s-%s-01" % (TRACE, SPAN), 'x" event="forged'):
            assert daemon.get("/livez", headers={"traceparent": text}).headers["traceparent"] is None
        answer = raw(daemon, ("GET /livez HTTP/1.0\r\n%s%s\r\n" % (twice, twice)).encode())
        assert answer.startswith(b"HTTP/1.1 200") and b"traceparent" not in answer.lower(), answer
        assert not any("trace" in line for line in requests(daemon, 7))


@test
def no_request_can_forge_a_line_or_a_member():
    paths = [b"/a%0atime=x%20level=error%20event=forged", b"/a%22,%22event%22:%22forged", b"/%1b%5b2J%07",
             b"/%ff%fe%c0%af", b"/%e2%80%a8%c2%85", b"/%5c%22", b"/" + b"%0a" * 300, b"/\xff\xfe"]
    for form in ("json", "logfmt"):
        with Daemon("--log.format=" + form, "--log.level=debug") as daemon:
            for path in paths:
                raw(daemon, b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                raw(daemon, b"BR\"E,W=" + path[:9] + b" /livez HTTP/1.1\r\nConnection: close\r\n\r\n")
            await_text(daemon, "event", 2 * len(paths))
            text = daemon.log()
            assert re.fullmatch(r"[\n -~]*", text), [c for c in text if not " " <= c <= "~"]
            if form == "json":
                events = [line["event"] for line in lines(daemon)]
            else:
                events = []
                for line in text.splitlines():
                    fields = LOGFMT.findall(line)
                    assert "".join("%s=%s " % f for f in fields).rstrip() == line, line
                    events.append(dict(fields)["event"])
            assert events.count("request") >= len(paths) and "forged" not in events, events


@test
def a_flood_is_one_line_a_second_and_the_rest_is_counted():
    n = scaled(300, 60)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "tokens")
        token = subprocess.run([OVERLAPD, "token", "new", "--scope", "metrics", "--file", path],
                               stdout=subprocess.PIPE, check=True).stdout.decode().strip()
        with Daemon(JSON, "--auth.tokens_file=" + path) as daemon:
            for _ in range(n):
                daemon.get("/v1/info", headers={"Authorization": "Bearer no"})
            deadline = time.monotonic() + 10
            while True:
                said = lines(daemon, "unauthenticated")
                more = sum(line["lines"] for line in lines(daemon, "suppressed") if line["of"] == "unauthenticated")
                if len(said) + more == n:
                    break
                assert len(said) + more < n and time.monotonic() < deadline, (len(said), more, n)
                time.sleep(0.05)
            scrape = daemon.get("/metrics", headers={"Authorization": "Bearer " + token}).body.decode()
            assert int(re.search(r"^overlapd_log_suppressed_total (\d+)$", scrape, re.M).group(1)) >= more
    assert len(said) <= 12, len(said)


@test
def a_reload_changes_how_lines_are_written():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "overlapd.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write("[log]\nformat = logfmt\n")
        with Daemon("--config", path) as daemon:
            daemon.get("/livez")
            with open(path, "w", encoding="ascii") as file:
                file.write("[log]\nformat = json\naccess = yes\n")
            before = len(daemon.log())
            daemon.signal(signal.SIGHUP)
            while "READY=1" not in daemon.notify.recv(4096).decode():
                pass
            daemon.get("/livez")
            await_text(daemon, '"request"', 1)
            text = daemon.log()
    assert "event=request" not in text and "event=reloaded key=log.format from=logfmt to=json" in text[before:], text
    assert json.loads(text.splitlines()[-1])["event"] == "request", text


if __name__ == "__main__":
    main()
