#!/usr/bin/python3
# test_operations_page - every command of docs/operations.md is run, in its order.
# SPDX-License-Identifier: Apache-2.0
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from commands import ADDRESS, READY_S, ROOT, Daemon, blocks, commands, report, results, run

# What the answer to a command must hold, so that one which says nothing of use is a failure.
WORDS = {"/livez": "ok", "/readyz": "ready", "verbose": "draining no", "/metrics": "# TYPE overlapd_ready gauge",
         "openmetrics": "# EOF", "traceparent": '"version"'}


def check(command, daemon):
    asked = command.replace("curl ", "curl -sS --fail-with-body ", 1).replace(ADDRESS, daemon.address)
    status, output = run(asked)
    wanted = [word for key, word in WORDS.items() if key in command]
    report(status == 0 and all(word in output for word in wanted), command, status, output)


def main():
    with open(os.path.join(ROOT, "docs/operations.md"), encoding="utf-8") as page:
        lines = [c for block in blocks(page.read(), "sh") for c in commands(block)]
    start, pid = re.match(r"(.*) & echo \$! >(\S+)$", lines[0]).groups()
    daemon = Daemon(start)
    with open(os.path.join(ROOT, pid), "w", encoding="ascii") as file:
        file.write("%d\n" % daemon.process.pid)
    for command in lines[1:]:
        check(command, daemon)
    report(daemon.process.wait(READY_S) == 0, "overlapd has ended with 0")
    os.unlink(os.path.join(ROOT, pid))
    print("1..%d" % len(results))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
