#!/usr/bin/python3 -B
# test_runs.py - runs and cases that are kept: what is answered, and what is refused.
# SPDX-License-Identifier: Apache-2.0
import csv
import io
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from overlapd import Daemon, OVERLAPD, main, multipart, pair, test, MULTIPART
from runs import JSON, describe, keep, masks, path

FOLDER = tempfile.mkdtemp(prefix="overlapd-runs-")
FILES = iter(range(1000))


def store_file():
    return os.path.join(FOLDER, "store-%d" % next(FILES))


def with_store(*options):
    return Daemon("--store.path=" + store_file(), *options)


def code_of(answer):
    return answer.status, answer.json["code"]


# ------------------------------------------------------------------------------------- keeping


@test
def a_case_is_kept_with_the_counts_that_were_answered():
    with with_store() as daemon:
        answer = keep(daemon, "r", "c", {1: (3, 2, 1), 7: (0, 0, 5)}, request={"regions": {"all": [1, 7]}},
                      group="p 1", tags=["a", "b"], image="https://example.org/1.png")
        assert answer.status == 201 and answer.json["kept"] == {
            "run": "r", "case": "c", "revision": 1, "replaced": False, "relabelled": False}
        kept = daemon.get(path("r", "c")).json
        for kind in ("classes", "regions"):
            for scored, one in zip(answer.json[kind], kept[kind]):
                assert one.items() <= scored.items(), one
        assert len(kept["classes"]) == 2 and len(kept["regions"]) == 1
        assert kept["group"] == "p 1" and kept["tags"] == ["a", "b"] and kept["voxels"] == 1000
        assert kept["image"] == "https://example.org/1.png"


@test
def keeping_a_case_again_replaces_it_and_says_where_its_labels_differ():
    with with_store() as daemon:
        assert keep(daemon, "r", "c", {1: (3, 2, 1)}).status == 201
        again = keep(daemon, "r", "c", {1: (4, 2, 1)})
        assert again.status == 200 and again.json["kept"]["replaced"] and not again.json["kept"]["relabelled"]
        other = keep(daemon, "r", "c", {1: (4, 2, 1), 2: (1, 0, 0)})
        assert other.status == 200 and other.json["kept"]["relabelled"]
        assert daemon.get(path("r")).json["n_cases"] == 1


@test
def a_kept_run_is_there_after_a_restart():
    file = store_file()
    with Daemon("--store.path=" + file) as daemon:
        keep(daemon, "r", "c", {1: (3, 2, 1)})
        tag = daemon.get(path("r")).headers["ETag"]
    with Daemon("--store.path=" + file) as daemon:
        answer = daemon.get(path("r"), headers={"If-None-Match": tag})
        assert answer.status == 200 and answer.json["n_cases"] == 1
        assert keep(daemon, "r", "d", {1: (1, 0, 0)}).json["kept"]["revision"] == 2


@test
def what_is_deleted_is_gone_and_its_revision_never_comes_back():
    with with_store() as daemon:
        keep(daemon, "r", "c", {1: (3, 2, 1)})
        keep(daemon, "r", "d", {1: (3, 2, 1)})
        assert daemon.request("DELETE", path("r", "c")).status == 204
        assert code_of(daemon.get(path("r", "c"))) == (404, "unknown-case")
        assert code_of(daemon.request("DELETE", path("r", "c"))) == (404, "unknown-case")
        tag = daemon.get(path("r")).headers["ETag"]
        assert daemon.request("DELETE", path("r")).status == 204
        for what in (path("r"), path("r") + "/cases", path("r", "d"), path("r") + "/compare/r"):
            assert code_of(daemon.get(what)) == (404, "unknown-run"), what
        assert code_of(daemon.request("DELETE", path("r"))) == (404, "unknown-run")
        keep(daemon, "r", "e", {1: (3, 2, 1)})
        answer = daemon.get(path("r"), headers={"If-None-Match": tag})
        assert answer.status == 200 and answer.json["n_cases"] == 1
        assert [c["case"] for c in daemon.get(path("r") + "/cases").json["cases"]] == ["e"]


