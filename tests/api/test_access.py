#!/usr/bin/python3 -B
# test_access.py - every route by every kind of token; origins, peers, the limit on failures.
# SPDX-License-Identifier: Apache-2.0
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from overlapd import (Daemon, OVERLAPD, Skip, multipart, npy, pair, read_until_quiet, split_responses,
                      test, main, MULTIPART)

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
SCOPES = ("score", "read", "write", "shm", "metrics", "admin")
BODY = multipart(pair(npy(b"\0\1\1\2"), npy(b"\0\1\2\2")))
FOLDER = tempfile.mkdtemp(prefix="overlapd-test-")
FILE = os.path.join(FOLDER, "tokens")
BAD = "overlapd_" + "0" * 64


def new_token(scope, name, file=FILE):
    made = subprocess.run([OVERLAPD, "token", "new", "--scope", scope, "--name", name, "--file", file],
                          stdout=subprocess.PIPE, check=True)
    return made.stdout.decode().strip()


TOKENS = {scope: new_token(scope, scope) for scope in SCOPES}
DAEMON = Daemon("--auth.tokens_file=" + FILE, "--auth.failures=0", "--shm.enabled=yes",
                "--store.path=" + os.path.join(FOLDER, "runs.db"))


@test
def a_token_that_cannot_be_made_leaves_the_file_as_it_is():
    file = os.path.join(FOLDER, "made")
    new_token("score", "one", file)
    with open(file, "r+b") as text:
        text.truncate(os.path.getsize(file) - 1)  # the end of its line
    new_token("read", "two", file)
    with open(file, "rb") as text:
        kept = text.read()
    assert [line.split()[0] for line in kept.splitlines()] == [b"one", b"two"], kept
    for arguments, words in ((("--scope", "score", "--name", "one"), "token named one already"),
                             (("--scope", "score,nonsense"), "scope is unknown"),
                             (("--scope", "score", "--name", "a b"), "--name must be"),
                             (("--name", "three"), "--scope is missing"),
                             (("--scope", "score", "--nonsense", "1"), "option is unknown")):
        done = subprocess.run([OVERLAPD, "token", "new", *arguments, "--file", file], capture_output=True,
                              encoding="utf-8")
        assert done.returncode in (1, 2) and words in done.stderr and not done.stdout, done
    os.chmod(file, 0o644)
    done = subprocess.run([OVERLAPD, "token", "new", "--scope", "score", "--file", file], capture_output=True,
                          encoding="utf-8")
    assert done.returncode == 1 and file in done.stderr and not done.stdout, done
    with open(file, "rb") as text:
        assert text.read() == kept


def bearer(token):
    return {} if token is None else {"Authorization": "Bearer " + token}


def ask(method, path, token, daemon=DAEMON, **headers):
    body = BODY if method == "POST" else None
    kind = {"Content-Type": MULTIPART} if body else {}
    return daemon.request(method, path, body, {**kind, **bearer(token), **headers})


def routes():
    """[(method, path, scopes)] of the contract; no scopes where nobody is asked."""
    try:
        import yaml
    except ImportError:
        raise Skip("python3-yaml is not installed")
    with open(os.path.join(ROOT, "proto", "openapi.yaml"), "rb") as file:
        document = yaml.safe_load(file)
    found = []
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in ("get", "put", "post", "delete", "patch"):
                asked = operation.get("security", document["security"])
                # Any one of the entries will do; {} is nobody; an entry without roles any token.
                scopes = set()
                for entry in asked:
                    scopes |= set(entry["token"] or SCOPES) if entry else set()
                found.append((method.upper(), re.sub(r"\{\w+\}", "x", path), scopes))
    return found


