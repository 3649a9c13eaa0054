#!/usr/bin/python3
# test_docs - the documentation names what the code has, and its links lead somewhere.
# SPDX-License-Identifier: Apache-2.0
"""Reads the tables in lib/overlap.h, lib/overlap_loss.h, proto/problem.h, proto/env.h, proto/reader.h and
daemon/config_keys.h, and holds the pages under docs/ to them, in both directions."""
import glob
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WIDTH = 100

results = []


def report(name, faults):
    results.append(not faults)
    print("%s %d - %s" % ("not ok" if faults else "ok", len(results), name))
    for fault in faults:
        print("# %s" % (fault,))


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def entries(path, table):
    """The arguments of each X(...) of an X-macro, as written, strings without their quotes."""
    body = re.search(r"#define %s\(X\)(.*?[^\\])\n" % table, read(path), re.S).group(1)
    body = body.replace("\\\n", "\n")
    string = r'"(?:[^"\\]|\\.)*"'
    found = []
    for entry in re.findall(r"X\(((?:%s|[^()\"])*)\)" % string, body):
        parts = re.findall(r"(?:%s\s*)+|[^\s,\"][^,\"]*" % string, entry)
        found.append(["".join(re.findall(r'"([^"]*)"', p)) if p.startswith('"') else p.strip()
                      for p in parts])
    return found


