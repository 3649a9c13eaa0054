#!/usr/bin/python3
# loss.py - losses next to PyTorch + MONAI and to the memory's speed: bench/loss.py [ROUNDS]
# SPDX-License-Identifier: Apache-2.0
"""Both sides take turns in one run, on the same cores; the best of each is compared. Wants build/venv
of `script/bootstrap torch` and the machine for itself. Writes bench/results/loss.md."""
import json
import os
import platform
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PYTHON = os.path.join(ROOT, "build/venv/bin/python")
SIDE, CLASSES = 128, 14

PEER = """
import json, sys, time
import torch
from monai.losses import DiceLoss
threads, classes, side = (int(a) for a in sys.argv[1:])
torch.set_num_threads(threads)
torch.manual_seed(1)
labels = torch.randint(0, classes, (1, 1) + (side // 8,) * 3).repeat_interleave(8, 2)
labels = labels.repeat_interleave(8, 3).repeat_interleave(8, 4)
x = torch.rand((1, classes) + (side,) * 3, requires_grad=True)
for name, loss in (("none", DiceLoss(to_onehot_y=True)),
                   ("sigmoid", DiceLoss(to_onehot_y=True, sigmoid=True)),
                   ("softmax", DiceLoss(to_onehot_y=True, softmax=True))):
    best = None
    for _ in range(4):
        x.grad = None
        begin = time.perf_counter()
        loss(x, labels).backward()
        took = time.perf_counter() - begin
        best = took if best is None else min(best, took)
    print(json.dumps([name, 1e3 * best]))
print(json.dumps(["torch", torch.__version__]))
"""


def ours(threads):
    """{(isa, activation): [read, write, forward, backward, share]} in ms."""
    command = [os.path.join(ROOT, "build/release/bench/loss"), str(CLASSES), str(SIDE), str(threads)]
    lines = subprocess.check_output(command, text=True).splitlines()[1:]
    return {tuple(l.split()[:2]): [float(x) for x in l.split()[2:]] for l in lines}


def peer(threads):
    command = [PYTHON, "-W", "ignore", "-c", PEER, str(threads), str(CLASSES), str(SIDE)]
    return dict(json.loads(l) for l in subprocess.check_output(command, text=True).splitlines())


def better(old, new):
    return new if old is None or new[2] + new[3] < old[2] + old[3] else old


def measure(threads, rounds):
    best, theirs = {}, {}
    for _ in range(rounds):
        for key, value in ours(threads).items():
            best[key] = better(best.get(key), value)
        for key, value in peer(threads).items():
            theirs[key] = value if key == "torch" else min(value, theirs.get(key, value))
    return best, theirs


GOALS = {"none": (.75, 25), "softmax": (.45, 15)}


def rows(threads, best, theirs):
    for (isa, activation), (read, write, forward, backward, share) in sorted(best.items()):
        ratio = theirs[activation] / (forward + backward)
        yield "| %d | %s | %s | %.1f + %.1f | %.1f + %.1f | %.2f | %.0f | %.1f |" % (
            threads, isa, activation, read, write, forward, backward, share,
            theirs[activation], ratio)


def cpu():
    with open("/proc/cpuinfo", encoding="ascii") as info:
        return next(l.split(":")[1].strip() for l in info if l.startswith("model name"))


TEXT = """# Losses

Soft Dice, float32 `[1, %d, %d, %d, %d]`, labels of one byte: forward and gradient, next to
reading the prediction and writing the gradient once in the same process, and next to PyTorch
%s with MONAI's `DiceLoss` forward and backward in turns on the same cores. Milliseconds,
rounds: %d, the best of each. `share` is the time that memory needs (with an activation the logits
are read twice) over ours. %s, %d cores, %s; load average before: %.1f.
Made by `bench/loss.py`.

| threads | kernels | activation | read + write | forward + gradient | share | PyTorch + MONAI | ratio |
|---|---|---|---|---|---|---|---|
"""


def main():
    rounds = int(sys.argv[1]) if sys.argv[1:] and sys.argv[1].isdigit() else 3
    if not os.access(PYTHON, os.X_OK):
        print("loss: no build/venv; script/bootstrap torch makes it")
        return 0
    subprocess.check_call(["make", "-s", "build/release/bench/loss"], cwd=ROOT)
    load = os.getloadavg()[0]
    lines, met = [], True
    for threads in sorted({1, os.cpu_count()}):
        best, theirs = measure(threads, rounds)
        lines += rows(threads, best, theirs)
    text = TEXT % (CLASSES, SIDE, SIDE, SIDE, theirs["torch"].split("+")[0], rounds, cpu(),
                   os.cpu_count(), platform.system(), load)
    for activation, (share, ratio) in GOALS.items():
        read, write, forward, backward, reached = max(
            (v for (_, a), v in best.items() if a == activation), key=lambda v: v[4])
        times = theirs[activation] / (forward + backward)
        is_met = reached >= share and times >= ratio
        met = met and is_met
        lines.append("\nActivation %s, all cores: share %.2f (goal %.2f), ratio %.1f (goal %d): %s." % (
            activation, reached, share, times, ratio, "met" if is_met else "not met"))
    text += "\n".join(lines) + "\n"
    print(text)
    with open(os.path.join(ROOT, "bench/results/loss.md"), "w", encoding="utf-8") as file:
        file.write(text)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
