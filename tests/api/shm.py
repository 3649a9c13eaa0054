# shm.py - shared memory for tests: objects by name, descriptors, and messages over listen.fd.
# SPDX-License-Identifier: Apache-2.0
"""Standard library only."""
import fcntl
import http.client
import json
import os
import socket
import tempfile

from overlapd import Answer, Daemon

F_ADD_SEALS = 1033
SEAL, SHRINK, GROW, WRITE = 1, 2, 4, 8
ANSWER_BYTES = 65536


class ShmDaemon(Daemon):
    """An overlapd that takes shared memory; `fd` is the path of its descriptor socket."""

    def __init__(self, *options, **more):
        self.sockets = tempfile.mkdtemp(prefix="overlapd-test-")
        self.fd = os.path.join(self.sockets, "fd.sock")
        super().__init__("--shm.enabled=yes", "--listen.fd=" + self.fd, *options, **more)

    def stop(self):
        super().stop()
        assert not os.path.exists(self.fd), "the socket's file is left"
        os.rmdir(self.sockets)

    def unix_request(self, *arguments):
        return unix_request(self, *arguments)

    def score_json(self, request):
        return score_json(self, request)

    def mailbox(self):
        return Mailbox(self.fd)

    def metric(self, name):
        for line in self.get("/metrics").body.decode().splitlines():
            if line.rsplit(" ", 1)[0] == name:
                return float(line.rsplit(" ", 1)[1])
        return 0.0


def unix_request(daemon, method, path, body=None, headers=None):
    """As Daemon.request, but over the Unix socket."""
    connection = http.client.HTTPConnection("localhost")
    connection.sock = daemon.connect_unix()
    try:
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        connection.request(method, path, body=body, headers=headers or {})
        return Answer(connection.getresponse())
    finally:
        connection.close()


def score_json(daemon, request):
    return unix_request(daemon, "POST", "/v1/score", request, {"Content-Type": "application/json"})


class Mailbox:
    """A connection to the descriptor socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(60)
        self.socket.connect(path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, message, fds=()):
        text = message if isinstance(message, bytes) else json.dumps(message).encode()
        if fds:
            socket.send_fds(self.socket, [text], list(fds))
        else:
            self.socket.send(text)

    def receive(self):
        """The answer; one that is too long for a message comes in a memfd."""
        text, fds, flags, _ = socket.recv_fds(self.socket, ANSWER_BYTES, 1)
        assert text, "the daemon has closed the connection"
        assert not flags & socket.MSG_TRUNC
        if not fds:
            return json.loads(text)
        note = json.loads(text)
        assert note == {"ok": True, "fd": 0, "byte_size": os.fstat(fds[0]).st_size}
        whole = os.pread(fds[0], note["byte_size"], 0)
        os.close(fds[0])
        return json.loads(whole)

    def ask(self, message, fds=()):
        self.send(message, fds)
        return self.receive()

    def register(self, fd, **more):
        return self.ask({"op": "register", **more}, [fd])


def memfd(data, seals=0, sealable=True):
    """A memfd that holds these bytes."""
    fd = os.memfd_create("mask", os.MFD_CLOEXEC | (os.MFD_ALLOW_SEALING if sealable else 0))
    at = 0
    while at < len(data):
        at += os.write(fd, data[at:])
    if seals:
        fcntl.fcntl(fd, F_ADD_SEALS, seals)
    return fd


def view(place, shape, dtype="uint8", **more):
    """A source: place is {"fd": 0}, {"shm": "a"} or {"handle": "h_"}."""
    return {**place, "dtype": dtype, "shape": list(shape), **more}


def check_counts(answer, n_voxels):
    """The identity that holds whatever the bytes were: tp + fp + fn + tn is every voxel."""
    assert answer["voxels"] == n_voxels, answer
    counted = n_voxels - answer["ignored"]
    total_p = sum(one["prediction"] for one in answer["unlisted"])
    total_r = sum(one["reference"] for one in answer["unlisted"])
    for entry in [answer["background"], *answer["classes"]]:
        true_negatives = counted - entry["tp"] - entry["fp"] - entry["fn"]
        assert min(entry["tp"], entry["fp"], entry["fn"], true_negatives) >= 0, entry
        assert entry["tp"] + entry["fp"] == entry["prediction"], entry
        assert entry["tp"] + entry["fn"] == entry["reference"], entry
        total_p += entry["prediction"]
        total_r += entry["reference"]
    assert total_p == total_r == counted, answer
