#!/usr/bin/python3
# test_security_page - the commands of docs/security.md about tokens are run, in their order.
# SPDX-License-Identifier: Apache-2.0
"""Those about systemd and containers are run by test_boot.sh and test_image.sh."""
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from commands import ROOT, Daemon, blocks, check_curl, commands, report, results


def main():
    with open(os.path.join(ROOT, "docs/security.md"), encoding="utf-8") as page:
        make, start, ask = commands(blocks(page.read(), "sh")[0])
    with tempfile.TemporaryDirectory() as folder:
        make = make.replace("/etc/overlapd", folder)
        made = subprocess.run(["sh", "-c", re.match(r"TOKEN=\$\((.*)\)$", make).group(1).replace(
            "overlapd ", "build/release/overlapd ", 1)], cwd=ROOT, stdout=subprocess.PIPE, check=False)
        token = made.stdout.decode().strip()
        report(made.returncode == 0 and token.startswith("overlapd_"), make, token)
        daemon = Daemon(start.rstrip("& ").replace("/etc/overlapd", folder).replace(
            "overlapd ", "build/release/overlapd ", 1).replace("--listen.tcp=0.0.0.0:8040 ", ""))
        report(True, start)
        check_curl(ask.replace("$TOKEN", token), daemon)
        asked = subprocess.run(["curl", "-sS", "-o", os.devnull, "-w", "%{http_code}",
                                "http://%s/v1/info" % daemon.address], stdout=subprocess.PIPE, check=False)
        report(asked.stdout == b"401", "without the token it is 401", asked.stdout)
        report(daemon.stop() == 0, "overlapd ends with 0 on SIGTERM")
    print("1..%d" % len(results))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
