#!/usr/bin/python3 -B
# test_deploy.py - the examples of deployment: the proxy lets nothing odd through and loses nothing.
# SPDX-License-Identifier: Apache-2.0
import concurrent.futures
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
import framing
import rfc9112

FOLDER = os.path.join(ROOT, "examples", "deploy")
CONFIG = os.path.join(FOLDER, "haproxy.cfg")
BODY = multipart(pair(npy(b"\0\1\1\2"), npy(b"\0\1\2\2")))
HEAD = b"POST /v1/score HTTP/1.1\r\nHost: localhost\r\nContent-Type: " + MULTIPART.encode() + b"\r\n"


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
    """In overlapd's place: keeps what each connection brings, and says 200 to all of it."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = listen()
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.streams = []
        self.start()

    def run(self):
        while True:
            threading.Thread(target=self.serve, args=(self.socket.accept()[0],), daemon=True).start()

    def serve(self, connection):
        stream, answered = bytearray(), 0
        self.streams.append(stream)
        try:
            while True:
                piece = connection.recv(65536)
                stream += piece
                reading = rfc9112.read(bytes(stream))
                for _ in reading.messages[answered:]:
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                answered = len(reading.messages)
                if not piece or reading.end == "bad":
                    return
        except ConnectionError:  # so ends a check of health
            pass
        finally:
            connection.close()


def play(proxy, payload):
    """The statuses of what the proxy answers, and what is no answer."""
    with proxy.connect() as connection:
        try:
            connection.sendall(payload)
        except ConnectionError:
            pass
        data, _ = read_until_quiet(connection, 1)
    methods = [message.method for message in rfc9112.read(payload).messages]
    responses, rest = split_responses(data, methods)
    return [status for status, _, _ in responses], rest


# Odd, and no matter of where a request ends: the proxy passes these on. The daemon refuses them, but
# for control characters in the value of a trailer, which nobody looks at.
HARMLESS = re.compile(r"no Host|[02-9] Hosts|no request target|'\*' is for OPTIONS|another major version")
IN_A_TRAILER = re.compile("not a field line|a control character in a value")


def is_harmless(reading):
    return HARMLESS.match(reading.reason) or (reading.in_body and IN_A_TRAILER.match(reading.reason))


@test
def the_proxy_passes_on_nothing_that_is_framed_oddly():
    recorder, corpus = Recorder(), framing.Corpus(BODY, MULTIPART).all()
    with Proxy(recorder.address, recorder.address) as proxy, concurrent.futures.ThreadPoolExecutor(100) as pool:
        outcomes = dict(zip(corpus, pool.map(lambda payload: play(proxy, payload), corpus.values())))
    served = sum(200 in statuses for statuses, _ in outcomes.values())
    refused = sum(statuses == [400] for statuses, _ in outcomes.values())
    passed = [rfc9112.read(bytes(stream)) for stream in recorder.streams if stream]
    wrong = [(reading.reason, reading.rest[:200]) for reading in passed
             if reading.end == "bad" and not is_harmless(reading)]
    print("# %d payloads: %d served, %d refused; %d connections to the daemon" %
          (len(corpus), served, refused, len(passed)))
    assert not wrong, "%d: %s" % (len(wrong), wrong[:5])
    assert not [name for name, (_, rest) in outcomes.items() if rest]
    assert served > 200 and refused > 500, (served, refused)


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