@test
def every_route_asks_for_the_scopes_of_the_contract():
    table = routes()
    assert len(table) >= 5, table
    for method, path, scopes in table:
        for token in (None, BAD):
            answer = ask(method, path, token)
            assert (answer.status == 401) == bool(scopes), "%s %s: %d" % (method, path, answer.status)
            assert answer.status != 401 or answer.json["code"] == "unauthenticated"
        for scope, token in TOKENS.items():
            answer = ask(method, path, token)
            good = scope in scopes or not scopes
            # Shared memory has a 403 of its own by TCP.
            forbidden = answer.status == 403 and answer.json["code"] == "forbidden"
            assert forbidden == (not good), "%s %s %s: %d" % (method, path, scope, answer.status)
            if good:
                assert answer.status < 500 and answer.status != 401, "%s %s %s" % (method, path, scope)
            else:
                assert answer.json["code"] == "forbidden"
                assert sorted(scopes)[0] in answer.json["detail"], answer.json


@test
def nothing_but_the_probes_and_the_dashboard_is_open():
    assert {path for _, path, scopes in routes() if not scopes} == {"/livez", "/readyz", "/", "/dashboard/x"}
    for path in ("/v1", "/dashboard", "/dashboard/", "/dashboard/a/b", "/v1/nonsense", "/favicon.ico", "/livez/", "//livez", "/livez/../v1/info"):
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"):
            assert ask(method, path, None).status in (400, 401), (method, path)
    for method in ("PUT", "DELETE", "OPTIONS"):
        assert ask(method, "/v1/score", None).status == 401, method
        assert ask(method, "/v1/score", TOKENS["admin"]).status in (204, 405), method
    assert ask("GET", "/v1/nonsense", TOKENS["read"]).status == 404


@test
def a_challenge_says_what_is_missing():
    assert ask("GET", "/v1/info", None).headers["WWW-Authenticate"] == 'Bearer realm="overlapd"'
    assert 'error="invalid_token"' in ask("GET", "/v1/info", BAD).headers["WWW-Authenticate"]
    challenge = ask("POST", "/v1/score", TOKENS["read"]).headers["WWW-Authenticate"]
    assert 'error="insufficient_scope", scope="score"' in challenge, challenge
    assert "WWW-Authenticate" not in ask("POST", "/v1/score", TOKENS["score"]).headers


@test
def a_body_is_refused_before_it_is_sent():
    for header, status in (("", 401), ("Authorization: Bearer %s\r\n" % BAD, 401),
                           ("Authorization: Bearer %s\r\n" % TOKENS["read"], 403)):
        with DAEMON.connect() as connection:
            connection.sendall(("POST /v1/score HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n%s"
                                "Content-Type: %s\r\nContent-Length: 1000000\r\n\r\n"
                                % (header, MULTIPART)).encode())
            data, closed = read_until_quiet(connection)
        responses, rest = split_responses(data)
        assert [r[0] for r in responses] == [status] and not rest and closed, data


@test
def two_authorizations_are_refused():
    good = "Authorization: Bearer %s\r\n" % TOKENS["score"]
    for second in (good, "Authorization: Bearer x\r\n"):
        with DAEMON.connect() as connection:
            connection.sendall(("GET /v1/info HTTP/1.1\r\nHost: localhost\r\n%s%s\r\n" % (good, second)).encode())
            data, _ = read_until_quiet(connection)
        assert data.startswith(b"HTTP/1.1 400 "), data


@test
def a_refusal_without_a_body_keeps_the_connection():
    with DAEMON.connect() as connection:
        for token, status in ((BAD, 401), (TOKENS["shm"], 200), (BAD, 401)):
            connection.sendall(("GET /v1/info HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n"
                                % token).encode())
            data, closed = read_until_quiet(connection, quiet=0.2)
            assert split_responses(data)[0][0][0] == status and not closed, data


@test
def a_unix_socket_asks_for_no_token():
    with DAEMON.connect_unix() as connection:
        connection.sendall(b"GET /v1/info HTTP/1.1\r\nHost: x\r\n\r\n")
        data, _ = read_until_quiet(connection, quiet=0.2)
    assert data.startswith(b"HTTP/1.1 200 "), data[:200]


