#!/usr/bin/python3 -B
# test_framing.py - requests whose framing two servers might read differently: none gets two answers.
# SPDX-License-Identifier: Apache-2.0
"""Each payload carries a second request, GET /smuggled, where a lenient parser would find one. It
must never be answered. The classes that libmicrohttpd 0.9.75 lets through before the daemon sees
anything are named in RESIDUAL and held to exactly what they do today, so that a change
is noticed (measured with 0.9.75-6; docs/api.md lists them)."""
import concurrent.futures
import os
import re
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from overlapd import Daemon, multipart, npy, pair, read_until_quiet, split_responses, test, main
from overlapd import MULTIPART, scaled
import framing
import rfc9112

BODY = multipart(pair(npy(b"\0\1\1\2"), npy(b"\0\1\2\2")))
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
HOST = b"Host: localhost\r\n"
TYPE = b"Content-Type: " + MULTIPART.encode() + b"\r\n"
LENGTH = b"%d" % len(BODY)
REFUSALS = (400, 405, 413, 414, 417, 431, 501, 505)
STATUS_LINE = re.compile(rb"HTTP/1\.[01] \d{3} ")
QUIET_S = scaled(0.5, 2.0)
DAEMON = Daemon("--timeouts.header=3", "--timeouts.body=5", "--limits.body_bytes=65536")


