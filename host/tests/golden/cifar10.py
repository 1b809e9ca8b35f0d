"""Numbers of CIFAR-10's binary files that a reader must reproduce, made with numpy alone.

    python3 cifar10.py FOLDER > cifar10.csv

FOLDER holds data_batch_1.bin.gz and test_batch.bin.gz. Lines are name,number,... of the training
file and then of the test file.
"""

import gzip
import sys

import numpy as np


def read(name):
    records = np.frombuffer(gzip.open(f"{sys.argv[1]}/{name}.bin.gz").read(), np.uint8).reshape(-1, 3073)
    return records[:, 0], records[:, 1:].reshape(-1, 3, 32, 32)


def line(name, *numbers):
    print(",".join([name] + [repr(float(number)) for number in numbers]))


for name in ["data_batch_1", "test_batch"]:
    labels, images = read(name)
    line("samples", len(labels))
    line("counts", *np.bincount(labels, minlength=10))
    line("labels", *labels[:20])
    # Image, channel, row, column and byte.
    for place in [(0, 0, 0, 0), (0, 2, 31, 31), (7, 1, 3, 29), (1234, 2, 30, 2), (len(labels) - 1, 0, 17, 5)]:
        line("pixel", *place, images[place])
    pixels = images / 255.0
    # Moments of each channel over the first images, and over all.
    for first in [500, len(labels)]:
        line("mean", first, *pixels[:first].mean(axis=(0, 2, 3)))
        line("deviation", first, *pixels[:first].std(axis=(0, 2, 3)))
    pooled = pixels.reshape(-1, 3, 16, 2, 16, 2).mean(axis=(3, 5))
    for place in [(0, 0, 0, 0), (3, 1, 15, 7), (999, 2, 4, 15)]:
        line("pooled", *place, pooled[place])
