#!/usr/bin/python3 -B
# test_reload.py - SIGHUP: what is taken over, what is not, and that no request notices.
# SPDX-License-Identifier: Apache-2.0
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from overlapd import Daemon, OVERLAPD, multipart, npy, pair, scaled, test, main, MULTIPART

FOLDER = tempfile.mkdtemp(prefix="overlapd-test-")
CONFIG, TOKENS = os.path.join(FOLDER, "overlapd.conf"), os.path.join(FOLDER, "tokens")
BODY = multipart(pair(npy(b"\0\1\1\2"), npy(b"\0\1\2\2")))


def write(path, text):
    """In one step, as an editor does: a reload sees the old file or the new one."""
    with open(os.open(path + ".new", os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
        file.write(text)
    os.rename(path + ".new", path)


def new_token(scope, name):
    """(token, its line)"""
    made = subprocess.run([OVERLAPD, "token", "new", "--scope", scope, "--name", name],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)
    return made.stdout.decode().strip(), made.stderr.decode()


def heard(daemon, word, timeout=10):
    """Reads notifications until one has the word."""
    deadline, texts = time.monotonic() + timeout, []
    while select.select([daemon.notify], [], [], max(0, deadline - time.monotonic()))[0]:
        texts.append(daemon.notify.recv(4096).decode())
        if word in texts[-1]:
            return texts
    raise AssertionError("no %s, but %s\n%s" % (word, texts, daemon.log()))


def reload(daemon):
    """The lines that a reload logs."""
    before = len(daemon.log())
    daemon.signal(signal.SIGHUP)
    texts = heard(daemon, "READY=1")
    assert texts[0].startswith("RELOADING=1\nMONOTONIC_USEC="), texts
    return daemon.log()[before:]


def limits(daemon, **more):
    return daemon.get("/v1/info", **more).json["limits"]


def with_token(token):
    return {"headers": {"Authorization": "Bearer " + token}}


@test
def limits_origins_and_the_log_level_are_taken_over():
    write(CONFIG, "[limits]\nvoxels = 100\n")
    with Daemon("--config", CONFIG) as daemon:
        assert limits(daemon)["voxels"] == 100
        write(CONFIG, "[limits]\nvoxels = 3\nlabels = 9\n[http]\ncors_origins = https://a.example\n"
                      "[log]\nlevel = debug\n")
        lines = reload(daemon)
        assert "event=reloaded key=limits.voxels from=100 to=3" in lines, lines
        assert "event=reloaded key=limits.labels from=1024 to=9" in lines, lines
        assert "event=reloaded key=http.cors_origins" in lines and "key=log.level" in lines, lines
        assert "restart-needed" not in lines and lines.count("event=reloaded") == 4, lines
        assert limits(daemon)["voxels"] == 3 and limits(daemon)["labels"] == 9
        refused = daemon.request("POST", "/v1/score", BODY, {"Content-Type": MULTIPART})
        assert refused.json["code"] == "too-many-voxels", refused.body
        page = daemon.get("/livez", headers={"Origin": "https://a.example"})
        assert page.headers["Access-Control-Allow-Origin"] == "https://a.example"
        assert "level=debug" in daemon.log()


@test
def allowed_hosts_are_taken_over():
    write(CONFIG, "")
    with Daemon("--config", CONFIG) as daemon:
        assert daemon.get("/livez", headers={"Host": "a.example"}).status == 400
        write(CONFIG, "[http]\nallowed_hosts = a.example\n")
        reload(daemon)
        assert daemon.get("/livez", headers={"Host": "a.example"}).status == 200
        assert daemon.get("/livez").status == 400


@test
def what_needs_a_restart_is_said_and_not_done():
    write(CONFIG, "")
    with Daemon("--config", CONFIG) as daemon:
        write(CONFIG, "[workers]\nthreads = 7\n[limits]\nconnections = 9\nwaiting = 8\n"
                      "[timeouts]\nheader = 3\nqueue = 4\n[kernels]\nisa = scalar\n")
        for _ in range(2):  # it stays true
            lines = reload(daemon)
            for key in ("workers.threads", "limits.connections", "timeouts.header", "kernels.isa"):
                assert re.search(r"level=warn event=restart-needed key=%s in_force=\S+ wanted=" % key, lines), lines
            assert lines.count("restart-needed") == 4, lines
        info = daemon.get("/v1/info").json
        assert info["limits"]["connections"] == 512 and info["timeouts"]["header"] == 10
        assert info["limits"]["waiting"] == 8 and info["timeouts"]["queue"] == 4


@test
def the_command_line_stays_in_force():
    write(CONFIG, "[limits]\nvoxels = 100\n")
    with Daemon("--config", CONFIG, "--limits.voxels=50") as daemon:
        write(CONFIG, "[limits]\nvoxels = 200\nlabels = 5\n")
        lines = reload(daemon)
        assert "limits.voxels" not in lines and limits(daemon)["voxels"] == 50, lines
        assert limits(daemon)["labels"] == 5


BAD_FILES = ["[limits]\nvoxels = 5\nlabels = none\n", "[limits]\nvoxels = 5\n[nonsense]\nx = 1\n",
             "[limits]\nvoxels = 5\n[auth]\ntokens_file = /nonsense\n", "[limits]\nvoxels = 5\nnonsense\n",
             "[limits]\nvoxels = 5\n[http]\ncors_origins = *\n", "[limits]\nvoxels = 5\n[auth]\nunix_uids = root\n"]


@test
def a_bad_file_changes_nothing():
    write(CONFIG, "[limits]\nvoxels = 100\n")
    with Daemon("--config", CONFIG) as daemon:
        for text in BAD_FILES:
            write(CONFIG, text)
            lines = reload(daemon)
            assert "level=error event=reload-failed reason=" in lines and "event=reloaded" not in lines, lines
            assert limits(daemon)["voxels"] == 100, text
        os.unlink(CONFIG)
        assert "event=reload-failed" in reload(daemon)
        write(CONFIG, "[limits]\nvoxels = 6\n")
        assert "event=reloaded key=limits.voxels from=100 to=6" in reload(daemon)


@test
def tokens_come_and_go():
    (first, first_line), (second, second_line) = new_token("read", "first"), new_token("read", "second")
    write(TOKENS, first_line)
    with Daemon("--auth.tokens_file=" + TOKENS, "--auth.failures=0") as daemon:
        write(TOKENS, first_line + second_line)
        assert daemon.get("/v1/info", **with_token(second)).status == 401  # not before the signal
        assert "event=reload tokens=2 tokens_before=1" in reload(daemon)
        assert daemon.get("/v1/info", **with_token(second)).status == 200
        write(TOKENS, second_line)
        reload(daemon)
        assert daemon.get("/v1/info", **with_token(first)).status == 401
        assert daemon.get("/v1/info", **with_token(second)).status == 200
        write(TOKENS, second_line + "nonsense\n")
        assert "reload-failed" in reload(daemon)
        assert daemon.get("/v1/info", **with_token(second)).status == 200
        os.chmod(TOKENS, 0o644)
        assert "reload-failed" in reload(daemon)
        write(TOKENS, "")
        reload(daemon)
        assert daemon.get("/v1/info", **with_token(second)).status == 401


@test
def an_open_address_does_not_lose_its_tokens():
    _, line = new_token("read", "only")
    write(TOKENS, line)
    write(CONFIG, "[auth]\ntokens_file = %s\n" % TOKENS)
    with Daemon("--config", CONFIG, "--listen.tcp=0.0.0.0:0") as daemon:
        write(CONFIG, "[auth]\n")
        lines = reload(daemon)
        assert "reload-failed" in lines and "open to other machines" in lines, lines
        assert daemon.get("/v1/info").status == 401


@test
def a_request_keeps_the_settings_it_began_with():
    write(CONFIG, "")
    with Daemon("--config", CONFIG) as daemon:
        with daemon.connect() as connection:
            head = "POST /v1/score HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
            connection.sendall((head % (MULTIPART, len(BODY))).encode() + BODY[:20])
            daemon.settle(requests=2)  # its own and the one that asks
            write(CONFIG, "[limits]\nbody_bytes = 10\nvoxels = 1\n")
            reload(daemon)
            assert limits(daemon)["body_bytes"] == 10
            connection.sendall(BODY[20:])
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
            connection.sendall((head % (MULTIPART, len(BODY))).encode())
            assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")


@test
def reloads_under_load_cost_no_request():
    scorer, line = new_token("score,read", "scorer")
    write(TOKENS, line)
    write(CONFIG, "[limits]\nlabels = 1000\n[log]\nlevel = error\n")
    masks = npy(bytes(range(256)) * 4096, (1024, 1024)), npy(bytes(range(255, -1, -1)) * 4096, (1024, 1024))
    bodies = [BODY, multipart(pair(*masks))]
    with Daemon("--config", CONFIG, "--auth.tokens_file=" + TOKENS, "--auth.failures=0") as daemon:
        stop, answered, wrong = threading.Event(), [0], []

        def ask(body):
            while not stop.is_set():
                answer = daemon.request("POST", "/v1/score", body, {"Content-Type": MULTIPART,
                                        "Authorization": "Bearer " + scorer})
                answered[0] += 1
                if answer.status != 200:
                    wrong.append((answer.status, answer.body[:300]))

        threads = [threading.Thread(target=ask, args=(bodies[i % 2],)) for i in range(4)]
        for thread in threads:
            thread.start()
        for i in range(scaled(200, 40)):
            good = i % 3 != 2
            write(TOKENS, line + (new_token("read", "other")[1] if i % 10 == 0 else ""))
            write(CONFIG, "[limits]\nlabels = %d\n[log]\nlevel = error\n" % (900 + i) if good else "nonsense\n")
            daemon.signal(signal.SIGHUP)
            heard(daemon, "READY=1")
            if good:
                assert limits(daemon, **with_token(scorer))["labels"] == 900 + i
        stop.set()
        for thread in threads:
            thread.join()
        assert not wrong, wrong[:3]
        assert answered[0] > scaled(200, 20), answered


@test
def clean_up():
    shutil.rmtree(FOLDER)


main()
