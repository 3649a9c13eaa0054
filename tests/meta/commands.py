# commands.py - the commands that documents show, run as their reader would; for tests/meta/test_*.py.
# SPDX-License-Identifier: Apache-2.0
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


def check_curl(command, daemon):
    command = command.replace("curl ", "curl -sS --fail-with-body ", 1)
    status, output = run(command.replace(ADDRESS, daemon.address))
    try:
        json.loads(output)
    except ValueError:
        status = status or "no JSON"
    report(status == 0, command, status, output)
    return output
