#!/usr/bin/python3 -B
# test_shm.py - masks in shared memory, by name and by descriptor: right, or refused by a code.
# SPDX-License-Identifier: Apache-2.0
import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from multiprocessing import shared_memory

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from overlapd import (MULTIPART, Daemon, Skip, counts, main, multipart, npy, pair, test,
                      text64)
from shm import (F_ADD_SEALS, GROW, SEAL, SHRINK, WRITE, ShmDaemon, check_counts, memfd,
                 score_json, unix_request, view)

DAEMON = ShmDaemon()
P = bytes([0, 1, 1, 2, 2, 0, 3, 0] * 32)
R = bytes([0, 1, 2, 2, 0, 0, 3, 4] * 32)
N = len(P)


def expect(answer, prediction=P, reference=R):
    """The answer's classes are those of the two label sequences."""
    assert answer.get("ok", True) and "code" not in answer, answer
    check_counts(answer, len(prediction))
    found = {c["label"]: (c["tp"], c["fp"], c["fn"]) for c in answer["classes"]}
    labels = sorted((set(prediction) | set(reference)) - {0})
    assert found == {label: counts(prediction, reference, label) for label in labels}, answer


def refused(answer, code):
    assert answer["ok"] is False and answer["code"] == code and answer["detail"], answer
    assert "/dev/shm" not in answer["detail"] or "different" in answer["detail"], answer


