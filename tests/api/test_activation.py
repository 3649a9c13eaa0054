#!/usr/bin/python3 -B
# test_activation.py - sockets that a service manager passes, and restarts behind them.
# SPDX-License-Identifier: Apache-2.0
import fcntl
import http.client
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from overlapd import Daemon, LIBC, OVERLAPD, PR_SET_PDEATHSIG, counts, multipart, npy, pair, scaled, test, main, \
    MULTIPART
from shm import Mailbox, memfd, view

FOLDER = tempfile.mkdtemp(prefix="overlapd-test-")
BODY = multipart(pair(npy(b"\0\1\1\2"), npy(b"\0\1\2\2")))


def high(made):
    """A descriptor above those that the launcher moves others to."""
    return fcntl.fcntl(made, fcntl.F_DUPFD, 20)


# Moves descriptors to 3 and up, and says so to the program that it becomes.
LAUNCH = """import os, sys
fds = [int(fd) for fd in sys.argv[1].split(",")]
for i, fd in enumerate(fds):
    os.dup2(fd, 3 + i)
os.closerange(20, 100)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(fds)), LISTEN_FDNAMES=sys.argv[2])
os.execv(sys.argv[3], sys.argv[3:])"""


def command(fds, *options, names=""):
    return [sys.executable, "-c", LAUNCH, ",".join(map(str, fds)), names, OVERLAPD, *options]


class Activated(Daemon):
    """An overlapd that is given listening sockets; those configured are not to be opened."""

    def __init__(self, sockets, *options, names=""):
        self.sockets = sockets
        self.names = names
        super().__init__(*options)

    def _spawn(self, options, environment):
        path = os.path.join(self.folder, "notify")
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self.notify.bind(path)
        fds = [high(s.fileno()) for s in self.sockets]
        try:
            with open(self.log_path, "wb") as log:
                return subprocess.Popen(
                    command(fds, "--listen.unix=" + self.unix, *options, names=self.names),
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=fds,
                    env={**os.environ, "NOTIFY_SOCKET": path, **environment},
                    preexec_fn=lambda: LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))
        finally:
            for fd in fds:
                os.close(fd)


def listen_tcp(host="127.0.0.1"):
    made = socket.socket(socket.AF_INET)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((host, 0))
    made.listen(4096)
    return made


def listen_unix(name, kind=socket.SOCK_STREAM):
    made = socket.socket(socket.AF_UNIX, kind)
    made.bind(os.path.join(FOLDER, name))
    made.listen(4096)
    return made


def get(made, path="/v1/info"):
    """The status of a request on a connection to this listening socket."""
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(made.family)
    connection.sock.settimeout(60)
    connection.sock.connect(made.getsockname())
    connection.request("GET", path)
    status = connection.getresponse().status
    connection.close()
    return status


def refusal(fds, *options, names=""):
    """(exit status, log) of a start that does not succeed."""
    high_fds = [high(fd) for fd in fds]
    done = subprocess.run(command(high_fds, *options, names=names), pass_fds=high_fds, stdin=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, timeout=60, check=False)
    for fd in high_fds:
        os.close(fd)
    return done.returncode, done.stderr.decode()


@test
def sockets_passed_are_served_instead_of_those_configured():
    with listen_tcp() as tcp, listen_unix("a.sock") as local, Activated([tcp, local]) as daemon:
        assert get(tcp) == 200 and get(local) == 200
        assert "tcp=127.0.0.1:%d unix=%s/a.sock" % (tcp.getsockname()[1], FOLDER) in daemon.ready_text
        assert not os.path.exists(daemon.unix)
        assert daemon.get("/v1/info").json["server"]["listeners"] == ["tcp", "unix"]
    assert os.path.exists(os.path.join(FOLDER, "a.sock"))  # it is the manager's


@test
def a_loopback_socket_answers_to_its_own_names_alone():
    with listen_tcp() as tcp, Activated([tcp]) as daemon:
        assert daemon.get("/livez", headers={"Host": "evil.example"}).status == 400


@test
def sockets_for_others_need_tokens():
    with listen_tcp("0.0.0.0") as tcp:
        status, log = refusal([tcp.fileno()])
        assert status == 1 and "open to other machines" in log, log
        with Activated([tcp], "--auth.mode=none"):
            assert get(tcp) == 200


