#!/usr/bin/python3
# torch_loss.py - liboverlap's losses as a torch.autograd.Function, through ctypes.
# SPDX-License-Identifier: Apache-2.0
"""Run by itself, it compares gradients with finite differences (torch.autograd.gradcheck). Wants
PyTorch (`script/bootstrap torch`) and liboverlap.so.0, built or installed; LIBOVERLAP names it."""
import ctypes
import os
import sys

import torch

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MAX_NDIM = 7


class Tensor(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("dtype", ctypes.c_int), ("ndim", ctypes.c_int),
                ("shape", ctypes.c_uint64 * MAX_NDIM), ("strides_bytes", ctypes.c_int64 * MAX_NDIM)]


class Options(ctypes.Structure):
    _fields_ = [("loss", ctypes.c_int), ("activation", ctypes.c_int), ("target", ctypes.c_int),
                ("reduction", ctypes.c_int), ("exclude_background", ctypes.c_bool),
                ("batch", ctypes.c_bool), ("soft_labels", ctypes.c_bool),
                ("has_ignore", ctypes.c_bool), ("ignore", ctypes.c_int64),
                ("class_weights", ctypes.POINTER(ctypes.c_double)),
                ("n_class_weights", ctypes.c_size_t), ("smooth_numerator", ctypes.c_double),
                ("smooth_denominator", ctypes.c_double), ("alpha", ctypes.c_double),
                ("beta", ctypes.c_double), ("gamma", ctypes.c_double), ("weighting", ctypes.c_int),
                ("focal_gamma", ctypes.c_double), ("lambda_overlap", ctypes.c_double),
                ("lambda_voxel", ctypes.c_double)]


class Inputs(ctypes.Structure):
    _fields_ = [("prediction", ctypes.POINTER(Tensor)), ("target", ctypes.POINTER(Tensor)),
                ("mask", ctypes.POINTER(Tensor))]


class Offence(ctypes.Structure):
    _fields_ = [("input", ctypes.c_int), ("index", ctypes.c_uint64)]


def _library():
    path = os.environ.get("LIBOVERLAP", os.path.join(ROOT, "build/release/liboverlap.so.0"))
    library = ctypes.CDLL(path if os.path.exists(path) else "liboverlap.so.0")
    library.ov_loss_options_default.restype = Options
    library.ov_status_text.restype = ctypes.c_char_p
    return library


LIBRARY = _library()


def _find(noun, name):
    value = ctypes.c_int()
    if getattr(LIBRARY, "ov_%s_find" % noun)(name.encode(), ctypes.byref(value)) != 0:
        raise ValueError("%r is no %s" % (name, noun.replace("_", " ")))
    return value.value


def _view(tensor):
    """The tensor's memory, as it lies: no copy, whatever its strides."""
    view = Tensor(tensor.data_ptr(), _find("tensor_dtype", str(tensor.dtype).split(".")[-1]),
                  tensor.dim())
    view.shape[:tensor.dim()] = tensor.shape
    view.strides_bytes[:tensor.dim()] = [s * tensor.element_size() for s in tensor.stride()]
    return view


def _options(loss, class_weights, names, numbers):
    options = LIBRARY.ov_loss_options_default()
    options.loss = _find("loss", loss)
    for noun, name in names.items():
        setattr(options, noun, _find(noun, name))
    for name, value in numbers.items():
        setattr(options, name, value)
    if class_weights is not None:
        options.class_weights = (ctypes.c_double * len(class_weights))(*class_weights)
        options.n_class_weights = len(class_weights)
    return options


def _check(status, offence):
    if status != 0:
        text = LIBRARY.ov_status_text(status).decode()
        raise ValueError("%s (%s, element %d)" % (text, ("prediction", "target")[offence.input],
                                                  offence.index))


def _call(tensors, options, n_values, upstream, gradient):
    # The views must live as long as the call.
    prediction, target, mask = (None if t is None else _view(t) for t in tensors)
    inputs = Inputs(ctypes.pointer(prediction), ctypes.pointer(target),
                    None if mask is None else ctypes.pointer(mask))
    by = None if gradient is None else ctypes.byref(_view(gradient))
    values = torch.empty(n_values, dtype=torch.float64)
    offence = Offence()
    _check(LIBRARY.ov_loss_forward_backward(
        ctypes.byref(inputs), ctypes.byref(options),
        ctypes.c_void_p(None if upstream is None else upstream.data_ptr()), by,
        ctypes.c_void_p(values.data_ptr()), ctypes.byref(offence)), offence)
    return values


class OverlapLoss(torch.autograd.Function):
    """Values forward. The gradient is computed backward, when the upstream gradient is known."""

    @staticmethod
    def forward(ctx, prediction, target, options, mask):
        n_values = ctypes.c_uint64()
        _check(LIBRARY.ov_loss_n_values(ctypes.byref(options), ctypes.c_uint64(prediction.shape[0]),
                                        ctypes.c_uint64(prediction.shape[1]),
                                        ctypes.byref(n_values)), Offence())
        ctx.options = options
        ctx.save_for_backward(prediction, target, mask)
        values = _call((prediction, target, mask), options, n_values.value, None, None)
        values = values.to(prediction.dtype)
        return values if n_values.value > 1 or options.reduction > 1 else values[0]

    @staticmethod
    def backward(ctx, upstream):
        prediction = ctx.saved_tensors[0]
        gradient = torch.empty_like(prediction)
        upstream = upstream.detach().to(torch.float64).reshape(-1).contiguous()
        _call(ctx.saved_tensors, ctx.options, upstream.numel(), upstream, gradient)
        return gradient, None, None, None


def overlap_loss(prediction, target, loss="dice", activation="none", kind="labels",
                 reduction="mean", weighting="square", class_weights=None, mask=None, **numbers):
    """Any loss of liboverlap. `numbers` are fields of struct ov_loss_options."""
    names = {"activation": activation, "target": kind, "reduction": reduction,
             "weighting": weighting}
    options = _options(loss, class_weights, names, numbers)
    return OverlapLoss.apply(prediction, target, options, mask)


CHECKED = ("dice", "squared_dice", "iou", "iou_monai", "tversky", "focal_tversky", "log_cosh_dice",
           "log_dice", "generalised_dice", "cross_entropy", "focal", "dice_cross_entropy",
           "dice_focal", "lovasz")


def main():
    torch.manual_seed(1)
    labels = torch.randint(0, 3, (2, 4, 5))
    logits = torch.randn((2, 3, 4, 5), dtype=torch.float64, requires_grad=True)
    last = logits.detach().contiguous(memory_format=torch.channels_last).requires_grad_()
    for loss in CHECKED:
        for activation in ("sigmoid", "softmax"):
            for x in (logits, last):
                def function(z):
                    return overlap_loss(z, labels, loss, activation)
                torch.autograd.gradcheck(function, (x,), eps=1e-6, atol=1e-8)
        print("%s: gradcheck passed" % loss)
    return 0


if __name__ == "__main__":
    sys.exit(main())