def sections(text):
    """{heading in code style: its text}, for headings of any level."""
    parts = re.split(r"^#+ `([^`]+)`\n", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def rows(text):
    """The table rows of a page, as lists of cells."""
    return [[c.strip() for c in line.strip("|").split("|")]
            for line in text.splitlines() if line.startswith("| ")]


def differences(code, docs, what):
    return (["%s %s is not documented" % (what, c) for c in sorted(code - docs)] +
            ["documented %s %s does not exist" % (what, d) for d in sorted(docs - code)])


def check_metrics():
    page = sections(read("docs/metrics.md"))
    metrics = {m[1]: m for m in entries("lib/overlap.h", "OV_METRIC_MAP")}
    report("every metric has a section and every section a metric",
           differences(set(metrics) | {"generalised_dice"}, set(page), "metric"))
    faults = []
    for name, (_, _, low, high, _) in metrics.items():
        text = " ".join(page.get(name, "").split())
        if "Range %s to %s," % (low, high) not in text:
            faults.append("%s: its range is %s to %s" % (name, low, high))
        if "mpty" not in text and "o value" not in text:
            faults.append("%s: nothing about empty classes" % name)
    report("every metric's range and empty case are stated", faults)


def check_losses():
    page = sections(read("docs/losses.md"))
    losses = {l[1] for l in entries("lib/overlap_loss.h", "OV_LOSS_MAP")}
    report("every loss has a section and every section a loss",
           differences(losses, set(page), "loss"))
    report("every loss has formula, gradient, range, absent class and source",
           ["%s lacks %s" % (name, part) for name in sorted(losses & set(page))
            for part in ("Formula", "Gradient", "Range", "Absent", "Source")
            if "**%s:**" % part not in page[name]])


def check_problems():
    code = {(p[1], p[2]) for p in entries("proto/problem.h", "PROBLEM_MAP")}
    docs = {(r[0], r[1].strip("`")) for r in rows(read("docs/api.md")) if re.match(r"\d{3}$", r[0])}
    report("every problem stands in docs/api.md with its status",
           differences(code, docs, "problem"))


def check_formats():
    code = {f[1] for f in entries("proto/reader.h", "FORMAT_MAP")}
    page = read("docs/api.md")
    report("every format has a row in docs/api.md",
           [f for f in sorted(code) if not re.search(r"^\| `%s` \|" % f, page, re.M)])


def check_keys():
    keys = {"%s.%s" % (k[1], k[2]): k[3] for k in entries("daemon/config_keys.h", "CONFIG_MAP")}
    docs = {r[0].strip("`"): r[1].strip("`") for r in rows(read("docs/configuration.md"))
            if re.match(r"`\w+\.\w+`$", r[0])}
    report("every configuration key is documented", differences(set(keys), set(docs), "key"))
    report("every default is documented as it is",
           ["%s is %r, documented as %r" % (k, v, docs.get(k)) for k, v in keys.items()
            if docs.get(k) != (v or "(empty)")])


def check_reload():
    taken = re.search(r"taken\[\] = \{(.*?)\};", read("daemon/reload.c"), re.S).group(1)
    page = re.search(r"SIGHUP makes.*?A line in", read("docs/configuration.md"), re.S).group(0)
    report("what a reload takes over stands in docs/configuration.md",
           differences(set(re.findall(r'"!?([a-z._]+)"', taken)), set(re.findall(r"`([a-z._]+)`", page)),
                       "part of the configuration"))


def check_limits():
    struct = re.search(r"struct limits \{(.*?)\};", read("proto/env.h"), re.S).group(1)
    code = set(re.findall(r"uint64_t (\w+);", struct))
    code |= {k[2] for k in entries("daemon/config_keys.h", "CONFIG_MAP") if k[1] == "limits"}
    page = read("docs/api.md").split("## Limits", 1)[1]
    docs = {r[0].strip("`") for r in rows(page) if r[0].startswith("`")}
    report("every limit stands in docs/api.md", differences(code, docs, "limit"))


def check_operations():
    page = read("docs/operations.md")
    families = set(re.findall(r'^    \{"((?:overlapd|process)_\w+)", "(gauge|counter|histogram)"',
                              read("daemon/stats.c"), re.M))
    docs = {(r[0].strip("`"), r[1]) for r in rows(page) if re.match(r"`(overlapd|process)_", r[0])}
    report("every metric of /metrics stands in docs/operations.md with its type",
           differences(families, docs, "metric"))
    code = set()
    for path in glob.glob("daemon/*.c", root_dir=ROOT):
        code |= {(level.lower(), name) for level, name in
                 re.findall(r'log_event(?:_limited)?\(\s*LOG_LEVEL_(\w+),\s*"([a-z-]+)"', read(path))}
    code.add(("info", "request"))  # or debug: log.access
    docs = {(r[0], name) for r in rows(page) if r[0] in ("error", "warn", "info", "debug")
            for name in re.findall(r"`([^`]+)`", r[1])}
    report("every event of the log stands there with its level", differences(code, docs, "event"))
    alerts = set(re.findall(r"- alert: (\w+)", read("grafana/alerts.yml")))
    docs = {r[0].strip("`") for r in rows(page) if r[0].startswith("`Overlapd")}
    report("every alert stands there", differences(alerts, docs, "alert"))


def pages():
    return sorted(p for pattern in ("*.md", "docs/**/*.md", "bench/results/*.md")
                  for p in glob.glob(pattern, root_dir=ROOT, recursive=True))


def anchors(text):
    """What GitHub makes of the headings."""
    headings = re.findall(r"^#+ (.*)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


def link_fault(page, link):
    path, _, anchor = link.partition("#")
    target = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
    if not os.path.exists(os.path.join(ROOT, target)):
        return "%s: %s leads nowhere" % (page, link)
    if anchor and anchor not in anchors(read(target)):
        return "%s: %s has no such heading" % (page, link)
    return None


def check_pages():
    faults, wide, unfilled = [], [], []
    for page in pages():
        text = read(page)
        unfilled += ["%s: %s" % (page, p) for p in re.findall(r"@[A-Z]+@", text)]
        links = re.findall(r"\]\(([^)\s]+)\)", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))
        faults += [link_fault(page, l) for l in links if not re.match(r"https?:", l)]
        wide += ["%s:%d" % (page, n) for n, line in enumerate(text.splitlines(), 1)
                 if len(line) > WIDTH and not line.startswith("|")]
    report("every relative link resolves", [f for f in faults if f])
    report("no page holds a placeholder", unfilled)
    report("no line of prose is wider than %d" % WIDTH, wide)


def check_decisions():
    found = sorted(glob.glob("docs/decisions/*.md", root_dir=ROOT))
    faults = []
    for n, path in enumerate(found, 1):
        text = read(path)
        if not re.match(r"docs/decisions/%04d-" % n, path) or not text.startswith("# %d. " % n):
            faults.append("%s is not number %d" % (path, n))
        faults += ["%s lacks %s" % (path, part) for part in ("Context", "Decision", "Consequences")
                   if "**%s.**" % part not in text]
    report("decisions are numbered and complete", faults)


def main():
    for check in (check_metrics, check_losses, check_problems, check_formats, check_keys, check_reload, check_limits,
                  check_operations, check_pages, check_decisions):
        check()
    print("1..%d" % len(results))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
