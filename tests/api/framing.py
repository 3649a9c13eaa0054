# framing.py - requests whose framing is odd, made systematically: one place, one oddity each.
# SPDX-License-Identifier: Apache-2.0
"""Each is a name and bytes; what it means is for rfc9112.py to say. Behind most stands GET /smuggled,
for those who read the end of a request elsewhere. FRAMING=all in the environment takes every byte
value where some are enough from day to day."""
import itertools
import os

SOME_BYTES = [*range(0, 0x21), *b"\"#%'(),/0:;<=>?@A[\\]^_`{|}~", 0x7F, 0x80, 0x85, 0xA0, 0xC2, 0xFF]
BYTES = range(256) if os.environ.get("FRAMING") == "all" else SOME_BYTES
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
GET = b"GET /livez HTTP/1.1\r\n"
HOST = b"Host: localhost\r\n"
LAST = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


class Corpus:
    """What a score needs: its body and that body's type."""

    def __init__(self, body, content_type):
        self.body = body
        self.type = b"Content-Type: " + content_type.encode() + b"\r\n"
        self.length = b"%d" % len(body)
        self.chunks = self.chunked()

    def post(self, fields, body, version=b"HTTP/1.1", tail=SMUGGLED):
        return b"POST /v1/score " + version + b"\r\n" + HOST + self.type + fields + b"\r\n" + body + tail

    def chunked(self, size=None, end=b"\r\n", after=b"\r\n", last=b"0\r\n", trailer=b"", final=b"\r\n"):
        """The body in two chunks, whose first has its size line, line ends and what follows as told."""
        first, second = self.body[:5], self.body[5:]
        return (size or b"5") + end + first + after + b"%x\r\n%s\r\n" % (len(second), second) + last + trailer + final

    def post_chunked(self, tail=SMUGGLED, **odd):
        return self.post(b"Transfer-Encoding: chunked\r\n", self.chunked(**odd), tail=tail)

    def every_byte(self):
        """One byte, where it may not belong."""
        for b in BYTES:
            c, at = bytes([b]), " 0x%02x" % b
            yield "in a name" + at, GET + HOST + b"X" + c + b"Y: 1\r\n\r\n" + LAST
            yield "begins a name" + at, GET + HOST + c + b"Y: 1\r\n\r\n" + LAST
            yield "in a value" + at, GET + HOST + b"X: a" + c + b"b\r\n\r\n" + LAST
            yield "ends a value" + at, GET + HOST + b"X: a" + c + b"\r\n\r\n" + LAST
            yield "in a target" + at, b"GET /livez?a" + c + b"b HTTP/1.1\r\n" + HOST + b"\r\n" + LAST
            yield "in a method" + at, b"G" + c + b"T /livez HTTP/1.1\r\n" + HOST + b"\r\n" + LAST
            yield "in a Host" + at, GET + b"Host: local" + c + b"host\r\n\r\n" + LAST
            yield "before a length's colon" + at, self.post(b"Content-Length" + c + b": " + self.length + b"\r\n",
                self.body)
            yield "before a length" + at, self.post(b"Content-Length:" + c + self.length + b"\r\n", self.body)
            yield "after a length" + at, self.post(b"Content-Length: " + self.length + c + b"\r\n", self.body)
            yield "before a coding" + at, self.post(b"Transfer-Encoding:" + c + b"chunked\r\n", self.chunks)
            yield "after a coding" + at, self.post(b"Transfer-Encoding: chunked" + c + b"\r\n", self.chunks)
            yield "before a chunk's size" + at, self.post_chunked(size=c + b"5")
            yield "after a chunk's size" + at, self.post_chunked(size=b"5" + c)
            yield "in a chunk's extension" + at, self.post_chunked(size=b"5;a" + c + b"b")
            yield "after a chunk" + at, self.post_chunked(after=c + b"\r\n")
            yield "before the version" + at, b"GET /livez" + c + b"HTTP/1.1\r\n" + HOST + b"\r\n" + LAST
            yield "after the version" + at, b"GET /livez HTTP/1.1" + c + b"\r\n" + HOST + b"\r\n" + LAST

    def line_ends(self):
        ends = {"LF": b"\n", "CR": b"\r", "CR CR LF": b"\r\r\n", "LF CR": b"\n\r", "CR SP LF": b"\r \n",
                "VT": b"\x0b", "FF": b"\x0c", "NEL": b"\x85", "LS": "\u2028".encode(), "NUL LF": b"\0\n",
                "nothing": b"", "CR NUL LF": b"\r\0\n"}
        plain = self.post(b"X: 1\r\nContent-Length: " + self.length + b"\r\n", self.body)
        head_ends = [i for i in range(plain.index(self.body)) if plain.startswith(b"\r\n", i)]
        for (name, end), at in itertools.product(ends.items(), head_ends):
            yield "%s ends line %d" % (name, head_ends.index(at)), plain[:at] + end + plain[at + 2:]
        for name, end in ends.items():
            for place in ("end", "after", "final"):
                yield "%s, a chunk's %s" % (name, place), self.post_chunked(**{place: end})
            yield "%s after the last size" % name, self.post_chunked(last=b"0" + end)
            yield "%s after a trailer" % name, self.post_chunked(trailer=b"X: 1" + end)
            yield "%s before a request" % name, end + GET + HOST + b"\r\n" + LAST

    def lengths_and_codings(self):
        lengths = [b"0", b"5", b"-1", b"+5", b"0x5", b"5,5", b"5, 6", b"", b" ", b"5 5", b"5;a", b"5.0", b"1e1",
                   b'"5"', b"00", b"9" * 30, b"18446744073709551615", b"18446744073709551616", b"\xd9\xa5", b"5abc",
                   b"0005"]
        codings = [b"chunked", b"CHUNKED", b"Chunked", b"xchunked", b"chunkedx", b"identity", b"gzip",
                   b"gzip, chunked", b"chunked, gzip", b"chunked, chunked", b"identity, chunked",
                   b"chunked, identity", b",chunked", b"chunked,", b"chunked;q=1", b"chunked x", b"chunk\xe9d",
                   b'"chunked"', b"", b"cow", b"chunked\x0b", b"\x0cchunked", b"trailers"]
        names = [b"Content-Length", b"content-length", b"CONTENT-LENGTH", b"Content_Length", b"Content-Length ",
                 b"Content Length", b"\tContent-Length", b"Content-Length\0", b"Content-\rLength"]
        for length in lengths:
            yield "length %r" % length, self.post(b"Content-Length: " + length + b"\r\n", self.body)
            yield "length %r after a good one" % length, self.post(
                b"Content-Length: " + self.length + b"\r\nContent-Length: " + length + b"\r\n", self.body)
            yield "length %r before a good one" % length, self.post(
                b"Content-Length: " + length + b"\r\nContent-Length: " + self.length + b"\r\n", self.body)
        for coding in codings:
            line = b"Transfer-Encoding: " + coding + b"\r\n"
            yield "coding %r" % coding, self.post(line, self.chunks)
            yield "coding %r on 1.0" % coding, self.post(line, self.chunks, b"HTTP/1.0")
            yield "coding %r, then a good one" % coding, self.post(line + b"Transfer-Encoding: chunked\r\n",
                self.chunks)
            for length in (b"0", self.length):
                both = line, b"Content-Length: " + length + b"\r\n"
                yield "coding %r, length %s" % (coding, length.decode()), self.post(b"".join(both), self.chunks)
                yield "length %s, coding %r" % (length.decode(), coding), self.post(b"".join(both[::-1]), self.chunks)
        for name in names:
            yield "length as %r" % name, self.post(name + b": " + self.length + b"\r\n", self.body)
            odd = name.replace(b"Content", b"Transfer").replace(b"Length", b"Encoding")
            yield "coding as %r" % odd, self.post(odd + b": chunked\r\n", self.chunks)

    def chunk_sizes(self):
        sizes = [b"05", b"0000000000000000005", b"0x5", b"5h", b"+5", b"-5", b"-1", b"5 5", b"5,5", b"5.0", b"V",
                 b"g", b"", b"5;", b"5;a", b"5;a=b", b'5;a="b;c"', b"5 ;a", b"5; a = b", b"5;a;b;c", b"5:a", b"5\t",
                 b"5 ", b"6", b"4", b"0", b"1", b"FFFFFFFFFFFFFFFF", b"10000000000000005", b"80000000", b"100000005",
                 b"7fffffffffffffff", b"8000000000000000", b"5;" + b"a" * 5000, b"5_0", b"\xef\xbc\x95", b"5#",
                 b"5\\", b"0" * 200 + b"5"]
        lasts = [b"0\r\n", b"00\r\n", b"0;a\r\n", b"0 \r\n", b"-0\r\n", b"+0\r\n", b"0x0\r\n", b"\r\n", b"",
                 b"0000000000000000000000\r\n"]
        trailers = [b"X: 1\r\n", b"X: 1\r\nY: 2\r\n", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n",
                    b"Host: evil\r\n", b"X : 1\r\n", b" X: 1\r\n", b"X\r\n", b": 1\r\n", b"X: a\0b\r\n",
                    b"X: a\rb\r\n", b"X(: 1\r\n", SMUGGLED[:-2], b"\0\r\n"]
        for size in sizes:
            yield "chunk size %r" % size[:30], self.post_chunked(size=size if size else b"\r\n")
        for last in lasts:
            yield "last chunk %r" % last, self.post_chunked(last=last)
        for trailer in trailers:
            yield "trailer %r" % trailer[:30], self.post_chunked(trailer=trailer)

    def request_lines(self):
        targets = [b"/", b"//livez", b"/livez/", b"/./livez", b"/a/../livez", b"/..", b"/%2e%2e/livez", b"/%2flivez",
                   b"/livez%00", b"/livez%", b"/livez%zz", b"/livez%2", b"/livez#a", b"/livez?a#b", b"/livez;a=b",
                   b"/livez?", b"/livez??", b"/livez?a=%00", b"livez", b"*", b"", b"http://localhost/livez",
                   b"http://evil.example/livez", b"https://localhost/livez", b"localhost:80", b"?a", b"\\livez",
                   b"/livez\\..", b"/\xc3\xa9", b"/livez|", b"/livez^", b"/{livez}", b"/livez\"", b"/livez HTTP/1.1 ",
                   b"file:///etc/passwd", b"/%c0%ae"]
        versions = [b"HTTP/1.0", b"HTTP/1.2", b"HTTP/1.9", b"HTTP/0.9", b"HTTP/2.0", b"HTTP/3.0", b"HTTP/1",
                    b"HTTP/11", b"HTTP/1.10", b"HTTP/1.01", b"HTTP/01.1", b"HTTP/1,1", b"http/1.1", b"Http/1.1",
                    b"HTTP/1.1a", b"HTTP /1.1", b"HTTP/ 1.1", b"HTTP/1. 1", b"HTTP/-1.1", b"HTTPS/1.1", b"ICY/1.1",
                    b"", b"1.1", b"HTTP/1.1\t", b"HTTP/1.\xd9\xa1", b"HTTP/A.B"]
        methods = [b"HEAD", b"OPTIONS", b"PUT", b"DELETE", b"PATCH", b"TRACE", b"CONNECT", b"get", b"Get", b"PRI",
                   b"M-SEARCH", b"GET\0", b"", b"G ET", b" GET", b"\tGET", b"GET\r\nGET", b"X" * 300, b"G@T",
                   b"\x16\x03\x01"]
        between = [b"", b"  ", b"\t", b" \t", b"\x0b", b"\x0c", b"\r", b"\xa0", b"\0"]
        for target in targets:
            yield "target %r" % target, b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"\r\n" + LAST
        for version in versions:
            yield "version %r" % version, b"GET /livez " + version + b"\r\n" + HOST + b"\r\n" + LAST
        for method in methods:
            yield "method %r" % method[:20], method + b" /livez HTTP/1.1\r\n" + HOST + b"\r\n" + LAST
        for blank in between:
            yield "%r before a target" % blank, b"GET" + blank + b"/livez HTTP/1.1\r\n" + HOST + b"\r\n" + LAST
            yield "%r before a version" % blank, b"GET /livez" + blank + b"HTTP/1.1\r\n" + HOST + b"\r\n" + LAST

    def heads(self):
        fields = {"folded": b"X: 1\r\n 2\r\n", "folded by a tab": b"X: 1\r\n\t2\r\n",
                  "folded to nothing": b"X: 1\r\n \r\n", "folded first": b" X: 1\r\n",
                  "a length folded": b"X: 1\r\n Content-Length: 5\r\n",
                  "a length in a fold": b"Content-Length:\r\n 5\r\n",
                  "a coding in a fold": b"Transfer-Encoding:\r\n chunked\r\n",
                  "a coding folded apart": b"Transfer-Encoding: chun\r\n ked\r\n", "no name": b": 1\r\n",
                  "no name, blank": b" : 1\r\n", "a colon alone": b":\r\n", "two colons": b"::\r\n",
                  "no colon": b"X\r\n", "no colon, a length": b"Content-Length 5\r\n", "NUL value": b"X: \0\r\n",
                  "two NULs": b"X: \0\0\r\n", "NUL name": b"\0: 1\r\n", "NUL line": b"\0\r\n",
                  "an equals sign": b"X = 1\r\n", "a request line": b"GET / HTTP/1.1\r\n",
                  "a long name": b"X" * 300 + b": 1\r\n",
                  "a hundred": b"".join(b"X-%d: 1\r\n" % i for i in range(100)), "an underscore": b"X_Y: 1\r\n",
                  "no blank": b"X:1\r\n", "blanks": b"X: \t  1 \t \r\n", "nothing": b"X:\r\n", "blank": b"X: \r\n",
                  "UTF-8": "X: \u00e9\u2028\r\n".encode(), "CR": b"X: a\rY: b\r\n", "CR CR": b"X: a\r\r\n",
                  "LF": b"X: a\nY: b\r\n", "CR at the end": b"X: a\r\r\n\r\n"}
        hosts = [b"", b" ", b"localhost:80", b"localhost:", b"localhost:99999", b"localhost:a", b"local host",
                 b"localhost, localhost", b"[::1]", b"[::1]:80", b"[::1", b"user@localhost", b"localhost/",
                 b"localhost?", b"localhost#", b"http://localhost", b"127.0.0.1", b"LOCALHOST", b"localhost\\",
                 b"local\thost", b"localhost\0", b"evil.example", b"loc%61lhost", b"\xe9"]
        for name, field in fields.items():
            yield "%s among the fields" % name, GET + HOST + field + b"\r\n" + LAST
            yield "%s before Host" % name, GET + field + HOST + b"\r\n" + LAST
            yield "%s before a length" % name, self.post(field + b"Content-Length: " + self.length + b"\r\n", self.body)
            yield "%s before a coding" % name, self.post(field + b"Transfer-Encoding: chunked\r\n", self.chunks)
            yield "%s ends the head" % name, self.post(b"Content-Length: " + self.length + b"\r\n" + field, self.body)
        for host in hosts:
            yield "Host %r" % host, GET + b"Host: " + host + b"\r\n\r\n" + LAST
            yield "Host %r and another" % host, GET + b"Host: " + host + b"\r\n" + HOST + b"\r\n" + LAST
        yield "no Host", GET + b"\r\n" + LAST
        yield "no Host on 1.0", b"GET /livez HTTP/1.0\r\n\r\n" + LAST

    def pipelines(self):
        """Good and bad ones in a row: whoever comes after a bad one is not heard."""
        length = b"Content-Length: " + self.length + b"\r\n"
        good = {"get": GET + HOST + b"\r\n", "post": self.post(length, self.body, tail=b""),
                "chunks": self.post_chunked(tail=b""), "trailer": self.post_chunked(trailer=b"X: 1\r\n", tail=b""),
                "empty post": self.post(b"Content-Length: 0\r\n", b"", tail=b""),
                "head": b"HEAD /livez HTTP/1.1\r\n" + HOST + b"\r\n", "empty line": b"\r\n" + GET + HOST + b"\r\n"}
        bad = {"both": self.post(length + b"Transfer-Encoding: chunked\r\n", self.chunks, tail=b""),
               "no colon": GET + HOST + b"X\r\n\r\n", "two lengths": self.post(length + b"Content-Length: 0\r\n",
               self.body, tail=b""), "bad chunk": self.post_chunked(size=b"g", tail=b""),
               "noise": b"\x01\x02\x03\r\n\r\n", "long chunk": self.post_chunked(size=b"4", tail=b"")}
        for (a, first), (b, second) in itertools.product(good.items(), good.items()):
            yield "%s, %s" % (a, b), first + second + LAST
        for (a, first), (b, second) in itertools.product(good.items(), bad.items()):
            yield "%s, %s" % (a, b), first + second + LAST
        for (a, first), (b, second) in itertools.product(bad.items(), good.items()):
            yield "%s, %s" % (a, b), first + second + LAST
        for cut in (1, 4, 20, 60, 200):
            yield "%d bytes of the second" % cut, good["get"] + good["post"][:cut]
            yield "%d bytes short" % cut, good["post"][:-cut]
        for more in (1, 2, 43, 44):
            yield "length %d too large" % more, self.post(b"Content-Length: %d\r\n" % (len(self.body) + more),
                self.body)
            yield "length %d too small" % more, self.post(b"Content-Length: %d\r\n" % (len(self.body) - more),
                self.body)
        for option in (b"close", b"keep-alive", b"close, keep-alive", b"CLOSE", b"x, close", b"", b"upgrade"):
            for version in (b"HTTP/1.0", b"HTTP/1.1"):
                yield "Connection %s on %s" % (option.decode(), version.decode()), \
                    b"GET /livez " + version + b"\r\n" + HOST + b"Connection: " + option + b"\r\n\r\n" + LAST

    def all(self):
        """{name: bytes}"""
        found = {}
        for source in (self.every_byte, self.line_ends, self.lengths_and_codings, self.chunk_sizes, self.request_lines,
        self.heads,
                       self.pipelines):
            for name, payload in source():
                assert name not in found or found[name] == payload, name
                found[name] = payload
        return found
