#!/usr/bin/python3 -B
# test_deploy.py - the examples of deployment: the proxy lets nothing odd through and loses nothing.
# SPDX-License-Identifier: Apache-2.0
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "api"))
from overlapd import Daemon, LIBC, OVERLAPD, PR_SET_PDEATHSIG, Skip, multipart, npy, pair, read_until_quiet, \
    split_responses, test, main, MULTIPART

FOLDER = os.path.join(ROOT, "examples", "deploy")
CONFIG = os.path.join(FOLDER, "haproxy.cfg")
BODY = multipart(pair(npy(b"\0\1\1\2"), npy(b"\0\1\2\2")))
HEAD = b"POST /v1/score HTTP/1.1\r\nHost: localhost\r\nContent-Type: " + MULTIPART.encode() + b"\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"


def listen(family=socket.AF_INET, address=("127.0.0.1", 0)):
    made = socket.socket(family)
    made.bind(address)
    made.listen(4096)
    return made


class Proxy:
    """HAProxy with the example's configuration, on a port of its own, in front of two addresses."""

    def __init__(self, first, second):
        if not shutil.which("haproxy"):
            raise Skip("haproxy is not installed (script/bootstrap deploy)")
        self.socket = listen()
        os.set_inheritable(self.socket.fileno(), True)
        environment = {"OVERLAPD_BIND": "fd@%d" % self.socket.fileno(), "OVERLAPD_A": first, "OVERLAPD_B": second}
        checked = subprocess.run(["haproxy", "-c", "-q", "-f", CONFIG], env={**os.environ, **environment},
                                 pass_fds=[self.socket.fileno()], stderr=subprocess.PIPE, check=False)
        assert checked.returncode == 0 and not checked.stderr, checked
        self.process = subprocess.Popen(
            ["haproxy", "-db", "-q", "-f", CONFIG], env={**os.environ, **environment}, stderr=subprocess.DEVNULL,
            pass_fds=[self.socket.fileno()], preexec_fn=lambda: LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)
        self.socket.close()

    def connect(self):
        return socket.create_connection(self.socket.getsockname(), timeout=30)


