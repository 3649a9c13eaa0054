#!/usr/bin/python3 -B
# test_loss_shm.py - losses of shared memory, gradients written into it: right, or not a byte.
# SPDX-License-Identifier: Apache-2.0
import concurrent.futures
import fcntl
import json
import math
import os
import random
import socket
import struct
import subprocess
import sys
import threading
import time
from multiprocessing import shared_memory

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from overlapd import MULTIPART, Daemon, Skip, main, multipart, npy, pack, test, text64
from schema import Validator
from shm import F_ADD_SEALS, SHRINK, WRITE, ShmDaemon, memfd, unix_request, view

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
FUTURE_WRITE, GROW = 16, 4
DAEMON = ShmDaemon()
CODES = {"float16": "e", "float32": "f", "float64": "d"}
SHAPE = (2, 3, 5, 4)  # samples, classes, space
N, C, V = 2, 3, 20
N_ALL = N * C * V
MARK = 0xa5


def numbers(values, dtype="float64"):
    return struct.pack("<%d%s" % (len(values), CODES[dtype]), *values)


def make_inputs():
    random_ = random.Random(11)
    return ([random_.randrange(1, 1024) / 1024 for _ in range(N_ALL)],
            [random_.randrange(C) for _ in range(N * V)])


P, LABELS = make_inputs()


