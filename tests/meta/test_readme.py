#!/usr/bin/python3
# test_readme - every command of the README is run, and does what the README says.
# SPDX-License-Identifier: Apache-2.0
"""Runs the sh blocks of README.md in order, in one tree, against a daemon on a free port."""
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ADDRESS = "localhost:8040"
READY_S = 20
COMMAND_S = 120

results = []


def report(ok, name, *notes):
    results.append(ok)
    print("%s %d - %s" % ("ok" if ok else "not ok", len(results), name))
    if not ok:
        for note in notes:
            print("\n".join("# " + line for line in str(note).splitlines()[-40:]))
    sys.stdout.flush()


def blocks(text, language):
    return re.findall(r"^```%s\n(.*?)^```" % language, text, re.M | re.S)


def commands(block):
    """The block's commands, continued lines joined."""
    return [line for line in re.sub(r" *\\\n *", " ", block).splitlines() if line.strip()]


class Daemon:
    """overlapd on a free port; ready once it says so on NOTIFY_SOCKET."""

    def __init__(self, command):
        with tempfile.TemporaryDirectory() as folder, \
                socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(os.path.join(folder, "notify"))
            notify.settimeout(READY_S)
            environment = dict(os.environ, OVERLAPD_LISTEN_TCP="127.0.0.1:0",
                               NOTIFY_SOCKET=notify.getsockname())
            self.process = subprocess.Popen(shlex.split(command), cwd=ROOT, env=environment,
                                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                            stderr=subprocess.DEVNULL)
            try:
                self.address = re.search(r"tcp=(\S+)", notify.recv(4096).decode()).group(1)
            except Exception:
                self.process.kill()
                raise

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(READY_S)


def run(command):
    """The status and the output of a command, as a shell of the reader's own would run it."""
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, env=environment, timeout=COMMAND_S,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    return done.returncode, done.stdout.decode("utf-8", "replace")


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


def check_curl(command, daemon):
    command = command.replace("curl ", "curl -sS --fail-with-body ", 1)
    status, output = run(command.replace(ADDRESS, daemon.address))
    try:
        json.loads(output)
    except ValueError:
        status = status or "no JSON"
    report(status == 0, command, status, output)
    return output


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
