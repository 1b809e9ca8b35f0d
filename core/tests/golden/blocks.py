"""Convolutions and pools, forward and backward, by PyTorch: writes blocks.txt beside this file.

    python blocks.py        # needs torch; the file was made with 2.15

A case is a line with the block, its sizes (outputs, kernel height and width, stride, padding; size and stride of a pool) and the shape of
its input (samples, channels, height, width). The lines after it have the numbers of: the weights and the bias (a convolution's), x, the
gradient in the output, the output, the gradient in x, those in the weights and in the bias. All inputs are multiples of 1/64, and the
results are computed in double precision.
"""

import pathlib

import torch
from torch.nn import functional

CONVOLUTIONS = [
    # outputs, kernel, stride, padding, input
    (3, (3, 3), 1, 1, (2, 2, 5, 4)),
    (2, (3, 2), 2, 1, (1, 3, 6, 5)),
    (2, (1, 1), 1, 0, (2, 3, 3, 2)),
    (1, (2, 3), 3, 2, (2, 1, 7, 5)),
    (2, (5, 1), 1, 2, (1, 2, 4, 3)),
    (2, (4, 4), 2, 0, (1, 1, 9, 8)),
    (2, (3, 3), 4, 3, (2, 1, 3, 3)),
]
POOLS = [(2, 2, (2, 2, 4, 6)), (3, 2, (1, 2, 7, 8)), (2, 1, (2, 1, 3, 4)), (3, 3, (1, 1, 8, 7)), (2, 3, (1, 2, 6, 5))]


def numbers(generator, *shape):
    return torch.randint(-64, 64, shape, generator=generator, dtype=torch.int64).double() / 64


def line(tensor):
    return " ".join(repr(x) for x in tensor.detach().flatten().tolist())


def main():
    generator = torch.Generator().manual_seed(1)
    lines = []
    for outputs, kernel, stride, padding, shape in CONVOLUTIONS:
        w = numbers(generator, outputs, shape[1], *kernel).requires_grad_()
        b = numbers(generator, outputs).requires_grad_()
        x = numbers(generator, *shape).requires_grad_()
        y = functional.conv2d(x, w, b, stride=stride, padding=padding)
        g = numbers(generator, *y.shape)
        y.backward(g)
        lines.append(" ".join(map(str, ("conv", outputs, *kernel, stride, padding, *shape))))
        lines.extend(line(tensor) for tensor in (w, b, x, g, y, x.grad, w.grad, b.grad))
    for size, stride, shape in POOLS:
        for name, pool in (("max", functional.max_pool2d), ("average", functional.avg_pool2d)):
            # No two numbers are equal, so that the largest of a window is one.
            count = torch.Size(shape).numel()
            x = (torch.randperm(count, generator=generator).double() / 64 - 1).reshape(shape).requires_grad_()
            y = pool(x, size, stride=stride)
            g = numbers(generator, *y.shape)
            y.backward(g)
            lines.append(" ".join(map(str, (name, size, stride, *shape))))
            lines.extend(line(tensor) for tensor in (x, g, y, x.grad))
    pathlib.Path(__file__).with_suffix(".txt").write_text("\n".join(lines) + "\n")


main()
