# overload.py - a daemon under more than it can take: what it does with it, measured.
# SPDX-License-Identifier: Apache-2.0
"""Each function starts a daemon, overloads it and returns figures. tests/api/test_overload.py asks for
little and judges loosely; bench/overload.py asks for all."""
import concurrent.futures
import functools
import http.client
import os
import resource
import socket
import struct
import threading
import time
import zlib

from crowd import GOOD_ADDRESS, Crowd, be_good, be_slow, connect_only, good_request, percentile
from overlapd import Answer, Daemon, multipart, npy, pair
from uploads import HEAD, MIB

UNBOUND = ("--limits.connections=16000", "--limits.connections_per_address=0")


def memory_bytes(daemon, name):
    with open("/proc/%d/status" % daemon.process.pid, encoding="ascii") as status:
        return int(next(line for line in status if line.startswith(name)).split()[1]) * 1024


def processor_s(daemon):
    with open("/proc/%d/stat" % daemon.process.pid, encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def good_figures(found, prefix):
    times = [seconds for seconds, _ in found]
    return {prefix + "n": len(found), prefix + "failed": sum(not ok for _, ok in found),
            prefix + "p50_s": percentile(times, 50), prefix + "p99_s": percentile(times, 99)}


# ---------------------------------------------------------------------------------- slow clients


def slow_clients(counts, per_s, deadline_s, alone_s):
    """Slow ones by kind beside 50 good requests a second."""
    deadlines = ["--timeouts.%s=%g" % (what, deadline_s) for what in ("header", "body", "write", "idle")]
    figures = {"lasted_s": {}, "open": 0}
    with Daemon(*UNBOUND, *deadlines) as daemon:
        good = Crowd(be_good, daemon, 0.02)
        time.sleep(alone_s)
        figures.update(good_figures(good.stop(), "alone_"))
        before = peak = memory_bytes(daemon, "VmRSS")
        good = Crowd(be_good, daemon, 0.02)
        slow = Crowd(be_slow, daemon, counts, per_s, sum(counts.values()) / per_s + deadline_s + 10)
        while not slow.pipe.poll(0.1):
            peak = max(peak, memory_bytes(daemon, "VmRSS"))
        for kind, (lasted, n_open) in slow.wait().items():
            figures["lasted_s"][kind] = max(lasted, default=0)
            figures["open"] += n_open
        figures.update(good_figures(good.stop(), "beside_"))
        daemon.settle(timeout=20, connections=1, budget_used_bytes=0)
        figures.update(memory_bytes=peak - before, log_lines=daemon.log().count("\n"))
    return figures


# ---------------------------------------------------------------------------------- descriptors


def livez_s(daemon):
    """Seconds that a request of a new connection takes."""
    began = time.monotonic()
    with socket.create_connection((daemon.host, daemon.port), 20, (GOOD_ADDRESS, 0)) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
    return time.monotonic() - began


def few_descriptors(n_connects, full_s):
    """64 descriptors and more connects than that, then none of them, and one good client."""
    figures = {}
    with Daemon("--timeouts.header=600", *UNBOUND, descriptors=64) as daemon:
        crowd = Crowd(connect_only, daemon, n_connects)
        figures["connects"] = crowd.pipe.recv()
        time.sleep(0.3)
        began = processor_s(daemon)
        time.sleep(full_s)
        figures["processor_share"] = (processor_s(daemon) - began) / full_s
        crowd.stop()  # what it has in the backlog is reset, but still has to be taken from there
        figures["answer_s"] = livez_s(daemon)
        figures["log_lines"] = daemon.log().count("\n")
    return figures


def no_descriptors(full_s):
    """No connections, but other files have taken every descriptor: there are none for accept."""
    figures = {}
    with Daemon() as daemon:
        _, hard = resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (4, hard))

        with daemon.connect() as connection:
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            began = processor_s(daemon)
            time.sleep(full_s)
            figures["processor_share"] = (processor_s(daemon) - began) / full_s
            freed = time.monotonic()
            resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (1024, hard))
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")
            figures["answer_s"] = time.monotonic() - freed
        figures["log_lines"] = daemon.log().count("\n")
    return figures


