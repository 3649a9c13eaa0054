# rfc9112.py - a strict reader of requests, written from RFC 9112: what tests hold the daemon to.
# SPDX-License-Identifier: Apache-2.0
"""read(bytes) says which requests are in them and how they end. Where the RFC leaves a choice it takes
the strict one: it refuses. Nothing here knows the daemon."""
import re
from collections import namedtuple

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
PCHAR = rb"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})"
ORIGIN_FORM = re.compile(rb"(?:/" + PCHAR + rb"*)+(?:\?(?:" + PCHAR + rb"|[/?])*)?")
ABSOLUTE_FORM = re.compile(rb"[A-Za-z][A-Za-z0-9+\-.]*:(?:" + PCHAR + rb"|[/?\[\]])+")
AUTHORITY_FORM = re.compile(rb"(?:[A-Za-z0-9\-._~]+|\[[0-9A-Fa-f:.]+\]):[0-9]+")
HOST = re.compile(rb"(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})*(?::[0-9]*)?|\[[0-9A-Fa-f:.]+\](?::[0-9]*)?")
REQUEST_LINE = re.compile(rb"(" + TOKEN + rb") ([^ ]+) HTTP/([0-9])\.([0-9])")
FIELD_LINE = re.compile(rb"(" + TOKEN + rb"):[ \t]*(.*?)[ \t]*", re.S)
FIELD_VALUE = re.compile(rb"[\t \x21-\x7e\x80-\xff]*")
CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]+)(?:;[\t \x21-\x7e\x80-\xff]*)?")

# What browsers do not escape.
LENIENT_FORM = re.compile(ORIGIN_FORM.pattern.replace(rb"~!", rb"~|^`{}\[\]\\!"))

# may_refuse: well framed, but of a kind that a server need not support.
Message = namedtuple("Message", "method target version fields body persists may_refuse")
# end: "complete", "incomplete" or "bad", for a reason; rest is what could not be read, in_body whether
# its head could.
Reading = namedtuple("Reading", "messages end reason rest in_body")


class Bad(Exception):
    pass


class Incomplete(Exception):
    pass


class Source:
    def __init__(self, data):
        self.data, self.at, self.in_body = data, 0, False

    def line(self):
        """Up to CRLF, which is all that ends a line."""
        end = self.data.find(b"\n", self.at)
        if end < 0:
            raise Incomplete
        line = self.data[self.at:end]
        if not line.endswith(b"\r"):
            raise Bad("a line ends with LF alone")
        if b"\r" in line[:-1]:
            raise Bad("CR within a line")
        self.at = end + 1
        return line[:-1]

    def take(self, n):
        if len(self.data) - self.at < n:
            raise Incomplete
        self.at += n
        return self.data[self.at - n:self.at]


def read_fields(source):
    """[(name in lower case, value)], up to the empty line."""
    fields = []
    while True:
        line = source.line()
        if not line:
            return fields
        found = FIELD_LINE.fullmatch(line)
        if not found:
            raise Bad("not a field line: %r" % line[:40])
        if not FIELD_VALUE.fullmatch(found.group(2)):
            raise Bad("a control character in a value")
        fields.append((found.group(1).lower(), found.group(2)))


def values(fields, name):
    return [value for known, value in fields if known == name]


def words(fields, name):
    return [word.strip(b" \t").lower() for value in values(fields, name) for word in value.split(b",")]


def check_target(method, target):
    """Whether a server might not support it; Bad where it is none."""
    if method == b"CONNECT":
        if not AUTHORITY_FORM.fullmatch(target):
            raise Bad("CONNECT without an authority")
        return True
    if target == b"*":
        if method != b"OPTIONS":
            raise Bad("'*' is for OPTIONS")
        return False
    if ORIGIN_FORM.fullmatch(target):
        return False
    if ABSOLUTE_FORM.fullmatch(target) or LENIENT_FORM.fullmatch(target):
        return True
    raise Bad("no request target")


def check_host(fields, version):
    hosts = values(fields, b"host")
    if len(hosts) > 1 or (not hosts and version >= (1, 1)):
        raise Bad("%d Hosts" % len(hosts))
    if hosts and not HOST.fullmatch(hosts[0]):
        raise Bad("no Host: %r" % hosts[0])


def read_chunks(source):
    body = b""
    while True:
        found = CHUNK_LINE.fullmatch(source.line())
        if not found:
            raise Bad("no chunk size")
        if len(found.group(1).lstrip(b"0")) > 16:
            raise Bad("a chunk of 2^64 bytes or more")
        size = int(found.group(1), 16)
        if size == 0:
            read_fields(source)
            return body
        body += source.take(size)
        if source.take(2) != b"\r\n":
            raise Bad("no CRLF after a chunk")


def read_body(source, fields, version):
    codings, lengths = values(fields, b"transfer-encoding"), values(fields, b"content-length")
    if codings and lengths:
        raise Bad("Transfer-Encoding and Content-Length")
    if codings:
        if version < (1, 1):
            raise Bad("Transfer-Encoding before HTTP/1.1")
        if words(fields, b"transfer-encoding") != [b"chunked"]:
            raise Bad("another coding than chunked")
        return read_chunks(source)
    if len(lengths) > 1 or (lengths and not re.fullmatch(rb"[0-9]+", lengths[0])):
        raise Bad("no one Content-Length")
    return source.take(int(lengths[0])) if lengths else b""


def read_message(source):
    found = REQUEST_LINE.fullmatch(source.line())
    if not found:
        raise Bad("no request line")
    method, target = found.group(1), found.group(2)
    version = int(found.group(3)), int(found.group(4))
    if version[0] != 1:
        raise Bad("another major version")
    may_refuse = check_target(method, target) or version[1] > 1
    fields = read_fields(source)
    check_host(fields, version)
    source.in_body = True
    body = read_body(source, fields, version)
    options = words(fields, b"connection")
    persists = b"close" not in options and (version >= (1, 1) or b"keep-alive" in options)
    return Message(method, target, version, fields, body, persists, may_refuse)


def read(data):
    source, messages, start = Source(data), [], 0

    def reading(end, reason=""):
        return Reading(messages, end, reason, data[start:], source.in_body)
    try:
        while True:
            while source.data.startswith(b"\r\n", source.at):  # empty lines before a request
                source.at += 2
            start, source.in_body = source.at, False
            if source.at == len(data):
                return reading("complete")
            messages.append(read_message(source))
            if not messages[-1].persists:
                return reading("complete")
    except Incomplete:
        return reading("incomplete")
    except Bad as bad:
        return reading("bad", str(bad))
