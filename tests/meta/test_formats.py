#!/usr/bin/python3
# test_formats - every request of docs/formats.md and docs/api.md is made, and gives what it should.
# SPDX-License-Identifier: Apache-2.0
import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from commands import ROOT, Daemon, blocks, check_curl, commands, report, results

VOLUME = {1: 0.8125, 2: 0.7642, 3: 0.7170}  # by NumPy, from make.py's arrays
LOSS = 0.5902  # 1 - mean of (2 I + 1e-5) / (P + G + 1e-5), by NumPy
IMAGE = {1: 0.8444, 2: 0.7586, 3: 0}


def check_scores(command, answer):
    wanted = IMAGE if len(answer["shape"]) == 2 else VOLUME
    seen = {c["label"]: round(c["dice"], 4) for c in answer["classes"]}
    if answer["options"]["labels"] != "auto":
        wanted = {label: wanted[label] for label in answer["options"]["labels"]}
    report(seen == wanted, "the page's scores: " + command, seen, wanted)


def formats(daemon):
    """The formats that the daemon knows, and those that the page has a section for."""
    listed = json.loads(check_curl("curl localhost:8040/v1/info", daemon))["formats"]
    with open(os.path.join(ROOT, "docs/formats.md"), encoding="utf-8") as page:
        described = re.findall(r"^`([a-z_]+)`:", page.read(), re.M)
    return sorted(listed), sorted(described)


def requests(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as page:
        return [c for block in blocks(page.read(), "sh") for c in commands(block)]


def main():
    daemon = Daemon("build/release/overlapd")
    for command in requests("docs/formats.md") + requests("docs/api.md"):
        answer = json.loads(check_curl(command, daemon))
        if "value" in answer:
            report(round(answer["value"], 4) == LOSS, "the loss is right", answer)
        elif "classes" in answer:
            check_scores(command, answer)
    listed, described = formats(daemon)
    report(listed == described, "every format has its section", listed, described)
    report(daemon.stop() == 0, "overlapd ends with 0 on SIGTERM")
    print("1..%d" % len(results))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