def await_true(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it never became true"
        time.sleep(0.02)


def os_fds():
    """How many descriptors the daemon has open."""
    return len(os.listdir("/proc/%d/fd" % DAEMON.process.pid))


class Segment:
    """A named segment as Python makes it."""

    def __init__(self, data, name=None):
        self.memory = shared_memory.SharedMemory(create=True, size=len(data), name=name)
        self.memory.buf[:len(data)] = data
        self.key = "/" + self.memory.name.lstrip("/")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.memory.close()
        self.memory.unlink()


def put(name, key, byte_size, daemon=DAEMON, **more):
    return daemon.unix_request("PUT", "/v1/shm/" + name,
                               {"key": key, "byte_size": byte_size, **more})


def named(name, offset=0, shape=(N,)):
    return view({"shm": name}, shape, offset=offset)


# ------------------------------------------------------------------------------------- by name


@test
def a_named_region_is_registered_seen_used_and_forgotten():
    with Segment(P + R) as segment:
        wanted = {"name": "buf.0", "key": segment.key, "offset": 0, "byte_size": 2 * N,
                  "mode": "pread"}
        answer = put("buf.0", segment.key, 2 * N)
        assert answer.status == 201, answer.body
        assert {k: answer.json[k] for k in wanted} == wanted and answer.json["object_size"] >= 2 * N
        assert put("buf.0", segment.key, 2 * N).status == 200
        assert DAEMON.unix_request("GET", "/v1/shm/buf.0").json["key"] == segment.key
        assert [r["name"] for r in DAEMON.unix_request("GET", "/v1/shm").json["regions"]] == ["buf.0"]
        expect(DAEMON.score_json({"prediction": named("buf.0"), "reference": named("buf.0", N)}).json)
        assert DAEMON.unix_request("DELETE", "/v1/shm/buf.0").status == 204
        assert DAEMON.unix_request("DELETE", "/v1/shm/buf.0").json["code"] == "shm-unknown"
        assert DAEMON.unix_request("GET", "/v1/shm/buf.0").status == 404
        answer = DAEMON.score_json({"prediction": named("buf.0"), "reference": named("buf.0", N)})
        assert (answer.status, answer.json["code"]) == (404, "shm-unknown")


@test
def a_region_outlives_its_name_and_is_not_what_the_name_becomes():
    with Segment(P + R, "overlap_name") as segment:
        put("kept", segment.key, 2 * N)
    with Segment(bytes(2 * N), "overlap_name"):
        expect(DAEMON.score_json({"prediction": named("kept"), "reference": named("kept", N)}).json)
        assert put("kept", "/overlap_name", 2 * N).json["code"] == "shm-name-in-use"
    DAEMON.unix_request("DELETE", "/v1/shm/kept")


@test
def one_mask_may_be_shared_and_the_other_sent():
    with Segment(P) as segment:
        put("p", segment.key, N)
        raw = {"format": "raw", "dtype": "uint8", "shape": [N], "base64": text64(R)}
        expect(DAEMON.score_json({"prediction": named("p"), "reference": raw}).json)
        body = pair(b"", npy(R), {"prediction": named("p")})[1:]
        answer = DAEMON.unix_request("POST", "/v1/score", multipart(body), {"Content-Type": MULTIPART})
        expect(answer.json)
        DAEMON.unix_request("DELETE", "/v1/shm/p")


@test
def bad_registrations_get_a_code():
    with Segment(P) as segment:
        cases = [
            ({"key": "psm_x", "byte_size": 1}, 400, "bad-parameter"),
            ({"key": "/", "byte_size": 1}, 400, "bad-parameter"),
            ({"key": "/psm_/x", "byte_size": 1}, 400, "bad-parameter"),
            ({"key": "/psm_../..", "byte_size": 1}, 400, "bad-parameter"),
            ({"key": "/psm_" + "x" * 300, "byte_size": 1}, 400, "bad-parameter"),
            ({"key": "/psm_none", "byte_size": 1}, 404, "shm-unknown"),
            ({"key": "/other", "byte_size": 1}, 403, "shm-forbidden"),
            ({"key": segment.key}, 400, "bad-parameter"),
            ({"byte_size": 1}, 400, "bad-parameter"),
            ({"key": segment.key, "byte_size": 0}, 400, "bad-parameter"),
            ({"key": segment.key, "byte_size": -1}, 400, "bad-parameter"),
            ({"key": segment.key, "byte_size": 1.5}, 400, "bad-parameter"),
            ({"key": segment.key, "byte_size": 1, "offset": -1}, 400, "bad-parameter"),
            ({"key": segment.key, "byte_size": 1, "mode": "rw"}, 400, "bad-parameter"),
            ({"key": segment.key, "byte_size": 1 << 40}, 422, "shm-too-small"),
            ({"key": segment.key, "byte_size": 2**63 - 1, "offset": 2**63 - 1}, 422, "shm-too-small"),
            ({"key": segment.key, "byte_size": 1, "offset": 1 << 40}, 422, "shm-too-small"),
        ]
        for body, status, code in cases:
            answer = DAEMON.unix_request("PUT", "/v1/shm/bad", body)
            assert (answer.status, answer.json["code"]) == (status, code), (body, answer.body)
        for body in ("", "[]", "{", '{"key": "/psm_a", "byte_size": 18446744073709551616}'):
            assert DAEMON.unix_request("PUT", "/v1/shm/bad", body).status == 400
        answer = DAEMON.unix_request("PUT", "/v1/shm/bad", "{" + " " * 5000 + "}")
        assert answer.json["code"] == "request-too-large"
        for name in ("%20", "a%2Fb", "x" * 65, "a+b", "%C3%A4"):
            assert put(name, segment.key, 1).status in (400, 404), name
        for method, path, body in (("GET", "/v1/shm", None), ("GET", "/v1/shm/bad", None), ("DELETE", "/v1/shm/bad", None),
                                   ("PUT", "/v1/shm/bad", json.dumps({"key": segment.key, "byte_size": 1}))):
            assert DAEMON.unix_request(method, path + "?nonsense=1", body).json["code"] == "bad-parameter", path
        assert DAEMON.unix_request("PUT", "/v1/shm", "{}").status == 405
        assert DAEMON.unix_request("POST", "/v1/shm/a", "{}").status == 405


@test
def objects_that_are_no_shared_memory_are_refused():
    made = {"dir": os.mkdir, "fifo": os.mkfifo, "empty": lambda path: open(path, "wb").close(),
            "link": lambda path: os.symlink("/etc/passwd", path)}
    for name, make in made.items():
        path = "/dev/shm/overlap_test_%s_%d" % (name, os.getpid())
        make(path)
        try:
            answer = put("bad", "/" + os.path.basename(path), 1)
            wanted = "shm-too-small" if name == "empty" else "shm-bad-object"
            assert answer.json["code"] == wanted, (name, answer.body)
        finally:
            (os.rmdir if name == "dir" else os.unlink)(path)


@test
def shared_memory_is_off_by_default_and_never_over_tcp():
    with Segment(P) as segment, Daemon() as off:
        answer = unix_request(off, "PUT", "/v1/shm/a", {"key": segment.key, "byte_size": 1})
        assert (answer.status, answer.json["code"]) == (501, "shm-disabled")
        answer = score_json(off, {"prediction": named("a"), "reference": named("a")})
        assert (answer.status, answer.json["code"]) == (501, "shm-disabled")
        body = json.dumps({"key": segment.key, "byte_size": N})
        for method in ("PUT", "GET", "DELETE"):
            answer = DAEMON.request(method, "/v1/shm/a", body if method == "PUT" else None)
            assert (answer.status, answer.json["code"]) == (403, "shm-forbidden"), method
        assert DAEMON.get("/v1/shm").status == 403
        put("a", segment.key, N)
        body = json.dumps({"prediction": named("a"), "reference": named("a")})
        answer = DAEMON.request("POST", "/v1/score", body, {"Content-Type": "application/json"})
        assert (answer.status, answer.json["code"]) == (403, "shm-forbidden")
        DAEMON.unix_request("DELETE", "/v1/shm/a")


@test
def users_who_are_not_listed_are_told_so():
    with ShmDaemon("--shm.uids=12345") as daemon:
        answer = daemon.unix_request("GET", "/v1/shm")
        assert (answer.status, answer.json["code"]) == (403, "shm-forbidden")
        with daemon.mailbox() as box:
            refused(box.receive(), "shm-forbidden")
        assert daemon.metric('overlapd_rejected_total{code="shm-forbidden"}') == 2


@test
def the_rules_of_the_unix_socket_hold_for_descriptors_too():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "overlapd.conf")

        def allow(text):
            with open(path, "w", encoding="ascii") as file:
                file.write("[auth]\n" + text)

        def await_ready(daemon):
            daemon.signal(signal.SIGHUP)
            while b"READY=1" not in daemon.notify.recv(4096):
                pass

        own = "unix_uids = 12345, %d\n" % os.geteuid()
        allow(own)
        with ShmDaemon("--config=" + path) as daemon, daemon.mailbox() as box:
            assert "handle" in box.register(memfd(P))
            for text in ("unix_uids = 12345\n", "unix_gids = 12345\n"):
                allow(text)
                await_ready(daemon)
                refused(box.register(memfd(P)), "forbidden")  # who is connected already
                with daemon.mailbox() as late:
                    refused(late.receive(), "forbidden")
                assert daemon.unix_request("GET", "/v1/shm").json["code"] == "forbidden"
            allow("unix_gids = %d\n" % os.getegid())
            await_ready(daemon)
            assert "handle" in box.register(memfd(P))
            with daemon.mailbox() as late:
                assert "handle" in late.register(memfd(P))