@test
def a_run_is_described_by_its_info():
    with with_store() as daemon:
        info = {"model": "<script>alert(1)</script>", "n": 3, "x": None}
        assert describe(daemon, "r", info).status == 201
        assert describe(daemon, "r", info).status == 200
        assert daemon.get(path("r")).json["info"] == info
        assert daemon.get("/v1/runs").json["runs"][0]["info"] == info
        for bad, status in (([], 400), ({"a": {}}, 400), ({"a": [1]}, 400), ({str(i): 1 for i in range(65)}, 400),
                            ({"a": "x" * 17000}, 413)):
            assert describe(daemon, "r", bad).status == status, bad


# ------------------------------------------------------------------------------------- refusals


@test
def names_and_what_is_said_of_a_case_are_checked():
    with with_store() as daemon:
        counts = {1: (3, 2, 1)}
        for name in (".", "..", "%2e", "a%20b", "a%2Fb%2Fc", "%C3%A4", "%3Cb%3E", "a" * 129, "a+b", "a,b", "%7B"):
            answer = keep(daemon, name, "c", counts)
            assert answer.status in (400, 404), (name, answer.status)
            assert keep(daemon, "r", name, counts).status in (400, 404), name
            assert daemon.get(path(name)).status in (400, 404)
        assert keep(daemon, "A-z.0_9:@-" + "x" * 118, "y" * 128, counts).status == 201
        for info in ({"group": ""}, {"group": "x" * 129}, {"group": 1}, {"group": "a\nb"}, {"tags": "a"},
                     {"tags": [1]}, {"tags": ["x" * 65]}, {"tags": ["a"] * 17}, {"image": "javascript:alert(1)"},
                     {"image": "//elsewhere.example"}, {"image": "x" * 2000}, {"colour": 1}):
            answer = keep(daemon, "r", "c", counts, **info)
            assert code_of(answer) == (400, "bad-parameter"), info
            assert answer.json["errors"][0]["pointer"].startswith("#/case/"), answer.json
        assert code_of(daemon.get(path("r"))) == (404, "unknown-run"), "something was kept"


@test
def a_case_is_not_said_of_a_pair_that_is_not_kept():
    with with_store() as daemon:
        answer = daemon.score(pair(*masks({1: (1, 1, 1)}, 9), {"case": {"group": "p"}}))
        assert code_of(answer) == (400, "bad-parameter") and answer.json["errors"][0]["pointer"] == "#/case"


@test
def without_a_store_nothing_is_kept_and_that_is_said():
    with Daemon() as daemon:
        for answer in (daemon.get("/v1/runs"), daemon.get(path("r")), keep(daemon, "r", "c", {1: (1, 0, 0)}),
                       daemon.request("DELETE", path("r")), describe(daemon, "r", {})):
            assert code_of(answer) == (404, "no-store"), answer.body


@test
def query_parameters_are_those_of_the_path():
    with with_store() as daemon:
        keep(daemon, "r", "c", {1: (3, 2, 1)})
        for query in ("?metrics=generalised_dice", "/cases?sort=generalised_dice"):
            assert "of a class" in daemon.get(path("r") + query).json["detail"], query
        for query in ("?limit=1", "?wait=61", "?wait=-1", "?wait=x", "?metrics=", "?metrics=dice,dice", "?metrics=x",
                      "?seed=-1", "?resamples=1", "?resamples=10001", "?x=1", "?wait=1&wait=1"):
            assert code_of(daemon.get(path("r") + query)) == (400, "bad-parameter"), query
        for query in ("?limit=0", "?limit=1001", "?sort=x", "?order=up", "?label=x", "?label=1&region=a",
                      "?state=ok", "?label=1&state=x", "?seed=1", "?cursor=", "?cursor=x", "?label=99999999999"):
            assert code_of(daemon.get(path("r") + "/cases" + query)) == (400, "bad-parameter"), query
        for query in ("?cursor=x", "?sort=name", "?limit=1001"):
            assert code_of(daemon.get("/v1/runs" + query)) == (400, "bad-parameter"), query
        assert code_of(daemon.request("DELETE", path("r") + "?x=1")) == (400, "bad-parameter")


