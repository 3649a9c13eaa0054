#!/usr/bin/python3
# test_grafana - dashboard and alerts ask for metrics that there are, in words that Prometheus knows.
# SPDX-License-Identifier: Apache-2.0
"""How Grafana draws the dashboard is not looked at; what its panels ask a real Prometheus is."""
import itertools
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/api"))
from overlapd import Daemon, Skip, npy, pair, test, main

VARIABLES = {"$__rate_interval": "5m", "$job": ".*", "$instance": ".*"}
LOAD_S = 20


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def dashboard():
    return json.loads(read("grafana/overlapd.json"))


def expressions():
    """{panel: its expressions}, with values for Grafana's variables."""
    found = {}
    for panel in dashboard()["panels"]:
        for target in panel["targets"]:
            text = target["expr"]
            for name, value in VARIABLES.items():
                text = text.replace(name, value)
            assert "$" not in text, text
            found.setdefault(panel["title"], []).append(text)
    return found


def exercise(daemon):
    for _ in range(3):
        assert daemon.score(pair(npy(b"\0\1\1"), npy(b"\1\1\0"))).status == 200
        assert daemon.score(pair(b"nonsense", npy(b"\1\1\0"))).status >= 400


def needs(tool):
    if not shutil.which(tool):
        raise Skip("%s is not installed (script/bootstrap deploy)" % tool)


def promtool(*arguments, cwd=ROOT):
    done = subprocess.run(["promtool", *arguments], cwd=cwd, check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    return done.returncode, done.stdout.decode()


@test
def the_dashboard_is_whole():
    board = dashboard()
    assert board["uid"] == "overlapd" and board["schemaVersion"] >= 36
    assert [i["name"] for i in board["__inputs"]] == ["DS_PROMETHEUS"]
    panels = board["panels"]
    assert len({p["id"] for p in panels}) == len({p["title"] for p in panels}) == len(panels)
    for panel in panels:
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"} and panel["targets"]
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24, panel["title"]
    for one, other in itertools.combinations([p["gridPos"] for p in panels], 2):
        assert (one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"] or
                one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]), (one, other)


@test
def every_metric_that_is_asked_for_is_in_a_scrape():
    with tempfile.TemporaryDirectory() as folder, Daemon("--store.path=" + folder + "/runs.db") as daemon:
        exercise(daemon)
        scrape = daemon.get("/metrics").body.decode()
    there = {re.match(r"[a-z_]+", line).group() for line in scrape.splitlines() if not line.startswith("#")}
    asked = " ".join(sum(expressions().values(), [])) + read("grafana/alerts.yml").split("groups:")[1]
    wanted = set(re.findall(r"\b(?:overlapd|process)_[a-z_]+", re.sub(r'description:.*|job="\w+"', "", asked)))
    assert len(wanted) > 25 and wanted <= there, wanted - there


@test
def prometheus_understands_alerts_and_expressions():
    needs("promtool")
    status, output = promtool("check", "rules", "grafana/alerts.yml")
    assert status == 0, output
    rules = [{"record": "a:b", "labels": {"n": str(i)}, "expr": e}
             for i, e in enumerate(sum(expressions().values(), []))]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "rules.json")
        with open(path, "w", encoding="ascii") as file:
            json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, file)
        status, output = promtool("check", "rules", path)
        assert status == 0 and "%d rules" % len(rules) in output, output


@test
def alerts_fire_when_they_should():
    needs("promtool")
    with tempfile.TemporaryDirectory() as folder:
        for path in ("grafana/alerts.yml", "tests/meta/alerts_test.yml"):
            shutil.copy(os.path.join(ROOT, path), folder)
        status, output = promtool("test", "rules", "alerts_test.yml", cwd=folder)
    assert status == 0, output


class Prometheus:
    """One that scrapes a daemon; ready once it has done so twice."""

    def __init__(self, daemon, folder):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = "127.0.0.1:%d" % free.getsockname()[1]
        config = {"global": {"scrape_interval": "200ms"}, "scrape_configs": [
            {"job_name": "overlapd", "static_configs": [{"targets": ["%s:%d" % (daemon.host, daemon.port)]}]}]}
        with open(os.path.join(folder, "prometheus.yml"), "w", encoding="ascii") as file:
            json.dump(config, file)
        with open(os.path.join(folder, "log"), "wb") as log:
            self.process = subprocess.Popen(
                ["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data",
                 "--web.listen-address=" + self.address], cwd=folder, stdout=log, stderr=log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def ask(self, expression):
        url = "http://%s/api/v1/query?%s" % (self.address, urllib.parse.urlencode({"query": expression}))
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]["result"]

    def await_scrapes(self):
        deadline = time.monotonic() + LOAD_S
        while time.monotonic() < deadline:
            try:
                if self.ask('count_over_time(overlapd_build_info[1m]) >= 3'):
                    return
            except OSError:
                assert self.process.poll() is None, "prometheus has ended"
            time.sleep(0.05)
        raise AssertionError("no scrapes: %s" % self.ask("up"))


@test
def a_real_prometheus_has_an_answer_for_every_panel():
    needs("prometheus")
    with tempfile.TemporaryDirectory() as folder, \
            Daemon("--store.path=" + folder + "/runs.db", "--log.access=yes") as daemon:
        exercise(daemon)
        with Prometheus(daemon, folder) as prometheus:
            prometheus.await_scrapes()
            exercise(daemon)
            prometheus.await_scrapes()
            assert [r["value"][1] for r in prometheus.ask("up")] == ["1"]
            empty = [(title, e) for title, found in expressions().items() for e in found if not prometheus.ask(e)]
            assert not empty, empty
            assert prometheus.ask("scrape_samples_scraped")[0]["value"][1] != "0"
        assert "route=/metrics" in daemon.log()


if __name__ == "__main__":
    main()