def dice_by_hand(p, labels, n=1e-5, d=1e-5):
    """The mean of 1 - (2 I + n) / (P + G + d) over samples and classes, and its slopes."""
    values, slopes = [], []
    for row in range(N * C):
        own, g = p[row * V:][:V], [label == row % C for label in labels[row // C * V:][:V]]
        upper = 2 * math.fsum(a for a, b in zip(own, g) if b) + n
        lower = math.fsum(own) + sum(g) + d
        values.append(1 - upper / lower)
        slopes += [(upper / lower ** 2 - (2 / lower if b else 0)) / (N * C) for b in g]
    return math.fsum(values) / len(values), slopes


VALUE, SLOPES = dice_by_hand(P, LABELS)


class Named:
    """A named object, registered as all of itself."""

    def __init__(self, name, data, writable=False):
        self.memory = shared_memory.SharedMemory(create=True, size=len(data))
        self.memory.buf[:len(data)] = data
        self.name, self.n = name, len(data)
        self.key = "/" + self.memory.name.lstrip("/")
        answer = put(name, self.key, self.n, writable=writable)
        assert answer.status == 201 and answer.json["writable"] is writable, answer.body

    def bytes(self):
        return bytes(self.memory.buf[:self.n])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        DAEMON.unix_request("DELETE", "/v1/shm/" + self.name)
        self.memory.close()
        self.memory.unlink()


def put(name, key, byte_size, **more):
    return DAEMON.unix_request("PUT", "/v1/shm/" + name, {"key": key, "byte_size": byte_size, **more})


def loss(request, daemon=DAEMON):
    return unix_request(daemon, "POST", "/v1/loss", request, {"Content-Type": "application/json"})


def inline(data, dtype, shape):
    return {"format": "raw", "dtype": dtype, "shape": list(shape), "base64": text64(data)}


def request(place=None, dtype="float64", **more):
    """Inputs that are sent, and a place for the gradient."""
    whole = {"prediction": inline(numbers(P, dtype), dtype, SHAPE),
             "target": inline(bytes(LABELS), "uint8", (N, 5, 4))}
    if place is not None:
        whole["gradient"] = view(place, SHAPE, dtype)
    return {**whole, **more}


def expect(answer, memory, offset=0, dtype="float64", told_offset=None):
    """The gradient lies in the memory, and not a byte around it has changed."""
    assert answer.status == 200 and answer.type == "application/json", answer.body
    tolerance = {"float64": 1e-14, "float32": 1e-7, "float16": 1e-3}[dtype]
    assert abs(answer.json["value"] - VALUE) < 1e-12, answer.json["value"] - VALUE
    told = answer.json["gradient"]
    assert told["shape"] == list(SHAPE) and told["dtype"] == dtype and told["order"] == "C", told
    assert told["offset"] == (offset if told_offset is None else told_offset), told
    assert answer.json["options"]["gradient"] is True
    n = struct.calcsize(CODES[dtype]) * N_ALL
    found = struct.unpack("<%d%s" % (N_ALL, CODES[dtype]), memory[offset:offset + n])
    assert max(abs(a - b) for a, b in zip(found, SLOPES)) < tolerance
    assert set(memory[:offset] + memory[offset + n:]) <= {MARK}


def refused(answer, code, pointer=None):
    assert answer.json.get("code") == code and answer.json["detail"], (code, answer.body)
    if pointer is not None:
        assert answer.json["errors"][0]["pointer"] == pointer, answer.body


# ------------------------------------------------------------------------------ where it works


@test
def a_gradient_lands_where_the_request_says_and_nowhere_else():
    for dtype in CODES:
        n = struct.calcsize(CODES[dtype]) * N_ALL
        with Named("out", bytes([MARK]) * (n + 200), True) as out:
            for offset in (0, 1, 64, 199, 200):
                out.memory.buf[:out.n] = bytes([MARK]) * out.n
                answer = loss(request({"shm": "out", "offset": offset}, dtype))
                expect(answer, out.bytes(), offset, dtype)
                assert answer.json["gradient"]["shm"] == "out"
            assert DAEMON.unix_request("GET", "/v1/shm/out").json["writable"] is True
    DAEMON.settle(budget_used_bytes=0)


@test
def request_and_answer_are_as_the_contract_says():
    try:
        import yaml
    except ImportError:
        raise Skip("python3-yaml is not installed") from None
    with open(os.path.join(ROOT, "proto/openapi.yaml"), "rb") as contract:
        document = yaml.safe_load(contract)
    schemas, validator = document["components"]["schemas"], Validator(document)
    with Named("out", bytes([MARK]) * (8 * N_ALL), True) as out:
        whole = request({"shm": "out"})
        answer = loss(whole)
        expect(answer, out.bytes())
        assert not validator.faults(whole, schemas["LossRequest"])
        assert not validator.faults(answer.json, schemas["Loss"])
        region = DAEMON.unix_request("GET", "/v1/shm/out").json
        assert not validator.faults(region, schemas["SharedRegion"])
        problem = loss(request({"shm": "out", "offset": 1})).json
        assert not validator.faults(problem, schemas["Problem"])


@test
def inputs_and_gradient_by_name_may_share_an_object():
    """Prediction, target and gradient side by side, not a byte between them."""
    data = numbers(P) + bytes(LABELS) + bytes([MARK]) * (8 * N_ALL)
    at_target, at_gradient = 8 * N_ALL, 8 * N_ALL + N * V
    with Named("all", data, True) as all_:
        answer = loss({"prediction": view({"shm": "all"}, SHAPE, "float64"),
                       "target": view({"shm": "all"}, (N, 5, 4), offset=at_target),
                       "gradient": view({"shm": "all"}, SHAPE, "float64", offset=at_gradient)})
        expect(answer, all_.bytes()[at_gradient:], told_offset=at_gradient)
        assert all_.bytes()[:at_gradient] == data[:at_gradient]


@test
def inputs_and_gradient_by_handle_mapped_strided_or_not():
    """A sealed prediction with its classes last, a target in Fortran's order."""
    last = [P[(s * C + c) * V + x] for s in range(N) for x in range(V) for c in range(C)]
    fortran = [LABELS[s * V + y * 4 + x] for x in range(4) for y in range(5) for s in range(N)]
    sealed = memfd(numbers(last), SHRINK | WRITE)
    target, out = memfd(bytes(fortran)), memfd(bytes([MARK]) * (8 * N_ALL + 16))
    with DAEMON.mailbox() as box:
        a, b, g = box.register(sealed), box.register(target), box.register(out, writable=True)
        assert (a["mode"], a["writable"], g["mode"], g["writable"]) == ("mapped", False, "pread", True)
        answer = loss({
            "prediction": view({"handle": a["handle"]}, SHAPE, "float64",
                               strides=[8 * C * V, 8, 8 * C * 4, 8 * C]),
            "target": view({"handle": b["handle"]}, (N, 5, 4), order="F"),
            "gradient": view({"handle": g["handle"]}, SHAPE, "float64", offset=16)})
        expect(answer, os.pread(out, 1 << 20, 0), 16)
        assert answer.json["gradient"]["handle"] == g["handle"]
    again = request({"handle": g["handle"]})
    deadline = time.monotonic() + 5
    while loss(again).status == 200:  # until the daemon has noticed that the mailbox is closed
        assert time.monotonic() < deadline, "the handle outlives its mailbox"
    refused(loss(again), "handle-unknown", "#/gradient")
    for fd in (sealed, target, out):
        os.close(fd)


@test
def files_in_a_form_may_have_their_gradient_in_shared_memory():
    with Named("out", bytes([MARK]) * (8 * N_ALL), True) as out:
        body = multipart([("prediction", npy(pack(P, "<f8"), SHAPE, "<f8")),
                          ("target", npy(bytes(LABELS), (N, 5, 4))),
                          ("request", json.dumps({"gradient": view({"shm": "out"}, SHAPE, "float64")}))])
        expect(DAEMON.unix_request("POST", "/v1/loss", body, {"Content-Type": MULTIPART}), out.bytes())


@test
def memory_without_pages_gets_them():
    fd = os.memfd_create("holes")
    os.ftruncate(fd, 1 << 20)
    with DAEMON.mailbox() as box:
        handle = box.register(fd, writable=True)["handle"]
        answer = loss(request({"handle": handle}))
        expect(answer, os.pread(fd, 8 * N_ALL, 0))
    os.close(fd)


# -------------------------------------------------------------------------- what a place must be


@test
def a_place_that_does_not_fit_is_refused_and_left_alone():
    good = view({"shm": "out"}, SHAPE, "float64")
    huge = (1 << 63) - 1
    cases = [
        ("shm-too-small", "#/gradient", {**good, "offset": 9}),
        ("shm-too-small", "#/gradient", {**good, "offset": 8 * N_ALL + 8}),
        ("shm-too-small", "#/gradient", {**good, "offset": 8 * N_ALL + 9}),
        ("shm-too-small", "#/gradient", {**good, "offset": huge}),
        ("bad-parameter", "#/gradient/offset", {**good, "offset": -1}),
        ("bad-parameter", "#/gradient/offset", {**good, "offset": 1.5}),
        ("bad-json", None, {**good, "offset": 1 << 64}),
        ("shape-mismatch", "#/gradient/shape", {**good, "shape": [N, C, V]}),
        ("shape-mismatch", "#/gradient/shape", {**good, "shape": [N, C, 4, 5]}),
        ("shape-mismatch", "#/gradient/shape", {**good, "shape": [N, C, 5, 4, 1]}),
        ("bad-parameter", "#/gradient/shape", {**good, "shape": []}),
        ("bad-parameter", "#/gradient/shape", {**good, "shape": [N, C, 5, -4]}),
        ("unsupported-mask", "#/gradient/dtype", {**good, "dtype": "float32"}),
        ("unsupported-mask", "#/gradient/dtype", {**good, "dtype": "int64"}),
        ("bad-parameter", "#/gradient/dtype", {**good, "dtype": "<f8"}),
        ("bad-parameter", "#/gradient", {"shm": "out", "shape": list(SHAPE)}),
        ("bad-parameter", "#/gradient", {"shm": "out", "dtype": "float64"}),
        ("bad-parameter", "#/gradient", {"dtype": "float64", "shape": list(SHAPE)}),
        ("bad-parameter", "#/gradient", {}),
        ("bad-parameter", "#/gradient/handle", {**good, "handle": "h_0"}),
        ("bad-parameter", "#/gradient/fd", {**good, "fd": 0}),
        ("bad-parameter", "#/gradient/order", {**good, "order": "C"}),
        ("bad-parameter", "#/gradient/strides", {**good, "strides": [480, 160, 32, 8]}),
        ("bad-parameter", "#/gradient/base64", {**good, "base64": ""}),
        ("bad-parameter", "#/gradient/shm", {**good, "shm": 7}),
        ("bad-parameter", "#/gradient", "out"),
        ("bad-parameter", "#/gradient", [good]),
        ("shm-unknown", "#/gradient", {**good, "shm": "none"}),
        ("handle-unknown", "#/gradient", view({"handle": "h_0"}, SHAPE, "float64")),
        ("shm-read-only", "#/gradient", {**good, "shm": "in"}),
    ]
    with Named("out", bytes([MARK]) * (8 * N_ALL + 8), True) as out, \
            Named("in", bytes([MARK]) * (8 * N_ALL)) as in_:
        for code, pointer, place in cases:
            refused(loss(request(gradient=place)), code, pointer)
            assert set(out.bytes() + in_.bytes()) == {MARK}, (code, place)
        expect(loss(request(gradient={**good, "offset": 8})), out.bytes(), 8)
    DAEMON.settle(budget_used_bytes=0)


@test
def a_gradient_never_goes_over_an_input():
    """One byte of overlap is too many, whatever the two are called; none is enough."""
    n = 8 * N_ALL
    data = bytes([MARK]) * n + numbers(P) + bytes([MARK]) * n
    prediction = view({"shm": "one"}, SHAPE, "float64", offset=n)
    backwards = view({"shm": "one"}, SHAPE, "float64", offset=2 * n - 8,
                     strides=[-8 * C * V, -8 * V, -32, -8])
    with Named("one", data, True) as one:
        assert put("two", one.key, 2 * n + 8, offset=n - 8, writable=True).status == 201
        for source in (prediction, backwards):
            for place in ({"shm": "one", "offset": 1}, {"shm": "one", "offset": n},
                          {"shm": "one", "offset": 2 * n - 1}, {"shm": "two", "offset": 0},
                          {"shm": "two", "offset": n + 7}):
                refused(loss(request(place, prediction=source)), "shm-overlap", "#/gradient")
                assert one.bytes() == data, place
        target = view({"shm": "one"}, (N, 5, 4), offset=3 * n - N * V)
        one.memory.buf[3 * n - N * V:3 * n] = bytes(LABELS)
        refused(loss(request({"shm": "one", "offset": 2 * n}, target=target)), "shm-overlap")
        mask = view({"shm": "one"}, (N, 5, 4), offset=3 * n - N * V)
        refused(loss(request({"shm": "two", "offset": n + 8}, mask=mask)), "shm-overlap")
        one.memory.buf[:3 * n] = data
        for place, begin in (({"shm": "one", "offset": 0}, 0), ({"shm": "two", "offset": n + 8}, 2 * n)):
            answer = loss(request(place, prediction=prediction))
            expect(answer, one.bytes()[begin:begin + n], told_offset=place["offset"])
            assert one.bytes()[n:2 * n] == numbers(P)
        DAEMON.unix_request("DELETE", "/v1/shm/two")


@test
def only_what_can_be_written_to_is_registered_as_writable():
    fds = [memfd(bytes(64), WRITE), memfd(bytes(64), FUTURE_WRITE), memfd(bytes(64), SHRINK | WRITE)]
    path = "/proc/self/fd/%d" % fds[0]
    open_ = memfd(bytes(64))
    again = "/proc/self/fd/%d" % open_
    fds += [os.open(path, os.O_RDONLY), os.open(again, os.O_RDONLY),
            os.open(again, os.O_RDWR | os.O_APPEND)]
    with DAEMON.mailbox() as box:
        for fd in fds:
            answer = box.register(fd, writable=True)
            assert answer["ok"] is False and answer["code"] == "shm-read-only", answer
            assert box.register(fd)["writable"] is False
        wrong = os.open(again, os.O_WRONLY)
        assert box.register(wrong, writable=True)["code"] == "shm-bad-object"
        for value in ("yes", 1, None):
            assert box.register(open_, writable=value)["code"] == "bad-parameter"
        assert box.register(open_, writable=True, byte_size=65)["code"] == "shm-too-small"
    with Named("n", bytes(64), True) as named:
        refused(put("m", named.key, 64, writable="true"), "bad-parameter", "#/writable")
        assert put("n", named.key, 64, writable=True).status == 200
        refused(put("n", named.key, 64), "shm-name-in-use")
    for fd in fds + [open_, wrong]:
        os.close(fd)


# ------------------------------------------------------------------------- what goes wrong later


@test
def what_is_wrong_with_the_inputs_leaves_the_memory_alone():
    bad = list(P)
    bad[17] = math.nan
    two = list(P)
    two[17] = 2
    cases = [("not-a-number", {"prediction": inline(numbers(bad), "float64", SHAPE)}),
             ("out-of-range", {"prediction": inline(numbers(two), "float64", SHAPE)}),
             ("out-of-range", {"target": inline(bytes([C] * (N * V)), "uint8", (N, 5, 4))}),
             ("shape-mismatch", {"target": inline(bytes(LABELS), "uint8", (N, 4, 5))}),
             ("truncated", {"target": inline(bytes(LABELS[1:]), "uint8", (N, 5, 4))}),
             ("bad-parameter", {"upstream": [1, 2]}), ("bad-parameter", {"loss": "none"})]
    with Named("out", bytes([MARK]) * (8 * N_ALL), True) as out:
        for code, more in cases:
            refused(loss(request({"shm": "out"}, **more)), code)
            assert set(out.bytes()) == {MARK}, code
    DAEMON.settle(budget_used_bytes=0)


@test
def memory_that_is_sealed_or_cut_off_later_is_told():
    fd, cut = memfd(bytes([MARK]) * (8 * N_ALL)), memfd(bytes([MARK]) * (8 * N_ALL))
    with DAEMON.mailbox() as box:
        sealed, short = (box.register(one, writable=True)["handle"] for one in (fd, cut))
        fcntl.fcntl(fd, F_ADD_SEALS, WRITE)
        refused(loss(request({"handle": sealed})), "shm-read-only", "#/gradient")
        assert set(os.pread(fd, 1 << 20, 0)) == {MARK}
        for size in (8 * N_ALL - 1, 1, 0):
            os.ftruncate(cut, size)
            refused(loss(request({"handle": short})), "shm-truncated", "#/gradient")
            assert os.fstat(cut).st_size == size and set(os.pread(cut, 1 << 20, 0)) <= {MARK}
        fcntl.fcntl(cut, F_ADD_SEALS, GROW)
        refused(loss(request({"handle": short})), "shm-truncated")
    os.close(fd)
    os.close(cut)


FULL = """
import os, socket, sys
os.path.exists(sys.argv[2]) or os.mkdir(sys.argv[2])
if os.system("mount -t tmpfs -o size=64k tmpfs " + sys.argv[2]):
    sys.exit(7)
fd = os.open(sys.argv[2] + "/object", os.O_RDWR | os.O_CREAT, 0o600)
os.write(fd, b"\\xa5" * 32768)
os.ftruncate(fd, 1 << 20)
socket.send_fds(socket.socket(fileno=int(sys.argv[1])), [b"here"], [fd])
"""


def object_in_a_full_tmpfs():
    """A descriptor of 1 MiB, of which a tmpfs of 64 KiB holds the first 32."""
    ours, theirs = socket.socketpair()
    folder = os.path.join(DAEMON.sockets, "full")
    done = subprocess.run(["unshare", "-rm", sys.executable, "-c", FULL, str(theirs.fileno()), folder],
                          pass_fds=[theirs.fileno()], stderr=subprocess.PIPE)
    if os.path.isdir(folder):
        os.rmdir(folder)
    theirs.close()
    if done.returncode != 0:
        ours.close()
        raise Skip("no tmpfs can be mounted here")
    _, fds, _, _ = socket.recv_fds(ours, 16, 1)
    ours.close()
    return fds[0]


@test
def a_full_tmpfs_is_told_before_a_byte_is_written():
    fd = object_in_a_full_tmpfs()
    n = 16384  # 128 KiB of gradient
    big = {"prediction": inline(numbers([.5] * n), "float64", (1, 1, n)),
           "target": inline(bytes(n), "uint8", (1, n))}
    with DAEMON.mailbox() as box:
        handle = box.register(fd, writable=True)["handle"]
        for offset in (0, 100, 16384):
            place = view({"handle": handle}, (1, 1, n), "float64", offset=offset)
            answer = loss({**big, "gradient": place})
            refused(answer, "shm-full", "#/gradient")
            assert answer.status == 507
            assert os.pread(fd, 32768, 0) == bytes([MARK]) * 32768
            assert os.fstat(fd).st_size == 1 << 20
        expect(loss(request({"handle": handle})), os.pread(fd, 8 * N_ALL, 0))
    os.close(fd)
    DAEMON.settle(budget_used_bytes=0)


@test
def memory_that_comes_and_goes_ends_no_daemon():
    """A client truncates and grows all it has handed over while losses are computed of it."""
    n_bytes = 8 * N_ALL
    fd = memfd(numbers(P) + bytes(LABELS) + bytes(n_bytes))
    size, over = os.fstat(fd).st_size, threading.Event()

    def shake():
        random_ = random.Random(5)
        while not over.is_set():
            os.ftruncate(fd, random_.choice((0, 1, n_bytes, size - 1)))
            os.ftruncate(fd, size)

    with DAEMON.mailbox() as box:
        handle = {"handle": box.register(fd, writable=True)["handle"]}
        thread = threading.Thread(target=shake)
        thread.start()
        try:
            codes = set()
            for _ in range(200):
                answer = loss({"prediction": view(handle, SHAPE, "float64"),
                               "target": view(handle, (N, 5, 4), offset=n_bytes),
                               "gradient": view(handle, SHAPE, "float64", offset=n_bytes + N * V)})
                codes.add(answer.json.get("code", "fine"))
        finally:
            over.set()
            thread.join()
        assert codes <= {"fine", "shm-truncated"}, codes
    assert DAEMON.get("/livez").status == 200
    os.close(fd)
    DAEMON.settle(budget_used_bytes=0)


@test
def a_large_loss_in_shared_memory_leaves_the_small_lane_to_others():
    """Of two the second waits for the one thread that takes large jobs; a small one passes both."""
    n = 4 << 20
    small = {"prediction": inline(numbers(P), "float64", SHAPE),
             "target": inline(bytes(LABELS), "uint8", (N, 5, 4))}
    with ShmDaemon("--workers.threads=1", "--kernels.isa=scalar") as daemon:
        fd = memfd(bytes(17 * n))
        with daemon.mailbox() as mailbox, concurrent.futures.ThreadPoolExecutor(2) as pool:
            place = {"handle": mailbox.register(fd)["handle"]}
            large = {"prediction": view(place, (1, 4, n), "float32"), "activation": "softmax",
                     "target": view(place, (1, n), offset=16 * n)}
            answers = [pool.submit(loss, large, daemon) for _ in range(2)]
            daemon.settle(jobs_running=1, jobs_queued=1)
            assert loss(small, daemon).status == 200
            daemon.settle(jobs_running=1, jobs_queued=1)
            assert [answer.result().status for answer in answers] == [200, 200]
        os.close(fd)


# ------------------------------------------------------------------------------------ who may


@test
def nobody_writes_over_tcp_nor_where_shared_memory_is_off():
    with Named("out", bytes([MARK]) * (8 * N_ALL), True) as out:
        answer = DAEMON.request("POST", "/v1/loss", json.dumps(request({"shm": "out"})),
                                {"Content-Type": "application/json"})
        refused(answer, "shm-forbidden")
        assert set(out.bytes()) == {MARK}
    with Daemon() as off:
        refused(loss(request({"shm": "out"}), off), "shm-disabled")


if __name__ == "__main__":
    main()