def as_user(uid, code, *arguments):
    """Runs Python as another user; what it prints."""
    done = subprocess.run(
        ["/usr/bin/python3", "-B", "-c", code, *arguments], stdout=subprocess.PIPE, check=True,
        env={**os.environ, "PYTHONPATH": os.path.dirname(os.path.abspath(__file__))},
        preexec_fn=lambda: (os.setgid(uid), os.setuid(uid)))
    return done.stdout.decode().strip()


OTHER_USER = """
import http.client, json, socket, sys
connection = http.client.HTTPConnection("localhost")
connection.sock = socket.socket(socket.AF_UNIX)
connection.sock.connect(sys.argv[1])
connection.request(sys.argv[2], sys.argv[3], sys.argv[4] or None, {"Content-Type": "application/json"})
print(connection.getresponse().read().decode())
"""


@test
def what_belongs_to_another_user_is_not_there():
    if os.geteuid() != 0:
        raise Skip("needs root, to be two users")
    with ShmDaemon("--shm.uids=any", "--listen.unix_mode=0666") as daemon, Segment(P + R) as segment:
        for folder in (daemon.folder, daemon.sockets):
            os.chmod(folder, 0o755)
        assert put("mine", segment.key, 2 * N, daemon).status == 201
        with daemon.mailbox() as box:
            handle = box.register(memfd(P + R))["handle"]

            def other(method, path, body=""):
                return json.loads(as_user(1234, OTHER_USER, daemon.unix, method, path, body))
            assert other("GET", "/v1/shm/mine")["code"] == "shm-unknown"
            assert other("DELETE", "/v1/shm/mine")["code"] == "shm-unknown"
            assert other("GET", "/v1/shm") == {"regions": []}
            both = {"prediction": named("mine"), "reference": named("mine", N)}
            assert other("POST", "/v1/score", json.dumps(both))["code"] == "shm-unknown"
            theirs = view({"handle": handle}, [N])
            both = {"prediction": theirs, "reference": theirs}
            assert other("POST", "/v1/score", json.dumps(both))["code"] == "handle-unknown"
            body = json.dumps({"key": segment.key, "byte_size": N})
            assert other("PUT", "/v1/shm/stolen", body)["code"] == "shm-forbidden"
            assert daemon.unix_request("GET", "/v1/shm/mine").status == 200


