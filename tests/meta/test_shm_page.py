#!/usr/bin/python3
# test_shm_page - every command of docs/shm.md is run, in its order, and the examples say what is so.
# SPDX-License-Identifier: Apache-2.0
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from commands import ROOT, Daemon, blocks, check_curl, commands, report, results, run

PYTHON = "build/venv/bin/python"

# 2 |P and R| / (|P| + |R|) of boxes that are moved by so many of their slices.
SAYS = {
    "examples/shm_handle.py": "dice 1.0000 0.9375 0.8750 0.8125\nmapped dice 1.0000\n",
    "examples/shm_name.py": "dice 0.9000\n",
}


def check_python(command):
    script = command.split()[1]
    if not os.path.exists(os.path.join(ROOT, PYTHON)):
        report(True, "%s # SKIP build/venv is absent: script/bootstrap peers" % command)
        return
    status, output = run(command.replace("python3", PYTHON, 1))
    report(status == 0 and output == SAYS[script], command, status, output)


def check(command, daemon):
    if command.startswith("python3 "):
        check_python(command)
    elif command.startswith("curl ") and " DELETE " not in command:
        check_curl(command, daemon)
    else:
        status, output = run(command)
        report(status == 0, command, status, output)


def main():
    with open(os.path.join(ROOT, "docs/shm.md"), encoding="utf-8") as page:
        lines = [c for block in blocks(page.read(), "sh") for c in commands(block)]
    daemon = Daemon(lines[0].rstrip("& "))
    for command in lines[1:]:
        check(command, daemon)
    report(daemon.stop() == 0, "overlapd ends with 0 on SIGTERM")
    print("1..%d" % len(results))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