def chunked(body=BODY, size=64):
    pieces = [body[i:i + size] for i in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"


def post(*headers, body=BODY, version=b"HTTP/1.1", path=b"/v1/score", host=HOST, tail=SMUGGLED):
    lines = b"".join(h + b"\r\n" for h in headers)
    return b"POST " + path + b" " + version + b"\r\n" + host + TYPE + lines + b"\r\n" + body + tail


def get(*headers, line=b"GET /livez HTTP/1.1", host=HOST, body=b"", tail=SMUGGLED):
    lines = b"".join(h + b"\r\n" for h in headers)
    return line + b"\r\n" + host + lines + b"\r\n" + body + tail


def chunk(first):
    """A chunked post whose first chunk is written by hand, the rest of the body well formed."""
    return post(b"Transfer-Encoding: chunked", body=first + chunked(BODY[5:]))


CL = b"Content-Length: "
TE = b"Transfer-Encoding: "
CHUNKED = TE + b"chunked"

# One refusal and the connection closed, or closed without a word.
REFUSED = {
    # Content-Length against Transfer-Encoding
    "length then chunked": post(CL + LENGTH, CHUNKED, body=chunked()),
    "chunked then length": post(CHUNKED, CL + LENGTH, body=chunked()),
    "CL.TE, body ends for chunked alone": post(CL + b"6", CHUNKED, body=b"0\r\n\r\n"),
    "TE.CL, body ends for length alone": post(CHUNKED, CL + b"4", body=b"5c\r\n" + BODY),
    "length zero and chunked": post(CL + b"0", CHUNKED, body=chunked()),
    "Expect, length and chunked": post(b"Expect: 100-continue", CL + LENGTH, CHUNKED, body=chunked()),
    # Content-Length twice or odd
    "two lengths, small first": post(CL + b"0", CL + LENGTH),
    "two lengths, small last": post(CL + LENGTH, CL + b"0"),
    "two lengths that agree": post(CL + LENGTH, CL + LENGTH),
    "three lengths": post(CL + LENGTH, CL + b"1", CL + b"2"),
    "two lengths, one in capitals": post(CL + LENGTH, b"CONTENT-LENGTH: 0"),
    "length 2^64-1": post(CL + b"18446744073709551615"),
    "length 2^64": post(CL + b"18446744073709551616"),
    "length 2^64+5": post(CL + b"18446744073709551621"),
    "length of thirty digits": post(CL + b"9" * 30),
    "length 2^63": post(CL + b"9223372036854775808"),
    "length hexadecimal": post(CL + b"0x10"),
    "length with a blank inside": post(CL + b"5 5"),
    "length with letters after": post(CL + b"5abc"),
    "length in letters": post(CL + b"abc"),
    "length with exponent": post(CL + b"1e1"),
    "length with decimals": post(CL + b"1.0"),
    "length with semicolon": post(CL + b"1;2"),
    "length in quotes": post(CL + b'"5"'),
    "length -1": post(CL + b"-1"),
    "length +n": post(CL + b"+" + LENGTH),
    "length n,n": post(CL + LENGTH + b"," + LENGTH),
    "length n, n": post(CL + LENGTH + b", " + LENGTH),
    "length empty": post(CL),
    "blank before the length's colon": post(b"Content-Length : " + LENGTH),
    "tab before the length's colon": post(b"Content-Length\t: " + LENGTH),
    # Transfer-Encoding odd
    "blank before chunked's colon": post(b"Transfer-Encoding : chunked", body=chunked()),
    "tab before chunked's colon": post(b"Transfer-Encoding\t: chunked", body=chunked()),
    "xchunked": post(TE + b"xchunked", body=chunked()),
    "gzip, chunked": post(TE + b"gzip, chunked", body=chunked()),
    "chunked, gzip": post(TE + b"chunked, gzip", body=chunked()),
    "identity with length": post(TE + b"identity", CL + LENGTH),
    "identity without length": post(TE + b"identity"),
    "identity, chunked": post(TE + b"identity, chunked", body=chunked()),
    "two transfer encodings": post(CHUNKED, CHUNKED, body=chunked()),
    "chunked and identity": post(CHUNKED, TE + b"identity", body=chunked()),
    "chunked, chunked": post(TE + b"chunked, chunked", body=chunked()),
    "chunked with parameter": post(TE + b"chunked;x", body=chunked()),
    "chunked in quotes": post(TE + b'"chunked"', body=chunked()),
    "chunked after vertical tab": post(TE + b"\x0bchunked", body=chunked()),
    "chunked before vertical tab": post(TE + b"chunked\x0b", body=chunked()),
    "chunked before a comma": post(TE + b"chunked,", body=chunked()),
    "empty transfer encoding with length": post(TE, CL + LENGTH),
    "chunked on HTTP/1.0": post(CHUNKED, version=b"HTTP/1.0", body=chunked()),
    "chunked on HTTP/1.0 with keep-alive": post(CHUNKED, b"Connection: keep-alive",
                                                version=b"HTTP/1.0", body=chunked()),
    "chunked on a GET with length": get(CHUNKED, CL + b"5", body=b"0\r\n\r\n"),
    # Bytes that do not belong into a header
    "CR inside a value": get(b"X-A: 1\rX-B: 2"),
    "CR hides a transfer encoding": post(b"X-A: 1\rTransfer-Encoding: chunked", CL + LENGTH),
    "CR hides a length": post(b"X-A: 1\rContent-Length: 0", CL + LENGTH),
    "blank in a name": get(b"X Y: 1"),
    "parentheses in a name": get(b"X(Y): 1"),
    "high byte in a name": get(b"X\xe9: 1"),
    "delete in a name": get(b"X\x7f: 1"),
    "slash in a name": get(b"X/Y: 1"),
    "at sign in a name": get(b"X@Y: 1"),
    "quotes in a name": get(b'"X": 1'),
    "line without colon": get(b"no-colon-here"),
    "control byte in a value": get(b"X-A: a\x01b"),
    "delete in a value": get(b"X-A: a\x7fb"),
    "obs-fold after the last header": get(b"X-A: 1", b" " + CL + b"5"),
    "obs-fold hides a length": post(b"X-A: 1", b" " + CL + b"0", CL + LENGTH),
    "obs-fold": get(b"X-A: 1", b" 2"),
    "bare LF line ends": b"GET /livez HTTP/1.1\nHost: localhost\n\n" + SMUGGLED,
    "one bare LF": b"GET /livez HTTP/1.1\r\nHost: localhost\nX-A: 1\r\n\r\n" + SMUGGLED,
    "a bare LF ends the head": b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\n" + SMUGGLED,
    "NUL in a value": get(b"X-A: a\0b"),
    "empty name ends the header": get(b": 1")[:-len(SMUGGLED) - 2] + SMUGGLED,
    "a colon alone ends the header": get(b":")[:-len(SMUGGLED) - 2] + SMUGGLED,
    "two blanks in the request line": get(line=b"GET  /livez HTTP/1.1"),
    # Host and target
    "no host": get(host=b""),
    "two hosts": get(b"Host: elsewhere"),
    "two hosts that agree": get(b"Host: localhost"),
    "absolute form": get(line=b"GET http://localhost/livez HTTP/1.1"),
    "absolute form elsewhere": get(line=b"GET http://evil.example/livez HTTP/1.1"),
    "absolute form https": get(line=b"GET HTTPS://localhost/livez HTTP/1.1"),
    "authority form": get(line=b"GET localhost:80 HTTP/1.1"),
    "CONNECT": get(line=b"CONNECT localhost:80 HTTP/1.1"),
    "path without slash": get(line=b"GET livez HTTP/1.1"),
    "%00 in the path": get(line=b"GET /livez%00.html HTTP/1.1"),
    "TRACE": get(line=b"TRACE /livez HTTP/1.1"),
    "unknown method": get(line=b"SMUGGLE /livez HTTP/1.1"),
    "lower-case method": get(line=b"get /livez HTTP/1.1"),
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SMUGGLED,
    "HTTP/2.0 as version": get(line=b"GET /livez HTTP/2.0"),
    # Chunks
    "chunk size negative": chunk(b"-5\r\n" + BODY[:5] + b"\r\n"),
    "chunk size with plus": chunk(b"+5\r\n" + BODY[:5] + b"\r\n"),
    "chunk size 0x5": chunk(b"0x5\r\n" + BODY[:5] + b"\r\n"),
    "chunk size empty": chunk(b"\r\n" + BODY[:5] + b"\r\n"),
    "chunk size in other letters": chunk(b"g\r\n" + BODY[:5] + b"\r\n"),
    "chunk size after a blank": chunk(b" 5\r\n" + BODY[:5] + b"\r\n"),
    "chunk size with underscore": chunk(b"0_5\r\n" + BODY[:5] + b"\r\n"),
    "chunk size 2^64+5": chunk(b"10000000000000005\r\n" + BODY[:5] + b"\r\n"),
    "chunk longer than its size": chunk(b"5\r\n" + BODY[:7] + b"\r\n"),
    "chunk size in decimal of another": chunk(b"1\r\n" + BODY[:5] + b"\r\n"),
    # Limits
    "header of 100 KB": get(b"X-Big: " + b"a" * 100000),
    "target of 100 KB": get(line=b"GET /" + b"a" * 100000 + b" HTTP/1.1"),
    "ten thousand headers": get(*[b"X-%d: 1" % i for i in range(10000)]),
    "length over the limit": post(CL + b"65537", body=SMUGGLED),
    # Not HTTP
    "TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"A" * 64 + b"\r\n\r\n" + SMUGGLED,
    "SSH banner": b"SSH-2.0-OpenSSH_9.2\r\n\r\n" + SMUGGLED,
}

# Well framed, or harmless: at most one answer, whatever it says.
ONCE = {
    "GET with a body": get(CL + b"%d" % len(SMUGGLED)),
    "HEAD with a body": get(CL + b"%d" % len(SMUGGLED), line=b"HEAD /livez HTTP/1.1"),
    "DELETE with a body": get(CL + b"%d" % len(SMUGGLED), line=b"DELETE /livez HTTP/1.1"),
    "OPTIONS with a body": get(CL + b"%d" % len(SMUGGLED), line=b"OPTIONS /v1/score HTTP/1.1"),
    "POST where there is nothing": post(CL + b"%d" % len(SMUGGLED), path=b"/nothing", body=b""),
    "POST where only GET is": post(CL + b"%d" % len(SMUGGLED), path=b"/livez", body=b""),
    "GET with a chunked body": get(CHUNKED, body=b"%x\r\n%s\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED),
                                   tail=b""),
    "body is a request": post(CL + b"%d" % len(SMUGGLED), body=b""),
    "close then a second request": get(b"Connection: close"),
    "HTTP/1.0 then a second request": get(line=b"GET /livez HTTP/1.0"),
    "underscore for hyphen": post(b"Transfer_Encoding: chunked", CL + b"%d" % len(SMUGGLED), body=b""),
    "upgrade to h2c": get(b"Connection: close, Upgrade, HTTP2-Settings", b"Upgrade: h2c",
                          b"HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA"),
    "unknown coding": post(b"Content-Encoding: br", CL + b"%d" % len(SMUGGLED), body=b""),
    "dots climb": get(b"Connection: close", line=b"GET /a/../../livez HTTP/1.1"),
    "encoded dots climb": get(b"Connection: close", line=b"GET /%2e%2e/livez HTTP/1.1"),
    "double slash": get(b"Connection: close", line=b"GET //livez HTTP/1.1"),
    "bad escape": get(b"Connection: close", line=b"GET /livez%zz HTTP/1.1"),
    "fragment": get(b"Connection: close", line=b"GET /livez#x HTTP/1.1"),
    "bare CR line ends": SMUGGLED.replace(b"\r\n", b"\r").replace(b"smuggled", b"livez") + SMUGGLED,
    "chunked never ends": post(CHUNKED, body=chunked()[:-5], tail=b""),
    "chunk size 2^64-1": chunk(b"ffffffffffffffff\r\n" + BODY[:5] + b"\r\n"),
    "asterisk on GET": get(b"Connection: close", line=b"GET * HTTP/1.1"),
    "trailer names a length": post(CHUNKED, body=chunked()[:-2] + CL + b"5\r\n\r\n", tail=b""),
    "space before a header line": b"GET /livez HTTP/1.1\r\n Host: localhost\r\n\r\n",
}

# Accepted by libmicrohttpd 0.9.75 itself, where the daemon cannot see them. A proxy in front must
# refuse these (haproxy and nginx do). What they do today: the sequence of statuses.
RESIDUAL = {
    "NUL and LF for CRLF": (b"GET /livez HTTP/1.1\r\nHost: localhost\0\n\r\n", [200]),
    "an empty line of LF alone before the request": (b"\n" + get(tail=b""), [200]),
    "chunk extension ended by LF": (post(CHUNKED, body=chunked().replace(b"\r\n", b";a\n", 1),
                                         tail=b""), [200]),
    "chunk size ended by LF": (post(CHUNKED, body=chunked().replace(b"\r\n", b"\n", 1), tail=b""), [200]),
}

# What must keep working.
LEGAL = {
    "two requests in one packet": (get(tail=get(tail=b"")), [200, 200]),
    "post then get": (post(CL + LENGTH, tail=get(tail=b"")), [200, 200]),
    "chunked post then get": (post(CHUNKED, body=chunked(), tail=get(tail=b"")), [200, 200]),
    "chunked in capitals": (post(TE + b"CHUNKED", body=chunked(), tail=b""), [200]),
    "chunk extension": (post(CHUNKED, body=chunked().replace(b"\r\n", b";a=b\r\n", 1), tail=b""), [200]),
    "chunk size with zeros before": (post(CHUNKED, body=b"000" + chunked(), tail=b""), [200]),
    "tab as blank before a value": (get(b"X-A:\t1", tail=b""), [200]),
    "length with zeros before": (post(CL + b"000" + LENGTH, tail=b""), [200]),
    "empty line before the request": (b"\r\n" + get(tail=b""), [200]),
    "blanks after a value": (get(b"X-A: 1 \t ", tail=b""), [200]),
    "empty values": (get(b"X-A:", b"X-B: ", b"X-C: \t", tail=b""), [200]),
    "value of 20 KB": (get(b"X-A: " + b"a" * 20000, tail=b""), [200]),
    "120 headers": (get(*[b"X-%d: %d" % (i, i) for i in range(119)], tail=b""), [200]),
    "HTTP/1.0 without a header": (get(line=b"GET /livez HTTP/1.0", host=b"", tail=b""), [200]),
    "a body before a larger head": (post(CL + LENGTH, tail=get(b"X-A: " + b"a" * 9000, tail=get(tail=b""))),
                                    [200, 200, 200]),
    "trailer": (post(CHUNKED, body=chunked()[:-2] + b"X-A: 1\r\nX-B: \r\n\r\n", tail=get(tail=b"")), [200, 200]),
    "query as browsers leave it": (get(line=b"GET /livez?a=[1]|{2}^`3`&b=%5B HTTP/1.1", tail=b""), [200]),
}


def hear(daemon, payload, quiet_s=QUIET_S):
    """(everything, closed) that one payload brings on a connection of its own."""
    with daemon.connect() as connection:
        try:
            connection.sendall(payload)
        except ConnectionError:
            pass
        return read_until_quiet(connection, quiet_s)


def patiently(look):
    """The fault that look finds; a second time, with patience, where it heard nothing: machines are busy."""
    fault, heard_nothing = look(QUIET_S)
    return look(8.0)[0] if fault and heard_nothing else fault


def exchange(payload, quiet_s=QUIET_S):
    """(responses, rest, closed, everything) of one payload on a connection of its own."""
    data, closed = hear(DAEMON, payload, quiet_s)
    responses, rest = split_responses(data)
    return responses, rest, closed, data


def fault_of(name, payload, judge):
    def look(quiet_s):
        responses, rest, closed, data = exchange(payload, quiet_s)
        statuses = [status for status, _, _ in responses]
        if len(STATUS_LINE.findall(data)) != len(statuses):
            return "%s: an answer hides in another: %r" % (name, data[:600]), False
        fault = judge(statuses, rest, closed)
        return fault and "%s: %s; %r" % (name, fault, data[:300]), not data and not closed
    return patiently(look)


def refused(statuses, rest, closed):
    if len(statuses) > 1 or rest:
        return "more than one answer, %s" % statuses
    if statuses and statuses[0] not in REFUSALS:
        return "answered %s" % statuses
    return None if closed else "connection left open after %s" % statuses


def once(statuses, rest, closed):
    statuses = [s for s in statuses if s != 100]
    if len(statuses) > 1 or rest or any(s >= 500 for s in statuses):
        return "answered %s" % statuses
    return None


def exactly(wanted):
    def judge(statuses, rest, closed):
        return None if statuses == wanted and not rest else "answered %s, not %s" % (statuses, wanted)
    return judge


def all_of(cases):
    """Plays {name: (payload, judge)}, several at a time, and asserts that none is at fault."""
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        work = [pool.submit(fault_of, name, *case) for name, case in cases.items()]
        faults = [fault for fault in (w.result() for w in work) if fault]
    assert not faults, "%d of %d:\n" % (len(faults), len(cases)) + "\n".join(faults)


@test
def ambiguous_framing_is_refused_and_the_connection_closed():
    all_of({name: (payload, refused) for name, payload in REFUSED.items()})


@test
def a_body_is_never_taken_for_a_request():
    all_of({name: (payload, once) for name, payload in ONCE.items()})


@test
def what_libmicrohttpd_accepts_itself_is_exactly_the_known_residue():
    all_of({name: (payload, exactly(wanted)) for name, (payload, wanted) in RESIDUAL.items()})


@test
def legal_framing_is_served():
    all_of({name: (payload, exactly(wanted)) for name, (payload, wanted) in LEGAL.items()})


@test
def the_corpus_has_at_least_a_hundred_payloads():
    assert len(REFUSED) + len(ONCE) + len(RESIDUAL) >= 100


@test
def a_refusal_of_framing_is_a_problem_document():
    responses, _, _, _ = exchange(post(CL + LENGTH, CHUNKED, body=chunked()))
    status, head, body = responses[0]
    assert status == 400 and "application/problem+json" in head, head
    assert b'"bad-header"' in body, body


@test
def a_length_beyond_64_bits_is_a_body_too_large():
    responses, rest, closed, _ = exchange(post(CL + b"9" * 30))
    assert len(responses) == 1 and not rest and closed, (responses, rest, closed)
    status, _, body = responses[0]
    assert status == 413 and b'"body-too-large"' in body and b"more than 65536" in body, body


@test
def a_name_that_is_not_its_own_is_refused_on_loopback():
    for name in (b"evil.example", b"localhost.evil.example:8040", b"127.0.0.1.evil.example"):
        responses, _, _, _ = exchange(get(host=b"Host: " + name + b"\r\n", tail=b""))
        assert [status for status, _, _ in responses] == [400], responses
    for name in (b"localhost", b"LOCALHOST:8040", b"127.0.0.1:1", b"[::1]", b"[::1]:8040"):
        responses, _, _, _ = exchange(get(host=b"Host: " + name + b"\r\n", tail=b""))
        assert [status for status, _, _ in responses] == [200], responses
    with DAEMON.connect_unix() as connection:
        connection.sendall(get(host=b"Host: any.example\r\n", tail=b""))
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")


@test
def framing_is_gated_on_the_unix_socket_too():
    with DAEMON.connect_unix() as connection:
        connection.sendall(post(CL + LENGTH, CHUNKED, body=chunked()))
        data, closed = read_until_quiet(connection, QUIET_S)
    assert data.startswith(b"HTTP/1.1 400") and closed and b"smuggled" not in data, data


@test
def the_daemon_serves_and_owes_nothing_afterwards():
    assert DAEMON.score(pair(npy(b"\0\1\1\2"), npy(b"\0\1\2\2"))).status == 200
    DAEMON.settle(budget_used_bytes=0, jobs_running=0, waiting=0)
    DAEMON.stop()

CORPUS = framing.Corpus(BODY, MULTIPART)
MATRIX = CORPUS.all()
PLAYERS = 100
DEAF = Daemon("--timeouts.header=%g" % scaled(3, 10), "--timeouts.body=%g" % scaled(3, 10), "--limits.body_bytes=65536",
              "--limits.connections_per_address=0")


# Where the daemon, for libmicrohttpd 0.9.75 below it, reads otherwise than the strict reader: by the
# bytes of the request at which that one stopped. docs/api.md lists these.
LINE_FAULT = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r\r|[^\r]\n")
RESIDUE = {
    "a line of a head ends with NUL LF":
        lambda reading: not reading.in_body and b"\0\n" in reading.rest.partition(b"\r\n\r\n")[0] + b"\n",
    "an empty line before a request ends with LF": lambda reading: reading.rest[:1] == b"\n",
    "a line between chunks has a control byte or ends with LF":
        lambda reading: reading.in_body and LINE_FAULT.search(reading.rest.partition(b"\r\n\r\n")[2]),
}
# Where it refuses what it need not.
STRICTER = re.compile(rb"(?i)\r\n(?:content-length|transfer-encoding):[^\r\n]*[ \t]\r\n")
OWN_NAME = re.compile(rb"(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]*)?", re.I)


def wanted(message):
    """The statuses that a well framed request may get."""
    hosts = rfc9112.values(message.fields, b"host")
    if message.may_refuse or b"%00" in message.target or (hosts and not OWN_NAME.fullmatch(hosts[0])):
        return {200, 404, *REFUSALS}
    if message.target.partition(b"?")[0] == b"/livez" and message.method in (b"GET", b"HEAD") and not message.body:
        return {200}
    if message.target == b"/v1/score" and message.method == b"POST" and message.body == BODY and \
            rfc9112.values(message.fields, b"content-type") == [MULTIPART.encode()]:
        return {200}
    return set(range(200, 500)) - {408}


def disagreement(reading, responses, rest, closed):
    """Where the answers are not those to what the strict reader read; None where they are."""
    responses = [(status, head) for status, head, _ in responses if status != 100]
    if rest:
        return "something that is no answer: %r" % rest[:60]
    for i, (status, head) in enumerate(responses):
        last = i == len(responses) - 1
        if i < len(reading.messages):
            message = reading.messages[i]
            if status not in wanted(message):
                return "answer %d is %d to %s" % (i + 1, status, message.target)
            if last and i + 1 < len(reading.messages) and b"connection: close" not in head.lower().encode():
                return "%d answers to %d requests" % (i + 1, len(reading.messages))
        elif i > len(reading.messages) or reading.end == "complete" or status not in REFUSALS:
            return "answer %d is %d where the reader has %d requests, then %s %s" % (
                i + 1, status, len(reading.messages), reading.end, reading.reason)
    if reading.messages and not responses:
        return "no answer at all"
    if reading.end == "bad" and not closed:
        return "left open after %s" % reading.reason
    return None


def play(item):
    name, payload = item
    reading = rfc9112.read(payload)

    def look(quiet_s):
        data, closed = hear(DEAF, payload, quiet_s)
        responses, rest = split_responses(data, [message.method for message in reading.messages])
        fault = disagreement(reading, responses, rest, closed)
        if fault and STRICTER.search(payload) and [status for status, _, _ in responses] == [400] and closed:
            fault = None
        return fault, not data and not closed
    return name, reading, patiently(look)


@test
def a_legal_head_is_served_in_whatever_pieces_it_comes():
    head = get(*[b"X-%d:%s%s" % (i, b" " * (i % 3), b"a" * (i * 7 % 60)) for i in range(40)], tail=b"")
    payload = b"\r\n" + head + post(CL + LENGTH, tail=b"") + post(CHUNKED, body=chunked(), tail=b"") + head

    def drip(n_bytes):
        with DEAF.connect() as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for i in range(0, len(payload), n_bytes):
                connection.sendall(payload[i:i + n_bytes])
            data, _ = read_until_quiet(connection, QUIET_S)
        return [status for status, _, _ in split_responses(data)[0]]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for n_bytes, statuses in zip((1, 2, 3, 7, 100, 1499, 1500), pool.map(drip, (1, 2, 3, 7, 100, 1499, 1500))):
            assert statuses == [200] * 4, (n_bytes, statuses)


@test
def the_daemon_agrees_with_a_strict_reader_but_for_the_known_residue():
    with concurrent.futures.ThreadPoolExecutor(PLAYERS) as pool:
        found = [one for one in pool.map(play, MATRIX.items()) if one[2]]
    classes, others = dict.fromkeys(RESIDUE, 0), []
    for name, reading, fault in found:
        known = [residue for residue, is_it in RESIDUE.items() if is_it(reading)]
        if known:
            classes[known[0]] += 1
        else:
            others.append("%s: %s" % (name, fault))
    print("# %d payloads; residue: %s" % (len(MATRIX), classes))
    assert len(MATRIX) >= 1000 and not others, "%d:\n%s" % (len(others), "\n".join(others))
    assert all(classes.values()), classes  # else there is one class less to warn of


@test
def the_strict_reader_is_neither_deaf_nor_blind():
    ends = [rfc9112.read(payload).end for payload in MATRIX.values()]
    assert ends.count("bad") > 500 and ends.count("complete") > 200 and ends.count("incomplete") > 10
    for name, (payload, statuses) in LEGAL.items():
        assert len(rfc9112.read(payload).messages) == len(statuses), name


main()
