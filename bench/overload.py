#!/usr/bin/python3 -B
# overload.py - slow crowds, no descriptors, bombs: what good clients notice of them: bench/overload.py
# SPDX-License-Identifier: Apache-2.0
"""Prints a table of value and goal and writes it, with the machine's facts, to
bench/results/overload.md. Needs build/release and 12,000 descriptors. tests/api/overload.py does what
is measured; tests/api/test_overload.py has the same with fewer."""
import argparse
import os
import statistics
import sys

import page
from harness import ROOT, OtherLoad, machine
from page import record

sys.path[0] = os.path.join(ROOT, "tests/api")  # bench/http.py is not the http that they mean
os.chdir(ROOT)
from overload import bombs, few_descriptors, no_descriptors, slow_clients  # noqa: E402

MIB = 1 << 20
DEADLINE_S = 5
BUDGET_BYTES = 1 << 30

TEXT = """Clients and daemon share this machine. Good requests are scores of four voxels, 50 a second, each of
its own connection, timed from when they were due; their slowest hundredth and what takes seconds
depend on the machine's other load. Slow clients send or read some bytes every 3 s; all deadlines
are %d s. Memory is what the process holds more than before. A gzip bomb unpacks to 1 GiB and says
so; a zstd frame asks for a window of 2 GiB; what finds no place in the queue gets 503."""


def at_most(what, value, text, limit, goal):
    record(what, text, "at most " + goal, value <= limit)


def bench_slow(counts):
    """Three times: the worst of each counts, but of the ratio the median, as other load disturbs it most."""
    names = "%d slow headers, %d slow bodies, %d slow reads" % tuple(counts.values())
    seen = [slow_clients(counts, 1000, DEADLINE_S, 10) for _ in range(3)]

    def worst(figure):
        return max(one[figure] for one in seen)

    def each(figure):
        return ", ".join("%.1f" % (1e3 * one[figure]) for one in seen) + " ms"

    record(names + ": good requests beside them, three runs", "%d" % sum(one["beside_n"] for one in seen))
    at_most("good requests that failed", worst("beside_failed"), "%d" % worst("beside_failed"), 0, "0")
    record("a good request, median: alone", each("alone_p50_s"))
    record("a good request, median: beside them", each("beside_p50_s"))
    record("a good request, 99 of 100: alone", each("alone_p99_s"))
    record("a good request, 99 of 100: beside them", each("beside_p99_s"))
    ratio = statistics.median(one["beside_p99_s"] / one["alone_p99_s"] for one in seen)
    at_most("99 of 100, beside / alone, median", ratio, "%.1fx" % ratio, 2, "2x")
    for kind in counts:
        longest_s = max(one["lasted_s"][kind] for one in seen)
        at_most("the longest %s, deadline %d s" % (kind, DEADLINE_S), longest_s, "%.2f s" % longest_s,
                DEADLINE_S + 1, "%d s" % (DEADLINE_S + 1))
    at_most("slow connections left open", worst("open"), "%d" % worst("open"), 0, "0")
    memory = worst("memory_bytes")
    at_most("memory", memory, "%.0f MiB" % (memory / MIB), 64 * MIB, "64 MiB")
    record("lines of log", "%d" % worst("log_lines"))


def bench_descriptors(what, seen):
    record(what, "%d" % seen.get("connects", 0))
    share = seen["processor_share"]
    at_most("one processor's time meanwhile", share, "%.1f %%" % (100 * share), 0.05, "5 %")
    at_most("lines of log", seen["log_lines"], "%d" % seen["log_lines"], 100, "100")
    at_most("the first good answer, once there are some", seen["answer_s"],
            "%.0f ms" % (1e3 * seen["answer_s"]), 0.1, "100 ms")


def bench_bombs(n):
    for kind in ("gzip file", "gzip body", "zstd file", "zstd body"):
        seen = bombs([kind], n, 1 << 30, BUDGET_BYTES)
        record("%d times a %s at once: statuses" % (n, kind), ", ".join(map(str, seen["statuses"])),
               "413, 422, 503", set(seen["statuses"]) <= {413, 422, 503})
        at_most("the longest from its last byte to its refusal", seen["longest_s"], "%.2f s" % seen["longest_s"], 1, "1 s")
        at_most("memory, of a budget of 1 GiB", seen["memory_bytes"],
                "%.0f MiB" % (seen["memory_bytes"] / MIB), BUDGET_BYTES + 64 * MIB, "1088 MiB")
        at_most("of %d good requests, failed" % seen["beside_n"], seen["beside_failed"],
                "%d" % seen["beside_failed"], 0, "0")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, help="not used")
    parser.add_argument("--fewer", type=int, default=1, help="divides every number of clients")
    fewer = parser.parse_args().fewer
    other_load = OtherLoad()
    bench_slow({"header": 4000 // fewer, "body": 1000 // fewer, "read": 1000 // fewer})
    bench_descriptors("connects to a daemon with 64 descriptors", few_descriptors(10000 // fewer, 5))
    bench_descriptors("the same with no connection, but files in every descriptor", no_descriptors(5))
    bench_bombs(256 // fewer)
    facts = {k: v for k, v in machine().items() if k not in ("nginx", "wrk")}
    facts["other load"] = "%.0f %%" % other_load.percent()
    print("other load: " + facts["other load"])
    if fewer == 1:
        page.write("overload", "Overload", facts, TEXT % DEADLINE_S)
    return 0 if page.all_met() else 1


if __name__ == "__main__":
    sys.exit(main())
