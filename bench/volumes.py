# volumes.py - pairs of made-up label volumes, alike from run to run.
# SPDX-License-Identifier: Apache-2.0
"""Organs are ellipsoids in a body, bent a little; the prediction has each of them a voxel or two
away, and a dozen blobs where there is nothing."""
import numpy

SHAPE = (512, 512, 300)


def _paint(volume, centre, radii, label):
    """An ellipsoid, its middle bent along the first axis by the last."""
    low = [max(0, int(c - 1.3 * r)) for c, r in zip(centre, radii)]
    high = [min(n, int(c + 1.3 * r) + 1) for c, r, n in zip(centre, radii, volume.shape)]
    if any(a >= b for a, b in zip(low, high)):
        return
    grid = numpy.ogrid[tuple(slice(a, b) for a, b in zip(low, high))]
    bend = 0.2 * radii[0] * numpy.sin(grid[2] * 6.0 / radii[2])
    inside = (((grid[0] - centre[0] - bend) / radii[0]) ** 2
              + ((grid[1] - centre[1]) / radii[1]) ** 2
              + ((grid[2] - centre[2]) / radii[2]) ** 2) <= 1
    volume[tuple(slice(a, b) for a, b in zip(low, high))][inside] = label


def pair(n_labels, dtype="uint8", shape=SHAPE, seed=1):
    """(prediction, reference), x-fastest, with labels 0 .. n_labels - 1."""
    random = numpy.random.default_rng(seed)
    masks = [numpy.zeros(shape, dtype, order="F") for _ in range(2)]
    extent = numpy.array(shape)
    largest = 0.32 * extent / max(1.0, (n_labels / 4) ** (1 / 3))
    for label in range(1, n_labels):
        centre = extent / 2 + (random.random(3) - 0.5) * 0.6 * extent
        radii = largest * (0.5 + 0.5 * random.random(3))
        _paint(masks[1], centre, radii, label)
        _paint(masks[0], centre + random.normal(0, 2, 3), radii, label)
    for label in random.integers(1, n_labels, 12):
        _paint(masks[0], random.random(3) * extent, numpy.full(3, 6.0), label)
    return masks
