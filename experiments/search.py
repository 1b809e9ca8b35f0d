#!/usr/bin/env python3
"""The small searches behind the defaults and the tables of docs/results.md, and the runs of those tables.

usage: search.py search ALTMIN DIR [NAME...]   six settings of each method, for two networks, on the first 10,000 training
                                               images, scored on images 55,001 to 60,000
       search.py table ALTMIN DIR [NAME...]    the best of them on the first 55,000 images, scored on the test set
       search.py steps ALTMIN DIR              pdADMM and dlADMM by step rule, defaults, 55,000 images, 100 sweeps

ALTMIN is the release binary, DIR a folder with MNIST's IDX files. NAMEs choose among the methods. A search gives every
setting the operations of 100 full-batch sweeps of Adam, a table 70: products alone, as `altmin info` counts them. Needs
nothing but Python's standard library.
"""

import sys

import runs
from runs import first, flags, grid, show, text

NETWORKS = ["100,100", "500,500"]
FEATURES, CLASSES = 196, 10
MARKS = (0.90, 0.95, 0.97)
BUDGET = {"search": 100, "table": 70}
SAMPLES = {"search": 10_000, "table": 55_000}

penalties, step, proximal = grid("nu", "rho"), grid("learning-rate"), grid("nu", "damping")
interval = grid("rho", "epsilon", "epsilon-rule")

# Name: method, samples of a mini-batch as a share of all or in number, settings.
METHODS = {
    "pdadmm": ("pdadmm", None, penalties((1, 4.1), (0.1, 0.41), (0.1, 4.1), (0.01, 0.41), (0.01, 4.1))
               + [{"nu": 0.1, "rho": 4.1, "rho-schedule": "balance:3:2"}]),
    "dladmm": ("dladmm", None, penalties((0.1, 0.3), (1, 0.3), (1, 1.1), (10, 0.3), (10, 1.1), (30, 0.3))),
    "dlam": ("dlam", None, interval((1, 0.01, "fixed"), (1, 0.1, "fixed"), (0.01, 0.01, "fixed"), (1e-4, 0.01, "fixed"),
                                    (1e-4, 10, "adaptive"), (1, 10, "adaptive"))),
    "taylor": ("taylor", None, penalties((1, 0.3), (10, 0.3), (10, 1.1), (30, 0.3), (30, 1.1), (100, 0.3))),
    "proxprop": ("proxprop", None, proximal((1, 0.1), (3, 0.1), (10, 0.1), (1, 0.3), (3, 0.3), (10, 0.3))),
    "proxprop, batches": ("proxprop", 0.1, proximal((1, 0.1), (3, 0.1), (10, 0.1), (1, 0.3), (3, 0.3), (10, 0.3))),
    "gd": ("gd", None, step(0.03, 0.1, 0.2, 0.3, 0.5, 1)),
    "gd, batches": ("gd", 128, step(0.01, 0.03, 0.1, 0.2, 0.3, 0.5)),
    "adagrad": ("adagrad", None, step(0.001, 0.003, 0.01, 0.03, 0.1, 0.3)),
    "adagrad, batches": ("adagrad", 128, step(0.001, 0.003, 0.01, 0.03, 0.1, 0.3)),
    "adadelta": ("adadelta", None, step(0.1, 0.3, 1, 3, 10, 30)),
    "adadelta, batches": ("adadelta", 128, step(0.03, 0.1, 0.3, 1, 3, 10)),
    "adam": ("adam", None, step(0.0003, 0.001, 0.003, 0.01, 0.02, 0.03)),
    "adam, batches": ("adam", 128, step(0.0001, 0.0003, 0.001, 0.002, 0.003, 0.01)),
}

# What the search found best, by name and network.
BEST = {
    ("pdadmm", "100,100"): {"nu": 0.1, "rho": 4.1, "rho-schedule": "balance:3:2"},
    ("pdadmm", "500,500"): {"nu": 0.1, "rho": 4.1, "rho-schedule": "balance:3:2"},
    ("dladmm", "100,100"): {"nu": 0.1, "rho": 0.3},
    ("dladmm", "500,500"): {"nu": 0.1, "rho": 0.3},
    ("dlam", "100,100"): {"rho": 0.0001, "epsilon": 0.01, "epsilon-rule": "fixed"},
    ("dlam", "500,500"): {"rho": 0.0001, "epsilon": 0.01, "epsilon-rule": "fixed"},
    ("taylor", "100,100"): {"nu": 10, "rho": 1.1},
    ("taylor", "500,500"): {"nu": 30, "rho": 1.1},
    ("proxprop", "100,100"): {"nu": 3, "damping": 0.1},
    ("proxprop", "500,500"): {"nu": 3, "damping": 0.3},
    ("proxprop, batches", "100,100"): {"nu": 1, "damping": 0.3},
    ("proxprop, batches", "500,500"): {"nu": 1, "damping": 0.3},
    ("gd", "100,100"): {"learning-rate": 1},
    ("gd", "500,500"): {"learning-rate": 1},
    ("gd, batches", "100,100"): {"learning-rate": 0.5},
    ("gd, batches", "500,500"): {"learning-rate": 0.5},
    ("adagrad", "100,100"): {"learning-rate": 0.03},
    ("adagrad", "500,500"): {"learning-rate": 0.03},
    ("adagrad, batches", "100,100"): {"learning-rate": 0.03},
    ("adagrad, batches", "500,500"): {"learning-rate": 0.03},
    ("adadelta", "100,100"): {"learning-rate": 3},
    ("adadelta", "500,500"): {"learning-rate": 3},
    ("adadelta, batches", "100,100"): {"learning-rate": 3},
    ("adadelta, batches", "500,500"): {"learning-rate": 3},
    ("adam", "100,100"): {"learning-rate": 0.03},
    ("adam", "500,500"): {"learning-rate": 0.02},
    ("adam, batches", "100,100"): {"learning-rate": 0.01},
    ("adam, batches", "500,500"): {"learning-rate": 0.003},
}


