#!/usr/bin/python3 -B
# test_chaos.py - a short run of chaos.py; CHAOS_REQUESTS says how long (the long run is 10000).
# SPDX-License-Identifier: Apache-2.0
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import chaos
from overlapd import main, scaled, test

REQUESTS = int(os.environ.get("CHAOS_REQUESTS", scaled(800, 500)))
OUTCOME = {}


@test
def the_daemon_outlives_chaos_and_everything_comes_back():
    OUTCOME["done"], OUTCOME["faults"] = chaos.run(REQUESTS)


@test
def no_answer_was_wrong_and_no_client_waited_in_vain():
    assert not OUTCOME["faults"], "%d faults" % len(OUTCOME["faults"])


@test
def every_temper_had_its_turn():
    assert len(OUTCOME["done"]) >= 9, OUTCOME["done"]


main()
