#!/usr/bin/python3
# train_losses.py - a small U-Net on made histology, trained with Dice, IoU and cross-entropy.
# SPDX-License-Identifier: Apache-2.0
"""train_losses.py [SEEDS [STEPS [FILE]]]: writes the Dice of each class on images not trained with, per
loss, seed and step, as CSV. Wants PyTorch (`script/bootstrap torch`) and liboverlap.so.0.

Tissue with two kinds of nuclei: common ones, and rare ones that differ by their texture alone and
cover about one voxel in a hundred. All losses see the same images in the same order and start from
the same weights; the seed decides all three."""
import csv
import sys

import torch
from torch import nn

from torch_loss import overlap_loss

SIDE, BATCH, N_TEST, EVERY = 48, 8, 64, 50
LOSSES = ("dice", "iou", "cross_entropy")
CLASSES = ("tissue", "common", "rare")


def disc(generator, radius_low, radius_high):
    centre = torch.rand(2, generator=generator) * SIDE
    radius = radius_low + (radius_high - radius_low) * torch.rand(1, generator=generator)
    stretch = 0.7 + 0.6 * torch.rand(1, generator=generator)
    y, x = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    return (((y - centre[0]) * stretch) ** 2 + ((x - centre[1]) / stretch) ** 2) < radius ** 2


def image(generator):
    """An image [1, SIDE, SIDE] and its labels. One image in three has a rare nucleus."""
    labels = torch.zeros((SIDE, SIDE), dtype=torch.uint8)
    pixels = 0.65 + 0.08 * torch.randn((SIDE, SIDE), generator=generator)
    stain = 0.85 + 0.3 * torch.rand(1, generator=generator)
    for _ in range(int(torch.randint(4, 9, (1,), generator=generator))):
        labels[disc(generator, 3, 6)] = 1
    if torch.rand(1, generator=generator) < 0.35:
        labels[disc(generator, 3, 4.5)] = 2
    checks = (torch.arange(SIDE)[:, None] + torch.arange(SIDE)[None]) % 4 < 2
    dark = 0.35 + 0.1 * torch.randn((SIDE, SIDE), generator=generator)
    pixels = torch.where(labels == 1, dark, pixels)
    pixels = torch.where(labels == 2, dark + 0.25 * (checks.float() - 0.5), pixels)
    return (pixels * stain)[None], labels


def batch(generator, n):
    pairs = [image(generator) for _ in range(n)]
    return torch.stack([p for p, _ in pairs]), torch.stack([l for _, l in pairs])


def convolutions(n_in, n_out):
    return nn.Sequential(nn.Conv2d(n_in, n_out, 3, padding=1), nn.BatchNorm2d(n_out), nn.ReLU(),
                         nn.Conv2d(n_out, n_out, 3, padding=1), nn.BatchNorm2d(n_out), nn.ReLU())


class UNet(nn.Module):
    """Two halvings, two doublings, a shortcut at each size."""

    def __init__(self, width=8):
        super().__init__()
        self.down1 = convolutions(1, width)
        self.down2 = convolutions(width, 2 * width)
        self.bottom = convolutions(2 * width, 4 * width)
        self.up2 = convolutions(6 * width, 2 * width)
        self.up1 = convolutions(3 * width, width)
        self.last = nn.Conv2d(width, len(CLASSES), 1)
        self.halve = nn.MaxPool2d(2)
        self.enlarge = nn.Upsample(scale_factor=2)

    def forward(self, x):
        fine = self.down1(x)
        middle = self.down2(self.halve(fine))
        x = self.enlarge(self.bottom(self.halve(middle)))
        x = self.enlarge(self.up2(torch.cat((x, middle), 1)))
        return self.last(self.up1(torch.cat((x, fine), 1)))


@torch.no_grad()
def dice(network, images, labels):
    """Per class, from counts over all test images."""
    network.eval()
    found = network(images).argmax(1)
    network.train()
    both = [((found == c) & (labels == c)).sum().item() for c in range(len(CLASSES))]
    sizes = [((found == c).sum() + (labels == c).sum()).item() for c in range(len(CLASSES))]
    return [2 * b / s if s else float("nan") for b, s in zip(both, sizes)]


def train(loss, seed, steps):
    torch.manual_seed(seed)
    network = UNet()
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    test = batch(torch.Generator().manual_seed(10 ** 6), N_TEST)
    generator = torch.Generator().manual_seed(seed)
    for step in range(1, steps + 1):
        images, labels = batch(generator, BATCH)
        optimizer.zero_grad()
        overlap_loss(network(images), labels, loss, "softmax", batch=True).backward()
        optimizer.step()
        if step % EVERY == 0:
            yield step, dice(network, *test)


def main():
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 6
    steps = int(sys.argv[2]) if len(sys.argv) > 2 else 400
    torch.set_num_threads(1)
    with open(sys.argv[3] if len(sys.argv) > 3 else "/dev/stdout", "w", encoding="ascii") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(("loss", "seed", "step") + CLASSES)
        for seed in range(seeds):
            for loss in LOSSES:
                for step, scores in train(loss, seed, steps):
                    out.writerow([loss, seed, step] + ["%.4f" % s for s in scores])
                    file.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
