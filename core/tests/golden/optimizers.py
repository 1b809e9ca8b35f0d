"""Parameters on the way down, by PyTorch's optimisers: writes optimizers.txt beside this file.

    python optimizers.py        # needs torch; the file was made with 2.15, momentum and adamw with 1.13

A line with the optimiser, the precision and the numbers of its settings begins a case; the lines after it have the number of steps
made and the parameters. All settings are exact in the precision that they are for.
"""

import pathlib

import torch

N = 6
STEPS = 60
SHOWN = (1, 2, 3, 10, 30, 60)


def gradient(x):
    """Of 1/2 sum d_i (x_i - i)^2 + 1/40 sum (x_{i+1} - x_i^2)^2, d_i = 4^(i-3): curved and badly scaled."""
    g = torch.empty_like(x)
    for i in range(N):
        g[i] = 4.0 ** (i - 3) * (x[i] - i)
    for i in range(N - 1):
        e = (x[i + 1] - x[i] * x[i]) / 20
        g[i] -= 2 * x[i] * e
        g[i + 1] += e
    return g


def cases(exact):
    sgd, adagrad, adadelta, adam, adamw = (
        torch.optim.SGD, torch.optim.Adagrad, torch.optim.Adadelta, torch.optim.Adam, torch.optim.AdamW)
    for rate in (0.01, 0.1):
        yield "gd", [exact(rate)], lambda p, s: sgd(p, lr=s[0])
    for rate, epsilon in ((0.01, 1e-10), (0.5, 1e-10), (0.1, 0.01)):
        yield "adagrad", [exact(rate), exact(epsilon)], lambda p, s: adagrad(p, lr=s[0], eps=s[1])
    for rate, decay, epsilon in ((1.0, 0.95, 1e-6), (1.0, 0.9, 1e-6), (0.5, 0.0, 0.01)):
        settings = [exact(rate), exact(decay), exact(epsilon)]
        yield "adadelta", settings, lambda p, s: adadelta(p, lr=s[0], rho=s[1], eps=s[2])
    for settings in ((0.001, 0.9, 0.999, 1e-8), (0.1, 0.9, 0.999, 1e-8), (0.1, 0.5, 0.75, 0.1), (0.05, 0.0, 0.9, 1e-3)):
        settings = [exact(x) for x in settings]
        yield "adam", settings, lambda p, s: adam(p, lr=s[0], betas=(s[1], s[2]), eps=s[3])
    for settings in ((0.01, 0.9), (0.05, 0.5)):
        settings = [exact(x) for x in settings]
        yield "momentum", settings, lambda p, s: sgd(p, lr=s[0], momentum=s[1])
        yield "nesterov", settings, lambda p, s: sgd(p, lr=s[0], momentum=s[1], nesterov=True)
    for settings in ((0.001, 0.9, 0.999, 1e-8, 0.01), (0.1, 0.5, 0.75, 0.1, 0.3)):
        settings = [exact(x) for x in settings]
        yield "adamw", settings, lambda p, s: adamw(p, lr=s[0], betas=(s[1], s[2]), eps=s[3], weight_decay=s[4])


def main():
    lines = []
    for name, dtype in (("f64", torch.float64), ("f32", torch.float32)):
        def exact(value):
            return torch.tensor(value, dtype=dtype).item()

        for kind, settings, make in cases(exact):
            x = torch.tensor([0.5 - 0.25 * i for i in range(N)], dtype=dtype, requires_grad=True)
            optimizer = make([x], settings)
            lines.append(" ".join([kind, name, *map(repr, settings)]))
            for t in range(1, STEPS + 1):
                x.grad = gradient(x.detach())
                optimizer.step()
                if t in SHOWN:
                    lines.append(" ".join([str(t), *(repr(v.item()) for v in x)]))
    pathlib.Path(__file__).with_suffix(".txt").write_text("\n".join(lines) + "\n")


main()
