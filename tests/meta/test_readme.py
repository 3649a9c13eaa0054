#!/usr/bin/python3
# test_readme - every command of the README is run, and does what the README says.
# SPDX-License-Identifier: Apache-2.0
"""Runs the sh blocks of README.md in order, in one tree, against a daemon on a free port."""
import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from commands import ADDRESS, ROOT, Daemon, blocks, check_curl, commands, report, results, run

def without_blanks(text):
    return re.sub(r"\s+", "", text)


def check_demo(text):
    status, output = run("script/demo --once")
    report(status == 0, "script/demo --once ends with 0", output)
    shown = [re.sub(r"127\.0\.0\.1:\d+", ADDRESS, c)[2:]
             for c in commands(output) if c.startswith("$ curl")]
    known = [c for block in blocks(text, "sh") for c in commands(block)]
    report(bool(shown) and shown[0] in known, "script/demo runs the curl line of the README",
           shown, known)
    report(len(shown) == 2 and len(re.findall(r"^  mean ", output, re.M)) == 2,
           "script/demo prints a table for each pair", output)


def check_answer(text, answer):
    shown = blocks(text, "json")[0]
    missing = [part for part in without_blanks(shown).split("…")
               if part and part not in without_blanks(answer)]
    report(not missing, "the README's answer is the daemon's", missing, answer)


def check_commands(text):
    daemon, answers = None, []
    for command in (c for block in blocks(text, "sh") for c in commands(block)):
        if command == "script/demo":
            check_demo(text)
        elif command == "script/test":  # runs this very test
            report(run("sh -n script/test && test -x script/test")[0] == 0, command)
        elif command.startswith("curl "):
            answers.append(check_curl(command, daemon))
        elif command.endswith("overlapd &"):
            daemon = Daemon(command[:-1])
            report(True, command)
        else:
            status, output = run(command)
            report(status == 0, command, output)
    check_answer(text, answers[0])
    report(daemon.stop() == 0, "overlapd ends with 0 on SIGTERM")


def main():
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as readme:
        check_commands(readme.read())
    print("1..%d" % len(results))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
