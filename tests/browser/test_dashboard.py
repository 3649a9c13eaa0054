#!/usr/bin/python3 -B
# test_dashboard.py - the dashboard of a real overlapd in a real browser, which drive.js uses.
# SPDX-License-Identifier: Apache-2.0
"""With arguments SCRIPT FOLDER it runs another script over the same runs, which leaves pictures in
the folder: shots.js takes every view, picture.js the one of docs/dashboard.md."""
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "api")]
import fill
from overlapd import Daemon, MULTIPART, OVERLAPD

DRIVE_S = 160


def skip(reason):
    print("1..0 # SKIP " + reason)
    sys.exit(0)


def url(daemon):
    return "http://%s:%d/" % (daemon.host, daemon.port)


def new_token(file):
    made = subprocess.run([OVERLAPD, "token", "new", "--scope", "read", "--name", "reader", "--file", file],
                          stdout=subprocess.PIPE, check=True)
    return made.stdout.decode().strip()


def drive(script, job):
    environment = dict(os.environ, JOB=json.dumps(job), CHROMIUM=shutil.which("chromium"))
    return subprocess.run(["node", os.path.join(HERE, script)], env=environment, timeout=DRIVE_S,
                          stdin=subprocess.DEVNULL).returncode


def test(folder, daemon):
    tokens, body = os.path.join(folder, "tokens"), os.path.join(folder, "body")
    token = new_token(tokens)
    with open(body, "wb") as file:
        file.write(fill.live_body(1))
    fill.fill_script(daemon)
    with Daemon("--auth.tokens_file=" + tokens, "--store.path=" + os.path.join(folder, "guarded.db")) as guarded:
        return drive("drive.js", {"url": url(daemon), "guarded": url(guarded), "token": token, "body": body,
                                  "type": MULTIPART, "script": fill.SCRIPT})


def main(arguments):
    if shutil.which("chromium") is None or shutil.which("node") is None:
        skip("chromium or node is not installed (script/bootstrap browser)")
    if not os.path.isdir(os.path.join(HERE, "../../build/node/node_modules/playwright-core")):
        skip("playwright-core is not installed (script/bootstrap browser)")
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="overlapd-test-"))
        daemon = stack.enter_context(Daemon("--store.path=" + os.path.join(folder, "runs.db")))
        fill.fill(daemon)
        if arguments:
            return drive(arguments[0], {"url": url(daemon), "folder": arguments[1]})
        return test(folder, daemon)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
