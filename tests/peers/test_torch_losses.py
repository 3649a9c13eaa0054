#!/usr/bin/python3
# test_torch_losses.py - losses and gradients next to those of PyTorch and MONAI, on random inputs.
# SPDX-License-Identifier: Apache-2.0
"""float64 within 1e-12, float32 within 1e-6, relative to the largest. Wants `script/bootstrap torch`."""
import contextlib
import io
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PYTHON = os.path.join(ROOT, "build/venv/bin/python")


def skip(reason):
    print("1..1\nok 1 - losses_agree_with_torch_and_monai # SKIP " + reason)
    sys.exit(0)


if os.path.basename(os.environ.get("BUILD", "build/release")) != "release":
    skip("Python does not load a library with sanitizers")
if not os.path.exists(os.path.join(ROOT, "build/venv/requirements-torch.txt")):
    skip("no PyTorch; script/bootstrap torch installs it")
if os.path.abspath(sys.prefix) != os.path.join(ROOT, "build/venv"):
    os.execv(PYTHON, [PYTHON, "-W", "ignore", os.path.abspath(__file__)])

sys.path.insert(0, os.path.join(ROOT, "examples"))

import torch  # noqa: E402
from monai import losses as monai  # noqa: E402
from torch.nn import functional  # noqa: E402

import torch_loss  # noqa: E402

SHAPES = ((2, 4, 9, 11), (1, 3, 70, 80), (3, 2, 5, 6, 7), (2, 5, 33))
results = []


def report(name, faults):
    results.append(not faults)
    print("%sok %d - %s" % ("not " if faults else "", len(results), name))
    for fault in faults:
        print("# " + fault)


def one_hot(labels, n_classes):
    return functional.one_hot(labels, n_classes).movedim(-1, 1)


def distance(ours, theirs):
    scale = theirs.abs().max().item() or 1.0
    return (ours.double() - theirs.double()).abs().max().item() / scale


def compare(name, ours, theirs, x, tolerance):
    """Values and gradients of two functions of x."""
    pairs = []
    for function in (ours, theirs):
        x = x.detach().clone().requires_grad_()
        value = function(x)
        weights = torch.linspace(1, 2, value.numel(), dtype=value.dtype).reshape(value.shape)
        (value * weights).sum().backward()
        pairs.append((value.detach().reshape(-1), x.grad))
    value, slope = (distance(a, b) for a, b in zip(*pairs))
    if value <= tolerance and slope <= tolerance:
        return []
    return ["%s %s %s: value %.3g, gradient %.3g" % (name, tuple(x.shape), x.dtype, value, slope)]


def inputs(shape, dtype, activation):
    x = torch.randn(shape, dtype=dtype) * 2
    if activation == "none":
        x = torch.softmax(x, 1)
    labels = torch.randint(0, shape[1], (shape[0],) + shape[2:])
    # In the prediction's type: what MONAI makes of labels itself is float32 whatever the prediction.
    return x, labels, one_hot(labels, shape[1]).to(dtype)


def activations():
    for shape in SHAPES:
        for dtype, tolerance in ((torch.float64, 1e-12), (torch.float32, 1e-6)):
            for activation in ("none", "sigmoid", "softmax"):
                yield shape, dtype, tolerance, activation, dict(
                    sigmoid=activation == "sigmoid", softmax=activation == "softmax")


MONAI = {
    "dice": lambda **o: monai.DiceLoss(**o),
    "squared_dice": lambda **o: monai.DiceLoss(squared_pred=True, **o),
    "iou_monai": lambda **o: monai.DiceLoss(jaccard=True, **o),
    "tversky": lambda **o: monai.TverskyLoss(alpha=.3, beta=.7, **o),
}
CHOICES = (dict(), dict(exclude_background=True), dict(batch=True), dict(reduction="sum"),
           dict(reduction="none"))


def choice(options):
    """The same options in MONAI's words."""
    theirs = dict(options)
    if theirs.pop("exclude_background", False):
        theirs["include_background"] = False
    return theirs


def test_overlap_losses():
    for loss, peer in MONAI.items():
        faults = []
        for shape, dtype, tolerance, activation, words in activations():
            for options in CHOICES:
                x, labels, truth = inputs(shape, dtype, activation)
                theirs = peer(smooth_nr=1e-5, smooth_dr=1e-5, **words,
                              **choice(options))
                faults += compare(
                    loss + str(options),
                    lambda z: torch_loss.overlap_loss(z, labels, loss, activation, alpha=.3,
                                                      beta=.7, **options),
                    lambda z: theirs(z, truth), x, tolerance)
        report("%s_agrees_with_monai" % loss, faults)