def products(method, widths):
    """Operations of a sweep's products for each sample, in multiplications and additions."""
    total = 0
    for layer, (n_in, n_out) in enumerate(zip(widths, widths[1:])):
        own, square = n_in * n_out, n_in * n_in
        if layer == 0:
            total += 2 * own
        elif method in ("gd", "adagrad", "adadelta", "adam"):
            total += 3 * own
        elif method == "proxprop":
            total += 3 * own + square / 2
        elif method == "dlam":
            total += 4 * own + square / 2
        else:
            exact = min(square, 2 * own + n_out * n_out)
            total += (2 if method == "dladmm" else 1) * (4 * own + square / 2 + exact)
    return total


def sweeps(method, network, mode):
    widths = [FEATURES, *map(int, network.split(",")), CLASSES]
    return max(1, round(BUDGET[mode] * products("adam", widths) / products(method, widths)))


def run(altmin, folder, *options):
    return runs.run(altmin, folder, "--pool", "2", *options)


def train(altmin, folder, mode, name, network, settings):
    method, batch, _ = METHODS[name]
    options = ["--method", method, "--hidden", network, "--samples", str(SAMPLES[mode])]
    options += ["--sweeps", str(sweeps(method, network, mode))] + (["--holdout"] if mode == "search" else [])
    options += ["--batch", str(batch if batch >= 1 else round(batch * SAMPLES[mode]))] if batch else []
    if method == "proxprop":
        options += ["--momentum", "0", "--step-schedule", "constant"] if batch else ["--batch", "all"]
    return run(altmin, folder, *options, *flags(settings))


def cells(rows, seconds):
    """Sweeps, and seconds if asked for, to each mark; the best accuracy and its sweep."""
    marks = list(runs.to_marks(rows, MARKS, seconds))
    best = max(rows, key=lambda row: row["test_accuracy"], default=None)
    return marks + ([f"{best['test_accuracy']:.4f}", str(best["sweep"])] if best else ["-", "-"])


def search(altmin, folder, names):
    show("hidden", "method", "setting", *(f"to {mark:.2f}" for mark in MARKS), "best", "at", "of")
    for network in NETWORKS:
        for name in names:
            for settings in METHODS[name][2]:
                rows = train(altmin, folder, "search", name, network, settings)
                show(network, name, text(settings), *cells(rows, False), len(rows))


def table(altmin, folder, names):
    show("hidden", "method", "setting", *(f"to {mark:.2f}" for mark in MARKS), "best", "at", "of", "s a sweep")
    for network in NETWORKS:
        for name in names:
            settings = BEST[name, network]
            rows = train(altmin, folder, "table", name, network, settings)
            time = f"{rows[-1]['seconds'] / len(rows):.3f}" if rows else "-"
            show(network, name, text(settings), *cells(rows, True), len(rows), time)


def steps(altmin, folder, _):
    show("method", "step", "sweeps to 0.90", "to 0.93", "test after 50", "after 100")
    at = lambda rows, sweep: f"{rows[sweep - 1]['test_accuracy']:.4f}" if len(rows) >= sweep else "-"
    for method in ("pdadmm", "dladmm", "dlam"):
        for rule in ("least-squares", "vector", "scalar", "backtracking"):
            options = ["--samples", "55000", "--hidden", "500,500", "--sweeps", "100", "--method", method, "--step", rule]
            rows = run(altmin, folder, *options)
            marks = [(first(rows, mark) or {"sweep": "-"})["sweep"] for mark in (0.90, 0.93)]
            show(method, rule, *marks, at(rows, 50), at(rows, 100))


MODES = {"search": search, "table": table, "steps": steps}

if __name__ == "__main__":
    names = sys.argv[4:] or list(METHODS)
    if len(sys.argv) < 4 or sys.argv[1] not in MODES or not set(names) <= set(METHODS):
        sys.exit(__doc__)
    MODES[sys.argv[1]](sys.argv[2], sys.argv[3], names)
