# overlapd.py - starts a real overlapd for a test, speaks HTTP with it, prints TAP.
# SPDX-License-Identifier: Apache-2.0
"""Standard library only. A test module marks its tests with @test and ends with main()."""
import atexit
import base64
import ctypes
import http.client
import json
import os
import resource
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import zlib

BUILD = os.environ.get("BUILD", "build/release")
OVERLAPD = os.environ.get("OVERLAPD", os.path.abspath(os.path.join(BUILD, "overlapd")))
SLOW_BUILD = os.path.basename(BUILD) in ("asan", "tsan", "cov")
START_TIMEOUT_S = 20
STOP_TIMEOUT_S = 40
BOUNDARY = "overlapd-test-boundary"
LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


def scaled(release, sanitized):
    """How often to do something: the sanitizers are five to twenty times slower."""
    return sanitized if SLOW_BUILD else release


# ---------------------------------------------------------------------------------- the daemon


class Daemon:
    """One overlapd on a free loopback port and a Unix socket, ready when the constructor returns."""

    def __init__(self, *options, environment=None, descriptors=None):
        self.descriptors = descriptors  # its limit, which it cannot raise
        self.folder = tempfile.mkdtemp(prefix="overlapd-test-")
        self.log_path = os.path.join(self.folder, "log")
        self.unix = os.path.join(self.folder, "http.sock")
        self.exit_status = None
        self.ends_with = 0  # the exit status that stop() insists on
        self.process = self._spawn(options, environment or {})
        atexit.register(self._abandon)
        try:
            self._await_ready()
        except Exception:
            self._abandon()
            raise

    def _spawn(self, options, environment):
        path = os.path.join(self.folder, "notify")
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self.notify.bind(path)
        command = [OVERLAPD, "--listen.tcp=127.0.0.1:0", "--listen.unix=" + self.unix, *options]
        with open(self.log_path, "wb") as log:
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, "NOTIFY_SOCKET": path, **environment},
                preexec_fn=self._prepare)

    def _prepare(self):
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if self.descriptors is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (self.descriptors, self.descriptors))

    def _await_ready(self):
        ended = os.pidfd_open(self.process.pid)
        deadline = time.monotonic() + START_TIMEOUT_S
        text = ""
        while "READY=1" not in text:
            left = max(0, deadline - time.monotonic())
            readable, _, _ = select.select([self.notify, ended], [], [], left)
            if self.notify not in readable:
                os.close(ended)
                raise AssertionError("overlapd did not become ready:\n" + self.log())
            text = self.notify.recv(4096).decode()
        os.close(ended)
        self.ready_text = text
        words = dict(w.split("=", 1) for w in text.split() if "=" in w)
        self.host, port = words["tcp"].rsplit(":", 1)
        self.port = int(port)

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self):
        if self.exit_status is None:
            self.exit_status = self.process.wait(STOP_TIMEOUT_S)
            self.notify.close()
        return self.exit_status

    def stop(self):
        """Stops it as an operator would, and insists on the exit status (the sanitizers have theirs)."""
        if self.exit_status is None:
            self.signal(signal.SIGTERM)
        assert self.wait() == self.ends_with, "exit status %s\n%s" % (self.exit_status, self.log()[-6000:])
        shutil.rmtree(self.folder, ignore_errors=True)

    def _abandon(self):
        if self.exit_status is None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.stop()
        else:
            sys.stdout.write("".join("# log: %s\n" % line for line in self.log().splitlines()[-40:]))
            self._abandon()

    def connect(self, timeout=20):
        return socket.create_connection((self.host, self.port), timeout=timeout)

    def connect_unix(self, timeout=20):
        made = socket.socket(socket.AF_UNIX)
        made.settimeout(timeout)
        made.connect(self.unix)
        return made

    def request(self, method, path, body=None, headers=None, timeout=60):
        """One exchange on a connection of its own: an Answer."""
        connection = http.client.HTTPConnection(self.host, self.port)
        connection.sock = self.connect(timeout)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def score(self, parts, query="", headers=None, timeout=60):
        body = multipart(parts)
        return self.request("POST", "/v1/score" + query, body,
                            {"Content-Type": MULTIPART, **(headers or {})}, timeout)

    def gauges(self):
        """The numbers of /readyz?verbose."""
        lines = self.get("/readyz?verbose").body.decode().splitlines()
        pairs = (line.split() for line in lines)
        return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}

    def settle(self, timeout=10, **wanted):
        """Waits until the gauges have these values; asserts that they come to have them."""
        deadline = time.monotonic() + timeout
        while True:
            seen = self.gauges()
            if all(seen.get(name) == value for name, value in wanted.items()):
                return seen
            assert time.monotonic() < deadline, "gauges stay %s, wanted %s" % (seen, wanted)
            select.select([], [], [], 0.05)


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()
        self.closes = response.will_close

    @property
    def type(self):
        return self.headers.get("Content-Type", "").split(";")[0].strip()

    @property
    def json(self):
        return json.loads(self.body)


# -------------------------------------------------------------------------------- bodies, masks

MULTIPART = "multipart/form-data; boundary=" + BOUNDARY


