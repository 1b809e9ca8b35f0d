"""A small network with batch normalisation of images and of flat samples, trained by PyTorch: writes batch_norm.txt beside this file.

    python batch_norm.py        # needs torch; the file was made with 2.15

Three lines come first: x (samples, channels, height, width), the classes, and the parameters before the first step. For each optimiser follow
a line with its name and numbers, the parameters after an epoch of mini-batches in the order of the samples, and what the network says
of x then. Parameters: of each block with any weight, bias, and of batch normalisation running mean and variance. All in double precision;
weight decay is for the weights of the convolution and of the fully connected maps.
"""

import pathlib

import torch
from torch import nn

SAMPLES, BATCH, SHAPE, CLASSES = 15, 5, (2, 4, 3), 3


def network():
    # Not right after a bias, whose gradient would be nothing but rounding, which Adam enlarges.
    image = [nn.Conv2d(2, 3, (2, 2)), nn.Tanh(), nn.BatchNorm2d(3), nn.Flatten()]
    return nn.Sequential(*image, nn.Linear(18, 6), nn.Tanh(), nn.BatchNorm1d(6), nn.Linear(6, CLASSES)).double()


def line(tensors):
    return " ".join(repr(x) for tensor in tensors for x in tensor.detach().flatten().tolist())


def parameters(net):
    for module in net:
        yield from module.parameters()
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            yield from (module.running_mean, module.running_var)


def groups(net, decay):
    weights = [net[0].weight, net[4].weight, net[7].weight]
    others = [p for p in net.parameters() if all(p is not w for w in weights)]
    return [{"params": weights, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]


OPTIMIZERS = [
    ("gd 0.125 0.875", lambda net: torch.optim.SGD(net.parameters(), lr=0.125, momentum=0.875)),
    ("adamw 0.0625 0.5", lambda net: torch.optim.AdamW(groups(net, 0.5), lr=0.0625)),
]


def main():
    generator = torch.Generator().manual_seed(3)

    def numbers(*shape):
        return torch.randint(-64, 64, shape, generator=generator).double() / 64

    x = numbers(SAMPLES, *SHAPE) + 1
    classes = torch.randint(0, CLASSES, (SAMPLES,), generator=generator)
    start = network()
    for p in start.parameters():
        p.data = numbers(*p.shape)
    lines = [line([x]), line([classes]), line(parameters(start))]
    for name, make in OPTIMIZERS:
        net = network()
        net.load_state_dict(start.state_dict())
        optimizer = make(net)
        net.train()
        for first in range(0, SAMPLES, BATCH):
            optimizer.zero_grad()
            batch = slice(first, first + BATCH)
            nn.functional.cross_entropy(net(x[batch]), classes[batch]).backward()
            optimizer.step()
        net.eval()
        lines.extend([name, line(parameters(net)), line([net(x)])])
    pathlib.Path(__file__).with_suffix(".txt").write_text("\n".join(lines) + "\n")


main()