@test
def quotas_hold_and_idle_regions_are_forgotten():
    with ShmDaemon("--shm.regions_per_uid=3", "--shm.bytes_per_uid=1K", "--shm.idle=0.4") as daemon, \
            Segment(P + R) as segment:
        assert put("a", segment.key, 512, daemon).status == 201
        assert put("b", segment.key, 500, daemon).status == 201
        answer = put("c", segment.key, 13, daemon)
        assert (answer.status, answer.json["code"]) == (429, "shm-quota"), answer.body
        with daemon.mailbox() as box:
            fd = memfd(P)
            assert "handle" in box.register(fd, byte_size=8)
            refused(box.register(fd, byte_size=1), "shm-quota")
            await_true(lambda: daemon.metric('overlapd_shm_regions{kind="name"}') == 0)
            assert daemon.metric('overlapd_shm_regions{kind="handle"}') == 1
            os.close(fd)


# ------------------------------------------------------------------------------- by descriptor


@test
def two_descriptors_are_scored_in_one_message():
    for seals in (0, SHRINK | GROW, SHRINK | GROW | WRITE):
        fds = [memfd(P, seals), memfd(R, seals)]
        with DAEMON.mailbox() as box:
            expect(box.ask({"op": "score", "prediction": view({"fd": 0}, [N]),
                            "reference": view({"fd": 1}, [N])}, fds))
            turned = box.ask({"op": "score", "prediction": view({"fd": 0}, [N]),
                              "reference": view({"fd": 1}, [N]), "labels": [1]}, fds[::-1])
            assert turned["classes"][0]["fp"] == counts(R, P, 1)[1]
        for fd in fds:
            os.close(fd)


@test
def handles_are_mapped_where_they_are_sealed_and_die_with_their_connection():
    modes = {0: "pread", SHRINK: "pread", WRITE: "pread", SHRINK | WRITE: "mapped",
             SHRINK | GROW | WRITE | SEAL: "mapped"}
    for seals, mode in modes.items():
        fd = memfd(P + R, seals)
        with DAEMON.mailbox() as box:
            made = box.register(fd)
            os.close(fd)
            assert made["mode"] == mode and made["byte_size"] == 2 * N, made
            here = {"prediction": view({"handle": made["handle"]}, [N]),
                    "reference": view({"handle": made["handle"]}, [N], offset=N)}
            expect(box.ask({"op": "score", **here}))
            expect(DAEMON.score_json(here).json)
            with DAEMON.mailbox() as other:
                refused(other.ask({"op": "unregister", "handle": made["handle"]}), "handle-unknown")
            assert box.ask({"op": "unregister", "handle": made["handle"]}) == {"ok": True}
            refused(box.ask({"op": "score", **here}), "handle-unknown")
            box.register(memfd(P))
    await_true(lambda: DAEMON.metric('overlapd_shm_regions{kind="handle"}') == 0)


@test
def a_sealed_memfd_with_holes_is_not_mapped():
    fd = os.memfd_create("holes", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, 1 << 40)
    fcntl.fcntl(fd, F_ADD_SEALS, SHRINK | WRITE)
    with DAEMON.mailbox() as box:
        made = box.register(fd, byte_size=1 << 20)
        assert made["mode"] == "pread", made
        source = view({"handle": made["handle"]}, [1 << 20])
        answer = box.ask({"op": "score", "prediction": source, "reference": source})
        check_counts(answer, 1 << 20)
    os.close(fd)