@test
def conditions_hold_or_nothing_changes():
    with with_store() as daemon:
        counts, new = {1: (3, 2, 1)}, {"If-None-Match": "*"}
        assert code_of(keep(daemon, "r", "c", counts, headers={"If-Match": "*"})) == (412, "condition-failed")
        first = keep(daemon, "r", "c", counts, headers=new)
        assert first.status == 201
        assert code_of(keep(daemon, "r", "c", counts, headers=new)) == (412, "condition-failed")
        tag = first.headers["ETag"]
        second = keep(daemon, "r", "c", {1: (4, 0, 0)}, headers={"If-Match": tag})
        assert second.status == 200
        for wrong in (tag, '"x"', "W/" + second.headers["ETag"]):
            for answer in (keep(daemon, "r", "c", counts, headers={"If-Match": wrong}),
                           describe(daemon, "r", {}, headers={"If-Match": wrong}),
                           daemon.request("DELETE", path("r"), headers={"If-Match": wrong})):
                assert code_of(answer) == (412, "condition-failed"), wrong
        assert keep(daemon, "r", "c", counts, headers={"If-None-Match": tag}).status == 400
        assert daemon.get(path("r", "c")).json["classes"][0]["tp"] == 4
        assert daemon.request("DELETE", path("r"), headers={"If-Match": second.headers["ETag"]}).status == 204


@test
def no_more_runs_and_cases_are_kept_than_the_limits_allow():
    with with_store("--limits.runs=2", "--limits.run_cases=2") as daemon:
        for run, case, status in (("a", "1", 201), ("a", "2", 201), ("a", "3", 422), ("a", "2", 200),
                                  ("b", "1", 201), ("c", "1", 422), ("b", "2", 201)):
            answer = keep(daemon, run, case, {1: (1, 0, 0)})
            assert answer.status == status, (run, case, answer.status)
        assert code_of(describe(daemon, "d", {})) == (422, "too-many-kept")


# -------------------------------------------------------------------------------------- lists


def dice(tp, fp, fn):
    return 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else None


def fill(daemon, run="r"):
    """Cases with many equal values, and one without a value."""
    cases = {"c%02d" % i: {1: (i % 5, 2, 1), 2: (1, i % 3, 0)} for i in range(23)}
    cases["none"] = {1: (0, 0, 0), 2: (5, 0, 0)}
    for i, (name, counts) in enumerate(cases.items()):
        keep(daemon, run, name, counts, group="g%d" % (i % 4), tags=["even"] if i % 2 == 0 else [])
    return cases


def pages(daemon, query, limit):
    found, cursor = [], ""
    while cursor is not None:
        answer = daemon.get(path("r") + "/cases?limit=%d%s%s" % (limit, query, cursor and "&cursor=" + cursor))
        assert answer.status == 200, answer.body
        assert len(answer.json["cases"]) <= limit
        found += answer.json["cases"]
        cursor = answer.json["next"]
    return found


@test
def cases_come_in_order_and_in_pages_without_gaps():
    with with_store() as daemon:
        cases = fill(daemon)
        values = {name: dice(*counts[1]) for name, counts in cases.items()}
        for order, sign in (("asc", 1), ("desc", -1)):
            wanted = sorted(cases, key=lambda n: (values[n] is None, sign * (values[n] or 0), n))
            for limit in (1, 7, 24, 1000):
                got = pages(daemon, "&sort=dice&label=1&order=" + order, limit)
                assert [c["case"] for c in got] == wanted, (order, limit)
                assert [c["value"] for c in got] == [values[n] for n in wanted]
            assert [c["case"] for c in pages(daemon, "&order=" + order, 5)] == sorted(cases, reverse=sign < 0)
        kept = [c["case"] for c in pages(daemon, "&sort=kept&order=desc", 1000)]
        assert sorted(kept) == sorted(cases)


