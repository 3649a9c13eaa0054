# page.py - the table of a benchmark: printed as it grows, written to bench/results/ at its end.
# SPDX-License-Identifier: Apache-2.0
import datetime
import os
import sys

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "results")

rows = []


def record(what, value, goal="", met=None):
    rows.append((what, value, goal, "" if met is None else "met" if met else "NOT MET"))
    print("%-78s %-24s %-18s %s" % rows[-1])
    sys.stdout.flush()


def all_met():
    return all(mark != "NOT MET" for *_, mark in rows)


def write(name, title, facts, text):
    """FOLDER/name.md: title, {fact: value}, text and the rows."""
    with open(os.path.join(FOLDER, name + ".md"), "w", encoding="utf-8") as page:
        page.write("# %s\n\nWritten by `script/bench`, %s.\n\n| | |\n|---|---|\n" % (
            title, datetime.date.today().isoformat()))
        page.writelines("| %s | %s |\n" % fact for fact in facts.items())
        page.write("\n%s\n\n| what | value | goal | |\n|---|---|---|---|\n" % text)
        page.writelines("| %s | %s | %s | %s |\n" % row for row in rows)