@test
def a_unix_socket_is_for_the_users_and_groups_listed():
    for lists, status in (({"uids": os.geteuid()}, 200), ({"uids": os.geteuid() + 1}, 403),
                          ({"gids": os.getegid()}, 200), ({"gids": 4000000000}, 403),
                          ({"uids": 4000000000, "gids": os.getegid()}, 200)):
        options = ["--auth.unix_%s=%d" % one for one in lists.items()]
        with Daemon(*options) as daemon:
            for path, wanted in (("/v1/info", status), ("/livez", 200)):
                with daemon.connect_unix() as connection:
                    connection.sendall(("GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path).encode())
                    data, _ = read_until_quiet(connection, quiet=0.2)
                assert data.startswith(b"HTTP/1.1 %d " % wanted), (lists, path, data[:200])


@test
def failures_are_limited_by_address_and_a_good_token_passes():
    with Daemon("--auth.tokens_file=" + FILE) as daemon:
        time.sleep(1.0 - time.monotonic() % 1.0)
        seen, begun = [], time.monotonic()
        while len(seen) < 40 and time.monotonic() - begun < 0.8:
            seen.append(ask("GET", "/v1/info", BAD, daemon))
        statuses = [a.status for a in seen]
        assert statuses[:10] == [401] * 10 and set(statuses[10:]) == {429}, statuses
        assert seen[-1].headers["Retry-After"] == "1" and seen[-1].closes
        assert seen[-1].json["code"] == "too-many-failures"
        assert ask("GET", "/v1/info", TOKENS["read"], daemon).status == 200
        assert ask("GET", "/livez", None, daemon).status == 200
        time.sleep(1.1)
        assert ask("GET", "/v1/info", BAD, daemon).status == 401
        lines = [line for line in daemon.log().splitlines() if "event=unauthenticated" in line]
        assert 1 <= len(lines) <= 4 and "address=127.0.0.1:" in lines[0], lines


@test
def tokens_stand_in_no_log_and_no_answer():
    with Daemon("--auth.tokens_file=" + FILE, "--log.level=debug") as daemon:
        answers = [ask("POST", "/v1/score", t, daemon) for t in (TOKENS["score"], TOKENS["read"], BAD)]
        answers += [ask("GET", "/v1/info", TOKENS["read"], daemon), ask("GET", "/nonsense", BAD, daemon)]
        log = daemon.log()
        assert "token=score" in log and "token=read" in log, log
        for text in [log] + [str(a.headers) + a.body.decode() for a in answers]:
            assert "overlapd_" not in text and "Bearer overlapd" not in text, text


@test
def without_tokens_loopback_is_open_and_other_addresses_do_not_start():
    with Daemon() as daemon:
        assert ask("GET", "/v1/info", None, daemon).status == 200
        assert ask("GET", "/v1/info", BAD, daemon).status == 200
    for options, status in ((["--listen.tcp=0.0.0.0:0"], 2), (["--listen.tcp=[::]:0"], 2),
                            (["--listen.tcp=0.0.0.0:0", "--auth.mode=none"], 0),
                            (["--listen.tcp=0.0.0.0:0", "--auth.tokens_file=" + FILE], 0),
                            (["--auth.tokens_file=/nonsense"], 2)):
        checked = subprocess.run([OVERLAPD, "--check-config", *options], stderr=subprocess.PIPE, check=False)
        assert checked.returncode == status, (options, checked)
        assert status == 0 or b"tokens" in checked.stderr, checked.stderr


@test
def mode_none_asks_nobody():
    with Daemon("--auth.tokens_file=" + FILE, "--auth.mode=none") as daemon:
        assert ask("GET", "/v1/info", None, daemon).status == 200


@test
def a_file_without_tokens_locks_everybody_out():
    empty = os.path.join(FOLDER, "empty")
    with open(os.open(empty, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
        file.write("# nobody\n")
    with Daemon("--auth.tokens_file=" + empty) as daemon:
        assert ask("GET", "/v1/info", TOKENS["read"], daemon).status == 401
        assert ask("GET", "/livez", None, daemon).status == 200


@test
def systemds_credential_is_found():
    with Daemon(environment={"CREDENTIALS_DIRECTORY": FOLDER}) as daemon:
        assert ask("GET", "/v1/info", None, daemon).status == 401
        assert ask("GET", "/v1/info", TOKENS["read"], daemon).status == 200


PAGE, EVIL = "https://viewer.example", "https://evil.example"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}

# method, path, origin, more headers, token; the status, and whether the page may read the answer
CORS = [
    ("OPTIONS", "/v1/score", PAGE, PREFLIGHT, None, 204, True),
    ("OPTIONS", "/v1/info", PAGE, PREFLIGHT, None, 204, True),
    ("OPTIONS", "/v1/nonsense", PAGE, PREFLIGHT, None, 404, True),
    ("OPTIONS", "/v1/score", EVIL, PREFLIGHT, None, 403, False),
    ("OPTIONS", "/v1/score", "null", PREFLIGHT, None, 403, False),
    ("OPTIONS", "/v1/score", None, PREFLIGHT, None, 401, False),
    ("OPTIONS", "/v1/score", PAGE, {}, None, 401, True),
    ("POST", "/v1/score", PAGE, {}, "score", 200, True),
    ("POST", "/v1/score", PAGE, {}, None, 401, True),
    ("POST", "/v1/score", PAGE, PREFLIGHT, None, 401, True),
    ("POST", "/v1/score", PAGE, {}, "read", 403, True),
    ("POST", "/v1/score", EVIL, {}, "score", 403, False),
    ("POST", "/v1/score", "null", {}, "score", 403, False),
    ("POST", "/v1/score", PAGE.upper(), {}, "score", 200, True),
    ("POST", "/v1/score", PAGE + ".evil.example", {}, "score", 403, False),
    ("POST", "/v1/score", None, {}, "score", 200, False),
    ("GET", "/v1/info", PAGE, {}, "read", 200, True),
    ("GET", "/v1/info", EVIL, {}, "read", 403, False),
    ("GET", "/livez", PAGE, {}, None, 200, True),
    ("GET", "/livez", EVIL, {}, None, 403, False),
]


@test
def pages_of_listed_origins_may_ask_and_no_others():
    with Daemon("--auth.tokens_file=" + FILE, "--auth.failures=0",
                "--http.cors_origins=https://other.example, " + PAGE) as daemon:
        for method, path, origin, more, token, status, readable in CORS:
            headers = {**more, **({"Origin": origin} if origin else {})}
            answer = ask(method, path, TOKENS.get(token), daemon, **headers)
            what = (method, path, origin, token, answer.status, str(answer.headers))
            assert answer.status == status, what
            assert answer.headers["Access-Control-Allow-Origin"] == (origin if readable else None), what
            assert answer.headers["Vary"] == "Origin", what
            assert "Access-Control-Allow-Credentials" not in answer.headers, what
            preflight = method == "OPTIONS" and status == 204
            assert ("Access-Control-Allow-Methods" in answer.headers) == preflight, what
            exposed = answer.headers["Access-Control-Expose-Headers"]
            assert (exposed is not None) == (readable and not preflight), what
            assert not exposed or set(exposed.split(", ")) >= {"Allow", "ETag", "Retry-After"}, what
            if preflight:
                assert answer.headers["Access-Control-Allow-Methods"] == answer.headers["Allow"]
                assert set(answer.headers["Access-Control-Allow-Headers"].split(", ")) == {
                    "Authorization", "Content-Encoding", "Content-Type", "If-Match", "If-None-Match", "traceparent"}
                assert int(answer.headers["Access-Control-Max-Age"]) > 0


@test
def with_no_origins_listed_only_its_own_pages_may_ask():
    with Daemon() as daemon:
        own = "http://%s:%d" % (daemon.host, daemon.port)
        assert ask("POST", "/v1/score", None, daemon, Origin=own).status == 200
        assert ask("POST", "/v1/score", None, daemon).status == 200
        refused = ask("POST", "/v1/score", None, daemon, Origin=PAGE)
        assert refused.status == 403 and refused.json["code"] == "foreign-origin"
        assert not [h for h in refused.headers if h.lower().startswith("access-control")]
        assert "Vary" not in refused.headers


@test
def the_daemon_stops_cleanly():
    DAEMON.stop()
    shutil.rmtree(FOLDER)


main()