@test
def cases_are_filtered_by_class_state_group_and_tag():
    with with_store() as daemon:
        cases = fill(daemon)
        names = list(cases)
        assert [c["case"] for c in pages(daemon, "&label=1&state=both_empty", 10)] == ["none"]
        assert [c["case"] for c in pages(daemon, "&group=g1", 10)] == sorted(names[1::4])
        assert [c["case"] for c in pages(daemon, "&tag=even", 10)] == sorted(names[::2])
        assert pages(daemon, "&label=99", 10) == [] and pages(daemon, "&region=x", 10) == []
        assert {len(c["classes"]) for c in pages(daemon, "&label=2", 10)} == {1}


@test
def a_cursor_belongs_to_its_query():
    with with_store() as daemon:
        fill(daemon)
        cursor = daemon.get(path("r") + "/cases?limit=2&sort=dice&label=1").json["next"]
        good = path("r") + "/cases?limit=3&sort=dice&label=1&cursor=" + cursor
        assert daemon.get(good).status == 200
        keep(daemon, "q", "c", {1: (1, 1, 1)})
        for other in ("sort=dice&label=2", "sort=iou&label=1", "sort=dice", "sort=dice&label=1&order=desc",
                      "sort=dice&label=1&group=g1"):
            answer = daemon.get(path("r") + "/cases?%s&cursor=%s" % (other, cursor))
            assert code_of(answer) == (400, "bad-parameter"), other
        assert daemon.get(good.replace("/r/", "/q/")).status == 400
        for damaged in (cursor[:-4], "0" + cursor[1:], cursor[:32], "g" * 40):
            answer = daemon.get(path("r") + "/cases?sort=dice&label=1&cursor=" + damaged)
            assert answer.status == 400 or damaged == cursor[:-4], damaged


@test
def runs_come_changed_last_first_and_in_pages():
    with with_store() as daemon:
        for name in "abcde":
            keep(daemon, name, "c", {1: (1, 0, 0)})
        keep(daemon, "b", "d", {1: (1, 0, 0)})
        found, cursor = [], ""
        while cursor is not None:
            page = daemon.get("/v1/runs?limit=2" + (cursor and "&cursor=" + cursor)).json
            found += [run["run"] for run in page["runs"]]
            cursor = page["next"]
        assert found == list("bedca"), found


@test
def tables_are_csv_and_no_text_in_them_is_a_formula():
    with with_store() as daemon:
        keep(daemon, "r", "c", {1: (3, 2, 1)}, request={"labels": [{"label": 1, "name": "=1+1,\"x\"\n"}]},
             group="+g", tags=["-t", "u"])
        keep(daemon, "q", "c", {1: (3, 2, 1)})
        for where in ("/v1/runs", path("r"), path("r") + "/cases", path("r") + "/compare/q"):
            answer = daemon.get(where, headers={"Accept": "text/csv"})
            assert answer.status == 200 and answer.type == "text/csv", where
            table = list(csv.reader(io.StringIO(answer.body.decode(), newline="")))
            assert len({len(row) for row in table}) == 1 and len(table) > 1, table
            assert not [cell for row in table for cell in row if cell[:1] in ("=", "+", "@")], table
        row = list(csv.DictReader(io.StringIO(
            daemon.get(path("r") + "/cases", headers={"Accept": "text/csv"}).body.decode(), newline="")))[0]
        assert row["name"] == "'=1+1,\"x\"\n" and row["group"] == "'+g" and row["tags"] == "'-t u", row
        assert (row["tp"], row["fp"], row["fn"], float(row["dice"])) == ("3", "2", "1", dice(3, 2, 1))


# -------------------------------------------------------------------------------------- polling


