#!/usr/bin/python3 -B
# test_dashboard_files.py - the dashboard's files: what they are served with, and to whom.
# SPDX-License-Identifier: Apache-2.0
import glob
import gzip
import os
import re
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from overlapd import Daemon, test, main

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
SOURCE = os.path.join(ROOT, "daemon", "dashboard")
FOLDER = tempfile.mkdtemp(prefix="overlapd-test-")
TOKENS = os.path.join(FOLDER, "tokens")
with open(TOKENS, "w", encoding="ascii") as made:
    made.write("reader read %s\n" % ("0" * 64))
os.chmod(TOKENS, 0o600)
# With tokens: the files are for anybody all the same.
DAEMON = Daemon("--auth.tokens_file=" + TOKENS)
CHART = "chart.min.js"
TYPES = {"html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "svg": "image/svg+xml",
         "js": "text/javascript; charset=utf-8"}


def files():
    return {os.path.basename(path): path for path in glob.glob(os.path.join(SOURCE, "*"))}


def text_of(name):
    with open(files()[name], "rb") as file:
        return file.read()


def get(name, **headers):
    return DAEMON.get("/dashboard/" + name, headers={k.replace("_", "-"): v for k, v in headers.items()})


@test
def every_file_of_the_folder_is_served_as_it_is_plain_and_packed():
    assert len(files()) >= 10
    for name in files():
        plain, packed = get(name), get(name, Accept_Encoding="gzip, deflate, br")
        assert (plain.status, packed.status) == (200, 200), name
        assert plain.body == text_of(name) and "Content-Encoding" not in plain.headers, name
        assert packed.headers["Content-Encoding"] == "gzip" and gzip.decompress(packed.body) == plain.body
        assert packed.body[3:8] == b"\0\0\0\0\0", "a name or a time in the gzip"
        for answer in (plain, packed):
            assert answer.headers["Content-Type"] == TYPES[name.rsplit(".", 1)[1]], name
            assert "Accept-Encoding" in answer.headers.get_all("Vary")


@test
def the_page_is_at_the_root():
    assert DAEMON.get("/").body == text_of("index.html")
    assert DAEMON.request("HEAD", "/").status == 200


@test
def the_page_names_only_files_that_are_there():
    page = text_of("index.html").decode()
    named = set(re.findall(r"(?:src|href)=\"([^\"#]+)\"", page))
    assert named and all(one.startswith("dashboard/") for one in named), named
    for name in files():
        if name.endswith(".js"):
            named |= {"dashboard/" + one for one in re.findall(r"from \"\./([^\"]+)\"", text_of(name).decode())}
    assert "dashboard/" + CHART in named
    for one in named:
        assert DAEMON.get("/" + one).status == 200, one


@test
def the_chart_library_is_whole():
    assert b"Chart.js v3" in get(CHART).body[:100] and len(get(CHART).body) > 100000


@test
def only_a_client_that_takes_gzip_gets_it():
    for accepted, packed in (("gzip", True), ("br, gzip", True), ("identity", False), ("gzip;q=0", False),
                             ("xgzip", False), ("gzipx", False), ("", False)):
        encoding = get("app.js", Accept_Encoding=accepted).headers.get("Content-Encoding")
        assert (encoding == "gzip") == packed, (accepted, encoding)


@test
def a_file_that_a_browser_has_is_not_sent_again():
    for coding in ("gzip", "identity"):
        tag = get("app.js", Accept_Encoding=coding).headers["ETag"]
        again = get("app.js", Accept_Encoding=coding, If_None_Match=tag)
        assert (again.status, again.body, again.headers["ETag"]) == (304, b"", tag)
        assert again.headers["Cache-Control"] == "no-cache"
        assert get("style.css", Accept_Encoding=coding, If_None_Match=tag).status == 200
    assert get("app.js", Accept_Encoding="identity").headers["ETag"] != get("app.js", Accept_Encoding="gzip").headers["ETag"]


@test
def a_browser_is_told_to_run_nothing_else():
    for path in ("/", "/dashboard/app.js", "/dashboard/icon.svg"):
        headers = DAEMON.get(path).headers
        policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
        assert policy["default-src"] == "'none'" and policy["frame-ancestors"] == "'none'", policy
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'", policy
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff" and headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "no-referrer"
    page = text_of("index.html").decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=", page)


@test
def the_api_still_wants_a_token():
    assert DAEMON.get("/v1/runs").status == 401


@test
def nothing_else_lies_beside_the_files():
    for name in ("nothing.js", "app.js.gz", "index", "..", "%2e%2e", "..%2fapp.js", "a" * 300):
        answer = get(name)
        assert answer.status in (400, 404, 401), (name, answer.status)
    for method in ("PUT", "POST", "DELETE"):
        assert DAEMON.request(method, "/").status in (401, 405)


@test
def it_ends_well_after_all_of_this():
    DAEMON.stop()
    shutil.rmtree(FOLDER)


if __name__ == "__main__":
    main()
