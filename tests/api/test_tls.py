#!/usr/bin/python3 -B
# test_tls.py - TLS on the TCP listener: versions, certificates and their reload, deadlines, the end.
# SPDX-License-Identifier: Apache-2.0
"""The other side is Python's ssl, which is OpenSSL; the daemon's is GnuTLS. Certificates are made by
the command openssl: a root that clients trust, an authority below it, and what that one signs."""
import concurrent.futures
import http.client
import os
import re
import select
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import warnings

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from overlapd import Answer, Daemon, MULTIPART, OVERLAPD, counts, main, multipart, npy, pair, \
    read_until_quiet, scaled, split_responses, test

FOLDER = tempfile.mkdtemp(prefix="overlapd-test-")
CERT, KEY = os.path.join(FOLDER, "tls.crt"), os.path.join(FOLDER, "tls.key")
LIMIT_S = scaled(0.5, 1.5)
SLACK_S = 1.0
GET = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
BODY = multipart(pair(npy(b"\0\1\1\2"), npy(b"\0\1\2\2")))


# -------------------------------------------------------------------------------- certificates


def openssl(*arguments):
    done = subprocess.run(["openssl", *arguments], cwd=FOLDER, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)
    assert done.returncode == 0, done.stderr.decode()


def content(name):
    with open(os.path.join(FOLDER, name), encoding="ascii") as file:
        return file.read()


def new_key(name, kind="EC"):
    option = "ec_paramgen_curve:P-256" if kind == "EC" else "rsa_keygen_bits:2048"
    openssl("genpkey", "-algorithm", kind, "-pkeyopt", option, "-out", name + ".key")
    os.chmod(os.path.join(FOLDER, name + ".key"), 0o600)


def sign(name, by, days=30, extensions="subjectAltName=DNS:localhost,IP:127.0.0.1"):
    """name.crt, signed by an authority, or by itself."""
    with open(os.path.join(FOLDER, "extensions"), "w", encoding="ascii") as file:
        file.write(extensions)
    openssl("req", "-new", "-key", name + ".key", "-subj", "/CN=" + name, "-out", "request")
    signer = ["-signkey", by + ".key"] if by == name else ["-CA", by + ".crt", "-CAkey", by + ".key", "-CAcreateserial"]
    openssl("x509", "-req", "-in", "request", *signer, "-days", str(days), "-extfile", "extensions",
            "-out", name + ".crt")


def make_all():
    authority = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign"
    for name in ("root", "authority", "first", "second", "expired"):
        new_key(name)
    new_key("rsa", "RSA")
    sign("root", "root", extensions=authority)
    sign("authority", "root", extensions=authority)
    for name in ("first", "second", "rsa"):
        sign(name, "authority")
    sign("expired", "authority", days=-1)