def test_generalised_dice():
    faults = []
    for shape, dtype, tolerance, activation, words in activations():
        for weighting in ("uniform", "square", "simple"):
            for options in (dict(), dict(reduction="sum"), dict(exclude_background=True)):
                x, labels, truth = inputs(shape, dtype, activation)
                theirs = monai.GeneralizedDiceLoss(w_type=weighting, **words,
                                                   **choice(options))
                # MONAI's weights are float32 whatever the prediction is; "uniform" has none.
                tolerance = max(tolerance, 0 if weighting == "uniform" else 1e-6)
                faults += compare(
                    "generalised " + weighting,
                    lambda z: torch_loss.overlap_loss(z, labels, "generalised_dice", activation,
                                                      weighting=weighting, **options),
                    lambda z: theirs(z, truth), x, tolerance)
    report("generalised_dice_agrees_with_monai", faults)


def test_soft_labels():
    faults = []
    for shape in SHAPES:
        for loss in ("dice", "iou_monai", "tversky"):
            x = torch.rand(shape, dtype=torch.float64)
            target = torch.rand(shape, dtype=torch.float64)
            theirs = MONAI[loss](soft_label=True)
            faults += compare(
                loss, lambda z: torch_loss.overlap_loss(z, target, loss, kind="soft",
                                                        soft_labels=True, alpha=.3, beta=.7),
                lambda z: theirs(z, target), x, 1e-12)
    report("soft_labels_agree_with_monai", faults)


def test_cross_entropy():
    faults = []
    for shape, dtype, tolerance, activation, _ in activations():
        x, labels, truth = inputs(shape, dtype, activation)
        weights = torch.linspace(.5, 2, shape[1], dtype=dtype)
        labels.view(-1)[::5] = -100
        if activation == "softmax":
            faults += compare(
                "cross_entropy",
                lambda z: torch_loss.overlap_loss(z, labels, "cross_entropy", "softmax",
                                                  class_weights=weights.tolist(), has_ignore=True,
                                                  ignore=-100),
                lambda z: functional.cross_entropy(z, labels, weights), x, tolerance)
        elif activation == "sigmoid":
            faults += compare(
                "binary cross_entropy",
                lambda z: torch_loss.overlap_loss(z, truth, "cross_entropy", "sigmoid", "soft"),
                lambda z: functional.binary_cross_entropy_with_logits(z, truth), x, tolerance)
        else:
            faults += compare(
                "cross_entropy of probabilities",
                lambda z: torch_loss.overlap_loss(z, labels, "cross_entropy", has_ignore=True,
                                                  ignore=-100),
                lambda z: functional.nll_loss(z.log(), labels), x, tolerance)
    report("cross_entropy_agrees_with_torch", faults)


def test_sums_of_two():
    faults = []
    for shape, dtype, tolerance, activation, words in activations():
        x, labels, truth = inputs(shape, dtype, activation)
        if activation == "softmax":
            theirs = monai.DiceCELoss(lambda_dice=.7, lambda_ce=1.3, **words)
            faults += compare(
                "dice_cross_entropy",
                lambda z: torch_loss.overlap_loss(z, labels, "dice_cross_entropy", "softmax",
                                                  lambda_overlap=.7, lambda_voxel=1.3),
                lambda z: theirs(z, truth), x, tolerance)
        if activation == "sigmoid":
            theirs = monai.DiceFocalLoss(gamma=2.0, **words)  # its focal part is float32
            faults += compare(
                "dice_focal",
                lambda z: torch_loss.overlap_loss(z, labels, "dice_focal", "sigmoid"),
                lambda z: theirs(z, truth), x, 1e-6)
    report("sums_of_two_losses_agree_with_monai", faults)


def test_masks():
    faults = []
    for shape in SHAPES:
        x, labels, truth = inputs(shape, torch.float64, "sigmoid")
        mask = (torch.rand((shape[0], 1) + shape[2:]) < .7).to(torch.uint8)
        theirs = monai.MaskedDiceLoss(sigmoid=False)
        faults += compare(
            "masked", lambda z: torch_loss.overlap_loss(z.sigmoid(), labels, mask=mask),
            lambda z: theirs(z.sigmoid(), truth, mask), x, 1e-12)
    report("masks_agree_with_monai", faults)


def test_gradcheck():
    faults = []
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            torch_loss.main()
    except Exception as error:  # gradcheck's own type, with the numbers in its text
        faults = str(error).splitlines()
    report("every_gradient_passes_gradcheck", faults)


def main():
    torch.manual_seed(7)
    for test in (test_overlap_losses, test_generalised_dice, test_soft_labels, test_cross_entropy,
                 test_sums_of_two, test_masks, test_gradcheck):
        test()
    print("1..%d" % len(results))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