@test
def views_of_one_region_are_what_numpy_indexes():
    """Strides of every kind, against indexing byte by byte."""
    shape = (3, 4, 5)
    whole = bytes((i * 7 + i // 11) % 5 for i in range(2 * 3 * 4 * 5 * 4))
    dtypes = {"uint8": "B", "int16": "h", "int32": "i"}
    for seals in (0, SHRINK | WRITE):
        fd = memfd(whole, seals)
        with DAEMON.mailbox() as box:
            handle = {"handle": box.register(fd)["handle"]}
            for dtype, code in dtypes.items():
                width = struct.calcsize(code)
                dense = (20 * width, 5 * width, width)
                views = [(0, dense), (width, (40, 12 * width, 2 * width) if width == 1 else dense),
                         (4 * width, (20 * width, 5 * width, -width)), (0, (width, 3 * width, 12 * width)),
                         (0, (0, 0, width)), (8 * width, (-4 * width, width, 0)),
                         (7 * width, (2 * width, width, 4 * width))]
                for p_at in views:
                    for r_at in views:
                        check_view(box, handle, whole, shape, dtype, code, p_at, r_at)
        os.close(fd)


def elements(whole, shape, code, offset, strides):
    return [struct.unpack_from("<" + code, whole, offset + i * strides[0] + j * strides[1] + k * strides[2])[0]
            for i in range(shape[0]) for j in range(shape[1]) for k in range(shape[2])]


def check_view(box, handle, whole, shape, dtype, code, p_at, r_at):
    prediction, reference = (elements(whole, shape, code, *at) for at in (p_at, r_at))
    answer = box.ask({"op": "score", "labels": sorted(set(prediction + reference) - {0})[:900],
                      "prediction": view(handle, shape, dtype, offset=p_at[0], strides=p_at[1]),
                      "reference": view(handle, shape, dtype, offset=r_at[0], strides=r_at[1])})
    assert answer["ok"], (answer, p_at, r_at)
    for entry in answer["classes"]:
        assert (entry["tp"], entry["fp"], entry["fn"]) == counts(prediction, reference, entry["label"]), \
            (dtype, p_at, r_at, entry)


@test
def a_batch_of_pairs_is_answered_in_order():
    masks = [bytes((i * (k + 3)) % 4 for i in range(64)) for k in range(300)]
    fd = memfd(b"".join(masks))
    pairs = [{"prediction": view({"fd": 0}, [64], offset=64 * k),
              "reference": view({"fd": 0}, [64], offset=64 * ((k + 1) % 300))} for k in range(300)]
    pairs[7] = {"prediction": view({"fd": 0}, [64], offset=1 << 30), "reference": pairs[7]["reference"]}
    pairs[9]["labels"] = [3]
    pairs[11] = 5
    with DAEMON.mailbox() as box:
        answer = box.ask({"op": "score", "labels": [1, 2], "pairs": pairs}, [fd])
        assert answer["ok"] and len(answer["results"]) == 300
        refused(answer["results"][7], "shm-too-small")
        refused(answer["results"][11], "bad-parameter")
        assert [c["label"] for c in answer["results"][9]["classes"]] == [3]
        for k, one in enumerate(answer["results"]):
            if k in (7, 9, 11):
                continue
            for entry in one["classes"]:
                assert (entry["tp"], entry["fp"], entry["fn"]) == counts(
                    masks[k], masks[(k + 1) % 300], entry["label"]), k
        for bad in ({"pairs": []}, {"pairs": {}}, {"pairs": pairs[:1], "prediction": pairs[0]["prediction"]}):
            refused(box.ask({"op": "score", **bad}, [fd]), "bad-parameter")
    os.close(fd)


@test
def messages_are_answered_in_the_order_they_were_sent():
    fds = [memfd(P), memfd(R)]
    with DAEMON.mailbox() as box:
        for k in range(20):
            box.send({"op": "score", "labels": [k + 1], "prediction": view({"fd": 0}, [N]),
                      "reference": view({"fd": 1}, [N])}, fds)
        for k in range(20):
            assert box.receive()["classes"][0]["label"] == k + 1
    for fd in fds:
        os.close(fd)


# -------------------------------------------------------------------------------- what is bad


def score_of(descriptor, box, **more):
    source = {**view({"fd": 0}, [N]), **more}
    return box.ask({"op": "score", "prediction": source, "reference": source}, [descriptor])


@test
def descriptors_that_are_no_readable_shared_memory_are_refused():
    folder = tempfile.mkdtemp()
    os.mkfifo(folder + "/fifo")
    with open(folder + "/disk", "wb") as disk:
        disk.write(P)
    shm_path = "/dev/shm/overlap_test_%d" % os.getpid()
    with open(shm_path, "wb") as file:
        file.write(P)
    pipe = os.pipe()
    bad = {
        "folder": os.open("/dev/shm", os.O_RDONLY),
        "fifo": os.open(folder + "/fifo", os.O_RDWR | os.O_NONBLOCK),
        "pipe": pipe[0], "other end": pipe[1],
        "write only": os.open(shm_path, os.O_WRONLY),
        "path only": os.open(shm_path, os.O_PATH),
        "socket": socket.socket(socket.AF_UNIX).detach(),
        "events": os.eventfd(0) if hasattr(os, "eventfd") else os.open("/dev/null", os.O_RDWR),
        "device": os.open("/dev/zero", os.O_RDONLY),
        "proc": os.open("/proc/self/maps", os.O_RDONLY),
    }
    if os.stat(folder).st_dev != os.stat("/dev/shm").st_dev:
        bad["disk"] = os.open(folder + "/disk", os.O_RDONLY)
    os.unlink(shm_path)
    with DAEMON.mailbox() as box:
        for name, fd in bad.items():
            answer = box.register(fd)
            assert answer.get("code") == "shm-bad-object", (name, answer)
            refused(score_of(fd, box), "shm-bad-object")
            os.close(fd)
        refused(box.register(memfd(b"")), "shm-too-small")
    os.unlink(folder + "/fifo")
    os.unlink(folder + "/disk")
    os.rmdir(folder)


@test
def messages_that_make_no_sense_are_answered_and_the_connection_lives():
    fd = memfd(P)
    with DAEMON.mailbox() as box:
        refused(box.ask(b"{"), "bad-json")
        refused(box.ask(b"\xff\xfe"), "bad-json")
        refused(box.ask(b"[1]"), "bad-json")
        refused(box.ask({}), "bad-parameter")
        refused(box.ask({"op": "explode"}), "bad-parameter")
        refused(box.ask({"op": 5}, [fd]), "bad-parameter")
        refused(box.ask({"op": "register"}), "bad-request")
        refused(box.ask({"op": "register"}, [fd, fd]), "bad-request")
        refused(box.register(fd, name="x"), "bad-parameter")
        refused(box.register(fd, offset=N + 1), "shm-too-small")
        refused(box.register(fd, byte_size=N + 1), "shm-too-small")
        refused(box.register(fd, offset=2**63 - 1, byte_size=2**63 - 1), "shm-too-small")
        refused(box.ask({"op": "unregister"}), "bad-parameter")
        refused(box.ask({"op": "unregister", "handle": "h_0"}), "handle-unknown")
        refused(box.ask({"op": "unregister", "handle": "h_0"}, [fd]), "bad-request")
        refused(box.ask({"op": "score"}), "missing-part")
        refused(box.ask({"op": "score", "no_such": 1}), "bad-parameter")
        refused(score_of(fd, box, fd=1), "bad-parameter")
        refused(score_of(fd, box, fd=-1), "bad-parameter")
        refused(score_of(fd, box, fd="0"), "bad-parameter")
        refused(score_of(fd, box, handle="h_0"), "bad-parameter")
        refused(score_of(fd, box, base64="AA=="), "bad-parameter")
        refused(score_of(fd, box, format="npy"), "bad-parameter")
        refused(score_of(fd, box, encoding="gzip"), "bad-parameter")
        refused(score_of(fd, box, dtype="float128"), "bad-parameter")
        refused(score_of(fd, box, shape=[N + 1]), "shm-too-small")
        refused(score_of(fd, box, shape=[2**62, 2]), "too-many-voxels")
        refused(score_of(fd, box, shape=[]), "bad-parameter")
        refused(score_of(fd, box, strides=[1, 1]), "bad-parameter")
        refused(score_of(fd, box, strides=[1.5]), "bad-parameter")
        refused(score_of(fd, box, dtype="int16", shape=[4], strides=[3]), "bad-parameter")
        refused(score_of(fd, box, shape=[4], strides=[-1]), "shm-too-small")
        refused(score_of(fd, box, shape=[4], strides=[N]), "shm-too-small")
        refused(score_of(fd, box, offset=-1), "bad-parameter")
        source = {"format": "raw", "dtype": "uint8", "shape": [1], "base64": "AA=="}
        refused(box.ask({"op": "score", "prediction": {**source, "offset": 0}, "reference": source}),
                "bad-parameter")
        expect(score_of(fd, box), P, P)
    os.close(fd)


@test
def too_many_descriptors_and_too_long_messages_leave_nothing_open():
    fd = memfd(P)
    with DAEMON.mailbox() as box:
        box.ask({})
        await_true(lambda: DAEMON.metric("overlapd_connections") == 1)
        before = os_fds()
        refused(box.ask({"op": "score"}, [fd] * 9), "bad-request")
        refused(box.ask({"op": "score"}, [fd] * 100), "bad-request")
        expect_surplus = {"op": "score", "prediction": view({"fd": 3}, [N]),
                          "reference": view({"fd": 3}, [N])}
        expect(box.ask(expect_surplus, [fd] * 8), P, P)
        refused(box.ask(b" " * (192 * 1024 + 1), [fd] * 3), "request-too-large")
        refused(box.ask(b'{"op": "register", "a": "' + b" " * 20000 + b'"}', [fd]), "request-too-large")
        refused(box.ask(b"{" + b" " * 20000, [fd]), "bad-json")
        await_true(lambda: os_fds() <= before)
    os.close(fd)


@test
def a_region_that_shrinks_is_truncated_and_nothing_worse():
    fd = memfd(P * 4096)
    with DAEMON.mailbox() as box:
        handle = box.register(fd)["handle"]
        source = view({"handle": handle}, [N * 4096])
        os.ftruncate(fd, N)
        before = DAEMON.metric("overlapd_shm_truncated_total")
        refused(box.ask({"op": "score", "prediction": source, "reference": source}), "shm-truncated")
        assert DAEMON.metric("overlapd_shm_truncated_total") == before + 1
        assert DAEMON.metric('overlapd_rejected_total{code="shm-truncated"}') == before + 1
        small = view({"handle": handle}, [N])
        expect(box.ask({"op": "score", "prediction": small, "reference": small}), P, P)
        strided = view({"handle": handle}, [64], offset=N * 4096 - 64 * 4096, strides=[4096])
        refused(box.ask({"op": "score", "prediction": strided, "reference": strided}), "shm-truncated")
    os.close(fd)


EDGES = sorted({e + d for e in (0, 4096, 1 << 20, 1 << 31, 1 << 32, 1 << 62, 1 << 63, 1 << 64)
                for d in (-1, 0, 1)})


@test
def the_grid_of_offsets_sizes_and_strides_is_refused_or_right():
    """Around 0, a page, the region's end, 2^31, 2^32, 2^62, 2^63 and 2^64."""
    size = 1 << 20
    data = bytes((i * 31 + i // 4096) % 3 for i in range(size))
    seen = {"right": 0, "refused": 0}
    for seals in (0, SHRINK | WRITE):
        fd = memfd(data, seals)
        with DAEMON.mailbox() as box:
            handle = {"handle": box.register(fd)["handle"]}
            for offset in EDGES:
                made = box.register(fd, offset=offset, byte_size=4)
                if "handle" in made:
                    assert 0 <= offset <= size - 4
                    box.ask({"op": "unregister", "handle": made["handle"]})
                else:
                    assert not 0 <= offset <= size - 4, offset
                for shape in EDGES:
                    check_edge(box, handle, data, offset, shape, None, seen)
                for stride in EDGES + [-e for e in EDGES]:
                    for shape in (1, 2, 4097):
                        check_edge(box, handle, data, offset, shape, stride, seen)
        os.close(fd)
    assert seen["right"] > 300 and seen["refused"] > 3000, seen


def check_edge(box, handle, data, offset, shape, stride, seen):
    source = view(handle, [shape], offset=offset)
    if stride is not None:
        source["strides"] = [stride]
    answer = box.ask({"op": "score", "prediction": source, "reference": source})
    step = 1 if stride is None else stride
    last = offset + (shape - 1) * step
    fits = shape >= 1 and min(offset, last) >= 0 and max(offset, last) < len(data) and \
        offset < 2**63 and -2**63 <= step < 2**63
    if not fits:
        assert answer["ok"] is False, (source, answer)
        seen["refused"] += 1
        return
    assert answer["ok"], (source, answer)
    taken = data[offset:offset + shape] if step == 1 else bytes(
        data[offset + i * step] for i in range(shape))
    for entry in answer["classes"]:
        assert entry["tp"] == entry["prediction"] == taken.count(entry["label"])
    check_counts(answer, shape)
    seen["right"] += 1


# ------------------------------------------------------------------------------ many and large


@test
def large_volumes_are_counted_in_parts_and_come_out_the_same():
    n = 9 << 20
    block_p = bytes((i * 7 + i // 100) % 9 for i in range(1 << 16))
    block_r = bytes((i * 5 + i // 90) % 9 for i in range(1 << 16))
    prediction, reference = block_p * 144, block_r * 144
    wanted = {label: tuple(144 * c for c in counts(block_p, block_r, label)) for label in range(1, 9)}
    for seals in (0, SHRINK | WRITE):
        fds = [memfd(prediction, seals), memfd(reference, seals)]
        with DAEMON.mailbox() as box:
            sources = [view({"handle": box.register(fd)["handle"]}, [n]) for fd in fds]
            for options in ({}, {"regions": {"a": [1, 2]}}, {"ignore": [3]}):
                answer = box.ask({"op": "score", "prediction": sources[0], "reference": sources[1],
                                  **options})
                check_counts(answer, n)
                if "ignore" in options:
                    continue
                assert {c["label"]: (c["tp"], c["fp"], c["fn"]) for c in answer["classes"]} == wanted
        for fd in fds:
            os.close(fd)
    fds = [memfd(prediction + b"\0\0\xc0\x7f", 0), memfd(reference, 0)]
    with DAEMON.mailbox() as box:
        nan = [view({"fd": 0}, [n // 4], "float32", offset=4), view({"fd": 1}, [n // 4], "float32")]
        answer = box.ask({"op": "score", "threshold": 0.5, "prediction": nan[0], "reference": nan[1]}, fds)
        refused(answer, "not-a-number")
        assert answer["errors"][0]["pointer"] == "#/prediction", answer
    for fd in fds:
        os.close(fd)


@test
def clients_that_leave_in_the_middle_cost_nothing():
    fds = [memfd(bytes(16 << 20)), memfd(bytes(16 << 20))]
    message = {"op": "score", "prediction": view({"fd": 0}, [16 << 20]),
               "reference": view({"fd": 1}, [16 << 20])}
    for _ in range(20):
        with DAEMON.mailbox() as box:
            box.register(fds[0])
            box.send(message, fds)
    await_true(lambda: not (DAEMON.metric("overlapd_fd_connections") > 0 or DAEMON.metric("overlapd_queue_depth") > 0))
    assert DAEMON.metric('overlapd_shm_regions{kind="handle"}') == 0
    assert DAEMON.metric("overlapd_budget_used_bytes") == 0
    for fd in fds:
        os.close(fd)


@test
def a_client_that_does_not_read_its_answers_is_let_go():
    fd = memfd(P)
    message = {"op": "score", "pairs": [{"prediction": view({"fd": 0}, [N]),
                                         "reference": view({"fd": 0}, [N])}] * 20}
    with ShmDaemon("--timeouts.write=0.5") as daemon, daemon.mailbox() as box:
        box.socket.setblocking(False)
        try:
            for _ in range(10000):
                box.send(message, [fd])
        except BlockingIOError:
            pass
        await_true(lambda: daemon.metric("overlapd_fd_connections") == 0)
        assert daemon.get("/livez").status == 200
    os.close(fd)


@test
def only_so_many_connections_are_open_and_the_next_waits_its_turn():
    with ShmDaemon("--shm.connections=2") as daemon:
        boxes = [daemon.mailbox() for _ in range(3)]
        for box in boxes[:2]:
            refused(box.ask({}), "bad-parameter")
        boxes[2].send({})
        boxes[2].socket.settimeout(0.3)
        try:
            boxes[2].receive()
            raise AssertionError("a third connection was served")
        except TimeoutError:
            pass
        boxes[0].close()
        boxes[2].socket.settimeout(20)
        refused(boxes[2].receive(), "bad-parameter")
        for box in boxes:
            box.close()


@test
def a_drain_answers_what_it_has_and_ends():
    with ShmDaemon() as daemon:
        fds = [memfd(bytes(64 << 20)), memfd(bytes(64 << 20))]
        idle, busy = daemon.mailbox(), daemon.mailbox()
        busy.send({"op": "score", "prediction": view({"fd": 0}, [64 << 20]),
                   "reference": view({"fd": 1}, [64 << 20])}, fds)
        await_true(lambda: not (daemon.metric('overlapd_messages_total{op="score"}') < 1))
        daemon.signal(signal.SIGTERM)
        check_counts(busy.receive(), 64 << 20)
        assert busy.socket.recv(10) == b"" and idle.socket.recv(10) == b""
        assert daemon.wait() == 0
        for fd in fds:
            os.close(fd)


@test
def nothing_is_left_open_after_all_of_this():
    await_true(lambda: DAEMON.metric("overlapd_fd_connections") == 0)
    fds = os.listdir("/proc/%d/fd" % DAEMON.process.pid)
    links = [os.readlink("/proc/%d/fd/%s" % (DAEMON.process.pid, fd)) for fd in fds]
    assert not [link for link in links if "memfd:" in link or "/dev/shm" in link], links
    DAEMON.stop()


if __name__ == "__main__":
    main()
