#!/usr/bin/python3 -B
# test_compose.py - examples/deploy/compose.yaml in a real engine: what it promises, and losing nothing.
# SPDX-License-Identifier: Apache-2.0
"""The engine, all that it starts and this test live in namespaces of their own, whose files are in
memory: they go with the test, however it ends, and the machine keeps no bridge, rule or folder."""
import collections
import concurrent.futures
import glob
import http.client
import json
import os
import re
import shutil
import select
import signal
import socket
import subprocess
import sys
import tarfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "api"))
from overlapd import Answer, LIBC, MULTIPART, PR_SET_PDEATHSIG, main, multipart, pair, test
import test_cases

CGROUP = "overlapd-test-compose"
IMAGES = os.path.join(ROOT, "build", "image")
PODMAN = ["podman", "--root", IMAGES + "/store", "--runroot", IMAGES + "/run", "--storage-driver", "overlay"]
UNSHARE = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
FOLDER = "/run/overlapd-test"  # in the memory of the namespace
ENGINE_S = 60  # for the engine and for whatever it is asked
SIZE = "48,48,16"  # 37 kB a volume: more than what HAProxy would hold of itself
PER_SECOND = 100
AT_ONCE = 64


def skip(reason):
    print("1..0 # SKIP " + reason)
    sys.exit(0)


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def isolate():
    """Runs this test once more, in namespaces of its own, and cleans up the one thing they share."""
    if os.geteuid() != 0:
        skip("only root runs an engine")
    for tool in ("dockerd", "docker", "docker-compose", "podman", "haproxy"):
        if not shutil.which(tool):
            skip("%s is not installed (script/bootstrap deploy engine)" % tool)
    if not os.path.isdir(IMAGES) or subprocess.run(PODMAN + ["image", "exists", "overlapd"], check=False).returncode:
        skip("there is no image (script/image)")
    tried = subprocess.run(UNSHARE + ["true"], stderr=subprocess.PIPE, text=True, check=False)
    if tried.returncode:
        skip("no namespaces here: " + tried.stderr.strip())
    status = subprocess.call(UNSHARE + [sys.executable, "-B", __file__, "isolated"], preexec_fn=die_with_parent)
    for top in glob.glob("/sys/fs/cgroup/" + CGROUP) + glob.glob("/sys/fs/cgroup/*/" + CGROUP):
        for folder, _, _ in os.walk(top, topdown=False):
            os.rmdir(folder)
    sys.exit(status)


def run(*command, **more):
    """What a command prints; it must succeed."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=ENGINE_S,
                          check=False, **more)
    assert done.returncode == 0, "%s: %d\n%s" % (" ".join(command), done.returncode, done.stdout[-3000:])
    return done.stdout.strip()


# ---------------------------------------------------------------------------------- the engine


def start_engine():
    """dockerd, ready when this returns."""
    for path in ("/run", "/etc/docker", "/opt"):  # it writes to all of them
        run("mount", "-t", "tmpfs", "overlapd-test", path)
    run("ip", "link", "set", "lo", "up")
    os.mkdir(FOLDER)
    os.environ.update(DOCKER_HOST="unix://%s/socket" % FOLDER, DOCKER_CONFIG=FOLDER, NOTIFY_SOCKET=FOLDER + "/notify")
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(os.environ["NOTIFY_SOCKET"])
    with open(FOLDER + "/daemon.json", "w", encoding="ascii") as config:
        config.write("{}")
    with open(FOLDER + "/log", "w+", encoding="utf-8", errors="replace") as log:
        daemon = subprocess.Popen(
            ["dockerd", "--config-file", config.name, "--data-root", FOLDER + "/data", "--exec-root", FOLDER + "/exec",
             "--pidfile", FOLDER + "/pid", "--host", os.environ["DOCKER_HOST"], "--storage-driver", "overlay2",
             "--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", "/" + CGROUP], stdout=log, stderr=log)
        ended = os.pidfd_open(daemon.pid)
        while notify in select.select([notify, ended], [], [], ENGINE_S)[0]:
            if b"READY=1" in notify.recv(4096):
                del os.environ["NOTIFY_SOCKET"]
                return
        log.seek(0)
        skip("no engine runs here: " + log.read()[-300:].replace("\n", " "))


def load_images():
    """The image of script/image, and in the place of the public one of HAProxy this machine's."""
    archive = FOLDER + "/archive.tar"
    run(*PODMAN, "save", "-q", "--format", "docker-archive", "-o", archive, "overlapd")
    run("docker", "load", "-q", "-i", archive)
    run("docker", "tag", "localhost/overlapd", "overlapd")
    haproxy = shutil.which("haproxy")
    with tarfile.open(archive, "w", dereference=True) as tar:
        for path in [haproxy, *re.findall(r"/\S+", run("ldd", haproxy))]:
            tar.add(path)
    version = re.search(r"version (\d+\.\d+)", run("haproxy", "-v")).group(1)
    command = [haproxy, "-W", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]
    run("docker", "import", "-c", "USER 99:99", "-c", "CMD " + json.dumps(command), archive, "haproxy:" + version)


