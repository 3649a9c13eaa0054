# failing.py - a daemon whose n-th allocation fails; for tests/fault/test_*.py.
# SPDX-License-Identifier: Apache-2.0
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../api"))
from overlapd import BUILD, LIBC, SLOW_BUILD, Skip  # noqa: E402

PRELOADED = os.path.abspath(os.path.join(BUILD, "tests/fault/failing_malloc.so"))


def fail_allocation(daemon, n):
    """Arms the preloaded malloc; the signal is taken before this returns."""
    assert LIBC.sigqueue(daemon.process.pid, signal.SIGUSR2, n) == 0
    pending = 1
    while pending:
        with open("/proc/%d/status" % daemon.process.pid, encoding="ascii") as status:
            lines = dict(line.split(":", 1) for line in status)
        pending = (int(lines["ShdPnd"], 16) | int(lines["SigPnd"], 16)) >> (signal.SIGUSR2 - 1) & 1


def unless_sanitized():
    if SLOW_BUILD and "cov" not in BUILD:
        raise Skip("a sanitizer brings its own malloc")
