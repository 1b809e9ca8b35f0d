"""The same training in PyTorch: a dense ReLU network, mini-batches of 128, fused Adam, a step that falls linearly.

Prints a line of JSON an epoch, as `altmin train --json` does: test accuracy, and seconds of training without evaluation."""

import argparse
import gzip
import json
import pathlib
import time

import torch


def idx(folder, name):
    path = pathlib.Path(folder) / name
    data = path.read_bytes() if path.exists() else gzip.decompress(path.with_name(name + ".gz").read_bytes())
    axes = data[3]
    shape = [int.from_bytes(data[4 + 4 * axis : 8 + 4 * axis], "big") for axis in range(axes)]
    return torch.frombuffer(bytearray(data[4 + 4 * axes :]), dtype=torch.uint8).reshape(shape)


def images(folder, name):
    """Averages over 2 x 2 pixels, from 0 to 1."""
    pixels = idx(folder, name).float() / 255
    return torch.nn.functional.avg_pool2d(pixels[:, None], 2).flatten(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--hidden", type=int, nargs="+", required=True)
    parser.add_argument("--samples", type=int, default=55000)
    parser.add_argument("--sweeps", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(given.seed)
    x, y = images(given.folder, "train-images-idx3-ubyte"), idx(given.folder, "train-labels-idx1-ubyte").long()
    x, y = x[: given.samples], y[: given.samples]
    tests, labels = images(given.folder, "t10k-images-idx3-ubyte"), idx(given.folder, "t10k-labels-idx1-ubyte").long()

    layers, width = [], x.shape[1]
    for hidden in [*given.hidden, 10]:
        layers += [torch.nn.Linear(width, hidden), torch.nn.ReLU()]
        torch.nn.init.kaiming_normal_(layers[-2].weight)
        torch.nn.init.zeros_(layers[-2].bias)
        width = hidden
    network = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.Adam(network.parameters(), lr=given.rate, fused=True)
    batches = -(-len(x) // 128)
    steps = given.sweeps * batches
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda k: max(1 - k / steps, 1 / steps))
    seconds = 0.0
    for sweep in range(1, given.sweeps + 1):
        start = time.perf_counter()
        order = torch.randperm(len(x))
        for batch in order.chunk(batches):
            optimizer.zero_grad(set_to_none=True)
            torch.nn.functional.cross_entropy(network(x[batch]), y[batch]).backward()
            optimizer.step()
            schedule.step()
        seconds += time.perf_counter() - start
        with torch.no_grad():
            accuracy = (network(tests).argmax(1) == labels).float().mean().item()
        row = {"kind": "sweep", "sweep": sweep, "test_accuracy": accuracy, "seconds": seconds}
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
