#!/usr/bin/python3
# test_dashboard_page - every command of docs/dashboard.md is run, in its order.
# SPDX-License-Identifier: Apache-2.0
import glob
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from commands import ADDRESS, ROOT, Daemon, blocks, check_curl, commands, report, results, run


def remove_files():
    for path in glob.glob(os.path.join(ROOT, "build/dashboard.db*")):
        os.unlink(path)


def check(command, daemon):
    if command.startswith("curl ") and "/v1/" in command:
        check_curl(command, daemon)
        return
    asked = command.replace("curl ", "curl -sS --fail-with-body ", 1).replace(ADDRESS, daemon.address)
    status, output = run(asked)
    report(status == 0 and (not command.startswith("curl ") or "<title>overlapd</title>" in output),
           command, status, output)


def main():
    with open(os.path.join(ROOT, "docs/dashboard.md"), encoding="utf-8") as page:
        lines = [c for block in blocks(page.read(), "sh") for c in commands(block)]
    picture = os.path.join(ROOT, "docs/dashboard.png")
    report(os.path.getsize(picture) < 150000, "the picture is small", os.path.getsize(picture))
    remove_files()
    daemon = Daemon(lines[0].rstrip("& "))
    for command in lines[1:]:
        check(command, daemon)
    report(daemon.stop() == 0, "overlapd ends with 0 on SIGTERM")
    remove_files()
    print("1..%d" % len(results))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