def multipart(parts, boundary=BOUNDARY):
    """The body of parts [(name, bytes or text[, file name])]."""
    out = []
    for name, data, *rest in parts:
        file_name = '; filename="%s"' % rest[0] if rest else ""
        out.append(("--%s\r\nContent-Disposition: form-data; name=\"%s\"%s\r\n\r\n"
                    % (boundary, name, file_name)).encode())
        out.append(data if isinstance(data, bytes) else data.encode())
        out.append(b"\r\n")
    return b"".join(out) + ("--%s--\r\n" % boundary).encode()


def pair(prediction, reference, request=None):
    parts = [("prediction", prediction), ("reference", reference)]
    return parts if request is None else parts + [("request", json.dumps(request))]


def npy(labels, shape=None, descr="|u1", fortran=False):
    """An NPY file; labels are bytes, or integers packed as descr says."""
    if not isinstance(labels, (bytes, bytearray)):
        labels = pack(labels, descr)
    shape = shape or (len(labels),)
    text = "{'descr': '%s', 'fortran_order': %s, 'shape': (%s,), }" % (
        descr, fortran, ", ".join(map(str, shape)))
    padding = -(len(text) + 11) % 64
    text += " " * padding + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + bytes(labels)


CODES = {"u1": "B", "i1": "b", "u2": "H", "i2": "h", "u4": "I", "i4": "i", "u8": "Q", "i8": "q",
         "f2": "e", "f4": "f", "f8": "d"}


def pack(values, descr):
    order = ">" if descr[0] == ">" else "<"
    return struct.pack("%s%d%s" % (order, len(values), CODES[descr[1:]]), *values)


def nifti(voxels, shape, datatype=2, bits=8, spacing=1.0, offset=0.0):
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, len(shape), *shape, *[1] * (7 - len(shape)))
    struct.pack_into("<2h", header, 70, datatype, bits)
    struct.pack_into("<8f", header, 76, 1.0, *[spacing] * 3, *[1.0] * 4)
    struct.pack_into("<3f", header, 108, 352.0, 1.0, 0.0)
    header[123] = 2
    struct.pack_into("<2h", header, 252, 0, 1)
    struct.pack_into("<12f", header, 280, spacing, 0, 0, offset, 0, spacing, 0, 0, 0, 0, spacing, 0)
    header[344:348] = b"n+1\0"
    return bytes(header) + bytes(voxels)


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(pixels, width, height, depth=8, colour=0, channels=1):
    """A PNG of unfiltered rows; pixels are the bytes of all rows."""
    row = width * channels * depth // 8
    rows = b"".join(b"\0" + bytes(pixels[y * row:(y + 1) * row]) for y in range(height))
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", head) + png_chunk(b"IDAT", zlib.compress(rows))
            + png_chunk(b"IEND", b""))


def text64(data):
    return base64.b64encode(data).decode()


def counts(prediction, reference, label):
    """tp, fp, fn of two equally long label sequences: the definition, voxel by voxel."""
    tp = fp = fn = 0
    for p, r in zip(prediction, reference):
        tp += p == label and r == label
        fp += p == label and r != label
        fn += p != label and r == label
    return tp, fp, fn


# -------------------------------------------------------------------------------- raw responses


def read_until_quiet(connection, quiet=0.5, longest=10):
    """Everything that comes until the peer closes, or is quiet. Returns (bytes, closed)."""
    data, deadline = b"", time.monotonic() + longest
    while time.monotonic() < deadline:
        readable, _, _ = select.select([connection], [], [], quiet)
        if not readable:
            return data, False
        try:
            piece = connection.recv(65536)
        except ConnectionError:
            return data, True
        if not piece:
            return data, True
        data += piece
    return data, False


def split_responses(data, methods=()):
    """[(status, headers text, body)] of the HTTP responses in data, and what is left over. To HEAD, if
    these are the methods asked with, there comes no body."""
    found = []
    while data.startswith(b"HTTP/1."):
        head, separator, rest = data.partition(b"\r\n\r\n")
        if not separator:
            break
        length, text = 0, head.decode("latin-1")
        for line in text.split("\r\n")[1:]:
            name, _, value = line.partition(":")
            if name.lower() == "content-length":
                length = int(value)
        if methods[len(found):len(found) + 1] == [b"HEAD"]:
            length = 0
        found.append((int(text.split()[1]), text, rest[:length]))
        data = rest[length:]
    return found, data


# ------------------------------------------------------------------------------------------ TAP


class Skip(Exception):
    pass


TESTS = []


def test(function):
    """Marks a test; its name with blanks is the sentence that it proves."""
    TESTS.append(function)
    return function


def report(number, name, outcome=""):
    print("%s %d - %s" % ("not ok" if outcome.startswith("!") else "ok", number,
                          name + ("" if outcome.startswith("!") else outcome)))
    if outcome.startswith("!"):
        print("".join("# %s\n" % line for line in outcome[1:].splitlines()), end="")
    sys.stdout.flush()


def run_one(number, function):
    name = function.__name__.replace("_", " ")
    try:
        function()
    except Skip as reason:
        report(number, name, " # SKIP %s" % reason)
    except Exception:
        report(number, name, "!" + traceback.format_exc())
        return False
    else:
        report(number, name)
    return True


def main():
    print("1..%d" % len(TESTS))
    results = [run_one(number, function) for number, function in enumerate(TESTS, 1)]
    sys.exit(0 if all(results) else 1)
