#!/usr/bin/python3 -B
# test_metrics.py - GET /metrics: what it counts, and that Prometheus can read it.
# SPDX-License-Identifier: Apache-2.0
import math
import os
import re
import shutil
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from overlapd import Daemon, Skip, multipart, npy, pair, scaled, test, main, MULTIPART

OPEN_METRICS = {"Accept": "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"}
SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})? (\S+)$')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\[\\"n])*)"(?:,|$)')


def scrape(daemon, headers=None):
    answer = daemon.get("/metrics", headers=headers)
    assert answer.status == 200, answer.body
    return answer


def samples(text):
    """{(name, sorted labels): value}; every line is a comment or a sample, and no series comes twice."""
    found = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        name, labels, value = SAMPLE.match(line).groups()
        pairs = LABEL.findall(labels[1:-1]) if labels else []
        assert not labels or ",".join('%s="%s"' % p for p in pairs) == labels[1:-1], line
        key = (name, tuple(sorted(pairs)))
        assert key not in found, line
        found[key] = float(value)
    return found


def value(found, name, **labels):
    return found.get((name, tuple(sorted(labels.items()))), 0.0)


def histograms(found):
    """{(family, labels without le): {bound: cumulative count}}"""
    result = {}
    for (name, labels), count in found.items():
        if name.endswith("_bucket"):
            rest = tuple(p for p in labels if p[0] != "le")
            result.setdefault((name[:-7], rest), {})[float(dict(labels)["le"])] = count
    return result


@test
def requests_stages_and_sizes_are_counted():
    mask, other, label = npy(b"\0\1\1\2" * 64), npy(b"\0\1\2\2" * 64), "/v1/score"
    body = multipart(pair(mask, other))
    with Daemon() as daemon:
        for _ in range(5):
            assert daemon.request("POST", label, body, {"Content-Type": MULTIPART}).status == 200
        for _ in range(2):
            assert daemon.request("POST", label, b"x", {"Content-Type": MULTIPART}).status == 400
        for _ in range(3):
            assert daemon.get("/nowhere").status == 404
        found = samples(scrape(daemon).body.decode())
    route = {"method": "POST", "route": label}
    assert value(found, "overlapd_http_requests_total", code="200", **route) == 5
    assert value(found, "overlapd_http_requests_total", code="400", **route) == 2
    name = "overlapd_http_request_duration_seconds"
    assert value(found, name + "_count", code="2xx", **route) == 5
    assert value(found, name + "_count", code="4xx", **route) == 2
    assert value(found, name + "_count", code="4xx", method="_other", route="_other") == 3
    assert 0 < value(found, name + "_sum", code="2xx", **route) < 60
    stages = "overlapd_stage_duration_seconds"
    for stage in ("queue", "decode", "count", "total"):
        assert value(found, stages + "_count", stage=stage) == 5, (stage, found)
    assert value(found, stages + "_count", stage="receive") == 7
    parts = sum(value(found, stages + "_sum", stage=s) for s in ("receive", "queue", "decode", "count"))
    assert value(found, stages + "_sum", stage="total") > 0 and parts > 0
    assert value(found, "overlapd_http_request_body_bytes_sum") == 5 * len(body) + 2
    assert value(found, "overlapd_http_request_body_bytes_count") == 7
    assert value(found, "overlapd_decoded_bytes_sum") == 5 * 2 * 256
    assert value(found, "overlapd_decoded_bytes_bucket", le="1024.0") == 5


@test
def histograms_are_whole_and_their_buckets_add_up():
    with Daemon() as daemon:
        for _ in range(20):
            assert daemon.score(pair(npy(b"\0\1"), npy(b"\1\1"))).status == 200
        found = samples(scrape(daemon).body.decode())
    buckets = histograms(found)
    assert len(buckets) >= 8, buckets
    for (name, labels), counts in buckets.items():
        bounds = sorted(counts)
        assert bounds[-1] == math.inf and len(bounds) > 5, (name, counts)
        assert [counts[b] for b in bounds] == sorted(counts.values()), (name, counts)
        assert counts[math.inf] == found[(name + "_count", labels)], name
        assert found[(name + "_sum", labels)] >= 0