@test
def a_poll_without_news_is_304_and_with_news_is_not():
    with with_store() as daemon:
        keep(daemon, "r", "c", {1: (3, 2, 1)})
        keep(daemon, "q", "c", {1: (3, 2, 1)})
        paths = ("/v1/runs", path("r"), path("r") + "/cases?sort=dice", path("r", "c"), path("r") + "/compare/q")
        tags = {where: daemon.get(where).headers["ETag"] for where in paths}
        for where, tag in tags.items():
            for header in (tag, "W/" + tag, '"x", ' + tag, "*"):
                answer = daemon.get(where, headers={"If-None-Match": header})
                assert answer.status == 304 and answer.body == b"" and answer.headers["ETag"] == tag, where
            assert daemon.get(where, headers={"If-None-Match": '"x"'}).status == 200
        sheet = daemon.get(path("r"), headers={"Accept": "text/csv", "If-None-Match": tags[path("r")]})
        assert sheet.status == 200, "a tag of JSON is none of CSV"
        keep(daemon, "r", "d", {1: (3, 2, 1)})
        for where, tag in tags.items():
            assert daemon.get(where, headers={"If-None-Match": tag}).status == 200, where


def waited(daemon, where, tag, seconds):
    start = time.monotonic()
    answer = daemon.get(where + "?wait=%d" % seconds, headers={"If-None-Match": tag})
    return answer, time.monotonic() - start


@test
def a_long_poll_ends_with_the_change_or_with_its_time():
    with with_store() as daemon:
        keep(daemon, "r", "c", {1: (3, 2, 1)})
        keep(daemon, "q", "c", {1: (3, 2, 1)})
        tag = daemon.get(path("r")).headers["ETag"]
        answer, seconds = waited(daemon, path("r"), tag, 1)
        assert answer.status == 304 and 0.9 < seconds < 5, seconds
        changes = threading.Timer(0.3, lambda: (keep(daemon, "q", "d", {1: (1, 1, 1)}), time.sleep(0.3),
                                                keep(daemon, "r", "d", {1: (1, 1, 1)})))
        changes.start()
        answer, seconds = waited(daemon, path("r"), tag, 30)
        assert answer.status == 200 and answer.json["n_cases"] == 2 and 0.5 < seconds < 10, seconds
        changes.join()
        threading.Timer(0.3, lambda: daemon.request("DELETE", path("r"))).start()
        answer, _ = waited(daemon, path("r"), answer.headers["ETag"], 30)
        assert code_of(answer) == (404, "unknown-run")


@test
def who_waits_is_answered_when_the_daemon_drains():
    with with_store("--limits.polls=2") as daemon:
        keep(daemon, "r", "c", {1: (3, 2, 1)})
        tag = daemon.get(path("r")).headers["ETag"]
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(waited(daemon, path("r"), tag, 50)))
                   for _ in range(3)]
        for thread in threads:
            thread.start()
        threads_limit = time.monotonic() + 10
        while len(answers) < 1 and time.monotonic() < threads_limit:
            time.sleep(0.05)
        assert len(answers) == 1, "one more than may wait is answered at once"
        daemon.stop()
        for thread in threads:
            thread.join(10)
        assert [answer.status for answer, _ in answers] == [304] * 3


# -------------------------------------------------------------------------------------- the file


@test
def a_second_daemon_and_another_database_are_refused():
    file = store_file()
    with Daemon("--store.path=" + file):
        second = subprocess.run([OVERLAPD, "--listen.tcp=127.0.0.1:0", "--store.path=" + file],
                                stderr=subprocess.PIPE, timeout=20, check=False)
        assert second.returncode == 1 and b"another overlapd" in second.stderr, second.stderr
    other = store_file()
    with sqlite3.connect(other) as database:
        database.execute("CREATE TABLE x(y)")
    database.close()
    strange = []
    for version in (-1, 99):
        strange.append(store_file())
        with sqlite3.connect(strange[-1]) as database:
            database.executescript("PRAGMA application_id=%d; PRAGMA user_version=%d" % (0x6F766C70, version))
        database.close()
    for where, word in ((other, b"not a store"), (strange[0], b"newer"), (strange[1], b"newer"), ("/proc/overlapd", b"file system"),
                        (os.path.join(FOLDER, "no", "store"), b"is not there")):
        refused = subprocess.run([OVERLAPD, "--listen.tcp=127.0.0.1:0", "--store.path=" + where],
                                 stderr=subprocess.PIPE, timeout=20, check=False)
        assert refused.returncode == 1 and word in refused.stderr, refused.stderr