class Recorder(threading.Thread):
    """In overlapd's place: keeps what it is sent, and says 200 to all of it."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = listen()
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.heads = []
        self.start()

    def run(self):
        while True:
            threading.Thread(target=self.serve, args=(self.socket.accept()[0],), daemon=True).start()

    def serve(self, connection):
        try:
            self.converse(connection)
        except ConnectionError:  # so ends a check of health
            pass

    def converse(self, connection):
        data = b""
        while True:
            piece = connection.recv(65536)
            if not piece:
                return
            data += piece
            while b"\r\n\r\n" in data:
                head, _, data = data.partition(b"\r\n\r\n")
                self.heads.append(head)
                length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
                chunked = re.search(rb"(?i)\r\ntransfer-encoding: *chunked", head)
                while len(data) < (int(length.group(1)) if length else 0) or \
                        (chunked and b"0\r\n\r\n" not in data):
                    data += connection.recv(65536)
                body, data = (data.split(b"0\r\n\r\n", 1) if chunked
                              else (data[:int(length.group(1)) if length else 0],
                                    data[int(length.group(1)) if length else 0:]))
                if chunked:
                    self.heads.append(b"chunks\r\n" + body.replace(BODY, b""))
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def chunked(first=b"\r\n"):
    return b"%x%s%s\r\n0\r\n\r\n" % (len(BODY), first, BODY)


GET = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n"

# What libmicrohttpd would accept: docs/api.md, "Framing".
RESIDUAL = [
    GET + b"X-A: 1\r\n 2\r\n\r\n",
    GET + b"X-A: 1\r\n\tTransfer-Encoding: chunked\r\n\r\n",
    GET.replace(b"\r\n", b"\n") + b"\n",
    GET + b"X-A: 1\n\r\n",
    GET + b"X-A: 1\nX-B: 2\r\n\r\n",
    GET + b"X-A: a\0b\r\n\r\n",
    GET + b"X-A: \0\r\n\r\n",
    GET + b": 1\r\n" + SMUGGLED,
    GET + b":\r\n" + SMUGGLED,
    HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(b";a\n"),
    HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(b"\n"),
    HEAD + b"Transfer-Encoding: chunked\n\r\n" + chunked(),
]


def is_clean(head):
    lines = head.split(b"\r\n")
    return b"\0" not in head and not any(
        b"\n" in line or b"\r" in line or line[:1] in (b" ", b"\t", b":") for line in lines)


@test
def the_proxy_passes_on_nothing_that_is_framed_oddly():
    recorder = Recorder()
    with Proxy(recorder.address, recorder.address) as proxy:
        for payload in RESIDUAL:
            with proxy.connect() as connection:
                connection.sendall(payload)
                data, _ = read_until_quiet(connection, 0.3)
            responses, rest = split_responses(data)
            assert len(responses) == 1 and not rest, (payload, data)
        with proxy.connect() as connection:  # and it does pass on
            connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
    assert any(b"POST" in head for head in recorder.heads), recorder.heads
    wrong = [head for head in recorder.heads if not is_clean(head) or b"smuggled" in head]
    assert not wrong, wrong


class Replica:
    """An overlapd on a socket that the next one takes over."""

    def __init__(self, path):
        self.path = path
        self.start()

    def start(self):
        self.daemon = Daemon("--listen.unix=" + self.path, "--listen.unix_mode=0666", "--timeouts.drain_delay=1")

    def restart(self):
        self.daemon.stop()
        self.start()

    def crash(self):
        self.daemon.ends_with = -signal.SIGKILL
        self.daemon.signal(signal.SIGKILL)
        self.daemon.stop()
        self.start()


def exchange(proxy):
    with proxy.connect() as connection:
        connection.sendall(HEAD + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY)
        data, _ = read_until_quiet(connection, 30, 30)
    return data[:12]


@test
def replicas_that_are_restarted_or_killed_cost_no_request():
    folder = tempfile.mkdtemp(prefix="overlapd-test-")
    paths = [os.path.join(folder, name) for name in ("a", "b")]
    with Proxy(*paths) as proxy:
        replicas = [Replica(path) for path in paths]
        deadline = time.monotonic() + 20
        while exchange(proxy) != b"HTTP/1.1 200":
            assert time.monotonic() < deadline, "the proxy does not come up"
        time.sleep(0.5)  # both are checked every 0.2 s
        stop, answers = threading.Event(), []

        def ask():
            while not stop.is_set():
                answers.append(exchange(proxy))

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for replica in replicas * 2:
            replica.restart()
            time.sleep(0.5)
        for replica in replicas:
            replica.crash()
            time.sleep(0.5)
        stop.set()
        for thread in threads:
            thread.join()
        for replica in replicas:
            replica.daemon.stop()
    shutil.rmtree(folder)
    wrong = [answer for answer in answers if answer != b"HTTP/1.1 200"]
    assert not wrong and len(answers) > 200, "%d of %d: %s" % (len(wrong), len(answers), wrong[:5])
    print("# %d requests, 4 restarts, 2 crashes, %d failures" % (len(answers), len(wrong)))


def documents(name):
    try:
        import yaml
    except ImportError:
        raise Skip("python3-yaml is not installed")
    with open(os.path.join(FOLDER, name), "rb") as file:
        return list(yaml.safe_load_all(file))


def assert_starts(environment):
    """With these variables, those of the image and a tokens file, the daemon would start."""
    with open(os.path.join(ROOT, "Dockerfile"), encoding="utf-8") as file:
        image = dict(re.findall(r"^ENV (\w+)=(\S+)$", file.read(), re.M))
    assert image["OVERLAPD_LISTEN_TCP"].startswith("0.0.0.0:"), image
    with tempfile.NamedTemporaryFile() as tokens:  # mode 0600
        assert "OVERLAPD_AUTH_TOKENS_FILE" in environment, environment
        environment = {**image, **environment, "OVERLAPD_AUTH_TOKENS_FILE": tokens.name}
        checked = subprocess.run([OVERLAPD, "--check-config"], env=environment, stderr=subprocess.PIPE, check=False)
    assert checked.returncode == 0, checked.stderr


@test
def composed_services_are_configured_well_and_confined():
    services = documents("compose.yaml")[0]["services"]
    for name in ("a", "b"):
        service = services[name]
        assert_starts(service["environment"])
        assert service["read_only"] and service["cap_drop"] == ["ALL"] and service["user"] == "10001:10001"
    proxy = services["proxy"]["environment"]
    with open(CONFIG, encoding="utf-8") as file:
        assert set(re.findall(r"\$\{(\w+)\}", file.read())) == set(proxy), proxy
    assert (proxy["OVERLAPD_A"], proxy["OVERLAPD_B"]) == ("a:8040", "b:8040")


@test
def the_pod_is_configured_well_and_confined():
    deployment, service = documents("kubernetes.yaml")
    pod = deployment["spec"]["template"]["spec"]
    container = pod["containers"][0]
    assert_starts({e["name"]: e["value"] for e in container["env"]})
    assert container["securityContext"] == {"readOnlyRootFilesystem": True, "allowPrivilegeEscalation": False,
                                            "capabilities": {"drop": ["ALL"]}}
    assert pod["securityContext"]["runAsNonRoot"] and not pod["automountServiceAccountToken"]
    with Daemon() as daemon:
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert daemon.get(container[probe]["httpGet"]["path"]).status == 200, probe
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"] == labels == deployment["spec"]["selector"]["matchLabels"]


main()