@test
def the_build_and_the_process_are_described():
    with Daemon(environment={"TZ": "Asia/Tokyo"}) as daemon:
        info = daemon.get("/v1/info").json
        found = samples(scrape(daemon).body.decode())
        seen = os.listdir("/proc/%d/fd" % daemon.process.pid)
        pages = [int(n) * os.sysconf("SC_PAGESIZE")
                 for n in open("/proc/%d/statm" % daemon.process.pid, encoding="ascii").read().split()[:2]]
    assert value(found, "overlapd_build_info", version=info["version"], isa=info["isa"]) == 1
    assert abs(value(found, "process_start_time_seconds") - time.time()) < 60
    assert 0 < value(found, "process_cpu_seconds_total") < 60
    assert abs(value(found, "process_open_fds") - len(seen)) <= 3, seen  # connections come and go
    assert value(found, "process_max_fds") >= len(seen)
    assert 0.5 < value(found, "process_virtual_memory_bytes") / pages[0] < 2
    assert 0.5 < value(found, "process_resident_memory_bytes") / pages[1] < 2


@test
def no_client_can_add_series():
    with Daemon() as daemon:
        daemon.get("/nowhere")
        daemon.request("BREW", "/v1/score")
        before = {k for k in samples(scrape(daemon).body.decode()) if "rejected" not in k[0]}
        for i in range(scaled(100, 30)):
            daemon.get("/secret-%d?x=%d" % (i, i))
            daemon.request("BREW%d" % i, "/v1/score")
            daemon.get("/v1/runs/run-%d" % i)
        text = scrape(daemon).body.decode()
    after = {k for k in samples(text) if "rejected" not in k[0]}
    assert "secret" not in text and "BREW" not in text and "run-1" not in text, text
    grown = {dict(labels).get("route") for _, labels in after - before}
    assert grown <= {"/v1/runs/{run}", "/metrics"}, after - before
    assert len(after - before) < 60


@test
def open_metrics_is_what_they_get_who_ask_for_it():
    with Daemon() as daemon:
        daemon.get("/nowhere")
        plain, asked = scrape(daemon), scrape(daemon, OPEN_METRICS)
    assert plain.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert asked.headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    text = asked.body.decode()
    assert text.endswith("\n# EOF\n") and text.count("# EOF") == 1 and "# EOF" not in plain.body.decode()
    types = dict(line.split()[2:4] for line in text.splitlines() if line.startswith("# TYPE "))
    for name, kind in types.items():
        assert not name.endswith("_total"), name
        if kind == "counter":
            assert re.search(r"^%s_total[ {]" % name, text, re.M) or name == "overlapd_rejected", name
    names = {name for name, _ in samples(text)}
    for name in names:
        family = re.sub(r"_(total|bucket|sum|count)$", "", name)
        assert family in types or name in types, name
    same = {k for k in samples(plain.body.decode()) if "/metrics" not in str(k)}
    assert same <= set(samples(text)), same - set(samples(text))


@test
def promtool_finds_nothing_to_say():
    if not shutil.which("promtool"):
        raise Skip("promtool is not installed (script/bootstrap deploy)")
    with Daemon() as daemon:
        daemon.score(pair(npy(b"\0\1"), npy(b"\1\1")))
        daemon.get("/nowhere")
        text = scrape(daemon).body
    for known, damage in ((True, text), (False, text.replace(b"_total", b"_sum_of"))):
        done = subprocess.run(["promtool", "check", "metrics"], input=damage, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert (done.returncode == 0 and not done.stdout) == known, done.stdout.decode()


@test
def scrapes_beside_requests_lose_none():
    n_threads, n_each = 4, scaled(100, 20)
    with Daemon() as daemon:
        def work():
            for _ in range(n_each):
                assert daemon.score(pair(npy(b"\0\1\1"), npy(b"\1\1\0"))).status == 200
        threads = [threading.Thread(target=work) for _ in range(n_threads)]
        for thread in threads:
            thread.start()
        last = 0
        while any(thread.is_alive() for thread in threads):
            now = value(samples(scrape(daemon).body.decode()), "overlapd_stage_duration_seconds_count", stage="total")
            assert last <= now
            last = now
        for thread in threads:
            thread.join()
        found = samples(scrape(daemon).body.decode())
    assert value(found, "overlapd_stage_duration_seconds_count", stage="count") == n_threads * n_each
    assert value(found, "overlapd_http_request_duration_seconds_count",
                 method="POST", route="/v1/score", code="2xx") == n_threads * n_each


if __name__ == "__main__":
    main()