@test
def a_backup_is_a_store_of_what_was_acknowledged():
    file, copy = store_file(), store_file()
    with Daemon("--store.path=" + file) as daemon:
        for i in range(50):
            keep(daemon, "r", "c%d" % i, {1: (i, 2, 1)})
        command = [OVERLAPD, "backup", copy, "--store.path=" + file]
        subprocess.run(command, timeout=20, check=True)
        again = subprocess.run(command, stderr=subprocess.PIPE, timeout=20, check=False)
        assert again.returncode == 1 and b"exists" in again.stderr, again.stderr
        summary = daemon.get(path("r")).json
    with Daemon("--store.path=" + copy) as daemon:
        assert daemon.get(path("r")).json == summary
    nothing = subprocess.run([OVERLAPD, "backup", copy], stderr=subprocess.PIPE, timeout=20, check=False)
    assert nothing.returncode == 2 and b"store.path" in nothing.stderr


@test
def the_oldest_cases_go_where_there_are_too_many():
    with with_store("--store.retention_cases=5") as daemon:
        keep(daemon, "old", "only", {1: (1, 1, 1)})
        for i in range(9):
            keep(daemon, "r", "c%d" % i, {1: (i, 2, 1)})
        deadline = time.monotonic() + 10
        while daemon.get(path("r")).json["n_cases"] != 5 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert [c["case"] for c in daemon.get(path("r") + "/cases").json["cases"]] == ["c%d" % i for i in range(4, 9)]
        assert [run["run"] for run in daemon.get("/v1/runs").json["runs"]] == ["r"]


@test
def cases_kept_long_ago_go():
    file = store_file()
    with Daemon("--store.path=" + file) as daemon:
        keep(daemon, "r", "old", {1: (1, 1, 1)})
        keep(daemon, "r", "new", {1: (1, 1, 1)})
    with sqlite3.connect(file) as database:
        database.execute("UPDATE kept SET kept_ms = kept_ms - 3 * 86400000 WHERE name = 'old'")
    database.close()
    with Daemon("--store.path=" + file, "--store.retention_days=2") as daemon:
        deadline = time.monotonic() + 10
        while daemon.get(path("r")).json["n_cases"] != 1 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert [c["case"] for c in daemon.get(path("r") + "/cases").json["cases"]] == ["new"]


@test
def a_full_disk_stops_keeping_and_not_scoring():
    mount = os.path.join(FOLDER, "small")
    os.mkdir(mount)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", mount], stderr=subprocess.PIPE,
                      check=False).returncode != 0:
        from overlapd import Skip
        raise Skip("a small file system cannot be mounted here")
    try:
        with Daemon("--store.path=" + os.path.join(mount, "store")) as daemon:
            kept, answer = 0, keep(daemon, "r", "c", {1: (1, 1, 1)})
            while answer.status in (200, 201) and kept < 5000:
                kept += 1
                answer = keep(daemon, "r", "c%d" % kept, {1: (1, 1, 1)}, group="x" * 128, tags=["y" * 64] * 16)
            assert code_of(answer) == (503, "store-unavailable"), answer.status
            assert daemon.score(pair(*masks({1: (1, 1, 1)}, 9))).status == 200
            assert daemon.get(path("r")).status == 200
            subprocess.run(["mount", "-o", "remount,size=64m", mount], check=True)
            deadline = time.monotonic() + 10
            while answer.status == 503 and time.monotonic() < deadline:
                time.sleep(0.2)
                answer = keep(daemon, "r", "after", {1: (1, 1, 1)})
            assert answer.status == 201, answer.body
            summary = daemon.get(path("r")).json
            assert summary["n_cases"] in (kept + 1, kept + 2), (kept, summary["n_cases"])
    finally:
        subprocess.run(["umount", mount], check=True)


@test
def the_folder_of_these_tests_goes():
    shutil.rmtree(FOLDER)


if __name__ == "__main__":
    main()
