# failing.py - a daemon whose n-th allocation or write fails; for tests/fault/test_*.py.
# SPDX-License-Identifier: Apache-2.0
import errno
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../api"))
from overlapd import BUILD, LIBC, SLOW_BUILD, Skip  # noqa: E402

PRELOADED = os.path.abspath(os.path.join(BUILD, "tests/fault/failing_malloc.so"))
PRELOADED_IO = os.path.abspath(os.path.join(BUILD, "tests/fault/failing_io.so"))


def fail_allocation(daemon, n):
    """Arms the preloaded malloc."""
    order(daemon, n)


def fail_io(daemon, n, code=errno.EIO, for_ever=False):
    """Arms the preloaded writes to the store; n < 0: none fails."""
    order(daemon, 4 * n + 2 * for_ever + (code == errno.ENOSPC) if n >= 0 else -1)


def order(daemon, value):
    """Tells what is preloaded; the signal is taken before this returns."""
    assert LIBC.sigqueue(daemon.process.pid, signal.SIGUSR2, value) == 0
    pending = 1
    while pending:
        with open("/proc/%d/status" % daemon.process.pid, encoding="ascii") as status:
            lines = dict(line.split(":", 1) for line in status)
        pending = (int(lines["ShdPnd"], 16) | int(lines["SigPnd"], 16)) >> (signal.SIGUSR2 - 1) & 1


def unless_sanitized():
    if SLOW_BUILD and "cov" not in BUILD:
        raise Skip("a sanitizer brings its own malloc")