def install(name, key=None):
    """Puts a certificate, its authority's after it, and a key where the daemon reads them, as a renewal does."""
    chain = content(name + ".crt") + content("authority.crt")
    for path, text in ((CERT, chain), (KEY, content((key or name) + ".key"))):
        with open(os.open(path + ".new", os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
            file.write(text)
        os.rename(path + ".new", path)


make_all()
ROOT = os.path.join(FOLDER, "root.crt")


def trusting(version=None, ciphers=None):
    """What a client goes by: it trusts the root, checks names, and may speak one version alone."""
    context = ssl.create_default_context(cafile=ROOT)
    if ciphers:
        context.set_ciphers(ciphers)
    if version:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = version
    return context


# ----------------------------------------------------------------------------------- the daemon


class TlsDaemon(Daemon):
    """An overlapd whose TCP listener speaks TLS, with the certificate that is installed."""

    context = trusting()

    def __init__(self, *options):
        super().__init__("--listen.tls_cert=" + CERT, "--listen.tls_key=" + KEY, *options)

    def connect_plainly(self, timeout=20):
        return super().connect(timeout)

    def connect(self, timeout=20, context=None):
        made = self.connect_plainly(timeout)
        try:
            return (context or self.context).wrap_socket(made, server_hostname="localhost")
        except BaseException:
            made.close()
            raise

    def reload(self):
        """The lines that a reload logs."""
        before, text = len(self.log()), ""
        self.signal(signal.SIGHUP)
        while "READY=1" not in text:
            assert select.select([self.notify], [], [], 10)[0], self.log()
            text = self.notify.recv(4096).decode()
        return self.log()[before:]

    def shown(self):
        """The common name of the certificate that a new handshake gets."""
        with self.connect() as connection:
            return name_of(connection)

    def cpu_s(self):
        with open("/proc/%d/stat" % self.process.pid, encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def name_of(connection):
    return dict(item for entry in connection.getpeercert()["subject"] for item in entry)["commonName"]


def expect_refusal(daemon, context):
    """A handshake that the server ends; libmicrohttpd says that it closes, and not why."""
    try:
        daemon.connect(context=context).close()
    except ssl.SSLZeroReturnError:
        return
    raise AssertionError("the handshake succeeded")


install("first")
DAEMON = TlsDaemon("--timeouts.header=%g" % LIMIT_S, "--timeouts.idle=20", "--limits.body_bytes=64M")


@test
def versions_1_2_and_1_3_are_spoken_and_none_before():
    for version, name in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
        with DAEMON.connect(context=trusting(version)) as connection:
            assert connection.version() == name, connection.version()
            connection.sendall(GET)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        expect_refusal(DAEMON, trusting(version, "DEFAULT:@SECLEVEL=0"))


@test
def ciphers_without_forward_secrecy_or_authentication_are_refused():
    install("rsa")
    with TlsDaemon() as daemon:
        for ciphers in ("ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305"):
            daemon.connect(context=trusting(ssl.TLSVersion.TLSv1_2, ciphers)).close()
        for ciphers in ("AES128-GCM-SHA256", "AES256-SHA", "ECDHE-RSA-AES128-SHA", "ECDHE-RSA-AES256-SHA384",
                        "DHE-RSA-AES128-GCM-SHA256", "ADH-AES128-GCM-SHA256"):
            expect_refusal(daemon, trusting(ssl.TLSVersion.TLSv1_2, ciphers + ":@SECLEVEL=0"))
        assert daemon.get("/livez").status == 200
    install("first")


@test
def http_1_1_is_the_protocol_and_no_other():
    context = trusting()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with DAEMON.connect(context=context) as connection:
        assert connection.selected_alpn_protocol() == "http/1.1"
    context.set_alpn_protocols(["h2"])
    expect_refusal(DAEMON, context)


@test
def the_unix_socket_stays_plain_and_info_tells_them_apart():
    assert DAEMON.get("/v1/info").json["server"]["listeners"] == ["tls", "unix"]
    with DAEMON.connect_unix() as connection:
        connection.sendall(GET)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")


# ------------------------------------------------------------------------------------- requests

# A prime, so that a piece that is lost, doubled or moved changes what is counted.
PERIOD = 4099
TIMES = scaled(1600, 400)


def big_masks():
    block = [bytes((i * i * k % 251) % 3 for i in range(PERIOD)) for k in (7, 11)]
    wanted = {label: tuple(TIMES * n for n in counts(*block, label)) for label in (1, 2)}
    return [npy(mask * TIMES) for mask in block], wanted


def assert_counts(answer, wanted):
    assert answer.status == 200, answer.body[:500]
    found = {entry["label"]: (entry["tp"], entry["fp"], entry["fn"]) for entry in answer.json["classes"]}
    assert found == wanted, (found, wanted)


def pieces(body, n_bytes):
    return (body[i:i + n_bytes] for i in range(0, len(body), n_bytes))


@test
def uploads_of_megabytes_arrive_to_the_byte():
    masks, wanted = big_masks()
    body = multipart(pair(*masks))
    assert len(body) > scaled(12, 3) << 20
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        connection = http.client.HTTPConnection(DAEMON.host, DAEMON.port)
        connection.sock = DAEMON.connect(60, trusting(version))
        for data in (body, pieces(body, 70001)):  # with a length, and in chunks; on one connection
            connection.request("POST", "/v1/score", data, {"Content-Type": MULTIPART},
                               encode_chunked=data is not body)
            assert_counts(Answer(connection.getresponse()), wanted)
        connection.close()


@test
def many_requests_pass_through_one_connection():
    n = scaled(300, 50)
    with DAEMON.connect() as connection:
        connection.sendall(GET * n)
        data = b""
        while data.count(b"HTTP/1.1 200 ") < n or not data.endswith(b"ok\n"):
            data += connection.recv(65536)
    responses, rest = split_responses(data)
    assert len(responses) == n and not rest


@test
def a_head_in_many_records_is_one_head():
    with DAEMON.connect() as connection:
        for i in range(len(GET)):
            connection.sendall(GET[i:i + 1])
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")


def said(connection):
    """Everything that comes until the peer ends it in the way of TLS: a break would raise."""
    connection.suppress_ragged_eofs = False
    data = b""
    while True:
        piece = connection.recv(65536)
        if not piece:
            return data
        data += piece


@test
def what_is_answered_past_libmicrohttpd_is_encrypted_and_ends_well():
    head = b"POST /v1/score HTTP/1.1\r\nHost: localhost\r\nContent-Type: " + MULTIPART.encode() + b"\r\n"
    chunk = b"100001\r\n" + b"x" * 0x100001 + b"\r\n"
    with TlsDaemon("--limits.body_bytes=1M", "--timeouts.body=%g" % LIMIT_S) as daemon:
        for payload, status, code in (
                (head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk, 413, b"body-too-large"),
                (head + b"Content-Length: 99999999999999999999999\r\n\r\n", 413, b"body-too-large"),
                (head + b"Content-Length: 5,5\r\n\r\n", 400, b"bad-header"),
                (head + b"Content-Length: 5\r\n\r\nxxx", 408, b"body-timeout")):
            with daemon.connect() as connection:
                connection.sendall(payload)
                responses, rest = split_responses(said(connection))
                assert [r[0] for r in responses] == [status] and not rest, (payload[-60:], responses, rest)
                assert code in responses[0][2], responses
        daemon.settle(connections=1, requests=1)


# ---------------------------------------------------------------------------------- the certificate


@test
def a_reload_gives_new_handshakes_the_new_certificate():
    install("first")
    with TlsDaemon() as daemon, daemon.connect() as before:
        assert name_of(before) == "first"
        install("second")
        assert daemon.shown() == "first"  # not before the signal
        lines = daemon.reload()
        assert re.search(r"level=info event=certificate file=\S+/tls.crt ends=20\d\d-[\d-]+T[\d:]+Z", lines), lines
        assert daemon.shown() == "second"
        before.sendall(GET)  # and whoever was there goes on
        assert before.recv(65536).startswith(b"HTTP/1.1 200 ")


def spoil_with_wrong_key():
    install("second", key="first")


def spoil_with_open_key():
    install("second")
    os.chmod(KEY, 0o644)


def spoil_without_certificate():
    install("second")
    os.unlink(CERT)


def spoil_with_half_a_certificate():
    install("second")
    os.truncate(CERT, 200)


def spoil_with_half_a_key():
    install("second")
    os.truncate(KEY, 100)


def spoil_with_a_folder():
    install("second")
    os.unlink(KEY)
    os.mkdir(KEY)


BAD = {spoil_with_wrong_key: "not the key of the certificate",
       spoil_with_open_key: "its mode is 0644, which lets others in",
       spoil_without_certificate: "listen.tls_cert %s: No such file" % CERT,
       spoil_with_half_a_certificate: "not a certificate in PEM",
       spoil_with_half_a_key: "not a private key in PEM", spoil_with_a_folder: "not a regular file"}


def mend():
    if os.path.isdir(KEY):
        os.rmdir(KEY)
    install("first")


@test
def a_bad_pair_keeps_the_old_one_and_says_so():
    mend()
    with TlsDaemon() as daemon:
        for spoil, reason in BAD.items():
            spoil()
            lines = daemon.reload()
            assert "level=error event=reload-failed reason=" in lines and reason in lines, lines
            assert daemon.shown() == "first", spoil
            mend()
        install("second")
        assert "event=reload-failed" not in daemon.reload() and daemon.shown() == "second"
        assert "PRIVATE" not in daemon.log()
    mend()


def command(*options):
    """(exit status, stderr) of an overlapd that ends by itself."""
    done = subprocess.run([OVERLAPD, "--listen.tcp=127.0.0.1:0", "--listen.tls_cert=" + CERT, "--listen.tls_key=" + KEY,
                           *options], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=30, check=False)
    return done.returncode, done.stderr.decode()


@test
def a_bad_pair_is_named_at_the_start_and_by_the_check():
    for spoil, reason in BAD.items():
        spoil()
        status, text = command("--check-config")
        assert status == 2 and reason in text and text.count("\n") == 1, text
        status, text = command()
        assert status == 1 and "event=start-failed" in text and reason in text, text
        mend()
    assert command("--check-config") == (0, "")
    for lone in ("--listen.tls_cert=", "--listen.tls_key="):
        status, text = command("--check-config", lone)
        assert status == 2 and "need each other" in text, text


@test
def an_expired_certificate_is_warned_of_and_served():
    install("expired")
    status, text = command("--check-config")
    assert status == 0 and "warning: %s: the certificate has expired" % CERT in text, text
    with TlsDaemon() as daemon:
        assert re.search(r'level=warn event=certificate \S+ ends=\S+ reason="the certificate has expired"', daemon.log())
        try:
            daemon.connect().close()
        except ssl.SSLCertVerificationError as error:
            assert "expired" in error.verify_message, error
        else:
            raise AssertionError("the client takes it")
        blind = trusting()
        blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
        daemon.connect(context=blind).close()
    install("first")


@test
def reloads_among_handshakes_break_none():
    stop, names, wrong = threading.Event(), [], []
    asked = threading.Semaphore(0)

    def ask(daemon):
        while not stop.is_set():
            try:
                with daemon.connect() as connection:
                    names.append(name_of(connection))
                    connection.sendall(GET)
                    assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
            except (OSError, AssertionError) as error:
                wrong.append(repr(error))
            asked.release()

    install("first")
    with TlsDaemon() as daemon:
        threads = [threading.Thread(target=ask, args=(daemon,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for i in range(scaled(20, 6)):
            install(("second", "first")[i % 2])
            assert "reload-failed" not in daemon.reload()
            for _ in range(len(threads) + 1):  # one of them at least has begun since
                assert asked.acquire(timeout=20)
        stop.set()
        for thread in threads:
            thread.join()
    assert not wrong and set(names) == {"first", "second"}, (wrong[:3], len(names))


# ------------------------------------------------------------------------------ clients that do not


def hello():
    """A ClientHello, as a client sends it."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        trusting().wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def drip(connection, data, every_s):
    """Sends byte by byte until the peer closes; after how long it did."""
    start = time.monotonic()
    for i in range(len(data)):
        if select.select([connection], [], [], every_s)[0] and not heard(connection):
            return time.monotonic() - start
        try:
            connection.sendall(data[i:i + 1])
        except ConnectionError:
            return time.monotonic() - start
    raise AssertionError("took every byte")


def heard(connection):
    """What the peer says next; nothing where it has closed."""
    try:
        return connection.recv(65536)
    except ConnectionError:
        return b""


def await_end(connection, data):
    start = time.monotonic()
    connection.sendall(data)
    while heard(connection):
        pass
    return time.monotonic() - start


def slow_handshake(send):
    with DAEMON.connect_plainly() as connection:
        return send(connection)


def silent_after_handshake(_):
    with DAEMON.connect() as connection:
        return await_end(connection, b"")


@test
def a_handshake_that_is_slow_is_cut_at_its_deadline():
    first = hello()
    assert len(first) > 200
    ways = {"a byte at a time": lambda c: drip(c, first, LIMIT_S / 20), "nothing": lambda c: await_end(c, b""),
            "half a hello": lambda c: await_end(c, first[:100]), "a hello": lambda c: await_end(c, first),
            "no request": silent_after_handshake}
    with concurrent.futures.ThreadPoolExecutor(len(ways)) as pool:
        took = dict(zip(ways, pool.map(slow_handshake, ways.values())))
    assert all(LIMIT_S * 0.8 < seconds < LIMIT_S + SLACK_S for seconds in took.values()), took


# What is no ClientHello; fixed, so that a failure can be repeated.
NOISE = bytes((i * 37 + i // 256 * 11) % 256 for i in range(3000))
STRANGERS = {"plain HTTP": GET, "plain HTTP in pieces": b"G", "SSH": b"SSH-2.0-OpenSSH_9.2\r\n", "noise": NOISE,
             "zeros": bytes(600), "high bytes": b"\xff" * 600, "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
             "an alert": b"\x15\x03\x03\x00\x02\x02\x28", "a record too long": b"\x16\x03\x01\xff\xff" + bytes(70000),
             "an empty record": b"\x16\x03\x01\x00\x00", "application data": b"\x17\x03\x03\x00\x05hello",
             "SSL 2": b"\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10" + bytes(37)}


@test
def strangers_on_the_port_are_closed_and_cost_no_time():
    before, start = DAEMON.cpu_s(), time.monotonic()
    for name, data in STRANGERS.items():
        for then in (b"", GET):
            with DAEMON.connect_plainly() as connection:
                try:
                    connection.sendall(data + then)
                except ConnectionError:
                    continue
                answer, closed = read_until_quiet(connection, LIMIT_S + SLACK_S)
                assert closed and b"HTTP/1.1 2" not in answer, (name, answer)
    took = time.monotonic() - start
    DAEMON.settle(connections=1)
    assert DAEMON.cpu_s() - before < 0.1 + took / 10, (DAEMON.cpu_s() - before, took)


@test
def strangers_who_stay_cost_no_time():
    with TlsDaemon("--timeouts.header=30") as daemon:
        held = [daemon.connect_plainly() for _ in range(40)]
        for i, connection in enumerate(held):
            connection.sendall((b"\x16\x03\x01\x02\x00", hello()[:50], hello(), b"")[i % 4])
        daemon.settle(connections=41)
        before = daemon.cpu_s()
        time.sleep(0.5)
        assert daemon.cpu_s() - before < 0.1, daemon.cpu_s() - before
        for connection in held:
            connection.close()
        daemon.settle(connections=1)


@test
def a_client_that_leaves_its_upload_is_noticed():
    head = b"POST /v1/score HTTP/1.1\r\nHost: localhost\r\nContent-Type: " + MULTIPART.encode() + b"\r\n"
    for leave in (lambda c: c.unwrap(), lambda c: c.close(), lambda c: c.shutdown(socket.SHUT_WR)):
        with DAEMON.connect(2) as connection:
            connection.sendall(head + b"Content-Length: 1000\r\n\r\n" + BODY[:50])
            DAEMON.settle(requests=2)
            try:
                leave(connection)
            except OSError:  # nobody answers a notice of closing
                pass
            DAEMON.settle(requests=1, connections=1)


# --------------------------------------------------------------------------- beside and at the end


@test
def the_health_check_speaks_tls_too():
    install("first")
    with TlsDaemon() as daemon:
        where = "--listen.tcp=127.0.0.1:%d" % daemon.port
        assert command(where, "--healthcheck") == (0, "")
        # Asked without TLS such a daemon does not answer, and one without TLS is not one with it.
        status, text = command(where, "--healthcheck", "--listen.tls_cert=", "--listen.tls_key=")
        assert status == 1 and "/livez is not answered with 200" in text, text
        with Daemon() as plain:
            status, text = command("--listen.tcp=127.0.0.1:%d" % plain.port, "--healthcheck")
            assert status == 1 and "/livez is not answered with 200" in text, text
    status, _ = command(where, "--healthcheck")
    assert status == 1


@test
def a_drain_answers_what_has_begun_and_ends_the_idle():
    head = b"POST /v1/score HTTP/1.1\r\nHost: localhost\r\nContent-Type: " + MULTIPART.encode() + b"\r\n"
    with TlsDaemon() as daemon, daemon.connect() as idle, daemon.connect() as busy, daemon.connect_plainly() as silent:
        idle.sendall(GET)
        assert read_until_quiet(idle, LIMIT_S)[0].startswith(b"HTTP/1.1 200 ")
        busy.sendall(head + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY[:20])
        daemon.settle(requests=2)
        daemon.signal(signal.SIGTERM)
        assert read_until_quiet(idle, 10) == (b"", True)
        assert read_until_quiet(silent, 10) == (b"", True)
        busy.sendall(BODY[20:])
        data, closed = read_until_quiet(busy, 10)
        assert data.startswith(b"HTTP/1.1 200 ") and b"Connection: close" in data and closed, data[:500]
        assert daemon.wait() == 0, daemon.log()


@test
def a_second_signal_ends_it_amid_handshakes():
    with TlsDaemon("--timeouts.drain_delay=60") as daemon, daemon.connect_plainly() as begun, daemon.connect_plainly():
        begun.sendall(hello()[:50])
        daemon.settle(connections=3)
        daemon.ends_with = 1
        daemon.signal(signal.SIGTERM)
        while b"STOPPING=1" not in daemon.notify.recv(4096):
            pass


@test
def the_daemon_ends_well():
    DAEMON.stop()
    shutil.rmtree(FOLDER)


main()