@test
def a_tcp_socket_that_was_passed_speaks_tls_where_there_is_a_certificate():
    cert, key = (os.path.join(FOLDER, name) for name in ("tls.crt", "tls.key"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", key, "-out", cert, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
                   stderr=subprocess.DEVNULL, check=True)
    os.chmod(key, 0o600)
    context = ssl.create_default_context(cafile=cert)
    with listen_tcp() as tcp, listen_unix("t.sock") as local, \
            Activated([tcp, local], "--listen.tls_cert=" + cert, "--listen.tls_key=" + key):
        with context.wrap_socket(socket.create_connection(tcp.getsockname(), 60), server_hostname="localhost") as made:
            made.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert made.recv(4096).startswith(b"HTTP/1.1 200 ")
        assert get(local) == 200


@test
def what_is_no_listening_stream_socket_is_refused():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams, socket.socket(socket.AF_INET) as idle, \
            open("/dev/null", "rb") as file:
        for fd in (datagrams.fileno(), idle.fileno(), file.fileno()):
            status, log = refusal([fd])
            assert status == 1 and "no listening stream socket" in log, log


@test
def too_many_sockets_are_refused():
    with listen_tcp() as tcp:
        status, log = refusal([tcp.fileno()] * 9)
        assert status == 1 and "more sockets than can be served" in log, log


def listen_fd(name):
    return listen_unix(name, socket.SOCK_SEQPACKET)


P, R = b"\0\1\1\2" * 64, b"\0\1\2\2" * 64
SHM = "--shm.enabled=yes"


def score(box):
    """The counts that two memfds over a descriptor socket come to."""
    fds = [memfd(P), memfd(R)]
    answer = box.ask({"op": "score", "prediction": view({"fd": 0}, [256]), "reference": view({"fd": 1}, [256])}, fds)
    for fd in fds:
        os.close(fd)
    assert "classes" in answer, answer
    return {c["label"]: (c["tp"], c["fp"], c["fn"]) for c in answer["classes"]}


def mailbox(made):
    return Mailbox(made.getsockname())


@test
def a_passed_socket_takes_descriptors_whatever_it_is_called():
    for names in ("", "tcp:unix:fd", "overlapd.socket:overlapd.socket:overlapd.socket", "http:::"):
        with listen_tcp() as tcp, listen_unix("c%d.sock" % len(names)) as local, \
                listen_fd("d%d.sock" % len(names)) as box_socket, \
                Activated([tcp, local, box_socket], SHM, names=names) as daemon:
            with mailbox(box_socket) as box:
                assert score(box) == {label: counts(P, R, label) for label in (1, 2)}
            assert get(tcp) == 200 and get(local) == 200
            assert daemon.get("/v1/info").json["server"]["listeners"] == ["tcp", "unix"]
        assert os.path.exists(os.path.join(FOLDER, "d%d.sock" % len(names)))  # it is the manager's


@test
def a_descriptor_socket_alone_leaves_those_configured():
    with listen_fd("e.sock") as made, tempfile.TemporaryDirectory() as folder:
        with Activated([made], SHM, "--listen.tcp=127.0.0.1:0",
                       "--listen.fd=%s/unused" % folder, names="fd") as daemon:
            with mailbox(made) as box:
                assert score(box)
            assert daemon.get("/livez").status == 200 and os.path.exists(daemon.unix)
            assert not os.listdir(folder)


@test
def a_successor_finds_who_waits_at_the_descriptor_socket():
    with listen_tcp() as tcp, listen_fd("f.sock") as made:
        with Activated([tcp, made], SHM), mailbox(made) as box:
            assert score(box)
        with mailbox(made) as box:  # connects while nobody serves
            with Activated([tcp, made], SHM):
                assert score(box)


@test
def descriptor_sockets_that_cannot_be_are_refused():
    with listen_tcp() as tcp, listen_unix("g.sock") as local, listen_fd("h.sock") as made, listen_fd("i.sock") as other:
        for sockets, names, options, reason in (
                ([made], "", [], "it takes descriptors, and shm.enabled is not yes"),
                ([made, other], "", [SHM], "only one socket can take descriptors"),
                *((sockets, names, [SHM], "it is not what it is called") for sockets, names in (
                    ([tcp], "fd"), ([local], "fd"), ([local], "tcp"), ([tcp, made], "tcp:unix")))):
            status, log = refusal([s.fileno() for s in sockets], "--listen.tcp=127.0.0.1:0", *options, names=names)
            assert status == 1 and reason in log, log


@test
def restarts_under_load_fail_no_request():
    with listen_tcp() as tcp, listen_unix("b.sock") as local:
        stop, answered, wrong = threading.Event(), threading.Semaphore(0), []

        def ask(made):
            while not stop.is_set():
                try:
                    connection = http.client.HTTPConnection("localhost")
                    connection.sock = socket.socket(made.family)
                    connection.sock.settimeout(60)
                    connection.sock.connect(made.getsockname())
                    connection.request("POST", "/v1/score", BODY, {"Content-Type": MULTIPART})
                    status = connection.getresponse().status
                    connection.close()
                except (OSError, http.client.HTTPException) as error:
                    status = repr(error)
                answered.release()
                if status != 200:
                    wrong.append(status)

        threads = [threading.Thread(target=ask, args=(s,), daemon=True) for s in 4 * (tcp, local)]
        daemon = Activated([tcp, local])
        for thread in threads:
            thread.start()
        restarts, between = scaled(100, 10), 4
        start = time.monotonic()
        for _ in range(restarts):
            for _ in range(between):
                answered.acquire()
            daemon.stop()
            daemon = Activated([tcp, local])
        took = time.monotonic() - start
        more = 0
        while answered.acquire(blocking=False):
            more += 1
        stop.set()
        for thread in threads:
            thread.join()
        daemon.stop()
        assert not wrong, "%d: %s" % (len(wrong), wrong[:3])
        print("# %d restarts at %d requests a second, none failed"
              % (restarts, (restarts * between + more) / took))


@test
def clean_up():
    shutil.rmtree(FOLDER)


main()
