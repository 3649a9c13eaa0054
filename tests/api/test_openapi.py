#!/usr/bin/python3 -B
# test_openapi.py - holds proto/openapi.yaml and the daemon to each other, in both directions.
# SPDX-License-Identifier: Apache-2.0
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from overlapd import Daemon, OVERLAPD, multipart, npy, pair, test, main, MULTIPART
from schema import Validator

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
FILE = os.path.join(ROOT, "proto", "openapi.yaml")
METHODS = ("get", "put", "post", "delete", "patch")
PREDICTION, REFERENCE = npy(b"\0\1\1\2\2\0\3\0"), npy(b"\0\1\2\2\0\0\0\4")
FOLDER = tempfile.mkdtemp(prefix="overlapd-test-")
DAEMON = Daemon("--store.path=" + os.path.join(FOLDER, "store"))

try:
    import yaml
except ImportError:
    print("1..0 # SKIP python3-yaml is not installed")
    DAEMON.stop()
    sys.exit(0)

with open(FILE, "rb") as contract:
    TEXT = contract.read()
DOCUMENT = yaml.safe_load(TEXT)
VALIDATOR = Validator(DOCUMENT)
SCHEMAS = DOCUMENT["components"]["schemas"]


def operations():
    """(path, method, operation) of everything in the file."""
    return [(path, method, operation) for path, item in DOCUMENT["paths"].items()
            for method, operation in item.items() if method in METHODS]


def assert_valid(value, schema, what=""):
    faults = VALIDATOR.faults(value, schema)
    assert not faults, "%s: %s" % (what, "; ".join(faults))


def assert_described(answer, path, method):
    """Status, type and body of an answer are those of the file."""
    responses = DOCUMENT["paths"][path][method]["responses"]
    assert str(answer.status) in responses, "%s %s answers %d" % (method, path, answer.status)
    response = responses[str(answer.status)]
    response = VALIDATOR.resolve(response["$ref"]) if "$ref" in response else response
    assert answer.type in response["content"], "%s %s: type %s" % (method, path, answer.type)
    value = answer.json if "json" in answer.type else answer.body.decode()
    assert_valid(value, response["content"][answer.type]["schema"], "%s %s" % (method, path))


def post(request=None, query="", prediction=PREDICTION, reference=REFERENCE):
    return DAEMON.score(pair(prediction, reference, request), query)


def problem_map():
    """{code: status} of proto/problem.h."""
    with open(os.path.join(ROOT, "proto", "problem.h"), encoding="utf-8") as header:
        return {code: int(status) for status, code
                in re.findall(r"X\(\w+,\s*(\d{3}),\s*\"([a-z0-9-]+)\"", header.read())}


def walk(value):
    """Every dictionary in the document."""
    if isinstance(value, dict):
        yield value
        for one in value.values():
            yield from walk(one)
    elif isinstance(value, list):
        for one in value:
            yield from walk(one)


@test
def the_daemon_serves_this_very_file():
    assert DAEMON.get("/openapi.yaml").body == TEXT


@test
def every_reference_leads_somewhere_and_every_schema_is_used():
    references = {d["$ref"] for d in walk(DOCUMENT) if "$ref" in d}
    for reference in references:
        VALIDATOR.resolve(reference)
    for kind in ("schemas", "responses"):
        for name in DOCUMENT["components"][kind]:
            assert "#/components/%s/%s" % (kind, name) in references, name + " is not used"