# ---------------------------------------------------------------------------------- bombs


@functools.cache
def gzip_bomb(n_bytes):
    """Whole mebibytes of zeros: all but the first are the same bytes, as nothing refers back."""
    coder, zeros, crc = zlib.compressobj(9, zlib.DEFLATED, -15), bytes(MIB), 0
    block = coder.compress(zeros) + coder.flush(zlib.Z_FULL_FLUSH)
    for _ in range(n_bytes // MIB):
        crc = zlib.crc32(zeros, crc)
    end = coder.flush() + struct.pack("<II", crc, n_bytes)
    return b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + block * (n_bytes // MIB) + end


def zstd_bomb():
    """A frame whose header asks for a window of 2 GiB (RFC 8878, 3.1.1.1), with a run of 128 KiB."""
    return (b"\x28\xb5\x2f\xfd" + bytes([0x00, (31 - 10) << 3])
            + (1 | 1 << 1 | (128 << 10) << 3).to_bytes(3, "little") + b"\0")


def bomb_requests(kinds, n_bytes):
    """A request for each kind: a mask that unpacks to more than its header says, as a file or a body."""
    gzipped = gzip_bomb(n_bytes)
    small = npy(b"\0\1\1\2")
    files = {"gzip file": (gzipped, b""), "zstd file": (zstd_bomb(), b""),
             "gzip body": (gzipped, b"Content-Encoding: gzip\r\n"),
             "zstd body": (zstd_bomb(), b"Content-Encoding: zstd\r\n")}
    found = []
    for kind in kinds:
        data, header = files[kind]
        body = data if header else multipart(pair(data, small))
        found.append(HEAD + header + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    return found


def await_idle(daemon):
    """Until it has read what was sent to it, and done nothing for a second."""
    spent, idle_s = None, 0.0
    while idle_s < 1:
        spent, before = processor_s(daemon), spent
        idle_s = idle_s + 0.25 if spent == before else 0.0
        time.sleep(0.25)


def throw(daemon, request, all_sent, go):
    """Status of the answer and seconds from the last byte, which all send at once."""
    with daemon.connect(120) as connection:
        connection.sendall(request[:-1])
        all_sent.release()
        assert go.wait(120)
        sent = time.monotonic()
        connection.sendall(request[-1:])
        response = http.client.HTTPResponse(connection)
        response.begin()
        return Answer(response).status, time.monotonic() - sent


def bombs(kinds, n_each, n_bytes, budget_bytes):
    """So many of each kind at once, beside 50 good requests a second."""
    requests = bomb_requests(kinds, n_bytes) * n_each
    with Daemon(*UNBOUND, "--limits.budget_bytes=%d" % budget_bytes) as daemon:
        good_request((daemon.host, daemon.port))
        before = memory_bytes(daemon, "VmRSS")
        all_sent, go = threading.Semaphore(0), threading.Event()
        with concurrent.futures.ThreadPoolExecutor(len(requests)) as pool:
            thrown = [pool.submit(throw, daemon, request, all_sent, go) for request in requests]
            for _ in requests:
                assert all_sent.acquire(timeout=60)
            await_idle(daemon)
            good = Crowd(be_good, daemon, 0.02)
            time.sleep(0.5)
            go.set()
            answers = [future.result() for future in thrown]
        figures = good_figures(good.stop(), "beside_")
        figures.update(statuses=sorted({status for status, _ in answers}),
                       longest_s=max(seconds for _, seconds in answers),
                       memory_bytes=memory_bytes(daemon, "VmHWM") - before)
        daemon.settle(timeout=20, budget_used_bytes=0)
    return figures