def make_project():
    """The example's folder with a tokens file in it, made as its first lines say; the token."""
    folder = FOLDER + "/deploy"
    shutil.copytree(os.path.join(ROOT, "examples", "deploy"), folder)
    with open(folder + "/tokens", "w", encoding="ascii") as tokens:
        made = subprocess.run(["docker", "run", "--rm", "overlapd", "token", "new", "--scope", "score"], check=True,
                              stdout=subprocess.PIPE, stderr=tokens, text=True, timeout=ENGINE_S)
    os.chown(tokens.name, 10001, 10001)
    os.chmod(tokens.name, 0o600)
    return made.stdout.strip()


def compose(*command):
    return run("docker-compose", "--ansi", "never", *command, cwd=FOLDER + "/deploy")


def inspect(name):
    return json.loads(run("docker", "inspect", container(name)))[0]


def container(name):
    return "deploy_%s_1" % name


def address(name):
    return inspect(name)["NetworkSettings"]["Networks"]["deploy_default"]["IPAddress"]


def await_healthy(since, *names):
    """Until the engine has said of each that it became healthy after a time."""
    waiting = {container(name) for name in names}
    with subprocess.Popen(
            ["docker", "events", "--since", since, "--until", "%f" % (time.time() + ENGINE_S), "--format",
             "{{.Actor.Attributes.name}} {{.Status}}", "--filter", "event=health_status"],
            stdout=subprocess.PIPE, text=True) as events:
        for line in events.stdout:
            name, _, status = line.strip().partition(" ")
            if status == "health_status: healthy":
                waiting.discard(name)
            if not waiting:
                events.terminate()
                return
    raise AssertionError("not healthy: %s\n%s" % (waiting, "\n".join(run("docker", "logs", n) for n in waiting)))


def now():
    return "%f" % time.time()


# ---------------------------------------------------------------------------------- the clients


def phantoms():
    """The body of a request with two volumes, and their mean Dice as counted here."""
    run(os.path.join(ROOT, "build", "release", "examples", "phantom"), "volume", FOLDER, "--size", SIZE, "--format",
        "nii")
    files = []
    for name in ("prediction", "reference"):
        with open("%s/%s.nii" % (FOLDER, name), "rb") as file:
            files.append(file.read())
    both, sizes = collections.Counter(), collections.Counter()
    for (p, r), n in collections.Counter(zip(*(data[352:] for data in files))).items():
        sizes.update({p: n})
        sizes.update({r: n})
        both.update({p: n if p == r else 0})
    dice = [2 * both[label] / size for label, size in sizes.items() if label]
    return multipart(pair(*files)), sum(dice) / len(dice)