@test
def no_key_of_the_file_is_there_twice():
    waiting = [yaml.compose(TEXT)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, yaml.MappingNode):
            keys = [key.value for key, _ in node.value]
            assert len(keys) == len(set(keys)), "%s: %s" % (node.start_mark, sorted(keys))
            waiting += [value for _, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value


@test
def a_body_where_none_belongs_is_refused_as_described():
    for path, method, operation in operations():
        if "requestBody" not in operation:
            answer = DAEMON.request(method.upper(), path.replace("{file}", "app.js"), body=b"{}")
            assert answer.status in (400, 403), "%s %s: %d" % (method, path, answer.status)
            assert_described(answer, path, method)


@test
def every_operation_of_the_file_is_served():
    for path, method, _ in operations():
        answer = DAEMON.request(method.upper(), path.replace("{file}", "app.js"))
        assert answer.status not in (404, 405), "%s %s: %d" % (method, path, answer.status)


@test
def methods_that_are_not_in_the_file_are_refused():
    for path, item in DOCUMENT["paths"].items():
        for method in METHODS:
            if method not in item:
                answer = DAEMON.request(method.upper(), path)
                assert answer.status == 405, "%s %s: %d" % (method, path, answer.status)
                assert_valid(answer.json, SCHEMAS["Problem"], method + path)


@test
def allow_names_the_methods_of_the_file():
    for path, item in DOCUMENT["paths"].items():
        wanted = {m.upper() for m in METHODS if m in item} | {"OPTIONS"} | ({"HEAD"} if "get" in item else set())
        answer = DAEMON.request("OPTIONS", path)
        allowed = {word.strip() for word in answer.headers["Allow"].split(",")}
        assert answer.status == 204 and allowed | {"OPTIONS"} == wanted, "%s: %s" % (path, allowed)


@test
def every_route_of_the_daemon_is_in_the_file():
    with open(os.path.join(ROOT, "daemon", "route.c"), encoding="utf-8") as source:
        routes = set(re.findall(r"\"(/[^\"]*)\"", source.read()))
    assert routes, "no route found in daemon/route.c"
    assert routes <= set(DOCUMENT["paths"]), routes - set(DOCUMENT["paths"])
    for path in ("/", "/metrics", "/healthz", "/v1", "/v1/loss", "/v1/runs", "/v1/shm", "/v1/stats"):
        if path not in DOCUMENT["paths"]:
            assert DAEMON.request("OPTIONS", path).status == 404, path


@test
def the_plain_answers_are_as_described():
    for path in ("/v1/info", "/openapi.yaml", "/livez", "/readyz", "/"):
        assert_described(DAEMON.get(path), path, "get")
    assert_described(DAEMON.get("/readyz?verbose"), "/readyz", "get")


@test
def the_scores_are_as_described():
    metrics = SCHEMAS["Metric"]["enum"]
    empty = npy(b"\0" * 8)
    for request in (None, {"metrics": metrics, "confusion": True},
                    {"regions": {"WT": [1, 2], "none": [77]}, "labels": [{"label": 1, "name": "x"}, 9]},
                    {"background": None, "ignore": [2]}, {"threshold": 0.5},
                    {"labels": [5, 6], "metrics": metrics, "empty": "one"},
                    {"geometry": "ignore", "axes": "reverse", "beta": 0.5}):
        assert_described(post(request), "/v1/score", "post")
    assert_described(post({"metrics": metrics}, prediction=empty, reference=empty), "/v1/score", "post")
    assert_described(post({"metrics": metrics, "ignore": [0], "confusion": True},
                          prediction=empty, reference=empty), "/v1/score", "post")


@test
def every_metric_asked_for_stands_in_every_place():
    metrics = [m for m in SCHEMAS["Metric"]["enum"] if m != "generalised_dice"]
    answer = post({"metrics": metrics, "regions": {"all": [1, 2]}}).json
    for place in (answer["classes"][0], answer["regions"][0], answer["mean"]):
        assert set(metrics) <= set(place), set(metrics) - set(place)
    for place in (answer["classes"][0], answer["regions"][0]):
        described = set(SCHEMAS["Class"]["properties"]) | set(SCHEMAS["Region"]["properties"])
        assert set(place) <= set(metrics) | described, set(place) - described


@test
def the_example_of_the_file_is_answered():
    example = DOCUMENT["paths"]["/v1/score"]["post"]["requestBody"]["content"]["application/json"]["example"]
    answer = DAEMON.request("POST", "/v1/score", json.dumps(example), {"Content-Type": "application/json"})
    assert answer.status == 200, answer.body


RAW = {"format": "raw", "dtype": "uint8", "shape": [3], "base64": "AAEC"}
RLE = {"size": [3, 1], "counts": "12"}
REQUESTS = [
    {}, {"labels": "auto"}, {"labels": [1]}, {"labels": []}, {"labels": [1, {"label": 2}]}, {"labels": "x"},
    {"labels": [{"label": 1, "name": "a"}]}, {"labels": [{"name": "a"}]}, {"labels": [{"label": 1, "x": 1}]},
    {"labels": [1.5]}, {"labels": 1}, {"labels": [True]}, {"labels": None}, {"regions": {}},
    {"regions": {"a": [1]}}, {"regions": {"a": 1}}, {"regions": [1]}, {"ignore": []}, {"ignore": [1]},
    {"ignore": 1}, {"ignore": ["1"]}, {"background": None}, {"background": 1}, {"background": "0"},
    {"background": 0.5}, {"metrics": ["dice"]}, {"metrics": []}, {"metrics": ["x"]}, {"metrics": "dice"},
    {"metrics": ["generalised_dice"]}, {"beta": 0.5}, {"beta": 0}, {"beta": -1}, {"beta": None}, {"beta": "1"},
    {"empty": "one"}, {"empty": "null"}, {"empty": None}, {"empty": "x"}, {"empty": {}},
    {"empty": {"both_empty": "one"}}, {"empty": {"reference_empty": "x"}}, {"empty": {"x": "one"}},
    {"threshold": 0.5}, {"threshold": None}, {"threshold": "x"}, {"geometry": "check"}, {"geometry": "ignore"},
    {"geometry": "x"}, {"geometry": None}, {"axes": "as-is"}, {"axes": "reverse"}, {"axes": "x"},
    {"confusion": True}, {"confusion": False}, {"confusion": "true"}, {"confusion": 0}, {"x": 1},
    {"prediction": dict(RAW, order="F")}, {"prediction": dict(RAW, order="x")},
    {"prediction": dict(RAW, encoding="none")}, {"prediction": dict(RAW, encoding="lzma")},
    {"prediction": dict(RAW, dtype="int8")}, {"prediction": dict(RAW, dtype="float8")},
    {"prediction": dict(RAW, shape=[0])}, {"prediction": dict(RAW, shape=[])}, {"prediction": dict(RAW, shape=3)},
    {"prediction": dict(RAW, shape=[3, 1, 1, 1, 1, 1, 1])}, {"prediction": dict(RAW, shape=[3] + [1] * 7)},
    {"prediction": dict(RAW, x=1)}, {"prediction": dict(RAW, format="bmp")}, {"prediction": 1},
    {"prediction": dict(RAW, base64=1)}, {"prediction": dict(RAW, shape=["3"])},
    {"prediction": {"rle": RLE}}, {"prediction": {"rle": [RLE]}}, {"prediction": {"rle": dict(RLE, counts=[1, 2])}},
    {"prediction": {"rle": {"size": [3, 1]}}}, {"prediction": {"rle": dict(RLE, size=[3])}},
    {"prediction": {"rle": dict(RLE, size=[3, 0])}}, {"prediction": {"rle": RLE, "label": 7}},
    {"prediction": {"rle": RLE, "label": "7"}}, {"prediction": {"rle": RLE, "x": 7}},
    {"prediction": {"encord": RLE}}, {"prediction": {"encord": 3}}, {"prediction": {"rles": RLE}},
    {"prediction": {"kaggle": "1 2", "shape": [3, 1]}}, {"prediction": {"kaggle": 12, "shape": [3, 1]}},
    {"prediction": {"kaggle": ["1 2"], "shape": [3, 1], "order": "C"}}, {"prediction": {"supervisely": []}},
    {"prediction": {"cvat": {"shapes": []}, "shape": [3, 1], "frame": 0}},
    {"prediction": {"cvat": {"shapes": []}, "shape": [3, 1], "frame": -1}},
    {"prediction": {"coco": [], "shape": [3, 1], "image_id": "a"}}, {"prediction": {"coco": "a"}},
    {"prediction": {"label_studio": [], "shape": [3, 1]}}, {"prediction": {"label_studio": 1}},
    {"prediction": {"dense_rle": [0, 3], "shape": [3, 1]}}, {"prediction": {"dense_rle": "0 3", "shape": [3, 1]}},
]


@test
def the_file_and_the_daemon_agree_on_what_a_request_may_be():
    wrong = []
    for change in REQUESTS:
        request = {"prediction": RAW, "reference": RAW, **change}
        faults = VALIDATOR.faults(request, SCHEMAS["Request"])
        answer = DAEMON.request("POST", "/v1/score", json.dumps(request), {"Content-Type": "application/json"})
        if (answer.status == 200) != (not faults):
            wrong.append("%s: daemon %d %s, file %s" % (change, answer.status, answer.json.get("detail"), faults))
        if answer.status != 200:
            assert_described(answer, "/v1/score", "post")
    assert not wrong, "\n".join(wrong)


@test
def every_query_parameter_of_the_file_is_taken_and_no_other():
    for parameter in DOCUMENT["paths"]["/v1/score"]["post"]["parameters"]:
        if parameter["in"] != "query":
            continue
        values = parameter["schema"].get("enum") or [parameter["example"]]
        for value in values:
            answer = post(query="?%s=%s" % (parameter["name"], value))
            assert answer.status == 200, "%s=%s: %s" % (parameter["name"], value, answer.body)
        assert post(query="?%s=%%01" % parameter["name"]).status == 400, parameter["name"]
    names = {p["name"] for p in DOCUMENT["paths"]["/v1/score"]["post"]["parameters"]}
    for name in ("regions", "format", "dtype", "shape", "prediction", "request", "x"):
        assert name not in names and post(query="?%s=1" % name).status == 400, name


# Probes and files of the dashboard are fetched by who adds parameters of their own.
LENIENT = ("/", "/dashboard/{file}", "/livez", "/readyz", "/metrics")


@test
def a_query_parameter_that_is_not_in_the_file_is_refused():
    for path, method, _ in operations():
        headers = {"Content-Type": "application/json"} if method in ("put", "post") else {}
        answer = DAEMON.request(method.upper(), path.replace("{file}", "app.js") + "?nonsense=1",
                                headers=headers)
        wanted = 200 if path in LENIENT else 501 if path.startswith("/v1/shm") else 400
        assert answer.status == wanted, "%s %s: %d %s" % (method, path, answer.status, answer.body[:200])


@test
def every_content_encoding_of_the_file_is_known_and_no_other():
    header = next(p for p in DOCUMENT["paths"]["/v1/score"]["post"]["parameters"] if p["in"] == "header")
    for coding in header["schema"]["enum"]:
        answer = DAEMON.score(pair(PREDICTION, REFERENCE), headers={"Content-Encoding": coding})
        assert answer.status == (200 if coding == "identity" else 422), "%s: %d" % (coding, answer.status)
    for coding in ("br", "lz4", "compress", "none"):
        answer = DAEMON.score(pair(PREDICTION, REFERENCE), headers={"Content-Encoding": coding})
        assert answer.status == 415 and "Accept-Encoding" in answer.headers, coding
        assert_described(answer, "/v1/score", "post")


@test
def every_problem_code_is_in_the_file_and_back():
    assert set(problem_map()) == set(SCHEMAS["Problem"]["properties"]["code"]["enum"])


@test
def every_status_of_a_problem_is_described():
    described = set(DOCUMENT["paths"]["/v1/score"]["post"]["responses"])
    for code, status in problem_map().items():
        if code in ("shm-name-in-use", "shm-quota"):  # of registering, not of scoring
            assert str(status) in DOCUMENT["paths"]["/v1/shm/{name}"]["put"]["responses"], code
        elif code == "shm-full":  # of writing
            assert str(status) in DOCUMENT["paths"]["/v1/loss"]["post"]["responses"], code
        elif status not in (404, 405, 412):  # of any path, not of this operation
            assert str(status) in described, "%s %d" % (code, status)


def refused():
    """(what, answer) of many refusals."""
    good, json_type = multipart(pair(PREDICTION, REFERENCE)), {"Content-Type": "application/json"}
    yield "no body", DAEMON.request("POST", "/v1/score", b"", {"Content-Type": MULTIPART})
    yield "no type", DAEMON.request("POST", "/v1/score", good)
    yield "text", DAEMON.request("POST", "/v1/score", good, {"Content-Type": "text/plain"})
    yield "bad json", DAEMON.request("POST", "/v1/score", "{", json_type)
    yield "missing", DAEMON.score([("prediction", PREDICTION)])
    yield "unknown", DAEMON.score(pair(PREDICTION, REFERENCE) + [("mask", b"x")])
    yield "not a mask", post(prediction=b"hello hello")
    yield "truncated", post(prediction=PREDICTION[:-1])
    yield "trailing", post(prediction=PREDICTION + b"x")
    yield "shape", post(prediction=npy(b"\0\1"))
    yield "object", post(prediction=npy(b"\0" * 8, descr="|O"))
    yield "huge", post(prediction=npy(b"\0", shape=(1 << 20, 1 << 20)))
    yield "nan", post(prediction=npy([float("nan")] * 8, descr="<f4"))
    yield "half", post(prediction=npy([0.5] * 8, descr="<f4"))
    yield "label", post(prediction=npy([1 << 40] * 8, descr="<i8"))
    yield "request", post({"confusion": "maybe"})
    yield "big request", DAEMON.score(pair(PREDICTION, REFERENCE) + [("request", " " * 70000)])
    yield "parts", DAEMON.score(pair(PREDICTION, REFERENCE) + [("request", "{}")] * 9)


@test
def problems_are_as_described_and_have_the_status_of_their_code():
    statuses = problem_map()
    for what, answer in refused():
        assert 400 <= answer.status < 500, "%s: %d" % (what, answer.status)
        assert_described(answer, "/v1/score", "post")
        problem = answer.json
        assert answer.status == problem["status"] == statuses[problem["code"]], "%s: %s" % (what, problem)
        assert problem["type"].endswith(problem["code"]) and problem["instance"] == "/v1/score", what


@test
def info_and_file_name_the_same_things():
    info = DAEMON.get("/v1/info").json
    source = SCHEMAS["Source"]["properties"]
    codings = next(p for p in DOCUMENT["paths"]["/v1/score"]["post"]["parameters"] if p["in"] == "header")
    assert {m["name"] for m in info["metrics"]} == set(SCHEMAS["Metric"]["enum"])
    assert set(info["formats"]) == set(source["format"]["enum"])
    assert set(info["encodings"]) == set(source["encoding"]["enum"])
    assert set(info["dtypes"]) == set(SCHEMAS["Dtype"]["enum"])
    assert set(info["content_encodings"]) <= set(codings["schema"]["enum"])
    assert set(info) <= set(SCHEMAS["Info"]["properties"]), set(info) - set(SCHEMAS["Info"]["properties"])


@test
def info_lists_every_limit_of_the_configuration_and_no_other():
    printed = subprocess.run([OVERLAPD, "--print-config"], stdout=subprocess.PIPE, check=True).stdout.decode()
    section = printed.split("[limits]")[1].split("\n[")[0]
    keys = set(re.findall(r"^;?\s*(\w+)\s*=", section, re.M))
    assert keys == set(DAEMON.get("/v1/info").json["limits"]), keys


@test
def the_daemon_stops_cleanly():
    DAEMON.stop()
    shutil.rmtree(FOLDER)


main()
