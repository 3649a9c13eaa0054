#!/usr/bin/python3
# test_budget - a hot path that costs more than its budget fails make bench-check.
# SPDX-License-Identifier: Apache-2.0
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUDGET = os.path.join(ROOT, "bench/budget.json")
# In place of the real program, which is a stage of its own: a path of a known number of instructions.
SOURCE = """
#include <valgrind/callgrind.h>
int main(void)
{
    CALLGRIND_ZERO_STATS;
    CALLGRIND_START_INSTRUMENTATION;
    for (volatile int i = 0; i < 10000; i++)
        continue;
    CALLGRIND_STOP_INSTRUMENTATION;
    CALLGRIND_DUMP_STATS_AT("a loop");
    return 0;
}
"""
results = []


def report(ok, name, output=""):
    results.append(ok)
    print("%sok %d - %s" % ("" if ok else "not ", len(results), name))
    if not ok:
        print("# " + output.replace("\n", "\n# "))


def budget(command, program, path):
    done = subprocess.run([os.path.join(ROOT, "bench/budget"), command, program, path], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.returncode, done.stdout


def expect(status, name, program, folder, content):
    path = os.path.join(folder, "budget.json")
    with open(path, "w", encoding="ascii") as file:
        json.dump(content, file)
    found, output = budget("check", program, path)
    report(found == status, name, output)


def main():
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, "loop")
        path = os.path.join(folder, "recorded.json")
        subprocess.run(["gcc", "-O1", "-x", "c", "-", "-o", program], input=SOURCE.encode(),
                       check=True)
        status, output = budget("record", program, path)
        with open(path, encoding="ascii") as file:
            n = json.load(file)["a loop"]
        # gcc makes 4 to 7 of each turn.
        report(status == 0 and 40000 <= n <= 80000, "record writes what was counted", output)
        expect(0, "2 % more than the budget passes", program, folder, {"a loop": int(n / 1.02)})
        expect(1, "4 % more than the budget fails", program, folder, {"a loop": int(n / 1.04)})
        expect(1, "a path without a budget fails", program, folder, {})
        expect(1, "a budget without its path fails", program, folder, {"a loop": n, "gone": 1})
        with open(BUDGET, encoding="ascii") as file:
            report(len(json.load(file)) >= 8, "every hot path has a budget")
    print("1..%d" % len(results))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