def request(method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", 8040, timeout=30)
    try:
        connection.request(method, path, body, headers or {})
        return Answer(connection.getresponse())
    finally:
        connection.close()


def await_answer():
    """Until the proxy runs and knows a replica."""
    deadline = time.monotonic() + ENGINE_S
    while True:
        try:
            if request("GET", "/livez").status == 200:
                return
        except (OSError, http.client.HTTPException):
            pass
        assert time.monotonic() < deadline, run("docker", "logs", container("proxy"))
        time.sleep(0.05)


class Load:
    """Scores asked for at a steady rate, whether earlier ones are answered or not; all must be."""

    def __init__(self, what):
        self.what, self.seconds, self.failures = what, [], []
        self.ends = threading.Event()
        self.thread = threading.Thread(target=self.offer)

    def __enter__(self):
        self.thread.start()

    def __exit__(self, kind, *_):
        self.ends.set()
        self.thread.join()
        n, slowest = len(self.seconds), max(self.seconds, default=0)
        print("# %s: %d requests in %.0f s, %d failures, slowest %.2f s" %
              (self.what, n, n / PER_SECOND, len(self.failures), slowest))
        assert kind or not self.failures, self.failures[:5]

    def offer(self):
        start = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            for due in (start + i / PER_SECOND for i in range(sys.maxsize)):
                if self.ends.wait(max(0, due - time.monotonic())):
                    return
                pool.submit(self.score, due)

    @staticmethod
    def pieces():
        """The body, as a network would bring it."""
        half = len(BODY) // 2
        yield BODY[:half]
        time.sleep(0.02)
        yield BODY[half:]

    def score(self, due):
        length = {"Content-Length": str(len(BODY))}
        try:
            answer = request("POST", "/v1/score", self.pieces(), {**AUTHORIZED, **length, "Content-Type": MULTIPART})
            if answer.status != 200 or abs(answer.json["mean"]["dice"] - MEAN_DICE) > 1e-12:
                self.failures.append((answer.status, answer.body[:100]))
        except (OSError, http.client.HTTPException) as error:
            self.failures.append(repr(error))
        self.seconds.append(time.monotonic() - due)


# ------------------------------------------------------------------------------------- the tests


@test
def replicas_and_proxy_come_up_and_the_engine_finds_them_healthy():
    begun = now()
    compose("up", "-d")
    await_healthy(begun, "a", "b")
    await_answer()


@test
def none_has_root_a_capability_or_a_place_to_write():
    for name, user in (("a", "10001"), ("b", "10001"), ("proxy", "99")):
        pid = inspect(name)["State"]["Pid"]
        with open("/proc/%d/status" % pid, encoding="ascii") as file:
            status = dict(re.findall(r"^(\w+):\t(.*)$", file.read(), re.M))
        assert status["Uid"].split() == status["Gid"].split() == [user] * 4, status
        assert {int(status[which], 16) for which in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}, status
        assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2"), status
        with open("/proc/%d/mountinfo" % pid, encoding="ascii") as file:
            assert re.search(r"^\S+ \S+ \S+ \S+ / ro\b", file.read(), re.M), name
    limits = inspect("a")["HostConfig"]
    assert (limits["Memory"], limits["PidsLimit"]) == (2 << 30, 64), limits


@test
def a_score_wants_a_token():
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        assert request("POST", "/v1/score", BODY, {"Content-Type": MULTIPART, **headers}).status == 401


@test
def every_case_has_its_published_values():
    cases = test_cases.names()
    for name in cases:
        test_cases.play(name, lambda method, path, body, headers: request(
            method, path, body, {**AUTHORIZED, **headers}))
    assert len(cases) > 20


@test
def restarting_one_after_the_other_costs_no_request():
    with Load("a rolling restart"):
        for name in ("a", "b"):
            begun = now()
            compose("restart", name)
            await_healthy(begun, name)


@test
def new_containers_one_after_the_other_cost_no_request():
    with Load("a rolling upgrade"):
        for name in ("a", "b"):
            begun = now()
            compose("up", "-d", "--force-recreate", "--no-deps", name)
            await_healthy(begun, name)


@test
def kill_9_costs_no_request():
    with Load("kill -9 of each"):
        for name in ("a", "b"):
            run("docker", "kill", "-s", "KILL", container(name))
            time.sleep(1)  # of load on the other
            assert inspect(name)["State"]["ExitCode"] == 128 + signal.SIGKILL
            begun = now()
            run("docker", "start", container(name))
            await_healthy(begun, name)


@test
def one_that_crashes_is_started_again_and_costs_no_request():
    with Load("a crash of each"):
        for name in ("a", "b"):
            begun = now()
            os.kill(inspect(name)["State"]["Pid"], signal.SIGKILL)
            await_healthy(begun, name)
            assert inspect(name)["RestartCount"] == 1


@test
def the_proxy_starts_with_one_replica_and_finds_the_other_at_a_new_address():
    before = address("b")
    run("docker", "stop", container("b"))
    run("docker", "stop", container("proxy"))
    run("docker", "start", container("proxy"))  # takes the lowest free address, which was b's
    await_answer()
    with Load("a replica that moves"):
        begun = now()
        run("docker", "start", container("b"))
        await_healthy(begun, "b")
        assert address("b") != before == address("proxy")
        run("docker", "stop", container("a"))


@test
def they_stop_with_0():
    run("docker", "stop", container("b"))
    for name in ("a", "b"):
        assert inspect(name)["State"]["ExitCode"] == 0
        assert "event=stop status=0" in run("docker", "logs", "--tail", "1", container(name))
    compose("down")
    assert not run("docker", "ps", "-aq")


if sys.argv[1:] != ["isolated"]:
    isolate()
start_engine()
load_images()
AUTHORIZED = {"Authorization": "Bearer " + make_project()}
BODY, MEAN_DICE = phantoms()
main()
